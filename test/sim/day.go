package sim

import (
	"cmp"
	"container/heap"
	"slices"
	"strconv"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
)

// Day is one day of a hall while it is lived.
type Day struct {
	shape   *Shape
	bug     Bug
	dice    chance
	date    calendar.Date
	now     time.Time
	floor   *counter.Floor
	over    []*counter.Ticket
	people  map[string]*person // by ticket
	queues  map[string]*Queue
	slots   map[string][]*slot // by queue, one for each of Hours
	claims  map[string]bool
	desks   []*desk
	events  events
	serial  int
	checker *checker
	ended   bool

	// Issued is told each number given, while it stands in line for the first time.
	Issued func(now time.Time, f *counter.Floor, t *counter.Ticket)
}

// slot holds the numbers of one hour.
type slot struct{ capacity, taken, onSite, onSiteTaken int }

// desk is a counter with its clerk.
type desk struct {
	Desk
	seat    *counter.Seat
	busy    bool // somebody is there, or is waited for
	pause   bool // wants to
	held    []string
	told    []string // by the server, for the case it is cut off
	contact time.Time
	cut     bool   // off the network
	alone   bool   // and works by itself
	at      string // somebody is being served
	absent  string // called, and not there yet
	queued  []done
}

// done is an act of a counter that is cut off.
type done struct {
	at  time.Time
	act counter.Act
}

// Result is what a day came to.
type Result struct {
	Tickets []*counter.Ticket
	Wrong   []string // what must never happen and did
	Acts    int
	Late    int // booked people who came after their hour
	Alone   int // calls of counters that were cut off
}

type event struct {
	at  time.Time
	seq int
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return cmp.Or(e[i].at.Compare(e[j].at), cmp.Compare(e[i].seq, e[j].seq)) < 0
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

func itoa(n int) string { return strconv.Itoa(n) }

// New prepares the day of a seed in a hall.
func New(s *Shape, seed uint64, bug Bug) *Day {
	date := day0 + calendar.Date(seed%5+seed/5%40*7)
	d := &Day{
		shape: s, bug: bug, dice: dice(seed), date: date, people: map[string]*person{}, queues: map[string]*Queue{}, slots: map[string][]*slot{}, claims: map[string]bool{},
		floor: &counter.Floor{
			HallID: s.Name, Date: date, Rules: s.Rules, Lines: map[string]*counter.Line{}, Seats: map[string]*counter.Seat{}, Tickets: map[string]*counter.Ticket{},
		},
	}
	d.now = date.At(8, 0)
	for i := range s.Queues {
		q := &s.Queues[i]
		d.queues[q.ID] = q
		d.floor.Lines[q.ID] = &counter.Line{Prefix: counter.PrefixOf(i)}
		for h := range Hours {
			n := q.onSite(h)
			d.slots[q.ID] = append(d.slots[q.ID], &slot{capacity: q.Slot - n, onSite: n})
		}
	}
	d.checker = newChecker(d)
	for _, spec := range s.Counters {
		seat := &counter.Seat{Counter: spec.ID, Queues: spec.Queues, State: counter.SeatClosed}
		k := &desk{Desk: spec, seat: seat}
		d.desks, d.floor.Seats[spec.ID] = append(d.desks, k), seat
		d.at(date.At(8, 52).Add(d.dice.minutes(0, 12)), func() { d.open(k, counter.SeatOpen) })
		for t := date.At(9, 15); t.Before(date.At(16, 45)); t = t.Add(15 * time.Minute) {
			if d.dice.hit(spec.Breaks / 4) {
				d.at(t.Add(d.dice.minutes(0, 15)), func() { k.pause = true })
			}
		}
	}
	for _, p := range d.dice.people(s, date) {
		if p.kind == counter.Booked {
			d.slots[p.queue.ID][slices.Index(Hours, p.hour)].taken++
		}
		if !p.comes.IsZero() {
			d.at(p.comes, func() { d.arrive(p) })
		}
	}
	if len(d.desks) > 1 && d.dice.hit(0.5) {
		d.cutOff(d.desks[d.dice.IntN(len(d.desks))], date.At(9, 30).Add(d.dice.minutes(0, 360)))
	}
	d.at(date.At(18, 0), d.end)
	return d
}

// onSite is how many of an hour's numbers are kept for the hall: a tenth of the day's, in even parts.
func (q *Queue) onSite(hour int) int {
	share := q.Slot * len(Hours) / 10
	n := share / len(Hours)
	if hour < share%len(Hours) {
		n++
	}
	return n
}

func (d *Day) at(t time.Time, do func()) {
	d.serial++
	heap.Push(&d.events, event{t, d.serial, do})
}

func (d *Day) in(wait time.Duration, do func()) { d.at(d.now.Add(wait), do) }

// Run lives the day.
func (d *Day) Run() Result {
	for len(d.events) > 0 && !d.ended {
		e := heap.Pop(&d.events).(event)
		d.now = e.at
		e.do()
		d.serve()
	}
	all := slices.Clone(d.over)
	for _, t := range d.floor.Tickets {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *counter.Ticket) int { return cmp.Compare(a.ID, b.ID) })
	d.checker.end(all)
	return Result{Tickets: all, Wrong: d.checker.wrong, Acts: d.checker.acts, Late: d.checker.late, Alone: d.checker.alone}
}

