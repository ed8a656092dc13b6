package batch_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"suiyue/internal/batch"
	"suiyue/internal/domain/fault"
)

// double answers each number with its double after a pause, and counts groups.
func double(groups *atomic.Int64, pause time.Duration) batch.Runner[int, int] {
	return func(_ context.Context, _ int, group []int) []int {
		groups.Add(1)
		time.Sleep(pause)
		out := make([]int, len(group))
		for i, q := range group {
			out[i] = 2 * q
		}
		return out
	}
}

func TestALoneCallStartsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var groups atomic.Int64
		l := batch.New(t.Context(), batch.Config{Lanes: 1}, double(&groups, time.Millisecond))
		defer l.Close()
		began := time.Now()
		if a, err := l.Do(t.Context(), 21); err != nil || a != 42 {
			t.Fatalf("got %d, %v", a, err)
		}
		if took := time.Since(began); took != time.Millisecond {
			t.Errorf("a lone call took %v, want the run's 1ms and no waiting", took)
		}
	})
}

func TestCallsThatWaitAreAnsweredTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var groups atomic.Int64
		l := batch.New(t.Context(), batch.Config{Lanes: 1, Limit: 64, Depth: 1024}, double(&groups, time.Millisecond))
		defer l.Close()
		var wg sync.WaitGroup
		for i := range 640 {
			wg.Go(func() {
				if a, err := l.Do(t.Context(), i); err != nil || a != 2*i {
					t.Errorf("call %d got %d, %v", i, a, err)
				}
			})
		}
		wg.Wait()
		if n := groups.Load(); n < 10 || n > 12 {
			t.Errorf("640 calls were answered in %d groups, want about 10 of at most 64", n)
		}
	})
}

func TestAFullLineSaysBusyAndDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var groups atomic.Int64
		l := batch.New(t.Context(), batch.Config{Lanes: 1, Limit: 1, Depth: 2}, double(&groups, time.Second))
		var busy atomic.Int64
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				if _, err := l.Do(t.Context(), i); fault.CodeOf(err) == fault.Busy {
					busy.Add(1)
				}
			})
		}
		wg.Wait()
		l.Close()
		if answered := groups.Load(); answered+busy.Load() != 10 || busy.Load() < 6 {
			t.Errorf("%d answered and %d busy of 10", answered, busy.Load())
		}
	})
}

func TestAnAbandonedCallIsNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ran sync.Map
		l := batch.New(t.Context(), batch.Config{Lanes: 1, Limit: 1}, func(_ context.Context, _ int, g []int) []int {
			time.Sleep(time.Second)
			ran.Store(g[0], true)
			return g
		})
		go l.Do(t.Context(), 1)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := l.Do(ctx, 2); fault.CodeOf(err) != fault.Busy {
			t.Errorf("a call whose caller left got %v", err)
		}
		l.Close()
		if _, ok := ran.Load(2); ok {
			t.Error("it was run all the same")
		}
	})
}

func TestARunningCallIsAnsweredThoughItsCallerWouldLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var groups atomic.Int64
		l := batch.New(t.Context(), batch.Config{Lanes: 1}, double(&groups, time.Second))
		defer l.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if a, err := l.Do(ctx, 4); err != nil || a != 8 {
			t.Errorf("got %d, %v: an answer that exists must reach its caller", a, err)
		}
	})
}

func TestCloseAnswersWhatWasAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var groups atomic.Int64
		l := batch.New(t.Context(), batch.Config{Lanes: 2, Limit: 4, Depth: 64}, double(&groups, time.Second))
		var wg sync.WaitGroup
		var answered atomic.Int64
		for i := range 40 {
			wg.Go(func() {
				if a, err := l.Do(t.Context(), i); err == nil && a == 2*i {
					answered.Add(1)
				}
			})
		}
		synctest.Wait()
		l.Close()
		wg.Wait()
		if answered.Load() != 40 {
			t.Errorf("%d of 40 accepted calls were answered", answered.Load())
		}
		if _, err := l.Do(t.Context(), 1); fault.CodeOf(err) != fault.ShuttingDown {
			t.Errorf("a call after Close got %v", err)
		}
	})
}

