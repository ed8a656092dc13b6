package api_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/api"
)

// From "what do I need to get done" to a pass, moved, and given back.
func TestTheWholeWay(t *testing.T) {
	f := newFace(t, nil)
	citizen := apptest.Citizen(1)
	token := f.token(citizen)

	items := f.valid("list-items", f.do(ask{path: "/items"}).want(200, "")).json()["items"].([]any)
	if len(items) != 3 || items[0].(map[string]any)["code"] != apptest.SocialCard {
		t.Fatalf("popular items: %v", items)
	}
	f.valid("list-items", f.do(ask{path: "/items?q=%E7%A4%BE%E4%BF%9D%E5%8D%A1&limit=5"}).want(200, ""))
	one := f.valid("get-item", f.do(ask{path: "/items/" + apptest.Passport}).want(200, "")).json()
	if one["online_url"] == nil || one["name"] != "Renew a passport" {
		t.Errorf("item: %v", one)
	}
	page := f.valid("list-halls-of-item", f.do(ask{path: "/items/" + apptest.SocialCard + "/halls?limit=3&near=23.13,113.26&sort=distance"}).want(200, "")).json()
	if page["total"] != 4.0 || page["next"] == nil {
		t.Fatalf("halls: %v", page)
	}
	rest := f.do(ask{path: "/items/" + apptest.SocialCard + "/halls?limit=3&near=23.13,113.26&sort=distance&cursor=" + page["next"].(string)}).want(200, "").json()
	if len(rest["halls"].([]any)) != 1 || rest["next"] != nil {
		t.Errorf("last page: %v", rest)
	}
	f.do(ask{path: "/items/" + apptest.SocialCard + "/halls?cursor=" + page["next"].(string)}).want(400, "cursor_invalid")
	f.valid("get-hall", f.do(ask{path: "/halls/" + apptest.HallA}).want(200, ""))
	districts := f.valid("list-districts", f.do(ask{path: "/districts"}).want(200, "")).json()["districts"].([]any)
	if len(districts) != 2 {
		t.Errorf("districts: %v", districts)
	}
	rel := f.valid("get-release", f.do(ask{path: "/release"}).want(200, "")).json()
	if rel["at"] != "2026-11-24T12:00:00+08:00" {
		t.Errorf("release: %v", rel)
	}

	slots := f.FreeSlots(apptest.QueueA)
	r := f.do(ask{method: "POST", path: "/bookings", token: token, key: "the-first-key", body: bookSelf(slots[0])}).want(201, "")
	b := f.valid("book", r).json()
	code := b["code"].(string)
	if r.Header().Get("Location") != api.Prefix+"/bookings/"+code || r.Header().Get("Cache-Control") != "no-store" || !strings.HasSuffix(b["start"].(string), "+08:00") {
		t.Errorf("answer: %v %v", r.Header(), b)
	}
	if s := r.Body.String(); strings.Contains(s, citizen.Name) || strings.Contains(s, citizen.Document.Number) || strings.Contains(s, citizen.Phone) {
		t.Error("the answer holds personal data in clear")
	}
	again := f.do(ask{method: "POST", path: "/bookings", token: token, key: "the-first-key", body: bookSelf(slots[0])}).want(201, "")
	if again.json()["code"] != code || again.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("the same request under the same key did something else")
	}
	f.do(ask{method: "POST", path: "/bookings", token: token, key: "the-first-key", body: bookSelf(slots[1])}).want(422, "idempotency_key_reused")

	held := f.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: bookSelf(slots[1])}).want(409, "already_booked_item")
	if held.json()["booking"] != code {
		t.Error("the refusal does not name the booking in the way")
	}
	f.valid("get-booking", f.do(ask{path: "/bookings/" + code, token: token}).want(200, ""))
	f.valid("list-bookings", f.do(ask{path: "/bookings?active=true", token: token}).want(200, ""))

	ics := f.do(ask{path: "/bookings/" + code + ".ics", token: token}).want(200, "")
	if !strings.Contains(ics.Body.String(), "METHOD:PUBLISH\r\n") || !strings.HasPrefix(ics.Header().Get("Content-Type"), "text/calendar") {
		t.Error("no calendar entry")
	}
	moved := f.valid("move-booking", f.do(ask{method: "POST", path: "/bookings/" + code + "/move", token: token, key: newKey(), body: map[string]any{"slot": slots[1]}}).want(200, "")).json()
	if moved["slot"] != slots[1] || moved["version"] != 2.0 {
		t.Errorf("moved: %v", moved)
	}
	stranger := f.token(apptest.Citizen(2))
	for _, a := range []ask{
		{path: "/bookings/" + code}, {path: "/bookings/" + code + ".ics"},
		{method: "POST", path: "/bookings/" + code + "/move", key: newKey(), body: map[string]any{"slot": slots[2]}},
		{method: "POST", path: "/bookings/" + code + "/cancel", key: newKey()},
	} {
		a.token = stranger
		f.do(a).want(404, "booking_not_found")
	}
	last4 := citizen.Document.Number[14:]
	f.valid("find-booking", f.do(ask{method: "POST", path: "/bookings/find", body: map[string]any{"code": strings.ToLower(code), "fact": last4}}).want(200, ""))
	f.do(ask{method: "POST", path: "/bookings/find", body: map[string]any{"code": code, "fact": "0000"}}).want(404, "booking_not_found")

	cancelled := f.valid("cancel-booking", f.do(ask{method: "POST", path: "/bookings/" + code + "/cancel", token: token, key: newKey(), body: "{}"}).want(200, "")).json()
	if cancelled["state"] != "cancelled" {
		t.Errorf("cancelled: %v", cancelled)
	}
	f.do(ask{method: "POST", path: "/bookings/" + code + "/cancel", token: token, key: newKey()}).want(409, "booking_not_active")
	if ics := f.do(ask{path: "/bookings/" + code + ".ics", token: token}); !strings.Contains(ics.Body.String(), "METHOD:CANCEL\r\n") {
		t.Error("the calendar entry is not taken back")
	}
	if list := f.valid("list-messages", f.do(ask{path: "/messages", token: token}).want(200, "")).json()["messages"].([]any); len(list) != 3 {
		t.Errorf("%d messages", len(list))
	}
	f.valid("get-me", f.do(ask{path: "/me", token: token}).want(200, ""))
}

