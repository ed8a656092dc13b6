package noon_test

import (
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"suiyue/internal/app/apptest"
)

// More people than fit into the room and its line come at once, each over a connection of their own: all are
// answered, soon, and who cannot even wait is told when to come again. Nobody hangs.
func TestNoon_NobodyHangsBeyondTheRoom(t *testing.T) {
	people := 1000
	if os.Getenv("SUIYUE_NOON") == "full" {
		people = 4000
	}
	r := newRelease(t, 0, people, people/20, false, 0)
	if !r.prepare(r.noon, 1) {
		t.Fatal("nothing is released")
	}
	r.Clock.Set(r.noon.Add(time.Second))
	var in, waits, full atomic.Int64
	var slowest atomic.Int64
	var all sync.WaitGroup
	ready := make(chan struct{})
	for _, who := range r.people {
		all.Go(func() {
			<-ready
			began := time.Now()
			status, got, again := r.post(who, "/bookings/quote", "", map[string]any{"item": apptest.SocialCard, "slot": r.slots[0], "stage": "acceptance"})
			took := time.Since(began)
			for old := slowest.Load(); int64(took) > old && !slowest.CompareAndSwap(old, int64(took)); old = slowest.Load() {
			}
			switch {
			case status == http.StatusOK:
				in.Add(1)
			case status == http.StatusServiceUnavailable && got["code"] == "waiting_room" && again > 0:
				waits.Add(1)
			case status == http.StatusServiceUnavailable && got["code"] == "waiting_room_full" && again > 0:
				full.Add(1)
			default:
				t.Errorf("%d %v, again after %v", status, got, again)
			}
		})
	}
	close(ready)
	all.Wait()
	t.Logf("%d people at once: %d let in, %d wait, %d told to come again later; the slowest answer after %v", people, in.Load(), waits.Load(), full.Load(),
		time.Duration(slowest.Load()).Round(time.Millisecond))
	if in.Load() != int64(people/20) || waits.Load() != int64(people/2) || full.Load() != int64(people-people/20-people/2) {
		t.Error("not as many as there is room for")
	}
	if time.Duration(slowest.Load()) > 30*time.Second {
		t.Error("somebody hung")
	}
}
