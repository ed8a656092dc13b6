package oversight

import (
	"fmt"
	"time"

	"suiyue/internal/domain/calendar"
)

// Noun says what kind of place figures are of.
type Noun string

const (
	OfUnit Noun = "unit"
	OfHall Noun = "hall"
)

// Place is what figures are of: a hall, or a unit with every hall at and below it. The whole city is the unit that has
// no parent.
type Place struct {
	Noun Noun
	ID   string
}

// Span is how long the time is that figures are of.
type Span string

const (
	SpanDay   Span = "day"
	SpanMonth Span = "month"
)

// Period names the time of this span that a date lies in: "2026-11-03" or "2026-11".
func (s Span) Period(d calendar.Date) string {
	if s == SpanMonth {
		return d.String()[:len("2006-01")]
	}
	return d.String()
}

// Dates returns the first and the last date of a period; an error for anything Period would not have written.
func (s Span) Dates(period string) (first, last calendar.Date, err error) {
	switch s {
	case SpanDay:
		first, err = calendar.ParseDate(period)
		return first, first, err
	case SpanMonth:
		if first, err = calendar.ParseDate(period + "-01"); err == nil {
			last = calendar.MakeDate(first.Year(), first.Month()+1, 1) - 1
		}
		return first, last, err
	}
	return 0, 0, fmt.Errorf("oversight: no span %q", s)
}

// Before returns the period before one.
func (s Span) Before(period string) (string, error) {
	first, _, err := s.Dates(period)
	return s.Period(first - 1), err
}

// Row is the figures of a place in a period.
type Row struct {
	Place     Place
	Span      Span
	Period    string
	Figures   Figures
	CountedAt time.Time
}

// HallDay names a hall on a date.
type HallDay struct {
	HallID string
	Date   calendar.Date
}
