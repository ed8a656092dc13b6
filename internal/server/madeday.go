package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/domain/supply"
	"suiyue/internal/gate/cipher"
	"suiyue/internal/store"
)

// yearMaker makes the rows of days of halls as if they had been lived: who booked which hour when, who came, waited
// and was served. It knows nothing of the database.
type yearMaker struct {
	city   *app.City
	d      *demand
	keys   *cipher.Keyring
	serial int64       // next booking number
	nobody bool        // nothing is sealed of who they were, and no history kept of who was served
	number int64       // of the next who waits
	made   *store.Made // what was made since it was cleared
	home   map[string]int
	marks  map[identity.Key]int // recorded of somebody on this day
	date   calendar.Date
	rules  rulebook.Rulebook
}

// residents is how many people each district has who book.
const residents = 450_000

func newYearMaker(city *app.City, d *demand, keys *cipher.Keyring) *yearMaker {
	m := &yearMaker{city: city, d: d, keys: keys, made: &store.Made{}, home: map[string]int{}}
	for i, u := range city.Districts() {
		m.home[u.ID] = i + 1
	}
	return m
}

// begin goes on to a date; serial is the number of its first booking, number that of the first who waits.
func (m *yearMaker) begin(date calendar.Date, rules rulebook.Rulebook, serial, number int64) {
	m.date, m.rules, m.serial, m.number, m.marks = date, rules, serial, number, map[identity.Key]int{}
}

// somebody is one of the people of the city.
type somebody struct {
	n   int
	key identity.Key
}

func (m *yearMaker) somebody(dice *rand.Rand, h *directory.Hall) somebody {
	n := m.home[h.DistrictID]*residents + dice.IntN(residents)
	return somebody{n, identity.Key(m.keys.Lookup("person", extra(n).Document.Canonical("")))}
}

func partyOf(n int) booking.Party {
	p := extra(n)
	return booking.Party{Name: p.Name, Document: p.Document, Phone: p.Phone}
}

// parties seals who a number is for; about names the row it opens in.
func (m *yearMaker) parties(who, applicant booking.Party, about string) []byte {
	plain, err := json.Marshal(booking.Parties{Booker: who, Applicant: applicant})
	if err != nil { // texts only
		panic(err)
	}
	return m.keys.Seal(plain, about)
}

// arrived is somebody who comes to the hall, on their way to a counter.
type arrived struct {
	booking *booking.Booking // nil for who comes without
	who     somebody
	kind    counter.Kind
	q       *directory.Queue
	slot    string
	hour    int
	item    weighted
	units   int
	at      time.Time
	wait    float64
}

// hall makes a hall's day; false where it is shut.
func (m *yearMaker) hall(h *directory.Hall) bool {
	var coming []*arrived
	lines := map[string]*counter.Line{}
	open, missed := false, 0
	offers := m.city.OffersAt(h.ID)
	for _, q := range m.city.QueuesAt(h.ID) {
		slots := supply.SlotsFor(m.d.cal, m.rules, *q, m.date)
		items := itemsOf(m.d, q, offers)
		if !q.Open || len(slots) == 0 || len(items) == 0 {
			continue
		}
		for i := range items {
			if it := m.city.Item(items[i].item); it != nil && it.Minutes > 0 {
				items[i].minutes = float64(it.Minutes)
			}
		}
		open = true
		lines[q.ID] = &counter.Line{Prefix: counter.PrefixOf(len(lines))}
		list, n := m.queue(h, q, slots, items)
		coming, missed = append(coming, list...), missed+n
	}
	if !open {
		return false
	}
	slices.SortStableFunc(coming, func(a, b *arrived) int { return a.at.Compare(b.at) })
	dice := m.d.dice(h.ID+" floor", m.date)
	counters := max(1, len(coming)/45)
	first := len(m.made.Tickets)
	for _, a := range coming {
		m.ticket(dice, h, a, lines[a.q.ID], counters)
	}
	tickets := slices.Clone(m.made.Tickets[first:])
	slices.SortFunc(tickets, func(a, b *counter.Ticket) int { return strings.Compare(a.Number, b.Number) })
	detail, digest := app.MadeDay(tickets, missed, counters)
	m.made.Floors = append(m.made.Floors, store.MadeFloor{Lines: lines, Day: store.DayRecord{
		HallID: h.ID, Date: m.date, Detail: detail, Digest: digest, Sealed: m.date.At(18, 30),
	}})
	done := map[string]int{}
	for _, t := range tickets {
		if t.State == counter.Done {
			done[t.QueueID] += t.Units
		}
	}
	for _, queue := range slices.Sorted(maps.Keys(done)) {
		m.made.Completed = append(m.made.Completed, store.Completed{HallID: h.ID, QueueID: queue, Date: m.date, N: done[queue], Source: "tickets"})
	}
	return true
}

