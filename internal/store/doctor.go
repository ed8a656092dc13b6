package store

import (
	"context"
	"fmt"
	"strings"

	"suiyue/internal/domain/rulebook"
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
// is wrong. {rows} are the limits by date: from, until, and whether an item, an hour and a day is claimed.
type check struct {
	name string
	text string
}

// What the claims of booking b are called, as SQL: names of its item and day have an ordinal, the
// name of its hour may have one. "$" is the character after "#".
const (
	compactDate = `replace(b.date, '-', '')`
	hourOfB     = `'hour:' || ` + compactDate + ` || case when b.hour < 10 then '0' else '' end || b.hour`
	isHourOfB   = `(c.name >= ` + hourOfB + ` and c.name < ` + hourOfB + ` || '$')`
	isDayOfB    = `(c.name >= 'day:' || ` + compactDate + ` || '#' and c.name < 'day:' || ` + compactDate + ` || '$')`
	isItemOfB   = `(c.name >= 'item:' || b.item || '#' and c.name < 'item:' || b.item || '$')`
)

// checks recount what must agree, and nothing else. They read whole tables and hold little in memory.
var checks = []check{
	// Every slot has as many numbers taken as bookings that hold a place in it, and walk-ins who took what was
	// left of it (Art. 14).
	{"slot", `
select s.id || ': ' || s.taken || ' taken, ' || coalesce(u.units, 0) || ' booked' as line
from slot s left join (select hall_id, slot_id, sum(units) as units from (
    select hall_id, slot_id, units from booking where state not in (` + placeless + `)
    union all select hall_id, slot_id, units from ticket where share = 'unsold') x group by hall_id, slot_id) u
  on u.hall_id = s.hall_id and u.slot_id = s.id
where s.taken <> coalesce(u.units, 0)`},
	{"capacity", `
select s.id || ': ' || s.taken || ' and ' || s.held || ' held of ' || s.capacity || ', on-site ' || s.on_site_taken || ' of ' || s.on_site as line from slot s
where s.taken + s.held > s.capacity or s.taken < 0 or s.held < 0 or s.on_site_taken > s.on_site or s.on_site_taken < 0`},
	{"booking slot", `
select b.id || ': its slot does not exist or is another queue, date or hour' as line from booking b
left join slot s on s.hall_id = b.hall_id and s.id = b.slot_id and s.queue_id = b.queue_id and s.date = b.date and s.hour = b.hour
where s.id is null`},
	{"booking twice", `select id || ': ' || count(*) || ' rows' as line from booking group by id having count(*) > 1`},
	{"booking state", `
select id || ': state ' || state as line from booking where state not in ('booked', 'pending', 'cancelled', 'no_show', 'excused', 'arrived', 'done', ` + choosing + `)`},
	// A pending booking has one place that is asked for, and a place that is confirmed one booking that has it: where two have one, or none, only
	// one side knows a number.
	{"pending booking", `
select b.id || ': ' || count(d.hold) || ' places are asked for' as line from booking b
left join delegation d on d.booking = b.id and d.hold = b.id || '.' || b.version and d.state = 'wanted' and d.slot_id = b.slot_id
where b.state = 'pending' group by b.id having count(d.hold) <> 1`},
	{"place there", `
select d.hold || ': ' || d.state || ', its booking is ' || coalesce(b.state, 'not there') as line from delegation d left join booking b on b.id = d.booking
where d.state = 'confirmed' and (b.id is null or b.state in ('pending', 'stranded', 'displaced', 'cancelled') or b.slot_id <> d.slot_id) or d.state = 'wanted' and (b.id is null or b.state <> 'pending')`},
	{"places there", `select booking || ': ' || count(*) || ' places' as line from delegation where state in ('wanted', 'confirmed') group by booking having count(*) > 1`},
	// Art. 14: at most 10 % of a queue's numbers of a day are kept for the hall.
	{"on-site share", `
select queue_id || ' ' || date || ': ' || sum(on_site) || ' of ' || sum(capacity + on_site) as line from slot
group by hall_id, queue_id, date having sum(on_site) * 10 > sum(capacity + on_site)`},
	{"on-site given", `
select s.id || ': ' || s.on_site_taken || ' taken on-site, ' || coalesce(u.units, 0) || ' given' as line
from slot s left join (select hall_id, slot_id, sum(units) as units from ticket where share = 'on_site' group by hall_id, slot_id) u
  on u.hall_id = s.hall_id and u.slot_id = s.id
where s.on_site_taken <> coalesce(u.units, 0)`},
	{"on-site once", `
select t.hall_id || ' ' || t.date || ' ' || t.number || ': ' || count(c.name) || ' claims' as line from ticket t
left join booking b on b.id = t.instead
left join claim c on c.person = coalesce(b.booker, t.person) and c.booking = t.id
  and c.name >= case when t.instead = '' then 'onsite|' else 'rebook:' || t.instead || '#' end
  and c.name < case when t.instead = '' then 'onsite}' else 'rebook:' || t.instead || '$' end
where t.kind = 'walk_in' group by t.hall_id, t.date, t.number having count(c.name) <> 1`},
	// Who has come stands in line with one ticket until their booking is done, and nobody else's does.
	{"ticket missing", `
select b.id || ': ' || b.state || ', ' || count(t.id) || ' tickets of it wait' as line from booking b
left join ticket t on t.hall_id = b.hall_id and t.booking = b.id and t.state not in ('done', 'left')
where b.state in ('arrived', 'done') group by b.id, b.state having count(t.id) <> case when b.state = 'arrived' then 1 else 0 end`},
	{"ticket of nobody", `
select t.hall_id || ' ' || t.date || ' ' || t.number || ': its booking has not come' as line from ticket t
left join booking b on b.id = t.booking where t.booking <> '' and (b.id is null or b.hall_id <> t.hall_id or b.state not in ('arrived', 'done'))`},
	{"ticket number", `
select hall_id || ' ' || date || ' ' || number || ': given ' || count(*) || ' times' as line from ticket group by hall_id, date, number having count(*) > 1`},
	{"ticket state", `
select hall_id || ' ' || date || ' ' || number || ': ' || kind || ', ' || state || ', ' || result as line from ticket
where state not in ('waiting', 'called', 'held', 'passed', 'done', 'left') or kind not in ('booked', 'walk_in', 'green') or share not in ('', 'on_site', 'unsold')
  or (state in ('done', 'left')) <> (result <> '') or (state in ('done', 'left')) <> (ended_at > 0) or (kind = 'booked') <> (booking <> '')`},
	{"ticket event", `
select t.hall_id || ' ' || t.date || ' ' || t.number || ': version ' || t.version || ', ' || count(e.version) || ' events' as line from ticket t
left join ticket_event e on e.hall_id = t.hall_id and e.ticket = t.id group by t.hall_id, t.date, t.number, t.version
having count(e.version) <> t.version or coalesce(max(e.version), 0) <> t.version or coalesce(min(e.version), 0) <> case when t.version = 0 then 0 else 1 end`},
	{"ticket event of nothing", `
select e.hall_id || ': event ' || e.version || ' of a ticket that is not there' as line from ticket_event e
left join ticket t on t.hall_id = e.hall_id and t.id = e.ticket where t.id is null`},
	// A day that has ended has its record, and nobody in line.
	{"day record", `
select f.hall_id || ' ' || f.date || ': ended, without a record' as line from floor f
left join day_record d on d.hall_id = f.hall_id and d.date = f.date where f.sealed = 1 and d.date is null
union all select d.hall_id || ' ' || d.date || ': a record of a day that has not ended' from day_record d
left join floor f on f.hall_id = d.hall_id and f.date = d.date and f.sealed = 1 where f.date is null`},
	{"day open", `
select t.hall_id || ' ' || t.date || ' ' || t.number || ': in line on a day that has ended' as line from ticket t
join floor f on f.hall_id = t.hall_id and f.date = t.date and f.sealed = 1 where t.state not in ('done', 'left')`},
	{"floor missing", `
select t.hall_id || ' ' || t.date || ': tickets of a day that never began' as line from (select distinct hall_id, date from ticket) t
left join floor f on f.hall_id = t.hall_id and f.date = t.date where f.date is null`},
	// An active booking, and one whose person has come, holds the item of its applicant and the hour of its booker, and the day unless
	// for an organisation, each once and as far as the rules of its date limit it. One without a number
	// holds the item only.
	{"claim missing", `
with r as materialized (select r.value->>0 as day, r.value->>1 as until, cast(r.value->>2 as bigint) as per_item,
    cast(r.value->>3 as bigint) as per_hour, cast(r.value->>4 as bigint) as per_day from {rows} r),
h as (select b.id, b.date, b.applicant_kind, b.state,
    (select count(*) from claim c where c.person = b.applicant and ` + isItemOfB + ` and c.booking = b.id) as items,
    (select count(*) from claim c where c.person = b.booker and ` + isHourOfB + ` and c.booking = b.id) as hours,
    (select count(*) from claim c where c.person = b.booker and ` + isDayOfB + ` and c.booking = b.id) as days
  from booking b where b.state in (` + active + `, 'arrived'))
select h.id || ': holds its item ' || h.items || ', its hour ' || h.hours || ', its day ' || h.days || ' times' as line
from h join r on h.date >= r.day and h.date < r.until
where h.items <> r.per_item or h.hours <> case when h.state = 'stranded' then 0 else r.per_hour end
  or h.days <> case when h.applicant_kind = 'organisation' or h.state = 'stranded' then 0 else r.per_day end`},
	{"claim of nobody", `
select c.name || ' of booking ' || c.booking as line from claim c left join booking b on b.id = c.booking
where c.name >= 'day:' and c.name < 'item;' and substr(c.booking, 1, 1) <> '@' and (b.id is null or b.state not in (` + active + `, 'arrived'))`},
	// A row of a connected system that holds an item has the claim, and no other claim is of such a row.
	{"claim elsewhere", `
select c.name || ' of ' || c.booking || ': the row does not hold it' as line from claim c
left join feed_row f on f.person = c.person and f.claim = c.name and c.booking = '@' || f.source || ':' || f.row_id
where substr(c.booking, 1, 1) = '@' and f.row_id is null
union all select f.source || ' ' || f.row_id || ': holds ' || f.claim || ', which is not its own' from feed_row f
left join claim c on c.person = f.person and c.name = f.claim and c.booking = '@' || f.source || ':' || f.row_id where f.claim <> '' and c.name is null`},
	{"claim of another", `
select c.name || ' of booking ' || c.booking as line from claim c join booking b on b.id = c.booking
where c.name >= 'day:' and c.name < 'item;' and b.state in (` + active + `, 'arrived')
  and not ((c.person = b.applicant or exists (select 1 from batch_case k where k.booking = b.id and k.person = c.person and k.state <> 'removed')) and ` + isItemOfB + ` or c.person = b.booker and (` + isHourOfB + ` or ` + isDayOfB + `))`},
	// A batch has as many units as its list has cases, and each of them holds the item as an applicant does.
	{"batch", `
select b.id || ': ' || b.units || ' units, ' || sum(case when k.state <> 'removed' then 1 else 0 end) || ' of ' || count(k.n) || ' cases, listed ' || b.cases as line
from booking b left join batch_case k on k.booking = b.id where b.cases > 0 group by b.id, b.units, b.cases
having sum(case when k.state <> 'removed' then 1 else 0 end) <> b.units or count(k.n) <> b.cases`},
	{"batch case", `
with r as materialized (select r.value->>0 as day, r.value->>1 as until, cast(r.value->>2 as bigint) as per_item from {rows} r),
h as (select b.id, b.date, k.n,
    (select count(*) from claim c where c.person = k.person and ` + isItemOfB + ` and c.booking = b.id) as items
  from booking b join batch_case k on k.booking = b.id and k.state <> 'removed' where b.state in (` + active + `, 'arrived'))
select h.id || ': case ' || h.n || ' holds its item ' || h.items || ' times' as line
from h join r on h.date >= r.day and h.date < r.until where h.items <> r.per_item`},
	{"batch of nothing", `
select k.booking || ': a list of no batch' as line from batch_case k left join booking b on b.id = k.booking and b.cases > 0
left join wait_entry w on w.id = k.booking and w.cases > 0 where b.id is null and w.id is null or k.state not in ('open', 'removed', 'done')`},
	// A request that is repeated finds what it came to.
	{"key missing", `
select x.id || ': no idempotency key of its booker' as line from (
  select b.booker, b.id from booking b where b.version > 0 except select c.person, c.booking from claim c where c.name >= 'key:' and c.name < 'key;') x`},
	{"key of nothing", `
select distinct c.booking || ': booked by a key, but not there' as line from claim c left join booking b on b.id = c.booking
where c.name >= 'key:' and c.name < 'key;' and b.id is null`},
	// What is recorded of a booker is what happened, each once, and nothing is missing but what an appeal struck.
	{"mark", `
select c.booking || ': recorded ' || count(*) || ' times' as line from claim c where c.name >= 'mark:' and c.name < 'mark;' group by c.booking having count(*) > 1
union all select c.booking || ': recorded, but it did not happen' from claim c
left join booking b on b.id = c.booking and b.booker = c.person and b.state in ('no_show', 'cancelled')
left join event e on e.booking = b.id and e.version = b.version and e.kind = b.state
where c.name >= 'mark:' and c.name < 'mark;' and (e.booking is null or substr(c.hash, 1, length(e.kind) + 1) <> e.kind || '|')`},
	{"mark missing", `
select b.id || ': ' || b.state || ', not recorded' as line from booking b
join event e on e.booking = b.id and e.version = b.version and (e.kind = 'no_show' or e.kind = 'cancelled' and e.actor <> '')
left join claim c on c.person = b.booker and c.name >= 'mark:' and c.name < 'mark;' and c.booking = b.id
left join sanction_fact x on x.booking = b.id left join sanction m on m.id = x.sanction and m.state = 'lifted'
where b.state in ('no_show', 'cancelled') and c.booking is null and m.id is null`},
	// A measure rests on as much as it says, and who is barred is so until the last sanction that stands ends.
	{"sanction", `
select m.id || ': ' || m.kind || ', ' || m.state || ', rests on ' || count(x.booking) || ' of ' || (m.no_shows + m.cancellations) as line
from sanction m left join sanction_fact x on x.sanction = m.id group by m.id, m.kind, m.state, m.no_shows, m.cancellations, m.ended_at, m.until_at
having count(x.booking) <> case when m.state = 'void' then 0 else m.no_shows + m.cancellations end or m.kind not in ('warning', 'barred')
  or m.state not in ('stands', 'lifted', 'void') or (m.state = 'stands') <> (m.ended_at = 0) or (m.kind = 'barred') <> (m.until_at > 0)`},
	{"sanction of nothing", `
select x.booking || ': under a sanction that is not there' as line from sanction_fact x left join sanction m on m.id = x.sanction where m.id is null
union all select m.id || ': of a booking that is not there' from sanction m left join booking b on b.id = m.id and b.booker = m.person where b.id is null
union all select p.sanction || ': an appeal against nothing' from sanction_appeal p left join sanction m on m.id = p.sanction where m.id is null
union all select p.sanction || ': an appeal that was granted, and it stands' from sanction_appeal p join sanction m on m.id = p.sanction where p.state = 'upheld' and m.state = 'stands'`},
	{"bar", `
select 'a bar by ' || c.booking || ': not the last sanction that stands' as line from claim c
left join (select person, max(until_at) as until_at from sanction where kind = 'barred' and state = 'stands' group by person) m on m.person = c.person
where c.name = 'barred:off-site' and c.person < '~' and (m.person is null or c.hash <> cast(m.until_at as text))
union all select m.id || ': stands without a bar' from sanction m left join claim c on c.person = m.person and c.name = 'barred:off-site'
where m.kind = 'barred' and m.state = 'stands' and m.person < '~' and c.person is null`},
	// Each version of a booking has exactly one event, from 1 on without gaps; the last tells where it is. At version 0 are
	// bookings of a made past whose history was left out: all of them are done.
	{"event", `
select b.id || ': version ' || max(b.version) || ', ' || count(e.version) || ' events up to ' || coalesce(max(e.version), 0) as line
from booking b left join event e on e.booking = b.id group by b.id, b.hall_id
having count(e.version) <> max(b.version) or count(distinct e.version) <> max(b.version) or coalesce(max(e.version), 0) <> max(b.version)
  or max(b.version) = 0 and max(b.state) <> 'done' or max(b.version) > 0 and (coalesce(min(e.version), 0) <> 1
  or sum(case when e.version = b.version and e.slot_id = b.slot_id and e.hall_id = b.hall_id then 1 else 0 end) <> 1)`},
	{"event of nothing", `
select e.booking || ': version ' || e.version as line from event e left join booking b on b.id = e.booking where b.id is null`},
	// Whoever booked, moved or cancelled was told, or will be, and so was who lost an hour (Art. 13). Who is at
	// the hall needs no message of it.
	{"message missing", `
select e.booking || ': version ' || e.version || ' ' || e.kind as line from event e
left join message m on m.booking = e.booking and m.version = e.version and m.kind = e.kind
where m.booking is null and e.kind not in ('arrived', 'done', 'left', 'asked')`},
	{"message of nothing", `
select m.booking || ': ' || m.kind as line from message m left join booking b on b.id = m.booking left join ticket t on t.id = m.booking
left join draw_entry e on e.id = m.booking and m.kind = 'not_drawn' left join theme_case c on c.id = m.booking left join wait_entry w on w.id = m.booking
where b.id is null and t.id is null and e.id is null and c.id is null and w.id is null`},
	// What a draw gave is booked, and nothing else is under its entries' numbers. Whoever got nothing was told.
	{"draw entry", `
select e.draw || ' ' || e.entry || ': ' || e.outcome || ', ' || case when b.id is null then 'no booking' else 'a booking' end as line
from draw_entry e left join booking b on b.id = e.id
where (e.outcome = 'booked') <> (b.id is not null) or e.outcome = 'booked' and (b.booker <> e.booker or b.applicant <> e.applicant or b.item <> e.item)
   or (e.outcome <> '') and e.rank = 0`},
	{"draw list", `
select d.id || ': ' || d.state || ', ' || sum(case when e.outcome = '' then 1 else 0 end) || ' of ' || count(e.entry) || ' without an outcome, ' ||
  count(distinct e.rank) || ' ranks up to ' || coalesce(max(e.rank), 0) as line
from draw d left join draw_entry e on e.draw = d.id where d.state = 'done' group by d.id, d.state, d.seed
having d.seed = '' or sum(case when e.outcome = '' then 1 else 0 end) > 0 or count(distinct e.rank) <> count(e.entry) or coalesce(max(e.rank), 0) <> count(e.entry)`},
	{"draw state", `
select d.id || ': ' || d.state as line from draw d
where d.state not in ('announced', 'closed', 'done') or d.commitment = '' or (d.state = 'done') <> (d.drawn_at > 0) or (d.state = 'done') <> (d.seed <> '')`},
	{"draw of nothing", `select e.draw || ': entries of a draw that is not there' as line from draw_entry e left join draw d on d.id = e.draw where d.id is null group by e.draw`},
	{"draw message", `
select e.draw || ' ' || e.entry || ': not told of ' || e.outcome as line from draw_entry e
left join message m on m.booking = e.id and m.kind = 'not_drawn' where e.outcome not in ('', 'booked') and m.booking is null`},
	// Whose acceptance of a theme was finished has a case, and who is at its end was told so (Art. 20).
	{"case missing", `
select t.hall_id || ' ' || t.date || ' ' || t.number || ': accepted, but there is no case' as line from ticket t
join theme_version v on v.code = t.item and v.version = 1 and v.at <= t.ended_at left join theme_case c on c.hall_id = t.hall_id and c.ticket = t.id
where t.state = 'done' and t.result = 'finished' and t.stage = 'acceptance' and c.id is null
  and not exists (select 1 from theme_version x where x.code = t.item and x.closed = 1)`},
	{"case end not told", `
select c.id || ': ' || c.state || ', without a message of it' as line from theme_case c left join message m on m.booking = c.id and m.kind = 'case_ended'
where c.state <> 'running' and m.booking is null`},
	{"case of nothing", `
select s.case_id || ': a step, an event or a text of a case that is not there' as line
from (select case_id from case_step union select case_id from case_event union select case_id from case_text) s
left join theme_case c on c.id = s.case_id where c.id is null`},
	// Who lost an hour waits in exactly one displacement, of this version and with the place it holds, and
	// nobody else waits in any.
	{"displacement", `
select d.booking || ': waits to be chosen, but no booking of that version does' as line from displacement d
left join booking b on b.id = d.booking and b.version = d.version
where d.state = 'waiting' and (b.id is null or b.state not in (` + choosing + `)
  or b.state = 'displaced' and (d.held_slot <> b.slot_id or d.held_hall <> b.hall_id) or b.state = 'stranded' and d.held_slot <> '')`},
	{"displacement missing", `
select b.id || ': ' || b.state || ', waits in ' || count(d.booking) || ' displacements' as line from booking b
left join displacement d on d.booking = b.id and d.state = 'waiting'
where b.state in (` + choosing + `) group by b.id, b.state having count(d.booking) <> 1`},
	// What is held for the waitlist (Art. 15) is what is counted as held, and an offer has its place.
	{"held", `
select s.id || ': ' || s.held || ' held, ' || coalesce(h.units, 0) || ' in holds' as line
from slot s left join (select hall_id, slot_id, sum(units) as units from hold group by hall_id, slot_id) h on h.hall_id = s.hall_id and h.slot_id = s.id
where s.held <> coalesce(h.units, 0)`},
	{"hold state", `
select h.slot_id || ': ' || h.units || ' held, ' || case when h.entry = '' then 'for whoever is next' else 'offered' end as line from hold h
where h.units < 1 or h.opens_at <= 0 or (h.entry <> '') <> (h.until > 0)`},
	{"hold of nothing", `
select h.slot_id || ': ' || h.units || ' held in a slot that is not there' as line from hold h
left join slot s on s.hall_id = h.hall_id and s.id = h.slot_id and s.queue_id = h.queue_id where s.id is null`},
	{"offer", `
select h.slot_id || ': offered to ' || h.entry || ', which waits for no answer' as line from hold h
left join wait_entry e on e.id = h.entry and e.state = 'offered' and e.hall_id = h.hall_id and e.slot_id = h.slot_id and e.units = h.units
where h.entry <> '' and e.id is null
union all select e.id || ': offered ' || count(h.id) || ' places' from wait_entry e left join hold h on h.entry = e.id
where e.state = 'offered' group by e.id having count(h.id) <> 1`},
	// Who waits stands in every line with one number, holds the claim on waiting for the item, and is a booking
	// only once served.
	{"wait state", `
select e.id || ': ' || e.state as line from wait_entry e
where e.state not in ('waiting', 'offered', 'booked', 'left', 'expired', 'online') or e.units < 1 or e.number < 1
  or (e.state = 'offered') <> (e.until > 0) or (e.state in ('offered', 'booked')) <> (e.slot_id <> '')`},
	{"wait number", `select 'number ' || number || ': ' || count(*) || ' entries' as line from wait_entry group by number having count(*) > 1`},
	{"wait line", `
select e.id || ': ' || e.state || ', ' || count(l.entry) || ' lines, ' || sum(case when l.state = e.state and l.number = e.number
  and (l.ended_at = 0) = (e.state in ('waiting', 'offered')) and l.dates = e.dates and l.hours = e.hours and l.units = e.units then 1 else 0 end) || ' of them as they must be' as line
from wait_entry e left join wait_line l on l.entry = e.id group by e.id, e.state
having count(l.entry) = 0 or sum(case when l.state = e.state and l.number = e.number
  and (l.ended_at = 0) = (e.state in ('waiting', 'offered')) and l.dates = e.dates and l.hours = e.hours and l.units = e.units then 0 else 1 end) > 0`},
	{"wait line of nothing", `
select l.queue_id || ': number ' || l.number || ' is of no entry' as line from wait_line l left join wait_entry e on e.id = l.entry where e.id is null`},
	{"wait claim", `
select e.id || ': ' || e.state || ', ' || count(c.name) || ' claims on waiting' as line from wait_entry e
left join claim c on c.person = e.applicant and c.name = 'wait:' || e.item and c.booking = e.id
group by e.id, e.state having count(c.name) <> case when e.state in ('waiting', 'offered') then 1 else 0 end`},
	{"wait claim of nothing", `
select c.name || ' of entry ' || c.booking as line from claim c left join wait_entry e on e.id = c.booking
where c.name >= 'wait:' and c.name < 'wait;' and e.id is null`},
	{"wait booked", `
select e.id || ': ' || e.state || ', ' || case when b.id is null then 'no booking' else 'a booking' end as line from wait_entry e
left join booking b on b.id = e.id and b.booker = e.booker and b.applicant = e.applicant and b.item = e.item and b.units <= e.units and b.cases = e.cases
where (e.state = 'booked') <> (b.id is not null)`},
	// An entry that waits for several units has its list, and one that waits no more has none.
	{"wait list", `
select e.id || ': ' || e.state || ', ' || e.cases || ' listed, ' || count(k.n) || ' cases, ' || e.units || ' units' as line from wait_entry e
left join batch_case k on k.booking = e.id where e.state <> 'booked'
group by e.id, e.state, e.cases, e.units having count(k.n) <> case when e.state in ('waiting', 'offered') then e.cases else 0 end or e.cases not in (0, e.units)`},
	// An alert says what was seen: that it was pressed while it stands, and by whom it was taken up (Art. 16).
	{"alert", `
select a.id || ': ' || a.waiting || ' of at most ' || a.most || ' waiting, ' || a.released || ' released' as line from wait_alert a
where a.most < a.waiting or a.version < 1 or (a.ack_by = '') <> (a.ack_at = 0) or (a.ended_at = 0) <> (a.waiting > a.released)
  or (a.ack_at > 0 or a.ended_at > 0) and a.next_at > 0 or a.ended_at > 0 and a.ended_at < a.since`},
	{"alert of nothing", `
select a.id || ': of a queue that is not there' as line from wait_alert a left join queue q on q.id = a.queue_id and q.hall_id = a.hall_id where q.id is null`},
	// The directory hangs together.
	{"unit", `select u.id || ': parent does not exist' as line from unit u left join unit p on p.id = u.parent_id where u.parent_id <> '' and p.id is null`},
	{"unit cycle", cycle("unit", "parent_id")},
	{"hall", `select h.id || ': unit does not exist' as line from hall h left join unit u on u.id = h.unit_id where u.id is null`},
	{"hall parent", `select h.id || ': main hall does not exist' as line from hall h left join hall p on p.id = h.parent_hall where h.parent_hall <> '' and p.id is null`},
	{"hall cycle", cycle("hall", "parent_hall")},
	{"queue", `select q.id || ': hall does not exist' as line from queue q left join hall h on h.id = q.hall_id where h.id is null`},
	{"offering", `
select o.hall_id || ' ' || o.item || ' ' || o.queue_id || ': item or queue does not exist' as line from offering o
left join item i on i.code = o.item left join queue q on q.id = o.queue_id and q.hall_id = o.hall_id where i.code is null or q.id is null`},
	{"slot queue", `
select s.queue_id || ': slots of a queue that does not exist' as line from (select distinct hall_id, queue_id from slot) s
left join queue q on q.id = s.queue_id and q.hall_id = s.hall_id where q.id is null`},
}

// deepest is more levels than any tree of the city has.
const deepest = 20

// cycle finds entries from which going up never ends.
func cycle(noun, parent string) string {
	return fmt.Sprintf(`
with recursive up (id, parent, depth) as (
  select id, %[2]s, 0 from %[1]s where %[2]s <> ''
  union all
  select up.id, p.%[2]s, up.depth + 1 from up join %[1]s p on p.id = up.parent where up.depth < %[3]d)
select distinct id || ': is above itself, or below what is' as line from up where depth = %[3]d`, noun, parent, deepest)
}

// horizon warns of slots in years without an official holiday notice.
var horizon = check{"calendar", `
select substr(s.date, 1, 4) || ': slots up to ' || max(s.date) || ' but no official holiday notice' as line from (select distinct date from slot) s
left join calendar_year y on cast(substr(s.date, 1, 4) as bigint) = y.year and y.status = 'official'
where y.year is null group by substr(s.date, 1, 4)`}

// Doctor recounts the whole database and returns what it found. It only reads, as of one instant, and
// may run beside those who serve it.
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
	if err := db.CheckClothed(ctx); err != nil {
		return append(out, Finding{"indexes", Error, err.Error()}), nil
	}
	if db.d == &sqlite {
		found, err := db.quickCheck(ctx)
		if err != nil {
			return out, err
		}
		out = append(out, found...)
	}
	err = db.View(ctx, func(tx *Tx) error {
		shelf, err := tx.shelf(ctx)
		if err != nil {
			out = append(out, Finding{"rulebook", Error, err.Error()})
		}
		limits := marshal(limitsByDate(shelf))
		for _, c := range checks {
			var args []any
			if strings.Contains(c.text, "{rows}") {
				args = []any{limits}
			}
			found, err := tx.examine(ctx, c, Error, args...)
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

// shelf returns the rules that are loaded, or those that ship where none are.
func (tx *Tx) shelf(ctx context.Context) (rulebook.Shelf, error) {
	books, err := tx.Rulebooks(ctx)
	if err != nil {
		return nil, err
	}
	if len(books) == 0 {
		books = []rulebook.Rulebook{rulebook.Trial2022(), rulebook.Continued2025()}
	}
	return rulebook.NewShelf(books...)
}

// limitsByDate lists from which date to before which what is claimed: 1 where the rules set a limit,
// 0 where they set none.
func limitsByDate(shelf rulebook.Shelf) [][5]any {
	out := make([][5]any, len(shelf))
	for i, r := range shelf {
		from, until := r.EffectiveFrom.String(), "~" // above every date
		if i == 0 {
			from = ""
		}
		if i+1 < len(shelf) {
			until = shelf[i+1].EffectiveFrom.String()
		}
		out[i] = [5]any{from, until, min(r.ActivePerItem, 1), min(r.ActivePerHour, 1), min(r.ActivePerDay, 1)}
	}
	return out
}

func (tx *Tx) examine(ctx context.Context, c check, severity Severity, args ...any) ([]Finding, error) {
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
	}, args...)
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
