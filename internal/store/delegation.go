package store

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
)

var delegationInsert = newInserter("delegation", "hold", "booking", "system", "hall_id", "slot_id", "state", "number", "until", "due_at", "attempts", "made_at", "changed_at")

func delegationRow(d *booking.Delegation, args []any) []any {
	return append(args, d.Hold, d.Booking, d.System, d.HallID, d.SlotID, string(d.State), d.Number, micros(d.Until), micros(d.Due), int64(d.Attempts),
		micros(d.MadeAt), micros(d.At))
}

// writeDelegations adds the statements for places in departments' systems: new ones, those that are confirmed now, and then
// those that are wanted no more.
func writeDelegations(d *dialect, list []stmt, c *booking.Change, now time.Time) []stmt {
	slices.SortFunc(c.Delegate, func(a, b *booking.Delegation) int { return strings.Compare(a.Hold, b.Hold) })
	list = delegationInsert.add(d, list, len(c.Delegate), func(i int, args []any) []any { return delegationRow(c.Delegate[i], args) })
	if len(c.Settled) > 0 {
		slices.SortFunc(c.Settled, func(a, b booking.Adopted) int { return strings.Compare(a.Hold, b.Hold) })
		rows := make([][4]string, len(c.Settled))
		for i, s := range c.Settled {
			rows[i] = [4]string{s.Hold, s.Booking, string(s.Was), s.Number}
		}
		// The number of a place that was tried is there already.
		list = append(list, stmt{name: "delegation.settle", want: int64(len(rows)), args: []any{marshal(rows), micros(now)}, text: `
with w as materialized (select r.value->>0 as hold, r.value->>1 as booking, r.value->>2 as was, r.value->>3 as number from {rows} r order by 1)
update delegation set state = 'confirmed', number = case when w.was = 'tried' then delegation.number else w.number end, changed_at = $2 from w
where delegation.hold = w.hold and delegation.booking = w.booking and delegation.state = w.was`})
	}
	if len(c.Unwant) > 0 {
		keep := map[string]string{}
		for _, u := range c.Unwant { // of several in one group the last says what stays
			keep[u.Booking] = u.Keep
		}
		rows := make([][2]string, 0, len(keep))
		for _, id := range slices.Sorted(maps.Keys(keep)) {
			rows = append(rows, [2]string{id, keep[id]})
		}
		list = append(list, stmt{name: "delegation.unwant", want: -1, args: []any{marshal(rows), micros(now)}, text: `
with w as materialized (select r.value->>0 as booking, r.value->>1 as keep from {rows} r order by 1)
update delegation set state = 'unwanted', due_at = $2, attempts = 0, changed_at = $2 from w
where delegation.booking = w.booking and delegation.hold <> w.keep and delegation.state in ('wanted', 'confirmed')`})
	}
	return list
}

const delegationColumns = "d.hold, d.booking, d.system, d.hall_id, d.slot_id, d.state, d.number, d.until, d.due_at, d.attempts, d.made_at, d.changed_at"

func scanDelegation(scan func(...any) error) (*booking.Delegation, error) {
	var d booking.Delegation
	var until, due, made, at int64
	err := scan(&d.Hold, &d.Booking, &d.System, &d.HallID, &d.SlotID, &d.State, &d.Number, &until, &due, &d.Attempts, &made, &at)
	d.Until, d.Due, d.MadeAt, d.At = instant(until), instant(due), instant(made), instant(at)
	return &d, err
}

// Delegations returns the places of a booking in departments' systems, those that were given back too, by id.
func (tx *Tx) Delegations(ctx context.Context, id string) (out []*booking.Delegation, err error) {
	return out, tx.query(ctx, "delegation.of", `select `+delegationColumns+` from delegation d where d.booking = $1 order by d.hold`, func(scan func(...any) error) error {
		d, err := scanDelegation(scan)
		out = append(out, d)
		return err
	}, id)
}

// AllDelegations returns every place, by id: for who compares both sides.
func (tx *Tx) AllDelegations(ctx context.Context) (out []*booking.Delegation, err error) {
	return out, tx.query(ctx, "delegation.all", `select `+delegationColumns+` from delegation d order by d.hold`, func(scan func(...any) error) error {
		d, err := scanDelegation(scan)
		out = append(out, d)
		return err
	})
}

// AddDelegation adds a place that is to be tried.
func (tx *Tx) AddDelegation(ctx context.Context, d *booking.Delegation) error {
	_, err := tx.exec(ctx, "delegation.add", delegationInsert.texts[0], delegationRow(d, nil)...)
	return err
}

