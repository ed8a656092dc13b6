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

// Day is everything that a hall's day is counted from.
type Day struct {
	HallID      string
	Date        calendar.Date
	Now         time.Time      // numbers are released by then, or not yet
	Planned     map[string]int // numbers by queue, as its plan has them
	Slots       []booking.Slot
	Bookings    []booking.Booking // that are of this day now
	Events      []booking.Event   // of any booking, into or out of a slot of this day
	Tickets     []counter.Ticket
	Evaluations []counter.Evaluation
}

// atOnce is how long after coming somebody may be called who came when the booked hour was nearly or quite over, for
// the call to be in time.
const atOnce = 15 * time.Minute

// Count counts a hall's day.
func (d Day) Count() (f Figures) {
	here := map[string]where{}
	for queue, n := range d.Planned {
		f.count(where{queue: queue, hour: -1}, Planned, n)
	}
	for _, s := range d.Slots {
		w := where{queue: s.QueueID, hour: s.Hour}
		here[s.ID] = w
		f.count(w, OnSite, s.OnSite)
		if !s.Closed && !s.Release.After(d.Now) {
			f.count(w, Released, s.Capacity)
		}
	}
	units := map[string]int{}
	for _, b := range d.Bookings {
		units[b.ID] = b.Units
	}
	given := map[string]booking.EventKind{} // up by whom, of bookings that are cancelled
	for _, e := range d.Events {
		switch e.Kind {
		case booking.EventMoved, booking.EventDisplaced, booking.EventStranded:
			from := e.From
			if e.Kind == booking.EventStranded {
				from = e.SlotID
			}
			w, ok := here[from]
			if !ok {
				break
			}
			k := Displaced
			if e.Kind == booking.EventMoved {
				k = Moved
			}
			f.count(w, k, max(units[e.Booking], 1))
		case booking.EventCancelled, booking.EventDeclined, booking.EventLapsed:
			given[e.Booking] = e.Kind
		}
	}
	for _, b := range d.Bookings {
		d.booking(&f, b, given[b.ID])
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
	return f
}

func (d Day) booking(f *Figures, b booking.Booking, given booking.EventKind) {
	w := where{b.QueueID, b.Item, string(b.Channel), b.Hour}
	switch b.State {
	case booking.Displaced, booking.Stranded: // its hour here is only kept for it, or is none
		return
	case booking.Cancelled:
		if given != booking.EventCancelled { // it had lost its hour before
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
