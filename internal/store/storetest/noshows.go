package storetest

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// still lists who is booked in an hour of day and was not seen.
func (w *world) still(hour int) (ids []string) {
	w.Helper()
	w.view(func(tx *store.Tx) (err error) {
		ids, err = tx.StillBooked(w.ctx, store.Hour{Date: day, Hour: hour})
		return err
	})
	return ids
}

func missing(w *world) {
	l := w.lane()
	nine, ten := w.slot("h1", 0, 9, 5), w.slot("h2", 0, 10, 5)
	w.slot("h1", 1, 9, 5)
	ann := w.ask(l, w.book("ann", nine, "i"), "").Booking
	bea := w.ask(l, w.book("bea", nine, "i"), "").Booking
	cat := w.ask(l, w.book("cat", ten, "i"), "").Booking
	dan := w.ask(l, w.book("dan", nine, "i"), "").Booking
	w.ask(l, w.cancel(bea), "")
	w.ask(l, w.displace("R2026-1", dan, nil), "") // lost its hour: never a no-show
	same(w, "still booked at nine", w.still(9), []string{ann.ID})

	hours := func(from, to time.Time) (out []store.Hour) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			out, err = tx.HoursEnded(w.ctx, from, to)
			return err
		})
		return out
	}
	same(w, "before nine is over", hours(time.Time{}, day.At(9, 0)), []store.Hour(nil))
	same(w, "when nine is over", hours(time.Time{}, day.At(10, 0)), []store.Hour{{Date: day, Hour: 9}})
	same(w, "after an outage of days", hours(day.At(10, 0), (day+3).At(0, 0)), []store.Hour{{Date: day, Hour: 10}, {Date: day + 1, Hour: 9}})
	same(w, "since it was last looked", hours(day.At(10, 0), day.At(11, 0)), []store.Hour{{Date: day, Hour: 10}})

	w.set(day.At(10, 0))
	before := w.counts()
	out, states := l.Run(w.ctx, []booking.Request{
		&booking.Miss{Booking: ann.ID}, &booking.Miss{Booking: ann.ID}, &booking.Miss{Booking: bea.ID}, &booking.Miss{Booking: cat.ID}, &booking.Miss{Booking: dan.ID},
	})
	for i, want := range []booking.State{booking.NoShow, booking.NoShow, booking.Cancelled, booking.Booked, booking.Stranded} {
		w.want(out[i], "")
		if got := out[i].Answer.Booking.State; got != want || out[i].Answer.Replayed == (i == 0) {
			w.Errorf("%d: %s, replayed %t", i, got, out[i].Answer.Replayed)
		}
	}
	if len(states) != 0 || w.live(nine)[nine.ID].Taken != 1 {
		w.Error("the number of a no-show was given back")
	}
	after := w.counts()
	before["claim"] -= 2 // three limits are given back, what happened is recorded
	before["event"]++
	before["message"]++
	same(w, "rows", after, before)
	if b := w.stored(ann.ID); b.State != booking.NoShow || b.Version != 2 || len(w.still(9)) != 0 {
		w.Errorf("%+v", b)
	}
	w.view(func(tx *store.Tx) error {
		for _, c := range []struct {
			who  identity.Key
			want []booking.Fact
		}{
			{"ann", []booking.Fact{{N: 1, Kind: booking.FactNoShow, Booking: ann.ID, At: day.At(10, 0).UTC(), Start: day.At(9, 0).UTC()}}},
			{"bea", []booking.Fact{{N: 1, Kind: booking.FactCancelled, Booking: bea.ID, At: start.UTC(), Start: day.At(9, 0).UTC()}}},
			{"dan", nil},
		} {
			m, err := tx.MarksOf(w.ctx, c.who)
			if err != nil {
				return err
			}
			same(w, "marks of "+string(c.who), m, c.want)
		}
		return nil
	})

	// It is made good once.
	again := w.book("ann", w.slot("h1", 2, 9, 5), "i")
	again.Instead = ann.ID
	w.ask(l, again, "")
	w.view(func(tx *store.Tx) error {
		held, err := tx.ClaimHolders(w.ctx, "ann", []string{booking.RebookName(ann.ID, 1), "none"})
		same(w, "the rebooking", held, map[string]string{booking.RebookName(ann.ID, 1): again.ID})
		return err
	})
	twice := w.book("ann", w.slot("h1", 3, 9, 5), "i")
	twice.Instead = ann.ID
	w.ask(l, twice, fault.RebookUsed)

	w.update(func(tx *store.Tx) error {
		if until, err := tx.MissedUntil(w.ctx); err != nil || !until.IsZero() {
			w.Errorf("looked at until %v, %v", until, err)
		}
		return tx.SetMissedUntil(w.ctx, day.At(10, 0))
	})
	w.update(func(tx *store.Tx) error { return tx.SetMissedUntil(w.ctx, day.At(11, 0)) })
	w.view(func(tx *store.Tx) error {
		until, err := tx.MissedUntil(w.ctx)
		if !until.Equal(day.At(11, 0)) {
			w.Errorf("looked at until %v", until)
		}
		return err
	})
	w.healthy()
}