// end settles the day.
func (d *Day) end() {
	var open []string
	for id, t := range d.floor.Tickets {
		if !(d.bug == DayLeftOpen && t.State == counter.Passed) {
			open = append(open, id)
		}
	}
	slices.Sort(open)
	for _, id := range open {
		d.apply(counter.Act{Kind: counter.Settle, Ticket: id}, how{})
	}
	d.floor.Sealed, d.ended = true, true
	if _, err := d.floor.Put(d.now, &counter.Ticket{ID: "late", QueueID: d.shape.Queues[0].ID}); err == nil || err.Code != fault.DaySealed {
		d.checker.fail("a number was given after the day had ended")
	}
}

// arrive is somebody at the door.
func (d *Day) arrive(p *person) {
	if d.now.Before(d.date.At(8, 30)) {
		d.at(d.date.At(8, 30).Add(time.Duration(p.id)*time.Millisecond), func() { d.arrive(p) })
		return
	}
	t := &counter.Ticket{Kind: p.kind, QueueID: p.queue.ID, Item: p.queue.ID, Hour: p.hour, Booking: p.booking, Units: 1, Channel: "kiosk"}
	switch p.kind {
	case counter.Booked:
		start := d.date.At(p.hour, 0)
		if err := d.shape.Rules.Arrival(d.now, start, start.Add(time.Hour)); err != nil {
			if err.Code == fault.TooEarly { // waits in the hall until it may
				d.at(start.Add(-d.shape.Rules.CheckInBefore), func() { d.arrive(p) })
				return
			}
			d.checker.late++ // missed: Art. 18 gives an on-site number instead
			p.kind, p.hour, t.Kind, t.Hour, t.Instead, t.Booking = counter.WalkIn, -1, counter.WalkIn, -1, p.booking, ""
			d.walkIn(p, t)
			return
		}
		d.put(p, t)
	case counter.WalkIn:
		if first := d.date.At(9, 0); d.now.Before(first) {
			d.at(first.Add(time.Duration(p.id)*time.Millisecond), func() { d.arrive(p) })
			return
		}
		d.walkIn(p, t)
	default:
		d.put(p, t)
	}
}

