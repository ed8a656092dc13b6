package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// Evaluation of a service (好差評, 國辦發〔2019〕51號): once a ticket, by whoever held it.

// Evaluate says how somebody found a service. That it was theirs one of three shows: the session of the
// booker or applicant, the token of the link they were sent, or a fact about them (the last four of the
// document number, or the birth date). The ticket alone shows nothing: staff know it, too.
type Evaluate struct {
	Ticket  string
	Who     *identity.Session
	Token   string
	Fact    string
	Grade   counter.Grade
	Reasons []counter.Reason
	Text    string
	Channel string // counter.EvaluatedAtCounter …
}

// EvaluationState tells whether a service can be evaluated. The grade given is shown to nobody here.
type EvaluationState struct {
	Open  bool
	Given bool
	Until time.Time // before this instant
}

// EvaluationToken is what a link carries so that whoever was sent it may evaluate.
func (a *App) EvaluationToken(ticket string) string {
	return strings.ToLower(shortCode(a.vault.Lookup("evaluate", ticket), 12))
}

// shortCode makes n characters (at most 51) of base 32 from a keyed hash.
func shortCode(hash string, n int) string {
	sum := sha256.Sum256([]byte(hash))
	return base32.NewEncoding(booking.Alphabet).WithPadding(base32.NoPadding).EncodeToString(sum[:])[:n]
}

// Evaluable tells whether the service of a ticket can be evaluated now.
func (a *App) Evaluable(ctx context.Context, ticket string) (s EvaluationState, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		t, err := tx.Ticket(ctx, ticket)
		if err != nil {
			return err
		}
		if t == nil {
			return fault.New(fault.TicketNotFound)
		}
		e, err := tx.EvaluationOf(ctx, t.HallID, t.ID)
		rules := a.Rules(t.Date).Evaluation()
		s = EvaluationState{Given: e != nil, Until: rules.EvaluateUntil(t.Date), Open: e == nil && t.Evaluable(tx.Now, rules) == nil}
		return err
	})
	return s, err
}

// HoldsTicket tells whether what is shown is that a ticket is somebody's own; TicketNotFound if not.
func (a *App) HoldsTicket(ctx context.Context, r Evaluate) error {
	var t *counter.Ticket
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		t, err = tx.Ticket(ctx, r.Ticket)
		return err
	}); err != nil {
		return err
	}
	if t == nil {
		return fault.New(fault.TicketNotFound)
	}
	return a.holds(t, r)
}

func (a *App) holds(t *counter.Ticket, r Evaluate) error {
	p, err := a.openTicket(t)
	if err != nil {
		return err
	}
	switch {
	case r.Token != "" && subtle.ConstantTimeCompare([]byte(strings.ToLower(r.Token)), []byte(a.EvaluationToken(t.ID))) == 1:
		return nil
	case r.Fact != "" && (matchesFact(p.Booker, r.Fact) || matchesFact(p.Applicant, r.Fact)):
		return nil
	case r.Who != nil:
		own := a.personKey(r.Who.Person.Document, r.Who.Person.Birth)
		for _, party := range []booking.Party{p.Booker, p.Applicant} {
			if party.Document.Number != "" && a.personKey(party.Document, party.Birth) == own {
				return nil
			}
		}
	}
	return fault.New(fault.TicketNotFound)
}

// FindTicket finds the newest ticket of a hall by its number and a fact about its holder, among those that
// can still be evaluated: for whoever scans the code at a counter.
func (a *App) FindTicket(ctx context.Context, hall, number, fact string) (string, error) {
	if a.City().Hall(hall) == nil {
		return "", fault.New(fault.HallNotFound)
	}
	number = strings.ToUpper(strings.TrimSpace(number))
	var wrong []fault.Field
	if number == "" {
		wrong = append(wrong, fault.Field{Path: "number", Code: fault.Required})
	}
	if strings.TrimSpace(fact) == "" {
		wrong = append(wrong, fault.Field{Path: "fact", Code: fault.Required})
	}
	if len(wrong) > 0 {
		return "", fault.InvalidFields(wrong...)
	}
	today := calendar.DateOf(a.now())
	var list []*counter.Ticket
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.TicketsNumbered(ctx, hall, number, today-calendar.Date(a.Rules(today).EvaluateWithin))
		return err
	}); err != nil {
		return "", err
	}
	for _, t := range list {
		if a.holds(t, Evaluate{Fact: fact}) == nil {
			return t.ID, nil
		}
	}
	return "", fault.New(fault.TicketNotFound)
}

