package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
)

const waitColumns = "e.id, e.number, e.booker, e.level, e.applicant_kind, e.applicant, e.item, e.stage, e.units, e.cases, e.lines, e.dates, e.hours, e.channel, e.sealed, " +
	"e.state, e.hall_id, e.slot_id, e.passed, e.until, e.version, e.joined_at, e.changed_at"

func scanWait(scan func(...any) error) (*booking.WaitEntry, error) {
	var e booking.WaitEntry
	var booker, kind, applicant, stage, lines, dates, channel, state, passed string
	var level, hours, until, joined, changed int64
	if err := scan(&e.ID, &e.Number, &booker, &level, &kind, &applicant, &e.Item, &stage, &e.Units, &e.Cases, &lines, &dates, &hours, &channel, &e.Sealed,
		&state, &e.HallID, &e.SlotID, &passed, &until, &e.Version, &joined, &changed); err != nil {
		return &e, err
	}
	e.Booker, e.ApplicantKey, e.Level = identity.Key(booker), identity.Key(applicant), identity.Level(level)
	e.Applicant, e.Stage, e.Channel, e.State = booking.ApplicantKind(kind), directory.Stage(stage), booking.Channel(channel), booking.WaitState(state)
	e.JoinedAt, e.ChangedAt = instant(joined), instant(changed)
	if until != 0 {
		e.Until = instant(until)
	}
	var refs [][2]string
	if err := unmarshal(lines, &refs); err != nil {
		return &e, err
	}
	for _, r := range refs {
		e.Lines = append(e.Lines, booking.WaitLine{HallID: r[0], QueueID: r[1]})
	}
	if err := unmarshal(passed, &e.Passed); err != nil {
		return &e, err
	}
	if len(e.Passed) == 0 {
		e.Passed = nil
	}
	for d := range strings.FieldsFuncSeq(dates, func(r rune) bool { return r == ',' }) {
		day, err := calendar.ParseDate(d[:4] + "-" + d[4:6] + "-" + d[6:])
		if err != nil {
			return &e, err
		}
		e.Dates = append(e.Dates, day)
	}
	for h := range 24 {
		if hours>>h&1 == 1 {
			e.Hours = append(e.Hours, h)
		}
	}
	return &e, nil
}

// datesOf and hoursOf write what an entry can use so that SQL can look into it.
func datesOf(e *booking.WaitEntry) string {
	var b strings.Builder
	for _, d := range e.Dates {
		b.WriteString("," + d.Compact())
	}
	return b.String() + ","
}

func hoursOf(e *booking.WaitEntry) (mask int64) {
	for _, h := range e.Hours {
		mask |= 1 << h
	}
	return mask
}

func linesOf(e *booking.WaitEntry) string {
	refs := make([][2]string, len(e.Lines))
	for i, l := range e.Lines {
		refs[i] = [2]string{l.HallID, l.QueueID}
	}
	return marshal(refs)
}

func untilOf(e *booking.WaitEntry) int64 {
	if e.Until.IsZero() {
		return 0
	}
	return micros(e.Until)
}

func endedAt(e *booking.WaitEntry) int64 {
	if e.State.Open() {
		return 0
	}
	return micros(e.ChangedAt)
}

// readWaits brings entries of the waitlist into f.
func readWaits(n *booking.Needs, f *booking.Facts) stmt {
	rows := make([][1]string, 0, len(n.Waits))
	for id := range n.Waits {
		rows = append(rows, [1]string{id})
	}
	return stmt{name: "wait.read", want: -1, args: []any{marshal(rows)}, text: `
with w as materialized (select r.value->>0 as id from {rows} r)
select ` + waitColumns + ` from w cross join wait_entry e where e.id = w.id`,
		row: func(scan func(...any) error) error {
			e, err := scanWait(scan)
			f.Waits[e.ID] = e
			return err
		}}
}

// writeWaits adds the statements that write what entries have become.
func writeWaits(list []stmt, c *booking.Change) []stmt {
	if len(c.Waits) == 0 {
		return list
	}
	slices.SortFunc(c.Waits, func(a, b booking.WaitUpdate) int { return cmp.Compare(a.Entry.ID, b.Entry.ID) })
	rows := make([]any, len(c.Waits))
	for i, u := range c.Waits {
		rows[i] = waitRow(u.Entry, u.Was)
	}
	text := marshal(rows)
	return append(list,
		stmt{name: "wait.update", want: int64(len(rows)), args: []any{text}, text: waitUpdate},
		stmt{name: "wait.lines", want: -1, args: []any{text}, text: waitLinesUpdate})
}

