package server

import (
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/store"
)

// plantedShare is how many of the halls have something unusual in a year, each on some days of it.
const plantedShare = .25

// planting draws what is unusual in a year of halls: from April on, when there is a past to tell it from.
func (d *demand) planting(halls []*directory.Hall, year int) (list []store.Planted) {
	d.at = map[string][]oddity{}
	kinds := []struct {
		name string
		kind oddKind
		by   float64
	}{{"crowd", oddCrowd, 1.9}, {"unused", oddCrowd, .25}, {"no_show", oddMissed, 5}, {"given_up", oddGivenUp, 5}, {"slow", oddSlow, 3.5}}
	for _, h := range halls {
		dice := d.dice(h.ID+" planted", 0)
		if dice.Float64() >= plantedShare {
			continue
		}
		for range 1 + dice.IntN(3) {
			k := kinds[dice.IntN(len(kinds))]
			first := calendar.MakeDate(year, time.April, 1) + calendar.Date(dice.IntN(265))
			o := oddity{kind: k.kind, hall: h.ID, from: first, to: first + calendar.Date(dice.IntN(5)), by: k.by}
			d.at[h.ID] = append(d.at[h.ID], o)
			list = append(list, store.Planted{HallID: h.ID, Kind: k.name, First: o.from, Last: o.to, Times: k.by})
		}
	}
	return list
}
