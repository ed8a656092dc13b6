package calendar_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

const header = "date,kind,festival\n"

func TestParseCSV(t *testing.T) {
	days, wrong := calendar.ParseCSV(strings.NewReader("\ufeffdate,kind,festival\r\n2026-10-01,off,国庆节\r\n\r\n2026-10-10,work, 国庆节 \r\n2027-01-01,off,New Year"))
	want := []calendar.Day{
		{Date: date("2026-10-01"), Kind: calendar.Off, Festival: "国庆节"},
		{Date: date("2026-10-10"), Kind: calendar.Work, Festival: "国庆节"},
		{Date: date("2027-01-01"), Kind: calendar.Off, Festival: "New Year"},
	}
	if len(wrong) > 0 || !slices.Equal(days, want) {
		t.Errorf("got %v, wrong %v", days, wrong)
	}
}

func TestParseCSVReportsEveryBadLine(t *testing.T) {
	long := strings.Repeat("节", 2000)
	file := header +
		"2026-10-01,off,国庆节\n" + // 2: good
		"2026-13-01,off,国庆节\n" + // 3
		"2026-10-02,holiday,国庆节\n" + // 4
		"2026-10-09,work,国庆节\n" + // 5: a Friday
		"2026-10-01,off,国庆节\n" + // 6: again
		"2026-10-03,off\n" + // 7
		"2026-10-03,off,国庆节,more\n" + // 8
		"2026-10-03,off, \n" + // 9
		"2026-10-03,off,\"国庆节\"\n" + // 10
		"2026-10-03,off,国\x00庆\n" + // 11
		"2026-10-03,off,\xff\xfe\n" + // 12
		"2026-10-03,off," + strings.Repeat("节", 21) + "\n" + // 13
		"2026-10-03,off," + long + "\n" + // 14
		"\n" + // 15: empty
		"1066-10-14,off,国庆节\n" + // 16
		" 2026-10-03,off,国庆节\n" + // 17
		"2026-10-03,OFF,国庆节\n" + // 18
		"2026-10-04,off,国庆节\n" + // 19: good
		long // 20
	days, wrong := calendar.ParseCSV(strings.NewReader(file))
	want := []calendar.LineError{
		{Line: 3, Code: fault.BadDate}, {Line: 4, Code: fault.NotOneOf}, {Line: 5, Code: fault.OutOfRange}, {Line: 6, Code: fault.DuplicateField},
		{Line: 7, Code: fault.BadFormat}, {Line: 8, Code: fault.BadFormat}, {Line: 9, Code: fault.Required}, {Line: 10, Code: fault.BadCharacter},
		{Line: 11, Code: fault.BadCharacter}, {Line: 12, Code: fault.BadCharacter}, {Line: 13, Code: fault.TooLong}, {Line: 14, Code: fault.TooLong},
		{Line: 16, Code: fault.OutOfRange}, {Line: 17, Code: fault.BadDate}, {Line: 18, Code: fault.NotOneOf}, {Line: 20, Code: fault.TooLong},
	}
	if !slices.Equal(wrong, want) {
		t.Errorf("got  %v\nwant %v", wrong, want)
	}
	if len(days) != 2 || days[0].Date != date("2026-10-01") || days[1].Date != date("2026-10-04") {
		t.Errorf("good lines: %v", days)
	}
}

