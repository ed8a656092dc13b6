package calendar

import (
	"fmt"
	"maps"
	"time"
)

// DayKind says what the State Council's notice makes of a date.
type DayKind string

const (
	Off  DayKind = "off"  // statutory day off 法定節假日, adjoined days included
	Work DayKind = "work" // make-up working day 調休, a Saturday or Sunday
)

// Day is one date the notices name.
type Day struct {
	Date     Date
	Kind     DayKind
	Festival string
}

// YearStatus says where the days of a year come from.
type YearStatus string

const (
	Official    YearStatus = "official"    // the year's notice is loaded
	Provisional YearStatus = "provisional" // only the days the law itself fixes; make-up days not yet known
)

// Calendar knows statutory days off and make-up working days. It never changes and may be shared.
type Calendar struct {
	days  map[Date]Day
	years map[int]YearStatus
}

// New checks and keeps copies of the named days and the years' statuses. A year that has days must
// have a status, no date may come twice, and a make-up working day must be a Saturday or Sunday.
func New(days []Day, years map[int]YearStatus) (*Calendar, error) {
	c := &Calendar{days: make(map[Date]Day, len(days)), years: maps.Clone(years)}
	for year, status := range years {
		if status != Official && status != Provisional {
			return nil, fmt.Errorf("calendar: year %d has no known status", year)
		}
	}
	for _, d := range days {
		_, twice := c.days[d.Date]
		switch {
		case twice:
			return nil, fmt.Errorf("calendar: %s comes twice", d.Date)
		case d.Kind != Off && d.Kind != Work:
			return nil, fmt.Errorf("calendar: %s has no known kind", d.Date)
		case d.Kind == Work && !d.Date.weekend():
			return nil, fmt.Errorf("calendar: make-up day %s is not a Saturday or Sunday", d.Date)
		case c.years[d.Date.Year()] == "":
			return nil, fmt.Errorf("calendar: year %d has days but no status", d.Date.Year())
		}
		c.days[d.Date] = d
	}
	return c, nil
}

func (d Date) weekend() bool { return d.Weekday() == time.Saturday || d.Weekday() == time.Sunday }

// IsStatutoryOff tells whether d is a statutory day off.
func (c *Calendar) IsStatutoryOff(d Date) bool { return c.days[d].Kind == Off }

// IsWorking tells whether d is a working day: Monday to Friday and not off, or a make-up day.
func (c *Calendar) IsWorking(d Date) bool {
	switch c.days[d].Kind {
	case Off:
		return false
	case Work:
		return true
	}
	return !d.weekend()
}

// Festival returns the festival a statutory day off belongs to, "" for every other day, make-up days
// included: nobody is told "Spring Festival" on a day they have to work.
func (c *Calendar) Festival(d Date) string {
	if c.days[d].Kind != Off {
		return ""
	}
	return c.days[d].Festival
}

// Status tells where the days of a year come from; false when nothing of it is loaded.
func (c *Calendar) Status(year int) (YearStatus, bool) {
	s, ok := c.years[year]
	return s, ok
}

// Horizon returns the first date on or after from whose year has no official notice: what is said
// about it and later dates may still change. (A notice may also name the last days of December before
// its year; it comes out weeks ahead of them.)
func (c *Calendar) Horizon(from Date) Date {
	for year := from.Year(); ; year++ {
		if c.years[year] != Official {
			return max(from, MakeDate(year, time.January, 1))
		}
	}
}

// AddWorkingDays returns the n-th working day after d, for n ≥ 1; d itself for 0 (Art. 23).
func (c *Calendar) AddWorkingDays(d Date, n int) Date {
	for n > 0 {
		d++
		if c.IsWorking(d) {
			n--
		}
	}
	return d
}

// WorkingDaysBetween counts the working days after from, up to and with to; 0 when to is not later
// (Art. 23).
func (c *Calendar) WorkingDaysBetween(from, to Date) int {
	n := 0
	for d := from + 1; d <= to; d++ {
		if c.IsWorking(d) {
			n++
		}
	}
	return n
}

// counts tells whether d is one of the days an off-site window counts (Art. 14: statutory days off
// do not, ordinary weekends do).
func (c *Calendar) counts(d Date, skipStatutory bool) bool {
	return !skipStatutory || !c.IsStatutoryOff(d)
}

// WindowEnd returns the last date of the off-site window of day from: the days-th counted date after
// it, days ≥ 1. The window holds every date after from up to that one, days off among them. Days off
// that follow the end are left to the next window, so a window never ends on one and a day off
// releases nothing.
func (c *Calendar) WindowEnd(from Date, days int, skipStatutory bool) Date {
	d := from
	for days > 0 {
		d++
		if c.counts(d, skipStatutory) {
			days--
		}
	}
	return d
}

// InWindow tells whether d lies in the window of day from.
func (c *Calendar) InWindow(from, d Date, days int, skipStatutory bool) bool {
	return d > from && d <= c.WindowEnd(from, days, skipStatutory)
}

// WindowDates lists the dates of the window of day from.
func (c *Calendar) WindowDates(from Date, days int, skipStatutory bool) []Date {
	end := c.WindowEnd(from, days, skipStatutory)
	out := make([]Date, 0, end-from)
	for d := from + 1; d <= end; d++ {
		out = append(out, d)
	}
	return out
}

// ReleaseDay returns the first day whose window contains d, days ≥ 1: the earliest with fewer than days
// counted dates strictly between it and d. It is found by walking back from d.
func (c *Calendar) ReleaseDay(d Date, days int, skipStatutory bool) Date {
	for day := d - 1; ; day-- {
		if c.counts(day, skipStatutory) {
			if days--; days <= 0 { // one day earlier, day would lie between too, and that is one too many
				return day
			}
		}
	}
}

// ReleaseInstant returns when the numbers of date d can first be had: at minute (after midnight) of its
// release day (Art. 14: 12:00, every day, weekends too).
func (c *Calendar) ReleaseInstant(d Date, days int, skipStatutory bool, minute int) time.Time {
	return c.ReleaseDay(d, days, skipStatutory).At(minute/60, minute%60)
}
