package app

import (
	"context"
	"slices"
	"strings"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// The violation ledger of Art. 23: what the system enters, and what those it is about say against it.

// LedgerEntry is one breach of Art. 23, written by the system.
type LedgerEntry = store.LedgerEntry

// LedgerFilter narrows the violation ledger.
type LedgerFilter struct {
	Kind     supply.Breach
	State    supply.EntryState
	Mine     bool  // about who looks
	ToDecide bool  // appealed, and for who looks to decide
	Page     int   // from 0
	Size     int   // 0 = 25
	Walk     *Walk // in place of Page and Size
}

// Ledger returns the entries about halls an administrator may supervise, newest first, and how many there
// are (Art. 23).
func (a *App) Ledger(ctx context.Context, ad *Admin, f LedgerFilter) (list []LedgerEntry, all int, err error) {
	q := store.LedgerQuery{Scope: a.Scope(ad, account.Supervise), Kind: f.Kind, State: f.State, Limit: f.Size, Walk: f.Walk}
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 25
	}
	q.Offset = max(f.Page, 0) * q.Limit
	if f.Mine {
		if q.Account = ad.Account.ID; a.speaks(ad, ad.Account.Unit) {
			q.OrUnit = ad.Account.Unit
		}
	}
	if f.ToDecide {
		if f.State != "" && f.State != supply.EntryAppealed {
			return nil, 0, nil
		}
		q.Scope, q.State = a.Scope(ad, account.Decide), supply.EntryAppealed
		q.NotBy, q.NotFor, q.Of, q.NotUnit = relatedTo(ad.Account), ad.Account.ID, []account.Rank{}, ad.Account.Unit
		for _, r := range account.Ranks {
			if ad.Account.Rank.Oversees(r) {
				q.Of = append(q.Of, r)
			}
		}
		if len(q.Of) == 0 {
			return nil, 0, nil
		}
	}
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, all, err = tx.Ledger(ctx, q)
		return err
	})
	return list, all, err
}

// EntryView is an entry of the ledger with what the one who looks may do.
type EntryView struct {
	LedgerEntry
	About     *supply.Request // nil where it is not there any more
	Rank      account.Rank    // of the account it is about, "" for none
	Own       bool            // about the one who looks
	Appealing bool            // they may say something against it
	Decidable bool            // they may decide what was said
}

// Entry returns an entry about a hall the administrator may supervise.
func (a *App) Entry(ctx context.Context, ad *Admin, id string) (v EntryView, err error) {
	if !ad.has(account.Supervise) {
		return v, fault.New(fault.NotAllowed)
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		e, p, err := a.entry(ctx, tx, ad, id)
		if err != nil {
			return err
		}
		v = EntryView{LedgerEntry: e, Own: a.owns(ad, e)}
		if v.About, err = tx.Request(ctx, e.Request); err != nil {
			return err
		}
		subject, err := tx.Account(ctx, e.Account)
		if err != nil {
			return err
		}
		if subject != nil {
			v.Rank = subject.Rank
		}
		v.Appealing = v.Own && e.State == supply.EntryOpen && ad.appeals()
		if ad.has(account.Decide) && e.State == supply.EntryAppealed {
			v.Decidable, err = a.hears(ctx, tx, ad, e, p)
		}
		return err
	})
	return v, err
}

// entry reads an entry; one about a hall that the administrator may not supervise is not found.
func (a *App) entry(ctx context.Context, tx *store.Tx, ad *Admin, id string) (e LedgerEntry, p account.Place, err error) {
	found, err := tx.LedgerEntry(ctx, id)
	if err != nil {
		return e, p, err
	}
	if found != nil {
		p, _ = a.City().Place(found.HallID)
	}
	if found == nil || !ad.Account.May(account.Supervise, p) {
		return e, p, fault.New(fault.EntryNotFound)
	}
	return *found, p, nil
}

// speaks tells whether an administrator speaks for a unit: is of the rank that does there.
func (a *App) speaks(ad *Admin, unit string) bool {
	u := a.City().Unit(unit)
	return u != nil && ad.Account.Unit == unit && ad.Account.Rank == account.Speaker(u.Kind)
}

// owns tells whether an entry is about the administrator, or about the unit they speak for.
func (a *App) owns(ad *Admin, e LedgerEntry) bool {
	if e.Kind.OfUnit() {
		return a.speaks(ad, e.UnitID)
	}
	return e.Account == ad.Account.ID
}

// bothSides reads the accounts of who decides about an entry and whom it is about. one is that both are one
// person's.
func (a *App) bothSides(ctx context.Context, tx *store.Tx, ad *Admin, e LedgerEntry) (who, subject account.Account, one bool, err error) {
	me, err := tx.Account(ctx, ad.Account.ID)
	if err != nil {
		return who, subject, false, err
	}
	if u := a.City().Unit(e.UnitID); e.Kind.OfUnit() && u != nil && me != nil {
		return me.Account, account.Account{ID: "unit " + u.ID, Rank: account.Speaker(u.Kind), Unit: u.ID, State: account.Open}, false, nil
	}
	of, err := tx.Account(ctx, e.Account)
	if err != nil || me == nil || of == nil {
		return ad.Account, subject, false, err
	}
	return me.Account, of.Account, me.Mobile == of.Mobile, nil
}

// hears tells whether the administrator may decide what is said against an entry.
func (a *App) hears(ctx context.Context, tx *store.Tx, ad *Admin, e LedgerEntry, p account.Place) (bool, error) {
	who, subject, one, err := a.bothSides(ctx, tx, ad, e)
	return err == nil && !one && who.Hears(subject, p), err
}

