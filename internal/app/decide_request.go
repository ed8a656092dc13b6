package app

import (
	"context"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// carryNow is how long an approval waits for its slots to be changed. What takes longer goes on by itself.
const carryNow = 8 * time.Second

// request reads a request and the accounts of who acts and who asked within the transaction of an act. It is
// not found where the administrator may not even supervise.
func (a *App) request(ctx context.Context, tx *store.Tx, ad *Admin, id string, version int) (r supply.Request, who, asker store.Account, p account.Place, err error) {
	if err = still(ctx, tx, ad); err != nil {
		return
	}
	found, err := tx.Request(ctx, id)
	if err != nil {
		return
	}
	if found != nil {
		p, _ = a.City().Place(found.HallID)
	}
	if found == nil || !ad.Account.May(account.Supervise, p) {
		err = fault.New(fault.RequestNotFound)
		return
	}
	r = *found
	me, err := tx.Account(ctx, ad.Account.ID)
	if err != nil {
		return
	}
	filer, err := tx.Account(ctx, r.FiledBy)
	if err != nil {
		return
	}
	if filer == nil {
		filer = &store.Account{}
	}
	who, asker = *me, *filer
	if r.Version != version {
		if err = fault.New(fault.ChangedMeanwhile); r.State != supply.Waiting && r.State != supply.Sent {
			err = fault.New(fault.RequestDecided, "state", string(r.State))
		}
	}
	return
}

// save writes what became of a request, its history, its ledger and the audit, in this order. The version
// decides between two who act at once.
func (a *App) save(ctx context.Context, tx *store.Tx, ad *Admin, before, after supply.Request, kind, why string, entries []store.LedgerEntry) (supply.Request, error) {
	saved, err := tx.SaveRequest(ctx, &after)
	if err != nil {
		return after, err
	}
	if !saved {
		return after, fault.New(fault.ChangedMeanwhile)
	}
	if err := tx.AddRequestEvent(ctx, after.ID, store.RequestEvent{Kind: kind, Account: ad.Account.ID, Text: why}); err != nil {
		return after, err
	}
	if after.State == supply.Approved {
		var queues [][2]string
		for _, q := range a.queuesOf(Target{after.HallID, after.QueueID}) {
			queues = append(queues, [2]string{q.HallID, q.ID})
		}
		if err := tx.AddAdjustments(ctx, after.ID, queues, after.Change); err != nil {
			return after, err
		}
	}
	if _, err := tx.AddLedger(ctx, entries); err != nil {
		return after, err
	}
	if err := a.markRequests(ctx, tx, after); err != nil {
		return after, err
	}
	return after, tx.Audit(ctx, a.record(ad, "request."+kind, after, map[string]any{"state": before.State, "up_to": before.UpTo}, why))
}

// DecideRequest approves or refuses a request at the version the administrator saw (Art. 23): the rank it
// is up to, for a hall it may decide for, and nobody their own, not by a second account either. An approved
// request is carried out at once as far as that is quick, and by itself otherwise.
func (a *App) DecideRequest(ctx context.Context, ad *Admin, id string, version int, approve bool, why string) (supply.Request, error) {
	out, err := a.decideRequest(ctx, ad, id, version, approve, why)
	if err != nil {
		return out, err
	}
	return a.finish(ctx, out)
}

// DecideBundle decides alike whatever of a bundle waits for the administrator, and returns how many that
// were. What somebody else decides meanwhile stays as they decided it, and what cannot be decided so
// waits on; when that is all of it the error says why. Approved ones are carried out together, so that
// nobody is moved from one hall into another that closes too.
func (a *App) DecideBundle(ctx context.Context, ad *Admin, bundle string, approve bool, why string) (decided int, err error) {
	if err := a.Proven(ad); err != nil {
		return 0, err
	}
	if !ad.has(account.Decide) {
		return 0, fault.New(fault.NotAllowed)
	}
	list, err := a.bundle(ctx, ad, bundle)
	if err != nil {
		return 0, err
	}
	var refused error
	for _, r := range list {
		switch _, err := a.decideRequest(ctx, ad, r.ID, r.Version, approve, why); fault.CodeOf(err) {
		case "":
			decided++
		case fault.ChangedMeanwhile, fault.RequestDecided, fault.RequestOver, fault.HallShut, fault.RequestNotYours, fault.RequestOwn:
			if refused == nil {
				refused = err
			}
		default:
			return decided, err
		}
	}
	if decided == 0 {
		return 0, refused
	}
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), carryNow)
	defer cancel()
	if _, err := a.CarryOut(work); err != nil {
		a.log.Warn("an approved bundle is carried out later", "bundle", bundle, "error", err)
	}
	return decided, nil
}

