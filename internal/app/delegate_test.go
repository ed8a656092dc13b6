package app_test

import (
	"context"
	"errors"
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
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// thereHold is a hold of the department of the tests.
type thereHold struct {
	state   string // held, confirmed, released
	place   app.DepartmentPlace
	number  string
	expires time.Time
}

// there is a department's own system, as docs/connected-systems.md wants it, behind a network that loses, repeats and delays.
type there struct {
	now      func() time.Time
	capacity int

	mu     sync.Mutex
	holds  map[string]*thereHold
	last   int
	calls  int
	late   []func() // what was sent and has not arrived
	chance *rand.Rand
	faults bool
	down   bool
	forget string // breaks a promise: forgets what it confirms under ids that end so

	dead chan struct{} // who asks while it is set dies: it never gets an answer
}

var errNet = errors.New("the network of the test")

func newThere(now func() time.Time) *there {
	return &there{now: now, capacity: 4, holds: map[string]*thereHold{}, chance: rand.New(rand.NewPCG(1, 2))}
}

// over does one thing there, as far as the network lets it.
func (d *there) over(ctx context.Context, do func() (app.DepartmentHold, error)) (app.DepartmentHold, error) {
	d.mu.Lock()
	d.calls++
	before, after := false, false
	if d.faults {
		switch d.chance.IntN(10) {
		case 0:
			before = true
		case 1:
			after = true
		case 2: // arrives when who asked has given up
			d.late = append(d.late, func() { _, _ = do() })
			before = true
		case 3: // twice
			_, _ = do()
		case 4:
			d.mu.Unlock()
			return app.DepartmentHold{}, &app.DepartmentRefusal{Code: "busy", Again: true}
		}
	}
	var h app.DepartmentHold
	var err error
	switch {
	case before, d.down:
		err = errNet
	default:
		h, err = do()
	}
	if dead := d.dead; dead != nil && d.chance.IntN(2) == 0 { // who asked is killed, before the question or after the answer
		d.mu.Unlock()
		<-dead
		return app.DepartmentHold{}, errNet
	}
	d.mu.Unlock()
	if after {
		return app.DepartmentHold{}, errNet
	}
	if ctx.Err() != nil {
		return app.DepartmentHold{}, ctx.Err()
	}
	return h, err
}

// arrive lets what is under way arrive, in any order.
func (d *there) arrive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.chance.Shuffle(len(d.late), func(i, j int) { d.late[i], d.late[j] = d.late[j], d.late[i] })
	for _, do := range d.late {
		do()
	}
	d.late = nil
}

func (d *there) state(h *thereHold) string {
	if h.state == "held" && !d.now().Before(h.expires) {
		return "expired"
	}
	return h.state
}

func said(state, number string) (app.DepartmentHold, error) {
	s := map[string]app.DepartmentState{"held": app.ThereHeld, "confirmed": app.ThereConfirmed}[state]
	if s == "" {
		s = app.ThereGone
	}
	return app.DepartmentHold{State: s, Number: number}, nil
}

func (d *there) Hold(ctx context.Context, _ app.DepartmentAdapter, id string, p app.DepartmentPlace) (app.DepartmentHold, error) {
	return d.over(ctx, func() (app.DepartmentHold, error) {
		if h := d.holds[id]; h != nil {
			if s := d.state(h); s != "held" && s != "confirmed" {
				return app.DepartmentHold{}, &app.DepartmentRefusal{Code: "hold_" + s}
			}
			if h.place != p {
				return app.DepartmentHold{}, &app.DepartmentRefusal{Code: "hold_differs"}
			}
			return said(h.state, h.number)
		}
		taken := 0
		for _, h := range d.holds {
			if s := d.state(h); (s == "held" || s == "confirmed") && h.place.QueueID == p.QueueID && h.place.Date == p.Date && h.place.Hour == p.Hour {
				taken += h.place.Units
			}
		}
		if taken+p.Units > d.capacity {
			return app.DepartmentHold{}, &app.DepartmentRefusal{Code: "sold_out"}
		}
		d.holds[id] = &thereHold{state: "held", place: p, expires: p.Expires}
		return said("held", "")
	})
}

