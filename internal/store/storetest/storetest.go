// Package storetest is what every engine of the store must do: one suite, run on each.
package storetest

import (
	"context"
	"errors"
	"fmt"
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

// Run runs the suite. open makes an empty, migrated database with the given options, which is closed
// at the end of the test that asked for it.
func Run(t *testing.T, open func(t *testing.T, o store.Options) *store.DB) {
	for _, mode := range []struct {
		name  string
		twice bool
	}{{"nouns", false}, {"nouns_run_twice", true}} {
		t.Run(mode.name, func(t *testing.T) {
			for _, c := range nouns {
				t.Run(c.name, func(t *testing.T) { c.run(newWorld(t, open, store.Options{Twice: mode.twice})) })
			}
		})
	}
	t.Run("sets", func(t *testing.T) { sets(newWorld(t, open, store.Options{})) })
	t.Run("audit_speed", func(t *testing.T) { auditSpeed(newWorld(t, open, store.Options{})) })
	t.Run("contexts", func(t *testing.T) { contexts(newWorld(t, open, store.Options{})) })
	t.Run("wait", func(t *testing.T) {
		for _, c := range waitCases {
			t.Run(c.name, func(t *testing.T) { c.run(newWorld(t, open, store.Options{})) })
		}
	})
	t.Run("wait_beside_a_lane", func(t *testing.T) { heldBeside(t, open) })
	t.Run("lane", func(t *testing.T) {
		for _, c := range laneCases {
			t.Run(c.name, func(t *testing.T) { c.run(newWorld(t, open, store.Options{})) })
		}
	})
	t.Run("delegated", func(t *testing.T) {
		for _, c := range delegationCases {
			t.Run(c.name, func(t *testing.T) { c.run(newWorld(t, open, store.Options{})) })
		}
	})
	t.Run("race", func(t *testing.T) {
		for _, c := range races {
			t.Run(c.name, func(t *testing.T) { c.run(newWorld(t, open, store.Options{})) })
		}
	})
}

type testCase struct {
	name string
	run  func(*world)
}

// The stage: Monday 30 November 2026, ten in the morning; slots lie on 9 December and after.
var (
	day     = calendar.MakeDate(2026, time.December, 9)
	release = calendar.MakeDate(2026, time.November, 25).At(12, 0)
	start   = calendar.MakeDate(2026, time.November, 30).At(10, 0)
)

// world is one database and a clock that stands still unless moved.
type world struct {
	*testing.T
	ctx   context.Context
	db    *store.DB
	clock atomic.Int64
	ids   atomic.Uint64
	lanes atomic.Int64
}

func newWorld(t *testing.T, open func(*testing.T, store.Options) *store.DB, o store.Options) *world {
	w := &world{T: t, ctx: t.Context()}
	w.set(start)
	o.Now = w.now
	w.db = open(t, o)
	return w
}

func (w *world) now() time.Time       { return time.UnixMicro(w.clock.Load()).UTC() }
func (w *world) set(t time.Time)      { w.clock.Store(t.UnixMicro()) }
func (w *world) pass(d time.Duration) { w.set(w.now().Add(d)) }

func (w *world) update(fn func(*store.Tx) error) {
	w.Helper()
	if err := w.db.Update(w.ctx, fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) view(fn func(*store.Tx) error) {
	w.Helper()
	if err := w.db.View(w.ctx, fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) lane() *store.Lane {
	w.Helper()
	l, err := w.db.NewLane(w.ctx, fmt.Sprintf("test-%d", w.lanes.Add(1)))
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if err := l.Close(); err != nil {
			w.Error(err)
		}
	})
	return l
}

// slot adds a slot of a hall on day + plus.
func (w *world) slot(hall string, plus calendar.Date, hour, capacity int) booking.Slot {
	w.Helper()
	s := slotOf(hall, plus, hour, capacity)
	w.update(func(tx *store.Tx) error {
		_, err := tx.AddSlots(w.ctx, []booking.Slot{s})
		return err
	})
	return s
}

func slotOf(hall string, plus calendar.Date, hour, capacity int) booking.Slot {
	queue := hall + "-general"
	return booking.Slot{
		ID: booking.SlotID(queue, day+plus, hour), HallID: hall, QueueID: queue, Date: day + plus, Hour: hour,
		Capacity: capacity, Release: release,
	}
}

// atOnce are rules under which what comes free is everybody's at once. What is held for the waitlist has
// cases of its own.
func atOnce() rulebook.Rulebook {
	r := rulebook.Continued2025()
	r.Waitlist = false
	return r
}

func offer(s booking.Slot, item string) booking.Offer {
	return booking.Offer{
		Rules: atOnce(), Item: item, HallID: s.HallID, QueueID: s.QueueID,
		Stages: directory.Stages{directory.Acceptance}, BatchMax: 5,
	}
}

// book makes the request of a person for a number, with a key of its own.
func (w *world) book(person string, s booking.Slot, item string) *booking.Book {
	n := w.ids.Add(1)
	return &booking.Book{
		Key: fmt.Sprintf("book-%d", n), Hash: "hash", ID: booking.IDOf(n), Who: booking.Who{Key: identity.Key(person), Level: identity.Verified},
		Applicant: booking.Self, For: identity.Key(person), Offer: offer(s, item), SlotID: s.ID, Stage: directory.Acceptance,
		Units: 1, Channel: booking.Web, Sealed: []byte{0, 1, 0xff},
	}
}

func (w *world) cancel(b booking.Booking) *booking.Cancel {
	return &booking.Cancel{
		Key: fmt.Sprintf("cancel-%d", w.ids.Add(1)), Hash: "hash", Who: booking.Who{Key: b.BookerKey, Level: identity.Verified},
		Booking: b.ID, Rules: atOnce(), Channel: booking.Web,
	}
}

func (w *world) move(b booking.Booking, to booking.Slot) *booking.Move {
	return &booking.Move{
		Key: fmt.Sprintf("move-%d", w.ids.Add(1)), Hash: "hash", Who: booking.Who{Key: b.BookerKey, Level: identity.Verified},
		Booking: b.ID, Offer: offer(to, b.Item), SlotID: to.ID, Channel: booking.Web,
	}
}

// ask runs one request alone and wants the given answer, "" for yes.
func (w *world) ask(l *store.Lane, r booking.Request, want fault.Code) booking.Answer {
	w.Helper()
	out, _ := l.Run(w.ctx, []booking.Request{r})
	w.want(out[0], want)
	return out[0].Answer
}

func (w *world) want(o booking.Outcome, want fault.Code) {
	w.Helper()
	if got := codeOf(o); got != want {
		w.Fatalf("answer %q, want %q (%v)", got, want, o.Fault)
	}
}

func codeOf(o booking.Outcome) fault.Code {
	if o.Fault == nil {
		return ""
	}
	return o.Fault.Code
}

// unavailable tells whether the lane gave up: no caller may see that while the database is there.
func unavailable(o booking.Outcome) bool {
	return o.Fault != nil && (o.Fault.Kind == fault.Unavailable || o.Fault.Kind == fault.Internal)
}

// stored reads a booking.
func (w *world) stored(id string) *booking.Booking {
	w.Helper()
	var b *booking.Booking
	w.view(func(tx *store.Tx) (err error) {
		b, err = tx.Booking(w.ctx, id)
		return err
	})
	return b
}

func (w *world) counts() map[string]int {
	w.Helper()
	var n map[string]int
	w.view(func(tx *store.Tx) (err error) {
		n, err = tx.Counts(w.ctx)
		return err
	})
	return n
}

// live reads slots by id.
func (w *world) live(slots ...booking.Slot) map[string]store.LiveSlot {
	w.Helper()
	refs := make([][2]string, len(slots))
	for i, s := range slots {
		refs[i] = [2]string{s.HallID, s.ID}
	}
	out := map[string]store.LiveSlot{}
	w.view(func(tx *store.Tx) error {
		clear(out)
		return tx.SlotsByID(w.ctx, refs, func(s store.LiveSlot) { out[s.ID] = s })
	})
	return out
}

// healthy recounts the whole database: only that the halls of a test have no directory is allowed.
func (w *world) healthy() {
	w.Helper()
	found, err := w.db.Doctor(w.ctx)
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range found {
		switch f.Check {
		case "queue", "slot queue", "calendar", "engine":
		default:
			w.Errorf("doctor: %s: %s", f.Check, f.Detail)
		}
	}
}

// Lived opens a database of a small city in which people have booked, moved and cancelled. It returns
// the ids of their bookings: "booked", "moved" (to another hall, so two versions), "cancelled",
// "organisation", "batch", "displaced" (to the other hall), "stranded", "arrived" and "done".
func Lived(t *testing.T, open func(*testing.T, store.Options) *store.DB) (*store.DB, map[string]string) {
	w := newWorld(t, open, store.Options{})
	saveCity(w)
	queue := directory.Queue{ID: "h2-general", HallID: "h2", Line: "general", Open: true}
	days := []calendar.Day{{Date: calendar.MakeDate(2026, time.October, 1), Kind: calendar.Off}}
	var slots []booking.Slot
	for _, hall := range []string{"h1", "h2"} {
		for _, hour := range []int{9, 10} {
			s := slotOf(hall, 0, hour, 18)
			s.OnSite = 2
			slots = append(slots, s)
		}
	}
	w.update(func(tx *store.Tx) error {
		_, err := tx.AddSlots(w.ctx, slots)
		return errors.Join(err, tx.SaveQueues(w.ctx, []directory.Queue{queue}), tx.SaveRulebook(w.ctx, rulebook.Continued2025()),
			tx.SaveCalendar(w.ctx, days, map[int]calendar.YearStatus{2026: calendar.Official}))
	})
	l := w.lane()
	firm, batch := w.book("dan", slots[1], "SI-01"), w.book("eve", slots[1], "SI-01")
	firm.Applicant, firm.For, batch.Units = booking.Organisation, "firm", 3
	for n := 1; n <= 3; n++ {
		batch.Cases = append(batch.Cases, booking.Case{N: n, Person: identity.Key(fmt.Sprintf("case %d", n)), Sealed: []byte{1}, State: booking.CaseOpen})
	}
	ids := map[string]string{}
	for name, r := range map[string]*booking.Book{
		"booked": w.book("ann", slots[0], "SI-01"), "moved": w.book("bea", slots[0], "SI-01"), "cancelled": w.book("cat", slots[0], "SI-01"),
		"organisation": firm, "batch": batch, "displaced": w.book("fay", slots[0], "SI-01"), "stranded": w.book("gus", slots[0], "SI-01"),
	} {
		ids[name] = w.ask(l, r, "").Booking.ID
	}
	w.ask(l, w.move(*w.stored(ids["moved"]), slots[2]), "")
	w.ask(l, w.cancel(*w.stored(ids["cancelled"])), "")
	w.ask(l, w.displace("R2026-1", *w.stored(ids["displaced"]), &slots[2]), "")
	w.ask(l, w.displace("R2026-1", *w.stored(ids["stranded"]), nil), "")
	w.livedDay(l, slots, ids)
	return w.db, ids
}
