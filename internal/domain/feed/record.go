// Package feed is what connected systems send of what happens with them (Art. 5, 6): records of capacity, bookings,
// check-ins, calls, results and evaluations, what of them is new, and what of them is missing.
package feed

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
)

// MostRecords is how many records one batch may hold.
const MostRecords = 500

// KeptDays is for how many days behind a hall's day what is about it is taken, compared and kept: a year, and what it
// takes to assess it.
const KeptDays = 400

// Ahead is how far the clock of a connected system may be before ours.
const Ahead = 5 * time.Minute

// States a record can tell of; which, depends on its kind.
const (
	Booked    = "booked"
	Cancelled = "cancelled"
	NoShow    = "no_show"
	Arrived   = "arrived"
	Called    = "called"
	Passed    = "passed" // called, and nobody came
	Done      = "done"
	Left      = "left" // came, but was not served
)

// States lists which states a record of each kind may tell; none of capacity and evaluations.
var States = map[oversight.RecordKind][]string{
	oversight.BookingRecord: {Booked, Cancelled, NoShow, Done},
	oversight.CheckInRecord: {Arrived, NoShow},
	oversight.CallRecord:    {Called, Passed},
	oversight.ResultRecord:  {Done, Left},
}

// Record is one version of one row of a connected system.
type Record struct {
	Row     string // id of the row with them
	Version int64  // grows with each change of the row
	Removed bool   // the row is no more
	Kind    oversight.RecordKind
	Seq     int64     // running number by hall and kind, 0 for none: gaps are records that did not come
	At      time.Time // when what it tells happened
	HallID  string
	QueueID string
	Date    calendar.Date // of the hall's day it is about
	Hour    int           // -1 for none
	Item    string
	Units   int
	State   string
	Booking string // row of the booking that a check-in, call, result or evaluation is about, "" for none
	Number  int    // capacity: numbers of the hour; evaluation: the grade, 1 to 5

	Applicant booking.ApplicantKind // of a booking: whose business it is, "" for not told
	Party     booking.Party         // normalised
}

// Active tells whether the record is of a booking that goes on and so holds its applicant's item.
func (r *Record) Active() bool {
	return r.Kind == oversight.BookingRecord && !r.Removed && r.State == Booked
}

var rowID = regexp.MustCompile(`^[A-Za-z0-9_.{}-]{1,64}$`)

// Check tells what is wrong with a record, by field; now is when it came. Whether hall, queue and item exist is not
// looked at.
func (r *Record) Check(now time.Time) (wrong []fault.Field) {
	bad := func(path string, code fault.Code) { wrong = append(wrong, fault.Field{Path: path, Code: code}) }
	need := func(path string, there bool) {
		if !there {
			bad(path, fault.Required)
		}
	}
	if !rowID.MatchString(r.Row) {
		bad("row", fault.BadFormat)
	}
	if r.Version < 1 {
		bad("version", fault.OutOfRange)
	}
	if !slices.Contains(oversight.RecordKinds, r.Kind) {
		bad("kind", fault.NotOneOf)
	}
	if r.Seq < 0 {
		bad("seq", fault.OutOfRange)
	}
	switch {
	case r.At.IsZero():
		bad("at", fault.Required)
	case r.At.After(now.Add(Ahead)):
		bad("at", fault.DateInFuture)
	}
	today := calendar.DateOf(now)
	if r.Date < today-KeptDays || r.Date > today+2*366 {
		bad("date", fault.OutOfRange)
	}
	if r.Hour < -1 || r.Hour > 23 {
		bad("hour", fault.OutOfRange)
	}
	if r.Booking != "" && !rowID.MatchString(r.Booking) {
		bad("booking", fault.BadFormat)
	}
	if states, ok := States[r.Kind]; ok && !r.Removed {
		switch {
		case r.State == "":
			bad("state", fault.Required)
		case !slices.Contains(states, r.State):
			bad("state", fault.NotOneOf)
		}
	} else if r.State != "" && !slices.Contains(states, r.State) {
		bad("state", fault.NotOneOf)
	}
	if r.Applicant != "" {
		if r.Applicant != booking.Self && r.Applicant != booking.Other && r.Applicant != booking.Organisation {
			bad("applicant.kind", fault.NotOneOf)
		} else {
			wrong = append(wrong, r.Party.Check(r.Applicant, today)...)
		}
	}
	if r.Removed {
		return wrong
	}
	switch r.Kind {
	case oversight.BookingRecord:
		need("hour", r.Hour >= 0)
		need("item", r.Item != "")
		if r.Units < 1 || r.Units > 1000 {
			bad("units", fault.OutOfRange)
		}
		if r.State == Booked {
			need("applicant", r.Applicant != "")
		}
	case oversight.CapacityRecord:
		need("hour", r.Hour >= 0)
		if r.Number < 0 || r.Number > 10_000 {
			bad("number", fault.OutOfRange)
		}
	case oversight.EvaluationRecord:
		if r.Number < 1 || r.Number > 5 {
			bad("number", fault.OutOfRange)
		}
	}
	return wrong
}

// Parts are what tells one content of a version from another, in order. They hold personal data: only a keyed hash
// of them may be kept.
func (r *Record) Parts() []string {
	p := r.Party
	return []string{
		strconv.FormatBool(r.Removed), string(r.Kind), strconv.FormatInt(r.Seq, 10), strconv.FormatInt(r.At.UnixMicro(), 10), r.HallID, r.QueueID, r.Date.String(),
		strconv.Itoa(r.Hour), r.Item, strconv.Itoa(r.Units), r.State, r.Booking, strconv.Itoa(r.Number), string(r.Applicant),
		p.Name, string(p.Document.Kind), p.Document.Number, p.Document.Nationality, p.CreditCode, p.Birth, p.Phone,
	}
}

// Verdict is what became of a record.
type Verdict string

const (
	Accepted   Verdict = "accepted"   // it is the newest of its row now
	Superseded Verdict = "superseded" // new, but a later version had come before it
	Duplicate  Verdict = "duplicate"  // the same had come before: nothing was done
	Rejected   Verdict = "rejected"
)

// Verdicts lists them.
var Verdicts = []Verdict{Accepted, Superseded, Duplicate, Rejected}

// Known is what is known of a row when a version of it comes.
type Known struct {
	Version int64 // the newest, 0 for none
	Kind    oversight.RecordKind
	HallID  string
	Date    calendar.Date
	Person  string // keyed hash of the applicant, "" for none
	Item    string
	Claim   string // name of the claim it holds, "" for none
	Active  bool
	Clash   bool             // somebody else holds what it would
	Digests map[int64]string // of the versions that were looked for and have come
}

// Judge says what a record is to what is known of its row; digest is of its content. A rejection names the wrong field.
func (k *Known) Judge(r *Record, digest string) (Verdict, fault.Field) {
	if had, ok := k.Digests[r.Version]; ok {
		if had == digest {
			return Duplicate, fault.Field{}
		}
		return Rejected, fault.Field{Path: "version", Code: fault.VersionReused}
	}
	switch {
	case k.Version > 0 && k.Kind != r.Kind:
		return Rejected, fault.Field{Path: "kind", Code: fault.NotTheSame}
	case r.Version < k.Version:
		return Superseded, fault.Field{}
	}
	return Accepted, fault.Field{}
}
