package storetest

import (
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// connected holds what is kept of a connected system (Art. 5, 6), and that counts only add up.
func connected(w *world) {
	seat := account.Seat{Unit: "a1", Kind: directory.Agency}
	one := oversight.Source{
		ID: "S0001", Seat: seat, Name: "booking of a1", Kinds: []oversight.RecordKind{oversight.BookingRecord, oversight.ResultRecord}, Halls: []string{"h1"},
		Delay: 15 * time.Minute, Silence: 2 * time.Hour, Since: day, Version: 1,
	}
	far := oversight.Source{
		ID: "S0002", Seat: account.Seat{Unit: "d1", Kind: directory.District, District: "d1"}, Name: "booking of d1", Kinds: oversight.RecordKinds,
		Delay: time.Minute, Silence: time.Minute, Since: day, Version: 1,
	}
	w.update(func(tx *store.Tx) error {
		if err := tx.AddSource(w.ctx, one); err != nil {
			return err
		}
		return tx.AddSource(w.ctx, far)
	})
	read := func(id string) (s *oversight.Source) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			s, err = tx.Source(w.ctx, id)
			return err
		})
		return s
	}
	same(w, "read again", read("S0001"), &one)
	if read("gone") != nil {
		w.Error("a source that was never added is there")
	}
	in := func(scope account.UnitScope) (ids []string) {
		w.Helper()
		w.view(func(tx *store.Tx) error {
			list, err := tx.Sources(w.ctx, scope)
			for _, s := range list {
				ids = append(ids, s.ID)
			}
			return err
		})
		return ids
	}
	same(w, "all", in(account.UnitScope{}), []string{"S0001", "S0002"})
	same(w, "of the district", in(account.UnitScope{District: "d1"}), []string{"S0002"})
	same(w, "of agencies", in(account.UnitScope{Kinds: []directory.UnitKind{directory.Platform, directory.Agency}}), []string{"S0001"})
	same(w, "of nobody", len(in(account.UnitScope{None: true})), 0)

	ended := one
	ended.Name, ended.Ended, ended.Version = "another name", day+3, 2
	save := func(was int, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			saved, err := tx.SaveSource(w.ctx, ended, was)
			if saved != want {
				w.Errorf("saved over version %d: %t", was, saved)
			}
			return err
		})
	}
	save(1, true)
	save(1, false)
	same(w, "changed", read("S0001"), &ended)

	first, second := w.now().Add(-time.Hour), w.now()
	count := func(kind oversight.RecordKind, hall string, n int64, at time.Time) oversight.SourceDay {
		return oversight.SourceDay{SourceID: "S0001", HallID: hall, Kind: kind, Date: day, Expected: n + 1, Received: n, InTime: n - 1, Checked: 2, Agreed: 1, LastAt: at}
	}
	add := func(list ...oversight.SourceDay) {
		w.Helper()
		w.update(func(tx *store.Tx) error { return tx.AddSourceCounts(w.ctx, list) })
	}
	add(count(oversight.BookingRecord, "h1", 10, second), count(oversight.BookingRecord, "h1", 5, first), count(oversight.ResultRecord, "h2", 3, first))
	add(count(oversight.BookingRecord, "h1", 20, first))
	add()
	want := oversight.SourceDay{SourceID: "S0001", HallID: "h1", Kind: oversight.BookingRecord, Date: day, Expected: 38, Received: 35, InTime: 32, Checked: 6, Agreed: 3, LastAt: second}
	w.view(func(tx *store.Tx) error {
		days, err := tx.SourceDays(w.ctx, []string{"S0001", "S0002"}, day, day)
		if err != nil {
			return err
		}
		same(w, "days", days, []oversight.SourceDay{want, count(oversight.ResultRecord, "h2", 3, first)})
		if days, err = tx.SourceDays(w.ctx, []string{"S0001"}, day+1, day+9); err != nil || len(days) != 0 {
			w.Errorf("other days: %v, %v", days, err)
		}
		last, err := tx.LastRecords(w.ctx)
		same(w, "the last record", last, map[string]time.Time{"S0001": second})
		return err
	})
}
