package api_test

import (
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
)

// A program learns that an hour was taken away, which one is kept, and takes it.
func TestAProgramTakesTheHourThatIsKept(t *testing.T) {
	f := newFace(t, nil)
	token := f.token(apptest.Citizen(1))
	slots := f.FreeSlots(apptest.QueueA)
	code := f.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: bookSelf(slots[0])}).want(201, "").json()["code"].(string)
	keep := ask{method: "POST", path: "/bookings/" + code + "/keep", token: token, key: newKey(), body: "{}"}
	f.do(keep).want(410, "choice_over") // nothing was taken away
	if err := f.App.Evict(t.Context(), "R2026-1", []app.SlotCut{{HallID: apptest.HallA, QueueID: apptest.QueueA, SlotID: slots[0], Closed: true}}, nil); err != nil {
		t.Fatal(err)
	}
	b := f.valid("get-booking", f.do(ask{path: "/bookings/" + code, token: token}).want(200, "")).json()
	lost, _ := b["lost"].(map[string]any)
	if b["state"] != "displaced" || b["slot"] != slots[1] || lost["reason"] != "closed" || lost["hall"] != apptest.HallA || lost["start"] != "2026-11-25T09:00:00+08:00" || lost["until"] != "2026-11-24T22:00:00+08:00" {
		t.Errorf("%v", b)
	}
	f.valid("list-bookings", f.do(ask{path: "/bookings?active=true", token: token}).want(200, ""))
	f.valid("list-messages", f.do(ask{path: "/messages", token: token}).want(200, ""))
	if ics := f.do(ask{path: "/bookings/" + code + ".ics", token: token}).want(200, ""); !strings.Contains(ics.Body.String(), "STATUS:TENTATIVE\r\n") {
		t.Error("the calendar has it as settled")
	}
	stranger := keep
	stranger.token = f.token(apptest.Citizen(2))
	f.do(stranger).want(404, "booking_not_found")
	keep.key = newKey()
	kept := f.valid("keep-booking", f.do(keep).want(200, "")).json()
	if kept["state"] != "booked" || kept["slot"] != slots[1] || kept["lost"] != nil || kept["version"] != 3.0 {
		t.Errorf("kept: %v", kept)
	}
	if again := f.do(keep).want(200, ""); again.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("the same request again did something else")
	}
}
