package booking_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
)

// displace takes b out of its slot, into the slot at hour, 0 for none.
func displace(b booking.Booking, hour int) *booking.Displace {
	r := &booking.Displace{Request: "R1", Booking: b.ID, Hall: b.HallID, Slot: b.SlotID, Closed: true, Offer: offer()}
	if hour > 0 {
		r.To = slot(hour, 0, 0).ID
	}
	return r
}

// displaced is a world in which ann has booked at 10 and lost it: 11 is kept for her.
func displaced(t *testing.T) (*booking.Facts, booking.Booking) {
	t.Helper()
	f := world(slot(10, 5, 0), slot(11, 5, 0), slot(13, 5, 0))
	out, _ := decide(t, now, f, book(nil))
	f.Slots[slot(10, 0, 0).ID].Closed = true
	out, change := decide(t, now, f, displace(out[0].Answer.Booking, 11))
	if out[0].Fault != nil {
		t.Fatal(out[0].Fault)
	}
	b := out[0].Answer.Booking
	if b.State != booking.Displaced || b.Hour != 11 || b.Version != 2 || f.Slots[b.SlotID].Taken != 1 || f.Slots[slot(10, 0, 0).ID].Taken != 0 {
		t.Fatalf("displaced: %+v", b)
	}
	d := change.Displace[0]
	if d.Request != "R1" || d.Hour != 10 || d.HeldSlot != b.SlotID || d.State != booking.ChoiceWaiting || !d.Until.Equal(now.Add(24*time.Hour)) || d.Version != 2 {
		t.Fatalf("displacement %+v", d)
	}
	if change.Events[0].Kind != booking.EventDisplaced || change.Events[0].Actor != "" || change.Messages[0].Kind != booking.MessageDisplaced {
		t.Fatalf("%+v %+v", change.Events, change.Messages)
	}
	return f, b
}

func TestWhatStandsAgainstKeepingAnHour(t *testing.T) {
	for _, c := range []struct {
		name  string
		at    time.Time
		setup func(*booking.Slot, *booking.Displace)
		want  fault.Code
	}{
		{"free", now, nil, ""},
		{"sold_out", now, func(s *booking.Slot, _ *booking.Displace) { s.Taken = s.Capacity }, fault.SoldOut},
		{"closed", now, func(s *booking.Slot, _ *booking.Displace) { s.Closed = true }, fault.SlotClosed},
		{"not_released", now, func(s *booking.Slot, _ *booking.Displace) { s.Release = now.Add(1) }, fault.NotReleased},
		{"just_enough_time_to_choose", day.At(0, 0).Add(-4 * time.Hour), nil, ""},
		{"too_little_time_to_choose", day.At(0, 0).Add(-4*time.Hour + 1), nil, fault.OffSiteClosed},
		{"another_queue", now, func(s *booking.Slot, _ *booking.Displace) { s.QueueID = "h1-tax" }, fault.SlotNotFound},
		{"another_item", now, func(_ *booking.Slot, r *booking.Displace) { r.Offer.Item = "SI-02" }, fault.MoveOtherItem},
		{"another_stage", now, func(_ *booking.Slot, r *booking.Displace) { r.Offer.Stages = directory.Stages{directory.Consultation} }, fault.MoveOtherItem},
		{"the_same_slot", now, func(_ *booking.Slot, r *booking.Displace) { r.To = r.Slot }, fault.SameSlot},
		{"no_slot", now, func(_ *booking.Slot, r *booking.Displace) { r.To = "h1-social-20261209-23" }, fault.SlotNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, to := slot(10, 5, 0), slot(11, 5, 0)
			f := world(from, to)
			out, _ := decide(t, now, f, book(nil))
			r := displace(out[0].Answer.Booking, 11)
			if c.setup != nil {
				c.setup(to, r)
			}
			out, change := decide(t, c.at, f, r)
			if got := code(out[0]); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			if c.want != "" && (!change.Empty() || from.Taken != 1 || len(change.Displace) > 0) {
				t.Error("a refused displacement changes something")
			}
		})
	}
}

