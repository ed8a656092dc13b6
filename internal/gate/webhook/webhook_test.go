package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"suiyue/internal/domain/feed"
	"suiyue/internal/gate/egress"
	"suiyue/internal/gate/egress/egresstest"
)

var now = time.Unix(1_796_097_600, 0).UTC()

func clock() time.Time { return now }

var secrets = []string{Prefix + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 32))), Prefix + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("b", 32)))}

// The example of the standard's own libraries.
func TestTheSignatureIsThatOfTheStandard(t *testing.T) {
	got, err := Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%s, %v", got, err)
	}
	both, err := Sign("msg_1", now, []byte("{}"), secrets...)
	if one, _ := Sign("msg_1", now, []byte("{}"), secrets[1]); err != nil || len(strings.Fields(both)) != 2 || !strings.HasSuffix(both, " "+one) {
		t.Errorf("with two: %s, %v", both, err)
	}
	for _, bad := range [][]string{nil, {""}, {"whsec_"}, {"whsec_!!"}, {Prefix + base64.StdEncoding.EncodeToString(make([]byte, 23))}, {Prefix + base64.StdEncoding.EncodeToString(make([]byte, 65))}} {
		if _, err := Sign("msg_1", now, nil, bad...); !errors.Is(err, ErrSecret) {
			t.Errorf("signed with %q: %v", bad, err)
		}
	}
}

// consumer is an address on this machine and a guard that lets it be called.
func consumer(t *testing.T, h http.HandlerFunc) (*httptest.Server, *Sender) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader(readAll(r.Body))) // read whole, a server sees when its client goes away
		h(w, r)
	}))
	t.Cleanup(srv.Close)
	u, _ := url.Parse(srv.URL)
	port, _ := strconv.Atoi(u.Port())
	g := egress.New(egress.Options{
		Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Ports: []int{port}, TLS: srv.Client().Transport.(*http.Transport).TLSClientConfig, Timeout: 500 * time.Millisecond,
	})
	return srv, New(g, clock, "Suiyue")
}

func readAll(r io.Reader) string {
	b, _ := io.ReadAll(r)
	return string(b)
}

