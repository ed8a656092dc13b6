package app

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// Figures of booking (Art. 4, 21; docs/adr/0030-figures-of-a-hall-day.md): which days of halls changed, counting those
// again, and the sums above them.

const (
	// figureLease names the one node that counts, figuresHeld is how long it may be silent before another goes on.
	figureLease = "count figures"
	figuresHeld = 2 * time.Minute
	// figuresAtOnce is how many days of halls are counted and written together.
	figuresAtOnce = 256
	// figureLate is how much later than it began a transaction on a floor may end and still be seen.
	figureLate = 2 * time.Minute
)

// touched are days whose figures changed by a road that cannot mark them in its own transaction. What is lost of it
// when a node stops is found when the day is over: every day is counted once more then.
type touched struct {
	mu   sync.Mutex
	days map[oversight.HallDay]bool
}

func (t *touched) add(hall string, d calendar.Date) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.days == nil {
		t.days = map[oversight.HallDay]bool{}
	}
	t.days[oversight.HallDay{HallID: hall, Date: d}] = true
}

func (t *touched) take() []oversight.HallDay {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := slices.Collect(maps.Keys(t.days))
	t.days = nil
	return list
}

// CountFigures counts the days of halls that changed since they were counted, at most limit of them (0: all that are
// marked when it begins), and the sums of the units above and the months around them. It may run at any time, on several
// nodes at once, and be broken off anywhere. Days to come are counted when they come.
func (a *App) CountFigures(ctx context.Context, limit int) (counted int, err error) {
	mine, all, err := a.beginFigures(ctx)
	if err != nil || !mine {
		return 0, err
	}
	defer a.giveFiguresBack(ctx)
	if limit <= 0 || limit > all {
		limit = all
	}
	for counted < limit {
		n, err := a.countMarked(ctx, min(figuresAtOnce, limit-counted))
		if counted += n; err != nil || n == 0 {
			return counted, err
		}
	}
	return counted, nil
}

// beginFigures marks what changed and takes the lease; mine is false while another node counts, all is how many days up to
// today are to be counted.
func (a *App) beginFigures(ctx context.Context) (mine bool, all int, err error) {
	if err := a.markTouched(ctx); err != nil {
		return false, 0, err
	}
	return mine, all, a.db.Update(ctx, func(tx *store.Tx) (err error) {
		if mine, err = tx.TakeLease(ctx, figureLease, a.node, tx.Now, figuresHeld); err != nil || !mine {
			return err
		}
		if err := a.markChanged(ctx, tx); err != nil {
			return err
		}
		all, _, err = tx.FigureLag(ctx, calendar.DateOf(tx.Now))
		return err
	})
}

// giveFiguresBack lets another node count at once.
func (a *App) giveFiguresBack(ctx context.Context) {
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := a.db.Update(back, func(tx *store.Tx) error { return tx.ReleaseLease(back, figureLease, a.node) }); err != nil {
		a.log.Info("lease not given back; it will run out", "lease", figureLease)
	}
}

// markTouched marks what this node knows of.
func (a *App) markTouched(ctx context.Context) error {
	list := a.touched.take()
	if len(list) == 0 {
		return nil
	}
	err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.MarkFigures(ctx, list) })
	if err != nil {
		for _, d := range list {
			a.touched.add(d.HallID, d.Date)
		}
	}
	return err
}

