package api

import (
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
)

// adminAnomaly is something that was not as usual at a hall (Art. 22).
type adminAnomaly struct {
	ID       string     `json:"id" example:"N2026-000001"`
	Kind     string     `json:"kind" enum:"saturation,unused,no_shows,cancellations,cut,concentration,regrab,silence,lateness,overdue"`
	Stage    string     `json:"stage" enum:"open,taken,acted,closed"`
	Hall     string     `json:"hall"`
	Queue    string     `json:"queue,omitempty" doc:"Absent for the hall as a whole."`
	Hour     *int       `json:"hour,omitempty" doc:"Of the day, where it is about one hour."`
	Source   string     `json:"source,omitempty" doc:"Of a connected system."`
	Date     string     `json:"date" doc:"The last day on which it was seen."`
	Seen     int64      `json:"seen"`
	Of       int64      `json:"of" doc:"seen is counted among these."`
	Low      int64      `json:"low" doc:"Usual is low to high."`
	High     int64      `json:"high"`
	Since    time.Time  `json:"since"`
	Days     int        `json:"days" doc:"On which it was seen."`
	ActBy    string     `json:"act_by" doc:"Rank that must act."`
	Level    int        `json:"level" doc:"How many levels it has moved up because nobody took it up; 0 = it is with the rank that must act."`
	UpTo     string     `json:"up_to,omitempty" doc:"Rank it has moved up to."`
	NextAt   *time.Time `json:"next_level_at,omitempty" doc:"When the next level is told; absent once somebody has taken it up, or nobody is above."`
	Reopened int        `json:"reopened" doc:"Times it came again after it was closed."`
	AckBy    string     `json:"acknowledged_by,omitempty"`
	AckAt    *time.Time `json:"acknowledged_at,omitempty"`
	Request  string     `json:"request,omitempty" doc:"It led to."`
	Ended    *time.Time `json:"ended_at,omitempty" doc:"Since when it is not seen any more; it must still be closed."`
	ClosedBy string     `json:"closed_by,omitempty"`
	ClosedAt *time.Time `json:"closed_at,omitempty"`
	Reason   string     `json:"reason,omitempty" enum:"corrected,explained,false_alarm"`
	Why      string     `json:"why,omitempty"`
}

