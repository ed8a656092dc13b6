package directory

import (
	"slices"
	"testing"
)

func TestArt22_WhatOfAnEditChangesTheRelease(t *testing.T) {
	for name, c := range map[string]struct {
		noun          Noun
		before, after Fields
		want          []FieldChange
	}{
		"a phone":                {HallNoun, Fields{"phone": "1", "open": "yes"}, Fields{"phone": "2", "open": "yes"}, nil},
		"a hall is shut":         {HallNoun, Fields{"open": "yes"}, Fields{"open": "no"}, []FieldChange{{"open", "yes", "no"}}},
		"hours and a name":       {QueueNoun, Fields{"hans": "a", "hours": "09:00-12:00"}, Fields{"hans": "b", "hours": "09:00-11:00"}, []FieldChange{{"hours", "09:00-12:00", "09:00-11:00"}}},
		"no Saturday any more":   {QueueNoun, Fields{"saturday": "09:00-12:00"}, Fields{"saturday": ""}, []FieldChange{{"saturday", "09:00-12:00", ""}}},
		"numbers of files":       {QueueNoun, Fields{"daily_average": "70", "on_site_per_mille": "100"}, Fields{"daily_average": "0", "on_site_per_mille": "50"}, []FieldChange{{"daily_average", "70", "0"}, {"on_site_per_mille", "100", "50"}}},
		"where a figure is from": {QueueNoun, Fields{"average_source": "by somebody"}, Fields{"average_source": "by another"}, nil},
		"a closure, not why": {QueueNoun, Fields{"closures": "nth_working_day 1 morning because of somebody"}, Fields{"closures": "nth_working_day 2 day because of somebody|day_of_month 23 afternoon"},
			[]FieldChange{{"closures", "nth_working_day 1 morning", "day_of_month 23 afternoon|nth_working_day 2 day"}}},
		"only why":        {QueueNoun, Fields{"closures": "day_of_month 23 day one"}, Fields{"closures": "day_of_month 23 day another"}, nil},
		"a new queue":     {QueueNoun, nil, Fields{"hours": "09:00-17:00", "saturday": "", "draw": "no", "daily_average": "0", "open": "yes"}, []FieldChange{{"open", "", "yes"}, {"hours", "", "09:00-17:00"}}},
		"what is offered": {OfferingNoun, Fields{"stages": "acceptance", "batch_max": "0", "open": "yes"}, Fields{"stages": "acceptance|collection", "batch_max": "3", "open": "yes"}, []FieldChange{{"stages", "acceptance", "acceptance|collection"}, {"batch_max", "0", "3"}}},
		"an item's words": {ItemNoun, Fields{"minutes": "20"}, Fields{"minutes": "30"}, nil},
		"a counter":       {CounterNoun, Fields{"open": "yes"}, Fields{"open": "no"}, nil},
	} {
		if got := Release(c.noun, c.before, c.after); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
