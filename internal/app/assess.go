package app

import (
	"context"
	"fmt"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// Assessments returns the sheets of a year of the districts and agencies an administrator sees, in the order of the tree
// (Art. 21). They are computed from the figures as they are now; the year may still go on.
func (a *App) Assessments(ctx context.Context, ad *Admin, year int) (out []oversight.Assessment, err error) {
	var seats []account.Seat
	var ids []string
	root := a.root()
	for _, u := range a.bulletinUnits() {
		if s, _ := a.seat(u.ID); u.ID != root && ad.has(account.Supervise) && ad.Account.Sees(s) {
			seats, ids = append(seats, s), append(ids, u.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	figures := map[string]oversight.Counts{}
	var alerts map[string][2]int64
	var sources []oversight.Source
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		clear(figures)
		rows, err := tx.Totals(ctx, oversight.OfUnit, ids, oversight.SpanMonth, fmt.Sprintf("%04d-01", year), fmt.Sprintf("%04d-12", year))
		if err != nil {
			return err
		}
		for _, r := range rows {
			sum := figures[r.Place.ID]
			sum.Add(r.Figures.All)
			figures[r.Place.ID] = sum
		}
		if alerts, err = tx.AlertsAnswered(ctx, calendar.MakeDate(year, 1, 1).At(0, 0), calendar.MakeDate(year+1, 1, 1).At(0, 0)); err != nil {
			return err
		}
		sources, err = tx.Sources(ctx, account.UnitScope{})
		return err
	}); err != nil {
		return nil, err
	}
	for _, s := range seats {
		one := oversight.Assessment{Seat: s, Figures: figures[s.Unit]}
		for _, h := range a.City().HallsOf(s.Unit) {
			one.Halls++
			if a.linked(h.ID, h.UnitID, sources) {
				one.Linked++
			}
			one.Alerts += alerts[h.ID][0]
			one.Early += alerts[h.ID][1]
		}
		out = append(out, one)
	}
	return out, nil
}

// linked tells whether a hall takes bookings on the platform, or by a system that is connected now.
func (a *App) linked(hall, unit string, sources []oversight.Source) bool {
	for _, q := range a.City().QueuesAt(hall) {
		if q.Open {
			return true
		}
	}
	today := calendar.DateOf(a.now())
	for _, s := range sources {
		if s.On(today) && s.Books(hall) && a.City().UnitHas(s.Seat.Unit, unit) {
			return true
		}
	}
	return false
}
