package server

import "testing"

func TestTheHeapHasRoomBetweenCollections(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 600}, // nothing collected yet
		{1 << 20, 600},
		{32 << 20, 400},
		{64 << 20, 200},
		{128 << 20, 100},
		{1 << 30, 100}, // a large heap pays for itself
	} {
		if got := gcPercent(c.live); got != c.want {
			t.Errorf("%d MiB live: %d %%, want %d", c.live>>20, got, c.want)
		}
	}
}
