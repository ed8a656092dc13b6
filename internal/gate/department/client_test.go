package department

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
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
	"sync"
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/gate/egress"
	"suiyue/internal/gate/sign"
)

var at = time.Date(2026, 11, 28, 10, 0, 0, 0, calendar.Zone)

var ask = Ask{
	HallID: "440103000000", QueueID: "440103000000-q1", Date: calendar.MakeDate(2026, 12, 1), Hour: 10, Item: "SI-0001", Units: 1,
	Applicant: strings.Repeat("ab", 16), Expires: at.Add(5 * time.Minute),
}

const id = "00000abc.1"

// heldJSON is what a well-behaved department answers to ask under id.
const heldJSON = `{"id":"00000abc.1","state":"held","hall":"440103000000","queue":"440103000000-q1","date":"2026-12-01","hour":10,"item":"SI-0001","units":1,` +
	`"applicant":"abababababababababababababababab","expires":"2026-11-28T10:05:00+08:00"}`

var confirmedJSON = strings.Replace(heldJSON, `"held"`, `"confirmed","number":"A-17"`, 1)

// to makes a Client of a server of the test that may be called.
func to(t *testing.T, base string, key sign.Key, o egress.Options) *Client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	o.Ports, o.Plain = []int{port}, true
	c, err := New(Options{Base: base, Key: key, Client: egress.New(o).Client(), Now: func() time.Time { return at }, Drawn: rand.Text})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

var hmacKey = sign.Key{ID: "platform", Profile: oversight.HMACSHA256, Secret: []byte("a secret of the test")}

// answering is a department that answers everything in one way.
func answering(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return to(t, srv.URL, hmacKey, egress.Options{Allowed: loopback, Timeout: 500 * time.Millisecond})
}

func says(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const (
	plain   = "application/json"
	problem = "application/problem+json"
)

func TestWhatIsAskedAndWhatIsRead(t *testing.T) {
	type asked struct{ method, path, body string }
	var got asked
	answer, status := heldJSON, 201
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = asked{r.Method, r.URL.RequestURI(), string(body)}
		says(status, plain+"; charset=utf-8", answer)(w, r)
	})
	h, err := c.Hold(t.Context(), id, ask)
	if err != nil || h.State != Held || h.HallID != ask.HallID || !h.Expires.Equal(ask.Expires) {
		t.Errorf("hold: %+v, %v", h, err)
	}
	if want := (asked{"PUT", "/holds/00000abc.1", `{"hall":"440103000000","queue":"440103000000-q1","date":"2026-12-01","hour":10,"item":"SI-0001","units":1,` +
		`"applicant":"abababababababababababababababab","expires":"2026-11-28T10:05:00+08:00"}`}); got != want {
		t.Errorf("asked %+v", got)
	}
	answer, status = confirmedJSON, 200
	if h, err := c.Confirm(t.Context(), id); err != nil || h.State != Confirmed || h.Number != "A-17" || got != (asked{"POST", "/holds/00000abc.1/confirm", ""}) {
		t.Errorf("confirm: %+v, %v, asked %+v", h, err, got)
	}
	if h, err := c.Hold(t.Context(), id, ask); err != nil || h.State != Confirmed {
		t.Errorf("hold what is confirmed: %+v, %v", h, err)
	}
	if h, err := c.Get(t.Context(), id); err != nil || h.State != Confirmed || got != (asked{"GET", "/holds/00000abc.1", ""}) {
		t.Errorf("get: %+v, %v, asked %+v", h, err, got)
	}
	answer = `{"id":"00000abc.1","state":"released"}`
	if err := c.Release(t.Context(), id); err != nil || got != (asked{"DELETE", "/holds/00000abc.1", ""}) {
		t.Errorf("release: %v, asked %+v", err, got)
	}
	answer = `{"slots":[{"hall":"h","queue":"q","date":"2026-12-01","hour":9,"capacity":8,"taken":3},{"hall":"h","queue":"q","date":"2026-12-01","hour":10,"capacity":0,"taken":0}]}`
	places, err := c.Capacity(t.Context(), ask.Date, ask.Date+6)
	if err != nil || len(places) != 2 || places[0] != (Place{"h", "q", ask.Date, 9, 8, 3}) || got != (asked{"GET", "/capacity?from=2026-12-01&to=2026-12-07", ""}) {
		t.Errorf("capacity: %+v, %v, asked %+v", places, err, got)
	}
}

