package directory

import (
	"maps"
	"slices"
)

// Delta is what an import has to write of one noun.
type Delta[T any] struct {
	Added   []T
	Changed []T
	Removed [][]string // keys of entries to close; they are never deleted
}

// Save returns what is to be inserted or replaced.
func (d Delta[T]) Save() []T { return slices.Concat(d.Added, d.Changed) }

// Empty tells whether there is nothing to write.
func (d Delta[T]) Empty() bool { return len(d.Added)+len(d.Changed)+len(d.Removed) == 0 }

// Changes is the difference between two cities.
type Changes struct {
	Units     Delta[Unit]
	Halls     Delta[Hall]
	Queues    Delta[Queue]
	Items     Delta[Item]
	Offerings Delta[Offering]
}

// Empty tells whether the cities are the same.
func (c Changes) Empty() bool {
	return c.Units.Empty() && c.Halls.Empty() && c.Queues.Empty() && c.Items.Empty() && c.Offerings.Empty()
}

// Diff says what turns old, as it is stored, into next. Closed units, items and offerings are left
// out of old, so that one that comes back counts as added; closed halls and queues may be in it, with
// Open false. What a hall keeps (Hall.Keep) is no difference: a changed hall carries the old one's. Lines only
// shape queues and are not compared.
func Diff(old, next City) Changes {
	var c Changes
	c.Units = delta(old.Units, next.Units, func(u Unit) string { return u.ID }, func(u Unit) []string { return []string{u.ID} },
		func(a Unit, b *Unit) bool { return a == *b }, nil)
	c.Halls = delta(old.Halls, next.Halls, func(h Hall) string { return h.ID }, func(h Hall) []string { return []string{h.ID} },
		func(a Hall, b *Hall) bool {
			b.Keep(a)
			return a == *b
		}, func(h Hall) bool { return !h.Open })
	c.Queues = delta(old.Queues, next.Queues, func(q Queue) string { return q.ID }, func(q Queue) []string { return []string{q.ID} },
		sameQueue, func(q Queue) bool { return !q.Open })
	c.Items = delta(old.Items, next.Items, func(i Item) string { return i.Code }, func(i Item) []string { return []string{i.Code} }, sameItem, nil)
	c.Offerings = delta(old.Offerings, next.Offerings, func(o Offering) [3]string { return [3]string(o.key()) }, Offering.key,
		func(a Offering, b *Offering) bool {
			return a.BatchMax == b.BatchMax && slices.Equal(a.Stages, b.Stages)
		}, nil)
	return c
}

// delta compares two lists by key. same may carry over into the new entry what the files do not hold;
// closed tells of an old entry that has been closed before.
func delta[K comparable, T any](old, next []T, key func(T) K, words func(T) []string, same func(T, *T) bool, closed func(T) bool) (d Delta[T]) {
	before := make(map[K]T, len(old))
	for _, v := range old {
		before[key(v)] = v
	}
	for _, v := range next {
		k := key(v)
		was, known := before[k]
		delete(before, k)
		switch {
		case !known:
			d.Added = append(d.Added, v)
		case !same(was, &v):
			d.Changed = append(d.Changed, v)
		}
	}
	for _, v := range slices.Collect(maps.Values(before)) {
		if closed == nil || !closed(v) {
			d.Removed = append(d.Removed, words(v))
		}
	}
	slices.SortFunc(d.Removed, slices.Compare)
	return d
}

func sameQueue(a Queue, b *Queue) bool {
	return a.ID == b.ID && a.HallID == b.HallID && a.Line == b.Line && a.Name == b.Name && a.Week == b.Week &&
		slices.Equal(a.Closures, b.Closures) && a.DailyAverage == b.DailyAverage && a.AverageSource == b.AverageSource &&
		a.OnSitePerMille == b.OnSitePerMille && a.GrandfatheredHorizon == b.GrandfatheredHorizon && a.Open == b.Open
}

func sameItem(a Item, b *Item) bool {
	return a.Code == b.Code && a.Department == b.Department && a.Category == b.Category && a.Line == b.Line &&
		a.Name == b.Name && a.Summary == b.Summary && slices.Equal(a.Keywords, b.Keywords) && a.Initials == b.Initials &&
		slices.Equal(a.Stages, b.Stages) && slices.Equal(a.Materials, b.Materials) && a.OnlineURL == b.OnlineURL &&
		a.OnlineName == b.OnlineName && a.SelfService == b.SelfService && a.Foreigner == b.Foreigner && a.Minutes == b.Minutes &&
		slices.Equal(a.Levels, b.Levels) && a.Popular == b.Popular
}
