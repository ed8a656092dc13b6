package model_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// dice is where chance comes from: rapid, which makes what it finds small, or a generator with a seed.
type dice interface{ n(below int) int }

func pick[T any](d dice, list []T) T { return list[d.n(len(list))] }

// play is a system and the reference being played side by side.
type play struct {
	sys    system
	ref    *reference
	dice   dice
	serial int
	steps  int
	recent []ask // accepted, with a key
	tally  map[string]int
}

func newPlay(ctx context.Context, sys system, l law, d dice) (*play, error) {
	level := make([]int, people)
	for i := range level {
		if level[i] = 3; i < agents {
			level[i] = 4
		}
	}
	p := &play{sys: sys, dice: d, tally: map[string]int{}, ref: &reference{
		law: l, now: start, offers: offers, level: level, slots: map[string]*slot{}, bookings: map[string]*reservation{}, entries: map[string]*entry{},
		keys: map[string]ask{}, came: map[string]string{}, fresh: map[string]int{},
	}}
	v, err := sys.look(ctx, watched{})
	if err != nil {
		return nil, err
	}
	return p, p.compare(v, watched{})
}

// broke is an error of the system itself: nothing was found by looking.
type broke struct{ error }

// kinds are the steps, each as often as it stands here.
var kinds = strings.Fields(`book book book book book book book book book book book book move move move cancel cancel cancel reduce
join join join join join change change leave take take decline tick tick tick serve serve serve serve again capacity`)

// step plays one step and says where the city is not as the reference has it.
func (p *play) step(ctx context.Context, kind string) error {
	a, ok := p.ask(kind)
	if !ok {
		return nil
	}
	p.steps++
	before := p.standing()
	got, gone, err := p.sys.do(ctx, a)
	if err != nil {
		return broke{err}
	}
	of := watched{bookings: append(slices.Clone(before.entries), a.Of), entries: before.entries, persons: p.about(a)}
	if p.steps%4 == 0 || a.Kind == "tick" || a.Kind == "capacity" {
		of.bookings = append(of.bookings, before.bookings...)
	}
	if got.ID != "" {
		of.bookings, of.entries = append(of.bookings, got.ID), append(of.entries, got.ID)
	}
	var wrong []error
	switch a.Kind {
	case "tick":
		p.ref.now = a.To
		clear(p.ref.fresh)
		p.ref.endHours()
		p.prune()
	case "serve":
		p.ref.now = p.ref.now.Add(2 * time.Second)
	case "capacity":
		if err := p.capacity(ctx, a, got, gone); err != nil {
			wrong = append(wrong, err)
		}
	default:
		want := p.ref.do(a, got)
		p.tally[a.Kind+" "+want.Code]++
		if a.Key != "" && want.Code == "" && !want.Replayed {
			p.recent = append(p.recent, a)
		}
		if got.Code != want.Code || want.Code == "" && got != want {
			return fmt.Errorf("at %s %+v\ncame to %+v\nwant    %+v", p.ref.now.Format(time.DateTime), a, got, want)
		}
	}
	v, err := p.sys.look(ctx, of)
	if err != nil {
		return broke{err}
	}
	if a.Kind == "serve" {
		seen := map[string]outcome{}
		for _, id := range before.entries {
			seen[id] = v.entries[id]
		}
		waits := len(p.ref.line)
		if err := p.ref.serve(seen); err != nil {
			wrong = append(wrong, err)
		}
		p.tally["served or over"] += waits - len(p.ref.line)
	}
	if len(wrong) == 0 {
		if err := p.compare(v, of); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("at %s after %+v: %w", p.ref.now.Format(time.DateTime), a, errors.Join(wrong...))
	}
	return nil
}

// standing names the bookings that hold something and the entries that wait.
func (p *play) standing() (w watched) {
	for _, b := range p.ref.active("") {
		w.bookings = append(w.bookings, b.id)
	}
	slices.Sort(w.bookings)
	for _, e := range p.ref.line {
		w.entries = append(w.entries, e.id)
	}
	return w
}

// about lists the persons a step is about, and one more in turn.
func (p *play) about(a ask) []int {
	out := append([]int{a.Who, a.For, p.steps % people}, a.List...)
	if b := p.ref.bookings[a.Of]; b != nil {
		out = append(append(out, b.who, b.for_), b.list...)
	}
	if e := p.ref.entries[a.Of]; e != nil {
		out = append(append(out, e.who, e.for_), e.list...)
	}
	out = slices.DeleteFunc(out, func(n int) bool { return n < 0 })
	slices.Sort(out)
	return slices.Compact(out)
}

