package oversight

import (
	"maps"
	"slices"
)

// Dimensions of the figures of a hall, and of those of a unit: a queue says nothing outside its hall.
var (
	HallDimensions = []Dimension{ByQueue, ByItem, ByChannel, ByHour, ByQueueHour}
	UnitDimensions = []Dimension{ByItem, ByDepartment, ByChannel, ByHour}
)

// OfItems returns the figures of a hall as they go into those of its unit: without what only the hall has, and with the
// items' departments. department is "" for an item nobody is responsible for.
func (f Figures) OfItems(department func(item string) string) Figures {
	out := Figures{All: f.All}
	for _, d := range UnitDimensions {
		if parts := f.By[d]; parts != nil && d != ByDepartment {
			if out.By == nil {
				out.By = map[Dimension]map[string]Counts{}
			}
			out.By[d] = parts
		}
	}
	for item, c := range f.By[ByItem] {
		out.part(ByDepartment, department(item), func(mine *Counts) { mine.Add(c) })
	}
	return out
}

// without lists what is counted without a part of a dimension.
var without = map[Dimension][]Counter{
	ByQueue: {Requests, RequestsEarly, Decisions, DecisionsEarly, Records, RecordsIn, RecordsEarly, Checked, Agreed},
	ByHour: {Waiting, Ahead, Joined, FromLine, LeftOnline, Evaluated, Content, Requests, RequestsEarly, Decisions, DecisionsEarly,
		Records, RecordsIn, RecordsEarly, Checked, Agreed},
	ByItem: {Planned, Released, OnSite, Added, Cut, Waiting, Ahead, Joined, FromLine, LeftOnline, Requests, RequestsEarly, Decisions, DecisionsEarly,
		Records, RecordsIn, RecordsEarly, Checked, Agreed},
}

// By tells whether a measure can be said of the parts of a dimension: everything in its formula is counted there.
func (m *Measure) By(d Dimension) bool {
	missing := without[d]
	switch d {
	case ByQueueHour:
		return m.Spell == "" && m.By(ByQueue) && m.By(ByHour)
	case ByDepartment:
		missing = without[ByItem]
	case ByChannel:
		missing = append(slices.Clip(without[ByItem]), Evaluated, Content)
	}
	return !slices.ContainsFunc(append(slices.Clip(m.Top), m.Bottom...), func(t Term) bool { return slices.Contains(missing, t.Counter) })
}

// Sum adds figures up.
func Sum(list ...Figures) (sum Figures) {
	for _, f := range list {
		sum.Add(f)
	}
	return sum
}

// Equal tells whether two counts are the same.
func (c Counts) Equal(o Counts) bool {
	return maps.Equal(c.N, o.N) && maps.EqualFunc(c.Spells, o.Spells, func(a, b Lengths) bool { return maps.Equal(a, b) })
}

// Empty tells whether nothing was counted.
func (c Counts) Empty() bool { return len(c.N) == 0 && len(c.Spells) == 0 }

// Differences returns where two figures are not the same: "all", or a dimension, "/" and its part; at most limit.
func (f Figures) Differences(o Figures, limit int) (where []string) {
	add := func(name string, same bool) {
		if !same && len(where) < limit {
			where = append(where, name)
		}
	}
	add("all", f.All.Equal(o.All))
	for _, d := range []Dimension{ByQueue, ByItem, ByDepartment, ByChannel, ByHour, ByQueueHour} {
		keys := slices.Sorted(maps.Keys(f.By[d]))
		for key := range o.By[d] {
			if _, ok := f.By[d][key]; !ok {
				keys = append(keys, key)
			}
		}
		for _, key := range keys {
			add(string(d)+"/"+key, f.By[d][key].Equal(o.By[d][key]))
		}
	}
	return where
}
