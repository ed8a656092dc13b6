package store

import (
	"context"
	"strconv"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
)

const measureColumns = "m.id, m.person, m.hall_id, m.kind, m.no_shows, m.cancellations, m.at, m.until_at, m.state, m.ended_at"

func scanMeasure(scan func(...any) error) (*booking.Measure, error) {
	var m booking.Measure
	var at, until, ended int64
	err := scan(&m.ID, &m.Person, &m.HallID, &m.Kind, &m.Marks.NoShows, &m.Marks.Cancellations, &at, &until, &m.State, &ended)
	m.At, m.Until, m.EndedAt = instant(at), since(until), since(ended)
	return &m, err
}

// readMarks makes the statements that bring what is recorded of persons into f, and what came of it.
func readMarks(n *booking.Needs, f *booking.Facts) []stmt {
	rows := make([][1]string, 0, len(n.Marks))
	for p := range n.Marks {
		rows = append(rows, [1]string{string(p)})
		f.SetMarks(p)
	}
	persons := marshal(rows)
	byID := map[string]*booking.Measure{}
	return []stmt{
		{name: "mark.read", want: -1, args: []any{persons}, text: `
with w as materialized (select r.value->>0 as person from {rows} r)
select c.person, c.name, c.hall_id, c.booking, c.hash from w cross join claim c
where c.person = w.person and c.name >= '` + booking.MarksFrom + `' and c.name < '` + booking.MarksTo + `'`,
			row: func(scan func(...any) error) error {
				var c booking.Claim
				err := scan(&c.Person, &c.Name, &c.HallID, &c.Booking, &c.Hash)
				if one, ok := booking.FactOf(c); ok {
					f.PutMark(c.Person, one)
				}
				return err
			}},
		{name: "sanction.read", want: -1, args: []any{persons}, text: `
with w as materialized (select r.value->>0 as person from {rows} r)
select ` + measureColumns + ` from w cross join sanction m where m.person = w.person`,
			row: func(scan func(...any) error) error {
				m, err := scanMeasure(scan)
				byID[m.ID] = m
				f.Measures[m.Person] = append(f.Measures[m.Person], m)
				return err
			}},
		{name: "sanction.facts", want: -1, args: []any{persons}, text: `
with w as materialized (select r.value->>0 as person from {rows} r)
select x.sanction, x.booking from w cross join sanction m join sanction_fact x on x.sanction = m.id where m.person = w.person`,
			row: func(scan func(...any) error) error {
				var id, of string
				err := scan(&id, &of)
				if m := byID[id]; m != nil {
					m.Facts = append(m.Facts, of)
				}
				return err
			}},
	}
}

var (
	measureInsert = newInserter("sanction", "id", "person", "hall_id", "kind", "no_shows", "cancellations", "at", "until_at", "state")
	factInsert    = newInserter("sanction_fact", "booking", "sanction")
)

// writeMeasures adds the statements for warnings and sanctions that are new.
func writeMeasures(d *dialect, list []stmt, c *booking.Change) []stmt {
	var facts [][2]string
	for _, m := range c.Measures {
		for _, id := range m.Facts {
			facts = append(facts, [2]string{id, m.ID})
		}
	}
	list = measureInsert.add(d, list, len(c.Measures), func(i int, args []any) []any {
		m := c.Measures[i]
		until := int64(0)
		if !m.Until.IsZero() {
			until = micros(m.Until)
		}
		return append(args, m.ID, string(m.Person), m.HallID, string(m.Kind), int64(m.Marks.NoShows), int64(m.Marks.Cancellations), micros(m.At), until, string(m.State))
	})
	return factInsert.add(d, list, len(facts), func(i int, args []any) []any { return append(args, facts[i][0], facts[i][1]) })
}

// MarksOf returns what is recorded of a booker, oldest first.
func (tx *Tx) MarksOf(ctx context.Context, person identity.Key) (out []booking.Fact, err error) {
	return out, tx.query(ctx, "mark.of", `
select person, name, hall_id, booking, hash from claim where person = $1 and name >= '`+booking.MarksFrom+`' and name < '`+booking.MarksTo+`' order by name`,
		func(scan func(...any) error) error {
			var c booking.Claim
			err := scan(&c.Person, &c.Name, &c.HallID, &c.Booking, &c.Hash)
			if one, ok := booking.FactOf(c); ok {
				out = append(out, one)
			}
			return err
		}, string(person))
}

