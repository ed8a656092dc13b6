package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/oversight"
)

// FeedEvent is an event of a booking with its number.
type FeedEvent struct {
	Seq     int64
	Booking string // id
	Version int
	HallID  string
	Kind    booking.EventKind
	At      time.Time
	SlotID  string
	From    string
}

// How long before what was seen last events are looked for: a commit comes to light later than the instant in it. Now
// and then much further back.
const (
	eventOverlap = 30 * time.Second
	eventDeep    = time.Hour
	eventDeepBy  = 10 * time.Minute
)

// eventIdle is how long nothing need be written while nothing happens.
const eventIdle = time.Minute

// EventsWait tells whether NumberEvents has something to do for halls: an event without a number, the first call of all,
// or it was long ago.
func (tx *Tx) EventsWait(ctx context.Context, halls []string) (bool, error) {
	var seen int64
	found, err := tx.one(ctx, "feed_out.seen", `select seen_at from feed_out where id = 1`, nil, &seen)
	if err != nil || !found || micros(tx.Now)-seen >= eventIdle.Microseconds() {
		return err == nil, err
	}
	var n int64
	_, err = tx.one(ctx, "feed_event.waits", `
with w as materialized (select r.value->>0 as hall_id from {rows} r order by 1)
select count(*) from (select 1 from event e where e.at >= $2 and e.hall_id in (select hall_id from w)
  and not exists (select 1 from feed_event f where f.booking = e.booking and f.version = e.version and f.hall_id = e.hall_id) limit 1) x`,
		[]any{marshal(oneColumn(halls)), seen - eventOverlap.Microseconds()}, &n)
	return n > 0, err
}

// NumberEvents gives numbers to events at halls that have none yet, at most limit, and tells how many. What happened
// before the first call gets none.
func (tx *Tx) NumberEvents(ctx context.Context, halls []string, limit int) (int, error) {
	now := micros(tx.Now)
	if _, err := tx.exec(ctx, "feed_out.lock", `insert into feed_out (id, seq, seen_at, deep_at) values (1, 0, $1, $1) on conflict (id) do update set seq = feed_out.seq`, now); err != nil {
		return 0, err
	}
	var seq, seen, deep, forgotten int64
	if _, err := tx.one(ctx, "feed_out.read", `select seq, seen_at, deep_at, forgotten_at from feed_out where id = 1`, nil, &seq, &seen, &deep, &forgotten); err != nil {
		return 0, err
	}
	from := seen - eventOverlap.Microseconds()
	if now-deep > eventDeepBy.Microseconds() {
		from, deep = seen-eventDeep.Microseconds(), now
	}
	from = max(from, forgotten) // what had a number and lost it gets none again
	var list []FeedEvent
	if err := tx.query(ctx, "feed_event.new", `
with w as materialized (select r.value->>0 as hall_id from {rows} r order by 1)
select e.booking, e.version, e.hall_id, e.kind, e.at, e.slot_id, e.from_slot from event e
where e.at >= $2 and e.hall_id in (select hall_id from w)
  and not exists (select 1 from feed_event f where f.booking = e.booking and f.version = e.version and f.hall_id = e.hall_id)
order by e.at, e.booking, e.version limit $3`, func(scan func(...any) error) error {
		e, err := scanFeedEvent(scan, nil)
		list = append(list, e)
		return err
	}, marshal(oneColumn(halls)), from, int64(limit)); err != nil {
		return 0, err
	}
	if err := tx.insert(ctx, feedEventInsert, len(list), func(i int, args []any) []any {
		e := &list[i]
		return append(args, seq+int64(i)+1, e.Booking, int64(e.Version), e.HallID, string(e.Kind), micros(e.At), e.SlotID, e.From)
	}); err != nil {
		return 0, err
	}
	if len(list) < limit {
		seen = max(seen, now)
	} else {
		seen = max(seen, micros(list[len(list)-1].At))
	}
	_, err := tx.exec(ctx, "feed_out.save", `update feed_out set seq = $1, seen_at = $2, deep_at = $3 where id = 1`, seq+int64(len(list)), seen, deep)
	return len(list), err
}

var feedEventInsert = newInserter("feed_event", "seq", "booking", "version", "hall_id", "kind", "at", "slot_id", "from_slot")

func scanFeedEvent(scan func(...any) error, seq *int64) (e FeedEvent, err error) {
	var at int64
	dest := []any{&e.Booking, &e.Version, &e.HallID, &e.Kind, &at, &e.SlotID, &e.From}
	if seq != nil {
		dest = append([]any{seq}, dest...)
	}
	err = scan(dest...)
	e.At = instant(at)
	return e, err
}

