package app

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
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
	a.Tried(who, r.Key, err)
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
			return nil, AboutApplicant(err, i)
		}
		if seen[applicant] {
			return nil, AboutApplicant(fault.InvalidFields(fault.Field{Path: "applicant", Code: fault.ListedTwice}), i)
		}
		seen[applicant] = true
		if d, err := a.drawOf(ctx, r.Slots[i]); err != nil {
			return nil, err
		} else if d != nil { // an entry in a draw is for one number: several are booked once it is done
			return nil, fault.New(fault.DrawSingly).After(d.Until.Sub(a.now()))
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
		return nil, a.explain(ctx, who, err, wanted{r.Item, r.Stage, r.Slots[0], len(r.Slots)})
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

// AboutApplicant says of an error which of several applicants it is about, the n-th from 0: arg applicant counts from 1.
func AboutApplicant(err error, n int) error {
	f := *fault.As(err)
	f.Args = copyArgs(&f)
	f.Args["applicant"] = strconv.Itoa(n + 1)
	f.Fields = slices.Clone(f.Fields)
	for i, bad := range f.Fields {
		if rest, ok := strings.CutPrefix(bad.Path, "applicant"); ok {
			f.Fields[i].Path = "applicants." + strconv.Itoa(n) + rest
		}
	}
	return &f
}

// Run finds an hour for each of so many people, in their order, from a slot on: as many as it has numbers for, the
// next ones in the hours that follow it. nil where they do not all fit. The numbers may be gone a moment later.
func (a *App) Run(slot string, people int) []string {
	queue, date, hour, ok := booking.ParseSlotID(slot)
	if !ok || people < 1 {
		return nil
	}
	var run []string
	for ; len(run) < people; hour++ {
		v, ok := a.Slot(booking.SlotID(queue, date, hour))
		if !ok || v.State != SlotFree {
			return nil
		}
		for range min(v.Free, people-len(run)) {
			run = append(run, v.ID)
		}
	}
	return run
}

// QuoteTogether is Quote for several people: the hours in which all of them fit from the slot on.
func (a *App) QuoteTogether(ctx context.Context, who *identity.Session, item, slot string, stage directory.Stage, people int) (Quote, []string, error) {
	if most := a.Rules(calendar.DateOf(a.now())).GroupMost; people < 2 || people > most {
		return Quote{}, nil, fault.InvalidFields(fault.Field{Path: "people", Code: fault.OutOfRange})
	}
	q, err := a.quote(ctx, who, wanted{item, stage, slot, 1}, "together")
	if err != nil {
		return Quote{}, nil, err
	}
	if d, err := a.drawOf(ctx, slot); err == nil && d != nil {
		return Quote{}, nil, fault.New(fault.DrawSingly).After(d.Until.Sub(a.now()))
	}
	run := a.Run(slot, people)
	if run == nil {
		a.Tried(who, q.Key, fault.New(fault.SoldOut))
		return Quote{}, nil, a.explain(ctx, who, fault.New(fault.SoldOut), wanted{item, stage, slot, people})
	}
	return q, run, nil
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
