package app

import (
	"context"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// What administrators look after themselves: sign-ins, second factors, password.

// AdminSessionInfo is one sign-in in somebody's list of theirs.
type AdminSessionInfo struct {
	ID       string
	SignedIn time.Time
	Seen     time.Time
	Origin   string
	Current  bool
}

// PasskeyInfo is one passkey.
type PasskeyInfo struct {
	ID, Name      string
	Created, Used time.Time // Used is zero when it never was
}

// Me is what an administrator sees of their own account.
type Me struct {
	Account  account.Account
	Person   account.Person
	TOTP     bool
	Passkeys []PasskeyInfo
	Sessions []AdminSessionInfo
	Tokens   []TokenInfo
}

// Me returns the administrator's own account.
func (a *App) Me(ctx context.Context, ad *Admin) (*Me, error) {
	var me Me
	var row *store.Account
	now := a.now()
	err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		me = Me{}
		if row, err = tx.Account(ctx, ad.Account.ID); err != nil || row == nil {
			return orElse(err, fault.New(fault.SessionEnded))
		}
		keys, err := tx.Passkeys(ctx, row.ID)
		if err != nil {
			return err
		}
		for _, k := range keys {
			me.Passkeys = append(me.Passkeys, PasskeyInfo{ID: k.ID, Name: k.Name, Created: k.CreatedAt, Used: k.UsedAt})
		}
		sessions, err := tx.AdminSessions(ctx, row.ID)
		if err != nil {
			return err
		}
		for _, s := range sessions {
			if now.Before(s.ExpiresAt) && now.Sub(s.SeenAt) <= a.silence(idle(row.Rank)) {
				me.Sessions = append(me.Sessions, AdminSessionInfo{ID: s.ID, SignedIn: s.CreatedAt, Seen: s.SeenAt, Origin: s.Origin, Current: s.ID == ad.Session})
			}
		}
		tokens, err := tx.APITokens(ctx, row.ID)
		for _, t := range tokens {
			me.Tokens = append(me.Tokens, tokenInfo(t))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	me.Account, me.TOTP = row.Account, row.TOTP != nil
	me.Person, err = a.person(row)
	return &me, err
}

// EndAdminSession ends one of the administrator's own sign-ins; "" ends all but this one. It is over at
// once, on every node.
func (a *App) EndAdminSession(ctx context.Context, ad *Admin, id string) error {
	keep := ""
	if id == "" {
		keep = ad.Session
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		if err := tx.EndAdminSessions(ctx, ad.Account.ID, id, keep); err != nil {
			return err
		}
		return tx.Audit(ctx, ad.record("session.end", "account", ad.Account.ID))
	})
}

// changeOwn changes the administrator's own account, which takes a fresh proof.
func (a *App) changeOwn(ctx context.Context, ad *Admin, act string, fn func(*store.Tx, *store.Account) error) error {
	if ad.Scopes != nil {
		return fault.New(fault.NotAllowed)
	}
	if err := a.Proven(ad); err != nil {
		return err
	}
	return a.changeAccount(ctx, ad.Account.ID, func(tx *store.Tx, row *store.Account) (*store.AuditRecord, error) {
		if err := still(ctx, tx, ad); err != nil {
			return nil, err
		}
		if err := fn(tx, row); err != nil {
			return nil, err
		}
		rec := ad.record(act, "account", row.ID)
		return &rec, nil
	})
}

// AddPasskey keeps one more passkey of the administrator's.
func (a *App) AddPasskey(ctx context.Context, ad *Admin, f NewFactor) error {
	return a.changeOwn(ctx, ad, "passkey.add", func(tx *store.Tx, row *store.Account) error {
		have, err := tx.Passkeys(ctx, row.ID)
		if err != nil {
			return err
		}
		if len(have) >= mostPasskeys {
			return fault.InvalidFields(fault.Field{Path: "passkey", Code: fault.OutOfRange})
		}
		key, err := a.newPasskey(row.ID, passkeyName(f.Name), f.State, f.Answer, tx.Now)
		if err != nil {
			return err
		}
		added, err := tx.AddPasskey(ctx, *key)
		if err == nil && !added {
			err = fault.New(fault.PasswordWrong)
		}
		return err
	})
}

// RemovePasskey takes one away, but never the last second factor.
func (a *App) RemovePasskey(ctx context.Context, ad *Admin, id string) error {
	return a.changeOwn(ctx, ad, "passkey.remove", func(tx *store.Tx, row *store.Account) error {
		n, err := tx.RemovePasskeys(ctx, row.ID, id)
		if err != nil {
			return err
		}
		left, err := tx.Passkeys(ctx, row.ID)
		switch {
		case err != nil:
			return err
		case id == "" || n == 0:
			return fault.New(fault.EntryNotFound)
		case len(left) == 0 && row.TOTP == nil:
			return fault.New(fault.FactorMissing)
		}
		return nil
	})
}

// SetTOTP puts an authenticator app in the place of the one before.
func (a *App) SetTOTP(ctx context.Context, ad *Admin, secret, code string) error {
	return a.changeOwn(ctx, ad, "totp.set", func(tx *store.Tx, row *store.Account) error {
		step, ok := checkTOTP(secret, code, 0, tx.Now)
		if !ok {
			return fault.InvalidFields(fault.Field{Path: "code", Code: fault.PasswordWrong})
		}
		row.TOTP, row.TOTPStep = a.vault.Seal([]byte(secret), "totp|"+row.ID), step
		return nil
	})
}

// SetPassword changes the administrator's own password; all other sign-ins end.
func (a *App) SetPassword(ctx context.Context, ad *Admin, password string) error {
	row, err := a.accountByID(ctx, ad.Account.ID)
	if err != nil {
		return err
	}
	p, err := a.person(row)
	if err != nil {
		return err
	}
	if bad := account.CheckPassword(password, a.aboutAccount(row, p)...); bad != "" {
		return fault.InvalidFields(fault.Field{Path: "password", Code: bad})
	}
	kept, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return a.changeOwn(ctx, ad, "password.set", func(tx *store.Tx, row *store.Account) error {
		row.Password = kept
		return tx.EndAdminSessions(ctx, row.ID, "", ad.Session)
	})
}
