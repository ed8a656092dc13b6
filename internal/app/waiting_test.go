package app_test

import (
	"fmt"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
)

// green gives n people a number of the green channel at the social queue, a minute apart.
func (h *hallDay) green(from, n int) (out []app.TicketView) {
	h.t.Helper()
	for i := from; i < from+n; i++ {
		p := apptest.Citizen(i)
		v, err := h.App.TakeGreen(h.t.Context(), h.desk(), apptest.HallA, app.Green{
			Key: fmt.Sprintf("green-%04d", i), Item: apptest.SocialCard, Name: p.Name, Document: p.Document, Phone: p.Phone, Verified: counter.Elderly,
		})
		if err != nil {
			h.t.Fatal(err)
		}
		out = append(out, v)
		h.Clock.Add(time.Minute)
	}
	return out
}

func (h *hallDay) call(key string) app.CounterView {
	h.t.Helper()
	v, err := h.App.Serve(h.t.Context(), h.admin(0), apptest.HallA, "w1", counter.Act{Kind: counter.Call}, key)
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

// nearMessages settles what is due and returns the numbers that were told they are near.
func (h *hallDay) nearMessages() (numbers []string) {
	h.t.Helper()
	due, err := h.App.DueMessages(h.t.Context(), 100, time.Minute)
	if err != nil {
		h.t.Fatal(err)
	}
	var settled []app.Settled
	for _, m := range due {
		if m.Row.Kind == booking.MessageNear {
			if m.Ticket == nil || m.Phone == "" || m.Ticket.Ticket.Sealed != nil || len(m.Row.Ref()) > 20 {
				h.t.Errorf("a message about a ticket: %+v", m)
			}
			if !m.Stale {
				numbers = append(numbers, m.Ticket.Ticket.Number)
			}
		}
		settled = append(settled, app.Settled{Row: m.Row, State: app.MessageSent})
	}
	if err := h.App.SettleMessages(h.t.Context(), settled); err != nil {
		h.t.Fatal(err)
	}
	return numbers
}

func TestThreeAheadIsToldOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		h := newHallDay(t, f)
		h.at(9, 0)
		if _, err := f.App.OpenCounter(t.Context(), h.admin(0), apptest.HallA, "w1", nil); err != nil {
			t.Fatal(err)
		}
		list := h.green(1, 7)
		if got := h.nearMessages(); got != nil {
			t.Fatalf("told before anybody was called: %v", got)
		}
		h.call("call-0001") // the fifth has three ahead now; the four before were near from the beginning
		if got := h.nearMessages(); len(got) != 1 || got[0] != list[4].Ticket.Number {
			t.Fatalf("told: %v", got)
		}
		h.call("call-0002")
		h.call("call-0003")
		if got := h.nearMessages(); len(got) != 2 || got[0] == list[4].Ticket.Number {
			t.Fatalf("told then: %v", got)
		}
		if got := h.nearMessages(); got != nil {
			t.Fatalf("told again: %v", got)
		}
		// One who was called before the message went is not told any more.
		h.green(8, 2)
		h.call("call-0004")
		h.call("call-0005")
		for _, id := range []string{list[6].Ticket.ID} {
			if v, err := f.App.Ticket(t.Context(), id); err != nil || v.Ticket.State != counter.Waiting || v.Ahead != 1 {
				t.Errorf("the seventh: %+v, %v", v, err)
			}
		}
	})
}

func TestWaitsAreKnownToEverybody(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		of := func() app.QueueWait {
			t.Helper()
			if err := f.App.RefreshWaits(ctx); err != nil {
				t.Fatal(err)
			}
			page, _ := f.App.CityWaiting(app.WaitQuery{Item: apptest.SocialCard, District: apptest.DistrictA, Limit: 50})
			for _, v := range page {
				for _, q := range v.Queues {
					if q.Queue.ID == apptest.QueueA {
						if age := f.Clock.Now().Sub(v.At); age < 0 || age > time.Minute {
							t.Errorf("%v old", age)
						}
						return q
					}
				}
			}
			t.Fatal("the queue is not in the list")
			return app.QueueWait{}
		}
		h.at(8, 30)
		if q := of(); q.State != app.WaitNotBegun || q.Wait.Known {
			t.Errorf("in the morning: %+v", q)
		}
		h.at(9, 0)
		if _, err := f.App.OpenCounter(ctx, h.admin(0), apptest.HallA, "w1", nil); err != nil {
			t.Fatal(err)
		}
		if q := of(); q.State != app.WaitOpen || !q.Wait.Known || q.Wait.Late != 0 || q.Counters != 1 {
			t.Errorf("with a free counter: %+v", q)
		}
		list := h.green(1, 6)
		f.Clock.Add(10 * time.Second)
		q := of()
		// After three of the green channel it is the turn of one other: three services of the usual length.
		if q.Waiting != 6 || q.Wait.Late <= q.Wait.Early || q.Wait.Guess != 27*time.Minute {
			t.Errorf("with six people in line: %+v", q)
		}
		if one, err := f.App.Waiting(ctx, apptest.HallA); err != nil || one.Queues[0].Queue == nil || one.Hall.ID != apptest.HallA {
			t.Errorf("the hall alone: %+v, %v", one, err)
		}
		if last := list[5].Ticket; last.Late <= last.Early || last.Guess == 0 {
			t.Errorf("the sixth was told %d–%d around %d", last.Early, last.Late, last.Guess)
		}
		if _, err := f.App.Waiting(ctx, "nowhere"); fault.CodeOf(err) != fault.HallNotFound {
			t.Errorf("a hall that is none: %v", err)
		}
		// A place sorts by the way to it; the hall of which nobody knows where it is comes last.
		near, _ := f.App.CityWaiting(app.WaitQuery{Sort: app.ByDistance, Near: &app.Place{Latitude: 23.13, Longitude: 113.26}, Limit: 50})
		for i := range near[1:] {
			if near[i].Km < 0 && near[i+1].Km >= 0 || near[i+1].Km >= 0 && near[i].Km > near[i+1].Km {
				t.Errorf("%v before %v", near[i].Km, near[i+1].Km)
			}
		}
		short, _ := f.App.CityWaiting(app.WaitQuery{Sort: app.ByWait, Limit: 50})
		for i := range short[1:] {
			if short[i].Longest() > short[i+1].Longest() {
				t.Errorf("%v before %v", short[i].Longest(), short[i+1].Longest())
			}
		}
	})
}

