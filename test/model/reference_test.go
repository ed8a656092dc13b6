package model_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// This file is the reference: what booking, moving, cancelling, changing capacity, waiting and batches come to,
// written down a second time with plain maps and slices. It shares no code with the product, and is meant to be
// read beside Art. 14 to 19 and ADR 0001, 0009, 0023 and 0025.

// ask is one thing somebody does.
type ask struct {
	Kind   string // book, move, cancel, reduce, join, change, leave, take, decline, capacity, tick
	Key    string // idempotency key, of those that have one
	Who    int    // person
	For    int    // the applicant; Who for oneself
	Item   string
	Slot   string
	List   []int    // persons of a batch; none for one unit
	Of     string   // id of the booking or entry it is about
	Cases  []int    // reduce: as listed, from 1
	Halls  []string // join, change
	Dates  []string // 2006-01-02
	Hours  []int
	Queue  string    // capacity
	Total  int       // capacity: numbers of a day, the first of Dates
	Urgent bool      // capacity: numbers are added
	Keep   bool      // capacity: who loses their hour takes the one kept for them, else gives up
	To     time.Time // tick: the clock moves to
}

func (a ask) units() int { return max(1, len(a.List)) }

// answer is what came of it.
type answer struct {
	Code     string // of the refusal, "" for yes
	ID       string
	State    string
	Slot     string
	Units    int
	Replayed bool
}

// The law as this city has it.
type law struct {
	StartOfHour bool // off-site booking ends when the hour begins; else with the day before
	Share       int  // percent of an hour the line may have before its release
	PerDay      int
	Most        int // entries of one person in line
	Ahead       int // days from release to the day
	BookLead    time.Duration
	Offer       time.Duration
	CancelEnd   time.Duration
	Soonest     time.Duration // what comes free opens after
	Latest      time.Duration
}

type offering struct {
	hall, queue string
	batch       int
}

type slot struct {
	id, hall, queue, date string
	hour                  int
	start, release        time.Time
	capacity, taken       int
	shut                  bool
	holds                 []hold         // offered to nobody
	offered               map[string]int // entry → units
}

type hold struct {
	id    string // "" where it is not known yet
	units int
	opens time.Time // zero where it is not known yet
}

func (s *slot) held() (n int) {
	for _, h := range s.holds {
		n += h.units
	}
	return n
}

func (s *slot) promised() (n int) {
	for _, u := range s.offered {
		n += u
	}
	return n
}

func (s *slot) free() int { return s.capacity - s.taken - s.held() - s.promised() }

type reservation struct {
	id        string
	who, for_ int
	item      string
	slot      *slot
	units     int
	list      []int // -1 for one taken off
	state     string
	made      time.Time
}

type entry struct {
	id           string
	who, for_    int
	item         string
	list         []int
	lines        []offering
	halls, dates []string
	hours        []int
	state        string
	slot         string
	until        time.Time
	passed       []string
}

func (e *entry) units() int { return max(1, len(e.list)) }

func (e *entry) waits() bool { return e.state == "waiting" || e.state == "offered" }

func (e *entry) fits(s *slot) bool {
	return slices.ContainsFunc(e.lines, func(o offering) bool { return o.queue == s.queue }) && slices.Contains(e.dates, s.date) &&
		slices.Contains(e.hours, s.hour) && !slices.Contains(e.passed, s.id)
}

// reference is the city as it must be.
type reference struct {
	law      law
	now      time.Time
	offers   map[string][]offering // by item, in order of halls
	level    []int                 // of each person
	slots    map[string]*slot
	bookings map[string]*reservation
	entries  map[string]*entry
	line     []*entry // all who wait or are offered something, in order of joining
	keys     map[string]ask
	came     map[string]string // key → booking or entry
	fresh    map[string]int    // slot → units held anew in this step
}

func (r *reference) offer(item, queue string) *offering {
	for _, o := range r.offers[item] {
		if o.queue == queue {
			return &o
		}
	}
	return nil
}

