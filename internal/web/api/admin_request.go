package api

import (
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
)

type adminChange struct {
	Kind     string     `json:"kind" enum:"capacity,close,extend,weekend,share,horizon" example:"close"`
	From     string     `json:"from" format:"date" doc:"First date." example:"2026-12-07"`
	To       string     `json:"to,omitempty" format:"date" doc:"Last date; absent = without end."`
	Weekdays []int      `json:"weekdays,omitempty" nullable:"false" maxItems:"7" doc:"0 = Sunday to 6; absent = every day."`
	Total    int        `json:"total,omitempty" minimum:"0" maximum:"20000" doc:"capacity: numbers a day."`
	Source   string     `json:"source,omitempty" minLength:"1" maxLength:"200" doc:"capacity: where the total comes from (Art. 15)."`
	Half     string     `json:"half,omitempty" enum:"morning,afternoon,day" doc:"close: which part of the day."`
	Rule     *adminRule `json:"rule,omitempty" doc:"close: only where this falls."`
	Hours    []int      `json:"hours,omitempty" nullable:"false" maxItems:"24" doc:"extend, weekend: starting hours."`
	PerHour  int        `json:"per_hour,omitempty" minimum:"1" maximum:"2000" doc:"extend, weekend: numbers in each of them."`
	PerMille int        `json:"per_mille,omitempty" minimum:"0" maximum:"1000" doc:"share: kept for the hall, of a thousand."`
	Days     int        `json:"days,omitempty" minimum:"1" maximum:"400" doc:"horizon: days of the window."`
}

type adminRule struct {
	Kind string `json:"kind" enum:"nth_working_day,day_of_month"`
	N    int    `json:"n" minimum:"1" maximum:"31"`
	Half string `json:"half" enum:"morning,afternoon,day"`
}

type adminTarget struct {
	Hall  string `json:"hall" minLength:"1" maxLength:"96" doc:"Id of the hall." example:"440103000000"`
	Queue string `json:"queue,omitempty" minLength:"1" maxLength:"96" doc:"Id of the queue; absent = every open one."`
}

type adminRequestBody struct {
	Targets []adminTarget `json:"targets" minItems:"1" maxItems:"200" nullable:"false" doc:"Where; filed all or none, one request each."`
	Change  adminChange   `json:"change"`
	Urgent  bool          `json:"urgent,omitempty" doc:"Takes effect on approval (Art. 22); only what adds numbers."`
	Reason  string        `json:"reason" minLength:"1" maxLength:"500" example:"台风"`
}

type adminPreview struct {
	Impact     adminImpact `json:"impact" doc:"Of all targets together."`
	UpTo       string      `json:"up_to" doc:"The rank that would decide."`
	DecideBy   time.Time   `json:"decide_by" doc:"By when (Art. 23)."`
	Earliest   string      `json:"earliest" format:"date" doc:"The first date a change filed now may take effect in time (Art. 23)."`
	Late       bool        `json:"late"`
	Increase   bool        `json:"increase" doc:"Adds numbers and takes none away: it may be urgent."`
	Suggestion bool        `json:"suggestion" doc:"It would be a suggestion of the platform (Art. 8)."`
}

type adminImpact struct {
	Days     int `json:"days" doc:"Dates it touches."`
	Before   int `json:"before" doc:"Numbers on those dates now."`
	After    int `json:"after" doc:"Numbers on those dates then."`
	Bookings int `json:"bookings" doc:"Bookings that would lose their hour."`
}

type adminRequest struct {
	ID       string           `json:"id" example:"R2026-000001"`
	Bundle   string           `json:"bundle,omitempty" doc:"Filed together with others."`
	Hall     string           `json:"hall"`
	Queue    string           `json:"queue,omitempty"`
	Origin   string           `json:"origin" enum:"request,suggestion"`
	State    string           `json:"state" enum:"waiting,approved,done,refused,withdrawn,sent,impossible"`
	Urgent   bool             `json:"urgent"`
	Late     bool             `json:"late" doc:"Filed after the notice of Art. 23."`
	UpTo     string           `json:"up_to" doc:"The rank that is to decide now, or that decided."`
	Due      time.Time        `json:"due" doc:"By when it must be decided, or reported."`
	Filed    time.Time        `json:"filed"`
	FiledBy  string           `json:"filed_by" doc:"Account."`
	Decided  *time.Time       `json:"decided,omitempty"`
	DecideBy string           `json:"decided_by,omitempty" doc:"Account."`
	Change   adminChange      `json:"change"`
	Reason   string           `json:"reason"`
	Why      string           `json:"why,omitempty" doc:"Of the decision."`
	Report   string           `json:"report,omitempty" doc:"Of the hall, on a suggestion."`
	Impact   adminImpact      `json:"impact" doc:"As it was when filed."`
	Version  int              `json:"version" doc:"To be sent with a decision: the version it is made on."`
	Events   []adminEvent     `json:"events,omitempty" nullable:"false" doc:"Its history; not in lists."`
	May      *adminRequestMay `json:"may,omitempty" doc:"What the account may do about it; not in lists."`
}

