package citizen

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// Identity vouches for people's real names (Art. 12). The server makes one of the identity gate.
type Identity interface {
	// Name is the short name of the provider; account.provider.<name> says how people call it.
	Name() string

	// Start begins a sign-in: the address to send the browser to, and what must come back to
	// Finish unread. locale is zh-Hans, zh-Hant or en.
	Start(ctx context.Context, locale string) (address string, pending []byte, err error)

	// Finish ends it from the query of the callback address. One pending is finished once. Errors:
	// SignInCancelled when the person turned back, else SignInFailed, with RetryAfter when the
	// provider did not answer.
	Finish(ctx context.Context, pending []byte, callback url.Values) (identity.Person, error)

	// SignOutURL is where the provider's own session ends, "" when there is no such address. It
	// leads back to the home page and holds nothing about the person.
	SignOutURL() string
}

// AccountConfig of NewAccount. Identity is required.
type AccountConfig struct {
	Identity Identity
	Codes    web.Limit // one-time codes asked for from one address; zero = 20 at once, one more every 15 s
}

// Account is the pages around the person: signing in and out, their bookings, their messages, the
// people they look after and where they are signed in. Made by NewAccount, safe for concurrent use.
type Account struct {
	*Pages
	identity Identity
	codes    *web.Limiter
}

// NewAccount makes the Account of the Pages.
func NewAccount(p *Pages, c AccountConfig) *Account {
	if p == nil || c.Identity == nil {
		panic("citizen: NewAccount needs Pages and an Identity")
	}
	if c.Codes.Rate <= 0 {
		c.Codes = web.Limit{Rate: 1.0 / 15, Burst: 20}
	}
	return &Account{Pages: p, identity: c.Identity, codes: web.NewLimiter(c.Codes, p.app.Now)}
}

// Register adds the pages to the mux.
func (a *Account) Register(mux *http.ServeMux) {
	for pattern, h := range map[string]web.Handler{
		"GET /sign-in":                         a.signInPage,
		"GET /sign-in/start":                   a.startSignIn,
		"GET /sign-in/callback":                a.finishSignIn,
		"GET /sign-in/visitor":                 a.visitorPage,
		"POST /sign-in/visitor":                a.visitorSend,
		"GET /sign-in/visitor/code":            a.codePage,
		"POST /sign-in/visitor/code":           a.codeEnter,
		"POST /sign-in/visitor/again":          a.codeAgain,
		"GET /sign-out":                        a.signedOut,
		"POST /sign-out":                       a.signOutNow,
		"GET /bookings":                        a.signed(a.bookings),
		"GET /waitlist":                        a.signed(a.waits),
		"GET /waitlist/{code}":                 a.signed(a.waitEntry),
		"GET /waitlist/{code}/change":          a.signed(a.waitChangeForm),
		"POST /waitlist/{code}/change":         a.signed(a.waitChange),
		"POST /waitlist/{code}/{what}":         a.signed(a.waitDo),
		"GET /messages":                        a.signed(a.messages),
		"GET /cases":                           a.signed(a.cases),
		"GET /cases/{id}":                      a.signed(a.oneCase),
		"POST /cases/{id}/answer":              a.signed(a.answerCase),
		"GET /cases/{id}/withdraw":             a.signed(a.withdraw),
		"POST /cases/{id}/withdraw":            a.signed(a.withdrawNow),
		"GET /people":                          a.signed(a.people),
		"GET /people/new":                      a.signed(a.newPerson),
		"POST /people/new":                     a.signed(a.addPerson),
		"GET /people/{id}/remove":              a.signed(a.confirmRemoval),
		"POST /people/{id}/remove":             a.signed(a.removePerson),
		"GET /account":                         a.signed(a.me),
		"GET /account/level":                   a.signed(a.level),
		"GET /account/standing/{code}":         a.signed(a.standing),
		"POST /account/standing/{code}/appeal": a.signed(a.appealStanding),
		"POST /account/sessions/{id}/end":      a.signed(a.endSession),
		"POST /account/sessions/others":        a.signed(a.endOthers),
		"GET /account/sessions/{rest...}":      a.toAccount,
		"POST /account/calendar":               a.signed(a.makeCalendar),
		"POST /account/calendar/end":           a.signed(a.endCalendar),
		"GET /account/calendar/{rest...}":      a.toAccount,
		"GET /account/calendar":                a.toAccount,
		"GET /calendar/{file}":                 a.calendarFeed,
		"GET /sign-in/visitor/again":           a.toCode,
	} {
		mux.Handle(pattern, a.site.Handle(h))
	}
}

