package account

import "suiyue/internal/domain/directory"

// What an account may do about a unit as such, rather than about its halls: see what is written about it, write and
// issue that, answer for it (Art. 4 to 6, 21, 22).

// Sees tells whether the account may see what is written about the unit at s: figures, bulletins, letters. It reaches
// as far as Supervise does over halls.
func (a Account) Sees(s Seat) bool { return a.Units().Has(s) }

// Heads tells whether the account stands at the head of the unit at s: it issues the unit's bulletins and says which
// systems are connected there. The city's first level does for every unit, a district's for the district and all below
// it, an agency's for the agency.
func (a Account) Heads(s Seat) bool {
	if !a.Active() {
		return false
	}
	switch a.Rank {
	case Platform1:
		return true
	case Municipal1:
		return a.Unit == s.Unit
	case District1:
		return a.Unit == s.District
	}
	return false
}

// Drafts tells whether the account may write on a bulletin of the unit at s before it is issued: whoever issues it,
// and the second levels of the platform and of agencies (Art. 8, 9).
func (a Account) Drafts(s Seat) bool {
	return a.Heads(s) || (a.Rank == Platform2 || a.Rank == Municipal2) && a.Sees(s)
}

// Writes tells whether the account may send a notice letter to the unit at s: it heads the unit, from above (Art. 22).
func (a Account) Writes(s Seat) bool { return a.Heads(s) && a.Unit != s.Unit }

// Answers tells whether the account receives letters to the unit at s and replies to them: the administrators of the
// unit itself.
func (a Account) Answers(s Seat) bool {
	switch a.Rank {
	case Municipal1, Municipal2, District1, District2, District3:
		return a.Active() && a.Unit == s.Unit
	}
	return false
}

// UnitScope is which units somebody sees, as a condition a query can hold: a unit is in it when every part that is set
// agrees.
type UnitScope struct {
	None                   bool
	Kinds                  []directory.UnitKind // nil = all
	Unit, District, Street string
}

// Units returns the units that the account sees.
func (a Account) Units() UnitScope {
	if !a.Active() {
		return UnitScope{None: true}
	}
	switch a.Rank {
	case Platform1:
		return UnitScope{}
	case Platform2:
		return UnitScope{Kinds: []directory.UnitKind{directory.Platform, directory.Agency, directory.District}}
	case Municipal1, Municipal2, District3:
		return UnitScope{Unit: a.Unit}
	case District1:
		return UnitScope{District: a.Unit}
	case District2:
		if isDistrict(a.Unit) {
			return UnitScope{Unit: a.Unit}
		}
		return UnitScope{Street: a.Unit}
	}
	return UnitScope{None: true}
}

// Has tells whether the unit at s is in the scope.
func (u UnitScope) Has(s Seat) bool {
	if u.None || u.Unit != "" && u.Unit != s.Unit || u.District != "" && u.District != s.District || u.Street != "" && u.Street != s.Street {
		return false
	}
	for _, k := range u.Kinds {
		if k == s.Kind {
			return true
		}
	}
	return u.Kinds == nil
}

// Speaker is the rank that speaks for a unit of kind k, "" for the platform, above which there is nobody.
func Speaker(k directory.UnitKind) Rank {
	switch k {
	case directory.Agency:
		return Municipal1
	case directory.District:
		return District1
	case directory.Street:
		return District2
	case directory.Village:
		return District3
	}
	return ""
}
