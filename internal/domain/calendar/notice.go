package calendar

import (
	"bufio"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"suiyue/internal/domain/fault"
)

// LineError says which line of a holiday file is wrong, 1 being the header, and how.
type LineError struct {
	Line int
	Code fault.Code
}

// maxLine is more than any honest line of the file needs, in bytes.
const maxLine = 256

// ParseCSV reads a holiday file in UTF-8: the header "date,kind,festival", then one line a named day,
// without quotes; empty lines, CRLF and a byte order mark are let pass. The days of a year come all
// together. Every bad line is reported, not only the first; the days returned are those of the good ones.
func ParseCSV(r io.Reader) ([]Day, []LineError) {
	var days []Day
	var wrong []LineError
	seen := map[Date]bool{}
	lines := bufio.NewReaderSize(r, maxLine)
	for n := 1; ; n++ {
		text, long, err := readLine(lines)
		switch {
		case err != nil && err != io.EOF:
			return days, append(wrong, LineError{n, fault.MalformedRequest})
		case n == 1:
			if strings.TrimPrefix(text, "\ufeff") != "date,kind,festival" {
				return nil, []LineError{{1, fault.BadFormat}}
			}
		case long:
			wrong = append(wrong, LineError{n, fault.TooLong})
		case text != "":
			day, code := parseDay(text)
			if code == "" && seen[day.Date] {
				code = fault.DuplicateField
			}
			if code != "" {
				wrong = append(wrong, LineError{n, code})
				break
			}
			seen[day.Date] = true
			days = append(days, day)
		}
		if err == io.EOF {
			if len(days)+len(wrong) == 0 {
				wrong = append(wrong, LineError{n, fault.Required})
			}
			return days, wrong
		}
	}
}

// readLine returns the next line without its end. Of a line that does not fit the reader's buffer it
// skips the rest and returns long. The last line comes with io.EOF.
func readLine(r *bufio.Reader) (text string, long bool, err error) {
	line, err := r.ReadSlice('\n')
	for err == bufio.ErrBufferFull {
		long = true
		_, err = r.ReadSlice('\n')
	}
	if long {
		return "", true, err
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r"), false, err
}

func parseDay(text string) (Day, fault.Code) {
	parts := strings.Split(text, ",")
	if len(parts) != 3 {
		return Day{}, fault.BadFormat
	}
	date, err := ParseDate(parts[0])
	kind, festival := DayKind(parts[1]), strings.TrimSpace(parts[2])
	switch {
	case err != nil:
		return Day{}, fault.BadDate
	case date.Year() < 2000 || date.Year() > 2099:
		return Day{}, fault.OutOfRange
	case kind != Off && kind != Work:
		return Day{}, fault.NotOneOf
	case kind == Work && !date.weekend():
		return Day{}, fault.OutOfRange
	case festival == "":
		return Day{}, fault.Required
	case utf8.RuneCountInString(festival) > 20:
		return Day{}, fault.TooLong
	case strings.ContainsFunc(festival, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) || r == '"' }):
		return Day{}, fault.BadCharacter
	}
	return Day{date, kind, festival}, ""
}

// Years tells which years the notices behind days cover: each year named is Official, but one of
// which only the last week of December is named is Provisional, as those days belong to the notice of
// the year after.
func Years(days []Day) map[int]YearStatus {
	years := map[int]YearStatus{}
	for _, d := range days {
		year := d.Date.Year()
		switch {
		case d.Date < MakeDate(year, time.December, 25):
			years[year] = Official
		case years[year] == "":
			years[year] = Provisional
		}
	}
	return years
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
