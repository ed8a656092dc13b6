package booking_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
)

// The stage of every case: Wednesday 9 December 2026, released at noon on 25 November.
var (
	day     = calendar.MakeDate(2026, time.December, 9)
	release = calendar.MakeDate(2026, time.November, 25).At(12, 0)
	now     = calendar.MakeDate(2026, time.November, 30).At(10, 0)
)

func slot(hour, capacity, taken int) *booking.Slot {
	return &booking.Slot{
		ID: fmt.Sprintf("h1-social-20261209-%02d", hour), HallID: "h1", QueueID: "h1-social", Date: day, Hour: hour,
		Capacity: capacity, Taken: taken, Release: release,
	}
}

func offer() booking.Offer {
	return booking.Offer{
		Rules: rulebook.Continued2025(), Item: "SI-01", HallID: "h1", QueueID: "h1-social",
		Stages: directory.Stages{directory.Acceptance, directory.Collection}, BatchMax: 5,
	}
}

var serial int

func book(change func(*booking.Book)) *booking.Book {
	serial++
	b := &booking.Book{
		Key: "key-" + strconv.Itoa(serial), Hash: "hash", ID: fmt.Sprintf("%08d", serial),
		Who: booking.Who{Key: "ann", Level: identity.Matched}, Applicant: booking.Self, For: "ann",
		Offer: offer(), SlotID: slot(10, 0, 0).ID, Stage: directory.Acceptance, Units: 1, Channel: booking.Web,
	}
	if change != nil {
		change(b)
	}
	return b
}

// world is the facts of a case: it knows everybody.
func world(slots ...*booking.Slot) *booking.Facts {
	f := booking.NewFacts()
	for _, s := range slots {
		f.Slots[s.ID] = s
	}
	for _, p := range []identity.Key{"ann", "bea", "org"} {
		f.SetKnown(p)
		f.SetMarks(p)
	}
	return f
}

func decide(t *testing.T, at time.Time, f *booking.Facts, r ...booking.Request) ([]booking.Outcome, *booking.Change) {
	t.Helper()
	return booking.Decide(at, f, r)
}

func code(o booking.Outcome) fault.Code {
	if o.Fault == nil {
		return ""
	}
	return o.Fault.Code
}

func TestWhoMayBook(t *testing.T) {
	for _, c := range []struct {
		name  string
		level identity.Level
		setup func(*booking.Book)
		want  fault.Code
	}{
		{"Art12_self_declared_may_not", identity.Declared, nil, fault.LevelTooLow},
		{"Art12_matched_may", identity.Matched, nil, ""},
		{"Art12_verified_may", identity.Verified, nil, ""},
		{"Art12_visitor_may_not_for_other_business", identity.Visitor, nil, fault.ItemNotForVisitor},
		{"Art12_visitor_may_for_foreigner_business", identity.Visitor, func(b *booking.Book) { b.Offer.Foreigner = true }, ""},
		{"Art12_citizen_may_for_foreigner_business", identity.Matched, func(b *booking.Book) { b.Offer.Foreigner = true }, ""},
		{"Art13_stage_offered", identity.Matched, func(b *booking.Book) { b.Stage = directory.Collection }, ""},
		{"Art13_stage_not_offered", identity.Matched, func(b *booking.Book) { b.Stage = directory.Consultation }, fault.StageNotOffered},
		{"Art19_batch_needs_level_4", identity.Matched, func(b *booking.Book) { b.Units = 2 }, fault.LevelTooLow},
		{"Art19_batch_within_size", identity.Verified, func(b *booking.Book) { b.Units = 5 }, ""},
		{"Art19_batch_above_size", identity.Verified, func(b *booking.Book) { b.Units = 6 }, fault.BatchTooLarge},
		{"Art19_batch_not_offered", identity.Verified, func(b *booking.Book) { b.Units, b.Offer.BatchMax = 2, 0 }, fault.BatchNotOffered},
		{"Art19_all_or_none", identity.Verified, func(b *booking.Book) { b.Units, b.Offer.BatchMax = 21, 30 }, fault.SoldOut},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := book(c.setup)
			r.Who.Level = c.level
			s := slot(10, 20, 0)
			out, change := decide(t, now, world(s), r)
			if got := code(out[0]); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			if c.want == "" && s.Taken != r.Units {
				t.Errorf("%d numbers taken, want %d", s.Taken, r.Units)
			}
			if c.want != "" && !change.Empty() {
				t.Error("a refused request would write")
			}
		})
	}
}

