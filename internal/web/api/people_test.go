package api_test

import (
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
)

// A program does all that a person can do about a missed hour.
func TestArt18_AProgramMakesAMissedHourGood(t *testing.T) {
	f := newFace(t, nil)
	token := f.token(apptest.Citizen(1))
	slots := f.FreeSlots(apptest.QueueA)
	code := f.book(token, slots[0])
	path := "/bookings/" + code
	f.do(ask{path: path + "/missed", token: token}).want(409, "booking_not_missed")
	f.Clock.Set((calendar.DateOf(apptest.Start) + 1).At(10, 0))
	if n, err := f.App.MarkMissed(t.Context()); err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	token = f.token(apptest.Citizen(1))
	m := f.valid("get-missed", f.do(ask{path: path + "/missed", token: token}).want(200, "")).json()
	if m["can_rebook"] != true || m["can_appeal"] != true || m["on_site"] == nil || m["rebook_until"] != "2026-12-26T00:00:00+08:00" {
		t.Errorf("%v", m)
	}
	f.valid("list-messages", f.do(ask{path: "/messages", token: token}).want(200, ""))
	rebook := ask{method: "POST", path: path + "/rebook", token: token, key: newKey(), body: map[string]any{"slot": f.FreeSlots(apptest.QueueA)[0]}}
	got := f.valid("rebook", f.do(rebook).want(201, "")).json()
	if got["code"] == code || got["state"] != "booked" {
		t.Errorf("%v", got)
	}
	if again := f.do(rebook).want(201, ""); again.Header().Get("Idempotency-Replayed") != "true" || again.json()["code"] != got["code"] {
		t.Error("the same request again did something else")
	}
	rebook.key = newKey()
	f.do(rebook).want(409, "rebooked_already")
	appeal := ask{method: "POST", path: path + "/appeal", token: token, key: newKey(), body: map[string]any{"text": "地铁停运"}}
	if p := f.valid("appeal-missed", f.do(appeal).want(200, "")).json(); p["state"] != "waiting" {
		t.Errorf("%v", p)
	}
	f.do(appeal).want(200, "")
	appeal.body = map[string]any{"text": "别的"}
	f.do(appeal).want(409, "appeal_waits_already")
	stranger := f.token(apptest.Citizen(2))
	for _, p := range []string{"/rebook", "/appeal"} {
		body := map[string]any{"text": "x"}
		if p == "/rebook" {
			body = map[string]any{"slot": slots[5]}
		}
		f.do(ask{method: "POST", path: path + p, token: stranger, key: newKey(), body: body}).want(404, "booking_not_found")
	}
}