// An hour at which the person has another booking, or a day on which they have the most there may be, is
// not kept for them.
func TestLimitsHoldForKeptHours(t *testing.T) {
	f := world(slot(10, 5, 0), slot(11, 5, 0))
	out, _ := decide(t, now, f, book(nil))
	decide(t, now, f, book(func(b *booking.Book) { b.SlotID, b.Offer.Item = slot(11, 0, 0).ID, "SI-02" }))
	out, _ = decide(t, now, f, displace(out[0].Answer.Booking, 11))
	if code(out[0]) != fault.SameHour {
		t.Errorf("got %q", code(out[0]))
	}
}

// Displacing the same again, whoever asks, leaves everything as it is.
func TestDisplacingAgainIsHarmless(t *testing.T) {
	f, b := displaced(t)
	first := b
	first.SlotID = slot(10, 0, 0).ID
	other := displace(first, 13)
	other.Request = "R2"
	out, change := decide(t, now, f, displace(first, 11), displace(first, 0), other)
	for i, o := range out {
		if o.Fault != nil || !o.Answer.Replayed || o.Answer.Booking.Version != 2 {
			t.Errorf("%d: %+v", i, o)
		}
	}
	if !change.Empty() || len(change.Messages) != 0 || len(change.Displace) != 0 {
		t.Error("somebody would be told twice")
	}
}

// The kept hour is taken away too: one choice ends, another begins.
func TestAKeptHourMayBeTakenAwayToo(t *testing.T) {
	f, b := displaced(t)
	out, change := decide(t, now, f, displace(b, 13))
	if got := out[0].Answer.Booking; got.State != booking.Displaced || got.Hour != 13 || got.Version != 3 {
		t.Fatalf("%+v", got)
	}
	if len(change.Settle) != 1 || change.Settle[0].State != booking.ChoiceAgain || change.Settle[0].Version != 2 || len(change.Displace) != 1 || change.Displace[0].Version != 3 {
		t.Errorf("settled %+v, new %+v", change.Settle, change.Displace)
	}
	// And then there is none: the item stays hers, hour and day are free.
	out, _ = decide(t, now, f, displace(out[0].Answer.Booking, 0))
	if got := out[0].Answer.Booking; got.State != booking.Stranded || got.Hour != 13 || f.Slots[got.SlotID].Taken != 0 {
		t.Fatalf("%+v", got)
	}
	for name, want := range map[string]bool{"item:SI-01#1": true, "hour:2026120913": false, "day:20261209#1": false} {
		if _, held := f.Claim(booking.Ref{Person: "ann", Name: name}); held != want {
			t.Errorf("claim %s held: %t", name, held)
		}
	}
}

