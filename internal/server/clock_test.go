package server

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAClockIsMovedAndPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := NewClock(time.Hour)
		is := func(what string, want time.Time, shift time.Duration) {
			t.Helper()
			if got := c.Now(); !got.Equal(want) || c.Shift() != shift {
				t.Errorf("%s: %s, %s ahead; want %s, %s", what, got, c.Shift(), want, shift)
			}
		}
		time.Sleep(time.Second)
		is("an hour ahead", start.Add(time.Hour+time.Second), time.Hour)
		c.SetPace(60)
		time.Sleep(2 * time.Second)
		is("sixty times as fast", start.Add(time.Hour+time.Second+2*time.Minute), time.Hour+118*time.Second)
		c.Set(start)
		time.Sleep(time.Second)
		is("moved, its pace kept", start.Add(time.Minute), time.Minute-4*time.Second)
		c.SetPace(1)
		time.Sleep(time.Minute)
		is("as fast as the real one again", start.Add(2*time.Minute), time.Minute-4*time.Second)
		c.Reset()
		is("the real time", time.Now(), 0)
	})
}
