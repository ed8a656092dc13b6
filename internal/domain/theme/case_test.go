package theme

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

var noon = calendar.MakeDate(2026, time.November, 24).At(12, 0) // a Tuesday

func year(t interface{ Fatal(...any) }) *calendar.Calendar {
	cal, err := calendar.New(nil, map[int]calendar.YearStatus{2026: calendar.Official, 2027: calendar.Official})
	if err != nil {
		t.Fatal(err)
	}
	return cal
}

// walk is a case that acts are done to, one an hour.
type walk struct {
	*testing.T
	theme *Theme
	cal   *calendar.Calendar
	c     *Case
	past  []Event
	at    time.Time
}

func walkOf(t *testing.T, theme string) *walk {
	w := &walk{T: t, theme: chain(theme), cal: year(t), at: noon}
	next := OpenCase(w.at, w.theme, w.cal, Case{ID: "case"}, "clerk")
	w.c, w.past = next.Case, next.Events
	return w
}

func (w *walk) try(kind ActKind, step, by string) *fault.Error {
	w.Helper()
	w.at = w.at.Add(time.Hour)
	next, refused := w.c.Apply(w.at, w.theme, w.cal, Act{Kind: kind, Step: step, By: by})
	if refused != nil {
		return refused
	}
	w.c, w.past = next.Case, append(w.past, next.Events...)
	if wrong := w.c.Recount(w.theme, w.cal, w.past); len(wrong) > 0 {
		w.Fatalf("%s %s: %v", kind, step, wrong)
	}
	return nil
}

func (w *walk) do(kind ActKind, step, by string) {
	w.Helper()
	if refused := w.try(kind, step, by); refused != nil {
		w.Fatalf("%s %s: %v", kind, step, refused)
	}
}

func (w *walk) done(steps ...string) {
	w.Helper()
	for _, s := range steps {
		w.do(Take, s, "A1")
		w.do(Finish, s, "A1")
	}
}

func (w *walk) states() string {
	out := ""
	for _, s := range w.c.Steps {
		out += fmt.Sprintf("%s:%s ", s.Key, s.State)
	}
	return out + string(w.c.State)
}

func (w *walk) want(states string) {
	w.Helper()
	if got := w.states(); got != states {
		w.Fatalf("%s\nwant %s", got, states)
	}
}

func TestArt20_StepsBecomeDueWhenThoseBeforeAreDone(t *testing.T) {
	w := walkOf(t, "a b<a c<a d<b,c")
	w.want("a:due b:waiting c:waiting d:waiting running")
	w.done("a")
	w.want("a:done b:due c:due d:waiting running")
	w.done("c")
	w.want("a:done b:due c:done d:waiting running")
	w.done("b")
	w.want("a:done b:done c:done d:due running")
	w.done("d")
	w.want("a:done b:done c:done d:done complete")
	if refused := w.try(Take, "d", "A1"); refused == nil || refused.Code != fault.CaseOver {
		t.Errorf("an act on what has ended: %v", refused)
	}
}

func TestArt20_ARejectionStopsWhatDependsOnItAndNothingElse(t *testing.T) {
	w := walkOf(t, "a b<a c<b x y<x")
	w.do(Take, "a", "A1")
	w.do(Reject, "a", "A1")
	w.want("a:rejected b:stopped c:stopped x:due y:waiting running")
	w.done("x", "y")
	w.want("a:rejected b:stopped c:stopped x:done y:done partly")

	w = walkOf(t, "a b<a")
	w.do(Take, "a", "A1")
	w.do(Ask, "a", "A1")
	w.do(Reject, "a", "A1")
	w.want("a:rejected b:stopped refused")
}

func TestArt20_TheDeadlineRestsWhileTheApplicantIsAsked(t *testing.T) {
	w := walkOf(t, "a")
	if got := w.c.Step("a").Due.String(); got != "2026-11-27" { // Wednesday, Thursday, Friday
		t.Fatalf("due %s", got)
	}
	w.do(Take, "a", "A1")
	w.at = w.at.AddDate(0, 0, 1)
	w.do(Ask, "a", "A1")
	if s := w.c.Step("a"); s.Due != 0 || s.Left != 2 || s.Overdue(calendar.DateOf(w.at)+30) {
		t.Fatalf("asked: %+v", s)
	}
	w.at = w.at.AddDate(0, 0, 10) // Saturday
	w.do(Answer, "a", "")
	if s := w.c.Step("a"); s.State != Due || s.Due.String() != "2026-12-08" {
		t.Fatalf("answered: %+v", s)
	}
	w.done("a")
	w.want("a:done complete")
}

