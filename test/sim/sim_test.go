package sim

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

// days lives n days of each shape and returns what it came to.
func days(t *testing.T, n int, bug Bug) (lived, tickets, acts, late, alone int, wrong []string) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := 0
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= n*len(Shapes) {
					return
				}
				s := &Shapes[i%len(Shapes)]
				r := New(s, uint64(i/len(Shapes)), bug).Run()
				mu.Lock()
				lived, tickets, acts, late, alone = lived+1, tickets+len(r.Tickets), acts+r.Acts, late+r.Late, alone+r.Alone
				for _, w := range r.Wrong {
					wrong = append(wrong, s.Name+" day "+strconv.Itoa(i/len(Shapes))+" "+w)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return
}

// TestDaysInTheHall lives days and looks that nothing goes wrong that must not. SUIYUE_SIM sets how many of
// each shape.
func TestDaysInTheHall(t *testing.T) {
	n := 60
	if v := os.Getenv("SUIYUE_SIM"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	lived, tickets, acts, late, alone, wrong := days(t, n, NoBug)
	took := time.Since(start)
	for _, w := range wrong {
		t.Error(w)
	}
	t.Logf("%d days, %d tickets, %d acts in %v: %.0f days a minute; %d came too late, %d calls by counters that were cut off",
		lived, tickets, acts, took.Round(time.Millisecond), float64(lived)/took.Minutes(), late, alone)
	if tickets/lived < 50 || late == 0 || alone == 0 {
		t.Error("too little happens in these days")
	}
}

// TestTheCheckerFindsWhatIsWrong puts one fault after another into the floor.
func TestTheCheckerFindsWhatIsWrong(t *testing.T) {
	for bug := NoBug + 1; bug < bugs; bug++ {
		t.Run(bug.String(), func(t *testing.T) {
			for day := range uint64(40) {
				for i := range Shapes {
					if r := New(&Shapes[i], day, bug).Run(); len(r.Wrong) > 0 {
						t.Logf("found on day %d in %s: %s", day, Shapes[i].Name, r.Wrong[0])
						return
					}
				}
			}
			t.Fatal("was not found")
		})
	}
}
