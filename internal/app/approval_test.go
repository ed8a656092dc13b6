package app_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// desk is a city with administrators of every rank and a case that is played there.
type desk struct {
	*testing.T
	*apptest.Fixture
	way    way // how the administrators act
	people int
}

// The administrators of the city. A… are district A's, B… district B's.
var officers = map[string]struct {
	rank account.Rank
	unit string
}{
	"P1": {account.Platform1, "440100000000"}, "P2": {account.Platform2, "440100000000"},
	"M1": {account.Municipal1, "agency-social"}, "M2": {account.Municipal2, "agency-social"},
	"A1": {account.District1, apptest.DistrictA}, "A2": {account.District2, apptest.DistrictA},
	"AS": {account.District2, apptest.StreetA}, "AV": {account.District3, apptest.VillageA},
	"B1": {account.District1, apptest.DistrictB}, "B2": {account.District2, apptest.DistrictB},
	"SYS": {account.System, "440100000000"}, "AUD": {account.Audit, "440100000000"},
}

func newDesk(t *testing.T, o apptest.Options) *desk {
	d := &desk{T: t, Fixture: apptest.New(t, o)}
	d.way = direct{d}
	for name, who := range officers {
		d.open(name, who.rank, who.unit, "")
	}
	return d
}

// open adds an open account.
func (d *desk) open(id string, rank account.Rank, unit, predecessor string) {
	d.Helper()
	d.update(func(tx *store.Tx) error {
		return tx.AddAccount(context.Background(), store.Account{
			Account: account.Account{ID: id, Rank: rank, Unit: unit, State: account.Open, Predecessor: predecessor, Version: 1, OpenedAt: tx.Now},
			Mobile:  "mobile of " + id, Sealed: []byte{1}, CreatedAt: tx.Now,
		})
	})
}

func (d *desk) update(fn func(*store.Tx) error) {
	d.Helper()
	if err := d.DB.Update(context.Background(), fn); err != nil {
		d.Fatal(err)
	}
}

// change rewrites an account.
func (d *desk) change(id string, fn func(*store.Account)) {
	d.Helper()
	d.update(func(tx *store.Tx) error {
		a, err := tx.Account(context.Background(), id)
		if err != nil {
			return err
		}
		fn(a)
		_, err = tx.SaveAccount(context.Background(), a)
		return err
	})
}

func (d *desk) close(id string) {
	d.Helper()
	d.change(id, func(a *store.Account) { a.State, a.ClosedAt = account.Closed, d.Clock.Now() })
}

// as is an administrator who has just signed in.
func (d *desk) as(id string) *app.Admin {
	d.Helper()
	var a *store.Account
	if err := d.DB.View(context.Background(), func(tx *store.Tx) (err error) {
		a, err = tx.Account(context.Background(), id)
		return err
	}); err != nil || a == nil {
		d.Fatalf("account %s: %v", id, err)
	}
	now := d.Clock.Now()
	return &app.Admin{Account: a.Account, Session: "s-" + id, SignedIn: now, Proved: now, Expires: now.Add(12 * time.Hour), Origin: "127.0.0.x"}
}

// Days of the stage: it is Tuesday 24 November 2026, ten o'clock.
func on(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(s)
	}
	return d
}

var (
	today  = on("2026-11-24")
	friday = on("2026-11-27") // the third working day from now: in time
)

// total asks for another total a day at a queue.
func total(hall, queue string, n int, from, to calendar.Date) app.Asked {
	return app.Asked{Targets: []app.Target{{Hall: hall, Queue: queue}}, Reason: "因应业务量", Change: supply.Change{Kind: supply.Capacity, From: from, To: to, Total: n, Source: "filed"}}
}

func more(from calendar.Date) app.Asked {
	return total(apptest.HallA, apptest.QueueA, 140, from, from+4)
}
func less(from calendar.Date) app.Asked {
	return total(apptest.HallA, apptest.QueueA, 35, from, from+4)
}

// shutHall asks to close a whole hall.
func shutHall(hall string, from, to calendar.Date) app.Asked {
	return app.Asked{Targets: []app.Target{{Hall: hall}}, Reason: "台风", Change: supply.Change{Kind: supply.Close, From: from, To: to, Half: calendar.WholeDay}}
}

func saturdays(from calendar.Date) app.Asked {
	return app.Asked{Targets: []app.Target{{Hall: apptest.HallA, Queue: apptest.QueueA}}, Reason: "排队人多", Change: supply.Change{
		Kind: supply.Weekend, From: from, To: from + 20, Weekdays: []time.Weekday{time.Saturday}, Hours: calendar.HoursOf(9, 10, 11), PerHour: 20,
	}}
}

