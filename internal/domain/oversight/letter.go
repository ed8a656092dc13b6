package oversight

import (
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
)

// LetterState is what has become of a notice letter (Art. 22).
type LetterState string

const (
	LetterIssued   LetterState = "issued"   // sent; the unit is to confirm receipt
	LetterReceived LetterState = "received" // the unit is to report what it put right
	LetterReplied  LetterState = "replied"  // who sent it is to check that
	LetterReturned LetterState = "returned" // it was not enough: the unit reports again
	LetterClosed   LetterState = "closed"
)

// LetterStates lists them in the order of a letter's life.
var LetterStates = []LetterState{LetterIssued, LetterReceived, LetterReplied, LetterReturned, LetterClosed}

// Letter is a notice letter: what a unit is told to put right, until it is right (Art. 22).
type Letter struct {
	ID       string
	Year     int
	Number   int          // of those of its unit in the year
	Seat     account.Seat // of the unit it is sent to
	FromUnit string
	About    About
	Subject  string
	Text     string
	Asks     string // what is to be done
	State    LetterState
	IssuedBy string
	IssuedAt time.Time
	DueAt    time.Time // of the step that waits; zero when closed
	NextAt   time.Time // when it is told again that the step is overdue; zero for never
	Level    int       // how often that was told
	Late     int       // how many steps of the unit were overdue
	Returns  int       // how often a reply was not enough
	ClosedAt time.Time
	Version  int // +1 with each change
}

// About names what a letter is about; both empty where it was written by hand.
type About struct{ Noun, ID string }

// What a letter can be about.
const (
	AboutAnomaly = "anomaly"
	AboutLedger  = "ledger"
)

// ParseAbout reads "anomaly:<id>" or "ledger:<id>"; anything else is nothing.
func ParseAbout(s string) About {
	noun, id, _ := strings.Cut(s, ":")
	if id == "" || noun != AboutAnomaly && noun != AboutLedger {
		return About{}
	}
	return About{noun, id}
}

// String writes what ParseAbout reads.
func (a About) String() string {
	if a.Noun == "" {
		return ""
	}
	return a.Noun + ":" + a.ID
}

// mostSubject and mostRemarks bound the subject of a letter, and what is written in it or on a bulletin, in characters.
const (
	mostSubject = 80
	mostRemarks = 4000
)

// NewLetter is a letter about to be sent by an account: its number is given, what it says and to whom stands in l. Wrong
// fields are subject, text and asks.
func NewLetter(l Letter, who account.Account, now time.Time, cal *calendar.Calendar, rules rulebook.Rulebook) (Letter, error) {
	if !who.Writes(l.Seat) {
		return l, fault.New(fault.NotAllowed)
	}
	l.Subject, l.Text, l.Asks = strings.TrimSpace(l.Subject), strings.TrimSpace(l.Text), strings.TrimSpace(l.Asks)
	var wrong []fault.Field
	for _, f := range []struct {
		path, text string
		most       int
	}{{"subject", l.Subject, mostSubject}, {"text", l.Text, mostRemarks}, {"asks", l.Asks, mostRemarks}} {
		if code := checkProse(f.text, f.most); code != "" {
			wrong = append(wrong, fault.Field{Path: f.path, Code: code})
		}
	}
	if len(wrong) > 0 {
		return l, fault.InvalidFields(wrong...)
	}
	l.FromUnit, l.IssuedBy, l.IssuedAt, l.State, l.Version = who.Unit, who.ID, now, LetterIssued, 1
	return l.wait(now, cal, rules.LetterReceiptDays), nil
}

// checkProse tells what is wrong with something written in several lines.
func checkProse(s string, most int) fault.Code {
	switch {
	case s == "":
		return fault.Required
	case len([]rune(s)) > most:
		return fault.TooLong
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f || r == 0x202e }):
		return fault.BadCharacter
	}
	return ""
}

// wait begins the time of a step: so many working days, to the end of the last.
func (l Letter) wait(now time.Time, cal *calendar.Calendar, days int) Letter {
	l.DueAt = cal.AddWorkingDays(calendar.DateOf(now), days).At(24, 0)
	l.NextAt, l.Level = l.DueAt, 0
	return l
}

