package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/domain/waitlist"
	"suiyue/internal/store"
)

// The alert of Art. 16: where more people wait than numbers are released for the window of a queue, every level
// that supervises its hall is told, once, and level after level reminded until somebody acknowledges it.

// released is how many off-site numbers of the queue are released now and can still be had by the rules, sold
// or not.
func (a *App) released(queue string, now time.Time) (n int) {
	today := calendar.DateOf(now)
	for _, s := range a.board.slotsOf(queue, today, today+400) {
		if !s.Closed && !now.Before(s.Release) && now.Before(booking.OffSiteUntil(s, a.Rules(s.Date))) {
			n += s.Capacity
		}
	}
	return n
}

// CheckAlerts looks at every queue somebody waits at: it opens alerts, brings those that stand up to date, reminds
// the next level, and ends those of which it is no longer so. It may run at any time and on several nodes at
// once. It returns how many were opened.
func (a *App) CheckAlerts(ctx context.Context) (opened int, err error) {
	now := a.now()
	var waiting map[booking.WaitLine]int
	var open []waitlist.Alert
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if waiting, err = tx.WaitingUnits(ctx); err != nil {
			return err
		}
		open, err = tx.OpenAlerts(ctx)
		return err
	}); err != nil {
		return 0, err
	}
	for _, one := range open {
		line := booking.WaitLine{HallID: one.HallID, QueueID: one.QueueID}
		n := waiting[line]
		delete(waiting, line)
		if err := a.seeAlert(ctx, one, n, a.released(one.QueueID, now)); err != nil {
			return opened, err
		}
	}
	for line, n := range waiting {
		did, err := a.alert(ctx, line, n)
		if err != nil {
			return opened, err
		}
		if did {
			opened++
		}
	}
	return opened, nil
}

// checkLines opens alerts at once where somebody has just joined. A failure is left to the next look.
func (a *App) checkLines(ctx context.Context, lines []booking.WaitLine) {
	for _, l := range lines {
		n := 0
		err := a.db.View(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.WaitingUnitsIn(ctx, l)
			return err
		})
		if err == nil {
			_, err = a.alert(ctx, l, n)
		}
		if err != nil {
			a.log.Warn("a line could not be looked at", "queue", l.QueueID, "error", err)
		}
	}
}

// alert opens the alert of a queue if it is pressed and has none yet, and tells every level.
func (a *App) alert(ctx context.Context, l booking.WaitLine, waiting int) (opened bool, err error) {
	released := a.released(l.QueueID, a.now())
	place, known := a.City().Place(l.HallID)
	if !known || !waitlist.Pressed(waiting, released) {
		return false, nil
	}
	var one waitlist.Alert
	var levels []store.Account
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		year := calendar.DateOf(tx.Now).Year()
		n, err := tx.NextBlock(ctx, fmt.Sprintf("alert %d", year), 1)
		if err != nil {
			return err
		}
		one = waitlist.NewAlert(fmt.Sprintf("A%d-%06d", year, n), l.HallID, l.QueueID, waiting, released, tx.Now)
		if opened, err = tx.AddAlert(ctx, one); err != nil || !opened {
			return err
		}
		if levels, err = supervisors(ctx, tx, place); err != nil {
			return err
		}
		return tx.Audit(ctx, alertRecord("alert.open", one))
	})
	if err == nil && opened {
		a.tellLevels(ctx, levels, "wait_alert", one)
	}
	return opened, err
}

// alertRecord is the audit of what became of an alert by itself.
func alertRecord(act string, one waitlist.Alert) store.AuditRecord {
	return store.AuditRecord{Act: act, Noun: "alert", Key: one.ID, Hall: one.HallID,
		After: mustJSON(map[string]any{"queue": one.QueueID, "waiting": one.Waiting, "released": one.Released, "level": one.Level})}
}

// supervisors returns the open accounts of every level that supervises a hall.
func supervisors(ctx context.Context, tx *store.Tx, p account.Place) ([]store.Account, error) {
	list, err := tx.AccountsAt(ctx, append([]string{p.Unit}, p.Above...))
	return slices.DeleteFunc(list, func(one store.Account) bool { return !one.May(account.Supervise, p) }), err
}

