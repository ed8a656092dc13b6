package app

import (
	"context"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// What the product is compared with (Config.Plain).

func (a *App) askPlainly(ctx context.Context, r booking.Request) (booking.Answer, error) {
	out, err := a.db.Plain(ctx, r)
	if err != nil {
		return booking.Answer{}, fault.Wrap(fault.Busy, err)
	}
	if out.Fault != nil {
		return booking.Answer{}, out.Fault
	}
	return out.Answer, nil
}

func (a *App) daysBySQL(queue string) []DayView {
	q := &queueBoard{id: queue}
	var list []*liveSlot
	if dq := a.City().Queue(queue); dq != nil {
		err := a.db.View(context.Background(), func(tx *store.Tx) error {
			return tx.SlotsOf(context.Background(), dq.HallID, queue, calendar.DateOf(a.now()), func(s store.LiveSlot) {
				list = append(list, newLive(s))
			})
		})
		if err != nil {
			a.log.Warn("slots could not be read", "error", err)
		}
	}
	q.merge(list)
	return a.days(q, queue, 0)
}
