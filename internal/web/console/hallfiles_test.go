package console_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/waitlist"
	"suiyue/internal/store"
)

// lines are the rows of a file somebody takes away, the head first.
func (d *desk) lines(who account.Rank, path string) [][]string {
	d.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(d.page(who, path), "\ufeff"))).ReadAll()
	if err != nil {
		d.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader([]byte(d.page(who, strings.Replace(path, ".csv", ".xlsx", 1)))))
	if err != nil {
		d.Fatal(err)
	}
	defer f.Close()
	sheet, err := f.GetRows(f.GetSheetName(0))
	if err != nil || len(sheet) != len(rows) {
		d.Errorf("%s: %d rows as CSV, %d as XLSX: %v", path, len(rows), len(sheet), err)
	}
	return rows
}

// A hall's bookings and its missed hours of some days go as files, masked, by the powers of who takes them, into the log.
func TestAHallsBookingsAndMissedHoursAsFiles(t *testing.T) {
	d := newDesk(t)
	ctx := t.Context()
	day := calendar.DateOf(apptest.Start) + 1
	var codes []string
	for i, hour := range []int{9, 9, 14} {
		_, who := d.SignIn(t, apptest.Citizen(i+1))
		r, err := d.App.Book(ctx, who, app.BookRequest{
			Key: fmt.Sprintf("files-%04d", i), Item: apptest.SocialCard, SlotID: booking.SlotID(apptest.QueueA, day, hour), Stage: directory.Acceptance,
			Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
		})
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, r.View.Code)
	}
	d.Clock.Set(day.At(10, 5))
	if _, err := d.App.MarkMissed(ctx); err != nil {
		t.Fatal(err)
	}
	hall := "/console/halls/" + apptest.HallA
	const who, other = account.Rank("reader"), account.Rank("other") // who has sat still for half an hour signs in again
	d.open(string(who), account.District1, apptest.DistrictA)
	d.open(string(other), account.District3, apptest.VillageA)
	span := "?from=" + day.String() + "&to=" + (day + 30).String()
	all := d.lines(who, hall+"/bookings.csv"+span)
	if len(all) != 4 || all[1][0] != codes[0] && all[1][0] != codes[1] || all[3][0] != codes[2] || all[3][2] != "14:00–15:00" || all[3][6] != "陈**" || all[1][1] != day.String() {
		t.Errorf("bookings are %q", all)
	}
	for _, path := range []string{hall + "/missed.csv" + span, hall + "/missed.csv?date=" + day.String(), hall + "/missed.csv", hall + "/bookings.csv" + span + "&state=missed"} {
		missed := d.lines(who, path)
		var got []string
		for _, row := range missed[1:] {
			got = append(got, row[0])
			if row[9] != "Missed" {
				t.Errorf("%s: %q", path, row)
			}
		}
		if want := slices.Sorted(slices.Values(codes[:2])); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("%s has %v, want %v", path, got, want)
		}
	}
	if rows := d.lines(who, hall+"/bookings.csv?from="+(day+1).String()+"&to="+(day+2).String()); len(rows) != 1 {
		t.Errorf("other days: %q", rows)
	}
	page := d.page(who, hall+"/bookings"+span)
	for _, want := range []string{codes[0], "3 bookings", "陈*", hall + "/bookings.csv?"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	for _, body := range []string{page, fmt.Sprint(all)} {
		if p := apptest.Citizen(1); strings.Contains(body, p.Name) || strings.Contains(body, p.Document.Number) || strings.Contains(body, p.Phone) {
			t.Error("somebody is not masked")
		}
	}
	for _, query := range []string{"?from=" + day.String() + "&to=" + (day - 1).String(), "?from=" + day.String() + "&to=" + (day + 400).String(), "?from=x&to=" + day.String(), "?date=2026-02-30", "?from=" + day.String()} {
		for _, at := range []string{"/bookings", "/bookings.csv", "/missed.csv"} {
			if w := d.get(who, hall+at+query); w.Code < 400 || w.Code >= 500 {
				t.Errorf("%s%s: %d", at, query, w.Code)
			}
		}
	}
	if w := d.get(other, hall+"/bookings.csv"+span); w.Code != 404 {
		t.Errorf("another's hall: %d", w.Code)
	}
	if acts := d.Acts(t, "missed", ""); !slices.Contains(acts, "file.export") || !slices.Contains(acts, "file.exported") {
		t.Errorf("the log has %v", acts)
	}
}

