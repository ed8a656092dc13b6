package e2e

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
	"suiyue/internal/web"
	"suiyue/internal/web/citizen"
	"suiyue/internal/web/console"
)

// inside is the citizen's pages over a small city in this process: its clock, its rules and what happens meanwhile are the
// test's.
type inside struct {
	*apptest.Fixture
	city city
}

func within(t *testing.T, o apptest.Options) *inside {
	t.Helper()
	w := &inside{Fixture: apptest.New(t, o)}
	site := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Now: w.Clock.Now, Page: citizen.FaultPage})
	pages := citizen.New(citizen.Config{App: w.App, Site: site, Cookies: web.NewCookies(false, make([]byte, 32)), Sealer: w.Vault})
	mux := http.NewServeMux()
	pages.Register(mux)
	citizen.NewAccount(pages, citizen.AccountConfig{Identity: nobody{}}).Register(mux)
	mux.Handle(web.AssetPattern, site.Assets())
	mux.Handle("/", site.Handle(web.NotFound))
	// Signing in is tested elsewhere: whoever knows the session has it.
	mux.HandleFunc("GET /as/{session}", func(rw http.ResponseWriter, r *http.Request) {
		http.SetCookie(rw, &http.Cookie{Name: "suiyue", Value: r.PathValue("session"), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		http.Redirect(rw, r, "/account", http.StatusSeeOther)
	})
	all := site.Wrap(mux)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { all.ServeHTTP(still{rw}, r) }))
	t.Cleanup(server.Close)
	w.city.url = server.URL
	return w
}

// still keeps a page from looking again by itself: it is looked at for longer than it would stay.
type still struct{ http.ResponseWriter }

func (s still) WriteHeader(status int) {
	s.Header().Del("Refresh")
	s.ResponseWriter.WriteHeader(status)
}

// nobody vouches for nobody.
type nobody struct{}

func (nobody) Name() string { return "dev" }
func (nobody) Start(context.Context, string) (string, []byte, error) {
	return "", nil, fault.New(fault.SignInFailed)
}
func (nobody) Finish(context.Context, []byte, url.Values) (identity.Person, error) {
	return identity.Person{}, fault.New(fault.SignInFailed)
}
func (nobody) SignOutURL() string { return "" }

// tab is a browser of somebody who is signed in.
func (w *inside) tab(t *testing.T, p identity.Person) (*tab, *identity.Session) {
	t.Helper()
	b := open(t, &w.city)
	token, who := w.SignIn(t, p)
	b.goTo("/as/" + token)
	return b, who
}

// office is the console of the city, opened by an administrator who is signed in to it.
func (w *inside) office(t *testing.T, o *apptest.Operator) *tab {
	t.Helper()
	return w.officeWith(t, o, func(h http.Handler) http.Handler { return h })
}

// officeWith is office with something between the browser and the console.
func (w *inside) officeWith(t *testing.T, o *apptest.Operator, between func(http.Handler) http.Handler) *tab {
	t.Helper()
	site := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Now: w.Clock.Now, Page: console.FaultPage})
	mux := http.NewServeMux()
	console.New(console.Config{
		App: w.App, Site: site, Cookies: web.NewCookies(false, make([]byte, 32)).Of("console"), Sealer: w.Vault, Public: apptest.Public,
	}).Register(mux)
	mux.Handle(web.AssetPattern, site.Assets())
	mux.HandleFunc("GET /as/{session}", func(rw http.ResponseWriter, r *http.Request) {
		http.SetCookie(rw, &http.Cookie{Name: "suiyue-console", Value: r.PathValue("session"), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		http.Redirect(rw, r, "/console?lang=zh-Hans", http.StatusSeeOther)
	})
	server := httptest.NewServer(between(site.Wrap(mux)))
	t.Cleanup(server.Close)
	b := open(t, &city{url: server.URL})
	b.resize(desk)
	b.goTo("/as/" + o.Token)
	return b
}

// rules changes the rules of the city.
func (w *inside) rules(t *testing.T, change func(*rulebook.Rulebook)) {
	t.Helper()
	r := rulebook.Continued2025()
	r.Waitlist = true
	change(&r)
	if err := w.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveRulebook(t.Context(), r) }); err != nil {
		t.Fatal(err)
	}
	if err := w.App.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// take books a slot for the n-th citizen and returns who that is and the code.
func (w *inside) take(t *testing.T, n int, slot string) (*identity.Session, string) {
	t.Helper()
	_, who := w.SignIn(t, apptest.Citizen(n))
	got, err := w.App.Book(t.Context(), who, app.BookRequest{
		Key: "take-" + slot, Item: apptest.SocialCard, SlotID: slot, Stage: directory.Acceptance, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if err != nil {
		t.Fatal(err)
	}
	return who, got.View.Code
}

// cancel gives a number back.
func (w *inside) cancel(t *testing.T, who *identity.Session, code string) {
	t.Helper()
	if _, err := w.App.Cancel(t.Context(), who, app.CancelRequest{Key: "cancel-" + code, Code: code, Channel: booking.Web}); err != nil {
		t.Fatal(err)
	}
}

// ways looks at an address in Chinese at every width, in the elder edition, and on a phone in the other languages.
func (b *tab) ways(name, path string) {
	b.t.Helper()
	with := "?"
	if strings.Contains(path, "?") {
		with = "&"
	}
	for _, l := range []struct {
		query, lang string
		elder       bool
		at          []int64
	}{
		{"lang=en", "en", false, []int64{320}}, {"lang=zh-Hant", "zh-Hant-HK", false, []int64{320}},
		{"lang=zh-Hans&edition=elder", "zh-Hans-CN", true, nil}, {"edition=normal", "zh-Hans-CN", false, nil},
	} {
		switch status := b.goTo(path + with + l.query); status {
		case 200:
		case b.polls:
		default:
			b.t.Fatalf("%s answers %d", path, status)
		}
		if l.at == nil {
			b.inspect(name, l.lang, l.elder)
		} else {
			b.inspectWords(name, l.lang, l.elder, l.at...)
		}
	}
}

// pick chooses a radio or a checkbox by its value.
func (b *tab) pick(name, value string) {
	b.t.Helper()
	b.do(b.press(`label:has(input[name="` + name + `"][value="` + value + `"])`))
}

// awaitStatus is expectStatus for a remark that may be on its way still.
func (b *tab) awaitStatus(status int) {
	b.t.Helper()
	heard := func() int {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.messages)
	}
	for range 250 {
		before := heard()
		if b.expectStatus(status); heard() < before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.t.Errorf("the browser never remarked on status %d", status)
}
