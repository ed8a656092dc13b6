package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

func act(i int) store.AuditRecord {
	return store.AuditRecord{
		Account: fmt.Sprintf("A%d", i%3), Rank: "district-1", Act: []string{"hall.change", "request.decide"}[i%2], Noun: "hall", Key: fmt.Sprintf("h%d", i%5),
		Hall: fmt.Sprintf("h%d", i%5), After: []byte(fmt.Sprintf(`{"n":%d}`, i)), Why: "因为 <&> \u2028", From: "10.0.0.0/24",
	}
}

func auditTree(w *world) {
	const n = 70
	for i := range n {
		w.pass(time.Minute)
		w.update(func(tx *store.Tx) error { return tx.Audit(w.ctx, act(i)) })
	}
	w.view(func(tx *store.Tx) error {
		size, err := tx.AuditSize(w.ctx)
		if err != nil || size != n {
			w.Errorf("the log has %d records, want %d: %v", size, n, err)
		}
		root, err := tlog.TreeHash(n, tx.AuditHashes(w.ctx))
		if err != nil {
			return err
		}
		rows, err := tx.AuditRows(w.ctx, 0, n+1)
		if err != nil || len(rows) != n {
			w.Fatalf("%d rows, %v", len(rows), err)
		}
		for i, r := range rows {
			proof, err := tlog.ProveRecord(n, int64(i), tx.AuditHashes(w.ctx))
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(proof, n, root, int64(i), tlog.RecordHash([]byte(r.Data))); err != nil {
				w.Errorf("record %d: %v", i, err)
			}
			hashed, err := r.Record()
			want := act(i)
			want.N, want.At = int64(i), start.Add(time.Duration(i+1)*time.Minute).UTC()
			same(w, "record", hashed, want)
			if err != nil {
				return err
			}
		}
		beyond, err := tx.AuditBeyond(w.ctx, n)
		if err != nil || beyond {
			w.Errorf("something behind the end: %t %v", beyond, err)
		}
		if beyond, err = tx.AuditBeyond(w.ctx, n-1); err != nil || !beyond {
			w.Errorf("nothing behind an end that is too early: %v", err)
		}
		acts, err := tx.AuditActs(w.ctx)
		same(w, "acts", acts, []string{"hall.change", "request.decide"})
		return err
	})
}

func auditFind(w *world) {
	for i := range 30 {
		w.pass(time.Minute)
		w.update(func(tx *store.Tx) error { return tx.Audit(w.ctx, act(i)) })
	}
	at := func(i int) time.Time { return start.Add(time.Duration(i+1) * time.Minute) }
	for _, c := range []struct {
		name string
		f    store.AuditFilter
		want func(i int) bool
	}{
		{"everything", store.AuditFilter{}, func(int) bool { return true }},
		{"an account", store.AuditFilter{Account: "A1"}, func(i int) bool { return i%3 == 1 }},
		{"an act", store.AuditFilter{Act: "request.decide"}, func(i int) bool { return i%2 == 1 }},
		{"a hall and a noun", store.AuditFilter{Hall: "h2", Noun: "hall"}, func(i int) bool { return i%5 == 2 }},
		{"a key of another noun", store.AuditFilter{Key: "h2", Noun: "request"}, func(int) bool { return false }},
		{"from a time on", store.AuditFilter{From: at(20)}, func(i int) bool { return i >= 20 }},
		{"before a time", store.AuditFilter{To: at(20)}, func(i int) bool { return i < 20 }},
		{"a page", store.AuditFilter{Before: 7}, func(i int) bool { return i < 7 }},
		{"all of it", store.AuditFilter{Account: "A0", Act: "hall.change", Noun: "hall", Key: "h0", Hall: "h0", From: at(0), To: at(29), Before: 29},
			func(i int) bool { return i == 0 }},
	} {
		var want, got []int64
		for i := 29; i >= 0; i-- {
			if c.want(i) {
				want = append(want, int64(i))
			}
		}
		w.view(func(tx *store.Tx) error {
			rows, err := tx.FindAudit(w.ctx, c.f, 100)
			for _, r := range rows {
				got = append(got, r.N)
			}
			return err
		})
		same(w, c.name, got, want)
	}
}

