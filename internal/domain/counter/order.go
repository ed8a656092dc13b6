package counter

import (
	"cmp"
	"slices"
	"time"
)

// Why says why a ticket has its place in the line: shown to staff and, in words, to everybody.
type Why string

const (
	WhyGreen   Why = "green"   // green channel
	WhyPassed  Why = "passed"  // was called, was not there, is back
	WhyWalkIn  Why = "walk_in" // a walk-in's turn
	WhyLongest Why = "longest" // a walk-in who has waited the longest anybody should
	WhyBooked  Why = "booked"  // booked for this hour or one before, and here
	WhyEarly   Why = "early"   // booked for a later hour; nobody else waits
)

// Place is one ticket in the line as it will be called.
type Place struct {
	*Ticket
	Why  Why
	rank int // 1–7: the sentence of the rule that put it there
}

// The rule of the line; docs/hall-day.md explains it to people. Each queue is a line of its own, and who is
// next in it is the first of
//
//  1. the green channel, at once; where the hall sets GreenInOne, after GreenMost of them in a row one other;
//  2. one who was passed and has come back, once PassedAfter others were called meanwhile;
//  3. a walk-in, the one who has waited longest, if WalkInAfter booked people were called in a row since the last;
//  4. those booked for an hour that has begun, by hour, then by when they came. A walk-in who has waited
//     WalkInLongest counts as booked for the hour they came in;
//  5. walk-ins, by when they took their number;
//  6. those booked for a later hour, by hour, then by when they came;
//  7. those passed and back, however few were called meanwhile; then the green ones who were kept back.
//
// A counter that calls from several queues calls the one of their firsts whose sentence comes first here,
// then by hour and by when they came. So the order within a queue is the same whoever calls from it.

// Next returns who is called next to a counter, nil for nobody. It leaves alone whom a counter that is not
// heard of may be calling by itself.
func (f *Floor) Next(now time.Time, counter string) *Place {
	seat := f.Seats[counter]
	if seat == nil {
		return nil
	}
	return f.stand(now, seat.Queues, func(t *Ticket) bool { return f.reserved(now, t.ID, counter) }).first()
}

// Order returns the line of the queues given as it would be called if nobody else came, those whom a
// counter that is not heard of may be calling included.
func (f *Floor) Order(now time.Time, queues []string) []Place {
	return f.stand(now, queues, func(*Ticket) bool { return false }).all()
}

// Ahead returns how many of its queue will be called before a ticket, −1 if it does not stand in line.
func (f *Floor) Ahead(now time.Time, ticket string) int {
	t := f.Tickets[ticket]
	if t == nil || t.State != Waiting {
		return -1
	}
	return slices.IndexFunc(f.Order(now, []string{t.QueueID}), func(p Place) bool { return p.ID == ticket })
}

// lines are queues while they are being called.
type lines []*line

// line is one queue while it is being called: each group in its own order.
type line struct {
	Line
	rules  Rules
	green  []*Ticket
	passed []*Ticket // and back
	walkIn []*Ticket
	booked []*Ticket // due, and walk-ins who have waited longest
	early  []*Ticket
}

// stand lines up who waits in some queues, without those who are left out.
func (f *Floor) stand(now time.Time, queues []string, out func(*Ticket) bool) lines {
	all, at := make(lines, len(queues)), make(map[string]*line, len(queues))
	for i, q := range queues {
		l := &line{rules: f.Rules}
		if known := f.Lines[q]; known != nil {
			l.Line = *known
		}
		all[i], at[q] = l, l
	}
	for _, t := range f.Tickets {
		if l := at[t.QueueID]; l != nil && t.State == Waiting && !out(t) {
			l.add(t)
		}
	}
	for _, l := range all {
		slices.SortFunc(l.green, byPlace)
		slices.SortFunc(l.passed, func(a, b *Ticket) int { return cmp.Or(cmp.Compare(a.After, b.After), byPlace(a, b)) })
		slices.SortFunc(l.walkIn, byPlace)
		slices.SortFunc(l.early, byHour)
		l.turn(now)
	}
	return all
}

