package app

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// How queues are booked: here, here with numbers of a department's own system, or there
// (docs/adr/0052-three-ways-to-connect.md). What is said of a queue counts from some minutes later: until then every node knows it.

const (
	waysFresh = 30 * time.Second

	// SwitchAfter is how long after it was said another way of booking a queue counts: longer than any node goes by what it has
	// read, and than any request is under way.
	SwitchAfter = 2 * time.Minute
)

// ways is how queues are booked, as last read.
type ways struct {
	department Department
	patience   time.Duration

	reading sync.Mutex
	known   atomic.Pointer[waysKnown]
	down    downs
}

type waysKnown struct {
	at       time.Time
	queues   map[string][]store.QueueWay // by instant
	adapters map[string]store.Adapter
}

func (w *ways) read(ctx context.Context, tx *store.Tx, now time.Time) error {
	list, err := tx.QueueWays(ctx)
	if err != nil {
		return err
	}
	adapters, err := tx.Adapters(ctx)
	if err != nil {
		return err
	}
	k := &waysKnown{at: now, queues: map[string][]store.QueueWay{}, adapters: map[string]store.Adapter{}}
	for _, way := range list {
		k.queues[way.QueueID] = append(k.queues[way.QueueID], way)
	}
	for _, a := range adapters {
		k.adapters[a.Source] = a
	}
	w.known.Store(k)
	return nil
}

// waysNow returns how queues are booked, read a moment ago at most.
func (a *App) waysNow() (*waysKnown, error) {
	fresh := func() *waysKnown {
		k := a.ways.known.Load()
		if age := a.now().Sub(k.at); age >= 0 && age < waysFresh {
			return k
		}
		return nil
	}
	if k := fresh(); k != nil {
		return k, nil
	}
	a.ways.reading.Lock()
	defer a.ways.reading.Unlock()
	if k := fresh(); k != nil {
		return k, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	now := a.now()
	if err := a.db.View(ctx, func(tx *store.Tx) error { return a.ways.read(ctx, tx, now) }); err != nil {
		return nil, fault.Wrap(fault.Busy, err).After(time.Second)
	}
	return a.ways.known.Load(), nil
}

// of is how a queue is booked at an instant.
func (k *waysKnown) of(queue string, now time.Time) (way booking.Way, source string) {
	way = booking.WayFull
	for _, w := range k.queues[queue] {
		if !now.Before(w.From) {
			way, source = w.Way, w.Source
		}
	}
	return way, source
}

// WayOf tells how a queue is booked now, and by which connected system, "" for none.
func (a *App) WayOf(queue string) (booking.Way, string, error) {
	k, err := a.waysNow()
	if err != nil {
		return "", "", err
	}
	way, source := k.of(queue, a.now())
	return way, source, nil
}

// setWay completes what a queue offers by how it is booked.
func (a *App) setWay(o *booking.Offer) error {
	way, source, err := a.WayOf(o.QueueID)
	switch {
	case err != nil:
		return err
	case way == booking.WayDelegated:
		o.System, o.BatchMax = source, 1
	case way == booking.WayReporting:
		return fault.New(fault.BookedThere)
	}
	return nil
}

// SetAdapter enters where a connected system is asked. plain is the secret or private key the platform signs with.
func (a *App) SetAdapter(ctx context.Context, source, base string, profile oversight.Profile, keyID string, plain []byte) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		s, err := tx.Source(ctx, source)
		if err != nil || s == nil {
			return orElse(err, fault.New(fault.SourceNotFound))
		}
		return tx.SaveAdapter(ctx, store.Adapter{
			Source: source, Base: base, Profile: profile, KeyID: keyID, Sealed: a.vault.Seal(plain, aboutAdapter(source)), PageSealed: []byte{},
		})
	})
}

func aboutAdapter(source string) string { return "adapter|" + source }

// SwitchQueue says how a queue is booked, SwitchAfter from now on. Bookings that were made another way stay as they are, and are
// given back where they were made. Wrong are way, where the queue is not to be had that way, and source.
func (a *App) SwitchQueue(ctx context.Context, queue string, way booking.Way, source string) (from time.Time, err error) {
	q := a.City().Queue(queue)
	if q == nil {
		return from, fault.New(fault.QueueNotFound)
	}
	return from, a.db.Update(ctx, func(tx *store.Tx) error {
		from = tx.Now.Add(SwitchAfter)
		w := store.QueueWay{QueueID: queue, From: from, Way: way, Source: source}
		if way == booking.WayFull {
			w.Source = ""
			return tx.SaveQueueWay(ctx, w)
		}
		s, err := tx.Source(ctx, source)
		if err != nil {
			return err
		}
		if s == nil || s.Ended != 0 || !s.Books(q.HallID) {
			return fault.InvalidFields(fault.Field{Path: "source", Code: fault.NotOneOf})
		}
		list, err := tx.Adapters(ctx)
		if err != nil {
			return err
		}
		for _, known := range list {
			if known.Source == source && (way == booking.WayDelegated && known.Base != "" || way == booking.WayReporting && known.Page != "") {
				return tx.SaveQueueWay(ctx, w)
			}
		}
		return fault.InvalidFields(fault.Field{Path: "way", Code: fault.NotOneOf})
	})
}
