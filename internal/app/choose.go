package app

import (
	"context"
	"sync"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// KeepRequest asks to take the hour that was kept for a booking which lost its own.
type KeepRequest struct {
	Key     string
	Code    string
	Channel booking.Channel
}

// Keep takes the hour kept for the signed-in person. The other choices are Move and Cancel.
func (a *App) Keep(ctx context.Context, who *identity.Session, r KeepRequest) (Receipt, error) {
	receipt, err := a.keep(ctx, who, r)
	if err != nil {
		a.refused(fault.CodeOf(err))
	}
	return receipt, err
}

func (a *App) keep(ctx context.Context, who *identity.Session, r KeepRequest) (Receipt, error) {
	if err := checkKey(r.Key); err != nil {
		return Receipt{}, err
	}
	b, err := a.ownBooking(ctx, who, r.Code)
	if err != nil {
		return Receipt{}, err
	}
	answer, err := a.ask(ctx, &booking.Keep{
		Key: r.Key, Hash: digest("keep", b.ID), Who: booking.Who{Key: who.Person.Key, Level: who.Person.Level}, Booking: b.ID, Channel: r.Channel,
	})
	if err != nil {
		return Receipt{}, err
	}
	return a.receipt(ctx, answer)
}

// Lapse ends the bookings whose people did not choose another hour in time, up to limit of them, and
// returns how many; their numbers are for others again.
func (a *App) Lapse(ctx context.Context, limit int) (int, error) {
	var due []string
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.Overdue(ctx, tx.Now, limit)
		return err
	}); err != nil {
		return 0, err
	}
	errs := make([]error, len(due))
	var wg sync.WaitGroup
	for i, id := range due {
		wg.Go(func() { _, errs[i] = a.ask(ctx, &booking.Lapse{Booking: id, Rules: a.Rules(calendar.DateOf(a.now()))}) })
	}
	wg.Wait()
	done := 0
	var last error
	for _, err := range errs {
		if err != nil {
			last = err
			continue
		}
		done++
	}
	return done, last
}

// Choices counts the bookings that lost an hour to a request by what came of them.
func (a *App) Choices(ctx context.Context, request string) (map[booking.Choice]int, error) {
	var halls map[string]map[booking.Choice]int
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		halls, err = tx.ChoiceCounts(ctx, request)
		return err
	}); err != nil {
		return nil, err
	}
	out := map[booking.Choice]int{}
	for _, counts := range halls {
		for state, n := range counts {
			out[state] += n
		}
	}
	return out, nil
}
