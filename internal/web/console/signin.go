package console

import (
	"net/http"
	"net/url"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const (
	signInPath = Prefix + "/sign-in"
	codePath   = signInPath + "/code"
	provePath  = Prefix + "/prove"
	flowLife   = 15 * time.Minute
)

func (c *Console) signInRoutes() {
	c.add(Route{Pattern: "GET " + signInPath, Open: true}, c.signInForm)
	c.add(Route{Pattern: "POST " + signInPath, Open: true}, c.signIn)
	c.add(Route{Pattern: "GET " + codePath, Open: true}, c.codeForm)
	c.add(Route{Pattern: "POST " + codePath, Open: true}, c.code)
	c.add(Route{Pattern: "GET " + provePath}, c.proveForm)
	c.add(Route{Pattern: "POST " + provePath}, c.prove)
	c.add(Route{Pattern: "POST " + Prefix + "/sign-out"}, c.signOut)
	c.add(Route{Pattern: "GET " + app.WelcomePath + "{token}", Open: true}, c.welcomeForm)
	c.add(Route{Pattern: "POST " + app.WelcomePath + "{token}", Open: true}, c.welcome)
	c.add(Route{Pattern: "GET " + app.WelcomePath + "{token}/factor", Open: true}, c.factorForm)
	c.add(Route{Pattern: "POST " + app.WelcomePath + "{token}/factor", Open: true}, c.factor)
}

type signInView struct {
	formView
	Name string
	Back string
	Demo string // where ready accounts are, "" outside of a demonstration
}

func (c *Console) signInForm(w http.ResponseWriter, r *http.Request, _ *app.Admin) error {
	return c.showSignIn(w, r, nil, "", r.URL.Query().Get("return"))
}

func (c *Console) showSignIn(w http.ResponseWriter, r *http.Request, err error, name, back string) error {
	l := web.LocaleOf(r)
	f := c.frame(w, r, nil, l.T("signin.title"))
	v := signInView{formView: c.formView(&f, signInPath, err, map[string]string{"name": l.T("signin.name"), "password": l.T("signin.password")}),
		Name: name, Back: local(back), Demo: c.Demo}
	if v.Demo != "" {
		v.Demo += "?" + url.Values{"return": {v.Back}}.Encode()
	}
	return web.Render(w, r, v.status(), signInPage(f, v))
}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request, _ *app.Admin) error {
	name, password, back := r.PostForm.Get("name"), r.PostForm.Get("password"), r.PostForm.Get("return")
	half, err := c.App.SignInAdmin(r.Context(), name, password)
	if err != nil {
		if comesBack(err) {
			return c.showSignIn(w, r, err, name, back)
		}
		return err
	}
	if err := c.setFlow(w, flow{Half: half, Back: local(back)}); err != nil {
		return err
	}
	return web.SeeOther(w, r, codePath)
}

type codeView struct {
	formView
	TOTP    bool
	Passkey *passkeyView
	Back    string
	Again   string
}

// passkeyView is the button that makes or uses a passkey.
type passkeyView struct {
	L       web.Locale
	Kind    string // create, get
	Options string
	Text    string
	Failed  string
	First   bool // the only way of the page
}

func (c *Console) codeForm(w http.ResponseWriter, r *http.Request, _ *app.Admin) error {
	return c.showCode(w, r, c.flowOf(r), nil)
}

// showCode asks for the second factor.
func (c *Console) showCode(w http.ResponseWriter, r *http.Request, s flow, err error) error {
	if s.Half == nil {
		return web.SeeOther(w, r, signInPath)
	}
	l := web.LocaleOf(r)
	f := c.frame(w, r, nil, l.T("signin.code_title"))
	v := codeView{formView: c.formView(&f, codePath, err, map[string]string{"code": l.T("signin.code")}), Again: address(signInPath, "return", s.Back)}
	if err := c.askFactor(w, r, &v, s, s.Half.Account); err != nil {
		return err
	}
	return web.Render(w, r, v.status(), codePage(f, v))
}

