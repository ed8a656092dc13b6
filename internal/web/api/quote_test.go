package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/flow"
	"suiyue/internal/domain/room"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/web"
	"suiyue/internal/web/api"
)

func withSteps(c *api.Config) { c.Flow = true }

// quoted asks for the token and the key to book a slot with.
func (f *face) quoted(token, slot string) (body map[string]any, key string) {
	f.t.Helper()
	got := f.valid("quote", f.do(ask{method: "POST", path: "/bookings/quote", token: token, body: quoteOf(slot)}).want(200, "")).json()
	body = bookSelf(slot)
	body["token"] = got["token"]
	return body, got["idempotency_key"].(string)
}

func quoteOf(slot string) map[string]any {
	return map[string]any{"item": apptest.SocialCard, "slot": slot, "stage": "acceptance"}
}

// The last step takes the token of the step before it: of this person, this slot and this key, once, in time.
func TestQuote_TheLastStepAloneIsRefused(t *testing.T) {
	f := newFace(t, withSteps)
	token, other := f.token(apptest.Citizen(1)), f.token(apptest.Citizen(2))
	slots := f.FreeSlots(apptest.QueueA)
	post := func(token, key string, body map[string]any) reply {
		return f.do(ask{method: "POST", path: "/bookings", token: token, key: key, body: body})
	}
	post(token, newKey(), bookSelf(slots[0])).want(403, "step_missing")
	body, key := f.quoted(token, slots[0])
	post(token, newKey(), body).want(403, "step_missing")
	post(other, key, body).want(403, "step_missing")
	elsewhere := bookSelf(slots[1])
	elsewhere["token"] = body["token"]
	post(token, key, elsewhere).want(403, "step_missing")
	first := f.valid("book", post(token, key, body).want(201, "")).json()
	again := post(token, key, body).want(201, "")
	if again.Header().Get("Idempotency-Replayed") != "true" || again.json()["code"] != first["code"] {
		t.Errorf("used again: %v", again.json())
	}
	// Cancelled, the token is used up all the same.
	f.do(ask{method: "POST", path: "/bookings/" + first["code"].(string) + "/cancel", token: token, key: newKey()}).want(200, "")
	if got := post(token, key, body).want(201, "").json(); got["code"] != first["code"] {
		t.Errorf("a second number for one token: %v", got)
	}
	late, lateKey := f.quoted(other, slots[0])
	f.Clock.Set(f.Clock.Now().Add(11 * time.Minute))
	post(other, lateKey, late).want(410, "step_over")
	if got := post(token, key, body).want(201, "").json(); got["code"] != first["code"] {
		t.Errorf("what was booked in time is not answered again: %v", got)
	}
}

// Nobody gets a token for what is not released yet: nobody can be past the line before it forms.
func TestQuote_IsRefusedAsTheBookingWouldBe(t *testing.T) {
	f := newFace(t, withSteps)
	token := f.token(apptest.Citizen(1))
	quote := func(body map[string]any) reply {
		return f.do(ask{method: "POST", path: "/bookings/quote", token: token, body: body})
	}
	var later string
	for _, day := range f.App.Days(apptest.QueueA, 20) {
		for _, s := range day.Slots {
			if s.State == app.SlotNotReleased {
				later = s.ID
			}
		}
	}
	quote(quoteOf(later)).want(409, "not_released_yet")
	quote(quoteOf(booking.SlotID("440100000000-none", 9000, 9))).want(404, "slot_not_found")
	wrong := quoteOf(f.FreeSlots(apptest.QueueA)[0])
	wrong["item"] = "none"
	quote(wrong).want(404, "item_not_found")
	many := quoteOf(f.FreeSlots(apptest.QueueA)[0])
	many["units"] = 1000
	quote(many).want(409, "sold_out")
	f.do(ask{method: "POST", path: "/bookings/quote", body: quoteOf(later)}).want(401, "sign_in_required")
}

