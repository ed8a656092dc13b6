package store

import (
	"context"
	"encoding/json"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
)

// Floor is one hall on one day as its row says.
type Floor struct {
	HallID   string
	Date     calendar.Date
	Revision int64
	Changed  time.Time
	Lines    map[string]*counter.Line
	Sealed   bool
}

func scanFloor(scan func(...any) error) (*Floor, error) {
	var f Floor
	var date, lines string
	var changed, sealed int64
	if err := scan(&f.HallID, &date, &f.Revision, &changed, &lines, &sealed); err != nil {
		return nil, err
	}
	var err error
	if f.Date, err = calendar.ParseDate(date); err != nil {
		return nil, err
	}
	f.Changed, f.Sealed, f.Lines = instant(changed), sealed != 0, map[string]*counter.Line{}
	return &f, unmarshal(lines, &f.Lines)
}

const floorColumns = "hall_id, date, revision, changed_at, lines, sealed"

// HoldFloor takes a hall's day for this transaction, the first row it locks: whoever changes anything of the
// day waits for it. The revision is one more than it was.
func (tx *Tx) HoldFloor(ctx context.Context, hall string, date calendar.Date) (*Floor, error) {
	var f *Floor
	err := tx.query(ctx, "floor.hold", `
insert into floor (hall_id, date, revision, changed_at, lines) values ($1, $2, 1, $3, '{}')
on conflict (hall_id, date) do update set revision = floor.revision + 1, changed_at = excluded.changed_at
returning `+floorColumns, func(scan func(...any) error) (err error) {
		f, err = scanFloor(scan)
		return err
	}, hall, date.String(), micros(tx.Now))
	return f, err
}

// StandOnFloor takes a hall's day like HoldFloor, but leaves the revision: nothing is changed that anybody
// looks at. nil for a day that has not begun.
func (tx *Tx) StandOnFloor(ctx context.Context, hall string, date calendar.Date) (*Floor, error) {
	var f *Floor
	err := tx.query(ctx, "floor.stand", `update floor set revision = revision where hall_id = $1 and date = $2 returning `+floorColumns,
		func(scan func(...any) error) (err error) {
			f, err = scanFloor(scan)
			return err
		}, hall, date.String())
	return f, err
}

// Floor returns a hall's day, nil if it has not begun.
func (tx *Tx) Floor(ctx context.Context, hall string, date calendar.Date) (*Floor, error) {
	var f *Floor
	err := tx.query(ctx, "floor.read", `select `+floorColumns+` from floor where hall_id = $1 and date = $2`,
		func(scan func(...any) error) (err error) {
			f, err = scanFloor(scan)
			return err
		}, hall, date.String())
	return f, err
}

// SaveLines writes what a floor that is held remembers of its queues.
func (tx *Tx) SaveLines(ctx context.Context, hall string, date calendar.Date, lines map[string]*counter.Line) error {
	_, err := tx.exec(ctx, "floor.lines", `update floor set lines = $3 where hall_id = $1 and date = $2`, hall, date.String(), marshal(lines))
	return err
}

// SealFloor ends a day that is held: false if it had ended before.
func (tx *Tx) SealFloor(ctx context.Context, hall string, date calendar.Date) (bool, error) {
	n, err := tx.exec(ctx, "floor.seal", `update floor set sealed = 1 where hall_id = $1 and date = $2 and sealed = 0`, hall, date.String())
	return n == 1, err
}

// FloorRef names a hall's day, with how far it has come.
type FloorRef struct {
	HallID   string
	Date     calendar.Date
	Revision int64
}

// FloorsChanged returns the days changed since an instant, in no order.
func (tx *Tx) FloorsChanged(ctx context.Context, since time.Time) ([]FloorRef, error) {
	return tx.floorRefs(ctx, "floor.changed", `select hall_id, date, revision from floor where changed_at >= $1`, micros(since))
}

// OpenFloors returns the days up to a date that have not ended, oldest first, at most limit.
func (tx *Tx) OpenFloors(ctx context.Context, until calendar.Date, limit int) ([]FloorRef, error) {
	return tx.floorRefs(ctx, "floor.open", `
select hall_id, date, revision from floor where sealed = 0 and date <= $1 order by date, hall_id limit $2`, until.String(), limit)
}

