package app_test

import (
	"fmt"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// Accounts that give up a place and take it again for somebody else are told of; people who change their mind are not.
func TestArt22_PlacesGivenUpAndTakenAgainByRelatedAccountsAreAnAnomaly(t *testing.T) {
	for name, others := range map[string]bool{"for another": true, "for the same": false} {
		t.Run(name, func(t *testing.T) {
			alertOnBoth(t, func(p *pressed) {
				free := p.FreeSlots(apptest.QueueStreet)
				if len(free) == 0 {
					t.Fatal("no free number")
				}
				first, _ := p.App.Slot(free[0])
				d := first.Date
				p.history(apptest.HallStreet, apptest.QueueStreet, 3, 0)
				p.update(func(tx *store.Tx) error {
					for c := d - 60; c < d; c++ {
						if err := tx.SaveHands(p.Context(), apptest.HallStreet, c, oversight.Hands{Bookings: 21, Accounts: 21, Given: 4}); err != nil {
							return err
						}
					}
					return nil
				})
				n := 0
				for _, id := range free {
					if s, _ := p.App.Slot(id); s.Date != d || n == 3 {
						continue
					}
					n++
					who := p.signIn(4000 + n)
					relative := apptest.Citizen(5000 + n)
					code := p.take(who, id, app.Applicant{Kind: booking.Self})
					if _, err := p.App.Cancel(p.Context(), who, app.CancelRequest{Key: fmt.Sprintf("give-%06d", n), Code: code, Channel: booking.Web}); err != nil {
						p.Fatal(err)
					}
					p.Clock.Add(30 * time.Minute) // whatever the chance, it is open again by now
					if err := p.App.ServeWaits(p.Context()); err != nil {
						p.Fatal(err)
					}
					again := app.Applicant{Kind: booking.Self}
					if others {
						again = app.Applicant{Kind: booking.Other, Name: relative.Name, Document: relative.Document}
					}
					p.take(who, id, again)
				}
				if n != 3 {
					p.Fatalf("%d free numbers on %s", n, d)
				}
				p.dayOf(apptest.HallStreet, apptest.QueueStreet, d, 3, 0)
				p.at(d+1, 12, 5)
				want := 0
				if others {
					want = 1
				}
				p.watch(want)
				list := p.found("AS", app.AnomalyFilter{Kind: oversight.AnomalyRegrab})
				if len(list) != want || want == 1 && (list[0].Seen != 3 || list[0].Of != 3 || list[0].Date != d) {
					p.Errorf("%+v", list)
				}
			})
		})
	}
}

func (p *pressed) signIn(serial int) *identity.Session {
	p.Helper()
	_, who := p.SignIn(p, apptest.Citizen(serial))
	return who
}

// take books a number and returns its code.
func (p *pressed) take(who *identity.Session, slot string, a app.Applicant) string {
	p.Helper()
	p.serial++
	r, err := p.App.Book(p.Context(), who, app.BookRequest{
		Key: fmt.Sprintf("take-%06d", p.serial), Item: apptest.SocialCard, SlotID: slot, Stage: directory.Acceptance, Applicant: a, Channel: booking.Web,
	})
	if err != nil {
		p.Fatal(err)
	}
	return r.View.Code
}
