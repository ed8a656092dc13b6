package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
	"suiyue/internal/store/storetest"
)

// crowd books for new persons on one lane until it is told to stop, and remembers what was acknowledged.
type crowd struct {
	mu    sync.Mutex
	ids   []string
	fault []error
	stop  chan struct{}
	ended sync.WaitGroup
}

// book books in groups of five on a lane of its own until stop; every person and slot is named after name.
func (c *crowd) book(t *testing.T, db *store.DB, name string) {
	day := calendar.DateOf(time.Now()) + 5
	slot := booking.Slot{ID: booking.SlotID(name+"-general", day, 9), HallID: name, QueueID: name + "-general", Date: day, Hour: 9, Capacity: 1_000_000}
	if err := db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.AddSlots(t.Context(), []booking.Slot{slot})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	lane, err := db.NewLane(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	offer := booking.Offer{
		Rules: rulebook.Continued2025(), Item: "item", HallID: name, QueueID: slot.QueueID, Stages: directory.Stages{directory.Acceptance},
	}
	if c.stop == nil {
		c.stop = make(chan struct{})
	}
	first := uint64(name[len(name)-1]) << 32
	c.ended.Go(func() {
		defer lane.Close()
		for n := uint64(0); ; {
			select {
			case <-c.stop:
				return
			case <-t.Context().Done():
				return
			default:
			}
			group := make([]booking.Request, 5)
			for i := range group {
				n++
				who := identity.Key(fmt.Sprint(name, n))
				group[i] = &booking.Book{
					Key: string(who), Hash: "h", ID: booking.IDOf(first + n), Who: booking.Who{Key: who, Level: identity.Verified}, Applicant: booking.Self, For: who,
					Offer: offer, SlotID: slot.ID, Stage: directory.Acceptance, Units: 1, Channel: booking.API, Sealed: []byte("sealed"),
				}
			}
			out, _ := lane.Run(t.Context(), group)
			c.mu.Lock()
			for _, o := range out {
				if o.Fault != nil {
					c.fault = append(c.fault, o.Fault)
				} else {
					c.ids = append(c.ids, o.Answer.Booking.ID)
				}
			}
			c.mu.Unlock()
		}
	})
}

// acknowledged returns the ids of the bookings that were confirmed so far.
func (c *crowd) acknowledged() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.ids...)
}

// end stops the crowd and reports what failed.
func (c *crowd) end(t *testing.T) {
	t.Helper()
	close(c.stop)
	c.ended.Wait()
	for _, err := range c.fault {
		t.Errorf("a caller was failed: %v", err)
	}
}

