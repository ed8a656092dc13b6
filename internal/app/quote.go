package app

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// Quote is what somebody could book now, and the key the booking is to be made under.
type Quote struct {
	Slot SlotView
	Key  string
}

// Quote looks at a slot for somebody who means to book it: it is refused as the booking would be, as far as memory
// knows, and keeps no number: those there are may be gone a moment later. After a release it is a try, and asking the
// same again is the same one, with the same key, until that was booked with or refused.
func (a *App) Quote(ctx context.Context, who *identity.Session, item, slot string, stage directory.Stage, units int) (Quote, error) {
	return a.quote(ctx, who, wanted{item, stage, slot, max(units, 1)}, "")
}

// quote is Quote; how tells tries for the same in another way apart.
func (a *App) quote(ctx context.Context, who *identity.Session, w wanted, how string) (Quote, error) {
	o, err := a.offer(w.item, w.slot)
	if err != nil {
		return Quote{}, err
	}
	if !o.Stages.Has(w.stage) {
		return Quote{}, fault.New(fault.StageNotOffered)
	}
	v, ok := a.Slot(w.slot)
	if !ok {
		return Quote{}, fault.New(fault.SlotNotFound)
	}
	what := strings.Join([]string{how, w.item, w.slot, string(w.stage), strconv.Itoa(w.units)}, "|")
	key, err := a.Try(who, what, rand.Text())
	if err != nil {
		return Quote{}, err
	}
	switch {
	case v.State == SlotPast:
		err = fault.New(fault.OffSiteClosed)
	case v.State == SlotClosed:
		err = fault.New(fault.SlotClosed)
	case v.State == SlotNotReleased:
		err = fault.New(fault.NotReleased, "at", v.From.Format(time.RFC3339))
	case v.Free < w.units:
		err = fault.New(fault.SoldOut)
	}
	if err != nil {
		if d, drawErr := a.drawOf(ctx, w.slot); drawErr == nil && d != nil { // more may enter than there are numbers
			err = nil
		}
	}
	if err != nil {
		a.Tried(who, key, err)
		return Quote{}, a.explain(ctx, who, err, w)
	}
	return Quote{v, key}, nil
}

// Released tells whether numbers of a slot are being given, or entries to their draw taken.
func (a *App) Released(slot string) bool {
	v, ok := a.Slot(slot)
	return ok && v.State != SlotNotReleased
}

// Drawing tells whether who asks for a slot now enters its draw. Nobody waits to do that: who came within the minute
// must be in it, and order gives nothing.
func (a *App) Drawing(ctx context.Context, slot string) bool {
	d, err := a.drawOf(ctx, slot)
	return err == nil && d != nil
}

// Answered tells whether a request of this person under this key has been carried out.
func (a *App) Answered(ctx context.Context, who *identity.Session, key string) (done bool, err error) {
	name := booking.KeyName(key)
	err = a.db.View(ctx, func(tx *store.Tx) error {
		holders, err := tx.ClaimHolders(ctx, string(who.Person.Key), []string{name})
		done = holders[name] != ""
		return err
	})
	return done, err
}
