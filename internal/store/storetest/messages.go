package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// claim claims and settles until nothing is due, and returns how often each message was claimed.
func claim(w *world, limit int, lease time.Duration) (rows []store.MessageRow) {
	w.Helper()
	w.update(func(tx *store.Tx) (err error) {
		rows, err = tx.ClaimMessages(w.ctx, tx.Now, limit, tx.Now.Add(lease))
		return err
	})
	return rows
}

func messages(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 5)
	ann := w.ask(l, w.book("ann", s, "SI-01"), "").Booking
	w.pass(time.Second)
	bea := w.ask(l, w.book("bea", s, "SI-01"), "").Booking
	w.pass(time.Second)
	w.ask(l, w.cancel(ann), "")

	first := claim(w, 2, time.Minute)
	if len(first) != 2 || first[0].Booking != ann.ID || first[0].Kind != booking.MessageBooked || first[1].Booking != bea.ID || !first[0].Due.Equal(start) {
		w.Fatalf("claimed %+v, want the two that were due first", first)
	}
	second := claim(w, 2, time.Minute)
	if len(second) != 1 || second[0].Kind != booking.MessageCancelled || second[0].Version != 2 {
		w.Fatalf("claimed %+v, want the one that was left", second)
	}
	if rest := claim(w, 9, time.Minute); len(rest) != 0 {
		w.Fatalf("claimed by two: %+v", rest)
	}
	w.update(func(tx *store.Tx) error {
		return tx.SettleMessages(w.ctx, []store.Settled{
			{Row: first[0], State: store.MessageSent, Receipt: "r1"},
			{Row: first[1], State: store.MessagePending, Again: 10 * time.Second},
		})
	})
	w.pass(10 * time.Second)
	again := claim(w, 9, time.Minute)
	if len(again) != 1 || again[0].Booking != bea.ID || again[0].Attempts != 1 {
		w.Fatalf("claimed %+v, want the one to be tried again", again)
	}
	w.pass(time.Minute) // the claimers of two messages died
	late := claim(w, 9, time.Minute)
	if len(late) != 2 {
		w.Fatalf("claimed %+v, want both messages whose claimers died", late)
	}
	settle := func(state store.MessageState) {
		w.update(func(tx *store.Tx) error {
			return tx.SettleMessages(w.ctx, []store.Settled{{Row: late[0], State: state}, {Row: late[1], State: state}})
		})
	}
	settle(store.MessageSent)
	settle(store.MessageFailed) // of a node that woke up late: sent stays sent
	w.pass(time.Hour)
	if rest := claim(w, 9, time.Minute); len(rest) != 0 {
		w.Fatalf("sent messages came again: %+v", rest)
	}

	var mine []store.MessageRow
	cursor := ""
	for range 3 {
		w.view(func(tx *store.Tx) error {
			page, next, err := tx.MessagesOf(w.ctx, "ann", cursor, 1)
			mine, cursor = append(mine, page...), next
			return err
		})
		if cursor == "" {
			break
		}
	}
	if len(mine) != 2 || mine[0].Kind != booking.MessageCancelled || mine[1].Kind != booking.MessageBooked || cursor != "" {
		w.Errorf("my messages, page by page: %+v", mine)
	}
	for _, m := range mine {
		if m.Booking != ann.ID || m.State != store.MessageSent || m.Sent.IsZero() {
			w.Errorf("my message %+v", m)
		}
	}
	for _, bad := range []string{"x", "_", "zz_", "1_\x00", "1_\xff", "1_" + string(make([]byte, 100)), "999999999999999999999_a", "-_-", "1_a'b"} {
		err := w.db.View(w.ctx, func(tx *store.Tx) error {
			_, _, err := tx.MessagesOf(w.ctx, "ann", bad, 1)
			return err
		})
		if fault.CodeOf(err) != fault.CursorInvalid {
			w.Errorf("cursor %q: %v", bad, err)
		}
	}
}