func TestWhatIsPosted(t *testing.T) {
	var got *http.Request
	var body []byte
	srv, s := consumer(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	a := s.Post(t.Context(), Message{ID: "msg_1", URL: srv.URL + "/hooks?x=1", Body: []byte(`{"type":"x"}`), Secrets: secrets})
	if a != (feed.Answer{Status: 204}) {
		t.Fatalf("%+v", a)
	}
	if got.Method != "POST" || got.URL.String() != "/hooks?x=1" || got.Header.Get("Content-Type") != "application/json" || got.Header.Get("User-Agent") != "Suiyue" || string(body) != `{"type":"x"}` {
		t.Errorf("%s %s %v %s", got.Method, got.URL, got.Header, body)
	}
	h := hmac.New(sha256.New, []byte(strings.Repeat("b", 32))) // as the other side looks at it
	fmt.Fprintf(h, "%s.%s.%s", got.Header.Get("webhook-id"), got.Header.Get("webhook-timestamp"), body)
	if !strings.Contains(" "+got.Header.Get("webhook-signature")+" ", " v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil))+" ") || got.Header.Get("webhook-id") != "msg_1" || got.Header.Get("webhook-timestamp") != "1796097600" {
		t.Errorf("signed: %v", got.Header)
	}
}

func TestWhatCameOfIt(t *testing.T) {
	answer := func(status int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
		}
	}
	raw := func(text string) http.HandlerFunc { // and then the line is dead
		return func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			io.WriteString(conn, text)
			conn.Close()
		}
	}
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		want feed.Answer
	}{
		"200":                   {answer(200), feed.Answer{Status: 200}},
		"299":                   {answer(299), feed.Answer{Status: 299}},
		"500":                   {answer(500), feed.Answer{Failure: feed.FailedStatus, Status: 500}},
		"404":                   {answer(404), feed.Answer{Failure: feed.FailedStatus, Status: 404}},
		"410":                   {answer(410), feed.Answer{Failure: feed.FailedStatus, Status: 410}},
		"429 in seconds":        {answer(429, "Retry-After", "120"), feed.Answer{Failure: feed.FailedStatus, Status: 429, Wait: 2 * time.Minute}},
		"503 at an instant":     {answer(503, "Retry-After", now.Add(time.Hour).Format(http.TimeFormat)), feed.Answer{Failure: feed.FailedStatus, Status: 503, Wait: time.Hour}},
		"503 in the past":       {answer(503, "Retry-After", now.Add(-time.Hour).Format(http.TimeFormat)), feed.Answer{Failure: feed.FailedStatus, Status: 503}},
		"429 with rubbish":      {answer(429, "Retry-After", "-1 soon"), feed.Answer{Failure: feed.FailedStatus, Status: 429}},
		"500 that asks to wait": {answer(500, "Retry-After", "120"), feed.Answer{Failure: feed.FailedStatus, Status: 500}},
		"elsewhere":             {answer(307, "Location", "https://127.0.0.1/x"), feed.Answer{Failure: feed.FailedRedirect}},
		"elsewhere, unsaid":     {answer(304), feed.Answer{Failure: feed.FailedRedirect, Status: 304}},
		"nothing":               {raw(""), feed.Answer{Failure: feed.FailedConnect}},
		"half a head":           {raw("HTTP/1.1 20"), feed.Answer{Failure: feed.FailedConnect}},
		"half a body":           {raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), feed.Answer{Status: 200}},
		"rubbish":               {raw("220 mail ready\r\n"), feed.Answer{Failure: feed.FailedConnect}},
		"too slow":              {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, feed.Answer{Failure: feed.FailedTimeout}},
		"a body without an end": {func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, feed.Answer{Status: 200}},
		"a body that drips": {func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, feed.Answer{Status: 200}},
		"a head without an end": {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, feed.Answer{Failure: feed.FailedConnect}},
	} {
		srv, s := consumer(t, c.h)
		began := time.Now()
		if got := s.Post(t.Context(), Message{ID: "msg_1", URL: srv.URL, Body: []byte("{}"), Secrets: secrets}); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
	_, s := consumer(t, answer(200))
	for name, c := range map[string]struct {
		url  string
		keys []string
		want feed.Failure
	}{
		"not an address": {"://", secrets, feed.FailedAddress}, "no secret": {"https://hooks.example.org", nil, feed.FailedAddress}, "nobody there": {"https://127.0.0.1:1/", secrets, feed.FailedAddress},
	} {
		if got := s.Post(t.Context(), Message{ID: "m", URL: c.url, Body: []byte("{}"), Secrets: c.keys}); got.Failure != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// Whose certificate nobody vouches for is told nothing.
	var hits atomic.Int64
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer srv.Close()
	u, _ := url.Parse(srv.URL)
	port, _ := strconv.Atoi(u.Port())
	strict := New(egress.New(egress.Options{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Ports: []int{port}}), clock, "Suiyue")
	if got := strict.Post(t.Context(), Message{ID: "m", URL: srv.URL, Body: []byte("{}"), Secrets: secrets}); got.Failure != feed.FailedConnect || hits.Load() != 0 {
		t.Errorf("an unknown certificate: %+v, %d calls", got, hits.Load())
	}
}

// resolver leads every name into the house.
type resolver struct{ to netip.Addr }

func (r resolver) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{r.to}, nil
}

func TestNoMessageGoesToWhatIsOurs(t *testing.T) {
	if len(egresstest.Refused) < 120 {
		t.Fatalf("only %d addresses", len(egresstest.Refused))
	}
	never := func(_ context.Context, _, address string) (net.Conn, error) {
		t.Errorf("a connection to %s", address)
		return nil, errors.New("no")
	}
	for _, plain := range []bool{false, true} {
		s := New(egress.New(egress.Options{Resolver: resolver{netip.MustParseAddr("127.0.0.1")}, Dialer: never, Plain: plain, Ports: []int{80, 443}}), clock, "Suiyue")
		for _, host := range egresstest.Refused {
			for _, scheme := range []string{"https://", "http://"} {
				if host == "example.org:80" && plain {
					continue
				}
				if got := s.Post(t.Context(), Message{ID: "m", URL: scheme + host + "/hook", Body: []byte("{}"), Secrets: secrets}); got.Failure != feed.FailedAddress && got.Failure != feed.FailedConnect {
					t.Errorf("%s%s: %+v", scheme, host, got)
				}
			}
		}
	}
	// A name that leads into the house after it had been looked at.
	for _, to := range []string{"127.0.0.1", "10.0.0.8", "169.254.169.254", "fd00::1"} {
		s := New(egress.New(egress.Options{Resolver: resolver{netip.MustParseAddr(to)}, Dialer: never}), clock, "Suiyue")
		if got := s.Post(t.Context(), Message{ID: "m", URL: "https://hooks.example.org/", Body: []byte("{}"), Secrets: secrets}); got.Failure != feed.FailedAddress {
			t.Errorf("%s: %+v", to, got)
		}
	}
}