// A key stands for one request with everything in it: anything else under it is refused, never answered
// with what the first one came to.
func TestAKeyStandsForItsWholeRequest(t *testing.T) {
	f := newFace(t, nil)
	token := f.token(apptest.Agent())
	slots := f.FreeSlots(apptest.QueueA)
	other := func(name, phone string) map[string]any {
		body := bookSelf(slots[0])
		body["applicant"] = map[string]any{"kind": "other", "name": name, "phone": phone,
			"document": map[string]any{"kind": "resident_id", "number": apptest.Citizen(7).Document.Number}}
		return body
	}
	organisation := func(name string) map[string]any {
		return map[string]any{"item": apptest.Estate, "slot": f.FreeSlots(apptest.QueueAEstate)[1], "stage": "acceptance", "units": 2, "cases": listed(41, 2),
			"applicant": map[string]any{"kind": "organisation", "name": name, "credit_code": identity.SyntheticCreditCode("000000", 1)}}
	}
	post := func(path, key string, body any) reply {
		t.Helper()
		return f.do(ask{method: "POST", path: path, token: token, key: key, body: body})
	}
	code := post("/bookings", "key-of-other", other("陈示例", "13800000000")).want(201, "").json()["code"].(string)
	firm := organisation("示例有限公司")
	post("/bookings", "key-of-firm", firm).want(201, "")
	post("/bookings/"+code+"/move", "key-of-move", map[string]any{"slot": slots[3]}).want(200, "")
	before := f.Rows(t)
	if r := post("/bookings", "key-of-other", other(" 陈示例 ", "138 0000 0000")).want(201, ""); r.Header().Get("Idempotency-Replayed") != "true" || r.json()["code"] != code {
		t.Error("the same request, typed otherwise, is not known again")
	}
	if r := post("/bookings", "key-of-firm", firm).want(201, ""); r.Header().Get("Idempotency-Replayed") != "true" {
		t.Error("the same request is not known again")
	}
	elsewhere, collecting := other("陈示例", "13800000000"), other("陈示例", "13800000000")
	elsewhere["slot"], collecting["stage"] = slots[1], "collection"
	more := organisation("示例有限公司")
	more["slot"], more["units"], more["cases"] = firm["slot"], 3, listed(41, 3)
	renamed := organisation("另一有限公司")
	renamed["slot"] = firm["slot"]
	for name, c := range map[string]struct {
		path, key string
		body      any
	}{
		"name":          {"/bookings", "key-of-other", other("李示例", "13800000000")},
		"phone":         {"/bookings", "key-of-other", other("陈示例", "13900000000")},
		"slot":          {"/bookings", "key-of-other", elsewhere},
		"stage":         {"/bookings", "key-of-other", collecting},
		"units":         {"/bookings", "key-of-firm", more},
		"firm":          {"/bookings", "key-of-firm", renamed},
		"moved to":      {"/bookings/" + code + "/move", "key-of-move", map[string]any{"slot": slots[4]}},
		"another thing": {"/bookings/" + code + "/cancel", "key-of-move", nil},
	} {
		if r := post(c.path, c.key, c.body); r.Code != 422 || r.json()["code"] != "idempotency_key_reused" {
			t.Errorf("%s: %d %v", name, r.Code, r.json()["code"])
		}
	}
	if after := f.Rows(t); !maps.Equal(before, after) {
		t.Errorf("something was written: %v, then %v", before, after)
	}
}

