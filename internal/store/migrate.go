package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema to the newest version and returns the versions it applied. On PostgreSQL
// nodes that start together take turns.
func (db *DB) Migrate(ctx context.Context) ([]int64, error) {
	p, err := db.provider()
	if err != nil {
		return nil, err
	}
	done, err := p.Up(ctx)
	var versions []int64
	for _, r := range done {
		versions = append(versions, r.Source.Version)
	}
	return versions, err
}

// SchemaCurrent tells whether no migration is pending.
func (db *DB) SchemaCurrent(ctx context.Context) (bool, error) {
	p, err := db.provider()
	if err != nil {
		return false, err
	}
	pending, err := p.HasPending(ctx)
	return !pending, err
}

func (db *DB) provider() (*goose.Provider, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var steps []*goose.Migration
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		version, err := migrationVersion(name)
		if err != nil {
			return nil, err
		}
		script := db.d.script(string(text))
		steps = append(steps, goose.NewGoMigration(version, &goose.GoFunc{
			RunTx: func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, script)
				return err
			},
		}, nil))
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(steps...)}
	dialect := goose.DialectSQLite3
	if db.d == &postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // seconds, tries: a node that starts second waits one second, not five
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(dialect, db.write, nil, options...)
}

// migrationVersion reads the number at the beginning of a migration's name.
func migrationVersion(name string) (int64, error) {
	base := strings.TrimPrefix(name, "migrations/")
	version, err := strconv.ParseInt(base[:4], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("store: migration %s: name must begin with four digits", base)
	}
	return version, nil
}

var hint = regexp.MustCompile(`/\*\+(\w+) (.*?)\*/`)

// script turns /*+engine text*/ into text for that engine and into nothing for the other.
func (d *dialect) script(text string) string {
	return hint.ReplaceAllStringFunc(text, func(m string) string {
		parts := hint.FindStringSubmatch(m)
		if parts[1] == d.name {
			return parts[2]
		}
		return ""
	})
}
