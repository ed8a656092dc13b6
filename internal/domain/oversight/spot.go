package oversight

import (
	"cmp"
	"math"
	"slices"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/rulebook"
)

// Anomalies are told from what is usual at the hall itself (Art. 22): the share that is usual on such a weekday, as it
// has moved lately, and how much more it varies than chance alone would have it. What is out of it is told only if a
// usual day came out like that once in very many, and if it is large enough to matter: a village hall with five
// bookings raises nothing because two people stayed away.

// AnomalyKind says what is not as usual.
type AnomalyKind string

const (
	AnomalySaturation    AnomalyKind = "saturation"    // nearly all numbers taken where that is not usual
	AnomalyUnused        AnomalyKind = "unused"        // numbers nobody took
	AnomalyNoShows       AnomalyKind = "no_shows"      // people who did not come
	AnomalyCancellations AnomalyKind = "cancellations" // numbers given up
	AnomalyCut           AnomalyKind = "cut"           // numbers taken back after booking began
	AnomalyConcentration AnomalyKind = "concentration" // many bookings of few accounts
	AnomalyRegrab        AnomalyKind = "regrab"        // places given up and taken by related accounts within minutes
	AnomalySilence       AnomalyKind = "silence"       // of a connected system
	AnomalyLateness      AnomalyKind = "lateness"      // of its records
	AnomalyOverdue       AnomalyKind = "overdue"       // decisions
)

// AnomalyKinds lists them in the order in which they are shown.
var AnomalyKinds = []AnomalyKind{
	AnomalySaturation, AnomalyUnused, AnomalyNoShows, AnomalyCancellations, AnomalyCut,
	AnomalyConcentration, AnomalyRegrab, AnomalySilence, AnomalyLateness, AnomalyOverdue,
}

// Finding is one thing that was not as usual: what was seen, of how many, and what was to be expected.
type Finding struct {
	Kind     AnomalyKind   `json:"kind"`
	HallID   string        `json:"hall"`
	QueueID  string        `json:"queue,omitempty"`  // "" for the hall as a whole
	SourceID string        `json:"source,omitempty"` // of a connected system
	Hour     int           `json:"hour"`             // −1 for the day
	Date     calendar.Date `json:"date"`
	Seen     int64         `json:"seen"`
	Of       int64         `json:"of"` // Seen is counted among these; 0 for a plain count
	Low      int64         `json:"low"`
	High     int64         `json:"high"` // usual is Low to High
}

// tally is so many of so many, on a day.
type tally struct {
	kind DayKind
	x, n float64
}

// usualShare is what share is usual for a day.
type usualShare struct {
	share float64
	more  float64 // times the variance of chance alone
	of    float64 // cases the share stands on
}

const (
	lately    = 10   // days that tell how the usual has moved
	steady    = 20   // cases by which a weekday's share is drawn to that of all days
	plainDays = 15   // days that must be known before anything is said of a hall
	edge      = .002 // no share is nearer to 0 or 1 than this
	special   = 2.5  // times the variance of a plain day: what is usual beside holidays is known from other days
)

func within(p float64) float64 { return min(max(p, edge), 1-edge) }

// learner finds the usual share of a kind of thing from past days, oldest first.
type learner struct {
	past   []tally
	all    float64
	shares [7]float64
	cases  [7]float64
	days   [7]int
}

func learn(past []tally) *learner {
	l := &learner{past: past}
	l.pool(nil)
	return l
}

// pool makes the shares of weekdays, without the days that are out.
func (l *learner) pool(out []bool) {
	var x, n [7]float64
	l.days = [7]int{}
	sx, sn := 0.0, 0.0
	for i, t := range l.past {
		if t.n <= 0 || t.kind.Special || out != nil && out[i] {
			continue
		}
		w := t.kind.Weekday
		x[w], n[w] = x[w]+t.x, n[w]+t.n
		l.days[w]++
		sx, sn = sx+t.x, sn+t.n
	}
	l.all = (sx + .5) / (sn + 1)
	for w := range x {
		l.shares[w] = (x[w] + steady*l.all) / (n[w] + steady)
		l.cases[w] = n[w]
	}
}

// moved is how the share lay off its weekday's on the last days before day i, in the middle of them.
func (l *learner) moved(i int) float64 {
	var off [lately]float64
	n := 0
	for i--; i >= 0 && n < lately; i-- {
		if t := l.past[i]; t.n > 0 && !t.kind.Special {
			off[n] = t.x/t.n - l.shares[t.kind.Weekday]
			n++
		}
	}
	if n < leastDays {
		return 0
	}
	return median(off[:n])
}

