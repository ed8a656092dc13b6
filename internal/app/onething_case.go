package app

import (
	"context"
	"errors"
	"strconv"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/theme"
	"suiyue/internal/store"
)

// OneThing is a case as it is shown.
type OneThing struct {
	Case  theme.Case // Sealed and Steps left out
	Theme *theme.Theme
	Hall  *directory.Hall
	Name  string // masked, of whose business it is
	Whom  string // the same, "" where whoever handed it in did so for themselves
	Steps []OneStep
}

// OneStep is a step of a case with what its theme and its history say of it. The texts are for the applicant
// and for the department of the step; others get them empty.
type OneStep struct {
	theme.Progress
	Step    theme.Step
	Unit    *directory.Unit // its department
	Level   int             // how many steps come before it, one after the other
	Overdue bool
	Asked   string   // the last supplement asked for
	Given   string   // what the applicant answered to it
	Said    string   // the result, or the reason of a rejection
	Blocked []string // Stopped: the rejected steps before it
}

// StepView is a step in a department's list.
type StepView struct {
	Case    string
	Theme   *theme.Theme
	Step    theme.Step
	Hall    *directory.Hall
	Opened  time.Time
	Overdue bool
	Mine    bool // taken by whoever asks
	theme.Progress
}

// StepFilter says which steps of one's department are wanted.
type StepFilter struct {
	Asked   bool // those the applicant was asked about; else those to work on, the most urgent first
	Mine    bool
	Overdue bool
	Offset  int
	Limit   int // 0 = 25, at most 200
}

// Steps lists steps of the administrator's department, and how many there are.
func (a *App) Steps(ctx context.Context, ad *Admin, f StepFilter) (out []StepView, all int, err error) {
	if err := a.handles(ad); err != nil {
		return nil, 0, err
	}
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 25
	}
	q := store.StepQuery{Department: ad.Account.Unit, Asked: f.Asked, Offset: max(f.Offset, 0), Limit: f.Limit}
	if f.Mine {
		q.By = ad.Account.ID
	}
	if f.Overdue && !f.Asked {
		q.Overdue = a.today()
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		out = nil
		rows, n, err := tx.StepsOf(ctx, q)
		if err != nil {
			return err
		}
		all = n
		for _, r := range rows {
			t, err := a.themes.of(ctx, tx, r.Theme, r.Version)
			if err != nil {
				return err
			}
			v := StepView{Case: r.Case, Theme: t, Hall: a.City().Hall(r.HallID), Opened: r.OpenedAt, Progress: r.Progress,
				Overdue: r.Overdue(a.today()), Mine: r.By == ad.Account.ID}
			if s := t.Step(r.Key); s != nil {
				v.Step = *s
			}
			out = append(out, v)
		}
		return nil
	})
	return out, all, err
}

// LateSteps is how many steps of a department are past their deadline.
type LateSteps struct {
	Unit   *directory.Unit
	Steps  int
	Oldest calendar.Date // the first of the deadlines
	Own    bool          // whoever asks can work them
}

// LateSteps tells a department and the levels above it, its own first level and the platform, of its steps that
// are past their deadline. A department without one is left out, and those above learn of no case.
func (a *App) LateSteps(ctx context.Context, ad *Admin) (out []LateSteps, err error) {
	own, over := a.handles(ad) == nil, a.Scope(ad, account.Supervise)
	if !own && (over.None || over.District != "" || over.Street != "") {
		return nil, nil
	}
	unit := over.Unit
	if own {
		unit = ad.Account.Unit
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		out = nil
		rows, err := tx.LateSteps(ctx, unit, a.today())
		for _, r := range rows {
			if u := a.City().Unit(r.Department); u != nil {
				out = append(out, LateSteps{Unit: u, Steps: r.Steps, Oldest: r.Oldest, Own: own})
			}
		}
		return err
	})
	return out, err
}

// handles refuses who works no steps of cases.
func (a *App) handles(ad *Admin) error {
	if !ad.has(account.Handle) || ad.Account.Scope(account.Handle).None {
		return fault.New(fault.NotAllowed)
	}
	return nil
}

// partOf refuses a case in which the administrator's department has no part: it is not found.
func partOf(ad *Admin, c *theme.Case) error {
	if c != nil {
		for _, s := range c.Steps {
			if s.Department == ad.Account.Unit {
				return nil
			}
		}
	}
	return fault.New(fault.OneCaseNotFound)
}