func (tx *Tx) floorRefs(ctx context.Context, name, text string, args ...any) (out []FloorRef, err error) {
	return out, tx.query(ctx, name, text, func(scan func(...any) error) error {
		var f FloorRef
		var date string
		err := scan(&f.HallID, &date, &f.Revision)
		if err == nil {
			f.Date, err = calendar.ParseDate(date)
		}
		out = append(out, f)
		return err
	}, args...)
}

// FloorSetting returns what a hall sets for its days itself, as a JSON object of fields of counter.Rules;
// nil and 0 where it sets nothing.
func (tx *Tx) FloorSetting(ctx context.Context, hall string) (detail json.RawMessage, version int, err error) {
	var text string
	found, err := tx.one(ctx, "floor.setting", `select detail, version from floor_setting where hall_id = $1`, []any{hall}, &text, &version)
	if found {
		detail = json.RawMessage(text)
	}
	return detail, version, err
}

// FloorSettings gives what every hall sets to each.
func (tx *Tx) FloorSettings(ctx context.Context, each func(hall string, detail json.RawMessage)) error {
	return tx.query(ctx, "floor.settings", `select hall_id, detail from floor_setting`, func(scan func(...any) error) error {
		var hall, text string
		err := scan(&hall, &text)
		if err == nil {
			each(hall, json.RawMessage(text))
		}
		return err
	})
}

// SaveFloorSetting writes what a hall sets; false if somebody has since version was read.
func (tx *Tx) SaveFloorSetting(ctx context.Context, hall string, detail json.RawMessage, version int) (bool, error) {
	text, args := `insert into floor_setting (hall_id, detail, version) values ($1, $2, 1) on conflict (hall_id) do nothing`, []any{hall, string(detail)}
	if version > 0 {
		text, args = `update floor_setting set detail = $2, version = version + 1 where hall_id = $1 and version = $3`, append(args, version)
	}
	n, err := tx.exec(ctx, "floor.set", text, args...)
	return n == 1, err
}

// DayRecord is the day of a hall as it ended.
type DayRecord struct {
	HallID string
	Date   calendar.Date
	Detail json.RawMessage
	Digest string // over every ticket of the day
	Sealed time.Time
}

// AddDayRecord keeps the record of a day.
func (tx *Tx) AddDayRecord(ctx context.Context, r DayRecord) error {
	_, err := tx.exec(ctx, "day.insert", `insert into day_record (hall_id, date, detail, digest, sealed_at) values ($1, $2, $3, $4, $5)`,
		r.HallID, r.Date.String(), string(r.Detail), r.Digest, micros(tx.Now))
	return err
}

const dayColumns = "hall_id, date, detail, digest, sealed_at"

func scanDay(scan func(...any) error) (*DayRecord, error) {
	var r DayRecord
	var date, detail string
	var at int64
	if err := scan(&r.HallID, &date, &detail, &r.Digest, &at); err != nil {
		return nil, err
	}
	r.Detail, r.Sealed = json.RawMessage(detail), instant(at)
	var err error
	r.Date, err = calendar.ParseDate(date)
	return &r, err
}

// DayRecord returns the record of a day, nil while it has not ended.
func (tx *Tx) DayRecord(ctx context.Context, hall string, date calendar.Date) (*DayRecord, error) {
	var r *DayRecord
	err := tx.query(ctx, "day.read", `select `+dayColumns+` from day_record where hall_id = $1 and date = $2`, func(scan func(...any) error) (err error) {
		r, err = scanDay(scan)
		return err
	}, hall, date.String())
	return r, err
}

// DayDigest is the digest of one day.
type DayDigest struct {
	HallID string
	Date   calendar.Date
	Digest string
}

// DigestedHalls returns the halls that have a day that has ended, in order.
func (tx *Tx) DigestedHalls(ctx context.Context) (out []string, err error) {
	return out, tx.query(ctx, "day.halls", `select id from hall h where exists (select 1 from day_record d where d.hall_id = h.id) order by 1`, func(scan func(...any) error) error {
		var hall string
		err := scan(&hall)
		out = append(out, hall)
		return err
	})
}

// DayDigests returns those of a hall's days that have ended, in order of date.
func (tx *Tx) DayDigests(ctx context.Context, hall string) (out []DayDigest, err error) {
	return out, tx.query(ctx, "day.digests", `select date, digest from day_record where hall_id = $1 order by date`, func(scan func(...any) error) error {
		r := DayDigest{HallID: hall}
		var date string
		err := scan(&date, &r.Digest)
		if err == nil {
			r.Date, err = calendar.ParseDate(date)
		}
		out = append(out, r)
		return err
	}, hall)
}
