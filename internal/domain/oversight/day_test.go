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
		HallID: "hall", Date: day, Now: now, Planned: map[string]int{"hall-a": 30},
		Slots: []booking.Slot{slotOf(9, 9, 1, now.AddDate(0, 0, -14)), slotOf(10, 9, 1, now.AddDate(0, 0, -14)), slotOf(11, 9, 1, now.Add(time.Hour))},
		Bookings: []booking.Booking{
			at("done", 9, 3, booking.Done), at("came", 9, 1, booking.Arrived), at("missed", 9, 1, booking.NoShow), at("excused", 10, 1, booking.Excused),
			at("cancelled", 10, 2, booking.Cancelled), at("declined", 10, 1, booking.Cancelled), at("lost", 10, 1, booking.Displaced), at("open", 10, 1, booking.Booked),
		},
		Events: []booking.Event{
			{Booking: "cancelled", Kind: booking.EventCancelled}, {Booking: "declined", Kind: booking.EventDeclined},
			{Booking: "away", Kind: booking.EventMoved, From: booking.SlotID("hall-a", day, 9), SlotID: "elsewhere"},
			{Booking: "here", Kind: booking.EventMoved, From: "elsewhere", SlotID: booking.SlotID("hall-a", day, 9)},
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
		Planned: 30, Released: 18, OnSite: 3, Booked: 9, Cancelled: 2, Came: 4, Missed: 1, Excused: 1, Moved: 1, Displaced: 1,
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
	if (Day{Now: now, Slots: []booking.Slot{{Capacity: 5, Closed: true}}}).Count().All.N[Released] != 0 {
		t.Error("numbers of a closed hour are released")
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
