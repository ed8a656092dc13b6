package app_test

import (
	"fmt"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// serve lets people arrive at the hall at 9:30 and be served, and returns their tickets.
func (h *hallDay) serve(people ...identity.Person) (ids []string) {
	h.t.Helper()
	ctx := h.t.Context()
	h.at(9, 30)
	if _, err := h.App.OpenCounter(ctx, h.admin(0), apptest.HallA, "w1", nil); err != nil {
		h.t.Fatal(err)
	}
	for i, p := range people {
		h.n++
		v, err := h.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, walkIn(fmt.Sprintf("serve-walk-%04d", h.n), p, apptest.SocialCard))
		if err != nil {
			h.t.Fatal(err)
		}
		ids = append(ids, v.Ticket.ID)
		for j, act := range []counter.Act{{Kind: counter.Call}, {Kind: counter.Finish, Result: counter.Finished}} {
			if _, err := h.App.Serve(ctx, h.admin(0), apptest.HallA, "w1", act, fmt.Sprintf("serve-act-%d-%d-%d", h.n, i, j)); err != nil {
				h.t.Fatal(err)
			}
		}
	}
	return ids
}

func TestEvaluation_OnceATicketByWhoeverHeldIt(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		ann, bea := apptest.Citizen(1), apptest.Citizen(2)
		ids := h.serve(ann, bea)
		waiting, err := f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, walkIn("walk-waiting-1", apptest.Citizen(3), apptest.SocialCard))
		if err != nil {
			t.Fatal(err)
		}
		_, annIn := f.SignIn(t, ann)
		give := func(r app.Evaluate) error {
			if r.Grade == 0 {
				r.Grade = 5
			}
			if r.Channel == "" {
				r.Channel = counter.EvaluatedByPhone
			}
			return f.App.Evaluate(ctx, r)
		}
		// The ticket alone, which staff know, is not enough; nor somebody else's proof.
		wantCode(t, give(app.Evaluate{Ticket: ids[0]}), fault.TicketNotFound, "nothing shown")
		wantCode(t, give(app.Evaluate{Ticket: ids[0], Fact: lastFour(bea)}), fault.TicketNotFound, "another's fact")
		wantCode(t, give(app.Evaluate{Ticket: ids[1], Who: annIn}), fault.TicketNotFound, "another's session")
		wantCode(t, give(app.Evaluate{Ticket: ids[0], Token: f.App.EvaluationToken(ids[1])}), fault.TicketNotFound, "another's link")
		wantCode(t, give(app.Evaluate{Ticket: waiting.Ticket.ID, Fact: lastFour(apptest.Citizen(3))}), fault.EvaluationNotYet, "before the service")
		wantCode(t, give(app.Evaluate{Ticket: ids[0], Who: annIn, Grade: 6}), fault.InvalidRequest, "no such grade")
		wantCode(t, give(app.Evaluate{Ticket: ids[0], Who: annIn, Reasons: []counter.Reason{"unkind"}}), fault.InvalidRequest, "a complaint with the best grade")

		good := app.Evaluate{Ticket: ids[0], Who: annIn, Grade: 4, Reasons: []counter.Reason{"quick", "kind", "quick"}}
		if err := give(good); err != nil {
			t.Fatal(err)
		}
		if err := give(good); err != nil {
			t.Errorf("sent twice: %v", err)
		}
		good.Grade = 1
		good.Reasons = nil
		wantCode(t, give(good), fault.EvaluationTwice, "another grade")
		if s, err := f.App.Evaluable(ctx, ids[0]); err != nil || s.Open || !s.Given {
			t.Errorf("%+v %v", s, err)
		}
		// By the code at the counter: number and a fact.
		v, err := f.App.Ticket(ctx, ids[1])
		if err != nil {
			t.Fatal(err)
		}
		id, err := f.App.FindTicket(ctx, apptest.HallA, v.Ticket.Number, lastFour(bea))
		if err != nil || id != ids[1] {
			t.Errorf("found %q, %v", id, err)
		}
		_, err = f.App.FindTicket(ctx, apptest.HallA, v.Ticket.Number, "0000")
		wantCode(t, err, fault.TicketNotFound, "a wrong fact")
		_, err = f.App.FindTicket(ctx, apptest.HallB, v.Ticket.Number, lastFour(bea))
		wantCode(t, err, fault.TicketNotFound, "another hall")
		// By the link, until the days are over.
		f.Clock.Set((hallDate + 10).At(23, 59))
		if err := give(app.Evaluate{Ticket: ids[1], Token: f.App.EvaluationToken(ids[1]), Channel: counter.EvaluatedBySMS}); err != nil {
			t.Errorf("on the last day: %v", err)
		}
		f.Clock.Set((hallDate + 11).At(0, 0))
		wantCode(t, give(app.Evaluate{Ticket: ids[1], Fact: lastFour(bea), Grade: 3}), fault.EvaluationTwice, "afterwards, again")
	})
}

