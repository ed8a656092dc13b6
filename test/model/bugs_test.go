package model_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/store"
)

// bug stands between who asks and the city and does something wrong there, by writing what the product never would or
// by not telling. It says whether it did.
type bug struct {
	name string
	law  law
	mix  string // steps that bring it about sooner, "" for those of everyday
	does func(ctx context.Context, b *broken, a ask) (answer, []lost, error)
	sees func(v *view) // changes what is seen of the city
}

// broken is a town with a bug in it.
type broken struct {
	*town
	bug  *bug
	used map[string]bool // keys
	did  int             // how often it struck
}

func (b *broken) do(ctx context.Context, a ask) (answer, []lost, error) {
	got, gone, err := b.bug.does(ctx, b, a)
	if err == nil && a.Key != "" && got.Code == "" {
		b.used[fmt.Sprint(a.Who, a.Key)] = true
	}
	return got, gone, err
}

func (b *broken) look(ctx context.Context, of watched) (*view, error) {
	v, err := b.town.look(ctx, of)
	if err == nil && b.bug.sees != nil {
		b.bug.sees(v)
	}
	return v, err
}

// write changes the database behind the product's back, and counts that the bug struck.
func (b *broken) write(ctx context.Context, fn func(tx *store.Tx) error) error {
	b.did++
	return b.db.Update(ctx, fn)
}

// where is the hall of a slot or queue.
func where(id string) string {
	for _, q := range queueIDs {
		if strings.HasPrefix(id, q) {
			return q[:strings.LastIndex(q, "-")]
		}
	}
	return ""
}

// taken takes n numbers of a slot that nobody booked.
func (b *broken) taken(ctx context.Context, slot string, n int) error {
	return b.write(ctx, func(tx *store.Tx) error {
		_, err := tx.TakeUnsold(ctx, where(slot), slot, n)
		return err
	})
}

func (b *broken) claim(person int, name, id string) booking.Claim {
	return booking.Claim{Person: b.who[person].Person.Key, Name: name, HallID: north, Booking: id}
}

// after does what the city does, and something more if it said yes.
func after(kind string, more func(ctx context.Context, b *broken, a ask, got answer) error) func(context.Context, *broken, ask) (answer, []lost, error) {
	return func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		got, gone, err := b.town.do(ctx, a)
		if err == nil && a.Kind == kind && got.Code == "" && !got.Replayed {
			err = more(ctx, b, a, got)
		}
		return got, gone, err
	}
}

// hour is the claim on the hour of a slot.
func hour(slot string) string {
	return "hour:" + strings.ReplaceAll(slot[len(slot)-len("20060102-15"):], "-", "")
}

// waiting lists who waits in the line of a queue, in order.
func (b *broken) waiting(ctx context.Context, queue string) (out []*booking.WaitEntry, err error) {
	err = b.db.View(ctx, func(tx *store.Tx) (err error) {
		out, err = tx.WaitsIn(ctx, booking.WaitLine{HallID: where(queue), QueueID: queue}, 1000)
		return err
	})
	return out, err
}

// entry reads one.
func (b *broken) entry(ctx context.Context, id string) (e *booking.WaitEntry, err error) {
	err = b.db.View(ctx, func(tx *store.Tx) (err error) {
		e, err = tx.Wait(ctx, id)
		return err
	})
	return e, err
}

// heldIn lists what is held in a slot for nobody in particular.
func (b *broken) heldIn(ctx context.Context, slot string) (out []*booking.Hold, err error) {
	err = b.db.View(ctx, func(tx *store.Tx) error {
		all, err := tx.HoldsIn(ctx, [][2]string{{where(slot), slot}})
		out = slices.DeleteFunc(all[slot], func(h *booking.Hold) bool { return h.Entry != "" })
		return err
	})
	return out, err
}

// crowded has more people in line than everyday.
const crowded = "book book book book book book join join join cancel tick serve serve"

var open, shipped = lawOf(true, 100), lawOf(false, 100)

