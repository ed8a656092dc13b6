package app

import (
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/rulebook"
)

// Load is how much of some hours is taken, in numbers that can be booked off-site.
type Load struct {
	Planned  int // of all hours, released or not; a closed hour has none
	Released int
	Booked   int
	OnSite   int // kept for people who come without booking (Art. 14)
}

// Free returns how many released numbers are left.
func (l Load) Free() int { return max(0, l.Released-l.Booked) }

func (l *Load) add(m Load) {
	l.Planned += m.Planned
	l.Released += m.Released
	l.Booked += m.Booked
	l.OnSite += m.OnSite
}

// Picture is how a queue, a hall or a part of the city stands: today, and the coming window.
type Picture struct {
	Today  Load
	Window Load      // from tomorrow on
	Next   time.Time // start of the first hour with a number left off-site, zero for none
}

func (p *Picture) add(q Picture) {
	p.Today.add(q.Today)
	p.Window.add(q.Window)
	if p.Next.IsZero() || !q.Next.IsZero() && q.Next.Before(p.Next) {
		p.Next = q.Next
	}
}

// cachedPicture is a Picture as long as nothing was taken or given back and the minute has not ended.
type cachedPicture struct {
	version uint64
	minute  int64
	picture Picture
}

// QueuePicture returns how a queue stands, from memory.
func (a *App) QueuePicture(queue string) Picture {
	now := a.now()
	return a.pictureOf(queue, now, a.Rules(calendar.DateOf(now)))
}

// HallPicture returns how a hall stands: all its queues together.
func (a *App) HallPicture(hall string) Picture {
	now := a.now()
	return a.hallPicture(a.City(), hall, now, a.Rules(calendar.DateOf(now)))
}

// Pictures returns how each of the halls of a grove stands.
func (a *App) Pictures(g *Grove) []Picture {
	now := a.now()
	rules := a.Rules(calendar.DateOf(now))
	out := make([]Picture, len(g.Halls))
	for i, h := range g.Halls {
		out[i] = a.hallPicture(g.city, h.ID, now, rules)
	}
	return out
}

func (a *App) hallPicture(c *City, hall string, now time.Time, rules rulebook.Rulebook) Picture {
	var p Picture
	for _, q := range c.queuesAt[hall] {
		p.add(a.pictureOf(q.ID, now, rules))
	}
	return p
}

func (a *App) pictureOf(queue string, now time.Time, rules rulebook.Rulebook) Picture {
	q := a.board.queue(queue)
	if q == nil {
		return Picture{}
	}
	version, minute := q.version.Load(), now.Unix()/60
	if c := q.picture.Load(); c != nil && c.version == version && c.minute == minute {
		return c.picture
	}
	today := calendar.DateOf(now)
	var p Picture
	for s := range q.all() {
		if s.date < today {
			continue
		}
		load := s.load(now)
		if s.date == today {
			p.Today.add(load)
			if rules.OffSiteCloses != rulebook.SlotStart {
				continue
			}
		} else {
			p.Window.add(load)
		}
		if p.Next.IsZero() && load.Free() > 0 && q.view(s, now, rules).State == SlotFree {
			p.Next = s.date.At(int(s.hour), 0)
		}
	}
	q.picture.Store(&cachedPicture{version, minute, p})
	return p
}

// load is how one hour stands. What was booked stays booked when the hour is closed afterwards.
func (s *liveSlot) load(now time.Time) Load {
	capacity, taken, closed := s.read()
	l := Load{Booked: taken}
	if closed {
		return l
	}
	l.Planned, l.OnSite = capacity, int(s.onSite)
	if now.UnixMicro() >= s.release {
		l.Released = capacity
	}
	return l
}

// HourLoad is one hour of a queue as an administrator sees it.
type HourLoad struct {
	Load
	Hour   int
	Closed bool
}

// DayLoad is one date of a queue, its hours in order.
type DayLoad struct {
	Date     calendar.Date
	Festival string // the statutory holiday, if it is one
	Hours    []HourLoad
	Release  time.Time // when the date is released, zero when it has been
}

// Total is all hours of the day together.
func (d DayLoad) Total() (l Load) {
	for _, h := range d.Hours {
		l.add(h.Load)
	}
	return l
}

// QueueDays returns the dates of a queue from today to the last one planned, shut ones too.
func (a *App) QueueDays(queue string) []DayLoad {
	q := a.board.queue(queue)
	if q == nil {
		return nil
	}
	now := a.now()
	today, cal := calendar.DateOf(now), a.Calendar()
	var out []DayLoad
	for s := range q.all() {
		if s.date < today {
			continue
		}
		for len(out) == 0 || out[len(out)-1].Date < s.date {
			d := today + calendar.Date(len(out))
			out = append(out, DayLoad{Date: d, Festival: cal.Festival(d)})
		}
		_, _, closed := s.read()
		d := &out[len(out)-1]
		d.Hours = append(d.Hours, HourLoad{Load: s.load(now), Hour: int(s.hour), Closed: closed})
		if now.UnixMicro() < s.release {
			d.Release = time.UnixMicro(s.release).In(calendar.Zone)
		}
	}
	return out
}

// UnitPictures returns how each unit of a grove stands: the halls at it and below it together.
func (a *App) UnitPictures(g *Grove) map[string]Picture {
	out := make(map[string]Picture, len(g.units))
	for i, p := range a.Pictures(g) {
		for u := g.city.units[g.Halls[i].UnitID]; u != nil; u = g.city.units[u.ParentID] {
			sum := out[u.ID]
			sum.add(p)
			out[u.ID] = sum
		}
	}
	return out
}

// UnitHas tells whether a unit is another or above it.
func (c *City) UnitHas(above, unit string) bool {
	for u := c.units[unit]; u != nil; u = c.units[u.ParentID] {
		if u.ID == above {
			return true
		}
	}
	return false
}
