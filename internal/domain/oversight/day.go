package oversight

import (
	"strconv"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
)

// Dimension is one way to break counts down.
type Dimension string

const (
	ByQueue   Dimension = "queue"
	ByItem    Dimension = "item"
	ByChannel Dimension = "channel"
	ByHour    Dimension = "hour" // of the day, "09"

	ByQueueHour  Dimension = "queue_hour" // of a hall only: queue, "|" and hour; counters without lengths of time
	ByDepartment Dimension = "department" // of a unit only: who is responsible for the item
)

// Figures are the counts of a hall or a unit in some time: all of them, and broken down one way at a time. Counts that
// have no item or channel, such as numbers released, are in no part of that breakdown.
type Figures struct {
	All Counts                          `json:"all"`
	By  map[Dimension]map[string]Counts `json:"by,omitempty"`
}

// Add adds the figures of a part.
func (f *Figures) Add(o Figures) {
	f.All.Add(o.All)
	for d, parts := range o.By {
		for key, c := range parts {
			f.part(d, key, func(mine *Counts) { mine.Add(c) })
		}
	}
}

func (f *Figures) part(d Dimension, key string, change func(*Counts)) {
	if key == "" {
		return
	}
	if f.By == nil {
		f.By = map[Dimension]map[string]Counts{}
	}
	if f.By[d] == nil {
		f.By[d] = map[string]Counts{}
	}
	c := f.By[d][key]
	change(&c)
	f.By[d][key] = c
}

// where is what something counted belongs to; "" and hour −1 for none.
type where struct {
	queue, item, channel string
	hour                 int
}

func (f *Figures) at(w where, change func(*Counts)) {
	change(&f.All)
	f.part(ByQueue, w.queue, change)
	f.part(ByItem, w.item, change)
	f.part(ByChannel, w.channel, change)
	if w.hour >= 0 {
		f.part(ByHour, hourKey(w.hour), change)
	}
}

func (f *Figures) count(w where, k Counter, n int) {
	if n == 0 { // no part is made for nothing
		return
	}
	one := func(c *Counts) { c.Count(k, int64(n)) }
	f.at(w, one)
	if w.queue != "" && w.hour >= 0 {
		f.part(ByQueueHour, QueueHour(w.queue, w.hour), one)
	}
}

// QueueHour is the key of a queue's hour in that breakdown.
func QueueHour(queue string, hour int) string { return queue + "|" + hourKey(hour) }

func (f *Figures) lasted(w where, k Spell, d time.Duration) {
	f.at(w, func(c *Counts) { c.Lasted(k, int(d/time.Minute), 1) })
}

func hourKey(hour int) string {
	if hour < 10 {
		return "0" + strconv.Itoa(hour)
	}
	return strconv.Itoa(hour)
}

// Day is everything that a hall's day is counted from. It is all kept for good, so that the same comes out whenever it
// is counted once the day is over.
type Day struct {
	HallID      string
	Date        calendar.Date
	Slots       []booking.Slot
	Changes     []SlotChange      // of these slots, in order
	Bookings    []booking.Booking // that are of this day now
	Away        []booking.Booking // that were moved out of a slot of this day, by whomever
	Events      []booking.Event   // of all these, of each in order; those that say only that somebody came may be left out
	Tickets     []counter.Ticket
	Evaluations []counter.Evaluation
	Lines       []Line         // of the waitlist that began, stood or ended on this day
	Ahead       map[string]int // by queue: numbers of the 14 days after this one that were released by its end
	Requests    []Deadline
	Sources     []Exchange
}

// SlotChange is what a slot was until an instant at which its numbers were planned anew; one that was not there had
// none.
type SlotChange struct {
	SlotID           string
	At               time.Time
	Capacity, OnSite int
}

// Line is an entry in the waitlist of one queue. Whoever changes what they wait for joins anew.
type Line struct {
	QueueID       string
	Units         int
	Joined, Ended time.Time // Ended is zero while it stands
	State         booking.WaitState
}

// Deadline is a request to change a hall's numbers as far as it is counted (Art. 23): on the day it was filed, and as a
// decision on the last day for it, whether it moves up a level then or not.
type Deadline struct {
	Asked     bool // not a suggestion of the platform
	Early     bool // filed in time, or urgent
	Filed     calendar.Date
	Due       time.Time // the end of the last day for the first decision
	Withdrawn bool
	Decided   time.Time // zero for not yet
}

