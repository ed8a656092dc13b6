package console

import (
	"net/http"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

type formulaGroup struct {
	Title string
	Table Table
}

// measures lists what is measured, in the groups in which it is shown.
func (c *Console) measures(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("figure.measures"))
	f.Path, f.Lead = append(c.home0(l), ui.Link{Text: l.T("console.nav.figures"), Href: figuresPath}), l.T("figure.measures_lead")
	var groups []formulaGroup
	for _, g := range figureGroups {
		one := formulaGroup{Title: l.T("figure.group." + g.name)}
		one.Table = Table{Caption: one.Title, Cols: []Col{{Text: l.T("figure.measure")}, {Text: l.T("figure.formula")}, {Text: l.T("figure.article")}, {Text: l.T("figure.version"), Number: true}}}
		for _, id := range g.measures {
			m, err := oversight.Newest(id)
			if err != nil {
				return err
			}
			one.Table.Rows = append(one.Table.Rows, Row{Cells: []Cell{
				{Text: l.T("figure.m." + id), Href: measuresPath + "/" + id}, {Text: formulaText(l, m)}, {Text: articleText(l, m)}, {Text: strconv.Itoa(m.Version)},
			}})
		}
		groups = append(groups, one)
	}
	return web.Render(w, r, http.StatusOK, measuresPage(f, groups))
}

// formulaView explains a measure, and with a place in the address what it comes to there and from what.
type formulaView struct {
	Known   []Fact
	Formula string
	Terms   Table // what each counter of the formula counts; with a place, how many
	Where   string
	Here    []Fact
	Days    *Table
	Not     string // what it does not say
}

// measure is the page of a measure. It is made from the formula itself, so that it cannot say another one.
func (c *Console) measure(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, id := web.LocaleOf(r), r.PathValue("measure")
	m, err := oversight.Newest(id)
	if n := r.URL.Query().Get("version"); n != "" {
		version, bad := strconv.Atoi(n)
		if m, err = oversight.Version(id, version); bad != nil {
			return fault.New(fault.NoSuchPage)
		}
	}
	if err != nil {
		return fault.New(fault.NoSuchPage)
	}
	f := c.frame(w, r, ad, l.T("figure.m."+m.ID))
	f.Path = append(c.home0(l), ui.Link{Text: l.T("console.nav.figures"), Href: figuresPath}, ui.Link{Text: l.T("figure.measures"), Href: measuresPath})
	f.Lead = l.T("figure.says." + m.ID)
	v := formulaView{Formula: formulaText(l, m), Not: l.T("figure.not." + notOf(m))}
	better := map[oversight.Better]string{oversight.More: "figure.better.more", oversight.Less: "figure.better.less", oversight.Neither: "figure.better.neither"}[m.Better]
	v.Known = []Fact{
		{Key: l.T("figure.article"), Value: articleText(l, m)},
		{Key: l.T("figure.unit"), Value: l.T("figure.unit." + string(m.Unit))},
		{Key: l.T("figure.version"), Value: m.ID + "@" + strconv.Itoa(m.Version)},
		{Key: l.T("figure.better"), Value: l.T(better)},
		{Key: l.T("figure.least"), Value: leastText(l, m)},
		{Key: l.T("figure.source"), Value: l.T("figure.source." + figureSource(m))},
	}
	var here oversight.Counts
	if q := r.URL.Query(); q.Get("unit")+q.Get("hall") != "" {
		a, err := c.figureAsk(r, ad)
		if err != nil {
			return err
		}
		rows, err := c.App.PlaceTotals(r.Context(), ad, a.place, a.span, a.period, a.period)
		if err != nil {
			return err
		}
		here = rowOf(rows, a.period).Figures.All
		value := m.Of(here)
		v.Where = l.T("figure.here", "place", c.figurePlace(l, a.place), "period", periodText(l, a.span, a.period))
		v.Here = []Fact{{Key: f.Title, Value: figureText(l, m, value), Note: workedText(l, m, value), Href: placeAddress(a, a.place)}}
		t, err := c.daysTable(r, l, ad, a, m)
		if err != nil {
			return err
		}
		v.Days = &t
	}
	v.Terms = termTable(l, m, here, v.Days != nil)
	return web.Render(w, r, http.StatusOK, measurePage(f, v))
}

// daysTable is the rows a value was made of: the days of a month, or the day itself.
func (c *Console) daysTable(r *http.Request, l web.Locale, ad *app.Admin, a figureAsk, m *oversight.Measure) (Table, error) {
	first, last, err := a.span.Dates(a.period)
	if err != nil {
		return Table{}, err
	}
	rows, err := c.App.PlaceTotals(r.Context(), ad, a.place, oversight.SpanDay, oversight.SpanDay.Period(first), oversight.SpanDay.Period(last))
	if err != nil {
		return Table{}, err
	}
	t := Table{Caption: l.T("figure.rows"), Shown: true, Cols: []Col{{Text: l.T("figure.period")}, {Text: l.T("figure.m." + m.ID), Number: true}},
		Empty: ui.EmptyView{Title: l.T("figure.none"), Text: l.T("figure.none_hint")}}
	counters := countersOf(m)
	for _, k := range counters {
		t.Cols = append(t.Cols, Col{Text: l.T("figure.counter." + string(k)), Number: true})
	}
	if m.Spell != "" {
		t.Cols = append(t.Cols, Col{Text: l.T("figure.spells"), Number: true})
	}
	for _, row := range rows {
		value := m.Of(row.Figures.All)
		cells := []Cell{
			{Text: periodText(l, oversight.SpanDay, row.Period), Href: address(figuresPath, string(a.place.Noun), a.place.ID, "span", string(oversight.SpanDay), "period", row.Period)},
			{Text: figureText(l, m, value)},
		}
		for _, k := range counters {
			cells = append(cells, Cell{Text: count(int(row.Figures.All.N[k]))})
		}
		if m.Spell != "" {
			cells = append(cells, Cell{Text: count(int(value.Bottom))})
		}
		t.Rows = append(t.Rows, Row{Cells: cells})
	}
	return t, nil
}

