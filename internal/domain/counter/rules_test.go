package counter_test

import (
	"testing"
	"time"

	"suiyue/internal/domain/counter"
)

// The rules that ship are sound, and each field has bounds that are named by it.
func TestRulesOfADayHaveBounds(t *testing.T) {
	if wrong := counter.DefaultRules().Check(); len(wrong) != 0 {
		t.Fatalf("the rules that ship: %v", wrong)
	}
	for field, spoil := range map[string]func(r *counter.Rules){
		"check_in_before": func(r *counter.Rules) { r.CheckInBefore = -1 },
		"walk_in_after":   func(r *counter.Rules) { r.WalkInAfter = 101 },
		"walk_in_longest": func(r *counter.Rules) { r.WalkInLongest = time.Minute },
		"passed_after":    func(r *counter.Rules) { r.PassedAfter = -1 },
		"passed_most":     func(r *counter.Rules) { r.PassedMost = 0 },
		"green":           func(r *counter.Rules) { r.Green = "" },
		"green_most":      func(r *counter.Rules) { r.GreenMost = 0 },
		"near_ahead":      func(r *counter.Rules) { r.NearAhead = -1 },
		"radius_metres":   func(r *counter.Rules) { r.RadiusMetres = 5001 },
		"off_grid":        func(r *counter.Rules) { r.OffGrid = 3 * time.Hour },
		"silent_after":    func(r *counter.Rules) { r.SilentAfter = time.Second },
		"ends_after":      func(r *counter.Rules) { r.EndsAfter = -1 },
	} {
		r := counter.DefaultRules()
		spoil(&r)
		if wrong := r.Check(); len(wrong) != 1 || wrong[0].Path != field {
			t.Errorf("%s: %v", field, wrong)
		}
	}
}

// Prefixes are letters that nobody takes for figures, and never the same for two queues.
func TestPrefixesOfQueues(t *testing.T) {
	seen := map[string]bool{}
	for n := range 200 {
		p := counter.PrefixOf(n)
		if seen[p] || p == "" || p == "I" || p == "O" {
			t.Errorf("queue %d: %q", n, p)
		}
		seen[p] = true
	}
	if counter.PrefixOf(0) != "A" || counter.PrefixOf(23) != "Z" || counter.PrefixOf(24) != "AA" {
		t.Errorf("%s %s %s", counter.PrefixOf(0), counter.PrefixOf(23), counter.PrefixOf(24))
	}
}
