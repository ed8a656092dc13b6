package console

import (
	"encoding/json"
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func (c *Console) jumpRoutes() {
	c.add(Route{Pattern: "GET " + Prefix + "/jump", Act: account.Supervise}, c.jumpPage)
	c.add(Route{Pattern: "GET " + Prefix + "/jump.json", Act: account.Supervise, Asset: true}, c.jumpList)
}

// target is somewhere to go.
type target struct {
	Text string `json:"text"`
	Note string `json:"note,omitempty"`
	Href string `json:"href"`
}

// targets are the pages and halls that answer to a text, at most a screenful.
func (c *Console) targets(r *http.Request, ad *app.Admin, q string) []target {
	l := web.LocaleOf(r)
	out := []target{}
	if q == "" {
		return out
	}
	g := c.App.Grove(ad, account.Supervise)
	for _, s := range sections {
		if text := l.T("console.nav." + s.name); within(text, q) && c.opens(r, ad, Prefix+s.path) {
			out = append(out, target{text, l.T("console.jump_page"), Prefix + s.path})
		}
	}
	for _, u := range g.Units(q, 4) {
		out = append(out, target{l.Text(u.Name), l.N("console.halls.n", g.Count(u.ID)), address(Prefix+"/halls", "unit", u.ID)})
	}
	for _, h := range g.Find(q, 10) {
		out = append(out, target{l.Text(h.Name), c.where(l, h.UnitID), hallPath(h.ID)})
	}
	return out
}

func (c *Console) jumpPage(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r)
	f := c.frame(w, r, ad, l.T("console.jump"))
	f.Path = c.home0(l)
	v := Table{Caption: l.T("console.jump"), Cols: []Col{{Text: l.T("console.jump_to")}, {Text: l.T("console.jump_where")}}}
	for _, t := range c.targets(r, ad, list.Query) {
		v.Rows = append(v.Rows, Row{Cells: []Cell{{Text: t.Text, Href: t.Href}, {Text: t.Note}}})
	}
	if list.Query != "" {
		v.Empty = ui.EmptyView{Title: l.T("console.jump_none"), Text: l.T("console.jump_hint")}
	} else {
		v.Empty = ui.EmptyView{Title: l.T("console.jump_hint"), Text: l.T("console.keys")}
	}
	return web.Render(w, r, http.StatusOK, jumpView(f, FilterBar{L: l, List: list, Search: l.T("console.jump_hint")}, v))
}

// jumpList answers the script of the jump field: [{"text","note","href"}].
func (c *Console) jumpList(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	body, err := json.Marshal(c.targets(r, ad, listOf(r).Query))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Language, Cookie")
	// An error here is the reader gone away.
	_, _ = w.Write(body)
	return nil
}

// home0 is the way from the console's home.
func (c *Console) home0(l web.Locale) []ui.Link {
	return []ui.Link{{Text: l.T("console.today.title"), Href: Prefix}}
}

// where names the units a place is at, widest first, without the city.
func (c *Console) where(l web.Locale, unit string) string {
	out := ""
	city := c.App.City()
	for u := city.Unit(unit); u != nil && u.ParentID != ""; u = city.Unit(u.ParentID) {
		if out != "" {
			out = " · " + out
		}
		out = l.Text(u.Name) + out
	}
	return out
}
