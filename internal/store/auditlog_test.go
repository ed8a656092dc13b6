package store_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/store"
)

// witness is a checkpoint kept in memory.
type witness struct{ kept []byte }

func (w *witness) Kept() ([]byte, error)  { return w.kept, nil }
func (w *witness) Keep(note []byte) error { w.kept = note; return nil }

// ledger is a city whose audit log has 12 records: checkpoints at 5 and 10, two records after them.
type ledger struct {
	*testing.T
	*apptest.Fixture
	raw     *sql.DB
	key     *app.LogKey
	witness *witness
}

func newLedger(t *testing.T, source string, raw *sql.DB) *ledger {
	key, err := app.NewLogKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{T: t, raw: raw, key: key, witness: &witness{}}
	l.Fixture = apptest.New(t, apptest.Options{Source: source, Change: func(c *app.Config) { c.LogKey, c.Witness = key, l.witness }})
	l.append(5)
	l.sign()
	l.append(5)
	l.sign()
	l.append(2)
	return l
}

func (l *ledger) append(n int) {
	l.Helper()
	for range n {
		l.Clock.Add(time.Minute)
		if err := l.DB.Update(l.Context(), func(tx *store.Tx) error {
			return tx.Audit(l.Context(), store.AuditRecord{Account: "A1", Rank: "district-1", Act: "hall.change", Noun: "hall", Key: "h1", After: []byte(`{"phone":"1"}`)})
		}); err != nil {
			l.Fatal(err)
		}
	}
}

func (l *ledger) sign() {
	l.Helper()
	if err := l.App.Checkpoint(l.Context()); err != nil {
		l.Fatal(err)
	}
}

func (l *ledger) verify() app.AuditReport {
	l.Helper()
	r, err := app.VerifyAudit(l.Context(), l.DB, l.key.Verifier, l.witness.kept)
	if err != nil {
		l.Fatal(err)
	}
	return r
}

var auditTables = []string{"audit_record", "audit_hash", "audit_head", "audit_checkpoint"}

// from is where the hashes of record n and those after it begin.
func from(n int64) string { return fmt.Sprint(tlog.StoredHashIndex(0, n)) }