var bugs = []bug{
	{name: "a number is counted twice", law: shipped, does: after("book", func(ctx context.Context, b *broken, a ask, got answer) error { return b.taken(ctx, got.Slot, 1) })},
	{name: "a sold-out hour is sold once more", law: shipped, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		got, gone, err := b.town.do(ctx, a)
		if a.Kind != "book" || got.Code != "sold_out" || err != nil {
			return got, gone, err
		}
		if err := b.write(ctx, func(tx *store.Tx) error {
			capacity := 0
			if err := tx.SlotsByID(ctx, [][2]string{{where(a.Slot), a.Slot}}, func(l store.LiveSlot) { capacity = l.Capacity }); err != nil {
				return err
			}
			_, err := tx.CutSlots(ctx, []store.Cut{{HallID: where(a.Slot), SlotID: a.Slot, Capacity: capacity + a.units()}}, nil)
			return err
		}); err != nil {
			return got, gone, err
		}
		return b.town.do(ctx, a)
	}},
	{name: "a promotion is lost", law: shipped, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		if a.Kind == "serve" {
			for _, queue := range queueIDs {
				if err := b.bothWant(ctx, queue, func(slot string, holds []*booking.Hold, first, _ *booking.WaitEntry) error {
					return b.write(ctx, func(tx *store.Tx) error { _, err := tx.OpenHolds(ctx, holds); return err })
				}); err != nil {
					return answer{}, nil, err
				}
			}
		}
		return b.town.do(ctx, a)
	}, mix: crowded},
	{name: "who was served stands in line again", law: shipped, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		line, err := b.waiting(ctx, queueIDs[0])
		if err != nil {
			return answer{}, nil, err
		}
		got, gone, err := b.town.do(ctx, a)
		if a.Kind != "serve" || err != nil {
			return got, gone, err
		}
		for _, was := range line {
			if e, err := b.entry(ctx, was.ID); err == nil && e.State == booking.WaitBooked {
				back := e.End(booking.Waiting, b.clock.Now())
				err = b.write(ctx, func(tx *store.Tx) error { _, err := tx.SaveWait(ctx, back, e.Version); return err })
				return got, gone, err
			}
		}
		return got, gone, nil
	}},
	{name: "somebody is overtaken in line", law: shipped, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		if a.Kind == "serve" {
			for _, queue := range queueIDs {
				if err := b.bothWant(ctx, queue, func(slot string, _ []*booking.Hold, _, second *booking.WaitEntry) error {
					return b.serve(ctx, queue, slot, second)
				}); err != nil {
					return answer{}, nil, err
				}
			}
		}
		return b.town.do(ctx, a)
	}, mix: crowded},
	{name: "a cancellation keeps the item's claim", law: shipped, does: after("cancel", func(ctx context.Context, b *broken, a ask, got answer) error {
		return b.write(ctx, func(tx *store.Tx) error {
			for _, item := range []string{itemA, itemB} {
				if _, err := tx.TakeClaim(ctx, b.claim(a.Who, "item:"+item+"#1", got.ID)); err != nil {
					return err
				}
			}
			return nil
		})
	})},
	{name: "a move takes no claim on the new hour", law: shipped, does: after("move", func(ctx context.Context, b *broken, a ask, got answer) error {
		return b.write(ctx, func(tx *store.Tx) error { return tx.DropClaim(ctx, b.claim(a.Who, hour(got.Slot), got.ID)) })
	})},
	{name: "a move keeps the old number", law: shipped, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		before := ""
		if a.Kind == "move" {
			if err := b.db.View(ctx, func(tx *store.Tx) error {
				was, err := tx.Booking(ctx, a.Of)
				if was != nil {
					before = was.SlotID
				}
				return err
			}); err != nil {
				return answer{}, nil, err
			}
		}
		got, gone, err := b.town.do(ctx, a)
		if err == nil && a.Kind == "move" && got.Code == "" && !got.Replayed {
			holds, err := b.heldIn(ctx, before)
			if err != nil || len(holds) == 0 {
				return got, gone, err
			}
			if err := b.write(ctx, func(tx *store.Tx) error { _, err := tx.OpenHolds(ctx, holds); return err }); err != nil {
				return got, gone, err
			}
			return got, gone, b.taken(ctx, before, got.Units)
		}
		return got, gone, err
	}},
	{name: "a cancellation frees two numbers", law: shipped, does: after("cancel", func(ctx context.Context, b *broken, a ask, got answer) error {
		return b.write(ctx, func(tx *store.Tx) error {
			left := 0
			if err := tx.SlotsByID(ctx, [][2]string{{where(got.Slot), got.Slot}}, func(s store.LiveSlot) { left = s.Taken }); err != nil || left == 0 {
				return err
			}
			_, err := tx.TakeUnsold(ctx, where(got.Slot), got.Slot, -1)
			return err
		})
	}), mix: crowded},
	{name: "a batch is booked in part", law: shipped, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		if a.Kind != "book" || len(a.List) < 3 {
			return b.town.do(ctx, a)
		}
		units := len(a.List)
		a.List = a.List[:units-1]
		got, gone, err := b.town.do(ctx, a)
		if got.Code == "" {
			b.did++
			got.Units = units
		}
		return got, gone, err
	}},
	{name: "an offer that was not taken is never given back", law: open, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		if a.Kind == "serve" {
			var due []*booking.WaitEntry
			if err := b.db.View(ctx, func(tx *store.Tx) (err error) {
				due, err = tx.OffersDue(ctx, b.clock.Now().Add(2*time.Second), 100)
				return err
			}); err != nil {
				return answer{}, nil, err
			}
			for _, e := range due {
				longer := *e
				longer.Until, longer.Version = e.Until.Add(time.Hour), e.Version+1
				if err := b.write(ctx, func(tx *store.Tx) error { _, err := tx.SaveWait(ctx, &longer, e.Version); return err }); err != nil {
					return answer{}, nil, err
				}
			}
		}
		return b.town.do(ctx, a)
	}, mix: crowded},
	{name: "what comes free is everybody's at once", law: shipped, does: after("cancel", func(ctx context.Context, b *broken, a ask, got answer) error {
		holds, err := b.heldIn(ctx, got.Slot)
		if err != nil || len(holds) == 0 {
			return err
		}
		return b.write(ctx, func(tx *store.Tx) error { _, err := tx.OpenHolds(ctx, holds); return err })
	})},
	{name: "what comes free opens too late", law: shipped, sees: func(v *view) {
		for _, list := range v.holds {
			for i := range list {
				list[i].opens = list[i].opens.Add(15 * time.Minute)
			}
		}
	}, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		b.did++
		return b.town.do(ctx, a)
	}},
	{name: "a cut of capacity is forgotten", law: shipped, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		if a.Kind == "capacity" && !a.Urgent {
			b.did++
			return answer{}, nil, nil
		}
		return b.town.do(ctx, a)
	}},
	{name: "who lost an hour keeps it", law: shipped, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		got, gone, err := b.town.do(ctx, a)
		if len(gone) > 0 {
			b.did++
			gone = gone[1:]
		}
		return got, gone, err
	}, mix: "book book book book book book capacity tick"},
	{name: "a repeated request books again", law: shipped, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		if a.Kind != "book" || !b.used[fmt.Sprint(a.Who, a.Key)] || len(a.List) > 0 {
			return b.town.do(ctx, a)
		}
		twice := a
		twice.Key, twice.For = "twice-"+a.Key, (a.For+1)%people
		if got, _, err := b.town.do(ctx, twice); err == nil && got.Code == "" {
			b.did++
		}
		return b.town.do(ctx, a)
	}},
	{name: "a yes is told as a no", law: shipped, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		got, gone, err := b.town.do(ctx, a)
		if a.Kind == "book" && got.Code == "" {
			b.did++
			got = answer{Code: "sold_out"}
		}
		return got, gone, err
	}},
	{name: "an applicant has the same item twice", law: shipped, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		got, gone, err := b.town.do(ctx, a)
		if a.Kind != "book" || got.Code != "already_booked_item" || err != nil {
			return got, gone, err
		}
		name := "item:" + a.Item + "#1"
		if err := b.write(ctx, func(tx *store.Tx) error {
			held, err := tx.ClaimHolders(ctx, string(b.who[a.For].Person.Key), []string{name})
			if err != nil {
				return err
			}
			return tx.DropClaim(ctx, b.claim(a.For, name, held[name]))
		}); err != nil {
			return got, gone, err
		}
		return b.town.do(ctx, a)
	}},
	{name: "who asks for more keeps the place in line", law: shipped, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		var was *booking.WaitEntry
		if a.Kind == "change" {
			var err error
			if was, err = b.entry(ctx, a.Of); err != nil {
				return answer{}, nil, err
			}
		}
		got, gone, err := b.town.do(ctx, a)
		if was == nil || got.Code != "" || err != nil {
			return got, gone, err
		}
		now, err := b.entry(ctx, a.Of)
		if err != nil || now.Number == was.Number {
			return got, gone, err
		}
		back := *now
		back.Number, back.Version = was.Number, now.Version+1
		return got, gone, b.write(ctx, func(tx *store.Tx) error { _, err := tx.ChangeWait(ctx, &back, now.Version); return err })
	}, mix: "book book book book join join change change change tick"},
	{name: "who leaves the line waits on", law: shipped, does: after("leave", func(ctx context.Context, b *broken, a ask, got answer) error {
		return b.write(ctx, func(tx *store.Tx) error {
			for _, item := range []string{itemA, itemB} {
				if _, err := tx.TakeClaim(ctx, b.claim(a.Who, "wait:"+item, got.ID)); err != nil {
					return err
				}
			}
			return nil
		})
	})},
	{name: "a refusal names the wrong limit", law: shipped, does: func(ctx context.Context, b *broken, a ask) (answer, []lost, error) {
		got, gone, err := b.town.do(ctx, a)
		if got.Code == "already_booked_item" {
			b.did++
			got.Code = "already_booked_hour"
		}
		return got, gone, err
	}},
}

