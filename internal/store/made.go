package store

import (
	"context"
	"fmt"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/supply"
)

// Made is a part of a past that is made whole: every row of it as if it had been lived. It is inserted only; rows
// that are there already are an error.
type Made struct {
	Slots        []booking.Slot // with their numbers taken
	Bookings     []*booking.Booking
	Claims       []booking.Claim
	Events       []booking.Event
	Messages     []booking.Message // sent when they were due
	Floors       []MadeFloor
	Tickets      []*counter.Ticket
	TicketEvents []TicketEvent
	Evaluations  []*counter.Evaluation
	Completed    []Completed
	Requests     []supply.Request // decided
	Breaches     []LedgerEntry
	Waits        []*booking.WaitEntry // that are over, each in one line
}

// MadeFloor is the day of a hall that has ended.
type MadeFloor struct {
	Day   DayRecord
	Lines map[string]*counter.Line
}

// Rows returns how many there are.
func (m *Made) Rows() int {
	return len(m.Slots) + len(m.Bookings) + len(m.Claims) + len(m.Events) + len(m.Messages) + len(m.Floors) + len(m.Tickets) + len(m.TicketEvents) +
		len(m.Evaluations) + len(m.Floors) + len(m.Completed) + len(m.Requests) + len(m.Breaches) + 2*len(m.Waits)
}

// Clear empties it and keeps the room.
func (m *Made) Clear() {
	*m = Made{
		m.Slots[:0], m.Bookings[:0], m.Claims[:0], m.Events[:0], m.Messages[:0], m.Floors[:0], m.Tickets[:0], m.TicketEvents[:0],
		m.Evaluations[:0], m.Completed[:0], m.Requests[:0], m.Breaches[:0], m.Waits[:0],
	}
}

var (
	madeSlot    = newInserter("slot", "hall_id", "id", "queue_id", "date", "hour", "capacity", "taken", "on_site", "on_site_taken", "release_at", "closed", "revision")
	madeMessage = newInserter("message", "booking", "version", "kind", "hall_id", "state", "due_at", "attempts", "sent_at", "receipt")
	madeFloor   = newInserter("floor", "hall_id", "date", "revision", "changed_at", "lines", "sealed")
	madeTicket  = newInserter("ticket", "id", "hall_id", "date", "queue_id", "number", "kind", "share", "slot_id", "hour", "booking", "instead", "item", "stage", "units",
		"person", "sealed", "verified", "channel", "state", "counter", "result", "issued_at", "place_at", "place_after", "first_at", "called_at", "ended_at",
		"calls", "passes", "told_early", "told_late", "told_guess", "near_at", "version")
	madeTicketEvent = newInserter("ticket_event", "hall_id", "ticket", "version", "at", "kind", "counter", "by_kind", "by_id", "detail")
	madeEvaluation  = newInserter("evaluation", "hall_id", "id", "ticket", "queue_id", "item", "counter", "at", "date", "grade", "reasons", "sealed", "channel", "state", "due", "version")
	madeDay         = newInserter("day_record", "hall_id", "date", "detail", "digest", "sealed_at")
	madeLedger      = newInserter("ledger", "id", "kind", "request", "account", "hall_id", "unit_id", "district_id", "street_id", "level", "at", "detail", "state")
	madeWait        = newInserter("wait_entry", "id", "number", "booker", "level", "applicant_kind", "applicant", "item", "stage", "units", "cases", "lines", "dates", "hours", "channel",
		"sealed", "state", "hall_id", "slot_id", "passed", "until", "last_at", "version", "joined_at", "changed_at")
	madeWaitLine  = newInserter("wait_line", "hall_id", "queue_id", "number", "entry", "units", "dates", "hours", "ahead", "state", "joined_at", "ended_at")
	madeCompleted = newInserter("completed", "hall_id", "queue_id", "date", "n", "source")
)

// insert writes n rows of one table, many by one statement.
func (tx *Tx) insert(ctx context.Context, in *inserter, n int, row func(i int, args []any) []any) error {
	if tx.copies != nil && n > 0 {
		if err := tx.copies(in, n, row); err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
		return nil
	}
	for from := 0; from < n; from += insertedAtOnce {
		part := min(insertedAtOnce, n-from)
		for _, s := range in.add(tx.db.d, nil, part, func(i int, args []any) []any { return row(from+i, args) }) {
			if _, err := tx.exec(ctx, s.name, s.text, s.args...); err != nil {
				return err
			}
		}
	}
	return nil
}

const insertedAtOnce = 5000

