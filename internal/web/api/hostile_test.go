package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/api"
)

// canary stands in everything hostile that is sent: no answer and no line of the log may hold it.
const canary = "c4n4ry"

// goodBodies are requests that would be accepted, by operation.
func (f *face) goodBodies() map[string]map[string]any {
	number := apptest.Citizen(70).Document.Number
	return map[string]map[string]any{
		"book": {"item": apptest.SocialCard, "slot": f.FreeSlots(apptest.QueueA)[0], "stage": "acceptance", "units": 1, "token": strings.Repeat("A", 32),
			"applicant": map[string]any{"kind": "other", "name": "陈示例", "phone": "13800000000",
				"document": map[string]any{"kind": "resident_id", "number": number}}},
		"quote": {"item": apptest.SocialCard, "slot": f.FreeSlots(apptest.QueueA)[0], "stage": "acceptance", "units": 1, "people": 2, "place": "AAAA", "proof": strings.Repeat("A", 34) + ".1"},
		"book-together": {"item": apptest.SocialCard, "slots": []any{f.FreeSlots(apptest.QueueA)[0], f.FreeSlots(apptest.QueueA)[0]}, "stage": "acceptance", "token": strings.Repeat("A", 32),
			"applicants": []any{map[string]any{"kind": "self"}, map[string]any{"kind": "other", "name": "陈示例", "document": map[string]any{"kind": "resident_id", "number": number}}}},
		"move-booking":   {"slot": f.FreeSlots(apptest.QueueA)[1]},
		"cancel-booking": {},
		"keep-booking":   {},
		"remove-cases":   {"cases": []any{1}},
		"find-booking":   {"code": f.Vault.CodeOf(77), "fact": "1234"},
		"join-waitlist": {"item": apptest.SocialCard, "stage": "acceptance", "units": 1, "halls": []any{apptest.HallA}, "dates": []any{"2026-12-01"}, "hours": []any{9},
			"applicant": map[string]any{"kind": "other", "name": "陈示例", "phone": "13800000000", "document": map[string]any{"kind": "resident_id", "number": number}}},
		"change-wait": {"units": 1, "halls": []any{apptest.HallA}, "dates": []any{"2026-12-01"}, "hours": []any{9}},
		"leave-wait":  {}, "took-online": {}, "take-offer": {}, "decline-offer": {},
		"rebook":        {"slot": f.FreeSlots(apptest.QueueA)[1]},
		"appeal-missed": {"text": "ill"}, "appeal-standing": {"text": "ill"},
		"check-in":    {"code": "ABCDEFGH", "position": map[string]any{"latitude": 1.5, "longitude": 1.5}},
		"leave-line":  {},
		"evaluate":    {"grade": 5, "reasons": []any{"kind"}, "text": "x", "fact": "1234", "token": "abcdefghijkl"},
		"keep-person": {"name": "陈示例", "document": map[string]any{"kind": "resident_id", "number": number}},

		"admin-acknowledge-alert": {}, "admin-tell-waiting": {},
		"admin-acknowledge-anomaly": {}, "admin-act-on-anomaly": {"request": "R2026-000001"}, "admin-close-anomaly": {"reason": "explained", "why": "x"},
		"admin-decide-sanction": {"grant": false, "why": "x"},
		"admin-decide-missed":   {"excuse": false, "why": "x"},
		"admin-answer-case":     {"version": 1, "answer": "x"},
		"admin-work-step":       {"step": "household", "act": "ask", "version": 1, "text": "x"},
		"admin-call-back-case":  {"version": 1, "called_back": "accepts"},

		"admin-issue-letter":   {"unit": "nowhere", "about": "ledger:L1", "subject": "x", "text": "x", "asks": "x"},
		"admin-receive-letter": {"version": 1},
		"admin-reply-letter":   {"version": 1, "text": "x"},
		"admin-check-letter":   {"version": 1, "accept": false, "text": "x"},

		"admin-preview-request":  adminRequest(),
		"admin-file-request":     adminRequest(),
		"admin-decide-request":   {"version": 1, "approve": false, "why": "no"},
		"admin-decide-bundle":    {"approve": false, "why": "no"},
		"admin-appeal-entry":     {"why": "no"},
		"admin-decide-appeal":    {"strike": false, "why": "no"},
		"admin-withdraw-request": {"version": 1},
		"admin-report-request":   {"version": 1, "done": false, "report": "no"},
		"admin-file-account":     {"kind": "close", "rank": "district-3", "unit": apptest.VillageA, "account": "A999999", "name": "陈示范", "duty": "管理员", "mobile": "13900000000", "reason": "x"},
		"admin-decide-filing":    {"version": 1, "confirm": false, "why": "x"}, "admin-withdraw-filing": {},
		"admin-change-entry": {"line": "social", "counter": "c1", "item": apptest.SocialCard, "new": false, "version": 1,
			"fields": []any{map[string]any{"column": "no_such_column", "text": "x"}}},
		"send-records":      {"records": []any{map[string]any{"row": "b1", "version": 1, "kind": "booking", "at": "2026-11-24T10:00:00+08:00", "hall": apptest.HallA, "date": "2026-12-01"}}},
		"reconcile-lists":   {"date": "2026-11-23", "lists": []any{map[string]any{"hall": apptest.HallA, "kind": "booking", "count": 0, "digest": strings.Repeat("0", 64)}}},
		"exchange-rows":     {"rows": []any{map[string]any{"row_guid": "b1"}}},
		"admin-change-item": {"new": false, "version": 1, "fields": []any{map[string]any{"column": "no_such_column", "text": "x"}}},
	}
}

