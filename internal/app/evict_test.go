package app_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// storm is a city with people in the social queue of district A on one day.
type storm struct {
	*apptest.Fixture
	day   calendar.Date
	who   []*identity.Session // in the order they booked
	codes []string
	next  int
}

func newStorm(t *testing.T, f *apptest.Fixture, hours, each int) *storm {
	t.Helper()
	s := &storm{Fixture: f, day: calendar.DateOf(apptest.Start) + 8}
	for h := range hours {
		for range each {
			s.book(t, booking.SlotID(apptest.QueueA, s.day, []int{9, 10, 11, 13, 14, 15, 16}[h]))
		}
	}
	return s
}

func (s *storm) book(t *testing.T, slot string) string {
	t.Helper()
	s.next++
	_, who := s.SignIn(t, apptest.Citizen(s.next))
	r, err := s.App.Book(t.Context(), who, self(fmt.Sprintf("storm-%06d", s.next), slot))
	if err != nil {
		t.Fatal(err)
	}
	s.who, s.codes = append(s.who, who), append(s.codes, r.View.Code)
	return r.View.Code
}

func (s *storm) view(t *testing.T, i int) app.BookingView {
	t.Helper()
	v, err := s.App.Booking(t.Context(), s.who[i], s.codes[i])
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// closing is every slot of the day, closed.
func (s *storm) closing() []app.SlotCut {
	var out []app.SlotCut
	for _, h := range []int{9, 10, 11, 13, 14, 15, 16} {
		out = append(out, app.SlotCut{HallID: apptest.HallA, QueueID: apptest.QueueA, SlotID: booking.SlotID(apptest.QueueA, s.day, h), Closed: true})
	}
	return out
}

// slot reads a slot from the database.
func (s *storm) slot(t *testing.T, hall, id string) store.LiveSlot {
	t.Helper()
	var out store.LiveSlot
	if err := s.DB.View(t.Context(), func(tx *store.Tx) error {
		return tx.SlotsByID(t.Context(), [][2]string{{hall, id}}, func(l store.LiveSlot) { out = l })
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// told counts a person's messages by kind.
func (s *storm) told(t *testing.T, i int) map[booking.MessageKind]int {
	t.Helper()
	page, _, err := s.App.MyMessages(t.Context(), s.who[i], "", 100)
	if err != nil {
		t.Fatal(err)
	}
	out := map[booking.MessageKind]int{}
	for _, m := range page {
		out[m.Kind]++
	}
	return out
}

func (s *storm) healthy(t *testing.T) {
	t.Helper()
	found, err := s.DB.Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Severity == store.Error && f.Check != "engine" {
			t.Errorf("doctor: %s: %s", f.Check, f.Detail)
		}
	}
}

func TestAClosedHallKeepsAnotherHourForEverybodyAndTellsThemOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		s := newStorm(t, f, 3, 4)
		var done, all int
		for range 3 { // again and again comes to the same
			if err := s.App.Evict(t.Context(), "R2026-1", s.closing(), func(d, a int) { done, all = d, a }); err != nil {
				t.Fatal(err)
			}
		}
		if done != all {
			t.Errorf("told of %d of %d", done, all)
		}
		for i := range s.who {
			v := s.view(t, i)
			if v.Booking.State != booking.Displaced || v.Booking.QueueID != apptest.QueueA || v.Booking.Date != s.day+1 {
				t.Errorf("booking %d is %s in %s, want kept in the same queue the next day", i, v.Booking.State, v.Booking.SlotID)
			}
			if l := v.Lost; l == nil || l.Date != s.day || !l.Closed || l.Request != "R2026-1" || !l.Until.Equal(apptest.Start.Add(24*time.Hour)) || !v.CanChange {
				t.Errorf("booking %d lost %+v", i, v.Lost)
			}
			if told := s.told(t, i); told[booking.MessageDisplaced] != 1 || len(told) != 2 {
				t.Errorf("booking %d was told %v", i, told)
			}
		}
		first, last := s.view(t, 0), s.view(t, len(s.who)-1)
		if first.Booking.Hour != 9 || last.Booking.Hour != 10 {
			t.Errorf("the first to book has %d:00, the last %d:00; want the first to have the nearest", first.Booking.Hour, last.Booking.Hour)
		}
		for _, c := range s.closing() {
			if l := s.slot(t, c.HallID, c.SlotID); !l.Closed || l.Capacity != 0 || l.Taken != 0 || l.OnSite != 0 {
				t.Errorf("%s: %+v", c.SlotID, l)
			}
			if v, _ := s.App.Slot(c.SlotID); v.State != app.SlotClosed {
				t.Errorf("the board has %s as %s", c.SlotID, v.State)
			}
		}
		s.healthy(t)
	})
}

