package directory

import (
	"slices"
	"strings"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

// The files a city is read from.
const (
	UnitsFile     = "divisions.csv"
	AgenciesFile  = "agencies.csv"
	HallsFile     = "halls.csv"
	LinesFile     = "lines.csv"
	ItemsFile     = "items.csv"
	MaterialsFile = "materials.csv"
)

// FileNames lists the files of a city in the order they are read.
func FileNames() []string {
	return []string{UnitsFile, AgenciesFile, HallsFile, LinesFile, ItemsFile, MaterialsFile}
}

// LineError is one thing wrong with one line of a file. It never holds the value.
type LineError struct {
	File   string
	Line   int    // from 1, the header's; 0 for the file as a whole
	Column string // "" for the line as a whole
	Code   fault.Code
}

// Line is a line of business as the halls of one level run it.
type Line struct {
	ID                   string // "social", "estate" …; GeneralLine takes what has no line of its own in a hall
	Level                HallLevel
	Name                 Text
	DailyAverage         int // numbers a day, Art. 15
	AverageSource        string
	Week                 calendar.Week
	Closures             []calendar.Rule
	OnSitePerMille       int // Art. 14
	GrandfatheredHorizon int // days, Art. 14; 0 = none
	BatchMax             int // units one booking may hold unless the item says otherwise, Art. 19; 0 = no batch
}

// GeneralLine serves every item whose own line a hall does not run.
const GeneralLine = "general"

// AgencyEntry is a municipal agency and the public hotline of its business.
type AgencyEntry struct {
	Unit
	Hotline string
}

// HallEntry is a hall and the lines it runs; no lines means all of its level.
type HallEntry struct {
	Hall
	Lines []string
}

// ItemEntry is an item, without its materials, and its own limit for batches (0 = the line's).
type ItemEntry struct {
	Item
	BatchMax int
}

// Material is one thing to bring for one item.
type Material struct {
	Item     string
	Position int // from 1
	Name     Text
}

// Row is a good line of a file and where it stood.
type Row[T any] struct {
	Line  int
	Value T
}

// Tables is the good lines of all files, not yet compared with each other.
type Tables struct {
	Units     []Row[Unit]
	Agencies  []Row[AgencyEntry]
	Halls     []Row[HallEntry]
	Lines     []Row[Line]
	Items     []Row[ItemEntry]
	Materials []Row[Material]
}

// City is the assembled directory. Each list is in order of its key.
type City struct {
	Units     []Unit
	Halls     []Hall
	Queues    []Queue
	Items     []Item
	Offerings []Offering
	Lines     []Line
}

// Category is a heading people look for items under.
type Category struct {
	ID   string
	Name Text
}

// ThemeCategory is the heading of items that are themes (Art. 20).
const ThemeCategory = "theme"

// Categories returns the headings in the order they are shown. An item's category is one of them.
func Categories() []Category {
	return []Category{
		{"social", Text{"社会保险", "社會保險", "Social insurance"}},
		{"medical", Text{"医疗保险", "醫療保險", "Medical insurance"}},
		{"fund", Text{"住房公积金", "住房公積金", "Provident fund"}},
		{"household", Text{"户口与身份证", "戶口與身份證", "Household and identity"}},
		{"residence", Text{"居住证", "居住證", "Residence permits"}},
		{"exitentry", Text{"出入境", "出入境", "Exit and entry"}},
		{"estate", Text{"不动产", "不動產", "Real estate"}},
		{"family", Text{"婚姻与生育", "婚姻與生育", "Marriage and birth"}},
		{"tax", Text{"税务", "稅務", "Tax"}},
		{"business", Text{"开办企业与许可", "開辦企業與許可", "Business and licences"}},
		{"employment", Text{"就业与劳动", "就業與勞動", "Employment and labour"}},
		{"traffic", Text{"交通与车辆", "交通與車輛", "Driving and vehicles"}},
		{"housing", Text{"住房保障", "住房保障", "Housing"}},
		{"education", Text{"教育", "教育", "Education"}},
		{"welfare", Text{"养老、救助与优抚", "養老、救助與優撫", "Care and relief"}},
		{"health", Text{"卫生健康", "衞生健康", "Health"}},
		{"legal", Text{"法律服务", "法律服務", "Legal services"}},
		{ThemeCategory, Text{"一件事", "一件事", "One thing"}},
	}
}

// Assemble makes the city of tables that Check finds nothing wrong with. A hall gets one queue for
// each line it runs, and offers, in the queue of the item's line or else in the general one, every
// item meant for its level; an item neither serves is not offered there.
func Assemble(t Tables) City {
	var c City
	for _, r := range t.Units {
		c.Units = append(c.Units, r.Value)
	}
	for _, r := range t.Agencies {
		c.Units = append(c.Units, r.Value.Unit)
	}
	byLevel := map[HallLevel]map[string]Line{}
	for _, r := range t.Lines {
		l := r.Value
		if byLevel[l.Level] == nil {
			byLevel[l.Level] = map[string]Line{}
		}
		byLevel[l.Level][l.ID] = l
		c.Lines = append(c.Lines, l)
	}
	materials := map[string][]Material{}
	for _, r := range t.Materials {
		materials[r.Value.Item] = append(materials[r.Value.Item], r.Value)
	}
	batch := map[string]int{}
	for _, r := range t.Items {
		it := r.Value.Item
		list := materials[it.Code]
		slices.SortStableFunc(list, func(a, b Material) int { return a.Position - b.Position })
		it.Materials = nil
		for _, m := range list {
			it.Materials = append(it.Materials, m.Name)
		}
		batch[it.Code] = r.Value.BatchMax
		c.Items = append(c.Items, it)
	}
	slices.SortFunc(c.Items, func(a, b Item) int { return strings.Compare(a.Code, b.Code) })
	meant := map[HallLevel][]*Item{}
	for i := range c.Items {
		for _, level := range c.Items[i].Levels {
			meant[level] = append(meant[level], &c.Items[i])
		}
	}
	for _, r := range t.Halls {
		h := r.Value
		c.Halls = append(c.Halls, h.Hall)
		lines := byLevel[h.Level]
		if len(h.Lines) > 0 {
			lines = map[string]Line{}
			for _, id := range h.Lines {
				if l, ok := byLevel[h.Level][id]; ok {
					lines[id] = l
				}
			}
		}
		for _, l := range lines {
			c.Queues = append(c.Queues, queueOf(h.Hall, l))
		}
		for _, it := range meant[h.Level] {
			l, ok := lines[it.Line]
			if !ok {
				l, ok = lines[GeneralLine]
			}
			if !ok {
				continue
			}
			most := l.BatchMax
			if batch[it.Code] > 0 {
				most = batch[it.Code]
			}
			c.Offerings = append(c.Offerings, Offering{HallID: h.ID, QueueID: h.ID + "-" + l.ID, ItemCode: it.Code, Stages: it.Stages, BatchMax: most})
		}
	}
	slices.SortFunc(c.Units, func(a, b Unit) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(c.Halls, func(a, b Hall) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(c.Queues, func(a, b Queue) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(c.Offerings, func(a, b Offering) int { return slices.Compare(a.key(), b.key()) })
	slices.SortFunc(c.Lines, func(a, b Line) int {
		return slices.Compare([]string{a.ID, string(a.Level)}, []string{b.ID, string(b.Level)})
	})
	return c
}

func queueOf(h Hall, l Line) Queue {
	return Queue{
		ID: h.ID + "-" + l.ID, HallID: h.ID, Line: l.ID, Name: l.Name, Week: l.Week, Closures: l.Closures,
		DailyAverage: l.DailyAverage, AverageSource: l.AverageSource, OnSitePerMille: l.OnSitePerMille,
		GrandfatheredHorizon: l.GrandfatheredHorizon, Open: h.Open,
	}
}

func (o Offering) key() []string { return []string{o.HallID, o.ItemCode, o.QueueID} }

// AssignNumbers gives each hall its number, in place: the one it has in existing (hall id → number,
// closed halls too), else the next after the highest ever given. Numbers are never reused.
func AssignNumbers(existing map[string]int, halls []Hall) {
	last := 0
	for _, n := range existing {
		last = max(last, n)
	}
	for i := range halls {
		if n, ok := existing[halls[i].ID]; ok {
			halls[i].Number = n
			continue
		}
		last++
		halls[i].Number = last
	}
}
