package oversight

import (
	"fmt"
	"slices"
)

// Unit is what the value of a measure is in.
type Unit string

const (
	Share   Unit = "share"   // 0 to 1, where not said otherwise
	Numbers Unit = "numbers" // plain count
	Minutes Unit = "minutes"
	Times   Unit = "times" // may exceed 1
)

// Better says which direction is the good one, for ranking.
type Better int

const (
	Neither Better = 0
	More    Better = 1
	Less    Better = -1
)

// Term is a counter with its sign.
type Term struct {
	Counter Counter
	Less    bool // taken off
}

// Measure is an indicator of the measure's chapter 5: one version of one formula. A formula that changes becomes a new
// version; figures say by which they were made.
type Measure struct {
	ID      string
	Version int
	Article string // of 穗政數規字〔2021〕2號 that asks for it, "" for a later law or good practice
	Unit    Unit
	Better  Better
	// The formula: one of a sum of counters, a sum over a sum, or a quantile of a spell.
	Top, Bottom []Term
	Spell       Spell
	Quantile    float64
	Least       int64 // how many of Bottom, or of the spell, a value must stand on to be ranked
}

// Value is what a measure comes to. Of counts nothing can be said of, OK is false: no rate stands on nothing.
type Value struct {
	OK          bool
	Top, Bottom int64 // of a rate; Bottom is 1 of a plain count and the number of spells of a quantile
	Ranked      bool  // it stands on enough to be compared
}

// Float is the value as a number: minutes of a quantile, else Top over Bottom.
func (m *Measure) Float(v Value) float64 {
	if !v.OK {
		return 0
	}
	if m.Spell != "" {
		return float64(v.Top)
	}
	return float64(v.Top) / float64(v.Bottom)
}

// Of returns what the measure comes to for these counts.
func (m *Measure) Of(c Counts) Value {
	switch {
	case m.Spell != "":
		l := c.Spells[m.Spell]
		minutes, ok := l.Quantile(m.Quantile)
		n := l.Number()
		return Value{OK: ok, Top: int64(minutes), Bottom: n, Ranked: ok && n >= m.Least}
	case m.Bottom == nil:
		return Value{OK: true, Top: sum(c, m.Top), Bottom: 1, Ranked: true}
	}
	top, bottom := sum(c, m.Top), sum(c, m.Bottom)
	if bottom <= 0 {
		return Value{}
	}
	return Value{OK: true, Top: top, Bottom: bottom, Ranked: bottom >= m.Least}
}

func sum(c Counts, terms []Term) (n int64) {
	for _, t := range terms {
		if t.Less {
			n -= c.N[t.Counter]
		} else {
			n += c.N[t.Counter]
		}
	}
	return n
}

func of(list ...Counter) (terms []Term) {
	for _, k := range list {
		terms = append(terms, Term{Counter: k})
	}
	return terms
}

func less(terms []Term, list ...Counter) []Term {
	for _, k := range list {
		terms = append(terms, Term{Counter: k, Less: true})
	}
	return terms
}

// few is how many cases a rate must stand on to be ranked: below that one person more or less turns the order round.
const few = 30

