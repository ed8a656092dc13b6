package rulebook_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/rulebook"
)

func TestArt24_VersionsInForce(t *testing.T) {
	shelf, err := rulebook.NewShelf(rulebook.Continued2025(), rulebook.Trial2022())
	if err != nil {
		t.Fatal(err)
	}
	for date, want := range map[string]string{
		"2021-12-31": "2022-trial", // nothing older is known
		"2022-04-01": "2022-trial",
		"2025-03-31": "2022-trial", // three years
		"2025-04-01": "2025-continued",
		"2026-11-24": "2025-continued",
	} {
		d, err := calendar.ParseDate(date)
		if err != nil {
			t.Fatal(err)
		}
		if got := shelf.On(d).ID; got != want {
			t.Errorf("%s: %s, want %s", date, got, want)
		}
	}
}

func TestTheMeasuresNumbers(t *testing.T) {
	for _, r := range []rulebook.Rulebook{rulebook.Trial2022(), rulebook.Continued2025()} {
		for what, ok := range map[string]bool{
			"Art. 14: 14 days, statutory days off excepted":      r.WindowDays == 14 && r.WindowCounts == rulebook.SkipStatutory,
			"Art. 14: release at 12:00, on site at 9:00":         r.ReleaseAt == 12*60 && r.OnSiteReleaseAt == 9*60,
			"Art. 14: at most 10 % on site":                      r.OnSitePerMille == 100,
			"Art. 17: cancel until 2 hours before the hour ends": r.CancelBeforeEnd == 2*time.Hour,
			"Art. 23: 2 working days ahead, decided within 1":    r.RequestNoticeDays == 2 && r.DecideWithinDays == 1,
			"no sanction the measure does not name":              !r.Sanctions.On,
		} {
			if !ok {
				t.Errorf("%s: %s", r.ID, what)
			}
		}
	}
}

