package steps

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/theme"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
)

const (
	childSource  = "SUIYUE_STEPS_SOURCE" // the database the child works on
	childTokens  = "SUIYUE_STEPS_TOKENS" // sessions of those who work in it
	kills        = 8
	killedCases  = 40
	killedLength = 10 // steps of each
)

// childNow is what the clock of the child says.
var childNow = apptest.Start.Add(10 * time.Minute)

// child works steps until it is killed, and says of each act that it was answered.
func child() int {
	now := func() time.Time { return childNow }
	db, err := store.Open(background, os.Getenv(childSource), store.Options{Now: now})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	a, err := app.New(background, app.Config{Public: apptest.Public, DB: db, Vault: apptest.NewVault(), Now: now, Texts: &apptest.Texts{}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("ready")
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, token := range strings.Fields(os.Getenv(childTokens)) {
		wg.Go(func() {
			for { // what fails is asked again from what stands, as people do
				ad, err := a.Admin(background, token)
				if err != nil {
					continue
				}
				list, _, err := a.Steps(background, ad, app.StepFilter{Limit: 25})
				if err != nil || len(list) == 0 {
					continue
				}
				s := list[rand.IntN(len(list))]
				act := app.StepAct{Kind: theme.Take, Case: s.Case, Step: s.Key, Version: s.Version, Text: "办好"}
				if s.State == theme.Accepted {
					act.Kind = theme.Finish
					if !s.Mine {
						act.Kind = theme.TakeOver
					}
				}
				if a.WorkStep(background, ad, act) == nil {
					mu.Lock()
					fmt.Println(act.Case, act.Step, act.Kind, act.Version)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return 0
}

// The process that works the steps, and on PostgreSQL the database under it, are killed without warning again and
// again. What was answered stands, and once; what was cut off is there as a whole or not at all; and every case
// comes to its end.
func TestArt20_NoStepRunsTwiceAndNoneIsForgottenUnderKills(t *testing.T) {
	engines(t, func(t *testing.T, source string, pg *pgtest.Server) {
		w := newWorld(t, source, killedLength, killedCases)
		var tokens []string
		for _, op := range w.agents {
			tokens = append(tokens, op.Token)
		}
		answered := map[string]int{}
		for round := range kills {
			run(t, w, source, tokens, answered, func() {
				if pg != nil && round%2 == 1 {
					if err := pg.Kill9(); err != nil {
						t.Fatal(err)
					}
				}
			})
			if pg != nil && round%2 == 1 {
				if err := pg.Restart(); err != nil {
					t.Fatal(err)
				}
			}
		}
		done := 0
		for act := range answered {
			if strings.Contains(act, " finish ") {
				done++
			}
		}
		t.Logf("killed %d times: %d acts answered, %d of %d steps done by then", kills, len(answered), done, killedCases*killedLength)
		if len(answered) < kills*10 {
			t.Error("too little happened between the kills to tell anything")
		}
		w.Clock.Set(childNow) // or nothing of what it did has happened yet
		finishAll(t, w)
		compare(t, w, answered)
	})
}

// run lets a child work for a moment and kills it; answered counts what it was told has happened.
func run(t *testing.T, w *world, source string, tokens []string, answered map[string]int, before func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childSource+"="+source, childTokens+"="+strings.Join(tokens, " "))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("the process did not begin: %q", lines.Text())
	}
	go func() {
		time.Sleep(time.Duration(150+rand.IntN(450)) * time.Millisecond)
		before()
		cmd.Process.Kill() // SIGKILL
	}()
	for lines.Scan() {
		if strings.Count(lines.Text(), " ") == 3 { // the last line may be cut off
			answered[lines.Text()]++
		}
	}
	cmd.Wait()
}

// finishAll works what is left.
func finishAll(t *testing.T, w *world) {
	t.Helper()
	for left := 1; left > 0; {
		left = 0
		for _, op := range w.agents[:2] {
			ad := w.As(t, op)
			list, _, err := w.App.Steps(t.Context(), ad, app.StepFilter{Limit: 200})
			if err != nil {
				t.Fatal(err)
			}
			left += len(list)
			for _, s := range list {
				kinds := []theme.ActKind{theme.Take, theme.Finish}
				if s.State == theme.Accepted {
					kinds[0] = theme.TakeOver
				}
				for _, kind := range kinds {
					if err := w.App.WorkStep(t.Context(), ad, app.StepAct{Kind: kind, Case: s.Case, Step: s.Key, Text: "办好"}); err != nil {
						t.Fatalf("%s %s: %v", s.Case, s.Key, err)
					}
				}
			}
		}
	}
}

// compare asks of every step that it was finished once, of the log that it says so once, of the applicant's
// messages that they tell of it once, and of the doctor that nothing is wrong.
func compare(t *testing.T, w *world, answered map[string]int) {
	t.Helper()
	ctx := t.Context()
	history := map[string]int{} // "case step kind version before"
	if err := w.DB.View(ctx, func(tx *store.Tx) error {
		clear(history)
		list, err := tx.CasesAfter(ctx, "", killedCases+1)
		if err != nil {
			return err
		}
		events, err := tx.CaseEvents(ctx, list...)
		if err != nil {
			return err
		}
		for _, c := range list {
			if c.State != theme.Complete {
				t.Errorf("%s is %s", c.ID, c.State)
			}
			version, finished := map[string]int{}, map[string]int{}
			for _, e := range events[c.ID] {
				switch e.Kind {
				case theme.Take, theme.TakeOver, theme.Finish:
					at := version[e.Step]
					history[fmt.Sprint(c.ID, " ", e.Step, " ", e.Kind, " ", at)]++
					version[e.Step]++
					if e.Kind == theme.Finish {
						finished[e.Step]++
					}
				case theme.Begin:
					version[e.Step]++
					if w.theme.Step(e.Step).Serial() { // it waited, in version 1
						version[e.Step]++
					}
				}
			}
			for _, s := range w.theme.Steps {
				if finished[s.Key] != 1 {
					t.Errorf("%s: step %s was finished %d times", c.ID, s.Key, finished[s.Key])
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for act, n := range answered {
		if n != 1 || history[act] != 1 {
			t.Errorf("%s was answered %d times and is there %d times", act, n, history[act])
		}
	}
	log := 0
	for i := range killedCases {
		log += len(w.Acts(t, "case", fmt.Sprintf("case%08d", i)))
	}
	if log != len(history) {
		t.Errorf("the log has %d acts, the histories %d", log, len(history))
	}
	told := map[booking.MessageKind]int{}
	for {
		list, err := w.App.DueMessages(ctx, 200, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, m := range list {
			told[m.Row.Kind]++
		}
	}
	if told[booking.MessageCaseEnded] != killedCases || told[booking.MessageCaseDone] != killedCases*(killedLength-1) {
		t.Errorf("told: %v", told)
	}
	found, err := app.Doctor(ctx, w.DB, w.Clock.Now(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Error && !strings.Contains(f.Detail, "opened no") {
			t.Error(f)
		}
	}
}