// missedOnTwoLanes marks an hour on two lanes at once while people are checked in: each ends in one state,
// and each no-show has one event and one message.
func missedOnTwoLanes(w *world) {
	l := w.lane()
	const people = 60
	s := w.slot("h1", 0, 9, people)
	var list []booking.Booking
	for i := range people {
		list = append(list, w.ask(l, w.book("p"+booking.IDOf(uint64(i)), s, "i"), "").Booking)
	}
	w.set(day.At(10, 0))
	var marked, came atomic.Int64
	together(w, 3, 6, func(l *store.Lane, lane, round int, rng *rand.Rand) {
		if lane == 2 {
			for range 4 {
				b := list[rng.IntN(people)]
				saved := false
				if err := w.db.Update(w.ctx, func(tx *store.Tx) error {
					saved = false
					now, err := tx.Booking(w.ctx, b.ID)
					if err != nil || now.State != booking.Booked {
						return err
					}
					arrived, event, refused := now.Arrive(tx.Now, "", booking.Desk)
					if refused != nil {
						return refused
					}
					saved, err = tx.AtHall(w.ctx, arrived, event)
					return err
				}); err != nil {
					w.Error(err)
				}
				if saved {
					came.Add(1)
				}
			}
			return
		}
		var group []booking.Request
		for range 12 {
			group = append(group, &booking.Miss{Booking: list[rng.IntN(people)].ID})
		}
		out, _ := l.Run(w.ctx, group)
		for _, o := range out {
			switch {
			case o.Fault != nil:
				w.Errorf("not marked: %v", o.Fault)
			case !o.Answer.Replayed:
				marked.Add(1)
			}
		}
	})
	states := map[booking.State]int{}
	for _, b := range list {
		states[w.stored(b.ID).State]++
		w.view(func(tx *store.Tx) error {
			events, err := tx.Events(w.ctx, b.ID)
			if len(events) > 2 {
				w.Errorf("history %+v", events)
			}
			return err
		})
	}
	if int64(states[booking.NoShow]) != marked.Load() || int64(states[booking.Arrived]) != came.Load() || states[booking.NoShow] == 0 {
		w.Errorf("%v, but %d marked and %d came", states, marked.Load(), came.Load())
	}
	same(w, "messages", w.counts()["message"], people+states[booking.NoShow])
}

