package rulebook

import (
	"time"

	"suiyue/internal/domain/calendar"
)

// Retention is how long it is kept who somebody was.
type Retention struct {
	IdentityMonths int `json:"identity_months"` // in bookings and all that belongs to them: 24
	// LogDays is how long records of access are kept after they ended, administrators' sign-ins and lists taken away, and
	// not longer: 200. Who somebody was is never kept shorter, for logs lead to them. The audit log is kept for good.
	LogDays int `json:"log_days"`
}

// LeastLogDays is how long logs must be kept at least: six months by the Cybersecurity Law (網絡安全法, on logs of
// networks), and some days more.
const LeastLogDays = 200

// Check reports the first field that no version of the rules could hold, "" for none.
func (r Retention) Check() string {
	switch {
	case r.IdentityMonths < 1 || r.IdentityMonths > 600:
		return "identity_months"
	case r.LogDays < LeastLogDays || r.LogDays > 36_600:
		return "log_days"
	}
	return ""
}

// Before returns the first day that is kept on a date: the first of a month. Every day before it is forgotten.
func (r Retention) Before(today calendar.Date) calendar.Date {
	by := calendar.MakeDate(today.Year(), today.Month()-time.Month(r.IdentityMonths), 1)
	if logs := today - calendar.Date(r.LogDays); logs < by {
		by = calendar.MakeDate(logs.Year(), logs.Month(), 1)
	}
	return by
}

// LogsFrom returns the first day whose records of access are kept on a date.
func (r Retention) LogsFrom(today calendar.Date) calendar.Date {
	return today - calendar.Date(max(r.LogDays, LeastLogDays))
}
