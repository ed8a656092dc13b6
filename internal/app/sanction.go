package app

import (
	"context"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
)

// regime is what sanctions go by now.
func (a *App) regime() booking.Regime {
	today := calendar.DateOf(a.now())
	shelf := a.rules.Load().shelf
	return booking.Regime{Sanctions: shelf.On(today).Sanctions, Since: shelf.SanctionsSince(today).At(0, 0)}
}

// MarksOf returns what is recorded of a person in the span of a date, for the sanctions of the rulebook, whether
// they are on or off; bars tells whether it would lead to something if they were on.
func (a *App) MarksOf(ctx context.Context, person identity.Key, on calendar.Date) (m booking.Marks, bars bool, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		m, err = a.marksOf(ctx, tx, person, on)
		return err
	})
	return m, m.Reached(a.Rules(on).Sanctions), err
}

func (a *App) marksOf(ctx context.Context, tx *store.Tx, person identity.Key, on calendar.Date) (booking.Marks, error) {
	facts, err := tx.MarksOf(ctx, person)
	return booking.Regime{Sanctions: a.Rules(on).Sanctions}.MarksIn(on, facts), err
}

// Standing is how a person stands with what is recorded of them.
type Standing struct {
	Rules    rulebook.Sanctions
	Until    time.Time     // before this instant they book at halls only; zero where nothing keeps them from it
	Marks    booking.Marks // recorded in the span of today, whether anything comes of it or not
	Measures []MeasureView // newest first
}

// MeasureView is a warning or a sanction as its person sees it, and masked as staff do.
type MeasureView struct {
	booking.Measure
	Code      string        // of the booking that completed it: by this it is named
	View      BookingView   // that booking
	Rests     []BookingView // all it rests on; empty in lists
	Appeal    *AppealText
	CanAppeal bool // by its person, now
	Holds     bool // it keeps its person from off-site booking now
}

// MyStanding tells the signed-in person what is recorded of them, and what came of it.
func (a *App) MyStanding(ctx context.Context, who *identity.Session) (s Standing, err error) {
	r := a.regime()
	s.Rules = r.Sanctions
	var facts []booking.Fact
	var list []*booking.Measure
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if facts, err = tx.MarksOf(ctx, who.Person.Key); err != nil {
			return err
		}
		if list, err = tx.MeasuresOf(ctx, who.Person.Key); err != nil {
			return err
		}
		for i, m := range list {
			if list[i], err = tx.Measure(ctx, m.ID); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return s, err
	}
	s.Marks = r.MarksIn(calendar.DateOf(a.now()), facts)
	if s.Measures, err = a.measureViews(ctx, list); err != nil {
		return s, err
	}
	for _, m := range s.Measures {
		if m.Holds && m.Until.After(s.Until) {
			s.Until = m.Until
		}
	}
	return s, nil
}

func (a *App) measureViews(ctx context.Context, list []*booking.Measure) ([]MeasureView, error) {
	ids := map[string]struct{}{}
	var names []string
	for _, m := range list {
		names, ids[m.ID] = append(names, m.ID), struct{}{}
		for _, id := range m.Facts {
			ids[id] = struct{}{}
		}
	}
	var appeals map[string]*store.Appeal
	var found map[string]*booking.Booking
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if appeals, err = tx.MeasureAppeals(ctx, names...); err != nil {
			return err
		}
		found, err = tx.BookingsByID(ctx, ids)
		return err
	}); err != nil {
		return nil, err
	}
	now, r := a.now(), a.regime()
	out := make([]MeasureView, 0, len(list))
	for _, m := range list {
		v := MeasureView{Measure: *m, Holds: r.On && m.Holds(now)}
		for _, id := range append([]string{m.ID}, m.Facts...) {
			b := found[id]
			if b == nil {
				return nil, fault.New(fault.BookingNotFound)
			}
			one, err := a.shown(*b)
			if err != nil {
				return nil, err
			}
			if v.Code == "" {
				v.Code, v.View = one.Code, one
				continue
			}
			v.Rests = append(v.Rests, one)
		}
		if p := appeals[m.ID]; p != nil {
			t, err := a.openSaid(p, "measure appeal|")
			if err != nil {
				return nil, err
			}
			v.Appeal = t
		}
		v.CanAppeal = m.State == booking.MeasureStands && v.Appeal == nil && now.Before(m.At.AddDate(0, 0, max(r.WarnedFor, r.BarredDays)))
		out = append(out, v)
	}
	return out, nil
}

