package oversight

import (
	"maps"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
)

var day = calendar.MakeDate(2026, time.December, 1)

func slotOf(hour, capacity, onSite int, release time.Time) booking.Slot {
	return booking.Slot{ID: booking.SlotID("hall-a", day, hour), HallID: "hall", QueueID: "hall-a", Date: day, Hour: hour, Capacity: capacity, OnSite: onSite, Release: release}
}

func TestArt21_AHallsDayIsCountedFromWhatHappened(t *testing.T) {
	now := day.At(18, 0)
	at := func(id string, hour, units int, state booking.State) booking.Booking {
		return booking.Booking{ID: id, HallID: "hall", QueueID: "hall-a", SlotID: booking.SlotID("hall-a", day, hour), Date: day, Hour: hour, Item: "I", Units: units, State: state, Channel: booking.API}
	}
	d := Day{
		HallID: "hall", Date: day,
		Slots: []booking.Slot{slotOf(9, 9, 1, now.AddDate(0, 0, -14)), slotOf(10, 9, 1, now.AddDate(0, 0, -14)), slotOf(11, 9, 1, now.AddDate(0, 0, 1))},
		Bookings: []booking.Booking{
			at("done", 9, 3, booking.Done), at("came", 9, 1, booking.Arrived), at("missed", 9, 1, booking.NoShow), at("excused", 10, 1, booking.Excused),
			at("cancelled", 10, 2, booking.Cancelled), at("declined", 10, 1, booking.Cancelled), at("lost", 10, 1, booking.Displaced), at("open", 10, 1, booking.Booked),
		},
		Away: []booking.Booking{{ID: "away", Units: 1}, {ID: "gone", Units: 1}},
		Events: []booking.Event{
			{Booking: "cancelled", Kind: booking.EventCancelled}, {Booking: "declined", Kind: booking.EventDeclined},
			{Booking: "away", Kind: booking.EventMoved, From: booking.SlotID("hall-a", day, 9), SlotID: "elsewhere"},
			{Booking: "came", Kind: booking.EventMoved, From: "elsewhere", SlotID: booking.SlotID("hall-a", day, 9)},
			{Booking: "gone", Kind: booking.EventDisplaced, From: booking.SlotID("hall-a", day, 10), SlotID: "elsewhere"},
		},
		Tickets: []counter.Ticket{
			{Kind: counter.Booked, QueueID: "hall-a", Item: "I", Channel: "kiosk", Hour: 9, Date: day, Units: 3, IssuedAt: day.At(8, 50), FirstAt: day.At(9, 4), CalledAt: day.At(9, 5), EndedAt: day.At(9, 25), State: counter.Done},
			{Kind: counter.Booked, QueueID: "hall-a", Item: "I", Channel: "desk", Hour: 9, Date: day, Units: 1, IssuedAt: day.At(9, 50), FirstAt: day.At(10, 20), CalledAt: day.At(10, 20), State: counter.Passed, Passes: 1},
			{Kind: counter.Booked, QueueID: "hall-a", Hour: 9, Date: day, Units: 1, IssuedAt: day.At(9, 58), FirstAt: day.At(10, 10), CalledAt: day.At(10, 10), EndedAt: day.At(10, 12), State: counter.Done}, // late, and called at once
			{Kind: counter.WalkIn, QueueID: "hall-a", Hour: -1, Date: day, Units: 1, IssuedAt: day.At(10, 0), FirstAt: day.At(10, 40), CalledAt: day.At(10, 40), EndedAt: day.At(10, 50), State: counter.Done},
			{Kind: counter.Green, QueueID: "hall-b", Hour: -1, Date: day, Units: 1, IssuedAt: day.At(11, 0), State: counter.Left, Result: counter.DayEnded},
		},
		Evaluations: []counter.Evaluation{{QueueID: "hall-a", Item: "I", Grade: 5}, {QueueID: "hall-a", Item: "I", Grade: 3}, {QueueID: "hall-a", Item: "I", Grade: 2}},
	}
	f := d.Count()
	want := map[Counter]int64{
		Planned: 30, Released: 18, OnSite: 3, Booked: 9, Cancelled: 2, Came: 4, Missed: 1, Excused: 1, Moved: 1, Displaced: 1, CutHeld: 1,
		WalkIn: 1, Green: 1, Served: 3, ServedBooked: 2, CalledBooked: 3, CalledOnTime: 2, Passed: 1, Unserved: 1, Evaluated: 3, Content: 2,
	}
	if !maps.Equal(f.All.N, want) {
		t.Errorf("counted %v\nnot     %v", f.All.N, want)
	}
	spells := map[Spell]Lengths{WaitBooked: {4: 1, 30: 1, 12: 1}, WaitWalkIn: {40: 1}, Handling: {20: 1, 2: 1, 10: 1}}
	if !reflect.DeepEqual(f.All.Spells, spells) {
		t.Errorf("lasted %v, not %v", f.All.Spells, spells)
	}
	if n := f.By[ByHour]["09"].N[Booked]; n != 5 {
		t.Errorf("at nine %d were booked, not 5", n)
	}
	if f.By[ByChannel]["api"].N[Booked] != 9 || f.By[ByItem]["I"].N[Evaluated] != 3 || f.By[ByQueue]["hall-b"].N[Unserved] != 1 {
		t.Errorf("broken down wrongly: %v", f.By)
	}
}

