package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
)

// cutter stands between a client and PostgreSQL and cuts the line when it is told to and a lane commits: its
// last statement names the lane, and the commit comes in the same breath.
type cutter struct {
	listener net.Listener
	server   string
	cut      atomic.Int32 // what to do at the next commit
	cuts     atomic.Int32 // how often that was done
}

const (
	pass      = iota
	cutBefore // the commit never arrives
	cutAfter  // it arrives and is done; the answer is lost
)

const cutLane = "the lane that is cut"

// readyIdle is how the server's answer to a transaction that is over ends.
var readyIdle = []byte("Z\x00\x00\x00\x05I")

// newCutter returns it, and the address under which the database of source is reached through it.
func newCutter(t *testing.T, source string) (*cutter, string) {
	t.Helper()
	u, err := url.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: l, server: u.Host}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(client)
		}
	}()
	u.Host = l.Addr().String()
	return c, u.String()
}

func (c *cutter) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.server)
	if err != nil {
		return
	}
	defer server.Close()
	deaf := make(chan struct{})
	var once sync.Once
	go func() { // server → client, until nobody shall hear any more
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			select {
			case <-deaf:
				if err == nil && !bytes.HasSuffix(buf[:n], readyIdle) {
					continue
				}
				client.Close() // the server has answered the commit
				return
			default:
			}
			if _, werr := client.Write(buf[:n]); err != nil || werr != nil {
				client.Close()
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if bytes.Contains(buf[:n], []byte(cutLane)) {
			switch mode := c.cut.Swap(pass); mode {
			case cutBefore:
				c.cuts.Add(1)
				return
			case cutAfter:
				c.cuts.Add(1)
				once.Do(func() { close(deaf) })
			}
		}
		if _, werr := server.Write(buf[:n]); werr != nil || err != nil {
			return
		}
	}
}

// field is a few slots to book in.
func field(t *testing.T, db *store.DB, n int) []booking.Slot {
	t.Helper()
	day := calendar.DateOf(time.Now()) + 5
	var slots []booking.Slot
	for i := range n {
		hall := fmt.Sprintf("hall%d", i)
		slots = append(slots, booking.Slot{ID: booking.SlotID(hall+"-general", day, 9), HallID: hall, QueueID: hall + "-general", Date: day, Hour: 9, Capacity: 1000})
	}
	if err := db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.AddSlots(t.Context(), slots)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return slots
}

func request(s booking.Slot, person string, n int) *booking.Book {
	who := booking.Who{Key: identity.Key(person), Level: identity.Verified}
	return &booking.Book{
		Key: "key of " + person, Hash: "h", ID: booking.IDOf(uint64(n)), Who: who, Applicant: booking.Self, For: who.Key, SlotID: s.ID,
		Offer: booking.Offer{
			Rules: rulebook.Continued2025(), Item: "item", HallID: s.HallID, QueueID: s.QueueID, Stages: directory.Stages{directory.Acceptance},
		},
		Stage: directory.Acceptance, Units: 1, Channel: booking.API, Sealed: []byte("sealed"),
	}
}

