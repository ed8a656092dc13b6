package app

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// AppealState is where an appeal against a no-show is.
type AppealState = store.AppealState

const (
	AppealWaiting = store.AppealWaiting
	AppealUpheld  = store.AppealUpheld
	AppealRefused = store.AppealRefused
)

// Missed is what can be done about a missed hour (Art. 17, 18).
type Missed struct {
	View        BookingView
	OnSite      *OnSiteView // numbers of today for the same, at the same hall; nil where none are given any more
	Taken       string      // id of the number taken today instead, "" for none
	CanRebook   bool
	RebookUntil time.Time // before this instant
	Rebooked    string    // code of the booking that made it good, "" for none
	Appeal      *AppealText
	CanAppeal   bool
	Month       booking.Marks // of the booker, in the span of the missed hour
}

// AppealText is an appeal with what was said.
type AppealText struct {
	store.Appeal
	Text string
}

// MaxAppeal is how long an appeal, a reason or an answer may be, in characters.
const MaxAppeal = 500

// Missed tells the signed-in person what can be done about a booking of theirs that was missed, or was
// missed and excused. NotMissed for any other.
func (a *App) Missed(ctx context.Context, who *identity.Session, code string) (m Missed, err error) {
	b, err := a.ownBooking(ctx, who, code)
	if err != nil {
		return m, err
	}
	if b.State != booking.NoShow && b.State != booking.Excused {
		return m, fault.New(fault.NotMissed)
	}
	if m.View, err = a.view(ctx, *b); err != nil {
		return m, err
	}
	now := a.now()
	rules := a.Rules(calendar.DateOf(now))
	var names []string
	for n := 1; n <= rules.RebookTimes; n++ {
		names = append(names, booking.RebookName(b.ID, n))
	}
	var used map[string]string
	var appeal *store.Appeal
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if used, err = tx.ClaimHolders(ctx, string(b.BookerKey), names); err != nil {
			return err
		}
		appeal, err = tx.Appeal(ctx, b.ID)
		return err
	}); err != nil {
		return m, err
	}
	m.RebookUntil = b.RebookUntil(rules)
	m.CanRebook = b.State == booking.NoShow && now.Before(m.RebookUntil) && len(used) < rules.RebookTimes
	for _, id := range used { // of a booking or of a ticket
		if n, ok := booking.NumberOfID(id); ok {
			m.Rebooked = a.vault.CodeOf(n)
		} else {
			m.Taken = id
		}
	}
	if m.Month, _, err = a.MarksOf(ctx, b.BookerKey, b.Date); err != nil {
		return m, err
	}
	if appeal != nil {
		if m.Appeal, err = a.openAppeal(appeal); err != nil {
			return m, err
		}
	}
	m.CanAppeal = b.State == booking.NoShow && appeal == nil
	if b.State == booking.NoShow && b.Units == 1 && b.Date == calendar.DateOf(now) && len(used) < rules.RebookTimes {
		m.OnSite, err = a.onSiteFor(ctx, b)
	}
	return m, err
}

// onSiteFor returns what is left today of the numbers of the queue of a booking, nil for nothing.
func (a *App) onSiteFor(ctx context.Context, b *booking.Booking) (*OnSiteView, error) {
	list, err := a.OnSiteLeft(ctx, b.HallID)
	if fault.CodeOf(err) == fault.HallNotFound {
		return nil, nil
	}
	for i, v := range list {
		if v.Queue.ID == b.QueueID && v.Open && v.Left+v.Unsold > 0 {
			return &list[i], err
		}
	}
	return nil, err
}

func (a *App) openAppeal(p *store.Appeal) (*AppealText, error) { return a.openSaid(p, "appeal|") }

func (a *App) openSaid(p *store.Appeal, about string) (*AppealText, error) {
	plain, err := a.unseal(p.Sealed, about+p.Booking, "")
	if err != nil {
		return nil, fault.Wrap(fault.InternalError, err)
	}
	t := &AppealText{*p, string(plain)}
	t.Sealed = nil
	return t, nil
}

// checkText reads what somebody wrote in a field of that name: trimmed, 1 to MaxAppeal characters.
func checkText(field, text string) (string, error) {
	text = strings.TrimSpace(strings.ToValidUTF8(text, ""))
	switch {
	case text == "":
		return "", fault.InvalidFields(fault.Field{Path: field, Code: fault.Required})
	case utf8.RuneCountInString(text) > MaxAppeal:
		return "", fault.InvalidFields(fault.Field{Path: field, Code: fault.TooLong})
	}
	return text, nil
}

