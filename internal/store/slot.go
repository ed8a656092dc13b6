package store

import (
	"context"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
)

// AddSlots inserts the slots that are not there yet and leaves the others as they are. It returns how
// many were new. Preparing ahead may be run at any time, by several nodes at once.
func (tx *Tx) AddSlots(ctx context.Context, slots []booking.Slot) (int, error) {
	added := 0
	for len(slots) > 0 {
		n := min(len(slots), 2000)
		rows := make([][10]any, n)
		for i, s := range slots[:n] {
			rows[i] = [10]any{s.HallID, s.ID, s.QueueID, s.Date.String(), s.Hour, s.Capacity, s.OnSite, micros(s.Release), flag(s.Closed), 0}
		}
		got, err := tx.exec(ctx, "slot.add", `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as id, r.value->>2 as queue_id, r.value->>3 as date,
    cast(r.value->>4 as bigint) as hour, cast(r.value->>5 as bigint) as capacity, cast(r.value->>6 as bigint) as on_site,
    cast(r.value->>7 as bigint) as release_at, cast(r.value->>8 as bigint) as closed from {rows} r order by 1, 2)
insert into slot (hall_id, id, queue_id, date, hour, capacity, on_site, release_at, closed)
select hall_id, id, queue_id, date, hour, capacity, on_site, release_at, closed from w where true
on conflict (hall_id, id) do nothing`, marshal(rows))
		if err != nil {
			return added, err
		}
		added += int(got)
		slots = slots[n:]
	}
	return added, nil
}

// LiveSlot is a slot with its revision, as memory keeps it.
type LiveSlot struct {
	booking.Slot
	Revision int64
}

// SlotsFrom gives every slot from date on to each, in order of hall and id.
func (tx *Tx) SlotsFrom(ctx context.Context, date calendar.Date, each func(LiveSlot)) error {
	return tx.query(ctx, "slot.load", `
select `+slotColumns+`, s.revision from slot s where s.date >= $1 order by s.hall_id, s.id`,
		func(scan func(...any) error) error { return eachLive(scan, each) }, date.String())
}

// SlotsOf gives the slots of one queue from date on to each, in order of id.
func (tx *Tx) SlotsOf(ctx context.Context, hall, queue string, date calendar.Date, each func(LiveSlot)) error {
	return tx.query(ctx, "slot.queue", `
select `+slotColumns+`, s.revision from slot s where s.hall_id = $1 and s.id >= $2 and s.id < $3 order by s.id`,
		func(scan func(...any) error) error { return eachLive(scan, each) },
		hall, booking.SlotID(queue, date, 0), booking.SlotID(queue, calendar.MakeDate(9999, 12, 31), 23))
}

// SlotsByID gives the named slots, [hall, slot] each, that exist.
func (tx *Tx) SlotsByID(ctx context.Context, refs [][2]string, each func(LiveSlot)) error {
	if len(refs) == 0 {
		return nil
	}
	return tx.query(ctx, "slot.refresh", `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id from {rows} r)
select `+slotColumns+`, s.revision from w cross join slot s where s.hall_id = w.hall and s.id = w.id`,
		func(scan func(...any) error) error { return eachLive(scan, each) }, marshal(refs))
}

// SlotCount returns how many slots lie on each date from date on.
func (tx *Tx) SlotCount(ctx context.Context, date calendar.Date) (map[calendar.Date]int, error) {
	out := map[calendar.Date]int{}
	err := tx.query(ctx, "slot.count", `select date, count(*) from slot where date >= $1 group by date`,
		func(scan func(...any) error) error {
			var d string
			var n int
			if err := scan(&d, &n); err != nil {
				return err
			}
			day, err := calendar.ParseDate(d)
			out[day] = n
			return err
		}, date.String())
	return out, err
}

func eachLive(scan func(...any) error, each func(LiveSlot)) error {
	var revision int64
	s, err := scanSlot(func(dest ...any) error { return scan(append(dest, &revision)...) })
	if err == nil {
		each(LiveSlot{*s, revision})
	}
	return err
}

// News is what one commit of a lane changed.
type News struct {
	Lane  string
	Seq   int64
	Slots [][2]string // [hall, slot]
}

// NewsAfter returns the news of all lanes other than own that lie after what the caller has seen of
// each; seen grows by the lanes that are new to it. A lane's news come in order and without gaps.
func (tx *Tx) NewsAfter(ctx context.Context, seen map[string]int64, own map[string]bool) ([]News, error) {
	var ask [][2]any
	err := tx.query(ctx, "lane.list", `select name from lane`, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		if !own[name] {
			ask = append(ask, [2]any{name, seen[name]})
		}
		return err
	})
	if err != nil || len(ask) == 0 {
		return nil, err
	}
	var out []News
	err = tx.query(ctx, "news.read", `
with w as materialized (select r.value->>0 as lane, cast(r.value->>1 as bigint) as seq from {rows} r)
select n.lane, n.seq, n.slots from w cross join slot_news n where n.lane = w.lane and n.seq > w.seq order by n.lane, n.seq`,
		func(scan func(...any) error) error {
			var n News
			var slots string
			if err := scan(&n.Lane, &n.Seq, &slots); err != nil {
				return err
			}
			out = append(out, n)
			return unmarshal(slots, &out[len(out)-1].Slots)
		}, marshal(ask))
	for _, n := range out {
		seen[n.Lane] = n.Seq
	}
	return out, err
}

// TouchLanes keeps the lanes of a running node known to the others.
func (tx *Tx) TouchLanes(ctx context.Context, names []string) error {
	for _, name := range names {
		if _, err := tx.exec(ctx, "lane.touch", `
insert into lane (name, seen_at) values ($1, $2) on conflict (name) do update set seen_at = excluded.seen_at`,
			name, micros(tx.Now)); err != nil {
			return err
		}
	}
	return nil
}

// AddNews tells all nodes that slots changed by another road than a lane.
func (tx *Tx) AddNews(ctx context.Context, lane string, seq int64, slots [][2]string) error {
	_, err := tx.exec(ctx, "news.insert", `insert into slot_news (lane, seq, at, slots) values ($1, $2, $3, $4)`,
		lane, seq, micros(tx.Now), marshal(slots))
	return err
}

// ForgetNews drops news, and lanes that have not been touched, older than before.
func (tx *Tx) ForgetNews(ctx context.Context, before time.Time) error {
	if _, err := tx.exec(ctx, "news.forget", `delete from slot_news where at < $1`, micros(before)); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "lane.forget", `delete from lane where seen_at < $1`, micros(before))
	return err
}

// UnitsIn adds up the units of the bookings that hold a place in the named slots, [hall, slot] each.
func (tx *Tx) UnitsIn(ctx context.Context, refs [][2]string) (int, error) {
	var units int
	_, err := tx.one(ctx, "slot.units", `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id from {rows} r)
select coalesce(sum(b.units), 0) from w cross join booking b
where b.hall_id = w.hall and b.slot_id = w.id and b.state not in (`+placeless+`)`, []any{marshal(refs)}, &units)
	return units, err
}
