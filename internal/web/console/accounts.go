package console

import (
	"net/http"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const accountsPath = Prefix + "/accounts"

func (c *Console) accountRoutes() {
	for _, r := range []struct {
		pattern string
		prove   bool
		h       handler
	}{
		{"GET " + accountsPath, false, c.accounts},
		{"GET " + accountsPath + "/{id}", false, c.account},
		{"POST " + accountsPath + "/{id}/reveal", true, c.revealAccount},
		{"GET " + accountsPath + "/{id}/reset", true, c.resetForm},
		{"POST " + accountsPath + "/{id}/reset", true, c.reset},
		{"GET " + accountsPath + "/{id}/unlock", true, c.unlockForm},
		{"POST " + accountsPath + "/{id}/unlock", true, c.unlock},
	} {
		c.add(Route{Pattern: r.pattern, Act: account.Manage, Or: account.Keys, Prove: r.prove}, r.h)
	}
	c.fileRoutesOf(Route{Act: account.Manage, Or: account.Keys}, accountsPath, c.accountFile)
}

type accountsView struct {
	Bar   FilterBar
	Table Table
}

var accountSorts = []string{"id", "rank", "unit", "state", "-created"}

// accountFilter is what the address says of the accounts, and the ranks and states it may name.
func accountFilter(list List, ad *app.Admin) (ranks, states []string, f app.AccountFilter) {
	states = []string{string(account.Invited), string(account.Open), string(account.Closed), "locked"}
	scope := ad.Account.Accounts()
	for _, rank := range account.Ranks {
		if scope.Ranks == nil || has(scope.Ranks, rank) {
			ranks = append(ranks, string(rank))
		}
	}
	state := list.Value("state", states...)
	f = app.AccountFilter{Rank: account.Rank(list.Value("rank", ranks...)), State: account.State(state), Unit: list.Get("unit"), ID: list.Query, Sort: list.Sort, Desc: list.Desc, Limit: list.Size}
	if state == "locked" {
		f.State, f.Locked = "", true
	}
	f.From = (list.Page - 1) * list.Size
	return ranks, states, f
}

// accounts lists the accounts of my scope.
func (c *Console) accounts(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	list := listOf(r, accountSorts...)
	ranks, states, filter := accountFilter(list, ad)
	rank, state := list.Value("rank", ranks...), list.Value("state", states...)
	page, total, err := c.App.Accounts(r.Context(), ad, filter)
	if err != nil {
		return err
	}
	if from, _ := list.Slice(total); from != filter.From { // behind the last page
		filter.From = from
		if page, total, err = c.App.Accounts(r.Context(), ad, filter); err != nil {
			return err
		}
	}
	f := c.frame(w, r, ad, l.T("accounts.title"))
	f.Actions = []ui.ButtonView{{Text: l.T("filing.new"), Href: filingsPath + "/new"}, {Text: l.T("filing.bulk"), Href: filingsPath + "/bulk", Kind: ui.Secondary}}
	c.fileActions(&f, r, ad, list)
	v := accountsView{Bar: FilterBar{L: l, List: list, Search: l.T("accounts.search"), Clear: rank+state+list.Query+list.Get("unit") != "", Total: l.N("accounts.total", total),
		Filters: []Filter{{"rank", l.T("account.rank"), options(l, "rank.", ranks, rank)}, {"state", l.T("account.state"), options(l, "account.state.", states, state)}}}}
	v.Table = Table{Caption: l.T("accounts.title"), Cols: []Col{
		list.Col(l.T("account.id"), "id", false), list.Col(l.T("account.rank"), "rank", false), list.Col(l.T("account.unit"), "unit", false),
		{Text: l.T("account.field.name")}, list.Col(l.T("account.state"), "state", false), list.Col(l.T("account.since"), "created", false),
	}, Empty: ui.EmptyView{Title: l.T("accounts.none"), Text: l.T("accounts.none_hint")}}
	for _, a := range page {
		v.Table.Rows = append(v.Table.Rows, Row{Cells: []Cell{
			{Text: a.ID, Href: accountsPath + "/" + a.ID}, {Text: l.T("rank." + string(a.Rank))}, {Text: c.unitName(l, a.Unit), Href: list.With("unit", a.Unit)},
			{Text: a.Name}, {Tag: accountTag(l, a)}, {Text: l.When(a.Since)},
		}})
	}
	pager := list.Pager(l, total)
	v.Table.Pager = &pager
	return web.Render(w, r, http.StatusOK, accountsPage(f, v))
}

func has(list []account.Rank, r account.Rank) bool {
	for _, v := range list {
		if v == r {
			return true
		}
	}
	return false
}

// options are the values of a filter, all of them first.
func options(l web.Locale, prefix string, values []string, chosen string) []ui.Option {
	out := []ui.Option{{Text: l.T("accounts.all")}}
	for _, v := range values {
		out = append(out, ui.Option{Value: v, Text: l.T(prefix + v), Selected: v == chosen})
	}
	return out
}

func (c *Console) unitName(l web.Locale, id string) string {
	if u := c.App.City().Unit(id); u != nil {
		return l.Text(u.Name)
	}
	return id
}

func accountTag(l web.Locale, a app.AccountView) ui.Tag {
	switch {
	case !a.Locked.IsZero():
		return ui.Tag{Text: l.T("account.state.locked"), Kind: ui.TagRed}
	case a.State == account.Open:
		return ui.Tag{Text: l.T("account.state.open"), Kind: ui.TagGreen}
	case a.State == account.Invited:
		return ui.Tag{Text: l.T("account.state.invited"), Kind: ui.TagAmber}
	}
	return ui.Tag{Text: l.T("account.state.closed")}
}

type accountView struct {
	L        web.Locale
	Token    string
	Facts    []Fact
	History  Table
	Reveal   string // address, "" for those who may not
	Revealed *account.Person
}

func (c *Console) account(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showAccount(w, r, ad, nil)
}

func (c *Console) revealAccount(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	p, err := c.App.RevealAccount(r.Context(), ad, r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.showAccount(w, r, ad, &p)
}

// showAccount shows one account: who, in which state, what may be done, and all that was done to it.
func (c *Console) showAccount(w http.ResponseWriter, r *http.Request, ad *app.Admin, shown *account.Person) error {
	d, err := c.App.AccountByID(r.Context(), ad, r.PathValue("id"))
	if err != nil {
		return err
	}
	l, path := web.LocaleOf(r), accountsPath+"/"+d.ID
	f := c.frame(w, r, ad, d.ID+" · "+l.T("rank."+string(d.Rank)))
	f.Path = []ui.Link{{Text: l.T("accounts.title"), Href: accountsPath}}
	v := accountView{L: l, Token: f.Token, Revealed: shown}
	if d.Reveal && shown == nil {
		v.Reveal = path + "/reveal"
	}
	name, mobile := d.Name, d.Mobile
	if shown != nil {
		name, mobile = shown.Name, shown.Mobile
	}
	factors := l.T("account.factors", "totp", l.T(map[bool]string{true: "totp.set", false: "totp.none"}[d.TOTP]), "n", strconv.Itoa(d.Keys))
	v.Facts = []Fact{
		{Key: l.T("account.unit"), Value: c.unitName(l, d.Unit)}, {Key: l.T("account.field.name"), Value: name}, {Key: l.T("account.field.duty"), Value: d.Duty},
		{Key: l.T("account.field.mobile"), Value: mobile}, {Key: l.T("account.state"), Part: ui.TagMark(accountTag(l, d.AccountView))}, {Key: l.T("account.second"), Value: factors},
		{Key: l.T("account.since"), Value: l.When(d.Since)},
	}
	for _, t := range []struct {
		key, id string
	}{{"account.predecessor", d.Predecessor}, {"account.successor", d.Successor}} {
		if t.id != "" {
			v.Facts = append(v.Facts, Fact{Key: l.T(t.key), Value: t.id, Href: accountsPath + "/" + t.id})
		}
	}
	if !d.Locked.IsZero() {
		v.Facts = append(v.Facts, Fact{Key: l.T("account.locked_until"), Value: l.When(d.Locked)})
	}
	if d.Manages {
		f.Actions = append(f.Actions,
			ui.ButtonView{Text: l.T("filing.kind.handover"), Href: address(filingsPath+"/new", "kind", "handover", "account", d.ID)},
			ui.ButtonView{Text: l.T("filing.kind.mobile"), Kind: ui.Secondary, Href: address(filingsPath+"/new", "kind", "mobile", "account", d.ID)},
			ui.ButtonView{Text: l.T(map[bool]string{true: "account.reset", false: "account.invite"}[d.State == account.Open]), Kind: ui.Secondary, Href: path + "/reset"},
			ui.ButtonView{Text: l.T("filing.kind.close"), Kind: ui.Quiet, Href: address(filingsPath+"/new", "kind", "close", "account", d.ID)})
	}
	if d.Unlock {
		f.Actions = append(f.Actions, ui.ButtonView{Text: l.T("account.unlock"), Kind: ui.Secondary, Href: path + "/unlock"})
	}
	v.History = Table{Caption: l.T("account.history"), Cols: []Col{{Text: l.T("account.when")}, {Text: l.T("account.what")}, {Text: l.T("account.by")}, {Text: l.T("account.why")}, {Text: l.T("me.origin")}},
		Empty: ui.EmptyView{Title: l.T("account.no_history")}}
	for _, e := range d.History {
		by := e.Account
		if by == "" {
			by = l.T("account.system")
		}
		v.History.Rows = append(v.History.Rows, Row{Cells: []Cell{{Text: l.When(e.At)}, {Text: actWords(l, e.Act)}, {Text: by}, {Text: e.Why}, {Text: e.From}}})
	}
	return web.Render(w, r, http.StatusOK, accountPage(f, v))
}

// actWords says an act of the log; one nobody has worded shows as it is written.
func actWords(l web.Locale, act string) string {
	if key := "account.act." + act; l.Has(key) {
		return l.T(key)
	}
	return act
}

type whyView struct {
	formView
	Text string
	Why  string
	Yes  string
}

func (c *Console) resetForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showWhy(w, r, ad, "reset", nil)
}

func (c *Console) unlockForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showWhy(w, r, ad, "unlock", nil)
}

