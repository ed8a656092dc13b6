package api_test

import (
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
)

// A program of the district follows who has not chosen yet; it is told codes and hours, and no name.
func TestWhoLostAnHourByProgram(t *testing.T) {
	f := newFace(t, nil)
	hall := f.program(account.District2, apptest.DistrictA, app.ScopeRead, app.ScopeRequests)
	district := f.program(account.District1, apptest.DistrictA, app.ScopeRead, app.ScopeDecide)
	slot := f.FreeSlots(apptest.QueueA)[0]
	code := f.book(f.token(apptest.Citizen(1)), slot)
	_, date, _, _ := booking.ParseSlotID(slot)

	body := closeHall(apptest.HallA)
	body["change"].(map[string]any)["from"], body["change"].(map[string]any)["to"] = date.String(), date.String()
	filed := f.do(ask{method: "POST", path: "/admin/requests", token: hall, key: newKey(), body: body}).want(201, "").json()
	id := filed["requests"].([]any)[0].(map[string]any)["id"].(string)
	path := "/admin/requests/" + id + "/displaced"
	if before := f.valid("admin-list-displaced", f.do(ask{path: path, token: hall}).want(200, "")).json(); len(before["displaced"].([]any)) != 0 {
		t.Errorf("before the decision: %v", before)
	}
	f.do(ask{method: "POST", path: "/admin/requests/" + id + "/decide", token: district, key: newKey(), body: map[string]any{"version": 1, "approve": true}}).want(200, "")

	r := f.valid("admin-list-displaced", f.do(ask{path: path, token: hall}).want(200, ""))
	list := r.json()["displaced"].([]any)
	if len(list) != 1 {
		t.Fatalf("displaced: %v", list)
	}
	one := list[0].(map[string]any)
	if one["code"] != code || one["lost"] != slot || one["state"] != "waiting" || one["kept"] == nil || one["kept"] == slot || one["until"] == nil {
		t.Errorf("displaced: %v", one)
	}
	if n := r.json()["counts"].(map[string]any)["waiting"]; n != 1.0 {
		t.Errorf("%v waiting", n)
	}
	if p := apptest.Citizen(1); strings.Contains(r.Body.String(), p.Name) || strings.Contains(r.Body.String(), p.Phone) {
		t.Error("a program was told who")
	}
	if none := f.do(ask{path: path + "?state=kept", token: hall}).want(200, "").json(); len(none["displaced"].([]any)) != 0 {
		t.Errorf("kept: %v", none)
	}
	f.do(ask{path: path, token: f.program(account.District1, apptest.DistrictB, app.ScopeRead)}).want(404, "request_not_found")
}
