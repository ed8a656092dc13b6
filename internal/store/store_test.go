package store_test

import (
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

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T, o store.Options) *store.DB {
		return open(t, filepath.Join(t.TempDir(), "city.db"), o)
	})
}

func TestPostgres(t *testing.T) {
	migrate := func(source string) error {
		db, err := store.Open(t.Context(), source, store.Options{})
		if err != nil {
			return err
		}
		_, err = db.Migrate(t.Context())
		return errors.Join(err, db.Close())
	}
	storetest.Run(t, func(t *testing.T, o store.Options) *store.DB { return open(t, pgtest.Reused(t, migrate), o) })
}
