package hall_test

import (
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/hall"
)

// world is the pages of machines over a real city, every address they were asked for, and what was logged.
type world struct {
	*apptest.Fixture
	*testing.T
	server *httptest.Server
	mu     sync.Mutex
	asked  []string
	log    strings.Builder
	ad     *app.Admin
	n      int
}

// today is the day of the cases, a Wednesday, the day after the fixture begins: what is booked is booked before.
var today = calendar.DateOf(apptest.Start) + 1

func newWorld(t *testing.T, o apptest.Options, change ...func(*hall.Config)) *world {
	t.Helper()
	w := &world{T: t, Fixture: apptest.New(t, o)}
	site := web.New(web.Options{Log: slog.New(slog.NewTextHandler(locked{w}, nil)), Now: w.Clock.Now, Page: hall.FaultPage})
	mux := http.NewServeMux()
	config := hall.Config{
		App: w.App, Site: site, Cookies: web.NewCookies(false, make([]byte, 32)).Of("hall").Strict(), Sealer: w.Vault, Public: apptest.Public,
		Enrol: web.NewLimiter(web.Limit{Rate: 0.1, Burst: 10}, w.Clock.Now), Device: web.NewLimiter(web.Limit{Rate: 1, Burst: 60}, w.Clock.Now),
		Find: web.NewLimiter(web.Limit{Rate: 1.0 / 30, Burst: 10}, w.Clock.Now),
	}
	for _, c := range change {
		c(&config)
	}
	hall.New(config).Register(mux)
	all := site.Wrap(mux)
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, r.RequestURI)
		w.mu.Unlock()
		all.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.server.Close)
	o1 := w.OpenAdmin(t, account.District1, apptest.DistrictA)
	w.ad = w.As(t, o1)
	return w
}

type locked struct{ w *world }

func (l locked) Write(b []byte) (int, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return l.w.log.Write(b)
}

// onBoth runs a case over each engine.
func onBoth(t *testing.T, run func(w *world)) {
	t.Run("sqlite", func(t *testing.T) { run(newWorld(t, apptest.Options{})) })
	t.Run("postgres", func(t *testing.T) { run(newWorld(t, apptest.Options{Source: apptest.Postgres(t)})) })
}

func (w *world) at(hour, minute int) { w.Clock.Set(today.At(hour, minute)) }

// book makes somebody book an hour of a queue, on the day before unless the clock says otherwise.
func (w *world) book(p identity.Person, item, queue string, d calendar.Date, hour int, change func(*app.BookRequest)) app.BookingView {
	w.Helper()
	w.n++
	_, who := w.SignIn(w.T, p)
	r := app.BookRequest{
		Key: fmt.Sprintf("kiosk-case-%04d", w.n), Item: item, SlotID: booking.SlotID(queue, d, hour), Stage: directory.Acceptance,
		Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	}
	if change != nil {
		change(&r)
	}
	got, err := w.App.Book(w.Context(), who, r)
	if err != nil {
		w.Fatal(err)
	}
	return got.View
}

// kiosk is one machine: a browser without scripts.
type kiosk struct {
	w    *world
	http *http.Client
	d    counter.Device
}

// page is an answer as the machine shows it.
type page struct {
	k      *kiosk
	status int
	path   string
	query  string
	header http.Header
	body   string
}

// machine is a browser that is enrolled as nothing.
func (w *world) machine() *kiosk {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	return &kiosk{w: w, http: &http.Client{Jar: jar, Timeout: 10 * time.Second}}
}

// kiosk makes a device of a hall and enrols a machine as it, by its pages.
func (w *world) kiosk(at string, change func(*counter.DeviceSettings)) *kiosk {
	w.Helper()
	s := counter.NewDeviceSettings(counter.Kiosk)
	s.Bridge = "http://127.0.0.1:18951"
	if change != nil {
		change(&s)
	}
	d, code, err := w.App.CreateDevice(w.Context(), w.ad, at, app.NewDevice{Kind: counter.Kiosk, Name: "门口", Settings: s})
	if err != nil {
		w.Fatal(err)
	}
	k := w.machine()
	p := k.get("/hall/enrol")
	if p = k.post(p, "/hall/enrol", url.Values{"code": {code}}); p.path != "/hall/kiosk" || p.status != 200 {
		w.Fatalf("enrolled, and then at %s: %d", p.path, p.status)
	}
	k.d, _ = w.App.HallDevice(w.Context(), w.ad, at, d.ID)
	return k
}

