package console_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/csv"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/store"
)

// newLoggedDesk is a desk whose audit log is signed, with some acts in it.
func newLoggedDesk(t *testing.T) (*desk, *app.LogKey) {
	key, err := app.NewLogKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{T: t, Fixture: apptest.New(t, apptest.Options{Change: func(c *app.Config) { c.LogKey = key }})}
	for rank, unit := range units {
		d.open(string(rank), rank, unit)
	}
	d.handler = serve(d.Fixture)
	return d, key
}

func (d *desk) act(r store.AuditRecord) {
	d.Helper()
	if err := d.DB.Update(d.Context(), func(tx *store.Tx) error { return tx.Audit(d.Context(), r) }); err != nil {
		d.Fatal(err)
	}
}

// The audit role finds an act, reads what it changed, takes a proof that stands alone, and a file that no
// spreadsheet calculates with.
func TestTheAuditRoleFindsReadsProvesAndExports(t *testing.T) {
	d, key := newLoggedDesk(t)
	who := account.Audit
	d.Clock.Add(-48 * time.Hour)
	for i := range 60 {
		d.act(store.AuditRecord{
			Account: "A1", Rank: "district-1", Act: "hall.change", Noun: "hall", Key: apptest.HallA, Hall: apptest.HallA, From: "192.0.2.0/24",
			Before: fmt.Appendf(nil, `{"phone":"%d","same":"x","week":{"work":[9,10]}}`, i), After: fmt.Appendf(nil, `{"phone":"%d","same":"x","week":{"work":[9,11]}}`, i+1), Why: "=HYPERLINK(1)",
		})
	}
	d.Clock.Set(apptest.Start)
	d.act(store.AuditRecord{Account: "A2", Rank: "district-2", Act: "request.file", Noun: "request", Key: "R2026-000001"})

	page := d.page(who, "/console/log")
	if n := strings.Count(page, `href="/console/log/`); n < 50 || !strings.Contains(page, "R2026-000001") || strings.Contains(page, `href="/console/log/0"`) {
		t.Errorf("the first page has %d entries", n)
	}
	if page := d.page(who, "/console/log?before=11"); !strings.Contains(page, `href="/console/log/0"`) || strings.Contains(page, `href="/console/log/11"`) {
		t.Error("the page behind does not go on where the first ended")
	}
	for query, want := range map[string]int{
		"account=A2": 1, "account=A1&act=hall.change": 50, "act=request.file": 1, "noun=request&key=R2026-000001": 1, "noun=hall&key=nothing": 0,
		"hall=" + apptest.HallA: 50, "from=2026-11-24": 1, "to=2026-11-23": 50, "from=2026-11-25": 0, "from=rubbish&account=A2": 1,
	} {
		page := d.page(who, "/console/log?"+query)
		if n := strings.Count(page, `<th scope="row"><a class="cell" href="/console/log/`); n != want {
			t.Errorf("%s: %d entries, want %d", query, n, want)
		}
	}

	entry := d.page(who, "/console/log/7")
	for _, part := range []string{"<del>7</del>", "<ins>8</ins>", "week.work.1", "192.0.2.0/24"} {
		if !strings.Contains(entry, part) {
			t.Errorf("the entry does not show %s", part)
		}
	}
	if strings.Contains(entry, ">same<") || strings.Contains(entry, "week.work.0") {
		t.Error("what stayed the same is shown as a change")
	}
	proof := d.get(who, "/console/log/7/proof")
	if p, err := app.CheckProof(proof.Body.Bytes(), key.Verifier); err != nil || p.N != 7 {
		t.Errorf("the proof: %+v, %v", p, err)
	}
	if w := d.get(who, "/console/log/9999"); w.Code != 404 {
		t.Errorf("an entry there is not: %d", w.Code)
	}

	file := d.get(who, "/console/log.csv?account=A1")
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file.Body.Bytes(), []byte("\ufeff")))).ReadAll()
	if err != nil || len(rows) != 61 {
		t.Fatalf("%d lines, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("a cell that calculates: %q", cell)
			}
		}
	}
	if page := d.page(who, "/console/log?act=file.exported"); !strings.Contains(page, "file.exported") {
		t.Error("taking the log away is not in the log")
	}
	w := d.post(who, "/console/log/check", "application/x-www-form-urlencoded", strings.NewReader(url.Values{"form_token": {d.token(who, "/console/log")}}.Encode()).Read)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "The log is whole") {
		t.Errorf("check: %d", w.Code)
	}
}

