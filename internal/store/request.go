package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/supply"
)

// requestDetail is what of a request is never searched by SQL.
type requestDetail struct {
	Change supply.Change `json:"change"`
	Reason string        `json:"reason"`
	Why    string        `json:"why,omitempty"`
	Report string        `json:"report,omitempty"`
}

const requestColumns = "r.id, r.bundle, r.hall_id, r.queue_id, r.unit_id, r.district_id, r.street_id, r.level, r.origin, r.urgent, r.filed_by, r.filed_rank, r.up_to, r.state, r.late, r.filed_at, r.due_at, r.decided_by, r.decided_at, r.done_at, r.detail, r.impact, r.version"

func scanRequest(scan func(...any) error) (supply.Request, error) {
	var r supply.Request
	var urgent, late, filed, due, decided, done int64
	var text, impact string
	if err := scan(&r.ID, &r.Bundle, &r.HallID, &r.QueueID, &r.UnitID, &r.DistrictID, &r.StreetID, &r.Level, &r.Origin, &urgent, &r.FiledBy, &r.FiledRank,
		&r.UpTo, &r.State, &late, &filed, &due, &r.DecidedBy, &decided, &done, &text, &impact, &r.Version); err != nil {
		return r, err
	}
	var d requestDetail
	if err := unmarshal(text, &d); err != nil {
		return r, err
	}
	r.Change, r.Reason, r.Why, r.Report = d.Change, d.Reason, d.Why, d.Report
	r.Urgent, r.Late = urgent != 0, late != 0
	r.FiledAt, r.DueAt, r.DecidedAt, r.DoneAt = instant(filed), instant(due), since(decided), since(done)
	return r, unmarshal(impact, &r.Impact)
}

// AddRequest keeps a new request.
func (tx *Tx) AddRequest(ctx context.Context, r supply.Request) error {
	_, err := tx.exec(ctx, "request.insert", `
insert into request (id, bundle, hall_id, queue_id, unit_id, district_id, street_id, level, kind, origin, urgent, filed_by, filed_rank, up_to, state,
  effective_from, effective_to, late, filed_at, due_at, decided_by, decided_at, done_at, detail, impact, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)`,
		r.ID, r.Bundle, r.HallID, r.QueueID, r.UnitID, r.DistrictID, r.StreetID, string(r.Level), string(r.Change.Kind), string(r.Origin), flag(r.Urgent),
		r.FiledBy, string(r.FiledRank), string(r.UpTo), string(r.State), r.Change.From.String(), dateOrNone(r.Change.To), flag(r.Late),
		micros(r.FiledAt), micros(r.DueAt), r.DecidedBy, untilMicros(r.DecidedAt), untilMicros(r.DoneAt),
		marshal(requestDetail{r.Change, r.Reason, r.Why, r.Report}), marshal(r.Impact), int64(r.Version))
	return err
}

// SaveRequest writes back what became of a request whose row is still at version r.Version, and makes it
// one more; false when somebody else was faster.
func (tx *Tx) SaveRequest(ctx context.Context, r *supply.Request) (bool, error) {
	n, err := tx.exec(ctx, "request.update", `
update request set up_to = $3, state = $4, due_at = $5, decided_by = $6, decided_at = $7, done_at = $8, detail = $9, version = version + 1
where id = $1 and version = $2`,
		r.ID, int64(r.Version), string(r.UpTo), string(r.State), micros(r.DueAt), r.DecidedBy, untilMicros(r.DecidedAt), untilMicros(r.DoneAt),
		marshal(requestDetail{r.Change, r.Reason, r.Why, r.Report}))
	r.Version++
	return n == 1, err
}

// Request returns a request, nil if there is none.
func (tx *Tx) Request(ctx context.Context, id string) (*supply.Request, error) {
	var out *supply.Request
	err := tx.query(ctx, "request.read", `select `+requestColumns+` from request r where r.id = $1`, func(scan func(...any) error) error {
		r, err := scanRequest(scan)
		out = &r
		return err
	}, id)
	return out, err
}

// RequestQuery says which requests are wanted. What is empty does not narrow them.
type RequestQuery struct {
	Scope    account.Scope // of the halls
	State    supply.State
	Open     bool // waiting, approved or sent
	Kind     supply.Kind
	Origin   supply.Origin
	Hall     string
	Bundle   string
	FiledBy  string
	UpTo     account.Rank // that rank's to decide …
	NotBy    []string     // … and filed by none of these accounts …
	NotFor   string       // … nor by the person of this account from another
	From     time.Time    // filed at or after
	Order    string       // "due", "effective"; "" = newest first
	Reversed bool
	Offset   int
	Limit    int
	Walk     *Walk // in place of order, Offset and Limit
}

