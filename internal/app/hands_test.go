package app_test

import (
	"fmt"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
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

// Numbers that come into few hands are told of: accounts that book one group after the other. What people do every day is not:
// families in one step, somebody who changes their mind, an agent with a day's claims of firms.
func TestArt22_ManyNumbersInFewHandsAreAnAnomaly(t *testing.T) {
	type account struct {
		*pressed
		who *identity.Session
		d   calendar.Date
	}
	group := func(a account, people int, hour int) {
		a.Helper()
		r := app.TogetherRequest{Key: fmt.Sprintf("group-%06d", a.serial), Item: apptest.SocialCard, Stage: directory.Acceptance, Channel: booking.Web}
		for range people {
			a.serial++
			c := apptest.Citizen(a.serial)
			r.Slots = append(r.Slots, booking.SlotID(apptest.QueueA, a.d, hour))
			r.Applicants = append(r.Applicants, app.Applicant{Kind: booking.Other, Name: c.Name, Document: c.Document})
		}
		if _, err := a.App.BookTogether(a.Context(), a.who, r); err != nil {
			a.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		do    func(new func() account)
		seen  int64 // beyond the first of each, of those that hold most; 0 for no anomaly
		given int64
	}{
		"three accounts, group after group": {do: func(new func() account) {
			for range 3 {
				one := new()
				group(one, 3, 9)
				group(one, 3, 11)
			}
		}, seen: 15},
		"the same, given up in time": {do: func(new func() account) {
			for range 3 {
				one := new()
				group(one, 3, 9)
				group(one, 3, 11)
				list, _, err := one.App.MyBookings(one.Context(), one.who, "", 20)
				if err != nil || len(list) != 6 {
					one.Fatal(len(list), err)
				}
				for i, b := range list[:3] {
					if _, err := one.App.Cancel(one.Context(), one.who, app.CancelRequest{Key: fmt.Sprintf("spare-%d-%06d", i, one.serial), Code: b.Code, Channel: booking.Web}); err != nil {
						one.Fatal(err)
					}
				}
			}
		}, given: 9},
		"three families of five": {do: func(new func() account) {
			group(new(), 5, 9)
			group(new(), 5, 11)
			group(new(), 5, 14)
		}},
		"one person who moves twice": {do: func(new func() account) {
			one := new()
			code := one.take(one.who, booking.SlotID(apptest.QueueA, one.d, 9), app.Applicant{Kind: booking.Self})
			for _, hour := range []int{10, 15} {
				if _, err := one.App.Move(one.Context(), one.who, app.MoveRequest{Key: fmt.Sprintf("move-%06d", hour), Code: code, SlotID: booking.SlotID(apptest.QueueA, one.d, hour), Channel: booking.Web}); err != nil {
					one.Fatal(err)
				}
			}
		}},
		"an agent with a firm an hour": {do: func(new func() account) {
			one := new()
			for i, hour := range []int{9, 10, 11, 13, 14, 15, 16} {
				one.take(one.who, booking.SlotID(apptest.QueueA, one.d, hour), app.Applicant{
					Kind: booking.Organisation, Name: "示例公司", CreditCode: identity.SyntheticCreditCode("440100", 10+i),
				})
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			alertOnBoth(t, func(p *pressed) {
				first, _ := p.App.Slot(p.FreeSlots(apptest.QueueA)[0])
				d := first.Date + 1
				for !p.App.Calendar().IsWorking(d) {
					d++
				}
				p.history(apptest.HallA, apptest.QueueA, 5, 0)
				p.update(func(tx *store.Tx) error {
					for c := d - 60; c < d; c++ {
						if err := tx.SaveHands(p.Context(), apptest.HallA, c, oversight.Hands{Bookings: 30, Accounts: 29, Top: 1, Given: 3}); err != nil {
							return err
						}
					}
					return nil
				})
				new := func() account {
					p.serial++
					return account{p, p.signIn(p.serial), d}
				}
				for _, hour := range []int{10, 13, 16} {
					for range 4 {
						one := new()
						one.take(one.who, booking.SlotID(apptest.QueueA, d, hour), app.Applicant{Kind: booking.Self})
					}
				}
				c.do(new)
				p.dayOf(apptest.HallA, apptest.QueueA, d, 5, 0)
				p.at(d+1, 12, 5)
				want := 0
				if c.seen > 0 {
					want = 1
				}
				p.watch(want)
				list := p.found("A1", app.AnomalyFilter{Kind: oversight.AnomalyConcentration})
				if len(list) != want || want == 1 && (list[0].Seen != c.seen || list[0].Date != d || list[0].HallID != apptest.HallA) {
					p.Errorf("%+v", list)
				}
				p.update(func(tx *store.Tx) error {
					hands, err := tx.HandsOf(p.Context(), apptest.HallA, d, d)
					if hands[d].Given != c.given || hands[d].Top != c.seen {
						p.Errorf("kept of the day: %+v", hands[d])
					}
					return err
				})
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
