package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// OfflineAct is one thing a counter did while it was cut off, by its standby.
type OfflineAct struct {
	Key    string        // made by the page, as for Serve
	Seq    int           // order in which it happened at the counter
	Ago    time.Duration // how long before it is told, by a clock that only runs: that of the day may be wrong
	Kind   counter.ActKind
	Ticket string // never "": a counter that is cut off knows whom it calls
	Queue  string
	Result counter.Result
}

// MergeOutcome is what became of an OfflineAct: done, done before, or the code of why it could not be.
type MergeOutcome struct {
	Key     string
	Number  string // of the ticket, "" if there is no such
	Refused fault.Code
	Before  bool // it had been told before
}

// MostOffline is how many acts are merged at once.
const MostOffline = 500

// Merge takes over what a counter did while it was cut off: each key once, in the order of Seq. What others
// did first stands: an act that no longer fits is not done, which is kept under its key and told. No number
// is ever made by a counter that is cut off.
func (a *App) Merge(ctx context.Context, ad *Admin, hall, id string, acts []OfflineAct) (v CounterView, out []MergeOutcome, err error) {
	c, err := a.atCounter(ad, hall, id)
	if err != nil {
		return v, nil, a.told(err)
	}
	if len(acts) > MostOffline {
		return v, nil, a.told(fault.InvalidFields(fault.Field{Path: "acts", Code: fault.TooLong}))
	}
	for _, o := range acts {
		if err := checkKey(o.Key); err != nil {
			return v, nil, a.told(err)
		}
	}
	acts = slices.Clone(acts)
	slices.SortStableFunc(acts, func(x, y OfflineAct) int { return x.Seq - y.Seq })
	var f *counter.Floor
	err = a.onFloor(ctx, By{Admin: ad, Channel: AtDesk}, hall, calendar.DateOf(a.now()), func(d *day) error {
		out = nil
		s := d.Seats[id]
		mine := s != nil && s.Account == ad.Account.ID
		if mine { // what was done at it was done while it was open, whatever it is now
			defer func(state counter.SeatState) { s.State = state }(s.State)
			s.State = counter.SeatOpen
		}
		last := time.Time{}
		if mine {
			last = s.Opened
		}
		for _, o := range acts {
			done, err := d.merge(ctx, id, mine, o, &last)
			if err != nil {
				return err
			}
			out = append(out, done)
		}
		if mine {
			s.Seen = d.tx.Now
			d.seats[id] = true
		}
		f = d.Floor
		return nil
	})
	v, err = a.after(ctx, ad, hall, c, f, err)
	return v, out, a.told(err)
}

func (d *day) merge(ctx context.Context, id string, mine bool, o OfflineAct, last *time.Time) (out MergeOutcome, err error) {
	out.Key = o.Key
	act := counter.Act{Kind: o.Kind, Ticket: o.Ticket, Counter: id, Queue: o.Queue, Result: o.Result}
	hash := actHash(act)
	before, err := d.tx.FloorAct(ctx, d.HallID, o.Key)
	if err != nil {
		return out, err
	}
	if t := d.Tickets[o.Ticket]; t != nil {
		out.Number = t.Number
	}
	if before != nil {
		out.Before, out.Refused = true, fault.Code(before.Outcome)
		if before.Hash != hash {
			out.Refused = fault.KeyReused
		}
		return out, nil
	}
	// Never before what the counter did last, nor after now: the instants of an act that is told late are
	// only as good as they can be, its order is certain.
	at := d.tx.Now.Add(-max(o.Ago, 0))
	if at.Before(*last) {
		at = *last
	}
	switch {
	case !mine:
		err = fault.New(fault.CounterTaken)
	case o.Ticket == "":
		err = fault.New(fault.TicketNotFound)
	default:
		switch o.Kind {
		case counter.Call, counter.Recall, counter.Pass, counter.Hold, counter.Return, counter.Transfer, counter.Finish:
			_, err = d.serve(ctx, at, act, "offline")
		default:
			err = fault.InvalidFields(fault.Field{Path: "act", Code: fault.NotOneOf})
		}
	}
	var refused *fault.Error
	switch {
	case err == nil:
		*last = at
	case errors.As(err, &refused):
		out.Refused = refused.Code
		d.a.refused(refused.Code)
	default:
		return out, err
	}
	return out, d.tx.AddFloorAct(ctx, store.FloorAct{HallID: d.HallID, Key: o.Key, Hash: hash, Ticket: o.Ticket, Outcome: string(out.Refused)})
}