// scopeSQL is the condition that a row of alias lies in a scope. next gives the placeholder of a value.
func scopeSQL(alias string, s account.Scope, next func(any) string) string {
	if s.None {
		return "1 = 0"
	}
	parts := []string{"1 = 1"}
	eq := func(column, value string) {
		if value != "" {
			parts = append(parts, alias+"."+column+" = "+next(value))
		}
	}
	eq("unit_id", s.Unit)
	eq("district_id", s.District)
	eq("street_id", s.Street)
	if s.Levels != nil {
		in := make([]string, len(s.Levels))
		for i, l := range s.Levels {
			in[i] = next(string(l))
		}
		parts = append(parts, alias+".level in ("+strings.Join(in, ", ")+")")
	}
	return strings.Join(parts, " and ")
}

// condition is the where of a query with its arguments.
func (q RequestQuery) condition() (string, []any) {
	var args []any
	next := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	parts := []string{scopeSQL("r", q.Scope, next)}
	eq := func(column, value string) {
		if value != "" {
			parts = append(parts, "r."+column+" = "+next(value))
		}
	}
	eq("state", string(q.State))
	eq("kind", string(q.Kind))
	eq("origin", string(q.Origin))
	eq("hall_id", q.Hall)
	eq("bundle", q.Bundle)
	eq("filed_by", q.FiledBy)
	if q.Open {
		parts = append(parts, "r.state in ('waiting', 'approved', 'sent')")
	}
	if q.UpTo != "" {
		parts = append(parts, "r.state = 'waiting' and r.up_to = "+next(string(q.UpTo)))
	}
	for _, id := range q.NotBy {
		parts = append(parts, "r.filed_by <> "+next(id))
	}
	if q.NotFor != "" {
		parts = append(parts, "not exists (select 1 from account f join account me on me.mobile = f.mobile where f.id = r.filed_by and me.id = "+next(q.NotFor)+")")
	}
	if !q.From.IsZero() {
		parts = append(parts, "r.filed_at >= "+next(micros(q.From)))
	}
	return strings.Join(parts, " and "), args
}

// Requests returns the requests asked for and how many there are without the limit.
func (tx *Tx) Requests(ctx context.Context, q RequestQuery) ([]supply.Request, int, error) {
	where, args := q.condition()
	all := 0
	if q.Walk != nil {
		list, err := tx.walkRequests(ctx, q, where, args)
		return list, 0, err
	}
	if _, err := tx.one(ctx, "request.count", `select count(*) from request r where `+where, args, &all); err != nil {
		return nil, 0, err
	}
	order := map[string]string{"due": "r.due_at, r.id", "effective": "r.effective_from, r.id"}[q.Order]
	switch {
	case order == "" && q.Reversed:
		order = "r.filed_at, r.id"
	case order == "":
		order = "r.filed_at desc, r.id desc"
	case q.Reversed:
		order = strings.ReplaceAll(order, ",", " desc,") + " desc"
	}
	var out []supply.Request
	args = append(args, int64(q.Limit), int64(q.Offset))
	err := tx.query(ctx, "request.list", `select `+requestColumns+` from request r where `+where+
		fmt.Sprintf(` order by %s limit $%d offset $%d`, order, len(args)-1, len(args)), func(scan func(...any) error) error {
		r, err := scanRequest(scan)
		out = append(out, r)
		return err
	}, args...)
	return out, all, err
}

// walkRequests reads a piece of a Walk.
func (tx *Tx) walkRequests(ctx context.Context, q RequestQuery, where string, args []any) (out []supply.Request, err error) {
	next := numbered(&args)
	where += q.Walk.below("r.id", next)
	return out, tx.walk(ctx, "request.walk", `select `+requestColumns+` from request r where `+where+` order by r.id desc limit `+next(int64(q.Walk.Size)),
		func(scan func(...any) error) error {
			r, err := scanRequest(scan)
			out = append(out, r)
			return err
		}, args...)
}

// RequestsDue returns requests in a state that were due before an instant, the first due first.
func (tx *Tx) RequestsDue(ctx context.Context, state supply.State, before time.Time, limit int) ([]supply.Request, error) {
	var out []supply.Request
	err := tx.query(ctx, "request.due", `
select `+requestColumns+` from request r where r.state = $1 and r.due_at < $2 order by r.due_at, r.id limit $3`, func(scan func(...any) error) error {
		r, err := scanRequest(scan)
		out = append(out, r)
		return err
	}, string(state), micros(before), int64(limit))
	return out, err
}