// whole wants every id in db, and a healthy database but for halls that have no directory.
func whole(t *testing.T, db *store.DB, ids []string) {
	t.Helper()
	if err := db.View(t.Context(), func(tx *store.Tx) error {
		for _, id := range ids {
			if b, err := tx.Booking(t.Context(), id); err != nil || b == nil {
				return errors.Join(err, fmt.Errorf("confirmed booking %s is lost", id))
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	found, err := db.Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Check != "slot queue" && f.Severity == store.Error {
			t.Errorf("doctor: %s: %s", f.Check, f.Detail)
		}
	}
}

func TestBackupWhileServingIsOfOneInstant(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "city.db")
	db := open(t, path, store.Options{})
	var c crowd
	c.book(t, db, "crowd1")
	c.book(t, db, "crowd2")
	for i := range 4 {
		time.Sleep(60 * time.Millisecond)
		before := c.acknowledged()
		to := filepath.Join(dir, fmt.Sprintf("copy%d.db", i))
		if err := db.Backup(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the copy is %v (%v); nobody else may read it", info.Mode(), err)
		}
		whole(t, open(t, to, store.Options{}), before)
	}
	if len(c.acknowledged()) == 0 {
		t.Error("nobody booked meanwhile: this proves nothing")
	}
	c.end(t)
	whole(t, db, c.acknowledged())
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBackupTouchesNothingThatIsThere(t *testing.T) {
	dir := t.TempDir()
	path, to := filepath.Join(dir, "city.db"), filepath.Join(dir, "there")
	db := open(t, path, store.Options{})
	if err := os.WriteFile(to, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{to, path} {
		if err := db.Backup(t.Context(), to); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", to, err)
		}
	}
	if text, _ := os.ReadFile(to); string(text) != "precious" {
		t.Error("an existing file was written over")
	}
	if err := db.Backup(t.Context(), filepath.Join(dir, "no", "such", "folder")); err == nil {
		t.Error("a backup into a folder that is not there succeeded")
	}
	healthy(t, db, "after refused backups")
}

func TestRestore(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	lived, ids := storetest.Lived(t, func(t *testing.T, o store.Options) *store.DB { return open(t, file("lived.db"), o) })
	good := file("good.db")
	if err := lived.Backup(ctx, good); err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte) string {
		if err := os.WriteFile(file(name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		return file(name)
	}
	read := func(path string) []byte {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	restored := func(t *testing.T, path string) {
		t.Helper()
		db, err := store.Open(ctx, path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		whole(t, db, []string{ids["booked"], ids["moved"], ids["cancelled"]})
	}

	t.Run("where_nothing_is", func(t *testing.T) {
		if err := store.Restore(ctx, good, file("new.db"), false); err != nil {
			t.Fatal(err)
		}
		restored(t, file("new.db"))
	})
	t.Run("beside_what_an_older_database_left", func(t *testing.T) {
		old := open(t, file("old.db"), store.Options{})
		if err := old.Update(ctx, func(tx *store.Tx) error { return tx.SaveUnits(ctx, []directory.Unit{{ID: "stray"}}) }); err != nil {
			t.Fatal(err)
		}
		to := write("beside.db-wal", read(file("old.db-wal")))
		to = strings.TrimSuffix(to, "-wal")
		if err := store.Restore(ctx, good, to, false); err != nil {
			t.Fatal(err)
		}
		restored(t, to)
	})
	t.Run("never_over_a_database_unless_told", func(t *testing.T) {
		to := write("there.db", read(good))
		if err := store.Restore(ctx, good, to, false); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%v", err)
		}
		if err := store.Restore(ctx, good, to, true); err != nil {
			t.Fatal(err)
		}
		restored(t, to)
		restored(t, to+".before-restore")
	})
	t.Run("never_over_a_database_in_use", func(t *testing.T) {
		to := file("serving.db")
		db := open(t, to, store.Options{})
		lane, err := db.NewLane(ctx, "serving")
		if err != nil {
			t.Fatal(err)
		}
		defer lane.Close()
		if err := store.Restore(ctx, good, to, true); !errors.Is(err, store.ErrInUse) {
			t.Errorf("%v", err)
		}
		healthy(t, db, "after the refused restore")
	})
	t.Run("over_a_database_that_is_spoilt", func(t *testing.T) {
		spoilt := read(good)
		for i := range spoilt {
			spoilt[i] ^= 0x5a
		}
		to := write("spoilt.db", spoilt)
		write("spoilt.db-wal", spoilt[:8192])
		if err := store.Restore(ctx, good, to, true); err != nil {
			t.Fatal(err)
		}
		restored(t, to)
		if string(read(to+".before-restore")) != string(spoilt) {
			t.Error("the spoilt database was not kept as it was")
		}
	})
	t.Run("what_was_not_yet_in_the_file_comes_along", func(t *testing.T) {
		// A copy of a running database's files, taken by hand, with its log beside it.
		hand := write("hand.db", read(file("lived.db")))
		write("hand.db-wal", read(file("lived.db-wal")))
		if err := store.Restore(ctx, hand, file("from-hand.db"), false); err != nil {
			t.Fatal(err)
		}
		restored(t, file("from-hand.db"))
	})

	newer := write("newer.db", read(good))
	raw, err := sql.Open("sqlite", newer)
	if err != nil {
		t.Fatal(err)
	}
	run(t, raw, "update goose_db_version set version_id = 9999 where version_id = (select max(version_id) from goose_db_version)")
	raw.Close()
	foreign := file("foreign.db")
	if raw, err = sql.Open("sqlite", foreign); err != nil {
		t.Fatal(err)
	}
	run(t, raw, "create table notes (text text)")
	raw.Close()
	torn := read(good)
	for name, from := range map[string]string{
		"nothing": file("absent.db"), "empty": write("empty.db", nil), "text": write("text.db", []byte("not a database, only a text")),
		"torn": write("torn.db", torn[:len(torn)/2]), "foreign": foreign, "newer": newer,
	} {
		t.Run("refuses_"+name, func(t *testing.T) {
			to := write("safe-"+name+".db", read(good))
			if err := store.Restore(ctx, from, to, true); err == nil {
				t.Error("it was put in the place of a database")
			}
			restored(t, to)
		})
	}
}

func TestBackupIsForSQLite(t *testing.T) {
	source := pgtest.New(t)
	db := open(t, source, store.Options{})
	to := filepath.Join(t.TempDir(), "copy")
	if err := db.Backup(t.Context(), to); !errors.Is(err, store.ErrNotSQLite) {
		t.Errorf("backup: %v", err)
	}
	if err := store.Restore(t.Context(), to, source, true); !errors.Is(err, store.ErrNotSQLite) {
		t.Errorf("restore: %v", err)
	}
}