// adminRequest is well formed and asks about a hall that the asker may not see.
func adminRequest() map[string]any {
	return map[string]any{
		"targets": []any{map[string]any{"hall": apptest.HallB, "queue": apptest.QueueB}}, "urgent": true, "reason": "typhoon",
		"change": map[string]any{
			"kind": "close", "from": "2026-12-07", "to": "2026-12-08", "weekdays": []any{1, 2}, "total": 1, "source": "filed", "half": "day",
			"rule": map[string]any{"kind": "day_of_month", "n": 7, "half": "day"}, "hours": []any{9}, "per_hour": 1, "per_mille": 1, "days": 1,
		},
	}
}

// must tells whether a field must be there, by the document.
func (d *docs) must(s schema, path string) bool {
	s = d.follow(s)
	name, rest, more := strings.Cut(path, ".")
	if more {
		return d.must(s.Properties[name], rest)
	}
	return slices.Contains(s.Required, name)
}

// signed tells whether only a connected system may call it.
func (o operation) signed() bool {
	return len(o.Security) == 1 && fmt.Sprint(o.Security[0]) == "map[signature:[]]"
}

// bodies are all that is spoilt of an operation: together they use every field there is.
func (f *face) bodies(id string) []map[string]any {
	good := f.goodBodies()[id]
	passport := map[string]any{"kind": "passport", "number": "X0000009", "nationality": "FRA"}
	with := func(change map[string]any) map[string]any {
		body := deepCopy(good)
		maps.Copy(body, change)
		return body
	}
	switch id {
	case "book", "join-waitlist":
		listed := with(map[string]any{"cases": []any{map[string]any{"name": "陈示例", "birth": "1990-01-31", "document": passport}}})
		return []map[string]any{
			good, listed,
			with(map[string]any{"applicant": map[string]any{"kind": "other", "name": "陈示例", "document": passport, "birth": "1990-01-31"}}),
			with(map[string]any{"applicant": map[string]any{"kind": "other", "kept": "nobody"}}),
			with(map[string]any{"applicant": map[string]any{"kind": "organisation", "name": "示例有限公司", "credit_code": identity.SyntheticCreditCode("000000", 5)}}),
		}
	case "keep-person":
		return []map[string]any{good, with(map[string]any{"document": passport, "birth": "1990-01-31", "phone": "13800000000"})}
	}
	return []map[string]any{good}
}

// fields lists the paths of all fields a schema has.
func (d *docs) fields(s schema, path string) []string {
	s = d.follow(s)
	var out []string
	for name, inner := range s.Properties {
		p := strings.TrimPrefix(path+"."+name, ".")
		out = append(append(out, p), d.fields(inner, p)...)
	}
	return out
}

