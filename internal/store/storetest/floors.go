package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// ticketOf makes a ticket of a hall on day, issued now and waiting.
func (w *world) ticketOf(hall, number string, kind counter.Kind) *counter.Ticket {
	return &counter.Ticket{
		ID: fmt.Sprintf("%s-%s-0000000000", hall, number)[:16], HallID: hall, Date: day, QueueID: hall + "-general", Number: number, Kind: kind, Hour: -1, Item: "SI-01",
		Stage: directory.Acceptance, Units: 1, Person: identity.Key("p-" + number), Sealed: []byte{0, 1, 0xff}, Channel: "desk", State: counter.Waiting,
		IssuedAt: w.now(), PlaceAt: w.now(), Version: 1,
	}
}

// issue writes a ticket with its history, and what it was taken from.
func (w *world) issue(tx *store.Tx, t *counter.Ticket) error {
	events := []store.TicketEvent{{HallID: t.HallID, Ticket: t.ID, Version: 1, At: w.now(), Kind: counter.Issue, ByKind: "account", ByID: "A1"}}
	for v := 2; v <= t.Version; v++ {
		events = append(events, store.TicketEvent{HallID: t.HallID, Ticket: t.ID, Version: v, At: w.now(), Kind: counter.Finish, Counter: "1", ByKind: "system", Detail: "finished"})
	}
	return errors.Join(tx.AddTicket(w.ctx, t), tx.AddTicketEvents(w.ctx, events))
}

// A floor counts its changes, keeps what it remembers, and ends once.
func floors(w *world) {
	hold := func() (f *store.Floor) {
		w.update(func(tx *store.Tx) (err error) {
			f, err = tx.HoldFloor(w.ctx, "h1", day)
			return err
		})
		return f
	}
	if f := hold(); f.Revision != 1 || f.HallID != "h1" || f.Date != day || f.Sealed || len(f.Lines) != 0 || !f.Changed.Equal(w.now()) {
		w.Errorf("a new floor: %+v", f)
	}
	lines := map[string]*counter.Line{"q1": {Prefix: "A", Serial: 12, Streak: 3, Greens: 1, Calls: 9}, "q2": {Prefix: "B"}}
	w.pass(time.Second)
	w.update(func(tx *store.Tx) error {
		_, err := tx.HoldFloor(w.ctx, "h1", day)
		return errors.Join(err, tx.SaveLines(w.ctx, "h1", day, lines))
	})
	f := hold()
	same(w, "lines", f.Lines, lines)
	if f.Revision != 3 {
		w.Errorf("revision %d after three changes", f.Revision)
	}
	w.update(func(tx *store.Tx) error {
		still, err := tx.StandOnFloor(w.ctx, "h1", day)
		if err == nil && still.Revision != 3 {
			w.Errorf("standing on a floor made it revision %d", still.Revision)
		}
		none, err2 := tx.StandOnFloor(w.ctx, "h9", day)
		if none != nil {
			w.Error("a floor that is not there was found")
		}
		return errors.Join(err, err2)
	})
	refs := func(fn func(tx *store.Tx) ([]store.FloorRef, error)) (out []store.FloorRef) {
		w.view(func(tx *store.Tx) (err error) {
			out, err = fn(tx)
			return err
		})
		return out
	}
	same(w, "changed since", refs(func(tx *store.Tx) ([]store.FloorRef, error) { return tx.FloorsChanged(w.ctx, w.now()) }), []store.FloorRef{{HallID: "h1", Date: day, Revision: 3}})
	if got := refs(func(tx *store.Tx) ([]store.FloorRef, error) {
		return tx.FloorsChanged(w.ctx, w.now().Add(time.Microsecond))
	}); len(got) != 0 {
		w.Errorf("changed after the last change: %v", got)
	}
	open := func(until calendar.Date) []store.FloorRef {
		return refs(func(tx *store.Tx) ([]store.FloorRef, error) { return tx.OpenFloors(w.ctx, until, 10) })
	}
	if len(open(day)) != 1 || len(open(day-1)) != 0 {
		w.Errorf("open floors: %v, %v", open(day), open(day-1))
	}
	for i, want := range []bool{true, false} {
		var sealed bool
		w.update(func(tx *store.Tx) (err error) {
			sealed, err = tx.SealFloor(w.ctx, "h1", day)
			return err
		})
		if sealed != want {
			w.Errorf("sealed at try %d: %v", i, sealed)
		}
	}
	if len(open(day)) != 0 || !hold().Sealed {
		w.Error("the day has not ended")
	}
	record := store.DayRecord{HallID: "h1", Date: day, Detail: json.RawMessage(`{"done":3}`), Digest: "d1", Sealed: w.now()}
	w.update(func(tx *store.Tx) error { return tx.AddDayRecord(w.ctx, record) })
	w.view(func(tx *store.Tx) error {
		got, err := tx.DayRecord(w.ctx, "h1", day)
		if err == nil {
			got.Sealed = got.Sealed.In(record.Sealed.Location())
			same(w, "record", *got, record)
		}
		none, err2 := tx.DayRecord(w.ctx, "h1", day+1)
		if none != nil {
			w.Error("a record that is not there was found")
		}
		return errors.Join(err, err2)
	})
}

