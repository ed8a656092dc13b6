package store

import (
	"context"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/draw"
	"suiyue/internal/domain/identity"
)

const drawColumns = "d.id, d.hall_id, d.queue_id, d.release_at, d.until_at, d.commitment, d.sealed, d.seed, d.state, d.published_at, d.drawn_at"

func scanDraw(scan func(...any) error) (draw.Draw, error) {
	var d draw.Draw
	var release, until, published, drawn int64
	err := scan(&d.ID, &d.HallID, &d.QueueID, &release, &until, &d.Commitment, &d.Sealed, &d.Seed, &d.State, &published, &drawn)
	d.Release, d.Until, d.Published = instant(release), instant(until), instant(published)
	if drawn != 0 {
		d.Drawn = instant(drawn)
	}
	return d, err
}

// AddDraw publishes a draw, unless it is there already.
func (tx *Tx) AddDraw(ctx context.Context, d draw.Draw) (added bool, err error) {
	n, err := tx.exec(ctx, "draw.add", `
insert into draw (id, hall_id, queue_id, release_at, until_at, commitment, sealed, state, published_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (id) do nothing`,
		d.ID, d.HallID, d.QueueID, micros(d.Release), micros(d.Until), d.Commitment, d.Sealed, string(d.State), micros(d.Published))
	return n == 1, err
}

// Draw returns a draw, nil if there is none.
func (tx *Tx) Draw(ctx context.Context, id string) (*draw.Draw, error) {
	var found *draw.Draw
	err := tx.query(ctx, "draw.one", `select `+drawColumns+` from draw d where d.id = $1`, func(scan func(...any) error) error {
		d, err := scanDraw(scan)
		found = &d
		return err
	}, id)
	return found, err
}

// DrawsNotDone returns the draws still to be carried out, soonest first.
func (tx *Tx) DrawsNotDone(ctx context.Context) ([]draw.Draw, error) {
	return tx.draws(ctx, "draw.coming", `select `+drawColumns+` from draw d where d.state <> 'done' order by d.release_at, d.id`)
}

// DrawsSince returns the draws of releases from an instant on, of one queue or with "" of all, newest first,
// at most limit.
func (tx *Tx) DrawsSince(ctx context.Context, queue string, from time.Time, limit int) ([]draw.Draw, error) {
	return tx.draws(ctx, "draw.since", `
select `+drawColumns+` from draw d where d.release_at >= $1 and ($2 = '' or d.queue_id = $2) order by d.release_at desc, d.id limit $3`,
		micros(from), queue, limit)
}

// DrawsDone returns the draws that are done after a place in the order of their ids, at most limit.
func (tx *Tx) DrawsDone(ctx context.Context, after string, limit int) ([]draw.Draw, error) {
	return tx.draws(ctx, "draw.done", `select `+drawColumns+` from draw d where d.state = 'done' and d.id > $1 order by d.id limit $2`, after, limit)
}

func (tx *Tx) draws(ctx context.Context, name, text string, args ...any) ([]draw.Draw, error) {
	var out []draw.Draw
	return out, tx.query(ctx, name, text, func(scan func(...any) error) error {
		d, err := scanDraw(scan)
		out = append(out, d)
		return err
	}, args...)
}

// TurnOnDraws takes the turn on draws, in the order of ids, and returns those that are there: until this
// transaction ends nobody else enters them or closes them.
func (tx *Tx) TurnOnDraws(ctx context.Context, ids []string) (map[string]*draw.Draw, error) {
	out := map[string]*draw.Draw{}
	return out, tx.query(ctx, "draw.turn", `
with w as materialized (select r.value->>0 as id from {rows} r order by 1)
update draw set revision = revision + 1 from w where draw.id = w.id returning `+strings.ReplaceAll(drawColumns, "d.", "draw."),
		func(scan func(...any) error) error {
			d, err := scanDraw(scan)
			out[d.ID] = &d
			return err
		}, marshal(oneColumn(ids)))
}

