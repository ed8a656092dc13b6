// Package soak drives very many booking attempts from two processes on one PostgreSQL, with moves and
// cancellations mixed in, and then recounts: nothing oversold, no claim held twice, no answer lost.
//
// SUIYUE_SOAK is the number of attempts in all; the short form runs 40,000.
package soak_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"suiyue/internal/batch"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
)

func TestMain(m *testing.M) {
	if os.Getenv("SUIYUE_SOAK_WORKER") != "" {
		if err := work(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(pgtest.Main(m))
}

const (
	workers = 2
	callers = 64
	halls   = 12
	people  = 4000
)

var day = calendar.DateOf(time.Now()) + 5

// slots are few and small, so that most attempts meet somebody else.
func slots() []booking.Slot {
	var out []booking.Slot
	for h := range halls {
		hall := fmt.Sprintf("soak%02d", h)
		for d := range calendar.Date(3) {
			for i, hour := range []int{9, 10, 11, 13, 14, 15, 16} {
				out = append(out, booking.Slot{
					ID: booking.SlotID(hall+"-general", day+d, hour), HallID: hall, QueueID: hall + "-general", Date: day + d, Hour: hour,
					Capacity: []int{1, 2, 20}[i%3], Release: time.Now().Add(-time.Hour),
				})
			}
		}
	}
	return out
}

// answered is one acknowledged answer, as the worker wrote it down before going on.
type answered struct {
	Booking string
	Version int
	State   booking.State
	Slot    string
}

func TestNeverOversoldFromTwoProcesses(t *testing.T) {
	attempts := 40_000
	if s := os.Getenv("SUIYUE_SOAK"); s != "" {
		var err error
		if attempts, err = strconv.Atoi(s); err != nil {
			t.Fatal("SUIYUE_SOAK must be a number")
		}
	}
	ctx := t.Context()
	source := pgtest.New(t)
	db, err := store.Open(ctx, source, store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.AddSlots(ctx, slots())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	began := time.Now()
	var procs []*exec.Cmd
	for w := range workers {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SUIYUE_SOAK_WORKER="+strconv.Itoa(w+1), "SUIYUE_SOAK_SOURCE="+source,
			"SUIYUE_SOAK_ATTEMPTS="+strconv.Itoa(attempts/workers), "SUIYUE_SOAK_LOG="+filepath.Join(dir, strconv.Itoa(w)))
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		procs = append(procs, cmd)
	}
	for _, cmd := range procs {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("a worker failed: %v", err)
		}
	}
	took := time.Since(began)

	latest := map[string]answered{}
	total := 0
	for w := range workers {
		f, err := os.Open(filepath.Join(dir, strconv.Itoa(w)))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for in := bufio.NewScanner(f); in.Scan(); {
			var a answered
			if err := json.Unmarshal(in.Bytes(), &a); err != nil {
				t.Fatal(err)
			}
			total++
			if a.Version > latest[a.Booking].Version {
				latest[a.Booking] = a
			}
		}
	}
	if total < attempts/50 {
		t.Fatalf("only %d of %d attempts were accepted: this proves nothing", total, attempts)
	}
	lost := 0
	err = db.View(ctx, func(tx *store.Tx) error {
		for id, a := range latest {
			b, err := tx.Booking(ctx, id)
			if err != nil {
				return err
			}
			if b == nil || b.Version != a.Version || b.State != a.State || b.SlotID != a.Slot {
				lost++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if lost > 0 {
		t.Errorf("%d acknowledged answers are not what is stored", lost)
	}
	findings, err := db.Doctor(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if f.Check != "slot queue" && f.Severity == store.Error { // the soak's halls have no directory
			t.Errorf("doctor: %s %s", f.Check, f.Detail)
		}
	}
	dead, err := db.Deadlocks(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d attempts from %d processes in %.1f s, %d accepted, %d bookings, %d acknowledged answers lost, %d deadlocks broken inside",
		attempts, workers, took.Seconds(), total, len(latest), lost, dead)
}

// work is one of the processes.
func work() error {
	ctx := context.Background()
	worker := os.Getenv("SUIYUE_SOAK_WORKER")
	attempts, err := strconv.Atoi(os.Getenv("SUIYUE_SOAK_ATTEMPTS"))
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, os.Getenv("SUIYUE_SOAK_SOURCE"), store.Options{Now: time.Now})
	if err != nil {
		return err
	}
	defer db.Close()
	var set []*store.Lane
	for i := range 2 {
		lane, err := db.NewLane(ctx, fmt.Sprintf("soak-%s-%d", worker, i))
		if err != nil {
			return err
		}
		defer lane.Close()
		set = append(set, lane)
	}
	lanes := batch.New(ctx, batch.Config{Lanes: len(set)}, func(ctx context.Context, lane int, group []booking.Request) []booking.Outcome {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		out, _ := set[lane].Run(ctx, group)
		return out
	})
	defer lanes.Close()
	f, err := os.Create(os.Getenv("SUIYUE_SOAK_LOG"))
	if err != nil {
		return err
	}
	defer f.Close()
	log := json.NewEncoder(f)
	var mu sync.Mutex
	field := slots()
	first, err := strconv.ParseUint(worker, 10, 64)
	if err != nil {
		return err
	}
	var ids atomic.Uint64
	ids.Store(first << 34)
	var left atomic.Int64
	left.Store(int64(attempts))
	var failed atomic.Pointer[fault.Error]
	var wg sync.WaitGroup
	stop := make(chan struct{})
	opened := make(chan error, 1)
	go func() { opened <- openHolds(ctx, db, stop) }()
	for c := range callers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(first, uint64(c)))
			var mine []booking.Booking
			for left.Add(-1) >= 0 {
				r := attempt(rng, &ids, field, mine, worker)
				out, err := lanes.Do(ctx, r)
				if err == nil && out.Fault != nil {
					err = out.Fault
				}
				if err != nil {
					if k, _ := fault.KindOf(fault.CodeOf(err)); k == fault.Unavailable || k == fault.Internal {
						failed.Store(fault.As(err))
					}
					continue
				}
				b := out.Answer.Booking
				mine = append(keepOthers(mine, b.ID), b)
				mu.Lock()
				log.Encode(answered{b.ID, b.Version, b.State, b.SlotID})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	close(stop)
	if err := <-opened; err != nil {
		return err
	}
	if e := failed.Load(); e != nil {
		return fmt.Errorf("a caller was failed: %w", e)
	}
	return nil
}

// openHolds opens to all what was held long enough, as every node does, until stop.
func openHolds(ctx context.Context, db *store.DB, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(50 * time.Millisecond):
		}
		var due []*booking.Hold
		if err := db.View(ctx, func(tx *store.Tx) (err error) {
			due, err = tx.HoldsDue(ctx, time.Now(), 500)
			return err
		}); err != nil {
			return err
		}
		if err := db.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.OpenHolds(ctx, due)
			return err
		}); err != nil {
			return err
		}
	}
}