func (d *there) Confirm(ctx context.Context, _ app.DepartmentAdapter, id string) (app.DepartmentHold, error) {
	return d.over(ctx, func() (app.DepartmentHold, error) {
		h := d.holds[id]
		if h == nil {
			return app.DepartmentHold{}, &app.DepartmentRefusal{Code: "hold_unknown", Unknown: true}
		}
		switch s := d.state(h); s {
		case "confirmed":
		case "held":
			d.last++
			h.state, h.number = "confirmed", fmt.Sprint("A-", d.last)
			if d.forget != "" && strings.HasSuffix(id, d.forget) {
				defer delete(d.holds, id)
			}
		default:
			return app.DepartmentHold{}, &app.DepartmentRefusal{Code: "hold_" + s}
		}
		return said(h.state, h.number)
	})
}

func (d *there) Release(ctx context.Context, _ app.DepartmentAdapter, id string) error {
	_, err := d.over(ctx, func() (app.DepartmentHold, error) {
		if d.holds[id] == nil {
			d.holds[id] = &thereHold{}
		}
		d.holds[id].state = "released"
		return said("released", "")
	})
	return err
}

func (d *there) Get(ctx context.Context, _ app.DepartmentAdapter, id string) (app.DepartmentHold, error) {
	return d.over(ctx, func() (app.DepartmentHold, error) {
		h := d.holds[id]
		if h == nil {
			return app.DepartmentHold{}, &app.DepartmentRefusal{Code: "hold_unknown", Unknown: true}
		}
		return said(d.state(h), h.number)
	})
}

// confirmed is what the department has confirmed, by id.
func (d *there) confirmed() map[string]thereHold {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[string]thereHold{}
	for id, h := range d.holds {
		if s := d.state(h); s == "confirmed" || s == "held" {
			out[id] = *h
		}
	}
	return out
}

// delegating is a city in which the first district's social queue is the department's.
type delegating struct {
	*apptest.Fixture
	t     *testing.T
	there *there
}