// ownMeasure finds a warning or sanction of the signed-in person by its code.
func (a *App) ownMeasure(ctx context.Context, who *identity.Session, code string) (m *booking.Measure, err error) {
	n, ok := a.vault.NumberOf(code)
	if !ok {
		return nil, fault.New(fault.MeasureNotFound)
	}
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		m, err = tx.Measure(ctx, booking.IDOf(n))
		return err
	})
	if err == nil && (m == nil || m.Person != who.Person.Key) {
		return nil, fault.New(fault.MeasureNotFound)
	}
	return m, err
}

// MyMeasure returns a warning or sanction of the signed-in person.
func (a *App) MyMeasure(ctx context.Context, who *identity.Session, code string) (MeasureView, error) {
	m, err := a.ownMeasure(ctx, who, code)
	if err != nil {
		return MeasureView{}, err
	}
	list, err := a.measureViews(ctx, []*booking.Measure{m})
	if err != nil {
		return MeasureView{}, err
	}
	return list[0], nil
}

// AppealMeasure says why a warning or sanction is not right: once each. The same again is the same appeal.
func (a *App) AppealMeasure(ctx context.Context, who *identity.Session, code, text string) (*AppealText, error) {
	text, err := checkText("text", text)
	if err != nil {
		return nil, err
	}
	m, err := a.ownMeasure(ctx, who, code)
	if err != nil {
		return nil, err
	}
	sealed := a.vault.Seal([]byte(text), "measure appeal|"+m.ID)
	var stands *store.Appeal
	added := false
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		appeals, err := tx.MeasureAppeals(ctx, m.ID)
		if stands = appeals[m.ID]; err != nil || stands != nil {
			return err
		}
		now, err := tx.Measure(ctx, m.ID)
		if err != nil {
			return err
		}
		if now.State != booking.MeasureStands {
			return fault.New(fault.MeasureOver)
		}
		if added, err = tx.AddMeasureAppeal(ctx, store.Appeal{Booking: m.ID, HallID: m.HallID, Sealed: sealed}); err != nil {
			return err
		}
		appeals, err = tx.MeasureAppeals(ctx, m.ID)
		stands = appeals[m.ID]
		return err
	})
	if err != nil {
		return nil, err
	}
	t, err := a.openSaid(stands, "measure appeal|")
	switch {
	case err != nil || added || t.Text == text:
		return t, err
	case t.State == store.AppealWaiting:
		return nil, fault.New(fault.AppealWaits)
	}
	return nil, fault.New(fault.AppealDecided)
}

// MeasuresQuery says which warnings and sanctions staff want to see.
type MeasuresQuery struct {
	Hall    string // "" = all halls served
	Appeals bool   // only those whose appeal waits
	Offset  int
	Limit   int // 0 = 25, at most 200
}

// Measures lists warnings and sanctions that were completed at halls an administrator serves, masked, and how many
// there are.
func (a *App) Measures(ctx context.Context, ad *Admin, q MeasuresQuery) (list []MeasureView, all int, err error) {
	if q.Hall != "" {
		if err := a.Allow(ad, overMissed(ad), q.Hall); err != nil {
			return nil, 0, err
		}
	}
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 25
	}
	var found []*booking.Measure
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		found, all, err = tx.Measures(ctx, store.MeasureQuery{Scope: a.Scope(ad, overMissed(ad)), Hall: q.Hall, Appeals: q.Appeals, Offset: max(q.Offset, 0), Limit: q.Limit})
		return err
	}); err != nil {
		return nil, 0, err
	}
	list, err = a.measureViews(ctx, found)
	return list, all, err
}

