package app

import (
	"context"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// DeskBooking asks for a booking of somebody who stands at the desk and has shown their document there.
type DeskBooking struct {
	Key      string // idempotency key, as of BookRequest
	Item     string
	SlotID   string // of the hall
	Stage    directory.Stage
	Units    int // 0 counts as 1
	Name     string
	Document identity.Document
	Birth    string // 2006-01-02, with a passport
	Phone    string // "" for none: nothing is sent then
}

// BookAtDesk books for somebody who stands at the desk of a hall: in their name, with their limits, as if
// they had signed in with the document they show; in the minute of a draw they are entered in it. Wrong fields are named "name", "document.number", "birth",
// "phone" and so on. Needs Serve over the hall; who did it is entered in the log.
func (a *App) BookAtDesk(ctx context.Context, ad *Admin, hall string, r DeskBooking) (Receipt, error) {
	if err := a.Allow(ad, account.Serve, hall); err != nil {
		return Receipt{}, err
	}
	queue, _, _, ok := booking.ParseSlotID(r.SlotID)
	q := a.City().Queue(queue)
	if !ok || q == nil || q.HallID != hall {
		return Receipt{}, a.told(fault.New(fault.SlotNotFound))
	}
	p := booking.Party{Name: r.Name, Document: r.Document, Birth: r.Birth, Phone: r.Phone}.Normalised()
	if p.Document.Kind != identity.Passport {
		p.Birth, p.Document.Nationality = "", ""
	}
	if err := checkParty(p, booking.Other, calendar.DateOf(a.now())); err != nil {
		return Receipt{}, a.told(bare(err))
	}
	if err := a.db.View(ctx, func(tx *store.Tx) error { return still(ctx, tx, ad) }); err != nil {
		return Receipt{}, err
	}
	// The document is here and somebody has looked from it to the person: as sure as a face that was matched.
	who := &identity.Session{Person: identity.Person{Name: p.Name, Document: p.Document, Birth: p.Birth, Phone: p.Phone, Level: identity.Verified}}
	who.Person.Key = a.bookerKey(who.Person)
	receipt, err := a.Book(ctx, who, BookRequest{
		Key: r.Key, Item: r.Item, SlotID: r.SlotID, Stage: r.Stage, Units: r.Units, Applicant: Applicant{Kind: booking.Self}, Channel: booking.Desk,
	})
	if err != nil {
		return receipt, err
	}
	about := map[string]string{"item": r.Item, "slot": r.SlotID}
	rec := ad.record("booking.on_behalf", "booking", receipt.View.Booking.ID)
	if receipt.Entry != nil {
		rec = ad.record("draw.on_behalf", "booking", receipt.View.Booking.ID)
		about["draw"] = receipt.Entry.Draw
	}
	rec.Hall, rec.After = hall, asJSON(about)
	return receipt, a.db.Update(ctx, func(tx *store.Tx) error {
		// Asked again under the same key, it is entered if it was not: a node may have gone in between.
		before, err := tx.FindAudit(ctx, store.AuditFilter{Noun: rec.Noun, Key: rec.Key}, 1)
		if err != nil || len(before) > 0 {
			return err
		}
		return tx.Audit(ctx, rec)
	})
}