// CloseDraw ends the entries of a draw.
func (tx *Tx) CloseDraw(ctx context.Context, id string) error {
	_, err := tx.exec(ctx, "draw.close", `update draw set state = 'closed' where id = $1 and state = 'announced'`, id)
	return err
}

// EndDraw publishes the seed of a draw that has been carried out; false if it was done already.
func (tx *Tx) EndDraw(ctx context.Context, id, seed string) (bool, error) {
	n, err := tx.exec(ctx, "draw.end", `
update draw set state = 'done', seed = $2, sealed = $3, drawn_at = $4 where id = $1 and state = 'closed'`, id, seed, []byte{}, micros(tx.Now))
	return n == 1, err
}

const entryColumns = "e.draw, e.booker, e.item, e.applicant, e.id, e.hall_id, e.slot_id, e.stage, e.units, e.applicant_kind, e.level, e.channel, " +
	"e.instead, e.key, e.hash, e.salt, e.entry, e.sealed, e.at, e.rank, e.outcome"

func scanEntry(scan func(...any) error) (draw.Entry, error) {
	var e draw.Entry
	var kind, channel, booker, applicant string
	var level, at int64
	err := scan(&e.Draw, &booker, &e.Item, &applicant, &e.ID, &e.HallID, &e.SlotID, &e.Stage, &e.Units, &kind, &level, &channel,
		&e.Instead, &e.Key, &e.Hash, &e.Salt, &e.Text, &e.Sealed, &at, &e.Rank, &e.Outcome)
	e.Booker, e.Applicant, e.Kind, e.Channel = identity.Key(booker), identity.Key(applicant), booking.ApplicantKind(kind), booking.Channel(channel)
	e.Level, e.At = identity.Level(level), instant(at)
	return e, err
}

func (tx *Tx) entries(ctx context.Context, name, text string, args ...any) ([]draw.Entry, error) {
	var out []draw.Entry
	return out, tx.query(ctx, name, text, func(scan func(...any) error) error {
		e, err := scanEntry(scan)
		out = append(out, e)
		return err
	}, args...)
}

// EntriesBeside returns the entries that what is wanted may run into: of the same booker or applicant for the
// same item in the same draw, and those of the booker under the same key.
func (tx *Tx) EntriesBeside(ctx context.Context, wanted []draw.Entry) ([]draw.Entry, error) {
	rows := make([][5]string, len(wanted))
	for i, e := range wanted {
		rows[i] = [5]string{e.Draw, string(e.Booker), string(e.Applicant), e.Item, e.Key}
	}
	return tx.entries(ctx, "draw_entry.beside", `
with w as materialized (select r.value->>0 as draw, r.value->>1 as booker, r.value->>2 as applicant, r.value->>3 as item, r.value->>4 as key from {rows} r)
select `+entryColumns+` from w cross join draw_entry e where e.draw = w.draw and e.booker = w.booker and e.item = w.item
union select `+entryColumns+` from w cross join draw_entry e where e.draw = w.draw and e.applicant = w.applicant and e.item = w.item
union select `+entryColumns+` from w cross join draw_entry e where e.booker = w.booker and e.key = w.key`, marshal(rows))
}

var drawEntryInsert = newInserter("draw_entry", "draw", "booker", "item", "applicant", "id", "hall_id", "slot_id", "stage", "units", "applicant_kind", "level",
	"channel", "instead", "key", "hash", "salt", "entry", "sealed", "at")

