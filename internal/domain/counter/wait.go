package counter

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// How long somebody will wait is told as a range that should hold for CoverageGoal of those it is told
// (waiting times of the 2025 regulation). A range is a guess with the errors around it that the same guess
// had on past days; docs/hall-day.md says so in words.
//
// The wait is the time from now to the first call, for those booked for a later hour the time until that
// hour included.

// CoverageGoal is the share of waits that should lie within the range told.
const CoverageGoal = 0.8

// Way is a way to guess a wait.
type Way string

const (
	ByLast      Way = "last"      // as long as the last of its kind waited (delay of the last to enter service)
	ByHead      Way = "head"      // as long as whoever is next has waited by now (head-of-line delay)
	ByLength    Way = "length"    // people ahead × recent service time ÷ open counters
	ByHistory   Way = "history"   // as on past days at this weekday and hour
	ByRehearsal Way = "rehearsal" // calling the line as it stands by the rule, each service as long as recent ones
	ByBlend     Way = "blend"     // rehearsal, leant to what the last of its kind waited
)

// Ways lists them.
var Ways = []Way{ByLast, ByHead, ByLength, ByHistory, ByRehearsal, ByBlend}

// Chosen is the way ranges are told by: the one with the least error in simulated days (test/sim).
const Chosen = ByRehearsal

// Past is what past days teach about a queue. The zero value knows nothing and still tells ranges.
type Past struct {
	Days   int                 `json:"days"`             // it was learned from
	Took   int                 `json:"took,omitempty"`   // seconds a call takes a counter, mean; 0 for not known
	Usual  map[string]int      `json:"usual,omitempty"`  // seconds waited, mean, by weekday, hour and kind
	Errors map[string]Quantile `json:"errors,omitempty"` // of guesses, by kind and size of the guess
}

// Quantile is a distribution in seconds: its quantiles at 0, 1/40 … 1.
type Quantile [41]int

// leastLearned is how many tickets a distribution must stand on.
const leastLearned = 60

// Range is how long somebody will wait; Known is false where nothing can be told. Early and Late are whole
// minutes; both are 0 if a counter is free.
type Range struct {
	Early, Late time.Duration
	Guess       time.Duration
	Known       bool
}

// Pasts is what is known of the queues of a hall.
type Pasts map[string]Past

// Foretell tells how long a ticket that stands in line will wait from now, or with ticket "" somebody who
// takes a walk-in's number of the queue now.
func (f *Floor) Foretell(now time.Time, queue, ticket string, pasts Pasts) Range {
	t := f.in(now, queue, ticket)
	if t == nil || f.Sealed {
		return Range{}
	}
	guess, known := f.Guess(Chosen, now, queue, ticket, pasts)
	return f.rangeOf(now, t, guess, known, pasts)
}

// ForetellAll is Foretell for every ticket that stands in line.
func (f *Floor) ForetellAll(now time.Time, pasts Pasts) map[string]Range {
	guesses, out := f.rehearse(now, nil, pasts), map[string]Range{}
	for _, t := range f.Tickets {
		if t.State == Waiting && !f.Sealed {
			guess, known := guesses[t.ID]
			out[t.ID] = f.rangeOf(now, t, guess, known, pasts)
		}
	}
	return out
}

func (f *Floor) rangeOf(now time.Time, t *Ticket, guess time.Duration, known bool, pasts Pasts) Range {
	if !known { // no counter calls from the queue yet, or any more
		guess, known = f.Guess(ByHistory, now, t.QueueID, t.ID, pasts)
	}
	switch {
	case !known:
		return Range{}
	case guess < 20*time.Second:
		return Range{Known: true}
	}
	early, late := pasts[t.QueueID].Around(t.Kind, guess)
	return Range{Early: early, Late: late, Guess: guess, Known: true}
}

// Around returns the shortest range that held CoverageGoal of the errors of guesses like this one.
func (p Past) Around(k Kind, guess time.Duration) (early, late time.Duration) {
	q := p.errors(k, guess)
	const steps = len(q) - 1
	width := int(math.Round(CoverageGoal*float64(steps))) + 1 // one more: the shortest of several is a little too short
	g := int(guess / time.Second)
	best := math.MaxInt
	for a := 0; a+width <= steps; a++ {
		from, to := max(0, g+q[a]), max(0, g+q[a+width])
		if to-from < best {
			best, early, late = to-from, time.Duration(from)*time.Second, time.Duration(to)*time.Second
		}
	}
	early, late = early.Round(time.Minute), late.Round(time.Minute)
	return early, max(late, early+time.Minute)
}

