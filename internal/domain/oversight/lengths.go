package oversight

import (
	"maps"
	"slices"
)

// longest is the length, in minutes, that everything longer is counted as: a day in the hall.
const longest = 600

// Lengths counts spells by their whole minutes. Unlike means and percentiles, it adds up, so that the median of a
// district is as exact as that of a counter.
type Lengths map[int]int64

func (l *Lengths) add(minutes int, n int64) {
	m := min(max(minutes, 0), longest)
	if *l == nil {
		*l = Lengths{}
	}
	if (*l)[m] += n; (*l)[m] == 0 {
		delete(*l, m)
	}
}

// Number returns how many there are.
func (l Lengths) Number() (n int64) {
	for _, one := range l {
		n += one
	}
	return n
}

// Quantile returns the length that the share p of all, at least one, do not exceed, 0 < p ≤ 1; false when there are
// none.
func (l Lengths) Quantile(p float64) (minutes int, ok bool) {
	total := l.Number()
	if total <= 0 {
		return 0, false
	}
	rank := int64(p * float64(total))
	if float64(rank) < p*float64(total) {
		rank++
	}
	rank = min(max(rank, 1), total)
	for _, m := range slices.Sorted(maps.Keys(l)) {
		if rank -= l[m]; rank <= 0 {
			return m, true
		}
	}
	return longest, true
}
