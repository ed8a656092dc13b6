package dysms

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const algorithm = "ACS3-HMAC-SHA256"

// sign adds the digest of the body and the signature of a request to host: over method, path /, query, and the headers that say what is asked for.
func sign(r *http.Request, host, query string, body []byte, key, secret string) {
	digest := sha256.Sum256(body)
	r.Header.Set("X-Acs-Content-Sha256", hex.EncodeToString(digest[:]))
	headers := map[string]string{"host": host}
	for name := range r.Header {
		if lower := strings.ToLower(name); lower == "content-type" || strings.HasPrefix(lower, "x-acs-") {
			headers[lower] = strings.TrimSpace(r.Header.Get(name))
		}
	}
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString(r.Method + "\n/\n" + query + "\n")
	for _, name := range names {
		b.WriteString(name + ":" + headers[name] + "\n")
	}
	signed := strings.Join(names, ";")
	b.WriteString("\n" + signed + "\n" + hex.EncodeToString(digest[:]))
	whole := sha256.Sum256([]byte(b.String()))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(algorithm + "\n" + hex.EncodeToString(whole[:])))
	r.Header.Set("Authorization", algorithm+" Credential="+key+",SignedHeaders="+signed+",Signature="+hex.EncodeToString(mac.Sum(nil)))
}

// encode writes parameters in order, everything but letters, digits and -_.~ by percent.
func encode(params url.Values) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(params.Encode())
}
