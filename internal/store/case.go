package store

import (
	"context"
	"strconv"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/theme"
)

const caseColumns = "c.id, c.hall_id, c.ticket, c.theme, c.theme_version, c.state, c.booker, c.applicant, c.sealed, c.opened_at, c.ended_at, c.acts, c.events"

func scanCase(scan func(...any) error) (*theme.Case, error) {
	var c theme.Case
	var opened, ended int64
	err := scan(&c.ID, &c.HallID, &c.Ticket, &c.Theme, &c.Version, &c.State, &c.Booker, &c.Applicant, &c.Sealed, &opened, &ended, &c.Acts, &c.Events)
	c.OpenedAt, c.EndedAt = instant(opened), since(ended)
	return &c, err
}

const stepColumns = "s.case_id, s.key, s.department, s.state, s.by_account, s.due, s.days_left, s.since, s.version"

func scanStep(scan func(...any) error, more ...any) (id string, p *theme.Progress, err error) {
	p = new(theme.Progress)
	var due string
	var at int64
	if err = scan(append([]any{&id, &p.Key, &p.Department, &p.State, &p.By, &due, &p.Left, &at, &p.Version}, more...)...); err != nil {
		return id, p, err
	}
	p.Since = instant(at)
	if due != "" {
		p.Due, err = calendar.ParseDate(due)
	}
	return id, p, err
}

// AddCase keeps a case that has just been opened with its steps and its history; false if the ticket has
// opened one before.
func (tx *Tx) AddCase(ctx context.Context, c *theme.Change) (bool, error) {
	v := c.Case
	n, err := tx.exec(ctx, "case.insert", `
insert into theme_case (id, hall_id, ticket, theme, theme_version, state, booker, applicant, sealed, opened_at, ended_at, acts, events)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (hall_id, ticket) do nothing`,
		v.ID, v.HallID, v.Ticket, v.Theme, int64(v.Version), string(v.State), string(v.Booker), string(v.Applicant), v.Sealed,
		micros(v.OpenedAt), untilMicros(v.EndedAt), int64(v.Acts), int64(v.Events))
	if err != nil || n == 0 {
		return false, err
	}
	at := -1
	if err := saveSet(ctx, tx, "case_step.insert", v.Steps, func(p *theme.Progress) any {
		at++
		return []any{v.ID, at, p.Key, p.Department, p.State, p.By, dueText(p.Due), p.Left, micros(p.Since), p.Version}
	}, `
with w as materialized (select r.value->>0 as case_id, cast(r.value->>1 as bigint) as n, r.value->>2 as key, r.value->>3 as department, r.value->>4 as state,
    r.value->>5 as by_account, r.value->>6 as due, cast(r.value->>7 as bigint) as days_left, cast(r.value->>8 as bigint) as since, cast(r.value->>9 as bigint) as version
    from {rows} r order by 1, 2)
insert into case_step (case_id, n, key, department, state, by_account, due, days_left, since, version)
select case_id, n, key, department, state, by_account, due, days_left, since, version from w where true`); err != nil {
		return false, err
	}
	return true, tx.addCaseEvents(ctx, v.ID, c.Events)
}

// SaveCase writes what an act came to; false if the case is no longer as it was before the act.
func (tx *Tx) SaveCase(ctx context.Context, c *theme.Change) (bool, error) {
	v := c.Case
	n, err := tx.exec(ctx, "case.update", `update theme_case set state = $3, ended_at = $4, acts = $5, events = $6 where id = $1 and acts = $2`,
		v.ID, int64(v.Acts-1), string(v.State), untilMicros(v.EndedAt), int64(v.Acts), int64(v.Events))
	if err != nil || n == 0 {
		return false, err
	}
	if err := saveSet(ctx, tx, "case_step.update", c.Steps, func(p *theme.Progress) any {
		return []any{v.ID, p.Key, p.State, p.By, dueText(p.Due), p.Left, micros(p.Since), p.Version}
	}, `
with w as materialized (select r.value->>0 as case_id, r.value->>1 as key, r.value->>2 as state, r.value->>3 as by_account, r.value->>4 as due,
    cast(r.value->>5 as bigint) as days_left, cast(r.value->>6 as bigint) as since, cast(r.value->>7 as bigint) as version from {rows} r order by 1, 2)
update case_step set state = w.state, by_account = w.by_account, due = w.due, days_left = w.days_left, since = w.since, version = w.version
from w where case_step.case_id = w.case_id and case_step.key = w.key`); err != nil {
		return false, err
	}
	return true, tx.addCaseEvents(ctx, v.ID, c.Events)
}

