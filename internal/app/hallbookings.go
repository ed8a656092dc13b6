package app

import (
	"context"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// mostHallDays is over how many days a hall's bookings are listed at once.
const mostHallDays = 400

// HallBookings says which bookings of a hall are wanted.
type HallBookings struct {
	Hall     string
	From, To calendar.Date // both inside, at most 400 days
	Missed   bool          // those nobody came to, excused ones too
}

func (a *App) hallBookings(ad *Admin, q HallBookings) (queues []string, err error) {
	if err := a.Allow(ad, account.Supervise, q.Hall); err != nil {
		return nil, err
	}
	switch {
	case q.From == 0:
		return nil, fault.InvalidFields(fault.Field{Path: "from", Code: fault.Required})
	case q.To < q.From || q.To-q.From >= mostHallDays:
		return nil, fault.InvalidFields(fault.Field{Path: "to", Code: fault.OutOfRange})
	}
	for _, one := range a.City().QueuesAt(q.Hall) {
		queues = append(queues, one.ID)
	}
	return queues, nil
}

// CountHallBookings counts the bookings of a hall an administrator may supervise, cancelled ones too.
func (a *App) CountHallBookings(ctx context.Context, ad *Admin, q HallBookings) (n int, err error) {
	queues, err := a.hallBookings(ad, q)
	if err != nil {
		return 0, err
	}
	err = a.db.Read(ctx, func(tx *store.Tx) error {
		n, err = tx.CountBookings(ctx, q.Hall, queues, q.From, q.To, q.Missed)
		return err
	})
	return n, err
}

// EachHallBooking gives the bookings of a hall an administrator may supervise to each, masked, in order of date and hour,
// a day in memory at a time, until one comes back with an error. What somebody lost is not in them.
func (a *App) EachHallBooking(ctx context.Context, ad *Admin, q HallBookings, each func(BookingView) error) error {
	queues, err := a.hallBookings(ad, q)
	if err != nil {
		return err
	}
	for d := q.From; d <= q.To; d++ {
		var list []*booking.Booking
		if err := a.db.Read(ctx, func(tx *store.Tx) (err error) {
			list, err = tx.BookingsOn(ctx, q.Hall, queues, d)
			return err
		}); err != nil {
			return err
		}
		for _, b := range list {
			if q.Missed && b.State != booking.NoShow && b.State != booking.Excused {
				continue
			}
			v, err := a.shown(*b)
			if err == nil {
				err = each(v)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
