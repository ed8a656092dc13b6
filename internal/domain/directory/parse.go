package directory

import (
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

func levels() []HallLevel { return []HallLevel{CityHall, DistrictHall, StreetHall, VillageHall} }

// ParseUnits reads the territorial units (divisions.csv). The initials column is checked and left:
// halls carry their own.
func ParseUnits(in io.Reader) ([]Row[Unit], []LineError) {
	return table(in, UnitsFile, []string{"code", "name", "level", "parent", "kind", "hant", "en", "initials"}, func(r *record) Unit {
		u := Unit{ID: r.division("code", true), ParentID: r.division("parent", false), Name: r.names("name", "hant", "en", true)}
		level := oneOf(r, "level", "city", "district", "street", "village")
		u.Kind = oneOf(r, "kind", Platform, District, Street, Village, Pseudo)
		if want := map[UnitKind]string{Platform: "city", District: "district", Street: "street", Pseudo: "street", Village: "village"}[u.Kind]; want != "" && level != want {
			r.bad("level", fault.NotOneOf)
		}
		r.initials("initials")
		if u.Kind != Platform && u.ParentID == "" {
			r.bad("parent", fault.Required)
		}
		return u
	})
}

// ParseAgencies reads the municipal agencies (agencies.csv).
func ParseAgencies(in io.Reader) ([]Row[AgencyEntry], []LineError) {
	return table(in, AgenciesFile, []string{"id", "parent", "hans", "hant", "en", "hotline"}, func(r *record) AgencyEntry {
		return AgencyEntry{
			Unit:    Unit{ID: r.id("id"), ParentID: r.id("parent"), Kind: Agency, Name: r.names("hans", "hant", "en", true)},
			Hotline: r.phone("hotline"),
		}
	})
}

// ParseHalls reads the halls (halls.csv). Numbers are given later, by AssignNumbers.
func ParseHalls(in io.Reader) ([]Row[HallEntry], []LineError) {
	columns := []string{"id", "unit", "parent_hall", "level", "hans", "hant", "en", "initials", "district", "street",
		"address_hans", "address_hant", "address_en", "phone", "latitude", "longitude", "lines"}
	return table(in, HallsFile, columns, func(r *record) HallEntry {
		h := Hall{
			ID: r.id("id"), UnitID: r.id("unit"), ParentHall: r.optionalID("parent_hall"), Level: oneOf(r, "level", levels()...),
			DistrictID: r.division("district", false), StreetID: r.division("street", false), Open: true,
		}
		r.place(&h)
		if h.ID != "" && !isHall(h.ID) {
			r.bad("id", fault.BadFormat)
		}
		return HallEntry{Hall: h, Lines: r.list("lines")}
	})
}

// isHall tells whether id is a hall's: a division code, for further halls of a unit with "-" and a serial.
func isHall(id string) bool {
	code, serial, further := strings.Cut(id, "-")
	return isDivision(code) && (!further || serial != "" && strings.Trim(serial, "0123456789") == "")
}

// Where halls can be: within the bounds of Guangzhou, in degrees.
const (
	south, north = 22.4, 24.0
	west, east   = 112.9, 114.1
)

// place reads what a hall is called, where it is and how to reach it.
func (r *record) place(h *Hall) {
	h.Name, h.Initials = r.names("hans", "hant", "en", true), r.initials("initials")
	h.Address, h.Phone = r.names("address_hans", "address_hant", "address_en", true), r.phone("phone")
	h.Latitude, h.Longitude = r.degrees("latitude", south, north), r.degrees("longitude", west, east)
	if (h.Latitude == 0) != (h.Longitude == 0) {
		r.bad("longitude", fault.Required)
	}
}

// ParseLines reads the lines of business by level (lines.csv). Hours are written "09:00-12:00|13:00-17:00",
// closures "nth_working_day 1 morning reason|day_of_month 23 afternoon reason".
func ParseLines(in io.Reader) ([]Row[Line], []LineError) {
	columns := []string{"line", "level", "hans", "hant", "en", "daily_average", "source", "hours", "saturday", "sunday",
		"closures", "on_site_per_mille", "grandfathered_days", "batch_max"}
	return table(in, LinesFile, columns, func(r *record) Line {
		l := Line{
			ID: r.id("line"), Level: oneOf(r, "level", levels()...), Name: r.names("hans", "hant", "en", true),
			DailyAverage: r.number("daily_average", 1, 100_000), AverageSource: r.text("source"),
			Week: r.week(), Closures: r.closures("closures"),
			OnSitePerMille: r.number("on_site_per_mille", 0, 100), GrandfatheredHorizon: r.number("grandfathered_days", 0, 366),
			BatchMax: r.number("batch_max", 0, mostUnits),
		}
		return l
	})
}

// ParseItems reads the catalogue (items.csv); materials come from a file of their own.
func ParseItems(in io.Reader) ([]Row[ItemEntry], []LineError) {
	columns := []string{"code", "department", "category", "line", "hans", "hant", "en", "summary_hans", "summary_hant", "summary_en", "keywords", "initials",
		"stages", "online_url", "online_hans", "online_hant", "online_en", "self_service", "foreigner", "minutes", "levels", "popular", "batch_max"}
	return table(in, ItemsFile, columns, func(r *record) ItemEntry {
		it := Item{Code: r.id("code"), Popular: r.number("popular", 0, 10_000)}
		r.item(&it)
		return ItemEntry{Item: it, BatchMax: r.number("batch_max", 0, mostUnits)}
	})
}

// mostUnits is the most units one booking may hold anywhere (Art. 19).
const mostUnits = 1000

// item reads what the catalogue says of an item, but for what to bring and its rank among suggestions.
func (r *record) item(it *Item) {
	it.Department, it.Category, it.Line = r.id("department"), r.id("category"), r.id("line")
	it.Name, it.Summary = r.names("hans", "hant", "en", true), r.names("summary_hans", "summary_hant", "summary_en", true)
	it.Keywords, it.Initials = r.list("keywords"), r.initials("initials")
	it.Stages = someOf(r, "stages", Consultation, Acceptance, Collection)
	it.OnlineURL, it.SelfService, it.Foreigner = r.address("online_url"), r.yes("self_service"), r.yes("foreigner")
	it.Minutes, it.Levels = r.number("minutes", 1, 480), someOf(r, "levels", levels()...)
	it.OnlineName = r.names("online_hans", "online_hant", "online_en", it.OnlineURL != "")
	if it.Category != "" && !slices.ContainsFunc(Categories(), func(c Category) bool { return c.ID == it.Category }) {
		r.bad("category", fault.NotOneOf)
	}
	if len(it.Stages) == 0 {
		r.bad("stages", fault.Required)
	}
	if len(it.Levels) == 0 {
		r.bad("levels", fault.Required)
	}
}

// ParseMaterials reads what to bring (materials.csv).
func ParseMaterials(in io.Reader) ([]Row[Material], []LineError) {
	return table(in, MaterialsFile, []string{"item", "position", "hans", "hant", "en"}, func(r *record) Material {
		return Material{Item: r.id("item"), Position: r.number("position", 1, 100), Name: r.names("hans", "hant", "en", true)}
	})
}

// ParseFiles reads all files of a city, by name; one that is missing is a fault.
func ParseFiles(files map[string]io.Reader) (t Tables, faults []LineError) {
	t.Units = parseFile(files, UnitsFile, ParseUnits, &faults)
	t.Agencies = parseFile(files, AgenciesFile, ParseAgencies, &faults)
	t.Halls = parseFile(files, HallsFile, ParseHalls, &faults)
	t.Lines = parseFile(files, LinesFile, ParseLines, &faults)
	t.Items = parseFile(files, ItemsFile, ParseItems, &faults)
	t.Materials = parseFile(files, MaterialsFile, ParseMaterials, &faults)
	return t, faults
}

func parseFile[T any](files map[string]io.Reader, name string, parse func(io.Reader) ([]Row[T], []LineError), faults *[]LineError) []Row[T] {
	in, ok := files[name]
	if !ok {
		*faults = append(*faults, LineError{File: name, Code: fault.Required})
		return nil
	}
	rows, bad := parse(in)
	*faults = append(*faults, bad...)
	return rows
}

// Build reads, checks and assembles a city: all or nothing. One bad line is not reported again by all
// that refer to it.
func Build(files map[string]io.Reader) (City, []LineError) {
	t, faults := ParseFiles(files)
	var unread []string
	for _, f := range faults {
		if !slices.Contains(unread, f.File) {
			unread = append(unread, f.File)
		}
	}
	if faults = append(faults, Check(t, unread...)...); len(faults) > 0 {
		return City{}, faults
	}
	return Assemble(t), nil
}

// initials returns lower-case letters and digits, in words.
func (r *record) initials(column string) string {
	s := r.text(column)
	if strings.ContainsFunc(s, func(c rune) bool { return c != ' ' && (c < 'a' || c > 'z') && (c < '0' || c > '9') }) {
		r.bad(column, fault.BadCharacter)
	}
	return s
}

// phone returns an enquiry phone: digits, "+", "-" and blanks, 3 to 20 of them (Art. 3).
func (r *record) phone(column string) string {
	s := r.text(column)
	switch {
	case s == "":
	case len(s) > 20:
		r.bad(column, fault.TooLong)
	case strings.Trim(s, "0123456789+- ") != "":
		r.bad(column, fault.BadCharacter)
	case len(s) < 3:
		r.bad(column, fault.TooShort)
	}
	return s
}

// address returns an https address, or "".
func (r *record) address(column string) string {
	s := r.optional(column)
	if s == "" {
		return ""
	}
	if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		r.bad(column, fault.BadFormat)
	}
	return s
}

