package calendar_test

import (
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"suiyue/internal/domain/calendar"
)

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
	years := calendar.Years(days)
	for year := 2022; year <= 2026; year++ {
		if years[year] != calendar.Official {
			tb.Fatalf("holiday file: %d is %q", year, years[year])
		}
	}
	if years[2027] == "" {
		days = append(days, calendar.Provisional2027()...)
		years[2027] = calendar.Provisional
	}
	c, err := calendar.New(days, years)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// anyCalendar draws a calendar around 2026 with runs of days off, long ones among them, and make-up days.
func anyCalendar(t *rapid.T) *calendar.Calendar {
	first, last := date("2026-01-01"), date("2026-12-31")
	named := map[calendar.Date]calendar.Day{}
	for range rapid.IntRange(0, 12).Draw(t, "festivals") {
		from := calendar.Date(rapid.Int32Range(int32(first), int32(last)).Draw(t, "from"))
		for d := from; d <= min(last, from+calendar.Date(rapid.IntRange(0, 40).Draw(t, "length"))); d++ {
			named[d] = calendar.Day{Date: d, Kind: calendar.Off, Festival: "节"}
		}
	}
	for range rapid.IntRange(0, 8).Draw(t, "make-up") {
		d := date("2026-01-03") + 7*calendar.Date(rapid.IntRange(0, 50).Draw(t, "week")) // a Saturday
		if _, taken := named[d]; !taken {
			named[d] = calendar.Day{Date: d, Kind: calendar.Work, Festival: "节"}
		}
	}
	var days []calendar.Day
	for _, d := range named {
		days = append(days, d)
	}
	c, err := calendar.New(days, map[int]calendar.YearStatus{2026: calendar.Official})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func anyDate(t *rapid.T, name string) calendar.Date {
	return calendar.Date(rapid.Int32Range(int32(date("2025-11-01")), int32(date("2027-03-31"))).Draw(t, name))
}

func TestNewRefuses(t *testing.T) {
	off := func(d string) calendar.Day { return calendar.Day{Date: date(d), Kind: calendar.Off, Festival: "节"} }
	work := func(d string) calendar.Day {
		return calendar.Day{Date: date(d), Kind: calendar.Work, Festival: "节"}
	}
	official := map[int]calendar.YearStatus{2026: calendar.Official}
	for _, c := range []struct {
		name  string
		days  []calendar.Day
		years map[int]calendar.YearStatus
		ok    bool
	}{
		{"nothing at all", nil, nil, true},
		{"a year without days", nil, official, true},
		{"weekdays and weekends off", []calendar.Day{off("2026-10-01"), off("2026-10-03")}, official, true},
		{"make-up Saturday and Sunday", []calendar.Day{work("2026-10-10"), work("2026-09-20")}, official, true},
		{"make-up Friday", []calendar.Day{work("2026-10-09")}, official, false},
		{"one date twice", []calendar.Day{off("2026-10-01"), off("2026-10-01")}, official, false},
		{"one date off and make-up", []calendar.Day{off("2026-10-10"), work("2026-10-10")}, official, false},
		{"unknown kind", []calendar.Day{{Date: date("2026-10-01"), Kind: "half"}}, official, false},
		{"no status", []calendar.Day{off("2027-10-01")}, official, false},
		{"unknown status", nil, map[int]calendar.YearStatus{2026: "perhaps"}, false},
	} {
		if got, err := calendar.New(c.days, c.years); (err == nil) != c.ok || (got != nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestNewKeepsCopies(t *testing.T) {
	days := []calendar.Day{{Date: date("2026-10-01"), Kind: calendar.Off, Festival: "国庆节"}}
	years := map[int]calendar.YearStatus{2026: calendar.Official}
	c, err := calendar.New(days, years)
	if err != nil {
		t.Fatal(err)
	}
	days[0].Kind, years[2026] = calendar.Work, calendar.Provisional
	if s, _ := c.Status(2026); s != calendar.Official || !c.IsStatutoryOff(date("2026-10-01")) {
		t.Error("the calendar changed with what it was made of")
	}
}

func TestKindsOfDays(t *testing.T) {
	c := city(t)
	for _, k := range []struct {
		date         string
		off, working bool
		festival     string
	}{
		{"2026-09-18", false, true, ""},    // Friday
		{"2026-09-19", false, false, ""},   // Saturday
		{"2026-09-20", false, true, ""},    // make-up Sunday
		{"2026-09-25", true, false, "中秋"},  // Friday
		{"2026-10-01", true, false, "国庆节"}, // Thursday
		{"2026-10-04", true, false, "国庆节"}, // Sunday
		{"2026-10-08", false, true, ""},    // Thursday
		{"2026-10-10", false, true, ""},    // make-up Saturday
		{"2026-10-11", false, false, ""},   // Sunday
		{"2025-10-06", true, false, "中秋"},  // Mid-Autumn within National Day
		{"2026-02-14", false, true, ""},    // make-up Saturday
		{"2026-02-15", true, false, "春节"},  // Sunday
		{"2026-02-23", true, false, "春节"},  // Monday
		{"2026-02-24", false, true, ""},    // Tuesday
		{"2022-12-31", true, false, "元旦"},  // named by the notice of 2023
		{"2031-01-01", false, true, ""},    // nothing loaded: only weekdays are known
		{"2027-10-03", true, false, "国庆节"}, // provisional
		{"2027-10-04", false, true, ""},    // provisional: no make-up or adjoined days are guessed
		{"2027-02-07", true, false, "春节"},  // provisional, Sunday
		{"2027-02-13", false, false, ""},   // provisional: a Saturday stays one
		{"2027-06-09", true, false, "端午"},  // provisional
		{"2027-04-05", true, false, "清明"},  // provisional
		{"2027-05-02", true, false, "劳动节"}, // provisional
		{"2027-09-15", true, false, "中秋"},  // provisional
		{"2027-01-01", true, false, "元旦"},  // provisional
		{"2027-02-05", true, false, "春节"},  // provisional: New Year's Eve
		{"2027-02-09", false, true, ""},    // provisional: after the third day
		{"2027-05-03", false, true, ""},    // provisional
		{"2024-02-18", false, true, ""},    // make-up Sunday
		{"2025-01-26", false, true, ""},    // make-up Sunday
		{"2025-02-04", true, false, "春节"},  // Tuesday
		{"2026-01-04", false, true, ""},    // make-up Sunday
	} {
		d := date(k.date)
		if c.IsStatutoryOff(d) != k.off || c.IsWorking(d) != k.working || c.Festival(d) != k.festival {
			t.Errorf("%s: off %t, working %t, festival %q", d, c.IsStatutoryOff(d), c.IsWorking(d), c.Festival(d))
		}
	}
}

func TestHorizon(t *testing.T) {
	c := city(t)
	if s, ok := c.Status(2026); s != calendar.Official || !ok {
		t.Errorf("2026 is %q, %t", s, ok)
	}
	if s, ok := c.Status(2027); s != calendar.Provisional || !ok {
		t.Errorf("2027 is %q, %t", s, ok)
	}
	if s, ok := c.Status(2028); s != "" || ok {
		t.Errorf("2028 is %q, %t", s, ok)
	}
	for from, want := range map[string]string{
		"2026-12-17": "2027-01-01", // a provisional year has no notice
		"2022-01-01": "2027-01-01",
		"2027-03-05": "2027-03-05",
		"2021-12-31": "2021-12-31", // before the first year loaded
	} {
		if got := c.Horizon(date(from)); got != date(want) {
			t.Errorf("horizon from %s = %s, want %s", from, got, want)
		}
	}
	// The alert: the window of 16 December is the last that stays within the year.
	if end := c.WindowEnd(date("2026-12-17"), 14, true); end >= c.Horizon(date("2026-12-17")) {
		t.Errorf("window of 17 December ends %s", end)
	}
	if end := c.WindowEnd(date("2026-12-18"), 14, true); end < c.Horizon(date("2026-12-18")) {
		t.Errorf("window of 18 December ends %s", end)
	}
}

func TestArt23_WorkingDays(t *testing.T) {
	c := city(t)
	for _, w := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-11-24", 0, "2026-11-24"},
		{"2026-11-24", 2, "2026-11-26"},
		{"2026-11-27", 2, "2026-12-01"}, // over a weekend
		{"2026-09-18", 1, "2026-09-20"}, // the make-up Sunday
		{"2026-09-30", 2, "2026-10-09"}, // over National Day
		{"2026-10-09", 1, "2026-10-10"}, // the make-up Saturday
		{"2026-10-10", 1, "2026-10-12"},
		{"2026-02-13", 2, "2026-02-24"}, // make-up Saturday, then Spring Festival
		{"2026-02-20", 1, "2026-02-24"}, // from a day off
		{"2026-11-24", 1, "2026-11-25"},
	} {
		if got := c.AddWorkingDays(date(w.from), w.n); got != date(w.want) {
			t.Errorf("%s and %d working days = %s, want %s", w.from, w.n, got, w.want)
		}
	}
	for year, want := range map[int]int{2024: 251, 2025: 248, 2026: 248} {
		from, to := calendar.MakeDate(year-1, 12, 31), calendar.MakeDate(year, 12, 31)
		if got := c.WorkingDaysBetween(from, to); got != want {
			t.Errorf("%d has %d working days, want %d", year, got, want)
		}
	}
	if got := c.WorkingDaysBetween(date("2026-11-24"), date("2026-11-20")); got != 0 {
		t.Errorf("backwards: %d", got)
	}
}

func TestArt23_WorkingDaysAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, d, n := anyCalendar(t), anyDate(t, "from"), rapid.IntRange(0, 40).Draw(t, "n")
		to := c.AddWorkingDays(d, n)
		if got := c.WorkingDaysBetween(d, to); got != n || n > 0 && !c.IsWorking(to) {
			t.Fatalf("%d working days after %s is %s, %d counted", n, d, to, got)
		}
		mid := anyDate(t, "mid")
		if d <= mid && mid <= to && c.WorkingDaysBetween(d, mid)+c.WorkingDaysBetween(mid, to) != n {
			t.Fatalf("%s to %s does not add up at %s", d, to, mid)
		}
	})
}

