package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// showSlots brings the board up to date with the named slots.
func (a *App) showSlots(ctx context.Context, refs [][2]string) error {
	if len(refs) == 0 {
		return nil
	}
	var slots []store.LiveSlot
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		slots = slots[:0]
		return tx.SlotsByID(ctx, refs, func(s store.LiveSlot) { slots = append(slots, s) })
	}); err != nil {
		return err
	}
	a.board.refresh(slots)
	return nil
}

// bring brings the slots of a request to their plan with what the ledger says of that, and returns those
// that have more takers than they are to have numbers.
func (a *App) bring(ctx context.Context, work *work) (cuts []SlotCut, err error) {
	err = a.replan(ctx, work.diff, func(tx *store.Tx, over []store.SlotState) error {
		cuts = nil
		breaches := work.breaches
		for _, s := range over {
			cuts = append(cuts, SlotCut{HallID: s.HallID, QueueID: s.QueueID, SlotID: s.SlotID, To: work.capacity[s.SlotID], Closed: s.Closed})
		}
		if len(cuts) > 0 && work.request.Origin == supply.Asked {
			breaches = append(slices.Clip(breaches), supply.LateCut)
		}
		_, err := tx.AddLedger(ctx, entriesFor(work.request, work.request.FiledBy, breaches))
		return err
	})
	return cuts, err
}

// replan brings slots to their plan in one transaction with what also does; over are those that have more
// takers than numbers now, and let nobody in any more.
func (a *App) replan(ctx context.Context, d supply.Difference, also func(tx *store.Tx, over []store.SlotState) error) error {
	var refs [][2]string
	if err := a.changeSlots(ctx, func(tx *store.Tx) ([]store.SlotState, error) {
		reopen := a.reopen(tx.Now)
		added, err := tx.AddSlotsHeld(ctx, d.Add, reopen)
		if err != nil {
			return nil, err
		}
		states, over, err := tx.PlanSlots(ctx, d.Step, false, reopen)
		if err != nil {
			return nil, err
		}
		for _, s := range d.Add {
			states = append(states, store.SlotState{HallID: s.HallID, QueueID: s.QueueID, SlotID: s.ID, Capacity: s.Capacity})
		}
		states = append(states, added...)
		refs = refs[:0]
		for _, s := range states {
			refs = append(refs, [2]string{s.HallID, s.SlotID})
		}
		return states, also(tx, over)
	}); err != nil {
		return err
	}
	return a.showSlots(ctx, refs)
}

// carryLease is how long a node may be silent while it carries out a request before another takes over.
const carryLease = 5 * time.Minute

// CarryOut brings the slots of approved requests to what was approved: those an approval could not finish,
// because a node was stopped or the people to move were many. more says that some are left.
func (a *App) CarryOut(ctx context.Context) (more bool, err error) {
	const batch = 500
	var list []supply.Request
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.RequestsDue(ctx, supply.Approved, time.UnixMicro(1<<60), batch)
		return err
	}); err != nil {
		return false, err
	}
	// What is closed for newcomers first takes in nobody whom another of them moves out.
	for _, r := range list {
		if len(list) == 1 {
			break
		}
		w, err := a.workOf(ctx, r.ID)
		if err == nil && w != nil {
			_, err = a.bring(ctx, w)
		}
		if err != nil {
			return false, fmt.Errorf("carry out %s: %w", r.ID, err)
		}
	}
	for _, r := range list {
		if err := a.carryOut(ctx, r.ID); err != nil {
			return false, fmt.Errorf("carry out %s: %w", r.ID, err)
		}
	}
	return len(list) == batch, nil
}

// carryOut brings slots to what an approved request says, moves out whoever no longer fits, and marks the
// request done. It may be broken off anywhere and run again.
func (a *App) carryOut(ctx context.Context, id string) error {
	a.carry.Lock()
	defer a.carry.Unlock()
	lease, mine := "carry out "+id, false
	if err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
		mine, err = tx.TakeLease(ctx, lease, a.node, tx.Now, carryLease)
		return err
	}); err != nil || !mine {
		return err
	}
	defer func() {
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := a.db.Update(back, func(tx *store.Tx) error { return tx.ReleaseLease(back, lease, a.node) }); err != nil {
			a.log.Info("lease not given back; it will run out", "request", id)
		}
	}()
	work, err := a.workOf(ctx, id)
	if err != nil || work == nil {
		return err
	}
	cuts, err := a.bring(ctx, work)
	if err != nil {
		return err
	}
	if len(cuts) > 0 {
		if err := a.Evict(ctx, id, cuts, nil); err != nil {
			return err
		}
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		r, err := tx.Request(ctx, id)
		if err != nil || r == nil || r.State != supply.Approved {
			return err
		}
		done := r.CarriedOut(tx.Now)
		if saved, err := tx.SaveRequest(ctx, &done); err != nil || !saved {
			return err // the next turn finds it as it is then
		}
		if err := tx.AdjustmentsInForce(ctx, id); err != nil {
			return err
		}
		if err := tx.AddRequestEvent(ctx, id, store.RequestEvent{Kind: "done"}); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditRecord{Act: "request.carried_out", Noun: "request", Key: id, Hall: r.HallID})
	})
}

