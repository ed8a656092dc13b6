package store_test

import (
	"context"
	"database/sql"
	"regexp"
	"slices"
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/store"
	"suiyue/internal/store/storetest"
)

// waitDamages are things that must never be where people wait, each with the checks that must see it. <waiting> stands
// for the id of that entry of storetest.Waited.
var waitDamages = []struct {
	name  string
	text  string
	check []string
}{
	{"a number is held for nothing", `update slot set held = held + 1, capacity = capacity + 1 where id = 'h1-general-20261209-09'`, []string{"held"}},
	{"a hold is lost", `delete from hold where entry = ''`, []string{"held"}},
	{"a hold of more than is held", `update hold set units = 2 where entry = ''`, []string{"held"}},
	{"a hold in a slot there is not", `update hold set slot_id = 'h1-general-20261209-11' where entry = ''`, []string{"hold of nothing", "held"}},
	{"a hold of no units", `update hold set units = 0 where entry = ''`, []string{"hold state", "held"}},
	{"a hold that never opens", `update hold set opens_at = 0 where entry = ''`, []string{"hold state"}},
	{"a hold for a while, for nobody", `update hold set until = 1 where entry = ''`, []string{"hold state"}},
	{"more held than there is", `update slot set capacity = 0 where id = 'h1-general-20261209-14'`, []string{"capacity"}},
	{"an offer to somebody who was offered nothing", `update hold set entry = '<waiting>' where entry <> ''`, []string{"offer"}},
	{"an offer without a place", `update hold set entry = '', until = 0 where entry <> ''`, []string{"offer"}},
	{"an offer of another slot", `update wait_entry set slot_id = 'h1-general-20261209-14' where id = '<offered>'`, []string{"offer"}},
	{"an offer without an end", `update wait_entry set until = 0 where id = '<offered>'`, []string{"wait state"}},
	{"an entry in a state there is not", `update wait_entry set state = 'maybe' where id = '<waiting>'`, []string{"wait state", "wait line", "wait claim"}},
	{"an entry for nothing", `update wait_entry set units = 0 where id = '<waiting>'`, []string{"wait state", "wait line"}},
	{"who waits is somewhere already", `update wait_entry set slot_id = 'h1-general-20261209-09' where id = '<waiting>'`, []string{"wait state"}},
	{"two with one number", `update wait_entry set number = (select number from wait_entry where id = '<offered>') where id = '<waiting>'`, []string{"wait number", "wait line"}},
	{"an entry in no line", `delete from wait_line where entry = '<waiting>'`, []string{"wait line"}},
	{"an entry further in front in its line", `update wait_line set number = 0 where entry = '<waiting>'`, []string{"wait line"}},
	{"an entry out of line that waits", `update wait_line set ended_at = 1 where entry = '<waiting>'`, []string{"wait line"}},
	{"who left stands in line", `update wait_line set ended_at = 0 where entry = '<left>'`, []string{"wait line"}},
	{"a line of nobody", `delete from wait_entry where id = '<waiting>'`, []string{"wait line of nothing"}},
	{"who waits claims nothing", `delete from claim where booking = '<waiting>'`, []string{"wait claim"}},
	{"who left still claims", `insert into claim (person, name, hall_id, booking, hash) values ('gus', 'wait:i', 'h1', '<left>', '')`, []string{"wait claim"}},
	{"a claim on waiting by nobody", `update claim set booking = 'ZZZZZZZZ' where booking = '<waiting>'`, []string{"wait claim", "wait claim of nothing"}},
	{"served and not booked", `delete from booking where id = '<served>'`, []string{"wait booked", "slot"}},
	{"booked and still waiting", `update wait_entry set state = 'waiting' where id = '<served>'`, []string{"wait booked", "wait claim", "wait line"}},
	{"served into nowhere", `update wait_entry set slot_id = '' where id = '<served>'`, []string{"wait state"}},
	{"a list that lost a case", `delete from batch_case where booking = '<listed>' and n = 1`, []string{"wait list"}},
	{"a list of somebody who left", `update batch_case set booking = '<left>' where booking = '<listed>'`, []string{"wait list"}},
	{"an alert of more than the most", `update wait_alert set most = 1 where id = 'alert'`, []string{"alert"}},
	{"an alert nobody took up at an instant", `update wait_alert set ack_by = '' where id = 'alert'`, []string{"alert"}},
	{"an alert that was taken up and goes on rising", `update wait_alert set next_at = since + 1 where id = 'alert'`, []string{"alert"}},
	{"an alert that ended before it began", `update wait_alert set ended_at = since - 1 where id = 'alert-over'`, []string{"alert"}},
	{"an alert that stands without pressure", `update wait_alert set waiting = released where id = 'alert'`, []string{"alert"}},
	{"an alert of a queue there is not", `update wait_alert set queue_id = 'gone' where id = 'alert'`, []string{"alert of nothing"}},
	{"a draw in a state there is not", `update draw set state = 'maybe'`, []string{"draw state"}},
	{"a draw done at no instant", `update draw set drawn_at = 0`, []string{"draw state"}},
	{"a draw without a commitment", `update draw set commitment = ''`, []string{"draw state", "draw"}},
	{"a seed before it is drawn", `update draw set state = 'closed'`, []string{"draw state"}},
	{"another seed", `update draw set seed = replace(seed, '3', '4')`, []string{"draw"}},
	{"another commitment", `update draw set commitment = replace(commitment, substr(commitment, 1, 1), 'x')`, []string{"draw"}},
	{"a draw without its seed", `update draw set seed = ''`, []string{"draw list", "draw"}},
	{"two places changed", `update draw_entry set rank = 3 - rank`, []string{"draw"}},
	{"a place twice", `update draw_entry set rank = 1`, []string{"draw list"}},
	{"an entry is lost", `delete from draw_entry where id = '<not drawn>'`, []string{"draw list", "message of nothing"}},
	{"an entry without an outcome", `update draw_entry set outcome = '' where id = '<not drawn>'`, []string{"draw list"}},
	{"drawn and not booked", `update draw_entry set outcome = 'booked' where id = '<not drawn>'`, []string{"draw entry"}},
	{"booked and not drawn", `update draw_entry set outcome = 'sold_out' where id = '<drawn>'`, []string{"draw entry", "draw message"}},
	{"drawn for another", `update draw_entry set applicant = 'zoe' where id = '<drawn>'`, []string{"draw entry"}},
	{"entries of a draw there is not", `delete from draw`, []string{"draw of nothing"}},
	{"nobody was told of the draw", `delete from message where booking = '<not drawn>'`, []string{"draw message"}},
	{"a case in a state there is not", `update theme_case set state = 'maybe' where id = '<case>'`, []string{"one thing"}},
	{"a case that ended by itself", `update theme_case set state = 'done' where id = '<case>'`, []string{"one thing", "case end not told"}},
	{"nobody was told of the end of a case", `delete from message where booking = '<case ended>'`, []string{"case end not told"}},
	{"a step done by nobody", `update case_step set state = 'done' where case_id = '<case>' and key = 'a'`, []string{"one thing"}},
	{"a step is lost", `delete from case_step where case_id = '<case>' and key = 'b'`, []string{"one thing"}},
	{"an event of a case is lost", `delete from case_event where case_id = '<case>'`, []string{"one thing"}},
	{"steps of a case there is not", `delete from theme_case where id = '<case>'`, []string{"case of nothing"}},
	{"a case of a version there is not", `update theme_case set theme_version = 7 where id = '<case>'`, []string{"one thing"}},
}