func TestACutMovesOutThoseWhoBookedLast(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		s := newStorm(t, f, 1, 6)
		slot := booking.SlotID(apptest.QueueA, s.day, 9)
		cut := []app.SlotCut{{HallID: apptest.HallA, QueueID: apptest.QueueA, SlotID: slot, To: 4}}
		if err := s.App.Evict(t.Context(), "R2026-2", cut, nil); err != nil {
			t.Fatal(err)
		}
		for i := range s.who {
			want := booking.Booked
			if i >= 4 {
				want = booking.Displaced
			}
			if v := s.view(t, i); v.Booking.State != want {
				t.Errorf("booking %d is %s, want %s", i, v.Booking.State, want)
			}
		}
		if v := s.view(t, 5); v.Booking.Date != s.day || v.Booking.Hour != 10 || v.Lost.Closed {
			t.Errorf("kept at %s, lost %+v; want the next hour of the same day", v.Booking.SlotID, v.Lost)
		}
		if l := s.slot(t, apptest.HallA, slot); l.Closed || l.Capacity != 4 || l.Taken != 4 {
			t.Errorf("slot %+v", l)
		}
		s.healthy(t)
		// A slot in which everybody fits is only made smaller, and a larger one larger.
		for _, to := range []int{5, 9} {
			cut[0].To = to
			if err := s.App.Evict(t.Context(), "R2026-3", cut, nil); err != nil {
				t.Fatal(err)
			}
			if l := s.slot(t, apptest.HallA, slot); l.Capacity != to || l.Closed {
				t.Errorf("slot %+v, want %d numbers", l, to)
			}
		}
	})
}

