package store

import (
	"context"
	"time"

	"suiyue/internal/domain/account"
)

// APIToken is what a program acts for an account with.
type APIToken struct {
	TokenHash string
	ID        string
	Account   string
	Name      string
	Scopes    string // comma separated
	CreatedAt time.Time
	ExpiresAt time.Time
	EndedAt   time.Time // zero = not ended
	UsedAt    time.Time // zero = never; to the minute
}

const tokenColumns = "t.token_hash, t.id, t.account, t.name, t.scopes, t.created_at, t.expires_at, t.ended_at, t.used_at"

func (t *APIToken) scan(scan func(...any) error, more ...any) error {
	var created, expires, ended, used int64
	err := scan(append([]any{&t.TokenHash, &t.ID, &t.Account, &t.Name, &t.Scopes, &created, &expires, &ended, &used}, more...)...)
	t.CreatedAt, t.ExpiresAt, t.EndedAt, t.UsedAt = instant(created), instant(expires), since(ended), since(used)
	return err
}

// AddAPIToken keeps a new token.
func (tx *Tx) AddAPIToken(ctx context.Context, t APIToken) error {
	_, err := tx.exec(ctx, "api_token.insert", `
insert into api_token (token_hash, id, account, name, scopes, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		t.TokenHash, t.ID, t.Account, t.Name, t.Scopes, micros(t.CreatedAt), micros(t.ExpiresAt))
	return err
}

// APIToken returns a token and its account as they are now, nil for none.
func (tx *Tx) APIToken(ctx context.Context, tokenHash string) (*APIToken, *account.Account, error) {
	var t *APIToken
	var a account.Account
	err := tx.query(ctx, "api_token.read", `
select `+tokenColumns+`, a.id, a.rank, a.unit_id, a.state, a.predecessor, a.successor, a.version
from api_token t join account a on a.id = t.account where t.token_hash = $1`, func(scan func(...any) error) error {
		t = &APIToken{}
		return t.scan(scan, &a.ID, &a.Rank, &a.Unit, &a.State, &a.Predecessor, &a.Successor, &a.Version)
	}, tokenHash)
	return t, &a, err
}

// APITokens lists the tokens of an account that have not been ended, newest first.
func (tx *Tx) APITokens(ctx context.Context, account string) ([]APIToken, error) {
	var out []APIToken
	err := tx.query(ctx, "api_token.list", `
select `+tokenColumns+` from api_token t where t.account = $1 and t.ended_at = 0 order by t.created_at desc, t.id`,
		func(scan func(...any) error) error {
			var t APIToken
			err := t.scan(scan)
			out = append(out, t)
			return err
		}, account)
	return out, err
}

// TouchAPIToken records that a token was used.
func (tx *Tx) TouchAPIToken(ctx context.Context, id string) error {
	_, err := tx.exec(ctx, "api_token.touch", `update api_token set used_at = $2 where id = $1`, id, micros(tx.Now))
	return err
}

// EndAPITokens ends a token of an account, with id "" all of them, and tells how many that were.
func (tx *Tx) EndAPITokens(ctx context.Context, account, id string) (int64, error) {
	return tx.exec(ctx, "api_token.end", `
update api_token set ended_at = $3 where account = $1 and ended_at = 0 and ($2 = '' or id = $2)`, account, id, micros(tx.Now))
}

// LiveAPITokens lists the tokens of every account that neither ended nor ran out, newest first, of
// accounts whose id begins with account; and how many there are.
func (tx *Tx) LiveAPITokens(ctx context.Context, account string, from, limit int) (list []APIToken, total int, err error) {
	const which = ` from api_token t where t.ended_at = 0 and t.expires_at > $1 and substr(t.account, 1, length($2)) = $2`
	if _, err := tx.one(ctx, "api_token.live_count", `select count(*)`+which, []any{micros(tx.Now), account}, &total); err != nil {
		return nil, 0, err
	}
	err = tx.query(ctx, "api_token.live", `select `+tokenColumns+which+` order by t.created_at desc, t.id limit $3 offset $4`,
		func(scan func(...any) error) error {
			var t APIToken
			err := t.scan(scan)
			list = append(list, t)
			return err
		}, micros(tx.Now), account, int64(limit), int64(from))
	return list, total, err
}
