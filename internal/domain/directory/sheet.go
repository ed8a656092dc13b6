package directory

import (
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

// Fields is one entry of the directory as people write it: column → text, in the words the files of a
// city use. A form, a line of a file and a version of an entry all have this shape.
type Fields map[string]string

// Noun is a kind of entry.
type Noun string

const (
	UnitNoun     Noun = "unit"
	HallNoun     Noun = "hall"
	QueueNoun    Noun = "queue"
	CounterNoun  Noun = "counter"
	OfferingNoun Noun = "offering"
	ItemNoun     Noun = "item"
)

// Sheet is how entries of one noun are written and read: one place for the rules of each column,
// whether it comes from a form, a file or a program.
type Sheet[T any] struct {
	Noun    Noun
	Key     []string // columns that say which entry it is; they never change
	Columns []string // all of them, those of the key first, "open" last
	// Record writes an entry, with what is only shown and changed elsewhere.
	Record func(v T, open bool) Fields
	read   func(r *record, v *T)
}

// Fields writes an entry in the columns of its sheet.
func (s *Sheet[T]) Fields(v T, open bool) Fields {
	f := s.Record(v, open)
	maps.DeleteFunc(f, func(column, _ string) bool { return !slices.Contains(s.Columns, column) })
	return f
}

// Edit reads changed fields over an entry as it was; columns not given stay. What is wrong comes back
// by column, and the entry must not be used then.
func (s *Sheet[T]) Edit(was T, open bool, changed Fields) (next T, nextOpen bool, bad []fault.Field) {
	full := s.Fields(was, open)
	full["open"] = yesNo(open)
	for _, column := range slices.Sorted(maps.Keys(changed)) {
		switch {
		case !slices.Contains(s.Columns, column):
			bad = append(bad, fault.Field{Path: column, Code: fault.UnknownField})
		default:
			full[column] = changed[column]
		}
	}
	var faults []LineError
	r := &record{column: map[string]int{}, faults: &faults}
	for i, column := range s.Columns {
		r.column[column] = i
		r.fields = append(r.fields, full[column])
	}
	next = was
	s.read(r, &next)
	nextOpen = oneOf(r, "open", "yes", "no") == "yes"
	for _, f := range faults {
		bad = append(bad, fault.Field{Path: f.Column, Code: f.Code})
	}
	return next, nextOpen, bad
}

// ParseFields reads the lines of a file in the columns of a sheet, not yet what they mean. Cells that
// were made inert (Inert) are given back as they were.
func ParseFields(next LineSource, file string, columns []string) ([]Row[Fields], []LineError) {
	return tableOf(next, file, columns, func(r *record) Fields {
		f := make(Fields, len(columns))
		for column, i := range r.column {
			f[column] = Live(strings.TrimSpace(r.fields[i]))
		}
		return f
	})
}

// Lines reads the lines of a CSV file.
func Lines(in io.Reader) LineSource {
	src := bufferLines(in)
	return func() ([]string, fault.Code, error) { return readFields(src) }
}

// inertMarks begin a cell that a spreadsheet would run as a formula.
const inertMarks = "=+-@\t\r'"

// Inert writes a text so that no spreadsheet runs it as a formula; Live reads it back.
func Inert(s string) string {
	if s != "" && strings.Contains(inertMarks, s[:1]) {
		return "'" + s
	}
	return s
}

// Live gives back what Inert wrote.
func Live(s string) string {
	if len(s) > 1 && s[0] == '\'' && strings.Contains(inertMarks, s[1:2]) {
		return s[1:]
	}
	return s
}

// UnitSheet is the names of units; the tree itself comes from the files of the city.
var UnitSheet = &Sheet[Unit]{
	Noun: UnitNoun, Key: []string{"unit"}, Columns: []string{"unit", "hans", "hant", "en", "open"},
	Record: func(u Unit, open bool) Fields {
		f := Fields{"unit": u.ID, "parent": u.ParentID, "kind": string(u.Kind), "open": yesNo(open)}
		f.text("", u.Name)
		return f
	},
	read: func(r *record, u *Unit) { u.Name = r.names("hans", "hant", "en", true) },
}

// HallSheet is a hall's facts. Its level, unit, district and street follow from the tree.
var HallSheet = &Sheet[Hall]{
	Noun: HallNoun, Key: []string{"hall"},
	Columns: []string{"hall", "parent_hall", "hans", "hant", "en", "initials", "address_hans", "address_hant", "address_en", "phone", "latitude", "longitude",
		"hours_hans", "hours_hant", "hours_en", "notice_hans", "notice_hant", "notice_en", "ways", "how_hans", "how_hant", "how_en", "open"},
	Record: func(h Hall, _ bool) Fields {
		f := Fields{"hall": h.ID, "parent_hall": h.ParentHall, "initials": h.Initials, "phone": h.Phone, "ways": joined(h.Ways.List()), "open": yesNo(h.Open),
			"latitude": decimal(h.Latitude), "longitude": decimal(h.Longitude)}
		f.text("", h.Name)
		f.text("address_", h.Address)
		f.text("hours_", h.Hours)
		f.text("notice_", h.Notice)
		f.text("how_", h.How)
		return f
	},
	read: func(r *record, h *Hall) {
		r.place(h)
		h.Hours, h.Notice, h.How = r.words("hours_"), r.words("notice_"), r.words("how_")
		h.Ways = WaysOf(someOf(r, "ways", EveryWay...)...)
		h.Open = r.optional("open") == "yes"
	},
}

// QueueSheet is a queue's name and hours. Its numbers are not changed here: they go by request (Art. 23).
var QueueSheet = &Sheet[Queue]{
	Noun: QueueNoun, Key: []string{"hall", "line"},
	Columns: []string{"hall", "line", "hans", "hant", "en", "hours", "saturday", "sunday", "closures", "draw", "open"},
	Record: func(q Queue, _ bool) Fields {
		f := Fields{"hall": q.HallID, "line": q.Line, "hours": spans(q.Week.Work), "saturday": spans(q.Week.Saturday), "sunday": spans(q.Week.Sunday),
			"closures": closuresText(q.Closures), "draw": yesNo(q.Draw), "open": yesNo(q.Open), "daily_average": strconv.Itoa(q.DailyAverage), "average_source": q.AverageSource,
			"on_site_per_mille": strconv.Itoa(q.OnSitePerMille), "grandfathered_days": strconv.Itoa(q.GrandfatheredHorizon)}
		f.text("", q.Name)
		return f
	},
	read: func(r *record, q *Queue) {
		q.Name, q.Week, q.Closures = r.names("hans", "hant", "en", true), r.week(), r.closures("closures")
		q.Draw, q.Open = r.yes("draw"), r.optional("open") == "yes"
	},
}

// CounterSheet is a hall's counters; the queues one serves are written by their lines.
var CounterSheet = &Sheet[Counter]{
	Noun: CounterNoun, Key: []string{"hall", "counter"},
	Columns: []string{"hall", "counter", "label", "lines", "open"},
	Record: func(c Counter, _ bool) Fields {
		lines := make([]string, len(c.Queues))
		for i, q := range c.Queues {
			lines[i] = strings.TrimPrefix(q, c.HallID+"-")
		}
		return Fields{"hall": c.HallID, "counter": c.ID, "label": c.Label, "lines": strings.Join(lines, "|"), "open": yesNo(c.Open)}
	},
	read: func(r *record, c *Counter) {
		c.Label, c.Queues = r.text("label"), nil
		if len([]rune(c.Label)) > 40 {
			r.bad("label", fault.TooLong)
		}
		lines := r.list("lines")
		slices.Sort(lines)
		for _, line := range lines {
			c.Queues = append(c.Queues, c.HallID+"-"+line)
		}
		c.Open = r.optional("open") == "yes"
	},
}

// OfferingSheet is which items a hall's queues serve (Art. 13, 19).
var OfferingSheet = &Sheet[Offering]{
	Noun: OfferingNoun, Key: []string{"hall", "line", "item"},
	Columns: []string{"hall", "line", "item", "stages", "batch_max", "open"},
	Record: func(o Offering, open bool) Fields {
		return Fields{"hall": o.HallID, "line": strings.TrimPrefix(o.QueueID, o.HallID+"-"), "item": o.ItemCode, "stages": joined(o.Stages),
			"batch_max": strconv.Itoa(o.BatchMax), "open": yesNo(open)}
	},
	read: func(r *record, o *Offering) {
		if o.Stages = someOf(r, "stages", Consultation, Acceptance, Collection); len(o.Stages) == 0 {
			r.bad("stages", fault.Required)
		}
		o.BatchMax = r.number("batch_max", 0, mostUnits)
	},
}

// ItemSheet is the catalogue. Rank among suggestions is the city's, not an agency's.
var ItemSheet = &Sheet[Item]{
	Noun: ItemNoun, Key: []string{"item"},
	Columns: []string{"item", "department", "category", "line", "hans", "hant", "en", "summary_hans", "summary_hant", "summary_en", "keywords", "initials", "stages",
		"materials_hans", "materials_hant", "materials_en", "online_url", "online_hans", "online_hant", "online_en", "self_service", "foreigner", "minutes", "levels", "open"},
	Record: func(i Item, open bool) Fields {
		f := Fields{"item": i.Code, "department": i.Department, "category": i.Category, "line": i.Line, "keywords": strings.Join(i.Keywords, "|"), "initials": i.Initials,
			"stages": joined(i.Stages), "online_url": i.OnlineURL, "self_service": yesNo(i.SelfService), "foreigner": yesNo(i.Foreigner),
			"minutes": strconv.Itoa(i.Minutes), "levels": joined(i.Levels), "open": yesNo(open)}
		f.text("", i.Name)
		f.text("summary_", i.Summary)
		f.text("online_", i.OnlineName)
		var hans, hant, en []string
		for _, m := range i.Materials {
			hans, hant, en = append(hans, m.Hans), append(hant, m.Hant), append(en, m.En)
		}
		f["materials_hans"], f["materials_hant"], f["materials_en"] = strings.Join(hans, "|"), strings.Join(hant, "|"), strings.Join(en, "|")
		return f
	},
	read: func(r *record, i *Item) {
		r.item(i)
		i.Materials = r.materials()
	},
}

// materials reads what to bring: as many parts in each language, at least one.
func (r *record) materials() []Text {
	read := func(column string) []string {
		s := r.text(column)
		if s == "" {
			return nil
		}
		return strings.Split(s, "|")
	}
	hans, hant, en := read("materials_hans"), read("materials_hant"), read("materials_en")
	var out []Text
	for i, name := range hans {
		if i >= len(hant) || i >= len(en) {
			break
		}
		m := Text{strings.TrimSpace(name), strings.TrimSpace(hant[i]), strings.TrimSpace(en[i])}
		if m.Hans == "" || m.Hant == "" || m.En == "" {
			r.bad("materials_hans", fault.BadFormat)
			return nil
		}
		out = append(out, m)
	}
	switch {
	case hans == nil || hant == nil || en == nil: // said already
	case len(hant) != len(hans):
		r.bad("materials_hant", fault.BadFormat)
	case len(en) != len(hans):
		r.bad("materials_en", fault.BadFormat)
	case len(out) > 100:
		r.bad("materials_hans", fault.OutOfRange)
	}
	return out
}

// words reads a text that may be empty; where it is not, Hans must be there (the others fall back to it).
func (r *record) words(prefix string) Text {
	t := r.names(prefix+"hans", prefix+"hant", prefix+"en", false)
	if t.Hans == "" && t != (Text{}) {
		r.bad(prefix+"hans", fault.Required)
	}
	return t
}

func (f Fields) text(prefix string, t Text) {
	f[prefix+"hans"], f[prefix+"hant"], f[prefix+"en"] = t.Hans, t.Hant, t.En
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func joined[T ~string](list []T) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = string(v)
	}
	return strings.Join(parts, "|")
}

