package calendar_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/calendar"
)

// date reads a date that a test's author wrote.
func date(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(s)
	}
	return d
}

func TestDateRoundTrip(t *testing.T) {
	first, last := date("0000-01-01"), date("9999-12-31")
	rapid.Check(t, func(t *rapid.T) {
		d := calendar.Date(rapid.Int32Range(int32(first), int32(last)).Draw(t, "date"))
		if back, err := calendar.ParseDate(d.String()); err != nil || back != d {
			t.Fatalf("%s read back as %s, %v", d, back, err)
		}
		if back := calendar.MakeDate(d.Year(), d.Month(), d.Day()); back != d {
			t.Fatalf("%s made again is %s", d, back)
		}
		if next := (d + 1).Weekday(); next != (d.Weekday()+1)%7 {
			t.Fatalf("%s is a %s and the day after a %s", d, d.Weekday(), next)
		}
		minute := rapid.IntRange(0, 24*60-1).Draw(t, "minute")
		at := d.At(minute/60, minute%60)
		if calendar.DateOf(at) != d || calendar.DateOf(at.UTC()) != d || at.Hour() != minute/60 || at.Minute() != minute%60 {
			t.Fatalf("minute %d of %s is %s", minute, d, at)
		}
		if !d.At(24, 0).Equal((d+1).At(0, 0)) || calendar.DateOf(d.At(0, 0).Add(-1)) != d-1 {
			t.Fatalf("%s does not meet its neighbours", d)
		}
	})
}

func TestDateIsOfTheCitysZone(t *testing.T) {
	// 16:00 UTC is midnight in Guangzhou.
	at := time.Date(2026, time.December, 31, 16, 0, 0, 0, time.UTC)
	if got := calendar.DateOf(at).String(); got != "2027-01-01" {
		t.Errorf("date at %s = %s", at, got)
	}
	if got := calendar.DateOf(at.Add(-time.Nanosecond)).String(); got != "2026-12-31" {
		t.Errorf("date just before %s = %s", at, got)
	}
	if got := date("2027-01-01").At(12, 0).UTC(); !got.Equal(time.Date(2027, 1, 1, 4, 0, 0, 0, time.UTC)) {
		t.Errorf("noon = %s", got)
	}
}

func TestDateJSON(t *testing.T) {
	type form struct{ D calendar.Date }
	b, err := json.Marshal(form{date("2026-12-09")})
	if err != nil || string(b) != `{"D":"2026-12-09"}` {
		t.Fatalf("written %s, %v", b, err)
	}
	var f form
	if err := json.Unmarshal(b, &f); err != nil || f.D != date("2026-12-09") {
		t.Fatalf("read %s, %v", f.D, err)
	}
	for _, bad := range []string{`{"D":"2026-02-29"}`, `{"D":"2026-2-3"}`, `{"D":""}`, `{"D":20261209}`} {
		f := form{date("2026-12-09")}
		if err := json.Unmarshal([]byte(bad), &f); err == nil || f.D != date("2026-12-09") {
			t.Errorf("%s read as %s, %v", bad, f.D, err)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2026-12-09", "2024-02-29", "2026-02-29", "2026-1-09", "0000-00-00", "+026-12-09", "2026-12-9 ", "2026-12-09T", "2026/12/09", "二〇二六", "9999-12-31", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := calendar.ParseDate(s)
		if err == nil && d.String() != s {
			t.Fatalf("%q read as %s", s, d)
		}
		if err != nil && d != 0 {
			t.Fatalf("refused date came with %s", d)
		}
	})
}
