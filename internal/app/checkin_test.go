package app_test

import (
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// refusals are what was recorded of arrivals refused on the hall's day.
func (h *hallDay) refusals() (out []store.RefusedArrival) {
	h.t.Helper()
	if err := h.DB.View(h.t.Context(), func(tx *store.Tx) (err error) {
		out, err = tx.RefusedArrivals(h.t.Context(), apptest.HallA, hallDate.At(0, 0), (hallDate+1).At(0, 0))
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return out
}

func (h *hallDay) state(v app.BookingView) booking.State {
	h.t.Helper()
	var b *booking.Booking
	if err := h.DB.View(h.t.Context(), func(tx *store.Tx) (err error) {
		b, err = tx.Booking(h.t.Context(), v.Booking.ID)
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return b.State
}

func TestArt12_WhoComesMustBeWhoBooked(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		v := h.book(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA, 10)
		h.book(apptest.Citizen(2), apptest.SocialCard, apptest.QueueA, 10)
		h.at(9, 45)
		other := apptest.Citizen(2).Document
		stranger := apptest.Citizen(77).Document
		broken := identity.Document{Kind: identity.ResidentID, Number: "123"}
		for _, c := range []struct {
			what     string
			by       app.By
			in       app.CheckIn
			want     fault.Code
			recorded bool
		}{
			{"a code alone at a kiosk", h.kiosk(), app.CheckIn{Code: v.Code}, fault.InvalidRequest, false},
			{"nothing at all", h.kiosk(), app.CheckIn{}, fault.InvalidRequest, false},
			{"a code there never was", h.kiosk(), app.CheckIn{Code: "AAAA-AAAA-A", Fact: "1234"}, fault.BookingNotFound, false},
			{"another's last four", h.kiosk(), app.CheckIn{Code: v.Code, Fact: "0000"}, fault.BookingNotFound, false},
			{"another's document", h.kiosk(), app.CheckIn{Code: v.Code, Document: &other}, fault.DocumentMismatch, true},
			{"a document nobody booked with", h.kiosk(), app.CheckIn{Document: &stranger}, fault.BookingNotFound, false},
			{"a document that cannot be", h.kiosk(), app.CheckIn{Document: &broken}, fault.InvalidRequest, false},
			{"staff saw another document", h.desk(), app.CheckIn{Booking: v.Booking.ID, Compared: app.OtherDocument}, fault.DocumentMismatch, true},
			{"staff did not compare", h.desk(), app.CheckIn{Booking: v.Booking.ID}, fault.InvalidRequest, false},
			{"a kiosk names a booking", h.kiosk(), app.CheckIn{Booking: v.Booking.ID, Compared: app.SameDocument}, fault.InvalidRequest, false},
			{"nobody", app.By{}, app.CheckIn{Code: v.Code, Fact: lastFour(apptest.Citizen(1))}, fault.SignInRequired, false},
			{"a kiosk of another hall", app.By{Device: &app.Device{Device: counter.Device{ID: "k", HallID: apptest.HallB}}}, app.CheckIn{Code: v.Code, Fact: lastFour(apptest.Citizen(1))}, fault.NotAllowed, false},
		} {
			before := len(h.refusals())
			_, err := f.App.CheckIn(ctx, c.by, apptest.HallA, c.in)
			wantCode(t, err, c.want, c.what)
			if got := len(h.refusals()) > before; got != c.recorded {
				t.Errorf("%s: recorded %v", c.what, got)
			}
			f.Clock.Add(time.Microsecond)
		}
		if h.state(v) != booking.Booked {
			t.Fatalf("after all that the booking is %s", h.state(v))
		}
		for _, r := range h.refusals() {
			if r.Booking != v.Booking.ID || r.Reason != string(fault.DocumentMismatch) {
				t.Errorf("recorded: %+v", r)
			}
		}
		own := apptest.Citizen(1).Document
		ticket, err := f.App.CheckIn(ctx, h.kiosk(), apptest.HallA, app.CheckIn{Document: &own})
		if err != nil || ticket.Ticket.Booking != v.Booking.ID || h.state(v) != booking.Arrived {
			t.Errorf("the document alone: %+v, %v", ticket, err)
		}
		sound(t, f)
	})
}

func TestArt12_EachWayOfCheckingIn(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		birth, _ := identity.Birth(apptest.Citizen(2).Document)
		_, self := f.SignIn(t, apptest.Citizen(4))
		_, stranger := f.SignIn(t, apptest.Citizen(5))
		var b [5]app.BookingView
		for i := range b {
			b[i] = h.book(apptest.Citizen(i), apptest.SocialCard, apptest.QueueA, 10)
		}
		h.at(9, 30)
		doc := apptest.Citizen(1).Document
		phone := app.By{Self: self, Channel: app.ByPhone}
		_, err := f.App.CheckIn(ctx, app.By{Self: stranger, Channel: app.ByPhone}, apptest.HallA, app.CheckIn{Code: b[4].Code})
		wantCode(t, err, fault.BookingNotFound, "somebody else's phone")
		numbers := map[string]bool{}
		for i, c := range []struct {
			by app.By
			in app.CheckIn
		}{
			{h.desk(), app.CheckIn{Booking: b[0].Booking.ID, Compared: app.SameDocument}},
			{h.kiosk(), app.CheckIn{Code: b[1].Code, Document: &doc}},
			{h.kiosk(), app.CheckIn{Code: b[2].Code, Fact: birth.String()}},
			{h.desk(), app.CheckIn{Code: b[3].Code, Fact: lastFour(apptest.Citizen(3))}},
			{phone, app.CheckIn{Code: b[4].Code}},
		} {
			v, err := f.App.CheckIn(ctx, c.by, apptest.HallA, c.in)
			if err != nil {
				t.Fatalf("way %d: %v", i, err)
			}
			if v.Ticket.Channel != c.by.Channel || v.Ticket.Kind != counter.Booked || v.Ticket.Hour != 10 || v.Ahead != i {
				t.Errorf("way %d: %+v", i, v)
			}
			numbers[v.Ticket.Number] = true
			again, err := f.App.CheckIn(ctx, c.by, apptest.HallA, c.in)
			if err != nil || again.Ticket.ID != v.Ticket.ID || again.Ticket.Number != v.Ticket.Number {
				t.Errorf("way %d again: %+v, %v", i, again.Ticket, err)
			}
		}
		if len(numbers) != len(b) {
			t.Errorf("numbers: %v", numbers)
		}
		sound(t, f)
	})
}

func TestArt12_TooEarlyTooLateElsewhere(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		v, w := h.book(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA, 10), h.book(apptest.Citizen(2), apptest.SocialCard, apptest.QueueA, 10)
		elsewhere := h.book(apptest.Citizen(3), apptest.SocialCard, apptest.QueueB, 10)
		gone := h.book(apptest.Citizen(4), apptest.SocialCard, apptest.QueueA, 10)
		_, who := f.SignIn(t, apptest.Citizen(4))
		if _, err := f.App.Cancel(ctx, who, app.CancelRequest{Key: "cancel-0001", Code: gone.Code, Channel: booking.Web}); err != nil {
			t.Fatal(err)
		}
		try := func(v app.BookingView, serial int) error {
			_, err := f.App.CheckIn(ctx, h.kiosk(), apptest.HallA, app.CheckIn{Code: v.Code, Fact: lastFour(apptest.Citizen(serial))})
			return err
		}
		arg := func(err error, code fault.Code, name, want string) {
			t.Helper()
			if e := fault.As(err); e == nil || e.Code != code || e.Args[name] != want {
				t.Errorf("%v, want %s %s=%s", err, code, name, want)
			}
		}
		arg(try(v, 1), fault.OtherDay, "date", hallDate.String()) // the day before
		h.at(9, 29)
		arg(try(v, 1), fault.TooEarly, "from", hallDate.At(9, 30).Format("2006-01-02T15:04:05Z07:00"))
		arg(try(elsewhere, 3), fault.OtherHall, "hall", f.App.City().Hall(apptest.HallB).Name.Argument())
		wantCode(t, try(gone, 4), fault.NotActive, "a cancelled booking")
		doc := apptest.Citizen(3).Document
		f.Clock.Add(time.Second)
		_, err := f.App.CheckIn(ctx, h.kiosk(), apptest.HallA, app.CheckIn{Document: &doc})
		wantCode(t, err, fault.OtherHall, "the document of who booked elsewhere")
		h.at(9, 30)
		if err := try(v, 1); err != nil {
			t.Errorf("half an hour before: %v", err)
		}
		h.at(11, 0)
		arg(try(w, 2), fault.TooLate, "until", hallDate.At(11, 0).Format("2006-01-02T15:04:05Z07:00"))
		if err := try(v, 1); err != nil {
			t.Errorf("who has come already, after the hour: %v", err)
		}
		reasons := map[string]int{}
		for _, r := range h.refusals() {
			reasons[r.Reason]++
		}
		if reasons[string(fault.TooEarly)] != 1 || reasons[string(fault.TooLate)] != 1 || reasons[string(fault.OtherHall)] != 2 {
			t.Errorf("recorded: %v", reasons)
		}
		sound(t, f)
	})
}

