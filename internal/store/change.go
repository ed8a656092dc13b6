package store

import (
	"context"
	"time"

	"suiyue/internal/domain/supply"
)

// NumberChange is an adjustment of a queue, without whoever asked for it and decided.
type NumberChange struct {
	Seq       int64
	HallID    string
	QueueID   string
	Change    supply.Change
	State     string // waiting, in_force, over
	Urgent    bool
	Origin    supply.Origin
	FiledAt   time.Time
	DecidedAt time.Time
}

// NumberChanges returns the changes laid over queues before one, the latest first, at most limit; hall "" is every
// hall. before 0 begins with the latest.
func (tx *Tx) NumberChanges(ctx context.Context, hall string, before int64, limit int) (out []NumberChange, err error) {
	if before <= 0 {
		before = 1 << 62
	}
	return out, tx.query(ctx, "adjustment.told", `
select a.seq, a.hall_id, a.queue_id, a.detail, a.state, r.urgent, r.origin, r.filed_at, r.decided_at
from adjustment a join request r on r.id = a.request where a.seq < $1 and ($2 = '' or a.hall_id = $2) order by a.seq desc limit $3`,
		func(scan func(...any) error) error {
			var n NumberChange
			var detail string
			var urgent, filed, decided int64
			if err := scan(&n.Seq, &n.HallID, &n.QueueID, &detail, &n.State, &urgent, &n.Origin, &filed, &decided); err != nil {
				return err
			}
			n.Urgent, n.FiledAt, n.DecidedAt = urgent != 0, instant(filed), since(decided)
			err := unmarshal(detail, &n.Change)
			out = append(out, n)
			return err
		}, before, hall, int64(limit))
}

// LaidOver is one change of a queue with its place among them.
type LaidOver struct {
	Seq    int64
	Change supply.Change
}

// LaidOverQueues returns every change that was ever laid over the queues, in their order.
func (tx *Tx) LaidOverQueues(ctx context.Context, queues []string) (map[string][]LaidOver, error) {
	out := map[string][]LaidOver{}
	rows := make([][1]string, len(queues))
	for i, q := range queues {
		rows[i] = [1]string{q}
	}
	return out, tx.query(ctx, "adjustment.laid_over", `
with w as materialized (select distinct r.value->>0 as queue_id from {rows} r)
select a.queue_id, a.seq, a.detail from w cross join adjustment a where a.queue_id = w.queue_id order by a.queue_id, a.seq`,
		func(scan func(...any) error) error {
			var queue, detail string
			var l LaidOver
			if err := scan(&queue, &l.Seq, &detail); err != nil {
				return err
			}
			err := unmarshal(detail, &l.Change)
			out[queue] = append(out[queue], l)
			return err
		}, marshal(rows))
}