// Who was asked how it was finds that among their messages, page by page, with those about their bookings;
// nobody else does. A booking's number is its booker's.
func TestEvaluation_TheInvitationIsAmongOnesMessages(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		ann, bea, cat := apptest.Citizen(1), apptest.Citizen(2), apptest.Citizen(3)
		booked := h.book(cat, apptest.SocialCard, apptest.QueueA, 9)
		ids := h.serve(ann, bea)
		if _, err := f.App.CheckIn(ctx, h.kiosk(), apptest.HallA, app.CheckIn{Code: booked.Code, Fact: lastFour(cat)}); err != nil {
			t.Fatal(err)
		}
		for i, act := range []counter.Act{{Kind: counter.Call}, {Kind: counter.Finish, Result: counter.Finished}} {
			if _, err := f.App.Serve(ctx, h.admin(0), apptest.HallA, "w1", act, fmt.Sprintf("invited-%04d", i)); err != nil {
				t.Fatal(err)
			}
		}
		for i, p := range []identity.Person{ann, bea} {
			if got := h.kinds(p); len(got) != 1 || got[0] != booking.MessageEvaluate {
				t.Errorf("walk-in %d: %v", i, got)
			}
			_, who := f.SignIn(t, p)
			if list, _, err := f.App.MyMessages(ctx, who, "", 9); err != nil || list[0].Ticket == nil || list[0].Ticket.Ticket.ID != ids[i] || list[0].Ticket.Hall == nil {
				t.Errorf("walk-in %d: %+v, %v", i, list, err)
			}
		}
		_, who := f.SignIn(t, cat)
		var kinds []booking.MessageKind
		cursor := ""
		for range 5 {
			list, next, err := f.App.MyMessages(ctx, who, cursor, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list {
				kinds = append(kinds, m.Kind)
			}
			if cursor = next; next == "" {
				break
			}
		}
		if len(kinds) < 2 || kinds[0] != booking.MessageEvaluate || kinds[len(kinds)-1] != booking.MessageBooked || cursor != "" {
			t.Errorf("page by page: %v", kinds)
		}
	})
}

