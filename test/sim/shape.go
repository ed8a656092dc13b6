// Package sim lives days of halls on a virtual clock: people who come early, on time, late or never, walk-ins
// and the green channel, counters that pause, break off and come back, over the product's own counter.Floor.
// A checker that shares no code with the floor follows what happens and says what must never happen.
package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
)

// Shape is what the days of a hall are like.
type Shape struct {
	Name     string
	Rules    counter.Rules
	Queues   []Queue
	Counters []Desk
}

// Queue is one queue of a shape.
type Queue struct {
	ID       string
	Slot     int     // numbers an hour, on-site ones included
	Fill     float64 // of the off-site numbers that are booked
	Show     float64 // of the booked who come
	WalkIns  float64 // who want a number, an hour
	Green    float64 // an hour
	Minutes  float64 // a service, mean
	Spread   float64 // sigma of its logarithm
	Transfer float64 // of services that go on in another queue
}

// Desk is one counter of a shape.
type Desk struct {
	ID     string
	Queues []string
	Breaks float64 // pauses an hour, of about ten minutes
}

// Hours are the slots of a day.
var Hours = []int{9, 10, 11, 13, 14, 15, 16}

// Shapes are the halls that days are lived in.
var Shapes = []Shape{
	{
		Name: "village", Rules: village(),
		Queues:   []Queue{{ID: "all", Slot: 9, Fill: 0.7, Show: 0.85, WalkIns: 2, Green: 0.5, Minutes: 8, Spread: 0.6}},
		Counters: []Desk{{"1", []string{"all"}, 0.15}, {"2", []string{"all"}, 0.15}},
	},
	{
		Name: "street", Rules: counter.DefaultRules(),
		Queues: []Queue{
			{ID: "social", Slot: 20, Fill: 0.85, Show: 0.85, WalkIns: 4, Green: 1, Minutes: 9, Spread: 0.5, Transfer: 0.04},
			{ID: "civil", Slot: 8, Fill: 0.6, Show: 0.9, WalkIns: 2, Green: 0.5, Minutes: 12, Spread: 0.6, Transfer: 0.02},
		},
		Counters: []Desk{
			{"1", []string{"social"}, 0.2}, {"2", []string{"social"}, 0.2}, {"3", []string{"social", "civil"}, 0.2}, {"4", []string{"civil"}, 0.2}, {"5", []string{"social", "civil"}, 0.2},
		},
	},
	{
		Name: "district", Rules: counter.DefaultRules(),
		Queues: []Queue{
			{ID: "tax", Slot: 40, Fill: 0.95, Show: 0.85, WalkIns: 9, Green: 1.5, Minutes: 8, Spread: 0.5, Transfer: 0.03},
			{ID: "estate", Slot: 18, Fill: 0.95, Show: 0.9, WalkIns: 5, Green: 1, Minutes: 16, Spread: 0.5, Transfer: 0.03},
			{ID: "firms", Slot: 18, Fill: 0.8, Show: 0.8, WalkIns: 4, Green: 0.3, Minutes: 11, Spread: 0.7, Transfer: 0.05},
		},
		Counters: []Desk{
			{"1", []string{"tax"}, 0.2}, {"2", []string{"tax"}, 0.2}, {"3", []string{"tax"}, 0.2}, {"4", []string{"tax"}, 0.2}, {"5", []string{"tax", "firms"}, 0.2},
			{"6", []string{"estate"}, 0.2}, {"7", []string{"estate"}, 0.2}, {"8", []string{"estate"}, 0.2}, {"9", []string{"estate"}, 0.2}, {"10", []string{"estate", "firms"}, 0.2},
			{"11", []string{"firms"}, 0.2}, {"12", []string{"firms"}, 0.2}, {"13", []string{"firms", "tax"}, 0.2},
		},
	},
	{
		Name: "rush", Rules: rush(),
		Queues: []Queue{{ID: "all", Slot: 24, Fill: 0.6, Show: 0.95, WalkIns: 16, Green: 4, Minutes: 10, Spread: 0.4}},
		Counters: []Desk{
			{"1", []string{"all"}, 0.3}, {"2", []string{"all"}, 0.3}, {"3", []string{"all"}, 0.3}, {"4", []string{"all"}, 0.3},
		},
	},
}

