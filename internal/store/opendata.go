package store

import (
	"context"
	"time"

	"suiyue/internal/domain/calendar"
)

// OpenDay is the frozen open data of a day.
type OpenDay struct {
	Date   calendar.Date
	MadeAt time.Time
	Least  int64 // how many people a count stands for
	Halls  int
	Lines  int
	Bytes  int    // of the plain text
	Digest string // SHA-256 of it, hexadecimal
	Body   []byte // CSV, gzip; nil in a list
}

// AddOpenDay freezes the open data of a day; false if they are frozen already.
func (tx *Tx) AddOpenDay(ctx context.Context, d OpenDay) (bool, error) {
	n, err := tx.exec(ctx, "open_day.insert", `
insert into open_day (date, made_at, least, halls, lines, bytes, digest, body) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (date) do nothing`,
		d.Date.String(), micros(d.MadeAt), d.Least, int64(d.Halls), int64(d.Lines), int64(d.Bytes), d.Digest, d.Body)
	return n == 1, err
}

// OpenDays lists the days before one, the latest first, at most limit, without their bodies.
func (tx *Tx) OpenDays(ctx context.Context, before calendar.Date, limit int) (out []OpenDay, err error) {
	return out, tx.query(ctx, "open_day.list", `
select date, made_at, least, halls, lines, bytes, digest from open_day where date < $1 order by date desc limit $2`,
		func(scan func(...any) error) error {
			var d OpenDay
			if err := d.scan(scan); err != nil {
				return err
			}
			out = append(out, d)
			return nil
		}, before.String(), int64(limit))
}

// OpenDay returns the open data of a day, nil if there are none.
func (tx *Tx) OpenDay(ctx context.Context, date calendar.Date) (out *OpenDay, err error) {
	return out, tx.query(ctx, "open_day.read", `select date, made_at, least, halls, lines, bytes, digest, body from open_day where date = $1`,
		func(scan func(...any) error) error {
			out = &OpenDay{}
			return out.scan(scan, &out.Body)
		}, date.String())
}

func (d *OpenDay) scan(scan func(...any) error, more ...any) error {
	var date string
	var made int64
	err := scan(append([]any{&date, &made, &d.Least, &d.Halls, &d.Lines, &d.Bytes, &d.Digest}, more...)...)
	if err != nil {
		return err
	}
	d.MadeAt = instant(made)
	d.Date, err = calendar.ParseDate(date)
	return err
}

// DaysToOpen returns the dates in a span that have figures of halls, no mark that they are to be counted again, and
// no open data yet, the latest first, at most limit. from and to are both inside.
func (tx *Tx) DaysToOpen(ctx context.Context, from, to calendar.Date, limit int) (out []calendar.Date, err error) {
	return out, tx.query(ctx, "open_day.due", `
select f.period from unit_figure f join unit u on u.id = f.unit_id
where u.parent_id = '' and f.span = 'day' and f.period >= $1 and f.period <= $2
  and not exists (select 1 from open_day o where o.date = f.period) and not exists (select 1 from figure_mark m where m.date = f.period)
order by f.period desc limit $3`, func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		d, err := calendar.ParseDate(text)
		out = append(out, d)
		return err
	}, from.String(), to.String(), int64(limit))
}
