package web

import (
	"fmt"
	"strconv"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
)

// All of these write times as people say them, in calendar.Zone.

var (
	hansDays = [...]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}
	hantDays = [...]string{"週日", "週一", "週二", "週三", "週四", "週五", "週六"}
)

// Weekday returns "周三", "週三" or "Wed".
func (l Locale) Weekday(d calendar.Date) string {
	switch l {
	case Hant:
		return hantDays[d.Weekday()]
	case En:
		return d.Weekday().String()[:3]
	}
	return hansDays[d.Weekday()]
}

// MonthDay returns "12月9日" or "9 Dec".
func (l Locale) MonthDay(d calendar.Date) string {
	if l == En {
		return fmt.Sprintf("%d %s", d.Day(), d.Month().String()[:3])
	}
	return fmt.Sprintf("%d月%d日", int(d.Month()), d.Day())
}

// Month returns "12月" or "Dec".
func (l Locale) Month(d calendar.Date) string {
	if l == En {
		return d.Month().String()[:3]
	}
	return strconv.Itoa(int(d.Month())) + "月"
}

// Date returns "12月9日(周三)" or "Wed 9 Dec".
func (l Locale) Date(d calendar.Date) string {
	if l == En {
		return l.Weekday(d) + " " + l.MonthDay(d)
	}
	return l.MonthDay(d) + "(" + l.Weekday(d) + ")"
}

// LongDate adds the year: "2026年12月9日(周三)" or "Wed 9 Dec 2026".
func (l Locale) LongDate(d calendar.Date) string {
	if l == En {
		return l.Date(d) + " " + strconv.Itoa(d.Year())
	}
	return strconv.Itoa(d.Year()) + "年" + l.Date(d)
}

// NearDate says today, tomorrow and the day after by name, any other day as Date; with the year
// when it is not today's.
func (l Locale) NearDate(d, today calendar.Date) string {
	switch d - today {
	case 0:
		return l.T("date.today")
	case 1:
		return l.T("date.tomorrow")
	case 2:
		if l != En {
			return l.T("date.after_tomorrow")
		}
	}
	if d.Year() != today.Year() {
		return l.LongDate(d)
	}
	return l.Date(d)
}

// HourRange returns "10:00–11:00" for the slot starting at hour.
func HourRange(hour int) string { return fmt.Sprintf("%02d:00–%02d:00", hour, hour+1) }

// Clock returns "09:00". Midnight at the end of a day is "00:00" of the next.
func Clock(t time.Time) string { return t.In(calendar.Zone).Format("15:04") }

// Slot returns 「12月9日(周三)10:00–11:00」 or "Wed 9 Dec, 10:00–11:00".
func (l Locale) Slot(d calendar.Date, hour int) string {
	if l == En {
		return l.Date(d) + ", " + HourRange(hour)
	}
	return l.Date(d) + HourRange(hour)
}

// When returns an instant: "12月9日(周三)09:00", "Wed 9 Dec, 09:00".
func (l Locale) When(t time.Time) string {
	d := calendar.DateOf(t)
	if l == En {
		return l.Date(d) + ", " + Clock(t)
	}
	return l.Date(d) + Clock(t)
}

// Near returns an instant seen from now: 「今天 12:00」, "tomorrow 09:00", else When.
func (l Locale) Near(t, now time.Time) string {
	d, today := calendar.DateOf(t), calendar.DateOf(now)
	if d < today || d > today+2 || (l == En && d > today+1) {
		return l.When(t)
	}
	return l.NearDate(d, today) + " " + Clock(t)
}

// CancelUntil says until when a booking of day d can be cancelled (Art. 17): 「最晚 09:00 前可取消」,
// with the date when it is not today's: 「最晚 12月9日(周三)09:00 前可取消」.
func (l Locale) CancelUntil(until, now time.Time) string {
	if calendar.DateOf(until) == calendar.DateOf(now) {
		return l.T("cancel.until", "time", Clock(until))
	}
	return l.T("cancel.until", "time", l.When(until))
}

// argument makes a fault's argument readable: an instant of RFC 3339 becomes a time people say, a date a
// day, a name in several languages (directory.Text.Argument) the one in theirs.
func (l Locale) argument(v string) string {
	if len(v) == len("2006-01-02") {
		if d, err := calendar.ParseDate(v); err == nil {
			return l.LongDate(d)
		}
	}
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return l.When(t)
	}
	if t, ok := directory.ParseText(v); ok {
		return l.Text(t)
	}
	return v
}

// For says what a thing is about and for whom, masked: "社保卡申领（为李*）"; "" for oneself leaves it as it is.
func (l Locale) For(thing, whom string) string {
	if whom == "" {
		return thing
	}
	return l.T("applicant.for", "thing", thing, "name", whom)
}
