package citizen

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	identitygate "suiyue/internal/gate/identity"
	"suiyue/internal/gate/identity/devidp"
	"suiyue/internal/gate/identity/testpeople"
	"suiyue/internal/web"
)

// accountWorld is the pages over a real city, with the development provider beside them on one server.
type accountWorld struct {
	*apptest.Fixture
	server *httptest.Server
	down   *atomic.Bool // the provider does not answer

	mu   sync.Mutex
	seen []string // every address asked for or led to
	html []string // every page sent by ours
}

// vouched is citizen's Identity over a provider, as the server wires it.
type vouched struct {
	identitygate.Provider
	home string
}

func (v vouched) Start(ctx context.Context, locale string) (string, []byte, error) {
	to, p, err := v.Provider.Start(ctx, identitygate.Return{Path: "/", Locale: locale})
	if err != nil {
		return "", nil, err
	}
	plain, err := json.Marshal(p)
	return to, plain, err
}

func (v vouched) Finish(ctx context.Context, pending []byte, callback url.Values) (identity.Person, error) {
	var p identitygate.Pending
	if err := json.Unmarshal(pending, &p); err != nil {
		return identity.Person{}, fault.New(fault.SignInFailed)
	}
	claims, err := v.Provider.Finish(ctx, p, callback)
	return claims.Person(""), err
}

func (v vouched) SignOutURL() string { return v.Provider.SignOutURL(v.home) }

// flaky is the way to a provider that can be cut.
type flaky struct {
	http.RoundTripper
	down *atomic.Bool
}

func (f flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.down.Load() {
		return nil, &net.OpError{Op: "dial", Err: errors.New("no route")}
	}
	return f.RoundTripper.RoundTrip(r)
}

func newAccountWorld(t *testing.T, more ...testpeople.Person) *accountWorld {
	t.Helper()
	w := &accountWorld{Fixture: apptest.New(t, apptest.Options{}), down: new(atomic.Bool)}
	all := http.NewServeMux()
	w.server = httptest.NewUnstartedServer(all)
	public := "http://" + w.server.Listener.Addr().String()
	idp, err := devidp.New(devidp.Options{
		DevMode: true, Issuer: public + "/dev/idp", ClientID: "suiyue", RedirectURIs: []string{public + "/sign-in/callback"},
		PostLogoutURIs: []string{public + "/"}, People: append(testpeople.All(), more...), Now: w.Clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	provider, err := identitygate.NewOIDC(identitygate.OIDCConfig{
		Name: "dev", Issuer: public + "/dev/idp", ClientID: "suiyue", RedirectURI: public + "/sign-in/callback",
		Mapping: identitygate.StandardMapping(), AllowPlain: true, Transport: flaky{idp.Transport(), w.down}, Now: w.Clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	site := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Now: w.Clock.Now, Page: FaultPage})
	pages := New(Config{App: w.App, Site: site, Cookies: web.NewCookies(false, make([]byte, 32)), Sealer: w.Vault})
	mux := http.NewServeMux()
	pages.Register(mux)
	NewAccount(pages, AccountConfig{Identity: vouched{provider, public + "/"}}).Register(mux)
	mux.Handle(web.AssetPattern, site.Assets())
	mux.Handle("/", site.Handle(web.NotFound))
	all.Handle("/dev/idp/", idp)
	all.Handle("/", site.Wrap(mux))
	w.server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.record(all, rw, r) })
	w.server.Start()
	t.Cleanup(w.server.Close)
	return w
}

// record keeps what strangers between could see of an exchange.
func (w *accountWorld) record(next http.Handler, rw http.ResponseWriter, r *http.Request) {
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	w.mu.Lock()
	w.seen = append(w.seen, r.RequestURI, rec.Header().Get("Location"), r.Referer())
	if !strings.HasPrefix(r.URL.Path, "/dev/") && strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") {
		w.html = append(w.html, rec.Body.String())
	}
	w.mu.Unlock()
	for k, v := range rec.Header() {
		rw.Header()[k] = v
	}
	rw.WriteHeader(rec.Code)
	_, _ = rw.Write(rec.Body.Bytes())
}

// person returns the person a sign-in at the provider makes.
func (w *accountWorld) person(t *testing.T, id string) *identity.Session {
	t.Helper()
	p, ok := testpeople.Find(testpeople.All(), id)
	if !ok {
		t.Fatalf("no test person %q", id)
	}
	_, s := w.SignIn(t, identity.Person{Name: p.Name, Document: p.Document, Phone: p.Phone, Level: p.Level, Agent: p.Organisations})
	return s
}

