package console

import (
	"net/http"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const (
	mePath     = Prefix + "/me"
	tokensPath = Prefix + "/tokens"
)

func (c *Console) meRoutes() {
	c.add(Route{Pattern: "GET " + mePath}, c.me)
	c.add(Route{Pattern: "POST " + mePath + "/sessions"}, c.endSession)
	c.add(Route{Pattern: "GET " + mePath + "/totp", Prove: true}, c.totpForm)
	c.add(Route{Pattern: "POST " + mePath + "/totp", Prove: true}, c.totp)
	c.add(Route{Pattern: "GET " + mePath + "/passkeys", Prove: true}, c.passkeyForm)
	c.add(Route{Pattern: "POST " + mePath + "/passkeys", Prove: true}, c.addPasskey)
	c.add(Route{Pattern: "POST " + mePath + "/passkeys/remove", Prove: true}, c.removePasskey)
	c.add(Route{Pattern: "GET " + mePath + "/password", Prove: true}, c.passwordForm)
	c.add(Route{Pattern: "POST " + mePath + "/password", Prove: true}, c.password)
	c.add(Route{Pattern: "GET " + tokensPath}, c.tokens)
	c.add(Route{Pattern: "POST " + tokensPath, Prove: true}, c.createToken)
	c.add(Route{Pattern: "POST " + tokensPath + "/end"}, c.endToken)
	c.add(Route{Pattern: "GET " + Prefix + "/powers"}, c.powers)
}

type meView struct {
	L        web.Locale
	Token    string
	Facts    []Fact
	Sessions Table
	Others   bool // there are other sign-ins to end
	Passkeys Table
	Actions  []ui.ButtonView
}

func (c *Console) me(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	me, err := c.App.Me(r.Context(), ad)
	if err != nil {
		return err
	}
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("me.title"))
	v := meView{L: l, Token: f.Token, Facts: []Fact{
		{Key: l.T("account.id"), Value: me.Account.ID},
		{Key: l.T("account.rank"), Value: l.T("rank." + string(me.Account.Rank))},
		{Key: l.T("account.field.name"), Value: identity.MaskName(me.Person.Name)},
		{Key: l.T("account.field.duty"), Value: me.Person.Duty},
		{Key: l.T("account.field.mobile"), Value: identity.MaskPhone(me.Person.Mobile)},
		{Key: l.T("totp.title"), Value: l.T(map[bool]string{true: "totp.set", false: "totp.none"}[me.TOTP])},
	}}
	v.Sessions = Table{Caption: l.T("me.sessions"), Cols: []Col{{Text: l.T("me.session")}, {Text: l.T("me.seen")}, {Text: l.T("me.origin")}, {Text: l.T("account.action")}}}
	for _, s := range me.Sessions {
		row := Row{Current: s.Current, Cells: []Cell{{Text: l.When(s.SignedIn)}, {Text: l.When(s.Seen)}, {Text: s.Origin}, {}}}
		if s.Current {
			row.Cells[0].Tag = ui.Tag{Text: l.T("me.this"), Kind: ui.TagRiver}
		} else {
			v.Others = true
			row.Cells[3].Part = smallForm(mePath+"/sessions", f.Token, "id", s.ID, l.T("me.end"), l.T("me.end_label", "when", l.When(s.SignedIn)))
		}
		v.Sessions.Rows = append(v.Sessions.Rows, row)
	}
	v.Passkeys = Table{Caption: l.T("passkey.title"), Cols: []Col{{Text: l.T("passkey.name")}, {Text: l.T("passkey.created")}, {Text: l.T("passkey.used")}, {Text: l.T("account.action")}},
		Empty: ui.EmptyView{Title: l.T("passkey.none"), Text: l.T("passkey.about")}}
	for _, k := range me.Passkeys {
		name := k.Name
		if name == "" {
			name = l.T("passkey.unnamed")
		}
		used := l.T("passkey.never")
		if !k.Used.IsZero() {
			used = l.When(k.Used)
		}
		v.Passkeys.Rows = append(v.Passkeys.Rows, Row{Cells: []Cell{{Text: name}, {Text: l.When(k.Created)}, {Text: used},
			{Part: smallForm(mePath+"/passkeys/remove", f.Token, "id", k.ID, l.T("passkey.remove"), l.T("passkey.remove_label", "name", name))}}})
	}
	v.Actions = []ui.ButtonView{
		{Text: l.T("passkey.add"), Href: mePath + "/passkeys", Kind: ui.Secondary}, {Text: l.T("totp.change"), Href: mePath + "/totp", Kind: ui.Secondary},
		{Text: l.T("me.password"), Href: mePath + "/password", Kind: ui.Secondary},
	}
	v.Actions = append(v.Actions, ownFilings(l, ad)...)
	return web.Render(w, r, http.StatusOK, mePage(f, v))
}

