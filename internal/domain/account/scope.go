package account

import "suiyue/internal/domain/directory"

// Scope is which halls an account may do something over, as a condition a query can hold: a hall is in
// it when every part that is set agrees. It says the same as May, by another road; a test compares them
// over every hall of the city.
type Scope struct {
	None     bool                  // no hall at all
	Levels   []directory.HallLevel // nil = all
	Unit     string                // the hall's unit
	District string                // the hall's district
	Street   string                // the hall's street
}

// Scope returns the halls over which the account may do act.
func (a Account) Scope(act Action) Scope {
	if !a.Active() || !allowsSomewhere(a.Rank, act) {
		return Scope{None: true}
	}
	var s Scope
	switch a.Rank {
	case Platform1:
	case Platform2:
		s.Levels = []directory.HallLevel{directory.CityHall, directory.DistrictHall}
	case District1:
		s.District = a.Unit
	case District2:
		// A district's own id is no street's: its hall is found by the unit, a street's halls by the street.
		if isDistrict(a.Unit) {
			s.Unit = a.Unit
		} else {
			s.Street = a.Unit
		}
	case Municipal1, Municipal2, District3, Clerk:
		s.Unit = a.Unit
	default:
		s.None = true
	}
	return s
}

// Has tells whether the hall is in the scope.
func (s Scope) Has(h directory.Hall) bool {
	if s.None || s.Unit != "" && s.Unit != h.UnitID || s.District != "" && s.District != h.DistrictID || s.Street != "" && s.Street != h.StreetID {
		return false
	}
	for _, l := range s.Levels {
		if l == h.Level {
			return true
		}
	}
	return s.Levels == nil
}

func allowsSomewhere(r Rank, act Action) bool {
	for _, p := range Powers {
		if p.Rank != r || p.Over[0] == None {
			continue
		}
		for _, v := range p.May {
			if v == act {
				return true
			}
		}
	}
	return false
}

// isDistrict tells a district's 12-digit division code from a street's: everything after the district
// is zero.
func isDistrict(unit string) bool { return len(unit) == 12 && unit[6:] == "000000" }