// expect returns the usual share of a day, quickly: without how much it varies.
func (l *learner) expect(kind DayKind) (u usualShare, ok bool) {
	days := 0
	for _, d := range l.days {
		days += d
	}
	if days < plainDays {
		return u, false
	}
	share, of := l.shares[kind.Weekday], l.cases[kind.Weekday]
	u.more = 1
	if l.days[kind.Weekday] < leastDays {
		share, of, u.more = l.all, l.cases[kind.Weekday]+steady, special
	}
	if kind.Special {
		u.more = special
	}
	u.share, u.of = within(share+l.moved(len(l.past))), of
	return u, true
}

// far is how many deviations of chance alone x of n lie from a share, on a scale on which shares vary alike whether they
// are large or small.
func far(x, n, share float64) float64 {
	return 2 * math.Sqrt(n) * (math.Asin(math.Sqrt(min(max(x/n, 0), 1))) - math.Asin(math.Sqrt(share)))
}

// vary adds how much more the share varies than chance alone.
func (l *learner) vary(kind DayKind) usualShare {
	more := 1.0
	out := make([]bool, len(l.past))
	off := make([]float64, 0, len(l.past))
	at := make([]float64, len(l.past))
	for round := range 2 {
		off = off[:0]
		for i, t := range l.past {
			if t.n <= 0 || t.kind.Special {
				continue
			}
			at[i] = math.Abs(far(t.x, t.n, within(l.shares[t.kind.Weekday]+l.moved(i))))
			if !out[i] {
				off = append(off, at[i]*at[i])
			}
		}
		if len(off) == 0 {
			break
		}
		if round == 1 { // what varies like others
			more = max(1, mean(off)*float64(len(off)+3)/float64(len(off)))
			break
		}
		// A first idea, by the middle of them, tells which days were no usual ones.
		more = max(1, 2.2*median(off))
		for i := range at {
			out[i] = at[i] > 3.5*math.Sqrt(more)
		}
		l.pool(out)
	}
	u, _ := l.expect(kind)
	u.more *= more
	return u
}

// widened is the variance of n cases over that of chance alone, with what is not known of the weekday's share itself. How
// uncertain its recent move is shows in how past days lay off it, and is counted already.
func (u usualShare) widened(n float64) float64 { return u.more * (1 + n/max(u.of, 1)) }

// tooMany tells whether x of n is more than a usual day would ever come to, and what would be usual.
func (l *learner) tooMany(kind DayKind, x, n float64, w rulebook.Watch, oneIn float64) (low, high int64, out bool) {
	u, ok := l.expect(kind)
	if !ok || n <= 0 || x-n*u.share < float64(w.Least)/2 || x/n-u.share < float64(w.LeastPerMille)/2000 {
		return 0, 0, false
	}
	u = l.vary(kind)
	if x-n*u.share < float64(w.Least) || x/n-u.share < float64(w.LeastPerMille)/1000 {
		return 0, 0, false
	}
	more := u.widened(n)
	// Neither chance alone nor the difference between days explains it.
	if max(binomialAtLeast(x, n, u.share), normalAtLeast(far(x, n, u.share)/math.Sqrt(more))) >= 1/oneIn {
		return 0, 0, false
	}
	low, high = around(n*u.share, 2.58*math.Sqrt(n*u.share*(1-u.share)*more), n)
	return low, high, true
}

// tail is the chance that x of n lie so far off or farther, by how far the past days that lay farthest off did: beyond the
// last tenth of them chances fall off exponentially, so steeply as the second and third of these lie; the first may be no usual
// day. Where numbers are taken to the last on most days many stay at once when fewer people want them: no spread tells of that.
// Days in a row count as the farthest of them, and those right before this one that were like it are of the same anomaly.
func (l *learner) tail(kind DayKind, x, n float64) float64 {
	u, ok := l.expect(kind)
	if !ok {
		return 1
	}
	off := far(x, n, u.share)
	if kind.Special {
		off /= math.Sqrt(special)
	}
	var list []float64
	for i, t := range l.past {
		if t.n > 0 && !t.kind.Special {
			list = append(list, far(t.x, t.n, within(l.shares[t.kind.Weekday]+l.moved(i))))
		}
	}
	for len(list) > 0 && list[len(list)-1] > off/2 {
		list = list[:len(list)-1]
	}
	if len(list) < plainDays {
		return 1
	}
	down := func(x, y float64) int { return cmp.Compare(y, x) }
	last := max(len(list)/10, 4)
	from := max(slices.SortedFunc(slices.Values(list), down)[last], leastFrom)
	var peaks []float64
	for i, v := range list {
		switch {
		case v <= from:
		case i > 0 && list[i-1] > from:
			peaks[len(peaks)-1] = max(peaks[len(peaks)-1], v)
		default:
			peaks = append(peaks, v)
		}
	}
	slices.SortFunc(peaks, down)
	fall := leastFall
	for k := 2; k <= min(3, len(peaks)); k++ {
		fall = max(fall, (peaks[k-1]-from)/math.Log(float64(last)/float64(k)))
	}
	return min(float64(last)/float64(len(list))*math.Exp(-(off-from)/fall), 1)
}

