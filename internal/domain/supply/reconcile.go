package supply

import (
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
)

// Step is what an existing slot must become.
type Step struct {
	Slot  booking.Slot // Capacity, OnSite, Release and Closed as planned
	Taken int          // numbers it had given out when it was looked at
}

// Cut tells whether the step takes away numbers that people hold.
func (s Step) Cut() bool { return s.Taken > s.Slot.Capacity || s.Slot.Closed && s.Taken > 0 }

// Difference is what brings slots to their plan: new ones, and existing ones that must change.
type Difference struct {
	Add  []booking.Slot
	Step []Step
}

// Compare finds the difference between the plan of some queues and dates and the slots there are on
// them. Hours that have begun by now stay as they are; a slot that is planned no more is closed. What was
// released, or taken on-site, is never taken back by this alone: the store guards both.
func Compare(now time.Time, planned, existing []booking.Slot) Difference {
	var out Difference
	have := make(map[string]booking.Slot, len(existing))
	for _, s := range existing {
		have[s.ID] = s
	}
	for _, want := range planned {
		is, there := have[want.ID]
		delete(have, want.ID)
		switch {
		case !now.Before(want.Start()):
		case !there:
			out.Add = append(out.Add, want)
		default:
			if is.Taken > 0 || is.OnSiteTaken > 0 {
				want.Release = is.Release // people hold numbers by it
			}
			want.OnSite = max(want.OnSite, is.OnSiteTaken)
			if is.Capacity != want.Capacity || is.OnSite != want.OnSite || is.Closed || !is.Release.Equal(want.Release) {
				out.Step = append(out.Step, Step{Slot: want, Taken: is.Taken})
			}
		}
	}
	for _, is := range have {
		if now.Before(is.Start()) && !(is.Closed && is.Capacity == 0 && is.OnSite == is.OnSiteTaken) {
			gone := is
			gone.Capacity, gone.OnSite, gone.Closed = 0, is.OnSiteTaken, true
			out.Step = append(out.Step, Step{Slot: gone, Taken: is.Taken})
		}
	}
	slices.SortFunc(out.Step, func(a, b Step) int {
		return strings.Compare(a.Slot.HallID+" "+a.Slot.ID, b.Slot.HallID+" "+b.Slot.ID)
	})
	return out
}
