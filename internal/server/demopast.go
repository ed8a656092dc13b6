package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
)

// The days before a demonstration begins, as far as waits go: every district hall has had days like the one
// that can be played (demoday.go), with the same people, counters and chances, and has learned from them as
// halls learn. They are lived in memory by the rule of the hall, and only what they teach is kept.
const (
	pastWarm = 8  // days first of all, so that ranges are told from something
	pastDays = 20 // working days that are learned from: four weeks
	pastStep = 15 * time.Second
)

// makeWaits lets the district halls learn from days before today, the same for the same city and day.
func (s *Server) makeWaits(ctx context.Context) error {
	for i, h := range s.pastHalls() {
		_, lived, err := s.livePast(ctx, h.ID, uint64(i), pastWarm, pastDays)
		if err != nil {
			return err
		}
		if err := s.app.TeachWaits(ctx, h.ID, lived); err != nil {
			return err
		}
	}
	return s.app.ReadWaits(ctx)
}

// pastHalls are the halls that have such days.
func (s *Server) pastHalls() (out []*directory.Hall) {
	for _, h := range hallsInOrder(s.app.City()) {
		if h.Level == directory.DistrictHall {
			out = append(out, h)
		}
	}
	return out
}

// livePast lives the last warm + n working days of a hall; the hall learns after warm days. It returns what
// it had learned by then, and the tickets of the n days.
func (s *Server) livePast(ctx context.Context, hall string, seed uint64, warm, n int) (learned counter.Pasts, lived []*counter.Ticket, err error) {
	rules, err := s.app.HallRules(ctx, hall)
	if err != nil {
		return nil, nil, err
	}
	cal, date := s.app.Calendar(), calendar.DateOf(s.clock.Now())
	var dates []calendar.Date
	for len(dates) < warm+n {
		if date--; cal.IsWorking(date) {
			dates = append(dates, date)
		}
	}
	slices.Reverse(dates)
	for i, date := range dates {
		if i == warm {
			learned = app.LearnedFrom(lived)
			lived = nil
		}
		d := newPastDay(s.app.City(), hall, date, rules, s.app.Rules(date).Hours, learned, rand.New(rand.NewPCG(440100+seed, uint64(date))))
		lived = append(lived, d.live()...)
	}
	return learned, lived, nil
}

// pastDay is one such day while it is lived.
type pastDay struct {
	floor  *counter.Floor
	pasts  counter.Pasts
	chance *rand.Rand
	coming []*pastVisitor
	clerks []*pastClerk
	all    []*counter.Ticket

	issued func(now time.Time, t *counter.Ticket) // is told each number given, may be nil
}

type pastVisitor struct {
	at     time.Time
	ticket *counter.Ticket
}

type pastClerk struct {
	seat  *counter.Seat
	until time.Time
}

func newPastDay(city *app.City, hall string, date calendar.Date, rules counter.Rules, hours []int, pasts counter.Pasts, chance *rand.Rand) *pastDay {
	d := &pastDay{pasts: pasts, chance: chance, floor: &counter.Floor{
		HallID: hall, Date: date, Rules: rules, Lines: map[string]*counter.Line{}, Seats: map[string]*counter.Seat{}, Tickets: map[string]*counter.Ticket{},
	}}
	for i, lines := range dayCounters {
		seat := &counter.Seat{Counter: fmt.Sprint(i + 1), State: counter.SeatClosed}
		for _, q := range dayQueues(city, hall, lines) {
			seat.Queues = append(seat.Queues, q.ID)
			if d.floor.Lines[q.ID] == nil {
				d.floor.Lines[q.ID] = &counter.Line{Prefix: counter.PrefixOf(len(d.floor.Lines))}
			}
		}
		d.floor.Seats[seat.Counter] = seat
		d.clerks = append(d.clerks, &pastClerk{seat: seat})
	}
	add := func(at time.Time, t counter.Ticket) {
		if !at.IsZero() {
			t.ID, t.Units = fmt.Sprint(hall, date, len(d.coming)), 1
			d.coming = append(d.coming, &pastVisitor{at: at, ticket: &t})
		}
	}
	for _, lines := range [][]string{{"general"}, {"social"}, {"household"}} { // in one order: the same seed is the same day
		q := city.Queue(hall + "-" + lines[0])
		if q == nil {
			continue
		}
		busy := 0.9 + 0.2*chance.Float64() // one day is not as another
		for _, hour := range hours {
			for range int(float64(dayBooked[q.Line])*busy + chance.Float64()) {
				add(dayArrival(chance, date.At(hour, 0)), counter.Ticket{QueueID: q.ID, Kind: counter.Booked, Hour: hour})
			}
			for i := range dayWalkIns {
				kind := counter.WalkIn
				if i == 0 && hour%3 == 1 {
					kind = counter.Green
				}
				add(date.At(hour, chance.IntN(55)), counter.Ticket{QueueID: q.ID, Kind: kind, Hour: -1})
			}
		}
	}
	return d
}

