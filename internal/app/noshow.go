package app

import (
	"context"
	"sync"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/store"
)

// missAtOnce is as many bookings as wait for the lanes together to be marked: who books meanwhile waits for
// one group more at most.
const missAtOnce = 512

// afterRelease is how long the lanes are left to those who book when numbers are released: an hour ends
// then, too.
const afterRelease = 2 * time.Minute

// MarkMissed marks the bookings of hours that are over and that nobody came to as no-shows (Art. 17), each
// once, on however many nodes it runs, and returns how many. What it did not finish it goes on with.
func (a *App) MarkMissed(ctx context.Context) (int, error) {
	now := a.now()
	over := now.Truncate(time.Hour) // every zone of the city's hours is a whole number of them from UTC
	today := calendar.DateOf(now)
	if at := a.Rules(today).ReleaseAt; !now.Before(today.At(at/60, at%60)) && now.Before(today.At(at/60, at%60).Add(afterRelease)) {
		return 0, nil
	}
	var until time.Time
	var hours []store.Hour
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if until, err = tx.MissedUntil(ctx); err != nil || until.Equal(over) {
			return err
		}
		if until.After(over) { // the clock was set back
			until = today.At(0, 0)
		}
		hours, err = tx.HoursEnded(ctx, until, over)
		return err
	}); err != nil {
		return 0, err
	}
	if until.Equal(over) {
		return 0, nil
	}
	marked := 0
	for _, h := range hours {
		n, err := a.missHour(ctx, h)
		marked += n
		if err != nil {
			return marked, err
		}
	}
	return marked, a.db.Update(ctx, func(tx *store.Tx) error { return tx.SetMissedUntil(ctx, over) })
}

func (a *App) missHour(ctx context.Context, h store.Hour) (marked int, err error) {
	var due []string
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.StillBooked(ctx, h)
		return err
	}); err != nil {
		return 0, err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	free := make(chan struct{}, missAtOnce)
	regime := a.regime()
	for _, id := range due {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			answer, lost := a.ask(ctx, &booking.Miss{Booking: id, Regime: regime})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case lost != nil:
				err = lost
			case !answer.Replayed:
				marked++
				a.touched.add(answer.Booking.HallID, answer.Booking.Date)
			}
		})
	}
	wg.Wait()
	return marked, err
}
