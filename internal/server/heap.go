package server

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	gometrics "runtime/metrics"
)

// heapSize is how large the heap may grow before it is collected. Go collects when it has doubled; with a
// small city that is every 25 MiB, several times a second under load, and each collection stops everybody's
// requests for its share and shrinks the stacks of all connections, which the next requests grow again. A
// heap of which more than half is live is collected as ever, when it has doubled.
const heapSize = 192 << 20

// followHeap keeps to that size until ctx ends, unless GOGC says how often to collect. GOMEMLIMIT holds
// besides.
func followHeap(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	collected := make(chan struct{}, 1)
	afterCollection(ctx, func() {
		select {
		case collected <- struct{}{}:
		default:
		}
	})
	live := []gometrics.Sample{{Name: "/gc/heap/live:bytes"}}
	now := 100
	for runtime.GC(); ; { // the first look is at a heap just collected
		gometrics.Read(live)
		// Setting it stops everybody for a moment, so not for a little.
		if want := gcPercent(live[0].Value.Uint64()); want*20 < now*19 || want*20 > now*21 {
			debug.SetGCPercent(want)
			now = want
		}
		select {
		case <-ctx.Done():
			return
		case <-collected:
		}
	}
}

// afterCollection calls f soon after each collection until ctx ends: what was live a collection ago says
// nothing of a heap that has grown since, and a percentage that was right for little is far too much for
// a lot.
func afterCollection(ctx context.Context, f func()) {
	if ctx.Err() != nil {
		return
	}
	type sentinel struct{ _ *byte }
	runtime.AddCleanup(&sentinel{}, func(struct{}) {
		f()
		afterCollection(ctx, f)
	}, struct{}{})
}

// gcPercent is what GOGC has to be for a heap to reach heapSize, with so many bytes of it live. Go takes
// fewer than 4 MiB for 4.
func gcPercent(live uint64) int {
	bytes := int64(max(live, 4<<20))
	return int(max(100, 100*(heapSize-bytes)/bytes))
}
