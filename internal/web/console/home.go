package console

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func (c *Console) homeRoutes() {
	c.add(Route{Pattern: "GET " + Prefix}, c.home)
}

// duty is something that waits for an administrator.
type duty struct {
	Title string
	Note  string
	Href  string
	Kind  string
	Due   time.Time // zero where there is no deadline
}

// todayView is what an administrator sees first.
type todayView struct {
	Figures []Fact
	Waiting *Table // nil for those who decide nothing
	Alerts  []ui.NoticeView
	Day     []dayStrip
	DayMore string
	Release string
	Nothing bool // neither halls nor duties: an account of operation
	Menu    []ui.Link
}

type dayStrip struct {
	Name, Href, Note string
	Load             app.Load
}

// strips is how many halls the first page shows one by one; of more it shows the parts of the tree.
const strips = 12

// home is what an administrator sees first: what waits for them, what is wrong, their halls' day.
func (c *Console) home(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	if ad.Account.Rank == account.Clerk { // their day is at the counter
		return web.SeeOther(w, r, servePath)
	}
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("console.today.title"))
	now := c.App.Now()
	f.Lead = l.When(now)
	duties, err := c.duties(r.Context(), l, ad)
	if err != nil {
		return err
	}
	g := c.App.Grove(ad, account.Supervise)
	v := todayView{Nothing: g.Root == "" && len(duties) == 0}
	if v.Alerts, err = c.alerts(r.Context(), l, ad, g); err != nil {
		return err
	}
	if v.Nothing {
		for _, n := range f.Nav {
			if !n.Current {
				v.Menu = append(v.Menu, n)
			}
		}
		return web.Render(w, r, http.StatusOK, todayPage(f, v))
	}
	t := dutyTable(l, duties, now)
	v.Waiting = &t
	if g.Root != "" {
		c.day(l, g, &v)
	}
	return web.Render(w, r, http.StatusOK, todayPage(f, v))
}

// mostDuties is how many of a kind the first page lists; the pages of each kind list them all.
const mostDuties = 50

// mostGaps is how many gaps of themes are named.
const mostGaps = 10

// duties lists what waits for an administrator, the most urgent first.
func (c *Console) duties(ctx context.Context, l web.Locale, ad *app.Admin) ([]duty, error) {
	var out []duty
	for _, ask := range []struct {
		filter app.RequestFilter
		kind   string
		needs  account.Action
	}{
		{app.RequestFilter{ToDecide: true, Open: true, Order: "due", Size: mostDuties}, "console.duty.decide", account.Decide},
		{app.RequestFilter{ToReport: true, Open: true, Order: "due", Size: mostDuties}, "console.duty.report", account.CarryOut},
	} {
		if c.App.Scope(ad, ask.needs).None {
			continue
		}
		list, _, err := c.App.Requests(ctx, ad, ask.filter)
		if err != nil {
			return nil, err
		}
		for _, q := range list {
			out = append(out, duty{
				Title: c.sentence(l, q.HallID, q.QueueID, q.Change), Note: dutyNote(l, q), Href: Prefix + "/requests/" + q.ID, Kind: l.T(ask.kind), Due: q.DueAt,
			})
		}
	}
	slices.SortStableFunc(out, func(a, b duty) int { return a.Due.Compare(b.Due) })
	appeals, _, err := c.App.Ledger(ctx, ad, app.LedgerFilter{ToDecide: true, Size: mostDuties})
	if err != nil {
		return nil, err
	}
	for _, e := range appeals {
		out = append(out, duty{
			Title: l.T("ledger.page", "kind", l.T("ledger.kind."+string(e.Kind)), "request", e.Request), Note: e.Account + " · " + c.hallName(l, e.HallID),
			Href: breachPath(e.ID), Kind: l.T("console.duty.appeal"),
		})
	}
	papers, err := c.paperDuties(ctx, l, ad)
	if err != nil {
		return nil, err
	}
	out = append(out, papers...)
	filings, err := c.filingDuties(ctx, l, ad)
	if err != nil {
		return nil, err
	}
	people, err := c.peopleDuties(ctx, l, ad)
	return append(append(out, people...), filings...), err
}

