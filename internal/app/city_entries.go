package app

import (
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/store"
)

// Entry is an entry of the directory, open or closed.
type Entry[T any] struct {
	Value *T
	Open  bool
}

// EveryUnit, EveryItem and EveryOffering list entries in order of their keys, closed ones too.
func (c *City) EveryUnit() []Entry[directory.Unit] {
	out := make([]Entry[directory.Unit], len(c.source.Units))
	for i := range c.source.Units {
		u := &c.source.Units[i]
		out[i] = Entry[directory.Unit]{u, !c.source.Closed[store.Units+" "+u.ID]}
	}
	return out
}

func (c *City) EveryItem() []Entry[directory.Item] {
	out := make([]Entry[directory.Item], len(c.source.Items))
	for i := range c.source.Items {
		it := &c.source.Items[i]
		out[i] = Entry[directory.Item]{it, !c.source.Closed[store.Items+" "+it.Code]}
	}
	return out
}

// EveryOffering lists what a hall offers or has offered.
func (c *City) EveryOffering(hall string) []Entry[directory.Offering] {
	var out []Entry[directory.Offering]
	for i := range c.source.Offerings {
		if o := &c.source.Offerings[i]; o.HallID == hall {
			out = append(out, Entry[directory.Offering]{o, !c.source.Closed[store.Offerings+" "+store.DirectoryKey(o.HallID, o.ItemCode, o.QueueID)]})
		}
	}
	return out
}

// LineQueue returns a queue that runs a line of business, nil for a line nobody runs.
func (c *City) LineQueue(line string) *directory.Queue {
	for i := range c.source.Queues {
		if q := &c.source.Queues[i]; q.Line == line && q.Open {
			return q
		}
	}
	return nil
}

// HallWeek is the hours of the open queues of a hall together.
func HallWeek(c *City, hall string) (week calendar.Week) {
	for _, q := range c.QueuesAt(hall) {
		if q.Open {
			week.Work, week.Saturday, week.Sunday = week.Work|q.Week.Work, week.Saturday|q.Week.Saturday, week.Sunday|q.Week.Sunday
		}
	}
	return week
}