// Tried keeps what the department said of a place that is tried for a move; false if it is given up already.
func (tx *Tx) Tried(ctx context.Context, hold, number string) (bool, error) {
	n, err := tx.exec(ctx, "delegation.tried", `update delegation set number = $2, changed_at = $3 where hold = $1 and state = 'tried'`, hold, number, micros(tx.Now))
	return n == 1, err
}

// GiveUp makes a place unwanted that is tried and that no booking has.
func (tx *Tx) GiveUp(ctx context.Context, hold string) error {
	_, err := tx.exec(ctx, "delegation.give_up", `
update delegation set state = 'unwanted', due_at = $2, attempts = 0, changed_at = $2 where hold = $1 and state = 'tried'`, hold, micros(tx.Now))
	return err
}

// DelegationsDue tells whether ClaimDelegations has something to do.
func (tx *Tx) DelegationsDue(ctx context.Context) (bool, error) {
	var n int64
	_, err := tx.one(ctx, "delegation.any_due", `
select count(*) from (select 1 from delegation where state in ('wanted', 'tried', 'unwanted') and due_at <= $1 limit 1) x`, []any{micros(tx.Now)}, &n)
	return n > 0, err
}

// ClaimDelegations returns places that somebody must look at by now, those that are due longest first, at most limit, and puts
// them off until then: nobody else looks at them before. A place that was tried and whose time is over is unwanted.
func (tx *Tx) ClaimDelegations(ctx context.Context, until time.Time, limit int) (out []*booking.Delegation, err error) {
	if _, err := tx.exec(ctx, "delegation.over", `
update delegation set state = 'unwanted', attempts = 0, changed_at = $1 where state = 'tried' and due_at <= $1`, micros(tx.Now)); err != nil {
		return nil, err
	}
	if err := tx.query(ctx, "delegation.due", `
select `+delegationColumns+` from delegation d where d.state in ('wanted', 'unwanted') and d.due_at <= $1 order by d.due_at, d.hold limit $2 {skip}`,
		func(scan func(...any) error) error {
			d, err := scanDelegation(scan)
			out = append(out, d)
			return err
		}, micros(tx.Now), limit); err != nil || len(out) == 0 {
		return nil, err
	}
	rows := make([][1]string, len(out))
	for i, d := range out {
		rows[i] = [1]string{d.Hold}
	}
	_, err = tx.exec(ctx, "delegation.claim", `
with w as materialized (select r.value->>0 as hold from {rows} r order by 1)
update delegation set due_at = $2, attempts = attempts + 1 from w where delegation.hold = w.hold`, marshal(rows), micros(until))
	return out, err
}

// PutOff says when a place is looked at next, if it is still in the state it was looked at in.
func (tx *Tx) PutOff(ctx context.Context, hold string, was booking.DelegationState, due time.Time) error {
	_, err := tx.exec(ctx, "delegation.put_off", `update delegation set due_at = $3 where hold = $1 and state = $2`, hold, string(was), micros(due))
	return err
}

// Returned says that the department knows that a place is given back.
func (tx *Tx) Returned(ctx context.Context, hold string) error {
	_, err := tx.exec(ctx, "delegation.returned", `update delegation set state = 'released', changed_at = $2 where hold = $1 and state = 'unwanted'`, hold, micros(tx.Now))
	return err
}

// ForgetDelegations drops places that were given back before an instant.
func (tx *Tx) ForgetDelegations(ctx context.Context, before time.Time) error {
	_, err := tx.exec(ctx, "delegation.forget", `delete from delegation where state = 'released' and changed_at < $1`, micros(before))
	return err
}

// DelegationsWaiting counts the places that a department has not answered for, by system and state, and since when the oldest
// waits.
func (tx *Tx) DelegationsWaiting(ctx context.Context) (out []DelegationsWaiting, err error) {
	return out, tx.query(ctx, "delegation.waiting", `
select d.system, d.state, count(*), min(d.changed_at) from delegation d where d.state in ('wanted', 'tried', 'unwanted') group by d.system, d.state order by d.system, d.state`,
		func(scan func(...any) error) error {
			var w DelegationsWaiting
			var since int64
			err := scan(&w.System, &w.State, &w.N, &since)
			w.Since = instant(since)
			out = append(out, w)
			return err
		})
}

// DelegationsWaiting is how many places of a system are in a state that is to end.
type DelegationsWaiting struct {
	System string
	State  booking.DelegationState
	N      int
	Since  time.Time
}
