package app

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// Witness keeps the newest checkpoint of the audit log in a place that who can write the database cannot:
// a log cut back to an older checkpoint is otherwise as good as one that never grew.
type Witness interface {
	Kept() (checkpoint []byte, err error) // nil for none yet
	Keep(checkpoint []byte) error
}

// ErrLogBroken says that the audit log is not the one its checkpoints speak of.
var ErrLogBroken = errors.New("the audit log does not agree with its checkpoint")

// record begins the audit record of an act: who, in which rank, from where.
func (ad *Admin) record(act, noun, key string) store.AuditRecord {
	return store.AuditRecord{
		Account: ad.Account.ID, Rank: string(ad.Account.Rank), From: ad.Origin, Act: act, Noun: noun, Key: key,
	}
}

// asJSON writes what an audit record shows of before or after.
func asJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("app: an audit record that JSON cannot hold: " + err.Error())
	}
	return b
}

// A checkpoint is signed as a note (C2SP tlog-checkpoint): the name of the log, its size, the hash of
// the tree over all its records, and when.
type checkpoint struct {
	size int64
	hash tlog.Hash
	at   time.Time
}

func (c checkpoint) text(name string) string {
	return fmt.Sprintf("%s\n%d\n%s\nat %s\n", name, c.size, c.hash, c.at.UTC().Format(time.RFC3339))
}

// parseCheckpoint reads a signed checkpoint and checks its signature; nil v leaves the signature unread.
func parseCheckpoint(signed []byte, v note.Verifier) (c checkpoint, err error) {
	text := string(signed)
	if v != nil {
		n, err := note.Open(signed, note.VerifierList(v))
		if err != nil {
			return c, fmt.Errorf("%w: its signature is not good", ErrLogBroken)
		}
		text = n.Text
		if name, _, _ := strings.Cut(text, "\n"); name != v.Name() {
			return c, fmt.Errorf("%w: it is of another log", ErrLogBroken)
		}
	}
	lines := strings.Split(text, "\n")
	if len(lines) < 5 {
		return c, fmt.Errorf("%w: it cannot be read", ErrLogBroken)
	}
	var bad [3]error
	c.size, bad[0] = strconv.ParseInt(lines[1], 10, 64)
	c.hash, bad[1] = tlog.ParseHash(lines[2])
	c.at, bad[2] = time.Parse(time.RFC3339, strings.TrimPrefix(lines[3], "at "))
	if errors.Join(bad[:]...) != nil || c.size <= 0 {
		return c, fmt.Errorf("%w: it cannot be read", ErrLogBroken)
	}
	return c, nil
}

// logName is the name of the log in its checkpoints and keys.
const logName = "suiyue-audit"

// LogKey signs and checks the checkpoints of the audit log.
type LogKey struct {
	Public   string // what others check with: name, hash and key (golang.org/x/mod/sumdb/note)
	Verifier note.Verifier
	signer   note.Signer
}

// NewLogKey makes a LogKey of an Ed25519 key that is kept outside the database.
func NewLogKey(key ed25519.PrivateKey) (*LogKey, error) {
	public, err := note.NewEd25519VerifierKey(logName, key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		return nil, err
	}
	const ed25519Kind = 1
	secret := base64.StdEncoding.EncodeToString(append([]byte{ed25519Kind}, key.Seed()...))
	signer, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", logName, v.KeyHash(), secret))
	return &LogKey{public, v, signer}, err
}

// Checkpoint signs what the audit log is now, if it has grown since the newest checkpoint, after proving
// that nothing before that one has changed; and gives the newest to the witness, after proving that the
// log still begins as the witness remembers. Any node may run it, at any time.
func (a *App) Checkpoint(ctx context.Context) error {
	if a.logKey == nil {
		return nil
	}
	v := a.logKey.Verifier
	var last *store.Checkpoint
	err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
		if last, err = tx.LastCheckpoint(ctx); err != nil {
			return err
		}
		size, err := tx.AuditSize(ctx)
		if err != nil || size == 0 || last != nil && last.Size == size {
			return err
		}
		// Nodes take turns; what another has signed meanwhile is read again.
		if size, err = tx.HoldAudit(ctx); err != nil {
			return err
		}
		if last, err = tx.LastCheckpoint(ctx); err != nil || last != nil && last.Size == size {
			return err
		}
		hash, err := tlog.TreeHash(size, tx.AuditHashes(ctx))
		if err != nil {
			return err
		}
		c := checkpoint{size, hash, tx.Now}
		if last != nil {
			if err := proveGrowth(ctx, tx, []byte(last.Note), v, c); err != nil {
				return err
			}
		}
		signed, err := note.Sign(&note.Note{Text: c.text(logName)}, a.logKey.signer)
		if err != nil {
			return err
		}
		last = &store.Checkpoint{Size: size, At: tx.Now, Note: string(signed)}
		return tx.AddCheckpoint(ctx, *last)
	})
	if err != nil || a.witness == nil {
		return err
	}
	return a.witnessed(ctx, last, v)
}

// proveGrowth proves that the log of which old speaks is the beginning of the log that now is.
func proveGrowth(ctx context.Context, tx *store.Tx, old []byte, v note.Verifier, now checkpoint) error {
	was, err := parseCheckpoint(old, v)
	switch {
	case err != nil:
		return err
	case was.size > now.size:
		return fmt.Errorf("%w: it had %d records and has %d", ErrLogBroken, was.size, now.size)
	case was.size == now.size && was.hash == now.hash:
		return nil
	case was.size == now.size:
		return fmt.Errorf("%w of %d records", ErrLogBroken, was.size)
	}
	proof, err := tlog.ProveTree(now.size, was.size, tx.AuditHashes(ctx))
	if err == nil {
		err = tlog.CheckTree(proof, now.size, now.hash, was.size, was.hash)
	}
	if err != nil {
		return fmt.Errorf("%w of %d records: %w", ErrLogBroken, was.size, err)
	}
	return nil
}

