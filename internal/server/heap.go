package server

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	gometrics "runtime/metrics"
	"time"
)

// heapRoom is what may at least be allocated between two collections of garbage. Go collects when the heap
// has doubled; with a small city that is every 25 MiB, several times a second under load, and each
// collection stops everybody's requests for its share and shrinks the stacks of all connections, which the
// next requests grow again. A heap larger than this is collected as ever, when it has doubled.
const heapRoom = 128 << 20

// followHeap keeps that room until ctx ends, unless GOGC says how often to collect. GOMEMLIMIT holds
// besides.
func followHeap(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []gometrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for runtime.GC(); ; { // the first look is at a heap just collected
		gometrics.Read(live)
		debug.SetGCPercent(gcPercent(live[0].Value.Uint64()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// gcPercent is what GOGC has to be for the room, with so many bytes live; never above 600, for what is live
// may grow before the next look.
func gcPercent(live uint64) int {
	return int(min(max(100, 100*heapRoom/max(live, 1)), 600))
}
