package app

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
)

// ErrNothingMade says that nothing was made of the days asked for, so that nothing is planted in them.
var ErrNothingMade = errors.New("of these days no past was made by suiyue simulate: nothing is planted in them")

// WatchRate is how good the watch is on a made past.
type WatchRate struct {
	oversight.Rate
	From, To calendar.Date
}

// RateWatch looks again at the days of a made past from one date to another, as WatchHalls did or would have done, and
// says what of that which was planted in it was told, and when. from 0 is twelve weeks after it began: before, no hall
// has a past; to 0 is its last day. share is how many of the halls that have figures are looked at, 1 for all. It reads hall
// by hall, several at a time, and writes nothing. progress is told of halls done of all.
//
// What is known of an hour is what was counted of it in the end; in whose hands the numbers of a day are is taken from the
// bookings, and of those that are kept without history it is not known whether they took a place that was given up.
func RateWatch(ctx context.Context, db *store.DB, now time.Time, from, to calendar.Date, share float64, progress func(done, all int)) (r WatchRate, err error) {
	a := &App{db: db, now: func() time.Time { return now }, board: newBoard("watch"), pace: func() int { return 1 }}
	if err := a.Reload(ctx); err != nil {
		return r, err
	}
	var halls []string
	plants := map[string][]oversight.Plant{}
	if err := db.View(ctx, func(tx *store.Tx) error {
		if r.From, r.To, err = madeBetween(ctx, tx, from, to); err != nil {
			return err
		}
		all, err := tx.HallsWithFigures(ctx, r.From, r.To)
		if err != nil {
			return err
		}
		halls = someOf(all, share)
		list, err := tx.Planted(ctx)
		clear(plants)
		for _, p := range list {
			plants[p.HallID] = append(plants[p.HallID], oversight.Plant{What: oversight.Planted(p.Kind), First: p.First, Last: p.Last, Times: p.Times})
		}
		return err
	}); err != nil {
		return r, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	line := make(chan string)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for hall := range line {
				if ctx.Err() != nil {
					continue
				}
				one, err := a.rateHall(ctx, hall, r.From, r.To, plants[hall])
				if err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				r.Add(one)
				progress(r.Halls, len(halls))
				mu.Unlock()
			}
		})
	}
	for _, h := range halls {
		line <- h
	}
	close(line)
	wg.Wait()
	return r, context.Cause(ctx)
}

// madeBetween narrows dates to what was made.
func madeBetween(ctx context.Context, tx *store.Tx, from, to calendar.Date) (first, last calendar.Date, err error) {
	spans, err := tx.MadeSpans(ctx)
	if err != nil {
		return 0, 0, err
	}
	if to != 0 {
		spans = slices.DeleteFunc(spans, func(m store.MadeSpan) bool { return m.First > to || m.Last < from })
	}
	if len(spans) == 0 {
		return 0, 0, ErrNothingMade
	}
	first, last = max(from, spans[0].First+watchedPast), spans[len(spans)-1].Last
	if to != 0 {
		last = min(last, to)
	}
	if first > last {
		return 0, 0, ErrNothingMade
	}
	return first, last, nil
}

// someOf takes a share of a list, evenly over the whole of it, at least one.
func someOf(all []string, share float64) (out []string) {
	for i, one := range all {
		if int(share*float64(i+1)) > int(share*float64(i)) || i == len(all)-1 && out == nil {
			out = append(out, one)
		}
	}
	return out
}

// rateHall looks again at a hall's days.
func (a *App) rateHall(ctx context.Context, hall string, from, to calendar.Date, plants []oversight.Plant) (oversight.Rate, error) {
	r := oversight.Replay{
		HallID: hall, From: from, To: to, Past: watchedPast, Least: watchFrom, Most: watchUntil, Plants: plants,
		Watch: func(d calendar.Date) rulebook.Watch { return a.Rules(d).Watch },
	}
	cal := a.Calendar()
	err := a.db.View(ctx, func(tx *store.Tx) error {
		first := from - watchedPast
		hands, err := a.handsBetween(ctx, tx, hall, first, to)
		if err != nil {
			return err
		}
		r.Days = r.Days[:0]
		return tx.EachFigure(ctx, oversight.OfHall, []string{hall}, oversight.SpanDay, first.String(), to.String(), func(row oversight.Row) error {
			d, err := calendar.ParseDate(row.Period)
			if err != nil {
				return err
			}
			t := oversight.TraceOf(d, oversight.KindOf(cal, d), row.Figures)
			t.Hands, t.Known = hands[d], true
			r.Days = append(r.Days, t)
			return nil
		})
	})
	if err != nil {
		return oversight.Rate{}, err
	}
	return r.Run(), nil
}
