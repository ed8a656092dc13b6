package app

import (
	"context"
	"encoding/json"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// What a demonstration needs of administrators. Nothing else may use it: it asks for no proof.

// Ready is an account of a demonstration: open, with a password and a secret that all may know.
type Ready struct {
	Rank   account.Rank
	Unit   string
	Person account.Person
}

// MakeReady makes accounts that are open at once, where there is none at all yet.
func (a *App) MakeReady(ctx context.Context, list []Ready, password, secret string) error {
	kept, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if n, err := tx.CountAccounts(ctx); err != nil || n > 0 {
			return err
		}
		for _, r := range list {
			at, ok := a.seat(r.Unit)
			if !ok || !r.Rank.At(at.Kind) {
				return fault.New(fault.RankNotHere)
			}
			acc, _, err := a.addAccount(ctx, tx, r.Rank, at, r.Person.Normalise(), "")
			if err != nil {
				return err
			}
			row, err := tx.Account(ctx, acc.ID)
			if err != nil {
				return err
			}
			row.State, row.OpenedAt, row.Password, row.TOTP = account.Open, tx.Now, kept, a.vault.Seal([]byte(secret), "totp|"+acc.ID)
			if _, err := tx.SaveAccount(ctx, row); err != nil {
				return err
			}
			if err := tx.VoidInvitations(ctx, acc.ID); err != nil {
				return err
			}
		}
		return tx.Audit(ctx, store.AuditRecord{Act: "account.create", Noun: "account", Key: "demonstration", After: json.RawMessage(`{}`), From: "demonstration"})
	})
}

// OpenAs signs an account in without asking for anything.
func (a *App) OpenAs(ctx context.Context, id, origin string) (token string, err error) {
	err = a.changeAccount(ctx, id, func(tx *store.Tx, row *store.Account) (_ *store.AuditRecord, err error) {
		if !row.Active() {
			return nil, fault.New(fault.AccountClosed)
		}
		token, err = a.openAdminSession(ctx, tx, row.ID, origin)
		return &store.AuditRecord{Account: row.ID, Rank: string(row.Rank), Act: "session.open", Noun: "account", Key: row.ID, From: origin}, err
	})
	return token, err
}

// DemoAccounts lists the open accounts with who holds them.
func (a *App) DemoAccounts(ctx context.Context) (list []account.Account, people []account.Person, err error) {
	var rows []store.Account
	if err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.OpenAccounts(ctx, 200)
		return err
	}); err != nil {
		return nil, nil, err
	}
	for i := range rows {
		p, err := a.person(&rows[i])
		if err != nil {
			return nil, nil, err
		}
		list, people = append(list, rows[i].Account), append(people, p)
	}
	return list, people, nil
}
