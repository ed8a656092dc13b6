package directory

import (
	"slices"

	"suiyue/internal/domain/fault"
)

// Check compares the lines of all files with each other and reports every fault: DuplicateField for
// a key given twice, NotOneOf for a reference to what is not there or may not be referred to,
// OutOfRange for a parent that leads back to itself, Required for what is missing. Nothing is said to be
// absent from one of the given files, of which some lines could not be read: it may stand in those.
func Check(t Tables, unread ...string) []LineError {
	c := &checker{units: map[string]Unit{}, halls: map[string]Hall{}, lines: map[HallLevel]map[string]bool{}, unread: unread}
	c.checkUnits(t)
	c.checkLines(t.Lines)
	c.checkHalls(t.Halls)
	c.checkItems(t)
	return c.faults
}

type checker struct {
	units  map[string]Unit
	halls  map[string]Hall
	lines  map[HallLevel]map[string]bool
	unread []string
	faults []LineError
}

func (c *checker) bad(file string, line int, column string, code fault.Code) {
	c.faults = append(c.faults, LineError{file, line, column, code})
}

func (c *checker) fields(file string, line int, bad []fault.Field) {
	for _, f := range bad {
		c.bad(file, line, f.Path, f.Code)
	}
}

// ItemFaults says what is wrong with what an item refers to: department is the unit responsible, the
// zero Unit if there is none; lines are the lines of business run at each level.
func ItemFaults(it Item, department Unit, lines map[HallLevel]map[string]bool) []fault.Field {
	return append(departmentFaults(department), lineFaults(it, lines)...)
}

func departmentFaults(u Unit) []fault.Field {
	if u.Kind != Agency {
		return []fault.Field{{Path: "department", Code: fault.NotOneOf}}
	}
	return nil
}

// lineFaults asks that an item's line is run somewhere, and that wherever it is offered its line or the
// general one is run.
func lineFaults(it Item, lines map[HallLevel]map[string]bool) (bad []fault.Field) {
	own := false
	for _, level := range it.Levels {
		own = own || lines[level][it.Line]
		if !lines[level][it.Line] && !lines[level][GeneralLine] {
			bad = append(bad, fault.Field{Path: "levels", Code: fault.NotOneOf})
		}
	}
	if !own {
		bad = append(bad, fault.Field{Path: "line", Code: fault.NotOneOf})
	}
	return bad
}

// whole tells whether every line of the files could be read: what is not there then is nowhere.
func (c *checker) whole(files ...string) bool {
	return !slices.ContainsFunc(files, func(f string) bool { return slices.Contains(c.unread, f) })
}

// unitParents says which kinds of unit may be right above each kind.
func unitParents(k UnitKind) []UnitKind {
	switch k {
	case Agency, District:
		return []UnitKind{Platform}
	case Street, Pseudo:
		return []UnitKind{District}
	case Village:
		return []UnitKind{Street, Pseudo}
	}
	return nil
}

func (c *checker) checkUnits(t Tables) {
	parents := map[string]string{}
	roots := 0
	for _, r := range t.Units {
		u := r.Value
		if _, twice := c.units[u.ID]; twice {
			c.bad(UnitsFile, r.Line, "code", fault.DuplicateField)
			continue
		}
		c.units[u.ID], parents[u.ID] = u, u.ParentID
		if u.ParentID == "" {
			if roots++; roots > 1 {
				c.bad(UnitsFile, r.Line, "parent", fault.DuplicateField)
			}
		}
	}
	if roots == 0 && c.whole(UnitsFile) {
		c.bad(UnitsFile, 0, "parent", fault.Required)
	}
	for _, r := range t.Agencies {
		u := r.Value.Unit
		if _, twice := c.units[u.ID]; twice {
			c.bad(AgenciesFile, r.Line, "id", fault.DuplicateField)
			continue
		}
		c.units[u.ID], parents[u.ID] = u, u.ParentID
	}
	for _, r := range t.Units {
		c.checkParent(UnitsFile, r.Line, r.Value, parents)
	}
	for _, r := range t.Agencies {
		c.checkParent(AgenciesFile, r.Line, r.Value.Unit, parents)
	}
}

func (c *checker) checkParent(file string, line int, u Unit, parents map[string]string) {
	if u.ParentID == "" && u.Kind == Platform {
		return
	}
	parent, known := c.units[u.ParentID]
	switch {
	case circular(u.ID, parents):
		c.bad(file, line, "parent", fault.OutOfRange)
	case !known && c.whole(UnitsFile, AgenciesFile), known && !slices.Contains(unitParents(u.Kind), parent.Kind):
		c.bad(file, line, "parent", fault.NotOneOf)
	}
}

