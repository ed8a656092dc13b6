// Package room is the waiting room of a node: when more people come to book than it can serve at once, the others
// wait in the order they came, are told honestly where they stand, and are let in as places come free.
//
// Who comes for numbers in the first moment after their release is not ahead of others by being fast: all who come
// until Comer.Settled have come at the same instant, that of the release, and stand in an order that nobody can
// know or change (Order). Nobody of them is called before that moment is over. Of what is left no more people are
// called than there are numbers, each with a minute to take theirs: whoever is quick when called is ahead of nobody.
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
	Choose time.Duration // a number is left by others for who was called for it and let in for so long
	Plain  time.Duration // who is asked for a proof and brings none is let in so long after they were first asked, or when they would be anyway
}

// Order says in which order people stand who came at the same instant: the same at every node, and not to be known
// outside. nil = as they were heard.
type Order func(who string, since time.Time) uint64

// Left says how many numbers there are of what people want.
type Left func(want string) int

// Comer is somebody who comes.
type Comer struct {
	Who     string
	Since   time.Time // what a place they bring from another node goes by, zero for none
	Release time.Time // of what they come for, zero where this is of no matter: who was let in before was not let in for it
	Want    string    // what it is of which there are so many and no more, "" for nothing; one release of one queue
	Settled time.Time // until then all who come for it come at the same instant, its release
	Ask     bool      // they are asked for a proof of work, and bring none
}

// Default is what a node starts with: a thousand people at once are about half a second of its work.
func Default() Rules {
	return Rules{Inside: 1000, Line: 20_000, Settle: 2 * time.Second, Keep: 2 * time.Minute, Stay: 10 * time.Minute, Choose: time.Minute, Plain: 5 * time.Second}
}

// The shortest and the longest span after which somebody is told to ask again, and what they may be late.
const (
	soonest   = time.Second
	latest    = 10 * time.Second
	grace     = 2 * time.Second       // and more, where people in general come later: a node or a network that is slow makes nobody absent
	mostGrace = 15 * time.Second      // no more than this
	away      = 30 * time.Second      // who comes so late was not there, and tells nothing of the others
	tick      = 20 * time.Millisecond // people are called so often at most
	fullFor   = 30 * time.Second      // who finds the line full is told to come again after this
	oldest    = time.Hour             // a place brought from another node is no older
)

// Answer is what somebody who comes is told.
type Answer struct {
	In       bool
	Full     bool          // there is no place in the line either
	Position int           // in the line, from 1; 0 while the order is not settled
	Wait     time.Duration // until it is likely their turn
	Again    time.Duration // ask again after this: no earlier asking helps
	Since    time.Time     // what the place goes by: since when they wait
}

// Room is one waiting room. It is not safe for concurrent use.
type Room struct {
	rules  Rules
	order  Order
	left   Left
	taking map[string]map[*guest]bool // by what they want: who was called for a number and has not taken it
	people map[string]*guest
	line   []*guest // by since, then n
	inside map[string]*guest
	absent bool      // nobody who waits can be called: they are not there, or held
	due    time.Time // when the first of those who are held can be; zero for nobody
	n      uint64
	called time.Time // when people were last called from the line
	swept  time.Time // when the forgotten were last taken out

	late time.Duration // how late those come, four in five, who are told when to ask again

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
	want  string        // as they last came
	takes time.Time     // what they want is left for them until then, zero for not
	rank  uint64        // among those of the same instant
	of    time.Time     // the newest release they have come for
	hold  time.Time     // not called before this
	asked time.Time     // when they were first asked for a proof, zero when they brought it
	seen  time.Time     // when they last asked
	told  time.Duration // when to ask again, last time
	pause time.Duration // how long they are given to ask again: as they were told, or as slow as they are
	late  int           // times they were called and did not come

	waits   bool      // is in the line
	expects bool      // was called and has not come yet: has a place inside meanwhile
	until   time.Time // the place inside is kept so long
	stay    time.Time // not sent back to the line before this
	at      int       // requests being answered
}

