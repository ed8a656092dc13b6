package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// Lane is one connection that answers groups of booking requests, each group in one transaction.
// It is used by one goroutine at a time.
//
// The order of locks is the same everywhere: claims by person and name, bookings by id, delegations, displacements
// by booking, entries of the waitlist by id, holds by hall, slot and id, then slots by hall and id.
type Lane struct {
	db   *DB
	name string // unique among all lanes that ever ran
	seq  int64
	conn laneConn

	// unproven: a commit's outcome was lost. What is found of it may not be safe elsewhere yet, so
	// the next answers wait for a commit of their own, which comes after it.
	unproven bool
}

// SlotState is what a slot holds after a change: what memory is refreshed with.
type SlotState struct {
	HallID, QueueID, SlotID string
	Capacity, Taken, Held   int
	Closed                  bool
	Revision                int64
}

// stmt is one statement of a group, in the order they are to run.
type stmt struct {
	name string
	text string
	args []any
	want int64 // rows an update or delete must touch; another number means the facts were stale. −1: any
	row  func(scan func(...any) error) error
}

// laneConn runs statements for a lane. PostgreSQL sends all of them in one round trip.
type laneConn interface {
	read(ctx context.Context, stmts []stmt) error  // outside a transaction
	write(ctx context.Context, stmts []stmt) error // in one transaction, committed: all or none; ErrUnknown when it may be either
	close() error
}

// errStale says that the facts a group was decided on had changed: read and decide again.
var errStale = errors.New("store: facts changed meanwhile")

// NewLane opens a lane. name must be new: a node that starts again takes another.
func (db *DB) NewLane(ctx context.Context, name string) (*Lane, error) {
	if err := db.Update(ctx, func(tx *Tx) error { return tx.TouchLanes(ctx, []string{name}) }); err != nil {
		return nil, err
	}
	conn, err := db.d.lane(ctx, db)
	if err != nil {
		return nil, err
	}
	return &Lane{db: db, name: name, conn: conn}, nil
}

// Close ends the lane's connection.
func (l *Lane) Close() error {
	if l.conn == nil {
		return nil
	}
	return l.conn.close()
}

// Run answers a group: reads the facts, decides, writes the change and commits. It returns when every
// answer is final. If the connection is lost, even while committing, the group is decided again on a
// new one: each request carries its idempotency key, so what was committed is found and not done twice.
// Only when that goes on until ctx ends are the requests answered with OutcomeUnknown or Busy.
func (l *Lane) Run(ctx context.Context, group []booking.Request) ([]booking.Outcome, []SlotState) {
	unknown := false
	for attempt := 0; ; attempt++ {
		out, states, err := l.attempt(ctx, group, attempt)
		if err == nil {
			return out, states
		}
		if errors.Is(err, ErrUnknown) {
			unknown = true
		}
		if ctx.Err() == nil && l.recover(ctx, attempt, err) {
			continue
		}
		code := fault.Busy
		if unknown {
			code = fault.OutcomeUnknown
		}
		out = make([]booking.Outcome, len(group))
		for i := range out {
			out[i].Fault = fault.Wrap(code, err).After(time.Second)
		}
		return out, nil
	}
}

// rereads is how often a group is read and decided again at once when its facts were stale.
const rereads = 3

