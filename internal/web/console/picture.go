package console

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const (
	picturePath = Prefix + "/picture"
	wallPath    = Prefix + "/wall"
)

func (c *Console) pictureRoutes() {
	c.add(Route{Pattern: "GET " + picturePath, Act: account.Supervise}, c.livePage)
	c.add(Route{Pattern: "GET " + picturePath + "/live", Act: account.Supervise, Asset: true}, c.livePiece)
	c.add(Route{Pattern: "GET " + wallPath, Act: account.Supervise}, c.wall)
	c.add(Route{Pattern: "GET " + wallPath + "/live", Act: account.Supervise, Asset: true}, c.wallPiece)
}

// liveView is the live picture of a part of the city: what of it changes by itself.
type liveView struct {
	L       web.Locale
	Program string // what the page is made of: another one, and the page loads itself anew
	Place   string
	Counted string // when the figures of today were counted, "" for not yet
	Figures []liveFigure
	Map     *tileMap
	Table   Table
	Alerts  []liveAlert
	More    int    // alerts that are not shown
	Said    string // what is told to readers who do not see it, when it changes

	Measures []ui.Link // what the map can show
	Shown    string    // what it shows
}

// liveFigure is one of the eight.
type liveFigure struct {
	Key, Value, Note, Href string
	Urgent                 bool
}

type liveAlert struct {
	Where, Text, Since, Href string
	Taken                    string // "" while nobody has taken it up
}

// pictureView is the page at a desk.
type pictureView struct {
	liveView
	Crumbs []ui.Link
	Live   string // address of what changes
	Heat   *Chart
	Heats  []ui.Link
	Queues []ui.Link
}

// heatMeasures are what the map of hours of a hall can show.
var heatMeasures = []string{"waits", "booked", "missed", "served"}

// heatDays is how many days it shows, today the last.
const heatDays = 14

// livePage is the live picture at a desk (Art. 4).
func (c *Console) livePage(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r)
	f := c.frame(w, r, ad, l.T("live.title"))
	f.Scripts, f.Path = []string{"live.js"}, c.home0(l)
	if c.App.Grove(ad, account.Supervise).Root == "" {
		return web.Render(w, r, http.StatusOK, noPicture(f))
	}
	v, live, err := c.liveView(r, ad)
	if err != nil {
		return err
	}
	p := pictureView{liveView: *v, Crumbs: c.liveCrumbs(l, ad, list, live), Live: pieceOf(picturePath+"/live", r)}
	f.Title = l.T("live.title_of", "place", v.Place)
	if live.Hall == nil {
		f.Actions = []ui.ButtonView{{Text: l.T("live.wall"), Href: address(wallPath, "unit", live.Unit.ID), Kind: ui.Secondary}}
	} else {
		f.Actions = []ui.ButtonView{{Text: l.T("live.hall_page"), Href: hallPath(live.Hall.ID), Kind: ui.Secondary}}
		if err := c.hallHeat(r, ad, list, live, &p); err != nil {
			return err
		}
	}
	return web.Render(w, r, http.StatusOK, picturePage(f, p))
}

// pieceOf is the address of what changes, with what the page was asked for.
func pieceOf(path string, r *http.Request) string {
	q := url.Values{}
	for _, name := range []string{"unit", "hall", "show"} {
		if v := r.URL.Query().Get(name); v != "" {
			q.Set(name, v)
		}
	}
	q.Set("lang", string(web.LocaleOf(r)))
	return path + "?" + q.Encode()
}

// livePiece is what changes of the page, and nothing where nothing did.
func (c *Console) livePiece(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	v, _, err := c.liveView(r, ad)
	if err != nil {
		return err
	}
	return piece(w, r, livePart(*v))
}

// piece writes a part of a page under the tag of what it says.
func piece(w http.ResponseWriter, r *http.Request, part web.Component) error {
	var b bytes.Buffer
	if err := part.Render(r.Context(), &b); err != nil {
		return err
	}
	sum := sha256.Sum256(b.Bytes())
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	// An error here is the reader gone away.
	_, _ = w.Write(b.Bytes())
	return nil
}

func liveMeasureOf(list List) liveMeasure {
	for _, m := range liveMeasures {
		if m.ID == list.Get("show") {
			return m
		}
	}
	return liveMeasures[0]
}

