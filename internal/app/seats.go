package app

import (
	"cmp"
	"slices"
	"sync"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
)

// seats finds other hours for people who lose theirs, and never promises more of an hour than the
// board has free: what is being asked for counts as taken until the board knows.
type seats struct {
	a     *App
	mu    sync.Mutex
	asked map[string]int
	lists map[seatsFor]*seatList
}

// seatsFor is who can share a list.
type seatsFor struct {
	queue, item string
	stage       directory.Stage
}

type seatList struct {
	seats []seat
	batch map[string]int // queue → units one booking may hold
}

type seat struct {
	id    string
	queue *queueBoard
	slot  *liveSlot
}

func newSeats(a *App) *seats {
	return &seats{a: a, asked: map[string]int{}, lists: map[seatsFor]*seatList{}}
}

// next returns the first seat at or after index from that is later than the hour of b, free for its
// units, and kept long enough to be chosen, "" for none; it counts as taken until it is given back.
func (s *seats) next(b *booking.Booking, from int) (slot string, at int) {
	now := s.a.now()
	rules := s.a.Rules(b.Date)
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list(b)
	for i := from; i < len(list.seats); i++ {
		c := list.seats[i]
		if c.slot.date < b.Date || c.slot.date == b.Date && int(c.slot.hour) <= b.Hour {
			continue
		}
		// Cheapest first: a district has tens of thousands of hours, and most are full when it matters.
		if capacity, taken, closed := c.slot.read(); closed || capacity-taken < b.Units || capacity-taken-s.asked[c.id] < b.Units {
			continue
		}
		if b.Units > list.batch[c.queue.id] || c.queue.view(c.slot, now, rules).State != SlotFree {
			continue
		}
		if _, enough := booking.KeptUntil(now, booking.Slot{Date: c.slot.date, Hour: int(c.slot.hour)}, rules); !enough {
			continue
		}
		s.asked[c.id] += b.Units
		return c.id, i
	}
	return "", len(list.seats)
}

// back gives back what next counted as taken.
func (s *seats) back(slot string, units int) {
	if slot == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[slot] -= units
}

// list returns all hours at which the same can be done, in the order they are offered: the same queue, the
// same hall, the same street, the same district; in each by time, then by hall.
func (s *seats) list(b *booking.Booking) *seatList {
	key := seatsFor{b.QueueID, b.Item, b.Stage}
	if l := s.lists[key]; l != nil {
		return l
	}
	city := s.a.City()
	l := &seatList{batch: map[string]int{}}
	s.lists[key] = l
	home := city.Queue(b.QueueID)
	type ranked struct {
		seat
		near, number int
	}
	var all []ranked
	for _, o := range city.Offers(b.Item) {
		if !o.Stages.Has(b.Stage) {
			continue
		}
		near := nearness(city, home, o.HallID)
		switch {
		case o.QueueID == b.QueueID:
			near = 4
		case home != nil && o.HallID == home.HallID:
			near = 3
		case near == 0:
			continue
		}
		q := s.a.board.queue(o.QueueID)
		if q == nil {
			continue
		}
		l.batch[o.QueueID] = max(o.BatchMax, 1)
		for slot := range q.all() {
			if slot.date >= calendar.DateOf(s.a.now()) {
				all = append(all, ranked{seat{booking.SlotID(q.id, slot.date, int(slot.hour)), q, slot}, near, city.Hall(o.HallID).Number})
			}
		}
	}
	slices.SortFunc(all, func(x, y ranked) int {
		return cmp.Or(y.near-x.near, int(x.slot.date-y.slot.date), int(x.slot.hour-y.slot.hour), x.number-y.number, cmp.Compare(x.id, y.id))
	})
	for _, r := range all {
		l.seats = append(l.seats, r.seat)
	}
	return l
}
