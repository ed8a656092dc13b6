// Package citizen is the pages of the person who books: from "what do I need to get done" to the
// pass, and what can be done with it afterwards. They are rendered on the server and work without
// scripts. Each page repeats what was chosen; what is being filled in lives sealed in the browser,
// so that back and reload lose nothing and no personal data stands in an address.
package citizen

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// Sealer seals what the browser keeps for us. about binds a sealed text to its purpose: opened under
// another one it is refused. The app's vault is one.
type Sealer interface {
	Seal(plain []byte, about string) []byte
	Open(sealed []byte, about string) ([]byte, error)
}

// Config of New. App, Site, Cookies and Sealer are required, the rest has a safe zero value.
type Config struct {
	App     *app.App
	Site    *web.Site
	Cookies *web.Cookies
	Sealer  Sealer
	Secure  bool         // served over https: the draft's cookies are for https only
	SignIn  string       // address that starts a sign-in, answering ?return=<path>; "" = /sign-in
	SignOut string       // address a POST to which ends the session; "" = /sign-out
	Often   *web.Limiter // as of api.Config
	Account *web.Limiter // bookings, moves and cancellations of one person; nil = no limit
	Find    *web.Limiter // looking up a booking, by address and by code; shared with the API. nil = 10 at once, one more every 30 s
}

// Pages are the citizen's pages. Made by New, safe for concurrent use.
type Pages struct {
	app     *app.App
	site    *web.Site
	cookies *web.Cookies
	sealer  Sealer
	secure  bool
	signIn  string
	signOut string
	account *web.Limiter
	often   *web.Limiter
	finding *web.Limiter
}

// New makes the Pages.
func New(c Config) *Pages {
	if c.App == nil || c.Site == nil || c.Cookies == nil || c.Sealer == nil {
		panic("citizen: Config needs App, Site, Cookies and Sealer")
	}
	p := &Pages{
		app: c.App, site: c.Site, cookies: c.Cookies, sealer: c.Sealer, secure: c.Secure,
		signIn: c.SignIn, signOut: c.SignOut, account: c.Account, often: c.Often, finding: c.Find,
	}
	if p.signIn == "" {
		p.signIn = "/sign-in"
	}
	if p.signOut == "" {
		p.signOut = "/sign-out"
	}
	if p.finding == nil {
		p.finding = web.NewLimiter(web.Limit{Rate: 1.0 / 30, Burst: 10}, p.app.Now)
	}
	return p
}

// Register adds the pages to the mux. Addresses nobody serves are the server's to answer.
func (p *Pages) Register(mux *http.ServeMux) {
	for pattern, h := range map[string]web.Handler{
		"GET /{$}":                          p.home,
		"GET /search":                       p.search,
		"GET /suggest":                      p.suggest,
		"GET /category/{id}":                p.category,
		"GET /item/{code}":                  p.item,
		"GET /item/{code}/compare":          p.compare,
		"GET /embed/{entrance}":             p.framedSearch,
		"GET /embed/{entrance}/item/{code}": p.framedItem,
		"GET /hall/{id}":                    p.hall,
		"GET /themes":                       p.themes,
		"GET /themes/{code}":                p.theme,
		"GET /waiting":                      p.waiting,
		"POST /waiting":                     p.waitingNear,
		"GET /draws":                        p.drawList,
		"GET /open-data":                    p.openData,
		"GET /open-data/{file}":             p.openDataFile,
		"GET /releases":                     p.releases,
		"GET /draws/{id}":                   p.draw,
		"GET /announcements":                p.announcements,
		"GET /announcements/{id}":           p.bulletin,
		"GET /book/{item}/{queue}":          p.when,
		"GET /book/who":                     p.signed(p.who),
		"POST /book/who":                    p.signed(p.chooseWho),
		"GET /book/person":                  p.signed(p.person),
		"POST /book/person":                 p.nameSomebody,
		"GET /book/organisation":            p.signed(p.organisation),
		"POST /book/organisation":           p.nameSomebody,
		"GET /book/cases":                   p.signed(p.cases),
		"POST /book/cases":                  p.signed(p.changeCases),
		"POST /book/cases/file":             p.signed(p.casesFile),
		"GET /book/cases/template.csv":      p.casesTemplate,
		"GET /book/together":                p.signed(p.together),
		"POST /book/together":               p.signed(p.changeTogether),
		"GET /book/together/hours":          p.signed(p.togetherHours),
		"GET /book/together/done":           p.signed(p.togetherDone),
		"GET /book/wait":                    p.signed(p.waitForm),
		"POST /book/wait":                   p.signed(p.joinWait),
		"GET /book/check":                   p.signed(p.check),
		"POST /book":                        p.book,
		"GET /book":                         p.toHome,
		"GET /waitlist/new":                 p.signed(p.waitForm),
		"GET /find":                         p.find,
		"POST /find":                        p.found,
		"GET /pass/{code}":                  p.pass,
		"GET /pass/{code}/calendar.ics":     p.calendar,
		"POST /pass/{code}/keep":            p.keepHour,
		"GET /pass/{code}/cases":            p.signed(p.batch),
		"POST /pass/{code}/cases":           p.signed(p.reduce),
		"GET /pass/{code}/move":             p.signed(p.move),
		"POST /pass/{code}/move":            p.signed(p.moveTo),
		"GET /pass/{code}/move/halls":       p.signed(p.moveHalls),
		"GET /pass/{code}/move/check":       p.signed(p.moveCheck),
		"GET /pass/{code}/cancel":           p.signed(p.cancel),
		"POST /pass/{code}/cancel":          p.signed(p.cancelNow),
		"GET /pass/{code}/rebook":           p.signed(p.rebook),
		"POST /pass/{code}/rebook":          p.signed(p.rebookNow),
		"GET /pass/{code}/rebook/halls":     p.signed(p.rebookHalls),
		"GET /pass/{code}/rebook/check":     p.signed(p.rebookCheck),
		"GET /pass/{code}/appeal":           p.signed(p.appeal),
		"POST /pass/{code}/appeal":          p.signed(p.appealNow),
		"POST /pass/{code}/arrive":          p.signed(p.here),
		"GET /arrive/{hall}/{code}":         p.signed(p.arrive),
		"POST /arrive/{hall}/{code}":        p.signed(p.arrived),
		"GET /ticket/{id}":                  p.ticket,
		"GET /ticket/{id}/live":             p.ticketLive,
		"POST /ticket/{id}/leave":           p.leave,
		"GET /ticket/{id}/evaluate":         p.evaluate,
		"POST /ticket/{id}/evaluate":        p.evaluated,
		"GET /evaluate/{hall}":              p.rate,
		"POST /evaluate/{hall}":             p.rateNow,
	} {
		mux.Handle(pattern, p.site.Handle(h))
	}
}

