package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// A hall's day as a whole: how it stands or ended, what it goes by, and the list on paper.

const dayRoute = Prefix + "/halls/{hall}/day"

func dayPath(hall string) string { return hallPath(hall) + "/day" }

func (c *Console) dayRoutes() {
	c.add(Route{Pattern: "GET " + dayRoute, Act: account.Serve, Or: account.Supervise, Hall: "hall"}, c.hallDay)
	c.add(Route{Pattern: "GET " + dayRoute + "/list", Act: account.Serve, Hall: "hall"}, c.fallback)
	c.add(Route{Pattern: "GET " + dayRoute + "/rules", Act: account.Configure, Hall: "hall"}, c.floorRules)
	c.add(Route{Pattern: "POST " + dayRoute + "/rules", Act: account.Configure, Hall: "hall"}, c.setFloorRules)
}

type hallDayView struct {
	L       web.Locale
	Tabs    []ui.Link
	Action  string
	Date    string
	Sealed  *ui.NoticeView
	Figures []Fact
	Queues  Table
	Known   []Fact
	Empty   *ui.EmptyView
	Links   []ui.ButtonView
}

// hallDay shows today as it stands, or the record of a day that has ended.
func (c *Console) hallDay(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, l := r.PathValue("hall"), web.LocaleOf(r)
	today := calendar.DateOf(c.App.Now())
	date := today
	if d, err := calendar.ParseDate(r.URL.Query().Get("date")); err == nil && d <= today {
		date = d
	}
	f, tabs := c.serveFrame(w, r, ad, l.T("day.title"))
	f.Lead = l.LongDate(date)
	v := hallDayView{L: l, Tabs: tabs, Action: dayPath(hall), Date: date.String()}
	if c.App.May(ad, account.Serve, hall) {
		v.Links = append(v.Links, ui.ButtonView{Text: l.T("day.list"), Href: dayPath(hall) + "/list", Kind: ui.Secondary})
	}
	if c.App.May(ad, account.Configure, hall) {
		v.Links = append(v.Links, ui.ButtonView{Text: l.T("day.rules"), Href: dayPath(hall) + "/rules", Kind: ui.Secondary})
	}
	rec, err := c.App.DayRecord(r.Context(), hall, date)
	switch {
	case err == nil:
		c.dayRecord(l, &v, rec)
	case fault.CodeOf(err) != fault.EntryNotFound:
		return err
	case date == today:
		if err := c.dayNow(r, l, &v, hall); err != nil {
			return err
		}
	default:
		v.Empty = &ui.EmptyView{Title: l.T("day.none"), Text: l.T("day.none_text")}
	}
	return web.Render(w, r, http.StatusOK, hallDayPage(f, v))
}

func (c *Console) dayNow(r *http.Request, l web.Locale, v *hallDayView, hall string) error {
	live, err := c.App.FloorView(r.Context(), hall)
	if err != nil {
		return err
	}
	waiting := 0
	v.Queues = Table{Caption: l.T("serve.now"), Cols: []Col{{Text: l.T("console.hall.queue")}, {Text: l.T("serve.waiting"), Number: true}, {Text: l.T("serve.open_counters"), Number: true}, {Text: l.T("serve.last")}},
		Empty: ui.EmptyView{Title: l.T("console.hall.no_queues")}}
	for _, q := range live.Queues {
		waiting += q.Waiting
		v.Queues.Rows = append(v.Queues.Rows, Row{Cells: []Cell{{Text: l.Text(q.Queue.Name)}, {Text: count(q.Waiting)}, {Text: count(q.Seats)}, {Text: q.Last}}})
	}
	v.Figures = []Fact{{Key: l.T("serve.waiting"), Value: count(waiting)}, {Key: l.T("serve.open_counters"), Value: count(len(live.Counters))}}
	return nil
}

