package booking

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
)

// Displacement is what becomes of one booking whose hour was taken away: capacity was cut after it was
// booked, or the hall closes. Nobody is dropped silently: whoever loses an hour is told once and has the
// first choice of another.
type Displacement struct {
	Booking  string
	Version  int    // of the booking when it had lost its hour
	Request  string // the adjustment that took it
	HallID   string // the hour it had
	SlotID   string
	Date     calendar.Date
	Hour     int
	Closed   bool   // the hall closes; else there are fewer numbers
	HeldHall string // the place kept for it, "" for none
	HeldSlot string
	Until    time.Time // the person chooses before this instant; after it what is kept is given back
	State    Choice
	At       time.Time
	Chosen   time.Time // zero while waiting
}

// Choice is what came of a displacement.
type Choice string

const (
	ChoiceWaiting   Choice = "waiting"
	ChoiceKept      Choice = "kept"      // the person took what was kept
	ChoiceMoved     Choice = "moved"     // the person took another hour
	ChoiceCancelled Choice = "cancelled" // the person wants none
	ChoiceLapsed    Choice = "lapsed"    // nobody chose in time
	ChoiceAgain     Choice = "again"     // the kept hour was taken away too: see the next displacement
)

// Choices lists them in the order they are shown.
var Choices = []Choice{ChoiceWaiting, ChoiceKept, ChoiceMoved, ChoiceCancelled, ChoiceLapsed, ChoiceAgain}

// Displace takes a booking out of a slot, as the system: into a free number of another slot, kept for
// its person, or into none. It needs no key: a booking that is no longer there, because a run before did
// it or its person left, is answered as it is.
type Displace struct {
	Request string
	Booking string
	Hall    string // the slot it must leave
	Slot    string
	Closed  bool
	Offer   Offer  // of the item in the queue of To; for none, Rules only
	To      string // slot to keep, "" for none
}

func (r *Displace) Needs(n *Needs) {
	n.Bookings[r.Booking] = struct{}{}
	n.Slots[r.Slot] = r.Hall
	if r.To != "" {
		n.Slots[r.To] = r.Offer.HallID
	}
}

func (r *Displace) More(f *Facts, n *Needs) {
	if b := f.Bookings[r.Booking]; r.leaves(b) {
		n.held(b)
	}
}

// leaves tells whether b still has the number that is taken away. Who has arrived stays.
func (r *Displace) leaves(b *Booking) bool {
	return b != nil && b.SlotID == r.Slot && (b.State == Booked || b.State == Pending || b.State == Displaced)
}

func (r *Displace) decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error) {
	b := f.Bookings[r.Booking]
	if b == nil {
		return Answer{}, fault.New(fault.BookingNotFound)
	}
	if !r.leaves(b) {
		return Answer{Booking: *b, Replayed: true}, nil
	}
	from := f.Slots[r.Slot]
	if from == nil || !f.knowsOf(b) {
		return Answer{}, fault.New(fault.Busy) // it changed while this group was being read
	}
	d := &Displacement{
		Booking: b.ID, Version: b.Version + 1, Request: r.Request, HallID: b.HallID, SlotID: b.SlotID, Date: b.Date, Hour: b.Hour,
		Closed: r.Closed, State: ChoiceWaiting, At: now,
	}
	held := heldBy(f, b)
	var out *Booking
	var wanted []Claim
	event, message := EventDisplaced, MessageDisplaced
	if r.To == "" {
		event, message = EventStranded, MessageStranded
		out = b.next(Stranded, now)
		wanted = slices.DeleteFunc(slices.Clone(held), func(c Claim) bool { return !strings.HasPrefix(c.Name, itemPrefix) })
		d.Until = now.Add(r.Offer.Rules.StrandedFor)
	} else {
		slot := f.Slots[r.To]
		if err := r.suits(now, b, slot); err != nil {
			return Answer{}, err
		}
		out = b.next(Displaced, now)
		out.place(slot)
		var err *fault.Error
		if wanted, err = limits(f, out, r.Offer.Rules, held); err != nil {
			return Answer{}, err
		}
		d.HeldHall, d.HeldSlot = slot.HallID, slot.ID
		d.Until, _ = KeptUntil(now, *slot, r.Offer.Rules)
		c.shift(slot, b.Units)
	}
	release, takes := exchange(held, wanted)
	give(f, c, release)
	take(f, c, takes)
	c.giveBack(f, b, b.Units, from, r.Offer.Rules, now)
	c.settle(f, b, ChoiceAgain, now)
	f.Choices[b.ID] = d
	c.Displace = append(c.Displace, d)
	c.Unwant = append(c.Unwant, Unwanted{b.ID, ""})
	f.Bookings[b.ID] = out
	c.update(out, b)
	c.tell(out, event, message, now, "", System, b.SlotID)
	return Answer{Booking: *out}, nil
}

