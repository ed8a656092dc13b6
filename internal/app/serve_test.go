package app_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// walkIns gives n people a green number each and returns their tickets: they are called in this order.
func (h *hallDay) walkIns(n int) (out []app.TicketView) {
	h.t.Helper()
	desk := h.desk()
	for i := range n {
		h.n++
		v, err := h.App.TakeGreen(h.t.Context(), desk, apptest.HallA, app.Green{
			Key: fmt.Sprintf("line-%05d", h.n), Item: apptest.SocialCard, Name: "陈示例", Document: apptest.Citizen(500 + h.n).Document, Verified: counter.Elderly,
		})
		if err != nil {
			h.t.Fatal(i, err)
		}
		out = append(out, v)
		h.Clock.Add(time.Second)
	}
	return out
}

// clerks opens accounts that work at counters.
func (h *hallDay) clerks(n int) (out []*app.Admin) {
	h.t.Helper()
	for range n {
		out = append(out, h.As(h.t, h.OpenAdmin(h.t, account.Clerk, apptest.DistrictA)))
	}
	return out
}

func (h *hallDay) act(ad *app.Admin, at string, act counter.Act) (app.CounterView, error) {
	h.n++
	return h.App.Serve(h.t.Context(), ad, apptest.HallA, at, act, fmt.Sprintf("act-%06d", h.n))
}

