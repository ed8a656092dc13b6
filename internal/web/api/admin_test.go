package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/web"
	"suiyue/internal/web/api"
)

// program opens an account and returns a token of it.
func (f *face) program(rank account.Rank, unit string, scopes ...app.Scope) string {
	f.t.Helper()
	token, _ := f.programOf(rank, unit, scopes...)
	return token
}

func (f *face) programOf(rank account.Rank, unit string, scopes ...app.Scope) (token string, o *apptest.Operator) {
	f.t.Helper()
	o = f.OpenAdmin(f.t, rank, unit)
	token, _, err := f.App.CreateToken(f.t.Context(), f.As(f.t, o), "program", scopes, 30)
	if err != nil {
		f.t.Fatal(err)
	}
	return token, o
}

func closeHall(hall string) map[string]any {
	return map[string]any{
		"targets": []any{map[string]any{"hall": hall}}, "reason": "装修",
		"change": map[string]any{"kind": "close", "from": "2026-12-07", "to": "2026-12-07", "half": "day"},
	}
}

// Art. 23 by program: a street asks, the district decides, each act once under its key.
func TestArt23_ARequestByProgramFromFilingToDecision(t *testing.T) {
	f := newFace(t, nil)
	street := f.program(account.District2, apptest.StreetA, app.ScopeRead, app.ScopeRequests)
	district := f.program(account.District1, apptest.DistrictA, app.ScopeRead, app.ScopeDecide)

	me := f.valid("admin-me", f.do(ask{path: "/admin/me", token: street}).want(200, "")).json()
	if me["rank"] != "district-2" || me["halls"] != 2.0 || fmt.Sprint(me["scopes"]) != "[read requests]" {
		t.Errorf("me: %v", me)
	}
	halls := f.valid("admin-list-halls", f.do(ask{path: "/admin/halls", token: street}).want(200, "")).json()
	if halls["total"] != 2.0 {
		t.Errorf("halls of a street: %v", halls)
	}
	f.valid("admin-get-hall", f.do(ask{path: "/admin/halls/" + apptest.HallStreet, token: street}).want(200, ""))
	f.do(ask{path: "/admin/halls/" + apptest.HallB, token: street}).want(404, "hall_not_found")

	preview := f.valid("admin-preview-request", f.do(ask{method: "POST", path: "/admin/requests/preview", token: street, body: closeHall(apptest.HallStreet)}).want(200, "")).json()
	if preview["up_to"] != "district-1" || preview["late"] != false {
		t.Errorf("preview: %v", preview)
	}
	key := newKey()
	file := ask{method: "POST", path: "/admin/requests", token: street, key: key, body: closeHall(apptest.HallStreet)}
	first := f.valid("admin-file-request", f.do(file).want(201, ""))
	again := f.do(file).want(201, "")
	if again.Header().Get("Idempotency-Replayed") != "true" || first.Header().Get("Idempotency-Replayed") != "" || again.Body.String() != first.Body.String() {
		t.Errorf("the same again: %s\n%s", first.Body, again.Body)
	}
	f.Clock.Add(20 * 24 * time.Hour) // what could not be filed any more is still answered with what came of it
	if late := f.do(file).want(201, ""); late.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("filed anew after its dates")
	}
	f.Clock.Set(apptest.Start)
	other := file
	other.body = closeHall(apptest.HallVillage)
	f.do(other).want(422, "idempotency_key_reused")

	id := first.json()["requests"].([]any)[0].(map[string]any)["id"].(string)
	list := f.valid("admin-list-requests", f.do(ask{path: "/admin/requests?to_decide=true", token: district}).want(200, "")).json()
	if list["total"] != 1.0 {
		t.Errorf("to decide: %v", list)
	}
	decide := ask{method: "POST", path: "/admin/requests/" + id + "/decide", token: street, key: newKey(), body: map[string]any{"version": 1, "approve": true}}
	f.do(decide).want(403, "not_allowed") // its token has no such scope
	decide.token = district
	decide.body = map[string]any{"version": 9, "approve": true}
	f.do(decide).want(409, "changed_meanwhile")
	decide.body = map[string]any{"version": 1, "approve": true}
	done := f.valid("admin-decide-request", f.do(decide).want(200, "")).json() // a refusal holds no key
	if done["state"] != "done" && done["state"] != "approved" {
		t.Errorf("decided: %v", done)
	}
	if r := f.do(decide).want(200, ""); r.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("decided again")
	}
	decide.key = newKey()
	f.do(decide).want(409, "request_decided_already")
	if acts := f.Acts(t, "request", id); strings.Join(acts, " ") != "request.file request.approved request.carried_out" {
		t.Errorf("the log tells: %v", acts)
	}
	withdraw := ask{method: "POST", path: "/admin/requests/" + id + "/withdraw", token: street, key: newKey(), body: map[string]any{"version": 2}}
	f.do(withdraw).want(409, "")
	f.valid("admin-get-request", f.do(ask{path: "/admin/requests/" + id, token: street}).want(200, ""))
	f.valid("admin-list-ledger", f.do(ask{path: "/admin/ledger", token: district}).want(200, ""))
}

