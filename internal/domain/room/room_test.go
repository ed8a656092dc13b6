package room

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)

// visitor is somebody of a test's crowd: they ask, do as they are told, work for a while when let in, and go.
type visitor struct {
	who     string
	next    time.Time     // when they ask next
	works   time.Duration // what their business takes once they are in
	hurries int           // asks so many times between two that they were told
	told    int           // last position
	in, out time.Time
	away    bool // never comes back after the first time
}

// play runs a crowd through a room, checks what holds at each step, and returns who was called from the line, in order.
func play(t *rapid.T, r *Room, crowd []*visitor, load func(time.Duration) int, until time.Duration) (called []string) {
	now := start
	working := map[*visitor]time.Time{}
	for ; now.Before(start.Add(until)); now = now.Add(25 * time.Millisecond) {
		for _, v := range crowd { // crowd is a list: who comes at the same instant comes in its order
			if end, ok := working[v]; ok {
				if !now.Before(end) {
					r.End(now, v.who, true)
					delete(working, v)
					v.out = now
				}
				continue
			}
			if !v.out.IsZero() || now.Before(v.next) {
				continue
			}
			before := slices.Clone(r.line)
			busy := load(now.Sub(start))
			a := r.Ask(now, Comer{Who: v.who}, busy)
			for _, g := range before {
				if g.waits {
					continue
				}
				called = append(called, g.who)
				for _, ahead := range before { // nobody who is there is passed over
					if ahead.waits && ahead.before(g) && !now.After(ahead.seen.Add(ahead.pause+grace)) && ahead.who != v.who {
						t.Fatalf("%s is called before %s", g.who, ahead.who)
					}
				}
			}
			if len(r.inside) > r.rules.Inside {
				t.Fatalf("%d inside, %d at most", len(r.inside), r.rules.Inside)
			}
			switch {
			case a.In:
				v.in = now
				r.Begin(now, v.who)
				working[v] = now.Add(v.works)
			case a.Full:
				if len(r.line) < r.rules.Line {
					t.Fatalf("full with %d in line", len(r.line))
				}
				v.next = now.Add(a.Again)
			default:
				if a.Again < soonest || a.Again > latest || a.Position < 1 || a.Position > len(r.line) {
					t.Fatalf("told %+v", a)
				}
				if v.told > 0 && a.Position > v.told {
					t.Fatalf("%s was %d in line and is %d", v.who, v.told, a.Position)
				}
				if v.told, v.next = a.Position, now.Add(a.Again); v.hurries > 0 {
					v.next = now.Add(a.Again / time.Duration(1+v.hurries))
				}
				if v.away {
					v.next = start.Add(24 * time.Hour)
				}
			}
			names := map[string]bool{}
			for _, g := range r.line {
				if names[g.who] || !g.waits || r.inside[g.who] != nil {
					t.Fatalf("%s has two places", g.who)
				}
				names[g.who] = true
			}
		}
	}
	return called
}

func crowdOf(t *rapid.T, n int) (crowd []*visitor) {
	for i := range n {
		v := &visitor{
			who: fmt.Sprintf("p%03d", i), next: start.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "at")) * time.Millisecond),
			works: time.Duration(rapid.IntRange(25, 1500).Draw(t, "works")) * time.Millisecond,
		}
		switch rapid.IntRange(0, 9).Draw(t, "manner") {
		case 0:
			v.away = true
		case 1, 2:
			v.hurries = rapid.IntRange(1, 20).Draw(t, "hurries")
		}
		crowd = append(crowd, v)
	}
	return crowd
}

func idle(time.Duration) int { return 0 }

// Whatever the crowd does: never more inside than may be, people are called in the order they came, a place only
// moves forward, asking oftener moves nobody forward, and everybody who does as they are told gets in.
func TestRoom_InOrderNeverTooManyNobodyStarves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inside := rapid.IntRange(1, 8).Draw(t, "inside")
		crowd := crowdOf(t, rapid.IntRange(1, 60).Draw(t, "people"))
		r := New(Rules{Inside: inside, Line: 1000}, nil, nil)
		work := time.Duration(0)
		for _, v := range crowd {
			work += v.works + latest + grace + soonest // at worst each has to be waited for
		}
		play(t, r, crowd, idle, 30*time.Second+work/time.Duration(inside))
		for _, v := range crowd {
			if v.in.IsZero() && !v.away {
				t.Fatalf("%s never got in", v.who)
			}
		}
	})
}

