package storetest

import (
	"fmt"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

var laneCases = []testCase{
	{"a_booking_is_stored_whole", bookWhole},
	{"a_repeated_key_books_once", replay},
	{"Art15_sold_out_writes_nothing", soldOut},
	{"Art17_cancelling_gives_the_number_back", cancelling},
	{"Art17_moving_is_one_step", moving},
	{"Art19_a_batch_takes_all_or_none", batches},
	{"one_group_books_moves_and_cancels", oneGroup},
	{"limits_hold_across_halls", limits},
	{"who_loses_an_hour_chooses_another", displacing},
	{"cut_slots_hold_nobody_too_many", cutting},
	{"Art17_missed_hours_are_marked_once", missing},
	{"Art14_a_closed_or_unreleased_slot_gives_nothing", notYet},
}

func bookWhole(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 5)
	r := w.book("ann", s, "SI-01")
	r.Applicant, r.For, r.Units = booking.Other, "mother", 2
	out, states := l.Run(w.ctx, []booking.Request{r})
	w.want(out[0], "")
	same(w, "slot told of", states, []store.SlotState{{HallID: "h1", QueueID: s.QueueID, SlotID: s.ID, Capacity: 5, Taken: 2, Revision: 1}})
	want := booking.Booking{
		ID: r.ID, HallID: "h1", QueueID: s.QueueID, SlotID: s.ID, Date: day, Hour: 9, Item: "SI-01", Stage: r.Stage, Units: 2,
		State: booking.Booked, Channel: booking.Web, Applicant: booking.Other, BookerKey: "ann", ApplicantKey: "mother", Sealed: []byte{0, 1, 0xff},
		Version: 1, CreatedAt: start.UTC(), ChangedAt: start.UTC(),
	}
	same(w, "booking", *w.stored(r.ID), want)
	w.view(func(tx *store.Tx) error {
		events, err := tx.Events(w.ctx, r.ID)
		same(w, "events", events, []booking.Event{{
			Booking: r.ID, HallID: "h1", Version: 1, Kind: booking.EventBooked, At: start.UTC(), Actor: "ann", Channel: booking.Web, SlotID: s.ID,
		}})
		return err
	})
	same(w, "rows", w.counts(), map[string]int{
		"slot": 1, "booking": 1, "claim": 4, "event": 1, "message": 1, "session": 0, "one_time_code": 0, "kept_person": 0, "account": 0, "taken": 2,
	})
	w.healthy()
}

func replay(w *world) {
	l, other := w.lane(), w.lane()
	s := w.slot("h1", 0, 9, 5)
	r := w.book("ann", s, "SI-01")
	first := w.ask(l, r, "")
	before := w.counts()
	for _, lane := range []*store.Lane{l, other} {
		again := *r
		again.ID = "ZZZZZZZZ" // each try comes with an id of its own
		a := w.ask(lane, &again, "")
		if !a.Replayed || a.Booking.ID != first.Booking.ID {
			w.Errorf("repeated: %+v", a)
		}
		changed := *r
		changed.Hash = "another request"
		w.ask(lane, &changed, fault.KeyReused)
	}
	same(w, "rows after repetitions", w.counts(), before)

	// The same key twice in one group.
	b := w.book("bea", s, "SI-01")
	twin := *b
	twin.ID = "ZZZZZZZY"
	out, _ := l.Run(w.ctx, []booking.Request{b, &twin})
	w.want(out[0], "")
	w.want(out[1], "")
	if out[0].Answer.Replayed || !out[1].Answer.Replayed || out[1].Answer.Booking.ID != b.ID {
		w.Errorf("twice in one group: %+v", out)
	}
	// A key belongs to its person.
	c := w.book("cat", s, "SI-01")
	c.Key = r.Key
	if a := w.ask(l, c, ""); a.Replayed {
		w.Error("another person's key was taken for a repetition")
	}
	// A repetition finds what has become of the booking since.
	w.ask(l, w.cancel(first.Booking), "")
	if a := w.ask(l, r, ""); !a.Replayed || a.Booking.State != booking.Cancelled {
		w.Errorf("repeated after the cancellation: %+v", a)
	}
	w.healthy()
}

