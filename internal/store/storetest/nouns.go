package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
)

var nouns = []testCase{
	{"directory_comes_back_as_it_was_saved", directoryRoundTrip},
	{"directory_entry_closed_and_opened_again", directoryClose},
	{"directory_versions", directoryVersions},
	{"directory_of_some_halls", directoryPart},
	{"files_wait_one_an_account", uploads},
	{"text_sorts_in_byte_order", byteOrder},
	{"calendar_and_rulebooks", calendarRoundTrip},
	{"slots_are_added_once", slotsOnce},
	{"news_of_other_lanes", news},
	{"Art18_appeals", appeals},
	{"draws", draws},
	{"draw_entries", drawEntries},
	{"Art16_alerts", alerts},
	{"Art16_a_line_counts_units", waitingUnits},
	{"Art21_sources", connected},
	{"client_keys", clientKeys},
	{"Art21_bulletins", bulletins},
	{"Art22_letters", letters},
	{"Art22_announcements", announced},
	{"Art22_anomalies", anomalies},
	{"Art22_halls_looked_at", watched},
	{"Art22_in_whose_hands", hands},
	{"Art22_advice", advised},
	{"files_taken_away", exports},
	{"evaluations", evaluations},
	{"who_came_on_a_day_is_forgotten", forgetDay},
	{"session", sessions},
	{"one_time_codes", codes},
	{"calendar_feeds", calendarFeeds},
	{"webhooks", webhooks},
	{"feeds_kept", feedsKept},
	{"kept_people", kept},
	{"lease_is_lost_when_it_is_over", leaseLoss},
	{"counter_blocks_never_overlap", counterBlocks},
	{"messages", messages},
	{"parts of messages", parts},
	{"messages_are_claimed_once", messageClaims},
	{"costs_of_messages", smsCosts},
	{"limits_of_a_phone", smsPhones},
	{"limits_of_a_phone_at_once", smsPhoneRace},
	{"pages_of_bookings", bookingPages},
	{"reminders", reminders},
	{"requests", requests},
	{"officers", officers},
	{"unreported", unreported},
	{"adjustments_lie_in_order", adjustments},
	{"ledger_enters_once", ledger},
	{"plan_takes_from_nobody", planSlots},
	{"completed_business", completed},
	{"audit_records_are_a_tree", auditTree},
	{"audit_records_are_found", auditFind},
	{"checkpoints", checkpoints},
	{"keys_of_acts", actKeys},
	{"accounts", accounts},
	{"accounts_are_listed_within_a_scope", accountLists},
	{"one_time_links", oneTimeLinks},
	{"floor_of_a_day", floors},
	{"settings_of_a_floor", floorSettings},
	{"tickets", tickets},
	{"seats", seats},
	{"acts_at_a_hall", floorActs},
	{"bookings_at_the_hall", atHall},
	{"devices", devices},
	{"prints", prints},
	{"passkeys", passkeys},
	{"tokens_for_programs", apiTokens},
	{"filings", filings},
	{"themes", themes},
	{"Art20_cases", oneThingCases},
	{"open_days", openDays},
	{"changes_of_numbers", numberChanges},
	{"edits_in_order", editsInOrder},
	{"logs_dropped", logsDropped},
	{"Art16_alerts_walked", alertsWalked},
	{"Art21_figures", figures},
	{"Art21_days_to_count_again", marks},
}