func TestArt14_WindowEnd(t *testing.T) {
	c := city(t)
	for _, w := range []struct {
		from       string
		skip       bool
		end        string
		whatCounts string
	}{
		{"2026-11-24", true, "2026-12-08", "ordinary days and weekends"},
		{"2026-11-24", false, "2026-12-08", "the same, nothing to skip"},
		{"2026-09-23", true, "2026-10-17", "Mid-Autumn and National Day do not, the make-up Saturday does"},
		{"2026-09-23", false, "2026-10-07", "everything"},
		{"2026-02-09", true, "2026-03-04", "nine days of Spring Festival do not, both make-up Saturdays do"},
		{"2026-02-09", false, "2026-02-23", "everything"},
		{"2026-09-30", true, "2026-10-21", "from the eve of National Day"},
		{"2026-10-03", true, "2026-10-21", "the same from within it"},
		{"2026-10-07", true, "2026-10-21", "and from its last day"},
		{"2026-10-08", true, "2026-10-22", "the first day after"},
		{"2026-09-16", true, "2026-10-10", "ends on the make-up Saturday"},
		{"2025-09-17", true, "2025-10-09", "the fourteenth is the day after National Day"},
		{"2025-09-16", true, "2025-09-30", "days off after the fourteenth are left out"},
	} {
		if got := c.WindowEnd(date(w.from), 14, w.skip); got != date(w.end) {
			t.Errorf("window of %s (skip %t: %s counts) ends %s, want %s", w.from, w.skip, w.whatCounts, got, w.end)
		}
	}
	if got := c.WindowDates(date("2026-10-01"), 2, true); !slices.Equal(got, []calendar.Date{
		date("2026-10-02"), date("2026-10-03"), date("2026-10-04"), date("2026-10-05"), date("2026-10-06"), date("2026-10-07"),
		date("2026-10-08"), date("2026-10-09"),
	}) {
		t.Errorf("dates: %v", got)
	}
}

