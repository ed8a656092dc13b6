package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// hallTabs are the pages of a hall that there are, in order: what follows its address.
var hallTabs = []section{{"overview", ""}, {"serve", "/counters"}, {"capacity", "/capacity"}, {"bookings", "/bookings"}, {"requests", "/requests"}, {"directory", "/edit"}, {"displaced", "/displaced"}, {"devices", "/devices"}}

// hallFrame makes the Frame of a page about a hall: its place in the tree above, its pages as tabs.
func (c *Console) hallFrame(w http.ResponseWriter, r *http.Request, ad *app.Admin, id, title string) (f Frame, pages []ui.Link) {
	f = c.frame(w, r, ad, title)
	l, h := f.L, c.App.City().Hall(id)
	f.Path = append(c.home0(l), ui.Link{Text: l.T("console.halls.title"), Href: Prefix + "/halls"})
	for _, u := range c.App.Grove(ad, account.Supervise).Path(h.UnitID) {
		if u.ParentID != "" && l.Text(u.Name) != l.Text(h.Name) {
			f.Path = append(f.Path, ui.Link{Text: l.Text(u.Name), Href: address(Prefix+"/halls", "unit", u.ID)})
		}
	}
	at := hallPath(id)
	if r.URL.Path != at {
		f.Path = append(f.Path, ui.Link{Text: l.Text(h.Name), Href: at})
	}
	for _, t := range hallTabs {
		for _, route := range c.routes {
			if route.Pattern == "GET "+hallPath("{hall}")+t.path && c.App.May(ad, route.Act, id) {
				pages = append(pages, ui.Link{Text: l.T("console.hall." + t.name), Href: at + t.path, Current: r.URL.Path == at+t.path})
			}
		}
	}
	return f, pages
}

type hallView struct {
	Tabs    []ui.Link
	Closed  bool
	Figures []Fact
	Queues  Table
	Days    Table
	Known   []Fact
}

func (c *Console) hall(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, id := web.LocaleOf(r), r.PathValue("hall")
	h := c.App.City().Hall(id)
	f, pages := c.hallFrame(w, r, ad, id, l.Text(h.Name))
	f.Lead = l.T("level."+string(h.Level)) + " · " + id
	p := c.App.HallPicture(id)
	n := count
	v := hallView{Tabs: pages, Closed: !h.Open, Figures: []Fact{
		{Key: l.T("console.hall.today_booked"), Value: n(p.Today.Booked), Note: l.T("console.hall.of_released", "n", n(p.Today.Released))},
		{Key: l.T("console.hall.on_site"), Value: n(p.Today.OnSite), Note: l.T("console.hall.on_site_note")},
		{Key: l.T("console.halls.booked"), Value: percent(p.Window.Booked, p.Window.Released), Note: l.T("console.hall.of_window", "n", n(p.Window.Booked), "all", n(p.Window.Released))},
		{Key: l.T("console.hall.free"), Value: n(p.Window.Free()), Note: nextFree(l, p)},
	}}
	queues := c.App.City().QueuesAt(id)
	v.Queues = c.queueTable(l, h, queues)
	v.Days = c.dayTable(l, queues)
	v.Known = []Fact{
		{Key: l.T("hall.address"), Value: l.Text(h.Address)}, {Key: l.T("hall.phone"), Value: h.Phone}, {Key: l.T("console.hall.hours"), Value: hoursOf(l, queues)},
		{Key: l.T("console.hall.average_from"), Value: sources(l, queues)},
	}
	if s := l.Text(h.Notice); s != "" {
		v.Known = append(v.Known, Fact{Key: l.T("console.hall.notice"), Value: s})
	}
	return web.Render(w, r, http.StatusOK, hallPage(f, v))
}

