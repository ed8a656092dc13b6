package api_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
)

// peopleOf are applicants for several people: the n-th citizens.
func peopleOf(numbers ...int) (list []any) {
	for _, n := range numbers {
		p := apptest.Citizen(n)
		list = append(list, map[string]any{"kind": "other", "name": p.Name, "document": map[string]any{"kind": "resident_id", "number": p.Document.Number}})
	}
	return list
}

// together asks for the hours, the token and the key for several people from a slot on.
func (f *face) together(token, slot string, people []any) (body map[string]any, key string) {
	f.t.Helper()
	q := quoteOf(slot)
	q["people"] = len(people)
	got := f.valid("quote", f.do(ask{method: "POST", path: "/bookings/quote", token: token, body: q}).want(200, "")).json()
	return map[string]any{"item": apptest.SocialCard, "stage": "acceptance", "slots": got["slots"], "applicants": people, "token": got["token"]}, got["idempotency_key"].(string)
}

// Several people in one step go the way of one: quote, then all of them or none, once; a refusal says whom it is about
// and nothing of them.
func TestTogether_AllOrNoneThroughTheInterface(t *testing.T) {
	f := newFace(t, withSteps)
	token, other := f.token(apptest.Citizen(1)), f.token(apptest.Citizen(2))
	slot := f.FreeSlots(apptest.QueueA)[0]
	post := func(token, key string, body map[string]any) reply {
		return f.do(ask{method: "POST", path: "/bookings/together", token: token, key: key, body: body})
	}
	people := append([]any{map[string]any{"kind": "self"}}, peopleOf(10, 11)...)
	body, key := f.together(token, slot, people)
	if slots := body["slots"].([]any); len(slots) != 3 || slots[0] != slot {
		t.Fatalf("hours %v", slots)
	}
	post(token, newKey(), body).want(403, "step_missing")
	post(other, key, body).want(403, "step_missing")
	one := bookSelf(slot)
	one["token"] = body["token"]
	f.do(ask{method: "POST", path: "/bookings", token: token, key: key, body: one}).want(403, "step_missing")
	elsewhere := maps.Clone(body)
	elsewhere["slots"] = []any{f.FreeSlots(apptest.QueueA)[1], f.FreeSlots(apptest.QueueA)[1], f.FreeSlots(apptest.QueueA)[1]}
	post(token, key, elsewhere).want(403, "step_missing")

	answer := f.valid("book-together", post(token, key, body).want(201, ""))
	first := answer.json()["bookings"].([]any)
	again := post(token, key, body).want(201, "")
	if len(first) != 3 || again.Header().Get("Idempotency-Replayed") != "true" || answer.Header().Get("Idempotency-Replayed") != "" {
		t.Fatalf("%d bookings, again %v", len(first), again.Header())
	}
	codes := map[any]bool{}
	for i, b := range first {
		code := b.(map[string]any)["code"]
		codes[code] = true
		if same := again.json()["bookings"].([]any)[i].(map[string]any)["code"]; same != code {
			t.Errorf("%d: %v, again %v", i, code, same)
		}
	}
	if len(codes) != 3 {
		t.Errorf("codes %v", codes)
	}
	for _, n := range []int{1, 10, 11} {
		if p := apptest.Citizen(n); strings.Contains(answer.Body.String(), p.Name) || strings.Contains(answer.Body.String(), p.Document.Number) {
			t.Errorf("person %d is shown in clear", n)
		}
	}

	before := f.Rows(t)
	late, lateKey := f.together(other, f.FreeSlots(apptest.QueueA)[9], peopleOf(20, 11))
	refused := post(other, lateKey, late).want(409, "already_booked_item")
	f.validProblem(refused)
	if p := refused.json(); p["applicant"] != 2.0 || strings.Contains(refused.Body.String(), apptest.Citizen(11).Name) {
		t.Errorf("not said about whom: %v", p)
	}
	wrong, wrongKey := f.together(other, slot, append(peopleOf(21), map[string]any{"kind": "other", "name": "", "document": map[string]any{"kind": "resident_id", "number": "440103199001011230"}}))
	wrong["applicants"].([]any)[1].(map[string]any)["name"] = "某"
	bad := post(other, wrongKey, wrong).want(422, "invalid_request").json()
	if errors := bad["errors"].([]any); bad["applicant"] != 2.0 || errors[0].(map[string]any)["path"] != "applicants.1.document.number" {
		t.Errorf("not said what is wrong: %v", bad)
	}
	twice, twiceKey := f.together(other, slot, peopleOf(22, 22))
	if p := post(other, twiceKey, twice).want(422, "invalid_request").json(); p["applicant"] != 2.0 {
		t.Errorf("twice the same: %v", p)
	}
	if after := f.Rows(t); after["booking"] != before["booking"] || after["taken"] != before["taken"] {
		t.Errorf("something was left: %v and %v", before, after)
	}
}

// Where the people do not fit into one hour the next ones follow; where they do not fit at all it says so.
func TestTogether_HoursFollowEachOther(t *testing.T) {
	f := newFace(t, withSteps)
	token := f.token(apptest.Citizen(1))
	slot := f.FreeSlots(apptest.QueueStreet)[0] // one number an hour
	queue, date, hour, _ := booking.ParseSlotID(slot)
	body, key := f.together(token, slot, peopleOf(10, 11, 12))
	want := []any{slot, booking.SlotID(queue, date, hour+1), booking.SlotID(queue, date, hour+2)}
	if !slices.Equal(body["slots"].([]any), want) {
		t.Fatalf("hours %v, not %v", body["slots"], want)
	}
	gap := maps.Clone(body)
	gap["slots"] = []any{want[0], want[2], want[2]}
	f.do(ask{method: "POST", path: "/bookings/together", token: token, key: key, body: gap}).want(403, "step_missing")
	f.do(ask{method: "POST", path: "/bookings/together", token: token, key: key, body: body}).want(201, "")
	q := quoteOf(slot)
	q["people"] = 2
	if p := f.do(ask{method: "POST", path: "/bookings/quote", token: token, body: q}).want(409, "sold_out").json(); len(p["alternatives"].([]any)) == 0 {
		t.Errorf("nothing else is named: %v", p)
	}
	for name, more := range map[string]map[string]any{"more than the rules allow": {"people": 6}, "a batch of people": {"people": 2, "units": 2}} {
		q := quoteOf(f.FreeSlots(apptest.QueueA)[9])
		maps.Copy(q, more)
		if r := f.do(ask{method: "POST", path: "/bookings/quote", token: token, body: q}); r.Code != 422 {
			t.Errorf("%s: %d", name, r.Code)
		}
	}
}
