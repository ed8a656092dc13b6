package app

import (
	"context"
	"sync"
	"time"

	"suiyue/internal/store"
)

// deviceWatch tells pages that stay open when their device was changed, renewed or ended.
type deviceWatch struct {
	mu    sync.Mutex
	by    map[string]map[chan struct{}]bool // device → who watches it
	known map[string]int                    // version last told of
}

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

// FollowDevices tells of what other nodes change, until ctx ends. It reads nothing while nobody watches.
func (a *App) FollowDevices(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	last := a.now()
	for {
		select {
		case <-ctx.Done():
			return
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