// By chance alone a tenth lies beyond the one, and the chance falls off like the other: no past is steadier.
const (
	leastFrom = 1.28
	leastFall = .45
	vouched   = 20 // sixty days cannot vouch for what is rarer than that many times what is asked for
)

// around is the range that 99 of 100 usual days lie in.
func around(mid, wide, most float64) (low, high int64) {
	return int64(math.Ceil(max(mid-wide, 0))), int64(math.Floor(min(mid+wide, most)))
}

// rated is a kind of anomaly that is a share too high.
type rated struct {
	kind AnomalyKind
	of   func(Cell) (x, n int64)
}

var ratedKinds = []rated{
	{AnomalySaturation, func(c Cell) (int64, int64) { return c.Taken(), c.Released }},
	{AnomalyUnused, func(c Cell) (int64, int64) { return c.Released - c.Taken(), c.Released }},
	{AnomalyNoShows, func(c Cell) (int64, int64) { return c.Missed, c.Came + c.Missed }},
	{AnomalyCancellations, func(c Cell) (int64, int64) { return c.Cancelled, c.Booked }},
}

// Spot looks at a hall's day up to before the hour through, 24 for the whole of it, and returns what is not as usual
// against its past days, oldest first. Of each kind there is at most one finding: for the hall, else for a queue, else
// for an hour.
func Spot(hall string, day Trace, through int, past []Trace, w rulebook.Watch) (out []Finding) {
	p := partsOf(day, through)
	for _, k := range ratedKinds {
		if f, found := k.spot(p, day, past, w); found {
			f.HallID = hall
			out = append(out, f)
		}
	}
	return append(out, spotCounts(hall, day, past, w)...)
}

// parts are what of a hall's day is looked at by itself: the whole of it first, then its queues, then its hours.
type parts struct {
	queues []string
	hours  []int
	hourAt [24]int // 1 + place among hours, 0 for none
}

func partsOf(day Trace, through int) (p parts) {
	for _, c := range day.Cells {
		if c.Hour < 0 || c.Hour >= min(through, 24) {
			continue
		}
		if !slices.Contains(p.queues, c.QueueID) {
			p.queues = append(p.queues, c.QueueID)
		}
		if p.hourAt[c.Hour] == 0 {
			p.hours = append(p.hours, c.Hour)
			p.hourAt[c.Hour] = len(p.hours)
		}
	}
	return p
}

// tallies counts the kind's cases of a day for each of the parts, in the hours that are looked at.
func (p parts) tallies(k rated, t Trace) []tally {
	out := make([]tally, 1+len(p.queues)+len(p.hours))
	for _, c := range t.Cells {
		if c.Hour < 0 || c.Hour > 23 || p.hourAt[c.Hour] == 0 {
			continue
		}
		x, n := k.of(c)
		add := func(i int) { out[i].x, out[i].n = out[i].x+float64(x), out[i].n+float64(n) }
		add(0)
		if q := slices.Index(p.queues, c.QueueID); q >= 0 {
			add(1 + q)
		}
		add(len(p.queues) + p.hourAt[c.Hour])
	}
	for i := range out {
		out[i].kind = t.Kind
	}
	return out
}

func (k rated) spot(p parts, day Trace, past []Trace, w rulebook.Watch) (Finding, bool) {
	now := p.tallies(k, day)
	var may []int // parts that could be too much at all
	for i, t := range now {
		enough := t.x >= float64(w.Least) && (k.kind != AnomalySaturation || t.x*1000 >= t.n*float64(w.SaturatedPerMille))
		if enough && !(len(p.queues) == 1 && i == 1) { // a single queue is the hall
			may = append(may, i)
		}
	}
	if len(may) == 0 {
		return Finding{}, false
	}
	before := make([][]tally, len(now))
	for _, d := range past {
		for i, t := range p.tallies(k, d) {
			before[i] = append(before[i], t)
		}
	}
	best, found := Finding{}, false
	bestRank := 0
	for _, i := range may {
		rank, of := 0, 1
		f := Finding{Kind: k.kind, Hour: -1, Date: day.Date, Seen: int64(now[i].x), Of: int64(now[i].n)}
		switch {
		case i > len(p.queues):
			rank, of, f.Hour = 2, len(p.hours), p.hours[i-len(p.queues)-1]
		case i > 0:
			rank, of, f.QueueID = 1, len(p.queues), p.queues[i-1]
		}
		if found && (rank > bestRank || f.Seen <= best.Seen) {
			continue
		}
		l, oneIn := learn(before[i]), float64(w.OneIn)*float64(of)
		var out bool
		if f.Low, f.High, out = l.tooMany(day.Kind, now[i].x, now[i].n, w, oneIn); out && l.tail(day.Kind, now[i].x, now[i].n) < vouched/oneIn {
			best, bestRank, found = f, rank, true
		}
	}
	return best, found
}

