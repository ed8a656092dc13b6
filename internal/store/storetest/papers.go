package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

var (
	citySeat   = account.Seat{Unit: "root", Kind: directory.Platform}
	districtAt = account.Seat{Unit: "d1", Kind: directory.District, District: "d1"}
	streetAt   = account.Seat{Unit: "s1", Kind: directory.Street, District: "d1", Street: "s1"}
)

// bulletins holds that what is issued is never changed, and that there is one of each version (Art. 21).
func bulletins(w *world) {
	content := oversight.Frozen{Unit: directory.Text{Hans: "市"}, Named: oversight.Formulas()}
	content.Now.Count(oversight.Booked, 7)
	content.Now.Lasted(oversight.WaitBooked, 5, 3)
	draft := oversight.NewBulletin(citySeat, "2026-10", 1, content, "", w.now())
	add := func(b oversight.Bulletin, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			added, err := tx.AddBulletin(w.ctx, b)
			if added != want {
				w.Errorf("bulletin %s added: %t", b.ID, added)
			}
			return err
		})
	}
	read := func(id string) (b *oversight.Bulletin) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			b, err = tx.Bulletin(w.ctx, id)
			return err
		})
		return b
	}
	save := func(b oversight.Bulletin, was int, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			saved, err := tx.SaveBulletin(w.ctx, b, was)
			if saved != want {
				w.Errorf("bulletin %s saved over revision %d: %t", b.ID, was, saved)
			}
			return err
		})
	}
	add(draft, true)
	add(draft, false)
	same(w, "read again", read(draft.ID), &draft)
	if read("gone") != nil {
		w.Error("a bulletin that was never added is there")
	}
	issued := draft
	issued.State, issued.Reviewer, issued.Issuer, issued.ReviewedAt, issued.IssuedAt, issued.Revision = oversight.BulletinIssued, "P2", "P1", w.now(), w.now(), 2
	issued.Digest = issued.Sum()
	save(issued, 9, false)
	save(issued, 1, true)
	got := read(draft.ID)
	same(w, "issued", got, &issued)
	if got.Sum() != issued.Digest {
		w.Error("read again, it has another digest")
	}
	changed := issued
	changed.Remarks, changed.Revision = "another", 3
	save(changed, 2, false)
	same(w, "issued for good", read(draft.ID), &issued)

	second := oversight.NewBulletin(citySeat, "2026-10", 2, content, "P1", w.now())
	add(second, true)
	add(oversight.NewBulletin(districtAt, "2026-11", 1, content, "", w.now()), true)
	list := func(q store.BulletinQuery) (ids []string) {
		w.Helper()
		if q.Limit == 0 {
			q.Limit = 10
		}
		w.view(func(tx *store.Tx) error {
			found, all, err := tx.Bulletins(w.ctx, q)
			for _, b := range found {
				ids = append(ids, b.ID)
			}
			if q.Limit == 10 && all != len(ids) {
				w.Errorf("%d counted, %d listed", all, len(ids))
			}
			return err
		})
		return ids
	}
	same(w, "the latest first", list(store.BulletinQuery{}), []string{"B2026-11-d1-1", "B2026-10-root-2", "B2026-10-root-1"})
	same(w, "a page", list(store.BulletinQuery{Offset: 1, Limit: 1}), []string{"B2026-10-root-2"})
	same(w, "issued", list(store.BulletinQuery{States: []oversight.BulletinState{oversight.BulletinIssued}, Newest: true}), []string{"B2026-10-root-1"}) // the draft of another is not newer yet
	same(w, "of the district", list(store.BulletinQuery{Scope: account.UnitScope{District: "d1"}}), []string{"B2026-11-d1-1"})
	same(w, "of agencies", len(list(store.BulletinQuery{Kind: "agency"})), 0)
	second.State, second.IssuedAt, second.Revision = oversight.BulletinIssued, w.now(), 2
	save(second, 1, true)
	same(w, "issued anew", list(store.BulletinQuery{States: []oversight.BulletinState{oversight.BulletinIssued}, Newest: true}), []string{"B2026-10-root-2"})
	w.view(func(tx *store.Tx) error {
		versions, err := tx.BulletinVersions(w.ctx, "root", "2026-10")
		if len(versions) != 2 || versions[0].Version != 2 || versions[1].Digest != issued.Digest {
			w.Errorf("versions: %+v", versions)
		}
		return err
	})
}

