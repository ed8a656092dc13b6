package e2e

import (
	"fmt"
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
)

// The platform goes from the city down to a hall's queues, and from a figure to its formula and days.
func TestArt21_FiguresInTheConsole(t *testing.T) {
	t.Parallel()
	w := within(t, apptest.Options{})
	day := calendar.DateOf(apptest.Start) + 1
	for i := range 9 {
		_, who := w.SignIn(t, apptest.Citizen(i+1))
		queue := []string{apptest.QueueA, apptest.QueueB, apptest.QueueA}[i%3]
		if _, err := w.App.Book(t.Context(), who, app.BookRequest{
			Key: fmt.Sprintf("figures-%04d", i), Item: apptest.SocialCard, SlotID: booking.SlotID(queue, day, 9+i%3), Stage: directory.Acceptance,
			Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.Clock.Set(day.At(9, 10))
	kiosk := app.By{Device: &app.Device{Device: counter.Device{ID: "kiosk-1", HallID: apptest.HallA, Kind: counter.Kiosk}}, Channel: app.AtKiosk}
	walkIn := apptest.Citizen(50)
	if _, err := w.App.TakeNumber(t.Context(), kiosk, apptest.HallA, app.OnSite{
		Key: "figures-walk-1", Item: apptest.SocialCard, Name: walkIn.Name, Document: walkIn.Document, Phone: walkIn.Phone,
	}); err != nil {
		t.Fatal(err)
	}
	b := w.office(t, w.OpenAdmin(t, account.Platform1, "440100000000"))
	b.goTo("/console/figures")
	b.inspectAs(lookOf("figures, nothing counted", "zh-Hans-CN").from(tablet))
	if _, err := w.App.CountFigures(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	at := "?span=day&period=" + day.String()
	b.goTo("/console/figures" + at)
	b.inspectAs(lookOf("figures of the city", "zh-Hans-CN"))
	b.click(`#below table th a[href*="` + apptest.DistrictA + `"]`)
	b.click(`#below table th a[href*="hall=` + apptest.HallA + `"]`)
	if said := b.text("main h1"); !strings.Contains(said, "甲区政务服务中心") {
		t.Errorf("went to %s", said)
	}
	b.inspectAs(lookOf("figures of a hall", "zh-Hans-CN"))
	b.click(`main dl a[href*="/measures/saturation"]`)
	if said := b.text("main"); !strings.Contains(said, "saturation@1") || !strings.Contains(said, "6 ÷ ") {
		t.Errorf("the formula does not say how it came to this: %s", said)
	}
	b.inspectAs(lookOf("a measure at a hall", "zh-Hans-CN"))
	b.goTo("/console/figures/measures")
	b.inspectAs(lookOf("measures", "zh-Hans-CN"))
	for _, lang := range []string{"zh-Hant", "en"} {
		b.goTo("/console/figures" + at + "&sort=-saturation&lang=" + lang)
		b.inspectAs(lookOf("figures of the city, ranked, "+lang, map[string]string{"zh-Hant": "zh-Hant-HK", "en": "en"}[lang]))
	}
}
