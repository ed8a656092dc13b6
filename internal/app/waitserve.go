package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// The waitlist serves itself (Art. 15): what came free is held in the transaction that freed it, and this
// gives it to the line in order of joining. Every step is guarded by the rows it was decided on, so that any
// number of nodes may do it at once, and stop anywhere.

const (
	matchesAtOnce = 2000 // read in one look
	linesAtOnce   = 8    // queues served side by side
	opensAtOnce   = 500
	releaseLook   = 2 * time.Second // between two looks at what is about to be released
	linesLong     = 5000            // entries of one line looked at for a release
)

// waitJob is what a node remembers between two looks.
type waitJob struct {
	wake    chan struct{}
	mu      sync.Mutex        // one look at a time
	refused map[string]string // slot → those of it who could not use what is held, as they were found
	looked  time.Time         // at the next release
}

func (j *waitJob) init() {
	j.wake = make(chan struct{}, 1)
	j.refused = map[string]string{}
}

// wakeWaits has the line looked at now, because numbers are held.
func (a *App) wakeWaits(states []store.SlotState) {
	if slices.ContainsFunc(states, func(s store.SlotState) bool { return s.Held > 0 }) {
		a.wakeLine()
	}
}

func (a *App) wakeLine() {
	select {
	case a.line.wake <- struct{}{}:
	default:
	}
}

// reopen says when numbers that come free at now open to all.
func (a *App) reopen(now time.Time) store.Reopen {
	return func(s booking.Slot) (time.Time, bool) {
		var b [8]byte
		rand.Read(b[:])
		return booking.Reopens(now, s, a.Rules(s.Date), binary.LittleEndian.Uint64(b[:]))
	}
}

// FollowWaitlist serves the waitlist until ctx ends: at once when this node held something for it, and every
// pause for what others did.
func (a *App) FollowWaitlist(ctx context.Context, pause time.Duration) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-a.line.wake:
		}
		err := a.ServeWaits(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			a.log.Error("the waitlist could not be served", "error", err)
		}
		failing = err != nil
	}
}

// ServeWaits does what is to be done for the waitlist now: ends offers that were not taken, serves what is
// held and what is about to be released, opens to all what nobody wants, and ends entries whose last hour
// has begun.
func (a *App) ServeWaits(ctx context.Context) error {
	a.line.mu.Lock()
	defer a.line.mu.Unlock()
	if err := a.endOffers(ctx); err != nil {
		return err
	}
	if err := a.serveHeld(ctx); err != nil {
		return err
	}
	if err := a.serveRelease(ctx); err != nil {
		return err
	}
	if err := a.openHolds(ctx); err != nil {
		return err
	}
	return a.endWaits(ctx)
}

