package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
)

var waitCases = []testCase{
	{"Art15_what_is_given_back_is_held_for_the_line", heldForTheLine},
	{"Art15_an_offer_is_taken_once_or_goes_to_the_next", offered},
	{"Art15_a_change_of_capacity_holds_what_it_frees", heldByPlan},
}

// join puts a person in the line of a slot's queue for that hour.
func (w *world) join(person string, s booking.Slot, units int) *booking.WaitEntry {
	w.Helper()
	e := &booking.WaitEntry{
		ID: booking.IDOf(w.ids.Add(1)), Booker: identity.Key(person), Level: identity.Verified, Applicant: booking.Self, ApplicantKey: identity.Key(person),
		Item: "i", Stage: directory.Acceptance, Units: units, Lines: []booking.WaitLine{{HallID: s.HallID, QueueID: s.QueueID}},
		Dates: []calendar.Date{s.Date}, Hours: []int{s.Hour}, Channel: booking.Web, Sealed: []byte{1}, State: booking.Waiting, Version: 1,
	}
	w.update(func(tx *store.Tx) (err error) {
		if e.Number, err = tx.NextBlock(w.ctx, "waitlist", 1); err != nil {
			return err
		}
		e.JoinedAt, e.ChangedAt = tx.Now, tx.Now
		if _, err := tx.TakeClaim(w.ctx, booking.Claim{Person: e.ApplicantKey, Name: booking.WaitName("i"), HallID: s.HallID, Booking: e.ID}); err != nil {
			return err
		}
		return tx.AddWait(w.ctx, e, nil)
	})
	return e
}

func serve(e *booking.WaitEntry, s booking.Slot, change func(*rulebook.Rulebook)) *booking.Serve {
	o := offer(s, "i")
	o.Rules = rulebook.Continued2025()
	if change != nil {
		change(&o.Rules)
	}
	return &booking.Serve{Entry: e.ID, Offer: o, SlotID: s.ID}
}

func (w *world) entry(id string) (e *booking.WaitEntry) {
	w.Helper()
	w.view(func(tx *store.Tx) (err error) {
		e, err = tx.Wait(w.ctx, id)
		return err
	})
	return e
}

func (w *world) holds(s booking.Slot) (out []*booking.Hold) {
	w.Helper()
	w.view(func(tx *store.Tx) error {
		m, err := tx.HoldsIn(w.ctx, [][2]string{{s.HallID, s.ID}})
		out = m[s.ID]
		return err
	})
	return out
}

// waitCancel gives a booking back under rules with a waitlist.
func (w *world) waitCancel(b booking.Booking) *booking.Cancel {
	c := w.cancel(b)
	c.Rules = rulebook.Continued2025()
	return c
}