// queue makes the bookings and the numbers given at the hall of a queue's day, and returns who comes and how many
// do not.
func (m *yearMaker) queue(h *directory.Hall, q *directory.Queue, slots []booking.Slot, items []weighted) (coming []*arrived, missed int) {
	dice := m.d.dice(q.ID+" rows", m.date)
	p := m.d.pressure(h, q, m.date)
	held, without := fill(dice, slots, m.d.wanted(h, q, slots))
	most := max(int(m.date-calendar.DateOf(slots[0].Release)), 1)
	oddMiss, oddGive := m.d.of(oddMissed, q, m.date), m.d.of(oddGivenUp, q, m.date)
	for i := range slots {
		s := &slots[i]
		wait := m.d.meanWait(h, q, m.date, float64(held[i])/float64(max(s.Capacity, 1)))
		for left := held[i]; left > 0; {
			days := lead(dice, p, most)
			claims, events, messages := len(m.made.Claims), len(m.made.Events), len(m.made.Messages)
			b, who, item := m.book(dice, h, q, slots, s, items, p, days, left)
			if dice.Float64() < min(givingUp(float64(days))*oddGive, .7) {
				m.cancel(dice, b, who)
				continue // somebody else gets the number
			}
			left -= b.Units
			s.Taken += b.Units
			if dice.Float64() < min(missing(h, float64(days))*oddMiss, .9) {
				b.State = booking.NoShow
				m.step(b, booking.EventNoShow, booking.MessageNoShow, s.End(), "", booking.System, "")
				m.mark(b, booking.FactNoShow, s.End())
				missed++
				continue
			}
			if m.nobody && b.Version == 1 {
				b.Version = 0
				m.made.Claims, m.made.Events, m.made.Messages = m.made.Claims[:claims], m.made.Events[:events], m.made.Messages[:messages]
			}
			at := s.Start().Add(time.Duration((dice.NormFloat64()*11-5)*60) * time.Second)
			at = clamp(at, s.Start().Add(-m.rules.Hall.CheckInBefore), s.End().Add(-time.Minute))
			coming = append(coming, &arrived{booking: b, who: who, kind: counter.Booked, q: q, slot: s.ID, hour: s.Hour, item: item, units: b.Units, at: at, wait: wait})
		}
		for range min(s.OnSite, poisson(dice, float64(s.OnSite)*min(p, 1.1))) {
			s.OnSiteTaken++
			coming = append(coming, &arrived{
				who: m.somebody(dice, h), kind: counter.WalkIn, q: q, slot: s.ID, hour: -1, item: pick(dice, items), units: 1,
				at: s.Start().Add(time.Duration(dice.IntN(3300)) * time.Second), wait: 1.6 * wait,
			})
		}
		for range poisson(dice, .012*float64(held[i])) {
			coming = append(coming, &arrived{
				who: m.somebody(dice, h), kind: counter.Green, q: q, hour: -1, item: pick(dice, items), units: 1,
				at: s.Start().Add(time.Duration(dice.IntN(3300)) * time.Second), wait: 2,
			})
		}
		m.made.Slots = append(m.made.Slots, *s)
	}
	m.wait(dice, h, q, slots, items, without)
	return coming, missed
}

func clamp(t, from, to time.Time) time.Time {
	if t.Before(from) {
		return from
	}
	if t.After(to) {
		return to
	}
	return t
}