func (d *desk) get(id string) supply.Request {
	d.Helper()
	var r *supply.Request
	if err := d.DB.View(context.Background(), func(tx *store.Tx) (err error) {
		r, err = tx.Request(context.Background(), id)
		return err
	}); err != nil || r == nil {
		d.Fatalf("request %s: %v", id, err)
	}
	return *r
}

func (d *desk) state(r supply.Request, want supply.State) {
	d.Helper()
	if got := d.get(r.ID).State; got != want {
		d.Errorf("state %q, want %q", got, want)
	}
}

// ledger wants exactly these entries about a request, each as "kind account".
func (d *desk) ledger(r supply.Request, want ...string) {
	d.Helper()
	var got []string
	if err := d.DB.View(context.Background(), func(tx *store.Tx) error {
		list, _, err := tx.Ledger(context.Background(), store.LedgerQuery{Request: r.ID, Limit: 100})
		for _, e := range list {
			got = append(got, string(e.Kind)+" "+e.Account)
		}
		return err
	}); err != nil {
		d.Fatal(err)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		d.Errorf("ledger %v, want %v", got, want)
	}
}

// slots returns the slots of a queue on a date.
func (d *desk) slots(queue string, day calendar.Date) []booking.Slot {
	d.Helper()
	var out []booking.Slot
	if err := d.DB.View(context.Background(), func(tx *store.Tx) error {
		out = nil
		return tx.SlotsOf(context.Background(), d.App.City().Queue(queue).HallID, queue, day, func(s store.LiveSlot) {
			if s.Date == day {
				out = append(out, s.Slot)
			}
		})
	}); err != nil {
		d.Fatal(err)
	}
	return out
}

// places wants a queue to have that many open places on a date, on-site ones too.
func (d *desk) places(queue string, day calendar.Date, want int) {
	d.Helper()
	n := 0
	for _, s := range d.slots(queue, day) {
		if !s.Closed {
			n += s.Capacity + s.OnSite
		}
	}
	if n != want {
		d.Errorf("%d places of %s on %s, want %d", n, queue, day, want)
	}
}

// book books a number for somebody new.
func (d *desk) book(slot, item string) app.Receipt {
	d.Helper()
	d.people++
	_, who := d.SignIn(d, apptest.Citizen(d.people))
	r, err := d.App.Book(context.Background(), who, app.BookRequest{
		Key: fmt.Sprintf("desk-%04d", d.people), Item: item, SlotID: slot, Stage: directory.Acceptance, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if err != nil {
		d.Fatal(err)
	}
	return r
}

// fill books every free number of an hour.
func (d *desk) fill(queue string, day calendar.Date, hour int) {
	d.Helper()
	id := booking.SlotID(queue, day, hour)
	for v, _ := d.App.Slot(id); v.Free > 0; v.Free-- {
		d.book(id, apptest.SocialCard)
	}
}

// at moves the clock.
func (d *desk) at(day calendar.Date, hour, minute int) { d.Clock.Set(day.At(hour, minute)) }

func (d *desk) escalate(want int) {
	d.Helper()
	if n, err := d.App.EscalateRequests(context.Background()); err != nil || n != want {
		d.Errorf("%d moved up, %v; want %d", n, err, want)
	}
}

func (d *desk) upTo(r supply.Request, want account.Rank) {
	d.Helper()
	if got := d.get(r.ID).UpTo; got != want {
		d.Errorf("up to %s, want %s", got, want)
	}
}

type approvalCase struct {
	name string
	run  func(d *desk)
}

// Every case is played on both engines, each in a city of its own: against the App on both, by a program
// and in the console's pages on one each, by turns.
func TestArt23_Approvals(t *testing.T) {
	if n := len(approvals); n < 60 {
		t.Errorf("%d cases", n)
	}
	t.Cleanup(func() { tellUnsaid(t) })
	seen := map[string]bool{}
	for i, c := range approvals {
		if seen[c.name] {
			t.Errorf("%s comes twice", c.name)
		}
		seen[c.name] = true
		play := func(name string, engine int, by func(*desk) way) func(*testing.T) {
			return func(t *testing.T) {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					var o apptest.Options
					if engine == 1 {
						o.Source = apptest.Postgres(t)
					}
					d := newDesk(t, o)
					d.way = by(d)
					c.run(d)
				})
			}
		}
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			for engine, name := range []string{"sqlite", "postgres"} {
				play("app_on_"+name, engine, func(d *desk) way { return direct{d} })(t)
				if i%2 == engine {
					play("api_on_"+name, engine, byProgram)(t)
				} else {
					play("console_on_"+name, engine, inPages)(t)
				}
			}
		})
	}
}
