package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/rulebook"
)

// SaveUnits inserts or replaces units.
func (tx *Tx) SaveUnits(ctx context.Context, units []directory.Unit) error {
	return saveSet(ctx, tx, "unit.save", units, func(u directory.Unit) any {
		return []any{u.ID, u.ParentID, u.Kind, marshal(u.Name)}
	}, `
with w as materialized (select r.value->>0 as id, r.value->>1 as parent_id, r.value->>2 as kind, r.value->>3 as name from {rows} r order by 1)
insert into unit (id, parent_id, kind, name) select id, parent_id, kind, name from w where true
on conflict (id) do update set parent_id = excluded.parent_id, kind = excluded.kind, name = excluded.name, closed = 0`)
}

// hallDetail is what of a hall is never searched by SQL.
type hallDetail struct {
	Name      directory.Text `json:"name"`
	Initials  string         `json:"initials"`
	Address   directory.Text `json:"address"`
	Phone     string         `json:"phone"`
	Latitude  float64        `json:"latitude,omitempty"`
	Longitude float64        `json:"longitude,omitempty"`
	Notice    directory.Text `json:"notice,omitzero"`
	Hours     directory.Text `json:"hours,omitzero"`
	Ways      directory.Ways `json:"ways,omitempty"`
	How       directory.Text `json:"how,omitzero"`
}

// SaveHalls inserts or replaces halls. A hall's number is kept once it has one.
func (tx *Tx) SaveHalls(ctx context.Context, halls []directory.Hall) error {
	return saveSet(ctx, tx, "hall.save", halls, func(h directory.Hall) any {
		return []any{h.ID, h.Number, h.UnitID, h.ParentHall, h.Level, h.DistrictID, h.StreetID, flag(!h.Open),
			marshal(hallDetail{h.Name, h.Initials, h.Address, h.Phone, h.Latitude, h.Longitude, h.Notice, h.Hours, h.Ways, h.How})}
	}, `
with w as materialized (select r.value->>0 as id, cast(r.value->>1 as bigint) as number, r.value->>2 as unit_id, r.value->>3 as parent_hall,
    r.value->>4 as level, r.value->>5 as district_id, r.value->>6 as street_id, cast(r.value->>7 as bigint) as closed, r.value->>8 as detail from {rows} r order by 1)
insert into hall (id, number, unit_id, parent_hall, level, district_id, street_id, closed, detail)
select id, number, unit_id, parent_hall, level, district_id, street_id, closed, detail from w where true
on conflict (id) do update set unit_id = excluded.unit_id, parent_hall = excluded.parent_hall, level = excluded.level,
  district_id = excluded.district_id, street_id = excluded.street_id, closed = excluded.closed, detail = excluded.detail`)
}

// SaveQueues inserts or replaces queues.
func (tx *Tx) SaveQueues(ctx context.Context, queues []directory.Queue) error {
	return saveSet(ctx, tx, "queue.save", queues, func(q directory.Queue) any {
		return []any{q.ID, q.HallID, marshal(q), flag(!q.Open)}
	}, `
with w as materialized (select r.value->>0 as id, r.value->>1 as hall_id, r.value->>2 as detail, cast(r.value->>3 as bigint) as closed from {rows} r order by 1)
insert into queue (id, hall_id, detail, closed) select id, hall_id, detail, closed from w where true
on conflict (id) do update set hall_id = excluded.hall_id, detail = excluded.detail, closed = excluded.closed`)
}

// SaveItems inserts or replaces items of the catalogue.
func (tx *Tx) SaveItems(ctx context.Context, items []directory.Item) error {
	return saveSet(ctx, tx, "item.save", items, func(i directory.Item) any {
		return []any{i.Code, marshal(i)}
	}, `
with w as materialized (select r.value->>0 as code, r.value->>1 as detail from {rows} r order by 1)
insert into item (code, detail) select code, detail from w where true
on conflict (code) do update set detail = excluded.detail, closed = 0`)
}

// SaveOfferings inserts or replaces offerings.
func (tx *Tx) SaveOfferings(ctx context.Context, offerings []directory.Offering) error {
	return saveSet(ctx, tx, "offering.save", offerings, func(o directory.Offering) any {
		return []any{o.HallID, o.ItemCode, o.QueueID, joinStages(o.Stages), o.BatchMax}
	}, `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as item, r.value->>2 as queue_id, r.value->>3 as stages,
    cast(r.value->>4 as bigint) as batch_max from {rows} r order by 1, 2, 3)
insert into offering (hall_id, item, queue_id, stages, batch_max) select hall_id, item, queue_id, stages, batch_max from w where true
on conflict (hall_id, item, queue_id) do update set stages = excluded.stages, batch_max = excluded.batch_max, closed = 0`)
}

