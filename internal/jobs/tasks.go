package jobs

import (
	"context"
	"log/slog"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
)

// remindFrom is the hour from which the reminders of tomorrow's bookings are written (Art. 13).
const remindFrom = 10

// figuresAtOnce is as many days of halls as one run counts.
const figuresAtOnce = 4096

// lapseAtOnce is as many kept hours as one group of a lane gives back.
const lapseAtOnce = 512

// watchAtOnce is at how many halls one look is.
const watchAtOnce = 40

// The hours in which people are forgotten: nobody books then.
const (
	forgetFrom  = 1
	forgetUntil = 5
)

// Tasks lists what happens by itself. horizon, if not nil, is told at each look whether the window
// reaches a year without an official holiday notice.
func Tasks(a *app.App, mail *Mail, hooks *Webhooks, log *slog.Logger, horizon func(alert bool)) []Task {
	return []Task{
		{Name: "prepare slots", Every: time.Hour, Lease: 10 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			began := a.Now()
			n, err := a.Prepare(ctx, nil)
			if n > 0 {
				log.Info("slots prepared", "new", n, "took", a.Now().Sub(began))
			}
			return false, err
		}},
		// Slots that another node prepared, calendar and rules, days gone by. Changes of the directory come
		// at once (FollowDirectory).
		{Name: "read city", Every: 30 * time.Minute, Later: true, Limit: 5 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			return false, a.Reload(ctx)
		}},
		// 800 a second at most, 100 while people rush: their bookings must not wait for the messages of those before them.
		{Name: "send messages", Every: time.Second, Again: 125 * time.Millisecond, Limit: 2 * time.Minute, Run: mail.Send},
		// What bookings want of departments' own systems, until both sides know the same. Every node: what one looks at the others leave alone.
		{Name: "ask departments", Every: time.Second, Again: 50 * time.Millisecond, Limit: 2 * time.Minute, Run: a.AskDepartments},
		{Name: "ask carriers", Every: 10 * time.Second, Again: time.Second, Limit: 2 * time.Minute, Run: mail.AskCarriers},
		{Name: "write reminders", Every: 10 * time.Minute, Lease: 5 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			if a.Now().In(calendar.Zone).Hour() < remindFrom {
				return false, nil
			}
			n, err := a.Remind(ctx)
			if n > 0 {
				log.Info("reminders written", "new", n)
			}
			return false, err
		}},
		// Art. 23: nothing is approved by silence; what is overdue moves up a level. A hall that does not report
		// on a suggestion in time is entered, and reports nevertheless.
		{Name: "escalate requests", Every: time.Minute, Lease: 5 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			n, err := a.EscalateRequests(ctx)
			if n > 0 {
				log.Warn("overdue requests moved up a level", "requests", n)
			}
			if err != nil {
				return false, err
			}
			if n, err = a.EnterLateReports(ctx); n > 0 {
				log.Warn("late reports entered in the ledger", "suggestions", n)
			}
			return false, err
		}},
		// Art. 21 to 23: bulletins of the time that is over, letters nobody answers, data that came late.
		{Name: "draft bulletins", Every: 5 * time.Minute, Lease: 10 * time.Minute, Limit: 10 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			n, err := a.DraftBulletins(ctx)
			if n > 0 {
				log.Info("bulletins drafted", "bulletins", n)
			}
			return false, err
		}},
		{Name: "follow letters", Every: time.Minute, Lease: 5 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			n, err := a.EscalateLetters(ctx)
			if n > 0 {
				log.Warn("overdue notice letters told of", "letters", n)
			}
			if err != nil {
				return false, err
			}
			if n, err = a.EnterLateData(ctx); n > 0 {
				log.Warn("late data entered in the ledger", "sources", n)
			}
			return false, err
		}},
		// What connected systems ask for, at most a second after it happened.
		{Name: "number events", Every: time.Second, Again: 50 * time.Millisecond, Run: a.NumberEvents},
		// What is posted to them, half a second later. No lease: each address is taken by one node at a time.
		{Name: "post events", Every: 500 * time.Millisecond, Limit: 30 * time.Minute, Run: hooks.Send},
		{Name: "forget feeds", Every: 10 * time.Minute, Again: time.Second, Lease: 5 * time.Minute, Run: a.ForgetFeeds},
		// Art. 5: who is booked in two systems at once, until they are in one only.
		{Name: "follow conflicts of feeds", Every: time.Minute, Again: time.Second, Lease: 5 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			n, more, err := a.FollowFeedConflicts(ctx)
			if n > 0 {
				log.Info("conflicts between systems ended", "bookings", n)
			}
			return more, err
		}},
		// Art. 16: looked at as often as people join and places come; joining looks at once.
		{Name: "look at waiting lines", Every: 20 * time.Second, Lease: time.Minute, Run: func(ctx context.Context) (bool, error) {
			n, err := a.CheckAlerts(ctx)
			if n > 0 {
				log.Warn("more people wait than numbers are released", "queues", n)
			}
			return false, err
		}},
		// Art. 22: every hall once an hour, and its whole days once they have settled; some halls at a time, so that
		// a city does not stop for it.
		{Name: "look for anomalies", Every: 5 * time.Minute, Again: 2 * time.Second, Lease: 10 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			n, more, err := a.WatchHalls(ctx, watchAtOnce)
			if n > 0 {
				log.Warn("something is not as usual", "anomalies", n)
			}
			return more, err
		}},
		// Art. 22: what nobody takes up is told to the next level.
		{Name: "follow anomalies", Every: time.Minute, Lease: 5 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			n, err := a.EscalateAnomalies(ctx)
			if n > 0 {
				log.Warn("anomalies nobody took up moved up a level", "anomalies", n)
			}
			return false, err
		}},
		// The draws of releases (docs/adr/0026-fair-noon.md). Commitments are published days before; what is due is
		// carried out by whichever node is first, with nothing to do for the others.
		{Name: "publish draws", Every: 10 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			n, err := a.PublishDraws(ctx)
			if n > 0 {
				log.Info("commitments of draws published", "draws", n)
			}
			return false, err
		}},
		{Name: "read draws", Every: 5 * time.Second, Run: func(ctx context.Context) (bool, error) { return false, a.ReadDraws(ctx) }},
		{Name: "carry out draws", Every: 500 * time.Millisecond, Limit: 10 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			n, err := a.CarryOutDraws(ctx)
			if n > 0 {
				log.Info("draws carried out", "draws", n)
			}
			return false, err
		}},
		// Figures of the day are at most this old; what the past is corrected by comes with them.
		{Name: "count figures", Every: 20 * time.Second, Again: 100 * time.Millisecond, Limit: 10 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			n, err := a.CountFigures(ctx, figuresAtOnce)
			return n == figuresAtOnce, err
		}},
		// What an approval could not finish while its administrator waited.
		{Name: "carry out requests", Every: 10 * time.Second, Lease: 5 * time.Minute, Run: a.CarryOut},
		// Who lost an hour and did not choose another in time. At most a minute late, never early.
		{Name: "end choices", Every: time.Minute, Lease: 5 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			n, err := a.Lapse(ctx, lapseAtOnce)
			if n > 0 {
				log.Info("kept hours given back", "bookings", n)
			}
			return n == lapseAtOnce, err
		}},
		{Name: "end days", Every: time.Minute, Lease: 5 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			n, more, err := a.EndDays(ctx)
			if n > 0 {
				log.Info("days of halls ended", "halls", n)
			}
			return more, err
		}},
		// Art. 17. An outage only makes it later: whose hour was over is marked when somebody runs again.
		{Name: "mark no-shows", Every: time.Minute, Again: time.Second, Lease: 10 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			n, err := a.MarkMissed(ctx)
			if n > 0 {
				log.Info("no-shows marked", "bookings", n)
			}
			return false, err
		}},
		// The waits that anyone can look up: each node keeps them for itself, and halls learn once a day.
		{Name: "tell waits", Every: 3 * time.Second, Run: func(ctx context.Context) (bool, error) { return false, a.RefreshWaits(ctx) }},
		{Name: "read waits", Every: 10 * time.Minute, Run: func(ctx context.Context) (bool, error) { return false, a.ReadWaits(ctx) }},
		{Name: "learn waits", Every: 20 * time.Minute, Lease: 5 * time.Minute, Run: a.LearnWaits},
		// Days that are over and settled become open data, one at a time.
		{Name: "freeze open data", Every: 10 * time.Minute, Again: 5 * time.Second, Lease: 10 * time.Minute, Limit: 5 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			day, more, err := a.FreezeOpenData(ctx)
			if day != 0 {
				log.Info("open data frozen", "date", day.String())
			}
			return more, err
		}},
		{Name: "upkeep", Every: 10 * time.Minute, Run: func(ctx context.Context) (bool, error) { return false, a.Upkeep(ctx) }},
		// Who somebody was is forgotten at night, a few days of halls at a time.
		{Name: "forget people", Every: 10 * time.Minute, Again: 2 * time.Second, Lease: 10 * time.Minute, Run: func(ctx context.Context) (bool, error) {
			if h := a.Now().In(calendar.Zone).Hour(); h < forgetFrom || h >= forgetUntil {
				return false, nil
			}
			n, more, err := a.Forget(ctx, 20)
			if n > 0 {
				log.Info("who came is forgotten", "days of halls", n)
			}
			return more, err
		}},
		// Every node, without a lease: each keeps the newest checkpoint for itself.
		{Name: "sign audit log", Every: time.Minute, Run: func(ctx context.Context) (bool, error) { return false, a.Checkpoint(ctx) }},
		{Name: "calendar horizon", Every: time.Hour, Run: func(context.Context) (bool, error) {
			day, alert := a.Horizon()
			if alert {
				log.Warn("the booking window reaches a year whose holiday notice is not loaded: import it", "date", day.String(), "year", day.Year())
			}
			if horizon != nil {
				horizon(alert)
			}
			return false, nil
		}},
	}
}
