package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
)

// figureTable is where the figures of one noun stand.
type figureTable struct {
	name, key, all string // all selects the key of every place there is
	insert         *inserter
}

var figureTables = map[oversight.Noun]figureTable{
	oversight.OfHall: {"hall_figure", "hall_id", `select id from hall`, newReplacer("hall_figure", 3, "hall_id", "span", "period", "total", "parts", "floor", "counted_at")},
	oversight.OfUnit: {"unit_figure", "unit_id", `select id from unit`, newReplacer("unit_figure", 3, "unit_id", "span", "period", "total", "parts", "counted_at")},
}

// Figures returns the rows of the places, by place and period; ids nil is every place of the noun. from and to are
// periods of the span, both inside.
func (tx *Tx) Figures(ctx context.Context, noun oversight.Noun, ids []string, span oversight.Span, from, to string) ([]oversight.Row, error) {
	return tx.figures(ctx, noun, ids, span, from, to, true)
}

// EachFigure is Figures with the rows given one after the other, for what is too much to be held.
func (tx *Tx) EachFigure(ctx context.Context, noun oversight.Noun, ids []string, span oversight.Span, from, to string, do func(oversight.Row) error) error {
	return tx.eachFigure(ctx, noun, ids, span, from, to, true, do)
}

// Totals is Figures without the breakdowns: much cheaper, for tables of many places.
func (tx *Tx) Totals(ctx context.Context, noun oversight.Noun, ids []string, span oversight.Span, from, to string) ([]oversight.Row, error) {
	return tx.figures(ctx, noun, ids, span, from, to, false)
}

func (tx *Tx) figures(ctx context.Context, noun oversight.Noun, ids []string, span oversight.Span, from, to string, parts bool) (out []oversight.Row, err error) {
	return out, tx.eachFigure(ctx, noun, ids, span, from, to, parts, func(r oversight.Row) error {
		out = append(out, r)
		return nil
	})
}

func (tx *Tx) eachFigure(ctx context.Context, noun oversight.Noun, ids []string, span oversight.Span, from, to string, parts bool, do func(oversight.Row) error) error {
	t, ok := figureTables[noun]
	if !ok {
		return fmt.Errorf("store: no figures of a %q", noun)
	}
	if ids == nil {
		if err := tx.query(ctx, "figure.places", t.all, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		}); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows := make([][1]string, len(ids))
	for i, id := range ids {
		rows[i] = [1]string{id}
	}
	name, column := "figure.totals", "''"
	if parts {
		name, column = "figure.read", "f.parts"
	}
	return tx.query(ctx, name, `
with w as materialized (select distinct r.value->>0 as id from {rows} r)
select f.`+t.key+`, f.period, f.counted_at, f.total, `+column+` from w cross join `+t.name+` f
where f.`+t.key+` = w.id and f.span = $2 and f.period >= $3 and f.period <= $4 order by 1, 2`,
		func(scan func(...any) error) error {
			r := oversight.Row{Place: oversight.Place{Noun: noun}, Span: span}
			var at int64
			var total, detail []byte
			if err := scan(&r.Place.ID, &r.Period, &at, &total, &detail); err != nil {
				return err
			}
			r.CountedAt = instant(at)
			var err error
			if r.Figures.All, err = readTotal(total); err != nil {
				return err
			}
			if parts {
				if r.Figures.By, err = readParts(detail); err != nil {
					return err
				}
			}
			return do(r)
		}, marshal(rows), string(span), from, to)
}

// HallsWithFigures returns the halls that have figures of a month that a date from one to another lies in, by id.
func (tx *Tx) HallsWithFigures(ctx context.Context, from, to calendar.Date) (out []string, err error) {
	month := oversight.SpanMonth.Period
	return out, tx.query(ctx, "figure.halls", `
select h.id from hall h where exists (select 1 from hall_figure f where f.hall_id = h.id and f.span = 'month' and f.period >= $1 and f.period <= $2) order by 1`,
		func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			out = append(out, id)
			return err
		}, month(from), month(to))
}

// PutFigures replaces rows; none is given twice.
func (tx *Tx) PutFigures(ctx context.Context, rows []oversight.Row) error {
	for noun := range figureTables {
		var list []figureRow
		for _, r := range rows {
			if r.Place.Noun == noun {
				list = append(list, figureRow{r, 0})
			}
		}
		if err := tx.putFigures(ctx, noun, list); err != nil {
			return err
		}
	}
	return nil
}

// PutHallDays is PutFigures of days of halls, with the revision of the floor each was counted from.
func (tx *Tx) PutHallDays(ctx context.Context, rows []oversight.Row, floors map[oversight.HallDay]int64) error {
	list := make([]figureRow, len(rows))
	for i, r := range rows {
		d, err := calendar.ParseDate(r.Period)
		if err != nil {
			return err
		}
		list[i] = figureRow{r, floors[oversight.HallDay{HallID: r.Place.ID, Date: d}]}
	}
	return tx.putFigures(ctx, oversight.OfHall, list)
}

// figureRow is a row with the revision of the floor it was counted from.
type figureRow struct {
	oversight.Row
	floor int64
}

