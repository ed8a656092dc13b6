package app

import (
	"context"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// AccountView is an account as those see it who look after it. The name is masked.
type AccountView struct {
	account.Account
	Name   string
	Locked time.Time // until when, zero = not
	Since  time.Time // when it was made
}

// AccountFilter narrows a list of accounts.
type AccountFilter struct {
	Rank   account.Rank
	State  account.State
	Unit   string
	ID     string // beginning of a number
	Locked bool
	Sort   string // id, rank, unit, state, created
	Desc   bool
	From   int
	Limit  int
	Walk   *Walk // in place of order, From and Limit
}

// Accounts returns one page of the accounts the administrator looks after, and how many there are.
func (a *App) Accounts(ctx context.Context, ad *Admin, f AccountFilter) (page []AccountView, total int, err error) {
	scope := ad.Account.Accounts()
	if scope.None || !ad.has(account.Manage) {
		return nil, 0, fault.New(fault.NotAllowed)
	}
	var rows []store.Account
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		rows, total, err = tx.FindAccounts(ctx, store.AccountQuery{
			Scope: scope, Rank: f.Rank, State: f.State, Unit: f.Unit, ID: strings.ToUpper(strings.TrimSpace(f.ID)), Locked: f.Locked,
			Sort: f.Sort, Desc: f.Desc, From: f.From, Limit: min(max(f.Limit, 1), 200), Walk: f.Walk,
		})
		return err
	}); err != nil {
		return nil, 0, err
	}
	for i := range rows {
		v, err := a.accountView(&rows[i])
		if err != nil {
			return nil, 0, err
		}
		page = append(page, v)
	}
	return page, total, nil
}

func (a *App) accountView(row *store.Account) (v AccountView, err error) {
	p, err := a.person(row)
	v = AccountView{Account: row.Account, Name: identity.MaskName(p.Name), Since: row.CreatedAt}
	if a.now().Before(row.LockedUntil) {
		v.Locked = row.LockedUntil
	}
	return v, err
}

// AccountEvent is an entry of an account's history: what was done to it, and with it as far as it
// concerns accounts.
type AccountEvent struct {
	At      time.Time
	Act     string
	Account string // who did it, "" for the system
	Why     string
	From    string
}

// AccountDetail is one account with what the administrator may do to it.
type AccountDetail struct {
	AccountView
	Duty    string
	Mobile  string // masked
	TOTP    bool
	Keys    int
	History []AccountEvent // newest first
	Manages bool           // may reset, close, hand over
	Unlock  bool
	Reveal  bool
}

// AccountByID returns an account the administrator looks after, or their own.
func (a *App) AccountByID(ctx context.Context, ad *Admin, id string) (d *AccountDetail, err error) {
	if !ad.has(account.Manage) {
		return nil, fault.New(fault.NotAllowed)
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		row, at, err := a.inScope(ctx, tx, ad, id)
		if err != nil {
			return err
		}
		d = &AccountDetail{TOTP: row.TOTP != nil}
		if d.AccountView, err = a.accountView(row); err != nil {
			return err
		}
		p, err := a.person(row)
		if err != nil {
			return err
		}
		keys, err := tx.Passkeys(ctx, row.ID)
		if err != nil {
			return err
		}
		d.Keys, d.Duty, d.Mobile = len(keys), p.Duty, identity.MaskPhone(p.Mobile)
		d.Manages = manages(ad, row, at)
		d.Unlock = !d.Locked.IsZero() && unlocks(ad, row, at)
		d.Reveal = ad.Scopes == nil && !ad.Account.Scope(account.Reveal).None
		events, err := tx.FindAudit(ctx, store.AuditFilter{Noun: "account", Key: row.ID}, 100)
		for _, e := range events {
			rec, err := e.Record()
			if err != nil {
				return err
			}
			d.History = append(d.History, AccountEvent{At: e.At, Act: e.Act, Account: e.Account, Why: rec.Why, From: rec.From})
		}
		return err
	})
	return d, err
}

// inScope reads an account that the administrator looks after, or their own; any other is not found.
func (a *App) inScope(ctx context.Context, tx *store.Tx, ad *Admin, id string) (*store.Account, account.Seat, error) {
	row, err := tx.Account(ctx, id)
	if err != nil {
		return nil, account.Seat{}, err
	}
	if row != nil {
		if at, ok := a.seat(row.Unit); ok && (row.ID == ad.Account.ID || ad.Account.Accounts().Has(row.Rank, at)) {
			return row, at, nil
		}
	}
	return nil, account.Seat{}, fault.New(fault.AccountNotFound)
}

