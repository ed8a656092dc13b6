package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// fed are the kinds of anomalies of connected systems.
var fed = []oversight.AnomalyKind{oversight.AnomalySilence, oversight.AnomalyLateness}

// feedAt is a connected system at a hall it books for.
type feedAt struct{ source, hall string }

// watchFeeds looks at what connected systems sent of the last settled day, against their own past at each hall, and at
// those that have been silent for longer than they may be.
func (a *App) watchFeeds(ctx context.Context, settled calendar.Date) (opened int, err error) {
	now, cal := a.now(), a.Calendar()
	today, hour := calendar.DateOf(now), now.In(calendar.Zone).Hour()
	opens := today.At(9, 0)
	var sources []oversight.Source
	var days []oversight.SourceDay
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if sources, err = tx.Sources(ctx, account.UnitScope{}); err != nil {
			return err
		}
		sources = slices.DeleteFunc(sources, func(s oversight.Source) bool { return s.Ended != 0 })
		ids := make([]string, len(sources))
		for i, s := range sources {
			ids[i] = s.ID
		}
		days, err = tx.SourceDays(ctx, ids, settled-watchedPast, settled+1)
		return err
	}); err != nil {
		return 0, err
	}
	feeds := map[feedAt]map[calendar.Date]oversight.Feed{}
	last := map[feedAt]time.Time{}
	for _, d := range days {
		k := feedAt{d.SourceID, d.HallID}
		if feeds[k] == nil {
			feeds[k] = map[calendar.Date]oversight.Feed{}
		}
		f := feeds[k][d.Date]
		f.Date, f.Kind = d.Date, oversight.KindOf(cal, d.Date)
		f.Expected, f.Received, f.InTime = f.Expected+d.Expected, f.Received+d.Received, f.InTime+d.InTime
		feeds[k][d.Date] = f
		if d.LastAt.After(last[k]) {
			last[k] = d.LastAt
		}
	}
	found := map[string][]oversight.Finding{}
	for _, s := range sources {
		for k, byDay := range feeds {
			if k.source != s.ID {
				continue
			}
			var past []oversight.Feed
			for d, f := range byDay {
				if d < settled {
					past = append(past, f)
				}
			}
			slices.SortFunc(past, func(x, y oversight.Feed) int { return cmp.Compare(x.Date, y.Date) })
			day, known := byDay[settled]
			list := []oversight.Finding(nil)
			if known {
				list = oversight.SpotFeed(s.ID, k.hall, day, past, a.Rules(settled).Watch)
			}
			since := last[k]
			if opens.After(since) { // nights are silent
				since = opens
			}
			quiet := s.Silence > 0 && cal.IsWorking(today) && hour >= watchFrom && hour < watchUntil-2 && now.Sub(since) > s.Silence
			if quiet && !slices.ContainsFunc(list, func(f oversight.Finding) bool { return f.Kind == oversight.AnomalySilence }) {
				day := byDay[today]
				missing := max(day.Expected-day.Received, 0)
				list = append(list, oversight.Finding{Kind: oversight.AnomalySilence, SourceID: s.ID, HallID: k.hall, Hour: -1, Date: today, Seen: missing, Of: day.Expected})
			}
			found[k.hall] = append(found[k.hall], list...)
		}
	}
	for hall, list := range found {
		n, err := a.enterFindings(ctx, hall, list, fed, settled, true)
		if err != nil {
			return opened, err
		}
		opened += n
	}
	return opened, nil
}
