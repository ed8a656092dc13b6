package supply

import (
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
)

// Impact is what a change does, in numbers.
type Impact struct {
	Days      int           `json:"days"`       // dates it touches, as far as was looked
	Until     calendar.Date `json:"until"`      // how far that was
	Before    int           `json:"before"`     // places on those dates, on-site ones too
	After     int           `json:"after"`      //
	OnSite    [2]int        `json:"on_site"`    // of those, kept for the hall, before and after
	Less      int           `json:"less"`       // hours that get fewer off-site numbers, or close
	Moved     int           `json:"moved"`      // hours released at another instant
	Bookings  int           `json:"bookings"`   // bookings that would lose their hour
	Units     int           `json:"units"`      // numbers of those
	InSlots   int           `json:"in_slots"`   // bookings in the hours they come from
	FirstSlot string        `json:"first_slot"` // the first of those hours, "" for none
}

// Nothing tells whether all stays as it is.
func (i Impact) Nothing() bool {
	return i.Before == i.After && i.OnSite[0] == i.OnSite[1] && i.Less == 0 && i.Moved == 0
}

// Increase tells whether the change adds numbers and takes none away.
func (i Impact) Increase() bool { return i.After > i.Before && i.Less == 0 }

// PerDay returns the places of a day before and after, rounded down.
func (i Impact) PerDay() (before, after int) {
	if i.Days == 0 {
		return 0, 0
	}
	return i.Before / i.Days, i.After / i.Days
}

// Add joins what a change does elsewhere to i.
func (i *Impact) Add(o Impact) {
	i.Days, i.Until = max(i.Days, o.Days), max(i.Until, o.Until)
	i.Before, i.After, i.Less, i.Moved = i.Before+o.Before, i.After+o.After, i.Less+o.Less, i.Moved+o.Moved
	i.OnSite[0], i.OnSite[1] = i.OnSite[0]+o.OnSite[0], i.OnSite[1]+o.OnSite[1]
	i.Bookings, i.Units, i.InSlots = i.Bookings+o.Bookings, i.Units+o.Units, i.InSlots+o.InSlots
	if i.FirstSlot == "" {
		i.FirstSlot = o.FirstSlot
	}
}

// Weigh compares the slots of one queue and date before and after a change. before are those there are,
// with what is taken, or the plan without it where none are made yet. It returns the impact of that day,
// and the slots that would have more takers than numbers with how many are too many.
func Weigh(before, after []booking.Slot) (Impact, map[string]int) {
	i := Impact{Days: 1}
	over := map[string]int{}
	next := make(map[string]booking.Slot, len(after))
	for _, s := range after {
		next[s.ID] = s
		i.After += s.Capacity + s.OnSite
		i.OnSite[1] += s.OnSite
		i.Until = s.Date
	}
	for _, s := range before {
		i.Until = s.Date
		if s.Closed {
			continue
		}
		i.Before += s.Capacity + s.OnSite
		i.OnSite[0] += s.OnSite
		to, stays := next[s.ID]
		if !stays || to.Capacity < s.Capacity {
			i.Less++
		}
		if stays && !to.Release.Equal(s.Release) && s.Taken == 0 {
			i.Moved++
		}
		if n := s.Taken - to.Capacity; n > 0 {
			over[s.ID] = n
		}
	}
	return i, over
}
