package store

import (
	"context"
	"math/rand/v2"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
)

// aheadDays is how many days the numbers released ahead of a day are counted for.
const aheadDays = 14

// deadlineDays is how many days before a day a request may have been filed whose first decision is due on it: a long
// holiday and more.
const deadlineDays = 30

// FigureSource reads what the days of halls are counted from.
type FigureSource struct {
	Queues func(hall string) []string      // of a hall, closed ones too
	HallOf func(queue string) string       // "" for none
	Due    func(filed time.Time) time.Time // by when a request filed then is decided first
}

// Days reads days of halls, in their order, and the days of bookings that were moved on from there and have fewer units
// since: those are to be counted again.
func (src FigureSource) Days(ctx context.Context, tx *Tx, list []oversight.HallDay) (days []oversight.Day, also []oversight.HallDay, err error) {
	r := &dayReader{tx: tx, days: make([]oversight.Day, len(list)), at: map[oversight.HallDay]*oversight.Day{}, src: src}
	for i, d := range list {
		r.days[i] = oversight.Day{HallID: d.HallID, Date: d.Date}
		r.at[d] = &r.days[i]
		for _, q := range src.Queues(d.HallID) {
			r.ranges = append(r.ranges, [3]string{d.HallID, booking.SlotID(q, d.Date, 0), booking.SlotID(q, d.Date, 23)})
			r.ahead = append(r.ahead, [6]any{d.HallID, booking.SlotID(q, d.Date+1, 0), booking.SlotID(q, d.Date+aheadDays, 23), micros((d.Date + 1).At(0, 0)), d.Date.String(), q})
		}
	}
	if len(list) == 0 {
		return nil, nil, nil
	}
	for _, read := range []func(context.Context) error{r.slots, r.changes, r.bookings, r.away, r.events, r.tickets, r.evaluations, r.lines, r.released, r.requests, r.sources} {
		if err := read(ctx); err != nil {
			return nil, nil, err
		}
	}
	return r.days, r.reduced, nil
}

// dayReader reads the days of a set of halls, one statement for each kind of row.
type dayReader struct {
	tx      *Tx
	src     FigureSource
	days    []oversight.Day
	at      map[oversight.HallDay]*oversight.Day
	ranges  [][3]string // hall, first and last slot of a queue and day
	ahead   [][6]any
	seen    map[string][]*oversight.Day // booking → the days it belongs to
	history []string                    // bookings whose events are wanted
	reduced []oversight.HallDay
}

const dayRanges = `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as first, r.value->>2 as last from {rows} r)
`

// day returns the day a slot is of, nil for one that is not wanted.
func (r *dayReader) day(hall, slot string) *oversight.Day {
	_, date, _, _ := booking.ParseSlotID(slot)
	return r.at[oversight.HallDay{HallID: hall, Date: date}]
}

func (r *dayReader) slots(ctx context.Context) error {
	return r.tx.query(ctx, "day.slots", dayRanges+`
select `+slotColumns+` from w cross join slot s where s.hall_id = w.hall_id and s.id >= w.first and s.id <= w.last order by s.id`,
		func(scan func(...any) error) error {
			s, err := scanSlot(scan)
			if err != nil {
				return err
			}
			if d := r.day(s.HallID, s.ID); d != nil {
				d.Slots = append(d.Slots, *s)
			}
			return nil
		}, marshal(r.ranges))
}

func (r *dayReader) changes(ctx context.Context) error {
	return r.tx.query(ctx, "day.changes", dayRanges+`
select c.hall_id, c.slot_id, c.at, c.capacity, c.on_site from w cross join slot_change c
where c.hall_id = w.hall_id and c.slot_id >= w.first and c.slot_id <= w.last order by c.slot_id, c.revision`,
		func(scan func(...any) error) error {
			var hall string
			var c oversight.SlotChange
			var at int64
			err := scan(&hall, &c.SlotID, &at, &c.Capacity, &c.OnSite)
			c.At = instant(at)
			if d := r.day(hall, c.SlotID); d != nil {
				d.Changes = append(d.Changes, c)
			}
			return err
		}, marshal(r.ranges))
}

const dayBooking = "b.id, b.hall_id, b.queue_id, b.slot_id, b.hour, b.item, b.units, b.state, b.channel, b.version, b.created_at"

