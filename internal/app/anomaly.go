package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// Anomalies (Art. 22): every hall is looked at against its own past, the hours of today that are over once an hour and
// each whole day once it has settled. What is found is told once to everybody who supervises the hall, and stays until
// somebody closes it.

const (
	watchFrom    = 10     // the first hour of the day before which something is over
	watchUntil   = 19     // after it nothing new comes
	settleHour   = 1      // of the next day, from which a day has settled: no-shows are marked by then
	watchBack    = 3      // whole days that are looked at again after an outage, at most
	watchedPast  = 12 * 7 // days that tell what is usual
	anomalyBlock = "anomaly"
)

// WatchHalls looks at halls that are due, at most limit of them. It returns how many anomalies were opened and whether
// halls are left. It may run at any time and on several nodes at once.
func (a *App) WatchHalls(ctx context.Context, limit int) (opened int, more bool, err error) {
	now := a.now()
	today, hour := calendar.DateOf(now), now.In(calendar.Zone).Hour()
	var seen map[string]store.HallWatch
	if err := a.db.Read(ctx, func(tx *store.Tx) (err error) {
		seen, err = tx.HallWatches(ctx)
		return err
	}); err != nil {
		return 0, false, err
	}
	settled := today - 1
	if hour < settleHour {
		settled--
	}
	looked := 0
	for _, q := range a.watched() {
		w := seen[q]
		partial := hour >= watchFrom && hour <= watchUntil && (w.Date != today || w.Hour < hour)
		if w.Settled >= settled && !partial {
			continue
		}
		if looked == limit {
			return opened, true, nil
		}
		looked++
		n, err := a.watchHall(ctx, q, w, settled, today, hour, partial)
		if err != nil {
			return opened, false, fmt.Errorf("hall %s: %w", q, err)
		}
		opened += n
	}
	n, err := a.watchDecisions(ctx)
	if opened += n; err != nil {
		return opened, false, err
	}
	// Connected systems are no hall: where they were looked at up to stands without one.
	if w := seen[""]; w.Date == today && w.Hour >= hour {
		return opened, false, nil
	}
	if n, err = a.watchFeeds(ctx, settled); err != nil {
		return opened + n, false, err
	}
	return opened + n, false, a.db.Update(ctx, func(tx *store.Tx) error {
		return tx.SaveHallWatch(ctx, store.HallWatch{Date: today, Hour: hour, Settled: settled})
	})
}

