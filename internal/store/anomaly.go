package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
)

// anomalyDetail is what of an anomaly is never searched by SQL.
type anomalyDetail struct {
	Finding  oversight.Finding `json:"finding"`
	First    calendar.Date     `json:"first"`
	Days     int               `json:"days"`
	ActBy    account.Rank      `json:"act_by"`
	Level    int               `json:"level,omitempty"`
	UpTo     account.Rank      `json:"up_to,omitempty"`
	Reopened int               `json:"reopened,omitempty"`
	AckBy    string            `json:"ack_by,omitempty"`
	AckAt    int64             `json:"ack_at,omitempty"`
	ActedBy  string            `json:"acted_by,omitempty"`
	ActedAt  int64             `json:"acted_at,omitempty"`
	ClosedBy string            `json:"closed_by,omitempty"`
	Reason   oversight.Closure `json:"reason,omitempty"`
	Why      string            `json:"why,omitempty"`
}

func detailOf(a oversight.Anomaly) anomalyDetail {
	return anomalyDetail{a.Finding, a.First, a.Days, a.ActBy, a.Level, a.UpTo, a.Reopened, a.AckBy, untilMicros(a.AckAt), a.ActedBy, untilMicros(a.ActedAt), a.ClosedBy, a.Reason, a.Why}
}

const anomalyColumns = "a.id, a.since, a.seen_at, a.ended_at, a.closed_at, a.next_at, a.request, a.detail, a.version"

func scanAnomaly(scan func(...any) error, more ...any) (a oversight.Anomaly, err error) {
	var first, seen, ended, closed, next int64
	var text string
	if err := scan(append([]any{&a.ID, &first, &seen, &ended, &closed, &next, &a.Request, &text, &a.Version}, more...)...); err != nil {
		return a, err
	}
	var d anomalyDetail
	if err := unmarshal(text, &d); err != nil {
		return a, err
	}
	a.Finding, a.First, a.Days, a.ActBy, a.Level, a.UpTo, a.Reopened = d.Finding, d.First, d.Days, d.ActBy, d.Level, d.UpTo, d.Reopened
	a.AckBy, a.AckAt, a.ActedBy, a.ActedAt = d.AckBy, since(d.AckAt), d.ActedBy, since(d.ActedAt)
	a.ClosedBy, a.Reason, a.Why = d.ClosedBy, d.Reason, d.Why
	a.Since, a.SeenAt, a.EndedAt, a.ClosedAt, a.NextAt = instant(first), instant(seen), since(ended), since(closed), since(next)
	return a, nil
}

// AddAnomaly adds an anomaly; false if one of its kind stands there.
func (tx *Tx) AddAnomaly(ctx context.Context, a oversight.Anomaly) (bool, error) {
	n, err := tx.exec(ctx, "anomaly.insert", `
insert into anomaly (id, kind, hall_id, queue_id, source_id, stage, date, since, seen_at, ended_at, closed_at, request, detail, version, next_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict (hall_id, kind, queue_id, source_id) where closed_at = 0 do nothing`,
		a.ID, string(a.Kind), a.HallID, a.QueueID, a.SourceID, string(a.Stage()), a.Date.String(), micros(a.Since), micros(a.SeenAt), untilMicros(a.EndedAt),
		untilMicros(a.ClosedAt), a.Request, marshal(detailOf(a)), int64(a.Version), untilMicros(a.NextAt))
	return n == 1, err
}

// SaveAnomaly writes what has become of an anomaly; false if it is no longer at the version before.
func (tx *Tx) SaveAnomaly(ctx context.Context, a oversight.Anomaly, was int) (bool, error) {
	n, err := tx.exec(ctx, "anomaly.update", `
update anomaly set stage = $3, date = $4, seen_at = $5, ended_at = $6, closed_at = $7, request = $8, detail = $9, version = $10, next_at = $11 where id = $1 and version = $2`,
		a.ID, int64(was), string(a.Stage()), a.Date.String(), micros(a.SeenAt), untilMicros(a.EndedAt), untilMicros(a.ClosedAt), a.Request, marshal(detailOf(a)), int64(a.Version), untilMicros(a.NextAt))
	return n == 1, err
}

// Anomaly returns an anomaly, nil if there is none.
func (tx *Tx) Anomaly(ctx context.Context, id string) (found *oversight.Anomaly, err error) {
	return found, tx.query(ctx, "anomaly.one", `select `+anomalyColumns+` from anomaly a where a.id = $1`, func(scan func(...any) error) error {
		a, err := scanAnomaly(scan)
		found = &a
		return err
	}, id)
}

// LastAnomalies returns of each kind, queue and connected system of a hall the anomaly that stands, or the one closed
// last.
func (tx *Tx) LastAnomalies(ctx context.Context, hall string) (list []oversight.Anomaly, err error) {
	return list, tx.query(ctx, "anomaly.last", `
select `+anomalyColumns+` from anomaly a where a.hall_id = $1 and not exists (
  select 1 from anomaly b where b.hall_id = a.hall_id and b.kind = a.kind and b.queue_id = a.queue_id and b.source_id = a.source_id
    and a.closed_at > 0 and (b.closed_at = 0 or b.closed_at > a.closed_at))
order by a.id`, func(scan func(...any) error) error {
		a, err := scanAnomaly(scan)
		list = append(list, a)
		return err
	}, hall)
}

