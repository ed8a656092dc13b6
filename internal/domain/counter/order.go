package counter

import (
	"cmp"
	"slices"
	"time"
)

// Why says why a ticket has its place in the line: shown to staff and, in words, to everybody.
type Why string

const (
	WhyHeld      Why = "held"      // this counter had set it aside and it is back
	WhyGreen     Why = "green"     // green channel
	WhyBooked    Why = "booked"    // booked for this hour or one before, and here
	WhyWalkIn    Why = "walk_in"   // a walk-in's turn
	WhyLongest   Why = "longest"   // a walk-in who has waited the longest anybody should
	WhyPassed    Why = "passed"    // was called, was not there, is back
	WhyEarly     Why = "early"     // booked for a later hour; nobody else waits
	whyUndefined Why = "undecided" // not in line
)

// Place is one ticket in the line as it will be called.
type Place struct {
	*Ticket
	Why Why
}

// The rule of the line, in the order it is asked; docs/hall-day.md explains it to people.
//
//  1. Green channel, at once; where the hall sets GreenInOne, after GreenMost of them in a row one other.
//  2. One who was passed and has come back, once PassedAfter others were called meanwhile.
//  3. A walk-in, if WalkInAfter booked people were called in a row since the last one.
//  4. Those booked for an hour that has begun, by hour, then by when they came. A walk-in who has waited
//     WalkInLongest counts as booked for the hour they came in.
//  5. Walk-ins, by when they took their number.
//  6. Those booked for a later hour, by hour, then by when they came; those passed and back.
//
// Next returns who is called next from the queues given, nil for nobody.
func (f *Floor) Next(now time.Time, queues []string) *Place {
	r := f.race(now, queues)
	return r.next()
}

// Order returns the line of the queues given as it would be called if nobody else came: place by place
// what Next would say.
func (f *Floor) Order(now time.Time, queues []string) []Place {
	r := f.race(now, queues)
	var out []Place
	for p := r.next(); p != nil; p = r.next() {
		out = append(out, *p)
		r.take(*p)
	}
	return out
}

// race is the line of some queues while it is being called: each group in its own order.
type race struct {
	now     time.Time
	rules   Rules
	green   []*Ticket
	booked  []*Ticket // due, and walk-ins who have waited longest
	walkIn  []*Ticket
	early   []*Ticket
	passed  []*Ticket // back, with the calls still to go in left
	left    map[string]int
	streak  int // booked in a row, over the queues
	greens  int
	longest map[string]bool
}

func (f *Floor) race(now time.Time, queues []string) *race {
	r := &race{now: now, rules: f.Rules, left: map[string]int{}, longest: map[string]bool{}}
	for _, q := range queues {
		if l := f.Lines[q]; l != nil {
			r.streak, r.greens = max(r.streak, l.Streak), max(r.greens, l.Greens)
		}
	}
	for _, t := range f.Tickets {
		if t.State != Waiting || !slices.Contains(queues, t.QueueID) || f.reserved(now, t.ID) {
			continue
		}
		switch {
		case t.Passes > 0:
			calls := 0
			if l := f.Lines[t.QueueID]; l != nil {
				calls = l.Calls
			}
			r.left[t.ID] = max(0, t.After-calls)
			r.passed = append(r.passed, t)
		case t.Kind == Green:
			r.green = append(r.green, t)
		case t.Kind == Booked && (t.Hour < 0 || !now.Before(t.Date.At(t.Hour, 0))):
			r.booked = append(r.booked, t)
		case t.Kind == Booked:
			r.early = append(r.early, t)
		case now.Sub(t.PlaceAt) >= r.rules.WalkInLongest:
			r.longest[t.ID] = true
			r.booked = append(r.booked, t)
		default:
			r.walkIn = append(r.walkIn, t)
		}
	}
	byPlace := func(a, b *Ticket) int {
		return cmp.Or(a.PlaceAt.Compare(b.PlaceAt), cmp.Compare(a.ID, b.ID))
	}
	byHour := func(a, b *Ticket) int { return cmp.Or(cmp.Compare(hourOf(a), hourOf(b)), byPlace(a, b)) }
	slices.SortFunc(r.green, byPlace)
	slices.SortFunc(r.booked, byHour)
	slices.SortFunc(r.walkIn, byPlace)
	slices.SortFunc(r.early, byHour)
	slices.SortFunc(r.passed, func(a, b *Ticket) int { return cmp.Or(cmp.Compare(r.left[a.ID], r.left[b.ID]), byPlace(a, b)) })
	return r
}

