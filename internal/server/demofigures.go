package server

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// The figures of the days before a demonstration begins. Nobody booked then: what would have been counted is made
// directly, by the shape of demand, for halls of every level; the sums above them are made from it as always.
const (
	figureDays = 90
	figureSeed = 440100_22
)

// figureEvery is which halls of a level have figures: one in so many. The others began to take bookings only now.
var figureEvery = map[directory.HallLevel]int{directory.CityHall: 1, directory.DistrictHall: 1, directory.StreetHall: 8, directory.VillageHall: 100}

// figureHalls are the halls that have figures.
func (s *Server) figureHalls() (out []*directory.Hall) {
	seen := map[directory.HallLevel]int{}
	for _, h := range hallsInOrder(s.app.City()) {
		every := figureEvery[h.Level]
		if every == 0 {
			continue
		}
		if seen[h.Level]%every == 0 {
			out = append(out, h)
		}
		seen[h.Level]++
	}
	return out
}

// figureOddities are what supervision finds in those figures: some of it is over, some goes on.
func figureOddities(city []*directory.Hall, today calendar.Date) (odd []oddity) {
	var districts, streets []*directory.Hall
	for _, h := range city {
		switch h.Level {
		case directory.DistrictHall:
			districts = append(districts, h)
		case directory.StreetHall:
			streets = append(streets, h)
		}
	}
	put := func(list []*directory.Hall, at int, o oddity) {
		if at < len(list) {
			o.hall = list[at].ID
			odd = append(odd, o)
		}
	}
	queue := func(list []*directory.Hall, at int, line string) string {
		if at < len(list) {
			return list[at].ID + "-" + line
		}
		return ""
	}
	put(districts, 1, oddity{kind: oddMissed, queue: queue(districts, 1, "estate"), from: today - 3, to: today - 1, by: 4.5})
	put(districts, 3, oddity{kind: oddGivenUp, queue: queue(districts, 3, "household"), from: today - 5, to: today - 1, by: 4})
	put(districts, 4, oddity{kind: oddSlow, from: today - 9, to: today - 8, by: 3.5})
	put(districts, 6, oddity{kind: oddCrowd, queue: queue(districts, 6, "tax"), from: today - 2, to: today - 1, by: 1.9})
	put(streets, 2, oddity{kind: oddCrowd, from: today - 4, to: today - 1, by: .25})
	put(streets, 5, oddity{kind: oddMissed, from: today - 30, to: today - 27, by: 5})
	return odd
}

