package booking_test

import (
	"fmt"
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

// lines are some people in the lines of two halls, and the hours that could be theirs.
type lines struct {
	now     time.Time
	rules   rulebook.Rulebook
	early   bool // before the release
	slots   []*booking.Slot
	entries []*booking.WaitEntry // in order of joining
	barred  map[string]bool      // entries against which a limit stands everywhere
	facts   *booking.Facts
}

var waitDay = calendar.MakeDate(2026, time.December, 9)

const waitItem = "RE-0001"

func (l *lines) offer(s *booking.Slot) booking.Offer {
	return booking.Offer{Rules: l.rules, Item: waitItem, HallID: s.HallID, QueueID: s.QueueID, Stages: directory.Stages{directory.Acceptance}, BatchMax: 5}
}

// slot adds an hour with so many numbers taken, and held.
func (l *lines) slot(hall string, day calendar.Date, hour, capacity, taken, held int) *booking.Slot {
	queue := hall + "-estate"
	s := &booking.Slot{
		ID: booking.SlotID(queue, day, hour), HallID: hall, QueueID: queue, Date: day, Hour: hour, Capacity: capacity, Taken: taken, Held: held, Release: l.now.Add(-time.Hour),
	}
	if l.early {
		s.Release = l.now.Add(5 * time.Minute)
	}
	l.slots = append(l.slots, s)
	l.facts.Slots[s.ID] = s
	for n := 0; held > 0; n++ { // in pieces, as they came free
		units := min(held, 1+n%2)
		held -= units
		l.facts.Holds[s.ID] = append(l.facts.Holds[s.ID], &booking.Hold{
			ID: fmt.Sprint("hold-", n), HallID: hall, QueueID: queue, SlotID: s.ID, Units: units, Was: units, OpensAt: l.now.Add(time.Duration(n+1) * time.Minute),
		})
	}
	return s
}

// join puts somebody at the end of lines.
func (l *lines) join(units int, halls []string, dates []calendar.Date, hours []int, barred bool) *booking.WaitEntry {
	n := len(l.entries) + 1
	key := identity.Key(fmt.Sprint("person-", n))
	e := &booking.WaitEntry{
		ID: booking.IDOf(uint64(n)), Number: int64(n), Booker: key, Level: identity.Verified, Applicant: booking.Self, ApplicantKey: key, Item: waitItem,
		Stage: directory.Acceptance, Units: units, Dates: dates, Hours: hours, State: booking.Waiting, Version: 1,
	}
	for _, h := range halls {
		e.Lines = append(e.Lines, booking.WaitLine{HallID: h, QueueID: h + "-estate"})
	}
	l.entries = append(l.entries, e)
	l.facts.Waits[e.ID] = e
	l.facts.SetKnown(key)
	if barred { // has the item elsewhere
		l.facts.Put(booking.Claim{Person: key, Name: "item:" + waitItem + "#1", HallID: "elsewhere", Booking: "ZZZZZZZZ"})
		l.barred[e.ID] = true
	}
	return e
}

func newLines(early bool, share int, lead time.Duration) *lines {
	l := &lines{now: waitDay.At(8, 0).AddDate(0, 0, -1), rules: rulebook.Continued2025(), early: early, barred: map[string]bool{}, facts: booking.NewFacts()}
	l.rules.WaitlistReleaseShare, l.rules.WaitlistBookLead = share, lead
	return l
}

// serve goes through every hour in order of time, and its line in order of joining.
func (l *lines) serve() (*booking.Change, []booking.Outcome) {
	var group []booking.Request
	for _, s := range l.slots {
		for _, e := range l.entries {
			group = append(group, &booking.Serve{Entry: e.ID, SlotID: s.ID, Offer: l.offer(s)})
		}
	}
	out, c := booking.Decide(l.now, l.facts, group)
	return c, out
}

func (l *lines) after(e *booking.WaitEntry) *booking.WaitEntry { return l.facts.Waits[e.ID] }

// due is what the line could still have of s.
func (l *lines) due(s *booking.Slot) int {
	if l.early {
		return min(s.Free(), s.Capacity*l.rules.WaitlistReleaseShare/100-s.Taken)
	}
	held := 0
	for _, h := range l.facts.Holds[s.ID] {
		if h.Entry == "" {
			held += h.Units
		}
	}
	if held == 0 {
		return 0
	}
	return held + s.Free()
}

func anyLines(t *rapid.T) *lines {
	l := newLines(rapid.Bool().Draw(t, "before the release"), rapid.SampledFrom([]int{0, 30, 50, 99, 100}).Draw(t, "share"),
		rapid.SampledFrom([]time.Duration{3 * time.Hour, 100 * time.Hour}).Draw(t, "booked at once so long before"))
	halls, days, hours := []string{"h1", "h2"}, []calendar.Date{waitDay, waitDay + 1}, []int{9, 10, 14}
	some := func(what string, n int) (out []int) {
		for i := range n {
			if rapid.Bool().Draw(t, what) {
				out = append(out, i)
			}
		}
		if len(out) == 0 {
			out = append(out, rapid.IntRange(0, n-1).Draw(t, what))
		}
		return out
	}
	for _, d := range days {
		for _, h := range hours {
			for _, hall := range halls {
				capacity := rapid.IntRange(0, 6).Draw(t, "numbers")
				taken := rapid.IntRange(0, capacity).Draw(t, "taken")
				held := 0
				if !l.early {
					held = rapid.IntRange(0, capacity-taken).Draw(t, "held")
				}
				l.slot(hall, d, h, capacity, taken, held)
			}
		}
	}
	for range rapid.IntRange(0, 12).Draw(t, "people") {
		var at []string
		var on []calendar.Date
		var when []int
		for _, i := range some("hall", 2) {
			at = append(at, halls[i])
		}
		for _, i := range some("day", 2) {
			on = append(on, days[i])
		}
		for _, i := range some("hour", 3) {
			when = append(when, hours[i])
		}
		l.join(rapid.SampledFrom([]int{1, 1, 1, 2, 3, 5}).Draw(t, "units"), at, on, when, rapid.IntRange(0, 5).Draw(t, "limit") == 0)
	}
	return l
}

// Whoever joined before and could have been served in an hour is, before anybody behind them; and who is left could use
// nothing that is left.
func TestArt15_NobodyIsOvertakenWhoCouldHaveBeenServed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := anyLines(t)
		before := map[string]int{}
		for _, s := range l.slots {
			before[s.ID] = s.Taken
		}
		l.serve()
		served := func(e *booking.WaitEntry) bool { return l.after(e).State != booking.Waiting }
		for i, late := range l.entries {
			now := l.after(late)
			if served(late) && l.barred[late.ID] {
				t.Fatalf("%s was served against a limit", late.ID)
			}
			for _, early := range l.entries[:i] {
				if s := l.facts.Slots[now.SlotID]; served(late) && !served(early) && !l.barred[early.ID] && early.Fits(s) && early.Units <= late.Units {
					t.Fatalf("%s was served in %s before %s", late.ID, s.ID, early.ID)
				}
			}
			for _, s := range l.slots {
				if !served(late) && !l.barred[late.ID] && late.Fits(s) && l.due(s) >= late.Units {
					t.Fatalf("%s wants %d of %s, where the line can have %d", late.ID, late.Units, s.ID, l.due(s))
				}
			}
		}
		for _, s := range l.slots {
			held := 0
			for _, h := range l.facts.Holds[s.ID] {
				held += h.Units
			}
			for _, e := range l.entries {
				if l.after(e).State == booking.Offered && l.after(e).SlotID == s.ID {
					held += e.Units
				}
			}
			if s.Taken+s.Held > s.Capacity || s.Held != held {
				t.Fatalf("%s: %d taken, %d held of %d, %d in holds and offers", s.ID, s.Taken, s.Held, s.Capacity, held)
			}
			if l.early && s.Taken > before[s.ID] && s.Taken*100 > s.Capacity*l.rules.WaitlistReleaseShare {
				t.Fatalf("%s: %d of %d before the release, at most %d %%", s.ID, s.Taken, s.Capacity, l.rules.WaitlistReleaseShare)
			}
		}
	})
}

