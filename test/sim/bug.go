package sim

import (
	"time"

	"suiyue/internal/domain/counter"
)

// Bug is a fault put into the floor or what stands around it, to see that the checker finds it.
type Bug int

const (
	NoBug Bug = iota
	DoubleCall
	LostPassed
	Overtaking
	OnSiteOver
	OneTwice
	TransferLosesPlace
	WalkInsForgotten
	GreenUnbounded
	NumberTwice
	WaitMisreported
	DayLeftOpen
	StandbyShared
	SilentIgnored
	EarlyAsDue
	PassedAtOnce
	bugs
)

var bugNames = [...]string{
	"none", "double_call", "lost_passed_ticket", "overtaking", "on_site_over_a_tenth", "one_person_two_numbers", "transfer_loses_place", "walk_ins_forgotten",
	"green_unbounded", "number_given_twice", "wait_misreported", "day_left_open", "standby_shared", "silent_counter_ignored", "early_as_due", "passed_back_at_once",
}

func (b Bug) String() string { return bugNames[b] }

// twist changes what is asked of the floor.
func (d *Day) twist(a counter.Act) counter.Act {
	if d.bug == Overtaking && a.Kind == counter.Call && a.Ticket == "" && d.dice.hit(0.05) {
		if line := d.floor.Order(d.now, d.floor.Seats[a.Counter].Queues); len(line) > 1 {
			a.Ticket = line[1].ID
		}
	}
	if d.bug == SilentIgnored {
		for _, s := range d.floor.Seats {
			if s.Counter != a.Counter {
				s.Seen = d.now
			}
		}
	}
	return a
}

// before changes a ticket that is about to be issued.
func (d *Day) before(k counter.ActKind, t *counter.Ticket) {
	l := d.floor.Lines[t.QueueID]
	switch {
	case d.bug == EarlyAsDue && t.Kind == counter.Booked && d.now.Before(d.date.At(t.Hour, 0)):
		t.Hour = 0
	case d.bug == NumberTwice && l.Serial > 0 && d.dice.hit(0.02):
		l.Serial--
	}
}

// after changes what an act came to.
func (d *Day) after(k counter.ActKind, t *counter.Ticket) {
	switch l := d.floor.Lines[t.QueueID]; {
	case d.bug == DoubleCall && k == counter.Call && d.dice.hit(0.02):
		t.State = counter.Waiting
	case d.bug == LostPassed && k == counter.Return && t.State == counter.Waiting:
		delete(d.floor.Tickets, t.ID)
	case d.bug == TransferLosesPlace && k == counter.Transfer:
		t.PlaceAt = d.now
	case d.bug == WalkInsForgotten && k == counter.Call:
		l.Streak = 0
	case d.bug == GreenUnbounded && k == counter.Call:
		l.Greens = 0
	case d.bug == WaitMisreported && k == counter.Recall:
		t.FirstAt = t.CalledAt.Add(time.Second)
	case d.bug == PassedAtOnce && k == counter.Return && t.State == counter.Waiting:
		t.After = 1
	}
}
