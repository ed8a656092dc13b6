package store

import (
	"context"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/domain/supply"
)

// UnitBreaches is how many entries of a kind and state the ledger has against a unit.
type UnitBreaches struct {
	UnitID string
	Kind   supply.Breach
	State  supply.EntryState
	N      int64
}

// BreachesByUnit counts the entries about halls in a scope from an instant on to before another, by unit, kind and
// state.
func (tx *Tx) BreachesByUnit(ctx context.Context, scope account.Scope, from, to time.Time) (out []UnitBreaches, err error) {
	var args []any
	next := numbered(&args)
	where := scopeSQL("l", scope, next) + " and l.at >= " + next(micros(from)) + " and l.at < " + next(micros(to))
	return out, tx.query(ctx, "ledger.by_unit", `select l.unit_id, l.kind, l.state, count(*) from ledger l where `+where+` group by l.unit_id, l.kind, l.state order by l.unit_id, l.kind, l.state`,
		func(scan func(...any) error) error {
			var b UnitBreaches
			err := scan(&b.UnitID, &b.Kind, &b.State, &b.N)
			out = append(out, b)
			return err
		}, args...)
}

// UnitLetters is what came of the letters to a unit.
type UnitLetters struct {
	UnitID               string
	Sent, Returned, Open int64
}

// LettersByUnit counts the letters of a year to units in a scope.
func (tx *Tx) LettersByUnit(ctx context.Context, scope account.UnitScope, year int) (out []UnitLetters, err error) {
	var args []any
	next := numbered(&args)
	where := unitScopeSQL("l", scope, next) + " and l.year = " + next(int64(year))
	return out, tx.query(ctx, "letter.by_unit", `
select l.unit_id, count(*), sum(l.returns), sum(case when l.state = 'closed' then 0 else 1 end) from letter l where `+where+` group by l.unit_id order by l.unit_id`,
		func(scan func(...any) error) error {
			var u UnitLetters
			err := scan(&u.UnitID, &u.Sent, &u.Returned, &u.Open)
			out = append(out, u)
			return err
		}, args...)
}

const announcementColumns = "n.id, n.unit_id, n.year, n.counts, n.body, n.made_by, n.made_at, n.ended_by, n.ended_at, n.why"

func scanAnnouncement(scan func(...any) error) (oversight.Announcement, error) {
	var a oversight.Announcement
	var counts string
	var made, ended int64
	if err := scan(&a.ID, &a.UnitID, &a.Year, &counts, &a.Text, &a.MadeBy, &made, &a.EndedBy, &ended, &a.Why); err != nil {
		return a, err
	}
	a.MadeAt, a.EndedAt = instant(made), since(ended)
	return a, unmarshal(counts, &a.Counts)
}

// AddAnnouncement adds an announcement; false if one stands about that unit and year.
func (tx *Tx) AddAnnouncement(ctx context.Context, a oversight.Announcement) (bool, error) {
	n, err := tx.exec(ctx, "announcement.insert", `
insert into announcement (id, unit_id, year, counts, body, made_by, made_at, ended_by, ended_at, why) values ($1, $2, $3, $4, $5, $6, $7, '', 0, '')
on conflict (unit_id, year) where ended_at = 0 do nothing`, a.ID, a.UnitID, int64(a.Year), marshal(a.Counts), a.Text, a.MadeBy, micros(a.MadeAt))
	return n == 1, err
}

// EndAnnouncement takes an announcement back; false if it does not stand.
func (tx *Tx) EndAnnouncement(ctx context.Context, id, by, why string) (bool, error) {
	n, err := tx.exec(ctx, "announcement.end", `update announcement set ended_by = $2, ended_at = $3, why = $4 where id = $1 and ended_at = 0`, id, by, micros(tx.Now), why)
	return n == 1, err
}

// Announcement returns an announcement, nil if there is none.
func (tx *Tx) Announcement(ctx context.Context, id string) (found *oversight.Announcement, err error) {
	return found, tx.query(ctx, "announcement.one", `select `+announcementColumns+` from announcement n where n.id = $1`, func(scan func(...any) error) error {
		a, err := scanAnnouncement(scan)
		found = &a
		return err
	}, id)
}

// Announcements returns the announcements that stand, of a year or (0) of all, the newest first.
func (tx *Tx) Announcements(ctx context.Context, year int) (out []oversight.Announcement, err error) {
	return out, tx.query(ctx, "announcement.list", `
select `+announcementColumns+` from announcement n where n.ended_at = 0 and (n.year = $1 or cast($1 as bigint) = 0) order by n.made_at desc, n.id`, func(scan func(...any) error) error {
		a, err := scanAnnouncement(scan)
		out = append(out, a)
		return err
	}, int64(year))
}

// AlertsAnswered counts, by hall, the alerts of Art. 16 that began from an instant on to before another, and those that
// were taken up or over before the next level was reminded.
func (tx *Tx) AlertsAnswered(ctx context.Context, from, to time.Time) (map[string][2]int64, error) {
	out := map[string][2]int64{}
	return out, tx.query(ctx, "alert.answered", `
select a.hall_id, count(*), sum(case when a.level = 0 and (a.ack_at > 0 or a.ended_at > 0) then 1 else 0 end) from wait_alert a where a.since >= $1 and a.since < $2 group by a.hall_id`,
		func(scan func(...any) error) error {
			var hall string
			var n [2]int64
			err := scan(&hall, &n[0], &n[1])
			out[hall] = n
			return err
		}, micros(from), micros(to))
}
