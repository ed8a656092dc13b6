package oversight

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/domain/calendar"
)

// Cell is what one hour of a queue came to, of what is compared with other days.
type Cell struct {
	QueueID                                   string
	Hour                                      int
	Released, Booked, Cancelled, Came, Missed int64
	OnSite, WalkIn                            int64
}

// Taken is how many of the released numbers are held.
func (c Cell) Taken() int64 { return min(max(c.Booked-c.Cancelled, 0), c.Released) }

// Trace is what a hall's day leaves behind of which it can be told whether it was like its other days.
type Trace struct {
	Date                calendar.Date
	Kind                DayKind
	Cells               []Cell
	Cut, CutHeld, Added int64 // numbers, after the release
	Hands               Hands
	Known               bool // Hands was counted
}

// Hands says in whose hands the numbers of a day were (Art. 12, 15).
type Hands struct {
	Bookings int64 `json:"bookings"` // that stand
	Accounts int64 `json:"accounts"` // that hold them
	Top      int64 `json:"top"`      // beyond the first of each, of the accounts that hold most and more than a family
	Given    int64 `json:"given"`    // given up by their person
	Regrab   int64 `json:"regrab"`   // of these, taken again within minutes by a related account
}

// fewAccounts is how many accounts that hold most are looked at.
const fewAccounts = 3

// TraceOf takes the trace of a hall's day out of its figures.
func TraceOf(date calendar.Date, kind DayKind, f Figures) Trace {
	t := Trace{Date: date, Kind: kind, Cut: f.All.N[Cut], CutHeld: f.All.N[CutHeld], Added: f.All.N[Added]}
	for key, c := range f.By[ByQueueHour] {
		queue, text, found := strings.Cut(key, "|")
		hour, err := strconv.Atoi(text)
		if !found || err != nil {
			continue
		}
		t.Cells = append(t.Cells, Cell{
			QueueID: queue, Hour: hour, Released: c.N[Released], Booked: c.N[Booked], Cancelled: c.N[Cancelled], Came: c.N[Came], Missed: c.N[Missed],
			OnSite: c.N[OnSite], WalkIn: c.N[WalkIn],
		})
	}
	slices.SortFunc(t.Cells, func(x, y Cell) int { return cmp.Or(strings.Compare(x.QueueID, y.QueueID), x.Hour-y.Hour) })
	return t
}

// KindOf says what kind of day a date is: special where a statutory day off is its neighbour, or where it is one
// itself or makes up for one.
func KindOf(cal *calendar.Calendar, d calendar.Date) DayKind {
	weekend := d.Weekday() == 0 || d.Weekday() == 6
	return DayKind{Weekday: d.Weekday(), Special: cal.IsStatutoryOff(d) || cal.IsWorking(d) && weekend ||
		cal.IsStatutoryOff(d-1) || cal.IsStatutoryOff(d+1)}
}

// Handover is a place that was given up and perhaps taken again with it: in an hour with several places nobody can tell
// which of them somebody took, so one that was given up can be in several.
type Handover struct {
	Given, Taken                   string // ids of the bookings
	Giver, Taker                   string // accounts
	GiverApplicant, TakerApplicant string
}

// HandsOf counts in whose hands the numbers of a day are: held is how many bookings that stand each account has, those
// for organisations left out, which may have any number; given how many were given up; over those that somebody took
// again within minutes. Who holds no more than so many as a family may book in one step concentrates nothing. held is put
// in order.
//
// Giver and taker are related if they are one account with another applicant, if they have ever booked for the same
// applicant on this day, or if places of the one went to the other more than once. Each place given up, and each taken,
// counts once.
func HandsOf(held []int64, given int64, over []Handover, family int) Hands {
	h := Hands{Accounts: int64(len(held)), Given: given}
	for _, n := range held {
		h.Bookings += n
	}
	slices.SortFunc(held, func(x, y int64) int { return cmp.Compare(y, x) })
	for _, n := range held[:min(len(held), fewAccounts)] {
		if n > int64(family) {
			h.Top += n - 1
		}
	}
	times := map[[2]string]*handed{}
	circle := map[string]map[string]bool{} // applicant → accounts
	join := func(applicant, account string) {
		if circle[applicant] == nil {
			circle[applicant] = map[string]bool{}
		}
		circle[applicant][account] = true
	}
	for _, o := range over {
		pair := [2]string{o.Giver, o.Taker}
		if times[pair] == nil {
			times[pair] = &handed{}
		}
		times[pair].count(o)
		join(o.GiverApplicant, o.Giver)
		join(o.TakerApplicant, o.Taker)
	}
	var all handed
	for _, o := range over {
		same := o.Giver == o.Taker && o.GiverApplicant != o.TakerApplicant
		shared := o.Giver != o.Taker && (circle[o.GiverApplicant][o.Taker] || circle[o.TakerApplicant][o.Giver])
		if same || shared || o.Giver != o.Taker && times[[2]string{o.Giver, o.Taker}].n > 1 {
			all.count(o)
		}
	}
	h.Regrab = all.n
	return h
}

// handed counts places that went from hand to hand, each of them once on either side.
type handed struct {
	n            int64
	given, taken map[string]bool
}

func (h *handed) count(o Handover) {
	if h.given[o.Given] || h.taken[o.Taken] {
		return
	}
	if h.given == nil {
		h.given, h.taken = map[string]bool{}, map[string]bool{}
	}
	h.given[o.Given], h.taken[o.Taken] = true, true
	h.n++
}
