package calendar

import (
	"bufio"
	"io"
	"strings"
	"time"

	"suiyue/internal/domain/fault"
)

// LineError says which line of a holiday file is wrong, 1 being the header, and how.
type LineError struct {
	Line int
	Code fault.Code
}

// ParseCSV reads a holiday file: the header "date,kind,festival", then one line a named day. Every bad
// line is reported, not only the first.
func ParseCSV(r io.Reader) ([]Day, []LineError) {
	var days []Day
	var wrong []LineError
	seen := map[Date]bool{}
	lines := bufio.NewScanner(r)
	n := 0
	for lines.Scan() {
		n++
		text := strings.TrimSuffix(strings.TrimPrefix(lines.Text(), "\ufeff"), "\r")
		if n == 1 {
			if text != "date,kind,festival" {
				return nil, []LineError{{1, fault.BadFormat}}
			}
			continue
		}
		if text == "" {
			continue
		}
		day, code := parseDay(text)
		if code == "" && seen[day.Date] {
			code = fault.DuplicateField
		}
		if code != "" {
			wrong = append(wrong, LineError{n, code})
			continue
		}
		seen[day.Date] = true
		days = append(days, day)
	}
	switch {
	case lines.Err() != nil:
		wrong = append(wrong, LineError{n + 1, fault.TooLong})
	case n == 0:
		wrong = append(wrong, LineError{1, fault.Required})
	}
	return days, wrong
}

func parseDay(text string) (Day, fault.Code) {
	parts := strings.Split(text, ",")
	if len(parts) != 3 {
		return Day{}, fault.BadFormat
	}
	date, err := ParseDate(parts[0])
	kind := DayKind(parts[1])
	switch {
	case err != nil:
		return Day{}, fault.BadDate
	case kind != Off && kind != Work:
		return Day{}, fault.NotOneOf
	case kind == Work && !date.weekend():
		return Day{}, fault.OutOfRange
	case strings.TrimSpace(parts[2]) == "" || len(parts[2]) > 64:
		return Day{}, fault.Required
	}
	return Day{date, kind, strings.TrimSpace(parts[2])}, ""
}

// Provisional2027 holds what the law itself (Order 795 of the State Council, 2024) and the lunar
// calendar fix for 2027. The year's notice, with its make-up days, had not been published when this was
// written: the year stays Provisional until the notice is imported.
func Provisional2027() []Day {
	var days []Day
	add := func(festival string, month time.Month, first, last int) {
		for d := first; d <= last; d++ {
			days = append(days, Day{MakeDate(2027, month, d), Off, festival})
		}
	}
	add("元旦", time.January, 1, 1)
	add("春节", time.February, 5, 8)
	add("清明", time.April, 5, 5)
	add("劳动节", time.May, 1, 2)
	add("端午", time.June, 9, 9)
	add("中秋", time.September, 15, 15)
	add("国庆节", time.October, 1, 3)
	return days
}