func decimal(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// spans writes hours as the files do: "09:00-12:00|13:00-17:00".
func spans(set calendar.Hours) string {
	var out []string
	list := set.List()
	for i := 0; i < len(list); {
		from := list[i]
		to := from
		for i < len(list) && list[i] == to {
			i, to = i+1, to+1
		}
		out = append(out, hour(from)+"-"+hour(to))
	}
	return strings.Join(out, "|")
}

func hour(h int) string {
	if h < 10 {
		return "0" + strconv.Itoa(h) + ":00"
	}
	return strconv.Itoa(h) + ":00"
}

func closuresText(rules []calendar.Rule) string {
	parts := make([]string, len(rules))
	for i, r := range rules {
		parts[i] = strings.TrimSpace(strings.Join([]string{string(r.Kind), strconv.Itoa(r.N), string(r.Half), r.Reason}, " "))
	}
	return strings.Join(parts, "|")
}

// Spans writes hours as people read them: "09:00–12:00 13:00–17:00".
func Spans(set calendar.Hours) string {
	return strings.NewReplacer("-", "–", "|", " ").Replace(spans(set))
}

// Differs lists the columns in which two versions of an entry differ, in order.
func Differs(before, after Fields) []string {
	var out []string
	for column := range after {
		if before[column] != after[column] {
			out = append(out, column)
		}
	}
	for column := range before {
		if _, there := after[column]; !there && before[column] != "" {
			out = append(out, column)
		}
	}
	slices.Sort(out)
	return out
}
