package store

import (
	"context"

	"suiyue/internal/domain/booking"
)

// Cut is what a slot is to be: how many off-site numbers it has, and whether it is closed.
type Cut struct {
	HallID, SlotID string
	Capacity       int
	Closed         bool
}

// CloseSlots closes the named slots, [hall, slot] each, that are open, so that nobody takes a number of
// them. It returns how they stand now.
func (tx *Tx) CloseSlots(ctx context.Context, refs [][2]string) ([]SlotState, error) {
	if err := tx.plannedAnew(ctx, refs, false); err != nil {
		return nil, err
	}
	return tx.changedSlots(ctx, "slot.close", `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id from {rows} r order by 1, 2)
update slot set closed = 1, revision = revision + 1 from w
where slot.hall_id = w.hall and slot.id = w.id and slot.closed = 0
returning `+stateColumns, marshal(refs))
}

// CutSlots makes slots what they are to be, those in which no more is taken; a closed one has no on-site
// numbers left either. What comes free in them is held as reopen says (nil: nothing is). It returns those it
// changed, as they stand now.
func (tx *Tx) CutSlots(ctx context.Context, cuts []Cut, reopen Reopen) ([]SlotState, error) {
	rows, refs := make([][4]any, len(cuts)), make([][2]string, len(cuts))
	for i, c := range cuts {
		rows[i], refs[i] = [4]any{c.HallID, c.SlotID, c.Capacity, flag(c.Closed)}, [2]string{c.HallID, c.SlotID}
	}
	if err := tx.plannedAnew(ctx, refs, false); err != nil {
		return nil, err
	}
	return tx.reheld(ctx, refs, reopen, func() ([]SlotState, error) {
		return tx.changedSlots(ctx, "slot.cut", `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id, cast(r.value->>2 as bigint) as n, cast(r.value->>3 as bigint) as shut
    from {rows} r order by 1, 2)
update slot set capacity = w.n, closed = w.shut, on_site = case when w.shut = 1 then on_site_taken else on_site end, revision = revision + 1 from w
where slot.hall_id = w.hall and slot.id = w.id and slot.taken + slot.held <= w.n
  and (slot.capacity <> w.n or slot.closed <> w.shut or w.shut = 1 and slot.on_site <> slot.on_site_taken)
returning `+stateColumns, marshal(rows))
	})
}

// SetOnSite gives slots, [hall, slot, numbers] each, their on-site numbers; one that has given out more
// stays as it is.
func (tx *Tx) SetOnSite(ctx context.Context, rows [][3]any) ([]SlotState, error) {
	refs := make([][2]string, len(rows))
	for i, r := range rows {
		refs[i] = [2]string{r[0].(string), r[1].(string)}
	}
	if err := tx.plannedAnew(ctx, refs, false); err != nil {
		return nil, err
	}
	return tx.changedSlots(ctx, "slot.on_site", `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id, cast(r.value->>2 as bigint) as n from {rows} r order by 1, 2)
update slot set on_site = w.n, revision = revision + 1 from w
where slot.hall_id = w.hall and slot.id = w.id and slot.on_site_taken <= w.n and slot.on_site <> w.n
returning `+stateColumns, marshal(rows))
}

func (tx *Tx) changedSlots(ctx context.Context, name, text, rows string) ([]SlotState, error) {
	var out []SlotState
	err := tx.query(ctx, name, text, func(scan func(...any) error) error {
		s, err := scanState(scan)
		out = append(out, s)
		return err
	}, rows)
	return out, err
}

// BookingsIn returns the bookings with a number in the named slots, [hall, slot] each, by slot.
func (tx *Tx) BookingsIn(ctx context.Context, refs [][2]string) (map[string][]*booking.Booking, error) {
	out := map[string][]*booking.Booking{}
	if len(refs) == 0 {
		return out, nil
	}
	return out, tx.query(ctx, "booking.in", `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id from {rows} r)
select `+bookingColumns+` from w cross join booking b
where b.hall_id = w.hall and b.slot_id = w.id and b.state not in (`+placeless+`) order by b.id`,
		func(scan func(...any) error) error {
			b, err := scanBooking(scan)
			out[b.SlotID] = append(out[b.SlotID], b)
			return err
		}, marshal(refs))
}
