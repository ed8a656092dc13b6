package counter_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
)

var day = calendar.MakeDate(2026, time.December, 9)

func at(hour, minute int) time.Time { return day.At(hour, minute) }

// hall is a floor with queues a and b; counters 1 (a), 2 (a, b) and 3 (b), all open and heard of.
func hall(now time.Time) *counter.Floor {
	f := &counter.Floor{
		HallID: "h", Date: day, Rules: counter.DefaultRules(), Tickets: map[string]*counter.Ticket{}, Seats: map[string]*counter.Seat{},
		Lines: map[string]*counter.Line{"a": {Prefix: "A"}, "b": {Prefix: "B"}},
	}
	for id, queues := range map[string][]string{"1": {"a"}, "2": {"a", "b"}, "3": {"b"}} {
		f.Seats[id] = &counter.Seat{Counter: id, Queues: queues, State: counter.SeatOpen, Seen: now}
	}
	return f
}

// put gives a number; who is "b9" (booked for 9), "w" (walk-in) or "g" (green), then anything.
func put(t *testing.T, f *counter.Floor, when time.Time, queue, id string) *counter.Ticket {
	t.Helper()
	k := &counter.Ticket{ID: id, QueueID: queue, Kind: counter.WalkIn, Hour: -1}
	switch id[0] {
	case 'g':
		k.Kind = counter.Green
	case 'b':
		k.Kind = counter.Booked
		fmt.Sscanf(id[1:], "%d", &k.Hour)
		k.Booking = id
	}
	if _, err := f.Put(when, k); err != nil {
		t.Fatal(err)
	}
	return k
}

func do(t *testing.T, f *counter.Floor, when time.Time, a counter.Act) *counter.Change {
	t.Helper()
	c, err := f.Apply(when, a)
	if err != nil {
		t.Fatalf("%+v: %v", a, err)
	}
	return c
}

func line(f *counter.Floor, when time.Time, queues ...string) (out []string) {
	for _, p := range f.Order(when, queues) {
		out = append(out, p.ID+" "+string(p.Why))
	}
	return out
}

