package sign

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"net/url"
	"strings"

	"suiyue/internal/domain/fault"
)

// Message is a request as it is signed: what is covered of it, and its body.
type Message struct {
	Method    string
	Scheme    string              // https or http
	Authority string              // host, and port where it is not the scheme's
	Path      string              // as it was sent, percent-encoded
	Query     string              // as it was sent, without the question mark
	Asked     bool                // there is a question mark
	Fields    map[string][]string // lines of each field, by its name in lower case
	Body      []byte
}

// target is path and query, as in the first line of a request.
func (m *Message) target() string {
	t := m.path()
	if m.Asked {
		t += "?" + m.Query
	}
	return t
}

func (m *Message) path() string {
	if m.Path == "" {
		return "/"
	}
	return m.Path
}

// authority is the host in lower case, without the port that goes without saying.
func (m *Message) authority() string {
	a := strings.ToLower(m.Authority)
	switch m.Scheme {
	case "https":
		a = strings.TrimSuffix(a, ":443")
	case "http":
		a = strings.TrimSuffix(a, ":80")
	}
	return a
}

// one returns the line of a field that must be there once.
func (m *Message) one(name string) (string, bool) {
	lines := m.Fields[name]
	if len(lines) != 1 {
		return "", false
	}
	return lines[0], true
}

// component returns what a covered component says of the message: its line of the signature base behind the name.
func (m *Message) component(i item) (string, error) {
	if i.kind != isString || i.text == "" {
		return "", fault.New(fault.SignatureMalformed)
	}
	if i.text == "@query-param" {
		return m.queryParam(i.params)
	}
	asBytes := false
	for _, p := range i.params {
		if p.key != "bs" || p.text != "?1" || p.kind != isBoolean || i.text[0] == '@' {
			return "", fault.New(fault.SignaturePartUnknown)
		}
		asBytes = true
	}
	if i.text[0] == '@' {
		switch i.text {
		case "@method":
			return m.Method, nil
		case "@scheme":
			return strings.ToLower(m.Scheme), nil
		case "@authority":
			return m.authority(), nil
		case "@path":
			return m.path(), nil
		case "@query":
			return "?" + m.Query, nil
		case "@request-target":
			return m.target(), nil
		case "@target-uri":
			return strings.ToLower(m.Scheme) + "://" + m.authority() + m.target(), nil
		}
		return "", fault.New(fault.SignaturePartUnknown)
	}
	for n := range len(i.text) {
		if c := i.text[n]; !isTchar(c) || c >= 'A' && c <= 'Z' {
			return "", fault.New(fault.SignatureMalformed)
		}
	}
	lines, there := m.Fields[i.text]
	if !there || len(lines) == 0 {
		return "", fault.New(fault.SignaturePartAbsent)
	}
	out := make([]string, len(lines))
	for n, line := range lines {
		out[n] = strings.Trim(line, " \t")
		if asBytes {
			out[n] = byteSequence([]byte(out[n]))
		}
	}
	return strings.Join(out, ", "), nil
}

// queryParam is one parameter of the query, which must be there once (RFC 9421, 2.2.8).
func (m *Message) queryParam(params []param) (string, error) {
	if len(params) != 1 || params[0].key != "name" || params[0].kind != isString {
		return "", fault.New(fault.SignatureMalformed)
	}
	found, times := "", 0
	for pair := range strings.SplitSeq(m.Query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return "", fault.New(fault.SignatureMalformed)
		}
		if formEncode(name) == params[0].text {
			found, times = formEncode(value), times+1
		}
	}
	if times != 1 {
		return "", fault.New(fault.SignaturePartAbsent)
	}
	return found, nil
}

// formEncode encodes as forms do, but a space as %20.
func formEncode(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for n := range len(s) {
		if c := s[n]; isAlpha(c) || isDigit(c) || c == '*' || c == '-' || c == '.' || c == '_' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// base is the text that is signed (RFC 9421, 2.5): a line for each covered component, then the parameters.
func (m *Message) base(covered []item, params []param) (string, error) {
	var b strings.Builder
	seen := map[string]bool{}
	for _, i := range covered {
		name := i.String()
		if seen[name] {
			return "", fault.New(fault.SignatureMalformed)
		}
		seen[name] = true
		says, err := m.component(i)
		if err != nil {
			return "", err
		}
		for n := range len(says) { // a line break would make a line of its own
			if c := says[n]; c < ' ' && c != '\t' || c > '~' {
				return "", fault.New(fault.SignaturePartUnknown)
			}
		}
		b.WriteString(name)
		b.WriteString(": ")
		b.WriteString(says)
		b.WriteByte('\n')
	}
	b.WriteString(`"@signature-params": `)
	b.WriteString(writeList(covered, params))
	return b.String(), nil
}

// Digest is the field Content-Digest of a body (RFC 9530), by SHA-256.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=" + byteSequence(sum[:])
}

// CheckDigest compares a body with the lines of its Content-Digest. Every digest of a kind that is known must agree,
// and there must be one.
func CheckDigest(lines []string, body []byte) error {
	all, err := parseDictionary(lines)
	if err != nil {
		return fault.New(fault.SignatureMalformed)
	}
	known := false
	for _, d := range all {
		if d.isList || d.one.kind != isBytes {
			return fault.New(fault.SignatureMalformed)
		}
		var want []byte
		switch d.key {
		case "sha-256":
			sum := sha256.Sum256(body)
			want = sum[:]
		case "sha-512":
			sum := sha512.Sum512(body)
			want = sum[:]
		default:
			continue
		}
		known = true
		if subtle.ConstantTimeCompare([]byte(d.one.text), want) != 1 {
			return fault.New(fault.SignatureDigestWrong)
		}
	}
	if !known {
		return fault.New(fault.SignatureIncomplete, "part", "content-digest")
	}
	return nil
}
