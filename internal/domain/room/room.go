// Package room is the waiting room of a node: when more people come to book than it can serve at once, the others
// wait in the order they came, are told honestly where they stand, and are let in as places come free.
//
// A place belongs to an account. Asking again, from however many windows or programs, returns the same place and
// moves nobody. A place is lost only by not asking for it for Rules.Keep, and goes to the end of the line when it
// was not taken three times. Nobody waits while there is room.
//
// The package holds no clock: whoever calls says what time it is, and never goes back in time.
package room

import (
	"slices"
	"sort"
	"time"
)

// Rules are the figures of a room.
type Rules struct {
	Inside int           // most people who are let in and not done, ≥ 1
	Line   int           // most people waiting
	Settle time.Duration // who is let in has a place inside for so long, or until their work is done
	Keep   time.Duration // a place in the line outlasts so long a silence
	Stay   time.Duration // who was let in from the line is not sent back to it for so long, or until they have what they came for
}

// Default is what a node starts with: a thousand people at once are about half a second of its work.
func Default() Rules {
	return Rules{Inside: 1000, Line: 20_000, Settle: 2 * time.Second, Keep: 2 * time.Minute, Stay: 10 * time.Minute}
}

// The shortest and the longest span after which somebody is told to ask again, and what they may be late.
const (
	soonest = time.Second
	latest  = 10 * time.Second
	grace   = 2 * time.Second
	tick    = 20 * time.Millisecond // people are called so often at most
	fullFor = 30 * time.Second      // who finds the line full is told to come again after this
	oldest  = time.Hour             // a place brought from another node is no older
)

// Answer is what somebody who comes is told.
type Answer struct {
	In       bool
	Full     bool          // there is no place in the line either
	Position int           // in the line, from 1
	Wait     time.Duration // until it is likely their turn
	Again    time.Duration // ask again after this: no earlier asking helps
	Since    time.Time     // what the place goes by: since when they wait
}

// Room is one waiting room. It is not safe for concurrent use.
type Room struct {
	rules  Rules
	people map[string]*guest
	line   []*guest // by since, then n
	inside map[string]*guest
	absent bool // nobody who waits is there: all others have been called
	n      uint64
	called time.Time // when people were last called from the line
	swept  time.Time // when the forgotten were last taken out

	// How fast the line moves: people called a second, lately.
	pace    float64
	counted int
	from    time.Time
}

// guest is somebody the room knows.
type guest struct {
	who   string
	n     uint64
	since time.Time
	seen  time.Time     // when they last asked
	pause time.Duration // how long they are given to ask again: as they were told, or as slow as they are
	late  int           // times they were called and did not come

	waits   bool      // is in the line
	expects bool      // was called and has not come yet: has a place inside meanwhile
	until   time.Time // the place inside is kept so long
	stay    time.Time // not sent back to the line before this
	at      int       // requests being answered
}

// New makes a Room. A rule that is zero takes its value from Default.
func New(r Rules) *Room {
	d := Default()
	if r.Inside < 1 {
		r.Inside = d.Inside
	}
	if r.Line < 1 {
		r.Line = d.Line
	}
	for span, otherwise := range map[*time.Duration]time.Duration{&r.Settle: d.Settle, &r.Keep: d.Keep, &r.Stay: d.Stay} {
		if *span <= 0 {
			*span = otherwise
		}
	}
	return &Room{rules: r, people: map[string]*guest{}, inside: map[string]*guest{}}
}

// Waiting and Inside return how many people wait, and how many have a place inside.
func (r *Room) Waiting() int { return len(r.line) }
func (r *Room) Inside() int  { return len(r.inside) }

// Ask lets somebody in, or gives them their place in the line. since is what a place they bring from another
// node goes by, zero for none; load is how much is being done at the node in all, by whatever road it came.
func (r *Room) Ask(now time.Time, who string, since time.Time, load int) Answer {
	r.advance(now, load)
	g := r.people[who]
	if g != nil && !g.waits {
		if g.expects {
			g.expects, g.stay = false, now.Add(r.rules.Stay)
		}
		if now.Before(g.stay) || r.inside[who] != nil {
			r.place(g, now.Add(r.rules.Settle))
			return Answer{In: true}
		}
	}
	if (len(r.line) == 0 || r.absent) && max(len(r.inside), load) < r.rules.Inside {
		if g == nil {
			g = r.know(who)
		} else if g.waits {
			r.unqueue(g)
			g.stay = now.Add(r.rules.Stay)
		}
		r.place(g, now.Add(r.rules.Settle))
		return Answer{In: true}
	}
	if g == nil || !g.waits {
		if len(r.line) >= r.rules.Line {
			return Answer{Full: true, Again: fullFor}
		}
		if g == nil {
			g = r.know(who)
		}
		if r.n++; len(r.line) == 0 {
			r.from, r.counted = now, 0
		}
		g.n, g.since, g.seen, g.late = r.n, now, time.Time{}, 0
		if since.Before(now) && since.After(now.Add(-oldest)) {
			g.since = since
		}
		r.queue(g)
	} else if since.Before(g.since) && since.After(now.Add(-oldest)) {
		r.unqueue(g)
		g.since = since
		r.queue(g)
	}
	a := Answer{Position: r.index(g) + 1, Since: g.since}
	a.Wait = r.wait(a.Position)
	a.Again = min(max(a.Wait/3, soonest), latest).Truncate(100 * time.Millisecond)
	g.pause = a.Again
	if !g.seen.IsZero() {
		g.pause = max(g.pause, min(now.Sub(g.seen), latest))
	}
	g.seen, r.absent = now, false
	return a
}