// spotCounts looks at what is no share of the numbers of an hour.
func spotCounts(hall string, day Trace, past []Trace, w rulebook.Watch) (out []Finding) {
	released := int64(0)
	for _, c := range day.Cells {
		released += c.Released
	}
	if usual := usualMost(past, func(t Trace) int64 { return t.Cut }); day.Cut > usual || day.CutHeld > 0 {
		large := day.Cut >= int64(w.CutLeast) && day.Cut*1000 >= (released+day.Cut)*int64(w.CutPerMille)
		if large || day.CutHeld >= int64(w.CutLeast) {
			out = append(out, Finding{Kind: AnomalyCut, HallID: hall, Hour: -1, Date: day.Date, Seen: day.Cut, Of: released + day.Cut, High: min(usual, day.Cut-1)})
		}
	}
	if !day.Known {
		return out
	}
	var top, regrab []tally
	for _, p := range past {
		if p.Known {
			top = append(top, tally{p.Kind, float64(p.Hands.Top), float64(p.Hands.Bookings)})
			regrab = append(regrab, tally{p.Kind, float64(p.Hands.Regrab), float64(p.Hands.Given)})
		}
	}
	h := day.Hands
	if low, high, many := learn(top).tooMany(day.Kind, float64(h.Top), float64(h.Bookings), w, float64(w.OneIn)); many {
		out = append(out, Finding{Kind: AnomalyConcentration, HallID: hall, Hour: -1, Date: day.Date, Seen: h.Top, Of: h.Bookings, Low: low, High: high})
	}
	if f, many := spotRegrab(h, regrab, w); many {
		f.HallID, f.Date = hall, day.Date
		out = append(out, f)
	}
	return out
}

// usualMost is the most of a count on nine of ten past days.
func usualMost(past []Trace, of func(Trace) int64) int64 {
	if len(past) == 0 {
		return 0
	}
	list := make([]int64, len(past))
	for i, t := range past {
		list[i] = of(t)
	}
	slices.Sort(list)
	return list[len(list)*9/10]
}

// spotRegrab compares with how many places given up usually come into related hands. Those are so rare that days are
// counted together.
func spotRegrab(h Hands, past []tally, w rulebook.Watch) (Finding, bool) {
	if h.Regrab < int64(w.RegrabLeast) || len(past) < plainDays {
		return Finding{}, false
	}
	var list []float64
	for _, t := range past {
		list = append(list, t.x)
	}
	slices.Sort(list)
	list = list[:len(list)*9/10] // days that stood out are no part of the usual
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	mean := (sum + 1) / float64(len(list)+1) * 1.5
	if poissonAtLeast(float64(h.Regrab), mean) >= 1/float64(w.OneIn) {
		return Finding{}, false
	}
	_, high := around(mean, 2.58*math.Sqrt(mean), float64(h.Regrab-1))
	return Finding{Kind: AnomalyRegrab, Hour: -1, Seen: h.Regrab, Of: h.Given, High: high}, true
}

// Feed is what a connected system sent of a day: how many records it was to send, how many came, and how many of
// these within the agreed delay.
type Feed struct {
	Date                       calendar.Date
	Kind                       DayKind
	Expected, Received, InTime int64
}

// SpotFeed looks at a day of a connected system, against its past days, oldest first: at silence once there should
// have been records, and at lateness.
func SpotFeed(source, hall string, day Feed, past []Feed, w rulebook.Watch) (out []Finding) {
	var lost, late []tally
	for _, p := range past {
		lost = append(lost, tally{p.Kind, float64(max(p.Expected-p.Received, 0)), float64(p.Expected)})
		late = append(late, tally{p.Kind, float64(p.Received - p.InTime), float64(p.Received)})
	}
	add := func(kind AnomalyKind, l *learner, x, n int64) {
		if low, high, many := l.tooMany(day.Kind, float64(x), float64(n), w, float64(w.OneIn)); many {
			out = append(out, Finding{Kind: kind, SourceID: source, HallID: hall, Hour: -1, Date: day.Date, Seen: x, Of: n, Low: low, High: high})
		}
	}
	add(AnomalySilence, learn(lost), max(day.Expected-day.Received, 0), day.Expected)
	add(AnomalyLateness, learn(late), day.Received-day.InTime, day.Received)
	return out
}