// witnessed compares the newest checkpoint with what the witness remembers, and gives it to them.
func (a *App) witnessed(ctx context.Context, last *store.Checkpoint, v note.Verifier) error {
	kept, err := a.witness.Kept()
	if err != nil {
		return fmt.Errorf("checkpoint kept outside the database: %w", err)
	}
	switch {
	case last == nil && kept == nil:
		return nil
	case last == nil:
		return fmt.Errorf("%w that was kept outside the database: the log has none", ErrLogBroken)
	case kept == nil:
		return a.witness.Keep([]byte(last.Note))
	case string(kept) == last.Note:
		return nil
	}
	now, err := parseCheckpoint([]byte(last.Note), v)
	if err != nil {
		return err
	}
	err = a.db.View(ctx, func(tx *store.Tx) error { return proveGrowth(ctx, tx, kept, v, now) })
	if err != nil {
		return fmt.Errorf("checkpoint kept outside the database: %w", err)
	}
	return a.witness.Keep([]byte(last.Note))
}

// AuditEntry is a record of the log as the audit role reads it.
type AuditEntry struct {
	store.AuditRecord
	Damaged bool // its columns do not say what was hashed, or it was not what was hashed
}

// AuditFilter says which entries are looked for.
type AuditFilter = store.AuditFilter

// FindAudit returns the records that fit, newest first, and whether there are more.
func (a *App) FindAudit(ctx context.Context, f AuditFilter, limit int) (out []AuditEntry, more bool, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.FindAudit(ctx, f, limit+1)
		if err != nil {
			return err
		}
		out, more = nil, len(rows) > limit
		for _, r := range rows[:min(len(rows), limit)] {
			out = append(out, entryOf(r))
		}
		return nil
	})
	if err != nil {
		return nil, false, notDone(err)
	}
	return out, more, nil
}

func entryOf(r store.AuditRow) AuditEntry {
	hashed, err := r.Record()
	if err != nil || !sameColumns(r, hashed) {
		return AuditEntry{r.AuditRecord, true}
	}
	return AuditEntry{hashed, false}
}

// sameColumns tells whether the columns a record is found by are those that were hashed.
func sameColumns(r store.AuditRow, hashed store.AuditRecord) bool {
	c := r.AuditRecord
	return c.N == hashed.N && c.At.Equal(hashed.At) && c.Account == hashed.Account && c.Rank == hashed.Rank &&
		c.Act == hashed.Act && c.Noun == hashed.Noun && c.Key == hashed.Key && c.Hall == hashed.Hall
}

// AuditActs lists the acts there are in the log.
func (a *App) AuditActs(ctx context.Context) (acts []string, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		acts, err = tx.AuditActs(ctx)
		return err
	})
	return acts, err
}

// AuditEntry returns one record of the log.
func (a *App) AuditEntry(ctx context.Context, n int64) (e AuditEntry, err error) {
	var row *store.AuditRow
	var leaf tlog.Hash
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		if row, err = tx.AuditRow(ctx, n); err != nil || row == nil {
			return err
		}
		hashes, err := tx.AuditHashes(ctx).ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
		if err == nil {
			leaf = hashes[0]
		}
		return nil // a hash that is gone makes the entry damaged, not unreadable
	}); err != nil {
		return e, notDone(err)
	}
	if row == nil {
		return e, fault.New(fault.EntryNotFound)
	}
	e = entryOf(*row)
	e.Damaged = e.Damaged || leaf != tlog.RecordHash([]byte(row.Data))
	return e, nil
}

// CountAudit returns how many records fit.
func (a *App) CountAudit(ctx context.Context, f AuditFilter) (n int, err error) {
	err = a.db.Read(ctx, func(tx *store.Tx) error {
		n, err = tx.CountAudit(ctx, f)
		return err
	})
	if err != nil {
		return 0, notDone(err)
	}
	return n, nil
}

// LogState is what the audit log is now.
type LogState struct {
	Records   int64
	Signed    int64     // records under the newest checkpoint
	SignedAt  time.Time // zero for none yet
	PublicKey string    // what checkpoints and proofs are checked with
}

// LogState says what the audit log is now.
func (a *App) LogState(ctx context.Context) (s LogState, err error) {
	if a.logKey != nil {
		s.PublicKey = a.logKey.Public
	}
	err = a.db.View(ctx, func(tx *store.Tx) error {
		if s.Records, err = tx.AuditSize(ctx); err != nil {
			return err
		}
		last, err := tx.LastCheckpoint(ctx)
		if last != nil {
			s.Signed, s.SignedAt = last.Size, last.At
		}
		return err
	})
	return s, err
}

// VerifyLog checks the whole audit log (VerifyAudit) with this node's key and witness.
func (a *App) VerifyLog(ctx context.Context) (AuditReport, error) {
	var kept []byte
	var v note.Verifier
	if a.logKey != nil {
		v = a.logKey.Verifier
	}
	if a.witness != nil {
		var err error
		if kept, err = a.witness.Kept(); err != nil {
			return AuditReport{}, err
		}
	}
	return VerifyAudit(ctx, a.db, v, kept)
}
