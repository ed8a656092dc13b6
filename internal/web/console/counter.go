package console

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// The counter: who sits at one chooses hall, counter and queues once, and then has one page for the day.

const servePath = Prefix + "/serve"

// counterRoute is the page of one counter.
const counterRoute = Prefix + "/halls/{hall}/counters/{counter}"

func (c *Console) counterRoutes() {
	c.add(Route{Pattern: "GET " + servePath, Act: account.Serve}, c.serveWhere)
	c.add(Route{Pattern: "GET " + Prefix + "/halls/{hall}/counters", Act: account.Serve, Hall: "hall"}, c.serveHall)
	c.add(Route{Pattern: "GET " + counterRoute, Act: account.Serve, Hall: "hall"}, c.counter)
	c.add(Route{Pattern: "POST " + counterRoute + "/seat", Act: account.Serve, Hall: "hall"}, c.seat)
	c.add(Route{Pattern: "POST " + counterRoute + "/act", Act: account.Serve, Hall: "hall"}, c.act)
	c.add(Route{Pattern: "POST " + counterRoute + "/case", Act: account.Serve, Hall: "hall"}, c.tick)
	c.add(Route{Pattern: "GET " + counterRoute + "/view", Act: account.Serve, Hall: "hall", Asset: true}, c.beat)
	c.add(Route{Pattern: "GET " + counterRoute + "/events", Act: account.Serve, Hall: "hall", Asset: true}, c.events)
	c.add(Route{Pattern: "GET " + counterRoute + "/shell", Act: account.Serve, Hall: "hall", Asset: true}, c.shell)
	c.add(Route{Pattern: "GET " + counterRoute + "/worker.js", Act: account.Serve, Hall: "hall", Asset: true}, c.worker)
	c.add(Route{Pattern: "POST " + counterRoute + "/merge", Act: account.Serve, Hall: "hall", Asset: true}, c.merge)
}

func counterPath(hall, id string) string { return hallPath(hall) + "/counters/" + id }

// serveTabs are the pages of those who serve at a hall: what follows its address.
var serveTabs = []section{
	{"counters", "/counters"}, {"arrivals", "/desk"}, {"number", "/desk/number"}, {"green", "/desk/green"}, {"book", "/desk/book"}, {"missed", "/missed"}, {"day", "/day"},
}

// serveFrame is the frame of a page about serving at a hall.
func (c *Console) serveFrame(w http.ResponseWriter, r *http.Request, ad *app.Admin, title string) (f Frame, tabs []ui.Link) {
	f = c.frame(w, r, ad, title)
	f.Styles = []string{"counter.css"}
	l, id := f.L, r.PathValue("hall")
	h := c.App.City().Hall(id)
	f.Path = []ui.Link{{Text: l.T("console.nav.serve"), Href: servePath}}
	if at := hallPath(id) + "/counters"; r.URL.Path != at {
		f.Path = append(f.Path, ui.Link{Text: l.Text(h.Name), Href: at})
	}
	for _, t := range serveTabs {
		for _, route := range c.routes {
			if route.Pattern == "GET "+hallPath("{hall}")+t.path && c.App.May(ad, route.Act, id) {
				tabs = append(tabs, ui.Link{Text: l.T("serve.tab." + t.name), Href: hallPath(id) + t.path, Current: r.URL.Path == hallPath(id)+t.path})
			}
		}
	}
	return f, tabs
}

// serveWhere lists the halls somebody may serve at; who has but one is there already.
func (c *Console) serveWhere(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	g := c.App.Grove(ad, account.Serve)
	if len(g.Halls) == 1 {
		return web.SeeOther(w, r, hallPath(g.Halls[0].ID)+"/counters")
	}
	list := listOf(r, "name")
	f := c.frame(w, r, ad, l.T("console.nav.serve"))
	f.Path, f.Lead = c.home0(l), l.T("serve.where_lead")
	t := Table{Caption: l.T("serve.where"), Cols: []Col{{Text: l.T("console.halls.name")}, {Text: l.T("serve.open_counters"), Number: true}, {Text: l.T("serve.waiting"), Number: true}},
		Empty: ui.EmptyView{Title: l.T("serve.no_hall")}}
	var found []*directory.Hall
	for _, h := range g.Halls {
		if list.Query == "" || within(l.Text(h.Name), list.Query) || within(h.Name.Hans, list.Query) {
			found = append(found, h)
		}
	}
	from, to := list.Slice(len(found))
	for _, h := range found[from:to] {
		v, err := c.App.FloorView(r.Context(), h.ID)
		if err != nil {
			return err
		}
		waiting := 0
		for _, q := range v.Queues {
			waiting += q.Waiting
		}
		t.Rows = append(t.Rows, Row{Cells: []Cell{
			{Text: l.Text(h.Name), Href: hallPath(h.ID) + "/counters", Note: l.T("level." + string(h.Level)), Tag: closedTag(l, h.Open)}, {Text: count(len(v.Counters))}, {Text: count(waiting)},
		}})
	}
	pager := list.Pager(l, len(found))
	t.Pager = &pager
	bar := FilterBar{L: l, List: list, Search: l.T("console.find_hall"), Clear: list.Query != "", Total: l.N("console.halls.n", len(found))}
	return web.Render(w, r, http.StatusOK, serveWherePage(f, bar, t))
}