func (tx *Tx) putFigures(ctx context.Context, noun oversight.Noun, rows []figureRow) error {
	t, ok := figureTables[noun]
	if !ok {
		return fmt.Errorf("store: no figures of a %q", noun)
	}
	for batch := range slices.Chunk(rows, 512) {
		for _, s := range t.insert.add(tx.db.d, nil, len(batch), func(i int, args []any) []any {
			r := batch[i]
			args = append(args, r.Place.ID, string(r.Span), r.Period, writeTotal(r.Figures.All), writeParts(r.Figures.By))
			if noun == oversight.OfHall {
				args = append(args, r.floor)
			}
			return append(args, micros(r.CountedAt))
		}) {
			if _, err := tx.exec(ctx, s.name, s.text, s.args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// MarkFigures says that the days of halls must be counted again. It is the last but one statement of its transaction,
// before the audit: transactions that mark several days never wait for each other in a ring.
func (tx *Tx) MarkFigures(ctx context.Context, days []oversight.HallDay) error {
	if len(days) == 0 {
		return nil
	}
	rows := make([][3]any, len(days))
	for i, d := range days {
		rows[i] = [3]any{d.HallID, d.Date.String(), stamp()}
	}
	_, err := tx.exec(ctx, "figure.mark", `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as date, max(cast(r.value->>2 as bigint)) as stamp from {rows} r group by 1, 2 order by 1, 2)
insert into figure_mark (hall_id, date, stamp) select hall_id, date, stamp from w where true
on conflict (hall_id, date) do update set stamp = excluded.stamp`, marshal(rows))
	return err
}

// FigureMark is a hall's day that is to be counted again. Stamp tells a later mark of the same day from it.
type FigureMark struct {
	oversight.HallDay
	Stamp int64
}

// FigureMarks returns the days up to a date that are to be counted again, the latest first, at most limit.
func (tx *Tx) FigureMarks(ctx context.Context, until calendar.Date, limit int) (out []FigureMark, err error) {
	return tx.figureMarks(ctx, "figure.marks", `date <= $1 order by date desc, hall_id limit $2`, until.String(), int64(limit))
}

// FigureMarksBetween returns the days from one date to another that are to be counted again, by hall and date.
func (tx *Tx) FigureMarksBetween(ctx context.Context, from, to calendar.Date) (out []FigureMark, err error) {
	return tx.figureMarks(ctx, "figure.marks_between", `date >= $1 and date <= $2 order by hall_id, date`, from.String(), to.String())
}

func (tx *Tx) figureMarks(ctx context.Context, name, where string, args ...any) (out []FigureMark, err error) {
	return out, tx.query(ctx, name, `select hall_id, date, stamp from figure_mark where `+where, func(scan func(...any) error) error {
		var m FigureMark
		var date string
		if err := scan(&m.HallID, &date, &m.Stamp); err != nil {
			return err
		}
		var err error
		m.Date, err = calendar.ParseDate(date)
		out = append(out, m)
		return err
	}, args...)
}

// Marked returns which of the days are to be counted again.
func (tx *Tx) Marked(ctx context.Context, days []oversight.HallDay) (map[oversight.HallDay]bool, error) {
	out := map[oversight.HallDay]bool{}
	if len(days) == 0 {
		return out, nil
	}
	rows := make([][2]string, len(days))
	for i, d := range days {
		rows[i] = [2]string{d.HallID, d.Date.String()}
	}
	return out, tx.query(ctx, "figure.marked", dayKeys+`
select m.hall_id, m.date from w cross join figure_mark m where m.hall_id = w.hall_id and m.date = w.date`, func(scan func(...any) error) error {
		var hall, date string
		if err := scan(&hall, &date); err != nil {
			return err
		}
		d, err := calendar.ParseDate(date)
		out[oversight.HallDay{HallID: hall, Date: d}] = true
		return err
	}, marshal(rows))
}

// ClearMarks takes back the marks that are as they were read and returns their days.
func (tx *Tx) ClearMarks(ctx context.Context, marks []FigureMark) (cleared map[oversight.HallDay]bool, err error) {
	cleared = map[oversight.HallDay]bool{}
	rows := make([][3]any, len(marks))
	for i, m := range marks {
		rows[i] = [3]any{m.HallID, m.Date.String(), m.Stamp}
	}
	return cleared, tx.query(ctx, "figure.clear", `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as date, cast(r.value->>2 as bigint) as stamp from {rows} r order by 1, 2)
delete from figure_mark where (hall_id, date, stamp) in (select hall_id, date, stamp from w) returning hall_id, date`,
		func(scan func(...any) error) error {
			var hall, date string
			if err := scan(&hall, &date); err != nil {
				return err
			}
			d, err := calendar.ParseDate(date)
			cleared[oversight.HallDay{HallID: hall, Date: d}] = true
			return err
		}, marshal(rows))
}

// FigureLag tells how many days up to a date are to be counted again, and when the city was counted last: the zero time
// for never.
func (tx *Tx) FigureLag(ctx context.Context, until calendar.Date) (days int, counted time.Time, err error) {
	var at int64
	if _, err := tx.one(ctx, "figure.lag", `
select (select count(*) from figure_mark where date <= $1), coalesce((select max(f.counted_at) from unit_figure f join unit u on u.id = f.unit_id
  where u.parent_id = '' and f.span = 'day'), 0)`, []any{until.String()}, &days, &at); err != nil {
		return 0, time.Time{}, err
	}
	return days, since(at), nil
}