// Evaluate records an evaluation. The very same again changes nothing; another is refused with
// EvaluationTwice. A bad grade opens a case.
func (a *App) Evaluate(ctx context.Context, r Evaluate) error {
	return a.told(a.evaluate(ctx, r))
}

func (a *App) evaluate(ctx context.Context, r Evaluate) error {
	if wrong := counter.CheckGrade(r.Grade, r.Reasons); len(wrong) > 0 {
		return fault.InvalidFields(wrong...)
	}
	text := ""
	if strings.TrimSpace(r.Text) != "" {
		var err error
		if text, err = checkText("text", r.Text); err != nil {
			return err
		}
	}
	if !slices.Contains([]string{counter.EvaluatedAtCounter, counter.EvaluatedByPhone, counter.EvaluatedBySMS}, r.Channel) {
		return fault.InvalidFields(fault.Field{Path: "channel", Code: fault.NotOneOf})
	}
	if err := a.HoldsTicket(ctx, r); err != nil {
		return err
	}
	id := caseID()
	return a.db.Update(ctx, func(tx *store.Tx) error {
		t, err := tx.Ticket(ctx, r.Ticket)
		if err != nil || t == nil {
			return orElse(err, fault.New(fault.TicketNotFound))
		}
		before, err := tx.EvaluationOf(ctx, t.HallID, t.ID)
		if err != nil {
			return err
		}
		if before != nil {
			if before.Grade == r.Grade && sameReasons(before.Reasons, r.Reasons) && a.said(before) == text {
				return nil
			}
			return fault.New(fault.EvaluationTwice)
		}
		e, refused := t.Evaluate(tx.Now, a.Rules(t.Date).Evaluation(), a.Calendar(), r.Grade, r.Reasons)
		if refused != nil {
			return refused
		}
		e.ID, e.Channel = id, r.Channel
		if text != "" {
			e.Sealed = a.vault.Seal([]byte(text), "evaluation|"+e.ID)
		}
		added, err := tx.AddEvaluation(ctx, e)
		if err == nil && !added {
			err = fault.New(fault.EvaluationTwice)
		}
		if err != nil {
			return err
		}
		return tx.MarkFigures(ctx, []oversight.HallDay{{HallID: e.HallID, Date: e.Date}})
	})
}

func sameReasons(a, b []counter.Reason) bool {
	for _, r := range b {
		if !slices.Contains(a, r) {
			return false
		}
	}
	for _, r := range a {
		if !slices.Contains(b, r) {
			return false
		}
	}
	return true
}

