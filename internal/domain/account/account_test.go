package account

import (
	"slices"
	"strings"
	"testing"

	"suiyue/internal/domain/directory"
)

// A piece of the city: two districts, two streets in the first, villages, an agency with a sub-hall.
var halls = []struct {
	hall  directory.Hall
	place Place
}{
	{hall("city", "agency-1", directory.CityHall, "", ""), Place{"h-agency-1", directory.CityHall, "agency-1", []string{"root"}}},
	{hall("sub", "agency-1", directory.CityHall, "", ""), Place{"h-sub", directory.CityHall, "agency-1", []string{"root"}}},
	{hall("other", "agency-2", directory.CityHall, "", ""), Place{"h-agency-2", directory.CityHall, "agency-2", []string{"root"}}},
	{hall("d1", "440103000000", directory.DistrictHall, "440103000000", ""), Place{"h-d1", directory.DistrictHall, "440103000000", []string{"root"}}},
	{hall("d2", "440104000000", directory.DistrictHall, "440104000000", ""), Place{"h-d2", directory.DistrictHall, "440104000000", []string{"root"}}},
	{hall("s1", "440103001000", directory.StreetHall, "440103000000", "440103001000"), Place{"h-s1", directory.StreetHall, "440103001000", []string{"440103000000", "root"}}},
	{hall("s2", "440103002000", directory.StreetHall, "440103000000", "440103002000"), Place{"h-s2", directory.StreetHall, "440103002000", []string{"440103000000", "root"}}},
	{hall("v1", "440103001001", directory.VillageHall, "440103000000", "440103001000"), Place{"h-v1", directory.VillageHall, "440103001001", []string{"440103001000", "440103000000", "root"}}},
	{hall("v2", "440103002001", directory.VillageHall, "440103000000", "440103002000"), Place{"h-v2", directory.VillageHall, "440103002001", []string{"440103002000", "440103000000", "root"}}},
}

func hall(name, unit string, level directory.HallLevel, district, street string) directory.Hall {
	return directory.Hall{ID: "h-" + name, UnitID: unit, Level: level, DistrictID: district, StreetID: street, Open: true}
}

var everyone = []Account{
	{ID: "P1", Rank: Platform1, Unit: "root"}, {ID: "P2", Rank: Platform2, Unit: "root"},
	{ID: "M1", Rank: Municipal1, Unit: "agency-1"}, {ID: "M2", Rank: Municipal2, Unit: "agency-1"},
	{ID: "D1", Rank: District1, Unit: "440103000000"},
	{ID: "D2d", Rank: District2, Unit: "440103000000"}, {ID: "D2s", Rank: District2, Unit: "440103001000"},
	{ID: "D3", Rank: District3, Unit: "440103001001"},
	{ID: "Cm", Rank: Clerk, Unit: "agency-1"}, {ID: "Cd", Rank: Clerk, Unit: "440103000000"}, {ID: "Cs", Rank: Clerk, Unit: "440103001000"}, {ID: "Cv", Rank: Clerk, Unit: "440103001001"},
	{ID: "S", Rank: System, Unit: "root"}, {ID: "K", Rank: Security, Unit: "root"}, {ID: "A", Rank: Audit, Unit: "root"},
}

// Art. 8 to 10, hall by hall: who may do what is written out here a second time, by hand.
func TestArt8to10_WhoMayDoWhat(t *testing.T) {
	all := "city sub other d1 d2 s1 s2 v1 v2"
	first := "d1 s1 s2 v1 v2" // the halls of the first district
	want := map[string]map[Action]string{
		"P1":  {Supervise: all, Decide: all, Manage: all, Export: all},
		"P2":  {Supervise: "city sub other d1 d2", Suggest: "city sub other d1 d2", Export: "city sub other d1 d2"},
		"M1":  {Supervise: "city sub", Decide: "city sub", Manage: "city sub", Reveal: "city sub", Export: "city sub"},
		"M2":  {Supervise: "city sub", Configure: "city sub", CarryOut: "city sub", Adjust: "city sub", Reveal: "city sub", Export: "city sub", Handle: "city sub", Serve: "city sub"},
		"D1":  {Supervise: first, Configure: first, CarryOut: first, Adjust: first, Decide: first, Manage: first, Reveal: first, Export: first, Serve: first},
		"D2d": {Supervise: "d1", Configure: "d1", CarryOut: "d1", Adjust: "d1", Decide: "d1", Manage: "d1", Reveal: "d1", Export: "d1", Serve: "d1"},
		"D2s": {Supervise: "s1 v1", Configure: "s1 v1", CarryOut: "s1 v1", Adjust: "s1 v1", Decide: "s1 v1", Manage: "s1 v1", Reveal: "s1 v1", Export: "s1 v1", Serve: "s1 v1"},
		"D3":  {Supervise: "v1", Configure: "v1", CarryOut: "v1", Adjust: "v1", Reveal: "v1", Export: "v1", Serve: "v1"},
		"Cm":  {Handle: "city sub", Serve: "city sub"}, "Cd": {Handle: "d1", Serve: "d1"}, "Cs": {Handle: "s1", Serve: "s1"}, "Cv": {Handle: "v1", Serve: "v1"},
	}
	for _, who := range everyone {
		who.State = Open
		for _, act := range Actions {
			for _, h := range halls {
				name := strings.TrimPrefix(h.hall.ID, "h-")
				expect := strings.Contains(" "+want[who.ID][act]+" ", " "+name+" ")
				if got := who.May(act, h.place); got != expect {
					t.Errorf("%s %s %s: %t, want %t", who.ID, act, name, got, expect)
				}
				if got := who.Scope(act).Has(h.hall); got != expect {
					t.Errorf("%s %s %s by scope: %t, want %t", who.ID, act, name, got, expect)
				}
				for _, state := range []State{Invited, Closed} {
					idle := who
					idle.State = state
					if idle.May(act, h.place) || !idle.Scope(act).None {
						t.Errorf("a %s account may %s", state, act)
					}
				}
			}
		}
	}
}

