package server

import (
	"context"
	"math/rand/v2"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// historyDays is how far the history of a demonstration goes back: more than 60 working days (Art. 15).
const historyDays = 100

// weekdayShare is how busy counters are by weekday, in percent of the average, from Sunday on.
var weekdayShare = [7]int{80, 116, 104, 98, 96, 90, 85}

// makeHistory writes what the district halls of a few districts and the city's halls completed, the same
// for the same city and day.
func (s *Server) makeHistory(ctx context.Context) error {
	chance := rand.New(rand.NewPCG(440100, 15))
	today, cal, city := calendar.DateOf(s.clock.Now()), s.app.Calendar(), s.app.City()
	var list []store.Completed
	for _, h := range hallsInOrder(city) {
		switch h.DistrictID {
		case "440103000000", "440104000000", "440106000000", "":
		default:
			continue
		}
		if h.Level != directory.DistrictHall && h.Level != directory.CityHall {
			continue
		}
		for _, q := range city.QueuesAt(h.ID) {
			usual := q.DailyAverage * (82 + chance.IntN(30)) / 100 // some queues are planned too large, some too small
			for d := today - historyDays; d < today; d++ {
				if q.Open && cal.IsWorking(d) {
					list = append(list, store.Completed{HallID: h.ID, QueueID: q.ID, Date: d, Source: "demo", N: usual * weekdayShare[d.Weekday()] * (92 + chance.IntN(17)) / 10_000})
				}
			}
		}
	}
	return s.db.Update(ctx, func(tx *store.Tx) error { return tx.SaveCompleted(ctx, list) })
}

// makeRequests files what ready administrators might ask for, so that something waits for each who decides.
func (s *Server) makeRequests(ctx context.Context) error {
	filed := 0
	if err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, filed, err = tx.Requests(ctx, store.RequestQuery{Limit: 1})
		return err
	}); err != nil || filed > 0 { // by a run that was broken off
		return err
	}
	accounts, _, err := s.app.DemoAccounts(ctx)
	if err != nil {
		return err
	}
	today := calendar.DateOf(s.clock.Now())
	from := supply.EarliestEffect(s.app.Calendar(), s.app.Rules(today), today) + 1
	for _, who := range accounts {
		hall := s.app.City().MainHall(who.Unit)
		if who.Rank == account.Platform2 {
			if district := s.app.City().MainHall("440106000000"); district != nil {
				hall = district
			}
		}
		in, reason := wished(who.Rank, from)
		if hall == nil || in.Kind == "" {
			continue
		}
		var queue *directory.Queue
		for _, q := range s.app.City().QueuesAt(hall.ID) {
			if q.Open && (queue == nil || q.Line == "social" || q.Line == "general") {
				queue = q
			}
		}
		if queue == nil {
			continue
		}
		if in.Kind == supply.Capacity {
			in.Total = queue.DailyAverage * 5 / 4
		}
		ad := &app.Admin{Account: who, SignedIn: s.clock.Now(), Proved: s.clock.Now(), Origin: "demonstration"}
		if _, err := s.app.FileRequest(ctx, ad, app.Asked{Targets: []app.Target{{Hall: hall.ID, Queue: queue.ID}}, Change: in, Reason: reason}); err != nil {
			if fault.As(err).Kind == fault.Invalid || fault.As(err).Kind == fault.Conflict {
				continue // this city has nothing to change there
			}
			return err
		}
	}
	return nil
}

// wished is what an administrator of a rank asks for in a demonstration.
func wished(r account.Rank, from calendar.Date) (supply.Change, string) {
	switch r {
	case account.District1:
		return supply.Change{Kind: supply.Capacity, From: from, Source: supply.Completed}, "近 60 个工作日办结量高于现有号数"
	case account.District2:
		return supply.Change{Kind: supply.Weekend, From: from, To: from + 27, Weekdays: []time.Weekday{time.Saturday}, Hours: calendar.HoursOf(9, 10, 11), PerHour: 20}, "候补人数多，周六上午加开窗口"
	case account.District3:
		return supply.Change{Kind: supply.Close, From: from, To: from + 60, Rule: &calendar.Rule{Kind: calendar.DayOfMonth, N: 23, Half: calendar.Afternoon}}, "每月 23 日下午集中学习"
	case account.Municipal2:
		return supply.Change{Kind: supply.Extend, From: from, To: from + 13, Hours: calendar.HoursOf(17), PerHour: 12}, "年底办件集中，延时一小时"
	case account.Platform2:
		return supply.Change{Kind: supply.Extend, From: from, To: from + 13, Weekdays: []time.Weekday{time.Monday, time.Wednesday}, Hours: calendar.HoursOf(12), PerHour: 15}, "中午排队较长，建议中午不间断服务"
	}
	return supply.Change{}, ""
}
