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
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

func (h *hallDay) stateOf(p identity.Person, code string) booking.State {
	h.t.Helper()
	_, who := h.SignIn(h.t, p)
	v, err := h.App.Booking(h.t.Context(), who, code)
	if err != nil {
		h.t.Fatal(err)
	}
	return v.Booking.State
}

func (h *hallDay) mark(want int) {
	h.t.Helper()
	n, err := h.App.MarkMissed(h.t.Context())
	if err != nil || n != want {
		h.t.Errorf("at %s: %d marked, want %d (%v)", h.Clock.Now().Format("15:04"), n, want, err)
	}
}

// kinds lists the kinds of messages a person has, newest first.
func (h *hallDay) kinds(p identity.Person) (out []booking.MessageKind) {
	h.t.Helper()
	_, who := h.SignIn(h.t, p)
	list, _, err := h.App.MyMessages(h.t.Context(), who, "", 20)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, m := range list {
		out = append(out, m.Kind)
	}
	return out
}

func TestArt17_WhoDoesNotComeIsMarkedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		h := newHallDay(t, f)
		ann, bea, cat, dan := apptest.Citizen(1), apptest.Citizen(2), apptest.Citizen(3), apptest.Citizen(4)
		a := h.book(ann, apptest.SocialCard, apptest.QueueA, 9)
		b := h.book(bea, apptest.SocialCard, apptest.QueueA, 9)
		c := h.book(cat, apptest.SocialCard, apptest.QueueA, 9)
		d := h.book(dan, apptest.SocialCard, apptest.QueueA, 10)
		_, who := f.SignIn(t, cat)
		if _, err := f.App.Cancel(t.Context(), who, app.CancelRequest{Key: "cancel-cat", Code: c.Code, Channel: booking.Web}); err != nil {
			t.Fatal(err)
		}
		h.at(9, 30)
		if _, err := f.App.CheckIn(t.Context(), h.kiosk(), apptest.HallA, app.CheckIn{Code: b.Code, Fact: lastFour(bea)}); err != nil {
			t.Fatal(err)
		}
		h.mark(0)
		h.at(9, 59)
		h.mark(0)
		h.at(10, 0)
		h.mark(1)
		h.mark(0)
		for _, p := range []struct {
			who  identity.Person
			code string
			want booking.State
		}{{ann, a.Code, booking.NoShow}, {bea, b.Code, booking.Arrived}, {cat, c.Code, booking.Cancelled}, {dan, d.Code, booking.Booked}} {
			if got := h.stateOf(p.who, p.code); got != p.want {
				t.Errorf("%s: %s, want %s", p.code, got, p.want)
			}
		}
		if got := fmt.Sprint(h.kinds(ann)); got != "[no_show booked]" {
			t.Errorf("messages %s", got)
		}
		// The kiosk tells why it is too late now.
		_, err := f.App.CheckIn(t.Context(), h.kiosk(), apptest.HallA, app.CheckIn{Code: a.Code, Fact: lastFour(ann)})
		wantCode(t, err, fault.TooLate, "check-in after the hour")

		// An outage over the night: the day after, dan is still marked.
		f.Clock.Set((hallDate + 1).At(8, 0))
		h.mark(1)
		if got := h.stateOf(dan, d.Code); got != booking.NoShow {
			t.Errorf("after an outage: %s", got)
		}
		// The clock set back, and what happens then.
		f.Clock.Set(hallDate.At(16, 0))
		h.mark(0)
		m, bars, err := f.App.MarksOf(t.Context(), h.key(ann), hallDate)
		if err != nil || m != (booking.Marks{NoShows: 1}) || bars {
			t.Errorf("marks of ann %+v %t %v", m, bars, err)
		}
		h.healthy()
	})
}

func (h *hallDay) key(p identity.Person) identity.Key {
	h.t.Helper()
	_, who := h.SignIn(h.t, p)
	return who.Person.Key
}