// live lives the day and returns its tickets, in order of coming.
func (d *pastDay) live() []*counter.Ticket {
	slices.SortStableFunc(d.coming, func(a, b *pastVisitor) int { return a.at.Compare(b.at) })
	for now, end := d.floor.Date.At(8, 28), d.floor.Date.At(18, 30); now.Before(end); now = now.Add(pastStep) {
		for len(d.coming) > 0 && !d.coming[0].at.After(now) {
			v := d.coming[0]
			d.coming = d.coming[1:]
			d.arrive(v, now)
		}
		for _, c := range d.clerks {
			c.seat.Seen = now
			if !now.Before(c.until) {
				d.serve(c, now)
			}
		}
	}
	return d.all
}

// arrive gives a visitor a number, by the rules of check-in; who is too early comes again.
func (d *pastDay) arrive(v *pastVisitor, now time.Time) {
	t := v.ticket
	if t.Kind == counter.Booked {
		start := d.floor.Date.At(t.Hour, 0)
		switch {
		case now.Before(start.Add(-d.floor.Rules.CheckInBefore)):
			v.at = now.Add(10 * time.Minute)
			i, _ := slices.BinarySearchFunc(d.coming, v, func(a, b *pastVisitor) int { return a.at.Compare(b.at) })
			d.coming = slices.Insert(d.coming, i, v)
			return
		case !now.Before(start.Add(time.Hour)): // the hour is missed: a number of the day (Art. 18)
			t.Kind, t.Hour = counter.WalkIn, -1
		}
	}
	if now.After(d.floor.Date.At(17, 0)) {
		return
	}
	if _, err := d.floor.Put(now, t); err != nil {
		panic("server: a number of a past day: " + err.Error()) // each line is there and the day is open
	}
	r := d.floor.Foretell(now, t.QueueID, t.ID, d.pasts)
	t.Early, t.Late, t.Guess = int(r.Early/time.Second), int(r.Late/time.Second), int(r.Guess/time.Second)
	d.all = append(d.all, t)
	if d.issued != nil {
		d.issued(now, t)
	}
}

// serve lets a counter go on, as hallDay.serve does.
func (d *pastDay) serve(c *pastClerk, now time.Time) {
	f, date := d.floor, d.floor.Date
	pause := func(long time.Duration) { c.until = now.Add(long) }
	switch {
	case now.Before(date.At(8, 55)):
		return
	case c.seat.State == counter.SeatClosed:
		c.seat.State, c.seat.Opened, c.seat.Since = counter.SeatOpen, now, now
	case !now.Before(date.At(12, 15)) && now.Before(date.At(13, 0)):
		pause(time.Minute)
		return
	}
	act := func(kind counter.ActKind, ticket string, r counter.Result) bool {
		got, err := f.Apply(now, counter.Act{Kind: kind, Ticket: ticket, Counter: c.seat.Counter, Result: r})
		if err != nil {
			return false
		}
		for _, t := range got.Tickets {
			if t.State.Over() {
				delete(f.Tickets, t.ID)
			}
		}
		return true
	}
	if at := f.At(c.seat.Counter); at != nil {
		kind, result := dayEnd(d.chance)
		act(kind, at.ID, result)
	}
	var held, passed, waits *counter.Ticket
	for _, t := range d.all { // in one order
		switch {
		case f.Tickets[t.ID] == nil || !slices.Contains(c.seat.Queues, t.QueueID):
		case t.State == counter.Held && t.Counter == c.seat.Counter && held == nil:
			held = t
		case t.State == counter.Passed && passed == nil:
			passed = t
		case t.State == counter.Waiting:
			waits = t
		}
	}
	if held != nil && d.chance.Float64() < .5 {
		act(counter.Return, held.ID, "")
	} else if passed != nil && d.chance.Float64() < .3 {
		act(counter.Return, passed.ID, "")
	}
	if waits == nil || !act(counter.Call, "", "") {
		pause(time.Minute)
		return
	}
	pause(dayService(d.chance))
}