// New makes a Room. A rule that is zero takes its value from Default.
func New(r Rules, order Order, left Left) *Room {
	d := Default()
	if r.Inside < 1 {
		r.Inside = d.Inside
	}
	if r.Line < 1 {
		r.Line = d.Line
	}
	for span, otherwise := range map[*time.Duration]time.Duration{&r.Settle: d.Settle, &r.Keep: d.Keep, &r.Stay: d.Stay, &r.Choose: d.Choose, &r.Plain: d.Plain} {
		if *span <= 0 {
			*span = otherwise
		}
	}
	return &Room{rules: r, order: order, left: left, taking: map[string]map[*guest]bool{}, people: map[string]*guest{}, inside: map[string]*guest{}}
}

// Waiting and Inside return how many people wait, and how many have a place inside.
func (r *Room) Waiting() int { return len(r.line) }
func (r *Room) Inside() int  { return len(r.inside) }

// Ask lets somebody in, or gives them their place in the line. load is how much is being done at the node in all,
// by whatever road it came.
func (r *Room) Ask(now time.Time, c Comer, load int) Answer {
	g := r.people[c.Who]
	if g != nil && (g.waits || g.expects) {
		r.heard(now.Sub(g.seen) - g.told)
	}
	if g != nil && g.waits && !c.Ask { // brought what was asked for
		g.hold, g.asked = c.Settled, time.Time{}
	}
	r.advance(now, load)
	g = r.people[c.Who]
	newer := g != nil && c.Release.After(g.of) // let in, if at all, for what was there before
	if g != nil && !g.waits && !newer {
		if g.expects {
			g.expects, g.stay = false, now.Add(r.rules.Stay)
		}
		if now.Before(g.stay) || r.inside[c.Who] != nil {
			if !g.takes.IsZero() {
				g.takes = now.Add(r.rules.Choose)
			}
			r.place(g, now.Add(r.rules.Settle))
			return Answer{In: true}
		}
	}
	hold := r.holds(now, g, &c)
	if !now.Before(hold) && (len(r.line) == 0 || r.absent) && max(len(r.inside), load) < r.rules.Inside && !r.spoken(c.Want) {
		if g == nil {
			g = r.know(c.Who)
		} else if g.waits {
			r.unqueue(g)
			g.stay = now.Add(r.rules.Stay)
		}
		g.of, g.want = later(g.of, c.Release), c.Want
		r.place(g, now.Add(r.rules.Settle))
		return Answer{In: true}
	}
	if g == nil || !g.waits {
		if len(r.line) >= r.rules.Line {
			return Answer{Full: true, Again: fullFor}
		}
		if g == nil {
			g = r.know(c.Who)
		}
		if r.n++; len(r.line) == 0 {
			r.from, r.counted = now, 0
		}
		g.n, g.seen, g.late, g.asked = r.n, time.Time{}, 0, time.Time{}
		g.expects, g.stay = false, time.Time{}
		delete(r.inside, c.Who)
		r.take(g, time.Time{})
		r.queue(g, r.since(now, now, &c))
	} else if since := r.since(now, g.since, &c); !since.Equal(g.since) {
		r.unqueue(g)
		r.queue(g, since)
	}
	g.of, g.hold, g.want = later(g.of, c.Release), hold, c.Want
	switch {
	case !c.Ask:
		g.asked = time.Time{}
	case g.asked.IsZero():
		g.asked = now
	}
	a := Answer{Position: r.index(g) + 1, Since: g.since}
	a.Wait = r.wait(a.Position)
	if now.Before(c.Settled) {
		a.Position = 0
	}
	a.Again = min(max(a.Wait/3, soonest), latest).Truncate(100 * time.Millisecond)
	if held := hold.Sub(now); held > 0 {
		a.Again = min(max(a.Again, held.Truncate(100*time.Millisecond)+100*time.Millisecond), latest)
		if r.due.IsZero() || hold.Before(r.due) {
			r.due = hold
		}
	} else {
		r.absent = false
	}
	g.told, g.pause = a.Again, a.Again
	if !g.seen.IsZero() {
		g.pause = max(g.pause, min(now.Sub(g.seen), latest))
	}
	g.seen = now
	return a
}

// heard notes how late somebody asks again.
func (r *Room) heard(late time.Duration) {
	switch {
	case late <= 0 || late > away:
	case late > r.late:
		r.late += (late - r.late) / 16
	default:
		r.late -= (r.late - late) / 64
	}
}

// grace is how much later than they were told people may come and not be passed over.
func (r *Room) grace() time.Duration { return min(grace+r.late*3/2, mostGrace) }

