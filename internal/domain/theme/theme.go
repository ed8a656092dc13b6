// Package theme is the "one thing" (一件事, Art. 20): a matter of somebody's life that several departments
// have a part in, booked once and accepted once. A Theme is its parts and their order; a Case is one
// person's way through it. Decisions are pure functions of (now, theme, case, act).
package theme

import (
	"slices"

	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

// Theme is one version of a theme. A version is never changed: a case goes by the one it was opened
// under, however long it takes.
type Theme struct {
	Code      string           `json:"code"`    // of the item it is booked as
	Version   int              `json:"version"` // from 1
	Name      directory.Text   `json:"name"`
	Summary   directory.Text   `json:"summary"`
	Materials []directory.Text `json:"materials"` // the one list of what to bring, for all steps
	Steps     []Step           `json:"steps"`     // in the order people read them
}

// Step is one department's part of a theme.
type Step struct {
	Key        string         `json:"key"` // within the theme
	Name       directory.Text `json:"name"`
	Item       string         `json:"item"`       // code in the city's catalogue
	Department string         `json:"department"` // unit id of the municipal agency that does it
	After      []string       `json:"after"`      // steps that must be done before; none: it begins at once
	Days       int            `json:"days"`       // working days the department has from when it is due
}

// Bounds of a theme.
const (
	MostSteps = 60
	MostDays  = 250 // working days: about a year
)

// Step returns the step of a key, nil for none.
func (t *Theme) Step(key string) *Step {
	for i := range t.Steps {
		if t.Steps[i].Key == key {
			return &t.Steps[i]
		}
	}
	return nil
}

// Departments lists the units that have a part in it, each once, in the order of the steps.
func (t *Theme) Departments() (out []string) {
	for _, s := range t.Steps {
		if !slices.Contains(out, s.Department) {
			out = append(out, s.Department)
		}
	}
	return out
}

// Level is how many steps, one after the other, must be done before the step can begin; steps of one
// level go side by side. A step that can never begin has level -1.
func (t *Theme) Level(key string) int { return levels(t.Steps)[key] }

// levels works the steps off in their order. What is never reached is -1.
func levels(steps []Step) map[string]int {
	out := map[string]int{}
	for _, s := range steps {
		out[s.Key] = -1
	}
	for range steps {
		for _, s := range steps {
			at := 0
			for _, a := range s.After {
				before, known := out[a]
				if !known || before < 0 {
					at = -1
					break
				}
				at = max(at, before+1)
			}
			out[s.Key] = at
		}
	}
	return out
}

// Serial tells whether the step waits for another one.
func (s Step) Serial() bool { return len(s.After) > 0 }

// World is what Check asks of the directory.
type World struct {
	Item   func(code string) *directory.Item // nil for one that is not in the catalogue
	Agency func(unit string) bool
	Halls  []string // that accept the theme
	Offers func(hall, item string) bool
}

// Problem is one thing wrong with a theme.
type Problem struct {
	Step   int    // place of the step, -1 for the theme as a whole
	Column string // what of it: "key", "item", "department", "after", "days", "theme"
	Code   fault.Code
}

// Check returns everything that is wrong with a theme: DuplicateField for a key given twice, NotOneOf for
// what is not there, StepCycle for steps that wait for themselves, StepUnreachable for those that wait for
// such steps, OutOfRange for a deadline, NotOffered where no hall, or one that accepts the theme, cannot
// accept an item of it.
func (t *Theme) Check(w World) (out []Problem) {
	bad := func(step int, column string, code fault.Code) { out = append(out, Problem{step, column, code}) }
	if len(t.Steps) == 0 || len(t.Steps) > MostSteps {
		bad(-1, "theme", fault.OutOfRange)
	}
	if w.Item(t.Code) == nil {
		bad(-1, "theme", fault.NotOneOf)
	} else if len(w.Halls) == 0 {
		bad(-1, "theme", fault.NotOffered)
	}
	seen := map[string]bool{}
	for i, s := range t.Steps {
		if seen[s.Key] {
			bad(i, "key", fault.DuplicateField)
		}
		seen[s.Key] = true
	}
	reached := levels(t.Steps)
	for i, s := range t.Steps {
		known := true
		for j, a := range s.After {
			if !seen[a] {
				bad(i, "after", fault.NotOneOf)
				known = false
			} else if slices.Contains(s.After[:j], a) {
				bad(i, "after", fault.DuplicateField)
			}
		}
		switch {
		case !known || reached[s.Key] >= 0:
		case t.circular(s.Key):
			bad(i, "after", fault.StepCycle)
		default:
			bad(i, "after", fault.StepUnreachable)
		}
		if s.Days < 1 || s.Days > MostDays {
			bad(i, "days", fault.OutOfRange)
		}
		if !w.Agency(s.Department) {
			bad(i, "department", fault.NotOneOf)
		}
		it := w.Item(s.Item)
		if it == nil || s.Item == t.Code {
			bad(i, "item", fault.NotOneOf)
			continue
		}
		if !it.Stages.Has(directory.Acceptance) { // nothing of it is handed in at a counter
			continue
		}
		if slices.ContainsFunc(w.Halls, func(hall string) bool { return !w.Offers(hall, s.Item) }) {
			bad(i, "item", fault.NotOffered)
		}
	}
	return out
}

// Waits tells whether a step waits for another one, near or far.
func (t *Theme) Waits(key, before string) bool { return t.before(key)[before] }

// circular tells whether a step waits for itself.
func (t *Theme) circular(key string) bool {
	before := t.before(key)
	return before[key]
}

// before returns every step that a step waits for, near or far.
func (t *Theme) before(key string) map[string]bool {
	out := map[string]bool{}
	var up func(string)
	up = func(k string) {
		s := t.Step(k)
		if s == nil {
			return
		}
		for _, a := range s.After {
			if !out[a] {
				out[a] = true
				up(a)
			}
		}
	}
	up(key)
	return out
}