func TestArt14WhenASlotCanBeHad(t *testing.T) {
	for _, c := range []struct {
		name  string
		at    time.Time
		setup func(*booking.Slot, *booking.Book)
		want  fault.Code
	}{
		{"one_microsecond_before_release", release.Add(-time.Microsecond), nil, fault.NotReleased},
		{"at_release", release, nil, ""},
		{"the_evening_before", day.At(0, 0).Add(-time.Microsecond), nil, ""},
		{"the_day_itself", day.At(0, 0), nil, fault.OffSiteClosed},
		{"the_day_itself_where_the_rulebook_allows", day.At(9, 59), func(_ *booking.Slot, b *booking.Book) { b.Offer.Rules.OffSiteCloses = rulebook.SlotStart }, ""},
		{"when_it_has_begun", day.At(10, 0), func(_ *booking.Slot, b *booking.Book) { b.Offer.Rules.OffSiteCloses = rulebook.SlotStart }, fault.SlotOver},
		{"hall_shut_that_hour", now, func(s *booking.Slot, _ *booking.Book) { s.Closed = true }, fault.SlotClosed},
		{"last_number", now, func(s *booking.Slot, _ *booking.Book) { s.Taken = s.Capacity - 1 }, ""},
		{"sold_out", now, func(s *booking.Slot, _ *booking.Book) { s.Taken = s.Capacity }, fault.SoldOut},
		{"no_such_slot", now, func(_ *booking.Slot, b *booking.Book) { b.SlotID = "h1-social-20261209-23" }, fault.SlotNotFound},
		{"slot_of_another_queue", now, func(s *booking.Slot, _ *booking.Book) { s.QueueID = "h1-tax" }, fault.SlotNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, r := slot(10, 20, 0), book(nil)
			if c.setup != nil {
				c.setup(s, r)
			}
			out, _ := decide(t, c.at, world(s), r)
			if got := code(out[0]); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Run("one_active_booking_per_applicant_and_item", func(t *testing.T) {
		f := world(slot(10, 20, 0), slot(11, 20, 0))
		out, _ := decide(t, now, f, book(nil), book(func(b *booking.Book) { b.SlotID = slot(11, 0, 0).ID }))
		if code(out[0]) != "" || code(out[1]) != fault.AlreadyBooked {
			t.Fatalf("got %q and %q", code(out[0]), code(out[1]))
		}
		if out[1].Fault.Args["booking"] != out[0].Answer.Booking.ID {
			t.Error("the refusal does not say which booking stands in the way")
		}
	})
	t.Run("the_applicant_counts_not_the_booker", func(t *testing.T) {
		f := world(slot(10, 20, 0), slot(11, 20, 0))
		out, _ := decide(t, now, f, book(nil), book(func(b *booking.Book) {
			b.Who.Key, b.Applicant, b.For, b.SlotID = "bea", booking.Other, "ann", slot(11, 0, 0).ID
		}))
		if code(out[1]) != fault.AlreadyBooked {
			t.Errorf("an agent booked a second number of the same item for the same applicant: %q", code(out[1]))
		}
	})
	t.Run("no_two_bookings_of_one_booker_in_one_hour", func(t *testing.T) {
		f := world(slot(10, 20, 0))
		out, _ := decide(t, now, f, book(nil), book(func(b *booking.Book) { b.Offer.Item = "SI-02" }))
		if code(out[1]) != fault.SameHour {
			t.Errorf("got %q", code(out[1]))
		}
	})
	t.Run("three_a_day", func(t *testing.T) {
		f := world(slot(9, 20, 0), slot(10, 20, 0), slot(11, 20, 0), slot(13, 20, 0))
		var group []booking.Request
		for i, hour := range []int{9, 10, 11, 13} {
			group = append(group, book(func(b *booking.Book) { b.Offer.Item, b.SlotID = "item"+strconv.Itoa(i), slot(hour, 0, 0).ID }))
		}
		out, _ := decide(t, now, f, group...)
		for i, want := range []fault.Code{"", "", "", fault.DayLimit} {
			if code(out[i]) != want {
				t.Errorf("booking %d: got %q, want %q", i+1, code(out[i]), want)
			}
		}
	})
	t.Run("organisations_unlimited_in_a_day", func(t *testing.T) {
		var slots []*booking.Slot
		var group []booking.Request
		for i, hour := range []int{9, 10, 11, 13, 14} {
			slots = append(slots, slot(hour, 20, 0))
			group = append(group, book(func(b *booking.Book) {
				b.Offer.Item, b.SlotID, b.Applicant, b.For = "item"+strconv.Itoa(i), slot(hour, 0, 0).ID, booking.Organisation, "org"
			}))
		}
		out, _ := decide(t, now, world(slots...), group...)
		for i := range out {
			if code(out[i]) != "" {
				t.Errorf("booking %d of an organisation: %q", i+1, code(out[i]))
			}
		}
	})
	t.Run("no_limit_where_the_rulebook_has_none", func(t *testing.T) {
		f := world(slot(10, 20, 0))
		free := func(b *booking.Book) {
			b.Offer.Rules.ActivePerItem, b.Offer.Rules.ActivePerHour, b.Offer.Rules.ActivePerDay = 0, 0, 0
		}
		out, _ := decide(t, now, f, book(free), book(free), book(free), book(free))
		for i := range out {
			if code(out[i]) != "" {
				t.Errorf("booking %d: %q", i+1, code(out[i]))
			}
		}
	})
	t.Run("nobody_is_booked_whose_limits_were_not_read", func(t *testing.T) {
		f := world(slot(10, 1, 1))
		first := book(nil)
		s := slot(10, 1, 0)
		held := world(s)
		if out, _ := decide(t, now, held, first); code(out[0]) != "" {
			t.Fatal(out[0].Fault)
		}
		f.Bookings, f.Slots = held.Bookings, held.Slots
		f.Put(booking.Claim{Person: "ann", Name: "item:SI-01#1", Booking: first.ID})
		stranger := book(func(b *booking.Book) { b.Who.Key, b.For = "zoe", "zoe" })
		cancel := &booking.Cancel{Key: "cancel-1", Hash: "h", Who: first.Who, Booking: first.ID, Rules: rulebook.Continued2025()}
		out, _ := decide(t, now, f, cancel, stranger)
		if code(out[0]) != "" || code(out[1]) != fault.SoldOut {
			t.Errorf("got %q and %q; a place that came free while deciding must not skip the limits", code(out[0]), code(out[1]))
		}
	})
}

func TestArt17CancelAndMoveUntilTwoHoursBeforeTheEnd(t *testing.T) {
	nine := day.At(9, 0)
	for _, c := range []struct {
		name string
		at   time.Time
		ok   bool
	}{
		{"the_day_before", day.At(0, 0).Add(-time.Hour), true},
		{"one_millisecond_before_nine", nine.Add(-time.Millisecond), true},
		{"nine_sharp", nine, true},
		{"one_microsecond_after", nine.Add(time.Microsecond), false},
		{"during_the_slot", day.At(10, 30), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, other := slot(10, 20, 0), slot(15, 20, 0)
			f := world(s, other)
			first := book(nil)
			decide(t, now, f, first)
			cancel := &booking.Cancel{Key: "c", Hash: "c", Who: first.Who, Booking: first.ID, Rules: rulebook.Continued2025()}
			out, change := decide(t, c.at, f, cancel)
			if (code(out[0]) == "") != c.ok || !c.ok && code(out[0]) != fault.CancelTooLate {
				t.Fatalf("cancel: got %q", code(out[0]))
			}
			if c.ok && (s.Taken != 0 || len(change.Release) != 3) {
				t.Errorf("cancel left %d taken and released %d claims", s.Taken, len(change.Release))
			}

			f = world(slot(10, 20, 0), slot(15, 20, 0))
			second := book(nil)
			decide(t, now, f, second)
			rules := rulebook.Continued2025()
			rules.OffSiteCloses = rulebook.SlotStart // so that the target is open that day
			o := offer()
			o.Rules = rules
			move := &booking.Move{Key: "m", Hash: "m", Who: second.Who, Booking: second.ID, Offer: o, SlotID: other.ID}
			out, _ = decide(t, c.at, f, move)
			if (code(out[0]) == "") != c.ok || !c.ok && code(out[0]) != fault.MoveTooLate {
				t.Errorf("move: got %q", code(out[0]))
			}
		})
	}
}

func TestMoveIsOneStep(t *testing.T) {
	from, to, full := slot(10, 20, 0), slot(15, 1, 0), slot(16, 1, 1)
	f := world(from, to, full)
	first := book(nil)
	decide(t, now, f, first)
	ask := func(target, key string) booking.Outcome {
		out, _ := decide(t, now, f, &booking.Move{Key: key, Hash: key, Who: first.Who, Booking: first.ID, Offer: offer(), SlotID: target})
		return out[0]
	}
	if got := code(ask(full.ID, "k1")); got != fault.SoldOut || from.Taken != 1 || full.Taken != 1 {
		t.Fatalf("to a full slot: %q, from %d", got, from.Taken)
	}
	if got := code(ask(from.ID, "k2")); got != fault.SameSlot {
		t.Fatalf("to where it is: %q", got)
	}
	o := ask(to.ID, "k3")
	if code(o) != "" || from.Taken != 0 || to.Taken != 1 {
		t.Fatalf("moved: %q, from %d, to %d", code(o), from.Taken, to.Taken)
	}
	if o.Answer.Booking.Version != 2 || o.Answer.Booking.Hour != 15 {
		t.Errorf("the booking says version %d, hour %d", o.Answer.Booking.Version, o.Answer.Booking.Hour)
	}
	if again := ask(to.ID, "k3"); !again.Answer.Replayed || again.Answer.Booking.Version != 2 {
		t.Error("the same key did not give the same answer")
	}
	if _, held := f.Claim(booking.Ref{Person: "ann", Name: "hour:2026120910"}); held {
		t.Error("the hour left is still claimed")
	}
	if _, held := f.Claim(booking.Ref{Person: "ann", Name: "hour:2026120915"}); !held {
		t.Error("the new hour is not claimed")
	}
}

func TestAnotherPersonsBookingIsAbsent(t *testing.T) {
	f := world(slot(10, 20, 0), slot(15, 20, 0))
	first := book(nil)
	decide(t, now, f, first)
	bea := booking.Who{Key: "bea", Level: identity.Strong}
	out, change := decide(t, now, f,
		&booking.Cancel{Key: "x1", Hash: "x", Who: bea, Booking: first.ID, Rules: rulebook.Continued2025()},
		&booking.Move{Key: "x2", Hash: "x", Who: bea, Booking: first.ID, Offer: offer(), SlotID: slot(15, 0, 0).ID},
		&booking.Cancel{Key: "x3", Hash: "x", Who: bea, Booking: "00000000", Rules: rulebook.Continued2025()})
	for i := range out {
		if code(out[i]) != fault.BookingNotFound {
			t.Errorf("request %d: %q", i, code(out[i]))
		}
	}
	if !change.Empty() {
		t.Error("something would be written")
	}
}

func TestTheSameKeyAsksAgain(t *testing.T) {
	s := slot(10, 1, 0)
	f := world(s)
	first := book(nil)
	decide(t, now, f, first)
	again, other := *first, *first
	again.ID = "99999998"
	other.ID, other.Hash = "99999999", "another request"
	out, change := decide(t, now.AddDate(0, 1, 0), f, &again, &other)
	if !out[0].Answer.Replayed || out[0].Answer.Booking.ID != first.ID {
		t.Errorf("got %+v: the same request must be given the booking it got, whenever it asks", out[0])
	}
	if code(out[1]) != fault.KeyReused {
		t.Errorf("another request under the key: %q", code(out[1]))
	}
	if !change.Empty() || s.Taken != 1 {
		t.Error("a repetition would write")
	}
}

// Any group of requests in any state: no slot above its capacity or below nothing, numbers conserved,
// each claim with one holder, each accepted change with one event and one message, and deciding the
// group at once or one by one comes to the same.
func TestPropertyOfAnyGroup(t *testing.T) {
	people := []identity.Key{"ann", "bea", "cat"}
	hours := []int{9, 10, 11}
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.IntRange(0, 3).Draw(t, "capacity")
		build := func() *booking.Facts {
			f := booking.NewFacts()
			for _, h := range hours {
				s := slot(h, capacity, 0)
				f.Slots[s.ID] = s
			}
			for _, p := range people {
				f.SetKnown(p)
			}
			return f
		}
		n := rapid.IntRange(1, 30).Draw(t, "n")
		var ids []string
		var group []booking.Request
		for i := range n {
			p := rapid.SampledFrom(people).Draw(t, "who")
			target := slot(rapid.SampledFrom(hours).Draw(t, "hour"), 0, 0).ID
			who := booking.Who{Key: p, Level: identity.Verified}
			key := fmt.Sprintf("key%d", rapid.IntRange(0, n).Draw(t, "key"))
			op := rapid.IntRange(0, 2).Draw(t, "op")
			if op == 0 || len(ids) == 0 {
				id := fmt.Sprintf("%08d", i)
				ids = append(ids, id)
				o := offer()
				o.Item = rapid.SampledFrom([]string{"i1", "i2", "i3"}).Draw(t, "item")
				units := rapid.IntRange(1, 2).Draw(t, "units")
				group = append(group, &booking.Book{Key: key, Hash: "b" + o.Item + target + strconv.Itoa(units), ID: id, Who: who, Applicant: booking.Self,
					For: p, Offer: o, SlotID: target, Stage: directory.Acceptance, Units: units})
				continue
			}
			id := rapid.SampledFrom(ids).Draw(t, "id")
			if op == 1 {
				o := offer()
				o.Item = rapid.SampledFrom([]string{"i1", "i2", "i3"}).Draw(t, "item")
				group = append(group, &booking.Move{Key: key, Hash: "m" + id + target, Who: who, Booking: id, Offer: o, SlotID: target})
			} else {
				group = append(group, &booking.Cancel{Key: key, Hash: "c" + id, Who: who, Booking: id, Rules: rulebook.Continued2025()})
			}
		}
		f := build()
		out, change := booking.Decide(now, f, group)

		one := build()
		for i, r := range group {
			single, _ := booking.Decide(now, one, []booking.Request{r})
			if code(single[0]) != code(out[i]) || single[0].Answer.Booking.ID != out[i].Answer.Booking.ID {
				t.Fatalf("request %d: alone %q, in the group %q", i, code(single[0]), code(out[i]))
			}
		}
		units := map[string]int{}
		claimsHeld := 0
		for _, b := range f.Bookings {
			if b.State.Active() {
				units[b.SlotID] += b.Units
				claimsHeld += 3
			}
		}
		for id, s := range f.Slots {
			if s.Taken < 0 || s.Taken > s.Capacity {
				t.Fatalf("slot %s: %d of %d", id, s.Taken, s.Capacity)
			}
			if s.Taken != units[id] {
				t.Fatalf("slot %s: %d taken, %d booked", id, s.Taken, units[id])
			}
			if change.Slots[id] != s.Taken {
				t.Fatalf("slot %s: change of %d, now %d", id, change.Slots[id], s.Taken)
			}
		}
		holders := map[booking.Ref]int{}
		limits := 0
		for _, c := range change.Take {
			holders[c.Ref()]++
			if c.Name < booking.LimitsTo {
				limits++
			}
		}
		for _, c := range change.Release {
			holders[c.Ref()]--
		}
		for ref, n := range holders {
			if n > 1 {
				t.Fatalf("claim %v taken %d times", ref, n)
			}
		}
		if limits-len(change.Release) != claimsHeld {
			t.Fatalf("%d limit claims held, bookings account for %d", limits-len(change.Release), claimsHeld)
		}
		accepted := 0
		for _, o := range out {
			if o.Fault == nil && !o.Answer.Replayed {
				accepted++
			}
		}
		if len(change.Events) != accepted || len(change.Messages) != accepted {
			t.Fatalf("%d accepted, %d events, %d messages", accepted, len(change.Events), len(change.Messages))
		}
	})
}
