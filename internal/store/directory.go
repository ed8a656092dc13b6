package store

import (
	"context"
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
}

// SaveHalls inserts or replaces halls. A hall's number is kept once it has one.
func (tx *Tx) SaveHalls(ctx context.Context, halls []directory.Hall) error {
	return saveSet(ctx, tx, "hall.save", halls, func(h directory.Hall) any {
		return []any{h.ID, h.Number, h.UnitID, h.ParentHall, h.Level, h.DistrictID, h.StreetID, flag(!h.Open),
			marshal(hallDetail{h.Name, h.Initials, h.Address, h.Phone, h.Latitude, h.Longitude, h.Notice})}
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

// Directory is everything the directory tables hold, closed entries too.
type Directory struct {
	Units     []directory.Unit
	Halls     []directory.Hall
	Queues    []directory.Queue
	Items     []directory.Item
	Offerings []directory.Offering
	Closed    map[string]bool // noun + " " + key (offerings: hall, item, queue joined by " ")
}

// Directory reads the whole directory: some ten thousand rows, once at start and when it changed.
func (tx *Tx) Directory(ctx context.Context) (*Directory, error) {
	d := &Directory{Closed: map[string]bool{}}
	var closed int64
	mark := func(key string) {
		if closed != 0 {
			d.Closed[key] = true
		}
	}
	if err := tx.query(ctx, "unit.load", `select id, parent_id, kind, name, closed from unit order by id`, func(scan func(...any) error) error {
		var u directory.Unit
		var name string
		if err := scan(&u.ID, &u.ParentID, &u.Kind, &name, &closed); err != nil {
			return err
		}
		d.Units = append(d.Units, u)
		mark(Units + " " + u.ID)
		return unmarshal(name, &d.Units[len(d.Units)-1].Name)
	}); err != nil {
		return nil, err
	}
	if err := tx.query(ctx, "hall.load", `select id, number, unit_id, parent_hall, level, district_id, street_id, detail, closed from hall order by id`,
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
			d.Halls = append(d.Halls, h)
			mark(Halls + " " + h.ID)
			return nil
		}); err != nil {
		return nil, err
	}
	if err := tx.query(ctx, "queue.load", `select detail, closed from queue order by id`, func(scan func(...any) error) error {
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
		mark(Queues + " " + q.ID)
		return nil
	}); err != nil {
		return nil, err
	}
	if err := tx.query(ctx, "item.load", `select detail, closed from item order by code`, func(scan func(...any) error) error {
		var i directory.Item
		var text string
		if err := scan(&text, &closed); err != nil {
			return err
		}
		if err := unmarshal(text, &i); err != nil {
			return err
		}
		d.Items = append(d.Items, i)
		mark(Items + " " + i.Code)
		return nil
	}); err != nil {
		return nil, err
	}
	return d, tx.query(ctx, "offering.load", `select hall_id, item, queue_id, stages, batch_max, closed from offering order by hall_id, item, queue_id`,
		func(scan func(...any) error) error {
			var o directory.Offering
			var stages string
			if err := scan(&o.HallID, &o.ItemCode, &o.QueueID, &stages, &o.BatchMax, &closed); err != nil {
				return err
			}
			o.Stages = splitStages(stages)
			d.Offerings = append(d.Offerings, o)
			mark(Offerings + " " + o.HallID + " " + o.ItemCode + " " + o.QueueID)
			return nil
		})
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
