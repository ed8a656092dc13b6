package citizen

import (
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

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
)

// world is the pages over a real city, and every address anybody asked them for.
type world struct {
	*apptest.Fixture
	server *httptest.Server
	mu     sync.Mutex
	asked  []string
	log    strings.Builder
}

func newWorld(t testing.TB, change func(*Config)) *world {
	t.Helper()
	return newWorldOf(t, apptest.Options{}, change)
}

func newWorldOf(t testing.TB, o apptest.Options, change func(*Config)) *world {
	t.Helper()
	w := &world{Fixture: apptest.New(t, o)}
	site := web.New(web.Options{Log: slog.New(slog.NewTextHandler(lockedWriter{w}, nil)), Now: w.Clock.Now, Page: FaultPage,
		Frames: map[booking.Channel][]string{booking.Suihaoban: {"https://app.example", "https://h5.example"}}})
	c := Config{App: w.App, Site: site, Cookies: web.NewCookies(false, make([]byte, 32)), Sealer: w.Vault}
	if change != nil {
		change(&c)
	}
	mux := http.NewServeMux()
	New(c).Register(mux)
	mux.Handle(web.AssetPattern, site.Assets())
	mux.Handle("/", site.Handle(web.NotFound))
	all := site.Wrap(mux)
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, r.RequestURI)
		w.mu.Unlock()
		all.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.server.Close)
	return w
}

type lockedWriter struct{ w *world }

func (l lockedWriter) Write(b []byte) (int, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return l.w.log.Write(b)
}

// logged returns what the server has logged so far, and addresses what it was asked for.
func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

func (w *world) addresses() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

// browser is one browser without scripts.
type browser struct {
	t    testing.TB
	w    *world
	http *http.Client
}

// shown is a page as the browser shows it.
type shown struct {
	b      *browser
	status int
	at     string // path and query
	header http.Header
	body   string
}

func (w *world) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, w: w, http: &http.Client{Jar: jar, Timeout: 10 * time.Second, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if r.URL.Path == "/sign-in" || len(via) > 5 {
			return http.ErrUseLastResponse // signing in is another story
		}
		return nil
	}}}
}

// signIn gives the browser a session, as the sign-in does.
func (b *browser) signIn(p identity.Person) *identity.Session {
	b.t.Helper()
	token, s := b.w.SignIn(b.t, p)
	u, _ := url.Parse(b.w.server.URL)
	b.http.Jar.SetCookies(u, []*http.Cookie{{Name: "suiyue", Value: token, Path: "/"}})
	return s
}

func (b *browser) send(r *http.Request, err error) shown {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return shown{b, res.StatusCode, res.Request.URL.RequestURI(), res.Header, string(body)}
}

func (b *browser) get(path string) shown {
	b.t.Helper()
	return b.send(http.NewRequest(http.MethodGet, b.w.server.URL+path, nil))
}

func (b *browser) post(path string, v url.Values) shown {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.w.server.URL+path, strings.NewReader(v.Encode()))
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return b.send(r, err)
}

// must stops the test unless the page has the status and says all the words.
func (s shown) must(status int, words ...string) shown {
	s.b.t.Helper()
	if s.status != status {
		s.b.t.Fatalf("%s: status %d, want %d: %s", s.at, s.status, status, s.text())
	}
	for _, word := range words {
		if !strings.Contains(s.text(), word) {
			s.b.t.Fatalf("%s does not say %q: %s", s.at, word, s.text())
		}
	}
	return s
}

var (
	tags    = regexp.MustCompile(`<[^>]*>`)
	whole   = regexp.MustCompile(`<span class="num">([^<]*)</span>(?:<wbr>)?`)
	blanks  = regexp.MustCompile(`\s+`)
	formTag = regexp.MustCompile(`(?s)<form([^>]*)>(.*?)</form>`)
	input   = regexp.MustCompile(`(?s)<input([^>]*)>`)
	sel     = regexp.MustCompile(`(?s)<select([^>]*)>(.*?)</select>`)
	option  = regexp.MustCompile(`(?s)<option([^>]*)>`)
	anchor  = regexp.MustCompile(`(?s)<a(\s[^>]*)>(.*?)</a>`)
	attr    = regexp.MustCompile(`([a-z-]+)(?:="([^"]*)")?`)
)

// together takes away what only says where a line may break.
func together(body string) string {
	return strings.NewReplacer("<wbr>", "", "\u00a0", " ").Replace(whole.ReplaceAllString(body, "$1"))
}