// The same request sent by many at once is done once, and all are told the same.
func TestAnActUnderOneKeyIsDoneOnceAtOnce(t *testing.T) {
	f := newFace(t, nil)
	street := f.program(account.District2, apptest.StreetA, app.Scopes...)
	file := ask{method: "POST", path: "/admin/requests", token: street, key: newKey(), body: closeHall(apptest.HallStreet)}
	var wg sync.WaitGroup
	bodies := make([]string, 8)
	for i := range bodies {
		wg.Go(func() { bodies[i] = f.do(file).want(201, "").Body.String() })
	}
	wg.Wait()
	for _, b := range bodies {
		if b != bodies[0] {
			t.Errorf("%s\n%s", bodies[0], b)
		}
	}
	if list := f.do(ask{path: "/admin/requests", token: street}).json(); list["total"] != 1.0 {
		t.Errorf("%v requests", list["total"])
	}
}

// Art. 8 by program: a suggestion of the platform is approved, sent to the hall, and reported on.
func TestArt8_ASuggestionByProgram(t *testing.T) {
	f := newFace(t, nil)
	root := "440100000000"
	second, first := f.program(account.Platform2, root, app.Scopes...), f.program(account.Platform1, root, app.Scopes...)
	f.OpenAdmin(t, account.District1, apptest.DistrictA)
	hall := f.program(account.District2, apptest.DistrictA, app.Scopes...)
	body := closeHall(apptest.HallA)
	filed := f.do(ask{method: "POST", path: "/admin/requests", token: second, key: newKey(), body: body}).want(201, "").json()
	r := filed["requests"].([]any)[0].(map[string]any)
	if r["origin"] != "suggestion" || r["up_to"] != "platform-1" {
		t.Fatalf("filed: %v", r)
	}
	at := "/admin/requests/" + r["id"].(string)
	sent := f.do(ask{method: "POST", path: at + "/decide", token: first, key: newKey(), body: map[string]any{"version": 1, "approve": true}}).want(200, "").json()
	report := ask{method: "POST", path: at + "/report", token: hall, key: newKey(), body: map[string]any{"version": sent["version"], "done": true, "report": "已安排"}}
	done := f.valid("admin-report-request", f.do(report).want(200, "")).json()
	if done["report"] != "已安排" {
		t.Errorf("reported: %v", done)
	}
	if again := f.do(report).want(200, ""); again.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("reported again")
	}
}

