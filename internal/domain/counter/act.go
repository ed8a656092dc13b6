package counter

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"suiyue/internal/domain/fault"
)

// ActKind is what happens to a ticket.
type ActKind string

const (
	Issue    ActKind = "issue"    // a number is given: somebody has come
	Call     ActKind = "call"     // next, or this one
	Recall   ActKind = "recall"   // called again, same counter
	Pass     ActKind = "pass"     // not there (過號)
	Hold     ActKind = "hold"     // set aside
	Return   ActKind = "return"   // one who was passed is back in line; one set aside is taken up again by its counter, or by any when that closes
	Transfer ActKind = "transfer" // to another queue of the hall, with its place
	Finish   ActKind = "finish"
	Leave    ActKind = "leave"  // gives the number back
	Settle   ActKind = "settle" // the day has ended
)

// Act asks for one thing to happen on a floor.
type Act struct {
	Kind    ActKind
	Ticket  string // "" with Call: whoever is next
	Counter string // that acts; Leave, Settle and Return of one who was passed need none
	Queue   string // Transfer: to which
	Result  Result // Finish; Settle: of who is still at a counter, "" = Finished
}

// Change is what an act came to: the tickets it changed, as they are now, with the act each.
type Change struct {
	Tickets []*Ticket
	Kinds   []ActKind // one for each ticket
	Seat    *Seat     // the counter that acted, nil for none
}

func (c *Change) add(t *Ticket, k ActKind) {
	t.Version++
	c.Tickets, c.Kinds = append(c.Tickets, t), append(c.Kinds, k)
}

// At returns the ticket that is called to a counter, nil for none.
func (f *Floor) At(counter string) *Ticket {
	for _, t := range f.Tickets {
		if t.State == Called && t.Counter == counter {
			return t
		}
	}
	return nil
}

// Apply does an act or says why not; refused, the floor is as it was.
//
//   - Call with somebody at the counter finishes them first, as done.
//   - Called by one counter, a ticket is no other's, nor is one that a silent counter may be calling by itself:
//     TicketNotYours.
func (f *Floor) Apply(now time.Time, a Act) (*Change, *fault.Error) {
	if f.Sealed {
		return nil, fault.New(fault.DaySealed)
	}
	var seat *Seat
	if a.Counter != "" {
		seat = f.Seats[a.Counter]
		if seat == nil || seat.State == SeatClosed {
			return nil, fault.New(fault.CounterClosed)
		}
	}
	var t *Ticket
	if a.Ticket != "" {
		if t = f.Tickets[a.Ticket]; t == nil {
			return nil, fault.New(fault.TicketNotFound)
		}
		if t.State.Over() {
			return nil, fault.New(fault.TicketOver, "state", string(t.State))
		}
	}
	if t == nil && a.Kind != Call {
		return nil, fault.New(fault.TicketNotFound)
	}
	c := &Change{Seat: seat}
	switch a.Kind {
	case Call:
		return c, f.call(now, seat, t, c)
	case Recall, Pass, Hold, Finish, Transfer:
		if seat == nil || t.Counter != a.Counter || t.State != Called && !(t.State == Held && (a.Kind == Finish || a.Kind == Transfer)) {
			return nil, fault.New(fault.TicketNotYours)
		}
	}
	was, queue := t.State, t.QueueID
	switch a.Kind {
	case Recall:
		t.Calls++
		t.CalledAt = now
	case Pass:
		t.Passes++
		t.State = Passed
		if t.Passes >= f.Rules.PassedMost {
			f.end(t, Left, NeverCame, now)
		}
	case Hold:
		t.State = Held
	case Finish:
		if !slices.Contains(Results, a.Result) {
			return nil, fault.InvalidFields(fault.Field{Path: "result", Code: fault.NotOneOf})
		}
		f.end(t, Done, a.Result, now)
	case Transfer:
		if f.Lines[a.Queue] == nil {
			return nil, fault.New(fault.QueueNotFound)
		}
		if a.Queue == t.QueueID {
			return nil, fault.InvalidFields(fault.Field{Path: "queue", Code: fault.NotOneOf})
		}
		t.QueueID, t.State, t.Counter = a.Queue, Waiting, ""
	case Return:
		switch {
		case t.State == Passed:
			calls := 0
			if l := f.Lines[t.QueueID]; l != nil {
				calls = l.Calls
			}
			t.State, t.Counter, t.After = Waiting, "", calls+f.Rules.PassedAfter
		case t.State == Held && seat == nil: // its counter closes: it waits for another one, with its place
			t.State, t.Counter = Waiting, ""
		case t.State == Held && seat != nil && t.Counter == a.Counter:
			if f.At(a.Counter) != nil {
				return nil, fault.New(fault.CounterBusy)
			}
			t.State, t.CalledAt = Called, now
		default:
			return nil, fault.New(fault.TicketNotYours)
		}
	case Leave:
		if t.State == Called || t.State == Held {
			return nil, fault.New(fault.TicketNotYours)
		}
		f.end(t, Left, WentAway, now)
	case Settle:
		switch t.State {
		case Called:
			f.end(t, Done, cmp.Or(a.Result, Finished), now)
		case Held:
			f.end(t, Done, Incomplete, now)
		case Passed:
			f.end(t, Left, NeverCame, now)
		default:
			f.end(t, Left, DayEnded, now)
		}
	default:
		return nil, fault.InvalidFields(fault.Field{Path: "act", Code: fault.NotOneOf})
	}
	if l := f.Lines[queue]; l != nil && was == Called && t.State != Called {
		l.took(t, now)
	}
	c.add(t, a.Kind)
	return c, nil
}