// A hall's setting is changed by one of two who saw the same version.
func floorSettings(w *world) {
	save := func(detail string, version int) (saved bool) {
		w.update(func(tx *store.Tx) (err error) {
			saved, err = tx.SaveFloorSetting(w.ctx, "h1", json.RawMessage(detail), version)
			return err
		})
		return saved
	}
	for _, c := range []struct {
		detail  string
		version int
		want    bool
	}{{`{"walk_in_after":2}`, 0, true}, {`{"walk_in_after":3}`, 0, false}, {`{"walk_in_after":4}`, 1, true}, {`{"walk_in_after":5}`, 1, false}} {
		if got := save(c.detail, c.version); got != c.want {
			w.Errorf("%s at version %d: saved %v", c.detail, c.version, got)
		}
	}
	w.view(func(tx *store.Tx) error {
		detail, version, err := tx.FloorSetting(w.ctx, "h1")
		if string(detail) != `{"walk_in_after":4}` || version != 2 {
			w.Errorf("setting %s, version %d", detail, version)
		}
		none, zero, err2 := tx.FloorSetting(w.ctx, "h2")
		if none != nil || zero != 0 {
			w.Errorf("no setting: %s, %d", none, zero)
		}
		return errors.Join(err, err2)
	})
}

// A ticket comes back as it was written, is changed by one of two who saw the same version, and its number
// and booking are its own.
func tickets(w *world) {
	full := w.ticketOf("h1", "A001", counter.Booked)
	full.Share, full.SlotID, full.Hour, full.Booking, full.Verified, full.Result = counter.OnSite, "s1", 9, "B1", "elderly A1", ""
	full.FirstAt, full.CalledAt, full.EndedAt, full.Counter = w.now().Add(time.Minute), w.now().Add(2*time.Minute), time.Time{}, "w1"
	full.After, full.Calls, full.Passes, full.Early, full.Late, full.Instead = 7, 2, 1, 300, 900, "B0"
	w.update(func(tx *store.Tx) error { return w.issue(tx, full) })
	read := func(id string) (t *counter.Ticket) {
		w.view(func(tx *store.Tx) (err error) {
			t, err = tx.Ticket(w.ctx, id)
			return err
		})
		return t
	}
	here := func(t *counter.Ticket) counter.Ticket {
		c := *t
		for _, at := range []*time.Time{&c.IssuedAt, &c.PlaceAt, &c.FirstAt, &c.CalledAt, &c.EndedAt} {
			if !at.IsZero() {
				*at = at.UTC()
			}
		}
		return c
	}
	same(w, "ticket", here(read(full.ID)), here(full))
	if read("nobody-0000000000") != nil {
		w.Error("a ticket that is not there was found")
	}
	first, second := *full, *full
	first.State, first.Result, first.EndedAt, first.Version = counter.Done, counter.Finished, w.now(), 2
	second.State, second.Version = counter.Held, 2
	for i, c := range []struct {
		t    *counter.Ticket
		want bool
	}{{&first, true}, {&second, false}} {
		var saved bool
		w.update(func(tx *store.Tx) (err error) {
			saved, err = tx.SaveTicket(w.ctx, c.t, 1)
			return err
		})
		if saved != c.want {
			w.Errorf("change %d was saved: %v", i, saved)
		}
	}
	same(w, "changed ticket", here(read(full.ID)), here(&first))
	for what, t := range map[string]*counter.Ticket{"number": w.ticketOf("h1", "A001", counter.WalkIn), "booking": w.ticketOf("h1", "A002", counter.Booked)} {
		t.ID = "again-" + what + "-000000"
		if what == "booking" {
			t.Booking = "B1"
		}
		if err := w.db.Update(w.ctx, func(tx *store.Tx) error { return tx.AddTicket(w.ctx, t) }); err == nil {
			w.Errorf("the same %s was given twice", what)
		}
	}
	other := w.ticketOf("h2", "A001", counter.Green) // another hall's, another person
	other.Person = "p-other"
	later := w.ticketOf("h1", "A003", counter.WalkIn)
	later.Person, later.CalledAt, later.State = full.Person, w.now().Add(3*time.Minute), counter.Called
	w.update(func(tx *store.Tx) error { return errors.Join(w.issue(tx, other), w.issue(tx, later)) })
	list := func(fn func(tx *store.Tx) ([]*counter.Ticket, error)) (numbers []string) {
		w.view(func(tx *store.Tx) error {
			numbers = nil
			all, err := fn(tx)
			for _, t := range all {
				numbers = append(numbers, t.Number)
			}
			return err
		})
		return numbers
	}
	same(w, "open", list(func(tx *store.Tx) ([]*counter.Ticket, error) { return tx.OpenTickets(w.ctx, "h1", day) }), []string{"A003"})
	same(w, "called", list(func(tx *store.Tx) ([]*counter.Ticket, error) { return tx.CalledTickets(w.ctx, "h1", day, 9) }), []string{"A003", "A001"})
	same(w, "called last", list(func(tx *store.Tx) ([]*counter.Ticket, error) { return tx.CalledTickets(w.ctx, "h1", day, 1) }), []string{"A003"})
	same(w, "of the day", list(func(tx *store.Tx) ([]*counter.Ticket, error) { return tx.TicketsOn(w.ctx, "h1", day) }), []string{"A001", "A003"})
	same(w, "of another day", list(func(tx *store.Tx) ([]*counter.Ticket, error) { return tx.TicketsOn(w.ctx, "h1", day+1) }), []string(nil))
	same(w, "of a person", list(func(tx *store.Tx) ([]*counter.Ticket, error) { return tx.TicketsOfPerson(w.ctx, full.Person, day) }), []string{"A001", "A003"})
	w.view(func(tx *store.Tx) error {
		of, err := tx.TicketOf(w.ctx, "h1", "B1")
		if of == nil || of.ID != full.ID {
			w.Errorf("ticket of the booking: %v", of)
		}
		none, err2 := tx.TicketOf(w.ctx, "h1", "")
		if none != nil {
			w.Errorf("ticket of no booking: %v", none)
		}
		all, err3 := tx.TicketsOfBookings(w.ctx, "h1", day)
		if len(all) != 1 || all["B1"] == nil {
			w.Errorf("tickets of bookings: %v", all)
		}
		events, err4 := tx.TicketEvents(w.ctx, "h1", full.ID)
		if len(events) != 1 || events[0].Kind != counter.Issue || events[0].ByID != "A1" {
			w.Errorf("history: %+v", events)
		}
		return errors.Join(err, err2, err3, err4)
	})
}

