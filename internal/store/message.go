package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// MessageRow is one message as it is stored.
type MessageRow struct {
	booking.Message
	State    MessageState
	Attempts int // tries that failed so far
	Sent     time.Time
	Handed   time.Time // when it was given to a carrier whose answer is not known; zero for none
}

// Ref names a message: unique, safe to show in logs and to give a gateway. The id of a ticket is its address
// on a phone and is not shown whole.
func (m MessageRow) Ref() string {
	return m.Booking[:min(len(m.Booking), 8)] + "." + strconv.Itoa(m.Version) + "." + string(m.Kind)
}

// place names a message among a person's: as Ref, with the whole id. It never leaves unsealed.
func (m MessageRow) place() string {
	return m.Booking + "." + strconv.Itoa(m.Version) + "." + string(m.Kind)
}

// isPlace tells whether s is what place writes.
func isPlace(s string) bool {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return false
	}
	version, err := strconv.ParseUint(parts[1], 10, 31)
	return err == nil && version > 0 && isWord(parts[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") && isWord(parts[2], "abcdefghijklmnopqrstuvwxyz_")
}

func isWord(s, of string) bool { return s != "" && len(s) <= 32 && strings.Trim(s, of) == "" }

const messageColumns = "m.booking, m.version, m.kind, m.hall_id, m.state, m.due_at, m.attempts, m.sent_at, m.handed_at"

func scanMessage(scan func(...any) error) (MessageRow, error) {
	var m MessageRow
	var due, sent, handed int64
	err := scan(&m.Booking, &m.Version, &m.Kind, &m.HallID, &m.State, &due, &m.Attempts, &sent, &handed)
	m.Due = instant(due)
	if handed != 0 {
		m.Handed = instant(handed)
	}
	if sent != 0 {
		m.Sent = instant(sent)
	}
	return m, err
}

const messagesDue = `
select ` + messageColumns + ` from message m where m.state = 'pending' and m.due_at <= $1 order by m.due_at limit $2 {skip}`

// ClaimMessages takes up to limit pending messages that are due by now and puts them off until until,
// so that nobody else takes them before. One that is not settled by then is due again, and is known to have been handed
// over: its row says when, as it was before this claim.
func (tx *Tx) ClaimMessages(ctx context.Context, now time.Time, limit int, until time.Time) ([]MessageRow, error) {
	var out []MessageRow
	err := tx.walk(ctx, "message.due", messagesDue,
		func(scan func(...any) error) error {
			m, err := scanMessage(scan)
			out = append(out, m)
			return err
		}, micros(now), limit)
	if err != nil || len(out) == 0 {
		return nil, err
	}
	rows := make([][3]any, len(out))
	for i, m := range out {
		rows[i] = [3]any{m.Booking, m.Version, m.Kind}
	}
	_, err = tx.exec(ctx, "message.claim", `
with w as materialized (select r.value->>0 as booking, cast(r.value->>1 as bigint) as version, r.value->>2 as kind from {rows} r order by 1, 2, 3)
update message set due_at = $2, handed_at = $3 where (booking, version, kind) in (select booking, version, kind from w)`, marshal(rows), micros(until), micros(now))
	return out, err
}

// MessageState is what has become of a message.
type MessageState string

const (
	MessagePending MessageState = "pending" // to be sent, or to be sent again
	MessageSent    MessageState = "sent"    // a carrier has it
	MessageArrived MessageState = "arrived" // … and says that all of it is on the phone
	MessageLost    MessageState = "lost"    // … and says that it will not get there
	MessageFailed  MessageState = "failed"  // given up
	MessageDropped MessageState = "dropped" // no longer true when it was due
	MessageShown   MessageState = "shown"   // there is no phone to send it to: it stands in "my messages" only
)

// Settled is what became of a claimed message.
type Settled struct {
	Row     MessageRow
	State   MessageState
	Again   time.Duration // pending: how long to wait before the next try
	Receipt string        // sent: what the carrier gave
	Gateway string        // sent: who the carrier is, "" for one that counts no parts
	Tag     string        // sent: as in SMSPart
	Parts   []string      // sent: the carrier's ids of its parts
	Charged int           // sent: how many parts are charged; 0 for one each
	Price   int64         // sent: of one of them, in thousandths of a fen
	AskIn   time.Duration // sent: when the carrier is asked what became of it; 0 for never
	Ended   PartState     // sent: what the carrier has said already became of it, "" for nothing yet
	Word    string        // … and in which word
	Kept    bool          // pending: it was not given to anybody, which is no try
	Handed  time.Time     // pending: when it was given to a carrier that may have it; zero for none
}

// SettleMessages records what became of claimed messages. One that somebody else has settled as sent
// stays so.
func (tx *Tx) SettleMessages(ctx context.Context, list []Settled) error {
	var parts []SMSPart
	for _, s := range list {
		parts = append(parts, s.parts(tx.Now)...)
	}
	if err := tx.settleMessages(ctx, list); err != nil || len(parts) == 0 {
		return err
	}
	if err := tx.saveParts(ctx, parts); err != nil {
		return err
	}
	return tx.judgeMessages(ctx, parts)
}

// parts are those of a message that a carrier has.
func (s Settled) parts(now time.Time) (out []SMSPart) {
	for i, id := range s.Parts {
		p := SMSPart{Gateway: s.Gateway, ID: id, Tag: s.Tag, Message: s.Row, State: PartAccepted, Word: s.Word, Parts: 1, Price: s.Price}
		if s.Ended != "" {
			p.State = s.Ended
		} else if s.AskIn > 0 {
			p.AskAt = now.Add(s.AskIn)
		}
		if i == 0 {
			p.Parts = max(1, s.Charged-len(s.Parts)+1)
		}
		out = append(out, p)
	}
	return out
}

func (tx *Tx) settleMessages(ctx context.Context, list []Settled) error {
	return saveSet(ctx, tx, "message.settle", list, func(s Settled) any {
		due, failed, sent, handed := s.Row.Due, 1, int64(0), int64(0)
		switch s.State {
		case MessageSent:
			failed, sent = 0, micros(tx.Now)
		case MessagePending:
			due = tx.Now.Add(s.Again)
			if s.Kept {
				failed = 0
			} else if !s.Handed.IsZero() {
				failed, handed = 0, micros(s.Handed)
			}
		}
		return []any{s.Row.Booking, s.Row.Version, s.Row.Kind, s.State, micros(due), failed, sent, s.Receipt, handed}
	}, `
with w as materialized (select r.value->>0 as booking, cast(r.value->>1 as bigint) as version, r.value->>2 as kind, r.value->>3 as state,
    cast(r.value->>4 as bigint) as due, cast(r.value->>5 as bigint) as failed, cast(r.value->>6 as bigint) as sent, r.value->>7 as receipt,
    cast(r.value->>8 as bigint) as handed
    from {rows} r order by 1, 2, 3)
update message set state = w.state, due_at = w.due, attempts = attempts + w.failed, sent_at = w.sent, receipt = w.receipt, handed_at = w.handed from w
where message.booking = w.booking and message.version = w.version and message.kind = w.kind and message.state = 'pending'`)
}

// InsertReminders adds messages that are not there yet.
func (tx *Tx) InsertReminders(ctx context.Context, list []booking.Message) error {
	return saveSet(ctx, tx, "message.remind", list, func(m booking.Message) any {
		return []any{m.Booking, m.Version, m.Kind, m.HallID, micros(m.Due)}
	}, `
with w as materialized (select r.value->>0 as booking, cast(r.value->>1 as bigint) as version, r.value->>2 as kind, r.value->>3 as hall_id,
    cast(r.value->>4 as bigint) as due_at from {rows} r order by 1, 2, 3)
insert into message (booking, version, kind, hall_id, state, due_at) select booking, version, kind, hall_id, 'pending', due_at from w where true
on conflict (booking, version, kind, hall_id) do nothing`)
}

// BookingsToRemind returns active bookings of a date that have no reminder of their present version,
// by id after after, at most limit.
func (tx *Tx) BookingsToRemind(ctx context.Context, date calendar.Date, after string, limit int) ([]*booking.Booking, error) {
	var out []*booking.Booking
	err := tx.query(ctx, "booking.remind", `
select `+bookingColumns+` from slot s join booking b on b.hall_id = s.hall_id and b.slot_id = s.id
where s.date = $1 and b.state = 'booked' and b.id > $2
and not exists (select 1 from message m where m.booking = b.id and m.version = b.version and m.kind = 'reminder')
order by b.id limit $3`,
		func(scan func(...any) error) error {
			b, err := scanBooking(scan)
			out = append(out, b)
			return err
		}, date.String(), after, limit)
	return out, err
}

// MessagesOf returns messages about bookings a person made, newest first, from after cursor on; next
// is "" when there are no more.
func (tx *Tx) MessagesOf(ctx context.Context, person identity.Key, cursor string, limit int) (page []MessageRow, next string, err error) {
	due, key := int64(1)<<62, ""
	if cursor != "" {
		at, ref, _ := strings.Cut(cursor, "_")
		if due, err = strconv.ParseInt(at, 36, 64); err != nil || !isPlace(ref) {
			return nil, "", fault.New(fault.CursorInvalid)
		}
		key = ref
	}
	err = tx.query(ctx, "message.mine", `
with k as materialized (select distinct c.booking as id from claim c where c.person = $1 and c.name >= '`+booking.KeysFrom+`' and c.name < '`+booking.KeysTo+`'),
w as materialized (
  select k.id from k
  union select t.id from k cross join booking b cross join ticket t where b.id = k.id and t.hall_id = b.hall_id and t.booking = b.id and t.booking <> ''
  union select t.id from ticket t where t.person = $1 and t.booking = ''
  union select c.booking from claim c where c.person = $1 and c.name >= 'wait-key:' and c.name < 'wait-key;'
  union select x.id from theme_case x where x.applicant = $1
  union select y.id from theme_case y where y.booker = $1)
select `+messageColumns+` from w cross join message m
where m.booking = w.id and (m.due_at < $2 or m.due_at = $2 and m.booking || '.' || m.version || '.' || m.kind > $3)
order by m.due_at desc, m.booking || '.' || m.version || '.' || m.kind limit $4`,
		func(scan func(...any) error) error {
			m, err := scanMessage(scan)
			page = append(page, m)
			return err
		}, string(person), due, key, limit+1)
	if err == nil && len(page) > limit {
		page = page[:limit]
		last := page[limit-1]
		next = strconv.FormatInt(micros(last.Due), 36) + "_" + last.place()
	}
	return page, next, err
}