// Begin and End go around the work of somebody who was let in; done says that they have what they came for,
// and their place is free at once. Begin turns nobody away.
func (r *Room) Begin(now time.Time, who string) {
	g := r.people[who]
	if g == nil {
		g = r.know(who)
	}
	g.at++
	if !g.waits {
		g.expects = false
		r.place(g, now.Add(r.rules.Settle))
	}
}

func (r *Room) End(now time.Time, who string, done bool) {
	g := r.people[who]
	if g == nil {
		return
	}
	if g.at = max(g.at-1, 0); g.at > 0 || g.waits {
		return
	}
	delete(r.inside, who)
	if g.until = now; done {
		g.stay = time.Time{}
	}
	if !now.Before(g.stay) {
		delete(r.people, who)
	}
}

func (r *Room) know(who string) *guest {
	g := &guest{who: who}
	r.people[who] = g
	return g
}

func (r *Room) place(g *guest, until time.Time) {
	g.until = until
	r.inside[g.who] = g
}

// advance takes out of the room what is over and calls as many from the line as there is room for.
func (r *Room) advance(now time.Time, load int) {
	switch since := now.Sub(r.called); {
	case since < -time.Second: // a clock that is set back: nobody's spans mean anything any more
		*r = *New(r.rules)
	case since < tick:
		return
	}
	r.called = now
	for who, g := range r.inside {
		switch {
		case now.Before(g.until) || g.at > 0:
			continue
		case g.expects: // did not come: stands where they stood, twice
			if g.expects, g.late = false, g.late+1; g.late > 2 {
				r.n++
				g.n, g.since, g.late = r.n, now, 0
			}
			r.queue(g)
		case !now.Before(g.stay):
			delete(r.people, who)
		}
		delete(r.inside, who)
	}
	if now.Sub(r.swept) >= time.Second {
		r.swept = now
		r.forget(now)
	}
	if len(r.line) == 0 {
		return
	}
	free := r.rules.Inside - max(len(r.inside), load)
	kept := r.line[:0]
	for i, g := range r.line {
		if free <= 0 {
			kept = append(kept, r.line[i:]...)
			break
		}
		if now.After(g.seen.Add(g.pause + grace)) { // is not there: keeps their place, and nobody waits for them
			kept = append(kept, g)
			continue
		}
		g.waits, g.expects = false, true
		r.place(g, g.seen.Add(g.pause+grace))
		free--
		r.counted++
	}
	clear(r.line[len(kept):])
	r.absent = r.absent || free > 0
	r.line = kept
	if span := now.Sub(r.from); span >= time.Second {
		lately := float64(r.counted) / span.Seconds()
		if r.pace == 0 {
			r.pace = lately
		}
		r.pace, r.from, r.counted = 0.6*r.pace+0.4*lately, now, 0
	}
}

// forget takes out who has been silent for too long, and whose stay is over.
func (r *Room) forget(now time.Time) {
	r.line = slices.DeleteFunc(r.line, func(g *guest) bool {
		if now.Sub(g.seen) <= r.rules.Keep {
			return false
		}
		delete(r.people, g.who)
		return true
	})
	for who, g := range r.people {
		if !g.waits && g.at == 0 && r.inside[who] == nil && !now.Before(g.stay) {
			delete(r.people, who)
		}
	}
}

// wait is how long it takes until so many have been called, as fast as it goes.
func (r *Room) wait(position int) time.Duration {
	pace := r.pace
	if pace == 0 {
		pace = float64(r.rules.Inside) / r.rules.Settle.Seconds()
	}
	pace = max(pace, 0.1)
	return time.Duration(float64(position) / pace * float64(time.Second))
}

func (g *guest) before(h *guest) bool {
	if !g.since.Equal(h.since) {
		return g.since.Before(h.since)
	}
	return g.n < h.n
}

// index is where in the line a guest is, or would be.
func (r *Room) index(g *guest) int {
	return sort.Search(len(r.line), func(i int) bool { return !r.line[i].before(g) })
}

func (r *Room) queue(g *guest) {
	g.waits = true
	if last := len(r.line) - 1; last < 0 || r.line[last].before(g) {
		r.line = append(r.line, g)
		return
	}
	r.line = slices.Insert(r.line, r.index(g), g)
}

func (r *Room) unqueue(g *guest) {
	i := r.index(g)
	r.line, g.waits = slices.Delete(r.line, i, i+1), false
}