// suits tells what stands against keeping a number of slot for b.
func (r *Displace) suits(now time.Time, b *Booking, slot *Slot) *fault.Error {
	switch {
	case b.Item != r.Offer.Item || !r.Offer.Stages.Has(b.Stage):
		return fault.New(fault.MoveOtherItem)
	case r.To == r.Slot:
		return fault.New(fault.SameSlot)
	case r.Offer.System != "": // nobody has asked the department
		return fault.New(fault.SoldOut)
	}
	if err := unitsAllowed(b.Units, r.Offer); err != nil {
		return err
	}
	if err := canTake(now, slot, r.Offer); err != nil {
		return err
	}
	if _, ok := KeptUntil(now, *slot, r.Offer.Rules); !ok {
		return fault.New(fault.OffSiteClosed)
	}
	if slot.Free() < b.Units {
		return fault.New(fault.SoldOut)
	}
	return nil
}

// KeptUntil is how long a number of slot s is kept at now for somebody who lost their hour: a while, but
// not up to the moment it can no longer be had by others. false when that leaves too little time to choose.
func KeptUntil(now time.Time, s Slot, rules rulebook.Rulebook) (time.Time, bool) {
	until := now.Add(rules.KeepPlaceFor)
	if last := OffSiteUntil(s, rules).Add(-rules.KeepPlaceBefore); last.Before(until) {
		until = last
	}
	return until, until.Sub(now) >= rules.KeepPlaceLeast
}

// Leaving returns which of the bookings of a slot must go so that at most to numbers stay taken, those
// booked last first, and how many numbers stay taken then. Whoever has come in, or is past, stays.
func Leaving(list []*Booking, to int) (gone []*Booking, stay int) {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b *Booking) int { return b.Made(a) })
	for _, b := range sorted {
		if b.State.Holds() {
			stay += b.Units
		}
	}
	for _, b := range sorted {
		if stay > to && (b.State == Booked || b.State == Pending || b.State == Displaced) {
			gone = append(gone, b)
			stay -= b.Units
		}
	}
	return gone, stay
}

// Made orders bookings by when they were made: below 0 when b was made before a. Ids are given to nodes in
// blocks, so they decide only within one instant.
func (b *Booking) Made(a *Booking) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(b.ID, a.ID))
}

// Keep is the person's yes to the number kept for them.
type Keep struct {
	Key, Hash string
	Who       Who
	Booking   string
	Channel   Channel
}

func (r *Keep) Needs(n *Needs) {
	n.Bookings[r.Booking] = struct{}{}
	n.Keys[Ref{r.Who.Key, KeyName(r.Key)}] = struct{}{}
}

func (r *Keep) More(f *Facts, n *Needs) {
	if !again(f, n, r.Who.Key, r.Key) {
		n.held(f.Bookings[r.Booking])
	}
}

