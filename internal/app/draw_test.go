package app_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/draw"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// drawing is a city in which queue A is drawn at today's noon.
type drawing struct {
	*apptest.Fixture
	t     *testing.T
	noon  time.Time
	slots []string // released then
	id    string
}

func newDrawing(t *testing.T, f *apptest.Fixture) *drawing {
	t.Helper()
	d := &drawing{Fixture: f, t: t}
	ad := staff(t, f, account.District1, apptest.DistrictA)
	edited(t, f, ad, "", app.EditRequest{Noun: directory.QueueNoun, Key: []string{apptest.HallA, "social"}, Fields: directory.Fields{"draw": "yes"}})
	if n, err := f.App.PublishDraws(t.Context()); err != nil || n != 3 {
		t.Fatalf("%d commitments published, %v; want those of three days", n, err)
	}
	if n, err := f.App.PublishDraws(t.Context()); err != nil || n != 0 {
		t.Fatalf("published again: %d, %v", n, err)
	}
	d.noon, _ = f.App.NextRelease()
	d.id = draw.ID(apptest.QueueA, d.noon)
	for _, day := range f.App.Days(apptest.QueueA, 14) {
		for _, s := range day.Slots {
			if s.State == app.SlotNotReleased && s.From.Equal(d.noon) {
				d.slots = append(d.slots, s.ID)
			}
		}
	}
	return d
}

