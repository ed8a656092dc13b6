package directory

import (
	"slices"
	"strings"
)

// FieldChange is a column of an entry that was changed, in the words of its sheet; Was is "" in a new entry.
type FieldChange struct{ Column, Was, Is string }

// released are the columns that say when numbers are released, how many, how and for what, in the order they are told in.
var released = map[Noun][]string{
	HallNoun:     {"open"},
	QueueNoun:    {"open", "hours", "saturday", "sunday", "closures", "daily_average", "on_site_per_mille", "grandfathered_days", "draw"},
	OfferingNoun: {"open", "stages", "batch_max"},
	ItemNoun:     {"open", "stages"},
}

// Release lists what of a change of an entry changes the release of numbers, for everybody to see (Art. 22); nil is
// nothing. before is nil for a new entry, of which only what it sets is told. Reasons of closures are left out: they are
// somebody's own words.
func Release(noun Noun, before, after Fields) (out []FieldChange) {
	for _, column := range released[noun] {
		c := FieldChange{column, before[column], after[column]}
		if column == "closures" {
			c.Was, c.Is = withoutReasons(c.Was), withoutReasons(c.Is)
		}
		set := c.Is != "" && c.Is != "0" && c.Is != "no"
		if c.Was != c.Is && (before != nil || set) {
			out = append(out, c)
		}
	}
	return out
}

// withoutReasons writes closures as kind, number and half of the day, in order; the same closure for two reasons is one.
func withoutReasons(closures string) string {
	if closures == "" {
		return ""
	}
	parts := strings.Split(closures, "|")
	for i, p := range parts {
		words := strings.Fields(p)
		parts[i] = strings.Join(words[:min(len(words), 3)], " ")
	}
	slices.Sort(parts)
	return strings.Join(slices.Compact(parts), "|")
}