// serveHeld gives what is held to who can use it. Each slot is gone through by itself, in order of joining;
// queues side by side.
func (a *App) serveHeld(ctx context.Context) error {
	for {
		var all []store.Match
		if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
			all, err = tx.WaitMatches(ctx, matchesAtOnce)
			return err
		}); err != nil {
			return err
		}
		cut := len(all) == matchesAtOnce
		all = slices.DeleteFunc(all, func(m store.Match) bool { return m.Passed })
		// One after the other, soonest hour first, so that nobody is given a later place by chance.
		queues := map[string][][]store.Match{}
		for len(all) > 0 {
			n := 1
			for n < len(all) && all[n].SlotID == all[0].SlotID {
				n++
			}
			queues[all[0].QueueID] = append(queues[all[0].QueueID], all[:n])
			all = all[n:]
		}
		served, again := 0, false
		var mu sync.Mutex
		var first error
		var wg sync.WaitGroup
		free := make(chan struct{}, linesAtOnce)
		now, at := map[string]string{}, a.now()
		for _, slots := range queues {
			free <- struct{}{}
			wg.Go(func() {
				defer func() { <-free }()
				for _, list := range slots {
					mark := markOf(list, at)
					mu.Lock()
					stuck := a.line.refused[list[0].SlotID] == mark
					mu.Unlock()
					n, more, err := 0, false, error(nil)
					if !stuck {
						n, more, err = a.serveSlot(ctx, list)
					}
					mu.Lock()
					served += n
					first = cmp.Or(first, err)
					again = again || more
					if n == 0 && !more && err == nil {
						now[list[0].SlotID] = mark
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		a.line.refused = now
		if again {
			a.wakeLine()
		}
		if first != nil || !cut || served == 0 {
			return first
		}
	}
}

// stuckFor is how long who could not use what is held is not asked again while nothing else has changed:
// their other bookings may have.
const stuckFor = 2 // seconds

// markOf names who could use what is held in a slot, and how much that is.
func markOf(list []store.Match, at time.Time) string {
	b := binary.AppendVarint(nil, at.Unix()/stuckFor)
	b = binary.AppendVarint(b, int64(list[0].Held))
	for _, m := range list {
		b = binary.AppendVarint(b, m.Number)
	}
	return string(b)
}

// serveSlot goes through the line of one slot. Who cannot use the place is passed over and stays in line. more
// says that something came free behind somebody's back and the line is to be looked at again.
func (a *App) serveSlot(ctx context.Context, list []store.Match) (served int, more bool, err error) {
	held, before := list[0].Held, 0
	for _, m := range list {
		if held <= 0 {
			break
		}
		got, err := a.serveOne(ctx, booking.Serve{Entry: m.Entry, SlotID: m.SlotID, Before: before}, m.Item)
		switch {
		case err != nil:
			return served, more, err
		case got == turnServed:
			held--
			served++
		case got == turnShort:
			before = least(before, m.Units)
		case got == turnAgain:
			return served, true, nil
		}
	}
	return served, false, nil
}

// least is the smaller of two counts of which 0 is none yet.
func least(was, n int) int {
	if was == 0 {
		return n
	}
	return min(was, n)
}

// turn is what came of somebody's turn in line.
type turn int

const (
	turnServed turn = iota
	turnShort       // there are not as many numbers
	turnAgain       // somebody before them can be served now
	turnPassed      // they cannot use the place, or are not waiting any more
)

// serveOne gives an entry a place of a slot.
func (a *App) serveOne(ctx context.Context, r booking.Serve, item string) (turn, error) {
	offer, err := a.offer(item, r.SlotID)
	if err != nil {
		return turnPassed, nil // the queue does not serve it any more
	}
	r.Offer = offer
	if _, err = a.ask(ctx, &r); err == nil {
		return turnServed, a.touchLines(ctx, r.Entry)
	}
	switch f := fault.As(err); {
	case f.Kind == fault.Unavailable, f.Kind == fault.Internal:
		return turnPassed, err
	case f.Code == fault.SoldOut:
		return turnShort, nil
	case f.Code == fault.ChangedMeanwhile:
		return turnAgain, nil
	}
	return turnPassed, nil
}

// serveRelease gives the line of each queue what is about to be released, up to the share of the rulebook.
func (a *App) serveRelease(ctx context.Context) error {
	now := a.now()
	if at, _ := a.NextRelease(); at.Sub(now) > booking.ReleaseLead {
		return nil
	}
	if age := now.Sub(a.line.looked); age >= 0 && age < releaseLook {
		return nil
	}
	a.line.looked = now
	var lines []booking.WaitLine
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		lines, err = tx.WaitLines(ctx)
		return err
	}); err != nil {
		return err
	}
	errs := make([]error, len(lines))
	var wg sync.WaitGroup
	free := make(chan struct{}, linesAtOnce)
	for i, l := range lines {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			errs[i] = a.serveReleaseOf(ctx, l, now)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *App) serveReleaseOf(ctx context.Context, l booking.WaitLine, now time.Time) error {
	today := calendar.DateOf(now)
	slots := a.board.slotsOf(l.QueueID, today, today+400)
	slots = slices.DeleteFunc(slots, func(s booking.Slot) bool {
		return s.Closed || !now.Before(s.Release) || s.Release.Sub(now) > booking.ReleaseLead || a.Rules(s.Date).WaitlistReleaseShare == 0 || !a.Rules(s.Date).Waitlist
	})
	if len(slots) == 0 {
		return nil
	}
	var waiting []*booking.WaitEntry
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		waiting, err = tx.WaitsIn(ctx, l, linesLong)
		return err
	}); err != nil {
		return err
	}
	before := make([]int, len(slots)) // the least that somebody was refused
	for _, e := range waiting {
		for i := range slots {
			s := &slots[i]
			if !e.Fits(s) {
				continue
			}
			if s.Free() < e.Units {
				before[i] = least(before[i], e.Units)
				continue
			}
			got, err := a.serveOne(ctx, booking.Serve{Entry: e.ID, SlotID: s.ID, Before: before[i]}, e.Item)
			switch {
			case err != nil:
				return err
			case got == turnShort:
				before[i] = least(before[i], e.Units)
			case got == turnAgain:
				return nil // the next look begins with who stands first
			}
			if got == turnServed {
				s.Taken += e.Units
				break
			}
		}
	}
	return nil
}

