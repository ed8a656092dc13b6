package model_test

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
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

var zone = time.FixedZone("", 8*60*60)

// start is a Tuesday morning before the day's release.
var start = time.Date(2026, time.November, 24, 8, 0, 0, 0, zone)

const (
	north    = "440103000000"
	south    = "440103000000-s"
	people   = 24
	agents   = 16 // of them, who may book batches
	itemA    = "RE-0001"
	itemB    = "SI-0001"
	dailyOfA = 9
)

var hours = []int{9, 10, 14}

// offers is who offers what: the north one queue for both items, the south one for each.
var offers = map[string][]offering{
	itemA: {{north, north + "-estate", 3}, {south, south + "-estate", 3}},
	itemB: {{north, north + "-estate", 1}, {south, south + "-social", 1}},
}

var queueIDs = []string{north + "-estate", south + "-estate", south + "-social"}

var daily = map[string]int{queueIDs[0]: dailyOfA, queueIDs[1]: 6, queueIDs[2]: 3}

// system is what is checked against the reference.
type system interface {
	do(ctx context.Context, a ask) (answer, []lost, error)
	look(ctx context.Context, of watched) (*view, error)
}

// watched is of what a view is wanted besides slots, holds and lines: bookings, entries and persons' claims.
type watched struct {
	bookings, entries []string
	persons           []int
}

// view is a city as it stands in its database.
type view struct {
	slots    map[string]seenSlot
	holds    map[string][]seenHold // by slot, those that open first in front
	lines    map[string][]string   // queue → entries that wait, in order
	bookings map[string]seenBooking
	entries  map[string]outcome
	claims   map[int]map[string]string // person → claim → booking or entry
}

type seenSlot struct {
	queue, date           string
	hour                  int
	capacity, taken, held int
	closed                bool
	release               time.Time
}

type seenHold struct {
	id    string
	units int
	opens time.Time
	entry string
}

type seenBooking struct {
	state, slot string
	units       int
}

// town is the product: an App over a database of its own, two halls, three queues of a few numbers a day.
type town struct {
	tb    testing.TB
	app   *app.App
	db    *store.DB
	vault *apptest.Vault
	clock *apptest.Clock
	who   []*identity.Session
	index map[identity.Key]int
	day   string // up to which slots were prepared
}

func rulesOf(l law) rulebook.Rulebook {
	r := rulebook.Continued2025()
	r.WindowDays, r.WindowCounts = l.Ahead, rulebook.CalendarDays
	r.Hours, r.ActivePerDay = hours, l.PerDay
	r.WaitlistReleaseShare, r.WaitlistMost = l.Share, l.Most
	if l.StartOfHour {
		r.OffSiteCloses = rulebook.SlotStart
	}
	return r
}

// lawOf is the law as the product's rules ship, with what is varied here.
func lawOf(startOfHour bool, share int) law {
	return law{
		StartOfHour: startOfHour, Share: share, PerDay: 2, Most: 2, Ahead: 2,
		BookLead: 3 * time.Hour, Offer: 15 * time.Minute, CancelEnd: 2 * time.Hour, Soonest: time.Minute, Latest: 30 * time.Minute,
	}
}