// hourOf is the hour a ticket counts as booked for: a walk-in's is the one it took its place in.
func hourOf(t *Ticket) int {
	if t.Kind == Booked && t.Hour >= 0 {
		return t.Hour
	}
	return int(t.PlaceAt.Sub(t.Date.At(0, 0)) / time.Hour)
}

func (r *race) next() *Place {
	others := len(r.booked)+len(r.walkIn)+len(r.early)+len(r.passed) > 0
	first := func(list []*Ticket, why Why) *Place { return &Place{list[0], why} }
	switch {
	case len(r.green) > 0 && !(r.rules.Green == GreenInOne && r.greens >= r.rules.GreenMost && others):
		return first(r.green, WhyGreen)
	case len(r.passed) > 0 && r.left[r.passed[0].ID] == 0:
		return first(r.passed, WhyPassed)
	case len(r.walkIn) > 0 && r.streak >= r.rules.WalkInAfter:
		return first(r.walkIn, WhyWalkIn)
	case len(r.booked) > 0 && r.longest[r.booked[0].ID]:
		return first(r.booked, WhyLongest)
	case len(r.booked) > 0:
		return first(r.booked, WhyBooked)
	case len(r.walkIn) > 0:
		return first(r.walkIn, WhyWalkIn)
	case len(r.early) > 0:
		return first(r.early, WhyEarly)
	case len(r.passed) > 0:
		return first(r.passed, WhyPassed)
	case len(r.green) > 0:
		return first(r.green, WhyGreen)
	}
	return nil
}

// take goes on as if p had been called.
func (r *race) take(p Place) {
	drop := func(list []*Ticket) []*Ticket {
		return slices.DeleteFunc(list, func(t *Ticket) bool { return t.ID == p.ID })
	}
	r.green, r.booked, r.walkIn, r.early, r.passed = drop(r.green), drop(r.booked), drop(r.walkIn), drop(r.early), drop(r.passed)
	for id, n := range r.left {
		r.left[id] = max(0, n-1)
	}
	r.streak, r.greens = counted(*p.Ticket, r.streak, r.greens)
}

// counted returns what the streaks of a line are after t was called.
func counted(t Ticket, streak, greens int) (int, int) {
	switch t.Kind {
	case Green:
		return streak, greens + 1
	case WalkIn:
		return 0, 0
	}
	return streak + 1, 0
}

// reserved tells whether a ticket is left to a counter that is not heard of and may be calling by itself.
func (f *Floor) reserved(now time.Time, ticket string) bool {
	for _, s := range f.Seats {
		silent := now.Sub(s.Seen)
		if s.State != SeatClosed && silent > f.Rules.SilentAfter && silent <= f.Rules.OffGrid && slices.Contains(s.Standby, ticket) {
			return true
		}
	}
	return false
}

// StandbyMost is how many tickets a counter is told for the case that it is cut off.
const StandbyMost = 8

// Standby deals the line to the open counters in turn: whom each calls by itself if it is cut off. No
// ticket is dealt twice.
func (f *Floor) Standby(now time.Time) map[string][]string {
	var seats []*Seat
	for _, s := range f.Seats {
		if s.State == SeatOpen {
			seats = append(seats, s)
		}
	}
	slices.SortFunc(seats, func(a, b *Seat) int { return cmp.Compare(a.Counter, b.Counter) })
	dealt, out := map[string]bool{}, map[string][]string{}
	orders := make([][]Place, len(seats))
	for i, s := range seats {
		orders[i] = f.Order(now, s.Queues)
	}
	for range StandbyMost {
		for i, s := range seats {
			for _, p := range orders[i] {
				if !dealt[p.ID] {
					dealt[p.ID] = true
					out[s.Counter] = append(out[s.Counter], p.ID)
					break
				}
			}
		}
	}
	return out
}
