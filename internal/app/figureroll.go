package app

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// roll makes the sums above days of halls: of months, of units, and of months of units. What it has made stands before
// what is kept.
type roll struct {
	tx    *store.Tx
	now   time.Time
	tree  figureTree
	fresh map[rowKey]oversight.Row
}

type rowKey struct {
	place  oversight.Place
	span   oversight.Span
	period string
}

func keyOf(r oversight.Row) rowKey { return rowKey{r.Place, r.Span, r.Period} }

// figureTree is the city as figures are added up: closed halls and units too, for days on which they were open.
type figureTree struct {
	unitOf     map[string]string   // hall → unit
	halls      map[string][]string // unit → its own halls
	parent     map[string]string
	below      map[string][]string // unit → units right below
	count      map[string]int      // unit → halls at it and below
	department func(item string) string
}

// tree is the city as figures are added up.
func (c *City) tree() figureTree { return c.figures() }

func newFigureTree(c *City) figureTree {
	t := figureTree{count: map[string]int{}, unitOf: map[string]string{}, halls: map[string][]string{}, parent: map[string]string{}, below: map[string][]string{}}
	for id, u := range c.units {
		t.parent[id] = u.ParentID
		if u.ParentID != "" {
			t.below[u.ParentID] = append(t.below[u.ParentID], id)
		}
	}
	for id, h := range c.halls {
		t.unitOf[id] = h.UnitID
		t.halls[h.UnitID] = append(t.halls[h.UnitID], id)
	}
	for hall := range t.unitOf {
		for _, u := range t.up([]string{hall}) {
			t.count[u]++
		}
	}
	t.department = func(item string) string {
		if it := c.Item(item); it != nil {
			return it.Department
		}
		return ""
	}
	return t
}

// depth is how many units are above one.
func (t figureTree) depth(unit string) (n int) {
	for ; t.parent[unit] != "" && n < 16; n++ {
		unit = t.parent[unit]
	}
	return n
}

// up returns the units of halls and all above, the lowest first.
func (t figureTree) up(halls []string) []string {
	set := map[string]bool{}
	for _, h := range halls {
		for u := t.unitOf[h]; u != "" && !set[u]; u = t.parent[u] {
			set[u] = true
		}
	}
	return t.lowestFirst(slices.Collect(maps.Keys(set)))
}

func (t figureTree) lowestFirst(units []string) []string {
	slices.SortFunc(units, func(a, b string) int { return cmp.Or(t.depth(b)-t.depth(a), strings.Compare(a, b)) })
	return units
}

func (a *App) newRoll(tx *store.Tx) *roll {
	return &roll{tx: tx, now: tx.Now, tree: a.City().tree(), fresh: map[rowKey]oversight.Row{}}
}

