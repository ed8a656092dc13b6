package oversight_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/rulebook"
)

const (
	yearHalls = 220
	warmUp    = 84 // days before anything is asked
)

// planted are the kinds that are planted in days of the year.
var planted = []oversight.AnomalyKind{
	oversight.AnomalySaturation, oversight.AnomalyUnused, oversight.AnomalyNoShows, oversight.AnomalyCancellations,
	oversight.AnomalyCut, oversight.AnomalyConcentration, oversight.AnomalyRegrab,
}

// bears tells whether a hall's day, of which so much demand is usual, is large enough and not like that anyway, for an
// anomaly of the kind to be one.
func bears(h townHall, k oversight.AnomalyKind, usual float64) bool {
	switch k {
	case oversight.AnomalySaturation:
		return h.size >= 40 && usual <= .7*float64(h.size)
	case oversight.AnomalyUnused:
		return h.size >= 60 && usual >= .5*float64(h.size)
	case oversight.AnomalyNoShows, oversight.AnomalyCancellations:
		return usual >= 60
	case oversight.AnomalyConcentration:
		return usual >= 30
	}
	return h.size >= 20
}

// Art. 22: on a year of 220 halls, what is planted is found within its day, and a hall is seldom alarmed for nothing.
func TestArt22_PlantedAnomaliesAreFoundWithinTheirDayAndFalseAlarmsAreRare(t *testing.T) {
	r := rand.New(rand.NewPCG(2026, 22))
	cal, w := townCalendar(), rulebook.Continued2025().Watch
	put, found := map[oversight.AnomalyKind]int{}, map[oversight.AnomalyKind]int{}
	hours := map[oversight.AnomalyKind][]int{} // after which it was found
	wrong := map[oversight.AnomalyKind]int{}
	months, looks := 0.0, 0
	for i, h := range townHalls(r, yearHalls) {
		var past []oversight.Trace
		open := map[string]calendar.Date{} // what stands, by its key, last seen
		first := calendar.MakeDate(2026, time.January, 1)
		for d := first; d < first+365; d++ {
			if !cal.IsWorking(d) {
				continue
			}
			ready := d >= first+warmUp
			var plant []oversight.AnomalyKind
			if k := planted[r.IntN(len(planted))]; ready && r.Float64() < .03 && bears(h, k, h.demandOn(cal, d)) {
				plant = append(plant, k)
			}
			day := h.day(r, cal, d, plant...)
			if ready {
				looks++
				months += 1.0 / 21
				seen := map[oversight.AnomalyKind]bool{}
				for _, f := range oversight.Spot(h.id, day, 24, past, w) {
					seen[f.Kind] = true
					key := string(f.Kind) + f.QueueID
					last, stands := open[key]
					open[key] = d
					meant := len(plant) > 0 && (plant[0] == f.Kind ||
						// Numbers given up in masses stay unused, and what is taken back is neither.
						plant[0] == oversight.AnomalyCancellations && f.Kind == oversight.AnomalyUnused)
					if !meant && !(stands && d-last <= calendar.Date(w.ReopenDays)) {
						wrong[f.Kind]++
					}
				}
				for _, k := range plant {
					put[k]++
					if !seen[k] {
						continue
					}
					found[k]++
					if i%4 == 0 { // as the hours of the day went by
						for through := 10; through <= 17; through++ {
							if sees(oversight.Spot(h.id, day, through, past, w), k) {
								hours[k] = append(hours[k], through)
								break
							}
						}
					}
				}
			}
			if past = append(past, day); len(past) > 60 {
				past = past[1:]
			}
		}
	}
	all, ok, alarms := 0, 0, 0
	for _, k := range planted {
		all, ok, alarms = all+put[k], ok+found[k], alarms+wrong[k]
		share := float64(found[k]) / float64(max(put[k], 1))
		t.Logf("%-13s planted %4d, found within its day %5.1f %%, told by %s, false alarms %d", k, put[k], 100*share, middle(hours[k]), wrong[k])
		if put[k] < 20 || share < .9 {
			t.Errorf("%s: %d of %d found within their day", k, found[k], put[k])
		}
	}
	rate := float64(alarms) / months
	t.Logf("%d halls, %d days looked at: %d of %d planted found within their day (%.1f %%); %d false alarms in %.0f hall-months: %.4f a hall and month",
		yearHalls, looks, ok, all, 100*float64(ok)/float64(all), alarms, months, rate)
	if rate > 1 {
		t.Errorf("%.2f false alarms a hall and month", rate)
	}
}

func sees(list []oversight.Finding, k oversight.AnomalyKind) bool {
	for _, f := range list {
		if f.Kind == k {
			return true
		}
	}
	return false
}

// middle says by which hour half of them were found.
func middle(hours []int) string {
	if len(hours) == 0 {
		return "–"
	}
	n := map[int]int{}
	for _, h := range hours {
		n[h]++
	}
	for h, sum := 0, 0; ; h++ {
		if sum += n[h]; 2*sum >= len(hours) {
			return calendar.MakeDate(2026, time.January, 1).At(h, 0).Format("15:04")
		}
	}
}
