package app_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// entered files a request of A2 too late and returns the entry about that.
func (d *desk) entered() string {
	d.Helper()
	r := d.file("A2", less(today+1))
	d.ledger(r, "late_request A2")
	return "L" + r.ID[1:] + "-late_request-A2"
}

// becomes wants an entry to be in a state.
func (d *desk) becomes(id string, want supply.EntryState) store.LedgerEntry {
	d.Helper()
	var e *store.LedgerEntry
	if err := d.DB.View(context.Background(), func(tx *store.Tx) (err error) {
		e, err = tx.LedgerEntry(context.Background(), id)
		return err
	}); err != nil || e == nil {
		d.Fatalf("entry %s: %v", id, err)
	}
	if e.State != want {
		d.Errorf("the entry is %s, want %s", e.State, want)
	}
	return *e
}

func (d *desk) appeal(who, entry string, want fault.Code) {
	d.Helper()
	if err := d.way.appeal(d.as(who), entry, "台风来得急"); fault.CodeOf(err) != want {
		d.Errorf("%s appeals: %v, want %q", who, err, want)
	}
}

// hear decides an appeal and wants that answer ("" = it counts).
func (d *desk) hear(who, entry string, strike bool, want fault.Code) {
	d.Helper()
	d.hearAs(d.as(who), entry, strike, want)
}

func (d *desk) hearAs(who *app.Admin, entry string, strike bool, want fault.Code) {
	d.Helper()
	if err := d.way.decideAppeal(who, entry, strike, "查明属实"); fault.CodeOf(err) != want {
		d.Errorf("%s decides the appeal: %v, want %q", who.Account.ID, err, want)
	}
}

// mayHear wants each to have just these appeals to decide.
func (d *desk) mayHear(want map[string][]string) {
	d.Helper()
	for who, ids := range want {
		if got, err := d.way.appeals(d.as(who)); err != nil || !slices.Equal(got, ids) {
			d.Errorf("%s has %v to decide, %v; want %v", who, got, err, ids)
		}
	}
}

// lateReports runs what enters them, and wants so many suggestions entered.
func (d *desk) lateReports(want int) {
	d.Helper()
	if n, err := d.App.EnterLateReports(context.Background()); err != nil || n != want {
		d.Errorf("%d late reports entered, %v; want %d", n, err, want)
	}
}

// sent is a suggestion with the hall, which reports by the end of Thursday the 3rd of December: the second
// working day after the day it was sent.
func (d *desk) sent() supply.Request {
	d.Helper()
	d.at(on("2026-12-01"), 9, 0)
	r := d.file("P2", more(on("2026-12-09")))
	d.decide("P1", r, true, "")
	d.state(r, supply.Sent)
	return d.get(r.ID)
}

