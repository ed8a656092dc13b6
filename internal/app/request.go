package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// Target is where a change is asked for: a queue of a hall, or with Queue "" every open one.
type Target struct {
	Hall  string
	Queue string
}

// Asked is an adjustment request as somebody fills it in. Several targets are filed at once, one request
// each, under one bundle.
type Asked struct {
	Targets []Target
	Change  supply.Change
	Urgent  bool
	Reason  string
}

// Limits of one filing.
const (
	mostTargets = 500
	mostReason  = 500 // characters
)

// PreviewedRequest is what a request would do, before it is filed.
type PreviewedRequest struct {
	Impact     supply.Impact // of all targets together
	Each       []supply.Impact
	UpTo       account.Rank  // who would decide; of the first target
	DecideBy   time.Time     // by when
	Earliest   calendar.Date // first day a change may take effect in time (Art. 23)
	Late       bool          // it would be later than that
	Increase   bool          // adds numbers and takes none away: it may be urgent
	Suggestion bool          // filed by the platform's second level (Art. 8)
	People     []Affected    // who would lose their hour, for those who may see them; at most peopleShown
}

// Affected is one booking that would lose its hour, masked.
type Affected struct {
	Code string
	Name string
	Date calendar.Date
	Hour int
}

const peopleShown = 50

// asks says by which power an administrator asks at a hall: to adjust, or to suggest (Art. 8).
func (a *App) asks(ad *Admin, hall string) (supply.Origin, error) {
	if a.May(ad, account.Suggest, hall) {
		return supply.Suggested, nil
	}
	return supply.Asked, a.Allow(ad, account.Adjust, hall)
}

// check refuses what could never be filed and fills in what the system knows.
func (a *App) check(ad *Admin, in *Asked) error {
	today := calendar.DateOf(a.now())
	in.Reason = strings.TrimSpace(in.Reason)
	if len(in.Targets) == 0 {
		return fault.InvalidFields(fault.Field{Path: "hall", Code: fault.Required})
	}
	if len(in.Targets) > mostTargets {
		return fault.InvalidFields(fault.Field{Path: "hall", Code: fault.OutOfRange})
	}
	seen := map[Target]bool{}
	for _, t := range in.Targets {
		if _, err := a.asks(ad, t.Hall); err != nil {
			return err
		}
		if err := a.shut(t.Hall, t.Queue); err != nil {
			return err
		}
		if seen[t] {
			return fault.InvalidFields(fault.Field{Path: "hall", Code: fault.DuplicateField})
		}
		seen[t] = true
		if in.Change.Kind == supply.Capacity && t.Queue == "" && len(a.queuesOf(t)) != 1 {
			return fault.InvalidFields(fault.Field{Path: "queue", Code: fault.Required})
		}
		for _, q := range a.queuesOf(t) {
			if err := in.Change.Validate(a.Rules(max(today, in.Change.From)), *q, today); err != nil {
				return err
			}
		}
	}
	return nil
}

// queuesOf returns the open queues a target names.
func (a *App) queuesOf(t Target) []*directory.Queue {
	var out []*directory.Queue
	for _, q := range a.City().QueuesAt(t.Hall) {
		if q.Open && (t.Queue == "" || t.Queue == q.ID) {
			out = append(out, q)
		}
	}
	return out
}

// PreviewRequest says what a request would do, in numbers, without filing it (Art. 23).
func (a *App) PreviewRequest(ctx context.Context, ad *Admin, in Asked) (PreviewedRequest, error) {
	var p PreviewedRequest
	if err := a.check(ad, &in); err != nil {
		return p, err
	}
	now := a.now()
	today := calendar.DateOf(now)
	rules, cal := a.Rules(today), a.Calendar()
	p.Earliest, p.DecideBy = supply.EarliestEffect(cal, rules, today), supply.DecideBy(cal, rules, now)
	p.Late = in.Change.From < p.Earliest
	p.Suggestion = a.May(ad, account.Suggest, in.Targets[0].Hall)
	err := a.db.View(ctx, func(tx *store.Tx) error {
		p.Impact, p.Each, p.People = supply.Impact{}, nil, nil
		for _, t := range in.Targets {
			one, lost, err := a.impact(ctx, tx, t, in.Change)
			if err != nil {
				return err
			}
			p.Each = append(p.Each, one)
			p.Impact.Add(one)
			if a.May(ad, account.Reveal, t.Hall) {
				if err := a.nameLost(ctx, tx, lost, &p.People); err != nil {
					return err
				}
			}
		}
		var err error
		p.UpTo, err = a.decider(ctx, tx, ad.Account, ad.Account.Rank, in.Targets[0].Hall)
		return err
	})
	p.Increase = p.Impact.Increase()
	return p, err
}

