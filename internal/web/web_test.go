package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

type house struct {
	log  bytes.Buffer
	mu   sync.Mutex
	seen []Observation
	site *Site
	mux  *http.ServeMux
}

func build(t *testing.T, o Options) *house {
	t.Helper()
	h := &house{mux: http.NewServeMux()}
	o.Log = slog.New(slog.NewJSONHandler(&h.log, nil))
	o.Now = time.Now
	o.Observe = func(x Observation) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.seen = append(h.seen, x)
	}
	h.site = New(o)
	return h
}

func (h *house) ask(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.site.Wrap(h.mux).ServeHTTP(w, r)
	return w
}

func problem(t *testing.T, w *httptest.ResponseRecorder) Problem {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != ProblemType {
		t.Fatalf("content type %q", got)
	}
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEveryFaultBecomesItsProblem(t *testing.T) {
	h := build(t, Options{})
	var next error
	h.mux.Handle("GET /api/x", h.site.Handle(func(http.ResponseWriter, *http.Request) error { return next }))
	for _, c := range fault.Codes() {
		next = fault.New(c)
		w := h.ask(httptest.NewRequest("GET", "/api/x?lang=en", nil))
		p := problem(t, w)
		if p.Code != c || p.Type != "/problems/"+string(c) || p.Status != w.Code || w.Code < 400 {
			t.Errorf("%s: %d %+v", c, w.Code, p)
		}
		if p.Title == "" || p.Detail == "" || strings.Contains(p.Title+p.Detail, "⟦") {
			t.Errorf("%s: no words: %+v", c, p)
		}
		if p.RequestID == "" || p.RequestID != w.Header().Get("X-Request-Id") {
			t.Errorf("%s: request id %q", c, p.RequestID)
		}
		if last := h.seen[len(h.seen)-1]; last.Code != c || last.Route != "GET /api/x" || last.Status != w.Code {
			t.Errorf("observed %+v", last)
		}
	}
}

func TestStatuses(t *testing.T) {
	for code, want := range map[fault.Code]int{
		fault.InvalidRequest: 422, fault.MalformedRequest: 400, fault.UnsupportedMedia: 415, fault.BodyTooLarge: 413,
		fault.MethodNotAllowed: 405, fault.SignInRequired: 401, fault.LevelTooLow: 403, fault.HallNotFound: 404,
		fault.SoldOut: 409, fault.CodeExpired: 410, fault.TooManyRequests: 429, fault.Busy: 503, fault.InternalError: 500,
	} {
		if got := Status(fault.New(code)); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
}

func TestProblemFieldsAndArguments(t *testing.T) {
	h := build(t, Options{})
	h.mux.Handle("POST /api/x", h.site.Handle(func(http.ResponseWriter, *http.Request) error {
		return fault.InvalidFields(fault.Field{Path: "applicant.document.number", Code: fault.BadCheckDigit})
	}))
	p := problem(t, h.ask(httptest.NewRequest("POST", "/api/x?lang=zh-Hans", nil)))
	if len(p.Errors) != 1 || p.Errors[0] != (ProblemField{"applicant.document.number", fault.BadCheckDigit, Hans.T("fault.bad_check_digit")}) {
		t.Errorf("%+v", p)
	}
	e := fault.New(fault.CancelTooLate, "until", "2026-12-09T09:00:00+08:00")
	if got := Hans.Sentence(e); !strings.Contains(got, "12月9日(周三)09:00") {
		t.Error(got)
	}
	if got := Hant.Sentence(fault.New(fault.OtherDay, "date", "2026-12-09")); !strings.Contains(got, "12月9日(週三)") {
		t.Errorf("a date: %s", got)
	}
	there := directory.Text{Hans: "乙区政务服务中心", Hant: "乙區政務服務中心", En: "District B Hall"}.Argument()
	for l, name := range map[Locale]string{Hans: "乙区政务服务中心", Hant: "乙區政務服務中心", En: "District B Hall"} {
		if got := l.Sentence(fault.New(fault.OtherHall, "hall", there)); !strings.Contains(got, name) || strings.Contains(got, "{") {
			t.Errorf("%s: %s", l, got)
		}
	}
	if got := En.Sentence(fault.New(fault.DayLimit, "limit", "3")); !strings.Contains(got, "at most 3 bookings") {
		t.Error(got)
	}
}

func TestInternalFaultsKeepTheirTextInside(t *testing.T) {
	h := build(t, Options{})
	h.mux.Handle("GET /api/broken", h.site.Handle(func(http.ResponseWriter, *http.Request) error { return errors.New("dial 10.1.2.3: refused") }))
	h.mux.Handle("GET /api/panic", h.site.Handle(func(http.ResponseWriter, *http.Request) error { panic("a name somebody typed") }))
	for _, path := range []string{"/api/broken", "/api/panic"} {
		w := h.ask(httptest.NewRequest("GET", path, nil))
		if p := problem(t, w); w.Code != 500 || p.Code != fault.InternalError || strings.Contains(w.Body.String(), "refused") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if log := h.log.String(); !strings.Contains(log, "refused") || !strings.Contains(log, `"msg":"panic"`) || strings.Contains(log, "somebody typed") {
		t.Error(log)
	}
}

// alive renders as components of pages do: not for a request that is over.
type alive string

func (a alive) Render(ctx context.Context, w io.Writer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := io.WriteString(w, string(a))
	return err
}

func TestARequestThatTakesTooLongIsToldByAPage(t *testing.T) {
	h := build(t, Options{Timeout: 20 * time.Millisecond, Page: func(_ *http.Request, e *fault.Error) Component { return alive("sorry: " + e.Code) }})
	h.mux.Handle("GET /slow", h.site.Handle(func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return fmt.Errorf("floor.hold: %w", r.Context().Err())
	}))
	r := httptest.NewRequest("GET", "/slow", nil)
	r.Header.Set("Accept", "text/html")
	w := h.ask(r)
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != "sorry: busy" || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	if log := h.log.String(); !strings.Contains(log, "floor.hold") || !strings.Contains(log, "took too long") {
		t.Error(log)
	}
}

func TestLogHoldsNoQueryAddressOrIDs(t *testing.T) {
	h := build(t, Options{})
	h.mux.Handle("GET /bookings/{code}", h.site.Handle(func(w http.ResponseWriter, r *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}))
	r := httptest.NewRequest("GET", "/bookings/K7M492QX?phone=13800000000", nil)
	r.RemoteAddr = "203.0.113.9:1234"
	h.ask(r)
	h.ask(httptest.NewRequest("GET", "/nowhere/K7M492QX", nil))
	log := h.log.String()
	for _, secret := range []string{"K7M492QX", "13800000000", "203.0.113.9"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q: %s", secret, log)
		}
	}
	if !strings.Contains(log, `"route":"GET /bookings/{code}"`) || !strings.Contains(log, `"status":204`) || !strings.Contains(log, `"status":404`) {
		t.Error(log)
	}
}

func TestSecurityHeaders(t *testing.T) {
	h := build(t, Options{Secure: true, FormAction: []string{"https://id.example"}})
	w := h.ask(httptest.NewRequest("GET", "/", nil))
	csp := w.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self' https://id.example"} {
		if !strings.Contains(csp+";", part) {
			t.Errorf("policy %q lacks %q", csp, part)
		}
	}
	if strings.Contains(csp, "unsafe") {
		t.Error(csp)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000; includeSubDomains"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := build(t, Options{}).ask(httptest.NewRequest("GET", "/", nil)).Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("HSTS without https: %q", got)
	}
}

