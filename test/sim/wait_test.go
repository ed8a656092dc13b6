package sim

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/domain/counter"
)

// told is what was told about one ticket when it was given, by every way, and what came.
type told struct {
	queue   string
	outcome counter.Outcome
	guess   map[counter.Way]time.Duration
	rng     counter.Range
}

// watch lives a day and notes what would have been told to everybody who was called in the end.
func watch(s *Shape, seed uint64, past counter.Pasts, ways []counter.Way) (out []told) {
	d := New(s, seed, NoBug)
	notes := map[string]*told{}
	d.Issued = func(now time.Time, f *counter.Floor, t *counter.Ticket) {
		n := &told{queue: t.QueueID, guess: map[counter.Way]time.Duration{}}
		for _, w := range ways {
			if g, ok := f.Guess(w, now, t.QueueID, t.ID, past); ok {
				n.guess[w] = g
			}
		}
		n.rng = f.Foretell(now, t.QueueID, t.ID, past)
		notes[t.ID] = n
	}
	for _, t := range d.Run().Tickets {
		if n := notes[t.ID]; !t.FirstAt.IsZero() {
			n.outcome = counter.Outcome{Kind: t.Kind, Issued: t.IssuedAt, Guess: n.rng.Guess, Waited: t.FirstAt.Sub(t.IssuedAt)}
			if t.State == counter.Done && t.Calls == 1 {
				n.outcome.Took = t.EndedAt.Sub(t.CalledAt)
			}
			out = append(out, *n)
		}
	}
	return out
}

// learn is what a hall has learned after n days of its own, by queue: with the errors of each way, and under
// "" with those of the ranges told.
func learn(s *Shape, from, n uint64, past counter.Pasts) map[counter.Way]counter.Pasts {
	list := map[counter.Way]map[string][]counter.Outcome{"": {}}
	for seed := from; seed < from+n; seed++ {
		for _, w := range watch(s, seed, past, counter.Ways) {
			list[""][w.queue] = append(list[""][w.queue], w.outcome)
			for _, way := range counter.Ways {
				o := w.outcome
				o.Guess = w.guess[way]
				if list[way] == nil {
					list[way] = map[string][]counter.Outcome{}
				}
				list[way][w.queue] = append(list[way][w.queue], o)
			}
		}
	}
	out := map[counter.Way]counter.Pasts{}
	for way, queues := range list {
		out[way] = counter.Pasts{}
		for q, l := range queues {
			out[way][q] = counter.Learn(int(n), l)
		}
	}
	return out
}

type score struct {
	n, told, held int
	off           float64 // minutes, sum of absolute errors
	width         float64
}

func (s *score) coverage() float64 { return float64(s.held) / float64(max(1, s.told)) }
func (s *score) mean() float64     { return s.off / float64(max(1, s.n)) }

// TestWaitsAreToldAsTheyCome measures every way to tell a wait on days it has not learned from.
func TestWaitsAreToldAsTheyCome(t *testing.T) {
	const learned, held = 40, 40
	var mu sync.Mutex
	var wg sync.WaitGroup
	all := map[counter.Way]*score{}
	tables := make([]string, len(Shapes))
	for i := range Shapes {
		wg.Go(func() {
			s := &Shapes[i]
			pasts := learn(s, 20_000, learned, learn(s, 10_000, 10, nil)[""])
			scores := map[counter.Way]*score{}
			final, fresh := &score{}, &score{}
			for seed := uint64(40_000); seed < 40_010; seed++ {
				for _, o := range watch(s, seed, nil, nil) {
					if o.rng.Late > 0 {
						fresh.count(o.rng.Early, o.rng.Late, o.outcome.Waited)
					}
				}
			}
			for seed := uint64(30_000); seed < 30_000+held; seed++ {
				for _, o := range watch(s, seed, pasts[""], counter.Ways) {
					for _, w := range counter.Ways {
						sc := scores[w]
						if sc == nil {
							sc = &score{}
							scores[w] = sc
						}
						g, ok := o.guess[w]
						if !ok {
							continue
						}
						sc.n++
						sc.off += math.Abs((o.outcome.Waited - g).Minutes())
						if g >= 20*time.Second {
							early, late := pasts[w][o.queue].Around(o.outcome.Kind, g)
							sc.count(early, late, o.outcome.Waited)
						}
					}
					if o.rng.Late > 0 {
						final.count(o.rng.Early, o.rng.Late, o.outcome.Waited)
					}
				}
			}
			var b strings.Builder
			for _, w := range counter.Ways {
				fmt.Fprintf(&b, "\n%-9s %-10s %6d %8.2f min %7.1f %% %7.1f min", s.Name, w, scores[w].n, scores[w].mean(), 100*scores[w].coverage(), scores[w].width/float64(max(1, scores[w].told)))
			}
			fmt.Fprintf(&b, "\n%-9s %-10s %6d %12s %7.1f %% %7.1f min", s.Name, "as told", final.told, "", 100*final.coverage(), final.width/float64(max(1, final.told)))
			fmt.Fprintf(&b, "\n%-9s %-10s %6d %12s %7.1f %% %7.1f min", s.Name, "unlearned", fresh.told, "", 100*fresh.coverage(), fresh.width/float64(max(1, fresh.told)))
			mu.Lock()
			defer mu.Unlock()
			tables[i] = b.String()
			if c := final.coverage(); c < 0.75 || c > 0.85 {
				t.Errorf("%s: the ranges told held %.1f %% of %d waits", s.Name, 100*c, final.told)
			}
			for w, sc := range scores {
				if all[w] == nil {
					all[w] = &score{}
				}
				all[w].n += sc.n
				all[w].off += sc.off
			}
		})
	}
	wg.Wait()
	t.Logf("%-9s %-10s %6s %12s %9s %11s%s", "hall", "way", "waits", "error", "held", "range", strings.Join(tables, ""))
	for _, w := range counter.Ways {
		if best := all[counter.Chosen].mean(); all[w].mean() < best {
			t.Errorf("%s errs by %.2f min, %s by %.2f", w, all[w].mean(), counter.Chosen, best)
		}
	}
}

func (s *score) count(early, late, came time.Duration) {
	s.told++
	s.width += (late - early).Minutes()
	if early <= came && came <= late {
		s.held++
	}
}
