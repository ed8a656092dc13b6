package storetest

import (
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// openDays holds that a day is frozen once, and which days are to be: those counted and settled.
func openDays(w *world) {
	saveCity(w)
	root := "440100000000"
	rows := make([]oversight.Row, 4)
	for i := range rows {
		rows[i] = figureRow(oversight.OfUnit, root, oversight.SpanDay, (day + calendar.Date(i)).String(), 1, w)
	}
	due := func(limit int, want ...calendar.Date) {
		w.Helper()
		w.view(func(tx *store.Tx) error {
			got, err := tx.DaysToOpen(w.ctx, day, day+3, limit)
			same(w, "days to open", got, want)
			return err
		})
	}
	w.update(func(tx *store.Tx) error {
		if err := tx.PutFigures(w.ctx, rows); err != nil {
			return err
		}
		return tx.MarkFigures(w.ctx, []oversight.HallDay{{HallID: "h1", Date: day + 3}})
	})
	due(2, day+2, day+1) // the last waits to be counted
	one := store.OpenDay{Date: day + 2, MadeAt: w.now(), Least: 5, Halls: 2, Lines: 9, Bytes: 300, Digest: "abc", Body: []byte{1, 2, 0, 3}}
	add := func(d store.OpenDay, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			added, err := tx.AddOpenDay(w.ctx, d)
			if added != want {
				w.Errorf("freezing %v: %v, want %v", d.Date, added, want)
			}
			return err
		})
	}
	add(one, true)
	other := one
	other.Body, other.Digest = []byte{9}, "xyz"
	add(other, false)
	due(9, day+1, day)
	w.view(func(tx *store.Tx) error {
		got, err := tx.OpenDay(w.ctx, day+2)
		if err != nil {
			return err
		}
		same(w, "the frozen day", got, &one)
		if none, err := tx.OpenDay(w.ctx, day); err != nil || none != nil {
			w.Errorf("a day that is not frozen: %v, %v", none, err)
		}
		bare := one
		bare.Body = nil
		list, err := tx.OpenDays(w.ctx, day+9, 5)
		same(w, "the list", list, []store.OpenDay{bare})
		if err == nil {
			list, err = tx.OpenDays(w.ctx, day+2, 5)
			same(w, "before the first", len(list), 0)
		}
		return err
	})
}

// numberChanges holds that changes are told the latest first, with what lay below them.
func numberChanges(w *world) {
	saveCity(w)
	change := func(total int) supply.Change {
		return supply.Change{Kind: supply.Capacity, From: day, Total: total, Source: "filed"}
	}
	for i, q := range [][2]string{{"h1", "h1-general"}, {"h2", "h2-general"}, {"h1", "h1-general"}} {
		r := supply.Request{ID: "R2026-00000" + string(rune('1'+i)), HallID: q[0], QueueID: q[1], Origin: supply.Asked, State: supply.Done, FiledAt: w.now(), DueAt: w.now(), Change: change(10 * (i + 1)), Urgent: i == 2, Version: 1}
		w.update(func(tx *store.Tx) error {
			if err := tx.AddRequest(w.ctx, r); err != nil {
				return err
			}
			return tx.AddAdjustments(w.ctx, r.ID, [][2]string{q}, r.Change)
		})
	}
	totals := func(list []store.NumberChange) (out []int) {
		for _, n := range list {
			out = append(out, n.Change.Total)
		}
		return out
	}
	w.view(func(tx *store.Tx) error {
		all, err := tx.NumberChanges(w.ctx, "", 0, 2)
		if err != nil {
			return err
		}
		same(w, "the latest two", totals(all), []int{30, 20})
		if !all[0].Urgent || all[1].Urgent {
			w.Errorf("urgent is the third one: %+v", all)
		}
		rest, err := tx.NumberChanges(w.ctx, "", all[1].Seq, 2)
		if err != nil {
			return err
		}
		same(w, "the rest", totals(rest), []int{10})
		here, err := tx.NumberChanges(w.ctx, "h2", 0, 9)
		if err != nil {
			return err
		}
		same(w, "of one hall", totals(here), []int{20})
		laid, err := tx.LaidOverQueues(w.ctx, []string{"h1-general"})
		if err != nil {
			return err
		}
		if l := laid["h1-general"]; len(l) != 2 || l[0].Change.Total != 10 || l[1].Seq != all[0].Seq {
			w.Errorf("laid over the queue: %+v", laid)
		}
		return nil
	})
}

// editsInOrder holds that edits are told the latest revision first, each once, without what the directory was first filled with.
func editsInOrder(w *world) {
	write := func(account string, changes ...store.DirectoryChange) {
		w.update(func(tx *store.Tx) error {
			revision, err := tx.NextRevision(w.ctx)
			if err != nil {
				return err
			}
			return tx.SaveVersions(w.ctx, revision, account, changes)
		})
	}
	of := func(noun directory.Noun, key, hall string) store.DirectoryChange {
		return store.DirectoryChange{Noun: noun, Key: key, Hall: hall, After: directory.Fields{"open": "yes"}}
	}
	write("", of(directory.HallNoun, "h1", "h1"), of(directory.HallNoun, "h2", "h2"), of(directory.ItemNoun, "I", ""))
	closed := of(directory.QueueNoun, "h1-q", "h1")
	closed.Before, closed.After = closed.After, directory.Fields{"open": "no"}
	write("A1", closed, of(directory.OfferingNoun, "h1 I h1-q", "h1"), of(directory.CounterNoun, "h1 1", "h1"), of(directory.UnitNoun, "u", ""))
	w.pass(time.Minute)
	write("", of(directory.ItemNoun, "I", ""), of(directory.HallNoun, "h2", "h2"))
	walk := func(hall string, limit int) (keys []string) {
		w.view(func(tx *store.Tx) error {
			for at := (store.EditPlace{}); ; {
				list, err := tx.EditedAfter(w.ctx, hall, at, limit)
				for _, v := range list {
					keys = append(keys, v.Key)
				}
				if err != nil || len(list) == 0 || len(keys) > 9 {
					return err
				}
				at = list[len(list)-1].Place()
			}
		})
		return keys
	}
	all := []string{"h2", "I", "h1 I h1-q", "h1-q"}
	same(w, "all at once", walk("", 9), all)
	same(w, "one by one", walk("", 1), all)
	same(w, "of one hall", walk("h1", 1), all[2:])
	w.view(func(tx *store.Tx) error {
		list, err := tx.EditedAfter(w.ctx, "h1", store.EditPlace{}, 9)
		if err != nil || len(list) != 2 || list[1].Before["open"] != "yes" || list[1].After["open"] != "no" || list[1].Account != "A1" || !list[1].At.Equal(w.now().Add(-time.Minute)) {
			w.Errorf("told are %+v: %v", list, err)
		}
		return err
	})
}
