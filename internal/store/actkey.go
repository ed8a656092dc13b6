package store

import (
	"context"

	"suiyue/internal/domain/fault"
)

// ActKey is the idempotency key of one request of an administrator's program: the first request under
// it does something, each later one is told what that was.
type ActKey struct {
	Account string
	Key     string
	Hash    string // digest of the request
	Call    string // name of this call, so that several transactions of it know their own key
}

type actKeyOf struct{}

// WithActKey makes transactions under ctx that claim a key (ClaimKey) claim k.
func WithActKey(ctx context.Context, k ActKey) context.Context {
	return context.WithValue(ctx, actKeyOf{}, k)
}

// Done says that a request was made before under the same key, and what it was done to.
type Done struct{ Noun, Key string }

// Error makes Done travel as one: the transaction that meets it does nothing.
func (d *Done) Error() string { return "store: done before under the same key" }

// ClaimKey claims the key of ctx, if it has one, in the transaction of what is done under it. When
// somebody was first the error is a *Done, or fault.KeyReused where that was another request.
func (tx *Tx) ClaimKey(ctx context.Context) error {
	k, ok := ActKeyOf(ctx)
	if !ok {
		return nil
	}
	n, err := tx.exec(ctx, "act_key.claim", `
insert into act_key (account, key, hash, call, at) values ($1, $2, $3, $4, $5) on conflict (account, key) do nothing`,
		k.Account, k.Key, k.Hash, k.Call, micros(tx.Now))
	if err != nil || n == 1 {
		return err
	}
	done, call, err := tx.actKey(ctx, k)
	switch {
	case err != nil:
		return err
	case done == nil: // its holder was rolled back meanwhile
		return fault.New(fault.Busy)
	case call == k.Call:
		return nil
	}
	return done
}

// ActKeyOf returns the key that WithActKey gave ctx.
func ActKeyOf(ctx context.Context) (ActKey, bool) {
	k, ok := ctx.Value(actKeyOf{}).(ActKey)
	return k, ok
}

// ActKeyDone returns what was done under a key, nil for nothing; fault.KeyReused where that was another
// request.
func (tx *Tx) ActKeyDone(ctx context.Context, k ActKey) (*Done, error) {
	done, _, err := tx.actKey(ctx, k)
	return done, err
}

func (tx *Tx) actKey(ctx context.Context, k ActKey) (*Done, string, error) {
	var hash, call string
	var done Done
	found, err := tx.one(ctx, "act_key.read", `select hash, call, noun, subject from act_key where account = $1 and key = $2`,
		[]any{k.Account, k.Key}, &hash, &call, &done.Noun, &done.Key)
	switch {
	case err != nil || !found:
		return nil, "", err
	case hash != k.Hash:
		return nil, call, fault.New(fault.KeyReused)
	}
	return &done, call, nil
}

// settleKey keeps beside the key of ctx what was done under it.
func (tx *Tx) settleKey(ctx context.Context, noun, subject string) error {
	k, ok := ActKeyOf(ctx)
	if !ok {
		return nil
	}
	_, err := tx.exec(ctx, "act_key.settle", `
update act_key set noun = $4, subject = $5 where account = $1 and key = $2 and call = $3 and noun = ''`, k.Account, k.Key, k.Call, noun, subject)
	return err
}
