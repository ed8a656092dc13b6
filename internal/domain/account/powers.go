package account

import (
	"fmt"
	"slices"
	"strings"

	"suiyue/internal/domain/directory"
)

// Action is one thing an administrator may be allowed to do over a hall, or (the last group) over the
// platform as a whole.
type Action string

const (
	Supervise Action = "supervise" // see plans, bookings counted, requests, deadlines of the hall
	Configure Action = "configure" // 配置: hall, queues, counters, offerings
	CarryOut  Action = "carry_out" // 實施: execute an approved suggestion and report back; call those who have not chosen
	Adjust    Action = "adjust"    // 調整: file an adjustment request (Art. 23)
	Suggest   Action = "suggest"   // 提出調整建議 (Art. 8)
	Decide    Action = "decide"    // 審批: decide what the rank below asks for
	Manage    Action = "manage"    // 管理: file, confirm and close the accounts below
	Reveal    Action = "reveal"    // see names and phones of people who booked, one by one, logged
	Export    Action = "export"    // take lists away as files
	Handle    Action = "handle"    // 辦理: work the steps of cases that fall to one's department (Art. 20)
	Serve     Action = "serve"     // 窗口服務: check in, give numbers, call, finish, book for who stands at the desk

	Settings Action = "settings" // calendar notices, rulebooks, jobs
	Keys     Action = "keys"     // client keys, tokens of others, lock-outs, accounts of platform and operation
	ReadLog  Action = "read_log" // search and verify the audit log
)

// Actions lists them in the order of the matrix.
var Actions = []Action{Supervise, Configure, CarryOut, Adjust, Suggest, Decide, Manage, Reveal, Export, Handle, Serve, Settings, Keys, ReadLog}

// Relation is where a hall stands to an account's unit.
type Relation string

const (
	Own   Relation = "own"   // the unit's own hall or one of its sub-halls
	Below Relation = "below" // a hall of a unit below it in the tree
	Apart Relation = "apart" // anywhere else
	None  Relation = "none"  // no hall: the platform itself
)

// Relations lists them in the order of the matrix.
var Relations = []Relation{Own, Below, Apart, None}

// Power is one row of the table: a rank may do these actions over halls that stand so to it.
type Power struct {
	Rank    Rank
	Over    []Relation
	Levels  []directory.HallLevel // halls of these levels only; nil = all
	May     []Action
	Article string // where it comes from
}

// Powers is the whole of who may do what. What no row allows is refused.
//
// The platform's unit is the root of the tree, so every hall is below it; a hall of the city level is
// an agency's own. Who decides a particular request is narrower still: see Decider.
var Powers = []Power{
	{Platform1, []Relation{Own, Below}, nil, []Action{Supervise, Decide, Manage, Export}, "8"},
	{Platform2, []Relation{Own, Below}, []directory.HallLevel{directory.CityHall, directory.DistrictHall}, []Action{Supervise, Suggest, Export}, "8"},
	{Municipal1, []Relation{Own, Below}, nil, []Action{Supervise, Decide, Manage, Reveal, Export}, "9"},
	{Municipal2, []Relation{Own, Below}, nil, []Action{Supervise, Configure, CarryOut, Adjust, Reveal, Export, Handle, Serve}, "9"},
	{District1, []Relation{Own, Below}, nil, []Action{Supervise, Configure, CarryOut, Adjust, Decide, Manage, Reveal, Export, Serve}, "10"},
	{District2, []Relation{Own, Below}, []directory.HallLevel{directory.StreetHall, directory.VillageHall}, []Action{Supervise, Configure, CarryOut, Adjust, Decide, Manage, Reveal, Export, Serve}, "10"},
	{District2, []Relation{Own}, []directory.HallLevel{directory.DistrictHall}, []Action{Supervise, Configure, CarryOut, Adjust, Decide, Manage, Reveal, Export, Serve}, "10"},
	{District3, []Relation{Own}, nil, []Action{Supervise, Configure, CarryOut, Adjust, Reveal, Export, Serve}, "10"},
	{Clerk, []Relation{Own}, nil, []Action{Handle, Serve}, "窗口"},
	{System, []Relation{None}, nil, []Action{Settings}, "三員"},
	{Security, []Relation{None}, nil, []Action{Keys}, "三員"},
	{Audit, []Relation{None}, nil, []Action{ReadLog}, "三員"},
}

// Place is where a hall is in the tree: its unit, and the units above it up to the root.
type Place struct {
	Hall  string
	Level directory.HallLevel
	Unit  string
	Above []string // from the unit's parent to the root
}

// RelationTo tells where a hall stands to an account. A district hall's second level (Art. 10) is at the
// district's unit: the halls of streets and villages are below it in the tree, and the table says which
// of them count.
func (a Account) RelationTo(p Place) Relation {
	switch {
	case p.Hall == "":
		return None
	case a.Rank.Operates():
		return Apart
	case a.Unit == p.Unit:
		return Own
	case slices.Contains(p.Above, a.Unit):
		return Below
	}
	return Apart
}

// Allows tells whether the table lets a rank do act over a hall of the level that stands so to it.
func Allows(r Rank, act Action, rel Relation, level directory.HallLevel) bool {
	for _, p := range Powers {
		if p.Rank == r && slices.Contains(p.Over, rel) && slices.Contains(p.May, act) &&
			(p.Levels == nil || slices.Contains(p.Levels, level)) {
			return true
		}
	}
	return false
}

// May tells whether the account may do act over the hall at p; for the platform as a whole p is empty.
func (a Account) May(act Action, p Place) bool {
	if !a.Active() {
		return false
	}
	// Below a second level are the village halls of its own street; a district hall's has none (Art. 10).
	if a.Rank == District2 && a.Unit != p.Unit && (len(p.Above) == 0 || p.Above[0] != a.Unit || p.Level != directory.VillageHall) {
		return false
	}
	return Allows(a.Rank, act, a.RelationTo(p), p.Level)
}

// Decides tells whether an account may decide now what asker has asked for the hall at p, when it is up
// to rank (Art. 7 to 10, 23): that rank, a hall it may decide for, and nobody's own.
func (a Account) Decides(asker Account, rank Rank, p Place) bool {
	return a.Rank == rank && a.May(Decide, p) && !Related(a, asker)
}

// Hears tells whether an account may decide what subject says against an entry of the violation ledger
// about the hall at p: of a rank above, deciding for that hall, and never about an entry of its own (Art. 23).
func (a Account) Hears(subject Account, p Place) bool {
	return a.Rank.Oversees(subject.Rank) && a.May(Decide, p) && !Related(a, subject)
}

// Matrix prints the table: a line a rank and relation, a column an action.
func Matrix() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-12s %-6s %-10s", "rank", "over", "halls")
	for _, act := range Actions {
		fmt.Fprintf(&b, " %-9s", act)
	}
	b.WriteByte('\n')
	for _, p := range Powers {
		for _, rel := range p.Over {
			levels := "all"
			if p.Levels != nil {
				var names []string
				for _, l := range p.Levels {
					names = append(names, string(l)[:1])
				}
				levels = strings.Join(names, "+")
			}
			if rel == None {
				levels = "-"
			}
			fmt.Fprintf(&b, "%-12s %-6s %-10s", p.Rank, rel, levels)
			for _, act := range Actions {
				mark := "·"
				if slices.Contains(p.May, act) {
					mark = "yes"
				}
				fmt.Fprintf(&b, " %-9s", mark)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}
