package console_test

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// months keeps figures of September and October of the city and its parts.
func (d *desk) months() {
	d.Helper()
	var rows []oversight.Row
	for i, month := range []string{"2026-09", "2026-10"} {
		for j, id := range []string{"440100000000", apptest.DistrictA, apptest.DistrictB, "agency-social"} {
			var f oversight.Figures
			f.All.Count(oversight.Released, 4321)
			f.All.Count(oversight.Booked, 1000)
			f.All.Count(oversight.Missed, int64(20+10*i*j))
			f.All.Count(oversight.CalledBooked, 800)
			f.All.Count(oversight.CalledOnTime, int64(700+10*j))
			rows = append(rows, oversight.Row{Place: oversight.Place{Noun: oversight.OfUnit, ID: id}, Span: oversight.SpanMonth, Period: month, Figures: f, CountedAt: d.Clock.Now()})
		}
	}
	if err := d.DB.Update(context.Background(), func(tx *store.Tx) error { return tx.PutFigures(context.Background(), rows) }); err != nil {
		d.Fatal(err)
	}
	if _, err := d.App.DraftBulletins(context.Background()); err != nil {
		d.Fatal(err)
	}
}

func TestArt21_PagesOfABulletin(t *testing.T) {
	d := newDesk(t)
	d.says(d.page(account.Platform2, "/console/bulletins"), "No bulletins yet")
	d.months()
	d.says(d.page(account.Platform2, "/console"), "Bulletin to review", "/console/bulletins/B2026-10-440100000000-1")
	const one = "/console/bulletins/B2026-10-440100000000-1"
	d.says(d.page(account.Platform2, "/console/bulletins"), `href="`+one+`"`, "2026-10", "Q3 2026", "Draft")
	d.says(d.page(account.Platform2, one), "Sample City", "Numbers released", "4,321", "Districts compared", "No. 1", "Departments compared", "Read the figures again", "Called on time over time")
	sent := func(who account.Rank, path, want string, form url.Values) {
		t.Helper()
		if w := d.sendTo(who, one, one+path, form); w.Code != http.StatusSeeOther || w.Header().Get("Location") != want {
			t.Fatalf("%s: %d to %s\n%s", path, w.Code, w.Header().Get("Location"), w.Body.String())
		}
	}
	sent(account.Platform2, "/remarks", one+"?did=draft", url.Values{"revision": {"1"}, "remarks": {"All in all <calm>."}})
	if w := d.sendTo(account.Platform2, one, one+"/review", url.Values{"revision": {"2"}}); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "Ask somebody else") {
		t.Errorf("read by who wrote: %d", w.Code)
	}
	sent(account.Platform1, "/review", one+"?did=reviewed", url.Values{"revision": {"2"}})
	d.says(d.page(account.Platform1, "/console"), "Bulletin to issue")
	sent(account.Platform1, "/issue", one+"?did=issued", url.Values{"revision": {"3"}})
	page := d.page(account.Platform1, one+"?did=issued")
	d.says(page, "It is issued.", "All in all &lt;calm&gt;.", "SHA-256", `href="/api/v1/bulletins/B2026-10-440100000000-1"`, "begin another version")
	if strings.Contains(page, "Save the remarks") {
		t.Error("what is issued can be written on")
	}
	w := d.get(account.Platform1, one+"/file.xlsx")
	file, err := excelize.OpenReader(bytes.NewReader(w.Body.Bytes()))
	if w.Code != 200 || err != nil {
		t.Fatalf("file: %d, %v", w.Code, err)
	}
	if sheets := file.GetSheetList(); len(sheets) != 7 || sheets[1] != "2 Figures" { // about it, figures, two comparisons, three courses
		t.Errorf("sheets: %v", sheets)
	}
	if v, err := file.GetCellValue("2 Figures", "B2"); err != nil || v != "4,321" {
		t.Errorf("a cell: %q, %v", v, err)
	}
	w = d.sendTo(account.Platform1, one, one+"/reissue", url.Values{})
	if next := w.Header().Get("Location"); w.Code != http.StatusSeeOther || next != "/console/bulletins/B2026-10-440100000000-2" {
		t.Fatalf("corrected: %d to %s", w.Code, next)
	}
	d.says(d.page(account.Platform1, "/console/bulletins/B2026-10-440100000000-2"), "What differs from version 1", "No figure differs.", "Version 2")
	w = d.sendTo(account.Municipal2, "/console/bulletins/new", "/console/bulletins/new", url.Values{"unit": {"agency-social"}, "period": {"2026-13"}})
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `href="#period"`) {
		t.Errorf("a month that is none: %d", w.Code)
	}
	if w := d.get(account.District2, "/console/bulletins/new"); w.Code != http.StatusForbidden {
		t.Errorf("a street drafts: %d", w.Code)
	}
	if w := d.get(account.District1, one); w.Code != http.StatusNotFound {
		t.Errorf("the city's by a district: %d", w.Code)
	}
	for _, lang := range []string{"zh-Hans", "zh-Hant"} {
		d.page(account.Platform1, "/console/bulletins?lang="+lang)
		d.page(account.Platform1, one+"?lang="+lang)
		d.page(account.Platform1, "/console/bulletins/new?lang="+lang)
	}
}