// The nouns of the directory that Close can end.
const (
	Units     = "unit"
	Halls     = "hall"
	Queues    = "queue"
	Items     = "item"
	Offerings = "offering"
	Counters  = "counter"
)

// Close ends entries of the directory: they stay for what refers to them and are offered no more.
// keys are ids, codes, or hall, item and queue of an offering.
func (tx *Tx) Close(ctx context.Context, noun string, keys [][]string) error {
	var text string
	switch noun {
	case Units, Halls, Queues:
		text = `update ` + noun + ` set closed = 1 where id in (select r.value->>0 from {rows} r)`
	case Items:
		text = `update item set closed = 1 where code in (select r.value->>0 from {rows} r)`
	case Offerings:
		text = `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as item, r.value->>2 as queue_id from {rows} r)
update offering set closed = 1 where (hall_id, item, queue_id) in (select hall_id, item, queue_id from w)`
	default:
		panic("store: " + noun + " cannot be closed")
	}
	return saveSet(ctx, tx, noun+".close", keys, func(k []string) any { return k }, text)
}

// saveSet gives a set statement its rows, some thousands at a time.
func saveSet[T any](ctx context.Context, tx *Tx, name string, set []T, row func(T) any, text string) error {
	for len(set) > 0 {
		n := min(len(set), 2000)
		rows := make([]any, n)
		for i, v := range set[:n] {
			rows[i] = row(v)
		}
		if _, err := tx.exec(ctx, name, text, marshal(rows)); err != nil {
			return err
		}
		set = set[n:]
	}
	return nil
}

// SaveCounters inserts or replaces counters.
func (tx *Tx) SaveCounters(ctx context.Context, counters []directory.Counter) error {
	return saveSet(ctx, tx, "hall_counter.save", counters, func(c directory.Counter) any {
		return []any{c.HallID, c.ID, c.Label, marshal(c.Queues), flag(!c.Open)}
	}, `
with w as materialized (select r.value->>0 as hall_id, r.value->>1 as id, r.value->>2 as label, r.value->>3 as queues,
    cast(r.value->>4 as bigint) as closed from {rows} r order by 1, 2)
insert into hall_counter (hall_id, id, label, queues, closed) select hall_id, id, label, queues, closed from w where true
on conflict (hall_id, id) do update set label = excluded.label, queues = excluded.queues, closed = excluded.closed`)
}

// Directory is what the directory tables hold, closed entries too.
type Directory struct {
	Units     []directory.Unit
	Halls     []directory.Hall
	Queues    []directory.Queue
	Items     []directory.Item
	Offerings []directory.Offering
	Counters  []directory.Counter
	Closed    map[string]bool // noun + " " + key (offerings: hall, item, queue joined by " "; counters: hall, id)
}

// Directory reads the whole directory: some ten thousand rows, once at start and when much of it changed.
func (tx *Tx) Directory(ctx context.Context) (*Directory, error) {
	d := &Directory{Closed: map[string]bool{}}
	if err := d.readUnits(ctx, tx); err != nil {
		return nil, err
	}
	if err := d.readItems(ctx, tx, ""); err != nil {
		return nil, err
	}
	return d, d.readHalls(ctx, tx, "", "")
}

// DirectoryOf reads the given halls with their queues, offerings and counters, and the given items.
func (tx *Tx) DirectoryOf(ctx context.Context, halls, items []string) (*Directory, error) {
	d := &Directory{Closed: map[string]bool{}}
	if len(items) > 0 {
		if err := d.readItems(ctx, tx, " where code in (select r.value->>0 from {rows} r)", keyRows(items)); err != nil {
			return nil, err
		}
	}
	if len(halls) == 0 {
		return d, nil
	}
	return d, d.readHalls(ctx, tx, " where id in (select r.value->>0 from {rows} r)", " where hall_id in (select r.value->>0 from {rows} r)", keyRows(halls))
}

func keyRows(keys []string) string {
	rows := make([][1]string, len(keys))
	for i, k := range keys {
		rows[i][0] = k
	}
	return marshal(rows)
}

func (d *Directory) mark(closed int64, key string) {
	if closed != 0 {
		d.Closed[key] = true
	}
}

func (d *Directory) readUnits(ctx context.Context, tx *Tx) error {
	return tx.query(ctx, "unit.load", `select id, parent_id, kind, name, closed from unit order by id`, func(scan func(...any) error) error {
		var u directory.Unit
		var name string
		var closed int64
		if err := scan(&u.ID, &u.ParentID, &u.Kind, &name, &closed); err != nil {
			return err
		}
		d.Units = append(d.Units, u)
		d.mark(closed, Units+" "+u.ID)
		return unmarshal(name, &d.Units[len(d.Units)-1].Name)
	})
}