// last is when a number can no longer be had off-site.
func (r *reference) last(s *slot) time.Time {
	if r.law.StartOfHour {
		return s.start
	}
	return s.start.Add(-time.Duration(s.hour) * time.Hour)
}

// --- limits: what of active bookings stands against another

func (r *reference) active(except string) (out []*reservation) {
	for _, b := range r.bookings {
		if (b.state == "booked" || b.state == "displaced") && b.id != except {
			out = append(out, b)
		}
	}
	return out
}

// against names what of active bookings stands against another: of who, for an applicant and a list, in s.
func (r *reference) against(who, applicant int, list []int, item string, s *slot, except string) string {
	return r.limited(r.active(except), who, applicant, list, item, s)
}

func (r *reference) limited(all []*reservation, who, applicant int, list []int, item string, s *slot) string {
	holdsItem := func(p int) bool {
		return slices.ContainsFunc(all, func(b *reservation) bool {
			return b.item == item && (b.for_ == p || slices.Contains(b.list, p))
		})
	}
	if holdsItem(applicant) {
		return "already_booked_item"
	}
	day := 0
	for _, b := range all {
		if b.who == who && b.slot.date == s.date {
			day++
		}
	}
	if slices.ContainsFunc(all, func(b *reservation) bool { return b.who == who && b.slot.date == s.date && b.slot.hour == s.hour }) {
		return "already_booked_hour"
	}
	if day >= r.law.PerDay {
		return "day_limit_reached"
	}
	for _, p := range list {
		if p >= 0 && p != applicant && holdsItem(p) {
			return "batch_case_booked"
		}
	}
	return ""
}

// mayBook is who may book how much where.
func (r *reference) mayBook(who, units int, o *offering) string {
	switch {
	case units > 1 && r.level[who] < 4:
		return "real_name_level_too_low"
	case units > 1 && o.batch <= 1:
		return "batch_not_offered"
	case units > 1 && units > o.batch:
		return "batch_too_large"
	}
	return ""
}

// canTake is whether a slot can be had at an instant (Art. 14).
func (r *reference) canTake(at time.Time, s *slot, o *offering) string {
	switch {
	case s == nil || s.queue != o.queue:
		return "slot_not_found"
	case !at.Before(s.start):
		return "slot_over"
	case s.shut:
		return "slot_closed"
	case at.Before(s.release):
		return "not_released_yet"
	case !at.Before(r.last(s)):
		return "off_site_closed"
	}
	return ""
}

// giveBack returns numbers of a slot: held for the line where it can be had off-site now (Art. 15).
func (r *reference) giveBack(s *slot, units int) {
	s.taken -= units
	r.keepFor(s, units)
}

// keepFor holds numbers of a slot that are nobody's, false where they are everybody's at once.
func (r *reference) keepFor(s *slot, units int) bool {
	if units <= 0 || s.shut || r.now.Before(s.release) || !r.now.Before(r.last(s)) {
		return false
	}
	s.holds = append(s.holds, hold{units: units})
	r.fresh[s.id] += units
	return true
}

// consume takes units out of what is held for nobody in particular, what opens first in front.
func (s *slot) consume(units int) {
	far := time.Unix(1<<40, 0)
	at := func(h hold) time.Time {
		if h.opens.IsZero() {
			return far
		}
		return h.opens
	}
	slices.SortStableFunc(s.holds, func(a, b hold) int { return cmp.Or(at(a).Compare(at(b)), cmp.Compare(a.id, b.id)) })
	for i := range s.holds {
		n := min(units, s.holds[i].units)
		s.holds[i].units -= n
		units -= n
	}
	s.holds = slices.DeleteFunc(s.holds, func(h hold) bool { return h.units == 0 })
}

// --- what people do