func messageClaims(w *world) {
	l := w.lane()
	const n = 120
	s := w.slot("h1", 0, 9, n)
	var group []booking.Request
	for i := range n {
		group = append(group, w.book(fmt.Sprint("person", i), s, "SI-01"))
	}
	out, _ := l.Run(w.ctx, group)
	for _, o := range out {
		w.want(o, "")
	}
	w.pass(time.Second)
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	times := map[string]int{}
	deadline := time.Now().Add(10 * time.Second)
	for range 8 {
		wg.Go(func() {
			for {
				var rows []store.MessageRow
				err := w.db.Update(w.ctx, func(tx *store.Tx) (err error) {
					rows, err = tx.ClaimMessages(w.ctx, tx.Now, 7, tx.Now.Add(time.Minute))
					return err
				})
				mu.Lock()
				for _, m := range rows {
					times[m.Ref()]++
				}
				failed = errors.Join(failed, err)
				over := len(times) >= n || failed != nil || time.Now().After(deadline)
				mu.Unlock()
				if over {
					return
				}
			}
		})
	}
	wg.Wait()
	if failed != nil || len(times) != n {
		w.Fatalf("%d of %d messages claimed (%v)", len(times), n, failed)
	}
	for ref, k := range times {
		if k != 1 {
			w.Errorf("%s was claimed %d times", ref, k)
		}
	}
}

func bookingPages(w *world) {
	l := w.lane()
	var want []string
	for i := range 7 {
		s := w.slot(fmt.Sprint("h", i), calendar.Date(i), 9, 1)
		want = append(want, w.ask(l, w.book("ann", s, fmt.Sprint("item", i)), "").Booking.ID)
		w.ask(l, w.book("bea", w.slot(fmt.Sprint("h", i), calendar.Date(i), 10, 1), fmt.Sprint("item", i)), "")
	}
	w.ask(l, w.cancel(*w.stored(want[3])), "")
	slices.Reverse(want)
	var got []string
	before := ""
	for range 10 {
		n := len(got)
		w.view(func(tx *store.Tx) error {
			page, err := tx.BookingsOf(w.ctx, "ann", before, 3)
			for _, b := range page {
				got = append(got, b.ID)
			}
			return err
		})
		if len(got) == n {
			break
		}
		before = got[len(got)-1]
	}
	same(w, "my bookings, newest first, page by page", got, want)
	var active []string
	w.view(func(tx *store.Tx) error {
		list, err := tx.ActiveOf(w.ctx, "ann")
		for _, b := range list {
			active = append(active, b.ID)
		}
		return err
	})
	slices.Reverse(want)
	same(w, "my active bookings, soonest first", active, append(slices.Clone(want[:3]), want[4:]...))
}

func reminders(w *world) {
	l := w.lane()
	s, later := w.slot("h1", 0, 9, 20), w.slot("h1", 1, 9, 20)
	var ids []string
	for i := range 5 {
		ids = append(ids, w.ask(l, w.book(fmt.Sprint("p", i), s, "SI-01"), "").Booking.ID)
	}
	w.ask(l, w.book("other-day", later, "SI-01"), "")
	w.ask(l, w.cancel(*w.stored(ids[0])), "")
	due := func(limit int) (list []booking.Message) {
		after := ""
		for {
			var page []*booking.Booking
			w.view(func(tx *store.Tx) (err error) {
				page, err = tx.BookingsToRemind(w.ctx, day, after, limit)
				return err
			})
			for _, b := range page {
				after = b.ID
				list = append(list, booking.Message{Booking: b.ID, HallID: b.HallID, Version: b.Version, Kind: booking.MessageReminder, Due: start})
			}
			if len(page) < limit {
				return list
			}
		}
	}
	list := due(2)
	if len(list) != 4 || list[0].Booking != ids[1] || list[3].Booking != ids[4] {
		w.Fatalf("to remind: %+v, want the four active bookings of that day in order of id", list)
	}
	remind := func() {
		w.update(func(tx *store.Tx) error { return tx.InsertReminders(w.ctx, list) })
	}
	remind()
	n := w.counts()["message"]
	remind()
	if again := w.counts()["message"]; again != n {
		w.Errorf("reminded twice: %d messages, then %d", n, again)
	}
	if left := due(2); len(left) != 0 {
		w.Errorf("still to remind: %+v", left)
	}
	// Who moves within the day is reminded of the new hour.
	w.ask(l, w.move(*w.stored(ids[1]), w.slot("h1", 0, 10, 20)), "")
	if left := due(2); len(left) != 1 || left[0].Booking != ids[1] || left[0].Version != 2 {
		w.Errorf("to remind after a move: %+v", left)
	}
}

