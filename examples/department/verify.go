package main

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// gate checks that a request was signed by the platform (RFC 9421), that it is the one that was signed, and that it did not come
// before. Which signatures were used is forgotten at a restart: whatever is sent again then does nothing new under its id.
type gate struct {
	key   string
	base  string // address the platform uses; "" = http:// and the host it asked
	check func(base, signature []byte) bool
	now   func() time.Time
	mode  string

	mu   sync.Mutex
	used map[string]time.Time // nonces, and until when they matter
}

const skew = 5 * time.Minute

var (
	errSignature = errors.New("not signed as it should be")

	// What the platform writes: its label, what is covered, and the parameters in any order.
	inputForm  = regexp.MustCompile(`^suiyue=(\(("[a-z@-]+"(?: "[a-z@-]+")*)\)((?:;[a-z]+=(?:"[ -!#-\[\]-~]*"|[0-9]{1,15}))*))$`)
	paramForm  = regexp.MustCompile(`;([a-z]+)=(?:"([^"]*)"|([0-9]+))`)
	valueForm  = regexp.MustCompile(`^suiyue=:([A-Za-z0-9+/]+=*):$`)
	digestForm = regexp.MustCompile(`^sha-256=:([A-Za-z0-9+/]+=*):$`)
)

// one is the line of a field that is there once.
func one(r *http.Request, name string) string {
	if lines := r.Header.Values(name); len(lines) == 1 {
		return lines[0]
	}
	return ""
}

func (g *gate) verify(r *http.Request, body []byte) error {
	if g.mode == "unsigned" {
		return nil
	}
	input, value := inputForm.FindStringSubmatch(one(r, "Signature-Input")), valueForm.FindStringSubmatch(one(r, "Signature"))
	if input == nil || value == nil {
		return errSignature
	}
	params := map[string]string{}
	for _, p := range paramForm.FindAllStringSubmatch(input[3], -1) {
		if _, twice := params[p[1]]; twice {
			return errSignature
		}
		params[p[1]] = p[2] + p[3]
	}
	created, err := strconv.ParseInt(params["created"], 10, 64)
	if err != nil || params["keyid"] != g.key || params["tag"] != "suiyue" || len(params["nonce"]) < 8 {
		return errSignature
	}
	if g.mode == "any-signature-of-key" {
		return nil
	}
	if at := time.Unix(created, 0); g.mode != "any-time" && (g.now().Sub(at) > skew || at.Sub(g.now()) > skew) {
		return errSignature
	}
	if expires, err := strconv.ParseInt(params["expires"], 10, 64); params["expires"] != "" && (err != nil || g.now().Unix() >= expires) {
		return errSignature
	}

	// The text that was signed: a line for each covered part, then the parameters.
	base := g.base
	if base == "" {
		base = "http://" + r.Host
	}
	parts := map[string]string{"@method": r.Method, "@target-uri": strings.TrimRight(base, "/") + r.RequestURI, "content-digest": one(r, "Content-Digest")}
	var text strings.Builder
	covered := map[string]bool{}
	for name := range strings.SplitSeq(input[2], " ") {
		part, known := parts[strings.Trim(name, `"`)]
		if !known || part == "" || covered[name] {
			return errSignature
		}
		covered[name] = true
		text.WriteString(name + ": " + part + "\n")
	}
	text.WriteString(`"@signature-params": ` + input[1])
	if g.mode != "cover-nothing" && (!covered[`"@method"`] || !covered[`"@target-uri"`]) || len(body) > 0 && !covered[`"content-digest"`] {
		return errSignature
	}
	signature, err := base64.StdEncoding.DecodeString(value[1])
	if err != nil || !g.check([]byte(text.String()), signature) {
		return errSignature
	}
	if digest := digestForm.FindStringSubmatch(parts["content-digest"]); len(body) > 0 && g.mode != "any-digest" {
		sum := sha256.Sum256(body)
		if digest == nil || digest[1] != base64.StdEncoding.EncodeToString(sum[:]) {
			return errSignature
		}
	}
	return g.take(params["nonce"], time.Unix(created, 0).Add(2*skew))
}

// take uses up a nonce.
func (g *gate) take(nonce string, until time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for n, t := range g.used {
		if now.After(t) {
			delete(g.used, n)
		}
	}
	if _, twice := g.used[nonce]; twice && g.mode != "replayed" {
		return errSignature
	}
	g.used[nonce] = until
	return nil
}

// checkerOf checks with a secret of both sides, or with a public key of the platform's.
func checkerOf(secretFile, publicFile string) (func(base, signature []byte) bool, error) {
	switch {
	case (secretFile == "") == (publicFile == ""):
		return nil, errors.New("either -secret-file or -public-file must be given")
	case secretFile != "":
		text, err := os.ReadFile(secretFile)
		secret := strings.TrimSpace(string(text))
		if err == nil && secret == "" {
			err = errors.New("the secret is empty")
		}
		return func(base, signature []byte) bool {
			m := hmac.New(sha256.New, []byte(secret))
			m.Write(base)
			return hmac.Equal(m.Sum(nil), signature)
		}, err
	}
	text, err := os.ReadFile(publicFile)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the public key is no PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("the public key is not of Ed25519")
	}
	return func(base, signature []byte) bool { return ed25519.Verify(public, base, signature) }, nil
}
