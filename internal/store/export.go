package store

import (
	"context"
	"time"
)

// Walk reads a list from the largest id down, a piece at a time. What is added meanwhile has a larger id and is
// not met; what is changed meanwhile keeps its id, so that no row comes twice. A Walk counts nothing.
type Walk struct {
	Before string // of ids below this one; "" from the largest on
	N      int64  // with Before: of two rows with that id those numbered below it
	Size   int    // of a piece
}

// below is the condition of a Walk over a column of ids; "" for the first piece.
func (w Walk) below(column string, next func(any) string) string {
	if w.Before == "" {
		return ""
	}
	return " and " + column + " < " + next(w.Before)
}

// ExportState is what became of a list that is taken away as a file.
type ExportState string

const (
	ExportRunning   ExportState = "running"
	ExportWhole     ExportState = "whole"     // all of it was sent
	ExportCancelled ExportState = "cancelled" // by who began it
	ExportStopped   ExportState = "stopped"   // by the server, which was about to stop, or because powers ended
	ExportBroken    ExportState = "broken"    // the reader went away, or something failed
)

// Export is a list that is taken away as a file.
type Export struct {
	ID      string
	Account string
	Noun    string
	Hall    string // "" for many
	Format  string // csv, xlsx
	State   ExportState
	Counted int64 // rows there were when it began
	Written int64 // rows sent
	Bytes   int64
	Digest  string // SHA-256 of the whole file, hex
	Code    string // why it ended early
	Began   time.Time
	Told    time.Time // when it was last known to go on
	Ended   time.Time // zero while it goes on
}

const exportColumns = "id, account, noun, hall_id, format, state, counted, written, bytes, digest, code, began_at, told_at, ended_at"

func scanExport(scan func(...any) error) (e Export, err error) {
	var began, told, ended int64
	err = scan(&e.ID, &e.Account, &e.Noun, &e.Hall, &e.Format, &e.State, &e.Counted, &e.Written, &e.Bytes, &e.Digest, &e.Code, &began, &told, &ended)
	e.Began, e.Told, e.Ended = instant(began), instant(told), since(ended)
	return e, err
}

// AddExport writes that a file begins; false when there is one of that id.
func (tx *Tx) AddExport(ctx context.Context, e Export) (bool, error) {
	n, err := tx.exec(ctx, "export.insert", `
insert into export (`+exportColumns+`) values ($1, $2, $3, $4, $5, 'running', $6, 0, 0, '', '', $7, $8, 0) on conflict (id) do nothing`,
		e.ID, e.Account, e.Noun, e.Hall, e.Format, e.Counted, micros(tx.Now), micros(tx.Now))
	return n == 1, err
}

// TellExport writes how far a file is; false when it is not to go on.
func (tx *Tx) TellExport(ctx context.Context, id string, written, bytes int64) (bool, error) {
	n, err := tx.exec(ctx, "export.tell", `update export set written = $2, bytes = $3, told_at = $4 where id = $1 and state = 'running'`,
		id, written, bytes, micros(tx.Now))
	return n == 1, err
}

// EndExport writes what became of a file. One that was cancelled stays so, and is told by false.
func (tx *Tx) EndExport(ctx context.Context, e Export) (bool, error) {
	n, err := tx.exec(ctx, "export.end", `
update export set state = $2, written = $3, bytes = $4, digest = $5, code = $6, told_at = $7, ended_at = $8 where id = $1 and state = 'running'`,
		e.ID, string(e.State), e.Written, e.Bytes, e.Digest, e.Code, micros(tx.Now), micros(tx.Now))
	return n == 1, err
}

// CancelExport has a file of an account end at the next row it writes; false when it does not run.
func (tx *Tx) CancelExport(ctx context.Context, account, id string) (bool, error) {
	n, err := tx.exec(ctx, "export.cancel", `update export set state = 'cancelled', ended_at = $3 where id = $1 and account = $2 and state = 'running'`,
		id, account, micros(tx.Now))
	return n == 1, err
}

// Export returns a file, nil if there is none.
func (tx *Tx) Export(ctx context.Context, id string) (found *Export, err error) {
	return found, tx.query(ctx, "export.one", `select `+exportColumns+` from export where id = $1`, func(scan func(...any) error) error {
		e, err := scanExport(scan)
		found = &e
		return err
	}, id)
}

// ExportsOf returns the files of an account, newest first.
func (tx *Tx) ExportsOf(ctx context.Context, account string, limit int) (out []Export, err error) {
	return out, tx.query(ctx, "export.of", `select `+exportColumns+` from export where account = $1 order by began_at desc, id limit $2`,
		func(scan func(...any) error) error {
			e, err := scanExport(scan)
			out = append(out, e)
			return err
		}, account, int64(limit))
}
