package store

import (
	"context"
	"time"

	"suiyue/internal/domain/calendar"
)

// Nouns of records of access.
const (
	LogSignIn = "sign_in" // of an administrator
	LogFile   = "file"    // a list taken away
)

// DropLogs drops records of access that ended before an instant, and returns how many of each noun; done again it finds
// none. The audit log is not among them: it is never cut.
func (tx *Tx) DropLogs(ctx context.Context, before time.Time) (map[string]int, error) {
	counts := map[string]int{}
	for _, step := range []struct{ noun, name, sql string }{
		{LogSignIn, "admin_session.drop", `delete from admin_session where expires_at < $1`},
		{LogFile, "export.forget", `delete from export where began_at < $1 and told_at < $1`},
	} {
		n, err := tx.exec(ctx, step.name, step.sql, micros(before))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			counts[step.noun] = int(n)
		}
	}
	return counts, nil
}

// LogDropped is records of access of one noun that were dropped on a date.
type LogDropped struct {
	Date   calendar.Date
	Noun   string
	Rows   int
	Before time.Time // all older ones
}

// AddLogDropped adds what was dropped to what was on that date.
func (tx *Tx) AddLogDropped(ctx context.Context, d LogDropped) error {
	_, err := tx.exec(ctx, "log_dropped.add", `
insert into log_dropped (date, noun, n, before_at) values ($1, $2, $3, $4)
on conflict (date, noun) do update set n = log_dropped.n + excluded.n, before_at = excluded.before_at`, d.Date.String(), d.Noun, int64(d.Rows), micros(d.Before))
	return err
}

// LogsDropped lists what was dropped, the latest first, at most limit.
func (tx *Tx) LogsDropped(ctx context.Context, limit int) (out []LogDropped, err error) {
	err = tx.query(ctx, "log_dropped.list", `select date, noun, n, before_at from log_dropped order by date desc, noun limit $1`, func(scan func(...any) error) error {
		var d LogDropped
		var date string
		var before int64
		err := scan(&date, &d.Noun, &d.Rows, &before)
		if err == nil {
			d.Date, err = calendar.ParseDate(date)
		}
		d.Before = instant(before)
		out = append(out, d)
		return err
	}, int64(limit))
	return out, err
}