type serveHallView struct {
	Tabs     []ui.Link
	Counters Table
	Queues   Table
}

// serveHall shows the counters of a hall, to sit down at one, and who waits.
func (c *Console) serveHall(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	id := r.PathValue("hall")
	l, h := web.LocaleOf(r), c.App.City().Hall(id)
	live, err := c.App.FloorView(r.Context(), id)
	if err != nil {
		return err
	}
	f, tabs := c.serveFrame(w, r, ad, l.Text(h.Name))
	f.Lead = l.LongDate(live.Date)
	v := serveHallView{Tabs: tabs}
	v.Counters = Table{Caption: l.T("serve.counters"), Shown: true, Cols: []Col{{Text: l.T("serve.counter")}, {Text: l.T("serve.state")}, {Text: l.T("serve.at")}, {Text: l.T("serve.queues")}},
		Empty: ui.EmptyView{Title: l.T("serve.no_counters"), Text: l.T("serve.no_counters_hint")}}
	seats := map[string]app.SeatView{}
	for _, s := range live.Counters {
		seats[s.Counter] = s
	}
	for _, k := range c.App.City().CountersOf(id) {
		if !k.Open {
			continue
		}
		queues, state, number := k.Queues, ui.Tag{Text: l.T("serve.seat.closed")}, "–"
		if s, ok := seats[k.ID]; ok {
			queues, state = s.Queues, seatTag(l, s.State)
			if s.Number != "" {
				number = s.Number
			}
		}
		v.Counters.Rows = append(v.Counters.Rows, Row{Cells: []Cell{{Text: counterName(l, k.Label), Href: counterPath(id, k.ID)}, {Tag: state}, {Text: number}, {Text: c.queueNames(l, queues)}}})
	}
	v.Queues = Table{Caption: l.T("serve.now"), Shown: true, Cols: []Col{{Text: l.T("console.hall.queue")}, {Text: l.T("serve.waiting"), Number: true}, {Text: l.T("serve.open_counters"), Number: true}, {Text: l.T("serve.last")}},
		Empty: ui.EmptyView{Title: l.T("console.hall.no_queues")}}
	for _, q := range live.Queues {
		v.Queues.Rows = append(v.Queues.Rows, Row{Cells: []Cell{{Text: q.Prefix + " · " + l.Text(q.Queue.Name)}, {Text: count(q.Waiting)}, {Text: count(q.Seats)}, {Text: q.Last}}})
	}
	return web.Render(w, r, http.StatusOK, serveHallPage(f, v))
}

func seatTag(l web.Locale, s counter.SeatState) ui.Tag {
	t := ui.Tag{Text: l.T("serve.seat." + string(s))}
	switch s {
	case counter.SeatOpen:
		t.Kind = ui.TagGreen
	case counter.SeatPaused:
		t.Kind = ui.TagAmber
	}
	return t
}

func (c *Console) queueNames(l web.Locale, ids []string) string {
	var out []string
	for _, id := range ids {
		if q := c.App.City().Queue(id); q != nil {
			out = append(out, l.Text(q.Name))
		}
	}
	return strings.Join(out, " · ")
}

// counter is the page of a counter: its form to open it, or the day's one page.
func (c *Console) counter(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	v, err := c.App.CounterView(r.Context(), ad, r.PathValue("hall"), r.PathValue("counter"))
	if err != nil {
		return err
	}
	return c.showCounter(w, r, ad, v, nil)
}