// Whatever is asked is signed, in each profile, as the platform's own verifier wants it of others.
func TestRequestsAreSigned(t *testing.T) {
	seed := make([]byte, 32)
	if _, err := rand.Read(seed); err != nil {
		t.Fatal(err)
	}
	for _, p := range []oversight.Profile{oversight.Ed25519, oversight.HMACSHA256, oversight.HMACSM3, oversight.GatewaySHA256, oversight.GatewaySM3} {
		key := sign.Key{ID: "platform", Profile: p, Secret: []byte("a secret of the test"), Private: seed}
		if p == oversight.Ed25519 {
			key.Public = publicOf(seed)
		}
		v := sign.Verifier{Keys: func(context.Context, string) (*sign.Key, error) {
			k := key
			k.Until = at.Add(time.Hour)
			return &k, nil
		}, Nonces: new(nonces), Now: func() time.Time { return at }, Skew: time.Minute}
		var refused error
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			_, refused = v.Verify(r.Context(), sign.MessageOf(r, "http", body), "")
			says(200, plain, heldJSON)(w, r)
		}))
		c := to(t, srv.URL+"/adapter/", key, egress.Options{Allowed: loopback})
		if _, err := c.Hold(t.Context(), id, ask); err != nil || refused != nil {
			t.Errorf("%s: hold: %v, %v", p, err, refused)
		}
		if _, err := c.Get(t.Context(), id); err != nil || refused != nil {
			t.Errorf("%s: get: %v, %v", p, err, refused)
		}
		if _, err := c.Capacity(t.Context(), ask.Date, ask.Date); !errors.Is(err, ErrUnknown) || refused != nil {
			t.Errorf("%s: capacity: %v, %v", p, err, refused)
		}
		srv.Close()
	}
}

type nonces struct{ used sync.Map }

func (n *nonces) Take(_ context.Context, key, nonce string, _ time.Time) error {
	if _, there := n.used.LoadOrStore(key+" "+nonce, true); there {
		return fault.New(fault.SignatureReplayed)
	}
	return nil
}

