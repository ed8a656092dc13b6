package oversight_test

import (
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
)

// queue of ten numbers an hour, 9 to 11, Monday to Friday, and what is wanted of it a day.
func adviceInput(wanted map[time.Weekday]float64, waiting int) oversight.AdviceInput {
	monday := calendar.MakeDate(2026, time.December, 7)
	in := oversight.AdviceInput{HallID: "h", QueueID: "q", Waiting: waiting, From: monday, To: monday + 13, Total: 30, WalkIns: -1}
	for d := monday; d < monday+14; d++ {
		f := oversight.DayForecast{Date: d}
		for h := 9; h <= 11; h++ {
			if w := wanted[d.Weekday()]; w > 0 {
				f.Hours = append(f.Hours, oversight.Expected{Hour: h, Mid: w / 3})
			}
		}
		in.Forecast = append(in.Forecast, f)
	}
	in.Plan = func(more ...supply.Change) (days []oversight.DayPlaces) {
		for d := monday; d < monday+14; d++ {
			day, total, share := oversight.DayPlaces{Date: d}, 30, 100
			open := d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
			for _, c := range more {
				on := false
				for _, w := range c.Weekdays {
					on = on || w == d.Weekday()
				}
				switch {
				case c.Kind == supply.Share:
					share = c.PerMille
				case !on:
				case c.Kind == supply.Capacity:
					total = c.Total
				case c.Kind == supply.Extend && open, c.Kind == supply.Weekend && !open:
					for _, h := range c.Hours.List() {
						day.OffSite[h] = c.PerHour
					}
				}
			}
			if open {
				kept := total * share / 1000
				for h := 9; h <= 11; h++ {
					day.OffSite[h] = (total - kept) / 3
				}
				day.OnSite[9] = kept
			}
			days = append(days, day)
		}
		return days
	}
	return in
}

func kindsOf(list []oversight.Advice) (out []oversight.AdviceKind) {
	for _, a := range list {
		out = append(out, a.Kind)
	}
	return out
}

func has(list []oversight.Advice, k oversight.AdviceKind) *oversight.Advice {
	for i := range list {
		if list[i].Kind == k {
			return &list[i]
		}
	}
	return nil
}

func TestArt22_AdviceFollowsFromWhatIsWantedAndSaysWhatItWouldDo(t *testing.T) {
	even := map[time.Weekday]float64{1: 20, 2: 20, 3: 20, 4: 20, 5: 20}
	if got := oversight.Advise(adviceInput(even, 0)); got != nil {
		t.Errorf("where everybody finds a number: %v", kindsOf(got))
	}
	if got := oversight.Advise(adviceInput(even, 20)); got != nil {
		t.Errorf("where a line clears by itself: %v", kindsOf(got))
	}

	// Mondays have too few, Wednesdays to spare.
	uneven := map[time.Weekday]float64{1: 45, 2: 27, 3: 6, 4: 27, 5: 27}
	got := oversight.Advise(adviceInput(uneven, 0))
	move := has(got, oversight.AdviseMove)
	if move == nil {
		t.Fatalf("nothing is moved: %v", kindsOf(got))
	}
	if len(move.Changes) != 2 || move.Changes[0].Weekdays[0] != time.Monday || move.Changes[1].Weekdays[0] != time.Wednesday ||
		move.Changes[0].Total+move.Changes[1].Total != 60 || move.Changes[0].Total <= 30 {
		t.Errorf("moved: %+v", move.Changes)
	}
	if move.More() < 5 || move.After.None() >= move.Before.None() {
		t.Errorf("moving would do %+v", *move)
	}

	// Too few on every day: only more hours help.
	short := map[time.Weekday]float64{1: 50, 2: 50, 3: 50, 4: 50, 5: 50}
	got = oversight.Advise(adviceInput(short, 10))
	hours := has(got, oversight.AdviseHours)
	if has(got, oversight.AdviseMove) != nil || hours == nil || has(got, oversight.AdviseWeekend) == nil {
		t.Fatalf("short on every day: %v", kindsOf(got))
	}
	if c := hours.Changes[0]; c.Hours != calendar.HoursOf(12, 13) || c.PerHour < 9 || len(c.Weekdays) != 5 {
		t.Errorf("hours: %+v", c)
	}
	for i := 1; i < len(got); i++ {
		if got[i].More() > got[i-1].More() {
			t.Errorf("the more useful comes later: %v", kindsOf(got))
		}
	}

	// Kept for the hall, and not taken there.
	in := adviceInput(map[time.Weekday]float64{1: 29, 2: 29, 3: 29, 4: 29, 5: 29}, 20)
	in.WalkIns = 0
	share := has(oversight.Advise(in), oversight.AdviseShare)
	if share == nil || share.Changes[0].PerMille >= 100 {
		t.Errorf("kept for the hall: %+v", share)
	}
}

func TestPlayClearsALineWithWhatStaysFree(t *testing.T) {
	in := adviceInput(map[time.Weekday]float64{1: 21, 2: 21, 3: 21, 4: 21, 5: 21}, 14)
	p := oversight.Play(in.Plan(), in.Forecast, in.Waiting)
	// Six of 27 stay free each day: fourteen who wait are gone on the third.
	if p.Left != 0 || p.By != calendar.MakeDate(2026, time.December, 9) || p.Served != 10*21+14 || p.Idle != 10*27-p.Served {
		t.Errorf("%+v", p)
	}
	if p = oversight.Play(nil, nil, 3); p.Left != 3 || p.By != 0 || p.Served != 0 {
		t.Errorf("without days: %+v", p)
	}
}
