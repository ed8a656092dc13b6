package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/store"
)

var hubDay = calendar.MakeDate(2026, time.November, 27)

func markOf(hall string, revision int64) store.FloorMark {
	return store.FloorMark{HallID: hall, Date: hubDay, Revision: revision}
}

// told tells whether something is in a channel, and empties it.
func told(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestWhoWatchesAHallIsToldOfItsChangesOnly(t *testing.T) {
	h := newFloorHub()
	one, stopOne := h.watch("h1")
	two, stopTwo := h.watch("h1")
	other, stopOther := h.watch("h2")
	defer stopOther()
	for r := range int64(5) {
		h.tell(markOf("h1", r+1))
	}
	h.tell(markOf("h3", 9))
	if !told(one) || !told(two) || told(other) {
		t.Error("who watches h1 is told, who watches h2 is not")
	}
	if told(one) {
		t.Error("five changes before anybody looked are one")
	}
	h.tell(markOf("h1", 5))
	h.tell(markOf("h1", 4))
	if told(one) {
		t.Error("told twice of one change")
	}
	h.tell(store.FloorMark{HallID: "h1", Date: hubDay + 1, Revision: 1})
	if !told(one) {
		t.Error("a new day begins at 1 and is a change")
	}
	stopOne()
	stopOne()
	h.tell(store.FloorMark{HallID: "h1", Date: hubDay + 1, Revision: 2})
	if told(one) || !told(two) {
		t.Error("who has stopped is not told, the others are")
	}
	stopTwo()
	stopOther()
	if h.watched() || len(h.halls) != 0 {
		t.Errorf("%d halls are still watched", len(h.halls))
	}
}

func TestStoppingTwiceDoesNotEndWhoWatchesAnew(t *testing.T) {
	h := newFloorHub()
	_, stop := h.watch("h1")
	stop()
	again, end := h.watch("h1")
	defer end()
	stop()
	h.tell(markOf("h1", 1))
	if !told(again) {
		t.Error("the new one is not told")
	}
}

func TestOtherNodesAreReadOnlyWhileAnybodyWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newFloorHub()
		ctx, end := context.WithCancel(t.Context())
		var mu sync.Mutex
		reads, broken, reported := 0, false, 0
		var since time.Time
		var marks []store.FloorMark
		read := func(_ context.Context, after time.Time) ([]store.FloorMark, error) {
			mu.Lock()
			defer mu.Unlock()
			reads++
			since = after
			if broken {
				return nil, errors.New("no database")
			}
			return marks, nil
		}
		done := make(chan struct{})
		go func() {
			h.follow(ctx, 250*time.Millisecond, time.Now, read, func(error) { reported++ })
			close(done)
		}()
		count := func(d time.Duration) int {
			mu.Lock()
			before := reads
			mu.Unlock()
			time.Sleep(d)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return reads - before
		}
		set := func(b bool, m ...store.FloorMark) {
			mu.Lock()
			defer mu.Unlock()
			broken, marks = b, m
		}
		if n := count(time.Minute); n != 0 {
			t.Errorf("%d reads while nobody watches", n)
		}
		c, stop := h.watch("h1")
		set(false, markOf("h1", 7), markOf("h2", 1))
		if n := count(time.Second); n < 3 || n > 5 {
			t.Errorf("%d reads in a second, want one every 250 ms", n)
		}
		if !told(c) {
			t.Error("a change of another node did not come")
		}
		if count(time.Second); told(c) {
			t.Error("the same change came twice")
		}

		// Nothing is missed while the database cannot be read, and it is said once.
		broke := time.Now()
		set(true)
		count(time.Minute)
		set(false, markOf("h1", 8))
		count(250 * time.Millisecond)
		if !told(c) || reported != 1 {
			t.Errorf("after a failure: told, and it was reported %d times, want once", reported)
		}
		set(true)
		count(time.Minute)
		mu.Lock()
		if since.After(broke.Add(62 * time.Second)) {
			t.Errorf("reads only what was changed after %s", since)
		}
		mu.Unlock()
		set(false)

		stop()
		count(250 * time.Millisecond)
		if n := count(time.Minute); n != 0 {
			t.Errorf("%d reads after the last one stopped watching", n)
		}
		end()
		<-done
	})
}

func TestWatchingFromManySides(t *testing.T) {
	h := newFloorHub()
	var wg sync.WaitGroup
	for i := range 8 {
		hall := fmt.Sprint("h", i%2)
		wg.Go(func() {
			for r := range int64(200) {
				h.tell(markOf(hall, r))
			}
		})
		wg.Go(func() {
			for range 100 {
				c, stop := h.watch(hall)
				told(c)
				stop()
			}
		})
	}
	wg.Wait()
	if h.watched() {
		t.Error("halls are still watched")
	}
}