func (k *kiosk) do(r *http.Request) *page {
	k.w.Helper()
	r.Header.Set("Accept-Language", "en")
	res, err := k.http.Do(r)
	if err != nil {
		k.w.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		k.w.Fatal(err)
	}
	p := &page{k: k, status: res.StatusCode, path: res.Request.URL.Path, query: res.Request.URL.RawQuery, header: res.Header, body: html.UnescapeString(string(b))}
	if strings.Contains(p.body, "⟦") {
		k.w.Errorf("%s: a sentence is missing: %.60s", p.path, p.body[strings.Index(p.body, "⟦"):])
	}
	return p
}

func (k *kiosk) get(path string) *page {
	k.w.Helper()
	r, _ := http.NewRequest("GET", k.w.server.URL+path, nil)
	return k.do(r)
}

var tokenField = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// post sends a form of page p.
func (k *kiosk) post(p *page, path string, form url.Values) *page {
	k.w.Helper()
	if form == nil {
		form = url.Values{}
	}
	if m := tokenField.FindStringSubmatch(p.body); m != nil {
		form.Set("form_token", m[1])
	}
	r, _ := http.NewRequest("POST", k.w.server.URL+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return k.do(r)
}

// lay lays somebody's document on the reader at a page, or types it.
func (k *kiosk) lay(path string, p identity.Person) *page {
	k.w.Helper()
	return k.post(k.get(path), path, documentForm(p))
}

func documentForm(p identity.Person) url.Values {
	return url.Values{"kind": {string(p.Document.Kind)}, "number": {p.Document.Number}, "nationality": {p.Document.Nationality}, "name": {p.Name}, "birth": {p.Birth}, "read": {"reader"}}
}

// checkIn gives a code and a fact.
func (k *kiosk) checkIn(code, fact string) *page {
	k.w.Helper()
	return k.post(k.get("/hall/kiosk/booking"), "/hall/kiosk/booking", url.Values{"code": {code}, "fact": {fact}})
}

// take takes a number of the day with a document, from the start.
func (k *kiosk) take(p identity.Person, item, queue string) *page {
	k.w.Helper()
	k.get("/hall/kiosk")
	at := k.lay("/hall/kiosk/number", p)
	if at.path != "/hall/kiosk/number/choose" {
		k.w.Fatalf("after the document at %s (%d)", at.path, at.status)
	}
	return k.post(at, "/hall/kiosk/number/choose", url.Values{"item": {item}, "queue": {queue}})
}

var numberShown = regexp.MustCompile(`class="ticket__number"[^>]*>([^<]+)<`)

// number is the number a page shows, "" for none.
func (p *page) number() string {
	if m := numberShown.FindStringSubmatch(p.body); m != nil && p.path == "/hall/kiosk/done" {
		return m[1]
	}
	return ""
}

var codeShown = regexp.MustCompile(`Code ([a-z_]+)`)

// refusal is the code of the refusal a page tells, "" for none.
func (p *page) refusal() fault.Code {
	if m := codeShown.FindStringSubmatch(p.body); m != nil {
		return fault.Code(m[1])
	}
	return ""
}

func (p *page) wants(what string, code fault.Code, words ...string) {
	p.k.w.Helper()
	if p.refusal() != code {
		p.k.w.Errorf("%s: at %s (%d) with %q, want %q", what, p.path, p.status, p.refusal(), code)
	}
	for _, s := range words {
		if !strings.Contains(p.body, s) {
			p.k.w.Errorf("%s: the page does not say %q", what, s)
		}
	}
}

func (p *page) wantsNumber(what string) string {
	p.k.w.Helper()
	n := p.number()
	if n == "" {
		p.k.w.Errorf("%s: no number, at %s (%d) with %q", what, p.path, p.status, p.refusal())
	}
	return n
}

// leaves tells whether an address or a line of the log says anything of somebody.
func (w *world) leaves(what ...string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range what {
		if strings.Contains(w.log.String(), s) {
			w.Errorf("the log has %q", s)
		}
		if slices.ContainsFunc(w.asked, func(a string) bool { return strings.Contains(a, s) }) {
			w.Errorf("an address has %q", s)
		}
	}
}

func lastFour(p identity.Person) string { return p.Document.Number[len(p.Document.Number)-4:] }