func TestPreferencesAreRemembered(t *testing.T) {
	h := build(t, Options{Secure: true})
	w := h.ask(httptest.NewRequest("GET", "/?lang=en&edition=elder", nil))
	got := map[string]string{}
	for _, c := range w.Result().Cookies() {
		got[c.Name] = c.Value
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge <= 0 {
			t.Errorf("%+v", c)
		}
	}
	if got[localeCookie] != "en" || got[editionCookie] != "elder" {
		t.Errorf("%v", got)
	}
	if n := len(h.ask(httptest.NewRequest("GET", "/", nil)).Result().Cookies()); n != 0 {
		t.Errorf("%d cookies unasked", n)
	}
}

func TestCrossSitePostIsRefused(t *testing.T) {
	h := build(t, Options{})
	h.mux.Handle("POST /api/x", h.site.Handle(func(w http.ResponseWriter, r *http.Request) error { return nil }))
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "": 200} {
		r := httptest.NewRequest("POST", "/api/x", nil)
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		if w := h.ask(r); w.Code != want {
			t.Errorf("%q: %d", site, w.Code)
		}
	}
}

func TestBodies(t *testing.T) {
	h := build(t, Options{MaxBody: 100})
	h.mux.Handle("POST /api/x", h.site.Handle(func(w http.ResponseWriter, r *http.Request) error { return ParseForm(r) }))
	post := func(kind, body string) int {
		r := httptest.NewRequest("POST", "/api/x", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		return h.ask(r).Code
	}
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		kind, body string
		want       int
	}{
		{form, "a=b", 200}, {form + "; charset=utf-8", "a=b", 200}, {form, "a=" + strings.Repeat("x", 200), 413}, {form, "a=%zz", 400},
		{"application/json", "{}", 415}, {"", "a=b", 415}, {"multipart/form-data; boundary=x", "--x--", 415},
	} {
		if got := post(c.kind, c.body); got != c.want {
			t.Errorf("%q %.10q: %d, want %d", c.kind, c.body, got, c.want)
		}
	}
}

func TestLimitPerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Options{Address: Limit{Rate: 1, Burst: 2}})
		h.mux.Handle("GET /api/x", h.site.Handle(func(w http.ResponseWriter, r *http.Request) error { return nil }))
		from := func(addr string) *httptest.ResponseRecorder {
			r := httptest.NewRequest("GET", "/api/x", nil)
			r.RemoteAddr = addr
			return h.ask(r)
		}
		for i, want := range []int{200, 200, 429, 429} {
			if got := from("192.0.2.1:5").Code; got != want {
				t.Errorf("request %d: %d, want %d", i, got, want)
			}
		}
		w := from("192.0.2.1:6")
		if p := problem(t, w); p.Code != fault.TooManyRequests || p.RetryAfter != 1 || w.Header().Get("Retry-After") != "1" {
			t.Errorf("%+v", p)
		}
		if got := from("192.0.2.2:5").Code; got != 200 {
			t.Errorf("another address: %d", got)
		}
		time.Sleep(time.Second)
		if got := from("192.0.2.1:5").Code; got != 200 {
			t.Errorf("a second later: %d", got)
		}
		// One IPv6 customer holds a /64.
		for i, want := range []int{200, 200, 429} {
			if got := from(fmt.Sprintf("[2001:db8::%d]:5", i+1)).Code; got != want {
				t.Errorf("IPv6 request %d: %d, want %d", i, got, want)
			}
		}
		if got := from("[2001:db8:0:1::1]:5").Code; got != 200 {
			t.Errorf("the next /64: %d", got)
		}
	})
}

func TestLimiterForgetsBeyondItsBound(t *testing.T) {
	l := NewLimiter(Limit{Rate: 1, Burst: 1, Keys: 100}, time.Now)
	for i := range 10_000 {
		l.Take(fmt.Sprint(i))
		if n := len(l.young) + len(l.old); n > 101 {
			t.Fatalf("%d keys remembered", n)
		}
	}
	l.Take("me")
	for i := range 40 {
		l.Take(fmt.Sprint("other", i))
	}
	if l.Take("me") == 0 {
		t.Error("a key was forgotten too early")
	}
}