// book makes a booking of one hour so many days ahead, of at most so many units.
func (m *yearMaker) book(dice *rand.Rand, h *directory.Hall, q *directory.Queue, slots []booking.Slot, s *booking.Slot, items []weighted, pressure float64, days, most int) (*booking.Booking, somebody, weighted) {
	item, who, ch := pick(dice, items), m.somebody(dice, h), channelOf(dice, h)
	at := s.Release.Add(time.Duration(dice.ExpFloat64()*90*1000) * time.Millisecond)
	if calendar.DateOf(s.Release) < m.date-calendar.Date(days) {
		at = (m.date - calendar.Date(days)).At(7+dice.IntN(15), dice.IntN(60)).Add(time.Duration(dice.IntN(60_000)) * time.Millisecond)
	}
	at = at.Truncate(time.Microsecond)
	b := &booking.Booking{
		ID: booking.IDOf(uint64(m.serial)), HallID: h.ID, QueueID: q.ID, SlotID: s.ID, Date: m.date, Hour: s.Hour, Item: item.item, Stage: item.stage, Units: 1,
		State: booking.Booked, Channel: ch, Applicant: booking.Self, BookerKey: who.key, ApplicantKey: who.key, CreatedAt: at,
	}
	m.serial++
	if item.most > 1 && dice.Float64() < .05 {
		b.Units = min(2+dice.IntN(item.most-1), most)
	}
	applicant := partyOf(who.n)
	switch p := dice.Float64(); {
	case p < .5 && (q.Line == "company" || q.Line == "tax"), p < .03:
		b.Applicant = booking.Organisation
		applicant = booking.Party{Name: fmt.Sprintf("演示单位%d", who.n), CreditCode: identity.SyntheticCreditCode("000000", who.n)}
		b.ApplicantKey = identity.Key(m.keys.Lookup("organisation", applicant.CreditCode))
	case p < .12:
		b.Applicant = booking.Other
		other := m.somebody(dice, h)
		applicant, b.ApplicantKey = partyOf(other.n), other.key
	}
	if !m.nobody {
		b.Sealed = m.parties(partyOf(who.n), applicant, "booking|"+b.ID)
	}
	m.made.Claims = append(m.made.Claims, booking.Claim{Person: who.key, Name: booking.KeyName("made-" + b.ID), HallID: h.ID, Booking: b.ID, Hash: "made"})
	m.made.Bookings = append(m.made.Bookings, b)
	if dice.Float64() < .015 && len(slots) > 1 { // it was another hour of the day first
		to := b.SlotID
		if from := slots[dice.IntN(len(slots))]; from.ID != to {
			b.SlotID = from.ID
			m.step(b, booking.EventBooked, booking.MessageBooked, at, who.key, ch, "")
			b.SlotID = to
			m.step(b, booking.EventMoved, booking.MessageMoved, between(dice, at, m.date.At(0, 0)), who.key, ch, from.ID)
			return b, who, item
		}
	}
	m.step(b, booking.EventBooked, booking.MessageBooked, at, who.key, ch, "")
	return b, who, item
}

// between draws an instant, from itself if nothing lies between.
func between(dice *rand.Rand, from, to time.Time) time.Time {
	if d := to.Sub(from); d > 0 {
		return from.Add(time.Duration(dice.Int64N(int64(d)))).Truncate(time.Microsecond)
	}
	return from
}

func (m *yearMaker) cancel(dice *rand.Rand, b *booking.Booking, who somebody) {
	last := b.End().Add(-m.rules.CancelBeforeEnd)
	at := between(dice, b.ChangedAt, last)
	b.State = booking.Cancelled
	m.step(b, booking.EventCancelled, booking.MessageCancelled, at, who.key, b.Channel, "")
	m.mark(b, booking.FactCancelled, at)
}

// step goes on to the next version of a booking.
func (m *yearMaker) step(b *booking.Booking, kind booking.EventKind, message booking.MessageKind, at time.Time, actor identity.Key, ch booking.Channel, from string) {
	b.Version++
	b.ChangedAt = at
	m.made.Events = append(m.made.Events, booking.Event{
		Booking: b.ID, HallID: b.HallID, Version: b.Version, Kind: kind, At: at, Actor: actor, Channel: ch, SlotID: b.SlotID, From: from,
	})
	if message != "" {
		m.made.Messages = append(m.made.Messages, booking.Message{Booking: b.ID, HallID: b.HallID, Version: b.Version, Kind: message, Due: at})
	}
}