// Seats come back as they were; when one was last heard of never goes back.
func seats(w *world) {
	s := &counter.Seat{Counter: "w1", Queues: []string{"q1", "q2"}, Account: "A1", State: counter.SeatOpen, Opened: w.now(), Since: w.now(), Seen: w.now(), Standby: []string{"t1"}}
	save := func() {
		w.update(func(tx *store.Tx) error { return tx.SaveSeat(w.ctx, "h1", day, s) })
	}
	read := func() (out *counter.Seat) {
		w.view(func(tx *store.Tx) error {
			all, err := tx.Seats(w.ctx, "h1", day)
			out = all["w1"]
			return err
		})
		return out
	}
	save()
	got := *read()
	if !got.Opened.Equal(s.Opened) || !got.Since.Equal(s.Since) || !got.Seen.Equal(s.Seen) {
		w.Errorf("instants: %+v", got)
	}
	got.Opened, got.Since, got.Seen = s.Opened, s.Since, s.Seen
	same(w, "seat", got, *s)
	later := w.now().Add(time.Minute)
	w.update(func(tx *store.Tx) error {
		return errors.Join(tx.TouchSeats(w.ctx, []store.SeatSeen{{HallID: "h1", Counter: "w1", Date: day, At: later}, {HallID: "h9", Counter: "w1", Date: day, At: later}}),
			tx.TouchSeats(w.ctx, []store.SeatSeen{{HallID: "h1", Counter: "w1", Date: day, At: w.now()}}))
	})
	s.State, s.Account = counter.SeatPaused, "A2"
	save()
	if got := read(); !got.Seen.Equal(later) || got.State != counter.SeatPaused || got.Account != "A2" {
		w.Errorf("the seat: %+v", got)
	}
}

