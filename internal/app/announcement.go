package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// The yearly list for the discipline office, and what the city makes public of it (Art. 22, 23).

// FailuresView is a unit on the yearly list.
type FailuresView struct {
	oversight.Failures
	Repeated  bool                    // it has as many as the rulebook calls repeated
	Announced *oversight.Announcement // that stands, nil for none
}

// YearlyList returns what stands against the units whose halls an administrator supervises, in a year, the most failures
// first. least is how many are repeated failures.
func (a *App) YearlyList(ctx context.Context, ad *Admin, year int) (list []FailuresView, least int, err error) {
	least = a.Rules(calendar.DateOf(a.now())).RepeatedFailures
	return list, least, a.db.View(ctx, func(tx *store.Tx) error {
		found, err := a.failures(ctx, tx, ad, year)
		if err != nil {
			return err
		}
		public, err := tx.Announcements(ctx, year)
		if err != nil {
			return err
		}
		list = nil
		for _, id := range slices.Sorted(maps.Keys(found)) {
			v := FailuresView{Failures: *found[id], Repeated: found[id].Total() >= int64(least)}
			for i := range public {
				if public[i].UnitID == id {
					v.Announced = &public[i]
				}
			}
			list = append(list, v)
		}
		slices.SortStableFunc(list, func(x, y FailuresView) int { return int(y.Total() - x.Total()) })
		return nil
	})
}

func (a *App) failures(ctx context.Context, tx *store.Tx, ad *Admin, year int) (map[string]*oversight.Failures, error) {
	out := map[string]*oversight.Failures{}
	of := func(unit string) *oversight.Failures {
		f := out[unit]
		if f == nil {
			seat, _ := a.seat(unit)
			f = &oversight.Failures{Seat: seat, UnitID: unit, Entries: map[string]int64{}}
			out[unit] = f
		}
		return f
	}
	breaches, err := tx.BreachesByUnit(ctx, a.Scope(ad, account.Supervise), calendar.MakeDate(year, 1, 1).At(0, 0), calendar.MakeDate(year+1, 1, 1).At(0, 0))
	if err != nil {
		return nil, err
	}
	for _, b := range breaches {
		switch f := of(b.UnitID); b.State {
		case supply.EntryStruck:
			f.Struck += b.N
		case supply.EntryAppealed:
			f.Appealed += b.N
		default:
			f.Entries[string(b.Kind)] += b.N
		}
	}
	letters, err := tx.LettersByUnit(ctx, a.units(ad), year)
	if err != nil {
		return nil, err
	}
	for _, l := range letters {
		f := of(l.UnitID)
		f.Letters, f.Returned, f.Open = l.Sent, l.Returned, l.Open
	}
	return out, nil
}

// Announce makes public that a unit failed repeatedly in a year: the city's first level decides. The wrong field is
// text.
func (a *App) Announce(ctx context.Context, ad *Admin, unit string, year int, text string) (id string, err error) {
	if err := a.Proven(ad); err != nil {
		return "", err
	}
	if !ad.has(account.Decide) || ad.Account.Rank != account.Platform1 {
		return "", fault.New(fault.NotAllowed)
	}
	return id, a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		found, err := a.failures(ctx, tx, ad, year)
		if err != nil {
			return err
		}
		f := found[unit]
		if f == nil {
			f = &oversight.Failures{UnitID: unit}
		}
		one, err := oversight.NewAnnouncement(ad.Account, *f, year, text, a.Rules(calendar.DateOf(tx.Now)).RepeatedFailures, tx.Now)
		if err != nil {
			return err
		}
		n, err := tx.NextBlock(ctx, "announcement", 1)
		if err != nil {
			return err
		}
		id = fmt.Sprintf("P%d-%04d", year, n)
		one.ID = id
		added, err := tx.AddAnnouncement(ctx, one)
		if err != nil || !added {
			return orElse(err, fault.New(fault.AnnouncementTwice))
		}
		rec := ad.record("announcement.make", "announcement", id)
		rec.After = asJSON(map[string]any{"unit": unit, "year": year, "failures": f.Total()})
		return tx.Audit(ctx, rec)
	})
}

// EndAnnouncement takes back what was made public, with a reason.
func (a *App) EndAnnouncement(ctx context.Context, ad *Admin, id, why string) error {
	why, err := reason(why)
	if err != nil {
		return err
	}
	if err := a.Proven(ad); err != nil {
		return err
	}
	if !ad.has(account.Decide) || ad.Account.Rank != account.Platform1 {
		return fault.New(fault.NotAllowed)
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		ended, err := tx.EndAnnouncement(ctx, id, ad.Account.ID, why)
		if err != nil || !ended {
			return orElse(err, fault.New(fault.AnnouncementNotFound))
		}
		rec := ad.record("announcement.end", "announcement", id)
		rec.Why = why
		return tx.Audit(ctx, rec)
	})
}

// Announcements returns what stands on the public list, the newest first, to anybody.
func (a *App) Announcements(ctx context.Context) (list []oversight.Announcement, err error) {
	return list, a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.Announcements(ctx, 0)
		return err
	})
}

// EnterLateData enters units whose connected systems sent too little in time in the month before, from its third working
// day on, each source and month once (Art. 21, 23). It may run at any time and on several nodes at once; it returns how
// many it entered.
func (a *App) EnterLateData(ctx context.Context) (entered int, err error) {
	today := calendar.DateOf(a.now())
	month := oversight.MonthOf(today).Before()
	first, last := month.Days()
	if a.Calendar().WorkingDaysBetween(last, today) < 3 {
		return 0, nil
	}
	least := a.Rules(today).DataInTimePerMille
	var sources []oversight.Source
	sums := map[string]oversight.SourceDay{}
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		clear(sums)
		if sources, err = tx.Sources(ctx, account.UnitScope{}); err != nil {
			return err
		}
		var ids []string
		for _, s := range sources {
			ids = append(ids, s.ID)
		}
		days, err := tx.SourceDays(ctx, ids, first, last)
		for _, d := range days {
			sums[d.SourceID] = sums[d.SourceID].Plus(d)
		}
		return err
	}); err != nil {
		return 0, err
	}
	for _, s := range sources {
		e, ok := a.entryOfUnit(s.Seat, supply.DataLate, s.ID+"-"+string(month))
		if !ok || !sums[s.ID].Late(least) {
			continue
		}
		n := 0
		if err := a.db.Update(ctx, func(tx *store.Tx) error {
			if n, err = tx.AddLedger(ctx, []store.LedgerEntry{e}); err != nil || n == 0 {
				return err
			}
			d := sums[s.ID]
			return tx.Audit(ctx, store.AuditRecord{Act: "source.data_late", Noun: "source", Key: s.ID, Hall: e.HallID, After: mustJSON(map[string]any{"month": month, "expected": d.Expected, "in_time": d.InTime})})
		}); err != nil {
			return entered, err
		}
		entered += n
	}
	return entered, nil
}

// AboutEntry tells what an entry of the ledger is about: "request", "letter" or "source", and its id.
func AboutEntry(e LedgerEntry) (noun, id string) {
	switch e.Kind {
	case supply.LetterLate:
		return "letter", e.Request
	case supply.DataLate:
		source, _, _ := strings.Cut(e.Request, "-")
		return "source", source
	}
	return "request", e.Request
}
