package oversight

import (
	"math"
	"slices"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/rulebook"
)

// How good the watch is, is measured on a past into which unusual days were put on purpose (Art. 22): every day is
// looked at again as it was then, with nothing known of what came after it.

// Plant is something unusual that was put into the past of a hall on purpose: each day from First to Last, so many
// times the usual.
type Plant struct {
	What        Planted
	First, Last calendar.Date
	Times       float64
}

// Planted says what was put in.
type Planted string

const (
	PlantedCrowd   Planted = "crowd"    // people who want a number
	PlantedUnused  Planted = "unused"   // the same, far fewer
	PlantedMissed  Planted = "no_show"  // people who do not come
	PlantedGivenUp Planted = "given_up" // people who cancel
	PlantedSlow    Planted = "slow"     // how long people wait
)

// plantedAs is what each is to be told as. Waits are looked at by nobody.
var plantedAs = map[Planted]AnomalyKind{
	PlantedCrowd: AnomalySaturation, PlantedUnused: AnomalyUnused, PlantedMissed: AnomalyNoShows, PlantedGivenUp: AnomalyCancellations,
}

// Kind is what it is to be told as, "" for what the watch does not look at.
func (p Plant) Kind() AnomalyKind { return plantedAs[p.What] }

// becomes is what the usual share of its kind is by it.
func (p Plant) becomes(usual float64) float64 {
	if p.What == PlantedUnused { // what it is times of are the numbers that are taken
		return 1 - min((1-usual)*p.Times, 1)
	}
	return min(usual*p.Times, 1)
}

// Seeable tells whether anybody could tell it from the usual days of a hall whose past days were these, on a day of a kind:
// nine times in ten such a day is beyond every plain one of them, and so many cases and so much of the share above the usual
// as matter by the rulebook. In a village with six bookings a day five times as many who stay away are two people, and a
// day without a number left is nothing new where there was one last month.
func (p Plant) Seeable(kind DayKind, past []Trace, w rulebook.Watch) bool {
	i := slices.IndexFunc(ratedKinds, func(k rated) bool { return k.kind == p.Kind() })
	if i < 0 {
		return false
	}
	var all, alike tally
	var shares []float64
	days, same := 0, 0
	for _, t := range past {
		if t.Kind.Special || t.Released() == 0 {
			continue
		}
		var day tally
		for _, c := range t.Cells {
			x, n := ratedKinds[i].of(c)
			day.x, day.n = day.x+float64(x), day.n+float64(n)
		}
		days++
		all.x, all.n = all.x+day.x, all.n+day.n
		if t.Kind.Weekday == kind.Weekday {
			same++
			alike.x, alike.n = alike.x+day.x, alike.n+day.n
		}
		if day.n > 0 {
			shares = append(shares, day.x/day.n)
		}
	}
	if days < plainDays || len(shares) < plainDays {
		return false
	}
	if same < leastDays || alike.n == 0 {
		alike, same = all, days
	}
	n := alike.n / float64(same)
	usual := alike.x / alike.n
	becomes := p.becomes(usual)
	becomes -= nineInTen * math.Sqrt(becomes*(1-becomes)/n)
	return becomes > slices.Max(shares) && (becomes-usual)*n >= float64(w.Least) && (becomes-usual)*1000 >= float64(w.LeastPerMille) &&
		(p.Kind() != AnomalySaturation || becomes*1000 >= float64(w.SaturatedPerMille))
}

// nineInTen is how many deviations below the mean nine of ten lie above.
const nineInTen = 1.28

// Released is how many numbers of the day could be booked; 0 where the hall was shut.
func (t Trace) Released() (n int64) {
	for _, c := range t.Cells {
		n += c.Released
	}
	return n
}

// Replay is the past of one hall, to be watched again.
type Replay struct {
	HallID      string
	Days        []Trace // oldest first, from Past days before From
	From, To    calendar.Date
	Past        int // days that tell what is usual
	Least, Most int // first and last hour of a day at which is looked at what is over of it
	Watch       func(calendar.Date) rulebook.Watch
	Plants      []Plant
}

// Rate is how good the watch was.
type Rate struct {
	Kinds  map[AnomalyKind]*KindRate
	Unseen int // planted of what the watch does not look at
	Halls  int
	Days   int     // of halls, open ones, that were looked at
	Months float64 // of halls, that were looked at
	Crowd  int     // months of halls with more than one false alarm
}

// KindRate is how good it was at one kind. Of what was planted, Planted = Shut + Hidden + InDay + Later + Missed.
type KindRate struct {
	Planted  int
	Shut     int // on no open day
	Hidden   int // nobody could tell them from usual days
	InDay    int // told on its first open day
	Later    int // on a later day of it
	Missed   int
	HiddenIn int     // of Hidden, told on their first open day
	False    int     // days of a hall on which it was told with nothing planted there
	Beside   int     // days on which something else was planted
	Hours    [25]int // InDay by the hour at which it was told, 24 for after the day
}

// Seeable is how many could have been found.
func (k KindRate) Seeable() int { return k.InDay + k.Later + k.Missed }

// Middle is the hour by which half of those told on their day were; −1 for none.
func (k KindRate) Middle() int {
	sum := 0
	for h, n := range k.Hours {
		if sum += n; n > 0 && 2*sum >= k.InDay {
			return h
		}
	}
	return -1
}

// Of returns how good it was at a kind.
func (r *Rate) Of(k AnomalyKind) *KindRate {
	if r.Kinds == nil {
		r.Kinds = map[AnomalyKind]*KindRate{}
	}
	if r.Kinds[k] == nil {
		r.Kinds[k] = &KindRate{}
	}
	return r.Kinds[k]
}

