package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/theme"
	"suiyue/internal/store"
)

// wedding is a theme of three steps: the last two wait for the first.
func wedding() theme.Theme {
	step := func(key, department string, after ...string) theme.Step {
		return theme.Step{Key: key, Name: directory.Text{Hans: key}, Item: "I-" + key, Department: department, After: append([]string{}, after...), Days: 3}
	}
	return theme.Theme{Code: "OT", Name: directory.Text{Hans: "一", Hant: "二", En: "three"}, Materials: []directory.Text{{Hans: "证"}},
		Steps: []theme.Step{step("a", "civil"), step("b", "police", "a"), step("c", "civil", "a")}}
}

func workdays(w *world) *calendar.Calendar {
	cal, err := calendar.New(nil, map[int]calendar.YearStatus{2026: calendar.Official})
	if err != nil {
		w.Fatal(err)
	}
	return cal
}

func themes(w *world) {
	save := func(t theme.Theme) (version int) {
		w.Helper()
		w.update(func(tx *store.Tx) (err error) {
			version, err = tx.SaveTheme(w.ctx, t)
			return err
		})
		return version
	}
	one := wedding()
	same(w, "a new theme", save(one), 1)
	same(w, "the same again", save(one), 0)
	changed := wedding()
	changed.Steps[0].Days = 5
	same(w, "a changed one", save(changed), 2)
	var open []*theme.Theme
	var first, newest *theme.Theme
	read := func() {
		w.view(func(tx *store.Tx) (err error) {
			if open, err = tx.Themes(w.ctx); err != nil {
				return err
			}
			if first, err = tx.ThemeVersion(w.ctx, "OT", 1); err != nil {
				return err
			}
			newest, err = tx.Theme(w.ctx, "OT")
			return err
		})
	}
	read()
	one.Version, changed.Version = 1, 2
	same(w, "its first version", *first, one)
	same(w, "its newest version", *newest, changed)
	same(w, "those that are open", open, []*theme.Theme{newest})
	var closed []bool
	for range 2 {
		w.update(func(tx *store.Tx) error {
			ok, err := tx.CloseTheme(w.ctx, "OT")
			closed = append(closed, ok)
			return err
		})
	}
	same(w, "closed, and once more", closed[len(closed)-1], false)
	read()
	if newest != nil || len(open) != 0 || first == nil {
		w.Error("a closed theme is still open, or its versions are gone")
	}
	same(w, "opened again as it was", save(changed), 3)
}

// openCase opens a case of the theme under an id.
func (w *world) openCase(t *theme.Theme, id string) (added bool) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		next := theme.OpenCase(tx.Now, t, workdays(w), theme.Case{ID: id, HallID: "h", Ticket: "ticket-" + id, Booker: "ann", Applicant: "bob", Sealed: []byte{0, 255}}, "A1")
		var err error
		added, err = tx.AddCase(w.ctx, next)
		return err
	})
	return added
}

// actOn does an act to a case; false if somebody was faster.
func (w *world) actOn(t *theme.Theme, id string, a theme.Act) (saved bool, refused error) {
	err := w.db.Update(w.ctx, func(tx *store.Tx) error {
		saved, refused = false, nil
		c, err := tx.Case(w.ctx, id)
		if err != nil {
			return err
		}
		next, no := c.Apply(tx.Now, t, workdays(w), a)
		if no != nil {
			refused = no
			return nil
		}
		saved, err = tx.SaveCase(w.ctx, next)
		return err
	})
	if err != nil {
		w.Error(err)
	}
	return saved, refused
}

func (w *world) recount(t *theme.Theme) (n int) {
	w.Helper()
	w.view(func(tx *store.Tx) error {
		list, err := tx.CasesAfter(w.ctx, "", 1000)
		if err != nil {
			return err
		}
		events, err := tx.CaseEvents(w.ctx, list...)
		for _, c := range list {
			for _, line := range c.Recount(t, workdays(w), events[c.ID]) {
				w.Errorf("%s: %s", c.ID, line)
			}
		}
		n = len(list)
		return err
	})
	return n
}