func TestWhatAPersonMayChoose(t *testing.T) {
	ann := booking.Who{Key: "ann", Level: identity.Matched}
	over := now.Add(24 * time.Hour)
	late := day.At(10, 30) // too late to cancel a number of 11:00–12:00
	for _, c := range []struct {
		name  string
		at    time.Time
		ask   func(b booking.Booking) booking.Request
		want  fault.Code
		state booking.State
		hour  int
		how   booking.Choice
		event booking.EventKind
	}{
		{"keep", over.Add(-1), func(b booking.Booking) booking.Request {
			return &booking.Keep{Key: "k", Hash: "h", Who: ann, Booking: b.ID}
		}, "", booking.Booked, 11, booking.ChoiceKept, booking.EventKept},
		{"keep_when_time_is_over", over, func(b booking.Booking) booking.Request {
			return &booking.Keep{Key: "k", Hash: "h", Who: ann, Booking: b.ID}
		}, fault.ChoiceOver, "", 0, "", ""},
		{"keep_another_persons", now, func(b booking.Booking) booking.Request {
			return &booking.Keep{Key: "k", Hash: "h", Who: booking.Who{Key: "bea"}, Booking: b.ID}
		}, fault.BookingNotFound, "", 0, "", ""},
		{"move", now, func(b booking.Booking) booking.Request {
			return &booking.Move{Key: "k", Hash: "h", Who: ann, Booking: b.ID, Offer: offer(), SlotID: slot(13, 0, 0).ID}
		}, "", booking.Booked, 13, booking.ChoiceMoved, booking.EventMoved},
		{"move_to_what_is_kept", now, func(b booking.Booking) booking.Request {
			return &booking.Move{Key: "k", Hash: "h", Who: ann, Booking: b.ID, Offer: offer(), SlotID: b.SlotID}
		}, fault.SameSlot, "", 0, "", ""},
		{"move_back_to_the_closed_hour", now, func(b booking.Booking) booking.Request {
			return &booking.Move{Key: "k", Hash: "h", Who: ann, Booking: b.ID, Offer: offer(), SlotID: slot(10, 0, 0).ID}
		}, fault.SlotClosed, "", 0, "", ""},
		{"Art17_cancel_without_a_mark_and_without_a_limit", late, func(b booking.Booking) booking.Request {
			return &booking.Cancel{Key: "k", Hash: "h", Who: ann, Booking: b.ID, Rules: rulebook.Continued2025()}
		}, "", booking.Cancelled, 11, booking.ChoiceCancelled, booking.EventDeclined},
		{"lapse", over, func(b booking.Booking) booking.Request { return &booking.Lapse{Booking: b.ID} },
			"", booking.Cancelled, 11, booking.ChoiceLapsed, booking.EventLapsed},
		{"lapse_before_its_time", over.Add(-1), func(b booking.Booking) booking.Request { return &booking.Lapse{Booking: b.ID} },
			"", booking.Displaced, 11, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, b := displaced(t)
			out, change := decide(t, c.at, f, c.ask(b))
			if code(out[0]) != c.want {
				t.Fatalf("got %q, want %q", code(out[0]), c.want)
			}
			got := f.Bookings[b.ID]
			if c.how == "" {
				if !change.Empty() || len(change.Settle)+len(change.Messages) > 0 || got.State != booking.Displaced {
					t.Errorf("something changed: %+v", got)
				}
				return
			}
			if got.State != c.state || got.Hour != c.hour || got.Version != 3 {
				t.Errorf("%+v", got)
			}
			if len(change.Settle) != 1 || change.Settle[0].State != c.how || !change.Settle[0].Chosen.Equal(c.at) || len(change.Displace) != 0 {
				t.Errorf("settled %+v", change.Settle)
			}
			if len(change.Events) != 1 || change.Events[0].Kind != c.event || len(change.Messages) != 1 || string(change.Messages[0].Kind) != string(c.event) {
				t.Errorf("%+v %+v", change.Events, change.Messages)
			}
			if _, held := f.Claim(booking.Ref{Person: "ann", Name: "item:SI-01#1"}); held != got.State.Active() {
				t.Errorf("the item is claimed: %t", held)
			}
		})
	}
}

func TestLeavingAreThoseWhoBookedLast(t *testing.T) {
	b := func(id string, units int, s booking.State) *booking.Booking {
		at := now
		if id == "00000000" { // of another node's block: the smallest id, made last
			at = now.Add(time.Second)
		}
		return &booking.Booking{ID: id, Units: units, State: s, CreatedAt: at}
	}
	list := []*booking.Booking{
		b("00000003", 2, booking.Booked), b("00000001", 1, booking.Booked), b("00000005", 1, booking.Arrived), b("00000000", 1, booking.Displaced),
		b("00000002", 3, booking.NoShow), b("00000006", 9, booking.Cancelled), b("00000007", 9, booking.Stranded),
	}
	for _, c := range []struct {
		to   int
		gone string
		stay int
	}{
		{9, "", 8}, {8, "", 8}, {7, "00000000 ", 7}, {6, "00000000 00000003 ", 5}, {5, "00000000 00000003 ", 5},
		{4, "00000000 00000003 00000001 ", 4}, {0, "00000000 00000003 00000001 ", 4},
	} {
		gone, stay := booking.Leaving(list, c.to)
		ids := ""
		for _, g := range gone {
			ids += g.ID + " "
		}
		if ids != c.gone || stay != c.stay {
			t.Errorf("to %d: %q go and %d stay, want %q and %d", c.to, ids, stay, c.gone, c.stay)
		}
	}
}

// table is a store that is nothing but maps: it gives what requests say they need, and no more.
type table struct {
	slots    map[string]booking.Slot
	bookings map[string]booking.Booking
	claims   map[booking.Ref]booking.Claim
	choices  map[string][]booking.Displacement // by booking, the last may be waiting
	events   map[string]int
	messages map[string]int
}

