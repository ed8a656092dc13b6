package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"suiyue/internal/domain/rulebook"
	"suiyue/internal/pgtest"
	"suiyue/internal/store"
	"suiyue/internal/store/storetest"
)

// engines runs fn on each engine; raw is a connection that is bound by no rule of the store.
func engines(t *testing.T, fn func(t *testing.T, source string, raw *sql.DB)) {
	for _, e := range []struct {
		name, driver string
		source       func(t *testing.T) string
	}{
		{"sqlite", "sqlite", func(t *testing.T) string { return filepath.Join(t.TempDir(), "city.db") }},
		{"postgres", "pgx", func(t *testing.T) string { return pgtest.New(t) }},
	} {
		t.Run(e.name, func(t *testing.T) {
			source := e.source(t)
			raw, err := sql.Open(e.driver, source)
			if err != nil {
				t.Fatal(err)
			}
			raw.SetMaxOpenConns(1)
			t.Cleanup(func() { raw.Close() })
			fn(t, source, raw)
		})
	}
}

func run(t *testing.T, raw *sql.DB, list ...string) {
	t.Helper()
	for _, text := range list {
		if _, err := raw.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// damages are things that must never be, each with the checks that must see it. <booked> stands for
// the id of that booking of storetest.Lived.
var damages = []struct {
	name  string
	text  string
	check []string
}{
	{"a number too many is taken", `update slot set taken = taken + 1 where id = 'h1-general-20261209-09'`, []string{"slot"}},
	{"a number too few is taken", `update slot set taken = taken - 1 where id = 'h1-general-20261209-10'`, []string{"slot"}},
	{"an empty slot holds a number", `update slot set taken = 1 where id = 'h2-general-20261209-10'`, []string{"slot"}},
	{"a confirmed booking is lost", `delete from booking where id = '<booked>'`,
		[]string{"slot", "claim of nobody", "key of nothing", "event of nothing", "message of nothing"}},
	{"a cancelled booking is lost", `delete from booking where id = '<cancelled>'`, []string{"key of nothing", "event of nothing", "message of nothing"}},
	{"a booking is active again", `update booking set state = 'booked' where id = '<cancelled>'`, []string{"slot", "claim missing"}},
	{"a booking is there twice", `insert into booking (id, hall_id, queue_id, slot_id, date, hour, item, stage, units, state, channel, applicant_kind, booker, applicant, sealed, version, created_at, changed_at) select id, 'h2', queue_id, slot_id, date, hour, item, stage, units, state, channel, applicant_kind, booker, applicant, sealed, version, created_at, changed_at from booking where id = '<booked>'`,
		[]string{"booking twice", "booking slot"}},
	{"a booking in a state there is not", `update booking set state = 'maybe' where id = '<booked>'`, []string{"booking state", "claim of nobody"}},
	{"a booking in a slot there is not", `update booking set slot_id = 'h1-general-20261209-11' where id = '<booked>'`, []string{"booking slot", "slot", "event"}},
	{"a booking says another hour than its slot", `update booking set hour = 10 where id = '<booked>'`, []string{"booking slot", "claim missing", "claim of another"}},
	{"a booking says another date than its slot", `update booking set date = '2026-12-10' where id = '<booked>'`, []string{"booking slot", "claim missing", "claim of another"}},
	{"a batch of more units than its list has cases", `update batch_case set state = 'removed' where booking = '<batch>' and n = 1`, []string{"batch", "claim of another"}},
	{"a case of a batch is lost", `delete from batch_case where booking = '<batch>' and n = 1`, []string{"batch", "claim of another"}},
	{"a case of a batch claims nothing", `delete from claim where booking = '<batch>' and person = 'case 2'`, []string{"batch case"}},
	{"a list of no batch", `update batch_case set booking = 'ZZZZZZZZ'`, []string{"batch of nothing", "batch", "claim of another"}},
	{"oversold", `update slot set capacity = 0 where id = 'h1-general-20261209-09'`, []string{"capacity"}},
	{"more taken on-site than there is", `update slot set on_site_taken = 3 where id = 'h2-general-20261209-10'`, []string{"capacity"}},
	{"less than nothing taken", `update slot set on_site_taken = -1 where id = 'h2-general-20261209-10'`, []string{"capacity"}},
	{"Art14 on-site share above a tenth", `update slot set on_site = 3 where id = 'h2-general-20261209-10'`, []string{"on-site share"}},
	{"item not claimed", `delete from claim where booking = '<booked>' and name like 'item:%'`, []string{"claim missing"}},
	{"hour not claimed", `delete from claim where booking = '<organisation>' and name like 'hour:%'`, []string{"claim missing"}},
	{"day not claimed", `delete from claim where booking = '<moved>' and name like 'day:%'`, []string{"claim missing"}},
	{"day claimed twice, hour not at all", `update claim set name = 'day:20261209#2' where booking = '<booked>' and name like 'hour:%'`, []string{"claim missing"}},
	{"day claimed for an organisation", `insert into claim (person, name, hall_id, booking, hash) values ('dan', 'day:20261209#1', 'h1', '<organisation>', '')`, []string{"claim missing"}},
	{"claim kept by a cancelled booking", `insert into claim (person, name, hall_id, booking, hash) values ('cat', 'hour:2026120909', 'h1', '<cancelled>', '')`, []string{"claim of nobody"}},
	{"claim of a booking there never was", `insert into claim (person, name, hall_id, booking, hash) values ('cat', 'day:20261209#1', 'h1', 'ZZZZZZZZ', '')`, []string{"claim of nobody"}},
	{"claim held by another person", `update claim set person = 'zoe' where booking = '<booked>' and name like 'hour:%'`, []string{"claim of another", "claim missing"}},
	{"claim of another item", `update claim set name = 'item:SI-02#1' where booking = '<booked>' and name like 'item:%'`, []string{"claim of another", "claim missing"}},
	{"one claim too many", `insert into claim (person, name, hall_id, booking, hash) values ('ann', 'hour:2026120914', 'h1', '<booked>', '')`, []string{"claim of another"}},
	{"no idempotency key", `delete from claim where booking = '<booked>' and name like 'key:%'`, []string{"key missing"}},
	{"key of another person", `update claim set person = 'zoe' where booking = '<cancelled>' and name like 'key:%'`, []string{"key missing"}},
	{"an event is lost", `delete from event where booking = '<moved>' and version = 1`, []string{"event"}},
	{"no events at all", `delete from event where booking = '<booked>'`, []string{"event"}},
	{"a version told twice, another not", `update event set version = 2, hall_id = 'h9' where booking = '<moved>' and version = 1`, []string{"event"}},
	{"a version nobody made", `update booking set version = 2 where id = '<booked>'`, []string{"event"}},
	{"the last event tells of another slot", `update event set slot_id = 'h1-general-20261209-10' where booking = '<moved>' and version = 2`, []string{"event"}},
	{"nobody was told", `delete from message where booking = '<cancelled>' and kind = 'cancelled'`, []string{"message missing"}},
	{"nobody was told of a lost hour", `delete from message where booking = '<stranded>' and kind = 'stranded'`, []string{"message missing"}},
	{"a kept number is not counted", `update slot set taken = taken - 1 where id = 'h2-general-20261209-09'`, []string{"slot"}},
	{"a choice nobody waits for", `update booking set state = 'booked' where id = '<displaced>'`, []string{"displacement"}},
	{"somebody without an hour waits for nothing", `delete from displacement where booking = '<stranded>'`, []string{"displacement missing"}},
	{"somebody waits twice", `insert into displacement select hall_id, booking, 1, request, slot_id, date, hour, closed, held_hall, held_slot, until, state, created_at, chosen_at from displacement where booking = '<displaced>'`,
		[]string{"displacement", "displacement missing"}},
	{"another place is kept than the one held", `update displacement set held_slot = 'h2-general-20261209-10' where booking = '<displaced>'`, []string{"displacement"}},
	{"a place is kept for somebody who holds none", `update displacement set held_slot = 'h2-general-20261209-10' where booking = '<stranded>'`, []string{"displacement"}},
	{"an hour claimed without a number", `insert into claim (person, name, hall_id, booking, hash) values ('gus', 'hour:2026120909', 'h1', '<stranded>', '')`, []string{"claim missing"}},
	{"the hour of a kept number is not claimed", `delete from claim where booking = '<displaced>' and name like 'hour:%'`, []string{"claim missing"}},
	{"a number of the hall nobody has", `update slot set on_site_taken = on_site_taken + 1 where id = 'h1-general-20261209-10'`, []string{"on-site given"}},
	{"a number of the hall is not counted", `update slot set on_site_taken = 0 where id = 'h1-general-20261209-10'`, []string{"on-site given"}},
	{"Art14 an unsold number is not counted", `update slot set taken = taken - 1 where id = 'h1-general-20261209-10'`, []string{"slot"}},
	{"Art14 a number without its half-day", `delete from claim where name like 'onsite|%' and person = 'p-A003'`, []string{"on-site once"}},
	{"somebody has come and stands nowhere", `delete from ticket where booking = '<arrived>'`, []string{"ticket missing", "ticket event of nothing"}},
	{"somebody was served and still waits", `update ticket set state = 'waiting', result = '', ended_at = 0 where booking = '<done>'`, []string{"ticket missing"}},
	{"a ticket of somebody who has not come", `update booking set state = 'booked' where id = '<arrived>'`, []string{"ticket of nobody"}},
	{"a ticket of a booking there never was", `update ticket set booking = 'ZZZZZZZZ' where booking = '<arrived>'`, []string{"ticket of nobody", "ticket missing"}},
	{"a claim kept by who was served", `insert into claim (person, name, hall_id, booking, hash) values ('ivy', 'hour:2026120909', 'h1', '<done>', '')`, []string{"claim of nobody"}},
	{"who has come holds no claim", `delete from claim where booking = '<arrived>' and name like 'hour:%'`, []string{"claim missing"}},
	{"a ticket in a state there is not", `update ticket set state = 'maybe' where number = 'A005'`, []string{"ticket state"}},
	{"a ticket that is over without a result", `update ticket set result = '' where booking = '<done>'`, []string{"ticket state"}},
	{"a ticket event is lost", `delete from ticket_event where version = 2 and hall_id = 'h1'`, []string{"ticket event"}},
	{"a ticket is lost", `delete from ticket where number = 'A005'`, []string{"ticket event of nothing"}},
	{"a day that ended without a record", `delete from day_record`, []string{"day record"}},
	{"a record of a day that goes on", `update floor set sealed = 0`, []string{"day record"}},
	{"somebody waits on a day that ended", `update ticket set state = 'waiting', result = '', ended_at = 0 where hall_id = 'h2'`, []string{"day open"}},
	{"tickets of a day that never began", `delete from floor where hall_id = 'h1'`, []string{"floor missing"}},
	{"a unit without its parent", `update unit set parent_id = 'gone' where id = '440103000000'`, []string{"unit"}},
	{"a unit above itself", `update unit set parent_id = '440103000000' where id = '440100000000'`, []string{"unit cycle"}},
	{"a hall without its unit", `update hall set unit_id = 'gone' where id = 'h1'`, []string{"hall"}},
	{"a hall without its main hall", `update hall set parent_hall = 'gone' where id = 'h2'`, []string{"hall parent"}},
	{"a hall above itself", `update hall set parent_hall = 'h2' where id = 'h1'`, []string{"hall cycle"}},
	{"a queue without its hall", `update queue set hall_id = 'gone' where id = 'h2-general'`, []string{"queue", "slot queue"}},
	{"an offering without its item", `delete from item`, []string{"offering"}},
	{"an offering in another hall's queue", `update offering set queue_id = 'h2-general'`, []string{"offering"}},
	{"slots without their queue", `delete from queue where id = 'h2-general'`, []string{"slot queue"}},
	{"a year without its holiday notice", `update calendar_year set status = 'provisional'`, []string{"calendar"}},
	{"a year nobody knows", `delete from calendar_year`, []string{"calendar"}},
	{"rules that contradict themselves", `update rulebook set detail = replace(detail, '"hours":[9', '"hours":[29')`, []string{"rulebook"}},
}

// tables that damages touch, kept aside to mend what was planted.
var kept = []string{"unit", "hall", "queue", "item", "offering", "calendar_year", "rulebook", "slot", "booking", "claim", "event", "message", "displacement", "floor", "ticket", "ticket_event", "day_record", "batch_case"}

func TestDoctorFindsEachKindOfDamage(t *testing.T) {
	engines(t, func(t *testing.T, source string, raw *sql.DB) {
		db, ids := storetest.Lived(t, func(t *testing.T, o store.Options) *store.DB { return open(t, source, o) })
		healthy(t, db, "before any damage")
		lift(t, raw, db.Engine())
		for _, table := range kept {
			run(t, raw, "create table kept_"+table+" as select * from "+table)
		}
		named := regexp.MustCompile(`<(\w+)>`)
		for _, d := range damages {
			t.Run(strings.ReplaceAll(d.name, " ", "_"), func(t *testing.T) {
				run(t, raw, named.ReplaceAllStringFunc(d.text, func(m string) string { return ids[strings.Trim(m, "<>")] }))
				found, err := db.Doctor(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				seen := map[string]bool{}
				for _, f := range found {
					seen[f.Check] = true
					if (f.Check == "calendar") != (f.Severity == store.Warning) {
						t.Errorf("%s is %s", f.Check, f.Severity)
					}
					for _, person := range []string{"ann", "bea", "cat", "dan", "eve", "firm", "fay", "gus", "hal", "ivy", "zoe"} {
						if regexp.MustCompile(`\b` + person + `\b`).MatchString(f.Detail) {
							t.Errorf("%s names a person: %s", f.Check, f.Detail)
						}
					}
				}
				for _, check := range d.check {
					if !seen[check] {
						t.Errorf("%s not found; found %v", check, found)
					}
				}
				for _, table := range kept {
					run(t, raw, "delete from "+table, "insert into "+table+" select * from kept_"+table)
				}
			})
		}
		healthy(t, db, "after all was mended")
	})
}

func healthy(t *testing.T, db *store.DB, when string) {
	t.Helper()
	found, err := db.Doctor(t.Context())
	if err != nil || len(found) != 0 {
		t.Fatalf("%s: %v %v", when, found, err)
	}
}

// lift takes away what keeps the tables themselves from being damaged.
func lift(t *testing.T, raw *sql.DB, engine string) {
	t.Helper()
	if engine == "sqlite" {
		run(t, raw, "pragma ignore_check_constraints = 1", "pragma busy_timeout = 5000")
		return
	}
	rows, err := raw.QueryContext(t.Context(), `select 'alter table ' || conrelid::regclass || ' drop constraint ' || conname from pg_constraint where contype = 'c' and conrelid > 0`)
	if err != nil {
		t.Fatal(err)
	}
	var drop []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		drop = append(drop, text)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	run(t, raw, drop...)
}

// A rulebook without a limit makes no claim of it, and is not missed from its day on.
func TestDoctorAsksForTheClaimsOfTheRulesInForce(t *testing.T) {
	engines(t, func(t *testing.T, source string, raw *sql.DB) {
		db, _ := storetest.Lived(t, func(t *testing.T, o store.Options) *store.DB { return open(t, source, o) })
		run(t, raw, `delete from claim where name like 'hour:%'`)
		later := rulebook.Continued2025()
		later.ID, later.ActivePerHour = "later", 0
		for date, want := range map[string]bool{"2026-12-10": true, "2026-12-09": false} {
			if err := later.EffectiveFrom.UnmarshalText([]byte(date)); err != nil {
				t.Fatal(err)
			}
			if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveRulebook(t.Context(), later) }); err != nil {
				t.Fatal(err)
			}
			found, err := db.Doctor(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if missed := len(found) > 0; missed != want {
				t.Errorf("no limit from %s on: found %v", date, found)
			}
		}
	})
}

func TestDoctorFindsADamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.db")
	db, _ := storetest.Lived(t, func(t *testing.T, o store.Options) *store.DB { return open(t, path, o) })
	if err := db.Backup(t.Context(), path+".copy"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path + ".copy")
	if err != nil {
		t.Fatal(err)
	}
	pages := len(text) / 4096
	spoilt := 0
	for page := 2; page < pages; page++ { // the first pages hold the schema
		bad := append([]byte(nil), text...)
		for i := range 64 {
			bad[page*4096+i] = 0xa5
		}
		file := filepath.Join(t.TempDir(), "bad.db")
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		hurt, err := store.Open(t.Context(), file, store.Options{})
		if err != nil {
			spoilt++
			continue
		}
		if found, err := hurt.Doctor(t.Context()); err != nil || len(found) > 0 {
			spoilt++
		}
		hurt.Close()
	}
	if spoilt != pages-2 {
		t.Errorf("%d of %d damaged files were found out", spoilt, pages-2)
	}
}

func TestDoctorSaysThatMigrationsArePending(t *testing.T) {
	engines(t, func(t *testing.T, source string, _ *sql.DB) {
		db, err := store.Open(t.Context(), source, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		found, err := db.Doctor(t.Context())
		if err != nil || len(found) != 1 || found[0].Check != "schema" || found[0].Severity != store.Error {
			t.Errorf("found %v %v", found, err)
		}
	})
}
