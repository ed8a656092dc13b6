package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// connected is a face with a connected system of the first district, and a program that speaks for it.
type connected struct {
	*face
	token, source string
	district      *apptest.Operator
}

func newConnected(t *testing.T, o apptest.Options) *connected {
	f := newFaceOf(t, o, nil)
	f.Clock.Add(3 * time.Hour) // after the day's release
	c := &connected{face: f}
	c.token, c.district = f.programOf(account.District1, apptest.DistrictA, app.ScopeFeed)
	c.source = c.connect(oversight.RecordKinds)
	return c
}

func (c *connected) connect(kinds []oversight.RecordKind) string {
	c.t.Helper()
	id, err := c.App.ConnectSource(c.t.Context(), c.As(c.t, c.district), apptest.DistrictA, oversight.Source{
		Name: "自建系统", Kinds: kinds, Halls: []string{apptest.HallA}, Delay: 15 * time.Minute, Silence: 2 * time.Hour,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}

// both runs a case on both engines, every closure of the store twice.
func both(t *testing.T, run func(c *connected)) {
	t.Run("sqlite", func(t *testing.T) { run(newConnected(t, apptest.Options{Twice: true})) })
	t.Run("postgres", func(t *testing.T) { run(newConnected(t, apptest.Options{Twice: true, Source: apptest.Postgres(t)})) })
}

// record is a booking of a person in the system, made a minute ago.
func (c *connected) record(row string, version, person int, more ...any) map[string]any {
	r := map[string]any{
		"row": row, "version": version, "kind": "booking", "at": c.Clock.Now().Add(-time.Minute).Format(time.RFC3339), "hall": apptest.HallA, "date": "2026-12-01", "hour": 10,
		"item": apptest.SocialCard, "state": "booked",
		"applicant": map[string]any{"kind": "self", "name": "陈示例", "phone": "13800000000", "document": map[string]any{"kind": "resident_id", "number": apptest.Citizen(person).Document.Number}},
	}
	for i := 0; i < len(more); i += 2 {
		if more[i+1] == nil {
			delete(r, more[i].(string))
		} else {
			r[more[i].(string)] = more[i+1]
		}
	}
	return r
}

// send sends records and returns what became of each.
func (c *connected) send(records ...any) []map[string]any {
	c.t.Helper()
	r := c.valid("send-records", c.do(ask{method: "POST", path: "/sources/" + c.source + "/records", token: c.token, body: map[string]any{"records": records}}).want(200, ""))
	var out []map[string]any
	for _, one := range r.json()["records"].([]any) {
		out = append(out, one.(map[string]any))
	}
	if len(out) != len(records) {
		c.t.Fatalf("%d answers to %d records", len(out), len(records))
	}
	return out
}

func results(list []map[string]any) string {
	var out []string
	for _, one := range list {
		out = append(out, one["result"].(string))
	}
	return strings.Join(out, " ")
}

// wrong is the first field of an answer that is wrong, with its code.
func wrong(one map[string]any) string {
	list, _ := one["errors"].([]any)
	if len(list) == 0 {
		return ""
	}
	f := list[0].(map[string]any)
	return fmt.Sprint(f["path"], " ", f["code"])
}

// measured is what has been counted of a kind on a day.
func (c *connected) measured(kind oversight.RecordKind, date calendar.Date) (sum oversight.SourceDay) {
	c.t.Helper()
	if err := c.DB.View(c.t.Context(), func(tx *store.Tx) error {
		days, err := tx.SourceDays(c.t.Context(), []string{c.source}, date, date)
		sum = oversight.SourceDay{}
		for _, d := range days {
			if d.Kind == kind {
				sum = sum.Plus(d)
			}
		}
		return err
	}); err != nil {
		c.t.Fatal(err)
	}
	return sum
}

// healthy lets the doctor look.
func (c *connected) healthy() {
	c.t.Helper()
	list, err := c.DB.Doctor(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range list {
		if f.Severity == store.Error {
			c.t.Errorf("doctor: %s: %s", f.Check, f.Detail)
		}
	}
}

func TestArt6_RecordsAreTakenOnceInAnyOrder(t *testing.T) {
	both(t, func(c *connected) {
		t := c.t
		first := c.record("b1", 1, 501)
		moved := c.record("b1", 3, 501, "hour", 11)
		if got := results(c.send(first)); got != "accepted" {
			t.Fatal(got)
		}
		if got := results(c.send(first, moved, c.record("b1", 2, 501, "hour", 9), moved, first)); got != "duplicate accepted superseded duplicate duplicate" {
			t.Error(got)
		}
		changed := maps.Clone(moved)
		changed["hour"] = 15
		answers := c.send(changed, map[string]any{"row": "x"}, c.record("b2", 1, 502), "no record", c.record("b3", 1, 503, "hall", apptest.HallB), c.record("b1", 4, 501, "kind", "result", "state", "done"),
			c.record("b4", 1, 504, "secret", canary), c.record("b5", 1, 505, "item", "none"))
		if got := results(answers); got != "rejected rejected accepted rejected rejected rejected rejected rejected" {
			t.Error(got)
		}
		for i, want := range []string{"version version_reused", "", "", "record wrong_type", "hall not_one_of", "kind not_the_same", "record unknown_field", "item not_one_of"} {
			if got := wrong(answers[i]); want != "" && got != want {
				t.Errorf("record %d: %q, want %q", i, got, want)
			}
		}
		day := calendar.MakeDate(2026, time.December, 1)
		if m := c.measured(oversight.BookingRecord, day); m.Received != 4 || m.Expected != 4 || m.InTime != 4 {
			t.Errorf("counted: %+v", m)
		}
		if strings.Contains(c.log.String(), canary) {
			t.Error("what was sent is in the log")
		}
		c.healthy()
	})
}

func TestArt21_EachRecordIsMeasured(t *testing.T) {
	both(t, func(c *connected) {
		t := c.t
		day := calendar.MakeDate(2026, time.December, 1)
		late := c.Clock.Now().Add(-16 * time.Minute).Format(time.RFC3339)
		if got := results(c.send(c.record("b1", 1, 501, "seq", 7), c.record("b2", 1, 502, "seq", 11, "at", late))); got != "accepted accepted" {
			t.Fatal(got)
		}
		if m := c.measured(oversight.BookingRecord, day); m.Expected != 5 || m.Received != 2 || m.InTime != 1 { // 8, 9 and 10 have not come
			t.Errorf("after a gap: %+v", m)
		}
		c.send(c.record("b3", 1, 503, "seq", 9, "date", "2026-12-02"))
		if m := c.measured(oversight.BookingRecord, day); m.Expected != 4 || m.Received != 2 {
			t.Errorf("the day on which it was missing: %+v", m)
		}
		if m := c.measured(oversight.BookingRecord, day+1); m.Expected != 1 || m.Received != 1 || m.InTime != 1 {
			t.Errorf("its own day: %+v", m)
		}
		if got := wrong(c.send(c.record("b4", 1, 504, "seq", 20_000))[0]); got != "seq out_of_range" {
			t.Error(got)
		}
		at := c.Clock.Now().Format(time.RFC3339)
		act := func(row, kind string, more ...any) map[string]any {
			r := map[string]any{"row": row, "version": 1, "kind": kind, "at": at, "hall": apptest.HallA, "date": "2026-12-01"}
			for i := 0; i < len(more); i += 2 {
				r[more[i].(string)] = more[i+1]
			}
			return r
		}
		got := results(c.send(act("c1", "capacity", "hour", 10, "number", 12, "queue", apptest.QueueA), act("i1", "check_in", "state", "arrived", "booking", "b1"),
			act("k1", "call", "state", "called", "booking", "b1"), act("r1", "result", "state", "done", "booking", "b1"), act("e1", "evaluation", "number", 5, "booking", "b1")))
		if got != "accepted accepted accepted accepted accepted" {
			t.Error(got)
		}
		for _, kind := range oversight.RecordKinds {
			if m := c.measured(kind, day); m.Received < 1 || !m.Sane() || m.LastAt.IsZero() {
				t.Errorf("%s: %+v", kind, m)
			}
		}
		if n, err := c.App.CountFigures(t.Context(), 0); err != nil || n == 0 {
			t.Errorf("%d days counted again, %v", n, err)
		}
		c.healthy()
	})
}

// One active booking per applicant and item holds across connected systems.
func TestArt5_OneBookingAcrossSystems(t *testing.T) {
	both(t, func(c *connected) {
		t := c.t
		me := c.face.token(apptest.Citizen(501))
		slot := c.FreeSlots(apptest.QueueB)[0]
		take := func(status int, code string) reply {
			t.Helper()
			return c.do(ask{method: "POST", path: "/bookings", token: me, key: newKey(), body: bookSelf(slot)}).want(status, code)
		}
		if one := c.send(c.record("b1", 1, 501))[0]; one["conflict"] != nil {
			t.Errorf("a conflict with nobody: %v", one)
		}
		c.healthy()
		if detail := take(409, "booked_in_another_system").json()["detail"].(string); !strings.Contains(detail, "自建系统") {
			t.Errorf("it does not say where: %s", detail)
		}
		c.send(c.record("b1", 2, 501, "state", "cancelled", "applicant", nil))
		code := take(201, "").json()["code"].(string)

		// Now the system sends a booking although there is one here.
		one := c.send(c.record("b2", 1, 501))[0]
		clash, _ := one["conflict"].(map[string]any)
		if one["result"] != "accepted" || clash["system"] != "" || clash["hall"] != apptest.HallB {
			t.Fatalf("the conflict is not told: %v", one)
		}
		sees := func(o *apptest.Operator, n int) {
			t.Helper()
			list, err := c.App.FeedConflicts(t.Context(), c.As(t, o))
			if err != nil || len(list) != n {
				t.Errorf("%d conflicts, %v, want %d", len(list), err, n)
			}
		}
		other := c.OpenAdmin(t, account.District1, apptest.DistrictB)
		street := c.OpenAdmin(t, account.District2, apptest.StreetA)
		sees(c.district, 1)
		sees(other, 1)
		sees(street, 0)
		if again := c.send(c.record("b2", 1, 501))[0]; again["result"] != "duplicate" {
			t.Errorf("sent again: %v", again)
		}
		follow := func(want int) {
			t.Helper()
			if n, _, err := c.App.FollowFeedConflicts(t.Context()); err != nil || n != want {
				t.Errorf("%d conflicts ended, %v, want %d", n, err, want)
			}
		}
		follow(0)
		c.do(ask{method: "POST", path: "/bookings/" + code + "/cancel", token: me, key: newKey(), body: map[string]any{}}).want(200, "")
		follow(1) // the booking there is in its place
		sees(c.district, 0)
		take(409, "booked_in_another_system")
		c.healthy()

		// A second system, too.
		first, name := c.source, ""
		c.source = c.connect(oversight.RecordKinds)
		if clash, _ := c.send(c.record("z1", 1, 501))[0]["conflict"].(map[string]any); clash["system"] != first || clash["name"] != "自建系统" {
			t.Errorf("the other system is not named: %v %s", clash, name)
		}
		c.source = first
		result := map[string]any{"row": "r1", "version": 1, "kind": "result", "state": "done", "booking": "b2", "at": c.Clock.Now().Format(time.RFC3339), "hall": apptest.HallA, "date": "2026-12-01"}
		c.send(result) // it is over there, so the second system's is the one
		follow(1)
		c.healthy()
		c.Clock.Set(calendar.MakeDate(2026, time.December, 2).At(13, 0)) // and that day has passed
		if _, err := c.App.Prepare(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		follow(0)
		c.healthy()
		me, slot = c.face.token(apptest.Citizen(501)), c.FreeSlots(apptest.QueueB)[0]
		take(201, "")
	})
}

func TestArt6_RowsOfExchangeTables(t *testing.T) {
	both(t, func(c *connected) {
		t := c.t
		row := map[string]any{
			"row_guid": "{0A1B}", "data_source": c.source, "cd_batch": "20261124-1", "cd_operation": "I", "cd_time": "2026-11-24 12:58:00", "record_kind": "booking",
			"happen_time": "2026-11-24 12:57:30", "hall_code": apptest.HallA, "book_date": "2026-12-01", "book_hour": 10, "task_code": apptest.SocialCard, "state": "booked",
			"applicant_kind": "organisation", "applicant_name": "示例有限公司", "credit_code": identity.SyntheticCreditCode("000000", 9),
		}
		with := func(more ...any) map[string]any {
			r := maps.Clone(row)
			for i := 0; i < len(more); i += 2 {
				r[more[i].(string)] = more[i+1]
			}
			return r
		}
		r := c.valid("exchange-rows", c.do(ask{method: "POST", path: "/sources/" + c.source + "/rows", token: c.token, body: map[string]any{"rows": []any{
			row, row, with("cd_operation", "D", "cd_time", "2026-11-24 12:59:00.500"), with("cd_operation", "U", "cd_time", "2026-11-24 12:59:00", "book_hour", 11),
			with("data_source", "S9999"), with("cd_time", "2026-11-31 10:00:00"), with("credit_code", "x"), with("cd_operation", "X"),
		}}}).want(200, "")).json()
		var got []map[string]any
		for _, one := range r["records"].([]any) {
			got = append(got, one.(map[string]any))
		}
		if s := results(got); s != "accepted duplicate accepted superseded rejected rejected rejected rejected" {
			t.Error(s)
		}
		for i, path := range map[int]string{4: "data_source", 5: "cd_time", 6: "credit_code", 7: "cd_operation"} {
			if w := wrong(got[i]); !strings.HasPrefix(w, path+" ") {
				t.Errorf("row %d: %s, want %s", i, w, path)
			}
		}
		if r["accepted"] != 2.0 || r["superseded"] != 1.0 || r["duplicate"] != 1.0 || r["rejected"] != 4.0 {
			t.Errorf("sums: %v", r)
		}
		c.healthy()
	})
}

func TestArt6_WhoMaySpeakForASystem(t *testing.T) {
	c := newConnected(t, apptest.Options{})
	path := "/sources/" + c.source + "/records"
	body := map[string]any{"records": []any{c.record("b1", 1, 501)}}
	post := func(token, path string, body any, status int, code string) reply {
		t.Helper()
		return c.do(ask{method: "POST", path: path, token: token, body: body}).want(status, code)
	}
	post("", path, body, 401, "sign_in_required")
	post(c.program(account.District1, apptest.DistrictA, app.ScopeRead), path, body, 403, "not_allowed")
	post(c.program(account.District2, apptest.DistrictA, app.ScopeFeed), path, body, 403, "not_allowed")
	post(c.program(account.District1, apptest.DistrictB, app.ScopeFeed), path, body, 404, "source_not_found")
	post(c.token, "/sources/S9999/records", body, 404, "source_not_found")
	post(c.token, path, map[string]any{"records": []any{}}, 422, "invalid_request")
	post(c.token, path, map[string]any{"records": []any{}, "more": 1}, 422, "invalid_request")
	many := make([]any, 501)
	for i := range many {
		many[i] = map[string]any{}
	}
	post(c.token, path, map[string]any{"records": many}, 422, "invalid_request")
	post(c.token, path, `{"records":["`+strings.Repeat("x", 600<<10)+`"]}`, http.StatusRequestEntityTooLarge, "body_too_large")
	post(c.token, path, `{"records":[`, 400, "malformed_request")
	post(c.token, path, `{"records":[{}],"records":[{}]}`, 422, "invalid_request")
	only := c.connect([]oversight.RecordKind{oversight.ResultRecord})
	if one := post(c.token, "/sources/"+only+"/records", body, 200, "").json()["records"].([]any)[0].(map[string]any); wrong(one) != "kind kind_not_agreed" {
		t.Errorf("a kind that is not agreed: %v", one)
	}
	if err := c.App.EndSource(t.Context(), c.As(t, c.district), only, 1); err != nil {
		t.Fatal(err)
	}
	post(c.token, "/sources/"+only+"/records", body, 409, "source_ended")
}

// What happened here is told in order, nothing twice with the same number, nothing left out, and only of one's halls.
func TestArt6_EventsInOrder(t *testing.T) {
	both(t, func(c *connected) {
		t := c.t
		number := func() {
			t.Helper()
			for more := true; more; {
				var err error
				if more, err = c.App.NumberEvents(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		number() // from now on
		events := func(after any, limit int) ([]map[string]any, any) {
			t.Helper()
			r := c.valid("list-events", c.do(ask{path: fmt.Sprintf("/sources/%s/events?after=%v&limit=%d", c.source, after, limit), token: c.token}).want(200, "")).json()
			var out []map[string]any
			for _, e := range r["events"].([]any) {
				out = append(out, e.(map[string]any))
			}
			return out, r["next"]
		}
		if list, next := events(0, 10); len(list) != 0 || next != 0.0 {
			t.Errorf("before anything happened: %v, %v", list, next)
		}
		var codes []string
		for i := range 5 {
			c.Clock.Add(time.Second)
			codes = append(codes, c.book(c.face.token(apptest.Citizen(600+i)), c.FreeSlots(apptest.QueueA)[0]))
		}
		c.book(c.face.token(apptest.Citizen(650)), c.FreeSlots(apptest.QueueB)[0]) // another hall
		number()
		number() // numbers are given once
		waits := func(want bool, when string) {
			t.Helper()
			if err := c.DB.View(t.Context(), func(tx *store.Tx) error {
				got, err := tx.EventsWait(t.Context(), []string{apptest.HallA})
				if got != want {
					t.Errorf("%s: something to write is %t", when, got)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		waits(false, "everything has its number")
		c.Clock.Add(time.Second)
		c.do(ask{method: "POST", path: "/bookings/" + codes[2] + "/cancel", token: c.face.token(apptest.Citizen(602)), key: newKey(), body: map[string]any{}}).want(200, "")
		waits(true, "a booking was cancelled")
		number()
		waits(false, "that has its number")
		c.Clock.Add(time.Minute)
		waits(true, "a minute in which nothing happened")
		number()
		var got []string
		var last float64
		for after := any(0.0); ; {
			list, next := events(int64(after.(float64)), 2)
			for _, e := range list {
				if e["hall"] != apptest.HallA || e["seq"].(float64) <= last {
					t.Errorf("event %v after %v", e, last)
				}
				last = e["seq"].(float64)
				got = append(got, fmt.Sprint(e["kind"], " ", e["booking"], " ", e["version"]))
			}
			if len(list) == 0 {
				break
			}
			after = next
		}
		var want []string
		for _, code := range codes {
			want = append(want, "booked "+code+" 1")
		}
		if want = append(want, "cancelled "+codes[2]+" 2"); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("told: %v\nwant: %v", got, want)
		}
		c.do(ask{path: "/sources/" + c.source + "/events?after=-1", token: c.token}).want(422, "invalid_request")
	})
}

// Every difference between the lists is found, and accuracy is measured by it, once.
func TestArt21_ListsAreReconciled(t *testing.T) {
	both(t, func(c *connected) {
		t := c.t
		day := calendar.MakeDate(2026, time.November, 23) // yesterday
		const n = 400
		var records, rows []any
		var entries []feed.Entry
		for i := range n {
			row := fmt.Sprintf("b%04d", i)
			records = append(records, c.record(row, 1, i, "date", day.String(), "state", "done"))
			rows = append(rows, map[string]any{"row": row, "hour": 10, "item": apptest.SocialCard, "state": "done"})
			entries = append(entries, feed.Entry{Row: row, Hour: 10, Item: apptest.SocialCard, Units: 1, State: "done"})
		}
		c.send(records...)
		compare := func(list map[string]any) map[string]any {
			t.Helper()
			list["hall"], list["kind"] = apptest.HallA, "booking"
			body := map[string]any{"date": day.String(), "lists": []any{list}}
			return c.valid("reconcile-lists", c.do(ask{method: "POST", path: "/sources/" + c.source + "/reconcile", token: c.token, body: body}).want(200, "")).json()["lists"].([]any)[0].(map[string]any)
		}
		for range 2 {
			if one := compare(map[string]any{"count": n, "digest": feed.Digest(entries)}); one["result"] != "same" || one["agreed"] != 400.0 {
				t.Errorf("the same: %v", one)
			}
			if m := c.measured(oversight.BookingRecord, day); m.Checked != n || m.Agreed != n || m.Expected != n {
				t.Errorf("counted: %+v", m)
			}
		}
		// 10 that differ, 10 that have not come, 10 that they do not have.
		want := map[string]string{}
		var theirs []any
		for i, r := range rows {
			r := maps.Clone(r.(map[string]any))
			switch {
			case i%40 == 1:
				r["hour"] = 11
				want[r["row"].(string)] = "differs [hour]"
			case i%40 == 2:
				want[r["row"].(string)] = "missing_there []"
				continue
			case i%40 == 3:
				theirs = append(theirs, map[string]any{"row": fmt.Sprint("x", i), "hour": 9, "item": apptest.SocialCard, "state": "done"})
				want[fmt.Sprint("x", i)] = "missing_here []"
			}
			theirs = append(theirs, r)
		}
		other := strings.Repeat("0", 64)
		if one := compare(map[string]any{"count": n, "digest": other}); one["result"] != "different" || one["differences"] != nil {
			t.Errorf("different, without rows: %v", one)
		}
		for range 2 {
			one := compare(map[string]any{"count": n, "digest": other, "rows": theirs})
			got := map[string]string{}
			for _, d := range one["differences"].([]any) {
				d := d.(map[string]any)
				fields, _ := d["fields"].([]any)
				got[d["row"].(string)] = fmt.Sprint(d["kind"], " ", fields)
			}
			if one["result"] != "compared" || !maps.Equal(got, want) {
				t.Errorf("found: %v\nwant: %v", got, want)
			}
			if m := c.measured(oversight.BookingRecord, day); m.Checked != 410 || m.Agreed != 380 || m.Expected != 410 || m.Received != 400 {
				t.Errorf("counted: %+v", m)
			}
		}
		c.send(c.record("x3", 1, 900, "date", day.String(), "state", "done", "hour", 9)) // one of those that were missing comes
		if m := c.measured(oversight.BookingRecord, day); m.Expected != 410 || m.Received != 401 {
			t.Errorf("after it came: %+v", m)
		}
		refused := func(date string, more map[string]any, status int) {
			t.Helper()
			l := map[string]any{"hall": apptest.HallA, "kind": "booking", "count": 0, "digest": other}
			maps.Copy(l, more)
			c.do(ask{method: "POST", path: "/sources/" + c.source + "/reconcile", token: c.token, body: map[string]any{"date": date, "lists": []any{l}}}).want(status, "")
		}
		refused("2026-11-24", nil, 422) // not over yet
		refused(day.String(), map[string]any{"hall": apptest.HallB}, 404)
		refused(day.String(), map[string]any{"rows": []any{rows[0], rows[0]}}, 422)
		c.healthy()
	})
}

// Who was booked elsewhere is forgotten with the day, and the claim goes with them.
func TestWhoWasBookedElsewhereIsForgotten(t *testing.T) {
	both(t, func(c *connected) {
		c.send(c.record("b1", 1, 501))
		day := oversight.HallDay{HallID: apptest.HallA, Date: calendar.MakeDate(2026, time.December, 1)}
		var counts []map[string]int
		for range 2 { // done again, it changes nothing
			if err := c.DB.Update(c.t.Context(), func(tx *store.Tx) error {
				n, err := tx.ForgetDay(c.t.Context(), day, func(string) string { return "~nobody" })
				counts = append(counts, n)
				return err
			}); err != nil {
				c.t.Fatal(err)
			}
		}
		if first, last := counts[0], counts[len(counts)-1]; first["feed_row"] != 1 || first["claim"] != 1 || len(last) != 0 {
			c.t.Errorf("forgotten: %v", counts)
		}
		c.healthy()
	})
}