func (d *drawing) record() draw.Record {
	d.t.Helper()
	_, r, err := d.App.DrawOf(d.t.Context(), d.id)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// ask books in the name of a citizen and wants the given code.
func (d *drawing) ask(serial int, key, slot string, want fault.Code) app.Receipt {
	d.t.Helper()
	_, who := d.SignIn(d.t, apptest.Citizen(serial))
	got, err := d.App.Book(d.t.Context(), who, self(key, slot))
	if fault.CodeOf(err) != want {
		d.t.Fatalf("citizen %d asks for %s: %v, want %q", serial, slot, err, want)
	}
	return got
}

// over lets the minute pass and the numbers be given.
func (d *drawing) over() draw.Record {
	d.t.Helper()
	d.Clock.Set(d.noon.Add(63 * time.Second))
	if n, err := d.App.CarryOutDraws(d.t.Context()); err != nil || n != 1 {
		d.t.Fatalf("%d draws carried out, %v", n, err)
	}
	r := d.record()
	if wrong, notYet := r.Check(); notYet || len(wrong) > 0 {
		d.t.Errorf("the published draw: %v", wrong)
	}
	return r
}

func (d *drawing) healthy() {
	d.t.Helper()
	found, err := app.Doctor(d.t.Context(), d.DB, d.Clock.Now(), nil, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range found {
		if f.Error {
			d.t.Error(f)
		}
	}
}

func TestDraw_AMinuteFromCommitmentToNumbers(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		d := newDrawing(t, f)
		if acts := f.Acts(t, "queue", apptest.QueueA); len(acts) != 1 {
			t.Errorf("the switch in the log: %v", acts)
		}
		before := d.record()
		if before.State != "announced" || len(before.Commitment) != 64 || before.Seed != "" || !before.Published.Before(d.noon) {
			t.Fatalf("before noon: %+v", before)
		}
		slot := d.slots[0]
		d.Clock.Set(d.noon.Add(-time.Microsecond))
		d.ask(1, "early-001", slot, fault.NotReleased)

		const people = 30 // of whom 9 can have a number
		receipts := map[int]app.Receipt{}
		for i := range people {
			d.Clock.Set(d.noon.Add(time.Duration(i) * 1999 * time.Millisecond))
			receipts[i] = d.ask(i+1, "minute-001", slot, "")
			if r := receipts[i]; r.Entry == nil || r.Entry.Salt == "" || r.Entry.Rank != 0 || r.View.Booking.SlotID != slot {
				t.Fatalf("the receipt of an entry: %+v", r)
			}
		}
		again := d.ask(1, "minute-001", slot, "")
		other := d.ask(1, "minute-002", slot, "")
		if !again.Replayed || !other.Replayed || again.Entry.Salt != receipts[0].Entry.Salt || other.Entry.Text != receipts[0].Entry.Text {
			t.Error("asking again made another entry")
		}
		d.ask(1, "minute-003", d.slots[1], fault.DrawOnce)
		held := d.ask(99, "ordinary-1", f.FreeSlots(apptest.QueueB)[0], "")
		_, mover := d.SignIn(t, apptest.Citizen(99))
		if _, err := f.App.Move(t.Context(), mover, app.MoveRequest{Key: "around-001", Code: held.View.Code, SlotID: slot}); fault.CodeOf(err) != fault.DrawRunning {
			t.Errorf("moving into an hour that is drawn: %v", err)
		}
		if v, _ := f.App.Slot(slot); v.Free != 9 {
			t.Errorf("%d free in the draw's minute", v.Free)
		}
		if r := d.record(); r.Seed != "" || len(r.Entries) > 0 {
			t.Error("seed or list are out before the draw")
		}
		d.Clock.Set(d.noon.Add(time.Minute))
		d.ask(50, "late-0001", slot, fault.DrawRunning)
		if n, err := f.App.CarryOutDraws(t.Context()); n != 0 || err != nil {
			t.Errorf("carried out while entries may be on their way: %d, %v", n, err)
		}

		r := d.over()
		if r.Commitment != before.Commitment || len(r.Entries) != people {
			t.Fatalf("%d entries, commitment %s", len(r.Entries), r.Commitment)
		}
		for i, e := range r.Entries {
			if got, want := e.Outcome, map[bool]string{true: "booked", false: "sold_out"}[i < 9]; got != want {
				t.Errorf("place %d: %s, want %s", i+1, got, want)
			}
		}
		winners := 0
		for i, got := range receipts {
			_, who := d.SignIn(t, apptest.Citizen(i+1))
			mine, err := f.App.MyEntries(t.Context(), who, d.id)
			if err != nil || len(mine) != 1 {
				t.Fatalf("entries of citizen %d: %d, %v", i+1, len(mine), err)
			}
			place := r.Find(draw.Request{Item: apptest.SocialCard, Slot: slot, Stage: "acceptance", Units: 1}, got.Entry.Salt)
			if place == 0 || place != mine[0].Rank {
				t.Errorf("citizen %d finds themselves at %d, is told %d", i+1, place, mine[0].Rank)
			}
			active, err := f.App.MyActive(t.Context(), who)
			if err != nil || (len(active) == 1) != (mine[0].Outcome == draw.Booked) {
				t.Errorf("citizen %d is told %q and has %d bookings, %v", i+1, mine[0].Outcome, len(active), err)
			}
			if len(active) == 1 {
				winners++
				if active[0].Code != got.View.Code {
					t.Errorf("the number on the receipt %s, booked %s", got.View.Code, active[0].Code)
				}
				if back := d.ask(i+1, "minute-001", slot, ""); !back.Replayed || back.Entry != nil {
					t.Errorf("the same request after the draw: %+v", back)
				}
			}
		}
		if winners != 9 {
			t.Errorf("%d numbers given", winners)
		}
		d.ask(50, "late-0002", slot, fault.SoldOut)
		if late := d.ask(50, "late-0003", d.slots[1], ""); late.Entry != nil {
			t.Error("after the draw an ordinary booking is in it")
		}
		told := map[booking.MessageKind]int{}
		out, err := f.App.DueMessages(t.Context(), 200, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out {
			if told[m.Row.Kind]++; m.Phone == "" || m.View.Item == nil || m.Stale {
				t.Errorf("message %s: %+v", m.Row.Ref(), m)
			}
		}
		if told[booking.MessageNotDrawn] != people-9 || told[booking.MessageBooked] != 9+2 {
			t.Errorf("told: %v", told)
		}
		if n, err := f.App.CarryOutDraws(t.Context()); n != 0 || err != nil {
			t.Errorf("carried out again: %d, %v", n, err)
		}
		d.healthy()
		d.Clock.Add(8 * 24 * time.Hour)
		if err := f.App.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, who := d.SignIn(t, apptest.Citizen(1))
		if mine, err := f.App.MyEntries(t.Context(), who, ""); err != nil || len(mine) != 1 || mine[0].For.Booker.Name != "" || mine[0].Rank == 0 {
			t.Errorf("a week later: %+v, %v", mine, err)
		}
	})
}

// The draw gives an order and nothing else: who may not have a number gets none, and it goes to the next.
func TestDraw_ClaimsAndLimitsHold(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		d := newDrawing(t, f)
		d.ask(1, "holds-001", f.FreeSlots(apptest.QueueB)[0], "")
		d.Clock.Set(d.noon)
		d.ask(1, "minute-001", d.slots[0], "")
		_, low := f.SignIn(t, apptest.LowLevel())
		if _, err := f.App.Book(t.Context(), low, self("minute-001", d.slots[0])); fault.CodeOf(err) != fault.LevelTooLow {
			t.Errorf("of too low a level: %v", err)
		}
		for i := range 9 {
			d.ask(i+2, "minute-001", d.slots[0], "")
		}
		// Of one applicant one entry counts, whoever makes it.
		_, who := f.SignIn(t, apptest.Citizen(20))
		r := self("minute-001", d.slots[0])
		p := apptest.Citizen(2)
		r.Applicant = app.Applicant{Kind: booking.Other, Name: p.Name, Document: p.Document}
		if _, err := f.App.Book(t.Context(), who, r); fault.CodeOf(err) != fault.DrawOnce || fault.As(err).Args["slot"] != "" {
			t.Errorf("a second entry for one applicant: %v", err)
		}
		got := map[string]int{}
		for _, e := range d.over().Entries {
			got[e.Outcome]++
		}
		// Who holds a number already is refused for that, or, drawn last, because the nine are gone.
		if got["booked"] != 9 || got[string(fault.AlreadyBooked)]+got[string(fault.SoldOut)] != 1 {
			t.Errorf("outcomes %v", got)
		}
		d.healthy()
	})
}