func TestRefusals(t *testing.T) {
	for code, status := range Statuses {
		c := answering(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "7")
			says(status, problem, fmt.Sprintf(`{"type":"about:blank","title":"no","status":%d,"code":%q,"trace":"x"}`, status, code))(w, r)
		})
		_, err := c.Hold(t.Context(), id, ask)
		if code == HoldUnknown { // no answer to that question
			if !errors.Is(err, ErrUnknown) {
				t.Errorf("%s: %v", code, err)
			}
			continue
		}
		var r *Refusal
		if !errors.As(err, &r) || r.Code != code || r.RetryAfter != 7*time.Second {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// Of no answer that is not of the protocol anything is believed: neither a yes nor a no.
func TestBadAnswersAreUnknown(t *testing.T) {
	with := func(old, new string) string {
		out := strings.Replace(heldJSON, old, new, 1)
		if out == heldJSON {
			t.Fatalf("%s is not in it", old)
		}
		return out
	}
	for name, h := range map[string]http.HandlerFunc{
		"an error body with 200":     says(200, plain, `{"code":"500","message":"系统异常"}`),
		"a problem with 200":         says(200, problem, `{"code":"sold_out","status":409}`),
		"a code of another status":   says(404, problem, `{"code":"sold_out"}`),
		"a status of another":        says(409, problem, `{"code":"sold_out","status":404}`),
		"a code nobody knows":        says(409, problem, `{"code":"no"}`),
		"a refusal of another":       says(404, problem, `{"code":"hold_unknown"}`),
		"a code twice":               says(409, problem, `{"code":"sold_out","code":"hold_differs"}`),
		"500":                        says(500, "text/html", `<h1>500</h1>`),
		"502":                        says(502, plain, heldJSON),
		"202":                        says(202, plain, heldJSON),
		"a page":                     says(200, "text/html", heldJSON),
		"no content type":            says(200, "", heldJSON),
		"nothing":                    says(200, plain, ``),
		"half":                       says(200, plain, heldJSON[:40]),
		"two":                        says(200, plain, heldJSON+heldJSON),
		"a list":                     says(200, plain, `[`+heldJSON+`]`),
		"null":                       says(200, plain, `null`),
		"too long":                   says(200, plain, with(`"item"`, strings.Repeat(" ", mostHold)+`"item"`)),
		"a field more":               says(200, plain, with(`"hall"`, `"x":1,"hall"`)),
		"a field twice":              says(200, plain, with(`"units":1`, `"units":2,"units":1`)),
		"a field twice, in capitals": says(200, plain, with(`"units":1`, `"units":1,"UNITS":1`)),
		"a field in capitals":        says(200, plain, with(`"units":1`, `"Units":1`)),
		"a field less":               says(200, plain, with(`"hour":10,`, ``)),
		"a number as text":           says(200, plain, with(`"hour":10`, `"hour":"10"`)),
		"another id":                 says(200, plain, with("00000abc.1", "00000abc.2")),
		"another state":              says(200, plain, with(`"held"`, `"ok"`)),
		"released":                   says(200, plain, `{"id":"00000abc.1","state":"released"}`),
		"another hall":               says(200, plain, with("440103000000\"", "440104000000\"")),
		"another hour":               says(200, plain, with(`"hour":10`, `"hour":11`)),
		"another date":               says(200, plain, with("2026-12-01", "2026-12-02")),
		"more units":                 says(200, plain, with(`"units":1`, `"units":2`)),
		"another applicant":          says(200, plain, with("abab", "acab")),
		"longer than asked":          says(200, plain, with("10:05:00", "10:05:01")),
		"a time of no zone":          says(200, plain, with("10:05:00+08:00", "10:05:00")),
		"a number of what is held":   says(200, plain, with(`"held"`, `"held","number":"1"`)),
		"a number that is a script":  says(200, plain, with(`"held"`, `"confirmed","number":"<b>"`)),
		"a number that is long":      says(200, plain, with(`"held"`, `"confirmed","number":"`+strings.Repeat("1", 33)+`"`)),
		"cut off":                    func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"slow": func(w http.ResponseWriter, r *http.Request) {
			sleep(r, 2*time.Second)
			says(200, plain, heldJSON)(w, r)
		},
		"slow in the middle": func(w http.ResponseWriter, r *http.Request) { trickle(w, r) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1/", http.StatusTemporaryRedirect)
		},
		"a redirect with what it says": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/x")
			says(302, plain, heldJSON)(w, r)
		},
	} {
		if h, err := answering(t, h).Hold(t.Context(), id, ask); !errors.Is(err, ErrUnknown) || Refused(err) != "" || errors.Is(err, ErrNotSent) || h != nil {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	for name, body := range map[string]string{
		"another date":       `{"slots":[{"hall":"h","queue":"q","date":"2026-12-02","hour":9,"capacity":8,"taken":3}]}`,
		"more than there":    `{"slots":[{"hall":"h","queue":"q","date":"2026-12-01","hour":9,"capacity":8,"taken":9}]}`,
		"below nothing":      `{"slots":[{"hall":"h","queue":"q","date":"2026-12-01","hour":9,"capacity":8,"taken":-1}]}`,
		"no hour":            `{"slots":[{"hall":"h","queue":"q","date":"2026-12-01","hour":24,"capacity":8,"taken":1}]}`,
		"no hall":            `{"slots":[{"queue":"q","date":"2026-12-01","hour":9,"capacity":8,"taken":1}]}`,
		"an hour twice":      `{"slots":[` + strings.Repeat(`{"hall":"h","queue":"q","date":"2026-12-01","hour":9,"capacity":8,"taken":1},`, 1) + `{"hall":"h","queue":"q","date":"2026-12-01","hour":9,"capacity":7,"taken":1}]}`,
		"too many":           `{"slots":[` + strings.Repeat(`{},`, mostPlaces) + `{}]}`,
		"longer than agreed": `{"slots":[` + strings.Repeat(` `, mostPlacesBytes) + `]}`,
	} {
		if p, err := answering(t, says(200, plain, body)).Capacity(t.Context(), ask.Date, ask.Date); !errors.Is(err, ErrUnknown) {
			t.Errorf("capacity: %s: %d, %v", name, len(p), err)
		}
	}
	released := answering(t, says(200, plain, heldJSON))
	if _, err := released.Confirm(t.Context(), id); !errors.Is(err, ErrUnknown) {
		t.Errorf("held after confirming: %v", err)
	}
	if err := released.Release(t.Context(), id); !errors.Is(err, ErrUnknown) {
		t.Errorf("held after releasing: %v", err)
	}
}

func sleep(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

func trickle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", plain)
	for i := range heldJSON {
		_, _ = io.WriteString(w, heldJSON[i:i+1])
		w.(http.Flusher).Flush()
		sleep(r, 20*time.Millisecond)
		if r.Context().Err() != nil {
			return
		}
	}
}

// Nothing was done where nothing was sent, and that is known.
func TestNotSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ }))
	defer srv.Close()
	for name, c := range map[string]*Client{
		"nobody listens":             to(t, base, hmacKey, egress.Options{Allowed: loopback}),
		"an address of our own":      to(t, srv.URL, hmacKey, egress.Options{}),
		"a key that does not sign":   to(t, srv.URL, sign.Key{ID: "platform", Profile: oversight.Ed25519}, egress.Options{Allowed: loopback}),
		"an id that leads elsewhere": nil,
	} {
		ids := id
		if c == nil {
			c, ids = to(t, srv.URL, hmacKey, egress.Options{Allowed: loopback}), "../../secret"
		}
		if _, err := c.Hold(t.Context(), ids, ask); !errors.Is(err, ErrNotSent) || errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := to(t, srv.URL, hmacKey, egress.Options{Allowed: loopback})
	if _, err := c.Capacity(t.Context(), ask.Date, ask.Date+MostDays); !errors.Is(err, ErrNotSent) {
		t.Errorf("too many days: %v", err)
	}
	if calls != 0 {
		t.Errorf("%d calls", calls)
	}
	for _, bad := range []string{"", "department", "ftp://d.example.org", "https://d.example.org/?a=1", "https://d.example.org/#a", "https://a@d.example.org", "https://d.example.org/?"} {
		if _, err := New(Options{Base: bad}); err == nil {
			t.Errorf("%q is taken for an address", bad)
		}
	}
}

func TestIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"00000abc.1": true, "A_b-c.0123": true, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "1234567": false, "........": false, "a/b/c/d/e": false,
		"abcdefg%2f": false, "abcdefgé": false, "": false, "a b c d e f": false,
	} {
		if CheckID(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
}

func publicOf(seed []byte) []byte {
	return ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
}