func scanDayBooking(scan func(...any) error, more ...any) (b booking.Booking, err error) {
	var made int64
	err = scan(append([]any{&b.ID, &b.HallID, &b.QueueID, &b.SlotID, &b.Hour, &b.Item, &b.Units, &b.State, &b.Channel, &b.Version, &made}, more...)...)
	b.CreatedAt = instant(made)
	return b, err
}

func (r *dayReader) bookings(ctx context.Context) error {
	r.seen = map[string][]*oversight.Day{}
	return r.tx.query(ctx, "day.bookings", dayRanges+`
select `+dayBooking+` from w cross join booking b where b.hall_id = w.hall_id and b.slot_id >= w.first and b.slot_id <= w.last order by b.id`,
		func(scan func(...any) error) error {
			b, err := scanDayBooking(scan)
			if err != nil {
				return err
			}
			if d := r.day(b.HallID, b.SlotID); d != nil {
				d.Bookings = append(d.Bookings, b)
				if b.Version > 1 {
					r.history = append(r.history, b.ID)
					r.seen[b.ID] = append(r.seen[b.ID], d)
				}
			}
			return nil
		}, marshal(r.ranges))
}

// away reads the bookings that left a slot of a day, those that came back too.
func (r *dayReader) away(ctx context.Context) error {
	type left struct {
		day     *oversight.Day
		booking booking.Booking
	}
	var list []left
	if err := r.tx.query(ctx, "day.away", dayRanges+`
select `+dayBooking+`, w.hall_id, e.from_slot from w cross join event e join booking b on b.id = e.booking
where e.from_slot >= w.first and e.from_slot <= w.last and e.from_slot <> '' order by b.id`,
		func(scan func(...any) error) error {
			var hall, slot string
			b, err := scanDayBooking(scan, &hall, &slot)
			if err != nil {
				return err
			}
			if d := r.day(hall, slot); d != nil {
				list = append(list, left{d, b})
			}
			return nil
		}, marshal(r.ranges)); err != nil {
		return err
	}
	for _, l := range list {
		known := r.day(l.booking.HallID, l.booking.SlotID) == l.day // among its bookings
		for _, d := range r.seen[l.booking.ID] {
			known = known || d == l.day
		}
		if !known {
			l.day.Away = append(l.day.Away, l.booking)
			r.history = append(r.history, l.booking.ID)
			r.seen[l.booking.ID] = append(r.seen[l.booking.ID], l.day)
		}
	}
	return nil
}

func (r *dayReader) events(ctx context.Context) error {
	rows := make([][1]string, 0, len(r.history))
	for _, id := range r.history {
		rows = append(rows, [1]string{id})
	}
	if len(rows) == 0 {
		return nil
	}
	from := map[string][]string{} // booking → slots it had left
	return r.tx.query(ctx, "day.events", `
with w as materialized (select distinct r.value->>0 as id from {rows} r)
select e.booking, e.version, e.kind, e.slot_id, e.from_slot from w cross join event e where e.booking = w.id
and e.kind in ('moved', 'displaced', 'stranded', 'kept', 'cancelled', 'declined', 'lapsed', 'reduced') order by e.booking, e.version`,
		func(scan func(...any) error) error {
			var e booking.Event
			if err := scan(&e.Booking, &e.Version, &e.Kind, &e.SlotID, &e.From); err != nil {
				return err
			}
			for _, d := range r.seen[e.Booking] {
				d.Events = append(d.Events, e)
			}
			if e.From != "" {
				from[e.Booking] = append(from[e.Booking], e.From)
			}
			if e.Kind == booking.EventReduced {
				for _, slot := range from[e.Booking] {
					if queue, date, _, ok := booking.ParseSlotID(slot); ok {
						r.reduced = append(r.reduced, oversight.HallDay{HallID: r.src.HallOf(queue), Date: date})
					}
				}
			}
			return nil
		}, marshal(rows))
}

func (r *dayReader) hallDays() string {
	rows := make([][2]string, len(r.days))
	for i := range r.days {
		rows[i] = [2]string{r.days[i].HallID, r.days[i].Date.String()}
	}
	return marshal(rows)
}

const dayKeys = `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as date from {rows} r)
`

// of finds the day of a row by hall and date.
func (r *dayReader) of(hall, date string) *oversight.Day {
	d, _ := calendar.ParseDate(date)
	return r.at[oversight.HallDay{HallID: hall, Date: d}]
}