// Acts at once: each has its own number, none is lost, and the tree over them holds.
func auditRace(w *world) {
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for p := range writers {
		wg.Go(func() {
			for i := range each {
				if err := w.db.Update(w.ctx, func(tx *store.Tx) error { return tx.Audit(w.ctx, act(p*each+i)) }); err != nil {
					w.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w.view(func(tx *store.Tx) error {
		const n = writers * each
		rows, err := tx.AuditRows(w.ctx, 0, n+1)
		if err != nil || len(rows) != n {
			w.Fatalf("%d rows, want %d: %v", len(rows), n, err)
		}
		root, err := tlog.TreeHash(n, tx.AuditHashes(w.ctx))
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for i, r := range rows {
			proof, err := tlog.ProveRecord(n, int64(i), tx.AuditHashes(w.ctx))
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(proof, n, root, int64(i), tlog.RecordHash([]byte(r.Data))); err != nil {
				w.Errorf("record %d: %v", i, err)
			}
			hashed, err := r.Record()
			seen[string(hashed.After)] = true
			if err != nil {
				return err
			}
		}
		if len(seen) != n {
			w.Errorf("%d different acts, want %d", len(seen), n)
		}
		return nil
	})
}

// auditSpeed appends ten thousand acts, each in a transaction of its own, and says how long that took.
func auditSpeed(w *world) {
	const n = 10_000
	began := time.Now()
	for done := 0; done < n; {
		// A hundred acts a transaction: the disk is not what is measured.
		w.update(func(tx *store.Tx) error {
			for i := range 100 {
				if err := tx.Audit(w.ctx, act(done+i)); err != nil {
					return err
				}
			}
			return nil
		})
		done += 100
	}
	took := time.Since(began)
	w.Logf("%d acts in the audit log in %v: %.0f a second", n, took.Round(time.Millisecond), n/took.Seconds())
	w.view(func(tx *store.Tx) error {
		size, err := tx.AuditSize(w.ctx)
		if size != n {
			w.Errorf("%d records, want %d", size, n)
		}
		return err
	})
}

func checkpoints(w *world) {
	list := []store.Checkpoint{{Size: 3, At: start.UTC(), Note: "a\n"}, {Size: 5, At: start.Add(time.Hour).UTC(), Note: "b\n"}}
	w.view(func(tx *store.Tx) error {
		last, err := tx.LastCheckpoint(w.ctx)
		if last != nil {
			w.Errorf("a checkpoint before there is one: %+v", last)
		}
		return err
	})
	for _, c := range list {
		w.update(func(tx *store.Tx) error { return tx.AddCheckpoint(w.ctx, c) })
	}
	w.view(func(tx *store.Tx) error {
		last, err := tx.LastCheckpoint(w.ctx)
		same(w, "last", *last, list[1])
		if err != nil {
			return err
		}
		all, err := tx.Checkpoints(w.ctx, 0, 10)
		same(w, "all", all, list)
		if err != nil {
			return err
		}
		rest, err := tx.Checkpoints(w.ctx, 3, 10)
		same(w, "after the first", rest, list[1:])
		return err
	})
}

// An idempotency key is claimed with what is done under it: once, whoever asks again, also at once.
func actKeys(w *world) {
	call := func(name, hash string) store.ActKey {
		return store.ActKey{Account: "A1", Key: "key-0001", Hash: hash, Call: name}
	}
	try := func(k store.ActKey, fail error) error {
		ctx := store.WithActKey(w.ctx, k)
		return w.db.Update(ctx, func(tx *store.Tx) error {
			if err := tx.ClaimKey(ctx); err != nil {
				return err
			}
			if fail != nil {
				return fail
			}
			return tx.Audit(ctx, act(1))
		})
	}
	refused := errors.New("refused")
	if err := try(call("first", "h"), refused); !errors.Is(err, refused) {
		w.Fatal(err)
	}
	if err := try(call("second", "h"), nil); err != nil {
		w.Fatalf("what was refused holds no key: %v", err)
	}
	var done *store.Done
	if err := try(call("third", "h"), nil); !errors.As(err, &done) || *done != (store.Done{Noun: "hall", Key: "h1"}) {
		w.Errorf("again: %v, want what was done", err)
	}
	if err := try(call("second", "h"), nil); err != nil {
		w.Errorf("another transaction of the same call: %v", err)
	}
	if err := try(call("fourth", "other"), nil); fault.CodeOf(err) != fault.KeyReused {
		w.Errorf("another request under the key: %v", err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	did := 0
	for i := range 6 {
		wg.Go(func() {
			k := store.ActKey{Account: "A2", Key: "key-0002", Hash: "h", Call: strings.Repeat("x", i+1)}
			err := try(k, nil)
			var done *store.Done
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				did++
			} else if !errors.As(err, &done) {
				w.Error(err)
			}
		})
	}
	wg.Wait()
	if did != 1 {
		w.Errorf("%d of six at once were done, want one", did)
	}
}
