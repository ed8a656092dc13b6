package supply_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/domain/supply"
)

// A village hall, and everybody who may have to do with it: two accounts of each rank, the second of which
// took the first one over or not.
var village = account.Place{Hall: "440103001001", Level: directory.VillageHall, Unit: "440103001001", Above: []string{"440103001000", "440103000000", "440100000000"}}

func people(t *rapid.T) []account.Account {
	var out []account.Account
	for _, p := range []struct {
		rank account.Rank
		unit string
	}{
		{account.District3, village.Unit}, {account.District2, village.Above[0]}, {account.District1, village.Above[1]}, {account.Platform1, village.Above[2]},
		{account.District1, "440104000000"}, {account.Municipal1, "agency"}, {account.Audit, village.Above[2]},
	} {
		for n := range 2 {
			a := account.Account{ID: string(p.rank) + p.unit + string(rune('a'+n)), Rank: p.rank, Unit: p.unit, State: account.Open}
			if rapid.IntRange(0, 4).Draw(t, "closed") == 0 {
				a.State = account.Closed
			}
			if len(out) > 0 && rapid.IntRange(0, 3).Draw(t, "took over") == 0 {
				a.Predecessor = rapid.SampledFrom(out).Draw(t, "predecessor").ID
			}
			out = append(out, a)
		}
	}
	return out
}

// Art. 23: however a request is decided, passed on, taken back and decided again, nobody decides their own,
// nobody without the power decides, and what was late is entered.
func TestArt23_NoRequestIsDecidedByItsAsker(t *testing.T) {
	cal, rules := city(t), rulebook.Continued2025()
	rapid.Check(t, func(t *rapid.T) {
		all := people(t)
		asker := rapid.SampledFrom(all).Draw(t, "asker")
		now := date("2026-11-24").At(10, 0)
		r := supply.Request{
			FiledBy: asker.ID, FiledRank: asker.Rank, Origin: supply.Asked, UpTo: asker.Rank.Superior(),
			Change: supply.Change{Kind: supply.Capacity, From: date("2026-11-24") + calendar.Date(rapid.IntRange(0, 9).Draw(t, "from"))},
			Impact: supply.Impact{Days: 1, Before: 70, After: rapid.SampledFrom([]int{35, 140}).Draw(t, "after")},
		}
		if r.Impact.After < r.Impact.Before {
			r.Impact.Less = 7
		}
		r, breaches, refused := r.File(now, cal, rules)
		if refused != nil {
			return
		}
		entered := slices.Clone(breaches)
		late := false
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "hours")) * time.Hour)
			who := rapid.SampledFrom(all).Draw(t, "who")
			was := r
			switch rapid.IntRange(0, 3).Draw(t, "act") {
			case 0, 1:
				approve := rapid.Bool().Draw(t, "approve")
				next, more, refused := r.Decide(now, who, asker, village, approve, "why", cal, rules)
				if refused != nil {
					break
				}
				late = late || now.After(was.DueAt)
				r, entered = next, append(entered, more...)
				if account.Related(who, asker) || !who.Active() || who.Rank != was.UpTo || !who.May(account.Decide, village) {
					t.Fatalf("%+v decided what %+v asked, up to %s", who, asker, was.UpTo)
				}
				if was.State != supply.Waiting {
					t.Fatalf("decided in state %s", was.State)
				}
			case 2:
				if r.Overdue(now) {
					r = r.Escalate(now, supply.DeciderOf(r.UpTo, func(rank account.Rank) bool {
						return slices.ContainsFunc(all, func(a account.Account) bool { return a.Decides(asker, rank, village) })
					}), cal, rules)
					if r.State != supply.Waiting || !r.DueAt.After(now) {
						t.Fatalf("moved up: %+v", r)
					}
				}
			case 3:
				if next, refused := r.Withdraw(who, asker); refused == nil {
					r = next
					if was.State != supply.Waiting || !account.Related(who, asker) {
						t.Fatalf("%s withdrew in state %s what %s asked", who.ID, was.State, asker.ID)
					}
				}
			}
		}
		if late != slices.Contains(entered, supply.LateDecision) {
			t.Fatalf("late %t, entered %v", late, entered)
		}
		if want := r.Late && r.Impact.Less > 0; want != slices.Contains(entered, supply.LateRequest) {
			t.Fatalf("filed late %t, entered %v", want, entered)
		}
	})
}

