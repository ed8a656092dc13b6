package app

import (
	"context"
	"errors"

	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// Once makes the acts of an administrator under the returned context claim an idempotency key: the first
// request under it does something, in the transaction in which the key is claimed, and each later one is
// told what that was done to (Replayed). hash is a digest of the request, kept under a key of ours as it may be of somebody's name; another request under the same
// key is refused. A key is the account's own.
func (a *App) Once(ctx context.Context, ad *Admin, key, hash string) (context.Context, error) {
	var done *store.Done
	k := store.ActKey{Account: ad.Account.ID, Key: key, Hash: a.vault.Lookup("act key", hash), Call: publicID()}
	err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		done, err = tx.ActKeyDone(ctx, k)
		return err
	})
	if err != nil {
		return nil, err
	}
	if done != nil {
		return nil, done
	}
	return store.WithActKey(ctx, k), nil
}

// Replayed tells whether an act was refused because it had been done before under the same idempotency
// key, and what it was done to.
func Replayed(err error) (noun, key string, ok bool) {
	var done *store.Done
	if errors.As(err, &done) {
		return done.Noun, done.Key, true
	}
	return "", "", false
}

// Settled tells whether what was done under ctx claimed its key. An act that does not is a mistake of ours.
func (a *App) Settled(ctx context.Context) error {
	k, ok := store.ActKeyOf(ctx)
	if !ok {
		return nil
	}
	return a.db.View(ctx, func(tx *store.Tx) error {
		done, err := tx.ActKeyDone(ctx, k)
		if err == nil && done == nil {
			err = fault.Wrap(fault.InternalError, errors.New("app: an act that claims no idempotency key"))
		}
		return err
	})
}
