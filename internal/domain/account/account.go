// Package account says who administers what: the "two, two, three" ranks of Art. 7 to 10, those who sit at
// the counters of a hall, the three roles of platform operation, and for each what it may do over which halls. The table in powers.go
// is the specification; everything else asks it.
package account

import (
	"time"

	"suiyue/internal/domain/directory"
)

// Rank is an administrator's place: a level of the "two, two, three" (Art. 8 to 10), a clerk at the counters
// of a hall, or one of the three roles of platform operation (三員).
type Rank string

const (
	Platform1  Rank = "platform-1"  // 統一預約平臺一級: supervises the city, decides what comes up
	Platform2  Rank = "platform-2"  // 統一預約平臺二級: supervises city and district halls, suggests
	Municipal1 Rank = "municipal-1" // 市級機構一級: supervises, manages, decides for its halls
	Municipal2 Rank = "municipal-2" // 市級機構二級: configures, carries out, adjusts there
	District1  Rank = "district-1"  // 區一級: everything in the district
	District2  Rank = "district-2"  // 區二級: a district hall, or a street's hall with the village halls below
	District3  Rank = "district-3"  // 區三級: one village or community hall

	Clerk Rank = "clerk" // 窗口人員: receives people at the halls of its unit; none of the "two, two, three"

	System   Rank = "system"   // 系統管理員: settings, holiday notices, jobs; no personal data
	Security Rank = "security" // 安全管理員: accounts of the platform and of operation, keys, lock-outs
	Audit    Rank = "audit"    // 審計管理員: reads the audit log; holds nothing else
)

// Ranks lists them in the order people read them.
var Ranks = []Rank{Platform1, Platform2, Municipal1, Municipal2, District1, District2, District3, Clerk, System, Security, Audit}

// Operates tells whether a rank is one of the three roles of platform operation.
func (r Rank) Operates() bool { return r == System || r == Security || r == Audit }

// Valid tells whether r is one of the ranks.
func (r Rank) Valid() bool {
	for _, v := range Ranks {
		if v == r {
			return true
		}
	}
	return false
}

// Superior returns the rank that decides what r asks for, "" where there is none above. Accounts of
// the platform's first level and of operation are the security administrator's to open; a clerk asks for
// nothing, and who opens their account depends on the unit.
func (r Rank) Superior() Rank {
	switch r {
	case District3:
		return District2
	case District2:
		return District1
	case Municipal2:
		return Municipal1
	case District1, Municipal1, Platform2:
		return Platform1
	}
	return ""
}

// Oversees tells whether r stands above another rank in the chain of Superior. Nothing stands above the
// platform's first level: there one account oversees another.
func (r Rank) Oversees(other Rank) bool {
	for up := other.Superior(); up != ""; up = up.Superior() {
		if up == r {
			return true
		}
	}
	return r == Platform1 && other == Platform1
}

// At tells whether an account of rank r can belong to a unit of kind k.
func (r Rank) At(k directory.UnitKind) bool {
	switch r {
	case Municipal1, Municipal2:
		return k == directory.Agency
	case District1:
		return k == directory.District
	case District2:
		return k == directory.District || k == directory.Street
	case District3:
		return k == directory.Village
	case Clerk:
		return k != directory.Platform // units that have halls
	}
	return k == directory.Platform
}

// State is what has become of an account.
type State string

const (
	Invited State = "invited" // confirmed; the one-time link has not been used yet
	Open    State = "open"
	Closed  State = "closed" // for good: an account is never opened again, renamed or shared (Art. 11)
)

// Account is one administrator as decisions see them. Name, duty and mobile are kept sealed beside it.
type Account struct {
	ID          string // "A" and digits; never reused
	Rank        Rank
	Unit        string // unit of the organisation tree
	State       State
	Predecessor string // account this one took over from (Art. 11), "" for none
	Successor   string // account that took this one over
	Version     int    // +1 with each change
	OpenedAt    time.Time
	ClosedAt    time.Time
}

// Person is who holds an account (Art. 11: 姓名、職務、手機). Stored sealed, shown by power.
type Person struct {
	Name   string `json:"name"`
	Duty   string `json:"duty"`
	Mobile string `json:"mobile"`
}

// Active tells whether the account may do anything now.
func (a Account) Active() bool { return a.State == Open }

// Related tells whether two accounts are one in the eyes of the rule that nobody decides their own:
// the same, or handed over from one to the other directly.
func Related(a, b Account) bool {
	return a.ID == b.ID || a.Predecessor == b.ID || b.Predecessor == a.ID
}