// showWhy asks for the reason before an account is reset or unlocked.
func (c *Console) showWhy(w http.ResponseWriter, r *http.Request, ad *app.Admin, act string, err error) error {
	d, problem := c.App.AccountByID(r.Context(), ad, r.PathValue("id"))
	if problem != nil {
		return problem
	}
	l, path := web.LocaleOf(r), accountsPath+"/"+d.ID
	f := c.frame(w, r, ad, l.T("account."+act))
	f.Path, f.Narrow = []ui.Link{{Text: l.T("accounts.title"), Href: accountsPath}, {Text: d.ID, Href: path}}, true
	v := whyView{formView: c.formView(&f, path+"/"+act, err, map[string]string{"why": l.T("account.why")}), Why: r.PostForm.Get("why"),
		Text: c.accountWords(l, d.Account) + " · " + d.Name, Yes: l.T("account." + act + "_yes")}
	f.Lead = l.T("account." + act + "_lead")
	return web.Render(w, r, v.status(), whyPage(f, v))
}

func (c *Console) reset(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	link, err := c.App.ResetAccount(r.Context(), ad, r.PathValue("id"), r.PostForm.Get("why"))
	if err != nil {
		if comesBack(err) {
			return c.showWhy(w, r, ad, "reset", err)
		}
		return err
	}
	return c.showLinks(w, r, ad, web.LocaleOf(r).T("link.title"), accountsPath+"/"+link.Account, link)
}