// letter is a letter that waits.
func (w *world) letter(id string, at account.Seat, about oversight.About) oversight.Letter {
	return oversight.Letter{
		ID: id, Year: 2026, Number: len(id), Seat: at, FromUnit: "root", About: about, Subject: "s", Text: "t", Asks: "a", State: oversight.LetterIssued, IssuedBy: "P1",
		IssuedAt: w.now(), DueAt: w.now().Add(time.Hour), NextAt: w.now().Add(time.Hour), Version: 1,
	}
}

// letters holds what is kept of notice letters: one about the same a unit, and in which order they wait (Art. 22).
func letters(w *world) {
	entry := oversight.About{Noun: oversight.AboutLedger, ID: "L1"}
	add := func(l oversight.Letter, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			added, err := tx.AddLetter(w.ctx, l)
			if added != want {
				w.Errorf("letter %s added: %t", l.ID, added)
			}
			return err
		})
	}
	first := w.letter("n1", districtAt, entry)
	add(first, true)
	add(w.letter("n22", districtAt, entry), false)
	add(w.letter("n333", streetAt, entry), true)
	add(w.letter("n4444", districtAt, oversight.About{}), true)
	add(w.letter("n55555", districtAt, oversight.About{}), true)
	read := func(id string) (l *oversight.Letter) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			l, err = tx.Letter(w.ctx, id)
			return err
		})
		return l
	}
	same(w, "read again", read("n1"), &first)
	w.view(func(tx *store.Tx) error {
		l, err := tx.LetterAbout(w.ctx, "s1", entry)
		if l == nil || l.ID != "n333" {
			w.Errorf("about the entry: %+v", l)
		}
		if l, err := tx.LetterAbout(w.ctx, "d1", oversight.About{}); l != nil || err != nil {
			w.Errorf("about nothing: %+v, %v", l, err)
		}
		return err
	})
	closed := first
	closed.State, closed.DueAt, closed.NextAt, closed.ClosedAt, closed.Returns, closed.Version = oversight.LetterClosed, time.Time{}, time.Time{}, w.now(), 2, 2
	w.update(func(tx *store.Tx) error {
		for was, want := range map[int]bool{7: false, 1: true} {
			if saved, err := tx.SaveLetter(w.ctx, closed, was); err != nil || saved != want {
				w.Errorf("saved over version %d: %t, %v", was, saved, err)
			}
		}
		for n, kind := range []string{"issued", "closed"} {
			if err := tx.AddLetterEvent(w.ctx, "n1", n+1, oversight.LetterEvent{Kind: kind, Account: "P1", Text: "x"}); err != nil {
				return err
			}
		}
		return nil
	})
	same(w, "closed", read("n1"), &closed)
	list := func(q store.LetterQuery) (ids []string) {
		w.Helper()
		q.Limit = 10
		w.view(func(tx *store.Tx) error {
			found, all, err := tx.Letters(w.ctx, q)
			for _, l := range found {
				ids = append(ids, l.ID)
			}
			if all != len(ids) {
				w.Errorf("%d counted, %d listed", all, len(ids))
			}
			return err
		})
		return ids
	}
	same(w, "those that wait first", list(store.LetterQuery{}), []string{"n333", "n4444", "n55555", "n1"})
	same(w, "open", list(store.LetterQuery{Open: true, Unit: "d1"}), []string{"n4444", "n55555"})
	same(w, "of the street", list(store.LetterQuery{Scope: account.UnitScope{Street: "s1"}}), []string{"n333"})
	same(w, "closed", list(store.LetterQuery{State: oversight.LetterClosed, Year: 2026, From: "root"}), []string{"n1"})
	same(w, "of another year", len(list(store.LetterQuery{Year: 2025})), 0)
	w.view(func(tx *store.Tx) error {
		events, err := tx.LetterEvents(w.ctx, "n1")
		if len(events) != 2 || events[1].Kind != "closed" || events[1].Text != "x" {
			w.Errorf("history: %+v", events)
		}
		if due, err := tx.LettersDue(w.ctx, w.now().Add(time.Hour), 10); err != nil || len(due) != 3 {
			w.Errorf("%d are overdue, %v", len(due), err)
		}
		if due, err := tx.LettersDue(w.ctx, w.now(), 10); err != nil || len(due) != 0 {
			w.Errorf("%d are overdue before their time, %v", len(due), err)
		}
		units, err2 := tx.LettersByUnit(w.ctx, account.UnitScope{}, 2026)
		same(w, "by unit", units, []store.UnitLetters{{UnitID: "d1", Sent: 3, Returned: 2, Open: 2}, {UnitID: "s1", Sent: 1, Open: 1}})
		if err == nil {
			err = err2
		}
		return err
	})
}