func TestArt22_WhatIsTakenBackAfterTheReleaseIsCountedAsItWasThen(t *testing.T) {
	released := day.At(12, 0).AddDate(0, 0, -14)
	was := func(hour, capacity, onSite int, at time.Time) SlotChange {
		return SlotChange{SlotID: booking.SlotID("hall-a", day, hour), At: at, Capacity: capacity, OnSite: onSite}
	}
	before, after := released.Add(-time.Hour), released.Add(time.Hour)
	closed := slotOf(12, 3, 0, released)
	closed.Closed = true
	d := Day{
		Date:  day,
		Slots: []booking.Slot{slotOf(9, 5, 1, released), slotOf(10, 9, 1, released), slotOf(11, 4, 0, released), closed, slotOf(14, 7, 1, released)},
		Changes: []SlotChange{
			was(9, 9, 1, after), was(9, 7, 1, after.Add(time.Minute)), // 9, then 7 for those who stayed a while, then 5
			was(10, 12, 1, before),                     // not taken back: nobody could have them yet
			was(11, 0, 0, after),                       // an hour that was not there
			was(12, 9, 1, after), was(12, 3, 0, after), // fewer, and in the end closed
		},
	}
	f := d.Count()
	for k, want := range map[Counter]int64{Planned: 10 + 13 + 0 + 10 + 8, Released: 5 + 9 + 4 + 7, OnSite: 3, Cut: 4 + 9, Added: 4} {
		if got := f.All.N[k]; got != want {
			t.Errorf("%s: %d, want %d", k, got, want)
		}
	}
	if n := f.By[ByQueueHour]["hall-a|09"].N[Cut]; n != 4 {
		t.Errorf("at nine %d were taken back, not 4", n)
	}
}