var waitKept = []string{"slot", "hold", "wait_entry", "wait_line", "claim", "booking", "batch_case", "wait_alert", "draw", "draw_entry", "message", "theme_case", "case_step", "case_event"}

// wrong are the checks of the whole doctor that found something.
func wrong(ctx context.Context, t *testing.T, db *store.DB) (out []string) {
	t.Helper()
	found, err := app.Doctor(ctx, db, calendar.MakeDate(2026, 12, 9).At(8, 0), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Error {
			out = append(out, f.Check)
			for _, person := range []string{"ann", "bea", "cat", "dan", "eve", "fay", "gus", "hal", "ivy", "jim", "zoe"} {
				if regexp.MustCompile(`\b` + person + `\b`).MatchString(f.Detail) {
					t.Errorf("%s names a person: %s", f.Check, f.Detail)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestDoctorFindsEachKindOfDamageWherePeopleWait(t *testing.T) {
	engines(t, func(t *testing.T, source string, raw *sql.DB) {
		db, ids := storetest.Waited(t, func(t *testing.T, o store.Options) *store.DB { return open(t, source, o) })
		if found := wrong(t.Context(), t, db); len(found) > 0 {
			t.Fatalf("before any damage: %v", found)
		}
		lift(t, raw, db.Engine())
		for _, table := range waitKept {
			run(t, raw, "create table kept_"+table+" as select * from "+table)
		}
		run(t, raw, "drop index draw_entry_applicant", "drop index draw_entry_text")
		named := regexp.MustCompile(`<([\w ]+)>`)
		for _, d := range waitDamages {
			t.Run(strings.ReplaceAll(d.name, " ", "_"), func(t *testing.T) {
				text := d.text
				for name, id := range ids {
					text = strings.ReplaceAll(text, "<"+name+">", id)
				}
				if m := named.FindString(text); m != "" && m != "<>" {
					t.Fatalf("nothing is called %s", m)
				}
				run(t, raw, text)
				found := wrong(t.Context(), t, db)
				for _, check := range d.check {
					if !slices.Contains(found, check) {
						t.Errorf("%s not found; found %v", check, found)
					}
				}
				for _, table := range waitKept {
					run(t, raw, "delete from "+table, "insert into "+table+" select * from kept_"+table)
				}
			})
		}
		if found := wrong(t.Context(), t, db); len(found) > 0 {
			t.Fatalf("after all was mended: %v", found)
		}
	})
}
