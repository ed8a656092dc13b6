package server

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
)

// demand is how many people want which numbers of a city, when they ask for them and what becomes of them: the shape
// of days that are made and not lived. It follows the weekday, the hour, the season and what lies around a holiday,
// the size of the hall and the temper of each queue. Everything is drawn from the seed, a place and a day, so that
// the same seed gives the same days whatever is made first. It is a shape only: no hall's real figures are behind it.
type demand struct {
	cal  *calendar.Calendar
	seed uint64
	odd  []oddity
	at   map[string][]oddity // those of many halls, by hall
}

// oddity is something unusual that was put into the past of a place on purpose.
type oddity struct {
	kind     oddKind
	hall     string
	queue    string // "" for all of the hall
	from, to calendar.Date
	by       float64 // how many times the usual
}

type oddKind string

const (
	oddCrowd   oddKind = "crowd"    // people who want a number
	oddMissed  oddKind = "no_show"  // who do not come
	oddGivenUp oddKind = "given_up" // who cancel
	oddSlow    oddKind = "slow"     // how long people wait
)

// of returns how many times the usual it is, 1 where nothing is odd.
func (d *demand) of(kind oddKind, q *directory.Queue, date calendar.Date) float64 {
	by := 1.0
	odd := d.odd
	if d.at != nil {
		odd = d.at[q.HallID]
	}
	for _, o := range odd {
		if o.kind == kind && o.hall == q.HallID && (o.queue == "" || o.queue == q.ID) && o.from <= date && date <= o.to {
			by *= o.by
		}
	}
	return by
}

// dice are those of a place on a day; date 0 for what is so on every day.
func (d *demand) dice(place string, date calendar.Date) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(place))
	return rand.New(rand.NewPCG(d.seed^h.Sum64(), uint64(date)+0x9e3779b97f4a7c15))
}

// What share of its numbers a hall gives away on a plain day, by level: town halls are full, villages are not.
var levelLoad = map[directory.HallLevel]float64{
	directory.CityHall: .90, directory.DistrictHall: .88, directory.StreetHall: .80, directory.VillageHall: .70,
}

// weekdayLoad is how busy weekdays are, from Sunday on; a weekend that is open has few hours and many who want them.
var weekdayLoad = [7]float64{.95, 1.14, 1.03, 1, .97, .89, 1.08}

// monthLoad is how busy months are, from January on: quiet at Spring Festival, full after it and in the summer.
var monthLoad = [12]float64{.97, .86, 1.12, 1.04, .98, 1.03, 1.07, 1.06, 1.06, .95, .98, 1.01}

// lineMonths is how lines of business differ from that: travel before the holidays, school places, tax at the end of
// a quarter, the graduates' insurance.
var lineMonths = map[string][12]float64{
	"exitentry": {1.14, .90, .92, .98, 1.02, 1.16, 1.2, 1.02, 1.02, .92, .92, 1.04},
	"household": {.94, .92, 1.06, 1.16, 1.14, 1.02, .98, 1.04, .96, .94, .94, .94},
	"tax":       {1.08, .90, 1.1, 1.1, 1.06, 1, 1.04, .94, .96, 1.04, .94, 1},
	"social":    {1.02, .92, 1.02, .98, .96, 1.04, 1.12, 1.06, .98, .96, .98, 1.04},
	"marriage":  {.92, 1.14, .94, .94, 1.24, .92, .94, 1.02, 1.02, 1.06, .98, .92},
}

// hourLoad is how people would spread over the day if there were room.
var hourLoad = map[int]float64{8: .8, 9: 1.1, 10: 1.32, 11: 1.02, 12: .6, 13: .76, 14: 1.06, 15: 1, 16: .74, 17: .55}

// pressure is how many people want a number of a queue on a day, in times of its numbers off site.
func (d *demand) pressure(h *directory.Hall, q *directory.Queue, date calendar.Date) float64 {
	temper := d.dice(q.ID, 0)
	p := levelLoad[h.Level] * math.Exp(.16*temper.NormFloat64()) * weekdayLoad[date.Weekday()] * monthLoad[date.Month()-1]
	if months, ok := lineMonths[q.Line]; ok {
		p *= months[date.Month()-1]
	}
	if q.Line == "marriage" && lucky(date) {
		p *= 1.9
	}
	p *= d.around(date) * math.Exp(.05*d.dice("city", date).NormFloat64()) * math.Exp(.07*d.dice(q.ID, date).NormFloat64())
	return p * d.of(oddCrowd, q, date)
}

// lucky are the days on which people like to marry.
func lucky(date calendar.Date) bool {
	m, day := date.Month(), date.Day()
	return m == time.May && day == 20 || m == time.February && day == 14 || m == time.May && day == 21
}

// around is what a holiday does to the days beside it: what was put off comes after it, and the last day before it
// and working days made up for it are quiet.
func (d *demand) around(date calendar.Date) float64 {
	if date.Weekday() == time.Saturday || date.Weekday() == time.Sunday {
		if d.cal.IsWorking(date) {
			return .72
		}
		return 1
	}
	back := 0
	for n := calendar.Date(1); n <= 3; n++ {
		if d.cal.IsStatutoryOff(date - n) {
			back = int(n)
			break
		}
	}
	switch {
	case back == 1:
		return 1.24
	case back == 2:
		return 1.12
	case back == 3:
		return 1.06
	case d.cal.IsStatutoryOff(date + 1):
		return .80
	}
	return 1
}

