package store

import (
	"context"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/oversight"
)

const letterColumns = `l.id, l.year, l.number, l.unit_id, l.unit_kind, l.district_id, l.street_id, l.from_unit, l.about_noun, l.about_id, l.subject, l.body, l.asks, l.state,
  l.issued_by, l.issued_at, l.due_at, l.next_at, l.level, l.late, l.returns, l.closed_at, l.version`

func scanLetter(scan func(...any) error) (oversight.Letter, error) {
	var l oversight.Letter
	var issued, due, next, closed int64
	err := scan(&l.ID, &l.Year, &l.Number, &l.Seat.Unit, &l.Seat.Kind, &l.Seat.District, &l.Seat.Street, &l.FromUnit, &l.About.Noun, &l.About.ID, &l.Subject, &l.Text, &l.Asks, &l.State,
		&l.IssuedBy, &issued, &due, &next, &l.Level, &l.Late, &l.Returns, &closed, &l.Version)
	l.IssuedAt, l.DueAt, l.NextAt, l.ClosedAt = instant(issued), since(due), since(next), since(closed)
	return l, err
}

// AddLetter adds a letter; false if its unit has one about the same already.
func (tx *Tx) AddLetter(ctx context.Context, l oversight.Letter) (bool, error) {
	n, err := tx.exec(ctx, "letter.insert", `
insert into letter (id, year, number, unit_id, unit_kind, district_id, street_id, from_unit, about_noun, about_id, subject, body, asks, state, issued_by, issued_at, due_at, next_at,
  level, late, returns, closed_at, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
on conflict (unit_id, about_noun, about_id) where about_id <> '' do nothing`,
		l.ID, int64(l.Year), int64(l.Number), l.Seat.Unit, string(l.Seat.Kind), l.Seat.District, l.Seat.Street, l.FromUnit, l.About.Noun, l.About.ID, l.Subject, l.Text, l.Asks,
		string(l.State), l.IssuedBy, micros(l.IssuedAt), untilMicros(l.DueAt), untilMicros(l.NextAt), int64(l.Level), int64(l.Late), int64(l.Returns), untilMicros(l.ClosedAt), int64(l.Version))
	return n == 1, err
}

// SaveLetter writes what has become of a letter; false if it is no longer at the version before.
func (tx *Tx) SaveLetter(ctx context.Context, l oversight.Letter, was int) (bool, error) {
	n, err := tx.exec(ctx, "letter.update", `
update letter set state = $3, due_at = $4, next_at = $5, level = $6, late = $7, returns = $8, closed_at = $9, version = $10 where id = $1 and version = $2`,
		l.ID, int64(was), string(l.State), untilMicros(l.DueAt), untilMicros(l.NextAt), int64(l.Level), int64(l.Late), int64(l.Returns), untilMicros(l.ClosedAt), int64(l.Version))
	return n == 1, err
}

// AddLetterEvent adds a step to the history of a letter, which is at version n.
func (tx *Tx) AddLetterEvent(ctx context.Context, letter string, n int, e oversight.LetterEvent) error {
	_, err := tx.exec(ctx, "letter_event.insert", `insert into letter_event (letter, n, at, kind, account, body) values ($1, $2, $3, $4, $5, $6)`,
		letter, int64(n), micros(tx.Now), e.Kind, e.Account, e.Text)
	return err
}

// LetterEvents returns the history of a letter, oldest first.
func (tx *Tx) LetterEvents(ctx context.Context, letter string) (out []oversight.LetterEvent, err error) {
	return out, tx.query(ctx, "letter_event.of", `select e.at, e.kind, e.account, e.body from letter_event e where e.letter = $1 order by e.n`, func(scan func(...any) error) error {
		var e oversight.LetterEvent
		var at int64
		err := scan(&at, &e.Kind, &e.Account, &e.Text)
		e.At = instant(at)
		out = append(out, e)
		return err
	}, letter)
}

// Letter returns a letter, nil if there is none.
func (tx *Tx) Letter(ctx context.Context, id string) (found *oversight.Letter, err error) {
	return found, tx.query(ctx, "letter.one", `select `+letterColumns+` from letter l where l.id = $1`, func(scan func(...any) error) error {
		l, err := scanLetter(scan)
		found = &l
		return err
	}, id)
}

// LetterAbout returns the letter of a unit about something, nil if there is none.
func (tx *Tx) LetterAbout(ctx context.Context, unit string, about oversight.About) (found *oversight.Letter, err error) {
	return found, tx.query(ctx, "letter.about", `select `+letterColumns+` from letter l where l.unit_id = $1 and l.about_noun = $2 and l.about_id = $3 and l.about_id <> ''`,
		func(scan func(...any) error) error {
			l, err := scanLetter(scan)
			found = &l
			return err
		}, unit, about.Noun, about.ID)
}

// LetterQuery says which letters are wanted. What is empty does not narrow them.
type LetterQuery struct {
	Scope   account.UnitScope
	State   oversight.LetterState
	Open    bool
	Unit    string // sent to
	NotUnit string // not sent to
	From    string // unit that sent it
	Year    int
	Offset  int
	Limit   int
	Walk    *Walk // in place of Offset and Limit
}

// Letters returns the letters asked for, those that wait first, the most urgent in front, and how many there are without
// the limit.
func (tx *Tx) Letters(ctx context.Context, q LetterQuery) (list []oversight.Letter, all int, err error) {
	var args []any
	next := numbered(&args)
	where := unitScopeSQL("l", q.Scope, next)
	for _, p := range [][2]string{{"state = ", string(q.State)}, {"unit_id = ", q.Unit}, {"unit_id <> ", q.NotUnit}, {"from_unit = ", q.From}} {
		if p[1] != "" {
			where += " and l." + p[0] + next(p[1])
		}
	}
	if q.Open {
		where += " and l.state <> 'closed'"
	}
	if q.Year > 0 {
		where += " and l.year = " + next(int64(q.Year))
	}
	if q.Walk != nil {
		where += q.Walk.below("l.id", next)
		return list, 0, tx.walk(ctx, "letter.walk", `select `+letterColumns+` from letter l where `+where+` order by l.id desc limit `+next(int64(q.Walk.Size)),
			func(scan func(...any) error) error {
				l, err := scanLetter(scan)
				list = append(list, l)
				return err
			}, args...)
	}
	if _, err := tx.one(ctx, "letter.count", `select count(*) from letter l where `+where, args, &all); err != nil {
		return nil, 0, err
	}
	limit, offset := next(int64(q.Limit)), next(int64(q.Offset))
	return list, all, tx.query(ctx, "letter.list", `
select `+letterColumns+` from letter l where `+where+` order by case when l.state = 'closed' then 1 else 0 end, case when l.state = 'closed' then -l.closed_at else l.due_at end, l.id
limit `+limit+` offset `+offset, func(scan func(...any) error) error {
		l, err := scanLetter(scan)
		list = append(list, l)
		return err
	}, args...)
}

// LettersDue returns letters of which it is to be told by now that they are overdue, at most limit.
func (tx *Tx) LettersDue(ctx context.Context, now time.Time, limit int) (out []oversight.Letter, err error) {
	return out, tx.query(ctx, "letter.due", `select `+letterColumns+` from letter l where l.next_at > 0 and l.next_at <= $1 order by l.next_at, l.id limit $2`,
		func(scan func(...any) error) error {
			l, err := scanLetter(scan)
			out = append(out, l)
			return err
		}, micros(now), limit)
}