// session returns who is signed in on this browser: SignInRequired when nobody is, SessionEnded when
// somebody was.
func (p *Pages) session(r *http.Request) (*identity.Session, error) {
	return p.app.Session(r.Context(), p.cookies.Session(r))
}

// visitor returns who is signed in, nil for nobody. For pages that anybody may see: they are shown
// whatever has become of the sign-in.
func (p *Pages) visitor(r *http.Request) *identity.Session {
	who, err := p.session(r)
	if err != nil {
		return nil
	}
	return who
}

// signedHandler is a Handler of somebody signed in.
type signedHandler func(w http.ResponseWriter, r *http.Request, who *identity.Session) error

// signed lets through who is signed in, and sends anybody else to sign in and then back here.
func (p *Pages) signed(next signedHandler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who, err := p.session(r)
		if err != nil {
			return p.toSignIn(w, r, err, r.URL.RequestURI())
		}
		return next(w, r, who)
	}
}

// toSignIn sends somebody to sign in who must, and then to back; other errors are handed on.
func (p *Pages) toSignIn(w http.ResponseWriter, r *http.Request, err error, back string) error {
	if fault.As(err).Kind != fault.SignIn {
		return err
	}
	return web.SeeOther(w, r, p.signInURL(back))
}

func (p *Pages) signInURL(back string) string {
	return p.signIn + "?" + url.Values{"return": {back}}.Encode()
}

// form reads a POST and refuses one that did not come from a page of ours in this browser.
func (p *Pages) form(r *http.Request) error {
	if err := web.ParseForm(r); err != nil {
		return err
	}
	return p.cookies.CheckForm(r)
}

// slowDown refuses a person who asks for changes too fast.
func (p *Pages) slowDown(who *identity.Session) error {
	if p.account == nil {
		return nil
	}
	if wait := p.account.Take(string(who.Person.Key)); wait > 0 {
		return fault.New(fault.TooManyRequests).After(wait)
	}
	return nil
}

// shell makes the page around the content for who, nil for nobody. self is the address of this page
// for a GET: the switches of language and edition lead there, and a sign-in comes back there.
func (p *Pages) shell(w http.ResponseWriter, r *http.Request, who *identity.Session, title, self string) ui.Shell {
	s := ui.NewShell(r, title)
	s.SignIn, s.SignOut = p.signInURL(self), p.signOut
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		for i, l := range web.Locales {
			s.Langs[i].Href = withQuery(self, "lang", string(l))
		}
		s.Edition.Href = withQuery(self, "edition", map[bool]string{true: "normal", false: "elder"}[s.Elder])
	}
	if who != nil {
		s.Person, s.SignIn = identity.MaskName(who.Person.Name), ""
		s.Token = p.cookies.FormToken(w, r)
	}
	s.Footer = []ui.Link{{Text: s.L.T("nav.home"), Href: "/"}, {Text: s.L.T("nav.find"), Href: "/find"}, {Text: s.L.T("footer.releases"), Href: releasesPath}, {Text: s.L.T("footer.open_data"), Href: openDataPath}, {Text: s.L.T("announcement.title"), Href: "/announcements"}, {Text: s.L.T("footer.api"), Href: "/api/"}}
	return s
}

// today returns the date and the time by the product's clock.
func (p *Pages) today() (calendar.Date, time.Time) {
	now := p.app.Now()
	return calendar.DateOf(now), now
}

// withQuery returns an address of ours with one more parameter; an empty value takes it away.
func withQuery(address, name, value string) string {
	path, raw, _ := strings.Cut(address, "?")
	raw, fragment, cut := strings.Cut(raw, "#")
	if !cut {
		path, fragment, cut = strings.Cut(path, "#")
	}
	// What we made ourselves can be read; what somebody else broke is left out.
	q, _ := url.ParseQuery(raw)
	q.Del(name)
	if value != "" {
		q.Set(name, value)
	}
	out := path
	if len(q) > 0 {
		out += "?" + q.Encode()
	}
	if cut {
		out += "#" + fragment
	}
	return out
}

// address makes a path with parameters; empty ones are left out.
func address(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// back is the link above a page.
func back(l web.Locale, href string) *ui.Link {
	return &ui.Link{Text: l.T("nav.back"), Href: href}
}

func change(l web.Locale, href string) *ui.Link {
	return &ui.Link{Text: l.T("form.change"), Href: href}
}

func (p *Pages) toHome(w http.ResponseWriter, r *http.Request) error {
	return web.SeeOther(w, r, "/")
}
