package store

import (
	"context"
	"fmt"
	"strings"
)

// Severity says how bad a finding is.
type Severity string

const (
	Error   Severity = "error"   // something is not as it must be
	Warning Severity = "warning" // something will need somebody soon
)

// Finding is one thing the doctor saw. Detail names ids and counts, never a person.
type Finding struct {
	Check    string
	Severity Severity
	Detail   string
}

// findingsShown is how many findings of one check are listed; the rest are counted.
const findingsShown = 20

// check is one question to the whole database: a select that gives a line of text for each thing that
// is wrong.
type check struct {
	name string
	text string
}

// checks recount what must agree. They read whole tables and hold nothing in memory.
var checks = []check{
	// Every slot has as many numbers taken as bookings that hold a place in it.
	{"slot", `
select s.id || ': ' || s.taken || ' taken, ' || coalesce(u.units, 0) || ' booked' as line
from slot s left join (select hall_id, slot_id, sum(units) as units from booking where state <> 'cancelled' group by hall_id, slot_id) u
  on u.hall_id = s.hall_id and u.slot_id = s.id
where s.taken <> coalesce(u.units, 0)`},
	{"capacity", `
select s.id || ': ' || s.taken || ' of ' || s.capacity as line from slot s
where s.taken > s.capacity or s.taken < 0 or s.on_site_taken > s.on_site or s.on_site_taken < 0`},
	{"booking slot", `
select b.id || ': in a slot that does not exist' as line from booking b left join slot s on s.hall_id = b.hall_id and s.id = b.slot_id
where s.id is null`},
	// Art. 14: at most 10 % of a queue's numbers of a day are kept for the hall.
	{"on-site share", `
select queue_id || ' ' || date || ': ' || sum(on_site) || ' of ' || sum(capacity + on_site) as line from slot
group by queue_id, date having sum(on_site) * 10 > sum(capacity + on_site)`},
	// An active booking holds the item of its applicant and the hour of its booker, and the day unless
	// for an organisation. (A rulebook without one of these limits makes no such claim.)
	{"claim missing", `
select b.id || ': holds ' || count(c.name) || ' claims' as line from booking b
left join claim c on c.booking = b.id and c.name < 'item;' and (c.person = b.booker or c.person = b.applicant)
where b.state = 'booked' group by b.id, b.applicant_kind having count(c.name) <> {claims}`},
	{"claim of nobody", `
select c.name || ' of booking ' || c.booking as line from claim c left join booking b on b.id = c.booking
where c.name < 'item;' and (b.id is null or b.state <> 'booked' or c.person <> b.booker and c.person <> b.applicant)`},
	{"claim of another", `
select c.name || ' of booking ' || c.booking as line from claim c join booking b on b.id = c.booking
where b.state = 'booked' and (
  c.name like 'item:%' and (c.person <> b.applicant or c.name not like 'item:' || b.item || '#%')
  or c.name like 'hour:%' and (c.person <> b.booker or c.name not like 'hour:' || replace(b.date, '-', '') || '%')
  or c.name like 'day:%' and (c.person <> b.booker or c.name not like 'day:' || replace(b.date, '-', '') || '#%'))`},
	{"key missing", `
select b.id || ': no idempotency key of its booker' as line from booking b
left join claim c on c.person = b.booker and c.booking = b.id and c.name >= 'key:' and c.name < 'key;'
where c.name is null`},
	// Each version of a booking has exactly one event, from 1 on without gaps.
	{"event", `
select b.id || ': version ' || b.version || ', ' || count(e.version) || ' events up to ' || coalesce(max(e.version), 0) as line
from booking b left join event e on e.booking = b.id
group by b.id, b.version having count(e.version) <> b.version or coalesce(max(e.version), 0) <> b.version or coalesce(min(e.version), 0) <> 1`},
	{"event of nothing", `
select e.booking || ': version ' || e.version as line from event e left join booking b on b.id = e.booking where b.id is null`},
	{"message of nothing", `
select m.booking || ': ' || m.kind as line from message m left join booking b on b.id = m.booking where b.id is null`},
	// The directory hangs together.
	{"unit", `select u.id || ': parent does not exist' as line from unit u left join unit p on p.id = u.parent_id where u.parent_id <> '' and p.id is null`},
	{"unit cycle", `
with recursive up (id, parent_id, depth) as (
  select id, parent_id, 0 from unit
  union all
  select up.id, u.parent_id, up.depth + 1 from up join unit u on u.id = up.parent_id where up.depth < 20)
select id || ': does not lead to a root' as line from up where depth = 20 group by id`},
	{"hall", `select h.id || ': unit does not exist' as line from hall h left join unit u on u.id = h.unit_id where u.id is null`},
	{"queue", `select q.id || ': hall does not exist' as line from queue q left join hall h on h.id = q.hall_id where h.id is null`},
	{"offering", `
select o.hall_id || ' ' || o.item || ' ' || o.queue_id || ': item or queue does not exist' as line from offering o
left join item i on i.code = o.item left join queue q on q.id = o.queue_id and q.hall_id = o.hall_id where i.code is null or q.id is null`},
	{"slot queue", `
select s.queue_id || ': slots of a queue that does not exist' as line from (select distinct hall_id, queue_id from slot) s
left join queue q on q.id = s.queue_id and q.hall_id = s.hall_id where q.id is null`},
}

