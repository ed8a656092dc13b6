package store

import (
	"context"
	"strconv"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/waitlist"
)

const alertColumns = "a.id, a.hall_id, a.queue_id, a.waiting, a.released, a.most, a.since, a.level, a.next_at, a.ack_by, a.ack_at, a.told_at, a.ended_at, a.version"

func scanAlert(scan func(...any) error, more ...any) (waitlist.Alert, error) {
	var a waitlist.Alert
	var from, next, ack, told, ended int64
	err := scan(append([]any{&a.ID, &a.HallID, &a.QueueID, &a.Waiting, &a.Released, &a.Most, &from, &a.Level, &next, &a.AckBy, &ack, &told, &ended, &a.Version}, more...)...)
	a.Since, a.NextAt, a.AckAt, a.ToldAt, a.EndedAt = instant(from), since(next), since(ack), since(told), since(ended)
	return a, err
}

// WaitingUnits returns how many units wait in the line of each queue somebody waits at.
func (tx *Tx) WaitingUnits(ctx context.Context) (map[booking.WaitLine]int, error) {
	out := map[booking.WaitLine]int{}
	return out, tx.query(ctx, "alert.waiting", `select hall_id, queue_id, sum(units) from wait_line where ended_at = 0 group by hall_id, queue_id`,
		func(scan func(...any) error) error {
			var l booking.WaitLine
			var n int
			err := scan(&l.HallID, &l.QueueID, &n)
			out[l] = n
			return err
		})
}

// WaitingUnitsIn is WaitingUnits of one line.
func (tx *Tx) WaitingUnitsIn(ctx context.Context, l booking.WaitLine) (n int, err error) {
	_, err = tx.one(ctx, "alert.waiting_in", `select coalesce(sum(units), 0) from wait_line where hall_id = $1 and queue_id = $2 and ended_at = 0`, []any{l.HallID, l.QueueID}, &n)
	return n, err
}

// WentOnline counts who left the line of a queue since an instant because they took the online way.
func (tx *Tx) WentOnline(ctx context.Context, l booking.WaitLine, from time.Time) (n int, err error) {
	_, err = tx.one(ctx, "alert.online", `select count(*) from wait_line where hall_id = $1 and queue_id = $2 and state = 'online' and ended_at >= $3`,
		[]any{l.HallID, l.QueueID, micros(from)}, &n)
	return n, err
}

// AddAlert adds an alert; false if its queue has one that stands.
func (tx *Tx) AddAlert(ctx context.Context, a waitlist.Alert) (bool, error) {
	n, err := tx.exec(ctx, "alert.insert", `
insert into wait_alert (id, hall_id, queue_id, waiting, released, most, since, level, next_at, ack_by, ack_at, told_at, ended_at, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) on conflict (queue_id) where ended_at = 0 do nothing`,
		a.ID, a.HallID, a.QueueID, int64(a.Waiting), int64(a.Released), int64(a.Most), micros(a.Since), int64(a.Level), untilMicros(a.NextAt),
		a.AckBy, untilMicros(a.AckAt), untilMicros(a.ToldAt), untilMicros(a.EndedAt), int64(a.Version))
	return n == 1, err
}

// SaveAlert writes what has become of an alert; false if it is no longer at the version before.
func (tx *Tx) SaveAlert(ctx context.Context, a waitlist.Alert, was int) (bool, error) {
	n, err := tx.exec(ctx, "alert.update", `
update wait_alert set waiting = $3, released = $4, most = $5, level = $6, next_at = $7, ack_by = $8, ack_at = $9, told_at = $10, ended_at = $11, version = $12
where id = $1 and version = $2`,
		a.ID, int64(was), int64(a.Waiting), int64(a.Released), int64(a.Most), int64(a.Level), untilMicros(a.NextAt), a.AckBy, untilMicros(a.AckAt), untilMicros(a.ToldAt),
		untilMicros(a.EndedAt), int64(a.Version))
	return n == 1, err
}