// StepCase returns a case in which the administrator's department has a part. Of the other departments' steps
// it is told where they are, not what was written.
func (a *App) StepCase(ctx context.Context, ad *Admin, id string) (v OneThing, err error) {
	if err := a.handles(ad); err != nil {
		return v, err
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		c, err := tx.Case(ctx, id)
		if err != nil {
			return err
		}
		if err := partOf(ad, c); err != nil {
			return err
		}
		v, err = a.oneThing(ctx, tx, c, func(s *theme.Progress) bool { return s.Department == ad.Account.Unit })
		return err
	})
	return v, err
}

// oneThing shows a case; reads says of which steps the texts may be read.
func (a *App) oneThing(ctx context.Context, tx *store.Tx, c *theme.Case, reads func(*theme.Progress) bool) (OneThing, error) {
	t, err := a.themes.of(ctx, tx, c.Theme, c.Version)
	if err != nil {
		return OneThing{}, err
	}
	p, err := a.openParties(c)
	if err != nil {
		return OneThing{}, err
	}
	events, err := tx.CaseEvents(ctx, c)
	if err != nil {
		return OneThing{}, err
	}
	texts, err := tx.CaseTexts(ctx, c.ID)
	if err != nil {
		return OneThing{}, err
	}
	v := OneThing{Case: *c, Theme: t, Hall: a.City().Hall(c.HallID), Name: masked(p.Applicant), Whom: whom(p)}
	v.Case.Sealed, v.Case.Steps = nil, nil
	for _, s := range c.Steps {
		o := OneStep{Progress: *s, Unit: a.City().Unit(s.Department), Level: t.Level(s.Key), Overdue: s.Overdue(a.today())}
		if step := t.Step(s.Key); step != nil {
			o.Step = *step
		}
		if s.State == theme.Stopped {
			for _, b := range c.Steps {
				if b.State == theme.Rejected && t.Waits(s.Key, b.Key) {
					o.Blocked = append(o.Blocked, b.Key)
				}
			}
		}
		if reads(s) {
			for _, e := range events[c.ID] {
				if e.Step != s.Key || texts[e.N] == nil {
					continue
				}
				plain, err := a.unseal(texts[e.N], caseText(c.ID, e.N), "")
				if err != nil {
					return v, fault.Wrap(fault.InternalError, err)
				}
				switch e.Kind {
				case theme.Ask:
					o.Asked, o.Given = string(plain), ""
				case theme.Answer:
					o.Given = string(plain)
				case theme.Finish, theme.Reject:
					o.Said = string(plain)
				}
			}
		}
		v.Steps = append(v.Steps, o)
	}
	return v, nil
}

// caseText is what a text of a case is sealed about.
func caseText(id string, n int) string { return "one thing text|" + id + "|" + strconv.Itoa(n) }

// StepAct is what somebody of a department does with a step of theirs.
type StepAct struct {
	Kind    theme.ActKind // Take, TakeOver, Ask, Finish, Reject
	Case    string
	Step    string
	Version int    // of the step, as it was looked at
	Text    string // Ask, Reject: needed; Finish: the result, needed
}

// WorkStep does something with a step of the administrator's department, and writes it into the log. What
// follows from it, next steps, an end, messages, is in the same transaction.
func (a *App) WorkStep(ctx context.Context, ad *Admin, act StepAct) error {
	if err := a.handles(ad); err != nil {
		return err
	}
	text := ""
	switch act.Kind {
	case theme.Take, theme.TakeOver:
	case theme.Ask, theme.Finish, theme.Reject:
		var err error
		if text, err = checkText("text", act.Text); err != nil {
			return err
		}
	default:
		return fault.InvalidFields(fault.Field{Path: "act", Code: fault.NotOneOf})
	}
	return a.onOneThing(ctx, act.Case, func(ctx context.Context, tx *store.Tx, c *theme.Case) (theme.Act, string, error) {
		if err := still(ctx, tx, ad); err != nil {
			return theme.Act{}, "", err
		}
		if err := partOf(ad, c); err != nil {
			return theme.Act{}, "", err
		}
		if s := c.Step(act.Step); s == nil || s.Department != ad.Account.Unit {
			return theme.Act{}, "", fault.New(fault.StepNotFound)
		}
		return theme.Act{Kind: act.Kind, Step: act.Step, By: ad.Account.ID, Version: act.Version}, text, nil
	}, func(ctx context.Context, tx *store.Tx, before *theme.Case, next *theme.Change) error {
		r := ad.record("step."+string(act.Kind), "case", act.Case)
		r.Hall, r.Why = before.HallID, act.Step
		r.Before = asJSON(map[string]any{"state": before.Step(act.Step).State})
		r.After = asJSON(map[string]any{"state": next.Case.Step(act.Step).State, "case": next.Case.State})
		return tx.Audit(ctx, r)
	})
}

// errAgain says that somebody else changed a case in the middle: it is looked at again.
var errAgain = errors.New("app: the case has changed meanwhile")