func TestEachChoiceOfWhoLostAnHour(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		s := newStorm(t, f, 1, 5)
		if err := s.App.Evict(ctx, "R2026-4", s.closing(), nil); err != nil {
			t.Fatal(err)
		}
		kept := s.view(t, 0).Booking.SlotID
		keep := app.KeepRequest{Key: "choose-keep", Code: s.codes[0], Channel: booking.Web}
		r, err := s.App.Keep(ctx, s.who[0], keep)
		if err != nil || r.View.Booking.State != booking.Booked || r.View.Booking.SlotID != kept || r.View.Lost != nil {
			t.Errorf("keep: %+v, %v", r.View.Booking, err)
		}
		if r, err = s.App.Keep(ctx, s.who[0], keep); err != nil || !r.Replayed {
			t.Errorf("keep again: %v", err)
		}
		if _, err = s.App.Keep(ctx, s.who[0], app.KeepRequest{Key: "choose-keep2", Code: s.codes[0]}); fault.CodeOf(err) != fault.ChoiceOver {
			t.Errorf("keep what is booked: %v", err)
		}
		if _, err = s.App.Keep(ctx, s.who[0], app.KeepRequest{Key: "choose-keep3", Code: s.codes[1]}); fault.CodeOf(err) != fault.BookingNotFound {
			t.Errorf("keep another person's: %v", err)
		}
		free := s.FreeSlots(apptest.QueueB)[3]
		if r, err = s.App.Move(ctx, s.who[1], app.MoveRequest{Key: "choose-move", Code: s.codes[1], SlotID: free, Channel: booking.Web}); err != nil || r.View.Booking.State != booking.Booked || r.View.Booking.SlotID != free {
			t.Errorf("move: %+v, %v", r.View.Booking, err)
		}
		if r, err = s.App.Cancel(ctx, s.who[2], app.CancelRequest{Key: "choose-cancel", Code: s.codes[2], Channel: booking.Web}); err != nil || r.View.Booking.State != booking.Cancelled {
			t.Errorf("cancel: %+v, %v", r.View.Booking, err)
		}
		if told := s.told(t, 2); told[booking.MessageDeclined] != 1 || told[booking.MessageCancelled] != 0 {
			t.Errorf("whoever declines was told %v", told)
		}
		s.healthy(t)
		// The kept time passes for the fourth; a microsecond before, the fifth says yes.
		f.Clock.Set(apptest.Start.Add(24*time.Hour - time.Microsecond))
		if n, err := s.App.Lapse(ctx, 100); err != nil || n != 0 {
			t.Errorf("before its time %d lapsed, %v", n, err)
		}
		_, who := f.SignIn(t, apptest.Citizen(5))
		if _, err = s.App.Keep(ctx, who, app.KeepRequest{Key: "choose-keep5", Code: s.codes[4]}); err != nil {
			t.Error(err)
		}
		f.Clock.Add(time.Microsecond)
		_, who = f.SignIn(t, apptest.Citizen(4))
		if _, err = s.App.Keep(ctx, who, app.KeepRequest{Key: "choose-late", Code: s.codes[3]}); fault.CodeOf(err) != fault.ChoiceOver {
			t.Errorf("keep when the time is over: %v", err)
		}
		for _, want := range []int{1, 0} {
			if n, err := s.App.Lapse(ctx, 100); err != nil || n != want {
				t.Errorf("%d lapsed, %v; want %d", n, err, want)
			}
		}
		if v, err := s.App.Booking(ctx, who, s.codes[3]); err != nil || v.Booking.State != booking.Cancelled {
			t.Errorf("after its time: %s, %v", v.Booking.State, err)
		}
		s.who[3] = who
		if told := s.told(t, 3); told[booking.MessageLapsed] != 1 {
			t.Errorf("told %v", told)
		}
		s.healthy(t)
	})
}

// Where no hour is left in the district nobody is dropped: the item stays theirs until they choose.
func TestWhereNothingCanBeKeptNobodyIsDropped(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		s := newStorm(t, f, 1, 2)
		cuts := s.closing()
		for _, queue := range []string{apptest.QueueA, apptest.QueueStreet} {
			hall := map[string]string{apptest.QueueA: apptest.HallA, apptest.QueueStreet: apptest.HallStreet}[queue]
			for _, id := range f.FreeSlots(queue) {
				cuts = append(cuts, app.SlotCut{HallID: hall, QueueID: queue, SlotID: id, Closed: true})
			}
		}
		if err := s.App.Evict(ctx, "R2026-5", cuts, nil); err != nil {
			t.Fatal(err)
		}
		v := s.view(t, 0)
		if v.Booking.State != booking.Stranded || v.Booking.Date != s.day || v.Lost == nil || !v.CanChange {
			t.Fatalf("%s, lost %+v", v.Booking.State, v.Lost)
		}
		if told := s.told(t, 0); told[booking.MessageStranded] != 1 {
			t.Errorf("told %v", told)
		}
		if list, err := s.App.MyActive(ctx, s.who[0]); err != nil || len(list) != 1 {
			t.Errorf("my active bookings: %d, %v", len(list), err)
		}
		if _, err := s.App.Keep(ctx, s.who[0], app.KeepRequest{Key: "strand-keep", Code: s.codes[0]}); fault.CodeOf(err) != fault.ChoiceOver {
			t.Errorf("keep what is not kept: %v", err)
		}
		s.healthy(t)
		free := s.FreeSlots(apptest.QueueB)[0]
		if _, err := s.App.Book(ctx, s.who[0], self("strand-book", free)); fault.CodeOf(err) != fault.AlreadyBooked {
			t.Errorf("a second number of the item: %v", err)
		}
		if _, err := s.App.Move(ctx, s.who[0], app.MoveRequest{Key: "strand-move", Code: s.codes[0], SlotID: free}); err != nil {
			t.Errorf("move: %v", err)
		}
		if _, err := s.App.Cancel(ctx, s.who[1], app.CancelRequest{Key: "strand-cancel", Code: s.codes[1]}); err != nil {
			t.Errorf("cancel: %v", err)
		}
		s.healthy(t)
	})
}