// markChanged marks the days that changed since it ran last: those that began and those that are over, those in the news
// of lanes, and those whose floors went on.
func (a *App) markChanged(ctx context.Context, tx *store.Tx) error {
	today := calendar.DateOf(tx.Now)
	read, err := tx.Cursors(ctx, "")
	if err != nil {
		return err
	}
	if day := calendar.Date(read["day"]); day < today { // the first time everything is counted
		if err := tx.MarkSlotDays(ctx, day, today); err != nil {
			return err
		}
	}
	now, last := micros(tx.Now), read["news"]
	seen, err := tx.Cursors(ctx, "lane ")
	if err != nil {
		return err
	}
	before := maps.Clone(seen)
	news, err := tx.NewsAfter(ctx, seen, nil)
	if err != nil {
		return err
	}
	gap := last > 0 && now-last > newsKept.Microseconds()/2
	days := map[oversight.HallDay]bool{}
	for _, n := range news {
		gap = gap || before[n.Lane] > 0 && n.Seq > before[n.Lane]+1
		before[n.Lane] = n.Seq
		for _, ref := range n.Slots {
			if _, date, _, ok := booking.ParseSlotID(ref[1]); ok && date <= today {
				days[oversight.HallDay{HallID: ref[0], Date: date}] = true
			}
		}
	}
	if gap { // some were forgotten
		if err := tx.MarkSlotDays(ctx, calendar.DateOf(instantOf(last)), today); err != nil {
			return err
		}
	}
	if err := tx.MarkFigures(ctx, slices.Collect(maps.Keys(days))); err != nil {
		return err
	}
	if err := tx.MarkFloors(ctx, instantOf(min(read["floor"], now)).Add(-figureLate)); err != nil {
		return err
	}
	if err := tx.SetCursors(ctx, "lane ", seen); err != nil {
		return err
	}
	if err := tx.ForgetCursors(ctx, "lane "); err != nil {
		return err
	}
	return tx.SetCursors(ctx, "", map[string]int64{"day": max(read["day"], int64(today)), "news": now, "floor": now})
}

func micros(t time.Time) int64        { return t.UnixMicro() }
func instantOf(us int64) time.Time    { return time.UnixMicro(us) }
func periodOf(d calendar.Date) string { return oversight.SpanDay.Period(d) }

// countMarked counts up to limit marked days and writes them with their sums in one transaction, 0 when there are none or
// another node counts. Everything is read before, at one instant: a mark made since has another stamp and stays.
func (a *App) countMarked(ctx context.Context, limit int) (counted int, err error) {
	var marks []store.FigureMark
	var rows, sums []oversight.Row
	var floors map[oversight.HallDay]int64
	var also []oversight.HallDay
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if marks, err = tx.FigureMarks(ctx, calendar.DateOf(tx.Now), limit); err != nil || len(marks) == 0 {
			return err
		}
		list := make([]oversight.HallDay, len(marks))
		for i, m := range marks {
			list[i] = m.HallDay
		}
		var changed []oversight.Row
		if rows, changed, also, err = a.countDays(ctx, tx, list); err != nil {
			return err
		}
		if floors, err = tx.Revisions(ctx, list); err != nil {
			return err
		}
		sums, err = a.newRoll(tx).above(ctx, changed)
		return err
	}); err != nil || len(marks) == 0 {
		return 0, err
	}
	mine := false
	err = a.db.Update(ctx, func(tx *store.Tx) (err error) {
		if mine, err = tx.KeepLease(ctx, figureLease, a.node, tx.Now.Add(figuresHeld)); err != nil || !mine {
			return err
		}
		if err := tx.PutHallDays(ctx, rows, floors); err != nil {
			return err
		}
		if err := tx.PutFigures(ctx, sums); err != nil {
			return err
		}
		cleared, err := tx.ClearMarks(ctx, marks)
		if err != nil {
			return err
		}
		return tx.MarkFigures(ctx, slices.DeleteFunc(also, func(d oversight.HallDay) bool { return cleared[d] }))
	})
	if err != nil || !mine {
		return 0, err
	}
	return len(marks), nil
}

// countDays counts days of halls. rows are those anything is kept of, changed those of them that are not what stands.
func (a *App) countDays(ctx context.Context, tx *store.Tx, list []oversight.HallDay) (rows, changed []oversight.Row, also []oversight.HallDay, err error) {
	if rows, also, err = a.countRows(ctx, tx, list); err != nil {
		return nil, nil, nil, err
	}
	kept, err := keptDays(ctx, tx, list)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, r := range rows {
		d, err := calendar.ParseDate(r.Period)
		if err != nil {
			return nil, nil, nil, err
		}
		if was, ok := kept[oversight.HallDay{HallID: r.Place.ID, Date: d}]; !ok || len(was.Figures.Differences(r.Figures, 1)) > 0 {
			changed = append(changed, r)
		}
	}
	return rows, changed, also, nil
}

