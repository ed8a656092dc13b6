// Package supply plans numbers: how a day's total is split over its hours and what is kept for people
// who come without booking (Art. 14, 15).
package supply

import (
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/rulebook"
)

// Split divides total evenly over n parts, the remainder going to the earlier ones (Art. 15). It
// returns nil for n < 1.
func Split(total, n int) []int {
	if n < 1 {
		return nil
	}
	total = max(total, 0)
	parts := make([]int, n)
	for i := range parts {
		parts[i] = total / n
		if i < total%n {
			parts[i]++
		}
	}
	return parts
}

// OnSiteTotal is the most numbers of a day's total that may be kept for the hall itself: perMille of
// it, rounded down, and never above 10 % (Art. 14).
func OnSiteTotal(total, perMille int) int {
	return max(total, 0) * min(max(perMille, 0), 100) / 1000
}

// Plan is the numbers of one hour of a day.
type Plan struct {
	Hour    int
	OffSite int
	OnSite  int
}

// PlanDay splits a day's total over the open hours. Off-site and on-site numbers add up to the total
// and no hour keeps more on-site numbers than it has. What is left over of the on-site numbers goes to
// hours spread over the day, so that someone who comes in the afternoon finds some too. It returns
// nothing for a day that is shut.
func PlanDay(total, perMille int, open calendar.Hours) []Plan {
	hours := open.List()
	if len(hours) == 0 {
		return nil
	}
	return keep(hours, Split(total, len(hours)), perMille)
}

// keep sets the on-site numbers of hours aside whose numbers differ by one at most and never grow over
// the day.
func keep(hours, all []int, perMille int) []Plan {
	total := 0
	for _, n := range all {
		total += n
	}
	onSite := OnSiteTotal(total, perMille)
	base, left := onSite/len(hours), onSite%len(hours)
	plan := make([]Plan, len(hours))
	for i, h := range hours {
		plan[i] = Plan{Hour: h, OffSite: all[i] - base, OnSite: base}
	}
	// A tenth at most is kept, over 24 hours at most: an hour chosen here has a number to give. (Where
	// some hours have none at all, two on-site numbers at most are left, and the second half-way is early.)
	for k := range left {
		p := &plan[k*len(hours)/left]
		p.OffSite, p.OnSite = p.OffSite-1, p.OnSite+1
	}
	return plan
}

// DailyAverage is the mean of the business completed on each of the given working days, rounded up so
// that nobody is planned away (Art. 15).
func DailyAverage(completed []int) int {
	if len(completed) == 0 {
		return 0
	}
	sum := 0
	for _, n := range completed {
		sum += max(n, 0)
	}
	return (sum + len(completed) - 1) / len(completed)
}

// SlotsFor makes the slots of queue q on date d by the rules in force on d, with approved changes laid
// over its own plan in their order: none where it is shut. A queue that had a longer window before the
// measure keeps it (Art. 14).
func SlotsFor(cal *calendar.Calendar, rules rulebook.Rulebook, q directory.Queue, d calendar.Date, changes ...Change) []booking.Slot {
	day := Effective(cal, rules, q, d, changes...)
	plan := day.Plan()
	if len(plan) == 0 {
		return nil
	}
	release := cal.ReleaseInstant(d, day.Window, rules.WindowCounts == rulebook.SkipStatutory, rules.ReleaseAt)
	slots := make([]booking.Slot, len(plan))
	for i, p := range plan {
		slots[i] = booking.Slot{
			ID: booking.SlotID(q.ID, d, p.Hour), HallID: q.HallID, QueueID: q.ID, Date: d, Hour: p.Hour,
			Capacity: p.OffSite, OnSite: p.OnSite, Release: release,
		}
	}
	return slots
}
