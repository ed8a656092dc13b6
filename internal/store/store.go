// Package store holds the only SQL of the product. One text serves SQLite and PostgreSQL; what
// differs is in dialect.go. Nothing here decides: rules live in domain.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"suiyue/internal/domain/fault"
)

// DB is one database of the product. It is safe for concurrent use.
type DB struct {
	d       *dialect
	source  string
	write   *sql.DB // SQLite: the one writer; PostgreSQL: the pool
	read    *sql.DB // SQLite: readers; PostgreSQL: the same pool
	now     func() time.Time
	observe func(name string, took time.Duration, err error)
	twice   bool
	stmts   sync.Map // poolText → *sql.Stmt
}

// Options of Open. The zero value serves.
type Options struct {
	Now     func() time.Time // the clock; required outside tests of the store
	Observe func(statement string, took time.Duration, err error)
	Conns   int  // most connections of the pool; 0 = 16
	Twice   bool // tests: every closure is run, rolled back and run again
}

// Open opens the database that source names: "postgres://…" or the path of a SQLite file, which is
// made if absent. It does not migrate. It refuses an SQLite older than 3.51.3 (the WAL-reset race)
// and a PostgreSQL database whose collation is not C (text must sort in byte order on both).
func Open(ctx context.Context, source string, o Options) (*DB, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(string, time.Duration, error) {}
	}
	if o.Conns == 0 {
		o.Conns = 16
	}
	db := &DB{source: source, now: o.Now, observe: o.Observe, twice: o.Twice}
	if isPostgres(source) {
		db.d = &postgres
	} else {
		db.d = &sqlite
	}
	var err error
	if db.write, db.read, err = db.d.open(source, o.Conns); err != nil {
		return nil, err
	}
	if err := db.d.check(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Close closes all connections.
func (db *DB) Close() error {
	if db.read != db.write {
		return errors.Join(db.read.Close(), db.write.Close())
	}
	return db.write.Close()
}

// Engine returns "sqlite" or "postgres".
func (db *DB) Engine() string { return db.d.name }

// Ping answers whether the database can be reached.
func (db *DB) Ping(ctx context.Context) error { return db.read.PingContext(ctx) }

// Settle does at once what the engine does now and then by itself: it brings what was written from the log into the
// tables, so that the log's files are free to be written again. PostgreSQL allows it to few roles.
func (db *DB) Settle(ctx context.Context) error {
	_, err := db.write.ExecContext(ctx, db.d.settle)
	return err
}

// Tx is one transaction, or what Read gives. Now is its one instant, truncated to microseconds.
type Tx struct {
	Now   time.Time
	tx    *sql.Tx // nil in Read
	db    *DB
	src   *sql.DB
	fresh []string // texts that are not prepared yet

	copies func(in *inserter, n int, row func(i int, args []any) []any) error // of Fill, nil else
}

var errTwice = errors.New("store: rolled back once on purpose")

// Update runs fn in one writing transaction and commits. fn may be run several times (a lock lost, a
// deadlock) and must have no effect outside its transaction. A lost connection at COMMIT is reported
// as ErrUnknown and never retried here.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	if db.twice {
		if err := db.once(ctx, func(tx *Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return errTwice
		}); err != nil && !errors.Is(err, errTwice) && !db.d.retry(err) {
			return err
		}
	}
	for attempt := 0; ; attempt++ {
		err := db.once(ctx, fn)
		if err == nil || attempt == 8 || !db.d.retry(err) {
			return db.outage(err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(rand.IntN(5<<attempt)) * time.Millisecond):
		}
	}
}

func (db *DB) once(ctx context.Context, fn func(*Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	t := &Tx{Now: db.now().Truncate(time.Microsecond), tx: tx, db: db, src: db.write}
	defer t.prepare(ctx)
	defer tx.Rollback() // after Commit it does nothing
	if err := fn(t); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		if db.d.undone(err) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return nil
}

// View runs fn in one reading transaction: everything it sees is of one instant.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	tx, err := db.read.BeginTx(ctx, db.d.readOnly)
	if err != nil {
		return db.outage(err)
	}
	t := &Tx{Now: db.now().Truncate(time.Microsecond), tx: tx, db: db, src: db.read}
	defer t.prepare(ctx)
	defer tx.Rollback()
	return db.outage(fn(t))
}

// Read runs fn without a transaction, for a single reading statement: that sees one instant by itself, and
// PostgreSQL is asked once instead of three times.
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	t := &Tx{Now: db.now().Truncate(time.Microsecond), db: db, src: db.read}
	defer t.prepare(ctx)
	return db.outage(fn(t))
}

// outage gives an error of the connection, which says nothing of the request, the code of a database
// that is out of reach: ask again in a moment.
func (db *DB) outage(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnknown):
		return fault.Wrap(fault.OutcomeUnknown, err).After(time.Second)
	case db.d.lost(err) || db.d.retry(err):
		return fault.Wrap(fault.Busy, err).After(time.Second)
	}
	return err
}

// ErrUnknown says that the connection was lost while committing: the work may or may not be there.
var ErrUnknown = errors.New("store: outcome of commit unknown")