// capacity has those who lost an hour choose at once.
func (p *play) capacity(ctx context.Context, a ask, got answer, to []lost) error {
	if got.Code != "" {
		return fmt.Errorf("the change was refused: %s", got.Code)
	}
	gone := p.ref.capacity(a.Queue, a.Dates[0], a.Total)
	fresh := maps.Clone(p.ref.fresh)
	if err := p.ref.displace(gone, to); err != nil {
		return err
	}
	p.tally["lost an hour"] += len(gone)
	for _, b := range gone {
		kind := "cancel"
		if b.state == "displaced" && a.Keep {
			kind = "keep"
		}
		p.serial++
		got, _, err := p.sys.do(ctx, ask{Kind: kind, Key: fmt.Sprintf("choice-%08d", p.serial), Who: b.who, Of: b.id})
		if err != nil {
			return broke{err}
		}
		want := p.ref.choose(b, a.Keep)
		if got != want {
			return fmt.Errorf("choice %s of %s came to %+v, want %+v", kind, b.id, got, want)
		}
		for id, n := range p.ref.fresh {
			fresh[id] += n
		}
	}
	p.ref.fresh = fresh
	return nil
}

// ask makes up a step of a kind; false where there is nothing it could be about.
func (p *play) ask(kind string) (ask, bool) {
	d := p.dice
	p.serial++
	a := ask{Kind: kind, Who: d.n(people)}
	a.For = a.Who
	key := fmt.Sprintf("step-%08d", p.serial)
	switch kind {
	case "again":
		if len(p.recent) == 0 {
			return a, false
		}
		last := p.recent[max(0, len(p.recent)-30):]
		a = last[d.n(len(last))]
		if d.n(3) == 0 && a.Slot != "" {
			a.Slot = pick(d, p.slots()).id
		}
		return a, true
	case "book":
		a.Key, a.Item = key, pick(d, []string{itemA, itemA, itemB})
		p.parties(&a)
		a.Slot = p.target(a.Item)
	case "move", "cancel", "reduce":
		b := p.booking()
		if b == nil {
			return a, false
		}
		a.Key, a.Of = key, b.id
		if d.n(20) > 0 {
			a.Who = b.who
		}
		a.For = a.Who
		if kind == "move" {
			a.Slot = p.target(b.item)
		}
		if kind == "reduce" {
			for range 8 { // mostly one that can be
				if len(b.list) == 0 {
					b = p.booking()
				}
			}
			a.Of, a.Who, a.For = b.id, b.who, b.who
			a.Cases = []int{1 + d.n(3)}
			if d.n(3) == 0 {
				a.Cases = []int{1, 2}
			}
		}
	case "join":
		a.Key, a.Item = key, pick(d, []string{itemA, itemA, itemB})
		p.parties(&a)
		p.wants(&a)
	case "change", "leave", "take", "decline":
		if offer := kind == "take" || kind == "decline"; offer && d.n(6) > 0 && !slices.ContainsFunc(p.ref.line, func(e *entry) bool { return e.state == "offered" }) {
			return a, false
		}
		e := p.entry(kind == "take" || kind == "decline")
		if e == nil {
			return a, false
		}
		a.Of, a.Item = e.id, e.item
		if d.n(20) > 0 {
			a.Who = e.who
		}
		if kind == "take" {
			a.Key = key
		}
		if kind == "change" {
			p.wants(&a)
			if d.n(2) == 0 { // narrower
				a.Halls, a.Dates, a.Hours = e.halls, e.dates[d.n(len(e.dates)):], e.hours[:1+d.n(len(e.hours))]
			}
		}
	case "tick":
		day := time.Date(p.ref.now.Year(), p.ref.now.Month(), p.ref.now.Day(), 0, 0, 0, 0, zone)
		noon := day.Add(12 * time.Hour)
		switch n := d.n(24); {
		case n < 10:
			a.To = p.ref.now.Add(10 * time.Second)
		case n < 16:
			a.To = p.ref.now.Add(4 * time.Minute)
		case n < 20:
			a.To = p.ref.now.Add(20 * time.Minute)
		case n < 21:
			a.To = p.ref.now.Add(70 * time.Minute)
		case n < 22:
			a.To = noon.Add(-8 * time.Minute)
		case n < 23:
			a.To = noon.Add(time.Duration(d.n(4)) * time.Minute)
		default:
			a.To = day.Add(32 * time.Hour)
		}
		if !a.To.After(p.ref.now) {
			a.To = a.To.Add(24 * time.Hour)
		}
	case "capacity":
		queue := pick(d, queueIDs)
		today := p.ref.now.Format(time.DateOnly)
		days := map[string]bool{}
		for _, s := range p.ref.slots {
			if s.queue == queue && s.date > today {
				days[s.date] = true
			}
		}
		dates := slices.Sorted(maps.Keys(days))
		if len(dates) == 0 {
			return a, false
		}
		a.Queue, a.Dates, a.Total, a.Keep = queue, []string{dates[d.n(min(3, len(dates)))]}, d.n(13), d.n(2) == 0
		was := 0
		for _, s := range p.ref.slots {
			if s.queue == queue && s.date == a.Dates[0] {
				was += s.capacity
			}
		}
		if a.Total == was {
			a.Total++
		}
		a.Urgent = a.Total > was // else it is refused so shortly before (Art. 23)
	}
	return a, true
}