// bundle returns what of a bundle waits for the administrator; where nothing does, one request of it that
// they may see, which tells why.
func (a *App) bundle(ctx context.Context, ad *Admin, bundle string) (list []supply.Request, err error) {
	if bundle == "" {
		return nil, fault.New(fault.RequestNotFound)
	}
	if list, _, err = a.Requests(ctx, ad, RequestFilter{Bundle: bundle, ToDecide: true, Size: mostTargets}); err != nil || len(list) > 0 {
		return list, err
	}
	q := store.RequestQuery{Bundle: bundle, Scope: ad.Account.Scope(account.Supervise), Limit: 1}
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		q.State = supply.Waiting
		if list, _, err = tx.Requests(ctx, q); err != nil || len(list) > 0 {
			return err
		}
		q.State = ""
		list, _, err = tx.Requests(ctx, q)
		return err
	})
	if err == nil && len(list) == 0 {
		err = fault.New(fault.RequestNotFound)
	}
	return list, err
}

func (a *App) decideRequest(ctx context.Context, ad *Admin, id string, version int, approve bool, why string) (supply.Request, error) {
	if err := a.Proven(ad); err != nil {
		return supply.Request{}, err
	}
	why = strings.TrimSpace(why)
	if len([]rune(why)) > mostReason {
		return supply.Request{}, fault.InvalidFields(fault.Field{Path: "why", Code: fault.TooLong})
	}
	if !ad.has(account.Decide) {
		return supply.Request{}, fault.New(fault.NotAllowed)
	}
	var out supply.Request
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		before, who, asker, p, err := a.request(ctx, tx, ad, id, version)
		if err != nil {
			return err
		}
		if who.Mobile == asker.Mobile {
			return fault.New(fault.RequestOwn)
		}
		if approve {
			if err := a.shut(before.HallID, before.QueueID); err != nil {
				return err
			}
		}
		after, breaches, refused := before.Decide(tx.Now, who.Account, asker.Account, p, approve, why, a.Calendar(), a.Rules(calendar.DateOf(tx.Now)))
		if refused != nil {
			return refused
		}
		kind := map[supply.State]string{supply.Approved: "approved", supply.Sent: "sent", supply.Refused: "refused"}[after.State]
		out, err = a.save(ctx, tx, ad, before, after, kind, why, entriesFor(before, ad.Account.ID, breaches))
		return err
	})
	return out, err
}

// finish carries an approved request out while its administrator waits, for a while.
func (a *App) finish(ctx context.Context, r supply.Request) (supply.Request, error) {
	if r.State != supply.Approved {
		return r, nil
	}
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), carryNow)
	defer cancel()
	if err := a.carryOut(work, r.ID); err != nil {
		a.log.Warn("an approved request is carried out later", "request", r.ID, "error", err)
		return r, nil
	}
	err := a.db.View(work, func(tx *store.Tx) error {
		now, err := tx.Request(work, r.ID)
		if err == nil && now != nil {
			r = *now
		}
		return err
	})
	return r, err
}

// WithdrawRequest takes back a request nobody has decided: who filed it, or took that account over.
func (a *App) WithdrawRequest(ctx context.Context, ad *Admin, id string, version int) (supply.Request, error) {
	var out supply.Request
	if !ad.has(account.Adjust) {
		return out, fault.New(fault.NotAllowed)
	}
	return out, a.db.Update(ctx, func(tx *store.Tx) error {
		before, who, asker, _, err := a.request(ctx, tx, ad, id, version)
		if err != nil {
			return err
		}
		after, refused := before.Withdraw(who.Account, asker.Account)
		if refused != nil {
			return refused
		}
		out, err = a.save(ctx, tx, ad, before, after, "withdrawn", "", nil)
		return err
	})
}