// OpenAlerts returns the alerts that stand.
func (tx *Tx) OpenAlerts(ctx context.Context) (out []waitlist.Alert, err error) {
	return out, tx.query(ctx, "alert.open", `select `+alertColumns+` from wait_alert a where a.ended_at = 0 order by a.queue_id`, func(scan func(...any) error) error {
		a, err := scanAlert(scan)
		out = append(out, a)
		return err
	})
}

// Alert returns an alert, nil if there is none.
func (tx *Tx) Alert(ctx context.Context, id string) (found *waitlist.Alert, err error) {
	return found, tx.query(ctx, "alert.one", `select `+alertColumns+` from wait_alert a where a.id = $1`, func(scan func(...any) error) error {
		a, err := scanAlert(scan)
		found = &a
		return err
	}, id)
}

// Under narrows a query to one hall, or to the halls of a unit, a district or a street; the zero value does not.
type Under struct{ Hall, Unit string }

// sql is the condition on the row of a hall.
func (u Under) sql(alias string, next func(any) string) string {
	switch {
	case u.Hall != "":
		return " and " + alias + ".id = " + next(u.Hall)
	case u.Unit != "":
		return " and (" + alias + ".unit_id = " + next(u.Unit) + " or " + alias + ".district_id = " + next(u.Unit) + " or " + alias + ".street_id = " + next(u.Unit) + ")"
	}
	return ""
}

// AlertQuery says which alerts are wanted.
type AlertQuery struct {
	Scope    account.Scope // of the halls
	Under    Under
	Standing bool
	Walk     *Walk // in place of order, Offset and Limit
	Offset   int
	Limit    int
}

// Alerts returns the alerts asked for, those that stand first, the newest first among them, and how many there are.
func (tx *Tx) Alerts(ctx context.Context, q AlertQuery) (list []waitlist.Alert, all int, err error) {
	var args []any
	next := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	limit, offset := "", ""
	if q.Walk == nil {
		limit, offset = next(int64(q.Limit)), next(int64(q.Offset))
	}
	condition := scopeSQL("h", q.Scope, next) + q.Under.sql("h", next)
	if q.Standing {
		condition += " and a.ended_at = 0"
	}
	if q.Walk != nil {
		condition += q.Walk.below("a.id", next)
		err = tx.walk(ctx, "alert.walk", `
select `+alertColumns+`, 0 from wait_alert a join hall h on h.id = a.hall_id where `+condition+` order by a.id desc limit `+next(int64(q.Walk.Size)),
			func(scan func(...any) error) error {
				a, err := scanAlert(scan, &all)
				list = append(list, a)
				return err
			}, args...)
		return list, 0, err
	}
	return list, all, tx.query(ctx, "alert.list", `
with w as (select a.* from wait_alert a join hall h on h.id = a.hall_id where `+condition+`)
select `+alertColumns+`, (select count(*) from w) from w a order by case when a.ended_at = 0 then 0 else 1 end, a.since desc, a.id limit `+limit+` offset `+offset,
		func(scan func(...any) error) error {
			a, err := scanAlert(scan, &all)
			list = append(list, a)
			return err
		}, args...)
}

// AccountsAt returns the open accounts of any rank at the units, with who holds them, sealed.
func (tx *Tx) AccountsAt(ctx context.Context, units []string) (out []Account, err error) {
	rows := make([][1]string, len(units))
	for i, u := range units {
		rows[i] = [1]string{u}
	}
	return out, tx.query(ctx, "account.at", `
with w as materialized (select r.value->>0 as unit_id from {rows} r)
select `+accountColumns+` from w join account a on a.unit_id = w.unit_id where a.state = 'open' order by a.id`,
		func(scan func(...any) error) error {
			a, err := scanAccount(scan)
			out = append(out, *a)
			return err
		}, marshal(rows))
}
