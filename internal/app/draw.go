package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/batch"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/draw"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// Of a draw, in order: PublishDraws publishes the commitment, some days before; Book enters who asks within
// the minute (enter); CarryOutDraws gives the numbers and publishes the seed. Until then the lanes give nobody
// a number of its release (booking.Offer.Drawn).

const (
	drawNotice     = time.Hour       // a commitment is published at least this long before its release: every node knows of it by then
	drawGrace      = 2 * time.Second // entries on their way when the minute ends
	drawLease      = 15 * time.Second
	drawGroup      = 256    // entries decided in one transaction
	entriesWaiting = 20_000 // entries that may wait for their group; beyond, ask again
	entrantsKept   = 7 * 24 * time.Hour
	drawsListed    = 200
)

// draws is what a node remembers of the draws that are not done.
type draws struct {
	line    *batch.Lanes[draw.Entry, entered]
	byQueue atomic.Pointer[map[string][]draw.Draw]
	mu      sync.Mutex // one look at the store at a time, for many who ask
	looked  time.Time
}

type entered struct {
	entry    draw.Entry
	replayed bool
	err      error
}

func (d *draws) read(ctx context.Context, tx *store.Tx) error {
	list, err := tx.DrawsNotDone(ctx)
	if err != nil {
		return err
	}
	m := map[string][]draw.Draw{}
	for _, one := range list {
		m[one.QueueID] = append(m[one.QueueID], one)
	}
	d.byQueue.Store(&m)
	return nil
}

func (d *draws) of(queue string) []draw.Draw {
	if m := d.byQueue.Load(); m != nil {
		return (*m)[queue]
	}
	return nil
}

// releases are those of a queue whose numbers are drawn and not given yet.
func (d *draws) releases(queue string) []time.Time {
	var out []time.Time
	for _, one := range d.of(queue) {
		out = append(out, one.Release)
	}
	return out
}

// ReadDraws brings what this node knows of draws up to date. Every node does it often.
func (a *App) ReadDraws(ctx context.Context) error {
	return a.db.View(ctx, func(tx *store.Tx) error { return a.draws.read(ctx, tx) })
}

// drawOf returns the draw a request for a slot is part of now; nil where it is an ordinary one. While a draw
// is being carried out there is nothing to ask for: DrawRunning.
func (a *App) drawOf(ctx context.Context, slot string) (*draw.Draw, error) {
	queue, date, hour, ok := booking.ParseSlotID(slot)
	if !ok {
		return nil, nil
	}
	find := func() *draw.Draw {
		list := a.draws.of(queue)
		q := a.board.queue(queue)
		if len(list) == 0 || q == nil {
			return nil
		}
		s := find(*q.slots.Load(), date, hour)
		if s == nil {
			return nil
		}
		for i := range list {
			if list[i].Release.UnixMicro() == s.release {
				return &list[i]
			}
		}
		return nil
	}
	d := find()
	now := a.now()
	switch {
	case d == nil || now.Before(d.Release):
		return nil, nil
	case d.Takes(now):
		return d, nil
	}
	// Done meanwhile? Many ask in these seconds: they look together.
	a.draws.mu.Lock()
	defer a.draws.mu.Unlock()
	if d = find(); d != nil && (a.draws.looked.After(now) || now.Sub(a.draws.looked) >= 100*time.Millisecond) {
		if err := a.ReadDraws(ctx); err != nil {
			return nil, err
		}
		a.draws.looked, d = now, find()
	}
	if d != nil {
		return nil, fault.New(fault.DrawRunning).After(2 * time.Second)
	}
	return nil, nil
}

// enter puts a request into a draw.
func (a *App) enter(ctx context.Context, d *draw.Draw, b *booking.Book, p booking.Parties) (Receipt, error) {
	now := a.now()
	_, date, hour, _ := booking.ParseSlotID(b.SlotID)
	i := slices.IndexFunc(a.board.slotsOf(d.QueueID, date, date), func(s booking.Slot) bool { return s.Hour == hour })
	if i < 0 {
		return Receipt{}, fault.New(fault.SlotNotFound)
	}
	slot := a.board.slotsOf(d.QueueID, date, date)[i]
	if err := b.MayEnter(now, &slot); err != nil {
		return Receipt{}, err
	}
	salt := make([]byte, draw.SaltSize)
	rand.Read(salt)
	e := draw.Entry{
		Draw: d.ID, Booker: b.Who.Key, Applicant: b.For, Item: b.Offer.Item, ID: b.ID, HallID: d.HallID, SlotID: b.SlotID, Stage: string(b.Stage), Units: b.Units,
		Kind: b.Applicant, Level: b.Who.Level, Channel: b.Channel, Instead: b.Instead, Key: b.Key, Hash: b.Hash, Salt: hex.EncodeToString(salt), Sealed: b.Sealed, At: now,
	}
	e.Text = e.Request().Entry(e.Salt)
	if err := a.keepCases(ctx, b); err != nil {
		return Receipt{}, err
	}
	got, err := a.draws.line.Do(ctx, e)
	if err == nil {
		err = got.err
	}
	if err != nil {
		return Receipt{}, err
	}
	if got.replayed {
		v, err := a.entryView(got.entry)
		return Receipt{View: v.For, Entry: v, Replayed: true}, err
	}
	v, err := a.entryShown(got.entry, p)
	return Receipt{View: v.For, Entry: v}, err
}

