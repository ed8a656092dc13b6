package app_test

import (
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// A hall sets its day within the rulebook: what is set works at once, what is not follows the rulebook, and
// who saw an older setting is told.
func TestAHallSetsItsDayItself(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.book(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA, 10)
		v := h.book(apptest.Citizen(2), apptest.SocialCard, apptest.QueueA, 10)
		h.at(9, 0)
		ad := h.admin(0)
		in := app.CheckIn{Code: v.Code, Fact: lastFour(apptest.Citizen(2))}
		_, err := f.App.CheckIn(ctx, h.kiosk(), apptest.HallA, in)
		wantCode(t, err, fault.TooEarly, "an hour before the hour")
		before, err := f.App.FloorRules(ctx, ad, apptest.HallA)
		if err != nil || before.Version != 0 || before.Rules != before.Book {
			t.Fatalf("before: %+v, %v", before, err)
		}
		r := before.Rules
		r.CheckInBefore, r.WalkInAfter = time.Hour, 2
		if err := f.App.SetFloorRules(ctx, ad, apptest.HallA, 0, r); err != nil {
			t.Fatal(err)
		}
		wantCode(t, f.App.SetFloorRules(ctx, ad, apptest.HallA, 0, before.Book), fault.ChangedMeanwhile, "a setting made on an older one")
		wantCode(t, f.App.SetFloorRules(ctx, ad, apptest.HallA, 1, r), fault.NothingChanges, "the same again")
		after, err := f.App.FloorRules(ctx, ad, apptest.HallA)
		if err != nil || after.Version != 1 || after.Rules.CheckInBefore != time.Hour || after.Rules.WalkInAfter != 2 || after.Rules.PassedAfter != before.Book.PassedAfter {
			t.Errorf("after: %+v, %v", after, err)
		}
		if _, err := f.App.CheckIn(ctx, h.kiosk(), apptest.HallA, in); err != nil {
			t.Errorf("an hour before, where the hall allows an hour: %v", err)
		}
		for what, change := range map[string]func(*counter.Rules){
			"check_in_before": func(r *counter.Rules) { r.CheckInBefore = -time.Minute }, "walk_in_after": func(r *counter.Rules) { r.WalkInAfter = -1 },
			"passed_most": func(r *counter.Rules) { r.PassedMost = 0 }, "green": func(r *counter.Rules) { r.Green = "never" },
			"off_grid": func(r *counter.Rules) { r.OffGrid = time.Hour }, "silent_after": func(r *counter.Rules) { r.SilentAfter = time.Minute },
		} {
			bad := after.Rules
			change(&bad)
			e := fault.As(f.App.SetFloorRules(ctx, ad, apptest.HallA, 1, bad))
			if e == nil || len(e.Fields) != 1 || e.Fields[0].Path != what {
				t.Errorf("%s: %v", what, e)
			}
		}
		other := f.As(t, f.OpenAdmin(t, account.District2, apptest.DistrictB))
		wantCode(t, f.App.SetFloorRules(ctx, other, apptest.HallA, 1, before.Book), fault.HallNotFound, "another district's administrator")
		clerk := f.As(t, f.OpenAdmin(t, account.Clerk, apptest.DistrictA))
		wantCode(t, f.App.SetFloorRules(ctx, clerk, apptest.HallA, 1, before.Book), fault.NotAllowed, "a clerk")
		if acts := f.Acts(t, "hall", apptest.HallA); len(acts) != 1 || acts[0] != "hall.day" {
			t.Errorf("the log has %v", acts)
		}
	})
}

// Who was passed and never came back keeps no hall open.
func TestWhoNeverCameBackKeepsNoDayOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.at(16, 50)
		ad := h.clerks(1)[0]
		line := h.walkIns(1)
		h.must(f.App.OpenCounter(ctx, ad, apptest.HallA, "w1", nil))
		h.must(h.act(ad, "w1", counter.Act{Kind: counter.Call}))
		h.must(h.act(ad, "w1", counter.Act{Kind: counter.Pass}))
		h.at(17, 31)
		h.must(f.App.CounterView(ctx, ad, apptest.HallA, "w1"))
		if n, _, err := f.App.EndDays(ctx); n != 1 || err != nil {
			t.Errorf("%d days ended, %v", n, err)
		}
		if v, err := f.App.Ticket(ctx, line[0].Ticket.ID); err != nil || v.Ticket.Result != counter.NeverCame {
			t.Errorf("the ticket: %+v, %v", v.Ticket, err)
		}
		sound(t, f)
	})
}

