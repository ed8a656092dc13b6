package supply

import (
	"slices"
	"strconv"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
)

// Kind says what a change does to a queue's plan (Art. 16, 22).
type Kind string

const (
	Capacity Kind = "capacity" // another total a day
	Close    Kind = "close"    // shut, whole days or half-days
	Extend   Kind = "extend"   // 延時服務: more hours on days that are open
	Weekend  Kind = "weekend"  // 5+X: open on Saturdays or Sundays
	Share    Kind = "share"    // another on-site share
	Horizon  Kind = "horizon"  // another window, where a longer one was kept
)

// Kinds lists them in the order people choose from.
var Kinds = []Kind{Capacity, Weekend, Extend, Close, Share, Horizon}

// Change is one adjustment of a queue's plan. What recurs is one object: a range of dates, the weekdays
// among them, and for closures a rule of the month.
type Change struct {
	Kind     Kind           `json:"kind"`
	From     calendar.Date  `json:"from"`
	To       calendar.Date  `json:"to,omitzero"`        // last day; zero = without end
	Weekdays []time.Weekday `json:"weekdays,omitempty"` // none = every day

	Total    int            `json:"total,omitempty"`     // capacity: numbers a day
	Source   string         `json:"source,omitempty"`    // capacity: where Total comes from (Art. 15); Completed = the average
	Half     calendar.Half  `json:"half,omitempty"`      // close
	Rule     *calendar.Rule `json:"rule,omitempty"`      // close: only where the rule falls
	Hours    calendar.Hours `json:"hours,omitempty"`     // extend, weekend
	PerHour  int            `json:"per_hour,omitempty"`  // extend, weekend: numbers in each of them
	PerMille int            `json:"per_mille,omitempty"` // share
	Days     int            `json:"days,omitempty"`      // horizon
}

// Completed is the source of a total that is the mean of what was completed (Art. 15).
const Completed = "completed"

// Limits of what a request can ask for.
const (
	mostTotal   = 20_000 // numbers a day
	mostPerHour = 2_000
	longest     = 400 // days a change may reach ahead
	mostSource  = 200 // characters
)

// Validate reports everything about a change that no queue could be planned by, as fields. today is the
// day it is filed on.
func (c Change) Validate(rules rulebook.Rulebook, q directory.Queue, today calendar.Date) *fault.Error {
	var wrong []fault.Field
	bad := func(path string, code fault.Code) { wrong = append(wrong, fault.Field{Path: path, Code: code}) }
	switch {
	case c.From < today:
		bad("from", fault.DateInPast)
	case c.From > today+longest:
		bad("from", fault.OutOfRange)
	}
	if c.To != 0 && (c.To < c.From || c.To > c.From+longest) {
		bad("to", fault.OutOfRange)
	}
	for i, w := range c.Weekdays {
		if w < time.Sunday || w > time.Saturday || slices.Contains(c.Weekdays[:i], w) {
			bad("weekdays", fault.NotOneOf)
			break
		}
	}
	switch c.Kind {
	case Capacity:
		if c.Total < 0 || c.Total > mostTotal {
			bad("total", fault.OutOfRange)
		}
		if c.Source == "" {
			bad("source", fault.Required)
		} else if len([]rune(c.Source)) > mostSource {
			bad("source", fault.TooLong)
		}
	case Close:
		switch {
		case c.Rule != nil && c.Rule.Validate() != nil:
			bad("rule", fault.OutOfRange)
		case c.Rule == nil && c.Half != calendar.Morning && c.Half != calendar.Afternoon && c.Half != calendar.WholeDay:
			bad("half", fault.NotOneOf)
		}
	case Extend, Weekend:
		if c.Hours == 0 || c.Hours > 1<<24-1 {
			bad("hours", fault.Required)
		}
		if c.PerHour < 1 || c.PerHour > mostPerHour {
			bad("per_hour", fault.OutOfRange)
		}
		if c.Kind == Weekend && slices.ContainsFunc(c.Weekdays, func(w time.Weekday) bool { return w != time.Saturday && w != time.Sunday }) {
			bad("weekdays", fault.NotOneOf)
		}
	case Share:
		if most := min(rules.OnSitePerMille, 100); c.PerMille > most {
			if len(wrong) == 0 {
				return fault.New(fault.ShareTooLarge, "max", strconv.Itoa(most/10)+" %")
			}
			bad("per_mille", fault.OutOfRange)
		} else if c.PerMille < 0 {
			bad("per_mille", fault.OutOfRange)
		}
	case Horizon:
		if c.Days < rules.WindowDays || c.Days > max(rules.WindowDays, q.GrandfatheredHorizon) {
			bad("days", fault.OutOfRange) // Art. 14: kept, never made longer
		}
	default:
		bad("kind", fault.NotOneOf)
	}
	if len(wrong) > 0 {
		return fault.InvalidFields(wrong...)
	}
	return nil
}

