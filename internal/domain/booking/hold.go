package booking

import (
	"slices"
	"strconv"
	"time"

	"suiyue/internal/domain/rulebook"
)

// Hold is numbers of a slot that came free and are not for everybody yet (Art. 15): the waitlist has them
// first, and what nobody of it wants opens to all at an instant drawn by lot, so that nobody who gives a
// number back can tell when to catch it.
type Hold struct {
	ID      string // unique in its slot
	HallID  string
	QueueID string
	SlotID  string
	Units   int
	OpensAt time.Time
	Entry   string    // the entry of the waitlist it is offered to, "" for none
	Until   time.Time // up to when it is offered

	// Was is the units its row has; Units is what a group leaves of them.
	Was int
}

// Reopens returns when numbers of slot s that come free at now open to all, chance being drawn evenly over
// all its values, and whether they are held at all: those of today's hours that can only be had at the hall,
// of a closed slot and of one not released yet go back as they are.
func Reopens(now time.Time, s Slot, rules rulebook.Rulebook, chance uint64) (time.Time, bool) {
	last := OffSiteUntil(s, rules)
	if !rules.Waitlist || s.Closed || now.Before(s.Release) || !now.Before(last) {
		return time.Time{}, false
	}
	wait := rules.ReopenAfterMin
	if span := rules.ReopenAfterMax - rules.ReopenAfterMin; span > 0 {
		wait += time.Duration(chance % uint64(span+1))
	}
	if at := now.Add(wait); at.Before(last) {
		return at, true
	}
	return last, true
}

// giveBack returns n numbers of slot s, of those booking b held until this version.
func (c *Change) giveBack(f *Facts, b *Booking, n int, s *Slot, rules rulebook.Rulebook, now time.Time) {
	at, held := Reopens(now, *s, rules, f.chance())
	c.shift(s, -n)
	if !held {
		return
	}
	s.Held += n
	c.Held[s.ID] += n
	c.Holds = append(c.Holds, &Hold{
		ID: b.ID + "." + strconv.Itoa(b.Version+1), HallID: s.HallID, QueueID: s.QueueID, SlotID: s.ID, Units: n, OpensAt: at,
	})
}

// consume takes units out of the holds of slot s that nobody is offered, those that open first in front, or
// out of the one offered to entry; false when there are not as many.
func (c *Change) consume(f *Facts, s *Slot, units int, entry string) bool {
	mine := func(h *Hold) bool { return h.Entry == entry && h.Units > 0 }
	have := 0
	for _, h := range f.Holds[s.ID] {
		if mine(h) {
			have += h.Units
		}
	}
	if have < units {
		return false
	}
	for _, h := range f.Holds[s.ID] {
		if n := min(units, h.Units); mine(h) && n > 0 {
			h.Units -= n
			units -= n
			c.cut(h)
		}
	}
	return true
}

// cut records that a stored hold has fewer units, or is offered to somebody else.
func (c *Change) cut(h *Hold) {
	if !slices.Contains(c.Cut, h) {
		c.Cut = append(c.Cut, h)
	}
}

// shiftHeld makes n numbers of a slot held, or no longer.
func (c *Change) shiftHeld(s *Slot, n int) {
	s.Held += n
	c.Held[s.ID] += n
	c.Slots[s.ID] += 0
	c.Halls[s.ID] = s.HallID
}
