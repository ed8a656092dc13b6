package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"suiyue/internal/domain/counter"
)

// checker follows a day from what everybody in the hall could see, and says what must never happen. It
// reckons places and waits by itself, from the rule as docs/hall-day.md has it: who is called has the
// smallest key of all who wait.
type checker struct {
	d       *Day
	seen    map[string]*seen
	waiting map[string]*seen
	numbers map[string]bool
	queues  map[string]*tally
	standby map[string][]string
	claims  map[string]bool
	onSite  int
	most    int
	wrong   []string
	acts    int
	late    int
	alone   int
}

// seen is a ticket as the checker knows it.
type seen struct {
	id     string
	person *person
	queue  string
	kind   counter.Kind
	hour   int
	came   time.Time // place in line
	issued time.Time
	first  time.Time
	state  counter.State
	at     string
	passes int
	back   int // passed and back: calls of the queue it lets go before; 0 for none
	there  bool
}

// tally is what was called from a queue.
type tally struct{ calls, streak, greens int }

func newChecker(d *Day) *checker {
	c := &checker{
		d: d, seen: map[string]*seen{}, waiting: map[string]*seen{}, numbers: map[string]bool{}, queues: map[string]*tally{}, standby: map[string][]string{},
		claims: map[string]bool{},
	}
	total := 0
	for _, q := range d.shape.Queues {
		c.queues[q.ID] = &tally{}
		c.most += q.Slot * len(Hours) / 10
		total += q.Slot * len(Hours)
	}
	if c.most*10 > total {
		c.fail("more than a tenth is kept for the hall")
	}
	return c
}

func (c *checker) fail(format string, args ...any) {
	if len(c.wrong) < 5 {
		c.wrong = append(c.wrong, c.d.now.Format("15:04:05 ")+fmt.Sprintf(format, args...))
	}
}

func (c *checker) issued(t *counter.Ticket, p *person, hour int) {
	s := &seen{id: t.ID, person: p, queue: t.QueueID, kind: t.Kind, hour: hour, came: c.d.now, issued: c.d.now, state: counter.Waiting}
	if c.numbers[t.Number] {
		c.fail("number %s was given twice", t.Number)
	}
	c.numbers[t.Number], c.seen[t.ID], c.waiting[t.ID] = true, s, s
	if t.Share == counter.OnSite {
		if c.onSite++; c.onSite > c.most {
			c.fail("%d on-site numbers; %d are a tenth", c.onSite, c.most)
		}
	}
	if t.Kind == counter.WalkIn {
		half := fmt.Sprint(p.id, t.Item, c.d.now.Hour() < 13)
		if c.claims[half] {
			c.fail("person %d took two numbers of one half-day", p.id)
		}
		c.claims[half] = true
	}
	for q, slots := range c.d.slots {
		for h, s := range slots {
			if s.taken > s.capacity {
				c.fail("%s at %d: %d of %d numbers", q, Hours[h], s.taken, s.capacity)
			}
		}
	}
}

// told is whom a counter may call by itself.
func (c *checker) told(counterID string, list []string) {
	for other, l := range c.standby {
		for _, id := range list {
			if other != counterID && slices.Contains(l, id) && c.waiting[id] != nil {
				c.fail("%s stands with counters %s and %s", id, counterID, other)
			}
		}
	}
	c.standby[counterID] = list
}

func (c *checker) there(ticket string) { c.seen[ticket].there = true }

func (c *checker) act(h how, kind counter.ActKind, t *counter.Ticket, a counter.Act) {
	c.acts++
	s := c.seen[t.ID]
	if s == nil {
		c.fail("%s was never issued", t.ID)
		return
	}
	from := func(states ...counter.State) {
		if !slices.Contains(states, s.state) {
			c.fail("%s is %s and cannot be %s", s.id, s.state, kind)
		}
	}
	mine := func() {
		if s.at != a.Counter {
			c.fail("%s is at counter %s, not %s", s.id, s.at, a.Counter)
		}
	}
	switch kind {
	case counter.Call:
		from(counter.Waiting)
		c.order(h, s, a.Counter)
		c.count(s)
		for _, other := range c.seen {
			if other != s && other.state == counter.Called && other.at == a.Counter {
				c.fail("counter %s has two people", a.Counter)
			}
		}
		if s.first.IsZero() {
			s.first = h.at
		}
		if h.offline {
			c.alone++
		}
		s.at, s.back, s.there = a.Counter, 0, s.there && h.offline
		c.move(s, counter.Called)
	case counter.Recall:
		from(counter.Called)
		mine()
	case counter.Pass:
		from(counter.Called)
		mine()
		if s.passes++; s.passes >= c.d.shape.Rules.PassedMost {
			c.move(s, counter.Left)
		} else {
			c.move(s, counter.Passed)
		}
	case counter.Hold:
		from(counter.Called)
		mine()
		c.move(s, counter.Held)
	case counter.Return:
		if s.state == counter.Passed {
			s.back = c.queues[s.queue].calls + c.d.shape.Rules.PassedAfter
			c.move(s, counter.Waiting)
		} else {
			from(counter.Held)
			mine()
			c.move(s, counter.Called)
		}
	case counter.Transfer:
		from(counter.Called)
		mine()
		s.queue = t.QueueID
		c.move(s, counter.Waiting)
	case counter.Finish:
		from(counter.Called, counter.Held)
		mine()
		if !s.there {
			c.fail("%s was finished and was not there", s.id)
		}
		c.move(s, counter.Done)
	case counter.Leave:
		from(counter.Waiting, counter.Passed)
		c.move(s, counter.Left)
	case counter.Settle:
		from(counter.Waiting, counter.Passed, counter.Called, counter.Held)
		if s.state == counter.Called || s.state == counter.Held {
			c.move(s, counter.Done)
		} else {
			c.move(s, counter.Left)
		}
	default:
		c.fail("%s: what is %s?", s.id, kind)
	}
	if t.State != s.state {
		c.fail("%s is %s after %s, not %s", s.id, t.State, kind, s.state)
	}
}

