package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
)

// DirectoryChange is one entry of the directory changed: how it was and how it is.
type DirectoryChange struct {
	Noun   directory.Noun
	Key    string           // as in DirectoryKey
	Hall   string           // "" for units and items
	Before directory.Fields // nil for a new one
	After  directory.Fields
}

// DirectoryKey joins the parts of an entry's key.
func DirectoryKey(parts ...string) string { return strings.Join(parts, " ") }

// directoryCounter counts the changes of the directory.
const directoryCounter = "directory revision"

// NextRevision begins a change of the directory. Whoever has it is alone in changing the directory until
// the transaction ends: what is read afterwards stays as it is. Ask for it before reading.
func (tx *Tx) NextRevision(ctx context.Context) (int64, error) {
	return tx.NextBlock(ctx, directoryCounter, 1)
}

// Revision is the revision of the last change of the directory, 0 before the first.
func (tx *Tx) Revision(ctx context.Context) (int64, error) {
	var next int64
	_, err := tx.one(ctx, "directory.revision", `select next from counter where name = $1`, []any{directoryCounter}, &next)
	return max(next-1, 0), err
}

// SaveVersions writes a version of each changed entry, made by account in a revision.
func (tx *Tx) SaveVersions(ctx context.Context, revision int64, account string, changes []DirectoryChange) error {
	at := micros(tx.Now)
	return saveSet(ctx, tx, "directory_version.save", changes, func(c DirectoryChange) any {
		before := ""
		if c.Before != nil {
			before = marshal(c.Before)
		}
		return []any{c.Noun, c.Key, revision, c.Hall, at, account, before, marshal(c.After)}
	}, `
with w as materialized (select r.value->>0 as noun, r.value->>1 as key, cast(r.value->>2 as bigint) as revision, r.value->>3 as hall_id, cast(r.value->>4 as bigint) as at,
    r.value->>5 as account, r.value->>6 as before, r.value->>7 as after from {rows} r order by 1, 2)
insert into directory_version (noun, key, version, revision, hall_id, at, account, before, after)
select noun, key, (select coalesce(max(v.version), 0) + 1 from directory_version v where v.noun = w.noun and v.key = w.key), revision, hall_id, at, account, before, after
from w where true`)
}

// VersionOf returns the number of the last version of an entry, 0 where it never changed since it was
// first written.
func (tx *Tx) VersionOf(ctx context.Context, noun directory.Noun, key string) (int, error) {
	var n int
	_, err := tx.one(ctx, "directory_version.last", `select coalesce(max(version), 0) from directory_version where noun = $1 and key = $2`, []any{string(noun), key}, &n)
	return n, err
}

// Changed is what changed after a revision.
type Changed struct {
	Revision int64
	Halls    []string
	Items    []string
	Units    bool
}

// ChangedAfter tells what changed after a revision; All of it is to be read again when most entries
// come back, which is for the caller to see.
func (tx *Tx) ChangedAfter(ctx context.Context, revision int64) (Changed, error) {
	c := Changed{Revision: revision}
	var err error
	if c.Revision, err = tx.Revision(ctx); err != nil || c.Revision == revision {
		return c, err
	}
	return c, tx.query(ctx, "directory_version.news", `
select distinct case when hall_id = '' then noun else 'hall' end, case when hall_id = '' then key else hall_id end from directory_version where revision > $1`,
		func(scan func(...any) error) error {
			var noun, key string
			err := scan(&noun, &key)
			switch noun {
			case Halls:
				c.Halls = append(c.Halls, key)
			case Items:
				c.Items = append(c.Items, key)
			default:
				c.Units = true
			}
			return err
		}, revision)
}

// DirectoryVersion is one version of one entry, with who made it.
type DirectoryVersion struct {
	Noun     directory.Noun
	Key      string
	Version  int
	Revision int64 // of the directory
	Hall     string
	At       time.Time
	Account  string
	Rank     account.Rank // "" for an import on the command line
	Before   directory.Fields
	After    directory.Fields
}