func (d *Directory) readItems(ctx context.Context, tx *Tx, where string, args ...any) error {
	return tx.query(ctx, "item.load", `select detail, closed from item`+where+` order by code`, func(scan func(...any) error) error {
		var i directory.Item
		var text string
		var closed int64
		if err := scan(&text, &closed); err != nil {
			return err
		}
		if err := unmarshal(text, &i); err != nil {
			return err
		}
		d.Items = append(d.Items, i)
		d.mark(closed, Items+" "+i.Code)
		return nil
	}, args...)
}

// readHalls reads halls and what belongs to one; the conditions say which, by id and by hall_id.
func (d *Directory) readHalls(ctx context.Context, tx *Tx, whereID, whereHall string, args ...any) error {
	var closed int64
	if err := tx.query(ctx, "hall.load", `select id, number, unit_id, parent_hall, level, district_id, street_id, detail, closed from hall`+whereID+` order by id`,
		func(scan func(...any) error) error {
			var h directory.Hall
			var text string
			var detail hallDetail
			if err := scan(&h.ID, &h.Number, &h.UnitID, &h.ParentHall, &h.Level, &h.DistrictID, &h.StreetID, &text, &closed); err != nil {
				return err
			}
			if err := unmarshal(text, &detail); err != nil {
				return err
			}
			h.Name, h.Initials, h.Address, h.Phone = detail.Name, detail.Initials, detail.Address, detail.Phone
			h.Latitude, h.Longitude, h.Notice, h.Open = detail.Latitude, detail.Longitude, detail.Notice, closed == 0
			h.Hours, h.Ways, h.How = detail.Hours, detail.Ways, detail.How
			d.Halls = append(d.Halls, h)
			d.mark(closed, Halls+" "+h.ID)
			return nil
		}, args...); err != nil {
		return err
	}
	if err := tx.query(ctx, "queue.load", `select detail, closed from queue`+whereHall+` order by id`, func(scan func(...any) error) error {
		var q directory.Queue
		var text string
		if err := scan(&text, &closed); err != nil {
			return err
		}
		if err := unmarshal(text, &q); err != nil {
			return err
		}
		q.Open = closed == 0
		d.Queues = append(d.Queues, q)
		d.mark(closed, Queues+" "+q.ID)
		return nil
	}, args...); err != nil {
		return err
	}
	if err := tx.query(ctx, "hall_counter.load", `select hall_id, id, label, queues, closed from hall_counter`+whereHall+` order by hall_id, id`,
		func(scan func(...any) error) error {
			var c directory.Counter
			var queues string
			if err := scan(&c.HallID, &c.ID, &c.Label, &queues, &closed); err != nil {
				return err
			}
			c.Open = closed == 0
			d.mark(closed, Counters+" "+c.HallID+" "+c.ID)
			err := unmarshal(queues, &c.Queues)
			d.Counters = append(d.Counters, c)
			return err
		}, args...); err != nil {
		return err
	}
	return tx.query(ctx, "offering.load", `select hall_id, item, queue_id, stages, batch_max, closed from offering`+whereHall+` order by hall_id, item, queue_id`,
		func(scan func(...any) error) error {
			var o directory.Offering
			var stages string
			if err := scan(&o.HallID, &o.ItemCode, &o.QueueID, &stages, &o.BatchMax, &closed); err != nil {
				return err
			}
			o.Stages = splitStages(stages)
			d.Offerings = append(d.Offerings, o)
			d.mark(closed, Offerings+" "+o.HallID+" "+o.ItemCode+" "+o.QueueID)
			return nil
		}, args...)
}