// path fills a path with a booking of somebody else and with things that are there.
func (f *face) goodPath(op operation, code string) string {
	return strings.NewReplacer("{case}", "none", "{source}", "none", "{item}", apptest.SocialCard, "{hall}", apptest.HallA, "{queue}", apptest.QueueA, "{code}", code, "{id}", "none", "{noun}", "hall", "{entry}", "none", "{bundle}", "none", "{draw}", "none", "{letter}", "none", "{bulletin}", "none").Replace(op.path)
}

// Every operation, every field, everything that could be wrong with it: a 4xx with a code of the
// document, nothing written, nothing repeated.
func TestBadInputIsRefusedAndNotRepeated(t *testing.T) {
	f := newFace(t, nil)
	token := f.token(apptest.Citizen(1))
	code := f.book(token, f.FreeSlots(apptest.QueueA)[5])
	program := f.program(account.District1, apptest.DistrictA, app.Scopes...)
	department := f.program(account.Municipal2, apptest.AgencySocial, app.ScopeSteps)
	system := f.connected(t, nil)
	before := f.Rows(t)
	tried := 0
	try := func(op operation, name string, a ask, codes ...string) {
		t.Helper()
		tried++
		a.method = op.method
		if a.path == "" {
			a.path = f.goodPath(op, code)
		}
		if op.signed() {
			a.signer = system.key
		} else if op.Security != nil && a.token == "" {
			if a.token = token; strings.HasPrefix(op.ID, "admin-") || strings.HasPrefix(op.path, "/sources/") {
				if a.token = program; strings.HasPrefix(op.path, "/admin/steps") {
					a.token = department
				}
			}
		}
		if a.key == "" {
			a.key = newKey()
		}
		r := f.do(a)
		where := op.ID + " " + name
		if r.Code < 400 || r.Code > 499 {
			t.Errorf("%s: status %d", where, r.Code)
			return
		}
		f.validProblem(r)
		got := r.json()["code"].(string)
		if len(codes) > 0 && !slices.Contains(codes, got) {
			t.Errorf("%s: %s, want %v (%v)", where, got, codes, r.fields())
		}
		if doc, ok := op.Responses[fmt.Sprint(r.Code)]; !ok || !slices.Contains(strings.Split(doc.Description, ", "), got) {
			t.Errorf("%s: %d %s is not in the document", where, r.Code, got)
		}
		if strings.Contains(r.Body.String(), canary) || strings.Contains(fmt.Sprint(r.Header()), canary) {
			t.Errorf("%s: what was sent is repeated", where)
		}
	}
	spoilt := map[string]any{
		"a number": 12345, "a fraction": 1.5, "a list": []any{canary}, "an object": map[string]any{canary: canary}, "true": true, "null": nil,
		"empty": "", "a long text": strings.Repeat(canary, 2000), "NUL": canary + "\x00", "right to left": "\u202e" + canary, "zero width": canary + "\u200b",
		"SQL": "'; drop table booking; --" + canary, "HTML": "<script>" + canary + "</script>", "a lone surrogate": json.RawMessage(`"` + canary + `\ud800"`),
		"a huge number": json.RawMessage("1" + strings.Repeat("0", 400)), "a negative number": -1, "blanks": "   ", "a format": "%s%n" + canary, "a path": "../../" + canary,
	}
	ops := f.docs().operations()
	for _, op := range ops {
		if op.RequestBody != nil {
			good := f.goodBodies()[op.ID]
			var spoiltFields []string
			for _, good := range f.bodies(op.ID) {
				for _, path := range leaves(good, "") {
					spoiltFields = append(spoiltFields, path)
					for name, v := range spoilt {
						if path == "applicant.name" && slices.Contains([]string{"a path", "SQL", "a format"}, name) && strings.Contains(fmt.Sprint(good), "credit_code") {
							continue // signs that the name of an organisation may hold, and that are only text to us
						}
						body := deepCopy(good)
						put(body, path, v)
						try(op, path+" "+name, ask{body: body})
					}
					body := deepCopy(good)
					put(body, path, drop{})
					if schema := op.RequestBody.Content["application/json"].Schema; (strings.HasPrefix(op.ID, "admin-") || op.ID == "check-in" || op.ID == "evaluate" || op.ID == "change-wait") && !f.docs().must(schema, path) {
						try(op, path+" absent", ask{body: body})
					} else if !strings.HasSuffix(path, "units") && !strings.HasSuffix(path, "phone") && path != "cases" && path != "token" && path != "place" && path != "people" && path != "proof" {
						try(op, path+" absent", ask{body: body}, "invalid_request")
					}
				}
			}
			for _, path := range f.docs().fields(op.RequestBody.Content["application/json"].Schema, "") {
				if !slices.Contains(spoiltFields, path) {
					t.Errorf("%s: %s is in the document and nothing bad was tried in it", op.ID, path)
				}
			}
			raw, err := json.Marshal(good)
			if err != nil {
				t.Fatal(err)
			}
			text := string(raw)
			open := strings.TrimSuffix(text, "}")
			comma := ","
			if len(good) == 0 {
				comma = ""
			}
			try(op, "unknown field", ask{body: open + comma + `"` + canary + `":"` + canary + `"}`}, "invalid_request")
			try(op, "repeated field", ask{body: open + comma + `"` + canary + `":1,"` + canary + `":1}`}, "invalid_request")
			for name := range good {
				one, _ := json.Marshal(good[name])
				try(op, name+" twice", ask{body: open + `,"` + name + `":` + string(one) + `}`}, "invalid_request")
				try(op, name+" in capitals", ask{body: strings.Replace(text, `"`+name+`":`, `"`+strings.ToUpper(name)+`":`, 1)}, "invalid_request")
			}
			for _, broken := range []string{"{", "}", text + text, text + "x", open, `{"a":}`, "nul", `{"a":1,}`, "\ufeff" + text, strings.Replace(text, "{", "{/**/", 1),
				`{"x":"` + canary + "\xff" + `"}`, strings.Repeat(`{"x":`, 3000) + "1" + strings.Repeat("}", 3000), strings.Repeat("[", 20000), "'" + canary + "'"} {
				try(op, "broken JSON", ask{body: broken}, "malformed_request")
			}
			for _, other := range []string{`"` + canary + `"`, "[]", "null", "1", "true"} {
				try(op, "another value", ask{body: other}, "invalid_request")
			}
			try(op, "huge", ask{body: `{"x":"` + strings.Repeat(canary, 200_000) + `"}`}, "body_too_large")
			try(op, "huge, of unknown length", ask{body: strings.Repeat(" ", 1<<20), header: map[string]string{"Content-Length": ""}}, "body_too_large")
			for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/json; charset=gbk", canary, "application/xml"} {
				try(op, "content type", ask{body: text, header: map[string]string{"Content-Type": kind}}, "unsupported_media_type")
			}
			try(op, "compressed", ask{body: text, header: map[string]string{"Content-Encoding": "gzip"}}, "unsupported_media_type")
			if op.ID != "leave-wait" && !strings.HasSuffix(op.ID, "-offer") && op.ID != "took-online" && op.ID != "cancel-booking" && op.ID != "keep-booking" && op.ID != "leave-line" && op.ID != "admin-withdraw-filing" && op.ID != "admin-acknowledge-alert" && op.ID != "admin-acknowledge-anomaly" && op.ID != "admin-tell-waiting" {
				try(op, "no body", ask{header: map[string]string{"Content-Type": "application/json"}}, "malformed_request")
			}
		}
		for _, p := range op.Parameters {
			switch p.In {
			case "path":
				for _, v := range []string{canary, "%00", "%ff", "..%2f" + canary, "%E2%80%AE" + canary, "'%3B--" + canary, strings.Repeat(canary, 200), "%3Cscript%3E"} {
					if op.method != http.MethodDelete || strings.Contains(v, "%") || len(v) > 100 {
						spoilt := op
						spoilt.path = strings.Replace(op.path, "{"+p.Name+"}", v, 1)
						try(op, "path "+v[:min(len(v), 20)], ask{path: f.goodPath(spoilt, code), body: f.goodBodies()[op.ID]})
					}
				}
			case "query":
				path := f.goodPath(op, code)
				try(op, "twice "+p.Name, ask{path: path + "?" + p.Name + "=1&" + p.Name + "=1"}, "invalid_request")
				for _, v := range []string{"%00" + canary, "%ff" + canary, "%E2%80%AE" + canary, strings.Repeat(canary, 400)} {
					try(op, "query "+p.Name, ask{path: path + "?" + p.Name + "=" + v}, "invalid_request")
				}
				if p.Schema.Type != "string" || len(p.Schema.Enum) > 0 {
					for _, v := range []string{canary, "-1", "1e9", "99999999999999999999", "", "%20"} {
						try(op, "query "+p.Name+" "+v, ask{path: path + "?" + p.Name + "=" + v}, "invalid_request")
					}
				}
				if p.Name == "cursor" {
					for _, v := range []string{canary, "AAAA", "====", strings.Repeat("A", 100)} {
						try(op, "cursor", ask{path: path + "?cursor=" + v}, "cursor_invalid")
					}
				}
			case "header":
				if p.Name != "Idempotency-Key" {
					continue
				}
				body := any(nil)
				if op.RequestBody != nil {
					body = f.goodBodies()[op.ID]
				}
				try(op, "no key", ask{body: body, header: map[string]string{"Idempotency-Key": ""}}, "idempotency_key_missing")
				for _, v := range []string{"short", strings.Repeat("k", 65), canary + " " + canary, canary + "'--", "钥匙钥匙钥匙"} {
					try(op, "key", ask{body: body, key: v}, "invalid_request")
				}
			}
		}
		try(op, "unknown parameter", ask{path: f.goodPath(op, code) + "?" + canary + "=" + canary, body: f.goodBodies()[op.ID]}, "invalid_request")
		try(op, "broken query", ask{path: f.goodPath(op, code) + "?a=%zz;" + canary, body: f.goodBodies()[op.ID]}, "malformed_request")
		if op.signed() {
			for _, h := range []string{canary, `suiyue=("@method");keyid="` + canary + `"`, `suiyue=("` + canary + `")`, strings.Repeat(canary, 5000), `suiyue=("@method" "@target-uri");created=1;nonce="` + canary + canary + `";keyid="` + canary + `"`} {
				try(op, "signature", ask{header: map[string]string{"Signature-Input": h}}, "signature_malformed", "signature_missing", "signature_incomplete", "signature_key_unknown")
			}
			try(op, "signature", ask{header: map[string]string{"Signature": "suiyue=:AAAA:"}}, "signature_wrong")
			try(op, "signature", ask{header: map[string]string{"X-Tif-Signature": canary}}, "signature_malformed")
		} else if op.Security != nil {
			for _, h := range []string{"Bearer " + canary, "Bearer", "Basic " + canary, "Bearer " + strings.Repeat(canary, 100)} {
				try(op, "token", ask{token: "x", header: map[string]string{"Authorization": h}}, "session_ended", "sign_in_required")
			}
		}
	}
	after := f.Rows(t)
	for _, table := range []string{"client_nonce", "client_use"} { // a request that is signed well is counted, whatever it asks
		delete(before, table)
		delete(after, table)
	}
	if !maps.Equal(before, after) {
		t.Errorf("something was written: %v, then %v", before, after)
	}
	if strings.Contains(f.log.String(), canary) {
		t.Error("what was sent is in the log")
	}
	if tried < 1300 {
		t.Errorf("only %d requests tried", tried)
	}
}

