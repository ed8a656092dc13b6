package console

import (
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const missedPath = Prefix + "/missed"

func (c *Console) missedRoutes() {
	c.add(Route{Pattern: "GET " + missedPath, Act: account.Serve}, c.missed)
	c.add(Route{Pattern: "GET " + hallPath("{hall}") + "/missed", Act: account.Serve, Hall: "hall"}, c.missed)
	c.add(Route{Pattern: "GET " + hallPath("{hall}") + "/missed/{code}", Act: account.Serve, Hall: "hall"}, c.missedOne)
	c.add(Route{Pattern: "POST " + hallPath("{hall}") + "/missed/{code}", Act: account.Serve, Hall: "hall"}, c.settleMissed)
}

func missedOf(hall, code string) string { return hallPath(hall) + "/missed/" + code }

type missedView struct {
	Days  []ui.Link // the appeals, and the days whose missed hours can be looked at
	Table Table
}

// missed lists the appeals that wait, and of one hall the missed hours of a day.
func (c *Console) missed(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list, hall := web.LocaleOf(r), listOf(r), r.PathValue("hall")
	f := c.frame(w, r, ad, l.T("missed.staff_title"))
	f.Path, f.Lead = c.home0(l), l.T("missed.staff_lead")
	q := app.MissedQuery{Hall: hall, Appeals: true, State: app.AppealWaiting, Offset: (list.Page - 1) * list.Size, Limit: list.Size}
	today := calendar.DateOf(c.App.Now())
	v := missedView{Days: []ui.Link{
		{Text: l.T("missed.appeals"), Href: missedPath, Current: true}, {Text: l.T("console.nav.sanctions"), Href: sanctionsPath},
	}}
	if hall != "" {
		f.Title = l.T("missed.staff_title") + " · " + c.hallName(l, hall)
		if d, err := calendar.ParseDate(r.URL.Query().Get("date")); err == nil {
			q.Appeals, q.Date = false, d
		}
		v.Days = []ui.Link{
			{Text: l.T("missed.appeals"), Href: hallPath(hall) + "/missed", Current: q.Appeals},
			{Text: l.T("missed.of_today"), Href: address(hallPath(hall)+"/missed", "date", today.String()), Current: !q.Appeals && q.Date == today},
			{Text: l.T("missed.of_yesterday"), Href: address(hallPath(hall)+"/missed", "date", (today - 1).String()), Current: !q.Appeals && q.Date == today-1},
		}
	}
	if !q.Appeals {
		c.fileActions(&f, r, ad, list)
	}
	rows, all, err := c.App.MissedHours(r.Context(), ad, q)
	if err != nil {
		return err
	}
	v.Table = Table{Caption: f.Title, Cols: []Col{
		{Text: l.T("missed.who")}, {Text: l.T("missed.hall")}, {Text: l.T("missed.when")}, {Text: l.T("missed.said")}, {Text: l.T("missed.marks"), Number: true}, {Text: l.T("missed.state")},
	}, Empty: ui.EmptyView{Title: l.T("missed.nobody")}}
	for _, m := range rows {
		v.Table.Rows = append(v.Table.Rows, c.missedRow(l, m))
	}
	if all > list.Size {
		p := list.Pager(l, all)
		v.Table.Pager = &p
	}
	return web.Render(w, r, http.StatusOK, missedPage(f, v))
}

func (c *Console) missedRow(l web.Locale, m app.MissedView) Row {
	b := m.View
	row := Row{Cells: []Cell{
		{Text: b.Booker.Name, Note: b.Code, Href: missedOf(b.Booking.HallID, b.Code)}, {Text: c.hallName(l, b.Booking.HallID)}, {Text: l.Slot(b.Booking.Date, b.Booking.Hour)},
		{Text: "—"}, {Text: count(m.Marks.NoShows)}, {Tag: ui.Tag{Text: l.T("state." + string(b.Booking.State))}},
	}}
	if a := m.Appeal; a != nil {
		row.Cells[3] = Cell{Text: a.Text, Note: l.When(a.At)}
		if a.State == app.AppealWaiting {
			row.Cells[5].Tag = ui.Tag{Text: l.T("missed.appeal.waiting"), Kind: ui.TagAmber}
		}
	}
	return row
}

type missedOneView struct {
	Facts  []ui.SummaryRow
	Action string
	Token  string
	Open   bool // it can be set right
	Refuse bool // and an appeal refused
	Error  string
	Value  string
}

// missedOne shows one missed hour with what can be done about it.
func (c *Console) missedOne(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showMissed(w, r, ad, "", "")
}

func (c *Console) showMissed(w http.ResponseWriter, r *http.Request, ad *app.Admin, why, wrong string) error {
	l, hall, code := web.LocaleOf(r), r.PathValue("hall"), r.PathValue("code")
	m, err := c.App.MissedHour(r.Context(), ad, hall, code)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("missed.booking", "code", m.View.Code))
	f.Path = append(c.home0(l), ui.Link{Text: l.T("missed.staff_title"), Href: hallPath(hall) + "/missed"})
	f.Narrow, f.Error = true, wrong != ""
	b := m.View
	v := missedOneView{Action: missedOf(hall, code), Token: f.Token, Error: wrong, Value: why, Open: b.Booking.State == booking.NoShow,
		Facts: []ui.SummaryRow{
			{Key: l.T("missed.who"), Value: b.Booker.Name, Lines: []string{b.Booker.Number}}, {Key: l.T("missed.when"), Value: l.Slot(b.Booking.Date, b.Booking.Hour)},
			{Key: l.T("missed.state"), Value: l.T("state." + string(b.Booking.State))}, {Key: l.T("missed.marks"), Value: count(m.Marks.NoShows)},
		}}
	if b.Item != nil {
		v.Facts = append(v.Facts, ui.SummaryRow{Key: l.T("pass.item"), Value: l.Text(b.Item.Name)})
	}
	if a := m.Appeal; a != nil {
		v.Refuse = v.Open && a.State == app.AppealWaiting
		v.Facts = append(v.Facts, ui.SummaryRow{Key: l.T("missed.said"), Value: a.Text, Lines: []string{l.When(a.At), l.T("missed.appeal."+string(a.State), "why", a.Why)}})
	}
	status := http.StatusOK
	if wrong != "" {
		status = http.StatusUnprocessableEntity
	}
	return web.Render(w, r, status, missedOnePage(f, v))
}

// settleMissed sets a missed hour right, or refuses an appeal.
func (c *Console) settleMissed(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, code, why := r.PathValue("hall"), r.PathValue("code"), r.PostForm.Get("why")
	settle := c.App.Excuse
	if r.PostForm.Get("decision") == "refuse" {
		settle = c.App.RefuseAppeal
	}
	if err := settle(r.Context(), ad, hall, code, why); err != nil {
		if f := asInvalid(err); f != nil && len(f.Fields) == 1 {
			return c.showMissed(w, r, ad, why, web.LocaleOf(r).FieldSentence(web.LocaleOf(r).T("missed.why"), f.Fields[0].Code))
		}
		return err
	}
	return web.SeeOther(w, r, missedOf(hall, code))
}
