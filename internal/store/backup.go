package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
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
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// SQLite makes the file with the process's mask; an empty one of our mode is taken as it is.
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(part)
	if err := f.Close(); err != nil {
		return err
	}
	// A connection of its own: the writing one would keep everybody waiting.
	own, err := openPlain(db.source)
	if err != nil {
		return err
	}
	_, err = own.ExecContext(ctx, "vacuum into $1", part)
	if err = errors.Join(err, own.Close()); err != nil {
		return fmt.Errorf("store: copy: %w", err)
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Link(part, to); err != nil {
		return err
	}
	return syncFile(filepath.Dir(to))
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
	defer os.Remove(part)
	if err := copyFile(from, part); err != nil {
		return err
	}
	if there {
		if err := os.Rename(to, to+".before-restore"); err != nil {
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
	return nil
}

// settleFile brings everything of a database into its one file, which only works while nobody else
// has it open.
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

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