type adminRequestMay struct {
	Decide bool `json:"decide"`
	Report bool `json:"report"`
	Own    bool `json:"own" doc:"Filed by this account, or by one handed over to or from it."`
}

type adminEvent struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Account string    `json:"account,omitempty" doc:"Absent for the system."`
	Text    string    `json:"text,omitempty"`
}

type adminRequestPage struct {
	Requests []adminRequest `json:"requests" nullable:"false"`
	Total    int            `json:"total"`
	Next     string         `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type adminFiled struct {
	Requests []adminRequest `json:"requests" nullable:"false" doc:"One for each target, in order."`
}

type adminDecision struct {
	Version int    `json:"version" minimum:"1" maximum:"1000000" doc:"The version the decision is made on." example:"1"`
	Approve bool   `json:"approve"`
	Why     string `json:"why,omitempty" minLength:"1" maxLength:"500" doc:"Needed for a refusal."`
}

type adminBundleDecision struct {
	Approve bool   `json:"approve"`
	Why     string `json:"why,omitempty" minLength:"1" maxLength:"500" doc:"Needed for a refusal."`
}

type adminVersion struct {
	Version int `json:"version" minimum:"1" maximum:"1000000" example:"1"`
}

type adminReport struct {
	Version int    `json:"version" minimum:"1" maximum:"1000000" example:"1"`
	Done    bool   `json:"done" doc:"It is carried out now; false = it cannot be done."`
	Report  string `json:"report" minLength:"1" maxLength:"500" example:"已安排"`
}

func (a *API) declareAdminRequests() {
	id := inPath("id", "Id of the request.", "R2026-000001", fault.RequestNotFound)
	hallFaults := []fault.Code{fault.HallNotFound, fault.QueueNotFound, fault.ShareTooLarge, fault.HallShut}
	settled := []fault.Code{fault.RequestDecided, fault.RequestOwn, fault.RequestNotYours, fault.ChangedMeanwhile, fault.RequestOver}
	adminRead(a, operation{
		id: "admin-list-requests", path: "/requests", act: account.Supervise, about: "Requests and suggestions about the halls the account may supervise.",
		params: pageParams(
			inQuery("state", "Only those in this state.", nil, choice("waiting", "approved", "done", "refused", "withdrawn", "sent", "impossible")),
			inQuery("kind", "Only this kind of change.", nil, choice("capacity", "close", "extend", "weekend", "share", "horizon")),
			inQuery("origin", "Requests, or suggestions, only.", nil, choice("request", "suggestion")),
			inQuery("hall", "About this hall only.", nil, text(96)),
			inQuery("mine", "Filed by the account.", nil, yesNo),
			inQuery("to_decide", "Waiting for the account to decide.", nil, yesNo),
			inQuery("to_report", "Suggestions sent to a hall of the account.", nil, yesNo)),
		faults: []fault.Code{fault.CursorInvalid},
	}, a.adminRequests)
	adminRead(a, operation{
		id: "admin-get-request", path: "/requests/{id}", act: account.Supervise, about: "One request with its history.", params: []param{id},
	}, func(c *call) (adminRequest, error) { return a.adminRequest(c, c.path("id")) })
	adminAsk(a, operation{
		id: "admin-preview-request", path: "/requests/preview", act: account.Adjust, or: account.Suggest, faults: hallFaults,
		about: "What a request would do, in numbers, without filing it.",
	}, a.adminPreview)
	adminWrite(a, operation{
		id: "admin-file-request", path: "/requests", act: account.Adjust, or: account.Suggest, status: 201,
		about:  "Files an adjustment request (Art. 22, 23); of the platform's second level it is a suggestion (Art. 8).",
		faults: append([]fault.Code{fault.NothingChanges, fault.UrgentCut, fault.NoticeTooShort}, hallFaults...),
	}, a.adminFile, func(c *call, _ *adminRequestBody, first string) (adminFiled, error) { return a.adminFiled(c, first) })
	adminWrite(a, operation{
		id: "admin-decide-request", path: "/requests/{id}/decide", act: account.Decide, params: []param{id}, faults: settled,
		about: "Approves or refuses a request at the version it was seen at. Nobody decides their own.",
	}, func(c *call, b *adminDecision) (string, error) {
		r, err := a.app.DecideRequest(c.r.Context(), c.ad, c.path("id"), b.Version, b.Approve, b.Why)
		return r.ID, err
	}, func(c *call, _ *adminDecision, id string) (adminRequest, error) { return a.adminRequest(c, id) })
	adminWrite(a, operation{
		id: "admin-withdraw-request", path: "/requests/{id}/withdraw", act: account.Adjust, or: account.Suggest, params: []param{id}, faults: settled,
		about: "Takes back a request of one's own that nobody has decided.",
	}, func(c *call, b *adminVersion) (string, error) {
		r, err := a.app.WithdrawRequest(c.r.Context(), c.ad, c.path("id"), b.Version)
		return r.ID, err
	}, func(c *call, _ *adminVersion, id string) (adminRequest, error) { return a.adminRequest(c, id) })
	adminWrite(a, operation{
		id: "admin-report-request", path: "/requests/{id}/report", act: account.CarryOut, params: []param{id},
		about: "The hall's report on a suggestion that was approved and sent to it (Art. 8).", faults: append([]fault.Code{fault.HallShut}, settled...),
	}, func(c *call, b *adminReport) (string, error) {
		r, err := a.app.AnswerSuggestion(c.r.Context(), c.ad, c.path("id"), b.Version, b.Done, b.Report)
		return r.ID, err
	}, func(c *call, _ *adminReport, id string) (adminRequest, error) { return a.adminRequest(c, id) })
	bundle := inPath("bundle", "Id of the bundle.", "B2026-000001", fault.RequestNotFound)
	adminWrite(a, operation{
		id: "admin-decide-bundle", path: "/bundles/{bundle}/decide", act: account.Decide, params: []param{bundle}, faults: append([]fault.Code{fault.HallShut}, settled...),
		about: "Approves or refuses alike whatever of a bundle waits for the account. Answered with the bundle as it stands then: what could not be decided so still waits there.",
	}, func(c *call, b *adminBundleDecision) (string, error) {
		_, err := a.app.DecideBundle(c.r.Context(), c.ad, c.path("bundle"), b.Approve, b.Why)
		return c.path("bundle"), err
	}, func(c *call, _ *adminBundleDecision, _ string) (adminFiled, error) {
		return a.adminBundle(c, c.path("bundle"))
	})
	a.declareAdminLedger()
	a.declareAdminFigures()
	a.declareAdminDisplaced()
	a.declareAdminAlerts()
	a.declareAdminAnomalies()
}

// asked reads what is asked for. The shape has checked everything but what dates and weekdays mean.
func (b *adminRequestBody) asked() (app.Asked, error) {
	c := b.Change
	out := app.Asked{Urgent: b.Urgent, Reason: b.Reason, Change: supply.Change{
		Kind: supply.Kind(c.Kind), Total: c.Total, Source: c.Source, Half: calendar.Half(c.Half), PerHour: c.PerHour, PerMille: c.PerMille, Days: c.Days,
	}}
	var wrong []fault.Field
	date := func(path, text string) calendar.Date {
		d, err := calendar.ParseDate(text)
		if err != nil {
			wrong = append(wrong, fault.Field{Path: path, Code: fault.BadDate})
		}
		return d
	}
	out.Change.From = date("change.from", c.From)
	if c.To != "" {
		out.Change.To = date("change.to", c.To)
	}
	for _, w := range c.Weekdays {
		out.Change.Weekdays = append(out.Change.Weekdays, time.Weekday(w))
	}
	for _, h := range c.Hours {
		if h < 0 || h > 23 {
			wrong = append(wrong, fault.Field{Path: "change.hours", Code: fault.OutOfRange})
			break
		}
		out.Change.Hours |= calendar.HoursOf(h)
	}
	if c.Rule != nil {
		out.Change.Rule = &calendar.Rule{Kind: calendar.RuleKind(c.Rule.Kind), N: c.Rule.N, Half: calendar.Half(c.Rule.Half)}
	}
	for _, t := range b.Targets {
		out.Targets = append(out.Targets, app.Target{Hall: t.Hall, Queue: t.Queue})
	}
	if len(wrong) > 0 {
		return out, fault.InvalidFields(wrong...)
	}
	return out, nil
}

func (a *API) adminPreview(c *call, b *adminRequestBody) (adminPreview, error) {
	in, err := b.asked()
	if err != nil {
		return adminPreview{}, err
	}
	p, err := a.app.PreviewRequest(c.r.Context(), c.ad, in)
	if err != nil {
		return adminPreview{}, err
	}
	return adminPreview{
		Impact: impactOf(p.Impact), UpTo: string(p.UpTo), DecideBy: p.DecideBy.In(calendar.Zone), Earliest: p.Earliest.String(), Late: p.Late,
		Increase: p.Increase, Suggestion: p.Suggestion,
	}, nil
}

func (a *API) adminFile(c *call, b *adminRequestBody) (string, error) {
	in, err := b.asked()
	if err != nil {
		return "", err
	}
	list, err := a.app.FileRequest(c.r.Context(), c.ad, in)
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[0].ID, nil
}

// adminFiled answers with a request and those filed together with it.
func (a *API) adminFiled(c *call, first string) (adminFiled, error) {
	v, err := a.app.Request(c.r.Context(), c.ad, first)
	if err != nil {
		return adminFiled{}, err
	}
	if v.Bundle == "" {
		return adminFiled{[]adminRequest{requestOf(v.Request)}}, nil
	}
	return a.adminBundle(c, v.Bundle)
}

// adminBundle answers with what was filed together, in the order of its targets.
func (a *API) adminBundle(c *call, bundle string) (adminFiled, error) {
	list, _, err := a.app.Requests(c.r.Context(), c.ad, app.RequestFilter{Bundle: bundle, Reversed: true, Size: 500})
	out := adminFiled{[]adminRequest{}}
	for _, r := range list {
		out.Requests = append(out.Requests, requestOf(r))
	}
	return out, err
}

func (a *API) adminRequest(c *call, id string) (adminRequest, error) {
	v, err := a.app.Request(c.r.Context(), c.ad, id)
	if err != nil {
		return adminRequest{}, err
	}
	out := requestOf(v.Request)
	out.May = &adminRequestMay{v.Decidable, v.Reports, v.Own}
	for _, e := range v.Events {
		out.Events = append(out.Events, adminEvent{e.At.In(calendar.Zone), e.Kind, e.Account, e.Text})
	}
	return out, nil
}

func (a *API) adminRequests(c *call) (adminRequestPage, error) {
	out := adminRequestPage{Requests: []adminRequest{}}
	page, size, err := a.page(c, "requests")
	if err != nil {
		return out, err
	}
	list, all, err := a.app.Requests(c.r.Context(), c.ad, app.RequestFilter{
		State: supply.State(c.query["state"]), Kind: supply.Kind(c.query["kind"]), Origin: supply.Origin(c.query["origin"]), Hall: c.query["hall"],
		Mine: c.query["mine"] == "true", ToDecide: c.query["to_decide"] == "true", ToReport: c.query["to_report"] == "true", Page: page, Size: size,
	})
	for _, r := range list {
		out.Requests = append(out.Requests, requestOf(r))
	}
	out.Total, out.Next = all, a.next(c, "requests", page, size, all)
	return out, err
}

// moment is an instant that may be none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.In(calendar.Zone)
	return &t
}

func impactOf(i supply.Impact) adminImpact {
	return adminImpact{Days: i.Days, Before: i.Before, After: i.After, Bookings: i.Bookings}
}

func requestOf(r supply.Request) adminRequest {
	return adminRequest{
		ID: r.ID, Bundle: r.Bundle, Hall: r.HallID, Queue: r.QueueID, Origin: string(r.Origin), State: string(r.State), Urgent: r.Urgent, Late: r.Late,
		UpTo: string(r.UpTo), Due: r.DueAt.In(calendar.Zone), Filed: r.FiledAt.In(calendar.Zone), FiledBy: r.FiledBy, Decided: moment(r.DecidedAt), DecideBy: r.DecidedBy,
		Change: changeOf(r.Change), Reason: r.Reason, Why: r.Why, Report: r.Report, Impact: impactOf(r.Impact), Version: r.Version,
	}
}

func changeOf(c supply.Change) adminChange {
	out := adminChange{
		Kind: string(c.Kind), From: c.From.String(), Total: c.Total, Source: c.Source, Half: string(c.Half), Hours: c.Hours.List(), PerHour: c.PerHour,
		PerMille: c.PerMille, Days: c.Days,
	}
	if c.To != 0 {
		out.To = c.To.String()
	}
	for _, w := range c.Weekdays {
		out.Weekdays = append(out.Weekdays, int(w))
	}
	if c.Rule != nil {
		out.Rule = &adminRule{string(c.Rule.Kind), c.Rule.N, string(c.Rule.Half)}
	}
	return out
}
