package app

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"suiyue/internal/store"
)

// deviceWatch tells pages that stay open when their device was changed, renewed or ended.
type deviceWatch struct {
	mu    sync.Mutex
	by    map[string]map[chan struct{}]bool // device → who watches it
	known map[string]int                    // version last told of
	heard map[string]bool                   // devices to be recorded as heard of; nil where nobody follows
}

// saw notes that a device was heard of; false where FollowDevices does not run, which records it. A city's
// displays all come at once when the server is started again: one write for each would keep them waiting.
func (w *deviceWatch) saw(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.heard == nil {
		return false
	}
	w.heard[id] = true
	return true
}

// follow begins or ends taking note; takeHeard returns the devices heard of since it was last asked, and
// those whose pages hold a line.
func (w *deviceWatch) follow(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = nil
	if on {
		w.heard = map[string]bool{}
	}
}

func (w *deviceWatch) takeHeard() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.by {
		w.heard[id] = true
	}
	ids := slices.Sorted(maps.Keys(w.heard))
	clear(w.heard)
	return ids
}

// heardEvery is how often devices are recorded as heard of: well within counter.DeviceQuiet.
const heardEvery = 20 * time.Second

// changed tells whoever watches a device that it is at that version now.
func (w *deviceWatch) changed(id string, version int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.by[id]) == 0 || w.known[id] >= version {
		return
	}
	w.known[id] = version
	for c := range w.by[id] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// WatchDevice tells of each change of a device: of this node at once, of others within half a second where
// FollowDevices runs. The channel holds one word at most; whoever receives it asks Device again.
func (a *App) WatchDevice(d *Device) (changes <-chan struct{}, stop func()) {
	w, c := &a.devices, make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by == nil {
		w.by, w.known = map[string]map[chan struct{}]bool{}, map[string]int{}
	}
	if w.by[d.ID] == nil {
		w.by[d.ID], w.known[d.ID] = map[chan struct{}]bool{}, d.Version
	}
	w.by[d.ID][c] = true
	if w.known[d.ID] > d.Version {
		c <- struct{}{}
	}
	return c, sync.OnceFunc(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if delete(w.by[d.ID], c); len(w.by[d.ID]) == 0 {
			delete(w.by, d.ID)
			delete(w.known, d.ID)
		}
	})
}

func (w *deviceWatch) watched() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.by) > 0
}

// overlap is how far back changes are read again: a transaction begun before may commit after.
const overlap = 5 * time.Second

// FollowDevices tells of what other nodes change, and records which devices were heard of, until ctx ends. It
// reads nothing while nobody watches.
func (a *App) FollowDevices(ctx context.Context, every time.Duration) {
	a.devices.follow(true)
	defer a.devices.follow(false)
	tick, record := time.NewTicker(every), time.NewTicker(heardEvery)
	defer tick.Stop()
	defer record.Stop()
	last := a.now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-record.C:
			ids := a.devices.takeHeard()
			if len(ids) == 0 {
				continue
			}
			if err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.SawDevices(ctx, ids) }); err != nil && ctx.Err() == nil {
				a.log.Warn("when devices were last heard of was not kept", "error", err)
			}
			continue
		case <-tick.C:
		}
		now := a.now()
		if !a.devices.watched() {
			last = now
			continue
		}
		from := last
		if now.Before(from) { // the clock was set back
			from = now
		}
		var list []store.DeviceChange
		if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
			list, err = tx.DevicesChanged(ctx, from.Add(-overlap))
			return err
		}); err != nil {
			if ctx.Err() == nil {
				a.log.Warn("changes of devices could not be read", "error", err)
			}
			continue
		}
		last = now
		for _, c := range list {
			a.devices.changed(c.ID, c.Version)
		}
	}
}