// tab is one of the five pages of a person.
type tab string

const (
	tabBookings tab = "/bookings"
	tabCases    tab = "/cases"
	tabMessages tab = "/messages"
	tabPeople   tab = "/people"
	tabAccount  tab = "/account"
)

var tabs = []struct {
	tab tab
	key string
}{
	{tabBookings, "nav.bookings"}, {tabCases, "mycases.title"}, {tabMessages, "nav.messages"}, {tabPeople, "account.people.title"}, {tabAccount, "account.title"},
}

// tabLinks are the ways between them; current is where the reader is.
func tabLinks(l web.Locale, current tab) []ui.Link {
	out := make([]ui.Link, 0, len(tabs))
	for _, t := range tabs {
		out = append(out, ui.Link{Text: l.T(t.key), Href: string(t.tab), Current: t.tab == current})
	}
	return out
}

// frame is the shell of one of the four pages.
func (a *Account) frame(w http.ResponseWriter, r *http.Request, who *identity.Session, current tab, title, self string) ui.Shell {
	s := a.shell(w, r, who, title, self)
	for i := range s.Nav {
		s.Nav[i].Current = s.Nav[i].Href == string(current)
	}
	return s
}

type accountView struct {
	L        web.Locale
	Token    string
	Title    string
	Tabs     []ui.Link
	Me       []ui.SummaryRow
	Level    ui.NoticeView
	Standing []ui.NoticeView
	Agent    []ui.SummaryRow
	Sessions []sessionRow
	Others   bool
	Calendar calendarView
	Langs    []ui.Link
	Editions []ui.Link
	SignOut  string
}

// me shows who is signed in, what the level allows, where else they are signed in, and the
// choices of language and edition.
func (a *Account) me(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	return a.showMe(w, r, who, "")
}

// showMe is that page; feed is the secret of a calendar address that was made just now, "" for none.
func (a *Account) showMe(w http.ResponseWriter, r *http.Request, who *identity.Session, feed string) error {
	l := web.LocaleOf(r)
	s := a.frame(w, r, who, tabAccount, l.T("account.title"), "/account")
	me := who.Person
	v := accountView{
		L: l, Token: s.Token, Title: s.Title, Tabs: tabLinks(l, tabAccount), SignOut: s.SignOut, Langs: s.Langs,
		Me: []ui.SummaryRow{
			{Key: l.T("account.me.name"), Value: identity.MaskName(me.Name)},
			{Key: documentName(l, me.Document.Kind), Value: identity.MaskNumber(me.Document.Number)},
		},
		Level: a.levelNotice(l, me.Level),
		Editions: []ui.Link{
			{Text: l.T("nav.elder_off"), Href: web.SwitchURL(r, "edition", "normal"), Current: !s.Elder},
			{Text: l.T("nav.elder_on"), Href: web.SwitchURL(r, "edition", "elder"), Current: s.Elder},
		},
	}
	phone := l.T("account.me.no_phone")
	if me.Phone != "" {
		phone = identity.MaskPhone(me.Phone)
	}
	v.Me = append(v.Me, ui.SummaryRow{Key: l.T("account.me.phone"), Value: phone, Lines: []string{l.T("account.me.phone_hint")}})
	for _, o := range me.Agent {
		v.Agent = append(v.Agent, ui.SummaryRow{Key: identity.MaskOrganisation(o.Name), Value: identity.MaskCreditCode(o.CreditCode)})
	}
	var err error
	if v.Standing, err = a.standingNotices(r, l, who); err != nil {
		return err
	}
	if v.Sessions, v.Others, err = a.sessionRows(r, l, who); err != nil {
		return err
	}
	if v.Calendar, err = a.calendarView(r, l, who, feed); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, accountPage(s, v))
}

// needs is the level booking asks for today (Art. 12).
func (a *Account) needs() identity.Level {
	return identity.Level(a.app.Rules(calendar.DateOf(a.app.Now())).LevelToBook)
}