// MissedOf returns the bookings that a person made for themselves, for an item and a date, and missed.
func (tx *Tx) MissedOf(ctx context.Context, person identity.Key, item string, date calendar.Date) (out []string, err error) {
	return out, tx.query(ctx, "booking.missed_of", `
with w as materialized (select distinct c.booking as id from claim c where c.person = $1 and c.name >= '`+booking.MarksFrom+`' and c.name < '`+booking.MarksTo+`')
select b.id from w cross join booking b
where b.id = w.id and b.booker = $1 and b.applicant = $1 and b.item = $2 and b.date = $3 and b.state = 'no_show' and b.units = 1 order by b.id`,
		func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			out = append(out, id)
			return err
		}, string(person), item, date.String())
}

// BarOf returns until when a person has no off-site booking; zero for no bar.
func (tx *Tx) BarOf(ctx context.Context, person identity.Key) (time.Time, error) {
	var c booking.Claim
	found, err := tx.one(ctx, "bar.of", `select hash from claim where person = $1 and name = $2`, []any{string(person), booking.BarName}, &c.Hash)
	if err != nil || !found {
		return time.Time{}, err
	}
	until, _ := booking.BarUntil(c)
	return until, nil
}

// MeasuresOf returns the warnings and sanctions of a person, newest first.
func (tx *Tx) MeasuresOf(ctx context.Context, person identity.Key) (out []*booking.Measure, err error) {
	return out, tx.query(ctx, "sanction.of", `select `+measureColumns+` from sanction m where m.person = $1 order by m.at desc, m.id`,
		func(scan func(...any) error) error {
			m, err := scanMeasure(scan)
			out = append(out, m)
			return err
		}, string(person))
}

// Measure returns a warning or sanction with what it rests on, nil for none.
func (tx *Tx) Measure(ctx context.Context, id string) (found *booking.Measure, err error) {
	if err := tx.query(ctx, "sanction.one", `select `+measureColumns+` from sanction m where m.id = $1`,
		func(scan func(...any) error) (err error) {
			found, err = scanMeasure(scan)
			return err
		}, id); err != nil || found == nil {
		return nil, err
	}
	return found, tx.query(ctx, "sanction.rests", `select booking from sanction_fact where sanction = $1 order by booking`,
		func(scan func(...any) error) error {
			var of string
			err := scan(&of)
			found.Facts = append(found.Facts, of)
			return err
		}, id)
}

// MeasureQuery says which warnings and sanctions are wanted.
type MeasureQuery struct {
	Scope         account.Scope
	Hall          string // "" for all
	Appeals       bool   // only those with an appeal that waits
	Offset, Limit int
}

// Measures returns warnings and sanctions that completed at halls, those whose appeal waits longest in front, then
// the newest, and how many there are.
func (tx *Tx) Measures(ctx context.Context, q MeasureQuery) (list []*booking.Measure, all int, err error) {
	appeals := int64(0)
	if q.Appeals {
		appeals = 1
	}
	args := []any{q.Hall, appeals}
	scope := scopeSQL("h", q.Scope, func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	})
	where := ` from sanction m join hall h on h.id = m.hall_id left join sanction_appeal p on p.sanction = m.id
where ($1 = '' or m.hall_id = $1) and (cast($2 as bigint) = 0 or p.state = 'waiting') and ` + scope
	if _, err := tx.one(ctx, "sanction.count", `select count(*)`+where, args, &all); err != nil {
		return nil, 0, err
	}
	limit, offset := "$"+strconv.Itoa(len(args)+1), "$"+strconv.Itoa(len(args)+2)
	err = tx.query(ctx, "sanction.list", `select `+measureColumns+where+`
order by case when p.state = 'waiting' then p.at else 9000000000000000 end, m.at desc, m.id limit `+limit+` offset `+offset,
		func(scan func(...any) error) error {
			m, err := scanMeasure(scan)
			list = append(list, m)
			return err
		}, append(args, int64(q.Limit), int64(q.Offset))...)
	return list, all, err
}