// openHolds opens to all what nobody wanted until its time.
func (a *App) openHolds(ctx context.Context) error {
	for {
		var due []*booking.Hold
		now := a.now()
		if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
			due, err = tx.HoldsDue(ctx, now, opensAtOnce)
			return err
		}); err != nil {
			return err
		}
		all := len(due)
		if due = slices.DeleteFunc(due, a.beingDrawn); len(due) == 0 {
			return nil
		}
		if err := a.changeSlots(ctx, func(tx *store.Tx) ([]store.SlotState, error) { return tx.OpenHolds(ctx, due) }); err != nil {
			return err
		}
		if all < opensAtOnce {
			return nil
		}
	}
}

// beingDrawn tells whether a hold is in a slot whose draw is not done. It opens after that: a number that
// appeared in the middle would go to who happens to be asked about then, not to who was drawn first.
func (a *App) beingDrawn(h *booking.Hold) bool {
	drawn := a.draws.releases(h.QueueID)
	if len(drawn) == 0 {
		return false
	}
	q := a.board.queue(h.QueueID)
	_, date, hour, ok := booking.ParseSlotID(h.SlotID)
	if q == nil || !ok {
		return false
	}
	s := find(*q.slots.Load(), date, hour)
	return s != nil && slices.ContainsFunc(drawn, func(at time.Time) bool { return at.UnixMicro() == s.release })
}

// endOffers gives places that were offered and not taken to whoever is next.
func (a *App) endOffers(ctx context.Context) error {
	return a.eachWait(ctx, (*store.Tx).OffersDue, a.passOffer)
}

// passOffer takes an offer back within tx: the place is held for the next, the entry stands where it stood.
func (a *App) passOffer(ctx context.Context, tx *store.Tx, e *booking.WaitEntry) (bool, error) {
	saved, err := tx.SaveWait(ctx, e.Pass(tx.Now), e.Version)
	if err != nil || !saved {
		return false, err
	}
	return true, a.returnOffer(ctx, tx, e)
}

// returnOffer holds the place offered to e for the next in line.
func (a *App) returnOffer(ctx context.Context, tx *store.Tx, e *booking.WaitEntry) error {
	opens := tx.Now
	err := tx.SlotsByID(ctx, [][2]string{{e.HallID, e.SlotID}}, func(s store.LiveSlot) {
		if at, ok := a.reopen(tx.Now)(s.Slot); ok {
			opens = at
		}
	})
	if err != nil {
		return err
	}
	return tx.ReturnOffer(ctx, e, opens)
}

// endWaits ends entries whose last hour has begun, and tells their people.
func (a *App) endWaits(ctx context.Context) error {
	return a.eachWait(ctx, (*store.Tx).WaitsOver, func(ctx context.Context, tx *store.Tx, e *booking.WaitEntry) (bool, error) {
		over := e.End(booking.WaitOver, tx.Now)
		saved, err := tx.SaveWait(ctx, over, e.Version)
		if err != nil || !saved {
			return false, err
		}
		if err := tx.DropClaim(ctx, booking.Claim{Person: e.ApplicantKey, Name: booking.WaitName(e.Item), Booking: e.ID}); err != nil {
			return false, err
		}
		if err := tx.InsertReminders(ctx, []booking.Message{{Booking: e.ID, HallID: e.Lines[0].HallID, Version: over.Version, Kind: booking.MessageWaitOver, Due: tx.Now}}); err != nil {
			return false, err
		}
		return true, markLines(ctx, tx, e.Lines, tx.Now)
	})
}

// eachWait does something to every entry that is due, each in a transaction of its own.
func (a *App) eachWait(ctx context.Context, due func(*store.Tx, context.Context, time.Time, int) ([]*booking.WaitEntry, error),
	do func(context.Context, *store.Tx, *booking.WaitEntry) (bool, error)) error {
	for {
		var list []*booking.WaitEntry
		now := a.now()
		if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
			list, err = due(tx, ctx, now, opensAtOnce)
			return err
		}); err != nil {
			return err
		}
		for _, e := range list {
			if err := a.db.Update(ctx, func(tx *store.Tx) error { _, err := do(ctx, tx, e); return err }); err != nil {
				return err
			}
		}
		if len(list) < opensAtOnce {
			return nil
		}
	}
}