// The paper list has who is booked, in order, masked; taking it is recorded.
func TestTheMorningsPaperList(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.book(apptest.Citizen(1), apptest.Estate, apptest.QueueAEstate, 10)
		h.book(apptest.Citizen(2), apptest.SocialCard, apptest.QueueA, 9)
		gone := h.book(apptest.Citizen(3), apptest.SocialCard, apptest.QueueA, 10)
		_, who := f.SignIn(t, apptest.Citizen(3))
		if _, err := f.App.Cancel(ctx, who, app.CancelRequest{Key: "cancel-0001", Code: gone.Code, Channel: booking.Web}); err != nil {
			t.Fatal(err)
		}
		list, err := f.App.FallbackList(ctx, h.admin(0), apptest.HallA, hallDate) // the evening before
		if err != nil || len(list) != 2 {
			t.Fatalf("%d rows, %v", len(list), err)
		}
		if list[0].Hour != 9 || list[0].No != 1 || list[0].Name != "陈**" || list[0].Tail != lastFour(apptest.Citizen(2)) || list[0].Prefix == "" || list[1].Hour != 10 ||
			list[0].Prefix == list[1].Prefix {
			t.Errorf("the list: %+v", list)
		}
		_, err = f.App.FallbackList(ctx, h.admin(0), apptest.HallA, hallDate+1)
		wantCode(t, err, fault.InvalidRequest, "a day further on")
		_, err = f.App.FallbackList(ctx, f.As(t, f.OpenAdmin(t, account.Municipal1, "agency-social")), apptest.HallA, hallDate)
		wantCode(t, err, fault.HallNotFound, "somebody else's hall")
		if acts := f.Acts(t, "hall", apptest.HallA); len(acts) != 1 || acts[0] != "arrivals.print" {
			t.Errorf("the log has %v", acts)
		}
	})
}

