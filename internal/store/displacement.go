package store

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
)

const displacementColumns = "d.booking, d.version, d.request, d.hall_id, d.slot_id, d.date, d.hour, d.closed, d.held_hall, d.held_slot, d.until, d.state, d.created_at, d.chosen_at"

func scanDisplacement(scan func(...any) error) (*booking.Displacement, error) {
	var d booking.Displacement
	var date string
	var closed, until, at, chosen int64
	if err := scan(&d.Booking, &d.Version, &d.Request, &d.HallID, &d.SlotID, &date, &d.Hour, &closed, &d.HeldHall, &d.HeldSlot,
		&until, &d.State, &at, &chosen); err != nil {
		return &d, err
	}
	var err error
	d.Date, err = calendar.ParseDate(date)
	d.Closed, d.Until, d.At = closed != 0, instant(until), instant(at)
	if chosen != 0 {
		d.Chosen = instant(chosen)
	}
	return &d, err
}

// waitingOf reads the waiting displacements of a set of [booking].
const waitingOf = `
with w as materialized (select r.value->>0 as id from {rows} r)
select ` + displacementColumns + ` from w cross join displacement d where d.booking = w.id and d.state = 'waiting'`

// readChoices brings what waits for a choice into f.
func readChoices(n *booking.Needs, f *booking.Facts) stmt {
	rows := make([][1]string, 0, len(n.Choices))
	for id := range n.Choices {
		rows = append(rows, [1]string{id})
		f.Choices[id] = nil
	}
	return stmt{name: "displacement.read", want: -1, args: []any{marshal(rows)}, text: waitingOf,
		row: func(scan func(...any) error) error {
			d, err := scanDisplacement(scan)
			f.Choices[d.Booking] = d
			return err
		}}
}

var displacementInsert = newInserter("displacement", "hall_id", "booking", "version", "request", "slot_id", "date", "hour", "closed",
	"held_hall", "held_slot", "until", "state", "created_at", "chosen_at")

// writeDisplacements adds the statements for what waits anew and for what was chosen.
func writeDisplacements(dia *dialect, list []stmt, c *booking.Change) []stmt {
	byBooking := func(a, b *booking.Displacement) int {
		return cmp.Or(strings.Compare(a.Booking, b.Booking), a.Version-b.Version)
	}
	if len(c.Settle) > 0 {
		slices.SortFunc(c.Settle, byBooking)
		rows := make([][5]any, len(c.Settle))
		for i, d := range c.Settle {
			rows[i] = [5]any{d.HallID, d.Booking, d.Version, d.State, micros(d.Chosen)}
		}
		list = append(list, stmt{name: "displacement.settle", want: int64(len(rows)), args: []any{marshal(rows)}, text: `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as booking, cast(r.value->>2 as bigint) as version, r.value->>3 as state,
    cast(r.value->>4 as bigint) as chosen_at from {rows} r order by 2, 3)
update displacement set state = w.state, chosen_at = w.chosen_at from w
where displacement.hall_id = w.hall_id and displacement.booking = w.booking and displacement.version = w.version and displacement.state = 'waiting'`})
	}
	slices.SortFunc(c.Displace, byBooking)
	return displacementInsert.add(dia, list, len(c.Displace), func(i int, args []any) []any {
		d := c.Displace[i]
		chosen := int64(0)
		if !d.Chosen.IsZero() {
			chosen = micros(d.Chosen)
		}
		return append(args, d.HallID, d.Booking, int64(d.Version), d.Request, d.SlotID, d.Date.String(), int64(d.Hour), flag(d.Closed),
			d.HeldHall, d.HeldSlot, micros(d.Until), string(d.State), micros(d.At), chosen)
	})
}

// WaitingOf returns what the given bookings wait in, by booking.
func (tx *Tx) WaitingOf(ctx context.Context, ids []string) (map[string]*booking.Displacement, error) {
	out := map[string]*booking.Displacement{}
	if len(ids) == 0 {
		return out, nil
	}
	rows := make([][1]string, len(ids))
	for i, id := range ids {
		rows[i] = [1]string{id}
	}
	return out, tx.query(ctx, "displacement.waiting", waitingOf, func(scan func(...any) error) error {
		d, err := scanDisplacement(scan)
		out[d.Booking] = d
		return err
	}, marshal(rows))
}

// Overdue returns bookings whose person was to choose by now and has not, at most limit.
func (tx *Tx) Overdue(ctx context.Context, now time.Time, limit int) ([]string, error) {
	var out []string
	err := tx.query(ctx, "displacement.overdue", `
select booking from displacement where state = 'waiting' and until <= $1 order by until, booking limit $2`,
		func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			out = append(out, id)
			return err
		}, micros(now), limit)
	return out, err
}