// recover prepares for another attempt after err; false when there is no time left.
func (l *Lane) recover(ctx context.Context, attempt int, err error) bool {
	if errors.Is(err, errStale) && attempt < rereads {
		return true
	}
	pause := min(time.Duration(1<<min(attempt, 8))*time.Millisecond, 250*time.Millisecond)
	if !errors.Is(err, errStale) && !l.db.d.retry(err) {
		l.conn.close()
		for {
			conn, openErr := l.db.d.lane(ctx, l.db)
			if openErr == nil {
				l.conn = conn
				break
			}
			select {
			case <-ctx.Done():
				l.conn = brokenConn{openErr}
				return false
			case <-time.After(pause):
				pause = min(2*pause, 250*time.Millisecond)
			}
		}
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

// brokenConn stands where no connection could be opened: the next group tries again.
type brokenConn struct{ err error }

func (b brokenConn) read(context.Context, []stmt) error  { return b.err }
func (b brokenConn) write(context.Context, []stmt) error { return b.err }
func (b brokenConn) close() error                        { return nil }

func (l *Lane) attempt(ctx context.Context, group []booking.Request, n int) ([]booking.Outcome, []SlotState, error) {
	now := l.db.now().Truncate(time.Microsecond)
	facts, err := l.facts(ctx, group)
	if err != nil {
		return nil, nil, err
	}
	out, change := booking.Decide(now, facts, group)
	if n < rereads && slices.ContainsFunc(out, func(o booking.Outcome) bool { return o.Fault != nil && o.Fault.Code == fault.Busy }) {
		return nil, nil, errStale // something moved between the two rounds of reading
	}
	if err := l.overtaken(ctx, group, out, facts); err != nil {
		return nil, nil, err
	}
	if change.Empty() && !l.unproven {
		return out, nil, nil
	}
	states, err := l.apply(ctx, now, change)
	if err != nil {
		l.unproven = l.unproven || errors.Is(err, ErrUnknown)
		return nil, nil, err
	}
	l.unproven = false
	return out, states, nil
}

func (l *Lane) facts(ctx context.Context, group []booking.Request) (*booking.Facts, error) {
	f, first := booking.NewFacts(), booking.NewNeeds()
	f.Chances = lots(len(group))
	for _, r := range group {
		r.Needs(first)
	}
	if err := l.conn.read(ctx, reads(first, f)); err != nil {
		return nil, err
	}
	more := booking.NewNeeds()
	for _, r := range group {
		r.More(f, more)
	}
	for id := range f.Slots {
		delete(more.Slots, id)
	}
	for id := range f.Bookings {
		delete(more.Bookings, id)
	}
	if more.Empty() {
		return f, nil
	}
	return f, l.conn.read(ctx, reads(more, f))
}

// overtaken is errStale when a refusal rests on what the very same request, sent twice, did on another
// lane after its key was looked up here: it must be answered with that. Refusals that rest on slots
// need no second look, slots are read before keys.
func (l *Lane) overtaken(ctx context.Context, group []booking.Request, out []booking.Outcome, f *booking.Facts) error {
	n := booking.NewNeeds()
	for i, o := range out {
		if o.Fault == nil {
			continue
		}
		switch o.Fault.Code {
		case fault.AlreadyBooked, fault.SameHour, fault.DayLimit, fault.NotActive, fault.SameSlot, fault.ChoiceOver, fault.RebookUsed, fault.CaseBooked, fault.NoSuchCase, fault.LastCase,
			fault.OfferOver, fault.Busy:
			group[i].Needs(n)
		}
	}
	for ref := range n.Keys {
		if _, known := f.Claim(ref); known {
			delete(n.Keys, ref)
		}
	}
	if len(n.Keys) == 0 {
		return nil
	}
	late := booking.NewFacts()
	if err := l.conn.read(ctx, reads(&booking.Needs{Keys: n.Keys}, late)); err != nil {
		return err
	}
	for ref := range n.Keys {
		if _, found := late.Claim(ref); found {
			return errStale
		}
	}
	return nil
}

// lots draws n numbers by lot, which nobody can foresee.
func lots(n int) []uint64 {
	b := make([]byte, 8*n)
	rand.Read(b)
	out := make([]uint64, n)
	for i := range out {
		out[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return out
}

const slotColumns = "s.id, s.hall_id, s.queue_id, s.date, s.hour, s.capacity, s.taken, s.on_site, s.on_site_taken, s.release_at, s.closed, s.held"

const stateColumns = "slot.hall_id, slot.queue_id, slot.id, slot.capacity, slot.taken, slot.closed, slot.revision, slot.held"

const bookingColumns = "b.id, b.hall_id, b.queue_id, b.slot_id, b.date, b.hour, b.item, b.stage, b.units, b.state, b.channel, b.applicant_kind, b.booker, b.applicant, b.sealed, b.version, b.created_at, b.changed_at, b.cases"

// reads makes the statements that bring what n names into f. Slots come before keys: who finds a slot
// sold out and its own key unused was not given the last number by a request of its own.
func reads(n *booking.Needs, f *booking.Facts) []stmt {
	var list []stmt
	if len(n.Slots) > 0 {
		rows := make([][2]string, 0, len(n.Slots))
		for id, hall := range n.Slots {
			rows = append(rows, [2]string{hall, id})
		}
		list = append(list, stmt{name: "slot.read", want: -1, args: []any{marshal(rows)}, text: `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id from {rows} r)
select ` + slotColumns + ` from w cross join slot s where s.hall_id = w.hall and s.id = w.id`,
			row: func(scan func(...any) error) error {
				s, err := scanSlot(scan)
				f.Slots[s.ID] = s
				return err
			}})
	}
	var c booking.Claim
	into := []any{&c.Person, &c.Name, &c.HallID, &c.Booking, &c.Hash}
	putClaim := func(scan func(...any) error) error {
		err := scan(into...)
		f.Put(c)
		return err
	}
	if len(n.Keys) > 0 {
		rows := make([][2]string, 0, len(n.Keys))
		for k := range n.Keys {
			rows = append(rows, [2]string{string(k.Person), k.Name})
		}
		list = append(list, stmt{name: "claim.keys", want: -1, args: []any{marshal(rows)}, row: putClaim, text: `
with w as materialized (select r.value->>0 as person, r.value->>1 as name from {rows} r)
select c.person, c.name, c.hall_id, c.booking, c.hash from w cross join claim c where c.person = w.person and c.name = w.name`})
	}
	if len(n.Persons) > 0 {
		rows := make([][1]string, 0, len(n.Persons))
		for p := range n.Persons {
			rows = append(rows, [1]string{string(p)})
			f.SetKnown(p)
		}
		list = append(list, stmt{name: "claim.limits", want: -1, args: []any{marshal(rows)}, row: putClaim, text: `
with w as materialized (select r.value->>0 as person from {rows} r)
select c.person, c.name, c.hall_id, c.booking, c.hash from w cross join claim c
where c.person = w.person and c.name >= '` + booking.LimitsFrom + `' and c.name < '` + booking.LimitsTo + `'`})
	}
	if len(n.Bookings) > 0 {
		rows := make([][1]string, 0, len(n.Bookings))
		for id := range n.Bookings {
			rows = append(rows, [1]string{id})
		}
		list = append(list, stmt{name: "booking.read", want: -1, args: []any{marshal(rows)}, text: bookingsByID,
			row: func(scan func(...any) error) error {
				b, err := scanBooking(scan)
				f.Bookings[b.ID] = b
				return err
			}})
	}
	if len(n.Choices) > 0 {
		list = append(list, readChoices(n, f))
	}
	if len(n.Cases) > 0 {
		list = append(list, readCases(n, f)...)
	}
	if len(n.Waits) > 0 {
		list = append(list, readWaits(n, f))
	}
	if len(n.Holds) > 0 {
		list = append(list, readHolds(n, f))
	}
	if len(n.Marks) > 0 {
		list = append(list, readMarks(n, f)...)
	}
	return list
}

// apply writes the change and commits.
func (l *Lane) apply(ctx context.Context, now time.Time, c *booking.Change) ([]SlotState, error) {
	var states []SlotState
	list := writes(l.db.d, c, &states, now)
	if len(c.Slots) > 0 || l.unproven {
		list = append(list, l.news(now, c))
	}
	if err := l.conn.write(ctx, list); err != nil {
		if l.db.d.unique(err) {
			return nil, fmt.Errorf("%w: %w", errStale, err)
		}
		return nil, err
	}
	return states, nil
}

// writes makes the statements that put a change into the tables, in the order of locks.
func writes(d *dialect, c *booking.Change, states *[]SlotState, now time.Time) []stmt {
	var list []stmt
	slices.SortFunc(c.Release, byRef)
	slices.SortFunc(c.Take, byRef)
	if len(c.Release) > 0 {
		rows := make([][3]string, len(c.Release))
		for i, r := range c.Release {
			rows[i] = [3]string{string(r.Person), r.Name, r.Booking}
		}
		list = append(list, stmt{name: "claim.release", want: int64(len(rows)), args: []any{marshal(rows)}, text: `
with w as materialized (select r.value->>0 as person, r.value->>1 as name, r.value->>2 as booking from {rows} r order by 1, 2)
delete from claim where (person, name, booking) in (select person, name, booking from w)`})
	}
	list = claimInsert.add(d, list, len(c.Take), func(i int, args []any) []any {
		t := &c.Take[i]
		return append(args, string(t.Person), t.Name, t.HallID, t.Booking, t.Hash)
	})
	insert := c.Insert
	slices.SortFunc(c.Update, func(a, b booking.Update) int { return strings.Compare(a.Booking.ID, b.Booking.ID) })
	for _, up := range c.Update {
		list = append(list, updateBooking(up)...)
		if up.Booking.HallID != up.Hall {
			insert = append(insert, up.Booking)
		}
	}
	list = bookingInsert.add(d, list, len(insert), func(i int, args []any) []any {
		b := insert[i]
		return append(args, b.ID, b.HallID, b.QueueID, b.SlotID, b.Date.String(), int64(b.Hour), b.Item, string(b.Stage), int64(b.Units),
			string(b.State), string(b.Channel), string(b.Applicant), string(b.BookerKey), string(b.ApplicantKey), b.Sealed,
			int64(b.Version), micros(b.CreatedAt), micros(b.ChangedAt), int64(b.Cases))
	})
	list = writeCases(d, list, c)
	list = eventInsert.add(d, list, len(c.Events), func(i int, args []any) []any {
		e := &c.Events[i]
		return append(args, e.Booking, int64(e.Version), e.HallID, string(e.Kind), micros(e.At), string(e.Actor), string(e.Channel), e.SlotID, e.From)
	})
	list = messageInsert.add(d, list, len(c.Messages), func(i int, args []any) []any {
		m := &c.Messages[i]
		return append(args, m.Booking, int64(m.Version), string(m.Kind), m.HallID, "pending", micros(m.Due))
	})
	list = writeDelegations(d, list, c, now)
	list = writeMeasures(d, writeDisplacements(d, list, c), c)
	list = writeHolds(d, writeWaits(list, c), c)
	if len(c.Slots) > 0 { // last: everybody wants these rows, so they are held only for the commit
		list = append(list, shiftSlots(c, states))
	}
	return list
}

// shiftSlots takes and gives back numbers, guarded here and by the table's own check. Nothing is taken
// of a slot that was closed meanwhile: who closes it has seen everybody who is in it.
func shiftSlots(c *booking.Change, states *[]SlotState) stmt {
	type shift struct {
		hall, id string
		n        int
	}
	order := make([]shift, 0, len(c.Slots))
	for id, n := range c.Slots {
		order = append(order, shift{c.Halls[id], id, n})
	}
	slices.SortFunc(order, func(a, b shift) int {
		if c := strings.Compare(a.hall, b.hall); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	rows := make([][4]any, len(order))
	for i, s := range order {
		rows[i] = [4]any{s.hall, s.id, s.n, c.Held[s.id]}
	}
	return stmt{name: "slot.shift", want: int64(len(rows)), args: []any{marshal(rows)}, text: `
with w as materialized (select r.value->>0 as hall, r.value->>1 as id, cast(r.value->>2 as bigint) as n, cast(r.value->>3 as bigint) as h
    from {rows} r order by 1, 2)
update slot set taken = taken + w.n, held = held + w.h, revision = revision + 1 from w
where slot.hall_id = w.hall and slot.id = w.id and taken + w.n >= 0 and held + w.h >= 0 and (w.n + w.h <= 0 or taken + held + w.n + w.h <= capacity)
  and (w.n <= 0 and w.h <= 0 or closed = 0)
returning ` + stateColumns,
		row: func(scan func(...any) error) error {
			s, err := scanState(scan)
			*states = append(*states, s)
			return err
		}}
}

// updateBooking writes the new state of a booking. To another hall it goes by delete and insert, so
// that the hall can be what rows are distributed by.
func updateBooking(up booking.Update) []stmt {
	b := up.Booking
	if b.HallID != up.Hall {
		return []stmt{{name: "booking.leave", want: 1, args: []any{b.ID, up.Hall, int64(up.Was)},
			text: `delete from booking where id = $1 and hall_id = $2 and version = $3`}}
	}
	return []stmt{{name: "booking.update", want: 1, text: `
update booking set queue_id = $4, slot_id = $5, date = $6, hour = $7, state = $8, version = $9, changed_at = $10, units = $11
where id = $1 and hall_id = $2 and version = $3`,
		args: []any{b.ID, b.HallID, int64(up.Was), b.QueueID, b.SlotID, b.Date.String(), int64(b.Hour), string(b.State), int64(b.Version), micros(b.ChangedAt), int64(b.Units)}}}
}

// news tells other nodes which slots this commit changed.
func (l *Lane) news(now time.Time, c *booking.Change) stmt {
	rows := make([][2]string, 0, len(c.Slots))
	for id := range c.Slots {
		rows = append(rows, [2]string{c.Halls[id], id})
	}
	l.seq++
	return stmt{name: "news.insert", want: -1, args: []any{l.name, l.seq, micros(now), marshal(rows)},
		text: `insert into slot_news (lane, seq, at, slots) values ($1, $2, $3, $4)`}
}

func byRef(a, b booking.Claim) int {
	if c := strings.Compare(string(a.Person), string(b.Person)); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

func scanSlot(scan func(...any) error) (*booking.Slot, error) {
	var s booking.Slot
	var date string
	var release, closed int64
	if err := scan(&s.ID, &s.HallID, &s.QueueID, &date, &s.Hour, &s.Capacity, &s.Taken, &s.OnSite, &s.OnSiteTaken, &release, &closed, &s.Held); err != nil {
		return &s, err
	}
	var err error
	s.Date, err = calendar.ParseDate(date)
	s.Release, s.Closed = instant(release), closed != 0
	return &s, err
}

func scanState(scan func(...any) error) (SlotState, error) {
	var s SlotState
	var closed int64
	err := scan(&s.HallID, &s.QueueID, &s.SlotID, &s.Capacity, &s.Taken, &closed, &s.Revision, &s.Held)
	s.Closed = closed != 0
	return s, err
}

func scanBooking(scan func(...any) error) (*booking.Booking, error) {
	var b booking.Booking
	var date, stage, state, channel, applicant, booker, who string
	var created, changed int64
	if err := scan(&b.ID, &b.HallID, &b.QueueID, &b.SlotID, &date, &b.Hour, &b.Item, &stage, &b.Units, &state, &channel,
		&applicant, &booker, &who, &b.Sealed, &b.Version, &created, &changed, &b.Cases); err != nil {
		return &b, err
	}
	var err error
	b.Date, err = calendar.ParseDate(date)
	b.Stage, b.State, b.Channel = directory.Stage(stage), booking.State(state), booking.Channel(channel)
	b.Applicant, b.BookerKey, b.ApplicantKey = booking.ApplicantKind(applicant), identity.Key(booker), identity.Key(who)
	b.CreatedAt, b.ChangedAt = instant(created), instant(changed)
	return &b, err
}

// inserter writes rows of one table: one by one statement of its own, many by statements of 64, 32, … 2 rows, so
// that few texts are ever prepared, or by one that takes an array for each column, where the engine has them.
type inserter struct {
	name    string
	table   string
	columns []string
	after   string    // what is done about rows that are there, "" for an error
	texts   [7]string // for 1<<i rows
	arrays  atomic.Pointer[string]
}

// fewRows are inserted row by row: an array is not worth its making.
const fewRows = 4

func newInserter(table string, columns ...string) *inserter {
	return makeInserter(&inserter{name: table + ".insert", table: table, columns: columns})
}

// newReplacer is an inserter that writes over rows of the same key: the first so many columns.
func newReplacer(table string, keys int, columns ...string) *inserter {
	set := make([]string, 0, len(columns))
	for _, c := range columns[keys:] {
		set = append(set, c+" = excluded."+c)
	}
	return makeInserter(&inserter{name: table + ".replace", table: table, columns: columns,
		after: " on conflict (" + strings.Join(columns[:keys], ", ") + ") do update set " + strings.Join(set, ", ")})
}

func makeInserter(in *inserter) *inserter {
	table, columns := in.table, in.columns
	for i := range in.texts {
		var b strings.Builder
		fmt.Fprintf(&b, "insert into %s (%s) values ", table, strings.Join(columns, ", "))
		for row := range 1 << i {
			if row > 0 {
				b.WriteString(", ")
			}
			b.WriteByte('(')
			for col := range columns {
				if col > 0 {
					b.WriteString(", ")
				}
				fmt.Fprintf(&b, "$%d", row*len(columns)+col+1)
			}
			b.WriteByte(')')
		}
		b.WriteString(in.after)
		in.texts[i] = b.String()
	}
	return in
}

// add appends the statements that insert n rows in their order; row appends the values of one to args, each a
// string, an int64 or a []byte.
func (in *inserter) add(d *dialect, list []stmt, n int, row func(i int, args []any) []any) []stmt {
	if d.arrays && n >= fewRows {
		return append(list, in.columnwise(n, row))
	}
	for at := 0; at < n; {
		p := len(in.texts) - 1
		for 1<<p > n-at {
			p--
		}
		args := make([]any, 0, len(in.columns)<<p)
		for range 1 << p {
			args = row(at, args)
			at++
		}
		list = append(list, stmt{name: in.name, text: in.texts[p], args: args, want: -1})
	}
	return list
}

// columnwise is one statement for n rows. A parameter for each value would be the dearest part of a group
// (measured: 40 % of what the server allocates for a booking), and the plan of "values" is gone through row by row.
func (in *inserter) columnwise(n int, row func(i int, args []any) []any) stmt {
	list := make([]column, len(in.columns))
	values := make([]any, 0, len(in.columns))
	for i := range n {
		values = row(i, values[:0])
		for k, v := range values {
			c := &list[k]
			switch v := v.(type) {
			case string:
				c.texts = push(c.texts, v, n)
			case int64:
				c.numbers = push(c.numbers, v, n)
			case []byte:
				c.bytes = push(c.bytes, v, n)
			default:
				panic(fmt.Sprintf("store: a %T cannot be inserted into %s.%s", v, in.table, in.columns[k]))
			}
		}
	}
	args := make([]any, len(list))
	kinds := make([]string, len(list))
	for k := range list {
		args[k], kinds[k] = list[k].array()
	}
	text := in.arrays.Load()
	if text == nil {
		var b strings.Builder
		fmt.Fprintf(&b, "insert into %s (%s) select * from unnest(", in.table, strings.Join(in.columns, ", "))
		for col, kind := range kinds {
			if col > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "$%d::%s[]", col+1, kind)
		}
		b.WriteByte(')')
		b.WriteString(in.after)
		made := b.String()
		text = &made
		in.arrays.Store(text)
	}
	return stmt{name: in.name, text: *text, args: args, want: -1}
}

// column is what goes into one column: values of one kind.
type column struct {
	texts   []string
	numbers []int64
	bytes   [][]byte
}

// array returns the values and the kind of each.
func (c *column) array() (values any, kind string) {
	switch {
	case c.texts != nil:
		return c.texts, "text"
	case c.numbers != nil:
		return c.numbers, "bigint"
	}
	return c.bytes, "bytea"
}

// push appends the first or a further of n values.
func push[T any](list []T, v T, n int) []T {
	if list == nil {
		list = make([]T, 0, n)
	}
	return append(list, v)
}

var (
	claimInsert   = newInserter("claim", "person", "name", "hall_id", "booking", "hash")
	bookingInsert = newInserter("booking", "id", "hall_id", "queue_id", "slot_id", "date", "hour", "item", "stage", "units", "state",
		"channel", "applicant_kind", "booker", "applicant", "sealed", "version", "created_at", "changed_at", "cases")
	eventInsert   = newInserter("event", "booking", "version", "hall_id", "kind", "at", "actor", "channel", "slot_id", "from_slot")
	messageInsert = newInserter("message", "booking", "version", "kind", "hall_id", "state", "due_at")
)

// marshal writes the JSON argument of a set statement; its arguments are always plain strings and numbers.
func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	if string(b) == "null" { // a nil slice is an empty set
		return "[]"
	}
	return string(b)
}
