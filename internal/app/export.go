package app

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// Export is a list that an administrator takes away as a file.
type Export = store.Export

// ExportState is what became of one.
type ExportState = store.ExportState

// What becomes of a list that is taken away: see store.
const (
	ExportRunning   = store.ExportRunning
	ExportWhole     = store.ExportWhole
	ExportCancelled = store.ExportCancelled
	ExportStopped   = store.ExportStopped
	ExportBroken    = store.ExportBroken
)

// Walk reads a list from its end, a piece at a time.
type Walk = store.Walk

// ExportSilent is after how long without a word a file that should be written is not any more: its node
// is gone.
const ExportSilent = 30 * time.Second

// RecordFile writes down that an administrator took a list away as a file that was made before it was sent:
// what, of which hall ("" for many), in which format and how many rows.
func (a *App) RecordFile(ctx context.Context, ad *Admin, noun, hall, format string, rows int) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		r := ad.record("file.export", noun, hall)
		r.Hall = hall
		r.After = asJSON(map[string]any{"format": format, "rows": rows})
		return tx.Audit(ctx, r)
	})
}

// BeginExport writes down, before the first row is sent, that an administrator takes a list away: e says what,
// of which hall, in which format and how many rows there are. The id that e brings may be the page's, which
// follows by it how far the file is; "" has one made. It returns the id.
func (a *App) BeginExport(ctx context.Context, ad *Admin, e Export) (string, error) {
	if e.Account = ad.Account.ID; !validExport(e.ID) {
		e.ID = strings.ToLower(rand.Text())
	}
	return e.ID, a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		if is, err := tx.AddExport(ctx, e); err != nil || !is {
			return orElse(err, fault.New(fault.ChangedMeanwhile))
		}
		r := ad.record("file.export", e.Noun, e.Hall)
		r.Hall = e.Hall
		r.After = asJSON(map[string]any{"export": e.ID, "format": e.Format, "rows": e.Counted})
		return tx.Audit(ctx, r)
	})
}

// validExport tells whether an id may be one of a page: 26 letters and digits that nobody guesses.
func validExport(id string) bool {
	return len(id) == 26 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// TellExport writes how far a file is. go is false when it is not to go on: it was cancelled. An administrator who
// has lost their account meanwhile gets the fault that says so.
func (a *App) TellExport(ctx context.Context, ad *Admin, id string, rows, bytes int64) (goOn bool, err error) {
	return goOn, a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		goOn, err = tx.TellExport(ctx, id, rows, bytes)
		return err
	})
}

// EndExport writes down what became of a file, in its row and in the log. A file that was cancelled meanwhile is
// told by an error, and its row stays as it is.
func (a *App) EndExport(ctx context.Context, ad *Admin, e Export) error {
	cancelled := false
	if err := a.db.Update(ctx, func(tx *store.Tx) error {
		is, err := tx.EndExport(ctx, e)
		if err != nil {
			return err
		}
		state := e.State
		if cancelled = !is; cancelled {
			state = store.ExportCancelled
		}
		r := ad.record("file.exported", e.Noun, e.Hall)
		r.Hall = e.Hall
		after := map[string]any{"export": e.ID, "state": state, "rows": e.Written, "bytes": e.Bytes}
		if e.Digest != "" && !cancelled {
			after["sha256"] = e.Digest
		}
		if e.Code != "" {
			after["code"] = e.Code
		}
		r.After = asJSON(after)
		return tx.Audit(ctx, r)
	}); err != nil {
		return err
	}
	if cancelled && e.State == store.ExportWhole {
		return fault.New(fault.ExportCancelled)
	}
	return nil
}

// CancelExport has a file of the administrator's end, on whichever node it is written.
func (a *App) CancelExport(ctx context.Context, ad *Admin, id string) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		e, err := tx.Export(ctx, id)
		if err != nil || e == nil || e.Account != ad.Account.ID {
			return orElse(err, fault.New(fault.ExportNotFound))
		}
		is, err := tx.CancelExport(ctx, ad.Account.ID, id)
		if err != nil || !is { // it has ended by itself
			return err
		}
		r := ad.record("file.cancel", e.Noun, e.Hall)
		r.Hall = e.Hall
		r.After = asJSON(map[string]any{"export": id})
		return tx.Audit(ctx, r)
	})
}

// ExportOf returns a file of the administrator's; of anybody else's it is not found.
func (a *App) ExportOf(ctx context.Context, ad *Admin, id string) (e Export, err error) {
	err = a.db.Read(ctx, func(tx *store.Tx) error {
		found, err := tx.Export(ctx, id)
		if err != nil || found == nil || found.Account != ad.Account.ID {
			return orElse(err, fault.New(fault.ExportNotFound))
		}
		e = a.heardOf(*found)
		return nil
	})
	return e, err
}

// Exports returns the files the administrator took away lately, newest first.
func (a *App) Exports(ctx context.Context, ad *Admin, limit int) (list []Export, err error) {
	err = a.db.Read(ctx, func(tx *store.Tx) error {
		list, err = tx.ExportsOf(ctx, ad.Account.ID, limit)
		return err
	})
	for i, e := range list {
		list[i] = a.heardOf(e)
	}
	return list, err
}

// heardOf gives a file of which nothing was heard for too long its end: who wrote it is gone.
func (a *App) heardOf(e Export) Export {
	if e.State == store.ExportRunning && a.now().Sub(e.Told) > ExportSilent {
		e.State, e.Ended = store.ExportBroken, e.Told
	}
	return e
}
