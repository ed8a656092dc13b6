package rulebook

import (
	"time"

	"suiyue/internal/domain/calendar"
)

// Messages is when short messages go out, and how many to one phone; the measure is silent.
type Messages struct {
	QuietFrom  int `json:"quiet_from"`  // minutes after midnight from which what can wait waits: 22:00 = 1320
	QuietUntil int `json:"quiet_until"` // … until: 07:00 = 420; the same as QuietFrom: there are no quiet hours

	// What begins, or has to be chosen, so long after the quiet hours at the latest is told of at night, too: 5 h, which is the morning.
	QuietSpares time.Duration `json:"quiet_spares"`

	// Notices to one phone in a minute, an hour and a day of the clock. Zero means no limit.
	PerMinute int `json:"per_minute"` // 10
	PerHour   int `json:"per_hour"`   // 30
	PerDay    int `json:"per_day"`    // 50

	// One-time codes to one phone in any 60 minutes and 24 hours: what carriers allow.
	CodesPerHour int `json:"codes_per_hour"` // 5
	CodesPerDay  int `json:"codes_per_day"`  // 10
}

// DefaultMessages are those of the versions that ship.
func DefaultMessages() Messages {
	return Messages{
		QuietFrom: 22 * 60, QuietUntil: 7 * 60, QuietSpares: 5 * time.Hour, PerMinute: 10, PerHour: 30, PerDay: 50, CodesPerHour: 5, CodesPerDay: 10,
	}
}

// Check reports the first field that no version of the rules could hold, "" for none.
func (m Messages) Check() string {
	const day = 24 * 60
	switch {
	case m.QuietFrom < 0 || m.QuietFrom >= day:
		return "quiet_from"
	case m.QuietUntil < 0 || m.QuietUntil >= day:
		return "quiet_until"
	case m.QuietSpares < 0 || m.QuietSpares > 24*time.Hour:
		return "quiet_spares"
	case m.PerMinute < 0 || m.PerMinute > 1000:
		return "per_minute"
	case m.PerHour < 0 || m.PerHour > 1000 || m.PerHour > 0 && m.PerHour < m.PerMinute:
		return "per_hour"
	case m.PerDay < 0 || m.PerDay > 10_000 || m.PerDay > 0 && m.PerDay < m.PerHour:
		return "per_day"
	case m.CodesPerHour < 1 || m.CodesPerHour > 100:
		return "codes_per_hour"
	case m.CodesPerDay < m.CodesPerHour || m.CodesPerDay > 1000:
		return "codes_per_day"
	}
	return ""
}

// Quiet tells whether now lies in the quiet hours, and when they end.
func (m Messages) Quiet(now time.Time) (end time.Time, quiet bool) {
	if m.QuietFrom == m.QuietUntil {
		return time.Time{}, false
	}
	now = now.In(calendar.Zone)
	today := calendar.DateOf(now)
	minute := now.Hour()*60 + now.Minute()
	from, until := m.QuietFrom, m.QuietUntil
	switch {
	case from < until && minute >= from && minute < until, from > until && minute < until:
		return today.At(0, until), true
	case from > until && minute >= from:
		return (today + 1).At(0, until), true
	}
	return time.Time{}, false
}