func TestTokensOfClosedAccountsAndOtherFacesOpenNothing(t *testing.T) {
	f := newFace(t, nil)
	token, _ := f.programOf(account.District1, apptest.DistrictA, app.Scopes...)
	f.do(ask{path: "/admin/me", token: token}).want(200, "")
	for name, bad := range map[string]string{"a citizen's session": f.token(apptest.Citizen(1)), "nothing": "", "a guess": app.TokenPrefix + strings.Repeat("A", 43)} {
		for _, op := range f.docs().operations() {
			if !strings.HasPrefix(op.ID, "admin-") {
				continue
			}
			if r := f.do(ask{method: op.method, path: f.goodPath(op, "none"), token: bad, key: newKey(), body: "{}"}); r.Code != http.StatusUnauthorized {
				t.Errorf("%s with %s: %d", op.ID, name, r.Code)
			}
		}
	}
	f.do(ask{path: "/me", token: token}).want(401, "session_ended") // nor is a token a citizen's
}

func TestAdministratorsHaveALimitOfTheirOwn(t *testing.T) {
	f := newFace(t, func(c *api.Config) {})
	g := newFace(t, func(c *api.Config) { c.Admin = web.NewLimiter(web.Limit{Rate: 1, Burst: 2}, c.App.Now) })
	for n, face := range map[int]*face{5: f, 2: g} {
		token := face.program(account.District1, apptest.DistrictA, app.Scopes...)
		for range n {
			face.do(ask{path: "/admin/me", token: token}).want(200, "")
		}
		if face == g {
			if r := face.do(ask{path: "/admin/me", token: token}).want(429, "too_many_requests"); r.Header().Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
	}
}

// Pages of a list go on where the one before ended, and a cursor is of its list and its account only.
func TestPagesOfHallsByProgram(t *testing.T) {
	f := newFace(t, nil)
	token, other := f.program(account.Platform1, "440100000000", app.ScopeRead), f.program(account.District1, apptest.DistrictA, app.ScopeRead)
	seen := map[string]bool{}
	path := "/admin/halls?limit=2"
	for range 3 {
		page := f.do(ask{path: path, token: token}).want(200, "").json()
		for _, h := range page["halls"].([]any) {
			seen[h.(map[string]any)["id"].(string)] = true
		}
		next, _ := page["next"].(string)
		if next == "" {
			break
		}
		f.do(ask{path: "/admin/halls?limit=2&cursor=" + query(next), token: other}).want(400, "cursor_invalid")
		f.do(ask{path: "/admin/halls?limit=3&cursor=" + query(next), token: token}).want(400, "cursor_invalid")
		path = "/admin/halls?limit=2&cursor=" + query(next)
	}
	if len(seen) != 5 {
		t.Errorf("%d halls in all, want 5: %v", len(seen), seen)
	}
	if found := f.do(ask{path: "/admin/halls?q=" + query("甲一街"), token: token}).json(); found["total"] == 0.0 {
		t.Errorf("nothing found: %v", found)
	}
}

// A hall is changed by program in the columns of its file, on the version that was seen, once.
func TestArt3_AHallIsChangedByProgram(t *testing.T) {
	f := newFace(t, nil)
	street := f.program(account.District2, apptest.StreetA, app.ScopeRead, app.ScopeDirectory)
	at := "/admin/halls/" + apptest.HallStreet + "/directory/hall"
	seen := f.valid("admin-get-entry", f.do(ask{path: at, token: street}).want(200, "")).json()
	change := ask{method: "POST", path: at, token: street, key: newKey(), body: map[string]any{
		"version": seen["version"], "fields": []any{map[string]any{"column": "phone", "text": "020-87654321"}},
	}}
	done := f.valid("admin-change-entry", f.do(change).want(200, "")).json()
	if !strings.Contains(fmt.Sprint(done["fields"]), "020-87654321") || done["version"] == seen["version"] {
		t.Errorf("changed: %v", done)
	}
	if r := f.do(change).want(200, ""); r.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("changed again")
	}
	change.key = newKey()
	change.body = map[string]any{"version": seen["version"], "fields": []any{map[string]any{"column": "phone", "text": "020-11112222"}}}
	f.do(change).want(409, "changed_meanwhile")
	versions := f.valid("admin-list-versions", f.do(ask{path: "/admin/halls/" + apptest.HallStreet + "/versions", token: street}).want(200, "")).json()
	if versions["total"] == 0.0 {
		t.Errorf("versions: %v", versions)
	}
	queue := f.valid("admin-get-entry", f.do(ask{path: "/admin/halls/" + apptest.HallStreet + "/directory/queue?line=general", token: street}).want(200, "")).json()
	if queue["noun"] != "queue" {
		t.Errorf("queue: %v", queue)
	}
	f.do(ask{path: "/admin/halls/" + apptest.HallStreet + "/directory/queue?line=none", token: street}).want(404, "queue_not_found")
	f.do(ask{path: "/admin/halls/" + apptest.HallStreet + "/directory/secrets", token: street}).want(404, "entry_not_found")
	f.do(ask{path: "/admin/halls/" + apptest.HallB + "/directory/hall", token: street}).want(404, "hall_not_found")
	agency := f.program(account.Municipal2, "agency-social", app.ScopeDirectory)
	it := f.valid("admin-get-item", f.do(ask{path: "/admin/items/" + apptest.SocialCard, token: agency}).want(200, "")).json()
	f.valid("admin-change-item", f.do(ask{method: "POST", path: "/admin/items/" + apptest.SocialCard, token: agency, key: newKey(), body: map[string]any{
		"version": it["version"], "fields": []any{map[string]any{"column": "minutes", "text": "20"}, map[string]any{"column": "levels", "text": "district|street|village"}},
	}}).want(200, ""))
	f.do(ask{path: "/admin/items/" + apptest.SocialCard, token: street}).want(403, "not_allowed")
}

