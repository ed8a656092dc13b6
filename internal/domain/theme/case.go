package theme

import (
	"slices"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// State is where one step of a case is.
type State string

const (
	Waiting    State = "waiting"    // for the steps before it
	Due        State = "due"        // its department is to take it
	Accepted   State = "accepted"   // somebody of the department works on it
	Supplement State = "supplement" // the applicant is asked for something; the deadline rests
	Done       State = "done"
	Rejected   State = "rejected"
	Stopped    State = "stopped"   // a step before it was rejected: it will never begin
	Withdrawn  State = "withdrawn" // by the applicant, with the whole case
)

// States lists them.
var States = []State{Waiting, Due, Accepted, Supplement, Done, Rejected, Stopped, Withdrawn}

// Over tells whether nothing more happens to a step.
func (s State) Over() bool { return s == Done || s == Rejected || s == Stopped || s == Withdrawn }

// Working tells whether the department is to act, with its deadline running.
func (s State) Working() bool { return s == Due || s == Accepted }

// End is what a case came to, "" while it runs.
type End string

const (
	Running   End = "running"
	Complete  End = "complete"  // every step is done
	Partly    End = "partly"    // some steps are done, others were rejected or stopped
	Refused   End = "refused"   // no step is done
	TakenBack End = "withdrawn" // by the applicant
)

// Ends lists them.
var Ends = []End{Running, Complete, Partly, Refused, TakenBack}

// Progress is where a case is with one step.
type Progress struct {
	Key        string
	Department string
	State      State
	By         string        // account that took it last, "" for nobody yet
	Due        calendar.Date // Due and Accepted: the last day of its deadline; else 0
	Left       int           // Supplement: working days that were left of it
	Since      time.Time     // of the state
	Version    int           // 1 when the case was opened, +1 with each change of this step
}

// Overdue tells whether the deadline has passed on the given day.
func (p *Progress) Overdue(today calendar.Date) bool { return p.State.Working() && p.Due < today }

// Case is one person's way through a theme, from the counter to its one end.
type Case struct {
	ID        string // unguessable
	HallID    string // where it was accepted
	Ticket    string // of the service that accepted it: one ticket opens one case
	Theme     string
	Version   int // of the theme: never changes
	State     End
	Booker    identity.Key // who handed it in
	Applicant identity.Key // whose business it is
	Sealed    []byte       // booking.Parties
	OpenedAt  time.Time
	EndedAt   time.Time // zero while it runs
	Acts      int       // what was done to it, the opening included
	Events    int       // of its history
	Steps     []*Progress
}

// Step returns where the case is with a step, nil for one the theme has not.
func (c *Case) Step(key string) *Progress {
	for _, s := range c.Steps {
		if s.Key == key {
			return s
		}
	}
	return nil
}

// ActKind is what is done to a case.
type ActKind string

const (
	Open     ActKind = "open"     // accepted at a counter
	Take     ActKind = "take"     // somebody of the department takes a step up
	TakeOver ActKind = "takeover" // from whoever took it before
	Ask      ActKind = "ask"      // for a supplement
	Answer   ActKind = "answer"   // by the applicant
	Finish   ActKind = "finish"   // with a result
	Reject   ActKind = "reject"   // with a reason
	Withdraw ActKind = "withdraw" // by the applicant: the whole case

	// What follows from an act, as its history says.
	Begin ActKind = "begin" // a step has become due
	Stop  ActKind = "stop"  // a step will never begin
	Close ActKind = "close" // the case has ended
)

// Act asks for one thing to happen to a case.
type Act struct {
	Kind    ActKind
	Step    string // all but Withdraw
	By      string // account; "" for the applicant
	Version int    // of the step, as it was looked at; 0 = whatever it is
}

// Event is one line of a case's history, never changed.
type Event struct {
	N    int // from 1 without gaps
	Act  int // the act it belongs to, from 1
	Kind ActKind
	Step string // "" for the case as a whole
	By   string // account; "" for the applicant, and for what follows by itself
	At   time.Time
}

// Change is what an act came to.
type Change struct {
	Case   *Case
	Steps  []*Progress // those that changed
	Events []Event
}

// Has tells whether something of a kind happened.
func (c *Change) Has(k ActKind) bool {
	return slices.ContainsFunc(c.Events, func(e Event) bool { return e.Kind == k })
}

// change collects what happens in one act on a copy of a case, so that a refusal leaves no trace.
type change struct {
	Change
	now   time.Time
	theme *Theme
	cal   *calendar.Calendar
}

func begin(now time.Time, t *Theme, cal *calendar.Calendar, c Case) *change {
	c.Acts++
	next := &change{Change: Change{Case: &c}, now: now, theme: t, cal: cal}
	steps := make([]*Progress, len(c.Steps))
	for i, s := range c.Steps {
		kept := *s
		steps[i] = &kept
	}
	c.Steps = steps
	return next
}

func (c *change) note(kind ActKind, step, by string) {
	c.Case.Events++
	c.Events = append(c.Events, Event{N: c.Case.Events, Act: c.Case.Acts, Kind: kind, Step: step, By: by, At: c.now})
}

// turn sets the state of a step.
func (c *change) turn(s *Progress, to State) {
	s.State, s.Since = to, c.now
	if !to.Working() {
		s.Due = 0
	}
	if to != Supplement {
		s.Left = 0
	}
	s.Version++
	if !slices.Contains(c.Steps, s) {
		c.Steps = append(c.Steps, s)
	}
}

// due makes a step due with so many working days.
func (c *change) due(s *Progress, days int) {
	c.turn(s, Due)
	s.Due = c.cal.AddWorkingDays(calendar.DateOf(c.now), days)
}

// OpenCase begins a case: the steps that wait for nothing are due. c says whose it is and where it was
// accepted; by is the account that accepted it.
func OpenCase(now time.Time, t *Theme, cal *calendar.Calendar, c Case, by string) *Change {
	c.Theme, c.Version, c.State, c.OpenedAt = t.Code, t.Version, Running, now
	c.Acts, c.Events, c.Steps = 0, 0, nil
	next := begin(now, t, cal, c)
	next.note(Open, "", by)
	for _, s := range t.Steps {
		p := &Progress{Key: s.Key, Department: s.Department, State: Waiting, Since: now}
		next.Case.Steps = append(next.Case.Steps, p)
		next.turn(p, Waiting)
		if len(s.After) == 0 {
			p.Version = 0 // it does not wait, not even for a moment
			next.due(p, s.Days)
			next.note(Begin, s.Key, "")
		}
	}
	return &next.Change
}

// Apply does an act or says why not; refused, the case is as it was. t is the version of the theme the case
// goes by.
//
//   - A step is worked by whoever took it: StepTaken for anybody else, who may take it over.
//   - ChangedMeanwhile where the step is no longer as it was looked at.
//   - StepNotThere for what the step's state does not allow; CaseOver once the case has ended.
func (c Case) Apply(now time.Time, t *Theme, cal *calendar.Calendar, a Act) (*Change, *fault.Error) {
	if c.State != Running {
		return nil, fault.New(fault.CaseOver, "state", string(c.State))
	}
	next := begin(now, t, cal, c)
	if a.Kind == Withdraw {
		next.note(Withdraw, "", a.By)
		for _, s := range next.Case.Steps {
			if !s.State.Over() {
				next.turn(s, Withdrawn)
			}
		}
		next.close()
		return &next.Change, nil
	}
	s := next.Case.Step(a.Step)
	step := t.Step(a.Step)
	if s == nil || step == nil {
		return nil, fault.New(fault.StepNotFound)
	}
	if a.Version != 0 && a.Version != s.Version {
		return nil, fault.New(fault.ChangedMeanwhile)
	}
	not := fault.New(fault.StepNotThere, "state", string(s.State))
	var from []State
	switch a.Kind {
	case Take:
		from = []State{Due}
	case TakeOver, Ask, Finish:
		from = []State{Accepted}
	case Reject:
		from = []State{Accepted, Supplement}
	case Answer:
		from = []State{Supplement}
	default:
		return nil, fault.InvalidFields(fault.Field{Path: "act", Code: fault.NotOneOf})
	}
	if !slices.Contains(from, s.State) {
		if a.Kind == Take && s.State == Accepted {
			return nil, fault.New(fault.StepTaken)
		}
		return nil, not
	}
	if (a.Kind == Ask || a.Kind == Finish || a.Kind == Reject) && s.By != a.By {
		return nil, fault.New(fault.StepTaken)
	}
	next.note(a.Kind, a.Step, a.By)
	switch a.Kind {
	case Take, TakeOver:
		next.turn(s, Accepted)
		s.By = a.By
	case Ask:
		left := cal.WorkingDaysBetween(calendar.DateOf(now), s.Due)
		next.turn(s, Supplement)
		s.Left = max(left, 1)
	case Answer:
		next.due(s, s.Left)
	case Finish:
		next.turn(s, Done)
		next.follow()
	case Reject:
		next.turn(s, Rejected)
		next.stop()
	}
	if next.over() {
		next.close()
	}
	return &next.Change, nil
}

// follow makes the steps due whose last step before has just been done.
func (c *change) follow() {
	for _, s := range c.Case.Steps {
		if s.State == Waiting && c.ready(s.Key) {
			c.due(s, c.theme.Step(s.Key).Days)
			c.note(Begin, s.Key, "")
		}
	}
}

func (c *change) ready(key string) bool {
	step := c.theme.Step(key)
	return step != nil && !slices.ContainsFunc(step.After, func(a string) bool { return c.Case.Step(a).State != Done })
}

// stop ends the steps that wait, near or far, for one that was rejected.
func (c *change) stop() {
	for _, s := range c.Case.Steps {
		if s.State != Waiting {
			continue
		}
		for before := range c.theme.before(s.Key) {
			if c.Case.Step(before).State == Rejected {
				c.turn(s, Stopped)
				c.note(Stop, s.Key, "")
				break
			}
		}
	}
}

func (c *change) over() bool {
	return !slices.ContainsFunc(c.Case.Steps, func(s *Progress) bool { return !s.State.Over() })
}

// close ends the case.
func (c *change) close() {
	c.Case.State, c.Case.EndedAt = endOf(c.Case.Steps), c.now
	c.note(Close, "", "")
}

func endOf(steps []*Progress) End {
	done, withdrawn := 0, false
	for _, s := range steps {
		withdrawn = withdrawn || s.State == Withdrawn
		if s.State == Done {
			done++
		}
	}
	switch {
	case withdrawn:
		return TakenBack
	case done == len(steps):
		return Complete
	case done > 0:
		return Partly
	}
	return Refused
}