// liveView reads what the address asks for: a hall, a unit, or all that the administrator supervises.
func (c *Console) liveView(r *http.Request, ad *app.Admin) (*liveView, *app.Live, error) {
	l, list := web.LocaleOf(r), listOf(r)
	var live *app.Live
	var err error
	if hall := list.Get("hall"); hall != "" {
		live, err = c.App.LiveHall(r.Context(), ad, hall)
	} else {
		live, err = c.App.Live(r.Context(), ad, list.Get("unit"))
	}
	if err != nil {
		return nil, nil, err
	}
	v := c.live(l, live)
	if live.Hall == nil {
		m := c.tileMap(l, live, liveMeasureOf(list), deskTiles, func(p app.LivePart) string { return partHref(list, p) })
		v.Map, v.Shown = &m, l.T("live.measure."+liveMeasureOf(list).ID)
		for _, m := range liveMeasures {
			v.Measures = append(v.Measures, ui.Link{Text: l.T("live.measure." + m.ID), Href: address(picturePath, "unit", live.Unit.ID, "show", m.ID), Current: m.ID == liveMeasureOf(list).ID})
		}
	}
	v.Table = c.mapTable(l, list, live)
	return v, live, nil
}

// partHref is the live picture of a part.
func partHref(list List, p app.LivePart) string {
	switch {
	case p.Unit != nil:
		return address(picturePath, "unit", p.Unit.ID, "show", list.Get("show"))
	case p.Hall != nil:
		return address(picturePath, "hall", p.Hall.ID)
	}
	return address(picturePath, "hall", p.Queue.HallID, "queue", p.Queue.ID) + "#hours"
}

// live says a live picture in words, but for its parts.
func (c *Console) live(l web.Locale, live *app.Live) *liveView {
	v := &liveView{L: l, Program: web.AssetURL("live.js") + web.AssetURL("console.css") + web.AssetURL("wall.css")}
	if live.Hall != nil {
		v.Place = l.Text(live.Hall.Name)
	} else {
		v.Place = l.Text(live.Unit.Name)
	}
	if !live.Counted.IsZero() {
		v.Counted = l.T("live.counted", "time", live.Counted.In(calendar.Zone).Format("15:04:05"))
	}
	v.Figures = c.liveFigures(l, live)
	now := c.App.Now()
	for _, a := range live.Alerts {
		args := []string{}
		for k, x := range a.Args {
			args = append(args, k, argText(x))
		}
		line := liveAlert{Text: l.T("alert_line."+a.Kind, args...), Since: l.Near(a.Since, now), Href: a.Href, Where: c.hallName(l, a.HallID)}
		if a.HallID == "" {
			if u := c.App.City().Unit(a.UnitID); u != nil {
				line.Where = l.Text(u.Name)
			}
		}
		if q := c.App.City().Queue(a.QueueID); q != nil {
			line.Where += " · " + l.Text(q.Name)
		}
		if a.Acked {
			line.Taken = l.T("live.taken_up")
		}
		v.Alerts = append(v.Alerts, line)
	}
	v.Said = l.N("live.said", live.All.Alerts, "place", v.Place)
	return v
}

func argText(x any) string {
	switch x := x.(type) {
	case int:
		return count(x)
	case int64:
		return count(int(x))
	case float64:
		return decimal(x)
	case string:
		return x
	}
	return ""
}

// liveFigures are the eight numbers of a part, each leading to what is behind it.
func (c *Console) liveFigures(l web.Locale, live *app.Live) []liveFigure {
	all, n := live.All, live.All.Counts.N
	behind := func(measure string) string { return c.figuresHref(live, measure) }
	list := []liveFigure{
		{Key: l.T("live.released"), Value: count(all.Load.Released), Note: l.T("live.released_note", "n", count(all.Load.OnSite)), Href: behind("released")},
		{Key: l.T("live.booked"), Value: count(all.Load.Booked), Note: l.T("live.booked_note", "share", percent(all.Load.Booked, all.Load.Released)), Href: behind("saturation")},
		{Key: l.T("live.served"), Value: count(int(n[oversight.Served])), Note: l.T("live.served_note", "n", count(int(n[oversight.ServedBooked]))), Href: behind("booking_rate")},
		{Key: l.T("live.waiting"), Value: count(all.Waiting), Note: l.N("live.waiting_note", all.Counters), Href: behind("wait_median")},
		{Key: l.T("live.missed"), Value: count(int(n[oversight.Missed])), Note: measureText(l, "no_show_rate", all.Counts), Href: behind("no_show_rate")},
		{Key: l.T("live.wait"), Value: measureText(l, "wait_median", all.Counts), Note: l.T("live.wait_note", "n", measureText(l, "wait_p90", all.Counts)), Href: behind("wait_p90")},
		{Key: l.T("live.alerts"), Value: count(all.Alerts), Note: l.N("live.alerts_note", untaken(live)), Href: alertsPath, Urgent: untaken(live) > 0},
	}
	return append(list, c.freshness(l, live))
}