func (s *table) read(n *booking.Needs, f *booking.Facts) {
	for id := range n.Slots {
		if v, ok := s.slots[id]; ok && f.Slots[id] == nil {
			f.Slots[id] = &v
		}
	}
	for ref := range n.Keys {
		if c, ok := s.claims[ref]; ok {
			f.Put(c)
		}
	}
	for id := range n.Bookings {
		if b, ok := s.bookings[id]; ok && f.Bookings[id] == nil {
			f.Bookings[id] = &b
		}
	}
	for p := range n.Persons {
		if f.Knows(p) {
			continue
		}
		f.SetKnown(p)
		for ref, c := range s.claims {
			if ref.Person == p && ref.Name < booking.LimitsTo {
				f.Put(c)
			}
		}
	}
	for id := range n.Choices {
		f.Choices[id] = nil
		if list := s.choices[id]; len(list) > 0 && list[len(list)-1].State == booking.ChoiceWaiting {
			d := list[len(list)-1]
			f.Choices[id] = &d
		}
	}
}

func (s *table) run(t *rapid.T, at time.Time, group []booking.Request) []booking.Outcome {
	f, first, more := booking.NewFacts(), booking.NewNeeds(), booking.NewNeeds()
	for _, r := range group {
		r.Needs(first)
	}
	s.read(first, f)
	for _, r := range group {
		r.More(f, more)
	}
	s.read(more, f)
	out, c := booking.Decide(at, f, group)
	for _, r := range c.Release {
		if held, ok := s.claims[r.Ref()]; !ok || held.Booking != r.Booking {
			t.Fatalf("releases %v, which it does not hold", r.Ref())
		}
		delete(s.claims, r.Ref())
	}
	for _, k := range c.Take {
		if held, ok := s.claims[k.Ref()]; ok {
			t.Fatalf("takes %v, which %s holds", k.Ref(), held.Booking)
		}
		s.claims[k.Ref()] = k
	}
	for _, b := range c.Insert {
		s.bookings[b.ID] = *b
	}
	for _, u := range c.Update {
		if s.bookings[u.Booking.ID].Version != u.Was {
			t.Fatalf("updates version %d of %s, which is at %d", u.Was, u.Booking.ID, s.bookings[u.Booking.ID].Version)
		}
		s.bookings[u.Booking.ID] = *u.Booking
	}
	for _, d := range c.Settle {
		list := s.choices[d.Booking]
		if len(list) == 0 || list[len(list)-1].State != booking.ChoiceWaiting || list[len(list)-1].Version != d.Version {
			t.Fatalf("settles %+v, which does not wait", d)
		}
		list[len(list)-1] = *d
	}
	for _, d := range c.Displace {
		s.choices[d.Booking] = append(s.choices[d.Booking], *d)
	}
	for id, n := range c.Slots {
		v := s.slots[id]
		if n > 0 && v.Closed {
			t.Fatalf("takes numbers of %s, which is closed", id)
		}
		v.Taken += n
		s.slots[id] = v
	}
	for _, e := range c.Events {
		s.events[fmt.Sprint(e.Booking, e.Version)]++
	}
	for _, m := range c.Messages {
		s.messages[fmt.Sprint(m.Booking, m.Version)]++
	}
	return out
}

func (s *table) check(t *rapid.T) {
	units, claims := map[string]int{}, map[string]int{}
	for ref, c := range s.claims {
		if ref.Name < booking.LimitsTo {
			claims[c.Booking]++
		}
	}
	for id, b := range s.bookings {
		want := 0
		switch {
		case b.State == booking.Stranded:
			want = 1
		case b.State.Active():
			want = 3
		}
		if claims[id] != want {
			t.Fatalf("%s booking holds %d limits, want %d", b.State, claims[id], want)
		}
		if b.State.Holds() {
			units[b.SlotID] += b.Units
		}
		waiting := 0
		for _, d := range s.choices[id] {
			if d.State != booking.ChoiceWaiting {
				continue
			}
			waiting++
			if d.Version != b.Version || b.State == booking.Displaced && d.HeldSlot != b.SlotID || b.State == booking.Stranded && d.HeldSlot != "" {
				t.Fatalf("%+v waits in %+v", b, d)
			}
		}
		if (waiting == 1) != b.State.Choosing() || waiting > 1 {
			t.Fatalf("%s booking waits %d times", b.State, waiting)
		}
		for v := 1; v <= b.Version; v++ {
			if key := fmt.Sprint(id, v); s.events[key] != 1 || s.messages[key] != 1 {
				t.Fatalf("version %d of %s: %d events, %d messages", v, id, s.events[key], s.messages[key])
			}
		}
	}
	for id, v := range s.slots {
		if v.Taken != units[id] || v.Taken < 0 || v.Taken > v.Capacity {
			t.Fatalf("%s: %d of %d taken, %d booked", id, v.Taken, v.Capacity, units[id])
		}
	}
}

