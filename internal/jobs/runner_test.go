package jobs

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// leases keeps leases in memory as the store does in a table.
type leases struct {
	mu    sync.Mutex
	owner map[string]string
	until map[string]time.Time
}

func newLeases() *leases { return &leases{owner: map[string]string{}, until: map[string]time.Time{}} }

func (l *leases) taker(node string) func(context.Context, string, time.Duration) (bool, error) {
	return func(_ context.Context, name string, hold time.Duration) (bool, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if o := l.owner[name]; o != "" && o != node && time.Now().Before(l.until[name]) {
			return false, nil
		}
		l.owner[name], l.until[name] = node, time.Now().Add(hold)
		return true, nil
	}
}

func (l *leases) runner(node string, told func(Turn)) *Runner {
	return &Runner{Take: l.taker(node), Now: time.Now, Log: slog.New(slog.DiscardHandler), Told: told}
}

// log collects what happened, with the seconds since the start.
type log struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func (l *log) add(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, time.Since(l.start).String()+" "+what)
}

func (l *log) is(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.lines, want) {
		t.Errorf("got  %q\nwant %q", l.lines, want)
	}
}

func TestRunsAtOnceThenByItsPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{start: time.Now()}
		left := 2
		task := Task{Name: "t", Every: time.Minute, Again: time.Second, Run: func(context.Context) (bool, error) {
			l.add("run")
			left--
			return left >= 0, nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		newLeases().runner("a", nil).Run(ctx, task)
		l.is(t, "0s run", "1s run", "2s run", "1m2s run")
	})
}

func TestOneNodeAtATimeAndTakenOverAfterADeath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, shared := &log{start: time.Now()}, newLeases()
		task := func(node string) Task {
			return Task{Name: "t", Every: 10 * time.Second, Lease: 25 * time.Second, Run: func(context.Context) (bool, error) {
				l.add(node)
				return false, nil
			}}
		}
		// Node a dies at 22 s without giving anything back: it took the lease last at 20 s.
		if ok, _ := shared.taker("a")(t.Context(), "t", 20*time.Second); !ok {
			t.Fatal("a free lease was refused")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 35*time.Second)
		defer cancel()
		shared.runner("b", func(turn Turn) {
			if turn.Outcome == Elsewhere {
				l.add("b waits")
			}
		}).Run(ctx, task("b"))
		l.is(t, "0s b waits", "10s b waits", "20s b", "30s b")
	})
}

func TestLeaseIsGivenBackAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newLeases()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		shared.runner("a", nil).Run(ctx, Task{Name: "t", Every: time.Hour, Lease: time.Hour, Run: func(context.Context) (bool, error) { return false, nil }})
		if ok, _ := shared.taker("b")(t.Context(), "t", time.Minute); !ok {
			t.Error("another node cannot take the task of a node that has stopped")
		}
	})
}

func TestFailuresAndPanicsAreTriedAgainWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{start: time.Now()}
		n := 0
		task := Task{Name: "t", Every: time.Hour, Run: func(context.Context) (bool, error) {
			n++
			switch {
			case n%2 == 0:
				panic("secret")
			case n < 8:
				return false, errors.New("no")
			}
			return false, nil
		}}
		var turns []Outcome
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
		defer cancel()
		newLeases().runner("a", func(turn Turn) {
			if len(turns) < 9 {
				turns = append(turns, turn.Outcome)
				l.add("")
			}
		}).Run(ctx, task)
		want := []Outcome{Failed, Panicked, Failed, Panicked, Failed, Panicked, Failed, Panicked, Ran}
		if !slices.Equal(turns, want) {
			t.Errorf("turns %v, want %v", turns, want)
		}
		l.is(t, "0s ", "1s ", "3s ", "7s ", "15s ", "31s ", "1m3s ", "2m3s ", "3m3s ")
	})
}

func TestARunIsCutOffAtItsLimitAndKickRunsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{start: time.Now()}
		r := newLeases().runner("a", nil)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		go func() {
			time.Sleep(20 * time.Second)
			r.Kick()
		}()
		first := true
		r.Run(ctx, Task{Name: "t", Every: time.Hour, Limit: 5 * time.Second, Run: func(ctx context.Context) (bool, error) {
			l.add("run")
			if first {
				first = false
				<-ctx.Done()
				l.add("cut")
			}
			return false, nil
		}})
		l.is(t, "0s run", "5s cut", "20s run")
	})
}