// Who waits is told where they stand and when to ask again, by whatever node; asking at once changes nothing.
func TestQuote_WaitsInTheRoom(t *testing.T) {
	f := newFaceOf(t, apptest.Options{Change: func(c *app.Config) { c.Room = &room.Rules{Inside: 1, Line: 2} }}, withSteps)
	slots := f.FreeSlots(apptest.QueueA)
	one, two, three, four := f.token(apptest.Citizen(1)), f.token(apptest.Citizen(2)), f.token(apptest.Citizen(3)), f.token(apptest.Citizen(4))
	quote := func(token string, place any) reply {
		body := quoteOf(slots[0])
		if place != nil {
			body["place"] = place
		}
		return f.do(ask{method: "POST", path: "/bookings/quote", token: token, body: body})
	}
	body, key := f.quoted(one, slots[0])
	waits := quote(two, nil).want(503, "waiting_room")
	f.validProblem(waits)
	if p := waits.json(); p["position"] != 1.0 || p["wait"] == nil || p["place"] == "" || waits.Header().Get("Retry-After") == "" {
		t.Fatalf("%v", p)
	}
	place := waits.json()["place"]
	if got := quote(three, place).want(503, "waiting_room").json(); got["position"] != 2.0 {
		t.Errorf("with the place of somebody else: %v", got["position"])
	}
	for range 20 {
		if got := quote(three, nil).want(503, "waiting_room").json(); got["position"] != 2.0 {
			t.Fatalf("asked again: %v", got["position"])
		}
	}
	if r := quote(four, nil).want(503, "waiting_room_full"); r.Header().Get("Retry-After") == "" {
		t.Error("nobody says when to come again")
	}
	f.do(ask{method: "POST", path: "/bookings", token: one, key: key, body: body}).want(201, "")
	f.Clock.Set(f.Clock.Now().Add(time.Second))
	quote(two, place).want(200, "")
	for _, nonsense := range []string{"AAAA", strings.Repeat("A", 200)} {
		if got := quote(three, nonsense).want(503, "waiting_room").json(); got["position"] != 1.0 {
			t.Errorf("place %q: %v", nonsense, got["position"])
		}
	}
}

// Without steps the booking itself is where people wait.
func TestBook_WaitsInTheRoomWhereThereAreNoSteps(t *testing.T) {
	f := newFaceOf(t, apptest.Options{Change: func(c *app.Config) { c.Room = &room.Rules{Inside: 1, Line: 2} }}, nil)
	slots := f.FreeSlots(apptest.QueueA)
	one, two := f.token(apptest.Citizen(1)), f.token(apptest.Citizen(2))
	f.do(ask{method: "POST", path: "/bookings/quote", token: one, body: quoteOf(slots[0])}).want(200, "")
	post := func(token string) reply {
		return f.do(ask{method: http.MethodPost, path: "/bookings", token: token, key: newKey(), body: bookSelf(slots[0])})
	}
	post(two).want(503, "waiting_room")
	post(one).want(201, "")
	f.Clock.Set(f.Clock.Now().Add(time.Second))
	post(two).want(201, "")
}

// After a release one person has so many tries and no more, however they are made; asking the same again is the same
// try, waiting is none, and at other times they are not counted.
func TestQuote_TriesAtNoonAreLimited(t *testing.T) {
	f := newFaceOf(t, apptest.Options{Rules: func(r *rulebook.Rulebook) { r.NoonAttempts = 3 }}, withSteps)
	token, slots := f.token(apptest.Citizen(1)), f.FreeSlots(apptest.QueueA)
	quote := func(token, slot string) reply {
		return f.do(ask{method: "POST", path: "/bookings/quote", token: token, body: quoteOf(slot)})
	}
	for _, slot := range slots[:8] {
		quote(token, slot).want(200, "")
	}
	at := f.Clock.Now().Truncate(24 * time.Hour).Add(28 * time.Hour) // 12:00 in Guangzhou
	for after, want := range map[time.Duration]bool{-time.Second: false, 0: true, 9 * time.Minute: true, 10 * time.Minute: false} {
		if f.Clock.Set(at.Add(after)); f.App.Rush() != want {
			t.Errorf("rush %v after the release: %v", after, !want)
		}
	}
	f.Clock.Set(at.Add(time.Minute))
	token, other := f.token(apptest.Citizen(1)), f.token(apptest.Citizen(2))
	slots = f.FreeSlots(apptest.QueueA)
	first := quote(token, slots[0]).want(200, "").json()
	for range 10 { // reloads, windows, a phone that tries again
		if got := quote(token, slots[0]).want(200, "").json(); got["idempotency_key"] != first["idempotency_key"] {
			t.Fatal("asked again, another key")
		}
	}
	quote(token, slots[1]).want(200, "")
	quote(token, slots[2]).want(200, "")
	if r := quote(token, slots[3]).want(429, "too_many_requests"); r.Header().Get("Retry-After") != "6" {
		t.Errorf("Retry-After %q", r.Header().Get("Retry-After"))
	}
	quote(f.token(apptest.Citizen(1)), slots[3]).want(429, "too_many_requests") // signed in once more
	quote(other, slots[3]).want(200, "")
	quote(token, slots[1]).want(200, "") // what is open stays open
	body := bookSelf(slots[0])
	body["token"] = first["token"]
	f.do(ask{method: "POST", path: "/bookings", token: token, key: first["idempotency_key"].(string), body: body}).want(201, "")
	f.Clock.Set(f.Clock.Now().Add(6 * time.Second))
	if again := quote(token, slots[0]).want(200, "").json(); again["idempotency_key"] == first["idempotency_key"] {
		t.Error("a key that was booked with is given again")
	}
}

