package api_test

import (
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
)

// Art. 23 by program: what was filed together is decided in one call, once under its key.
func TestArt23_ABundleByProgram(t *testing.T) {
	f := newFace(t, nil)
	district, platform := f.program(account.District1, apptest.DistrictA, app.Scopes...), f.program(account.Platform1, "440100000000", app.ScopeDecide)
	body := closeHall(apptest.HallA)
	body["targets"] = []any{map[string]any{"hall": apptest.HallA}, map[string]any{"hall": apptest.HallStreet}}
	filed := f.do(ask{method: "POST", path: "/admin/requests", token: district, key: newKey(), body: body}).want(201, "").json()
	first := filed["requests"].([]any)[0].(map[string]any)
	bundle, _ := first["bundle"].(string)
	decide := ask{method: "POST", path: "/admin/bundles/" + bundle + "/decide", token: district, key: newKey(), body: map[string]any{"approve": true}}
	f.do(decide).want(403, "request_is_your_own")
	decide.token = platform
	decide.body = map[string]any{"approve": false}
	f.do(decide).want(422, "invalid_request") // a refusal takes a reason, and holds no key
	decide.body = map[string]any{"approve": true}
	done := f.valid("admin-decide-bundle", f.do(decide).want(200, "")) // answered without a scope to read
	list := done.json()["requests"].([]any)
	for i, hall := range []string{apptest.HallA, apptest.HallStreet} {
		if r := list[i].(map[string]any); len(list) != 2 || r["hall"] != hall || r["state"] != "done" && r["state"] != "approved" {
			t.Errorf("decided: %v", r)
		}
	}
	if again := f.do(decide).want(200, ""); again.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("decided again")
	}
	other := decide
	other.body = map[string]any{"approve": false, "why": "no"}
	f.do(other).want(422, "idempotency_key_reused")
	other.key = newKey()
	f.do(other).want(409, "request_decided_already")
	other.path, other.key = "/admin/bundles/B2026-999999/decide", newKey()
	f.do(other).want(404, "request_not_found")
	if acts := f.Acts(t, "request", first["id"].(string)); strings.Join(acts, " ") != "request.file request.approved request.carried_out" {
		t.Errorf("the log tells: %v", acts)
	}
}

// Art. 23 by program: a late hall appeals, the district decides, each act once under its key.
func TestArt23_AnAppealByProgram(t *testing.T) {
	f := newFace(t, nil)
	street, o := f.programOf(account.District2, apptest.StreetA, app.ScopeRead, app.ScopeRequests)
	district := f.program(account.District1, apptest.DistrictA, app.ScopeRead, app.ScopeDecide)
	body := closeHall(apptest.HallStreet)
	body["change"].(map[string]any)["from"], body["change"].(map[string]any)["to"] = "2026-11-25", "2026-11-25"
	f.do(ask{method: "POST", path: "/admin/requests", token: street, key: newKey(), body: body}).want(201, "")
	list := f.valid("admin-list-ledger", f.do(ask{path: "/admin/ledger?mine=true", token: street}).want(200, "")).json()
	entry := list["entries"].([]any)[0].(map[string]any)
	at := "/admin/ledger/" + entry["id"].(string)
	if entry["kind"] != "late_request" || entry["account"] != o.ID || entry["state"] != "open" {
		t.Fatalf("entered: %v", entry)
	}
	f.do(ask{method: "POST", path: at + "/decide", token: district, key: newKey(), body: map[string]any{"strike": true, "why": "属实"}}).want(409, "no_appeal")
	appeal := ask{method: "POST", path: at + "/appeal", token: district, key: newKey(), body: map[string]any{"why": "台风来得急"}}
	f.do(appeal).want(403, "not_allowed") // no such scope
	appeal.token = street
	if got := f.valid("admin-appeal-entry", f.do(appeal).want(200, "")).json(); got["state"] != "appealed" || got["appeal"] != "台风来得急" {
		t.Errorf("appealed: %v", got)
	}
	if again := f.do(appeal).want(200, ""); again.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("appealed again")
	}
	appeal.key = newKey()
	f.do(appeal).want(409, "no_appeal")
	if waits := f.do(ask{path: "/admin/ledger?to_decide=true", token: district}).want(200, "").json(); waits["total"] != 1.0 {
		t.Errorf("to decide: %v", waits)
	}
	if waits := f.do(ask{path: "/admin/ledger?to_decide=true", token: street}).want(200, "").json(); waits["total"] != 0.0 {
		t.Errorf("the street has to decide: %v", waits)
	}
	decide := ask{method: "POST", path: at + "/decide", token: district, key: newKey(), body: map[string]any{"strike": true, "why": "属实"}}
	if got := f.valid("admin-decide-appeal", f.do(decide).want(200, "")).json(); got["state"] != "struck" || got["why"] != "属实" || got["may"].(map[string]any)["decide"] != false {
		t.Errorf("decided: %v", got)
	}
	if again := f.do(decide).want(200, ""); again.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("decided again")
	}
	f.valid("admin-get-ledger-entry", f.do(ask{path: at, token: street}).want(200, ""))
	f.do(ask{path: at, token: f.program(account.District1, apptest.DistrictB, app.ScopeRead)}).want(404, "entry_not_found")
	if acts := f.Acts(t, "ledger", entry["id"].(string)); strings.Join(acts, " ") != "ledger.appeal ledger.struck" {
		t.Errorf("the log tells: %v", acts)
	}
}
