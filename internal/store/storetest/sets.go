package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/store"
)

// setTime is the most one set statement of 1,000 rows may take. Run as nested loops it takes minutes.
const setTime = 8 * time.Second

// sets runs every statement that takes a set with none, one, two and a thousand rows.
func sets(w *world) {
	timed := func(name string, n int, fn func(*store.Tx) error) {
		w.Helper()
		began := time.Now()
		if err := w.db.Update(w.ctx, fn); err != nil {
			w.Fatalf("%s of %d: %v", name, n, err)
		}
		if took := time.Since(began); took > setTime {
			w.Errorf("%s of %d took %v", name, n, took)
		}
	}
	l := w.lane()
	for at, n := range []int{0, 1, 2, 1000} {
		var units []directory.Unit
		var halls []directory.Hall
		var queues []directory.Queue
		var items []directory.Item
		var offerings []directory.Offering
		var days []calendar.Day
		var slots []booking.Slot
		var refs [][2]string
		var keys [][]string
		seen := map[string]time.Time{}
		for i := range n {
			id := fmt.Sprintf("%d-%04d", at, i)
			units = append(units, directory.Unit{ID: id})
			halls = append(halls, directory.Hall{ID: id, UnitID: id, Number: at*10_000 + i, Open: true})
			queues = append(queues, directory.Queue{ID: id, HallID: id, Open: true})
			items = append(items, directory.Item{Code: id})
			offerings = append(offerings, directory.Offering{HallID: id, ItemCode: id, QueueID: id})
			days = append(days, calendar.Day{Date: calendar.MakeDate(2030+10*at, 1, 1+i), Kind: calendar.Off})
			s := slotOf("hall"+id, 0, 9, 5)
			slots = append(slots, s)
			refs = append(refs, [2]string{s.HallID, s.ID})
			keys = append(keys, []string{id})
			seen["token"+id] = start.Add(time.Hour)
		}
		timed("SaveUnits", n, func(tx *store.Tx) error { return tx.SaveUnits(w.ctx, units) })
		timed("SaveHalls", n, func(tx *store.Tx) error { return tx.SaveHalls(w.ctx, halls) })
		timed("SaveQueues", n, func(tx *store.Tx) error { return tx.SaveQueues(w.ctx, queues) })
		timed("SaveItems", n, func(tx *store.Tx) error { return tx.SaveItems(w.ctx, items) })
		timed("SaveOfferings", n, func(tx *store.Tx) error { return tx.SaveOfferings(w.ctx, offerings) })
		timed("SaveCalendar", n, func(tx *store.Tx) error { return tx.SaveCalendar(w.ctx, days, nil) })
		timed("AddSlots", n, func(tx *store.Tx) error {
			added, err := tx.AddSlots(w.ctx, slots)
			if added != n {
				return errors.Join(err, fmt.Errorf("%d added", added))
			}
			return err
		})
		timed("SlotsByID", n, func(tx *store.Tx) error {
			found := 0
			err := tx.SlotsByID(w.ctx, append(refs, [2]string{"no", "slot"}), func(store.LiveSlot) { found++ })
			if found != n {
				return errors.Join(err, fmt.Errorf("%d found", found))
			}
			return err
		})
		timed("Close", n, func(tx *store.Tx) error { return tx.Close(w.ctx, store.Units, keys) })
		timed("TouchSessions", n, func(tx *store.Tx) error {
			for hash := range seen {
				if err := tx.SaveSession(w.ctx, store.Session{TokenHash: hash, ID: hash, Sealed: []byte{}, SeenAt: start}); err != nil {
					return err
				}
			}
			return nil
		})
		timed("TouchSessions", n, func(tx *store.Tx) error { return tx.TouchSessions(w.ctx, seen) })

		// The lane: all of them in one group, then moved, then cancelled.
		states := group(w, l, n, func(i int) booking.Request { return w.book(fmt.Sprint("person", at, "-", i), slots[i], "item") })
		if len(states) != n {
			w.Errorf("%d of %d slots were told of", len(states), n)
		}
		timed("UnitsIn", n, func(tx *store.Tx) error {
			units, err := tx.UnitsIn(w.ctx, refs)
			if units != n {
				return errors.Join(err, fmt.Errorf("%d units", units))
			}
			return err
		})
		var reminders []booking.Message
		var rows []store.MessageRow
		timed("ClaimMessages", n, func(tx *store.Tx) (err error) {
			rows, err = tx.ClaimMessages(w.ctx, tx.Now, n, tx.Now.Add(time.Hour))
			if len(rows) != n {
				return errors.Join(err, fmt.Errorf("%d claimed", len(rows)))
			}
			return err
		})
		var settled []store.Settled
		for _, m := range rows {
			settled = append(settled, store.Settled{Row: m, State: store.MessageSent})
			m.Kind = booking.MessageReminder
			reminders = append(reminders, m.Message)
		}
		timed("SettleMessages", n, func(tx *store.Tx) error { return tx.SettleMessages(w.ctx, settled) })
		timed("InsertReminders", n, func(tx *store.Tx) error { return tx.InsertReminders(w.ctx, reminders) })
		timed("SettleMessages", n, func(tx *store.Tx) error {
			for i := range settled {
				settled[i].Row.Kind = booking.MessageReminder
			}
			return tx.SettleMessages(w.ctx, settled)
		})

		var next []booking.Slot
		for i := range n {
			next = append(next, slotOf(fmt.Sprintf("next%d-%d", at, i/2), 1, 9+i%2, 5))
		}
		timed("AddSlots", n, func(tx *store.Tx) error {
			_, err := tx.AddSlots(w.ctx, next)
			return err
		})
		group(w, l, n, func(i int) booking.Request { return w.move(*w.stored(rows[i].Booking), next[i]) })
		group(w, l, n, func(i int) booking.Request { return w.cancel(*w.stored(rows[i].Booking)) })
		w.update(func(tx *store.Tx) error { // what moves and cancellations have to tell is not of the next round
			rows, err := tx.ClaimMessages(w.ctx, tx.Now, 10_000, tx.Now.Add(time.Hour))
			if len(rows) != 2*n {
				return errors.Join(err, fmt.Errorf("%d messages of %d moves and cancellations", len(rows), n))
			}
			return err
		})
	}
	if n := w.counts(); n["taken"] != 0 || n["booking"] != 1003 || n["event"] != 3*1003 || n["claim"] != 4*1003 { // three keys each, and what is recorded
		w.Errorf("all were cancelled: %v", n)
	}
	w.healthy()
}