func heldForTheLine(w *world) {
	l, other := w.lane(), w.lane()
	s := w.slot("h1", 0, 9, 2)
	a := w.ask(l, w.book("ann", s, "i"), "").Booking
	b := w.ask(l, w.book("bea", s, "i"), "").Booking
	first, second := w.join("cat", s, 1), w.join("dan", s, 1)
	same(w, "read again", w.entry(first.ID), first)
	if first.Number >= second.Number {
		w.Errorf("numbers %d, %d do not ascend", first.Number, second.Number)
	}
	w.ask(l, w.waitCancel(a), "")
	w.ask(l, w.book("eve", s, "i"), fault.SoldOut) // nobody passes the line
	if live := w.live(s)[s.ID]; live.Taken != 1 || live.Held != 1 || live.Free() != 0 {
		w.Errorf("after the cancellation: %+v", live)
	}
	h := w.holds(s)
	if len(h) != 1 || h[0].OpensAt.Sub(w.now()) < time.Minute || h[0].OpensAt.Sub(w.now()) > 30*time.Minute {
		w.Fatalf("holds %+v", h)
	}
	w.healthy()
	var matches []store.Match
	w.view(func(tx *store.Tx) (err error) {
		matches, err = tx.WaitMatches(w.ctx, 10)
		return err
	})
	if len(matches) != 2 || matches[0].Entry != first.ID || matches[1].Entry != second.ID || matches[0].Held != 1 {
		w.Fatalf("matches %+v", matches)
	}
	// Two nodes at once: one place, one booking.
	var wg sync.WaitGroup
	got := make([]booking.Outcome, 4)
	for i, lane := range []*store.Lane{l, other} {
		wg.Go(func() {
			out, _ := lane.Run(w.ctx, []booking.Request{serve(first, s, nil), serve(second, s, nil)})
			copy(got[2*i:], out)
		})
	}
	wg.Wait()
	served := 0
	for _, o := range got {
		if o.Fault == nil {
			served++
		}
	}
	if e := w.entry(first.ID); served != 1 || e.State != booking.WaitBooked || w.entry(second.ID).State != booking.Waiting {
		w.Fatalf("%d served, first %s", served, e.State)
	}
	if got := w.stored(first.ID); got == nil || got.State != booking.Booked || got.BookerKey != "cat" || got.SlotID != s.ID {
		w.Fatalf("booking %+v", got)
	}
	if live := w.live(s)[s.ID]; live.Taken != 2 || live.Held != 0 || len(w.holds(s)) != 0 {
		w.Errorf("after it was served: %+v", live)
	}
	w.healthy()
	// What nobody takes opens, once, and only as it was read.
	w.ask(l, w.waitCancel(b), "")
	h = w.holds(s)
	w.pass(31 * time.Minute)
	var due []*booking.Hold
	w.view(func(tx *store.Tx) (err error) {
		due, err = tx.HoldsDue(w.ctx, w.now(), 10)
		return err
	})
	same(w, "due", due, h)
	for range 2 {
		w.update(func(tx *store.Tx) error { _, err := tx.OpenHolds(w.ctx, due); return err })
	}
	if live := w.live(s)[s.ID]; live.Taken != 1 || live.Held != 0 || live.Free() != 1 {
		w.Errorf("after it opened: %+v", live)
	}
	w.ask(l, serve(second, s, nil), fault.SoldOut)
	w.healthy()
}

func offered(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 1)
	late := func(r *rulebook.Rulebook) { r.OffSiteCloses = rulebook.SlotStart }
	a := w.ask(l, w.book("ann", s, "i"), "").Booking
	cat, dan := w.join("cat", s, 1), w.join("dan", s, 1)
	w.set(day.At(7, 30))
	c := w.waitCancel(a)
	late(&c.Rules)
	w.ask(l, c, "")
	w.ask(l, serve(cat, s, late), "")
	e := w.entry(cat.ID)
	if e.State != booking.Offered || e.SlotID != s.ID || e.Until.Sub(w.now()) != 15*time.Minute || w.stored(cat.ID) != nil {
		w.Fatalf("offered: %+v", e)
	}
	w.healthy()
	w.ask(l, serve(dan, s, late), fault.SoldOut) // it is kept
	w.pass(15 * time.Minute)
	accept := func(e *booking.WaitEntry, key string) *booking.Accept {
		return &booking.Accept{Key: key, Hash: "h", Who: booking.Who{Key: e.Booker, Level: identity.Verified}, Entry: e.ID, HallID: s.HallID, SlotID: s.ID, Offer: serve(e, s, late).Offer, Channel: booking.Web}
	}
	w.ask(l, accept(cat, "accept-1"), fault.OfferOver)
	w.update(func(tx *store.Tx) error {
		due, err := tx.OffersDue(w.ctx, w.now(), 5)
		if err != nil || len(due) != 1 {
			return fmt.Errorf("%d offers due, %w", len(due), err)
		}
		if _, err := tx.SaveWait(w.ctx, due[0].Pass(tx.Now), due[0].Version); err != nil {
			return err
		}
		return tx.ReturnOffer(w.ctx, due[0], tx.Now.Add(time.Minute))
	})
	if e := w.entry(cat.ID); e.State != booking.Waiting || e.Number != cat.Number || len(e.Passed) != 1 {
		w.Errorf("after its offer: %+v", e)
	}
	w.healthy()
	w.ask(l, serve(cat, s, late), fault.WaitEnded) // not the same again
	w.ask(l, serve(dan, s, late), "")
	w.ask(l, accept(cat, "accept-2"), fault.OfferOver)
	first := w.ask(l, accept(dan, "accept-3"), "")
	if again := w.ask(l, accept(dan, "accept-3"), ""); first.Booking.ID != dan.ID || !again.Replayed {
		w.Errorf("taken twice: %+v", again)
	}
	if live := w.live(s)[s.ID]; live.Taken != 1 || live.Held != 0 {
		w.Errorf("slot %+v", live)
	}
	w.healthy()
}

