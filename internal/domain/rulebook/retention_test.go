package rulebook

import (
	"testing"

	"suiyue/internal/domain/calendar"
)

// The Cybersecurity Law (網絡安全法) has logs of networks kept for six months at least: a rulebook may say longer, never
// shorter, and who somebody was is not forgotten before the records that lead to them.
func TestCybersecurityLaw_LogsAreKeptTwoHundredDaysAtLeast(t *testing.T) {
	for days, want := range map[int]string{0: "log_days", 180: "log_days", 199: "log_days", 200: "", 365: "", 36_601: "log_days"} {
		if got := (Retention{IdentityMonths: 24, LogDays: days}).Check(); got != want {
			t.Errorf("%d days: %q, want %q", days, got, want)
		}
	}
	today := calendar.MakeDate(2026, 7, 20)
	for days, want := range map[int]calendar.Date{200: calendar.MakeDate(2026, 1, 1), 365: calendar.MakeDate(2025, 7, 20)} {
		if got := (Retention{IdentityMonths: 24, LogDays: days}).LogsFrom(today); got != want {
			t.Errorf("%d days: kept from %s, want %s", days, got, want)
		}
		short := Retention{IdentityMonths: 1, LogDays: days}
		if people, logs := short.Before(today), short.LogsFrom(today); people > logs {
			t.Errorf("%d days: people are forgotten before %s, their logs before %s", days, people, logs)
		}
	}
}
