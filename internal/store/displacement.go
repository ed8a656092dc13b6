package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

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
func writeDisplacements(list []stmt, c *booking.Change) []stmt {
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
	return displacementInsert.add(list, len(c.Displace), func(i int, args []any) []any {
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

// DisplacedBy returns the displacements of a request in one of the halls, of one state or of all (""), in
// order of booking from offset on, at most limit.
func (tx *Tx) DisplacedBy(ctx context.Context, request string, halls []string, state booking.Choice, offset, limit int) ([]*booking.Displacement, error) {
	rows := make([][1]string, len(halls))
	for i, h := range halls {
		rows[i] = [1]string{h}
	}
	var out []*booking.Displacement
	err := tx.query(ctx, "displacement.list", `
with w as materialized (select r.value->>0 as hall from {rows} r)
select `+displacementColumns+` from displacement d
where d.request = $2 and d.hall_id in (select hall from w) and ($3 = '' or d.state = $3) order by d.booking, d.version limit $4 offset $5`,
		func(scan func(...any) error) error {
			d, err := scanDisplacement(scan)
			out = append(out, d)
			return err
		}, marshal(rows), request, string(state), limit, offset)
	return out, err
}