// enterAll answers a group of entries in one transaction. All that enter one draw, on whatever node, take turns.
func (a *App) enterAll(ctx context.Context, _ int, group []draw.Entry) []entered {
	ctx, cancel := context.WithTimeout(ctx, laneTime)
	defer cancel()
	ids := map[string]bool{}
	for _, e := range group {
		ids[e.Draw] = true
	}
	out := make([]entered, len(group))
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		clear(out)
		draws, err := tx.TurnOnDraws(ctx, sortedKeys(ids))
		if err != nil {
			return err
		}
		have, err := tx.EntriesBeside(ctx, group)
		if err != nil {
			return err
		}
		var add []draw.Entry
		for i, e := range group {
			d := draws[e.Draw]
			if d == nil {
				out[i].err = fault.New(fault.DrawNotFound)
				continue
			}
			stands, replayed, refused := draw.Enter(d, have, e)
			if refused != nil {
				out[i].err = refused
				continue
			}
			if out[i] = (entered{entry: stands, replayed: replayed}); !replayed {
				have, add = append(have, e), append(add, e)
			}
		}
		return tx.AddEntries(ctx, add)
	})
	for i := range out {
		if err != nil { // nothing is written, or under the same key: ask again
			out[i] = entered{err: fault.Wrap(fault.Busy, err).After(time.Second)}
		}
	}
	return out
}

