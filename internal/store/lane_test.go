package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
	"suiyue/internal/pgtest"
)

var engines = map[string]func(*testing.T) string{
	"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "city.db") },
	"postgres": func(t *testing.T) string { return pgtest.New(t) },
}

func migrated(t *testing.T, source string) *DB {
	t.Helper()
	db, err := Open(t.Context(), source, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// whole is a change that touches every table a group can touch, in a database that base made ready.
func whole(now time.Time) *booking.Change {
	day := calendar.MakeDate(2026, 12, 9)
	b := func(id, hall string, version int) *booking.Booking {
		return &booking.Booking{
			ID: id, HallID: hall, QueueID: hall + "-q", SlotID: hall + "-s", Date: day, Hour: 9, Item: "i", Stage: "acceptance", Units: 1, State: booking.Booked,
			Channel: booking.Web, Applicant: booking.Self, BookerKey: "ann", ApplicantKey: "ann", Sealed: []byte{}, Version: version, CreatedAt: now, ChangedAt: now,
		}
	}
	return &booking.Change{
		Slots: map[string]int{"h1-s": 1, "h2-s": -1}, Halls: map[string]string{"h1-s": "h1", "h2-s": "h2"},
		Take:    []booking.Claim{{Person: "ann", Name: "new", HallID: "h1", Booking: "1"}},
		Release: []booking.Claim{{Person: "ann", Name: "old", HallID: "h1", Booking: "0"}},
		Insert:  []*booking.Booking{b("1", "h1", 1)},
		Update:  []booking.Update{{Booking: b("stays", "h1", 2), Was: 1, Hall: "h1"}, {Booking: b("leaves", "h1", 2), Was: 1, Hall: "h2"}},
		Events:  []booking.Event{{Booking: "1", HallID: "h1", Version: 1, Kind: booking.EventBooked, At: now}},
		Messages: []booking.Message{
			{Booking: "1", HallID: "h1", Version: 1, Kind: booking.MessageBooked, Due: now},
		},
	}
}

// base makes a database in which whole applies.
func base(t *testing.T, db *DB, l *Lane, now time.Time) {
	t.Helper()
	day := calendar.MakeDate(2026, 12, 9)
	if err := db.Update(t.Context(), func(tx *Tx) error {
		_, err := tx.AddSlots(t.Context(), []booking.Slot{
			{HallID: "h1", ID: "h1-s", QueueID: "h1-q", Date: day, Hour: 9, Capacity: 1}, {HallID: "h2", ID: "h2-s", QueueID: "h2-q", Date: day, Hour: 9, Capacity: 1},
		})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	c := whole(now)
	stays, leaves := *c.Update[0].Booking, *c.Update[1].Booking
	stays.Version, leaves.Version, leaves.HallID = 1, 1, "h2"
	if _, err := l.apply(t.Context(), now, &booking.Change{
		Slots: map[string]int{"h2-s": 1}, Halls: map[string]string{"h2-s": "h2"}, Take: c.Release, Insert: []*booking.Booking{&stays, &leaves},
	}); err != nil {
		t.Fatal(err)
	}
}

// Whatever one statement of a group finds other than the facts said, nothing of the group is written.
func TestStaleFactsWriteNothing(t *testing.T) {
	now := time.Date(2026, 11, 30, 2, 0, 0, 0, time.UTC)
	stale := map[string]func(c *booking.Change){
		"slot_full":               func(c *booking.Change) { c.Slots["h1-s"] = 2 },
		"slot_below_zero":         func(c *booking.Change) { c.Slots["h2-s"] = -2 },
		"slot_gone":               func(c *booking.Change) { c.Slots["h9-s"], c.Halls["h9-s"] = 1, "h9" },
		"slot_in_another_hall":    func(c *booking.Change) { c.Halls["h1-s"] = "h2" },
		"claim_taken":             func(c *booking.Change) { c.Release, c.Take[0].Name = nil, "old" },
		"claim_gone":              func(c *booking.Change) { c.Release[0].Name = "gone" },
		"claim_of_another":        func(c *booking.Change) { c.Release[0].Booking = "9" },
		"booking_changed":         func(c *booking.Change) { c.Update[0].Was = 3 },
		"booking_elsewhere":       func(c *booking.Change) { c.Update[0].Booking.HallID, c.Update[0].Hall = "h3", "h3" },
		"leaving_booking_changed": func(c *booking.Change) { c.Update[1].Was = 3 },
		"leaving_booking_gone":    func(c *booking.Change) { c.Update[1].Hall = "h3" },
		"booking_there":           func(c *booking.Change) { c.Insert[0].ID = "stays" },
	}
	for engine, source := range engines {
		t.Run(engine, func(t *testing.T) {
			db := migrated(t, source(t))
			l, err := db.NewLane(t.Context(), "lane")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			base(t, db, l, now)
			counts := func() (n map[string]int) {
				if err := db.View(t.Context(), func(tx *Tx) (err error) {
					n, err = tx.Counts(t.Context())
					return err
				}); err != nil {
					t.Fatal(err)
				}
				return n
			}
			before := counts()
			for name, spoil := range stale {
				c := whole(now)
				spoil(c)
				if _, err := l.apply(t.Context(), now, c); !errors.Is(err, errStale) {
					t.Errorf("%s: %v, want %v", name, err, errStale)
				}
				if after := counts(); !maps.Equal(after, before) {
					t.Errorf("%s: rows %v became %v", name, before, after)
				}
			}
			states, err := l.apply(t.Context(), now, whole(now))
			if err != nil || len(states) != 2 {
				t.Fatalf("the change as it should be: %v %v", states, err)
			}
			after := counts()
			if after["booking"] != before["booking"]+1 || after["taken"] != before["taken"] || after["event"] != 1 || after["message"] != 1 {
				t.Errorf("rows %v became %v", before, after)
			}
		})
	}
}

// Plans of a lane are made before noon, when the tables may be empty, and kept: each must walk the keys.
func TestLanePlansWalkTheKeysOfEmptyTables(t *testing.T) {
	ctx := t.Context()
	source := pgtest.New(t)
	db := migrated(t, source)
	conn, err := pgx.Connect(ctx, source)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(ctx, lanePlans); err != nil {
		t.Fatal(err)
	}
	needs := &booking.Needs{
		Slots: map[string]string{"s": "h"}, Keys: map[booking.Ref]struct{}{{Person: "p", Name: "n"}: {}},
		Bookings: map[string]struct{}{"b": {}}, Persons: map[identity.Key]struct{}{"p": {}},
	}
	var states []SlotState
	list := append(reads(needs, booking.NewFacts()), writes(db.d, whole(time.Unix(0, 0)), &states, time.Unix(0, 0))...)
	scan := regexp.MustCompile(`(Seq Scan|Index Scan|Index Only Scan|Bitmap Heap Scan)(?: using (\w+))? on (slot|claim|booking|event|message)\b`)
	walked := map[string]bool{}
	lane := postgresLane{db: db, guards: map[string]string{}}
	for i, s := range list {
		name, text := fmt.Sprint("plan", i), db.d.sql(s.text)
		if s.want >= 0 {
			text = lane.guarded(s)
		}
		described, err := conn.Prepare(ctx, name, text)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		nulls := make([]string, len(described.ParamOIDs))
		for i := range nulls {
			nulls[i] = "null"
		}
		rows, err := conn.Query(ctx, "explain execute "+name+" ("+strings.Join(nulls, ", ")+")", pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		plan := strings.Join(lines, "\n")
		for _, m := range scan.FindAllStringSubmatch(plan, -1) {
			if m[1] != "Index Scan" && m[1] != "Index Only Scan" {
				t.Errorf("%s reads %s by %s:\n%s", s.name, m[3], m[1], plan)
			}
			if !strings.Contains(plan, "Index Cond") {
				t.Errorf("%s walks all of %s:\n%s", s.name, m[3], plan)
			}
			walked[s.name] = true
		}
		if strings.Contains(plan, "HashAggregate") {
			t.Errorf("%s locks rows in no order:\n%s", s.name, plan)
		}
	}
	for _, name := range []string{"slot.read", "claim.keys", "claim.limits", "booking.read", "slot.shift", "claim.release", "booking.update", "booking.leave"} {
		if !walked[name] {
			t.Errorf("no plan of %s was seen", name)
		}
	}
}

// A set that is nil is an empty one, not the JSON null that engines read as a row.
func TestNilSetIsEmpty(t *testing.T) {
	if got := marshal([][2]string(nil)); got != "[]" {
		t.Errorf("nil set is %s", got)
	}
}

func TestRoomSendsNothing(t *testing.T) {
	got, err := room(1000).Encode([]byte("abc"))
	if err != nil || string(got) != "abc" || cap(got) < 1003 {
		t.Errorf("%q with room for %d, %v", got, cap(got), err)
	}
	if n := sizeOf([]any{"abcd", []byte("ab"), []string{"abc", "d"}, [][]byte{[]byte("abcde")}, []int64{1, 2}, int64(1)}); n < 4+2+12+9+24 {
		t.Errorf("%d bytes are too few", n)
	}
}
