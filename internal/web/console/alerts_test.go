package console_test

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
)

// More people wait at a street's hall than it releases: the first page says so, and leads to requests that are
// filled in.
func TestArt16_TheAlertLeadsToRequestsThatAreFilledIn(t *testing.T) {
	d := newDesk(t)
	_, dates := d.App.NextRelease()
	for i := range d.App.HallPicture(apptest.HallStreet).Window.Released + 1 {
		_, who := d.SignIn(t, apptest.Citizen(2000+i))
		if _, err := d.App.JoinWait(t.Context(), who, app.WaitRequest{
			Key: fmt.Sprintf("press-%06d", i), Item: apptest.SocialCard, Stage: directory.Acceptance, Channel: booking.Web, Applicant: app.Applicant{Kind: booking.Self},
			Wants: app.Wants{Halls: []string{apptest.HallStreet}, Dates: dates[:1], Hours: []int{9}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	street := account.District2
	d.says(d.page(street, "/console"), "At 1 queue more people wait than numbers are released", "/console/alerts")
	page := d.page(street, "/console/alerts")
	d.says(page, "Street A1 Hall · General business", "Nobody yet", "Ask for extended hours", "Ask for weekend opening", "Up to 7 numbers more a day", "Take this alert up")
	for _, kind := range []string{"extend", "weekend"} {
		found := regexp.MustCompile(`href="(/console/requests/new[^"]*kind=` + kind + `[^"]*)"`).FindStringSubmatch(page)
		if found == nil {
			t.Fatalf("no request for %s is ready", kind)
		}
		d.says(d.page(street, html.UnescapeString(found[1])), "Street A1 Hall · General business", "→")
	}
	at := regexp.MustCompile(`/console/alerts/A2026-[0-9]+/acknowledge`).FindString(page)
	if w := d.sendTo(street, "/console/alerts", at, url.Values{}); w.Code != 303 {
		t.Fatalf("taken up: %d", w.Code)
	}
	if page := d.page(street, "/console/alerts"); strings.Contains(page, "Nobody yet") || strings.Contains(page, at) {
		t.Error("taken up, and the page does not say so")
	}
}