// Exchange is what a connected system was to send for this day and hall, and sent.
type Exchange struct {
	Expected, Received, InTime, Checked, Agreed int
}

// atOnce is how long after coming somebody may be called who came when the booked hour was nearly or quite over, for
// the call to be in time.
const atOnce = 15 * time.Minute

// rushing is how long after a release numbers count as taken in a rush.
const rushing = time.Minute

// Empty tells whether nothing is kept of a day: it was never lived here.
func (d Day) Empty() bool {
	return len(d.Slots)+len(d.Bookings)+len(d.Away)+len(d.Tickets)+len(d.Evaluations)+len(d.Lines)+len(d.Requests)+len(d.Sources) == 0
}

// Count counts a hall's day.
func (d Day) Count() (f Figures) {
	here := map[string]booking.Slot{}
	queues := map[string]bool{}
	for _, s := range d.Slots {
		here[s.ID] = s
		queues[s.QueueID] = true
	}
	d.slots(&f)
	events := map[string][]booking.Event{}
	for _, e := range d.Events {
		events[e.Booking] = append(events[e.Booking], e)
	}
	for _, b := range d.Bookings {
		d.booking(&f, b, d.history(&f, here, b, events[b.ID]))
	}
	for _, b := range d.Away {
		d.history(&f, here, b, events[b.ID])
	}
	for _, t := range d.Tickets {
		d.ticket(&f, t)
	}
	for _, e := range d.Evaluations {
		w := where{e.QueueID, e.Item, "", -1}
		f.count(w, Evaluated, 1)
		if !e.Grade.Bad() {
			f.count(w, Content, 1)
		}
	}
	d.lines(&f, queues)
	for _, r := range d.Requests {
		d.deadline(&f, r)
	}
	for _, x := range d.Sources {
		w := where{hour: -1}
		f.count(w, Records, x.Expected)
		f.count(w, RecordsIn, x.Received)
		f.count(w, RecordsEarly, x.InTime)
		f.count(w, Checked, x.Checked)
		f.count(w, Agreed, x.Agreed)
	}
	return f
}

// slots counts numbers: planned as the hour was first made, and what was added and taken back after its release. An
// hour that is closed for good has none.
func (d Day) slots(f *Figures) {
	changes := map[string][]SlotChange{}
	for _, c := range d.Changes {
		changes[c.SlotID] = append(changes[c.SlotID], c)
	}
	end := (d.Date + 1).At(0, 0)
	for _, s := range d.Slots {
		w := where{queue: s.QueueID, hour: s.Hour}
		last := s.Capacity
		if s.Closed {
			last = 0
		}
		first := s.Capacity + s.OnSite
		list := changes[s.ID]
		if len(list) > 0 {
			first = list[0].Capacity + list[0].OnSite
		}
		for i, c := range list {
			after := last
			if i+1 < len(list) {
				after = list[i+1].Capacity
			}
			if c.At.Before(s.Release) {
				continue
			}
			f.count(w, Added, max(after-c.Capacity, 0))
			f.count(w, Cut, max(c.Capacity-after, 0))
		}
		f.count(w, Planned, first)
		f.count(w, OnSite, s.OnSite)
		if !s.Release.After(end) {
			f.count(w, Released, last)
		}
	}
}

// history counts what a booking lost or left here, and what of it was a rush, and tells how it ended if it did: by
// itself or after its hour was lost.
func (d Day) history(f *Figures, here map[string]booking.Slot, b booking.Booking, events []booking.Event) (ended booking.EventKind) {
	made := b.SlotID // where it was booked first
	for _, e := range events {
		if e.From != "" {
			made = e.From
			break
		}
	}
	at := func(s booking.Slot) where { return where{s.QueueID, b.Item, string(b.Channel), s.Hour} }
	if s, ok := here[made]; ok {
		if after := b.CreatedAt.Sub(s.Release); after >= 0 && after < rushing {
			f.count(at(s), Rush, b.Units)
			if after < time.Second {
				f.count(at(s), RushFirst, b.Units)
			}
		}
	}
	choosing := false // it had lost its hour, and the next was only kept for it
	for _, e := range events {
		switch e.Kind {
		case booking.EventMoved:
			if s, ok := here[e.From]; ok && !choosing {
				f.count(at(s), Moved, b.Units)
			}
			choosing = false
		case booking.EventDisplaced, booking.EventStranded:
			if s, ok := here[e.From]; ok {
				f.count(at(s), CutHeld, b.Units)
				if !choosing {
					f.count(at(s), Displaced, b.Units)
				}
			}
			choosing = true
		case booking.EventKept:
			choosing = false
		case booking.EventCancelled, booking.EventDeclined, booking.EventLapsed:
			ended = e.Kind
		}
	}
	return ended
}

