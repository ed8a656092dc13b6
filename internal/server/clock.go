package server

import (
	"sync/atomic"
	"time"

	"suiyue/internal/domain/calendar"
)

// Clock is the only place of a serving process that reads the time. A demonstration may run it ahead
// or back, and faster than the real one.
type Clock struct{ run atomic.Pointer[run] }

// run is how a clock goes: since the instant real it shows shown and what passed since, times pace.
type run struct {
	real, shown time.Time
	pace        int
}

// NewClock makes a clock that runs ahead by shift.
func NewClock(shift time.Duration) *Clock {
	c := &Clock{}
	now := time.Now()
	c.run.Store(&run{now, now.Add(shift), 1})
	return c
}

// Now returns the time the clock shows.
func (c *Clock) Now() time.Time {
	r := c.run.Load()
	return r.shown.Add(time.Since(r.real) * time.Duration(r.pace))
}

// Shift returns how far the clock runs ahead.
func (c *Clock) Shift() time.Duration {
	r := c.run.Load()
	return r.shown.Sub(r.real) + time.Since(r.real)*time.Duration(r.pace-1)
}

// Pace returns how many seconds pass on the clock in one.
func (c *Clock) Pace() int { return c.run.Load().pace }

// Set moves the clock so that it is t now; its pace stays.
func (c *Clock) Set(t time.Time) { c.run.Store(&run{time.Now(), t, c.Pace()}) }

// SetPace makes the clock go n times as fast as the real one from now on.
func (c *Clock) SetPace(n int) { c.run.Store(&run{time.Now(), c.Now(), n}) }

// Reset goes back to the real time.
func (c *Clock) Reset() {
	now := time.Now()
	c.run.Store(&run{now, now, 1})
}

// beforeNext returns the next instant ten seconds before minute of a day, in calendar.Zone.
func beforeNext(now time.Time, minute int) time.Time {
	d := calendar.DateOf(now)
	t := d.At(minute/60, minute%60).Add(-10 * time.Second)
	if !t.After(now) {
		t = (d + 1).At(minute/60, minute%60).Add(-10 * time.Second)
	}
	return t
}
