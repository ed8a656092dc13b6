package app

import (
	"context"
	"sync"
	"time"

	"suiyue/internal/store"
)

// floorHub tells who watches a hall that its day has changed: of this node's commits at once, of those of
// other nodes when they are read.
type floorHub struct {
	began chan struct{} // somebody watches where nobody did

	mu    sync.Mutex
	halls map[string]*watchedHall
}

type watchedHall struct {
	mark    store.FloorMark // the latest known
	readers map[chan struct{}]struct{}
}

func newFloorHub() *floorHub {
	return &floorHub{began: make(chan struct{}, 1), halls: map[string]*watchedHall{}}
}

// watch returns a channel that has something in it when the hall's day has changed since it was last
// emptied: many changes at once are one. stop ends it and may be called twice.
func (h *floorHub) watch(hall string) (changes <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.halls[hall]
	if w == nil {
		w = &watchedHall{readers: map[chan struct{}]struct{}{}}
		h.halls[hall] = w
	}
	w.readers[c] = struct{}{}
	select {
	case h.began <- struct{}{}:
	default:
	}
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(w.readers, c)
		if len(w.readers) == 0 && h.halls[hall] == w {
			delete(h.halls, hall)
		}
	}
}

// tell wakes who watches the hall, unless they were told of this change or a later one.
func (h *floorHub) tell(m store.FloorMark) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.halls[m.HallID]
	if w == nil || !m.After(w.mark) {
		return
	}
	w.mark = m
	for c := range w.readers {
		select {
		case c <- struct{}{}:
		default: // not yet looked at the last change
		}
	}
}

func (h *floorHub) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.halls) > 0
}

// floorSkew is how far the clocks of nodes may be apart, and how long a commit may take to be seen.
const floorSkew = 10 * time.Second

// follow reads every pause what other nodes have changed, as long as anybody watches, until ctx ends.
func (h *floorHub) follow(ctx context.Context, pause time.Duration, now func() time.Time, read func(context.Context, time.Time) ([]store.FloorMark, error), failed func(error)) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	var good time.Time // until when nothing was missed; zero while nobody watched
	failing := false
	for {
		if !h.watched() {
			good = time.Time{}
			select {
			case <-ctx.Done():
				return
			case <-h.began:
			}
		}
		if good.IsZero() || good.After(now()) { // whoever begins to watch looks first; clocks may be set back
			good = now()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		at := now()
		marks, err := read(ctx, good.Add(-floorSkew))
		if err != nil {
			if !failing && ctx.Err() == nil {
				failed(err)
			}
			failing = true
			continue
		}
		failing, good = false, at
		for _, m := range marks {
			h.tell(m)
		}
	}
}

// WatchFloor returns a channel that has something in it when the hall's day has changed since it was last
// emptied. Whoever watches calls WatchFloor first, then looks at the floor, then waits; stop ends it.
func (a *App) WatchFloor(hall string) (changes <-chan struct{}, stop func()) {
	return a.floors.watch(hall)
}

// FollowFloors tells who watches a hall what other nodes change of it, until ctx ends. It reads nothing
// while nobody watches.
func (a *App) FollowFloors(ctx context.Context, pause time.Duration) {
	a.floors.follow(ctx, pause, a.now, func(ctx context.Context, after time.Time) (marks []store.FloorMark, err error) {
		err = a.db.View(ctx, func(tx *store.Tx) error {
			marks, err = tx.FloorsChanged(ctx, after)
			return err
		})
		return marks, err
	}, func(err error) {
		a.log.Warn("what other nodes change of halls' days could not be read; displays may be late", "error", err)
	})
}