// A program checks in, follows the number and says how it was; staff answer by program, too.
func TestAProgramFromTheDoorToTheEvaluation(t *testing.T) {
	f := newFace(t, nil)
	ctx := t.Context()
	token := f.token(apptest.Citizen(1))
	code := f.book(token, f.FreeSlots(apptest.QueueA)[0])
	day := calendar.DateOf(apptest.Start) + 1
	f.Clock.Set(day.At(9, 0))
	token = f.token(apptest.Citizen(1))
	come := ask{method: "POST", path: "/bookings/" + code + "/check-in", token: token, key: newKey(), body: map[string]any{"code": "ABCDEFGH"}}
	f.do(come).want(422, "hall_code_wrong")
	come.body = map[string]any{"position": map[string]any{"latitude": 22.5, "longitude": 114.0}}
	f.do(come).want(403, "too_far_from_hall")
	come.body = map[string]any{"code": f.App.HallCode(apptest.HallA, day)}
	id := f.valid("check-in", f.do(come).want(200, "")).json()["id"].(string)
	if again := f.do(come).want(200, "").json(); again["id"] != id {
		t.Errorf("again: %v", again)
	}
	path := "/tickets/" + id
	if v := f.valid("get-ticket", f.do(ask{path: path}).want(200, "")).json(); v["state"] != "waiting" || v["ahead"] != 0.0 || v["can_evaluate"] != false {
		t.Errorf("%v", v)
	}
	rate := ask{method: "POST", path: path + "/evaluation", body: map[string]any{"grade": 1, "reasons": []any{"slow"}, "fact": apptest.Citizen(1).Document.Number[14:]}}
	f.do(rate).want(409, "nothing_to_evaluate_yet")
	ad := f.As(t, f.OpenAdmin(t, account.District2, apptest.DistrictA))
	if _, err := f.App.OpenCounter(ctx, ad, apptest.HallA, "w1", nil); err != nil {
		t.Fatal(err)
	}
	for i, act := range []counter.Act{{Kind: counter.Call}, {Kind: counter.Finish, Result: counter.Finished}} {
		if _, err := f.App.Serve(ctx, ad, apptest.HallA, "w1", act, []string{"serve-0001", "serve-0002"}[i]); err != nil {
			t.Fatal(err)
		}
	}
	f.do(ask{method: "POST", path: path + "/leave", body: "{}"}).want(409, "ticket_over")
	asked := f.valid("list-messages", f.do(ask{path: "/messages", token: f.token(apptest.Citizen(1))}).want(200, "")).json()["messages"].([]any)
	if m := asked[0].(map[string]any); m["kind"] != "evaluate" || m["ticket"] != id || m["number"] == nil || m["booking"] != nil || m["start"] != nil {
		t.Errorf("the newest message: %v", m)
	}
	f.do(rate).want(204, "")
	f.do(rate).want(204, "")
	rate.body = map[string]any{"grade": 5, "fact": apptest.Citizen(1).Document.Number[14:]}
	f.do(rate).want(409, "evaluated_already")
	rate.body = map[string]any{"grade": 5, "fact": "0000"}
	f.do(rate).want(404, "ticket_not_found")

	staff, above := f.program(account.District2, apptest.DistrictA, app.Scopes...), f.program(account.Platform1, "", app.Scopes...)
	cases := f.valid("admin-list-cases", f.do(ask{path: "/admin/cases", token: above}).want(200, "")).json()["cases"].([]any)
	if len(cases) != 1 {
		t.Fatalf("%v", cases)
	}
	c := cases[0].(map[string]any)
	if c["item"] != nil || c["counter"] != nil || c["text"] != nil || c["grade"] != 1.0 || c["due"] != "2026-12-02" {
		t.Errorf("the platform sees %v", c)
	}
	at := "/admin/cases/" + c["id"].(string)
	f.valid("admin-get-case", f.do(ask{path: at, token: staff}).want(200, ""))
	answer := ask{method: "POST", path: at + "/answer", token: above, key: newKey(), body: map[string]any{"version": 1, "answer": "加开窗口"}}
	f.do(answer).want(403, "not_allowed")
	answer.token = staff
	f.valid("admin-answer-case", f.do(answer).want(200, ""))
	if again := f.do(answer).want(200, ""); again.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("answered twice")
	}
	called := ask{method: "POST", path: at + "/called", token: staff, key: newKey(), body: map[string]any{"version": 2, "called_back": "accepts"}}
	if v := f.valid("admin-call-back-case", f.do(called).want(200, "")).json(); v["state"] != "closed" {
		t.Errorf("%v", v)
	}
}

