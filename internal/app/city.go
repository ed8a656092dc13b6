package app

import (
	"sort"
	"sync"

	"suiyue/internal/domain/directory"
	"suiyue/internal/store"
)

// City is the directory in memory: what is open, by every way it is asked for. It never changes; a
// new one takes its place.
type City struct {
	root     *directory.Unit
	units    map[string]*directory.Unit
	halls    map[string]*directory.Hall
	queues   map[string]*directory.Queue
	items    map[string]*directory.Item
	byItem   map[string][]*directory.Offering // in order of hall number
	byHall   map[string][]*directory.Offering
	queuesAt map[string][]*directory.Queue // hall → its queues in order of id, closed ones too
	children map[string][]*directory.Unit
	unitHall map[string]*directory.Hall // unit → its main hall
	index    *directory.Index
	groves   groves
	list     []*directory.Item                       // in order of code
	counters map[string][]*directory.Counter         // by hall, closed ones too
	subHalls map[string][]*directory.Hall            // by main hall, closed ones too
	lines    map[directory.HallLevel]map[string]bool // lines of business run at each level
	source   *store.Directory
	revision int64 // of the directory it was read at
	figures  func() figureTree
}

func newCity(d *store.Directory, revision int64) *City {
	c := &City{
		source: d, revision: revision, counters: map[string][]*directory.Counter{}, subHalls: map[string][]*directory.Hall{}, lines: map[directory.HallLevel]map[string]bool{},
		units: map[string]*directory.Unit{}, halls: map[string]*directory.Hall{}, queues: map[string]*directory.Queue{},
		items: map[string]*directory.Item{}, byItem: map[string][]*directory.Offering{}, byHall: map[string][]*directory.Offering{},
		children: map[string][]*directory.Unit{}, unitHall: map[string]*directory.Hall{}, queuesAt: map[string][]*directory.Queue{},
	}
	for i := range d.Units {
		u := &d.Units[i]
		if u.ParentID == "" && u.Kind == directory.Platform {
			c.root = u
		}
		c.units[u.ID] = u // closed ones too: bookings and items still name them
		if !d.Closed[store.Units+" "+u.ID] {
			c.children[u.ParentID] = append(c.children[u.ParentID], u)
		}
	}
	for i := range d.Halls {
		h := &d.Halls[i]
		c.halls[h.ID] = h
		if h.ParentHall == "" && h.Open {
			c.unitHall[h.UnitID] = h
		} else if h.ParentHall != "" {
			c.subHalls[h.ParentHall] = append(c.subHalls[h.ParentHall], h)
		}
	}
	for i := range d.Queues {
		q := &d.Queues[i]
		c.queues[q.ID] = q
		c.queuesAt[q.HallID] = append(c.queuesAt[q.HallID], q)
		if h := c.halls[q.HallID]; h != nil {
			if c.lines[h.Level] == nil {
				c.lines[h.Level] = map[string]bool{}
			}
			c.lines[h.Level][q.Line] = true
		}
	}
	for i := range d.Counters {
		n := &d.Counters[i]
		c.counters[n.HallID] = append(c.counters[n.HallID], n)
	}
	for _, list := range c.queuesAt {
		sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	}
	var open []directory.Item
	for i := range d.Items {
		it := &d.Items[i]
		c.items[it.Code] = it
		if !d.Closed[store.Items+" "+it.Code] {
			open = append(open, *it)
			c.list = append(c.list, it)
		}
	}
	for i := range d.Offerings {
		o := &d.Offerings[i]
		hall, queue := c.halls[o.HallID], c.queues[o.QueueID]
		if d.Closed[store.Offerings+" "+o.HallID+" "+o.ItemCode+" "+o.QueueID] || d.Closed[store.Items+" "+o.ItemCode] ||
			hall == nil || !hall.Open || queue == nil || !queue.Open || c.items[o.ItemCode] == nil {
			continue
		}
		c.byItem[o.ItemCode] = append(c.byItem[o.ItemCode], o)
		c.byHall[o.HallID] = append(c.byHall[o.HallID], o)
	}
	for _, list := range c.byItem {
		sort.Slice(list, func(i, j int) bool { return c.halls[list[i].HallID].Number < c.halls[list[j].HallID].Number })
	}
	c.index = directory.NewIndex(open)
	c.figures = sync.OnceValue(func() figureTree { return newFigureTree(c) })
	return c
}

// Unit, Hall, Queue and Item return an entry, closed ones too; nil if there never was one.
func (c *City) Unit(id string) *directory.Unit   { return c.units[id] }
func (c *City) Hall(id string) *directory.Hall   { return c.halls[id] }
func (c *City) Queue(id string) *directory.Queue { return c.queues[id] }
func (c *City) Item(code string) *directory.Item { return c.items[code] }

// MainHall returns the open hall of a unit that is no sub-hall, nil if it has none.
func (c *City) MainHall(unit string) *directory.Hall { return c.unitHall[unit] }

// QueuesAt returns the queues of a hall in order of id, closed ones too.
func (c *City) QueuesAt(hall string) []*directory.Queue { return c.queuesAt[hall] }

// Items returns all open items in order of code.
func (c *City) Items() []*directory.Item { return c.list }

// Root is the unit of the platform, above all others; nil where there is no city yet.
func (c *City) Root() *directory.Unit { return c.root }

// Below returns the open units right below a unit.
func (c *City) Below(unit string) []*directory.Unit { return c.children[unit] }

// Districts returns the districts in order of code.
func (c *City) Districts() []*directory.Unit {
	var out []*directory.Unit
	for _, u := range c.units {
		if u.Kind == directory.District {
			out = append(out, u)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// Offers returns the offerings of an item, in order of hall number.
func (c *City) Offers(item string) []*directory.Offering { return c.byItem[item] }

// OffersAt returns the offerings of a hall.
func (c *City) OffersAt(hall string) []*directory.Offering { return c.byHall[hall] }

// CountersOf returns the counters of a hall, closed ones too.
func (c *City) CountersOf(hall string) []*directory.Counter { return c.counters[hall] }

// SubHalls returns the sub-halls of a hall, closed ones too.
func (c *City) SubHalls(hall string) []*directory.Hall { return c.subHalls[hall] }

// Lines returns the lines of business that halls run, by level. It must not be changed.
func (c *City) Lines() map[directory.HallLevel]map[string]bool { return c.lines }

// Offer returns what queue offers of item, nil if it does not.
func (c *City) Offer(item, queue string) *directory.Offering {
	q := c.queues[queue]
	if q == nil {
		return nil
	}
	for _, o := range c.byHall[q.HallID] {
		if o.ItemCode == item && o.QueueID == queue {
			return o
		}
	}
	return nil
}

// sortedQueues returns all queues in order of id: neighbours in the tree are neighbours in the tables.
func (c *City) sortedQueues() []*directory.Queue {
	out := make([]*directory.Queue, 0, len(c.queues))
	for _, q := range c.queues {
		out = append(out, q)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// Counts returns how many halls, queues and items are in the directory.
func (c *City) Counts() (halls, queues, items int) { return len(c.halls), len(c.queues), len(c.items) }