func TestArt14_ReleaseAtNoon(t *testing.T) {
	c := city(t)
	for _, r := range []struct {
		date    string
		days    int
		skip    bool
		release string
	}{
		{"2026-12-09", 14, true, "2026-11-25"},
		{"2026-12-12", 14, true, "2026-11-28"}, // every day releases, Saturdays too
		{"2026-10-08", 14, true, "2026-09-14"},
		{"2026-10-09", 14, true, "2026-09-15"},
		{"2026-10-17", 14, true, "2026-09-23"},
		{"2026-10-21", 14, true, "2026-09-30"}, // nothing is released in the holiday,
		{"2026-10-22", 14, true, "2026-10-08"}, // it goes on the day after
		{"2026-10-22", 14, false, "2026-10-08"},
		{"2026-10-21", 14, false, "2026-10-07"}, // plain days: every day releases one day
		{"2026-03-04", 14, true, "2026-02-09"},
		{"2026-02-28", 14, true, "2026-02-05"},
		{"2026-12-09", 30, true, "2026-11-09"}, // a horizon from before the measure
		{"2026-12-09", 1, true, "2026-12-08"},
		{"2026-10-08", 1, true, "2026-09-30"},
	} {
		if got := c.ReleaseDay(date(r.date), r.days, r.skip); got != date(r.release) {
			t.Errorf("%s by %d days (skip %t) is released %s, want %s", r.date, r.days, r.skip, got, r.release)
		}
		at := c.ReleaseInstant(date(r.date), r.days, r.skip, 12*60)
		if got := at.Format("2006-01-02 15:04:05 -0700"); got != r.release+" 12:00:00 +0800" {
			t.Errorf("%s is released at %s", r.date, got)
		}
	}
	if got := c.ReleaseInstant(date("2026-12-09"), 14, true, 8*60+30).Format("15:04"); got != "08:30" {
		t.Errorf("minute 510 is %s", got)
	}
}

