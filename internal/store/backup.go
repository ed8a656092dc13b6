package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	lib "modernc.org/sqlite/lib"
)

// ErrNotSQLite says that an operation is for SQLite only: PostgreSQL brings tools of its own.
var ErrNotSQLite = errors.New("store: only for SQLite; PostgreSQL has pg_dump and pg_basebackup")

// ErrInUse says that another process has the database open.
var ErrInUse = errors.New("store: the database is in use: stop the process that serves it")

// Backup writes a whole copy of the database, of one instant, to a new file while others read and
// write. A file that is there is never touched: fs.ErrExist. The copy is on disk when it returns.
func (db *DB) Backup(ctx context.Context, to string) error {
	if db.d != &sqlite {
		return ErrNotSQLite
	}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", to, fs.ErrExist)
	}
	part := to + ".part"
	if err := emptyFile(part); err != nil {
		return err
	}
	defer os.Remove(part)
	if err := copyDatabase(ctx, db.source, part); err != nil {
		return err
	}
	if err := os.Link(part, to); err != nil {
		return err
	}
	return syncFile(filepath.Dir(to))
}

// copyDatabase writes what the database at source holds at one instant into the empty file part,
// makes sure that it is whole, and waits for the disk.
func copyDatabase(ctx context.Context, source, part string) error {
	own, err := openPlain(source) // a connection of its own: the writing one would keep everybody waiting
	if err != nil {
		return err
	}
	_, err = own.ExecContext(ctx, "vacuum into $1", part)
	if err = errors.Join(err, own.Close()); err != nil {
		return fmt.Errorf("store: copy: %w", err)
	}
	if err := checkCopy(ctx, part); err != nil {
		return err
	}
	return syncFile(part)
}

// emptyFile makes an empty file that only we may read, in the place of one left by a copy that broke
// off. SQLite would make it with the process's mask; an empty one of our mode is taken as it is.
func emptyFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Restore puts a copy made by Backup in the place of a SQLite database, after checking that it is
// whole. A database that is there is fs.ErrExist, or with replace kept beside under the name
// .before-restore. It refuses while another process has that database open.
func Restore(ctx context.Context, from, database string, replace bool) error {
	if isPostgres(database) {
		return ErrNotSQLite
	}
	to := strings.TrimPrefix(database, "sqlite:")
	if err := checkCopy(ctx, from); err != nil {
		return err
	}
	_, err := os.Lstat(to)
	there := err == nil
	if there {
		if !replace {
			return fmt.Errorf("%s: %w", to, fs.ErrExist)
		}
		if err := settleFile(ctx, to); err != nil {
			return err
		}
	}
	part := to + ".part"
	if err := emptyFile(part); err != nil {
		return err
	}
	defer os.Remove(part)
	if err := copyDatabase(ctx, from, part); err != nil {
		return err
	}
	before := to + ".before-restore"
	// What SQLite left beside the old database must not be taken for the new one's.
	for _, side := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(before + side); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.Rename(to+side, before+side); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if there {
		if err := os.Remove(before); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.Link(to, before); err != nil { // so that there is a database at every instant
			return err
		}
	}
	if err := os.Rename(part, to); err != nil {
		return err
	}
	return syncFile(filepath.Dir(to))
}

// checkCopy refuses a file that is not a whole database of the product.
func checkCopy(ctx context.Context, path string) error {
	db, err := openPlain(path)
	if err != nil {
		return err
	}
	defer db.Close()
	var found string
	if err := db.QueryRowContext(ctx, "pragma quick_check(1)").Scan(&found); err != nil || found != "ok" {
		return fmt.Errorf("store: %s is not a whole SQLite database", path)
	}
	var tables int
	if err := db.QueryRowContext(ctx, "select count(*) from sqlite_master where type = 'table' and name in ('slot', 'booking', 'claim')").Scan(&tables); err != nil {
		return err
	}
	if tables != 3 {
		return fmt.Errorf("store: %s is not a database of Suiyue", path)
	}
	var version, newest int64
	if err := db.QueryRowContext(ctx, "select max(version_id) from goose_db_version where is_applied").Scan(&version); err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	for _, name := range names {
		n, err := migrationVersion(name)
		if err != nil {
			return err
		}
		newest = max(newest, n)
	}
	if version > newest {
		return fmt.Errorf("store: %s has schema %d; this program knows only %d", path, version, newest)
	}
	return nil
}

// settleFile brings everything of a database into its one file, which only works while nobody else
// has it open. A file that is no whole database any more is left to be replaced.
func settleFile(ctx context.Context, path string) error {
	db, err := openPlain(path)
	if err != nil {
		return err
	}
	var mode string
	err = db.QueryRowContext(ctx, "pragma journal_mode = delete").Scan(&mode)
	err = errors.Join(err, db.Close())
	if sqlite.retry(err) || err == nil && mode != "delete" {
		return ErrInUse
	}
	if sqliteBase(err, lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB) {
		return nil
	}
	return err
}

// openPlain opens a SQLite file on one connection that waits a little for others and changes nothing
// by itself.
func openPlain(source string) (*sql.DB, error) {
	path, err := filepath.Abs(strings.TrimPrefix(source, "sqlite:"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", Path: path}
	db, err := sql.Open("sqlite", u.String()+"?_pragma=busy_timeout(2000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