// An eviction that is cut off anywhere is finished by the next, and by two at once, while others book.
func TestAnEvictionStoppedInTheMiddleIsFinishedByTheNext(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		s := newStorm(t, f, 7, 9)
		for stop := range 4 {
			ctx, cancel := context.WithCancel(t.Context())
			err := s.App.Evict(ctx, "R2026-6", s.closing(), func(done, _ int) {
				if done >= stop*10 {
					cancel()
				}
			})
			cancel()
			if err == nil && stop == 0 {
				t.Error("it was not stopped")
			}
		}
		other, err := app.New(t.Context(), app.Config{DB: f.DB, Vault: f.Vault, Now: f.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		var wg sync.WaitGroup
		for _, a := range []*app.App{f.App, other} {
			wg.Go(func() {
				if err := a.Evict(t.Context(), "R2026-6", s.closing(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i := range s.who {
			if told := s.told(t, i); told[booking.MessageDisplaced]+told[booking.MessageStranded] != 1 {
				t.Errorf("booking %d was told %v", i, told)
			}
			if v := s.view(t, i); !v.Booking.State.Choosing() || v.Lost == nil {
				t.Errorf("booking %d is %s", i, v.Booking.State)
			}
		}
		s.healthy(t)
	})
}

func TestTwoNodesEvictWhilePeopleBook(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		s := newStorm(t, f, 3, 5)
		other, err := app.New(t.Context(), app.Config{DB: f.DB, Vault: f.Vault, Now: f.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go other.FollowNews(ctx, 20*time.Millisecond)
		go f.App.FollowNews(ctx, 20*time.Millisecond)
		var booked atomic.Int64
		var people, nodes sync.WaitGroup
		for i := range 40 {
			_, who := f.SignIn(t, apptest.Citizen(1000+i))
			slot := booking.SlotID(apptest.QueueA, s.day+calendar.Date(i%2), []int{9, 10, 11}[i%3])
			people.Go(func() {
				_, err := []*app.App{f.App, other}[i%2].Book(t.Context(), who, self(fmt.Sprintf("rush-%06d", i), slot))
				switch fault.CodeOf(err) {
				case "":
					booked.Add(1)
				case fault.SlotClosed, fault.SoldOut:
				default:
					t.Error(err)
				}
			})
		}
		for _, a := range []*app.App{f.App, other} {
			nodes.Go(func() {
				if err := a.Evict(t.Context(), "R2026-7", s.closing(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		people.Wait()
		nodes.Wait()
		for _, c := range s.closing() {
			if l := s.slot(t, c.HallID, c.SlotID); !l.Closed || l.Capacity != 0 || l.Taken != 0 {
				t.Errorf("%s: %+v", c.SlotID, l)
			}
		}
		if n := f.Rows(t); n["taken"]+s.stranded(t) != 15+int(booked.Load()) {
			t.Errorf("%d numbers taken and %d stranded for %d bookings", n["taken"], s.stranded(t), 15+booked.Load())
		}
		s.healthy(t)
	})
}

// stranded counts the bookings of the request for which nothing was kept.
func (s *storm) stranded(t *testing.T) int {
	t.Helper()
	n := 0
	for i := range s.who {
		if s.view(t, i).Booking.State == booking.Stranded {
			n++
		}
	}
	return n
}
