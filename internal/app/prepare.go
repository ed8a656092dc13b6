package app

import (
	"context"
	"fmt"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// slotsAhead is how many days before their release slots are made.
const slotsAhead = 7

// Prepare makes the slots of every open queue from today to some days beyond its window, those that
// are not there yet, and brings those to their plan whose calendar, queue or approved changes are not what
// they were made by, as long as nobody holds a number in them; the others are counted (Stale). It may run
// at any time and on several nodes at once; nothing has to happen at noon. progress, if not nil, is told of
// queues done and queues in all. It returns how many slots were new.
func (a *App) Prepare(ctx context.Context, progress func(done, all int)) (added int, err error) {
	all := len(a.City().queues)
	done, stale := 0, 0
	var slots []booking.Slot
	var steps []supply.Step
	flush := func() error {
		n := 0
		var changed []store.SlotState
		err := a.changeSlots(ctx, func(tx *store.Tx) (_ []store.SlotState, err error) {
			if n, err = tx.AddSlots(ctx, slots); err != nil {
				return nil, err
			}
			changed, _, err = tx.PlanSlots(ctx, steps, true, a.reopen(tx.Now))
			return changed, err
		})
		refs := make([][2]string, len(changed))
		for i, s := range changed {
			refs[i] = [2]string{s.HallID, s.SlotID}
		}
		if err == nil {
			err = a.showSlots(ctx, refs)
		}
		if err != nil {
			return fmt.Errorf("prepare slots: %w", err)
		}
		added += n
		slots, steps = slots[:0], steps[:0]
		if progress != nil {
			progress(done, all)
		}
		return nil
	}
	err = a.drift(ctx, func(d supply.Difference) error {
		done++
		slots = append(slots, d.Add...)
		for _, s := range d.Step {
			if s.Taken > 0 {
				stale++
			} else {
				steps = append(steps, s)
			}
		}
		if len(slots)+len(steps) >= 20_000 {
			return flush()
		}
		return nil
	})
	if err == nil && len(slots)+len(steps) > 0 {
		err = flush()
	}
	if err != nil {
		return added, err
	}
	if a.stale.Swap(int64(stale)) != int64(stale) && stale > 0 {
		a.log.Warn("hours that people have booked are not as their queue and calendar say now; file a request to change them", "hours", stale)
	}
	if added > 0 {
		return added, a.ReloadSlots(ctx)
	}
	return added, nil
}

// Stale returns how many hours with bookings Prepare last found to differ from their plan: the calendar or
// the queue changed after people had booked. Nobody is moved by that.
func (a *App) Stale() int { return int(a.stale.Load()) }

// drift gives each, for every open queue, how the slots on the board differ from their plan.
func (a *App) drift(ctx context.Context, each func(supply.Difference) error) error {
	now := a.now()
	today := calendar.DateOf(now)
	var changes map[string][]supply.Change
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		changes, err = tx.Adjustments(ctx, "", today)
		return err
	}); err != nil {
		return err
	}
	r, city := a.rules.Load(), a.City()
	for _, q := range city.sortedQueues() {
		hall := city.Hall(q.HallID)
		if !q.Open || hall == nil || !hall.Open {
			continue
		}
		last := r.planned(*q, today)
		var planned []booking.Slot
		for d := today; d <= last; d++ {
			planned = append(planned, supply.SlotsFor(r.cal, r.shelf.On(d), *q, d, changes[q.ID]...)...)
		}
		if err := each(supply.Compare(now, planned, a.board.slotsOf(q.ID, today, last))); err != nil {
			return err
		}
	}
	return nil
}

// planned returns the last date slots of a queue are made for.
func (r *rules) planned(q directory.Queue, today calendar.Date) calendar.Date {
	book := r.shelf.On(today)
	window := max(book.WindowDays, q.GrandfatheredHorizon)
	return r.cal.WindowEnd(today, window, book.WindowCounts == rulebook.SkipStatutory) + slotsAhead
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
