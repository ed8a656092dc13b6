package store

import (
	"context"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/supply"
)

// AddAdjustments lays a change over queues, each given with its hall. Later ones lie above earlier ones.
func (tx *Tx) AddAdjustments(ctx context.Context, request string, queues [][2]string, c supply.Change) error {
	first, err := tx.NextBlock(ctx, "adjustment", int64(len(queues)))
	if err != nil {
		return err
	}
	detail := marshal(c)
	n := int64(-1)
	return saveSet(ctx, tx, "adjustment.insert", queues, func(q [2]string) any {
		n++
		return []any{q[1], first + n, q[0], request, c.From.String(), dateOrNone(c.To), detail}
	}, `
with w as materialized (select r.value->>0 as queue_id, cast(r.value->>1 as bigint) as seq, r.value->>2 as hall_id, r.value->>3 as request,
  r.value->>4 as from_date, r.value->>5 as to_date, r.value->>6 as detail from {rows} r order by 1)
insert into adjustment (queue_id, seq, hall_id, request, from_date, to_date, detail, state)
select queue_id, seq, hall_id, request, from_date, to_date, detail, 'waiting' from w where true`)
}

// AdjustmentsInForce marks the adjustments of a request carried out.
func (tx *Tx) AdjustmentsInForce(ctx context.Context, request string) error {
	_, err := tx.exec(ctx, "adjustment.in_force", `update adjustment set state = 'in_force' where request = $1 and state = 'waiting'`, request)
	return err
}

// AdjustmentsOver marks those whose last day lies before d.
func (tx *Tx) AdjustmentsOver(ctx context.Context, d calendar.Date) error {
	_, err := tx.exec(ctx, "adjustment.over", `update adjustment set state = 'over' where state = 'in_force' and to_date <> '' and to_date < $1`, d.String())
	return err
}

// Adjustments returns the changes that lie over each queue on d or later, in their order. With hall ""
// those of every hall.
func (tx *Tx) Adjustments(ctx context.Context, hall string, d calendar.Date) (map[string][]supply.Change, error) {
	out := map[string][]supply.Change{}
	return out, tx.query(ctx, "adjustment.read", `
select queue_id, detail from adjustment where ($1 = '' or hall_id = $1) and (to_date = '' or to_date >= $2) order by queue_id, seq`,
		func(scan func(...any) error) error {
			var queue, detail string
			if err := scan(&queue, &detail); err != nil {
				return err
			}
			var c supply.Change
			err := unmarshal(detail, &c)
			out[queue] = append(out[queue], c)
			return err
		}, hall, d.String())
}

// AdjustedQueues returns the queues a request's adjustments lie over, each with its hall.
func (tx *Tx) AdjustedQueues(ctx context.Context, request string) ([][2]string, error) {
	var out [][2]string
	err := tx.query(ctx, "adjustment.queues", `select hall_id, queue_id from adjustment where request = $1 order by hall_id, queue_id`,
		func(scan func(...any) error) error {
			var q [2]string
			err := scan(&q[0], &q[1])
			out = append(out, q)
			return err
		}, request)
	return out, err
}

// PlanSlots brings slots to steps of their plan. A slot never gets fewer numbers than are taken from it:
// where a step asks for less, what is left is closed for newcomers and the slot is returned with what is
// too much. With idle, only slots nobody holds a number in are touched. What comes free is held as reopen says
// (nil: nothing is). changed are the slots that were written.
func (tx *Tx) PlanSlots(ctx context.Context, steps []supply.Step, idle bool, reopen Reopen) (changed, over []SlotState, err error) {
	most := 1 << 40
	if idle {
		most = 0
	}
	want := make(map[string]booking.Slot, len(steps))
	for len(steps) > 0 {
		n := min(len(steps), 2000)
		rows, refs := make([][7]any, n), make([][2]string, n)
		for i, s := range steps[:n] {
			want[s.Slot.ID], refs[i] = s.Slot, [2]string{s.Slot.HallID, s.Slot.ID}
			rows[i] = [7]any{s.Slot.HallID, s.Slot.ID, s.Slot.Capacity, s.Slot.OnSite, micros(s.Slot.Release), flag(s.Slot.Closed), most}
		}
		if err := tx.plannedAnew(ctx, refs, false); err != nil {
			return nil, nil, err
		}
		states, err := tx.reheld(ctx, refs, reopen, func() (states []SlotState, err error) {
			return states, tx.query(ctx, "slot.plan", `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id, cast(r.value->>2 as bigint) as capacity, cast(r.value->>3 as bigint) as on_site,
    cast(r.value->>4 as bigint) as release_at, cast(r.value->>5 as bigint) as closed, cast(r.value->>6 as bigint) as most from {rows} r order by 1, 2)
update slot set capacity = case when slot.taken + slot.held > w.capacity then slot.taken + slot.held else w.capacity end,
  on_site = case when slot.on_site_taken > w.on_site then slot.on_site_taken else w.on_site end,
  release_at = case when slot.taken + slot.on_site_taken > 0 then slot.release_at else w.release_at end,
  closed = w.closed, revision = slot.revision + 1
from w where slot.hall_id = w.hall and slot.id = w.id and slot.taken + slot.on_site_taken <= w.most
returning `+stateColumns, func(scan func(...any) error) error {
				s, err := scanState(scan)
				states = append(states, s)
				if w := want[s.SlotID]; s.Taken > w.Capacity || w.Closed && s.Taken > 0 {
					over = append(over, s)
				}
				return err
			}, marshal(rows))
		})
		if err != nil {
			return nil, nil, err
		}
		changed = append(changed, states...)
		steps = steps[n:]
	}
	return changed, over, nil
}

// Held is a booking that holds numbers of a slot.
type Held struct {
	ID    string
	Slot  string
	Units int
}

// HeldIn returns the bookings that hold a place in the named slots, [hall, slot] each: those of a slot
// together, the last made first.
func (tx *Tx) HeldIn(ctx context.Context, refs [][2]string) ([]Held, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	var out []Held
	err := tx.query(ctx, "booking.held_in", `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id from {rows} r)
select b.id, b.slot_id, b.units from w cross join booking b
where b.hall_id = w.hall and b.slot_id = w.id and b.state in ('booked', 'pending', 'displaced') order by b.slot_id, b.created_at desc, b.id desc`, func(scan func(...any) error) error {
		var h Held
		err := scan(&h.ID, &h.Slot, &h.Units)
		out = append(out, h)
		return err
	}, marshal(refs))
	return out, err
}

// TakenByHour adds up the numbers taken from a queue in each hour, over the dates from one on.
func (tx *Tx) TakenByHour(ctx context.Context, hall, queue string, from calendar.Date) (out [24]int, err error) {
	err = tx.query(ctx, "slot.by_hour", `
select s.hour, sum(s.taken + s.on_site_taken) from slot s where s.hall_id = $1 and s.id >= $2 and s.id < $3 group by s.hour`,
		func(scan func(...any) error) error {
			var hour, n int
			err := scan(&hour, &n)
			if hour >= 0 && hour < 24 {
				out[hour] = n
			}
			return err
		}, hall, booking.SlotID(queue, from, 0), booking.SlotID(queue, calendar.MakeDate(9999, 12, 31), 23))
	return out, err
}