// A node that is busy by other roads lets nobody in until it is so no more.
func TestRoom_WaitsForALoadOfOtherRoads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		crowd := crowdOf(t, rapid.IntRange(1, 20).Draw(t, "people"))
		r := New(Rules{Inside: 4, Line: 1000}, nil, nil)
		busy := 4 * time.Second
		play(t, r, crowd, func(at time.Duration) int {
			if at < busy {
				return 4
			}
			return 0
		}, 5*time.Minute)
		for _, v := range crowd {
			if !v.in.IsZero() && v.in.Before(start.Add(busy)) {
				t.Fatalf("%s was let into a node that had no room", v.who)
			}
			if v.in.IsZero() && !v.away {
				t.Fatalf("%s never got in", v.who)
			}
		}
	})
}

// Somebody who asks a hundred times in the time of others is called when they would have been called anyway.
func TestRoom_ReloadingGivesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.IntRange(5, 40).Draw(t, "people")
		one := rapid.IntRange(0, people-1).Draw(t, "one")
		order := func(hurries int) (before int) {
			var crowd []*visitor
			for i := range people {
				crowd = append(crowd, &visitor{who: fmt.Sprintf("p%03d", i), next: start.Add(time.Duration(i) * 30 * time.Millisecond), works: 400 * time.Millisecond})
			}
			crowd[one].hurries = hurries
			called := play(t, New(Rules{Inside: 2, Line: 1000}, nil, nil), crowd, idle, 3*time.Minute)
			return slices.Index(called, crowd[one].who)
		}
		if calm, hurried := order(0), order(rapid.IntRange(1, 100).Draw(t, "hurries")); calm != hurried {
			t.Fatalf("called as %d., with reloading as %d.", calm+1, hurried+1)
		}
	})
}

func fill(r *Room, now time.Time, people int) {
	for i := range people {
		r.Ask(now, Comer{Who: fmt.Sprintf("f%03d", i)}, 0)
	}
}

func TestRoom_PlaceOutlastsASilenceAndNoLonger(t *testing.T) {
	for _, c := range []struct {
		silent time.Duration
		place  int
	}{{time.Second, 1}, {110 * time.Second, 1}, {130 * time.Second, 4}} {
		r := New(Rules{Inside: 1, Line: 10}, nil, nil)
		fill(r, start, 1)
		r.Begin(start, "f000") // and takes very long
		for i, who := range []string{"a", "b", "c", "d"} {
			r.Ask(start.Add(time.Duration(i)*time.Millisecond), Comer{Who: who}, 0)
		}
		for s := time.Second; s < c.silent; s += time.Second {
			for _, who := range []string{"b", "c", "d"} {
				r.Ask(start.Add(s), Comer{Who: who}, 0)
			}
		}
		if a := r.Ask(start.Add(c.silent), Comer{Who: "a"}, 0); a.Position != c.place {
			t.Errorf("after %v: place %d, want %d", c.silent, a.Position, c.place)
		}
	}
}

// A place that was got at one node counts at another; one that claims to be older than any can be does not.
func TestRoom_PlaceOfAnotherNode(t *testing.T) {
	r := New(Rules{Inside: 1, Line: 10}, nil, nil)
	fill(r, start, 4) // three wait
	later := start.Add(time.Second)
	if a := r.Ask(later, Comer{Who: "came earlier", Since: start.Add(-time.Minute)}, 1); a.Position != 1 || !a.Since.Equal(start.Add(-time.Minute)) {
		t.Errorf("place of another node: %+v", a)
	}
	if a := r.Ask(later, Comer{Who: "too old", Since: start.Add(-2 * time.Hour)}, 1); a.Position != 5 {
		t.Errorf("too old: %+v", a)
	}
	if a := r.Ask(later, Comer{Who: "of the future", Since: later.Add(time.Hour)}, 1); a.Position != 6 {
		t.Errorf("of the future: %+v", a)
	}
	if a := r.Ask(later, Comer{Who: "f003", Since: start.Add(-time.Second)}, 1); a.Position != 2 {
		t.Errorf("a place here and an older one there: %+v", a)
	}
}

func TestRoom_FullSaysWhenToComeAgain(t *testing.T) {
	r := New(Rules{Inside: 1, Line: 2}, nil, nil)
	fill(r, start, 3)
	if a := r.Ask(start, Comer{Who: "one more"}, 0); !a.Full || a.In || a.Again <= 0 {
		t.Errorf("%+v", a)
	}
	if a := r.Ask(start, Comer{Who: "f001"}, 0); a.Full || a.Position != 1 {
		t.Errorf("who has a place: %+v", a)
	}
}

