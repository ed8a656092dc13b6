package counter_test

import (
	"fmt"
	"testing"
	"time"

	"suiyue/internal/domain/counter"
)

func TestWhatIsToldOfAWait(t *testing.T) {
	past := counter.Pasts{"a": {Took: 600, Usual: map[string]int{"3/9/walk_in": 900, "-1/14/walk_in": 1200}}}
	for _, c := range []struct {
		name  string
		now   time.Time
		setup func(f *counter.Floor)
		want  string // range in minutes, "at once", "nothing"
	}{
		{"nobody_is_called_yet_and_nothing_is_known", at(8, 0), func(f *counter.Floor) { clear(f.Seats) }, "nothing"},
		{"nobody_is_called_yet_but_past_days_are_known", at(9, 5), func(f *counter.Floor) { clear(f.Seats) }, "around 15"},
		{"another_weekday_is_better_than_nothing", at(14, 5), func(f *counter.Floor) { clear(f.Seats) }, "around 20"},
		{"a_counter_is_free", at(9, 5), nil, "at once"},
		{"one_counter_is_busy_the_other_pauses", at(9, 5), func(f *counter.Floor) {
			put(t, f, at(9, 0), "a", "w1")
			do(t, f, at(9, 1), counter.Act{Kind: counter.Call, Counter: "1"})
			f.Seats["2"].State, f.Seats["2"].Since = counter.SeatPaused, at(9, 4)
		}, "around 6"},
		{"all_counters_have_closed", at(9, 5), func(f *counter.Floor) {
			for _, s := range f.Seats {
				s.State = counter.SeatClosed
			}
		}, "around 15"},
		{"not_heard_of_for_an_hour", at(8, 5), func(f *counter.Floor) {
			for _, s := range f.Seats {
				s.Seen = at(7, 0)
			}
		}, "nothing"},
		{"the_day_has_ended", at(9, 5), func(f *counter.Floor) { f.Sealed = true }, "nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := hall(c.now)
			if c.setup != nil {
				c.setup(f)
			}
			r := f.Foretell(c.now, "a", "", past)
			got := "nothing"
			switch {
			case r.Known && r.Late == 0:
				got = "at once"
			case r.Known:
				got = fmt.Sprintf("around %d", int(r.Guess.Round(time.Minute)/time.Minute))
				if r.Early > r.Guess || r.Late < r.Guess || r.Early%time.Minute != 0 || r.Late <= r.Early {
					t.Errorf("the range %v–%v around %v", r.Early, r.Late, r.Guess)
				}
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestEverybodyInLineIsToldWhatOneIsTold(t *testing.T) {
	f := hall(at(9, 30))
	for i := range 12 {
		put(t, f, at(9, i), []string{"a", "b"}[i%2], fmt.Sprintf("%s%d", []string{"w", "b9-", "g", "b10-"}[i%4], i))
	}
	for _, id := range []string{"1", "2", "3"} {
		do(t, f, at(9, 20), counter.Act{Kind: counter.Call, Counter: id})
	}
	all := f.ForetellAll(at(9, 30), nil)
	if len(all) != 9 {
		t.Fatalf("%d are told", len(all))
	}
	for id, r := range all {
		if one := f.Foretell(at(9, 30), "", id, nil); one != r {
			t.Errorf("%s is told %+v alone and %+v with all", id, one, r)
		}
	}
}

func TestRangesAreLearnedFromErrors(t *testing.T) {
	var list []counter.Outcome
	for i := range 1000 { // guesses of 15 min come true between 10 and 30, evenly
		list = append(list, counter.Outcome{
			Kind: counter.WalkIn, Issued: at(10, 0), Guess: 15 * time.Minute, Waited: 10*time.Minute + time.Duration(i)*20*time.Minute/1000, Took: 7 * time.Minute,
		})
	}
	p := counter.Learn(20, list)
	if p.Took != 420 {
		t.Errorf("took %d", p.Took)
	}
	early, late := p.Around(counter.WalkIn, 15*time.Minute)
	held := 0
	for _, o := range list {
		if early <= o.Waited && o.Waited <= late {
			held++
		}
	}
	if held < 770 || held > 870 {
		t.Errorf("%v–%v holds %d of 1000", early, late, held)
	}
	if e, l := p.Around(counter.Green, 15*time.Minute); e != early || l != late {
		t.Error("a kind of which nothing is known goes by all")
	}
	if e, l := p.Around(counter.Green, 40*time.Minute); e >= 40*time.Minute || l <= 40*time.Minute {
		t.Errorf("a size of which nothing is known: %v–%v", e, l)
	}
}

func TestWhatWasLearnedStandsUntilThereIsMore(t *testing.T) {
	older := counter.Past{Days: 20, Took: 400, Usual: map[string]int{"1/9/booked": 600}, Errors: map[string]counter.Quantile{"/3": {1}}}
	newer := func(days int) counter.Past {
		return counter.Past{Days: days, Took: 300, Usual: map[string]int{"1/9/booked": 100, "1/10/booked": 200}, Errors: map[string]counter.Quantile{"/3": {2}, "/4": {3}}}
	}
	few := newer(4).After(older)
	if few.Days != 20 || few.Took != 400 || few.Usual["1/9/booked"] != 600 || few.Usual["1/10/booked"] != 200 || few.Errors["/3"] != older.Errors["/3"] || few.Errors["/4"] != newer(1).Errors["/4"] {
		t.Errorf("four days after twenty: %+v", few)
	}
	if _, changed := older.Usual["1/10/booked"]; changed {
		t.Error("what was learned before is written over")
	}
	for _, c := range []struct{ days, before int }{{5, 20}, {1, 1}, {1, 0}} {
		o := older
		o.Days = c.before
		if got := newer(c.days).After(o); got.Took != 300 || got.Usual["1/9/booked"] != 100 || got.Days != c.days {
			t.Errorf("%d days after %d: %+v", c.days, c.before, got)
		}
	}
	if got := (counter.Past{}).After(older); got.Took != 400 || got.Usual["1/9/booked"] != 600 {
		t.Errorf("no days after twenty: %+v", got)
	}
}