func (h *hallDay) healthy() {
	h.t.Helper()
	found, err := h.DB.Doctor(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range found {
		h.t.Errorf("doctor: %s: %s", f.Check, f.Detail)
	}
}

// While numbers are released the lanes are left to those who book.
func TestArt17_MarkingWaitsForTheRelease(t *testing.T) {
	h := newHallDay(t, apptest.New(t, apptest.Options{}))
	h.book(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA, 11)
	h.at(12, 0)
	h.mark(0)
	h.at(12, 1)
	h.mark(0)
	h.at(12, 2)
	h.mark(1)
}

// Several nodes mark the same hour at once: each booking has one mark and one message.
func TestArt17_SeveralNodesMarkOnce(t *testing.T) {
	source := apptest.Postgres(t)
	f := apptest.New(t, apptest.Options{Source: source})
	h := newHallDay(t, f)
	const people = 16
	for i := range people {
		h.book(apptest.Citizen(100+i), apptest.SocialCard, apptest.QueueA, 9+i%2)
	}
	h.at(11, 0)
	nodes := []*app.App{f.App}
	for range 2 {
		db, err := store.Open(t.Context(), source, store.Options{Now: f.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		node, err := app.New(t.Context(), app.Config{Public: apptest.Public, DB: db, Vault: f.Vault, Now: f.Clock.Now, Texts: f.Texts})
		if err != nil {
			t.Fatal(err)
		}
		defer node.Close()
		nodes = append(nodes, node)
	}
	before := f.Rows(t)
	var wg sync.WaitGroup
	counts := make([]int, len(nodes))
	for i, n := range nodes {
		wg.Go(func() {
			var err error
			if counts[i], err = n.MarkMissed(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if sum := counts[0] + counts[1] + counts[2]; sum != people {
		t.Errorf("marked %v", counts)
	}
	after := f.Rows(t)
	if after["message"]-before["message"] != people || after["event"]-before["event"] != people || before["claim"]-after["claim"] != 2*people {
		t.Errorf("before %v, after %v", before, after)
	}
}

func TestArt18_AMissedHourIsMadeGood(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		ann := apptest.Citizen(1)
		v := h.book(ann, apptest.SocialCard, apptest.QueueA, 9)
		later := booking.SlotID(apptest.QueueA, hallDate+2, 10)
		_, who := f.SignIn(t, ann)
		rebook := func(key, slot string) (app.Receipt, error) {
			return f.App.Book(ctx, who, app.BookRequest{Key: key, Item: apptest.SocialCard, SlotID: slot, Stage: directory.Acceptance, Instead: v.Code, Channel: booking.Web})
		}
		_, err := f.App.Missed(ctx, who, v.Code)
		wantCode(t, err, fault.NotMissed, "before it is missed")
		_, err = rebook("rebook-early", later)
		wantCode(t, err, fault.NotMissed, "rebooking what is not missed")

		h.at(10, 0)
		h.mark(1)
		m, err := f.App.Missed(ctx, who, v.Code)
		if err != nil || !m.CanRebook || !m.CanAppeal || m.OnSite == nil || m.OnSite.Left == 0 || m.Month.NoShows != 1 {
			t.Fatalf("offered at once: %+v, %v", m, err)
		}
		if want := hallDate.At(17, 0); !m.OnSite.Until.Equal(want) || !m.RebookUntil.Equal((hallDate+31).At(0, 0)) {
			t.Errorf("until %v and %v", m.OnSite.Until, m.RebookUntil)
		}
		_, other := f.SignIn(t, apptest.Citizen(2))
		_, err = f.App.Missed(ctx, other, v.Code)
		wantCode(t, err, fault.BookingNotFound, "somebody else's")

		r, err := rebook("rebook-once-1", later)
		if err != nil || r.View.Booking.Applicant != booking.Self || r.View.Booking.State != booking.Booked {
			t.Fatalf("%+v %v", r, err)
		}
		if again, err := rebook("rebook-once-1", later); err != nil || !again.Replayed || again.View.Code != r.View.Code {
			t.Errorf("sent twice: %v %v", again.Replayed, err)
		}
		_, err = rebook("rebook-once-2", booking.SlotID(apptest.QueueA, hallDate+5, 10))
		wantCode(t, err, fault.RebookUsed, "a second time")
		if m, err := f.App.Missed(ctx, who, v.Code); err != nil || m.CanRebook || m.OnSite != nil || m.Rebooked != r.View.Code {
			t.Errorf("after rebooking: %+v, %v", m, err)
		}
		number := walkIn("number-0009", ann, apptest.SocialCard)
		number.Instead = v.Code
		_, err = f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, number)
		wantCode(t, err, fault.RebookUsed, "a number of the day as well")
		h.healthy()
	})
}

// An on-site number of the same day instead (Art. 18), by phone in the hall.
func TestArt18_ANumberOfTheDayInstead(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		ann := apptest.Citizen(1)
		v := h.book(ann, apptest.SocialCard, apptest.QueueA, 9)
		_, who := f.SignIn(t, ann)
		h.at(10, 5)
		h.mark(1)
		here := app.AtHall{Code: f.App.HallCode(apptest.HallA, hallDate)}
		_, err := f.App.NumberByPhone(ctx, who, apptest.HallA, "number-0001", v.Code, app.AtHall{Code: f.App.HallCode(apptest.HallA, hallDate-1)})
		wantCode(t, err, fault.DayCodeWrong, "yesterday's code")
		got, err := f.App.NumberByPhone(ctx, who, apptest.HallA, "number-0001", v.Code, here)
		if err != nil || got.Ticket.Instead == "" || got.Ticket.Channel != app.ByPhone {
			t.Fatalf("%+v %v", got.Ticket, err)
		}
		_, err = f.App.NumberByPhone(ctx, who, apptest.HallA, "number-0002", v.Code, here)
		wantCode(t, err, fault.RebookUsed, "another number")
		m, err := f.App.Missed(ctx, who, v.Code)
		if err != nil || m.Taken != got.Ticket.ID || m.OnSite != nil || m.CanRebook {
			t.Errorf("%+v %v", m, err)
		}
		_, err = f.App.Book(ctx, who, app.BookRequest{
			Key: "rebook-0001", Item: apptest.SocialCard, SlotID: booking.SlotID(apptest.QueueA, hallDate+2, 10), Stage: directory.Acceptance, Instead: v.Code, Channel: booking.Web,
		})
		wantCode(t, err, fault.RebookUsed, "another hour as well")
		h.healthy()
	})
}

func TestArt18_WhoWasPreventedAppeals(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		ann, bea, cat := apptest.Citizen(1), apptest.Citizen(2), apptest.Citizen(3)
		a, b, c := h.book(ann, apptest.SocialCard, apptest.QueueA, 9), h.book(bea, apptest.SocialCard, apptest.QueueA, 9), h.book(cat, apptest.SocialCard, apptest.QueueA, 9)
		_, annIn := f.SignIn(t, ann)
		_, beaIn := f.SignIn(t, bea)
		_, err := f.App.AppealMissed(ctx, annIn, a.Code, "早")
		wantCode(t, err, fault.NotMissed, "before")
		h.at(10, 0)
		h.mark(3)
		_, err = f.App.AppealMissed(ctx, annIn, a.Code, "  ")
		wantCode(t, err, fault.InvalidRequest, "nothing said")
		said := "地铁停运，有公告"
		p, err := f.App.AppealMissed(ctx, annIn, a.Code, said)
		if err != nil || p.State != store.AppealWaiting || p.Text != said {
			t.Fatalf("%+v %v", p, err)
		}
		if _, err := f.App.AppealMissed(ctx, annIn, a.Code, said); err != nil {
			t.Errorf("sent twice: %v", err)
		}
		_, err = f.App.AppealMissed(ctx, annIn, a.Code, "别的")
		wantCode(t, err, fault.AppealWaits, "another")
		_, err = f.App.AppealMissed(ctx, annIn, b.Code, said)
		wantCode(t, err, fault.BookingNotFound, "somebody else's")
		if _, err := f.App.AppealMissed(ctx, beaIn, b.Code, "睡过头"); err != nil {
			t.Fatal(err)
		}

		// Staff of the hall see it, masked; staff of another hall do not.
		foreign := f.OpenAdmin(t, account.District2, apptest.DistrictB)
		list, all, err := f.App.MissedHours(ctx, h.admin(0), app.MissedQuery{Appeals: true})
		if err != nil || all != 2 || len(list) != 2 || list[0].Appeal.Text != said || list[0].Marks.NoShows != 1 || list[0].View.Booker.Name == ann.Name {
			t.Fatalf("%+v %d %v", list, all, err)
		}
		if list, all, err := f.App.MissedHours(ctx, f.As(t, foreign), app.MissedQuery{Appeals: true}); err != nil || all != 0 || len(list) != 0 {
			t.Errorf("another hall sees %+v %v", list, err)
		}
		_, _, err = f.App.MissedHours(ctx, f.As(t, foreign), app.MissedQuery{Hall: apptest.HallA, Date: hallDate})
		wantCode(t, err, fault.HallNotFound, "another hall's list")
		wantCode(t, f.App.Excuse(ctx, f.As(t, foreign), apptest.HallA, a.Code, "x"), fault.HallNotFound, "another hall excuses")
		wantCode(t, f.App.Excuse(ctx, f.As(t, foreign), apptest.HallB, a.Code, "x"), fault.BookingNotFound, "another hall's booking")

		wantCode(t, f.App.Excuse(ctx, h.admin(0), apptest.HallA, a.Code, ""), fault.InvalidRequest, "no reason")
		if err := f.App.Excuse(ctx, h.admin(0), apptest.HallA, a.Code, "公告属实"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, f.App.Excuse(ctx, h.admin(0), apptest.HallA, a.Code, "公告属实"), fault.NotMissed, "twice")
		if err := f.App.RefuseAppeal(ctx, h.admin(0), apptest.HallA, b.Code, "没有证明"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, f.App.RefuseAppeal(ctx, h.admin(0), apptest.HallA, b.Code, "没有证明"), fault.AppealDecided, "twice")
		wantCode(t, f.App.RefuseAppeal(ctx, h.admin(0), apptest.HallA, c.Code, "x"), fault.AppealNotFound, "no appeal")
		// And without an appeal.
		if err := f.App.Excuse(ctx, h.admin(0), apptest.HallA, c.Code, "大厅停电"); err != nil {
			t.Fatal(err)
		}
		for _, w := range []struct {
			who      identity.Person
			code     string
			state    booking.State
			messages string
			marks    int
		}{{ann, a.Code, booking.Excused, "[excused no_show booked]", 0}, {bea, b.Code, booking.NoShow, "[appeal_refused no_show booked]", 1}, {cat, c.Code, booking.Excused, "[excused no_show booked]", 0}} {
			if got := h.stateOf(w.who, w.code); got != w.state {
				t.Errorf("%s: %s", w.code, got)
			}
			h.Clock.Add(time.Second)
			got := map[booking.MessageKind]bool{}
			for _, k := range h.kinds(w.who) {
				got[k] = true
			}
			if len(got) != 3 || !got[booking.MessageNoShow] || w.state == booking.Excused != got[booking.MessageExcused] || w.state == booking.NoShow != got[booking.MessageAppealRefused] {
				t.Errorf("%s: messages %v, want %s", w.code, got, w.messages)
			}
			if m, _, err := f.App.MarksOf(ctx, h.key(w.who), hallDate); err != nil || m.NoShows != w.marks {
				t.Errorf("%s: marks %+v %v", w.code, m, err)
			}
		}
		if m, err := f.App.Missed(ctx, beaIn, b.Code); err != nil || m.CanAppeal || m.Appeal.Why != "没有证明" || !m.CanRebook {
			t.Errorf("after a refusal: %+v %v", m, err)
		}
		if m, err := f.App.Missed(ctx, annIn, a.Code); err != nil || m.CanAppeal || m.CanRebook || m.Appeal.State != store.AppealUpheld {
			t.Errorf("after it was upheld: %+v %v", m, err)
		}
		n, _ := f.Vault.NumberOf(b.Code)
		if acts := f.Acts(t, "booking", booking.IDOf(n)); fmt.Sprint(acts) != "[appeal.refuse]" {
			t.Errorf("acts %v", acts)
		}
		h.healthy()
	})
}