// appeals tells whether how they came in lets an administrator appeal: a token by the scope of requests.
func (ad *Admin) appeals() bool { return ad.Scopes == nil || slices.Contains(ad.Scopes, ScopeRequests) }

// reason reads why something is done: it is needed, and not longer than a request's.
func reason(why string) (string, error) {
	why = strings.TrimSpace(why)
	switch {
	case why == "":
		return why, fault.InvalidFields(fault.Field{Path: "why", Code: fault.Required})
	case len([]rune(why)) > mostReason:
		return why, fault.InvalidFields(fault.Field{Path: "why", Code: fault.TooLong})
	}
	return why, nil
}

// Appeal records what the account an entry is about has to say against it, once.
func (a *App) Appeal(ctx context.Context, ad *Admin, entry, why string) error {
	why, err := reason(why)
	if err != nil {
		return err
	}
	if !ad.appeals() {
		return fault.New(fault.NotAllowed)
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		e, _, err := a.entry(ctx, tx, ad, entry)
		switch {
		case err != nil:
			return err
		case !a.owns(ad, e):
			return fault.New(fault.EntryNotFound)
		case e.State != supply.EntryOpen:
			return fault.New(fault.NoAppeal)
		}
		e.State, e.Detail.Appeal, e.Detail.AppealedAt = supply.EntryAppealed, why, tx.Now
		return a.saveEntry(ctx, tx, ad, e, supply.EntryOpen, "ledger.appeal", why)
	})
}

// DecideAppeal upholds what was said against an entry, so that it is struck, or refuses it, with a reason
// (Art. 23): a level above whom the entry is about, for a hall it may decide for, and nobody about their
// own, not by a second account either.
func (a *App) DecideAppeal(ctx context.Context, ad *Admin, entry string, strike bool, why string) error {
	if err := a.Proven(ad); err != nil {
		return err
	}
	if !ad.has(account.Decide) {
		return fault.New(fault.NotAllowed)
	}
	why = strings.TrimSpace(why)
	if len([]rune(why)) > mostReason {
		return fault.InvalidFields(fault.Field{Path: "why", Code: fault.TooLong})
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		e, p, err := a.entry(ctx, tx, ad, entry)
		if err != nil {
			return err
		}
		who, subject, one, err := a.bothSides(ctx, tx, ad, e)
		if err != nil {
			return err
		}
		if one {
			return fault.New(fault.AppealOwn)
		}
		after, refused := e.State.DecideAppeal(who, subject, p, strike, why)
		if refused != nil {
			return refused
		}
		was := e.State
		e.State, e.Detail.DecidedBy, e.Detail.DecidedAt, e.Detail.Why = after, ad.Account.ID, tx.Now, why
		return a.saveEntry(ctx, tx, ad, e, was, "ledger."+string(after), why)
	})
}

// saveEntry writes what became of an entry, and the audit. The state decides between two who act at once.
func (a *App) saveEntry(ctx context.Context, tx *store.Tx, ad *Admin, e LedgerEntry, was supply.EntryState, act, why string) error {
	saved, err := tx.SaveLedger(ctx, e, was)
	if err != nil || !saved {
		return orElse(err, fault.New(fault.ChangedMeanwhile))
	}
	rec := ad.record(act, "ledger", e.ID)
	rec.Hall, rec.Why = e.HallID, why
	rec.Before, rec.After = mustJSON(map[string]any{"state": was}), mustJSON(map[string]any{"state": e.State})
	return tx.Audit(ctx, rec)
}

// EnterLateReports enters whoever should have reported by now on a suggestion sent to their hall (Art. 8,
// 23), each once, and returns how many suggestions that were. It may run at any time and on several nodes
// at once.
func (a *App) EnterLateReports(ctx context.Context) (int, error) {
	var due []supply.Request
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.Unreported(ctx, tx.Now, 200)
		return err
	}); err != nil {
		return 0, err
	}
	n := 0
	for _, r := range due {
		did := false
		if err := a.db.Update(ctx, func(tx *store.Tx) error {
			did = false
			now, err := tx.Request(ctx, r.ID)
			if err != nil || now == nil || !now.Unreported(tx.Now) {
				return err
			}
			did, err = a.enterLateReport(ctx, tx, *now)
			if err != nil || !did {
				return err
			}
			return tx.Audit(ctx, store.AuditRecord{Act: "request.report_late", Noun: "request", Key: r.ID, Hall: r.HallID})
		}); err != nil {
			return n, err
		}
		if did {
			n++
		}
	}
	return n, nil
}

// enterLateReport enters those who should have reported on a suggestion: of the ranks that carry out at
// its hall the lowest that anybody holds; where nobody does, the entry stands against the unit. false is
// that it was entered before.
func (a *App) enterLateReport(ctx context.Context, tx *store.Tx, r supply.Request) (bool, error) {
	p, _ := a.City().Place(r.HallID)
	var late []account.Account
	for _, rank := range slices.Backward(account.Ranks) {
		list, err := tx.OfficersAt(ctx, rank, append([]string{p.Unit}, p.Above...), "")
		if err != nil {
			return false, err
		}
		if late = slices.DeleteFunc(list, func(who account.Account) bool { return !who.May(account.CarryOut, p) }); len(late) > 0 {
			break
		}
	}
	if len(late) == 0 {
		late = []account.Account{{}}
	}
	var entries []store.LedgerEntry
	for _, who := range late {
		entries = append(entries, entriesFor(r, who.ID, []supply.Breach{supply.LateReport})...)
	}
	n, err := tx.AddLedger(ctx, entries)
	return n > 0, err
}