func manages(ad *Admin, row *store.Account, at account.Seat) bool {
	return row.State != account.Closed && row.ID != ad.Account.ID && ad.Account.Above(row.Rank, at)
}

// unlocks: the superior, or the security role, whose task lock-outs are.
func unlocks(ad *Admin, row *store.Account, at account.Seat) bool {
	return manages(ad, row, at) || row.ID != ad.Account.ID && ad.Account.May(account.Keys, account.Place{})
}

// RevealAccount shows who holds an account, for whom names may be shown to; it is entered in the log.
func (a *App) RevealAccount(ctx context.Context, ad *Admin, id string) (p account.Person, err error) {
	if ad.Scopes != nil || ad.Account.Scope(account.Reveal).None {
		return p, fault.New(fault.NotAllowed)
	}
	if err := a.Proven(ad); err != nil {
		return p, err
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		row, _, err := a.inScope(ctx, tx, ad, id)
		if err != nil {
			return err
		}
		if p, err = a.person(row); err != nil {
			return err
		}
		return tx.Audit(ctx, ad.record("account.reveal", "account", id))
	})
	return p, err
}

// ResetAccount takes away password, second factors, sign-ins and tokens of an account whose person has
// lost them, and returns the one-time link to set them anew; an account not opened yet gets another
// link. The superior does it, with a reason.
func (a *App) ResetAccount(ctx context.Context, ad *Admin, id, why string) (link Link, err error) {
	var phone string
	err = a.manageAccount(ctx, ad, id, why, "account.reset", manages, func(tx *store.Tx, row *store.Account) (err error) {
		p, err := a.person(row)
		if err != nil {
			return err
		}
		phone = p.Mobile
		purpose := LinkOpen
		if row.State == account.Open {
			purpose = LinkReset
		}
		if err := a.emptyAccount(ctx, tx, row); err != nil {
			return err
		}
		link, err = a.invite(ctx, tx, row.ID, purpose)
		return err
	})
	if err != nil {
		return Link{}, err
	}
	a.tell(ctx, carried{link: &link, phone: phone})
	return link, nil
}

// UnlockAccount ends a lock-out before its time.
func (a *App) UnlockAccount(ctx context.Context, ad *Admin, id, why string) error {
	return a.manageAccount(ctx, ad, id, why, "account.unlock", unlocks, func(_ *store.Tx, row *store.Account) error {
		row.Failures, row.LockedUntil = 0, time.Time{}
		return nil
	})
}

// manageAccount changes an account of somebody else's, by whom may and with a reason.
func (a *App) manageAccount(ctx context.Context, ad *Admin, id, why, act string, may func(*Admin, *store.Account, account.Seat) bool, fn func(*store.Tx, *store.Account) error) error {
	why = strings.TrimSpace(why)
	if bad := account.CheckText(why, account.MostReason); bad != "" {
		return fault.InvalidFields(fault.Field{Path: "why", Code: bad})
	}
	if ad.Scopes != nil {
		return fault.New(fault.NotAllowed)
	}
	if err := a.Proven(ad); err != nil {
		return err
	}
	return a.changeAccount(ctx, id, func(tx *store.Tx, row *store.Account) (*store.AuditRecord, error) {
		if err := still(ctx, tx, ad); err != nil {
			return nil, err
		}
		_, at, err := a.inScope(ctx, tx, ad, id)
		switch {
		case err != nil:
			return nil, err
		case row.State == account.Closed:
			return nil, fault.New(fault.AccountClosed)
		case !may(ad, row, at):
			return nil, fault.New(fault.NotAllowed)
		}
		if err := fn(tx, row); err != nil {
			return nil, err
		}
		rec := ad.record(act, "account", id)
		rec.Why = why
		return &rec, nil
	})
}

// UnitsToFile lists the units for which the administrator may file accounts of a rank.
func (a *App) UnitsToFile(ad *Admin, r account.Rank) (out []*directory.Unit) {
	var walk func(*directory.Unit)
	walk = func(u *directory.Unit) {
		if at, ok := a.seat(u.ID); ok && r.At(at.Kind) && ad.Account.Above(r, at) {
			out = append(out, u)
		}
		for _, b := range a.City().Below(u.ID) {
			walk(b)
		}
	}
	if root := a.City().Root(); root != nil {
		walk(root)
	}
	return out
}
