package storetest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

func requestOf(id, district, unit string) supply.Request {
	return supply.Request{
		ID: id, HallID: "h-" + unit, QueueID: "h-" + unit + "-general", UnitID: unit, DistrictID: district, StreetID: unit, Level: directory.StreetHall,
		Origin: supply.Asked, FiledBy: "A1", FiledRank: account.District2, UpTo: account.District1, State: supply.Waiting, Late: true,
		FiledAt: start, DueAt: start.Add(24 * time.Hour), Reason: `理由 "x" \`, Version: 1,
		Change: supply.Change{
			Kind: supply.Close, From: day, To: day + 30, Weekdays: []time.Weekday{1, 3}, Half: calendar.Morning,
			Rule: &calendar.Rule{Kind: calendar.DayOfMonth, N: 23, Half: calendar.Afternoon}, Hours: calendar.HoursOf(9, 17),
		},
		Impact: supply.Impact{Days: 3, Until: day + 3, Before: 70, After: 35, Less: 7, Bookings: 2, Units: 3, InSlots: 5, FirstSlot: "s"},
	}
}

// holders adds second levels at the unit u1, each as "account mobile state".
func holders(w *world, list ...string) {
	w.update(func(tx *store.Tx) error {
		var errs []error
		for _, text := range list {
			f := strings.Fields(text)
			errs = append(errs, tx.AddAccount(w.ctx, store.Account{
				Account: account.Account{ID: f[0], Rank: account.District2, Unit: "u1", State: account.State(f[2]), Version: 1}, Mobile: f[1], Sealed: []byte{1}, CreatedAt: start,
			}))
		}
		return errors.Join(errs...)
	})
}

// The officers of a unit are the open accounts of a rank there, without those of the person who asks.
func officers(w *world) {
	holders(w, "A1 one closed", "A2 two open", "A3 one open")
	for not, want := range map[string][]string{"": {"A2", "A3"}, "A1": {"A2"}, "A2": {"A3"}, "A9": {"A2", "A3"}} {
		w.view(func(tx *store.Tx) error {
			list, err := tx.OfficersAt(w.ctx, account.District2, []string{"u0", "u1"}, not)
			var ids []string
			for _, a := range list {
				ids = append(ids, a.ID)
			}
			same(w, "officers without "+not, ids, want)
			none, err2 := tx.OfficersAt(w.ctx, account.District1, []string{"u1"}, not)
			if len(none) != 0 {
				w.Errorf("%d of another rank", len(none))
			}
			return errors.Join(err, err2)
		})
	}
}

// A suggestion that no hall has reported on in time is named until the ledger says so.
func unreported(w *world) {
	sent, waiting := requestOf("R1", "d1", "u1"), requestOf("R2", "d1", "u1")
	sent.State, sent.Origin = supply.Sent, supply.Suggested
	w.update(func(tx *store.Tx) error {
		return errors.Join(tx.AddRequest(w.ctx, sent), tx.AddRequest(w.ctx, waiting))
	})
	count := func(before time.Time) (n int) {
		w.view(func(tx *store.Tx) error {
			list, err := tx.Unreported(w.ctx, before, 10)
			n = len(list)
			return err
		})
		return n
	}
	late := sent.DueAt.Add(time.Second)
	if count(sent.DueAt) != 0 || count(late) != 1 {
		w.Errorf("%d in time, %d late", count(sent.DueAt), count(late))
	}
	enter := func(b supply.Breach) {
		w.update(func(tx *store.Tx) error {
			_, err := tx.AddLedger(w.ctx, []store.LedgerEntry{{Kind: b, Request: "R1", Account: "A1", HallID: "h-u1"}})
			return err
		})
	}
	if enter(supply.LateDecision); count(late) != 1 {
		w.Error("another entry says nothing of the report")
	}
	if enter(supply.LateReport); count(late) != 0 {
		w.Error("named though it is entered")
	}
}

// A request comes back as it was kept, is changed by one of two who saw the same version, and is found by
// scope and filters only.
func requests(w *world) {
	r, other := requestOf("R1", "d1", "u1"), requestOf("R2", "d2", "u2")
	other.Change = supply.Change{Kind: supply.Capacity, From: day + 1, Total: 10, Source: "filed"}
	other.Origin, other.FiledBy, other.FiledAt, other.DueAt, other.Bundle = supply.Suggested, "A2", start.Add(time.Hour), start.Add(48*time.Hour), "B1"
	w.update(func(tx *store.Tx) error {
		return errors.Join(tx.AddRequest(w.ctx, r), tx.AddRequest(w.ctx, other),
			tx.AddRequestEvent(w.ctx, "R1", store.RequestEvent{Kind: "filed", Account: "A1"}), tx.AddRequestEvent(w.ctx, "R1", store.RequestEvent{Kind: "escalated", Text: "platform-1"}))
	})
	read := func(id string) (out *supply.Request) {
		w.view(func(tx *store.Tx) (err error) {
			out, err = tx.Request(w.ctx, id)
			return err
		})
		return out
	}
	got := read("R1")
	got.FiledAt, got.DueAt = got.FiledAt.In(r.FiledAt.Location()), got.DueAt.In(r.DueAt.Location())
	same(w, "request", *got, r)
	if read("R3") != nil {
		w.Error("a request that is not there was found")
	}
	first, second := *read("R1"), *read("R1")
	first.State, first.DecidedBy, first.DecidedAt, first.Why = supply.Approved, "A9", start.Add(time.Minute), "好"
	second.State = supply.Refused
	var won, lost bool
	w.update(func(tx *store.Tx) (err error) {
		a, b := first, second
		if won, err = tx.SaveRequest(w.ctx, &a); err != nil {
			return err
		}
		lost, err = tx.SaveRequest(w.ctx, &b)
		return err
	})
	if now := read("R1"); !won || lost || now.State != supply.Approved || now.Version != 2 || now.Why != "好" || now.DecidedBy != "A9" {
		w.Errorf("won %t, lost %t, %+v", won, lost, now)
	}
	holders(w, "A2 one closed", "A2x one open", "A3 three open")
	for _, k := range []struct {
		name string
		q    store.RequestQuery
		want []string
	}{
		{"all, newest first", store.RequestQuery{}, []string{"R2", "R1"}},
		{"oldest first", store.RequestQuery{Reversed: true}, []string{"R1", "R2"}},
		{"by due", store.RequestQuery{Order: "due"}, []string{"R1", "R2"}},
		{"by due, last first", store.RequestQuery{Order: "due", Reversed: true}, []string{"R2", "R1"}},
		{"by effect", store.RequestQuery{Order: "effective"}, []string{"R1", "R2"}},
		{"a district", store.RequestQuery{Scope: account.Scope{District: "d1"}}, []string{"R1"}},
		{"a street", store.RequestQuery{Scope: account.Scope{Street: "u2"}}, []string{"R2"}},
		{"a unit", store.RequestQuery{Scope: account.Scope{Unit: "u3"}}, nil},
		{"levels", store.RequestQuery{Scope: account.Scope{Levels: []directory.HallLevel{directory.CityHall, directory.StreetHall}}}, []string{"R2", "R1"}},
		{"other levels", store.RequestQuery{Scope: account.Scope{Levels: []directory.HallLevel{directory.CityHall}}}, nil},
		{"no scope at all", store.RequestQuery{Scope: account.Scope{None: true}}, nil},
		{"a state", store.RequestQuery{State: supply.Waiting}, []string{"R2"}},
		{"open", store.RequestQuery{Open: true}, []string{"R2", "R1"}},
		{"a kind", store.RequestQuery{Kind: supply.Capacity}, []string{"R2"}},
		{"suggestions", store.RequestQuery{Origin: supply.Suggested}, []string{"R2"}},
		{"a hall", store.RequestQuery{Hall: "h-u1"}, []string{"R1"}},
		{"a bundle", store.RequestQuery{Bundle: "B1"}, []string{"R2"}},
		{"somebody's", store.RequestQuery{FiledBy: "A1"}, []string{"R1"}},
		{"to decide", store.RequestQuery{UpTo: account.District1}, []string{"R2"}},
		{"to decide, not one's own", store.RequestQuery{UpTo: account.District1, NotBy: []string{"A2"}}, nil},
		{"to decide, not filed by oneself from another account", store.RequestQuery{UpTo: account.District1, NotFor: "A2x"}, nil},
		{"to decide, filed by another person", store.RequestQuery{UpTo: account.District1, NotFor: "A3"}, []string{"R2"}},
		{"filed lately", store.RequestQuery{From: start.Add(time.Minute)}, []string{"R2"}},
	} {
		var ids []string
		all := 0
		w.view(func(tx *store.Tx) error {
			k.q.Limit = 10
			list, n, err := tx.Requests(w.ctx, k.q)
			ids, all = nil, n
			for _, r := range list {
				ids = append(ids, r.ID)
			}
			return err
		})
		if !slices.Equal(ids, k.want) || all != len(k.want) {
			w.Errorf("%s: %v of %d, want %v", k.name, ids, all, k.want)
		}
	}
	w.view(func(tx *store.Tx) error {
		list, n, err := tx.Requests(w.ctx, store.RequestQuery{Limit: 1, Offset: 1})
		if len(list) != 1 || n != 2 || list[0].ID != "R1" {
			w.Errorf("second page: %d of %d", len(list), n)
		}
		events, err2 := tx.RequestEvents(w.ctx, "R1")
		if len(events) != 2 || events[0].Seq != 1 || events[1].Seq != 2 || events[1].Text != "platform-1" || !events[0].At.Equal(w.now()) {
			w.Errorf("history %+v", events)
		}
		due, err3 := tx.RequestsDue(w.ctx, supply.Waiting, start.Add(48*time.Hour), 10)
		later, err4 := tx.RequestsDue(w.ctx, supply.Waiting, start.Add(49*time.Hour), 10)
		if len(due) != 0 || len(later) != 1 {
			w.Errorf("%d and %d due", len(due), len(later))
		}
		return errors.Join(err, err2, err3, err4)
	})
}

// Changes lie over a queue in the order they were approved, and over no other.
func adjustments(w *world) {
	first := supply.Change{Kind: supply.Capacity, From: day, To: day + 5, Total: 10, Source: "filed"}
	second := supply.Change{Kind: supply.Capacity, From: day, Total: 20, Source: "filed"}
	w.update(func(tx *store.Tx) error {
		return errors.Join(tx.AddAdjustments(w.ctx, "R1", [][2]string{{"h1", "h1-a"}, {"h1", "h1-b"}}, first), tx.AddAdjustments(w.ctx, "R2", [][2]string{{"h1", "h1-a"}}, second))
	})
	read := func(hall string, d calendar.Date) (out map[string][]supply.Change) {
		w.view(func(tx *store.Tx) (err error) {
			out, err = tx.Adjustments(w.ctx, hall, d)
			return err
		})
		return out
	}
	same(w, "changes", read("h1", day+5), map[string][]supply.Change{"h1-a": {first, second}, "h1-b": {first}})
	same(w, "changes of every hall", read("", day+5), map[string][]supply.Change{"h1-a": {first, second}, "h1-b": {first}})
	same(w, "changes not over", read("h1", day+6), map[string][]supply.Change{"h1-a": {second}})
	same(w, "changes of another hall", read("h2", day), map[string][]supply.Change{})
	w.view(func(tx *store.Tx) error {
		queues, err := tx.AdjustedQueues(w.ctx, "R1")
		same(w, "queues", queues, [][2]string{{"h1", "h1-a"}, {"h1", "h1-b"}})
		return err
	})
	w.update(func(tx *store.Tx) error {
		return errors.Join(tx.AdjustmentsInForce(w.ctx, "R1"), tx.AdjustmentsOver(w.ctx, day+6))
	})
	same(w, "after they are over", read("h1", day+5), map[string][]supply.Change{"h1-a": {first, second}, "h1-b": {first}})
}

// A breach is entered once, and appealed by whom it is about.
func ledger(w *world) {
	e := store.LedgerEntry{Kind: supply.LateDecision, Request: "R1", Account: "A1", HallID: "h1", UnitID: "u1", DistrictID: "d1", Level: directory.StreetHall, Detail: store.LedgerDetail{Due: start}}
	for _, want := range []int{1, 0} {
		w.update(func(tx *store.Tx) error {
			n, err := tx.AddLedger(w.ctx, []store.LedgerEntry{e})
			if n != want {
				w.Errorf("%d entered, want %d", n, want)
			}
			return err
		})
	}
	list := func(q store.LedgerQuery) (out []store.LedgerEntry) {
		w.view(func(tx *store.Tx) error {
			q.Limit = 10
			rows, n, err := tx.Ledger(w.ctx, q)
			if out = rows; n != len(rows) {
				w.Errorf("%d of %d", len(rows), n)
			}
			return err
		})
		return out
	}
	all := list(store.LedgerQuery{})
	if len(all) != 1 || all[0].State != "open" || !all[0].At.Equal(w.now()) || !all[0].Detail.Due.Equal(start) {
		w.Fatalf("ledger %+v", all)
	}
	if len(list(store.LedgerQuery{Scope: account.Scope{District: "d2"}})) != 0 || len(list(store.LedgerQuery{Kind: supply.LateRequest})) != 0 ||
		len(list(store.LedgerQuery{Scope: account.Scope{District: "d1"}, Kind: supply.LateDecision, Request: "R1", Account: "A1", State: "open"})) != 1 {
		w.Error("filters")
	}
	save := func(to, was supply.EntryState) (ok bool) {
		w.update(func(tx *store.Tx) error {
			e, err := tx.LedgerEntry(w.ctx, all[0].ID)
			if err != nil || e == nil {
				w.Fatalf("%v, %v", e, err)
			}
			e.State, e.Detail.Appeal, e.Detail.AppealedAt = to, "不", start.Add(time.Hour)
			ok, err = tx.SaveLedger(w.ctx, *e, was)
			return err
		})
		return ok
	}
	if save(supply.EntryStruck, supply.EntryAppealed) || !save(supply.EntryAppealed, supply.EntryOpen) || save(supply.EntryAppealed, supply.EntryOpen) {
		w.Error("appeals")
	}
	if now := list(store.LedgerQuery{State: "appealed"}); len(now) != 1 || now[0].Detail.Appeal != "不" || !now[0].Detail.Due.Equal(start) || !now[0].Detail.AppealedAt.Equal(start.Add(time.Hour)) {
		w.Errorf("appealed %+v", now)
	}
	holders(w, "A1 one closed", "A2 two closed", "A0 one closed")
	for name, c := range map[string]struct {
		q    store.LedgerQuery
		want int
	}{
		"about a rank":                       {store.LedgerQuery{Of: []account.Rank{account.Municipal2, account.District2}}, 1},
		"about another rank":                 {store.LedgerQuery{Of: []account.Rank{account.District1}}, 0},
		"not about one's own account":        {store.LedgerQuery{NotBy: []string{"A9", "A1"}}, 0},
		"not about the same person's":        {store.LedgerQuery{NotFor: "A0"}, 0},
		"about another person":               {store.LedgerQuery{NotFor: "A2", NotBy: []string{"A2"}}, 1},
		"about anybody but an unknown one's": {store.LedgerQuery{NotFor: "A7"}, 1},
	} {
		if n := len(list(c.q)); n != c.want {
			w.Errorf("%s: %d, want %d", name, n, c.want)
		}
	}
}

// A plan never takes a number from somebody: what is taken stays, lets nobody else in, and is named.
func planSlots(w *world) {
	busy, free := w.slot("h1", 0, 9, 5), w.slot("h1", 0, 10, 5)
	l := w.lane()
	for _, who := range []string{"ann", "bea", "cat"} {
		w.ask(l, w.book(who, busy, "SI-01"), "")
	}
	plan := func(idle bool, steps ...supply.Step) (changed, over []store.SlotState) {
		w.update(func(tx *store.Tx) (err error) {
			changed, over, err = tx.PlanSlots(w.ctx, steps, idle, nil)
			return err
		})
		return changed, over
	}
	step := func(s booking.Slot, capacity int, closed bool) supply.Step {
		s.Capacity, s.OnSite, s.Closed, s.Release = capacity, 1, closed, release.Add(time.Hour)
		return supply.Step{Slot: s}
	}
	if changed, over := plan(true, step(busy, 9, false), step(free, 9, false)); len(changed) != 1 || changed[0].SlotID != free.ID || len(over) != 0 {
		w.Errorf("idle: %+v, %+v", changed, over)
	}
	now := w.live(busy, free)
	if b, f := now[busy.ID], now[free.ID]; b.Capacity != 5 || !b.Release.Equal(release) || f.Capacity != 9 || f.OnSite != 1 || !f.Release.Equal(release.Add(time.Hour)) || f.Revision == 0 {
		w.Errorf("idle: %+v, %+v", b, f)
	}
	changed, over := plan(false, step(busy, 1, false), step(free, 0, true))
	if len(changed) != 2 || len(over) != 1 || over[0].SlotID != busy.ID || over[0].Taken != 3 {
		w.Errorf("cut: %+v, %+v", changed, over)
	}
	now = w.live(busy, free)
	if b, f := now[busy.ID], now[free.ID]; b.Capacity != 3 || b.Taken != 3 || !b.Release.Equal(release) || !f.Closed || f.Capacity != 0 {
		w.Errorf("cut: %+v, %+v", b, f)
	}
	w.ask(l, w.book("dan", busy, "SI-01"), "sold_out")
	if _, over := plan(false, step(busy, 0, true)); len(over) != 1 || !w.live(busy)[busy.ID].Closed {
		w.Errorf("closed: %+v", over)
	}
	w.view(func(tx *store.Tx) error {
		held, err := tx.HeldIn(w.ctx, [][2]string{{busy.HallID, busy.ID}})
		if len(held) != 3 || held[0].Units != 1 || held[0].ID < held[2].ID {
			w.Errorf("held %+v", held)
		}
		hours, err2 := tx.TakenByHour(w.ctx, busy.HallID, busy.QueueID, day)
		if hours[9] != 3 || hours[10] != 0 {
			w.Errorf("by hour %v", hours)
		}
		return errors.Join(err, err2)
	})
}

// What was completed is kept by day; saved again it is replaced.
func completed(w *world) {
	list := []store.Completed{{HallID: "h1", QueueID: "q1", Date: day, N: 10, Source: "tickets"}, {HallID: "h1", QueueID: "q1", Date: day + 1, N: 20, Source: "tickets"}, {HallID: "h1", QueueID: "q2", Date: day, N: 30, Source: "filed"}}
	w.update(func(tx *store.Tx) error { return tx.SaveCompleted(w.ctx, list) })
	list[1].N = 25
	w.update(func(tx *store.Tx) error { return tx.SaveCompleted(w.ctx, list[1:2]) })
	w.view(func(tx *store.Tx) error {
		got, err := tx.CompletedOf(w.ctx, "h1", "q1", day, day+2)
		same(w, "completed", got, list[:2])
		before, err2 := tx.CompletedOf(w.ctx, "h1", "q1", day, day+1)
		same(w, "completed before a date", before, list[:1])
		return errors.Join(err, err2)
	})
}