// do says what must come of a and makes it so. got is what came of it: ids are taken from there.
func (r *reference) do(a ask, got answer) answer {
	clear(r.fresh)
	if was, used := r.keys[fmt.Sprint(a.Who, a.Key)]; a.Key != "" && used && r.replays(a) {
		return r.replay(a, was)
	}
	var out answer
	switch a.Kind {
	case "book":
		out = r.book(a, got)
	case "move":
		out = r.move(a)
	case "cancel":
		out = r.cancel(a)
	case "reduce":
		out = r.reduce(a)
	case "join":
		out = r.join(a, got)
	case "change":
		out = r.change(a)
	case "leave":
		out = r.leave(a)
	case "decline":
		out = r.decline(a)
	case "take":
		out = r.take(a)
	}
	if out.Code == "" && a.Key != "" {
		r.keys[fmt.Sprint(a.Who, a.Key)], r.came[fmt.Sprint(a.Who, a.Key)] = a, out.ID
	}
	return out
}

// replays tells whether a gets as far as its key being looked up.
func (r *reference) replays(a ask) bool {
	switch a.Kind {
	case "book":
		return r.slots[a.Slot] != nil && r.offer(a.Item, r.slots[a.Slot].queue) != nil
	case "move":
		b := r.bookings[a.Of]
		return b != nil && b.who == a.Who && r.slots[a.Slot] != nil && r.offer(b.item, r.slots[a.Slot].queue) != nil
	case "cancel", "reduce":
		b := r.bookings[a.Of]
		return b != nil && b.who == a.Who
	case "take":
		e := r.mine(a)
		return e != nil && e.slot != ""
	}
	return a.Kind == "join"
}

// replay answers a key that was used: the same again comes to the same, anything else is refused.
func (r *reference) replay(a, was ask) answer {
	same := a.Kind == was.Kind && a.For == was.For && a.Item == was.Item && a.Slot == was.Slot && slices.Equal(a.List, was.List) && a.Of == was.Of &&
		slices.Equal(a.Cases, was.Cases) && slices.Equal(a.Halls, was.Halls) && slices.Equal(a.Dates, was.Dates) && slices.Equal(a.Hours, was.Hours)
	if !same {
		return answer{Code: "idempotency_key_reused"}
	}
	id := r.came[fmt.Sprint(a.Who, a.Key)]
	if a.Kind == "join" {
		e := r.entries[id]
		return answer{ID: id, State: e.state, Slot: e.slot, Units: e.units(), Replayed: true}
	}
	out := r.shown(r.bookings[id])
	out.Replayed = true
	return out
}

func (r *reference) shown(b *reservation) answer {
	return answer{ID: b.id, State: b.state, Slot: b.slot.id, Units: b.units}
}

func (r *reference) book(a ask, got answer) answer {
	s := r.slots[a.Slot]
	if s == nil {
		return answer{Code: "slot_not_found"}
	}
	o := r.offer(a.Item, s.queue)
	if o == nil {
		return answer{Code: "not_offered_here"}
	}
	code := cmp.Or(r.mayBook(a.Who, a.units(), o), r.canTake(r.now, s, o))
	if code == "" && s.free() < a.units() {
		code = "sold_out"
	}
	if code = cmp.Or(code, r.against(a.Who, a.For, a.List, a.Item, s, "")); code != "" {
		return answer{Code: code}
	}
	b := &reservation{id: got.ID, who: a.Who, for_: a.For, item: a.Item, slot: s, units: a.units(), list: slices.Clone(a.List), state: "booked", made: r.now}
	s.taken += b.units
	r.bookings[b.id] = b
	return r.shown(b)
}

