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

// Lease is work that one node at a time does.
type Lease struct {
	Name, Holder string
	Until        time.Time
}

// Leases lists the leases there are, by name.
func (tx *Tx) Leases(ctx context.Context) ([]Lease, error) {
	var out []Lease
	err := tx.query(ctx, "lease.list", `select name, holder, until from lease order by name`, func(scan func(...any) error) error {
		var l Lease
		var until int64
		err := scan(&l.Name, &l.Holder, &until)
		l.Until = instant(until)
		out = append(out, l)
		return err
	})
	return out, err
}
