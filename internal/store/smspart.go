package store

import (
	"context"
	"time"

	"suiyue/internal/domain/calendar"
)

// PartState is what a carrier says of a part of a message.
type PartState string

const (
	PartAccepted PartState = "accepted"
	PartArrived  PartState = "arrived"
	PartLost     PartState = "lost"
)

// SMSPart is one part of a message at a carrier: what is charged for.
type SMSPart struct {
	Gateway, ID string
	Tag         string     // digits that follow from the message's reference, "" where the carrier brings none back
	Message     MessageRow // booking, version, kind and hall are kept; no booking where the message is not known yet
	State       PartState
	Word        string    // what the carrier said
	Parts       int       // so many are charged; 0 is taken for one
	Price       int64     // of one of them, in thousandths of a fen
	AskAt       time.Time // when the carrier is asked what became of it; zero for never
}

// saveParts inserts parts. One that is there keeps a report, and gains a message. Each is counted once, when it is known what it is about.
func (tx *Tx) saveParts(ctx context.Context, parts []SMSPart) error {
	if err := saveSet(ctx, tx, "sms_part.save", parts, func(p SMSPart) any {
		m, ask := p.Message, int64(0)
		if !p.AskAt.IsZero() {
			ask = micros(p.AskAt)
		}
		return []any{p.Gateway, p.ID, p.Tag, m.Booking, m.Version, m.Kind, m.HallID, p.State, p.Word, micros(tx.Now), calendar.DateOf(tx.Now).String(), max(p.Parts, 1), p.Price, ask}
	}, `
with w as materialized (select r.value->>0 as gateway, r.value->>1 as id, r.value->>2 as tag, r.value->>3 as booking, cast(r.value->>4 as bigint) as version,
    r.value->>5 as kind, r.value->>6 as hall_id, r.value->>7 as state, r.value->>8 as word, cast(r.value->>9 as bigint) as at, r.value->>10 as date,
    cast(r.value->>11 as bigint) as parts, cast(r.value->>12 as bigint) as price, cast(r.value->>13 as bigint) as ask_at
    from {rows} r order by 1, 2)
insert into sms_part (gateway, id, tag, booking, version, kind, hall_id, state, word, at, date, parts, price, ask_at)
select gateway, id, tag, booking, version, kind, hall_id, state, word, at, date, parts, price, ask_at from w where true
on conflict (gateway, id) do update set
  tag = case when sms_part.tag = '' then excluded.tag else sms_part.tag end,
  booking = case when sms_part.kind = '' then excluded.booking else sms_part.booking end,
  version = case when sms_part.kind = '' then excluded.version else sms_part.version end,
  kind = case when sms_part.kind = '' then excluded.kind else sms_part.kind end,
  hall_id = case when sms_part.kind = '' then excluded.hall_id else sms_part.hall_id end,
  parts = case when sms_part.kind = '' then excluded.parts else sms_part.parts end,
  price = case when sms_part.kind = '' then excluded.price else sms_part.price end,
  ask_at = case when excluded.state = 'accepted' and sms_part.state = 'accepted' then excluded.ask_at else 0 end,
  state = case when excluded.state = 'accepted' then sms_part.state else excluded.state end,
  word = case when excluded.state = 'accepted' then sms_part.word else excluded.word end`); err != nil {
		return err
	}
	return tx.countParts(ctx, parts)
}

// SaveTexts keeps the parts of a message that is about no booking, so that they are counted and their reports are met.
func (tx *Tx) SaveTexts(ctx context.Context, s Settled) error {
	return tx.saveParts(ctx, s.parts(tx.Now))
}

// HandedMessages returns messages that a carrier may have, given to it at or after from, at most limit.
func (tx *Tx) HandedMessages(ctx context.Context, from time.Time, limit int) (out []MessageRow, err error) {
	err = tx.query(ctx, "message.handed", `
select `+messageColumns+` from message m where m.handed_at > 0 and m.handed_at >= $1 and m.state = 'pending' order by m.handed_at limit $2`,
		func(scan func(...any) error) error {
			m, err := scanMessage(scan)
			out = append(out, m)
			return err
		}, micros(from), limit)
	return out, err
}