// A program hears appeals against missed hours: it is told codes and what was said, no name; what it decides is
// done once, in the log, and told to the person.
func TestArt18_AppealsAreDecidedByProgram(t *testing.T) {
	f := newFace(t, nil)
	slots := f.FreeSlots(apptest.QueueA)
	var codes []string
	for i := 1; i <= 3; i++ {
		codes = append(codes, f.book(f.token(apptest.Citizen(i)), slots[0]))
	}
	f.Clock.Set((calendar.DateOf(apptest.Start) + 1).At(10, 0))
	if n, err := f.App.MarkMissed(t.Context()); err != nil || n != 3 {
		t.Fatalf("%d, %v", n, err)
	}
	for i := range 2 {
		f.do(ask{method: "POST", path: "/bookings/" + codes[i] + "/appeal", token: f.token(apptest.Citizen(i + 1)), key: newKey(), body: map[string]any{"text": "地铁停运"}}).want(200, "")
	}
	staff := f.program(account.District2, apptest.DistrictA, app.ScopeRequests)
	elsewhere := f.program(account.District2, apptest.DistrictB, app.Scopes...)
	page := f.valid("admin-list-missed", f.do(ask{path: "/admin/missed?limit=1&state=waiting", token: staff}).want(200, ""))
	list := page.json()["missed"].([]any)
	if len(list) != 1 || page.json()["total"] != 2.0 || page.json()["next"] == nil {
		t.Fatalf("%v", page.json())
	}
	one := list[0].(map[string]any)
	if one["code"] != codes[0] || one["hall"] != apptest.HallA || one["no_shows"] != 1.0 || one["appeal"].(map[string]any)["text"] != "地铁停运" {
		t.Errorf("%v", one)
	}
	if p := apptest.Citizen(1); strings.Contains(page.Body.String(), p.Name[:3]) || strings.Contains(page.Body.String(), p.Phone) {
		t.Error("a program was told who")
	}
	if more := f.do(ask{path: "/admin/missed?limit=1&state=waiting&cursor=" + page.json()["next"].(string), token: staff}).want(200, "").json()["missed"].([]any); len(more) != 1 || more[0].(map[string]any)["code"] != codes[1] {
		t.Errorf("the second page: %v", more)
	}
	for token, total := range map[string]float64{elsewhere: 0, f.program(account.District1, apptest.DistrictA, app.Scopes...): 2} {
		if got := f.do(ask{path: "/admin/missed", token: token}).want(200, "").json()["total"]; got != total {
			t.Errorf("another account sees %v, want %v", got, total)
		}
	}
	f.do(ask{path: "/admin/missed?hall=" + apptest.HallB, token: staff}).want(404, "hall_not_found")
	for _, scope := range []app.Scope{app.ScopeRead, app.ScopeDecide} { // what was said is for who decides it
		f.do(ask{path: "/admin/missed", token: f.program(account.District2, apptest.DistrictA, scope)}).want(403, "not_allowed")
	}
	f.do(ask{path: "/admin/missed", token: f.program(account.Platform1, "", app.Scopes...)}).want(403, "not_allowed")

	at := func(i int) string { return "/admin/halls/" + apptest.HallA + "/missed/" + codes[i] }
	f.valid("admin-get-missed", f.do(ask{path: at(2), token: staff}).want(200, ""))
	decide := ask{method: "POST", path: at(0) + "/decide", token: elsewhere, key: newKey(), body: map[string]any{"excuse": true, "why": "属实"}}
	f.do(decide).want(404, "hall_not_found")
	decide.token = staff
	if v := f.valid("admin-decide-missed", f.do(decide).want(200, "")).json(); v["state"] != "excused" || v["no_shows"] != 0.0 || v["appeal"].(map[string]any)["state"] != "upheld" {
		t.Errorf("%v", v)
	}
	if again := f.do(decide).want(200, ""); again.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("decided twice")
	}
	decide.key = newKey()
	f.do(decide).want(409, "booking_not_missed")
	refuse := ask{method: "POST", path: at(1) + "/decide", token: staff, key: newKey(), body: map[string]any{"excuse": false, "why": "没有凭据"}}
	if v := f.do(refuse).want(200, "").json(); v["state"] != "no_show" || v["appeal"].(map[string]any)["why"] != "没有凭据" {
		t.Errorf("%v", v)
	}
	refuse.key = newKey()
	f.do(refuse).want(409, "appeal_decided")
	refuse.path = at(2) + "/decide"
	refuse.key = newKey()
	f.do(refuse).want(404, "appeal_not_found")
	told := f.do(ask{path: "/messages", token: f.token(apptest.Citizen(2))}).want(200, "").json()["messages"].([]any)
	if told[0].(map[string]any)["kind"] != "appeal_refused" {
		t.Errorf("told: %v", told[0])
	}
	if acts := f.Acts(t, "booking", f.bookingID(codes[0])); len(acts) != 1 || acts[0] != "booking.excuse" {
		t.Errorf("in the log: %v", acts)
	}
}

// bookingID is the id of the booking with a code.
func (f *face) bookingID(code string) string {
	n, _ := f.Vault.NumberOf(code)
	return booking.IDOf(n)
}
