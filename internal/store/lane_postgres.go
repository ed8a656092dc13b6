package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// postgresLane holds a connection of its own, outside the pool, and sends the statements of a group
// in one round trip.
type postgresLane struct {
	db        *DB
	conn      *pgx.Conn
	undurable bool // the last commit was let go before the standby had it
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
	l := &postgresLane{db: db}
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
	return l.send(ctx, "", stmts)
}

func (l *postgresLane) begin(ctx context.Context, stmts []stmt) error {
	err := l.send(ctx, "begin", stmts)
	if err != nil && !l.conn.IsClosed() {
		if _, back := l.conn.Exec(ctx, "rollback"); back != nil {
			return errors.Join(err, back)
		}
	}
	return err
}

func (l *postgresLane) commit(ctx context.Context) error {
	began := time.Now()
	l.undurable = false
	tag, err := l.conn.Exec(ctx, "commit")
	l.db.observe("commit", time.Since(began), err)
	switch {
	case err != nil:
		return err
	case tag.String() == "ROLLBACK":
		return pgx.ErrTxCommitRollback
	case l.undurable:
		return errors.New("store: commit let go before a standby had it")
	}
	return nil
}

func (l *postgresLane) send(ctx context.Context, first string, stmts []stmt) (err error) {
	if len(stmts) == 0 {
		return nil
	}
	began := time.Now()
	var batch pgx.Batch
	if first != "" {
		batch.Queue(first)
	}
	for _, s := range stmts {
		batch.Queue(l.db.d.sql(s.text), s.args...)
	}
	results := l.conn.SendBatch(ctx, &batch)
	defer func() {
		if end := results.Close(); err == nil {
			err = end
		}
	}()
	if first != "" {
		if _, err := results.Exec(); err != nil {
			return err
		}
	}
	for _, s := range stmts {
		err := l.result(results, s)
		l.db.observe(s.name, time.Since(began), err) // since the group was sent: they overlap
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func (l *postgresLane) result(results pgx.BatchResults, s stmt) error {
	touched := int64(0)
	if s.row == nil {
		tag, err := results.Exec()
		if err != nil {
			return err
		}
		touched = tag.RowsAffected()
	} else {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		for rows.Next() {
			touched++
			if err := s.row(rows.Scan); err != nil {
				rows.Close()
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	if s.want >= 0 && touched != s.want {
		return errStale
	}
	return nil
}

func (l *postgresLane) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return l.conn.Close(ctx)
}
