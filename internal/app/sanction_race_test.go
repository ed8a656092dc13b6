package app_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
)

// Two nodes end the same hours at the same time, and lanes of both record different hours of one person at once: each
// is counted once, under a number of its own, and what comes of them comes once.
func TestArt18_TwoNodesRecordOnePersonsMissedHoursAtOnce(t *testing.T) {
	const people, missed = 6, 6
	source := apptest.Postgres(t)
	f := apptest.New(t, apptest.Options{Source: source})
	db, err := store.Open(t.Context(), source, store.Options{Now: f.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rules := rulebook.Continued2025()
	rules.ActivePerItem, rules.ActivePerDay = 0, 0
	rules.Sanctions.On, rules.Sanctions.NoShows, rules.Sanctions.WarnBeforeFirst = true, 3, true
	h := &hallDay{Fixture: f, t: t}
	h.rules(rules)
	other, err := app.New(t.Context(), app.Config{DB: db, Vault: f.Vault, Now: f.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ids := map[identity.Key][]string{}
	var keys []identity.Key
	for p := range people {
		_, who := f.SignIn(t, apptest.Citizen(700+p))
		keys = append(keys, who.Person.Key)
		for i, hour := range []int{9, 10, 11, 13, 14, 15} {
			r, err := f.App.Book(t.Context(), who, self(fmt.Sprintf("miss-%03d-%03d", p, i), booking.SlotID(apptest.QueueA, hallDate, hour)))
			if err != nil {
				t.Fatal(err)
			}
			ids[who.Person.Key] = append(ids[who.Person.Key], r.View.Booking.ID)
		}
	}
	f.Clock.Set(hallDate.At(16, 30))
	var wg sync.WaitGroup
	for i, node := range []*app.App{f.App, other} { // half of them as every node does
		wg.Go(func() {
			if i == 1 {
				time.Sleep(5 * time.Millisecond) // the second is an hour behind
			}
			if _, err := node.MarkMissed(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	regime := booking.Regime{Sanctions: rules.Sanctions, Since: rules.EffectiveFrom.At(0, 0)}
	for n, d := range []*store.DB{f.DB, db} { // and each hour of a person on another lane
		lane, err := d.NewLane(t.Context(), fmt.Sprintf("miss-%d", n))
		if err != nil {
			t.Fatal(err)
		}
		defer lane.Close()
		wg.Go(func() {
			for i := range missed {
				for _, key := range keys {
					id := ids[key][(i+n*missed/2)%missed]
					if out, _ := lane.Run(t.Context(), []booking.Request{&booking.Miss{Booking: id, Regime: regime}}); out[0].Fault != nil {
						t.Error(out[0].Fault)
					}
				}
			}
		})
	}
	wg.Wait()
	if err := f.DB.View(t.Context(), func(tx *store.Tx) error {
		for _, key := range keys {
			facts, err := tx.MarksOf(t.Context(), key)
			if err != nil {
				return err
			}
			numbers, of := map[int]bool{}, map[string]bool{}
			for _, fact := range facts {
				numbers[fact.N], of[fact.Booking] = true, true
			}
			if len(facts) != missed || len(numbers) != missed || len(of) != missed {
				t.Errorf("recorded %d times, under %d numbers, of %d hours; want %d", len(facts), len(numbers), len(of), missed)
			}
			measures, err := tx.MeasuresOf(t.Context(), key)
			if err != nil {
				return err
			}
			kinds := map[booking.MeasureKind]int{}
			for _, m := range measures {
				kinds[m.Kind]++
			}
			if len(measures) != 2 || kinds[booking.Warning] != 1 || kinds[booking.Barred] != 1 {
				t.Errorf("%d hours missed came to %v, want a warning and a bar", missed, kinds)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	h.healthy()
}
