package store

import (
	"context"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/identity"
)

const ticketColumns = "t.id, t.hall_id, t.date, t.queue_id, t.number, t.kind, t.share, t.slot_id, t.hour, t.booking, t.instead, t.item, t.stage, t.units, " +
	"t.person, t.sealed, t.verified, t.channel, t.state, t.counter, t.result, t.issued_at, t.place_at, t.place_after, t.first_at, t.called_at, t.ended_at, " +
	"t.calls, t.passes, t.told_early, t.told_late, t.told_guess, t.near_at, t.version"

func scanTicket(scan func(...any) error) (*counter.Ticket, error) {
	var t counter.Ticket
	var date, person string
	var issued, place, first, called, ended, near int64
	if err := scan(&t.ID, &t.HallID, &date, &t.QueueID, &t.Number, &t.Kind, &t.Share, &t.SlotID, &t.Hour, &t.Booking, &t.Instead, &t.Item, &t.Stage, &t.Units,
		&person, &t.Sealed, &t.Verified, &t.Channel, &t.State, &t.Counter, &t.Result, &issued, &place, &t.After, &first, &called, &ended,
		&t.Calls, &t.Passes, &t.Early, &t.Late, &t.Guess, &near, &t.Version); err != nil {
		return &t, err
	}
	t.Person = identity.Key(person)
	t.IssuedAt, t.PlaceAt, t.FirstAt, t.CalledAt, t.EndedAt = instant(issued), instant(place), since(first), since(called), since(ended)
	t.NearAt = since(near)
	var err error
	t.Date, err = calendar.ParseDate(date)
	return &t, err
}

func (tx *Tx) tickets(ctx context.Context, name, text string, args ...any) (out []*counter.Ticket, err error) {
	return out, tx.query(ctx, name, `select `+ticketColumns+` from ticket t `+text, func(scan func(...any) error) error {
		t, err := scanTicket(scan)
		out = append(out, t)
		return err
	}, args...)
}