// askFactor says which second factors an account has, begins a passkey's ceremony and keeps it.
func (c *Console) askFactor(w http.ResponseWriter, r *http.Request, v *codeView, s flow, id string) error {
	have, err := c.App.FactorsOf(r.Context(), id)
	if err != nil {
		return err
	}
	v.TOTP = have.TOTP
	if have.Passkeys > 0 {
		begun, err := c.App.BeginPasskey(r.Context(), id)
		if err != nil {
			return err
		}
		if s.State = begun.State; s.State != nil {
			v.Passkey = &passkeyView{L: v.L, Kind: "get", Options: string(begun.Options), Text: v.L.T("passkey.use"), Failed: v.L.T("passkey.failed"), First: !v.TOTP}
		}
	}
	return c.setFlow(w, s)
}

func factorOf(r *http.Request, s flow) app.Factor {
	return app.Factor{Code: r.PostForm.Get("code"), State: s.State, Answer: []byte(r.PostForm.Get("answer"))}
}

func (c *Console) code(w http.ResponseWriter, r *http.Request, _ *app.Admin) error {
	s := c.flowOf(r)
	token, life, err := c.App.FinishSignIn(r.Context(), s.Half, factorOf(r, s), origin(r))
	switch {
	case err == nil:
		return c.signedIn(w, r, token, life, s.Back)
	case fault.CodeOf(err) == fault.SignInRequired:
		return web.SeeOther(w, r, address(signInPath, "return", s.Back))
	case comesBack(err):
		return c.showCode(w, r, s, err)
	}
	return err
}

// signedIn gives the browser its session; the one it had before ends.
func (c *Console) signedIn(w http.ResponseWriter, r *http.Request, token string, life time.Duration, back string) error {
	if old, err := c.App.Admin(r.Context(), c.Cookies.Session(r)); err == nil {
		// If it cannot be ended now it ends by itself; the browser forgets it either way.
		_ = c.App.SignOutAdmin(r.Context(), old)
	}
	c.Cookies.ClearFlow(w)
	c.Cookies.SetSession(w, token, life)
	return web.SeeOther(w, r, local(back))
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	if err := c.App.SignOutAdmin(r.Context(), ad); err != nil {
		return err
	}
	c.Cookies.ClearSession(w)
	c.Cookies.ClearFlow(w)
	return web.SeeOther(w, r, signInPath)
}

func (c *Console) proveForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showProve(w, r, ad, flow{}, r.URL.Query().Get("return"), nil)
}

// showProve asks who is signed in to prove it once more.
func (c *Console) showProve(w http.ResponseWriter, r *http.Request, ad *app.Admin, s flow, back string, err error) error {
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("prove.title"))
	f.Narrow, f.Lead = true, l.T("prove.lead")
	v := codeView{formView: c.formView(&f, provePath, err, map[string]string{"password": l.T("signin.password"), "code": l.T("prove.code")}), Back: local(back)}
	if err := c.askFactor(w, r, &v, s, ad.Account.ID); err != nil {
		return err
	}
	return web.Render(w, r, v.status(), provePage(f, v))
}

func (c *Console) prove(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	s, back := c.flowOf(r), r.PostForm.Get("return")
	err := c.App.Prove(r.Context(), ad, app.Proof{Password: r.PostForm.Get("password"), Factor: factorOf(r, s)})
	switch {
	case err == nil:
		c.Cookies.ClearFlow(w)
		return web.SeeOther(w, r, local(back))
	case comesBack(err):
		return c.showProve(w, r, ad, s, back, err)
	}
	return err
}

type welcomeView struct {
	formView
	Who    string // account and rank
	Nobody bool
	Person account.Person
}

func (c *Console) welcomeForm(w http.ResponseWriter, r *http.Request, _ *app.Admin) error {
	return c.showWelcome(w, r, account.Person{}, nil)
}

func (c *Console) showWelcome(w http.ResponseWriter, r *http.Request, p account.Person, err error) error {
	l := web.LocaleOf(r)
	to, problem := c.App.Welcome(r.Context(), r.PathValue("token"))
	if problem != nil {
		return problem
	}
	f := c.frame(w, r, nil, l.T("welcome."+to.Purpose))
	v := welcomeView{formView: c.formView(&f, app.WelcomePath+r.PathValue("token"), err, map[string]string{
		"password": l.T("welcome.password"), "again": l.T("welcome.again"), "name": l.T("account.field.name"), "duty": l.T("account.field.duty"), "mobile": l.T("account.field.mobile"),
	}), Nobody: to.Nobody, Person: p}
	v.Who = c.accountWords(l, to.Account)
	if to.Name != "" {
		v.Who = to.Name + " · " + v.Who
	}
	return web.Render(w, r, v.status(), welcomePage(f, v))
}