func TestArt20_AStepIsWorkedByOneAndMayBeTakenOver(t *testing.T) {
	w := walkOf(t, "a b")
	w.do(Take, "a", "A1")
	for what, c := range map[string]struct {
		kind ActKind
		step string
		by   string
		want fault.Code
	}{
		"taking what somebody has":       {Take, "a", "A2", fault.StepTaken},
		"finishing what somebody has":    {Finish, "a", "A2", fault.StepTaken},
		"finishing what nobody has":      {Finish, "b", "A1", fault.StepNotThere},
		"answering what was not asked":   {Answer, "a", "", fault.StepNotThere},
		"a step there is not":            {Take, "z", "A1", fault.StepNotFound},
		"taking over what nobody has":    {TakeOver, "b", "A2", fault.StepNotThere},
		"opening it a second time":       {Open, "a", "A1", fault.InvalidRequest},
		"what only follows, as if asked": {Begin, "a", "A1", fault.InvalidRequest},
	} {
		if refused := w.try(c.kind, c.step, c.by); refused == nil || refused.Code != c.want {
			t.Errorf("%s: %v, want %s", what, refused, c.want)
		}
	}
	w.do(TakeOver, "a", "A2")
	w.do(Finish, "a", "A2")
	if _, refused := w.c.Apply(w.at, w.theme, w.cal, Act{Kind: Take, Step: "b", By: "A1", Version: 9}); refused == nil || refused.Code != fault.ChangedMeanwhile {
		t.Errorf("a step that is not as it was looked at: %v", refused)
	}
	w.do(Withdraw, "", "")
	w.want("a:done b:withdrawn withdrawn")
}

func TestARecountFindsWhatIsWrong(t *testing.T) {
	for what, spoil := range map[string]func(*walk){
		"a step forgotten":         func(w *walk) { w.c.Step("b").State = Waiting },
		"a step before its time":   func(w *walk) { w.c.Step("d").State = Due },
		"a step that is missing":   func(w *walk) { w.c.Steps = w.c.Steps[1:] },
		"a step of nobody":         func(w *walk) { w.c.Step("b").Department = "other" },
		"an end too early":         func(w *walk) { w.c.State = Complete },
		"a stop without rejection": func(w *walk) { w.c.Step("d").State = Stopped },
		"a step done without acts": func(w *walk) { w.c.Step("b").State = Done },
		"a step done twice": func(w *walk) {
			w.past = append(w.past, Event{N: len(w.past) + 1, Act: 4, Kind: Finish, Step: "a", By: "A1", At: w.at})
		},
		"a gap in the history": func(w *walk) { w.past = w.past[1:] },
	} {
		w := walkOf(t, "a b<a c<a d<b,c")
		w.done("a")
		spoil(w)
		if len(w.c.Recount(w.theme, w.cal, w.past)) == 0 {
			t.Errorf("%s was not found", what)
		}
	}
}

// On any graph and whatever is done in whatever order: a step is begun once and only after those before it,
// is ended once, and when nothing can be done any more nothing is left over.
func TestArt20_NoStepRunsTwiceAndNoneIsForgotten(t *testing.T) {
	cal := year(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "steps")
		th := &Theme{Code: "T", Version: 1}
		for i := range n {
			s := Step{Key: fmt.Sprint("s", i), Item: "I", Department: "agency", Days: 1 + i, After: []string{}}
			for j := range i {
				if rapid.IntRange(0, 2).Draw(t, "edge") == 0 {
					s.After = append(s.After, fmt.Sprint("s", j))
				}
			}
			th.Steps = append(th.Steps, s)
		}
		at := noon
		next := OpenCase(at, th, cal, Case{ID: "case"}, "clerk")
		c, past := next.Case, next.Events
		kinds := []ActKind{Take, TakeOver, Ask, Answer, Finish, Finish, Finish, Reject}
		for i := 0; c.State == Running; i++ {
			if i > 4000 {
				t.Fatalf("it does not end: %+v", c)
			}
			at = at.Add(time.Duration(rapid.IntRange(1, 5000).Draw(t, "minutes")) * time.Minute)
			a := Act{Kind: rapid.SampledFrom(kinds).Draw(t, "act"), Step: fmt.Sprint("s", rapid.IntRange(0, n-1).Draw(t, "step")), By: "A1"}
			if rapid.IntRange(0, 400).Draw(t, "withdraw") == 0 {
				a = Act{Kind: Withdraw}
			}
			before := len(c.Steps)
			was, acts := *c.Steps[0], c.Acts
			next, refused := c.Apply(at, th, cal, a)
			if len(c.Steps) != before || *c.Steps[0] != was || c.Acts != acts {
				t.Fatalf("%v changed the case it was asked about", a)
			}
			if refused != nil {
				// Somebody can always go on: a step that is due can be taken, one that is taken be finished.
				stuck := !slices.ContainsFunc(c.Steps, func(s *Progress) bool { return s.State.Working() || s.State == Supplement })
				if stuck {
					t.Fatalf("nothing can be done any more: %+v", c)
				}
				continue
			}
			c, past = next.Case, append(past, next.Events...)
			if wrong := c.Recount(th, cal, past); len(wrong) > 0 {
				t.Fatalf("after %+v: %v", a, wrong)
			}
		}
		begun, ended, order := map[string]int{}, map[string]int{}, map[string]int{}
		for i, e := range past {
			switch e.Kind {
			case Begin:
				begun[e.Step]++
				for _, a := range th.Step(e.Step).After {
					if ended[a] != 1 {
						t.Fatalf("%s began before %s was done", e.Step, a)
					}
				}
			case Finish:
				ended[e.Step]++
				order[e.Step] = i
			}
		}
		for _, s := range c.Steps {
			if begun[s.Key] > 1 || ended[s.Key] > 1 || s.State == Done && (begun[s.Key] != 1 || ended[s.Key] != 1) || !s.State.Over() {
				t.Fatalf("%s: %s, begun %d times, done %d times", s.Key, s.State, begun[s.Key], ended[s.Key])
			}
		}
	})
}
