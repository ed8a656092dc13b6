package citizen

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// flow is a sign-in on its way to the identity provider and back. It lives sealed in a cookie that is
// taken away before it is used.
type flow struct {
	Pending []byte    `json:"p"`
	Back    []byte    `json:"b"` // bytes, so that no letter of an address takes six
	Until   time.Time `json:"u"`
}

const (
	flowLife  = 10 * time.Minute
	flowAbout = "sign-in on its way"
	goAbout   = "begin a sign-in"
)

// mostReturn bounds an address to come back to, in bytes: it must fit into a cookie.
const mostReturn = 1024

// localPath returns path if it is a page of this site to go on with after signing in, else "/". It
// keeps a sign-in from being used to send people elsewhere, and from leading to itself.
func localPath(path string) string {
	if len(path) > mostReturn || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return "/"
	}
	for _, r := range path {
		if r <= ' ' || r == '\\' || r == 0x7f || r == '\uFFFD' {
			return "/"
		}
	}
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || strings.HasPrefix(u.Path, "//") || strings.ContainsAny(u.Path, "\\\r\n\t\x00") {
		return "/"
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if first == "sign-in" || first == "sign-out" {
		return "/"
	}
	return path
}

type signInView struct {
	L        web.Locale
	Title    string
	Notice   *ui.NoticeView
	Platform ui.ButtonView
	About    string
	Visitor  ui.ButtonView
	English  string // the visitor's way in English
	GoOn     *ui.ButtonView
}

// signInPage offers the ways to sign in. It comes before every sign-in, so that nobody is sent to
// another site unasked.
func (a *Account) signInPage(w http.ResponseWriter, r *http.Request) error {
	back := localPath(r.URL.Query().Get("return"))
	who := a.visitor(r)
	l := web.LocaleOf(r)
	s := a.shell(w, r, who, l.T("account.signin.title"), address("/sign-in", "return", back))
	s.SignIn = ""
	provider := a.providerName(l)
	v := signInView{
		L: l, Title: s.Title,
		Platform: ui.ButtonView{Text: l.T("account.signin.with", "provider", provider), Href: a.startURL(w, r, back), Icon: "user", Block: true},
		About:    l.T("account.signin.about", "provider", provider),
		Visitor:  ui.ButtonView{Text: l.T("account.signin.visitor"), Kind: ui.Secondary, Href: address("/sign-in/visitor", "return", back), Block: true},
		English:  address("/sign-in/visitor", "return", back, "lang", string(web.En)),
	}
	switch {
	case who != nil:
		v.Notice = &ui.NoticeView{L: l, Title: l.T("account.signin.already", "name", identity.MaskName(who.Person.Name)), Text: l.T("account.signin.already_text")}
		v.GoOn = &ui.ButtonView{Text: l.T("account.signin.go_on"), Kind: ui.Secondary, Href: back, Block: true}
	case a.cookies.Session(r) != "":
		v.Notice = &ui.NoticeView{L: l, Title: l.T("account.signin.ended"), Text: l.T("account.signin.ended_text")}
	case back != "/":
		v.Notice = &ui.NoticeView{L: l, Title: l.T("account.signin.first")}
	}
	return web.Render(w, r, http.StatusOK, signInPage(s, v))
}

// providerName is how people call whoever vouches for them.
func (a *Account) providerName(l web.Locale) string {
	if key := "account.provider." + a.identity.Name(); l.Has(key) {
		return l.T(key)
	}
	return l.T("account.provider.oidc")
}

// startURL is the address that begins a sign-in. It is bound to this browser as a form is: without
// that a stranger's link could sign somebody in as the stranger where the provider brings no state
// back.
func (a *Account) startURL(w http.ResponseWriter, r *http.Request, back string) string {
	return address("/sign-in/start", "return", back, "go", a.sealText([]byte(a.cookies.FormToken(w, r)), goAbout))
}

// startSignIn sends the browser to the provider. A link rather than a form: policies of browsers hold
// forms back from wherever a provider leads on to.
func (a *Account) startSignIn(w http.ResponseWriter, r *http.Request) error {
	back := localPath(r.URL.Query().Get("return"))
	token, ok := a.openText(r.URL.Query().Get("go"), goAbout)
	if !ok || subtle.ConstantTimeCompare(token, []byte(a.cookies.FormToken(w, r))) != 1 {
		return web.SeeOther(w, r, a.signInURL(back)) // from the page it works
	}
	to, pending, err := a.identity.Start(r.Context(), string(web.LocaleOf(r)))
	if err != nil {
		return a.notSignedIn(w, r, err, back)
	}
	plain, err := json.Marshal(flow{Pending: pending, Back: []byte(back), Until: a.app.Now().Add(flowLife)})
	if err != nil {
		return err
	}
	a.cookies.SetFlow(w, a.sealText(plain, flowAbout), flowLife)
	return web.SeeOther(w, r, to)
}

// flowOf returns the sign-in this browser is on, nil for none or one that took too long.
func (a *Account) flowOf(r *http.Request) *flow {
	plain, ok := a.openText(a.cookies.Flow(r), flowAbout)
	var f flow
	if !ok || json.Unmarshal(plain, &f) != nil || !a.app.Now().Before(f.Until) {
		return nil
	}
	return &f
}

