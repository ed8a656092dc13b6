package storetest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

var races = []testCase{
	{"acts_at_once_in_the_audit_log", auditRace},
	{"never_oversold", neverOversold},
	{"opposite_moves_do_not_wait_for_each_other", oppositeMoves},
	{"one_person_on_two_lanes", onePerson},
	{"one_key_on_two_lanes", oneKey},
	{"one_booking_cancelled_and_moved_at_once", oneBooking},
	{"a_slot_closed_while_everybody_books_it", closedMeanwhile},
	{"Art14_on_site_numbers_under_load", onSiteRace},
	{"one_floor_for_many_counters", floorRace},
	{"an_hour_missed_on_two_lanes_while_people_come_and_cancel", missedOnTwoLanes},
	{"one_missed_hour_rebooked_on_two_lanes", rebookedOnTwoLanes},
	{"one_booking_displaced_on_two_lanes_and_cancelled", oneDisplacement},
	{"Art20_one_case_worked_by_many", caseRace},
	{"Art16_one_alert_however_many_see_it", alertRace},
	{"Art22_one_letter_about_the_same", paperRace},
}

// raceTime is the most a race may take: a ring of locks would cost a second each time.
const raceTime = 20 * time.Second

// together runs fn on lanes of their own, each in turn with its own source of chance, n times each.
func together(w *world, lanes, n int, fn func(l *store.Lane, lane, round int, rng *rand.Rand)) {
	w.Helper()
	set := make([]*store.Lane, lanes)
	for i := range set {
		set[i] = w.lane()
	}
	began := time.Now()
	var wg sync.WaitGroup
	for i, l := range set {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			for round := range n {
				fn(l, i, round, rng)
			}
		})
	}
	wg.Wait()
	if took := time.Since(began); took > raceTime {
		w.Errorf("took %v", took)
	}
}

// neverOversold lets lanes fight for a few slots of one, two and twenty numbers, with moves and
// cancellations between, and counts again.
func neverOversold(w *world) {
	var slots []booking.Slot
	for i, capacity := range []int{1, 2, 20} {
		for h := range 2 {
			slots = append(slots, w.slot(fmt.Sprint("h", h), 0, 9+i, capacity))
		}
	}
	var accepted, given atomic.Int64
	const lanes, rounds, size = 4, 12, 12
	together(w, lanes, rounds, func(l *store.Lane, lane, round int, rng *rand.Rand) {
		var group []booking.Request
		for i := range size {
			group = append(group, w.book(fmt.Sprintf("p%d-%d-%d", lane, round, i), slots[rng.IntN(len(slots))], "i"))
		}
		out, _ := l.Run(w.ctx, group)
		var next []booking.Request
		for _, o := range out {
			switch {
			case unavailable(o):
				w.Errorf("a caller was failed: %v", o.Fault)
			case o.Fault == nil:
				accepted.Add(1)
				if rng.IntN(2) == 0 {
					next = append(next, w.move(o.Answer.Booking, slots[rng.IntN(len(slots))]))
				} else {
					next = append(next, w.cancel(o.Answer.Booking))
				}
			case o.Fault.Code != fault.SoldOut:
				w.Errorf("refused with %v", o.Fault)
			}
		}
		out, _ = l.Run(w.ctx, next)
		for _, o := range out {
			if unavailable(o) {
				w.Errorf("a caller was failed: %v", o.Fault)
			}
			if o.Fault == nil && o.Answer.Booking.State == booking.Cancelled {
				given.Add(1)
			}
		}
	})
	n := w.counts()
	if int64(n["booking"]) != accepted.Load() || int64(n["taken"]) != accepted.Load()-given.Load() {
		w.Errorf("%d accepted, %d given back; stored: %v", accepted.Load(), given.Load(), n)
	}
	if accepted.Load() < 46 {
		w.Errorf("only %d accepted: this proves nothing", accepted.Load())
	}
	for id, s := range w.live(slots...) {
		if s.Taken > s.Capacity {
			w.Errorf("%s: %d of %d", id, s.Taken, s.Capacity)
		}
	}
	w.healthy()
}

// oppositeMoves moves bookings between two halls, half of the lanes one way and half the other.
func oppositeMoves(w *world) {
	const lanes, people, rounds = 4, 4, 16
	a, b := w.slot("h1", 0, 9, lanes*people), w.slot("h2", 0, 9, lanes*people)
	first := w.lane()
	mine := make([][]booking.Booking, lanes)
	for lane := range lanes {
		for p := range people {
			s := a
			if lane%2 == 1 {
				s = b
			}
			mine[lane] = append(mine[lane], w.ask(first, w.book(fmt.Sprintf("p%d-%d", lane, p), s, "i"), "").Booking)
		}
	}
	var failed atomic.Int64
	together(w, lanes, rounds, func(l *store.Lane, lane, round int, _ *rand.Rand) {
		var group []booking.Request
		for _, m := range mine[lane] {
			to := a
			if m.SlotID == a.ID {
				to = b
			}
			group = append(group, w.move(m, to))
		}
		out, _ := l.Run(w.ctx, group)
		for i, o := range out {
			if o.Fault != nil {
				failed.Add(1)
				w.Errorf("move refused: %v", o.Fault)
				continue
			}
			mine[lane][i] = o.Answer.Booking
		}
	})
	if n := w.counts(); n["taken"] != lanes*people || n["booking"] != lanes*people || n["event"] != lanes*people*(rounds+1) {
		w.Errorf("after the moves: %v", n)
	}
	w.healthy()
}