func (r *dayReader) tickets(ctx context.Context) error {
	return r.tx.query(ctx, "day.tickets", dayKeys+`
select t.hall_id, t.date, t.queue_id, t.kind, t.hour, t.item, t.units, t.channel, t.state, t.result, t.issued_at, t.first_at, t.called_at, t.ended_at, t.passes
from w cross join ticket t where t.hall_id = w.hall_id and t.date = w.date`,
		func(scan func(...any) error) error {
			var t counter.Ticket
			var hall, date string
			var issued, first, called, ended int64
			if err := scan(&hall, &date, &t.QueueID, &t.Kind, &t.Hour, &t.Item, &t.Units, &t.Channel, &t.State, &t.Result, &issued, &first, &called, &ended, &t.Passes); err != nil {
				return err
			}
			t.IssuedAt, t.FirstAt, t.CalledAt, t.EndedAt = instant(issued), since(first), since(called), since(ended)
			if d := r.of(hall, date); d != nil {
				t.Date = d.Date
				d.Tickets = append(d.Tickets, t)
			}
			return nil
		}, r.hallDays())
}

func (r *dayReader) evaluations(ctx context.Context) error {
	return r.tx.query(ctx, "day.evaluations", dayKeys+`
select e.hall_id, e.date, e.queue_id, e.item, e.grade from w cross join evaluation e where e.hall_id = w.hall_id and e.date = w.date`,
		func(scan func(...any) error) error {
			var hall, date string
			var e counter.Evaluation
			err := scan(&hall, &date, &e.QueueID, &e.Item, &e.Grade)
			if d := r.of(hall, date); d != nil {
				d.Evaluations = append(d.Evaluations, e)
			}
			return err
		}, r.hallDays())
}

// lines reads the lines of the halls as they stand, and those that ended on a day wanted or after.
func (r *dayReader) lines(ctx context.Context) error {
	var rows [][3]any
	for i := range r.days {
		d := &r.days[i]
		rows = append(rows, [3]any{d.HallID, micros(d.Date.At(0, 0)), micros((d.Date + 1).At(0, 0))})
	}
	return r.tx.query(ctx, "day.lines", `
with w as materialized (select r.value->>0 as hall_id, cast(r.value->>1 as bigint) as begins, cast(r.value->>2 as bigint) as ends from {rows} r)
select w.hall_id, w.begins, l.queue_id, l.units, l.joined_at, l.ended_at, l.state from w cross join wait_line l
where l.hall_id = w.hall_id and l.joined_at < w.ends and (l.ended_at = 0 or l.ended_at >= w.begins)`,
		func(scan func(...any) error) error {
			var hall string
			var l oversight.Line
			var begins, joined, ended int64
			err := scan(&hall, &begins, &l.QueueID, &l.Units, &joined, &ended, &l.State)
			l.Joined, l.Ended = instant(joined), since(ended)
			if d := r.at[oversight.HallDay{HallID: hall, Date: calendar.DateOf(instant(begins))}]; d != nil {
				d.Lines = append(d.Lines, l)
			}
			return err
		}, marshal(rows))
}

// released adds up the numbers of the days ahead that were released when a day was over, as they were then.
func (r *dayReader) released(ctx context.Context) error {
	return r.tx.query(ctx, "day.ahead", `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as first, r.value->>2 as last, cast(r.value->>3 as bigint) as ends,
    r.value->>4 as date, r.value->>5 as queue_id from {rows} r)
select w.hall_id, w.date, w.queue_id, sum(coalesce((select c.capacity * (1 - c.closed) from slot_change c
    where c.hall_id = s.hall_id and c.slot_id = s.id and c.at >= w.ends order by c.revision limit 1), s.capacity * (1 - s.closed)))
from w cross join slot s where s.hall_id = w.hall_id and s.id >= w.first and s.id <= w.last and s.release_at <= w.ends
group by w.hall_id, w.date, w.queue_id`,
		func(scan func(...any) error) error {
			var hall, date, queue string
			var n int
			err := scan(&hall, &date, &queue, &n)
			if d := r.of(hall, date); d != nil && n > 0 {
				if d.Ahead == nil {
					d.Ahead = map[string]int{}
				}
				d.Ahead[queue] = n
			}
			return err
		}, marshal(r.ahead))
}