func (c *Console) unlock(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	if err := c.App.UnlockAccount(r.Context(), ad, r.PathValue("id"), r.PostForm.Get("why")); err != nil {
		if comesBack(err) {
			return c.showWhy(w, r, ad, "unlock", err)
		}
		return err
	}
	return web.SeeOther(w, r, accountsPath+"/"+r.PathValue("id"))
}

// showLinks shows one-time links, this once.
func (c *Console) showLinks(w http.ResponseWriter, r *http.Request, ad *app.Admin, title, next string, links ...app.Link) error {
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, title)
	t := Table{Caption: l.T("link.title"), Cols: []Col{{Text: l.T("account.id")}, {Text: l.T("link.link")}, {Text: l.T("link.until")}}}
	for _, k := range links {
		t.Rows = append(t.Rows, Row{Cells: []Cell{{Text: k.Account, Href: accountsPath + "/" + k.Account}, {Part: secretText(k.URL)}, {Text: l.When(k.Until)}}})
	}
	return web.Render(w, r, http.StatusOK, linksPage(f, l, t, next))
}

// ownFilings is what administrators may apply for about their own account.
func ownFilings(l web.Locale, ad *app.Admin) []ui.ButtonView {
	return []ui.ButtonView{
		{Text: l.T("filing.kind.mobile"), Kind: ui.Secondary, Href: address(filingsPath+"/new", "kind", "mobile", "account", ad.Account.ID)},
		{Text: l.T("filing.kind.handover"), Kind: ui.Secondary, Href: address(filingsPath+"/new", "kind", "handover", "account", ad.Account.ID)},
	}
}
