package app_test

import (
	"slices"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// dayOf writes the figures of a hall's day: each hour so many booked, of whom so many did not come.
func (p *pressed) dayOf(hall, queue string, d calendar.Date, booked, missed int64) {
	p.Helper()
	var f oversight.Figures
	f.By = map[oversight.Dimension]map[string]oversight.Counts{oversight.ByQueueHour: {}}
	for _, hour := range []int{9, 10, 11, 13, 14, 15, 16} {
		var c oversight.Counts
		c.Count(oversight.Released, booked+4)
		c.Count(oversight.Booked, booked)
		c.Count(oversight.Missed, missed)
		c.Count(oversight.Came, booked-missed)
		f.By[oversight.ByQueueHour][oversight.QueueHour(queue, hour)] = c
		f.All.Add(c)
	}
	p.update(func(tx *store.Tx) error {
		return tx.PutFigures(p.Context(), []oversight.Row{{Place: oversight.Place{Noun: oversight.OfHall, ID: hall}, Span: oversight.SpanDay, Period: d.String(), Figures: f, CountedAt: tx.Now}})
	})
}

// history writes the days before today, as they usually are.
func (p *pressed) history(hall, queue string, booked, missed int64) {
	for d := today - 70; d < today-1; d++ {
		if p.App.Calendar().IsWorking(d) {
			p.dayOf(hall, queue, d, booked, missed)
		}
	}
}

func (p *pressed) watch(want int) {
	p.Helper()
	opened := 0
	for {
		n, more, err := p.App.WatchHalls(p.Context(), 2)
		if err != nil {
			p.Fatal(err)
		}
		if opened += n; !more {
			break
		}
	}
	if opened != want {
		p.Fatalf("%d anomalies opened, want %d", opened, want)
	}
}

func (p *pressed) found(who string, f app.AnomalyFilter) []app.AnomalyView {
	p.Helper()
	f.Size = 20
	list, all, err := p.App.Anomalies(p.Context(), p.as(who), f)
	if err != nil || all != len(list) {
		p.Fatalf("anomalies of %s: %d of %d, %v", who, len(list), all, err)
	}
	return list
}

func TestArt22_WhatIsNotAsUsualIsToldOnceAndStaysUntilSomebodyClosesIt(t *testing.T) {
	alertOnBoth(t, func(p *pressed) {
		p.history(apptest.HallStreet, apptest.QueueStreet, 16, 1)
		p.history(apptest.HallA, apptest.QueueA, 16, 1)
		p.dayOf(apptest.HallStreet, apptest.QueueStreet, today-1, 16, 8)
		p.dayOf(apptest.HallA, apptest.QueueA, today-1, 16, 2)
		p.watch(1)
		sameTold(t, "found", p.told("anomaly_no_shows"), "AS", "A1", "P1")
		p.watch(0)
		sameTold(t, "seen again", p.told("anomaly_no_shows"), "AS", "A1", "P1")

		one := p.found("AS", app.AnomalyFilter{Open: true})[0]
		if one.Kind != oversight.AnomalyNoShows || one.HallID != apptest.HallStreet || one.Date != today-1 || one.Seen != 56 || one.Of != 112 || one.High >= 56 || one.Low > 7 || one.ActBy != account.District2 || !one.Takes || !one.Asks {
			t.Fatalf("%+v", one)
		}
		if got := p.found("B1", app.AnomalyFilter{}); len(got) != 0 {
			t.Errorf("another district sees %+v", got)
		}
		if _, err := p.App.Anomaly(p.Context(), p.as("B1"), one.ID); fault.As(err).Code != fault.AnomalyNotFound {
			t.Errorf("another district reads it: %v", err)
		}
		if got := p.found("P1", app.AnomalyFilter{Under: oversight.Place{Noun: oversight.OfUnit, ID: apptest.DistrictB}}); len(got) != 0 {
			t.Errorf("below another district lies %+v", got)
		}
		lines, err := p.App.AlertLines(p.Context(), p.as("P1"), oversight.Place{Noun: oversight.OfUnit, ID: apptest.DistrictA}, 10)
		if err != nil || len(lines) != 1 || lines[0].Kind != "no_shows" || lines[0].Acked || !lines[0].Open {
			t.Errorf("lines: %+v, %v", lines, err)
		}

		refused := func(what string, err error, code fault.Code) {
			t.Helper()
			if err == nil || fault.As(err).Code != code {
				t.Errorf("%s: %v, want %s", what, err, code)
			}
		}
		refused("closed by another district", p.App.CloseAnomaly(p.Context(), p.as("B1"), one.ID, oversight.Corrected, "x"), fault.AnomalyNotFound)
		if err := p.App.AcknowledgeAnomaly(p.Context(), p.as("A1"), one.ID); err != nil {
			t.Fatal(err)
		}
		if err := p.App.AcknowledgeAnomaly(p.Context(), p.as("AS"), one.ID); err != nil {
			t.Fatal(err)
		}
		list, err := p.App.FileRequest(p.Context(), p.as("AS"), app.Asked{
			Targets: []app.Target{{Hall: apptest.HallStreet, Queue: apptest.QueueStreet}}, Reason: "爽约过多",
			Change: supply.Change{Kind: supply.Extend, From: today + 13, To: today + 14, Hours: calendar.HoursOf(17), PerHour: 3},
		})
		if err != nil {
			t.Fatal(err)
		}
		refused("a request that is none", p.App.ActOnAnomaly(p.Context(), p.as("AS"), one.ID, "R2026-999999"), fault.InvalidRequest)
		if err := p.App.ActOnAnomaly(p.Context(), p.as("AS"), one.ID, list[0].ID); err != nil {
			t.Fatal(err)
		}
		refused("closed without a word", p.App.CloseAnomaly(p.Context(), p.as("AS"), one.ID, oversight.Corrected, "  "), fault.InvalidRequest)
		refused("closed for no known reason", p.App.CloseAnomaly(p.Context(), p.as("AS"), one.ID, "whatever", "x"), fault.InvalidRequest)
		if err := p.App.CloseAnomaly(p.Context(), p.as("AS"), one.ID, oversight.Corrected, "加开时段"); err != nil {
			t.Fatal(err)
		}
		v, err := p.App.Anomaly(p.Context(), p.as("AS"), one.ID)
		if err != nil || v.Stage() != oversight.StageClosed || v.AckBy != "A1" || v.Request != list[0].ID || v.About == nil || v.ClosedBy != "AS" || v.Why != "加开时段" {
			t.Fatalf("%+v, %v", v, err)
		}
		refused("closed twice", p.App.CloseAnomaly(p.Context(), p.as("AS"), one.ID, oversight.Corrected, "x"), fault.AnomalyClosed)

		// It comes again, and then is over by itself: somebody still closes it.
		p.dayOf(apptest.HallStreet, apptest.QueueStreet, today, 16, 8)
		p.at(today+1, 12, 5)
		p.watch(1)
		v = p.found("AS", app.AnomalyFilter{Open: true})[0]
		if v.ID != one.ID || v.Reopened != 1 || v.Days != 2 || v.Stage() != oversight.StageOpen || v.Request != "" {
			t.Errorf("come again: %+v", v)
		}
		p.dayOf(apptest.HallStreet, apptest.QueueStreet, today+1, 16, 1)
		p.at(today+2, 12, 5)
		p.watch(1) // the request, which nobody has decided
		if v = p.found("AS", app.AnomalyFilter{Open: true, Kind: oversight.AnomalyNoShows})[0]; v.EndedAt.IsZero() || !v.Open() {
			t.Errorf("a usual day later: %+v", v)
		}
		if err := p.App.CloseAnomaly(p.Context(), p.as("AS"), one.ID, oversight.FalseAlarm, "节前"); err != nil {
			t.Fatal(err)
		}
		if closed, nothing, err := p.App.FalseAlarms(p.Context(), p.as("P1"), 30); closed != 1 || nothing != 1 || err != nil {
			t.Errorf("%d closed, %d for nothing, %v", closed, nothing, err)
		}
		acts := p.Acts(t, "anomaly", one.ID)
		want := []string{"anomaly.open", "anomaly.acknowledge", "anomaly.act", "anomaly.close", "anomaly.reopen", "anomaly.end", "anomaly.close"}
		if len(acts) != len(want) {
			t.Fatalf("the log says %v", acts)
		}
		for i := range want {
			if acts[i] != want[i] {
				t.Errorf("the log says %v, want %v", acts, want)
			}
		}
	})
}

func TestArt22_AnomaliesNobodyTakesUpMoveUp(t *testing.T) {
	alertOnBoth(t, func(p *pressed) {
		p.history(apptest.HallStreet, apptest.QueueStreet, 16, 1)
		p.dayOf(apptest.HallStreet, apptest.QueueStreet, today-1, 16, 8)
		p.watch(1)
		up := func(want int) {
			p.Helper()
			for _, n := range []int{want, 0} { // told once
				if moved, err := p.App.EscalateAnomalies(p.Context()); moved != n || err != nil {
					p.Fatalf("%d moved up, %v; want %d", moved, err, n)
				}
			}
		}
		is := func(level int, upTo, holder account.Rank) app.AnomalyView {
			p.Helper()
			one := p.found("P1", app.AnomalyFilter{Open: true})[0]
			if one.Level != level || one.UpTo != upTo || one.Holder() != holder || one.ActBy != account.District2 {
				p.Fatalf("%+v", one.Anomaly)
			}
			return one
		}
		cal, days := p.App.Calendar(), p.App.Rules(today).Watch.TakeUpDays
		due := func(from calendar.Date) calendar.Date { return cal.AddWorkingDays(from, days+1) }
		first, second := due(today), due(due(today))
		if one := is(0, "", account.District2); !one.NextAt.Equal(first.At(9, 0)) {
			t.Fatalf("told at %s", one.NextAt)
		}
		p.at(first, 8, 59)
		up(0)
		p.at(first, 9, 0)
		up(1)
		sameTold(t, "after the first level", p.told("anomaly_untaken"), "A1")
		if one := is(1, account.District1, account.District1); !one.NextAt.Equal(second.At(9, 0)) {
			t.Fatalf("told at %s", one.NextAt)
		}
		p.at(second, 9, 0)
		up(1)
		sameTold(t, "after the second level", p.told("anomaly_untaken"), "A1", "P1")
		one := is(2, account.Platform1, account.Platform1)
		if !one.NextAt.IsZero() {
			t.Fatalf("above the city is told at %s", one.NextAt)
		}
		p.at(second+30, 9, 0)
		up(0)

		// Whoever is told may take it up, and so may those below; then it stays where it is.
		if err := p.App.AcknowledgeAnomaly(p.Context(), p.as("P1"), one.ID); err != nil {
			t.Fatal(err)
		}
		if err := p.App.CloseAnomaly(p.Context(), p.as("AS"), one.ID, oversight.Explained, "停电"); err != nil {
			t.Fatal(err)
		}
		acts := p.Acts(t, "anomaly", one.ID)
		if want := []string{"anomaly.open", "anomaly.escalate", "anomaly.escalate", "anomaly.acknowledge", "anomaly.close"}; !slices.Equal(acts, want) {
			t.Errorf("the log says %v, want %v", acts, want)
		}
	})
}

// What was taken up, acted on or closed in time is told to nobody above.
func TestArt22_AnomaliesTakenUpInTimeStayWhereTheyAre(t *testing.T) {
	for name, do := range map[string]func(p *pressed, id string) error{
		"taken up": func(p *pressed, id string) error { return p.App.AcknowledgeAnomaly(p.Context(), p.as("AS"), id) },
		"closed": func(p *pressed, id string) error {
			return p.App.CloseAnomaly(p.Context(), p.as("AS"), id, oversight.Explained, "停电")
		},
	} {
		t.Run(name, func(t *testing.T) {
			alertOnBoth(t, func(p *pressed) {
				p.history(apptest.HallStreet, apptest.QueueStreet, 16, 1)
				p.dayOf(apptest.HallStreet, apptest.QueueStreet, today-1, 16, 8)
				p.watch(1)
				one := p.found("AS", app.AnomalyFilter{})[0]
				if err := do(p, one.ID); err != nil {
					t.Fatal(err)
				}
				p.at(today+30, 9, 0)
				if moved, err := p.App.EscalateAnomalies(p.Context()); moved != 0 || err != nil {
					t.Errorf("%d moved up, %v", moved, err)
				}
				if one = p.found("AS", app.AnomalyFilter{})[0]; one.Level != 0 || !one.NextAt.IsZero() {
					t.Errorf("%+v", one.Anomaly)
				}
			})
		})
	}
}

func TestArt23_ADecisionThatIsOverdueIsAnAnomalyUntilItIsMade(t *testing.T) {
	alertOnBoth(t, func(p *pressed) {
		list, err := p.App.FileRequest(p.Context(), p.as("AV"), app.Asked{
			Targets: []app.Target{{Hall: apptest.HallVillage}}, Reason: "人多",
			Change: supply.Change{Kind: supply.Extend, From: today + 13, To: today + 14, Hours: calendar.HoursOf(17), PerHour: 3},
		})
		if err != nil {
			t.Fatal(err)
		}
		p.watch(0)
		p.at(today+2, 0, 30)
		p.watch(1)
		one := p.found("A1", app.AnomalyFilter{})[0]
		if one.Kind != oversight.AnomalyOverdue || one.Seen != 1 || one.Of != 1 || one.HallID != apptest.HallVillage {
			t.Fatalf("%+v", one)
		}
		p.watch(0)
		p.update(func(tx *store.Tx) error {
			r := list[0]
			now, err := tx.Request(p.Context(), r.ID)
			if err != nil {
				return err
			}
			now.State = supply.Refused
			_, err = tx.SaveRequest(p.Context(), now)
			return err
		})
		p.at(today+2, 9, 30)
		p.watch(0)
		if one = p.found("A1", app.AnomalyFilter{})[0]; one.EndedAt.IsZero() || !one.Open() {
			t.Errorf("decided, and it is not over: %+v", one)
		}
	})
}

// A night without the job makes it later, and no day is passed over.
func TestArt22_DaysMissedInAnOutageAreLookedAtLater(t *testing.T) {
	p := &pressed{desk: newDesk(t, apptest.Options{})}
	p.at(today, 12, 5)
	p.history(apptest.HallStreet, apptest.QueueStreet, 16, 1)
	p.dayOf(apptest.HallStreet, apptest.QueueStreet, today-1, 16, 1)
	p.watch(0)
	p.dayOf(apptest.HallStreet, apptest.QueueStreet, today, 16, 9)
	p.dayOf(apptest.HallStreet, apptest.QueueStreet, today+1, 16, 1)
	p.Clock.Set((today + 2).At(12, 5).Add(time.Second))
	p.watch(1)
	if one := p.found("AS", app.AnomalyFilter{})[0]; one.Date != today || one.EndedAt.IsZero() {
		t.Errorf("%+v", one)
	}
}

// A street's hall is asked for more than it has: it is advised what to ask for, and what became of that is kept.
func TestArt22_AdviceIsMadeFromTheForecastAndFollowedOrPutAside(t *testing.T) {
	alertOnBoth(t, func(p *pressed) {
		if v, err := p.App.Forecast(p.Context(), p.as("AS"), apptest.HallStreet); err != nil || len(v.Queues) != 1 || v.Queues[0].OK {
			t.Fatalf("without a past: %+v, %v", v, err)
		}
		p.history(apptest.HallStreet, apptest.QueueStreet, 3, 0)
		p.dayOf(apptest.HallStreet, apptest.QueueStreet, today-1, 3, 0)
		v, err := p.App.Forecast(p.Context(), p.as("AS"), apptest.HallStreet)
		if err != nil || !v.Queues[0].OK || len(v.Queues[0].Days) != 14 {
			t.Fatalf("%+v, %v", v, err)
		}
		if _, err := p.App.Forecast(p.Context(), p.as("B1"), apptest.HallStreet); fault.As(err).Code != fault.HallNotFound {
			t.Errorf("another district: %v", err)
		}
		for _, e := range v.Queues[0].Days[0].Hours {
			if e.Mid < 2.5 || e.Mid > 3.5 || e.Low > 3 || e.High < 3 {
				t.Errorf("three each hour, and tomorrow %+v", e)
			}
		}
		p.watch(0)
		cards, open, err := p.App.AdviceCards(p.Context(), p.as("AS"), "", true, 10)
		if err != nil || open == 0 || cards[0].More() < 5 || !cards[0].Asks || cards[0].Until != today+14 {
			t.Fatalf("advice: %+v, %v", cards, err)
		}
		if _, n, err := p.App.AdviceCards(p.Context(), p.as("B1"), "", true, 10); n != 0 || err != nil {
			t.Errorf("another district sees %d, %v", n, err)
		}
		first := cards[0]
		if err := p.App.DismissAdvice(p.Context(), p.as("B1"), first.ID, "x"); fault.As(err).Code != fault.AdviceNotFound {
			t.Errorf("put aside by another district: %v", err)
		}
		if err := p.App.DismissAdvice(p.Context(), p.as("P1"), first.ID, "x"); fault.As(err).Code != fault.NotAllowed {
			t.Errorf("put aside by who only decides: %v", err)
		}
		if err := p.App.DismissAdvice(p.Context(), p.as("AS"), first.ID, " "); fault.As(err).Code != fault.InvalidRequest {
			t.Errorf("put aside without a word: %v", err)
		}
		if err := p.App.DismissAdvice(p.Context(), p.as("AS"), first.ID, "场地有限"); err != nil {
			t.Fatal(err)
		}
		if err := p.App.DismissAdvice(p.Context(), p.as("AS"), first.ID, "x"); fault.As(err).Code != fault.AdviceOver {
			t.Errorf("put aside twice: %v", err)
		}
		followed := ""
		for _, c := range cards[1:] {
			list, err := p.App.FileRequest(p.Context(), p.as("AS"), app.Asked{Targets: []app.Target{{Hall: apptest.HallStreet, Queue: apptest.QueueStreet}}, Reason: "预测不足", Change: c.Changes[0]})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.App.FollowAdvice(p.Context(), p.as("AS"), c.ID, list[0].ID); err != nil {
				t.Fatal(err)
			}
			followed = c.ID
		}
		// The day after, nothing of it is advised again.
		p.dayOf(apptest.HallStreet, apptest.QueueStreet, today, 3, 0)
		p.at(today+1, 12, 5)
		p.watch(0)
		all, _, err := p.App.AdviceCards(p.Context(), p.as("AS"), apptest.HallStreet, false, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			switch {
			case c.ID == first.ID && (c.State != oversight.AdviceDismissed || c.Why != "场地有限"), c.ID == followed && (c.State != oversight.AdviceFollowed || c.About == nil):
				t.Errorf("%+v", c)
			case c.State == oversight.AdviceOpen && c.Kind == first.Kind:
				t.Errorf("advised again: %+v", c)
			}
		}
		if acts := p.Acts(t, "advice", first.ID); len(acts) != 1 || acts[0] != "advice.dismiss" {
			t.Errorf("the log says %v", acts)
		}
	})
}

// A connected system that is late, or silent while halls are open, is an anomaly of the hall it books for.
func TestArt5_AConnectedSystemThatIsLateOrSilentIsAnAnomaly(t *testing.T) {
	alertOnBoth(t, func(p *pressed) {
		id := p.connect("M1", "agency-social", agreed(apptest.HallCity), "")
		put := func(d calendar.Date, received, inTime int64, at time.Time) {
			p.update(func(tx *store.Tx) error {
				return tx.AddSourceCounts(p.Context(), []oversight.SourceDay{{
					SourceID: id, HallID: apptest.HallCity, Kind: oversight.BookingRecord, Date: d, Expected: 80, Received: received, InTime: inTime, LastAt: at,
				}})
			})
		}
		for d := today - 60; d < today-1; d++ {
			if p.App.Calendar().IsWorking(d) {
				put(d, 79, 77, d.At(17, 0))
			}
		}
		put(today-1, 79, 30, (today-1).At(17, 0))
		put(today, 40, 40, today.At(12, 0))
		p.watch(1)
		one := p.found("M1", app.AnomalyFilter{})[0]
		if one.Kind != oversight.AnomalyLateness || one.SourceID != id || one.Seen != 49 || one.Of != 79 || one.HallID != apptest.HallCity {
			t.Fatalf("%+v", one)
		}
		p.at(today, 13, 5)
		p.watch(0)
		p.at(today, 15, 5) // three hours without a record
		p.watch(1)
		if one = p.found("M1", app.AnomalyFilter{Kind: oversight.AnomalySilence})[0]; one.Seen != 40 || one.Of != 80 {
			t.Errorf("%+v", one)
		}
	})
}
