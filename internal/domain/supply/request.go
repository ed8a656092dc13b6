package supply

import (
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
)

// Origin says how an adjustment came up.
type Origin string

const (
	Asked     Origin = "request"    // Art. 23: by those who release the numbers
	Suggested Origin = "suggestion" // Art. 8: by the platform's second level
)

// State is what has become of a request. Nothing is approved by silence: an overdue one waits on, a
// level higher.
type State string

const (
	Waiting    State = "waiting"
	Approved   State = "approved" // decided; slots are being brought to it
	Done       State = "done"     // carried out
	Refused    State = "refused"
	Withdrawn  State = "withdrawn"
	Sent       State = "sent"       // suggestion: approved, with the hall's administrators
	Impossible State = "impossible" // suggestion: the hall reported that it cannot be done
)

// States lists them.
var States = []State{Waiting, Approved, Sent, Done, Refused, Withdrawn, Impossible}

// Request asks for a change at a hall, or suggests one.
type Request struct {
	ID         string // "R2026-000001"
	Bundle     string // filed together for several halls; "" alone
	HallID     string
	QueueID    string // "" for every queue of the hall
	UnitID     string
	DistrictID string
	StreetID   string
	Level      directory.HallLevel
	Origin     Origin
	Urgent     bool
	FiledBy    string
	FiledRank  account.Rank
	UpTo       account.Rank // who is to decide now
	State      State
	Late       bool // filed after the notice of Art. 23
	FiledAt    time.Time
	DueAt      time.Time // by when UpTo decides, or the hall reports
	DecidedBy  string
	DecidedAt  time.Time
	DoneAt     time.Time
	Change     Change
	Reason     string
	Why        string // of the decision
	Report     string // of the hall, on a suggestion
	Impact     Impact // as it was when filed
	Version    int
}

// Breach is a kind of entry in the violation ledger (Art. 23).
type Breach string

const (
	LateRequest  Breach = "late_request"
	LateDecision Breach = "late_decision"
	LateReport   Breach = "late_report"       // of the hall, on a suggestion sent to it
	LateCut      Breach = "cut_after_booking" // numbers taken away that people held
	ShareAbove   Breach = "share_above"       // more than the share of Art. 14 stays on-site
	DataLate     Breach = "data_late"         // of a unit: its connected system sent too little in time in a month
	LetterLate   Breach = "late_letter"       // of a unit: it was overdue to answer a notice letter
)

// Breaches lists them.
var Breaches = []Breach{LateRequest, LateDecision, LateReport, LateCut, ShareAbove, DataLate, LetterLate}

// EarliestEffect is the first day a change filed on day filed may take effect in time: the second
// working day after it (Art. 23).
func EarliestEffect(cal *calendar.Calendar, rules rulebook.Rulebook, filed calendar.Date) calendar.Date {
	return cal.AddWorkingDays(filed, rules.RequestNoticeDays)
}

// DecideBy is the end of the working day by which something filed, or moved up, at an instant must be
// decided (Art. 23).
func DecideBy(cal *calendar.Calendar, rules rulebook.Rulebook, since time.Time) time.Time {
	return cal.AddWorkingDays(calendar.DateOf(since), rules.DecideWithinDays).At(24, 0)
}

// OfUnit tells whether entries of the kind stand against a unit as such, not against an account.
func (b Breach) OfUnit() bool { return b == DataLate || b == LetterLate }

// File makes the request ready to be kept: its deadline, whether it is late, and what the ledger says.
// Only what adds numbers and takes none away can be urgent (Art. 22). An increase filed too late without
// that is refused with the earliest day; a reduction goes its way and is entered.
func (r Request) File(now time.Time, cal *calendar.Calendar, rules rulebook.Rulebook) (Request, []Breach, *fault.Error) {
	today := calendar.DateOf(now)
	earliest := EarliestEffect(cal, rules, today)
	if r.Impact.Nothing() {
		return r, nil, fault.New(fault.NothingChanges)
	}
	adds := r.Impact.Increase()
	if r.Urgent && !adds {
		return r, nil, fault.New(fault.UrgentCut)
	}
	r.State, r.FiledAt, r.Version = Waiting, now, 1
	r.DueAt = DecideBy(cal, rules, now)
	r.Late = r.Change.From < earliest
	switch {
	case !r.Late || r.Urgent || r.Origin == Suggested:
		return r, nil, nil
	case adds:
		return r, nil, fault.New(fault.NoticeTooShort, "earliest", earliest.String())
	}
	return r, []Breach{LateRequest}, nil
}