func TestPagesOfMyBookings(t *testing.T) {
	f := newFace(t, nil)
	token := f.token(apptest.Citizen(1))
	seen := map[string]bool{}
	for i, slot := range f.FreeSlots(apptest.QueueA)[:5] {
		code := f.book(token, slot)
		if i < 4 {
			f.do(ask{method: "POST", path: "/bookings/" + code + "/cancel", token: token, key: newKey()}).want(200, "")
		}
	}
	cursor := ""
	for range 3 {
		page := f.do(ask{path: "/bookings?limit=2" + cursor, token: token}).want(200, "").json()
		for _, b := range page["bookings"].([]any) {
			seen[b.(map[string]any)["code"].(string)] = true
		}
		next, _ := page["next"].(string)
		if next != "" {
			cursor = "&cursor=" + next
			f.do(ask{path: "/bookings?limit=2&cursor=" + next, token: f.token(apptest.Citizen(2))}).want(400, "cursor_invalid")
		} else {
			cursor = ""
		}
	}
	if len(seen) != 5 || cursor != "" {
		t.Errorf("%d bookings on three pages", len(seen))
	}
}

func TestAvailabilityStandsUntilItChanges(t *testing.T) {
	f := newFace(t, nil)
	path := "/queues/" + apptest.QueueA + "/availability"
	first := f.valid("get-availability", f.do(ask{path: path}).want(200, ""))
	tag := first.Header().Get("ETag")
	for _, h := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		if r := f.do(ask{path: path, header: map[string]string{"If-None-Match": h}}).want(304, ""); r.Body.Len() != 0 || r.Header().Get("ETag") != tag {
			t.Errorf("If-None-Match %s", h)
		}
	}
	slot := f.FreeSlots(apptest.QueueA)[0]
	f.book(f.token(apptest.Citizen(1)), slot)
	second := f.do(ask{path: path, header: map[string]string{"If-None-Match": tag}}).want(200, "")
	if second.Header().Get("ETag") == tag || second.Body.String() == first.Body.String() {
		t.Error("a booking did not show at once")
	}
	tag = second.Header().Get("ETag")
	f.Clock.Add(2 * time.Hour) // past the release at noon
	third := f.do(ask{path: path, header: map[string]string{"If-None-Match": tag}}).want(200, "")
	if strings.Count(third.Body.String(), "not_released") >= strings.Count(second.Body.String(), "not_released") {
		t.Error("the release did not show")
	}
	f.do(ask{path: "/queues/none/availability"}).want(404, "queue_not_found")
}