// The line has a share of a release; the rest is the crowd's. Who is too many waits on, and a smaller wish behind a
// larger one that does not fit is served.
func TestArt15_TheLineHasItsShareOfAReleaseAndNoMore(t *testing.T) {
	for _, c := range []struct{ share, singles, batch int }{{100, 10, 10}, {50, 5, 5}, {55, 5, 5}, {59, 5, 5}, {30, 3, 3}, {9, 0, 0}, {10, 1, 1}, {0, 0, 0}} {
		l := newLines(true, c.share, 3*time.Hour)
		s := l.slot("h1", waitDay, 9, 10, 0, 0)
		for range 12 {
			l.join(1, []string{"h1"}, []calendar.Date{waitDay}, []int{9}, false)
		}
		l.serve()
		if s.Taken != c.singles {
			t.Errorf("%d %% of ten: %d are the line's, want %d", c.share, s.Taken, c.singles)
		}
		for i, e := range l.entries {
			if got := l.after(e).State == booking.WaitBooked; got != (i < c.singles) {
				t.Errorf("%d %%: number %d in line is %s", c.share, i+1, l.after(e).State)
			}
		}
		// One wants four first, then singles: what four do not fit into is not lost to those behind.
		l = newLines(true, c.share, 3*time.Hour)
		s = l.slot("h1", waitDay, 9, 10, 0, 0)
		l.join(4, []string{"h1"}, []calendar.Date{waitDay}, []int{9}, false)
		for range 12 {
			l.join(1, []string{"h1"}, []calendar.Date{waitDay}, []int{9}, false)
		}
		l.serve()
		if four := l.after(l.entries[0]).State == booking.WaitBooked; s.Taken != c.batch || four != (c.batch >= 4) {
			t.Errorf("%d %% of ten, four wanted first: %d are the line's, want %d; the four: %t", c.share, s.Taken, c.batch, four)
		}
	}
}

