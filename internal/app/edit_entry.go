package app

import (
	"fmt"
	"slices"
	"strings"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

func one(path string, code fault.Code) []fault.Field { return []fault.Field{{Path: path, Code: code}} }

// may tells whether the hall is the administrator's to configure; one added just now is as its main hall.
func (d *draft) may(hall string) bool {
	if d.city.Hall(hall) == nil {
		hall = d.halls[hall].ParentHall
	}
	return hall != "" && d.app.May(d.ad, account.Configure, hall)
}

// hall edits a hall, or adds a sub-hall to the main hall its fields name.
func (d *draft) hall(id string, f directory.Fields, isNew bool) []fault.Field {
	was, there := d.halls[id]
	switch {
	case there && isNew:
		return one("hall", fault.DuplicateField)
	case !there && !isNew:
		return one("", fault.HallNotFound)
	case !there:
		main, known := d.halls[f["parent_hall"]]
		switch {
		case f["parent_hall"] == "":
			return one("parent_hall", fault.Required)
		case !known || main.ParentHall != "" || !d.may(main.ID):
			return one("parent_hall", fault.NotOneOf)
		case !directory.SubHallID(main, id) || d.city.Hall(id) != nil:
			return one("hall", fault.BadFormat)
		}
		was = directory.SubHall(main, id)
	}
	next, _, bad := directory.HallSheet.Edit(was, was.Open, f)
	if p, given := f["parent_hall"]; there && given && p != was.ParentHall {
		bad = append(bad, fault.Field{Path: "parent_hall", Code: fault.NotOneOf})
	}
	if len(bad) > 0 {
		return bad
	}
	changed, bad := d.note(directory.HallNoun, []string{id}, directory.HallSheet.Record(next, next.Open), !there || d.may(id))
	if d.halls[id] = next; changed && there && was.Open != next.Open {
		for _, q := range d.queues {
			if q.HallID == id && q.Open {
				d.shut = append(d.shut, shutting{hall: id, queue: q.ID, again: next.Open})
			}
		}
	}
	return bad
}

// queue edits a queue, or adds one for a line of business. A new queue gives no numbers before its daily
// average is filed and approved (Art. 15, 23).
func (d *draft) queue(hall, line string, f directory.Fields, isNew bool) []fault.Field {
	h, known := d.halls[hall]
	if !known {
		return one("hall", fault.NotOneOf)
	}
	id := hall + "-" + line
	was, there := d.queues[id]
	switch {
	case there && isNew && was.Open:
		return one("line", fault.DuplicateField)
	case !there && !isNew:
		return one("", fault.QueueNotFound)
	case !there:
		if !d.lineKnown(line) {
			return one("line", fault.NotOneOf)
		}
		was = directory.Queue{ID: id, HallID: hall, Line: line, OnSitePerMille: 100, Open: true}
	}
	next, _, bad := directory.QueueSheet.Edit(was, was.Open || isNew, f)
	if len(bad) > 0 {
		return bad
	}
	if there && next.DailyAverage > 0 {
		today := calendar.DateOf(d.tx.Now)
		next.KeepHours(was, today, d.app.rules.Load().planned(was, today)+1)
	}
	changed, bad := d.note(directory.QueueNoun, []string{hall, line}, directory.QueueSheet.Record(next, next.Open), d.may(hall))
	if d.queues[id] = next; changed && there && was.Open != next.Open && h.Open {
		d.shut = append(d.shut, shutting{hall: hall, queue: id, again: next.Open})
	}
	return bad
}

// lineKnown tells whether any hall of the city runs the line of business.
func (d *draft) lineKnown(line string) bool {
	for _, lines := range d.city.Lines() {
		if lines[line] {
			return true
		}
	}
	return false
}

// counter edits or adds a counter of a hall.
func (d *draft) counter(hall, id string, f directory.Fields, isNew bool) []fault.Field {
	if _, known := d.halls[hall]; !known {
		return one("hall", fault.NotOneOf)
	}
	key := store.DirectoryKey(hall, id)
	was, there := d.counters[key]
	switch {
	case there && isNew && was.Open:
		return one("counter", fault.DuplicateField)
	case !there && !isNew:
		return one("", fault.EntryNotFound)
	case !there:
		if code := directory.CheckKey(id); code != "" {
			return one("counter", code)
		}
		was = directory.Counter{HallID: hall, ID: id, Open: true}
	}
	next, _, bad := directory.CounterSheet.Edit(was, was.Open || isNew, f)
	for _, q := range next.Queues {
		if _, known := d.queues[q]; !known {
			bad = append(bad, fault.Field{Path: "lines", Code: fault.NotOneOf})
			break
		}
	}
	if len(bad) > 0 {
		return bad
	}
	_, bad = d.note(directory.CounterNoun, []string{hall, id}, directory.CounterSheet.Record(next, next.Open), d.may(hall))
	d.counters[key] = next
	return bad
}

// offering edits what a queue offers of an item, or adds it: the stages are some of the item's (Art. 13).
func (d *draft) offering(hall, line, item string, f directory.Fields, isNew bool) []fault.Field {
	if _, known := d.halls[hall]; !known {
		return one("hall", fault.NotOneOf)
	}
	queue := hall + "-" + line
	if _, known := d.queues[queue]; !known {
		return one("line", fault.NotOneOf)
	}
	it, known := d.items[item]
	if !known {
		return one("item", fault.NotOneOf)
	}
	key := store.DirectoryKey(hall, item, queue)
	flag := at(directory.OfferingNoun, key)
	was, there := d.offerings[key]
	open := d.open[flag]
	switch {
	case there && isNew && open:
		return one("item", fault.DuplicateField)
	case !there && !isNew:
		return one("", fault.EntryNotFound)
	case !there:
		was = directory.Offering{HallID: hall, QueueID: queue, ItemCode: item, Stages: it.Stages}
	}
	next, nowOpen, bad := directory.OfferingSheet.Edit(was, open || isNew, f)
	if nowOpen {
		if slices.ContainsFunc(next.Stages, func(s directory.Stage) bool { return !it.Stages.Has(s) }) {
			bad = append(bad, fault.Field{Path: "stages", Code: fault.NotOneOf})
		}
		if !d.open[at(directory.ItemNoun, item)] {
			bad = append(bad, fault.Field{Path: "item", Code: fault.NotOneOf})
		}
	}
	if len(bad) > 0 {
		return bad
	}
	changed, bad := d.note(directory.OfferingNoun, []string{hall, line, item}, directory.OfferingSheet.Record(next, nowOpen), d.may(hall))
	d.offerings[key], d.open[flag] = next, nowOpen
	if changed && open && !nowOpen {
		d.shut = append(d.shut, shutting{hall: hall, queue: queue, item: item})
	}
	return bad
}

// item edits or adds an item of the catalogue. Where it is offered is said by the halls.
func (d *draft) item(code string, f directory.Fields, isNew bool) []fault.Field {
	flag := at(directory.ItemNoun, code)
	was, there := d.items[code]
	open := d.open[flag]
	switch {
	case there && isNew:
		return one("item", fault.DuplicateField)
	case !there && !isNew:
		return one("", fault.ItemNotFound)
	case !there:
		if bad := directory.CheckKey(code); bad != "" {
			return one("item", bad)
		}
		was = directory.Item{Code: code}
	}
	next, nowOpen, bad := directory.ItemSheet.Edit(was, open || isNew, f)
	if len(bad) > 0 {
		return bad
	}
	var department directory.Unit
	if u := d.city.Unit(next.Department); u != nil {
		department = *u
	}
	if bad := directory.ItemFaults(next, department, d.city.Lines()); len(bad) > 0 {
		return bad
	}
	may := d.app.mayItem(d.ad, next.Department) && (!there || d.app.mayItem(d.ad, was.Department))
	changed, bad := d.note(directory.ItemNoun, []string{code}, directory.ItemSheet.Record(next, nowOpen), may)
	d.items[code], d.open[flag] = next, nowOpen
	if changed && open && !nowOpen {
		for _, o := range d.city.Offers(code) {
			d.shut = append(d.shut, shutting{hall: o.HallID, queue: o.QueueID, item: code})
		}
	}
	return bad
}

// unit edits the names of a unit.
func (d *draft) unit(id string, f directory.Fields) []fault.Field {
	u := d.city.Unit(id)
	if u == nil {
		return one("", fault.UnitNotFound)
	}
	open := d.was[at(directory.UnitNoun, id)]["open"] == "yes"
	next, nowOpen, bad := directory.UnitSheet.Edit(*u, open, f)
	if nowOpen != open {
		bad = append(bad, fault.Field{Path: "open", Code: fault.NotOneOf})
	}
	if len(bad) > 0 {
		return bad
	}
	_, bad = d.note(directory.UnitNoun, []string{id}, directory.UnitSheet.Record(next, nowOpen), d.app.May(d.ad, account.Settings, ""))
	d.units[id] = next
	return bad
}

// NextSubHall proposes the id of a new sub-hall of a hall.
func (a *App) NextSubHall(hall string) string {
	code, _, _ := strings.Cut(hall, "-")
	for n := 1; ; n++ {
		id := fmt.Sprintf("%s-%02d", code, n)
		if a.City().Hall(id) == nil {
			return id
		}
	}
}