// An act is kept once; refused arrivals are found.
func floorActs(w *world) {
	act := store.FloorAct{HallID: "h1", Key: "key-0001", Hash: "h", Ticket: "t1", Outcome: "ticket_over"}
	w.update(func(tx *store.Tx) error {
		return errors.Join(tx.AddFloorAct(w.ctx, act), tx.RefuseArrival(w.ctx, "h1", "B1", "document_does_not_match", "device", "D1"),
			tx.RefuseArrival(w.ctx, "h1", "B1", "document_does_not_match", "device", "D1"))
	})
	w.view(func(tx *store.Tx) error {
		got, err := tx.FloorAct(w.ctx, "h1", "key-0001")
		if err == nil {
			same(w, "act", *got, act)
		}
		none, err2 := tx.FloorAct(w.ctx, "h2", "key-0001")
		if none != nil {
			w.Error("another hall's key was found")
		}
		refused, err3 := tx.RefusedArrivals(w.ctx, "h1", w.now(), w.now().Add(time.Second))
		if len(refused) != 1 || refused[0].Booking != "B1" || refused[0].ByID != "D1" {
			w.Errorf("refused: %+v", refused)
		}
		return errors.Join(err, err2, err3)
	})
	if err := w.db.Update(w.ctx, func(tx *store.Tx) error { return tx.AddFloorAct(w.ctx, act) }); err == nil {
		w.Error("one key was used for two acts")
	}
	w.update(func(tx *store.Tx) error { return tx.ForgetFloorActs(w.ctx, w.now().Add(time.Second)) })
	w.view(func(tx *store.Tx) error {
		got, err := tx.FloorAct(w.ctx, "h1", "key-0001")
		if got != nil {
			w.Error("an old key is still there")
		}
		return err
	})
}

// A booking arrives and is done at its version only; its claims go with it, and nobody else's.
func atHall(w *world) {
	s := w.slot("h1", 0, 9, 5)
	l := w.lane()
	b := w.ask(l, w.book("ann", s, "SI-01"), "").Booking
	w.ask(l, w.book("bea", s, "SI-01"), "")
	arrived, event, refused := b.Arrive(w.now(), "", booking.Desk)
	if refused != nil {
		w.Fatal(refused)
	}
	for i, want := range []bool{true, false} {
		var saved bool
		w.update(func(tx *store.Tx) (err error) {
			saved, err = tx.AtHall(w.ctx, arrived, event)
			return err
		})
		if saved != want {
			w.Errorf("arrival %d was saved: %v", i, saved)
		}
	}
	if got := w.stored(b.ID); got.State != booking.Arrived || got.Version != 2 {
		w.Errorf("arrived: %+v", got)
	}
	claims := w.counts()["claim"]
	done, event, _ := arrived.Finish(true, w.now(), "", booking.Desk)
	w.update(func(tx *store.Tx) error {
		_, err := tx.AtHall(w.ctx, done, event)
		return errors.Join(err, tx.ReleaseLimits(w.ctx, arrived))
	})
	if got := w.counts()["claim"]; got != claims-3 {
		w.Errorf("%d claims after %d: the item, the hour and the day are given back", got, claims)
	}
	w.view(func(tx *store.Tx) error {
		list, err := tx.BookingsOn(w.ctx, "h1", []string{"h1-general"}, day)
		if len(list) != 2 {
			w.Errorf("%d bookings on the day", len(list))
		}
		hours, err3 := tx.CountByHour(w.ctx, "h1", []string{"h1-general"}, day)
		same(w, "bookings by hour", hours, []store.HourCount{{QueueID: "h1-general", Hour: 9, State: booking.Booked, N: 1}, {QueueID: "h1-general", Hour: 9, State: booking.Done, N: 1}})
		err = errors.Join(err, err3)
		none, err2 := tx.BookingsOn(w.ctx, "h1", []string{"h1-general"}, day+1)
		if len(none) != 0 {
			w.Errorf("%d bookings on the next", len(none))
		}
		for span, want := range map[[2]calendar.Date]int{{day, day}: 2, {day - 3, day + 3}: 2, {day + 1, day + 9}: 0} {
			n, err3 := tx.CountBookings(w.ctx, "h1", []string{"h1-general"}, span[0], span[1], false)
			missed, err4 := tx.CountBookings(w.ctx, "h1", []string{"h1-general"}, span[0], span[1], true)
			if err = errors.Join(err, err3, err4); n != want || missed != 0 {
				w.Errorf("%d bookings and %d missed from %s to %s, want %d", n, missed, span[0], span[1], want)
			}
		}
		return errors.Join(err, err2)
	})
	w.ask(l, w.cancel(b), "booking_not_active")
	w.healthy()
}

