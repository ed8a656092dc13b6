package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// Connected systems (Art. 5, 6, 21): which there are, and how well what they send can be trusted.

// SourceView is a connected system with how good its data was in some time.
type SourceView struct {
	oversight.Source
	Kinds  []SourceKind        // how good, by kind of record, in the order they are shown
	Sum    oversight.SourceDay // of all kinds
	Last   time.Time           // when the last record came, zero for never
	Silent time.Time           // since when nothing comes that should; zero = it does
	Halls  []*directory.Hall   // it books for
	Heads  bool                // who looks may change it
}

// SourceKind is what a connected system sent of one kind.
type SourceKind struct {
	Kind oversight.RecordKind
	Sum  oversight.SourceDay
}

// SourceDays is how many days, up to yesterday, data quality is shown over.
const SourceDays = 30

// seatOf is the seat of a unit the administrator sees; any other is not found.
func (a *App) seatOf(ad *Admin, unit string) (account.Seat, error) {
	s, ok := a.seat(unit)
	if !ok || !ad.has(account.Supervise) || !ad.Account.Sees(s) {
		return s, fault.New(fault.UnitNotFound)
	}
	return s, nil
}

// units is which units the administrator sees.
func (a *App) units(ad *Admin) account.UnitScope {
	if !ad.has(account.Supervise) {
		return account.UnitScope{None: true}
	}
	return ad.Account.Units()
}

// UnitsHeaded returns the units an administrator stands at the head of, in the order of the tree; with below only those
// below their own. Units without a hall at or below them are left out.
func (a *App) UnitsHeaded(ad *Admin, below bool) (out []*directory.Unit) {
	g := a.Grove(ad, account.Supervise)
	for _, u := range g.units {
		if s, ok := a.seat(u.ID); ok && (!below && ad.Account.Heads(s) || below && ad.Account.Writes(s)) {
			out = append(out, u)
		}
	}
	return out
}

// HallsOf returns the open halls at a unit and below it, in the order of their numbers.
func (c *City) HallsOf(unit string) (out []*directory.Hall) {
	for _, h := range c.halls {
		if h.Open && c.UnitHas(unit, h.UnitID) {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b *directory.Hall) int { return a.Number - b.Number })
	return out
}

// booksFor returns the halls a source books for.
func (a *App) booksFor(s oversight.Source) []*directory.Hall {
	return slices.DeleteFunc(a.City().HallsOf(s.Seat.Unit), func(h *directory.Hall) bool { return !s.Books(h.ID) })
}

// Sources returns the connected systems of the units an administrator sees, with the quality of their data over the
// last SourceDays.
func (a *App) Sources(ctx context.Context, ad *Admin) ([]SourceView, error) {
	var list []oversight.Source
	var days []oversight.SourceDay
	var last map[string]time.Time
	today := calendar.DateOf(a.now())
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if list, err = tx.Sources(ctx, a.units(ad)); err != nil {
			return err
		}
		ids := make([]string, len(list))
		for i, s := range list {
			ids[i] = s.ID
		}
		if days, err = tx.SourceDays(ctx, ids, today-SourceDays, today-1); err != nil {
			return err
		}
		last, err = tx.LastRecords(ctx)
		return err
	}); err != nil {
		return nil, err
	}
	out := make([]SourceView, len(list))
	for i, s := range list {
		out[i] = a.sourceView(ad, s, days, last[s.ID])
	}
	return out, nil
}

// Source returns one connected system, with its days from from to to, both inside, by day and kind.
func (a *App) Source(ctx context.Context, ad *Admin, id string, from, to calendar.Date) (v SourceView, days []oversight.SourceDay, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		s, err := a.source(ctx, tx, ad, id)
		if err != nil {
			return err
		}
		if days, err = tx.SourceDays(ctx, []string{id}, from, to); err != nil {
			return err
		}
		last, err := tx.LastRecords(ctx)
		if err != nil {
			return err
		}
		v = a.sourceView(ad, s, days, last[id])
		return nil
	})
	return v, merged(days), err
}

