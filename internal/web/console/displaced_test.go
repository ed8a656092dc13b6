package console_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/supply"
)

// A street's hall closes; who administers it sees who has not chosen, and may have one phone shown.
func TestWhoHasNotChosenYet(t *testing.T) {
	d := newDesk(t)
	day := calendar.MakeDate(2026, time.November, 27)
	var slot string
	for i := range 3 {
		_, who := d.SignIn(t, apptest.Citizen(i+1))
		slot = booking.SlotID(apptest.QueueStreet, day, []int{9, 10, 11}[i])
		if _, err := d.App.Book(t.Context(), who, app.BookRequest{
			Key: fmt.Sprintf("street-%04d", i), Item: apptest.SocialCard, SlotID: slot, Stage: directory.Acceptance,
			Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
		}); err != nil {
			t.Fatal(err)
		}
	}
	asker, err := d.App.Admin(t.Context(), string(account.District2))
	if err != nil {
		t.Fatal(err)
	}
	filed, err := d.App.FileRequest(t.Context(), asker, app.Asked{
		Targets: []app.Target{{Hall: apptest.HallStreet}}, Change: supply.Change{Kind: supply.Close, From: day, To: day, Half: calendar.WholeDay}, Reason: "typhoon",
	})
	if err != nil {
		t.Fatal(err)
	}
	above, err := d.App.Admin(t.Context(), string(account.District1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.App.DecideRequest(t.Context(), above, filed[0].ID, filed[0].Version, true, ""); err != nil {
		t.Fatal(err)
	}
	at := "/console/requests/" + filed[0].ID + "/affected"
	for _, path := range []string{"/console/displaced", "/console/halls/" + apptest.HallStreet + "/displaced", "/console/requests/" + filed[0].ID} {
		if page := d.page(account.District2, path); !strings.Contains(page, `href="`+at) {
			t.Errorf("%s does not lead to who is affected", path)
		}
	}
	own := d.page(account.District2, at)
	for _, want := range []string{"3 people", "Not chosen", "27 Nov", "138****0000", "Show number", "陈*"} {
		if !strings.Contains(own, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(own, "13800000000") || strings.Contains(own, "陈示例") {
		t.Error("the page shows a person in clear")
	}
	if w := d.get(account.District2, at); w.Header().Get("Refresh") != "" {
		t.Error("the page reloads though nobody asked")
	}
	if w := d.get(account.District2, at+"?reload=on"); w.Header().Get("Refresh") == "" || !strings.Contains(w.Body.String(), "Stop reloading") {
		t.Error("the page does not reload when asked to")
	}
	if page := d.page(account.District2, at+"?state=kept"); !strings.Contains(page, "Nobody of that kind") {
		t.Error("the filter by state does nothing")
	}
	// The platform sees them without names; other halls' people do not learn that there are any.
	if page := d.page(account.Platform1, at); strings.Contains(page, "陈") || strings.Contains(page, "138") || !strings.Contains(page, "3 people") {
		t.Error("the platform sees names, or nothing")
	}
	for _, who := range []account.Rank{account.District3, account.Municipal1, account.Audit} {
		if w := d.get(who, at); w.Code != 404 && w.Code != 403 {
			t.Errorf("%s: %d", who, w.Code)
		}
	}
	code := passCode(t, own)
	w := d.send(account.District2, at, url.Values{"code": {code}})
	if w.Code != 200 || strings.Count(w.Body.String(), "13800000000") != 1 {
		t.Errorf("one phone: %d", w.Code)
	}
	d.Clock.Add(11 * time.Minute)
	if w := d.send(account.District2, at, url.Values{"code": {code}}); w.Code != 303 || strings.Contains(w.Body.String(), "13800000000") {
		t.Errorf("a phone without a fresh proof: %d", w.Code)
	}
}

func passCode(t *testing.T, page string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `name="code" value="`)
	if !ok {
		t.Fatal("no code")
	}
	code, _, _ := strings.Cut(rest, `"`)
	return code
}
