package oversight_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
)

// A seeded year of halls of every size, in the shape of real demand: weekdays, hours, a season, holidays with their
// neighbours and make-up days, days that are busier or emptier by chance, people who miss their hour or give it up.
// It is made as counts: by no formula of the package.

type townHall struct {
	id     string
	size   int // numbers a day
	queues int
	load   float64    // share of its numbers that are wanted, on a usual day
	week   [7]float64 // demand of weekdays
	hours  [24]float64
	miss   float64 // share that does not come
	cancel float64
	swing  float64 // how much days differ beside chance: standard deviation of their demand
	season float64 // and how far the season moves it
	phase  float64
	cuts   float64 // share of days with a few numbers taken back
}

var townHours = []int{9, 10, 11, 13, 14, 15, 16}

func townHalls(r *rand.Rand, n int) (out []townHall) {
	for i := range n {
		h := townHall{id: fmt.Sprintf("hall-%03d", i), queues: 1, swing: .05 + .1*r.Float64(), season: .25 * r.Float64(), phase: 2 * math.Pi * r.Float64()}
		// As in the city: most halls are a village's, a tenth large.
		switch u := r.Float64(); {
		case u < .45:
			h.size = 4 + r.IntN(30)
		case u < .8:
			h.size, h.queues = 40+r.IntN(120), 1+r.IntN(2)
		default:
			h.size, h.queues = 200+r.IntN(1200), 3+r.IntN(4)
		}
		h.load = .25 + .65*r.Float64()
		h.miss, h.cancel, h.cuts = .04+.12*r.Float64(), .05+.12*r.Float64(), .02*r.Float64()
		for w := range h.week {
			h.week[w] = .85 + .3*r.Float64()
		}
		h.week[time.Monday] += .2
		for _, hour := range townHours {
			h.hours[hour] = .7 + .6*r.Float64()
		}
		h.hours[9] += .3
		h.hours[16] -= .2
		out = append(out, h)
	}
	return out
}

// townCalendar is a year with holidays and make-up days.
func townCalendar() *calendar.Calendar {
	var days []calendar.Day
	off := func(festival string, month time.Month, day, n int) {
		for i := range n {
			days = append(days, calendar.Day{Date: calendar.MakeDate(2026, month, day) + calendar.Date(i), Kind: calendar.Off, Festival: festival})
		}
	}
	work := func(month time.Month, day int) {
		days = append(days, calendar.Day{Date: calendar.MakeDate(2026, month, day), Kind: calendar.Work})
	}
	off("New Year", time.January, 1, 3)
	work(time.January, 4)
	off("Spring Festival", time.February, 15, 9)
	work(time.February, 14)
	work(time.February, 28)
	off("Qingming", time.April, 4, 3)
	off("Labour Day", time.May, 1, 5)
	work(time.May, 9)
	off("Dragon Boat", time.June, 19, 3)
	off("Mid-Autumn", time.September, 25, 3)
	off("National Day", time.October, 1, 7)
	work(time.September, 20)
	work(time.October, 10)
	cal, err := calendar.New(days, map[int]calendar.YearStatus{2025: calendar.Official, 2026: calendar.Official, 2027: calendar.Official})
	if err != nil {
		panic(err)
	}
	return cal
}

func poisson(r *rand.Rand, mean float64) int64 {
	if mean <= 0 {
		return 0
	}
	if mean > 60 {
		return int64(max(math.Round(mean+math.Sqrt(mean)*r.NormFloat64()), 0))
	}
	n, p, least := int64(0), r.Float64(), math.Exp(-mean)
	for p > least {
		p *= r.Float64()
		n++
	}
	return n
}

func binomial(r *rand.Rand, n int64, p float64) (x int64) {
	for range n {
		if r.Float64() < p {
			x++
		}
	}
	return x
}

