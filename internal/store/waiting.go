package store

import (
	"context"
	"encoding/json"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
)

// HallsToLearn returns halls that had a day in [from, before) and have not learned from the days before
// before yet, at most limit.
func (tx *Tx) HallsToLearn(ctx context.Context, from, before calendar.Date, limit int) (out []string, err error) {
	return out, tx.query(ctx, "wait.halls", `
select distinct f.hall_id from floor f where f.date >= $1 and f.date < $2
and not exists (select 1 from wait_past w where w.hall_id = f.hall_id and w.learned = $2) order by 1 limit $3`,
		func(scan func(...any) error) error {
			var hall string
			err := scan(&hall)
			out = append(out, hall)
			return err
		}, from.String(), before.String(), limit)
}

// WaitsOf gives every wait of a hall's days in [from, before) that ended with a call to each: the ticket with
// what it was told and when it was called, without its person.
func (tx *Tx) WaitsOf(ctx context.Context, hall string, from, before calendar.Date, each func(t *counter.Ticket)) error {
	return tx.query(ctx, "wait.outcomes", `
select queue_id, kind, state, calls, issued_at, first_at, called_at, ended_at, told_early, told_late, told_guess
from ticket where hall_id = $1 and date >= $2 and date < $3 and first_at > 0 order by date, number`,
		func(scan func(...any) error) error {
			var t counter.Ticket
			var issued, first, called, ended int64
			err := scan(&t.QueueID, &t.Kind, &t.State, &t.Calls, &issued, &first, &called, &ended, &t.Early, &t.Late, &t.Guess)
			t.IssuedAt, t.FirstAt, t.CalledAt, t.EndedAt = instant(issued), instant(first), since(called), since(ended)
			each(&t)
			return err
		}, hall, from.String(), before.String())
}

// SaveWaitPast keeps what the days before a date teach about a hall, as JSON.
func (tx *Tx) SaveWaitPast(ctx context.Context, hall string, learned calendar.Date, detail json.RawMessage) error {
	_, err := tx.exec(ctx, "wait.learn", `
insert into wait_past (hall_id, learned, detail) values ($1, $2, $3) on conflict (hall_id) do update set learned = excluded.learned, detail = excluded.detail`,
		hall, learned.String(), string(detail))
	return err
}

// WaitPast returns what a hall has learned; nil for nothing.
func (tx *Tx) WaitPast(ctx context.Context, hall string) (detail json.RawMessage, err error) {
	var text string
	found, err := tx.one(ctx, "wait.past", `select detail from wait_past where hall_id = $1`, []any{hall}, &text)
	if found {
		detail = json.RawMessage(text)
	}
	return detail, err
}

// WaitPasts gives what every hall has learned to each.
func (tx *Tx) WaitPasts(ctx context.Context, each func(hall string, detail json.RawMessage) error) error {
	return tx.query(ctx, "wait.pasts", `select hall_id, detail from wait_past`, func(scan func(...any) error) error {
		var hall, detail string
		if err := scan(&hall, &detail); err != nil {
			return err
		}
		return each(hall, json.RawMessage(detail))
	})
}

// FloorsSince returns the days changed at or after an instant with when they were, in no order.
func (tx *Tx) FloorsSince(ctx context.Context, since time.Time, date calendar.Date) (out []string, err error) {
	return out, tx.query(ctx, "floor.since", `select hall_id from floor where changed_at >= $1 and date = $2`, func(scan func(...any) error) error {
		var hall string
		err := scan(&hall)
		out = append(out, hall)
		return err
	}, micros(since), date.String())
}
