package e2e

import (
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/store"
)

// TestCostsOfMessagesInABrowser: the page of what messages cost, and a hall's.
func TestCostsOfMessagesInABrowser(t *testing.T) {
	t.Parallel()
	c := small(t, "")
	db, err := store.Open(t.Context(), c.database, store.Options{Now: time.Now, Conns: 2})
	if err != nil {
		t.Fatal(err)
	}
	const hall = "440103000000"
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		for _, one := range []struct {
			hall, gateway, id string
			kind              booking.MessageKind
			parts             int
		}{
			{hall, "mobile", "1", booking.MessageBooked, 12345}, {hall, "mobile", "2", booking.MessageReminder, 6789}, {hall, "cloud", "3", booking.MessageReminder, 12},
			{"", "mobile", "4", "one_time_code", 345},
		} {
			s := store.Settled{Gateway: one.gateway, Parts: []string{one.id}, Charged: one.parts, Price: 3800}
			s.Row.Kind, s.Row.HallID = one.kind, one.hall
			if err := tx.SaveTexts(t.Context(), s); err != nil {
				return err
			}
		}
		return nil
	})
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, c)
	b.resize(1280)
	b.beAdmin("platform-1", "zh-Hans")
	inspect := func(name string) {
		b.inspectAs(look{name: name, lang: "zh-Hans-CN", least: 24, at: []int64{320, 768, 1280}})
	}
	if status := b.goTo("/console/messages"); status != 200 || !strings.Contains(b.text("main"), "19,491") {
		t.Fatalf("%d: %s", status, b.text("main"))
	}
	inspect("console-messages")
	b.click(`main table a[href*="/messages?month="]`)
	if got := b.text("main"); !strings.Contains(got, "12,345") || !strings.Contains(got, "预约成功") || !strings.Contains(got, "cloud") {
		t.Fatalf("%s", got)
	}
	inspect("console-hall-messages")
}
