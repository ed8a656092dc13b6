package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/waitlist"
	"suiyue/internal/store"
)

// alerts holds what a queue's alert is kept as: one stands at a time, and who is late is told so.
func alerts(w *world) {
	units, halls, queues, items, offerings := city()
	w.update(func(tx *store.Tx) error {
		for _, step := range []func() error{
			func() error { return tx.SaveUnits(w.ctx, units) }, func() error { return tx.SaveHalls(w.ctx, halls) }, func() error { return tx.SaveQueues(w.ctx, queues) },
			func() error { return tx.SaveItems(w.ctx, items) }, func() error { return tx.SaveOfferings(w.ctx, offerings) },
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	var first waitlist.Alert
	add := func(id, queue string, want bool) (a waitlist.Alert) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			a = waitlist.NewAlert(id, "h1", queue, 8, 7, tx.Now)
			added, err := tx.AddAlert(w.ctx, a)
			if added != want {
				w.Errorf("alert %s of %s added: %t", id, queue, added)
			}
			return err
		})
		return a
	}
	one := func(id string) (a *waitlist.Alert) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			a, err = tx.Alert(w.ctx, id)
			return err
		})
		return a
	}
	save := func(a waitlist.Alert, was int, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			saved, err := tx.SaveAlert(w.ctx, a, was)
			if saved != want {
				w.Errorf("alert %s saved over version %d: %t", a.ID, was, saved)
			}
			return err
		})
	}
	first = add("a1", "h1-general", true)
	add("a2", "h1-general", false) // it stands
	same(w, "read again", one("a1"), &first)
	if one("a2") != nil || one("gone") != nil {
		w.Error("an alert that was never added is there")
	}
	other := add("a3", "h1-tax", true)
	w.pass(time.Hour)
	taken := first.See(9, 7, w.now()).Acknowledge("somebody", w.now())
	save(taken, first.Version, true)
	save(first.See(10, 7, w.now()), first.Version, false) // decided on what is no longer so
	if a := one("a1"); a.Waiting != 9 || a.Most != 9 || a.AckBy != "somebody" || !a.AckAt.Equal(w.now()) || !a.NextAt.IsZero() || a.Version != taken.Version {
		w.Errorf("acknowledged: %+v", a)
	}
	list := func() (out []string) {
		w.Helper()
		w.view(func(tx *store.Tx) error {
			all, err := tx.OpenAlerts(w.ctx)
			for _, a := range all {
				out = append(out, a.ID)
			}
			return err
		})
		return out
	}
	same(w, "those that stand", list(), []string{"a1", "a3"})
	over := taken.See(3, 7, w.now())
	save(over, taken.Version, true)
	same(w, "those that stand", list(), []string{"a3"})
	w.pass(time.Hour)
	add("a4", "h1-general", true) // another time
	page := func(scope account.Scope, standing bool, offset, limit int) (ids []string, all int) {
		w.Helper()
		w.view(func(tx *store.Tx) error {
			found, n, err := tx.Alerts(w.ctx, store.AlertQuery{Scope: scope, Standing: standing, Offset: offset, Limit: limit})
			all = n
			for _, a := range found {
				ids = append(ids, a.ID)
			}
			return err
		})
		return ids, all
	}
	everywhere := account.Scope{}
	ids, all := page(everywhere, false, 0, 10)
	same(w, "standing ones first, the newest in front", ids, []string{"a4", other.ID, "a1"})
	same(w, "how many", all, 3)
	ids, all = page(everywhere, true, 0, 1)
	same(w, "a page of those that stand", fmt.Sprint(ids, all), "[a4] 2")
	ids, _ = page(account.Scope{None: true}, false, 0, 10)
	same(w, "of nobody's halls", len(ids), 0)
}

// waitingUnits counts a line in units, not in entries, and who took the online way since.
func waitingUnits(w *world) {
	s, t := w.slot("h1", 0, 9, 2), w.slot("h2", 0, 9, 2)
	w.join("ann", s, 1)
	w.join("bea", s, 3)
	gone := w.join("cat", s, 2)
	w.join("dan", t, 1)
	here, there := booking.WaitLine{HallID: s.HallID, QueueID: s.QueueID}, booking.WaitLine{HallID: t.HallID, QueueID: t.QueueID}
	count := func(l booking.WaitLine, since time.Time) (waiting, online int) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			if waiting, err = tx.WaitingUnitsIn(w.ctx, l); err != nil {
				return err
			}
			online, err = tx.WentOnline(w.ctx, l, since)
			return err
		})
		return waiting, online
	}
	if n, _ := count(here, w.now()); n != 6 {
		w.Errorf("%d units wait, want 6", n)
	}
	w.pass(time.Minute)
	w.update(func(tx *store.Tx) error {
		_, err := tx.SaveWait(w.ctx, gone.End(booking.WaitOnline, tx.Now), gone.Version)
		return err
	})
	if n, online := count(here, w.now()); n != 4 || online != 1 {
		w.Errorf("%d units wait, %d took the online way; want 4 and 1", n, online)
	}
	if _, online := count(here, w.now().Add(time.Second)); online != 0 {
		w.Errorf("%d took the online way since", online)
	}
	w.view(func(tx *store.Tx) error {
		lines, err := tx.WaitingUnits(w.ctx)
		same(w, "all lines", lines, map[booking.WaitLine]int{here: 4, there: 1})
		return err
	})
}

// alertRace: however many see at once that a queue is pressed, it is alerted once.
func alertRace(w *world) {
	var added atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if err := w.db.Update(w.ctx, func(tx *store.Tx) error {
				ok, err := tx.AddAlert(w.ctx, waitlist.NewAlert(fmt.Sprint("a", i), "h1", "h1-general", 8, 7, tx.Now))
				if ok {
					added.Add(1)
				}
				return err
			}); err != nil {
				w.Error(err)
			}
		})
	}
	wg.Wait()
	w.view(func(tx *store.Tx) error {
		open, err := tx.OpenAlerts(w.ctx)
		if added.Load() != 1 || len(open) != 1 {
			w.Errorf("%d added, %d stand; want one", added.Load(), len(open))
		}
		return err
	})
}

// alertsWalked: a file of alerts is read from the newest number on, each once, those of other halls left out.
func alertsWalked(w *world) {
	saveCity(w)
	for i, at := range [][2]string{{"h1", "h1-general"}, {"h2", "h2-general"}, {"h1", "h1-other"}, {"h1", "h1-third"}} {
		w.update(func(tx *store.Tx) error {
			_, err := tx.AddAlert(w.ctx, waitlist.NewAlert(fmt.Sprintf("A2026-00000%d", i+1), at[0], at[1], 8+i, 7, tx.Now))
			return err
		})
	}
	for under, want := range map[string][]string{"": {"A2026-000004", "A2026-000003", "A2026-000002", "A2026-000001"}, "h1": {"A2026-000004", "A2026-000003", "A2026-000001"}} {
		for _, size := range []int{1, 2, 9} {
			var got []string
			w.view(func(tx *store.Tx) error {
				for walk := (store.Walk{Size: size}); ; {
					list, _, err := tx.Alerts(w.ctx, store.AlertQuery{Scope: account.Scope{}, Under: store.Under{Hall: under}, Standing: true, Walk: &walk})
					for _, a := range list {
						got = append(got, a.ID)
					}
					if err != nil || len(list) < size || len(got) > 9 {
						return err
					}
					walk.Before = list[len(list)-1].ID
				}
			})
			same(w, fmt.Sprintf("under %q by %d", under, size), got, want)
		}
	}
}
