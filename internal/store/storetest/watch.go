package storetest

import (
	"fmt"
	"slices"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// anomalies holds that of one thing one anomaly stands, that a change of an older version writes nothing, and in which
// order they wait (Art. 22).
func anomalies(w *world) {
	saveCity(w)
	cal, err := calendar.New(nil, map[int]calendar.YearStatus{2026: calendar.Official})
	if err != nil {
		w.Fatal(err)
	}
	find := func(hall string, kind oversight.AnomalyKind, queue string) oversight.Finding {
		return oversight.Finding{Kind: kind, HallID: hall, QueueID: queue, Hour: -1, Date: day, Seen: 56, Of: 112, Low: 2, High: 20}
	}
	add := func(a oversight.Anomaly, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			added, err := tx.AddAnomaly(w.ctx, a)
			if added != want {
				w.Errorf("anomaly %s added: %t", a.ID, added)
			}
			return err
		})
	}
	save := func(a oversight.Anomaly, was int, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			saved, err := tx.SaveAnomaly(w.ctx, a, was)
			if saved != want {
				w.Errorf("anomaly %s saved over version %d: %t", a.ID, was, saved)
			}
			return err
		})
	}
	read := func(id string) (a *oversight.Anomaly) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			a, err = tx.Anomaly(w.ctx, id)
			return err
		})
		return a
	}
	made := func(id string, f oversight.Finding, by account.Rank) oversight.Anomaly {
		a := oversight.NewAnomaly(id, f, by, w.now(), cal, 2)
		a.NextAt = a.NextAt.UTC() // as it is read
		return a
	}
	one := made("N1", find("h1", oversight.AnomalyNoShows, ""), account.District2)
	add(one, true)
	again := one
	again.ID = "N2"
	add(again, false)
	if read("N2") != nil {
		w.Error("a second anomaly of one thing is there")
	}
	same(w, "read again", read("N1"), &one)
	w.pass(time.Hour)
	queue := made("N3", find("h1", oversight.AnomalyNoShows, "h1-general"), account.District2)
	add(queue, true)
	silent := find("h1", oversight.AnomalySilence, "")
	silent.SourceID = "S1"
	system := made("N4", silent, account.Municipal2)
	add(system, true)
	w.pass(time.Hour)
	other := made("N5", find("h2", oversight.AnomalyCut, ""), account.District2)
	add(other, true)

	taken := one.Acknowledge("A1", w.now())
	save(taken, 7, false)
	same(w, "saved over another version", read("N1"), &one)
	save(taken, 1, true)
	same(w, "taken up", read("N1"), &taken)
	acted, refused := taken.Act("A2", "R1", w.now())
	if refused != nil {
		w.Fatal(refused)
	}
	save(acted, 2, true)
	quiet := acted.Quiet(w.now())
	save(quiet, 3, true)
	same(w, "over by itself", read("N1"), &quiet)

	list := func(q store.AnomalyQuery) (ids []string) {
		w.Helper()
		if q.Limit == 0 {
			q.Limit = 10
		}
		w.view(func(tx *store.Tx) error {
			list, all, err := tx.Anomalies(w.ctx, q)
			if want := len(list) + q.Offset; q.Limit == 10 && all != want {
				w.Errorf("%+v: %d of %d", q, len(list), all)
			}
			ids = nil
			for _, a := range list {
				ids = append(ids, a.ID)
			}
			return err
		})
		return ids
	}
	closed := queue
	closed.ClosedBy, closed.ClosedAt, closed.Reason, closed.Why, closed.Version = "A1", w.now(), oversight.FalseAlarm, "节前", 2
	save(closed, 1, true)
	same(w, "closed", read("N3"), &closed)
	district := account.Scope{District: "440103000000"}
	for what, c := range map[string]struct {
		q    store.AnomalyQuery
		want []string
	}{
		"all, those nobody took up first": {store.AnomalyQuery{}, []string{"N5", "N4", "N1", "N3"}},
		"a page of them":                  {store.AnomalyQuery{Offset: 1, Limit: 2}, []string{"N4", "N1"}},
		"to be closed":                    {store.AnomalyQuery{Open: true}, []string{"N5", "N4", "N1"}},
		"of a kind":                       {store.AnomalyQuery{Kind: oversight.AnomalyNoShows}, []string{"N1", "N3"}},
		"acted on":                        {store.AnomalyQuery{Stage: oversight.StageActed}, []string{"N1"}},
		"of a hall":                       {store.AnomalyQuery{Hall: "h2"}, []string{"N5"}},
		"of a hall by its place":          {store.AnomalyQuery{Under: store.Under{Hall: "h2"}}, []string{"N5"}},
		"below a district":                {store.AnomalyQuery{Under: store.Under{Unit: "440103000000"}}, []string{"N5", "N4", "N1", "N3"}},
		"below another":                   {store.AnomalyQuery{Under: store.Under{Unit: "440104000000"}}, nil},
		"of no hall":                      {store.AnomalyQuery{Scope: account.Scope{None: true}}, nil},
		"of street halls":                 {store.AnomalyQuery{Scope: account.Scope{Levels: []directory.HallLevel{directory.StreetHall}}}, []string{"N5"}},
		"of another street":               {store.AnomalyQuery{Scope: account.Scope{Street: "t"}}, nil},
		"of a district that has one hall": {store.AnomalyQuery{Scope: district}, []string{"N4", "N1", "N3"}},
		"seen first since":                {store.AnomalyQuery{From: other.Since}, []string{"N5"}},
	} {
		if got := list(c.q); !slices.Equal(got, c.want) {
			w.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
	w.view(func(tx *store.Tx) error {
		for _, c := range []struct {
			scope           account.Scope
			from            time.Time
			closed, nothing int
		}{{account.Scope{}, w.now(), 1, 1}, {account.Scope{}, w.now().Add(time.Microsecond), 0, 0}, {account.Scope{Levels: []directory.HallLevel{directory.StreetHall}}, w.now(), 0, 0}} {
			if closed, nothing, err := tx.ClosedAnomalies(w.ctx, c.scope, c.from); closed != c.closed || nothing != c.nothing || err != nil {
				w.Errorf("closed: %d, for nothing %d, %v; want %+v", closed, nothing, err, c)
			}
		}
		return nil
	})

	// Once it is closed, another of the same may stand; the one closed before it is not the last any more.
	w.pass(time.Hour)
	next := made("N6", find("h1", oversight.AnomalyNoShows, "h1-general"), account.District2)
	last := func() (ids []string) {
		w.Helper()
		w.view(func(tx *store.Tx) error {
			list, err := tx.LastAnomalies(w.ctx, "h1")
			ids = nil
			for _, a := range list {
				ids = append(ids, a.ID)
			}
			return err
		})
		return ids
	}
	same(w, "last, one of them closed", last(), []string{"N1", "N3", "N4"})
	add(next, true)
	same(w, "last, one stands again", last(), []string{"N1", "N4", "N6"})
	next.ClosedBy, next.ClosedAt, next.Reason, next.Version = "A1", w.now(), oversight.Corrected, 2
	save(next, 1, true)
	same(w, "last, closed twice", last(), []string{"N1", "N4", "N6"})
}

// watched holds up to when halls were looked at, and in whose hands their days were: the later one stands.
func watched(w *world) {
	put := func(h store.HallWatch) {
		w.Helper()
		w.update(func(tx *store.Tx) error { return tx.SaveHallWatch(w.ctx, h) })
	}
	first := store.HallWatch{HallID: "h1", Date: day, Hour: 9}
	city := store.HallWatch{Date: day, Hour: 11, Settled: day - 1}
	put(store.HallWatch{HallID: "h1", Date: day - 1, Hour: 17, Settled: day - 2})
	put(first)
	put(city)
	w.view(func(tx *store.Tx) error {
		got, err := tx.HallWatches(w.ctx)
		same(w, "looked at", got, map[string]store.HallWatch{"h1": first, "": city})
		return err
	})
	hands := oversight.Hands{Bookings: 40, Accounts: 12, Top: 20, Given: 5, Regrab: 3}
	w.update(func(tx *store.Tx) error {
		for d := range calendar.Date(4) {
			if err := tx.SaveHands(w.ctx, "h1", day+d, oversight.Hands{Bookings: int64(d)}); err != nil {
				return err
			}
		}
		if err := tx.SaveHands(w.ctx, "h2", day+1, oversight.Hands{Bookings: 9}); err != nil {
			return err
		}
		return tx.SaveHands(w.ctx, "h1", day+1, hands)
	})
	w.view(func(tx *store.Tx) error {
		got, err := tx.HandsOf(w.ctx, "h1", day+1, day+2)
		same(w, "hands", got, map[calendar.Date]oversight.Hands{day + 1: hands, day + 2: {Bookings: 2}})
		return err
	})
}

// hands holds what is counted of whose hands a day's numbers are in: what stands, by account and without organisations,
// what was given up, and which places somebody took again soon after.
func hands(w *world) {
	l := w.lane()
	narrow, wide, far := w.slot("h1", 0, 9, 1), w.slot("h1", 0, 10, 9), w.slot("h2", 0, 11, 1)
	tomorrow := w.slot("h1", 1, 9, 9)
	book := func(who, applicant, item string, s booking.Slot) booking.Booking {
		w.Helper()
		r := w.book(who, s, item)
		if applicant != who {
			r.Applicant, r.For = booking.Other, identity.Key(applicant)
		}
		return w.ask(l, r, "").Booking
	}
	over := func(what, hall string, within time.Duration, want ...oversight.Handover) {
		w.Helper()
		w.view(func(tx *store.Tx) error {
			got, err := tx.Handovers(w.ctx, hall, day, day, within)
			if !slices.Equal(got[day], want) {
				w.Errorf("%s: %+v, want %+v", what, got, want)
			}
			return err
		})
	}
	held := func(what, hall string, given int64, want ...int64) {
		w.Helper()
		w.view(func(tx *store.Tx) error {
			got, err := tx.HeldBetween(w.ctx, hall, day, day)
			each := got[day].Each
			if slices.Sort(each); !slices.Equal(each, want) || got[day].Given != given || len(got) > 1 {
				w.Errorf("%s: %+v; want %v, given up %d", what, got, want, given)
			}
			return err
		})
	}
	held("nothing booked", "h1", 0)
	first := book("ann", "bob", "i", narrow)
	book("ann", "ann", "j", wide)
	book("cid", "cid", "i", wide)
	book("ann", "ann", "k", tomorrow)
	firm := w.book("eve", wide, "f")
	firm.Applicant, firm.For = booking.Organisation, "firm"
	w.ask(l, firm, "")
	held("another day and an organisation beside", "h1", 0, 1, 2)
	over("nothing given up", "h1", time.Hour)

	w.pass(time.Minute)
	w.ask(l, w.cancel(first), "")
	w.pass(10 * time.Minute)
	second := book("dan", "bob", "i", narrow)
	taken := oversight.Handover{Given: first.ID, Taken: second.ID, Giver: "ann", Taker: "dan", GiverApplicant: "bob", TakerApplicant: "bob"}
	over("at the last instant", "h1", 10*time.Minute, taken)
	over("an instant too late", "h1", 10*time.Minute-time.Microsecond)
	held("given up and taken", "h1", 1, 1, 1, 1)

	// A number moved away is none given up; that somebody took it stays so, whatever became of it.
	w.pass(time.Minute)
	w.ask(l, w.move(second, far), "")
	over("taken, and moved on", "h1", 10*time.Minute, taken)
	third := book("fay", "fay", "i", narrow)
	over("taken by the next, too late", "h1", 10*time.Minute, taken)
	later := oversight.Handover{Given: first.ID, Taken: third.ID, Giver: "ann", Taker: "fay", GiverApplicant: "bob", TakerApplicant: "fay"}
	over("two who took it one after the other", "h1", 11*time.Minute, taken, later)
	over("moved to", "h2", 10*time.Minute)
	held("moved away", "h1", 1, 1, 1, 1)
	held("moved to", "h2", 0, 1)
	w.view(func(tx *store.Tx) error {
		got, err := tx.HeldBetween(w.ctx, "h1", day, day+1)
		if len(got) != 2 || len(got[day].Each) != 3 || !slices.Equal(got[day+1].Each, []int64{1}) {
			w.Errorf("held on two days: %+v", got)
		}
		if err != nil {
			return err
		}
		overs, err := tx.Handovers(w.ctx, "h1", day-1, day+1, 11*time.Minute)
		if len(overs) != 1 || !slices.Equal(overs[day], []oversight.Handover{taken, later}) {
			w.Errorf("given up and taken on three days: %+v", overs)
		}
		return err
	})
	w.healthy()
}

// advised holds that one card of a kind is open for a queue, and in which order cards come (Art. 22).
func advised(w *world) {
	saveCity(w)
	card := func(id, hall string, kind oversight.AdviceKind) oversight.AdviceCard {
		return oversight.AdviceCard{
			Advice: oversight.Advice{
				Kind: kind, HallID: hall, QueueID: hall + "-general", Before: oversight.Played{Served: 10, Left: 9}, After: oversight.Played{Served: 19, Idle: 1, By: day + 3},
				Changes: []supply.Change{{Kind: supply.Extend, From: day, To: day + 1, Hours: calendar.HoursOf(17), PerHour: 3}},
			},
			ID: id, State: oversight.AdviceOpen, MadeAt: w.now(), Until: day + 14, Version: 1,
		}
	}
	add := func(c oversight.AdviceCard, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			added, err := tx.AddAdvice(w.ctx, c)
			if added != want {
				w.Errorf("card %s added: %t", c.ID, added)
			}
			return err
		})
	}
	save := func(c oversight.AdviceCard, was int, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			saved, err := tx.SaveAdvice(w.ctx, c, was)
			if saved != want {
				w.Errorf("card %s saved over version %d: %t", c.ID, was, saved)
			}
			return err
		})
	}
	read := func(id string) (c *oversight.AdviceCard) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			c, err = tx.AdviceCard(w.ctx, id)
			return err
		})
		return c
	}
	one := card("V1", "h1", oversight.AdviseHours)
	add(one, true)
	add(card("V2", "h1", oversight.AdviseHours), false)
	if read("V2") != nil {
		w.Error("a second open card of a kind is there")
	}
	same(w, "read again", read("V1"), &one)
	add(card("V3", "h1", oversight.AdviseMove), true)
	w.pass(time.Hour)
	add(card("V4", "h2", oversight.AdviseHours), true)

	w.pass(time.Minute)
	followed := one
	followed.State, followed.By, followed.At, followed.Request, followed.Until, followed.Version = oversight.AdviceFollowed, "A1", w.now(), "R1", day+7, 2
	save(followed, 2, false)
	same(w, "saved over another version", read("V1"), &one)
	save(followed, 1, true)
	same(w, "followed", read("V1"), &followed)
	add(card("V5", "h1", oversight.AdviseHours), true)
	for what, c := range map[string]struct {
		q    store.AdviceQuery
		want string
		all  int
	}{
		"all, the open ones first": {store.AdviceQuery{Limit: 9}, "[V5 V4 V3 V1]", 4},
		"the first two":            {store.AdviceQuery{Limit: 2}, "[V5 V4]", 4},
		"open":                     {store.AdviceQuery{Open: true, Limit: 9}, "[V5 V4 V3]", 3},
		"of a hall":                {store.AdviceQuery{Hall: "h1", Limit: 9}, "[V5 V3 V1]", 3},
		"of street halls":          {store.AdviceQuery{Scope: account.Scope{Levels: []directory.HallLevel{directory.StreetHall}}, Limit: 9}, "[V4]", 1},
		"of no hall":               {store.AdviceQuery{Scope: account.Scope{None: true}, Limit: 9}, "[]", 0},
	} {
		w.view(func(tx *store.Tx) error {
			list, all, err := tx.AdviceCards(w.ctx, c.q)
			ids := []string{}
			for _, one := range list {
				ids = append(ids, one.ID)
			}
			if fmt.Sprint(ids) != c.want || all != c.all {
				w.Errorf("%s: %v of %d, want %s of %d", what, ids, all, c.want, c.all)
			}
			return err
		})
	}
}

