package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"
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

// Audit adds a record to the log, in the transaction of what it tells, and the hashes of the tree over
// all records (RFC 6962) that it completes. It is the last statement of that transaction: whoever adds
// holds the head of the log until they commit. Nothing in this package takes a record away again.
func (tx *Tx) Audit(ctx context.Context, r AuditRecord) error {
	var size int64
	found, err := tx.one(ctx, "audit.head", `update audit_head set size = size + 1 where id = 1 returning size - 1`, nil, &size)
	if err != nil {
		return err
	}
	if !found {
		return errors.New("store: the head of the audit log is gone")
	}
	r.N, r.At = size, tx.Now
	data := marshal(r)
	if _, err := tx.exec(ctx, "audit.insert", `
insert into audit_record (n, at, account, rank, act, noun, key, hall_id, data) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.N, micros(r.At), r.Account, r.Rank, r.Act, r.Noun, r.Key, r.Hall, data); err != nil {
		return err
	}
	hashes, err := tlog.StoredHashesForRecordHash(r.N, tlog.RecordHash([]byte(data)), tx.AuditHashes(ctx))
	if err != nil {
		return fmt.Errorf("audit.hash: %w", err)
	}
	first := tlog.StoredHashIndex(0, r.N)
	for i, h := range hashes {
		if _, err := tx.exec(ctx, "audit.hash", `insert into audit_hash (n, hash) values ($1, $2)`, first+int64(i), h.String()); err != nil {
			return err
		}
	}
	return tx.settleKey(ctx, r.Noun, r.Key)
}

// AuditHashes reads the hashes of the tree, for proofs.
func (tx *Tx) AuditHashes(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		if len(indexes) == 0 {
			return nil, nil
		}
		at := make(map[int64]int, len(indexes))
		rows := make([][1]int64, len(indexes))
		for i, n := range indexes {
			at[n], rows[i] = i, [1]int64{n}
		}
		out, seen := make([]tlog.Hash, len(indexes)), 0
		err := tx.query(ctx, "audit.hashes", `
with w as materialized (select cast(r.value->>0 as bigint) as n from {rows} r order by 1)
select h.n, h.hash from w cross join audit_hash h where h.n = w.n`, func(scan func(...any) error) error {
			var n int64
			var text string
			if err := scan(&n, &text); err != nil {
				return err
			}
			h, err := tlog.ParseHash(text)
			out[at[n]], seen = h, seen+1
			return err
		}, marshal(rows))
		if err == nil && seen != len(at) {
			err = errors.New("store: hashes of the audit log are missing")
		}
		return out, err
	})
}

// AuditSize returns how many records the log has.
func (tx *Tx) AuditSize(ctx context.Context) (n int64, err error) {
	_, err = tx.one(ctx, "audit.size", `select size from audit_head where id = 1`, nil, &n)
	return n, err
}

// HoldAudit keeps the log from growing until this transaction ends, and returns how many records it has.
func (tx *Tx) HoldAudit(ctx context.Context) (n int64, err error) {
	_, err = tx.one(ctx, "audit.hold", `update audit_head set size = size where id = 1 returning size`, nil, &n)
	return n, err
}

// AuditRow is a record as it is stored: what was hashed, and the columns beside it.
type AuditRow struct {
	AuditRecord        // of the columns; Before, After, Why and From are in Data
	Data        string // what was hashed
}

// Record reads the record that was hashed.
func (r AuditRow) Record() (out AuditRecord, err error) { return out, unmarshal(r.Data, &out) }

const auditColumns = "n, at, account, rank, act, noun, key, hall_id, data"

func scanAudit(scan func(...any) error) (r AuditRow, err error) {
	var at int64
	err = scan(&r.N, &at, &r.Account, &r.Rank, &r.Act, &r.Noun, &r.Key, &r.Hall, &r.Data)
	r.At = instant(at)
	return r, err
}

// AuditRow returns one record, nil for none.
func (tx *Tx) AuditRow(ctx context.Context, n int64) (*AuditRow, error) {
	var out *AuditRow
	err := tx.query(ctx, "audit.read", `select `+auditColumns+` from audit_record where n = $1`, func(scan func(...any) error) error {
		r, err := scanAudit(scan)
		out = &r
		return err
	}, n)
	return out, err
}

// AuditRows returns the records from n on, at most limit, in order.
func (tx *Tx) AuditRows(ctx context.Context, n int64, limit int) ([]AuditRow, error) {
	var out []AuditRow
	err := tx.query(ctx, "audit.rows", `select `+auditColumns+` from audit_record where n >= $1 order by n limit $2`, func(scan func(...any) error) error {
		r, err := scanAudit(scan)
		out = append(out, r)
		return err
	}, n, int64(limit))
	return out, err
}

// AuditHashRange returns the stored hashes from <= n < to as they are written, by n.
func (tx *Tx) AuditHashRange(ctx context.Context, from, to int64) (map[int64]string, error) {
	out := map[int64]string{}
	err := tx.query(ctx, "audit.hash_range", `select n, hash from audit_hash where n >= $1 and n < $2 order by n`, func(scan func(...any) error) error {
		var n int64
		var hash string
		err := scan(&n, &hash)
		out[n] = hash
		return err
	}, from, to)
	return out, err
}

// AuditBeyond tells whether there are records or hashes that a log of that size has no place for.
func (tx *Tx) AuditBeyond(ctx context.Context, size int64) (bool, error) {
	var n int64
	_, err := tx.one(ctx, "audit.beyond", `
select (select count(*) from audit_record where n >= $1 or n < 0) + (select count(*) from audit_hash where n >= $2 or n < 0)`,
		[]any{size, tlog.StoredHashCount(size)}, &n)
	return n > 0, err
}

// AuditFilter says which records are looked for; what is empty does not matter.
type AuditFilter struct {
	Account, Act, Noun, Key, Hall string
	From, To                      time.Time // From <= at < To
	Before                        int64     // records older than this one; 0 = from the newest on
}

// condition is the where of a filter, with its arguments.
func (f AuditFilter) condition() (where string, args []any) {
	add := func(condition string, v any) {
		args = append(args, v)
		if where += " and "; len(args) == 1 {
			where = " where "
		}
		where += condition + " $" + strconv.Itoa(len(args))
	}
	for _, c := range []struct{ column, value string }{{"account", f.Account}, {"act", f.Act}, {"noun", f.Noun}, {"key", f.Key}, {"hall_id", f.Hall}} {
		if c.value != "" {
			add(c.column+" =", c.value)
		}
	}
	if !f.From.IsZero() {
		add("at >=", micros(f.From))
	}
	if !f.To.IsZero() {
		add("at <", micros(f.To))
	}
	if f.Before > 0 {
		add("n <", f.Before)
	}
	return where, args
}

// CountAudit returns how many records fit.
func (tx *Tx) CountAudit(ctx context.Context, f AuditFilter) (n int, err error) {
	where, args := f.condition()
	_, err = tx.one(ctx, "audit.count", `select count(*) from audit_record`+where, args, &n)
	return n, err
}

// FindAudit returns the records that fit, newest first, at most limit.
func (tx *Tx) FindAudit(ctx context.Context, f AuditFilter, limit int) ([]AuditRow, error) {
	where, args := f.condition()
	args = append(args, int64(limit))
	var out []AuditRow
	err := tx.query(ctx, "audit.find", `select `+auditColumns+` from audit_record`+where+` order by n desc limit $`+strconv.Itoa(len(args)), func(scan func(...any) error) error {
		r, err := scanAudit(scan)
		out = append(out, r)
		return err
	}, args...)
	return out, err
}

// AuditActs lists the acts there are in the log. It steps from one to the next along the index.
func (tx *Tx) AuditActs(ctx context.Context) ([]string, error) {
	var out []string
	err := tx.query(ctx, "audit.acts", `
with recursive a (act) as (
  select min(act) from audit_record
  union all
  select (select min(r.act) from audit_record r where r.act > a.act) from a where a.act is not null)
select act from a where act is not null`, func(scan func(...any) error) error {
		var act string
		err := scan(&act)
		out = append(out, act)
		return err
	})
	return out, err
}

// Checkpoint is a signed statement of what the log was.
type Checkpoint struct {
	Size int64
	At   time.Time
	Note string // signed (golang.org/x/mod/sumdb/note)
}

// AddCheckpoint keeps a checkpoint.
func (tx *Tx) AddCheckpoint(ctx context.Context, c Checkpoint) error {
	_, err := tx.exec(ctx, "checkpoint.insert", `insert into audit_checkpoint (size, at, note) values ($1, $2, $3)`, c.Size, micros(c.At), c.Note)
	return err
}

// LastCheckpoint returns the newest checkpoint, nil for none.
func (tx *Tx) LastCheckpoint(ctx context.Context) (*Checkpoint, error) {
	var out *Checkpoint
	err := tx.checkpoints(ctx, "checkpoint.last", `select size, at, note from audit_checkpoint order by size desc limit 1`, func(c Checkpoint) { out = &c })
	return out, err
}

// Checkpoints returns the checkpoints of more than size records, in order, at most limit.
func (tx *Tx) Checkpoints(ctx context.Context, size int64, limit int) ([]Checkpoint, error) {
	var out []Checkpoint
	err := tx.checkpoints(ctx, "checkpoint.list", `select size, at, note from audit_checkpoint where size > $1 order by size limit $2`,
		func(c Checkpoint) { out = append(out, c) }, size, int64(limit))
	return out, err
}

func (tx *Tx) checkpoints(ctx context.Context, name, text string, each func(Checkpoint), args ...any) error {
	return tx.query(ctx, name, text, func(scan func(...any) error) error {
		var c Checkpoint
		var at int64
		err := scan(&c.Size, &at, &c.Note)
		c.At = instant(at)
		each(c)
		return err
	}, args...)
}