func TestNewShelfRefuses(t *testing.T) {
	later := rulebook.Continued2025()
	later.ID = "twice"
	wrong := rulebook.Trial2022()
	wrong.WindowDays = 0
	for name, versions := range map[string][]rulebook.Rulebook{
		"none":             nil,
		"two from one day": {rulebook.Trial2022(), rulebook.Continued2025(), later},
		"an invalid one":   {wrong, rulebook.Continued2025()},
	} {
		if _, err := rulebook.NewShelf(versions...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNewShelfKeepsACopy(t *testing.T) {
	given := []rulebook.Rulebook{rulebook.Continued2025(), rulebook.Trial2022()}
	shelf, err := rulebook.NewShelf(given...)
	if err != nil {
		t.Fatal(err)
	}
	if given[0].ID != "2025-continued" {
		t.Error("the versions given were reordered")
	}
	given[0].WindowDays = 99
	if got := shelf.On(calendar.MakeDate(2026, 1, 1)).WindowDays; got != 14 {
		t.Errorf("window of %d days", got)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		names  string // what the refusal must say
		change func(*rulebook.Rulebook)
	}{
		{"no id", func(r *rulebook.Rulebook) { r.ID = "" }},
		{"window_days", func(r *rulebook.Rulebook) { r.WindowDays = 0 }},
		{"window_days", func(r *rulebook.Rulebook) { r.WindowDays = 367 }},
		{"window_counts", func(r *rulebook.Rulebook) { r.WindowCounts = "" }},
		{"off_site_closes", func(r *rulebook.Rulebook) { r.OffSiteCloses = "never" }},
		{"release time", func(r *rulebook.Rulebook) { r.ReleaseAt = 1440 }},
		{"release time", func(r *rulebook.Rulebook) { r.OnSiteReleaseAt = -1 }},
		{"Art. 14", func(r *rulebook.Rulebook) { r.OnSitePerMille = 101 }},
		{"Art. 14", func(r *rulebook.Rulebook) { r.OnSitePerMille = -1 }},
		{"no hours", func(r *rulebook.Rulebook) { r.Hours = nil }},
		{"ascend", func(r *rulebook.Rulebook) { r.Hours = []int{9, 9} }},
		{"ascend", func(r *rulebook.Rulebook) { r.Hours = []int{10, 9} }},
		{"0..23", func(r *rulebook.Rulebook) { r.Hours = []int{24} }},
		{"cancel_before_end", func(r *rulebook.Rulebook) { r.CancelBeforeEnd = -time.Second }},
		{"keep_place", func(r *rulebook.Rulebook) { r.KeepPlaceLeast = -time.Second }},
		{"keep_place", func(r *rulebook.Rulebook) { r.KeepPlaceFor = r.KeepPlaceLeast - 1 }},
		{"keep_place", func(r *rulebook.Rulebook) { r.KeepPlaceBefore = -1 }},
		{"gather_for", func(r *rulebook.Rulebook) { r.GatherFor = -1 }},
		{"gather_for", func(r *rulebook.Rulebook) { r.GatherFor = time.Minute + 1 }},
		{"noon_attempts", func(r *rulebook.Rulebook) { r.NoonAttempts = -1 }},
		{"noon_attempts", func(r *rulebook.Rulebook) { r.NoonAttempts = 1001 }},
		{"noon_attempt_every", func(r *rulebook.Rulebook) { r.NoonAttemptEvery = 0 }},
		{"draw_for", func(r *rulebook.Rulebook) { r.DrawFor = 0 }},
		{"draw_ahead", func(r *rulebook.Rulebook) { r.DrawAhead = 31 }},
		{"stranded_for", func(r *rulebook.Rulebook) { r.StrandedFor = -1 }},
	} {
		r := rulebook.Trial2022()
		c.change(&r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s: %v", c.names, err)
		}
	}
	edge := rulebook.Trial2022()
	edge.WindowDays, edge.ReleaseAt, edge.OnSitePerMille, edge.Hours = 366, 1439, 0, []int{0, 23}
	if err := edge.Validate(); err != nil {
		t.Error(err)
	}
}

func TestRulebookIsData(t *testing.T) {
	b, err := json.Marshal(rulebook.Trial2022())
	if err != nil {
		t.Fatal(err)
	}
	var back rulebook.Rulebook
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(again) != string(b) || back.EffectiveFrom.String() != "2022-04-01" || back.CancelBeforeEnd != 2*time.Hour {
		t.Errorf("%s\n%s, %v", b, again, err)
	}
}

// A text stored before there were rules about hours taken away gets those that ship; one that sets them
// keeps its own, nothing too.
func TestAnOlderTextKeepsPlacesAsTheOnesThatShip(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`{"id":"old"}`: 24 * time.Hour, `{"id":"own","keep_place_for":3600000000000}`: time.Hour, `{"id":"none","keep_place_for":0,"noon_attempts":10}`: 0,
	} {
		var r rulebook.Rulebook
		if err := json.Unmarshal([]byte(text), &r); err != nil || r.KeepPlaceFor != want || r.KeepPlaceBefore != 2*time.Hour ||
			r.GatherFor != time.Second || r.NoonAttempts != 10 || r.NoonAttemptEvery != 6*time.Second {
			t.Errorf("%s: kept for %v, %v", text, r.KeepPlaceFor, err)
		}
	}
}

// A version written before the day in the hall had rules is as the versions that ship, and what a version says
// of it comes back.
func TestOldTextsHaveADayInTheHall(t *testing.T) {
	text, err := json.Marshal(rulebook.Trial2022())
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "hall")
	old, _ := json.Marshal(fields)
	var r rulebook.Rulebook
	if err := json.Unmarshal(old, &r); err != nil || r.Hall != counter.DefaultRules() || r.Validate() != nil {
		t.Errorf("an old text: %+v, %v", r.Hall, err)
	}
	fields["hall"] = json.RawMessage(`{"walk_in_after":9}`)
	part, _ := json.Marshal(fields)
	if err := json.Unmarshal(part, &r); err != nil || r.Hall.WalkInAfter != 9 || r.Hall.PassedMost != counter.DefaultRules().PassedMost {
		t.Errorf("part of them: %+v, %v", r.Hall, err)
	}
	r.Hall.PassedMost = 0
	if r.Validate() == nil {
		t.Error("a number that may be passed never is no rule")
	}
}

func TestArt18_SanctionsThatNoVersionCouldHold(t *testing.T) {
	for name, change := range map[string]func(*rulebook.Sanctions){
		"no_shows": func(s *rulebook.Sanctions) { s.NoShows = -1 }, "cancellations": func(s *rulebook.Sanctions) { s.Cancellations = 101 },
		"on": func(s *rulebook.Sanctions) { s.On, s.NoShows, s.Cancellations = true, 0, 0 }, "span": func(s *rulebook.Sanctions) { s.Span = "week" },
		"span_days": func(s *rulebook.Sanctions) { s.SpanDays = 0 }, "late_within": func(s *rulebook.Sanctions) { s.LateWithin = -1 },
		"barred_days": func(s *rulebook.Sanctions) { s.BarredDays = 0 }, "warned_for": func(s *rulebook.Sanctions) { s.WarnedFor = -1 },
	} {
		r := rulebook.Continued2025()
		change(&r.Sanctions)
		if err := r.Validate(); err == nil || r.Sanctions.Check() != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Without a break: off in between, it begins anew.
	first, off, again, last := rulebook.Trial2022(), rulebook.Continued2025(), rulebook.Continued2025(), rulebook.Continued2025()
	first.Sanctions.On, again.Sanctions.On, last.Sanctions.On = true, true, true
	again.ID, again.EffectiveFrom = "again", off.EffectiveFrom+100
	last.ID, last.EffectiveFrom = "last", off.EffectiveFrom+200
	shelf, err := rulebook.NewShelf(first, off, again, last)
	if err != nil {
		t.Fatal(err)
	}
	for d, want := range map[calendar.Date]calendar.Date{
		off.EffectiveFrom - 1: first.EffectiveFrom, off.EffectiveFrom + 5: off.EffectiveFrom + 6, again.EffectiveFrom: again.EffectiveFrom, last.EffectiveFrom + 5: again.EffectiveFrom,
	} {
		if got := shelf.SanctionsSince(d); got != want {
			t.Errorf("on %s since %s, want %s", d, got, want)
		}
	}
}
