package booking_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
)

func TestArt17_TheEndOfTheHourMakesANoShow(t *testing.T) {
	for _, c := range []struct {
		name string
		at   time.Time
		was  booking.State
		want booking.State
	}{
		{"one_microsecond_before_the_end", day.At(11, 0).Add(-time.Microsecond), booking.Booked, booking.Booked},
		{"at_the_end", day.At(11, 0), booking.Booked, booking.NoShow},
		{"days_later_after_an_outage", day.At(11, 0).AddDate(0, 0, 5), booking.Booked, booking.NoShow},
		{"has_come", day.At(11, 0), booking.Arrived, booking.Arrived},
		{"was_served", day.At(11, 0), booking.Done, booking.Done},
		{"cancelled", day.At(11, 0), booking.Cancelled, booking.Cancelled},
		{"lost_its_hour_and_waits", day.At(11, 0), booking.Displaced, booking.Displaced},
		{"lost_its_hour_and_nothing_was_kept", day.At(11, 0), booking.Stranded, booking.Stranded},
		{"excused", day.At(11, 0), booking.Excused, booking.Excused},
		{"marked_before", day.At(11, 0), booking.NoShow, booking.NoShow},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := world(slot(10, 5, 0))
			out, _ := decide(t, now, f, book(nil))
			b := out[0].Answer.Booking
			f.Bookings[b.ID].State = c.was
			out, change := decide(t, c.at, f, &booking.Miss{Booking: b.ID})
			if out[0].Fault != nil || out[0].Answer.Booking.State != c.want {
				t.Fatalf("%+v", out[0])
			}
			marked := c.was == booking.Booked && c.want == booking.NoShow
			if out[0].Answer.Replayed == marked || change.Empty() == marked {
				t.Errorf("replayed %t, writes %t", out[0].Answer.Replayed, !change.Empty())
			}
			if !marked {
				return
			}
			// The number stays used; the claims are given back; it is recorded, and nothing comes of it; the person is told; nobody did it.
			if len(change.Slots) != 0 || len(change.Release) != 3 || len(change.Take) != 1 || len(change.Measures) != 0 {
				t.Errorf("slots %v, claims back %v", change.Slots, change.Release)
			}
			e, m := change.Events[0], change.Messages[0]
			if e.Kind != booking.EventNoShow || e.Actor != "" || e.Version != 2 || m.Kind != booking.MessageNoShow || m.Version != 2 {
				t.Errorf("%+v %+v", e, m)
			}
			again, change := decide(t, c.at, f, &booking.Miss{Booking: b.ID})
			if !again[0].Answer.Replayed || !change.Empty() || len(change.Messages) != 0 {
				t.Error("marked twice")
			}
		})
	}
	out, _ := decide(t, now, world(), &booking.Miss{Booking: "ZZZZZZZZ"})
	if code(out[0]) != fault.BookingNotFound {
		t.Errorf("none: %q", code(out[0]))
	}
}

// missed is a world in which ann has missed 10 o'clock; hours of the next days can be had.
func missed(t *testing.T) (*booking.Facts, booking.Booking) {
	t.Helper()
	f := world(slot(10, 5, 0))
	out, _ := decide(t, now, f, book(nil))
	out, _ = decide(t, day.At(11, 0), f, &booking.Miss{Booking: out[0].Answer.Booking.ID})
	return f, out[0].Answer.Booking
}

// instead asks for 10 o'clock some days after the one that was missed.
func instead(f *booking.Facts, missed string, days int, change func(*booking.Book)) *booking.Book {
	s := slot(10, 5, 0)
	s.Date += calendar.Date(days)
	s.ID = booking.SlotID(s.QueueID, s.Date, 10)
	s.Release = s.Date.At(0, 0).AddDate(0, 0, -20)
	if f.Slots[s.ID] == nil {
		f.Slots[s.ID] = s
	}
	return book(func(b *booking.Book) {
		b.SlotID, b.Instead = s.ID, missed
		if change != nil {
			change(b)
		}
	})
}

func TestArt18_WhatStandsAgainstMakingItGood(t *testing.T) {
	last := (day + 30).At(23, 59)
	for _, c := range []struct {
		name   string
		at     time.Time
		days   int
		change func(*booking.Book)
		state  booking.State
		want   fault.Code
	}{
		{"the_same_day", day.At(11, 1), 3, nil, booking.NoShow, ""},
		{"the_last_minute_of_the_thirtieth_day", last, 31, nil, booking.NoShow, ""},
		{"the_day_after", last.Add(time.Minute), 32, nil, booking.NoShow, fault.RebookLate},
		{"another_item", day.At(11, 1), 3, func(b *booking.Book) { b.Offer.Item = "SI-02" }, booking.NoShow, fault.RebookOther},
		{"another_applicant", day.At(11, 1), 3, func(b *booking.Book) { b.For, b.Applicant = "bea", booking.Other }, booking.NoShow, fault.RebookOther},
		{"somebody_else", day.At(11, 1), 3, func(b *booking.Book) { b.Who.Key, b.For = "bea", "bea" }, booking.NoShow, fault.BookingNotFound},
		{"none", day.At(11, 1), 3, func(b *booking.Book) { b.Instead = "ZZZZZZZZ" }, booking.NoShow, fault.BookingNotFound},
		{"one_that_was_not_missed", day.At(11, 1), 3, nil, booking.Arrived, fault.NotMissed},
		{"one_that_was_excused", day.At(11, 1), 3, nil, booking.Excused, fault.NotMissed},
		{"the_rulebook_allows_none", day.At(11, 1), 3, func(b *booking.Book) { b.Offer.Rules.RebookTimes = 0 }, booking.NoShow, fault.RebookUsed},
		{"the_rest_holds_as_ever", day.At(11, 1), 0, nil, booking.NoShow, fault.SlotOver},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, b := missed(t)
			f.Bookings[b.ID].State = c.state
			out, change := decide(t, c.at, f, instead(f, b.ID, c.days, c.change))
			if got := code(out[0]); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			if c.want != "" && !change.Empty() {
				t.Error("a refused rebooking would write")
			}
			if c.want == fault.RebookLate && out[0].Fault.Args["until"] != last.Format(time.RFC3339) {
				t.Errorf("until %s", out[0].Fault.Args["until"])
			}
		})
	}
}

