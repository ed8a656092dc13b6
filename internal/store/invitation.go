package store

import (
	"context"
	"time"
)

// Invitation is a one-time link of an account: to open it, or to set password and second factor anew.
type Invitation struct {
	TokenHash string
	Account   string
	Purpose   string // open, reset
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero = not yet
}

// AddInvitation keeps a new link; those the account had before lead nowhere from now on.
func (tx *Tx) AddInvitation(ctx context.Context, i Invitation) error {
	if _, err := tx.exec(ctx, "invitation.void", `update invitation set used_at = $2 where account = $1 and used_at = 0`, i.Account, micros(tx.Now)); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "invitation.insert", `
insert into invitation (token_hash, account, purpose, created_at, expires_at) values ($1, $2, $3, $4, $5)`,
		i.TokenHash, i.Account, i.Purpose, micros(i.CreatedAt), micros(i.ExpiresAt))
	return err
}

// Invitation returns the link of a token, nil for none.
func (tx *Tx) Invitation(ctx context.Context, tokenHash string) (*Invitation, error) {
	var i Invitation
	var created, expires, used int64
	found, err := tx.one(ctx, "invitation.read", `
select token_hash, account, purpose, created_at, expires_at, used_at from invitation where token_hash = $1`,
		[]any{tokenHash}, &i.TokenHash, &i.Account, &i.Purpose, &created, &expires, &used)
	if err != nil || !found {
		return nil, err
	}
	i.CreatedAt, i.ExpiresAt, i.UsedAt = instant(created), instant(expires), since(used)
	return &i, nil
}

// UseInvitation takes a link; false when it has been used or is too old. Of two at once one gets it.
func (tx *Tx) UseInvitation(ctx context.Context, tokenHash string) (bool, error) {
	n, err := tx.exec(ctx, "invitation.use", `
update invitation set used_at = $2 where token_hash = $1 and used_at = 0 and expires_at > $2`, tokenHash, micros(tx.Now))
	return n == 1, err
}

// VoidInvitations makes every link of an account lead nowhere.
func (tx *Tx) VoidInvitations(ctx context.Context, account string) error {
	_, err := tx.exec(ctx, "invitation.void", `update invitation set used_at = $2 where account = $1 and used_at = 0`, account, micros(tx.Now))
	return err
}
