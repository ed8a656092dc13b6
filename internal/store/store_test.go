package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"suiyue/internal/pgtest"
	"suiyue/internal/store"
	"suiyue/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func open(t *testing.T, source string, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), source, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func migrate(source string) error {
	db, err := store.Open(context.Background(), source, store.Options{})
	if err != nil {
		return err
	}
	_, err = db.Migrate(context.Background())
	return errors.Join(err, db.Close())
}

func TestSQLite(t *testing.T) {
	made := filepath.Join(t.TempDir(), "made.db")
	if err := migrate(made); err != nil {
		t.Fatal(err)
	}
	empty, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, func(t *testing.T, o store.Options) *store.DB {
		path := filepath.Join(t.TempDir(), "city.db")
		if err := os.WriteFile(path, empty, 0o600); err != nil {
			t.Fatal(err)
		}
		return open(t, path, o)
	})
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T, o store.Options) *store.DB { return open(t, pgtest.Reused(t, migrate), o) })
}
