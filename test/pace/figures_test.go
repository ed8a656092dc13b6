package pace

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/data"
	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
)

// slowest is how many days of halls a second are counted at least: a hundredth of what two quiet cores do.
const slowest = 20

// booked is how many people book in each hall on its day.
const booked = 12

// The day of every hall of the city is counted when it begins, and those that changed within the half minute.
func TestEveryHallsDayIsCountedInTime(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			source := apptest.SQLite(t)
			if engine == "postgres" {
				source = pgtest.New(t)
			}
			a, clock := wholeCity(t, source)
			day := calendar.DateOf(apptest.Start) + 1
			crowd(t, a, day)
			clock.Set(day.At(8, 0))
			took := func(what string) {
				began := time.Now()
				n, err := a.CountFigures(t.Context(), 0)
				if err != nil {
					t.Fatal(err)
				}
				spent := time.Since(began)
				rate := float64(n) / spent.Seconds()
				t.Logf("%s, %s: %d days of halls in %.1f s, %.0f a second", engine, what, n, spent.Seconds(), rate)
				if n < 2900 || rate < slowest {
					t.Errorf("%d days, %.0f a second", n, rate)
				}
			}
			took("for the first time")
			clock.Set((day + 1).At(0, 1)) // counted once more when it is over, and the next begins
			took("when the day is over")
			began := time.Now()
			c, err := a.RecountFigures(t.Context(), day, day+1, false, nil)
			if err != nil || c.Differ != 0 {
				t.Errorf("counted anew: %+v (%v)", c, err)
			}
			t.Logf("%s, anew: %d days of halls and %d sums compared in %.1f s", engine, c.Days, c.Sums, time.Since(began).Seconds())
		})
	}
}

// crowd books in every hall, as fast as the lanes take it.
func crowd(t *testing.T, a *app.App, day calendar.Date) {
	t.Helper()
	city := a.City()
	halls := map[string]*directory.Offering{}
	for _, it := range city.Items() {
		for _, o := range city.Offers(it.Code) {
			if halls[o.HallID] == nil && !it.Foreigner {
				halls[o.HallID] = o
			}
		}
	}
	var all sync.WaitGroup
	free := make(chan struct{}, 256)
	n := 0
	var mu sync.Mutex
	made := 0
	for _, o := range halls {
		for i := range booked {
			n++
			free <- struct{}{}
			all.Go(func() {
				defer func() { <-free }()
				ctx := context.Background()
				_, who, err := a.SignIn(ctx, apptest.Citizen(n))
				if err != nil {
					t.Error(err)
					return
				}
				slot := booking.SlotID(o.QueueID, day, []int{9, 10, 11, 14, 15, 16}[i%6])
				if _, err := a.Book(ctx, who, app.BookRequest{
					Key: fmt.Sprintf("crowd-%08d", n), Item: o.ItemCode, SlotID: slot, Stage: o.Stages[0],
					Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
				}); err == nil {
					mu.Lock()
					made++
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	t.Logf("%d booked in %d halls", made, len(halls))
	if made < len(halls) {
		t.Errorf("only %d booked in %d halls", made, len(halls))
	}
}

// wholeCity is the city of the program itself in a database.
func wholeCity(t *testing.T, source string) (*app.App, *apptest.Clock) {
	t.Helper()
	ctx, clock := t.Context(), &apptest.Clock{}
	clock.Set(apptest.Start)
	db, err := store.Open(ctx, source, store.Options{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
			t.Error(err)
		}
	})
	if _, err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	a, err := app.New(ctx, app.Config{DB: db, Vault: apptest.NewVault(), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	if _, err := a.Import(ctx, data.Files, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Prepare(ctx, nil); err != nil {
		t.Fatal(err)
	}
	return a, clock
}

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
