package storetest

import (
	"fmt"
	"maps"
	"strings"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// forgetDay holds that a day forgets who came, and nothing else: one person stays one, claims are held by whom they
// were, and doing it again changes nothing.
func forgetDay(w *world) {
	saveCity(w)
	slot := booking.Slot{ID: booking.SlotID("h1-general", day, 9), HallID: "h1", QueueID: "h1-general", Date: day, Hour: 9, Capacity: 9, Taken: 2, OnSite: 1, Release: release}
	book := func(n int, who, applicant string) *booking.Booking {
		return &booking.Booking{
			ID: booking.IDOf(uint64(n)), HallID: "h1", QueueID: "h1-general", SlotID: slot.ID, Date: day, Hour: 9, Item: "SI-01", Stage: "acceptance", Units: 1, State: booking.Done,
			Channel: booking.Web, Applicant: booking.Other, BookerKey: identity.Key(who), ApplicantKey: identity.Key(applicant), Sealed: []byte("sealed " + who), Version: 1, CreatedAt: w.now(), ChangedAt: w.now(),
		}
	}
	list := []*booking.Booking{book(1, "ann", "bob"), book(2, "ann", "ann"), book(3, "cid", "ann")}
	m := &store.Made{Slots: []booking.Slot{slot}, Bookings: list}
	for _, b := range list {
		m.Claims = append(m.Claims, booking.Claim{Person: b.BookerKey, Name: booking.KeyName("key of " + b.ID), HallID: "h1", Booking: b.ID, Hash: "h"})
		m.Events = append(m.Events, booking.Event{Booking: b.ID, HallID: "h1", Version: 1, Kind: booking.EventBooked, At: w.now(), Actor: b.BookerKey, Channel: booking.Web, SlotID: slot.ID})
	}
	m.Tickets = []*counter.Ticket{{
		ID: "t1", HallID: "h1", Date: day, QueueID: "h1-general", Number: "A001", Kind: counter.Booked, Booking: list[0].ID, Hour: 9, Item: "SI-01", Units: 1, Person: "bob",
		Sealed: []byte("sealed bob"), State: counter.Done, Result: counter.Finished, IssuedAt: w.now(), PlaceAt: w.now(), EndedAt: w.now(), Version: 1,
	}}
	m.Evaluations = []*counter.Evaluation{{ID: "e1", HallID: "h1", Ticket: "t1", QueueID: "h1-general", Item: "SI-01", At: w.now(), Date: day, Grade: 5, Sealed: []byte("what bob wrote"), Channel: "counter", State: counter.CaseNone, Version: 1}}
	w.update(func(tx *store.Tx) error { return tx.AddMade(w.ctx, m) })
	rename := func(person string) string { return "~" + strings.ToUpper(person) }
	forget := func() (counts map[string]int) {
		w.Helper()
		w.update(func(tx *store.Tx) (err error) {
			counts, err = tx.ForgetDay(w.ctx, oversight.HallDay{HallID: "h1", Date: day}, rename)
			return err
		})
		return counts
	}
	if got, want := forget(), (map[string]int{"booking": 3, "claim": 3, "event": 3, "ticket": 1, "evaluation": 1}); !maps.Equal(got, want) {
		w.Errorf("forgotten %v, want %v", got, want)
	}
	if got := forget(); len(got) > 0 {
		w.Errorf("forgotten again: %v", got)
	}
	w.view(func(tx *store.Tx) error {
		for i, want := range []string{"~ANN ~BOB", "~ANN ~ANN", "~CID ~ANN"} {
			b, err := tx.Booking(w.ctx, list[i].ID)
			if err != nil {
				return err
			}
			if got := fmt.Sprint(b.BookerKey, " ", b.ApplicantKey); got != want || len(b.Sealed) > 0 {
				w.Errorf("booking %d is of %s, sealed %q; want %s", i, got, b.Sealed, want)
			}
			events, err := tx.Events(w.ctx, b.ID)
			if err != nil {
				return err
			}
			if events[0].Actor != b.BookerKey {
				w.Errorf("booked by %s, of %s", events[0].Actor, b.BookerKey)
			}
			mine, err := tx.BookingsOf(w.ctx, b.BookerKey, "", 9)
			if err != nil || len(mine) == 0 {
				w.Errorf("%s has %d bookings, %v", b.BookerKey, len(mine), err)
			}
		}
		t, err := tx.Ticket(w.ctx, "t1")
		if err == nil && (t.Person != "~BOB" || len(t.Sealed) > 0) {
			w.Errorf("the ticket is of %s, sealed %q", t.Person, t.Sealed)
		}
		e, err2 := tx.EvaluationOf(w.ctx, "h1", "t1")
		if err2 == nil && len(e.Sealed) > 0 {
			w.Errorf("what was written is there: %q", e.Sealed)
		}
		if err != nil {
			return err
		}
		return err2
	})
}
