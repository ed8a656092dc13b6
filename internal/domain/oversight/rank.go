package oversight

import (
	"cmp"
	"slices"
)

// Placed is where one of many stands by a measure.
type Placed struct {
	Key   string // of a unit or a hall
	Value Value
	Place int // from 1; equal values share it; 0 where the value is not ranked
	Was   int // place before, 0 for none
}

// Rank orders keys by a measure, the best first, those that are not ranked last. before are the places of the time
// before, to show who went up or down.
func Rank(m *Measure, counts map[string]Counts, before map[string]int) []Placed {
	list := make([]Placed, 0, len(counts))
	for key, c := range counts {
		list = append(list, Placed{Key: key, Value: m.Of(c), Was: before[key]})
	}
	ranked := func(p Placed) int {
		if p.Value.Ranked && m.Better != Neither {
			return 0
		}
		return 1
	}
	better := func(a, b Placed) int { // by cross multiplication: no rounding makes two equal or unequal
		if ranked(a) != 0 || ranked(b) != 0 {
			return 0
		}
		if m.Spell != "" {
			return int(m.Better) * cmp.Compare(b.Value.Top, a.Value.Top)
		}
		return int(m.Better) * cmp.Compare(b.Value.Top*a.Value.Bottom, a.Value.Top*b.Value.Bottom)
	}
	slices.SortFunc(list, func(a, b Placed) int {
		return cmp.Or(cmp.Compare(ranked(a), ranked(b)), better(a, b), cmp.Compare(a.Key, b.Key))
	})
	for i := range list {
		switch {
		case ranked(list[i]) != 0:
		case i > 0 && better(list[i-1], list[i]) == 0:
			list[i].Place = list[i-1].Place
		default:
			list[i].Place = i + 1
		}
	}
	return list
}