func TestCallsStartInTheOrderTheyCame(t *testing.T) {
	var mu sync.Mutex
	seen := map[int][]int{}
	l := batch.New(t.Context(), batch.Config{Lanes: 1, Limit: 8}, func(_ context.Context, _ int, g [][2]int) [][2]int {
		mu.Lock()
		defer mu.Unlock()
		for _, q := range g {
			seen[q[0]] = append(seen[q[0]], q[1])
		}
		return g
	})
	var wg sync.WaitGroup
	for caller := range 8 {
		wg.Go(func() {
			for i := range 200 {
				l.Do(t.Context(), [2]int{caller, i})
			}
		})
	}
	wg.Wait()
	l.Close()
	for caller, list := range seen {
		for i, v := range list {
			if v != i {
				t.Fatalf("caller %d: call %d came as number %d", caller, v, i)
			}
		}
	}
}

func TestSeveralLanesShareOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var groups atomic.Int64
		l := batch.New(t.Context(), batch.Config{Lanes: 4, Limit: 1, Depth: 64}, double(&groups, time.Second))
		defer l.Close()
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				if a, err := l.Do(t.Context(), i); err != nil || a != 2*i {
					t.Errorf("call %d got %d, %v", i, a, err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("40 calls of a second took four lanes %v: no lane may stand idle while calls wait", took)
		}
	})
}

// at asks after a pause and returns when the answer came, counted from began.
func at(t *testing.T, l *batch.Lanes[int, int], began time.Time, pause time.Duration) time.Duration {
	time.Sleep(pause)
	if _, err := l.Do(t.Context(), 1); err != nil {
		t.Error(err)
	}
	return time.Since(began)
}

func TestAnotherLaneJoinsWhenAGroupIsFull(t *testing.T) {
	for _, c := range []struct {
		calls  int // that come while one runs
		groups int64
		last   time.Duration
	}{
		{3, 2, 8 * time.Millisecond}, // few: after the one that runs
		{4, 2, 5 * time.Millisecond}, // a full group: beside it
	} {
		synctest.Test(t, func(t *testing.T) {
			var groups atomic.Int64
			l := batch.New(t.Context(), batch.Config{Lanes: 2, Full: 4}, double(&groups, 4*time.Millisecond))
			defer l.Close()
			began := time.Now()
			var wg sync.WaitGroup
			wg.Go(func() { at(t, l, began, 0) })
			for range c.calls {
				wg.Go(func() {
					if got := at(t, l, began, time.Millisecond); got != c.last {
						t.Errorf("one of %d that came at 1ms was answered at %v, want %v", c.calls, got, c.last)
					}
				})
			}
			wg.Wait()
			if n := groups.Load(); n != c.groups {
				t.Errorf("%d groups, want %d", n, c.groups)
			}
		})
	}
}

func TestALaneThatRunsForLongKeepsNobodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var groups atomic.Int64
		l := batch.New(t.Context(), batch.Config{Lanes: 2}, double(&groups, time.Second))
		defer l.Close()
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { at(t, l, began, 0) })
		wg.Go(func() {
			if got, want := at(t, l, began, time.Millisecond), 1021*time.Millisecond; got != want {
				t.Errorf("answered at %v, want %v: twenty milliseconds later the other lane takes it", got, want)
			}
		})
		wg.Wait()
	})
}

func TestWhatComesWhileALaneRunsStartsWhenItIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var groups atomic.Int64
		l := batch.New(t.Context(), batch.Config{Lanes: 2}, double(&groups, time.Millisecond))
		defer l.Close()
		began := time.Now()
		var wg sync.WaitGroup
		ask := func(pause, want time.Duration) {
			wg.Go(func() {
				if got := at(t, l, began, pause); got != want {
					t.Errorf("a call at %v was answered at %v, want %v", pause, got, want)
				}
			})
		}
		const us = time.Microsecond
		ask(0, 1000*us)
		for range 9 {
			ask(500*us, 2000*us) // while the first runs: a group of nine
		}
		ask(1500*us, 3000*us)  // while they run
		ask(9000*us, 10000*us) // a lone call starts at once
		wg.Wait()
		if n := groups.Load(); n != 4 {
			t.Errorf("%d groups, want 4", n)
		}
	})
}