// VersionQuery says which versions are wanted: of one entry, or of all that belong to a hall.
type VersionQuery struct {
	Noun   directory.Noun // with Key: of one entry
	Key    string
	Hall   string // of a hall and what belongs to it
	Offset int
	Limit  int
}

// DirectoryVersions lists versions, newest first, and how many there are in all.
func (tx *Tx) DirectoryVersions(ctx context.Context, q VersionQuery) (out []DirectoryVersion, total int, err error) {
	where, args := `v.hall_id = $1 and ($2 = '' or v.noun = $2)`, []any{q.Hall, string(q.Noun)}
	if q.Key != "" {
		where, args = `v.noun = $1 and v.key = $2`, []any{string(q.Noun), q.Key}
	}
	if _, err = tx.one(ctx, "directory_version.count", `select count(*) from directory_version v where `+where, args, &total); err != nil || total == 0 {
		return nil, total, err
	}
	err = tx.query(ctx, "directory_version.list", `
select v.noun, v.key, v.version, v.revision, v.hall_id, v.at, v.account, coalesce(a.rank, ''), v.before, v.after
from directory_version v left join account a on a.id = v.account
where `+where+` order by v.at desc, v.revision desc, v.noun, v.key limit $3 offset $4`,
		func(scan func(...any) error) error {
			var v DirectoryVersion
			var at int64
			var before, after string
			if err := scan(&v.Noun, &v.Key, &v.Version, &v.Revision, &v.Hall, &at, &v.Account, &v.Rank, &before, &after); err != nil {
				return err
			}
			v.At = instant(at)
			if before != "" {
				if err := unmarshal(before, &v.Before); err != nil {
					return err
				}
			}
			out = append(out, v)
			return unmarshal(after, &out[len(out)-1].After)
		}, append(args, q.Limit, q.Offset)...)
	return out, total, err
}

// EditPlace is where a version stands among all: revisions count down, nouns and keys up. The zero value is before the latest.
type EditPlace struct {
	Revision int64
	Noun     directory.Noun
	Key      string
}

// String writes a place so that ParseEditPlace reads it.
func (p EditPlace) String() string {
	return strconv.FormatInt(p.Revision, 10) + " " + string(p.Noun) + " " + p.Key
}

// ParseEditPlace reads a place.
func ParseEditPlace(s string) (p EditPlace, err error) {
	revision, rest, _ := strings.Cut(s, " ")
	noun, key, _ := strings.Cut(rest, " ")
	if p.Revision, err = strconv.ParseInt(revision, 10, 64); err != nil || p.Revision <= 0 || !utf8.ValidString(s) || strings.Contains(s, "\x00") {
		return EditPlace{}, errors.New("store: no place among edits")
	}
	p.Noun, p.Key = directory.Noun(noun), key
	return p, nil
}

// Place is where a version stands among all.
func (v *DirectoryVersion) Place() EditPlace { return EditPlace{v.Revision, v.Noun, v.Key} }

// EditedAfter lists versions of halls, queues, offerings and items after a place, the latest revision first, at most
// limit and without ranks; hall "" is every hall. What the directory was first filled with is not among them.
func (tx *Tx) EditedAfter(ctx context.Context, hall string, place EditPlace, limit int) (out []DirectoryVersion, err error) {
	if place == (EditPlace{}) {
		place.Revision = 1 << 62
	}
	err = tx.query(ctx, "directory_version.edits", `
select v.revision, v.noun, v.key, v.version, v.hall_id, v.at, v.account, v.before, v.after from directory_version v
where v.noun in ('hall', 'queue', 'offering', 'item') and (v.revision < $1 or v.revision = $1 and (v.noun, v.key) > ($2, $3)) and ($4 = '' or v.hall_id = $4)
  and v.revision > coalesce((select f.revision from directory_version f where f.revision = (select min(g.revision) from directory_version g) and f.account = '' limit 1), 0)
order by v.revision desc, v.noun, v.key limit $5`,
		func(scan func(...any) error) error {
			var v DirectoryVersion
			var at int64
			var before, after string
			if err := scan(&v.Revision, &v.Noun, &v.Key, &v.Version, &v.Hall, &at, &v.Account, &before, &after); err != nil {
				return err
			}
			v.At = instant(at)
			if before != "" {
				if err := unmarshal(before, &v.Before); err != nil {
					return err
				}
			}
			err := unmarshal(after, &v.After)
			out = append(out, v)
			return err
		}, place.Revision, string(place.Noun), place.Key, hall, int64(limit))
	return out, err
}