// parts follows messages at a carrier from being handed over to what is reported of them.
func parts(w *world) {
	l := w.lane()
	s := w.slot("h1", 0, 9, 5)
	for _, who := range []string{"ann", "bea", "cid"} {
		w.ask(l, w.book(who, s, "SI-01"), "")
		w.pass(time.Second)
	}
	at := func() time.Time {
		var now time.Time
		w.view(func(tx *store.Tx) error { now = tx.Now; return nil })
		return now
	}
	handed := at()
	rows := claim(w, 9, time.Minute)
	if len(rows) != 3 || !rows[0].Handed.IsZero() {
		w.Fatalf("claimed %+v, want three that nobody had handed over", rows)
	}
	open := func() (out []store.MessageRow) {
		w.view(func(tx *store.Tx) (err error) {
			out, err = tx.HandedMessages(w.ctx, handed.Add(-time.Hour), 9)
			return err
		})
		return out
	}
	if got := open(); len(got) != 3 || !got[0].Handed.Equal(handed) {
		w.Fatalf("handed over: %+v", got)
	}
	w.update(func(tx *store.Tx) error {
		return tx.SettleMessages(w.ctx, []store.Settled{
			{Row: rows[0], State: store.MessageSent, Receipt: "1", Gateway: "g", Tag: "007", Parts: []string{"1", "2"}},
			{Row: rows[1], State: store.MessagePending, Again: time.Minute, Handed: handed},
			{Row: rows[2], State: store.MessagePending, Again: time.Minute},
		})
	})
	if got := open(); len(got) != 1 || got[0].Booking != rows[1].Booking || got[0].Attempts != 0 {
		w.Fatalf("a carrier may have %+v, want the one that was left open", got)
	}
	w.pass(time.Minute)
	again := claim(w, 9, time.Minute)
	if len(again) != 2 || !again[0].Handed.Equal(handed) && !again[1].Handed.Equal(handed) {
		w.Fatalf("claimed again: %+v", again)
	}
	states := func(want ...store.MessageState) {
		w.Helper()
		var got []store.MessageState
		for _, who := range []string{"ann", "bea"} {
			w.view(func(tx *store.Tx) error {
				page, _, err := tx.MessagesOf(w.ctx, identity.Key(who), "", 9)
				for _, m := range page {
					got = append(got, m.State)
				}
				return err
			})
		}
		if !slices.Equal(got, want) {
			w.Errorf("messages are %v, want %v", got, want)
		}
	}
	report := func(id, tag string, of store.MessageRow, state store.PartState) {
		w.update(func(tx *store.Tx) error {
			return tx.KeepReports(w.ctx, []store.SMSPart{{Gateway: "g", ID: id, Tag: tag, Message: of, State: state, Word: "X"}}, map[string]bool{tag: true})
		})
	}
	known := func() (ids map[string]store.MessageRow, tags map[string]store.Tagged) {
		w.view(func(tx *store.Tx) (err error) {
			if ids, err = tx.PartsKnown(w.ctx, "g", []string{"1", "2", "9", "x"}); err == nil {
				tags, err = tx.PartsByTag(w.ctx, "g", []string{"007", "008", ""}, handed)
			}
			return err
		})
		return ids, tags
	}
	ids, tags := known()
	if len(ids) != 2 || ids["2"].Booking != rows[0].Booking || len(tags) != 1 || tags["007"].Message.Kind != booking.MessageBooked || len(tags["007"].IDs) != 2 {
		w.Errorf("known by id %v, by tag %v", ids, tags)
	}
	report("1", "007", rows[0], store.PartArrived)
	states(store.MessageSent, store.MessagePending) // one part is not reported of yet
	report("2", "007", rows[0], store.PartArrived)
	states(store.MessageArrived, store.MessagePending)
	report("2", "007", rows[0], store.PartLost) // the carrier knows better
	states(store.MessageLost, store.MessagePending)
	report("9", "", store.MessageRow{}, store.PartArrived) // of nothing that is known
	report("8", "008", rows[1], store.PartArrived)         // nobody saw its answer
	states(store.MessageLost, store.MessageArrived)
	w.update(func(tx *store.Tx) error { // the answer of the unknown one comes after its report
		return tx.SettleMessages(w.ctx, []store.Settled{{Row: rows[2], State: store.MessageSent, Gateway: "g", Tag: "009", Parts: []string{"9"}}})
	})
	if ids, _ := known(); len(ids) != 3 || ids["9"].Booking != rows[2].Booking {
		w.Errorf("known by id %v", ids)
	}
	w.pass(24 * time.Hour)
	if rest := claim(w, 9, time.Minute); len(rest) != 0 {
		w.Errorf("sent again: %+v", rest)
	}
}
