package bench

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	mrand "math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"suiyue/internal/batch"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
)

// field is a set of slots made for one run, and whoever books in them.
type field struct {
	db    *store.DB
	slots []booking.Slot
	offer func(s *booking.Slot) booking.Offer
	ids   *atomic.Uint64
}

var fields atomic.Int64 // each run has halls of its own

// newField makes n slots over halls of 8 slots each, released and bookable.
func newField(ctx context.Context, db *store.DB, ids *atomic.Uint64, n, capacity int) (*field, error) {
	rules := rulebook.Continued2025()
	f := &field{db: db, ids: ids}
	run := fields.Add(1)
	day := calendar.DateOf(time.Now()) + 5
	for i := range n {
		hall := fmt.Sprintf("bench%03d%06d", run, i/8)
		queue := hall + "-general"
		hour := 9 + i%8
		f.slots = append(f.slots, booking.Slot{
			ID: booking.SlotID(queue, day, hour), HallID: hall, QueueID: queue, Date: day, Hour: hour,
			Capacity: capacity, Release: time.Now().Add(-time.Hour),
		})
	}
	f.offer = func(s *booking.Slot) booking.Offer {
		return booking.Offer{Rules: rules, Item: "bench-item", HallID: s.HallID, QueueID: s.QueueID, Stages: directory.Stages{directory.Acceptance}, BatchMax: 1}
	}
	return f, db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.AddSlots(ctx, f.slots)
		return err
	})
}

// lowerBase32 writes person keys as the vault does.
var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func person() identity.Key {
	var b [16]byte
	rand.Read(b[:])
	return identity.Key(lowerBase32.EncodeToString(b[:]))
}

// request makes the booking request of one person for a slot, as large as a real one.
func (f *field) request(s *booking.Slot, p identity.Key, sealed []byte) *booking.Book {
	n := f.ids.Add(1)
	return &booking.Book{
		Key: "bench-" + strconv.FormatUint(n, 36), Hash: "0123456789abcdef0123456789abcdef", ID: booking.IDOf(n),
		Who: booking.Who{Key: p, Level: identity.Verified}, Applicant: booking.Self, For: p,
		Offer: f.offer(s), SlotID: s.ID, Stage: directory.Acceptance, Units: 1, Channel: booking.API, Sealed: sealed,
	}
}

// sealedSize is about what the sealed persons of a real booking take.
const sealedSize = 420

// engine books through lanes, as the product does, without HTTP.
type engine struct {
	lanes *batch.Lanes[booking.Request, booking.Outcome]
	set   []*store.Lane
}

func newEngine(ctx context.Context, db *store.DB, lanes int) (*engine, error) {
	e := &engine{}
	for range lanes {
		l, err := db.NewLane(ctx, "bench-"+string(person())[:12])
		if err != nil {
			return nil, err
		}
		e.set = append(e.set, l)
	}
	e.lanes = batch.New(ctx, batch.Config{Lanes: lanes}, func(ctx context.Context, lane int, group []booking.Request) []booking.Outcome {
		out, _ := e.set[lane].Run(ctx, group)
		return out
	})
	return e, nil
}

func (e *engine) close() {
	e.lanes.Close()
	for _, l := range e.set {
		l.Close()
	}
}

func (e *engine) ask(ctx context.Context, r booking.Request) error {
	out, err := e.lanes.Do(ctx, r)
	if err != nil {
		return err
	}
	if out.Fault != nil {
		return out.Fault
	}
	return nil
}

// recount compares every slot of the field with the bookings in it.
func (f *field) recount(ctx context.Context, done int) error {
	taken := 0
	refs := make([][2]string, len(f.slots))
	for i, s := range f.slots {
		refs[i] = [2]string{s.HallID, s.ID}
	}
	return f.db.View(ctx, func(tx *store.Tx) error {
		over := 0
		if err := tx.SlotsByID(ctx, refs, func(s store.LiveSlot) {
			taken += s.Taken
			if s.Taken > s.Capacity {
				over++
			}
		}); err != nil {
			return err
		}
		units, err := tx.UnitsIn(ctx, refs)
		if err != nil {
			return err
		}
		switch {
		case over > 0:
			return fmt.Errorf("recount: %d slots oversold", over)
		case units != taken:
			return fmt.Errorf("recount: %d numbers taken, %d booked", taken, units)
		case taken < done:
			return fmt.Errorf("recount: %d accepted, only %d booked", done, taken)
		}
		return nil
	})
}

func pick(slots []booking.Slot) *booking.Slot { return &slots[mrand.IntN(len(slots))] }

// raw writes the rows of bookings with no rule, 512 a commit, on its own connections.
func raw(ctx context.Context, db *store.DB, f *field, lanes int, d time.Duration) (Result, error) {
	sealed := make([]byte, sealedSize)
	rand.Read(sealed)
	set := make([]*store.Lane, lanes)
	for i := range set {
		var err error
		if set[i], err = db.NewLane(ctx, "raw-"+string(person())[:12]); err != nil {
			return Result{}, err
		}
		defer set[i].Close()
	}
	var failed atomic.Value
	var rows atomic.Int64
	start := time.Now()
	r := load(ctx, "raw rows, 512 a commit", lanes, 0, d, func(ctx context.Context, c, _ int) error {
		facts, group := booking.NewFacts(), make([]booking.Request, 512)
		for i := range group {
			b := f.request(pick(f.slots), person(), sealed)
			slot := *pick(f.slots)
			facts.Slots[b.SlotID] = &slot
			facts.Slots[b.SlotID].ID = b.SlotID
			facts.Slots[b.SlotID].HallID, facts.Slots[b.SlotID].QueueID = b.Offer.HallID, b.Offer.QueueID
			facts.SetKnown(b.Who.Key)
			group[i] = b
		}
		_, change := booking.Decide(time.Now(), facts, group)
		if err := set[c].Raw(ctx, change); err != nil {
			failed.Store(err)
			return err
		}
		rows.Add(int64(len(change.Insert)))
		return nil
	})
	r.Elapsed = time.Since(start)
	r.Done = int(rows.Load())
	if err, ok := failed.Load().(error); ok {
		return r, err
	}
	return r, nil
}

// codeOf is for tallies of outcomes that are not errors.
func codeOf(out booking.Outcome) error {
	if out.Fault != nil {
		return out.Fault
	}
	return nil
}