// Measures are all versions of all measures, in the order in which they are shown; of one measure the newest version
// stands first.
var Measures = []Measure{
	{ID: "released", Version: 1, Article: "13", Unit: Numbers, Better: More, Top: of(Released)},
	{ID: "release_rate", Version: 1, Article: "13", Unit: Times, Better: More, Top: of(Released, OnSite), Bottom: of(Planned), Least: few},
	{ID: "saturation", Version: 1, Article: "22", Unit: Share, Top: less(of(Booked), Cancelled), Bottom: of(Released), Least: few},
	{ID: "onsite_share", Version: 1, Article: "14", Unit: Share, Better: Less, Top: of(OnSite), Bottom: of(Released, OnSite), Least: few},
	{ID: "booking_rate", Version: 1, Article: "2", Unit: Share, Better: More, Top: of(ServedBooked), Bottom: of(Served), Least: few},
	{ID: "show_rate", Version: 1, Article: "18", Unit: Share, Better: More, Top: of(Came), Bottom: less(of(Booked), Cancelled), Least: few},
	{ID: "no_show_rate", Version: 1, Article: "18", Unit: Share, Better: Less, Top: of(Missed), Bottom: less(of(Booked), Cancelled), Least: few},
	{ID: "cancellation_rate", Version: 1, Article: "18", Unit: Share, Top: of(Cancelled), Bottom: of(Booked), Least: few},
	{ID: "displaced_rate", Version: 1, Article: "22", Unit: Share, Better: Less, Top: of(Displaced), Bottom: of(Booked, Displaced), Least: few},
	{ID: "on_time_rate", Version: 1, Article: "17", Unit: Share, Better: More, Top: of(CalledOnTime), Bottom: of(CalledBooked), Least: few},
	{ID: "wait_median", Version: 1, Article: "17", Unit: Minutes, Better: Less, Spell: WaitBooked, Quantile: 0.5, Least: few},
	{ID: "wait_p90", Version: 1, Article: "17", Unit: Minutes, Better: Less, Spell: WaitBooked, Quantile: 0.9, Least: few},
	{ID: "wait_walkin_median", Version: 1, Article: "14", Unit: Minutes, Better: Less, Spell: WaitWalkIn, Quantile: 0.5, Least: few},
	{ID: "wait_walkin_p90", Version: 1, Article: "14", Unit: Minutes, Better: Less, Spell: WaitWalkIn, Quantile: 0.9, Least: few},
	{ID: "handling_median", Version: 1, Article: "13", Unit: Minutes, Spell: Handling, Quantile: 0.5, Least: few},
	{ID: "unserved", Version: 1, Article: "17", Unit: Numbers, Better: Less, Top: of(Unserved)},
	{ID: "line_pressure", Version: 1, Article: "16", Unit: Times, Better: Less, Top: of(Waiting), Bottom: of(Ahead), Least: 1},
	{ID: "line_served", Version: 1, Article: "15", Unit: Share, Better: More, Top: of(FromLine), Bottom: of(Joined), Least: few},
	{ID: "led_online", Version: 1, Article: "16", Unit: Numbers, Better: More, Top: of(LeftOnline)},
	{ID: "green", Version: 1, Article: "12", Unit: Numbers, Top: of(Green)},
	{ID: "wait_green_median", Version: 1, Article: "12", Unit: Minutes, Better: Less, Spell: WaitGreen, Quantile: 0.5, Least: few},
	{ID: "decided_in_time", Version: 1, Article: "23", Unit: Share, Better: More, Top: of(DecisionsEarly), Bottom: of(Decisions), Least: 1},
	{ID: "filed_in_time", Version: 1, Article: "23", Unit: Share, Better: More, Top: of(RequestsEarly), Bottom: of(Requests), Least: 1},
	{ID: "cut_after_release", Version: 1, Article: "22", Unit: Numbers, Better: Less, Top: of(CutHeld)},
	{ID: "data_in_time", Version: 1, Article: "21", Unit: Share, Better: More, Top: of(RecordsEarly), Bottom: of(Records), Least: few},
	{ID: "data_complete", Version: 1, Article: "21", Unit: Share, Better: More, Top: of(RecordsIn), Bottom: of(Records), Least: few},
	{ID: "data_accurate", Version: 1, Article: "21", Unit: Share, Better: More, Top: of(Agreed), Bottom: of(Checked), Least: few},
	{ID: "content", Version: 1, Unit: Share, Better: More, Top: of(Content), Bottom: of(Evaluated), Least: few},
	{ID: "rush_first", Version: 1, Article: "13", Unit: Share, Better: Less, Top: of(RushFirst), Bottom: of(Rush), Least: few},
}

// Newest returns the version of a measure that is in force.
func Newest(id string) (*Measure, error) {
	i := slices.IndexFunc(Measures, func(m Measure) bool { return m.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("oversight: no measure %q", id)
	}
	return &Measures[i], nil
}

// Version returns one version of a measure, so that what was made by it can be explained.
func Version(id string, version int) (*Measure, error) {
	i := slices.IndexFunc(Measures, func(m Measure) bool { return m.ID == id && m.Version == version })
	if i < 0 {
		return nil, fmt.Errorf("oversight: no version %d of measure %q", version, id)
	}
	return &Measures[i], nil
}
