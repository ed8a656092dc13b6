package supply_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/domain/supply"
)

var day = calendar.HoursOf(9, 10, 11, 13, 14, 15, 16)

func TestArt15_Split(t *testing.T) {
	for _, c := range []struct {
		total, n int
		want     []int
	}{
		{70, 7, []int{10, 10, 10, 10, 10, 10, 10}},
		{72, 7, []int{11, 11, 10, 10, 10, 10, 10}},
		{3, 7, []int{1, 1, 1, 0, 0, 0, 0}},
		{0, 2, []int{0, 0}},
		{-5, 2, []int{0, 0}},
		{5, 1, []int{5}},
		{5, 0, nil},
		{5, -1, nil},
	} {
		if got := supply.Split(c.total, c.n); !slices.Equal(got, c.want) {
			t.Errorf("%d over %d = %v, want %v", c.total, c.n, got, c.want)
		}
	}
}

func TestArt15_SplitIsEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total, n := rapid.IntRange(0, 1_000_000).Draw(t, "total"), rapid.IntRange(1, 24).Draw(t, "n")
		parts := supply.Split(total, n)
		sum := 0
		for i, p := range parts {
			sum += p
			if i > 0 && p > parts[i-1] {
				t.Fatalf("%v: a later part is larger", parts)
			}
		}
		if sum != total || len(parts) != n || parts[0]-parts[n-1] > 1 {
			t.Fatalf("%d over %d = %v", total, n, parts)
		}
	})
}

func TestArt14_OnSiteTotal(t *testing.T) {
	for _, c := range []struct{ total, perMille, want int }{
		{100, 100, 10}, {109, 100, 10}, {9, 100, 0}, {10, 100, 1}, {420, 50, 21}, {19, 50, 0}, {420, 0, 0},
		{100, 300, 10}, // never above 10 %
		{100, -5, 0}, {-100, 100, 0}, {0, 100, 0},
	} {
		if got := supply.OnSiteTotal(c.total, c.perMille); got != c.want {
			t.Errorf("%d per mille of %d = %d, want %d", c.perMille, c.total, got, c.want)
		}
	}
}

func TestArt14_PlanDay(t *testing.T) {
	for _, c := range []struct {
		total, perMille int
		hours           calendar.Hours
		want            string // hour off-site+on-site
	}{
		{70, 100, day, "9:9+1 10:9+1 11:9+1 13:9+1 14:9+1 15:9+1 16:9+1 "},
		{20, 100, day, "9:2+1 10:3+0 11:3+0 13:2+1 14:3+0 15:3+0 16:2+0 "}, // morning and afternoon
		{420, 100, day, "9:54+6 10:54+6 11:54+6 13:54+6 14:54+6 15:54+6 16:54+6 "},
		{9, 100, day, "9:2+0 10:2+0 11:1+0 13:1+0 14:1+0 15:1+0 16:1+0 "}, // a tenth of 9 is none
		{3, 100, day, "9:1+0 10:1+0 11:1+0 13:0+0 14:0+0 15:0+0 16:0+0 "},
		{10, 100, calendar.HoursOf(9, 10), "9:4+1 10:5+0 "},
		{10, 0, calendar.HoursOf(9, 10), "9:5+0 10:5+0 "},
		{10, 100, 0, ""},
		{0, 100, calendar.HoursOf(9), "9:0+0 "},
	} {
		got := ""
		for _, p := range supply.PlanDay(c.total, c.perMille, c.hours) {
			got += fmt.Sprintf("%d:%d+%d ", p.Hour, p.OffSite, p.OnSite)
		}
		if got != c.want {
			t.Errorf("%d a day, %d per mille: %s, want %s", c.total, c.perMille, got, c.want)
		}
	}
}