// Decide approves or refuses a request that waits. who is the account as it is now, asker the account
// that filed it, p where the hall is. A late decision counts, and is entered.
func (r Request) Decide(now time.Time, who, asker account.Account, p account.Place, approve bool, why string, cal *calendar.Calendar, rules rulebook.Rulebook) (Request, []Breach, *fault.Error) {
	switch {
	case !who.May(account.Supervise, p):
		return r, nil, fault.New(fault.RequestNotFound)
	case account.Related(who, asker):
		return r, nil, fault.New(fault.RequestOwn)
	case r.State != Waiting:
		return r, nil, fault.New(fault.RequestDecided, "state", string(r.State))
	case !who.Decides(asker, r.UpTo, p):
		return r, nil, fault.New(fault.RequestNotYours, "rank", string(r.UpTo))
	case approve && r.Change.Over(calendar.DateOf(now)):
		return r, nil, fault.New(fault.RequestOver)
	case !approve && why == "":
		return r, nil, fault.InvalidFields(fault.Field{Path: "why", Code: fault.Required})
	}
	var breaches []Breach
	if now.After(r.DueAt) {
		breaches = append(breaches, LateDecision)
	}
	r.DecidedBy, r.DecidedAt, r.Why = who.ID, now, why
	switch {
	case !approve:
		r.State = Refused
	case r.Origin == Suggested:
		r.State = Sent
		r.DueAt = cal.AddWorkingDays(calendar.DateOf(now), rules.RequestNoticeDays).At(24, 0)
	default:
		r.State = Approved
	}
	return r, breaches, nil
}

// Withdraw takes back a request that nobody has decided. Who took the account over may do it, too.
func (r Request) Withdraw(who, asker account.Account) (Request, *fault.Error) {
	switch {
	case !who.Active() || !account.Related(who, asker):
		return r, fault.New(fault.RequestNotFound)
	case r.State != Waiting:
		return r, fault.New(fault.RequestDecided, "state", string(r.State))
	}
	r.State = Withdrawn
	return r, nil
}

// Answer is the hall's report on a suggestion that was sent to it: it carries it out, or says why that
// cannot be done. A late report counts, and is entered.
func (r Request) Answer(now time.Time, who account.Account, p account.Place, done bool, report string) (Request, []Breach, *fault.Error) {
	switch {
	case !who.May(account.Supervise, p) || r.Origin != Suggested:
		return r, nil, fault.New(fault.RequestNotFound)
	case !who.May(account.CarryOut, p):
		return r, nil, fault.New(fault.NotAllowed)
	case r.State != Sent:
		return r, nil, fault.New(fault.RequestDecided, "state", string(r.State))
	case report == "":
		return r, nil, fault.InvalidFields(fault.Field{Path: "report", Code: fault.Required})
	case done && r.Change.Over(calendar.DateOf(now)):
		return r, nil, fault.New(fault.RequestOver)
	}
	var breaches []Breach
	if r.Unreported(now) {
		breaches = append(breaches, LateReport)
	}
	r.Report = report
	if r.State = Approved; !done {
		r.State, r.DoneAt = Impossible, now
	}
	return r, breaches, nil
}

// Overdue tells whether the request should have been decided by now.
func (r Request) Overdue(now time.Time) bool { return r.State == Waiting && now.After(r.DueAt) }

// Unreported tells whether the hall should have reported on the suggestion by now.
func (r Request) Unreported(now time.Time) bool { return r.State == Sent && now.After(r.DueAt) }

// Escalate moves an overdue request up to the rank next, which has a working day of its own; with next
// "" it stays where it is. The ledger is told by the caller, who knows whose decision it was.
func (r Request) Escalate(now time.Time, next account.Rank, cal *calendar.Calendar, rules rulebook.Rulebook) Request {
	if next != "" {
		r.UpTo = next
	}
	r.DueAt = DecideBy(cal, rules, now)
	return r
}

// CarriedOut marks an approved request whose slots are as it says.
func (r Request) CarriedOut(now time.Time) Request {
	r.State, r.DoneAt = Done, now
	return r
}

// DeciderOf returns the rank a request of asker goes up to first, or from rank on when that was overdue:
// the next one above of which has gives a decider, the highest there is if none has.
func DeciderOf(from account.Rank, has func(account.Rank) bool) account.Rank {
	last := account.Rank("")
	for up := from.Superior(); up != ""; up = up.Superior() {
		if last = up; has(up) {
			return up
		}
	}
	return last
}
