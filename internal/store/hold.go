package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
)

const holdColumns = "h.hall_id, h.slot_id, h.id, h.queue_id, h.units, h.opens_at, h.entry, h.until"

func scanHold(scan func(...any) error) (*booking.Hold, error) {
	var h booking.Hold
	var opens, until int64
	err := scan(&h.HallID, &h.SlotID, &h.ID, &h.QueueID, &h.Units, &opens, &h.Entry, &until)
	h.OpensAt, h.Was = instant(opens), h.Units
	if until != 0 {
		h.Until = instant(until)
	}
	return &h, err
}

// holdsOf reads the holds of a set of [hall, slot].
const holdsOf = `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id from {rows} r)
select ` + holdColumns + ` from w cross join hold h where h.hall_id = w.hall and h.slot_id = w.id order by h.slot_id, h.opens_at, h.id`

// readHolds brings the holds of slots into f.
func readHolds(n *booking.Needs, f *booking.Facts) stmt {
	rows := make([][2]string, 0, len(n.Holds))
	for slot, hall := range n.Holds {
		rows = append(rows, [2]string{hall, slot})
	}
	return stmt{name: "hold.read", want: -1, args: []any{marshal(rows)}, text: holdsOf, row: func(scan func(...any) error) error {
		h, err := scanHold(scan)
		f.Holds[h.SlotID] = append(f.Holds[h.SlotID], h)
		return err
	}}
}

var holdInsert = newInserter("hold", "hall_id", "slot_id", "id", "queue_id", "units", "opens_at", "entry", "until")

func holdArgs(h *booking.Hold, args []any) []any {
	until := int64(0)
	if !h.Until.IsZero() {
		until = micros(h.Until)
	}
	return append(args, h.HallID, h.SlotID, h.ID, h.QueueID, int64(h.Units), micros(h.OpensAt), h.Entry, until)
}

func byHold(a, b *booking.Hold) int {
	return cmp.Or(strings.Compare(a.HallID, b.HallID), strings.Compare(a.SlotID, b.SlotID), strings.Compare(a.ID, b.ID))
}

// writeHolds adds the statements for holds that are new, and for those of which something was given away.
func writeHolds(d *dialect, list []stmt, c *booking.Change) []stmt {
	slices.SortFunc(c.Cut, byHold)
	var gone, less [][5]any
	for _, h := range c.Cut {
		row := [5]any{h.HallID, h.SlotID, h.ID, h.Was, h.Units}
		if h.Units == 0 {
			gone = append(gone, row)
		} else {
			less = append(less, row)
		}
	}
	const rows = `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as slot_id, r.value->>2 as id, cast(r.value->>3 as bigint) as was,
    cast(r.value->>4 as bigint) as units from {rows} r order by 1, 2, 3)`
	if len(gone) > 0 {
		list = append(list, stmt{name: "hold.gone", want: int64(len(gone)), args: []any{marshal(gone)}, text: rows + `
delete from hold where (hall_id, slot_id, id, units) in (select hall_id, slot_id, id, was from w)`})
	}
	if len(less) > 0 {
		list = append(list, stmt{name: "hold.less", want: int64(len(less)), args: []any{marshal(less)}, text: rows + `
update hold set units = w.units from w where hold.hall_id = w.hall_id and hold.slot_id = w.slot_id and hold.id = w.id and hold.units = w.was`})
	}
	slices.SortFunc(c.Holds, byHold)
	return holdInsert.add(d, list, len(c.Holds), func(i int, args []any) []any { return holdArgs(c.Holds[i], args) })
}

// HoldsIn returns the holds of the named slots, [hall, slot] each.
func (tx *Tx) HoldsIn(ctx context.Context, refs [][2]string) (map[string][]*booking.Hold, error) {
	out := map[string][]*booking.Hold{}
	if len(refs) == 0 {
		return out, nil
	}
	return out, tx.query(ctx, "hold.in", holdsOf, func(scan func(...any) error) error {
		h, err := scanHold(scan)
		out[h.SlotID] = append(out[h.SlotID], h)
		return err
	}, marshal(refs))
}