// PublishDraws makes the seeds of draws to come and publishes their commitments: for each queue that has the
// draw switched on, each release of its numbers within the rulebook's days. What is published stays, whatever
// becomes of the switch. It may run anywhere, at any time. It returns how many were new.
func (a *App) PublishDraws(ctx context.Context) (added int, err error) {
	now := a.now()
	today := calendar.DateOf(now)
	rules := a.Rules(today)
	var list []draw.Draw
	for _, q := range a.City().sortedQueues() {
		if hall := a.City().Hall(q.HallID); !q.Draw || !q.Open || hall == nil || !hall.Open {
			continue
		}
		known := map[string]bool{}
		for _, d := range a.draws.of(q.ID) {
			known[d.ID] = true
		}
		for _, s := range a.board.slotsOf(q.ID, today, a.rules.Load().planned(*q, today)) {
			id := draw.ID(q.ID, s.Release)
			if known[id] || s.Closed || s.Release.Before(now.Add(drawNotice)) || !s.Release.Before(now.AddDate(0, 0, rules.DrawAhead)) {
				continue
			}
			known[id] = true
			seed := make([]byte, draw.SeedSize)
			rand.Read(seed)
			list = append(list, draw.Draw{
				ID: id, HallID: q.HallID, QueueID: q.ID, Release: s.Release, Until: s.Release.Add(rules.DrawFor), State: draw.Announced,
				Commitment: draw.Commit(id, seed), Sealed: a.vault.Seal(seed, "draw|"+id),
			})
		}
	}
	if len(list) == 0 {
		return 0, nil
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		added = 0
		for _, d := range list {
			if d.Release.Before(tx.Now.Add(drawNotice)) {
				continue // it is later by now: a machine that slept, a clock that was moved
			}
			d.Published = tx.Now
			ok, err := tx.AddDraw(ctx, d)
			if err != nil {
				return err
			}
			if ok {
				added++
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return added, a.ReadDraws(ctx)
}

// CarryOutDraws gives the numbers of draws whose minute is over, in drawn order, and publishes their seeds. It
// may be stopped at any point and run on several nodes at once: the order follows from what is stored, and each
// entry is booked under its own key. It returns how many draws were finished.
func (a *App) CarryOutDraws(ctx context.Context) (done int, err error) {
	now := a.now()
	m := a.draws.byQueue.Load()
	if m == nil {
		return 0, nil
	}
	var due []draw.Draw
	for _, list := range *m {
		for _, d := range list {
			if !now.Before(d.Until.Add(drawGrace)) {
				due = append(due, d)
			}
		}
	}
	slices.SortFunc(due, func(a, b draw.Draw) int {
		if c := a.Release.Compare(b.Release); c != 0 {
			return c
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	for _, d := range due {
		ok, carryErr := a.carryOutDraw(ctx, d.ID)
		if ok {
			done++
		}
		if carryErr != nil && err == nil { // the others are waited for, too
			err = carryErr
		}
	}
	return done, err
}

func (a *App) carryOutDraw(ctx context.Context, id string) (bool, error) {
	mine := func(tx *store.Tx) (bool, error) { return tx.TakeLease(ctx, "draw "+id, a.node, tx.Now, drawLease) }
	var d *draw.Draw
	held := false
	if err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
		if held, err = mine(tx); err != nil || !held {
			return err
		}
		draws, err := tx.TurnOnDraws(ctx, []string{id})
		if d = draws[id]; err != nil || d == nil {
			return err
		}
		return tx.CloseDraw(ctx, id)
	}); err != nil || !held || d == nil {
		return false, err
	}
	if d.State == draw.Done {
		return false, a.ReadDraws(ctx)
	}
	seed, err := a.vault.Open(d.Sealed, "draw|"+id)
	if err != nil {
		return false, err
	}
	var list []draw.Entry
	if err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
		if list, err = tx.EntriesOf(ctx, id); err != nil {
			return err
		}
		texts := make([]string, len(list))
		for i, e := range list {
			texts[i] = e.Text
		}
		if err := tx.RankEntries(ctx, id, draw.Order(seed, texts)); err != nil {
			return err
		}
		list, err = tx.EntriesOf(ctx, id)
		return err
	}); err != nil {
		return false, err
	}
	for group := range slices.Chunk(list, drawGroup) {
		group = slices.DeleteFunc(slices.Clone(group), func(e draw.Entry) bool { return e.Outcome != draw.Waiting })
		if err := a.decideEntries(ctx, group); err != nil {
			return false, err
		}
		if err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
			if held, err = mine(tx); err != nil {
				return err
			}
			if err := tx.SettleEntries(ctx, group); err != nil {
				return err
			}
			return tx.InsertReminders(ctx, lost(group, tx.Now))
		}); err != nil || !held {
			return false, err
		}
	}
	ended := false
	if err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
		if ended, err = tx.EndDraw(ctx, id, hex.EncodeToString(seed)); err != nil {
			return err
		}
		return tx.ReleaseLease(ctx, "draw "+id, a.node)
	}); err != nil {
		return false, err
	}
	return ended, a.ReadDraws(ctx)
}

// decideEntries lets the lanes decide about entries, in order, and notes what came of each.
func (a *App) decideEntries(ctx context.Context, group []draw.Entry) error {
	var ask booking.InOrder
	var asked []*draw.Entry
	for i := range group {
		e := &group[i]
		offer, err := a.offer(e.Item, e.SlotID)
		if err != nil {
			e.Outcome = draw.Outcome(fault.CodeOf(err))
			continue
		}
		offer.Drawn = nil
		cases, err := a.keptCases(ctx, e.Booker, e.ID, e.Units)
		if err != nil {
			return err
		}
		asked = append(asked, e)
		ask.Requests = append(ask.Requests, &booking.Book{
			Key: e.Key, Hash: e.Hash, ID: e.ID, Who: booking.Who{Key: e.Booker, Level: e.Level}, Applicant: e.Kind, For: e.Applicant, Offer: offer,
			SlotID: e.SlotID, Stage: stageOf(e), Units: e.Units, Cases: cases, Channel: e.Channel, Sealed: e.Sealed, Instead: e.Instead,
		})
	}
	if len(asked) == 0 {
		return nil
	}
	if _, err := a.ask(ctx, &ask); err != nil {
		return err
	}
	for i, e := range asked {
		e.Outcome = draw.Booked
		if f := ask.Out[i].Fault; f != nil {
			if e.Outcome = draw.Outcome(f.Code); f.Kind == fault.Unavailable {
				return f
			}
		}
	}
	return nil
}

// lost are the messages to those who got no number; the others have theirs from the lane.
func lost(group []draw.Entry, now time.Time) []booking.Message {
	var out []booking.Message
	for _, e := range group {
		if e.Outcome != draw.Booked {
			out = append(out, booking.Message{Booking: e.ID, HallID: e.HallID, Version: 1, Kind: booking.MessageNotDrawn, Due: now})
		}
	}
	return out
}
