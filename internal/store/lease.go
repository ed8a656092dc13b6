package store

import (
	"context"
	"time"
)

// TakeLease gives holder the lease of that name until now + ttl, if nobody else holds it. A holder
// that takes it again keeps it longer.
func (tx *Tx) TakeLease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (bool, error) {
	n, err := tx.exec(ctx, "lease.take", `
insert into lease (name, holder, until) values ($1, $2, $3)
on conflict (name) do update set holder = excluded.holder, until = excluded.until
where lease.holder = excluded.holder or lease.until <= $4`, name, holder, micros(now.Add(ttl)), micros(now))
	return n == 1, err
}

// ReleaseLease gives a lease back, if holder still holds it.
func (tx *Tx) ReleaseLease(ctx context.Context, name, holder string) error {
	_, err := tx.exec(ctx, "lease.release", `delete from lease where name = $1 and holder = $2`, name, holder)
	return err
}
