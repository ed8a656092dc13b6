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

// unitScopeSQL is the condition that a row of alias, which is about a unit, lies in a scope. next gives the placeholder
// of a value.
func unitScopeSQL(alias string, s account.UnitScope, next func(any) string) string {
	if s.None {
		return "1 = 0"
	}
	parts := []string{"1 = 1"}
	for _, p := range [][2]string{{"unit_id", s.Unit}, {"district_id", s.District}, {"street_id", s.Street}} {
		if p[1] != "" {
			parts = append(parts, alias+"."+p[0]+" = "+next(p[1]))
		}
	}
	if s.Kinds != nil {
		in := make([]string, len(s.Kinds))
		for i, k := range s.Kinds {
			in[i] = next(string(k))
		}
		parts = append(parts, alias+".unit_kind in ("+strings.Join(in, ", ")+")")
	}
	return strings.Join(parts, " and ")
}

// numbered gives placeholders to values as they come.
func numbered(args *[]any) func(any) string {
	return func(v any) string {
		*args = append(*args, v)
		return "$" + strconv.Itoa(len(*args))
	}
}

const sourceColumns = "s.id, s.unit_id, s.unit_kind, s.district_id, s.street_id, s.name, s.kinds, s.halls, s.delay, s.silence, s.since, s.ended, s.version"

func scanSource(scan func(...any) error) (oversight.Source, error) {
	var s oversight.Source
	var kinds, halls, from, ended string
	var delay, silence int64
	err := scan(&s.ID, &s.Seat.Unit, &s.Seat.Kind, &s.Seat.District, &s.Seat.Street, &s.Name, &kinds, &halls, &delay, &silence, &from, &ended, &s.Version)
	if err != nil {
		return s, err
	}
	s.Delay, s.Silence = time.Duration(delay)*time.Microsecond, time.Duration(silence)*time.Microsecond
	if s.Since, err = calendar.ParseDate(from); err != nil {
		return s, err
	}
	if ended != "" {
		if s.Ended, err = calendar.ParseDate(ended); err != nil {
			return s, err
		}
	}
	if err := unmarshal(kinds, &s.Kinds); err != nil {
		return s, err
	}
	return s, unmarshal(halls, &s.Halls)
}

// Sources returns the connected systems of the units in a scope, by unit and id, those that are connected no more
// too.
func (tx *Tx) Sources(ctx context.Context, scope account.UnitScope) (out []oversight.Source, err error) {
	var args []any
	where := unitScopeSQL("s", scope, numbered(&args))
	return out, tx.query(ctx, "source.list", `select `+sourceColumns+` from source s where `+where+` order by s.unit_id, s.id`, func(scan func(...any) error) error {
		s, err := scanSource(scan)
		out = append(out, s)
		return err
	}, args...)
}

// Source returns a connected system, nil if there is none.
func (tx *Tx) Source(ctx context.Context, id string) (found *oversight.Source, err error) {
	return found, tx.query(ctx, "source.one", `select `+sourceColumns+` from source s where s.id = $1`, func(scan func(...any) error) error {
		s, err := scanSource(scan)
		found = &s
		return err
	}, id)
}

