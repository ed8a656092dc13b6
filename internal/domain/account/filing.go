package account

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// Filing and handover (登記備案, Art. 11): an account is opened, passed on, changed and closed by an
// application that the superior confirms.

// FilingKind is what is applied for.
type FilingKind string

const (
	FileOpen     FilingKind = "open"
	FileHandover FilingKind = "handover" // another person takes over: a new account opens, the old one closes
	FileMobile   FilingKind = "mobile"   // the same person has another mobile
	FileClose    FilingKind = "close"
)

// FilingKinds lists them.
var FilingKinds = []FilingKind{FileOpen, FileHandover, FileMobile, FileClose}

// FilingState is what has become of an application.
type FilingState string

const (
	FilingWaiting   FilingState = "waiting"
	FilingConfirmed FilingState = "confirmed"
	FilingRefused   FilingState = "refused"
	FilingWithdrawn FilingState = "withdrawn"
)

// Filing is an application as decisions see it. The person it names is kept sealed beside it.
type Filing struct {
	ID      string // "F" and digits
	Kind    FilingKind
	Rank    Rank
	Seat    Seat
	Account string // handover, mobile, close: which
	FiledBy string
	State   FilingState
	Opened  string // the account it led to
	Version int
}

// Seat is a unit as the place of an account.
type Seat struct {
	Unit     string
	Kind     directory.UnitKind
	District string // itself for a district, "" for the platform and agencies
	Street   string // itself for a street, "" above
}

// MostReason bounds a reason, in characters.
const MostReason = 200

// platform tells whether accounts of rank r are the security administrator's to open and close.
func (r Rank) platform() bool { return r.Operates() || r == Platform1 || r == Platform2 }

// chain is the ranks that confirm for r at a unit of kind k, nearest first. Clerks are confirmed by whoever
// manages the accounts of the hall: an agency's first level, a district hall's or street's second.
func (r Rank) chain(k directory.UnitKind) (up []Rank) {
	if r.platform() {
		return []Rank{Security}
	}
	s := r.Superior()
	switch {
	case r == Clerk && k == directory.Agency:
		s = Municipal1
	case r == Clerk:
		s = District2
	}
	for ; s != ""; s = s.Superior() {
		up = append(up, s)
	}
	return up
}

// over tells whether the seat belongs to what the account is responsible for.
func (a Account) over(s Seat) bool {
	switch a.Rank {
	case Platform1, Security:
		return true
	case Municipal1:
		return a.Unit == s.Unit
	case District1:
		return a.Unit == s.District
	case District2:
		return a.Unit == s.Street || a.Unit == s.Unit
	}
	return false
}

// Above tells whether an account manages those of a rank at a seat (Art. 8 to 10): the ranks above it
// there; the security administrator for the accounts of platform and operation; and platform 1 may
// file for platform 2.
func (a Account) Above(r Rank, s Seat) bool {
	return a.Active() && a.over(s) && (slices.Contains(r.chain(s.Kind), a.Rank) || r == Platform2 && a.Rank == Platform1)
}

// MayFile refuses an application that by may not make: an account is applied for by whoever manages it,
// a handover also by the account itself and by its fellows of the same unit and rank. of is the account
// that a handover, a change of mobile or a closing is about.
func (f Filing) MayFile(by Account, of *Account) error {
	switch {
	case !by.Active():
		return fault.New(fault.SessionEnded)
	case !slices.Contains(FilingKinds, f.Kind):
		return fault.InvalidFields(fault.Field{Path: "kind", Code: fault.NotOneOf})
	case !f.Rank.Valid() || !f.Rank.At(f.Seat.Kind):
		return fault.New(fault.RankNotHere)
	case f.Kind == FileOpen:
		if !by.Above(f.Rank, f.Seat) {
			return fault.New(fault.NotAllowed)
		}
		return nil
	case of == nil || of.Rank != f.Rank || of.Unit != f.Seat.Unit:
		return fault.New(fault.AccountNotFound)
	}
	own := by.ID == of.ID
	fellow := f.Kind == FileHandover && by.Rank == of.Rank && by.Unit == of.Unit
	switch {
	case !own && !fellow && !by.Above(f.Rank, f.Seat):
		return fault.New(fault.AccountNotFound)
	case own && f.Kind == FileClose:
		return fault.New(fault.RequestOwn)
	case of.State == Closed:
		return fault.New(fault.AccountClosed)
	}
	return nil
}