// alertLevels are the ranks that decide for halls, nearest first: in that order they are reminded.
var alertLevels = []account.Rank{account.District2, account.Municipal1, account.District1, account.Platform1}

// deciding sorts out who of the supervisors decides for the hall, by level; levels nobody holds are left out.
func deciding(all []store.Account, p account.Place) (levels [][]store.Account) {
	for _, rank := range alertLevels {
		list := slices.DeleteFunc(slices.Clone(all), func(one store.Account) bool { return one.Rank != rank || !one.May(account.Decide, p) })
		if len(list) > 0 {
			levels = append(levels, list)
		}
	}
	return levels
}

// seeAlert brings an alert up to date.
func (a *App) seeAlert(ctx context.Context, one waitlist.Alert, waiting, released int) error {
	now := a.now()
	if next := one.See(waiting, released, now); next == one && !next.Due(now) {
		return nil
	}
	place, _ := a.City().Place(one.HallID)
	var reminded []store.Account
	after := one
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		reminded = nil
		next := one.See(waiting, released, tx.Now)
		act := "alert.end"
		if next.Due(tx.Now) {
			all, err := supervisors(ctx, tx, place)
			if err != nil {
				return err
			}
			levels := deciding(all, place)
			if next.Level < len(levels) {
				reminded = levels[next.Level]
			}
			next, act = next.Remind(len(levels), tx.Now), "alert.escalate"
		}
		saved, err := tx.SaveAlert(ctx, next, one.Version)
		if err != nil || !saved {
			reminded = nil
			return err
		}
		after = next
		if next.Open() && act == "alert.end" {
			return nil // only its figures
		}
		return tx.Audit(ctx, alertRecord(act, next))
	})
	if err == nil && len(reminded) > 0 {
		a.tellLevels(ctx, reminded, "wait_alert_again", after)
	}
	return err
}

// tellLevels sends a message to administrators. One that fails is logged and no more: the alert is on their first
// page.
func (a *App) tellLevels(ctx context.Context, list []store.Account, kind string, one waitlist.Alert) {
	if a.texts == nil {
		return
	}
	hall, queue := "", ""
	if h := a.City().Hall(one.HallID); h != nil {
		hall = h.Name.Hans
	}
	if q := a.City().Queue(one.QueueID); q != nil {
		queue = q.Name.Hans
	}
	for i := range list {
		p, err := a.person(&list[i])
		if err == nil && p.Mobile != "" {
			err = a.notify(ctx, p.Mobile, kind, map[string]string{
				"hall": hall, "queue": queue, "waiting": strconv.Itoa(one.Waiting), "released": strconv.Itoa(one.Released), "alert": one.ID,
			})
		}
		if err != nil {
			a.log.Warn("an alert could not be sent", "alert", one.ID, "account", list[i].ID, "error", err)
		}
	}
}

// WaitAlert is an alert of a waiting line (Art. 16), as it is kept.
type WaitAlert = waitlist.Alert

// AlertView is an alert as an administrator sees it.
type AlertView struct {
	waitlist.Alert
	Hall     *directory.Hall
	Queue    *directory.Queue
	Online   int       // who left the line for the online way since it stands
	Measures []Measure // ready to be filed; none once it is over
	Needed   int       // numbers more a day that would clear the line in the days of the window; 0 where it has none
	Days     int       // open days of the window
	Tells    bool      // somebody waits for an item that can be done online
	Takes    bool      // who looks may acknowledge it now
	Asks     bool      // who looks may file requests and tell those who wait
}

// Measure is a request that answers an alert, ready to be filed, and what it would do.
type Measure struct {
	Change  supply.Change
	Outlook waitlist.Outlook
}

// WaitAlerts returns the alerts of the halls the administrator may supervise: those that stand, or all of them with
// those that are over behind.
func (a *App) WaitAlerts(ctx context.Context, ad *Admin, standing bool, offset, limit int) (out []AlertView, all int, err error) {
	var list []waitlist.Alert
	online := map[string]int{}
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		clear(online)
		if list, all, err = tx.Alerts(ctx, store.AlertQuery{Scope: a.Scope(ad, account.Supervise), Standing: standing, Offset: max(offset, 0), Limit: min(max(limit, 1), 200)}); err != nil {
			return err
		}
		for _, one := range list {
			if online[one.ID], err = tx.WentOnline(ctx, booking.WaitLine{HallID: one.HallID, QueueID: one.QueueID}, one.Since); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return nil, 0, err
	}
	for _, one := range list {
		v, err := a.alertView(ctx, ad, one)
		if err != nil {
			return nil, 0, err
		}
		v.Online = online[one.ID]
		out = append(out, v)
	}
	return out, all, nil
}