func rebookedOnTwoLanes(w *world) {
	l := w.lane()
	b := w.ask(l, w.book("ann", w.slot("h1", 0, 9, 1), "i"), "").Booking
	w.set(day.At(10, 0))
	w.ask(l, &booking.Miss{Booking: b.ID}, "")
	slots := []booking.Slot{w.slot("h1", 1, 9, 50), w.slot("h2", 2, 10, 50)}
	var got, used atomic.Int64
	together(w, 2, 8, func(l *store.Lane, lane, round int, rng *rand.Rand) {
		r := w.book("ann", slots[lane], "i")
		r.Instead = b.ID
		out, _ := l.Run(w.ctx, []booking.Request{r})
		switch codeOf(out[0]) {
		case "":
			got.Add(1)
		case fault.RebookUsed:
			used.Add(1)
		default:
			w.Errorf("%v", out[0].Fault)
		}
	})
	if got.Load() != 1 || used.Load() != 15 {
		w.Errorf("rebooked %d times, refused %d times", got.Load(), used.Load())
	}
	w.healthy()
}

func appeals(w *world) {
	saveCity(w)
	add := func(id, hall string) bool {
		w.Helper()
		added := false
		w.update(func(tx *store.Tx) (err error) {
			added, err = tx.AddAppeal(w.ctx, store.Appeal{Booking: id, HallID: hall, Sealed: []byte{1, 0, 2}})
			return err
		})
		return added
	}
	if !add("00000001", "h1") || add("00000001", "h1") {
		w.Error("one appeal a booking")
	}
	w.pass(time.Minute)
	add("00000002", "h2")
	w.pass(time.Minute)
	add("00000003", "h1")
	list := func(q store.AppealQuery) (ids []string) {
		w.Helper()
		q.Limit = 10
		w.view(func(tx *store.Tx) error {
			ids = nil
			found, all, err := tx.Appeals(w.ctx, q)
			if all != len(found) {
				w.Errorf("%d of %d", len(found), all)
			}
			for _, p := range found {
				ids = append(ids, p.Booking)
			}
			return err
		})
		return ids
	}
	same(w, "all", list(store.AppealQuery{}), []string{"00000001", "00000002", "00000003"})
	same(w, "of nobody", list(store.AppealQuery{Scope: account.Scope{None: true}}), []string(nil))
	decide := func(s store.AppealState, why string, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			done, err := tx.DecideAppeal(w.ctx, "00000001", s, "P-1", why)
			if done != want {
				w.Errorf("decided %t, want %t", done, want)
			}
			return err
		})
	}
	decide(store.AppealRefused, "no proof", true)
	decide(store.AppealUpheld, "", false)
	same(w, "waiting first", list(store.AppealQuery{Hall: "h1"}), []string{"00000003", "00000001"})
	same(w, "refused", list(store.AppealQuery{State: store.AppealRefused}), []string{"00000001"})
	w.view(func(tx *store.Tx) error {
		p, err := tx.Appeal(w.ctx, "00000001")
		same(w, "decided", *p, store.Appeal{Booking: "00000001", HallID: "h1", At: start.UTC(), Sealed: []byte{1, 0, 2}, State: store.AppealRefused,
			DecidedBy: "P-1", DecidedAt: start.Add(2 * time.Minute).UTC(), Why: "no proof"})
		if none, err := tx.Appeal(w.ctx, "00000009"); none != nil || err != nil {
			w.Errorf("an appeal of nobody: %+v, %v", none, err)
		}
		return err
	})
}