func (r *reference) move(a ask) answer {
	b, s := r.bookings[a.Of], r.slots[a.Slot]
	if b == nil || b.who != a.Who {
		return answer{Code: "booking_not_found"}
	}
	var o *offering
	if s != nil {
		if o = r.offer(b.item, s.queue); o == nil {
			return answer{Code: "move_to_other_item"}
		}
	}
	switch {
	case s == nil:
		return answer{Code: "slot_not_found"}
	case b.state != "booked":
		return answer{Code: "booking_not_active"}
	case b.slot == s:
		return answer{Code: "already_in_that_slot"}
	case r.now.After(b.slot.start.Add(time.Hour - r.law.CancelEnd)):
		return answer{Code: "move_too_late"}
	case b.units > 1 && o.batch <= 1:
		return answer{Code: "batch_not_offered"}
	case b.units > 1 && b.units > o.batch:
		return answer{Code: "batch_too_large"}
	}
	code := r.canTake(r.now, s, o)
	if code == "" && s.free() < b.units {
		code = "sold_out"
	}
	if code = cmp.Or(code, r.against(b.who, b.for_, b.list, b.item, s, b.id)); code != "" {
		return answer{Code: code}
	}
	r.giveBack(b.slot, b.units)
	s.taken += b.units
	b.slot = s
	return r.shown(b)
}

func (r *reference) own(a ask) (*reservation, string) {
	b := r.bookings[a.Of]
	switch {
	case b == nil || b.who != a.Who:
		return nil, "booking_not_found"
	case b.state != "booked":
		return nil, "booking_not_active"
	case r.now.After(b.slot.start.Add(time.Hour - r.law.CancelEnd)):
		return nil, "cancel_too_late"
	}
	return b, ""
}

func (r *reference) cancel(a ask) answer {
	b, code := r.own(a)
	if code != "" {
		return answer{Code: code}
	}
	b.state = "cancelled"
	r.giveBack(b.slot, b.units)
	return r.shown(b)
}

func (r *reference) reduce(a ask) answer {
	if b := r.bookings[a.Of]; b != nil && b.who == a.Who && len(b.list) == 0 {
		return answer{Code: "batch_case_not_found"}
	}
	b, code := r.own(a)
	if code != "" {
		return answer{Code: code}
	}
	for _, n := range a.Cases {
		if n < 1 || n > len(b.list) || b.list[n-1] < 0 {
			return answer{Code: "batch_case_not_found"}
		}
	}
	if len(a.Cases) >= b.units {
		return answer{Code: "batch_needs_a_case"}
	}
	for _, n := range a.Cases {
		b.list[n-1] = -1
	}
	b.units -= len(a.Cases)
	r.giveBack(b.slot, len(a.Cases))
	return r.shown(b)
}

// --- the line

// want fills in what e waits for, or names what is wrong with it.
func (r *reference) want(e *entry, a ask) string {
	today := r.now.Format(time.DateOnly)
	e.halls, e.dates, e.hours, e.lines = a.Halls, a.Dates, a.Hours, nil
	if len(a.Halls) == 0 || len(a.Dates) == 0 || len(a.Hours) == 0 || slices.Min(a.Dates) < today {
		return "invalid_request"
	}
	for _, hall := range slices.Sorted(slices.Values(a.Halls)) {
		code, found := "not_offered_here", false
		for _, o := range r.offers[e.item] {
			if o.hall != hall {
				continue
			}
			if no := r.mayBook(e.who, e.units(), &o); no != "" {
				code = no
				continue
			}
			e.lines, found = append(e.lines, o), true
		}
		if !found {
			return code
		}
	}
	could := false
	for _, s := range r.slots {
		if !e.fits(s) || !r.now.Before(r.last(s)) || s.shut {
			continue
		}
		could = true
		if !r.now.Before(s.release) && s.free() >= e.units() {
			return "place_is_free"
		}
	}
	if !could {
		return "invalid_request"
	}
	return ""
}

func (r *reference) join(a ask, got answer) answer {
	e := &entry{id: got.ID, who: a.Who, for_: a.For, item: a.Item, list: a.List, state: "waiting"}
	if code := r.want(e, a); code != "" {
		return answer{Code: code}
	}
	mine := 0
	for _, o := range r.line {
		if o.for_ == e.for_ && o.item == e.item {
			return answer{Code: "waiting_already"}
		}
		if o.who == e.who {
			mine++
		}
	}
	if mine >= r.law.Most {
		return answer{Code: "too_many_waits"}
	}
	r.entries[e.id] = e
	r.line = append(r.line, e)
	return r.stands(e)
}