func TestArt14_OnSiteIsAtMostATenth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Small totals are where remainders collide.
		total := rapid.OneOf(rapid.IntRange(0, 60), rapid.IntRange(0, 20_000)).Draw(t, "total")
		perMille := rapid.IntRange(0, 150).Draw(t, "per mille")
		open := calendar.Hours(rapid.Uint32Range(1, 1<<24-1).Draw(t, "open"))
		plan := supply.PlanDay(total, perMille, open)
		all := supply.Split(total, len(plan))
		sum, onSite, least, most := 0, 0, total, 0
		for i, p := range plan {
			if p.Hour != open.List()[i] || p.OffSite < 0 || p.OnSite < 0 || p.OffSite+p.OnSite != all[i] {
				t.Fatalf("%d over %v: hour %d is %+v of %d", total, open.List(), i, p, all[i])
			}
			sum, onSite = sum+p.OffSite+p.OnSite, onSite+p.OnSite
			least, most = min(least, p.OnSite), max(most, p.OnSite)
		}
		if sum != total || onSite != supply.OnSiteTotal(total, perMille) || onSite*10 > total || most-least > 1 {
			t.Fatalf("%d at %d per mille over %d hours: %+v", total, perMille, len(plan), plan)
		}
	})
}

func TestArt15_DailyAverage(t *testing.T) {
	for _, c := range []struct {
		completed []int
		want      int
	}{
		{nil, 0}, {[]int{0, 0}, 0}, {[]int{7}, 7}, {[]int{10, 20}, 15}, {[]int{10, 11}, 11}, {[]int{0, 0, 1}, 1}, {[]int{100, 100, 101}, 101},
		{[]int{-4, 4}, 2},
	} {
		if got := supply.DailyAverage(c.completed); got != c.want {
			t.Errorf("%v = %d, want %d", c.completed, got, c.want)
		}
	}
}

// city returns the calendar of the project's own holiday file.
func city(tb testing.TB) *calendar.Calendar {
	tb.Helper()
	f, err := os.Open("../../../data/statutory-holidays.csv")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	days, wrong := calendar.ParseCSV(f)
	if len(wrong) > 0 {
		tb.Fatalf("holiday file: %v", wrong)
	}
	c, err := calendar.New(days, calendar.Years(days))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func queue() directory.Queue {
	return directory.Queue{
		ID: "440106000000-social", HallID: "440106000000", Line: "social", Open: true,
		Week: calendar.Week{Work: day}, DailyAverage: 140, OnSitePerMille: 100,
	}
}

func date(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(s)
	}
	return d
}

func TestArt14_SlotsFor(t *testing.T) {
	c := city(t)
	slots := supply.SlotsFor(c, rulebook.Continued2025(), queue(), date("2026-10-21"))
	if len(slots) != 7 {
		t.Fatalf("%d slots", len(slots))
	}
	want := booking.Slot{
		ID: "440106000000-social-20261021-09", HallID: "440106000000", QueueID: "440106000000-social",
		Date: date("2026-10-21"), Hour: 9, Capacity: 18, OnSite: 2, Release: date("2026-09-30").At(12, 0),
	}
	if slots[0] != want {
		t.Errorf("got  %+v\nwant %+v", slots[0], want)
	}
	if last := slots[6]; last.ID != "440106000000-social-20261021-16" || last.Hour != 16 {
		t.Errorf("last slot: %+v", last)
	}
}

