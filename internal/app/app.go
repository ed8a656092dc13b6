// Package app holds the use cases of the product, one file each. It decides who may do what, asks
// domain for decisions and store for facts, and declares what it needs from outside as ports.
package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"suiyue/internal/batch"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/room"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
)

// Vault keeps secrets: it seals personal data, makes keyed hashes to find it by, and turns booking
// numbers into codes that cannot be guessed.
type Vault interface {
	Seal(plain []byte, about string) []byte
	Open(sealed []byte, about string) ([]byte, error)
	Lookup(domain, canonical string) string
	CodeOf(n uint64) string
	NumberOf(code string) (uint64, bool)
	TokenHash(token string) string
}

// Config of New.
type Config struct {
	DB      *store.DB
	Vault   Vault
	Now     func() time.Time
	Log     *slog.Logger
	Lanes   int               // lanes of group commit; 0 = 1 on SQLite, 2 on PostgreSQL
	Texts   Texter            // sends one-time codes; nil where visitors cannot sign in
	MayCall func(string) bool // tells whether events may be posted to an address; nil = to none
	Public  string            // address people open: passkeys are bound to it; "" where none can be had
	Refused func(fault.Code)  // told of every refused booking request, for metrics
	Grouped func(size int)    // told of every group a lane answers, for metrics
	LogKey  *LogKey           // signs checkpoints of the audit log; nil = none are made
	Witness Witness           // keeps the newest of them; nil = nobody does

	Department Department    // asks departments' own systems; nil = none can be
	Patience   time.Duration // how long who books waits for a department; 0 = 4 s

	Room *room.Rules // of the waiting room; nil = there is none
	Work Work        // what it asks of programs

	// Plain answers the textbook way: a transaction for each booking, SQL for each look at what is
	// free. It is what `suiyue bench` compares with, and nothing else uses it.
	Plain bool

	// Pace is how many seconds pass by Now in one of a person's: 1, unless a demonstration runs faster. How long
	// a person or a counter may be silent is theirs, not the clock's. nil = 1.
	Pace func() int
}

// App is the product without its faces. It is safe for concurrent use.
type App struct {
	db       *store.DB
	vault    Vault
	now      func() time.Time
	log      *slog.Logger
	texts    Texter
	refused  func(fault.Code)
	grouped  func(int)
	node     string
	lanes    *batch.Lanes[booking.Request, booking.Outcome]
	laneSet  []*store.Lane
	own      map[string]bool // names of this node's lanes
	changes  changes         // slots changed by another road than a lane
	board    *Board
	city     atomic.Pointer[City]
	rules    atomic.Pointer[rules]
	reading  sync.Mutex // of the directory: one at a time
	plain    bool
	pace     func() int
	logKey   *LogKey
	witness  Witness
	sessions sessionCache
	ids      idBlock
	carry    sync.Mutex // one approved request at a time is carried out
	stale    atomic.Int64
	floors   floorHub
	waits    waits
	draws    draws
	themes   themeCache
	line     waitJob
	touched  touched // days whose figures changed
	room     waitingRoom
	records  lastRecords
	feeds    feeds
	ways     ways
	mayCall  func(string) bool

	hasher    hasher
	strangers strangers
	devices   deviceWatch
	party     *webauthn.WebAuthn // whom passkeys are made for; nil where there can be none
	public    string
}

// rules is what the law and the calendar say, as last read.
type rules struct {
	shelf rulebook.Shelf
	cal   *calendar.Calendar
}