// bothWant finds a slot in which just as much is held as each of the first two in line could use.
func (b *broken) bothWant(ctx context.Context, queue string, do func(slot string, holds []*booking.Hold, first, second *booking.WaitEntry) error) error {
	line, err := b.waiting(ctx, queue)
	if err != nil {
		return err
	}
	for i := 1; i < len(line); i++ {
		first, second := line[i-1], line[i]
		for _, d := range first.Dates {
			for _, h := range first.Hours {
				s := booking.Slot{ID: booking.SlotID(queue, d, h), HallID: where(queue), QueueID: queue, Date: d, Hour: h}
				if !first.Fits(&s) || !second.Fits(&s) || first.Units > second.Units {
					continue
				}
				holds, err := b.heldIn(ctx, s.ID)
				if err != nil {
					return err
				}
				held := 0
				for _, h := range holds {
					held += h.Units
				}
				if held == second.Units {
					return do(s.ID, holds, first, second)
				}
			}
		}
	}
	return nil
}

// serve gives a number of a slot to an entry, whoever stands before it.
func (b *broken) serve(ctx context.Context, queue, slot string, e *booking.WaitEntry) error {
	lane, err := b.db.NewLane(ctx, fmt.Sprintf("bug-%d-%s", b.clock.Now().Unix(), slot))
	if err != nil {
		return err
	}
	defer lane.Close()
	_, date, _, _ := booking.ParseSlotID(slot)
	out, _ := lane.Run(ctx, []booking.Request{&booking.Serve{Entry: e.ID, SlotID: slot, Offer: booking.Offer{
		Rules: b.app.Rules(date), Item: e.Item, HallID: where(queue), QueueID: queue, Stages: directory.Stages{directory.Acceptance}, BatchMax: 3,
	}}})
	if out[0].Fault == nil {
		b.did++
	}
	return nil
}