// Add adds the rate of other halls.
func (r *Rate) Add(o Rate) {
	r.Unseen, r.Halls, r.Days, r.Months, r.Crowd = r.Unseen+o.Unseen, r.Halls+o.Halls, r.Days+o.Days, r.Months+o.Months, r.Crowd+o.Crowd
	for kind, k := range o.Kinds {
		to := r.Of(kind)
		to.add(*k)
	}
}

func (k *KindRate) add(o KindRate) {
	k.Planted, k.Shut, k.Hidden, k.HiddenIn = k.Planted+o.Planted, k.Shut+o.Shut, k.Hidden+o.Hidden, k.HiddenIn+o.HiddenIn
	k.InDay, k.Later, k.Missed, k.False, k.Beside = k.InDay+o.InDay, k.Later+o.Later, k.Missed+o.Missed, k.False+o.False, k.Beside+o.Beside
	for h, n := range o.Hours {
		k.Hours[h] += n
	}
}

// All is the rate of all kinds together.
func (r Rate) All() (all KindRate) {
	for _, k := range r.Kinds {
		all.add(*k)
	}
	return all
}

// Found is the share of what could have been found that was told within its day; 1 where there was nothing.
func (r Rate) Found() float64 {
	all := r.All()
	if all.Seeable() == 0 {
		return 1
	}
	return float64(all.InDay) / float64(all.Seeable())
}

// FalseAlarms is how many there were in a hall and month, on the average.
func (r Rate) FalseAlarms() float64 {
	if r.Months == 0 {
		return 0
	}
	return float64(r.All().False) / r.Months
}

// Run looks at every day from From to To as it went by and compares what was told with what was planted. What is told
// several times on a day is one alarm of that day; told again on the next, it is another, as if somebody had closed the
// first.
func (r Replay) Run() Rate {
	rate := Rate{Halls: 1, Months: float64(r.To-r.From+1) * 12 / 365.25}
	plants := make([]sighting, 0, len(r.Plants))
	for _, p := range r.Plants {
		whole := p.First >= r.From && p.Last <= r.To
		switch {
		case p.Kind() != "":
			plants = append(plants, sighting{Plant: p, counts: whole})
		case whole:
			rate.Unseen++
		}
	}
	months := map[string]int{}
	first := 0
	for i, day := range r.Days {
		if day.Date < r.From || day.Date > r.To {
			continue
		}
		if day.Released() == 0 {
			continue
		}
		rate.Days++
		for r.Days[first].Date < day.Date-calendar.Date(r.Past) {
			first++
		}
		past, w := r.Days[first:i], r.Watch(day.Date)
		told := r.look(day, past, w)
		quiet := true
		for i := range plants {
			if p := &plants[i]; p.First <= day.Date && day.Date <= p.Last {
				quiet = false
				p.see(day, past, w, told)
			}
		}
		for kind := range told {
			switch {
			case quiet:
				rate.Of(kind).False++
				months[SpanMonth.Period(day.Date)]++
			case !slices.ContainsFunc(plants, func(p sighting) bool {
				return p.Kind() == kind && p.First <= day.Date && day.Date <= p.Last
			}):
				rate.Of(kind).Beside++
			}
		}
	}
	for _, n := range months {
		if n > 1 {
			rate.Crowd++
		}
	}
	for _, p := range plants {
		if p.counts {
			p.enter(rate.Of(p.Kind()))
		}
	}
	return rate
}

// look returns the hour at which each kind was first told of a day, 24 for after it was over.
func (r Replay) look(day Trace, past []Trace, w rulebook.Watch) map[AnomalyKind]int {
	told := map[AnomalyKind]int{}
	at := func(through, hour int) {
		for _, f := range Spot(r.HallID, day, through, past, w) {
			if _, before := told[f.Kind]; !before {
				told[f.Kind] = hour
			}
		}
	}
	open, last := [25]bool{}, 0
	for _, c := range day.Cells {
		if c.Hour >= 0 && c.Hour < 24 {
			open[c.Hour] = true
			last = max(last, c.Hour)
		}
	}
	over := false // something is, since the last look
	for hour := range 24 {
		if over = over || hour > 0 && open[hour-1]; over && hour >= r.Least && hour <= r.Most {
			at(hour, hour)
			over = false
		}
	}
	if last >= r.Most {
		at(24, 24)
	}
	return told
}

// sighting is what became of a plant.
type sighting struct {
	Plant
	counts  bool // all its days are looked at
	open    bool // on one day at least
	seeable bool
	hour    int // at which it was told on its first open day
	inDay   bool
	later   bool
}

func (s *sighting) see(day Trace, past []Trace, w rulebook.Watch, told map[AnomalyKind]int) {
	hour, is := told[s.Kind()]
	if s.open {
		s.later = s.later || is
		return
	}
	s.open, s.seeable, s.hour, s.inDay = true, s.Seeable(day.Kind, past, w), hour, is
}

func (s sighting) enter(k *KindRate) {
	k.Planted++
	switch {
	case !s.open:
		k.Shut++
	case !s.seeable:
		k.Hidden++
		if s.inDay {
			k.HiddenIn++
		}
	case s.inDay:
		k.InDay++
		k.Hours[s.hour]++
	case s.later:
		k.Later++
	default:
		k.Missed++
	}
}

// WithinBounds tells whether the watch is as good as it is to be: nine tenths of what was planted, and could be seen, told
// within its day, and at most one false alarm a hall and month.
func (r Rate) WithinBounds() bool {
	return r.Found() >= .9 && r.FalseAlarms() <= 1
}