// SlotRange is slots of a hall by their ids, To not among them.
type SlotRange struct{ Hall, From, To string }

// SlotsFrom is the slots of a queue from an hour on.
func SlotsFrom(hall, queue string, d calendar.Date, hour int) SlotRange {
	return SlotRange{hall, booking.SlotID(queue, d, hour), booking.SlotID(queue, calendar.MakeDate(9999, 12, 31), 23)}
}

// ShutSlots shuts slots. Whoever books one of them meanwhile is there before, or finds it shut.
func (tx *Tx) ShutSlots(ctx context.Context, r SlotRange) error {
	var refs [][2]string
	if err := tx.query(ctx, "slot.to_shut", `select id from slot where hall_id = $1 and id >= $2 and id < $3 and closed = 0`, func(scan func(...any) error) error {
		ref := [2]string{r.Hall, ""}
		err := scan(&ref[1])
		refs = append(refs, ref)
		return err
	}, r.Hall, r.From, r.To); err != nil {
		return err
	}
	if err := tx.plannedAnew(ctx, refs, false); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "slot.shut", `update slot set closed = 1, revision = revision + 1 where hall_id = $1 and id >= $2 and id < $3 and closed = 0`,
		r.Hall, r.From, r.To)
	return err
}

// ActiveAmong counts the active bookings in slots, of one item or with "" of all.
func (tx *Tx) ActiveAmong(ctx context.Context, item string, slots []SlotRange) (int, error) {
	var n int
	rows := make([][3]string, len(slots))
	for i, r := range slots {
		rows[i] = [3]string{r.Hall, r.From, r.To}
	}
	_, err := tx.one(ctx, "booking.among", `
with w as materialized (select r.value->>0 as hall, r.value->>1 as first, r.value->>2 as last from {rows} r)
select count(*) from w cross join booking b
where b.hall_id = w.hall and b.slot_id >= w.first and b.slot_id < w.last and b.state in ('booked', 'pending') and ($2 = '' or b.item = $2)`, []any{marshal(rows), item}, &n)
	return n, err
}

// LastHallNumber is the highest number a hall was ever given.
func (tx *Tx) LastHallNumber(ctx context.Context) (int, error) {
	var n int
	_, err := tx.one(ctx, "hall.number", `select coalesce(max(number), 0) from hall`, nil, &n)
	return n, err
}

// SaveUpload keeps the file an account has sent, instead of any before it.
func (tx *Tx) SaveUpload(ctx context.Context, account, id, name string, body []byte) error {
	_, err := tx.exec(ctx, "directory_upload.save", `
insert into directory_upload (account, id, at, name, body) values ($1, $2, $3, $4, $5)
on conflict (account) do update set id = excluded.id, at = excluded.at, name = excluded.name, body = excluded.body`,
		account, id, micros(tx.Now), name, body)
	return err
}

// Upload returns the file an account has sent under id, nil if it is gone.
func (tx *Tx) Upload(ctx context.Context, account, id string) (name string, body []byte, err error) {
	_, err = tx.one(ctx, "directory_upload.read", `select name, body from directory_upload where account = $1 and id = $2`, []any{account, id}, &name, &body)
	return name, body, err
}

// DropUpload forgets the file of an account.
func (tx *Tx) DropUpload(ctx context.Context, account string) error {
	_, err := tx.exec(ctx, "directory_upload.drop", `delete from directory_upload where account = $1`, account)
	return err
}

// ForgetUploads forgets files that nobody applied.
func (tx *Tx) ForgetUploads(ctx context.Context, before time.Time) error {
	_, err := tx.exec(ctx, "directory_upload.forget", `delete from directory_upload where at < $1`, micros(before))
	return err
}