func TestParseCSVRefusesWholeFiles(t *testing.T) {
	for name, c := range map[string]struct {
		file io.Reader
		want calendar.LineError
	}{
		"empty":        {strings.NewReader(""), calendar.LineError{Line: 1, Code: fault.BadFormat}},
		"no header":    {strings.NewReader("2026-10-01,off,国庆节\n"), calendar.LineError{Line: 1, Code: fault.BadFormat}},
		"other header": {strings.NewReader("date,kind,name\n2026-10-01,off,国庆节\n"), calendar.LineError{Line: 1, Code: fault.BadFormat}},
		"no line":      {strings.NewReader(header), calendar.LineError{Line: 2, Code: fault.Required}},
		"UTF-16":       {strings.NewReader("\xff\xfed\x00a\x00t\x00e\x00"), calendar.LineError{Line: 1, Code: fault.BadFormat}},
		"cut off":      {io.MultiReader(strings.NewReader(header), iotest.ErrReader(errors.New("gone"))), calendar.LineError{Line: 2, Code: fault.MalformedRequest}},
	} {
		if days, wrong := calendar.ParseCSV(c.file); len(days) > 0 || !slices.Equal(wrong, []calendar.LineError{c.want}) {
			t.Errorf("%s: %v, %v", name, days, wrong)
		}
	}
}

func TestYears(t *testing.T) {
	day := func(s string) calendar.Day { return calendar.Day{Date: date(s), Kind: calendar.Off, Festival: "节"} }
	for name, c := range map[string]struct {
		days []calendar.Day
		want string
	}{
		"none":                        {nil, "map[]"},
		"a year's notice":             {[]calendar.Day{day("2026-01-01"), day("2026-10-01")}, "map[2026:official]"},
		"and the last day before it":  {[]calendar.Day{day("2025-12-31"), day("2026-01-01")}, "map[2025:provisional 2026:official]"},
		"the same in any order":       {[]calendar.Day{day("2026-12-31"), day("2026-10-01"), day("2027-01-01")}, "map[2026:official 2027:official]"},
		"the other way about as well": {[]calendar.Day{day("2026-10-01"), day("2026-12-31")}, "map[2026:official]"},
	} {
		if got := fmt.Sprint(calendar.Years(c.days)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Order 795 names 13 days off a year.
func TestProvisional2027(t *testing.T) {
	days := calendar.Provisional2027()
	if len(days) != 13 {
		t.Errorf("%d days", len(days))
	}
	for _, d := range days {
		if d.Kind != calendar.Off || d.Date.Year() != 2027 {
			t.Errorf("%s is %s: nothing is guessed", d.Date, d.Kind)
		}
	}
	if _, err := calendar.New(days, map[int]calendar.YearStatus{2027: calendar.Provisional}); err != nil {
		t.Error(err)
	}
}

func FuzzParseCSV(f *testing.F) {
	whole, err := os.ReadFile("../../../data/statutory-holidays.csv")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(header + "2026-10-01,off,国庆节\r\n\n2026-10-10,work,国庆节"))
	f.Add([]byte("\ufeff" + header + ",,\n\"2026-10-01\",off,x\n"))
	f.Add([]byte(header + strings.Repeat("9", 600) + "\n2026-10-03,off,节\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		days, wrong := calendar.ParseCSV(bytes.NewReader(file))
		if len(days)+len(wrong) == 0 {
			t.Fatal("a file with nothing in it was let pass")
		}
		if most := bytes.Count(file, []byte("\n")) + 1; len(days)+len(wrong) > most {
			t.Fatalf("%d lines gave %d days and %d faults", most, len(days), len(wrong))
		}
		for i, w := range wrong {
			if _, listed := fault.KindOf(w.Code); !listed || w.Line < 1 || i > 0 && w.Line <= wrong[i-1].Line {
				t.Fatalf("faults %v", wrong)
			}
		}
		// What was read is a calendar, and reads the same when written again.
		if _, err := calendar.New(days, calendar.Years(days)); err != nil {
			t.Fatal(err)
		}
		again := header
		for _, d := range days {
			again += d.Date.String() + "," + string(d.Kind) + "," + d.Festival + "\n"
		}
		if len(days) > 0 {
			if back, wrong := calendar.ParseCSV(strings.NewReader(again)); len(wrong) > 0 || !slices.Equal(back, days) {
				t.Fatalf("read again: %v, %v", back, wrong)
			}
		}
	})
}
