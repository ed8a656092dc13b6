// Package waitlist decides about standing in line for a number (候補, Art. 15): whether a change keeps the
// place, and what chance a place has.
package waitlist

import (
	"slices"

	"suiyue/internal/domain/booking"
)

// Narrows tells whether somebody who waits for now could be served by nothing that would not have served
// them as was: then the place in line is kept. Whoever asks for more stands at the end.
func Narrows(was, now *booking.WaitEntry) bool {
	return was.Item == now.Item && was.Stage == now.Stage && now.Units <= was.Units &&
		within(now.Lines, was.Lines) && within(now.Dates, was.Dates) && within(now.Hours, was.Hours)
}

// Same tells whether both wait for the same.
func Same(a, b *booking.WaitEntry) bool { return Narrows(a, b) && Narrows(b, a) }

func within[T comparable](part, whole []T) bool {
	return !slices.ContainsFunc(part, func(v T) bool { return !slices.Contains(whole, v) })
}

// Past is one who waited in a line and does so no more.
type Past struct {
	Ahead int // how many stood before them when they joined
	State booking.WaitState
}

// Least is how many must have waited at a place or behind it before a chance is told.
const Least = 10

// Chance is what became of those who joined a line with at least as many ahead. Those who left by themselves
// or went another way are not counted: nobody knows whether they would have been served.
type Chance struct {
	Served int
	Of     int
}

// Known tells whether there is enough history to say anything.
func (c Chance) Known() bool { return c.Of >= Least }

// Percent is the share that was served, rounded down: 0 to 100.
func (c Chance) Percent() int {
	if c.Of == 0 {
		return 0
	}
	return c.Served * 100 / c.Of
}

// ChanceOf tells the chance of who has so many ahead from the history of a line.
func ChanceOf(ahead int, past []Past) Chance {
	var c Chance
	for _, p := range past {
		if p.Ahead < ahead {
			continue
		}
		switch p.State {
		case booking.WaitBooked:
			c.Served++
			c.Of++
		case booking.WaitOver:
			c.Of++
		}
	}
	return c
}
