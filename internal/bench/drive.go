// Package bench measures the product: real transactions with every safety on, real HTTP between
// processes, a recount after each run, and beside it, in the same run, what it is compared with.
package bench

import (
	"context"
	"slices"
	"sync"
	"time"

	"suiyue/internal/domain/fault"
)

// Result is what one run came to.
type Result struct {
	Name    string
	Elapsed time.Duration
	Done    int                // accepted
	Refused map[fault.Code]int // refused, by code
	Failed  int                // neither: an error that no rule explains
	P50     time.Duration
	P99     time.Duration
	Max     time.Duration
}

// Rate returns accepted requests per second; Answers counts refusals too.
func (r Result) Rate() float64    { return float64(r.Done) / r.Elapsed.Seconds() }
func (r Result) Answers() float64 { return float64(r.Done+r.refusals()) / r.Elapsed.Seconds() }

func (r Result) refusals() int {
	n := 0
	for _, c := range r.Refused {
		n += c
	}
	return n
}

// tally collects the answers of one client.
type tally struct {
	took    []time.Duration
	done    int
	failed  int
	refused map[fault.Code]int
}

func (t *tally) add(took time.Duration, err error) {
	t.took = append(t.took, took)
	switch f := (*fault.Error)(nil); {
	case err == nil:
		t.done++
	default:
		f = fault.As(err)
		if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
			t.failed++
			return
		}
		t.refused[f.Code]++
	}
}

// closed runs clients that each ask again as soon as they are answered, for d after a warm-up of d/4
// that is not counted. call is told the client and how many times it has asked before.
func closed(ctx context.Context, name string, clients int, d time.Duration, call func(ctx context.Context, client, n int) error) Result {
	return load(ctx, name, clients, d/4, d, call)
}

func load(ctx context.Context, name string, clients int, warm, d time.Duration, call func(ctx context.Context, client, n int) error) Result {
	tallies := make([]tally, clients)
	start := time.Now().Add(warm)
	end := start.Add(d)
	var wg sync.WaitGroup
	for c := range clients {
		tallies[c].refused = map[fault.Code]int{}
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				began := time.Now()
				if !began.Before(end) {
					return
				}
				err := call(ctx, c, n)
				if now := time.Now(); !began.Before(start) {
					tallies[c].add(now.Sub(began), err)
				}
			}
		})
	}
	wg.Wait()
	return sum(name, tallies, max(time.Since(start), time.Millisecond))
}

// burst sends every request at once from a number of clients and returns when all are answered.
func burst(ctx context.Context, name string, clients, requests int, call func(ctx context.Context, client, n int) error) Result {
	tallies := make([]tally, clients)
	began := time.Now()
	var wg sync.WaitGroup
	for c := range clients {
		tallies[c].refused = map[fault.Code]int{}
		wg.Go(func() {
			for n := c; n < requests && ctx.Err() == nil; n += clients {
				at := time.Now()
				err := call(ctx, c, n)
				tallies[c].add(time.Since(at), err)
			}
		})
	}
	wg.Wait()
	return sum(name, tallies, time.Since(began))
}

// open sends requests at a given rate, whether or not earlier ones have been answered, and measures
// each from the instant it was meant to be sent. A warm-up of d/4, in which connections are opened and
// people are met for the first time, is not counted.
func open(ctx context.Context, name string, rate float64, d time.Duration, call func(ctx context.Context, n int) error) Result {
	warm := int(rate * d.Seconds() / 4)
	requests := warm + int(rate*d.Seconds())
	var mu sync.Mutex
	total := tally{refused: map[fault.Code]int{}}
	began := time.Now()
	var wg sync.WaitGroup
	for n := range requests {
		at := began.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		if wait := time.Until(at); wait > 0 {
			time.Sleep(wait)
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			err := call(ctx, n)
			took := time.Since(at)
			if n < warm {
				return
			}
			mu.Lock()
			total.add(took, err)
			mu.Unlock()
		})
	}
	wg.Wait()
	return sum(name, []tally{total}, time.Since(began)-d/4)
}

func sum(name string, tallies []tally, elapsed time.Duration) Result {
	r := Result{Name: name, Elapsed: elapsed, Refused: map[fault.Code]int{}}
	var took []time.Duration
	for _, t := range tallies {
		r.Done += t.done
		r.Failed += t.failed
		for code, n := range t.refused {
			r.Refused[code] += n
		}
		took = append(took, t.took...)
	}
	slices.Sort(took)
	if n := len(took); n > 0 {
		r.P50, r.P99, r.Max = took[n/2], took[n*99/100], took[n-1]
	}
	return r
}
