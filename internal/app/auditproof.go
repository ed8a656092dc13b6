package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// proofHead is the first line of a proof: the format of C2SP, so that tools of others read it.
const proofHead = "c2sp.org/tlog-proof@v1"

// AuditProof proves that a record is in the log: its text, its path to the hash of a signed checkpoint,
// and that checkpoint. Whoever has the text and the public key of the log can check it (CheckProof),
// without asking anybody.
func (a *App) AuditProof(ctx context.Context, n int64) (string, error) {
	var row *store.AuditRow
	var under *store.Checkpoint
	var path tlog.RecordProof
	read := func() error {
		return a.db.View(ctx, func(tx *store.Tx) (err error) {
			path = nil
			if row, err = tx.AuditRow(ctx, n); err != nil || row == nil {
				return err
			}
			if under, err = tx.LastCheckpoint(ctx); err != nil || under == nil || under.Size <= n {
				return err
			}
			path, err = tlog.ProveRecord(under.Size, n, tx.AuditHashes(ctx))
			return err
		})
	}
	err := read()
	if err == nil && row != nil && (under == nil || under.Size <= n) { // younger than the newest checkpoint
		if err = a.Checkpoint(ctx); err == nil {
			err = read()
		}
	}
	switch {
	case err != nil:
		return "", err
	case row == nil:
		return "", fault.New(fault.EntryNotFound)
	case under == nil || under.Size <= n:
		return "", errors.New("app: no key signs the audit log")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nextra %s\nindex %d\n", proofHead, base64.StdEncoding.EncodeToString([]byte(row.Data)), n)
	for _, h := range path {
		fmt.Fprintln(&b, h)
	}
	b.WriteString("\n" + under.Note)
	return b.String(), nil
}

// Proven is what a good proof proves.
type Proven struct {
	N    int64
	Text string // the record, as JSON
	Size int64  // records of the log at its checkpoint
	At   string // when that was signed, RFC 3339
}

// ErrProof says that a text proves nothing.
var ErrProof = errors.New("this proves nothing")

// CheckProof checks a proof against the public key of the log. It needs nothing else.
func CheckProof(text []byte, v note.Verifier) (p Proven, err error) {
	head, signed, ok := bytes.Cut(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || len(lines) < 3 || lines[0] != proofHead {
		return p, fmt.Errorf("%w: it is not a proof", ErrProof)
	}
	extra, ok1 := strings.CutPrefix(lines[1], "extra ")
	index, ok2 := strings.CutPrefix(lines[2], "index ")
	data, err1 := base64.StdEncoding.DecodeString(extra)
	n, err2 := strconv.ParseInt(index, 10, 64)
	if !ok1 || !ok2 || errors.Join(err1, err2) != nil || n < 0 {
		return p, fmt.Errorf("%w: it is not a proof", ErrProof)
	}
	var path tlog.RecordProof
	for _, line := range lines[3:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return p, fmt.Errorf("%w: it is not a proof", ErrProof)
		}
		path = append(path, h)
	}
	c, err := parseCheckpoint(signed, v)
	if err != nil {
		return p, fmt.Errorf("%w: %w", ErrProof, err)
	}
	if n >= c.size {
		return p, fmt.Errorf("%w: the record is not under its checkpoint", ErrProof)
	}
	if err := tlog.CheckRecord(path, c.size, c.hash, n, tlog.RecordHash(data)); err != nil {
		return p, fmt.Errorf("%w: the record is not the one of the log", ErrProof)
	}
	return Proven{N: n, Text: string(data), Size: c.size, At: c.at.Format("2006-01-02T15:04:05Z07:00")}, nil
}