// horizon warns of slots in years without an official holiday notice.
var horizon = check{"calendar", `
select substr(s.date, 1, 4) || ': slots up to ' || max(s.date) || ' but no official holiday notice' as line from (select distinct date from slot) s
left join calendar_year y on cast(substr(s.date, 1, 4) as bigint) = y.year and y.status = 'official'
where y.year is null group by substr(s.date, 1, 4)`}

// Doctor recounts the whole database and returns what it found, errors first. claims is how many limit
// claims an active booking holds by the rules: for a natural person, and for an organisation.
func (db *DB) Doctor(ctx context.Context) ([]Finding, error) {
	var out []Finding
	if err := db.d.check(ctx, db); err != nil {
		out = append(out, Finding{"engine", Error, err.Error()})
	}
	current, err := db.SchemaCurrent(ctx)
	if err != nil {
		return out, err
	}
	if !current {
		return append(out, Finding{"schema", Error, "migrations are pending"}), nil
	}
	if db.d == &sqlite {
		found, err := db.quickCheck(ctx)
		if err != nil {
			return out, err
		}
		out = append(out, found...)
	}
	err = db.View(ctx, func(tx *Tx) error {
		claims, err := tx.claimsWanted(ctx)
		if err != nil {
			return err
		}
		for _, c := range checks {
			found, err := tx.examine(ctx, check{c.name, strings.ReplaceAll(c.text, "{claims}", claims)}, Error)
			if err != nil {
				return err
			}
			out = append(out, found...)
		}
		found, err := tx.examine(ctx, horizon, Warning)
		out = append(out, found...)
		return err
	})
	return out, err
}

// claimsWanted says in SQL how many limit claims an active booking holds by the rulebook last in force.
func (tx *Tx) claimsWanted(ctx context.Context) (string, error) {
	books, err := tx.Rulebooks(ctx)
	if err != nil {
		return "", err
	}
	item, hour, day := 1, 1, 1
	if len(books) > 0 {
		last := books[len(books)-1]
		item, hour, day = min(last.ActivePerItem, 1), min(last.ActivePerHour, 1), min(last.ActivePerDay, 1)
	}
	return fmt.Sprintf("%d - case when b.applicant_kind = 'organisation' then %d else 0 end", item+hour+day, day), nil
}

func (tx *Tx) examine(ctx context.Context, c check, severity Severity) ([]Finding, error) {
	var out []Finding
	more := 0
	err := tx.query(ctx, "doctor."+c.name, c.text, func(scan func(...any) error) error {
		var line string
		if err := scan(&line); err != nil {
			return err
		}
		if len(out) < findingsShown {
			out = append(out, Finding{c.name, severity, line})
		} else {
			more++
		}
		return nil
	})
	if more > 0 {
		out = append(out, Finding{c.name, severity, fmt.Sprintf("and %d more", more)})
	}
	return out, err
}

// quickCheck asks SQLite whether the file is whole.
func (db *DB) quickCheck(ctx context.Context) ([]Finding, error) {
	rows, err := db.read.QueryContext(ctx, "pragma quick_check(10)")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Finding
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		if line != "ok" {
			out = append(out, Finding{"file", Error, line})
		}
	}
	return out, rows.Err()
}
