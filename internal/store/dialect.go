package store

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// dialect is all that differs between the engines.
//
// In SQL text, {rows} is the row source for the JSON array in $1: rows named by an alias have a
// column "value" on which ->> works. {skip} ends a select that claims rows others may hold.
// Set statements begin with "with w as materialized (… order by key)": SQLite would run the JSON as
// the inner loop otherwise (measured: 1.28 s instead of 4 ms for 128 rows), and PostgreSQL locks in
// that order, so that two of them never wait for each other in a ring.
type dialect struct {
	name     string
	replace  *strings.Replacer
	texts    sync.Map
	readOnly *sql.TxOptions
	prepares bool      // statements are worth keeping prepared; pgx keeps its own
	nameless bool      // placeholders without names are cheaper
	arrays   bool      // a parameter can be an array: many rows are inserted by one for each column
	walk     [2]string // said before and after a statement that must read rows in the order of an index; empty where they do anyway
	settle   string
	open     func(source string, conns int) (write, read *sql.DB, err error)
	check    func(ctx context.Context, db *DB) error
	lane     func(ctx context.Context, db *DB) (laneConn, error)
	unique   func(error) bool // a primary key or unique index refused
	retry    func(error) bool // nothing was done; the same again may succeed
	undone   func(error) bool // an error of COMMIT that surely rolled back
	lost     func(error) bool // the connection failed, or none could be had
}

var sqlite = dialect{
	name:     "sqlite",
	replace:  strings.NewReplacer("{rows}", "json_each($1)", "{skip}", ""),
	prepares: true,
	nameless: true,
	settle:   "pragma wal_checkpoint(truncate)",
	open:     openSQLite,
	check:    checkSQLite,
	lane:     newSQLiteLane,
	unique: func(err error) bool {
		return sqliteCode(err, lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY)
	},
	retry: func(err error) bool { return sqliteBase(err, lib.SQLITE_BUSY, lib.SQLITE_LOCKED) },
	undone: func(err error) bool {
		return sqliteBase(err, lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_CONSTRAINT)
	},
	lost: func(err error) bool { return sqliteBase(err, lib.SQLITE_IOERR, lib.SQLITE_FULL, lib.SQLITE_CANTOPEN) },
}

var postgres = dialect{
	name: "postgres",
	// The condition is always true; it makes the planner expect one row, so that every set statement
	// walks the keys of its table from the rows, though it was planned when the table was empty.
	replace: strings.NewReplacer(
		"{rows}", "(select j.value from json_array_elements($1::json) j where j.value::text = j.value::text || '')",
		"{skip}", "for update skip locked"),
	// The planner takes what came after its last look at a table for next to nothing, reads it all and sorts
	// it for the first hundred (measured: 40 ms and a temporary file for 40,000 messages that wait).
	walk:     [2]string{"set local enable_sort = off; set local enable_bitmapscan = off", "reset enable_sort; reset enable_bitmapscan"},
	arrays:   true,
	settle:   "checkpoint",
	readOnly: &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
	open:     openPostgres,
	check:    checkPostgres,
	lane:     newPostgresLane,
	unique:   func(err error) bool { return sqlState(err, "23505") },
	retry:    func(err error) bool { return sqlState(err, "40001", "40P01") },
	undone: func(err error) bool {
		var pe *pgconn.PgError
		return errors.Is(err, pgx.ErrTxCommitRollback) || errors.As(err, &pe) && strings.HasPrefix(pe.Code, "40") || sqlState(err, "23505", "23514", "25P02")
	},
	lost: func(err error) bool {
		var pe *pgconn.PgError
		if errors.As(err, &pe) { // connection exceptions, no resources, going down or starting up
			return strings.HasPrefix(pe.Code, "08") || strings.HasPrefix(pe.Code, "53") || strings.HasPrefix(pe.Code, "57P")
		}
		var ne net.Error
		var ce *pgconn.ConnectError
		return errors.Is(err, sqldriver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
			errors.As(err, &ne) || errors.As(err, &ce) || strings.Contains(err.Error(), "conn closed") // pgconn has no type for it
	},
}

func sqliteCode(err error, codes ...int) bool {
	var e *driver.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code() == c {
			return true
		}
	}
	return false
}

