package hall

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// floors is a city whose days a test changes.
type floors struct {
	mu       sync.Mutex
	revision map[string]int
	watching map[string]map[chan struct{}]bool
	made     atomic.Int64
	broken   atomic.Bool
}

func newFloors() *floors {
	return &floors{revision: map[string]int{}, watching: map[string]map[chan struct{}]bool{}}
}

func (f *floors) watch(hall string) (<-chan struct{}, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := make(chan struct{}, 1)
	if f.watching[hall] == nil {
		f.watching[hall] = map[chan struct{}]bool{}
	}
	f.watching[hall][c] = true
	return c, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watching[hall], c)
	}
}

func (f *floors) change(hall string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revision[hall]++
	for c := range f.watching[hall] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (f *floors) picture(_ context.Context, hall string) ([]byte, error) {
	f.made.Add(1)
	if f.broken.Load() {
		return nil, errors.New("no database")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Appendf(nil, "%s %d", hall, f.revision[hall]), nil
}

func (f *floors) watched() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.watching {
		n += len(w)
	}
	return n
}

func TestOnePictureForAllDisplaysOfAHall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloors()
		b := newBroadcast(f.watch, f.picture, slog.New(slog.DiscardHandler))
		var leaves []func()
		rooms := map[string][]*room{}
		for i := range 40 {
			hall := fmt.Sprint("h", i%2)
			r, leave := b.join(hall)
			rooms[hall], leaves = append(rooms[hall], r), append(leaves, leave)
		}
		synctest.Wait()
		if f.made.Load() != 2 || f.watched() != 2 {
			t.Fatalf("%d pictures for two halls with 20 displays each, %d watched", f.made.Load(), f.watched())
		}
		first, newer := b.look(rooms["h0"][0])
		other, others := b.look(rooms["h1"][0])
		if string(first) != "h0 0" || string(other) != "h1 0" {
			t.Fatalf("%s, %s", first, other)
		}
		f.change("h0")
		f.change("h0")
		synctest.Wait()
		select {
		case <-newer:
		default:
			t.Fatal("nobody is told of the change")
		}
		select {
		case <-others:
			t.Error("the other hall is told, too")
		default:
		}
		for i, r := range rooms["h0"] {
			if e, _ := b.look(r); string(e) != "h0 2" || &e[0] != &mustLook(b, rooms["h0"][0])[0] {
				t.Errorf("display %d sees %s, or bytes of its own", i, e)
			}
		}

		// Nothing changed: a picture that is the same is not sent again.
		made := f.made.Load()
		_, newer = b.look(rooms["h0"][0])
		time.Sleep(2 * looksAgain)
		synctest.Wait()
		select {
		case <-newer:
			t.Error("the same picture is sent again")
		default:
		}
		if f.made.Load() == made {
			t.Error("waits change by themselves, and nobody looks")
		}

		for _, leave := range leaves {
			leave()
			leave()
		}
		synctest.Wait()
		if f.watched() != 0 || len(b.rooms) != 0 {
			t.Errorf("%d halls are watched, %d rooms are kept after the last display has gone", f.watched(), len(b.rooms))
		}
	})
}

func mustLook(b *broadcast, r *room) []byte {
	e, _ := b.look(r)
	return e
}

func TestAPictureThatCannotBeMadeIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloors()
		b := newBroadcast(f.watch, f.picture, slog.New(slog.DiscardHandler))
		f.broken.Store(true)
		r, leave := b.join("h0")
		defer leave()
		time.Sleep(5*time.Second + time.Millisecond)
		synctest.Wait()
		if e := mustLook(b, r); e != nil || f.made.Load() != 6 {
			t.Fatalf("%s after %d tries in five seconds", e, f.made.Load())
		}
		f.broken.Store(false)
		time.Sleep(triesAgain)
		synctest.Wait()
		if e := mustLook(b, r); string(e) != "h0 0" {
			t.Errorf("%q a second after it can be made again", e)
		}
	})
}

func TestDisplaysComeAndGoFromManySides(t *testing.T) {
	f := newFloors()
	b := newBroadcast(f.watch, f.picture, slog.New(slog.DiscardHandler))
	var wg sync.WaitGroup
	for i := range 8 {
		hall := fmt.Sprint("h", i%3)
		wg.Go(func() {
			for range 200 {
				r, leave := b.join(hall)
				b.look(r)
				f.change(hall)
				leave()
			}
		})
	}
	wg.Wait()
	if len(b.rooms) != 0 {
		t.Errorf("%d rooms are kept", len(b.rooms))
	}
}