// circular tells whether going up from id leads back to id.
func circular(id string, parents map[string]string) bool {
	at := parents[id]
	for range len(parents) {
		if at == "" {
			return false
		}
		if at == id {
			return true
		}
		at = parents[at]
	}
	return false
}

func (c *checker) checkLines(lines []Row[Line]) {
	for _, r := range lines {
		l := r.Value
		if c.lines[l.Level] == nil {
			c.lines[l.Level] = map[string]bool{}
		}
		if c.lines[l.Level][l.ID] {
			c.bad(LinesFile, r.Line, "line", fault.DuplicateField)
		}
		c.lines[l.Level][l.ID] = true
	}
}

func (c *checker) checkHalls(halls []Row[HallEntry]) {
	parents := map[string]string{}
	for _, r := range halls {
		h := r.Value
		if _, twice := c.halls[h.ID]; twice {
			c.bad(HallsFile, r.Line, "id", fault.DuplicateField)
			continue
		}
		c.halls[h.ID], parents[h.ID] = h.Hall, h.ParentHall
	}
	for _, r := range halls {
		h := r.Value
		unit, known := c.units[h.UnitID]
		level, district, street := c.place(unit)
		_, above := c.units[unit.ParentID]
		switch {
		case !known && c.whole(UnitsFile, AgenciesFile), known && level == "":
			c.bad(HallsFile, r.Line, "unit", fault.NotOneOf)
		case !known:
		case h.Level != level:
			c.bad(HallsFile, r.Line, "level", fault.NotOneOf)
		case above || unit.Kind != Village: // else where a village lies is not known
			if h.DistrictID != district {
				c.bad(HallsFile, r.Line, "district", fault.NotOneOf)
			}
			if h.StreetID != street {
				c.bad(HallsFile, r.Line, "street", fault.NotOneOf)
			}
		}
		if h.ParentHall != "" {
			if circular(h.ID, parents) {
				c.bad(HallsFile, r.Line, "parent_hall", fault.OutOfRange)
			} else if _, known := c.halls[h.ParentHall]; !known && c.whole(HallsFile) {
				c.bad(HallsFile, r.Line, "parent_hall", fault.NotOneOf)
			}
		}
		if !c.whole(LinesFile) {
			continue
		}
		if slices.ContainsFunc(h.Lines, func(l string) bool { return !c.lines[h.Level][l] }) {
			c.bad(HallsFile, r.Line, "lines", fault.NotOneOf)
		}
		if len(h.Lines) == 0 && len(c.lines[h.Level]) == 0 {
			c.bad(HallsFile, r.Line, "lines", fault.Required)
		}
	}
}

// place returns what a hall of the unit must say; level "" when the unit can have none.
func (c *checker) place(u Unit) (level HallLevel, district, street string) {
	switch u.Kind {
	case Platform, Agency:
		return CityHall, "", ""
	case District:
		return DistrictHall, u.ID, ""
	case Street:
		return StreetHall, u.ParentID, u.ID
	case Village:
		return VillageHall, c.units[u.ParentID].ParentID, u.ParentID
	}
	return "", "", ""
}

func (c *checker) checkItems(t Tables) {
	items := map[string]bool{}
	for _, r := range t.Items {
		it := r.Value
		if items[it.Code] {
			c.bad(ItemsFile, r.Line, "code", fault.DuplicateField)
		}
		items[it.Code] = true
		if unit, known := c.units[it.Department]; known || c.whole(UnitsFile, AgenciesFile) {
			c.fields(ItemsFile, r.Line, departmentFaults(unit))
		}
		if c.whole(LinesFile) {
			c.fields(ItemsFile, r.Line, lineFaults(it.Item, c.lines))
		}
	}
	type place struct {
		item     string
		position int
	}
	taken := map[place]bool{}
	has := map[string]bool{}
	for _, r := range t.Materials {
		m := r.Value
		if !items[m.Item] && c.whole(ItemsFile) {
			c.bad(MaterialsFile, r.Line, "item", fault.NotOneOf)
		}
		if p := (place{m.Item, m.Position}); taken[p] {
			c.bad(MaterialsFile, r.Line, "position", fault.DuplicateField)
		} else {
			taken[p] = true
		}
		has[m.Item] = true
	}
	for _, r := range t.Items {
		if !has[r.Value.Code] && c.whole(MaterialsFile) {
			c.bad(ItemsFile, r.Line, "code", fault.Required) // nothing to bring is said to be so, in a line of its own
		}
	}
}
