package rulebook_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/rulebook"
)

func TestQuietHours(t *testing.T) {
	day := calendar.MakeDate(2026, time.November, 28)
	for _, c := range []struct {
		from, until  int
		hour, minute int
		end          time.Time // zero for not quiet
	}{
		{22 * 60, 7 * 60, 21, 59, time.Time{}},
		{22 * 60, 7 * 60, 22, 0, (day + 1).At(7, 0)},
		{22 * 60, 7 * 60, 23, 59, (day + 1).At(7, 0)},
		{22 * 60, 7 * 60, 0, 0, day.At(7, 0)},
		{22 * 60, 7 * 60, 6, 59, day.At(7, 0)},
		{22 * 60, 7 * 60, 7, 0, time.Time{}},
		{13 * 60, 14*60 + 30, 13, 0, day.At(14, 30)}, // at noon
		{13 * 60, 14*60 + 30, 14, 30, time.Time{}},
		{0, 0, 3, 0, time.Time{}}, // none
	} {
		m := rulebook.DefaultMessages()
		m.QuietFrom, m.QuietUntil = c.from, c.until
		end, quiet := m.Quiet(day.At(c.hour, c.minute))
		if quiet == c.end.IsZero() || !end.Equal(c.end) {
			t.Errorf("%d:%02d of %d to %d: %v %v", c.hour, c.minute, c.from, c.until, end, quiet)
		}
	}
}

func TestQuietHoursEndAndAreNotQuietThen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rulebook.DefaultMessages()
		m.QuietFrom, m.QuietUntil = rapid.IntRange(0, 1439).Draw(t, "from"), rapid.IntRange(0, 1439).Draw(t, "until")
		now := calendar.MakeDate(2026, time.November, 28).At(0, rapid.IntRange(0, 3*1440).Draw(t, "minute"))
		end, quiet := m.Quiet(now)
		if !quiet {
			return
		}
		if wait := end.Sub(now); wait <= 0 || wait > 24*time.Hour {
			t.Fatalf("ends after %v", wait)
		}
		if _, still := m.Quiet(end); still {
			t.Fatal("quiet when it ends")
		}
		if _, before := m.Quiet(end.Add(-time.Minute)); !before {
			t.Fatal("not quiet a minute before it ends")
		}
	})
}

func TestMessagesNoVersionCouldHold(t *testing.T) {
	for field, change := range map[string]func(*rulebook.Messages){
		"quiet_from":     func(m *rulebook.Messages) { m.QuietFrom = 1440 },
		"quiet_until":    func(m *rulebook.Messages) { m.QuietUntil = -1 },
		"quiet_spares":   func(m *rulebook.Messages) { m.QuietSpares = -1 },
		"per_minute":     func(m *rulebook.Messages) { m.PerMinute = -1 },
		"per_hour":       func(m *rulebook.Messages) { m.PerHour = 9 },
		"per_day":        func(m *rulebook.Messages) { m.PerDay = 29 },
		"codes_per_hour": func(m *rulebook.Messages) { m.CodesPerHour = 0 },
		"codes_per_day":  func(m *rulebook.Messages) { m.CodesPerDay = 4 },
	} {
		r := rulebook.Continued2025()
		if r.Messages != rulebook.DefaultMessages() {
			t.Fatalf("%+v", r.Messages)
		}
		change(&r.Messages)
		if got := r.Messages.Check(); got != field || r.Validate() == nil {
			t.Errorf("%q found wrong, want %s", got, field)
		}
	}
}