// onePerson asks for the same hour of one person on every lane: exactly one may have it.
func onePerson(w *world) {
	const lanes, rounds = 3, 12
	var won [rounds]atomic.Int64
	slots := make([][]booking.Slot, rounds)
	for r := range rounds {
		for lane := range lanes {
			slots[r] = append(slots[r], w.slot(fmt.Sprintf("h%d", lane), calendar.Date(r), 9, 5))
		}
	}
	together(w, lanes, rounds, func(l *store.Lane, lane, round int, _ *rand.Rand) {
		out, _ := l.Run(w.ctx, []booking.Request{
			w.book("ann", slots[round][lane], fmt.Sprintf("item%d-%d", round, lane)),
			w.book(fmt.Sprintf("other%d-%d", round, lane), slots[round][lane], "i"),
		})
		switch code := codeOf(out[0]); code {
		case "":
			won[round].Add(1)
		case fault.SameHour:
		default:
			w.Errorf("answer %q: %v", code, out[0].Fault)
		}
		if out[1].Fault != nil {
			w.Errorf("somebody else in the group was refused: %v", out[1].Fault)
		}
	})
	for r := range won {
		if n := won[r].Load(); n != 1 {
			w.Errorf("round %d: %d bookings of one person in one hour", r, n)
		}
	}
	w.healthy()
}

// oneKey sends the same request on every lane: a booking, then its move, then its cancellation. Each is
// done once, and all lanes give the same answer.
func oneKey(w *world) {
	const lanes, rounds = 3, 12
	s, to := w.slot("h1", 0, 9, rounds), w.slot("h2", 0, 9, rounds)
	set := make([]*store.Lane, lanes)
	for i := range set {
		set[i] = w.lane()
	}
	everywhere := func(make func() booking.Request) booking.Booking {
		out := [lanes]booking.Outcome{}
		var wg sync.WaitGroup
		for i, l := range set {
			r := make()
			wg.Go(func() {
				o, _ := l.Run(w.ctx, []booking.Request{r})
				out[i] = o[0]
			})
		}
		wg.Wait()
		done := 0
		for _, o := range out {
			if o.Fault != nil {
				w.Errorf("the same request was refused on another lane: %v", o.Fault)
				continue
			}
			if !o.Answer.Replayed {
				done++
			}
			same(w, "answer", o.Answer.Booking, out[0].Answer.Booking)
		}
		if done != 1 {
			w.Errorf("done %d times", done)
		}
		return out[0].Answer.Booking
	}
	for round := range rounds {
		key := func(kind string) string { return fmt.Sprintf("one-key-%s-%d", kind, round) }
		b := everywhere(func() booking.Request {
			r := w.book(fmt.Sprint("person", round), s, "i")
			r.Key = key("book")
			return r
		})
		if w.Failed() {
			return
		}
		everywhere(func() booking.Request {
			r := w.move(b, to)
			r.Key = key("move")
			return r
		})
		everywhere(func() booking.Request {
			r := w.cancel(b)
			r.Key = key("cancel")
			return r
		})
	}
	if n := w.counts(); n["booking"] != rounds || n["taken"] != 0 || n["event"] != 3*rounds {
		w.Errorf("stored: %v", n)
	}
	w.healthy()
}

// oneBooking is cancelled on one lane and moved on others: the last word is one of them, and what it
// says is true.
func oneBooking(w *world) {
	const lanes, rounds = 3, 12
	from, to := w.slot("h1", 0, 9, rounds), w.slot("h2", 0, 10, rounds)
	first := w.lane()
	var bookings []booking.Booking
	for r := range rounds {
		bookings = append(bookings, w.ask(first, w.book(fmt.Sprint("p", r), from, "i"), "").Booking)
	}
	together(w, lanes, rounds, func(l *store.Lane, lane, round int, _ *rand.Rand) {
		var r booking.Request = w.cancel(bookings[round])
		if lane > 0 {
			r = w.move(bookings[round], to)
		}
		out, _ := l.Run(w.ctx, []booking.Request{r})
		for tries := 0; codeOf(out[0]) == fault.Busy && tries < 5; tries++ { // told to ask again: it changed while it was read
			out, _ = l.Run(w.ctx, []booking.Request{r})
		}
		switch codeOf(out[0]) {
		case "", fault.NotActive, fault.SameSlot:
		default:
			w.Errorf("answer %v", out[0].Fault)
		}
	})
	for _, b := range bookings {
		if got := w.stored(b.ID); got.State != booking.Cancelled {
			w.Errorf("%s ended as %s: the cancellation was lost", b.ID, got.State)
		}
	}
	if n := w.counts()["taken"]; n != 0 {
		w.Errorf("%d numbers still taken", n)
	}
	w.healthy()
}
