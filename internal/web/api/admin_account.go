package api

import (
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// Accounts and their filings (Art. 11). A program files and confirms; it never gets a one-time link, which
// goes to the person's own mobile, and names come masked.

type adminAccount struct {
	ID          string     `json:"id" example:"A000001"`
	Rank        string     `json:"rank"`
	Unit        adminUnit  `json:"unit"`
	State       string     `json:"state" enum:"invited,open,closed"`
	Name        string     `json:"name" doc:"Masked."`
	Since       time.Time  `json:"since"`
	Locked      *time.Time `json:"locked_until,omitempty"`
	Predecessor string     `json:"predecessor,omitempty" doc:"The account it took over from (Art. 11)."`
	Successor   string     `json:"successor,omitempty" doc:"The account that took it over."`
}

type adminAccountPage struct {
	Accounts []adminAccount `json:"accounts" nullable:"false"`
	Total    int            `json:"total"`
	Next     string         `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type adminFiling struct {
	ID        string     `json:"id" example:"F000001"`
	Kind      string     `json:"kind" enum:"open,handover,mobile,close"`
	State     string     `json:"state" enum:"waiting,confirmed,refused,withdrawn"`
	Rank      string     `json:"rank"`
	Unit      adminUnit  `json:"unit"`
	Account   string     `json:"account,omitempty" doc:"handover, mobile, close: which."`
	Name      string     `json:"name,omitempty" doc:"Masked."`
	Duty      string     `json:"duty,omitempty"`
	Mobile    string     `json:"mobile,omitempty" doc:"Masked."`
	Reason    string     `json:"reason,omitempty"`
	Filed     time.Time  `json:"filed"`
	FiledBy   string     `json:"filed_by" doc:"Account."`
	UpTo      string     `json:"up_to,omitempty" doc:"The rank that decides; absent when it is decided."`
	Decided   *time.Time `json:"decided,omitempty"`
	DecidedBy string     `json:"decided_by,omitempty" doc:"Account."`
	Why       string     `json:"why,omitempty"`
	Opened    string     `json:"opened,omitempty" doc:"The account it led to."`
	MayDecide bool       `json:"may_decide"`
	Version   int        `json:"version" doc:"To be sent with a decision."`
}

type adminFilingPage struct {
	Filings []adminFiling `json:"filings" nullable:"false" doc:"Those that wait first."`
	Total   int           `json:"total"`
	Next    string        `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type adminFilingBody struct {
	Kind    string `json:"kind" enum:"open,handover,mobile,close" example:"open"`
	Rank    string `json:"rank,omitempty" enum:"platform-1,platform-2,municipal-1,municipal-2,district-1,district-2,district-3,clerk,system,security,audit" doc:"open: its rank." example:"district-3"`
	Unit    string `json:"unit,omitempty" minLength:"1" maxLength:"96" doc:"open: its unit." example:"440103001001"`
	Account string `json:"account,omitempty" minLength:"1" maxLength:"32" doc:"handover, mobile, close: which."`
	Name    string `json:"name,omitempty" minLength:"1" maxLength:"150" doc:"open, handover: the person."`
	Duty    string `json:"duty,omitempty" minLength:"1" maxLength:"100" doc:"open, handover: 職務."`
	Mobile  string `json:"mobile,omitempty" minLength:"1" maxLength:"32" doc:"open, handover, mobile."`
	Reason  string `json:"reason,omitempty" minLength:"1" maxLength:"200" doc:"Needed to close."`
}

type adminFilingDecision struct {
	Version int    `json:"version" minimum:"1" maximum:"1000000" example:"1"`
	Confirm bool   `json:"confirm"`
	Why     string `json:"why,omitempty" minLength:"1" maxLength:"200" doc:"Needed for a refusal."`
}

func (a *API) declareAdminAccounts() {
	one := inPath("id", "Id of the account.", "A000001", fault.AccountNotFound)
	id := inPath("id", "Id of the filing.", "F000001", fault.FilingNotFound)
	states := []fault.Code{fault.FilingDecided, fault.ChangedMeanwhile, fault.NotAllowed, fault.AccountTaken, fault.AccountClosed, fault.AccountNotFound, fault.UnitNotFound, fault.RankNotHere}
	adminRead(a, operation{
		id: "admin-list-accounts", path: "/accounts", act: account.Manage, or: account.Keys, about: "The accounts the account looks after.",
		params: pageParams(
			inQuery("rank", "Of this rank only.", nil, text(20)),
			inQuery("state", "Only those in this state.", nil, choice("invited", "open", "closed")),
			inQuery("unit", "At this unit only.", nil, text(96))),
		faults: []fault.Code{fault.CursorInvalid},
	}, a.adminAccounts)
	adminRead(a, operation{
		id: "admin-get-account", path: "/accounts/{id}", act: account.Manage, or: account.Keys, about: "One of them.", params: []param{one},
	}, func(c *call) (adminAccount, error) {
		d, err := a.app.AccountByID(c.r.Context(), c.ad, c.path("id"))
		if err != nil {
			return adminAccount{}, err
		}
		return a.adminAccountOf(c, d.AccountView), nil
	})
	adminRead(a, operation{
		id: "admin-list-filings", path: "/filings", scope: app.ScopeAccounts, about: "The filings the account has made or looks after. The token needs the scope accounts.",
		params: pageParams(inQuery("state", "Only those in this state.", nil, choice("waiting", "confirmed", "refused", "withdrawn"))),
		faults: []fault.Code{fault.CursorInvalid, fault.NotAllowed},
	}, a.adminFilings)
	adminRead(a, operation{
		id: "admin-get-filing", path: "/filings/{id}", scope: app.ScopeAccounts, about: "One filing. The token needs the scope accounts.", params: []param{id}, faults: []fault.Code{fault.NotAllowed},
	}, func(c *call) (adminFiling, error) { return a.adminFiling(c, c.path("id")) })
	adminWrite(a, operation{
		id: "admin-file-account", path: "/filings", scope: app.ScopeAccounts, status: 201, faults: append([]fault.Code{fault.FilingNotFound}, states...),
		about: "Files for a new account, a change of person, another mobile, or a closing (Art. 11). The superior's own is confirmed with it; the one-time link goes to the person's mobile.",
	}, func(c *call, b *adminFilingBody) (string, error) {
		out, err := a.app.File(c.r.Context(), c.ad, app.FilingRequest{
			Kind: account.FilingKind(b.Kind), Rank: account.Rank(b.Rank), Unit: b.Unit, Account: b.Account, Reason: b.Reason,
			Person: account.Person{Name: b.Name, Duty: b.Duty, Mobile: b.Mobile},
		})
		return out.ID, err
	}, func(c *call, _ *adminFilingBody, id string) (adminFiling, error) { return a.adminFiling(c, id) })
	adminWrite(a, operation{
		id: "admin-decide-filing", path: "/filings/{id}/decide", scope: app.ScopeAccounts, params: []param{id}, faults: states, about: "Confirms a filing, or refuses it with a reason. Nobody decides their own.",
	}, func(c *call, b *adminFilingDecision) (string, error) {
		out, err := a.app.DecideFiling(c.r.Context(), c.ad, c.path("id"), b.Version, b.Confirm, b.Why)
		return out.ID, err
	}, func(c *call, _ *adminFilingDecision, _ string) (adminFiling, error) {
		return a.adminFiling(c, c.path("id"))
	})
	adminWrite(a, operation{
		id: "admin-withdraw-filing", path: "/filings/{id}/withdraw", scope: app.ScopeAccounts, params: []param{id}, faults: states, about: "Takes back a filing of one's own that nobody has decided.",
	}, func(c *call, _ *nothing) (string, error) {
		return c.path("id"), a.app.WithdrawFiling(c.r.Context(), c.ad, c.path("id"))
	}, func(c *call, _ *nothing, _ string) (adminFiling, error) { return a.adminFiling(c, c.path("id")) })
}

func (a *API) adminAccounts(c *call) (adminAccountPage, error) {
	out := adminAccountPage{Accounts: []adminAccount{}}
	page, size, err := a.page(c, "accounts")
	if err != nil {
		return out, err
	}
	list, all, err := a.app.Accounts(c.r.Context(), c.ad, app.AccountFilter{
		Rank: account.Rank(c.query["rank"]), State: account.State(c.query["state"]), Unit: c.query["unit"], From: page * size, Limit: size,
	})
	for _, v := range list {
		out.Accounts = append(out.Accounts, a.adminAccountOf(c, v))
	}
	out.Total, out.Next = all, a.next(c, "accounts", page, size, all)
	return out, err
}

func (a *API) adminAccountOf(c *call, v app.AccountView) adminAccount {
	return adminAccount{
		ID: v.ID, Rank: string(v.Rank), Unit: a.adminUnit(c.l, v.Unit), State: string(v.State), Name: v.Name, Since: v.Since.In(calendar.Zone),
		Locked: moment(v.Locked), Predecessor: v.Predecessor, Successor: v.Successor,
	}
}

func (a *API) adminFilings(c *call) (adminFilingPage, error) {
	out := adminFilingPage{Filings: []adminFiling{}}
	page, size, err := a.page(c, "filings")
	if err != nil {
		return out, err
	}
	list, all, err := a.app.Filings(c.r.Context(), c.ad, account.FilingState(c.query["state"]), page*size, size)
	for _, v := range list {
		out.Filings = append(out.Filings, a.adminFilingOf(c, v))
	}
	out.Total, out.Next = all, a.next(c, "filings", page, size, all)
	return out, err
}

func (a *API) adminFiling(c *call, id string) (adminFiling, error) {
	v, err := a.app.Filing(c.r.Context(), c.ad, id)
	if err != nil {
		return adminFiling{}, err
	}
	return a.adminFilingOf(c, v), nil
}

func (a *API) adminFilingOf(c *call, v app.FilingView) adminFiling {
	return adminFiling{
		ID: v.ID, Kind: string(v.Kind), State: string(v.State), Rank: string(v.Rank), Unit: a.adminUnit(c.l, v.Seat.Unit), Account: v.Account,
		Name: identity.MaskName(v.Person.Name), Duty: v.Person.Duty, Mobile: v.Person.Mobile, Reason: v.Reason, Filed: v.FiledAt.In(calendar.Zone), FiledBy: v.FiledBy,
		UpTo: string(v.UpTo), Decided: moment(v.DecidedAt), DecidedBy: v.DecidedBy, Why: v.Why, Opened: v.Opened, MayDecide: v.MayDecide, Version: v.Version,
	}
}