// found writes the city.
func found(ctx context.Context, tx *store.Tx, l law) error {
	name := func(s string) directory.Text { return directory.Text{Hans: s, Hant: s, En: s} }
	hall := func(n int, id string) directory.Hall {
		return directory.Hall{ID: id, Number: n, UnitID: "440103000000", Level: directory.DistrictHall, DistrictID: "440103000000", Name: name("大厅"), Initials: "dt", Open: true}
	}
	item := func(code string) directory.Item {
		return directory.Item{Code: code, Department: "440103000000", Category: "housing", Line: "estate", Name: name("事项"), Initials: "sx", Stages: directory.Stages{directory.Acceptance}, Minutes: 30}
	}
	years := map[int]calendar.YearStatus{}
	for y := 2026; y < 2040; y++ {
		years[y] = calendar.Official
	}
	var queues []directory.Queue
	var offered []directory.Offering
	for code, list := range offers {
		for _, o := range list {
			offered = append(offered, directory.Offering{HallID: o.hall, QueueID: o.queue, ItemCode: code, Stages: directory.Stages{directory.Acceptance}, BatchMax: o.batch})
		}
	}
	for _, id := range queueIDs {
		at := strings.LastIndex(id, "-")
		queues = append(queues, directory.Queue{
			ID: id, HallID: id[:at], Line: id[at+1:], Name: name("业务"), Week: calendar.Week{Work: calendar.HoursOf(hours...)},
			DailyAverage: daily[id], AverageSource: "filed", Open: true,
		})
	}
	for _, step := range []func() error{
		func() error {
			return tx.SaveUnits(ctx, []directory.Unit{
				{ID: "440100000000", Kind: directory.Platform, Name: name("示例市")},
				{ID: "440103000000", ParentID: "440100000000", Kind: directory.District, Name: name("甲区")},
			})
		},
		func() error { return tx.SaveHalls(ctx, []directory.Hall{hall(1, north), hall(2, south)}) },
		func() error { return tx.SaveQueues(ctx, queues) },
		func() error { return tx.SaveItems(ctx, []directory.Item{item(itemA), item(itemB)}) },
		func() error { return tx.SaveOfferings(ctx, offered) },
		func() error { return tx.SaveCalendar(ctx, nil, years) },
		func() error { return tx.SaveRulebook(ctx, rulesOf(l)) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	for id, rank := range map[string]account.Rank{"asks": account.District2, "decides": account.District1} {
		if err := tx.AddAccount(ctx, store.Account{
			Account: account.Account{ID: id, Rank: rank, Unit: "440103000000", State: account.Open, Version: 1, OpenedAt: tx.Now},
			Mobile:  "mobile of " + id, Sealed: []byte{1}, CreatedAt: tx.Now,
		}); err != nil {
			return err
		}
	}
	return nil
}

// newTown founds a city in an empty database; source "" is a SQLite file. close ends it.
func newTown(tb testing.TB, source string, l law, twice bool) (t *town, end func()) {
	tb.Helper()
	clock := &apptest.Clock{}
	clock.Set(start)
	if source == "" {
		source = apptest.SQLite(tb)
	}
	t = &town{tb: tb, vault: apptest.NewVault(), clock: clock, index: map[identity.Key]int{}}
	var err error
	if t.db, err = store.Open(tb.Context(), source, store.Options{Now: clock.Now, Twice: twice}); err != nil {
		tb.Fatal(err)
	}
	if err := t.db.Update(tb.Context(), func(tx *store.Tx) error { return found(tb.Context(), tx, l) }); err != nil {
		tb.Fatal(err)
	}
	if t.app, err = app.New(tb.Context(), app.Config{DB: t.db, Vault: t.vault, Now: clock.Now, Public: apptest.Public}); err != nil {
		tb.Fatal(err)
	}
	if _, err := t.app.Prepare(tb.Context(), nil); err != nil {
		tb.Fatal(err)
	}
	t.day = start.Format(time.DateOnly)
	for i := range people {
		p := apptest.Citizen(i + 1)
		if p.Level = identity.Matched; i < agents {
			p.Level = identity.Verified
		}
		_, s, err := t.app.SignIn(tb.Context(), p)
		if err != nil {
			tb.Fatal(err)
		}
		t.who = append(t.who, s)
		t.index[s.Person.Key] = i
	}
	return t, func() {
		t.app.Close()
		if err := t.db.Close(); err != nil {
			tb.Error(err)
		}
	}
}

func (t *town) applicant(a ask) app.Applicant {
	if a.For == a.Who {
		return app.Applicant{Kind: "self"}
	}
	p := t.who[a.For].Person
	return app.Applicant{Kind: booking.Other, Name: p.Name, Document: p.Document, Phone: p.Phone}
}

func (t *town) list(a ask) (out []booking.Party) {
	for _, i := range a.List {
		p := t.who[i].Person
		out = append(out, booking.Party{Name: p.Name, Document: p.Document})
	}
	return out
}

func (t *town) wants(a ask) (w app.Wants) {
	w.Halls, w.Hours = slices.Clone(a.Halls), slices.Clone(a.Hours)
	for _, d := range a.Dates {
		day, err := calendar.ParseDate(d)
		if err != nil {
			t.tb.Fatal(err)
		}
		w.Dates = append(w.Dates, day)
	}
	return w
}

// code is what people read on a booking or entry of that id.
func (t *town) code(id string) string {
	n, ok := booking.NumberOfID(id)
	if !ok {
		return "0000-0000-0"
	}
	return t.vault.CodeOf(n)
}

// do makes one step. An error is what nobody may be answered: a fault of the system.
func (t *town) do(ctx context.Context, a ask) (out answer, gone []lost, err error) {
	who := t.who[a.Who]
	receipt := func(r app.Receipt, err error) (answer, error) {
		b := r.View.Booking
		return answer{ID: b.ID, State: string(b.State), Slot: b.SlotID, Units: b.Units, Replayed: r.Replayed}, err
	}
	entry := func(v app.WaitView, err error) (answer, error) {
		e := v.Entry
		return answer{ID: e.ID, State: string(e.State), Slot: e.SlotID, Units: e.Units, Replayed: v.Replayed}, err
	}
	switch a.Kind {
	case "book":
		out, err = receipt(t.app.Book(ctx, who, app.BookRequest{
			Key: a.Key, Item: a.Item, SlotID: a.Slot, Stage: directory.Acceptance, Cases: t.list(a), Applicant: t.applicant(a), Channel: booking.Web,
		}))
	case "move":
		out, err = receipt(t.app.Move(ctx, who, app.MoveRequest{Key: a.Key, Code: t.code(a.Of), SlotID: a.Slot, Channel: booking.Web}))
	case "cancel":
		out, err = receipt(t.app.Cancel(ctx, who, app.CancelRequest{Key: a.Key, Code: t.code(a.Of), Channel: booking.Web}))
	case "reduce":
		out, err = receipt(t.app.Reduce(ctx, who, app.ReduceRequest{Key: a.Key, Code: t.code(a.Of), Cases: a.Cases, Channel: booking.Web}))
	case "keep":
		out, err = receipt(t.app.Keep(ctx, who, app.KeepRequest{Key: a.Key, Code: t.code(a.Of), Channel: booking.Web}))
	case "join":
		out, err = entry(t.app.JoinWait(ctx, who, app.WaitRequest{
			Key: a.Key, Item: a.Item, Stage: directory.Acceptance, Cases: t.list(a), Wants: t.wants(a), Applicant: t.applicant(a), Channel: booking.Web,
		}))
	case "change":
		out, err = entry(t.app.ChangeWait(ctx, who, t.code(a.Of), 0, t.wants(a)))
	case "leave":
		out, err = entry(t.app.LeaveWait(ctx, who, t.code(a.Of)))
	case "decline":
		out, err = entry(t.app.DeclineOffer(ctx, who, t.code(a.Of)))
	case "take":
		out, err = receipt(t.app.TakeOffer(ctx, who, a.Key, t.code(a.Of), booking.Web))
	case "serve":
		t.clock.Add(2 * time.Second)
		return out, nil, t.app.ServeWaits(ctx)
	case "tick":
		t.clock.Set(a.To)
		return out, nil, t.tick(ctx)
	case "capacity":
		gone, err = t.capacity(ctx, a)
	}
	if err == nil {
		return out, gone, nil
	}
	f := fault.As(err)
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		return out, nil, fmt.Errorf("%+v: %w", a, err)
	}
	return answer{Code: string(f.Code)}, gone, nil
}

// tick does what the clock brings: hours end, slots are made.
func (t *town) tick(ctx context.Context) error {
	if _, err := t.app.MarkMissed(ctx); err != nil {
		return err
	}
	if day := t.clock.Now().In(zone).Format(time.DateOnly); day != t.day {
		t.day = day
		if _, err := t.app.Prepare(ctx, nil); err != nil {
			return err
		}
		return t.app.ReloadSlots(ctx)
	}
	return nil
}

// as is an administrator who has just signed in.
func (t *town) as(ctx context.Context, id string) (*app.Admin, error) {
	var a *store.Account
	if err := t.db.View(ctx, func(tx *store.Tx) (err error) {
		a, err = tx.Account(ctx, id)
		return err
	}); err != nil {
		return nil, err
	}
	now := t.clock.Now()
	return &app.Admin{Account: a.Account, Session: "s-" + id, SignedIn: now, Proved: now, Expires: now.Add(12 * time.Hour), Origin: "127.0.0.x"}, nil
}

// capacity has a day's total filed and approved (Art. 23), and says who lost an hour.
func (t *town) capacity(ctx context.Context, a ask) ([]lost, error) {
	asks, err := t.as(ctx, "asks")
	if err != nil {
		return nil, err
	}
	decides, err := t.as(ctx, "decides")
	if err != nil {
		return nil, err
	}
	day, err := calendar.ParseDate(a.Dates[0])
	if err != nil {
		return nil, err
	}
	list, err := t.app.FileRequest(ctx, asks, app.Asked{
		Targets: []app.Target{{Hall: a.Queue[:strings.LastIndex(a.Queue, "-")], Queue: a.Queue}}, Reason: "理由", Urgent: a.Urgent,
		Change: supply.Change{Kind: supply.Capacity, From: day, To: day, Total: a.Total, Source: "filed"},
	})
	if err != nil {
		return nil, err
	}
	r, err := t.app.DecideRequest(ctx, decides, list[0].ID, list[0].Version, true, "")
	if err != nil {
		return nil, err
	}
	if r.State != supply.Done {
		return nil, fmt.Errorf("the request is %s", r.State)
	}
	page, err := t.app.Displaced(ctx, decides, r.ID, booking.ChoiceWaiting, 0, 200)
	if err != nil {
		return nil, err
	}
	var out []lost
	for _, p := range page.People {
		out = append(out, lost{p.Displacement.Booking, p.HeldSlot})
	}
	return out, nil
}

// look reads the city as of one instant.
func (t *town) look(ctx context.Context, of watched) (*view, error) {
	today, err := calendar.ParseDate(t.clock.Now().In(zone).Format(time.DateOnly))
	if err != nil {
		return nil, err
	}
	var v *view
	err = t.db.View(ctx, func(tx *store.Tx) error {
		v = &view{
			slots: map[string]seenSlot{}, holds: map[string][]seenHold{}, lines: map[string][]string{},
			bookings: map[string]seenBooking{}, entries: map[string]outcome{}, claims: map[int]map[string]string{},
		}
		var refs [][2]string
		if err := tx.SlotsFrom(ctx, today, func(s store.LiveSlot) {
			v.slots[s.ID] = seenSlot{s.QueueID, s.Date.String(), s.Hour, s.Capacity, s.Taken, s.Held, s.Closed, s.Release}
			if s.Held > 0 {
				refs = append(refs, [2]string{s.HallID, s.ID})
			}
		}); err != nil {
			return err
		}
		holds, err := tx.HoldsIn(ctx, refs)
		if err != nil {
			return err
		}
		for id, list := range holds {
			for _, h := range list {
				v.holds[id] = append(v.holds[id], seenHold{h.ID, h.Units, h.OpensAt, h.Entry})
			}
		}
		for _, q := range queueIDs {
			list, err := tx.WaitsIn(ctx, booking.WaitLine{HallID: q[:strings.LastIndex(q, "-")], QueueID: q}, 1000)
			if err != nil {
				return err
			}
			for _, e := range list {
				v.lines[q] = append(v.lines[q], e.ID)
				v.entries[e.ID] = outcome{string(e.State), e.SlotID, e.Until}
			}
		}
		bookings, err := tx.BookingsByID(ctx, set(of.bookings))
		if err != nil {
			return err
		}
		for id, b := range bookings {
			v.bookings[id] = seenBooking{string(b.State), b.SlotID, b.Units}
		}
		left := slices.DeleteFunc(slices.Clone(of.entries), func(id string) bool { _, ok := v.entries[id]; return ok })
		entries, err := tx.WaitsByID(ctx, set(left))
		if err != nil {
			return err
		}
		for id, e := range entries {
			v.entries[id] = outcome{string(e.State), e.SlotID, e.Until}
		}
		for _, p := range of.persons {
			if v.claims[p], err = tx.ClaimHolders(ctx, string(t.who[p].Person.Key), claimNames(today)); err != nil {
				return err
			}
		}
		return nil
	})
	return v, err
}

func set(list []string) map[string]struct{} {
	out := map[string]struct{}{}
	for _, id := range list {
		out[id] = struct{}{}
	}
	return out
}

// claimNames are those somebody may hold for what lies in the days to come.
func claimNames(today calendar.Date) (out []string) {
	for _, item := range []string{itemA, itemB} {
		out = append(out, "item:"+item+"#1", "wait:"+item)
	}
	for d := today - 3; d < today+4; d++ { // those of the days before may not have been ended yet
		out = append(out, "day:"+d.Compact()+"#1", "day:"+d.Compact()+"#2", "day:"+d.Compact()+"#3")
		for _, h := range hours {
			out = append(out, fmt.Sprintf("hour:%s%02d", d.Compact(), h))
		}
	}
	return out
}