// makeFigures writes the figures of the last days, the same for the same city and day: day by day, so that little is
// held of it at a time.
func (s *Server) makeFigures(ctx context.Context) error {
	today, halls, city := calendar.DateOf(s.clock.Now()), s.figureHalls(), s.app.City()
	d := &demand{cal: s.app.Calendar(), seed: figureSeed, odd: figureOddities(halls, today)}
	days := newTallyBook() // of one date: halls and units
	months := newTallyBook()
	counted := s.clock.Now().Truncate(time.Second)
	var rows []oversight.Row
	write := func(b *tallyBook, span oversight.Span, date calendar.Date, least int) error {
		rows = b.rows(rows, span, span.Period(date), counted)
		b.clear()
		if len(rows) < least {
			return nil
		}
		err := s.db.Update(ctx, func(tx *store.Tx) error { return tx.PutFigures(ctx, rows) })
		rows = rows[:0]
		return err
	}
	department := func(item string) string {
		if it := city.Item(item); it != nil {
			return it.Department
		}
		return ""
	}
	for date := today - figureDays; date < today; date++ {
		for _, h := range halls {
			t := days.of(oversight.OfHall, h.ID)
			if !s.countHall(d, t, h, date) {
				continue
			}
			months.of(oversight.OfHall, h.ID).add(t)
			for u := city.Unit(h.UnitID); u != nil; u = city.Unit(u.ParentID) {
				days.of(oversight.OfUnit, u.ID).addBelow(t, department)
			}
		}
		for place, t := range days.places {
			if place.Noun == oversight.OfUnit {
				months.of(place.Noun, place.ID).add(t)
			}
		}
		if err := write(days, oversight.SpanDay, date, 2000); err != nil {
			return err
		}
		if (date+1).Month() != date.Month() || date+1 == today {
			if err := write(months, oversight.SpanMonth, date, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// countHall counts a hall's day as it would have been; false where the hall is shut.
func (s *Server) countHall(d *demand, t *tallies, h *directory.Hall, date calendar.Date) (open bool) {
	for _, q := range s.app.City().QueuesAt(h.ID) {
		if slots := supply.SlotsFor(d.cal, s.app.Rules(date), *q, date); q.Open && len(slots) > 0 {
			t.queue(d, h, q, slots, s.app.City().OffersAt(h.ID))
			open = true
		}
	}
	if dice := d.dice(h.ID, date); open && dice.Float64() < .015 { // somebody asks to change numbers
		t.all.n[requests]++
		t.all.n[requestsEarly] += int64(some(dice, 1, .85))
		t.all.n[decisions]++
		t.all.n[decisionsEarly] += int64(some(dice, 1, .9))
	}
	return open
}

// tally counts one part of a day. Arrays, because a demonstration counts some ten million things in a few seconds.
type tally struct {
	n      [40]int64          // by place in oversight.Counters
	spells [4]*[longest]int32 // by place in oversight.Spells: how often each minute
}

// longest is where the lengths of made spells end, in minutes.
const longest = 128

type span struct {
	minutes int
	n       int64
}

func (t *tally) lasted(spell int, list []span) {
	if len(list) == 0 {
		return
	}
	if t.spells[spell] == nil {
		t.spells[spell] = new([longest]int32)
	}
	for _, s := range list {
		t.spells[spell][min(s.minutes, longest-1)] += int32(s.n)
	}
}

func (t *tally) add(o *tally) {
	for i, n := range o.n {
		t.n[i] += n
	}
	for i, l := range o.spells {
		if l == nil {
			continue
		}
		if t.spells[i] == nil {
			t.spells[i] = new([longest]int32)
		}
		for m, n := range l {
			t.spells[i][m] += n
		}
	}
}

func (t *tally) clear() {
	t.n = [40]int64{}
	for _, l := range t.spells {
		if l != nil {
			*l = [longest]int32{}
		}
	}
}

func at(k oversight.Counter) int {
	i := slices.Index(oversight.Counters, k)
	if i < 0 || i >= len(tally{}.n) {
		panic("server: no counter " + string(k))
	}
	return i
}

var (
	planned, released, onSite       = at(oversight.Planned), at(oversight.Released), at(oversight.OnSite)
	booked, cancelled, moved        = at(oversight.Booked), at(oversight.Cancelled), at(oversight.Moved)
	came, missed                    = at(oversight.Came), at(oversight.Missed)
	walkIn, green, passed, unserved = at(oversight.WalkIn), at(oversight.Green), at(oversight.Passed), at(oversight.Unserved)
	served, servedBooked            = at(oversight.Served), at(oversight.ServedBooked)
	calledBooked, calledOnTime      = at(oversight.CalledBooked), at(oversight.CalledOnTime)
	waiting, ahead                  = at(oversight.Waiting), at(oversight.Ahead)
	joined, fromLine, leftOnline    = at(oversight.Joined), at(oversight.FromLine), at(oversight.LeftOnline)
	requests, requestsEarly         = at(oversight.Requests), at(oversight.RequestsEarly)
	decisions, decisionsEarly       = at(oversight.Decisions), at(oversight.DecisionsEarly)
	evaluated, content              = at(oversight.Evaluated), at(oversight.Content)
)

const (
	spellBooked = iota
	spellWalkIn
	spellGreen
	spellHandling
)

// counts returns what was counted; false for nothing.
func (t *tally) counts() (c oversight.Counts, any bool) {
	for i, n := range t.n {
		if n != 0 {
			if c.N == nil {
				c.N = make(map[oversight.Counter]int64, 24)
			}
			c.N[oversight.Counters[i]] = n
		}
	}
	for i, l := range t.spells {
		if l == nil {
			continue
		}
		lengths := oversight.Lengths{}
		for m, n := range l {
			if n != 0 {
				lengths[m] = int64(n)
			}
		}
		if len(lengths) == 0 {
			continue
		}
		if c.Spells == nil {
			c.Spells = make(map[oversight.Spell]oversight.Lengths, 4)
		}
		c.Spells[oversight.Spells[i]] = lengths
	}
	return c, c.N != nil
}

// tallies counts a hall's day, broken down as figures are.
type tallies struct {
	all   tally
	parts map[oversight.Dimension]map[string]*tally
}

func newTallies() *tallies { return &tallies{parts: map[oversight.Dimension]map[string]*tally{}} }

func (t *tallies) part(d oversight.Dimension, key string) *tally {
	if t.parts[d] == nil {
		t.parts[d] = map[string]*tally{}
	}
	p := t.parts[d][key]
	if p == nil {
		p = &tally{}
		t.parts[d][key] = p
	}
	return p
}

// at returns the tallies something counts in; hour −1, item and channel "" for none.
func (t *tallies) at(queue, item, channel string, hour int) []*tally {
	list := []*tally{&t.all, t.part(oversight.ByQueue, queue)}
	if hour >= 0 {
		hh := two(hour)
		list = append(list, t.part(oversight.ByHour, hh), t.part(oversight.ByQueueHour, queue+"|"+hh))
	}
	if item != "" {
		list = append(list, t.part(oversight.ByItem, item))
	}
	if channel != "" {
		list = append(list, t.part(oversight.ByChannel, channel))
	}
	return list
}

func two(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

func (t *tallies) figures() (f oversight.Figures, any bool) {
	f.All, any = t.all.counts()
	if !any {
		return f, false
	}
	f.By = map[oversight.Dimension]map[string]oversight.Counts{}
	for d, parts := range t.parts {
		list := make(map[string]oversight.Counts, len(parts))
		for key, p := range parts {
			if c, any := p.counts(); any {
				list[key] = c
			}
		}
		if len(list) > 0 {
			f.By[d] = list
		}
	}
	return f, true
}

func (t *tallies) add(o *tallies) {
	t.all.add(&o.all)
	for d, parts := range o.parts {
		for key, p := range parts {
			t.part(d, key).add(p)
		}
	}
}

// addBelow adds a hall to its unit, as oversight.Figures.OfItems has it.
func (t *tallies) addBelow(hall *tallies, department func(item string) string) {
	t.all.add(&hall.all)
	for _, d := range oversight.UnitDimensions {
		for key, p := range hall.parts[d] {
			t.part(d, key).add(p)
		}
	}
	for item, p := range hall.parts[oversight.ByItem] {
		if key := department(item); key != "" {
			t.part(oversight.ByDepartment, key).add(p)
		}
	}
}

func (t *tallies) clear() {
	t.all.clear()
	for _, parts := range t.parts {
		for _, p := range parts {
			p.clear()
		}
	}
}

// tallyBook holds the tallies of many places, and keeps their room when they are cleared.
type tallyBook struct{ places map[oversight.Place]*tallies }

func newTallyBook() *tallyBook { return &tallyBook{map[oversight.Place]*tallies{}} }

func (b *tallyBook) of(noun oversight.Noun, id string) *tallies {
	p := oversight.Place{Noun: noun, ID: id}
	t := b.places[p]
	if t == nil {
		t = newTallies()
		b.places[p] = t
	}
	return t
}

func (b *tallyBook) clear() {
	for _, t := range b.places {
		t.clear()
	}
}

// rows appends the rows of places where anything was counted.
func (b *tallyBook) rows(to []oversight.Row, span oversight.Span, period string, at time.Time) []oversight.Row {
	for place, t := range b.places {
		if f, any := t.figures(); any {
			to = append(to, oversight.Row{Place: place, Span: span, Period: period, Figures: f, CountedAt: at})
		}
	}
	return to
}

// queue counts a day of one queue.
func (t *tallies) queue(d *demand, h *directory.Hall, q *directory.Queue, slots []booking.Slot, offers []*directory.Offering) {
	date := slots[0].Date
	dice := d.dice(q.ID+" figures", date)
	p := d.pressure(h, q, date)
	held, without := fill(dice, slots, d.wanted(h, q, slots))
	days := meanLead(p, 14)
	miss, give := min(missing(h, days)*d.of(oddMissed, q, date), .9), min(givingUp(days)*d.of(oddGivenUp, q, date), .7)
	items := itemsOf(d, q, offers)
	for i, s := range slots {
		for _, part := range t.at(q.ID, "", "", s.Hour) {
			part.n[planned] += int64(s.Capacity + s.OnSite)
			part.n[released] += int64(s.Capacity)
			part.n[onSite] += int64(s.OnSite)
		}
		share := float64(held[i]) / float64(max(s.Capacity, 1))
		t.booked(dice, h, q, s.Hour, items, cell{
			held: held[i], gone: poisson(dice, float64(held[i])*give/(1-give)), missed: some(dice, held[i], miss),
			moved: poisson(dice, float64(held[i])*.015), wait: d.meanWait(h, q, date, share),
		})
		t.walked(dice, q, s.Hour, items, counter.WalkIn, min(s.OnSite, poisson(dice, float64(s.OnSite)*min(p, 1.1))), 1.6*d.meanWait(h, q, date, share))
		t.walked(dice, q, s.Hour, items, counter.Green, poisson(dice, .012*float64(held[i])), 2)
	}
	if without > 0 {
		in := without / 2
		got := some(dice, in, .45)
		off := 0
		for _, s := range slots {
			off += s.Capacity
		}
		for _, part := range t.at(q.ID, "", "", -1) {
			part.n[joined] += int64(in)
			part.n[fromLine] += int64(got)
			part.n[leftOnline] += int64(some(dice, in-got, .1))
			part.n[waiting] += int64(2 * (in - got))
			part.n[ahead] += int64(off * 10)
		}
	}
}

// cell is what becomes of the people who booked one hour of a queue.
type cell struct {
	held, gone, missed, moved int
	wait                      float64
}

// booked counts them, a few at a time: those share item and channel, and wait alike.
func (t *tallies) booked(dice *rand.Rand, h *directory.Hall, q *directory.Queue, hour int, items []weighted, c cell) {
	all := c.held + c.gone
	if all == 0 {
		return
	}
	bundles := min(max(all/5, 1), 6)
	turn := dice.IntN(bundles)
	cameAll := c.held - c.missed
	servedAll := cameAll - some(dice, cameAll, .008)
	passedAll, ratedAll := some(dice, cameAll, .03), some(dice, servedAll, .2)
	contentAll := some(dice, ratedAll, .972-min(c.wait, 60)/1500)
	for i := range bundles {
		of := func(n int) int64 {
			k := n / bundles
			if (i+turn)%bundles < n%bundles {
				k++
			}
			return int64(k)
		}
		o := pick(dice, items)
		done := of(servedAll)
		waits := spread(dice, done, c.wait)
		inTime := int64(0)
		for _, w := range waits {
			if w.minutes < 52 {
				inTime += w.n
			}
		}
		handling := spread(dice, done, o.minutes)
		for _, part := range t.at(q.ID, o.item, string(channelOf(dice, h)), hour) {
			part.n[booked] += of(all)
			part.n[cancelled] += of(c.gone)
			part.n[moved] += of(c.moved)
			part.n[came] += of(cameAll)
			part.n[missed] += of(c.missed)
			part.n[served] += done
			part.n[servedBooked] += done
			part.n[calledBooked] += done
			part.n[calledOnTime] += inTime
			part.n[passed] += of(passedAll)
			part.n[unserved] += of(cameAll) - done
			part.lasted(spellBooked, waits)
			part.lasted(spellHandling, handling)
		}
		for _, part := range t.at(q.ID, o.item, "", -1) {
			part.n[evaluated] += of(ratedAll)
			part.n[content] += of(contentAll)
		}
	}
}

// walked counts people who took a number at the hall.
func (t *tallies) walked(dice *rand.Rand, q *directory.Queue, hour int, items []weighted, kind counter.Kind, n int, wait float64) {
	if n == 0 {
		return
	}
	o, channel, spell, k := pick(dice, items), "kiosk", spellWalkIn, walkIn
	if kind == counter.Green {
		channel, spell, k = "desk", spellGreen, green
	}
	done := int64(n - some(dice, n, .02))
	waits, handling := spread(dice, done, wait), spread(dice, done, o.minutes)
	for _, part := range t.at(q.ID, o.item, channel, hour) {
		part.n[k] += int64(n)
		part.n[served] += done
		part.n[unserved] += int64(n) - done
		part.lasted(spell, waits)
		part.lasted(spellHandling, handling)
	}
}

// spread draws how long n people took, by a mean: up to four lengths stand for all.
func spread(dice *rand.Rand, n int64, mean float64) []span {
	if n <= 0 {
		return nil
	}
	lengths := min(n, 4)
	out := make([]span, lengths)
	for i := range out {
		out[i] = span{int(minutesOf(dice, mean)), n / lengths}
		if int64(i) < n%lengths {
			out[i].n++
		}
	}
	return out
}

// weighted is an item of a queue and how often people come for it.
type weighted struct {
	item    string
	stage   directory.Stage
	minutes float64
	upTo    float64 // its share and those before it
	most    int     // units of a batch
}

// itemsOf lists the items of a queue: a few are what most people come for.
func itemsOf(d *demand, q *directory.Queue, offers []*directory.Offering) []weighted {
	var out []weighted
	for _, o := range offers {
		if o.QueueID == q.ID && len(o.Stages) > 0 {
			out = append(out, weighted{item: o.ItemCode, stage: o.Stages[len(o.Stages)/2], minutes: 8, most: o.BatchMax})
		}
	}
	slices.SortFunc(out, func(a, b weighted) int { return cmp.Compare(a.item, b.item) })
	d.dice(q.Line, 0).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	sum := 0.0
	for i := range out {
		sum += 1 / (float64(i) + 1.3)
		out[i].upTo = sum
	}
	for i := range out {
		out[i].upTo /= sum
	}
	return out
}

func pick(dice *rand.Rand, items []weighted) weighted {
	if len(items) == 0 {
		return weighted{minutes: 8}
	}
	p := dice.Float64()
	for _, o := range items {
		if p < o.upTo {
			return o
		}
	}
	return items[len(items)-1]
}