func TestHallsLearnFromTheirDays(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.at(9, 0)
		if _, err := f.App.OpenCounter(ctx, h.admin(0), apptest.HallA, "w1", nil); err != nil {
			t.Fatal(err)
		}
		list := h.green(1, 6)
		for i := range list {
			h.call(fmt.Sprintf("call-%04d", i))
			f.Clock.Add(5 * time.Minute)
		}
		if more, err := f.App.LearnWaits(ctx); more || err != nil {
			t.Fatal(more, err)
		}
		if told, _ := f.App.WaitCoverage(); told != 0 {
			t.Errorf("%d ranges of a day that is not over", told)
		}
		want, held := 0, 0
		for _, v := range list {
			now, err := f.App.Ticket(ctx, v.Ticket.ID)
			if err != nil {
				t.Fatal(err)
			}
			if now.Ticket.Late > 0 {
				want++
				if s := int(now.Ticket.FirstAt.Sub(now.Ticket.IssuedAt) / time.Second); now.Ticket.Early <= s && s <= now.Ticket.Late {
					held++
				}
			}
		}
		f.Clock.Set((hallDate + 1).At(1, 0))
		if _, err := f.App.LearnWaits(ctx); err != nil {
			t.Fatal(err)
		}
		if told, got := f.App.WaitCoverage(); want == 0 || told != want || got != held {
			t.Errorf("%d of %d ranges held, want %d of %d", got, told, held, want)
		}
		if more, err := f.App.LearnWaits(ctx); more || err != nil {
			t.Errorf("nothing is left to learn: %v, %v", more, err)
		}
	})
}

// A hall that is taught by days from elsewhere tells ranges from them, and does not forget them for one day of its own.
func TestHallsAreTaughtByDaysFromElsewhere(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		var past []*counter.Ticket
		for day := range 10 {
			for i := range 40 { // a guess of 27 minutes was right within two minutes
				at := (hallDate - 20).At(9, i).Add(time.Duration(day) * 24 * time.Hour)
				first := at.Add(27*time.Minute + time.Duration(i%5-2)*time.Minute)
				past = append(past, &counter.Ticket{
					QueueID: apptest.QueueA, Kind: counter.Green, State: counter.Done, Calls: 1, IssuedAt: at, FirstAt: first, CalledAt: first, EndedAt: first.Add(9 * time.Minute),
					Guess: 27 * 60, Early: 20 * 60, Late: 30 * 60,
				})
			}
		}
		if err := f.App.TeachWaits(ctx, apptest.HallA, append(past, &counter.Ticket{QueueID: apptest.QueueA})); err != nil { // the last was never called
			t.Fatal(err)
		}
		if err := f.App.ReadWaits(ctx); err != nil {
			t.Fatal(err)
		}
		if told, held := f.App.WaitCoverage(); told != 400 || held != 400 {
			t.Errorf("%d of %d ranges held", held, told)
		}
		wide := func() time.Duration {
			t.Helper()
			v, err := f.App.Waiting(ctx, apptest.HallA)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range v.Queues {
				if q.Queue.ID == apptest.QueueA {
					return q.Wait.Late - q.Wait.Early
				}
			}
			t.Fatal("the queue is not there")
			return 0
		}
		h.at(9, 0)
		if _, err := f.App.OpenCounter(ctx, h.admin(0), apptest.HallA, "w1", nil); err != nil {
			t.Fatal(err)
		}
		h.green(1, 6)
		f.Clock.Add(time.Minute)
		if got := wide(); got > 6*time.Minute {
			t.Errorf("the first range told is %v wide", got)
		}
		h.call("call-0001")
		f.Clock.Set((hallDate + 1).At(1, 0))
		if _, err := f.App.LearnWaits(ctx); err != nil {
			t.Fatal(err)
		}
		if told, _ := f.App.WaitCoverage(); told > 6 {
			t.Errorf("%d ranges are told of the hall's own one day", told)
		}
		f.Clock.Set((hallDate + 1).At(9, 0))
		if _, err := f.App.OpenCounter(ctx, h.admin(0), apptest.HallA, "w1", nil); err != nil {
			t.Fatal(err)
		}
		h.green(7, 6)
		f.Clock.Add(time.Minute)
		if got := wide(); got > 6*time.Minute {
			t.Errorf("after one day of its own a range is %v wide", got)
		}
	})
}
