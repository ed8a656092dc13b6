package app_test

import (
	"fmt"
	"math"
	"os"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/draw"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// Scripts at noon: each identity of theirs asks ten times over, under other keys and for other hours, all within
// the first second; honest people ask once, over the whole minute. Of each identity one entry stands, so scripts
// have the chances of their identities and not of their number. With SUIYUE_NOON=full it is played with 10,000
// scripts on 1,000 identities against 2,000 people on eight noons, and the shares are measured.
func TestDraw_ScriptsHaveTheChancesOfTheirIdentities(t *testing.T) {
	full := os.Getenv("SUIYUE_NOON") == "full"
	scripted, honest, noons := 20, 40, 1
	if full {
		scripted, honest, noons = 1000, 2000, 8
	}
	const scripts = 10
	f := apptest.New(t, apptest.Options{})
	q := *f.App.City().Queue(apptest.QueueA)
	q.DailyAverage = max((scripted+honest)/2, 70)
	if err := f.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveQueues(t.Context(), []directory.Queue{q}) }); err != nil {
		t.Fatal(err)
	}
	if err := f.App.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.App.Prepare(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	d := newDrawing(t, f)
	var arrival, success []float64
	numbers, toHonest := 0, 0
	for n, noon := 0, d.noon; n < noons; noon = noon.AddDate(0, 0, 1) {
		f.Clock.Set(noon.Add(-2 * time.Hour))
		if _, err := f.App.Prepare(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := f.App.PublishDraws(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.id, d.slots = draw.ID(apptest.QueueA, noon), nil
		for _, day := range f.App.Days(apptest.QueueA, 20) {
			for _, s := range day.Slots {
				if s.State == app.SlotNotReleased && s.From.Equal(noon) {
					d.slots = append(d.slots, s.ID)
				}
			}
		}
		if len(d.slots) == 0 { // nothing is released for a weekend
			continue
		}
		f.Clock.Set(noon)
		people := make([]*identity.Session, scripted+honest)
		for i := range people {
			_, people[i] = f.SignIn(t, apptest.Citizen(1+n*len(people)+i))
		}
		salts := make([]string, len(people))
		at := make([]int, len(people))
		asked := 0
		var mu sync.Mutex
		ask := func(who, try int) {
			slot := d.slots[(who+try)%len(d.slots)]
			got, err := f.App.Book(t.Context(), people[who], self(fmt.Sprintf("script-%04d-%d", n, try), slot))
			if err != nil && fault.CodeOf(err) != fault.DrawOnce {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if asked++; err == nil && salts[who] == "" {
				salts[who], at[who] = got.Entry.Text, asked
			}
		}
		var wg sync.WaitGroup
		free := make(chan struct{}, 128)
		for i := range scripted * scripts {
			free <- struct{}{}
			wg.Go(func() { defer func() { <-free }(); ask(i%scripted, i/scripted) })
		}
		wg.Wait()
		for i := range honest {
			f.Clock.Set(noon.Add(time.Second + time.Duration(i)*58*time.Second/time.Duration(honest)))
			free <- struct{}{}
			wg.Go(func() { defer func() { <-free }(); ask(scripted+i, 0) })
		}
		wg.Wait()
		f.Clock.Set(noon.Add(63 * time.Second))
		if done, err := f.App.CarryOutDraws(t.Context()); err != nil || done != 1 {
			t.Fatalf("%d carried out, %v", done, err)
		}
		r := d.record()
		if wrong, _ := r.Check(); len(wrong) > 0 || len(r.Entries) != len(people) {
			t.Fatalf("%d entries of %d identities: %v", len(r.Entries), len(people), wrong)
		}
		of := map[string]int{}
		for who, text := range salts {
			of[text] = who
		}
		for _, e := range r.Entries {
			who, got := of[e.Entry], 0.0
			if e.Outcome == "booked" {
				got = 1
				if numbers++; who >= scripted {
					toHonest++
				}
			}
			arrival, success = append(arrival, float64(at[who])), append(success, got)
		}
		n++
	}
	share, fair := 100*float64(toHonest)/float64(numbers), 100*float64(honest)/float64(scripted+honest)
	c := pearson(arrival, success)
	t.Logf("%d numbers: honest share %.2f %% (identities %.2f %%), correlation of arrival and success %.4f", numbers, share, fair, c)
	if full && (math.Abs(share-fair) > 2 || math.Abs(c) > .02) {
		t.Errorf("more than 2 points, or than 0.02, away")
	}
	d.healthy()
}

func pearson(x, y []float64) float64 {
	n := float64(len(x))
	var sx, sy, sxx, syy, sxy float64
	for i := range x {
		sx, sy, sxx, syy, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], syy+y[i]*y[i], sxy+x[i]*y[i]
	}
	return (n*sxy - sx*sy) / math.Sqrt((n*sxx-sx*sx)*(n*syy-sy*sy))
}