func TestArt23_Deadlines(t *testing.T) {
	cal, rules := city(t), rulebook.Continued2025()
	for _, k := range []struct{ name, filed, earliest, decide string }{
		{"a Tuesday", "2026-11-24", "2026-11-26", "2026-11-25"},
		{"a Friday", "2026-11-27", "2026-12-01", "2026-11-30"},
		{"a Saturday", "2026-11-28", "2026-12-01", "2026-11-30"},
		{"before National Day", "2026-09-30", "2026-10-09", "2026-10-08"},
		{"the Friday before a make-up Saturday", "2026-10-09", "2026-10-12", "2026-10-10"},
		{"before Spring Festival", "2026-02-13", "2026-02-24", "2026-02-14"},
	} {
		d := date(k.filed)
		if got := supply.EarliestEffect(cal, rules, d); got != date(k.earliest) {
			t.Errorf("%s: earliest %s, want %s", k.name, got, k.earliest)
		}
		if got := supply.DecideBy(cal, rules, d.At(10, 0)); !got.Equal(date(k.decide).At(24, 0)) {
			t.Errorf("%s: decided by %v, want the end of %s", k.name, got, k.decide)
		}
	}
}

func TestChangeValidate(t *testing.T) {
	rules, q, now := rulebook.Continued2025(), queue(), date("2026-11-24")
	q.GrandfatheredHorizon = 30
	good := supply.Change{Kind: supply.Capacity, From: now, Total: 10, Source: "filed"}
	for _, k := range []struct {
		name   string
		change func(*supply.Change)
		want   string // wrong fields, or the code
	}{
		{"good", func(*supply.Change) {}, ""},
		{"past", func(c *supply.Change) { c.From-- }, "from"},
		{"far", func(c *supply.Change) { c.From += 500 }, "from"},
		{"ends before it begins", func(c *supply.Change) { c.To = c.From - 1 }, "to"},
		{"a weekday twice", func(c *supply.Change) { c.Weekdays = []time.Weekday{1, 1} }, "weekdays"},
		{"no weekday", func(c *supply.Change) { c.Weekdays = []time.Weekday{7} }, "weekdays"},
		{"negative", func(c *supply.Change) { c.Total = -1 }, "total"},
		{"no source", func(c *supply.Change) { c.Source = "" }, "source"},
		{"no kind", func(c *supply.Change) { c.Kind = "" }, "kind"},
		{"closed for no part of the day", func(c *supply.Change) { c.Kind = supply.Close }, "half"},
		{"closed by a rule that never falls", func(c *supply.Change) {
			c.Kind, c.Rule = supply.Close, &calendar.Rule{Kind: calendar.NthWorkingDay, N: 24, Half: calendar.Morning}
		}, "rule"},
		{"weekend without hours", func(c *supply.Change) { c.Kind, c.PerHour = supply.Weekend, 10 }, "hours"},
		{"weekend on Monday", func(c *supply.Change) {
			c.Kind, c.PerHour, c.Hours, c.Weekdays = supply.Weekend, 10, calendar.HoursOf(9), []time.Weekday{1}
		}, "weekdays"},
		{"an hour without numbers", func(c *supply.Change) { c.Kind, c.Hours = supply.Extend, calendar.HoursOf(18) }, "per_hour"},
		{"share above", func(c *supply.Change) { c.Kind, c.PerMille = supply.Share, 101 }, "share_above_limit"},
		{"share below", func(c *supply.Change) { c.Kind, c.PerMille = supply.Share, -1 }, "per_mille"},
		{"share", func(c *supply.Change) { c.Kind, c.PerMille = supply.Share, 100 }, ""},
		{"window too long", func(c *supply.Change) { c.Kind, c.Days = supply.Horizon, 31 }, "days"},
		{"window too short", func(c *supply.Change) { c.Kind, c.Days = supply.Horizon, 13 }, "days"},
		{"window", func(c *supply.Change) { c.Kind, c.Days = supply.Horizon, 20 }, ""},
	} {
		c := good
		k.change(&c)
		got := ""
		if err := c.Validate(rules, q, now); err != nil {
			got = string(err.Code)
			if err.Code == fault.InvalidRequest {
				var paths []string
				for _, f := range err.Fields {
					paths = append(paths, f.Path)
				}
				got = strings.Join(paths, " ")
			}
		}
		if got != k.want {
			t.Errorf("%s: %q, want %q", k.name, got, k.want)
		}
	}
}

// anyChange draws a change that Validate takes.
func anyChange(t *rapid.T) supply.Change {
	from := date("2026-11-24") + calendar.Date(rapid.IntRange(0, 30).Draw(t, "from"))
	c := supply.Change{Kind: rapid.SampledFrom(supply.Kinds).Draw(t, "kind"), From: from}
	if rapid.Bool().Draw(t, "ends") {
		c.To = from + calendar.Date(rapid.IntRange(0, 60).Draw(t, "days"))
	}
	switch c.Kind {
	case supply.Capacity:
		c.Total, c.Source = rapid.IntRange(0, 500).Draw(t, "total"), "filed"
	case supply.Close:
		c.Half = rapid.SampledFrom([]calendar.Half{calendar.Morning, calendar.Afternoon, calendar.WholeDay}).Draw(t, "half")
	case supply.Extend, supply.Weekend:
		c.Hours, c.PerHour = calendar.Hours(rapid.Uint32Range(1, 1<<24-1).Draw(t, "hours")), rapid.IntRange(1, 60).Draw(t, "per hour")
	case supply.Share:
		c.PerMille = rapid.IntRange(0, 100).Draw(t, "share")
	case supply.Horizon:
		c.Days = rapid.IntRange(14, 30).Draw(t, "window")
	}
	return c
}

