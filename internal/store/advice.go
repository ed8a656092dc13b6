package store

import (
	"context"
	"strconv"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
)

// adviceDetail is what of advice is never searched by SQL.
type adviceDetail struct {
	Advice oversight.Advice `json:"advice"`
	By     string           `json:"by,omitempty"`
	At     int64            `json:"at,omitempty"`
	Why    string           `json:"why,omitempty"`
}

const adviceColumns = "v.id, v.state, v.made_at, v.until, v.request, v.detail, v.version"

func scanAdvice(scan func(...any) error, more ...any) (c oversight.AdviceCard, err error) {
	var made int64
	var until, text string
	if err := scan(append([]any{&c.ID, &c.State, &made, &until, &c.Request, &text, &c.Version}, more...)...); err != nil {
		return c, err
	}
	var d adviceDetail
	if err := unmarshal(text, &d); err != nil {
		return c, err
	}
	c.Advice, c.By, c.At, c.Why, c.MadeAt = d.Advice, d.By, since(d.At), d.Why, instant(made)
	c.Until, err = calendar.ParseDate(until)
	return c, err
}

// AddAdvice adds a card; false if one of its kind is open for the queue.
func (tx *Tx) AddAdvice(ctx context.Context, c oversight.AdviceCard) (bool, error) {
	n, err := tx.exec(ctx, "advice.insert", `
insert into advice (id, hall_id, queue_id, kind, state, made_at, until, request, detail, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (hall_id, queue_id, kind) where state = 'open' do nothing`,
		c.ID, c.HallID, c.QueueID, string(c.Kind), string(c.State), micros(c.MadeAt), c.Until.String(), c.Request,
		marshal(adviceDetail{c.Advice, c.By, untilMicros(c.At), c.Why}), int64(c.Version))
	return n == 1, err
}

// SaveAdvice writes what has become of a card; false if it is no longer at the version before.
func (tx *Tx) SaveAdvice(ctx context.Context, c oversight.AdviceCard, was int) (bool, error) {
	n, err := tx.exec(ctx, "advice.update", `update advice set state = $3, until = $4, request = $5, detail = $6, version = $7 where id = $1 and version = $2`,
		c.ID, int64(was), string(c.State), c.Until.String(), c.Request, marshal(adviceDetail{c.Advice, c.By, untilMicros(c.At), c.Why}), int64(c.Version))
	return n == 1, err
}

// AdviceCard returns a card, nil if there is none.
func (tx *Tx) AdviceCard(ctx context.Context, id string) (found *oversight.AdviceCard, err error) {
	return found, tx.query(ctx, "advice.one", `select `+adviceColumns+` from advice v where v.id = $1`, func(scan func(...any) error) error {
		c, err := scanAdvice(scan)
		found = &c
		return err
	}, id)
}

// AdviceQuery says which cards are wanted.
type AdviceQuery struct {
	Scope account.Scope // of the halls
	Hall  string        // "" for all
	Open  bool
	Limit int
}

// AdviceCards returns the cards asked for, those that are open first, the newest first among them and of one day the most
// useful, and how many there are.
func (tx *Tx) AdviceCards(ctx context.Context, q AdviceQuery) (list []oversight.AdviceCard, all int, err error) {
	args := []any{int64(q.Limit)}
	next := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	where := scopeSQL("h", q.Scope, next) + Under{Hall: q.Hall}.sql("h", next)
	if q.Open {
		where += " and v.state = 'open'"
	}
	return list, all, tx.query(ctx, "advice.list", `
with w as (select v.* from advice v join hall h on h.id = v.hall_id where `+where+`)
select `+adviceColumns+`, (select count(*) from w) from w v order by case v.state when 'open' then 0 else 1 end, v.made_at desc, v.id limit $1`,
		func(scan func(...any) error) error {
			c, err := scanAdvice(scan, &all)
			list = append(list, c)
			return err
		}, args...)
}

// Leads counts, of the bookings of a hall's days that came or were missed, how many were missed, by how many days ahead
// they were made. before is outside.
func (tx *Tx) Leads(ctx context.Context, hall string, from, before calendar.Date) (out []oversight.Lead, err error) {
	byDays := map[int]*oversight.Lead{}
	err = tx.query(ctx, "advice.leads", `
select s.date, (b.created_at + 28800000000) / 86400000000, case when b.state = 'no_show' then 1 else 0 end, sum(b.units)
from slot s join booking b on b.hall_id = s.hall_id and b.slot_id = s.id
where s.hall_id = $1 and s.date >= $2 and s.date < $3 and b.state in ('arrived', 'done', 'no_show') group by 1, 2, 3`,
		func(scan func(...any) error) error {
			var date string
			var made, missed, n int64
			if err := scan(&date, &made, &missed, &n); err != nil {
				return err
			}
			d, err := calendar.ParseDate(date)
			if err != nil {
				return err
			}
			days := max(int(d)-int(made), 0)
			if byDays[days] == nil {
				byDays[days] = &oversight.Lead{Days: days}
			}
			byDays[days].Of += n
			byDays[days].Missed += missed * n
			return nil
		}, hall, from.String(), before.String())

	for _, l := range byDays {
		out = append(out, *l)
	}
	return out, err
}
