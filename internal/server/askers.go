package server

import (
	"context"
	"fmt"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// askers are the administrators of a made past, with what they ask for, what becomes of it, and what the ledger says
// of it (Art. 22, 23).
type askers struct {
	s        *Server
	d        *demand
	halls    []*directory.Hall
	district map[string]string // who files for the halls of a district
	other    string            // who files for all others
	decides  string
	year     int
}

// askedEvery is how many halls are open for each request of a day.
const askedEvery = 400

func (s *Server) newAskers(ctx context.Context, m Simulation, halls []*directory.Hall) *askers {
	a := &askers{s: s, d: &demand{cal: s.app.Calendar(), seed: m.Seed}, halls: halls, district: map[string]string{}, year: m.Year}
	accounts, _, err := s.app.DemoAccounts(ctx)
	if err != nil {
		return a
	}
	for _, who := range accounts {
		switch who.Rank {
		case account.District2:
			if u := s.app.City().Unit(who.Unit); u != nil && u.Kind == directory.District {
				a.district[who.Unit] = who.ID
			}
		case account.Municipal2:
			if a.other == "" {
				a.other = who.ID
			}
		case account.Platform1:
			a.decides = who.ID
		}
	}
	return a
}

// day returns the requests filed on a working day, decided as they were in the end.
func (a *askers) day(date calendar.Date) (list []supply.Request, breaches []store.LedgerEntry) {
	if !a.d.cal.IsWorking(date) || a.decides == "" || a.other == "" {
		return nil, nil
	}
	dice := a.d.dice("requests", date)
	rules := a.s.app.Rules(date)
	for i := range poisson(dice, float64(len(a.halls))/askedEvery) {
		h := a.halls[dice.IntN(len(a.halls))]
		queues := a.s.app.City().QueuesAt(h.ID)
		if len(queues) == 0 {
			continue
		}
		q := queues[dice.IntN(len(queues))]
		by, rank := a.other, account.Municipal2
		if id := a.district[h.DistrictID]; id != "" {
			by, rank = id, account.District2
		}
		filed := date.At(9+dice.IntN(8), dice.IntN(60))
		from := supply.EarliestEffect(a.d.cal, rules, date)
		late := dice.Float64() < .12
		if late {
			from = date + 1
		}
		r := supply.Request{
			ID: fmt.Sprintf("R%d-S%s%02d", a.year, date.Compact()[4:], i), HallID: h.ID, QueueID: q.ID, UnitID: h.UnitID, DistrictID: h.DistrictID, StreetID: h.StreetID,
			Level: h.Level, Origin: "request", FiledBy: by, FiledRank: rank, UpTo: account.Platform1, State: supply.Done, Late: late, FiledAt: filed,
			DueAt: a.d.cal.AddWorkingDays(date, rules.DecideWithinDays).At(23, 59), DecidedBy: a.decides, Version: 2,
			Change: supply.Change{Kind: supply.Extend, From: from, To: from + 13, Hours: calendar.HoursOf(17), PerHour: 6}, Reason: "办件集中，延时一小时",
		}
		r.DecidedAt = filed.Add(time.Duration(1+dice.IntN(20)) * time.Hour)
		overdue := dice.Float64() < .08
		if overdue {
			r.DecidedAt = r.DueAt.Add(time.Duration(1+dice.IntN(30)) * time.Hour)
		}
		if r.DoneAt = r.DecidedAt; dice.Float64() < .15 {
			r.State, r.DoneAt, r.Why = supply.Refused, time.Time{}, "现有号数未用完"
		}
		list = append(list, r)
		breach := func(kind supply.Breach, who string, at time.Time) {
			breaches = append(breaches, store.LedgerEntry{
				ID: "L" + r.ID[1:] + "-" + string(kind) + "-" + who, Kind: kind, Request: r.ID, Account: who, HallID: h.ID, UnitID: h.UnitID,
				DistrictID: h.DistrictID, StreetID: h.StreetID, Level: h.Level, At: at, State: supply.EntryOpen, Detail: store.LedgerDetail{Due: r.DueAt},
			})
		}
		if late {
			breach(supply.LateRequest, by, filed)
		}
		if overdue {
			breach(supply.LateDecision, a.decides, r.DueAt)
		}
	}
	return list, breaches
}