// WithUnit tells whether the step that waits is the unit's.
func (l Letter) WithUnit() bool {
	return l.State == LetterIssued || l.State == LetterReceived || l.State == LetterReturned
}

// Checks tells whether an account checks the replies to the letter: one of the unit that sent it, or of the city's first
// level.
func (l Letter) Checks(who account.Account) bool {
	return who.Writes(l.Seat) && (who.Unit == l.FromUnit || who.Rank == account.Platform1)
}

// in refuses what cannot be done in the state the letter is in.
func (l Letter) in(states ...LetterState) error {
	if !slices.Contains(states, l.State) {
		return fault.New(fault.LetterNotNow, "state", string(l.State))
	}
	return nil
}

// Receive confirms that the letter has come: an administrator of the unit.
func (l Letter) Receive(who account.Account, now time.Time, cal *calendar.Calendar, rules rulebook.Rulebook) (Letter, error) {
	if !who.Answers(l.Seat) {
		return l, fault.New(fault.NotAllowed)
	}
	if err := l.in(LetterIssued); err != nil {
		return l, err
	}
	l.State = LetterReceived
	l.Version++
	return l.wait(now, cal, rules.LetterReplyDays), nil
}

// Reply reports what the unit has put right. The wrong field is text.
func (l Letter) Reply(who account.Account, text string, now time.Time, cal *calendar.Calendar, rules rulebook.Rulebook) (Letter, error) {
	if !who.Answers(l.Seat) {
		return l, fault.New(fault.NotAllowed)
	}
	if err := l.in(LetterReceived, LetterReturned); err != nil {
		return l, err
	}
	if code := checkProse(strings.TrimSpace(text), mostRemarks); code != "" {
		return l, fault.InvalidFields(fault.Field{Path: "text", Code: code})
	}
	l.State = LetterReplied
	l.Version++
	return l.wait(now, cal, rules.LetterCheckDays), nil
}

// Check accepts a reply, so that the letter is closed, or returns it with what is missing. The wrong field is text,
// which a return needs.
func (l Letter) Check(who account.Account, accept bool, text string, now time.Time, cal *calendar.Calendar, rules rulebook.Rulebook) (Letter, error) {
	if !l.Checks(who) {
		return l, fault.New(fault.NotAllowed)
	}
	if err := l.in(LetterReplied); err != nil {
		return l, err
	}
	if code := checkProse(strings.TrimSpace(text), mostRemarks); code != "" && (code != fault.Required || !accept) {
		return l, fault.InvalidFields(fault.Field{Path: "text", Code: code})
	}
	l.Version++
	if accept {
		l.State, l.ClosedAt, l.DueAt, l.NextAt, l.Level = LetterClosed, now, time.Time{}, time.Time{}, 0
		return l, nil
	}
	l.State = LetterReturned
	l.Returns++
	return l.wait(now, cal, rules.LetterAgainDays), nil
}

// Overdue tells whether the step that waits is to be told about now as overdue.
func (l Letter) Overdue(now time.Time) bool { return !l.NextAt.IsZero() && !now.Before(l.NextAt) }

// mostLevels is how often it is told that a step is overdue: to those it waits for and who sent the letter, then to the
// head above the unit, then to the city's first level.
const mostLevels = 3

// Escalate moves an overdue letter up a level; late is that a step of the unit has just become overdue. It is told
// again on the next working day, until there is nobody above.
func (l Letter) Escalate(now time.Time, cal *calendar.Calendar) (next Letter, late bool) {
	if !l.Overdue(now) {
		return l, false
	}
	l.Level++
	l.Version++
	if late = l.Level == 1 && l.WithUnit(); late {
		l.Late++
	}
	l.NextAt = time.Time{}
	if l.Level < mostLevels {
		l.NextAt = cal.AddWorkingDays(calendar.DateOf(now), 1).At(9, 0)
	}
	return l, late
}

// LetterEvent is one step of a letter's history.
type LetterEvent struct {
	At      time.Time
	Kind    string // issued, received, replied, returned, closed, overdue
	Account string // "" for the system
	Text    string
}