// add puts a ticket into its group; turn sorts out who is due.
func (l *line) add(t *Ticket) {
	group := &l.walkIn
	switch {
	case t.After > 0:
		group = &l.passed
	case t.Kind == Green:
		group = &l.green
	case t.Kind == Booked:
		group = &l.early
	}
	*group = append(*group, t)
}

// turn makes those due whose hour has begun by now, and the walk-ins who have waited longest.
func (l *line) turn(now time.Time) {
	due := 0
	for due < len(l.early) && !(l.early[due].Hour >= 0 && now.Before(l.early[due].Date.At(l.early[due].Hour, 0))) {
		due++
	}
	long := 0
	for long < len(l.walkIn) && now.Sub(l.walkIn[long].PlaceAt) >= l.rules.WalkInLongest {
		long++
	}
	if due+long > 0 {
		l.booked = slices.Concat(l.booked, l.early[:due], l.walkIn[:long])
		l.early, l.walkIn = l.early[due:], l.walkIn[long:]
		slices.SortFunc(l.booked, byHour)
	}
}

func byPlace(a, b *Ticket) int {
	return cmp.Or(a.PlaceAt.Compare(b.PlaceAt), cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
}

func byHour(a, b *Ticket) int { return cmp.Or(cmp.Compare(a.hour(), b.hour()), byPlace(a, b)) }

// hour is the hour a ticket counts as booked for: a walk-in's is the one it took its place in.
func (t *Ticket) hour() int {
	if t.Kind == Booked && t.Hour >= 0 {
		return t.Hour
	}
	return int(t.PlaceAt.Sub(t.Date.At(0, 0)) / time.Hour)
}

// first returns who is next in a line, nil for nobody.
func (l *line) first() *Place {
	others := len(l.passed)+len(l.walkIn)+len(l.booked)+len(l.early) > 0
	switch {
	case len(l.green) > 0 && !(l.rules.Green == GreenInOne && l.Greens >= l.rules.GreenMost && others):
		return &Place{l.green[0], WhyGreen, 1}
	case len(l.passed) > 0 && l.passed[0].After <= l.Calls:
		return &Place{l.passed[0], WhyPassed, 2}
	case l.Streak >= l.rules.WalkInAfter && l.oldest() != nil:
		return &Place{l.oldest(), WhyWalkIn, 3}
	case len(l.booked) > 0 && l.booked[0].Kind != Booked:
		return &Place{l.booked[0], WhyLongest, 4}
	case len(l.booked) > 0:
		return &Place{l.booked[0], WhyBooked, 4}
	case len(l.walkIn) > 0:
		return &Place{l.walkIn[0], WhyWalkIn, 5}
	case len(l.early) > 0:
		return &Place{l.early[0], WhyEarly, 6}
	case len(l.passed) > 0:
		return &Place{l.passed[0], WhyPassed, 7}
	}
	return nil
}

// oldest returns the walk-in whose turn it is when a walk-in's comes: one who counts as booked has waited
// longer than those who do not. nil for nobody.
func (l *line) oldest() *Ticket {
	for _, t := range l.booked {
		if t.Kind != Booked {
			return t
		}
	}
	if len(l.walkIn) > 0 {
		return l.walkIn[0]
	}
	return nil
}

// take goes on as if the first of the line, p, had been called.
func (l *line) take(p *Place) {
	for _, group := range []*[]*Ticket{&l.green, &l.passed, &l.walkIn, &l.booked, &l.early} {
		switch i := slices.Index(*group, p.Ticket); {
		case i == 0:
			*group = (*group)[1:]
		case i > 0:
			*group = slices.Concat((*group)[:i], (*group)[i+1:])
		}
	}
	l.called(p.Ticket)
}

// called remembers a call: whoever was passed and is back is of no kind.
func (l *Line) called(t *Ticket) {
	l.Calls++
	switch {
	case t.After > 0:
		l.Greens = 0
	case t.Kind == Green:
		l.Greens++
	case t.Kind == WalkIn:
		l.Streak, l.Greens = 0, 0
	default:
		l.Streak, l.Greens = l.Streak+1, 0
	}
}

// best returns who is next over the lines and in which, nil for nobody.
func (ls lines) best() (p *Place, in *line) {
	for _, l := range ls {
		if q := l.first(); q != nil && (p == nil || before(q, p)) {
			p, in = q, l
		}
	}
	return p, in
}

func before(a, b *Place) bool {
	order := byPlace
	if a.rank == 4 || a.rank == 6 {
		order = byHour
	}
	return cmp.Or(cmp.Compare(a.rank, b.rank), order(a.Ticket, b.Ticket)) < 0
}

func (ls lines) first() *Place {
	p, _ := ls.best()
	return p
}

func (ls lines) all() (out []Place) {
	for p, l := ls.best(); p != nil; p, l = ls.best() {
		out = append(out, *p)
		l.take(p)
	}
	return out
}

// reach is how a counter is in touch.
type reach int

const (
	inTouch reach = iota
	silent        // not heard of: it may be calling by itself
	gone          // for so long that it may not any more, or closed
)

// reach reckons generously: a counter counts from the last it heard of the server, which is up to
// SilentAfter later than the last the server heard of it.
func (f *Floor) reach(now time.Time, s *Seat) reach {
	d := now.Sub(s.Seen)
	switch {
	case s.State == SeatClosed || d > f.Rules.OffGrid+f.Rules.SilentAfter:
		return gone
	case d > f.Rules.SilentAfter:
		return silent
	}
	return inTouch
}

// reserved tells whether a ticket is left to another counter that may be calling by itself.
func (f *Floor) reserved(now time.Time, ticket, counter string) bool {
	for _, s := range f.Seats {
		if s.Counter != counter && f.reach(now, s) == silent && slices.Contains(s.Standby, ticket) {
			return true
		}
	}
	return false
}

// StandbyMost is how many tickets a counter is told for the case that it is cut off.
const StandbyMost = 8

// Standby returns whom a counter may call by itself from now on if it is cut off, in order; nil unless it is
// open. The line is dealt to the open counters in turn. What another counter was told last is its own until
// that one is told otherwise, so no ticket stands with two counters at any instant: keep what is returned
// in Seat.Standby before the counter is told.
func (f *Floor) Standby(now time.Time, counter string) []string {
	if s := f.Seats[counter]; s == nil || s.State != SeatOpen {
		return nil
	}
	var seats []*Seat // the line is dealt to
	dealt, others := map[string]bool{}, map[string]bool{}
	for _, s := range f.Seats {
		r := f.reach(now, s)
		if s.State == SeatOpen && (r == inTouch || s.Counter == counter) {
			seats = append(seats, s)
		}
		if s.Counter == counter || r == gone {
			continue
		}
		for _, id := range s.Standby {
			others[id], dealt[id] = true, dealt[id] || r == silent
		}
	}
	slices.SortFunc(seats, func(a, b *Seat) int { return cmp.Compare(a.Counter, b.Counter) })
	orders := make([][]Place, len(seats))
	for i, s := range seats {
		orders[i] = f.Order(now, s.Queues)
	}
	var out []string
	for range StandbyMost {
		for i, s := range seats {
			for len(orders[i]) > 0 && dealt[orders[i][0].ID] {
				orders[i] = orders[i][1:]
			}
			if len(orders[i]) == 0 {
				continue
			}
			id := orders[i][0].ID
			dealt[id] = true
			if s.Counter == counter && !others[id] {
				out = append(out, id)
			}
		}
	}
	return out
}
