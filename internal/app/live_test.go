package app_test

import (
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

const theCity = "440100000000"

func livesOnBoth(t *testing.T, run func(t *testing.T, d *desk)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { run(t, newDesk(t, apptest.Options{Twice: true})) })
	t.Run("postgres", func(t *testing.T) { run(t, newDesk(t, apptest.Options{Twice: true, Source: apptest.Postgres(t)})) })
}

// dayOf is a row of figures of today.
func dayOf(f *apptest.Fixture, noun oversight.Noun, id string, served, missed int64, waits ...int) oversight.Row {
	now := f.Clock.Now()
	var c oversight.Counts
	c.Count(oversight.Served, served)
	c.Count(oversight.Booked, 10*served)
	c.Count(oversight.Missed, missed)
	for _, w := range waits {
		c.Lasted(oversight.WaitBooked, w, 1)
	}
	return oversight.Row{Place: oversight.Place{Noun: noun, ID: id}, Span: oversight.SpanDay, Period: calendar.DateOf(now).String(), CountedAt: now, Figures: oversight.Figures{All: c,
		By: map[oversight.Dimension]map[string]oversight.Counts{oversight.ByQueue: {apptest.QueueA: c}}}}
}

// Art. 4: the city's picture is that of its parts, each sees their own, and what is not theirs is not found.
func TestArt4_TheLivePictureIsThatOfOnesOwnHalls(t *testing.T) {
	livesOnBoth(t, func(t *testing.T, d *desk) {
		rows := []oversight.Row{
			dayOf(d.Fixture, oversight.OfHall, apptest.HallCity, 100, 10), dayOf(d.Fixture, oversight.OfHall, apptest.HallA, 50, 5, 4, 9), dayOf(d.Fixture, oversight.OfHall, apptest.HallB, 20, 2),
			dayOf(d.Fixture, oversight.OfHall, apptest.HallStreet, 7, 1), dayOf(d.Fixture, oversight.OfHall, apptest.HallVillage, 3, 0),
			dayOf(d.Fixture, oversight.OfUnit, theCity, 180, 18), dayOf(d.Fixture, oversight.OfUnit, apptest.DistrictA, 60, 6, 4, 9),
			dayOf(d.Fixture, oversight.OfUnit, "agency-social", 100, 10), dayOf(d.Fixture, oversight.OfUnit, apptest.DistrictB, 20, 2),
			dayOf(d.Fixture, oversight.OfUnit, apptest.StreetA, 10, 1), dayOf(d.Fixture, oversight.OfUnit, apptest.VillageA, 3, 0),
		}
		if err := d.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.PutFigures(t.Context(), rows) }); err != nil {
			t.Fatal(err)
		}
		served := func(s app.LiveSum) int64 { return s.Counts.N[oversight.Served] }
		for _, c := range []struct {
			who    string
			unit   string
			served int64
			halls  int
		}{
			{"P1", "", 180, 5},
			{"P2", "", 170, 3}, // the city's and the districts' halls only: added up
			{"A1", "", 60, 3},
			{"P1", apptest.DistrictA, 60, 3},
			{"AS", "", 10, 2},
		} {
			v, err := d.App.Live(t.Context(), d.as(c.who), c.unit)
			if err != nil {
				t.Fatalf("%s %s: %v", c.who, c.unit, err)
			}
			if served(v.All) != c.served || v.All.Halls != c.halls {
				t.Errorf("%s sees %d served at %d halls of %q, want %d at %d", c.who, served(v.All), v.All.Halls, c.unit, c.served, c.halls)
			}
			var parts app.LiveSum
			for _, p := range v.Parts {
				parts.Halls += p.Halls
				parts.Load.Released += p.Load.Released
			}
			if parts.Halls != v.All.Halls || parts.Load.Released != v.All.Load.Released {
				t.Errorf("%s: the parts of %q come to %+v, the whole to %+v", c.who, c.unit, parts, v.All)
			}
			if v.Counted.IsZero() {
				t.Errorf("%s is not told when the figures were counted", c.who)
			}
		}
		for _, c := range []struct{ who, unit string }{{"A1", theCity}, {"A1", apptest.DistrictB}, {"AS", apptest.DistrictA}, {"P1", "none"}} {
			if _, err := d.App.Live(t.Context(), d.as(c.who), c.unit); fault.CodeOf(err) != fault.UnitNotFound {
				t.Errorf("%s opens %s: %v", c.who, c.unit, err)
			}
		}
		v, err := d.App.LiveHall(t.Context(), d.as("A1"), apptest.HallA)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, p := range v.Parts {
			if p.Queue.ID == apptest.QueueA {
				found = served(p.LiveSum) == 50 && p.Load.Released > 0
			}
		}
		if !found || served(v.All) != 50 {
			t.Errorf("the hall's picture: %+v", v)
		}
		if _, err := d.App.LiveHall(t.Context(), d.as("A1"), apptest.HallB); fault.As(err).Kind != fault.NotFound {
			t.Errorf("a hall of another district: %v", err)
		}
		if !d.App.May(d.as("P1"), account.Supervise, apptest.HallB) {
			t.Error("the platform does not supervise")
		}
	})
}