// merged adds up the halls of a source's days.
func merged(days []oversight.SourceDay) (out []oversight.SourceDay) {
	for _, d := range days {
		d.HallID = ""
		if n := len(out); n > 0 && out[n-1].Date == d.Date && out[n-1].Kind == d.Kind {
			out[n-1] = out[n-1].Plus(d)
			continue
		}
		out = append(out, d)
	}
	return out
}

func (a *App) source(ctx context.Context, tx *store.Tx, ad *Admin, id string) (oversight.Source, error) {
	s, err := tx.Source(ctx, id)
	if err != nil {
		return oversight.Source{}, err
	}
	if s == nil || !ad.has(account.Supervise) || !ad.Account.Sees(s.Seat) {
		return oversight.Source{}, fault.New(fault.SourceNotFound)
	}
	return *s, nil
}

// sourceByID returns a connected system whoever looks, nil if there is none.
func (a *App) sourceByID(ctx context.Context, id string) (s *oversight.Source, err error) {
	return s, a.db.Read(ctx, func(tx *store.Tx) (err error) {
		s, err = tx.Source(ctx, id)
		return err
	})
}

func (a *App) sourceView(ad *Admin, s oversight.Source, days []oversight.SourceDay, last time.Time) SourceView {
	v := SourceView{Source: s, Last: last, Halls: a.booksFor(s), Heads: ad.Account.Heads(s.Seat)}
	v.Silent, _ = s.SilentSince(last, a.openedSince(v.Halls), a.now())
	by := map[oversight.RecordKind]oversight.SourceDay{}
	for _, d := range days {
		if d.SourceID == s.ID {
			by[d.Kind] = by[d.Kind].Plus(d)
			v.Sum = v.Sum.Plus(d)
		}
	}
	for _, k := range oversight.RecordKinds {
		if slices.Contains(s.Kinds, k) {
			v.Kinds = append(v.Kinds, SourceKind{k, by[k]})
		}
	}
	return v
}

// openedSince returns since when today one of the halls has been open by its hours; zero when all are shut now.
func (a *App) openedSince(halls []*directory.Hall) (since time.Time) {
	now := a.now()
	today, hour := calendar.DateOf(now), now.In(calendar.Zone).Hour()
	var hours calendar.Hours
	for _, h := range halls {
		for _, q := range a.City().QueuesAt(h.ID) {
			if q.Open {
				week, closures := q.HoursOn(today)
				hours |= a.Calendar().OpenHours(week, closures, today)
			}
		}
	}
	list := hours.List()
	if len(list) == 0 || hour < list[0] || hour > list[len(list)-1] {
		return time.Time{}
	}
	return today.At(list[0], 0)
}

// ConnectSource enters a system that sends its data, for a unit the administrator stands at the head of. Wrong fields
// are unit, name, kinds, halls, delay and silence. It returns the id.
func (a *App) ConnectSource(ctx context.Context, ad *Admin, unit string, s oversight.Source) (id string, err error) {
	seat, err := a.seatOf(ad, unit)
	if err != nil {
		return "", fault.InvalidFields(fault.Field{Path: "unit", Code: fault.NotOneOf})
	}
	if !ad.has(account.Manage) || !ad.Account.Heads(seat) {
		return "", fault.New(fault.NotAllowed)
	}
	s.Seat, s.Name, s.Version, s.Ended = seat, strings.TrimSpace(s.Name), 1, 0
	if err := a.checkSource(s); err != nil {
		return "", err
	}
	return id, a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		n, err := tx.NextBlock(ctx, "source", 1)
		if err != nil {
			return err
		}
		id = fmt.Sprintf("S%04d", n)
		s.ID, s.Since = id, calendar.DateOf(tx.Now)
		if err := tx.AddSource(ctx, s); err != nil {
			return err
		}
		rec := ad.record("source.connect", "source", id)
		rec.After = asJSON(sourceShown(s))
		return tx.Audit(ctx, rec)
	})
}