var ledgerCases = []approvalCase{
	{"an entry is appealed by whom it is about, once", func(d *desk) {
		id := d.entered()
		d.appeal("A1", id, fault.EntryNotFound)
		d.appeal("B2", id, fault.EntryNotFound)
		if err := d.way.appeal(d.as("A2"), id, " "); fault.CodeOf(err) != fault.InvalidRequest {
			d.Errorf("without a word: %v", err)
		}
		d.becomes(id, supply.EntryOpen)
		d.appeal("A2", id, "")
		d.becomes(id, supply.EntryAppealed)
		d.appeal("A2", id, fault.NoAppeal)
	}},
	{"an appeal that is upheld strikes the entry, which stays", func(d *desk) {
		id := d.entered()
		d.hear("A1", id, true, fault.NoAppeal)
		d.appeal("A2", id, "")
		d.mayHear(map[string][]string{"A1": {id}, "P1": {id}, "A2": nil, "B1": nil})
		d.hear("A1", id, true, "")
		e := d.becomes(id, supply.EntryStruck)
		if e.Detail.DecidedBy != "A1" || e.Detail.Why != "查明属实" || !e.Detail.DecidedAt.Equal(d.Clock.Now()) || e.Detail.Appeal != "台风来得急" {
			d.Errorf("%+v", e.Detail)
		}
		if list, n, err := d.App.Ledger(context.Background(), d.as("A1"), app.LedgerFilter{}); err != nil || n != 1 || list[0].State != supply.EntryStruck {
			d.Errorf("the ledger shows %+v, %v", list, err)
		}
		if acts := d.Acts(d.T, "ledger", id); !slices.Equal(acts, []string{"ledger.appeal", "ledger.struck"}) {
			d.Errorf("in the log: %v", acts)
		}
		d.mayHear(map[string][]string{"A1": nil, "P1": nil})
		d.hear("P1", id, false, fault.NoAppeal)
		d.appeal("A2", id, fault.NoAppeal)
	}},
	{"an appeal that is refused leaves the entry standing", func(d *desk) {
		id := d.entered()
		d.appeal("A2", id, "")
		if err := d.way.decideAppeal(d.as("A1"), id, false, " "); fault.CodeOf(err) != fault.InvalidRequest {
			d.Errorf("without a reason: %v", err)
		}
		d.hear("A1", id, false, "")
		d.becomes(id, supply.EntryUpheld)
		d.appeal("A2", id, fault.NoAppeal)
	}},
	{"nobody decides the appeal against an entry of their own", func(d *desk) {
		r := d.file("A2", more(on("2026-12-02")))
		d.at(today+2, 0, 1)
		d.escalate(1)
		id := "L" + r.ID[1:] + "-late_decision-A1"
		d.appeal("A1", id, "")
		d.mayHear(map[string][]string{"A1": nil, "A2": nil, "P1": {id}})
		d.hear("A1", id, true, fault.AppealOwn)
		d.hear("A2", id, true, fault.AppealNotYours) // below
		d.open("A1b", account.District1, apptest.DistrictA, "")
		d.hear("A1b", id, true, fault.AppealNotYours) // beside
		d.open("A1n", account.Platform1, "440100000000", "A1")
		d.mayHear(map[string][]string{"A1n": nil})
		d.hear("A1n", id, true, fault.AppealOwn) // took the account over
		d.becomes(id, supply.EntryAppealed)
		d.hear("P1", id, true, "")
	}},
	{"nor from a second account of the same person", func(d *desk) {
		id := d.entered()
		d.appeal("A2", id, "")
		d.close("A2")
		d.change("A1", func(a *store.Account) { a.Mobile = "mobile of A2" })
		d.mayHear(map[string][]string{"A1": nil, "P1": {id}})
		d.hear("A1", id, true, fault.AppealOwn)
		d.hear("P1", id, false, "")
	}},
	{"another district, a level that only suggests and one that operates decide no appeal", func(d *desk) {
		id := d.entered()
		d.appeal("A2", id, "")
		d.hear("B1", id, true, fault.EntryNotFound)
		d.hear("P2", id, true, d.door(fault.AppealNotYours))
		d.hear("SYS", id, true, d.door(fault.EntryNotFound))
		d.becomes(id, supply.EntryAppealed)
	}},
	{"what the platform's first level was entered for another of that level decides", func(d *desk) {
		r := d.file("A1", more(on("2026-12-02")))
		d.at(today+2, 0, 1)
		d.escalate(1)
		id := "L" + r.ID[1:] + "-late_decision-P1"
		d.appeal("P1", id, "")
		d.hear("P1", id, true, fault.AppealOwn)
		d.open("P1b", account.Platform1, "440100000000", "")
		d.mayHear(map[string][]string{"P1b": {id}})
		d.hear("P1b", id, true, "")
	}},
	{"two decide an appeal at once and one wins", func(d *desk) {
		id := d.entered()
		d.appeal("A2", id, "")
		var wg sync.WaitGroup
		got := make([]fault.Code, 2)
		for i, who := range []*app.Admin{d.as("A1"), d.as("P1")} {
			wg.Go(func() { got[i] = fault.CodeOf(d.way.decideAppeal(who, id, i == 0, "查明属实")) })
		}
		wg.Wait()
		slices.Sort(got)
		if got[0] != "" || got[1] != fault.NoAppeal && got[1] != fault.ChangedMeanwhile {
			d.Errorf("answers %v: one wins", got)
		}
		if acts := d.Acts(d.T, "ledger", id); len(acts) != 2 {
			d.Errorf("in the log: %v", acts)
		}
	}},
	{"revoked in the middle hears nobody", func(d *desk) {
		id := d.entered()
		d.appeal("A2", id, "")
		ad := d.as("A1")
		d.close("A1")
		d.hearAs(ad, id, true, fault.SessionEnded)
		d.becomes(id, supply.EntryAppealed)
	}},
	{"an old proof is asked for again before an appeal is decided; a token goes by its scopes", func(d *desk) {
		id := d.entered()
		d.appeal("A2", id, "")
		ad := d.as("A1")
		switch d.way.name() {
		case "api":
			ad.Scopes = []app.Scope{app.ScopeRead, app.ScopeRequests}
			d.hearAs(ad, id, true, fault.NotAllowed)
		default:
			ad.Proved = d.Clock.Now().Add(-app.ReproveAfter - time.Second)
			d.hearAs(ad, id, true, fault.ProveAgain)
		}
		d.becomes(id, supply.EntryAppealed)
	}},
	{"a late report counts and is entered", func(d *desk) {
		r := d.sent()
		d.at(on("2026-12-04"), 0, 1)
		d.answer("A2", r, true, "已加开", "")
		d.state(r, supply.Done)
		d.ledger(r, "late_report A2")
		d.lateReports(0)
	}},
	{"a report in time is not entered", func(d *desk) {
		r := d.sent()
		d.at(on("2026-12-03"), 23, 59)
		d.lateReports(0)
		d.answer("A2", r, true, "已加开", "")
		d.ledger(r)
		d.at(on("2026-12-07"), 9, 0)
		d.lateReports(0)
	}},
	{"the hall that does not report is entered once, and whoever reports then is not", func(d *desk) {
		d.open("A2b", account.District2, apptest.DistrictA, "")
		r := d.sent()
		d.at(on("2026-12-04"), 0, 1)
		d.lateReports(1)
		d.ledger(r, "late_report A2", "late_report A2b")
		d.at(on("2026-12-07"), 9, 0)
		d.lateReports(0)
		d.answer("A1", r, false, "没有窗口", "") // the district helps out
		d.ledger(r, "late_report A2", "late_report A2b")
		d.lateReports(0)
	}},
	{"late reports are entered once by two nodes at once", func(d *desk) {
		r := d.sent()
		d.at(on("2026-12-04"), 0, 1)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := d.App.EnterLateReports(context.Background()); err != nil {
					d.Error(err)
				}
			})
		}
		wg.Wait()
		d.ledger(r, "late_report A2")
		if acts := d.Acts(d.T, "request", r.ID); len(acts) != 3 || acts[2] != "request.report_late" {
			d.Errorf("in the log: %v", acts)
		}
	}},
	{"where nobody carries out the late report stands against the unit", func(d *desk) {
		r := d.sent()
		d.close("A2")
		d.close("A1")
		d.at(on("2026-12-04"), 0, 1)
		d.lateReports(1)
		d.ledger(r, "late_report ")
	}},
	{"what one filed from another account is in no list of what is mine to decide", func(d *desk) {
		r, other := d.file("A2", more(friday)), d.file("AS", total(apptest.HallStreet, apptest.QueueStreet, 14, friday, friday))
		d.close("A2")
		d.change("A1", func(a *store.Account) { a.Mobile = "mobile of A2" })
		if got, err := d.way.toDecide(d.as("A1")); err != nil || !slices.Equal(got, []string{other.ID}) {
			d.Errorf("to decide are %v, %v; want %s", got, err, other.ID)
		}
		d.decide("A1", r, true, fault.RequestOwn)
		// It moves up, and who could not decide is not entered for that.
		d.at(today+2, 0, 1)
		d.escalate(2)
		d.ledger(r, "late_decision ")
		d.ledger(other, "late_decision A1")
		d.upTo(r, account.Platform1)
	}},
	{"of a bundle that is partly decided the rest is decided", func(d *desk) {
		in := shutHall(apptest.HallA, friday, friday)
		in.Targets = append(in.Targets, app.Target{Hall: apptest.HallStreet}, app.Target{Hall: apptest.HallVillage})
		list := d.fileAll("A1", in)
		d.decide("P1", list[1], false, "")
		d.closeHall(apptest.HallVillage)
		if err := d.way.decideBundle(d.as("P1"), list[0].Bundle, true, "好"); err != nil {
			d.Fatal(err)
		}
		d.state(list[0], supply.Done)
		d.state(list[1], supply.Refused)
		d.state(list[2], supply.Waiting) // nothing is approved for a hall that closed
		if err := d.way.decideBundle(d.as("P1"), list[0].Bundle, true, "好"); fault.CodeOf(err) != fault.HallShut {
			d.Errorf("the closed hall: %v", err)
		}
		if err := d.way.decideBundle(d.as("P1"), list[0].Bundle, false, ""); fault.CodeOf(err) != fault.InvalidRequest {
			d.Errorf("refused without a reason: %v", err)
		}
		if err := d.way.decideBundle(d.as("P1"), list[0].Bundle, false, "已停用"); err != nil {
			d.Error(err)
		}
		d.state(list[2], supply.Refused)
		if err := d.way.decideBundle(d.as("P1"), list[0].Bundle, false, "已停用"); fault.CodeOf(err) != fault.RequestDecided {
			d.Errorf("all decided: %v", err)
		}
	}},
	{"a bundle is decided by nobody who asked for it, and found by nobody else", func(d *desk) {
		in := shutHall(apptest.HallA, friday, friday)
		in.Targets = append(in.Targets, app.Target{Hall: apptest.HallStreet})
		list := d.fileAll("A1", in)
		for who, want := range map[string]fault.Code{"A1": fault.RequestOwn, "B1": fault.RequestNotFound, "M1": fault.RequestNotFound} {
			if err := d.way.decideBundle(d.as(who), list[0].Bundle, true, "好"); fault.CodeOf(err) != want {
				d.Errorf("%s: %v, want %q", who, err, want)
			}
		}
		d.state(list[0], supply.Waiting)
		d.state(list[1], supply.Waiting)
	}},
}