// watched are the halls that are looked at: those with a queue, in the order of their ids.
func (a *App) watched() (out []string) {
	city := a.City()
	for _, q := range city.sortedQueues() {
		if h := city.Hall(q.HallID); h != nil && h.Open {
			out = append(out, q.HallID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// past is what a hall's days were like, oldest first.
type past struct {
	traces []oversight.Trace
	hands  map[calendar.Date]oversight.Hands
}

func (p past) before(d calendar.Date) (out []oversight.Trace) {
	for _, t := range p.traces {
		if t.Date < d && t.Date >= d-watchedPast {
			out = append(out, t)
		}
	}
	return out
}

func (p past) on(d calendar.Date) (oversight.Trace, bool) {
	i := slices.IndexFunc(p.traces, func(t oversight.Trace) bool { return t.Date == d })
	if i < 0 {
		return oversight.Trace{}, false
	}
	return p.traces[i], true
}

func (a *App) watchHall(ctx context.Context, hall string, w store.HallWatch, settled, today calendar.Date, hour int, partial bool) (opened int, err error) {
	first := max(w.Settled+1, settled-watchBack+1)
	if w.Settled == 0 {
		first = settled
	}
	days := []calendar.Date{}
	for d := first; d <= settled; d++ {
		days = append(days, d)
	}
	if partial {
		days = append(days, today)
	}
	var p past
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		p, err = a.pastOf(ctx, tx, hall, days)
		return err
	}); err != nil {
		return 0, err
	}
	for _, d := range days {
		t, known := p.on(d)
		if !known {
			continue
		}
		through := 24
		if d == today {
			through = hour
		}
		found := oversight.Spot(hall, t, through, p.before(d), a.Rules(d).Watch)
		n, err := a.enterFindings(ctx, hall, found, spotted, d, d < today)
		if err != nil {
			return opened, err
		}
		opened += n
	}
	if len(days) > 0 && days[0] <= settled {
		if err := a.adviseHall(ctx, hall); err != nil {
			return opened, err
		}
	}
	return opened, a.db.Update(ctx, func(tx *store.Tx) error {
		for _, d := range days {
			if h, known := p.hands[d]; known && d <= settled {
				if err := tx.SaveHands(ctx, hall, d, h); err != nil {
					return err
				}
			}
		}
		next := store.HallWatch{HallID: hall, Date: w.Date, Hour: w.Hour, Settled: max(w.Settled, settled)}
		if partial {
			next.Date, next.Hour = today, hour
		}
		if next.Date == 0 {
			next.Date = today
		}
		return tx.SaveHallWatch(ctx, next)
	})
}

// pastOf reads the days of a hall up to the last of those asked for, with in whose hands these were.
func (a *App) pastOf(ctx context.Context, tx *store.Tx, hall string, days []calendar.Date) (p past, err error) {
	if len(days) == 0 {
		return p, nil
	}
	from, to := days[0]-watchedPast, days[len(days)-1]
	rows, err := tx.Figures(ctx, oversight.OfHall, []string{hall}, oversight.SpanDay, from.String(), to.String())
	if err != nil {
		return p, err
	}
	if p.hands, err = tx.HandsOf(ctx, hall, from, to); err != nil {
		return p, err
	}
	today, err := a.handsBetween(ctx, tx, hall, days[0], to)
	if err != nil {
		return p, err
	}
	for _, d := range days {
		p.hands[d] = today[d]
	}
	cal := a.Calendar()
	for _, r := range rows {
		d, err := calendar.ParseDate(r.Period)
		if err != nil {
			return p, err
		}
		t := oversight.TraceOf(d, oversight.KindOf(cal, d), r.Figures)
		t.Hands, t.Known = p.hands[d], false
		_, t.Known = p.hands[d]
		p.traces = append(p.traces, t)
	}
	slices.SortFunc(p.traces, func(x, y oversight.Trace) int { return int(x.Date - y.Date) })
	return p, nil
}

// handsBetween counts in whose hands the numbers of a hall's days are, both dates inside, from the bookings.
func (a *App) handsBetween(ctx context.Context, tx *store.Tx, hall string, from, to calendar.Date) (map[calendar.Date]oversight.Hands, error) {
	held, err := tx.HeldBetween(ctx, hall, from, to)
	if err != nil {
		return nil, err
	}
	out := map[calendar.Date]oversight.Hands{}
	within := func(d calendar.Date) time.Duration { // nobody can take it before it has opened
		r := a.Rules(d)
		return r.ReopenAfterMax + r.Watch.RegrabWithin
	}
	for first := from; first <= to; {
		last := first
		for last < to && within(last+1) == within(first) {
			last++
		}
		over, err := tx.Handovers(ctx, hall, first, last, within(first))
		if err != nil {
			return nil, err
		}
		for ; first <= last; first++ {
			out[first] = oversight.HandsOf(held[first].Each, held[first].Given, over[first], a.Rules(first).GroupMost)
		}
	}
	return out, nil
}

// Kinds of anomalies by who looks for them: a look ends only what it could have seen.
var (
	spotted = []oversight.AnomalyKind{
		oversight.AnomalySaturation, oversight.AnomalyUnused, oversight.AnomalyNoShows, oversight.AnomalyCancellations, oversight.AnomalyCut,
		oversight.AnomalyConcentration, oversight.AnomalyRegrab,
	}
	decided = []oversight.AnomalyKind{oversight.AnomalyOverdue}
)

// watchDecisions looks at every hall with requests that wait longer than Art. 23 allows, or had them.
func (a *App) watchDecisions(ctx context.Context) (opened int, err error) {
	now := a.now()
	today, cal := calendar.DateOf(now), a.Calendar()
	var late, waiting map[string]int
	var halls []string
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		late, waiting, err = tx.LateRequests(ctx, func(filed time.Time) bool {
			return now.After(supply.DecideBy(cal, a.Rules(calendar.DateOf(filed)), filed))
		})
		if err != nil {
			return err
		}
		list, _, err := tx.Anomalies(ctx, store.AnomalyQuery{Kind: oversight.AnomalyOverdue, Open: true, Limit: 10_000})
		halls = halls[:0]
		for _, one := range list {
			halls = append(halls, one.HallID)
		}
		return err
	}); err != nil {
		return 0, err
	}
	for h := range late {
		halls = append(halls, h)
	}
	slices.Sort(halls)
	for _, h := range slices.Compact(halls) {
		var found []oversight.Finding
		if f, is := oversight.Overdue(h, late[h], waiting[h], today); is {
			found = append(found, f)
		}
		n, err := a.enterFindings(ctx, h, found, decided, today+1, true)
		if err != nil {
			return opened, err
		}
		opened += n
	}
	return opened, nil
}

