package store

import (
	"context"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
)

// ForgottenMonth is a month of days of which it is forgotten who came, or is being so.
type ForgottenMonth struct {
	Month  string // 2024-03
	Sealed []byte // the key people's hashes are made anew with; empty once it is done
	At     oversight.HallDay
	Counts map[string]int // rows by noun
	Digest string
	Begun  time.Time
	Done   time.Time // zero while it goes on
}

// ForgottenMonths returns all of them, the newest first.
func (tx *Tx) ForgottenMonths(ctx context.Context) (out []ForgottenMonth, err error) {
	return out, tx.query(ctx, "retention.list", `select month, sealed, at_date, at_hall, counts, digest, begun_at, done_at from retention_month order by month desc`,
		func(scan func(...any) error) error {
			var m ForgottenMonth
			var date, counts string
			var begun, done int64
			if err := scan(&m.Month, &m.Sealed, &date, &m.At.HallID, &counts, &m.Digest, &begun, &done); err != nil {
				return err
			}
			m.Begun, m.Done = instant(begun), since(done)
			if date != "" {
				if m.At.Date, err = calendar.ParseDate(date); err != nil {
					return err
				}
			}
			err := unmarshal(counts, &m.Counts)
			out = append(out, m)
			return err
		})
}

// SaveForgotten writes how far a month has come.
func (tx *Tx) SaveForgotten(ctx context.Context, m *ForgottenMonth) error {
	sealed := m.Sealed
	if sealed == nil {
		sealed = []byte{}
	}
	_, err := tx.exec(ctx, "retention.save", `
insert into retention_month (month, sealed, at_date, at_hall, counts, digest, begun_at, done_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (month) do update set sealed = excluded.sealed, at_date = excluded.at_date, at_hall = excluded.at_hall, counts = excluded.counts,
  digest = excluded.digest, done_at = excluded.done_at`,
		m.Month, sealed, dateOrNone(m.At.Date), m.At.HallID, marshal(m.Counts), m.Digest, micros(m.Begun), untilMicros(m.Done))
	return err
}

// FirstLived returns the first date of which there are numbers or a day at a hall; false for none.
func (tx *Tx) FirstLived(ctx context.Context) (calendar.Date, bool, error) {
	var first string
	if _, err := tx.one(ctx, "retention.first", `
select coalesce(min(x.date), '') from (select min(date) as date from slot union all select min(date) from floor) x where x.date is not null`, nil, &first); err != nil || first == "" {
		return 0, false, err
	}
	d, err := calendar.ParseDate(first)
	return d, err == nil, err
}

// HallDays returns the days of halls from one date to another, both inside, in order of date and hall.
func (tx *Tx) HallDays(ctx context.Context, from, to calendar.Date) (out []oversight.HallDay, err error) {
	return out, tx.query(ctx, "retention.days", `
select x.date, x.hall_id from (select date, hall_id from slot where date >= $1 and date <= $2 union select date, hall_id from floor where date >= $3 and date <= $4) x
order by x.date, x.hall_id`, func(scan func(...any) error) error {
		var d oversight.HallDay
		var date string
		if err := scan(&date, &d.HallID); err != nil {
			return err
		}
		d.Date, err = calendar.ParseDate(date)
		out = append(out, d)
		return err
	}, from.String(), to.String(), from.String(), to.String())
}

// people are pairs of who stands in a row and who will, [row, old, new] each, without those that stay.
type people struct {
	rename func(string) string
	rows   [][3]string
}

func (p *people) add(row, person string) {
	if person == "" || person[0] == forgotten {
		return
	}
	for i := len(p.rows) - 1; i >= 0 && p.rows[i][0] == row; i-- {
		if p.rows[i][1] == person {
			return
		}
	}
	p.rows = append(p.rows, [3]string{row, person, p.rename(person)})
}

// forgotten begins the key of somebody who is.
const forgotten = '~'