// The window against its definition, on any calendar.
func TestArt14_WindowHoldsItsDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, from, n, skip := anyCalendar(t), anyDate(t, "from"), rapid.IntRange(1, 40).Draw(t, "days"), rapid.Bool().Draw(t, "skip")
		dates := c.WindowDates(from, n, skip)
		counted := 0
		for i, d := range dates {
			if d != from+1+calendar.Date(i) || !c.InWindow(from, d, n, skip) {
				t.Fatalf("%s is out of place in the window of %s", d, from)
			}
			if !skip || !c.IsStatutoryOff(d) {
				counted++
			}
		}
		last := dates[len(dates)-1]
		if counted != n || skip && c.IsStatutoryOff(last) {
			t.Fatalf("the window of %s counts %d of %d and ends %s", from, counted, n, last)
		}
		if c.InWindow(from, from, n, skip) || c.InWindow(from, last+1, n, skip) || last != c.WindowEnd(from, n, skip) {
			t.Fatalf("the window of %s reaches beyond %s to %s", from, from+1, last)
		}
	})
}

func TestArt14_ReleaseIsTheFirstDayWhoseWindowHoldsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, d, n, skip := anyCalendar(t), anyDate(t, "date"), rapid.IntRange(1, 40).Draw(t, "days"), rapid.Bool().Draw(t, "skip")
		release := c.ReleaseDay(d, n, skip)
		if !slices.Contains(c.WindowDates(release, n, skip), d) {
			t.Fatalf("%s is not in the window of its release day %s", d, release)
		}
		for before := release - 1; before > release-50; before-- {
			if c.InWindow(before, d, n, skip) {
				t.Fatalf("%s is released %s but already in the window of %s", d, release, before)
			}
		}
		for day := release; day < d; day++ {
			if !c.InWindow(day, d, n, skip) {
				t.Fatalf("%s left the window again on %s", d, day)
			}
		}
		if next := c.ReleaseDay(d+1, n, skip); next < release {
			t.Fatalf("%s is released %s, the day after it %s", d, release, next)
		}
		if longer := c.ReleaseDay(d, n+1, skip); longer >= release {
			t.Fatalf("a longer window releases %s on %s, not before %s", d, longer, release)
		}
		if skip && c.IsStatutoryOff(release) {
			t.Fatalf("%s is released on a day off, %s", d, release)
		}
	})
}