// Any people, booking, moving, cancelling and choosing while hours are closed and opened under them: no
// hour above its capacity, every booking in one state with the claims and the choice that go with it, one
// event and one message for each version, and at the end nobody waits.
func TestPropertyNobodyIsDroppedAndNobodyToldTwice(t *testing.T) {
	people := []identity.Key{"ann", "bea", "cat"}
	items := []string{"i1", "i2"}
	hours := []int{9, 10, 11, 13}
	rapid.Check(t, func(t *rapid.T) {
		s := &table{
			slots: map[string]booking.Slot{}, bookings: map[string]booking.Booking{}, claims: map[booking.Ref]booking.Claim{},
			choices: map[string][]booking.Displacement{}, events: map[string]int{}, messages: map[string]int{},
		}
		for _, h := range hours {
			v := slot(h, rapid.IntRange(0, 3).Draw(t, "capacity"), 0)
			s.slots[v.ID] = *v
		}
		var ids []string
		at, keys := now, 0
		key := func() string { keys++; return fmt.Sprint("key", keys) }
		hour := rapid.SampledFrom(hours)
		for range rapid.IntRange(1, 12).Draw(t, "groups") {
			if rapid.IntRange(0, 3).Draw(t, "close") == 0 {
				v := s.slots[slot(hour.Draw(t, "closed"), 0, 0).ID]
				v.Closed = !v.Closed
				s.slots[v.ID] = v
			}
			at = at.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "hours")) * time.Hour)
			var group []booking.Request
			for range rapid.IntRange(1, 6).Draw(t, "size") {
				who := booking.Who{Key: rapid.SampledFrom(people).Draw(t, "who"), Level: identity.Verified}
				o := offer()
				o.Item = rapid.SampledFrom(items).Draw(t, "item")
				target := slot(hour.Draw(t, "hour"), 0, 0).ID
				op := rapid.IntRange(0, 6).Draw(t, "op")
				if op == 0 || len(ids) == 0 {
					id := fmt.Sprintf("%08d", len(ids))
					ids = append(ids, id)
					group = append(group, &booking.Book{Key: key(), Hash: "h", ID: id, Who: who, Applicant: booking.Self, For: who.Key, Offer: o,
						SlotID: target, Stage: directory.Acceptance, Units: rapid.IntRange(1, 2).Draw(t, "units")})
					continue
				}
				id := rapid.SampledFrom(ids).Draw(t, "id")
				b := s.bookings[id]
				switch op {
				case 1:
					group = append(group, &booking.Move{Key: key(), Hash: "h", Who: who, Booking: id, Offer: o, SlotID: target})
				case 2:
					group = append(group, &booking.Cancel{Key: key(), Hash: "h", Who: who, Booking: id, Rules: o.Rules})
				case 3:
					group = append(group, &booking.Keep{Key: key(), Hash: "h", Who: who, Booking: id})
				case 4:
					group = append(group, &booking.Lapse{Booking: id})
				default:
					o.Item = b.Item
					r := &booking.Displace{Request: "R1", Booking: id, Hall: "h1", Slot: b.SlotID, Offer: o}
					if op == 5 {
						r.To = target
					}
					group = append(group, r)
				}
			}
			s.run(t, at, group)
			s.check(t)
		}
		// In the end whoever has not chosen is let go.
		var rest []booking.Request
		for _, id := range ids {
			rest = append(rest, &booking.Lapse{Booking: id})
		}
		s.run(t, at.Add(windowOver), rest)
		s.check(t)
		for _, b := range s.bookings {
			if b.State.Choosing() {
				t.Fatalf("%s still waits", b.ID)
			}
		}
	})
}

const windowOver = 15 * 24 * time.Hour
