package oversight_test

import (
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/rulebook"
)

// steadyDay is a day of a hall of so many numbers an hour, three quarters of them taken, with one of twelve who does not come.
func steadyDay(d calendar.Date, hours []int, numbers int64) oversight.Trace {
	t := oversight.Trace{Date: d, Kind: oversight.DayKind{Weekday: d.Weekday()}}
	for _, hour := range hours {
		taken := numbers * 3 / 4
		t.Cells = append(t.Cells, oversight.Cell{QueueID: "q", Hour: hour, Released: numbers, Booked: taken + 1, Cancelled: 1, Missed: taken / 12, Came: taken - taken/12})
	}
	return t
}

// miss lets so many more of each hour from one on stay away.
func miss(t oversight.Trace, more int64, from int) oversight.Trace {
	for i := range t.Cells {
		if c := &t.Cells[i]; c.Hour >= from {
			c.Missed, c.Came = c.Missed+more, c.Came-more
		}
	}
	return t
}

// What was planted in a past is told, told later, missed, hidden or on a day on which the hall was shut; what is told beside it is
// a false alarm.
func TestArt22_APastIsWatchedAgain(t *testing.T) {
	monday := calendar.MakeDate(2026, time.September, 7)
	from := monday - 7
	hours := []int{9, 10, 11, 13, 14, 15, 16}
	day := func(numbers int64, what func(oversight.Trace, calendar.Date) oversight.Trace) (list []oversight.Trace) {
		for d := from - 84; d <= monday+13; d++ {
			if wd := d.Weekday(); wd == time.Saturday || wd == time.Sunday {
				continue
			}
			one := steadyDay(d, hours, numbers)
			if what != nil {
				one = what(one, d)
			}
			list = append(list, one)
		}
		return list
	}
	on := func(at calendar.Date, change func(oversight.Trace) oversight.Trace) func(oversight.Trace, calendar.Date) oversight.Trace {
		return func(t oversight.Trace, d calendar.Date) oversight.Trace {
			if d == at {
				return change(t)
			}
			return t
		}
	}
	away := func(from int) func(oversight.Trace) oversight.Trace {
		return func(t oversight.Trace) oversight.Trace { return miss(t, 8, from) }
	}
	missed := oversight.Plant{What: oversight.PlantedMissed, First: monday, Last: monday, Times: 5}
	run := missed
	run.Last = monday + 2
	weekend := missed
	weekend.First, weekend.Last = monday-2, monday-1
	crowd := missed
	crowd.What, crowd.Times = oversight.PlantedCrowd, 1.9
	slow := missed
	slow.What = oversight.PlantedSlow
	before := missed
	before.First, before.Last = from-3, from
	at := func(hour int) (h [25]int) {
		h[hour] = 1
		return h
	}
	type kinds map[oversight.AnomalyKind]oversight.KindRate
	const no, full = oversight.AnomalyNoShows, oversight.AnomalySaturation
	for name, c := range map[string]struct {
		days   []oversight.Trace
		plants []oversight.Plant
		want   kinds
		unseen int
	}{
		"nothing":           {day(24, nil), nil, kinds{}, 0},
		"at the first look": {day(24, on(monday, away(0))), []oversight.Plant{missed}, kinds{no: {Planted: 1, InDay: 1, Hours: at(10)}}, 0},
		"in the afternoon":  {day(24, on(monday, away(13))), []oversight.Plant{missed}, kinds{no: {Planted: 1, InDay: 1, Hours: at(14)}}, 0},
		"on its second day": {day(24, on(monday+1, away(0))), []oversight.Plant{run}, kinds{no: {Planted: 1, Later: 1}}, 0},
		"not at all":        {day(24, nil), []oversight.Plant{missed}, kinds{no: {Planted: 1, Missed: 1}}, 0},
		"while it was shut": {day(24, nil), []oversight.Plant{weekend}, kinds{no: {Planted: 1, Shut: 1}}, 0},
		"in a small hall":   {day(4, nil), []oversight.Plant{missed}, kinds{no: {Planted: 1, Hidden: 1}}, 0},
		"nobody watches it": {day(24, nil), []oversight.Plant{slow}, kinds{}, 1},
		"begun before":      {day(24, on(from, away(0))), []oversight.Plant{before}, kinds{}, 0},
		"for nothing":       {day(24, on(monday, away(0))), nil, kinds{no: {False: 1}}, 0},
		"after two such days": {day(24, func(t oversight.Trace, d calendar.Date) oversight.Trace {
			if d == monday || d == monday-35 || d == monday-34 {
				return miss(t, 8, 0)
			}
			return t
		}), []oversight.Plant{missed}, kinds{no: {Planted: 1, Hidden: 1, HiddenIn: 1}}, 0},
		"for nothing, beside":    {day(24, on(monday, away(0))), []oversight.Plant{crowd}, kinds{full: {Planted: 1, Missed: 1}, no: {Beside: 1}}, 0},
		"for nothing, day after": {day(24, on(monday+1, away(0))), []oversight.Plant{missed}, kinds{no: {Planted: 1, Missed: 1, False: 1}}, 0},
	} {
		r := oversight.Replay{
			HallID: "h", Days: c.days, From: from, To: monday + 13, Past: 84, Least: 10, Most: 19, Plants: c.plants,
			Watch: func(calendar.Date) rulebook.Watch { return rulebook.Continued2025().Watch },
		}.Run()
		for kind, k := range r.Kinds {
			if *k != c.want[kind] {
				t.Errorf("%s: %s %+v, want %+v", name, kind, *k, c.want[kind])
			}
		}
		if len(r.Kinds) != len(c.want) || r.Unseen != c.unseen || r.Days != 15 || r.Halls != 1 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Nobody could see a full day among full days, or a few more of a few.
func TestArt22_WhatNobodyCouldSee(t *testing.T) {
	monday, w := calendar.MakeDate(2026, time.September, 7), rulebook.Continued2025().Watch
	past := func(numbers int64, full int) (list []oversight.Trace) {
		for d := monday - 84; d < monday; d++ {
			if wd := d.Weekday(); wd == time.Saturday || wd == time.Sunday {
				continue
			}
			one := steadyDay(d, []int{9, 10, 11}, numbers)
			if full--; full >= 0 {
				for i := range one.Cells {
					one.Cells[i].Booked = numbers + 1
				}
			}
			list = append(list, one)
		}
		return list
	}
	for name, c := range map[string]struct {
		what  oversight.Planted
		times float64
		past  []oversight.Trace
		want  bool
	}{
		"crowd":                   {oversight.PlantedCrowd, 1.9, past(24, 0), true},
		"crowd where it was full": {oversight.PlantedCrowd, 1.9, past(24, 1), false},
		"a few more":              {oversight.PlantedCrowd, 1.1, past(24, 0), false},
		"few come":                {oversight.PlantedUnused, .25, past(24, 0), true},
		"nearly as many come":     {oversight.PlantedUnused, .9, past(24, 0), false},
		"away":                    {oversight.PlantedMissed, 8, past(24, 0), true},
		"away in a small hall":    {oversight.PlantedMissed, 8, past(4, 0), false},
		"no past":                 {oversight.PlantedMissed, 8, nil, false},
		"slow":                    {oversight.PlantedSlow, 9, past(24, 0), false},
	} {
		p := oversight.Plant{What: c.what, First: monday, Last: monday, Times: c.times}
		if got := p.Seeable(oversight.DayKind{Weekday: time.Monday}, c.past, w); got != c.want {
			t.Errorf("%s: seeable %t", name, got)
		}
	}
}
