package oversight_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
)

// Art. 15, 22: on weeks that were held back, the forecast of every queue and hour is better than the last like weekday,
// and its ranges hold what they promise.
func TestArt22_TheForecastBeatsTheLastLikeWeekday(t *testing.T) {
	r := rand.New(rand.NewPCG(2026, 15))
	cal := townCalendar()
	first := calendar.MakeDate(2026, time.January, 5)
	hours := calendar.HoursOf(townHours...)
	cut := calendar.MakeDate(2026, time.November, 15) // what follows is held back
	var mine, naive, steps, n, stepped float64
	covered, ranged, beaten, queues := 0, 0, 0, 0
	var told oversight.Accuracy
	for _, h := range townHalls(r, 60) {
		for origin := cut - 3*28; origin <= cut; origin += 28 { // four of them: a month apart
			var past, later []oversight.DayDemand
			for d := first; d <= origin+14; d++ {
				if d <= origin-150 {
					continue
				}
				one := oversight.DayDemand{Date: d, Kind: oversight.KindOf(cal, d)}
				if cal.IsWorking(d) {
					one.Open = hours
					swing := math.Exp(h.swing * r.NormFloat64())
					for _, hour := range townHours {
						one.Hours[hour] = float64(poisson(r, h.demand(cal, d, hour)*swing))
					}
				}
				if d <= origin {
					past = append(past, one)
				} else {
					later = append(later, one)
				}
			}
			var ahead []oversight.Coming
			for _, d := range later {
				ahead = append(ahead, oversight.Coming{Date: d.Date, Kind: d.Kind, Open: d.Open})
			}
			f := oversight.Foresee(past, ahead)
			if !f.OK || len(f.Days) != 14 {
				t.Fatalf("no forecast from %d days", len(past))
			}
			queues++
			var own, other float64
			for i, d := range later {
				like, known := oversight.DayDemand{}, false
				for j := len(past) - 1; j >= 0 && !known; j-- {
					like, known = past[j], past[j].Kind.Weekday == d.Kind.Weekday && past[j].Open != 0
				}
				for _, e := range f.Days[i].Hours {
					seen := d.Hours[e.Hour]
					own += math.Abs(seen - e.Mid)
					other += math.Abs(seen - like.Hours[e.Hour])
					n++
					ranged++
					if seen >= e.Low && seen <= e.High {
						covered++
					}
				}
			}
			mine, naive = mine+own, naive+other
			if own < other {
				beaten++
			}
			for i := 7; i < len(past); i++ {
				if past[i].Open != 0 && past[i-7].Open != 0 {
					for _, hour := range townHours {
						steps += math.Abs(past[i].Hours[hour] - past[i-7].Hours[hour])
						stepped++
					}
				}
			}
			told.MASE += f.Accuracy.MASE
			told.Coverage += f.Accuracy.Coverage
			told.Hours += f.Accuracy.Hours
		}
	}
	scale := steps / stepped
	coverage := float64(covered) / float64(ranged)
	t.Logf("%d forecasts of 14 days, %.0f hours: MASE %.3f (last like weekday %.3f), better for %d of %d; %.1f %% of the hours in their 80 %% range; the forecasts' own account: MASE %.3f, %.1f %% in range",
		queues, n, mine/n/scale, naive/n/scale, beaten, queues, 100*coverage, told.MASE/float64(queues), 100*told.Coverage/float64(queues))
	if mine >= .85*naive {
		t.Errorf("mean error %.3f, of the last like weekday %.3f: not better by 15 %%", mine/n, naive/n)
	}
	if coverage < .75 || coverage > .92 {
		t.Errorf("%.1f %% of the hours lay in their range", 100*coverage)
	}
	if off := math.Abs(told.Coverage/float64(queues) - coverage); off > .07 {
		t.Errorf("the forecasts say of themselves a coverage that is off by %.3f", off)
	}
}

func TestAForecastNeedsDaysToStandOn(t *testing.T) {
	var past []oversight.DayDemand
	for d := calendar.Date(20000); d < 20000+20; d++ {
		past = append(past, oversight.DayDemand{Date: d, Kind: oversight.DayKind{Weekday: d.Weekday()}, Open: calendar.HoursOf(9), Hours: [24]float64{9: 3}})
	}
	if f := oversight.Foresee(past, []oversight.Coming{{Date: 20021, Open: calendar.HoursOf(9)}}); f.OK || f.Known != 20 {
		t.Errorf("from twenty days: %+v", f)
	}
	if f := oversight.Foresee(nil, nil); f.OK {
		t.Error("from nothing at all")
	}
}

func TestNoShowsByHowFarAheadTheyWereBooked(t *testing.T) {
	got := oversight.ByLead([]oversight.Lead{{0, 1, 10}, {3, 2, 20}, {2, 1, 10}, {40, 5, 10}, {9, 0, 0}})
	want := []oversight.LeadShare{{0, 0, 1, 10}, {2, 3, 3, 30}, {15, -1, 5, 10}}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
}