// AppealMissed says why a signed-in person could not come (Art. 18): once a booking. The same again is the
// same appeal.
func (a *App) AppealMissed(ctx context.Context, who *identity.Session, code, text string) (*AppealText, error) {
	text, err := checkText("text", text)
	if err != nil {
		return nil, err
	}
	b, err := a.ownBooking(ctx, who, code)
	if err != nil {
		return nil, err
	}
	sealed := a.vault.Seal([]byte(text), "appeal|"+b.ID)
	var stands *store.Appeal
	added := false
	err = a.db.Update(ctx, func(tx *store.Tx) (err error) {
		if b, err = tx.Booking(ctx, b.ID); err != nil {
			return err
		}
		if stands, err = tx.Appeal(ctx, b.ID); err != nil || stands != nil {
			return err
		}
		if b.State != booking.NoShow {
			return fault.New(fault.NotMissed)
		}
		if added, err = tx.AddAppeal(ctx, store.Appeal{Booking: b.ID, HallID: b.HallID, Sealed: sealed}); err != nil {
			return err
		}
		stands, err = tx.Appeal(ctx, b.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	t, err := a.openAppeal(stands)
	switch {
	case err != nil || added || t.Text == text:
		return t, err
	case t.State == store.AppealWaiting:
		return nil, fault.New(fault.AppealWaits)
	}
	return nil, fault.New(fault.AppealDecided)
}

// overMissed is what deciding about missed hours takes: to serve at the hall. A token sits at no counter; one
// that may carry out does, as everybody who may that serves too.
func overMissed(ad *Admin) account.Action {
	if ad.Scopes != nil {
		return account.CarryOut
	}
	return account.Serve
}

// MissedView is a missed booking as staff of its hall see it: masked.
type MissedView struct {
	View   BookingView
	Appeal *AppealText
	Marks  booking.Marks // of the booker, in the span of the hour
}

// MissedQuery says which missed bookings staff want to see.
type MissedQuery struct {
	Hall    string // "" = all halls served
	Appeals bool   // those with an appeal, the longest waiting first; else all of Date at Hall
	State   store.AppealState
	Date    calendar.Date
	Offset  int
	Limit   int // 0 = 25, at most 200
}

// MissedHours lists missed bookings of halls an administrator serves, and how many there are.
func (a *App) MissedHours(ctx context.Context, ad *Admin, q MissedQuery) (list []MissedView, all int, err error) {
	if q.Hall != "" {
		if err := a.Allow(ad, overMissed(ad), q.Hall); err != nil {
			return nil, 0, err
		}
	}
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 25
	}
	var bookings []*booking.Booking
	appeals := map[string]*store.Appeal{}
	marks := map[string]booking.Marks{}
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		bookings = nil
		clear(appeals)
		if q.Appeals {
			found, n, err := tx.Appeals(ctx, store.AppealQuery{Scope: a.Scope(ad, overMissed(ad)), Hall: q.Hall, State: q.State, Offset: max(q.Offset, 0), Limit: q.Limit})
			if err != nil {
				return err
			}
			all = n
			for _, p := range found {
				appeals[p.Booking] = p
				b, err := tx.Booking(ctx, p.Booking)
				if err != nil {
					return err
				}
				if b != nil {
					bookings = append(bookings, b)
				}
			}
		} else {
			if q.Hall == "" {
				return fault.New(fault.HallNotFound)
			}
			var err error
			if bookings, all, err = tx.MissedOn(ctx, q.Hall, q.Date, max(q.Offset, 0), q.Limit); err != nil {
				return err
			}
			for _, b := range bookings {
				p, err := tx.Appeal(ctx, b.ID)
				if err != nil {
					return err
				}
				if p != nil {
					appeals[b.ID] = p
				}
			}
		}
		for _, b := range bookings {
			m, err := a.marksOf(ctx, tx, b.BookerKey, b.Date)
			if err != nil {
				return err
			}
			marks[b.ID] = m
		}
		return nil
	}); err != nil {
		return nil, 0, err
	}
	for _, b := range bookings {
		v := MissedView{Marks: marks[b.ID]}
		if v.View, err = a.shown(*b); err != nil {
			return nil, 0, err
		}
		if p := appeals[b.ID]; p != nil {
			if v.Appeal, err = a.openAppeal(p); err != nil {
				return nil, 0, err
			}
		}
		list = append(list, v)
	}
	return list, all, nil
}

