// Package apptest makes a whole App over a real database with a small city: two districts, five
// halls, four items, people of each kind and a clock that tests move.
package apptest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
)

// Start is where the clock begins: a Tuesday morning, before the day's release.
var Start = calendar.MakeDate(2026, time.November, 24).At(10, 0)

// Options of New. The zero value is a city in a SQLite file of its own.
type Options struct {
	Source  string            // database to use; it must be empty
	Twice   bool              // run every closure of the store twice
	AtOnce  bool              // what comes free is everybody's at once, not the waitlist's first
	Lanes   int               // as in app.Config
	Refused func(fault.Code)  // as in app.Config
	Change  func(*app.Config) // last changes to the App's configuration
	Store   func(*store.Options)
	Rules   func(*rulebook.Rulebook) // last changes to the rules
}

// Fixture is one city and its App.
type Fixture struct {
	App   *app.App
	DB    *store.DB
	Vault *Vault
	Clock *Clock
	Texts *Texts
}

// New makes the city, its slots and the App; all of it ends with the test.
func New(t testing.TB, o Options) *Fixture {
	t.Helper()
	ctx := context.Background()
	f := &Fixture{Vault: NewVault(), Clock: &Clock{at: Start}, Texts: &Texts{}}
	if o.Source == "" {
		o.Source = SQLite(t)
	}
	so := store.Options{Now: f.Clock.Now, Twice: o.Twice}
	if o.Store != nil {
		o.Store(&so)
	}
	var err error
	if f.DB, err = store.Open(ctx, o.Source, so); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.DB.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := f.DB.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if err := f.DB.Update(ctx, func(tx *store.Tx) error { return found(tx, o) }); err != nil {
		t.Fatal(err)
	}
	c := app.Config{Public: Public, DB: f.DB, Vault: f.Vault, Now: f.Clock.Now, Lanes: o.Lanes, Texts: f.Texts, Refused: o.Refused, MayCall: func(url string) bool { return strings.HasPrefix(url, "https://") }}
	if o.Change != nil {
		o.Change(&c)
	}
	if f.App, err = app.New(ctx, c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.App.Close)
	if _, err := f.App.Prepare(ctx, nil); err != nil {
		t.Fatal(err)
	}
	return f
}

// Postgres and SQLite give a database with its tables, and nothing in them, until the end of the test.
func Postgres(t testing.TB) string {
	t.Helper()
	return pgtest.Reused(t, migrate)
}

func SQLite(t testing.TB) string {
	t.Helper()
	file, err := empty()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "city.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// empty is a SQLite file with all tables; making them takes longer than most tests.
var empty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "suiyue-apptest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "city.db")
	if err := migrate(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migrate(source string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, source, store.Options{})
	if err != nil {
		return err
	}
	_, err = db.Migrate(ctx)
	return errors.Join(err, db.Close())
}

// found writes the directory, the calendar and the rules.
func found(tx *store.Tx, o Options) error {
	ctx := context.Background()
	rules := rulebook.Continued2025()
	rules.Waitlist = !o.AtOnce
	if o.Rules != nil {
		o.Rules(&rules)
	}
	steps := []func() error{
		func() error { return tx.SaveUnits(ctx, units()) },
		func() error { return tx.SaveHalls(ctx, halls()) },
		func() error { return tx.SaveQueues(ctx, queues()) },
		func() error { return tx.SaveItems(ctx, items()) },
		func() error { return tx.SaveOfferings(ctx, offerings()) },
		func() error { return tx.SaveCounters(ctx, counters()) },
		func() error {
			return tx.SaveCalendar(ctx, []calendar.Day{{Date: calendar.MakeDate(2027, time.January, 1), Kind: calendar.Off, Festival: "元旦"}},
				map[int]calendar.YearStatus{2026: calendar.Official, 2027: calendar.Official})
		},
		func() error { return tx.SaveRulebook(ctx, rules) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// SignIn opens a session.
func (f *Fixture) SignIn(t testing.TB, p identity.Person) (token string, s *identity.Session) {
	t.Helper()
	token, s, err := f.App.SignIn(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return token, s
}

// FreeSlots returns the ids of the free slots of a queue, soonest first.
func (f *Fixture) FreeSlots(queue string) []string {
	var out []string
	for _, d := range f.App.Days(queue, 0) {
		for _, s := range d.Slots {
			if s.State == app.SlotFree {
				out = append(out, s.ID)
			}
		}
	}
	return out
}

// Reopen lets half an hour pass: what came free and nobody waits for is everybody's then (Art. 15).
func (f *Fixture) Reopen(t testing.TB) {
	t.Helper()
	f.Clock.Add(30 * time.Minute)
	if err := f.App.ServeWaits(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Rows counts what people have written (store.Tx.Counts).
func (f *Fixture) Rows(t testing.TB) map[string]int {
	t.Helper()
	var out map[string]int
	if err := f.DB.View(context.Background(), func(tx *store.Tx) (err error) {
		out, err = tx.Counts(context.Background())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// Clock is a clock that stands still until it is moved.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// Now returns where the clock stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Set and Add move it.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = t
}

func (c *Clock) Add(d time.Duration) { c.Set(c.Now().Add(d)) }

// Texts keeps the short messages the App sends itself.
type Texts struct {
	mu   sync.Mutex
	sent []Text
	Fail error // when set, nothing can be sent
}

// Text is one of them.
type Text struct {
	Phone, Kind string
	Args        map[string]string
}

// Text implements app.Texter.
func (x *Texts) Text(_ context.Context, phone, kind string, args map[string]string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.Fail != nil {
		return x.Fail
	}
	x.sent = append(x.sent, Text{phone, kind, args})
	return nil
}

// Sent returns what has been sent so far.
func (x *Texts) Sent() []Text {
	x.mu.Lock()
	defer x.mu.Unlock()
	return append([]Text(nil), x.sent...)
}