func TestEvaluation_ABadGradeIsAnsweredAndCalledBack(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		ann, bea := apptest.Citizen(1), apptest.Citizen(2)
		ids := h.serve(ann, bea)
		said := "等了两个小时"
		for i, r := range []app.Evaluate{
			{Ticket: ids[0], Fact: lastFour(ann), Grade: 1, Reasons: []counter.Reason{"waited_long"}, Text: said},
			{Ticket: ids[1], Fact: lastFour(bea), Grade: 3},
		} {
			r.Channel = counter.EvaluatedAtCounter
			if err := f.App.Evaluate(ctx, r); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		}
		answers := h.admin(0)
		list, all, err := f.App.Cases(ctx, answers, app.CaseFilter{})
		if err != nil || all != 1 {
			t.Fatalf("%d cases, %v", all, err)
		}
		c := list[0]
		// Wednesday the 25th and five working days.
		if c.State != counter.CaseOpen || c.Due != hallDate+7 || !c.Full || c.Text != said || c.Ticket != "" || c.Sealed != nil || c.CounterLabel == "" || c.Overdue {
			t.Fatalf("%+v", c)
		}
		// The platform supervises: grade and reasons, nothing that leads to the person.
		platform := f.OpenAdmin(t, account.Platform1, "")
		above, err := f.App.Case(ctx, f.As(t, platform), c.ID)
		if err != nil || above.Grade != 1 || len(above.Reasons) != 1 || above.Full || above.Text != "" || above.Item != nil || above.Evaluation.Counter != "" || above.Ticket != "" {
			t.Errorf("the platform sees %+v, %v", above, err)
		}
		wantCode(t, f.App.AnswerCase(ctx, f.As(t, platform), c.ID, 1, "x"), fault.NotAllowed, "the platform answers")
		foreign := f.OpenAdmin(t, account.District2, apptest.DistrictB)
		_, err = f.App.Case(ctx, f.As(t, foreign), c.ID)
		wantCode(t, err, fault.CaseNotFound, "another district looks")
		wantCode(t, f.App.AnswerCase(ctx, f.As(t, foreign), c.ID, 1, "x"), fault.CaseNotFound, "another district answers")
		clerk := f.OpenAdmin(t, account.Clerk, apptest.DistrictA)
		if _, n, err := f.App.Cases(ctx, f.As(t, clerk), app.CaseFilter{}); err != nil || n != 0 {
			t.Errorf("a clerk sees %d cases, %v", n, err)
		}
		_, err = f.App.Case(ctx, f.As(t, clerk), c.ID)
		wantCode(t, err, fault.CaseNotFound, "a clerk looks")

		// Overdue, above all levels, until it is answered.
		f.Clock.Set((hallDate + 7).At(17, 0))
		if _, n, _ := f.App.Cases(ctx, h.admin(0), app.CaseFilter{Overdue: true}); n != 0 {
			t.Error("overdue on its last day")
		}
		f.Clock.Set((hallDate + 8).At(9, 0))
		platform.Token = f.SignInAdmin(t, platform)
		if over, n, _ := f.App.Cases(ctx, f.As(t, platform), app.CaseFilter{Overdue: true}); n != 1 || !over[0].Overdue {
			t.Errorf("overdue: %+v", over)
		}
		wantCode(t, f.App.CallBackCase(ctx, h.admin(0), c.ID, 1, counter.Accepts), fault.ChangedMeanwhile, "called back before it was answered")
		wantCode(t, f.App.AnswerCase(ctx, h.admin(0), c.ID, 7, "x"), fault.ChangedMeanwhile, "an old page")
		wantCode(t, f.App.AnswerCase(ctx, h.admin(0), c.ID, 1, " "), fault.InvalidRequest, "nothing said")
		if err := f.App.AnswerCase(ctx, h.admin(0), c.ID, 1, "加开一个窗口"); err != nil {
			t.Fatal(err)
		}
		phone, err := f.App.RevealCasePhone(ctx, h.admin(0), c.ID)
		if err != nil || phone != ann.Phone {
			t.Errorf("phone %q, %v", phone, err)
		}
		if err := f.App.CallBackCase(ctx, h.admin(0), c.ID, 2, counter.Disagrees); err != nil {
			t.Fatal(err)
		}
		got, err := f.App.Case(ctx, h.admin(0), c.ID)
		if err != nil || got.State != counter.CaseOpen || got.Due <= hallDate+8 || got.Version != 3 {
			t.Errorf("who does not take the answer: %+v %v", got, err)
		}
		if err := f.App.AnswerCase(ctx, h.admin(0), c.ID, 3, "再加一个"); err != nil {
			t.Fatal(err)
		}
		if err := f.App.CallBackCase(ctx, h.admin(0), c.ID, 4, counter.Accepts); err != nil {
			t.Fatal(err)
		}
		if acts := f.Acts(t, "evaluation", c.ID); fmt.Sprint(acts) != "[case.answer case.reveal_phone case.call_back case.answer case.call_back]" {
			t.Errorf("acts %v", acts)
		}
		f.Clock.Add(6 * time.Minute) // the proof is old
		grades, reasons, err := f.App.Grades(ctx, h.admin(0), apptest.HallA, hallDate)
		if err != nil || len(grades) != 1 || grades[0].All != 2 || grades[0].Satisfied() != 1 || grades[0].Open != 0 || reasons["waited_long"] != 1 {
			t.Errorf("%+v %v %v", grades, reasons, err)
		}
	})
}