// AddSource adds a connected system.
func (tx *Tx) AddSource(ctx context.Context, s oversight.Source) error {
	_, err := tx.exec(ctx, "source.insert", `
insert into source (id, unit_id, unit_kind, district_id, street_id, name, kinds, halls, delay, silence, since, ended, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		s.ID, s.Seat.Unit, string(s.Seat.Kind), s.Seat.District, s.Seat.Street, s.Name, marshal(s.Kinds), marshal(s.Halls), s.Delay.Microseconds(), s.Silence.Microseconds(),
		s.Since.String(), dateOrNone(s.Ended), int64(s.Version))
	return err
}

// SaveSource writes what has become of a connected system; false if it is no longer at the version before.
func (tx *Tx) SaveSource(ctx context.Context, s oversight.Source, was int) (bool, error) {
	n, err := tx.exec(ctx, "source.update", `
update source set name = $3, kinds = $4, halls = $5, delay = $6, silence = $7, ended = $8, version = $9 where id = $1 and version = $2`,
		s.ID, int64(was), s.Name, marshal(s.Kinds), marshal(s.Halls), s.Delay.Microseconds(), s.Silence.Microseconds(), dateOrNone(s.Ended), int64(s.Version))
	return n == 1, err
}

// AddSourceCounts adds what a feed has counted to what is known of the days. It is for whoever takes the records: in
// the transaction that keeps them, so that nothing is counted twice.
func (tx *Tx) AddSourceCounts(ctx context.Context, list []oversight.SourceDay) error {
	type key struct {
		hall, source string
		kind         oversight.RecordKind
		date         calendar.Date
	}
	sums := map[key]oversight.SourceDay{}
	for _, d := range list {
		k := key{d.HallID, d.SourceID, d.Kind, d.Date}
		sum, ok := sums[k]
		if !ok {
			sums[k] = d
			continue
		}
		sums[k] = sum.Plus(d)
	}
	rows := make([]oversight.SourceDay, 0, len(sums))
	for _, d := range sums {
		rows = append(rows, d)
	}
	slices.SortFunc(rows, func(a, b oversight.SourceDay) int {
		return strings.Compare(a.HallID+a.Date.String()+a.SourceID+string(a.Kind), b.HallID+b.Date.String()+b.SourceID+string(b.Kind))
	})
	return saveSet(ctx, tx, "source_day.add", rows, func(d oversight.SourceDay) any {
		return []any{d.HallID, d.Date.String(), d.SourceID, string(d.Kind), d.Expected, d.Received, d.InTime, d.Checked, d.Agreed, untilMicros(d.LastAt)}
	}, `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as date, r.value->>2 as source, r.value->>3 as kind, cast(r.value->>4 as bigint) as expected,
    cast(r.value->>5 as bigint) as received, cast(r.value->>6 as bigint) as in_time, cast(r.value->>7 as bigint) as checked, cast(r.value->>8 as bigint) as agreed,
    cast(r.value->>9 as bigint) as last_at from {rows} r order by 1, 2, 3, 4)
insert into source_day (hall_id, date, source, kind, expected, received, in_time, checked, agreed, last_at)
select hall_id, date, source, kind, expected, received, in_time, checked, agreed, last_at from w where true
on conflict (hall_id, date, source, kind) do update set expected = source_day.expected + excluded.expected, received = source_day.received + excluded.received,
  in_time = source_day.in_time + excluded.in_time, checked = source_day.checked + excluded.checked, agreed = source_day.agreed + excluded.agreed,
  last_at = case when excluded.last_at > source_day.last_at then excluded.last_at else source_day.last_at end`)
}

const sourceDayColumns = "d.hall_id, d.date, d.source, d.kind, d.expected, d.received, d.in_time, d.checked, d.agreed, d.last_at"

func scanSourceDay(scan func(...any) error) (oversight.SourceDay, error) {
	var d oversight.SourceDay
	var date string
	var last int64
	if err := scan(&d.HallID, &date, &d.SourceID, &d.Kind, &d.Expected, &d.Received, &d.InTime, &d.Checked, &d.Agreed, &last); err != nil {
		return d, err
	}
	d.LastAt = since(last)
	var err error
	d.Date, err = calendar.ParseDate(date)
	return d, err
}

// SourceDays returns what sources sent about the days from from to to, both inside, by source, day, kind and hall.
func (tx *Tx) SourceDays(ctx context.Context, sources []string, from, to calendar.Date) (out []oversight.SourceDay, err error) {
	rows := make([][1]string, len(sources))
	for i, id := range sources {
		rows[i] = [1]string{id}
	}
	return out, tx.query(ctx, "source_day.of", `
with w as materialized (select r.value->>0 as id from {rows} r order by 1)
select `+sourceDayColumns+` from w cross join source_day d where d.source = w.id and d.date >= $2 and d.date <= $3 order by d.source, d.date, d.kind, d.hall_id`,
		func(scan func(...any) error) error {
			d, err := scanSourceDay(scan)
			out = append(out, d)
			return err
		}, marshal(rows), from.String(), to.String())
}

// LastRecords returns when each source sent its last record.
func (tx *Tx) LastRecords(ctx context.Context) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	return out, tx.query(ctx, "source_day.last", `select d.source, max(d.last_at) from source_day d group by d.source`, func(scan func(...any) error) error {
		var id string
		var last int64
		err := scan(&id, &last)
		out[id] = since(last)
		return err
	})
}

// sources reads what connected systems sent about the days.
func (r *dayReader) sources(ctx context.Context) error {
	return r.tx.query(ctx, "day.sources", dayKeys+`
select d.hall_id, d.date, d.expected, d.received, d.in_time, d.checked, d.agreed from w cross join source_day d where d.hall_id = w.hall_id and d.date = w.date`,
		func(scan func(...any) error) error {
			var hall, date string
			var x oversight.Exchange
			err := scan(&hall, &date, &x.Expected, &x.Received, &x.InTime, &x.Checked, &x.Agreed)
			if d := r.of(hall, date); d != nil {
				d.Sources = append(d.Sources, x)
			}
			return err
		}, r.hallDays())
}