func (c *checker) move(s *seen, to counter.State) {
	s.state = to
	if to == counter.Waiting {
		c.waiting[s.id] = s
	} else {
		delete(c.waiting, s.id)
	}
}

// count keeps what was called in a row.
func (c *checker) count(s *seen) {
	q := c.queues[s.queue]
	q.calls++
	switch {
	case s.back > 0:
		q.greens = 0
	case s.kind == counter.Green:
		q.greens++
	case s.kind == counter.WalkIn:
		q.streak, q.greens = 0, 0
	case s.kind == counter.Booked:
		q.streak++
		q.greens = 0
	}
}

// key is how somebody who waits stands: sentence of the rule, hour, when they came.
type key struct {
	sentence, hour int
	came           time.Time
	id             string
}

func (k key) String() string {
	return fmt.Sprintf("sentence %d, hour %d, came %s", k.sentence, k.hour, k.came.Format("15:04:05"))
}

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.sentence, o.sentence), cmp.Compare(k.hour, o.hour), k.came.Compare(o.came))
}

func (c *checker) key(now time.Time, s *seen) key {
	r, q := c.d.shape.Rules, c.queues[s.queue]
	k := key{came: s.came, id: s.id}
	switch {
	case s.back > 0 && s.back <= q.calls:
		k.sentence = 2
	case s.back > 0:
		k.sentence, k.hour = 7, s.back
	case s.kind == counter.Green:
		if k.sentence = 1; r.Green == counter.GreenInOne && q.greens >= r.GreenMost {
			k.sentence = 8
		}
	case s.kind == counter.Booked && now.Before(c.d.date.At(s.hour, 0)):
		k.sentence, k.hour = 6, s.hour
	case s.kind == counter.Booked:
		k.sentence, k.hour = 4, s.hour
	case q.streak >= r.WalkInAfter:
		k.sentence = 3
	case now.Sub(s.came) >= r.WalkInLongest:
		k.sentence, k.hour = 4, s.came.Hour()
	default:
		k.sentence = 5
	}
	return k
}

// order is wrong if somebody who waits should have been called instead. Those whom another counter may be
// calling by itself are left to it; a counter that is cut off calls those it was told, and no others.
func (c *checker) order(h how, called *seen, counterID string) {
	if h.offline {
		if !slices.Contains(c.standby[counterID], called.id) {
			c.fail("counter %s called %s by itself and was never told it", counterID, called.id)
		}
		return
	}
	for _, k := range c.d.desks {
		if k.ID != counterID && k.cut && c.d.now.Sub(k.contact) > c.d.shape.Rules.SilentAfter && slices.Contains(c.standby[k.ID], called.id) {
			c.fail("%s may be at counter %s, which is cut off", called.id, k.ID)
		}
	}
	queues := c.d.floor.Seats[counterID].Queues
	if !slices.Contains(queues, called.queue) {
		c.fail("counter %s does not call from %s", counterID, called.queue)
	}
	k := c.key(h.at, called)
	// A green one who is kept back is so only while somebody else of its queue waits; the passed are called
	// before it then, and are of no queue's hour.
	for _, s := range c.waiting {
		if s == called || !slices.Contains(queues, s.queue) || c.silent(s.id, counterID) {
			continue
		}
		if o := c.key(h.at, s); c.ahead(o, k, s, called) {
			c.fail("%s (%v) was called before %s (%v)", called.id, k, s.id, o)
			return
		}
	}
}

func (c *checker) ahead(o, k key, s, called *seen) bool {
	if o.sentence == 8 || k.sentence == 8 || o.sentence == 7 || k.sentence == 7 { // compare within the queue only
		return s.queue == called.queue && o.compare(k) < 0
	}
	if o.sentence == 2 && k.sentence == 2 && s.queue == called.queue {
		return s.back < called.back
	}
	return o.compare(k) < 0
}

func (c *checker) silent(id, counterID string) bool {
	for _, k := range c.d.desks {
		if k.ID != counterID && k.cut && c.d.now.Sub(k.contact) > c.d.shape.Rules.SilentAfter && slices.Contains(c.standby[k.ID], id) {
			return true
		}
	}
	return false
}

// end compares what the floor has of the day with what happened.
func (c *checker) end(all []*counter.Ticket) {
	if len(all) != len(c.seen) {
		c.fail("%d tickets were given, %d are left at the end", len(c.seen), len(all))
	}
	for _, t := range all {
		s := c.seen[t.ID]
		if s == nil {
			c.fail("%s was never issued", t.ID)
			continue
		}
		if !t.State.Over() || t.State != s.state || t.Result == "" || t.EndedAt.IsZero() {
			c.fail("%s ended %s %s; it was seen %s", t.ID, t.State, t.Result, s.state)
		}
		due := s.issued
		if b := c.d.date.At(s.hour, 0); s.kind == counter.Booked && b.After(due) {
			due = b
		}
		end := s.first
		if end.IsZero() {
			end = c.d.now
		}
		if want := max(0, end.Sub(due)); t.Waited(c.d.now) != want {
			c.fail("%s: %v waited, %v reported", t.ID, want, t.Waited(c.d.now))
		}
	}
}