// village lets the green channel go first without end.
func village() counter.Rules {
	r := counter.DefaultRules()
	r.Green = counter.GreenFirst
	return r
}

// rush is a hall that has set everything it may set otherwise.
func rush() counter.Rules {
	r := counter.DefaultRules()
	r.WalkInAfter, r.WalkInLongest, r.PassedAfter, r.PassedMost, r.Green, r.GreenMost = 2, 30*time.Minute, 1, 2, counter.GreenInOne, 1
	return r
}

// day0 is a working day; a seed's weekday follows from it.
var day0 = calendar.MakeDate(2026, time.March, 2)

// person is somebody with a plan for the day.
type person struct {
	id       int
	queue    *Queue
	kind     counter.Kind
	hour     int           // booked
	comes    time.Time     // zero for never
	patience time.Duration // waiting before giving up, 0 for for ever
	absent   float64       // of the calls it is not there for
	again    time.Duration // passed: comes back after, 0 for never
	booking  string
	tries    int // at the kiosk
}

// chance is the dice of one day.
type chance struct{ *rand.Rand }

func dice(seed uint64) chance { return chance{rand.New(rand.NewPCG(seed, 0x5caff01d))} }

func (c chance) hit(p float64) bool { return c.Float64() < p }

// logNormal gives a length whose mean is mean.
func (c chance) logNormal(mean, sigma float64) float64 {
	return mean * math.Exp(sigma*c.NormFloat64()-sigma*sigma/2)
}

func (c chance) minutes(from, to float64) time.Duration {
	return time.Duration((from + c.Float64()*(to-from)) * float64(time.Minute))
}

// people draws who means to come on a day.
func (c chance) people(s *Shape, date calendar.Date) []*person {
	var out []*person
	add := func(p *person) *person {
		p.id = len(out)
		if c.hit(0.06) {
			p.absent = 0.8
		} else {
			p.absent = 0.02
		}
		if c.hit(0.7) {
			p.again = c.minutes(2, 25)
		}
		out = append(out, p)
		return p
	}
	busy := c.logNormal(1, 0.12) // one day is not as another
	for i := range s.Queues {
		q := &s.Queues[i]
		for h, hour := range Hours {
			for range q.Slot - q.onSite(h) {
				if !c.hit(min(1, q.Fill*busy)) {
					continue
				}
				p := add(&person{queue: q, kind: counter.Booked, hour: hour})
				p.booking = "b" + itoa(p.id)
				if !c.hit(q.Show) {
					continue
				}
				minutes := -8 + 11*c.NormFloat64() // most come a little before their hour, or some time within it
				if c.hit(0.35) {
					minutes = c.Float64() * 62 // up to two minutes too late
				}
				p.comes = date.At(hour, 0).Add(time.Duration(minutes * float64(time.Minute)))
			}
			for _, w := range []struct {
				kind counter.Kind
				rate float64
			}{{counter.WalkIn, q.WalkIns * busy}, {counter.Green, q.Green}} {
				for n := c.poisson(w.rate); n > 0; n-- {
					p := add(&person{queue: q, kind: w.kind, hour: -1, comes: date.At(hour, 0).Add(c.minutes(-15, 55))})
					if c.hit(0.1) {
						p.patience = c.minutes(20, 90)
					}
				}
			}
		}
	}
	return out
}

func (c chance) poisson(mean float64) (n int) {
	for p := c.Float64(); p > math.Exp(-mean); p *= c.Float64() {
		n++
	}
	return n
}
