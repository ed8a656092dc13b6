package oversight

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

// RecordKind is what a connected system sends (Art. 5, 6).
type RecordKind string

const (
	BookingRecord  RecordKind = "booking"  // made, moved or cancelled
	CheckInRecord  RecordKind = "check_in" // somebody came, or did not
	ResultRecord   RecordKind = "result"   // what came of it at the counter
	CapacityRecord RecordKind = "capacity" // numbers opened, added or taken back

	CallRecord       RecordKind = "call"       // somebody was called to a counter
	EvaluationRecord RecordKind = "evaluation" // a grade of a service
)

// RecordKinds lists them in the order in which they are shown.
var RecordKinds = []RecordKind{BookingRecord, CheckInRecord, ResultRecord, CapacityRecord, CallRecord, EvaluationRecord}

// Source is a connected system: one in which an agency or a district takes bookings by itself, and which sends the
// platform what happens there (Art. 5, 6, 21).
type Source struct {
	ID      string
	Seat    account.Seat // of the unit it belongs to
	Name    string
	Kinds   []RecordKind
	Halls   []string      // it books for; none = every hall of its unit and below
	Delay   time.Duration // after what it tells, in which a record is to come
	Silence time.Duration // without any record that is too long
	Since   calendar.Date
	Ended   calendar.Date // 0 = it is connected
	Version int
}

// mostName bounds the name of a source, in characters.
const mostName = 60

// Check tells what is wrong with a source that somebody has entered, by field: name, kinds, delay, silence.
func (s Source) Check() (wrong []fault.Field) {
	bad := func(path string, code fault.Code) { wrong = append(wrong, fault.Field{Path: path, Code: code}) }
	switch {
	case strings.TrimSpace(s.Name) == "":
		bad("name", fault.Required)
	case utf8.RuneCountInString(s.Name) > mostName:
		bad("name", fault.TooLong)
	}
	if len(s.Kinds) == 0 {
		bad("kinds", fault.Required)
	}
	for _, k := range s.Kinds {
		if !slices.Contains(RecordKinds, k) {
			bad("kinds", fault.NotOneOf)
			break
		}
	}
	if s.Delay < time.Minute || s.Delay > 7*24*time.Hour {
		bad("delay", fault.OutOfRange)
	}
	if s.Silence < s.Delay || s.Silence > 7*24*time.Hour {
		bad("silence", fault.OutOfRange)
	}
	return wrong
}

// On tells whether the source is connected on a date.
func (s Source) On(d calendar.Date) bool { return d >= s.Since && (s.Ended == 0 || d < s.Ended) }

// Books tells whether the source books for a hall, which is of its unit or below.
func (s Source) Books(hall string) bool { return len(s.Halls) == 0 || slices.Contains(s.Halls, hall) }

// SilentSince tells since when nothing has come, where that is too long; last is when the last record came, zero for
// never. Nothing is asked of a source while its halls are shut: opened is since when they have been open without a
// break, zero when they are not.
func (s Source) SilentSince(last, opened, now time.Time) (since time.Time, silent bool) {
	if opened.IsZero() || !s.On(calendar.DateOf(now)) {
		return time.Time{}, false
	}
	since = last
	if since.Before(opened) {
		since = opened
	}
	if now.Sub(since) <= s.Silence {
		return time.Time{}, false
	}
	if last.IsZero() {
		return s.Since.At(0, 0), true
	}
	return last, true
}

// SourceDay counts the records of a kind that a source was to send about a hall's day.
type SourceDay struct {
	SourceID string
	HallID   string
	Kind     RecordKind
	Date     calendar.Date
	Expected int64     // it was to send: by the numbers it gives its records, or by the other side's list
	Received int64     // of these, that came
	InTime   int64     // of these, within the agreed delay
	Checked  int64     // records compared with the other side's
	Agreed   int64     // of these, the same on both sides
	LastAt   time.Time // when the last of them came, zero for none
}

// Plus adds what came in another feed, or on another day.
func (d SourceDay) Plus(o SourceDay) SourceDay {
	d.Expected += o.Expected
	d.Received += o.Received
	d.InTime += o.InTime
	d.Checked += o.Checked
	d.Agreed += o.Agreed
	if o.LastAt.After(d.LastAt) {
		d.LastAt = o.LastAt
	}
	return d
}

// Sane tells whether the counts can be: no more came than was to come, no more in time than came, no more agreed than
// was compared.
func (d SourceDay) Sane() bool {
	return d.Agreed >= 0 && d.Checked >= d.Agreed && d.InTime >= 0 && d.Received >= d.InTime && d.Expected >= d.Received
}

// Late tells whether so few of the records of some time came within the agreed delay that it is a breach (Art. 21,
// 23); perMille is the least share, of a thousand.
func (d SourceDay) Late(perMille int) bool {
	return d.Expected > 0 && d.InTime*1000 < d.Expected*int64(perMille)
}