func sqliteBase(err error, codes ...int) bool {
	var e *driver.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code()&0xff == c {
			return true
		}
	}
	return false
}

func sqlState(err error, states ...string) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	for _, s := range states {
		if e.Code == s {
			return true
		}
	}
	return false
}

func openSQLite(path string, conns int) (write, read *sql.DB, err error) {
	abs, err := filepath.Abs(strings.TrimPrefix(path, "sqlite:"))
	if err != nil {
		return nil, nil, err
	}
	dsn := func(more string) string {
		u := url.URL{Scheme: "file", Path: abs}
		return u.String() + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
			"&_pragma=foreign_keys(1)&_pragma=temp_store(MEMORY)&_pragma=secure_delete(1)" + more
	}
	if write, err = sql.Open("sqlite", dsn("&_txlock=immediate&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-49152)")); err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	write.SetMaxIdleConns(1)
	write.SetConnMaxLifetime(0)
	if err := write.Ping(); err != nil { // makes the file, before readers that may not
		return nil, nil, errors.Join(err, write.Close())
	}
	if read, err = sql.Open("sqlite", dsn("&_pragma=query_only(1)&_pragma=cache_size(-8192)")); err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	readers := min(conns, 2+2*runtime.NumCPU())
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return write, read, nil
}

// The oldest SQLite that may write: before 3.51.3 a checkpoint could lose committed pages.
var sqliteFloor = [3]int{3, 51, 3}

func checkSQLite(ctx context.Context, db *DB) error {
	v, err := db.Version(ctx)
	if err != nil {
		return err
	}
	var have [3]int
	if _, err := fmt.Sscanf(v, "%d.%d.%d", &have[0], &have[1], &have[2]); err != nil {
		return fmt.Errorf("store: SQLite version %q not understood", v)
	}
	for i := range have {
		if have[i] != sqliteFloor[i] {
			if have[i] < sqliteFloor[i] {
				return fmt.Errorf("store: SQLite %s can lose committed pages; 3.51.3 or later is needed", v)
			}
			return nil
		}
	}
	return nil
}

func openPostgres(source string, conns int) (write, read *sql.DB, err error) {
	cfg, err := pgx.ParseConfig(source)
	if err != nil {
		return nil, nil, errors.New("store: the PostgreSQL address could not be read") // it may hold a password
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "suiyue"
	}
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.RuntimeParams["plan_cache_mode"] = "force_custom_plan" // a plan of the empty table must not outlive it
	cfg.RuntimeParams["jit"] = "off"                           // it pays for statements of seconds; ours take milliseconds
	pool := stdlib.OpenDB(*cfg)
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return pool, pool, nil
}

func checkPostgres(ctx context.Context, db *DB) error {
	var sorted bool
	if err := db.read.QueryRowContext(ctx, "select 'B' < 'a'").Scan(&sorted); err != nil {
		return err
	}
	if !sorted {
		return errors.New("store: the PostgreSQL database must be created with the C collation (createdb --template=template0 --locale=C --encoding=UTF8)")
	}
	var commit, encoding string
	if err := db.read.QueryRowContext(ctx, "select current_setting('synchronous_commit'), current_setting('server_encoding')").Scan(&commit, &encoding); err != nil {
		return err
	}
	if encoding != "UTF8" {
		return errors.New("store: the PostgreSQL database must be encoded in UTF8")
	}
	if commit == "off" {
		return errors.New("store: synchronous_commit is off: a confirmed booking could be lost")
	}
	return nil
}

// Version returns the version of the engine.
func (db *DB) Version(ctx context.Context) (string, error) {
	text := "select sqlite_version()"
	if db.d == &postgres {
		text = "select current_setting('server_version')"
	}
	var v string
	err := db.read.QueryRowContext(ctx, text).Scan(&v)
	return v, err
}
