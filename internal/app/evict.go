package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// SlotCut says what a slot is to be: how many off-site numbers it has from now on, and whether the hall
// is closed that hour.
type SlotCut struct {
	HallID, QueueID, SlotID string
	To                      int // not looked at for a closed one
	Closed                  bool
}

const (
	evictedAtOnce = 512 // as many as one group of a lane
	cutAtOnce     = 500 // slots changed or looked into by one statement
	evictRounds   = 20
)

// Evict takes numbers of slots away for a request that was approved, and first moves out whoever no longer
// fits: from a slot that is cut those who booked last, from one that is closed all. For each of them a
// number of another slot is kept where there is one, and each is told once. Then every slot has its new
// capacity, or more where people are in it who have come in already. All slots of a request are given
// at once, so that nobody is sent from one of them to another. Slots that do not exist and hours that are
// over are passed by.
//
// It may be stopped anywhere and called again, and called by two nodes at once: a booking leaves a slot
// only once, in one transaction with its message. progress, if not nil, is told how many are moved out of
// how many.
func (a *App) Evict(ctx context.Context, request string, cuts []SlotCut, progress func(done, all int)) error {
	e := &eviction{a: a, request: request, seats: newSeats(a), stay: map[string]int{}, progress: progress}
	rest, err := e.existing(ctx, cuts)
	if err != nil {
		return notDone(err)
	}
	for range evictRounds {
		if rest, err = e.leave(ctx, rest); err != nil {
			return notDone(err)
		}
		if len(rest) == 0 {
			return nil
		}
		if err := e.shut(ctx, rest); err != nil {
			return notDone(err)
		}
		who, err := e.who(ctx, rest)
		if err != nil {
			return notDone(err)
		}
		if err := e.move(ctx, who); err != nil {
			return err
		}
	}
	return fault.New(fault.Busy).After(time.Second)
}

// eviction is one run of Evict.
type eviction struct {
	a        *App
	request  string
	seats    *seats
	stay     map[string]int // slot id → numbers taken by people who do not leave
	progress func(done, all int)
	done     atomic.Int64
	all      int
}

// existing returns the cuts of slots that exist and are not over, once each, in order of hall and slot.
func (e *eviction) existing(ctx context.Context, cuts []SlotCut) ([]SlotCut, error) {
	there := map[string]bool{}
	now := e.a.now()
	for part := range slices.Chunk(cuts, cutAtOnce) {
		if err := e.a.db.View(ctx, func(tx *store.Tx) error {
			return tx.SlotsByID(ctx, refsOf(part), func(s store.LiveSlot) { there[s.ID] = now.Before(s.End()) })
		}); err != nil {
			return nil, err
		}
	}
	out := slices.Clone(cuts)
	slices.SortStableFunc(out, func(x, y SlotCut) int {
		return cmp.Or(strings.Compare(x.HallID, y.HallID), strings.Compare(x.SlotID, y.SlotID))
	})
	out = slices.CompactFunc(out, func(x, y SlotCut) bool { return x.SlotID == y.SlotID })
	return slices.DeleteFunc(out, func(c SlotCut) bool { return !there[c.SlotID] }), nil
}

func refsOf(cuts []SlotCut) [][2]string {
	refs := make([][2]string, len(cuts))
	for i, c := range cuts {
		refs[i] = [2]string{c.HallID, c.SlotID}
	}
	return refs
}

// to is how many numbers a slot is to have.
func (c SlotCut) to() int {
	if c.Closed {
		return 0
	}
	return max(c.To, 0)
}

// leave gives each slot its new capacity in which no more is taken, and returns the others.
func (e *eviction) leave(ctx context.Context, cuts []SlotCut) (rest []SlotCut, err error) {
	for part := range slices.Chunk(cuts, cutAtOnce) {
		set := make([]store.Cut, len(part))
		for i, c := range part {
			set[i] = store.Cut{HallID: c.HallID, SlotID: c.SlotID, Capacity: max(c.to(), e.stay[c.SlotID]), Closed: c.Closed}
		}
		var too []SlotCut
		if err := e.a.changeSlots(ctx, func(tx *store.Tx) ([]store.SlotState, error) {
			too = nil
			states, err := tx.CutSlots(ctx, set, e.a.reopen(tx.Now))
			if err != nil {
				return nil, err
			}
			taken := map[string]int{}
			if err := tx.SlotsByID(ctx, refsOf(part), func(s store.LiveSlot) { taken[s.ID] = s.Taken + s.Held }); err != nil {
				return nil, err
			}
			for i, c := range part {
				if taken[c.SlotID] > set[i].Capacity {
					too = append(too, c)
				}
			}
			shares, err := e.shares(ctx, tx, part)
			return append(states, shares...), err
		}); err != nil {
			return nil, err
		}
		rest = append(rest, too...)
	}
	return rest, nil
}