// In the first moment after a release nobody is let in for its numbers, and asking oftener changes nothing; then
// people are let in, in an order that is the same at every node.
func TestQuote_TheFirstMomentIsSettledByLot(t *testing.T) {
	f := newFaceOf(t, apptest.Options{Change: func(c *app.Config) { c.Room = &room.Rules{Inside: 1, Line: 20} }}, withSteps)
	noon, _ := f.App.NextRelease()
	f.Clock.Set(noon.Add(-time.Minute))
	var tokens []string
	for n := range 6 {
		tokens = append(tokens, f.token(apptest.Citizen(1+n)))
	}
	var slot string
	for _, day := range f.App.Days(apptest.QueueA, 20) {
		for _, s := range day.Slots {
			if s.State == app.SlotNotReleased && s.From.Equal(noon) {
				slot = s.ID
			}
		}
	}
	quote := func(token string) reply {
		return f.do(ask{method: "POST", path: "/bookings/quote", token: token, body: quoteOf(slot)})
	}
	// Somebody who is let in for what was there before is not let in for this.
	f.do(ask{method: "POST", path: "/bookings/quote", token: tokens[0], body: quoteOf(f.FreeSlots(apptest.QueueA)[0])}).want(200, "")
	for i, token := range tokens {
		f.Clock.Set(noon.Add(time.Duration(i) * 150 * time.Millisecond))
		for range 3 {
			r := quote(token).want(503, "waiting_order")
			f.validProblem(r)
			if p := r.json(); p["position"] != nil || p["place"] == "" || r.Header().Get("Retry-After") == "" {
				t.Fatalf("%v", p)
			}
		}
	}
	f.Clock.Set(noon.Add(1100 * time.Millisecond))
	in, positions := 0, map[float64]bool{}
	for _, token := range tokens {
		if r := quote(token); r.Code == 200 {
			in++
		} else {
			positions[r.want(503, "waiting_room").json()["position"].(float64)] = true
		}
	}
	if in != 1 || len(positions) != len(tokens)-1 {
		t.Errorf("%d let in, places %v", in, positions)
	}
}

// In a rush a proof of work may be asked for. Who brings it goes on as ever; who does not waits some seconds in the
// same place.
func TestQuote_AsksForAProof(t *testing.T) {
	often := web.NewLimiter(web.Limit{Rate: 0.001, Burst: 2}, time.Now)
	f := newFaceOf(t, apptest.Options{Change: func(c *app.Config) { c.Room, c.Work = &room.Rules{Inside: 10, Line: 20}, app.Work{Bits: 8, Line: 2} }}, func(c *api.Config) {
		c.Flow, c.Often = true, often
	})
	noon, _ := f.App.NextRelease()
	slot := f.FreeSlots(apptest.QueueA)[0]
	quote := func(token string, proof string) reply {
		body := quoteOf(slot)
		if proof != "" {
			body["proof"] = proof
		}
		return f.do(ask{method: "POST", path: "/bookings/quote", token: token, body: body})
	}
	quiet := f.token(apptest.Citizen(9))
	for range 5 { // very often, but in no rush
		quote(quiet, "").want(200, "")
	}
	f.Clock.Set(noon.Add(time.Minute))
	slot = f.FreeSlots(apptest.QueueA)[0]
	one, two, plain := f.token(apptest.Citizen(1)), f.token(apptest.Citizen(2)), f.token(apptest.Citizen(3))
	asked := quote(one, "").want(503, "waiting_room")
	f.validProblem(asked)
	p := asked.json()
	if p["challenge"] == nil || p["work"] != 8.0 || p["position"] != 1.0 {
		t.Fatalf("%v", p)
	}
	proof := flow.Solve(p["challenge"].(string), 8)
	quote(two, proof).want(503, "waiting_room") // of somebody else
	quote(one, "A"+proof[1:]).want(503, "waiting_room")
	f.Clock.Set(f.Clock.Now().Add(100 * time.Millisecond))
	quote(one, proof).want(200, "")
	if again := quote(plain, "").want(503, "waiting_room").json(); again["challenge"] == nil {
		t.Fatalf("%v", again)
	}
	f.Clock.Set(f.Clock.Now().Add(2 * time.Second))
	quote(plain, "").want(503, "waiting_room")
	f.Clock.Set(f.Clock.Now().Add(3 * time.Second))
	quote(plain, "").want(200, "") // without one, five seconds after it was first asked for
	quote(two, "x").want(422, "invalid_request")
}