// text is what is to be read in main, and the title.
func (s shown) text() string {
	body := s.body
	if _, after, ok := strings.Cut(body, "<main"); ok {
		_, body, _ = strings.Cut(after, ">")
		body, _, _ = strings.Cut(body, "</main>")
	}
	return strings.TrimSpace(html.UnescapeString(blanks.ReplaceAllString(tags.ReplaceAllString(together(body), " "), " ")))
}

func (s shown) title() string {
	_, t, _ := strings.Cut(s.body, "<title>")
	t, _, _ = strings.Cut(t, "</title>")
	return html.UnescapeString(t)
}

func attrs(tag string) map[string]string {
	out := map[string]string{}
	for _, m := range attr.FindAllStringSubmatch(tag, -1) {
		if _, twice := out[m[1]]; !twice {
			out[m[1]] = html.UnescapeString(m[2])
		}
	}
	return out
}

// form is a form of a page with what stands in it.
type form struct {
	s      shown
	method string
	action string
	values url.Values
}

// form finds the form in main whose action begins so.
func (s shown) form(action string) form {
	s.b.t.Helper()
	for _, m := range formTag.FindAllStringSubmatch(s.body, -1) {
		a := attrs(m[1])
		if !strings.HasPrefix(a["action"], action) {
			continue
		}
		f := form{s, a["method"], a["action"], url.Values{}}
		for _, i := range input.FindAllStringSubmatch(m[2], -1) {
			in := attrs(i[1])
			_, checked := in["checked"]
			_, disabled := in["disabled"]
			if in["name"] == "" || disabled || (in["type"] == "radio" || in["type"] == "checkbox") && !checked {
				continue
			}
			f.values.Add(in["name"], in["value"])
		}
		for _, i := range sel.FindAllStringSubmatch(m[2], -1) {
			for n, o := range option.FindAllStringSubmatch(i[2], -1) {
				oa := attrs(o[1])
				if _, chosen := oa["selected"]; chosen || n == 0 {
					f.values.Set(attrs(i[1])["name"], oa["value"])
				}
			}
		}
		return f
	}
	s.b.t.Fatalf("%s has no form to %s: %s", s.at, action, s.text())
	return form{}
}

// send sends the form with some fields filled in anew.
func (f form) send(pairs ...string) shown {
	f.s.b.t.Helper()
	v := url.Values{}
	for k, list := range f.values {
		v[k] = list
	}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	if f.method == "post" {
		return f.s.b.post(f.action, v)
	}
	path, _, _ := strings.Cut(f.action, "#")
	return f.s.b.get(path + "?" + v.Encode())
}

// links returns the addresses of the links whose text holds words.
func (s shown) links(words string) []string {
	var out []string
	for _, m := range anchor.FindAllStringSubmatch(s.body, -1) {
		if strings.Contains(html.UnescapeString(tags.ReplaceAllString(m[2], "")), words) {
			out = append(out, attrs(m[1])["href"])
		}
	}
	return out
}

// follow goes where the first link with these words leads.
func (s shown) follow(words string) shown {
	s.b.t.Helper()
	for _, href := range s.links(words) {
		if path, _, _ := strings.Cut(href, "#"); strings.HasPrefix(path, "/") {
			return s.b.get(path)
		}
	}
	s.b.t.Fatalf("%s has no link %q: %s", s.at, words, s.text())
	return shown{}
}

// begin goes from an item's queue to the check page, for oneself.
func (b *browser) begin(item, queue string) shown {
	b.t.Helper()
	return b.get("/book/" + item + "/" + queue).must(200).form("/book/who").send().must(200).form("/book/who").send().must(200)
}

// bookHere books the first free hour for oneself and returns the pass.
func (b *browser) bookHere(item, queue string) shown {
	b.t.Helper()
	return b.begin(item, queue).form("/book").send().must(200)
}

func codeOf(s shown) string {
	s.b.t.Helper()
	code, ok := strings.CutPrefix(s.at, "/pass/")
	if !ok {
		s.b.t.Fatalf("%s is no pass: %s", s.at, s.text())
	}
	code, _, _ = strings.Cut(code, "?")
	return code
}

// slotOf takes a slot id apart, for a test that must be right about it.
func slotOf(t testing.TB, id string) (queue, date string, hour int) {
	t.Helper()
	q, d, h, ok := booking.ParseSlotID(id)
	if !ok {
		t.Fatalf("%q is no slot", id)
	}
	return q, d.String(), h
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