func (p Past) errors(k Kind, guess time.Duration) Quantile {
	for _, key := range errorKeys(k, guess) {
		if q, ok := p.Errors[key]; ok {
			return q
		}
	}
	var q Quantile // nothing learned: from half to twice the guess, and some minutes
	g := float64(guess / time.Second)
	for i := range q {
		x := float64(i)/20 - 1 // −1 … 1
		q[i] = int(x*240 + g*(x*0.75+max(0, x)*0.35))
	}
	return q
}

// errorKeys names the distributions a guess may be judged by, the nearest first.
func errorKeys(k Kind, guess time.Duration) []string {
	bin := strconv.Itoa(slices.IndexFunc(bins, func(b time.Duration) bool { return guess < b }))
	return []string{string(k) + "/" + bin, "/" + bin}
}

var bins = []time.Duration{2 * time.Minute, 5 * time.Minute, 9 * time.Minute, 14 * time.Minute, 20 * time.Minute, 30 * time.Minute, 45 * time.Minute, 60 * time.Minute, 24 * time.Hour}

func usualKey(day time.Weekday, hour int, k Kind) string {
	return strconv.Itoa(int(day)) + "/" + strconv.Itoa(hour) + "/" + string(k)
}

// Outcome is one wait of a past day: what was guessed and what came.
type Outcome struct {
	Kind   Kind
	Issued time.Time
	Guess  time.Duration // told from it; 0 for none
	Waited time.Duration // from Issued to the first call
	Took   time.Duration // the counter, 0 for not known
}

// Learn draws from past days what Foretell goes by.
func Learn(days int, list []Outcome) Past {
	p := Past{Days: days, Usual: map[string]int{}, Errors: map[string]Quantile{}}
	var took []int
	usual, errors := map[string][]int{}, map[string][]int{}
	for _, o := range list {
		if o.Took > 0 {
			took = append(took, int(o.Took/time.Second))
		}
		at := o.Issued.Sub(dayOf(o.Issued))
		for _, k := range []string{usualKey(o.Issued.Add(8*time.Hour).UTC().Weekday(), int(at/time.Hour), o.Kind), usualKey(-1, int(at/time.Hour), o.Kind)} {
			usual[k] = append(usual[k], int(o.Waited/time.Second))
		}
		if o.Guess > 0 {
			for _, k := range errorKeys(o.Kind, o.Guess) {
				errors[k] = append(errors[k], int((o.Waited-o.Guess)/time.Second))
			}
		}
	}
	if len(took) > 0 {
		p.Took = mean(took)
	}
	for k, v := range usual {
		if len(v) >= 5 {
			p.Usual[k] = mean(v)
		}
	}
	for k, v := range errors {
		if len(v) >= leastLearned {
			p.Errors[k] = quantiles(v)
		}
	}
	return p
}

// fewDays is from how many days on a queue goes by them alone.
const fewDays = 5

// After is what a queue goes by that had learned older before: its last days, but while they are few and
// fewer than older stands on, older and what the last days add to it.
func (p Past) After(older Past) Past {
	if p.Days >= min(fewDays, older.Days) {
		return p
	}
	out := Past{Days: older.Days, Took: older.Took, Usual: maps.Clone(p.Usual), Errors: maps.Clone(p.Errors)}
	if out.Took == 0 {
		out.Took = p.Took
	}
	if out.Usual == nil {
		out.Usual = map[string]int{}
	}
	if out.Errors == nil {
		out.Errors = map[string]Quantile{}
	}
	maps.Copy(out.Usual, older.Usual)
	maps.Copy(out.Errors, older.Errors)
	return out
}

// dayOf is midnight of an instant's day in the city.
func dayOf(t time.Time) time.Time {
	const zone = 8 * time.Hour
	return t.Add(zone).UTC().Truncate(24 * time.Hour).Add(-zone)
}

func mean(list []int) int {
	sum := 0
	for _, n := range list {
		sum += n
	}
	return sum / len(list)
}

func quantiles(list []int) (q Quantile) {
	slices.Sort(list)
	for i := range q {
		x := float64(i) / float64(len(q)-1) * float64(len(list)-1)
		low := int(x)
		high := min(low+1, len(list)-1)
		q[i] = list[low] + int(math.Round((x-float64(low))*float64(list[high]-list[low])))
	}
	return q
}

// in returns a ticket that stands in line, or with "" one that somebody would take now; nil for none.
func (f *Floor) in(now time.Time, queue, ticket string) *Ticket {
	if ticket == "" {
		return &Ticket{QueueID: queue, Kind: WalkIn, Hour: -1, Date: f.Date, IssuedAt: now, PlaceAt: now, State: Waiting}
	}
	if t := f.Tickets[ticket]; t != nil && t.State == Waiting {
		return t
	}
	return nil
}