func TestArt18_OnceIsOnce(t *testing.T) {
	f, b := missed(t)
	at := day.At(11, 1)
	first := instead(f, b.ID, 3, nil)
	out, _ := decide(t, at, f, first)
	if out[0].Fault != nil {
		t.Fatal(out[0].Fault)
	}
	again, _ := decide(t, at, f, first) // the same request, sent twice
	if again[0].Fault != nil || !again[0].Answer.Replayed {
		t.Errorf("sent twice: %+v", again[0])
	}
	// Cancelling the new one does not give the right back; an ordinary booking is open as ever.
	cancel := &booking.Cancel{Key: "cancel-instead", Hash: "h", Who: first.Who, Booking: first.ID, Rules: rulebook.Continued2025(), Channel: booking.Web}
	if out, _ := decide(t, at, f, cancel); out[0].Fault != nil {
		t.Fatal(out[0].Fault)
	}
	if out, _ := decide(t, at, f, instead(f, b.ID, 4, nil)); code(out[0]) != fault.RebookUsed {
		t.Errorf("a second time: %q", code(out[0]))
	}
	if out, _ := decide(t, at, f, instead(f, "", 4, nil)); out[0].Fault != nil {
		t.Errorf("booked anew: %v", out[0].Fault)
	}
	// As often as a rulebook says.
	f, b = missed(t)
	twice := func(r *booking.Book) { r.Offer.Rules.RebookTimes, r.Offer.Rules.ActivePerItem = 2, 0 }
	for i, want := range []fault.Code{"", "", fault.RebookUsed} {
		if out, _ := decide(t, at, f, instead(f, b.ID, 3+i, twice)); code(out[0]) != want {
			t.Errorf("%d: %q, want %q", i, code(out[0]), want)
		}
	}
}

func TestArt17_ExcusingLeavesNoMark(t *testing.T) {
	_, b := missed(t)
	excused, e, refused := b.Excuse(day.At(15, 0))
	if refused != nil || excused.State != booking.Excused || excused.Version != 3 || e.Kind != booking.EventExcused || e.Version != 3 || e.Actor != "" {
		t.Fatalf("%+v %+v %v", excused, e, refused)
	}
	if !excused.State.Holds() || excused.State.Active() {
		t.Error("the number was used, and the booking is over")
	}
	if _, _, refused := excused.Excuse(day.At(15, 0)); refused == nil || refused.Code != fault.NotMissed {
		t.Errorf("twice: %v", refused)
	}
	s := rulebook.Continued2025().Sanctions
	for m, want := range map[booking.Marks]bool{{}: false, {NoShows: 2, Cancellations: 4}: false, {NoShows: 3}: true, {Cancellations: 5}: true} {
		if m.Reached(s) != want || m.Reached(rulebook.Sanctions{}) {
			t.Errorf("%+v", m)
		}
	}
}

// Whatever happens to a booking before and after its end, in whatever order: marking it any number of times
// counts it once, and never one whose person came, cancelled or waits to choose.
func TestArt17_MarkedOnceOrNever(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := world(slot(10, 5, 0), slot(11, 5, 0))
		out, _ := booking.Decide(now, f, []booking.Request{book(nil)})
		id := out[0].Answer.Booking.ID
		events, last := 0, out[0].Answer.Booking
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			at := rapid.SampledFrom([]time.Time{now, day.At(8, 0), day.At(10, 59), day.At(11, 0), day.At(12, 0), day.At(13, 0)}).Draw(t, "at")
			var r booking.Request
			switch rapid.IntRange(0, 3).Draw(t, "act") {
			case 0:
				serial++
				r = &booking.Cancel{Key: "c" + last.ID + booking.IDOf(uint64(serial)), Hash: "h", Who: booking.Who{Key: "ann"}, Booking: id, Rules: rulebook.Continued2025()}
			case 1:
				r = displace(last, 11)
			default:
				r = &booking.Miss{Booking: id}
			}
			was := last
			out, change := booking.Decide(at, f, []booking.Request{r})
			for _, e := range change.Events {
				if e.Kind == booking.EventNoShow {
					events++
					if was.State != booking.Booked || at.Before(was.End()) {
						t.Fatalf("marked at %s: %+v", at, was)
					}
				}
			}
			if out[0].Fault == nil {
				last = out[0].Answer.Booking
			}
		}
		if events > 1 || (events == 1) != (last.State == booking.NoShow) {
			t.Fatalf("%d marks, now %s", events, last.State)
		}
	})
}