// RequestEvent is a line of a request's history.
type RequestEvent struct {
	Seq     int
	At      time.Time
	Kind    string // filed, approved, refused, withdrawn, escalated, sent, done, impossible
	Account string // "" for the system
	Text    string
}

// AddRequestEvent adds a line to the history of a request. The request's own row is written first, so
// that two never take one number.
func (tx *Tx) AddRequestEvent(ctx context.Context, request string, e RequestEvent) error {
	_, err := tx.exec(ctx, "request_event.insert", `
insert into request_event (request, seq, at, kind, account, text)
select $1, (select count(*) from request_event x where x.request = $1) + 1, cast($2 as bigint), $3, $4, $5`,
		request, micros(tx.Now), e.Kind, e.Account, e.Text)
	return err
}

// RequestEvents returns the history of a request.
func (tx *Tx) RequestEvents(ctx context.Context, request string) ([]RequestEvent, error) {
	var out []RequestEvent
	err := tx.query(ctx, "request_event.list", `select seq, at, kind, account, text from request_event where request = $1 order by seq`,
		func(scan func(...any) error) error {
			var e RequestEvent
			var at int64
			err := scan(&e.Seq, &at, &e.Kind, &e.Account, &e.Text)
			e.At = instant(at)
			out = append(out, e)
			return err
		}, request)
	return out, err
}

// OfficersAt returns the open accounts of a rank at any of the units, but none of the person who holds the
// account not ("" leaves nobody out).
func (tx *Tx) OfficersAt(ctx context.Context, rank account.Rank, units []string, not string) ([]account.Account, error) {
	rows := make([][1]string, len(units))
	for i, u := range units {
		rows[i] = [1]string{u}
	}
	var out []account.Account
	err := tx.query(ctx, "account.officers", `
with w as materialized (select r.value->>0 as unit_id from {rows} r)
select `+accountColumns+` from w join account a on a.unit_id = w.unit_id and a.rank = $2
where a.state = 'open' and not exists (select 1 from account x where x.id = $3 and x.mobile = a.mobile) order by a.id`,
		func(scan func(...any) error) error {
			a, err := scanAccount(scan)
			out = append(out, a.Account)
			return err
		}, marshal(rows), string(rank), not)
	return out, err
}

// Unreported returns suggestions with a hall that should have reported before an instant and of which the
// ledger says nothing yet, the first due first.
func (tx *Tx) Unreported(ctx context.Context, before time.Time, limit int) ([]supply.Request, error) {
	var out []supply.Request
	err := tx.query(ctx, "request.unreported", `
select `+requestColumns+` from request r where r.state = 'sent' and r.due_at < $1
  and not exists (select 1 from ledger l where l.request = r.id and l.kind = 'late_report')
order by r.due_at, r.id limit $2`, func(scan func(...any) error) error {
		r, err := scanRequest(scan)
		out = append(out, r)
		return err
	}, micros(before), int64(limit))
	return out, err
}

// dateOrNone writes a date, "" for the zero one.
func dateOrNone(d calendar.Date) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// Completed is what a queue completed on one day (Art. 15).
type Completed struct {
	HallID  string
	QueueID string
	Date    calendar.Date
	N       int
	Source  string
}

// SaveCompleted inserts or replaces what was completed.
func (tx *Tx) SaveCompleted(ctx context.Context, list []Completed) error {
	return saveSet(ctx, tx, "completed.save", list, func(c Completed) any {
		return []any{c.HallID, c.QueueID, c.Date.String(), c.N, c.Source}
	}, `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as queue_id, r.value->>2 as date, cast(r.value->>3 as bigint) as n, r.value->>4 as source
  from {rows} r order by 1, 2, 3)
insert into completed (hall_id, queue_id, date, n, source) select hall_id, queue_id, date, n, source from w where true
on conflict (hall_id, queue_id, date) do update set n = excluded.n, source = excluded.source`)
}

// CompletedOf returns what a queue completed from one date up to before another, oldest first.
func (tx *Tx) CompletedOf(ctx context.Context, hall, queue string, from, before calendar.Date) ([]Completed, error) {
	var out []Completed
	err := tx.query(ctx, "completed.read", `
select date, n, source from completed where hall_id = $1 and queue_id = $2 and date >= $3 and date < $4 order by date`, func(scan func(...any) error) error {
		c := Completed{HallID: hall, QueueID: queue}
		var date string
		err := scan(&date, &c.N, &c.Source)
		if err == nil {
			c.Date, err = calendar.ParseDate(date)
		}
		out = append(out, c)
		return err
	}, hall, queue, from.String(), before.String())
	return out, err
}