// group runs n requests as one and wants yes to all of them.
func group(w *world, l *store.Lane, n int, make func(int) booking.Request) []store.SlotState {
	w.Helper()
	list := []booking.Request{}
	for i := range n {
		list = append(list, make(i))
	}
	began := time.Now()
	out, states := l.Run(w.ctx, list)
	if took := time.Since(began); took > setTime {
		w.Errorf("a group of %d took %v", n, took)
	}
	for _, o := range out {
		w.want(o, "")
	}
	return states
}

// contexts: what is called off in the middle leaves nothing, and the database goes on.
func contexts(w *world) {
	slots := make([]booking.Slot, 40_000)
	for i := range slots {
		slots[i] = slotOf(fmt.Sprintf("h%05d", i), 0, 9, 1)
	}
	cut := 0
	for try := range 8 {
		ctx, cancel := context.WithTimeout(w.ctx, time.Duration(1<<try)*4*time.Millisecond)
		began := time.Now()
		err := w.db.Update(ctx, func(tx *store.Tx) error {
			if _, err := tx.AddSlots(ctx, slots); err != nil {
				return err
			}
			<-ctx.Done() // a statement that was quick enough is followed by a commit that comes too late
			return ctx.Err()
		})
		late := time.Since(began)
		cancel()
		if err == nil {
			w.Fatal("committed after its time was over")
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			w.Logf("called off with %v", err)
		}
		if late > 3*time.Second {
			w.Errorf("called off after %v only", late)
		}
		cut++
	}
	if n := w.counts()["slot"]; n != 0 {
		w.Errorf("%d slots were left by what was called off", n)
	}
	w.update(func(tx *store.Tx) error {
		_, err := tx.AddSlots(w.ctx, slots[:10])
		return err
	})

	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	l := w.lane()
	before := w.counts()
	out, _ := l.Run(ctx, []booking.Request{w.book("ann", slots[0], "SI-01")})
	if !unavailable(out[0]) {
		w.Errorf("a lane without time answered %+v", out[0])
	}
	same(w, "rows after it", w.counts(), before)
	w.ask(l, w.book("ann", slots[0], "SI-01"), "") // the lane is not broken by it
}
