package app

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suiyue/internal/store"
)

// AuditReport is what checking the whole log came to.
type AuditReport struct {
	Records     int64
	Checkpoints int
	Covered     int64    // records under the newest checkpoint
	Broken      []string // what is not as it was; none for a log that is whole
	Unsigned    bool     // signatures were not checked: no key was given
}

// brokenShown is how many things one report lists; the rest are as many more.
const brokenShown = 50

// VerifyAudit reads the whole log as of one instant, computes every hash of it anew and compares them
// with the stored ones, and with every checkpoint: of the database, and those kept elsewhere. It says
// which record was changed, added or taken away. A nil v leaves signatures unchecked.
func VerifyAudit(ctx context.Context, db *store.DB, v note.Verifier, elsewhere ...[]byte) (AuditReport, error) {
	w := audit{report: AuditReport{Unsigned: v == nil}, v: v}
	err := db.View(ctx, func(tx *store.Tx) error { return w.run(ctx, tx, elsewhere) })
	if more := len(w.report.Broken) - brokenShown; more > 0 {
		w.report.Broken = append(w.report.Broken[:brokenShown], fmt.Sprintf("and %d more", more))
	}
	return w.report, err
}

// audit is one look at the whole log.
type audit struct {
	report AuditReport
	v      note.Verifier
	tree   frontier
	good   int64 // size of the last checkpoint that agreed
}

func (w *audit) broken(format string, args ...any) {
	w.report.Broken = append(w.report.Broken, fmt.Sprintf(format, args...))
}

const auditPage = 1000

func (w *audit) run(ctx context.Context, tx *store.Tx, elsewhere [][]byte) error {
	size, err := tx.AuditSize(ctx)
	if err != nil {
		return err
	}
	w.report.Records = size
	more, err := tx.AuditBeyond(ctx, size)
	if err != nil {
		return err
	}
	if more {
		w.broken("there are records or hashes behind the end of the log, which is at %d", size)
	}
	kept, err := w.kept(elsewhere, size)
	if err != nil {
		return err
	}
	next, err := tx.Checkpoints(ctx, 0, auditPage)
	if err != nil {
		return err
	}
	last := int64(0) // size of the checkpoint read last
	for n := int64(0); n < size; {
		to := min(n+auditPage, size)
		if err := w.page(ctx, tx, n, to, func(size int64) error {
			for _, c := range kept[size] {
				w.compare(c, "the checkpoint kept outside the database")
			}
			if len(next) == 0 || next[0].Size != size {
				return nil
			}
			w.report.Checkpoints++
			w.stored(next[0])
			if last, next = next[0].Size, next[1:]; len(next) == 0 {
				next, err = tx.Checkpoints(ctx, last, auditPage)
			}
			return err
		}); err != nil {
			return err
		}
		n = to
	}
	for _, c := range next { // beyond the end
		w.report.Checkpoints++
		w.broken("checkpoint of %d records: the log has only %d; its last %d are gone", c.Size, size, c.Size-size)
	}
	w.report.Covered = last
	return nil
}

// kept reads the checkpoints that come from outside the database, by size.
func (w *audit) kept(elsewhere [][]byte, size int64) (map[int64][]checkpoint, error) {
	out := map[int64][]checkpoint{}
	for _, signed := range elsewhere {
		if len(signed) == 0 {
			continue
		}
		c, err := parseCheckpoint(signed, w.v)
		switch {
		case errors.Is(err, ErrLogBroken):
			w.broken("the checkpoint kept outside the database: %v", err)
		case err != nil:
			return nil, err
		case c.size > size:
			w.broken("the checkpoint kept outside the database had %d records: the log has only %d; its last %d are gone", c.size, size, c.size-size)
		default:
			out[c.size] = append(out[c.size], c)
		}
	}
	return out, nil
}

func (w *audit) stored(row store.Checkpoint) {
	name := fmt.Sprintf("checkpoint of %d records", row.Size)
	c, err := parseCheckpoint([]byte(row.Note), w.v)
	switch {
	case err != nil:
		w.broken("%s: %v", name, err)
	case c.size != row.Size:
		w.broken("%s: it was signed for %d", name, c.size)
	default:
		w.compare(c, name)
	}
}

// compare compares a checkpoint with the tree, which has as many records as it now.
func (w *audit) compare(c checkpoint, name string) {
	if w.tree.root() == c.hash {
		w.good = max(w.good, c.size)
		return
	}
	w.broken("%s: something among records %d to %d is not what was signed", name, w.good, c.size-1)
}

// page checks the records from <= n < to, and calls at after each with how many there are by then.
func (w *audit) page(ctx context.Context, tx *store.Tx, from, to int64, at func(size int64) error) error {
	rows, err := tx.AuditRows(ctx, from, int(to-from))
	if err != nil {
		return err
	}
	stored, err := tx.AuditHashRange(ctx, tlog.StoredHashIndex(0, from), tlog.StoredHashIndex(0, to))
	if err != nil {
		return err
	}
	for n := from; n < to; n++ {
		first := tlog.StoredHashIndex(0, n)
		was, errWas := tlog.ParseHash(stored[first])
		var leaf tlog.Hash
		switch {
		case len(rows) == 0 || rows[0].N != n:
			w.broken("record %d is gone", n)
			leaf = was // so that the others can still be checked
		default:
			r := rows[0]
			rows = rows[1:]
			leaf = tlog.RecordHash([]byte(r.Data))
			hashed, err := r.Record()
			switch {
			case errWas == nil && leaf != was:
				w.broken("record %d was changed", n)
				leaf = was
			case err != nil || !sameColumns(r, hashed):
				w.broken("record %d: what it is found by was changed", n)
			}
		}
		for i, h := range w.tree.add(leaf) {
			switch text, ok := stored[first+int64(i)]; {
			case !ok:
				w.broken("record %d: a hash of it is gone", n)
			case text != h.String():
				w.broken("record %d: a hash over it was changed", n)
			}
		}
		if err := at(n + 1); err != nil {
			return err
		}
	}
	return nil
}

// frontier is the tree over the records so far: the roots of its whole subtrees, largest first.
type frontier struct {
	n     int64
	roots []tlog.Hash
}

// add adds a record and returns the hashes it completes, as they are stored.
func (f *frontier) add(leaf tlog.Hash) []tlog.Hash {
	out, h := []tlog.Hash{leaf}, leaf
	for n := f.n; n&1 == 1; n >>= 1 {
		h = tlog.NodeHash(f.roots[len(f.roots)-1], h)
		f.roots = f.roots[:len(f.roots)-1]
		out = append(out, h)
	}
	f.roots = append(f.roots, h)
	f.n++
	return out
}

// root is the hash of the tree.
func (f *frontier) root() tlog.Hash {
	h := f.roots[len(f.roots)-1]
	for i := len(f.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.roots[i], h)
	}
	return h
}