// AddMade writes a part of a made past.
func (tx *Tx) AddMade(ctx context.Context, m *Made) error {
	n := func(v int) int64 { return int64(v) }
	some := func(b []byte) []byte {
		if b == nil {
			return []byte{}
		}
		return b
	}
	steps := []struct {
		in  *inserter
		n   int
		row func(i int, args []any) []any
	}{
		{madeSlot, len(m.Slots), func(i int, args []any) []any {
			s := &m.Slots[i]
			return append(args, s.HallID, s.ID, s.QueueID, s.Date.String(), n(s.Hour), n(s.Capacity), n(s.Taken), n(s.OnSite), n(s.OnSiteTaken),
				micros(s.Release), flag(s.Closed), int64(1))
		}},
		{bookingInsert, len(m.Bookings), func(i int, args []any) []any {
			b := m.Bookings[i]
			return append(args, b.ID, b.HallID, b.QueueID, b.SlotID, b.Date.String(), n(b.Hour), b.Item, string(b.Stage), n(b.Units), string(b.State),
				string(b.Channel), string(b.Applicant), string(b.BookerKey), string(b.ApplicantKey), some(b.Sealed), n(b.Version), micros(b.CreatedAt), micros(b.ChangedAt), n(b.Cases))
		}},
		{claimInsert, len(m.Claims), func(i int, args []any) []any {
			c := &m.Claims[i]
			return append(args, string(c.Person), c.Name, c.HallID, c.Booking, c.Hash)
		}},
		{eventInsert, len(m.Events), func(i int, args []any) []any {
			e := &m.Events[i]
			return append(args, e.Booking, n(e.Version), e.HallID, string(e.Kind), micros(e.At), string(e.Actor), string(e.Channel), e.SlotID, e.From)
		}},
		{madeMessage, len(m.Messages), func(i int, args []any) []any {
			c := &m.Messages[i]
			return append(args, c.Booking, n(c.Version), string(c.Kind), c.HallID, "sent", micros(c.Due), int64(1), micros(c.Due), "made")
		}},
		{madeFloor, len(m.Floors), func(i int, args []any) []any {
			f := &m.Floors[i]
			return append(args, f.Day.HallID, f.Day.Date.String(), int64(1), micros(f.Day.Sealed), marshal(f.Lines), int64(1))
		}},
		{madeTicket, len(m.Tickets), func(i int, args []any) []any {
			t := m.Tickets[i]
			return append(args, t.ID, t.HallID, t.Date.String(), t.QueueID, t.Number, string(t.Kind), string(t.Share), t.SlotID, n(t.Hour), t.Booking, t.Instead, t.Item, string(t.Stage), n(t.Units),
				string(t.Person), some(t.Sealed), t.Verified, t.Channel, string(t.State), t.Counter, string(t.Result), micros(t.IssuedAt), micros(t.PlaceAt), n(t.After),
				untilMicros(t.FirstAt), untilMicros(t.CalledAt), untilMicros(t.EndedAt), n(t.Calls), n(t.Passes), n(t.Early), n(t.Late), n(t.Guess), untilMicros(t.NearAt), n(t.Version))
		}},
		{madeTicketEvent, len(m.TicketEvents), func(i int, args []any) []any {
			e := &m.TicketEvents[i]
			return append(args, e.HallID, e.Ticket, n(e.Version), micros(e.At), string(e.Kind), e.Counter, e.ByKind, e.ByID, e.Detail)
		}},
		{madeEvaluation, len(m.Evaluations), func(i int, args []any) []any {
			e := m.Evaluations[i]
			return append(args, e.HallID, e.ID, e.Ticket, e.QueueID, e.Item, e.Counter, micros(e.At), e.Date.String(), int64(e.Grade), marshal(e.Reasons), some(e.Sealed), e.Channel,
				string(e.State), dueText(e.Due), n(e.Version))
		}},
		{madeDay, len(m.Floors), func(i int, args []any) []any {
			d := &m.Floors[i].Day
			return append(args, d.HallID, d.Date.String(), string(d.Detail), d.Digest, micros(d.Sealed))
		}},
		{madeCompleted, len(m.Completed), func(i int, args []any) []any {
			c := &m.Completed[i]
			return append(args, c.HallID, c.QueueID, c.Date.String(), n(c.N), c.Source)
		}},
		{madeWait, len(m.Waits), func(i int, args []any) []any {
			e := m.Waits[i]
			return append(args, e.ID, e.Number, string(e.Booker), n(int(e.Level)), string(e.Applicant), string(e.ApplicantKey), e.Item, string(e.Stage), n(e.Units), n(e.Cases), linesOf(e),
				datesOf(e), hoursOf(e), string(e.Channel), some(e.Sealed), string(e.State), e.HallID, e.SlotID, marshal(e.Passed), untilOf(e), micros(e.Last()), n(e.Version),
				micros(e.JoinedAt), micros(e.ChangedAt))
		}},
		{madeWaitLine, len(m.Waits), func(i int, args []any) []any {
			e := m.Waits[i]
			return append(args, e.Lines[0].HallID, e.Lines[0].QueueID, e.Number, e.ID, n(e.Units), datesOf(e), hoursOf(e), n(i%7), string(e.State), micros(e.JoinedAt), endedAt(e))
		}},
	}
	for _, s := range steps {
		if err := tx.insert(ctx, s.in, s.n, s.row); err != nil {
			return err
		}
	}
	return tx.addAsked(ctx, m)
}

