package app

import (
	"context"
	"slices"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

const (
	forecastPast  = 150 // days a forecast is learned from
	forecastAhead = 14  // coming days it is made for
	leadPast      = 28  // days no-shows are grouped over by how far ahead they were booked
)

// HallForecast is what the queues of a hall will be asked for in the coming days.
type HallForecast struct {
	Hall   *directory.Hall
	Queues []QueueForecast
	Leads  []oversight.LeadShare // no-shows of the last weeks
}

// QueueForecast is that of one queue.
type QueueForecast struct {
	oversight.Forecast
	Queue   *directory.Queue
	Places  []oversight.DayPlaces // its numbers on the coming days
	Waiting int                   // in its line now
	Full    int                   // of 100 past hours, how many had no number left: what they were asked for is more than is known
	input   oversight.AdviceInput
}

// Forecast returns what a hall the administrator may supervise will be asked for.
func (a *App) Forecast(ctx context.Context, ad *Admin, hall string) (v HallForecast, err error) {
	if a.City().Hall(hall) == nil || !a.May(ad, account.Supervise, hall) {
		return v, fault.New(fault.HallNotFound)
	}
	return v, a.db.View(ctx, func(tx *store.Tx) (err error) {
		if v, err = a.foresee(ctx, tx, hall); err != nil {
			return err
		}
		today := calendar.DateOf(tx.Now)
		leads, err := tx.Leads(ctx, hall, today-leadPast, today)
		v.Leads = oversight.ByLead(leads)
		return err
	})
}

// foresee forecasts every open queue of a hall.
func (a *App) foresee(ctx context.Context, tx *store.Tx, hall string) (v HallForecast, err error) {
	today := calendar.DateOf(tx.Now)
	v.Hall = a.City().Hall(hall)
	rows, err := tx.Figures(ctx, oversight.OfHall, []string{hall}, oversight.SpanDay, (today - forecastPast).String(), (today - 1).String())
	if err != nil {
		return v, err
	}
	changes, err := tx.Adjustments(ctx, hall, today)
	if err != nil {
		return v, err
	}
	r := a.rules.Load()
	rules := r.shelf.On(today)
	for _, q := range a.City().QueuesAt(hall) {
		if !q.Open {
			continue
		}
		one := QueueForecast{Queue: q}
		past, walkIns, full, err := demandOf(r.cal, q.ID, rows)
		if err != nil {
			return v, err
		}
		if one.Waiting, err = tx.WaitingUnitsIn(ctx, booking.WaitLine{HallID: hall, QueueID: q.ID}); err != nil {
			return v, err
		}
		plan := func(more ...supply.Change) (days []oversight.DayPlaces) {
			for d := today + 1; d <= today+forecastAhead; d++ {
				day := oversight.DayPlaces{Date: d}
				for _, s := range supply.SlotsFor(r.cal, r.shelf.On(d), *q, d, append(slices.Clone(changes[q.ID]), more...)...) {
					day.OffSite[s.Hour], day.OnSite[s.Hour] = s.Capacity, s.OnSite
				}
				days = append(days, day)
			}
			return days
		}
		one.Places, one.Full = plan(), full
		var ahead []oversight.Coming
		for _, p := range one.Places {
			c := oversight.Coming{Date: p.Date, Kind: oversight.KindOf(r.cal, p.Date)}
			for h := range p.OffSite {
				if p.OffSite[h] > 0 {
					c.Open |= calendar.HoursOf(h)
				}
			}
			ahead = append(ahead, c)
		}
		one.Forecast = oversight.Foresee(past, ahead)
		one.input = oversight.AdviceInput{
			HallID: hall, QueueID: q.ID, Forecast: one.Days, Waiting: one.Waiting, From: supply.EarliestEffect(r.cal, rules, today), To: today + forecastAhead,
			Total: q.DailyAverage, WalkIns: walkIns, Plan: plan,
		}
		v.Queues = append(v.Queues, one)
	}
	return v, nil
}

// demandOf takes out of a hall's figures how many numbers of a queue were wanted, day by day; how many on-site numbers a
// busy day takes, −1 where too few days are known; and how many of 100 hours had no number left. Who joined the line and
// got no number is counted to the hours of that day as these were taken.
func demandOf(cal *calendar.Calendar, queue string, rows []oversight.Row) (past []oversight.DayDemand, walkIns, full int, err error) {
	var walked []int64
	hours, none := 0, 0
	for _, row := range rows {
		d, err := calendar.ParseDate(row.Period)
		if err != nil {
			return nil, 0, 0, err
		}
		day := oversight.DayDemand{Date: d, Kind: oversight.KindOf(cal, d)}
		sum := 0.0
		for _, c := range oversight.TraceOf(d, day.Kind, row.Figures).Cells {
			if c.QueueID != queue || c.Hour < 0 || c.Hour > 23 || c.Released == 0 {
				continue
			}
			day.Open |= calendar.HoursOf(c.Hour)
			day.Hours[c.Hour] = float64(max(c.Booked-c.Cancelled, 0))
			sum += day.Hours[c.Hour]
			if hours++; c.Taken() >= c.Released {
				none++
			}
		}
		whole := row.Figures.By[oversight.ByQueue][queue]
		if left := float64(whole.N[oversight.Joined] - whole.N[oversight.FromLine]); left > 0 && sum > 0 {
			for h := range day.Hours {
				day.Hours[h] *= 1 + left/sum
			}
		}
		if day.Open != 0 {
			walked = append(walked, whole.N[oversight.WalkIn])
		}
		past = append(past, day)
	}
	slices.SortFunc(past, func(x, y oversight.DayDemand) int { return int(x.Date - y.Date) })
	if walkIns = -1; len(walked) >= 15 {
		slices.Sort(walked)
		walkIns = int(walked[len(walked)*9/10])
	}
	if hours > 0 {
		full = 100 * none / hours
	}
	return past, walkIns, full, nil
}