func caseID() string {
	var b [10]byte
	rand.Read(b[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// said opens what somebody wrote, "" for nothing.
func (a *App) said(e *counter.Evaluation) string {
	if len(e.Sealed) == 0 {
		return ""
	}
	plain, err := a.vault.Open(e.Sealed, "evaluation|"+e.ID)
	if err != nil {
		a.log.Error("what was written in an evaluation cannot be opened", "error", err)
		return ""
	}
	return string(plain)
}

// CaseView is the case of a bad grade. Who may only supervise sees neither item, counter nor text, and
// nobody sees the person or the ticket.
type CaseView struct {
	counter.Evaluation // Ticket and Sealed left out
	Hall               *directory.Hall
	Queue              *directory.Queue
	Item               *directory.Item
	Text               string
	CounterLabel       string
	Overdue            bool // and so shown to every level above
	Full               bool // who looks may answer: the whole of it
	Revealable         bool // who looks may have the phone shown
}

func (a *App) caseView(ad *Admin, e *counter.Evaluation) CaseView {
	city := a.City()
	v := CaseView{Evaluation: *e, Hall: city.Hall(e.HallID), Queue: city.Queue(e.QueueID), Overdue: e.Overdue(calendar.DateOf(a.now()))}
	v.Ticket, v.Sealed = "", nil
	if v.Full = a.May(ad, account.CarryOut, e.HallID); v.Full {
		v.Item, v.Text, v.CounterLabel = city.Item(e.Item), a.said(e), a.counterLabel(e.HallID, e.Counter)
	} else {
		v.Evaluation.Item, v.Evaluation.Counter, v.Answer, v.AnsweredBy, v.CalledBy = "", "", "", "", ""
	}
	v.Revealable = a.May(ad, account.Reveal, e.HallID)
	return v
}

// CaseFilter says which cases are wanted.
type CaseFilter struct {
	Hall    string // "" for all
	State   counter.CaseState
	Overdue bool
	Offset  int
	Limit   int   // 0 = 25, at most 200
	Walk    *Walk // in place of order, Offset and Limit
}

// Cases lists cases of bad grades in halls an administrator may supervise, those due first, and how many.
func (a *App) Cases(ctx context.Context, ad *Admin, f CaseFilter) (list []CaseView, all int, err error) {
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 25
	}
	q := store.CaseQuery{Scope: a.Scope(ad, account.Supervise), Hall: f.Hall, State: f.State, Offset: max(f.Offset, 0), Limit: f.Limit, Walk: f.Walk}
	if f.Overdue {
		q.Overdue = calendar.DateOf(a.now())
	}
	var found []*counter.Evaluation
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		found, all, err = tx.Cases(ctx, q)
		return err
	}); err != nil {
		return nil, 0, err
	}
	for _, e := range found {
		list = append(list, a.caseView(ad, e))
	}
	return list, all, nil
}

// Case returns one case of a hall an administrator may supervise.
func (a *App) Case(ctx context.Context, ad *Admin, id string) (v CaseView, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		e, err := a.caseOf(ctx, tx, ad, account.Supervise, id)
		if err == nil {
			v = a.caseView(ad, e)
		}
		return err
	})
	return v, err
}

// caseOf reads a case. One of a hall the administrator may not supervise is not found; to one that may be
// seen but not handled act is not allowed.
func (a *App) caseOf(ctx context.Context, tx *store.Tx, ad *Admin, act account.Action, id string) (*counter.Evaluation, error) {
	e, err := tx.Evaluation(ctx, id)
	if err != nil {
		return nil, err
	}
	if e == nil || e.State == counter.CaseNone || !a.May(ad, account.Supervise, e.HallID) {
		return nil, fault.New(fault.CaseNotFound)
	}
	return e, a.Allow(ad, act, e.HallID)
}

// AnswerCase says what was found and done about a bad grade. version is the one that was looked at.
func (a *App) AnswerCase(ctx context.Context, ad *Admin, id string, version int, answer string) error {
	answer, err := checkText("answer", answer)
	if err != nil {
		return err
	}
	return a.onCase(ctx, ad, id, version, "case.answer", func(e *counter.Evaluation, now time.Time) (*counter.Evaluation, *fault.Error) {
		return e.Reply(now, ad.Account.ID, answer)
	})
}

// CallBackCase records what came of calling back whoever gave a bad grade.
func (a *App) CallBackCase(ctx context.Context, ad *Admin, id string, version int, came counter.CalledBack) error {
	return a.onCase(ctx, ad, id, version, "case.call_back", func(e *counter.Evaluation, now time.Time) (*counter.Evaluation, *fault.Error) {
		return e.CallBack(now, a.Rules(e.Date).Evaluation(), a.Calendar(), ad.Account.ID, came)
	})
}