// What is well formed and yet wrong is refused with the code of what is wrong, at its field.
func TestWrongValuesAreNamed(t *testing.T) {
	f := newFace(t, nil)
	token := f.token(apptest.Citizen(1))
	before := f.Rows(t)
	resident := apptest.Citizen(70).Document.Number
	wrongDigit := resident[:17] + map[bool]string{true: "1", false: "0"}[resident[17] == '0']
	credit := identity.SyntheticCreditCode("000000", 5)
	wrongCredit := credit[:17] + map[bool]string{true: "1", false: "0"}[credit[17] == '0']
	doc := func(kind, number, nationality string) map[string]any {
		d := map[string]any{"kind": kind, "number": number}
		if nationality != "" {
			d["nationality"] = nationality
		}
		return d
	}
	other := func(change map[string]any) map[string]any {
		a := map[string]any{"kind": "other", "name": "陈示例", "document": doc("resident_id", resident, "")}
		maps.Copy(a, change)
		return a
	}
	for _, c := range []struct {
		name      string
		applicant map[string]any
		path      string
		code      string
	}{
		{"check digit", other(map[string]any{"document": doc("resident_id", wrongDigit, "")}), "applicant.document.number", "bad_check_digit"},
		{"kind", other(map[string]any{"document": doc("library_card", resident, "")}), "applicant.document.kind", "not_one_of"},
		{"no name", map[string]any{"kind": "other", "document": doc("resident_id", resident, "")}, "applicant.name", "required"},
		{"no document", map[string]any{"kind": "other", "name": "陈示例"}, "applicant.document.kind", ""},
		{"no birth", other(map[string]any{"document": doc("passport", "X0000009", "FRA")}), "applicant.birth", "required"},
		{"no such day", other(map[string]any{"document": doc("passport", "X0000009", "FRA"), "birth": "2001-02-30"}), "applicant.birth", "bad_date"},
		{"not born yet", other(map[string]any{"document": doc("passport", "X0000009", "FRA"), "birth": "2999-01-01"}), "applicant.birth", "date_in_future"},
		{"no such country", other(map[string]any{"document": doc("passport", "X0000009", "QQQ"), "birth": "1990-01-01"}), "applicant.document.nationality", ""},
		{"phone", other(map[string]any{"phone": "12"}), "applicant.phone", ""},
		{"credit code", map[string]any{"kind": "organisation", "name": "示例有限公司", "credit_code": wrongCredit}, "applicant.credit_code", "bad_check_digit"},
		{"no credit code", map[string]any{"kind": "organisation", "name": "示例有限公司"}, "applicant.credit_code", "required"},
		{"kept nobody", map[string]any{"kind": "other", "kept": "nobody"}, "applicant.kept", "not_one_of"},
		{"whose", map[string]any{"kind": "everybody"}, "applicant.kind", "not_one_of"},
		{"credit code of a person", other(map[string]any{"credit_code": credit}), "applicant.credit_code", "unknown_field"},
	} {
		body := bookSelf(f.FreeSlots(apptest.QueueA)[0])
		body["applicant"] = c.applicant
		r := f.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: body}).want(422, "invalid_request")
		f.validProblem(r)
		if got, ok := r.fields()[c.path]; !ok || c.code != "" && got != c.code {
			t.Errorf("%s: %v", c.name, r.fields())
		}
		if strings.Contains(r.Body.String(), resident[:10]) || strings.Contains(r.Body.String(), credit[:10]) {
			t.Errorf("%s: a number is repeated", c.name)
		}
	}
	f.Clock.Add(90 * time.Minute) // half past eleven
	slot := f.FreeSlots(apptest.QueueA)[0]
	with := func(name string, v any) map[string]any {
		body := bookSelf(slot)
		body[name] = v
		return body
	}
	for _, c := range []struct {
		name   string
		body   map[string]any
		status int
		code   string
	}{
		{"past", with("slot", apptest.QueueA+"-20261123-10"), 404, "slot_not_found"},
		{"today", with("slot", apptest.QueueA+"-20261124-15"), 409, "off_site_closed"},
		{"over", with("slot", apptest.QueueA+"-20261124-11"), 409, "slot_over"},
		{"no such day", with("slot", apptest.QueueA+"-20261131-10"), 404, "slot_not_found"},
		{"not open yet", with("slot", apptest.QueueA+"-20261209-10"), 409, "not_released_yet"},
		{"no such queue", with("slot", "nowhere-20261130-10"), 404, "slot_not_found"},
		{"another queue", with("slot", apptest.QueueAEstate+slot[len(slot)-12:]), 409, "not_offered_here"},
		{"no such item", with("item", "XX-1"), 404, "item_not_found"},
		{"a batch", with("units", 2), 403, "real_name_level_too_low"},
		{"a huge batch", with("units", 1001), 422, "invalid_request"},
		{"none", with("units", 0), 422, "invalid_request"},
	} {
		r := f.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: c.body})
		if r.Code != c.status || r.json()["code"] != c.code {
			t.Errorf("%s: %d %v", c.name, r.Code, r.json()["code"])
		}
		f.validProblem(r)
	}
	if after := f.Rows(t); !maps.Equal(before, after) {
		t.Errorf("something was written: %v, then %v", before, after)
	}
}

