package sign

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// MessageOf makes a Message of a request that was received, or is to be sent. scheme is that of the address people
// use, where something in front of us speaks TLS; body is the whole of it.
func MessageOf(r *http.Request, scheme string, body []byte) *Message {
	m := &Message{
		Method: r.Method, Scheme: scheme, Authority: r.Host, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Asked: r.URL.RawQuery != "" || r.URL.ForceQuery,
		Fields: make(map[string][]string, len(r.Header)+2), Body: body,
	}
	if m.Authority == "" {
		m.Authority = r.URL.Host
	}
	if target := r.RequestURI; strings.HasPrefix(target, "/") { // as it came, not as it was read
		m.Path, m.Query, m.Asked = strings.Cut(target, "?")
	}
	for name, lines := range r.Header {
		name = strings.ToLower(name)
		m.Fields[name] = append(m.Fields[name], lines...)
	}
	m.Fields["host"] = []string{m.Authority}
	if len(m.Fields["content-length"]) == 0 && r.ContentLength > 0 {
		m.Fields["content-length"] = []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	return m
}

// CertificateOf is the SHA-256 of the certificate a client showed and that was checked, in hex; "" for none.
func CertificateOf(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(r.TLS.PeerCertificates[0].Raw)
	return hex.EncodeToString(sum[:])
}
