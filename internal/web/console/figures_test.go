package console_test

import (
	"fmt"
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/oversight"
)

// From the city down to a hall's queues, each sees what is theirs; every figure leads to its formula and its days.
func TestArt21_FiguresLeadFromTheCityToTheQueuesOfAHall(t *testing.T) {
	d := newDesk(t)
	tomorrow := calendar.DateOf(apptest.Start) + 1
	for i := range 3 {
		_, who := d.SignIn(t, apptest.Citizen(3000+i))
		if _, err := d.App.Book(t.Context(), who, app.BookRequest{
			Key: fmt.Sprintf("figure-%06d", i), Item: apptest.SocialCard, SlotID: booking.SlotID(apptest.QueueA, tomorrow, 9+i), Stage: directory.Acceptance,
			Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
		}); err != nil {
			t.Fatal(err)
		}
	}
	page := d.page(account.Platform1, "/console/figures")
	d.says(page, "Figures of Sample City", "Not counted yet.", "No figures")
	d.Clock.Set(tomorrow.At(8, 0))
	city, hall2 := account.Rank("city by day"), account.Rank("hall by day") // whoever signed in yesterday is signed out
	d.open(string(city), account.Platform1, units[account.Platform1])
	d.open(string(hall2), account.District2, units[account.District2])
	if _, err := d.App.CountFigures(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	at := "?span=day&period=" + tomorrow.String()
	page = d.page(city, "/console/figures"+at)
	d.says(page, "Figures of Sample City", "District A", "District B", "Sample Social Insurance Bureau", "Saturation", "As of ", "/console/figures/measures/saturation?", "/console/figures.xlsx?")
	if strings.Contains(page, ">District A Hall<") {
		t.Error("the city's page shows halls of a district")
	}
	for _, sort := range []string{"-saturation", "saturation", "-name"} {
		d.says(d.page(city, "/console/figures"+at+"&sort="+sort), "District A")
	}
	d.says(d.page(city, "/console/figures"+at+"&sort=-released&show=booking"), "District A", `aria-sort="descending"`, "Place 1")
	d.says(d.page(city, "/console/figures?unit="+apptest.DistrictA+"&span=day&period="+tomorrow.String()+"&by=item"), "District A Hall", "Street A1", "Apply for a social security card")
	hall := d.page(city, "/console/figures?hall="+apptest.HallA+"&span=day&period="+tomorrow.String())
	d.says(hall, "Figures of District A Hall", "General business", "By hour", "/console/halls/"+apptest.HallA+"/capacity?queue=")
	for _, by := range []string{"queue", "hour", "item", "channel"} {
		d.says(d.page(city, "/console/figures?hall="+apptest.HallA+"&span=day&period="+tomorrow.String()+"&by="+by), "District A Hall")
	}

	measure := d.page(city, "/console/figures/measures/no_show_rate?unit="+apptest.DistrictA+"&span=month&period=2026-11")
	d.says(measure, "Missed ÷ (Booked − Cancelled)", "no_show_rate@1", "Art. 18", "District A, ", "Its days", "span=day")
	d.says(d.page(city, "/console/figures/measures/saturation?unit="+apptest.DistrictA+"&span=day&period="+tomorrow.String()), "3 ÷ ")
	list := d.page(city, "/console/figures/measures")
	for i := range oversight.Measures {
		d.says(list, "/console/figures/measures/"+oversight.Measures[i].ID+`"`)
	}

	// A hall's administrator begins at their hall, a street's at the street; what is not theirs is not found.
	d.says(d.page(hall2, "/console/figures"), "Figures of ")
	for _, path := range []string{"?unit=440100000000", "?hall=" + apptest.HallB, "?unit=" + apptest.DistrictB, "?unit=none", "?hall=none"} {
		if w := d.get(hall2, "/console/figures"+path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
		if w := d.get(hall2, "/console/figures/measures/released"+path); w.Code != 404 {
			t.Errorf("measure of %s: %d", path, w.Code)
		}
	}
	for _, path := range []string{"/console/figures/measures/none", "/console/figures/measures/released?version=9", "/console/figures/measures/released?version=x"} {
		if w := d.get(city, path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// Every measure stands in a group, and is named and explained.
func TestEveryMeasureIsShown(t *testing.T) {
	d := newDesk(t)
	for i := range oversight.Measures {
		id := oversight.Measures[i].ID
		page := d.page(account.Platform1, "/console/figures/measures/"+id)
		if strings.Contains(page, "⟦") {
			t.Errorf("%s: a sentence is missing", id)
		}
	}
}
