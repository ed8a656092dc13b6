package console

import (
	"net/http"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const costsPath = Prefix + "/messages"

func (c *Console) costRoutes() {
	c.add(Route{Pattern: "GET " + costsPath, Act: account.Supervise}, c.costs)
	c.add(Route{Pattern: "GET " + Prefix + "/halls/{hall}/messages", Act: account.Supervise, Hall: "hall"}, c.hallCosts)
}

type costsView struct {
	Total  string
	Months []ui.Link
	Table  Table
	More   string // how many halls are not shown, "" for none
}

// costsShown is how many halls the page lists, the dearest.
const costsShown = 100

// yuan says thousandths of a fen in yuan, to the fen.
func yuan(cost int64) string { return strconv.FormatFloat(float64(cost)/100_000, 'f', 2, 64) }

// costs shows what short messages cost in a month, by hall.
func (c *Console) costs(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	m, err := c.App.MessageCosts(r.Context(), ad, r.URL.Query().Get("month"), "")
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("costs.title"))
	f.Path, f.Lead = c.home0(l), l.T("costs.lead")
	v := costsView{Total: costTotal(l, m), Months: costMonths(m, costsPath), Table: Table{
		Caption: l.T("costs.by_hall", "month", m.Month), Empty: ui.EmptyView{Title: l.T("costs.none"), Text: l.T("costs.none_text")},
		Cols: []Col{{Text: l.T("costs.hall")}, {Text: l.T("costs.parts"), Number: true}, {Text: l.T("costs.yuan"), Number: true}},
	}}
	for i, one := range m.Halls {
		if i == costsShown {
			v.More = l.N("costs.more", len(m.Halls)-costsShown)
			break
		}
		cell := Cell{Text: l.T("costs.platform")}
		if one.HallID != "" {
			cell = Cell{Text: c.hallName(l, one.HallID), Href: address(hallPath(one.HallID)+"/messages", "month", m.Month)}
		}
		v.Table.Rows = append(v.Table.Rows, Row{Cells: []Cell{cell, {Text: count(int(one.Parts))}, {Text: yuan(one.Cost)}}})
	}
	return web.Render(w, r, http.StatusOK, costsPage(f, v))
}

// hallCosts shows the same of one hall, by kind of message and gateway.
func (c *Console) hallCosts(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, hall := web.LocaleOf(r), r.PathValue("hall")
	m, err := c.App.MessageCosts(r.Context(), ad, r.URL.Query().Get("month"), hall)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("costs.title_hall", "hall", c.hallName(l, hall)))
	f.Path, f.Lead = append(c.home0(l), ui.Link{Text: l.T("costs.title"), Href: address(costsPath, "month", m.Month)}), l.T("costs.lead")
	v := costsView{Total: costTotal(l, m), Months: costMonths(m, hallPath(hall)+"/messages"), Table: Table{
		Caption: l.T("costs.by_kind", "month", m.Month), Empty: ui.EmptyView{Title: l.T("costs.none"), Text: l.T("costs.none_text")},
		Cols: []Col{{Text: l.T("costs.kind")}, {Text: l.T("costs.gateway")}, {Text: l.T("costs.parts"), Number: true}, {Text: l.T("costs.yuan"), Number: true}},
	}}
	for _, one := range m.Rows {
		kind := string(one.Kind)
		if key := "account.message." + kind; l.Has(key) {
			kind = l.T(key)
		}
		v.Table.Rows = append(v.Table.Rows, Row{Cells: []Cell{{Text: kind}, {Text: one.Gateway}, {Text: count(int(one.Parts))}, {Text: yuan(one.Cost)}}})
	}
	return web.Render(w, r, http.StatusOK, costsPage(f, v))
}

func costTotal(l web.Locale, m app.MessageCosts) string {
	return l.T("costs.total", "month", m.Month, "parts", count(int(m.Parts)), "yuan", yuan(m.Cost))
}

// costMonths links the months of which there is something.
func costMonths(m app.MessageCosts, path string) (out []ui.Link) {
	for _, month := range m.Months {
		out = append(out, ui.Link{Text: month, Href: address(path, "month", month), Current: month == m.Month})
	}
	return out
}
