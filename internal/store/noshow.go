package store

import (
	"context"
	"time"

	"suiyue/internal/domain/calendar"
)

// MissedUntil returns until when bookings have been looked at for no-shows: of every hour that ended by
// then, none is left that is booked and nobody came to. Zero before the first time.
func (tx *Tx) MissedUntil(ctx context.Context) (time.Time, error) {
	at := int64(0)
	_, err := tx.one(ctx, "no_show.until", `select until from no_show_mark where id = 1`, nil, &at)
	return since(at), err
}

// SetMissedUntil records it.
func (tx *Tx) SetMissedUntil(ctx context.Context, until time.Time) error {
	_, err := tx.exec(ctx, "no_show.mark", `
insert into no_show_mark (id, until) values (1, $1) on conflict (id) do update set until = excluded.until`, micros(until))
	return err
}

// Hour is one hour of one date.
type Hour struct {
	Date calendar.Date
	Hour int
}

// At returns the instant it begins.
func (h Hour) At() time.Time { return h.Date.At(h.Hour, 0) }

// HoursEnded returns the hours with slots that ended after from (zero: ever) and not after to, earliest first.
func (tx *Tx) HoursEnded(ctx context.Context, from, to time.Time) ([]Hour, error) {
	first, hour := "", 0
	if !from.IsZero() {
		first, hour = calendar.DateOf(from).String(), from.In(calendar.Zone).Hour()
	}
	last := to.In(calendar.Zone)
	var out []Hour
	err := tx.query(ctx, "slot.hours", `
select distinct s.date, s.hour from slot s
where s.date >= $1 and (s.date > $1 or s.hour >= $2) and s.date <= $3 and (s.date < $3 or s.hour < $4) order by s.date, s.hour`,
		func(scan func(...any) error) error {
			var h Hour
			var date string
			if err := scan(&date, &h.Hour); err != nil {
				return err
			}
			var err error
			h.Date, err = calendar.ParseDate(date)
			out = append(out, h)
			return err
		}, first, hour, calendar.DateOf(to).String(), last.Hour())
	return out, err
}

// StillBooked returns the bookings of an hour, in all halls, that nobody has come to.
func (tx *Tx) StillBooked(ctx context.Context, h Hour) ([]string, error) {
	var out []string
	err := tx.query(ctx, "booking.still", `
select b.id from slot s join booking b on b.hall_id = s.hall_id and b.slot_id = s.id
where s.date = $1 and s.hour = $2 and b.state = 'booked' order by b.hall_id, b.id`,
		func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			out = append(out, id)
			return err
		}, h.Date.String(), h.Hour)
	return out, err
}