type adminAnomalyPage struct {
	Anomalies []adminAnomaly `json:"anomalies" nullable:"false" doc:"Those nobody has taken up first, the newest in front."`
	Total     int            `json:"total"`
	Next      string         `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type adminAnomalyAct struct {
	Request string `json:"request" minLength:"1" maxLength:"40" doc:"Number of a request about the same hall." example:"R2026-000001"`
}

type adminAnomalyClose struct {
	Reason string `json:"reason" enum:"corrected,explained,false_alarm" doc:"corrected = it was put right; explained = the cause is known and needs nothing done; false_alarm = nothing was unusual."`
	Why    string `json:"why" minLength:"1" maxLength:"500" example:"设备检修"`
}

func (a *API) declareAdminAnomalies() {
	id := inPath("id", "Id of the anomaly.", "N2026-000001", fault.AnomalyNotFound)
	adminRead(a, operation{
		id: "admin-list-anomalies", path: "/anomalies", act: account.Supervise,
		about: "What is not as usual at the halls the account may supervise, against each hall's own past (Art. 22).",
		params: pageParams(
			inQuery("open", "true: only those somebody still has to close.", nil, yesNo),
			inQuery("kind", "Only this kind.", nil, choice("saturation", "unused", "no_shows", "cancellations", "cut", "concentration", "regrab", "silence", "lateness", "overdue")),
			inQuery("stage", "Only those that have come so far.", nil, choice("open", "taken", "acted", "closed"))),
		faults: []fault.Code{fault.CursorInvalid},
	}, a.adminAnomalies)
	adminRead(a, operation{id: "admin-get-anomaly", path: "/anomalies/{id}", act: account.Supervise, about: "One anomaly.", params: []param{id}},
		func(c *call) (adminAnomaly, error) { return a.adminAnomaly(c) })
	adminWrite(a, operation{
		id: "admin-acknowledge-anomaly", path: "/anomalies/{id}/acknowledge", act: account.Decide, params: []param{id}, faults: []fault.Code{fault.AnomalyClosed, fault.ChangedMeanwhile},
		about: "Takes an anomaly up. Whoever was first stays.",
	}, func(c *call, _ *nothing) (string, error) {
		return c.path("id"), a.app.AcknowledgeAnomaly(c.r.Context(), c.ad, c.path("id"))
	}, func(c *call, _ *nothing, _ string) (adminAnomaly, error) { return a.adminAnomaly(c) })
	adminWrite(a, operation{
		id: "admin-act-on-anomaly", path: "/anomalies/{id}/act", act: account.Supervise, params: []param{id}, faults: []fault.Code{fault.AnomalyClosed, fault.ChangedMeanwhile, fault.NotAllowed},
		about: "Names the request an anomaly led to. It is for who files requests at the hall or decides for it.",
	}, func(c *call, b *adminAnomalyAct) (string, error) {
		return c.path("id"), a.app.ActOnAnomaly(c.r.Context(), c.ad, c.path("id"), b.Request)
	}, func(c *call, _ *adminAnomalyAct, _ string) (adminAnomaly, error) { return a.adminAnomaly(c) })
	adminWrite(a, operation{
		id: "admin-close-anomaly", path: "/anomalies/{id}/close", act: account.Decide, params: []param{id}, faults: []fault.Code{fault.AnomalyClosed, fault.ChangedMeanwhile},
		about: "Closes an anomaly with a reason.",
	}, func(c *call, b *adminAnomalyClose) (string, error) {
		return c.path("id"), a.app.CloseAnomaly(c.r.Context(), c.ad, c.path("id"), oversight.Closure(b.Reason), b.Why)
	}, func(c *call, _ *adminAnomalyClose, _ string) (adminAnomaly, error) { return a.adminAnomaly(c) })
}

func (a *API) adminAnomalies(c *call) (adminAnomalyPage, error) {
	out := adminAnomalyPage{Anomalies: []adminAnomaly{}}
	page, size, err := a.page(c, "anomalies")
	if err != nil {
		return out, err
	}
	list, all, err := a.app.Anomalies(c.r.Context(), c.ad, app.AnomalyFilter{
		Kind: oversight.AnomalyKind(c.query["kind"]), Stage: oversight.Stage(c.query["stage"]), Open: c.query["open"] == "true", Page: page, Size: size,
	})
	for _, v := range list {
		out.Anomalies = append(out.Anomalies, anomalyShown(v))
	}
	out.Total, out.Next = all, a.next(c, "anomalies", page, size, all)
	return out, err
}

func (a *API) adminAnomaly(c *call) (adminAnomaly, error) {
	v, err := a.app.Anomaly(c.r.Context(), c.ad, c.path("id"))
	if err != nil {
		return adminAnomaly{}, err
	}
	return anomalyShown(v), nil
}

func anomalyShown(v app.AnomalyView) adminAnomaly {
	out := adminAnomaly{
		ID: v.ID, Kind: string(v.Kind), Stage: string(v.Stage()), Hall: v.HallID, Queue: v.QueueID, Source: v.SourceID, Date: v.Date.String(), Seen: v.Seen, Of: v.Of,
		Low: v.Low, High: v.High, Since: v.Since.In(calendar.Zone), Days: v.Days, ActBy: string(v.ActBy), Level: v.Level, UpTo: string(v.UpTo), NextAt: moment(v.NextAt), Reopened: v.Reopened, AckBy: v.AckBy, AckAt: moment(v.AckAt),
		Request: v.Request, Ended: moment(v.EndedAt), ClosedBy: v.ClosedBy, ClosedAt: moment(v.ClosedAt), Reason: string(v.Reason), Why: v.Why,
	}
	if v.Hour >= 0 {
		out.Hour = &v.Hour
	}
	return out
}
