package store

import (
	"context"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/oversight"
)

// QueueWay says how a queue is booked from an instant on.
type QueueWay struct {
	QueueID string
	From    time.Time
	Way     booking.Way
	Source  string
}

// Adapter is where a connected system is asked, and its own booking page. Secrets are sealed.
type Adapter struct {
	Source     string
	Base       string
	Profile    oversight.Profile
	KeyID      string
	Sealed     []byte
	Page       string
	PageSealed []byte
	ChangedAt  time.Time
}

// QueueWays returns what was ever said of how queues are booked, by queue and instant.
func (tx *Tx) QueueWays(ctx context.Context) (out []QueueWay, err error) {
	return out, tx.query(ctx, "way.list", `select queue_id, from_at, way, source from queue_way order by queue_id, from_at`, func(scan func(...any) error) error {
		var w QueueWay
		var from int64
		err := scan(&w.QueueID, &from, &w.Way, &w.Source)
		w.From = instant(from)
		out = append(out, w)
		return err
	})
}

// SaveQueueWay says how a queue is booked from an instant on. What was said of a later one is dropped.
func (tx *Tx) SaveQueueWay(ctx context.Context, w QueueWay) error {
	if _, err := tx.exec(ctx, "way.drop", `delete from queue_way where queue_id = $1 and from_at >= $2`, w.QueueID, micros(w.From)); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "way.insert", `insert into queue_way (queue_id, from_at, way, source) values ($1, $2, $3, $4)`, w.QueueID, micros(w.From), string(w.Way), w.Source)
	return err
}

// Adapters returns the adapters there are, by source.
func (tx *Tx) Adapters(ctx context.Context) (out []Adapter, err error) {
	return out, tx.query(ctx, "adapter.list", `select source, base, profile, key_id, sealed, page, page_sealed, changed_at from adapter order by source`, func(scan func(...any) error) error {
		var a Adapter
		var at int64
		err := scan(&a.Source, &a.Base, &a.Profile, &a.KeyID, &a.Sealed, &a.Page, &a.PageSealed, &at)
		a.ChangedAt = instant(at)
		out = append(out, a)
		return err
	})
}

// SaveAdapter writes an adapter.
func (tx *Tx) SaveAdapter(ctx context.Context, a Adapter) error {
	_, err := tx.exec(ctx, "adapter.save", `
insert into adapter (source, base, profile, key_id, sealed, page, page_sealed, changed_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (source) do update set base = excluded.base, profile = excluded.profile, key_id = excluded.key_id, sealed = excluded.sealed, page = excluded.page,
  page_sealed = excluded.page_sealed, changed_at = excluded.changed_at`,
		a.Source, a.Base, string(a.Profile), a.KeyID, a.Sealed, a.Page, a.PageSealed, micros(tx.Now))
	return err
}
