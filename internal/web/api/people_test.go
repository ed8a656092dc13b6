package api_test

import (
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
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