func keepOthers(list []booking.Booking, id string) []booking.Booking {
	out := list[:0]
	for _, b := range list {
		if b.ID != id {
			out = append(out, b)
		}
	}
	return out
}

// attempt makes one request: six in ten book, two move, two cancel. People are shared by both
// processes, so limits meet too.
func attempt(rng *rand.Rand, ids *atomic.Uint64, field []booking.Slot, mine []booking.Booking, worker string) booking.Request {
	n := ids.Add(1)
	key := fmt.Sprintf("soak-%s-%d", worker, n)
	slot := field[rng.IntN(len(field))]
	rules := rulebook.Continued2025()
	rules.ReopenAfterMin, rules.ReopenAfterMax = 0, time.Second // what is held opens while the soak runs
	offer := booking.Offer{
		Rules: rules, Item: "item" + strconv.Itoa(rng.IntN(4)), HallID: slot.HallID, QueueID: slot.QueueID,
		Stages: directory.Stages{directory.Acceptance}, BatchMax: 3,
	}
	if len(mine) > 0 && rng.IntN(10) < 4 {
		b := mine[rng.IntN(len(mine))]
		who := booking.Who{Key: b.BookerKey, Level: identity.Verified}
		if rng.IntN(2) == 0 {
			return &booking.Cancel{Key: key, Hash: key, Who: who, Booking: b.ID, Rules: offer.Rules, Channel: booking.API}
		}
		offer.Item = b.Item
		return &booking.Move{Key: key, Hash: key, Who: who, Booking: b.ID, Offer: offer, SlotID: slot.ID, Channel: booking.API}
	}
	who := booking.Who{Key: identity.Key("person" + strconv.Itoa(rng.IntN(people))), Level: identity.Verified}
	return &booking.Book{
		Key: key, Hash: key, ID: booking.IDOf(n), Who: who, Applicant: booking.Self, For: who.Key, Offer: offer, SlotID: slot.ID,
		Stage: directory.Acceptance, Units: 1 + rng.IntN(8)/7, Channel: booking.API, Sealed: []byte("sealed"),
	}
}
