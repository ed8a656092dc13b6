package app

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// BookingView is a booking as its booker sees it. Names and numbers are masked.
type BookingView struct {
	Code        string // as people read it, XXXX-XXXX-X
	Booking     booking.Booking
	Item        *directory.Item
	Hall        *directory.Hall
	Queue       *directory.Queue
	Booker      MaskedParty
	Applicant   MaskedParty
	CancelUntil time.Time // cancel or move until this instant (Art. 17)
	CanChange   bool      // now is not after it, and the booking is active; always while a choice is waited for
	Lost        *Loss     // set while the booking waits for its person to choose another hour
}

// Loss is the hour that was taken away from a booking, and until when its person chooses. Whether a number
// is kept for them the booking's state tells: if it is displaced, in the slot it names.
type Loss struct {
	Request string // the adjustment that took it
	Hall    *directory.Hall
	HallID  string
	Date    calendar.Date
	Hour    int
	Closed  bool // the hall is closed then; else it has fewer numbers
	Until   time.Time
}

// MaskedParty is a person or organisation as shown where others may look.
type MaskedParty struct {
	Kind   booking.ApplicantKind
	Name   string // 陳*
	Number string // masked document number or credit code
	Phone  string // 138****5678
}

// Booking returns one of the signed-in person's bookings by its code.
func (a *App) Booking(ctx context.Context, who *identity.Session, code string) (BookingView, error) {
	b, err := a.ownBooking(ctx, who, code)
	if err != nil {
		return BookingView{}, err
	}
	return a.view(ctx, *b)
}

// MyActive returns the signed-in person's active bookings: those that wait for a choice, then soonest first.
func (a *App) MyActive(ctx context.Context, who *identity.Session) ([]BookingView, error) {
	var list []*booking.Booking
	err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.ActiveOf(ctx, who.Person.Key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.views(ctx, list)
}

// MyBookings returns the signed-in person's bookings, newest made first, from after cursor on; next is
// "" when there are no more.
func (a *App) MyBookings(ctx context.Context, who *identity.Session, cursor string, limit int) (page []BookingView, next string, err error) {
	if cursor != "" {
		if _, ok := booking.NumberOfID(cursor); !ok {
			return nil, "", fault.New(fault.CursorInvalid)
		}
	}
	limit = min(max(limit, 1), 100)
	var list []*booking.Booking
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.BookingsOf(ctx, who.Person.Key, cursor, limit+1)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if len(list) > limit {
		list = list[:limit]
		next = list[limit-1].ID
	}
	page, err = a.views(ctx, list)
	return page, next, err
}

// Find returns a booking by its code and one fact about its booker: the last four characters of the
// document number, or the birth date. Whether the code exists is not told by a wrong fact.
func (a *App) Find(ctx context.Context, code, fact string) (BookingView, error) {
	n, ok := a.vault.NumberOf(code)
	if !ok {
		return BookingView{}, fault.New(fault.BookingNotFound)
	}
	b, err := a.readBooking(ctx, booking.IDOf(n))
	if err != nil {
		return BookingView{}, err
	}
	if b == nil {
		return BookingView{}, fault.New(fault.BookingNotFound)
	}
	p, err := a.open(b)
	if err != nil {
		return BookingView{}, err
	}
	if !matchesFact(p.Booker, fact) && !matchesFact(p.Applicant, fact) {
		return BookingView{}, fault.New(fault.BookingNotFound)
	}
	return a.view(ctx, *b)
}

// matchesFact compares what somebody typed with the last four of the number and the birth date.
func matchesFact(p booking.Party, fact string) bool {
	fact = strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '/' || r == '.' {
			return -1
		}
		return r
	}, fact))
	number := p.Document.Number
	if p.CreditCode != "" {
		number = p.CreditCode
	}
	if len(fact) == 4 && len(number) >= 4 && number[len(number)-4:] == fact {
		return true
	}
	if len(fact) != 8 {
		return false
	}
	if strings.ReplaceAll(p.Birth, "-", "") == fact {
		return true
	}
	birth, ok := identity.Birth(p.Document)
	return ok && strings.ReplaceAll(birth.String(), "-", "") == fact
}