func (h *hallDay) must(v app.CounterView, err error) app.CounterView {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

func (h *hallDay) history(id string) (kinds []counter.ActKind) {
	h.t.Helper()
	if err := h.DB.View(h.t.Context(), func(tx *store.Tx) error {
		kinds = nil
		list, err := tx.TicketEvents(h.t.Context(), apptest.HallA, id)
		for _, e := range list {
			kinds = append(kinds, e.Kind)
		}
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return kinds
}

func TestWhatCountersDo(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.at(9, 5)
		clerks := h.clerks(2)
		one, two := clerks[0], clerks[1]
		line := h.walkIns(4)
		_, err := h.act(one, "w1", counter.Act{Kind: counter.Call})
		wantCode(t, err, fault.CounterClosed, "a counter nobody has opened")
		h.must(f.App.OpenCounter(ctx, one, apptest.HallA, "w1", []string{apptest.QueueA}))
		h.must(f.App.OpenCounter(ctx, two, apptest.HallA, "w2", nil))
		v := h.must(h.act(one, "w1", counter.Act{Kind: counter.Call}))
		if v.At == nil || v.At.Ticket.ID != line[0].Ticket.ID || v.At.Name != "陈**" || v.Waiting != 3 || len(v.Line) != 3 || v.Line[0].Why != counter.WhyGreen {
			t.Fatalf("called: %+v", v)
		}
		first := line[0].Ticket.ID
		for what, c := range map[string]struct {
			who  *app.Admin
			at   string
			act  counter.Act
			want fault.Code
		}{
			"recall by another counter":            {two, "w2", counter.Act{Kind: counter.Recall, Ticket: first}, fault.TicketNotYours},
			"a call of who is called":              {two, "w2", counter.Act{Kind: counter.Call, Ticket: first}, fault.TicketNotYours},
			"an act at somebody else's counter":    {two, "w1", counter.Act{Kind: counter.Recall}, fault.CounterTaken},
			"finish with nobody there":             {two, "w2", counter.Act{Kind: counter.Finish, Result: counter.Finished}, fault.TicketNotFound},
			"finish without a result":              {one, "w1", counter.Act{Kind: counter.Finish}, fault.InvalidRequest},
			"transfer to where it is":              {one, "w1", counter.Act{Kind: counter.Transfer, Queue: apptest.QueueA}, fault.InvalidRequest},
			"transfer to a queue there is not":     {one, "w1", counter.Act{Kind: counter.Transfer, Queue: "no"}, fault.QueueNotFound},
			"an act there is not":                  {one, "w1", counter.Act{Kind: counter.Issue}, fault.InvalidRequest},
			"a ticket there is not":                {one, "w1", counter.Act{Kind: counter.Recall, Ticket: "aaaaaaaaaaaaaaaa"}, fault.TicketNotFound},
			"a counter there is not":               {one, "w9", counter.Act{Kind: counter.Call}, fault.CounterNotFound},
			"return of one who stands at the desk": {one, "w1", counter.Act{Kind: counter.Return}, fault.TicketNotYours},
		} {
			_, err := h.act(c.who, c.at, c.act)
			wantCode(t, err, c.want, what)
		}
		h.must(h.act(one, "w1", counter.Act{Kind: counter.Recall}))
		v = h.must(h.act(one, "w1", counter.Act{Kind: counter.Pass}))
		if v.At != nil || len(v.Passed) != 1 {
			t.Errorf("after passing: %+v", v)
		}
		v = h.must(h.act(one, "w1", counter.Act{Kind: counter.Return, Ticket: first}))
		if len(v.Passed) != 0 || v.Waiting != 4 {
			t.Errorf("back in line: %+v", v)
		}
		second := h.must(h.act(one, "w1", counter.Act{Kind: counter.Call})).At.Ticket.ID
		if second != line[1].Ticket.ID {
			t.Errorf("who was passed is called before others: %s", second)
		}
		v = h.must(h.act(one, "w1", counter.Act{Kind: counter.Hold}))
		if v.At != nil || len(v.Held) != 1 {
			t.Errorf("set aside: %+v", v)
		}
		third := h.must(h.act(one, "w1", counter.Act{Kind: counter.Call})).At.Ticket
		_, err = h.act(one, "w1", counter.Act{Kind: counter.Return, Ticket: second})
		wantCode(t, err, fault.CounterBusy, "taking up again while somebody is there")
		v = h.must(h.act(one, "w1", counter.Act{Kind: counter.Transfer, Queue: apptest.QueueAEstate}))
		moved := h.must(f.App.CounterView(ctx, two, apptest.HallA, "w2"))
		at := slices.IndexFunc(moved.Line, func(l app.LineView) bool { return l.Ticket.ID == third.ID })
		if v.At != nil || at < 0 || moved.Line[at].Ticket.QueueID != apptest.QueueAEstate || !moved.Line[at].Ticket.PlaceAt.Equal(third.PlaceAt) || moved.Line[at].Ticket.Number != third.Number {
			t.Errorf("transferred with its place: %+v", moved.Line)
		}
		h.must(h.act(one, "w1", counter.Act{Kind: counter.Return, Ticket: second}))
		h.must(h.act(one, "w1", counter.Act{Kind: counter.Finish, Result: counter.Incomplete}))
		_, err = h.act(one, "w1", counter.Act{Kind: counter.Recall, Ticket: second})
		if e := fault.As(err); e == nil || e.Code != fault.TicketOver || e.Args["state"] != "done" {
			t.Errorf("recall of who is done: %v", err)
		}
		want := []counter.ActKind{counter.Issue, counter.Call, counter.Hold, counter.Return, counter.Finish}
		if got := h.history(second); !slices.Equal(got, want) {
			t.Errorf("history %v, want %v", got, want)
		}
		// Nobody waits any more: the last call finishes who is there.
		for range 4 {
			_, err = h.act(two, "w2", counter.Act{Kind: counter.Call})
		}
		wantCode(t, err, "", "calling until nobody is left")
		_, err = h.act(two, "w2", counter.Act{Kind: counter.Call})
		wantCode(t, err, fault.NobodyWaits, "calling when nobody waits")
		sound(t, f)
	})
}

func TestAnActIsDoneOnceUnderItsKey(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.at(9, 5)
		ad := h.clerks(1)[0]
		h.walkIns(3)
		h.must(f.App.OpenCounter(ctx, ad, apptest.HallA, "w1", nil))
		first := h.must(f.App.Serve(ctx, ad, apptest.HallA, "w1", counter.Act{Kind: counter.Call}, "press-0001"))
		again := h.must(f.App.Serve(ctx, ad, apptest.HallA, "w1", counter.Act{Kind: counter.Call}, "press-0001"))
		if again.At == nil || again.At.Ticket.ID != first.At.Ticket.ID || again.Waiting != 2 {
			t.Errorf("the same press again: %+v", again)
		}
		_, err := f.App.Serve(ctx, ad, apptest.HallA, "w1", counter.Act{Kind: counter.Pass}, "press-0001")
		wantCode(t, err, fault.KeyReused, "the same key for another act")
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := f.App.Serve(ctx, ad, apptest.HallA, "w1", counter.Act{Kind: counter.Call}, "press-0002"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if v := h.must(f.App.CounterView(ctx, ad, apptest.HallA, "w1")); v.Waiting != 1 {
			t.Errorf("eight times the same press: %d wait", v.Waiting)
		}
		_, err = f.App.Serve(ctx, ad, apptest.HallA, "w1", counter.Act{Kind: counter.Call}, "no")
		wantCode(t, err, fault.InvalidRequest, "no key")
	})
}

