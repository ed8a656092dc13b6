package supply_test

import (
	"testing"

	"pgregory.net/rapid"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/domain/supply"
)

// Art. 23: however often it is tried and by whomever, an appeal is decided once, by a level above whom the
// entry is about, and never by themselves.
func TestArt23_NobodyDecidesAboutAnEntryOfTheirOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := people(t)
		subject := rapid.SampledFrom(all).Draw(t, "subject")
		state := rapid.SampledFrom(supply.EntryStates).Draw(t, "state")
		for range rapid.IntRange(1, 6).Draw(t, "tries") {
			who := rapid.SampledFrom(all).Draw(t, "who")
			strike := rapid.Bool().Draw(t, "strike")
			why := rapid.SampledFrom([]string{"", "why"}).Draw(t, "why")
			next, refused := state.DecideAppeal(who, subject, village, strike, why)
			if refused != nil {
				if next != state {
					t.Fatalf("refused with %s, and now %s", refused.Code, next)
				}
				continue
			}
			above := who.Rank == account.Platform1 || who.Rank == account.District1 && (subject.Rank == account.District2 || subject.Rank == account.District3) ||
				who.Rank == account.District2 && subject.Rank == account.District3
			if state != supply.EntryAppealed || account.Related(who, subject) || !who.Active() || !above || !who.May(account.Decide, village) || why == "" {
				t.Fatalf("%+v decided an entry about %+v that was %s", who, subject, state)
			}
			if want := map[bool]supply.EntryState{true: supply.EntryStruck, false: supply.EntryUpheld}[strike]; next != want {
				t.Fatalf("became %s", next)
			}
			state = next
		}
	})
}

func TestArt23_AnAppealIsDecidedByALevelAbove(t *testing.T) {
	hall := account.Place{Hall: "h", Level: village.Level, Unit: village.Unit, Above: village.Above}
	who := func(rank account.Rank, unit string) account.Account {
		return account.Account{ID: string(rank) + unit, Rank: rank, Unit: unit, State: account.Open}
	}
	about, street, district := who(account.District3, village.Unit), who(account.District2, village.Above[0]), who(account.District1, village.Above[1])
	platform := who(account.Platform1, village.Above[2])
	heir := platform
	heir.ID, heir.Predecessor = "heir", about.ID
	for _, c := range []struct {
		name  string
		who   account.Account
		state supply.EntryState
		why   string
		want  fault.Code
	}{
		{"the street", street, supply.EntryAppealed, "why", ""},
		{"the district", district, supply.EntryAppealed, "why", ""},
		{"the platform", platform, supply.EntryAppealed, "why", ""},
		{"themselves", about, supply.EntryAppealed, "why", fault.AppealOwn},
		{"who took over from them", heir, supply.EntryAppealed, "why", fault.AppealOwn},
		{"another of their level", account.Account{ID: "x", Rank: account.District3, Unit: village.Unit, State: account.Open}, supply.EntryAppealed, "why", fault.AppealNotYours},
		{"another district", who(account.District1, "440104000000"), supply.EntryAppealed, "why", fault.EntryNotFound},
		{"the audit role", who(account.Audit, village.Above[2]), supply.EntryAppealed, "why", fault.EntryNotFound},
		{"before it is appealed", street, supply.EntryOpen, "why", fault.NoAppeal},
		{"struck already", street, supply.EntryStruck, "why", fault.NoAppeal},
		{"without a reason", street, supply.EntryAppealed, "", fault.InvalidRequest},
	} {
		_, refused := c.state.DecideAppeal(c.who, about, hall, true, c.why)
		got := fault.Code("")
		if refused != nil {
			got = refused.Code
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Art. 8, 23: a hall's report counts after its deadline too, and is a breach then.
func TestArt8_ALateReportCountsAndIsABreach(t *testing.T) {
	cal, rules := city(t), rulebook.Continued2025()
	platform := account.Account{ID: "P", Rank: account.Platform1, Unit: village.Above[2], State: account.Open}
	second := account.Account{ID: "S", Rank: account.Platform2, Unit: village.Above[2], State: account.Open}
	hall := account.Account{ID: "H", Rank: account.District3, Unit: village.Unit, State: account.Open}
	now := date("2026-11-24").At(10, 0)
	r := supply.Request{Origin: supply.Suggested, UpTo: account.Platform1, State: supply.Waiting, DueAt: now, Change: supply.Change{From: date("2026-12-07"), To: date("2026-12-07") + calendar.Date(3)}}
	r, _, refused := r.Decide(now, platform, second, village, true, "", cal, rules)
	if refused != nil || r.State != supply.Sent || !r.DueAt.Equal(date("2026-11-26").At(24, 0)) {
		t.Fatalf("sent: %+v, %v", r, refused)
	}
	for name, c := range map[string]struct {
		day  string
		done bool
		late int
	}{
		"carried out on the last day":  {"2026-11-26", true, 0},
		"carried out on the day after": {"2026-11-27", true, 1},
		"impossible, the day after":    {"2026-11-27", false, 1},
	} {
		at := date(c.day).At(12, 0)
		after, breaches, refused := r.Answer(at, hall, village, c.done, "report")
		if refused != nil || len(breaches) != c.late || c.late > 0 && breaches[0] != supply.LateReport || r.Unreported(at) != (c.late > 0) || after.Unreported(at) {
			t.Errorf("%s: %v, %v", name, breaches, refused)
		}
	}
}