func soldOut(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 2)
	out, _ := l.Run(w.ctx, []booking.Request{w.book("ann", s, "i"), w.book("bea", s, "i"), w.book("cat", s, "i")})
	w.want(out[0], "")
	w.want(out[1], "")
	w.want(out[2], fault.SoldOut)
	before := w.counts()
	again, states := l.Run(w.ctx, []booking.Request{w.book("dan", s, "i"), w.book("eve", s, "i")})
	w.want(again[0], fault.SoldOut)
	w.want(again[1], fault.SoldOut)
	if len(states) != 0 {
		w.Errorf("refusals changed slots: %v", states)
	}
	same(w, "rows after refusals", w.counts(), before)
	if live := w.live(s)[s.ID]; live.Taken != 2 || live.Revision != 1 {
		w.Errorf("slot %+v", live)
	}
	w.healthy()
}

func cancelling(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 1)
	a := w.ask(l, w.book("ann", s, "i"), "").Booking
	w.ask(l, w.book("bea", s, "i"), fault.SoldOut)
	foreign := w.cancel(a)
	foreign.Who.Key = "bea"
	w.ask(l, foreign, fault.BookingNotFound)
	gone := w.cancel(a)
	gone.Booking = "00000000"
	w.ask(l, gone, fault.BookingNotFound)
	if got := w.ask(l, w.cancel(a), "").Booking; got.State != booking.Cancelled || got.Version != 2 {
		w.Errorf("cancelled: %+v", got)
	}
	w.ask(l, w.cancel(a), fault.NotActive)
	if w.live(s)[s.ID].Taken != 0 {
		w.Error("the number was not given back")
	}
	w.ask(l, w.book("bea", s, "i"), "")
	w.ask(l, w.book("ann", w.slot("h1", 0, 10, 1), "i"), "") // her claims were given back
	// The last instant counts still, the next does not.
	b := w.ask(l, w.book("cat", w.slot("h2", 0, 10, 2), "i"), "").Booking
	w.set(day.At(9, 0).Add(time.Microsecond))
	w.ask(l, w.cancel(b), fault.CancelTooLate)
	w.set(day.At(9, 0))
	w.ask(l, w.cancel(b), "")
	w.healthy()
}

func moving(w *world) {
	l := w.lane()
	from, to, hall2 := w.slot("h1", 0, 9, 2), w.slot("h1", 0, 10, 1), w.slot("h2", 1, 9, 1)
	a := w.ask(l, w.book("ann", from, "i"), "").Booking
	w.ask(l, w.move(a, from), fault.SameSlot)
	out, states := l.Run(w.ctx, []booking.Request{w.move(a, to)})
	w.want(out[0], "")
	if m := out[0].Answer.Booking; m.SlotID != to.ID || m.Version != 2 || len(states) != 2 {
		w.Errorf("moved: %+v, slots %v", m, states)
	}
	w.ask(l, w.book("bea", from, "i"), "")
	b := w.ask(l, w.book("bea", w.slot("h3", 0, 14, 1), "j"), "").Booking
	w.ask(l, w.move(b, to), fault.SoldOut)
	same(w, "a refused move changes nothing", w.stored(b.ID).SlotID, b.SlotID)

	// To another hall: the row moves, once.
	n := w.counts()["booking"]
	m := w.ask(l, w.move(*w.stored(a.ID), hall2), "").Booking
	if got := w.stored(a.ID); got.HallID != "h2" || got.SlotID != hall2.ID || got.Date != day+1 || got.Version != 3 || string(got.Sealed) != string(a.Sealed) || !got.CreatedAt.Equal(a.CreatedAt) {
		w.Errorf("after the move to another hall: %+v", got)
	}
	if w.counts()["booking"] != n {
		w.Error("a move must leave one row")
	}
	w.ask(l, w.book("ann", w.slot("h4", 0, 10, 1), "k"), "") // the hour it left is free again
	w.ask(l, w.book("ann", w.slot("h4", 1, 9, 1), "l"), fault.SameHour)
	// And back again; the place it leaves goes to the next.
	back := w.slot("h1", 2, 9, 1)
	w.ask(l, w.move(m, back), "")
	w.ask(l, w.book("dan", hall2, "i"), "")
	live := w.live(from, to, hall2, back)
	for id, want := range map[string]int{from.ID: 1, to.ID: 0, hall2.ID: 1, back.ID: 1} {
		if live[id].Taken != want {
			w.Errorf("slot %s: %d taken, want %d", id, live[id].Taken, want)
		}
	}
	w.view(func(tx *store.Tx) error {
		events, err := tx.Events(w.ctx, a.ID)
		if len(events) != 4 || events[3].From != hall2.ID || events[3].SlotID != back.ID {
			w.Errorf("history: %+v", events)
		}
		return err
	})
	w.healthy()
}