func TestCheckInByPhone(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	ctx := t.Context()
	h := newHallDay(t, f)
	ann := apptest.Citizen(1)
	v := h.book(ann, apptest.SocialCard, apptest.QueueA, 9)
	_, who := f.SignIn(t, ann)
	hall := f.App.City().Hall(apptest.HallA)
	near, far := &app.Place{Latitude: hall.Latitude + 0.002, Longitude: hall.Longitude}, &app.Place{Latitude: hall.Latitude + 0.004, Longitude: hall.Longitude}
	code := f.App.HallCode(apptest.HallA, hallDate)
	if len(code) != 8 || code == f.App.HallCode(apptest.HallA, hallDate+1) || code == f.App.HallCode(apptest.HallB, hallDate) {
		t.Errorf("code %q", code)
	}
	h.at(8, 40)
	for _, c := range []struct {
		name string
		at   app.AtHall
		want fault.Code
	}{
		{"another code", app.AtHall{Code: "ABCDEFGH"}, fault.DayCodeWrong}, {"no code", app.AtHall{}, fault.DayCodeWrong},
		{"440 m away", app.AtHall{Position: far}, fault.TooFar}, {"nowhere", app.AtHall{Position: &app.Place{Latitude: 91}}, fault.InvalidRequest},
	} {
		_, err := f.App.CheckInByPhone(ctx, who, apptest.HallA, v.Code, c.at)
		wantCode(t, err, c.want, c.name)
	}
	_, err := f.App.CheckInByPhone(ctx, who, apptest.HallVillage, v.Code, app.AtHall{Position: &app.Place{}})
	wantCode(t, err, fault.TooFar, "a hall nobody knows the place of")
	_, other := f.SignIn(t, apptest.Citizen(2))
	_, err = f.App.CheckInByPhone(ctx, other, apptest.HallA, v.Code, app.AtHall{Code: code})
	wantCode(t, err, fault.BookingNotFound, "somebody else's booking")
	_, err = f.App.CheckInByPhone(ctx, who, apptest.HallB, v.Code, app.AtHall{Code: f.App.HallCode(apptest.HallB, hallDate)})
	wantCode(t, err, fault.OtherHall, "another hall")
	c, err := f.App.ComingTo(ctx, who, apptest.HallA)
	if err != nil || len(c.Here) != 1 || len(c.Others) != 0 {
		t.Errorf("%+v %v", c, err)
	}
	got, err := f.App.CheckInByPhone(ctx, who, apptest.HallA, v.Code, app.AtHall{Position: near})
	if err != nil || got.Ticket.State != counter.Waiting {
		t.Fatalf("%+v %v", got, err)
	}
	again, err := f.App.CheckInByPhone(ctx, who, apptest.HallA, v.Code, app.AtHall{Code: code})
	if err != nil || again.Ticket.ID != got.Ticket.ID {
		t.Errorf("again: %+v %v", again.Ticket, err)
	}
	mine, err := f.App.Booking(ctx, who, v.Code)
	if err != nil {
		t.Fatal(err)
	}
	if shown, err := f.App.TicketOfMine(ctx, mine); err != nil || shown.Ticket.ID != got.Ticket.ID {
		t.Errorf("on the pass: %+v %v", shown.Ticket, err)
	}
}
