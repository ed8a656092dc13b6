package app_test

import (
	"slices"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

// manyCounters makes the i-th counter of a large hall.
func manyCounters(i int) directory.Counter {
	return directory.Counter{HallID: apptest.HallA, ID: "c" + string(rune('a'+i)), Label: "窗口", Queues: []string{apptest.QueueA}, Open: true}
}

func counterList(list ...directory.Counter) []directory.Counter { return list }

// A counter that is cut off calls from its standby; what it did is merged once, in its order, whatever its
// clock says; what others did first stands.
func TestACounterComesBackFromTheDark(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.at(9, 5)
		clerks := h.clerks(2)
		one, two := clerks[0], clerks[1]
		h.walkIns(12)
		h.must(f.App.OpenCounter(ctx, one, apptest.HallA, "w1", nil))
		h.must(f.App.OpenCounter(ctx, two, apptest.HallA, "w2", nil))
		var a, b app.CounterView
		for range 3 { // heartbeats
			f.Clock.Add(5 * time.Second)
			a, b = h.must(f.App.CounterView(ctx, one, apptest.HallA, "w1")), h.must(f.App.CounterView(ctx, two, apptest.HallA, "w2"))
		}
		ids := func(v app.CounterView) (out []string) {
			for _, s := range v.Standby {
				out = append(out, s.Ticket.ID)
			}
			return out
		}
		mine, theirs := ids(a), ids(b)
		if len(mine) < 4 || len(theirs) < 4 {
			t.Fatalf("standbys of %d and %d", len(mine), len(theirs))
		}
		for _, id := range mine {
			if slices.Contains(theirs, id) {
				t.Fatal("somebody stands with two counters")
			}
		}
		// w1 is cut off: the others leave its people alone.
		f.Clock.Add(20 * time.Second)
		h.must(f.App.CounterView(ctx, two, apptest.HallA, "w2"))
		for range 5 {
			v := h.must(h.act(two, "w2", counter.Act{Kind: counter.Call}))
			if v.At != nil && slices.Contains(mine, v.At.Ticket.ID) {
				t.Fatalf("somebody of the silent counter was called: %s", v.At.Ticket.Number)
			}
			f.Clock.Add(time.Minute)
			h.must(f.App.CounterView(ctx, two, apptest.HallA, "w2"))
		}
		_, err := h.act(two, "w2", counter.Act{Kind: counter.Call, Ticket: mine[0]})
		wantCode(t, err, fault.TicketNotYours, "calling who stands with the silent counter")
		done := h.must(f.App.CounterView(ctx, two, apptest.HallA, "w2")).At.Ticket.ID
		away := func(key string, seq int, ago time.Duration, kind counter.ActKind, ticket string, r counter.Result) app.OfflineAct {
			return app.OfflineAct{Key: key, Seq: seq, Ago: ago, Kind: kind, Ticket: ticket, Result: r}
		}
		acts := []app.OfflineAct{ // told in another order, the second by a clock that has stopped
			away("dark-00003", 3, 2*time.Minute, counter.Call, mine[1], ""),
			away("dark-00001", 1, 4*time.Minute, counter.Call, mine[0], ""),
			away("dark-00002", 2, -time.Hour, counter.Finish, mine[0], counter.Finished),
			away("dark-00004", 4, time.Minute, counter.Pass, mine[1], ""),
			away("dark-00005", 5, time.Minute, counter.Call, done, ""), // the other has them
			away("dark-00006", 6, time.Minute, counter.Finish, done, counter.Finished),
			away("dark-00007", 7, 30*time.Second, counter.Call, mine[2], ""),
			away("dark-00008", 8, 0, counter.Issue, mine[3], ""),
			away("dark-00009", 9, 0, counter.Call, "", ""),
		}
		want := []fault.Code{"", "", "", "", fault.TicketNotYours, fault.TicketNotYours, "", fault.InvalidRequest, fault.TicketNotFound}
		for round := range 3 {
			v, out, err := f.App.Merge(ctx, one, apptest.HallA, "w1", acts)
			if err != nil {
				t.Fatal(err)
			}
			if v.At == nil || v.At.Ticket.ID != mine[2] || len(v.Passed) != 1 {
				t.Errorf("round %d: at the counter %+v", round, v.At)
			}
			for i, o := range out {
				if o.Key != keyOf(acts, i) || o.Refused != want[i] || o.Before != (round > 0) {
					t.Errorf("round %d, act %d: %+v, want %q", round, i, o, want[i])
				}
			}
		}
		if got := h.history(mine[0]); !slices.Equal(got, []counter.ActKind{counter.Issue, counter.Call, counter.Finish}) {
			t.Errorf("history of the first: %v", got)
		}
		first, err := f.App.Ticket(ctx, mine[0])
		if err != nil {
			t.Fatal(err)
		}
		second, err := f.App.Ticket(ctx, mine[1])
		if err != nil {
			t.Fatal(err)
		}
		if first.Ticket.State != counter.Done || second.Ticket.CalledAt.Before(first.Ticket.EndedAt) || first.Ticket.EndedAt.After(f.Clock.Now()) {
			t.Errorf("the order of time: %v, %v", first.Ticket.EndedAt, second.Ticket.CalledAt)
		}
		_, out, err := f.App.Merge(ctx, two, apptest.HallA, "w1", []app.OfflineAct{away("dark-00010", 1, 0, counter.Call, mine[3], "")})
		if err != nil || out[0].Refused != fault.CounterTaken {
			t.Errorf("a merge at somebody else's counter: %+v, %v", out, err)
		}
		sound(t, f)
	})
}

// keyOf is the key of the i-th act in the order in which they happened.
func keyOf(acts []app.OfflineAct, i int) string {
	for _, a := range acts {
		if a.Seq == i+1 {
			return a.Key
		}
	}
	return ""
}

// A counter that was cut off tells at once what it did when its seat was left meanwhile: what happened at it
// happened.
func TestWhatWasDoneAtACounterStandsThoughItIsPaused(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.at(9, 5)
		ad := h.clerks(1)[0]
		line := h.walkIns(2)
		h.must(f.App.OpenCounter(ctx, ad, apptest.HallA, "w1", nil))
		h.must(f.App.PauseCounter(ctx, ad, apptest.HallA, "w1"))
		v, out, err := f.App.Merge(ctx, ad, apptest.HallA, "w1", []app.OfflineAct{{Key: "dark-00001", Seq: 1, Kind: counter.Call, Ticket: line[0].Ticket.ID}})
		if err != nil || out[0].Refused != "" || v.At == nil {
			t.Errorf("%+v, %v", out, err)
		}
		if now := h.must(f.App.CounterView(ctx, ad, apptest.HallA, "w1")); now.Seat.State != counter.SeatPaused {
			t.Errorf("the counter is %s", now.Seat.State)
		}
	})
}