// exports holds that a file ends once, by whoever was first, and is its account's alone.
func exports(w *world) {
	add := func(e store.Export, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			added, err := tx.AddExport(w.ctx, e)
			if added != want {
				w.Errorf("file %s added: %t", e.ID, added)
			}
			return err
		})
	}
	does := func(what string, want bool, act func(tx *store.Tx) (bool, error)) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			done, err := act(tx)
			if done != want {
				w.Errorf("%s: %t", what, done)
			}
			return err
		})
	}
	tell := func(id string, written, bytes int64, want bool) {
		w.Helper()
		does(fmt.Sprintf("%s told of %d rows", id, written), want, func(tx *store.Tx) (bool, error) { return tx.TellExport(w.ctx, id, written, bytes) })
	}
	cancel := func(who, id string, want bool) {
		w.Helper()
		does(id+" cancelled by "+who, want, func(tx *store.Tx) (bool, error) { return tx.CancelExport(w.ctx, who, id) })
	}
	end := func(e store.Export, want bool) {
		w.Helper()
		does(e.ID+" ended", want, func(tx *store.Tx) (bool, error) { return tx.EndExport(w.ctx, e) })
	}
	read := func(id string) (e *store.Export) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			e, err = tx.Export(w.ctx, id)
			return err
		})
		return e
	}
	of := func(who string, limit int, want ...string) {
		w.Helper()
		w.view(func(tx *store.Tx) error {
			list, err := tx.ExportsOf(w.ctx, who, limit)
			var ids []string
			for _, e := range list {
				ids = append(ids, e.ID)
			}
			if !slices.Equal(ids, want) {
				w.Errorf("files of %s: %v, want %v", who, ids, want)
			}
			return err
		})
	}
	began := w.now()
	x := store.Export{ID: "x1", Account: "A1", Noun: "ledger", Hall: "h1", Format: "csv", Counted: 9}
	add(x, true)
	add(store.Export{ID: "x1", Account: "B1", Noun: "log", Format: "xlsx"}, false)
	x.State, x.Began, x.Told = store.ExportRunning, began, began
	same(w, "begun", read("x1"), &x)
	if read("gone") != nil {
		w.Error("a file that never began is there")
	}
	w.pass(time.Second)
	tell("x1", 4, 400, true)
	x.Written, x.Bytes, x.Told = 4, 400, w.now()
	same(w, "on its way", read("x1"), &x)
	w.pass(time.Second)
	whole := x
	whole.State, whole.Written, whole.Bytes, whole.Digest = store.ExportWhole, 9, 900, "abc"
	end(whole, true)
	whole.Told, whole.Ended = w.now(), w.now()
	w.pass(time.Second)
	broken := whole
	broken.State, broken.Code = store.ExportBroken, "internal"
	end(broken, false)
	tell("x1", 10, 1000, false)
	cancel("A1", "x1", false)
	same(w, "whole for good", read("x1"), &whole)

	add(store.Export{ID: "x2", Account: "A1", Noun: "log", Format: "xlsx"}, true)
	cancel("B1", "x2", false)
	cancel("A1", "x2", true)
	tell("x2", 1, 1, false)
	whole.ID = "x2"
	end(whole, false)
	if got := read("x2"); got.State != store.ExportCancelled || got.Written != 0 || !got.Ended.Equal(w.now()) {
		w.Errorf("cancelled: %+v", got)
	}
	w.pass(time.Second)
	add(store.Export{ID: "x3", Account: "A1", Noun: "log", Format: "csv"}, true)
	add(store.Export{ID: "x4", Account: "B1", Noun: "log", Format: "csv"}, true)
	of("A1", 9, "x3", "x2", "x1")
	of("A1", 2, "x3", "x2")
	of("B1", 9, "x4")
	of("C1", 9)

	told := whole.Told
	drop := func(before time.Time, want map[string]int) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			got, err := tx.DropLogs(w.ctx, before)
			if err == nil {
				same(w, "dropped", got, want)
			}
			return err
		})
	}
	drop(began, map[string]int{})
	drop(told, map[string]int{}) // it began before, and was written until then
	of("A1", 9, "x3", "x2", "x1")
	drop(told.Add(time.Microsecond), map[string]int{store.LogFile: 1})
	of("A1", 9, "x3", "x2")
}