// Who comes next in line is not given what somebody before them was refused for want of: it came free since.
func TestArt15_WhatCameFreeSinceIsForWhoWasRefused(t *testing.T) {
	for _, c := range []struct {
		name          string
		early         bool
		held, free    int
		units, before int
		want          fault.Code
	}{
		{"nobody was refused", false, 1, 0, 1, 0, ""},
		{"there is one, and one was refused one", false, 1, 0, 1, 1, fault.ChangedMeanwhile},
		{"there is one, and somebody was refused two", false, 1, 0, 1, 2, ""},
		{"there are two with what is free", false, 1, 1, 1, 2, fault.ChangedMeanwhile},
		{"nothing is held: what is free is not the line's", false, 0, 2, 1, 1, fault.SoldOut},
		{"too few for this one", false, 1, 0, 2, 3, fault.SoldOut},
		{"before the release", true, 0, 1, 1, 1, fault.ChangedMeanwhile},
		{"before the release, somebody was refused two", true, 0, 1, 1, 2, ""},
	} {
		l := newLines(c.early, 100, 3*time.Hour)
		s := l.slot("h1", waitDay, 9, c.held+c.free, 0, c.held)
		e := l.join(c.units, []string{"h1"}, []calendar.Date{waitDay}, []int{9}, false)
		out, _ := booking.Decide(l.now, l.facts, []booking.Request{&booking.Serve{Entry: e.ID, SlotID: s.ID, Offer: l.offer(s), Before: c.before}})
		got := fault.Code("")
		if out[0].Fault != nil {
			got = out[0].Fault.Code
		}
		if got != c.want || (got == "") != (l.after(e).State == booking.WaitBooked) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
