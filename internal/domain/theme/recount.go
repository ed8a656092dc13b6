package theme

import (
	"fmt"
	"slices"
	"time"

	"suiyue/internal/domain/calendar"
)

// Recount compares a case with its theme and its history and says what does not agree: a step forgotten, one
// that runs before its time, one that runs twice. Lines hold keys and states only.
func (c *Case) Recount(t *Theme, cal *calendar.Calendar, history []Event) (out []string) {
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if len(c.Steps) != len(t.Steps) {
		say("%d steps, its theme has %d", len(c.Steps), len(t.Steps))
	}
	for _, s := range c.Steps {
		step := t.Step(s.Key)
		if step == nil {
			say("step %s is not one of its theme", s.Key)
			continue
		}
		if s.Department != step.Department {
			say("step %s is at another department than its theme says", s.Key)
		}
		if want := c.allows(t, step, s.State); want != "" {
			say("step %s is %s, but %s", s.Key, s.State, want)
		}
	}
	over := !slices.ContainsFunc(c.Steps, func(s *Progress) bool { return !s.State.Over() })
	if over != (c.State != Running) || over && c.State != endOf(c.Steps) {
		say("the case is %s, its steps say otherwise", c.State)
	}
	again, err := Replay(t, cal, *c, history)
	if err != "" {
		return append(out, err)
	}
	if again.State != c.State || again.Acts != c.Acts || again.Events != c.Events {
		say("the case is %s after %d acts, its history says %s after %d", c.State, c.Acts, again.State, again.Acts)
	}
	for _, s := range again.Steps {
		if now := c.Step(s.Key); now == nil {
			say("step %s is missing", s.Key)
		} else if now.State != s.State || now.By != s.By || now.Version != s.Version {
			say("step %s is %s in version %d, its history says %s in version %d", s.Key, now.State, now.Version, s.State, s.Version)
		}
	}
	return out
}

// allows tells why a step cannot be in a state, "" when it can.
func (c *Case) allows(t *Theme, step *Step, s State) string {
	done, stopped := true, false
	for before := range t.before(step.Key) {
		p := c.Step(before)
		if p == nil {
			return "step " + before + " before it is missing"
		}
		stopped = stopped || p.State == Rejected
	}
	for _, a := range step.After {
		if p := c.Step(a); p == nil || p.State != Done {
			done = false
		}
	}
	switch {
	case s == Withdrawn && c.State != TakenBack:
		return "nobody has withdrawn the case"
	case s == Withdrawn:
	case s == Stopped && !stopped:
		return "no step before it was rejected"
	case s == Stopped:
	case stopped:
		return "a step before it was rejected"
	case s == Waiting && done:
		return "every step before it is done"
	case s != Waiting && !done:
		return "not every step before it is done"
	}
	return ""
}

// Replay does the acts of a history again and returns what they come to; wrong says why they could not be
// done. Deadlines come out by the calendar given, which may have changed since.
func Replay(t *Theme, cal *calendar.Calendar, c Case, history []Event) (again *Case, wrong string) {
	for i, e := range history {
		if e.N != i+1 {
			return nil, fmt.Sprintf("its history has a gap at %d", i+1)
		}
	}
	if len(history) == 0 || history[0].Kind != Open {
		return nil, "its history does not begin with its opening"
	}
	var events []Event
	at := history[0].At
	opened := OpenCase(at, t, cal, c, history[0].By)
	now, events := *opened.Case, append(events, opened.Events...)
	for i := len(events); i < len(history); {
		e := history[i]
		next, refused := now.Apply(e.At, t, cal, Act{Kind: e.Kind, Step: e.Step, By: e.By})
		if refused != nil {
			return nil, fmt.Sprintf("what its history has at %d could not be done: %s", e.N, refused.Code)
		}
		now = *next.Case
		events = append(events, next.Events...)
		i = len(events)
	}
	if !slices.EqualFunc(events, history, same) {
		return nil, "its history is not what its acts come to"
	}
	return &now, ""
}

func same(a, b Event) bool {
	return a.N == b.N && a.Act == b.Act && a.Kind == b.Kind && a.Step == b.Step && a.By == b.By && a.At.Truncate(time.Microsecond).Equal(b.At.Truncate(time.Microsecond))
}