// week reads the hours a queue opens; on working days it does.
func (r *record) week() calendar.Week {
	before := len(*r.faults)
	w := calendar.Week{Work: r.hours("hours"), Saturday: r.hours("saturday"), Sunday: r.hours("sunday")}
	if w.Work == 0 && len(*r.faults) == before {
		r.bad("hours", fault.Required)
	}
	return w
}

func (r *record) hours(column string) (set calendar.Hours) {
	for _, span := range r.list(column) {
		a, b, ok := strings.Cut(span, "-")
		from, okFrom := fullHour(a)
		to, okTo := fullHour(b)
		switch {
		case !ok || !okFrom || !okTo:
			r.bad(column, fault.BadFormat)
			return 0
		case to > 24 || from >= to:
			r.bad(column, fault.OutOfRange)
			return 0
		}
		for h := from; h < to; h++ {
			if set.Has(h) {
				r.bad(column, fault.DuplicateField)
				return 0
			}
			set |= calendar.HoursOf(h)
		}
	}
	return set
}

// fullHour reads "09:00".
func fullHour(s string) (int, bool) {
	h, ok := strings.CutSuffix(s, ":00")
	if !ok || len(h) != 2 || strings.Trim(h, "0123456789") != "" {
		return 0, false
	}
	return int(h[0]-'0')*10 + int(h[1]-'0'), true
}

func (r *record) closures(column string) (out []calendar.Rule) {
	for _, part := range r.list(column) {
		words := strings.SplitN(part, " ", 4)
		if len(words) < 3 {
			r.bad(column, fault.BadFormat)
			return nil
		}
		n, err := strconv.Atoi(words[1])
		rule := calendar.Rule{Kind: calendar.RuleKind(words[0]), N: n, Half: calendar.Half(words[2])}
		if len(words) == 4 {
			rule.Reason = strings.TrimSpace(words[3])
		}
		most := 0
		switch rule.Kind {
		case calendar.NthWorkingDay:
			most = 23
		case calendar.DayOfMonth:
			most = 31
		}
		switch {
		case err != nil:
			r.bad(column, fault.BadFormat)
		case most == 0 || rule.Half != calendar.Morning && rule.Half != calendar.Afternoon && rule.Half != calendar.WholeDay:
			r.bad(column, fault.NotOneOf)
		case n < 1 || n > most:
			r.bad(column, fault.OutOfRange)
		}
		out = append(out, rule)
	}
	return out
}