// announced holds that a unit stands on the public list once a year, and what the ledger has against units.
func announced(w *world) {
	one := oversight.Announcement{ID: "P1", UnitID: "d1", Year: 2026, Counts: oversight.Failures{UnitID: "d1", Entries: map[string]int64{"data_late": 3}}, Text: "t", MadeBy: "P1", MadeAt: w.now()}
	add := func(a oversight.Announcement, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			added, err := tx.AddAnnouncement(w.ctx, a)
			if added != want {
				w.Errorf("announcement %s added: %t", a.ID, added)
			}
			return err
		})
	}
	add(one, true)
	again, other := one, one
	again.ID, other.ID, other.Year = "P2", "P3", 2025
	add(again, false)
	add(other, true)
	list := func(year int) (ids []string) {
		w.Helper()
		w.view(func(tx *store.Tx) error {
			found, err := tx.Announcements(w.ctx, year)
			for _, a := range found {
				ids = append(ids, a.ID)
			}
			return err
		})
		return ids
	}
	same(w, "all", list(0), []string{"P1", "P3"})
	same(w, "of the year", list(2026), []string{"P1"})
	w.update(func(tx *store.Tx) error {
		for _, want := range []bool{true, false} {
			if ended, err := tx.EndAnnouncement(w.ctx, "P1", "P9", "why"); err != nil || ended != want {
				w.Errorf("ended: %t, %v", ended, err)
			}
		}
		return nil
	})
	add(again, true) // what was taken back can be announced anew
	same(w, "after", list(2026), []string{"P2"})
	w.view(func(tx *store.Tx) error {
		a, err := tx.Announcement(w.ctx, "P1")
		if a == nil || a.Why != "why" || a.EndedBy != "P9" || a.Counts.Total() != 3 {
			w.Errorf("taken back: %+v", a)
		}
		return err
	})

	entry := func(about, unit string, kind supply.Breach) store.LedgerEntry {
		return store.LedgerEntry{Kind: kind, Request: about, HallID: "h1", UnitID: unit, DistrictID: "d1", Level: directory.DistrictHall}
	}
	w.update(func(tx *store.Tx) error {
		n, err := tx.AddLedger(w.ctx, []store.LedgerEntry{
			entry("S1-2026-10", "d1", supply.DataLate), entry("S1-2026-10", "d1", supply.DataLate), entry("S1-2026-09", "d1", supply.DataLate), entry("N1", "u2", supply.LetterLate),
		})
		if n != 3 {
			w.Errorf("%d entered", n)
		}
		return err
	})
	w.view(func(tx *store.Tx) error {
		got, err := tx.BreachesByUnit(w.ctx, account.Scope{}, w.now(), w.now().Add(time.Second))
		same(w, "by unit", got, []store.UnitBreaches{{UnitID: "d1", Kind: supply.DataLate, State: supply.EntryOpen, N: 2}, {UnitID: "u2", Kind: supply.LetterLate, State: supply.EntryOpen, N: 1}})
		if got, err := tx.BreachesByUnit(w.ctx, account.Scope{Unit: "u2"}, w.now().Add(time.Second), w.now().Add(time.Hour)); err != nil || len(got) != 0 {
			w.Errorf("later: %v, %v", got, err)
		}
		return err
	})
}

// paperRace: however many send a letter about the same at once, or draft the same bulletin, it is there once.
func paperRace(w *world) {
	var sent, drafted atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := w.db.Update(w.ctx, func(tx *store.Tx) error {
				l := w.letter(fmt.Sprint("n", i), districtAt, oversight.About{Noun: oversight.AboutAnomaly, ID: "X1"})
				l.Number = i
				ok, err := tx.AddLetter(w.ctx, l)
				if ok {
					sent.Add(1)
				}
				return err
			}); err != nil {
				w.Error(err)
			}
			if err := w.db.Update(w.ctx, func(tx *store.Tx) error {
				ok, err := tx.AddBulletin(w.ctx, oversight.NewBulletin(citySeat, "2026-10", 1, oversight.Frozen{}, "", tx.Now))
				if ok {
					drafted.Add(1)
				}
				return err
			}); err != nil {
				w.Error(err)
			}
		})
	}
	wg.Wait()
	if sent.Load() != 1 || drafted.Load() != 1 {
		w.Errorf("%d letters, %d bulletins; want one", sent.Load(), drafted.Load())
	}
}
