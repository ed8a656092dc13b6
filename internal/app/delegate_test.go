package app_test

import (
	"context"
	"errors"
	"fmt"
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

func TestArt6_DelegatedBooking(t *testing.T) {
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
func TestArt6_SwitchingTheWayLosesNothing(t *testing.T) {
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
func TestArt6_ADepartmentsQueueBooksSingly(t *testing.T) {
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

// The checker finds what it is for: a department that forgets what it has confirmed.
func TestArt6_ALyingDepartmentIsFound(t *testing.T) {
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