func (tx *Tx) addCaseEvents(ctx context.Context, id string, list []theme.Event) error {
	return saveSet(ctx, tx, "case_event.insert", list, func(e theme.Event) any {
		return []any{id, e.N, e.Act, e.Kind, e.Step, e.By, micros(e.At)}
	}, `
with w as materialized (select r.value->>0 as case_id, cast(r.value->>1 as bigint) as n, cast(r.value->>2 as bigint) as act, r.value->>3 as kind,
    r.value->>4 as step, r.value->>5 as by_account, cast(r.value->>6 as bigint) as at from {rows} r order by 1, 2)
insert into case_event (case_id, n, act, kind, step, by_account, at) select case_id, n, act, kind, step, by_account, at from w where true`)
}

// AddCaseText keeps what was written with an event.
func (tx *Tx) AddCaseText(ctx context.Context, id string, n int, sealed []byte) error {
	_, err := tx.exec(ctx, "case_text.insert", `insert into case_text (case_id, n, sealed) values ($1, $2, $3)`, id, int64(n), sealed)
	return err
}

// Case returns a case with its steps, nil for none.
func (tx *Tx) Case(ctx context.Context, id string) (*theme.Case, error) {
	return tx.oneCase(ctx, "case.one", `where c.id = $1`, id)
}

// CaseOfTicket returns the case that a ticket opened, nil for none.
func (tx *Tx) CaseOfTicket(ctx context.Context, hall, ticket string) (*theme.Case, error) {
	return tx.oneCase(ctx, "case.ticket", `where c.hall_id = $1 and c.ticket = $2`, hall, ticket)
}

