package model_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// What the city does by itself: the line is served, hours end, numbers are released, capacity changes. Queues are
// served side by side, so which of two that compete over a limit comes first is not fixed; the reference is shown
// what came of it and says whether it may be so.

// outcome is what became of who waits.
type outcome struct {
	state, slot string
	until       time.Time
}

// lead is how long before a release the line is served.
const lead = 10 * time.Minute

// serve goes through what the line is due at r.now; seen is how those who waited stand afterwards.
func (r *reference) serve(seen map[string]outcome) error {
	clear(r.fresh)
	for _, e := range slices.SortedStableFunc(slices.Values(r.line), func(a, b *entry) int { return a.until.Compare(b.until) }) {
		if e.state == "offered" && !r.now.Before(e.until) {
			r.pass(e)
		}
	}
	// Who is served in this look, by where: their new bookings may stand in the way of others, but need not yet.
	served := map[string]*reservation{}
	for _, e := range r.line {
		if o := seen[e.id]; e.state == "waiting" && o.state == "booked" && r.slots[o.slot] != nil {
			served[e.id] = &reservation{id: e.id, who: e.who, for_: e.for_, item: e.item, slot: r.slots[o.slot], list: e.list, state: "booked"}
		}
	}
	for _, queue := range r.queues() {
		for _, s := range r.slotsOf(queue) {
			if err := r.serveHeld(s, seen, served); err != nil {
				return err
			}
		}
	}
	for _, queue := range r.queues() {
		if err := r.serveRelease(queue, seen, served); err != nil {
			return err
		}
	}
	for _, s := range r.slots {
		s.holds = slices.DeleteFunc(s.holds, func(h hold) bool { return !h.opens.IsZero() && !r.now.Before(h.opens) })
	}
	for _, e := range slices.Clone(r.line) {
		if e.state == "waiting" && !r.now.Before(lastOf(e)) {
			e.state = "expired"
			r.unline(e)
		}
	}
	for id, o := range seen {
		if e := r.entries[id]; e.state != o.state || e.slot != o.slot && o.state != "left" {
			return fmt.Errorf("entry %s is %s in %q, want %s in %q", id, o.state, o.slot, e.state, e.slot)
		}
	}
	return nil
}

func lastOf(e *entry) time.Time {
	day, err := time.ParseInLocation(time.DateOnly, slices.Max(e.dates), zone)
	if err != nil {
		panic(err)
	}
	return day.Add(time.Duration(slices.Max(e.hours)) * time.Hour)
}

