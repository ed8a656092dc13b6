package console

import (
	"cmp"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const (
	figuresPath  = Prefix + "/figures"
	measuresPath = figuresPath + "/measures"
)

func (c *Console) figureRoutes() {
	c.add(Route{Pattern: "GET " + figuresPath, Act: account.Supervise}, c.figures)
	for _, format := range []string{"csv", "xlsx"} {
		c.add(Route{Pattern: "GET " + figuresPath + "." + format, Act: account.Export, Prove: true}, c.figuresFile)
	}
	c.add(Route{Pattern: "GET " + measuresPath, Act: account.Supervise}, c.measures)
	c.add(Route{Pattern: "GET " + measuresPath + "/{measure}", Act: account.Supervise}, c.measure)
}

// figureGroups are the measures that are shown side by side; the first group is shown when none is chosen.
var figureGroups = []struct {
	name     string
	measures []string
}{
	{"booking", []string{"released", "saturation", "booking_rate", "onsite_share", "cancellation_rate", "rush_first"}},
	{"coming", []string{"show_rate", "no_show_rate", "on_time_rate", "unserved", "green", "content"}},
	{"waiting", []string{"wait_median", "wait_p90", "wait_walkin_median", "wait_walkin_p90", "wait_green_median", "handling_median"}},
	{"line", []string{"line_pressure", "line_served", "led_online"}},
	{"order", []string{"release_rate", "displaced_rate", "cut_after_release", "filed_in_time", "decided_in_time"}},
	{"data", []string{"data_in_time", "data_complete", "data_accurate"}},
}

// figureView is the page of a place: its values, how they went, where they come from.
type figureView struct {
	Tabs  []ui.Link
	Bar   FilterBar
	Note  string
	Facts []Fact
	Chart Chart
	Below *Table
	Parts []ui.Link
	Part  Table
}

// figureAsk is what the address says: of where, when, and by which measures.
type figureAsk struct {
	list     List
	place    oversight.Place
	span     oversight.Span
	period   string
	before   string
	group    string
	measures []*oversight.Measure
	by       oversight.Dimension
	today    calendar.Date
}

func (c *Console) figureAsk(r *http.Request, ad *app.Admin) (a figureAsk, err error) {
	a.list, a.today = listOf(r, "name"), calendar.DateOf(c.App.Now())
	a.place = oversight.Place{Noun: oversight.OfUnit, ID: a.list.Get("unit")}
	if hall := a.list.Get("hall"); hall != "" {
		a.place = oversight.Place{Noun: oversight.OfHall, ID: hall}
	}
	if a.place.ID == "" {
		var ok bool
		if a.place, ok = c.App.TopPlace(ad); !ok {
			return a, fault.New(fault.NotAllowed)
		}
	}
	if !c.App.SeesFigures(ad, a.place) {
		if a.place.Noun == oversight.OfHall {
			return a, fault.New(fault.HallNotFound)
		}
		return a, fault.New(fault.UnitNotFound)
	}
	a.span = oversight.SpanMonth
	if a.list.Get("span") == string(oversight.SpanDay) {
		a.span = oversight.SpanDay
	}
	a.period = a.list.Get("period")
	if _, _, err := a.span.Dates(a.period); err != nil || a.period > a.span.Period(a.today) {
		a.period = a.span.Period(a.today)
	}
	if a.before, err = a.span.Before(a.period); err != nil {
		return a, err
	}
	group := figureGroups[0]
	for _, g := range figureGroups {
		if g.name == a.list.Get("show") {
			group = g
		}
	}
	a.group = group.name
	sorts := []string{"name"}
	for _, id := range group.measures {
		m, err := oversight.Newest(id)
		if err != nil {
			return a, err
		}
		a.measures = append(a.measures, m)
		sorts = append(sorts, id)
	}
	a.list = listOf(r, sorts...)
	dimensions := dimensionsOf(a.place)
	if a.by = oversight.Dimension(a.list.Value("by", words(dimensions)...)); a.by == "" {
		a.by = dimensions[0]
	}
	return a, nil
}

// dimensionsOf lists how the figures of a place can be broken down, the first one when nothing is chosen.
func dimensionsOf(p oversight.Place) []oversight.Dimension {
	if p.Noun == oversight.OfHall {
		return []oversight.Dimension{oversight.ByQueue, oversight.ByHour, oversight.ByItem, oversight.ByChannel}
	}
	return []oversight.Dimension{oversight.ByDepartment, oversight.ByItem, oversight.ByHour, oversight.ByChannel}
}

// figures is the page of a place (Art. 4, 21): city, district, street, hall, and its queues.
func (c *Console) figures(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	a, err := c.figureAsk(r, ad)
	if err != nil {
		return err
	}
	from := c.firstShown(a)
	past, err := c.App.PlaceTotals(r.Context(), ad, a.place, a.span, from, a.period)
	if err != nil {
		return err
	}
	rows, err := c.App.Figures(r.Context(), ad, a.place, a.span, a.before, a.period)
	if err != nil {
		return err
	}
	now, was := rowOf(rows, a.period), rowOf(rows, a.before)
	f := c.frame(w, r, ad, l.T("figure.of", "place", c.figurePlace(l, a.place)))
	f.Path, f.Lead = c.figureTrail(l, ad, a), l.T("figure.lead", "period", periodText(l, a.span, a.period))
	if c.may(ad, account.Export) && a.place.Noun == oversight.OfUnit {
		f.Actions = fileLinks(l, figuresPath, a.list.encoded())
	}
	v := figureView{Bar: c.figureBar(l, a), Note: counted(l, now)}
	for _, g := range figureGroups {
		v.Tabs = append(v.Tabs, ui.Link{Text: l.T("figure.group." + g.name), Href: a.list.With("show", g.name, "sort", ""), Current: g.name == a.group})
	}
	for _, m := range a.measures {
		v.Facts = append(v.Facts, Fact{
			Key: l.T("figure.m." + m.ID), Value: figureText(l, m, m.Of(now.Figures.All)), Note: changeText(l, m, m.Of(was.Figures.All), m.Of(now.Figures.All)), Href: c.formulaOf(a, m),
		})
	}
	v.Chart = c.pastChart(l, a, past)
	if below := c.App.PlacesBelow(ad, a.place); len(below) > 0 {
		t, err := c.belowTable(r, l, ad, a, below)
		if err != nil {
			return err
		}
		v.Below = &t
	}
	for _, d := range dimensionsOf(a.place) {
		v.Parts = append(v.Parts, ui.Link{Text: l.T("figure.by." + string(d)), Href: a.list.With("by", string(d)) + "#parts", Current: d == a.by})
	}
	v.Part = c.partTable(l, a, now, was)
	return web.Render(w, r, http.StatusOK, figurePage(f, v))
}

// firstShown is the first period of the picture: 31 days or 13 months.
func (c *Console) firstShown(a figureAsk) string {
	first, _, _ := a.span.Dates(a.period)
	if a.span == oversight.SpanDay {
		return a.span.Period(first - 30)
	}
	return a.span.Period(calendar.MakeDate(first.Year()-1, first.Month(), 1))
}

func rowOf(rows []oversight.Row, period string) oversight.Row {
	for _, r := range rows {
		if r.Period == period {
			return r
		}
	}
	return oversight.Row{Period: period}
}

// figureTrail leads from the console's home to the place above.
func (c *Console) figureTrail(l web.Locale, ad *app.Admin, a figureAsk) []ui.Link {
	var up []ui.Link
	for p, ok := c.App.AbovePlace(ad, a.place); ok; p, ok = c.App.AbovePlace(ad, p) {
		up = append(up, ui.Link{Text: c.figurePlace(l, p), Href: placeAddress(a, p)})
	}
	slices.Reverse(up)
	return append(c.home0(l), up...)
}

func (c *Console) figurePlace(l web.Locale, p oversight.Place) string {
	if p.Noun == oversight.OfHall {
		return c.hallName(l, p.ID)
	}
	return c.unitName(l, p.ID)
}

// placeAddress is the page of another place with the same choices.
func placeAddress(a figureAsk, p oversight.Place) string {
	pairs := []string{"unit", "", "hall", "", "by", "", string(p.Noun), p.ID}
	return figuresPath + strings.TrimPrefix(a.list.With(pairs...), a.list.path)
}

func (c *Console) formulaOf(a figureAsk, m *oversight.Measure) string {
	return address(measuresPath+"/"+m.ID, string(a.place.Noun), a.place.ID, "span", string(a.span), "period", a.period)
}

// figureBar chooses day or month, and which.
func (c *Console) figureBar(l web.Locale, a figureAsk) FilterBar {
	spans := Filter{Name: "span", Label: l.T("figure.span")}
	for _, s := range []oversight.Span{oversight.SpanMonth, oversight.SpanDay} {
		spans.Options = append(spans.Options, ui.Option{Value: string(s), Text: l.T("figure.span." + string(s)), Selected: s == a.span})
	}
	periods := Filter{Name: "period", Label: l.T("figure.period")}
	at, seen := a.span.Period(a.today), false
	for range map[oversight.Span]int{oversight.SpanDay: 62, oversight.SpanMonth: 26}[a.span] {
		seen = seen || at == a.period
		periods.Options = append(periods.Options, ui.Option{Value: at, Text: periodText(l, a.span, at), Selected: at == a.period})
		at, _ = a.span.Before(at)
	}
	if !seen {
		periods.Options = append(periods.Options, ui.Option{Value: a.period, Text: periodText(l, a.span, a.period), Selected: true})
	}
	return FilterBar{L: l, List: a.list, Filters: []Filter{spans, periods}}
}

func periodText(l web.Locale, span oversight.Span, period string) string {
	first, _, err := span.Dates(period)
	switch {
	case err != nil:
		return period
	case span == oversight.SpanMonth:
		return l.Month(first)
	}
	return l.LongDate(first)
}

// pastChart draws the measure the table is sorted by, or the first.
func (c *Console) pastChart(l web.Locale, a figureAsk, rows []oversight.Row) Chart {
	m := a.chosen()
	if m == nil {
		m = a.measures[0]
	}
	ch := Chart{L: l, ID: "past", Title: l.T("figure.past", "measure", l.T("figure.m."+m.ID)), Kind: ChartLine, Unit: string(m.Unit), Head: l.T("figure.period")}
	s := Series{Name: c.figurePlace(l, a.place)}
	for at := c.firstShown(a); at <= a.period; at = after(a.span, at) {
		label := at
		if first, _, err := a.span.Dates(at); err == nil && a.span == oversight.SpanDay {
			label = l.MonthDay(first)
		}
		ch.Labels = append(ch.Labels, label)
		value := math.NaN()
		for _, r := range rows {
			if v := m.Of(r.Figures.All); r.Period == at && v.OK {
				value = m.Float(v)
			}
		}
		s.Values = append(s.Values, value)
	}
	ch.Series = []Series{s}
	return ch
}

// after is the period after one.
func after(span oversight.Span, period string) string {
	_, last, err := span.Dates(period)
	if err != nil {
		return "~"
	}
	return span.Period(last + 1)
}

// chosen is the measure the tables are sorted by, nil for the name.
func (a figureAsk) chosen() *oversight.Measure {
	for _, m := range a.measures {
		if m.ID == a.list.Sort {
			return m
		}
	}
	return nil
}

// figureLine is one line of a table: a place or a part, now and in the period before.
type figureLine struct {
	name, href string
	place      oversight.Place // none of a part
	now, was   oversight.Counts
	placed     oversight.Placed
}

// belowTable compares the places right below: ranked by the measure it is sorted by.
func (c *Console) belowTable(r *http.Request, l web.Locale, ad *app.Admin, a figureAsk, below []oversight.Place) (Table, error) {
	now, err := c.App.FiguresBelow(r.Context(), ad, a.place, a.span, a.period)
	if err != nil {
		return Table{}, err
	}
	was, err := c.App.FiguresBelow(r.Context(), ad, a.place, a.span, a.before)
	if err != nil {
		return Table{}, err
	}
	at := map[oversight.Place]*figureLine{}
	lines := make([]*figureLine, 0, len(below))
	for _, p := range below {
		line := &figureLine{name: c.figurePlace(l, p), href: placeAddress(a, p), place: p}
		at[p], lines = line, append(lines, line)
	}
	for _, row := range now {
		if at[row.Place] != nil {
			at[row.Place].now = row.Figures.All
		}
	}
	for _, row := range was {
		if at[row.Place] != nil {
			at[row.Place].was = row.Figures.All
		}
	}
	t := c.figureTable(l, a, a.measures, l.T("figure.below"), l.T("figure.place"), lines, true)
	t.Empty = ui.EmptyView{Title: l.T("figure.none"), Text: l.T("figure.none_hint")}
	return t, nil
}

// partTable breaks the figures of the place down.
func (c *Console) partTable(l web.Locale, a figureAsk, now, was oversight.Row) Table {
	measures := slices.DeleteFunc(slices.Clone(a.measures), func(m *oversight.Measure) bool { return !m.By(a.by) })
	if len(measures) == 0 {
		return Table{Caption: l.T("figure.by." + string(a.by)), Empty: ui.EmptyView{Title: l.T("figure.not_by"), Text: l.T("figure.not_by_hint")}}
	}
	var lines []*figureLine
	for _, key := range slices.Sorted(maps.Keys(now.Figures.By[a.by])) {
		line := &figureLine{name: c.partName(l, a.by, key), now: now.Figures.By[a.by][key], was: was.Figures.By[a.by][key]}
		if a.by == oversight.ByQueue {
			line.href = address(hallPath(a.place.ID)+"/capacity", "queue", key)
		}
		lines = append(lines, line)
	}
	t := c.figureTable(l, a, measures, l.T("figure.by."+string(a.by)), l.T("figure.part."+string(a.by)), lines, a.by != oversight.ByHour)
	t.Empty = ui.EmptyView{Title: l.T("figure.none"), Text: l.T("figure.none_hint")}
	return t
}

func (c *Console) partName(l web.Locale, by oversight.Dimension, key string) string {
	switch by {
	case oversight.ByQueue:
		if q := c.App.City().Queue(key); q != nil {
			return l.Text(q.Name)
		}
	case oversight.ByItem:
		if it := c.App.City().Item(key); it != nil {
			return l.Text(it.Name)
		}
	case oversight.ByDepartment:
		return c.unitName(l, key)
	case oversight.ByHour:
		if h, err := strconv.Atoi(key); err == nil {
			return web.HourRange(h)
		}
	case oversight.ByChannel:
		if name := "figure.channel." + key; l.Has(name) {
			return l.T(name)
		}
	}
	return key
}

// figureTable is lines by measures. Sorted by a measure, each line says its place and the one it had; sort says whether
// lines without a chosen measure stand by name.
func (c *Console) figureTable(l web.Locale, a figureAsk, measures []*oversight.Measure, caption, head string, lines []*figureLine, byName bool) Table {
	t := Table{Caption: caption, Shown: true, Cols: []Col{a.list.Col(head, "name", false)}}
	m := a.chosen()
	if !slices.Contains(measures, m) {
		m = nil
	}
	if m != nil {
		rankLines(m, lines)
	}
	for _, one := range measures {
		t.Cols = append(t.Cols, a.list.Col(l.T("figure.m."+one.ID), one.ID, true))
	}
	slices.SortStableFunc(lines, func(x, y *figureLine) int {
		order := 0
		if m != nil {
			vx, vy := m.Of(x.now), m.Of(y.now)
			if vx.OK != vy.OK { // what says nothing stands last, whichever way
				if vx.OK {
					return -1
				}
				return 1
			}
			order = cmp.Compare(m.Float(vx), m.Float(vy))
		} else if byName {
			return 0 // in the order of their ids, as the city has them
		}
		if a.list.Desc {
			order = -order
		}
		return cmp.Or(order, strings.Compare(x.name, y.name))
	})
	if m == nil && a.list.Desc {
		slices.Reverse(lines)
	}
	for _, line := range lines {
		first := Cell{Text: line.name, Href: line.href}
		if m != nil && line.placed.Place > 0 {
			first.Note = l.T("figure.rank", "n", strconv.Itoa(line.placed.Place))
			if line.placed.Was > 0 {
				first.Note = l.T("figure.rank_was", "n", strconv.Itoa(line.placed.Place), "was", strconv.Itoa(line.placed.Was))
			}
		}
		row := Row{Cells: []Cell{first}}
		for _, one := range measures {
			cell := Cell{Text: figureText(l, one, one.Of(line.now)), Note: changeText(l, one, one.Of(line.was), one.Of(line.now))}
			if there := a; line.place.ID != "" {
				there.place = line.place
				cell.Href = c.formulaOf(there, one)
			}
			row.Cells = append(row.Cells, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// rankLines says of each line which place it has by a measure, and had in the period before.
func rankLines(m *oversight.Measure, lines []*figureLine) {
	now, was := map[string]oversight.Counts{}, map[string]oversight.Counts{}
	for i, line := range lines {
		now[strconv.Itoa(i)], was[strconv.Itoa(i)] = line.now, line.was
	}
	before := map[string]int{}
	for _, p := range oversight.Rank(m, was, nil) {
		before[p.Key] = p.Place
	}
	for _, p := range oversight.Rank(m, now, before) {
		i, _ := strconv.Atoi(p.Key)
		lines[i].placed = p
	}
}

// figureText says a value, "–" for none.
func figureText(l web.Locale, m *oversight.Measure, v oversight.Value) string {
	if !v.OK {
		return "–"
	}
	return valueText(l, string(m.Unit), m.Float(v))
}

// changeText says how much a value went up or down; nothing where there was none, or it stayed.
func changeText(l web.Locale, m *oversight.Measure, was, now oversight.Value) string {
	if !was.OK || !now.OK {
		return ""
	}
	d := m.Float(now) - m.Float(was)
	if m.Unit == oversight.Share {
		if math.Abs(d) < 0.0005 {
			return ""
		}
		return l.T("figure.points", "n", upOrDown(d, decimal(math.Abs(d)*100)))
	}
	if d == 0 || m.Unit == oversight.Times && math.Abs(d) < 0.005 {
		return ""
	}
	return upOrDown(d, valueText(l, string(m.Unit), math.Abs(d)))
}

func upOrDown(d float64, text string) string {
	if d < 0 {
		return "−" + text
	}
	return "+" + text
}

// counted says how far the figures of a period that is not over are.
func counted(l web.Locale, r oversight.Row) string {
	if r.CountedAt.IsZero() {
		return l.T("figure.not_counted")
	}
	return l.T("figure.counted", "at", l.When(r.CountedAt)+":"+r.CountedAt.In(calendar.Zone).Format("05"))
}

// figuresFile is the places right below with every measure, to be taken away.
func (c *Console) figuresFile(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	a, err := c.figureAsk(r, ad)
	if err != nil {
		return err
	}
	rows, err := c.App.FiguresBelow(r.Context(), ad, a.place, a.span, a.period)
	if err != nil {
		return err
	}
	own, err := c.App.PlaceTotals(r.Context(), ad, a.place, a.span, a.period, a.period)
	if err != nil {
		return err
	}
	s := sheet{name: "suiyue-figures-" + a.period, head: []string{l.T("figure.file.noun"), l.T("figure.file.id"), l.T("figure.place"), l.T("figure.period"), l.T("figure.file.counted")}}
	var list []*oversight.Measure
	for i := range oversight.Measures {
		if m := &oversight.Measures[i]; i == 0 || oversight.Measures[i-1].ID != m.ID {
			list = append(list, m)
			s.head = append(s.head, l.T("figure.m."+m.ID)+" ("+m.ID+"@"+strconv.Itoa(m.Version)+")")
		}
	}
	for _, row := range append(own, rows...) {
		cells := []any{string(row.Place.Noun), row.Place.ID, c.figurePlace(l, row.Place), row.Period, row.CountedAt.In(calendar.Zone).Format("2006-01-02 15:04:05")}
		for _, m := range list {
			v := m.Of(row.Figures.All)
			switch {
			case !v.OK:
				cells = append(cells, "")
			case m.Bottom == nil:
				cells = append(cells, int(v.Top))
			default:
				cells = append(cells, strconv.FormatFloat(m.Float(v), 'f', 4, 64))
			}
		}
		s.add(cells...)
	}
	return c.send(w, r, ad, "figures", "", s)
}
