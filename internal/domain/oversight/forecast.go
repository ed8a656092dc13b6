package oversight

import (
	"math"
	"slices"

	"suiyue/internal/domain/calendar"
)

// What a queue's coming days will be asked for (Art. 15, 22), learned from its own past: a level that follows the last
// days, times what is usual on the weekday, times what days beside holidays do, split over the hours as that weekday's
// people come. Against it stands the plainest forecast there is, the same hour of the last like weekday.

// DayDemand is how many numbers of a queue were wanted on a day, by hour: taken and not given up, or given at the hall.
type DayDemand struct {
	Date  calendar.Date
	Kind  DayKind
	Open  calendar.Hours
	Hours [24]float64
}

func (d DayDemand) total() (n float64) {
	for _, h := range d.Hours {
		n += h
	}
	return n
}

// Coming is a coming day of a queue.
type Coming struct {
	Date calendar.Date
	Kind DayKind
	Open calendar.Hours
}

// Expected is what is expected of an hour: in the middle, and the range in which four of five such hours lie.
type Expected struct {
	Hour           int
	Mid, Low, High float64
}

// DayForecast is a coming day.
type DayForecast struct {
	Date  calendar.Date
	Kind  DayKind
	Hours []Expected
}

// Total is what is expected of the day.
func (d DayForecast) Total() (n float64) {
	for _, h := range d.Hours {
		n += h.Mid
	}
	return n
}

// Accuracy is how well a forecast did on days of the past that it had not seen.
type Accuracy struct {
	Hours    int     // that were compared
	MASE     float64 // mean error over that of the last like weekday, one week back, in the days before: below 1 is better than it
	Naive    float64 // the same of the seasonal-naive forecast on the compared hours
	Coverage float64 // share of the hours that lay in their range
}

// Forecast is what a queue's coming days will be asked for. OK is false where too little is known of it.
type Forecast struct {
	OK       bool
	Known    int // days it stands on
	Days     []DayForecast
	Accuracy Accuracy
}

const (
	// ForecastDays is how many open days a queue must have had.
	ForecastDays = 25
	follows      = .12 // how much of a day's news the level takes in
	lowShare     = .1
	heldBack     = 6 * 7 // days of the past that accuracy is told from
	originEvery  = 3     // and from so many days apart forecasts are made for it
)

// model is what was learned up to a day.
type model struct {
	level   float64
	week    [7]float64
	special float64
	hours   [7][24]float64 // share of the weekday's people
	days    int
}

// fit learns from past days, oldest first.
func fit(past []DayDemand) (m model, ok bool) {
	var plain []DayDemand
	for _, d := range past {
		if d.Open != 0 && !d.Kind.Special {
			plain = append(plain, d)
		}
	}
	if m.days = len(plain); m.days < ForecastDays {
		return m, false
	}
	totals := make([]float64, 0, len(plain))
	for _, d := range plain {
		totals = append(totals, d.total())
	}
	mid := max(median(totals), .01)
	// What is usual on a weekday, over what is usual around it: the median of the ratios to the days about.
	var ratios [7][]float64
	for i, d := range plain {
		around := make([]float64, 0, 11)
		for j := max(i-5, 0); j < min(i+6, len(plain)); j++ {
			around = append(around, plain[j].total())
		}
		if about := mean(around); about > 0 {
			ratios[d.Kind.Weekday] = append(ratios[d.Kind.Weekday], d.total()/about)
		}
	}
	for w := range m.week {
		n := float64(len(ratios[w]))
		m.week[w] = 1
		if n > 0 { // few days are drawn to the plain week
			m.week[w] = max((n*middleMean(ratios[w])+1)/(n+1), .02)
		}
	}
	m.level = mid
	var news, special []float64
	for i, d := range past {
		if d.Open == 0 {
			continue
		}
		v := d.total() / m.week[d.Kind.Weekday]
		if d.Kind.Special {
			if m.level > 0 {
				special = append(special, v/m.level)
			}
			continue
		}
		if i > 0 && len(news) >= 5 { // a day far off moves the level no further than an unusual one
			wide := 3 * max(1.4826*medianOf(news), .1*m.level)
			v = min(max(v, m.level-wide), m.level+wide)
		}
		news = append(news, math.Abs(v-m.level))
		m.level += follows * (v - m.level)
	}
	m.special = 1
	if n := float64(len(special)); n > 0 {
		m.special = (n*medianOf(special) + 3) / (n + 3)
	}
	m.split(plain)
	return m, true
}

// split learns how a weekday's people come over its hours; a weekday of which little is known is like all.
func (m *model) split(plain []DayDemand) {
	var all [24]float64
	var of [7][24]float64
	sum := 0.0
	var sums [7]float64
	for _, d := range plain {
		for h, n := range d.Hours {
			all[h] += n
			of[d.Kind.Weekday][h] += n
			sums[d.Kind.Weekday] += n
			sum += n
		}
	}
	for w := range of {
		drawn := max(sum/float64(len(plain)), 1) * 4 // as much as four days
		for h := range of[w] {
			m.hours[w][h] = (of[w][h] + drawn*all[h]/max(sum, 1)) / max(sums[w]+drawn, 1)
		}
	}
}

func (m *model) ahead(a Coming) (out [24]float64) {
	total := m.level * m.week[a.Kind.Weekday]
	if a.Kind.Special {
		total *= m.special
	}
	open, sum := a.Open.List(), 0.0
	for _, h := range open {
		sum += m.hours[a.Kind.Weekday][h]
	}
	for _, h := range open {
		if sum > 0 {
			out[h] = total * m.hours[a.Kind.Weekday][h] / sum
		} else {
			out[h] = total / float64(len(open))
		}
	}
	return out
}

