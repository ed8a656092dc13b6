package app_test

import (
	"fmt"
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
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
)

// sanction turns sanctions on, as a version of the rules that was in force all along.
func (h *hallDay) sanction(change func(*rulebook.Rulebook)) {
	h.t.Helper()
	rules := rulebook.Continued2025()
	rules.Sanctions.On = true
	change(&rules)
	h.rules(rules)
}

func (h *hallDay) rules(r rulebook.Rulebook) {
	h.t.Helper()
	ctx := h.t.Context()
	if err := h.DB.Update(ctx, func(tx *store.Tx) error { return tx.SaveRulebook(ctx, r) }); err != nil {
		h.t.Fatal(err)
	}
	if err := h.App.Reload(ctx); err != nil {
		h.t.Fatal(err)
	}
}

// later asks for an hour of another day, in the hall where nothing was missed.
func later(key string, ch booking.Channel) app.BookRequest {
	return app.BookRequest{Key: key, Item: apptest.Residence, SlotID: booking.SlotID(apptest.HallB+"-entry", hallDate+2, 10), Stage: directory.Acceptance,
		Applicant: app.Applicant{Kind: booking.Self}, Channel: ch}
}

func (h *hallDay) standing(p identity.Person) app.Standing {
	h.t.Helper()
	_, who := h.SignIn(h.t, p)
	s, err := h.App.MyStanding(h.t.Context(), who)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// The measure names no sanction: off, everything is recorded and nothing comes of it.
func TestArt18_OffNothingIsBarredAndEverythingRecorded(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		ann := apptest.Citizen(1)
		_, who := f.SignIn(t, ann)
		for i := range 6 {
			v := h.book(ann, apptest.SocialCard, apptest.QueueA, 9+i%2)
			if _, err := f.App.Cancel(ctx, who, app.CancelRequest{Key: fmt.Sprintf("cancel-%04d", i), Code: v.Code, Channel: booking.Web}); err != nil {
				t.Fatal(err)
			}
		}
		h.book(ann, apptest.SocialCard, apptest.QueueA, 9)
		h.book(ann, apptest.Residence, apptest.QueueAEntry, 10)
		h.at(11, 0)
		h.mark(2)
		s := h.standing(ann)
		if s.Marks != (booking.Marks{NoShows: 2, Cancellations: 6}) || len(s.Measures) != 0 || !s.Until.IsZero() || s.Rules.On {
			t.Errorf("%+v", s)
		}
		if _, bars, err := f.App.MarksOf(ctx, h.key(ann), hallDate); err != nil || !bars {
			t.Errorf("would bar: %t %v", bars, err)
		}
		if _, err := f.App.Book(ctx, who, later("off-0001", booking.Web)); err != nil {
			t.Errorf("booking while they are off: %v", err)
		}
		// Turned on afterwards: what happened before the version that did it leads to nothing.
		h.sanction(func(r *rulebook.Rulebook) { r.ID, r.EffectiveFrom = "later", hallDate })
		h.sanction(func(r *rulebook.Rulebook) {})
		off := rulebook.Continued2025()
		h.rules(off)
		h.healthy()
	})
}

// missTwice makes people miss two hours each, where two are the count, and returns the second of each.
func (h *hallDay) missTwice(people ...identity.Person) (first, second []app.BookingView) {
	h.t.Helper()
	for _, p := range people {
		first, second = append(first, h.book(p, apptest.SocialCard, apptest.QueueA, 9)), append(second, h.book(p, apptest.Residence, apptest.QueueAEntry, 10))
	}
	h.at(11, 0)
	h.mark(2 * len(people))
	return first, second
}

func two(r *rulebook.Rulebook) { r.Sanctions.NoShows, r.Sanctions.WarnBeforeFirst = 2, false }

