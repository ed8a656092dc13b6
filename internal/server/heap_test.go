package server

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func TestTheHeapHasRoomBetweenCollections(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 4700}, // nothing collected yet
		{4 << 20, 4700},
		{32 << 20, 500},
		{40 << 20, 380},
		{80 << 20, 140},
		{96 << 20, 100},
		{1 << 30, 100}, // a large heap pays for itself
	} {
		if got := gcPercent(c.live); got != c.want {
			t.Errorf("%d MiB live: %d %%, want %d", c.live>>20, got, c.want)
		}
	}
}

func TestEachCollectionIsFollowed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var seen atomic.Int32
	afterCollection(ctx, func() { seen.Add(1) })
	for want := int32(1); want <= 3; want++ {
		for end := time.Now().Add(10 * time.Second); seen.Load() < want; time.Sleep(time.Millisecond) {
			if runtime.GC(); time.Now().After(end) {
				t.Fatalf("%d collections seen, want %d", seen.Load(), want)
			}
		}
	}
	cancel()
	runtime.GC() // the one that was armed
	time.Sleep(50 * time.Millisecond)
	last := seen.Load()
	for range 3 {
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	if n := seen.Load() - last; n > 1 {
		t.Errorf("%d collections were followed after the end", n)
	}
}
