package app

import (
	"context"
	"encoding/json"
	"slices"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// Group is for whom the signed-in person is filling in a request for several people: kept sealed for a day, as the
// list of a batch is.
type Group struct {
	Applicants []Applicant // in clear: to be booked, never shown
	Shown      []GroupMember
}

// GroupMember is one of a group as its booker sees them: masked.
type GroupMember struct {
	Person   MaskedParty
	Document identity.DocumentKind // of a person
}

func groupID(id string) string { return "together " + id }

// Group returns the group under an id of the asker's; an empty one where there is none.
func (a *App) Group(ctx context.Context, who *identity.Session, id string) (g Group, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		g.Applicants, err = a.readGroup(ctx, tx, who, id)
		return err
	})
	if err != nil {
		return Group{}, err
	}
	for _, ap := range g.Applicants {
		parties, _, err := a.parties(ctx, who, ap)
		if err != nil {
			return Group{}, err
		}
		g.Shown = append(g.Shown, GroupMember{mask(parties.Applicant, ap.Kind), parties.Applicant.Document.Kind})
	}
	return g, nil
}

// AddToGroup adds an applicant to a group. What is wrong with them, or that they are in it already, is refused with
// the fields of Book, a full one as applicants: out_of_range. A kept person is copied: whoever is forgotten
// meanwhile stays in it.
func (a *App) AddToGroup(ctx context.Context, who *identity.Session, id string, ap Applicant) error {
	parties, key, err := a.parties(ctx, who, ap)
	if err != nil {
		return err
	}
	if p := parties.Applicant; ap.Kind != booking.Self {
		ap = Applicant{Kind: ap.Kind, Name: p.Name, Document: p.Document, Birth: p.Birth, Phone: p.Phone, CreditCode: p.CreditCode}
	}
	most := a.Rules(calendar.DateOf(a.now())).GroupMost
	return a.changeGroup(ctx, who, id, func(list []Applicant) ([]Applicant, error) {
		if len(list) >= most {
			return nil, fault.InvalidFields(fault.Field{Path: "applicants", Code: fault.OutOfRange})
		}
		for _, other := range list {
			if _, same, err := a.parties(ctx, who, other); err != nil || same == key {
				path := "applicant.document.number"
				if ap.Kind == booking.Organisation {
					path = "applicant.credit_code"
				}
				return nil, orElse(err, error(fault.InvalidFields(fault.Field{Path: path, Code: fault.ListedTwice})))
			}
		}
		return append(list, ap), nil
	})
}

// RemoveFromGroup takes the n-th applicant out of a group, from 1.
func (a *App) RemoveFromGroup(ctx context.Context, who *identity.Session, id string, n int) error {
	return a.changeGroup(ctx, who, id, func(list []Applicant) ([]Applicant, error) {
		if n < 1 || n > len(list) {
			return nil, fault.InvalidFields(fault.Field{Path: "remove", Code: fault.NotOneOf})
		}
		return slices.Delete(list, n-1, n), nil
	})
}

func (a *App) changeGroup(ctx context.Context, who *identity.Session, id string, change func([]Applicant) ([]Applicant, error)) error {
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		list, err := a.readGroup(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if list, err = change(list); err != nil {
			return err
		}
		plain, err := json.Marshal(list)
		if err != nil {
			return err
		}
		return tx.SaveList(ctx, who.Person.Key, groupID(id), a.vault.Seal(plain, "list|"+groupID(id)))
	})
	if err != nil {
		return notDone(err)
	}
	return nil
}

func (a *App) readGroup(ctx context.Context, tx *store.Tx, who *identity.Session, id string) (list []Applicant, err error) {
	sealed, err := tx.List(ctx, who.Person.Key, groupID(id))
	if err != nil || sealed == nil {
		return nil, err
	}
	plain, err := a.vault.Open(sealed, "list|"+groupID(id))
	if err == nil {
		err = json.Unmarshal(plain, &list)
	}
	if err != nil {
		return nil, fault.Wrap(fault.InternalError, err)
	}
	return list, nil
}

// GroupMost is how many people may be booked for in one step today; below 2 there is no such thing.
func (a *App) GroupMost() int { return a.Rules(calendar.DateOf(a.now())).GroupMost }

// RunsOn are the runs of a day for so many people, by their first hour.
func (a *App) RunsOn(d DayView, people int) (out [][]string) {
	for _, s := range d.Slots {
		if run := a.Run(s.ID, people); run != nil {
			out = append(out, run)
		}
	}
	return out
}

// Fits tells whether the slots of several people still have numbers for all of them.
func (a *App) Fits(slots []string) bool {
	need := map[string]int{}
	for _, s := range slots {
		need[s]++
	}
	for s, n := range need {
		if v, ok := a.Slot(s); !ok || v.State != SlotFree || v.Free < n {
			return false
		}
	}
	return len(slots) > 0
}

// InGroup tells whether an applicant is in a group already.
func (a *App) InGroup(ctx context.Context, who *identity.Session, g Group, ap Applicant) bool {
	_, key, err := a.parties(ctx, who, ap)
	for _, other := range g.Applicants {
		if _, same, wrong := a.parties(ctx, who, other); err == nil && wrong == nil && same == key {
			return true
		}
	}
	return false
}
