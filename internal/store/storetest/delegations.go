package storetest

import (
	"context"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

var delegationCases = []testCase{
	{"a_delegated_booking_is_pending_until_it_is_confirmed", delegatedConfirmed},
	{"a_delegated_booking_that_is_refused_gives_all_back", delegatedRefused},
	{"cancelling_gives_back_there_too", delegatedCancelled},
	{"moving_gives_back_there_too", delegatedMoved},
	{"losing_an_hour_gives_back_there_too", delegatedDisplaced},
	{"one_group_books_settles_and_cancels", delegatedGroup},
	{"places_are_looked_at_by_one", delegationsClaimed},
	{"ways_and_adapters", waysAndAdapters},
}

// there returns what is wanted of the places of a booking in a department's system, by id.
func (w *world) there(id string) map[string]booking.DelegationState {
	w.Helper()
	out := map[string]booking.DelegationState{}
	w.view(func(tx *store.Tx) error {
		list, err := tx.Delegations(w.ctx, id)
		for _, d := range list {
			out[d.Hold] = d.State
		}
		return err
	})
	return out
}

func (w *world) delegated(person string, s booking.Slot) *booking.Book {
	r := w.book(person, s, "SI-01")
	r.Offer.System = "S0001"
	return r
}

func settle(b booking.Booking, confirmed bool) *booking.Settle {
	r := &booking.Settle{Booking: b.ID, Hold: booking.HoldOf(b.ID, b.Version), Confirmed: confirmed, Rules: atOnce()}
	if confirmed {
		r.Number = "A-1"
	}
	return r
}

func delegatedConfirmed(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 5)
	r := w.delegated("ann", s)
	b := w.ask(l, r, "").Booking
	if b.State != booking.Pending || w.live(s)[s.ID].Taken != 1 {
		w.Errorf("booked: %s", b.State)
	}
	w.view(func(tx *store.Tx) error {
		list, err := tx.Delegations(w.ctx, b.ID)
		same(w, "place there", list, []*booking.Delegation{{
			Hold: b.ID + ".1", Booking: b.ID, System: "S0001", HallID: "h1", SlotID: s.ID, State: booking.Wanted,
			Until: start.Add(booking.PendingFor).UTC(), Due: start.Add(booking.AskedFor).UTC(), MadeAt: start.UTC(), At: start.UTC(),
		}})
		return err
	})
	w.healthy()
	if a := w.ask(l, r, ""); !a.Replayed || a.Booking.State != booking.Pending {
		w.Errorf("repeated: %+v", a)
	}
	w.ask(l, w.book("ann", s, "SI-01"), fault.AlreadyBooked) // it holds what any booking does
	sure := w.ask(l, settle(b, true), "").Booking
	if sure.State != booking.Booked || sure.Version != 2 {
		w.Errorf("confirmed: %+v", sure)
	}
	same(w, "places there", w.there(b.ID), map[string]booking.DelegationState{b.ID + ".1": booking.Delegated})
	before := w.counts()
	for _, again := range []*booking.Settle{settle(b, true), settle(b, false)} {
		if a := w.ask(l, again, ""); !a.Replayed || a.Booking.State != booking.Booked {
			w.Errorf("settled again: %+v", a)
		}
	}
	same(w, "rows after settling again", w.counts(), before)
	w.view(func(tx *store.Tx) error {
		events, err := tx.Events(w.ctx, b.ID)
		if len(events) != 2 || events[0].Kind != booking.EventAsked || events[1].Kind != booking.EventBooked || events[1].Channel != booking.System {
			w.Errorf("events %+v", events)
		}
		return err
	})
	if n := before["message"]; n != 1 {
		w.Errorf("%d messages, want the one of the confirmed booking", n)
	}
	w.healthy()
}

func delegatedRefused(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 1)
	b := w.ask(l, w.delegated("ann", s), "").Booking
	w.ask(l, w.book("bea", s, "SI-01"), fault.SoldOut)
	gone := w.ask(l, settle(b, false), "").Booking
	if gone.State != booking.Cancelled || w.live(s)[s.ID].Taken != 0 {
		w.Errorf("refused: %s, %d taken", gone.State, w.live(s)[s.ID].Taken)
	}
	same(w, "places there", w.there(b.ID), map[string]booking.DelegationState{b.ID + ".1": booking.Unwant})
	w.ask(l, settle(b, true), "") // comes too late
	same(w, "places there", w.there(b.ID), map[string]booking.DelegationState{b.ID + ".1": booking.Unwant})
	w.ask(l, w.book("ann", s, "SI-01"), "")
	w.healthy()
}

func delegatedCancelled(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 5)
	pending, sure := w.ask(l, w.delegated("ann", s), "").Booking, w.ask(l, w.delegated("bea", s), "").Booking
	sure = w.ask(l, settle(sure, true), "").Booking
	for _, b := range []booking.Booking{pending, sure} {
		w.ask(l, w.cancel(b), "")
		same(w, "places there", w.there(b.ID), map[string]booking.DelegationState{b.ID + ".1": booking.Unwant})
	}
	w.ask(l, settle(pending, true), "")
	if b := w.stored(pending.ID); b.State != booking.Cancelled {
		w.Errorf("confirmed after it was cancelled: %s", b.State)
	}
	w.healthy()
}

