package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/oversight"
)

// FeedRow is the newest version of a row of a connected system.
type FeedRow struct {
	feed.Record
	Person   identity.Key // of the applicant, "" for none
	Claim    string       // name of the claim it holds, "" for none
	Sealed   []byte       // the applicant
	Received time.Time
}

// LockFeed makes batches of a source take turns until the end of the transaction.
func (tx *Tx) LockFeed(ctx context.Context, source string) error {
	_, err := tx.exec(ctx, "feed.lock", `insert into feed (source, batches) values ($1, 1) on conflict (source) do update set batches = feed.batches + 1`, source)
	return err
}

// FeedKnown returns what is known of rows of a source, and of the versions asked for which have come. A row that never
// came has no version.
func (tx *Tx) FeedKnown(ctx context.Context, source string, asked [][2]any) (map[string]*feed.Known, error) {
	out := map[string]*feed.Known{}
	if len(asked) == 0 {
		return out, nil
	}
	return out, tx.query(ctx, "feed.known", `
with w as materialized (select r.value->>0 as row_id, cast(r.value->>1 as bigint) as version from {rows} r order by 1, 2)
select w.row_id, w.version, coalesce(f.version, 0), coalesce(f.kind, ''), coalesce(f.hall_id, ''), coalesce(f.date, ''), coalesce(f.person, ''), coalesce(f.item, ''),
  coalesce(f.claim, ''), coalesce(f.state, ''), coalesce(f.removed, 0), coalesce(v.digest, ''), case when c.row_id is null then 0 else 1 end
from w left join feed_row f on f.source = $2 and f.row_id = w.row_id
left join feed_version v on v.source = $2 and v.row_id = w.row_id and v.version = w.version
left join feed_conflict c on c.source = $2 and c.row_id = w.row_id and c.ended_at = 0`,
		func(scan func(...any) error) error {
			var row, date, state, digest string
			var version, removed, clash int64
			var k feed.Known
			if err := scan(&row, &version, &k.Version, &k.Kind, &k.HallID, &date, &k.Person, &k.Item, &k.Claim, &state, &removed, &digest, &clash); err != nil {
				return err
			}
			had := out[row]
			if had == nil {
				k.Digests, k.Clash = map[int64]string{}, clash != 0
				k.Active = k.Kind == oversight.BookingRecord && state == feed.Booked && removed == 0
				if date != "" {
					var err error
					if k.Date, err = calendar.ParseDate(date); err != nil {
						return err
					}
				}
				had = &k
				out[row] = had
			}
			if digest != "" {
				had.Digests[version] = digest
			}
			return nil
		}, marshal(asked), source)
}

var feedVersionInsert = newInserter("feed_version", "source", "row_id", "version", "digest")

// AddFeedVersions records which versions of rows have come, none of them twice.
func (tx *Tx) AddFeedVersions(ctx context.Context, source string, list []FeedVersion) error {
	return tx.insert(ctx, feedVersionInsert, len(list), func(i int, args []any) []any {
		return append(args, source, list[i].Row, list[i].Version, list[i].Digest)
	})
}

// FeedVersion is one version of a row with the keyed digest of its content.
type FeedVersion struct {
	Row     string
	Version int64
	Digest  string
}

var feedRowReplace = newReplacer("feed_row", 2, "source", "row_id", "version", "kind", "removed", "hall_id", "queue_id", "date", "hour", "item", "units", "state", "booking",
	"number", "applicant_kind", "person", "claim", "sealed", "happened_at", "received_at")

// SaveFeedRows writes rows of a source over what was there; each row once, sorted by id.
func (tx *Tx) SaveFeedRows(ctx context.Context, source string, list []FeedRow) error {
	return tx.insert(ctx, feedRowReplace, len(list), func(i int, args []any) []any {
		r := &list[i]
		sealed := r.Sealed
		if sealed == nil {
			sealed = []byte{}
		}
		return append(args, source, r.Row, r.Version, string(r.Kind), flag(r.Removed), r.HallID, r.QueueID, r.Date.String(), int64(r.Hour), r.Item, int64(r.Units), r.State,
			r.Booking, int64(r.Number), string(r.Applicant), string(r.Person), r.Claim, sealed, micros(r.At), micros(r.Received))
	})
}