// The system role loads a holiday notice: every bad line is named, nothing is half loaded, and the act is
// in the log.
func TestTheSystemRoleLoadsAHolidayNotice(t *testing.T) {
	d := newDesk(t)
	who := account.System
	const path = "/console/operation"
	send := func(text string) *httptest.ResponseRecorder {
		kind, body := parts(t, d.token(who, path), "holidays.csv", []byte(text))
		return d.post(who, path+"/holidays", kind, body)
	}
	bad := send("date,kind,festival\n2028-01-01,off,元旦\n2028-13-01,off,元旦\n2028-01-03,holiday,元旦\n")
	if bad.Code != 422 || !strings.Contains(bad.Body.String(), "Line 3") || !strings.Contains(bad.Body.String(), "Line 4") || strings.Contains(bad.Body.String(), "Line 2") {
		t.Errorf("bad lines: %d", bad.Code)
	}
	if s, known := d.App.Calendar().Status(2028); known || s == calendar.Official {
		t.Error("a file with bad lines was loaded")
	}
	good := "date,kind,festival\n2028-01-01,off,元旦\n2028-01-26,off,春节\n2028-01-29,work,春节\n"
	if w := send(good); w.Code != 200 || !strings.Contains(w.Body.String(), "1 year was loaded") {
		t.Errorf("a good file: %d", w.Code)
	}
	if s, _ := d.App.Calendar().Status(2028); s != calendar.Official {
		t.Errorf("2028 is %q", s)
	}
	if w := send(good); w.Code != 200 || !strings.Contains(w.Body.String(), "Nothing was changed") {
		t.Errorf("the same file again: %d", w.Code)
	}
	if acts := d.Acts(t, "calendar", ""); len(acts) != 1 || acts[0] != "calendar.import" {
		t.Errorf("the log tells: %v", acts)
	}
	if page := d.page(who, path); !strings.Contains(page, "2028") || !strings.Contains(page, "2025-continued") {
		t.Error("the page shows neither the year nor the rules")
	}
	kind, body := parts(t, "forged", "holidays.csv", []byte(good))
	if w := d.post(who, path+"/holidays", kind, body); w.Code != 403 {
		t.Errorf("a form of somebody else: %d", w.Code)
	}
	d.Clock.Add(11 * time.Minute)
	kind, body = parts(t, "old", "holidays.csv", []byte(good))
	if w := d.post(who, path+"/holidays", kind, body); w.Code != 303 || !strings.HasPrefix(w.Header().Get("Location"), "/console/prove") {
		t.Errorf("with an old proof: %d", w.Code)
	}
}

// The security role sees whose tokens there are and ends one, with a reason; it works at once.
func TestTheSecurityRoleEndsATokenOfAnother(t *testing.T) {
	d := newDesk(t)
	o := d.OpenAdmin(t, account.District1, apptest.DistrictA)
	token, info, err := d.App.CreateToken(t.Context(), d.As(t, o), "planning", []app.Scope{app.ScopeRead}, 30)
	if err != nil {
		t.Fatal(err)
	}
	page := d.page(account.Security, "/console/keys?q="+o.ID)
	if !strings.Contains(page, "planning") || !strings.Contains(page, o.ID) || strings.Contains(page, token) {
		t.Error("the list does not show the token, or shows too much")
	}
	if page := d.page(account.Security, "/console/keys?q=nobody"); strings.Contains(page, "planning") {
		t.Error("tokens of others than sought")
	}
	path := "/console/keys/end?account=" + o.ID + "&id=" + info.ID
	form := url.Values{"form_token": {d.token(account.Security, path)}, "account": {o.ID}, "id": {info.ID}}
	end := func() *httptest.ResponseRecorder {
		return d.post(account.Security, "/console/keys/end", "application/x-www-form-urlencoded", strings.NewReader(form.Encode()).Read)
	}
	if w := end(); w.Code != 422 {
		t.Errorf("without a reason: %d", w.Code)
	}
	form.Set("why", "密钥泄露")
	if w := end(); w.Code != 303 {
		t.Errorf("with a reason: %d", w.Code)
	}
	if _, err := d.App.AdminByToken(t.Context(), token); err == nil {
		t.Error("the token still opens")
	}
	if acts := d.Acts(t, "token", info.ID); len(acts) != 2 || acts[1] != "token.revoke" {
		t.Errorf("the log tells: %v", acts)
	}
	if w := end(); w.Code != 404 {
		t.Errorf("ended again: %d", w.Code)
	}
}

func TestPagesOfOperationInEveryLanguage(t *testing.T) {
	d, _ := newLoggedDesk(t)
	d.act(store.AuditRecord{Account: "A1", Act: "hall.change", Noun: "hall", Key: "h1"})
	for path, who := range map[string]account.Rank{
		"/console/log": account.Audit, "/console/log/0": account.Audit, "/console/operation": account.System, "/console/keys": account.Security,
		"/console/keys/end?account=A1&id=t1": account.Security,
	} {
		for _, l := range []string{"zh-Hans", "zh-Hant", "en"} {
			sep := "?"
			if strings.Contains(path, "?") {
				sep = "&"
			}
			d.page(who, path+sep+"lang="+l)
		}
	}
}
