package sign

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
)

// A request that was signed before it was sent is accepted where it arrives, with its address as it was written.
func TestOverTheWire(t *testing.T) {
	for _, p := range oversight.Profiles {
		s := newStand(t, noon)
		k := keyOf(t, p, "K1")
		s.keys["K1"] = k
		var refused error
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			_, refused = s.Verify(r.Context(), MessageOf(r, "http", body), CertificateOf(r))
		}))
		for _, target := range []string{"/", "/a/b?x=1&y=%2F", "/%E7%A9%97?q=a+b%20c", "/a?", "/a%2Fb//c"} {
			for _, body := range []string{"", `{"a":1}`} {
				method := http.MethodGet
				if body != "" {
					method = http.MethodPost
				}
				r, err := http.NewRequest(method, server.URL+target, bytes.NewReader([]byte(body)))
				if err != nil {
					t.Fatal(err)
				}
				if p.Gateway() {
					for name, line := range k.SignGateway(MessageOf(r, "http", []byte(body)), noon, "drawn"+string(rune('a'+len(s.used)))+"12") {
						r.Header.Set(name, line)
					}
				} else {
					covered := []string{"@method", "@target-uri"}
					if body != "" {
						r.Header.Set("Content-Digest", Digest([]byte(body)))
						covered = append(covered, "content-digest", "content-length")
					}
					input, value, err := k.Sign(MessageOf(r, "http", []byte(body)), "sig1", covered, Params{Created: noon, Nonce: "nonce " + target + method})
					if err != nil {
						t.Fatal(err)
					}
					r.Header.Set("Signature-Input", input)
					r.Header.Set("Signature", value)
				}
				again := r.Clone(t.Context())
				again.Body = io.NopCloser(bytes.NewReader([]byte(body)))
				for n, r := range []*http.Request{r, again} {
					answer, err := http.DefaultClient.Do(r)
					if err != nil {
						t.Fatal(err)
					}
					answer.Body.Close()
					if want := []fault.Code{"", fault.SignatureReplayed}[n]; fault.CodeOf(refused) != want {
						t.Errorf("%s %s, time %d: %v, want %q", p, target, n+1, refused, want)
					}
				}
			}
		}
		server.Close()
	}
}