// UpTo tells which rank confirms the application: the nearest above that anybody holds there now.
// holders are the open accounts of the units it is about and above it.
func (f Filing) UpTo(holders []Account) Rank {
	up := f.Rank.chain(f.Seat.Kind)
	for _, r := range up {
		for _, h := range holders {
			if h.Active() && h.Rank == r && h.over(f.Seat) {
				return r
			}
		}
	}
	return up[len(up)-1]
}

// AtOnce tells whether an application is confirmed by being made: the superior made it, and it is not
// for an account of platform or operation, which takes two people.
func (f Filing) AtOnce(by Account, up Rank) bool {
	return by.Active() && by.Rank == up && by.over(f.Seat) && !f.Rank.platform() && by.ID != f.Account
}

// MayDecide refuses whoever may not confirm or refuse the application now that it is up to rank: nobody
// decides their own, nor that of whom they took over from.
func (f Filing) MayDecide(by, filer Account, up Rank) error {
	switch {
	case !by.Active():
		return fault.New(fault.SessionEnded)
	case by.ID != f.FiledBy && by.ID != f.Account && !by.Above(f.Rank, f.Seat):
		return fault.New(fault.FilingNotFound)
	case f.State != FilingWaiting:
		return fault.New(fault.FilingDecided)
	case by.ID == f.Account || Related(by, filer):
		return fault.New(fault.RequestOwn)
	case by.Rank != up:
		return fault.New(fault.RequestNotYours)
	}
	return nil
}

// MayWithdraw refuses whoever has not made the application, or took over from who did.
func (f Filing) MayWithdraw(by, filer Account) error {
	switch {
	case !by.Active():
		return fault.New(fault.SessionEnded)
	case by.ID != filer.ID && by.Predecessor != filer.ID:
		return fault.New(fault.FilingNotFound)
	case f.State != FilingWaiting:
		return fault.New(fault.FilingDecided)
	}
	return nil
}

// Close closes an account for good; successor is the account that takes it over, "" for none.
func (a Account) Close(successor string, now time.Time) Account {
	a.State, a.Successor, a.ClosedAt = Closed, successor, now
	return a
}

// AccountScope is which accounts somebody may see and look after, as a condition a query can hold.
type AccountScope struct {
	None                   bool
	Ranks                  []Rank // nil = all
	Unit, District, Street string
}

// Accounts returns the scope of an account. The security administrator sees all, for lock-outs.
func (a Account) Accounts() AccountScope {
	if !a.Active() {
		return AccountScope{None: true}
	}
	switch a.Rank {
	case Security:
		return AccountScope{}
	case Platform1:
		return AccountScope{Ranks: Ranks[:8]}
	case Municipal1:
		return AccountScope{Ranks: []Rank{Municipal1, Municipal2, Clerk}, Unit: a.Unit}
	case District1:
		return AccountScope{Ranks: []Rank{District1, District2, District3, Clerk}, District: a.Unit}
	case District2:
		if isDistrict(a.Unit) {
			return AccountScope{Ranks: []Rank{District2, Clerk}, Unit: a.Unit}
		}
		return AccountScope{Ranks: []Rank{District2, District3, Clerk}, Street: a.Unit}
	}
	return AccountScope{None: true}
}

// Has tells whether an account of a rank at a seat is in the scope.
func (s AccountScope) Has(r Rank, at Seat) bool {
	return !s.None && (s.Ranks == nil || slices.Contains(s.Ranks, r)) && (s.Unit == "" || s.Unit == at.Unit) &&
		(s.District == "" || s.District == at.District) && (s.Street == "" || s.Street == at.Street)
}

// Normalise returns a person as it is checked and kept.
func (p Person) Normalise() Person {
	return Person{Name: identity.NormaliseName(p.Name), Duty: strings.Join(strings.Fields(p.Duty), " "), Mobile: identity.NormalisePhone(p.Mobile)}
}

// Check tells what is wrong with a normalised person, by field: name, duty, mobile.
func (p Person) Check() (wrong []fault.Field) {
	for _, f := range []struct {
		path string
		bad  fault.Code
	}{{"name", identity.CheckName(p.Name)}, {"duty", CheckText(p.Duty, 40)}, {"mobile", identity.CheckPhone(p.Mobile)}} {
		if f.bad != "" {
			wrong = append(wrong, fault.Field{Path: f.path, Code: f.bad})
		}
	}
	return wrong
}

// CheckText tells what is wrong with a line somebody must write: empty, too long, or holding control
// characters.
func CheckText(s string, most int) fault.Code {
	switch {
	case strings.TrimSpace(s) == "":
		return fault.Required
	case utf8.RuneCountInString(s) > most:
		return fault.TooLong
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x202e }):
		return fault.BadCharacter
	}
	return ""
}