// onOneThing does one act to a case. check says what is asked for, of the case as it stands; last, if not nil,
// ends the transaction. Departments that work on one case at once do not hinder each other: who comes second
// looks again.
func (a *App) onOneThing(ctx context.Context, id string, check func(context.Context, *store.Tx, *theme.Case) (theme.Act, string, error), last func(context.Context, *store.Tx, *theme.Case, *theme.Change) error) error {
	for range 10 {
		err := a.db.Update(ctx, func(tx *store.Tx) error {
			c, err := tx.Case(ctx, id)
			if err != nil {
				return err
			}
			act, text, err := check(ctx, tx, c)
			if err != nil {
				return err
			}
			t, err := a.themes.of(ctx, tx, c.Theme, c.Version)
			if err != nil {
				return err
			}
			next, refused := c.Apply(tx.Now, t, a.Calendar(), act)
			if refused != nil {
				return refused
			}
			saved, err := tx.SaveCase(ctx, next)
			if err != nil || !saved {
				return orElse(err, errAgain)
			}
			if text != "" {
				n := next.Events[0].N
				if err := tx.AddCaseText(ctx, id, n, a.vault.Seal([]byte(text), caseText(id, n))); err != nil {
					return err
				}
			}
			if err := tellCase(ctx, tx, next); err != nil {
				return err
			}
			if last != nil {
				return last(ctx, tx, c, next)
			}
			return nil
		})
		if !errors.Is(err, errAgain) {
			return a.told(err)
		}
	}
	return fault.New(fault.Busy).After(time.Second)
}

// CasePerson shows who a case is about to somebody of a department that works on it now. It takes a fresh
// proof and is written into the log.
func (a *App) CasePerson(ctx context.Context, ad *Admin, id string) (p booking.Parties, err error) {
	if err := a.handles(ad); err != nil {
		return p, err
	}
	if err := a.Proven(ad); err != nil {
		return p, err
	}
	if ad.Scopes != nil { // a token never shows personal data
		return p, fault.New(fault.NotAllowed)
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		c, err := tx.Case(ctx, id)
		if err != nil {
			return err
		}
		if err := partOf(ad, c); err != nil {
			return err
		}
		works := false
		for _, s := range c.Steps {
			works = works || s.Department == ad.Account.Unit && (s.State == theme.Accepted || s.State == theme.Supplement)
		}
		if !works {
			return fault.New(fault.NotAllowed)
		}
		if p, err = a.openParties(c); err != nil {
			return err
		}
		r := ad.record("case.reveal", "case", id)
		r.Hall = c.HallID
		return tx.Audit(ctx, r)
	})
	if err != nil {
		return booking.Parties{}, err
	}
	return p, nil
}

// mostCases is how many cases of a person are shown.
const mostCases = 50

// MyCases returns the cases of the signed-in person, newest first.
func (a *App) MyCases(ctx context.Context, who *identity.Session) (out []OneThing, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		out = nil
		list, err := tx.CasesOf(ctx, who.Person.Key, mostCases)
		if err != nil {
			return err
		}
		for _, c := range list {
			v, err := a.oneThing(ctx, tx, c, func(*theme.Progress) bool { return true })
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// MyCase returns one case of the signed-in person.
func (a *App) MyCase(ctx context.Context, who *identity.Session, id string) (v OneThing, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		c, err := tx.Case(ctx, id)
		if err != nil {
			return err
		}
		if err := theirs(who, c); err != nil {
			return err
		}
		v, err = a.oneThing(ctx, tx, c, func(*theme.Progress) bool { return true })
		return err
	})
	return v, err
}

func theirs(who *identity.Session, c *theme.Case) error {
	if c == nil || c.Booker != who.Person.Key && c.Applicant != who.Person.Key {
		return fault.New(fault.OneCaseNotFound)
	}
	return nil
}

// AnswerStep gives a department what it asked for.
func (a *App) AnswerStep(ctx context.Context, who *identity.Session, id, step string, version int, text string) error {
	text, err := checkText("text", text)
	if err != nil {
		return err
	}
	return a.onOneThing(ctx, id, func(_ context.Context, _ *store.Tx, c *theme.Case) (theme.Act, string, error) {
		return theme.Act{Kind: theme.Answer, Step: step, Version: version}, text, theirs(who, c)
	}, nil)
}

// WithdrawCase ends a case of the signed-in person: what is done stays done, nothing more is.
func (a *App) WithdrawCase(ctx context.Context, who *identity.Session, id string) error {
	return a.onOneThing(ctx, id, func(_ context.Context, _ *store.Tx, c *theme.Case) (theme.Act, string, error) {
		return theme.Act{Kind: theme.Withdraw}, "", theirs(who, c)
	}, nil)
}