func (tx *Tx) ticket(ctx context.Context, name, text string, args ...any) (*counter.Ticket, error) {
	list, err := tx.tickets(ctx, name, text, args...)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// OpenTickets returns the tickets of a hall's day that are not over.
func (tx *Tx) OpenTickets(ctx context.Context, hall string, date calendar.Date) ([]*counter.Ticket, error) {
	return tx.tickets(ctx, "ticket.open", `where t.hall_id = $1 and t.date = $2 and t.state not in ('done', 'left')`, hall, date.String())
}

// CalledTickets returns the tickets of a hall's day that were called last, newest first, at most limit.
func (tx *Tx) CalledTickets(ctx context.Context, hall string, date calendar.Date, limit int) ([]*counter.Ticket, error) {
	return tx.tickets(ctx, "ticket.called", `where t.hall_id = $1 and t.date = $2 and t.called_at > 0 order by t.called_at desc, t.id limit $3`,
		hall, date.String(), limit)
}

// TicketsOn returns every ticket of a hall's day in order of number.
func (tx *Tx) TicketsOn(ctx context.Context, hall string, date calendar.Date) ([]*counter.Ticket, error) {
	return tx.tickets(ctx, "ticket.day", `where t.hall_id = $1 and t.date = $2 order by t.number`, hall, date.String())
}

// Ticket returns a ticket by its id, nil for none.
func (tx *Tx) Ticket(ctx context.Context, id string) (*counter.Ticket, error) {
	return tx.ticket(ctx, "ticket.one", `where t.id = $1`, id)
}

// TicketsByID returns tickets by id; unknown ids are left out.
func (tx *Tx) TicketsByID(ctx context.Context, ids map[string]struct{}) (map[string]*counter.Ticket, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows := make([][1]string, 0, len(ids))
	for id := range ids {
		rows = append(rows, [1]string{id})
	}
	list, err := tx.tickets(ctx, "ticket.ids", `where t.id in (select r.value->>0 from {rows} r)`, marshal(rows))
	out := make(map[string]*counter.Ticket, len(list))
	for _, t := range list {
		out[t.ID] = t
	}
	return out, err
}

// TicketOf returns the ticket of a booking, nil for none.
func (tx *Tx) TicketOf(ctx context.Context, hall, booking string) (*counter.Ticket, error) {
	return tx.ticket(ctx, "ticket.booking", `where t.hall_id = $1 and t.booking = $2 and t.booking <> ''`, hall, booking)
}

// TicketsOfBookings returns the tickets of a hall's day that belong to bookings, by booking.
func (tx *Tx) TicketsOfBookings(ctx context.Context, hall string, date calendar.Date) (map[string]*counter.Ticket, error) {
	list, err := tx.tickets(ctx, "ticket.bookings", `where t.hall_id = $1 and t.date = $2 and t.booking <> ''`, hall, date.String())
	out := make(map[string]*counter.Ticket, len(list))
	for _, t := range list {
		out[t.Booking] = t
	}
	return out, err
}

// TicketsOfPerson returns the tickets a person has held on a date, first given first.
func (tx *Tx) TicketsOfPerson(ctx context.Context, person identity.Key, date calendar.Date) ([]*counter.Ticket, error) {
	return tx.tickets(ctx, "ticket.person", `where t.person = $1 and t.date = $2 order by t.issued_at, t.id`, string(person), date.String())
}

// AddTicket inserts a ticket. Its number, and its booking if it has one, must be new to the hall's day.
func (tx *Tx) AddTicket(ctx context.Context, t *counter.Ticket) error {
	sealed := t.Sealed
	if sealed == nil {
		sealed = []byte{}
	}
	_, err := tx.exec(ctx, "ticket.insert", `
insert into ticket (id, hall_id, date, queue_id, number, kind, share, slot_id, hour, booking, instead, item, stage, units, person, sealed, verified, channel,
  state, counter, result, issued_at, place_at, place_after, first_at, called_at, ended_at, calls, passes, told_early, told_late, version,
  told_guess, near_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)`,
		t.ID, t.HallID, t.Date.String(), t.QueueID, t.Number, string(t.Kind), string(t.Share), t.SlotID, t.Hour, t.Booking, t.Instead, t.Item, string(t.Stage),
		t.Units, string(t.Person), sealed, t.Verified, t.Channel, string(t.State), t.Counter, string(t.Result), micros(t.IssuedAt), micros(t.PlaceAt), t.After,
		untilMicros(t.FirstAt), untilMicros(t.CalledAt), untilMicros(t.EndedAt), t.Calls, t.Passes, t.Early, t.Late, t.Version,
		t.Guess, untilMicros(t.NearAt))
	return err
}

// SaveTicket writes what has become of a ticket; false if it is no longer at version was.
func (tx *Tx) SaveTicket(ctx context.Context, t *counter.Ticket, was int) (bool, error) {
	n, err := tx.exec(ctx, "ticket.update", `
update ticket set queue_id = $4, state = $5, counter = $6, result = $7, place_at = $8, place_after = $9, called_at = $10, ended_at = $11, calls = $12, passes = $13, version = $14, first_at = $15,
  near_at = $16
where hall_id = $1 and id = $2 and version = $3`,
		t.HallID, t.ID, was, t.QueueID, string(t.State), t.Counter, string(t.Result), micros(t.PlaceAt), t.After,
		untilMicros(t.CalledAt), untilMicros(t.EndedAt), t.Calls, t.Passes, t.Version, untilMicros(t.FirstAt), untilMicros(t.NearAt))
	return n == 1, err
}

// TicketEvent is one line of a ticket's history: exactly one for each version, never changed.
type TicketEvent struct {
	HallID  string
	Ticket  string
	Version int
	At      time.Time
	Kind    counter.ActKind
	Counter string
	ByKind  string // account, device, person, system
	ByID    string // of the account or device
	Detail  string // Transfer: from which queue; Finish: the result; an act of a counter that was cut off: offline
}

// AddTicketEvents writes history.
func (tx *Tx) AddTicketEvents(ctx context.Context, list []TicketEvent) error {
	for _, e := range list {
		if _, err := tx.exec(ctx, "ticket.event", `
insert into ticket_event (hall_id, ticket, version, at, kind, counter, by_kind, by_id, detail) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			e.HallID, e.Ticket, e.Version, micros(e.At), string(e.Kind), e.Counter, e.ByKind, e.ByID, e.Detail); err != nil {
			return err
		}
	}
	return nil
}

// TicketEvents returns the history of a ticket, oldest first.
func (tx *Tx) TicketEvents(ctx context.Context, hall, ticket string) (out []TicketEvent, err error) {
	return out, tx.query(ctx, "ticket.events", `
select hall_id, ticket, version, at, kind, counter, by_kind, by_id, detail from ticket_event where hall_id = $1 and ticket = $2 order by version`,
		func(scan func(...any) error) error {
			var e TicketEvent
			var at int64
			err := scan(&e.HallID, &e.Ticket, &e.Version, &at, &e.Kind, &e.Counter, &e.ByKind, &e.ByID, &e.Detail)
			e.At = instant(at)
			out = append(out, e)
			return err
		}, hall, ticket)
}

// FloorAct is an act at a hall under an idempotency key.
type FloorAct struct {
	HallID  string
	Key     string
	Hash    string // of what was asked
	Ticket  string // it came to
	Outcome string // "", or the code of why a counter that was cut off could not have done it
}

// FloorAct returns the act under a key, nil for none.
func (tx *Tx) FloorAct(ctx context.Context, hall, key string) (*FloorAct, error) {
	a := FloorAct{HallID: hall, Key: key}
	found, err := tx.one(ctx, "floor_act.read", `select hash, ticket, outcome from floor_act where hall_id = $1 and key = $2`, []any{hall, key},
		&a.Hash, &a.Ticket, &a.Outcome)
	if !found {
		return nil, err
	}
	return &a, err
}

// AddFloorAct keeps what an act came to, in its transaction.
func (tx *Tx) AddFloorAct(ctx context.Context, a FloorAct) error {
	_, err := tx.exec(ctx, "floor_act.insert", `insert into floor_act (hall_id, key, hash, at, ticket, outcome) values ($1, $2, $3, $4, $5, $6)`,
		a.HallID, a.Key, a.Hash, micros(tx.Now), a.Ticket, a.Outcome)
	return err
}

// ForgetFloorActs drops the keys of acts older than before.
func (tx *Tx) ForgetFloorActs(ctx context.Context, before time.Time) error {
	_, err := tx.exec(ctx, "floor_act.forget", `delete from floor_act where at < $1`, micros(before))
	return err
}

// RefuseArrival records an arrival that was refused (Art. 12).
func (tx *Tx) RefuseArrival(ctx context.Context, hall, booking, reason, byKind, byID string) error {
	_, err := tx.exec(ctx, "arrival.refuse", `
insert into arrival_refused (hall_id, at, booking, reason, by_kind, by_id) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
		hall, micros(tx.Now), booking, reason, byKind, byID)
	return err
}

// RefusedArrival is an arrival that was refused.
type RefusedArrival struct {
	At      time.Time
	Booking string
	Reason  string
	ByKind  string
	ByID    string
}

// RefusedArrivals returns those of a hall between two instants, oldest first.
func (tx *Tx) RefusedArrivals(ctx context.Context, hall string, from, before time.Time) (out []RefusedArrival, err error) {
	return out, tx.query(ctx, "arrival.refused", `
select at, booking, reason, by_kind, by_id from arrival_refused where hall_id = $1 and at >= $2 and at < $3 order by at, booking, reason`,
		func(scan func(...any) error) error {
			var r RefusedArrival
			var at int64
			err := scan(&at, &r.Booking, &r.Reason, &r.ByKind, &r.ByID)
			r.At = instant(at)
			out = append(out, r)
			return err
		}, hall, micros(from), micros(before))
}

// BookingsOn returns the bookings of some queues of a hall on a date, cancelled ones too, in order of hour.
func (tx *Tx) BookingsOn(ctx context.Context, hall string, queues []string, date calendar.Date) (out []*booking.Booking, err error) {
	if len(queues) == 0 {
		return nil, nil
	}
	return out, tx.query(ctx, "booking.day", `
with w as materialized (select r.value->>0 as first, r.value->>1 as last from {rows} r order by 1)
select `+bookingColumns+` from w join booking b on b.hall_id = $2 and b.slot_id >= w.first and b.slot_id <= w.last order by b.hour, b.queue_id, b.id`,
		func(scan func(...any) error) error {
			b, err := scanBooking(scan)
			out = append(out, b)
			return err
		}, marshal(daySlots(queues, date)), hall)
}

// CountBookings counts the bookings of some queues of a hall from one date to another, both inside, cancelled ones too; with
// missed those nobody came to, excused ones too.
func (tx *Tx) CountBookings(ctx context.Context, hall string, queues []string, from, to calendar.Date, missed bool) (n int, err error) {
	rows := make([][2]string, len(queues))
	for i, q := range queues {
		rows[i] = [2]string{booking.SlotID(q, from, 0), booking.SlotID(q, to, 23)}
	}
	_, err = tx.one(ctx, "booking.count_days", `
with w as materialized (select r.value->>0 as first, r.value->>1 as last from {rows} r order by 1)
select count(*) from w join booking b on b.hall_id = $2 and b.slot_id >= w.first and b.slot_id <= w.last where cast($3 as bigint) = 0 or b.state in ('no_show', 'excused')`,
		[]any{marshal(rows), hall, flag(missed)}, &n)
	return n, err
}

// HourCount is how many units of bookings of a queue's hour are in a state.
type HourCount struct {
	QueueID string
	Hour    int
	State   booking.State
	N       int
}

// CountByHour counts the units of the bookings of some queues of a hall on a date.
func (tx *Tx) CountByHour(ctx context.Context, hall string, queues []string, date calendar.Date) (out []HourCount, err error) {
	if len(queues) == 0 {
		return nil, nil
	}
	return out, tx.query(ctx, "booking.hours", `
with w as materialized (select r.value->>0 as first, r.value->>1 as last from {rows} r order by 1)
select b.queue_id, b.hour, b.state, cast(sum(b.units) as bigint) from w join booking b on b.hall_id = $2 and b.slot_id >= w.first and b.slot_id <= w.last
group by b.queue_id, b.hour, b.state order by b.queue_id, b.hour, b.state`,
		func(scan func(...any) error) error {
			var c HourCount
			err := scan(&c.QueueID, &c.Hour, &c.State, &c.N)
			out = append(out, c)
			return err
		}, marshal(daySlots(queues, date)), hall)
}

// daySlots bounds the slot ids of queues on a date, first and last of each.
func daySlots(queues []string, date calendar.Date) [][2]string {
	rows := make([][2]string, len(queues))
	for i, q := range queues {
		rows[i] = [2]string{booking.SlotID(q, date, 0), booking.SlotID(q, date, 23)}
	}
	return rows
}

// AtHall writes a booking that has arrived at its hall or is finished there, and its event; false if it is
// no longer at the version before.
func (tx *Tx) AtHall(ctx context.Context, b *booking.Booking, e booking.Event) (bool, error) {
	n, err := tx.exec(ctx, "booking.at_hall", `
update booking set state = $4, version = $5, changed_at = $6 where id = $1 and hall_id = $2 and version = $3`,
		b.ID, b.HallID, b.Version-1, string(b.State), b.Version, micros(b.ChangedAt))
	if err != nil || n != 1 {
		return false, err
	}
	_, err = tx.exec(ctx, "event.at_hall", `
insert into event (booking, version, hall_id, kind, at, actor, channel, slot_id, from_slot) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		e.Booking, e.Version, e.HallID, string(e.Kind), micros(e.At), string(e.Actor), string(e.Channel), e.SlotID, e.From)
	return true, err
}

// ReleaseLimits gives back the limit claims of a booking that is over.
func (tx *Tx) ReleaseLimits(ctx context.Context, b *booking.Booking) error {
	_, err := tx.exec(ctx, "claim.over", `
delete from claim where person in ($1, $2) and name >= '`+booking.LimitsFrom+`' and name < '`+booking.LimitsTo+`' and booking = $3`,
		string(b.BookerKey), string(b.ApplicantKey), b.ID)
	if err != nil || b.Cases == 0 {
		return err
	}
	return tx.releaseCases(ctx, b.ID)
}

// TakeClaim takes a claim unless somebody holds it, and returns the holder then.
func (tx *Tx) TakeClaim(ctx context.Context, c booking.Claim) (holder string, err error) {
	n, err := tx.exec(ctx, "claim.take", `
insert into claim (person, name, hall_id, booking, hash) values ($1, $2, $3, $4, $5) on conflict (person, name) do nothing`,
		string(c.Person), c.Name, c.HallID, c.Booking, c.Hash)
	if err != nil || n == 1 {
		return "", err
	}
	_, err = tx.one(ctx, "claim.holder", `select booking from claim where person = $1 and name = $2`, []any{string(c.Person), c.Name}, &holder)
	if holder == "" { // it was given back between the two
		holder = "?"
	}
	return holder, err
}

// TakeOnSite takes n on-site numbers of one slot, if it has as many left and is open (Art. 14).
func (tx *Tx) TakeOnSite(ctx context.Context, hall, slot string, n int) (bool, error) {
	got, err := tx.exec(ctx, "slot.on_site", `
update slot set on_site_taken = on_site_taken + $3 where hall_id = $1 and id = $2 and closed = 0 and on_site_taken + $3 <= on_site`, hall, slot, n)
	return got == 1, err
}

// TakeUnsold takes n off-site numbers that nobody booked, if the slot has as many left and is open (Art. 14);
// nil if not.
func (tx *Tx) TakeUnsold(ctx context.Context, hall, slot string, n int) (*SlotState, error) {
	var out *SlotState
	err := tx.query(ctx, "slot.unsold", `
update slot set taken = taken + $3, revision = revision + 1 where hall_id = $1 and id = $2 and closed = 0 and taken + held + $3 <= capacity
returning `+stateColumns, func(scan func(...any) error) error {
		s, err := scanState(scan)
		out = &s
		return err
	}, hall, slot, n)
	return out, err
}