// book books the first free slot of a queue for who.
func (w *accountWorld) book(t *testing.T, who *identity.Session, key string) app.BookingView {
	t.Helper()
	r, err := w.App.Book(t.Context(), who, app.BookRequest{
		Key: key + "-0123456789abcdef", Item: apptest.SocialCard, SlotID: w.FreeSlots(apptest.QueueA)[0], Stage: directory.Acceptance,
		Units: 1, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.View
}

func (w *accountWorld) cancel(t *testing.T, who *identity.Session, code, key string) {
	t.Helper()
	if _, err := w.App.Cancel(t.Context(), who, app.CancelRequest{Key: key + "-0123456789abcdef", Code: code, Channel: booking.Web}); err != nil {
		t.Fatal(err)
	}
}

// accountBrowser is somebody's browser.
type accountBrowser struct {
	t      *testing.T
	world  *accountWorld
	client *http.Client
}

// answered is a page as it came in the end.
type answered struct {
	status int
	path   string // with query
	body   string
	header http.Header
}

func (w *accountWorld) browser(t *testing.T) *accountBrowser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &accountBrowser{t, w, &http.Client{Jar: jar, Transport: w.server.Client().Transport}}
}

// stay makes the browser show answers that lead elsewhere instead of following them.
func (b *accountBrowser) stay() *accountBrowser {
	c := *b.client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &accountBrowser{b.t, b.world, &c}
}

func (b *accountBrowser) do(r *http.Request, err error) answered {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answered{res.StatusCode, res.Request.URL.RequestURI(), string(body), res.Header}
}

func (b *accountBrowser) absolute(path string) string {
	if strings.HasPrefix(path, "http") {
		return path
	}
	return b.world.server.URL + path
}

func (b *accountBrowser) get(path string) answered {
	b.t.Helper()
	return b.do(http.NewRequest(http.MethodGet, b.absolute(path), nil))
}

func (b *accountBrowser) post(path string, form url.Values) answered {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.absolute(path), strings.NewReader(form.Encode()))
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return b.do(r, err)
}

var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
	startLink   = regexp.MustCompile(`href="(/sign-in/start\?[^"]+)"`)
)

// hidden returns the hidden fields of a page.
func (a answered) hidden() url.Values {
	v := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(a.body, -1) {
		v.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return v
}

// with returns the hidden fields of a page and more besides.
func (a answered) with(pairs ...string) url.Values {
	v := a.hidden()
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// start is the link of a sign-in page.
func (b *accountBrowser) start(page answered) string {
	b.t.Helper()
	m := startLink.FindStringSubmatch(page.body)
	if m == nil {
		b.t.Fatalf("no way to sign in on %s (%d)", page.path, page.status)
	}
	return html.UnescapeString(m[1])
}

// choose goes from the sign-in page to the provider and is person there.
func (b *accountBrowser) choose(page answered, person string) answered {
	b.t.Helper()
	at := b.get(b.start(page))
	if !strings.HasPrefix(at.path, "/dev/idp/authorize") {
		b.t.Fatalf("not at the provider but on %s (%d)", at.path, at.status)
	}
	return b.post("/dev/idp/authorize", at.with("person", person))
}

// signIn signs in as a test person and goes on with back.
func (b *accountBrowser) signIn(person, back string) answered {
	b.t.Helper()
	return b.choose(b.get("/sign-in?return="+url.QueryEscape(back)), person)
}

// token is the session's secret in this browser.
func (b *accountBrowser) token() string { return b.cookie("suiyue") }

func (b *accountBrowser) cookie(name string) string {
	u, err := url.Parse(b.world.server.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *accountBrowser) setCookie(name, value string) {
	u, err := url.Parse(b.world.server.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// must fails the test unless a page has the status and says every one of words.
func (a answered) must(t *testing.T, status int, words ...string) answered {
	t.Helper()
	if a.status != status {
		t.Fatalf("%s: status %d, want %d\n%s", a.path, a.status, status, mainOf(a.body))
	}
	for _, word := range words {
		if !strings.Contains(together(a.body), word) {
			t.Fatalf("%s does not say %q:\n%s", a.path, word, mainOf(a.body))
		}
	}
	return a
}

// mainOf is what a page says between header and footer.
func mainOf(body string) string {
	_, rest, _ := strings.Cut(body, "<main")
	rest, _, _ = strings.Cut(rest, "</main>")
	return rest
}

// session returns who is signed in in this browser, as the app says.
func (b *accountBrowser) session() *identity.Session {
	s, err := b.world.App.Session(b.t.Context(), b.token())
	if err != nil {
		return nil
	}
	return s
}

const formField = web.FormField

// writeAccountGallery writes a page for looking at, where SUIYUE_GALLERY names a folder.
func writeAccountGallery(t *testing.T, name, body string) {
	t.Helper()
	dir := os.Getenv("SUIYUE_GALLERY")
	if dir == "" {
		return
	}
	dir = filepath.Join(dir, "account")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	body = strings.ReplaceAll(body, `"/assets/`, `"assets/`)
	if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, " ", "_")+".html"), []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}
