package store

import (
	"context"
	"encoding/json"
	"time"
)

// AuditRecord is one act of an administrator, or of the system in their name. It holds no personal data
// in clear: persons are named by account, booking or keyed hash.
type AuditRecord struct {
	N       int64           `json:"n"`
	At      time.Time       `json:"at"`
	Account string          `json:"account"` // "" for the system
	Rank    string          `json:"rank,omitempty"`
	Act     string          `json:"act"`  // "request.decide", "hall.change", "account.close" …
	Noun    string          `json:"noun"` // what it was done to: request, hall, account …
	Key     string          `json:"key"`
	Hall    string          `json:"hall,omitempty"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
	Why     string          `json:"why,omitempty"`
	From    string          `json:"from,omitempty"` // network, last part left out
}

// Audit adds a record to the log, in the transaction of what it tells. It is the last statement of that
// transaction: whoever adds holds the head of the log until they commit.
func (tx *Tx) Audit(ctx context.Context, r AuditRecord) error {
	var size int64
	if _, err := tx.one(ctx, "audit.head", `update audit_head set size = size + 1 where id = 1 returning size - 1`, nil, &size); err != nil {
		return err
	}
	r.N, r.At = size, tx.Now
	_, err := tx.exec(ctx, "audit.insert", `
insert into audit_record (n, at, account, rank, act, noun, key, hall_id, data) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.N, micros(r.At), r.Account, r.Rank, r.Act, r.Noun, r.Key, r.Hall, marshal(r))
	return err
}