func TestArt18_ASanctionEndsOffSiteBookingAndByItself(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.sanction(two)
		ann := apptest.Citizen(1)
		_, who := f.SignIn(t, ann)
		held, err := f.App.Book(ctx, who, later("held-0001", booking.Web))
		if err != nil {
			t.Fatal(err)
		}
		f.Clock.Set(apptest.Start)
		first := h.book(ann, apptest.SocialCard, apptest.QueueA, 9)
		h.at(10, 0)
		h.mark(1)
		if s := h.standing(ann); len(s.Measures) != 0 {
			t.Fatalf("after one: %+v", s)
		}
		// The second of them at another hall: they count together.
		f.Clock.Set(apptest.Start)
		over := app.BookRequest{Key: "over-0001", Item: apptest.SocialCard, SlotID: booking.SlotID(apptest.QueueA, hallDate, 14), Stage: directory.Acceptance, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.API}
		second, err := f.App.Book(ctx, who, over)
		if err != nil {
			t.Fatal(err)
		}
		h.at(15, 0)
		h.mark(1)
		until := (hallDate + 30).At(0, 0)
		s := h.standing(ann)
		if len(s.Measures) != 1 || s.Measures[0].Kind != booking.Barred || !s.Until.Equal(until) || s.Measures[0].Code != second.View.Code || len(s.Measures[0].Rests) != 2 || !s.Measures[0].CanAppeal {
			t.Fatalf("%+v", s)
		}
		if kinds := fmt.Sprint(h.kinds(ann)); kinds != "[barred no_show no_show booked booked booked]" && kinds != "[no_show barred no_show booked booked booked]" {
			t.Errorf("messages %s", kinds)
		}
		for _, ch := range []booking.Channel{booking.Web, booking.API} {
			r := later("barred-"+string(ch), ch)
			r.Item, r.SlotID = apptest.SocialCard, booking.SlotID(apptest.QueueA, hallDate+2, 11)
			_, err := f.App.Book(ctx, who, r)
			wantCode(t, err, fault.OffSiteBarred, string(ch))
			if got := fault.As(err).Args["until"]; got != until.Format(time.RFC3339) {
				t.Errorf("until %q", got)
			}
		}
		_, err = f.App.JoinWait(ctx, who, app.WaitRequest{Key: "wait-barred", Item: apptest.SocialCard, Stage: directory.Acceptance, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
			Wants: app.Wants{Halls: []string{apptest.HallA}, Dates: []calendar.Date{hallDate + 2}, Hours: []int{9}}})
		wantCode(t, err, fault.OffSiteBarred, "the waitlist")
		// What is held is moved and cancelled; a missed hour is made good (Art. 18); at the hall nobody is barred.
		moved, err := f.App.Move(ctx, who, app.MoveRequest{Key: "move-0001", Code: held.View.Code, SlotID: booking.SlotID(apptest.HallB+"-entry", hallDate+5, 11), Channel: booking.Web})
		if err != nil {
			t.Errorf("moving: %v", err)
		}
		if _, err := f.App.Cancel(ctx, who, app.CancelRequest{Key: "cancel-held", Code: moved.View.Code, Channel: booking.Web}); err != nil {
			t.Errorf("cancelling: %v", err)
		}
		again := app.BookRequest{Key: "rebook-barred", Item: apptest.SocialCard, SlotID: booking.SlotID(apptest.QueueA, hallDate+2, 11), Stage: directory.Acceptance, Channel: booking.Web, Instead: first.Code}
		if _, err := f.App.Book(ctx, who, again); err != nil {
			t.Errorf("rebooking: %v", err)
		}
		if _, err := f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, walkIn("walk-in-barred", ann, apptest.Residence)); err != nil {
			t.Errorf("a number of the day: %v", err)
		}
		if _, err := f.App.TakeGreen(ctx, app.By{Admin: h.admin(0), Channel: app.AtDesk}, apptest.HallA, app.Green{
			Key: "green-barred", Item: apptest.Residence, Name: ann.Name, Document: ann.Document, Verified: counter.Elderly,
		}); err != nil {
			t.Errorf("the green channel: %v", err)
		}
		if _, err := f.App.BookAtDesk(ctx, h.admin(0), apptest.HallA, app.DeskBooking{
			Key: "desk-barred", Item: apptest.Residence, SlotID: booking.SlotID(apptest.QueueAEntry, hallDate+2, 14), Stage: directory.Acceptance, Name: ann.Name, Document: ann.Document,
		}); err != nil {
			t.Errorf("at the desk: %v", err)
		}
		h.healthy()
		f.Clock.Set(until.Add(-time.Second))
		if s := h.standing(ann); s.Until.IsZero() {
			t.Error("over a second early")
		}
		f.Clock.Set(until)
		s = h.standing(ann)
		if !s.Until.IsZero() || s.Measures[0].State != booking.MeasureStands {
			t.Errorf("not over: %+v", s)
		}
		_, who = f.SignIn(t, ann) // the slots of that time are not planned in this city: it is no longer the sanction that refuses
		r := later("open-again", booking.Web)
		r.Item, r.SlotID = apptest.SocialCard, booking.SlotID(apptest.QueueA, hallDate+2, 15)
		_, err = f.App.Book(ctx, who, r)
		wantCode(t, err, fault.SlotOver, "when it is over")
		h.healthy()
	})
}