// On tells whether the change speaks of date d.
func (c Change) On(cal *calendar.Calendar, d calendar.Date) bool {
	return d >= c.From && (c.To == 0 || d <= c.To) &&
		(len(c.Weekdays) == 0 || slices.Contains(c.Weekdays, d.Weekday())) &&
		(c.Rule == nil || cal.Falls(*c.Rule, d))
}

// Over tells whether every date of the change lies before d.
func (c Change) Over(d calendar.Date) bool { return c.To != 0 && c.To < d }

// Day is what a queue plans for one date, every change laid over it.
type Day struct {
	Base    calendar.Hours // hours its total is split over
	Total   int
	Extra   [24]int        // numbers of hours opened beside them
	Shut    calendar.Hours // hours taken away again, with their numbers
	Share   int            // per mille, on-site
	Window  int            // days
	Working bool           // a working day of the hall: on-site numbers are released (Art. 14)
}

// Effective lays changes over the plan of queue q for date d, in their order: the later one wins.
func Effective(cal *calendar.Calendar, rules rulebook.Rulebook, q directory.Queue, d calendar.Date, changes ...Change) Day {
	week, closures := q.HoursOn(d)
	day := Day{
		Base: cal.OpenHours(week, closures, d), Total: q.DailyAverage, Share: min(q.OnSitePerMille, rules.OnSitePerMille),
		Window: max(rules.WindowDays, q.GrandfatheredHorizon), Working: cal.IsWorking(d),
	}
	for _, c := range changes {
		if c.On(cal, d) {
			day.apply(cal, rules, c, d)
		}
	}
	if day.Open() != 0 && !cal.IsStatutoryOff(d) {
		day.Working = true // a weekend opened under 5+X counts as the hall's working day
	}
	return day
}

func (day *Day) apply(cal *calendar.Calendar, rules rulebook.Rulebook, c Change, d calendar.Date) {
	switch c.Kind {
	case Capacity:
		day.Total = c.Total
	case Close:
		half := c.Half
		if c.Rule != nil {
			half = c.Rule.Half
		}
		day.Shut |= half.Hours() & day.Open()
	case Extend:
		if day.Open() != 0 {
			day.add(c)
		}
	case Weekend:
		if !cal.IsWorking(d) && !cal.IsStatutoryOff(d) {
			day.add(c)
		}
	case Share:
		day.Share = min(c.PerMille, rules.OnSitePerMille)
	case Horizon:
		day.Window = max(c.Days, rules.WindowDays)
	}
}

// add opens hours. One the day has anyway keeps its own numbers and is open again if it was shut.
func (day *Day) add(c Change) {
	day.Shut &^= c.Hours
	for _, h := range (c.Hours &^ day.Base).List() {
		day.Extra[h] = c.PerHour
	}
}

// Open returns the hours that are open.
func (day Day) Open() calendar.Hours {
	open := day.Base
	for h, n := range day.Extra {
		if n > 0 {
			open |= 1 << h
		}
	}
	return open &^ day.Shut
}

// Plan returns the numbers of each open hour in order. The on-site share holds for every part of the
// day that is planned alike, so for the day.
func (day Day) Plan() []Plan {
	var plan []Plan
	if day.Total > 0 {
		hours := day.Base.List()
		all := Split(day.Total, len(hours))
		if day.Shut != 0 {
			open := hours[:0]
			for i, h := range hours {
				if !day.Shut.Has(h) {
					all[len(open)] = all[i]
					open = append(open, h)
				}
			}
			hours, all = open, all[:len(open)]
		}
		if len(hours) > 0 {
			plan = keep(hours, all, day.Share)
		}
	}
	if day.Extra == [24]int{} {
		return plan
	}
	done := map[int]bool{}
	for h, n := range day.Extra {
		if n == 0 || day.Shut.Has(h) || done[n] {
			continue
		}
		done[n] = true
		var hours, all []int
		for other, m := range day.Extra {
			if m == n && !day.Shut.Has(other) {
				hours, all = append(hours, other), append(all, n)
			}
		}
		plan = append(plan, keep(hours, all, day.Share)...)
	}
	slices.SortFunc(plan, func(a, b Plan) int { return a.Hour - b.Hour })
	return plan
}