func (a *App) onCase(ctx context.Context, ad *Admin, id string, version int, act string, change func(*counter.Evaluation, time.Time) (*counter.Evaluation, *fault.Error)) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		e, err := a.caseOf(ctx, tx, ad, account.CarryOut, id)
		if err != nil {
			return err
		}
		if e.Version != version {
			return fault.New(fault.ChangedMeanwhile)
		}
		next, refused := change(e, tx.Now)
		if refused != nil {
			return refused
		}
		saved, err := tx.SaveEvaluation(ctx, next)
		if err != nil || !saved {
			return orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		r := ad.record(act, "evaluation", id)
		r.Hall = e.HallID
		r.Before, r.After = asJSON(map[string]any{"state": e.State, "due": e.Due}), asJSON(map[string]any{"state": next.State, "due": next.Due, "called_back": next.CalledBack})
		return tx.Audit(ctx, r)
	})
}

// RevealCasePhone returns the phone of whoever gave a bad grade, so that they can be called back. It takes
// the powers to answer and to reveal, and a fresh proof, and is written into the log.
func (a *App) RevealCasePhone(ctx context.Context, ad *Admin, id string) (phone string, err error) {
	if err := a.Proven(ad); err != nil {
		return "", err
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		e, err := a.caseOf(ctx, tx, ad, account.CarryOut, id)
		if err != nil {
			return err
		}
		if err := a.Allow(ad, account.Reveal, e.HallID); err != nil {
			return err
		}
		t, err := tx.Ticket(ctx, e.Ticket)
		if err != nil || t == nil {
			return orElse(err, fault.New(fault.CaseNotFound))
		}
		p, err := a.openTicket(t)
		if err != nil {
			return err
		}
		phone = p.Booker.Phone
		r := ad.record("case.reveal_phone", "evaluation", id)
		r.Hall = e.HallID
		return tx.Audit(ctx, r)
	})
	if err != nil {
		return "", err
	}
	return phone, nil
}

// QueueGrades is how the services of one queue in a month were found.
type QueueGrades struct {
	Hall   *directory.Hall
	Queue  *directory.Queue
	Grades map[counter.Grade]int
	All    int
	Open   int // cases not answered yet
}

// Satisfied is how many of All gave one of the three good grades.
func (g QueueGrades) Satisfied() int { return g.All - g.Grades[1] - g.Grades[2] }

// Grades counts the evaluations of a month by hall and queue, of halls an administrator may supervise.
func (a *App) Grades(ctx context.Context, ad *Admin, hall string, month calendar.Date) (out []QueueGrades, reasons map[counter.Reason]int, err error) {
	first, before := monthOf(month)
	from, to := calendar.DateOf(first), calendar.DateOf(before)
	if hall != "" {
		if err := a.Allow(ad, account.Supervise, hall); err != nil {
			return nil, nil, err
		}
	}
	var counts []store.GradeCount
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if counts, err = tx.GradesIn(ctx, a.Scope(ad, account.Supervise), hall, from, to); err == nil && hall != "" {
			reasons, err = tx.ReasonsIn(ctx, hall, from, to)
		}
		return err
	}); err != nil {
		return nil, nil, err
	}
	for _, c := range counts {
		last := len(out) - 1
		if last < 0 || out[last].Queue == nil || out[last].Queue.ID != c.QueueID {
			q := a.City().Queue(c.QueueID)
			if q == nil {
				q = &directory.Queue{ID: c.QueueID, HallID: c.HallID}
			}
			out = append(out, QueueGrades{Hall: a.City().Hall(c.HallID), Queue: q, Grades: map[counter.Grade]int{}})
			last++
		}
		out[last].Grades[c.Grade] += c.N
		out[last].All += c.N
		out[last].Open += c.Open
	}
	return out, reasons, nil
}

// monthOf returns the instants between which the month of a date lies.
func monthOf(d calendar.Date) (from, before time.Time) {
	first := calendar.MakeDate(d.Year(), d.Month(), 1)
	return first.At(0, 0), calendar.DateOf(first.At(12, 0).AddDate(0, 1, 0)).At(0, 0)
}