// countRows counts days of halls: a row of each that anything is kept of, and the days to be counted again for it.
func (a *App) countRows(ctx context.Context, tx *store.Tx, list []oversight.HallDay) (rows []oversight.Row, also []oversight.HallDay, err error) {
	days, also, err := a.figureSource().Days(ctx, tx, list)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range days {
		if d.Empty() { // never lived here: what stands was put there from elsewhere
			continue
		}
		rows = append(rows, oversight.Row{
			Place: oversight.Place{Noun: oversight.OfHall, ID: d.HallID}, Span: oversight.SpanDay, Period: periodOf(d.Date), Figures: d.Count(), CountedAt: tx.Now,
		})
	}
	return rows, also, nil
}

// keptDays returns the rows of days of halls as they stand.
func keptDays(ctx context.Context, tx *store.Tx, list []oversight.HallDay) (map[oversight.HallDay]oversight.Row, error) {
	byDate := map[calendar.Date][]string{}
	for _, d := range list {
		byDate[d.Date] = append(byDate[d.Date], d.HallID)
	}
	out := make(map[oversight.HallDay]oversight.Row, len(list))
	for date, halls := range byDate {
		rows, err := tx.Figures(ctx, oversight.OfHall, halls, oversight.SpanDay, periodOf(date), periodOf(date))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[oversight.HallDay{HallID: r.Place.ID, Date: date}] = r
		}
	}
	return out, nil
}

// figureSource says what the rows of a hall's day do not say themselves.
func (a *App) figureSource() store.FigureSource {
	city, cal := a.City(), a.Calendar()
	return store.FigureSource{
		Queues: func(hall string) (ids []string) {
			for _, q := range city.QueuesAt(hall) {
				ids = append(ids, q.ID)
			}
			return ids
		},
		HallOf: func(queue string) string {
			if q := city.Queue(queue); q != nil {
				return q.HallID
			}
			return ""
		},
		Due: func(filed time.Time) time.Time {
			return supply.DecideBy(cal, a.Rules(calendar.DateOf(filed)), filed)
		},
	}
}

// markRequests marks the days requests are counted on.
func (a *App) markRequests(ctx context.Context, tx *store.Tx, list ...supply.Request) error {
	src := a.figureSource()
	var days []oversight.HallDay
	for _, r := range list {
		days = append(days, oversight.HallDay{HallID: r.HallID, Date: calendar.DateOf(r.FiledAt)},
			oversight.HallDay{HallID: r.HallID, Date: calendar.DateOf(src.Due(r.FiledAt).Add(-time.Second))})
	}
	return tx.MarkFigures(ctx, days)
}

// markLines marks the days since an instant of halls in whose lines something changed.
func markLines(ctx context.Context, tx *store.Tx, lines []booking.WaitLine, since time.Time) error {
	var days []oversight.HallDay
	for _, l := range lines {
		for d := calendar.DateOf(since); d <= calendar.DateOf(tx.Now); d++ {
			days = append(days, oversight.HallDay{HallID: l.HallID, Date: d})
		}
	}
	return tx.MarkFigures(ctx, days)
}

// touchLines remembers that an entry left its lines today.
func (a *App) touchLines(ctx context.Context, entry string) error {
	return a.db.View(ctx, func(tx *store.Tx) error {
		e, err := tx.Wait(ctx, entry)
		if err != nil || e == nil {
			return err
		}
		for _, l := range e.Lines {
			a.touched.add(l.HallID, calendar.DateOf(tx.Now))
		}
		return nil
	})
}
