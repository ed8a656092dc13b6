package api

import (
	"maps"
	"slices"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
)

type adminTerm struct {
	Counter string `json:"counter" example:"booked"`
	Less    bool   `json:"less" doc:"It is taken off."`
}

// adminFormula is one version of one formula.
type adminFormula struct {
	ID       string      `json:"id" example:"no_show_rate"`
	Version  int         `json:"version"`
	Current  bool        `json:"current" doc:"The newest version of this measure; older ones explain what was made by them."`
	Article  string      `json:"article,omitempty" doc:"Of 穗政數規字〔2021〕2號 that asks for it."`
	Unit     string      `json:"unit" enum:"share,numbers,minutes,times"`
	Better   string      `json:"better" enum:"more,less,neither"`
	Top      []adminTerm `json:"top" nullable:"false" doc:"The sum above the line; empty of a quantile."`
	Bottom   []adminTerm `json:"bottom" nullable:"false" doc:"The sum below it; empty where the top alone is the value."`
	Spell    string      `json:"spell,omitempty" doc:"The length of time of which it is a quantile."`
	Quantile float64     `json:"quantile,omitempty" doc:"Its share that does not exceed the value."`
	Least    int64       `json:"least" doc:"How many cases a value must stand on to be ranked."`
}

type adminFormulaList struct {
	Measures []adminFormula `json:"measures" nullable:"false"`
}

// adminValue is what a measure comes to.
type adminValue struct {
	Measure string   `json:"measure" example:"no_show_rate"`
	Version int      `json:"version" doc:"Of its formula."`
	Value   *float64 `json:"value,omitempty" doc:"Absent where there is nothing to say: no rate stands on nothing."`
	Top     int64    `json:"top"`
	Bottom  int64    `json:"bottom" doc:"1 of a plain number; of a quantile, how many lengths it is of."`
	Ranked  bool     `json:"ranked" doc:"It stands on enough to be compared."`
}

type adminCount struct {
	Counter string `json:"counter" example:"booked"`
	N       int64  `json:"n"`
}

type adminFigurePart struct {
	Key    string       `json:"key" doc:"Id of the queue or department, code of the item, name of the channel, or hour of the day."`
	Counts []adminCount `json:"counts" nullable:"false"`
	Values []adminValue `json:"values" nullable:"false"`
}

type adminFigures struct {
	Noun    string            `json:"noun" enum:"unit,hall"`
	Place   string            `json:"place"`
	Span    string            `json:"span" enum:"day,month"`
	Period  string            `json:"period" example:"2026-11"`
	Counted time.Time         `json:"counted_at"`
	Counts  []adminCount      `json:"counts" nullable:"false" doc:"A counter that is 0 is left out."`
	Values  []adminValue      `json:"values" nullable:"false" doc:"Of every measure."`
	Parts   []adminFigurePart `json:"parts,omitempty" nullable:"false" doc:"Only with by: broken down. Counts that have no such part are in none of them."`
}

type adminFigureList struct {
	Rows []adminFigures `json:"rows" nullable:"false" doc:"Oldest first; with below, of each place. Where nothing was counted there is no row."`
}

// mostPeriods is how many periods are given at once.
const mostPeriods = 400

func (a *API) declareAdminFigures() {
	period := func(name, about string) param { return inQuery(name, about, "2026-11", text(10)) }
	adminRead(a, operation{
		id: "admin-measures", path: "/measures", act: account.Supervise,
		about: "Every measure with its formula, all versions: the newest of each first. Figures can be recomputed from counts by them.",
	}, func(*call) (adminFormulaList, error) { return formulaList(), nil })
	adminRead(a, operation{
		id: "admin-figures", path: "/figures", act: account.Supervise,
		about: "What was counted at a hall, or at a unit with every hall at and below it, by day or month. A place outside the account's powers is not found. Days of today are as far as they were counted.",
		params: []param{
			inQuery("noun", "What place is.", "unit", choice("unit", "hall")), inQuery("place", "Id of the unit or hall. Default: the widest the account may see.", "440103000000", text(64)),
			inQuery("span", "By day or by month.", "month", choice("day", "month")), period("from", "First period, of the span. Default: the current one."),
			period("to", "Last period, at most 400 after the first. Default: the current one."),
			inQuery("by", "Also broken down. Queues only of halls, departments only of units.", nil, choice("queue", "item", "department", "channel", "hour")),
			inQuery("below", "Of the units and halls right below the unit instead, of the period from, without parts.", nil, yesNo),
		},
		faults: []fault.Code{fault.HallNotFound, fault.UnitNotFound},
	}, a.adminFigures)
}