// The alerts of waiting lines and the connected systems go as files, each with the halls and units who looks supervises.
func TestArt16_WaitingLinesAndConnectedSystemsAsFiles(t *testing.T) {
	d := newDesk(t)
	ctx := t.Context()
	if err := d.DB.Update(ctx, func(tx *store.Tx) error {
		for i, at := range [][2]string{{apptest.HallA, apptest.QueueA}, {apptest.HallB, apptest.QueueB}} {
			if _, err := tx.AddAlert(ctx, waitlist.NewAlert(fmt.Sprintf("A2026-00000%d", i+1), at[0], at[1], 9, 7, tx.Now)); err != nil {
				return err
			}
		}
		over := waitlist.NewAlert("A2026-000003", apptest.HallA, apptest.QueueStreet, 5, 4, tx.Now)
		over.EndedAt = tx.Now.Add(time.Hour)
		if _, err := tx.AddAlert(ctx, over); err != nil {
			return err
		}
		return tx.AddSource(ctx, oversight.Source{
			ID: "S0001", Seat: account.Seat{Unit: apptest.DistrictA, Kind: directory.District, District: apptest.DistrictA}, Name: "Tax system",
			Kinds: []oversight.RecordKind{oversight.RecordKinds[0], oversight.RecordKinds[1]}, Delay: time.Minute, Silence: time.Hour, Since: calendar.DateOf(tx.Now), Version: 1,
		})
	}); err != nil {
		t.Fatal(err)
	}
	ids := func(rows [][]string) (out []string) {
		for _, row := range rows[1:] {
			out = append(out, row[0])
		}
		return out
	}
	for who, want := range map[account.Rank][]string{account.Platform1: {"A2026-000002", "A2026-000001"}, account.District1: {"A2026-000001"}, account.District3: nil} {
		rows := d.lines(who, "/console/alerts.csv?kind=waiting")
		if got := ids(rows); !slices.Equal(got, want) {
			t.Errorf("%s takes %v, want %v", who, got, want)
		}
		if len(rows) > 1 && (rows[len(rows)-1][4] != "9" || rows[len(rows)-1][6] != "7") {
			t.Errorf("waiting and released: %q", rows)
		}
	}
	if got := ids(d.lines(account.District1, "/console/alerts.csv?kind=waiting&show=all")); !slices.Equal(got, []string{"A2026-000003", "A2026-000001"}) {
		t.Errorf("all of them: %v", got)
	}
	if page := d.page(account.District1, "/console/alerts?kind=waiting"); !strings.Contains(page, "/console/alerts.csv?kind=waiting") {
		t.Error("no way to the file")
	}
	if page := d.page(account.District1, "/console/alerts"); strings.Contains(page, "alerts.csv") {
		t.Error("the file of waiting lines is offered for all alerts")
	}
	rows := d.lines(account.District1, "/console/sources.csv")
	if len(rows) != 3 || rows[1][0] != "S0001" || rows[1][1] != "Tax system" || rows[1][4] == rows[2][4] {
		t.Errorf("connected systems: %q", rows)
	}
	if rows := d.lines(account.District3, "/console/sources.csv"); len(rows) != 1 {
		t.Errorf("of another unit: %q", rows)
	}
	for _, noun := range []string{"waiting_lines", "sources"} {
		if acts := d.Acts(t, noun, ""); !slices.Contains(acts, "file.exported") {
			t.Errorf("%s: the log has %v", noun, acts)
		}
	}
	if page := d.page(account.District1, "/console/exports"); !strings.Contains(page, "Alerts of waiting lines") || !strings.Contains(page, "Connected systems") {
		t.Error("what was taken away is not listed")
	}
}
