package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// sqliteLane writes on the one writing connection, which others use too: it holds it only for the
// length of a transaction. Reading happens on a connection of its own.
type sqliteLane struct {
	db     *DB
	reader *sql.Conn
	reads  map[string]*sql.Stmt
	writes map[string]*sql.Stmt
}

func newSQLiteLane(ctx context.Context, db *DB) (laneConn, error) {
	reader, err := db.read.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &sqliteLane{db: db, reader: reader, reads: map[string]*sql.Stmt{}, writes: map[string]*sql.Stmt{}}, nil
}

func (l *sqliteLane) read(ctx context.Context, stmts []stmt) error {
	for _, s := range stmts {
		p, ok := l.reads[s.text]
		if !ok {
			var err error
			if p, err = l.reader.PrepareContext(ctx, l.db.d.sql(s.text)); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			l.reads[s.text] = p
		}
		if err := l.run(ctx, p, s); err != nil {
			return err
		}
	}
	return nil
}

func (l *sqliteLane) write(ctx context.Context, stmts []stmt) error {
	for _, s := range stmts {
		if l.writes[s.text] == nil { // before the transaction takes the only connection
			p, err := l.db.write.PrepareContext(ctx, l.db.d.sql(s.text))
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			l.writes[s.text] = p
		}
	}
	tx, err := l.db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, s := range stmts {
		if err := l.run(ctx, tx.StmtContext(ctx, l.writes[s.text]), s); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return l.commit(tx)
}

func (l *sqliteLane) run(ctx context.Context, p *sql.Stmt, s stmt) error {
	began := time.Now()
	touched := int64(0)
	var err error
	if s.row == nil {
		var res sql.Result
		if res, err = p.ExecContext(ctx, s.args...); err == nil {
			touched, err = res.RowsAffected()
		}
	} else {
		var rows *sql.Rows
		if rows, err = p.QueryContext(ctx, s.args...); err == nil {
			for err == nil && rows.Next() {
				touched++
				err = s.row(rows.Scan)
			}
			err = errors.Join(err, rows.Err(), rows.Close())
		}
	}
	l.db.observe(s.name, time.Since(began), err)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if s.want >= 0 && touched != s.want {
		return fmt.Errorf("%s: %w", s.name, errStale)
	}
	return nil
}

func (l *sqliteLane) commit(tx *sql.Tx) error {
	began := time.Now()
	err := tx.Commit()
	l.db.observe("commit", time.Since(began), err)
	if err == nil {
		return nil
	}
	tx.Rollback()
	if l.db.d.undone(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}

func (l *sqliteLane) close() error {
	var errs []error
	for _, p := range l.reads {
		errs = append(errs, p.Close())
	}
	for _, p := range l.writes {
		errs = append(errs, p.Close())
	}
	return errors.Join(append(errs, l.reader.Close())...)
}
