package app

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// MostKept is how many people somebody may keep.
const MostKept = 10

// KeptPerson is somebody a person looks after, as shown in their list.
type KeptPerson struct {
	ID       string
	Person   MaskedParty
	Document identity.DocumentKind
	Kept     time.Time
}

// KeepPerson remembers a natural person the signed-in person books for. key is the idempotency key:
// the same key with the same person gives the entry again, with another one it is refused. Wrong
// fields are named "name", "document.number" and so on; an eleventh person is "people: out_of_range".
func (a *App) KeepPerson(ctx context.Context, who *identity.Session, key string, p booking.Party) (KeptPerson, error) {
	if err := checkKey(key); err != nil {
		return KeptPerson{}, err
	}
	party := booking.Party{
		Name: identity.NormaliseName(p.Name), Document: identity.Normalise(p.Document),
		Birth: p.Birth, Phone: identity.NormalisePhone(p.Phone),
	}
	if party.Document.Kind != identity.Passport {
		party.Birth, party.Document.Nationality = "", ""
	}
	if err := checkParty(party, booking.Other, calendar.DateOf(a.now())); err != nil {
		return KeptPerson{}, bare(err)
	}
	plain, err := json.Marshal(party)
	if err != nil {
		return KeptPerson{}, err
	}
	owner := string(who.Person.Key)
	// The id follows from owner and key, so a repeated request finds what the first one left.
	id := a.vault.Lookup("kept", owner+"|"+key)
	id = id[:min(len(id), 24)]
	sealed := a.vault.Seal(plain, "kept|"+id)
	var before *store.KeptPerson
	entry := store.KeptPerson{Owner: owner, ID: id, Sealed: sealed}
	full := false
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		before, full = nil, false
		if err := tx.LockKept(ctx, owner); err != nil {
			return err
		}
		list, err := tx.KeptOf(ctx, owner)
		if err != nil {
			return err
		}
		for i := range list {
			if list[i].ID == id {
				before = &list[i]
				return nil
			}
		}
		if full = len(list) >= MostKept; full {
			return nil
		}
		entry.CreatedAt = tx.Now
		return tx.InsertKept(ctx, entry)
	})
	switch {
	case err != nil:
		return KeptPerson{}, notDone(err)
	case full:
		return KeptPerson{}, fault.InvalidFields(fault.Field{Path: "people", Code: fault.OutOfRange})
	case before != nil:
		was, err := a.openKept(*before)
		if err != nil {
			return KeptPerson{}, err
		}
		if was != party {
			return KeptPerson{}, fault.New(fault.KeyReused)
		}
		return keptView(*before, was), nil
	}
	return keptView(entry, party), nil
}

// KeptPeople lists the people the signed-in person looks after, first kept first, masked.
func (a *App) KeptPeople(ctx context.Context, who *identity.Session) ([]KeptPerson, error) {
	var list []store.KeptPerson
	err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.KeptOf(ctx, string(who.Person.Key))
		return err
	})
	if err != nil {
		return nil, notDone(err)
	}
	out := make([]KeptPerson, 0, len(list))
	for _, k := range list {
		p, err := a.openKept(k)
		if err != nil {
			return nil, err
		}
		out = append(out, keptView(k, p))
	}
	return out, nil
}

// ForgetPerson forgets one of them. One that is not there, or somebody else's, is as good as forgotten.
func (a *App) ForgetPerson(ctx context.Context, who *identity.Session, id string) error {
	err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.DeleteKept(ctx, string(who.Person.Key), id) })
	if err != nil {
		return notDone(err)
	}
	return nil
}

// keptPerson returns one of the signed-in person's kept people in clear, to be put on a booking.
func (a *App) keptPerson(ctx context.Context, who *identity.Session, id string) (booking.Party, error) {
	var list []store.KeptPerson
	err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.KeptOf(ctx, string(who.Person.Key))
		return err
	})
	if err != nil {
		return booking.Party{}, notDone(err)
	}
	for _, k := range list {
		if k.ID == id {
			return a.openKept(k)
		}
	}
	return booking.Party{}, fault.InvalidFields(fault.Field{Path: "applicant.kept", Code: fault.NotOneOf})
}

func (a *App) openKept(k store.KeptPerson) (p booking.Party, err error) {
	plain, err := a.vault.Open(k.Sealed, "kept|"+k.ID)
	if err != nil {
		return p, fault.Wrap(fault.InternalError, err)
	}
	return p, json.Unmarshal(plain, &p)
}

func keptView(k store.KeptPerson, p booking.Party) KeptPerson {
	return KeptPerson{ID: k.ID, Person: mask(p, booking.Other), Document: p.Document.Kind, Kept: k.CreatedAt.In(calendar.Zone)}
}

// bare takes the "applicant." off the fields of an error: there is no applicant around the person.
func bare(err error) error {
	f := fault.As(err)
	fields := make([]fault.Field, len(f.Fields))
	for i, v := range f.Fields {
		fields[i] = fault.Field{Path: strings.TrimPrefix(v.Path, "applicant."), Code: v.Code}
	}
	return fault.InvalidFields(fields...)
}

// notDone makes a fault of an error of the database: what was not written may be tried again.
func notDone(err error) error {
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, store.ErrUnknown):
		return fault.Wrap(fault.OutcomeUnknown, err).After(time.Second)
	}
	return fault.Wrap(fault.Busy, err).After(time.Second)
}
