package app

import (
	"context"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// Admin is an administrator at work: the account as it stands now, and how they came in.
type Admin struct {
	Account  account.Account
	Session  string // public id of the session, "" for a token
	SignedIn time.Time
	Proved   time.Time // when the person last proved who they are; zero for a token
	Expires  time.Time
	Origin   string  // network they come from, last part left out
	Scopes   []Scope // of a token; nil for a person, who has all the account has
}

// Scope is a part of an account's powers that a token may use.
type Scope string

const (
	ScopeRead      Scope = "read"
	ScopeRequests  Scope = "requests"  // file and withdraw requests, report back
	ScopeDecide    Scope = "decide"    // decide requests
	ScopeDirectory Scope = "directory" // configure
	ScopeAccounts  Scope = "accounts"  // file and confirm accounts
	ScopeSteps     Scope = "steps"     // work the steps of the department (Art. 20)
	ScopeFeed      Scope = "feed"      // speak for a connected system (Art. 5, 6)
)

// Scopes lists them.
var Scopes = []Scope{ScopeRead, ScopeRequests, ScopeDecide, ScopeDirectory, ScopeAccounts, ScopeSteps, ScopeFeed}

// scopeOf says which scope of a token an action needs.
func scopeOf(act account.Action) Scope {
	switch act {
	case account.Configure:
		return ScopeDirectory
	case account.Adjust, account.Suggest, account.CarryOut:
		return ScopeRequests
	case account.Decide:
		return ScopeDecide
	case account.Handle:
		return ScopeSteps
	case account.Manage, account.Keys:
		return ScopeAccounts
	}
	return ScopeRead
}

// has tells whether how they came in lets an administrator do act at all.
func (ad *Admin) has(act account.Action) bool {
	if ad.Scopes == nil {
		return true
	}
	// A token never shows personal data, nor the log, and sits at no counter.
	if act == account.Reveal || act == account.Serve || act == account.ReadLog || act == account.Settings {
		return false
	}
	for _, s := range ad.Scopes {
		if s == scopeOf(act) {
			return true
		}
	}
	return false
}

// May tells whether the administrator may do act over the hall; "" is the platform as a whole.
func (a *App) May(ad *Admin, act account.Action, hall string) bool {
	p, ok := a.City().Place(hall)
	return ok && ad.has(act) && ad.Account.May(act, p)
}

// Allow refuses what the administrator may not do. A hall they may not even see is not found, so that
// nobody learns which there are.
func (a *App) Allow(ad *Admin, act account.Action, hall string) error {
	p, ok := a.City().Place(hall)
	switch {
	case ok && ad.has(act) && ad.Account.May(act, p):
		return nil
	case hall != "" && (!ok || !ad.Account.May(account.Supervise, p) && !ad.Account.May(account.Serve, p)):
		return fault.New(fault.HallNotFound)
	}
	return fault.New(fault.NotAllowed)
}

// Scope returns the halls over which the administrator may do act, as a condition for queries.
func (a *App) Scope(ad *Admin, act account.Action) account.Scope {
	if !ad.has(act) {
		return account.Scope{None: true}
	}
	return ad.Account.Scope(act)
}

// ReproveAfter is how long ago the person may last have proved who they are when they decide, export
// or reveal.
const ReproveAfter = 10 * time.Minute

// Proven refuses a person whose last proof is too old: they are asked for it again, and then go on. A
// token has its own life and is not asked.
func (a *App) Proven(ad *Admin) error {
	if ad.Scopes != nil || a.now().Sub(ad.Proved) <= ReproveAfter {
		return nil
	}
	return fault.New(fault.ProveAgain)
}

// How long an administrator's sign-in lasts.
const adminLife = 12 * time.Hour

// silence is how much passes by the clock while somebody is silent for d.
func (a *App) silence(d time.Duration) time.Duration { return d * time.Duration(a.pace()) }

// idle is how long a sign-in may lie unused. A counter is left for lunch with its page open.
func idle(r account.Rank) time.Duration {
	if r == account.Clerk {
		return 2 * time.Hour
	}
	return 30 * time.Minute
}

// Admin returns who holds the token of a sign-in. Account and session are read with each request, never
// from memory: a power taken away works at once, on every node.
func (a *App) Admin(ctx context.Context, token string) (*Admin, error) {
	if token == "" {
		return nil, fault.New(fault.SignInRequired)
	}
	if len(token) > 128 {
		return nil, fault.New(fault.SessionEnded)
	}
	now := a.now()
	var row *store.AdminSession
	var acc *account.Account
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		row, acc, err = tx.AdminSession(ctx, a.vault.TokenHash(token))
		return err
	}); err != nil {
		return nil, err
	}
	if row == nil || !row.EndedAt.IsZero() || !acc.Active() || !now.Before(row.ExpiresAt) || now.Sub(row.SeenAt) > a.silence(idle(acc.Rank)) {
		return nil, fault.New(fault.SessionEnded)
	}
	if now.Sub(row.SeenAt) > time.Minute {
		if err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.TouchAdminSession(ctx, row.ID, now, time.Time{}) }); err != nil {
			return nil, err
		}
	}
	return &Admin{
		Account: *acc, Session: row.ID, SignedIn: row.CreatedAt, Proved: row.ProvedAt, Expires: row.ExpiresAt, Origin: row.Origin,
	}, nil
}

// openAdminSession signs an account in within tx and returns the secret the browser keeps. The caller
// has checked every factor.
func (a *App) openAdminSession(ctx context.Context, tx *store.Tx, account, origin string) (token string, err error) {
	token = secret(32)
	return token, tx.AddAdminSession(ctx, store.AdminSession{
		TokenHash: a.vault.TokenHash(token), ID: publicID(), Account: account,
		CreatedAt: tx.Now, SeenAt: tx.Now, ProvedAt: tx.Now, ExpiresAt: tx.Now.Add(adminLife), Origin: origin,
	})
}

// still reads the account of an administrator again within the transaction of what they do: who was
// closed in the middle does nothing. A request under an idempotency key claims it here, so that what is
// done under one is done once.
func still(ctx context.Context, tx *store.Tx, ad *Admin) error {
	row, err := tx.Account(ctx, ad.Account.ID)
	if err != nil {
		return err
	}
	if row == nil || !row.Active() || row.Rank != ad.Account.Rank || row.Unit != ad.Account.Unit {
		return fault.New(fault.SessionEnded)
	}
	return tx.ClaimKey(ctx)
}

// Place returns where a hall is in the tree; the empty place, and true, for "", the platform itself.
func (c *City) Place(hall string) (account.Place, bool) {
	if hall == "" {
		return account.Place{}, true
	}
	h := c.halls[hall]
	if h == nil {
		return account.Place{}, false
	}
	return c.PlaceOfUnit(h.UnitID, h.ID, h.Level), true
}

// PlaceOfUnit is the place of a hall at a unit.
func (c *City) PlaceOfUnit(unit, hall string, level directory.HallLevel) account.Place {
	p := account.Place{Hall: hall, Level: level, Unit: unit}
	u := c.units[unit]
	for i := 0; u != nil && u.ParentID != "" && i < 8; i++ {
		p.Above = append(p.Above, u.ParentID)
		u = c.units[u.ParentID]
	}
	return p
}