func TestArt15_SoldOutNamesWhatIsFree(t *testing.T) {
	f := newFace(t, nil)
	slot := f.FreeSlots(apptest.QueueStreet)[0] // one number an hour
	f.book(f.token(apptest.Citizen(1)), slot)
	r := f.do(ask{method: "POST", path: "/bookings", token: f.token(apptest.Citizen(2)), key: newKey(), body: bookSelf(slot)}).want(409, "sold_out")
	f.validProblem(r)
	alternatives, _ := r.json()["alternatives"].([]any)
	if len(alternatives) != 2 || alternatives[0].(map[string]any)["queue"] != apptest.QueueStreet || alternatives[1].(map[string]any)["queue"] == apptest.QueueStreet {
		t.Errorf("alternatives: %v", alternatives)
	}
}

func TestArt12_WhoMayBook(t *testing.T) {
	f := newFace(t, nil)
	slot := f.FreeSlots(apptest.QueueA)[0]
	f.do(ask{method: "POST", path: "/bookings", token: f.token(apptest.LowLevel()), key: newKey(), body: bookSelf(slot)}).want(403, "real_name_level_too_low")
	visitor := f.token(apptest.Visitor())
	f.do(ask{method: "POST", path: "/bookings", token: visitor, key: newKey(), body: bookSelf(slot)}).want(403, "item_needs_provincial_identity")
	body := bookSelf(f.FreeSlots(apptest.QueueAEntry)[0])
	body["item"] = apptest.Residence
	f.do(ask{method: "POST", path: "/bookings", token: visitor, key: newKey(), body: body}).want(201, "")
	f.do(ask{method: "POST", path: "/bookings", key: newKey(), body: body}).want(401, "sign_in_required")
	f.do(ask{method: "POST", path: "/bookings", token: "not-a-token", key: newKey(), body: body}).want(401, "session_ended")
}

func TestForWhom(t *testing.T) {
	f := newFace(t, nil)
	token := f.token(apptest.Agent())
	other := apptest.Citizen(7)
	slots := f.FreeSlots(apptest.QueueA)
	body := bookSelf(slots[0])
	body["applicant"] = map[string]any{"kind": "other", "name": other.Name, "document": map[string]any{"kind": "resident_id", "number": other.Document.Number}}
	f.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: body}).want(201, "")

	estate := f.FreeSlots(apptest.QueueAEstate)
	batch := map[string]any{"item": apptest.Estate, "slot": estate[1], "stage": "acceptance", "cases": listed(31, 5),
		"applicant": map[string]any{"kind": "organisation", "name": "示例有限公司", "credit_code": identity.SyntheticCreditCode("000000", 1)}}
	if got := f.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: batch}).want(201, "").json(); got["units"] != 5.0 {
		t.Errorf("batch: %v", got)
	}

	kept := f.do(ask{method: "POST", path: "/people", token: token, key: newKey(), body: map[string]any{
		"name": other.Name, "document": map[string]any{"kind": "resident_id", "number": apptest.Citizen(8).Document.Number}}}).want(201, "")
	f.valid("keep-person", kept)
	id := kept.json()["id"].(string)
	body = bookSelf(slots[2])
	body["applicant"] = map[string]any{"kind": "other", "kept": id}
	f.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: body}).want(201, "")
	stranger := f.token(apptest.Citizen(9))
	if r := f.do(ask{method: "POST", path: "/bookings", token: stranger, key: newKey(), body: body}).want(422, "invalid_request"); r.fields()["applicant.kept"] != "not_one_of" {
		t.Errorf("somebody else's kept person: %v", r.fields())
	}
	f.do(ask{method: "DELETE", path: "/people/" + id, token: stranger, key: newKey()}).want(204, "")
	if list := f.valid("list-people", f.do(ask{path: "/people", token: token}).want(200, "")).json()["people"].([]any); len(list) != 1 {
		t.Error("a stranger made somebody forget a person")
	}
	f.do(ask{method: "DELETE", path: "/people/" + id, token: token, key: newKey()}).want(204, "")
	if list := f.do(ask{path: "/people", token: token}).json()["people"].([]any); len(list) != 0 {
		t.Error("not forgotten")
	}
	body = bookSelf(slots[3])
	body["applicant"] = map[string]any{"kind": "self", "name": "X", "credit_code": "Y"}
	if r := f.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: body}).want(422, "invalid_request"); r.fields()["applicant.name"] != "unknown_field" {
		t.Errorf("a name beside self: %v", r.fields())
	}
}