// mark records what is recorded of a booker.
func (m *yearMaker) mark(b *booking.Booking, kind booking.FactKind, at time.Time) {
	first := calendar.MakeDate(m.date.Year(), time.January, 1)
	f := booking.Fact{N: 1 + int(m.date-first)*100 + m.marks[b.BookerKey], Kind: kind, Booking: b.ID, At: at, Start: b.Start()}
	m.marks[b.BookerKey]++
	m.made.Claims = append(m.made.Claims, f.Claim(b.BookerKey, b.HallID))
}

// ticket gives somebody who has come a number and lets them be served, or not.
func (m *yearMaker) ticket(dice *rand.Rand, h *directory.Hall, a *arrived, line *counter.Line, counters int) {
	t := &counter.Ticket{
		ID: madeID(dice), HallID: h.ID, Date: m.date, QueueID: a.q.ID, Number: line.Number(), Kind: a.kind,
		SlotID: a.slot, Hour: a.hour, Item: a.item.item, Stage: a.item.stage, Units: a.units, Person: a.who.key, Channel: app.AtKiosk, State: counter.Waiting,
		IssuedAt: a.at, PlaceAt: a.at,
	}
	act := func(kind counter.ActKind, at time.Time) {
		if m.nobody {
			return
		}
		t.Version++
		e := store.TicketEvent{HallID: h.ID, Ticket: t.ID, Version: t.Version, At: at, Kind: kind, ByKind: "system"}
		if kind != counter.Issue && kind != counter.Settle {
			e.Counter = t.Counter
		}
		m.made.TicketEvents = append(m.made.TicketEvents, e)
	}
	applicant := partyOf(a.who.n)
	switch {
	case a.booking != nil:
		t.Booking, t.Person = a.booking.ID, a.booking.ApplicantKey
		a.booking.State = booking.Arrived
		m.atHall(a.booking, booking.EventArrived, "", a.at, a.booking.BookerKey, booking.Kiosk, "")
	case a.kind == counter.WalkIn:
		t.Share = counter.OnSite
		// One claim a number; a person who comes twice in a half-day is somebody else who looks alike.
		m.made.Claims = append(m.made.Claims, booking.Claim{Person: a.who.key, Name: counter.OnSiteName(t.Item, m.date.String(), a.at.In(calendar.Zone).Hour()) + "|" + t.ID, HallID: h.ID, Booking: t.ID, Hash: "made"})
	default:
		t.Verified, t.Channel = string(counter.Entitlements[dice.IntN(len(counter.Entitlements))]), app.AtDesk
	}
	if !m.nobody {
		t.Sealed = m.parties(applicant, applicant, "ticket|"+t.ID)
	}
	act(counter.Issue, a.at)
	m.made.Tickets = append(m.made.Tickets, t)
	waited := minutesOf(dice, a.wait)
	t.FirstAt = t.Starts().Add(time.Duration(waited*60) * time.Second)
	if t.FirstAt.After(m.date.At(17, 50)) || dice.Float64() < .006 {
		t.FirstAt = time.Time{}
		t.State, t.Result, t.EndedAt = counter.Left, counter.DayEnded, m.date.At(18, 0)
		act(counter.Settle, t.EndedAt)
		m.leave(a.booking, booking.EventLeft, t.EndedAt)
		return
	}
	t.Counter = fmt.Sprint(1 + dice.IntN(counters))
	t.CalledAt, t.Calls = t.FirstAt, 1
	act(counter.Call, t.CalledAt)
	if dice.Float64() < .03 { // not there at first
		back := t.CalledAt.Add(4 * time.Minute)
		act(counter.Pass, t.CalledAt.Add(time.Minute))
		act(counter.Return, back)
		t.CalledAt, t.Calls, t.Passes = back.Add(3*time.Minute), 2, 1
		act(counter.Call, t.CalledAt)
	}
	t.EndedAt = t.CalledAt.Add(time.Duration(30+60*a.item.minutes*(.35+.65*dice.ExpFloat64())) * time.Second)
	t.State, t.Result = counter.Done, counter.Finished
	if dice.Float64() < .045 {
		t.Result = counter.Incomplete
	}
	act(counter.Finish, t.EndedAt)
	m.leave(a.booking, booking.EventDone, t.EndedAt)
	if dice.Float64() < .18 {
		m.rate(dice, t, waited)
	}
}