// peopleDuties are the appeals and bad grades that wait for somebody to look at them.
func (c *Console) peopleDuties(ctx context.Context, l web.Locale, ad *app.Admin) (out []duty, err error) {
	if !c.App.Scope(ad, account.Serve).None {
		list, _, err := c.App.MissedHours(ctx, ad, app.MissedQuery{Appeals: true, State: app.AppealWaiting, Limit: mostDuties})
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			b := m.View.Booking
			out = append(out, duty{Title: l.Slot(b.Date, b.Hour), Note: m.View.Code + " · " + c.hallName(l, b.HallID), Href: missedOf(b.HallID, m.View.Code), Kind: l.T("console.duty.appeal_missed")})
		}
	}
	if !c.App.Scope(ad, account.Serve).None {
		list, _, err := c.App.Measures(ctx, ad, app.MeasuresQuery{Appeals: true, Limit: mostDuties})
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			out = append(out, duty{Title: l.T("sanction.kind." + string(m.Kind)), Note: m.Code + " · " + c.hallName(l, m.HallID), Href: sanctionOf(m.HallID, m.Code), Kind: l.T("console.duty.appeal_sanction")})
		}
	}
	if c.App.Scope(ad, account.Supervise).None {
		return out, nil
	}
	// Who answers sees every open case; the levels above those that are overdue.
	cases, _, err := c.App.Cases(ctx, ad, app.CaseFilter{State: counter.CaseOpen, Limit: mostDuties})
	for _, e := range cases {
		if e.Full || e.Overdue {
			out = append(out, duty{Title: l.T("grade."+strconv.Itoa(int(e.Grade))) + " · " + reasonsText(l, e.Reasons), Note: c.hallName(l, e.HallID), Href: casePath(e.ID),
				Kind: l.T("console.duty.case"), Due: (e.Due + 1).At(0, 0)})
		}
	}
	return out, err
}

// paperDuties are the notice letters and bulletins that wait for somebody (Art. 21, 22).
func (c *Console) paperDuties(ctx context.Context, l web.Locale, ad *app.Admin) (out []duty, err error) {
	letters, _, err := c.App.Letters(ctx, ad, app.LetterFilter{Mine: "do", Size: mostDuties})
	if err != nil {
		return nil, err
	}
	for _, n := range letters {
		kind := map[oversight.LetterState]string{oversight.LetterIssued: "receive", oversight.LetterReplied: "check"}[n.State]
		if kind == "" {
			kind = "reply"
		}
		out = append(out, duty{Title: n.Subject, Note: c.letterNumber(l, n) + " · " + c.unitName(l, n.Seat.Unit), Href: letterPath(n.ID), Kind: l.T("console.duty.letter_" + kind), Due: n.DueAt})
	}
	bulletins, err := c.App.BulletinsToDo(ctx, ad, mostDuties)
	for _, b := range bulletins {
		kind := "review"
		if b.State == oversight.BulletinReviewed {
			kind = "issue"
		}
		out = append(out, duty{Title: c.unitName(l, b.Seat.Unit) + " · " + ui.PeriodName(l, b.Period), Note: b.ID, Href: bulletinPath(b.ID), Kind: l.T("console.duty.bulletin_" + kind)})
	}
	return out, err
}

func dutyNote(l web.Locale, q supply.Request) string {
	note := q.ID + " · " + q.FiledBy
	if q.Urgent {
		note += " · " + l.T("console.duty.urgent")
	}
	return note
}

