package store

import (
	"context"
	"time"

	"suiyue/internal/domain/booking"
)

// What group commit is measured against, on the same tables and with the same rows. Not a way the
// product books.

// Plain answers one request the textbook way: a transaction of its own that locks the slot's row,
// reads, decides, writes statement by statement and commits.
func (db *DB) Plain(ctx context.Context, r booking.Request) (out booking.Outcome, err error) {
	err = db.Update(ctx, func(tx *Tx) error {
		first, more, facts := booking.NewNeeds(), booking.NewNeeds(), booking.NewFacts()
		facts.Chances = lots(1)
		r.Needs(first)
		if db.d == &postgres {
			for id, hall := range first.Slots {
				if err := tx.query(ctx, "plain.lock", `select 1 from slot where hall_id = $1 and id = $2 for update`,
					func(scan func(...any) error) error { var one int; return scan(&one) }, hall, id); err != nil {
					return err
				}
			}
		}
		if err := tx.each(ctx, reads(first, facts)); err != nil {
			return err
		}
		r.More(facts, more)
		if err := tx.each(ctx, reads(more, facts)); err != nil {
			return err
		}
		outcomes, change := booking.Decide(tx.Now, facts, []booking.Request{r})
		out = outcomes[0]
		if change.Empty() {
			return nil
		}
		var states []SlotState
		return tx.each(ctx, writes(db.d, change, &states, tx.Now))
	})
	return out, err
}

func (tx *Tx) each(ctx context.Context, list []stmt) error {
	for _, s := range list {
		touched := int64(0)
		var err error
		if s.row == nil {
			touched, err = tx.exec(ctx, s.name, s.text, s.args...)
		} else {
			err = tx.query(ctx, s.name, s.text, func(scan func(...any) error) error {
				touched++
				return s.row(scan)
			}, s.args...)
		}
		if err != nil {
			return err
		}
		if s.want >= 0 && touched != s.want {
			return errStale
		}
	}
	return nil
}

// Raw writes the rows of a change with no rule and no slot touched: the most these tables can take.
func (l *Lane) Raw(ctx context.Context, c *booking.Change) error {
	rows := *c
	rows.Slots = nil
	_, err := l.apply(ctx, time.Time{}, &rows)
	return err
}

// Deadlocks returns how many deadlocks PostgreSQL has broken in this database since it was made; 0 on
// SQLite, which has none.
func (db *DB) Deadlocks(ctx context.Context) (int, error) {
	if db.d != &postgres {
		return 0, nil
	}
	var n int
	err := db.read.QueryRowContext(ctx, `select deadlocks from pg_stat_database where datname = current_database()`).Scan(&n)
	return n, err
}
