package api

import (
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/theme"
	"suiyue/internal/web"
)

// The steps of one thing that fall to a department (Art. 20), for its own system. Names come masked.

type adminStep struct {
	Case    string    `json:"case" example:"abcdefghij23"`
	Step    string    `json:"step" example:"household" doc:"Key of the step within its theme."`
	Name    string    `json:"name"`
	Item    string    `json:"item" doc:"Code in the catalogue."`
	Theme   string    `json:"theme" example:"OT-01"`
	Hall    string    `json:"hall,omitempty" doc:"Where the case was accepted."`
	State   string    `json:"state" enum:"waiting,due,accepted,supplement,done,rejected,stopped,withdrawn"`
	By      string    `json:"by,omitempty" doc:"Account that took it."`
	Due     string    `json:"due,omitempty" format:"date" doc:"The last day of its deadline, while one runs."`
	Overdue bool      `json:"overdue"`
	Since   time.Time `json:"since" doc:"Of the state."`
	Version int       `json:"version" doc:"To be sent with an act."`
}

type adminStepPage struct {
	Steps []adminStep `json:"steps" nullable:"false" doc:"The most urgent in front."`
	Total int         `json:"total"`
	Next  string      `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type adminOneThing struct {
	ID        string             `json:"id"`
	Theme     string             `json:"theme"`
	Version   int                `json:"theme_version" doc:"The case goes by this version to its end."`
	Name      string             `json:"name" doc:"Of the theme."`
	Applicant string             `json:"applicant" doc:"Masked."`
	State     string             `json:"state" enum:"running,complete,partly,refused,withdrawn"`
	Opened    time.Time          `json:"opened"`
	Ended     *time.Time         `json:"ended,omitempty"`
	Steps     []adminOneThingRow `json:"steps" nullable:"false"`
}

type adminOneThingRow struct {
	adminStep
	Department string   `json:"department"`
	After      []string `json:"after" nullable:"false" doc:"Steps that must be done before."`
	Asked      string   `json:"asked,omitempty" doc:"For the step's department: what the applicant was asked for last."`
	Given      string   `json:"given,omitempty" doc:"For the step's department: what was answered."`
	Said       string   `json:"said,omitempty" doc:"For the step's department: the result, or the reason."`
}

type adminStepBody struct {
	Step    string `json:"step" minLength:"1" maxLength:"36" example:"household"`
	Act     string `json:"act" enum:"take,takeover,ask,finish,reject" example:"take"`
	Version int    `json:"version" minimum:"1" maximum:"1000000" doc:"Of the step, as it was looked at." example:"1"`
	Text    string `json:"text,omitempty" minLength:"1" maxLength:"500" doc:"ask, finish, reject: needed. The applicant reads it."`
}

func (a *API) declareAdminSteps() {
	id := inPath("case", "Id of the case.", "abcdefghij23", fault.OneCaseNotFound)
	adminRead(a, operation{
		id: "admin-list-steps", path: "/steps", act: account.Handle, about: "Steps of one thing that fall to the account's department (Art. 20). The token needs the scope steps.",
		params: pageParams(inQuery("state", "working (the default): those to work on; asked: those the applicant was asked about; overdue.", nil, choice("working", "asked", "overdue"))),
		faults: []fault.Code{fault.CursorInvalid},
	}, a.adminSteps)
	adminRead(a, operation{
		id: "admin-get-step-case", path: "/steps/{case}", act: account.Handle, about: "A case in which the account's department has a part, with all its steps.", params: []param{id},
	}, func(c *call) (adminOneThing, error) { return a.adminOneThing(c, c.path("case")) })
	adminWrite(a, operation{
		id: "admin-work-step", path: "/steps/{case}/act", act: account.Handle, params: []param{id},
		about:  "Takes a step of the account's department, asks the applicant for something, or ends it with a result or a reason. What follows is done with it: next steps become due, a rejection stops what depends on it, the applicant is told.",
		faults: []fault.Code{fault.StepNotFound, fault.StepTaken, fault.StepNotThere, fault.CaseOver, fault.ChangedMeanwhile},
	}, func(c *call, b *adminStepBody) (string, error) {
		return c.path("case"), a.app.WorkStep(c.r.Context(), c.ad, app.StepAct{Kind: theme.ActKind(b.Act), Case: c.path("case"), Step: b.Step, Version: b.Version, Text: b.Text})
	}, func(c *call, _ *adminStepBody, id string) (adminOneThing, error) { return a.adminOneThing(c, id) })
}

func (a *API) adminSteps(c *call) (adminStepPage, error) {
	out := adminStepPage{Steps: []adminStep{}}
	page, size, err := a.page(c, "steps")
	if err != nil {
		return out, err
	}
	state := c.query["state"]
	list, all, err := a.app.Steps(c.r.Context(), c.ad, app.StepFilter{Asked: state == "asked", Overdue: state == "overdue", Offset: page * size, Limit: size})
	if err != nil {
		return out, err
	}
	for _, s := range list {
		v := stepShown(c.l, s.Case, s.Theme, s.Step, s.Progress, s.Overdue)
		if s.Hall != nil {
			v.Hall = s.Hall.ID
		}
		out.Steps = append(out.Steps, v)
	}
	out.Total, out.Next = all, a.next(c, "steps", page, size, all)
	return out, nil
}

func stepShown(l web.Locale, id string, t *theme.Theme, s theme.Step, p theme.Progress, overdue bool) adminStep {
	v := adminStep{
		Case: id, Step: p.Key, Name: l.Text(s.Name), Item: s.Item, Theme: t.Code, State: string(p.State), By: p.By, Overdue: overdue, Since: p.Since.In(calendar.Zone), Version: p.Version,
	}
	if p.Due != 0 {
		v.Due = p.Due.String()
	}
	return v
}

func (a *API) adminOneThing(c *call, id string) (adminOneThing, error) {
	v, err := a.app.StepCase(c.r.Context(), c.ad, id)
	if err != nil {
		return adminOneThing{}, err
	}
	out := adminOneThing{
		ID: v.Case.ID, Theme: v.Case.Theme, Version: v.Case.Version, Name: c.l.Text(v.Theme.Name), Applicant: v.Name, State: string(v.Case.State),
		Opened: v.Case.OpenedAt.In(calendar.Zone), Steps: []adminOneThingRow{},
	}
	if !v.Case.EndedAt.IsZero() {
		at := v.Case.EndedAt.In(calendar.Zone)
		out.Ended = &at
	}
	for _, s := range v.Steps {
		row := adminOneThingRow{adminStep: stepShown(c.l, id, v.Theme, s.Step, s.Progress, s.Overdue), Department: s.Department, After: s.Step.After, Asked: s.Asked, Given: s.Given, Said: s.Said}
		if v.Hall != nil {
			row.Hall = v.Hall.ID
		}
		if row.After == nil {
			row.After = []string{}
		}
		out.Steps = append(out.Steps, row)
	}
	return out, nil
}