// scaled is an error as a multiple of how much an hour of that size varies.
func scaled(seen, said float64) float64 { return (seen - said) / math.Sqrt(said+1) }

// Foresee forecasts the coming days of a queue from its past ones, oldest first, and tells how well the same would
// have done in the last weeks.
func Foresee(past []DayDemand, ahead []Coming) (f Forecast) {
	m, ok := fit(past)
	f.Known = m.days
	if !ok {
		return f
	}
	f.OK = true
	off, accuracy := lookBack(past)
	f.Accuracy = accuracy
	lower, upper := rangeOf(off)
	for _, a := range ahead {
		d := DayForecast{Date: a.Date, Kind: a.Kind}
		said := m.ahead(a)
		wider := 1.0
		if a.Kind.Special {
			wider = 1.5
		}
		for _, h := range a.Open.List() {
			s := wider * math.Sqrt(said[h]+1)
			d.Hours = append(d.Hours, Expected{Hour: h, Mid: said[h], Low: math.Round(max(said[h]+lower*s, 0)), High: math.Round(max(said[h]+upper*s, 0))})
		}
		f.Days = append(f.Days, d)
	}
	return f
}

// rangeOf is the range that four of five errors lie in; without any, that of chance alone.
func rangeOf(off []float64) (lower, upper float64) {
	if len(off) < 30 {
		return -1.5, 1.5
	}
	slices.Sort(off)
	return off[int(lowShare*float64(len(off)))], off[min(int((1-lowShare)*float64(len(off))), len(off)-1)]
}

// lookBack makes the forecasts that would have been made in the last weeks and compares them. Ranges are compared
// with those that earlier errors gave.
func lookBack(past []DayDemand) (off []float64, a Accuracy) {
	var open []int
	for i, d := range past {
		if d.Open != 0 {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return nil, a
	}
	last := past[open[len(open)-1]].Date
	var mine, naive, steps float64
	compared, covered, ranged := 0, 0, 0
	stepped := 0
	at := make(map[calendar.Date]int, len(past))
	for i, d := range past {
		at[d.Date] = i
	}
	for back := calendar.Date(heldBack + 14); back >= 1; back -= originEvery {
		origin := last - back
		upto := 0
		for upto < len(past) && past[upto].Date <= origin {
			upto++
		}
		m, ok := fit(past[:upto])
		if !ok {
			continue
		}
		lower, upper := rangeOf(slices.Clone(off))
		ready := len(off) >= 30
		for _, d := range past[upto:] {
			if d.Date > origin+14 {
				break
			}
			if d.Open == 0 || d.Kind.Special {
				continue
			}
			said := m.ahead(Coming{d.Date, d.Kind, d.Open})
			like, known := lastLike(past[:upto], d)
			for _, h := range d.Open.List() {
				off = append(off, scaled(d.Hours[h], said[h]))
				if ready {
					ranged++
					if s := math.Sqrt(said[h] + 1); d.Hours[h] >= math.Round(max(said[h]+lower*s, 0)) && d.Hours[h] <= math.Round(said[h]+upper*s) {
						covered++
					}
				}
				if known {
					compared++
					mine += math.Abs(d.Hours[h] - said[h])
					naive += math.Abs(d.Hours[h] - like.Hours[h])
				}
			}
		}
	}
	for _, i := range open {
		d := past[i]
		j, found := at[d.Date-7]
		if !found || past[j].Open == 0 || past[j].Kind.Special || d.Kind.Special {
			continue
		}
		for _, h := range d.Open.List() {
			steps += math.Abs(d.Hours[h] - past[j].Hours[h])
			stepped++
		}
	}
	a.Hours = compared
	if compared > 0 && stepped > 0 && steps > 0 {
		scale := steps / float64(stepped)
		a.MASE, a.Naive = mine/float64(compared)/scale, naive/float64(compared)/scale
	}
	if ranged > 0 {
		a.Coverage = float64(covered) / float64(ranged)
	}
	return off, a
}

// lastLike is the last plain open day of the weekday.
func lastLike(past []DayDemand, d DayDemand) (DayDemand, bool) {
	for i := len(past) - 1; i >= 0; i-- {
		if p := past[i]; p.Kind == d.Kind && p.Open != 0 {
			return p, true
		}
	}
	return DayDemand{}, false
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(len(values), 1))
}

func medianOf(values []float64) float64 { return median(slices.Clone(values)) }

// middleMean is the mean without the outer fifths: nearly as sure as the mean, and as deaf to what is far off as the
// median.
func middleMean(values []float64) float64 {
	list := slices.Clone(values)
	slices.Sort(list)
	cut := len(list) / 5
	return mean(list[cut : len(list)-cut])
}

// LeadShare is how many booked so many days ahead did not come.
type LeadShare struct {
	Days   int // ahead, at least; 0 = the same day
	Until  int // and at most; −1 without end
	Missed int64
	Of     int64
}

// leadSteps are the groups of days ahead.
var leadSteps = [][2]int{{0, 0}, {1, 1}, {2, 3}, {4, 7}, {8, 14}, {15, -1}}

// Lead is how many bookings made so many days ahead were missed, of all that came or were.
type Lead struct {
	Days       int
	Missed, Of int64
}

// ByLead groups no-shows by how far ahead they were booked. Groups nobody booked in are left out.
func ByLead(list []Lead) (out []LeadShare) {
	for _, s := range leadSteps {
		g := LeadShare{Days: s[0], Until: s[1]}
		for _, l := range list {
			if l.Days >= s[0] && (s[1] < 0 || l.Days <= s[1]) {
				g.Missed, g.Of = g.Missed+l.Missed, g.Of+l.Of
			}
		}
		if g.Of > 0 {
			out = append(out, g)
		}
	}
	return out
}