func evaluations(w *world) {
	saveCity(w)
	e := counter.Evaluation{
		ID: "case000000000001", HallID: "h1", Ticket: "ticket0000000001", QueueID: "h1-general", Item: "i", Counter: "h1-c1", At: start.UTC(), Date: calendar.DateOf(start),
		Grade: 2, Reasons: []counter.Reason{"waited_long", "unkind"}, Sealed: []byte{0, 1}, Channel: counter.EvaluatedByPhone, State: counter.CaseOpen, Due: calendar.DateOf(start) + 5, Version: 1,
	}
	good, other := e, e
	good.ID, good.Ticket, good.Grade, good.Reasons, good.Sealed, good.State, good.Due = "case000000000002", "ticket0000000002", 5, nil, []byte{}, counter.CaseNone, 0
	other.ID, other.Ticket, other.HallID, other.QueueID, other.Grade, other.Due = "case000000000003", "ticket0000000003", "h2", "h2-general", 1, e.Due-1
	twice := e
	twice.ID, twice.Grade = "case000000000004", 5
	for _, v := range []struct {
		e    counter.Evaluation
		want bool
	}{{e, true}, {good, true}, {other, true}, {twice, false}} { // one a ticket
		w.update(func(tx *store.Tx) error {
			added, err := tx.AddEvaluation(w.ctx, &v.e)
			if added != v.want {
				w.Errorf("%s added: %t", v.e.ID, added)
			}
			return err
		})
	}
	read := func() (got counter.Evaluation) {
		w.Helper()
		w.view(func(tx *store.Tx) error {
			v, err := tx.Evaluation(w.ctx, e.ID)
			if v != nil {
				got = *v
			}
			return err
		})
		return got
	}
	same(w, "as given", read(), e)
	list := func(q store.CaseQuery) (ids []string) {
		w.Helper()
		q.Limit = 10
		w.view(func(tx *store.Tx) error {
			ids = nil
			found, all, err := tx.Cases(w.ctx, q)
			if all != len(found) {
				w.Errorf("%d of %d", len(found), all)
			}
			for _, v := range found {
				ids = append(ids, v.ID)
			}
			return err
		})
		return ids
	}
	same(w, "cases, soonest due first", list(store.CaseQuery{}), []string{other.ID, e.ID})
	same(w, "overdue", list(store.CaseQuery{Overdue: e.Due}), []string{other.ID})
	same(w, "of a hall", list(store.CaseQuery{Hall: "h1"}), []string{e.ID})
	same(w, "of nobody", list(store.CaseQuery{Scope: account.Scope{None: true}}), []string(nil))
	was := read()
	answered, refused := was.Reply(w.now(), "D-1", "we are sorry")
	if refused != nil {
		w.Fatal(refused)
	}
	for _, want := range []bool{true, false} { // by one of two who answer at once
		w.update(func(tx *store.Tx) error {
			saved, err := tx.SaveEvaluation(w.ctx, answered)
			if saved != want {
				w.Errorf("saved %t, want %t", saved, want)
			}
			return err
		})
	}
	same(w, "answered", read(), *answered)
	same(w, "answered after those open", list(store.CaseQuery{}), []string{other.ID, e.ID})
	same(w, "none overdue once answered", list(store.CaseQuery{Hall: "h1", Overdue: e.Due + 9}), []string(nil))
	closed, refused := answered.CallBack(w.now(), counter.EvaluationRules{}, nil, "D-1", counter.Accepts)
	if refused != nil {
		w.Fatal(refused)
	}
	w.update(func(tx *store.Tx) error {
		_, err := tx.SaveEvaluation(w.ctx, closed)
		return err
	})
	same(w, "closed", read(), *closed)
	w.view(func(tx *store.Tx) error {
		n, err := tx.GradesIn(w.ctx, account.Scope{}, "", e.Date, e.Date+1)
		same(w, "grades", n, []store.GradeCount{
			{HallID: "h1", QueueID: "h1-general", Grade: 5, N: 1}, {HallID: "h1", QueueID: "h1-general", Grade: 2, N: 1}, {HallID: "h2", QueueID: "h2-general", Grade: 1, N: 1, Open: 1},
		})
		if err != nil {
			return err
		}
		none, err := tx.GradesIn(w.ctx, account.Scope{}, "h1", e.Date+1, e.Date+2)
		same(w, "of another day", none, []store.GradeCount(nil))
		if err != nil {
			return err
		}
		reasons, err := tx.ReasonsIn(w.ctx, "h1", e.Date, e.Date+1)
		same(w, "reasons", reasons, map[counter.Reason]int{"waited_long": 1, "unkind": 1})
		if v, err := tx.EvaluationOf(w.ctx, "h1", "ticket0000000009"); v != nil || err != nil {
			w.Errorf("%+v %v", v, err)
		}
		return err
	})
}