// Guess is one number for the wait that Foretell tells a range of; false where the way knows nothing.
func (f *Floor) Guess(way Way, now time.Time, queue, ticket string, pasts Pasts) (time.Duration, bool) {
	t := f.in(now, queue, ticket)
	if t == nil || f.Lines[t.QueueID] == nil {
		return 0, false
	}
	l := f.Lines[t.QueueID]
	untilDue, waited := max(0, t.Starts().Sub(now)), max(0, now.Sub(t.Starts()))
	switch way {
	case ByLast:
		last, ok := l.Waited[t.Kind]
		return max(0, untilDue+time.Duration(last)*time.Second-waited), ok
	case ByHead:
		for _, p := range f.Order(now, []string{t.QueueID}) {
			if p.Kind == t.Kind && p.ID != t.ID {
				return untilDue + p.Waited(now), true
			}
		}
		return untilDue, f.open(t.QueueID) > 0
	case ByLength:
		ahead, open := 0, f.open(t.QueueID)
		for _, o := range f.Tickets {
			if o.State == Waiting && o.QueueID == t.QueueID && o.ID != t.ID {
				ahead++
			}
		}
		return time.Duration(ahead+1) * l.service(pasts[t.QueueID]) / time.Duration(max(1, open)), open > 0
	case ByHistory:
		hour := int(now.Sub(f.Date.At(0, 0)) / time.Hour)
		for _, day := range []time.Weekday{f.Date.Weekday(), -1} {
			if s, ok := pasts[t.QueueID].Usual[usualKey(day, hour, t.Kind)]; ok {
				return time.Duration(s) * time.Second, true
			}
		}
		return 0, false
	}
	g, ok := f.rehearse(now, t, pasts)[t.ID]
	if last, known := l.Waited[t.Kind]; way == ByBlend && ok && known && g > 0 {
		g = (g*4 + max(0, untilDue+time.Duration(last)*time.Second-waited)) / 5
	}
	return g, ok
}

// open is how many open counters call from a queue.
func (f *Floor) open(queue string) (n int) {
	for _, s := range f.Seats {
		if s.State == SeatOpen && slices.Contains(s.Queues, queue) {
			n++
		}
	}
	return n
}

// service is how long a call takes a counter: the last ones today, leant to past days while they are few.
func (l *Line) service(past Past) time.Duration {
	usual, weight := past.Took, 8
	if usual == 0 {
		usual, weight = 9*60, 3
	}
	sum := usual * weight
	for _, s := range l.Took {
		sum += min(s, 6*usual)
	}
	return time.Duration(sum/(weight+len(l.Took))) * time.Second
}

// clerk is a counter while the line is rehearsed.
type clerk struct {
	id    string
	free  time.Time
	lines lines
}

// rehearse calls the line as it stands by the rule, each counter free when its service has taken as long as
// recent ones, and returns when each is called, from now; with t only until t is, who may not be in the line
// yet. Those whom no counter would call are left out.
func (f *Floor) rehearse(now time.Time, t *Ticket, pasts Pasts) map[string]time.Duration {
	queues := slices.Sorted(maps.Keys(f.Lines))
	all, at := f.stand(now, queues, func(*Ticket) bool { return false }), map[string]*line{}
	service := map[string]time.Duration{}
	for i, q := range queues {
		at[q], service[q] = all[i], all[i].service(pasts[q])
	}
	if t != nil && f.Tickets[t.ID] == nil { // the last of the walk-ins
		at[t.QueueID].add(t)
	}
	called := map[string]*Ticket{}
	for _, o := range f.Tickets {
		if o.State == Called {
			called[o.Counter] = o
		}
	}
	var clerks []*clerk
	for _, id := range slices.Sorted(maps.Keys(f.Seats)) {
		s := f.Seats[id]
		if f.reach(now, s) == gone {
			continue
		}
		c := &clerk{id: id, free: now}
		if o := called[id]; o != nil {
			long := service[o.QueueID]
			c.free = now.Add(max(long-now.Sub(o.CalledAt), long*2/5))
		}
		if s.State == SeatPaused {
			c.free = c.free.Add(max(10*time.Minute-now.Sub(s.Since), 3*time.Minute))
		}
		for _, q := range s.Queues {
			if l := at[q]; l != nil {
				c.lines = append(c.lines, l)
			}
		}
		clerks = append(clerks, c)
	}
	out := map[string]time.Duration{}
	for len(clerks) > 0 {
		c := slices.MinFunc(clerks, func(a, b *clerk) int { return a.free.Compare(b.free) })
		for _, l := range c.lines {
			l.turn(c.free)
		}
		p, l := c.lines.best()
		if p == nil { // nobody is left for it
			clerks = slices.DeleteFunc(clerks, func(o *clerk) bool { return o == c })
			continue
		}
		out[p.ID] = c.free.Sub(now)
		if t != nil && p.Ticket == t {
			break
		}
		l.take(p)
		c.free = c.free.Add(service[p.QueueID])
	}
	return out
}