// call calls t, or whoever is next, to a counter.
func (f *Floor) call(now time.Time, seat *Seat, t *Ticket, c *Change) *fault.Error {
	switch {
	case seat == nil:
		return fault.New(fault.CounterClosed)
	case seat.State == SeatPaused:
		return fault.New(fault.CounterPaused)
	}
	at := f.At(seat.Counter)
	if t == nil {
		p := f.Next(now, seat.Counter)
		if p == nil && at == nil {
			return fault.New(fault.NobodyWaits)
		}
		if p != nil {
			t = p.Ticket
		}
	} else if t.State != Waiting || !slices.Contains(seat.Queues, t.QueueID) || f.reserved(now, t.ID, seat.Counter) {
		return fault.New(fault.TicketNotYours)
	}
	if at != nil {
		if l := f.Lines[at.QueueID]; l != nil {
			l.took(at, now)
		}
		f.end(at, Done, Finished, now)
		c.add(at, Finish)
	}
	if t == nil { // nobody waits: the one who was there is finished
		return nil
	}
	first := t.FirstAt.IsZero()
	if first {
		t.FirstAt = now
	}
	if l := f.Lines[t.QueueID]; l != nil {
		l.called(t)
		if first {
			l.Waited = maps.Clone(l.Waited)
			if l.Waited == nil {
				l.Waited = map[Kind]int{}
			}
			l.Waited[t.Kind] = int(t.Waited(now) / time.Second)
		}
	}
	t.State, t.Counter, t.CalledAt, t.After = Called, seat.Counter, now, 0
	t.Calls++
	c.add(t, Call)
	return nil
}

func (f *Floor) end(t *Ticket, s State, r Result, now time.Time) {
	t.State, t.Result, t.EndedAt = s, r, now
}

// Number gives the next number of a queue: its prefix and at least three digits.
func (l *Line) Number() string {
	l.Serial++
	return fmt.Sprintf("%s%03d", l.Prefix, l.Serial)
}

// PrefixOf is the prefix of the n-th queue of a hall: A to Z without I and O, then AA and so on.
func PrefixOf(n int) string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	if n < len(letters) {
		return letters[n : n+1]
	}
	return PrefixOf(n/len(letters)-1) + letters[n%len(letters):n%len(letters)+1]
}

// Put gives a new ticket its number and place in line.
func (f *Floor) Put(now time.Time, t *Ticket) (*Change, *fault.Error) {
	if f.Sealed {
		return nil, fault.New(fault.DaySealed)
	}
	l := f.Lines[t.QueueID]
	if l == nil {
		return nil, fault.New(fault.QueueNotFound)
	}
	for _, other := range f.Tickets {
		if t.Booking != "" && other.Booking == t.Booking {
			return nil, fault.New(fault.AlreadyHere, "number", other.Number)
		}
	}
	t.Number = l.Number()
	t.HallID, t.Date, t.State = f.HallID, f.Date, Waiting
	t.IssuedAt, t.PlaceAt, t.Version = now, now, 0
	f.Tickets[t.ID] = t
	c := &Change{}
	c.add(t, Issue)
	return c, nil
}

// Arrival tells whether somebody may check in for a booked hour now (Art. 12, 17): from CheckInBefore
// before it until its end.
func (r Rules) Arrival(now, start, end time.Time) *fault.Error {
	switch {
	case now.Before(start.Add(-r.CheckInBefore)):
		return fault.New(fault.TooEarly, "from", start.Add(-r.CheckInBefore).Format(time.RFC3339))
	case !now.Before(end):
		return fault.New(fault.TooLate, "until", end.Format(time.RFC3339))
	}
	return nil
}

// Half is the half-day an hour belongs to, for the limit of one on-site number a person, item and half-day.
func Half(hour int) string {
	if hour < 13 {
		return "am"
	}
	return "pm"
}

// OnSiteName is the claim of a person on one on-site number of an item and half-day.
func OnSiteName(item, date string, hour int) string {
	return "onsite|" + item + "|" + date + "|" + Half(hour)
}