func (r *Keep) decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error) {
	if a, err, done := replay(f, r.Who.Key, r.Key, r.Hash); done {
		return a, err
	}
	b := f.Bookings[r.Booking]
	if b == nil || b.BookerKey != r.Who.Key {
		return Answer{}, fault.New(fault.BookingNotFound)
	}
	if !b.State.Active() {
		return Answer{}, fault.New(fault.NotActive, "state", string(b.State))
	}
	if b.State != Displaced {
		return Answer{}, fault.New(fault.ChoiceOver)
	}
	if !f.knowsOf(b) {
		return Answer{}, fault.New(fault.Busy)
	}
	if d := f.Choices[b.ID]; d != nil && !now.Before(d.Until) {
		return Answer{}, fault.New(fault.ChoiceOver)
	}
	kept := b.next(Booked, now)
	take(f, c, []Claim{{Person: r.Who.Key, Name: KeyName(r.Key), HallID: b.HallID, Booking: b.ID, Hash: r.Hash}})
	c.settle(f, b, ChoiceKept, now)
	f.Bookings[b.ID] = kept
	c.update(kept, b)
	c.tell(kept, EventKept, MessageKept, now, r.Who.Key, r.Channel, "")
	return Answer{Booking: *kept}, nil
}

// Lapse ends, as the system, a booking whose person did not choose in time. One that has been chosen
// for meanwhile, or has more time, is answered as it is.
type Lapse struct {
	Booking string
	Rules   rulebook.Rulebook
}

func (r *Lapse) Needs(n *Needs) { n.Bookings[r.Booking] = struct{}{} }

func (r *Lapse) More(f *Facts, n *Needs) {
	if b := f.Bookings[r.Booking]; b != nil && b.State.Choosing() {
		n.held(b)
	}
}

func (r *Lapse) decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error) {
	b := f.Bookings[r.Booking]
	if b == nil {
		return Answer{}, fault.New(fault.BookingNotFound)
	}
	if !b.State.Choosing() {
		return Answer{Booking: *b, Replayed: true}, nil
	}
	slot := f.Slots[b.SlotID]
	if slot == nil || !f.knowsOf(b) {
		return Answer{}, fault.New(fault.Busy)
	}
	if d := f.Choices[b.ID]; d == nil || now.Before(d.Until) {
		return Answer{Booking: *b, Replayed: true}, nil
	}
	gone := c.end(f, b, slot, ChoiceLapsed, r.Rules, now)
	c.tell(gone, EventLapsed, MessageLapsed, now, "", System, "")
	return Answer{Booking: *gone}, nil
}

// --- change

// next returns b as its next version, in state s.
func (b *Booking) next(s State, now time.Time) *Booking {
	n := *b
	n.State, n.ChangedAt = s, now
	n.Version++
	return &n
}

// place puts b into slot s.
func (b *Booking) place(s *Slot) {
	b.HallID, b.QueueID, b.SlotID, b.Date, b.Hour = s.HallID, s.QueueID, s.ID, s.Date, s.Hour
}

// end cancels an active booking: claims and number go back.
func (c *Change) end(f *Facts, b *Booking, slot *Slot, how Choice, rules rulebook.Rulebook, now time.Time) *Booking {
	gone := b.next(Cancelled, now)
	give(f, c, heldBy(f, b))
	if b.State.Holds() {
		c.giveBack(f, b, b.Units, slot, rules, now)
	}
	c.settle(f, b, how, now)
	f.Bookings[b.ID] = gone
	c.update(gone, b)
	return gone
}

// settle records what came of the displacement b waits in, if it does.
func (c *Change) settle(f *Facts, b *Booking, how Choice, now time.Time) {
	d := f.Choices[b.ID]
	if !b.State.Choosing() || d == nil {
		return
	}
	done := *d
	done.State, done.Chosen = how, now
	delete(f.Choices, b.ID)
	for i, n := range c.Displace {
		if n.Booking == d.Booking && n.Version == d.Version { // of this very group
			c.Displace[i] = &done
			return
		}
	}
	c.Settle = append(c.Settle, &done)
}
