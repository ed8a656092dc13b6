package store

import (
	"context"
	"strconv"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
)

const evaluationColumns = "e.id, e.hall_id, e.ticket, e.queue_id, e.item, e.counter, e.at, e.date, e.grade, e.reasons, e.sealed, e.channel, e.state, e.due, " +
	"e.answer, e.answered_by, e.answered_at, e.called_back, e.called_by, e.called_at, e.version"

func scanEvaluation(scan func(...any) error) (*counter.Evaluation, error) {
	var e counter.Evaluation
	var date, due, reasons string
	var at, answered, called int64
	if err := scan(&e.ID, &e.HallID, &e.Ticket, &e.QueueID, &e.Item, &e.Counter, &at, &date, &e.Grade, &reasons, &e.Sealed, &e.Channel, &e.State, &due,
		&e.Answer, &e.AnsweredBy, &answered, &e.CalledBack, &e.CalledBy, &called, &e.Version); err != nil {
		return &e, err
	}
	e.At, e.AnsweredAt, e.CalledAt = instant(at), since(answered), since(called)
	var err error
	if e.Date, err = calendar.ParseDate(date); err != nil {
		return &e, err
	}
	if due != "" {
		if e.Due, err = calendar.ParseDate(due); err != nil {
			return &e, err
		}
	}
	return &e, unmarshal(reasons, &e.Reasons)
}

func dueText(d calendar.Date) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// AddEvaluation adds an evaluation; false if its ticket has one.
func (tx *Tx) AddEvaluation(ctx context.Context, e *counter.Evaluation) (bool, error) {
	sealed := e.Sealed
	if sealed == nil {
		sealed = []byte{}
	}
	n, err := tx.exec(ctx, "evaluation.insert", `
insert into evaluation (hall_id, id, ticket, queue_id, item, counter, at, date, grade, reasons, sealed, channel, state, due, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict (hall_id, ticket) do nothing`,
		e.HallID, e.ID, e.Ticket, e.QueueID, e.Item, e.Counter, micros(e.At), e.Date.String(), int64(e.Grade), marshal(e.Reasons), sealed, e.Channel,
		string(e.State), dueText(e.Due), int64(e.Version))
	return n == 1, err
}

// SaveEvaluation writes what has become of a case; false if it is no longer at the version before.
func (tx *Tx) SaveEvaluation(ctx context.Context, e *counter.Evaluation) (bool, error) {
	n, err := tx.exec(ctx, "evaluation.update", `
update evaluation set state = $4, due = $5, answer = $6, answered_by = $7, answered_at = $8, called_back = $9, called_by = $10, called_at = $11, version = $12
where hall_id = $1 and ticket = $2 and version = $3`,
		e.HallID, e.Ticket, int64(e.Version-1), string(e.State), dueText(e.Due), e.Answer, e.AnsweredBy, untilMicros(e.AnsweredAt),
		string(e.CalledBack), e.CalledBy, untilMicros(e.CalledAt), int64(e.Version))
	return n == 1, err
}

func (tx *Tx) evaluation(ctx context.Context, name, where string, args ...any) (*counter.Evaluation, error) {
	var found *counter.Evaluation
	err := tx.query(ctx, name, `select `+evaluationColumns+` from evaluation e where `+where, func(scan func(...any) error) (err error) {
		found, err = scanEvaluation(scan)
		return err
	}, args...)
	return found, err
}

// EvaluationOf returns what was said about the service of a ticket, nil for nothing yet.
func (tx *Tx) EvaluationOf(ctx context.Context, hall, ticket string) (*counter.Evaluation, error) {
	return tx.evaluation(ctx, "evaluation.ticket", `e.hall_id = $1 and e.ticket = $2`, hall, ticket)
}

// Evaluation returns the evaluation of a case's id, nil for none.
func (tx *Tx) Evaluation(ctx context.Context, id string) (*counter.Evaluation, error) {
	return tx.evaluation(ctx, "evaluation.one", `e.id = $1`, id)
}

// CaseQuery says which cases of bad grades are wanted.
type CaseQuery struct {
	Scope         account.Scope
	Hall          string            // "" for all
	State         counter.CaseState // "" for all
	Overdue       calendar.Date     // only open ones due before this date; 0 for all
	Offset, Limit int
	Walk          *Walk // in place of order, Offset and Limit
}