// enterFindings brings the anomalies of a hall to what a look at day d found: opens, reopens and brings up to date, and
// ends those of the kinds looked for that a whole later day did not show. It returns how many were opened, or opened
// again.
func (a *App) enterFindings(ctx context.Context, hall string, found []oversight.Finding, kinds []oversight.AnomalyKind, d calendar.Date, whole bool) (opened int, err error) {
	var last []oversight.Anomaly
	if err := a.db.Read(ctx, func(tx *store.Tx) (err error) {
		last, err = tx.LastAnomalies(ctx, hall)
		return err
	}); err != nil {
		return 0, err
	}
	for _, f := range found {
		i := slices.IndexFunc(last, func(one oversight.Anomaly) bool { return one.Same(f) })
		if i >= 0 && last[i].Open() && last[i].Again(f, a.now()) == last[i] {
			continue
		}
		new, err := a.enterFinding(ctx, f)
		if err != nil {
			return opened, err
		}
		if new {
			opened++
		}
	}
	for _, one := range last {
		stays := !one.Open() || !one.EndedAt.IsZero() || !slices.Contains(kinds, one.Kind) || !whole || one.Date >= d ||
			slices.ContainsFunc(found, one.Same)
		if stays {
			continue
		}
		if err := a.db.Update(ctx, func(tx *store.Tx) error {
			next := one.Quiet(tx.Now)
			if saved, err := tx.SaveAnomaly(ctx, next, one.Version); err != nil || !saved {
				return err
			}
			return tx.Audit(ctx, anomalyRecord("anomaly.end", next))
		}); err != nil {
			return opened, err
		}
	}
	return opened, nil
}

// enterFinding keeps one finding: it opens an anomaly, opens one again that came back, or brings the one that stands up to
// date. Whoever supervises the hall is told of the first two.
func (a *App) enterFinding(ctx context.Context, f oversight.Finding) (opened bool, err error) {
	place, known := a.City().Place(f.HallID)
	if !known {
		return false, nil
	}
	var one oversight.Anomaly
	var levels []store.Account
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		opened, levels = false, nil
		last, err := tx.LastAnomalies(ctx, f.HallID)
		if err != nil {
			return err
		}
		act, saved := "", false
		i := slices.IndexFunc(last, func(l oversight.Anomaly) bool { return l.Same(f) })
		switch {
		case i >= 0 && last[i].Open():
			if one = last[i].Again(f, tx.Now); one == last[i] {
				return nil
			}
			_, err = tx.SaveAnomaly(ctx, one, last[i].Version)
			return err // only its figures
		case i >= 0 && last[i].Reopens(f, a.Rules(f.Date).Watch.ReopenDays):
			one, act = last[i].Reopen(f, tx.Now, a.Calendar(), a.takeUpDays(tx)), "anomaly.reopen"
			saved, err = tx.SaveAnomaly(ctx, one, last[i].Version)
		case i >= 0 && last[i].Date >= f.Date:
			return nil // closed by somebody who has seen it
		default:
			act = "anomaly.open"
			if one, err = a.newAnomaly(ctx, tx, f, place); err == nil {
				saved, err = tx.AddAnomaly(ctx, one)
			}
		}
		if err != nil || !saved {
			return err
		}
		opened = true
		if levels, err = supervisors(ctx, tx, place); err != nil {
			return err
		}
		return tx.Audit(ctx, anomalyRecord(act, one))
	})
	if err == nil && opened {
		a.tellAnomaly(ctx, levels, "anomaly_"+string(one.Kind), one)
	}
	return opened, err
}

