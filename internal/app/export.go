package app

import (
	"context"

	"suiyue/internal/store"
)

// RecordFile writes down that an administrator took a list away as a file: what, of which hall ("" for
// many), in which format and how many rows.
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