// With returns the directory with the given halls and items as part holds them, part being what
// DirectoryOf read of them.
func (d *Directory) With(part *Directory, halls, items []string) *Directory {
	hall, item := map[string]bool{}, map[string]bool{}
	for _, id := range halls {
		hall[id] = true
	}
	for _, code := range items {
		item[code] = true
	}
	out := &Directory{Units: d.Units, Closed: maps.Clone(d.Closed)}
	out.Halls = spliced(d.Halls, part.Halls, func(h *directory.Hall) (bool, string) { return hall[h.ID], Halls + " " + h.ID }, out.Closed)
	out.Queues = spliced(d.Queues, part.Queues, func(q *directory.Queue) (bool, string) { return hall[q.HallID], Queues + " " + q.ID }, out.Closed)
	out.Items = spliced(d.Items, part.Items, func(i *directory.Item) (bool, string) { return item[i.Code], Items + " " + i.Code }, out.Closed)
	out.Counters = spliced(d.Counters, part.Counters, func(c *directory.Counter) (bool, string) {
		return hall[c.HallID], Counters + " " + c.HallID + " " + c.ID
	}, out.Closed)
	out.Offerings = spliced(d.Offerings, part.Offerings, func(o *directory.Offering) (bool, string) {
		return hall[o.HallID], Offerings + " " + o.HallID + " " + o.ItemCode + " " + o.QueueID
	}, out.Closed)
	slices.SortFunc(out.Halls, func(a, b directory.Hall) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(out.Queues, func(a, b directory.Queue) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(out.Items, func(a, b directory.Item) int { return strings.Compare(a.Code, b.Code) })
	slices.SortFunc(out.Counters, func(a, b directory.Counter) int {
		return cmp.Or(strings.Compare(a.HallID, b.HallID), strings.Compare(a.ID, b.ID))
	})
	slices.SortFunc(out.Offerings, func(a, b directory.Offering) int {
		return cmp.Or(strings.Compare(a.HallID, b.HallID), strings.Compare(a.ItemCode, b.ItemCode), strings.Compare(a.QueueID, b.QueueID))
	})
	maps.Copy(out.Closed, part.Closed)
	return out
}

// spliced is the old entries that were not read again, and the new ones.
func spliced[T any](old, fresh []T, again func(*T) (read bool, key string), closed map[string]bool) []T {
	out := make([]T, 0, len(old)+len(fresh))
	for i := range old {
		read, key := again(&old[i])
		if read {
			delete(closed, key)
			continue
		}
		out = append(out, old[i])
	}
	return append(out, fresh...)
}

func joinStages(set directory.Stages) string {
	parts := make([]string, len(set))
	for i, s := range set {
		parts[i] = string(s)
	}
	return strings.Join(parts, ",")
}

// splitStages shares one set for each of the few combinations there are.
func splitStages(text string) directory.Stages {
	var set directory.Stages
	for part := range strings.SplitSeq(text, ",") {
		switch s := directory.Stage(part); s {
		case directory.Consultation, directory.Acceptance, directory.Collection:
			set = append(set, s)
		}
	}
	return set
}

// SaveCalendar replaces the days of the given years and their status.
func (tx *Tx) SaveCalendar(ctx context.Context, days []calendar.Day, years map[int]calendar.YearStatus) error {
	for year, status := range years {
		if _, err := tx.exec(ctx, "calendar.clear", `delete from calendar_day where date >= $1 and date <= $2`,
			calendar.MakeDate(year, 1, 1).String(), calendar.MakeDate(year, 12, 31).String()); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, "calendar.year", `
insert into calendar_year (year, status) values ($1, $2) on conflict (year) do update set status = excluded.status`, year, string(status)); err != nil {
			return err
		}
	}
	return saveSet(ctx, tx, "calendar.save", days, func(d calendar.Day) any { return []any{d.Date.String(), d.Kind, d.Festival} }, `
with w as materialized (select r.value->>0 as date, r.value->>1 as kind, r.value->>2 as festival from {rows} r order by 1)
insert into calendar_day (date, kind, festival) select date, kind, festival from w where true
on conflict (date) do update set kind = excluded.kind, festival = excluded.festival`)
}

// Calendar reads all calendar days and years.
func (tx *Tx) Calendar(ctx context.Context) ([]calendar.Day, map[int]calendar.YearStatus, error) {
	var days []calendar.Day
	years := map[int]calendar.YearStatus{}
	if err := tx.query(ctx, "calendar.years", `select year, status from calendar_year`, func(scan func(...any) error) error {
		var year int
		var status string
		err := scan(&year, &status)
		years[year] = calendar.YearStatus(status)
		return err
	}); err != nil {
		return nil, nil, err
	}
	err := tx.query(ctx, "calendar.days", `select date, kind, festival from calendar_day order by date`, func(scan func(...any) error) error {
		var d calendar.Day
		var date string
		if err := scan(&date, &d.Kind, &d.Festival); err != nil {
			return err
		}
		var err error
		d.Date, err = calendar.ParseDate(date)
		days = append(days, d)
		return err
	})
	return days, years, err
}

// SaveRulebook inserts or replaces one version of the rules.
func (tx *Tx) SaveRulebook(ctx context.Context, r rulebook.Rulebook) error {
	_, err := tx.exec(ctx, "rulebook.save", `
insert into rulebook (id, effective_from, detail) values ($1, $2, $3)
on conflict (id) do update set effective_from = excluded.effective_from, detail = excluded.detail`, r.ID, r.EffectiveFrom.String(), marshal(r))
	return err
}

// Rulebooks reads all versions of the rules.
func (tx *Tx) Rulebooks(ctx context.Context) ([]rulebook.Rulebook, error) {
	var out []rulebook.Rulebook
	err := tx.query(ctx, "rulebook.load", `select detail from rulebook order by effective_from`, func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		out = append(out, rulebook.Rulebook{})
		return unmarshal(text, &out[len(out)-1])
	})
	return out, err
}
