package oversight

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var anyCounts = rapid.Custom(func(t *rapid.T) (c Counts) {
	for range rapid.IntRange(0, 12).Draw(t, "events") {
		if rapid.Bool().Draw(t, "spell") {
			c.Lasted(rapid.SampledFrom(Spells).Draw(t, "kind"), rapid.IntRange(-5, 700).Draw(t, "minutes"), 1)
		} else {
			c.Count(rapid.SampledFrom(Counters).Draw(t, "counter"), rapid.Int64Range(-3, 40).Draw(t, "n"))
		}
	}
	return c
})

// The counts of a district are those of its halls in any order and any grouping; what is taken back is as if it had
// never been.
func TestCountsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(anyCounts, 0, 6).Draw(t, "parts")
		var one, other, back Counts
		for _, p := range parts {
			one.Add(p)
		}
		at := rapid.IntRange(0, len(parts)).Draw(t, "cut")
		var tail Counts
		for _, p := range slices.Backward(parts[at:]) {
			tail.Add(p)
		}
		other.Add(tail)
		for _, p := range parts[:at] {
			other.Add(p)
		}
		if !maps.Equal(one.N, other.N) || !reflect.DeepEqual(full(one), full(other)) {
			t.Fatalf("%v is not %v", one, other)
		}
		back.Add(one)
		for k, n := range one.N {
			back.Count(k, -n)
		}
		for k, l := range one.Spells {
			for m, n := range l {
				back.Lasted(k, m, -n)
			}
		}
		if len(back.N) != 0 || len(back.Spells) != 0 {
			t.Fatalf("%v is left", back)
		}
	})
}

// full leaves out what is empty.
func full(c Counts) map[Spell]Lengths {
	out := maps.Clone(c.Spells)
	maps.DeleteFunc(out, func(_ Spell, l Lengths) bool { return len(l) == 0 })
	if len(out) == 0 {
		return nil
	}
	return out
}

// A quantile of counted lengths is that of the list they were counted from.
func TestQuantileOfLengths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.IntRange(0, longest), 1, 60).Draw(t, "minutes")
		p := rapid.Float64Range(0.001, 1).Draw(t, "p")
		var l Lengths
		for _, m := range list {
			l.add(m, 1)
		}
		slices.Sort(list)
		want := list[max(int(math.Ceil(p*float64(len(list))))-1, 0)]
		if got, ok := l.Quantile(p); !ok || got != want {
			t.Fatalf("quantile %g of %v: %d, not %d", p, list, got, want)
		}
	})
	if _, ok := (Lengths{}).Quantile(0.5); ok {
		t.Error("nothing has a median")
	}
}

func TestArt21_EachMeasureByItsFormula(t *testing.T) {
	var c Counts
	for k, n := range map[Counter]int64{
		Planned: 100, Released: 90, OnSite: 10, Booked: 80, Cancelled: 20, Came: 45, Missed: 9, Excused: 2,
		Served: 60, ServedBooked: 45, CalledBooked: 40, CalledOnTime: 38, Waiting: 27, Ahead: 18, Decisions: 4, DecisionsEarly: 3,
		CutHeld: 3, Records: 200, RecordsIn: 190, RecordsEarly: 150, Checked: 50, Agreed: 49, Evaluated: 40, Content: 36, Rush: 60, RushFirst: 15,
	} {
		c.Count(k, n)
	}
	for m := range 10 {
		c.Lasted(WaitBooked, m+1, 5)
	}
	for id, want := range map[string]float64{
		"released": 90, "release_rate": 1, "saturation": 60.0 / 90, "onsite_share": 0.1, "booking_rate": 0.75, "show_rate": 0.75, "no_show_rate": 0.15,
		"cancellation_rate": 0.25, "on_time_rate": 0.95, "wait_median": 5, "wait_p90": 9, "line_pressure": 1.5, "decided_in_time": 0.75, "cut_after_release": 3,
		"data_in_time": 0.75, "data_complete": 0.95, "data_accurate": 0.98, "content": 0.9, "rush_first": 0.25,
	} {
		m, err := Newest(id)
		if err != nil {
			t.Fatal(err)
		}
		if v := m.Of(c); !v.OK || math.Abs(m.Float(v)-want) > 1e-12 || !v.Ranked {
			t.Errorf("%s is %v (%g), not %g", id, v, m.Float(v), want)
		}
	}
}