// Who was let in from the line is not sent back to it while they go about their business; who has what they came
// for begins anew.
func TestRoom_WhoIsInStaysIn(t *testing.T) {
	r := New(Rules{Inside: 1, Line: 10}, nil, nil)
	fill(r, start, 3) // f000 in, f001 and f002 wait
	r.Begin(start, "f000")
	r.End(start, "f000", true)
	now := start.Add(100 * time.Millisecond)
	if a := r.Ask(now, Comer{Who: "f001"}, 0); !a.In {
		t.Fatalf("first in line: %+v", a)
	}
	for _, later := range []time.Duration{time.Second, time.Minute, 5 * time.Minute} {
		if a := r.Ask(now.Add(later), Comer{Who: "f001"}, 99); !a.In {
			t.Errorf("%v later: %+v", later, a)
		}
		r.Begin(now.Add(later), "f001")
		r.End(now.Add(later), "f001", false) // refused: sold out, say
	}
	now = now.Add(6 * time.Minute)
	r.Begin(now, "f001")
	r.End(now, "f001", true)
	if a := r.Ask(now.Add(time.Second), Comer{Who: "f001"}, 99); a.In {
		t.Error("somebody who has a number is let in before those who wait")
	}
}

// Who is called and does not come keeps their place, and the third time goes to the end: nobody waits for them for ever.
func TestRoom_WhoDoesNotComeGoesToTheEnd(t *testing.T) {
	r := New(Rules{Inside: 1, Line: 10}, nil, nil)
	now := start
	for i, place := range []int{2, 2, 1} {
		r.Ask(now, Comer{Who: "absent"}, 1)
		r.Ask(now, Comer{Who: "waits"}, 1)
		now = now.Add(50 * time.Millisecond)
		if a := r.Ask(now, Comer{Who: "waits"}, 0); a.In || r.people["absent"] == nil || !r.people["absent"].expects {
			t.Fatalf("the first in line is not called: %+v", a)
		}
		now = now.Add(20 * time.Second)
		if a := r.Ask(now, Comer{Who: "waits"}, 1); a.Position != place {
			t.Errorf("after %d calls: place %d, want %d", i+1, a.Position, place)
		}
	}
}

// While only people wait who are not there, nobody waits behind them.
func TestRoom_NobodyWaitsBehindTheAbsent(t *testing.T) {
	r := New(Rules{Inside: 3, Line: 10}, nil, nil)
	for i := range 5 {
		r.Ask(start, Comer{Who: fmt.Sprint("gone", i)}, 3)
	}
	now := start.Add(30 * time.Second)
	if a := r.Ask(now, Comer{Who: "new"}, 0); !a.In {
		t.Errorf("somebody new: %+v", a)
	}
	for range 2 {
		if a := r.Ask(now, Comer{Who: "gone3"}, 0); !a.In {
			t.Errorf("one of them who is back: %+v", a)
		}
	}
	if r.Waiting() != 4 {
		t.Errorf("%d wait, 4 are left", r.Waiting())
	}
	if a := r.Ask(now, Comer{Who: "gone1"}, 3); a.In || a.Position != 2 {
		t.Errorf("one of them who finds it full: %+v", a)
	}
	if a := r.Ask(now, Comer{Who: "newer"}, 0); a.In || a.Position != 5 {
		t.Errorf("somebody new, while one of them is there: %+v", a)
	}
}

// Memory: whoever came and went is forgotten.
func TestRoom_Forgets(t *testing.T) {
	r := New(Rules{Inside: 5, Line: 100}, nil, nil)
	now := start
	for i := range 2000 {
		who := fmt.Sprint(i)
		if r.Ask(now, Comer{Who: who}, 0).In {
			r.Begin(now, who)
			r.End(now, who, i%2 == 0)
		}
		now = now.Add(10 * time.Millisecond)
	}
	r.Ask(now.Add(time.Hour), Comer{Who: "last"}, 0)
	if len(r.people) > 1 || len(r.line) > 0 || len(r.inside) > 1 {
		t.Errorf("%d people, %d in line, %d inside", len(r.people), len(r.line), len(r.inside))
	}
}

func BenchmarkRoom_Quiet(b *testing.B) {
	r := New(Rules{}, nil, nil)
	who := make([]string, 512)
	for i := range who {
		who[i] = fmt.Sprintf("person-%04d", i)
	}
	now := start
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(300 * time.Microsecond)
		w := who[i%len(who)]
		r.Ask(now, Comer{Who: w}, 100)
		r.Begin(now, w)
		r.End(now, w, true)
	}
}