func formulaList() adminFormulaList {
	out := adminFormulaList{Measures: []adminFormula{}}
	terms := func(list []oversight.Term) []adminTerm {
		all := make([]adminTerm, len(list))
		for i, t := range list {
			all[i] = adminTerm{string(t.Counter), t.Less}
		}
		return all
	}
	for i := range oversight.Measures {
		m := &oversight.Measures[i]
		newest, err := oversight.Newest(m.ID)
		out.Measures = append(out.Measures, adminFormula{
			ID: m.ID, Version: m.Version, Current: err == nil && newest == m, Article: m.Article, Unit: string(m.Unit),
			Better: map[oversight.Better]string{oversight.More: "more", oversight.Less: "less"}[m.Better], Top: terms(m.Top), Bottom: terms(m.Bottom),
			Spell: string(m.Spell), Quantile: m.Quantile, Least: m.Least,
		})
		if last := &out.Measures[i]; last.Better == "" {
			last.Better = "neither"
		}
	}
	return out
}

func (a *API) adminFigures(c *call) (adminFigureList, error) {
	out := adminFigureList{Rows: []adminFigures{}}
	p := oversight.Place{Noun: oversight.Noun(c.query["noun"]), ID: c.query["place"]}
	if p.ID == "" {
		top, ok := a.app.TopPlace(c.ad)
		if !ok {
			return out, fault.New(fault.NotAllowed)
		}
		p = top
	} else if p.Noun == "" {
		p.Noun = oversight.OfUnit
	}
	span := oversight.Span(c.query["span"])
	if span == "" {
		span = oversight.SpanMonth
	}
	now := span.Period(calendar.DateOf(a.app.Now()))
	from, to := c.query["from"], c.query["to"]
	if from == "" {
		from = now
	}
	if to == "" {
		to = max(now, from)
	}
	if err := periods(span, from, to); err != nil {
		return out, err
	}
	var rows []oversight.Row
	var err error
	if c.query["below"] == "true" {
		rows, err = a.app.FiguresBelow(c.r.Context(), c.ad, p, span, from)
	} else if by := oversight.Dimension(c.query["by"]); by != "" {
		rows, err = a.app.Figures(c.r.Context(), c.ad, p, span, from, to)
	} else {
		rows, err = a.app.PlaceTotals(c.r.Context(), c.ad, p, span, from, to)
	}
	for _, r := range rows {
		out.Rows = append(out.Rows, figuresOf(r, oversight.Dimension(c.query["by"])))
	}
	return out, err
}

// periods refuses what is no period, and more of them than are given at once.
func periods(span oversight.Span, from, to string) error {
	first, _, err := span.Dates(from)
	if err != nil {
		return fault.InvalidFields(fault.Field{Path: "from", Code: fault.BadDate})
	}
	last, _, err := span.Dates(to)
	if err != nil {
		return fault.InvalidFields(fault.Field{Path: "to", Code: fault.BadDate})
	}
	n := int(last - first)
	if span == oversight.SpanMonth {
		n /= 28
	}
	if n < 0 || n > mostPeriods {
		return fault.InvalidFields(fault.Field{Path: "to", Code: fault.OutOfRange})
	}
	return nil
}

func figuresOf(r oversight.Row, by oversight.Dimension) adminFigures {
	out := adminFigures{
		Noun: string(r.Place.Noun), Place: r.Place.ID, Span: string(r.Span), Period: r.Period, Counted: r.CountedAt.In(calendar.Zone),
		Counts: countsOf(r.Figures.All), Values: valuesOf(r.Figures.All),
	}
	for _, key := range slices.Sorted(maps.Keys(r.Figures.By[by])) {
		c := r.Figures.By[by][key]
		out.Parts = append(out.Parts, adminFigurePart{key, countsOf(c), valuesOf(c)})
	}
	return out
}

func countsOf(c oversight.Counts) []adminCount {
	out := []adminCount{}
	for _, k := range oversight.Counters {
		if n := c.N[k]; n != 0 {
			out = append(out, adminCount{string(k), n})
		}
	}
	return out
}

func valuesOf(c oversight.Counts) []adminValue {
	out := []adminValue{}
	for i := range oversight.Measures {
		m := &oversight.Measures[i]
		if newest, err := oversight.Newest(m.ID); err != nil || newest != m {
			continue
		}
		v := m.Of(c)
		one := adminValue{Measure: m.ID, Version: m.Version, Top: v.Top, Bottom: v.Bottom, Ranked: v.Ranked}
		if v.OK {
			f := m.Float(v)
			one.Value = &f
		}
		out = append(out, one)
	}
	return out
}