// exec runs a statement that returns no rows and tells how many it touched.
func (tx *Tx) exec(ctx context.Context, name, text string, args ...any) (int64, error) {
	began := time.Now()
	res, err := tx.runner(ctx, text).exec(ctx, args...)
	tx.db.observe(name, time.Since(began), err)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return res.RowsAffected()
}

// walk is query for the first few of what may be very many rows, in the order of an index.
func (tx *Tx) walk(ctx context.Context, name, text string, row func(scan func(...any) error) error, args ...any) error {
	before, after := tx.db.d.walk[0], tx.db.d.walk[1]
	if before == "" {
		return tx.query(ctx, name, text, row, args...)
	}
	if _, err := tx.exec(ctx, name, before); err != nil {
		return err
	}
	if err := tx.query(ctx, name, text, row, args...); err != nil {
		return err
	}
	_, err := tx.exec(ctx, name, after)
	return err
}

// query runs a statement and gives each row to row.
func (tx *Tx) query(ctx context.Context, name, text string, row func(scan func(...any) error) error, args ...any) error {
	began := time.Now()
	rows, err := tx.runner(ctx, text).query(ctx, args...)
	if err == nil {
		for err == nil && rows.Next() {
			err = row(rows.Scan)
		}
		err = errors.Join(err, rows.Err(), rows.Close())
	}
	tx.db.observe(name, time.Since(began), err)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// one runs a statement that gives at most one row; false when it gave none.
func (tx *Tx) one(ctx context.Context, name, text string, args []any, dest ...any) (bool, error) {
	found := false
	err := tx.query(ctx, name, text, func(scan func(...any) error) error {
		found = true
		return scan(dest...)
	}, args...)
	return found, err
}

type poolText struct {
	pool *sql.DB
	text string
}

// runner is what a statement is run by: a prepared one, or the transaction or pool itself.
type runner struct {
	stmt *sql.Stmt
	bare interface {
		ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	}
	text string
}

func (r runner) exec(ctx context.Context, args ...any) (sql.Result, error) {
	if r.stmt != nil {
		return r.stmt.ExecContext(ctx, args...)
	}
	return r.bare.ExecContext(ctx, r.text, args...)
}

func (r runner) query(ctx context.Context, args ...any) (*sql.Rows, error) {
	if r.stmt != nil {
		return r.stmt.QueryContext(ctx, args...)
	}
	return r.bare.QueryContext(ctx, r.text, args...)
}

// runner finds the prepared statement of a text. A text met for the first time is run as it is and
// prepared once the transaction is over: preparing takes a connection of the pool, and transactions
// that each hold one and wait for another would wait for ever.
func (tx *Tx) runner(ctx context.Context, text string) runner {
	r := runner{bare: tx.src, text: tx.db.d.sql(text)}
	if tx.tx != nil {
		r.bare = tx.tx
	}
	if !tx.db.d.prepares {
		return r
	}
	s, ok := tx.db.stmts.Load(poolText{tx.src, text})
	switch {
	case !ok:
		tx.fresh = append(tx.fresh, text)
	case tx.tx != nil:
		r.stmt = tx.tx.StmtContext(ctx, s.(*sql.Stmt))
	default:
		r.stmt = s.(*sql.Stmt)
	}
	return r
}

// prepare keeps prepared statements for the texts a transaction met for the first time. What cannot be
// prepared now is met again.
func (tx *Tx) prepare(ctx context.Context) {
	for _, text := range tx.fresh {
		key := poolText{tx.src, text}
		if _, ok := tx.db.stmts.Load(key); ok {
			continue
		}
		s, err := tx.src.PrepareContext(ctx, tx.db.d.sql(text))
		if err != nil {
			return
		}
		if _, loaded := tx.db.stmts.LoadOrStore(key, s); loaded {
			s.Close()
		}
	}
}

// sql fills in what the engine says differently.
func (d *dialect) sql(text string) string {
	if v, ok := d.texts.Load(text); ok {
		return v.(string)
	}
	v := d.replace.Replace(text)
	if d.nameless {
		v = nameless(v)
	}
	d.texts.Store(text, v)
	return v
}

var placeholder = regexp.MustCompile(`\$[0-9]+`)

// nameless writes the placeholders $1, $2, … as ? where they come in that order, each once; other texts
// stay as they are. SQLite takes $1 for a name and its driver asks for the name of each parameter, which
// is found by walking the list of all: a third of the time of an insert of many rows.
func nameless(text string) string {
	for i, p := range placeholder.FindAllString(text, -1) {
		if p != "$"+strconv.Itoa(i+1) {
			return text
		}
	}
	return placeholder.ReplaceAllLiteralString(text, "?")
}

func isPostgres(source string) bool {
	return strings.HasPrefix(source, "postgres://") || strings.HasPrefix(source, "postgresql://")
}

// micros and instant convert between instants and the column type.
func micros(t time.Time) int64 { return t.UnixMicro() }

func instant(us int64) time.Time { return time.UnixMicro(us).UTC() }

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// unmarshal reads JSON this package wrote itself.
func unmarshal(text string, v any) error {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("store: JSON column: %w", err)
	}
	return nil
}
