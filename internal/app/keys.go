package app

import (
	"context"
	"strings"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// What the security role does about the tokens of others (三員): sees that they are there, and ends one
// that has leaked. It never sees a secret, and makes none.

// HeldToken is a token with whose it is.
type HeldToken struct {
	TokenInfo
	Account string
}

// HeldTokens lists the tokens of all accounts that are good now, of those whose id begins with of.
func (a *App) HeldTokens(ctx context.Context, ad *Admin, of string, from, limit int) (list []HeldToken, total int, err error) {
	if err := a.Allow(ad, account.Keys, ""); err != nil {
		return nil, 0, err
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		rows, n, err := tx.LiveAPITokens(ctx, of, from, limit)
		list, total = nil, n
		for _, t := range rows {
			list = append(list, HeldToken{tokenInfo(t), t.Account})
		}
		return err
	})
	return list, total, err
}

// EndTokenOf ends a token of another account, with a reason, at once and on every node.
func (a *App) EndTokenOf(ctx context.Context, ad *Admin, of, id, why string) error {
	if err := a.Allow(ad, account.Keys, ""); err != nil {
		return err
	}
	if err := a.Proven(ad); err != nil {
		return err
	}
	if why = strings.TrimSpace(why); account.CheckText(why, account.MostReason) != "" {
		return fault.InvalidFields(fault.Field{Path: "why", Code: account.CheckText(why, account.MostReason)})
	}
	if of == "" || id == "" {
		return fault.New(fault.EntryNotFound)
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		n, err := tx.EndAPITokens(ctx, of, id)
		if err != nil || n == 0 {
			return orElse(err, fault.New(fault.EntryNotFound))
		}
		rec := ad.record("token.revoke", "token", id)
		rec.Why, rec.Before = why, asJSON(map[string]string{"account": of})
		return tx.Audit(ctx, rec)
	})
}
