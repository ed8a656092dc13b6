package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// displace takes b out of its slot for a request: into a slot, or into none.
func (w *world) displace(request string, b booking.Booking, to *booking.Slot) *booking.Displace {
	r := &booking.Displace{Request: request, Booking: b.ID, Hall: b.HallID, Slot: b.SlotID, Closed: true, Offer: booking.Offer{Rules: atOnce()}}
	if to != nil {
		r.Offer, r.To = offer(*to, b.Item), to.ID
	}
	return r
}

func (w *world) keep(b booking.Booking) *booking.Keep {
	return &booking.Keep{
		Key: fmt.Sprintf("keep-%d", w.ids.Add(1)), Hash: "hash", Who: booking.Who{Key: b.BookerKey, Level: identity.Verified}, Booking: b.ID, Channel: booking.Web,
	}
}

func (w *world) waiting(ids ...string) map[string]*booking.Displacement {
	w.Helper()
	var out map[string]*booking.Displacement
	w.view(func(tx *store.Tx) (err error) {
		out, err = tx.WaitingOf(w.ctx, ids)
		return err
	})
	return out
}

func (w *world) choices(request string) map[string]map[booking.Choice]int {
	w.Helper()
	var out map[string]map[booking.Choice]int
	w.view(func(tx *store.Tx) (err error) {
		out, err = tx.ChoiceCounts(w.ctx, request)
		return err
	})
	return out
}

