package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/store"
)

// The Cybersecurity Law (網絡安全法) has records of access kept for six months at least, the rulebook for 200 days: then
// upkeep drops them, not a day sooner, and says how many. The audit log keeps every record.
func TestCybersecurityLaw_RecordsOfAccessGoAfterTheirDaysAndNotBefore(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := context.Background()
		ad := staff(t, f, account.Audit, "440100000000")
		start := f.Clock.Now()
		if err := f.DB.Update(ctx, func(tx *store.Tx) error {
			return tx.AddAdminSession(ctx, store.AdminSession{TokenHash: "h", ID: "s1", Account: ad.Account.ID, CreatedAt: start, SeenAt: start, ProvedAt: start, ExpiresAt: start.Add(time.Hour), Origin: "10.0.0"})
		}); err != nil {
			t.Fatal(err)
		}
		id, err := f.App.BeginExport(ctx, ad, app.Export{Noun: "log", Format: "csv", Counted: 3})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.App.EndExport(ctx, ad, app.Export{ID: id, Noun: "log", Format: "csv", State: app.ExportWhole, Written: 3}); err != nil {
			t.Fatal(err)
		}
		audit := func() (n int) {
			n, err := f.App.CountAudit(ctx, app.AuditFilter{})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		was := audit()
		lastKept := (calendar.DateOf(start.Add(time.Hour)) + 201).At(0, 0).Add(-time.Minute)
		for _, c := range []struct {
			at      time.Time
			gone    bool
			records int
		}{{start.Add(181 * 24 * time.Hour), false, was}, {lastKept, false, was}, {lastKept.Add(time.Minute), true, was + 1}, {lastKept.Add(time.Hour), true, was + 1}} {
			f.Clock.Set(c.at)
			if err := f.App.Upkeep(ctx); err != nil {
				t.Fatal(err)
			}
			files, err := f.App.Exports(ctx, ad, 9)
			if err != nil || (len(files) == 0) != c.gone {
				t.Errorf("at %s: files %v: %v", c.at, files, err)
			}
			var session *store.AdminSession
			if err := f.DB.View(ctx, func(tx *store.Tx) (err error) {
				session, _, err = tx.AdminSession(ctx, "h")
				return err
			}); err != nil || (session == nil) != c.gone {
				t.Errorf("at %s: sign-in %v: %v", c.at, session, err)
			}
			if n := audit(); n != c.records {
				t.Errorf("at %s: %d records in the log, want %d", c.at, n, c.records)
			}
		}
		r, err := f.App.Retention(ctx, ad)
		if err != nil || len(r.Logs) != 2 || r.Logs[0].Noun != store.LogFile || r.Logs[0].Rows != 1 || r.Logs[1].Noun != store.LogSignIn || r.Logs[1].Rows != 1 {
			t.Fatalf("the report: %+v, %v", r, err)
		}
		if want := calendar.DateOf(lastKept.Add(time.Minute)) - 200; r.LogsFrom != want || calendar.DateOf(r.Logs[0].Before) != want {
			t.Errorf("kept from %s, dropped before %s, want %s", r.LogsFrom, r.Logs[0].Before, want)
		}
		list, _, err := f.App.FindAudit(ctx, app.AuditFilter{Act: "retention.logs"}, 9)
		if err != nil || len(list) != 1 || !strings.Contains(string(list[0].After), `"sign_in":1`) {
			t.Errorf("in the log: %+v, %v", list, err)
		}
	})
}