// CountWaitAlerts and WalkWaitAlerts read the alerts of the halls the administrator may supervise from the newest on, a
// piece at a time and without what answers them: those that stand, or all.
func (a *App) CountWaitAlerts(ctx context.Context, ad *Admin, standing bool) (all int, err error) {
	err = a.db.Read(ctx, func(tx *store.Tx) error {
		_, all, err = tx.Alerts(ctx, store.AlertQuery{Scope: a.Scope(ad, account.Supervise), Standing: standing, Limit: 1})
		return err
	})
	return all, err
}

func (a *App) WalkWaitAlerts(ctx context.Context, ad *Admin, standing bool, w *Walk) (list []WaitAlert, err error) {
	err = a.db.Read(ctx, func(tx *store.Tx) error {
		list, _, err = tx.Alerts(ctx, store.AlertQuery{Scope: a.Scope(ad, account.Supervise), Standing: standing, Walk: w})
		return err
	})
	return list, err
}

// WaitAlert returns one alert of a hall the administrator may supervise.
func (a *App) WaitAlert(ctx context.Context, ad *Admin, id string) (v AlertView, err error) {
	one, err := a.theAlert(ctx, ad, id)
	if err != nil {
		return v, err
	}
	if v, err = a.alertView(ctx, ad, *one); err != nil {
		return v, err
	}
	return v, a.db.View(ctx, func(tx *store.Tx) (err error) {
		v.Online, err = tx.WentOnline(ctx, booking.WaitLine{HallID: one.HallID, QueueID: one.QueueID}, one.Since)
		return err
	})
}

func (a *App) theAlert(ctx context.Context, ad *Admin, id string) (one *waitlist.Alert, err error) {
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		one, err = tx.Alert(ctx, id)
		return err
	}); err != nil {
		return nil, err
	}
	if one == nil || !a.May(ad, account.Supervise, one.HallID) {
		return nil, fault.New(fault.AlertNotFound)
	}
	return one, nil
}

func (a *App) alertView(ctx context.Context, ad *Admin, one waitlist.Alert) (AlertView, error) {
	v := AlertView{
		Alert: one, Hall: a.City().Hall(one.HallID), Queue: a.City().Queue(one.QueueID),
		Takes: one.Open() && !one.Acknowledged() && a.May(ad, account.Decide, one.HallID), Asks: one.Open() && a.May(ad, account.Adjust, one.HallID),
	}
	if !one.Open() || v.Queue == nil {
		return v, nil
	}
	v.Tells = slices.ContainsFunc(a.City().OffersAt(one.HallID), func(o *directory.Offering) bool {
		item := a.City().Item(o.ItemCode)
		return o.QueueID == one.QueueID && item != nil && item.OnlineURL != ""
	})
	return v, a.db.View(ctx, func(tx *store.Tx) (err error) {
		v.Measures, v.Days, err = a.measures(ctx, tx, *v.Queue, one.Waiting)
		v.Needed = waitlist.Needed(one.Waiting, v.Days)
		return err
	})
}

// extended is how many hours after the last one of the day a measure opens.
const extended = 2