// Without a commitment long enough before there is no draw, and a published one takes place though the switch
// is off again.
func TestDraw_TheSwitch(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		d := newDrawing(t, f)
		ad := staff(t, f, account.District1, apptest.DistrictA)
		edited(t, f, ad, "", app.EditRequest{Noun: directory.QueueNoun, Key: []string{apptest.HallA, "social"}, Fields: directory.Fields{"draw": "no"}})
		adB := staff(t, f, account.District1, apptest.DistrictB)
		f.Clock.Set(d.noon.Add(-59 * time.Minute))
		edited(t, f, adB, "", app.EditRequest{Noun: directory.QueueNoun, Key: []string{apptest.HallB, "social"}, Fields: directory.Fields{"draw": "yes"}})
		if n, err := f.App.PublishDraws(t.Context()); err != nil || n != 2 {
			t.Errorf("%d published within the hour before noon, %v: today's has no draw", n, err)
		}
		f.Clock.Set(d.noon.Add(time.Second))
		if r := d.ask(1, "minute-001", d.slots[0], ""); r.Entry == nil {
			t.Error("what was published is no draw any more")
		}
		if r := d.ask(2, "minute-001", strings.Replace(d.slots[0], apptest.QueueA, apptest.QueueB, 1), ""); r.Entry != nil {
			t.Error("drawn without a commitment")
		}
		d.over()
		d.healthy()
	})
}

// What was looked at before the release and is written after it is no commitment: a machine slept, or a clock was moved.
func TestDraw_NothingIsPublishedThatIsLateByTheTimeItIsWritten(t *testing.T) {
	for name, source := range map[string]func() string{"sqlite": func() string { return "" }, "postgres": func() string { return apptest.Postgres(t) }} {
		t.Run(name, func(t *testing.T) {
			var ahead atomic.Int64 // of the transactions, to the look before them
			f := apptest.New(t, apptest.Options{Source: source(), Store: func(o *store.Options) {
				now := o.Now
				o.Now = func() time.Time { return now().Add(time.Duration(ahead.Load())) }
			}})
			d := newDrawing(t, f)
			ad := staff(t, f, account.District1, apptest.DistrictB)
			edited(t, f, ad, "", app.EditRequest{Noun: directory.QueueNoun, Key: []string{apptest.HallB, "social"}, Fields: directory.Fields{"draw": "yes"}})
			ahead.Store(int64(d.noon.Sub(f.Clock.Now())))
			if n, err := f.App.PublishDraws(t.Context()); err != nil || n != 2 {
				t.Errorf("%d commitments published, %v; want those of the two days after today's noon", n, err)
			}
		})
	}
}