func delegatedMoved(w *world) {
	l := w.lane()
	s, to, ours := w.slot("h1", 0, 9, 5), w.slot("h1", 0, 10, 5), w.slot("h2", 0, 11, 5)
	b := w.ask(l, w.delegated("ann", s), "").Booking
	move := w.move(b, to)
	move.Offer.System, move.Hold = "S0001", booking.HoldOf(b.ID, 3)
	w.ask(l, move, fault.BookingPending)
	b = w.ask(l, settle(b, true), "").Booking
	unasked := w.move(b, to)
	unasked.Offer.System = "S0001"
	w.ask(l, unasked, fault.ChangedMeanwhile)

	tried := &booking.Delegation{Hold: move.Hold, Booking: b.ID, System: "S0001", HallID: "h1", SlotID: to.ID, State: booking.Tried, Until: start, Due: start.Add(booking.TriedFor), MadeAt: start, At: start}
	w.update(func(tx *store.Tx) error { return tx.AddDelegation(w.ctx, tried) })
	w.healthy()
	w.update(func(tx *store.Tx) error {
		ok, err := tx.Tried(w.ctx, tried.Hold, "A-2")
		if !ok {
			w.Error("what is tried is not kept")
		}
		return err
	})
	b = w.ask(l, move, "").Booking
	same(w, "places there", w.there(b.ID), map[string]booking.DelegationState{b.ID + ".1": booking.Unwant, b.ID + ".3": booking.Delegated})
	w.healthy()

	// A place that was given up meanwhile is not moved to: nothing is done.
	late := w.move(b, s)
	late.Offer.System, late.Hold = "S0001", booking.HoldOf(b.ID, 4)
	given := *tried
	given.Hold, given.SlotID = late.Hold, s.ID
	w.update(func(tx *store.Tx) error {
		if err := tx.AddDelegation(w.ctx, &given); err != nil {
			return err
		}
		return tx.GiveUp(w.ctx, given.Hold)
	})
	before := w.counts()
	ctx, stop := context.WithTimeout(w.ctx, 300*time.Millisecond)
	defer stop()
	if out, _ := l.Run(ctx, []booking.Request{late}); !unavailable(out[0]) {
		w.Errorf("moved to a place that was given up: %+v", out[0])
	}
	same(w, "rows", w.counts(), before)

	w.ask(l, w.move(b, ours), "") // to numbers of our own
	same(w, "places there", w.there(b.ID), map[string]booking.DelegationState{b.ID + ".1": booking.Unwant, b.ID + ".3": booking.Unwant, b.ID + ".4": booking.Unwant})
	w.healthy()
}

func delegatedDisplaced(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 5)
	pending, sure := w.ask(l, w.delegated("ann", s), "").Booking, w.ask(l, w.delegated("bea", s), "").Booking
	sure = w.ask(l, settle(sure, true), "").Booking
	other := w.slot("h1", 0, 10, 5)
	for _, b := range []booking.Booking{pending, sure} {
		to := w.displace("R2026-1", b, &other)
		to.Offer.System = "S0001"
		w.ask(l, to, fault.SoldOut) // nothing is kept that the department does not know
		w.ask(l, w.displace("R2026-1", b, nil), "")
		same(w, "places there", w.there(b.ID), map[string]booking.DelegationState{b.ID + ".1": booking.Unwant})
	}
	w.healthy()
}

func delegatedGroup(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 9)
	a, b := w.delegated("ann", s), w.delegated("bea", s)
	asked := func(r *booking.Book) booking.Booking {
		return booking.Booking{ID: r.ID, Version: 1, BookerKey: r.Who.Key}
	}
	out, _ := l.Run(w.ctx, []booking.Request{a, b, settle(asked(a), true), w.cancel(asked(b))})
	for _, o := range out {
		w.want(o, "")
	}
	if x, y := w.stored(a.ID), w.stored(b.ID); x.State != booking.Booked || y.State != booking.Cancelled {
		w.Errorf("%s and %s", x.State, y.State)
	}
	w.healthy()

	// Several in one group, of all kinds.
	var book, rest []booking.Request
	for _, who := range []string{"cat", "dan", "eve", "fay", "gus"} {
		book = append(book, w.delegated(who, s))
	}
	out, _ = l.Run(w.ctx, book)
	for i, o := range out {
		w.want(o, "")
		switch i % 3 {
		case 0:
			rest = append(rest, settle(o.Answer.Booking, true))
		case 1:
			rest = append(rest, settle(o.Answer.Booking, false))
		default:
			rest = append(rest, w.cancel(o.Answer.Booking))
		}
	}
	out, _ = l.Run(w.ctx, rest)
	for _, o := range out {
		w.want(o, "")
	}
	w.healthy()
}