// shares takes on-site numbers of the cut slots away until the on-site share of their day is within a
// tenth again (Art. 14).
func (e *eviction) shares(ctx context.Context, tx *store.Tx, cuts []SlotCut) ([]store.SlotState, error) {
	type day struct {
		queue string
		date  calendar.Date
	}
	touched, halls, first := map[day]bool{}, map[string]string{}, map[string]calendar.Date{}
	mine := map[string]bool{}
	for _, c := range cuts {
		queue, date, _, ok := booking.ParseSlotID(c.SlotID)
		if !ok {
			continue
		}
		touched[day{queue, date}], halls[queue], mine[c.SlotID] = true, c.HallID, true
		if d, ok := first[queue]; !ok || date < d {
			first[queue] = date
		}
	}
	var rows [][3]any
	for queue, hall := range halls {
		days := map[calendar.Date][]store.LiveSlot{}
		if err := tx.SlotsOf(ctx, hall, queue, first[queue], func(s store.LiveSlot) {
			if touched[day{queue, s.Date}] {
				days[s.Date] = append(days[s.Date], s)
			}
		}); err != nil {
			return nil, err
		}
		for _, list := range days {
			off, on := 0, 0
			for _, s := range list {
				off, on = off+s.Capacity, on+s.OnSite
			}
			for i := len(list) - 1; i >= 0; i-- {
				s := list[i]
				over := on - off/9 // on ≤ a tenth of both
				if over <= 0 || !mine[s.ID] {
					continue
				}
				if less := min(over, s.OnSite-s.OnSiteTaken); less > 0 {
					on -= less
					rows = append(rows, [3]any{s.HallID, s.ID, s.OnSite - less})
				}
			}
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return tx.SetOnSite(ctx, rows)
}

// shut closes slots, so that nobody takes a number while people are moved out.
func (e *eviction) shut(ctx context.Context, cuts []SlotCut) error {
	for part := range slices.Chunk(cuts, cutAtOnce) {
		if err := e.a.changeSlots(ctx, func(tx *store.Tx) ([]store.SlotState, error) {
			return tx.CloseSlots(ctx, refsOf(part))
		}); err != nil {
			return err
		}
	}
	return nil
}

// leaver is a booking that must go, from where, and to where first.
type leaver struct {
	b    *booking.Booking
	cut  SlotCut
	seat string // "" for nowhere
	at   int    // of the seat in the list
}

// who lists whoever must go, those who booked first in front: they are given the nearest hours.
func (e *eviction) who(ctx context.Context, cuts []SlotCut) ([]leaver, error) {
	var out []leaver
	for part := range slices.Chunk(cuts, cutAtOnce) {
		var in map[string][]*booking.Booking
		if err := e.a.db.View(ctx, func(tx *store.Tx) (err error) {
			in, err = tx.BookingsIn(ctx, refsOf(part))
			return err
		}); err != nil {
			return nil, err
		}
		for _, c := range part {
			gone, stay := booking.Leaving(in[c.SlotID], c.to())
			e.stay[c.SlotID] = stay
			for _, b := range gone {
				b.Sealed = nil // not needed here, and there may be tens of thousands
				out = append(out, leaver{b: b, cut: c})
			}
		}
	}
	slices.SortFunc(out, func(x, y leaver) int { return x.b.Made(y.b) })
	return out, nil
}

// move moves them out, as many at once as fill a group of the lanes.
func (e *eviction) move(ctx context.Context, who []leaver) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	e.all = int(e.done.Load()) + len(who)
	e.tell()
	line := make(chan leaver)
	var wg sync.WaitGroup
	for range min(evictedAtOnce, len(who)) {
		wg.Go(func() {
			for l := range line {
				if err := e.one(ctx, l); err != nil {
					cancel(err)
					return
				}
				if n := e.done.Add(1); n%evictedAtOnce == 0 {
					e.tell()
				}
			}
		})
	}
feed:
	for _, l := range who {
		l.seat, l.at = e.seats.next(l.b, 0) // in order: the first to book have the first choice
		select {
		case line <- l:
		case <-ctx.Done():
			break feed
		}
	}
	close(line)
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("evict: %w", err)
	}
	e.tell()
	return nil
}

func (e *eviction) tell() {
	if e.progress != nil {
		e.progress(int(e.done.Load()), e.all)
	}
}

// one moves one booking out: into the first seat that takes it, or into none.
func (e *eviction) one(ctx context.Context, l leaver) error {
	for {
		r := &booking.Displace{Request: e.request, Booking: l.b.ID, Hall: l.cut.HallID, Slot: l.cut.SlotID, Closed: l.cut.Closed}
		r.Offer.Rules = e.a.Rules(l.b.Date)
		var err error
		if l.seat != "" {
			r.To = l.seat
			r.Offer, err = e.a.offer(l.b.Item, l.seat)
		}
		if err == nil {
			_, err = e.a.ask(ctx, r)
		}
		e.seats.back(l.seat, l.b.Units) // the board knows by now
		if err == nil {
			return nil
		}
		switch f := fault.As(err); {
		case f.Kind == fault.Unavailable && f.Code != fault.ShuttingDown: // nothing was done, or it is not known: the same again
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			l.seat, l.at = e.seats.next(l.b, l.at)
		case f.Kind == fault.Conflict && l.seat != "": // gone meanwhile, or against a limit of this person: the next
			l.seat, l.at = e.seats.next(l.b, l.at+1)
		default:
			return err
		}
	}
}