// ForgetDay forgets who had to do with a hall on a day: what is sealed is emptied, and every hash of a person becomes
// what rename makes of it, which must begin with "~". Rows, counters and claims stay. It returns how many rows of each
// noun it changed; done again, it changes nothing.
func (tx *Tx) ForgetDay(ctx context.Context, day oversight.HallDay, rename func(string) string) (counts map[string]int, err error) {
	who, cases := people{rename: rename}, false
	var bookings, tickets []string
	if err := tx.query(ctx, "retention.bookings", `
select b.id, b.booker, b.applicant, b.cases from slot s cross join booking b
where s.hall_id = $1 and s.date = $2 and b.hall_id = s.hall_id and b.slot_id = s.id and (length(b.sealed) > 0 or b.booker < '~' or b.applicant < '~') order by b.id`,
		func(scan func(...any) error) error {
			var id, booker, applicant string
			var listed int
			err := scan(&id, &booker, &applicant, &listed)
			bookings = append(bookings, id)
			who.add(id, booker)
			who.add(id, applicant)
			cases = cases || listed > 0
			return err
		}, day.HallID, day.Date.String()); err != nil {
		return nil, err
	}
	if err := tx.query(ctx, "retention.tickets", `
select t.id, t.person from ticket t where t.hall_id = $1 and t.date = $2 and (length(t.sealed) > 0 or t.person < '~') order by t.id`, func(scan func(...any) error) error {
		var id, person string
		err := scan(&id, &person)
		tickets = append(tickets, id)
		who.add(id, person)
		return err
	}, day.HallID, day.Date.String()); err != nil {
		return nil, err
	}
	if err := tx.query(ctx, "retention.feed", `
select source, row_id, person from feed_row where hall_id = $1 and date = $2 and person > '' and person < '~' order by source, row_id`, func(scan func(...any) error) error {
		var source, row, person string
		err := scan(&source, &row, &person)
		who.add(booking.Elsewhere(source, row), person)
		return err
	}, day.HallID, day.Date.String()); err != nil {
		return nil, err
	}
	if cases {
		if err := tx.query(ctx, "retention.cases", `
with w as materialized (select r.value->>0 as id from {rows} r)
select k.booking, k.person from w join batch_case k on k.booking = w.id order by k.booking, k.person`, func(scan func(...any) error) error {
			var id, person string
			err := scan(&id, &person)
			who.add(id, person)
			return err
		}, marshal(oneColumn(bookings))); err != nil {
			return nil, err
		}
	}
	f := forgetting{tx: tx, counts: map[string]int{}}
	all := marshal(who.rows)
	const pairs = `with w as materialized (select r.value->>0 as id, r.value->>1 as was, r.value->>2 as person from {rows} r order by 1, 2) `
	const ids = `with w as materialized (select r.value->>0 as id from {rows} r order by 1) `
	// Claims first: the order of locks everywhere. A claim of another booking may make good what this one missed.
	if len(who.rows) > 0 {
		f.do(ctx, "claim", pairs+`update claim set person = w.person from w where claim.person = w.was
and (claim.booking = w.id or claim.name >= 'rebook:' || w.id || '#' and claim.name < 'rebook:' || w.id || '$')`, all)
		f.do(ctx, "booking", pairs+`update booking set booker = w.person from w where booking.id = w.id and booking.booker = w.was`, all)
		f.do(ctx, "", pairs+`update booking set applicant = w.person from w where booking.id = w.id and booking.applicant = w.was`, all)
		f.do(ctx, "event", pairs+`update event set actor = w.person from w where event.booking = w.id and event.actor = w.was`, all)
		f.do(ctx, "sanction", pairs+`update sanction set person = w.person from w where sanction.id = w.id and sanction.person = w.was`, all)
		f.do(ctx, "wait_entry", pairs+`update wait_entry set booker = w.person from w where wait_entry.id = w.id and wait_entry.booker = w.was`, all)
		f.do(ctx, "", pairs+`update wait_entry set applicant = w.person from w where wait_entry.id = w.id and wait_entry.applicant = w.was`, all)
		f.do(ctx, "draw_entry", pairs+`update draw_entry set booker = w.person from w where draw_entry.id = w.id and draw_entry.booker = w.was`, all)
		f.do(ctx, "", pairs+`update draw_entry set applicant = w.person from w where draw_entry.id = w.id and draw_entry.applicant = w.was`, all)
		f.do(ctx, "ticket", pairs+`update ticket set person = w.person from w where ticket.id = w.id and ticket.hall_id = $2 and ticket.person = w.was`, all, day.HallID)
		if cases {
			f.do(ctx, "batch_case", pairs+`update batch_case set person = w.person from w where batch_case.booking = w.id and batch_case.person = w.was`, all)
		}
	}
	if len(bookings) > 0 {
		list := marshal(oneColumn(bookings))
		for _, t := range [][2]string{{"booking", "id"}, {"wait_entry", "id"}, {"draw_entry", "id"}, {"batch_case", "booking"}, {"no_show_appeal", "booking"}, {"sanction_appeal", "sanction"}} {
			f.do(ctx, "", ids+`update `+t[0]+` set sealed = $2 where `+t[1]+` in (select id from w) and length(sealed) > 0`, list, []byte{})
		}
	}
	if len(tickets) > 0 {
		f.do(ctx, "", ids+`update ticket set sealed = $2 where hall_id = $3 and id in (select id from w) and length(sealed) > 0`, marshal(oneColumn(tickets)), []byte{}, day.HallID)
	}
	const rows = `with w as materialized (select r.value->>0 as id, r.value->>1 as was, r.value->>2 as person from {rows} r where substr(r.value->>0, 1, 1) = '@' order by 1, 2) `
	f.do(ctx, "feed_row", rows+`update feed_row set person = w.person from w where feed_row.hall_id = $2 and feed_row.date = $3 and w.id = '@' || feed_row.source || ':' || feed_row.row_id and feed_row.person = w.was`,
		all, day.HallID, day.Date.String())
	f.do(ctx, "", rows+`update feed_conflict set person = w.person from w where w.id = '@' || feed_conflict.source || ':' || feed_conflict.row_id and feed_conflict.person = w.was`, all)
	f.do(ctx, "", `update feed_row set sealed = $1 where hall_id = $2 and date = $3 and length(sealed) > 0`, []byte{}, day.HallID, day.Date.String())
	f.do(ctx, "evaluation", `update evaluation set sealed = $1 where hall_id = $2 and date = $3 and length(sealed) > 0`, []byte{}, day.HallID, day.Date.String())
	return f.counts, f.err
}