func (r *reference) stands(e *entry) answer {
	return answer{ID: e.id, State: e.state, Slot: e.slot, Units: e.units()}
}

func (r *reference) mine(a ask) *entry {
	if e := r.entries[a.Of]; e != nil && e.who == a.Who {
		return e
	}
	return nil
}

// change keeps the place where nothing is asked for that was not asked for before.
func (r *reference) change(a ask) answer {
	e := r.mine(a)
	if e == nil {
		return answer{Code: "wait_not_found"}
	}
	if e.state != "waiting" {
		return answer{Code: "wait_over"}
	}
	now := *e
	if code := r.want(&now, a); code != "" {
		return answer{Code: code}
	}
	less := within(now.halls, e.halls) && within(now.dates, e.dates) && within(now.hours, e.hours)
	*e = now
	if !less {
		r.unline(e)
		r.line = append(r.line, e)
	}
	return r.stands(e)
}

func within[T comparable](part, whole []T) bool {
	for _, v := range part {
		if !slices.Contains(whole, v) {
			return false
		}
	}
	return true
}

func (r *reference) unline(e *entry) {
	r.line = slices.DeleteFunc(r.line, func(o *entry) bool { return o == e })
}

func (r *reference) leave(a ask) answer {
	e := r.mine(a)
	switch {
	case e == nil:
		return answer{Code: "wait_not_found"}
	case e.state == "left":
		return r.stands(e)
	case !e.waits():
		return answer{Code: "wait_over"}
	}
	if e.state == "offered" {
		r.withdraw(e)
	}
	e.state, e.slot = "left", ""
	r.unline(e)
	return r.stands(e)
}

// withdraw gives the place offered to e to whoever is next.
func (r *reference) withdraw(e *entry) {
	s := r.slots[e.slot]
	units := s.offered[e.id]
	delete(s.offered, e.id)
	if !r.keepFor(s, units) { // opens with the next look
		s.holds = append(s.holds, hold{units: units, opens: r.now})
		r.fresh[s.id] += units
	}
}

func (r *reference) pass(e *entry) {
	r.withdraw(e)
	e.passed = append(e.passed, e.slot)
	e.state, e.slot = "waiting", ""
}

func (r *reference) decline(a ask) answer {
	e := r.mine(a)
	switch {
	case e == nil:
		return answer{Code: "wait_not_found"}
	case e.state == "waiting":
		return r.stands(e)
	case e.state != "offered":
		return answer{Code: "offer_over"}
	}
	r.pass(e)
	return r.stands(e)
}

func (r *reference) take(a ask) answer {
	e := r.mine(a)
	switch {
	case e == nil:
		return answer{Code: "wait_not_found"}
	case e.state != "offered" || !r.now.Before(e.until):
		return answer{Code: "offer_over"}
	}
	s := r.slots[e.slot]
	o := r.offer(e.item, s.queue)
	if code := cmp.Or(r.mayBook(e.who, e.units(), o), r.canTake(r.now, s, o), r.against(e.who, e.for_, e.list, e.item, s, "")); code != "" {
		return answer{Code: code}
	}
	delete(s.offered, e.id)
	return r.shown(r.booked(e, s))
}

// booked makes a booking of e.
func (r *reference) booked(e *entry, s *slot) *reservation {
	b := &reservation{id: e.id, who: e.who, for_: e.for_, item: e.item, slot: s, units: e.units(), list: slices.Clone(e.list), state: "booked", made: r.now}
	s.taken += b.units
	r.bookings[b.id] = b
	e.state, e.slot = "booked", s.id
	r.unline(e)
	return b
}