func (d Day) booking(f *Figures, b booking.Booking, ended booking.EventKind) {
	w := where{b.QueueID, b.Item, string(b.Channel), b.Hour}
	switch b.State {
	case booking.Displaced, booking.Stranded: // its hour here is only kept for it, or is none
		return
	case booking.Cancelled:
		if ended != booking.EventCancelled { // it had lost its hour before
			return
		}
	}
	f.count(w, Booked, b.Units)
	switch b.State {
	case booking.Cancelled:
		f.count(w, Cancelled, b.Units)
	case booking.Arrived, booking.Done:
		f.count(w, Came, b.Units)
	case booking.NoShow:
		f.count(w, Missed, b.Units)
	case booking.Excused:
		f.count(w, Excused, b.Units)
	}
}

// lines counts the waitlist: what began and ended on this day, and at the queues that have numbers today what stands at
// its end, against what is released ahead.
func (d Day) lines(f *Figures, queues map[string]bool) {
	begin, end := d.Date.At(0, 0), (d.Date+1).At(0, 0)
	within := func(t time.Time) bool { return !t.Before(begin) && t.Before(end) }
	for _, l := range d.Lines {
		w := where{queue: l.QueueID, hour: -1}
		if within(l.Joined) {
			f.count(w, Joined, l.Units)
		}
		switch {
		case l.Ended.IsZero() || !l.Ended.Before(end):
			if queues[l.QueueID] && l.Joined.Before(end) {
				f.count(w, Waiting, l.Units)
			}
		case !within(l.Ended):
		case l.State == booking.WaitBooked:
			f.count(w, FromLine, l.Units)
		case l.State == booking.WaitOnline:
			f.count(w, LeftOnline, l.Units)
		}
	}
	for queue, n := range d.Ahead {
		if queues[queue] {
			f.count(where{queue: queue, hour: -1}, Ahead, n)
		}
	}
}

func (d Day) deadline(f *Figures, r Deadline) {
	w := where{hour: -1}
	if r.Asked && r.Filed == d.Date {
		f.count(w, Requests, 1)
		if r.Early {
			f.count(w, RequestsEarly, 1)
		}
	}
	if !r.Withdrawn && calendar.DateOf(r.Due.Add(-time.Second)) == d.Date {
		f.count(w, Decisions, 1)
		if !r.Decided.IsZero() && !r.Decided.After(r.Due) {
			f.count(w, DecisionsEarly, 1)
		}
	}
}

func (d Day) ticket(f *Figures, t counter.Ticket) {
	w := where{t.QueueID, t.Item, t.Channel, t.IssuedAt.In(calendar.Zone).Hour()}
	wait := WaitWalkIn
	switch t.Kind {
	case counter.WalkIn:
		f.count(w, WalkIn, t.Units)
	case counter.Green:
		f.count(w, Green, t.Units)
		wait = WaitGreen
	case counter.Booked:
		wait = WaitBooked
		w.hour = t.Hour
	}
	if t.Passes > 0 {
		f.count(w, Passed, 1)
	}
	if !t.FirstAt.IsZero() {
		f.lasted(w, wait, max(t.FirstAt.Sub(t.Starts()), 0))
		if t.Kind == counter.Booked && t.Hour >= 0 {
			f.count(w, CalledBooked, 1)
			last := d.Date.At(t.Hour+1, 0)
			if late := t.IssuedAt.Add(atOnce); late.After(last) {
				last = late
			}
			if !t.FirstAt.After(last) {
				f.count(w, CalledOnTime, 1)
			}
		}
	}
	switch {
	case t.State == counter.Done:
		f.count(w, Served, 1)
		if t.Kind == counter.Booked {
			f.count(w, ServedBooked, 1)
		}
		f.lasted(w, Handling, max(t.EndedAt.Sub(t.CalledAt), 0))
	case t.Result == counter.DayEnded:
		f.count(w, Unserved, 1)
	}
}