// A node that dies after numbers were given and before that was noted leaves no trace: another goes on, and
// what comes out is what would have come out.
func TestDraw_IsCarriedOnAfterACrash(t *testing.T) {
	for name, source := range map[string]func() string{"sqlite": func() string { return "" }, "postgres": func() string { return apptest.Postgres(t) }} {
		t.Run(name, func(t *testing.T) {
			var settled atomic.Int32
			die, cancel := context.WithCancel(t.Context())
			defer cancel()
			f := apptest.New(t, apptest.Options{Source: source(), Store: func(o *store.Options) {
				o.Observe = func(statement string, _ time.Duration, _ error) {
					if statement == "draw_entry.settle" && settled.Add(1) == 1 {
						cancel()
					}
				}
			}})
			d := newDrawing(t, f)
			two, err := app.New(t.Context(), app.Config{DB: f.DB, Vault: f.Vault, Now: f.Clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			defer two.Close()
			f.Clock.Set(d.noon.Add(time.Second))
			const people = 300
			var who [people]*identity.Session
			for i := range who {
				_, who[i] = f.SignIn(t, apptest.Citizen(i+1))
			}
			var wg sync.WaitGroup
			for i := range who {
				node := []*app.App{f.App, two}[i%2]
				wg.Go(func() {
					if _, err := node.Book(t.Context(), who[i], self("minute-001", d.slots[i%len(d.slots)])); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			f.Clock.Set(d.noon.Add(63 * time.Second))
			if n, err := f.App.CarryOutDraws(die); err == nil || n != 0 {
				t.Fatalf("the crash did not happen: %d", n)
			}
			if r := d.record(); r.State != "closed" || r.Seed != "" {
				t.Errorf("after the crash: %s", r.State)
			}
			d.ask(400, "late-0001", d.slots[0], fault.DrawRunning)
			f.Clock.Add(20 * time.Second)
			var done atomic.Int32
			for _, node := range []*app.App{f.App, two, two} {
				wg.Go(func() {
					n, err := node.CarryOutDraws(t.Context())
					if err != nil {
						t.Error(err)
					}
					done.Add(int32(n))
				})
			}
			wg.Wait()
			r := d.record()
			if wrong, notYet := r.Check(); done.Load() != 1 || notYet || len(wrong) > 0 {
				t.Fatalf("finished %d times: %v", done.Load(), wrong)
			}
			booked := 0
			for _, e := range r.Entries {
				if e.Outcome == "booked" {
					booked++
				}
			}
			if want := 9 * len(d.slots); booked != want {
				t.Errorf("%d of %d numbers given", booked, want)
			}
			if _, err := two.Book(t.Context(), who[0], self("after-0001", fmt.Sprint(f.FreeSlots(apptest.QueueB)[0]))); err != nil && fault.CodeOf(err) != fault.AlreadyBooked {
				t.Error(err)
			}
			d.healthy()
		})
	}
}

// Whom staff enter in a draw for at a desk is in it once, as if they had asked themselves, and the log says who did
// it, once.
func TestDraw_StaffEnterSomebodyAtTheDesk(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		d := newDrawing(t, f)
		f.Clock.Set(d.noon.Add(5 * time.Second))
		clerk := staff(t, f, account.District1, apptest.DistrictA)
		ann := apptest.Citizen(1)
		enter := func(key, slot string) (app.Receipt, error) {
			return f.App.BookAtDesk(t.Context(), clerk, apptest.HallA, app.DeskBooking{
				Key: key, Item: apptest.SocialCard, SlotID: slot, Stage: directory.Acceptance, Name: ann.Name, Document: ann.Document, Phone: ann.Phone,
			})
		}
		got, err := enter("desk-draw-0001", d.slots[0])
		if err != nil || got.Entry == nil {
			t.Fatalf("%+v, %v", got, err)
		}
		id := got.View.Booking.ID
		if again, err := enter("desk-draw-0001", d.slots[0]); err != nil || !again.Replayed || again.View.Booking.ID != id {
			t.Errorf("sent again: %+v, %v", again, err)
		}
		if _, err := enter("desk-draw-0002", d.slots[1]); fault.CodeOf(err) != fault.DrawOnce {
			t.Errorf("a second chance: %v", err)
		}
		if acts := f.Acts(t, "booking", id); fmt.Sprint(acts) != "[draw.on_behalf]" {
			t.Errorf("in the log: %v", acts)
		}
		f.Clock.Set(d.noon.Add(63 * time.Second))
		if n, err := f.App.CarryOutDraws(t.Context()); err != nil || n != 1 {
			t.Fatalf("%d carried out, %v", n, err)
		}
		_, theirs := f.SignIn(t, ann)
		mine, err := f.App.MyActive(t.Context(), theirs)
		if err != nil || len(mine) != 1 || mine[0].Booking.ID != id || mine[0].Booking.Channel != booking.Desk {
			t.Errorf("theirs: %+v, %v", mine, err)
		}
		d.healthy()
	})
}