func TestSessions(t *testing.T) {
	f := newFace(t, nil)
	p := apptest.Citizen(1)
	here, there, third := f.token(p), f.token(p), f.token(p)
	list := f.valid("list-sessions", f.do(ask{path: "/sessions", token: here}).want(200, "")).json()["sessions"].([]any)
	if len(list) != 3 {
		t.Fatalf("%d sessions", len(list))
	}
	thereID := ""
	for _, s := range f.do(ask{path: "/sessions", token: there}).json()["sessions"].([]any) {
		if m := s.(map[string]any); m["current"] == true {
			thereID = m["id"].(string)
		}
	}
	f.do(ask{method: "DELETE", path: "/sessions/" + thereID, token: f.token(apptest.Citizen(2)), key: newKey()}).want(204, "")
	f.do(ask{path: "/me", token: there}).want(200, "")
	f.do(ask{method: "DELETE", path: "/sessions/" + thereID, token: here, key: newKey()}).want(204, "")
	f.do(ask{path: "/me", token: there}).want(401, "session_ended")
	f.do(ask{method: "DELETE", path: "/sessions", token: here, key: newKey()}).want(204, "")
	f.do(ask{path: "/me", token: third}).want(401, "session_ended")
	f.do(ask{path: "/me", token: here}).want(200, "")

	cookie := map[string]string{"Cookie": "suiyue=" + here}
	f.do(ask{path: "/me", header: cookie}).want(200, "")
	f.do(ask{method: "DELETE", path: "/sessions", key: newKey(), header: map[string]string{"Cookie": "suiyue=" + here, "Sec-Fetch-Site": "cross-site"}}).want(403, "cross_site_request")
}

func TestLimits(t *testing.T) {
	limit := web.Limit{Rate: 1, Burst: 2}
	f := newFace(t, func(c *api.Config) {
		now := c.App.Now
		c.Account, c.AccountLimit = web.NewLimiter(limit, now), limit
		c.Find = web.NewLimiter(web.Limit{Rate: 0.01, Burst: 3}, now)
	})
	token := f.token(apptest.Citizen(1))
	slots := f.FreeSlots(apptest.QueueA)
	if r := f.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: bookSelf(slots[0])}).want(201, ""); r.Header().Get("RateLimit-Policy") != `"account";q=2;w=2` {
		t.Errorf("policy %q", r.Header().Get("RateLimit-Policy"))
	}
	f.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: bookSelf(slots[0])}).want(409, "")
	r := f.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: bookSelf(slots[0])}).want(429, "too_many_requests")
	if r.Header().Get("Retry-After") == "" || r.Header().Get("RateLimit") == "" {
		t.Error("not told how long to wait")
	}
	f.do(ask{method: "POST", path: "/bookings", token: f.token(apptest.Citizen(2)), key: newKey(), body: bookSelf(slots[0])}).want(201, "")
	f.Clock.Add(2 * time.Second)
	f.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: bookSelf(slots[0])}).want(409, "")
	for i := range 4 {
		r := f.do(ask{method: "POST", path: "/bookings/find", body: map[string]any{"code": f.Vault.CodeOf(1), "fact": "0000"}})
		if i < 3 {
			r.want(404, "booking_not_found")
		} else {
			r.want(429, "too_many_requests")
		}
	}
}

