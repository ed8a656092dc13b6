package counter

import (
	"slices"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

// Grade is how somebody found the service (國辦發〔2019〕51號): 5 very satisfied, 4 satisfied, 3 basically
// satisfied, 2 dissatisfied, 1 very dissatisfied.
type Grade int

// Grades lists them from the best.
var Grades = []Grade{5, 4, 3, 2, 1}

// Bad tells whether a grade is one of the two that open a case (差評).
func (g Grade) Bad() bool { return g == 1 || g == 2 }

// Reason is one of the listed things to praise or to blame.
type Reason string

// What may be said with a good grade, and what with a bad one. Codes are kept for ever.
var (
	praises    = []Reason{"kind", "quick", "clear", "one_trip", "online_too", "tidy"}
	complaints = []Reason{"waited_long", "slow", "unkind", "unclear", "papers", "several_trips", "refused", "facilities"}
)

// ReasonsFor lists what may be said with a grade.
func ReasonsFor(g Grade) []Reason {
	if g.Bad() {
		return complaints
	}
	return praises
}

// AllReasons lists every reason.
func AllReasons() []Reason { return slices.Concat(praises, complaints) }

// CaseState is where the case of a bad grade is.
type CaseState string

const (
	CaseNone     CaseState = "none"     // the grade opens none
	CaseOpen     CaseState = "open"     // to be looked into and answered
	CaseAnswered CaseState = "answered" // to be called back
	CaseClosed   CaseState = "closed"   // called back
)

// CaseStates lists those of a case, in their order.
var CaseStates = []CaseState{CaseOpen, CaseAnswered, CaseClosed}

// CalledBack is what came of calling the person back.
type CalledBack string

const (
	Accepts   CalledBack = "accepts"   // takes the answer
	Disagrees CalledBack = "disagrees" // does not: the case is open again
	Unreached CalledBack = "unreached" // could not be reached, as often as should be tried
)

// CallBacks lists them.
var CallBacks = []CalledBack{Accepts, Disagrees, Unreached}

// Evaluation is what somebody said about one service. Who it was does not stand in it.
type Evaluation struct {
	ID      string // of the case: leads to no ticket
	HallID  string
	Ticket  string
	QueueID string
	Item    string
	Counter string
	At      time.Time
	Date    calendar.Date // of the service
	Grade   Grade
	Reasons []Reason
	Sealed  []byte // what the person wrote; empty for nothing
	Channel string // counter, phone, sms
	State   CaseState
	Due     calendar.Date // the last day to answer on, 0 for none
	Answer  string

	AnsweredBy string
	AnsweredAt time.Time
	CalledBack CalledBack
	CalledBy   string
	CalledAt   time.Time
	Version    int // 1 when given, +1 with each change
}

// The ways an evaluation comes in.
const (
	EvaluatedAtCounter = "counter" // by the code at the counter
	EvaluatedByPhone   = "phone"
	EvaluatedBySMS     = "sms" // by the link of a message
)

// Service rules of evaluations (numbers of the rulebook).
type EvaluationRules struct {
	OpenDays   int // after the day of the service during which it can be evaluated
	AnswerDays int // working days within which a case is answered
}

// EvaluateUntil is the first instant at which a service of date d can no longer be evaluated.
func (r EvaluationRules) EvaluateUntil(d calendar.Date) time.Time {
	return (d + calendar.Date(r.OpenDays) + 1).At(0, 0)
}

// Evaluable tells what stands against evaluating t: only a service that has ended can be, and not for ever.
func (t Ticket) Evaluable(now time.Time, r EvaluationRules) *fault.Error {
	switch {
	case t.State != Done:
		return fault.New(fault.EvaluationNotYet)
	case !now.Before(r.EvaluateUntil(t.Date)):
		return fault.New(fault.EvaluationOver)
	}
	return nil
}

// MostReasons is how many reasons may be given.
const MostReasons = 8

// CheckGrade finds what is wrong with a grade and its reasons. Neither is ever required but the grade.
func CheckGrade(g Grade, reasons []Reason) (wrong []fault.Field) {
	if !slices.Contains(Grades, g) {
		return []fault.Field{{Path: "grade", Code: fault.NotOneOf}}
	}
	for _, r := range reasons {
		if !slices.Contains(ReasonsFor(g), r) {
			return []fault.Field{{Path: "reasons", Code: fault.NotOneOf}}
		}
	}
	return nil
}

// Evaluate makes the evaluation of a finished service, with the case a bad grade opens.
func (t Ticket) Evaluate(now time.Time, r EvaluationRules, cal *calendar.Calendar, g Grade, reasons []Reason) (*Evaluation, *fault.Error) {
	if err := t.Evaluable(now, r); err != nil {
		return nil, err
	}
	if wrong := CheckGrade(g, reasons); len(wrong) > 0 {
		return nil, fault.InvalidFields(wrong...)
	}
	e := &Evaluation{
		HallID: t.HallID, Ticket: t.ID, QueueID: t.QueueID, Item: t.Item, Counter: t.Counter, At: now, Date: t.Date, Grade: g, State: CaseNone, Version: 1,
	}
	for _, listed := range ReasonsFor(g) { // in their order, each once
		if slices.Contains(reasons, listed) {
			e.Reasons = append(e.Reasons, listed)
		}
	}
	if g.Bad() {
		e.State, e.Due = CaseOpen, cal.AddWorkingDays(calendar.DateOf(now), r.AnswerDays)
	}
	return e, nil
}

// Overdue tells whether a case should have been answered by now.
func (e Evaluation) Overdue(today calendar.Date) bool {
	return e.State == CaseOpen && e.Due != 0 && today > e.Due
}

// Reply answers an open case.
func (e *Evaluation) Reply(now time.Time, account, answer string) (*Evaluation, *fault.Error) {
	if e.State != CaseOpen {
		return nil, fault.New(fault.ChangedMeanwhile)
	}
	if answer == "" {
		return nil, fault.InvalidFields(fault.Field{Path: "answer", Code: fault.Required})
	}
	n := *e
	n.State, n.Answer, n.AnsweredBy, n.AnsweredAt = CaseAnswered, answer, account, now
	n.CalledBack, n.CalledBy, n.CalledAt = "", "", time.Time{}
	n.Version++
	return &n, nil
}

// CallBack records what came of calling the person back. Who does not take the answer has the case open
// again, with as many days as at first.
func (e *Evaluation) CallBack(now time.Time, r EvaluationRules, cal *calendar.Calendar, account string, came CalledBack) (*Evaluation, *fault.Error) {
	if !slices.Contains(CallBacks, came) {
		return nil, fault.InvalidFields(fault.Field{Path: "called_back", Code: fault.NotOneOf})
	}
	if e.State != CaseAnswered {
		return nil, fault.New(fault.ChangedMeanwhile)
	}
	n := *e
	n.State, n.CalledBack, n.CalledBy, n.CalledAt = CaseClosed, came, account, now
	if came == Disagrees {
		n.State, n.Due = CaseOpen, cal.AddWorkingDays(calendar.DateOf(now), r.AnswerDays)
	}
	n.Version++
	return &n, nil
}
