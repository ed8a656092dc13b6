package booking

import (
	"strconv"
	"time"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
)

// Delegated booking: people book here, and the number is one of a department's own system. The booking is made as any other,
// pending; the place is taken there under an id that follows from it; then the booking is confirmed, or ended with what it held.

// Way is how a queue is booked.
type Way string

const (
	WayFull      Way = "full"      // here, with numbers of the platform's
	WayDelegated Way = "delegated" // here, with numbers of a department's own system
	WayReporting Way = "reporting" // at the department; what is free there is shown here
)

// Ways lists them.
var Ways = []Way{WayFull, WayDelegated, WayReporting}

const (
	EventAsked   EventKind = "asked"   // booked here, the department was asked
	EventRefused EventKind = "refused" // by the department, or it said nothing in time: no mark against the person

	MessageRefused MessageKind = "refused"
)

// DelegationState is what is wanted of a place in a department's own system, and what is known of it.
type DelegationState string

const (
	Wanted    DelegationState = "wanted"    // a pending booking asks for it
	Tried     DelegationState = "tried"     // it is taken for a move that is not done yet; given back unless the move is
	Delegated DelegationState = "confirmed" // the department has confirmed it, and a booking has it
	Unwant    DelegationState = "unwanted"  // to be given back, whatever it is there
	Returned  DelegationState = "released"  // the department knows that
)

// Delegation is a place of a booking in a department's own system, under an id there that is used once.
type Delegation struct {
	Hold     string // id there: of the booking and of its version
	Booking  string
	System   string // the connected system
	HallID   string
	SlotID   string
	State    DelegationState
	Number   string    // the department's own, once it is confirmed
	Until    time.Time // Wanted, Tried: given up then, and held there no longer. Whole seconds
	Due      time.Time // when somebody looks at it next
	Attempts int
	MadeAt   time.Time
	At       time.Time // of the last change
}

// Adopted is a place that is confirmed and that a booking has from now on; it was in state Was.
type Adopted struct {
	Hold    string
	Booking string
	Was     DelegationState
	Number  string
}

// Unwanted says that a booking wants none of its places any more but Keep, which may be "".
type Unwanted struct{ Booking, Keep string }

const (
	// PendingFor is how long a department has to confirm a booking.
	PendingFor = 10 * time.Minute

	// AskedFor is how long whoever made a booking has to ask the department by themselves, before others do.
	AskedFor = 15 * time.Second

	// TriedFor is how long a place is kept for a move; a move takes a few seconds.
	TriedFor = 2 * time.Minute

	pendingAgain = 5 * time.Second
)

// HoldOf is the id under which the place of a version of a booking stands in a department's system.
func HoldOf(booking string, version int) string { return booking + "." + strconv.Itoa(version) }

// pend makes a new booking a pending one, and returns what is to be done for it.
func (b *Booking) pend(system string, now time.Time) *Delegation {
	b.State = Pending
	return &Delegation{
		Hold: HoldOf(b.ID, b.Version), Booking: b.ID, System: system, HallID: b.HallID, SlotID: b.SlotID, State: Wanted,
		Until: now.Add(PendingFor).Truncate(time.Second), Due: now.Add(AskedFor), MadeAt: now, At: now,
	}
}

// Settle tells a pending booking, as the system, what the department said: confirmed, or not. One that is pending no more, or
// for another place, is answered as it is.
type Settle struct {
	Booking   string
	Hold      string
	Confirmed bool
	Number    string // the department's own, of what is confirmed
	Rules     rulebook.Rulebook
}

func (r *Settle) Needs(n *Needs) { n.Bookings[r.Booking] = struct{}{} }

func (r *Settle) More(f *Facts, n *Needs) {
	if b := f.Bookings[r.Booking]; r.settles(b) {
		n.held(b)
	}
}

func (r *Settle) settles(b *Booking) bool {
	return b != nil && b.State == Pending && HoldOf(b.ID, b.Version) == r.Hold
}

func (r *Settle) decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error) {
	b := f.Bookings[r.Booking]
	if b == nil {
		return Answer{}, fault.New(fault.BookingNotFound)
	}
	if !r.settles(b) {
		return Answer{Booking: *b, Replayed: true}, nil
	}
	if r.Confirmed {
		sure := b.next(Booked, now)
		f.Bookings[b.ID] = sure
		c.update(sure, b)
		c.Settled = append(c.Settled, Adopted{r.Hold, b.ID, Wanted, r.Number})
		c.tell(sure, EventBooked, MessageBooked, now, "", System, "")
		return Answer{Booking: *sure}, nil
	}
	slot := f.Slots[b.SlotID]
	if slot == nil || !f.knowsOf(b) {
		return Answer{}, fault.New(fault.Busy) // it changed while this group was being read
	}
	gone := c.end(f, b, slot, ChoiceLapsed, r.Rules, now)
	c.Unwant = append(c.Unwant, Unwanted{b.ID, ""})
	c.tell(gone, EventRefused, MessageRefused, now, "", System, "")
	return Answer{Booking: *gone}, nil
}
