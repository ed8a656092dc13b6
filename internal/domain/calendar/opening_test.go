package calendar_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/calendar"
)

var week = calendar.Week{Work: calendar.HoursOf(9, 10, 11, 13, 14, 15, 16)}

func TestArt15_OpenHours(t *testing.T) {
	c := city(t)
	weekend := calendar.Week{Work: calendar.HoursOf(9, 10), Saturday: calendar.HoursOf(11), Sunday: calendar.HoursOf(12)}
	for _, o := range []struct {
		name string
		week calendar.Week
		date string
		want []int
	}{
		{"weekday", week, "2026-11-24", []int{9, 10, 11, 13, 14, 15, 16}},
		{"Saturday", week, "2026-11-28", nil},
		{"Sunday", week, "2026-11-29", nil},
		{"opened Saturday", weekend, "2026-11-28", []int{11}},
		{"opened Sunday", weekend, "2026-11-29", []int{12}},
		{"statutory Thursday", weekend, "2026-10-01", nil},
		{"statutory Saturday", weekend, "2026-10-03", nil},
		{"statutory Sunday", weekend, "2026-10-04", nil},
		{"make-up Saturday", weekend, "2026-10-10", []int{9, 10}},
		{"make-up Sunday", weekend, "2026-09-20", []int{9, 10}},
		{"no week", calendar.Week{}, "2026-11-24", nil},
	} {
		if got := c.OpenHours(o.week, nil, date(o.date)).List(); !slices.Equal(got, o.want) {
			t.Errorf("%s: %v, want %v", o.name, got, o.want)
		}
	}
}

func TestClosures(t *testing.T) {
	c := city(t)
	morning, afternoon := []int{9, 10, 11}, []int{13, 14, 15, 16}
	full := slices.Concat(morning, afternoon)
	nth := func(n int, half calendar.Half) calendar.Rule {
		return calendar.Rule{Kind: calendar.NthWorkingDay, N: n, Half: half}
	}
	day := func(n int, half calendar.Half) calendar.Rule {
		return calendar.Rule{Kind: calendar.DayOfMonth, N: n, Half: half}
	}
	for _, k := range []struct {
		name string
		rule calendar.Rule
		date string
		want []int
	}{
		{"first working day, morning", nth(1, calendar.Morning), "2026-12-01", afternoon},
		{"and not the second", nth(1, calendar.Morning), "2026-12-02", full},
		{"first after a weekend", nth(1, calendar.Afternoon), "2026-02-02", morning},
		{"first after National Day", nth(1, calendar.WholeDay), "2026-10-08", nil},
		{"first is a make-up Sunday", nth(1, calendar.Morning), "2026-01-04", afternoon},
		{"second after that", nth(2, calendar.Morning), "2026-01-05", afternoon},
		{"third of January", nth(3, calendar.Morning), "2026-01-05", full},
		{"no 23rd working day in February", nth(23, calendar.WholeDay), "2026-02-28", full},
		{"the 23rd", day(23, calendar.Afternoon), "2026-12-23", morning},
		{"the 23rd, a Saturday, moved on to Monday", day(23, calendar.Afternoon), "2026-05-25", morning},
		{"the 23rd, a day off, moved on", day(23, calendar.Afternoon), "2026-02-24", morning},
		{"no second time", day(23, calendar.Afternoon), "2026-02-25", full},
		{"the 10th, a make-up Saturday, stays", day(10, calendar.Afternoon), "2026-10-10", morning},
		{"the 10th not on the Monday after", day(10, calendar.Afternoon), "2026-10-12", full},
		{"the 1st, National Day, moved on by a week", day(1, calendar.Morning), "2026-10-08", afternoon},
		{"the 31st, a Saturday, moved into the next month", day(31, calendar.Morning), "2026-02-02", afternoon},
		{"the 31st of February is its last day", day(31, calendar.Morning), "2026-02-28", afternoon},
		{"the 31st of November is its last day", day(31, calendar.Morning), "2026-11-30", afternoon},
		{"the 30th of a month of 31 is not its last", day(30, calendar.Morning), "2026-12-31", full},
		{"the 31st of May, a Sunday, moved into June", day(31, calendar.WholeDay), "2026-06-01", nil},
		{"the 30th of February 2025, a Friday the 28th", day(30, calendar.Morning), "2025-02-28", afternoon},
	} {
		if got := c.OpenHours(week, []calendar.Rule{k.rule}, date(k.date)).List(); !slices.Equal(got, k.want) {
			t.Errorf("%s: %s open %v, want %v", k.name, k.date, got, k.want)
		}
	}
	both := []calendar.Rule{nth(1, calendar.Morning), day(1, calendar.Afternoon)}
	if got := c.OpenHours(week, both, date("2026-12-01")); got != 0 {
		t.Errorf("two half-days leave %v", got.List())
	}
	noon := calendar.Week{Work: calendar.HoursOf(11, 12)}
	if got := c.OpenHours(noon, []calendar.Rule{nth(1, calendar.Morning)}, date("2026-12-01")).List(); !slices.Equal(got, []int{12}) {
		t.Errorf("the morning ends at 12:00, %v left", got)
	}
}

