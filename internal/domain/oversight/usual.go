package oversight

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// What is usual at a hall is learned from its own past days (Art. 22): the median of those most like the day in
// question, and how far they usually lie from it. Medians, because the past has days that were not usual either.

// DayKind tells days apart that are not alike: the weekday, and days a week has not by itself.
type DayKind struct {
	Weekday time.Weekday
	Special bool // a holiday's neighbour or a make-up working day
}

// Seen is what one past day came to.
type Seen struct {
	Day   int // days before the day in question, from 1
	Kind  DayKind
	Value float64
}

// Usual is what is to be expected.
type Usual struct {
	Expected float64
	Spread   float64 // a scale like a standard deviation, never 0
	Days     int     // it was learned from
}

const (
	rememberedDays = 12 * 7
	leastDays      = 5
)

// Expect learns what is usual for a day of a kind. floor is the least spread: below it a difference does not matter
// whatever the past says. false when there are too few days to say anything.
//
// Days of the same kind are asked first; a special day that has too few is expected to be like a plain day of its
// weekday, with twice the spread, for it may well not be.
func Expect(kind DayKind, past []Seen, floor float64) (Usual, bool) {
	values := alike(kind, past)
	wider := 1.0
	if len(values) < leastDays && kind.Special {
		values, wider = alike(DayKind{Weekday: kind.Weekday}, past), 2
	}
	if len(values) < leastDays {
		return Usual{}, false
	}
	mid := median(values)
	off := make([]float64, len(values))
	for i, v := range values {
		off[i] = math.Abs(v - mid)
	}
	// 1.4826 makes the median distance of normal values their standard deviation.
	spread := max(1.4826*median(off), floor)
	return Usual{Expected: mid, Spread: wider * spread, Days: len(values)}, true
}

func alike(kind DayKind, past []Seen) (values []float64) {
	for _, s := range past {
		if s.Kind == kind && s.Day >= 1 && s.Day <= rememberedDays {
			values = append(values, s.Value)
		}
	}
	return values
}

// Off tells by how many spreads a value lies off what is usual, above (+) or below (−).
func (u Usual) Off(value float64) float64 { return (value - u.Expected) / u.Spread }

// median of at least one value; the list is sorted by it.
func median(values []float64) float64 {
	slices.SortFunc(values, cmp.Compare[float64])
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
