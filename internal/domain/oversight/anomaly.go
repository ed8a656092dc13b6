package oversight

import (
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

// Anomaly is one thing that was not as usual, from the day it was first seen until somebody closes it (Art. 22). One
// at a time of a kind at a hall, queue or connected system: what is seen again while it is open belongs to it.
type Anomaly struct {
	Finding         // as last seen
	ID       string // "N2026-000001"
	First    calendar.Date
	Since    time.Time    // when it was first seen
	SeenAt   time.Time    // when last
	Days     int          // on which it was seen, at least 1
	ActBy    account.Rank // who must act: the nearest level that decides for the hall
	Level    int          // how many levels it has moved up because nobody took it up
	UpTo     account.Rank // the level it has moved up to, "" while Level is 0
	NextAt   time.Time    // when the next is told; zero once somebody has taken it up, or nobody is above
	Reopened int          // times it came again after it was closed
	AckBy    string       // account
	AckAt    time.Time
	Request  string // it led to, "" for none
	ActedBy  string
	ActedAt  time.Time
	EndedAt  time.Time // since when it is not seen any more
	ClosedBy string
	ClosedAt time.Time
	Reason   Closure
	Why      string
	Version  int
}

// Closure says why an anomaly was closed.
type Closure string

const (
	Corrected  Closure = "corrected"   // it was put right
	Explained  Closure = "explained"   // the cause is known and needs nothing done
	FalseAlarm Closure = "false_alarm" // nothing was unusual
)

// Closures lists them.
var Closures = []Closure{Corrected, Explained, FalseAlarm}

// LongestWhy is how many characters a reason may have.
const LongestWhy = 500

// Stage is how far an anomaly has come.
type Stage string

const (
	StageOpen   Stage = "open"  // nobody has taken it up
	StageTaken  Stage = "taken" // acknowledged
	StageActed  Stage = "acted" // a request was filed
	StageClosed Stage = "closed"
)

// Stages lists them.
var Stages = []Stage{StageOpen, StageTaken, StageActed, StageClosed}

// NewAnomaly is what a finding opens. Each level has so many working days to take it up.
func NewAnomaly(id string, f Finding, actBy account.Rank, now time.Time, cal *calendar.Calendar, days int) Anomaly {
	return Anomaly{ID: id, Finding: f, First: f.Date, Since: now, SeenAt: now, Days: 1, ActBy: actBy, Version: 1}.wait(now, cal, days)
}

// toldFrom is the hour of a working day at which the next level is told.
const toldFrom = 9

// wait gives a level its time: so many whole working days after now. Nobody is above the city's first level.
func (a Anomaly) wait(now time.Time, cal *calendar.Calendar, days int) Anomaly {
	if a.NextAt = (time.Time{}); a.Holder() != account.Platform1 {
		a.NextAt = cal.AddWorkingDays(calendar.DateOf(now), days+1).At(toldFrom, 0)
	}
	return a
}

// Holder is the level that must take it up now.
func (a Anomaly) Holder() account.Rank {
	if a.UpTo != "" {
		return a.UpTo
	}
	return a.ActBy
}

// Untaken tells whether the next level is to be told that nobody has taken it up.
func (a Anomaly) Untaken(now time.Time) bool {
	return a.Stage() == StageOpen && !a.NextAt.IsZero() && !now.Before(a.NextAt)
}

// Escalate moves an anomaly nobody has taken up one level up. above are the levels above its holder, nearest first, that
// somebody is on; up is false where there is none: it stays where it is for good.
func (a Anomaly) Escalate(above []account.Rank, now time.Time, cal *calendar.Calendar, days int) (next Anomaly, up bool) {
	if !a.Untaken(now) {
		return a, false
	}
	a.Version++
	if len(above) == 0 {
		a.NextAt = time.Time{}
		return a, false
	}
	a.Level, a.UpTo = a.Level+1, above[0]
	return a.wait(now, cal, days), true
}

// Stage returns how far it has come.
func (a Anomaly) Stage() Stage {
	switch {
	case !a.ClosedAt.IsZero():
		return StageClosed
	case a.Request != "":
		return StageActed
	case !a.AckAt.IsZero():
		return StageTaken
	}
	return StageOpen
}

// Open tells whether somebody still has to close it.
func (a Anomaly) Open() bool { return a.ClosedAt.IsZero() }

// Again returns the anomaly as it is seen now. The same again of the same day is the same anomaly.
func (a Anomaly) Again(f Finding, now time.Time) Anomaly {
	if a.Finding == f && a.EndedAt.IsZero() {
		return a
	}
	if f.Date > a.Date {
		a.Days++
	}
	a.Finding, a.SeenAt, a.EndedAt = f, now, time.Time{}
	a.Version++
	return a
}

// Quiet returns the anomaly after a look at a later day that did not show it: it is over by itself, and still to be
// closed.
func (a Anomaly) Quiet(now time.Time) Anomaly {
	if !a.Open() || !a.EndedAt.IsZero() {
		return a
	}
	a.EndedAt = now
	a.Version++
	return a
}

// Acknowledge returns the anomaly taken up by an account. Whoever was first stays.
func (a Anomaly) Acknowledge(who string, now time.Time) Anomaly {
	if !a.Open() || !a.AckAt.IsZero() {
		return a
	}
	a.AckBy, a.AckAt, a.NextAt = who, now, time.Time{}
	a.Version++
	return a
}

// Act returns the anomaly with the request it led to. Who acts has taken it up.
func (a Anomaly) Act(who, request string, now time.Time) (Anomaly, *fault.Error) {
	switch {
	case !a.Open():
		return a, fault.New(fault.AnomalyClosed)
	case a.Request == request:
		return a, nil
	}
	if a.AckAt.IsZero() {
		a.AckBy, a.AckAt = who, now
	}
	a.Request, a.ActedBy, a.ActedAt, a.NextAt = request, who, now, time.Time{}
	a.Version++
	return a, nil
}

// Close returns the anomaly closed, with a reason in words.
func (a Anomaly) Close(who string, reason Closure, why string, now time.Time) (Anomaly, *fault.Error) {
	if !a.Open() {
		return a, fault.New(fault.AnomalyClosed)
	}
	why = strings.TrimSpace(why)
	var wrong []fault.Field
	if reason != Corrected && reason != Explained && reason != FalseAlarm {
		wrong = append(wrong, fault.Field{Path: "reason", Code: fault.NotOneOf})
	}
	switch {
	case why == "":
		wrong = append(wrong, fault.Field{Path: "why", Code: fault.Required})
	case len([]rune(why)) > LongestWhy:
		wrong = append(wrong, fault.Field{Path: "why", Code: fault.TooLong})
	}
	if len(wrong) > 0 {
		return a, fault.InvalidFields(wrong...)
	}
	a.ClosedBy, a.ClosedAt, a.Reason, a.Why, a.NextAt = who, now, reason, why, time.Time{}
	a.Version++
	return a, nil
}

// Reopens tells whether a closed anomaly is opened again by what is seen now, and not a new one.
func (a Anomaly) Reopens(f Finding, days int) bool {
	return !a.Open() && f.Date > a.Date && int(f.Date-a.Date) <= days
}

// Reopen returns it open again: it must be taken up anew, by the nearest level first.
func (a Anomaly) Reopen(f Finding, now time.Time, cal *calendar.Calendar, days int) Anomaly {
	a.Finding, a.SeenAt, a.EndedAt = f, now, time.Time{}
	a.AckBy, a.AckAt, a.Request, a.ActedBy, a.ActedAt = "", time.Time{}, "", "", time.Time{}
	a.ClosedBy, a.ClosedAt, a.Reason, a.Why = "", time.Time{}, "", ""
	a.Days++
	a.Reopened++
	a.Version++
	a.Level, a.UpTo = 0, ""
	return a.wait(now, cal, days)
}

// Overdue is the finding that decisions at a hall are late: so many requests wait longer than Art. 23 allows.
func Overdue(hall string, late, waiting int, today calendar.Date) (Finding, bool) {
	return Finding{Kind: AnomalyOverdue, HallID: hall, Hour: -1, Date: today, Seen: int64(late), Of: int64(waiting)}, late > 0
}

// Same tells whether a finding is of the same kind at the same place.
func (a Anomaly) Same(f Finding) bool {
	return a.Kind == f.Kind && a.HallID == f.HallID && a.QueueID == f.QueueID && a.SourceID == f.SourceID
}