// Art. 14: whatever changes are laid over each other, a day never keeps more than a tenth on-site, never
// opens on a statutory day off, and closing only takes away.
func TestArt14_ChangesKeepTheShareAndTheHolidays(t *testing.T) {
	cal, rules, q := city(t), rulebook.Continued2025(), queue()
	rapid.Check(t, func(t *rapid.T) {
		changes := rapid.SliceOfN(rapid.Custom(anyChange), 0, 6).Draw(t, "changes")
		d := date("2026-11-24") + calendar.Date(rapid.IntRange(0, 100).Draw(t, "day"))
		for _, c := range changes {
			if err := c.Validate(rules, q, date("2026-11-24")); err != nil && c.Kind != supply.Horizon {
				t.Fatal(err)
			}
		}
		slots := supply.SlotsFor(cal, rules, q, d, changes...)
		all, onSite := 0, 0
		for i, s := range slots {
			if s.Capacity < 0 || s.OnSite < 0 || i > 0 && slots[i-1].Hour >= s.Hour {
				t.Fatalf("%+v", slots)
			}
			all, onSite = all+s.Capacity+s.OnSite, onSite+s.OnSite
		}
		if onSite*10 > all {
			t.Fatalf("%d of %d on-site", onSite, all)
		}
		if cal.IsStatutoryOff(d) && len(slots) > 0 {
			t.Fatalf("open on %s", d)
		}
		closed := supply.SlotsFor(cal, rules, q, d, append(slices.Clone(changes), supply.Change{Kind: supply.Close, From: d, To: d, Half: calendar.Afternoon})...)
		less := 0
		for _, s := range closed {
			less += s.Capacity + s.OnSite
			if s.Hour >= 12 {
				t.Fatalf("closed in the afternoon, open at %d", s.Hour)
			}
		}
		if less > all {
			t.Fatalf("closing made %d of %d", less, all)
		}
	})
}

// Compare leaves nothing to do once its steps are done, and never asks for less than people hold without
// saying so.
func TestCompareComesToAnEnd(t *testing.T) {
	cal, rules, q := city(t), rulebook.Continued2025(), queue()
	now := date("2026-11-24").At(10, 30)
	rapid.Check(t, func(t *rapid.T) {
		d := date("2026-11-24") + calendar.Date(rapid.IntRange(0, 3).Draw(t, "day"))
		existing := supply.SlotsFor(cal, rules, q, d)
		for i := range existing {
			existing[i].Taken = rapid.IntRange(0, existing[i].Capacity).Draw(t, "taken")
		}
		planned := supply.SlotsFor(cal, rules, q, d, rapid.SliceOfN(rapid.Custom(anyChange), 0, 3).Draw(t, "changes")...)
		diff := supply.Compare(now, planned, existing)
		after := map[string]booking.Slot{}
		for _, s := range existing {
			after[s.ID] = s
		}
		for _, s := range diff.Step {
			if cut := s.Taken > s.Slot.Capacity || s.Slot.Closed && s.Taken > 0; cut != s.Cut() {
				t.Fatalf("%+v", s)
			}
			s.Slot.Taken = 0
			after[s.Slot.ID] = s.Slot
		}
		for _, s := range diff.Add {
			after[s.ID] = s
		}
		var list []booking.Slot
		for _, s := range after {
			list = append(list, s)
		}
		for _, s := range diff.Step {
			if !now.Before(s.Slot.Start()) {
				t.Fatalf("%s has begun", s.Slot.ID)
			}
		}
		again := supply.Compare(now, planned, list)
		for _, s := range again.Step {
			if s.Taken == 0 && after[s.Slot.ID].Release.Equal(s.Slot.Release) {
				t.Fatalf("still to do: %+v", s)
			}
		}
		if len(again.Add) > 0 {
			t.Fatalf("still to add: %+v", again.Add)
		}
	})
}

func TestArt15_Advise(t *testing.T) {
	var wanted [24]int
	if got := supply.Advise(70, day, wanted); got != nil {
		t.Errorf("without history: %+v", got)
	}
	wanted[9], wanted[10] = 300, 100
	got := supply.Advise(70, day, wanted)
	if len(got) != 7 || got[0] != (supply.HourAdvice{Hour: 9, Split: 10, Usual: 53, Short: 43}) || got[2] != (supply.HourAdvice{Hour: 11, Split: 10, Idle: 10}) {
		t.Errorf("%+v", got)
	}
}
