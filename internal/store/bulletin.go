package store

import (
	"context"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/oversight"
)

const bulletinColumns = `b.id, b.unit_id, b.unit_kind, b.district_id, b.street_id, b.period, b.version, b.state, b.remarks, b.digest, b.author, b.reviewer, b.issuer,
  b.drafted_at, b.reviewed_at, b.issued_at, b.revision`

func scanBulletin(scan func(...any) error, more ...any) (oversight.Bulletin, error) {
	var b oversight.Bulletin
	var drafted, reviewed, issued int64
	err := scan(append([]any{&b.ID, &b.Seat.Unit, &b.Seat.Kind, &b.Seat.District, &b.Seat.Street, &b.Period, &b.Version, &b.State, &b.Remarks, &b.Digest, &b.Author, &b.Reviewer,
		&b.Issuer, &drafted, &reviewed, &issued, &b.Revision}, more...)...)
	b.DraftedAt, b.ReviewedAt, b.IssuedAt = since(drafted), since(reviewed), since(issued)
	return b, err
}

// AddBulletin adds a draft; false if there is that version already.
func (tx *Tx) AddBulletin(ctx context.Context, b oversight.Bulletin) (bool, error) {
	n, err := tx.exec(ctx, "bulletin.insert", `
insert into bulletin (id, unit_id, unit_kind, district_id, street_id, period, version, state, remarks, content, digest, author, reviewer, issuer,
  drafted_at, reviewed_at, issued_at, revision)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', $11, '', '', $12, 0, 0, $13) on conflict do nothing`,
		b.ID, b.Seat.Unit, string(b.Seat.Kind), b.Seat.District, b.Seat.Street, string(b.Period), int64(b.Version), string(b.State), b.Remarks, marshal(b.Content),
		b.Author, micros(b.DraftedAt), int64(b.Revision))
	return n == 1, err
}

// SaveBulletin writes what has become of a bulletin that is not issued; false if it is no longer at the revision before,
// or issued.
func (tx *Tx) SaveBulletin(ctx context.Context, b oversight.Bulletin, was int) (bool, error) {
	n, err := tx.exec(ctx, "bulletin.update", `
update bulletin set state = $3, remarks = $4, content = $5, digest = $6, author = $7, reviewer = $8, issuer = $9, drafted_at = $10, reviewed_at = $11, issued_at = $12, revision = $13
where id = $1 and revision = $2 and state <> 'issued'`,
		b.ID, int64(was), string(b.State), b.Remarks, marshal(b.Content), b.Digest, b.Author, b.Reviewer, b.Issuer, untilMicros(b.DraftedAt), untilMicros(b.ReviewedAt),
		untilMicros(b.IssuedAt), int64(b.Revision))
	return n == 1, err
}

// Bulletin returns a bulletin with its content, nil if there is none.
func (tx *Tx) Bulletin(ctx context.Context, id string) (found *oversight.Bulletin, err error) {
	return found, tx.query(ctx, "bulletin.one", `select `+bulletinColumns+`, b.content from bulletin b where b.id = $1`, func(scan func(...any) error) error {
		var content string
		b, err := scanBulletin(scan, &content)
		if err != nil {
			return err
		}
		found = &b
		return unmarshal(content, &found.Content)
	}, id)
}

// BulletinVersions returns the versions of a unit's bulletin of a period, the newest first, without their content.
func (tx *Tx) BulletinVersions(ctx context.Context, unit string, p oversight.BulletinPeriod) (out []oversight.Bulletin, err error) {
	return out, tx.query(ctx, "bulletin.versions", `select `+bulletinColumns+` from bulletin b where b.unit_id = $1 and b.period = $2 order by b.version desc`,
		func(scan func(...any) error) error {
			b, err := scanBulletin(scan)
			out = append(out, b)
			return err
		}, unit, string(p))
}

// BulletinQuery says which bulletins are wanted. What is empty does not narrow them.
type BulletinQuery struct {
	Scope  account.UnitScope
	States []oversight.BulletinState
	Unit   string
	Period oversight.BulletinPeriod
	Kind   string // of the unit
	Newest bool   // of several versions of what is issued only the newest
	Offset int
	Limit  int
	Walk   *Walk // in place of Offset and Limit
}

// Bulletins returns bulletins without their content, of the latest period first, and how many there are without the
// limit.
func (tx *Tx) Bulletins(ctx context.Context, q BulletinQuery) (list []oversight.Bulletin, all int, err error) {
	var args []any
	next := numbered(&args)
	where := unitScopeSQL("b", q.Scope, next)
	for _, p := range [][2]string{{"unit_id", q.Unit}, {"period", string(q.Period)}, {"unit_kind", q.Kind}} {
		if p[1] != "" {
			where += " and b." + p[0] + " = " + next(p[1])
		}
	}
	if q.States != nil {
		where += " and b.state in ("
		for i, s := range q.States {
			if i > 0 {
				where += ", "
			}
			where += next(string(s))
		}
		where += ")"
	}
	if q.Newest {
		where += " and not exists (select 1 from bulletin n where n.unit_id = b.unit_id and n.period = b.period and n.version > b.version and n.state = 'issued')"
	}
	if q.Walk != nil {
		where += q.Walk.below("b.id", next)
		return list, 0, tx.walk(ctx, "bulletin.walk", `select `+bulletinColumns+` from bulletin b where `+where+` order by b.id desc limit `+next(int64(q.Walk.Size)),
			func(scan func(...any) error) error {
				b, err := scanBulletin(scan)
				list = append(list, b)
				return err
			}, args...)
	}
	if _, err := tx.one(ctx, "bulletin.count", `select count(*) from bulletin b where `+where, args, &all); err != nil {
		return nil, 0, err
	}
	limit, offset := next(int64(q.Limit)), next(int64(q.Offset))
	return list, all, tx.query(ctx, "bulletin.list", `
select `+bulletinColumns+` from bulletin b where `+where+` order by b.period desc, case b.unit_kind when 'platform' then 0 when 'district' then 1 else 2 end, b.unit_id, b.version desc
limit `+limit+` offset `+offset, func(scan func(...any) error) error {
		b, err := scanBulletin(scan)
		list = append(list, b)
		return err
	}, args...)
}
