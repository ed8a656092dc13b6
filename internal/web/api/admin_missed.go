package api

import (
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

// adminMissed is one missed hour. Nobody is named.
type adminMissed struct {
	Code    string        `json:"code" doc:"Code of the booking." example:"FTYM-VBM0-2"`
	Hall    string        `json:"hall" doc:"Id of the hall."`
	Item    string        `json:"item"`
	Start   time.Time     `json:"start" doc:"The hour that was missed."`
	State   string        `json:"state" enum:"no_show,excused"`
	NoShows int           `json:"no_shows" doc:"What is recorded of the booker in the month of that hour."`
	Appeal  *missedAppeal `json:"appeal,omitempty" doc:"What the person said; absent where they said nothing."`
}

type adminMissedPage struct {
	Missed []adminMissed `json:"missed" nullable:"false" doc:"Those who have waited longest in front."`
	Total  int           `json:"total"`
	Next   string        `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type adminMissedDecision struct {
	Excuse bool   `json:"excuse" doc:"true sets the hour right, with or without an appeal: no mark is left (Art. 18). false refuses the appeal."`
	Why    string `json:"why" minLength:"1" maxLength:"500" doc:"Where an appeal is refused, the person reads it." example:"The metro stood still."`
}

func (a *API) declareAdminMissed() {
	path := []param{inPath("hall", "Id of the hall.", "440103000000", fault.HallNotFound), inPath("code", "Code of the booking.", "FTYM-VBM0-2", fault.BookingNotFound)}
	adminRead(a, operation{
		id: "admin-list-missed", path: "/missed", act: account.CarryOut, about: "Appeals against missed hours of the halls the account serves (Art. 18), without names.",
		params: pageParams(
			inQuery("hall", "Of this hall only.", nil, text(96)),
			inQuery("state", "Only those in this state.", nil, choice("waiting", "upheld", "refused"))),
		faults: []fault.Code{fault.CursorInvalid, fault.HallNotFound},
	}, a.adminMissedList)
	adminRead(a, operation{
		id: "admin-get-missed", path: "/halls/{hall}/missed/{code}", act: account.CarryOut, hall: "hall", about: "One missed hour.", params: path,
	}, func(c *call) (adminMissed, error) { return a.adminMissedOf(c, c.path("code")) })
	adminWrite(a, operation{
		id: "admin-decide-missed", path: "/halls/{hall}/missed/{code}/decide", act: account.CarryOut, hall: "hall", params: path,
		about:  "Sets a missed hour right, or refuses the appeal against it. The person is told.",
		faults: []fault.Code{fault.NotMissed, fault.AppealNotFound, fault.AppealDecided, fault.ChangedMeanwhile},
	}, func(c *call, b *adminMissedDecision) (string, error) {
		settle := a.app.RefuseAppeal
		if b.Excuse {
			settle = a.app.Excuse
		}
		return c.path("code"), settle(c.r.Context(), c.ad, c.path("hall"), c.path("code"), b.Why)
	}, func(c *call, _ *adminMissedDecision, _ string) (adminMissed, error) {
		return a.adminMissedOf(c, c.path("code"))
	})
}

func (a *API) adminMissedOf(c *call, code string) (adminMissed, error) {
	m, err := a.app.MissedHour(c.r.Context(), c.ad, c.path("hall"), code)
	if err != nil {
		return adminMissed{}, err
	}
	return missedShown(m), nil
}

func missedShown(m app.MissedView) adminMissed {
	b := m.View.Booking
	return adminMissed{
		Code: m.View.Code, Hall: b.HallID, Item: b.Item, Start: b.Start().In(calendar.Zone), State: string(b.State), NoShows: m.Marks.NoShows, Appeal: appealShown(m.Appeal),
	}
}

func (a *API) adminMissedList(c *call) (adminMissedPage, error) {
	out := adminMissedPage{Missed: []adminMissed{}}
	page, size, err := a.page(c, "missed")
	if err != nil {
		return out, err
	}
	list, all, err := a.app.MissedHours(c.r.Context(), c.ad, app.MissedQuery{
		Hall: c.query["hall"], Appeals: true, State: app.AppealState(c.query["state"]), Offset: page * size, Limit: size,
	})
	if err != nil {
		return out, err
	}
	for _, m := range list {
		out.Missed = append(out.Missed, missedShown(m))
	}
	out.Total, out.Next = all, a.next(c, "missed", page, size, all)
	return out, nil
}
