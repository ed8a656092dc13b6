package sign

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// Structured fields (RFC 9651), as much of them as signatures and digests need, read strictly: what the standard lets
// a reader repair (padding, a name said twice) is refused, so that nobody reads it in two ways.

// Most of what one field may hold.
const (
	mostField   = 16 << 10 // bytes
	mostMembers = 16       // of a dictionary
	mostItems   = 64       // of a list
	mostParams  = 16
)

var errField = errors.New("sign: not a structured field")

// kind is what a bare value is.
type kind byte

const (
	isInteger kind = iota
	isDecimal
	isString
	isToken
	isBytes
	isBoolean
	isDate
)

// value is a bare value. text is what a string, token or byte sequence says, else how the value is written.
type value struct {
	kind kind
	text string
	n    int64 // of isInteger and isDate
}

type param struct {
	key string
	value
}

// item is a value with its parameters.
type item struct {
	value
	params []param
}

// member is one entry of a dictionary: a list of items, or one.
type member struct {
	key    string
	isList bool
	list   []item
	one    item    // where it is no list
	params []param // of a list
}

// parseDictionary reads the lines of a field whose value is a dictionary.
func parseDictionary(lines []string) (out []member, err error) {
	s := reader{rest: strings.Join(lines, ", ")}
	if len(s.rest) > mostField {
		return nil, errField
	}
	s.spaces()
	for s.rest != "" {
		m, err := s.member()
		if err != nil {
			return nil, err
		}
		for _, had := range out {
			if had.key == m.key {
				return nil, errField
			}
		}
		if out = append(out, m); len(out) > mostMembers {
			return nil, errField
		}
		s.blanks()
		if s.rest == "" {
			return out, nil
		}
		if !s.skip(',') {
			return nil, errField
		}
		s.blanks()
		if s.rest == "" { // a comma and nothing behind it
			return nil, errField
		}
	}
	return out, nil
}

// reader reads a field from the left.
type reader struct{ rest string }

func (s *reader) skip(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *reader) spaces() { s.rest = strings.TrimLeft(s.rest, " ") }
func (s *reader) blanks() { s.rest = strings.TrimLeft(s.rest, " \t") }

func (s *reader) member() (m member, err error) {
	if m.key, err = s.key(); err != nil {
		return m, err
	}
	if !s.skip('=') {
		m.one.value = value{kind: isBoolean, text: "?1"}
		m.one.params, err = s.parameters()
		return m, err
	}
	if s.skip('(') {
		m.isList = true
		if m.list, err = s.items(); err != nil {
			return m, err
		}
		m.params, err = s.parameters()
		return m, err
	}
	m.one, err = s.item()
	return m, err
}

// items reads a list whose opening bracket has been read.
func (s *reader) items() (out []item, err error) {
	for {
		s.spaces()
		if s.skip(')') {
			return out, nil
		}
		i, err := s.item()
		if err != nil {
			return nil, err
		}
		if out = append(out, i); len(out) > mostItems {
			return nil, errField
		}
		if s.rest == "" || s.rest[0] != ' ' && s.rest[0] != ')' {
			return nil, errField
		}
	}
}

func (s *reader) item() (i item, err error) {
	if i.value, err = s.value(); err != nil {
		return i, err
	}
	i.params, err = s.parameters()
	return i, err
}