// listed is the list of a batch: n citizens from a serial on.
func listed(from, n int) (list []any) {
	for i := range n {
		p := apptest.Citizen(from + i)
		list = append(list, map[string]any{"name": p.Name, "document": map[string]any{"kind": "resident_id", "number": p.Document.Number}})
	}
	return list
}

func TestArt19_ABatchThroughTheAPI(t *testing.T) {
	f := newFace(t, nil)
	token := f.token(apptest.Agent())
	body := map[string]any{"item": apptest.Estate, "slot": f.FreeSlots(apptest.QueueAEstate)[1], "stage": "acceptance", "cases": listed(31, 3), "applicant": map[string]any{"kind": "self"}}
	post := func(path string, body any) reply {
		return f.do(ask{method: "POST", path: path, token: token, key: newKey(), body: body})
	}
	twice := deepCopy(body)
	twice["cases"] = append(listed(31, 3), listed(32, 1)...)
	if r := post("/bookings", twice).want(422, "invalid_request"); r.fields()["cases.3.document.number"] != "listed_twice" {
		t.Errorf("twice in the list: %v", r.fields())
	}
	hidden := deepCopy(body)
	hidden["cases"] = []any{map[string]any{"name": "\u202e" + canary, "document": map[string]any{"kind": canary, "number": 7, canary: 1}}, canary}
	r := post("/bookings", hidden).want(422, "invalid_request")
	if got := r.fields(); got["cases.0.name"] != "bad_character" || got["cases.0.document.kind"] != "not_one_of" || got["cases.0.document.number"] != "wrong_type" || got["cases.1"] != "wrong_type" || strings.Contains(r.Body.String(), canary) {
		t.Errorf("hostile list: %s", r.Body)
	}
	unequal := deepCopy(body)
	unequal["units"] = 2
	post("/bookings", unequal).want(422, "batch_list_unequal")
	many := deepCopy(body)
	many["cases"] = listed(31, 6)
	post("/bookings", many).want(422, "batch_too_large")
	got := f.valid("book", post("/bookings", body).want(201, "")).json()
	code := got["code"].(string)
	if got["units"] != 3.0 {
		t.Errorf("%v units", got["units"])
	}
	list := f.valid("list-cases", f.do(ask{path: "/bookings/" + code + "/cases", token: token}).want(200, ""))
	if n := len(list.json()["cases"].([]any)); n != 3 || strings.Contains(list.Body.String(), apptest.Citizen(31).Document.Number) || strings.Contains(list.Body.String(), "示例") {
		t.Errorf("%d cases: %s", n, list.Body)
	}
	f.do(ask{path: "/bookings/" + code + "/cases", token: f.token(apptest.Citizen(31))}).want(404, "booking_not_found")
	if got := f.valid("remove-cases", post("/bookings/"+code+"/cases/remove", map[string]any{"cases": []int{2}}).want(200, "")).json(); got["units"] != 2.0 {
		t.Errorf("after one was taken off: %v", got["units"])
	}
	post("/bookings/"+code+"/cases/remove", map[string]any{"cases": []int{2}}).want(404, "batch_case_not_found")
	post("/bookings/"+code+"/cases/remove", map[string]any{"cases": []int{1, 3}}).want(409, "batch_needs_a_case")
}