// AnomaliesUntaken returns the anomalies whose next level is to be told by an instant, the longest due first.
func (tx *Tx) AnomaliesUntaken(ctx context.Context, at time.Time, limit int) (list []oversight.Anomaly, err error) {
	return list, tx.query(ctx, "anomaly.untaken", `
select `+anomalyColumns+` from anomaly a where a.next_at > 0 and a.next_at <= $1 order by a.next_at, a.id limit $2`, func(scan func(...any) error) error {
		a, err := scanAnomaly(scan)
		list = append(list, a)
		return err
	}, micros(at), int64(limit))
}

// AnomalyQuery says which anomalies are wanted. What is empty does not narrow them.
type AnomalyQuery struct {
	Scope  account.Scope // of the halls
	Under  Under
	Open   bool // somebody still has to close it
	Kind   oversight.AnomalyKind
	Stage  oversight.Stage
	Hall   string
	From   time.Time // first seen at or after
	Offset int
	Limit  int
}

// Anomalies returns the anomalies asked for, those nobody has taken up first, the newest first among them, and how
// many there are without the limit.
func (tx *Tx) Anomalies(ctx context.Context, q AnomalyQuery) (list []oversight.Anomaly, all int, err error) {
	args := []any{int64(q.Limit), int64(q.Offset)}
	next := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	parts := []string{scopeSQL("h", q.Scope, next) + q.Under.sql("h", next)}
	eq := func(column, value string) {
		if value != "" {
			parts = append(parts, "a."+column+" = "+next(value))
		}
	}
	eq("kind", string(q.Kind))
	eq("stage", string(q.Stage))
	eq("hall_id", q.Hall)
	if q.Open {
		parts = append(parts, "a.closed_at = 0")
	}
	if !q.From.IsZero() {
		parts = append(parts, "a.since >= "+next(micros(q.From)))
	}
	return list, all, tx.query(ctx, "anomaly.list", `
with w as (select a.* from anomaly a join hall h on h.id = a.hall_id where `+strings.Join(parts, " and ")+`)
select `+anomalyColumns+`, (select count(*) from w) from w a
order by case a.stage when 'open' then 0 when 'closed' then 2 else 1 end, a.since desc, a.id desc limit $1 offset $2`,
		func(scan func(...any) error) error {
			a, err := scanAnomaly(scan, &all)
			list = append(list, a)
			return err
		}, args...)
}

// ClosedAnomalies counts the anomalies of halls in a scope closed since an instant, and how many of these were nothing.
func (tx *Tx) ClosedAnomalies(ctx context.Context, scope account.Scope, from time.Time) (closed, nothing int, err error) {
	args := []any{micros(from)}
	where := scopeSQL("h", scope, func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	})
	return closed, nothing, tx.query(ctx, "anomaly.closed", `
select a.detail from anomaly a join hall h on h.id = a.hall_id where a.closed_at >= $1 and `+where, func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		var d anomalyDetail
		if closed++; unmarshal(text, &d) == nil && d.Reason == oversight.FalseAlarm {
			nothing++
		}
		return nil
	}, args...)
}

// HallWatch says up to when a hall was looked at.
type HallWatch struct {
	HallID  string
	Date    calendar.Date // today, as it was then
	Hour    int           // of today, before which was looked
	Settled calendar.Date // the last whole day that was looked at; 0 for none
}

// HallWatches returns up to when each hall was looked at.
func (tx *Tx) HallWatches(ctx context.Context) (map[string]HallWatch, error) {
	out := map[string]HallWatch{}
	return out, tx.query(ctx, "watch.list", `select hall_id, date, hour, settled from hall_watch`, func(scan func(...any) error) error {
		var w HallWatch
		var date, settled string
		if err := scan(&w.HallID, &date, &w.Hour, &settled); err != nil {
			return err
		}
		var err error
		if w.Date, err = calendar.ParseDate(date); err != nil {
			return err
		}
		if settled != "" {
			w.Settled, err = calendar.ParseDate(settled)
		}
		out[w.HallID] = w
		return err
	})
}

// SaveHallWatch writes up to when a hall was looked at.
func (tx *Tx) SaveHallWatch(ctx context.Context, w HallWatch) error {
	_, err := tx.exec(ctx, "watch.save", `
insert into hall_watch (hall_id, date, hour, settled) values ($1, $2, $3, $4)
on conflict (hall_id) do update set date = excluded.date, hour = excluded.hour, settled = excluded.settled`,
		w.HallID, w.Date.String(), int64(w.Hour), dateOrNone(w.Settled))
	return err
}