// Every month has each of its closures once, on the day found by going forward from where it falls.
func TestClosuresFallOnceAMonth(t *testing.T) {
	c := city(t)
	for n := 1; n <= 31; n++ {
		want, nth := map[calendar.Date]bool{}, map[calendar.Date]bool{}
		for m := range 12 * 4 {
			first := calendar.MakeDate(2023, time.Month(m+1), 1)
			next := calendar.MakeDate(2023, time.Month(m+2), 1)
			d := min(first+calendar.Date(n)-1, next-1)
			for !c.IsWorking(d) {
				d++
			}
			want[d] = true
			if d := c.AddWorkingDays(first-1, n); d < next {
				nth[d] = true
			}
		}
		for kind, want := range map[calendar.RuleKind]map[calendar.Date]bool{calendar.DayOfMonth: want, calendar.NthWorkingDay: nth} {
			got := map[calendar.Date]bool{}
			rules := []calendar.Rule{{Kind: kind, N: n, Half: calendar.WholeDay}}
			for d := date("2023-01-01"); d <= date("2026-12-31"); d++ {
				if c.IsWorking(d) && c.OpenHours(week, rules, d) == 0 {
					got[d] = true
				}
			}
			delete(got, c.AddWorkingDays(date("2022-12-31"), 1)) // December 2022 may have moved here
			delete(want, c.AddWorkingDays(date("2022-12-31"), 1))
			maps.DeleteFunc(want, func(d calendar.Date, _ bool) bool { return d > date("2026-12-31") })
			if !maps.Equal(got, want) {
				t.Errorf("%s %d: got %v, want %v", kind, n, got, want)
			}
		}
	}
}

func TestClosuresOnlyTakeAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, d := anyCalendar(t), anyDate(t, "date")
		hours := rapid.Custom(func(t *rapid.T) calendar.Hours { return calendar.Hours(rapid.Uint32Range(0, 1<<24-1).Draw(t, "hours")) })
		w := calendar.Week{Work: hours.Draw(t, "work"), Saturday: hours.Draw(t, "saturday"), Sunday: hours.Draw(t, "sunday")}
		rules := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) calendar.Rule {
			return calendar.Rule{
				Kind: rapid.SampledFrom([]calendar.RuleKind{calendar.NthWorkingDay, calendar.DayOfMonth}).Draw(t, "kind"),
				N:    rapid.IntRange(1, 23).Draw(t, "n"),
				Half: rapid.SampledFrom([]calendar.Half{calendar.Morning, calendar.Afternoon, calendar.WholeDay}).Draw(t, "half"),
			}
		}), 0, 4).Draw(t, "rules")
		all, open := c.OpenHours(w, nil, d), c.OpenHours(w, rules, d)
		if open&^all != 0 {
			t.Fatalf("closures opened %v", (open &^ all).List())
		}
		if c.IsStatutoryOff(d) && all != 0 {
			t.Fatalf("open on the statutory day off %s", d)
		}
		if !c.IsWorking(d) && open != all {
			t.Fatalf("a closure fell on %s, no working day", d)
		}
		for _, r := range rules {
			if err := r.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestRuleValidate(t *testing.T) {
	for _, k := range []struct {
		rule calendar.Rule
		ok   bool
	}{
		{calendar.Rule{Kind: calendar.NthWorkingDay, N: 1, Half: calendar.Morning, Reason: "盘点"}, true},
		{calendar.Rule{Kind: calendar.NthWorkingDay, N: 23, Half: calendar.Afternoon}, true},
		{calendar.Rule{Kind: calendar.NthWorkingDay, N: 24, Half: calendar.Afternoon}, false},
		{calendar.Rule{Kind: calendar.NthWorkingDay, N: 0, Half: calendar.Afternoon}, false},
		{calendar.Rule{Kind: calendar.DayOfMonth, N: 31, Half: calendar.WholeDay}, true},
		{calendar.Rule{Kind: calendar.DayOfMonth, N: 32, Half: calendar.WholeDay}, false},
		{calendar.Rule{Kind: calendar.DayOfMonth, N: -1, Half: calendar.WholeDay}, false},
		{calendar.Rule{Kind: calendar.DayOfMonth, N: 5}, false},
		{calendar.Rule{Kind: calendar.DayOfMonth, N: 5, Half: "noon"}, false},
		{calendar.Rule{Kind: "weekday", N: 5, Half: calendar.Morning}, false},
		{calendar.Rule{N: 5, Half: calendar.Morning}, false},
	} {
		if err := k.rule.Validate(); (err == nil) != k.ok {
			t.Errorf("%+v: %v", k.rule, err)
		}
	}
}

func TestHours(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfNDistinct(rapid.IntRange(0, 23), 0, 24, rapid.ID).Draw(t, "hours")
		s := calendar.HoursOf(list...)
		slices.Sort(list)
		if !slices.Equal(s.List(), list) {
			t.Fatalf("%v came back as %v", list, s.List())
		}
		for h := -2; h < 40; h++ {
			if s.Has(h) != slices.Contains(list, h) {
				t.Fatalf("hour %d of %v", h, list)
			}
		}
	})
}