func (c *Console) queueTable(l web.Locale, h *directory.Hall, queues []*directory.Queue) Table {
	t := Table{Caption: l.T("console.hall.queues"), Cols: []Col{
		{Text: l.T("console.hall.queue")}, {Text: l.T("console.hall.average"), Number: true}, {Text: l.T("console.hall.share"), Number: true},
		{Text: l.T("console.halls.today"), Number: true}, {Text: l.T("console.halls.booked"), Number: true}, {Text: l.T("console.halls.next")},
	}, Empty: ui.EmptyView{Title: l.T("console.hall.no_queues"), Text: l.T("console.hall.no_queues_hint")}}
	for _, q := range queues {
		p := c.App.QueuePicture(q.ID)
		t.Rows = append(t.Rows, Row{Cells: []Cell{
			{Text: l.Text(q.Name), Href: address(hallPath(h.ID)+"/capacity", "queue", q.ID), Tag: closedTag(l, q.Open)},
			{Text: strconv.Itoa(q.DailyAverage)},
			{Text: perMille(q.OnSitePerMille)},
			{Text: l.T("console.of", "n", count(p.Today.Booked), "all", count(p.Today.Released))},
			{Part: rate(p.Window)}, {Part: ui.Moment(nextFree(l, p))},
		}})
	}
	return t
}

// dayTable is the coming window, all queues of the hall together.
func (c *Console) dayTable(l web.Locale, queues []*directory.Queue) Table {
	t := Table{Caption: l.T("console.hall.window"), Cols: []Col{
		{Text: l.T("console.hall.date")}, {Text: l.T("console.load.planned"), Number: true}, {Text: l.T("console.load.booked"), Number: true},
		{Text: l.T("console.load.free"), Number: true}, {Text: l.T("console.halls.booked"), Number: true},
	}, Empty: ui.EmptyView{Title: l.T("console.halls.no_hours")}}
	sums := map[calendar.Date]app.Load{}
	var dates []calendar.Date
	notes := map[calendar.Date]string{}
	for _, q := range queues {
		for _, d := range c.App.QueueDays(q.ID) {
			if _, seen := sums[d.Date]; !seen {
				dates = append(dates, d.Date)
			}
			sums[d.Date] = plus(sums[d.Date], d.Total())
			if d.Festival != "" {
				notes[d.Date] = d.Festival
			}
			if !d.Release.IsZero() {
				notes[d.Date] = l.T("console.hall.released_at", "at", l.When(d.Release))
			}
		}
	}
	slices.Sort(dates)
	today := calendar.DateOf(c.App.Now())
	for _, d := range dates {
		load := sums[d]
		name := Cell{Text: l.NearDate(d, today), Note: notes[d]}
		if load.Planned == 0 && load.Booked == 0 {
			if name.Note == "" {
				name.Note = l.T("console.hall.shut")
			}
			t.Rows = append(t.Rows, Row{Cells: []Cell{name, {}, {}, {}, {}}})
			continue
		}
		t.Rows = append(t.Rows, Row{Cells: []Cell{
			name, {Text: count(load.Planned)}, {Text: count(load.Booked)}, {Text: count(load.Free())}, {Part: rate(load)},
		}})
	}
	return t
}

// sources says where the daily averages of the queues come from, each source once.
func sources(l web.Locale, queues []*directory.Queue) string {
	var out []string
	for _, q := range queues {
		if s := sourceOf(l, q.AverageSource); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, " · ")
}

// closedTag marks what is closed.
func closedTag(l web.Locale, open bool) ui.Tag {
	if open {
		return ui.Tag{}
	}
	return ui.Tag{Text: l.T("console.halls.closed"), Kind: ui.TagAmber}
}

// hoursOf says when the queues of a hall open on working days, and on which weekend days any does.
func hoursOf(l web.Locale, queues []*directory.Queue) string {
	var work, saturday, sunday calendar.Hours
	for _, q := range queues {
		work |= q.Week.Work
		saturday |= q.Week.Saturday
		sunday |= q.Week.Sunday
	}
	parts := []string{l.T("console.hall.workdays") + " " + spans(work)}
	if saturday != 0 {
		parts = append(parts, l.T("console.hall.saturday")+" "+spans(saturday))
	}
	if sunday != 0 {
		parts = append(parts, l.T("console.hall.sunday")+" "+spans(sunday))
	}
	return strings.Join(parts, " · ")
}

// spans writes a set of hours as "09:00–12:00, 13:00–17:00".
func spans(hours calendar.Hours) string {
	var out []string
	list := hours.List()
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		out = append(out, clock(list[i])+"–"+clock(list[j]+1))
		i = j + 1
	}
	if len(out) == 0 {
		return "–"
	}
	return strings.Join(out, ", ")
}

// sourceOf says where a daily average comes from; a filed one names its source itself.
func sourceOf(l web.Locale, source string) string {
	if key := "console.source." + source; l.Has(key) {
		return l.T(key)
	}
	return source
}