func TestTheOrderOfTheLine(t *testing.T) {
	for _, c := range []struct {
		name  string
		who   []string // come a minute apart from 9:00
		setup func(f *counter.Floor)
		now   time.Time
		want  []string
	}{
		{"booked_before_walk_ins_whoever_came_first", []string{"w1", "b9-1"}, nil, at(9, 10), []string{"b9-1 booked", "w1 walk_in"}},
		{"an_earlier_hour_first", []string{"b10-1", "b9-1"}, nil, at(10, 10), []string{"b9-1 booked", "b10-1 booked"}},
		{"a_later_hour_when_nobody_else_waits", []string{"b10-1", "w1", "b9-1"}, nil, at(9, 10), []string{"b9-1 booked", "w1 walk_in", "b10-1 early"}},
		{"a_walk_in_after_four_booked", []string{"w1", "w2", "b9-1", "b9-2", "b9-3", "b9-4", "b9-5"}, nil, at(9, 10),
			[]string{"b9-1 booked", "b9-2 booked", "b9-3 booked", "b9-4 booked", "w1 walk_in", "b9-5 booked", "w2 walk_in"}},
		{"a_walk_in_who_waited_longest", []string{"w1", "b9-1", "b10-1"}, nil, at(10, 0), []string{"w1 longest", "b9-1 booked", "b10-1 booked"}},
		{"green_at_once", []string{"b9-1", "w1", "g1"}, nil, at(9, 10), []string{"g1 green", "b9-1 booked", "w1 walk_in"}},
		{"one_other_after_three_green", []string{"w1", "g1", "g2", "g3", "g4"}, nil, at(9, 10),
			[]string{"g1 green", "g2 green", "g3 green", "w1 walk_in", "g4 green"}},
		{"green_without_end_where_the_hall_says_so", []string{"w1", "g1", "g2", "g3", "g4"}, func(f *counter.Floor) { f.Rules.Green = counter.GreenFirst }, at(9, 10),
			[]string{"g1 green", "g2 green", "g3 green", "g4 green", "w1 walk_in"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := hall(c.now)
			for i, id := range c.who {
				put(t, f, at(9, i), "a", id)
			}
			if c.setup != nil {
				c.setup(f)
			}
			if got := line(f, c.now, "a"); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestArt12_PassedComesBackAfterThreeOthers(t *testing.T) {
	f := hall(at(9, 0))
	for i, id := range []string{"b9-1", "b9-2", "b9-3", "b9-4", "b9-5"} {
		put(t, f, at(9, i), "a", id)
	}
	do(t, f, at(9, 10), counter.Act{Kind: counter.Call, Counter: "1"})
	do(t, f, at(9, 11), counter.Act{Kind: counter.Pass, Counter: "1", Ticket: "b9-1"})
	do(t, f, at(9, 12), counter.Act{Kind: counter.Return, Ticket: "b9-1"})
	if got := line(f, at(9, 12), "a"); !slices.Equal(got, []string{"b9-2 booked", "b9-3 booked", "b9-4 booked", "b9-1 passed", "b9-5 booked"}) {
		t.Error(got)
	}
	// The place it has then is its own in another queue too: what it let go before counts no more.
	for range 4 {
		do(t, f, at(9, 20), counter.Act{Kind: counter.Call, Counter: "1"})
	}
	do(t, f, at(9, 30), counter.Act{Kind: counter.Transfer, Counter: "1", Ticket: "b9-1", Queue: "b"})
	put(t, f, at(9, 31), "b", "b9-6")
	if got := line(f, at(9, 31), "b"); !slices.Equal(got, []string{"b9-1 booked", "b9-6 booked"}) {
		t.Errorf("after the transfer %v", got)
	}
	// The third time it is void.
	for range f.Rules.PassedMost - 1 {
		f.Tickets["b9-1"].Version = 0
		do(t, f, at(9, 40), counter.Act{Kind: counter.Call, Counter: "3", Ticket: "b9-1"})
		do(t, f, at(9, 41), counter.Act{Kind: counter.Pass, Counter: "3", Ticket: "b9-1"})
		if f.Tickets["b9-1"].State == counter.Passed {
			do(t, f, at(9, 42), counter.Act{Kind: counter.Return, Ticket: "b9-1"})
		}
	}
	if b := f.Tickets["b9-1"]; b.State != counter.Left || b.Result != counter.NeverCame {
		t.Errorf("passed %d times: %s %s", b.Passes, b.State, b.Result)
	}
}

func TestACounterOfTwoQueuesCallsByTheSameSentence(t *testing.T) {
	f := hall(at(9, 0))
	put(t, f, at(9, 0), "a", "w1")
	put(t, f, at(9, 1), "b", "b9-1")
	put(t, f, at(9, 2), "a", "g1")
	put(t, f, at(9, 3), "b", "b10-1")
	if got := line(f, at(9, 10), "a", "b"); !slices.Equal(got, []string{"g1 green", "b9-1 booked", "w1 walk_in", "b10-1 early"}) {
		t.Error(got)
	}
}

func TestWhatMayNotHappenToATicket(t *testing.T) {
	for _, c := range []struct {
		name  string
		state counter.State
		act   counter.Act
		want  fault.Code
	}{
		{"called_by_another_counter", counter.Called, counter.Act{Kind: counter.Finish, Counter: "2", Ticket: "b9-1", Result: counter.Finished}, fault.TicketNotYours},
		{"called_twice", counter.Called, counter.Act{Kind: counter.Call, Counter: "2", Ticket: "b9-1"}, fault.TicketNotYours},
		{"left_at_the_counter", counter.Called, counter.Act{Kind: counter.Leave, Ticket: "b9-1"}, fault.TicketNotYours},
		{"finished_before_it_was_called", counter.Waiting, counter.Act{Kind: counter.Finish, Counter: "1", Ticket: "b9-1", Result: counter.Finished}, fault.TicketNotYours},
		{"called_from_a_queue_of_others", counter.Waiting, counter.Act{Kind: counter.Call, Counter: "3", Ticket: "b9-1"}, fault.TicketNotYours},
		{"called_at_a_closed_counter", counter.Waiting, counter.Act{Kind: counter.Call, Counter: "9"}, fault.CounterClosed},
		{"finished_with_a_result_of_its_own", counter.Called, counter.Act{Kind: counter.Finish, Counter: "1", Ticket: "b9-1", Result: "won"}, fault.InvalidRequest},
		{"moved_to_no_queue", counter.Called, counter.Act{Kind: counter.Transfer, Counter: "1", Ticket: "b9-1", Queue: "z"}, fault.QueueNotFound},
		{"called_when_done", counter.Done, counter.Act{Kind: counter.Call, Counter: "1", Ticket: "b9-1"}, fault.TicketOver},
		{"returned_when_waiting", counter.Waiting, counter.Act{Kind: counter.Return, Ticket: "b9-1"}, fault.TicketNotYours},
		{"nobody_there", counter.Done, counter.Act{Kind: counter.Call, Counter: "1"}, fault.NobodyWaits},
		{"unknown", counter.Waiting, counter.Act{Kind: counter.Leave, Ticket: "z"}, fault.TicketNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := hall(at(9, 0))
			k := put(t, f, at(9, 0), "a", "b9-1")
			if c.state != counter.Waiting {
				do(t, f, at(9, 1), counter.Act{Kind: counter.Call, Counter: "1"})
			}
			if c.state == counter.Done {
				do(t, f, at(9, 2), counter.Act{Kind: counter.Finish, Counter: "1", Ticket: "b9-1", Result: counter.Finished})
			}
			before, beforeLine := *k, *f.Lines["a"]
			_, err := f.Apply(at(9, 3), c.act)
			if err == nil || err.Code != c.want {
				t.Fatalf("%v, want %s", err, c.want)
			}
			if fmt.Sprint(before) != fmt.Sprint(*k) || fmt.Sprint(beforeLine) != fmt.Sprint(*f.Lines["a"]) {
				t.Error("what was refused changed something")
			}
		})
	}
	f := hall(at(9, 0))
	f.Sealed = true
	if _, err := f.Put(at(9, 0), &counter.Ticket{ID: "x", QueueID: "a"}); err == nil || err.Code != fault.DaySealed {
		t.Errorf("a number on a sealed day: %v", err)
	}
}

func TestASilentCounterKeepsWhomItWasTold(t *testing.T) {
	f := hall(at(9, 0))
	for i := range 6 {
		put(t, f, at(9, i), "a", fmt.Sprintf("b9-%d", i))
	}
	for _, s := range f.Seats {
		s.Seen = at(9, 10)
	}
	for _, id := range []string{"1", "2", "3"} {
		f.Seats[id].Standby = f.Standby(at(9, 10), id)
	}
	if got := f.Seats["1"].Standby; !slices.Equal(got, []string{"b9-0", "b9-2", "b9-4"}) {
		t.Fatalf("counter 1 was told %v", got)
	}
	now := at(9, 10).Add(16 * time.Second) // counter 1 is silent
	f.Seats["2"].Seen = now
	if p := f.Next(now, "2"); p.ID != "b9-1" {
		t.Errorf("counter 2 is given %s", p.ID)
	}
	if _, err := f.Apply(now, counter.Act{Kind: counter.Call, Counter: "2", Ticket: "b9-0"}); err == nil || err.Code != fault.TicketNotYours {
		t.Errorf("counter 2 picks one of counter 1's: %v", err)
	}
	do(t, f, now, counter.Act{Kind: counter.Call, Counter: "1", Ticket: "b9-0"}) // merged when it is back
	late := at(9, 10).Add(f.Rules.OffGrid + f.Rules.SilentAfter + time.Second)
	f.Seats["2"].Seen = late
	if p := f.Next(late, "2"); p.ID != "b9-1" {
		t.Errorf("after half an hour %s", p.ID)
	}
	if ahead := f.Ahead(now, "b9-2"); ahead != 1 {
		t.Errorf("ahead of one who is left to a silent counter: %d", ahead)
	}
}

func TestArt12_ArrivalFromHalfAnHourBeforeUntilTheEnd(t *testing.T) {
	r := counter.DefaultRules()
	for _, c := range []struct {
		at   time.Time
		want fault.Code
	}{{at(9, 29).Add(59 * time.Second), fault.TooEarly}, {at(9, 30), ""}, {at(10, 59), ""}, {at(11, 0), fault.TooLate}} {
		got := fault.Code("")
		if err := r.Arrival(c.at, at(10, 0), at(11, 0)); err != nil {
			got = err.Code
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.at, got, c.want)
		}
	}
}

func TestWaitedIsUntilTheFirstCallFromTheHourBooked(t *testing.T) {
	f := hall(at(8, 40))
	k := put(t, f, at(8, 40), "a", "b9-1")
	if k.Waited(at(8, 50)) != 0 || k.Waited(at(9, 7)) != 7*time.Minute {
		t.Error("before the hour nobody waits")
	}
	do(t, f, at(9, 10), counter.Act{Kind: counter.Call, Counter: "1"})
	do(t, f, at(9, 15), counter.Act{Kind: counter.Recall, Counter: "1", Ticket: "b9-1"})
	if k.Waited(at(9, 30)) != 10*time.Minute || k.CalledAt != at(9, 15) || k.Calls != 2 {
		t.Errorf("waited %v, called %v", k.Waited(at(9, 30)), k.CalledAt)
	}
}

// TestAnyDayKeepsTheLine does what comes to mind to a floor, and looks after each step that the line is as
// its rule says.
func TestAnyDayKeepsTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := at(8, 30)
		f := hall(now)
		f.Rules.WalkInAfter = rapid.IntRange(1, 5).Draw(t, "walk-ins after")
		f.Rules.PassedAfter = rapid.IntRange(0, 4).Draw(t, "passed after")
		f.Rules.Green = rapid.SampledFrom([]counter.GreenWay{counter.GreenFirst, counter.GreenInOne}).Draw(t, "green")
		ends := map[string]int{}
		for n := range rapid.IntRange(5, 80).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "seconds")) * time.Second)
			for _, s := range f.Seats {
				s.Seen = now
			}
			var c *counter.Change
			var err *fault.Error
			if rapid.IntRange(0, 2).Draw(t, "what") == 0 {
				k := &counter.Ticket{ID: fmt.Sprint("t", n), QueueID: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "queue"), Hour: -1}
				if k.Kind = rapid.SampledFrom([]counter.Kind{counter.Booked, counter.WalkIn, counter.Green}).Draw(t, "kind"); k.Kind == counter.Booked {
					k.Hour = rapid.IntRange(9, 11).Draw(t, "hour")
				}
				c, err = f.Put(now, k)
			} else {
				a := counter.Act{
					Kind:    rapid.SampledFrom([]counter.ActKind{counter.Call, counter.Call, counter.Call, counter.Recall, counter.Pass, counter.Hold, counter.Return, counter.Transfer, counter.Finish, counter.Leave}).Draw(t, "act"),
					Counter: rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(t, "counter"), Queue: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "to"), Result: counter.Finished,
				}
				if a.Kind != counter.Call {
					a.Ticket = fmt.Sprint("t", rapid.IntRange(0, n).Draw(t, "ticket"))
				}
				var first *counter.Place
				if a.Kind == counter.Call && a.Counter != "" {
					if line := f.Order(now, f.Seats[a.Counter].Queues); len(line) > 0 {
						first = &line[0]
					}
				}
				c, err = f.Apply(now, a)
				if err == nil && first != nil && first.State != counter.Called {
					t.Fatalf("%s is first and was not called", first.ID)
				}
			}
			if err != nil {
				continue
			}
			for i, k := range c.Tickets {
				if k.State.Over() {
					if ends[k.ID]++; ends[k.ID] > 1 {
						t.Fatalf("%s ended twice, at last by %s", k.ID, c.Kinds[i])
					}
				}
			}
			at := map[string]int{}
			for _, k := range f.Tickets {
				if k.State == counter.Called {
					if at[k.Counter]++; at[k.Counter] > 1 {
						t.Fatalf("two people at counter %s", k.Counter)
					}
				}
			}
			for _, q := range []string{"a", "b"} {
				order := f.Order(now, []string{q})
				waiting := 0
				for _, k := range f.Tickets {
					if k.State == counter.Waiting && k.QueueID == q {
						waiting++
					}
				}
				if len(order) != waiting {
					t.Fatalf("%d wait, %d are in line", waiting, len(order))
				}
				walkIns := 0
				for i, p := range order {
					if f.Ahead(now, p.ID) != i {
						t.Fatalf("%s has %d ahead and stands at %d", p.ID, f.Ahead(now, p.ID), i)
					}
					if p.Kind == counter.WalkIn && p.After == 0 {
						// Never more than WalkInAfter booked people before each walk-in, and those back in line.
						if others := i - walkIns; others > (walkIns+1)*f.Rules.WalkInAfter+green(order[:i])+back(order[:i]) {
							t.Fatalf("walk-in %s stands behind %d others", p.ID, others)
						}
						walkIns++
					}
				}
			}
		}
	})
}