func untaken(live *app.Live) (n int) {
	for _, a := range live.Alerts {
		if !a.Acked {
			n++
		}
	}
	return n
}

// measureText is what a measure comes to for these counts, "–" for nothing.
func measureText(l web.Locale, id string, counts oversight.Counts) string {
	m, err := oversight.Newest(id)
	if err != nil {
		return "–"
	}
	value := m.Of(counts)
	if !value.OK {
		return "–"
	}
	return valueText(l, string(m.Unit), m.Float(value))
}

// figuresHref leads to the figures behind a number; "" where there is no such page.
func (c *Console) figuresHref(live *app.Live, measure string) string {
	if !slices.ContainsFunc(c.routes, func(r Route) bool { return r.Pattern == "GET "+Prefix+"/figures" }) {
		return ""
	}
	day := live.Date.String()
	if live.Hall != nil {
		return address(Prefix+"/figures", "hall", live.Hall.ID, "span", string(oversight.SpanDay), "period", day) + "#" + measure
	}
	return address(Prefix+"/figures", "unit", live.Unit.ID, "span", string(oversight.SpanDay), "period", day) + "#" + measure
}

// freshness says how new the data of connected systems are: how many send as agreed, and when the last record came.
func (c *Console) freshness(l web.Locale, live *app.Live) liveFigure {
	f := liveFigure{Key: l.T("live.sources"), Value: "–", Note: l.T("live.sources_none")}
	if len(live.Sources) == 0 {
		return f
	}
	ok := 0
	var last time.Time
	for _, s := range live.Sources {
		if !s.Silent {
			ok++
		}
		if s.Last.After(last) {
			last = s.Last
		}
	}
	f.Value, f.Urgent, f.Href = l.T("live.sources_value", "n", count(ok), "all", count(len(live.Sources))), ok < len(live.Sources), Prefix+"/sources"
	if f.Note = l.T("live.sources_never"); !last.IsZero() {
		f.Note = l.T("live.sources_fresh", "at", l.Near(last, c.App.Now()))
	}
	return f
}

// liveCrumbs lead from the whole down to the place.
func (c *Console) liveCrumbs(l web.Locale, ad *app.Admin, list List, live *app.Live) []ui.Link {
	g := c.App.Grove(ad, account.Supervise)
	unit := ""
	if live.Unit != nil {
		unit = live.Unit.ID
	} else {
		unit = live.Hall.UnitID
	}
	var out []ui.Link
	for _, u := range g.Path(unit) {
		out = append(out, ui.Link{Text: l.Text(u.Name), Href: address(picturePath, "unit", u.ID, "show", list.Get("show")), Current: live.Unit != nil && u.ID == unit})
	}
	if live.Hall != nil {
		out = append(out, ui.Link{Text: l.Text(live.Hall.Name), Href: address(picturePath, "hall", live.Hall.ID), Current: true})
	}
	return out
}