// wanted is how many people want each slot of a queue's day.
func (d *demand) wanted(h *directory.Hall, q *directory.Queue, slots []booking.Slot) []float64 {
	if len(slots) == 0 {
		return nil
	}
	total, weight := 0.0, 0.0
	for _, s := range slots {
		total += float64(s.Capacity)
		weight += hourWeight(s.Hour)
	}
	total *= d.pressure(h, q, slots[0].Date)
	out := make([]float64, len(slots))
	for i, s := range slots {
		out[i] = total * hourWeight(s.Hour) / weight
	}
	return out
}

func hourWeight(hour int) float64 {
	if w, ok := hourLoad[hour]; ok {
		return w
	}
	return .5
}

// fill gives the numbers of a day to those who want them: who finds an hour full takes another of the day, mostly.
// It returns how many numbers of each slot are held in the end, and how many people got none.
func fill(dice *rand.Rand, slots []booking.Slot, want []float64) (held []int, without int) {
	held = make([]int, len(slots))
	over := 0
	for i, s := range slots {
		n := poisson(dice, want[i])
		held[i] = min(n, s.Capacity)
		over += n - held[i]
	}
	for i, s := range slots {
		more := min(over*4/5, s.Capacity-held[i])
		held[i] += more
		over -= more
	}
	return held, over
}

// lead draws how many days ahead somebody books, 1 to most: where numbers are short, at the noon they come out; else
// soon before.
func lead(dice *rand.Rand, pressure float64, most int) int {
	if dice.Float64() < hurried(pressure) {
		return max(1, most-dice.IntN(2))
	}
	return min(1+int(dice.ExpFloat64()*3.2), most)
}

// hurried is the share of people who book at the release.
func hurried(pressure float64) float64 { return min(max((pressure-.75)*1.4, .03), .7) }

// meanLead is what lead comes to on the average.
func meanLead(pressure float64, most int) float64 {
	h := hurried(pressure)
	return h*(float64(most)-.5) + (1-h)*3.6
}

// missing is the chance that who booked so many days ahead does not come, and givingUp that they cancel: both grow
// with the days between.
func missing(h *directory.Hall, lead float64) float64 {
	p := .040 + .0085*lead
	if h.Level == directory.VillageHall { // known to who sits there
		p *= .8
	}
	return min(p, .6)
}

func givingUp(lead float64) float64 { return min(.025+.0075*lead, .5) }

// channels is the way bookings come in, as shares of the whole.
func channels(h *directory.Hall) map[booking.Channel]float64 {
	if h.Level == directory.VillageHall {
		return map[booking.Channel]float64{booking.Web: .46, booking.API: .30, booking.Desk: .24}
	}
	return map[booking.Channel]float64{booking.Web: .60, booking.API: .31, booking.Desk: .09}
}

func channelOf(dice *rand.Rand, h *directory.Hall) booking.Channel {
	p, mix := dice.Float64(), channels(h)
	switch {
	case p < mix[booking.Web]:
		return booking.Web
	case p < mix[booking.Web]+mix[booking.API]:
		return booking.API
	}
	return booking.Desk
}

// meanWait is how many minutes people who booked wait on the average: it grows steeply as an hour fills.
func (d *demand) meanWait(h *directory.Hall, q *directory.Queue, date calendar.Date, share float64) float64 {
	base := map[directory.HallLevel]float64{directory.CityHall: 15, directory.DistrictHall: 13, directory.StreetHall: 8, directory.VillageHall: 4}[h.Level]
	return base * (.4 + .9*share*share*share) * d.of(oddSlow, q, date)
}

// minutesOf draws minutes about a mean: few are very short, some are long.
func minutesOf(dice *rand.Rand, mean float64) float64 {
	return mean * (dice.ExpFloat64() + dice.ExpFloat64()) / 2
}

// grade draws how somebody found the service (5 the best); most are content, fewer where they waited long.
func grade(dice *rand.Rand, waited float64) int {
	p := dice.Float64() + min(waited, 60)/900
	switch {
	case p < .78:
		return 5
	case p < .93:
		return 4
	case p < .985:
		return 3
	case p < 1.005:
		return 2
	}
	return 1
}

// poisson draws how many of many come.
func poisson(dice *rand.Rand, mean float64) int {
	if mean <= 0 {
		return 0
	}
	if mean > 40 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*dice.NormFloat64())))
	}
	n, p, limit := 0, dice.Float64(), math.Exp(-mean)
	for p > limit {
		n++
		p *= dice.Float64()
	}
	return n
}

// some draws how many of n it happens to.
func some(dice *rand.Rand, n int, p float64) int {
	if n > 60 {
		mean := float64(n) * p
		return min(max(0, int(math.Round(mean+math.Sqrt(mean*(1-min(p, 1)))*dice.NormFloat64()))), n)
	}
	k := 0
	for range n {
		if dice.Float64() < p {
			k++
		}
	}
	return k
}