func TestArt14_SlotsForByRulebookAndQueue(t *testing.T) {
	c := city(t)
	plain := func(r *rulebook.Rulebook, _ *directory.Queue) { r.WindowCounts = rulebook.CalendarDays }
	for _, k := range []struct {
		name            string
		change          func(*rulebook.Rulebook, *directory.Queue)
		date            string
		slots           int
		offSite, onSite int
		release         string
	}{
		{"as it is", nil, "2026-10-08", 7, 126, 14, "2026-09-14 12:00"},
		{"plain calendar days", plain, "2026-10-08", 7, 126, 14, "2026-09-24 12:00"},
		{"released in the morning", func(r *rulebook.Rulebook, _ *directory.Queue) { r.ReleaseAt = 8*60 + 30 }, "2026-12-09", 7, 126, 14, "2026-11-25 08:30"},
		{"a longer horizon kept", func(_ *rulebook.Rulebook, q *directory.Queue) { q.GrandfatheredHorizon = 30 }, "2026-12-09", 7, 126, 14, "2026-11-09 12:00"},
		{"a shorter one is none", func(_ *rulebook.Rulebook, q *directory.Queue) { q.GrandfatheredHorizon = 7 }, "2026-12-09", 7, 126, 14, "2026-11-25 12:00"},
		{"less on site", func(_ *rulebook.Rulebook, q *directory.Queue) { q.OnSitePerMille = 50 }, "2026-12-09", 7, 133, 7, "2026-11-25 12:00"},
		{"the rulebook's share is the most", func(r *rulebook.Rulebook, _ *directory.Queue) { r.OnSitePerMille = 50 }, "2026-12-09", 7, 133, 7, "2026-11-25 12:00"},
		{"statutory day off", nil, "2026-10-01", 0, 0, 0, ""},
		{"Saturday", nil, "2026-12-12", 0, 0, 0, ""},
		{"opened Saturday", func(_ *rulebook.Rulebook, q *directory.Queue) { q.Week.Saturday = calendar.HoursOf(9, 10, 11) }, "2026-12-12", 3, 126, 14, "2026-11-28 12:00"},
		{"make-up Saturday", nil, "2026-10-10", 7, 126, 14, "2026-09-16 12:00"},
		{"closed morning", func(_ *rulebook.Rulebook, q *directory.Queue) {
			q.Closures = []calendar.Rule{{Kind: calendar.NthWorkingDay, N: 1, Half: calendar.Morning}}
		}, "2026-12-01", 4, 126, 14, "2026-11-17 12:00"},
		{"no business", func(_ *rulebook.Rulebook, q *directory.Queue) { q.DailyAverage = 0 }, "2026-12-09", 0, 0, 0, ""},
	} {
		r, q := rulebook.Continued2025(), queue()
		if k.change != nil {
			k.change(&r, &q)
		}
		slots := supply.SlotsFor(c, r, q, date(k.date))
		offSite, onSite := 0, 0
		for _, s := range slots {
			offSite, onSite = offSite+s.Capacity, onSite+s.OnSite
			if got := s.Release.Format("2006-01-02 15:04"); got != k.release {
				t.Errorf("%s: %s is released %s, want %s", k.name, s.ID, got, k.release)
			}
			if s.Taken != 0 || s.OnSiteTaken != 0 || s.Closed {
				t.Errorf("%s: %s is not new", k.name, s.ID)
			}
			if id, d, hour, ok := booking.ParseSlotID(s.ID); !ok || id != q.ID || d != s.Date || hour != s.Hour {
				t.Errorf("%s: %s does not read back", k.name, s.ID)
			}
		}
		if len(slots) != k.slots || offSite != k.offSite || onSite != k.onSite {
			t.Errorf("%s: %d slots, %d off-site, %d on-site", k.name, len(slots), offSite, onSite)
		}
	}
}

func BenchmarkSlotsFor(b *testing.B) {
	c, r, q := city(b), rulebook.Continued2025(), queue()
	q.Closures = []calendar.Rule{{Kind: calendar.NthWorkingDay, N: 1, Half: calendar.Morning}, {Kind: calendar.DayOfMonth, N: 23, Half: calendar.Afternoon}}
	for b.Loop() {
		supply.SlotsFor(c, r, q, date("2026-10-21"))
	}
}

// Every total small enough for an hour to run short, over every number of hours.
func TestArt14_NoHourKeepsMoreThanItHas(t *testing.T) {
	for n := 1; n <= 24; n++ {
		for total := range 40 * n {
			for _, p := range supply.PlanDay(total, 100, calendar.Hours(1<<n-1)) {
				if p.OffSite < 0 {
					t.Fatalf("%d over %d hours: %+v", total, n, p)
				}
			}
		}
	}
}
