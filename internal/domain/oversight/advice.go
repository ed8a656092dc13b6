package oversight

import (
	"math"
	"slices"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/supply"
)

// From what a queue's coming days will be asked for and what they have, advice follows: what to ask for, filled in,
// and what it would do, played through day by day (Art. 15, 16, 22).

// DayPlaces are the numbers a queue has on a day, by hour.
type DayPlaces struct {
	Date    calendar.Date
	OffSite [24]int
	OnSite  [24]int
}

// Played is what playing the coming days through came to.
type Played struct {
	Served int           // people who get a number
	Left   int           // who would still wait after the last day
	Lost   int           // who would not wait for another day
	Idle   int           // numbers nobody takes
	By     calendar.Date // from this day on nobody waits; 0 if somebody does after the last
}

// None is how many find no number.
func (p Played) None() int { return p.Left + p.Lost }

// What people do who find their hour full, and their day: these shares of them take another hour, and wait for another
// day. The others go away.
const (
	flexible = .6
	patient  = .5
)

// Play plays the days of a queue: people come for their hour; who finds it full takes another one of the day, waits for
// another day, or goes away; what stays free goes to those who wait.
func Play(days []DayPlaces, forecast []DayForecast, waiting int) (p Played) {
	wanted := map[calendar.Date]DayForecast{}
	for _, f := range forecast {
		wanted[f.Date] = f
	}
	line, served, idle, lost := float64(waiting), 0.0, 0.0, 0.0
	for _, d := range days {
		var free [24]float64
		for h, n := range d.OffSite {
			free[h] = float64(n)
		}
		late := 0.0
		for _, e := range wanted[d.Date].Hours {
			got := min(free[e.Hour], e.Mid)
			free[e.Hour] -= got
			served += got
			late += e.Mid - got
		}
		rest := 0.0
		for _, n := range free {
			rest += n
		}
		moved := min(late*flexible, rest)
		fromLine := min(line, rest-moved)
		line += (late-moved)*patient - fromLine
		lost += (late - moved) * (1 - patient)
		served += moved + fromLine
		idle += rest - moved - fromLine
		switch {
		case line >= .5:
			p.By = 0
		case p.By == 0:
			p.By = d.Date
		}
	}
	p.Served, p.Left, p.Lost, p.Idle = int(math.Round(served)), int(math.Round(line)), int(math.Round(lost)), int(math.Round(idle))
	return p
}

// AdviceKind says what is advised.
type AdviceKind string

const (
	AdviseMove    AdviceKind = "move"    // numbers of one weekday to another
	AdviseHours   AdviceKind = "hours"   // more hours on days that are open
	AdviseWeekend AdviceKind = "weekend" // weekend opening
	AdviseShare   AdviceKind = "share"   // fewer numbers kept for the hall
)

// AdviceKinds lists them, the cheapest first.
var AdviceKinds = []AdviceKind{AdviseMove, AdviseShare, AdviseHours, AdviseWeekend}

// Advice is what a queue is advised to ask for: one request, or two that belong together, and what it would do.
type Advice struct {
	Kind          AdviceKind      `json:"kind"`
	HallID        string          `json:"hall"`
	QueueID       string          `json:"queue"`
	Changes       []supply.Change `json:"changes"`
	Before, After Played
}

// More is how many more people would get a number.
func (a Advice) More() int { return a.After.Served - a.Before.Served }

// AdviceInput is what advice is made from.
type AdviceInput struct {
	HallID, QueueID string
	Forecast        []DayForecast
	Waiting         int           // in line now
	From, To        calendar.Date // days a request can still be for in time
	Total           int           // numbers a day by the queue's own plan
	WalkIns         int           // on-site numbers taken on a busy day, one in ten is busier; −1 where that is not known
	// Plan returns the numbers of the coming days with changes laid over them.
	Plan func(more ...supply.Change) []DayPlaces
}

// What advice must be worth.
const (
	leastMore  = 5   // people more who get a number
	leastShort = .03 // share of what is wanted that finds none
)

// Advise returns what the queue is advised to ask for, the most useful first; nothing where everybody finds a number.
func Advise(in AdviceInput) (out []Advice) {
	days := in.Plan()
	before := Play(days, in.Forecast, in.Waiting)
	all := 0.0
	for _, f := range in.Forecast {
		all += f.Total()
	}
	if before.None() < leastMore || float64(before.None()) < leastShort*(all+float64(in.Waiting)) {
		return nil
	}
	try := func(kind AdviceKind, changes ...supply.Change) {
		if len(changes) == 0 {
			return
		}
		a := Advice{Kind: kind, HallID: in.HallID, QueueID: in.QueueID, Changes: changes, Before: before, After: Play(in.Plan(changes...), in.Forecast, in.Waiting)}
		if a.More() >= leastMore {
			out = append(out, a)
		}
	}
	try(AdviseMove, in.move(days)...)
	try(AdviseShare, in.share(days)...)
	try(AdviseHours, in.extend(days)...)
	try(AdviseWeekend, in.weekend(days)...)
	slices.SortStableFunc(out, func(a, b Advice) int { return b.More() - a.More() })
	return out
}