// BenchmarkMarkMissed marks the hour of one hall (500) and of the whole city (100,000).
func BenchmarkMarkMissed(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, n := range []int{500, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", engine, n), func(b *testing.B) {
				for range b.N {
					b.StopTimer()
					source := ""
					if engine == "postgres" {
						source = apptest.Postgres(b)
					}
					f := apptest.New(b, apptest.Options{Source: source})
					hour := bookMany(b, f, n)
					f.Clock.Set(hour.At().Add(time.Hour))
					b.StartTimer()
					if got, err := f.App.MarkMissed(b.Context()); err != nil || got != n {
						b.Fatalf("%d marked, %v", got, err)
					}
				}
			})
		}
	}
}

// bookMany books n numbers of one hour, in slots of a hundred.
func bookMany(b *testing.B, f *apptest.Fixture, n int) store.Hour {
	b.Helper()
	ctx := b.Context()
	h := store.Hour{Date: calendar.DateOf(apptest.Start) + 1, Hour: 18}
	const each = 100
	var slots []booking.Slot
	for i := range n / each {
		queue := fmt.Sprintf("hall-%d-general", i)
		slots = append(slots, booking.Slot{ID: booking.SlotID(queue, h.Date, h.Hour), HallID: fmt.Sprintf("hall-%d", i), QueueID: queue, Date: h.Date, Hour: h.Hour, Capacity: each})
	}
	if err := f.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.AddSlots(ctx, slots)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	lane, err := f.DB.NewLane(ctx, "bench")
	if err != nil {
		b.Fatal(err)
	}
	defer lane.Close()
	rules := f.App.Rules(h.Date)
	var group []booking.Request
	for i := range n {
		s := slots[i/each]
		who := identity.Key(fmt.Sprintf("person-%d", i))
		group = append(group, &booking.Book{
			Key: fmt.Sprintf("key-%08d", i), Hash: "h", ID: booking.IDOf(uint64(1_000_000 + i)), Who: booking.Who{Key: who, Level: identity.Verified}, Applicant: booking.Self, For: who,
			Offer:  booking.Offer{Rules: rules, Item: "i", HallID: s.HallID, QueueID: s.QueueID, Stages: directory.Stages{directory.Acceptance}},
			SlotID: s.ID, Stage: directory.Acceptance, Units: 1, Channel: booking.Web, Sealed: make([]byte, 300),
		})
		if len(group) == 512 || i == n-1 {
			out, _ := lane.Run(ctx, group)
			for _, o := range out {
				if o.Fault != nil {
					b.Fatal(o.Fault)
				}
			}
			group = nil
		}
	}
	return h
}