// addAsked writes requests with their history, and what the ledger says of them.
func (tx *Tx) addAsked(ctx context.Context, m *Made) error {
	for _, r := range m.Requests {
		if err := tx.AddRequest(ctx, r); err != nil {
			return err
		}
		kind := "approved"
		if r.State == supply.Refused {
			kind = "refused"
		}
		for _, e := range []RequestEvent{{At: r.FiledAt, Kind: "filed", Account: r.FiledBy}, {At: r.DecidedAt, Kind: kind, Account: r.DecidedBy, Text: r.Why}} {
			if err := tx.AddRequestEvent(ctx, r.ID, e); err != nil {
				return err
			}
		}
	}
	return tx.insert(ctx, madeLedger, len(m.Breaches), func(i int, args []any) []any {
		e := &m.Breaches[i]
		return append(args, e.ID, string(e.Kind), e.Request, e.Account, e.HallID, e.UnitID, e.DistrictID, e.StreetID, string(e.Level), micros(e.At), marshal(e.Detail), string(e.State))
	})
}

// Size returns how many bytes the database takes on disk.
func (db *DB) Size(ctx context.Context) (bytes int64, err error) {
	text := "select page_count * page_size from pragma_page_count, pragma_page_size"
	if db.d == &postgres {
		text = "select pg_database_size(current_database())"
	}
	err = db.read.QueryRowContext(ctx, text).Scan(&bytes)
	return bytes, err
}

// Analyze tells the engine how much there is in every table after very many rows were written.
func (db *DB) Analyze(ctx context.Context) error {
	_, err := db.write.ExecContext(ctx, "analyze")
	return err
}

// Planted is something unusual that was put into the made past of a hall on purpose.
type Planted struct {
	HallID      string
	Kind        string
	First, Last calendar.Date
	Times       float64 // the usual
}

// SavePlanted keeps what was planted; what is kept already stays.
func (tx *Tx) SavePlanted(ctx context.Context, list []Planted) error {
	rows := make([][5]string, len(list))
	for i, p := range list {
		rows[i] = [5]string{p.HallID, p.Kind, p.First.String(), p.Last.String(), fmt.Sprint(p.Times)}
	}
	_, err := tx.exec(ctx, "planted.save", `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as kind, r.value->>2 as first, r.value->>3 as last, r.value->>4 as times from {rows} r order by 1, 2, 3)
insert into planted (hall_id, kind, first, last, times) select hall_id, kind, first, last, times from w where true on conflict (hall_id, kind, first) do nothing`, marshal(rows))
	return err
}

// Planted returns what was planted, by hall, kind and date.
func (tx *Tx) Planted(ctx context.Context) (out []Planted, err error) {
	return out, tx.query(ctx, "planted.list", `select hall_id, kind, first, last, times from planted order by 1, 2, 3`, func(scan func(...any) error) error {
		var p Planted
		var first, last, times string
		if err := scan(&p.HallID, &p.Kind, &first, &last, &times); err != nil {
			return err
		}
		out = append(out, p)
		q := &out[len(out)-1]
		if q.First, err = calendar.ParseDate(first); err != nil {
			return err
		}
		if q.Last, err = calendar.ParseDate(last); err != nil {
			return err
		}
		_, err := fmt.Sscan(times, &q.Times)
		return err
	})
}

// MadeSpan is a past that was made: its first and last date.
type MadeSpan struct{ First, Last calendar.Date }

// MadeCounter names the counter of the days that were made of a year: 2 when it was begun, and one more with each day.
func MadeCounter(year int, how string) string { return fmt.Sprintf("simulation %d seed %s", year, how) }

// MadeSpans returns what was made, the earliest first.
func (tx *Tx) MadeSpans(ctx context.Context) (list []MadeSpan, err error) {
	return list, tx.query(ctx, "made.spans", `select name, next from counter where name like 'simulation % seed %' and next > 2 order by name`, func(scan func(...any) error) error {
		var name string
		var next int64
		if err := scan(&name, &next); err != nil {
			return err
		}
		var year int
		if _, err := fmt.Sscanf(name, "simulation %d seed ", &year); err != nil {
			return fmt.Errorf("counter %s: %w", name, err)
		}
		first := calendar.MakeDate(year, 1, 1)
		list = append(list, MadeSpan{first, first + calendar.Date(next-3)})
		return nil
	})
}
