package room

import (
	"fmt"
	"hash/fnv"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// lot is an order as the app's: by who and the instant alone.
func lot(who string, since time.Time) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, who, since.UnixMicro())
	return h.Sum64()
}

// Whoever comes in the first moment after a release, when and however often they do, is called in the order of the
// lot, and nobody of them before the moment is over.
func TestRoom_TheFirstMomentIsSettledByLot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.IntRange(2, 40).Draw(t, "people")
		settled := start.Add(time.Second)
		r := New(Rules{Inside: 1, Line: 100}, lot, nil)
		type ask struct {
			who string
			at  time.Duration
		}
		var asks []ask
		var want []string
		for i := range people {
			who := fmt.Sprintf("p%02d", i)
			want = append(want, who)
			for range rapid.IntRange(1, 10).Draw(t, "asks") {
				asks = append(asks, ask{who, time.Duration(rapid.IntRange(0, 999).Draw(t, "at")) * time.Millisecond})
			}
		}
		slices.SortStableFunc(asks, func(a, b ask) int { return int(a.at - b.at) })
		for _, a := range asks {
			got := r.Ask(start.Add(a.at), Comer{Who: a.who, Release: start, Settled: settled}, 0)
			if got.In || got.Position != 0 || got.Again <= 0 {
				t.Fatalf("%s at %v: %+v", a.who, a.at, got)
			}
		}
		slices.SortFunc(want, func(a, b string) int {
			if lot(a, start) < lot(b, start) {
				return -1
			}
			return 1
		})
		var called []string
		for now := settled.Add(50 * time.Millisecond); len(called) < people && now.Before(start.Add(time.Minute)); now = now.Add(50 * time.Millisecond) {
			for _, who := range want {
				if slices.Contains(called, who) {
					continue
				}
				if got := r.Ask(now, Comer{Who: who, Release: start}, 0); got.In {
					called = append(called, who)
					r.Begin(now, who)
					r.End(now, who, true)
				} else if got.Position < 1 {
					t.Fatalf("%s: %+v", who, got)
				}
			}
		}
		if !slices.Equal(called, want) {
			t.Fatalf("called %v, the lot says %v", called, want)
		}
	})
}

// Who was let in before a release, or waited since before it, is not ahead in it.
func TestRoom_NobodyIsAheadOfARelease(t *testing.T) {
	r := New(Rules{Inside: 5, Line: 100}, lot, nil)
	before := start.Add(-time.Second)
	if a := r.Ask(before, Comer{Who: "early", Release: start.Add(-24 * time.Hour)}, 0); !a.In {
		t.Fatalf("before the release: %+v", a)
	}
	if a := r.Ask(start.Add(time.Millisecond), Comer{Who: "early", Release: start, Settled: start.Add(time.Second)}, 0); a.In || !a.Since.Equal(start) {
		t.Errorf("let in for what was there before: %+v", a)
	}
	if a := r.Ask(start.Add(2*time.Millisecond), Comer{Who: "late", Release: start, Settled: start.Add(time.Second), Since: start.Add(-time.Minute)}, 0); !a.Since.Equal(start) {
		t.Errorf("a place of before the release: %+v", a)
	}
	if a := r.Ask(start.Add(3*time.Millisecond), Comer{Who: "else", Release: start.Add(-24 * time.Hour)}, 5); a.In {
		t.Errorf("somebody else, with no room: %+v", a)
	}
	if len(r.inside) != 0 || len(r.line) != 3 {
		t.Errorf("%d inside, %d wait", len(r.inside), len(r.line))
	}
}

// Of what is left no more are called than there are numbers: however long some take to come and to choose, who was
// called after them does not take theirs. Who takes too long leaves it to the next.
func TestRoom_WhoIsCalledHasANumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people, numbers := rapid.IntRange(5, 40).Draw(t, "people"), rapid.IntRange(1, 4).Draw(t, "numbers")
		left := numbers
		r := New(Rules{Inside: 100, Line: 100}, lot, func(string) int { return left })
		comer := func(i int) Comer { return Comer{Who: fmt.Sprintf("p%02d", i), Release: start, Want: "w"} }
		for i := range people {
			c := comer(i)
			c.Settled = start.Add(time.Second)
			r.Ask(start.Add(time.Duration(i)*time.Millisecond), c, 0)
		}
		slow := map[int]time.Time{} // let in, and still choosing
		gone := map[int]bool{}
		for now := start.Add(1100 * time.Millisecond); left > 0 && now.Before(start.Add(50*time.Second)); now = now.Add(200 * time.Millisecond) {
			for i := range people {
				if gone[i] {
					continue
				}
				if until, in := slow[i]; in {
					if !now.Before(until) { // takes the number that was left for them
						if left == 0 {
							t.Fatalf("p%02d was called and finds nothing", i)
						}
						left--
						r.Begin(now, comer(i).Who)
						r.End(now, comer(i).Who, true)
						gone[i] = true
						delete(slow, i)
					}
					continue
				}
				if r.Ask(now, comer(i), 0).In && left > 0 { // with none left they are told so
					slow[i] = now.Add(time.Duration(rapid.IntRange(0, 8).Draw(t, "takes")) * time.Second)
				}
			}
			if left > 0 && len(slow) > left {
				t.Fatalf("%d called for %d numbers", len(slow), left)
			}
		}
		if left > 0 {
			t.Fatalf("%d numbers are left", left)
		}
	})
	left := 1
	r := New(Rules{Inside: 10, Line: 10}, lot, func(string) int { return left })
	c := func(who string) Comer {
		return Comer{Who: who, Release: start, Want: "w", Settled: start.Add(time.Second)}
	}
	for _, who := range []string{"a", "b"} {
		r.Ask(start, c(who), 0)
	}
	in := func(now time.Time) (who []string) {
		for _, w := range []string{"a", "b"} {
			if r.Ask(now, c(w), 0).In {
				who = append(who, w)
			}
		}
		return who
	}
	one := in(start.Add(1100 * time.Millisecond))
	if len(one) != 1 || r.Ask(start.Add(1200*time.Millisecond), c("new"), 0).In {
		t.Fatalf("%v are let in for one number", one)
	}
	now := start.Add(1200 * time.Millisecond)
	for ; now.Before(start.Add(58 * time.Second)); now = now.Add(2 * time.Second) {
		for _, who := range []string{"a", "b", "new"} {
			if who != one[0] && r.Ask(now, c(who), 0).In {
				t.Fatalf("%s is let in %v after the release, for the number left to %s", who, now.Sub(start), one[0])
			}
		}
	}
	others := 0
	for ; now.Before(start.Add(70 * time.Second)); now = now.Add(2 * time.Second) {
		for _, who := range []string{"a", "b", "new"} {
			if who != one[0] && r.Ask(now, c(who), 0).In {
				others++
			}
		}
	}
	if others == 0 {
		t.Error("nobody gets the number that was not taken")
	}
}