func (a *App) newAnomaly(ctx context.Context, tx *store.Tx, f oversight.Finding, place account.Place) (one oversight.Anomaly, err error) {
	year := calendar.DateOf(tx.Now).Year()
	n, err := tx.NextBlock(ctx, fmt.Sprintf("%s %d", anomalyBlock, year), 1)
	if err != nil {
		return one, err
	}
	all, err := supervisors(ctx, tx, place)
	if err != nil {
		return one, err
	}
	actBy := account.Platform1
	if levels := deciding(all, place); len(levels) > 0 {
		actBy = levels[0][0].Rank
	}
	return oversight.NewAnomaly(fmt.Sprintf("N%d-%06d", year, n), f, actBy, tx.Now, a.Calendar(), a.takeUpDays(tx)), nil
}

func (a *App) takeUpDays(tx *store.Tx) int { return a.Rules(calendar.DateOf(tx.Now)).Watch.TakeUpDays }

// EscalateAnomalies tells the next level of anomalies that nobody has taken up, level after level to the city's first
// (Art. 22). It returns how many moved up; it may run at any time and on several nodes at once.
func (a *App) EscalateAnomalies(ctx context.Context) (moved int, err error) {
	var due []oversight.Anomaly
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.AnomaliesUntaken(ctx, tx.Now, 200)
		return err
	}); err != nil {
		return 0, err
	}
	for _, one := range due {
		up, err := a.escalateAnomaly(ctx, one.ID)
		if err != nil {
			return moved, err
		}
		if up {
			moved++
		}
	}
	return moved, nil
}

func (a *App) escalateAnomaly(ctx context.Context, id string) (moved bool, err error) {
	var next oversight.Anomaly
	var tell []store.Account
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		tell = nil
		one, err := tx.Anomaly(ctx, id)
		if err != nil || one == nil || !one.Untaken(tx.Now) {
			return err
		}
		var levels [][]store.Account
		if place, known := a.City().Place(one.HallID); known {
			all, err := supervisors(ctx, tx, place)
			if err != nil {
				return err
			}
			at := slices.Index(alertLevels, one.Holder())
			levels = slices.DeleteFunc(deciding(all, place), func(l []store.Account) bool { return slices.Index(alertLevels, l[0].Rank) <= at })
		}
		var above []account.Rank
		for _, l := range levels {
			above = append(above, l[0].Rank)
		}
		up := false
		if next, up = one.Escalate(above, tx.Now, a.Calendar(), a.takeUpDays(tx)); up {
			tell = levels[0]
		}
		saved, err := tx.SaveAnomaly(ctx, next, one.Version)
		if err != nil || !saved {
			tell = nil
			return err
		}
		if !up {
			return nil
		}
		rec := anomalyRecord("anomaly.escalate", next)
		rec.Before = asJSON(map[string]any{"up_to": one.Holder(), "level": one.Level})
		return tx.Audit(ctx, rec)
	})
	if err != nil || len(tell) == 0 {
		return false, err
	}
	a.tellAnomaly(ctx, tell, "anomaly_untaken", next)
	return true, nil
}

// anomalyRecord is the audit of what became of an anomaly by itself.
func anomalyRecord(act string, one oversight.Anomaly) store.AuditRecord {
	return store.AuditRecord{Act: act, Noun: "anomaly", Key: one.ID, Hall: one.HallID, After: asJSON(map[string]any{
		"kind": one.Kind, "queue": one.QueueID, "date": one.Date.String(), "seen": one.Seen, "of": one.Of, "low": one.Low, "high": one.High,
		"stage": one.Stage(), "level": one.Level, "up_to": one.UpTo, "request": one.Request, "reason": one.Reason,
	})}
}

// tellAnomaly sends a message of a kind to administrators. One that fails is logged and no more: the anomaly is on their first
// page.
func (a *App) tellAnomaly(ctx context.Context, list []store.Account, kind string, one oversight.Anomaly) {
	if a.texts == nil {
		return
	}
	hall := one.HallID
	if h := a.City().Hall(one.HallID); h != nil {
		hall = h.Name.Hans
	}
	for i := range list {
		p, err := a.person(&list[i])
		if err == nil && p.Mobile != "" {
			err = a.notify(ctx, p.Mobile, kind, map[string]string{"hall": hall, "alert": one.ID, "date": one.Date.String()})
		}
		if err != nil {
			a.log.Warn("an anomaly could not be told", "anomaly", one.ID, "account", list[i].ID, "error", err)
		}
	}
}
