package app

import (
	"context"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// entries finds the fields of stored entries by noun and key.
type entries map[string]directory.Fields

func at(noun directory.Noun, key string) string { return string(noun) + " " + key }

func entriesOf(d *store.Directory) entries {
	e := entries{}
	open := func(noun, key string) bool { return !d.Closed[noun+" "+key] }
	for _, u := range d.Units {
		e[at(directory.UnitNoun, u.ID)] = directory.UnitSheet.Record(u, open(store.Units, u.ID))
	}
	for _, h := range d.Halls {
		e[at(directory.HallNoun, h.ID)] = directory.HallSheet.Record(h, h.Open)
	}
	for _, q := range d.Queues {
		e[at(directory.QueueNoun, q.ID)] = directory.QueueSheet.Record(q, q.Open)
	}
	for _, i := range d.Items {
		e[at(directory.ItemNoun, i.Code)] = directory.ItemSheet.Record(i, open(store.Items, i.Code))
	}
	for _, c := range d.Counters {
		e[at(directory.CounterNoun, store.DirectoryKey(c.HallID, c.ID))] = directory.CounterSheet.Record(c, c.Open)
	}
	for _, o := range d.Offerings {
		key := store.DirectoryKey(o.HallID, o.ItemCode, o.QueueID)
		e[at(directory.OfferingNoun, key)] = directory.OfferingSheet.Record(o, open(store.Offerings, key))
	}
	return e
}

// changes lists what an import writes as versions.
func (e entries) changes(c directory.Changes) []store.DirectoryChange {
	var out []store.DirectoryChange
	add := func(noun directory.Noun, hall string, key string, after directory.Fields) {
		before := e[at(noun, key)]
		if after == nil { // closed
			after = directory.Fields{}
			for k, v := range before {
				after[k] = v
			}
			after["open"] = "no"
		}
		out = append(out, store.DirectoryChange{Noun: noun, Key: key, Hall: hall, Before: before, After: after})
	}
	for _, u := range c.Units.Save() {
		add(directory.UnitNoun, "", u.ID, directory.UnitSheet.Record(u, true))
	}
	for _, h := range c.Halls.Save() {
		add(directory.HallNoun, h.ID, h.ID, directory.HallSheet.Record(h, h.Open))
	}
	for _, q := range c.Queues.Save() {
		add(directory.QueueNoun, q.HallID, q.ID, directory.QueueSheet.Record(q, q.Open))
	}
	for _, i := range c.Items.Save() {
		add(directory.ItemNoun, "", i.Code, directory.ItemSheet.Record(i, true))
	}
	for _, o := range c.Offerings.Save() {
		add(directory.OfferingNoun, o.HallID, store.DirectoryKey(o.HallID, o.ItemCode, o.QueueID), directory.OfferingSheet.Record(o, true))
	}
	for noun, removed := range map[directory.Noun][][]string{
		directory.UnitNoun: c.Units.Removed, directory.HallNoun: c.Halls.Removed, directory.QueueNoun: c.Queues.Removed,
		directory.ItemNoun: c.Items.Removed, directory.OfferingNoun: c.Offerings.Removed,
	} {
		for _, key := range removed {
			joined := store.DirectoryKey(key...)
			add(noun, e[at(noun, joined)]["hall"], joined, nil)
		}
	}
	return out
}

// Version is one version of one entry of the directory.
type Version = store.DirectoryVersion

// HallVersions lists the versions of a hall and of what belongs to it, newest first; with a noun, those
// of that noun only.
func (a *App) HallVersions(ctx context.Context, ad *Admin, hall string, noun directory.Noun, offset, limit int) (list []Version, total int, err error) {
	if err := a.Allow(ad, account.Supervise, hall); err != nil {
		return nil, 0, err
	}
	return a.versions(ctx, store.VersionQuery{Hall: hall, Noun: noun, Offset: offset, Limit: limit})
}

// ItemVersions lists the versions of an item, newest first.
func (a *App) ItemVersions(ctx context.Context, ad *Admin, code string, offset, limit int) (list []Version, total int, err error) {
	it := a.City().Item(code)
	if it == nil || !a.mayItem(ad, it.Department) {
		return nil, 0, fault.New(fault.ItemNotFound)
	}
	return a.versions(ctx, store.VersionQuery{Noun: directory.ItemNoun, Key: code, Offset: offset, Limit: limit})
}

func (a *App) versions(ctx context.Context, q store.VersionQuery) (list []Version, total int, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, total, err = tx.DirectoryVersions(ctx, q)
		return err
	})
	return list, total, err
}

// fewHalls is how many changed halls are read by themselves; of more, everything is read again.
const fewHalls = 200

// ReadDirectory takes what changed in the directory since it was last read, on this node or another.
func (a *App) ReadDirectory(ctx context.Context) error {
	all := false
	err := func() error {
		a.reading.Lock()
		defer a.reading.Unlock()
		city := a.City()
		return a.db.View(ctx, func(tx *store.Tx) error {
			news, err := tx.ChangedAfter(ctx, city.revision)
			if err != nil || news.Revision == city.revision {
				return err
			}
			if all = news.Units || len(news.Halls) > fewHalls || len(news.Items) > fewHalls; all {
				return nil
			}
			part, err := tx.DirectoryOf(ctx, news.Halls, news.Items)
			if err != nil {
				return err
			}
			next := newCity(city.source.With(part, news.Halls, news.Items), news.Revision)
			// Where a queue was shut or opened its slots were too.
			today := calendar.DateOf(a.now())
			for i := range part.Queues {
				q := &part.Queues[i]
				if was := city.Queue(q.ID); was != nil && was.Open == q.Open && city.Hall(q.HallID).Open == next.Hall(q.HallID).Open {
					continue
				}
				var slots []store.LiveSlot
				if err := tx.SlotsOf(ctx, q.HallID, q.ID, today, func(s store.LiveSlot) { slots = append(slots, s) }); err != nil {
					return err
				}
				a.board.refresh(slots)
			}
			a.city.Store(next)
			return nil
		})
	}()
	if err == nil && all {
		err = a.Reload(ctx)
	}
	return err
}

// FollowDirectory keeps the directory in step with other nodes and with imports until ctx ends.
func (a *App) FollowDirectory(ctx context.Context, pause time.Duration) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := a.ReadDirectory(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			a.log.Warn("changes of the directory could not be read; it may be old", "error", err)
		}
		failing = err != nil
	}
}