// heldBeside has a lane give a number back while the capacity of its slot is being changed: what is held is what is
// counted as held.
func heldBeside(t *testing.T, open func(*testing.T, store.Options) *store.DB) {
	var between atomic.Pointer[func()]
	w := newWorld(t, open, store.Options{Observe: func(statement string, _ time.Duration, _ error) {
		if statement == "slot.rehold" {
			if do := between.Swap(nil); do != nil {
				(*do)()
			}
		}
	}})
	l := w.lane()
	s := w.slot("h1", 0, 9, 2)
	a := w.ask(l, w.book("ann", s, "i"), "").Booking
	w.ask(l, w.book("bea", s, "i"), "")
	gone := make(chan booking.Outcome, 1)
	do := func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			out, _ := l.Run(w.ctx, []booking.Request{w.waitCancel(a)})
			gone <- out[0]
		}()
		select {
		case <-done:
		case <-time.After(300 * time.Millisecond): // it waits for the slot, as it must
		}
	}
	between.Store(&do)
	w.update(func(tx *store.Tx) error {
		_, err := tx.CutSlots(w.ctx, []store.Cut{{HallID: s.HallID, SlotID: s.ID, Capacity: 3}}, func(s booking.Slot) (time.Time, bool) {
			return booking.Reopens(w.now(), s, rulebook.Continued2025(), 7)
		})
		return err
	})
	if out := <-gone; out.Fault != nil {
		t.Fatal(out.Fault)
	}
	if live := w.live(s)[s.ID]; live.Capacity != 3 || live.Taken != 1 || live.Held != 2 {
		t.Errorf("%d numbers, %d taken, %d held; want 3, 1 and 2", live.Capacity, live.Taken, live.Held)
	}
	w.healthy()
}

func heldByPlan(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 2)
	for _, p := range []string{"ann", "bea"} {
		w.ask(l, w.book(p, s, "i"), "")
	}
	reopen := func(s booking.Slot) (time.Time, bool) {
		return booking.Reopens(w.now(), s, rulebook.Continued2025(), 7)
	}
	cut := func(n int, closed bool) {
		w.update(func(tx *store.Tx) error {
			_, err := tx.CutSlots(w.ctx, []store.Cut{{HallID: s.HallID, SlotID: s.ID, Capacity: n, Closed: closed}}, reopen)
			return err
		})
		w.healthy()
	}
	want := func(capacity, held int) {
		w.Helper()
		if live := w.live(s)[s.ID]; live.Capacity != capacity || live.Held != held || live.Taken != 2 {
			w.Fatalf("%d numbers, %d held, %d taken; want %d and %d", live.Capacity, live.Held, live.Taken, capacity, held)
		}
	}
	cut(5, false)
	want(5, 3) // more capacity is the line's first
	cut(4, false)
	want(4, 2) // and less of it takes of what is held
	cut(2, false)
	want(2, 0)
	fresh := slotOf("h1", 1, 9, 3)
	w.update(func(tx *store.Tx) error {
		_, err := tx.AddSlotsHeld(w.ctx, []booking.Slot{s, fresh}, reopen)
		return err
	})
	if live := w.live(fresh)[fresh.ID]; live.Held != 3 || live.Free() != 0 {
		w.Errorf("a new hour: %+v", live)
	}
	want(2, 0)
	w.healthy()
}