// Measure returns one warning or sanction that was completed at a hall an administrator serves.
func (a *App) Measure(ctx context.Context, ad *Admin, hall, code string) (v MeasureView, err error) {
	if err := a.Allow(ad, overMissed(ad), hall); err != nil {
		return v, err
	}
	n, ok := a.vault.NumberOf(code)
	if !ok {
		return v, fault.New(fault.MeasureNotFound)
	}
	var m *booking.Measure
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		m, err = tx.Measure(ctx, booking.IDOf(n))
		return err
	}); err != nil {
		return v, err
	}
	if m == nil || m.HallID != hall {
		return v, fault.New(fault.MeasureNotFound)
	}
	list, err := a.measureViews(ctx, []*booking.Measure{m})
	if err != nil {
		return v, err
	}
	return list[0], nil
}

// DecideMeasure decides the appeal against a warning or sanction, with a reason: granted, it ends at once and what
// it rested on counts no more. Whoever decides about the missed hours of the hall decides; so do the levels above.
// The person is told.
func (a *App) DecideMeasure(ctx context.Context, ad *Admin, hall, code string, grant bool, why string) error {
	if err := a.Allow(ad, overMissed(ad), hall); err != nil {
		return err
	}
	why, err := checkText("why", why)
	if err != nil {
		return err
	}
	n, ok := a.vault.NumberOf(code)
	if !ok {
		return fault.New(fault.MeasureNotFound)
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		m, err := tx.Measure(ctx, booking.IDOf(n))
		if err != nil {
			return err
		}
		if m == nil || m.HallID != hall {
			return fault.New(fault.MeasureNotFound)
		}
		appeals, err := tx.MeasureAppeals(ctx, m.ID)
		if err != nil {
			return err
		}
		switch p := appeals[m.ID]; {
		case p == nil:
			return fault.New(fault.AppealNotFound)
		case p.State != store.AppealWaiting:
			return fault.New(fault.AppealDecided)
		case m.State != booking.MeasureStands:
			return fault.New(fault.MeasureOver)
		}
		state, r := store.AppealRefused, ad.record("sanction.confirm", "sanction", m.ID)
		if grant {
			state, r.Act = store.AppealUpheld, "sanction.lift"
		}
		r.Hall, r.Why = hall, why
		if done, err := tx.DecideMeasureAppeal(ctx, m.ID, state, ad.Account.ID, why); err != nil || !done {
			return orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		if grant {
			if done, err := tx.EndMeasure(ctx, m, booking.MeasureLifted); err != nil || !done {
				return orElse(err, fault.New(fault.ChangedMeanwhile))
			}
		}
		if err := tellMeasure(ctx, tx, m, grant); err != nil {
			return err
		}
		r.After = asJSON(map[string]any{"kind": m.Kind, "granted": grant})
		return tx.Audit(ctx, r)
	})
}

// tellMeasure writes the message that a measure has ended, or that it stands.
func tellMeasure(ctx context.Context, tx *store.Tx, m *booking.Measure, ended bool) error {
	b, err := tx.Booking(ctx, m.ID)
	if err != nil || b == nil {
		return orElse(err, fault.New(fault.BookingNotFound))
	}
	if ended {
		return tell(ctx, tx, b, booking.MessageMeasureEnded)
	}
	return tell(ctx, tx, b, booking.MessageMeasureConfirmed)
}

// strike takes a missed hour that was set right from what is recorded. A measure that rests on it has lost its
// ground: it is void, and its person is told.
func (a *App) strike(ctx context.Context, tx *store.Tx, b *booking.Booking) error {
	id, err := tx.StrikeMark(ctx, b.BookerKey, b.ID)
	if err != nil || id == "" {
		return err
	}
	m, err := tx.Measure(ctx, id)
	if err != nil {
		return err
	}
	if done, err := tx.EndMeasure(ctx, m, booking.MeasureVoid); err != nil || !done {
		return orElse(err, fault.New(fault.ChangedMeanwhile))
	}
	return tellMeasure(ctx, tx, m, true)
}

// mayBookOffSite refuses who is barred, before a request goes where the lanes do not decide at once.
func (a *App) mayBookOffSite(ctx context.Context, booker identity.Key, ch booking.Channel, instead bool) error {
	if !a.regime().On || ch == booking.Desk || instead {
		return nil
	}
	return a.db.View(ctx, func(tx *store.Tx) error {
		until, err := tx.BarOf(ctx, booker)
		if err == nil && tx.Now.Before(until) {
			return fault.New(fault.OffSiteBarred, "until", until.In(calendar.Zone).Format(time.RFC3339))
		}
		return err
	})
}