// accountWords is how people call an account: its number, rank and unit.
func (c *Console) accountWords(l web.Locale, a account.Account) string {
	s := a.ID + " · " + l.T("rank."+string(a.Rank))
	if u := c.App.City().Unit(a.Unit); u != nil {
		s += " · " + l.Text(u.Name)
	}
	return s
}

func (c *Console) welcome(w http.ResponseWriter, r *http.Request, _ *app.Admin) error {
	p := account.Person{Name: r.PostForm.Get("name"), Duty: r.PostForm.Get("duty"), Mobile: r.PostForm.Get("mobile")}
	password := r.PostForm.Get("password")
	if again := r.PostForm.Get("again"); password != "" && again != password {
		return c.showWelcome(w, r, p, fault.InvalidFields(fault.Field{Path: "again", Code: fault.NotTheSame}))
	}
	state, err := c.App.SetUpPassword(r.Context(), r.PathValue("token"), password, p)
	if err != nil {
		if comesBack(err) {
			return c.showWelcome(w, r, p, err)
		}
		return err
	}
	if err := c.setFlow(w, flow{SetUp: state, Secret: app.NewTOTP()}); err != nil {
		return err
	}
	return web.SeeOther(w, r, app.WelcomePath+r.PathValue("token")+"/factor")
}

// factorView is a second factor being set up.
type factorView struct {
	formView
	Address string // what the QR code holds; "" for a passkey alone
	Secret  string // in groups of four
	Passkey *passkeyView
	Button  string
	Back    *ui.Link
}

func (c *Console) factorForm(w http.ResponseWriter, r *http.Request, _ *app.Admin) error {
	return c.showFactor(w, r, c.flowOf(r), nil)
}

func (c *Console) showFactor(w http.ResponseWriter, r *http.Request, s flow, err error) error {
	l, path := web.LocaleOf(r), app.WelcomePath+r.PathValue("token")
	to, problem := c.App.Welcome(r.Context(), r.PathValue("token"))
	if problem != nil {
		return problem
	}
	if s.SetUp == nil || s.Secret == "" {
		return web.SeeOther(w, r, path)
	}
	f := c.frame(w, r, nil, l.T("factor.title"))
	f.Lead = l.T("factor.lead")
	v := factorView{formView: c.formView(&f, path+"/factor", err, map[string]string{"code": l.T("signin.code")}),
		Address: app.TOTPAddress(to.Account.ID, s.Secret), Secret: grouped(s.Secret), Button: l.T("factor.open")}
	begun, problem := c.App.BeginNewPasskey(r.Context(), to.Account.ID)
	if problem != nil {
		return problem
	}
	if s.State = begun.State; s.State != nil {
		v.Passkey = &passkeyView{L: l, Kind: "create", Options: string(begun.Options), Text: l.T("passkey.make"), Failed: l.T("passkey.failed")}
	}
	if err := c.setFlow(w, s); err != nil {
		return err
	}
	return web.Render(w, r, v.status(), factorPage(f, v))
}

func (c *Console) factor(w http.ResponseWriter, r *http.Request, _ *app.Admin) error {
	s, path := c.flowOf(r), app.WelcomePath+r.PathValue("token")
	token, life, err := c.App.SetUpFactor(r.Context(), r.PathValue("token"), s.SetUp, newFactorOf(r, s), origin(r))
	switch {
	case err == nil:
		return c.signedIn(w, r, token, life, Prefix)
	case fault.CodeOf(err) == fault.SignInRequired:
		return web.SeeOther(w, r, path)
	case comesBack(err):
		return c.showFactor(w, r, s, err)
	}
	return err
}

func newFactorOf(r *http.Request, s flow) app.NewFactor {
	return app.NewFactor{Secret: s.Secret, Code: r.PostForm.Get("code"), State: s.State, Answer: []byte(r.PostForm.Get("answer")), Name: r.PostForm.Get("key_name")}
}

// grouped writes a secret in groups of four, as people type it.
func grouped(s string) string {
	out := ""
	for i := 0; i < len(s); i += 4 {
		if i > 0 {
			out += " "
		}
		out += s[i:min(i+4, len(s))]
	}
	return out
}
