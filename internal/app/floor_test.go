package app_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// hallDay is a day at the district hall: staff with a counter each, people who booked.
type hallDay struct {
	*apptest.Fixture
	t     *testing.T
	staff []*apptest.Operator
	n     int
}

// hallDate is the day of the hall's day: a Wednesday, the day after the fixture begins.
var hallDate = calendar.DateOf(apptest.Start) + 1

func newHallDay(t *testing.T, f *apptest.Fixture) *hallDay {
	t.Helper()
	h := &hallDay{Fixture: f, t: t}
	h.staff = append(h.staff, f.OpenAdmin(t, account.District2, apptest.DistrictA), f.OpenAdmin(t, account.District2, apptest.DistrictA))
	return h
}

// book makes person book the n-th free hour of a queue of hallDate, on the day before.
func (h *hallDay) book(p identity.Person, item, queue string, hour int) app.BookingView {
	h.t.Helper()
	h.n++
	_, who := h.SignIn(h.t, p)
	r, err := h.App.Book(h.t.Context(), who, app.BookRequest{
		Key: fmt.Sprintf("hall-day-%04d", h.n), Item: item, SlotID: booking.SlotID(queue, hallDate, hour), Stage: directory.Acceptance,
		Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return r.View
}

// at moves the clock to an instant of today and returns staff, signed in anew.
func (h *hallDay) at(hour, minute int) {
	h.Clock.Set(hallDate.At(hour, minute))
}

func (h *hallDay) admin(i int) *app.Admin {
	h.t.Helper()
	ad, err := h.App.Admin(h.t.Context(), h.staff[i].Token)
	if err != nil {
		h.staff[i].Token = h.SignInAdmin(h.t, h.staff[i])
		if ad, err = h.App.Admin(h.t.Context(), h.staff[i].Token); err != nil {
			h.t.Fatal(err)
		}
	}
	return ad
}

func (h *hallDay) desk() app.By { return app.By{Admin: h.admin(0), Channel: app.AtDesk} }
func (h *hallDay) kiosk() app.By {
	return app.By{Device: &app.Device{Device: counter.Device{ID: "kiosk-1", HallID: apptest.HallA, Kind: counter.Kiosk}}, Channel: app.AtKiosk}
}

func lastFour(p identity.Person) string { return p.Document.Number[len(p.Document.Number)-4:] }

func walkIn(key string, p identity.Person, item string) app.OnSite {
	return app.OnSite{Key: key, Item: item, Name: p.Name, Document: p.Document, Birth: p.Birth, Phone: p.Phone}
}

func wantCode(t *testing.T, err error, want fault.Code, what string) {
	t.Helper()
	if fault.CodeOf(err) != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

func TestADayInTheHall(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		booked := h.book(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA, 9)
		changes, stop := f.App.WatchFloor(apptest.HallA)
		defer stop()
		h.at(8, 50)
		v, err := f.App.CheckIn(ctx, h.kiosk(), apptest.HallA, app.CheckIn{Code: booked.Code, Fact: lastFour(apptest.Citizen(1))})
		if err != nil {
			t.Fatal(err)
		}
		if v.Ticket.State != counter.Waiting || len(v.Ticket.Number) != 4 || v.Ticket.Sealed != nil || v.Name != "陈**" || v.Ahead != 0 || len(v.Ticket.ID) != 16 {
			t.Errorf("the ticket: %+v", v)
		}
		select {
		case <-changes:
		default:
			t.Error("who watches the hall was not told of the arrival")
		}
		h.at(9, 1)
		ad := h.admin(0)
		w, err := f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, walkIn("walk-in-0001", apptest.Citizen(2), apptest.SocialCard))
		if err != nil {
			t.Fatal(err)
		}
		g, err := f.App.TakeGreen(ctx, h.desk(), apptest.HallA, app.Green{
			Key: "green-0001", Item: apptest.SocialCard, Name: "林示例", Document: apptest.Citizen(3).Document, Verified: counter.Elderly,
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := f.App.OpenCounter(ctx, ad, apptest.HallA, "w1", nil)
		if err != nil || !c.Mine || c.Waiting != 3 {
			t.Fatalf("open: %+v, %v", c, err)
		}
		for i, want := range []string{g.Ticket.ID, v.Ticket.ID, w.Ticket.ID} {
			if c, err = f.App.Serve(ctx, ad, apptest.HallA, "w1", counter.Act{Kind: counter.Call}, fmt.Sprintf("serve-%04d", i)); err != nil {
				t.Fatal(err)
			}
			if c.At == nil || c.At.Ticket.ID != want {
				t.Fatalf("call %d: %+v", i, c.At)
			}
			f.Clock.Add(time.Minute)
		}
		view, err := f.App.FloorView(ctx, apptest.HallA)
		if err != nil || len(view.Calls) != 3 || view.Calls[0].Number != w.Ticket.Number || view.Calls[0].CounterLabel != "1 号窗口" || view.Calls[0].Name != "陈**" {
			t.Errorf("the hall sees %+v, %v", view.Calls, err)
		}
		if _, err = f.App.Serve(ctx, ad, apptest.HallA, "w1", counter.Act{Kind: counter.Finish, Result: counter.Finished}, "serve-0009"); err != nil {
			t.Fatal(err)
		}
		now, err := f.App.Ticket(ctx, v.Ticket.ID)
		if err != nil || now.Ticket.State != counter.Done || now.Ticket.Result != counter.Finished {
			t.Errorf("the ticket after it: %+v, %v", now, err)
		}
		done, err := f.App.Find(ctx, booked.Code, lastFour(apptest.Citizen(1)))
		if err != nil || done.Booking.State != booking.Done {
			t.Errorf("the booking after it: %+v, %v", done.Booking, err)
		}
	})
}

// What one node changes is seen by who watches at another.
func TestAnotherNodesChangesAreSeen(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.at(9, 5)
		other, err := app.New(ctx, app.Config{DB: f.DB, Vault: f.Vault, Now: f.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(other.Close)
		follow, stop := context.WithCancel(ctx)
		var wg sync.WaitGroup
		wg.Go(func() { other.FollowFloors(follow, 10*time.Millisecond) })
		defer wg.Wait()
		defer stop()
		changes, leave := other.WatchFloor(apptest.HallA)
		defer leave()
		elsewhere, leave2 := other.WatchFloor(apptest.HallB)
		defer leave2()
		before, err := other.FloorView(ctx, apptest.HallA)
		if err != nil || before.Revision != 0 || len(before.Queues) != 3 || before.Queues[0].Waiting != 0 {
			t.Fatalf("before: %+v, %v", before, err)
		}
		h.walkIns(1)
		select {
		case <-changes:
		case <-time.After(10 * time.Second):
			t.Fatal("the other node did not see it")
		}
		after, err := other.FloorView(ctx, apptest.HallA)
		if err != nil || after.Revision != 1 || waitingIn(after, apptest.QueueA) != 1 {
			t.Errorf("after: %+v, %v", after, err)
		}
		select {
		case <-elsewhere:
			t.Error("who watches another hall was woken")
		default:
		}
	})
}

func waitingIn(v app.FloorView, queue string) int {
	for _, q := range v.Queues {
		if q.Queue.ID == queue {
			return q.Waiting
		}
	}
	return -1
}

// Who was called and was not there comes back at the desk, a kiosk or by phone, and leaves by phone.
func TestComingBackAndLeaving(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		b := h.book(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA, 9)
		h.at(9, 5)
		ad := h.clerks(1)[0]
		v, err := f.App.CheckIn(ctx, h.kiosk(), apptest.HallA, app.CheckIn{Code: b.Code, Fact: lastFour(apptest.Citizen(1))})
		if err != nil {
			t.Fatal(err)
		}
		id := v.Ticket.ID
		h.must(f.App.OpenCounter(ctx, ad, apptest.HallA, "w1", nil))
		h.must(h.act(ad, "w1", counter.Act{Kind: counter.Call}))
		_, err = f.App.ComeBack(ctx, h.kiosk(), apptest.HallA, id)
		wantCode(t, err, fault.TicketNotYours, "coming back while being called")
		wantCode(t, f.App.LeaveLine(ctx, id), fault.TicketNotYours, "leaving while being called")
		h.must(h.act(ad, "w1", counter.Act{Kind: counter.Pass}))
		for range 2 {
			if back, err := f.App.ComeBack(ctx, h.kiosk(), apptest.HallA, id); err != nil || back.Ticket.State != counter.Waiting || back.Ahead != 0 {
				t.Errorf("coming back: %+v, %v", back, err)
			}
		}
		for range 2 {
			if err := f.App.LeaveLine(ctx, id); err != nil {
				t.Errorf("leaving: %v", err)
			}
		}
		wantCode(t, f.App.LeaveLine(ctx, "aaaaaaaaaaaaaaaa"), fault.TicketNotFound, "leaving with no number")
		if h.state(b) != booking.Done {
			t.Errorf("the booking of who left is %s", h.state(b))
		}
		_, err = f.App.ComeBack(ctx, h.kiosk(), apptest.HallA, id)
		wantCode(t, err, fault.TicketOver, "coming back after leaving")
		// Their claims are free: the same item can be booked again.
		_, who := f.SignIn(t, apptest.Citizen(1))
		if _, err := f.App.Book(ctx, who, self("again-0001", f.FreeSlots(apptest.QueueA)[0])); err != nil {
			t.Errorf("booking the item again: %v", err)
		}
		sound(t, f)
	})
}