func (c *Console) endSession(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	if err := c.App.EndAdminSession(r.Context(), ad, r.PostForm.Get("id")); err != nil {
		return err
	}
	return web.SeeOther(w, r, mePath)
}

func (c *Console) totpForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showTOTP(w, r, ad, flow{Secret: app.NewTOTP()}, nil)
}

func (c *Console) showTOTP(w http.ResponseWriter, r *http.Request, ad *app.Admin, s flow, err error) error {
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("totp.change"))
	f.Path, f.Narrow = []ui.Link{{Text: l.T("me.title"), Href: mePath}}, true
	v := factorView{formView: c.formView(&f, mePath+"/totp", err, map[string]string{"code": l.T("signin.code")}),
		Address: app.TOTPAddress(ad.Account.ID, s.Secret), Secret: grouped(s.Secret), Button: l.T("form.save")}
	if err := c.setFlow(w, s); err != nil {
		return err
	}
	return web.Render(w, r, v.status(), factorPage(f, v))
}

func (c *Console) totp(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	s := c.flowOf(r)
	if s.Secret == "" {
		return web.SeeOther(w, r, mePath+"/totp")
	}
	if err := c.App.SetTOTP(r.Context(), ad, s.Secret, r.PostForm.Get("code")); err != nil {
		if comesBack(err) {
			return c.showTOTP(w, r, ad, s, err)
		}
		return err
	}
	c.Cookies.ClearFlow(w)
	return web.SeeOther(w, r, mePath)
}

func (c *Console) passkeyForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showPasskey(w, r, ad, nil)
}

func (c *Console) showPasskey(w http.ResponseWriter, r *http.Request, ad *app.Admin, err error) error {
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("passkey.add"))
	f.Path, f.Narrow = []ui.Link{{Text: l.T("me.title"), Href: mePath}}, true
	v := factorView{formView: c.formView(&f, mePath+"/passkeys", err, map[string]string{"passkey": l.T("passkey.title")})}
	begun, problem := c.App.BeginNewPasskey(r.Context(), ad.Account.ID)
	if problem != nil {
		return problem
	}
	if begun.State == nil {
		return fault.New(fault.NotAllowed)
	}
	v.Passkey = &passkeyView{L: l, Kind: "create", Options: string(begun.Options), Text: l.T("passkey.make"), Failed: l.T("passkey.failed")}
	if err := c.setFlow(w, flow{State: begun.State}); err != nil {
		return err
	}
	return web.Render(w, r, v.status(), factorPage(f, v))
}

func (c *Console) addPasskey(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	if err := c.App.AddPasskey(r.Context(), ad, newFactorOf(r, c.flowOf(r))); err != nil {
		if comesBack(err) {
			return c.showPasskey(w, r, ad, err)
		}
		return err
	}
	c.Cookies.ClearFlow(w)
	return web.SeeOther(w, r, mePath)
}

func (c *Console) removePasskey(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	if err := c.App.RemovePasskey(r.Context(), ad, r.PostForm.Get("id")); err != nil {
		return err
	}
	return web.SeeOther(w, r, mePath)
}

func (c *Console) passwordForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showPassword(w, r, ad, nil)
}

func (c *Console) showPassword(w http.ResponseWriter, r *http.Request, ad *app.Admin, err error) error {
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("me.password"))
	f.Path, f.Narrow = []ui.Link{{Text: l.T("me.title"), Href: mePath}}, true
	v := c.formView(&f, mePath+"/password", err, map[string]string{"password": l.T("welcome.password"), "again": l.T("welcome.again")})
	return web.Render(w, r, v.status(), passwordPage(f, v))
}

func (c *Console) password(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	password, again := r.PostForm.Get("password"), r.PostForm.Get("again")
	err := error(fault.InvalidFields(fault.Field{Path: "again", Code: fault.NotTheSame}))
	if password == "" || again == password {
		err = c.App.SetPassword(r.Context(), ad, password)
	}
	if err != nil {
		if comesBack(err) {
			return c.showPassword(w, r, ad, err)
		}
		return err
	}
	return web.SeeOther(w, r, mePath)
}

type tokensView struct {
	formView
	List   Table
	Made   string // the new token, this once
	Name   string
	Scopes ui.ChoiceView
	Days   string
	May    bool
}

func (c *Console) tokens(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showTokens(w, r, ad, "", nil)
}