func TestArt18_TheFirstIsAWarning(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.sanction(func(r *rulebook.Rulebook) { r.Sanctions.Cancellations = 2 })
		ann := apptest.Citizen(1)
		_, who := f.SignIn(t, ann)
		n := 0
		cancel := func() {
			t.Helper()
			n++
			v := h.book(ann, apptest.SocialCard, apptest.QueueA, 9)
			r := app.CancelRequest{Key: fmt.Sprintf("cancel-%04d", n), Code: v.Code, Channel: booking.Web}
			for range 2 { // the second is a repetition
				if _, err := f.App.Cancel(ctx, who, r); err != nil {
					t.Fatal(err)
				}
			}
		}
		cancel()
		if s := h.standing(ann); len(s.Measures) != 0 {
			t.Fatalf("a repetition counted: %+v", s)
		}
		cancel()
		if s := h.standing(ann); len(s.Measures) != 1 || s.Measures[0].Kind != booking.Warning || !s.Until.IsZero() {
			t.Fatalf("%+v", s)
		}
		cancel() // what the warning rests on counts no more
		if s := h.standing(ann); len(s.Measures) != 1 {
			t.Fatalf("%+v", s)
		}
		cancel()
		s := h.standing(ann)
		if len(s.Measures) != 2 || s.Until.IsZero() {
			t.Fatalf("%+v", s)
		}
		_, err := f.App.Book(ctx, who, later("barred-0001", booking.Web))
		wantCode(t, err, fault.OffSiteBarred, "after the second")
		h.healthy()
	})
}

func TestArt18_AnAppealEndsItAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.sanction(two)
		ann, bea := apptest.Citizen(1), apptest.Citizen(2)
		_, second := h.missTwice(ann, bea)
		code, other := second[0], second[1]
		_, who := f.SignIn(t, ann)
		_, beaIn := f.SignIn(t, bea)
		_, err := f.App.AppealMeasure(ctx, who, other.Code, "x")
		wantCode(t, err, fault.MeasureNotFound, "somebody else's")
		_, err = f.App.AppealMeasure(ctx, who, code.Code, " ")
		wantCode(t, err, fault.InvalidRequest, "nothing said")
		for range 2 {
			if p, err := f.App.AppealMeasure(ctx, who, code.Code, "住院"); err != nil || p.Text != "住院" || p.State != store.AppealWaiting {
				t.Fatalf("%+v %v", p, err)
			}
		}
		_, err = f.App.AppealMeasure(ctx, who, code.Code, "别的")
		wantCode(t, err, fault.AppealWaits, "another")
		if _, err := f.App.AppealMeasure(ctx, beaIn, other.Code, "忘了"); err != nil {
			t.Fatal(err)
		}
		foreign := f.OpenAdmin(t, account.District2, apptest.DistrictB)
		above := f.OpenAdmin(t, account.District1, apptest.DistrictA)
		if list, all, err := f.App.Measures(ctx, f.As(t, foreign), app.MeasuresQuery{}); err != nil || all != 0 || len(list) != 0 {
			t.Errorf("another district sees %+v %v", list, err)
		}
		_, err = f.App.Measure(ctx, f.As(t, foreign), apptest.HallA, code.Code)
		wantCode(t, err, fault.HallNotFound, "another district looks")
		wantCode(t, f.App.DecideMeasure(ctx, f.As(t, foreign), apptest.HallA, code.Code, true, "x"), fault.HallNotFound, "another district decides")
		wantCode(t, f.App.DecideMeasure(ctx, f.As(t, foreign), apptest.HallB, code.Code, true, "x"), fault.MeasureNotFound, "by another hall")
		list, all, err := f.App.Measures(ctx, h.admin(0), app.MeasuresQuery{Appeals: true})
		if err != nil || all != 2 || len(list) != 2 || list[0].Appeal.Text != "住院" || list[0].View.Booker.Name == ann.Name {
			t.Fatalf("%+v %d %v", list, all, err)
		}
		wantCode(t, f.App.DecideMeasure(ctx, h.admin(0), apptest.HallA, code.Code, true, ""), fault.InvalidRequest, "no reason")
		if err := f.App.DecideMeasure(ctx, f.As(t, above), apptest.HallA, code.Code, true, "证明属实"); err != nil {
			t.Fatal(err)
		}
		if err := f.App.DecideMeasure(ctx, h.admin(0), apptest.HallA, other.Code, false, "没有证明"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, f.App.DecideMeasure(ctx, h.admin(0), apptest.HallA, other.Code, true, "x"), fault.AppealDecided, "twice")
		s := h.standing(ann)
		if !s.Until.IsZero() || s.Marks.NoShows != 0 || s.Measures[0].State != booking.MeasureLifted || s.Measures[0].CanAppeal {
			t.Errorf("%+v", s)
		}
		if _, err := f.App.Book(ctx, who, later("granted-01", booking.Web)); err != nil {
			t.Errorf("at once: %v", err)
		}
		if s := h.standing(bea); s.Until.IsZero() || s.Measures[0].Appeal.Why != "没有证明" {
			t.Errorf("%+v", s)
		}
		_, err = f.App.Book(ctx, beaIn, later("refused-01", booking.Web))
		wantCode(t, err, fault.OffSiteBarred, "refused")
		for p, want := range map[string]booking.MessageKind{"ann": booking.MessageMeasureEnded, "bea": booking.MessageMeasureConfirmed} {
			who := map[string]identity.Person{"ann": ann, "bea": bea}[p]
			seen := false
			for _, k := range h.kinds(who) {
				seen = seen || k == want
			}
			if !seen {
				t.Errorf("%s was not told: %v", p, h.kinds(who))
			}
		}
		n, _ := f.Vault.NumberOf(code.Code)
		if acts := f.Acts(t, "sanction", booking.IDOf(n)); fmt.Sprint(acts) != "[sanction.lift]" {
			t.Errorf("acts %v", acts)
		}
		h.healthy()
	})
}