// The three roles of operation are exclusive of each other and of the halls.
func TestOperationRolesAreApart(t *testing.T) {
	only := map[Rank]Action{System: Settings, Security: Keys, Audit: ReadLog}
	for _, who := range everyone {
		who.State = Open
		for _, act := range Actions {
			if got, want := who.May(act, Place{}), only[who.Rank] == act; got != want {
				t.Errorf("%s may %s over the platform: %t", who.Rank, act, got)
			}
		}
	}
}

func TestArt23_NobodyDecidesTheirOwn(t *testing.T) {
	street := halls[5].place
	d2 := Account{ID: "A2", Rank: District2, Unit: "440103001000", State: Open}
	d1 := Account{ID: "A1", Rank: District1, Unit: "440103000000", State: Open}
	next := Account{ID: "A9", Rank: District1, Unit: "440103000000", State: Open, Predecessor: "A1"}
	cases := []struct {
		name  string
		who   Account
		asker Account
		up    Rank
		want  bool
	}{
		{"the next level up", d1, d2, District1, true},
		{"oneself", d1, d1, District1, false},
		{"who took over from the asker", next, d1, District1, false},
		{"whom the asker took over from", d1, next, District1, false},
		{"the asker's own level", d2, d1, District1, false},
		{"a level it is not up to yet", Account{ID: "P", Rank: Platform1, Unit: "root", State: Open}, d2, District1, false},
		{"another district", Account{ID: "B", Rank: District1, Unit: "440104000000", State: Open}, d2, District1, false},
		{"a closed account", Account{ID: "C", Rank: District1, Unit: "440103000000", State: Closed}, d2, District1, false},
	}
	for _, c := range cases {
		if got := c.who.Decides(c.asker, c.up, street); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestSuperiorsEndAtThePlatform(t *testing.T) {
	for _, r := range Ranks {
		steps := 0
		for up := r; up != ""; up = up.Superior() {
			if steps++; steps > 4 {
				t.Fatalf("%s has no end above it", r)
			}
			if up.Operates() && up != r {
				t.Errorf("%s is decided by %s", r, up)
			}
		}
	}
	if District3.Superior() != District2 || District2.Superior() != District1 || District1.Superior() != Platform1 ||
		Municipal2.Superior() != Municipal1 || Municipal1.Superior() != Platform1 || Platform2.Superior() != Platform1 {
		t.Error("the chain of Art. 7 to 10 is broken")
	}
}

// Who oversees whom, by hand: only the platform's first level has nobody above it and oversees itself.
func TestRanksOverseeThoseBelow(t *testing.T) {
	below := map[Rank][]Rank{
		Platform1:  {Platform1, Platform2, Municipal1, Municipal2, District1, District2, District3},
		Municipal1: {Municipal2}, District1: {District2, District3}, District2: {District3},
	}
	for _, r := range Ranks {
		for _, other := range append([]Rank{""}, Ranks...) {
			if got, want := r.Oversees(other), slices.Contains(below[r], other); got != want {
				t.Errorf("%s over %q: %t", r, other, got)
			}
		}
	}
}

func TestMatrixShowsEveryRankAndAction(t *testing.T) {
	m := Matrix()
	for _, r := range Ranks {
		if !strings.Contains(m, string(r)) {
			t.Errorf("%s is missing", r)
		}
	}
	for _, a := range Actions {
		if !strings.Contains(m, string(a)) {
			t.Errorf("%s is missing", a)
		}
	}
}

// Tokens decide about missed hours by CarryOut (they sit at no counter): nobody comes to it who does not serve.
func TestWhoCarriesOutServes(t *testing.T) {
	for _, p := range Powers {
		if slices.Contains(p.May, CarryOut) && !slices.Contains(p.May, Serve) {
			t.Errorf("%s carries out and does not serve", p.Rank)
		}
	}
}