func (r *reference) queues() []string {
	all := map[string]bool{}
	for _, s := range r.slots {
		all[s.queue] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func (r *reference) slotsOf(queue string) (out []*slot) {
	for _, s := range r.slots {
		if s.queue == queue {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *slot) int { return a.start.Compare(b.start) })
	return out
}

// excused tells whether e, who could use a number of s, was rightly not given it: a limit stands against it, or
// came to stand by what another queue gave at the same time; or e itself was served there.
func (r *reference) excused(e *entry, s *slot, seen map[string]outcome, served map[string]*reservation) bool {
	if o := seen[e.id]; o.slot != "" && r.slots[o.slot] != nil && r.slots[o.slot].queue != s.queue {
		return true
	}
	all := r.active("")
	for id, b := range served {
		if id != e.id && b.slot.queue != s.queue && r.bookings[id] == nil {
			all = append(all, b)
		}
	}
	return r.limited(all, e.who, e.for_, e.list, e.item, s) != ""
}

// barred names the limit that stood against e when it was given a number of s: what another queue gave at the same
// time need not have been there yet.
func (r *reference) barred(e *entry, s *slot, served map[string]*reservation) string {
	all := slices.DeleteFunc(r.active(""), func(b *reservation) bool { return served[b.id] != nil && b.slot.queue != s.queue })
	return r.limited(all, e.who, e.for_, e.list, e.item, s)
}

// serveHeld gives what is held in s to the line in order of joining.
func (r *reference) serveHeld(s *slot, seen map[string]outcome, served map[string]*reservation) error {
	for _, e := range slices.Clone(r.line) {
		if s.held() == 0 {
			return nil
		}
		o := r.offer(e.item, s.queue)
		if e.state != "waiting" || !e.fits(s) || s.held()+s.free() < e.units() {
			continue
		}
		able := cmp.Or(r.mayBook(e.who, e.units(), o), r.canTake(r.now, s, o)) == ""
		got := seen[e.id].slot == s.id && (seen[e.id].state == "booked" || seen[e.id].state == "offered")
		switch {
		case got && !able:
			return fmt.Errorf("entry %s was given a number of %s that it cannot have", e.id, s.id)
		case got:
			if no := r.barred(e, s, served); no != "" {
				return fmt.Errorf("entry %s was given a number of %s, against a limit: %s", e.id, s.id, no)
			}
			if err := r.give(e, s, seen[e.id]); err != nil {
				return err
			}
		case able && !r.excused(e, s, seen, served):
			return fmt.Errorf("entry %s could have used %s, was not given it, and is %v", e.id, s.id, seen[e.id])
		}
	}
	return nil
}

// give lets e have a number of s out of what is held and, for a batch, what is free besides.
func (r *reference) give(e *entry, s *slot, o outcome) error {
	s.consume(min(e.units(), s.held()))
	if s.start.Sub(r.now) >= r.law.BookLead {
		r.booked(e, s)
		return nil
	}
	until := r.now.Add(r.law.Offer)
	if last := r.last(s); last.Before(until) {
		until = last
	}
	if o.state != "offered" || !o.until.Equal(until) {
		return fmt.Errorf("entry %s is %v, want it offered until %v", e.id, o, until)
	}
	s.offered[e.id] = e.units()
	e.state, e.slot, e.until = "offered", s.id, until
	return nil
}

// serveRelease gives the line what is about to be released, up to the share.
func (r *reference) serveRelease(queue string, seen map[string]outcome, served map[string]*reservation) error {
	for _, e := range slices.Clone(r.line) {
		if e.state != "waiting" {
			continue
		}
		for _, s := range r.slotsOf(queue) {
			if !r.now.Before(s.release) || s.release.Sub(r.now) > lead || !e.fits(s) || s.free() < e.units() {
				continue
			}
			o := r.offer(e.item, queue)
			able := cmp.Or(r.mayBook(e.who, e.units(), o), r.canTake(s.release, s, o)) == "" && (s.taken+e.units())*100 <= s.capacity*r.law.Share
			got := seen[e.id].slot == s.id && seen[e.id].state == "booked"
			if got && (!able || r.barred(e, s, served) != "") {
				return fmt.Errorf("entry %s was booked into %s before its release, and must not be", e.id, s.id)
			}
			if got {
				r.booked(e, s)
				break
			}
			if able && !r.excused(e, s, seen, served) {
				return fmt.Errorf("entry %s could have used %s before its release, was not given it, and is %v", e.id, s.id, seen[e.id])
			}
		}
	}
	return nil
}

// endHours marks who did not come (Art. 17). For two minutes after the release the lanes are left to those who book.
func (r *reference) endHours() {
	if noon := r.now.Hour() == 12 && r.now.Minute() < 2; noon {
		return
	}
	for _, b := range r.bookings {
		if b.state == "booked" && !r.now.Truncate(time.Hour).Before(b.slot.start.Add(time.Hour)) {
			b.state = "no_show"
		}
	}
}

// lost is what became of somebody whose hour was taken away: slot "" for nowhere.
type lost struct{ id, slot string }

// capacity makes the hours of a day what a total comes to: split evenly, the rest to the earlier hours. Where more
// hold a number than there are, those who booked last lose theirs; which of them must, is returned.
func (r *reference) capacity(queue, date string, total int) (out []*reservation) {
	clear(r.fresh)
	day := slices.DeleteFunc(r.slotsOf(queue), func(s *slot) bool { return s.date != date })
	for i, s := range day {
		n := total / len(day)
		if i < total%len(day) {
			n++
		}
		if n == s.capacity && s.shut == (total == 0) {
			continue
		}
		public := s.free()
		s.shut = total == 0 // a day without numbers is shut
		promised := s.promised()
		if n < s.taken {
			public = 0
		}
		if n-s.taken < promised { // no place for the offers: they are taken back
			for id := range s.offered {
				r.entries[id].state, r.entries[id].slot = "waiting", ""
			}
			clear(s.offered)
			promised = 0
		}
		s.holds, s.capacity = nil, n
		in := slices.DeleteFunc(r.active(""), func(b *reservation) bool { return b.slot != s })
		slices.SortFunc(in, func(a, b *reservation) int { return cmp.Or(b.made.Compare(a.made), cmp.Compare(b.id, a.id)) })
		taken := s.taken
		for _, b := range in {
			if taken > n {
				taken -= b.units
				out = append(out, b)
			}
		}
		// What is new is the line's first; what everybody could have before stays everybody's.
		r.keepFor(s, n-taken-promised-public)
	}
	return out
}

// displace moves who lost an hour to where it was kept: all leave before any of them is somewhere else.
func (r *reference) displace(gone []*reservation, to []lost) error {
	if len(to) != len(gone) {
		return fmt.Errorf("%d lost an hour, want %d", len(to), len(gone))
	}
	for _, b := range gone {
		b.slot.taken -= b.units
		b.state = "stranded"
	}
	for _, b := range gone {
		i := slices.IndexFunc(to, func(l lost) bool { return l.id == b.id })
		if i < 0 {
			return fmt.Errorf("booking %s of %s is among those who booked last and kept its hour", b.id, b.slot.id)
		}
		if to[i].slot == "" {
			continue
		}
		s := r.slots[to[i].slot]
		o := r.offer(b.item, s.queue)
		if no := cmp.Or(r.canTake(r.now, s, o), r.against(b.who, b.for_, b.list, b.item, s, b.id)); no != "" || s.free() < b.units {
			return fmt.Errorf("booking %s was sent to %s, %d free: %s", b.id, s.id, s.free(), no)
		}
		s.taken += b.units
		b.slot, b.state = s, "displaced"
	}
	return nil
}

// choose is the choice of who lost an hour.
func (r *reference) choose(b *reservation, keep bool) answer {
	clear(r.fresh)
	switch {
	case b.state == "displaced" && keep:
		b.state = "booked"
	case b.state == "displaced":
		b.state = "cancelled"
		r.giveBack(b.slot, b.units)
	default:
		b.state = "cancelled"
	}
	return r.shown(b)
}
