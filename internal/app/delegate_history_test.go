package app_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// Faults on both sides: the network loses, repeats and delays, the department is away for a while, and the platform is killed
// while it asks. When the dust has settled no number is known to one side only, and nobody was told one that the other did not know.
func TestArt6_NoNumberIsKnownToOneSideOnly(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			onBothWith(t, func(t *testing.T, o apptest.Options) {
				o.AtOnce = true
				d := newDelegating(t, o)
				h := &delegatedHistory{delegating: d, chance: rand.New(rand.NewPCG(seed, 7)), codes: map[int]string{}, who: map[int]*identity.Session{}}
				h.play(60)
				d.rest()
				if lost := d.oneSided(); len(lost) > 0 {
					t.Errorf("%d numbers are known to one side only: %v", len(lost), lost)
				}
				t.Logf("%d calls, %v", d.there.calls, h.seen)
				if h.seen["booked"] < 10 || h.seen["killed"] < 3 || h.seen["moved"] < 3 || h.seen["cancelled"] < 3 || h.seen["pending"] < 3 {
					t.Errorf("too little happened: %v", h.seen)
				}
			})
		})
	}
}

// delegatedHistory is what people do while everything fails.
type delegatedHistory struct {
	*delegating
	chance *rand.Rand
	mu     sync.Mutex
	codes  map[int]string // of the booking of a person, as they know it
	who    map[int]*identity.Session
	seen   map[string]int
}

func (h *delegatedHistory) note(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen == nil {
		h.seen = map[string]int{}
	}
	h.seen[what]++
}

// told checks that a number somebody was just told is known there.
func (h *delegatedHistory) told(v app.BookingView) {
	b := v.Booking
	h.note(map[booking.State]string{booking.Booked: "booked", booking.Pending: "pending"}[b.State])
	if b.State != booking.Booked || b.QueueID != apptest.QueueA {
		return
	}
	for id, there := range h.there.confirmed() {
		if strings.HasPrefix(id, b.ID+".") && there.state == "confirmed" && booking.SlotID(there.place.QueueID, there.place.Date, there.place.Hour) == b.SlotID {
			return
		}
	}
	h.t.Errorf("%s was told a number that the department does not know", b.ID)
}

func (h *delegatedHistory) play(rounds int) {
	t, ctx := h.t, h.t.Context()
	slots := h.FreeSlots(apptest.QueueA)[7:10]
	ours := h.FreeSlots(apptest.QueueB)[7:20]
	for n := range 20 {
		_, h.who[n] = h.SignIn(t, apptest.Citizen(n+1))
	}
	h.there.faults = true
	for round := range rounds {
		h.there.mu.Lock()
		h.there.down = h.chance.IntN(12) == 0
		h.there.mu.Unlock()
		if h.chance.IntN(3) == 0 {
			h.there.arrive()
		}
		kill := h.chance.IntN(6) == 0
		if kill {
			h.there.mu.Lock()
			h.there.dead = make(chan struct{})
			h.there.mu.Unlock()
		}
		var all sync.WaitGroup
		persons := h.chance.Perm(20)[:4]
		for _, n := range persons {
			key := fmt.Sprintf("history-%d-%d", round, n)
			what, slot := h.chance.IntN(5), slots[h.chance.IntN(len(slots))]
			if what == 2 {
				slot = ours[h.chance.IntN(len(ours))]
			}
			all.Go(func() { h.one(ctx, n, key, what, slot) })
		}
		all.Go(func() {
			if _, err := h.App.AskDepartments(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		})
		if kill {
			h.note("killed")
			h.killed(&all)
		} else {
			all.Wait()
		}
		h.Clock.Add(time.Duration(h.chance.IntN(120)) * time.Second)
	}
	h.there.mu.Lock()
	h.there.faults, h.there.down = false, false
	h.there.mu.Unlock()
}

// killed leaves a platform behind that never goes on, and starts another over the same database.
func (h *delegatedHistory) killed(all *sync.WaitGroup) {
	t := h.t
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(300 * time.Millisecond):
	}
	h.there.mu.Lock()
	dead := h.there.dead
	h.there.dead = nil
	h.there.mu.Unlock()
	h.App.Close() // nothing it still does is written
	next, err := app.New(context.Background(), app.Config{
		Public: apptest.Public, DB: h.DB, Vault: h.Vault, Now: h.Clock.Now, Texts: h.Texts, Department: h.there, Patience: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		close(dead) // who was killed goes away
		<-done
		next.Close() // a second time, where it was killed, too
	})
	h.Fixture.App = next
}

func (h *delegatedHistory) one(ctx context.Context, n int, key string, what int, slot string) {
	who := h.who[n]
	h.mu.Lock()
	code := h.codes[n]
	h.mu.Unlock()
	a := h.App
	if code == "" {
		got, err := a.Book(ctx, who, self(key, slot))
		if err == nil {
			h.told(got.View)
			h.mu.Lock()
			h.codes[n] = got.View.Code
			h.mu.Unlock()
			return
		}
		h.fine(err)
		if fault.CodeOf(err) == fault.AlreadyBooked { // of a time when the platform was killed
			if active, err := a.MyActive(ctx, who); err == nil && len(active) > 0 {
				h.mu.Lock()
				h.codes[n] = active[0].Code
				h.mu.Unlock()
			}
		}
		return
	}
	var err error
	if what <= 2 {
		var got app.Receipt
		if got, err = a.Move(ctx, who, app.MoveRequest{Key: key, Code: code, SlotID: slot, Channel: booking.Web}); err == nil {
			h.note("moved")
			h.told(got.View)
		}
	} else {
		if _, err = a.Cancel(ctx, who, app.CancelRequest{Key: key, Code: code, Channel: booking.Web}); err == nil {
			h.note("cancelled")
		}
	}
	if err == nil && what <= 2 {
		return
	}
	if err != nil {
		h.fine(err)
	}
	if err == nil || fault.CodeOf(err) == fault.NotActive {
		h.mu.Lock()
		delete(h.codes, n)
		h.mu.Unlock()
	}
}

// fine lets refusals through that are to be expected.
func (h *delegatedHistory) fine(err error) {
	code := fault.CodeOf(err)
	h.note(string(code))
	if !slices.Contains([]fault.Code{
		fault.DepartmentNo, fault.DepartmentSilent, fault.SoldOut, fault.BookingPending, fault.NotActive, fault.SameSlot, fault.AlreadyBooked, fault.ChangedMeanwhile,
	}, code) {
		h.t.Errorf("refused: %v (%v)", err, slices.Sorted(maps.Keys(h.seen)))
	}
}