func displacing(w *world) {
	saveCity(w)
	l := w.lane()
	from, near, far := w.slot("h1", 0, 9, 9), w.slot("h1", 0, 10, 1), w.slot("h2", 1, 9, 9)
	var b []booking.Booking
	for _, who := range []string{"ann", "bea", "cat", "dan"} {
		r := w.book(who, from, "i")
		if who == "dan" {
			r.Applicant, r.For = booking.Other, "mother"
		}
		b = append(b, w.ask(l, r, "").Booking)
	}
	out, states := l.Run(w.ctx, []booking.Request{
		w.displace("R1", b[0], &near), w.displace("R1", b[1], &near), w.displace("R1", b[2], &far), w.displace("R1", b[3], nil),
	})
	w.want(out[0], "")
	w.want(out[1], fault.SoldOut)
	w.want(out[2], "")
	w.want(out[3], "")
	if len(states) != 3 {
		w.Errorf("slots told of: %v", states)
	}
	want := booking.Displacement{
		Booking: b[2].ID, Version: 2, Request: "R1", HallID: "h1", SlotID: from.ID, Date: day, Hour: 9, Closed: true,
		HeldHall: "h2", HeldSlot: far.ID, Until: start.Add(24 * time.Hour).UTC(), State: booking.ChoiceWaiting, At: start.UTC(),
	}
	got := w.waiting(b[0].ID, b[1].ID, b[2].ID, b[3].ID)
	if len(got) != 3 {
		w.Fatalf("%d wait", len(got))
	}
	same(w, "displacement", *got[b[2].ID], want)
	if c := w.stored(b[2].ID); c.State != booking.Displaced || c.HallID != "h2" || c.SlotID != far.ID || c.Version != 2 {
		w.Errorf("displaced to another hall: %+v", c)
	}
	w.healthy()
	// Whoever waits is found by its person, though a stranded one claims nothing of a booker's own.
	for i, who := range []identity.Key{"ann", "dan"} {
		w.view(func(tx *store.Tx) error {
			list, err := tx.ActiveOf(w.ctx, who)
			if len(list) != 1 || list[0].ID != b[i*3].ID {
				w.Errorf("active of %s: %v", who, list)
			}
			return err
		})
	}
	// Who waits comes first, though another hour of theirs is sooner.
	w.ask(l, w.book("dan", w.slot("h3", 0, 8, 1), "j"), "")
	w.view(func(tx *store.Tx) error {
		list, err := tx.ActiveOf(w.ctx, "dan")
		if len(list) != 2 || list[0].ID != b[3].ID {
			w.Errorf("active of dan: %v", list)
		}
		return err
	})
	// Again, and by another request: nothing more.
	before := w.counts()
	w.ask(l, w.displace("R1", b[0], &near), "")
	w.ask(l, w.displace("R2", b[3], &far), "")
	same(w, "rows after displacing again", w.counts(), before)

	w.ask(l, w.keep(*w.stored(b[0].ID)), "")
	w.ask(l, w.cancel(*w.stored(b[2].ID)), "")
	w.ask(l, w.move(*w.stored(b[3].ID), far), "")
	w.ask(l, w.displace("R1", b[1], &far), "")
	same(w, "choices", w.choices("R1"), map[string]map[booking.Choice]int{"h1": {
		booking.ChoiceKept: 1, booking.ChoiceCancelled: 1, booking.ChoiceMoved: 1, booking.ChoiceWaiting: 1,
	}})
	w.view(func(tx *store.Tx) error {
		for _, c := range []struct {
			q    store.DisplacedQuery
			want int
		}{
			{store.DisplacedQuery{Limit: 10}, 4}, {store.DisplacedQuery{State: booking.ChoiceMoved, Limit: 10}, 1}, {store.DisplacedQuery{State: booking.ChoiceLapsed, Limit: 10}, 0},
			{store.DisplacedQuery{Offset: 3, Limit: 10}, 1}, {store.DisplacedQuery{Limit: 2}, 2},
			{store.DisplacedQuery{Scope: account.Scope{Unit: "nowhere"}, Limit: 10}, 0}, {store.DisplacedQuery{Scope: account.Scope{None: true}, Limit: 10}, 0},
		} {
			c.q.Request = "R1"
			list, err := tx.Displaced(w.ctx, c.q)
			if err != nil || len(list) != c.want {
				w.Errorf("%+v: %d displacements, want %d: %v", c.q, len(list), c.want, err)
			}
		}
		last, err := tx.DisplacementOf(w.ctx, "R1", b[3].ID)
		if last == nil || last.State != booking.ChoiceMoved {
			w.Errorf("of dan: %+v", last)
		}
		list, all, err2 := tx.Unchosen(w.ctx, account.Scope{}, "", 0, 10)
		same(w, "unchosen", list, []store.Unchosen{{Request: "R1", HallID: "h1", Waiting: 1, All: 4, Until: start.Add(24 * time.Hour).UTC()}})
		none, _, err3 := tx.Unchosen(w.ctx, account.Scope{District: "nowhere"}, "", 0, 10)
		if all != 1 || len(none) != 0 {
			w.Errorf("%d in all, %v elsewhere", all, none)
		}
		return errors.Join(err, err2, err3)
	})
	w.healthy()
	// Time passes for the second.
	overdue := func() (list []string) {
		w.view(func(tx *store.Tx) (err error) {
			list, err = tx.Overdue(w.ctx, tx.Now, 10)
			return err
		})
		return list
	}
	w.pass(24*time.Hour - time.Microsecond)
	if n := len(overdue()); n != 0 {
		w.Errorf("%d are overdue too early", n)
	}
	w.pass(time.Microsecond)
	same(w, "overdue", overdue(), []string{b[1].ID})
	w.ask(l, &booking.Lapse{Booking: b[1].ID}, "")
	if got := w.stored(b[1].ID); got.State != booking.Cancelled || len(overdue()) != 0 {
		w.Errorf("after its time: %+v", got)
	}
	if live := w.live(from, near, far); live[from.ID].Taken != 0 || live[near.ID].Taken != 1 || live[far.ID].Taken != 1 {
		w.Errorf("slots %+v", live)
	}
	w.healthy()
}

func cutting(w *world) {
	l := w.lane()
	s, other := w.slot("h1", 0, 9, 5), w.slot("h1", 0, 10, 5)
	for _, who := range []string{"ann", "bea", "cat"} {
		w.ask(l, w.book(who, s, "i"), "")
	}
	var told []store.SlotState
	w.update(func(tx *store.Tx) (err error) {
		told, err = tx.CloseSlots(w.ctx, [][2]string{{"h1", s.ID}, {"h1", "gone"}})
		return err
	})
	same(w, "closed", told, []store.SlotState{{HallID: "h1", QueueID: s.QueueID, SlotID: s.ID, Capacity: 5, Taken: 3, Closed: true, Revision: 4}})
	w.ask(l, w.book("dan", s, "i"), fault.SlotClosed)
	cut := func(c ...store.Cut) []store.SlotState {
		w.update(func(tx *store.Tx) (err error) {
			told, err = tx.CutSlots(w.ctx, c, nil)
			return err
		})
		return told
	}
	if got := cut(store.Cut{HallID: "h1", SlotID: s.ID, Capacity: 2}); len(got) != 0 {
		w.Errorf("cut below what is taken: %v", got)
	}
	got := cut(store.Cut{HallID: "h1", SlotID: s.ID, Capacity: 3}, store.Cut{HallID: "h1", SlotID: other.ID, Closed: true})
	if len(got) != 2 {
		w.Errorf("cut: %v", got)
	}
	if got = cut(store.Cut{HallID: "h1", SlotID: s.ID, Capacity: 3}, store.Cut{HallID: "h1", SlotID: other.ID, Closed: true}); len(got) != 0 {
		w.Errorf("cut again: %v", got)
	}
	live := w.live(s, other)
	if a, b := live[s.ID], live[other.ID]; a.Capacity != 3 || a.Closed || b.Capacity != 0 || !b.Closed {
		w.Errorf("slots %+v %+v", a, b)
	}
	w.view(func(tx *store.Tx) error {
		in, err := tx.BookingsIn(w.ctx, [][2]string{{"h1", s.ID}, {"h1", other.ID}})
		if len(in) != 1 || len(in[s.ID]) != 3 {
			w.Errorf("bookings %v", in)
		}
		return err
	})
	w.ask(l, w.book("dan", s, "i"), fault.SoldOut)
	w.healthy()
}

