package app_test

import (
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// batchWait asks to wait for a batch in the hour from 10 of the hall's day.
func batchWait(key string, list []booking.Party) app.WaitRequest {
	return app.WaitRequest{
		Key: key, Item: apptest.Estate, Stage: directory.Acceptance, Cases: list, Channel: booking.API,
		Wants:     app.Wants{Halls: []string{apptest.HallA}, Dates: []calendar.Date{hallDate}, Hours: []int{10}},
		Applicant: app.Applicant{Kind: booking.Organisation, Name: "示例有限公司", CreditCode: identity.SyntheticCreditCode("000000", 2)},
	}
}

// secondAgent is an agent of another organisation than the first.
func (w *inLine) secondAgent() *identity.Session {
	p := apptest.Agent()
	p.Document = apptest.Citizen(903).Document
	_, s := w.SignIn(w.T, p)
	return s
}

func TestArt15_ABatchWaitsWithItsListAndWhatIsTakenOffABatchGoesToTheLine(t *testing.T) {
	waitOnBoth(t, func(w *inLine) {
		ctx := t.Context()
		slot := booking.SlotID(apptest.QueueAEstate, hallDate, 10)
		_, agent := w.SignIn(t, apptest.Agent())
		got, err := w.App.Book(ctx, agent, batchOf("batch-0001", slot, people(31, 5)))
		if err != nil {
			t.Fatal(err)
		}
		second := w.secondAgent()
		left := free(w.Fixture, slot)
		if left >= 5 || left == 0 {
			t.Fatalf("%d left of the hour", left)
		}
		for name, c := range map[string]struct {
			change func(*app.WaitRequest)
			want   fault.Code
		}{
			"no list":         {func(r *app.WaitRequest) { r.Units, r.Cases = 5, nil }, fault.BatchUnequal},
			"too short":       {func(r *app.WaitRequest) { r.Units = 5; r.Cases = r.Cases[:4] }, fault.BatchUnequal},
			"too many":        {func(r *app.WaitRequest) { r.Cases = people(41, 6) }, fault.BatchTooLarge},
			"somebody twice":  {func(r *app.WaitRequest) { r.Cases[1] = r.Cases[0] }, fault.InvalidRequest},
			"what is free":    {func(r *app.WaitRequest) { r.Cases = r.Cases[:left] }, fault.PlaceFree},
			"no batch at all": {func(r *app.WaitRequest) { r.Item = apptest.SocialCard }, fault.BatchNotOffered},
		} {
			r := batchWait("refuse-0001", people(41, 5))
			c.change(&r)
			_, err := w.App.JoinWait(ctx, second, r)
			wantCode(t, err, c.want, name)
		}
		v, err := w.App.JoinWait(ctx, second, batchWait("wait-00001", people(41, 5)))
		if err != nil || v.Entry.Units != 5 || v.Entry.Cases != 5 {
			t.Fatalf("joined: %+v, %v", v.Entry, err)
		}
		if again, err := w.App.JoinWait(ctx, second, batchWait("wait-00001", people(41, 5))); err != nil || !again.Replayed {
			t.Errorf("the same again: %v", err)
		}
		_, err = w.App.JoinWait(ctx, second, batchWait("wait-00001", people(42, 5)))
		wantCode(t, err, fault.KeyReused, "another list under the same key")
		_, err = w.App.ChangeWait(ctx, second, v.Code, 4, batchWait("", nil).Wants)
		wantCode(t, err, fault.BatchUnequal, "fewer units than there are on the list")
		w.sound()

		// One case taken off frees one number. With what is free besides it is what the batch waits for.
		if _, err := w.App.Reduce(ctx, agent, app.ReduceRequest{Key: "reduce-001", Code: got.View.Code, Cases: []int{2}, Channel: booking.Web}); err != nil {
			t.Fatal(err)
		}
		if n := free(w.Fixture, slot); n != left {
			t.Errorf("%d free to all after a case was taken off, before %d", n, left)
		}
		w.sound()
		w.serve()
		w.want(second, v.Code, booking.WaitBooked)
		b, err := w.App.Booking(ctx, second, v.Code)
		list, listErr := w.App.Batch(ctx, second, v.Code)
		if err != nil || listErr != nil || b.Booking.Units != 5 || len(list) != 5 || list[0].State != booking.CaseOpen {
			t.Errorf("the booking: %+v, list %+v, %v, %v", b.Booking, list, err, listErr)
		}
		if n := free(w.Fixture, slot); n != 0 {
			t.Errorf("%d free", n)
		}
		w.sound()
		// It is a batch like any other.
		if _, err := w.App.Reduce(ctx, second, app.ReduceRequest{Key: "reduce-002", Code: v.Code, Cases: []int{1, 5}, Channel: booking.Web}); err != nil {
			t.Error(err)
		}
	})
}

func TestArt15_ABatchIsPassedOverWhileOneOnItsListHasTheItem(t *testing.T) {
	waitOnBoth(t, func(w *inLine) {
		ctx := t.Context()
		slot := booking.SlotID(apptest.QueueAEstate, hallDate, 10)
		_, agent := w.SignIn(t, apptest.Agent())
		got, err := w.App.Book(ctx, agent, batchOf("batch-0001", slot, people(31, 5)))
		if err != nil {
			t.Fatal(err)
		}
		second := w.secondAgent()
		v, err := w.App.JoinWait(ctx, second, batchWait("wait-00001", people(41, 5)))
		if err != nil {
			t.Fatal(err)
		}
		_, third := w.SignIn(t, apptest.Citizen(43))
		r := self("booked-0001", booking.SlotID(apptest.QueueBEstate, hallDate, 10))
		r.Item = apptest.Estate
		if _, err := w.App.Book(ctx, third, r); err != nil {
			t.Fatal(err)
		}
		w.cancel(agent, got.View.Code)
		w.serve()
		w.want(second, v.Code, booking.Waiting)
		w.sound()
		// Who leaves takes the list along.
		if _, err := w.App.LeaveWait(ctx, second, v.Code); err != nil {
			t.Fatal(err)
		}
	})
}

// In a queue that draws the line is served first, and the draw orders what is left.
func TestArt15_TheLineIsServedBeforeADraw(t *testing.T) {
	waitOnBoth(t, func(w *inLine) {
		ctx := t.Context()
		d := newDrawing(t, w.Fixture)
		slot := d.slots[0]
		_, date, hour, _ := booking.ParseSlotID(slot)
		join := func() (*identity.Session, string) {
			t.Helper()
			who := w.person()
			r := w.request(hour)
			r.Wants = app.Wants{Halls: []string{apptest.HallA}, Dates: []calendar.Date{date}, Hours: []int{hour}}
			v, err := w.App.JoinWait(ctx, who, r)
			if err != nil {
				t.Fatal(err)
			}
			return who, v.Code
		}
		first, f := join()
		second, s := join()
		w.Clock.Set(d.noon.Add(-5 * time.Minute))
		w.serve()
		w.want(first, f, booking.WaitBooked)
		w.want(second, s, booking.WaitBooked)
		w.Clock.Set(d.noon.Add(time.Second))
		numbers := free(w.Fixture, slot)
		if numbers == 0 {
			t.Fatal("nothing is left to draw")
		}
		for i := range numbers + 3 {
			if got := d.ask(700+i, "drawn-0001", slot, ""); got.Entry == nil {
				t.Fatal("no entry in the draw")
			}
		}
		// One of the line gives its number back meanwhile, when somebody waits already: it is theirs, not the draw's.
		third := w.person()
		r := w.request(hour)
		r.Wants = app.Wants{Halls: []string{apptest.HallA}, Dates: []calendar.Date{date}, Hours: []int{hour}}
		if _, err := w.App.JoinWait(ctx, third, r); fault.CodeOf(err) != fault.PlaceFree {
			t.Fatalf("while numbers are to be drawn: %v", err)
		}
		w.cancel(first, f)
		w.serve()
		if n := free(w.Fixture, slot); n != numbers {
			t.Errorf("%d to be drawn, before %d", n, numbers)
		}
		// It would open now, and does not in the middle of the draw.
		w.Clock.Set(d.noon.Add(31 * time.Minute))
		w.serve()
		if n := free(w.Fixture, slot); n != numbers {
			t.Errorf("%d to be drawn once it would have opened, before %d", n, numbers)
		}
		if n, err := w.App.CarryOutDraws(ctx); err != nil || n == 0 {
			t.Fatalf("%d draws, %v", n, err)
		}
		won := 0
		rec := d.record()
		for _, e := range rec.Entries {
			if e.Outcome == "booked" {
				won++
			}
		}
		if wrong, notYet := rec.Check(); notYet || len(wrong) > 0 || won != numbers {
			t.Errorf("%d of %d numbers given, %v", won, numbers, wrong)
		}
		w.serve()
		if n := free(w.Fixture, slot); n != 1 {
			t.Errorf("%d free after the draw, want the one given back", n)
		}
		d.healthy()
	})
}