// demand is how many want a number of the hall's hour on a date, on average: the day's swing comes on top.
func (h townHall) demand(cal *calendar.Calendar, d calendar.Date, hour int) float64 {
	sum := 0.0
	for _, x := range townHours {
		sum += h.hours[x]
	}
	v := float64(h.size) * h.load * h.week[d.Weekday()] * h.hours[hour] / sum
	v *= 1 + h.season*math.Sin(2*math.Pi*float64(d-calendar.MakeDate(2026, time.January, 1))/365+h.phase)
	switch {
	case cal.IsStatutoryOff(d - 1):
		v *= 1.35 // the first day after days off
	case cal.IsStatutoryOff(d + 1):
		v *= .75
	case cal.IsWorking(d) && (d.Weekday() == time.Saturday || d.Weekday() == time.Sunday):
		v *= .6
	}
	return v
}

// demandOn is that of a whole day.
func (h townHall) demandOn(cal *calendar.Calendar, d calendar.Date) (n float64) {
	for _, hour := range townHours {
		n += h.demand(cal, d, hour)
	}
	return n
}

// day makes the trace of a hall's day, with what is planted in it.
func (h townHall) day(r *rand.Rand, cal *calendar.Calendar, d calendar.Date, planted ...oversight.AnomalyKind) oversight.Trace {
	has := func(k oversight.AnomalyKind) bool {
		for _, p := range planted {
			if p == k {
				return true
			}
		}
		return false
	}
	t := oversight.Trace{Date: d, Kind: oversight.KindOf(cal, d), Known: true}
	swing := math.Exp(h.swing * r.NormFloat64())
	miss := within01(h.miss * math.Exp(.25*r.NormFloat64()))
	cancel := within01(h.cancel * math.Exp(.25*r.NormFloat64()))
	if has(oversight.AnomalyNoShows) {
		miss = min(h.miss+.3, .9)
	}
	if has(oversight.AnomalyCancellations) {
		cancel = min(h.cancel+.3, .9)
	}
	switch {
	case has(oversight.AnomalySaturation):
		swing = 3 / h.load
	case has(oversight.AnomalyUnused):
		swing *= .25
	}
	var given int64
	for q := range h.queues {
		for i, hour := range townHours {
			c := oversight.Cell{QueueID: fmt.Sprintf("q%d", q), Hour: hour}
			split := h.size / h.queues / len(townHours)
			if i < h.size/h.queues%len(townHours) {
				split++
			}
			c.OnSite = int64(split / 10)
			c.Released = int64(split) - c.OnSite
			wanted := poisson(r, h.demand(cal, d, hour)/float64(h.queues)*swing)
			c.Booked = min(wanted, c.Released)
			c.Cancelled = binomial(r, c.Booked, cancel)
			if wanted > c.Released { // who found none takes what comes free
				more := min(wanted-c.Released, c.Cancelled)
				c.Booked += more
			}
			given += c.Cancelled
			c.Missed = binomial(r, c.Booked-c.Cancelled, miss)
			c.Came = c.Booked - c.Cancelled - c.Missed
			t.Hands.Bookings += c.Booked - c.Cancelled
			t.Cells = append(t.Cells, c)
		}
	}
	t.Hands.Given = given
	// A few people hold two or three, agents more.
	for range 3 {
		t.Hands.Top += min(poisson(r, .3+.004*float64(t.Hands.Bookings)), max(t.Hands.Bookings/4, 0))
	}
	t.Hands.Regrab = min(poisson(r, .002*float64(given)), given)
	if r.Float64() < h.cuts {
		t.Cut = min(1+poisson(r, 1), int64(h.size)/20)
	}
	if has(oversight.AnomalyConcentration) {
		t.Hands.Top += 8 + t.Hands.Bookings/4
	}
	if has(oversight.AnomalyRegrab) {
		t.Hands.Regrab += 8
		t.Hands.Given += 8
	}
	if has(oversight.AnomalyCut) {
		t.Cut = 5 + int64(h.size)/5
		t.CutHeld = t.Cut / 2
	}
	return t
}

func within01(p float64) float64 { return min(max(p, 0), .9) }
