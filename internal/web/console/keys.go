package console

import (
	"net/http"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const keysPath = Prefix + "/keys"

func (c *Console) keyRoutes() {
	c.add(Route{Pattern: "GET " + keysPath, Act: account.Keys}, c.keys)
	c.add(Route{Pattern: "GET " + keysPath + "/end", Act: account.Keys, Prove: true}, c.endHeldForm)
	c.add(Route{Pattern: "POST " + keysPath + "/end", Act: account.Keys, Prove: true}, c.endHeld)
}

type keysView struct {
	Bar   FilterBar
	Table Table
}

// keys lists the tokens of all accounts.
func (c *Console) keys(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r)
	of := strings.ToUpper(list.Query)
	tokens, total, err := c.App.HeldTokens(r.Context(), ad, of, (list.Page-1)*list.Size, list.Size)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("keys.title"))
	f.Path, f.Lead = c.home0(l), l.T("keys.lead")
	pager := list.Pager(l, total)
	v := keysView{
		Bar: FilterBar{L: l, List: list, Search: l.T("keys.of"), Clear: list.Query != ""},
		Table: Table{
			Caption: l.T("keys.title"), Empty: ui.EmptyView{Title: l.T("keys.none")}, Pager: &pager,
			Cols: []Col{{Text: l.T("tokens.name")}, {Text: l.T("log.account")}, {Text: l.T("tokens.scopes")}, {Text: l.T("tokens.expires")}, {Text: l.T("tokens.used")}, {Text: l.T("account.action")}},
		},
	}
	for _, t := range tokens {
		var scopes []string
		for _, s := range t.Scopes {
			scopes = append(scopes, l.T("tokens.scope."+string(s)))
		}
		used := l.T("passkey.never")
		if !t.Use.IsZero() {
			used = l.When(t.Use)
		}
		v.Table.Rows = append(v.Table.Rows, Row{Cells: []Cell{
			{Text: t.Name}, {Text: t.Account, Href: accountsPath + "/" + t.Account}, {Text: strings.Join(scopes, " · ")}, {Text: l.When(t.Expires)}, {Text: used},
			{Text: l.T("tokens.end"), Href: address(keysPath+"/end", "account", t.Account, "id", t.ID)},
		}})
	}
	return web.Render(w, r, http.StatusOK, keysPage(f, v))
}

type endHeldView struct {
	formView
	Confirm Confirm
	Why     string
}

func (c *Console) endHeldForm(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showEndHeld(w, r, ad, nil)
}

func (c *Console) showEndHeld(w http.ResponseWriter, r *http.Request, ad *app.Admin, err error) error {
	l := web.LocaleOf(r)
	of, id := r.FormValue("account"), r.FormValue("id")
	if of == "" || id == "" {
		return fault.New(fault.EntryNotFound)
	}
	f := c.frame(w, r, ad, l.T("keys.end"))
	f.Narrow = true
	f.Path = append(c.home0(l), ui.Link{Text: l.T("keys.title"), Href: keysPath})
	v := endHeldView{formView: c.formView(&f, keysPath+"/end", err, map[string]string{"why": l.T("log.why")}), Why: r.PostForm.Get("why")}
	v.Confirm = Confirm{
		L: l, Action: keysPath + "/end", Token: f.Token, Text: l.T("keys.end_text", "account", of), Warning: l.T("keys.end_warning"),
		Hidden: [][2]string{{"account", of}, {"id", id}}, Yes: l.T("keys.end"), Danger: true, No: ui.Link{Text: l.T("console.fault.back"), Href: keysPath},
	}
	return web.Render(w, r, v.status(), endHeldPage(f, v))
}

func (c *Console) endHeld(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	err := c.App.EndTokenOf(r.Context(), ad, r.PostForm.Get("account"), r.PostForm.Get("id"), r.PostForm.Get("why"))
	if err != nil && comesBack(err) {
		return c.showEndHeld(w, r, ad, err)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, keysPath)
}