// A day ends by itself after the last hour: who waits is told so, the record is sealed, and nothing changes
// any more. It ends once.
func TestADayEndsAndIsSealed(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		b1, b2 := h.book(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA, 16), h.book(apptest.Citizen(2), apptest.SocialCard, apptest.QueueA, 16)
		h.at(16, 0)
		ad := h.admin(0)
		var tickets []app.TicketView
		for i, b := range []app.BookingView{b1, b2} {
			v, err := f.App.CheckIn(ctx, h.kiosk(), apptest.HallA, app.CheckIn{Code: b.Code, Fact: lastFour(apptest.Citizen(i + 1))})
			if err != nil {
				t.Fatal(err)
			}
			tickets = append(tickets, v)
		}
		w, err := f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, walkIn("walk-in-0001", apptest.Citizen(3), apptest.SocialCard))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.App.OpenCounter(ctx, ad, apptest.HallA, "w1", nil); err != nil {
			t.Fatal(err)
		}
		serve := func(key string, act counter.Act) {
			t.Helper()
			if _, err := f.App.Serve(ctx, ad, apptest.HallA, "w1", act, key); err != nil {
				t.Fatal(err)
			}
		}
		serve("serve-0001", counter.Act{Kind: counter.Call})
		serve("serve-0002", counter.Act{Kind: counter.Finish, Result: counter.Finished})
		serve("serve-0003", counter.Act{Kind: counter.Call})
		end := func(want int) {
			t.Helper()
			n, more, err := f.App.EndDays(ctx)
			if err != nil || n != want || more {
				t.Errorf("at %v: %d days ended, %v, want %d", f.Clock.Now(), n, err, want)
			}
		}
		h.at(17, 29)
		end(0)
		if _, err := f.App.CounterView(ctx, h.admin(0), apptest.HallA, "w1"); err != nil { // the counter is still there
			t.Fatal(err)
		}
		h.at(17, 31)
		end(0) // somebody is at a counter
		ad = h.admin(0)
		serve("serve-0004", counter.Act{Kind: counter.Finish, Result: counter.Finished})
		end(0) // one still waits, and the counter is open
		h.at(18, 5)
		end(1)
		end(0)
		r, err := f.App.DayRecord(ctx, apptest.HallA, hallDate)
		if err != nil || r.Figures.Tickets != 3 || r.Figures.Settled != 1 || r.Figures.Results[counter.Finished] != 2 || r.Figures.Results[counter.DayEnded] != 1 ||
			r.Figures.Queues[apptest.QueueA].Units != 2 || r.Figures.Waits.Called != 2 || len(r.Digest) != 64 {
			t.Errorf("the record: %+v, %v", r, err)
		}
		again, err := f.App.EndDay(ctx, apptest.HallA, hallDate)
		if err != nil || again.Digest != r.Digest || !again.Sealed.Equal(r.Sealed) {
			t.Errorf("ended again: %+v, %v", again, err)
		}
		now, err := f.App.Ticket(ctx, w.Ticket.ID)
		if err != nil || now.Ticket.State != counter.Left || now.Ticket.Result != counter.DayEnded {
			t.Errorf("who still waited: %+v, %v", now.Ticket, err)
		}
		for i, b := range []app.BookingView{b1, b2} {
			if got, err := f.App.Find(ctx, b.Code, lastFour(apptest.Citizen(i+1))); err != nil || got.Booking.State != booking.Done {
				t.Errorf("booking %d: %v, %v", i, got.Booking.State, err)
			}
		}
		ad = h.admin(0)
		_, err = f.App.Serve(ctx, ad, apptest.HallA, "w1", counter.Act{Kind: counter.Finish, Result: counter.Incomplete}, "serve-0009")
		wantCode(t, err, fault.DaySealed, "finish after the day")
		_, err = f.App.OpenCounter(ctx, ad, apptest.HallA, "w1", nil)
		wantCode(t, err, fault.DaySealed, "open after the day")
		_, err = f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, walkIn("walk-in-0002", apptest.Citizen(4), apptest.SocialCard))
		wantCode(t, err, fault.DaySealed, "a number after the day")
		wantCode(t, f.App.LeaveLine(ctx, tickets[0].Ticket.ID), fault.DaySealed, "leaving after the day")
		var completed []store.Completed
		if err := f.DB.View(ctx, func(tx *store.Tx) (err error) {
			completed, err = tx.CompletedOf(ctx, apptest.HallA, apptest.QueueA, hallDate, hallDate+1)
			return err
		}); err != nil || len(completed) != 1 || completed[0].N != 2 || completed[0].Source != "tickets" {
			t.Errorf("Art. 15: completed %+v, %v", completed, err)
		}
		sound(t, f)
		// A ticket changed behind the record's back is seen.
		if err := f.DB.Update(ctx, func(tx *store.Tx) error {
			list, err := tx.TicketsOn(ctx, apptest.HallA, hallDate)
			if err != nil {
				return err
			}
			list[0].Result = counter.Incomplete
			_, err = tx.SaveTicket(ctx, list[0], list[0].Version)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		found, err := app.Doctor(ctx, f.DB, f.Clock.Now(), nil, nil)
		if err != nil || !hasFinding(found, "day digest") {
			t.Errorf("the doctor found %v, %v", found, err)
		}
	})
}

func hasFinding(found []app.Finding, check string) bool {
	for _, f := range found {
		if f.Check == check {
			return true
		}
	}
	return false
}

// sound recounts everything.
func sound(t *testing.T, f *apptest.Fixture) {
	t.Helper()
	found, err := app.Doctor(t.Context(), f.DB, f.Clock.Now(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range found {
		if x.Error && x.Check != "engine" {
			t.Errorf("doctor: %s", x)
		}
	}
}
