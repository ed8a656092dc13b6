package model_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// compare says where a city is not as the reference has it. Slots that are new, and the ids and the random instants
// of what is held anew, are taken from the city once they were looked at.
func (p *play) compare(v *view, of watched) error {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	r := p.ref
	today := r.now.Format(time.DateOnly)
	for id, got := range v.slots {
		if r.slots[id] == nil {
			p.adopt(id, got, bad)
		}
	}
	for id, s := range r.slots {
		got, there := v.slots[id]
		if s.date < today {
			continue
		}
		if want := (seenSlot{s.queue, s.date, s.hour, s.capacity, s.taken, s.held() + s.promised(), s.shut, got.release}); !there || got != want {
			bad("slot %s is %+v, want %+v", id, got, want)
		}
		p.holds(s, v.holds[id], bad)
	}
	for _, q := range queueIDs {
		var want []string
		for _, e := range r.line {
			if e.state == "waiting" && slices.ContainsFunc(e.lines, func(o offering) bool { return o.queue == q }) {
				want = append(want, e.id)
			}
		}
		if !slices.Equal(v.lines[q], want) {
			bad("line of %s is %v, want %v", q, v.lines[q], want)
		}
	}
	for id, b := range r.bookings {
		if got, seen := v.bookings[id]; seen && got != (seenBooking{b.state, b.slot.id, b.units}) {
			bad("booking %s is %+v, want %s in %s", id, got, b.state, b.slot.id)
		}
	}
	for _, id := range of.bookings {
		_, seen := v.bookings[id]
		if b := r.bookings[id]; b != nil && b.state == "booked" && !seen {
			bad("booking %s is lost", id)
		}
	}
	for id := range v.bookings {
		if r.bookings[id] == nil {
			bad("booking %s is there, want none", id)
		}
	}
	for _, e := range r.line {
		got := v.entries[e.id]
		if got.state != e.state || got.slot != e.slot || e.state == "offered" && !got.until.Equal(e.until) {
			bad("entry %s is %+v, want %s in %q", e.id, got, e.state, e.slot)
		}
	}
	for person, claims := range v.claims {
		if got, want := flat(claims), p.claims(person); got != want {
			bad("person %d holds\n  %s\nwant\n  %s", person, got, want)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	return fmt.Errorf("%s", strings.Join(wrong, "\n"))
}

// adopt takes up a slot that was made.
func (p *play) adopt(id string, got seenSlot, bad func(string, ...any)) {
	day, err := time.ParseInLocation(time.DateOnly, got.date, zone)
	at := slices.Index(hours, got.hour)
	if err != nil || at < 0 || day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		bad("slot %s on %s at %d", id, got.date, got.hour)
		return
	}
	s := &slot{
		id: id, queue: got.queue, hall: got.queue[:strings.LastIndex(got.queue, "-")], date: got.date, hour: got.hour,
		start: day.Add(time.Duration(got.hour) * time.Hour), release: day.AddDate(0, 0, -p.ref.law.Ahead).Add(12 * time.Hour),
		capacity: daily[got.queue] / len(hours), offered: map[string]int{},
	}
	if !got.release.Equal(s.release) {
		bad("slot %s is released at %s, want %s", id, got.release.In(zone), s.release)
	}
	p.ref.slots[id] = s
}

// holds looks at what is held in a slot. The units are those of the reference; what is new opens to all after a random
// while within bounds; what was there opens when it was to.
func (p *play) holds(s *slot, got []seenHold, bad func(string, ...any)) {
	units, promised := 0, map[string]int{}
	known := map[string]hold{}
	for _, h := range s.holds {
		if h.id != "" {
			known[h.id] = h
		}
	}
	var now []hold
	fresh := 0
	for _, h := range got {
		if h.entry != "" {
			promised[h.entry] += h.units
			continue
		}
		units += h.units
		now = append(now, hold{h.id, h.units, h.opens})
		if was, ok := known[h.id]; ok {
			if !was.opens.Equal(h.opens) || h.units > was.units {
				bad("%s: %d held until %s, were %d until %s", s.id, h.units, h.opens.In(zone), was.units, was.opens.In(zone))
			}
			continue
		}
		fresh += h.units
		first, last := p.ref.now.Add(p.ref.law.Soonest), p.ref.now.Add(p.ref.law.Latest)
		if end := p.ref.last(s); end.Before(last) {
			first, last = minTime(first, end), end
		}
		if over := !p.ref.now.Before(p.ref.last(s)); over {
			first, last = p.ref.now, p.ref.now
		}
		if h.opens.Before(first) || h.opens.After(last) {
			bad("%s: what came free at %s opens at %s", s.id, p.ref.now, h.opens.In(zone))
		}
	}
	if fresh > p.ref.fresh[s.id] {
		bad("%s: %d held anew, %d came free", s.id, fresh, p.ref.fresh[s.id])
	}
	if units != s.held() || !maps.Equal(promised, s.offered) {
		bad("%s: %d held and offered %v, want %d and %v", s.id, units, promised, s.held(), s.offered)
	}
	slices.SortFunc(now, func(a, b hold) int { return cmp.Or(a.opens.Compare(b.opens), cmp.Compare(a.id, b.id)) })
	s.holds = now
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// claims is what a person holds.
func (p *play) claims(person int) string {
	held := map[string][]string{}
	add := func(name, id string) { held[name] = append(held[name], id) }
	for _, b := range p.ref.active("") {
		if b.for_ == person || slices.Contains(b.list, person) {
			add("item:"+b.item, b.id)
		}
		if b.who == person {
			day := strings.ReplaceAll(b.slot.date, "-", "")
			add("day:"+day, b.id)
			add(fmt.Sprintf("hour:%s%02d", day, b.slot.hour), b.id)
		}
	}
	for _, e := range p.ref.line {
		if e.for_ == person {
			add("wait:"+e.item, e.id)
		}
	}
	return lines(held)
}

// flat leaves the ordinals out of the names of claims.
func flat(claims map[string]string) string {
	held := map[string][]string{}
	for name, id := range claims {
		name, _, _ = strings.Cut(name, "#")
		held[name] = append(held[name], id)
	}
	return lines(held)
}

func lines(held map[string][]string) string {
	var out []string
	for name, ids := range held {
		slices.Sort(ids)
		out = append(out, name+"="+strings.Join(ids, "+"))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