func green(line []counter.Place) (n int) {
	for _, p := range line {
		if p.Kind == counter.Green {
			n++
		}
	}
	return n
}

func back(line []counter.Place) (n int) {
	for _, p := range line {
		if p.After > 0 {
			n++
		}
	}
	return n
}

// TestOrderIsWhatNextSays: calling one after the other is the line that was shown.
func TestOrderIsWhatNextSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := at(10, 30)
		f := hall(now)
		for n := range rapid.IntRange(1, 30).Draw(t, "people") {
			k := &counter.Ticket{ID: fmt.Sprint("t", n), QueueID: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "queue"), Hour: -1}
			if k.Kind = rapid.SampledFrom([]counter.Kind{counter.Booked, counter.WalkIn, counter.Green}).Draw(t, "kind"); k.Kind == counter.Booked {
				k.Hour = rapid.IntRange(9, 12).Draw(t, "hour")
			}
			if _, err := f.Put(at(9, 0).Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "came"))*time.Second), k); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range f.Order(now, f.Seats["2"].Queues) {
			if got := f.Next(now, "2"); got.ID != p.ID || got.Why != p.Why {
				t.Fatalf("next is %s (%s), the line said %s (%s)", got.ID, got.Why, p.ID, p.Why)
			}
			if _, err := f.Apply(now, counter.Act{Kind: counter.Call, Counter: "2"}); err != nil {
				t.Fatal(err)
			}
		}
		if f.Next(now, "2") != nil {
			t.Fatal("somebody is left over")
		}
	})
}

// TestStandbysNeverOverlap: whatever counters are told, and whenever, no ticket stands with two at once.
func TestStandbysNeverOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := at(9, 0)
		f := hall(now)
		for n := range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
			id := rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "counter")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				f.Put(now, &counter.Ticket{ID: fmt.Sprint("t", n), QueueID: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "queue"), Kind: counter.WalkIn, Hour: -1})
			case 1:
				f.Seats[id].Seen = now
				f.Apply(now, counter.Act{Kind: counter.Call, Counter: id})
			default:
				f.Seats[id].Seen = now
				f.Seats[id].Standby = f.Standby(now, id)
			}
			holder := map[string]string{}
			for _, s := range f.Seats {
				if now.Sub(s.Seen) > f.Rules.OffGrid+f.Rules.SilentAfter {
					continue
				}
				for _, k := range s.Standby {
					if f.Tickets[k].State != counter.Waiting {
						continue
					}
					if holder[k] != "" {
						t.Fatalf("%s stands with counters %s and %s", k, holder[k], s.Counter)
					}
					holder[k] = s.Counter
				}
			}
		}
	})
}