// parties makes a batch of some requests, and others for another person.
func (p *play) parties(a *ask) {
	d := p.dice
	switch d.n(8) {
	case 0, 1:
		a.For = d.n(people)
	case 2, 3:
		a.Item = pick(d, []string{itemA, itemA, itemA, itemA, itemB})
		if d.n(6) > 0 {
			a.Who %= agents
			a.For = a.Who
		}
		for range pick(d, []int{2, 2, 3, 3, 4}) {
			if n := d.n(people); !slices.Contains(a.List, n) {
				a.List = append(a.List, n)
			}
		}
		if len(a.List) < 2 {
			a.List = nil
		}
	}
}

func (p *play) wants(a *ask) {
	d := p.dice
	a.Halls = pick(d, [][]string{{north}, {south}, {north, south}})
	today := time.Date(p.ref.now.Year(), p.ref.now.Month(), p.ref.now.Day(), 0, 0, 0, 0, zone)
	first := max(0, d.n(6)-2)
	for n := range 1 + d.n(4) {
		a.Dates = append(a.Dates, today.AddDate(0, 0, first+n).Format(time.DateOnly))
	}
	a.Hours = pick(d, [][]int{{9}, {10}, {14}, {9, 10}, {10, 14}, {9, 10, 14}, {9, 10, 14}})
}

// target is mostly an hour at which an item can be had now.
func (p *play) target(item string) string {
	list := p.slots()
	if p.dice.n(6) > 0 {
		can := slices.DeleteFunc(slices.Clone(list), func(s *slot) bool {
			o := p.ref.offer(item, s.queue)
			return o == nil || p.ref.canTake(p.ref.now, s, o) != ""
		})
		if len(can) > 0 {
			list = can
		}
	}
	return pick(p.dice, list).id
}

// slots are those people look at: of today and the days that can be booked or are about to be.
func (p *play) slots() (out []*slot) {
	today := p.ref.now.Format(time.DateOnly)
	last := p.ref.now.AddDate(0, 0, p.ref.law.Ahead+1).Format(time.DateOnly)
	for _, s := range p.ref.slots {
		if s.date >= today && s.date <= last {
			out = append(out, s)
		}
	}
	if len(out) == 0 { // over a weekend
		for _, s := range p.ref.slots {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *slot) int { return strings.Compare(a.id, b.id) })
	return out
}

// booking is mostly one that is active.
func (p *play) booking() *reservation {
	list := p.ref.active("")
	if len(list) == 0 || p.dice.n(12) == 0 {
		list = slices.Collect(maps.Values(p.ref.bookings))
	}
	if len(list) == 0 {
		return nil
	}
	if p.dice.n(3) == 0 { // one that, given back, is offered and not booked at once
		soon := slices.DeleteFunc(slices.Clone(list), func(b *reservation) bool {
			left := b.slot.start.Sub(p.ref.now)
			return left < p.ref.law.CancelEnd-time.Hour || left >= p.ref.law.BookLead
		})
		if len(soon) > 0 {
			list = soon
		}
	}
	slices.SortFunc(list, func(a, b *reservation) int { return strings.Compare(a.id, b.id) })
	return pick(p.dice, list)
}

// entry is mostly one that waits.
func (p *play) entry(offered bool) *entry {
	list := slices.Clone(p.ref.line)
	if offered && slices.ContainsFunc(list, func(e *entry) bool { return e.state == "offered" }) {
		list = slices.DeleteFunc(list, func(e *entry) bool { return e.state != "offered" })
	}
	if len(list) == 0 || p.dice.n(12) == 0 {
		list = slices.Collect(maps.Values(p.ref.entries))
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b *entry) int { return strings.Compare(a.id, b.id) })
	return pick(p.dice, list)
}

// prune forgets what nobody asks for any more.
func (p *play) prune() {
	before := p.ref.now.AddDate(0, 0, -2).Format(time.DateOnly)
	for id, s := range p.ref.slots {
		if s.date < before {
			delete(p.ref.slots, id)
		}
	}
	for id, e := range p.ref.entries {
		if !e.waits() && slices.Max(e.dates) < before {
			delete(p.ref.entries, id)
		}
	}
	for id, b := range p.ref.bookings {
		if b.state != "booked" && b.slot.date < before && p.ref.entries[id] == nil {
			delete(p.ref.bookings, id)
		}
	}
	there := func(id string) bool { return p.ref.bookings[id] != nil || p.ref.entries[id] != nil }
	for key, id := range p.ref.came {
		if !there(id) {
			delete(p.ref.came, key)
			delete(p.ref.keys, key)
		}
	}
	p.recent = slices.DeleteFunc(p.recent, func(a ask) bool {
		return p.ref.came[fmt.Sprint(a.Who, a.Key)] == "" || a.Slot != "" && p.ref.slots[a.Slot] == nil
	})
}
