package booking

import (
	"time"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// Arrive is the booking once its person has come (Art. 12), and the event of it. Only one that is booked
// can be arrived at: one whose hour was taken away has to be chosen anew first.
func (b *Booking) Arrive(now time.Time, actor identity.Key, ch Channel) (*Booking, Event, *fault.Error) {
	if b.State != Booked {
		return nil, Event{}, fault.New(fault.NotActive, "state", string(b.State))
	}
	return b.atHall(Arrived, EventArrived, now, actor, ch)
}

// Finish is an arrived booking once nothing more happens to it: it was served, or its person left. Its
// limit claims are given back with it.
func (b *Booking) Finish(served bool, now time.Time, actor identity.Key, ch Channel) (*Booking, Event, *fault.Error) {
	if b.State != Arrived {
		return nil, Event{}, fault.New(fault.NotActive, "state", string(b.State))
	}
	kind := EventLeft
	if served {
		kind = EventDone
	}
	return b.atHall(Done, kind, now, actor, ch)
}

func (b *Booking) atHall(s State, kind EventKind, now time.Time, actor identity.Key, ch Channel) (*Booking, Event, *fault.Error) {
	n := b.next(s, now)
	return n, Event{
		Booking: n.ID, HallID: n.HallID, Version: n.Version, Kind: kind, At: now, Actor: actor, Channel: ch, SlotID: n.SlotID,
	}, nil
}