// finishSignIn is where the provider sends the browser back to.
func (a *Account) finishSignIn(w http.ResponseWriter, r *http.Request) error {
	f := a.flowOf(r)
	a.cookies.ClearFlow(w)
	if f == nil {
		if a.visitor(r) != nil { // back or reload after it was done
			return web.SeeOther(w, r, "/")
		}
		return a.showNotSignedIn(w, r, notSignedIn{"expired", fault.SignInFailed, http.StatusUnauthorized}, "/")
	}
	back := localPath(string(f.Back))
	p, err := a.identity.Finish(r.Context(), f.Pending, r.URL.Query())
	if err != nil {
		return a.notSignedIn(w, r, err, back)
	}
	p.Document, p.Name = identity.Normalise(p.Document), identity.NormaliseName(p.Name)
	if p.Phone = identity.NormalisePhone(p.Phone); identity.CheckPhone(p.Phone) != "" {
		p.Phone = ""
	}
	// A number that cannot be anybody's would make a person nobody can recognise at the counter.
	if _, bad := identity.CheckDocument(p.Document, calendar.DateOf(a.app.Now())); bad != "" {
		return a.showNotSignedIn(w, r, notSignedIn{"document", fault.SignInFailed, http.StatusUnauthorized}, back)
	}
	if p.Level < identity.Declared {
		return a.showNotSignedIn(w, r, notSignedIn{"failed", fault.SignInFailed, http.StatusUnauthorized}, back)
	}
	token, session, err := a.app.SignIn(r.Context(), p)
	if err != nil {
		return err
	}
	a.welcome(w, r, token, session)
	if p.Level < a.needs() {
		back = address("/account/level", "return", back)
	}
	return web.SeeOther(w, r, back)
}

// welcome gives the browser its new session. The one it had before ends: nobody else may be left
// signed in behind it.
func (a *Account) welcome(w http.ResponseWriter, r *http.Request, token string, session *identity.Session) {
	if old, err := a.session(r); err == nil && old.ID != session.ID {
		// If it cannot be ended now it ends by itself; the browser forgets it either way.
		_ = a.app.SignOut(r.Context(), old)
	}
	a.cookies.SetSession(w, token, session.Expires.Sub(session.SignedIn))
}

// notSignedIn is a way a sign-in did not come about; key names its sentences.
type notSignedIn struct {
	key    string
	code   fault.Code
	status int
}

// notSignedIn answers a sign-in that was turned back, refused or not answered.
func (a *Account) notSignedIn(w http.ResponseWriter, r *http.Request, err error, back string) error {
	e := fault.As(err)
	switch {
	case e.Code == fault.SignInCancelled:
		return a.showNotSignedIn(w, r, notSignedIn{"cancelled", e.Code, http.StatusOK}, back)
	case e.Code == fault.SignInFailed && e.RetryAfter > 0:
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(e.RetryAfter/time.Second))))
		return a.showNotSignedIn(w, r, notSignedIn{"unavailable", e.Code, http.StatusServiceUnavailable}, back)
	case e.Code == fault.SignInFailed:
		return a.showNotSignedIn(w, r, notSignedIn{"failed", e.Code, web.Status(e)}, back)
	}
	return err
}

type notSignedInView struct {
	L       web.Locale
	Title   string
	Text    string
	Code    string
	Actions []ui.ButtonView
}

func (a *Account) showNotSignedIn(w http.ResponseWriter, r *http.Request, n notSignedIn, back string) error {
	l := web.LocaleOf(r)
	s := a.shell(w, r, a.visitor(r), l.T("account.not."+n.key), "/sign-in")
	s.SignIn = ""
	// The address holds what the provider sent: the switches lead to the page to try again from.
	for i, o := range web.Locales {
		s.Langs[i].Href = address("/sign-in", "return", back, "lang", string(o))
	}
	s.Edition.Href = address("/sign-in", "return", back, "edition", map[bool]string{true: "normal", false: "elder"}[s.Elder])
	v := notSignedInView{L: l, Title: s.Title, Text: l.T("account.not." + n.key + "_text"), Actions: []ui.ButtonView{
		{Text: l.T("account.not.again"), Href: a.signInURL(back)},
		{Text: l.T("nav.home"), Href: "/", Kind: ui.Secondary},
	}}
	if n.status != http.StatusOK {
		s.Error, v.Code = true, string(n.code)
	}
	return web.Render(w, r, n.status, notSignedInPage(s, v))
}

// signOutNow ends the session here, and then the provider's.
func (a *Account) signOutNow(w http.ResponseWriter, r *http.Request) error {
	if err := a.form(r); err != nil {
		return err
	}
	who, err := a.session(r)
	if err != nil && fault.As(err).Kind != fault.SignIn {
		return err // it goes on: better said than hidden
	}
	to := "/sign-out"
	if who != nil {
		if err := a.app.SignOut(r.Context(), who); err != nil {
			return err
		}
		if u := a.identity.SignOutURL(); u != "" && who.Person.Level != identity.Visitor {
			to = u
		}
	}
	a.cookies.ClearSession(w)
	a.cookies.ClearFlow(w)
	return web.SeeOther(w, r, to)
}

type signedOutView struct {
	L       web.Locale
	Token   string
	Action  string
	Title   string
	Text    string
	Still   bool // somebody is signed in
	Actions []ui.ButtonView
}

// signedOut says that nobody is signed in here any more, or offers to end it.
func (a *Account) signedOut(w http.ResponseWriter, r *http.Request) error {
	l := web.LocaleOf(r)
	who := a.visitor(r)
	s := a.shell(w, r, who, l.T("account.out.title"), "/")
	v := signedOutView{L: l, Title: s.Title, Text: l.T("account.out.text"), Actions: []ui.ButtonView{
		{Text: l.T("nav.home"), Href: "/"}, {Text: l.T("account.out.again"), Href: a.signIn, Kind: ui.Secondary},
	}}
	if who != nil {
		s.Title = l.T("account.out.ask")
		v.Title, v.Text, v.Still, v.Token, v.Action = s.Title, l.T("account.signin.already", "name", identity.MaskName(who.Person.Name)), true, s.Token, s.SignOut
	}
	return web.Render(w, r, http.StatusOK, signedOutPage(s, v))
}