// above returns the sums that changed days of halls make different.
func (r *roll) above(ctx context.Context, changed []oversight.Row) ([]oversight.Row, error) {
	byDate, byMonth := map[string][]string{}, map[string][]string{}
	for _, row := range changed {
		r.fresh[keyOf(row)] = row
		byDate[row.Period] = append(byDate[row.Period], row.Place.ID)
		month := row.Period[:len("2006-01")]
		byMonth[month] = append(byMonth[month], row.Place.ID)
	}
	var out []oversight.Row
	add := func(rows []oversight.Row, err error) error {
		for _, row := range rows {
			r.fresh[keyOf(row)] = row
		}
		out = append(out, rows...)
		return err
	}
	for _, date := range slices.Sorted(maps.Keys(byDate)) {
		for _, level := range r.levels(r.tree.up(byDate[date])) {
			if err := add(r.units(ctx, level, date)); err != nil {
				return nil, err
			}
		}
	}
	for _, month := range slices.Sorted(maps.Keys(byMonth)) {
		halls := slices.Compact(slices.Sorted(slices.Values(byMonth[month])))
		if err := add(r.months(ctx, oversight.OfHall, halls, month)); err != nil {
			return nil, err
		}
		if err := add(r.months(ctx, oversight.OfUnit, r.tree.up(halls), month)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// levels splits units, the lowest first, into those of one depth each.
func (r *roll) levels(units []string) (out [][]string) {
	for i, u := range units {
		if i == 0 || r.tree.depth(u) != r.tree.depth(units[i-1]) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], u)
	}
	return out
}

// read returns rows of days, those made here before those kept.
func (r *roll) read(ctx context.Context, noun oversight.Noun, ids []string, from, to string) (map[rowKey]oversight.Figures, error) {
	var ask []string
	out := map[rowKey]oversight.Figures{}
	for _, id := range ids {
		k := rowKey{oversight.Place{Noun: noun, ID: id}, oversight.SpanDay, from}
		row, ok := r.fresh[k]
		if out[k] = row.Figures; !ok || from != to {
			delete(out, k)
			ask = append(ask, id)
		}
	}
	if len(ask) == 0 {
		return out, nil
	}
	rows, err := r.tx.Figures(ctx, noun, ask, oversight.SpanDay, from, to)
	for _, row := range rows {
		out[keyOf(row)] = row.Figures
	}
	if from != to {
		asked := map[string]bool{}
		for _, id := range ask {
			asked[id] = true
		}
		for k, row := range r.fresh {
			if k.place.Noun == noun && asked[k.place.ID] && k.span == oversight.SpanDay && k.period >= from && k.period <= to {
				out[k] = row.Figures
			}
		}
	}
	return out, err
}

// units adds up a day of units of one depth: their own halls and the units right below.
func (r *roll) units(ctx context.Context, units []string, date string) ([]oversight.Row, error) {
	var halls, below []string
	for _, u := range units {
		halls, below = append(halls, r.tree.halls[u]...), append(below, r.tree.below[u]...)
	}
	atHalls, err := r.read(ctx, oversight.OfHall, halls, date, date)
	if err != nil {
		return nil, err
	}
	atUnits, err := r.read(ctx, oversight.OfUnit, below, date, date)
	if err != nil {
		return nil, err
	}
	out := make([]oversight.Row, 0, len(units))
	for _, u := range units {
		row := oversight.Row{Place: oversight.Place{Noun: oversight.OfUnit, ID: u}, Span: oversight.SpanDay, Period: date, CountedAt: r.now}
		for _, h := range r.tree.halls[u] {
			if f, ok := atHalls[rowKey{oversight.Place{Noun: oversight.OfHall, ID: h}, oversight.SpanDay, date}]; ok {
				row.Figures.Add(f.OfItems(r.tree.department))
			}
		}
		for _, b := range r.tree.below[u] {
			if f, ok := atUnits[rowKey{oversight.Place{Noun: oversight.OfUnit, ID: b}, oversight.SpanDay, date}]; ok {
				row.Figures.Add(f)
			}
		}
		out = append(out, row)
	}
	return out, nil
}

// months adds up the days of places.
func (r *roll) months(ctx context.Context, noun oversight.Noun, ids []string, month string) ([]oversight.Row, error) {
	first, last, err := oversight.SpanMonth.Dates(month)
	if err != nil {
		return nil, err
	}
	days, err := r.read(ctx, noun, ids, periodOf(first), periodOf(last))
	if err != nil {
		return nil, err
	}
	sums := map[string]*oversight.Figures{}
	for _, id := range ids {
		sums[id] = &oversight.Figures{}
	}
	for k, f := range days {
		sums[k.place.ID].Add(f)
	}
	out := make([]oversight.Row, 0, len(ids))
	for _, id := range ids {
		out = append(out, oversight.Row{Place: oversight.Place{Noun: noun, ID: id}, Span: oversight.SpanMonth, Period: month, Figures: *sums[id], CountedAt: r.now})
	}
	return out, nil
}

// FigureCheck is what counting everything anew came to.
type FigureCheck struct {
	Days, Sums int // rows counted anew
	Given      int // days of halls that stand though nothing is kept of their numbers: put there from elsewhere
	Wrong      []FigureDifference
	Differ     int // rows that differ, those beyond the first mostDifferences too
	Mended     int
	Made       []store.MadeSpan // days among them that were made, not lived
}

// FigureDifference is a row that is not what counting anew comes to.
type FigureDifference struct {
	Place  oversight.Place
	Span   oversight.Span
	Period string
	Where  []string // "all", or a dimension, "/" and its part; at most 8
}

const mostDifferences = 100

// recountHalls is how many halls' months are counted anew together.
const recountHalls = 16

// CheckFigures is RecountFigures for an operator, without an App; from 0 is the first date with figures or numbers.
func CheckFigures(ctx context.Context, db *store.DB, now time.Time, from, to calendar.Date, mend bool, progress func(done, all int)) (c FigureCheck, err error) {
	a := &App{db: db, now: func() time.Time { return now }, board: newBoard("figures"), pace: func() int { return 1 }}
	if err := a.Reload(ctx); err != nil {
		return c, err
	}
	if from == 0 {
		if err := db.View(ctx, func(tx *store.Tx) (err error) {
			if from, err = tx.FirstSlotDay(ctx, to); err != nil {
				return err
			}
			if root := a.City().Root(); root != nil {
				from, err = tx.FirstFigureDay(ctx, root.ID, from)
			}
			return err
		}); err != nil {
			return c, err
		}
	}
	if c, err = a.RecountFigures(ctx, from, to, mend, progress); err != nil {
		return c, err
	}
	return c, db.View(ctx, func(tx *store.Tx) error {
		made, err := tx.MadeSpans(ctx)
		c.Made = slices.DeleteFunc(made, func(m store.MadeSpan) bool { return m.Last < from || m.First > to })
		return err
	})
}

// RecountFigures counts every month that has a date from one to another anew from what is kept, up to today, and
// compares it with the rows that stand: days and months of halls, and the sums of units. With mend it replaces those
// that differ. Nothing is counted that waits to be counted anyway. progress, if not nil, is told of months done of all.
func (a *App) RecountFigures(ctx context.Context, from, to calendar.Date, mend bool, progress func(done, all int)) (c FigureCheck, err error) {
	to = min(to, calendar.DateOf(a.now()))
	var months []string
	for d := from; d <= to; {
		months = append(months, oversight.SpanMonth.Period(d))
		_, last, err := oversight.SpanMonth.Dates(oversight.SpanMonth.Period(d))
		if err != nil {
			return c, err
		}
		d = last + 1
	}
	if progress != nil {
		defer func() { progress(len(months), len(months)) }()
	}
	for i, month := range months {
		if progress != nil {
			progress(i, len(months))
		}
		if err := a.recountMonth(ctx, month, mend, &c); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (a *App) recountMonth(ctx context.Context, month string, mend bool, c *FigureCheck) error {
	first, last, err := oversight.SpanMonth.Dates(month)
	if err != nil {
		return err
	}
	last = min(last, calendar.DateOf(a.now()))
	tree := a.City().tree()
	halls := slices.Sorted(maps.Keys(tree.unitOf))
	for part := range slices.Chunk(halls, recountHalls) {
		var days []oversight.HallDay
		for _, h := range part {
			for d := first; d <= last; d++ {
				days = append(days, oversight.HallDay{HallID: h, Date: d})
			}
		}
		if err := a.recheck(ctx, mend, c, func(tx *store.Tx, r *roll) ([]oversight.Row, error) {
			rows, _, _, err := a.countDays(ctx, tx, days)
			if err != nil {
				return nil, err
			}
			kept, err := tx.Totals(ctx, oversight.OfHall, part, oversight.SpanDay, periodOf(first), periodOf(last))
			if err != nil {
				return nil, err
			}
			waits, err := tx.Marked(ctx, days)
			if err != nil {
				return nil, err
			}
			rows = slices.DeleteFunc(rows, func(r oversight.Row) bool { // those stand in the sums as they are
				d, err := calendar.ParseDate(r.Period)
				return err == nil && waits[oversight.HallDay{HallID: r.Place.ID, Date: d}]
			})
			n := 0
			rows, n = given(kept, rows)
			c.Days, c.Given = c.Days+len(rows), c.Given+n
			for _, row := range rows {
				r.fresh[keyOf(row)] = row
			}
			sums, err := r.months(ctx, oversight.OfHall, part, month)
			return append(rows, sums...), err
		}); err != nil {
			return err
		}
	}
	units := tree.lowestFirst(slices.Collect(maps.Keys(tree.parent)))
	for d := first; d <= last; d++ {
		for _, level := range (&roll{tree: tree}).levels(units) {
			if err := a.recheck(ctx, mend, c, func(_ *store.Tx, r *roll) ([]oversight.Row, error) { return r.units(ctx, level, periodOf(d)) }); err != nil {
				return err
			}
		}
	}
	for part := range slices.Chunk(units, recountHalls) {
		if err := a.recheck(ctx, mend, c, func(_ *store.Tx, r *roll) ([]oversight.Row, error) {
			return r.months(ctx, oversight.OfUnit, part, month)
		}); err != nil {
			return err
		}
	}
	return nil
}

// given takes out of what was counted the days that were put there from elsewhere, which cannot be counted anew, and says
// how many stand: days with figures of which nothing is kept, or none of the numbers they speak of.
func given(kept, counted []oversight.Row) (rest []oversight.Row, n int) {
	planned := map[rowKey]int64{}
	for _, r := range counted {
		planned[keyOf(r)] = r.Figures.All.N[oversight.Planned]
	}
	elsewhere := map[rowKey]bool{}
	for _, r := range kept {
		p, known := planned[keyOf(r)]
		if !known && !r.Figures.All.Empty() || known && p == 0 && r.Figures.All.N[oversight.Planned] > 0 {
			elsewhere[keyOf(r)] = true
		}
	}
	return slices.DeleteFunc(counted, func(r oversight.Row) bool { return elsewhere[keyOf(r)] }), len(elsewhere)
}

// recheck makes rows anew and compares them with those that stand. A row that is missing is one of nothing.
func (a *App) recheck(ctx context.Context, mend bool, c *FigureCheck, make func(*store.Tx, *roll) ([]oversight.Row, error)) error {
	var wrong []oversight.Row
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		wrong = nil
		rows, err := make(tx, a.newRoll(tx))
		if err != nil {
			return err
		}
		kept, err := standing(ctx, tx, rows)
		if err != nil {
			return err
		}
		var differ []oversight.HallDay
		where := map[rowKey][]string{}
		for _, r := range rows {
			if r.Place.Noun == oversight.OfUnit || r.Span == oversight.SpanMonth {
				c.Sums++
			}
			diff := kept[keyOf(r)].Differences(r.Figures, 8)
			if len(diff) == 0 {
				continue
			}
			where[keyOf(r)] = diff
			if d, err := calendar.ParseDate(r.Period); err == nil && r.Place.Noun == oversight.OfHall && r.Span == oversight.SpanDay {
				differ = append(differ, oversight.HallDay{HallID: r.Place.ID, Date: d})
			}
		}
		waits, err := tx.Marked(ctx, differ)
		if err != nil {
			return err
		}
		for _, d := range differ {
			if waits[d] {
				delete(where, rowKey{oversight.Place{Noun: oversight.OfHall, ID: d.HallID}, oversight.SpanDay, periodOf(d.Date)})
			}
		}
		for _, r := range rows {
			diff, ok := where[keyOf(r)]
			if !ok {
				continue
			}
			wrong = append(wrong, r)
			if c.Differ++; len(c.Wrong) < mostDifferences {
				c.Wrong = append(c.Wrong, FigureDifference{r.Place, r.Span, r.Period, diff})
			}
		}
		return nil
	}); err != nil || !mend || len(wrong) == 0 {
		return err
	}
	c.Mended += len(wrong)
	return a.db.Update(ctx, func(tx *store.Tx) error { return tx.PutFigures(ctx, wrong) })
}

// standing returns what is kept of the places and periods of rows.
func standing(ctx context.Context, tx *store.Tx, rows []oversight.Row) (map[rowKey]oversight.Figures, error) {
	type group struct {
		noun oversight.Noun
		span oversight.Span
	}
	ids := map[group][]string{}
	from, to := map[group]string{}, map[group]string{}
	for _, r := range rows {
		g := group{r.Place.Noun, r.Span}
		if from[g] == "" || r.Period < from[g] {
			from[g] = r.Period
		}
		to[g] = max(to[g], r.Period)
		ids[g] = append(ids[g], r.Place.ID)
	}
	out := map[rowKey]oversight.Figures{}
	for g, list := range ids {
		kept, err := tx.Figures(ctx, g.noun, slices.Compact(slices.Sorted(slices.Values(list))), g.span, from[g], to[g])
		if err != nil {
			return nil, err
		}
		for _, r := range kept {
			out[keyOf(r)] = r.Figures
		}
	}
	return out, nil
}