func (r *dayReader) requests(ctx context.Context) error {
	var rows [][4]any
	for i := range r.days {
		d := &r.days[i]
		rows = append(rows, [4]any{d.HallID, micros((d.Date - deadlineDays).At(0, 0)), micros((d.Date + 1).At(0, 0)), d.Date.String()})
	}
	return r.tx.query(ctx, "day.requests", `
with w as materialized (select r.value->>0 as hall_id, cast(r.value->>1 as bigint) as begins, cast(r.value->>2 as bigint) as ends, r.value->>3 as date from {rows} r)
select w.hall_id, w.date, q.origin, q.urgent, q.late, q.filed_at, q.decided_at, q.state from w cross join request q
where q.hall_id = w.hall_id and q.filed_at >= w.begins and q.filed_at < w.ends`,
		func(scan func(...any) error) error {
			var hall, date string
			var origin supply.Origin
			var state supply.State
			var urgent, late, filed, decided int64
			if err := scan(&hall, &date, &origin, &urgent, &late, &filed, &decided, &state); err != nil {
				return err
			}
			d := r.of(hall, date)
			if d == nil {
				return nil
			}
			one := oversight.Deadline{
				Asked: origin == supply.Asked, Early: late == 0 || urgent != 0, Filed: calendar.DateOf(instant(filed)), Due: r.src.Due(instant(filed)),
				Withdrawn: state == supply.Withdrawn, Decided: since(decided),
			}
			if one.Filed == d.Date || calendar.DateOf(one.Due.Add(-time.Second)) == d.Date {
				d.Requests = append(d.Requests, one)
			}
			return nil
		}, marshal(rows))
}

// plannedAnew keeps what slots, [hall, slot] each, are before their numbers are planned anew, and says that their days,
// and this day of their halls, must be counted again. made says that they are about to be made.
func (tx *Tx) plannedAnew(ctx context.Context, refs [][2]string, made bool) error {
	if len(refs) == 0 {
		return nil
	}
	text := `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as id from {rows} r order by 1, 2)
insert into slot_change (hall_id, slot_id, revision, at, capacity, on_site, closed)
select s.hall_id, s.id, s.revision, cast($2 as bigint), s.capacity, s.on_site, s.closed from w cross join slot s where s.hall_id = w.hall_id and s.id = w.id
on conflict (hall_id, slot_id, revision) do nothing`
	if made {
		text = `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as id from {rows} r order by 1, 2)
insert into slot_change (hall_id, slot_id, revision, at, capacity, on_site, closed)
select w.hall_id, w.id, -1, cast($2 as bigint), 0, 0, 0 from w where not exists (select 1 from slot s where s.hall_id = w.hall_id and s.id = w.id)
on conflict (hall_id, slot_id, revision) do nothing`
	}
	if _, err := tx.exec(ctx, "slot.before", text, marshal(refs), micros(tx.Now)); err != nil {
		return err
	}
	today := calendar.DateOf(tx.Now)
	days := map[oversight.HallDay]bool{}
	for _, ref := range refs {
		days[oversight.HallDay{HallID: ref[0], Date: today}] = true
		if _, date, _, ok := booking.ParseSlotID(ref[1]); ok && date < today {
			days[oversight.HallDay{HallID: ref[0], Date: date}] = true
		}
	}
	list := make([]oversight.HallDay, 0, len(days))
	for d := range days {
		list = append(list, d)
	}
	return tx.MarkFigures(ctx, list)
}

// FirstSlotDay returns the first date of any slot, def if there is none.
func (tx *Tx) FirstSlotDay(ctx context.Context, def calendar.Date) (calendar.Date, error) {
	var date string
	if _, err := tx.one(ctx, "figure.first", `select coalesce(min(date), '') from slot`, nil, &date); err != nil || date == "" {
		return def, err
	}
	return calendar.ParseDate(date)
}

// FirstFigureDay returns the first date of which a unit has figures, or before if that is earlier.
func (tx *Tx) FirstFigureDay(ctx context.Context, unit string, before calendar.Date) (calendar.Date, error) {
	var date string
	if _, err := tx.one(ctx, "figure.first_of", `select coalesce(min(period), '') from unit_figure where unit_id = $1 and span = 'day'`, []any{unit}, &date); err != nil || date == "" {
		return before, err
	}
	d, err := calendar.ParseDate(date)
	return min(d, before), err
}

