package api

import (
	"net/http"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

type standingShown struct {
	On            bool      `json:"on" doc:"Sanctions are in force. Off, everything is recorded and nothing comes of it."`
	Until         time.Time `json:"barred_until,omitzero" doc:"Until then you book at halls only: numbers of the day, staff's help and the green channel. What you hold can be moved and cancelled, a missed hour can be made good once."`
	NoShows       int       `json:"no_shows" doc:"Recorded in the span of today."`
	Cancellations int       `json:"cancellations" doc:"Recorded in the span of today."`
	Measures      []measure `json:"measures" nullable:"false" doc:"Newest first."`
}

type measure struct {
	Code      string        `json:"code" doc:"Of the booking that completed it." example:"FTYM-VBM0-2"`
	Kind      string        `json:"kind" enum:"warning,barred"`
	State     string        `json:"state" enum:"stands,lifted,void" doc:"lifted: an appeal was granted; void: what it rested on was set right. Whose time is over stands."`
	At        time.Time     `json:"at"`
	Until     time.Time     `json:"until,omitzero" doc:"barred: it ends by itself then."`
	Rests     []string      `json:"rests_on" nullable:"false" doc:"Codes of bookings that were missed or cancelled."`
	CanAppeal bool          `json:"can_appeal"`
	Appeal    *missedAppeal `json:"appeal,omitempty"`
}

type adminMeasure struct {
	measure
	Hall string `json:"hall" doc:"Id of the hall where it was completed."`
}

type adminMeasurePage struct {
	Sanctions []adminMeasure `json:"sanctions" nullable:"false" doc:"Those whose appeal has waited longest in front, then the newest."`
	Total     int            `json:"total"`
	Next      string         `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type adminMeasureDecision struct {
	Grant bool   `json:"grant" doc:"true ends it at once, and what it rested on counts no more. false leaves it as it is."`
	Why   string `json:"why" minLength:"1" maxLength:"500" doc:"The person reads it." example:"The hospital's paper shows it."`
}

func (a *API) declareStanding() {
	code := inPath("code", "The code of the warning or sanction.", "7K3M-9Q2X-T", fault.MeasureNotFound)
	replayed := map[string]string{"Idempotency-Replayed": "true when the same request had been made before: nothing new was done."}
	read(a, operation{
		id: "get-standing", method: http.MethodGet, path: "/me/standing", tag: "You", signedIn: true,
		about: "What is recorded of you, and what came of it: warnings and times without off-site booking. The measure names no sanction; a version of the rules may.",
	}, func(c *call) (standingShown, error) {
		s, err := a.app.MyStanding(c.r.Context(), c.who)
		if err != nil {
			return standingShown{}, err
		}
		out := standingShown{On: s.Rules.On, NoShows: s.Marks.NoShows, Cancellations: s.Marks.Cancellations, Measures: []measure{}}
		if !s.Until.IsZero() {
			out.Until = s.Until.In(calendar.Zone)
		}
		for _, m := range s.Measures {
			out.Measures = append(out.Measures, measureShown(m))
		}
		return out, nil
	})
	write(a, operation{
		id: "appeal-standing", method: http.MethodPost, path: "/me/standing/{code}/appeal", tag: "You", signedIn: true, write: true, params: []param{code},
		about: "Says why a warning or sanction is not right, once each. The same again is the same appeal.", headers: replayed, faults: []fault.Code{fault.MeasureOver, fault.AppealWaits, fault.AppealDecided},
	}, func(c *call, b *appealBody) (missedAppeal, error) {
		p, err := a.app.AppealMeasure(c.r.Context(), c.who, c.path("code"), b.Text)
		if err != nil {
			return missedAppeal{}, err
		}
		return *appealShown(p), nil
	})
}

func measureShown(m app.MeasureView) measure {
	out := measure{Code: m.Code, Kind: string(m.Kind), State: string(m.State), At: m.At.In(calendar.Zone), Rests: []string{}, CanAppeal: m.CanAppeal, Appeal: appealShown(m.Appeal)}
	if !m.Until.IsZero() {
		out.Until = m.Until.In(calendar.Zone)
	}
	for _, b := range m.Rests {
		out.Rests = append(out.Rests, b.Code)
	}
	return out
}

func (a *API) declareAdminStanding() {
	path := []param{inPath("hall", "Id of the hall.", "440103000000", fault.HallNotFound), inPath("code", "Code of the warning or sanction.", "FTYM-VBM0-2", fault.MeasureNotFound)}
	adminRead(a, operation{
		id: "admin-list-sanctions", path: "/sanctions", act: account.CarryOut, about: "Warnings and sanctions that were completed at halls the account serves, without names.",
		params: pageParams(inQuery("hall", "Of this hall only.", nil, text(96)), inQuery("appeal", "Only those whose appeal waits.", nil, choice("waiting"))),
		faults: []fault.Code{fault.CursorInvalid, fault.HallNotFound},
	}, func(c *call) (adminMeasurePage, error) {
		out := adminMeasurePage{Sanctions: []adminMeasure{}}
		page, size, err := a.page(c, "sanctions")
		if err != nil {
			return out, err
		}
		list, all, err := a.app.Measures(c.r.Context(), c.ad, app.MeasuresQuery{Hall: c.query["hall"], Appeals: c.query["appeal"] != "", Offset: page * size, Limit: size})
		if err != nil {
			return out, err
		}
		for _, m := range list {
			out.Sanctions = append(out.Sanctions, adminMeasure{measureShown(m), m.HallID})
		}
		out.Total, out.Next = all, a.next(c, "sanctions", page, size, all)
		return out, nil
	})
	adminRead(a, operation{
		id: "admin-get-sanction", path: "/halls/{hall}/sanctions/{code}", act: account.CarryOut, hall: "hall", about: "One warning or sanction.", params: path,
	}, func(c *call) (adminMeasure, error) { return a.adminMeasureOf(c) })
	adminWrite(a, operation{
		id: "admin-decide-sanction", path: "/halls/{hall}/sanctions/{code}/decide", act: account.CarryOut, hall: "hall", params: path,
		about:  "Decides the appeal against a warning or sanction. The person is told.",
		faults: []fault.Code{fault.AppealNotFound, fault.AppealDecided, fault.MeasureOver, fault.ChangedMeanwhile},
	}, func(c *call, b *adminMeasureDecision) (string, error) {
		return c.path("code"), a.app.DecideMeasure(c.r.Context(), c.ad, c.path("hall"), c.path("code"), b.Grant, b.Why)
	}, func(c *call, _ *adminMeasureDecision, _ string) (adminMeasure, error) { return a.adminMeasureOf(c) })
}

func (a *API) adminMeasureOf(c *call) (adminMeasure, error) {
	m, err := a.app.Measure(c.r.Context(), c.ad, c.path("hall"), c.path("code"))
	if err != nil {
		return adminMeasure{}, err
	}
	return adminMeasure{measureShown(m), m.HallID}, nil
}
