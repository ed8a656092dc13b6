package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
)

// ClientKey is a key of a connected system as it is kept.
type ClientKey struct {
	oversight.ClientKey
	Place  int    // 1 or 2, of those of its profile
	Sealed []byte // secret; empty where there is none
	MadeBy string // account
	UsedAt time.Time
}

const clientKeyColumns = "k.id, k.source, k.profile, k.place, k.name, k.scopes, k.halls, k.per_minute, k.public_key, k.secret, k.certificate, k.from_at, k.until_at, k.made_by, k.made_at, k.ended_at, k.used_at"

func scanClientKey(scan func(...any) error) (k ClientKey, err error) {
	var scopes, halls, public string
	var place, perMinute, from, until, made, ended, used int64
	if err = scan(&k.ID, &k.SourceID, &k.Profile, &place, &k.Name, &scopes, &halls, &perMinute, &public, &k.Sealed, &k.Certificate, &from, &until, &k.MadeBy, &made, &ended, &used); err != nil {
		return k, err
	}
	k.Place, k.PerMinute, k.From, k.Until, k.MadeAt, k.EndedAt, k.UsedAt = int(place), int(perMinute), instant(from), instant(until), instant(made), since(ended), since(used)
	if len(k.Sealed) == 0 { // the engines differ in how they bring nothing
		k.Sealed = nil
	}
	if k.Public, err = hex.DecodeString(public); err != nil {
		return k, fmt.Errorf("store: public key of %s: %w", k.ID, err)
	}
	if err = unmarshal(scopes, &k.Scopes); err != nil {
		return k, err
	}
	return k, unmarshal(halls, &k.Halls)
}

// AddClientKey adds a key. Of two that take one place at once, one is told by ChangedMeanwhile.
func (tx *Tx) AddClientKey(ctx context.Context, k ClientKey) error {
	_, err := tx.exec(ctx, "client_key.insert", `
insert into client_key (id, source, profile, place, name, scopes, halls, per_minute, public_key, secret, certificate, from_at, until_at, made_by, made_at, ended_at, used_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0, 0)`,
		k.ID, k.SourceID, string(k.Profile), int64(k.Place), k.Name, marshal(k.Scopes), marshal(k.Halls), int64(k.PerMinute), hex.EncodeToString(k.Public), append([]byte{}, k.Sealed...), k.Certificate,
		micros(k.From), micros(k.Until), k.MadeBy, micros(k.MadeAt))
	if err != nil && tx.db.d.unique(err) {
		return fault.Wrap(fault.ChangedMeanwhile, err)
	}
	return err
}

// ClientKey returns a key, nil if there is none.
func (tx *Tx) ClientKey(ctx context.Context, id string) (found *ClientKey, err error) {
	return found, tx.query(ctx, "client_key.one", `select `+clientKeyColumns+` from client_key k where k.id = $1`, func(scan func(...any) error) error {
		k, err := scanClientKey(scan)
		found = &k
		return err
	}, id)
}

// ClientKeys returns the keys of a source, newest first, those that are over too.
func (tx *Tx) ClientKeys(ctx context.Context, source string) (out []ClientKey, err error) {
	return out, tx.query(ctx, "client_key.of", `select `+clientKeyColumns+` from client_key k where k.source = $1 order by k.made_at desc, k.id`, func(scan func(...any) error) error {
		k, err := scanClientKey(scan)
		out = append(out, k)
		return err
	}, source)
}

// LiveClientKeys returns how many keys each source has that are in force, or will be.
func (tx *Tx) LiveClientKeys(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	return out, tx.query(ctx, "client_key.live", `select k.source, count(*) from client_key k where k.ended_at = 0 and k.until_at > $1 group by k.source`, func(scan func(...any) error) error {
		var source string
		var n int64
		err := scan(&source, &n)
		out[source] = int(n)
		return err
	}, micros(tx.Now))
}

// EndClientKey takes a key away at an instant; false if it had ended.
func (tx *Tx) EndClientKey(ctx context.Context, id string, at time.Time) (bool, error) {
	n, err := tx.exec(ctx, "client_key.end", `update client_key set ended_at = $2 where id = $1 and ended_at = 0`, id, micros(at))
	return n == 1, err
}

// TakeNonce marks a nonce of a key as used until an instant, on every node; false if it was used before.
func (tx *Tx) TakeNonce(ctx context.Context, key, nonce string, until time.Time) (bool, error) {
	n, err := tx.exec(ctx, "client_nonce.take", `insert into client_nonce (client_key, nonce, until_at) values ($1, $2, $3) on conflict (client_key, nonce) do nothing`, key, nonce, micros(until))
	return n == 1, err
}

// CountUse counts a request of a key in the minute that runs, on every node; false if there were most of them.
func (tx *Tx) CountUse(ctx context.Context, key string, most int) (bool, error) {
	n, err := tx.exec(ctx, "client_use.count", `
insert into client_use (client_key, minute, n) values ($1, $2, 1)
on conflict (client_key, minute) do update set n = client_use.n + 1 where client_use.n < $3`, key, tx.Now.Unix()/60, int64(most))
	return n == 1, err
}

// TouchClientKey records that a key was used, to the minute.
func (tx *Tx) TouchClientKey(ctx context.Context, id string) error {
	_, err := tx.exec(ctx, "client_key.touch", `update client_key set used_at = $2 where id = $1 and used_at <= $3`, id, micros(tx.Now), micros(tx.Now.Add(-time.Minute)))
	return err
}

// ForgetNonces drops nonces that nobody could use again before an instant, and the counts of minutes before it.
func (tx *Tx) ForgetNonces(ctx context.Context, before time.Time) error {
	if _, err := tx.exec(ctx, "client_nonce.forget", `delete from client_nonce where until_at < $1`, micros(before)); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "client_use.forget", `delete from client_use where minute < $1`, before.Unix()/60)
	return err
}