func TestArt22_PagesOfALetter(t *testing.T) {
	d := newDesk(t)
	d.says(d.page(account.Platform1, "/console/letters"), "No letters", `href="/console/letters/new"`)
	if page := d.page(account.Municipal1, "/console/letters"); strings.Contains(page, "/console/letters/new") {
		t.Error("an agency is led to the form")
	}
	form := func(more ...string) url.Values {
		f := url.Values{"unit": {"agency-social"}, "subject": {"Numbers"}, "text": {"Released late.\nThree times."}, "asks": {"Release in time."}}
		for i := 0; i+1 < len(more); i += 2 {
			f.Set(more[i], more[i+1])
		}
		return f
	}
	w := d.sendTo(account.Platform1, "/console/letters/new", "/console/letters/new", form("text", "", "unit", ""))
	if w.Code != http.StatusUnprocessableEntity {
		t.Fatalf("sent empty: %d", w.Code)
	}
	d.says(w.Body.String(), `href="#unit"`, "Release in time.")
	if w = d.sendTo(account.Platform1, "/console/letters/new", "/console/letters/new", form()); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console/letters/G2026-000001?did=issued" {
		t.Fatalf("sent: %d to %s", w.Code, w.Header().Get("Location"))
	}
	const one = "/console/letters/G2026-000001"
	d.says(d.page(account.Platform1, one+"?did=issued"), "Suiyue Letter [2026] No. 1", "It is sent", "Released late.", "To: Sample Social Insurance Bureau")
	d.says(d.page(account.Municipal2, "/console"), "Letter to receive", one)
	sent := func(who account.Rank, path, want string, form url.Values) {
		t.Helper()
		if w := d.sendTo(who, one, one+path, form); w.Code != http.StatusSeeOther || w.Header().Get("Location") != one+want {
			t.Fatalf("%s: %d to %s\n%s", path, w.Code, w.Header().Get("Location"), w.Body.String())
		}
	}
	sent(account.Municipal2, "/receive", "?did=received", url.Values{"version": {"1"}})
	w = d.sendTo(account.Municipal2, one, one+"/reply", url.Values{"version": {"2"}, "text": {" "}})
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `href="#text"`) {
		t.Errorf("answered with nothing: %d", w.Code)
	}
	sent(account.Municipal2, "/reply", "?did=replied", url.Values{"version": {"2"}, "text": {"Released in time since."}})
	d.says(d.page(account.Platform1, "/console"), "Report to check")
	sent(account.Platform1, "/check", "?did=returned", url.Values{"version": {"3"}, "decision": {"return"}, "text": {"Since when?"}})
	d.says(d.page(account.Municipal1, one), "Since when?", "Returned", "Report what was put right")
	sent(account.Municipal1, "/reply", "?did=replied", url.Values{"version": {"4"}, "text": {"Since Monday."}})
	sent(account.Platform1, "/check", "?did=closed", url.Values{"version": {"5"}, "decision": {"accept"}})
	d.says(d.page(account.Platform1, one+"?did=closed"), "It is closed.", "Since Monday.")
	if w := d.get(account.District1, one); w.Code != http.StatusNotFound {
		t.Errorf("a letter to another unit: %d", w.Code)
	}
	for _, lang := range []string{"zh-Hans", "zh-Hant"} {
		d.page(account.Platform1, "/console/letters?lang="+lang)
		d.page(account.Platform1, one+"?lang="+lang)
		d.page(account.Platform1, "/console/letters/new?lang="+lang)
	}

	// One reply was returned: with two more failures the unit may be announced.
	d.says(d.page(account.Platform1, "/console/ledger/year"), "Sample Social Insurance Bureau", "Reports returned")
	if page := d.page(account.Platform1, "/console/ledger/year"); strings.Contains(page, "Announce Sample") {
		t.Error("one failure is offered to be announced")
	}
	w = d.sendTo(account.Platform1, "/console/ledger/year/announce?unit=agency-social&year=2026", "/console/ledger/year/announce", url.Values{"unit": {"agency-social"}, "year": {"2026"}, "text": {"x"}})
	if w.Code != http.StatusConflict {
		t.Errorf("announced for one failure: %d", w.Code)
	}
}