func dutyTable(l web.Locale, list []duty, now time.Time) Table {
	t := Table{Caption: l.T("console.today.waiting"), Cols: []Col{
		{Text: l.T("console.today.what")}, {Text: l.T("console.today.kind")}, {Text: l.T("console.today.until")},
	}, Empty: ui.EmptyView{Title: l.T("console.today.nothing"), Text: l.T("console.today.nothing_hint")}}
	for _, d := range list {
		row := Row{Cells: []Cell{{Text: d.Title, Href: d.Href, Note: d.Note}, {Text: d.Kind}, {}}}
		if !d.Due.IsZero() {
			row.Cells[2], row.Urgent = due(l, d.Due, now), now.After(d.Due)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// due says until when something must be done and how much time is left, an hour that has begun counting
// as one. Every page says it by this. The end of a day is said as its last minute: 00:00 of the day after
// reads like one day more.
func due(l web.Locale, until, now time.Time) Cell {
	cell := Cell{Text: l.Near(until.Add(-time.Second), now)}
	hours := int(math.Ceil(until.Sub(now).Hours()))
	switch {
	case now.After(until):
		cell.Tag = ui.Tag{Text: l.N("console.overdue", int(math.Ceil(now.Sub(until).Hours()))), Kind: ui.TagRed}
	case hours <= 4:
		cell.Tag = ui.Tag{Text: l.N("console.hours_left", hours), Kind: ui.TagAmber}
	default:
		cell.Tag = ui.Tag{Text: l.N("console.hours_left", hours)}
	}
	return cell
}

// alerts are what is wrong with my halls: people who lost an hour and have not chosen, nothing left,
// nothing planned, a year without its holidays.
func (c *Console) alerts(ctx context.Context, l web.Locale, ad *app.Admin, g *app.Grove) (out []ui.NoticeView, err error) {
	if g.Root != "" {
		list, _, err := c.App.Unchosen(ctx, ad, "", 0, mostDuties)
		if err != nil {
			return nil, err
		}
		waiting := 0
		for _, u := range list {
			waiting += u.Waiting
		}
		if waiting > 0 {
			out = append(out, ui.NoticeView{L: l, Kind: ui.NoticeUrgent, Title: l.N("console.alert.unchosen", waiting),
				Links: []ui.Link{{Text: l.T("console.alert.show"), Href: displacedPath}}})
		}
	}
	if g.Root != "" {
		_, standing, err := c.App.WaitAlerts(ctx, ad, true, 0, 1)
		if err != nil {
			return nil, err
		}
		if standing > 0 {
			out = append(out, ui.NoticeView{L: l, Kind: ui.NoticeUrgent, Title: l.N("console.alert.waiting", standing), Text: l.T("console.alert.waiting_text"),
				Links: []ui.Link{{Text: l.T("console.alert.show"), Href: alertsPath}}})
		}
	}
	if g.Root != "" {
		_, open, err := c.App.Anomalies(ctx, ad, app.AnomalyFilter{Open: true, Size: 1})
		if err != nil {
			return nil, err
		}
		if open > 0 {
			out = append(out, ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.N("console.alert.anomaly", open), Text: l.T("console.alert.anomaly_text"),
				Links: []ui.Link{{Text: l.T("console.alert.show"), Href: alertsPath}}})
		}
	}
	if !c.App.Scope(ad, account.Adjust).None {
		_, advised, err := c.App.AdviceCards(ctx, ad, "", true, 1)
		if err != nil {
			return nil, err
		}
		if advised > 0 {
			out = append(out, ui.NoticeView{L: l, Kind: ui.NoticeInfo, Title: l.N("console.alert.advice", advised), Text: l.T("console.alert.advice_text"),
				Links: []ui.Link{{Text: l.T("console.alert.show"), Href: forecastPath}}})
		}
	}
	late, err := c.App.LateSteps(ctx, ad)
	if err != nil {
		return nil, err
	}
	for _, d := range late {
		n := ui.NoticeView{L: l, Kind: ui.NoticeUrgent, Title: l.N("console.alert.late_steps", d.Steps, "unit", l.Text(d.Unit.Name)), Text: l.T("console.alert.late_steps_text", "date", l.Date(d.Oldest))}
		if d.Own {
			n.Links = []ui.Link{{Text: l.T("console.alert.show"), Href: stepsPath + "?list=overdue"}}
		}
		out = append(out, n)
	}
	gaps, err := c.App.ThemeGaps(ctx, ad)
	if err != nil {
		return nil, err
	}
	if len(gaps) > 0 {
		n := ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.N("console.alert.theme", len(gaps)), Text: l.T("console.alert.theme_text")}
		for _, g := range gaps[:min(len(gaps), mostGaps)] {
			at := hallPath(g.Hall.ID)
			if c.App.May(ad, account.Configure, g.Hall.ID) {
				at += "/edit?show=offerings"
			}
			n.Links = append(n.Links, ui.Link{Text: l.T("console.alert.theme_gap", "hall", l.Text(g.Hall.Name), "theme", l.Text(g.Theme.Name), "step", l.Text(g.Step.Name)), Href: at})
		}
		out = append(out, n)
	}
	if d, short := c.App.Horizon(); short && (ad.Account.Rank == account.Platform1 || ad.Account.Rank == account.System) {
		out = append(out, ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.T("console.alert.calendar", "year", strconv.Itoa(d.Year())), Text: l.T("console.alert.calendar_text")})
	}
	full, shut := 0, 0
	for i, p := range c.App.Pictures(g) {
		switch h := g.Halls[i]; {
		case !h.Open:
		case p.Window.Planned == 0:
			shut++
		case p.Window.Released > 0 && p.Window.Free() == 0:
			full++
		}
	}
	if full > 0 {
		out = append(out, ui.NoticeView{L: l, Kind: ui.NoticeUrgent, Title: l.N("console.alert.full", full), Text: l.T("console.alert.full_text"),
			Links: []ui.Link{{Text: l.T("console.alert.show"), Href: Prefix + "/halls?sort=-booked"}}})
	}
	if shut > 0 {
		out = append(out, ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.N("console.alert.no_hours", shut),
			Links: []ui.Link{{Text: l.T("console.alert.show"), Href: Prefix + "/halls?sort=-next"}}})
	}
	return out, nil
}

