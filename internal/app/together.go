package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// TogetherRequest asks for a number each of several applicants of the signed-in person, all or none.
type TogetherRequest struct {
	Key        string // idempotency key, as in BookRequest: of the whole
	Item       string
	Stage      directory.Stage
	Slots      []string // for each applicant, in their order: of one queue and day, in one hour or in hours that follow each other
	Applicants []Applicant
	Channel    booking.Channel
}

// BookTogether books for several applicants in one step (ADR 0029). A refusal tells with arg applicant, from 1, whom
// it is about. Afterwards each booking is moved and cancelled for itself.
func (a *App) BookTogether(ctx context.Context, who *identity.Session, r TogetherRequest) ([]Receipt, error) {
	out, err := a.bookTogether(ctx, who, r)
	if err != nil {
		a.refused(fault.CodeOf(err))
	}
	return out, err
}

func (a *App) bookTogether(ctx context.Context, who *identity.Session, r TogetherRequest) ([]Receipt, error) {
	if err := checkKey(r.Key); err != nil {
		return nil, err
	}
	most := a.Rules(calendar.DateOf(a.now())).GroupMost
	if len(r.Applicants) < 2 || len(r.Applicants) > most || len(r.Slots) != len(r.Applicants) {
		return nil, fault.InvalidFields(fault.Field{Path: "applicants", Code: fault.OutOfRange})
	}
	if !inOneRun(r.Slots) {
		return nil, fault.InvalidFields(fault.Field{Path: "slots", Code: fault.BadFormat})
	}
	var ask booking.Together
	var all []booking.Parties
	seen := map[identity.Key]bool{}
	asked := []string{"together", r.Item, string(r.Stage)}
	for i, ap := range r.Applicants {
		offer, err := a.offer(r.Item, r.Slots[i])
		if err != nil {
			return nil, err
		}
		parties, applicant, err := a.parties(ctx, who, ap)
		if err != nil {
			return nil, err
		}
		if seen[applicant] {
			return nil, fault.InvalidFields(fault.Field{Path: fmt.Sprintf("applicants.%d", i), Code: fault.ListedTwice})
		}
		seen[applicant] = true
		if d, err := a.drawOf(ctx, r.Slots[i]); err != nil {
			return nil, err
		} else if d != nil { // an entry in a draw is for one number: several are booked once it is done
			return nil, fault.New(fault.DrawRunning).After(d.Until.Sub(a.now()))
		}
		n, err := a.ids.next(ctx, a.db)
		if err != nil {
			return nil, fault.Wrap(fault.Busy, err).After(time.Second)
		}
		id := booking.IDOf(n)
		plain, err := json.Marshal(parties)
		if err != nil {
			return nil, err
		}
		asked = append(asked, r.Slots[i], string(ap.Kind), string(applicant))
		all = append(all, parties)
		ask.Books = append(ask.Books, &booking.Book{
			Key: booking.TogetherKey(r.Key, i), ID: id, Who: booking.Who{Key: who.Person.Key, Level: who.Person.Level}, Applicant: ap.Kind, For: applicant,
			Offer: offer, SlotID: r.Slots[i], Stage: r.Stage, Units: 1, Channel: r.Channel, Sealed: a.vault.Seal(plain, "booking|"+id),
		})
	}
	hash := digest(asked...)
	for _, b := range ask.Books {
		b.Hash = hash
	}
	if _, err := a.ask(ctx, &ask); err != nil {
		return nil, a.explain(ctx, who, err, wanted{r.Item, r.Stage, r.Slots[0], 1})
	}
	out := make([]Receipt, len(ask.Answers))
	for i, answer := range ask.Answers {
		var err error
		if answer.Replayed {
			out[i], err = a.receipt(ctx, answer)
		} else {
			out[i].View, err = a.shownWith(answer.Booking, all[i])
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// inOneRun tells whether slots are of one queue and day, in hours that do not go back and leave none out.
func inOneRun(slots []string) bool {
	queue, date, last, ok := booking.ParseSlotID(slots[0])
	for _, id := range slots[1:] {
		q, d, hour, fine := booking.ParseSlotID(id)
		if !ok || !fine || q != queue || d != date || hour != last && hour != last+1 {
			return false
		}
		last = hour
	}
	return ok
}
