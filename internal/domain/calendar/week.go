package calendar

// Hours is a set of starting hours of one day: bit h is set when the hour h:00–h+1:00 is open.
type Hours uint32

// HoursOf returns the set of the given starting hours, each 0..23.
func HoursOf(hours ...int) Hours {
	var s Hours
	for _, h := range hours {
		s |= 1 << uint(h)
	}
	return s
}

// Has tells whether the hour starting at h is open.
func (s Hours) Has(h int) bool { return h >= 0 && h < 24 && s&(1<<uint(h)) != 0 }

// List returns the starting hours in ascending order.
func (s Hours) List() []int {
	var out []int
	for h := 0; h < 24; h++ {
		if s.Has(h) {
			out = append(out, h)
		}
	}
	return out
}

// Week is the opening hours of a queue. Work is used on working days (Monday to Friday that are not
// days off, and make-up days 調休); Saturday and Sunday on those days when they are not make-up days
// (zero = closed, the default).
type Week struct {
	Work     Hours `json:"work"`
	Saturday Hours `json:"saturday,omitempty"`
	Sunday   Hours `json:"sunday,omitempty"`
}

// Half is a part of a day a closure takes away.
type Half string

const (
	Morning   Half = "morning"   // hours before 12
	Afternoon Half = "afternoon" // hours from 12
	WholeDay  Half = "day"
)

// RuleKind is the way a recurring closure finds its day in a month.
type RuleKind string

const (
	NthWorkingDay RuleKind = "nth_working_day" // N = 1 is the month's first working day
	DayOfMonth    RuleKind = "day_of_month"    // N = 23 is the 23rd, moved on to the next working day when it is not one
)

// Rule is a recurring closed half-day, e.g. "the first working day's morning, stock-taking".
type Rule struct {
	Kind   RuleKind `json:"kind"`
	N      int      `json:"n"`
	Half   Half     `json:"half"`
	Reason string   `json:"reason,omitempty"`
}