// Cases returns cases of bad grades: open ones by when they are due, then those to be called back, then the
// rest, newest first; and how many there are.
func (tx *Tx) Cases(ctx context.Context, q CaseQuery) (list []*counter.Evaluation, all int, err error) {
	args := []any{q.Hall, string(q.State), dueText(q.Overdue)}
	scope := scopeSQL("h", q.Scope, func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	})
	where := ` from evaluation e join hall h on h.id = e.hall_id where e.state <> 'none' and ($1 = '' or e.hall_id = $1) and ($2 = '' or e.state = $2)
and ($3 = '' or e.state = 'open' and e.due < $3) and ` + scope
	if q.Walk != nil {
		next := numbered(&args)
		where += q.Walk.below("e.id", next)
		return list, 0, tx.walk(ctx, "evaluation.walk", `select `+evaluationColumns+where+` order by e.id desc limit `+next(int64(q.Walk.Size)), func(scan func(...any) error) error {
			e, err := scanEvaluation(scan)
			list = append(list, e)
			return err
		}, args...)
	}
	if _, err := tx.one(ctx, "evaluation.count", `select count(*)`+where, args, &all); err != nil {
		return nil, 0, err
	}
	limit, offset := "$"+strconv.Itoa(len(args)+1), "$"+strconv.Itoa(len(args)+2)
	err = tx.query(ctx, "evaluation.cases", `select `+evaluationColumns+where+`
order by case e.state when 'open' then 0 when 'answered' then 1 else 2 end, case when e.state = 'open' then e.due else '' end, e.at desc, e.id limit `+limit+` offset `+offset,
		func(scan func(...any) error) error {
			e, err := scanEvaluation(scan)
			list = append(list, e)
			return err
		}, append(args, int64(q.Limit), int64(q.Offset))...)
	return list, all, err
}

// GradeCount is how often a grade was given in one queue of a hall.
type GradeCount struct {
	HallID, QueueID string
	Grade           counter.Grade
	N               int
	Open            int // of their cases: not answered yet
}

// GradesIn counts the evaluations of services from one date up to another, not included, by queue and grade.
func (tx *Tx) GradesIn(ctx context.Context, scope account.Scope, hall string, from, before calendar.Date) ([]GradeCount, error) {
	args := []any{hall, from.String(), before.String()}
	condition := scopeSQL("h", scope, func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	})
	var out []GradeCount
	err := tx.query(ctx, "evaluation.grades", `
select e.hall_id, e.queue_id, e.grade, count(*), sum(case when e.state = 'open' then 1 else 0 end)
from evaluation e join hall h on h.id = e.hall_id where ($1 = '' or e.hall_id = $1) and e.date >= $2 and e.date < $3 and `+condition+`
group by e.hall_id, e.queue_id, e.grade order by e.hall_id, e.queue_id, e.grade desc`,
		func(scan func(...any) error) error {
			var g GradeCount
			err := scan(&g.HallID, &g.QueueID, &g.Grade, &g.N, &g.Open)
			out = append(out, g)
			return err
		}, args...)
	return out, err
}

// ReasonsIn counts the reasons given in a hall for services from one date up to another, not included.
func (tx *Tx) ReasonsIn(ctx context.Context, hall string, from, before calendar.Date) (map[counter.Reason]int, error) {
	out := map[counter.Reason]int{}
	return out, tx.query(ctx, "evaluation.reasons", `select e.reasons from evaluation e where e.hall_id = $1 and e.date >= $2 and e.date < $3 and e.reasons <> '[]'`,
		func(scan func(...any) error) error {
			var text string
			if err := scan(&text); err != nil {
				return err
			}
			var list []counter.Reason
			if err := unmarshal(text, &list); err != nil {
				return err
			}
			for _, r := range list {
				out[r]++
			}
			return nil
		}, hall, from.String(), before.String())
}

// TicketsNumbered returns the tickets of a hall with a number given on a date or after, newest first.
func (tx *Tx) TicketsNumbered(ctx context.Context, hall, number string, from calendar.Date) ([]*counter.Ticket, error) {
	return tx.tickets(ctx, "ticket.numbered", `where t.hall_id = $1 and t.date >= $2 and t.number = $3 order by t.date desc`, hall, from.String(), number)
}