func (tx *Tx) oneCase(ctx context.Context, name, where string, args ...any) (*theme.Case, error) {
	list, err := tx.cases(ctx, name, where, args...)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// cases reads cases with their steps.
func (tx *Tx) cases(ctx context.Context, name, where string, args ...any) ([]*theme.Case, error) {
	var list []*theme.Case
	byID := map[string]*theme.Case{}
	if err := tx.query(ctx, name, `select `+caseColumns+` from theme_case c `+where, func(scan func(...any) error) error {
		c, err := scanCase(scan)
		list, byID[c.ID] = append(list, c), c
		return err
	}, args...); err != nil || len(list) == 0 {
		return list, err
	}
	return list, tx.query(ctx, "case_step.of", `
with w as materialized (select r.value->>0 as case_id from {rows} r order by 1)
select `+stepColumns+` from w cross join case_step s where s.case_id = w.case_id order by s.case_id, s.n`, func(scan func(...any) error) error {
		id, p, err := scanStep(scan)
		byID[id].Steps = append(byID[id].Steps, p)
		return err
	}, rowsOf(list))
}

func rowsOf(list []*theme.Case) string {
	rows := make([][1]string, len(list))
	for i, c := range list {
		rows[i] = [1]string{c.ID}
	}
	return marshal(rows)
}

// CasesOf returns the cases a person handed in or that are about them, newest first, at most limit.
func (tx *Tx) CasesOf(ctx context.Context, person identity.Key, limit int) ([]*theme.Case, error) {
	return tx.cases(ctx, "case.mine", `
where c.id in (select x.id from theme_case x where x.applicant = $1 union select y.id from theme_case y where y.booker = $1) order by c.opened_at desc, c.id limit $2`,
		string(person), int64(limit))
}

// CasesByID returns cases by their ids.
func (tx *Tx) CasesByID(ctx context.Context, ids map[string]struct{}) (map[string]*theme.Case, error) {
	out := map[string]*theme.Case{}
	if len(ids) == 0 {
		return out, nil
	}
	rows := make([][1]string, 0, len(ids))
	for id := range ids {
		rows = append(rows, [1]string{id})
	}
	list, err := tx.cases(ctx, "case.set", `where c.id in (select r.value->>0 from {rows} r)`, marshal(rows))
	for _, c := range list {
		out[c.ID] = c
	}
	return out, err
}

// CasesAfter returns cases in order of their ids, from behind after on, at most limit.
func (tx *Tx) CasesAfter(ctx context.Context, after string, limit int) ([]*theme.Case, error) {
	return tx.cases(ctx, "case.after", `where c.id > $1 order by c.id limit $2`, after, int64(limit))
}

// CaseEvents returns the histories of cases, oldest first.
func (tx *Tx) CaseEvents(ctx context.Context, list ...*theme.Case) (map[string][]theme.Event, error) {
	out := map[string][]theme.Event{}
	return out, tx.query(ctx, "case_event.of", `
with w as materialized (select r.value->>0 as case_id from {rows} r order by 1)
select e.case_id, e.n, e.act, e.kind, e.step, e.by_account, e.at from w cross join case_event e where e.case_id = w.case_id order by e.case_id, e.n`,
		func(scan func(...any) error) error {
			var id string
			var e theme.Event
			var at int64
			err := scan(&id, &e.N, &e.Act, &e.Kind, &e.Step, &e.By, &at)
			e.At = instant(at)
			out[id] = append(out[id], e)
			return err
		}, rowsOf(list))
}

// CaseTexts returns what was written with the events of a case, sealed, by event.
func (tx *Tx) CaseTexts(ctx context.Context, id string) (map[int][]byte, error) {
	out := map[int][]byte{}
	return out, tx.query(ctx, "case_text.of", `select n, sealed from case_text where case_id = $1`, func(scan func(...any) error) error {
		var n int
		var sealed []byte
		err := scan(&n, &sealed)
		out[n] = sealed
		return err
	}, id)
}

// StepRow is a step in a department's list.
type StepRow struct {
	Case     string
	HallID   string
	Theme    string
	Version  int // of the theme
	OpenedAt time.Time
	theme.Progress
}

// StepQuery says which steps of a department are wanted.
type StepQuery struct {
	Department    string
	Asked         bool          // those the applicant was asked about; else those it is to work on
	By            string        // taken by this account; "" for all
	Overdue       calendar.Date // not Asked: due before this date; 0 for all
	Offset, Limit int
}

// StepsOf returns steps of a department: those it is to work on by when they are due, those it has asked
// about by since when; and how many there are.
func (tx *Tx) StepsOf(ctx context.Context, q StepQuery) (list []StepRow, all int, err error) {
	where, order := ` where s.department = $1 and s.state in ('due', 'accepted')`, `s.due, s.case_id, s.n`
	if q.Asked {
		where, order = ` where s.department = $1 and s.state = 'supplement'`, `s.since, s.case_id, s.n`
	}
	args := []any{q.Department}
	more := func(condition string, arg any) { // only what is asked for, or no index would do
		args = append(args, arg)
		where += ` and ` + condition + ` $` + strconv.Itoa(len(args))
	}
	if q.By != "" {
		more(`s.by_account =`, q.By)
	}
	if q.Overdue != 0 {
		more(`s.due <`, dueText(q.Overdue))
	}
	if _, err := tx.one(ctx, "case_step.count", `select count(*) from case_step s`+where, args, &all); err != nil {
		return nil, 0, err
	}
	page := ` limit $` + strconv.Itoa(len(args)+1) + ` offset $` + strconv.Itoa(len(args)+2)
	err = tx.walk(ctx, "case_step.list", `
with w as materialized (select `+stepColumns+`, s.n from case_step s`+where+` order by `+order+page+`)
select `+stepColumns+`, c.hall_id, c.theme, c.theme_version, c.opened_at from w s join theme_case c on c.id = s.case_id order by `+order, func(scan func(...any) error) error {
		var r StepRow
		var opened int64
		id, p, err := scanStep(scan, &r.HallID, &r.Theme, &r.Version, &opened)
		r.Case, r.Progress, r.OpenedAt = id, *p, instant(opened)
		list = append(list, r)
		return err
	}, append(args, int64(q.Limit), int64(q.Offset))...)
	return list, all, err
}

// LateRow is how many steps of a department are past their deadline.
type LateRow struct {
	Department string
	Steps      int
	Oldest     calendar.Date // the first of the deadlines
}

// LateSteps counts steps that were due before a date, of one department or, with "", of each that has any.
func (tx *Tx) LateSteps(ctx context.Context, department string, today calendar.Date) (list []LateRow, err error) {
	where, args := `where state in ('due', 'accepted') and due < $1`, []any{dueText(today)}
	if department != "" {
		where, args = where+` and department = $2`, append(args, department)
	}
	err = tx.query(ctx, "case_step.late", `select department, count(*), min(due) from case_step `+where+` group by department order by department`, func(scan func(...any) error) error {
		var r LateRow
		var due string
		err := scan(&r.Department, &r.Steps, &due)
		if err == nil {
			r.Oldest, err = calendar.ParseDate(due)
		}
		list = append(list, r)
		return err
	}, args...)
	return list, err
}