// countersOf lists the counters of a formula, each once.
func countersOf(m *oversight.Measure) (list []oversight.Counter) {
	seen := map[oversight.Counter]bool{}
	for _, terms := range [][]oversight.Term{m.Top, m.Bottom} {
		for _, t := range terms {
			if !seen[t.Counter] {
				seen[t.Counter] = true
				list = append(list, t.Counter)
			}
		}
	}
	return list
}

// termTable says what each part of the formula counts.
func termTable(l web.Locale, m *oversight.Measure, here oversight.Counts, shown bool) Table {
	t := Table{Caption: l.T("figure.terms"), Cols: []Col{{Text: l.T("figure.term")}, {Text: l.T("figure.term_says")}}}
	if shown {
		t.Cols = append(t.Cols, Col{Text: l.T("figure.term_here"), Number: true})
	}
	add := func(name, says string, n int64) {
		row := Row{Cells: []Cell{{Text: name}, {Text: says}}}
		if shown {
			row.Cells = append(row.Cells, Cell{Text: count(int(n))})
		}
		t.Rows = append(t.Rows, row)
	}
	for _, k := range countersOf(m) {
		add(l.T("figure.counter."+string(k)), l.T("figure.counts."+string(k)), here.N[k])
	}
	if m.Spell != "" {
		add(l.T("figure.spell."+string(m.Spell)), l.T("figure.lasts."+string(m.Spell)), here.Spells[m.Spell].Number())
	}
	return t
}

// formulaText writes the formula out: "(Came) ÷ (Booked − Cancelled)".
func formulaText(l web.Locale, m *oversight.Measure) string {
	if m.Spell != "" {
		return l.T("figure.quantile", "share", decimal(m.Quantile*100), "spell", l.T("figure.spell."+string(m.Spell)))
	}
	top := sumText(l, m.Top)
	if m.Bottom == nil {
		return top
	}
	return bracket(top, len(m.Top)) + " ÷ " + bracket(sumText(l, m.Bottom), len(m.Bottom))
}

func bracket(s string, n int) string {
	if n < 2 {
		return s
	}
	return "(" + s + ")"
}

func sumText(l web.Locale, terms []oversight.Term) string {
	var b strings.Builder
	for i, t := range terms {
		switch {
		case t.Less:
			b.WriteString(" − ")
		case i > 0:
			b.WriteString(" + ")
		}
		b.WriteString(l.T("figure.counter." + string(t.Counter)))
	}
	return b.String()
}

// workedText writes the formula out with its numbers.
func workedText(l web.Locale, m *oversight.Measure, v oversight.Value) string {
	switch {
	case !v.OK:
		return l.T("figure.nothing")
	case m.Spell != "":
		return l.T("figure.of_n", "n", count(int(v.Bottom)))
	case m.Bottom == nil:
		return ""
	}
	return count(int(v.Top)) + " ÷ " + count(int(v.Bottom))
}

func articleText(l web.Locale, m *oversight.Measure) string {
	if m.Article == "" {
		return l.T("figure.article.none")
	}
	return l.T("figure.article.n", "n", m.Article)
}

func leastText(l web.Locale, m *oversight.Measure) string {
	if m.Better == oversight.Neither {
		return l.T("figure.least.never")
	}
	return l.T("figure.least.n", "n", strconv.FormatInt(m.Least, 10))
}

// notOf names what a measure does not say: by how it is made, or by itself.
func notOf(m *oversight.Measure) string {
	switch m.ID {
	case "saturation", "show_rate", "line_pressure", "content", "booking_rate":
		return m.ID
	}
	switch {
	case m.Spell != "":
		return "spell"
	case m.Bottom == nil:
		return "number"
	}
	return "share"
}

// figureSource names where the counters of a measure come from.
func figureSource(m *oversight.Measure) string {
	if m.Spell != "" {
		return "tickets"
	}
	switch m.Top[0].Counter {
	case oversight.Released, oversight.OnSite, oversight.Added, oversight.Cut:
		return "slots"
	case oversight.Served, oversight.ServedBooked, oversight.CalledOnTime, oversight.Unserved, oversight.Green, oversight.WalkIn, oversight.Passed:
		return "tickets"
	case oversight.Waiting, oversight.FromLine, oversight.LeftOnline, oversight.Joined:
		return "line"
	case oversight.RequestsEarly, oversight.DecisionsEarly:
		return "requests"
	case oversight.RecordsIn, oversight.RecordsEarly, oversight.Agreed:
		return "systems"
	case oversight.Content:
		return "evaluations"
	}
	return "bookings"
}