func waitRow(e *booking.WaitEntry, was int) any {
	return []any{e.ID, was, e.State, e.HallID, e.SlotID, marshal(e.Passed), untilOf(e), e.Version, micros(e.ChangedAt), endedAt(e)}
}

const (
	waitRows = `
with w as materialized (select r.value->>0 as id, cast(r.value->>1 as bigint) as was, r.value->>2 as state, r.value->>3 as hall_id, r.value->>4 as slot_id,
    r.value->>5 as passed, cast(r.value->>6 as bigint) as until, cast(r.value->>7 as bigint) as version, cast(r.value->>8 as bigint) as changed_at,
    cast(r.value->>9 as bigint) as ended_at from {rows} r order by 1)`
	waitUpdate = waitRows + `
update wait_entry set state = w.state, hall_id = w.hall_id, slot_id = w.slot_id, passed = w.passed, until = w.until, version = w.version, changed_at = w.changed_at
from w where wait_entry.id = w.id and wait_entry.version = w.was`
	waitLinesUpdate = waitRows + `
update wait_line set state = w.state, ended_at = w.ended_at from w where wait_line.entry = w.id`
)

// SaveWait writes what an entry has become in its lines; false when its row is not at version was any more.
func (tx *Tx) SaveWait(ctx context.Context, e *booking.WaitEntry, was int) (bool, error) {
	rows := marshal([]any{waitRow(e, was)})
	n, err := tx.exec(ctx, "wait.update", waitUpdate, rows)
	if err != nil || n == 0 {
		return false, err
	}
	if e.Cases > 0 && !e.State.Open() && e.State != booking.WaitBooked { // nobody needs its list any more
		if _, err := tx.exec(ctx, "wait.unlist", `delete from batch_case where booking = $1`, e.ID); err != nil {
			return false, err
		}
	}
	_, err = tx.exec(ctx, "wait.lines", waitLinesUpdate, rows)
	return true, err
}

// AddWait puts a new entry into its lines, with the list of its batch.
func (tx *Tx) AddWait(ctx context.Context, e *booking.WaitEntry, cases []booking.Case) error {
	if _, err := tx.exec(ctx, "wait.insert", `
insert into wait_entry (id, number, booker, level, applicant_kind, applicant, item, stage, units, cases, lines, dates, hours, channel, sealed,
  state, hall_id, slot_id, passed, until, last_at, version, joined_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`,
		e.ID, e.Number, string(e.Booker), int64(e.Level), string(e.Applicant), string(e.ApplicantKey), e.Item, string(e.Stage), int64(e.Units), int64(e.Cases), linesOf(e),
		datesOf(e), hoursOf(e), string(e.Channel), e.Sealed, string(e.State), e.HallID, e.SlotID, marshal(e.Passed), untilOf(e), micros(e.Last()),
		int64(e.Version), micros(e.JoinedAt), micros(e.ChangedAt)); err != nil {
		return err
	}
	for _, s := range caseInsert.add(tx.db.d, nil, len(cases), func(i int, args []any) []any {
		c := &cases[i]
		return append(args, e.ID, int64(c.N), string(c.Person), c.Sealed, string(c.State), micros(e.JoinedAt))
	}) {
		if _, err := tx.exec(ctx, s.name, s.text, s.args...); err != nil {
			return err
		}
	}
	return tx.addLines(ctx, e)
}

