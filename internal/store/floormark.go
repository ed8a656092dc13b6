package store

import (
	"context"
	"time"

	"suiyue/internal/domain/calendar"
)

// FloorMark says how far a hall's day has come.
type FloorMark struct {
	HallID   string
	Date     calendar.Date
	Revision int64
}

// After tells whether m is later than another mark of the same hall: a later day, or further in it.
func (m FloorMark) After(o FloorMark) bool {
	return m.Date > o.Date || m.Date == o.Date && m.Revision > o.Revision
}

// FloorsChanged returns the days of halls that were changed after an instant.
func (tx *Tx) FloorsChanged(ctx context.Context, after time.Time) ([]FloorMark, error) {
	var out []FloorMark
	err := tx.query(ctx, "floor.changed", `
select hall_id, date, revision from floor where changed_at > $1`,
		func(scan func(...any) error) error {
			var m FloorMark
			var date string
			err := scan(&m.HallID, &date, &m.Revision)
			if err == nil {
				m.Date, err = calendar.ParseDate(date)
			}
			out = append(out, m)
			return err
		}, micros(after))
	return out, err
}
