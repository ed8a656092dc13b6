package oversight

import (
	"reflect"
	"slices"
	"testing"

	"suiyue/internal/domain/calendar"
)

func TestArt21_AUnitsFiguresAreThoseOfItsHallsWithTheDepartmentsOfTheirItems(t *testing.T) {
	var hall Figures
	hall.count(where{queue: "hall-a", item: "X", channel: "web", hour: 9}, Booked, 3)
	hall.count(where{queue: "hall-a", item: "Y", channel: "desk", hour: 9}, Booked, 2)
	hall.count(where{queue: "hall-b", item: "Z", channel: "web", hour: 10}, Booked, 1)
	hall.count(where{queue: "hall-b", hour: -1}, Booked, 0)
	hall.lasted(where{queue: "hall-a", item: "X", hour: 9}, WaitBooked, 0)
	if got := hall.By[ByQueueHour]; len(got) != 2 || got["hall-a|09"].N[Booked] != 5 || got["hall-a|09"].Spells != nil || got["hall-b|10"].N[Booked] != 1 {
		t.Errorf("by queue and hour: %v", got)
	}
	unit := Sum(hall, hall).OfItems(func(item string) string { return map[string]string{"X": "agency", "Y": "agency"}[item] })
	if !unit.All.Equal(Sum(hall, hall).All) {
		t.Errorf("in all: %v", unit.All)
	}
	for d, want := range map[Dimension]map[string]int64{
		ByItem: {"X": 6, "Y": 4, "Z": 2}, ByDepartment: {"agency": 10}, ByChannel: {"web": 8, "desk": 4}, ByHour: {"09": 10, "10": 2},
	} {
		got := map[string]int64{}
		for key, c := range unit.By[d] {
			got[key] = c.N[Booked]
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("by %s: %v, want %v", d, got, want)
		}
	}
	if unit.By[ByQueue] != nil || unit.By[ByQueueHour] != nil {
		t.Error("a unit's figures speak of queues")
	}
	sums := Sum(hall.OfItems(func(string) string { return "a" }), hall.OfItems(func(string) string { return "a" }))
	if where := sums.Differences(unit, 9); !slices.Equal(where, []string{"department/a", "department/agency"}) {
		t.Errorf("differences: %v", where)
	}
	if where := sums.Differences(hall, 2); len(where) != 2 {
		t.Errorf("more differences than asked for: %v", where)
	}
}

// What can be said of the parts of a dimension is all that is counted in them, and nothing else.
func TestMeasuresAreBrokenDownByWhatTheyCount(t *testing.T) {
	for d, want := range map[Dimension]map[string]bool{
		ByQueue:      {"saturation": true, "line_pressure": true, "content": true, "wait_median": true, "decided_in_time": false, "data_in_time": false},
		ByHour:       {"saturation": true, "line_pressure": false, "content": false, "wait_median": true},
		ByItem:       {"saturation": false, "released": false, "no_show_rate": true, "content": true, "handling_median": true, "onsite_share": false},
		ByDepartment: {"saturation": false, "no_show_rate": true}, ByChannel: {"no_show_rate": true, "content": false},
		ByQueueHour: {"saturation": true, "wait_median": false, "content": false},
	} {
		for id, yes := range want {
			m, err := Newest(id)
			if err != nil || m.By(d) != yes {
				t.Errorf("%s by %s: %t (%v)", id, d, !yes, err)
			}
		}
	}
	w := where{"q", "i", "c", 9}
	for _, k := range Counters {
		var f Figures
		f.count(w, k, 1)
		m := Measure{Top: of(k)}
		if !m.By(ByQueue) && !m.By(ByHour) && !m.By(ByItem) && f.All.Empty() {
			t.Errorf("%s is counted nowhere", k)
		}
	}
}

func TestPeriods(t *testing.T) {
	d := calendar.MakeDate(2028, 2, 29)
	for _, c := range []struct {
		span                        Span
		period, before, first, last string
	}{
		{SpanDay, "2028-02-29", "2028-02-28", "2028-02-29", "2028-02-29"},
		{SpanMonth, "2028-02", "2028-01", "2028-02-01", "2028-02-29"},
	} {
		first, last, err := c.span.Dates(c.period)
		before, _ := c.span.Before(c.period)
		if c.span.Period(d) != c.period || err != nil || before != c.before || first.String() != c.first || last.String() != c.last {
			t.Errorf("%s of %s: %s, before %s, %s to %s (%v)", c.span, d, c.span.Period(d), before, first, last, err)
		}
	}
	for span, bad := range map[Span]string{SpanDay: "2028-02", SpanMonth: "2028-02-29", "year": "2028"} {
		if _, _, err := span.Dates(bad); err == nil {
			t.Errorf("%q is taken for a %s", bad, span)
		}
	}
}