func TestAuditLogFindsEachWayOfTampering(t *testing.T) {
	// rehash gives the record of a changed text the hash of that text, as whoever writes the database could.
	rehash := func(l *ledger, n int64) {
		var data string
		if err := l.raw.QueryRowContext(l.Context(), fmt.Sprintf("select data from audit_record where n = %d", n)).Scan(&data); err != nil {
			l.Fatal(err)
		}
		run(l.T, l.raw, fmt.Sprintf("update audit_hash set hash = '%s' where n = %d", tlog.RecordHash([]byte(data)), tlog.StoredHashIndex(0, n)))
	}
	cut := func(size int64) []string {
		return []string{
			fmt.Sprintf("delete from audit_record where n >= %d", size), "delete from audit_hash where n >= " + from(size),
			fmt.Sprintf("update audit_head set size = %d", size), fmt.Sprintf("delete from audit_checkpoint where size > %d", size),
		}
	}
	cases := []struct {
		name   string
		tamper func(l *ledger)
		want   string // of what is reported
		signed bool   // no checkpoint may be signed after it, or its witness must object
	}{
		{"a text is altered", func(l *ledger) {
			run(l.T, l.raw, `update audit_record set data = replace(data, '"phone":"1"', '"phone":"2"') where n = 3`)
		}, "record 3 was changed", false},
		{"a text after the last checkpoint is altered", func(l *ledger) {
			run(l.T, l.raw, `update audit_record set data = replace(data, '"phone":"1"', '"phone":"2"') where n = 11`)
		}, "record 11 was changed", false},
		{"what a record is found by is altered", func(l *ledger) { run(l.T, l.raw, `update audit_record set account = 'A2' where n = 4`) },
			"record 4: what it is found by was changed", false},
		{"a text and its hash are altered", func(l *ledger) {
			run(l.T, l.raw, `update audit_record set data = replace(data, '"phone":"1"', '"phone":"2"') where n = 6`)
			rehash(l, 6)
		}, "record 7: a hash over it was changed", false},
		{"a text and every hash over it are altered", func(l *ledger) {
			run(l.T, l.raw, `update audit_record set data = replace(data, '"phone":"1"', '"phone":"2"') where n = 7`)
			rehashAll(l)
		}, "checkpoint of 10 records: something among records 5 to 9 is not what was signed", true},
		{"a record is deleted", func(l *ledger) { run(l.T, l.raw, "delete from audit_record where n = 2") }, "record 2 is gone", false},
		{"two records are swapped", func(l *ledger) {
			run(l.T, l.raw, "update audit_record set n = -1 where n = 8", "update audit_record set n = 8 where n = 9", "update audit_record set n = 9 where n = -1")
		}, "record 8 was changed", false},
		{"the last rows are deleted", func(l *ledger) { run(l.T, l.raw, "delete from audit_record where n >= 10") }, "record 11 is gone", false},
		{"the last rows and their hashes are deleted", func(l *ledger) {
			run(l.T, l.raw, "delete from audit_record where n >= 10", "delete from audit_hash where n >= "+from(10))
		}, "record 10 is gone", false},
		{"it is cut below the last checkpoint", func(l *ledger) { run(l.T, l.raw, cut(7)[:3]...) },
			"checkpoint of 10 records: the log has only 7; its last 3 are gone", true},
		{"it is cut back to an older checkpoint", func(l *ledger) { run(l.T, l.raw, cut(5)...) },
			"the checkpoint kept outside the database had 10 records: the log has only 5; its last 5 are gone", true},
		{"it is begun anew", func(l *ledger) { run(l.T, l.raw, cut(0)...) },
			"the checkpoint kept outside the database had 10 records: the log has only 0", true},
		{"it is cut back and goes on", func(l *ledger) {
			run(l.T, l.raw, cut(5)...)
			l.append(8)
		}, "the checkpoint kept outside the database: something among records 5 to 9 is not what was signed", true},
		{"a record is added behind the end", func(l *ledger) {
			run(l.T, l.raw, "insert into audit_record select 12, at, account, rank, act, noun, key, hall_id, data from audit_record where n = 11")
		}, "behind the end of the log", false},
		{"a checkpoint is altered", func(l *ledger) {
			run(l.T, l.raw, "update audit_checkpoint set note = replace(note, '10', '11') where size = 10")
		}, "checkpoint of 10 records: the audit log does not agree with its checkpoint: its signature is not good", true},
		{"a checkpoint is signed by another key", func(l *ledger) {
			other, err := app.NewLogKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)))
			if err != nil {
				l.Fatal(err)
			}
			run(l.T, l.raw, "delete from audit_checkpoint")
			second, err := app.New(l.Context(), app.Config{DB: l.DB, Vault: l.Vault, Now: l.Clock.Now, LogKey: other})
			if err != nil {
				l.Fatal(err)
			}
			defer second.Close()
			if err := second.Checkpoint(l.Context()); err != nil {
				l.Fatal(err)
			}
		}, "its signature is not good", true},
		{"a hash is deleted", func(l *ledger) { run(l.T, l.raw, "delete from audit_hash where n = "+from(4)) }, "record 4: a hash of it is gone", false},
	}
	engines(t, func(t *testing.T, source string, raw *sql.DB) {
		l := newLedger(t, source, raw)
		lift(t, raw, l.DB.Engine())
		if r := l.verify(); len(r.Broken) > 0 || r.Records != 12 || r.Checkpoints != 2 || r.Covered != 10 || r.Unsigned {
			t.Fatalf("before anything: %+v", r)
		}
		for _, table := range auditTables {
			run(t, raw, "create table kept_"+table+" as select * from "+table)
		}
		kept := l.witness.kept
		for _, c := range cases {
			t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
				l.T = t
				c.tamper(l)
				r := l.verify()
				if !slicesContain(r.Broken, c.want) {
					t.Errorf("found %q, want %q", r.Broken, c.want)
				}
				if found, err := app.Doctor(t.Context(), l.DB, l.Clock.Now(), l.key.Verifier, l.witness.kept); err != nil || len(found) == 0 || found[0].Check != "audit log" || !found[0].Error {
					t.Errorf("the doctor says %v, %v", found, err)
				}
				if err := l.App.Checkpoint(t.Context()); c.signed && !errors.Is(err, app.ErrLogBroken) {
					t.Errorf("the next checkpoint: %v", err)
				}
				for _, table := range auditTables {
					run(t, raw, "delete from "+table, "insert into "+table+" select * from kept_"+table)
				}
				l.witness.kept = kept
			})
		}
		l.T = t
		if r := l.verify(); len(r.Broken) > 0 {
			t.Fatalf("after all was mended: %+v", r)
		}
	})
}

