package store

import (
	"context"
	"time"
)

// KeptPerson is one row of the people somebody looks after.
type KeptPerson struct {
	Owner     string // identity.Key of who keeps them
	ID        string
	Sealed    []byte
	CreatedAt time.Time
}

// LockKept makes transactions about one owner's kept people take turns, on every node. The row it
// holds on to has no id and is nobody.
func (tx *Tx) LockKept(ctx context.Context, owner string) error {
	_, err := tx.exec(ctx, "kept.lock", `
insert into kept_person (owner, id, sealed, created_at) values ($1, '', $2, 0)
on conflict (owner, id) do update set created_at = 0`, owner, []byte{})
	return err
}

// KeptOf returns the people an owner keeps, first kept first.
func (tx *Tx) KeptOf(ctx context.Context, owner string) ([]KeptPerson, error) {
	var out []KeptPerson
	err := tx.query(ctx, "kept.of", `select id, sealed, created_at from kept_person where owner = $1 and id <> '' order by created_at, id`,
		func(scan func(...any) error) error {
			k := KeptPerson{Owner: owner}
			var at int64
			err := scan(&k.ID, &k.Sealed, &at)
			k.CreatedAt = instant(at)
			out = append(out, k)
			return err
		}, owner)
	return out, err
}

// InsertKept adds one.
func (tx *Tx) InsertKept(ctx context.Context, k KeptPerson) error {
	_, err := tx.exec(ctx, "kept.insert", `insert into kept_person (owner, id, sealed, created_at) values ($1, $2, $3, $4)`,
		k.Owner, k.ID, k.Sealed, micros(k.CreatedAt))
	return err
}

// DeleteKept removes one; nothing happens if it is not the owner's.
func (tx *Tx) DeleteKept(ctx context.Context, owner, id string) error {
	_, err := tx.exec(ctx, "kept.delete", `delete from kept_person where owner = $1 and id = $2 and id <> ''`, owner, id)
	return err
}