// MissedHour returns one missed booking of a hall an administrator serves.
func (a *App) MissedHour(ctx context.Context, ad *Admin, hall, code string) (v MissedView, err error) {
	if err := a.Allow(ad, overMissed(ad), hall); err != nil {
		return v, err
	}
	n, ok := a.vault.NumberOf(code)
	if !ok {
		return v, fault.New(fault.BookingNotFound)
	}
	var b *booking.Booking
	var p *store.Appeal
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if b, err = tx.Booking(ctx, booking.IDOf(n)); err != nil {
			return err
		}
		if b == nil || b.HallID != hall || b.State != booking.NoShow && b.State != booking.Excused {
			return fault.New(fault.BookingNotFound)
		}
		if v.Marks, err = a.marksOf(ctx, tx, b.BookerKey, b.Date); err != nil {
			return err
		}
		p, err = tx.Appeal(ctx, b.ID)
		return err
	}); err != nil {
		return v, err
	}
	if v.View, err = a.shown(*b); err == nil && p != nil {
		v.Appeal, err = a.openAppeal(p)
	}
	return v, err
}

// Excuse sets a missed booking of a hall right, with or without an appeal: no mark is left (Art. 18). Staff
// who serve at the hall say why. The person is told.
func (a *App) Excuse(ctx context.Context, ad *Admin, hall, code, why string) error {
	return a.settleMissed(ctx, ad, hall, code, why, true)
}

// RefuseAppeal leaves a missed booking marked although its person appealed, and says why. The person is told.
func (a *App) RefuseAppeal(ctx context.Context, ad *Admin, hall, code, why string) error {
	return a.settleMissed(ctx, ad, hall, code, why, false)
}

func (a *App) settleMissed(ctx context.Context, ad *Admin, hall, code, why string, uphold bool) error {
	if err := a.Allow(ad, overMissed(ad), hall); err != nil {
		return err
	}
	why, err := checkText("why", why)
	if err != nil {
		return err
	}
	n, ok := a.vault.NumberOf(code)
	if !ok {
		return fault.New(fault.BookingNotFound)
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		b, err := tx.Booking(ctx, booking.IDOf(n))
		if err != nil {
			return err
		}
		if b == nil || b.HallID != hall {
			return fault.New(fault.BookingNotFound)
		}
		p, err := tx.Appeal(ctx, b.ID)
		if err != nil {
			return err
		}
		waits := p != nil && p.State == store.AppealWaiting
		r := ad.record("booking.excuse", "booking", b.ID)
		r.Hall, r.Why = hall, why
		switch {
		case uphold:
			excused, event, refused := b.Excuse(tx.Now)
			if refused != nil {
				return refused
			}
			saved, err := tx.AtHall(ctx, excused, event)
			if err != nil {
				return err
			}
			if !saved {
				return fault.New(fault.ChangedMeanwhile)
			}
			if waits {
				if _, err := tx.DecideAppeal(ctx, b.ID, store.AppealUpheld, ad.Account.ID, ""); err != nil {
					return err
				}
			}
			b = excused
			if err := a.strike(ctx, tx, b); err != nil {
				return err
			}
			if err := tell(ctx, tx, b, booking.MessageExcused); err != nil {
				return err
			}
		case p == nil:
			return fault.New(fault.AppealNotFound)
		case !waits:
			return fault.New(fault.AppealDecided)
		default:
			r.Act = "appeal.refuse"
			if done, err := tx.DecideAppeal(ctx, b.ID, store.AppealRefused, ad.Account.ID, why); err != nil || !done {
				return orElse(err, fault.New(fault.ChangedMeanwhile))
			}
			if err := tell(ctx, tx, b, booking.MessageAppealRefused); err != nil {
				return err
			}
		}
		if err := tx.MarkFigures(ctx, []oversight.HallDay{{HallID: b.HallID, Date: b.Date}}); err != nil {
			return err
		}
		r.After = asJSON(map[string]any{"state": b.State, "appeal": p != nil})
		return tx.Audit(ctx, r)
	})
}

// tell writes a message about a booking as it is now.
func tell(ctx context.Context, tx *store.Tx, b *booking.Booking, kind booking.MessageKind) error {
	return tx.InsertReminders(ctx, []booking.Message{{Booking: b.ID, HallID: b.HallID, Version: b.Version, Kind: kind, Due: tx.Now}})
}
