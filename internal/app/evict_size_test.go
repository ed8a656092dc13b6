package app_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
)

// Ten thousand people lose their hours at once. The run is cut off twice: a process is killed in the
// middle, then a node is shut down; whoever comes next finishes it. Afterwards nobody is forgotten and
// nobody told twice.
func TestTenThousandPeopleLoseTheirHoursAtOnce(t *testing.T) {
	people := 10_000
	if testing.Short() {
		people = 6_000
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			o := apptest.Options{Source: filepath.Join(t.TempDir(), "city.db")}
			if engine == "postgres" {
				o.Source = pgtest.New(t)
			}
			f := apptest.New(t, o)
			cuts := dayOff()
			crowd(t, f, people)
			before := f.Rows(t)
			began := time.Now()
			killed := killInTheMiddle(t, o.Source, people/3)
			node, err := app.New(t.Context(), app.Config{DB: f.DB, Vault: f.Vault, Now: f.Clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			if err := node.Evict(ctx, "R2026-10", cuts, func(done, all int) {
				if all == people {
					t.Error("the process that was killed had done nothing")
				}
				if done >= people/8 {
					cancel()
				}
			}); err == nil {
				t.Error("it was not cut off")
			}
			cancel()
			node.Close()
			left := 0
			if err := f.App.Evict(t.Context(), "R2026-10", cuts, func(_, all int) { left = all }); err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			t.Logf("%s: %d people moved out in %v with two interruptions, after %d and by a shutdown, %d by the last run; %.0f a second on %d cores",
				engine, people, took.Round(time.Millisecond), killed, left, float64(people)/took.Seconds(), runtime.GOMAXPROCS(0))
			if took > 30*time.Second {
				t.Errorf("it took %v, want under 30 s", took)
			}
			if left == 0 || left >= people {
				t.Errorf("%d left for the last run: this proves nothing about being cut off", left)
			}
			after := f.Rows(t)
			if after["message"]-before["message"] != people || after["event"]-before["event"] != people || after["booking"] != people {
				t.Errorf("%d messages and %d events for %d people", after["message"]-before["message"], after["event"]-before["event"], people)
			}
			counts, err := f.App.Choices(t.Context(), "R2026-10")
			if err != nil {
				t.Fatal(err)
			}
			if counts[booking.ChoiceWaiting] != people || len(counts) != 1 {
				t.Errorf("they stand as %v", counts)
			}
			if after["taken"] != 2*seats(people) {
				t.Errorf("%d numbers are taken, there is room for %d", after["taken"], 2*seats(people))
			}
			(&storm{Fixture: f}).healthy(t)
		})
	}
}

var (
	stormDay   = calendar.DateOf(apptest.Start) + 8
	stormHours = []int{9, 10, 11, 13, 14, 15, 16}
)

// dayOff closes the whole day of a queue.
func dayOff() []app.SlotCut {
	cuts := make([]app.SlotCut, len(stormHours))
	for i, h := range stormHours {
		cuts[i] = app.SlotCut{HallID: apptest.HallA, QueueID: apptest.QueueA, SlotID: booking.SlotID(apptest.QueueA, stormDay, h), Closed: true}
	}
	return cuts
}

// evictIn names the database in which a process of its own evicts, until it is killed.
const evictIn = "SUIYUE_TEST_EVICT_IN"

func evictAndDie(source string) {
	ctx := context.Background()
	now := func() time.Time { return apptest.Start }
	db, err := store.Open(ctx, source, store.Options{Now: now})
	if err == nil {
		var a *app.App
		if a, err = app.New(ctx, app.Config{DB: db, Vault: apptest.NewVault(), Now: now}); err == nil {
			err = a.Evict(ctx, "R2026-10", dayOff(), func(done, _ int) { fmt.Println("done", done) })
		}
	}
	fmt.Println("ended", err)
	os.Exit(1)
}

// killInTheMiddle has another process evict, and kills it once it has moved so many. It returns how many
// that process said it had moved.
func killInTheMiddle(t *testing.T, source string, enough int) (done int) {
	t.Helper()
	p := exec.CommandContext(t.Context(), os.Args[0])
	p.Env = append(os.Environ(), evictIn+"="+source)
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, err := fmt.Sscanf(lines.Text(), "done %d", &done); n != 1 {
			t.Fatalf("the other process: %s, %v", lines.Text(), err)
		}
		if done >= enough {
			break
		}
	}
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err == nil {
		t.Error("the other process ended by itself")
	}
	return done
}

// seats is for how many people a hall has room later: there and in the next street for four in ten each.
func seats(people int) int { return people * 4 / 10 / 4 * 4 }

// crowd lets people book the hours of a day, and makes room for them there, and later for most of them.
func crowd(t *testing.T, f *apptest.Fixture, people int) {
	t.Helper()
	day, hours := stormDay, stormHours
	var wide []app.SlotCut
	for queue, hall := range map[string]string{apptest.QueueA: apptest.HallA, apptest.QueueStreet: apptest.HallStreet} {
		var later []string
		for _, id := range f.FreeSlots(queue) {
			switch _, date, _, _ := booking.ParseSlotID(id); {
			case date > day:
				later = append(later, id)
			case date == day && queue == apptest.QueueA:
				wide = append(wide, app.SlotCut{HallID: hall, QueueID: queue, SlotID: id, To: (people + len(hours) - 1) / len(hours)})
			case date == day: // full to whoever is moved
				wide = append(wide, app.SlotCut{HallID: hall, QueueID: queue, SlotID: id, To: 0})
			}
		}
		for i, id := range later {
			to := 0 // all of it in the last four hours there are
			if i >= len(later)-4 {
				to = seats(people) / 4
			}
			wide = append(wide, app.SlotCut{HallID: hall, QueueID: queue, SlotID: id, To: to})
		}
	}
	if err := f.App.Evict(t.Context(), "R2026-0", wide, nil); err != nil {
		t.Fatal(err)
	}
	f.Reopen(t)
	line := make(chan int)
	var wg sync.WaitGroup
	for range 512 {
		wg.Go(func() {
			for i := range line {
				p := apptest.Citizen(i)
				p.Key = identity.Key(fmt.Sprintf("person-%06d", i))
				slot := booking.SlotID(apptest.QueueA, day, hours[i%len(hours)])
				if _, err := f.App.Book(t.Context(), &identity.Session{Person: p}, self(fmt.Sprintf("crowd-%06d", i), slot)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range people {
		line <- i
	}
	close(line)
	wg.Wait()
}