// ChoiceCounts counts the displacements of a request by what came of them, for each hall.
func (tx *Tx) ChoiceCounts(ctx context.Context, request string) (map[string]map[booking.Choice]int, error) {
	out := map[string]map[booking.Choice]int{}
	return out, tx.query(ctx, "displacement.counts", `
select hall_id, state, count(*) from displacement where request = $1 group by hall_id, state`,
		func(scan func(...any) error) error {
			var hall string
			var state booking.Choice
			var n int
			if err := scan(&hall, &state, &n); err != nil {
				return err
			}
			if out[hall] == nil {
				out[hall] = map[booking.Choice]int{}
			}
			out[hall][state] = n
			return nil
		}, request)
}

// DisplacedQuery asks for the bookings that lost an hour to a request.
type DisplacedQuery struct {
	Request       string
	Scope         account.Scope  // of the halls whose hour it was
	State         booking.Choice // "" for all
	Offset, Limit int
	Walk          *Walk // in place of order, Offset and Limit: by booking, and by its version
}

// Displaced returns displacements in order of booking.
func (tx *Tx) Displaced(ctx context.Context, q DisplacedQuery) ([]*booking.Displacement, error) {
	args := []any{q.Request, string(q.State), q.Limit, q.Offset}
	scope := scopeSQL("h", q.Scope, func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	})
	var out []*booking.Displacement
	if q.Walk != nil {
		args := []any{q.Request, string(q.State)}
		next := numbered(&args)
		where := scopeSQL("h", q.Scope, next)
		if q.Walk.Before != "" {
			where += " and (d.booking < " + next(q.Walk.Before) + " or d.booking = " + next(q.Walk.Before) + " and d.version < " + next(q.Walk.N) + ")"
		}
		return out, tx.query(ctx, "displacement.walk", `
select `+displacementColumns+` from displacement d join hall h on h.id = d.hall_id
where d.request = $1 and ($2 = '' or d.state = $2) and `+where+` order by d.booking desc, d.version desc limit `+next(int64(q.Walk.Size)),
			func(scan func(...any) error) error {
				d, err := scanDisplacement(scan)
				out = append(out, d)
				return err
			}, args...)
	}
	err := tx.query(ctx, "displacement.list", `
select `+displacementColumns+` from displacement d join hall h on h.id = d.hall_id
where d.request = $1 and ($2 = '' or d.state = $2) and `+scope+` order by d.booking, d.version limit $3 offset $4`,
		func(scan func(...any) error) error {
			d, err := scanDisplacement(scan)
			out = append(out, d)
			return err
		}, args...)
	return out, err
}

// DisplacementOf returns the last displacement of a booking by a request, nil if there is none.
func (tx *Tx) DisplacementOf(ctx context.Context, request, id string) (*booking.Displacement, error) {
	var found *booking.Displacement
	err := tx.query(ctx, "displacement.one", `
select `+displacementColumns+` from displacement d where d.booking = $1 and d.request = $2 order by d.version`,
		func(scan func(...any) error) (err error) {
			found, err = scanDisplacement(scan)
			return err
		}, id, request)
	return found, err
}

// Unchosen is how many people of one hall a request leaves without a choice yet.
type Unchosen struct {
	Request, HallID string
	Waiting, All    int
	Until           time.Time // when the first of them has no time left
}

// Unchosen lists where people have not chosen yet, those with the least time first, and how many there are.
func (tx *Tx) Unchosen(ctx context.Context, scope account.Scope, hall string, offset, limit int) (list []Unchosen, all int, err error) {
	args := []any{hall, limit, offset}
	condition := scopeSQL("h", scope, func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	})
	err = tx.query(ctx, "displacement.unchosen", `
with w as (select d.request, d.hall_id, count(*) as waiting, min(d.until) as first
  from displacement d join hall h on h.id = d.hall_id where d.state = 'waiting' and ($1 = '' or d.hall_id = $1) and `+condition+` group by d.request, d.hall_id)
select w.request, w.hall_id, w.waiting, (select count(*) from displacement a where a.request = w.request and a.hall_id = w.hall_id), w.first,
  (select count(*) from w) from w order by w.first, w.request, w.hall_id limit $2 offset $3`,
		func(scan func(...any) error) error {
			var u Unchosen
			var until int64
			err := scan(&u.Request, &u.HallID, &u.Waiting, &u.All, &until, &all)
			u.Until = instant(until)
			list = append(list, u)
			return err
		}, args...)
	return list, all, err
}