// mapTable is the map as a table, and of a hall its queues.
func (c *Console) mapTable(l web.Locale, list List, live *app.Live) Table {
	t := Table{Caption: l.T("live.parts"), Cols: []Col{{Text: l.T("live.part")}}, Empty: ui.EmptyView{Title: l.T("console.halls.no_hours"), Text: l.T("console.hall.no_queues_hint")}}
	for _, key := range []string{"released", "booked", "served", "waiting", "missed", "wait", "alerts"} {
		t.Cols = append(t.Cols, Col{Text: l.T("live." + key), Number: true})
	}
	for _, p := range live.Parts {
		n := p.Counts.N
		row := Row{Cells: []Cell{
			{Text: partName(l, p), Href: partHref(list, p)},
			{Text: count(p.Load.Released)},
			{Text: count(p.Load.Booked), Note: percent(p.Load.Booked, p.Load.Released)},
			{Text: count(int(n[oversight.Served]))},
			{Text: count(p.Waiting)},
			{Text: count(int(n[oversight.Missed])), Note: measureText(l, "no_show_rate", p.Counts)},
			{Text: measureText(l, "wait_median", p.Counts), Note: "P90 " + measureText(l, "wait_p90", p.Counts)},
			{Text: count(p.Alerts)},
		}}
		if p.Unit != nil {
			row.Cells[0].Note = l.N("console.halls.n", p.Halls)
		}
		row.Urgent = p.Alerts > 0
		t.Rows = append(t.Rows, row)
	}
	return t
}

// hallHeat is the map of hours of a hall's last days, or of one of its queues.
func (c *Console) hallHeat(r *http.Request, ad *app.Admin, list List, live *app.Live, p *pictureView) error {
	l := web.LocaleOf(r)
	show := list.Value("hours", heatMeasures...)
	if show == "" {
		show = heatMeasures[0]
	}
	q, err := c.queueOf(r, live.Hall.ID)
	if err != nil {
		return err
	}
	if q == nil {
		return nil
	}
	queue := ""
	if list.Get("queue") != "" {
		queue = q.ID
	}
	rows, err := c.App.HallDays(r.Context(), ad, live.Hall.ID, live.Date-heatDays+1, live.Date)
	if err != nil {
		return err
	}
	for _, m := range heatMeasures {
		p.Heats = append(p.Heats, ui.Link{Text: l.T("live.hours." + m), Href: list.With("hours", m) + "#hours", Current: m == show})
	}
	p.Queues = []ui.Link{{Text: l.T("live.all_queues"), Href: list.With("queue", "") + "#hours", Current: queue == ""}}
	for _, o := range c.App.City().QueuesAt(live.Hall.ID) {
		p.Queues = append(p.Queues, ui.Link{Text: l.Text(o.Name), Href: list.With("queue", o.ID) + "#hours", Current: o.ID == queue})
	}
	p.Heat = heatChart(l, rows, queue, show)
	return nil
}

// heatChart makes the map of hours from the figures of a hall's days.
func heatChart(l web.Locale, rows []oversight.Row, queue, show string) *Chart {
	at := func(r oversight.Row) map[string]oversight.Counts {
		if queue == "" {
			return r.Figures.By[oversight.ByHour]
		}
		out := map[string]oversight.Counts{}
		for key, counts := range r.Figures.By[oversight.ByQueueHour] {
			if hour, ok := strings.CutPrefix(key, queue+"|"); ok {
				out[hour] = counts
			}
		}
		return out
	}
	var hours []string
	for _, r := range rows {
		for hour := range at(r) {
			if !slices.Contains(hours, hour) {
				hours = append(hours, hour)
			}
		}
	}
	slices.Sort(hours)
	chart := &Chart{L: l, ID: "hours", Title: l.T("live.hours." + show), Kind: ChartHeat, Unit: string(oversight.Numbers), Head: l.T("console.hall.date"), Note: l.T("live.hours_note")}
	if show == "waits" {
		chart.Unit = string(oversight.Minutes)
	}
	for _, hour := range hours {
		chart.Labels = append(chart.Labels, hour+":00")
	}
	slices.SortFunc(rows, func(a, b oversight.Row) int { return cmp.Compare(a.Period, b.Period) })
	for _, r := range rows {
		d, err := calendar.ParseDate(r.Period)
		if err != nil {
			continue
		}
		byHour := at(r)
		s := Series{Name: l.Date(d)}
		for _, hour := range hours {
			counts, there := byHour[hour]
			v := math.NaN()
			switch n := counts.N; {
			case !there:
			case show == "waits":
				if m, ok := counts.Spells[oversight.WaitBooked].Quantile(0.5); ok {
					v = float64(m)
				}
			case show == "booked":
				v = float64(n[oversight.Booked] - n[oversight.Cancelled])
			case show == "missed":
				v = float64(n[oversight.Missed])
			default:
				v = float64(n[oversight.Served])
			}
			s.Values = append(s.Values, v)
		}
		chart.Series = append(chart.Series, s)
	}
	return chart
}