// ownBooking reads a booking by code; another person's is as absent as none.
func (a *App) ownBooking(ctx context.Context, who *identity.Session, code string) (*booking.Booking, error) {
	n, ok := a.vault.NumberOf(code)
	if !ok {
		return nil, fault.New(fault.BookingNotFound)
	}
	b, err := a.readBooking(ctx, booking.IDOf(n))
	if err != nil {
		return nil, err
	}
	if b == nil || b.BookerKey != who.Person.Key {
		return nil, fault.New(fault.BookingNotFound)
	}
	return b, nil
}

func (a *App) readBooking(ctx context.Context, id string) (b *booking.Booking, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		b, err = tx.Booking(ctx, id)
		return err
	})
	return b, err
}

func (a *App) open(b *booking.Booking) (booking.Parties, error) {
	var p booking.Parties
	plain, err := a.unseal(b.Sealed, "booking|"+b.ID, "{}")
	if err != nil {
		return p, fault.Wrap(fault.InternalError, err)
	}
	return p, json.Unmarshal(plain, &p)
}

func (a *App) receipt(ctx context.Context, answer booking.Answer) (Receipt, error) {
	v, err := a.view(ctx, answer.Booking)
	return Receipt{View: v, Replayed: answer.Replayed}, err
}

func (a *App) view(ctx context.Context, b booking.Booking) (BookingView, error) {
	list, err := a.views(ctx, []*booking.Booking{&b})
	if err != nil {
		return BookingView{}, err
	}
	return list[0], nil
}

func (a *App) views(ctx context.Context, list []*booking.Booking) ([]BookingView, error) {
	out := make([]BookingView, 0, len(list))
	for _, b := range list {
		v, err := a.shown(*b)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, a.tellLosses(ctx, out)
}

// tellLosses adds what was lost to the views of bookings that wait for a choice.
func (a *App) tellLosses(ctx context.Context, views []BookingView) error {
	var choosing []string
	for _, v := range views {
		if v.Booking.State.Choosing() {
			choosing = append(choosing, v.Booking.ID)
		}
	}
	if len(choosing) == 0 {
		return nil
	}
	var waiting map[string]*booking.Displacement
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		waiting, err = tx.WaitingOf(ctx, choosing)
		return err
	}); err != nil {
		return err
	}
	for i := range views {
		// One that was chosen since the booking was read is shown without; the next look shows the choice.
		if d := waiting[views[i].Booking.ID]; d != nil && d.Version == views[i].Booking.Version {
			views[i].Lost = &Loss{
				Request: d.Request, Hall: a.City().Hall(d.HallID), HallID: d.HallID, Date: d.Date, Hour: d.Hour, Closed: d.Closed,
				Until: d.Until.In(calendar.Zone),
			}
		}
	}
	return nil
}

// shown is all of a view that the booking itself tells.
func (a *App) shown(b booking.Booking) (BookingView, error) {
	p, err := a.open(&b)
	if err != nil {
		return BookingView{}, err
	}
	return a.shownWith(b, p)
}

// shownWith is shown for who has opened the persons of the booking already.
func (a *App) shownWith(b booking.Booking, p booking.Parties) (BookingView, error) {
	n, ok := booking.NumberOfID(b.ID)
	if !ok {
		return BookingView{}, fault.New(fault.InternalError)
	}
	city := a.City()
	until := booking.CancelUntil(b.End(), a.Rules(b.Date))
	return BookingView{
		Code: a.vault.CodeOf(n), Booking: b, Item: city.Item(b.Item), Hall: city.Hall(b.HallID), Queue: city.Queue(b.QueueID),
		Booker: mask(p.Booker, booking.Self), Applicant: mask(p.Applicant, b.Applicant),
		CancelUntil: until, CanChange: b.State.Choosing() || b.State.Active() && !a.now().After(until),
	}, nil
}

// Whom is the name of somebody else than the booker, "" for oneself.
func (m MaskedParty) Whom() string {
	if m.Kind == booking.Self {
		return ""
	}
	return m.Name
}

func mask(p booking.Party, kind booking.ApplicantKind) MaskedParty {
	m := MaskedParty{Kind: kind, Name: identity.MaskName(p.Name), Number: identity.MaskNumber(p.Document.Number), Phone: identity.MaskPhone(p.Phone)}
	if p.CreditCode != "" {
		m.Name, m.Number = identity.MaskOrganisation(p.Name), identity.MaskCreditCode(p.CreditCode)
	}
	return m
}