// FeedOut is how far events are numbered, and from where they are kept.
type FeedOut struct {
	Seq       int64 // the last number that was given, 0 for none
	Forgotten int64 // events up to this number are kept no more
}

// FeedOut returns it.
func (tx *Tx) FeedOut(ctx context.Context) (o FeedOut, err error) {
	_, err = tx.one(ctx, "feed_out.kept", `select seq, forgotten_seq from feed_out where id = 1`, nil, &o.Seq, &o.Forgotten)
	return o, err
}

// FeedEvents returns the events at halls after a number, in their order, at most limit.
func (tx *Tx) FeedEvents(ctx context.Context, halls []string, after int64, limit int) (out []FeedEvent, err error) {
	return out, tx.query(ctx, "feed_event.after", `
with w as materialized (select r.value->>0 as hall_id from {rows} r order by 1)
select f.seq, f.booking, f.version, f.hall_id, f.kind, f.at, f.slot_id, f.from_slot from feed_event f
where f.seq > $2 and f.hall_id in (select hall_id from w) order by f.seq limit $3`, func(scan func(...any) error) error {
		var seq int64
		e, err := scanFeedEvent(scan, &seq)
		e.Seq = seq
		out = append(out, e)
		return err
	}, marshal(oneColumn(halls)), after, int64(limit))
}

// FeedList is a list of one hall and kind on a day.
type FeedList struct {
	HallID string
	Kind   oversight.RecordKind
}

// FeedEntries returns what stands here of a source's rows of a day, by hall and kind.
func (tx *Tx) FeedEntries(ctx context.Context, source string, date calendar.Date, halls []string) (map[FeedList][]feed.Entry, error) {
	out := map[FeedList][]feed.Entry{}
	return out, tx.query(ctx, "feed_row.day", `
with w as materialized (select distinct r.value->>0 as hall_id from {rows} r order by 1)
select f.hall_id, f.kind, f.row_id, f.queue_id, f.hour, f.item, f.units, f.state, f.number from w join feed_row f on f.hall_id = w.hall_id and f.date = $2
where f.source = $3 and f.removed = 0 order by f.hall_id, f.kind, f.row_id`, func(scan func(...any) error) error {
		var l FeedList
		var e feed.Entry
		err := scan(&l.HallID, &l.Kind, &e.Row, &e.QueueID, &e.Hour, &e.Item, &e.Units, &e.State, &e.Number)
		out[l] = append(out[l], e)
		return err
	}, marshal(oneColumn(halls)), date.String(), source)
}

// FeedChecks returns what the last comparisons of a source's lists of a day came to: checked and agreed.
func (tx *Tx) FeedChecks(ctx context.Context, source string, date calendar.Date) (map[FeedList][2]int64, error) {
	out := map[FeedList][2]int64{}
	return out, tx.query(ctx, "feed_check.of", `select hall_id, kind, checked, agreed from feed_check where source = $1 and date = $2`, func(scan func(...any) error) error {
		var l FeedList
		var n [2]int64
		err := scan(&l.HallID, &l.Kind, &n[0], &n[1])
		out[l] = n
		return err
	}, source, date.String())
}

// SaveFeedCheck writes what a comparison came to.
func (tx *Tx) SaveFeedCheck(ctx context.Context, source string, date calendar.Date, l FeedList, checked, agreed int64) error {
	_, err := tx.exec(ctx, "feed_check.save", `
insert into feed_check (source, hall_id, date, kind, checked, agreed, at) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (source, hall_id, date, kind) do update set checked = excluded.checked, agreed = excluded.agreed, at = excluded.at`,
		source, l.HallID, date.String(), string(l.Kind), checked, agreed, micros(tx.Now))
	return err
}

// AddFeedMissing records rows of a list that have not come, and returns those it did not know of.
func (tx *Tx) AddFeedMissing(ctx context.Context, source string, date calendar.Date, l FeedList, rows []string) (added int64, err error) {
	slices.SortFunc(rows, strings.Compare)
	for from := 0; from < len(rows); from += 2000 {
		part := rows[from:min(from+2000, len(rows))]
		n, err := tx.exec(ctx, "feed_missing.add", `
with w as materialized (select r.value->>0 as row_id from {rows} r order by 1)
insert into feed_missing (source, row_id, hall_id, date, kind) select $2, row_id, $3, $4, $5 from w where true on conflict (source, row_id) do nothing`,
			marshal(oneColumn(part)), source, l.HallID, date.String(), string(l.Kind))
		if err != nil {
			return 0, err
		}
		added += n
	}
	return added, nil
}

