package api

import (
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
)

type adminLedgerEntry struct {
	ID        string          `json:"id" example:"L2026-000001-late_request-A000001"`
	Kind      string          `json:"kind" enum:"late_request,late_decision,late_report,cut_after_booking,share_above,data_late,late_letter"`
	Request   string          `json:"request"`
	Account   string          `json:"account" doc:"Whose breach it is; empty where nobody held the rank."`
	Hall      string          `json:"hall"`
	At        time.Time       `json:"at"`
	State     string          `json:"state" enum:"open,appealed,upheld,struck" doc:"upheld = it was appealed and stands; struck = it counts no more."`
	Due       *time.Time      `json:"due,omitempty" doc:"Of what was late."`
	Appeal    string          `json:"appeal,omitempty" doc:"What the account has to say against it."`
	Appealed  *time.Time      `json:"appealed,omitempty"`
	Decided   *time.Time      `json:"decided,omitempty" doc:"When the appeal was decided."`
	DecidedBy string          `json:"decided_by,omitempty" doc:"Account."`
	Why       string          `json:"why,omitempty" doc:"Of that decision."`
	May       *adminLedgerMay `json:"may,omitempty" doc:"What the account may do about it; not in lists."`
}

type adminLedgerMay struct {
	Appeal bool `json:"appeal"`
	Decide bool `json:"decide"`
}

type adminLedgerPage struct {
	Entries []adminLedgerEntry `json:"entries" nullable:"false" doc:"Newest first."`
	Total   int                `json:"total"`
	Next    string             `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type adminAppeal struct {
	Why string `json:"why" minLength:"1" maxLength:"500" doc:"Why the entry should not stand." example:"台风"`
}

type adminAppealDecision struct {
	Strike bool   `json:"strike" doc:"true upholds the appeal: the entry is struck. false refuses it: the entry stands."`
	Why    string `json:"why" minLength:"1" maxLength:"500" example:"属实"`
}

func (a *API) declareAdminLedger() {
	entry := inPath("entry", "Id of the entry.", "L2026-000001-late_request-A000001", fault.EntryNotFound)
	adminRead(a, operation{
		id: "admin-list-ledger", path: "/ledger", act: account.Supervise, about: "The violation ledger about the halls the account may supervise (Art. 23).",
		params: pageParams(
			inQuery("kind", "Only this kind.", nil, choice("late_request", "late_decision", "late_report", "cut_after_booking", "share_above", "data_late", "late_letter")),
			inQuery("state", "Only those in this state.", nil, choice("open", "appealed", "upheld", "struck")),
			inQuery("mine", "About the account itself.", nil, yesNo),
			inQuery("to_decide", "Appealed, and waiting for the account to decide.", nil, yesNo)),
		faults: []fault.Code{fault.CursorInvalid},
	}, a.adminLedger)
	adminRead(a, operation{
		id: "admin-get-ledger-entry", path: "/ledger/{entry}", act: account.Supervise, about: "One entry of the violation ledger.", params: []param{entry},
	}, func(c *call) (adminLedgerEntry, error) { return a.adminBreach(c, c.path("entry")) })
	adminWrite(a, operation{
		id: "admin-appeal-entry", path: "/ledger/{entry}/appeal", scope: app.ScopeRequests, params: []param{entry}, faults: []fault.Code{fault.NoAppeal, fault.ChangedMeanwhile, fault.NotAllowed},
		about: "Says something against an entry about the account itself, once. The token needs the scope requests.",
	}, func(c *call, b *adminAppeal) (string, error) {
		return c.path("entry"), a.app.Appeal(c.r.Context(), c.ad, c.path("entry"), b.Why)
	}, func(c *call, _ *adminAppeal, _ string) (adminLedgerEntry, error) {
		return a.adminBreach(c, c.path("entry"))
	})
	adminWrite(a, operation{
		id: "admin-decide-appeal", path: "/ledger/{entry}/decide", act: account.Decide, params: []param{entry},
		faults: []fault.Code{fault.NoAppeal, fault.AppealOwn, fault.AppealNotYours, fault.ChangedMeanwhile},
		about:  "Upholds an appeal, so that the entry is struck, or refuses it: a level above whom the entry is about. Nobody decides about an entry of their own.",
	}, func(c *call, b *adminAppealDecision) (string, error) {
		return c.path("entry"), a.app.DecideAppeal(c.r.Context(), c.ad, c.path("entry"), b.Strike, b.Why)
	}, func(c *call, _ *adminAppealDecision, _ string) (adminLedgerEntry, error) {
		return a.adminBreach(c, c.path("entry"))
	})
}

func (a *API) adminLedger(c *call) (adminLedgerPage, error) {
	out := adminLedgerPage{Entries: []adminLedgerEntry{}}
	page, size, err := a.page(c, "ledger")
	if err != nil {
		return out, err
	}
	list, all, err := a.app.Ledger(c.r.Context(), c.ad, app.LedgerFilter{
		Kind: supply.Breach(c.query["kind"]), State: supply.EntryState(c.query["state"]), Mine: c.query["mine"] == "true", ToDecide: c.query["to_decide"] == "true",
		Page: page, Size: size,
	})
	for _, e := range list {
		out.Entries = append(out.Entries, entryOf(e))
	}
	out.Total, out.Next = all, a.next(c, "ledger", page, size, all)
	return out, err
}

func (a *API) adminBreach(c *call, id string) (adminLedgerEntry, error) {
	v, err := a.app.Entry(c.r.Context(), c.ad, id)
	if err != nil {
		return adminLedgerEntry{}, err
	}
	out := entryOf(v.LedgerEntry)
	out.May = &adminLedgerMay{v.Appealing, v.Decidable}
	return out, nil
}

func entryOf(e app.LedgerEntry) adminLedgerEntry {
	return adminLedgerEntry{
		ID: e.ID, Kind: string(e.Kind), Request: e.Request, Account: e.Account, Hall: e.HallID, At: e.At.In(calendar.Zone), State: string(e.State), Due: moment(e.Detail.Due),
		Appeal: e.Detail.Appeal, Appealed: moment(e.Detail.AppealedAt), Decided: moment(e.Detail.DecidedAt), DecidedBy: e.Detail.DecidedBy, Why: e.Detail.Why,
	}
}