func newDelegating(t *testing.T, o apptest.Options) *delegating {
	d := &delegating{t: t}
	d.there = newThere(func() time.Time { return d.Clock.Now() })
	o.Change = func(c *app.Config) { c.Department, c.Patience = d.there, 2*time.Second }
	d.Fixture = apptest.New(t, o)
	ctx := t.Context()
	if err := d.DB.Update(ctx, func(tx *store.Tx) error {
		return tx.AddSource(ctx, oversight.Source{
			ID: "S0001", Seat: account.Seat{Unit: apptest.DistrictA, Kind: directory.District, District: apptest.DistrictA}, Name: "自建系统", Kinds: []oversight.RecordKind{oversight.CapacityRecord},
			Delay: time.Hour, Silence: time.Hour, Version: 1,
		})
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.App.SetAdapter(ctx, "S0001", "https://department.example.org", oversight.HMACSHA256, "platform", []byte("a secret of the test")); err != nil {
		t.Fatal(err)
	}
	d.switchTo(apptest.QueueA, booking.WayDelegated)
	return d
}

func (d *delegating) switchTo(queue string, way booking.Way) {
	d.t.Helper()
	if _, err := d.App.SwitchQueue(d.t.Context(), queue, way, "S0001"); err != nil {
		d.t.Fatal(err)
	}
	d.Clock.Add(app.SwitchAfter)
}

// rest lets the dust settle: time passes and departments are asked until nobody waits for anything.
func (d *delegating) rest() {
	d.t.Helper()
	for range 100 {
		d.there.arrive()
		if _, err := d.App.AskDepartments(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
		d.Clock.Add(time.Minute)
		var waiting []store.DelegationsWaiting
		if err := d.DB.View(d.t.Context(), func(tx *store.Tx) (err error) {
			waiting, err = tx.DelegationsWaiting(d.t.Context())
			return err
		}); err != nil {
			d.t.Fatal(err)
		}
		if len(waiting) == 0 {
			return
		}
	}
	d.t.Fatal("the dust does not settle")
}

// oneSided lists the numbers that only one side knows.
func (d *delegating) oneSided() (out []string) {
	d.t.Helper()
	theirs := d.there.confirmed()
	if err := d.DB.View(d.t.Context(), func(tx *store.Tx) error {
		out = nil
		list, err := tx.AllDelegations(d.t.Context())
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, p := range list {
			b, err := tx.Booking(d.t.Context(), p.Booking)
			if err != nil {
				return err
			}
			ours := p.State == booking.Delegated && b != nil && b.State == booking.Booked && b.SlotID == p.SlotID
			h, is := theirs[p.Hold]
			if is && ours {
				is = h.state == "confirmed" && booking.SlotID(h.place.QueueID, h.place.Date, h.place.Hour) == b.SlotID && h.number == p.Number
			}
			if ours != is {
				out = append(out, fmt.Sprintf("%s: here %v, there %v", p.Hold, ours, is))
			}
			seen[p.Hold] = true
		}
		for id := range theirs {
			if !seen[id] {
				out = append(out, id+": there only")
			}
		}
		return nil
	}); err != nil {
		d.t.Fatal(err)
	}
	found, err := d.DB.Doctor(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range found {
		if f.Check != "engine" && f.Check != "calendar" {
			d.t.Errorf("doctor: %s: %s", f.Check, f.Detail)
		}
	}
	return out
}

func TestDelegatedBooking(t *testing.T) {
	onBothWith(t, func(t *testing.T, o apptest.Options) {
		d := newDelegating(t, o)
		ctx := t.Context()
		slots := d.FreeSlots(apptest.QueueA)
		_, who := d.SignIn(t, apptest.Citizen(1))
		got, err := d.App.Book(ctx, who, self("delegated-1", slots[0]))
		if err != nil || got.View.Booking.State != booking.Booked || len(d.there.confirmed()) != 1 {
			t.Fatalf("booked: %v, %v, there %v", got.View.Booking.State, err, d.there.confirmed())
		}
		again, err := d.App.Book(ctx, who, self("delegated-1", slots[0]))
		if err != nil || !again.Replayed || again.View.Code != got.View.Code || len(d.there.confirmed()) != 1 {
			t.Errorf("again: %+v, %v", again.Replayed, err)
		}
		for _, h := range d.there.confirmed() { // nothing that tells who it is
			if h.place.Applicant == "" || strings.Contains(h.place.Applicant, who.Person.Document.Number) || h.place.Applicant == string(who.Person.Key) {
				t.Errorf("applicant %q", h.place.Applicant)
			}
		}

		// To another hour there, to numbers of our own, and back.
		for i, to := range []string{slots[9], d.FreeSlots(apptest.QueueB)[3], slots[2]} {
			moved, err := d.App.Move(ctx, who, app.MoveRequest{Key: fmt.Sprint("delegated-move-", i), Code: got.View.Code, SlotID: to, Channel: booking.Web})
			if err != nil || moved.View.Booking.SlotID != to || moved.View.Booking.State != booking.Booked {
				t.Fatalf("moved to %s: %v", to, err)
			}
			replayed, err := d.App.Move(ctx, who, app.MoveRequest{Key: fmt.Sprint("delegated-move-", i), Code: got.View.Code, SlotID: to, Channel: booking.Web})
			if err != nil || !replayed.Replayed {
				t.Errorf("moved again: %v", err)
			}
			d.rest()
			if lost := d.oneSided(); len(lost) > 0 {
				t.Errorf("after moving to %s: %v", to, lost)
			}
		}
		if _, err := d.App.Cancel(ctx, who, app.CancelRequest{Key: "delegated-cancel", Code: got.View.Code, Channel: booking.Web}); err != nil {
			t.Fatal(err)
		}
		d.rest()
		if lost := d.oneSided(); len(lost) > 0 || len(d.there.confirmed()) != 0 {
			t.Errorf("cancelled: %v, there %v", lost, d.there.confirmed())
		}

		// Full there: a clear no, and nothing stays.
		d.there.capacity = 0
		_, who2 := d.SignIn(t, apptest.Citizen(2))
		for range 2 { // and again, when asked again
			if _, err := d.App.Book(ctx, who2, self("delegated-2", slots[1])); fault.CodeOf(err) != fault.DepartmentNo || fault.As(err).Args["here"] == "" {
				t.Errorf("full there: %v", err)
			}
		}
		if active, err := d.App.MyActive(ctx, who2); err != nil || len(active) != 0 {
			t.Errorf("full there: %d bookings, %v", len(active), err)
		}
		d.there.capacity = 4

		// It says nothing: pending, nobody is told a number, and it can neither be moved nor is it lost.
		d.there.down = true
		late, err := d.App.Book(ctx, who2, self("delegated-3", slots[1]))
		if err != nil || late.View.Booking.State != booking.Pending {
			t.Fatalf("silent: %v, %v", late.View.Booking.State, err)
		}
		if _, err := d.App.Move(ctx, who2, app.MoveRequest{Key: "delegated-4-move", Code: late.View.Code, SlotID: slots[2], Channel: booking.Web}); fault.CodeOf(err) != fault.BookingPending {
			t.Errorf("moved while pending: %v", err)
		}
		if page, _, err := d.App.MyMessages(ctx, who2, "", 50); err != nil || slices.ContainsFunc(page, func(m app.MessageView) bool { return m.Kind == booking.MessageBooked }) {
			t.Errorf("told of a number that nobody knows there: %v", err)
		}
		d.there.down = false
		d.Clock.Add(booking.AskedFor)
		d.rest()
		if v, err := d.App.Booking(ctx, who2, late.View.Code); err != nil || v.Booking.State != booking.Booked {
			t.Errorf("after it answered: %v, %v", v.Booking.State, err)
		}
		if page, _, err := d.App.MyMessages(ctx, who2, "", 50); err != nil || !slices.ContainsFunc(page, func(m app.MessageView) bool { return m.Kind == booking.MessageBooked }) {
			t.Errorf("not told: %v", err)
		}
		d.there.down = true
		if _, err := d.App.Move(ctx, who2, app.MoveRequest{Key: "delegated-5-move", Code: late.View.Code, SlotID: slots[9], Channel: booking.Web}); fault.CodeOf(err) != fault.DepartmentSilent {
			t.Errorf("moved while silent: %v", err)
		}
		_, who3 := d.SignIn(t, apptest.Citizen(3))
		given, err := d.App.Book(ctx, who3, self("delegated-6", slots[1]))
		if err != nil || given.View.Booking.State != booking.Pending {
			t.Fatalf("silent: %v, %v", given.View.Booking.State, err)
		}
		for range 15 {
			d.Clock.Add(time.Minute)
			if _, err := d.App.AskDepartments(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if v, err := d.App.Booking(ctx, who3, given.View.Code); err != nil || v.Booking.State != booking.Cancelled {
			t.Errorf("silent for long: %v, %v", v.Booking.State, err)
		}
		if page, _, err := d.App.MyMessages(ctx, who3, "", 50); err != nil || !slices.ContainsFunc(page, func(m app.MessageView) bool { return m.Kind == booking.MessageRefused }) {
			t.Errorf("not told that it did not come to be: %v", err)
		}
		d.there.down = false
		d.rest()
		if lost := d.oneSided(); len(lost) > 0 {
			t.Errorf("in the end: %v", lost)
		}
	})
}

// onBothWith is onBoth for cases that make their own city.
func onBothWith(t *testing.T, run func(t *testing.T, o apptest.Options)) {
	t.Run("sqlite", func(t *testing.T) { run(t, apptest.Options{}) })
	t.Run("postgres", func(t *testing.T) { run(t, apptest.Options{Source: apptest.Postgres(t)}) })
}

// What is booked one way stays when the queue is switched to another, and is given back where it was made.
func TestSwitchingTheWayLosesNothing(t *testing.T) {
	onBothWith(t, func(t *testing.T, o apptest.Options) {
		d := newDelegating(t, o)
		ctx := t.Context()
		slots := d.FreeSlots(apptest.QueueA)
		sessions, codes := map[int]*identity.Session{}, map[int]string{}
		book := func(n int) {
			t.Helper()
			_, sessions[n] = d.SignIn(t, apptest.Citizen(n))
			got, err := d.App.Book(ctx, sessions[n], self(fmt.Sprint("switch-", n, "-key"), slots[n]))
			if err != nil || got.View.Booking.State != booking.Booked {
				t.Fatalf("%d: %v", n, err)
			}
			codes[n] = got.View.Code
		}
		book(1)
		if _, err := d.App.SwitchQueue(ctx, apptest.QueueA, booking.WayFull, ""); err != nil {
			t.Fatal(err)
		}
		book(2) // it counts from later on
		if n := len(d.there.confirmed()); n != 2 {
			t.Errorf("%d there", n)
		}
		d.Clock.Add(app.SwitchAfter)
		book(3)
		if n := len(d.there.confirmed()); n != 2 {
			t.Errorf("%d there after the switch", n)
		}
		d.switchTo(apptest.QueueA, booking.WayDelegated)
		book(4)
		for n := range 4 {
			if v, err := d.App.Booking(ctx, sessions[n+1], codes[n+1]); err != nil || v.Booking.State != booking.Booked {
				t.Errorf("%d: %v, %v", n+1, v.Booking.State, err)
			}
		}
		if lost := d.oneSided(); len(lost) > 0 {
			t.Errorf("%v", lost)
		}
		d.switchTo(apptest.QueueA, booking.WayFull)
		for n := range 4 {
			if _, err := d.App.Cancel(ctx, sessions[n+1], app.CancelRequest{Key: fmt.Sprint("switch-cancel-", n), Code: codes[n+1], Channel: booking.Web}); err != nil {
				t.Errorf("%d: %v", n+1, err)
			}
		}
		d.rest()
		if n := len(d.there.confirmed()); n != 0 {
			t.Errorf("%d there after all were cancelled", n)
		}
		for name, err := range map[string]error{
			"a queue that is none":   second(d.App.SwitchQueue(ctx, "nowhere", booking.WayFull, "")),
			"a system that is none":  second(d.App.SwitchQueue(ctx, apptest.QueueA, booking.WayDelegated, "S0009")),
			"a page that is not set": second(d.App.SwitchQueue(ctx, apptest.QueueA, booking.WayReporting, "S0001")),
		} {
			if err == nil {
				t.Errorf("%s is accepted", name)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// What a department's queue does not have: several in one step, a line.
func TestADepartmentsQueueBooksSingly(t *testing.T) {
	d := newDelegating(t, apptest.Options{})
	_, who := d.SignIn(t, apptest.Citizen(1))
	r := self("singly-0001", d.FreeSlots(apptest.QueueA)[0])
	r.Units = 2
	if _, err := d.App.Book(t.Context(), who, r); err == nil {
		t.Error("two units are booked")
	}
	if n := d.Rows(t)["booking"]; n != 0 {
		t.Errorf("%d bookings", n)
	}
}

// Faults on both sides: the network loses, repeats and delays, the department is away for a while, and the platform is killed
// while it asks. When the dust has settled no number is known to one side only, and nobody was told one that the other did not know.
func TestNoNumberIsKnownToOneSideOnly(t *testing.T) {
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

// The checker finds what it is for: a department that forgets what it has confirmed.
func TestALyingDepartmentIsFound(t *testing.T) {
	d := newDelegating(t, apptest.Options{})
	d.there.forget = ".1"
	_, who := d.SignIn(t, apptest.Citizen(1))
	if _, err := d.App.Book(t.Context(), who, self("lying-0001", d.FreeSlots(apptest.QueueA)[0])); err != nil {
		t.Fatal(err)
	}
	d.rest()
	if lost := d.oneSided(); len(lost) != 1 {
		t.Errorf("found %v", lost)
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
	n      int
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