// holds returns until when somebody is not let in, whatever room there is.
func (r *Room) holds(now time.Time, g *guest, c *Comer) (until time.Time) {
	until = c.Settled
	if c.Ask {
		asked := now
		if g != nil && g.waits && !g.asked.IsZero() {
			asked = g.asked
		}
		until = later(until, asked.Add(r.rules.Plain))
	}
	return until
}

// since is what somebody's place goes by: what it went by, or an older one they bring; for a release its instant
// until the order is settled, and never an older one.
func (r *Room) since(now, was time.Time, c *Comer) time.Time {
	if c.Since.Before(was) && c.Since.After(now.Add(-oldest)) {
		was = c.Since
	}
	if was.Before(c.Release) || now.Before(c.Settled) {
		was = c.Release
	}
	return was
}

// spoken tells whether all that is left of what somebody wants is for those who were called for it. Of nothing
// nobody is kept away: they are told so where they ask for it.
func (r *Room) spoken(want string) bool {
	n := len(r.taking[want])
	if n == 0 || want == "" {
		return false
	}
	left := r.left(want)
	return left > 0 && n >= left
}

// take leaves somebody a number of what they want until an instant; zero: no more.
func (r *Room) take(g *guest, until time.Time) {
	if g.takes = until; until.IsZero() {
		if of := r.taking[g.want]; of[g] {
			if delete(of, g); len(of) == 0 {
				delete(r.taking, g.want)
			}
		}
		return
	}
	of := r.taking[g.want]
	if of == nil {
		of = map[*guest]bool{}
		r.taking[g.want] = of
	}
	of[g] = true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
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
	r.take(g, time.Time{})
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
		*r = *New(r.rules, r.order, r.left)
	case since < tick && (r.due.IsZero() || now.Before(r.due)):
		return
	}
	if r.called = now; !r.due.IsZero() && !now.Before(r.due) {
		r.absent = false
	}
	for who, g := range r.inside {
		switch {
		case now.Before(g.until) || g.at > 0:
			continue
		case g.expects: // did not come: stands where they stood, twice
			if g.expects, g.late = false, g.late+1; g.late > 2 {
				r.n++
				g.n, g.since, g.late = r.n, now, 0
			}
			r.take(g, time.Time{})
			r.queue(g, g.since)
		case !now.Before(g.stay):
			delete(r.people, who)
		}
		delete(r.inside, who)
	}
	if now.Sub(r.swept) >= time.Second {
		r.swept = now
		r.forget(now)
	}
	r.due = time.Time{}
	for _, of := range r.taking {
		for g := range of {
			if !now.Before(g.takes) && g.at == 0 {
				r.take(g, time.Time{})
			}
		}
	}
	if len(r.line) == 0 {
		return
	}
	left := map[string]int{} // as far as asked for
	free := r.rules.Inside - max(len(r.inside), load)
	kept, spoken := r.line[:0], false
	for i, g := range r.line {
		if free <= 0 {
			kept = append(kept, r.line[i:]...)
			break
		}
		if now.After(g.seen.Add(g.pause + r.grace())) { // is not there: keeps their place, and nobody waits for them
			kept = append(kept, g)
			continue
		}
		if now.Before(g.hold) {
			if kept = append(kept, g); r.due.IsZero() || g.hold.Before(r.due) {
				r.due = g.hold
			}
			continue
		}
		until := g.seen.Add(g.pause + r.grace())
		if g.want != "" && r.left != nil {
			n, known := left[g.want]
			if !known {
				n = r.left(g.want)
				left[g.want] = n
			}
			if n > 0 && len(r.taking[g.want]) >= n {
				kept, spoken = append(kept, g), true
				continue
			}
			if n > 0 {
				r.take(g, until)
			}
		}
		g.waits, g.expects = false, true
		r.place(g, until)
		free--
		r.counted++
	}
	clear(r.line[len(kept):])
	r.absent = r.absent || free > 0 && !spoken
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
	if g.rank != h.rank {
		return g.rank < h.rank
	}
	return g.n < h.n
}

// index is where in the line a guest is, or would be.
func (r *Room) index(g *guest) int {
	return sort.Search(len(r.line), func(i int) bool { return !r.line[i].before(g) })
}

func (r *Room) queue(g *guest, since time.Time) {
	if g.waits, g.since, g.rank = true, since, 0; r.order != nil {
		g.rank = r.order(g.who, since)
	}
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