// HoldsDue returns up to limit holds that open by now.
func (tx *Tx) HoldsDue(ctx context.Context, now time.Time, limit int) ([]*booking.Hold, error) {
	var out []*booking.Hold
	err := tx.query(ctx, "hold.due", `
select `+holdColumns+` from hold h where h.opens_at <= $1 and h.entry = '' order by h.opens_at limit $2`, func(scan func(...any) error) error {
		h, err := scanHold(scan)
		out = append(out, h)
		return err
	}, micros(now), limit)
	return out, err
}

// OpenHolds makes what is held free for all. One that is not as it was read stays as it is now.
func (tx *Tx) OpenHolds(ctx context.Context, list []*booking.Hold) ([]SlotState, error) {
	list = slices.Clone(list)
	slices.SortFunc(list, byHold)
	rows := make([][4]any, len(list))
	for i, h := range list {
		rows[i] = [4]any{h.HallID, h.SlotID, h.ID, h.Was}
	}
	return tx.dropHolds(ctx, "hold.open", `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as slot_id, r.value->>2 as id, cast(r.value->>3 as bigint) as was from {rows} r order by 1, 2, 3)
delete from hold where (hall_id, slot_id, id, units) in (select hall_id, slot_id, id, was from w) and entry = '' returning hall_id, slot_id, units`, marshal(rows))
}

// FreeHolds makes all that is held in one slot free, offered or not: its hour has begun, and it is for
// whoever is at the hall.
func (tx *Tx) FreeHolds(ctx context.Context, hall, slot string) ([]SlotState, error) {
	return tx.dropHolds(ctx, "hold.free", `delete from hold where hall_id = $1 and slot_id = $2 returning hall_id, slot_id, units`, hall, slot)
}

func (tx *Tx) dropHolds(ctx context.Context, name, text string, args ...any) ([]SlotState, error) {
	sums := map[[2]string]int{}
	if err := tx.query(ctx, name, text, func(scan func(...any) error) error {
		var ref [2]string
		n := 0
		err := scan(&ref[0], &ref[1], &n)
		sums[ref] += n
		return err
	}, args...); err != nil || len(sums) == 0 {
		return nil, err
	}
	for ref, n := range sums {
		sums[ref] = -n
	}
	return tx.shiftHeld(ctx, sums)
}

// shiftHeld changes how many numbers of slots are held.
func (tx *Tx) shiftHeld(ctx context.Context, sums map[[2]string]int) ([]SlotState, error) {
	rows := make([][3]any, 0, len(sums))
	for ref, n := range sums {
		rows = append(rows, [3]any{ref[0], ref[1], n})
	}
	states, err := tx.changedSlots(ctx, "slot.held", `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id, cast(r.value->>2 as bigint) as n from {rows} r order by 1, 2)
update slot set held = held + w.n, revision = revision + 1 from w where slot.hall_id = w.hall and slot.id = w.id
returning `+stateColumns, marshal(rows))
	if err == nil && len(states) != len(rows) {
		err = fmt.Errorf("store: %d slots with holds, %d found", len(rows), len(states))
	}
	return states, err
}

// Reopen says when a number of a slot that comes free now opens to all, false when it does at once.
type Reopen func(booking.Slot) (time.Time, bool)