func delegationsClaimed(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 5)
	a, b := w.ask(l, w.delegated("ann", s), "").Booking, w.ask(l, w.delegated("bea", s), "").Booking
	claim := func(limit int) (ids []string) {
		w.update(func(tx *store.Tx) error {
			ids = nil
			due, err := tx.DelegationsDue(w.ctx)
			if err != nil {
				return err
			}
			list, err := tx.ClaimDelegations(w.ctx, w.now().Add(time.Minute), limit)
			same(w, "something was due", due, len(list) > 0)
			for _, d := range list {
				ids = append(ids, d.Hold)
			}
			return err
		})
		return ids
	}
	same(w, "due at once", claim(9), []string(nil))
	w.pass(booking.AskedFor)
	same(w, "due then", claim(1), []string{a.ID + ".1"})
	same(w, "the next", claim(9), []string{b.ID + ".1"})
	same(w, "none twice", claim(9), []string(nil))
	w.pass(time.Minute)
	same(w, "again", claim(9), []string{a.ID + ".1", b.ID + ".1"})
	w.update(func(tx *store.Tx) error {
		if err := tx.PutOff(w.ctx, a.ID+".1", booking.Unwant, w.now()); err != nil { // it is no such
			return err
		}
		return tx.PutOff(w.ctx, b.ID+".1", booking.Wanted, w.now())
	})
	same(w, "put off", claim(9), []string{b.ID + ".1"})
	w.ask(l, settle(a, true), "")
	w.ask(l, settle(b, false), "")
	same(w, "what is to be given back, at once", claim(9), []string{b.ID + ".1"})
	w.view(func(tx *store.Tx) error {
		got, err := tx.DelegationsWaiting(w.ctx)
		same(w, "waiting", got, []store.DelegationsWaiting{{System: "S0001", State: booking.Unwant, N: 1, Since: w.now()}})
		return err
	})
	w.update(func(tx *store.Tx) error {
		if err := tx.Returned(w.ctx, a.ID+".1"); err != nil { // it is confirmed
			return err
		}
		return tx.Returned(w.ctx, b.ID+".1")
	})
	same(w, "place of a", w.there(a.ID), map[string]booking.DelegationState{a.ID + ".1": booking.Delegated})
	same(w, "place of b", w.there(b.ID), map[string]booking.DelegationState{b.ID + ".1": booking.Returned})

	tried := &booking.Delegation{Hold: a.ID + ".9", Booking: a.ID, System: "S0001", HallID: "h1", SlotID: s.ID, State: booking.Tried, Until: w.now(), Due: w.now().Add(time.Minute), MadeAt: w.now(), At: w.now()}
	w.update(func(tx *store.Tx) error { return tx.AddDelegation(w.ctx, tried) })
	same(w, "what is tried", claim(9), []string(nil))
	w.pass(time.Minute)
	same(w, "what was tried and nobody has", claim(9), []string{a.ID + ".9"})
	w.pass(time.Hour)
	w.update(func(tx *store.Tx) error { return tx.ForgetDelegations(w.ctx, w.now()) })
	same(w, "forgotten", w.there(b.ID), map[string]booking.DelegationState{})
	w.healthy()
}

func waysAndAdapters(w *world) {
	a := store.Adapter{Source: "S0001", Base: "https://d.example.org/a", Profile: oversight.HMACSHA256, KeyID: "platform", Sealed: []byte{1, 0xff}, Page: "https://d.example.org/b", PageSealed: []byte{2}}
	w.update(func(tx *store.Tx) error {
		for _, way := range []store.QueueWay{
			{QueueID: "q1", From: start.UTC(), Way: booking.WayDelegated, Source: "S0001"}, {QueueID: "q1", From: start.Add(time.Hour).UTC(), Way: booking.WayReporting, Source: "S0001"},
			{QueueID: "q0", From: start.UTC(), Way: booking.WayFull},
		} {
			if err := tx.SaveQueueWay(w.ctx, way); err != nil {
				return err
			}
		}
		return tx.SaveAdapter(w.ctx, a)
	})
	w.update(func(tx *store.Tx) error { // what was said of later is dropped
		a.Base = "https://e.example.org"
		if err := tx.SaveAdapter(w.ctx, a); err != nil {
			return err
		}
		return tx.SaveQueueWay(w.ctx, store.QueueWay{QueueID: "q1", From: start.Add(time.Minute).UTC(), Way: booking.WayFull})
	})
	w.view(func(tx *store.Tx) error {
		ways, err := tx.QueueWays(w.ctx)
		if err != nil {
			return err
		}
		same(w, "ways", ways, []store.QueueWay{
			{QueueID: "q0", From: start.UTC(), Way: booking.WayFull}, {QueueID: "q1", From: start.UTC(), Way: booking.WayDelegated, Source: "S0001"},
			{QueueID: "q1", From: start.Add(time.Minute).UTC(), Way: booking.WayFull},
		})
		list, err := tx.Adapters(w.ctx)
		a.ChangedAt = start.UTC()
		same(w, "adapters", list, []store.Adapter{a})
		return err
	})
}