func TestArt17_WhoLostTheirHourLeftNothingOfTheirOwnAccord(t *testing.T) {
	here, kept, chosen := booking.SlotID("hall-a", day, 9), booking.SlotID("hall-a", day, 10), "elsewhere-20261203-09"
	slots := []booking.Slot{slotOf(9, 5, 0, day.At(12, 0)), slotOf(10, 5, 0, day.At(12, 0))}
	moved := booking.Event{Booking: "b", Kind: booking.EventMoved}
	count := func(b booking.Booking, away bool, events ...booking.Event) map[Counter]int64 {
		b.ID, b.Units, b.QueueID = "b", 2, "hall-a"
		for i := range events {
			events[i].Booking = "b"
		}
		d := Day{Date: day, Slots: slots, Events: events, Bookings: []booking.Booking{b}}
		if away {
			d.Bookings, d.Away = nil, d.Bookings
		}
		n := d.Count().All.N
		delete(n, Planned)
		delete(n, Released)
		return n
	}
	lost := booking.Event{Kind: booking.EventDisplaced, From: here, SlotID: kept}
	moved.From, moved.SlotID = kept, chosen
	for name, c := range map[string]struct{ got, want map[Counter]int64 }{
		"waits":             {count(booking.Booking{State: booking.Displaced, SlotID: kept}, false, lost), map[Counter]int64{Displaced: 2, CutHeld: 2}},
		"keeps":             {count(booking.Booking{State: booking.Booked, SlotID: kept}, false, lost, booking.Event{Kind: booking.EventKept}), map[Counter]int64{Displaced: 2, CutHeld: 2, Booked: 2}},
		"moves elsewhere":   {count(booking.Booking{State: booking.Booked, SlotID: chosen}, true, lost, moved), map[Counter]int64{Displaced: 2, CutHeld: 2}},
		"is left by itself": {count(booking.Booking{State: booking.Cancelled, SlotID: kept}, false, lost, booking.Event{Kind: booking.EventLapsed}), map[Counter]int64{Displaced: 2, CutHeld: 2}},
		"loses two": {count(booking.Booking{State: booking.Stranded, SlotID: kept}, false, lost, booking.Event{Kind: booking.EventStranded, From: kept, SlotID: kept}),
			map[Counter]int64{Displaced: 2, CutHeld: 4}},
	} {
		if !maps.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

func TestArt15And16_TheWaitlistIsCountedDayByDay(t *testing.T) {
	line := func(queue string, units int, joined, ended time.Time, state booking.WaitState) Line {
		return Line{QueueID: queue, Units: units, Joined: joined, Ended: ended, State: state}
	}
	noon := day.At(12, 0)
	d := Day{
		Date: day, Slots: []booking.Slot{slotOf(9, 5, 0, noon)}, Ahead: map[string]int{"hall-a": 70, "shut": 9},
		Lines: []Line{
			line("hall-a", 1, noon, time.Time{}, booking.Waiting), line("hall-a", 3, noon.AddDate(0, 0, -3), time.Time{}, booking.Offered),
			line("hall-a", 2, noon, noon.AddDate(0, 0, 1), booking.WaitLeft), line("hall-a", 1, noon.AddDate(0, 0, 1), time.Time{}, booking.Waiting),
			line("hall-a", 4, noon.AddDate(0, 0, -1), noon, booking.WaitBooked), line("hall-a", 1, noon, noon, booking.WaitOnline),
			line("hall-a", 1, noon.AddDate(0, 0, -2), noon.AddDate(0, 0, -1), booking.WaitOnline), line("shut", 5, noon.AddDate(0, 0, -1), time.Time{}, booking.Waiting),
		},
		Requests: []Deadline{
			{Asked: true, Early: true, Filed: day, Due: (day + 2).At(0, 0)}, {Asked: true, Filed: day, Due: (day + 2).At(0, 0), Withdrawn: true},
			{Filed: day - 1, Due: (day + 1).At(0, 0), Decided: noon}, {Asked: true, Early: true, Filed: day - 1, Due: (day + 1).At(0, 0), Decided: noon.AddDate(0, 0, 1)},
			{Asked: true, Filed: day - 1, Due: (day + 1).At(0, 0), Withdrawn: true}, {Asked: true, Filed: day - 1, Due: (day + 1).At(0, 0)},
		},
		Sources: []Exchange{{Expected: 9, Received: 8, InTime: 7, Checked: 6, Agreed: 5}},
	}
	n := d.Count().All.N
	for k, want := range map[Counter]int64{
		Waiting: 6, Ahead: 70, Joined: 4, FromLine: 4, LeftOnline: 1, Requests: 2, RequestsEarly: 1, Decisions: 3, DecisionsEarly: 1,
		Records: 9, RecordsIn: 8, RecordsEarly: 7, Checked: 6, Agreed: 5,
	} {
		if n[k] != want {
			t.Errorf("%s: %d, want %d", k, n[k], want)
		}
	}
}

func TestArt13_WhatIsTakenInTheFirstMinuteIsARush(t *testing.T) {
	release := day.At(12, 0).AddDate(0, 0, -14)
	b := func(id string, after time.Duration, slot string) booking.Booking {
		return booking.Booking{ID: id, Units: 1, State: booking.Booked, SlotID: slot, CreatedAt: release.Add(after)}
	}
	here := booking.SlotID("hall-a", day, 9)
	d := Day{Date: day, Slots: []booking.Slot{slotOf(9, 9, 0, release)},
		Bookings: []booking.Booking{b("at once", 0, here), b("soon", time.Second, here), b("later", time.Minute, here), b("line", -time.Minute, here), b("from", 0, here)},
		Away:     []booking.Booking{b("away", 30*time.Second, "elsewhere")},
		Events:   []booking.Event{{Booking: "from", Kind: booking.EventMoved, From: "elsewhere", SlotID: here}, {Booking: "away", Kind: booking.EventMoved, From: here, SlotID: "elsewhere"}},
	}
	if n := d.Count().All.N; n[Rush] != 3 || n[RushFirst] != 1 {
		t.Errorf("%d in a rush, %d at once", n[Rush], n[RushFirst])
	}
}

// A breakdown adds up to the whole for everything that has a queue, and figures add up as counts do.
func TestFiguresAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var parts [2]Figures
		var sum Figures
		for i := range parts {
			for range rapid.IntRange(0, 8).Draw(t, "events") {
				w := where{
					queue: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "queue"), item: rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "item"),
					hour: rapid.IntRange(-1, 16).Draw(t, "hour"),
				}
				parts[i].count(w, rapid.SampledFrom(Counters).Draw(t, "counter"), rapid.IntRange(1, 9).Draw(t, "n"))
				parts[i].lasted(w, WaitBooked, time.Duration(rapid.IntRange(0, 90).Draw(t, "minutes"))*time.Minute)
			}
			sum.Add(parts[i])
		}
		var whole, queues Counts
		for i := range parts {
			whole.Add(parts[i].All)
		}
		for _, c := range sum.By[ByQueue] {
			queues.Add(c)
		}
		if !reflect.DeepEqual(whole, sum.All) || !reflect.DeepEqual(whole, queues) {
			t.Fatalf("%v, %v and %v", whole, sum.All, queues)
		}
	})
}