// logsDropped holds that sign-ins go after their end and not before, and that what went is told by day.
func logsDropped(w *world) {
	at := w.now()
	for i, ends := range []time.Time{at, at.Add(time.Hour), at.Add(2 * time.Hour)} {
		id := string(rune('a' + i))
		w.update(func(tx *store.Tx) error {
			return tx.AddAdminSession(w.ctx, store.AdminSession{TokenHash: id, ID: id, Account: "A1", CreatedAt: at.Add(-time.Hour), SeenAt: at, ProvedAt: at, ExpiresAt: ends, Origin: "10.0.0"})
		})
	}
	drop := func(before time.Time, n int) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			counts, err := tx.DropLogs(w.ctx, before)
			if err != nil || counts[store.LogSignIn] != n {
				w.Errorf("dropped before %s: %v, %v, want %d", before, counts, err, n)
			}
			return tx.AddLogDropped(w.ctx, store.LogDropped{Date: calendar.DateOf(at), Noun: store.LogSignIn, Rows: n, Before: before})
		})
	}
	drop(at, 0)
	drop(at.Add(time.Hour), 1)
	drop(at.Add(time.Hour), 0)
	drop(at.Add(90*time.Minute), 1)
	w.update(func(tx *store.Tx) error {
		return tx.AddLogDropped(w.ctx, store.LogDropped{Date: calendar.DateOf(at) + 1, Noun: store.LogFile, Rows: 4, Before: at})
	})
	w.view(func(tx *store.Tx) error {
		sessions, err := tx.AdminSessions(w.ctx, "A1")
		if err != nil || len(sessions) != 1 || sessions[0].ID != "c" {
			w.Errorf("left are %+v: %v", sessions, err)
		}
		list, err := tx.LogsDropped(w.ctx, 9)
		same(w, "told", list, []store.LogDropped{
			{Date: calendar.DateOf(at) + 1, Noun: store.LogFile, Rows: 4, Before: at}, {Date: calendar.DateOf(at), Noun: store.LogSignIn, Rows: 2, Before: at.Add(90 * time.Minute)},
		})
		return err
	})
}
