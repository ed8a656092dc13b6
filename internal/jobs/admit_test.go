package jobs

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/rulebook"
)

func cityOf(t *testing.T, rules func(*rulebook.Messages)) *city {
	c := &city{Fixture: apptest.New(t, apptest.Options{Rules: func(r *rulebook.Rulebook) { rules(&r.Messages) }}), gate: &gateway{}, told: map[string]int{}}
	_, c.who = c.SignIn(t, apptest.Citizen(1))
	c.mail = newMail(c)
	c.mail.Admit = c.App.AdmitMessages
	return c
}

func newMail(c *city) *Mail {
	return &Mail{
		App: c.App, Carrier: c.gate.carry, Log: slog.New(slog.DiscardHandler), InFlight: 1,
		Words: func(m app.Outgoing) Text { return Text{To: m.Phone, Template: string(m.Row.Kind), Body: m.View.Code} },
	}
}

func TestArt13_WhatCanWaitIsNotSentAtNight(t *testing.T) {
	c := cityOf(t, func(*rulebook.Messages) {})
	today := calendar.DateOf(c.Clock.Now())
	night := today.At(23, 0)
	c.Clock.Set(night)
	slots := c.FreeSlots(apptest.QueueA)
	first := c.book(t, slots[0])
	morning := first.View.Booking.Date.At(first.View.Booking.Hour, 0)
	if morning.After((today + 1).At(12, 0)) {
		t.Fatalf("the first free slot is at %v: this proves nothing", morning)
	}
	c.book(t, slots[len(slots)-1]) // days away
	c.send(t)
	if got := c.gate.texts(); len(got) != 1 || got[0].Body != first.View.Code {
		t.Fatalf("%d sent at night, want the one about tomorrow's morning", len(got))
	}
	c.Clock.Set((today + 1).At(6, 59))
	if c.send(t); len(c.gate.texts()) != 1 {
		t.Fatal("sent before seven")
	}
	c.Clock.Set((today + 1).At(7, 0))
	if c.send(t); len(c.gate.texts()) != 2 {
		t.Fatal("not sent at seven")
	}
	if s := c.states(t); s["booked sent"] != 1 {
		t.Errorf("the person sees %v", s)
	}
}

func TestArt13_APhoneIsSentSoManyAndTheRestWaits(t *testing.T) {
	c := cityOf(t, func(m *rulebook.Messages) { m.PerMinute, m.PerHour, m.PerDay = 2, 5, 7 })
	slots := c.FreeSlots(apptest.QueueA)
	const n = 9        // all to one phone: the test persons share theirs
	for i := range n { // about days that no morning is spared for
		c.book(t, slots[len(slots)-1-i])
	}
	start := c.Clock.Now()
	sentAt := func(at time.Time, want int) {
		t.Helper()
		c.Clock.Set(at)
		c.send(t)
		c.send(t)
		if got := len(c.gate.texts()); got != want {
			t.Errorf("%v after the start %d are sent, want %d", at.Sub(start), got, want)
		}
	}
	minute := start.Truncate(time.Minute)
	hour := start.Truncate(time.Hour)
	sentAt(start, 2)
	sentAt(minute.Add(time.Minute), 4)
	sentAt(minute.Add(2*time.Minute), 5) // five in the hour
	sentAt(minute.Add(3*time.Minute), 5)
	sentAt(hour.Add(time.Hour), 7) // seven in the day
	sentAt(hour.Add(2*time.Hour), 7)
	tomorrow := calendar.DateOf(start) + 1
	sentAt(tomorrow.At(0, 1), 7) // it may be, and is quiet
	sentAt(tomorrow.At(7, 0), 9)
	refs := map[string]bool{}
	for _, text := range c.gate.texts() {
		refs[text.Reference] = true
	}
	if len(refs) != n {
		t.Errorf("%d different messages of %d", len(refs), n)
	}
}

func TestATryThatFailedIsCountedOnce(t *testing.T) {
	c := cityOf(t, func(m *rulebook.Messages) { m.PerMinute, m.PerHour, m.PerDay = 1, 1, 1 })
	c.book(t, c.FreeSlots(apptest.QueueA)[0])
	c.gate.fail = errors.New("no line")
	c.send(t)
	c.gate.fail = nil
	c.Clock.Add(2 * firstPause)
	if c.send(t); len(c.gate.texts()) != 1 {
		t.Error("a message that was admitted waits for the limit it has used up itself")
	}
}

func TestArt13_TwoNodesCountOnePhoneTogether(t *testing.T) {
	c := cityOf(t, func(m *rulebook.Messages) { m.PerMinute, m.PerHour, m.PerDay = 3, 3, 3 })
	slots := c.FreeSlots(apptest.QueueA)
	for i := range 12 {
		c.book(t, slots[i])
	}
	other := *c.mail
	other.Batch, c.mail.Batch = 2, 2
	done := make(chan error)
	for _, m := range []*Mail{c.mail, &other} {
		go func() {
			var failed error
			for range 8 {
				_, err := m.Send(t.Context())
				failed = errors.Join(failed, err)
			}
			done <- failed
		}()
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
	if got := len(c.gate.texts()); got != 3 {
		t.Errorf("%d sent by two nodes, want three", got)
	}
}