// showCounter renders a counter; refused is why something could not be done there, nil for nothing.
func (c *Console) showCounter(w http.ResponseWriter, r *http.Request, ad *app.Admin, v app.CounterView, refused *fault.Error) error {
	l := web.LocaleOf(r)
	title := l.Text(v.Hall.Name) + " · " + counterName(l, v.Counter.Label)
	status := http.StatusOK
	if refused != nil {
		status = web.Status(refused)
	}
	if !v.Mine {
		f, tabs := c.serveFrame(w, r, ad, title)
		f.Narrow, f.Error = true, refused != nil
		return web.Render(w, r, status, openCounterPage(f, c.openView(f, tabs, v, refused)))
	}
	f, _ := c.serveFrame(w, r, ad, title)
	f.Full, f.Error = true, refused != nil
	f.Scripts = slices.Clone(counterScripts)
	c.reader(w, r, &f)
	web.Workers(w)
	return web.Render(w, r, status, counterPage(f, c.seatView(f.L, f.Token, v, refused), c.quick(f, v)))
}

type openCounterView struct {
	L       web.Locale
	Token   string
	Action  string
	Tabs    []ui.Link
	Refused *ui.NoticeView
	Taken   *ui.NoticeView // somebody else sits there
	Queues  ui.ChoiceView
	Closed  bool // the directory has the counter closed, or the day is over
	Sealed  bool
}

func (c *Console) openView(f Frame, tabs []ui.Link, v app.CounterView, refused *fault.Error) openCounterView {
	l := f.L
	o := openCounterView{L: l, Token: f.Token, Action: counterPath(v.Hall.ID, v.Counter.ID) + "/seat", Tabs: tabs, Closed: !v.Counter.Open || !v.Hall.Open, Sealed: v.Sealed}
	if refused != nil {
		n := refusal(l, refused)
		o.Refused = &n
	}
	if v.Seat != nil && v.Seat.State != counter.SeatClosed {
		o.Taken = &ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.T("serve.taken", "account", v.Seat.Account), Text: l.T("serve.taken_text", "time", l.When(v.Seat.Seen))}
	}
	o.Queues = ui.ChoiceView{FieldView: ui.FieldView{ID: "queues", Label: l.T("serve.which"), Hint: l.T("serve.which_hint")}}
	for _, q := range v.Counter.Queues {
		if line := c.App.City().Queue(q); line != nil {
			o.Queues.Options = append(o.Queues.Options, ui.Option{Value: q, Text: l.Text(line.Name), Selected: true})
		}
	}
	return o
}

// refusal says why something was not done.
func refusal(l web.Locale, e *fault.Error) ui.NoticeView {
	n := ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.Sentence(e), Code: string(e.Code)}
	for _, field := range e.Fields {
		n.Title = l.FieldSentence("", field.Code)
	}
	return n
}

// seat opens, pauses, resumes or closes a counter.
func (c *Console) seat(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, id := r.PathValue("hall"), r.PathValue("counter")
	var v app.CounterView
	var err error
	switch r.PostForm.Get("to") {
	case "open":
		v, err = c.App.OpenCounter(r.Context(), ad, hall, id, r.PostForm["queues"])
	case "pause":
		v, err = c.App.PauseCounter(r.Context(), ad, hall, id)
	case "resume":
		v, err = c.App.ResumeCounter(r.Context(), ad, hall, id)
	case "close":
		v, err = c.App.CloseCounter(r.Context(), ad, hall, id)
	default:
		err = fault.InvalidFields(fault.Field{Path: "to", Code: fault.NotOneOf})
	}
	if web.WantsJSON(r) && err == nil && v.Mine {
		return c.answer(w, r, v, nil)
	}
	if err != nil && comesBack(err) && !web.WantsJSON(r) {
		now, again := c.App.CounterView(r.Context(), ad, hall, id)
		if again != nil {
			return again
		}
		return c.showCounter(w, r, ad, now, fault.As(err))
	}
	if err != nil {
		return err
	}
	if !v.Mine {
		return web.SeeOther(w, r, hallPath(hall)+"/counters")
	}
	return web.SeeOther(w, r, counterPath(hall, id))
}

// newKey makes an idempotency key of a form.
func newKey() string { return rand.Text() }

// hasQueue tells whether the queues hold one.
func hasQueue(queues []string, q string) bool { return slices.Contains(queues, q) }