func (a *App) nameLost(ctx context.Context, tx *store.Tx, lost []store.Held, out *[]Affected) error {
	for _, h := range lost {
		if len(*out) == peopleShown {
			return nil
		}
		b, err := tx.Booking(ctx, h.ID)
		if err != nil || b == nil {
			return err
		}
		parties, err := a.open(b)
		if err != nil {
			return err
		}
		n, _ := booking.NumberOfID(b.ID)
		*out = append(*out, Affected{Code: a.vault.CodeOf(n), Name: identity.MaskName(parties.Booker.Name), Date: b.Date, Hour: b.Hour})
	}
	return nil
}

// looked is how far ahead an impact looks at least, in days.
const looked = 27

// impact weighs a change at a target against what there is, and lists the bookings that would lose their
// hour, those made last first.
func (a *App) impact(ctx context.Context, tx *store.Tx, t Target, c supply.Change) (supply.Impact, []store.Held, error) {
	var all supply.Impact
	r := a.rules.Load()
	today := calendar.DateOf(tx.Now)
	changes, err := tx.Adjustments(ctx, t.Hall, today)
	if err != nil {
		return all, nil, err
	}
	over := map[string]int{}
	var refs [][2]string
	for _, q := range a.queuesOf(t) {
		have, err := a.slotsFor(ctx, tx, q.HallID, q.ID, c)
		if err != nil {
			return all, nil, err
		}
		on := map[calendar.Date][]booking.Slot{}
		for _, s := range have {
			on[s.Date] = append(on[s.Date], s)
		}
		from := max(today, c.From)
		last := max(r.planned(*q, today), from+looked)
		if c.To != 0 {
			last = min(last, c.To)
		}
		var sum supply.Impact
		for d := from; d <= last; d++ {
			if !c.On(r.cal, d) {
				continue
			}
			before := on[d]
			if before == nil {
				before = supply.SlotsFor(r.cal, r.shelf.On(d), *q, d, changes[q.ID]...)
			}
			after := supply.SlotsFor(r.cal, r.shelf.On(d), *q, d, append(slices.Clone(changes[q.ID]), c)...)
			begun := func(s booking.Slot) bool { return !tx.Now.Before(s.Start()) }
			before, after = slices.DeleteFunc(before, begun), slices.DeleteFunc(after, begun)
			if len(before)+len(after) == 0 {
				continue
			}
			day, lost := supply.Weigh(before, after)
			days := sum.Days
			sum.Add(day)
			sum.Days = days + 1
			for _, s := range before {
				if lost[s.ID] > 0 {
					over[s.ID] = lost[s.ID]
					refs = append(refs, [2]string{s.HallID, s.ID})
				}
			}
		}
		all.Add(sum)
	}
	held, err := tx.HeldIn(ctx, refs)
	if err != nil {
		return all, nil, err
	}
	var lost []store.Held
	all.InSlots = len(held)
	for _, h := range held {
		if over[h.Slot] > 0 {
			over[h.Slot] -= h.Units
			lost = append(lost, h)
			all.Bookings, all.Units = all.Bookings+1, all.Units+h.Units
		}
	}
	if len(refs) > 0 {
		all.FirstSlot = refs[0][1]
	}
	return all, lost, nil
}

// decider returns the rank that is to decide what asker asks at a hall, above rank from: the next one of
// which an open account may, the platform's first level if there is none.
func (a *App) decider(ctx context.Context, tx *store.Tx, asker account.Account, from account.Rank, hall string) (account.Rank, error) {
	p, ok := a.City().Place(hall)
	if !ok {
		return "", fault.New(fault.HallNotFound)
	}
	var failed error
	up := supply.DeciderOf(from, func(r account.Rank) bool {
		list, err := a.decidersOf(ctx, tx, asker, r, p)
		if err != nil {
			failed = err
		}
		return len(list) > 0
	})
	return up, failed
}