// FeedLines returns how far the running numbers of a source have come, by hall and kind.
func (tx *Tx) FeedLines(ctx context.Context, source string) (map[[2]string]*feed.Line, error) {
	out := map[[2]string]*feed.Line{}
	return out, tx.query(ctx, "feed_line.of", `select hall_id, kind, line from feed_line where source = $1`, func(scan func(...any) error) error {
		var hall, kind, line string
		if err := scan(&hall, &kind, &line); err != nil {
			return err
		}
		l := &feed.Line{}
		out[[2]string{hall, kind}] = l
		return unmarshal(line, l)
	}, source)
}

// SaveFeedLines writes lines of a source, by hall and kind.
func (tx *Tx) SaveFeedLines(ctx context.Context, source string, lines map[[2]string]*feed.Line) error {
	keys := make([][2]string, 0, len(lines))
	for k := range lines {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
	return saveSet(ctx, tx, "feed_line.save", keys, func(k [2]string) any {
		return []any{source, k[0], k[1], marshal(lines[k])}
	}, `
with w as materialized (select r.value->>0 as source, r.value->>1 as hall_id, r.value->>2 as kind, r.value->>3 as line from {rows} r order by 1, 2, 3)
insert into feed_line (source, hall_id, kind, line) select source, hall_id, kind, line from w where true
on conflict (source, hall_id, kind) do update set line = excluded.line`)
}

// FreeClaims gives claims back that bookings elsewhere hold.
func (tx *Tx) FreeClaims(ctx context.Context, list []booking.Claim) error {
	slices.SortFunc(list, byRef)
	return saveSet(ctx, tx, "claim.free", list, func(c booking.Claim) any { return []any{string(c.Person), c.Name, c.Booking} }, `
with w as materialized (select r.value->>0 as person, r.value->>1 as name, r.value->>2 as booking from {rows} r order by 1, 2)
delete from claim where exists (select 1 from w where w.person = claim.person and w.name = claim.name and w.booking = claim.booking)
  and claim.person in (select w.person from w)`)
}

// TakeClaims takes those of the claims that nobody holds.
func (tx *Tx) TakeClaims(ctx context.Context, list []booking.Claim) error {
	slices.SortFunc(list, byRef)
	return saveSet(ctx, tx, "claim.take", list, func(c booking.Claim) any { return []any{string(c.Person), c.Name, c.HallID, c.Booking} }, `
with w as materialized (select r.value->>0 as person, r.value->>1 as name, r.value->>2 as hall_id, r.value->>3 as booking from {rows} r order by 1, 2)
insert into claim (person, name, hall_id, booking, hash) select person, name, hall_id, booking, '' from w where true on conflict (person, name) do nothing`)
}

// ItemClaims returns who holds the items of persons, in the order of the claims' names.
func (tx *Tx) ItemClaims(ctx context.Context, asked []ItemOf) (map[ItemOf][]booking.Claim, error) {
	out := map[ItemOf][]booking.Claim{}
	if len(asked) == 0 {
		return out, nil
	}
	rows := make([][2]string, len(asked))
	for i, w := range asked {
		rows[i] = [2]string{string(w.Person), w.Item}
	}
	return out, tx.query(ctx, "claim.items", `
with w as materialized (select distinct r.value->>0 as person, r.value->>1 as item from {rows} r order by 1, 2)
select w.person, w.item, c.name, c.hall_id, c.booking from w join claim c on c.person = w.person and c.name >= 'item:' || w.item || '#' and c.name < 'item:' || w.item || '$'
order by w.person, w.item, c.name`,
		func(scan func(...any) error) error {
			var of ItemOf
			var c booking.Claim
			err := scan(&of.Person, &of.Item, &c.Name, &c.HallID, &c.Booking)
			c.Person = of.Person
			out[of] = append(out[of], c)
			return err
		}, marshal(rows))
}

// ItemOf is an item of a person.
type ItemOf struct {
	Person identity.Key
	Item   string
}

// FeedConflict is an active booking of a connected system whose applicant has another for the same item.
type FeedConflict struct {
	Source    string
	Row       string
	HallID    string
	Date      calendar.Date
	Item      string
	Person    identity.Key
	Other     string // what holds the claim: id of a booking here, or of one elsewhere
	OtherHall string
	Found     time.Time
	Ended     time.Time // zero while it stands
}

// SaveFeedConflicts records conflicts that were found.
func (tx *Tx) SaveFeedConflicts(ctx context.Context, list []FeedConflict) error {
	slices.SortFunc(list, func(a, b FeedConflict) int { return strings.Compare(a.Source+a.Row, b.Source+b.Row) })
	return saveSet(ctx, tx, "feed_conflict.save", list, func(c FeedConflict) any {
		return []any{c.Source, c.Row, c.HallID, c.Date.String(), c.Item, string(c.Person), c.Other, c.OtherHall, micros(c.Found)}
	}, `
with w as materialized (select r.value->>0 as source, r.value->>1 as row_id, r.value->>2 as hall_id, r.value->>3 as date, r.value->>4 as item, r.value->>5 as person,
    r.value->>6 as other, r.value->>7 as other_hall, cast(r.value->>8 as bigint) as found_at from {rows} r order by 1, 2)
insert into feed_conflict (source, row_id, hall_id, date, item, person, other, other_hall, found_at, ended_at)
select source, row_id, hall_id, date, item, person, other, other_hall, found_at, 0 from w where true
on conflict (source, row_id) do update set hall_id = excluded.hall_id, date = excluded.date, item = excluded.item, person = excluded.person, other = excluded.other,
  other_hall = excluded.other_hall, found_at = case when feed_conflict.ended_at = 0 then feed_conflict.found_at else excluded.found_at end, ended_at = 0`)
}

// EndFeedConflicts ends the conflicts of rows, given as source and row.
func (tx *Tx) EndFeedConflicts(ctx context.Context, rows [][2]string) error {
	slices.SortFunc(rows, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
	now := micros(tx.Now)
	return saveSet(ctx, tx, "feed_conflict.end", rows, func(r [2]string) any { return []any{r[0], r[1], now} }, `
with w as materialized (select r.value->>0 as source, r.value->>1 as row_id, cast(r.value->>2 as bigint) as at from {rows} r order by 1, 2)
update feed_conflict set ended_at = w.at from w where feed_conflict.source = w.source and feed_conflict.row_id = w.row_id and feed_conflict.ended_at = 0`)
}

// FeedConflicts lists the conflicts that stand, the oldest first, at most limit.
func (tx *Tx) FeedConflicts(ctx context.Context, limit int) (out []FeedConflict, err error) {
	return out, tx.query(ctx, "feed_conflict.open", `
select source, row_id, hall_id, date, item, person, other, other_hall, found_at from feed_conflict where ended_at = 0 order by found_at, source, row_id limit $1`,
		func(scan func(...any) error) error {
			var c FeedConflict
			var date string
			var found int64
			if err := scan(&c.Source, &c.Row, &c.HallID, &date, &c.Item, &c.Person, &c.Other, &c.OtherHall, &found); err != nil {
				return err
			}
			c.Found = instant(found)
			var err error
			c.Date, err = calendar.ParseDate(date)
			out = append(out, c)
			return err
		}, int64(limit))
}

// HeldElsewhere lists rows of days before one that still hold a claim, at most limit.
func (tx *Tx) HeldElsewhere(ctx context.Context, before calendar.Date, limit int) (out []booking.Claim, err error) {
	return out, tx.query(ctx, "feed_row.held", `select source, row_id, person, claim, hall_id from feed_row where claim <> '' and date < $1 order by date, source, row_id limit $2`,
		func(scan func(...any) error) error {
			var c booking.Claim
			var source, row string
			err := scan(&source, &row, &c.Person, &c.Name, &c.HallID)
			c.Booking = booking.Elsewhere(source, row)
			out = append(out, c)
			return err
		}, before.String(), int64(limit))
}

// SetFeedClaims writes what rows hold now, "" for nothing any more.
func (tx *Tx) SetFeedClaims(ctx context.Context, source string, rows [][2]string) error {
	slices.SortFunc(rows, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return saveSet(ctx, tx, "feed_row.claim", rows, func(r [2]string) any { return []any{source, r[0], r[1]} }, `
with w as materialized (select r.value->>0 as source, r.value->>1 as row_id, r.value->>2 as claim from {rows} r order by 1, 2)
update feed_row set claim = w.claim from w where feed_row.source = w.source and feed_row.row_id = w.row_id`)
}
