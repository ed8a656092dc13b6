package server

import (
	"sync/atomic"
	"time"

	"suiyue/internal/domain/calendar"
)

// Clock is the only place of a serving process that reads the time. A demonstration may run it ahead
// or back; it keeps ticking as the real one does.
type Clock struct{ shift atomic.Int64 }

// NewClock makes a clock that runs ahead by shift.
func NewClock(shift time.Duration) *Clock {
	c := &Clock{}
	c.shift.Store(int64(shift))
	return c
}

// Now returns the shifted time.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.shift.Load())) }

// Shift returns how far the clock runs ahead.
func (c *Clock) Shift() time.Duration { return time.Duration(c.shift.Load()) }

// Set moves the clock so that it is t now.
func (c *Clock) Set(t time.Time) { c.shift.Store(int64(time.Until(t))) }

// Reset goes back to the real time.
func (c *Clock) Reset() { c.shift.Store(0) }

// beforeNext returns the next instant ten seconds before minute of a day, in calendar.Zone.
func beforeNext(now time.Time, minute int) time.Time {
	d := calendar.DateOf(now)
	t := d.At(minute/60, minute%60).Add(-10 * time.Second)
	if !t.After(now) {
		t = (d + 1).At(minute/60, minute%60).Add(-10 * time.Second)
	}
	return t
}
