package store

import (
	"context"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/identity"
)

// Booking returns the booking with that id, nil if there is none.
func (tx *Tx) Booking(ctx context.Context, id string) (*booking.Booking, error) {
	var found *booking.Booking
	err := tx.query(ctx, "booking.one", `select `+bookingColumns+` from booking b where b.id = $1`,
		func(scan func(...any) error) (err error) {
			found, err = scanBooking(scan)
			return err
		}, id)
	return found, err
}

// BookingsByID returns the bookings with the given ids that exist.
func (tx *Tx) BookingsByID(ctx context.Context, ids map[string]struct{}) (map[string]*booking.Booking, error) {
	out := make(map[string]*booking.Booking, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	rows := make([][1]string, 0, len(ids))
	for id := range ids {
		rows = append(rows, [1]string{id})
	}
	err := tx.query(ctx, "booking.set", bookingsByID, func(scan func(...any) error) error {
		b, err := scanBooking(scan)
		out[b.ID] = b
		return err
	}, marshal(rows))
	return out, err
}

// bookingsByID reads the bookings named by a set of [id].
const bookingsByID = `
with w as materialized (select r.value->>0 as id from {rows} r)
select ` + bookingColumns + ` from w cross join booking b where b.id = w.id`

// BookingsOf returns bookings made by person whose id lies below before ("" = from the newest), newest
// made first, at most limit.
func (tx *Tx) BookingsOf(ctx context.Context, person identity.Key, before string, limit int) ([]*booking.Booking, error) {
	if before == "" {
		before = "~" // above every id
	}
	var out []*booking.Booking
	err := tx.query(ctx, "booking.mine", `
with w as materialized (
  select distinct c.booking as id from claim c
  where c.person = $1 and c.name >= '`+booking.KeysFrom+`' and c.name < '`+booking.KeysTo+`' and c.booking < $2
  order by 1 desc limit $3)
select `+bookingColumns+` from w cross join booking b where b.id = w.id and b.booker = $1 order by b.id desc`,
		func(scan func(...any) error) error {
			b, err := scanBooking(scan)
			out = append(out, b)
			return err
		}, string(person), before, limit)
	return out, err
}

// The states of active bookings, of those that wait for their person, and of those without a number,
// as SQL (booking.State.Active, Choosing, Holds).
const (
	active    = `'booked', 'pending', 'displaced', 'stranded'`
	choosing  = `'displaced', 'stranded'`
	placeless = `'cancelled', 'stranded'`
)

// ActiveOf returns the active bookings of person, those that wait for a choice first, then soonest first.
// Those a person holds are few: they are found by the claims they hold. A booking for somebody else that
// lost its hour may hold none of the booker's, and is found by what it waits in.
func (tx *Tx) ActiveOf(ctx context.Context, person identity.Key) ([]*booking.Booking, error) {
	var out []*booking.Booking
	err := tx.query(ctx, "booking.active", `
with w as materialized (
  select distinct c.booking as id from claim c
  where c.person = $1 and c.name >= '`+booking.LimitsFrom+`' and c.name < '`+booking.LimitsTo+`'
  union
  select c.booking as id from claim c join displacement d on d.booking = c.booking and d.state = 'waiting'
  where c.person = $1 and c.name >= '`+booking.KeysFrom+`' and c.name < '`+booking.KeysTo+`')
select `+bookingColumns+` from w cross join booking b where b.id = w.id and b.booker = $1 and b.state in (`+active+`)
order by case when b.state = 'booked' then 1 else 0 end, b.date, b.hour, b.id`,
		func(scan func(...any) error) error {
			b, err := scanBooking(scan)
			out = append(out, b)
			return err
		}, string(person))
	return out, err
}

// Events returns the history of a booking, oldest first.
func (tx *Tx) Events(ctx context.Context, id string) ([]booking.Event, error) {
	var out []booking.Event
	err := tx.query(ctx, "event.of", `
select booking, hall_id, version, kind, at, actor, channel, slot_id, from_slot from event where booking = $1 order by version`,
		func(scan func(...any) error) error {
			var e booking.Event
			var at int64
			err := scan(&e.Booking, &e.HallID, &e.Version, &e.Kind, &at, &e.Actor, &e.Channel, &e.SlotID, &e.From)
			e.At = instant(at)
			out = append(out, e)
			return err
		}, id)
	return out, err
}

// ActiveIn counts the active bookings in queues, [queue, item] each, item "" for all items; queues
// without any are left out.
func (tx *Tx) ActiveIn(ctx context.Context, queues [][2]string) (map[string]int, error) {
	out := map[string]int{}
	if len(queues) == 0 {
		return out, nil
	}
	return out, tx.query(ctx, "booking.held", `
with w as materialized (select distinct r.value->>0 as queue_id, r.value->>1 as item from {rows} r)
select b.queue_id, count(distinct b.id) from w join booking b on b.queue_id = w.queue_id and (w.item = '' or w.item = b.item)
where b.state in ('booked', 'pending', 'displaced') group by b.queue_id`, func(scan func(...any) error) error {
		var queue string
		var n int
		err := scan(&queue, &n)
		out[queue] = n
		return err
	}, marshal(queues))
}