// Art. 11 by program: a street files for a village, the superior's own account opens at once, a change of
// person waits for the district; no answer holds a one-time link or a name in clear.
func TestArt11_AccountsAreFiledByProgram(t *testing.T) {
	f := newFace(t, nil)
	street := f.program(account.District2, apptest.StreetA, app.ScopeRead, app.ScopeAccounts)
	readOnly := f.program(account.District1, apptest.DistrictB, app.ScopeRead)
	file := ask{method: "POST", path: "/admin/filings", token: street, key: newKey(), body: map[string]any{
		"kind": "open", "rank": "district-3", "unit": apptest.VillageA, "name": "陈示范", "duty": "大厅管理员", "mobile": "13912345678",
	}}
	r := f.valid("admin-file-account", f.do(file).want(201, ""))
	filed := r.json()
	if filed["state"] != "confirmed" || filed["opened"] == nil {
		t.Errorf("filed by the superior: %v", filed)
	}
	if body := r.Body.String(); strings.Contains(body, "13912345678") || strings.Contains(body, "陈示范") || strings.Contains(body, app.WelcomePath) {
		t.Errorf("the answer tells too much: %s", body)
	}
	again := f.do(file).want(201, "")
	if again.Header().Get("Idempotency-Replayed") != "true" || again.json()["id"] != filed["id"] {
		t.Error("filed again")
	}
	accounts := f.valid("admin-list-accounts", f.do(ask{path: "/admin/accounts?rank=district-3", token: street}).want(200, "")).json()
	if accounts["total"] != 1.0 {
		t.Errorf("accounts: %v", accounts)
	}
	f.valid("admin-get-account", f.do(ask{path: "/admin/accounts/" + filed["opened"].(string), token: street}).want(200, ""))
	f.do(ask{path: "/admin/accounts", token: readOnly}).want(403, "not_allowed")
	f.do(ask{path: "/admin/filings", token: readOnly}).want(403, "not_allowed")
	f.valid("admin-list-filings", f.do(ask{path: "/admin/filings", token: street}).want(200, ""))
	f.valid("admin-get-filing", f.do(ask{path: "/admin/filings/" + filed["id"].(string), token: street}).want(200, ""))
	decide := ask{method: "POST", path: "/admin/filings/" + filed["id"].(string) + "/decide", token: street, key: newKey(), body: map[string]any{"version": filed["version"], "confirm": true}}
	f.do(decide).want(409, "filing_decided_already")
	f.do(ask{method: "POST", path: "/admin/filings/" + filed["id"].(string) + "/withdraw", token: street, key: newKey()}).want(409, "filing_decided_already")
}
