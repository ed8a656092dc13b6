package supply

import (
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/rulebook"
)

// Told is what a change did to a queue, as everybody is told: one date as it was planned before it and with it.
type Told struct {
	Date          calendar.Date // the first date of the change that it makes another, or its first date
	Before, After DayNumbers
}

// DayNumbers is a date of a queue in numbers.
type DayNumbers struct {
	Hours   calendar.Hours
	OffSite int
	OnSite  int
	Window  int // days
}

// toldWithin is how many days of a change are looked at for one that it makes another.
const toldWithin = 62

// Tell compares a date before and with a change. earlier are the changes below it, in their order.
func Tell(cal *calendar.Calendar, rules rulebook.Rulebook, q directory.Queue, earlier []Change, c Change) Told {
	first := Told{Date: c.From}
	for d := c.From; d < c.From+toldWithin && (c.To == 0 || d <= c.To); d++ {
		if !c.On(cal, d) {
			continue
		}
		t := Told{Date: d, Before: numbersOf(Effective(cal, rules, q, d, earlier...))}
		t.After = numbersOf(Effective(cal, rules, q, d, append(earlier[:len(earlier):len(earlier)], c)...))
		if t.Before != t.After {
			return t
		}
		if first.Before == (DayNumbers{}) {
			first = t
		}
	}
	return first
}

func numbersOf(day Day) DayNumbers {
	n := DayNumbers{Hours: day.Open(), Window: day.Window}
	for _, p := range day.Plan() {
		n.OffSite += p.OffSite
		n.OnSite += p.OnSite
	}
	return n
}
