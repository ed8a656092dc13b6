package app

import (
	"context"
	"fmt"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// slotsAhead is how many days before their release slots are made.
const slotsAhead = 7

// Prepare makes the slots of every open queue from today to some days beyond its window, those that
// are not there yet. It may run at any time and on several nodes at once; nothing has to happen at
// noon. progress, if not nil, is told of queues done and queues in all. It returns how many slots
// were new.
func (a *App) Prepare(ctx context.Context, progress func(done, all int)) (added int, err error) {
	today := calendar.DateOf(a.now())
	r := a.rules.Load()
	city := a.City()
	var slots []booking.Slot
	done := 0
	flush := func() error {
		n := 0
		err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.AddSlots(ctx, slots)
			return err
		})
		if err == nil {
			added += n
		}
		slots = slots[:0]
		if progress != nil {
			progress(done, len(city.queues))
		}
		return err
	}
	for _, q := range city.sortedQueues() {
		done++
		hall := city.Hall(q.HallID)
		if !q.Open || hall == nil || !hall.Open {
			continue
		}
		book := r.shelf.On(today)
		window := max(book.WindowDays, q.GrandfatheredHorizon)
		last := r.cal.WindowEnd(today, window, book.WindowCounts == rulebook.SkipStatutory) + slotsAhead
		have := a.board.dates(q.ID)
		for d := today; d <= last; d++ {
			if have[d] {
				continue
			}
			slots = append(slots, supply.SlotsFor(r.cal, r.shelf.On(d), *q, d)...)
		}
		if len(slots) >= 20_000 {
			if err := flush(); err != nil {
				return added, fmt.Errorf("prepare slots: %w", err)
			}
		}
	}
	if len(slots) > 0 {
		if err := flush(); err != nil {
			return added, fmt.Errorf("prepare slots: %w", err)
		}
	}
	if added > 0 {
		return added, a.ReloadSlots(ctx)
	}
	return added, nil
}

// ReloadSlots reads the board again, days gone by left out.
func (a *App) ReloadSlots(ctx context.Context) error {
	return a.db.View(ctx, func(tx *store.Tx) error {
		return a.board.load(ctx, tx, calendar.DateOf(a.now()), a.City())
	})
}

// Horizon returns the first date within the prepared window whose year has no official holiday
// notice yet; false when there is none. Nothing is guessed silently: the platform is alerted.
func (a *App) Horizon() (calendar.Date, bool) {
	today := calendar.DateOf(a.now())
	r := a.rules.Load()
	book := r.shelf.On(today)
	last := r.cal.WindowEnd(today, book.WindowDays, book.WindowCounts == rulebook.SkipStatutory)
	for d := today; d <= last; d++ {
		if status, ok := r.cal.Status(d.Year()); !ok || status != calendar.Official {
			return d, true
		}
	}
	return 0, false
}
