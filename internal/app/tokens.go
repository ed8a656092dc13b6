package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// Tokens by which a program acts for an administrator's account, within scopes and never longer than
// the account.

// TokenPrefix begins every token, so that one left lying about can be found.
const TokenPrefix = "sya_"

const (
	mostTokens    = 20
	mostTokenDays = 366
)

// TokenInfo is a token in a list; the secret is shown once, when it is made.
type TokenInfo struct {
	ID, Name              string
	Scopes                []Scope
	Created, Expires, Use time.Time // Use is when it was used last, zero = never
}

func tokenInfo(t store.APIToken) TokenInfo {
	i := TokenInfo{ID: t.ID, Name: t.Name, Scopes: []Scope{}, Created: t.CreatedAt, Expires: t.ExpiresAt, Use: t.UsedAt}
	for s := range strings.SplitSeq(t.Scopes, ",") {
		if slices.Contains(Scopes, Scope(s)) {
			i.Scopes = append(i.Scopes, Scope(s))
		}
	}
	return i
}

// CreateToken makes a token of the administrator's account for some days and returns it, this once.
// Wrong fields are name, scopes and days.
func (a *App) CreateToken(ctx context.Context, ad *Admin, name string, scopes []Scope, days int) (token string, info TokenInfo, err error) {
	var wrong []fault.Field
	if bad := account.CheckText(name, 40); bad != "" {
		wrong = append(wrong, fault.Field{Path: "name", Code: bad})
	}
	var list []string
	for _, s := range Scopes {
		if slices.Contains(scopes, s) {
			list = append(list, string(s))
		}
	}
	if len(list) == 0 || len(list) != len(scopes) {
		wrong = append(wrong, fault.Field{Path: "scopes", Code: fault.Required})
	}
	if days < 1 || days > mostTokenDays {
		wrong = append(wrong, fault.Field{Path: "days", Code: fault.OutOfRange})
	}
	switch {
	case ad.Scopes != nil || ad.Account.Rank.Operates() || ad.Account.Rank == account.Clerk: // a token makes no tokens; what operation and counters do is not for programs
		return "", info, fault.New(fault.NotAllowed)
	case len(wrong) > 0:
		return "", info, fault.InvalidFields(wrong...)
	}
	if err := a.Proven(ad); err != nil {
		return "", info, err
	}
	token = TokenPrefix + secret(32)
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		have, err := tx.APITokens(ctx, ad.Account.ID)
		if err != nil {
			return err
		}
		if len(have) >= mostTokens {
			return fault.InvalidFields(fault.Field{Path: "name", Code: fault.OutOfRange})
		}
		row := store.APIToken{
			TokenHash: a.vault.TokenHash(token), ID: publicID(), Account: ad.Account.ID, Name: name, Scopes: strings.Join(list, ","),
			CreatedAt: tx.Now, ExpiresAt: tx.Now.AddDate(0, 0, days),
		}
		info = tokenInfo(row)
		if err := tx.AddAPIToken(ctx, row); err != nil {
			return err
		}
		rec := ad.record("token.create", "token", row.ID)
		rec.Why = row.Scopes
		return tx.Audit(ctx, rec)
	})
	if err != nil {
		return "", TokenInfo{}, err
	}
	return token, info, nil
}

// EndToken ends one of the administrator's own tokens, at once and on every node.
func (a *App) EndToken(ctx context.Context, ad *Admin, id string) error {
	if ad.Scopes != nil || id == "" {
		return fault.New(fault.NotAllowed)
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		n, err := tx.EndAPITokens(ctx, ad.Account.ID, id)
		if err != nil || n == 0 {
			return orElse(err, fault.New(fault.EntryNotFound))
		}
		return tx.Audit(ctx, ad.record("token.end", "token", id))
	})
}

// AdminByToken returns whom a token acts for, with its Scopes. Token and account are read with each
// request, as a session is; the caller adds where it comes from.
func (a *App) AdminByToken(ctx context.Context, token string) (*Admin, error) {
	if !strings.HasPrefix(token, TokenPrefix) || len(token) > 128 {
		return nil, fault.New(fault.SignInRequired)
	}
	now := a.now()
	var row *store.APIToken
	var acc *account.Account
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		row, acc, err = tx.APIToken(ctx, a.vault.TokenHash(token))
		return err
	}); err != nil {
		return nil, err
	}
	if row == nil || !row.EndedAt.IsZero() || !acc.Active() || !now.Before(row.ExpiresAt) {
		return nil, fault.New(fault.SessionEnded)
	}
	if now.Sub(row.UsedAt) > time.Minute {
		if err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.TouchAPIToken(ctx, row.ID) }); err != nil {
			return nil, err
		}
	}
	info := tokenInfo(*row)
	return &Admin{Account: *acc, SignedIn: row.CreatedAt, Expires: row.ExpiresAt, Scopes: info.Scopes}, nil
}
