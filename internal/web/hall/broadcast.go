package hall

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"time"
)

// broadcast keeps one picture of each hall that displays look at, made anew when the hall's day changes,
// and hands the same bytes to all of them: a display more costs a write, never a query. One goroutine for
// each hall that is looked at, none for others.
type broadcast struct {
	watch func(hall string) (changes <-chan struct{}, stop func())
	make  func(ctx context.Context, hall string) ([]byte, error) // an event as it is sent
	log   *slog.Logger

	mu    sync.Mutex
	rooms map[string]*room
}

// room is one hall that is looked at.
type room struct {
	readers int
	end     func()
	event   []byte        // newest, nil while there is none
	newer   chan struct{} // closed when there is a newer one
}

const (
	// looksAgain is how long a picture stands though nothing has changed: waits change by themselves.
	looksAgain = 15 * time.Second
	// triesAgain is how long a picture that could not be made is waited for.
	triesAgain = time.Second
)

func newBroadcast(watch func(string) (<-chan struct{}, func()), make_ func(context.Context, string) ([]byte, error), log *slog.Logger) *broadcast {
	return &broadcast{watch: watch, make: make_, log: log, rooms: map[string]*room{}}
}

// join begins to look at a hall. leave ends it.
func (b *broadcast) join(hall string) (r *room, leave func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r = b.rooms[hall]
	if r == nil {
		ctx, end := context.WithCancel(context.Background())
		r = &room{end: end, newer: make(chan struct{})}
		b.rooms[hall] = r
		go b.keep(ctx, hall, r)
	}
	r.readers++
	return r, sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if r.readers--; r.readers == 0 {
			r.end()
			delete(b.rooms, hall)
		}
	})
}

// look returns the newest event of a room, nil while there is none, and what is closed when there is a
// newer one.
func (b *broadcast) look(r *room) (event []byte, newer <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return r.event, r.newer
}

// keep makes a hall's pictures until ctx ends.
func (b *broadcast) keep(ctx context.Context, hall string, r *room) {
	changes, stop := b.watch(hall)
	defer stop()
	again := time.NewTimer(looksAgain)
	defer again.Stop()
	failing := false
	for {
		wait := looksAgain
		event, err := b.make(ctx, hall)
		switch {
		case err == nil:
			failing = false
			b.show(r, event)
		case ctx.Err() == nil:
			if !failing {
				b.log.Warn("the picture of a hall for its displays could not be made", "hall", hall, "error", err)
			}
			failing, wait = true, triesAgain
		}
		again.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-changes:
		case <-again.C:
		}
	}
}

func (b *broadcast) show(r *room, event []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bytes.Equal(r.event, event) {
		return
	}
	r.event = event
	close(r.newer)
	r.newer = make(chan struct{})
}