// work is what carrying out a request comes to.
type work struct {
	request  supply.Request
	diff     supply.Difference
	capacity map[string]int // slot → what it is to have
	breaches []supply.Breach
}

// workOf compares the slots a request speaks of with their plan; nil when there is nothing to carry out.
func (a *App) workOf(ctx context.Context, id string) (w *work, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		w = nil
		r, err := tx.Request(ctx, id)
		if err != nil || r == nil || r.State != supply.Approved {
			return err
		}
		changes, err := tx.Adjustments(ctx, r.HallID, calendar.DateOf(tx.Now))
		if err != nil {
			return err
		}
		queues, err := tx.AdjustedQueues(ctx, id)
		if err != nil {
			return err
		}
		w = &work{request: *r, capacity: map[string]int{}}
		var planned, existing []booking.Slot
		for _, q := range queues {
			before := len(planned)
			planned = append(planned, a.planFor(q[1], r.Change, changes[q[1]], tx.Now)...)
			have, err := a.slotsFor(ctx, tx, q[0], q[1], r.Change)
			if err != nil {
				return err
			}
			existing = append(existing, have...)
			if sharesAbove(planned[before:], have) {
				w.breaches = []supply.Breach{supply.ShareAbove}
			}
		}
		w.diff = supply.Compare(tx.Now, planned, existing)
		for _, s := range w.diff.Step {
			w.capacity[s.Slot.ID] = s.Slot.Capacity
		}
		return nil
	})
	return w, err
}

// planFor plans a queue on the dates a change speaks of, as far as slots are made.
func (a *App) planFor(queue string, c supply.Change, changes []supply.Change, now time.Time) []booking.Slot {
	q := a.City().Queue(queue)
	if q == nil {
		return nil
	}
	r := a.rules.Load()
	today := calendar.DateOf(now)
	var out []booking.Slot
	for d := max(today, c.From); d <= r.planned(*q, today); d++ {
		if c.On(r.cal, d) {
			out = append(out, supply.SlotsFor(r.cal, r.shelf.On(d), *q, d, changes...)...)
		}
	}
	return out
}

// slotsFor reads the slots of a queue on the dates a change speaks of.
func (a *App) slotsFor(ctx context.Context, tx *store.Tx, hall, queue string, c supply.Change) ([]booking.Slot, error) {
	var out []booking.Slot
	cal := a.Calendar()
	err := tx.SlotsOf(ctx, hall, queue, max(calendar.DateOf(tx.Now), c.From), func(s store.LiveSlot) {
		if c.On(cal, s.Date) {
			out = append(out, s.Slot)
		}
	})
	return out, err
}

// sharesAbove tells whether on-site numbers already taken leave a day with more than the tenth of Art. 14.
func sharesAbove(planned, existing []booking.Slot) bool {
	taken := map[string]int{}
	for _, s := range existing {
		taken[s.ID] = s.OnSiteTaken
	}
	type sum struct{ onSite, all int }
	days := map[calendar.Date]sum{}
	for _, s := range planned {
		d := days[s.Date]
		onSite := max(s.OnSite, taken[s.ID])
		days[s.Date] = sum{d.onSite + onSite, d.all + s.Capacity + onSite}
	}
	for _, d := range days {
		if d.onSite*10 > d.all {
			return true
		}
	}
	return false
}

// entriesFor makes the entries of breaches of an account about a request.
func entriesFor(r supply.Request, account string, breaches []supply.Breach) []store.LedgerEntry {
	out := make([]store.LedgerEntry, len(breaches))
	for i, b := range breaches {
		out[i] = store.LedgerEntry{
			Kind: b, Request: r.ID, Account: account, HallID: r.HallID, UnitID: r.UnitID, DistrictID: r.DistrictID, StreetID: r.StreetID, Level: r.Level,
		}
		if b == supply.LateDecision || b == supply.LateReport {
			out[i].Detail.Due = r.DueAt
		}
	}
	return out
}

// shut refuses what is asked for a hall, or a queue of it, that is closed for good.
func (a *App) shut(hall, queue string) error {
	city := a.City()
	if h := city.Hall(hall); h == nil || !h.Open {
		return fault.New(fault.HallShut)
	}
	if q := city.Queue(queue); queue != "" && (q == nil || q.HallID != hall) {
		return fault.New(fault.QueueNotFound)
	} else if q != nil && !q.Open {
		return fault.New(fault.HallShut)
	}
	return nil
}
