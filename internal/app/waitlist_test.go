package app_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// inLine is a city whose street hall, one number an hour, is full tomorrow.
type inLine struct {
	*testing.T
	*apptest.Fixture
	day    calendar.Date
	serial int
}

// waitOnBoth runs a case on each engine with a waitlist, every closure of the store twice.
func waitOnBoth(t *testing.T, run func(w *inLine)) {
	t.Parallel()
	waitAloneOnBoth(t, run)
}

// waitAloneOnBoth is waitOnBoth for a case that bounds real time.
func waitAloneOnBoth(t *testing.T, run func(w *inLine)) {
	one := func(t *testing.T, source string) {
		f := apptest.New(t, apptest.Options{Twice: true, Source: source})
		w := &inLine{T: t, Fixture: f, day: calendar.DateOf(apptest.Start) + 1, serial: 500}
		run(w)
		w.sound()
	}
	t.Run("sqlite", func(t *testing.T) { one(t, "") })
	t.Run("postgres", func(t *testing.T) { one(t, apptest.Postgres(t)) })
}

// sound recounts everything.
func (w *inLine) sound() {
	w.Helper()
	found, err := w.DB.Doctor(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range found {
		if f.Severity == store.Error {
			w.Errorf("doctor: %s: %s", f.Check, f.Detail)
		}
	}
}

func (w *inLine) person() *identity.Session {
	w.serial++
	_, s := w.SignIn(w.T, apptest.Citizen(w.serial))
	return s
}

func (w *inLine) slot(hour int) string { return booking.SlotID(apptest.QueueStreet, w.day, hour) }

// fill books an hour full and returns who has it and its code.
func (w *inLine) fill(hour int) (*identity.Session, string) {
	w.Helper()
	who := w.person()
	got, err := w.App.Book(w.Context(), who, self(fmt.Sprintf("fill-%06d", w.serial), w.slot(hour)))
	if err != nil {
		w.Fatal(err)
	}
	return who, got.View.Code
}

func wants(day calendar.Date, hours ...int) app.Wants {
	return app.Wants{Halls: []string{apptest.HallStreet}, Dates: []calendar.Date{day}, Hours: hours}
}

func (w *inLine) request(hours ...int) app.WaitRequest {
	return app.WaitRequest{
		Key: fmt.Sprintf("join-%06d", w.serial), Item: apptest.SocialCard, Stage: directory.Acceptance, Wants: wants(w.day, hours...),
		Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	}
}

func (w *inLine) join(hours ...int) (*identity.Session, string) {
	w.Helper()
	who := w.person()
	v, err := w.App.JoinWait(w.Context(), who, w.request(hours...))
	if err != nil {
		w.Fatal(err)
	}
	return who, v.Code
}

func (w *inLine) cancel(who *identity.Session, code string) {
	w.Helper()
	w.serial++
	if _, err := w.App.Cancel(w.Context(), who, app.CancelRequest{Key: fmt.Sprintf("gone-%06d", w.serial), Code: code}); err != nil {
		w.Fatal(err)
	}
}

func (w *inLine) serve() {
	w.Helper()
	if err := w.App.ServeWaits(w.Context()); err != nil {
		w.Fatal(err)
	}
}

func (w *inLine) state(who *identity.Session, code string) app.WaitView {
	w.Helper()
	v, err := w.App.MyWait(w.Context(), who, code)
	if err != nil {
		w.Fatal(err)
	}
	return v
}

func (w *inLine) want(who *identity.Session, code string, state booking.WaitState) {
	w.Helper()
	if v := w.state(who, code); v.Entry.State != state {
		w.Errorf("entry %s, want %s", v.Entry.State, state)
	}
}

func TestArt15_APlaceGivenBackGoesToTheLineInOrderOfJoining(t *testing.T) {
	waitOnBoth(t, func(w *inLine) {
		holder, code := w.fill(9)
		other, second := w.fill(10)
		elsewhere, _ := w.join(10) // wants another hour
		first, f := w.join(9, 10)
		later, l := w.join(9)
		if v := w.state(later, l); v.Places[0].Ahead != 2 || v.Places[0].Chance.Known() {
			t.Errorf("place %+v, want two ahead and no chance told without history", v.Places[0])
		}
		w.cancel(holder, code)
		if s, _ := w.App.Slot(w.slot(9)); s.State != app.SlotFull || s.Free != 0 {
			t.Errorf("the place given back is shown: %+v", s)
		}
		crowd := w.person()
		if _, err := w.App.Book(t.Context(), crowd, self("crowd-0001", w.slot(9))); fault.CodeOf(err) != fault.SoldOut {
			t.Errorf("somebody from the crowd: %v", err)
		}
		w.serve()
		w.want(first, f, booking.WaitBooked)
		w.want(later, l, booking.Waiting)
		b, err := w.App.Booking(t.Context(), first, f)
		if err != nil || b.Booking.State != booking.Booked || b.Booking.SlotID != w.slot(9) || b.Code != f {
			t.Fatalf("the booking of the entry: %+v, %v", b.Booking, err)
		}
		mine, _, err := w.App.MyBookings(t.Context(), first, "", 10)
		if err != nil || len(mine) != 1 {
			t.Errorf("my bookings: %d, %v", len(mine), err)
		}
		if m, _, err := w.App.MyMessages(t.Context(), first, "", 10); err != nil || len(m) != 1 || m[0].Kind != booking.MessageWaitBooked {
			t.Errorf("messages %+v, %v", m, err)
		}
		// It can be cancelled as any other; the next in line has it.
		w.cancel(first, f)
		w.serve()
		w.want(later, l, booking.WaitBooked)
		w.cancel(other, second)
		w.serve()
		list, err := w.App.MyWaits(t.Context(), elsewhere)
		if err != nil || len(list) != 1 || list[0].Entry.State != booking.WaitBooked {
			t.Errorf("who wanted the other hour: %+v, %v", list, err)
		}
	})
}

func TestArt15_WhatNobodyWantsOpensToAllAfterARandomWhile(t *testing.T) {
	waitOnBoth(t, func(w *inLine) {
		holder, code := w.fill(9)
		w.fill(10)
		_, waits := w.join(10)
		_ = waits
		w.cancel(holder, code)
		began := w.Clock.Now()
		opened := time.Duration(0)
		for m := 0; m <= 30 && opened == 0; m++ {
			w.Clock.Set(began.Add(time.Duration(m) * time.Minute))
			w.serve()
			if s, _ := w.App.Slot(w.slot(9)); s.State == app.SlotFree {
				opened = w.Clock.Now().Sub(began)
			}
		}
		if opened < time.Minute || opened > 30*time.Minute {
			t.Errorf("opened after %v", opened)
		}
		if _, err := w.App.Book(t.Context(), w.person(), self("crowd-0002", w.slot(9))); err != nil {
			t.Errorf("after it opened: %v", err)
		}
	})
}

func TestArt15_WhoCannotUseAPlaceIsPassedOverAndStays(t *testing.T) {
	waitOnBoth(t, func(w *inLine) {
		holder, code := w.fill(9)
		barred, b := w.join(9)
		if _, err := w.App.Book(t.Context(), barred, self("barred-001", w.FreeSlots(apptest.QueueA)[0])); err != nil { // the same item elsewhere
			t.Fatal(err)
		}
		next, n := w.join(9)
		w.cancel(holder, code)
		w.serve()
		w.want(barred, b, booking.Waiting)
		w.want(next, n, booking.WaitBooked)
	})
}

func TestArt15_JoiningIsForWhoFindsNothing(t *testing.T) {
	waitOnBoth(t, func(w *inLine) {
		ctx := t.Context()
		w.fill(9)
		who := w.person()
		if _, err := w.App.JoinWait(ctx, who, w.request(9, 10)); fault.CodeOf(err) != fault.PlaceFree || fault.As(err).Args["slot"] != w.slot(10) {
			t.Errorf("while another hour is free: %v", err)
		}
		r := w.request(9)
		first, err := w.App.JoinWait(ctx, who, r)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := w.App.JoinWait(ctx, who, r); err != nil || !again.Replayed || again.Code != first.Code {
			t.Errorf("the same key again: %+v, %v", again, err)
		}
		r.Units = 2
		if _, err := w.App.JoinWait(ctx, who, r); fault.CodeOf(err) != fault.KeyReused {
			t.Errorf("the key for something else: %v", err)
		}
		r.Units, r.Key = 0, "another-key"
		if _, err := w.App.JoinWait(ctx, who, r); fault.CodeOf(err) != fault.WaitTwice || fault.As(err).Args["entry"] != first.Code {
			t.Errorf("the same thing twice: %v", err)
		}
		if _, err := w.App.MyWait(ctx, w.person(), first.Code); fault.CodeOf(err) != fault.WaitNotFound {
			t.Errorf("somebody else's: %v", err)
		}
		past := w.request(9)
		past.Wants.Dates = []calendar.Date{w.day - 2}
		far := w.request(9)
		far.Wants.Dates = []calendar.Date{w.day + 300}
		for name, r := range map[string]app.WaitRequest{"past": past, "far": far} {
			if _, err := w.App.JoinWait(ctx, w.person(), r); fault.CodeOf(err) != fault.InvalidRequest {
				t.Errorf("%s: %v", name, err)
			}
		}
		// Who has left may join again, behind.
		for range 2 {
			if v, err := w.App.LeaveWait(ctx, who, first.Code); err != nil || v.Entry.State != booking.WaitLeft {
				t.Errorf("left: %+v, %v", v.Entry, err)
			}
		}
		if _, err := w.App.JoinWait(ctx, who, r); err != nil {
			t.Errorf("joined again: %v", err)
		}
	})
}

func TestArt15_OnlyNarrowingKeepsThePlace(t *testing.T) {
	waitOnBoth(t, func(w *inLine) {
		for _, h := range []int{9, 10, 11} {
			w.fill(h)
		}
		who, code := w.join(9, 10)
		behind, b := w.join(9)
		was := w.state(who, code).Entry.Number
		v, err := w.App.ChangeWait(t.Context(), who, code, 0, wants(w.day, 9))
		if err != nil || v.Entry.Number != was || v.Places[0].Ahead != 0 {
			t.Errorf("narrowed: %+v, %v", v.Entry, err)
		}
		w.sound()
		v, err = w.App.ChangeWait(t.Context(), who, code, 0, wants(w.day, 9, 11))
		if err != nil || v.Entry.Number <= was || v.Places[0].Ahead != 1 {
			t.Errorf("widened: %+v, %v", v.Entry, err)
		}
		if again, err := w.App.ChangeWait(t.Context(), who, code, 0, wants(w.day, 9, 11)); err != nil || again.Entry.Version != v.Entry.Version {
			t.Errorf("the same again: %+v, %v", again.Entry, err)
		}
		if p := w.state(behind, b).Places[0]; p.Ahead != 0 {
			t.Errorf("who stood behind has %d ahead", p.Ahead)
		}
	})
}

func TestArt15_AtAReleaseTheLineIsServedBeforeTheCrowd(t *testing.T) {
	waitOnBoth(t, func(w *inLine) {
		at, dates := w.App.NextRelease()
		w.day = dates[0]
		first, f := w.join(9)
		second, s := w.join(9)
		w.Clock.Set(at.Add(-booking.ReleaseLead - time.Second))
		w.serve()
		w.want(first, f, booking.Waiting)
		w.Clock.Set(at.Add(-5 * time.Minute))
		w.serve()
		w.want(first, f, booking.WaitBooked)
		w.want(second, s, booking.Waiting) // one number an hour
		if m, _, err := w.App.MyMessages(t.Context(), first, "", 5); err != nil || len(m) != 1 || !m[0].At.Equal(at) {
			t.Errorf("told %+v, %v; want at the release", m, err)
		}
		if v, _ := w.App.Slot(w.slot(9)); v.State != app.SlotNotReleased {
			t.Errorf("released early: %+v", v)
		}
		w.Clock.Set(at)
		if v, _ := w.App.Slot(w.slot(9)); v.State != app.SlotFull {
			t.Errorf("at the release: %+v", v)
		}
		if v, _ := w.App.Slot(w.slot(10)); v.State != app.SlotFree {
			t.Errorf("what the line did not want: %+v", v)
		}
	})
}

func TestArt15_AnEntryEndsWithItsLastHour(t *testing.T) {
	waitOnBoth(t, func(w *inLine) {
		w.fill(9)
		who, code := w.join(9)
		w.Clock.Set(w.day.At(9, 0))
		w.serve()
		w.want(who, code, booking.WaitOver)
		if m, _, err := w.App.MyMessages(t.Context(), who, "", 5); err != nil || len(m) != 1 || m[0].Kind != booking.MessageWaitOver || m[0].Wait == nil {
			t.Errorf("told %+v, %v", m, err)
		}
	})
}

// A place that comes free reaches the line in under a second, with nobody asking for it.
func TestArt15_AFreedPlaceReachesTheLineWithinASecond(t *testing.T) {
	waitAloneOnBoth(t, func(w *inLine) {
		holder, code := w.fill(9)
		who, c := w.join(9)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); w.App.FollowWaitlist(ctx, 250*time.Millisecond) }()
		defer func() { stop(); <-done }()
		began := time.Now()
		w.cancel(holder, code)
		for w.state(who, c).Entry.State != booking.WaitBooked {
			if time.Since(began) > time.Second {
				t.Fatal("not in line within a second")
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Logf("booked for the line after %v", time.Since(began))
	})
}