// rehashAll writes every hash anew from the texts, as whoever writes the database could.
func rehashAll(l *ledger) {
	var all []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) (out []tlog.Hash, err error) {
		for _, n := range at {
			out = append(out, all[n])
		}
		return out, nil
	})
	rows, err := l.raw.QueryContext(l.Context(), "select data from audit_record order by n")
	if err != nil {
		l.Fatal(err)
	}
	for n := int64(0); rows.Next(); n++ {
		var data string
		if err := rows.Scan(&data); err != nil {
			l.Fatal(err)
		}
		more, err := tlog.StoredHashes(n, []byte(data), reader)
		if err != nil {
			l.Fatal(err)
		}
		all = append(all, more...)
	}
	if err := rows.Close(); err != nil {
		l.Fatal(err)
	}
	for n, h := range all {
		run(l.T, l.raw, fmt.Sprintf("update audit_hash set hash = '%s' where n = %d", h, n))
	}
}

func slicesContain(list []string, part string) bool {
	for _, s := range list {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

func TestAuditProofStandsAloneAndNothingElseDoes(t *testing.T) {
	engines(t, func(t *testing.T, source string, raw *sql.DB) {
		l := newLedger(t, source, raw)
		for n := range int64(12) { // the last two make a checkpoint of their own
			text, err := l.App.AuditProof(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			p, err := app.CheckProof([]byte(text), l.key.Verifier)
			if err != nil || p.N != n || !strings.Contains(p.Text, fmt.Sprintf(`"n":%d,`, n)) || p.Size < 10 || p.At == "" {
				t.Errorf("record %d: %+v, %v", n, p, err)
			}
			if _, err := app.CheckProof([]byte(strings.ReplaceAll(text, "\n", "\r\n")), l.key.Verifier); err != nil {
				t.Errorf("record %d with other line ends: %v", n, err)
			}
			for i := range []byte(text) { // whatever is altered, it proves nothing
				b := []byte(text)
				b[i] ^= 1
				if got, err := app.CheckProof(b, l.key.Verifier); err == nil && got != p {
					t.Fatalf("record %d: altered at %d (%q) it proves %+v", n, i, text[i], got)
				}
			}
		}
		other, err := app.NewLogKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)))
		if err != nil {
			t.Fatal(err)
		}
		text, err := l.App.AuditProof(t.Context(), 3)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := app.CheckProof([]byte(text), other.Verifier); !errors.Is(err, app.ErrProof) {
			t.Errorf("with another key: %v", err)
		}
		if _, err := l.App.AuditProof(t.Context(), 12); err == nil {
			t.Error("a record that does not exist is proven")
		}
	})
}

// Nothing takes a record out of the log, however old: it is kept longer than the 200 days it must be.
func TestAuditLogIsKept(t *testing.T) {
	takes := regexp.MustCompile(`(?is)(delete\s+from|update|truncate|drop\s+table)\s+(if\s+exists\s+)?audit_(record|hash|checkpoint)`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) < 10 || len(more) < 2 {
		t.Fatal("the sources are not where they were", err)
	}
	for _, name := range append(files, more...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if m := takes.Find(text); m != nil {
			t.Errorf("%s: %q", name, m)
		}
	}
	l := newLedger(t, filepath.Join(t.TempDir(), "city.db"), nil)
	l.Clock.Add(400 * 24 * time.Hour)
	for _, upkeep := range []func(context.Context) error{l.App.Upkeep, l.App.Checkpoint, l.App.Reload} {
		if err := upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if r := l.verify(); r.Records != 12 || len(r.Broken) > 0 {
		t.Errorf("after 400 days: %+v", r)
	}
}