// Many take on-site numbers and what is unsold at once, while others book: no slot gives more than it has, and
// all that there is is given.
func onSiteRace(w *world) {
	var slots []booking.Slot
	for h := 9; h < 12; h++ {
		s := slotOf("h1", 0, h, 9)
		s.OnSite = 1
		slots = append(slots, s)
	}
	w.update(func(tx *store.Tx) error {
		_, err := tx.AddSlots(w.ctx, slots)
		return err
	})
	const people = 40
	var onSite, unsold, booked atomic.Int64
	var wg sync.WaitGroup
	fatal := func(err error) {
		if err != nil {
			w.Error(err)
		}
	}
	give := func(t *counter.Ticket, take func(tx *store.Tx, slot string) (bool, error)) (got bool) {
		fatal(w.db.Update(w.ctx, func(tx *store.Tx) error {
			f, err := tx.HoldFloor(w.ctx, "h1", day)
			if err != nil {
				return err
			}
			got = false
			for _, s := range slots {
				if got, err = take(tx, s.ID); err != nil || got {
					t.SlotID = s.ID
					break
				}
			}
			if err != nil || !got {
				return err
			}
			line := f.Lines["q"]
			if line == nil {
				line = &counter.Line{Prefix: "A"}
				f.Lines["q"] = line
			}
			t.Number = line.Number()
			holder, err := tx.TakeClaim(w.ctx, booking.Claim{Person: t.Person, Name: "onsite|x", HallID: "h1", Booking: t.ID})
			if err != nil || holder != "" {
				return errors.Join(err, fmt.Errorf("held by %q", holder))
			}
			return errors.Join(w.issue(tx, t), tx.SaveLines(w.ctx, "h1", day, f.Lines))
		}))
		return got
	}
	lanes := []*store.Lane{w.lane(), w.lane()}
	for i := range people {
		wg.Go(func() {
			t := w.ticketOf("h1", fmt.Sprintf("S%03d", i), counter.WalkIn)
			t.Share = counter.OnSite
			if give(t, func(tx *store.Tx, slot string) (bool, error) { return tx.TakeOnSite(w.ctx, "h1", slot, 1) }) {
				onSite.Add(1)
			}
		})
		wg.Go(func() {
			t := w.ticketOf("h1", fmt.Sprintf("U%03d", i), counter.WalkIn)
			t.Share = counter.Unsold
			if give(t, func(tx *store.Tx, slot string) (bool, error) {
				s, err := tx.TakeUnsold(w.ctx, "h1", slot, 1)
				return s != nil, err
			}) {
				unsold.Add(1)
			}
		})
	}
	for i, l := range lanes {
		wg.Go(func() {
			for n := range people {
				out, _ := l.Run(w.ctx, []booking.Request{w.book(fmt.Sprintf("lane%d-%d", i, n), slots[n%3], "SI-01")})
				if out[0].Fault == nil {
					booked.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if onSite.Load() != 3 {
		w.Errorf("%d on-site numbers of 3 were given", onSite.Load())
	}
	if got := unsold.Load() + booked.Load(); got != 27 {
		w.Errorf("%d unsold given and %d booked of 27", unsold.Load(), booked.Load())
	}
	w.healthy()
}

// Many counters change one floor at once: no revision is lost, and no number given twice.
func floorRace(w *world) {
	const clerks, each = 8, 10
	var wg sync.WaitGroup
	for i := range clerks {
		wg.Go(func() {
			for n := range each {
				if err := w.db.Update(w.ctx, func(tx *store.Tx) error {
					f, err := tx.HoldFloor(w.ctx, "h1", day)
					if err != nil {
						return err
					}
					if f.Lines["q"] == nil {
						f.Lines["q"] = &counter.Line{Prefix: "A"}
					}
					t := w.ticketOf("h1", fmt.Sprintf("%d%02d", i, n), counter.Green)
					t.Number = f.Lines["q"].Number()
					return errors.Join(w.issue(tx, t), tx.SaveLines(w.ctx, "h1", day, f.Lines))
				}); err != nil {
					w.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w.view(func(tx *store.Tx) error {
		f, err := tx.Floor(w.ctx, "h1", day)
		if err == nil && (f.Revision != clerks*each || f.Lines["q"].Serial != clerks*each) {
			w.Errorf("revision %d, %d numbers after %d changes", f.Revision, f.Lines["q"].Serial, clerks*each)
		}
		return err
	})
	w.healthy()
}

// livedDay adds a day in the hall to a lived city: somebody who has come and waits, somebody who was served,
// numbers of each kind, and in the second hall a day that has ended.
func (w *world) livedDay(l *store.Lane, slots []booking.Slot, ids map[string]string) {
	arrive := func(name, person, number string, served bool) {
		b := w.ask(l, w.book(person, slots[0], "SI-01"), "").Booking
		ids[name] = b.ID
		arrived, event, _ := b.Arrive(w.now(), "", booking.Desk)
		done, event2, _ := arrived.Finish(true, w.now(), "", booking.Desk)
		t := w.ticketOf("h1", number, counter.Booked)
		t.Booking, t.SlotID, t.Hour = b.ID, b.SlotID, b.Hour
		w.update(func(tx *store.Tx) error {
			_, err := tx.AtHall(w.ctx, arrived, event)
			if served {
				_, err2 := tx.AtHall(w.ctx, done, event2)
				t.State, t.Result, t.EndedAt, t.Version = counter.Done, counter.Finished, w.now(), 2
				err = errors.Join(err, err2, tx.ReleaseLimits(w.ctx, arrived))
			}
			return errors.Join(err, w.issue(tx, t))
		})
	}
	w.update(func(tx *store.Tx) error {
		_, err := tx.HoldFloor(w.ctx, "h1", day)
		return err
	})
	arrive("arrived", "hal", "A001", false)
	arrive("done", "ivy", "A002", true)
	w.update(func(tx *store.Tx) error {
		_, err := tx.HoldFloor(w.ctx, "h1", day)
		for i, share := range []counter.Share{counter.OnSite, counter.Unsold} {
			t := w.ticketOf("h1", fmt.Sprintf("A00%d", 3+i), counter.WalkIn)
			t.Share, t.SlotID = share, slots[1].ID
			if share == counter.OnSite {
				_, err2 := tx.TakeOnSite(w.ctx, "h1", t.SlotID, 1)
				err = errors.Join(err, err2)
			} else {
				_, err2 := tx.TakeUnsold(w.ctx, "h1", t.SlotID, 1)
				err = errors.Join(err, err2)
			}
			_, err3 := tx.TakeClaim(w.ctx, booking.Claim{Person: t.Person, Name: counter.OnSiteName("SI-01", day.String(), 9), HallID: "h1", Booking: t.ID})
			err = errors.Join(err, err3, w.issue(tx, t))
		}
		return errors.Join(err, w.issue(tx, w.ticketOf("h1", "A005", counter.Green)))
	})
	w.update(func(tx *store.Tx) error {
		_, err := tx.HoldFloor(w.ctx, "h2", day)
		t := w.ticketOf("h2", "A001", counter.Green)
		t.State, t.Result, t.EndedAt, t.Version = counter.Done, counter.Finished, w.now(), 2
		_, err2 := tx.SealFloor(w.ctx, "h2", day)
		return errors.Join(err, err2, w.issue(tx, t), tx.AddDayRecord(w.ctx, store.DayRecord{HallID: "h2", Date: day, Detail: json.RawMessage(`{}`), Digest: "x"}))
	})
}