// decidersOf returns the open accounts of a rank that may decide what asker asks at p: not those of the
// person who asks.
func (a *App) decidersOf(ctx context.Context, tx *store.Tx, asker account.Account, rank account.Rank, p account.Place) ([]account.Account, error) {
	list, err := tx.OfficersAt(ctx, rank, append([]string{p.Unit}, p.Above...), asker.ID)
	return slices.DeleteFunc(list, func(who account.Account) bool { return !who.Decides(asker, rank, p) }), err
}

// FileRequest files a request at each target, all or none, and returns them. Filed together they share a
// bundle. What the ledger says of them is written with them.
func (a *App) FileRequest(ctx context.Context, ad *Admin, in Asked) ([]supply.Request, error) {
	if err := a.check(ad, &in); err != nil {
		return nil, err
	}
	switch n := len([]rune(in.Reason)); {
	case n == 0:
		return nil, fault.InvalidFields(fault.Field{Path: "reason", Code: fault.Required})
	case n > mostReason:
		return nil, fault.InvalidFields(fault.Field{Path: "reason", Code: fault.TooLong})
	}
	var list []supply.Request
	impacts := make([]supply.Impact, len(in.Targets))
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		for i, t := range in.Targets {
			if impacts[i], _, err = a.impact(ctx, tx, t, in.Change); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		list = nil
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		year := calendar.DateOf(tx.Now).Year()
		first, err := tx.NextBlock(ctx, fmt.Sprintf("request %d", year), int64(len(in.Targets)))
		if err != nil {
			return err
		}
		for i, t := range in.Targets {
			r, err := a.newRequest(ctx, tx, ad, in, t, impacts[i])
			if err != nil {
				return err
			}
			r.ID = fmt.Sprintf("R%d-%06d", year, first+int64(i))
			if len(in.Targets) > 1 {
				r.Bundle = fmt.Sprintf("B%d-%06d", year, first)
			}
			r, breaches, refused := r.File(tx.Now, a.Calendar(), a.Rules(calendar.DateOf(tx.Now)))
			if refused != nil {
				return refused
			}
			if err := tx.AddRequest(ctx, r); err != nil {
				return err
			}
			if err := tx.AddRequestEvent(ctx, r.ID, store.RequestEvent{Kind: "filed", Account: ad.Account.ID}); err != nil {
				return err
			}
			if _, err := tx.AddLedger(ctx, entriesFor(r, ad.Account.ID, breaches)); err != nil {
				return err
			}
			list = append(list, r)
		}
		if err := a.markRequests(ctx, tx, list...); err != nil {
			return err
		}
		for _, r := range list {
			if err := tx.Audit(ctx, a.record(ad, "request.file", r, nil, r.Reason)); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

func (a *App) newRequest(ctx context.Context, tx *store.Tx, ad *Admin, in Asked, t Target, impact supply.Impact) (supply.Request, error) {
	h := a.City().Hall(t.Hall)
	if t.Queue == "" && in.Change.Kind == supply.Capacity {
		t.Queue = a.queuesOf(t)[0].ID
	}
	origin, err := a.asks(ad, t.Hall)
	if err != nil {
		return supply.Request{}, err
	}
	up, err := a.decider(ctx, tx, ad.Account, ad.Account.Rank, t.Hall)
	return supply.Request{
		HallID: t.Hall, QueueID: t.Queue, UnitID: h.UnitID, DistrictID: h.DistrictID, StreetID: h.StreetID, Level: h.Level,
		Origin: origin, Urgent: in.Urgent, FiledBy: ad.Account.ID, FiledRank: ad.Account.Rank, UpTo: up,
		Change: in.Change, Reason: in.Reason, Impact: impact,
	}, err
}

// record is the audit of an act on a request.
func (a *App) record(ad *Admin, act string, r supply.Request, before any, why string) store.AuditRecord {
	rec := store.AuditRecord{
		Account: ad.Account.ID, Rank: string(ad.Account.Rank), Act: act, Noun: "request", Key: r.ID, Hall: r.HallID, Why: why, From: ad.Origin,
		After: mustJSON(map[string]any{"state": r.State, "up_to": r.UpTo, "change": r.Change}),
	}
	if before != nil {
		rec.Before = mustJSON(before)
	}
	return rec
}

// mustJSON writes values this package made itself.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