func newLane(t *testing.T, db *store.DB, name string) *store.Lane {
	t.Helper()
	l, err := db.NewLane(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// A line cut at COMMIT leaves nobody in doubt: the lane finds out by the keys, does nothing twice and
// answers once, whether the commit had been done or not.
func TestLineCutAtCommit(t *testing.T) {
	for name, mode := range map[string]int32{"before_it_arrived": cutBefore, "after_it_was_done": cutAfter} {
		t.Run(name, func(t *testing.T) {
			source := pgtest.New(t)
			open(t, source, store.Options{}) // migrated on a line of its own
			c, through := newCutter(t, source)
			db := open(t, through, store.Options{})
			slots := field(t, db, 2)
			lane := newLane(t, db, cutLane)
			var made []booking.Booking
			for round := range 4 {
				c.cut.Store(mode)
				var group []booking.Request
				for i := range 5 {
					n := round*10 + i
					group = append(group, request(slots[i%2], fmt.Sprint("p", n), n))
				}
				if round > 0 {
					r := request(slots[1], "", 0)
					group = append(group, &booking.Cancel{
						Key: "cancel", Hash: "h", Who: booking.Who{Key: made[0].BookerKey, Level: identity.Verified}, Booking: made[0].ID, Rules: r.Offer.Rules, Channel: booking.API,
					}, &booking.Move{
						Key: "move", Hash: "h", Who: booking.Who{Key: made[1].BookerKey, Level: identity.Verified}, Booking: made[1].ID, Offer: other(slots, made[1]).offer,
						SlotID: other(slots, made[1]).slot.ID, Channel: booking.API,
					})
				}
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
				out, _ := lane.Run(ctx, group)
				cancel()
				made = nil
				for i, o := range out {
					if o.Fault != nil {
						t.Fatalf("round %d, request %d: %v", round, i, o.Fault)
					}
					if i < 5 {
						made = append(made, o.Answer.Booking)
					}
				}
			}
			if c.cuts.Load() != 4 {
				t.Errorf("the line was cut %d times: this proves nothing", c.cuts.Load())
			}
			var n map[string]int
			if err := db.View(t.Context(), func(tx *store.Tx) (err error) {
				n, err = tx.Counts(t.Context())
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if n["booking"] != 20 || n["event"] != 26 || n["message"] != 26 || n["taken"] != 17 {
				t.Errorf("after 20 bookings, 3 moves and 3 cancellations: %v", n)
			}
			whole(t, db, nil)
		})
	}
}

type target struct {
	slot  booking.Slot
	offer booking.Offer
}

// other returns the one of two slots that b is not in.
func other(slots []booking.Slot, b booking.Booking) target {
	s := slots[0]
	if b.SlotID == s.ID {
		s = slots[1]
	}
	return target{s, request(s, "", 0).Offer}
}

// Without an answer from the database for as long as the callers may wait, they are told that the
// outcome is not known, never that it failed; asked again, the same key finds out.
func TestOutcomeUnknownIsResolvedByTheKey(t *testing.T) {
	source := pgtest.New(t)
	direct := open(t, source, store.Options{})
	c, through := newCutter(t, source)
	db := open(t, through, store.Options{})
	slots := field(t, db, 1)
	lane := newLane(t, db, cutLane)
	c.cut.Store(cutAfter)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	go func() { // when the line is cut, nobody comes through any more
		for c.cuts.Load() == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		c.listener.Close()
	}()
	r := request(slots[0], "ann", 1)
	out, _ := lane.Run(ctx, []booking.Request{r})
	if code := fault.CodeOf(asError(out[0])); code != fault.OutcomeUnknown && code != "" {
		t.Fatalf("answer %q: %v", code, out[0].Fault)
	}
	again := *r
	again.ID = booking.IDOf(2)
	out, _ = newLane(t, direct, "direct").Run(t.Context(), []booking.Request{&again})
	if out[0].Fault != nil || !out[0].Answer.Replayed || out[0].Answer.Booking.ID != r.ID {
		t.Errorf("asked again: %+v", out[0])
	}
	whole(t, direct, []string{r.ID})
}

func asError(o booking.Outcome) error {
	if o.Fault == nil {
		return nil
	}
	return o.Fault
}

// Connections that are ended in the middle cost a moment, and nobody an answer.
func TestConnectionsTerminatedInTheMiddle(t *testing.T) {
	source := pgtest.New(t)
	db := open(t, source, store.Options{})
	raw, err := sql.Open("pgx", source)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	var c crowd
	c.book(t, db, "crowd1")
	c.book(t, db, "crowd2")
	// A slow machine books little between two ends: it is given longer, for fewer proves nothing.
	ended, deadline := 0, time.Now().Add(30*time.Second)
	for n := 0; n < 12 || (ended < 10 || len(c.acknowledged()) < 100) && time.Now().Before(deadline); n++ {
		time.Sleep(time.Duration(40+10*max(0, n-12)) * time.Millisecond)
		var n int
		if err := raw.QueryRowContext(t.Context(), `select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity
where application_name = 'suiyue-lane' and datname = current_database()) x`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		ended += n
	}
	time.Sleep(100 * time.Millisecond)
	c.end(t)
	if ended < 10 || len(c.ids) < 100 {
		t.Errorf("%d connections ended, %d bookings: this proves nothing", ended, len(c.ids))
	}
	whole(t, db, c.ids)
}

// PostgreSQL is killed and comes back: what was confirmed is there, what was not resolves by itself.
func TestPostgresKilledInTheMiddle(t *testing.T) {
	server, err := pgtest.Start(pgtest.Durable)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	source, err := server.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, source, store.Options{})
	var c crowd
	c.book(t, db, "crowd1")
	c.book(t, db, "crowd2")
	for range 3 {
		time.Sleep(200 * time.Millisecond)
		if err := server.Kill9(); err != nil {
			t.Fatal(err)
		}
		confirmed := c.acknowledged()
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
		whole(t, open(t, source, store.Options{}), confirmed)
	}
	before := len(c.acknowledged())
	deadline := time.Now().Add(10 * time.Second)
	for len(c.acknowledged()) == before && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	c.end(t)
	if len(c.ids) == before {
		t.Error("the lanes did not come back")
	}
	whole(t, db, c.ids)
}

// Both engines have the same tables, with the same columns that may be null or not.
func TestBothEnginesHaveTheSameCatalogue(t *testing.T) {
	got := map[string]map[string]string{}
	engines(t, func(t *testing.T, source string, raw *sql.DB) {
		db := open(t, source, store.Options{})
		again, err := db.Migrate(t.Context())
		if err != nil || len(again) != 0 {
			t.Errorf("migrated twice: %v %v", again, err)
		}
		if current, err := db.SchemaCurrent(t.Context()); err != nil || !current {
			t.Errorf("schema not current after its migration (%v)", err)
		}
		text := `select table_name || '.' || column_name, data_type || case is_nullable when 'YES' then ' null' else '' end from information_schema.columns
where table_schema = 'public' and table_name not like 'goose%'`
		if db.Engine() == "sqlite" {
			text = `select t.name || '.' || c.name, lower(c.type) || case when c."notnull" = 0 then ' null' else '' end
from sqlite_master t join pragma_table_info(t.name) c where t.type = 'table' and t.name not like 'goose%' and t.name not like 'sqlite_%'`
		}
		rows, err := raw.QueryContext(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns := map[string]string{}
		for rows.Next() {
			var name, kind string
			if err := rows.Scan(&name, &kind); err != nil {
				t.Fatal(err)
			}
			columns[name] = kind
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		got[db.Engine()] = columns
	})
	lite, pg := got["sqlite"], got["postgres"]
	if len(lite) < 80 {
		t.Errorf("only %d columns seen", len(lite))
	}
	for name, kind := range lite {
		if pg[name] != kind {
			t.Errorf("%s is %q on SQLite, %q on PostgreSQL", name, kind, pg[name])
		}
		if strings.HasSuffix(kind, " null") {
			t.Errorf("%s may be null: nothing in this schema may", name)
		}
	}
	for name := range pg {
		if _, there := lite[name]; !there {
			t.Errorf("%s is on PostgreSQL only", name)
		}
	}
}

// Nodes that start together on a new PostgreSQL take turns at making its tables.
func TestNodesMigrateTogether(t *testing.T) {
	source := pgtest.New(t)
	var wg sync.WaitGroup
	var applied atomic.Int32
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			db, err := store.Open(t.Context(), source, store.Options{})
			if err != nil {
				errs[i] = err
				return
			}
			defer db.Close()
			done, err := db.Migrate(t.Context())
			applied.Add(int32(len(done)))
			errs[i] = err
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil || applied.Load() < 1 {
		t.Fatalf("%d applied: %v", applied.Load(), err)
	}
	healthy(t, open(t, source, store.Options{}), "after four migrated together")
}

// A database whose text does not sort in byte order is refused: ids would be paged wrongly.
func TestPostgresWithAnotherCollationIsRefused(t *testing.T) {
	source := pgtest.New(t)
	raw, err := sql.Open("pgx", source)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	name := fmt.Sprintf("other_%d", time.Now().UnixNano())
	run(t, raw, "create database "+name+" template template0 encoding 'UTF8' locale_provider icu icu_locale 'en' locale 'C'")
	defer run(t, raw, "drop database "+name+" with (force)")
	u, err := url.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	db, err := store.Open(t.Context(), u.String(), store.Options{})
	if err == nil {
		db.Close()
		t.Fatal("it was opened")
	}
	if !strings.Contains(err.Error(), "collation") {
		t.Errorf("refused with %v", err)
	}
}

// More transactions at once than the pool has connections, each with statements met for the first
// time: none may hold its connection while it waits for another.
func TestATransactionNeedsOneConnectionOnly(t *testing.T) {
	for name, source := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "city.db"), "postgres": pgtest.New(t)} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			db, err := store.Open(ctx, source, store.Options{Now: time.Now, Conns: 2})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			together := make(chan struct{})
			for range 16 {
				wg.Go(func() {
					<-together
					if err := db.View(ctx, func(tx *store.Tx) error {
						_, err := tx.Rulebooks(ctx)
						if err == nil {
							_, err = tx.Booking(ctx, "00000001")
						}
						return err
					}); err != nil {
						t.Error(err)
					}
				})
			}
			close(together)
			wg.Wait()
		})
	}
}
