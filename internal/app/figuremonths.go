package app

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// errAnotherCounts says that another node counts figures now. What was begun is rolled back.
var errAnotherCounts = errors.New("app: figures are counted elsewhere")

// monthHalls is how many halls' months are counted and written together.
const monthHalls = 16

// CountMonths counts the days of halls that are marked from one date to another, a month at a time: for a past that was
// put in at once. CountFigures adds up units and months after every few days of halls; here each is added up once. Marks
// go when their whole month is done: a run that is broken off counts that month anew. It returns how many days it counted,
// 0 while another node counts. progress, if not nil, is told of days done of all.
func (a *App) CountMonths(ctx context.Context, from, to calendar.Date, progress func(done, all int)) (counted int, err error) {
	mine, all, err := a.beginFigures(ctx)
	if err != nil || !mine {
		return 0, err
	}
	to = min(to, calendar.DateOf(a.now()))
	defer a.giveFiguresBack(ctx)
	var done atomic.Int64
	tell := func(n int) {
		if progress != nil {
			progress(min(int(done.Add(int64(n))), all), all)
		}
	}
	for d := from; d <= to; {
		_, last, err := oversight.SpanMonth.Dates(oversight.SpanMonth.Period(d))
		if err != nil {
			return counted, err
		}
		n, err := a.countMonth(ctx, d, min(last, to), tell)
		if counted += n; err != nil {
			return counted, err
		}
		d = last + 1
	}
	return counted, nil
}

// countMonth counts what is marked of one month.
func (a *App) countMonth(ctx context.Context, first, last calendar.Date, tell func(days int)) (int, error) {
	var marks []store.FigureMark
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		marks, err = tx.FigureMarksBetween(ctx, first, last)
		return err
	}); err != nil || len(marks) == 0 {
		return 0, err
	}
	month := oversight.SpanMonth.Period(first)
	byHall := map[string][]oversight.HallDay{}
	dates := map[calendar.Date]bool{}
	for _, m := range marks {
		byHall[m.HallID] = append(byHall[m.HallID], m.HallDay)
		dates[m.Date] = true
	}
	halls := slices.Sorted(maps.Keys(byHall))
	also, err := a.countHallMonths(ctx, month, byHall, slices.Collect(slices.Chunk(halls, monthHalls)), tell)
	if err != nil {
		return 0, err
	}
	tree := a.City().tree()
	units := tree.up(halls)
	for _, date := range slices.Sorted(maps.Keys(dates)) {
		for _, level := range (&roll{tree: tree}).levels(units) {
			if err := a.putSums(ctx, func(r *roll) ([]oversight.Row, error) { return r.units(ctx, level, periodOf(date)) }); err != nil {
				return 0, err
			}
		}
	}
	for part := range slices.Chunk(units, monthHalls) {
		if err := a.putSums(ctx, func(r *roll) ([]oversight.Row, error) { return r.months(ctx, oversight.OfUnit, part, month) }); err != nil {
			return 0, err
		}
	}
	return len(marks), a.db.Update(ctx, func(tx *store.Tx) error {
		cleared := map[oversight.HallDay]bool{}
		for part := range slices.Chunk(marks, 4096) {
			some, err := tx.ClearMarks(ctx, part)
			if err != nil {
				return err
			}
			for d := range some {
				cleared[d] = true
			}
		}
		return tx.MarkFigures(ctx, slices.DeleteFunc(slices.Clone(also), func(d oversight.HallDay) bool { return cleared[d] }))
	})
}

// countHallMonths counts days of halls and their months, several parts of the halls at a time, and returns the days that
// are to be counted again for it.
func (a *App) countHallMonths(ctx context.Context, month string, byHall map[string][]oversight.HallDay, parts [][]string, tell func(days int)) (also []oversight.HallDay, err error) {
	var mu sync.Mutex
	return also, onAllCores(ctx, parts, func(ctx context.Context, part []string) error {
		var list []oversight.HallDay
		for _, h := range part {
			list = append(list, byHall[h]...)
		}
		more, err := a.countHalls(ctx, month, part, list)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		also = append(also, more...)
		tell(len(list))
		return nil
	})
}

func (a *App) countHalls(ctx context.Context, month string, halls []string, list []oversight.HallDay) (also []oversight.HallDay, err error) {
	var rows, sums []oversight.Row
	var floors map[oversight.HallDay]int64
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if rows, also, err = a.countRows(ctx, tx, list); err != nil {
			return err
		}
		if floors, err = tx.Revisions(ctx, list); err != nil {
			return err
		}
		r := a.newRoll(tx)
		for _, row := range rows {
			r.fresh[keyOf(row)] = row
		}
		sums, err = r.months(ctx, oversight.OfHall, halls, month)
		return err
	}); err != nil {
		return nil, err
	}
	return also, a.db.Update(ctx, func(tx *store.Tx) error {
		if err := tx.PutHallDays(ctx, rows, floors); err != nil {
			return err
		}
		if err := tx.PutFigures(ctx, sums); err != nil {
			return err
		}
		return a.stillMine(ctx, tx)
	})
}

// putSums writes sums made of what stands.
func (a *App) putSums(ctx context.Context, make func(*roll) ([]oversight.Row, error)) error {
	var sums []oversight.Row
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		sums, err = make(a.newRoll(tx))
		return err
	}); err != nil {
		return err
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := tx.PutFigures(ctx, sums); err != nil {
			return err
		}
		return a.stillMine(ctx, tx)
	})
}

// stillMine ends a transaction that wrote figures: nothing of it stands if another node has begun to count. It comes last,
// for who writes beside it waits for it.
func (a *App) stillMine(ctx context.Context, tx *store.Tx) error {
	mine, err := tx.KeepLease(ctx, figureLease, a.node, tx.Now.Add(figuresHeld))
	if err == nil && !mine {
		err = errAnotherCounts
	}
	return err
}
