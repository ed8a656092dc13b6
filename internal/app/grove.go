package app

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
)

// Grove is the part of the city's tree that one administrator sees: their halls, and the units these
// are at or below. It never changes.
type Grove struct {
	Root  string            // unit everything here is at or below, "" when there is no hall at all
	Halls []*directory.Hall // in the order of the tree
	count map[string]int    // unit → halls at it and below it
	at    map[string][]*directory.Hall
	below map[string][]*directory.Unit
	units []*directory.Unit // those with halls, widest first
	index *directory.Index
	city  *City
}

// groves keeps the groves of a City by their scope: there are as many as there are different scopes.
type groves struct {
	mu   sync.Mutex
	made map[string]*Grove
}

// Grove returns the halls over which an administrator may do act, as a tree.
func (a *App) Grove(ad *Admin, act account.Action) *Grove {
	c, scope := a.City(), a.Scope(ad, act)
	key := fmt.Sprint(scope)
	c.groves.mu.Lock()
	defer c.groves.mu.Unlock()
	g := c.groves.made[key]
	if g == nil {
		if c.groves.made == nil {
			c.groves.made = map[string]*Grove{}
		}
		g = c.grow(scope)
		c.groves.made[key] = g
	}
	return g
}

func (c *City) grow(scope account.Scope) *Grove {
	g := &Grove{count: map[string]int{}, at: map[string][]*directory.Hall{}, below: map[string][]*directory.Unit{}, city: c}
	if scope.None {
		return g
	}
	for _, h := range c.halls {
		if scope.Has(*h) {
			g.Halls = append(g.Halls, h)
		}
	}
	slices.SortFunc(g.Halls, func(a, b *directory.Hall) int { return a.Number - b.Number })
	var found []directory.Hall
	for _, h := range g.Halls {
		found = append(found, *h)
		g.at[h.UnitID] = append(g.at[h.UnitID], h)
		for _, u := range append([]string{h.UnitID}, c.PlaceOfUnit(h.UnitID, "", "").Above...) {
			g.count[u]++
		}
	}
	for id := range g.count {
		u := c.units[id]
		if u == nil {
			continue
		}
		g.units = append(g.units, u)
		if g.count[u.ParentID] == 0 {
			g.Root = id
		} else {
			g.below[u.ParentID] = append(g.below[u.ParentID], u)
		}
	}
	sortUnits(g.units)
	for _, list := range g.below {
		sortUnits(list)
	}
	// An account's halls begin at its own unit, not at the top of the city.
	for len(g.at[g.Root]) == 0 && len(g.below[g.Root]) == 1 {
		g.Root = g.below[g.Root][0].ID
	}
	g.index = directory.NewHallIndex(found)
	return g
}

func sortUnits(list []*directory.Unit) {
	slices.SortFunc(list, func(a, b *directory.Unit) int {
		if k := kindOrder(a.Kind) - kindOrder(b.Kind); k != 0 {
			return k
		}
		return strings.Compare(a.ID, b.ID)
	})
}

func kindOrder(k directory.UnitKind) int {
	return slices.Index([]directory.UnitKind{directory.Platform, directory.Agency, directory.District, directory.Street, directory.Pseudo, directory.Village}, k)
}

// Has tells whether a unit has halls of this grove at or below it.
func (g *Grove) Has(unit string) bool { return g.count[unit] > 0 }

// Count returns how many halls are at a unit and below it.
func (g *Grove) Count(unit string) int { return g.count[unit] }

// At returns the halls of a unit itself, in order of their number.
func (g *Grove) At(unit string) []*directory.Hall { return g.at[unit] }

// Below returns the units right below one: agencies, then districts, each in order of code.
func (g *Grove) Below(unit string) []*directory.Unit { return g.below[unit] }

// Path returns the units from the root of the grove down to a unit; nil if it has no hall here.
func (g *Grove) Path(unit string) []*directory.Unit {
	var out []*directory.Unit
	for u := g.city.units[unit]; u != nil && g.count[u.ID] > 0; u = g.city.units[u.ParentID] {
		out = append(out, u)
		if u.ID == g.Root {
			slices.Reverse(out)
			return out
		}
	}
	return nil
}

// Find returns the halls that answer to what somebody types (name, initials, English, id), best first.
func (g *Grove) Find(text string, most int) []*directory.Hall {
	text = strings.TrimSpace(text)
	if text == "" || g.index == nil {
		return nil
	}
	var out []*directory.Hall
	if len(text) >= 4 && strings.Trim(text, "0123456789-") == "" {
		for _, h := range g.Halls {
			if strings.HasPrefix(h.ID, text) && len(out) < most {
				out = append(out, h)
			}
		}
		return out
	}
	for _, hit := range g.index.Search(text, most) {
		out = append(out, g.city.halls[hit.Code])
	}
	return out
}

// Units returns the units whose name has text inside, widest first.
func (g *Grove) Units(text string, most int) []*directory.Unit {
	var out []*directory.Unit
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "" {
		return nil
	}
	for _, u := range g.units {
		if len(out) == most {
			break
		}
		n := u.Name
		if strings.Contains(strings.ToLower(n.Hans+"\x00"+n.Hant+"\x00"+n.En), text) {
			out = append(out, u)
		}
	}
	return out
}