// AnswerSuggestion is the hall's report on a suggestion of the platform that was approved and sent to it
// (Art. 8): with done the change is made now, else the report says why it cannot be. A late one is entered
// in the ledger.
func (a *App) AnswerSuggestion(ctx context.Context, ad *Admin, id string, version int, done bool, report string) (supply.Request, error) {
	var out supply.Request
	report = strings.TrimSpace(report)
	if len([]rune(report)) > mostReason {
		return out, fault.InvalidFields(fault.Field{Path: "report", Code: fault.TooLong})
	}
	if !ad.has(account.CarryOut) {
		return out, fault.New(fault.NotAllowed)
	}
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		before, who, _, p, err := a.request(ctx, tx, ad, id, version)
		if err != nil {
			return err
		}
		after, breaches, refused := before.Answer(tx.Now, who.Account, p, done, report)
		if refused != nil {
			return refused
		}
		if len(breaches) > 0 { // unless those who should have reported are entered already
			_, entered, err := tx.Ledger(ctx, store.LedgerQuery{Request: id, Kind: supply.LateReport, Limit: 1})
			if err != nil {
				return err
			}
			if entered > 0 {
				breaches = nil
			}
		}
		kind := "impossible"
		if done {
			if kind = "reported"; a.shut(before.HallID, before.QueueID) != nil {
				return fault.New(fault.HallShut)
			}
		}
		out, err = a.save(ctx, tx, ad, before, after, kind, report, entriesFor(before, ad.Account.ID, breaches))
		return err
	})
	if err != nil {
		return out, err
	}
	return a.finish(ctx, out)
}

// EscalateRequests moves overdue requests up a level and enters whoever should have decided in the ledger
// (Art. 23). It returns how many; it may run at any time and on several nodes at once.
func (a *App) EscalateRequests(ctx context.Context) (int, error) {
	now := a.now()
	var due []supply.Request
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.RequestsDue(ctx, supply.Waiting, now, 200)
		return err
	}); err != nil {
		return 0, err
	}
	moved := 0
	for _, r := range due {
		did, err := a.escalate(ctx, r.ID)
		if err != nil {
			return moved, err
		}
		if did {
			moved++
		}
	}
	return moved, a.db.Update(ctx, func(tx *store.Tx) error { return tx.AdjustmentsOver(ctx, calendar.DateOf(tx.Now)) })
}

func (a *App) escalate(ctx context.Context, id string) (did bool, err error) {
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		did = false
		r, err := tx.Request(ctx, id)
		if err != nil || r == nil || !r.Overdue(tx.Now) {
			return err
		}
		asker, err := tx.Account(ctx, r.FiledBy)
		if err != nil {
			return err
		}
		if asker == nil {
			asker = &store.Account{}
		}
		p, _ := a.City().Place(r.HallID)
		late, err := a.decidersOf(ctx, tx, asker.Account, r.UpTo, p)
		if err != nil {
			return err
		}
		if len(late) == 0 {
			late = []account.Account{{}} // nobody holds that rank: the entry stands against the unit
		}
		var entries []store.LedgerEntry
		for _, who := range late {
			entries = append(entries, entriesFor(*r, who.ID, []supply.Breach{supply.LateDecision})...)
		}
		next, err := a.decider(ctx, tx, asker.Account, r.UpTo, r.HallID)
		if err != nil {
			return err
		}
		up := r.Escalate(tx.Now, next, a.Calendar(), a.Rules(calendar.DateOf(tx.Now)))
		if did, err = tx.SaveRequest(ctx, &up); err != nil || !did {
			return err
		}
		if err := tx.AddRequestEvent(ctx, id, store.RequestEvent{Kind: "escalated", Text: string(up.UpTo)}); err != nil {
			return err
		}
		if _, err := tx.AddLedger(ctx, entries); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditRecord{Act: "request.escalate", Noun: "request", Key: id, Hall: r.HallID,
			Before: mustJSON(map[string]any{"up_to": r.UpTo}), After: mustJSON(map[string]any{"up_to": up.UpTo})})
	})
	return did, err
}