// closedMeanwhile closes a slot while everybody books it: who is in it when it is closed is all there will be.
func closedMeanwhile(w *world) {
	const lanes, rounds = 3, 12
	slots := make([]booking.Slot, rounds)
	for r := range rounds {
		slots[r] = w.slot(fmt.Sprint("h", r), 0, 9, 1000)
	}
	var at atomic.Int64
	var closing sync.WaitGroup
	closing.Go(func() {
		for r := range rounds {
			at.Store(int64(r))
			time.Sleep(3 * time.Millisecond)
			s := slots[r]
			w.update(func(tx *store.Tx) error {
				_, err := tx.CloseSlots(w.ctx, [][2]string{{s.HallID, s.ID}})
				return err
			})
			first := w.live(s)[s.ID].Taken
			time.Sleep(3 * time.Millisecond)
			if again := w.live(s)[s.ID].Taken; again != first {
				w.Errorf("%d were in the slot when it was closed, %d are later", first, again)
			}
		}
		at.Store(rounds)
	})
	together(w, lanes, 1, func(l *store.Lane, lane, _ int, rng *rand.Rand) {
		for n := 0; at.Load() < rounds; n++ {
			s := slots[min(at.Load(), rounds-1)]
			out, _ := l.Run(w.ctx, []booking.Request{w.book(fmt.Sprintf("p%d-%d", lane, n), s, "i")})
			if c := codeOf(out[0]); c != "" && c != fault.SlotClosed {
				w.Errorf("answer %v", out[0].Fault)
			}
		}
	})
	closing.Wait()
	w.healthy()
}

// oneDisplacement displaces the same bookings on several lanes while their people cancel: each leaves its
// slot once, is told of it at most once, and ends as one thing.
func oneDisplacement(w *world) {
	const lanes, rounds = 3, 12
	from, to := w.slot("h1", 0, 9, rounds), w.slot("h2", 0, 10, rounds)
	first := w.lane()
	var list []booking.Booking
	for r := range rounds {
		list = append(list, w.ask(first, w.book(fmt.Sprint("p", r), from, "i"), "").Booking)
	}
	together(w, lanes, rounds, func(l *store.Lane, lane, round int, _ *rand.Rand) {
		var r booking.Request = w.displace("R1", list[round], &to)
		if lane == 0 {
			r = w.cancel(list[round])
		}
		out, _ := l.Run(w.ctx, []booking.Request{r})
		for tries := 0; codeOf(out[0]) == fault.Busy && tries < 5; tries++ {
			out, _ = l.Run(w.ctx, []booking.Request{r})
		}
		if out[0].Fault != nil {
			w.Errorf("answer %v", out[0].Fault)
		}
	})
	n := 0
	for _, counts := range w.choices("R1") {
		n += counts[booking.ChoiceCancelled]
		if counts[booking.ChoiceWaiting] != 0 {
			w.Errorf("%d wait for a choice that was made", counts[booking.ChoiceWaiting])
		}
	}
	for _, b := range list {
		if got := w.stored(b.ID); got.State != booking.Cancelled {
			w.Errorf("%s ended as %s", b.ID, got.State)
		}
	}
	if c := w.counts(); c["taken"] != 0 || c["event"] != 2*rounds+n || c["message"] != c["event"] {
		w.Errorf("%d displaced; stored: %v", n, c)
	}
	w.healthy()
}
