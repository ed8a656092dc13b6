package console

import (
	"net/http"
	"slices"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func (c *Console) capacityRoutes() {
	c.add(Route{Pattern: "GET " + Prefix + "/halls/{hall}/capacity", Act: account.Supervise, Hall: "hall"}, c.capacity)
}

// measures are what the map of hours can show, the first by default.
var measures = []string{"rate", "booked", "free", "planned"}

type capacityView struct {
	Tabs     []ui.Link
	Queues   []ui.Link
	Measures []ui.Link
	Figures  []Fact
	Map      hourMap
	Advice   *Table
}

// hourMap is hour × day of one queue: a table, which a script also draws as a picture.
type hourMap struct {
	Caption string
	Said    string // the picture in one sentence, for readers who do not see it
	Unit    string // "%" for a rate
	Hours   []int
	Days    []mapDay
}

type mapDay struct {
	Name, Short, Note string
	Today             bool
	Cells             []mapCell // one for each of Hours
	Total             app.Load
}

type mapCell struct {
	Hour   int
	Value  int // in the measure shown
	Shade  int // 0 to 5
	Text   string
	Note   string
	Said   string // the whole in one sentence
	Closed bool
	None   bool // no such hour that day
}

// queueOf is the queue of the hall that the address names, its first one by default; nil for a hall
// without any.
func (c *Console) queueOf(r *http.Request, hall string) (*directory.Queue, error) {
	queues := c.App.City().QueuesAt(hall)
	id := r.URL.Query().Get("queue")
	for _, q := range queues {
		if q.ID == id || id == "" {
			return q, nil
		}
	}
	if id != "" {
		return nil, fault.New(fault.QueueNotFound)
	}
	return nil, nil
}

func (c *Console) capacity(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, id, list := web.LocaleOf(r), r.PathValue("hall"), listOf(r)
	f, pages := c.hallFrame(w, r, ad, id, l.T("console.hall.capacity"))
	f.Lead = l.Text(c.App.City().Hall(id).Name)
	v := capacityView{Tabs: pages}
	q, err := c.queueOf(r, id)
	if err != nil {
		return err
	}
	if q == nil {
		return web.Render(w, r, http.StatusOK, capacityPage(f, v))
	}
	f.Scripts = []string{"chart.js"}
	if c.App.May(ad, account.Export, id) {
		f.Actions = fileLinks(l, hallPath(id)+"/capacity", "")
	}
	show := list.Value("show", measures...)
	if show == "" {
		show = measures[0]
	}
	for _, o := range c.App.City().QueuesAt(id) {
		v.Queues = append(v.Queues, ui.Link{Text: l.Text(o.Name), Href: list.With("queue", o.ID), Current: o.ID == q.ID})
	}
	for _, m := range measures {
		v.Measures = append(v.Measures, ui.Link{Text: l.T("console.measure." + m), Href: list.With("show", m), Current: m == show})
	}
	p := c.App.QueuePicture(q.ID)
	n := strconv.Itoa
	v.Figures = []Fact{
		{Key: l.T("console.hall.average"), Value: count(q.DailyAverage), Note: sourceOf(l, q.AverageSource)},
		{Key: l.T("console.hall.share"), Value: perMille(q.OnSitePerMille), Note: l.T("console.hall.on_site_today", "n", n(p.Today.OnSite))},
		{Key: l.T("console.halls.booked"), Value: percent(p.Window.Booked, p.Window.Released), Note: l.T("console.hall.of_window", "n", count(p.Window.Booked), "all", count(p.Window.Released))},
		{Key: l.T("console.hall.free"), Value: count(p.Window.Free()), Note: nextFree(l, p)},
	}
	v.Map = c.hourMap(l, q, show)
	if v.Advice, err = c.advice(r, l, ad, q); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, capacityPage(f, v))
}

// hourMap reads the map of a queue from memory.
func (c *Console) hourMap(l web.Locale, q *directory.Queue, show string) hourMap {
	days := c.App.QueueDays(q.ID)
	m := hourMap{Caption: l.T("console.map.caption", "queue", l.Text(q.Name), "measure", l.T("console.measure."+show))}
	if show == "rate" {
		m.Unit = "%"
	}
	most := 1
	for _, d := range days {
		for _, h := range d.Hours {
			if !slices.Contains(m.Hours, h.Hour) {
				m.Hours = append(m.Hours, h.Hour)
			}
			most = max(most, valueOf(show, h.Load))
		}
	}
	slices.Sort(m.Hours)
	if m.Unit == "%" {
		most = 100
	}
	today := calendar.DateOf(c.App.Now())
	var total app.Load
	full := 0
	for _, d := range days {
		day := mapDay{Name: l.NearDate(d.Date, today), Short: l.Date(d.Date), Today: d.Date == today, Note: d.Festival, Total: d.Total()}
		if !d.Release.IsZero() {
			day.Note = l.T("console.hall.released_at", "at", l.When(d.Release))
		}
		if len(d.Hours) == 0 && day.Note == "" {
			day.Note = l.T("console.hall.shut")
		}
		at := 0
		for _, hour := range m.Hours {
			cell := mapCell{Hour: hour, None: true}
			if at < len(d.Hours) && d.Hours[at].Hour == hour {
				cell = c.mapCell(l, d.Date, d.Hours[at], show, most)
				if d.Hours[at].Released > 0 && d.Hours[at].Free() == 0 {
					full++
				}
				at++
			}
			day.Cells = append(day.Cells, cell)
		}
		total = plus(total, day.Total)
		m.Days = append(m.Days, day)
	}
	m.Said = l.T("console.map.said", "queue", l.Text(q.Name), "days", strconv.Itoa(len(days)), "planned", count(total.Planned), "booked", count(total.Booked), "full", strconv.Itoa(full))
	return m
}

func (c *Console) mapCell(l web.Locale, d calendar.Date, h app.HourLoad, show string, most int) mapCell {
	v := valueOf(show, h.Load)
	cell := mapCell{Hour: h.Hour, Value: v, Closed: h.Closed, Text: strconv.Itoa(v), Note: l.T("console.of", "n", strconv.Itoa(h.Booked), "all", strconv.Itoa(h.Planned))}
	if show == "rate" {
		cell.Text = percent(h.Booked, h.Planned)
	}
	if h.Closed {
		cell.Text = l.T("console.map.closed")
	}
	cell.Shade = min(5, (v*5+most/2)/most)
	cell.Said = l.T("console.map.cell", "slot", l.Slot(d, h.Hour), "planned", strconv.Itoa(h.Planned), "booked", strconv.Itoa(h.Booked), "onsite", strconv.Itoa(h.OnSite))
	return cell
}

// valueOf is a load in one of the measures.
func valueOf(show string, l app.Load) int {
	switch show {
	case "booked":
		return l.Booked
	case "free":
		return max(0, l.Planned-l.Booked)
	case "planned":
		return l.Planned
	}
	if l.Planned == 0 {
		return 0
	}
	return min(100, (l.Booked*100+l.Planned/2)/l.Planned)
}
