package app_test

import (
	"fmt"
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// What somebody holds, they hold in every hall, whichever way they come and whatever document they have:
// one active booking an applicant and item, made by whomever.
func TestArt18_ClaimsHoldAcrossHallsChannelsAndDocuments(t *testing.T) {
	taiwan := identity.Person{Name: "吴示例", Document: identity.Document{Kind: identity.TaiwanPermit, Number: "00000001"}, Phone: "13800000009", Level: identity.Matched}
	for name, p := range map[string]identity.Person{
		"resident": apptest.Citizen(1), "hong kong": apptest.HongKong(), "taiwan": taiwan, "permanent": apptest.Permanent(), "passport": apptest.Visitor(),
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, f *apptest.Fixture) {
				ctx := t.Context()
				h := newHallDay(t, f)
				_, who := f.SignIn(t, p)
				// Foreigner-related business: the one item all of them may book (Art. 12).
				at := func(hall string, hour int) string { return booking.SlotID(hall+"-entry", hallDate, hour) }
				ask := func(key, slot string, ch booking.Channel, ap app.Applicant) app.BookRequest {
					return app.BookRequest{Key: key, Item: apptest.Residence, SlotID: slot, Stage: directory.Acceptance, Applicant: ap, Channel: ch}
				}
				self := app.Applicant{Kind: booking.Self}
				held, err := f.App.Book(ctx, who, ask("claims-web-1", at(apptest.HallA, 9), booking.Web, self))
				if err != nil {
					t.Fatal(err)
				}
				// As it may be typed: in small letters, with blanks.
				typed := p.Document
				typed.Number = strings.ToLower(typed.Number[:2]) + " " + typed.Number[2:]
				other := app.Applicant{Kind: booking.Other, Name: p.Name, Document: typed, Birth: p.Birth}
				_, second := f.SignIn(t, apptest.Citizen(50))
				_, err = f.App.Book(ctx, who, ask("claims-api-1", at(apptest.HallB, 10), booking.API, self))
				wantCode(t, err, fault.AlreadyBooked, "another hall, through the API")
				_, err = f.App.Book(ctx, second, ask("claims-other", at(apptest.HallCity, 11), booking.Web, other))
				wantCode(t, err, fault.AlreadyBooked, "by somebody else, in a third hall")
				_, err = f.App.BookAtDesk(ctx, h.admin(0), apptest.HallA, app.DeskBooking{
					Key: "claims-desk", Item: apptest.Residence, SlotID: at(apptest.HallA, 14), Stage: directory.Acceptance, Name: p.Name, Document: typed, Birth: p.Birth,
				})
				wantCode(t, err, fault.AlreadyBooked, "at the desk")
				// And given back by one way, it is free for all of them.
				if _, err := f.App.Cancel(ctx, who, app.CancelRequest{Key: "claims-back", Code: held.View.Code, Channel: booking.API}); err != nil {
					t.Fatal(err)
				}
				made, err := f.App.BookAtDesk(ctx, h.admin(0), apptest.HallA, app.DeskBooking{
					Key: "claims-desk-2", Item: apptest.Residence, SlotID: at(apptest.HallA, 14), Stage: directory.Acceptance, Name: p.Name, Document: typed, Birth: p.Birth,
				})
				if err != nil {
					t.Fatal(err)
				}
				_, err = f.App.Book(ctx, second, ask("claims-other-2", at(apptest.HallB, 15), booking.API, other))
				wantCode(t, err, fault.AlreadyBooked, "after the desk, by somebody else")
				if made.View.Booking.Channel != booking.Desk {
					t.Errorf("it came by %s", made.View.Booking.Channel)
				}
				sound(t, f)
			})
		})
	}
}

// Two people who look alike to a clerk are two: another country's passport of the same number, or another birth date.
func TestArt18_DocumentsThatDifferAreTwoPeople(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		first, country, birth := apptest.Visitor(), apptest.Visitor(), apptest.Visitor()
		country.Document.Nationality, birth.Birth = "DEU", "1985-06-08"
		for i, p := range []identity.Person{first, country, birth} {
			_, who := f.SignIn(t, p)
			_, err := f.App.Book(t.Context(), who, app.BookRequest{
				Key: fmt.Sprintf("differ-%04d", i), Item: apptest.Residence, SlotID: booking.SlotID(apptest.QueueAEntry, hallDate, 10), Stage: directory.Acceptance,
				Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
			})
			if err != nil {
				t.Errorf("person %d: %v", i, err)
			}
		}
		sound(t, f)
	})
}