// Cursors returns the sources whose names begin so, and how far they were read.
func (tx *Tx) Cursors(ctx context.Context, prefix string) (map[string]int64, error) {
	out := map[string]int64{}
	return out, tx.query(ctx, "figure.cursors", `select name, at from figure_cursor`, func(scan func(...any) error) error {
		var name string
		var at int64
		err := scan(&name, &at)
		if len(name) >= len(prefix) && name[:len(prefix)] == prefix {
			out[name[len(prefix):]] = at
		}
		return err
	})
}

// SetCursors records how far sources were read.
func (tx *Tx) SetCursors(ctx context.Context, prefix string, at map[string]int64) error {
	if len(at) == 0 {
		return nil
	}
	rows := make([][2]any, 0, len(at))
	for name, n := range at {
		rows = append(rows, [2]any{prefix + name, n})
	}
	_, err := tx.exec(ctx, "figure.read_until", `
with w as materialized (select r.value->>0 as name, cast(r.value->>1 as bigint) as at from {rows} r order by 1)
insert into figure_cursor (name, at) select name, at from w where true on conflict (name) do update set at = excluded.at`, marshal(rows))
	return err
}

// ForgetCursors drops the cursors of lanes that are no more.
func (tx *Tx) ForgetCursors(ctx context.Context, prefix string) error {
	_, err := tx.exec(ctx, "figure.forget", `delete from figure_cursor where name like $1 || '%' and substr(name, cast($2 as integer)) not in (select name from lane)`,
		prefix, int64(len(prefix)+1))
	return err
}

// stamp is a mark's: no two are alike.
func stamp() int64 { return rand.Int64() }

// MarkSlotDays says that every hall's days with numbers, from one date to another, must be counted again.
func (tx *Tx) MarkSlotDays(ctx context.Context, from, to calendar.Date) error {
	_, err := tx.exec(ctx, "figure.mark_slots", `
insert into figure_mark (hall_id, date, stamp) select distinct s.hall_id, s.date, cast($1 as bigint) from slot s where s.date >= $2 and s.date <= $3
on conflict (hall_id, date) do update set stamp = excluded.stamp`, stamp(), from.String(), to.String())
	return err
}

// MarkFloors says that the days of halls changed since an instant, beyond what was counted of them, must be counted again.
func (tx *Tx) MarkFloors(ctx context.Context, since time.Time) error {
	_, err := tx.exec(ctx, "figure.mark_floors", `
insert into figure_mark (hall_id, date, stamp) select f.hall_id, f.date, cast($1 as bigint) from floor f
where f.changed_at >= $2 and not exists (select 1 from hall_figure h where h.hall_id = f.hall_id and h.span = 'day' and h.period = f.date and h.floor = f.revision)
on conflict (hall_id, date) do update set stamp = excluded.stamp`, stamp(), micros(since))
	return err
}

// Revisions returns how far the floors of days have come, 0 for those that have not begun.
func (tx *Tx) Revisions(ctx context.Context, days []oversight.HallDay) (map[oversight.HallDay]int64, error) {
	out := make(map[oversight.HallDay]int64, len(days))
	rows := make([][2]string, len(days))
	for i, d := range days {
		rows[i] = [2]string{d.HallID, d.Date.String()}
	}
	return out, tx.query(ctx, "figure.floors", dayKeys+`
select f.hall_id, f.date, f.revision from w cross join floor f where f.hall_id = w.hall_id and f.date = w.date`, func(scan func(...any) error) error {
		var hall, date string
		var n int64
		if err := scan(&hall, &date, &n); err != nil {
			return err
		}
		d, err := calendar.ParseDate(date)
		out[oversight.HallDay{HallID: hall, Date: d}] = n
		return err
	}, marshal(rows))
}

// KeepLease keeps a lease that holder has until an instant; false if it is no longer theirs. Whoever wants it waits for
// this transaction.
func (tx *Tx) KeepLease(ctx context.Context, name, holder string, until time.Time) (bool, error) {
	n, err := tx.exec(ctx, "lease.keep", `update lease set until = $3 where name = $1 and holder = $2`, name, holder, micros(until))
	return n == 1, err
}