// AddEntries puts entries on the lists of their draws, on which this transaction has taken its turn. Rows go by value
// on both engines: a list is written once, in groups.
func (tx *Tx) AddEntries(ctx context.Context, list []draw.Entry) error {
	for _, s := range drawEntryInsert.add(&sqlite, nil, len(list), func(i int, args []any) []any {
		e := &list[i]
		return append(args, e.Draw, string(e.Booker), e.Item, string(e.Applicant), e.ID, e.HallID, e.SlotID, e.Stage, int64(e.Units), string(e.Kind), int64(e.Level),
			string(e.Channel), e.Instead, e.Key, e.Hash, e.Salt, e.Text, e.Sealed, micros(e.At))
	}) {
		if _, err := tx.exec(ctx, s.name, s.text, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// EntriesOf returns all entries of a draw, those that have a place by it.
func (tx *Tx) EntriesOf(ctx context.Context, id string) ([]draw.Entry, error) {
	return tx.entries(ctx, "draw_entry.list", `select `+entryColumns+` from draw_entry e where e.draw = $1 order by e.rank, e.entry`, id)
}

// EntriesOfBooker returns a booker's entries in draws, newest first, at most limit; with a draw only those in it.
func (tx *Tx) EntriesOfBooker(ctx context.Context, person identity.Key, id string, limit int) ([]draw.Entry, error) {
	return tx.entries(ctx, "draw_entry.mine", `
select `+entryColumns+` from draw_entry e where e.booker = $1 and ($2 = '' or e.draw = $2) order by e.at desc, e.id limit $3`, string(person), id, limit)
}

// EntryOfKey returns what a booker's key has entered, nil if nothing.
func (tx *Tx) EntryOfKey(ctx context.Context, person identity.Key, key string) (*draw.Entry, error) {
	list, err := tx.entries(ctx, "draw_entry.key", `select `+entryColumns+` from draw_entry e where e.booker = $1 and e.key = $2`, string(person), key)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// EntriesByID returns entries by the ids of the bookings they may become.
func (tx *Tx) EntriesByID(ctx context.Context, ids []string) ([]draw.Entry, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return tx.entries(ctx, "draw_entry.ids", `
with w as materialized (select r.value->>0 as id from {rows} r)
select `+entryColumns+` from w cross join draw_entry e where e.id = w.id`, marshal(oneColumn(ids)))
}

// RankEntries writes the places of a draw's entries, in the drawn order of their texts.
func (tx *Tx) RankEntries(ctx context.Context, id string, order []string) error {
	type place struct {
		text string
		rank int
	}
	list := make([]place, len(order))
	for i, t := range order {
		list[i] = place{t, i + 1}
	}
	return saveSet(ctx, tx, "draw_entry.rank", list, func(p place) any { return []any{id, p.text, p.rank} }, `
with w as materialized (select r.value->>0 as draw, r.value->>1 as entry, cast(r.value->>2 as bigint) as rank from {rows} r order by 1, 2)
update draw_entry set rank = w.rank from w where draw_entry.draw = w.draw and draw_entry.entry = w.entry`)
}

// SettleEntries writes what came of entries. A number that was given stays given.
func (tx *Tx) SettleEntries(ctx context.Context, list []draw.Entry) error {
	return saveSet(ctx, tx, "draw_entry.settle", list, func(e draw.Entry) any { return []any{e.Draw, e.Text, string(e.Outcome)} }, `
with w as materialized (select r.value->>0 as draw, r.value->>1 as entry, r.value->>2 as outcome from {rows} r order by 1, 2)
update draw_entry set outcome = w.outcome from w
where draw_entry.draw = w.draw and draw_entry.entry = w.entry and (draw_entry.outcome = '' or draw_entry.outcome <> 'booked' and w.outcome = 'booked')`)
}

// ForgetEntrants drops the personal part of entries in draws done before an instant.
func (tx *Tx) ForgetEntrants(ctx context.Context, before time.Time) error {
	_, err := tx.exec(ctx, "draw_entry.forget", `
update draw_entry set sealed = $1 where length(sealed) > 0 and draw in (select id from draw where state = 'done' and drawn_at < $2)`, []byte{}, micros(before))
	return err
}

func oneColumn(list []string) [][1]string {
	out := make([][1]string, len(list))
	for i, v := range list {
		out[i] = [1]string{v}
	}
	return out
}