// Who is asked for a proof and brings none keeps their place and is let in Plain later, or when they would be anyway.
func TestRoom_WithoutAProofThePlaceIsTheSame(t *testing.T) {
	for _, c := range []struct {
		at    time.Duration
		ask   bool
		in    bool
		place int
	}{{0, true, false, 1}, {time.Second, true, false, 1}, {4900 * time.Millisecond, true, false, 1}, {5 * time.Second, true, true, 0}, {time.Second, false, true, 0}} {
		r := New(Rules{Inside: 5, Line: 10}, nil, nil)
		if a := r.Ask(start, Comer{Who: "plain", Ask: true}, 0); a.In || a.Position != 1 {
			t.Fatalf("%+v", a)
		}
		for at := 500 * time.Millisecond; at < c.at; at += 500 * time.Millisecond {
			r.Ask(start.Add(at), Comer{Who: "plain", Ask: true}, 0)
		}
		if a := r.Ask(start.Add(c.at), Comer{Who: "plain", Ask: c.ask}, 0); a.In != c.in || a.Position != c.place {
			t.Errorf("after %v, asked %v: %+v", c.at, c.ask, a)
		}
	}
}

// Where everybody comes late, because the node or the network is slow, nobody is passed over for it; where one does,
// the others do not wait for them.
func TestRoom_ASlowNodeMakesNobodyAbsent(t *testing.T) {
	slow := New(Rules{Inside: 1, Line: 100}, nil, nil)
	fill(slow, start, 40)
	now := start
	for range 6 { // each comes four seconds later than told
		now = now.Add(latest + 4*time.Second)
		for i := 1; i < 40; i++ {
			slow.Ask(now, Comer{Who: fmt.Sprintf("f%03d", i)}, 1)
		}
	}
	if g := slow.grace(); g < 5*time.Second || g > mostGrace {
		t.Errorf("where all come late: %v", g)
	}
	quick := New(Rules{Inside: 1, Line: 100}, nil, nil)
	fill(quick, start, 40)
	now = start
	for range 6 {
		now = now.Add(time.Second)
		for i := 2; i < 40; i++ {
			quick.Ask(now, Comer{Who: fmt.Sprintf("f%03d", i)}, 1)
		}
	}
	if got := quick.grace(); got != grace {
		t.Errorf("where nobody comes late: %v", got)
	}
	quick.Ask(now.Add(20*time.Second), Comer{Who: "f001"}, 1)
	if got := quick.grace(); got > grace+4*time.Second {
		t.Errorf("where one comes late: %v", got)
	}
}

func TestTries(t *testing.T) {
	rules := TryRules{Most: 3, Every: 6 * time.Second}
	life := 10 * time.Minute
	var tries Tries
	begin := func(at time.Duration, what, key string) (string, time.Duration) {
		return tries.Begin(start.Add(at), "who", what, key, rules, life)
	}
	for i, c := range []struct {
		at        time.Duration
		what, key string
		ends      string // key of a try that ends before
		of        string
		wait      time.Duration
	}{
		{0, "a", "1", "", "1", 0},
		{0, "a", "2", "", "1", 0}, // the same, however often
		{0, "b", "3", "", "3", 0},
		{0, "c", "4", "", "4", 0},
		{0, "d", "5", "", "", 6 * time.Second},
		{time.Second, "d", "6", "", "", 5 * time.Second},
		{time.Second, "c", "7", "", "4", 0},
		{6 * time.Second, "d", "8", "", "8", 0},
		{6 * time.Second, "a", "9", "1", "", 6 * time.Second}, // refused, and tried again: another one
		{12 * time.Second, "a", "10", "", "10", 0},
		{10*time.Minute + 12*time.Second, "a", "11", "", "11", 0}, // too old to be the same
	} {
		if c.ends != "" {
			tries.End("who", c.ends)
		}
		if of, wait := begin(c.at, c.what, c.key); of != c.of || wait != c.wait {
			t.Errorf("%d: %q, wait %v", i, of, wait)
		}
	}
	if of, wait := tries.Begin(start, "who", "z", "12", TryRules{}, life); of != "12" || wait != 0 {
		t.Error("no limit is one")
	}
	tries.Begin(start.Add(time.Hour), "other", "a", "1", rules, life)
	if len(tries.people) != 1 {
		t.Errorf("%d people are remembered", len(tries.people))
	}
}
