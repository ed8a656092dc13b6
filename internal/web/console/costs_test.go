package console_test

import (
	"net/http"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/store"
)

func TestPagesOfMessageCosts(t *testing.T) {
	d := newDesk(t)
	d.says(d.page(account.Platform1, "/console/messages"), "No message was charged this month")
	charge := func(hall, gateway, id string, kind booking.MessageKind, parts int) {
		t.Helper()
		if err := d.DB.Update(t.Context(), func(tx *store.Tx) error {
			s := store.Settled{Gateway: gateway, Parts: []string{id}, Charged: parts, Price: 3850}
			s.Row.Kind, s.Row.HallID = kind, hall
			return tx.SaveTexts(t.Context(), s)
		}); err != nil {
			t.Fatal(err)
		}
	}
	charge(apptest.HallA, "mobile", "1", booking.MessageBooked, 2000)
	charge(apptest.HallA, "cloud", "2", booking.MessageReminder, 1)
	charge(apptest.HallB, "mobile", "3", booking.MessageBooked, 3)
	charge("", "mobile", "4", "one_time_code", 5)

	page := d.page(account.Platform1, "/console/messages")
	d.says(page, "2026-11: 2,009 parts, 77.35 yuan.", "District A Hall", "77.04", "Platform (about no hall", "0.19", `aria-current="page"`)
	a, b := strings.Index(page, "/console/halls/"+apptest.HallA+"/messages?month=2026-11"), strings.Index(page, "/console/halls/"+apptest.HallB+"/messages?month=2026-11")
	if a < 0 || b < a {
		t.Errorf("the dearest hall is not first: %d, %d", a, b)
	}
	d.says(d.page(account.District1, "/console/messages"), "2026-11: 2,001 parts, 77.04 yuan.")
	if page := d.page(account.District1, "/console/messages"); strings.Contains(page, "Platform (about") || strings.Count(page, "/messages?month=") != 1 {
		t.Error("a district sees the costs of others")
	}
	d.says(d.page(account.District1, "/console/halls/"+apptest.HallA+"/messages?month=2026-11"), "mobile", "cloud", "77.00", "0.04", "2,000")
	if w := d.get(account.District1, "/console/halls/"+apptest.HallB+"/messages"); w.Code != http.StatusNotFound {
		t.Errorf("another district's hall: %d", w.Code)
	}
	for _, bad := range []string{"2026-13", "2026-1", "x", "2026-11-01", "%00"} {
		if w := d.get(account.Platform1, "/console/messages?month="+bad); w.Code != http.StatusUnprocessableEntity && w.Code != http.StatusBadRequest {
			t.Errorf("month %q: %d", bad, w.Code)
		}
	}
	d.says(d.page(account.Platform1, "/console/messages?month=2025-01"), "No message was charged this month")
	for _, rank := range []account.Rank{account.System, account.Security, account.Audit} {
		if w := d.get(rank, "/console/messages"); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", rank, w.Code)
		}
	}
	for _, lang := range []string{"zh-Hans", "zh-Hant"} {
		d.page(account.Platform1, "/console/messages?lang="+lang)
		d.page(account.District1, "/console/halls/"+apptest.HallA+"/messages?lang="+lang)
	}
}