func TestLimitByAccount(t *testing.T) {
	h := build(t, Options{})
	l := NewLimiter(Limit{Rate: 0.001, Burst: 1}, time.Now)
	h.mux.Handle("GET /api/x", h.site.Handle(h.site.LimitBy(l, func(r *http.Request) string { return r.Header.Get("X-Who") }, func(http.ResponseWriter, *http.Request) error { return nil })))
	for _, c := range []struct {
		who  string
		want int
	}{{"a", 200}, {"a", 429}, {"b", 200}, {"", 200}, {"", 200}} {
		r := httptest.NewRequest("GET", "/api/x", nil)
		r.Header.Set("X-Who", c.who)
		if got := h.ask(r).Code; got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func TestClientAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct{ remote, forwarded, want string }{
		{"203.0.113.5:1", "", "203.0.113.5"},
		{"203.0.113.5:1", "1.2.3.4", "203.0.113.5"}, // an untrusted peer says what it likes
		{"10.0.0.1:1", "198.51.100.7", "198.51.100.7"},
		{"10.0.0.1:1", "6.6.6.6, 198.51.100.7, 10.0.0.2", "198.51.100.7"}, // what the client itself wrote is not believed
		{"10.0.0.1:1", "198.51.100.7, nonsense", "10.0.0.1"},
		{"10.0.0.1:1", "", "10.0.0.1"},
		{"10.0.0.1:1", "10.0.0.3", "10.0.0.3"},
		{"[fd00::1]:1", "2001:db8::1", "2001:db8::1"},
		{"[::ffff:10.0.0.1]:1", "198.51.100.7", "198.51.100.7"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := clientAddr(r, trusted).String(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func FuzzClientAddress(f *testing.F) {
	f.Add("10.0.0.1:1", "6.6.6.6, ::1%eth0,")
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = remote
		r.Header["X-Forwarded-For"] = []string{forwarded}
		if key := addressKey(clientAddr(r, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})); len(key) > 64 {
			t.Fatalf("key %q", key)
		}
	})
}

func TestCookiesAndFormTokens(t *testing.T) {
	c := NewCookies(true, bytes.Repeat([]byte{7}, 32))
	w := httptest.NewRecorder()
	c.SetSession(w, "secret", time.Hour)
	k := w.Result().Cookies()[0]
	if k.Name != "__Host-suiyue" || !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" {
		t.Errorf("%+v", k)
	}
	request := func(form url.Values, cookies ...*http.Cookie) *http.Request {
		r := httptest.NewRequest("POST", "/", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, k := range cookies {
			r.AddCookie(k)
		}
		if err := ParseForm(r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got := c.Session(request(nil, k)); got != "secret" {
		t.Errorf("session %q", got)
	}
	token := c.FormToken(httptest.NewRecorder(), request(nil, k))
	if err := c.CheckForm(request(url.Values{FormField: {token}}, k)); err != nil {
		t.Error(err)
	}
	other := &http.Cookie{Name: k.Name, Value: "another"}
	for name, r := range map[string]*http.Request{
		"no token":        request(nil, k),
		"another session": request(url.Values{FormField: {token}}, other),
		"no session":      request(url.Values{FormField: {token}}),
		"changed":         request(url.Values{FormField: {token + "x"}}, k),
	} {
		if err := c.CheckForm(r); fault.CodeOf(err) != fault.CrossSite {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Somebody not signed in gets a visitor cookie with the first form, and keeps it.
	w = httptest.NewRecorder()
	r := request(nil)
	token = c.FormToken(w, r)
	if c.FormToken(w, r) != token || len(w.Result().Cookies()) != 1 {
		t.Error("two forms on a page disagree")
	}
	if err := c.CheckForm(request(url.Values{FormField: {token}}, w.Result().Cookies()...)); err != nil {
		t.Error(err)
	}
	if got := NewCookies(false, make([]byte, 32)).name("suiyue"); got != "suiyue" {
		t.Error(got)
	}
}

type text string

func (s text) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, string(s))
	return err
}

func TestPages(t *testing.T) {
	h := build(t, Options{Page: func(_ *http.Request, e *fault.Error) Component { return text("sorry: " + e.Code) }})
	h.mux.Handle("GET /ok", h.site.Handle(func(w http.ResponseWriter, r *http.Request) error { return Render(w, r, 200, text("hello")) }))
	h.mux.Handle("GET /full", h.site.Handle(func(w http.ResponseWriter, r *http.Request) error { return fault.New(fault.SoldOut) }))
	h.mux.Handle("/", h.site.Handle(NotFound))
	w := h.ask(httptest.NewRequest("GET", "/ok", nil))
	if w.Body.String() != "hello" || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Language") != "zh-Hans-CN" {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	if w := h.ask(httptest.NewRequest("HEAD", "/ok", nil)); w.Body.Len() != 0 || w.Header().Get("Content-Length") != "5" {
		t.Errorf("HEAD: %v %s", w.Header(), w.Body)
	}
	for path, want := range map[string]int{"/full": 409, "/none": 404} {
		w := h.ask(httptest.NewRequest("GET", path, nil))
		if w.Code != want || !strings.HasPrefix(w.Body.String(), "sorry: ") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	r := httptest.NewRequest("GET", "/full", nil)
	r.Header.Set("Accept", "application/json")
	if p := problem(t, h.ask(r)); p.Code != fault.SoldOut {
		t.Errorf("%+v", p)
	}
}

func TestAssets(t *testing.T) {
	h := build(t, Options{})
	h.mux.Handle(AssetPattern, h.site.Assets())
	at := AssetURL("app.css")
	plain := h.ask(httptest.NewRequest("GET", at, nil))
	if plain.Code != 200 || plain.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || plain.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Fatalf("%d %v", plain.Code, plain.Header())
	}
	r := httptest.NewRequest("GET", at, nil)
	r.Header.Set("Accept-Encoding", "br, gzip;q=0.8")
	zipped := h.ask(r)
	z, err := gzip.NewReader(zipped.Body)
	if err != nil || zipped.Header().Get("Content-Encoding") != "gzip" {
		t.Fatal(err, zipped.Header())
	}
	if b, err := io.ReadAll(z); err != nil || !bytes.Equal(b, plain.Body.Bytes()) {
		t.Error("compressed differs from plain", err)
	}
	for _, path := range []string{"/assets/app.css", "/assets/app.000000000000.css", "/assets/..%2fsite.go"} {
		if w := h.ask(httptest.NewRequest("GET", path, nil)); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	r.Header.Set("Accept-Encoding", "gzip;q=0")
	if h.ask(r).Header().Get("Content-Encoding") != "" {
		t.Error("compressed against their will")
	}
	_, files := assets()
	for _, a := range files {
		most := map[string]int{".css": 72 << 10, ".js": 12 << 10}[path.Ext(a.url)]
		if strings.HasPrefix(a.url, "/assets/chart.") { // ECharts, on pages with a picture
			most = 1 << 20
		}
		switch {
		case most > 0 && len(a.plain) > most:
			t.Errorf("%s has grown to %d bytes", a.url, len(a.plain))
		case a.kind == "":
			t.Errorf("%s has no media type", a.url)
		}
	}
}
