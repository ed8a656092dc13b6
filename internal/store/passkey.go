package store

import (
	"context"
	"time"
)

// Passkey is one credential an account signs in with beside its password.
type Passkey struct {
	ID        string // credential id, base64url
	Account   string
	Detail    string // JSON of the credential
	Name      string // what its holder calls it
	CreatedAt time.Time
	UsedAt    time.Time // zero = never
}

// Passkeys lists the passkeys of an account, oldest first.
func (tx *Tx) Passkeys(ctx context.Context, account string) ([]Passkey, error) {
	var out []Passkey
	err := tx.query(ctx, "passkey.list", `select id, account, detail, name, created_at, used_at from passkey where account = $1 order by created_at, id`,
		func(scan func(...any) error) error {
			var p Passkey
			var created, used int64
			err := scan(&p.ID, &p.Account, &p.Detail, &p.Name, &created, &used)
			p.CreatedAt, p.UsedAt = instant(created), since(used)
			out = append(out, p)
			return err
		}, account)
	return out, err
}

// AddPasskey keeps a new passkey; false when its id is taken.
func (tx *Tx) AddPasskey(ctx context.Context, p Passkey) (bool, error) {
	n, err := tx.exec(ctx, "passkey.insert", `
insert into passkey (id, account, detail, name, created_at) values ($1, $2, $3, $4, $5) on conflict (id) do nothing`,
		p.ID, p.Account, p.Detail, p.Name, micros(p.CreatedAt))
	return n == 1, err
}

// UsePasskey records a use of a passkey whose ceremony began at began; false when the passkey has been
// used since then, so that no answer of it counts twice.
func (tx *Tx) UsePasskey(ctx context.Context, id, detail string, began time.Time) (bool, error) {
	n, err := tx.exec(ctx, "passkey.use", `update passkey set detail = $2, used_at = $3 where id = $1 and used_at < $4`,
		id, detail, micros(tx.Now), micros(began))
	return n == 1, err
}

// RemovePasskeys takes away a passkey of an account, with id "" all of them.
func (tx *Tx) RemovePasskeys(ctx context.Context, account, id string) (int64, error) {
	return tx.exec(ctx, "passkey.delete", `delete from passkey where account = $1 and ($2 = '' or id = $2)`, account, id)
}