func (s *reader) parameters() (out []param, err error) {
	for s.skip(';') {
		s.spaces()
		p := param{value: value{kind: isBoolean, text: "?1"}}
		if p.key, err = s.key(); err != nil {
			return nil, err
		}
		if s.skip('=') {
			if p.value, err = s.value(); err != nil {
				return nil, err
			}
		}
		for _, had := range out {
			if had.key == p.key {
				return nil, errField
			}
		}
		if out = append(out, p); len(out) > mostParams {
			return nil, errField
		}
	}
	return out, nil
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isAlpha(c byte) bool { return isLower(c) || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isTchar tells whether a character may stand in a token of HTTP.
func isTchar(c byte) bool {
	return isAlpha(c) || isDigit(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// while takes the characters for which is says so.
func (s *reader) while(is func(byte) bool) string {
	n := 0
	for n < len(s.rest) && is(s.rest[n]) {
		n++
	}
	out := s.rest[:n]
	s.rest = s.rest[n:]
	return out
}

func (s *reader) key() (string, error) {
	if s.rest == "" || !isLower(s.rest[0]) && s.rest[0] != '*' {
		return "", errField
	}
	return s.while(func(c byte) bool { return isLower(c) || isDigit(c) || c == '_' || c == '-' || c == '.' || c == '*' }), nil
}

func (s *reader) value() (value, error) {
	if s.rest == "" {
		return value{}, errField
	}
	switch c := s.rest[0]; {
	case c == '"':
		return s.str()
	case c == ':':
		return s.bytes()
	case c == '?':
		if len(s.rest) < 2 || s.rest[1] != '0' && s.rest[1] != '1' {
			return value{}, errField
		}
		v := value{kind: isBoolean, text: s.rest[:2]}
		s.rest = s.rest[2:]
		return v, nil
	case c == '@':
		s.rest = s.rest[1:]
		v, err := s.number()
		if err != nil || v.kind != isInteger {
			return value{}, errField
		}
		return value{kind: isDate, text: "@" + v.text, n: v.n}, nil
	case c == '-' || isDigit(c):
		return s.number()
	case isAlpha(c) || c == '*':
		return value{kind: isToken, text: s.while(func(c byte) bool { return isTchar(c) || c == ':' || c == '/' })}, nil
	}
	return value{}, errField
}

// number reads an integer of at most 15 digits, or a decimal of at most 12 and 3.
func (s *reader) number() (value, error) {
	sign := ""
	if s.skip('-') {
		sign = "-"
	}
	whole := s.while(isDigit)
	if whole == "" || len(whole) > 15 {
		return value{}, errField
	}
	if s.skip('.') {
		part := s.while(isDigit)
		if part == "" || len(part) > 3 || len(whole) > 12 {
			return value{}, errField
		}
		return value{kind: isDecimal, text: sign + whole + "." + part}, nil
	}
	n, err := strconv.ParseInt(sign+whole, 10, 64)
	if err != nil {
		return value{}, errField
	}
	return value{kind: isInteger, text: strconv.FormatInt(n, 10), n: n}, nil
}

func (s *reader) str() (value, error) {
	var b strings.Builder
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			s.rest = s.rest[i+1:]
			return value{kind: isString, text: b.String()}, nil
		case c == '\\':
			i++
			if i == len(s.rest) || s.rest[i] != '"' && s.rest[i] != '\\' {
				return value{}, errField
			}
			b.WriteByte(s.rest[i])
		case c < ' ' || c > '~':
			return value{}, errField
		default:
			b.WriteByte(c)
		}
	}
	return value{}, errField
}

// base64 with its padding, and nothing in its last bits.
var base64Strict = base64.StdEncoding.Strict()

func (s *reader) bytes() (value, error) {
	coded, rest, closed := strings.Cut(s.rest[1:], ":")
	if !closed || strings.ContainsAny(coded, "\r\n") { // which the decoder would pass over
		return value{}, errField
	}
	raw, err := base64Strict.DecodeString(coded)
	if err != nil {
		return value{}, errField
	}
	s.rest = rest
	return value{kind: isBytes, text: string(raw)}, nil
}

// How values are written.

func (v value) String() string {
	switch v.kind {
	case isString:
		return quote(v.text)
	case isBytes:
		return byteSequence([]byte(v.text))
	}
	return v.text
}

// quote writes a string; it holds printable ASCII only.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func byteSequence(b []byte) string { return ":" + base64Strict.EncodeToString(b) + ":" }

func writeParams(b *strings.Builder, params []param) {
	for _, p := range params {
		b.WriteByte(';')
		b.WriteString(p.key)
		if p.kind == isBoolean && p.text == "?1" {
			continue
		}
		b.WriteByte('=')
		b.WriteString(p.value.String())
	}
}

func (i item) String() string {
	var b strings.Builder
	b.WriteString(i.value.String())
	writeParams(&b, i.params)
	return b.String()
}

// writeList writes a list with its parameters.
func writeList(list []item, params []param) string {
	var b strings.Builder
	b.WriteByte('(')
	for n, i := range list {
		if n > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(i.String())
	}
	b.WriteByte(')')
	writeParams(&b, params)
	return b.String()
}

func text(s string) value { return value{kind: isString, text: s} }

func integer(n int64) value { return value{kind: isInteger, text: strconv.FormatInt(n, 10), n: n} }