// StrikeMark removes what is recorded of a person about a booking, and returns the measure that stands on it, ""
// for none.
func (tx *Tx) StrikeMark(ctx context.Context, person identity.Key, id string) (measure string, err error) {
	if _, err := tx.exec(ctx, "mark.strike", `
delete from claim where person = $1 and name >= '`+booking.MarksFrom+`' and name < '`+booking.MarksTo+`' and booking = $2`, string(person), id); err != nil {
		return "", err
	}
	_, err = tx.one(ctx, "mark.measure", `
select m.id from sanction_fact x join sanction m on m.id = x.sanction where x.booking = $1 and m.state = 'stands'`, []any{id}, &measure)
	return measure, err
}

// EndMeasure ends one that stands; false if it stands no more. Lifted, what it rested on is struck; void, it counts
// on, each for itself.
func (tx *Tx) EndMeasure(ctx context.Context, m *booking.Measure, s booking.MeasureState) (bool, error) {
	n, err := tx.exec(ctx, "sanction.end", `update sanction set state = $2, ended_at = $3 where id = $1 and state = 'stands'`, m.ID, string(s), micros(tx.Now))
	if err != nil || n == 0 {
		return false, err
	}
	if s == booking.MeasureLifted {
		_, err = tx.exec(ctx, "mark.lift", `
delete from claim where person = $1 and name >= '`+booking.MarksFrom+`' and name < '`+booking.MarksTo+`'
and booking in (select x.booking from sanction_fact x where x.sanction = $2)`, string(m.Person), m.ID)
	} else {
		_, err = tx.exec(ctx, "sanction.free", `delete from sanction_fact where sanction = $1`, m.ID)
	}
	if err != nil {
		return false, err
	}
	if _, err := tx.exec(ctx, "bar.drop", `delete from claim where person = $1 and name = $2`, string(m.Person), booking.BarName); err != nil {
		return false, err
	}
	_, err = tx.exec(ctx, "bar.rest", `
insert into claim (person, name, hall_id, booking, hash)
select m.person, $2, m.hall_id, m.id, cast(m.until_at as text) from sanction m
where m.person = $1 and m.kind = 'barred' and m.state = 'stands' order by m.until_at desc, m.id limit 1`, string(m.Person), booking.BarName)
	return true, err
}

// AddMeasureAppeal adds an appeal against a measure; false if it has one. Booking is the measure's id.
func (tx *Tx) AddMeasureAppeal(ctx context.Context, p Appeal) (bool, error) {
	n, err := tx.exec(ctx, "sanction.appeal", `
insert into sanction_appeal (sanction, hall_id, at, sealed, state) values ($1, $2, $3, $4, 'waiting') on conflict (sanction) do nothing`,
		p.Booking, p.HallID, micros(tx.Now), p.Sealed)
	return n == 1, err
}

// MeasureAppeals returns the appeals against measures, by their id.
func (tx *Tx) MeasureAppeals(ctx context.Context, ids ...string) (map[string]*Appeal, error) {
	out := map[string]*Appeal{}
	if len(ids) == 0 {
		return out, nil
	}
	rows := make([][1]string, len(ids))
	for i, id := range ids {
		rows[i] = [1]string{id}
	}
	return out, tx.query(ctx, "sanction.appeals", `
with w as materialized (select r.value->>0 as id from {rows} r)
select p.sanction, p.hall_id, p.at, p.sealed, p.state, p.decided_by, p.decided_at, p.why from w cross join sanction_appeal p where p.sanction = w.id`,
		func(scan func(...any) error) error {
			p, err := scanAppeal(scan)
			out[p.Booking] = p
			return err
		}, marshal(rows))
}

// DecideMeasureAppeal settles a waiting appeal against a measure; false if it waits no more.
func (tx *Tx) DecideMeasureAppeal(ctx context.Context, id string, s AppealState, by, why string) (bool, error) {
	n, err := tx.exec(ctx, "sanction.decide", `
update sanction_appeal set state = $2, decided_by = $3, decided_at = $4, why = $5 where sanction = $1 and state = 'waiting'`,
		id, string(s), by, micros(tx.Now), why)
	return n == 1, err
}