// New reads the city into memory and opens the lanes. The schema must be current.
func New(ctx context.Context, c Config) (*App, error) {
	var id [6]byte
	rand.Read(id[:])
	a := &App{
		db: c.DB, vault: c.Vault, now: c.Now, log: c.Log, texts: c.Texts, refused: c.Refused, grouped: c.Grouped, plain: c.Plain,
		logKey: c.LogKey, witness: c.Witness,
		node: hex.EncodeToString(id[:]), own: map[string]bool{},
	}
	if a.refused == nil {
		a.refused = func(fault.Code) {}
	}
	if a.grouped == nil {
		a.grouped = func(int) {}
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.ways.department, a.ways.patience = c.Department, c.Patience
	if a.ways.patience == 0 {
		a.ways.patience = patience
	}
	if a.mayCall = c.MayCall; a.mayCall == nil {
		a.mayCall = func(string) bool { return false }
	}
	if a.pace = c.Pace; a.pace == nil {
		a.pace = func() int { return 1 }
	}
	if c.Room != nil {
		a.room.room, a.room.work = room.New(*c.Room, a.lot, a.leftOf), c.Work
		a.room.key = []byte(a.vault.Lookup("key of the waiting room's challenges", ""))
	}
	a.board = newBoard(a.node)
	a.sessions.init()
	a.floors.init()
	a.line.init()
	a.hasher, a.public, a.party = newHasher(), c.Public, newParty(c.Public)
	if err := a.Reload(ctx); err != nil {
		return nil, err
	}
	n := c.Lanes
	if n == 0 {
		n = 1
		if c.DB.Engine() == "postgres" {
			n = 2
		}
	}
	for i := range n {
		name := fmt.Sprintf("%s-%d", a.node, i)
		lane, err := c.DB.NewLane(ctx, name)
		if err != nil {
			a.closeLanes()
			return nil, err
		}
		a.laneSet = append(a.laneSet, lane)
		a.own[name] = true
	}
	a.own[a.changes.begin(a.node)] = true
	a.lanes = batch.New(ctx, batch.Config{Lanes: n}, a.answer)
	a.draws.line = batch.New(ctx, batch.Config{Lanes: 1, Depth: entriesWaiting}, a.enterAll)
	return a, nil
}

// Node returns this node's name: new at each start.
func (a *App) Node() string { return a.node }

// Close answers the requests already accepted, refuses new ones and closes the lanes.
func (a *App) Close() {
	if a.lanes != nil {
		a.draws.line.Close()
		a.lanes.Close()
	}
	a.closeLanes()
}

func (a *App) closeLanes() {
	for _, l := range a.laneSet {
		if err := l.Close(); err != nil {
			a.log.Warn("lane did not close cleanly", "error", err)
		}
	}
}

// laneTime is how long a group may try before its callers are told the outcome is not known.
const laneTime = 15 * time.Second

// answer runs one group of booking requests on a lane and brings memory up to date.
func (a *App) answer(ctx context.Context, lane int, group []booking.Request) []booking.Outcome {
	a.grouped(len(group))
	ctx, cancel := context.WithTimeout(ctx, laneTime)
	defer cancel()
	out, states := a.laneSet[lane].Run(ctx, group)
	a.board.apply(states)
	a.wakeWaits(states)
	return out
}

// Reload reads directory, calendar, rules and slots again.
func (a *App) Reload(ctx context.Context) error {
	a.reading.Lock()
	defer a.reading.Unlock()
	return a.db.View(ctx, func(tx *store.Tx) error {
		days, years, err := tx.Calendar(ctx)
		if err != nil {
			return err
		}
		cal, err := calendar.New(days, years)
		if err != nil {
			return err
		}
		books, err := tx.Rulebooks(ctx)
		if err != nil {
			return err
		}
		if len(books) == 0 {
			books = []rulebook.Rulebook{rulebook.Trial2022(), rulebook.Continued2025()}
		}
		shelf, err := rulebook.NewShelf(books...)
		if err != nil {
			return err
		}
		revision, err := tx.Revision(ctx)
		if err != nil {
			return err
		}
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		a.rules.Store(&rules{shelf, cal})
		a.city.Store(newCity(dir, revision))
		if err := a.draws.read(ctx, tx); err != nil {
			return err
		}
		if err := a.ways.read(ctx, tx, a.now()); err != nil {
			return err
		}
		if err := a.themes.read(ctx, tx); err != nil {
			return err
		}
		return a.board.load(ctx, tx, calendar.DateOf(a.now()), a.city.Load())
	})
}

// Rules returns the rulebook in force on d.
func (a *App) Rules(d calendar.Date) rulebook.Rulebook { return a.rules.Load().shelf.On(d) }

// Calendar returns the working calendar.
func (a *App) Calendar() *calendar.Calendar { return a.rules.Load().cal }

// City returns the directory as it is now. It must not be changed.
func (a *App) City() *City { return a.city.Load() }

// Now returns the time by this node's clock.
func (a *App) Now() time.Time { return a.now() }

// Ready tells whether bookings can be taken: the database answers and the lanes are open.
func (a *App) Ready(ctx context.Context) error { return a.db.Ping(ctx) }

// pressed is more requests than the lanes hold at a time while nobody hurries.
const pressed = 8

// Pressed tells whether requests wait for each other just now: what can be done a little later is done later.
func (a *App) Pressed() bool { return a.lanes.Held() >= pressed }

// Lanes returns how many requests wait in line and how many each lane is answering.
func (a *App) Lanes() (waiting int, running []int) { return a.lanes.Waiting(), a.lanes.Running() }