// TestTheCheckerFindsEachBug puts one fault after another between who asks and the city. Each is found, and not before
// it struck: the city without it is as the reference has it.
func TestTheCheckerFindsEachBug(t *testing.T) {
	for i := range bugs {
		b := &bugs[i]
		t.Run(strings.ReplaceAll(b.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(8) {
				if found := findBug(t, b, seed); found {
					return
				}
			}
			t.Error("was not found")
		})
	}
}

// findBug plays up to some hundred steps.
func findBug(t *testing.T, b *bug, seed uint64) bool {
	city, end := newTown(t, apptest.SQLite(t), b.law, false)
	defer end()
	sys := &broken{town: city, bug: b, used: map[string]bool{}}
	p, err := newPlay(t.Context(), sys, b.law, diceOf(seed, 1))
	if err != nil {
		t.Fatal(err)
	}
	mix := kinds
	if b.mix != "" {
		mix = strings.Fields(b.mix)
	}
	for range 400 {
		err := p.step(t.Context(), pick(p.dice, mix))
		if _, ok := err.(broke); ok || err != nil && sys.did == 0 {
			t.Fatalf("something else is wrong: %v", err)
		}
		if err != nil {
			t.Logf("seed %d, step %d: %v", seed, p.steps, err)
			return true
		}
	}
	return false
}