func oneThingCases(w *world) {
	t := wedding()
	t.Version = 1
	if !w.openCase(&t, "aaaaaaaaaaaa") || !w.openCase(&t, "bbbbbbbbbbbb") {
		w.Fatal("a case was not added")
	}
	w.update(func(tx *store.Tx) error { // the same ticket, under another id
		next := theme.OpenCase(tx.Now, &t, workdays(w), theme.Case{ID: "cccccccccccc", HallID: "h", Ticket: "ticket-aaaaaaaaaaaa", Sealed: []byte{}}, "A1")
		added, err := tx.AddCase(w.ctx, next)
		if added {
			w.Error("one ticket opened two cases")
		}
		return err
	})
	want := theme.OpenCase(begin, &t, workdays(w), theme.Case{ID: "aaaaaaaaaaaa", HallID: "h", Ticket: "ticket-aaaaaaaaaaaa", Booker: "ann", Applicant: "bob", Sealed: []byte{0, 255}}, "A1")
	w.view(func(tx *store.Tx) error {
		c, err := tx.Case(w.ctx, "aaaaaaaaaaaa")
		if err != nil {
			return err
		}
		same(w, "a case", c, want.Case)
		byTicket, err := tx.CaseOfTicket(w.ctx, "h", "ticket-aaaaaaaaaaaa")
		if err != nil {
			return err
		}
		same(w, "the case of a ticket", byTicket, c)
		events, err := tx.CaseEvents(w.ctx, c)
		if err != nil {
			return err
		}
		same(w, "its history", events[c.ID], want.Events)
		for _, who := range []string{"ann", "bob"} {
			mine, err := tx.CasesOf(w.ctx, "ann", 10)
			if err != nil {
				return err
			}
			same(w, "cases of "+who, len(mine), 2)
		}
		none, err := tx.CasesOf(w.ctx, "cat", 10)
		same(w, "cases of nobody", len(none), 0)
		return err
	})
	steps := func(q store.StepQuery) (out []string) {
		w.Helper()
		if q.Limit == 0 {
			q.Limit = 10
		}
		w.view(func(tx *store.Tx) error {
			list, all, err := tx.StepsOf(w.ctx, q)
			for _, s := range list {
				out = append(out, s.Case[:1]+s.Key)
			}
			out = append(out, fmt.Sprint(all))
			return err
		})
		return out
	}
	same(w, "due at the first department", steps(store.StepQuery{Department: "civil"}), []string{"aa", "ba", "2"})
	same(w, "due at the second", steps(store.StepQuery{Department: "police"}), []string{"0"})
	w.pass(time.Minute)
	w.actOn(&t, "bbbbbbbbbbbb", theme.Act{Kind: theme.Take, Step: "a", By: "A2"})
	same(w, "taken by one", steps(store.StepQuery{Department: "civil", By: "A2"}), []string{"ba", "1"})
	w.actOn(&t, "bbbbbbbbbbbb", theme.Act{Kind: theme.Ask, Step: "a", By: "A2"})
	same(w, "asked about", steps(store.StepQuery{Department: "civil", Asked: true}), []string{"ba", "1"})
	same(w, "while the other asks", steps(store.StepQuery{Department: "civil"}), []string{"aa", "1"})
	w.actOn(&t, "aaaaaaaaaaaa", theme.Act{Kind: theme.Take, Step: "a", By: "A1"})
	w.actOn(&t, "aaaaaaaaaaaa", theme.Act{Kind: theme.Finish, Step: "a", By: "A1"})
	same(w, "what follows is due", steps(store.StepQuery{Department: "police"}), []string{"ab", "1"})
	same(w, "and overdue on its day after", steps(store.StepQuery{Department: "police", Overdue: calendar.DateOf(begin) + 30}), []string{"ab", "1"})
	same(w, "not before", steps(store.StepQuery{Department: "police", Overdue: calendar.DateOf(begin)}), []string{"0"})
	same(w, "a page of them", steps(store.StepQuery{Department: "civil", Limit: 1, Offset: 1}), []string{"1"})
	w.update(func(tx *store.Tx) error { return tx.AddCaseText(w.ctx, "aaaaaaaaaaaa", 3, []byte{1, 0}) })
	w.view(func(tx *store.Tx) error {
		texts, err := tx.CaseTexts(w.ctx, "aaaaaaaaaaaa")
		same(w, "what was written", texts, map[int][]byte{3: {1, 0}})
		return err
	})
	same(w, "cases", w.recount(&t), 2)
}

// caseRace lets departments work the steps of one case at once, each tried by several; every step is done
// once.
func caseRace(w *world) {
	t := theme.Theme{Code: "OT", Version: 1}
	const wide = 8
	for i := range wide {
		t.Steps = append(t.Steps, theme.Step{Key: fmt.Sprint("s", i), Department: "d", After: []string{}, Days: 1})
	}
	last := theme.Step{Key: "last", Department: "d", After: []string{}, Days: 1}
	for i := range wide {
		last.After = append(last.After, fmt.Sprint("s", i))
	}
	t.Steps = append(t.Steps, last)
	w.openCase(&t, "aaaaaaaaaaaa")
	var done atomic.Int64
	began := time.Now()
	var wg sync.WaitGroup
	for worker := range 4 {
		by := fmt.Sprint("A", worker)
		wg.Go(func() {
			for i := range wide + 1 {
				key := t.Steps[(i+worker*2)%(wide+1)].Key
				for {
					taken, refused := w.actOn(&t, "aaaaaaaaaaaa", theme.Act{Kind: theme.Take, Step: key, By: by})
					if refused != nil {
						break
					}
					if !taken {
						continue
					}
					for {
						finished, refused := w.actOn(&t, "aaaaaaaaaaaa", theme.Act{Kind: theme.Finish, Step: key, By: by})
						if refused != nil {
							w.Errorf("%s taken by %s could not be finished: %v", key, by, refused)
							return
						}
						if finished {
							done.Add(1)
							break
						}
					}
					break
				}
			}
		})
	}
	wg.Wait()
	if took := time.Since(began); took > raceTime {
		w.Errorf("took %v", took)
	}
	w.view(func(tx *store.Tx) error {
		c, err := tx.Case(w.ctx, "aaaaaaaaaaaa")
		if err != nil {
			return err
		}
		for _, s := range c.Steps[:wide] {
			if s.State != theme.Done {
				w.Errorf("%s is %s", s.Key, s.State)
			}
		}
		if s := c.Step("last").State; s == theme.Waiting {
			w.Error("the last step is forgotten")
		}
		return nil
	})
	if done.Load() < wide || done.Load() > wide+1 {
		w.Errorf("%d steps done", done.Load())
	}
	w.recount(&t)
}
