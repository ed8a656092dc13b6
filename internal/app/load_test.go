package app_test

import (
	"fmt"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
)

// What administrators see of their halls is in step with every booking and every release, and the parts
// of the tree add up.
func TestPicturesFollowBookingsAndReleases(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		root := &app.Admin{Account: account.Account{ID: "P1", Rank: account.Platform1, Unit: "440100000000", State: account.Open}}
		g := f.App.Grove(root, account.Supervise)
		before := f.App.HallPicture(apptest.HallA)
		if before.Today.Released != 3*5*9 || before.Today.OnSite != 3*5 || before.Window.Booked != 0 {
			t.Errorf("at first: %+v", before)
		}
		slots := f.FreeSlots(apptest.QueueA)
		for i := range 9 { // the whole first hour
			_, who := f.SignIn(t, apptest.Citizen(i+1))
			if _, err := f.App.Book(t.Context(), who, self(fmt.Sprintf("picture-%04d", i), slots[0])); err != nil {
				t.Fatal(err)
			}
		}
		q, h := f.App.QueuePicture(apptest.QueueA), f.App.HallPicture(apptest.HallA)
		if q.Window.Booked != 9 || h.Window.Booked != 9 || h.Window.Free() != before.Window.Free()-9 {
			t.Errorf("after nine bookings: queue %+v, hall %+v", q, h)
		}
		tomorrow := calendar.DateOf(apptest.Start) + 1
		if !q.Next.Equal(tomorrow.At(10, 0)) || !h.Next.Equal(tomorrow.At(9, 0)) {
			t.Errorf("next free: queue %v, hall %v", q.Next, h.Next)
		}
		days := f.App.QueueDays(apptest.QueueA)
		if days[0].Date != tomorrow-1 || days[1].Hours[0].Booked != 9 || days[1].Hours[0].Free() != 0 || days[1].Total().Booked != 9 {
			t.Errorf("day by day: %+v", days[:2])
		}
		sums := f.App.UnitPictures(g)
		if got, want := sums[apptest.DistrictA].Window.Planned, h.Window.Planned+f.App.HallPicture(apptest.HallStreet).Window.Planned+f.App.HallPicture(apptest.HallVillage).Window.Planned; got != want {
			t.Errorf("the district plans %d, its halls %d", got, want)
		}
		if sums[g.Root].Window.Booked != 9 {
			t.Errorf("the city has %d booked", sums[g.Root].Window.Booked)
		}
		f.Clock.Set(calendar.DateOf(apptest.Start).At(12, 0)) // the release of another day
		if now := f.App.HallPicture(apptest.HallA); now.Window.Released <= h.Window.Released || now.Window.Planned != h.Window.Planned {
			t.Errorf("before the release %+v, after it %+v", h.Window, now.Window)
		}
		f.Clock.Set(tomorrow.At(0, 0).Add(time.Second))
		if now := f.App.HallPicture(apptest.HallA); now.Today.Booked != 9 {
			t.Errorf("on the day itself: %+v", now.Today)
		}
	})
}

// A grove holds the halls of its scope and the ways to them, nothing else.
func TestGroveIsTheTreeOfOnesOwnHalls(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	for _, c := range []struct {
		rank            account.Rank
		unit            string
		root            string
		halls           int
		found, notFound string
		path            int
	}{
		{account.Platform1, "440100000000", "440100000000", 5, "Station", "Nowhere", 4},
		{account.Platform2, "440100000000", "440100000000", 3, "District", "Station", 0},
		{account.District1, apptest.DistrictA, apptest.DistrictA, 3, "Station", "District B", 3},
		{account.District2, apptest.StreetA, apptest.StreetA, 2, "Station", "District", 2},
		{account.District3, apptest.VillageA, apptest.VillageA, 1, "Station", "Street", 1},
		{account.Municipal2, "agency-social", "agency-social", 1, "Entry", "Station", 0},
		{account.Audit, "440100000000", "", 0, "", "Station", 0},
	} {
		g := f.App.Grove(&app.Admin{Account: account.Account{Rank: c.rank, Unit: c.unit, State: account.Open}}, account.Supervise)
		if g.Root != c.root || len(g.Halls) != c.halls || g.Count(g.Root) != c.halls || len(g.Path(apptest.VillageA)) != c.path {
			t.Errorf("%s: root %q, %d halls, %d counted, %d to the village", c.rank, g.Root, len(g.Halls), g.Count(g.Root), len(g.Path(apptest.VillageA)))
		}
		if c.found != "" && len(g.Find(c.found, 5)) == 0 {
			t.Errorf("%s does not find %q", c.rank, c.found)
		}
		if got := g.Find(c.notFound, 5); len(got) > 0 {
			t.Errorf("%s finds %s, which is not theirs", c.rank, got[0].Name.En)
		}
	}
}