// HandsOf returns in whose hands the numbers of a hall's days were, both dates inside.
func (tx *Tx) HandsOf(ctx context.Context, hall string, from, to calendar.Date) (map[calendar.Date]oversight.Hands, error) {
	out := map[calendar.Date]oversight.Hands{}
	return out, tx.query(ctx, "hands.of", `select date, detail from hall_hands where hall_id = $1 and date >= $2 and date <= $3`, func(scan func(...any) error) error {
		var date, text string
		if err := scan(&date, &text); err != nil {
			return err
		}
		d, err := calendar.ParseDate(date)
		if err != nil {
			return err
		}
		var h oversight.Hands
		err = unmarshal(text, &h)
		out[d] = h
		return err
	}, hall, from.String(), to.String())
}

// SaveHands keeps in whose hands the numbers of a hall's day were.
func (tx *Tx) SaveHands(ctx context.Context, hall string, d calendar.Date, h oversight.Hands) error {
	_, err := tx.exec(ctx, "hands.save", `
insert into hall_hands (hall_id, date, detail) values ($1, $2, $3) on conflict (hall_id, date) do update set detail = excluded.detail`,
		hall, d.String(), marshal(h))
	return err
}

// HandsHeld is how the bookings of a hall's day that stand lie with accounts, those for organisations left out.
type HandsHeld struct {
	Each  []int64 // bookings of each account, in no order
	Given int64   // numbers given up by their person
}

// HeldBetween returns how the bookings of a hall's days lie with accounts, both dates inside; days without any are not in it.
func (tx *Tx) HeldBetween(ctx context.Context, hall string, from, to calendar.Date) (map[calendar.Date]HandsHeld, error) {
	out := map[calendar.Date]HandsHeld{}
	return out, tx.query(ctx, "hands.held", `
select date, gone, n, count(*) from (
  select s.date, b.booker, case when b.state = 'cancelled' then 1 else 0 end as gone, count(*) as n
  from slot s join booking b on b.hall_id = s.hall_id and b.slot_id = s.id
  where s.hall_id = $1 and s.date >= $2 and s.date <= $3 and b.applicant_kind <> 'organisation' group by 1, 2, 3) each
group by 1, 2, 3`, func(scan func(...any) error) error {
		var date string
		var gone, n, accounts int64
		if err := scan(&date, &gone, &n, &accounts); err != nil {
			return err
		}
		d, err := calendar.ParseDate(date)
		if err != nil {
			return err
		}
		h := out[d]
		if gone == 1 {
			h.Given += n * accounts
		} else {
			h.Each = append(h.Each, slices.Repeat([]int64{n}, int(accounts))...)
		}
		out[d] = h
		return nil
	}, hall, from.String(), to.String())
}

// Handovers returns the places of a hall's days, both dates inside, that were given up, with whoever took one of that hour
// within so long: by booking it or by moving there, and whatever became of that since. The earliest of a day come first.
func (tx *Tx) Handovers(ctx context.Context, hall string, from, to calendar.Date, within time.Duration) (map[calendar.Date][]oversight.Handover, error) {
	out := map[calendar.Date][]oversight.Handover{}
	return out, tx.query(ctx, "hands.over", `
with given as materialized (
  select s.date, b.id, b.slot_id, b.booker, b.applicant, e.at from slot s join booking b on b.hall_id = s.hall_id and b.slot_id = s.id and b.state = 'cancelled'
  join event e on e.booking = b.id and e.hall_id = b.hall_id and e.kind = 'cancelled' where s.hall_id = $1 and s.date >= $2 and s.date <= $3),
there as materialized (
  select b.id from slot s join booking b on b.hall_id = s.hall_id and b.slot_id = s.id and b.version > 0 where s.hall_id = $1 and s.date >= $2 and s.date <= $3
  union select e.booking from slot s join event e on e.from_slot = s.id and e.from_slot <> '' where s.hall_id = $1 and s.date >= $2 and s.date <= $3),
taken as materialized (
  select b.id, e.slot_id, b.booker, b.applicant, e.at from there t join booking b on b.id = t.id join event e on e.booking = b.id and e.kind in ('booked', 'moved'))
select g.date, g.id, k.id, g.booker, k.booker, g.applicant, k.applicant from given g join taken k on k.slot_id = g.slot_id
  and k.at > g.at and k.at <= g.at + cast($4 as bigint) and k.id <> g.id order by g.at, k.at, g.id, k.id`, func(scan func(...any) error) error {
		var date string
		var o oversight.Handover
		if err := scan(&date, &o.Given, &o.Taken, &o.Giver, &o.Taker, &o.GiverApplicant, &o.TakerApplicant); err != nil {
			return err
		}
		d, err := calendar.ParseDate(date)
		out[d] = append(out[d], o)
		return err
	}, hall, from.String(), to.String(), within.Microseconds())
}

// LateRequests counts the requests of each hall that wait for a decision, and how many of these were filed before
// what must be decided by now.
func (tx *Tx) LateRequests(ctx context.Context, before func(filed time.Time) bool) (late, waiting map[string]int, err error) {
	late, waiting = map[string]int{}, map[string]int{}
	return late, waiting, tx.query(ctx, "anomaly.requests", `select hall_id, filed_at from request where state = 'waiting'`, func(scan func(...any) error) error {
		var hall string
		var filed int64
		if err := scan(&hall, &filed); err != nil {
			return err
		}
		if waiting[hall]++; before(instant(filed)) {
			late[hall]++
		}
		return nil
	})
}
