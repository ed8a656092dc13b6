package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"suiyue/data"
	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/store"
)

// What an operator does beside serving. Each opens the database for itself and closes it.

// withStore opens a database that is there. To look at one that is not, its name spelt wrong perhaps,
// must not make it.
func withStore(ctx context.Context, d Data, do func(*store.DB) error) error {
	if path, ok := d.file(); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no database at %s: `suiyue migrate` makes one", path)
		}
	}
	return withNewStore(ctx, d, do)
}

// withNewStore makes the database where there is none.
func withNewStore(ctx context.Context, d Data, do func(*store.DB) error) (err error) {
	db, err := openStore(ctx, d, time.Now, 0, nil)
	if err != nil {
		return err
	}
	defer func() {
		if e := db.Close(); err == nil {
			err = e
		}
	}()
	return do(db)
}

func withApp(ctx context.Context, d Data, do func(*app.App) error) error {
	return withStore(ctx, d, func(db *store.DB) error {
		current, err := db.SchemaCurrent(ctx)
		if err != nil {
			return err
		}
		if !current {
			return ErrOldSchema
		}
		keys, err := openKeys(ctx, d, db)
		if err != nil {
			return err
		}
		sign, err := logKey(keys)
		if err != nil {
			return err
		}
		a, err := app.New(ctx, app.Config{DB: db, Vault: vault{keys}, Now: time.Now, Lanes: 1, LogKey: sign, Witness: d.witness()})
		if err != nil {
			return err
		}
		defer a.Close()
		return do(a)
	})
}

// Migrate brings the schema up to date and returns the steps it took.
func Migrate(ctx context.Context, d Data) (steps []int64, err error) {
	err = withNewStore(ctx, d, func(db *store.DB) (err error) {
		steps, err = db.Migrate(ctx)
		return err
	})
	return steps, err
}

// ImportReport says what an import came to.
type ImportReport = app.ImportReport

// Import loads a city from CSV files, nil for the one in the program (app.App.Import).
func Import(ctx context.Context, d Data, files fs.FS, progress Progress) (report app.ImportReport, err error) {
	if files == nil {
		files = data.Files
	}
	if progress == nil {
		progress = func(string, int, int) {}
	}
	err = withApp(ctx, d, func(a *app.App) (err error) {
		report, err = a.Import(ctx, files, func(_ string, done, all int) { progress("import", done, all) })
		return err
	})
	return report, err
}

// ImportThemes loads themes from a folder, nil for those in the program (app.App.ImportThemes).
func ImportThemes(ctx context.Context, d Data, files fs.FS) (report app.ImportReport, err error) {
	if files == nil {
		files = data.Files
	}
	err = withApp(ctx, d, func(a *app.App) (err error) {
		report, err = a.ImportThemes(ctx, files)
		return err
	})
	return report, err
}

// Doctor checks the database (app.Doctor), with the keyring where there is one.
func Doctor(ctx context.Context, d Data) (found []app.Finding, err error) {
	v, err := verifierOf(d, "")
	if err != nil {
		return nil, err
	}
	kept, err := d.witness().Kept()
	if err != nil {
		return nil, err
	}
	err = withStore(ctx, d, func(db *store.DB) (err error) {
		found, err = app.Doctor(ctx, db, time.Now(), v, kept)
		return err
	})
	return found, err
}

// FigureLag tells how many days of halls wait to be counted, and when the city was counted last, the zero time for never.
func FigureLag(ctx context.Context, d Data) (days int, counted time.Time, err error) {
	err = withStore(ctx, d, func(db *store.DB) error {
		return db.View(ctx, func(tx *store.Tx) (err error) {
			days, counted, err = tx.FigureLag(ctx, calendar.DateOf(tx.Now))
			return err
		})
	})
	return days, counted, err
}

// CheckFigures counts all figures from one date to another anew (app.CheckFigures): "" for the first there is, and for
// yesterday.
func CheckFigures(ctx context.Context, d Data, from, to string, mend bool, progress func(done, all int)) (c app.FigureCheck, err error) {
	now := time.Now()
	first, last := calendar.Date(0), calendar.DateOf(now)-1
	for at, text := range map[*calendar.Date]string{&first: from, &last: to} {
		if text == "" {
			continue
		}
		if *at, err = calendar.ParseDate(text); err != nil {
			return c, err
		}
	}
	err = withStore(ctx, d, func(db *store.DB) (err error) {
		c, err = app.CheckFigures(ctx, db, now, first, last, mend, progress)
		return err
	})
	return c, err
}

// WatchRate is how good the watch for what is unusual is on a made past (app.WatchRate).
type WatchRate = app.WatchRate

// RateWatch measures it (app.RateWatch); from and to are dates, "" for the first and the last that can be asked for.
func RateWatch(ctx context.Context, d Data, from, to string, share float64, progress func(done, all int)) (r WatchRate, err error) {
	if share <= 0 || share > 1 {
		return r, fmt.Errorf("--scale must lie above 0 and be at most 1")
	}
	var first, last calendar.Date
	for flag, f := range map[string]struct {
		text string
		date *calendar.Date
	}{"--from": {from, &first}, "--to": {to, &last}} {
		if f.text == "" {
			continue
		}
		if *f.date, err = calendar.ParseDate(f.text); err != nil {
			return r, fmt.Errorf("%s must be a date, as 2025-06-30", flag)
		}
	}
	err = withStore(ctx, d, func(db *store.DB) (err error) {
		r, err = app.RateWatch(ctx, db, time.Now(), first, last, share, progress)
		return err
	})
	return r, err
}

// Backup copies a SQLite database to a new file while it is served (store.DB.Backup).
func Backup(ctx context.Context, d Data, to string) error {
	return withStore(ctx, d, func(db *store.DB) error { return db.Backup(ctx, to) })
}

// Restore puts a copy in the place of the database (store.Restore).
func Restore(ctx context.Context, d Data, from string, replace bool) error {
	return store.Restore(ctx, from, d.Database, replace)
}

// RetentionState is what was forgotten, and of records of access dropped (app.RetentionState).
type RetentionState = app.RetentionState

// Retention returns the report of it.
func Retention(ctx context.Context, d Data) (r RetentionState, err error) {
	err = withStore(ctx, d, func(db *store.DB) (err error) {
		r, err = app.RetentionReport(ctx, db)
		return err
	})
	return r, err
}

// Forget forgets everything that is due now, whatever the hour, and returns the days of halls it went through.
func Forget(ctx context.Context, d Data, progress Progress) (days int, err error) {
	err = withApp(ctx, d, func(a *app.App) error {
		for {
			n, more, err := a.Forget(ctx, 100)
			days += n
			progress("days", days, 0)
			if err != nil || !more {
				return err
			}
		}
	})
	return days, err
}