// dayRecord shows what a day came to.
func (c *Console) dayRecord(l web.Locale, v *hallDayView, rec app.DayRecord) {
	n := rec.Figures
	v.Sealed = &ui.NoticeView{L: l, Kind: ui.NoticeInfo, Title: l.T("day.sealed", "time", l.When(rec.Sealed)), Text: l.T("day.digest", "digest", rec.Digest)}
	v.Figures = []Fact{
		{Key: l.T("day.tickets"), Value: count(n.Tickets), Note: l.T("day.kinds", "booked", count(n.Kinds[counter.Booked]), "walk_in", count(n.Kinds[counter.WalkIn]), "green", count(n.Kinds[counter.Green]))},
		{Key: l.T("serve.result.finished"), Value: count(n.Results[counter.Finished])},
		{Key: l.T("day.median"), Value: minutes(l, time.Duration(n.Waits.Median)*time.Second), Note: l.T("day.p90", "time", minutes(l, time.Duration(n.Waits.P90)*time.Second))},
		{Key: l.T("day.no_shows"), Value: count(n.NoShows)},
		{Key: l.T("day.refused"), Value: count(n.Refused)},
	}
	v.Queues = Table{Caption: l.T("day.queues"), Cols: []Col{{Text: l.T("console.hall.queue")}, {Text: l.T("day.tickets"), Number: true}, {Text: l.T("day.done"), Number: true}, {Text: l.T("day.median"), Number: true}},
		Empty: ui.EmptyView{Title: l.T("console.hall.no_queues")}}
	for _, q := range c.App.City().QueuesAt(rec.HallID) {
		if f := n.Queues[q.ID]; f != nil {
			v.Queues.Rows = append(v.Queues.Rows, Row{Cells: []Cell{{Text: l.Text(q.Name)}, {Text: count(f.Tickets)}, {Text: count(f.Done)}, {Text: minutes(l, time.Duration(f.Waits.Median)*time.Second)}}})
		}
	}
	for _, res := range []counter.Result{counter.Incomplete, counter.Mismatch, counter.Elsewhere, counter.WentAway, counter.NeverCame, counter.DayEnded} {
		if n.Results[res] > 0 {
			v.Known = append(v.Known, Fact{Key: l.T("serve.result." + string(res)), Value: count(n.Results[res])})
		}
	}
	v.Known = append(v.Known, Fact{Key: l.T("desk.left_on_site"), Value: count(n.OnSite), Note: l.T("day.unsold", "n", count(n.Unsold))},
		Fact{Key: l.T("day.settled"), Value: count(n.Settled)}, Fact{Key: l.T("serve.open_counters"), Value: count(n.Counters)})
}

type fallbackView struct {
	L    web.Locale
	Tabs []ui.Link
	List Table
}

// fallback is the morning's list, to be printed for the case that nothing works.
func (c *Console) fallback(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, l := r.PathValue("hall"), web.LocaleOf(r)
	date := calendar.DateOf(c.App.Now())
	if r.URL.Query().Get("date") != "" {
		d, err := calendar.ParseDate(r.URL.Query().Get("date"))
		if err != nil {
			return fault.InvalidFields(fault.Field{Path: "date", Code: fault.BadDate})
		}
		date = d
	}
	list, err := c.App.FallbackList(r.Context(), ad, hall, date)
	if err != nil {
		return err
	}
	f, tabs := c.serveFrame(w, r, ad, l.T("day.list"))
	f.Path = append(f.Path, ui.Link{Text: l.T("day.title"), Href: dayPath(hall)})
	f.Lead = l.Text(c.App.City().Hall(hall).Name) + " · " + l.LongDate(date) + " · " + l.T("day.list_lead")
	f.Actions = []ui.ButtonView{{Text: l.T("desk.print"), Icon: "print", Attrs: printAttrs}}
	v := fallbackView{L: l, Tabs: tabs}
	v.List = Table{Caption: l.T("day.list"), Cols: []Col{{Text: l.T("day.no")}, {Text: l.T("serve.hour")}, {Text: l.T("console.hall.queue")}, {Text: l.T("desk.who")}, {Text: l.T("pass.item")}, {Text: l.T("desk.state")}},
		Empty: ui.EmptyView{Title: l.T("day.list_none")}}
	for _, row := range list {
		item, queue, here := "", "", "☐"
		if row.Item != nil {
			item = l.Text(row.Item.Name)
		}
		if row.Queue != nil {
			queue = row.Prefix + " · " + l.Text(row.Queue.Name)
		}
		if row.Here {
			here = l.T("state.arrived")
		}
		who := Cell{Text: row.Name + " " + row.Tail}
		if row.For != "" {
			who.Note = l.T("desk.for", "name", row.For)
		}
		v.List.Rows = append(v.List.Rows, Row{Cells: []Cell{{Text: strconv.Itoa(row.No)}, {Text: web.HourRange(row.Hour)}, {Text: queue}, who, {Text: item, Note: l.T("stage." + string(row.Stage))}, {Text: here}}})
	}
	return web.Render(w, r, http.StatusOK, fallbackPage(f, v))
}

type rulesView struct {
	formView
	Tabs    []ui.Link
	Version int
	Numbers []ui.InputView
	Green   ui.ChoiceView
	Fixed   []Fact
}

// dayNumbers are the fields of a hall's day that are numbers, with the unit each is written in; 0 for a count.
var dayNumbers = []struct {
	name string
	unit time.Duration
	of   func(*counter.Rules) any // *int or *time.Duration
}{
	{"check_in_before", time.Minute, func(r *counter.Rules) any { return &r.CheckInBefore }},
	{"walk_in_after", 0, func(r *counter.Rules) any { return &r.WalkInAfter }},
	{"walk_in_longest", time.Minute, func(r *counter.Rules) any { return &r.WalkInLongest }},
	{"passed_after", 0, func(r *counter.Rules) any { return &r.PassedAfter }},
	{"passed_most", 0, func(r *counter.Rules) any { return &r.PassedMost }},
	{"green_most", 0, func(r *counter.Rules) any { return &r.GreenMost }},
	{"near_ahead", 0, func(r *counter.Rules) any { return &r.NearAhead }},
	{"radius_metres", 0, func(r *counter.Rules) any { return &r.RadiusMetres }},
	{"ends_after", time.Minute, func(r *counter.Rules) any { return &r.EndsAfter }},
}

