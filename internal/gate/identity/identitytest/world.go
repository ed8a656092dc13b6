// Package identitytest is the conformance test of the identity port. It runs whole sign-ins: a
// browser with cookies, a relying party that keeps Pending in a signed cookie, a driver, and its
// provider behind a real server that can be made to lie, to be slow and to be gone.
package identitytest

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	identitygate "suiyue/internal/gate/identity"
)

// Secret is the client secret every World is made with.
const Secret = "canary-client-secret-5ac1"

// Plan is what a driver's side of a World is made from.
type Plan struct {
	Base        string // address of the provider's server
	RedirectURI string
	Timeout     time.Duration
	Now         func() time.Time
}

// Driver makes one driver with its provider.
type Driver struct {
	Make         func(t *testing.T, plan Plan) (identitygate.Provider, http.Handler)
	TokenPath    string
	UserInfoPath string
	Mapping      identitygate.Mapping
	ErrorKey     string // parameter in which a callback carries a refusal
}

// World is one provider, one relying party and one browser.
type World struct {
	Provider identitygate.Provider
	Server   *httptest.Server // the provider's
	Driver   Driver

	clock    atomic.Int64
	mu       sync.Mutex
	real     http.Handler
	override map[string]http.HandlerFunc

	site    *httptest.Server // the relying party's
	key     []byte
	browser *http.Client
	last    Outcome
}

// Outcome is how the last callback ended.
type Outcome struct {
	Claims identitygate.Claims
	Path   string
	Err    error
}

// Now is the time in the World; it stands still but for Advance.
func (w *World) Now() time.Time { return time.UnixMicro(w.clock.Load()).UTC() }

// Advance moves the time.
func (w *World) Advance(d time.Duration) { w.clock.Add(d.Microseconds()) }

// NewWorld opens a World.
func NewWorld(t *testing.T, d Driver) *World {
	t.Helper()
	w := &World{Driver: d, override: map[string]http.HandlerFunc{}, key: []byte(rand.Text())}
	w.clock.Store(time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC).UnixMicro())

	site := http.NewServeMux()
	site.HandleFunc("GET /sign-in", w.signIn)
	site.HandleFunc("GET /callback", w.callback)
	w.site = httptest.NewServer(site)
	t.Cleanup(w.site.Close)

	w.Server = httptest.NewServer(http.HandlerFunc(w.provider))
	t.Cleanup(w.Server.Close)

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.browser = &http.Client{Jar: jar, Timeout: 10 * time.Second}
	w.Provider, w.real = d.Make(t, Plan{
		Base: w.Server.URL, RedirectURI: w.site.URL + "/callback", Timeout: 150 * time.Millisecond, Now: w.Now,
	})
	return w
}

// Override replaces one address of the provider; nil gives it back.
func (w *World) Override(path string, h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.override[path] = h
}

// Alter changes the JSON object that one address of the provider answers with.
func (w *World) Alter(path string, change func(map[string]any)) {
	w.Override(path, func(rw http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		w.real.ServeHTTP(rec, r)
		var object map[string]any
		if json.Unmarshal(rec.Body.Bytes(), &object) != nil {
			http.Error(rw, "not an object", http.StatusTeapot)
			return
		}
		change(object)
		body, err := json.Marshal(object)
		if err != nil {
			http.Error(rw, "not JSON", http.StatusTeapot)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(body)
	})
}

func (w *World) provider(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	h := w.override[r.URL.Path]
	w.mu.Unlock()
	if h != nil {
		h(rw, r)
		return
	}
	w.real.ServeHTTP(rw, r)
}

const cookieName = "pending"

func (w *World) seal(p identitygate.Pending) (string, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, w.key)
	mac.Write(body)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(body)), nil
}

