package theme

import (
	"slices"
	"strings"
	"testing"

	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

// chain is a theme written "key<before,before …", a step each.
func chain(text string) *Theme {
	t := &Theme{Code: "T", Version: 1}
	for _, part := range strings.Fields(text) {
		key, after, _ := strings.Cut(part, "<")
		s := Step{Key: key, Item: "I-" + key, Department: "agency", Days: 3, After: []string{}}
		if after != "" {
			s.After = strings.Split(after, ",")
		}
		t.Steps = append(t.Steps, s)
	}
	return t
}

// everything is a world in which two halls offer whatever begins with T or I.
func everything() World {
	return World{
		Item: func(code string) *directory.Item {
			if !strings.HasPrefix(code, "T") && !strings.HasPrefix(code, "I") {
				return nil
			}
			return &directory.Item{Code: code, Stages: directory.Stages{directory.Acceptance}}
		},
		Agency: func(unit string) bool { return unit == "agency" },
		Halls:  []string{"one", "two"},
		Offers: func(hall, item string) bool { return true },
	}
}

func TestArt20_AThemeIsCheckedBeforeItIsLoaded(t *testing.T) {
	for name, c := range map[string]struct {
		theme  string
		change func(*Theme, *World)
		want   []Problem
	}{
		"serial and parallel":                  {"a b<a c<a d<b,c", nil, nil},
		"a key twice":                          {"a a", nil, []Problem{{1, "key", fault.DuplicateField}}},
		"a step before it that there is not":   {"a b<x", nil, []Problem{{1, "after", fault.NotOneOf}}},
		"the same step before it twice":        {"a b<a,a", nil, []Problem{{1, "after", fault.DuplicateField}}},
		"a step that waits for itself":         {"a b<b", nil, []Problem{{1, "after", fault.StepCycle}}},
		"a ring, and what waits behind it":     {"a b<c c<b d<b", nil, []Problem{{1, "after", fault.StepCycle}, {2, "after", fault.StepCycle}, {3, "after", fault.StepUnreachable}}},
		"no step":                              {"", nil, []Problem{{-1, "theme", fault.OutOfRange}}},
		"no days":                              {"a", func(t *Theme, _ *World) { t.Steps[0].Days = 0 }, []Problem{{0, "days", fault.OutOfRange}}},
		"too many days":                        {"a", func(t *Theme, _ *World) { t.Steps[0].Days = MostDays + 1 }, []Problem{{0, "days", fault.OutOfRange}}},
		"an item that there is not":            {"a", func(t *Theme, _ *World) { t.Steps[0].Item = "X" }, []Problem{{0, "item", fault.NotOneOf}}},
		"the theme as a step of itself":        {"a", func(t *Theme, _ *World) { t.Steps[0].Item = "T" }, []Problem{{0, "item", fault.NotOneOf}}},
		"a department that there is not":       {"a", func(t *Theme, _ *World) { t.Steps[0].Department = "X" }, []Problem{{0, "department", fault.NotOneOf}}},
		"a theme that is not in the catalogue": {"a", func(t *Theme, _ *World) { t.Code = "X" }, []Problem{{-1, "theme", fault.NotOneOf}}},
		"no hall accepts it":                   {"a", func(_ *Theme, w *World) { w.Halls = nil }, []Problem{{-1, "theme", fault.NotOffered}}},
		"one of its halls cannot accept all": {"a b<a", func(_ *Theme, w *World) {
			w.Offers = func(hall, item string) bool { return hall == "one" || item == "I-a" }
		}, []Problem{{1, "item", fault.NotOffered}}},
		"a step that is not handed in at a counter needs no hall": {"a b<a", func(_ *Theme, w *World) {
			w.Offers = func(hall, item string) bool { return item == "I-a" }
			all := w.Item
			w.Item = func(code string) *directory.Item {
				it := all(code)
				if code == "I-b" {
					it.Stages = directory.Stages{directory.Consultation}
				}
				return it
			}
		}, nil},
	} {
		th, w := chain(c.theme), everything()
		if c.change != nil {
			c.change(th, &w)
		}
		if got := th.Check(w); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestLevelsTellWhatGoesSideBySide(t *testing.T) {
	th := chain("a b<a c<a d<b,c e")
	for key, want := range map[string]int{"a": 0, "b": 1, "c": 1, "d": 2, "e": 0} {
		if got := th.Level(key); got != want {
			t.Errorf("%s is at level %d, want %d", key, got, want)
		}
	}
}

func TestAFileNamesEachBadLine(t *testing.T) {
	drafts, faults := ParseCSV(strings.NewReader("theme,key,item,department,after,days\nT,a,I-a,agency,,3\nT,b,I-b,agency,a|x,many\nT,c d,I-c,agency,a,3\n"))
	for _, d := range drafts {
		faults = append(faults, d.Fill(everything())...)
	}
	want := []directory.LineError{{File: File, Line: 3, Column: "days", Code: fault.BadFormat}, {File: File, Line: 4, Column: "key", Code: fault.BadCharacter}, {File: File, Line: 3, Column: "after", Code: fault.NotOneOf}}
	if !slices.Equal(faults, want) {
		t.Errorf("%v, want %v", faults, want)
	}
}
