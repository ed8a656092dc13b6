package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/gate/sign"
)

// platform is a server that checks signatures as the platform does, and answers with the key and the body.
type platform struct {
	*httptest.Server
	keys map[string]*sign.Key
	used map[string]bool
}

func (p *platform) Take(_ context.Context, key, nonce string, _ time.Time) error {
	if p.used[key+nonce] {
		return fault.New(fault.SignatureReplayed)
	}
	p.used[key+nonce] = true
	return nil
}

func newPlatform(t *testing.T) *platform {
	p := &platform{keys: map[string]*sign.Key{}, used: map[string]bool{}}
	v := sign.Verifier{Keys: func(_ context.Context, id string) (*sign.Key, error) { return p.keys[id], nil }, Nonces: p, Now: time.Now, Skew: 5 * time.Minute}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		k, err := v.Verify(r.Context(), sign.MessageOf(r, "http", body), "")
		if err != nil {
			http.Error(w, string(fault.CodeOf(err)), http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, k.ID+" "+r.Method+" "+string(body))
	}))
	t.Cleanup(p.Close)
	return p
}

// The examples are signed as they should be: run against a server that checks.
func TestExamples(t *testing.T) {
	p, dir := newPlatform(t), t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	secret := rand.Text()
	until := time.Now().Add(time.Hour)
	p.keys["H"] = &sign.Key{ID: "H", Profile: oversight.HMACSHA256, Secret: []byte(secret), Until: until}
	p.keys["G"] = &sign.Key{ID: "G", Profile: oversight.GatewaySHA256, Secret: []byte(secret), Until: until}
	p.keys["E"] = &sign.Key{ID: "E", Profile: oversight.Ed25519, Public: public, Until: until}
	secretFile, wrongFile := write("secret", secret+"\n"), write("wrong", "another\n")
	privateFile := write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	body := write("body.json", `{"name":"穗"}`)
	const target = "/api/v1/source/days?from=2026-11-01&to=2026-11-30"

	for _, c := range []struct{ profile, key, file string }{{"hmac-sha256", "H", "-secret-file=" + secretFile}, {"gateway-sha256", "G", "-secret-file=" + secretFile}, {"ed25519", "E", "-private-file=" + privateFile}} {
		for _, more := range [][]string{nil, {"-body=" + body}} {
			var out strings.Builder
			err := run(append([]string{"-url=" + p.URL + target, "-profile=" + c.profile, "-key=" + c.key, c.file}, more...), &out)
			if want := c.key + map[bool]string{true: " GET ", false: ` POST {"name":"穗"}`}[more == nil]; err != nil || out.String() != want {
				t.Errorf("%s: %q, %v; want %q", c.profile, out.String(), err, want)
			}
		}
		if c.profile != "ed25519" {
			if err := run([]string{"-url=" + p.URL + target, "-profile=" + c.profile, "-key=" + c.key, "-secret-file=" + wrongFile}, io.Discard); err == nil {
				t.Errorf("%s with another secret is accepted", c.profile)
			}
		}
	}

	for _, c := range []struct {
		script, key string
		args        []string
		want        string
	}{
		{"ask.sh", "H", []string{p.URL + target}, "H GET "}, {"ask.sh", "H", []string{p.URL + target, body}, `H POST {"name":"穗"}`},
		{"gateway.sh", "G", []string{p.URL, target}, "G GET "}, {"gateway.sh", "G", []string{p.URL, target, body}, `G POST {"name":"穗"}`},
	} {
		cmd := exec.CommandContext(t.Context(), "sh", append([]string{c.script}, c.args...)...)
		cmd.Env = append(os.Environ(), "KEY="+c.key, "SECRET_FILE="+secretFile)
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != c.want {
			t.Errorf("%s %v: %q, %v; want %q", c.script, c.args, out, err, c.want)
		}
	}
}