func (w *World) open(s string) (p identitygate.Pending, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < sha256.Size {
		return p, false
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	mac := hmac.New(sha256.New, w.key)
	mac.Write(body)
	return p, hmac.Equal(mac.Sum(nil), sum) && json.Unmarshal(body, &p) == nil
}

func (w *World) signIn(rw http.ResponseWriter, r *http.Request) {
	to, pending, err := w.Provider.Start(r.Context(), identitygate.Return{
		Path: r.URL.Query().Get("path"), Locale: "en", LoginHint: r.URL.Query().Get("hint"),
	})
	if err == nil {
		var sealed string
		if sealed, err = w.seal(pending); err == nil {
			http.SetCookie(rw, &http.Cookie{Name: cookieName, Value: sealed, Path: "/callback", HttpOnly: true, SameSite: http.SameSiteLaxMode})
			http.Redirect(rw, r, to, http.StatusSeeOther)
			return
		}
	}
	w.record(Outcome{Err: err})
	http.Error(rw, "sign-in not started", http.StatusServiceUnavailable)
}

func (w *World) callback(rw http.ResponseWriter, r *http.Request) {
	var pending identitygate.Pending
	if c, err := r.Cookie(cookieName); err == nil {
		pending, _ = w.open(c.Value)
	}
	http.SetCookie(rw, &http.Cookie{Name: cookieName, Path: "/callback", MaxAge: -1})
	claims, err := w.Provider.Finish(r.Context(), pending, r.URL.Query())
	w.record(Outcome{claims, pending.Path, err})
	_, _ = io.WriteString(rw, "done")
}

func (w *World) record(o Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = o
}

// Last is how the last callback, or a sign-in that could not start, ended.
func (w *World) Last() Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// SignIn is a whole sign-in by browser as one test person.
func (w *World) SignIn(t *testing.T, person, path string) Outcome {
	t.Helper()
	return w.Land(t, w.Choose(t, path, url.Values{"person": {person}}))
}

// Choose opens the sign-in, answers the provider's page and gives the callback address, not visited.
func (w *World) Choose(t *testing.T, path string, answer url.Values) *url.URL {
	t.Helper()
	action, form := w.Page(t, path)
	for k, v := range answer {
		form[k] = v
	}
	stop := *w.browser
	stop.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := stop.PostForm(action, form)
	if err != nil {
		t.Fatal(err)
	}
	drain(resp)
	to, err := resp.Location()
	if err != nil || to.Path != "/callback" {
		t.Fatalf("the provider's page answered status %d, not with the way back", resp.StatusCode)
	}
	return to
}

// Page opens the sign-in up to the provider's page and gives its form.
func (w *World) Page(t *testing.T, path string) (action string, form url.Values) {
	t.Helper()
	resp, err := w.browser.Get(w.site.URL + "/sign-in?path=" + url.QueryEscape(path))
	if err != nil {
		t.Fatal(err)
	}
	body := drain(resp)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the provider's page has status %d: %v", resp.StatusCode, w.Last().Err)
	}
	return Form(t, resp.Request.URL, body)
}

var (
	formTag   = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	hiddenTag = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// Form reads the address and the hidden fields of the form on a provider's page.
func Form(t *testing.T, at *url.URL, body []byte) (action string, form url.Values) {
	t.Helper()
	found := formTag.FindSubmatch(body)
	if found == nil {
		t.Fatal("no form on the provider's page")
	}
	to, err := at.Parse(html.UnescapeString(string(found[1])))
	if err != nil {
		t.Fatal(err)
	}
	form = url.Values{}
	for _, h := range hiddenTag.FindAllSubmatch(body, -1) {
		form.Add(html.UnescapeString(string(h[1])), html.UnescapeString(string(h[2])))
	}
	return to.String(), form
}

// Land visits a callback address with the browser.
func (w *World) Land(t *testing.T, callback *url.URL) Outcome {
	t.Helper()
	w.record(Outcome{Err: fmt.Errorf("the callback was not reached")})
	resp, err := w.browser.Get(callback.String())
	if err != nil {
		t.Fatal(err)
	}
	drain(resp)
	return w.Last()
}

// Pending reads what the browser's cookie keeps.
func (w *World) Pending(t *testing.T) identitygate.Pending {
	t.Helper()
	at, err := url.Parse(w.site.URL + "/callback")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range w.browser.Jar.Cookies(at) {
		if p, ok := w.open(c.Value); ok && c.Name == cookieName {
			return p
		}
	}
	t.Fatal("no sign-in is pending")
	return identitygate.Pending{}
}

func drain(resp *http.Response) []byte {
	defer resp.Body.Close()
	var b bytes.Buffer
	_, _ = io.Copy(&b, io.LimitReader(resp.Body, 1<<20))
	return b.Bytes()
}

// Slow answers after the driver's patience has ended, or when the driver has hung up.
func Slow(rw http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a server notices a hang-up only once the body is read
	select {
	case <-r.Context().Done():
	case <-time.After(time.Second):
	}
	_, _ = io.WriteString(rw, "{}")
}

// Say answers with a fixed status and body.
func Say(status int, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	}
}

// Huge answers with more than any driver reads.
func Huge(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(rw, `{"padding":"`)
	chunk := strings.Repeat("x", 64<<10)
	for range 48 {
		if _, err := io.WriteString(rw, chunk); err != nil {
			return
		}
	}
	_, _ = io.WriteString(rw, `"}`)
}