// Sentences come in the reader's language.
func TestProblemsSpeakThreeLanguages(t *testing.T) {
	f := newFace(t, nil)
	seen := map[string]bool{}
	for _, l := range web.Locales {
		p := f.do(ask{path: "/me", header: map[string]string{"Accept-Language": string(l)}}).want(401, "sign_in_required")
		seen[p.json()["detail"].(string)] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d different sentences", len(seen))
	}
}

type drop struct{}

// leaves lists the paths of all fields, inner objects too.
func leaves(m map[string]any, path string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		p := strings.TrimPrefix(path+"."+name, ".")
		out = append(out, p)
		if inner, ok := m[name].(map[string]any); ok {
			out = append(out, leaves(inner, p)...)
		}
	}
	return out
}

func deepCopy(m map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		if inner, ok := v.(map[string]any); ok {
			v = deepCopy(inner)
		}
		out[k] = v
	}
	return out
}

func put(m map[string]any, path string, v any) {
	name, rest, more := strings.Cut(path, ".")
	if more {
		put(m[name].(map[string]any), rest, v)
	} else if _, gone := v.(drop); gone {
		delete(m, name)
	} else {
		m[name] = v
	}
}

// Whatever body a stranger sends, the answer is a booking or a refusal from the document.
func FuzzBookingBody(fz *testing.F) {
	fz.Add(`{"item":"SI-0001","slot":"440103000000-social-20261130-10","stage":"acceptance","applicant":{"kind":"self"}}`)
	fz.Add(`{"item":"SI-0001","item":"SI-0001"}`)
	fz.Add(`{"applicant":{"document":{"number":"\ud800"}}}`)
	fz.Add("[[[[[[[[[[[[")
	f := newFace(fz, nil)
	token := f.token(apptest.Citizen(1))
	fz.Fuzz(func(t *testing.T, body string) {
		g := *f
		g.t = t
		r := g.do(ask{method: "POST", path: "/bookings", token: token, key: newKey(), body: body})
		if r.Code == http.StatusCreated {
			if !utf8.ValidString(body) {
				t.Error("a body that is not UTF-8 was accepted")
			}
			return
		}
		if r.Code < 400 || r.Code > 499 {
			t.Fatalf("status %d", r.Code)
		}
		g.validProblem(reply{r.ResponseRecorder, t})
	})
}

// A cursor that was not given out for this very list is refused, whatever it is.
func FuzzCursor(fz *testing.F) {
	f := newFace(fz, nil)
	page := f.do(ask{path: "/items/" + apptest.SocialCard + "/halls?limit=1"}).json()
	real := page["next"].(string)
	f.do(ask{path: "/items/" + apptest.SocialCard + "/halls?limit=1&cursor=" + real}).want(http.StatusOK, "")
	fz.Add(real[1:])
	fz.Add(real + "A")
	fz.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	fz.Fuzz(func(t *testing.T, cursor string) {
		r := newRequest(api.Prefix+"/items/"+apptest.SocialCard+"/halls", "limit=1&cursor="+query(cursor))
		w := serve(f.h, r)
		if cursor == "" {
			if w.Code != http.StatusOK {
				t.Fatalf("status %d", w.Code)
			}
			return
		}
		if w.Code != http.StatusBadRequest && w.Code != http.StatusUnprocessableEntity {
			t.Fatalf("status %d", w.Code)
		}
	})
}
