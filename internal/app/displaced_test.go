package app_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/supply"
)

// A typhoon morning: a district closes its hall for a day, its superior approves, everybody who had booked
// has another hour kept, and those who administer see who has not chosen until the last has.
func TestATyphoonMorning(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { typhoon(newDesk(t, apptest.Options{})) })
	t.Run("postgres", func(t *testing.T) { typhoon(newDesk(t, apptest.Options{Source: apptest.Postgres(t)})) })
}

func typhoon(d *desk) {
	ctx := context.Background()
	type person struct {
		who  *identity.Session
		code string
	}
	var people []person
	for i := range 6 {
		_, who := d.SignIn(d, apptest.Citizen(500+i))
		r, err := d.App.Book(ctx, who, self(fmt.Sprintf("typhoon-%04d", i), booking.SlotID(apptest.QueueA, friday, 9+i%2)))
		if err != nil {
			d.Fatal(err)
		}
		people = append(people, person{who, r.View.Code})
	}
	r := d.decide("A1", d.file("A2", shutHall(apptest.HallA, friday, friday)), true, "")
	d.state(r, supply.Done)

	list := func(who string, state booking.Choice, offset, limit int) app.DisplacedPage {
		d.Helper()
		p, err := d.App.Displaced(ctx, d.as(who), r.ID, state, offset, limit)
		if err != nil {
			d.Errorf("%s: %v", who, err)
		}
		return p
	}
	for _, who := range []string{"AS", "AV", "B1", "M1"} { // not their hall: they do not learn that there is such a request
		if _, err := d.App.Displaced(ctx, d.as(who), r.ID, "", 0, 50); fault.CodeOf(err) != fault.RequestNotFound {
			d.Errorf("%s sees it: %v", who, err)
		}
	}
	if _, err := d.App.Displaced(ctx, d.as("SYS"), r.ID, "", 0, 50); err == nil {
		d.Error("the system role sees it")
	}
	// The platform supervises and sees no names; the district may.
	above, own := list("P1", "", 0, 50), list("A2", booking.ChoiceWaiting, 0, 50)
	if above.Named || len(above.People) != 6 || above.People[0].View.Booker != (app.MaskedParty{}) || above.All() != 6 {
		d.Errorf("the platform sees %+v", above.People)
	}
	if !own.Named || len(own.People) != 6 || own.People[0].View.Booker.Name != "陈**" && own.People[0].View.Booker.Name != "陈*" || own.People[0].View.Booker.Phone == "13800000000" {
		d.Errorf("the district sees %+v", own.People[0].View.Booker)
	}
	if p := list("A2", "", 4, 50); len(p.People) != 2 {
		d.Errorf("the second page has %d", len(p.People))
	}

	// One phone, by power and with a fresh proof, and it is written down.
	before := d.records("booking.reveal_phone")
	if phone, err := d.App.RevealPhone(ctx, d.as("A2"), r.ID, people[0].code); err != nil || phone != "13800000000" {
		d.Errorf("phone %q, %v", phone, err)
	}
	if n := d.records("booking.reveal_phone"); n != before+1 {
		d.Errorf("%d records of it", n-before)
	}
	stale := d.as("A2")
	stale.Proved = stale.Proved.Add(-time.Hour)
	closed := d.as("A2")
	closed.Account.Version, closed.Account.Unit = 9, apptest.DistrictB
	for name, c := range map[string]struct {
		ad   *app.Admin
		code string
		want fault.Code
	}{
		"without the power":          {d.as("P1"), people[0].code, fault.NotAllowed},
		"of another district":        {d.as("B1"), people[0].code, fault.RequestNotFound},
		"without a fresh proof":      {stale, people[0].code, fault.ProveAgain},
		"of somebody not affected":   {d.as("A2"), d.book(d.FreeSlots(apptest.QueueB)[0], apptest.SocialCard).View.Code, fault.BookingNotFound},
		"of a code that is none":     {d.as("A2"), "7K3M-9Q2X-T", fault.BookingNotFound},
		"by an account moved away":   {closed, people[0].code, fault.RequestNotFound},
		"by a token, which has none": {&app.Admin{Account: d.as("A2").Account, Scopes: []app.Scope{app.ScopeRead}}, people[0].code, fault.NotAllowed},
	} {
		if phone, err := d.App.RevealPhone(ctx, c.ad, r.ID, c.code); fault.CodeOf(err) != c.want || phone != "" {
			d.Errorf("%s: %q, %v", name, phone, err)
		}
	}
	if n := d.records("booking.reveal_phone"); n != before+1 {
		d.Errorf("%d records of it", n-before)
	}

	// Where people have not chosen: of one's own halls only, and fewer until there is none.
	waiting := func(who, hall string) int {
		d.Helper()
		list, all, err := d.App.Unchosen(ctx, d.as(who), hall, 0, 10)
		if err != nil || len(list) != all {
			d.Errorf("%s: %d of %d, %v", who, len(list), all, err)
		}
		n := 0
		for _, u := range list {
			n += u.Waiting
		}
		return n
	}
	if a, b, p, other := waiting("A1", ""), waiting("B1", ""), waiting("P1", ""), waiting("P1", apptest.HallB); a != 6 || b != 0 || p != 6 || other != 0 {
		d.Errorf("waiting: %d in the district, %d in another, %d in the city, %d at another hall", a, b, p, other)
	}
	for i, p := range people {
		var err error
		key := fmt.Sprintf("choose-%04d", i)
		switch i % 3 {
		case 0:
			_, err = d.App.Keep(ctx, p.who, app.KeepRequest{Key: key, Code: p.code, Channel: booking.Web})
		case 1:
			_, err = d.App.Move(ctx, p.who, app.MoveRequest{Key: key, Code: p.code, SlotID: d.FreeSlots(apptest.QueueB)[i], Channel: booking.Web})
		case 2:
			_, err = d.App.Cancel(ctx, p.who, app.CancelRequest{Key: key, Code: p.code, Channel: booking.Web})
		}
		if err != nil {
			d.Error(err)
		}
		if n := waiting("A1", apptest.HallA); n != 5-i {
			d.Errorf("%d wait after %d have chosen", n, i+1)
		}
	}
	if c := list("A1", "", 0, 50).Counts; c[booking.ChoiceKept] != 2 || c[booking.ChoiceMoved] != 2 || c[booking.ChoiceCancelled] != 2 || len(c) != 3 {
		d.Errorf("in the end %v", c)
	}
	(&storm{Fixture: d.Fixture}).healthy(d.T)
}

// records counts the entries of the log about an act.
func (d *desk) records(act string) int {
	d.Helper()
	list, _, err := d.App.FindAudit(context.Background(), app.AuditFilter{Act: act}, 100)
	if err != nil {
		d.Fatal(err)
	}
	return len(list)
}