// Twenty clerks call at once until nobody is left: each person is called once, in the order of the line.
func TestTwoClerksNeverGetTheSamePerson(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		const counters, people = 20, 50
		var list []string
		if err := f.DB.Update(ctx, func(tx *store.Tx) error {
			list = nil
			for i := range counters {
				c := manyCounters(i)
				list = append(list, c.ID)
				if err := tx.SaveCounters(ctx, counterList(c)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := f.App.Reload(ctx); err != nil {
			t.Fatal(err)
		}
		h.at(9, 5)
		line := h.walkIns(people)
		clerks := h.clerks(counters)
		for i, ad := range clerks {
			h.must(f.App.OpenCounter(ctx, ad, apptest.HallA, list[i], nil))
		}
		var mu sync.Mutex
		called := map[string]int{}
		var wg sync.WaitGroup
		for i, ad := range clerks {
			wg.Go(func() {
				for n := 0; ; n++ {
					v, err := f.App.Serve(ctx, ad, apptest.HallA, list[i], counter.Act{Kind: counter.Call}, fmt.Sprintf("crowd-%02d-%04d", i, n))
					if fault.CodeOf(err) == fault.NobodyWaits || err == nil && v.At == nil {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					called[v.At.Ticket.ID]++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for _, v := range line {
			if called[v.Ticket.ID] != 1 {
				t.Errorf("%s was called %d times", v.Ticket.Number, called[v.Ticket.ID])
			}
		}
		sound(t, f)
	})
}

func TestWhoSitsAtACounter(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.at(9, 5)
		clerks := h.clerks(2)
		one, two := clerks[0], clerks[1]
		line := h.walkIns(3)
		open := func(ad *app.Admin, at string) (app.CounterView, error) {
			return f.App.OpenCounter(ctx, ad, apptest.HallA, at, nil)
		}
		_, err := f.App.OpenCounter(ctx, one, apptest.HallA, "w3", []string{apptest.QueueA})
		wantCode(t, err, fault.InvalidRequest, "a queue the counter does not serve")
		h.must(open(one, "w1"))
		_, err = open(two, "w1")
		wantCode(t, err, fault.CounterTaken, "a counter somebody sits at")
		_, err = f.App.PauseCounter(ctx, two, apptest.HallA, "w1")
		wantCode(t, err, fault.CounterTaken, "pausing somebody else's counter")
		v := h.must(f.App.PauseCounter(ctx, one, apptest.HallA, "w1"))
		if v.Seat.State != counter.SeatPaused {
			t.Errorf("paused: %+v", v.Seat)
		}
		_, err = h.act(one, "w1", counter.Act{Kind: counter.Call})
		wantCode(t, err, fault.CounterPaused, "calling in a pause")
		h.must(f.App.ResumeCounter(ctx, one, apptest.HallA, "w1"))
		h.must(h.act(one, "w1", counter.Act{Kind: counter.Call}))
		_, err = f.App.CloseCounter(ctx, one, apptest.HallA, "w1")
		wantCode(t, err, fault.CounterBusy, "closing with somebody there")
		_, err = open(one, "w2")
		wantCode(t, err, fault.CounterBusy, "leaving somebody at the counter for another one")
		h.must(h.act(one, "w1", counter.Act{Kind: counter.Hold}))
		h.must(open(one, "w2")) // one account, one counter: the first is left, who was set aside waits for another
		got := h.must(f.App.CounterView(ctx, one, apptest.HallA, "w1"))
		if got.Seat.State != counter.SeatClosed || got.Mine || len(got.Held) != 0 || got.Line[0].Ticket.ID != line[0].Ticket.ID {
			t.Errorf("the counter that was left: %+v", got)
		}
		// Who was not heard of for longer than a counter may work by itself has left it.
		f.Clock.Add(29 * time.Minute)
		_, err = open(two, "w2")
		wantCode(t, err, fault.CounterTaken, "a counter that may be working by itself")
		f.Clock.Add(2 * time.Minute)
		if v := h.must(open(two, "w2")); !v.Mine || v.Seat.Account != two.Account.ID {
			t.Errorf("taken over: %+v", v.Seat)
		}
		_, err = h.act(one, "w2", counter.Act{Kind: counter.Call})
		wantCode(t, err, fault.CounterTaken, "the one who left")
		h.must(f.App.CloseCounter(ctx, two, apptest.HallA, "w2"))
		_, err = f.App.CloseCounter(ctx, two, apptest.HallA, "w2")
		wantCode(t, err, fault.CounterClosed, "closing twice")
		if acts := f.Acts(t, "counter", apptest.HallA+" w1"); !slices.Equal(acts, []string{"counter.open", "counter.pause", "counter.resume"}) {
			t.Errorf("the log of the counter: %v", acts)
		}
		apart := f.As(t, f.OpenAdmin(t, account.Clerk, apptest.DistrictB))
		_, err = open(apart, "w1")
		wantCode(t, err, fault.HallNotFound, "a clerk of another hall")
		_, err = f.App.CounterView(ctx, apart, apptest.HallA, "w1")
		wantCode(t, err, fault.HallNotFound, "another hall's counter")
		sound(t, f)
	})
}