func (m *yearMaker) leave(b *booking.Booking, kind booking.EventKind, at time.Time) {
	if b != nil {
		b.State = booking.Done
		m.atHall(b, kind, "", at, "", booking.Desk, "")
	}
}

// rate lets somebody say how they found the service.
func (m *yearMaker) rate(dice *rand.Rand, t *counter.Ticket, waited float64) {
	g := counter.Grade(grade(dice, waited))
	e := &counter.Evaluation{
		ID: "e" + t.ID[1:], HallID: t.HallID, Ticket: t.ID, QueueID: t.QueueID, Item: t.Item, Counter: t.Counter, At: t.EndedAt.Add(2 * time.Minute), Date: m.date,
		Grade: g, Reasons: []counter.Reason{}, Channel: "counter", State: counter.CaseNone, Version: 1,
	}
	if g.Bad() {
		reasons := counter.ReasonsFor(g)
		e.Reasons, e.State, e.Due = []counter.Reason{reasons[dice.IntN(len(reasons))]}, counter.CaseClosed, m.d.cal.AddWorkingDays(m.date, m.rules.AnswerCaseWithin)
	}
	m.made.Evaluations = append(m.made.Evaluations, e)
}

// madeID is that of a number: 60 bits in letters and figures.
func madeID(dice *rand.Rand) string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	id, n := [13]byte{0: 'm'}, dice.Uint64()
	for i := range id[1:] {
		id[1+i] = letters[n&31]
		n >>= 5
	}
	return string(id[:])
}

// atHall is step of who has come: nothing of it is kept where their history is left out.
func (m *yearMaker) atHall(b *booking.Booking, kind booking.EventKind, message booking.MessageKind, at time.Time, actor identity.Key, ch booking.Channel, from string) {
	if b.Version == 0 {
		b.ChangedAt = at
		return
	}
	m.step(b, kind, message, at, actor, ch, from)
}

// wait lets some of those who got no number of a queue's day stand in line for it, and give up or see the day come.
func (m *yearMaker) wait(dice *rand.Rand, h *directory.Hall, q *directory.Queue, slots []booking.Slot, items []weighted, without int) {
	hours := make([]int, len(slots))
	for i := range slots {
		hours[i] = slots[i].Hour
	}
	for range some(dice, without, .25) {
		who, item := m.somebody(dice, h), pick(dice, items)
		end := m.date.At(0, 0)
		e := &booking.WaitEntry{
			ID: booking.IDOf(uint64(m.serial)), Number: m.number, Booker: who.key, Level: 3, Applicant: booking.Self, ApplicantKey: who.key, Item: item.item, Stage: item.stage, Units: 1,
			Lines: []booking.WaitLine{{HallID: h.ID, QueueID: q.ID}}, Dates: []calendar.Date{m.date}, Hours: hours, Channel: booking.Web, State: booking.WaitOver, Passed: []string{},
			Version: 2, JoinedAt: between(dice, slots[0].Release.Add(time.Minute), end), ChangedAt: end,
		}
		switch p := dice.Float64(); {
		case p < .3:
			e.State, e.ChangedAt = booking.WaitLeft, between(dice, e.JoinedAt, end)
		case p < .4:
			e.State, e.ChangedAt = booking.WaitOnline, between(dice, e.JoinedAt, end)
		}
		m.serial++
		m.number++
		if !m.nobody {
			e.Sealed = m.parties(partyOf(who.n), partyOf(who.n), "booking|"+e.ID)
		}
		m.made.Waits = append(m.made.Waits, e)
	}
}