// forgetting runs statements one after another until one fails.
type forgetting struct {
	tx     *Tx
	counts map[string]int
	err    error
}

// do runs a statement and counts the rows it changed as so many of a noun, "" for rows that are counted already.
func (f *forgetting) do(ctx context.Context, noun, text string, args ...any) {
	if f.err != nil {
		return
	}
	n, err := f.tx.exec(ctx, "retention.forget", text, args...)
	f.err = err
	if noun != "" && n > 0 {
		f.counts[noun] += int(n)
	}
}

// ForgetRest forgets who had to do with what belongs to no day of a hall: who waited in vain or was not drawn, and
// whose case of one thing ended, between two instants. Counts as of ForgetDay.
func (tx *Tx) ForgetRest(ctx context.Context, from, before time.Time, rename func(string) string) (counts map[string]int, err error) {
	f := forgetting{tx: tx, counts: map[string]int{}}
	for _, t := range []struct{ noun, where string }{
		{"wait_entry", `last_at >= $1 and last_at < $2 and state not in ('waiting', 'offered', 'booked')`},
		{"draw_entry", `draw in (select id from draw where release_at >= $1 and release_at < $2 and state = 'done') and outcome <> 'booked'`},
		{"theme_case", `ended_at >= $1 and ended_at < $2 and state <> 'running'`},
	} {
		who := people{rename: rename}
		var ids []string
		if err := tx.query(ctx, "retention.rest", `select id, booker, applicant from `+t.noun+` where `+t.where+` and (length(sealed) > 0 or booker < '~' or applicant < '~') order by id`,
			func(scan func(...any) error) error {
				var id, booker, applicant string
				err := scan(&id, &booker, &applicant)
				ids = append(ids, id)
				who.add(id, booker)
				who.add(id, applicant)
				return err
			}, micros(from), micros(before)); err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			continue
		}
		all, list := marshal(who.rows), marshal(oneColumn(ids))
		const pairs = `with w as materialized (select r.value->>0 as id, r.value->>1 as was, r.value->>2 as person from {rows} r order by 1, 2) `
		const in = `with w as materialized (select r.value->>0 as id from {rows} r order by 1) `
		f.do(ctx, "claim", pairs+`update claim set person = w.person from w where claim.person = w.was and claim.booking = w.id`, all)
		f.do(ctx, t.noun, pairs+`update `+t.noun+` set booker = w.person from w where `+t.noun+`.id = w.id and `+t.noun+`.booker = w.was`, all)
		f.do(ctx, "", pairs+`update `+t.noun+` set applicant = w.person from w where `+t.noun+`.id = w.id and `+t.noun+`.applicant = w.was`, all)
		f.do(ctx, "", in+`update `+t.noun+` set sealed = $2 where id in (select id from w) and length(sealed) > 0`, list, []byte{})
		if t.noun == "theme_case" {
			f.do(ctx, "case_text", in+`update case_text set sealed = $2 where case_id in (select id from w) and length(sealed) > 0`, list, []byte{})
		}
	}
	return f.counts, f.err
}

// Scrub rids the engine of what it remembers of rows as they were: samples of values kept for planning, and bytes in
// pages that nothing points to. PostgreSQL does it beside those who serve; SQLite writes the file anew, and who writes
// meanwhile waits.
func (db *DB) Scrub(ctx context.Context) error {
	steps := []string{"vacuum (analyze) claim, booking, event, sanction, wait_entry, draw_entry, ticket, batch_case, evaluation, no_show_appeal, sanction_appeal, theme_case, case_text, feed_row, feed_conflict"}
	if db.d == &sqlite {
		var sampled int
		if err := db.read.QueryRowContext(ctx, "select count(*) from sqlite_master where name = 'sqlite_stat4'").Scan(&sampled); err != nil {
			return err
		}
		steps = []string{"vacuum", "pragma wal_checkpoint(truncate)"}
		if sampled > 0 {
			steps = append([]string{"analyze"}, steps...)
		}
	}
	for _, text := range steps {
		if _, err := db.write.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}