// FeedMissing is a row that was told of in a list and had not come.
type FeedMissing struct {
	Row string
	FeedList
	Date calendar.Date
}

// TakeFeedMissing returns those of the rows that were missing, and forgets that they were.
func (tx *Tx) TakeFeedMissing(ctx context.Context, source string, rows []string) (out []FeedMissing, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	return out, tx.query(ctx, "feed_missing.take", `
with w as materialized (select distinct r.value->>0 as row_id from {rows} r order by 1)
delete from feed_missing where source = $2 and row_id in (select row_id from w) returning row_id, hall_id, date, kind`, func(scan func(...any) error) error {
		var m FeedMissing
		var date string
		if err := scan(&m.Row, &m.HallID, &date, &m.Kind); err != nil {
			return err
		}
		var err error
		m.Date, err = calendar.ParseDate(date)
		out = append(out, m)
		return err
	}, marshal(oneColumn(rows)), source)
}

// ForgetEvents drops events from before an instant, at most limit, and tells whether there are more. They get no number
// again. Messages to connected systems that were put aside go with their events, delivered ones some time later.
func (tx *Tx) ForgetEvents(ctx context.Context, before time.Time, limit int) (more bool, err error) {
	if n, err := tx.exec(ctx, "feed_out.lock", `update feed_out set forgotten_at = case when forgotten_at < $1 then $1 else forgotten_at end where id = 1`, micros(before)); err != nil || n == 0 {
		return false, err
	}
	out, err := tx.FeedOut(ctx)
	if err != nil {
		return false, err
	}
	// Events lie nearly in the order in which they happened: from the first that is kept all are.
	last, n, kept := out.Forgotten, 0, false
	if err := tx.walk(ctx, "feed_event.oldest", `select f.seq, f.at from feed_event f order by f.seq limit $1`, func(scan func(...any) error) error {
		var seq, at int64
		if err := scan(&seq, &at); err != nil {
			return err
		}
		if kept = kept || at >= micros(before); !kept {
			last, n = seq, n+1
		}
		return nil
	}, int64(limit)); err != nil || n == 0 {
		return false, err
	}
	for _, part := range []struct{ name, text string }{
		{"feed_event.forget", `delete from feed_event where seq <= $1`},
		{"feed_out.forget", `update feed_out set forgotten_seq = $1 where id = 1`},
		{"webhook_undelivered.forget", `delete from webhook_undelivered where after_seq < $1`},
	} {
		if _, err := tx.exec(ctx, part.name, part.text, last); err != nil {
			return false, err
		}
	}
	return n == limit, nil
}

// FeedRowsBefore returns rows of connected systems about days before date at halls, by source, at most limit. Those that
// hold a claim are none.
func (tx *Tx) FeedRowsBefore(ctx context.Context, halls []string, date calendar.Date, limit int) (map[string][]string, error) {
	out := map[string][]string{}
	return out, tx.query(ctx, "feed_row.before", `
with w as materialized (select distinct r.value->>0 as hall_id from {rows} r order by 1)
select f.source, f.row_id from w join feed_row f on f.hall_id = w.hall_id and f.date < $2 where f.claim = '' order by f.date, f.source, f.row_id limit $3`, func(scan func(...any) error) error {
		var source, row string
		err := scan(&source, &row)
		out[source] = append(out[source], row)
		return err
	}, marshal(oneColumn(halls)), date.String(), int64(limit))
}

// ForgetFeedRows drops those of a source's rows that are about days before date and hold no claim, with all their
// versions, and what comparisons of those days came to.
func (tx *Tx) ForgetFeedRows(ctx context.Context, source string, rows []string, date calendar.Date) error {
	slices.Sort(rows)
	const old = `
with w as materialized (select r.value->>0 as row_id from {rows} r order by 1),
o as materialized (select f.row_id from w join feed_row f on f.source = $2 and f.row_id = w.row_id where f.date < $3 and f.claim = '' order by 1)
`
	for from := 0; from < len(rows); from += 2000 {
		part := marshal(oneColumn(rows[from:min(from+2000, len(rows))]))
		for _, table := range []string{"feed_version", "feed_conflict", "feed_row"} {
			if _, err := tx.exec(ctx, table+".forget", old+`delete from `+table+` where source = $2 and row_id in (select row_id from o)`, part, source, date.String()); err != nil {
				return err
			}
		}
	}
	for _, table := range []string{"feed_check", "feed_missing"} {
		if _, err := tx.exec(ctx, table+".forget", `delete from `+table+` where source = $1 and date < $2`, source, date.String()); err != nil {
			return err
		}
	}
	return nil
}