// reheld runs a change of what slots are, [hall, slot] each, and holds what came free by it. What was held
// before is counted anew; an offer for which there is no place left is taken back, and its entry stands in
// line where it stood. The slots are locked before their holds here, all of them: a lane that gave something back
// between the two would have its hold forgotten and its number counted as held for ever. Who meets a lane is run again.
func (tx *Tx) reheld(ctx context.Context, refs [][2]string, reopen Reopen, change func() ([]SlotState, error)) ([]SlotState, error) {
	public := map[string]int{} // what everybody could have before
	if err := tx.query(ctx, "slot.rehold", `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id from {rows} r order by 1, 2)
update slot set held = 0, revision = revision + 1 from w where slot.hall_id = w.hall and slot.id = w.id returning slot.id`,
		func(scan func(...any) error) error { var id string; return scan(&id) }, marshal(refs)); err != nil {
		return nil, err
	}
	holds, err := tx.HoldsIn(ctx, refs)
	if err != nil {
		return nil, err
	}
	before := map[string]booking.Slot{}
	if err := tx.SlotsByID(ctx, refs, func(s LiveSlot) { before[s.ID] = s.Slot }); err != nil {
		return nil, err
	}
	for id, s := range before {
		for _, h := range holds[id] {
			s.Held += h.Units
		}
		if !s.Closed {
			public[id] = max(0, s.Free())
		}
	}
	if _, err := tx.exec(ctx, "hold.forget", `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id from {rows} r order by 1, 2)
delete from hold where (hall_id, slot_id) in (select hall, id from w) and entry = ''`, marshal(refs)); err != nil {
		return nil, err
	}
	states, err := change()
	if err != nil {
		return nil, err
	}
	var fresh []*booking.Hold
	sums := map[[2]string]int{}
	if err := tx.SlotsByID(ctx, refs, func(s LiveSlot) {
		ref := [2]string{s.HallID, s.ID}
		kept := 0
		for _, h := range holds[s.ID] {
			if h.Entry != "" {
				kept += h.Units
			}
		}
		if kept > 0 && (s.Closed || s.Free() < kept) {
			kept = -1
		}
		for _, h := range holds[s.ID] {
			if h.Entry != "" && kept < 0 {
				fresh = append(fresh, &booking.Hold{HallID: h.HallID, SlotID: h.SlotID, ID: h.ID, Entry: h.Entry})
			}
		}
		kept = max(kept, 0)
		sums[ref] += kept
		if reopen == nil {
			return
		}
		if extra := s.Free() - kept - public[s.ID]; extra > 0 {
			if at, ok := reopen(s.Slot); ok {
				fresh = append(fresh, &booking.Hold{
					HallID: s.HallID, QueueID: s.QueueID, SlotID: s.ID, ID: fmt.Sprintf("plan.%d", s.Revision), Units: extra, OpensAt: at,
				})
				sums[ref] += extra
			}
		}
	}); err != nil {
		return nil, err
	}
	for _, h := range fresh {
		if h.Units == 0 { // an offer that cannot be kept
			if err := tx.withdraw(ctx, h); err != nil {
				return nil, err
			}
			continue
		}
		for _, s := range holdInsert.add(tx.db.d, nil, 1, func(_ int, args []any) []any { return holdArgs(h, args) }) {
			if _, err := tx.exec(ctx, s.name, s.text, s.args...); err != nil {
				return nil, err
			}
		}
	}
	for ref, n := range sums {
		if n == 0 {
			delete(sums, ref)
		}
	}
	if len(sums) == 0 {
		return states, nil
	}
	held, err := tx.shiftHeld(ctx, sums)
	return append(states, held...), err
}

// withdraw takes back an offer.
func (tx *Tx) withdraw(ctx context.Context, h *booking.Hold) error {
	if _, err := tx.exec(ctx, "hold.withdraw", `delete from hold where hall_id = $1 and slot_id = $2 and id = $3`, h.HallID, h.SlotID, h.ID); err != nil {
		return err
	}
	e, err := tx.Wait(ctx, h.Entry)
	if err != nil || e == nil || e.State != booking.Offered {
		return err
	}
	_, err = tx.SaveWait(ctx, e.End(booking.Waiting, tx.Now), e.Version)
	return err
}

// AddSlotsHeld is AddSlots for hours that are bookable from their making: they are held as reopen says.
func (tx *Tx) AddSlotsHeld(ctx context.Context, slots []booking.Slot, reopen Reopen) ([]SlotState, error) {
	var out []SlotState
	for part := range slices.Chunk(slots, 2000) {
		refs := make([][2]string, len(part))
		for i, s := range part {
			refs[i] = [2]string{s.HallID, s.ID}
		}
		if err := tx.plannedAnew(ctx, refs, true); err != nil {
			return nil, err
		}
		states, err := tx.reheld(ctx, refs, reopen, func() ([]SlotState, error) {
			_, err := tx.AddSlots(ctx, part)
			return nil, err
		})
		if err != nil {
			return nil, err
		}
		out = append(out, states...)
	}
	return out, nil
}
