package supply

import (
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
)

// EntryState is what has become of an entry of the violation ledger. An entry is never taken out: one
// that was struck stays, and says so.
type EntryState string

const (
	EntryOpen     EntryState = "open"
	EntryAppealed EntryState = "appealed" // whom it is about has something to say against it
	EntryUpheld   EntryState = "upheld"   // the appeal was refused: it stands
	EntryStruck   EntryState = "struck"   // the appeal was upheld: it counts no more
)

// EntryStates lists them.
var EntryStates = []EntryState{EntryOpen, EntryAppealed, EntryUpheld, EntryStruck}

// DecideAppeal decides what whom an entry is about has said against it: strike upholds the appeal. who is
// the account as it is now, subject whom the entry is about, p where the hall is. Nobody decides about an
// entry of their own, and it takes a reason either way (Art. 23).
func (s EntryState) DecideAppeal(who, subject account.Account, p account.Place, strike bool, why string) (EntryState, *fault.Error) {
	switch {
	case !who.May(account.Supervise, p):
		return s, fault.New(fault.EntryNotFound)
	case account.Related(who, subject):
		return s, fault.New(fault.AppealOwn)
	case !who.Hears(subject, p):
		return s, fault.New(fault.AppealNotYours)
	case s != EntryAppealed:
		return s, fault.New(fault.NoAppeal)
	case why == "":
		return s, fault.InvalidFields(fault.Field{Path: "why", Code: fault.Required})
	case strike:
		return EntryStruck, nil
	}
	return EntryUpheld, nil
}
