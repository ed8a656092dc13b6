package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// postgresLane holds a connection of its own, outside the pool, and sends the statements of a group
// in one round trip, and its commit with them.
type postgresLane struct {
	db        *DB
	conn      *pgx.Conn
	undurable bool // the last commit was let go before the standby had it
	guards    map[string]string
}

// Plans are made once and kept. The tables may be empty when that happens, so anything but walking
// the keys is switched off: a scan planned before noon would be kept through the rush (measured:
// 1.5 k instead of 50 k bookings a second). Hashed sets would lose the order in which rows are locked.
const lanePlans = "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; " +
	"set enable_bitmapscan = off; set enable_hashagg = off; set plan_cache_mode = force_generic_plan; set jit = off"

func newPostgresLane(ctx context.Context, db *DB) (laneConn, error) {
	cfg, err := pgx.ParseConfig(db.source)
	if err != nil {
		return nil, errors.New("store: the PostgreSQL address could not be read")
	}
	cfg.RuntimeParams["application_name"] = "suiyue-lane"
	cfg.StatementCacheCapacity = 1024
	l := &postgresLane{db: db, guards: map[string]string{}}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		// "canceling wait for synchronous replication": committed here, maybe nowhere else.
		if n.Code == "01000" && n.SeverityUnlocalized == "WARNING" {
			l.undurable = true
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if l.conn, err = pgx.ConnectConfig(ctx, cfg); err != nil {
		return nil, err
	}
	if _, err := l.conn.Exec(ctx, lanePlans); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *postgresLane) read(ctx context.Context, stmts []stmt) error {
	if len(stmts) == 0 {
		return nil
	}
	results := l.send(ctx, stmts)
	return errors.Join(l.fetch(results, stmts), results.Close())
}

// write sends statements and commit as one: what PostgreSQL gets before a Sync is one transaction, which ends with
// it. Nobody here can look at what a statement touched before that, so each looks itself and fails, and the
// transaction with it, when its facts were stale. A round trip less is a third less of what a group waits for.
func (l *postgresLane) write(ctx context.Context, stmts []stmt) error {
	l.undurable = false
	results := l.send(ctx, stmts)
	failed := l.fetch(results, stmts)
	began := time.Now()
	err := results.Close()
	if failed == nil {
		l.db.observe("commit", time.Since(began), err)
		failed = err
	}
	switch {
	case failed == nil && l.undurable:
		return fmt.Errorf("%w: let go before a standby had it", ErrUnknown)
	case failed == nil:
		return nil
	case sqlState(failed, staleState):
		return fmt.Errorf("%w: %w", errStale, failed)
	case rolledBack(failed):
		return failed
	}
	return fmt.Errorf("%w: %w", ErrUnknown, failed)
}

// rolledBack tells whether err is the server's word that the transaction is not there. One that ends the
// connection too may come after the commit.
func rolledBack(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.SeverityUnlocalized == "ERROR"
}

func (l *postgresLane) send(ctx context.Context, stmts []stmt) pgx.BatchResults {
	var batch pgx.Batch
	for _, s := range stmts {
		if s.want < 0 {
			batch.Queue(l.db.d.sql(s.text), s.args...)
		} else {
			batch.Queue(l.guarded(s), append(s.args[:len(s.args):len(s.args)], s.want)...)
		}
	}
	bytes := 0
	for _, q := range batch.QueuedQueries {
		bytes += sizeOf(q.Arguments)
	}
	l.conn.PgConn().Frontend().Send(room(bytes))
	return l.conn.SendBatch(ctx, &batch)
}

// room makes room for so many bytes in what is about to be sent, and sends nothing: the driver begins each
// time with 1 KiB, and would copy a large group a dozen times while it grows.
type room int

func (room) Frontend()                           {}
func (room) Decode([]byte) error                 { return nil }
func (n room) Encode(dst []byte) ([]byte, error) { return slices.Grow(dst, int(n)), nil }

// sizeOf returns about how many bytes values take on their way.
func sizeOf(values []any) int {
	const head = 64
	n := 0
	for _, v := range values {
		n += head
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		case []int64:
			n += 12 * len(v)
		case []string:
			for _, one := range v {
				n += 4 + len(one)
			}
		case [][]byte:
			for _, one := range v {
				n += 4 + len(one)
			}
		}
	}
	return n
}

// staleState is what a guarded statement fails with: a division by zero, of which there is no other here.
const staleState = "22012"

// guarded returns the text of s that fails unless s touches as many rows as its last parameter says.
func (l *postgresLane) guarded(s stmt) string {
	if text, ok := l.guards[s.text]; ok {
		return text
	}
	text := l.db.d.sql(s.text)
	count := fmt.Sprintf("select 1 / cast(count(*) = cast($%d as bigint) as int) as ok from changed", len(s.args)+1)
	if s.row == nil {
		text = "with changed as (" + text + "\nreturning 1) " + count
	} else {
		text = "with changed as (" + text + "), guard as (" + count + ") select changed.* from guard left join changed on guard.ok = 1"
	}
	l.guards[s.text] = text
	return text
}

// fetch reads what the statements brought.
func (l *postgresLane) fetch(results pgx.BatchResults, stmts []stmt) error {
	began := time.Now()
	for _, s := range stmts {
		err := fetchOne(results, s)
		l.db.observe(s.name, time.Since(began), err) // since the group was sent: they overlap
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func fetchOne(results pgx.BatchResults, s stmt) error {
	if s.row == nil {
		_, err := results.Exec()
		return err
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := s.row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (l *postgresLane) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return l.conn.Close(ctx)
}
