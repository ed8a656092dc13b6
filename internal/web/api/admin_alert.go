package api

import (
	"context"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

type adminRelief struct {
	Change adminChange `json:"change" doc:"Ready to be filed as a request; such an increase may be urgent."`
	PerDay int         `json:"per_day" doc:"Numbers more on a day it adds to, at most."`
	Total  int         `json:"total" doc:"Numbers more in the window."`
	By     string      `json:"by,omitempty" doc:"With the numbers of this date everybody who waits could have one; absent where they are too few."`
	Left   int         `json:"left" doc:"How many would still wait after the last of them."`
}

// adminAlert is a queue at which more people wait than numbers are released (Art. 16).
type adminAlert struct {
	ID       string        `json:"id" example:"A2026-000001"`
	Hall     string        `json:"hall"`
	Queue    string        `json:"queue"`
	Waiting  int           `json:"waiting" doc:"Units in line, as last seen."`
	Most     int           `json:"most" doc:"The most that waited while it stood."`
	Released int           `json:"released" doc:"Off-site numbers released for the window, as last seen."`
	Since    time.Time     `json:"since"`
	NextAt   *time.Time    `json:"next_at,omitempty" doc:"When the next level is reminded, unless somebody acknowledges it."`
	AckBy    string        `json:"acknowledged_by,omitempty" doc:"Account that took it up."`
	AckAt    *time.Time    `json:"acknowledged_at,omitempty"`
	Told     *time.Time    `json:"told_at,omitempty" doc:"When those who wait were told of the online way."`
	Online   int           `json:"online" doc:"Who left the line for the online way since."`
	Ended    *time.Time    `json:"ended_at,omitempty" doc:"Since when it is no longer so."`
	Needed   int           `json:"needed" doc:"Numbers more on each open day of the window that would clear the line; 0 where there is none."`
	Days     int           `json:"days" doc:"Open days of the window."`
	Measures []adminRelief `json:"measures" nullable:"false" doc:"What answers it; none once it is over."`
}

type adminAlertPage struct {
	Alerts []adminAlert `json:"alerts" nullable:"false" doc:"Those that stand first, the newest in front."`
	Total  int          `json:"total"`
	Next   string       `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

func (a *API) declareAdminAlerts() {
	id := inPath("id", "Id of the alert.", "A2026-000001", fault.AlertNotFound)
	adminRead(a, operation{
		id: "admin-list-alerts", path: "/alerts", act: account.Supervise,
		about:  "Queues of the halls the account may supervise at which more people wait than numbers are released (Art. 16), each with the requests that answer it.",
		params: pageParams(inQuery("standing", "yes: only those that stand.", nil, choice("yes"))), faults: []fault.Code{fault.CursorInvalid},
	}, a.adminAlerts)
	do := func(op, path string, act account.Action, about string, faults []fault.Code, fn func(*app.App, context.Context, *app.Admin, string) error) {
		adminWrite(a, operation{id: op, path: "/alerts/{id}/" + path, act: act, about: about, params: []param{id}, faults: faults},
			func(c *call, _ *nothing) (string, error) {
				return c.path("id"), fn(a.app, c.r.Context(), c.ad, c.path("id"))
			},
			func(c *call, _ *nothing, id string) (adminAlert, error) {
				v, err := a.app.WaitAlert(c.r.Context(), c.ad, id)
				return alertShown(v), err
			})
	}
	do("admin-acknowledge-alert", "acknowledge", account.Decide, "Takes an alert up: nobody else is reminded. Whoever was first stays.",
		[]fault.Code{fault.AlertOver, fault.ChangedMeanwhile}, (*app.App).AcknowledgeAlert)
	do("admin-tell-waiting", "tell", account.Adjust, "Tells those who wait for what can be done online of that way, once an alert.",
		[]fault.Code{fault.AlertOver, fault.NoOnlineWay, fault.ChangedMeanwhile}, (*app.App).TellWaiting)
}

func (a *API) adminAlerts(c *call) (adminAlertPage, error) {
	out := adminAlertPage{Alerts: []adminAlert{}}
	page, size, err := a.page(c, "alerts")
	if err != nil {
		return out, err
	}
	list, all, err := a.app.WaitAlerts(c.r.Context(), c.ad, c.query["standing"] == "yes", page*size, size)
	for _, v := range list {
		out.Alerts = append(out.Alerts, alertShown(v))
	}
	out.Total, out.Next = all, a.next(c, "alerts", page, size, all)
	return out, err
}

func alertShown(v app.AlertView) adminAlert {
	out := adminAlert{
		ID: v.ID, Hall: v.HallID, Queue: v.QueueID, Waiting: v.Waiting, Most: v.Most, Released: v.Released, Since: v.Since.In(calendar.Zone), NextAt: moment(v.NextAt),
		AckBy: v.AckBy, AckAt: moment(v.AckAt), Told: moment(v.ToldAt), Online: v.Online, Ended: moment(v.EndedAt), Needed: v.Needed, Days: v.Days, Measures: []adminRelief{},
	}
	for _, m := range v.Measures {
		one := adminRelief{Change: changeOf(m.Change), PerDay: m.Outlook.PerDay, Total: m.Outlook.Total, Left: m.Outlook.Left}
		if m.Outlook.By != 0 {
			one.By = m.Outlook.By.String()
		}
		out.Measures = append(out.Measures, one)
	}
	return out
}