func TestArt23_TheYearlyListAndWhatIsMadePublic(t *testing.T) {
	d := newDesk(t)
	d.says(d.page(account.District1, "/console/ledger/year"), "Nothing in this year")
	var entries []store.LedgerEntry
	for _, about := range []string{"S0001-2026-08", "S0001-2026-09", "S0001-2026-10"} {
		entries = append(entries, store.LedgerEntry{Kind: "data_late", Request: about, HallID: apptest.HallStreet, UnitID: apptest.StreetA, DistrictID: apptest.DistrictA, StreetID: apptest.StreetA, Level: "street"})
	}
	if err := d.DB.Update(context.Background(), func(tx *store.Tx) error {
		_, err := tx.AddLedger(context.Background(), entries)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	d.says(d.page(account.District1, "/console/ledger"), "Data late", `href="/console/sources/S0001"`)
	d.says(d.page(account.District1, "/console/ledger/year"), "Street A1", "repeated")
	if page := d.page(account.District1, "/console/ledger/year"); strings.Contains(page, "/announce") {
		t.Error("a district is led to announce")
	}
	d.says(d.page(account.Platform1, "/console/ledger/year"), "Announce Street A1")
	const form = "/console/ledger/year/announce"
	w := d.sendTo(account.Platform1, form+"?unit="+apptest.StreetA+"&year=2026", form, url.Values{"unit": {apptest.StreetA}, "year": {"2026"}, "text": {"Data late three months."}})
	if w.Code != http.StatusSeeOther {
		t.Fatalf("announced: %d\n%s", w.Code, w.Body.String())
	}
	list, err := d.App.Announcements(context.Background())
	if err != nil || len(list) != 1 || list[0].UnitID != apptest.StreetA || list[0].Counts.Total() != 3 {
		t.Fatalf("public: %+v, %v", list, err)
	}
	d.says(d.page(account.Platform1, "/console/ledger/year?did=announced"), "It is announced.", "announced", "Take back: Street A1")
	if w := d.sendTo(account.Platform1, "/console/ledger/year", "/console/ledger/year/end", url.Values{"id": {list[0].ID}, "why": {"An appeal was upheld."}}); w.Code != http.StatusSeeOther {
		t.Errorf("taken back: %d", w.Code)
	}
	if list, err = d.App.Announcements(context.Background()); err != nil || len(list) != 0 {
		t.Errorf("still public: %+v, %v", list, err)
	}
	w = d.get(account.District1, "/console/ledger/year/file.xlsx?year=2026")
	file, err := excelize.OpenReader(bytes.NewReader(w.Body.Bytes()))
	if w.Code != 200 || err != nil {
		t.Fatalf("file: %d, %v", w.Code, err)
	}
	if v, err := file.GetCellValue(file.GetSheetList()[0], "A2"); err != nil || v != "Street A1" {
		t.Errorf("a cell: %q, %v", v, err)
	}
	for _, lang := range []string{"en", "zh-Hans", "zh-Hant"} {
		d.page(account.Platform1, "/console/ledger/year?lang="+lang)
		d.page(account.District1, "/console/assessment?lang="+lang)
	}
	d.says(d.page(account.District1, "/console/assessment"), "District A", "Halls connected", "100.0 %", "(v1)")
	d.says(d.page(account.District2, "/console/assessment"), "No sheet to be seen")
	if w := d.get(account.District1, "/console/assessment/file.xlsx"); w.Code != 200 {
		t.Errorf("the sheet as a file: %d", w.Code)
	}
}