func (a *App) checkSource(s oversight.Source) error {
	wrong := s.Check()
	for _, id := range s.Halls {
		if h := a.City().Hall(id); h == nil || !a.City().UnitHas(s.Seat.Unit, h.UnitID) {
			wrong = append(wrong, fault.Field{Path: "halls", Code: fault.NotOneOf})
			break
		}
	}
	if len(wrong) > 0 {
		return fault.InvalidFields(wrong...)
	}
	return nil
}

// ChangeSource changes what is agreed with a connected system: its name, kinds, halls, delay and silence. version is
// the one that was looked at.
func (a *App) ChangeSource(ctx context.Context, ad *Admin, id string, version int, to oversight.Source) error {
	return a.onSource(ctx, ad, id, version, "source.change", func(s oversight.Source, _ time.Time) (oversight.Source, error) {
		if s.Ended != 0 {
			return s, fault.New(fault.SourceEnded)
		}
		s.Name, s.Kinds, s.Halls, s.Delay, s.Silence = strings.TrimSpace(to.Name), to.Kinds, to.Halls, to.Delay, to.Silence
		return s, a.checkSource(s)
	})
}

// EndSource says that a system is connected no more from today on. What it sent stays.
func (a *App) EndSource(ctx context.Context, ad *Admin, id string, version int) error {
	return a.onSource(ctx, ad, id, version, "source.end", func(s oversight.Source, now time.Time) (oversight.Source, error) {
		if s.Ended != 0 {
			return s, fault.New(fault.SourceEnded)
		}
		s.Ended = calendar.DateOf(now)
		return s, nil
	})
}

func (a *App) onSource(ctx context.Context, ad *Admin, id string, version int, act string, do func(oversight.Source, time.Time) (oversight.Source, error)) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		s, err := a.source(ctx, tx, ad, id)
		if err != nil {
			return err
		}
		if !ad.has(account.Manage) || !ad.Account.Heads(s.Seat) {
			return fault.New(fault.NotAllowed)
		}
		if s.Version != version {
			return fault.New(fault.ChangedMeanwhile)
		}
		next, err := do(s, tx.Now)
		if err != nil {
			return err
		}
		next.Version++
		saved, err := tx.SaveSource(ctx, next, version)
		if err != nil || !saved {
			return orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		rec := ad.record(act, "source", id)
		rec.Before, rec.After = asJSON(sourceShown(s)), asJSON(sourceShown(next))
		return tx.Audit(ctx, rec)
	})
}

func sourceShown(s oversight.Source) map[string]any {
	return map[string]any{"unit": s.Seat.Unit, "name": s.Name, "kinds": s.Kinds, "halls": s.Halls, "delay": s.Delay.String(), "silence": s.Silence.String(), "ended": dateText(s.Ended)}
}

func dateText(d calendar.Date) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// RecordSource adds what a feed of a connected system has counted, within the transaction that keeps its records; its
// days are counted again. A day of a hall the source does not book for, or that cannot be, is refused whole.
func (a *App) RecordSource(ctx context.Context, tx *store.Tx, s oversight.Source, days []oversight.SourceDay) error {
	for i := range days {
		d := &days[i]
		d.SourceID = s.ID
		h := a.City().Hall(d.HallID)
		if h == nil || !a.City().UnitHas(s.Seat.Unit, h.UnitID) || !s.Books(h.ID) {
			return fault.New(fault.HallNotFound)
		}
		if !d.Sane() || !slices.Contains(s.Kinds, d.Kind) {
			return fault.New(fault.InvalidRequest)
		}
	}
	marks := make([]oversight.HallDay, len(days))
	for i, d := range days {
		marks[i] = oversight.HallDay{HallID: d.HallID, Date: d.Date}
	}
	if err := tx.AddSourceCounts(ctx, days); err != nil {
		return err
	}
	return tx.MarkFigures(ctx, marks)
}