// levelNotice says what a level allows, and what to do where that is not enough.
func (a *Account) levelNotice(l web.Locale, level identity.Level) ui.NoticeView {
	rules := a.app.Rules(calendar.DateOf(a.app.Now()))
	n := ui.NoticeView{L: l, Kind: ui.NoticeInfo, Title: l.T("account.level.is", "level", strconv.Itoa(int(level)))}
	switch {
	case level == identity.Visitor:
		n.Title, n.Text = l.T("account.level.visitor"), l.T("account.level.visitor_text")
	case int(level) < rules.LevelToBook:
		n.Kind, n.Text = ui.NoticeWarning, l.T("account.level.low", "need", strconv.Itoa(rules.LevelToBook))
		n.Links = []ui.Link{{Text: l.T("account.level.how"), Href: "/account/level"}}
	case int(level) < rules.LevelToBatch:
		n.Text = l.T("account.level.book", "need", strconv.Itoa(rules.LevelToBatch))
	default:
		n.Text = l.T("account.level.batch")
	}
	return n
}

type levelView struct {
	L     web.Locale
	Title string
	Lead  string
	Steps []string
	Again ui.ButtonView
	GoOn  ui.ButtonView
}

// level says how to raise a level that does not allow booking yet. A sign-in of such a level comes
// here before it goes on.
func (a *Account) level(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	back := localPath(r.URL.Query().Get("return"))
	if who.Person.Level == identity.Visitor || who.Person.Level >= a.needs() {
		return web.SeeOther(w, r, back)
	}
	l := web.LocaleOf(r)
	s := a.frame(w, r, who, "", l.T("account.level.title"), address("/account/level", "return", back))
	level, need := strconv.Itoa(int(who.Person.Level)), strconv.Itoa(int(a.needs()))
	v := levelView{
		L: l, Title: s.Title, Lead: l.T("account.level.lead", "level", level, "need", need),
		Steps: []string{l.T("account.level.step1"), l.T("account.level.step2"), l.T("account.level.step3")},
		Again: ui.ButtonView{Text: l.T("account.level.again"), Href: a.signInURL(back)},
		GoOn:  ui.ButtonView{Text: l.T("account.level.go_on"), Kind: ui.Secondary, Href: back},
	}
	return web.Render(w, r, http.StatusOK, levelPage(s, v))
}

func (a *Account) toAccount(w http.ResponseWriter, r *http.Request) error {
	return web.SeeOther(w, r, "/account")
}

// slowAddress refuses an address that asks for too many one-time codes. Tries of a code are counted by
// the app.
func (a *Account) slowAddress(r *http.Request) error {
	if wait := a.codes.Take(addressOf(web.AddrOf(r))); wait > 0 {
		return fault.New(fault.TooManyRequests).After(wait)
	}
	return nil
}

// addressOf groups the addresses one customer holds: an IPv4 address, an IPv6 /64.
func addressOf(addr netip.Addr) string {
	addr = addr.Unmap()
	if addr.Is6() {
		if p, err := addr.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

// sealText and openText make a sealed text fit for a cookie, a form or an address.
func (a *Account) sealText(plain []byte, about string) string {
	return base64.RawURLEncoding.EncodeToString(a.sealer.Seal(plain, about))
}

func (a *Account) openText(text, about string) ([]byte, bool) {
	if text == "" || len(text) > 4096 {
		return nil, false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, false
	}
	plain, err := a.sealer.Open(sealed, about)
	return plain, err == nil
}

// cursor reads the place of a list from the address, CursorInvalid for one that is not this list's or
// another person's.
func (a *Account) cursor(r *http.Request, who *identity.Session, list string) (string, error) {
	text := r.URL.Query().Get("after")
	if text == "" {
		return "", nil
	}
	plain, ok := a.openText(text, "place in "+list+" of "+string(who.Person.Key))
	if !ok {
		return "", fault.New(fault.CursorInvalid)
	}
	return string(plain), nil
}

// after is the address of the page of a list behind a place, "" when there is none.
func (a *Account) after(who *identity.Session, list, place string) string {
	if place == "" {
		return ""
	}
	return address(list, "after", a.sealText([]byte(place), "place in "+list+" of "+string(who.Person.Key)))
}
