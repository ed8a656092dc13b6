package app

import (
	"context"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// DisplacedPage is a part of those who lost an hour to a request.
type DisplacedPage struct {
	Request supply.Request
	Counts  map[booking.Choice]int
	Named   bool // who looks may see masked names, and have phones shown
	People  []DisplacedView
}

// All is how many lost an hour in all.
func (p DisplacedPage) All() int {
	n := 0
	for _, c := range p.Counts {
		n += c
	}
	return n
}

// DisplacedView is one of them. Without the power to reveal there are no names in View.
type DisplacedView struct {
	booking.Displacement
	View BookingView
}

// Displaced lists who lost an hour to a request of a hall the administrator may supervise, and who of them
// has not chosen yet: of one state, or of all (""), from offset on.
func (a *App) Displaced(ctx context.Context, ad *Admin, request string, state booking.Choice, offset, limit int) (DisplacedPage, error) {
	return a.displaced(ctx, ad, request, state, offset, limit, nil)
}

// WalkDisplaced returns the next piece of them, of a Walk by booking and version.
func (a *App) WalkDisplaced(ctx context.Context, ad *Admin, request string, state booking.Choice, w *Walk) (DisplacedPage, error) {
	return a.displaced(ctx, ad, request, state, 0, 0, w)
}

func (a *App) displaced(ctx context.Context, ad *Admin, request string, state booking.Choice, offset, limit int, w *Walk) (DisplacedPage, error) {
	r, err := a.Request(ctx, ad, request)
	if err != nil {
		return DisplacedPage{}, err
	}
	p := DisplacedPage{Request: r.Request, Counts: map[booking.Choice]int{}, Named: a.May(ad, account.Reveal, r.HallID)}
	var list []*booking.Displacement
	var bookings map[string]*booking.Booking
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		counts, err := tx.ChoiceCounts(ctx, request)
		if err != nil {
			return err
		}
		clear(p.Counts)
		for hall, of := range counts {
			if hall != r.HallID {
				continue
			}
			for s, n := range of {
				p.Counts[s] += n
			}
		}
		if list, err = tx.Displaced(ctx, store.DisplacedQuery{
			Request: request, Scope: a.Scope(ad, account.Supervise), State: state, Offset: max(offset, 0), Limit: min(max(limit, 1), 200), Walk: w,
		}); err != nil {
			return err
		}
		ids := map[string]struct{}{}
		for _, d := range list {
			ids[d.Booking] = struct{}{}
		}
		bookings, err = tx.BookingsByID(ctx, ids)
		return err
	}); err != nil {
		return DisplacedPage{}, err
	}
	for _, d := range list {
		b := bookings[d.Booking]
		if b == nil {
			if w != nil { // a Walk leaves out nobody
				p.People = append(p.People, DisplacedView{Displacement: *d})
			}
			continue
		}
		v, err := a.shown(*b)
		if err != nil {
			return DisplacedPage{}, err
		}
		if !p.Named {
			v.Booker, v.Applicant = MaskedParty{}, MaskedParty{}
		}
		p.People = append(p.People, DisplacedView{*d, v})
	}
	return p, nil
}

// RevealPhone returns the phone of the booker of one of them, so that somebody without messages can be
// called. It takes the power to reveal and a fresh proof, and is written into the log.
func (a *App) RevealPhone(ctx context.Context, ad *Admin, request, code string) (string, error) {
	r, err := a.Request(ctx, ad, request)
	if err != nil {
		return "", err
	}
	if err := a.Allow(ad, account.Reveal, r.HallID); err != nil {
		return "", err
	}
	if err := a.Proven(ad); err != nil {
		return "", err
	}
	n, ok := a.vault.NumberOf(code)
	if !ok {
		return "", fault.New(fault.BookingNotFound)
	}
	id, phone := booking.IDOf(n), ""
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		d, err := tx.DisplacementOf(ctx, request, id)
		if err != nil {
			return err
		}
		b, err := tx.Booking(ctx, id)
		if err != nil {
			return err
		}
		if d == nil || b == nil || d.HallID != r.HallID {
			return fault.New(fault.BookingNotFound)
		}
		p, err := a.open(b)
		if err != nil {
			return err
		}
		phone = p.Booker.Phone
		return tx.Audit(ctx, store.AuditRecord{
			Account: ad.Account.ID, Rank: string(ad.Account.Rank), Act: "booking.reveal_phone", Noun: "booking", Key: id, Hall: r.HallID, Why: request, From: ad.Origin,
		})
	})
	if err != nil {
		return "", err
	}
	return phone, nil
}

// Unchosen is how many people of one hall a request leaves without a choice yet.
type Unchosen = store.Unchosen

// Unchosen lists the requests after which people of the administrator's halls, or of one of them, have not
// chosen yet, those with the least time first, and how many there are.
func (a *App) Unchosen(ctx context.Context, ad *Admin, hall string, offset, limit int) (list []Unchosen, all int, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		list, all, err = tx.Unchosen(ctx, a.Scope(ad, account.Supervise), hall, max(offset, 0), min(max(limit, 1), 200))
		return err
	})
	return list, all, err
}