// walkIn takes a number of the day, if there is one; some try again at the next kiosk.
func (d *Day) walkIn(p *person, t *counter.Ticket) {
	if p.tries++; p.tries == 1 && d.dice.hit(0.1) {
		d.in(d.dice.minutes(0.1, 3), func() { d.arrive(p) })
	}
	claim := itoa(p.id) + "|" + counter.OnSiteName(t.Item, d.date.String(), d.now.Hour())
	if d.claims[claim] && d.bug != OneTwice {
		return
	}
	hour := slices.IndexFunc(Hours, func(h int) bool { return d.now.Before(d.date.At(h+1, 0)) })
	if hour < 0 {
		return
	}
	t.Share = counter.NoShare
	for h := hour; h < len(Hours) && t.Share == counter.NoShare; h++ {
		if s := d.slots[p.queue.ID][h]; s.onSiteTaken < s.onSite || d.bug == OnSiteOver {
			s.onSiteTaken++
			t.Share = counter.OnSite
		}
	}
	if s := d.slots[p.queue.ID][hour]; t.Share == counter.NoShare && s.taken < s.capacity && !d.now.Before(d.date.At(Hours[hour], 0)) {
		s.taken++
		t.Share = counter.Unsold
	}
	if t.Share == counter.NoShare {
		return
	}
	d.claims[claim] = true
	d.put(p, t)
}

func (d *Day) put(p *person, t *counter.Ticket) {
	d.serial++
	t.ID = p.queue.ID + "-" + itoa(d.serial)
	d.people[t.ID] = p
	hour := t.Hour
	d.before(counter.Issue, t)
	if _, err := d.floor.Put(d.now, t); err != nil {
		d.checker.fail("a number was refused: %v", err)
		return
	}
	d.checker.issued(t, p, hour)
	if d.Issued != nil {
		d.touch()
		d.Issued(d.now, d.floor, t)
	}
	if p.patience > 0 {
		d.in(p.patience, func() {
			if t.State == counter.Waiting || t.State == counter.Passed {
				d.apply(counter.Act{Kind: counter.Leave, Ticket: t.ID}, how{})
			}
		})
	}
}

// how says how an act came about, for the checker.
type how struct {
	at      time.Time // zero: now
	next    bool      // Call: whoever is next, not one that was picked
	offline bool
}

// apply does an act on the floor, and tells the checker.
func (d *Day) apply(a counter.Act, h how) (*counter.Change, *fault.Error) {
	if h.at.IsZero() {
		h.at = d.now
	}
	d.touch()
	a = d.twist(a)
	c, err := d.floor.Apply(h.at, a)
	if err != nil {
		return nil, err
	}
	for i, t := range c.Tickets {
		d.checker.act(h, c.Kinds[i], t, a)
		d.after(c.Kinds[i], t)
		if t.State.Over() {
			delete(d.floor.Tickets, t.ID)
			d.over = append(d.over, t)
		}
	}
	return c, nil
}

// touch is the heartbeat of every counter that is on the network.
func (d *Day) touch() {
	for _, k := range d.desks {
		if !k.cut {
			k.seat.Seen = d.now
		}
	}
}

func (d *Day) open(k *desk, s counter.SeatState) {
	k.seat.State, k.seat.Since = s, d.now
	if k.seat.Opened.IsZero() {
		k.seat.Opened = d.now
	}
}

// serve lets every counter that is free call.
func (d *Day) serve() {
	if d.ended || d.now.Before(d.date.At(9, 0)) {
		return
	}
	from := d.dice.IntN(len(d.desks))
	for i := range d.desks {
		k := d.desks[(from+i)%len(d.desks)]
		if !k.busy && !k.cut && k.seat.State == counter.SeatOpen {
			d.next(k)
		}
	}
}

// next calls whoever is next to a counter, or lets its clerk pause.
func (d *Day) next(k *desk) {
	if d.ended || k.cut || k.seat.State != counter.SeatOpen {
		k.busy = false
		return
	}
	if at := d.floor.At(k.ID); at != nil && (k.pause || len(k.held) > 0) {
		d.apply(counter.Act{Kind: counter.Finish, Ticket: at.ID, Counter: k.ID, Result: counter.Finished}, how{})
	}
	if k.pause {
		k.pause, k.busy = false, false
		d.open(k, counter.SeatPaused)
		d.in(d.dice.minutes(6, 14), func() { d.open(k, counter.SeatOpen) })
		return
	}
	if len(k.held) > 0 && d.dice.hit(0.5) {
		id := k.held[0]
		k.held = k.held[1:]
		if _, err := d.apply(counter.Act{Kind: counter.Return, Ticket: id, Counter: k.ID}, how{}); err == nil {
			d.begin(k, id, 0.4)
			return
		}
	}
	if !d.somebodyFor(k) && d.floor.At(k.ID) == nil {
		k.busy = false
		return
	}
	c, err := d.apply(counter.Act{Kind: counter.Call, Counter: k.ID}, how{next: true})
	k.busy = false
	if err != nil {
		return
	}
	if i := slices.Index(c.Kinds, counter.Call); i >= 0 {
		d.called(k, c.Tickets[i])
	}
}