// measures makes the two requests of Art. 16 for a queue: extended hours, and a weekend opening. Both give an hour
// as many numbers as the busiest one has, which its counters are known to bear. days are the open days of the
// window.
func (a *App) measures(ctx context.Context, tx *store.Tx, q directory.Queue, waiting int) (out []Measure, days int, err error) {
	r, today := a.rules.Load(), calendar.DateOf(tx.Now)
	changes, err := tx.Adjustments(ctx, q.HallID, today)
	if err != nil {
		return nil, 0, err
	}
	last := r.planned(q, today) - slotsAhead
	var hours calendar.Hours
	per := 0
	plan := func(d calendar.Date, more ...supply.Change) []booking.Slot {
		return supply.SlotsFor(r.cal, r.shelf.On(d), q, d, append(slices.Clone(changes[q.ID]), more...)...)
	}
	sum := func(list []booking.Slot) (n int) {
		for _, s := range list {
			n += s.Capacity
		}
		return n
	}
	for d := today + 1; d <= last; d++ {
		list := plan(d)
		if len(list) > 0 {
			days++
		}
		for _, s := range list {
			hours |= calendar.HoursOf(s.Hour)
			per = max(per, s.Capacity+s.OnSite)
		}
	}
	if hours == 0 {
		return nil, 0, nil
	}
	list := hours.List()
	var late calendar.Hours
	for i := 1; i <= extended; i++ {
		if h := list[len(list)-1] + i; h < 24 {
			late |= calendar.HoursOf(h)
		}
	}
	for _, c := range []supply.Change{
		{Kind: supply.Extend, From: today + 1, To: last, Hours: late, PerHour: per},
		{Kind: supply.Weekend, From: today + 1, To: last, Hours: hours, PerHour: per, Weekdays: []time.Weekday{time.Saturday, time.Sunday}},
	} {
		var added []waitlist.Added
		for d := c.From; d <= c.To; d++ {
			added = append(added, waitlist.Added{Date: d, Places: sum(plan(d, c)) - sum(plan(d))})
		}
		if o := waitlist.Clears(waiting, added); o.Total > 0 && c.Hours != 0 {
			out = append(out, Measure{c, o})
		}
	}
	return out, days, nil
}

// AcknowledgeAlert says that an account has taken an alert up: nobody else is reminded. It is for who decides for
// the hall. Whoever was first stays.
func (a *App) AcknowledgeAlert(ctx context.Context, ad *Admin, id string) error {
	return a.onAlert(ctx, ad, id, account.Decide, "alert.acknowledge", func(_ *store.Tx, one waitlist.Alert, now time.Time) (waitlist.Alert, error) {
		if !one.Open() {
			return one, fault.New(fault.AlertOver)
		}
		return one.Acknowledge(ad.Account.ID, now), nil
	})
}

// TellWaiting sends those who wait at the queue of an alert, for an item that can be done online, a message with
// that way, once an alert. It is for who files requests at the hall.
func (a *App) TellWaiting(ctx context.Context, ad *Admin, id string) error {
	return a.onAlert(ctx, ad, id, account.Adjust, "alert.tell", func(tx *store.Tx, one waitlist.Alert, now time.Time) (waitlist.Alert, error) {
		switch {
		case !one.Open():
			return one, fault.New(fault.AlertOver)
		case !one.ToldAt.IsZero():
			return one, nil
		}
		list, err := tx.WaitsIn(ctx, booking.WaitLine{HallID: one.HallID, QueueID: one.QueueID}, linesLong)
		if err != nil {
			return one, err
		}
		var tell []booking.Message
		for _, e := range list {
			if item := a.City().Item(e.Item); item != nil && item.OnlineURL != "" {
				tell = append(tell, booking.Message{Booking: e.ID, HallID: one.HallID, Version: e.Version, Kind: booking.MessageWaitOnline, Due: now})
			}
		}
		if len(tell) == 0 {
			return one, fault.New(fault.NoOnlineWay)
		}
		one.ToldAt = now
		one.Version++
		return one, tx.InsertReminders(ctx, tell)
	})
}

// onAlert does what an administrator does about an alert.
func (a *App) onAlert(ctx context.Context, ad *Admin, id string, act account.Action, name string, do func(*store.Tx, waitlist.Alert, time.Time) (waitlist.Alert, error)) error {
	seen, err := a.theAlert(ctx, ad, id)
	if err != nil {
		return err
	}
	if err := a.Allow(ad, act, seen.HallID); err != nil {
		return err
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		one, err := tx.Alert(ctx, id)
		if err != nil || one == nil {
			return orElse(err, fault.New(fault.AlertNotFound))
		}
		next, err := do(tx, *one, tx.Now)
		if err != nil || next == *one {
			return err
		}
		saved, err := tx.SaveAlert(ctx, next, one.Version)
		if err != nil || !saved {
			return orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		rec := alertRecord(name, next)
		rec.Account, rec.Rank, rec.From = ad.Account.ID, string(ad.Account.Rank), ad.Origin
		return tx.Audit(ctx, rec)
	})
}