func same(w *world, what string, got, want any) {
	w.Helper()
	if !reflect.DeepEqual(got, want) {
		w.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func city() ([]directory.Unit, []directory.Hall, []directory.Queue, []directory.Item, []directory.Offering) {
	units := []directory.Unit{
		{ID: "440100000000", Kind: directory.Platform, Name: directory.Text{Hans: "广州市", Hant: "廣州市", En: "Guangzhou"}},
		{ID: "440103000000", ParentID: "440100000000", Kind: directory.District, Name: directory.Text{Hans: "荔湾区"}},
	}
	halls := []directory.Hall{
		{ID: "h1", Number: 1, UnitID: "440103000000", Level: directory.DistrictHall, Name: directory.Text{Hans: "大厅", Hant: "大廳"}, Initials: "dt",
			DistrictID: "440103000000", Address: directory.Text{Hans: `中山路1号 "A" \ B`}, Phone: "020-1", Latitude: 23.125, Longitude: 113.25, Open: true},
		{ID: "h2", Number: 2, UnitID: "440103000000", ParentHall: "h1", Level: directory.StreetHall, StreetID: "s", Notice: directory.Text{Hans: "今日"}},
	}
	queues := []directory.Queue{{
		ID: "h1-general", HallID: "h1", Line: "general", Name: directory.Text{Hans: "综合"},
		Week:     calendar.Week{Work: calendar.HoursOf(9, 10, 14), Saturday: calendar.HoursOf(9)},
		Closures: []calendar.Rule{{Kind: calendar.NthWorkingDay, N: 1, Half: calendar.Morning}}, DailyAverage: 40, AverageSource: "filed", OnSitePerMille: 100,
		GrandfatheredHorizon: 30, Open: true,
	}}
	items := []directory.Item{{
		Code: "SI-01", Department: "440100000000", Category: "social", Line: "social", Name: directory.Text{Hans: "社保登记"}, Keywords: []string{"社保", "五险"},
		Stages: directory.Stages{directory.Consultation, directory.Acceptance}, Materials: []directory.Text{{Hans: "身份证"}}, Foreigner: true, Minutes: 15,
		Levels: []directory.HallLevel{directory.DistrictHall},
	}}
	offerings := []directory.Offering{{HallID: "h1", QueueID: "h1-general", ItemCode: "SI-01", Stages: directory.Stages{directory.Acceptance, directory.Collection}, BatchMax: 5}}
	return units, halls, queues, items, offerings
}

func saveCity(w *world) {
	w.Helper()
	units, halls, queues, items, offerings := city()
	w.update(func(tx *store.Tx) error {
		return errors.Join(tx.SaveUnits(w.ctx, units), tx.SaveHalls(w.ctx, halls), tx.SaveQueues(w.ctx, queues),
			tx.SaveItems(w.ctx, items), tx.SaveOfferings(w.ctx, offerings))
	})
}

func readCity(w *world) *store.Directory {
	w.Helper()
	var d *store.Directory
	w.view(func(tx *store.Tx) (err error) {
		d, err = tx.Directory(w.ctx)
		return err
	})
	return d
}

func directoryRoundTrip(w *world) {
	saveCity(w)
	saveCity(w) // a second import changes nothing
	units, halls, queues, items, offerings := city()
	same(w, "directory", readCity(w), &store.Directory{
		Units: units, Halls: halls, Queues: queues, Items: items, Offerings: offerings, Closed: map[string]bool{"hall h2": true},
	})
	halls[0].Phone, halls[0].Number = "020-2", 99
	w.update(func(tx *store.Tx) error { return tx.SaveHalls(w.ctx, halls) })
	if h := readCity(w).Halls[0]; h.Phone != "020-2" || h.Number != 1 {
		w.Errorf("saved again: phone %q, number %d; want the new phone and the number it always had", h.Phone, h.Number)
	}
}

func directoryClose(w *world) {
	saveCity(w)
	all := map[string][]string{store.Units: {"440103000000"}, store.Halls: {"h1"}, store.Queues: {"h1-general"}, store.Items: {"SI-01"}, store.Offerings: {"h1", "SI-01", "h1-general"}}
	w.update(func(tx *store.Tx) error {
		for noun, key := range all {
			if err := tx.Close(w.ctx, noun, [][]string{key}); err != nil {
				return err
			}
		}
		return nil
	})
	want := map[string]bool{
		"unit 440103000000": true, "hall h1": true, "hall h2": true, "queue h1-general": true, "item SI-01": true, "offering h1 SI-01 h1-general": true,
	}
	d := readCity(w)
	same(w, "closed", d.Closed, want)
	if len(d.Units) != 2 || d.Halls[0].Open || d.Queues[0].Open {
		w.Error("what is closed must stay, and not be open")
	}
	saveCity(w)
	same(w, "closed after it was saved again", readCity(w).Closed, map[string]bool{"hall h2": true})
}

func byteOrder(w *world) {
	ids := []string{"é", "B", "a", "_", "Z-1", "Z", "中", "-", "0", "A"}
	var items []directory.Item
	for _, id := range ids {
		items = append(items, directory.Item{Code: id})
	}
	w.update(func(tx *store.Tx) error { return tx.SaveItems(w.ctx, items) })
	var got []string
	for _, i := range readCity(w).Items {
		got = append(got, i.Code)
	}
	slices.Sort(ids)
	same(w, "order", got, ids)
}

func calendarRoundTrip(w *world) {
	days := []calendar.Day{
		{Date: calendar.MakeDate(2026, time.October, 1), Kind: calendar.Off, Festival: "国庆节"},
		{Date: calendar.MakeDate(2026, time.October, 10), Kind: calendar.Work, Festival: "国庆节"},
		{Date: calendar.MakeDate(2027, time.January, 1), Kind: calendar.Off, Festival: "元旦"},
	}
	years := map[int]calendar.YearStatus{2026: calendar.Official, 2027: calendar.Provisional}
	rules := []rulebook.Rulebook{rulebook.Trial2022(), rulebook.Continued2025()}
	w.update(func(tx *store.Tx) error {
		return errors.Join(tx.SaveCalendar(w.ctx, days, years), tx.SaveRulebook(w.ctx, rules[1]), tx.SaveRulebook(w.ctx, rules[0]))
	})
	read := func() (d []calendar.Day, y map[int]calendar.YearStatus, r []rulebook.Rulebook) {
		w.view(func(tx *store.Tx) (err error) {
			if d, y, err = tx.Calendar(w.ctx); err != nil {
				return err
			}
			r, err = tx.Rulebooks(w.ctx)
			return err
		})
		return d, y, r
	}
	d, y, r := read()
	same(w, "days", d, days)
	same(w, "years", y, years)
	same(w, "rulebooks", r, rules)

	days = []calendar.Day{days[0], {Date: calendar.MakeDate(2027, time.February, 6), Kind: calendar.Off, Festival: "春节"}}
	years = map[int]calendar.YearStatus{2027: calendar.Official}
	w.update(func(tx *store.Tx) error { return tx.SaveCalendar(w.ctx, days[1:], years) })
	d, y, _ = read()
	if len(d) != 3 || d[2] != days[1] || y[2027] != calendar.Official || y[2026] != calendar.Official {
		w.Errorf("a new notice must replace its own year only: %v %v", d, y)
	}
}

func slotsOnce(w *world) {
	list := []booking.Slot{slotOf("h2", 0, 9, 3), slotOf("h1", 1, 10, 4), slotOf("h1", 0, 9, 5)}
	list[0].OnSite, list[0].Closed = 1, true
	add := func(list ...booking.Slot) (n int) {
		w.update(func(tx *store.Tx) (err error) {
			n, err = tx.AddSlots(w.ctx, list)
			return err
		})
		return n
	}
	if n := add(list...); n != 3 {
		w.Fatalf("%d slots added, want 3", n)
	}
	changed := list[1]
	changed.Capacity = 99
	if n := add(changed, slotOf("h1", 2, 9, 1)); n != 1 {
		w.Fatalf("%d slots added, want the one that was not there", n)
	}
	var got []booking.Slot
	w.view(func(tx *store.Tx) error {
		got = nil
		return tx.SlotsFrom(w.ctx, day, func(s store.LiveSlot) {
			s.Release = s.Release.In(calendar.Zone)
			got = append(got, s.Slot)
		})
	})
	same(w, "slots by hall and id", got, []booking.Slot{list[2], list[1], slotOf("h1", 2, 9, 1), list[0]})
	w.view(func(tx *store.Tx) error {
		n, err := tx.SlotCount(w.ctx, day+1)
		same(w, "slots by date", n, map[calendar.Date]int{day + 1: 1, day + 2: 1})
		return err
	})
}

func news(w *world) {
	a, b := w.lane(), w.lane()
	_ = b
	s := w.slot("h1", 0, 9, 5)
	w.ask(a, w.book("ann", s, "SI-01"), "")
	w.ask(a, w.book("bea", s, "SI-01"), "")
	seen := map[string]int64{}
	read := func(own string) (list []store.News) {
		w.view(func(tx *store.Tx) (err error) {
			list, err = tx.NewsAfter(w.ctx, seen, map[string]bool{own: true})
			return err
		})
		return list
	}
	if got := read("test-1"); len(got) != 0 {
		w.Errorf("a node was told of its own lane: %v", got)
	}
	want := [][2]string{{s.HallID, s.ID}}
	same(w, "news", read("test-2"), []store.News{{Lane: "test-1", Seq: 1, Slots: want}, {Lane: "test-1", Seq: 2, Slots: want}})
	if again := read("test-2"); len(again) != 0 {
		w.Errorf("told twice: %v", again)
	}
	w.update(func(tx *store.Tx) error { return tx.AddNews(w.ctx, "test-2", 1, want) })
	w.pass(time.Hour)
	w.update(func(tx *store.Tx) error {
		return errors.Join(tx.TouchLanes(w.ctx, []string{"test-1"}), tx.ForgetNews(w.ctx, tx.Now.Add(-time.Minute)))
	})
	clear(seen)
	if got := read("test-9"); len(got) != 0 {
		w.Errorf("news were not forgotten: %v", got)
	}
	if _, known := seen["test-2"]; known {
		w.Error("a lane that nobody touches must be forgotten")
	}
}

func sessions(w *world) {
	at := start.UTC()
	one := store.Session{
		TokenHash: "hash-1", ID: "id-1", Person: "ann", Sealed: []byte{0, 255, 7}, Level: identity.Verified,
		CreatedAt: at, SeenAt: at, ExpiresAt: at.Add(12 * time.Hour),
	}
	two := one
	two.TokenHash, two.ID, two.CreatedAt = "hash-2", "id-2", at.Add(time.Minute)
	w.update(func(tx *store.Tx) error { return errors.Join(tx.SaveSession(w.ctx, one), tx.SaveSession(w.ctx, two)) })
	get := func(hash string) (s *store.Session) {
		w.view(func(tx *store.Tx) (err error) {
			s, err = tx.SessionByToken(w.ctx, hash)
			return err
		})
		if err := w.db.Read(w.ctx, func(tx *store.Tx) error {
			read, err := tx.SessionByToken(w.ctx, hash)
			same(w, "session outside a transaction", read, s)
			return err
		}); err != nil {
			w.Error(err)
		}
		return s
	}
	same(w, "session", get("hash-1"), &one)
	if get("hash-3") != nil {
		w.Error("a session nobody saved was found")
	}
	w.view(func(tx *store.Tx) error {
		list, err := tx.SessionsOf(w.ctx, "ann")
		same(w, "newest first", list, []store.Session{two, one})
		return err
	})
	w.update(func(tx *store.Tx) error {
		return tx.TouchSessions(w.ctx, map[string]time.Time{"hash-1": at.Add(time.Hour), "hash-2": at.Add(-time.Hour), "hash-9": at})
	})
	if s := get("hash-1"); !s.SeenAt.Equal(at.Add(time.Hour)) {
		w.Errorf("seen at %v", s.SeenAt)
	}
	if s := get("hash-2"); !s.SeenAt.Equal(at) {
		w.Error("when a session was last seen moved back")
	}

	w.pass(time.Minute)
	w.update(func(tx *store.Tx) error { return tx.EndSession(w.ctx, "id-1", "bea") })
	if s := get("hash-1"); !s.EndedAt.IsZero() {
		w.Fatal("somebody ended another's session")
	}
	w.update(func(tx *store.Tx) error { return tx.EndSession(w.ctx, "id-1", "ann") })
	ended := w.now()
	w.pass(time.Minute)
	w.update(func(tx *store.Tx) error { return tx.EndSession(w.ctx, "id-1", "ann") })
	if s := get("hash-1"); !s.EndedAt.Equal(ended) {
		w.Errorf("ended at %v, want %v: once and for all", s.EndedAt, ended)
	}
	for _, c := range []struct {
		since time.Time
		want  []string
	}{{ended, []string{"id-1"}}, {ended.Add(time.Microsecond), nil}, {time.Unix(0, 0), []string{"id-1"}}} {
		w.view(func(tx *store.Tx) error {
			list, err := tx.EndedSince(w.ctx, c.since)
			same(w, "ended since", list, c.want)
			return err
		})
	}
	w.update(func(tx *store.Tx) error {
		_, err := tx.PurgeSessions(w.ctx, ended.Add(time.Second))
		return err
	})
	if get("hash-1") != nil || get("hash-2") == nil {
		w.Error("purging must take what is over and nothing else")
	}
}

func codes(w *world) {
	const phone identity.Key = "phone"
	at := start.UTC()
	send := func(c identity.StoredCode) {
		w.update(func(tx *store.Tx) error {
			return errors.Join(tx.LockCodes(w.ctx, phone), tx.InsertCode(w.ctx, phone, c))
		})
	}
	last := func() (c identity.StoredCode) {
		w.view(func(tx *store.Tx) (err error) {
			c, err = tx.LastCode(w.ctx, phone)
			return err
		})
		return c
	}
	same(w, "no code", last(), identity.StoredCode{})
	send(identity.StoredCode{Hash: "one", Sent: at})
	send(identity.StoredCode{Hash: "two", Sent: at.Add(time.Minute)})
	same(w, "last code", last(), identity.StoredCode{Hash: "two", Sent: at.Add(time.Minute)})
	w.update(func(tx *store.Tx) error {
		return tx.UpdateCode(w.ctx, phone, identity.StoredCode{Hash: "two", Sent: at.Add(time.Minute), Wrong: 3, Used: true})
	})
	same(w, "updated code", last(), identity.StoredCode{Hash: "two", Sent: at.Add(time.Minute), Wrong: 3, Used: true})
	w.view(func(tx *store.Tx) error {
		sent, err := tx.CodesSent(w.ctx, phone, at.Add(-time.Hour))
		same(w, "sent", sent, []time.Time{at, at.Add(time.Minute)})
		return err
	})
	w.update(func(tx *store.Tx) error { return tx.ForgetCodes(w.ctx, at.Add(time.Second)) })
	if n := w.counts()["one_time_code"]; n != 2 {
		w.Errorf("%d rows left, want the newer code and its lock", n)
	}
	w.update(func(tx *store.Tx) error { return tx.ForgetCodes(w.ctx, at.Add(time.Hour)) })
	if n := w.counts()["one_time_code"]; n != 0 {
		w.Errorf("%d rows left, want none", n)
	}

	// Tries at the same time are counted one by one.
	send(identity.StoredCode{Hash: "three", Sent: at})
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			errs[i] = w.db.Update(w.ctx, func(tx *store.Tx) error {
				if err := tx.LockCodes(w.ctx, phone); err != nil {
					return err
				}
				c, err := tx.LastCode(w.ctx, phone)
				if err != nil {
					return err
				}
				c.Wrong++
				return tx.UpdateCode(w.ctx, phone, c)
			})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		w.Fatal(err)
	}
	if c := last(); c.Wrong != len(errs) {
		w.Errorf("%d of %d tries were counted", c.Wrong, len(errs))
	}
}

func kept(w *world) {
	at := start.UTC()
	one := store.KeptPerson{Owner: "ann", ID: "b", Sealed: []byte{1, 0}, CreatedAt: at}
	two := store.KeptPerson{Owner: "ann", ID: "a", Sealed: []byte{2}, CreatedAt: at.Add(time.Second)}
	other := store.KeptPerson{Owner: "bea", ID: "c", Sealed: []byte{3}, CreatedAt: at}
	w.update(func(tx *store.Tx) error {
		return errors.Join(tx.LockKept(w.ctx, "ann"), tx.InsertKept(w.ctx, one), tx.InsertKept(w.ctx, two), tx.InsertKept(w.ctx, other), tx.LockKept(w.ctx, "ann"))
	})
	of := func(owner string) (list []store.KeptPerson) {
		w.view(func(tx *store.Tx) (err error) {
			list, err = tx.KeptOf(w.ctx, owner)
			return err
		})
		return list
	}
	same(w, "kept", of("ann"), []store.KeptPerson{one, two})
	w.update(func(tx *store.Tx) error {
		return errors.Join(tx.DeleteKept(w.ctx, "bea", "b"), tx.DeleteKept(w.ctx, "ann", "a"), tx.DeleteKept(w.ctx, "ann", ""))
	})
	same(w, "kept", of("ann"), []store.KeptPerson{one})
	same(w, "kept by another", of("bea"), []store.KeptPerson{other})
}

func leaseLoss(w *world) {
	take := func(holder string) (got bool) {
		w.update(func(tx *store.Tx) (err error) {
			got, err = tx.TakeLease(w.ctx, "reminders", holder, tx.Now, 10*time.Second)
			return err
		})
		return got
	}
	release := func(holder string) {
		w.update(func(tx *store.Tx) error { return tx.ReleaseLease(w.ctx, "reminders", holder) })
	}
	step := func(holder string, want bool) {
		w.Helper()
		if got := take(holder); got != want {
			w.Fatalf("%s took the lease: %v, want %v", holder, got, want)
		}
	}
	step("a", true)
	step("b", false)
	w.pass(9 * time.Second)
	step("a", true) // kept: it now lasts to second 19
	w.pass(9 * time.Second)
	step("b", false)
	w.pass(time.Second)
	step("b", true) // a was not heard of
	step("a", false)
	release("a") // what it no longer holds
	step("a", false)
	release("b")
	step("a", true)
	release("a")

	var wg sync.WaitGroup
	won := make([]bool, 8)
	errs := make([]error, len(won))
	for i := range won {
		wg.Go(func() {
			errs[i] = w.db.Update(w.ctx, func(tx *store.Tx) (err error) {
				won[i], err = tx.TakeLease(w.ctx, "reminders", fmt.Sprint("racer ", i), tx.Now, time.Minute)
				return err
			})
		})
	}
	wg.Wait()
	holders := 0
	for _, yes := range won {
		if yes {
			holders++
		}
	}
	if err := errors.Join(errs...); err != nil || holders != 1 {
		w.Errorf("%d hold the lease (%v)", holders, err)
	}
}

func counterBlocks(w *world) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	first := map[int64]int{}
	const blocks, size = 24, 100
	for range 4 {
		wg.Go(func() {
			for range blocks / 4 {
				var n int64
				err := w.db.Update(w.ctx, func(tx *store.Tx) (err error) {
					n, err = tx.NextBlock(w.ctx, "booking", size)
					return err
				})
				mu.Lock()
				errs = append(errs, err)
				first[n]++
				mu.Unlock()
			}
		})
	}
	settled := w.db.Settle(w.ctx) // in the middle of it
	wg.Wait()
	if err := errors.Join(append(errs, settled)...); err != nil {
		w.Fatal(err)
	}
	for i := range blocks {
		if first[int64(1+i*size)] != 1 {
			w.Errorf("block %d was handed out %d times", i, first[int64(1+i*size)])
		}
	}
	// A counter must pass what 32 bits hold.
	w.update(func(tx *store.Tx) error {
		for range 3 {
			if _, err := tx.NextBlock(w.ctx, "long", 1<<31); err != nil {
				return err
			}
		}
		n, err := tx.NextBlock(w.ctx, "long", 1)
		if n <= 3<<31 {
			w.Errorf("counter is at %d", n)
		}
		return err
	})
}