func (d *Day) somebodyFor(k *desk) bool {
	for _, t := range d.floor.Tickets {
		if t.State == counter.Waiting && slices.Contains(k.Queues, t.QueueID) {
			return true
		}
	}
	return false
}

// called is what comes of a call: the person comes, or is called again and then passed.
func (d *Day) called(k *desk, t *counter.Ticket) {
	k.busy = true
	if p := d.people[t.ID]; !d.dice.hit(p.absent) {
		d.begin(k, t.ID, 1)
		return
	}
	k.absent = t.ID
	d.in(30*time.Second, func() {
		if d.mine(k, t) {
			d.apply(counter.Act{Kind: counter.Recall, Ticket: t.ID, Counter: k.ID}, how{})
		}
	})
	d.in(70*time.Second, func() {
		if d.mine(k, t) {
			d.pass(k, t)
		}
		if !k.cut {
			k.absent = ""
			d.next(k)
		}
	})
}

func (d *Day) mine(k *desk, t *counter.Ticket) bool {
	return !k.cut && t.State == counter.Called && t.Counter == k.ID
}

func (d *Day) pass(k *desk, t *counter.Ticket) {
	d.apply(counter.Act{Kind: counter.Pass, Ticket: t.ID, Counter: k.ID}, how{})
	d.comesBack(t)
}

func (d *Day) comesBack(t *counter.Ticket) {
	if p := d.people[t.ID]; p.again > 0 && !t.State.Over() {
		d.in(p.again, func() {
			if t.State == counter.Passed && !d.ended {
				d.apply(counter.Act{Kind: counter.Return, Ticket: t.ID}, how{})
			}
		})
	}
}

// begin is a service, as long as the queue's take times scale.
func (d *Day) begin(k *desk, ticket string, scale float64) {
	k.busy, k.at = true, ticket
	d.checker.there(ticket)
	t := d.floor.Tickets[ticket]
	q := d.queues[t.QueueID]
	long := time.Duration(scale * d.dice.logNormal(q.Minutes, q.Spread) * float64(time.Minute))
	d.in(max(20*time.Second, long), func() { d.served(k, t) })
}

// served is what a clerk does when the business is done.
func (d *Day) served(k *desk, t *counter.Ticket) {
	if d.ended || k.at != t.ID {
		return
	}
	k.at = ""
	if k.cut { // it is written down; who is called next is decided when it works by itself
		k.queued = append(k.queued, done{d.now, counter.Act{Kind: counter.Finish, Ticket: t.ID, Counter: k.ID, Result: counter.Finished}})
		d.in(d.dice.minutes(0.1, 0.5), func() { d.nextAlone(k) })
		return
	}
	q := d.queues[t.QueueID]
	switch other := d.shape.Queues[d.dice.IntN(len(d.shape.Queues))].ID; {
	case d.dice.hit(q.Transfer) && other != t.QueueID:
		d.apply(counter.Act{Kind: counter.Transfer, Ticket: t.ID, Counter: k.ID, Queue: other}, how{})
	case d.dice.hit(0.04):
		if _, err := d.apply(counter.Act{Kind: counter.Hold, Ticket: t.ID, Counter: k.ID}, how{}); err == nil {
			k.held = append(k.held, t.ID)
		}
	case d.dice.hit(0.5):
		d.apply(counter.Act{Kind: counter.Finish, Ticket: t.ID, Counter: k.ID, Result: counter.Finished}, how{})
	} // else the next call finishes it
	d.in(d.dice.minutes(0.05, 0.5), func() { d.next(k) })
}
