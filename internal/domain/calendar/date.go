// Package calendar answers every question about days and hours: which days are statutory days off
// or make-up working days, which dates an off-site window holds, when a slot is released, and
// which hours a queue is open. It is pure: "now" is always an argument.
package calendar

import (
	"fmt"
	"time"
)

// Zone is China Standard Time. The whole city is in it and it has had no daylight saving since
// 1991, so a fixed offset is exact and needs no time-zone database.
var Zone = time.FixedZone("CST", 8*60*60)

// Date is a civil date in Zone, counted in days since 1970-01-01. It compares and adds as a number.
type Date int32

// DateOf returns the date in Zone on which the instant t falls.
func DateOf(t time.Time) Date {
	return Date(floorDiv(t.Unix()+8*60*60, 86400))
}

// MakeDate returns the date of a year, month and day; out-of-range days roll over as in time.Date.
func MakeDate(year int, month time.Month, day int) Date {
	return Date(floorDiv(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix(), 86400))
}

// ParseDate reads "2006-01-02", and nothing else.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse("2006-01-02", s)
	if err != nil || len(s) != 10 {
		return 0, fmt.Errorf("calendar: not a date of the form 2006-01-02")
	}
	return Date(floorDiv(t.Unix(), 86400)), nil
}

// String writes "2006-01-02".
func (d Date) String() string {
	var b [10]byte
	return string(d.append(b[:0], true))
}

// Compact writes "20060102".
func (d Date) Compact() string {
	var b [8]byte
	return string(d.append(b[:0], false))
}

// append writes year, month and day, by hand: names of claims and slots are made of dates by the
// hundred thousand.
func (d Date) append(b []byte, dashes bool) []byte {
	year, month, day := d.utc().Date()
	if year < 0 || year > 9999 {
		return d.utc().AppendFormat(b, "2006-01-02")
	}
	b = append(b, '0'+byte(year/1000), '0'+byte(year/100%10), '0'+byte(year/10%10), '0'+byte(year%10))
	if dashes {
		b = append(b, '-')
	}
	b = append(b, '0'+byte(month/10), '0'+byte(month%10))
	if dashes {
		b = append(b, '-')
	}
	return append(b, '0'+byte(day/10), '0'+byte(day%10))
}

// Year, Month and Day return the parts.
func (d Date) Year() int         { return d.utc().Year() }
func (d Date) Month() time.Month { return d.utc().Month() }
func (d Date) Day() int          { return d.utc().Day() }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// At returns the instant of the given wall-clock time on this date in Zone. Hour 24 is the end of the day.
func (d Date) At(hour, minute int) time.Time {
	return time.Unix(int64(d)*86400-8*60*60+int64(hour)*3600+int64(minute)*60, 0).In(Zone)
}

// MarshalText and UnmarshalText give JSON and CSV the "2006-01-02" form.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d *Date) UnmarshalText(b []byte) error {
	v, err := ParseDate(string(b))
	if err == nil {
		*d = v
	}
	return err
}

func (d Date) utc() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