// day shows my halls' day: each hall by itself, or of many the parts of the tree.
func (c *Console) day(l web.Locale, g *app.Grove, v *todayView) {
	sums := c.App.UnitPictures(g)
	total := sums[g.Root]
	n := count
	v.Figures = []Fact{
		{Key: l.T("console.hall.today_booked"), Value: n(total.Today.Booked), Note: l.T("console.hall.of_released", "n", n(total.Today.Released))},
		{Key: l.T("console.hall.on_site"), Value: n(total.Today.OnSite), Note: l.T("console.hall.on_site_note")},
		{Key: l.T("console.halls.booked"), Value: percent(total.Window.Booked, total.Window.Released), Note: l.T("console.hall.of_window", "n", n(total.Window.Booked), "all", n(total.Window.Released)), Href: Prefix + "/halls?sort=-booked"},
		{Key: l.T("console.hall.free"), Value: n(total.Window.Free()), Note: nextFree(l, total), Href: Prefix + "/halls?sort=next"},
	}
	hall := func(h *directory.Hall) {
		p := c.App.HallPicture(h.ID)
		v.Day = append(v.Day, dayStrip{l.Text(h.Name), hallPath(h.ID), l.T("level." + string(h.Level)), p.Today})
	}
	if len(g.Halls) <= strips {
		for _, h := range g.Halls {
			hall(h)
		}
		return
	}
	for _, h := range g.At(g.Root) {
		hall(h)
	}
	for _, u := range g.Below(g.Root) {
		if halls := g.At(u.ID); len(halls) == 1 && g.Count(u.ID) == 1 {
			hall(halls[0])
			continue
		}
		v.Day = append(v.Day, dayStrip{l.Text(u.Name), address(Prefix+"/halls", "unit", u.ID), l.N("console.halls.n", g.Count(u.ID)), sums[u.ID].Today})
	}
	v.DayMore = Prefix + "/halls?view=tree"
}