func (tx *Tx) addLines(ctx context.Context, e *booking.WaitEntry) error {
	for _, l := range e.Lines {
		ahead, err := tx.WaitAhead(ctx, l, e.Number)
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "wait.line", `
insert into wait_line (hall_id, queue_id, number, entry, units, dates, hours, ahead, state, joined_at, ended_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			l.HallID, l.QueueID, e.Number, e.ID, int64(e.Units), datesOf(e), hoursOf(e), int64(ahead), string(e.State), micros(e.ChangedAt), endedAt(e)); err != nil {
			return err
		}
	}
	return nil
}

// ChangeWait writes what an entry waits for anew; false when its row is not at version was any more.
func (tx *Tx) ChangeWait(ctx context.Context, e *booking.WaitEntry, was int) (bool, error) {
	n, err := tx.exec(ctx, "wait.change", `
update wait_entry set number = $3, units = $4, lines = $5, dates = $6, hours = $7, last_at = $8, version = $9, changed_at = $10
where id = $1 and version = $2 and state = 'waiting'`,
		e.ID, was, e.Number, int64(e.Units), linesOf(e), datesOf(e), hoursOf(e), micros(e.Last()), int64(e.Version), micros(e.ChangedAt))
	if err != nil || n == 0 {
		return false, err
	}
	if _, err := tx.exec(ctx, "wait.unline", `delete from wait_line where entry = $1`, e.ID); err != nil {
		return false, err
	}
	return true, tx.addLines(ctx, e)
}

// Wait returns an entry, nil if there is none.
func (tx *Tx) Wait(ctx context.Context, id string) (*booking.WaitEntry, error) {
	list, err := tx.waits(ctx, "wait.one", `where e.id = $1`, id)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// WaitEntriesOf returns the entries a person made, newest first, at most limit.
func (tx *Tx) WaitEntriesOf(ctx context.Context, booker identity.Key, limit int) ([]*booking.WaitEntry, error) {
	return tx.waits(ctx, "wait.mine", `where e.booker = $1 order by e.number desc limit $2`, string(booker), limit)
}

// WaitsByID returns the named entries that exist.
func (tx *Tx) WaitsByID(ctx context.Context, ids map[string]struct{}) (map[string]*booking.WaitEntry, error) {
	out := map[string]*booking.WaitEntry{}
	n := &booking.Needs{Waits: ids}
	if len(ids) == 0 {
		return out, nil
	}
	f := booking.NewFacts()
	s := readWaits(n, f)
	err := tx.query(ctx, s.name, s.text, s.row, s.args...)
	return f.Waits, err
}

// OpenWaits counts the entries of a person that stand in line.
func (tx *Tx) OpenWaits(ctx context.Context, booker identity.Key) (n int, err error) {
	_, err = tx.one(ctx, "wait.count", `select count(*) from wait_entry where booker = $1 and state in ('waiting', 'offered')`, []any{string(booker)}, &n)
	return n, err
}

// OffersDue returns entries whose offer was not taken by now, at most limit.
func (tx *Tx) OffersDue(ctx context.Context, now time.Time, limit int) ([]*booking.WaitEntry, error) {
	return tx.waits(ctx, "wait.offers_due", `where e.state = 'offered' and e.until <= $1 order by e.until limit $2`, micros(now), limit)
}

// WaitsOver returns entries whose last hour has begun by now, at most limit.
func (tx *Tx) WaitsOver(ctx context.Context, now time.Time, limit int) ([]*booking.WaitEntry, error) {
	return tx.waits(ctx, "wait.over", `where e.state = 'waiting' and e.last_at <= $1 order by e.last_at limit $2`, micros(now), limit)
}

// WaitsIn returns up to limit entries that wait in the line of a queue, in order of joining.
func (tx *Tx) WaitsIn(ctx context.Context, l booking.WaitLine, limit int) ([]*booking.WaitEntry, error) {
	return tx.waits(ctx, "wait.line_of", `
join wait_line l on l.entry = e.id where l.hall_id = $1 and l.queue_id = $2 and l.ended_at = 0 and l.state = 'waiting' order by l.number limit $3`, l.HallID, l.QueueID, limit)
}

func (tx *Tx) waits(ctx context.Context, name, which string, args ...any) (out []*booking.WaitEntry, err error) {
	return out, tx.query(ctx, name, `select `+waitColumns+` from wait_entry e `+which, func(scan func(...any) error) error {
		e, err := scanWait(scan)
		out = append(out, e)
		return err
	}, args...)
}

// WaitLines returns the queues in whose line somebody waits.
func (tx *Tx) WaitLines(ctx context.Context) (out []booking.WaitLine, err error) {
	return out, tx.query(ctx, "wait.queues", `select distinct hall_id, queue_id from wait_line where ended_at = 0 order by hall_id, queue_id`,
		func(scan func(...any) error) error {
			var l booking.WaitLine
			err := scan(&l.HallID, &l.QueueID)
			out = append(out, l)
			return err
		})
}

// WaitAhead counts who stands in a line before a number.
func (tx *Tx) WaitAhead(ctx context.Context, l booking.WaitLine, number int64) (n int, err error) {
	_, err = tx.one(ctx, "wait.ahead", `select count(*) from wait_line where hall_id = $1 and queue_id = $2 and number < $3 and ended_at = 0`,
		[]any{l.HallID, l.QueueID, number}, &n)
	return n, err
}

// LinePast gives how many stood ahead when they joined and what came of it, of those who joined a line since
// and are out of it, at most limit of them, the last first.
func (tx *Tx) LinePast(ctx context.Context, l booking.WaitLine, since time.Time, limit int, each func(ahead int, state booking.WaitState)) error {
	return tx.query(ctx, "wait.line_past", `
select ahead, state from wait_line where hall_id = $1 and queue_id = $2 and joined_at >= $3 and ended_at > 0 order by joined_at desc limit $4`,
		func(scan func(...any) error) error {
			var ahead int
			var state booking.WaitState
			if err := scan(&ahead, &state); err != nil {
				return err
			}
			each(ahead, state)
			return nil
		}, l.HallID, l.QueueID, micros(since), limit)
}

// Match is an entry that could use what is held in a slot.
type Match struct {
	HallID, QueueID, SlotID string
	Held                    int // of the slot, offered to nobody
	Entry, Item             string
	Number                  int64
	Units                   int
	Passed                  bool // it was offered that slot and did not take it
}

// WaitMatches returns what is held and who could use it: by slot, soonest first, in each in order of joining.
func (tx *Tx) WaitMatches(ctx context.Context, limit int) (out []Match, err error) {
	return out, tx.query(ctx, "wait.match", `
with h as materialized (select hall_id, queue_id, slot_id, sum(units) as units from hold where entry = '' group by hall_id, queue_id, slot_id)
select h.hall_id, h.queue_id, h.slot_id, h.units, e.id, e.item, l.number, l.units, e.passed from h
join slot s on s.hall_id = h.hall_id and s.id = h.slot_id and s.closed = 0
join wait_line l on l.hall_id = h.hall_id and l.queue_id = h.queue_id and l.ended_at = 0 and l.state = 'waiting' and l.units <= h.units + s.capacity - s.taken - s.held
  and (l.hours >> cast(s.hour as integer)) & 1 = 1 and l.dates like '%,' || replace(s.date, '-', '') || ',%'
join wait_entry e on e.id = l.entry
order by s.date, s.hour, h.slot_id, l.number limit $1`,
		func(scan func(...any) error) error {
			var m Match
			var passed string
			if err := scan(&m.HallID, &m.QueueID, &m.SlotID, &m.Held, &m.Entry, &m.Item, &m.Number, &m.Units, &passed); err != nil {
				return err
			}
			m.Passed = strings.Contains(passed, `"`+m.SlotID+`"`)
			out = append(out, m)
			return nil
		}, limit)
}

// ReturnOffer makes what was offered to an entry a hold for whoever is next, until it opens to all at opens.
func (tx *Tx) ReturnOffer(ctx context.Context, e *booking.WaitEntry, opens time.Time) error {
	_, err := tx.exec(ctx, "hold.return", `
update hold set entry = '', until = 0, opens_at = $4 where hall_id = $1 and slot_id = $2 and entry = $3`, e.HallID, e.SlotID, e.ID, micros(opens))
	return err
}

// DropClaim gives a claim back.
func (tx *Tx) DropClaim(ctx context.Context, c booking.Claim) error {
	_, err := tx.exec(ctx, "claim.drop", `delete from claim where person = $1 and name = $2 and booking = $3`, string(c.Person), c.Name, c.Booking)
	return err
}

// ClaimOf returns the claim of a person by that name, nil if nobody holds it.
func (tx *Tx) ClaimOf(ctx context.Context, ref booking.Ref) (*booking.Claim, error) {
	c := booking.Claim{Person: ref.Person, Name: ref.Name}
	found, err := tx.one(ctx, "claim.one", `select hall_id, booking, hash from claim where person = $1 and name = $2`,
		[]any{string(ref.Person), ref.Name}, &c.HallID, &c.Booking, &c.Hash)
	if err != nil || !found {
		return nil, err
	}
	return &c, nil
}
