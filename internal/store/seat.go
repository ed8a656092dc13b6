package store

import (
	"context"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
)

// Seats returns who sat or sits at the counters of a hall on a date, by counter. Labels are not kept here.
func (tx *Tx) Seats(ctx context.Context, hall string, date calendar.Date) (map[string]*counter.Seat, error) {
	out := map[string]*counter.Seat{}
	return out, tx.query(ctx, "seat.day", `
select counter, account, queues, state, opened_at, since, seen_at, standby from seat where hall_id = $1 and date = $2`,
		func(scan func(...any) error) error {
			var s counter.Seat
			var queues, standby string
			var opened, from, seen int64
			if err := scan(&s.Counter, &s.Account, &queues, &s.State, &opened, &from, &seen, &standby); err != nil {
				return err
			}
			s.Opened, s.Since, s.Seen = instant(opened), instant(from), instant(seen)
			out[s.Counter] = &s
			if err := unmarshal(queues, &s.Queues); err != nil {
				return err
			}
			return unmarshal(standby, &s.Standby)
		}, hall, date.String())
}

// SaveSeat inserts or replaces a seat of a floor that is held. When it was last heard of never goes back.
func (tx *Tx) SaveSeat(ctx context.Context, hall string, date calendar.Date, s *counter.Seat) error {
	_, err := tx.exec(ctx, "seat.save", `
insert into seat (hall_id, counter, date, account, queues, state, opened_at, since, seen_at, standby) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (hall_id, counter, date) do update set account = excluded.account, queues = excluded.queues, state = excluded.state, opened_at = excluded.opened_at,
  since = excluded.since, seen_at = case when seat.seen_at > excluded.seen_at then seat.seen_at else excluded.seen_at end, standby = excluded.standby`,
		hall, s.Counter, date.String(), s.Account, marshal(s.Queues), string(s.State), micros(s.Opened), micros(s.Since), micros(s.Seen), marshal(s.Standby))
	return err
}

// SeatSeen says when a counter was last heard of.
type SeatSeen struct {
	HallID  string
	Counter string
	Date    calendar.Date
	At      time.Time
}

// TouchSeats keeps when counters were last heard of, in one statement.
func (tx *Tx) TouchSeats(ctx context.Context, list []SeatSeen) error {
	if len(list) == 0 {
		return nil
	}
	rows := make([][4]any, len(list))
	for i, s := range list {
		rows[i] = [4]any{s.HallID, s.Counter, s.Date.String(), micros(s.At)}
	}
	_, err := tx.exec(ctx, "seat.touch", `
with w as materialized (select r.value->>0 as hall, r.value->>1 as counter, r.value->>2 as date, cast(r.value->>3 as bigint) as at from {rows} r order by 1, 2, 3)
update seat set seen_at = w.at from w where seat.hall_id = w.hall and seat.counter = w.counter and seat.date = w.date and seat.seen_at < w.at`, marshal(rows))
	return err
}