func (c *Console) showTokens(w http.ResponseWriter, r *http.Request, ad *app.Admin, made string, err error) error {
	me, problem := c.App.Me(r.Context(), ad)
	if problem != nil {
		return problem
	}
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("tokens.title"))
	f.Lead = l.T("tokens.lead")
	v := tokensView{formView: c.formView(&f, tokensPath, err, map[string]string{"name": l.T("tokens.name"), "scopes": l.T("tokens.scopes"), "days": l.T("tokens.days")}),
		Made: made, Name: r.PostForm.Get("name"), Days: r.PostForm.Get("days"), May: !ad.Account.Rank.Operates() && ad.Account.Rank != account.Clerk}
	if v.Days == "" {
		v.Days = "90"
	}
	v.Scopes = ui.ChoiceView{FieldView: v.field("scopes", "")}
	for _, s := range app.Scopes {
		o := ui.Option{Value: string(s), Text: l.T("tokens.scope." + string(s))}
		for _, given := range r.PostForm["scopes"] {
			o.Selected = o.Selected || given == o.Value
		}
		v.Scopes.Options = append(v.Scopes.Options, o)
	}
	v.List = Table{Caption: l.T("tokens.title"), Cols: []Col{{Text: l.T("tokens.name")}, {Text: l.T("tokens.scopes")}, {Text: l.T("tokens.expires")}, {Text: l.T("tokens.used")}, {Text: l.T("account.action")}},
		Empty: ui.EmptyView{Title: l.T("tokens.none")}}
	for _, t := range me.Tokens {
		scopes, used := "", l.T("passkey.never")
		for i, s := range t.Scopes {
			if i > 0 {
				scopes += " · "
			}
			scopes += l.T("tokens.scope." + string(s))
		}
		if !t.Use.IsZero() {
			used = l.When(t.Use)
		}
		v.List.Rows = append(v.List.Rows, Row{Cells: []Cell{{Text: t.Name}, {Text: scopes}, {Text: l.When(t.Expires)}, {Text: used},
			{Part: smallForm(tokensPath+"/end", f.Token, "id", t.ID, l.T("tokens.end"), l.T("tokens.end_label", "name", t.Name))}}})
	}
	return web.Render(w, r, v.status(), tokensPage(f, v))
}

func (c *Console) createToken(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	var scopes []app.Scope
	for _, s := range r.PostForm["scopes"] {
		scopes = append(scopes, app.Scope(s))
	}
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if err != nil {
		days = 0
	}
	token, _, err := c.App.CreateToken(r.Context(), ad, r.PostForm.Get("name"), scopes, days)
	if err != nil && !comesBack(err) {
		return err
	}
	if err == nil {
		r.PostForm = nil
	}
	return c.showTokens(w, r, ad, token, err)
}

func (c *Console) endToken(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	if err := c.App.EndToken(r.Context(), ad, r.PostForm.Get("id")); err != nil {
		return err
	}
	return web.SeeOther(w, r, tokensPath)
}

// powers shows who may do what: the table the product asks itself (account.Powers).
func (c *Console) powers(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("powers.title"))
	f.Lead = l.T("powers.lead")
	v := Table{Caption: l.T("powers.title"), Cols: []Col{{Text: l.T("account.rank")}, {Text: l.T("powers.over")}}}
	for _, act := range account.Actions {
		v.Cols = append(v.Cols, Col{Text: l.T("powers.act." + string(act))})
	}
	for _, p := range account.Powers {
		over := ""
		for i, rel := range p.Over {
			if i > 0 {
				over += " · "
			}
			over += l.T("powers.rel." + string(rel))
		}
		row := Row{Current: p.Rank == ad.Account.Rank, Cells: []Cell{{Text: l.T("rank." + string(p.Rank)), Note: articleWords(l, p.Article)}, {Text: over, Note: levelWords(l, p)}}}
		for _, act := range account.Actions {
			row.Cells = append(row.Cells, powerCell(l, p, act))
		}
		v.Rows = append(v.Rows, row)
	}
	return web.Render(w, r, http.StatusOK, powersPage(f, v))
}

func levelWords(l web.Locale, p account.Power) string {
	s := ""
	for _, level := range p.Levels {
		if s != "" {
			s += " · "
		}
		s += l.T("powers.level." + string(level))
	}
	return s
}

func articleWords(l web.Locale, article string) string {
	if _, err := strconv.Atoi(article); err != nil {
		return l.T(map[string]string{"三員": "powers.operation", "窗口": "powers.counters"}[article])
	}
	return l.T("powers.art", "n", article)
}

func powerCell(l web.Locale, p account.Power, act account.Action) Cell {
	for _, may := range p.May {
		if may == act {
			return Cell{Text: l.T("powers.yes")}
		}
	}
	return Cell{Text: "–"}
}