// Of nothing nothing is said: no rate of 0 or 100 % where nobody was.
func TestNoRateStandsOnNothing(t *testing.T) {
	for _, m := range Measures {
		if v := m.Of(Counts{}); v.OK != (m.Bottom == nil && m.Spell == "") || v.OK && v.Top != 0 {
			t.Errorf("%s of nothing is %v", m.ID, v)
		}
	}
}

func TestMeasuresAreWhole(t *testing.T) {
	seen := map[string]int{}
	for _, m := range Measures {
		if last, ok := seen[m.ID]; ok && m.Version >= last {
			t.Errorf("%s: version %d stands behind %d", m.ID, m.Version, last)
		}
		seen[m.ID] = m.Version
		if (m.Spell != "") == (m.Top != nil) || m.Spell != "" && (m.Quantile <= 0 || m.Quantile > 1) || m.Bottom != nil && m.Least < 1 {
			t.Errorf("%s has no formula of one kind", m.ID)
		}
		for _, term := range slices.Concat(m.Top, m.Bottom) {
			if !slices.Contains(Counters, term.Counter) {
				t.Errorf("%s counts %q, which nobody does", m.ID, term.Counter)
			}
		}
		if got, err := Version(m.ID, m.Version); err != nil || got.ID != m.ID {
			t.Errorf("%s: %v", m.ID, err)
		}
	}
	if _, err := Newest("nothing"); err == nil {
		t.Error("there is a measure of nothing")
	}
}

// Whoever is better stands in front, equals share a place, and who stands on too little has none.
func TestRank(t *testing.T) {
	m, _ := Newest("no_show_rate")
	rapid.Check(t, func(t *rapid.T) {
		halls := map[string]Counts{}
		for i := range rapid.IntRange(0, 12).Draw(t, "halls") {
			var c Counts
			booked := rapid.Int64Range(0, 90).Draw(t, "booked")
			c.Count(Booked, booked)
			c.Count(Missed, rapid.Int64Range(0, booked).Draw(t, "missed"))
			halls[fmt.Sprint(i)] = c
		}
		list := Rank(m, halls, map[string]int{"0": 7})
		if len(list) != len(halls) {
			t.Fatalf("%d of %d", len(list), len(halls))
		}
		for i, p := range list {
			want := 0
			if halls[p.Key].N[Booked] >= few {
				want = 1
				for _, q := range list {
					if q.Value.Ranked && cmp.Compare(m.Float(q.Value), m.Float(p.Value)) < 0 {
						want++
					}
				}
			}
			if p.Place != want || (p.Key == "0") != (p.Was == 7) {
				t.Fatalf("%v has not place %d", p, want)
			}
			if i > 0 && p.Place != 0 && list[i-1].Place > p.Place || i > 0 && p.Place != 0 && list[i-1].Place == 0 {
				t.Fatalf("%v stands behind %v", p, list[i-1])
			}
		}
	})
}

func TestArt22_WhatIsUsualIsLearnedFromTheHallsOwnDays(t *testing.T) {
	monday := DayKind{Weekday: time.Monday}
	past := func(values ...float64) (list []Seen) {
		for i, v := range values {
			list = append(list, Seen{Day: 7 * (i + 1), Kind: monday, Value: v})
		}
		return list
	}
	if _, ok := Expect(monday, past(1, 2, 3, 4), 1); ok {
		t.Error("four days say what is usual")
	}
	u, ok := Expect(monday, past(10, 12, 11, 9, 10, 300, 11), 1) // one mad day changes nothing
	if !ok || u.Expected != 11 || u.Spread > 2 || u.Off(30) < 6 || u.Off(11) != 0 {
		t.Errorf("%v", u)
	}
	if u, _ := Expect(monday, past(5, 5, 5, 5, 5), 0.5); u.Spread != 0.5 {
		t.Errorf("days all alike have a spread of %g", u.Spread)
	}
	if _, ok := Expect(DayKind{Weekday: time.Tuesday}, past(1, 1, 1, 1, 1, 1), 1); ok {
		t.Error("Mondays say what is usual on a Tuesday")
	}
	special, ok := Expect(DayKind{time.Monday, true}, past(10, 12, 11, 9, 10, 11), 1)
	if plain, _ := Expect(monday, past(10, 12, 11, 9, 10, 11), 1); !ok || special.Expected != plain.Expected || special.Spread != 2*plain.Spread {
		t.Errorf("a special day is %v, a plain one %v", special, plain)
	}
	old := past(1, 1, 1, 1, 1, 1)
	for i := range old {
		old[i].Day += rememberedDays
	}
	if _, ok := Expect(monday, old, 1); ok {
		t.Error("last year is remembered")
	}
}