func (c *Console) floorRules(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	now, err := c.App.FloorRules(r.Context(), ad, r.PathValue("hall"))
	if err != nil {
		return err
	}
	typed := url.Values{"green": {string(now.Rules.Green)}, "version": {strconv.Itoa(now.Version)}}
	for _, f := range dayNumbers {
		typed.Set(f.name, strconv.Itoa(numberOf(f.of(&now.Rules), f.unit)))
	}
	return c.showRules(w, r, ad, now, typed, nil)
}

func numberOf(v any, unit time.Duration) int {
	if d, ok := v.(*time.Duration); ok {
		return int(*d / unit)
	}
	return *v.(*int)
}

func (c *Console) showRules(w http.ResponseWriter, r *http.Request, ad *app.Admin, now app.FloorRules, typed url.Values, wrong error) error {
	hall, l := r.PathValue("hall"), web.LocaleOf(r)
	f, tabs := c.serveFrame(w, r, ad, l.T("day.rules"))
	f.Narrow, f.Lead = true, l.T("day.rules_lead")
	f.Path = append(f.Path, ui.Link{Text: l.T("day.title"), Href: dayPath(hall)})
	labels := map[string]string{"green": l.T("day.rule.green")}
	for _, n := range dayNumbers {
		labels[n.name] = l.T("day.rule." + n.name)
	}
	v := rulesView{formView: c.formView(&f, dayPath(hall)+"/rules", wrong, labels), Tabs: tabs}
	v.Version, _ = strconv.Atoi(typed.Get("version")) // what is no number is no version there is
	for _, n := range dayNumbers {
		book := now.Book
		v.Numbers = append(v.Numbers, ui.InputView{
			FieldView: v.field(n.name, l.T("day.book", "n", strconv.Itoa(numberOf(n.of(&book), n.unit)))), Value: typed.Get(n.name), InputMode: "numeric", Autocomplete: "off", Width: 5,
		})
	}
	v.Green = ui.ChoiceView{FieldView: v.field("green", "")}
	for _, g := range []counter.GreenWay{counter.GreenFirst, counter.GreenInOne} {
		v.Green.Options = append(v.Green.Options, ui.Option{Value: string(g), Text: l.T("day.green." + string(g)), Selected: typed.Get("green") == string(g)})
	}
	v.Fixed = []Fact{
		{Key: l.T("day.rule.off_grid"), Value: minutes(l, now.Rules.OffGrid)}, {Key: l.T("day.rule.silent_after"), Value: l.N("day.seconds", int(now.Rules.SilentAfter/time.Second))},
	}
	return web.Render(w, r, v.status(), rulesPage(f, v))
}

// setFloorRules changes what a hall sets for its days itself.
func (c *Console) setFloorRules(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	hall, p := r.PathValue("hall"), r.PostForm
	now, err := c.App.FloorRules(r.Context(), ad, hall)
	if err != nil {
		return err
	}
	next := now.Rules
	next.Green = counter.GreenWay(p.Get("green"))
	var wrong []fault.Field
	for _, f := range dayNumbers {
		n, err := strconv.Atoi(strings.TrimSpace(p.Get(f.name)))
		if err != nil || n < 0 || n > 100_000 {
			wrong = append(wrong, fault.Field{Path: f.name, Code: fault.OutOfRange})
			continue
		}
		switch v := f.of(&next).(type) {
		case *int:
			*v = n
		case *time.Duration:
			if *v/f.unit != time.Duration(n) { // what is finer than the form is kept where it is not changed
				*v = time.Duration(n) * f.unit
			}
		}
	}
	version, err := strconv.Atoi(p.Get("version"))
	if err != nil {
		version = -1
	}
	err = nil
	if len(wrong) > 0 {
		err = fault.InvalidFields(wrong...)
	} else {
		err = c.App.SetFloorRules(r.Context(), ad, hall, version, next)
	}
	if err == nil {
		return web.SeeOther(w, r, dayPath(hall)+"/rules")
	}
	if comesBack(err) {
		return c.showRules(w, r, ad, now, p, err)
	}
	return err
}

// counterName is what the sign of a counter says.
func counterName(l web.Locale, label string) string {
	if strings.Trim(label, "0123456789") == "" {
		return l.T("serve.counter_n", "n", label)
	}
	return label
}
