package calendar

import (
	"fmt"
	"time"
)

// OpenHours returns the hours a queue with week w and recurring closures is open on d: none on a
// statutory day off, w.Work on working days, make-up days included, w.Saturday and w.Sunday on
// weekends, less what a closure takes.
func (c *Calendar) OpenHours(w Week, closures []Rule, d Date) Hours {
	var h Hours
	switch {
	case c.IsStatutoryOff(d):
		return 0
	case c.IsWorking(d):
		h = w.Work
	case d.Weekday() == time.Saturday:
		h = w.Saturday
	default:
		h = w.Sunday
	}
	for _, r := range closures {
		if h != 0 && c.Falls(r, d) {
			h &^= r.Half.Hours()
		}
	}
	return h
}

// Hours returns the hours a half-day covers.
func (h Half) Hours() Hours {
	const morning = 1<<12 - 1
	switch h {
	case Morning:
		return morning
	case Afternoon:
		return 1<<24 - 1 - morning
	}
	return 1<<24 - 1
}

// Falls tells whether the closure falls on d.
func (c *Calendar) Falls(r Rule, d Date) bool {
	if !c.IsWorking(d) {
		return false
	}
	switch r.Kind {
	case NthWorkingDay:
		first := MakeDate(d.Year(), d.Month(), 1)
		return c.WorkingDaysBetween(first-1, d) == r.N
	case DayOfMonth:
		// It may have moved on to d from any of the days off just before, even of last month.
		for from := d; ; from-- {
			if from.is(r.N) {
				return true
			}
			if c.IsWorking(from - 1) {
				return false
			}
		}
	}
	return false
}

// is tells whether d is the n-th of its month, or the last day where the month has no n-th.
func (d Date) is(n int) bool {
	if d.Day() == n {
		return true
	}
	last := (d + 1).Day() == 1
	return last && n > d.Day()
}

// Validate reports a rule that no day could answer to: N is 1 to 23 for working days (no month has
// more) and 1 to 31 for days of the month.
func (r Rule) Validate() error {
	switch {
	case r.Half != Morning && r.Half != Afternoon && r.Half != WholeDay:
		return fmt.Errorf("calendar: closure of no known part of the day")
	case r.Kind == NthWorkingDay && r.N >= 1 && r.N <= 23, r.Kind == DayOfMonth && r.N >= 1 && r.N <= 31:
		return nil
	}
	return fmt.Errorf("calendar: closure that never falls")
}
