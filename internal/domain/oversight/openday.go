package oversight

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
)

// AllHours is the hour of what stands for a whole day.
const AllHours = -1

// OpenHall is what the open data of a day are made from, of one hall.
type OpenHall struct {
	HallID  string
	Figures Figures // broken down by hour
}

// OpenRow is one line of the open data of a day: a hall's hour, its day (hour AllHours), or the sum over the halls of
// a group (HallID ""). Counts of people are hidden where they are few.
type OpenRow struct {
	HallID     string
	Hour       int
	Capacity   int64    // numbers released, and kept for the hall
	Bookings   OpenCell // numbers booked and not cancelled by the person
	NoShows    OpenCell
	Waits      OpenCell // people called, of whom the wait is known
	WaitMedian int      // minutes, −1 where nothing is said
	WaitP90    int
}

// OpenDay makes the open data of one day for the halls of one district: a line for each hour and hall with numbers
// or people, with the sums by hall, by hour and over all. least is how many people a count must stand for.
func OpenDay(halls []OpenHall, least int64) []OpenRow {
	halls = slices.SortedFunc(slices.Values(halls), func(a, b OpenHall) int { return cmp.Compare(a.HallID, b.HallID) })
	hours := openHours(halls)
	if len(hours) == 0 {
		return nil
	}
	var booked, missed, called [][]int64
	waits := make([][]Lengths, len(halls)+1)
	places := make([][]int64, len(halls)+1)
	for i := range waits {
		waits[i], places[i] = make([]Lengths, len(hours)+1), make([]int64, len(hours)+1)
	}
	last, all := len(halls), len(hours)
	for i, h := range halls {
		b, m, w := make([]int64, len(hours)), make([]int64, len(hours)), make([]int64, len(hours))
		for j, hour := range hours {
			c := h.Figures.By[ByHour][hourKey(hour)]
			b[j], m[j] = max(c.N[Booked]-c.N[Cancelled], 0), max(c.N[Missed], 0)
			for _, at := range [][2]int{{i, j}, {i, all}, {last, j}, {last, all}} {
				places[at[0]][at[1]] += c.N[Released] + c.N[OnSite]
				for _, k := range []Spell{WaitBooked, WaitWalkIn, WaitGreen} {
					for minutes, n := range c.Spells[k] {
						waits[at[0]][at[1]].add(minutes, n)
					}
				}
			}
			w[j] = waits[i][j].Number()
		}
		booked, missed, called = append(booked, b), append(missed, m), append(called, w)
	}
	b, m, w := NewOpenTable(booked, least), NewOpenTable(missed, least), NewOpenTable(called, least)
	var out []OpenRow
	for i := range waits {
		for j := range waits[i] {
			r := OpenRow{Hour: AllHours, Capacity: places[i][j], Bookings: b[i][j], NoShows: m[i][j], Waits: w[i][j], WaitMedian: -1, WaitP90: -1}
			if i < last {
				r.HallID = halls[i].HallID
			}
			if j < all {
				r.Hour = hours[j]
			}
			if r.Capacity == 0 && r.Bookings.N == 0 && r.Waits.N == 0 {
				continue
			}
			r.waits(waits[i][j], least)
			out = append(out, r)
		}
	}
	return out
}

// waits says how long people waited, where so many did that it says nothing about one of them.
func (r *OpenRow) waits(l Lengths, least int64) {
	if r.Waits.Hidden || r.Waits.N < least {
		return
	}
	if m, ok := l.Quantile(0.5); ok {
		r.WaitMedian = m
	}
	if r.Waits.N >= 4*least { // of fewer, the longest tenth is one or two people
		if m, ok := l.Quantile(0.9); ok {
			r.WaitP90 = m
		}
	}
}

func openHours(halls []OpenHall) []int {
	seen := map[int]bool{}
	for _, h := range halls {
		for key := range h.Figures.By[ByHour] {
			if hour, err := strconv.Atoi(key); err == nil && hour >= 0 && hour < 24 {
				seen[hour] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