// move takes numbers from the weekday with most to spare to the one with most too few.
func (in AdviceInput) move(days []DayPlaces) []supply.Change {
	var spare, n [7]float64
	for i, d := range days {
		if d.Date < in.From || d.Date > in.To || sumOf(d.OffSite) == 0 || i >= len(in.Forecast) {
			continue
		}
		w := d.Date.Weekday()
		spare[w] += float64(sumOf(d.OffSite)) - in.forecastOn(d.Date)
		n[w]++
	}
	from, to := time.Weekday(-1), time.Weekday(-1)
	for w := range spare {
		if n[w] == 0 || w == 0 || w == 6 {
			continue
		}
		spare[w] /= n[w]
		if day := time.Weekday(w); from < 0 || spare[w] > spare[from] {
			from = day
		}
		if day := time.Weekday(w); to < 0 || spare[w] < spare[to] {
			to = day
		}
	}
	if from < 0 || from == to {
		return nil
	}
	k := int(min(spare[from], -spare[to], float64(in.Total)/3))
	if k < 2 {
		return nil
	}
	change := func(w time.Weekday, total int) supply.Change {
		return supply.Change{Kind: supply.Capacity, From: in.From, To: in.To, Weekdays: []time.Weekday{w}, Total: total, Source: adviceSource}
	}
	return []supply.Change{change(to, in.Total+k), change(from, in.Total-k)}
}

// adviceSource is where the total of advice comes from (Art. 15).
const adviceSource = "forecast"

func (in AdviceInput) forecastOn(d calendar.Date) float64 {
	for _, f := range in.Forecast {
		if f.Date == d {
			return f.Total()
		}
	}
	return 0
}

// share keeps no more for the hall than a busy day takes there.
func (in AdviceInput) share(days []DayPlaces) []supply.Change {
	if in.WalkIns < 0 {
		return nil
	}
	kept, all := 0, 0
	for _, d := range days {
		if on := sumOf(d.OnSite); on > kept {
			kept, all = on, on+sumOf(d.OffSite)
		}
	}
	if all == 0 || in.WalkIns+1 >= kept {
		return nil
	}
	return []supply.Change{{Kind: supply.Share, From: in.From, To: in.To, PerMille: (in.WalkIns + 1) * 1000 / all}}
}

// extend opens two hours after the last one, on the weekdays that have too few.
func (in AdviceInput) extend(days []DayPlaces) []supply.Change {
	hours, per := hoursOf(days)
	list := hours.List()
	if len(list) == 0 {
		return nil
	}
	var late calendar.Hours
	for i := 1; i <= 2; i++ {
		if h := list[len(list)-1] + i; h < 24 {
			late |= calendar.HoursOf(h)
		}
	}
	var weekdays []time.Weekday
	for _, d := range days {
		w := d.Date.Weekday()
		if d.Date >= in.From && sumOf(d.OffSite) > 0 && in.forecastOn(d.Date) > .95*float64(sumOf(d.OffSite)) && !slices.Contains(weekdays, w) {
			weekdays = append(weekdays, w)
		}
	}
	slices.Sort(weekdays)
	if late == 0 {
		return nil
	}
	return []supply.Change{{Kind: supply.Extend, From: in.From, To: in.To, Weekdays: weekdays, Hours: late, PerHour: per}}
}

func (in AdviceInput) weekend(days []DayPlaces) []supply.Change {
	hours, per := hoursOf(days)
	if hours == 0 {
		return nil
	}
	return []supply.Change{{Kind: supply.Weekend, From: in.From, To: in.To, Weekdays: []time.Weekday{time.Saturday}, Hours: hours & calendar.HoursOf(9, 10, 11), PerHour: per}}
}

// hoursOf are the hours that are open on any of the days, and the numbers of the busiest.
func hoursOf(days []DayPlaces) (hours calendar.Hours, per int) {
	for _, d := range days {
		for h := range d.OffSite {
			if n := d.OffSite[h] + d.OnSite[h]; n > 0 {
				hours |= calendar.HoursOf(h)
				per = max(per, n)
			}
		}
	}
	return hours, per
}

func sumOf(hours [24]int) (n int) {
	for _, h := range hours {
		n += h
	}
	return n
}

// AdviceState says what has become of advice.
type AdviceState string

const (
	AdviceOpen      AdviceState = "open"
	AdviceFollowed  AdviceState = "followed"  // a request was filed
	AdviceDismissed AdviceState = "dismissed" // with a reason
	AdviceGone      AdviceState = "over"      // no longer useful, or its days are past
)

// AdviceCard is advice as it is kept.
type AdviceCard struct {
	Advice
	ID      string // "V2026-000001"
	State   AdviceState
	MadeAt  time.Time
	Until   calendar.Date // its last day
	Request string        // it led to
	By      string        // account that followed or dismissed it
	At      time.Time
	Why     string
	Version int
}
