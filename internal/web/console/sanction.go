package console

import (
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const sanctionsPath = Prefix + "/sanctions"

func (c *Console) sanctionRoutes() {
	c.add(Route{Pattern: "GET " + sanctionsPath, Act: account.Serve}, c.sanctions)
	c.add(Route{Pattern: "GET " + hallPath("{hall}") + "/sanctions/{code}", Act: account.Serve, Hall: "hall"}, c.sanction)
	c.add(Route{Pattern: "POST " + hallPath("{hall}") + "/sanctions/{code}", Act: account.Serve, Hall: "hall"}, c.decideSanction)
}

func sanctionOf(hall, code string) string { return hallPath(hall) + "/sanctions/" + code }

// sanctions lists the warnings and sanctions that were completed at the halls served, those with an appeal that
// waits in front.
func (c *Console) sanctions(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r)
	waiting := r.URL.Query().Get("appeals") != ""
	f := c.frame(w, r, ad, l.T("sanction.title"))
	f.Path, f.Lead = c.home0(l), l.T("sanction.lead")
	rows, all, err := c.App.Measures(r.Context(), ad, app.MeasuresQuery{Appeals: waiting, Offset: (list.Page - 1) * list.Size, Limit: list.Size})
	if err != nil {
		return err
	}
	v := missedView{
		Days: []ui.Link{{Text: l.T("missed.staff_title"), Href: missedPath}, {Text: l.T("sanction.all"), Href: sanctionsPath, Current: !waiting}, {Text: l.T("missed.appeals"), Href: sanctionsPath + "?appeals=1", Current: waiting}},
		Table: Table{Caption: f.Title, Cols: []Col{
			{Text: l.T("missed.who")}, {Text: l.T("missed.hall")}, {Text: l.T("sanction.kind")}, {Text: l.T("sanction.rests"), Number: true}, {Text: l.T("sanction.since")}, {Text: l.T("sanction.until")}, {Text: l.T("missed.state")},
		}, Empty: ui.EmptyView{Title: l.T("sanction.nobody")}},
	}
	for _, m := range rows {
		until := ""
		if !m.Until.IsZero() {
			until = l.When(m.Until)
		}
		state := Cell{Tag: ui.Tag{Text: l.T("sanction.state." + string(m.State))}}
		if m.Appeal != nil && m.Appeal.State == app.AppealWaiting {
			state.Tag = ui.Tag{Text: l.T("standing.appeal.waiting"), Kind: ui.TagAmber}
		}
		v.Table.Rows = append(v.Table.Rows, Row{Cells: []Cell{
			{Text: m.View.Booker.Name, Note: m.Code, Href: sanctionOf(m.HallID, m.Code)}, {Text: c.hallName(l, m.HallID)}, {Text: l.T("sanction.kind." + string(m.Kind))},
			{Text: count(m.Marks.NoShows + m.Marks.Cancellations)}, {Text: l.When(m.At)}, {Text: until}, state,
		}})
	}
	if all > list.Size {
		p := list.Pager(l, all)
		v.Table.Pager = &p
	}
	return web.Render(w, r, http.StatusOK, missedPage(f, v))
}

// sanction shows one with what it rests on, and the appeal that is to be decided.
func (c *Console) sanction(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showSanction(w, r, ad, "", "")
}

func (c *Console) showSanction(w http.ResponseWriter, r *http.Request, ad *app.Admin, why, wrong string) error {
	l, hall, code := web.LocaleOf(r), r.PathValue("hall"), r.PathValue("code")
	m, err := c.App.Measure(r.Context(), ad, hall, code)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("sanction.kind."+string(m.Kind))+" · "+m.Code)
	f.Path = append(c.home0(l), ui.Link{Text: l.T("sanction.title"), Href: sanctionsPath})
	f.Narrow, f.Error = true, wrong != ""
	v := missedOneView{Action: sanctionOf(hall, code), Token: f.Token, Error: wrong, Value: why, Facts: []ui.SummaryRow{
		{Key: l.T("missed.who"), Value: m.View.Booker.Name, Lines: []string{m.View.Booker.Number}}, {Key: l.T("sanction.since"), Value: l.When(m.At)},
		{Key: l.T("missed.state"), Value: l.T("sanction.state." + string(m.State))},
	}}
	if !m.Until.IsZero() {
		v.Facts = append(v.Facts, ui.SummaryRow{Key: l.T("sanction.until"), Value: l.When(m.Until)})
	}
	for _, b := range m.Rests {
		v.Facts = append(v.Facts, ui.SummaryRow{Key: l.T("sanction.rests"), Value: l.Slot(b.Booking.Date, b.Booking.Hour), Lines: []string{c.hallName(l, b.Booking.HallID), b.Code, l.T("state." + string(b.Booking.State))}})
	}
	if a := m.Appeal; a != nil {
		v.Open = a.State == app.AppealWaiting
		v.Facts = append(v.Facts, ui.SummaryRow{Key: l.T("missed.said"), Value: a.Text, Lines: []string{l.When(a.At), l.T("standing.appeal."+string(a.State), "why", a.Why)}})
	}
	status := http.StatusOK
	if wrong != "" {
		status = http.StatusUnprocessableEntity
	}
	return web.Render(w, r, status, sanctionPage(f, v))
}

func (c *Console) decideSanction(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, code, why := r.PathValue("hall"), r.PathValue("code"), r.PostForm.Get("why")
	if err := c.App.DecideMeasure(r.Context(), ad, hall, code, r.PostForm.Get("decision") == "grant", why); err != nil {
		if f := asInvalid(err); f != nil && len(f.Fields) == 1 {
			return c.showSanction(w, r, ad, why, web.LocaleOf(r).FieldSentence(web.LocaleOf(r).T("missed.why"), f.Fields[0].Code))
		}
		return err
	}
	return web.SeeOther(w, r, sanctionOf(hall, code))
}