func batches(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 4)
	three := func(who string) *booking.Book {
		r := w.book(who, s, "i")
		r.Units = 3
		return r
	}
	out, _ := l.Run(w.ctx, []booking.Request{three("ann"), three("bea"), w.book("cat", s, "i")})
	w.want(out[0], "")
	w.want(out[1], fault.SoldOut)
	w.want(out[2], "")
	w.ask(l, w.cancel(out[0].Answer.Booking), "")
	if n := w.live(s)[s.ID].Taken; n != 1 {
		w.Errorf("%d taken after a batch of three was cancelled, want 1", n)
	}
	w.healthy()
}

func oneGroup(w *world) {
	l := w.lane()
	s, to := w.slot("h1", 0, 9, 1), w.slot("h2", 0, 9, 1)
	first := w.book("ann", s, "i")
	made := booking.Booking{ID: first.ID, BookerKey: "ann", Item: "i"}
	second := w.book("bea", s, "i")
	out, _ := l.Run(w.ctx, []booking.Request{first, w.move(made, to), second, w.cancel(made), w.book("cat", to, "i"), w.book("ann", s, "i")})
	for i, want := range []fault.Code{"", "", "", "", "", fault.SoldOut} {
		if got := codeOf(out[i]); got != want && got != fault.Busy {
			w.Errorf("request %d: %q, want %q", i, got, want)
		}
	}
	w.healthy()
	// What was asked to wait is granted when asked again.
	for i, r := range []booking.Request{first, w.move(made, to), second, w.cancel(made), w.book("cat", to, "j")} {
		if out[i].Fault != nil {
			got, _ := l.Run(w.ctx, []booking.Request{r})
			if unavailable(got[0]) {
				w.Errorf("request %d again: %v", i, got[0].Fault)
			}
		}
	}
	w.healthy()
}

func limits(w *world) {
	l, other := w.lane(), w.lane()
	slot := func(i, hour int) booking.Slot { return w.slot(fmt.Sprint("hall", i), 0, hour, 9) }
	w.ask(l, w.book("ann", slot(1, 9), "a"), "")
	w.ask(other, w.book("ann", slot(2, 9), "b"), fault.SameHour)
	w.ask(other, w.book("ann", slot(2, 10), "a"), fault.AlreadyBooked)
	w.ask(other, w.book("ann", slot(2, 10), "b"), "")
	w.ask(l, w.book("ann", slot(3, 11), "c"), "")
	w.ask(other, w.book("ann", slot(4, 14), "d"), fault.DayLimit)
	firm := func(i, hour int, item string) *booking.Book {
		r := w.book("ann", slot(i, hour), item)
		r.Applicant, r.For = booking.Organisation, identity.Key("firm")
		return r
	}
	w.ask(other, firm(4, 14, "d"), "")
	w.ask(l, firm(4, 15, "d"), fault.AlreadyBooked)
	w.ask(l, firm(4, 9, "e"), fault.SameHour)
	w.ask(l, w.book("ann", w.slot("hall1", calendar.Date(1), 9, 1), "d"), "")
	w.healthy()
}

func notYet(w *world) {
	l := w.lane()
	late, shut := slotOf("h1", 0, 9, 5), slotOf("h1", 0, 10, 5)
	late.Release, shut.Closed = start.Add(time.Hour), true
	w.update(func(tx *store.Tx) error {
		_, err := tx.AddSlots(w.ctx, []booking.Slot{late, shut})
		return err
	})
	w.ask(l, w.book("ann", late, "i"), fault.NotReleased)
	w.ask(l, w.book("ann", shut, "i"), fault.SlotClosed)
	w.ask(l, w.book("ann", slotOf("h1", 0, 11, 5), "i"), fault.SlotNotFound)
	w.set(late.Release.Add(-time.Microsecond))
	w.ask(l, w.book("ann", late, "i"), fault.NotReleased)
	w.set(late.Release)
	w.ask(l, w.book("ann", late, "i"), "")
}