// Two machines and the desk, all at once: one ticket.
func TestArt12_ComingTwiceAtOnceIsComingOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		h := newHallDay(t, f)
		v := h.book(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA, 10)
		h.at(9, 40)
		desk := h.desk()
		var mu sync.Mutex
		ids := map[string]int{}
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				by, in := h.kiosk(), app.CheckIn{Code: v.Code, Fact: lastFour(apptest.Citizen(1))}
				if i%3 == 0 {
					by, in = desk, app.CheckIn{Booking: v.Booking.ID, Compared: app.SameDocument}
				}
				got, err := f.App.CheckIn(t.Context(), by, apptest.HallA, in)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				ids[got.Ticket.ID]++
			})
		}
		wg.Wait()
		if len(ids) != 1 {
			t.Errorf("tickets: %v", ids)
		}
		sound(t, f)
	})
}

func TestArt12_StaffFindWhoIsBooked(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		named := apptest.Citizen(2)
		named.Name = "欧阳样本"
		a, b := h.book(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA, 10), h.book(named, apptest.SocialCard, apptest.QueueA, 9)
		h.book(apptest.Citizen(3), apptest.SocialCard, apptest.QueueB, 9)
		h.at(8, 45)
		ad := h.admin(0)
		for query, want := range map[string][]string{
			"": {b.Booking.ID, a.Booking.ID}, "欧阳": {b.Booking.ID}, lastFour(apptest.Citizen(1)): {a.Booking.ID}, a.Code: {a.Booking.ID}, "nobody": nil, " 欧阳样本 ": {b.Booking.ID},
		} {
			list, err := f.App.TodaysBookings(ctx, ad, apptest.HallA, query)
			var got []string
			for _, v := range list {
				got = append(got, v.Booking)
			}
			if err != nil || len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
				t.Errorf("%q found %v, %v", query, got, err)
			}
		}
		list, err := f.App.TodaysBookings(ctx, ad, apptest.HallA, "")
		if err != nil || list[0].Booker.Name != "欧阳**" || list[0].Booker.Number == named.Document.Number || !list[0].CanNow || list[1].CanNow {
			t.Errorf("the list: %+v, %v", list, err)
		}
		if _, err := f.App.CheckIn(ctx, h.desk(), apptest.HallA, app.CheckIn{Booking: b.Booking.ID, Compared: app.SameDocument}); err != nil {
			t.Fatal(err)
		}
		if list, _ = f.App.TodaysBookings(ctx, ad, apptest.HallA, b.Code); list[0].Number == "" || list[0].State != booking.Arrived || list[0].CanNow {
			t.Errorf("after the arrival: %+v", list[0])
		}
		for who, ad := range map[string]*app.Admin{
			"another district's": f.As(t, f.OpenAdmin(t, account.District2, apptest.DistrictB)), "the platform's": f.As(t, f.OpenAdmin(t, account.Platform2, "440100000000")),
		} {
			if _, err := f.App.TodaysBookings(ctx, ad, apptest.HallA, ""); fault.CodeOf(err) != fault.HallNotFound && fault.CodeOf(err) != fault.NotAllowed {
				t.Errorf("%s staff: %v", who, err)
			}
			if _, err := f.App.CheckIn(ctx, app.By{Admin: ad, Channel: app.AtDesk}, apptest.HallA, app.CheckIn{Booking: a.Booking.ID, Compared: app.SameDocument}); err == nil {
				t.Errorf("%s staff checked somebody in", who)
			}
		}
	})
}

// Art. 19: a batch comes as one.
func TestArt19_ABatchComesAsOne(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		_, who := f.SignIn(t, apptest.Agent())
		slot := booking.SlotID(apptest.QueueAEstate, hallDate, 10)
		r, err := f.App.Book(ctx, who, app.BookRequest{
			Key: "batch-0001", Item: apptest.Estate, SlotID: slot, Stage: "acceptance", Cases: people(31, 4), Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
		})
		if err != nil {
			t.Fatal(err)
		}
		h.at(10, 1)
		v, err := f.App.CheckIn(ctx, h.kiosk(), apptest.HallA, app.CheckIn{Code: r.View.Code, Fact: lastFour(apptest.Agent())})
		if err != nil || v.Ticket.Units != 4 {
			t.Errorf("%+v, %v", v.Ticket, err)
		}
		sound(t, f)
	})
}
