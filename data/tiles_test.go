package data_test

import (
	"testing"

	"suiyue/data"
	"suiyue/internal/domain/directory"
)

// Every district, street and town has a place of its own on the map of the part it belongs to.
func TestEveryDistrictAndStreetHasATile(t *testing.T) {
	tiles, err := data.Tiles()
	if err != nil {
		t.Fatal(err)
	}
	taken, known := map[string]string{}, map[string]bool{}
	for _, u := range city(t).Units {
		if u.Kind != directory.District && u.Kind != directory.Street {
			continue
		}
		known[u.ID] = true
		at, ok := tiles[u.ID]
		if !ok {
			t.Errorf("%s %s has no tile", u.ID, u.Name.Hans)
			continue
		}
		place := u.ParentID + string(rune('a'+at[0])) + string(rune('a'+at[1]))
		if other := taken[place]; other != "" {
			t.Errorf("%s lies on %s", u.ID, other)
		}
		taken[place] = u.ID
	}
	for id := range tiles {
		if !known[id] {
			t.Errorf("%s is no district, street or town", id)
		}
	}
}