// An hour that was set right never counted: the sanction that rests on it is void, and the other hour counts on.
func TestArt18_AnExcusedHourTakesTheSanctionWithIt(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.sanction(two)
		ann := apptest.Citizen(1)
		first, _ := h.missTwice(ann)
		if s := h.standing(ann); s.Until.IsZero() {
			t.Fatalf("%+v", s)
		}
		if err := f.App.Excuse(ctx, h.admin(0), apptest.HallA, first[0].Code, "大厅停电"); err != nil {
			t.Fatal(err)
		}
		s := h.standing(ann)
		if !s.Until.IsZero() || s.Marks.NoShows != 1 || s.Measures[0].State != booking.MeasureVoid {
			t.Fatalf("%+v", s)
		}
		h.healthy()
		// One more, and there are two again.
		f.Clock.Set(apptest.Start)
		h.book(ann, apptest.SocialCard, apptest.QueueA, 14)
		h.at(15, 0)
		h.mark(1)
		if s := h.standing(ann); s.Until.IsZero() || len(s.Measures) != 2 {
			t.Errorf("%+v", s)
		}
		h.healthy()
	})
}

// Who missed an hour may rebook it, or take a number of the day: one of the two, once, whether they say so or not.
func TestArt18_EitherAnotherHourOrANumberOfTheDay(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		ann, bea := apptest.Citizen(1), apptest.Citizen(2)
		a, b := h.book(ann, apptest.SocialCard, apptest.QueueA, 9), h.book(bea, apptest.SocialCard, apptest.QueueA, 9)
		h.at(10, 0)
		h.mark(2)
		rebook := func(p identity.Person, v app.BookingView, key string) error {
			_, who := f.SignIn(t, p)
			_, err := f.App.Book(ctx, who, app.BookRequest{Key: key, Item: apptest.SocialCard, SlotID: booking.SlotID(apptest.QueueA, hallDate+2, 10), Stage: directory.Acceptance, Channel: booking.Web, Instead: v.Code})
			return err
		}
		number, err := f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, walkIn("plain-0001", ann, apptest.SocialCard))
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, rebook(ann, a, "rebook-ann"), fault.RebookUsed, "after an ordinary number of the day")
		_, who := f.SignIn(t, ann)
		if m, err := f.App.Missed(ctx, who, a.Code); err != nil || m.CanRebook || m.Taken != number.Ticket.ID {
			t.Errorf("%+v %v", m, err)
		}
		// A number of the day is everybody's: rebooking takes it from nobody.
		if err := rebook(bea, b, "rebook-bea"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, walkIn("plain-0002", bea, apptest.SocialCard)); err != nil {
			t.Errorf("after rebooking: %v", err)
		}
		h.healthy()
	})
}
