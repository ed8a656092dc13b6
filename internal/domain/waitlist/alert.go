package waitlist

import (
	"time"

	"suiyue/internal/domain/calendar"
)

// Alert says that more people wait at a queue than numbers are released for its window (Art. 16). One at a
// time of a queue: it stands until it is no longer so.
type Alert struct {
	ID       string
	HallID   string
	QueueID  string
	Waiting  int // units in line, as last seen
	Released int // off-site numbers released for the window, as last seen
	Most     int // the most that waited while it stood
	Since    time.Time
	Level    int       // how many levels were reminded, after all were told
	NextAt   time.Time // when the next is; zero once somebody acknowledged it, or nobody is left
	AckBy    string    // account
	AckAt    time.Time
	ToldAt   time.Time // when those waiting were told of the online way; zero for never
	EndedAt  time.Time
	Version  int
}

// EscalateAfter is how long each level has before the next one is reminded. All of them are told at once; half a
// working day each brings an alert that nobody takes up to the top within the working day in which a request has
// to be decided (Art. 23).
const EscalateAfter = 4 * time.Hour

// Pressed tells whether a queue is to be alerted.
func Pressed(waiting, released int) bool { return waiting > released }

// NewAlert is the alert of a queue that is pressed now.
func NewAlert(id, hall, queue string, waiting, released int, now time.Time) Alert {
	return Alert{ID: id, HallID: hall, QueueID: queue, Waiting: waiting, Released: released, Most: waiting, Since: now, NextAt: now.Add(EscalateAfter), Version: 1}
}

// Open tells whether the alert stands.
func (a Alert) Open() bool { return a.EndedAt.IsZero() }

// Acknowledged tells whether somebody has taken the alert up.
func (a Alert) Acknowledged() bool { return !a.AckAt.IsZero() }

// See returns the alert as its queue is now. The same again is the same alert.
func (a Alert) See(waiting, released int, now time.Time) Alert {
	if !a.Open() || a.Waiting == waiting && a.Released == released && Pressed(waiting, released) {
		return a
	}
	a.Waiting, a.Released, a.Most = waiting, released, max(a.Most, waiting)
	if !Pressed(waiting, released) {
		a.EndedAt, a.NextAt = now, time.Time{}
	}
	a.Version++
	return a
}

// Due tells whether the next level is to be reminded.
func (a Alert) Due(now time.Time) bool {
	return a.Open() && !a.Acknowledged() && !a.NextAt.IsZero() && !now.Before(a.NextAt)
}

// Remind returns the alert after the next level, of so many in all, was reminded.
func (a Alert) Remind(levels int, now time.Time) Alert {
	if a.Level = min(a.Level+1, levels); a.Level < levels {
		a.NextAt = now.Add(EscalateAfter)
	} else {
		a.NextAt = time.Time{}
	}
	a.Version++
	return a
}

// Acknowledge returns the alert taken up by an account. Whoever was first stays.
func (a Alert) Acknowledge(account string, now time.Time) Alert {
	if a.Acknowledged() || !a.Open() {
		return a
	}
	a.AckBy, a.AckAt, a.NextAt = account, now, time.Time{}
	a.Version++
	return a
}

// Added is what a measure adds on a date: off-site numbers.
type Added struct {
	Date   calendar.Date
	Places int
}

// Outlook says what a measure does about a line.
type Outlook struct {
	PerDay int           // numbers more on a day it adds to, at most
	Total  int           // on all of them
	By     calendar.Date // with the numbers of that day all who wait could have one; 0 for never
	Left   int           // who would still wait after the last
}

// Clears tells by when a line of so many is cleared by what is added, dates ascending.
func Clears(waiting int, added []Added) Outlook {
	o := Outlook{Left: max(waiting, 0)}
	for _, a := range added {
		if a.Places <= 0 {
			continue
		}
		o.PerDay, o.Total = max(o.PerDay, a.Places), o.Total+a.Places
		if o.Left = max(waiting-o.Total, 0); o.Left == 0 && o.By == 0 {
			o.By = a.Date
		}
	}
	return o
}

// Needed is how many numbers more a day clear a line within so many days; 0 days are none to do it in.
func Needed(waiting, days int) int {
	if days <= 0 || waiting <= 0 {
		return 0
	}
	return (waiting + days - 1) / days
}