// Tagged is the message of a tag, and the carrier's ids of its parts.
type Tagged struct {
	Message MessageRow
	IDs     []string
}

// PartsByTag returns the parts whose message is known by those of their tags, accepted or reported of at or after from.
func (tx *Tx) PartsByTag(ctx context.Context, gateway string, tags []string, from time.Time) (map[string]Tagged, error) {
	out := map[string]Tagged{}
	err := tx.query(ctx, "sms_part.by_tag", `
with w as materialized (select r.value->>0 as tag from {rows} r)
select distinct p.tag, p.id, p.booking, p.version, p.kind, p.hall_id, p.at from w cross join sms_part p
where p.gateway = $2 and p.tag = w.tag and p.tag <> '' and p.booking <> '' and p.at >= $3 order by p.at`,
		func(scan func(...any) error) error {
			var m MessageRow
			var tag, id string
			var at int64
			err := scan(&tag, &id, &m.Booking, &m.Version, &m.Kind, &m.HallID, &at)
			out[tag] = Tagged{m, append(out[tag].IDs, id)}
			return err
		}, marshal(oneColumn(tags)), gateway, micros(from))
	return out, err
}

// PartsKnown returns those of the ids that a carrier's parts have, with their messages.
func (tx *Tx) PartsKnown(ctx context.Context, gateway string, ids []string) (map[string]MessageRow, error) {
	out := map[string]MessageRow{}
	err := tx.query(ctx, "sms_part.known", `
with w as materialized (select r.value->>0 as id from {rows} r)
select p.id, p.booking, p.version, p.kind, p.hall_id from w cross join sms_part p where p.gateway = $2 and p.id = w.id and p.booking <> ''`,
		func(scan func(...any) error) error {
			var m MessageRow
			var id string
			err := scan(&id, &m.Booking, &m.Version, &m.Kind, &m.HallID)
			out[id] = m
			return err
		}, marshal(oneColumn(ids)), gateway)
	return out, err
}

// KeepReports records what a carrier reported of parts. A message that was handed over and is told of by all of its parts,
// whole saying of which tags that is so, is sent; one of which every part is reported has arrived or is lost.
func (tx *Tx) KeepReports(ctx context.Context, parts []SMSPart, whole map[string]bool) error {
	var sent []Settled
	for _, p := range parts {
		if p.Message.Booking != "" && whole[p.Tag] {
			sent = append(sent, Settled{Row: p.Message, State: MessageSent, Receipt: p.ID})
		}
	}
	if err := tx.settleMessages(ctx, sent); err != nil { // nothing happens to one that is settled
		return err
	}
	if err := tx.saveParts(ctx, parts); err != nil {
		return err
	}
	return tx.judgeMessages(ctx, parts)
}

// judgeMessages settles what became of sent messages of which every part is reported.
func (tx *Tx) judgeMessages(ctx context.Context, parts []SMSPart) error {
	return saveSet(ctx, tx, "message.judge", parts, func(p SMSPart) any {
		return []any{p.Message.Booking, p.Message.Version, p.Message.Kind}
	}, `
with w as materialized (select distinct r.value->>0 as booking, cast(r.value->>1 as bigint) as version, r.value->>2 as kind from {rows} r order by 1, 2, 3),
j as materialized (select w.booking, w.version, w.kind, case when max(case when p.state = 'lost' then 1 else 0 end) = 1 then 'lost' else 'arrived' end as state
  from w cross join sms_part p where p.booking = w.booking and p.version = w.version and p.kind = w.kind
  group by w.booking, w.version, w.kind having sum(case when p.state = 'accepted' then 1 else 0 end) = 0)
update message set state = j.state from j
where message.booking = j.booking and message.version = j.version and message.kind = j.kind and message.state in ('sent', 'arrived', 'lost')`)
}
