package app_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// A made past is looked at again from what is kept of it: what was planted is found, what was not is a false alarm, and nothing
// is written.
func TestArt22_HowWellUnusualDaysAreFoundIsMeasuredOnAMadePast(t *testing.T) {
	alertOnBoth(t, func(p *pressed) {
		first, last := calendar.MakeDate(2026, time.January, 1), calendar.MakeDate(2026, time.May, 31)
		rate := func(from, to calendar.Date, share float64) (app.WatchRate, error) {
			return app.RateWatch(p.Context(), p.DB, p.Clock.Now(), from, to, share, func(int, int) {})
		}
		if _, err := rate(0, 0, 1); !errors.Is(err, app.ErrNothingMade) {
			p.Fatalf("nothing made: %v", err)
		}
		on := func(month time.Month, day int) calendar.Date { return calendar.MakeDate(2026, month, day) }
		odd := map[calendar.Date]bool{on(time.April, 14): true, on(time.April, 15): true, on(time.May, 20): true}
		for d := first; d <= last; d++ {
			if !p.App.Calendar().IsWorking(d) {
				continue
			}
			missed := int64(1)
			if odd[d] {
				missed = 8
			}
			p.dayOf(apptest.HallA, apptest.QueueA, d, 16, missed)
			p.dayOf(apptest.HallStreet, apptest.QueueStreet, d, 1, 0)
		}
		p.update(func(tx *store.Tx) error {
			var months []oversight.Row
			for _, hall := range []string{apptest.HallA, apptest.HallStreet} {
				var f oversight.Figures
				f.All.Count(oversight.Booked, 1)
				months = append(months, oversight.Row{Place: oversight.Place{Noun: oversight.OfHall, ID: hall}, Span: oversight.SpanMonth, Period: "2026-04", Figures: f, CountedAt: tx.Now})
			}
			if err := tx.PutFigures(p.Context(), months); err != nil {
				return err
			}
			if _, err := tx.NextBlock(p.Context(), store.MadeCounter(2026, "1 scale 1"), int64(last-first)+2); err != nil {
				return err
			}
			return tx.SavePlanted(p.Context(), []store.Planted{
				{HallID: apptest.HallA, Kind: "no_show", First: on(time.April, 14), Last: on(time.April, 15), Times: 8},
				{HallID: apptest.HallA, Kind: "slow", First: on(time.April, 20), Last: on(time.April, 21), Times: 3.5},
				{HallID: apptest.HallStreet, Kind: "given_up", First: on(time.April, 14), Last: on(time.April, 14), Times: 5},
			})
		})
		before := fmt.Sprint(p.Rows(p.T))
		got, err := rate(0, 0, 1)
		if err != nil {
			p.Fatal(err)
		}
		missed, given := *got.Of(oversight.AnomalyNoShows), *got.Of(oversight.AnomalyCancellations)
		wantMissed := oversight.KindRate{Planted: 1, InDay: 1, False: 1}
		wantMissed.Hours[10] = 1
		if missed != wantMissed || given != (oversight.KindRate{Planted: 1, Hidden: 1}) || got.Unseen != 1 || got.Halls != 2 || got.From != first+84 || got.To != last || !got.WithinBounds() {
			p.Errorf("%+v; no-shows %+v, cancellations %+v", got, missed, given)
		}
		if got, err = rate(on(time.April, 1), on(time.April, 30), .5); err != nil || got.Halls != 1 || got.All().Planted != 1 || got.To != on(time.April, 30) {
			p.Errorf("half of the halls in April: %+v, %v", got, err)
		}
		if after := fmt.Sprint(p.Rows(p.T)); after != before {
			p.Errorf("something was written: %s, before %s", after, before)
		}
	})
}
