// Package directory is the map of the city as the product sees it: the tree of units, their halls,
// the queues people stand in, the catalogue of items and what each hall offers.
package directory

import (
	"encoding/json"
	"slices"
	"strings"

	"suiyue/internal/domain/calendar"
)

// Text is a name or sentence in the three languages of the product. Hans is always there; where
// Hant or En is empty the edge falls back to Hans.
type Text struct {
	Hans string `json:"hans"`
	Hant string `json:"hant,omitempty"`
	En   string `json:"en,omitempty"`
}

// Argument writes a text as the argument of a fault, to be said in the language of whoever reads it.
func (t Text) Argument() string {
	b, err := json.Marshal(t)
	if err != nil { // three strings
		panic(err)
	}
	return string(b)
}

// ParseText reads what Argument wrote; false for anything else.
func ParseText(v string) (t Text, ok bool) {
	ok = strings.HasPrefix(v, `{"hans":`) && json.Unmarshal([]byte(v), &t) == nil
	return t, ok
}

// UnitKind is a unit's place in the organisation (chapter 2 of the measure).
type UnitKind string

const (
	Platform UnitKind = "platform" // 市政務服務數據管理: the city's booking platform; root of the tree
	Agency   UnitKind = "agency"   // 市級政務服務機構
	District UnitKind = "district" // 區
	Street   UnitKind = "street"   // 鎮 (街)
	Village  UnitKind = "village"  // 村 (社區)
	Pseudo   UnitKind = "pseudo"   // a street-level code that is no town or street (reservoir, forest farm); has no hall
)

// Unit is a node of the organisation tree.
type Unit struct {
	ID       string // for territorial units the 12-digit division code
	ParentID string // "" for the root only
	Kind     UnitKind
	Name     Text
}

// HallLevel is the level a hall serves at; it decides how many queues it gets by default.
type HallLevel string

const (
	CityHall     HallLevel = "city"
	DistrictHall HallLevel = "district"
	StreetHall   HallLevel = "street"
	VillageHall  HallLevel = "village"
)

// Hall is a place with counters (政務服務大廳 or 分廳). A sub-hall names its main hall.
type Hall struct {
	ID         string // 12-digit division code, "-" and a serial for a unit's further halls
	Number     int    // small, dense, given at import and never reused
	UnitID     string
	ParentHall string // for a sub-hall (分廳), else ""
	Level      HallLevel
	Name       Text
	Initials   string // pinyin initials of the name, lower case, for search
	DistrictID string // 12-digit code of its district, "" for city halls
	StreetID   string // 12-digit code of its street or town, "" above that level
	Address    Text
	Phone      string  // enquiry phone that Art. 3 has posted
	Latitude   float64 // WGS-84 degrees; 0,0 when not known
	Longitude  float64
	Notice     Text // what the hall wants people to know today, "" for nothing
	Hours      Text // opening hours as the hall posts them; "" = those of its queues
	Ways       Ways // ways of booking it posts (Art. 3); 0 = the usual ones
	How        Text // what else people should know about booking here, "" for nothing
	Open       bool
}

// Keep carries over what is written at the hall and stands in none of a city's files.
func (h *Hall) Keep(was Hall) {
	h.Number, h.Notice, h.Hours, h.Ways, h.How = was.Number, was.Notice, was.Hours, was.Ways, was.How
}

// Way is a way to book that a hall posts where everybody sees it (Art. 3).
type Way string

const (
	WayWeb    Way = "web"     // 廣東政務服務網 (Art. 2)
	WayApp    Way = "app"     // 「穗好辦」APP (Art. 2)
	WayPhone  Way = "phone"   // by telephone
	WayOnSite Way = "on_site" // a number of the day, taken at the hall (Art. 14)
	WayStaff  Way = "staff"   // staff books on behalf
)

// EveryWay lists them in the order they are posted.
var EveryWay = []Way{WayWeb, WayApp, WayPhone, WayOnSite, WayStaff}

// Ways is a set of ways to book: bit n is EveryWay[n].
type Ways uint8

// UsualWays are posted by a hall that says nothing else: the city's two entrances and the hall itself.
const UsualWays Ways = 1 | 2 | 8

// WaysOf returns the set of the given ways.
func WaysOf(list ...Way) (set Ways) {
	for i, w := range EveryWay {
		for _, v := range list {
			if v == w {
				set |= 1 << i
			}
		}
	}
	return set
}

// List returns the ways of the set in the order they are posted.
func (set Ways) List() []Way {
	var out []Way
	for i, w := range EveryWay {
		if set&(1<<i) != 0 {
			out = append(out, w)
		}
	}
	return out
}

// Posted returns the ways a hall posts.
func (h Hall) Posted() []Way {
	if h.Ways == 0 {
		return UsualWays.List()
	}
	return h.Ways.List()
}

// SubHall is a new sub-hall of main: where it stands in the tree follows from the main hall.
func SubHall(main Hall, id string) Hall {
	return Hall{ID: id, UnitID: main.UnitID, ParentHall: main.ID, Level: main.Level, DistrictID: main.DistrictID, StreetID: main.StreetID, Open: true}
}

// SubHallID tells whether id can be that of a further hall of main's place: the division code, "-" and
// a serial.
func SubHallID(main Hall, id string) bool {
	code, _, _ := strings.Cut(main.ID, "-")
	at, _, further := strings.Cut(id, "-")
	return at == code && further && isHall(id) && len(id) <= 36
}

// Counter is a counter (窗口) of a hall: what its sign says and the queues it serves.
type Counter struct {
	HallID string
	ID     string
	Label  string
	Queues []string // queue ids, in order
	Open   bool
}

// Queue is the line people stand in at a hall: it serves some items with some counters, and its
// slots carry the capacity.
type Queue struct {
	ID                   string // hall id + "-" + Line
	HallID               string
	Line                 string // which line of business: "general", "social", "tax" …
	Name                 Text
	Week                 calendar.Week   // the hours it opens, by weekday
	Closures             []calendar.Rule // recurring closed half-days
	DailyAverage         int             // Art. 15: the day's total that is split evenly, in numbers
	AverageSource        string          // where DailyAverage comes from
	OnSitePerMille       int             // at most the rulebook's; Art. 14
	GrandfatheredHorizon int             // days, when longer than the window before the measure (Art. 14); 0 = none
	Open                 bool
	Draw                 bool          `json:",omitempty"` // who asks in the first minute after a release is drawn by lot, not taken by arrival
	Former               []FormerHours `json:",omitempty"` // hours that still hold for days whose numbers were made by them
}

// FormerHours is the hours a queue had before they were changed. They hold until a date: numbers that are
// made, or released, are not changed by editing a queue but by request (Art. 23).
type FormerHours struct {
	Until    calendar.Date // not this day itself
	Week     calendar.Week
	Closures []calendar.Rule `json:",omitempty"`
}

// HoursOn returns the hours and recurring closures of a queue that hold on a date.
func (q Queue) HoursOn(d calendar.Date) (calendar.Week, []calendar.Rule) {
	for _, f := range q.Former {
		if d < f.Until {
			return f.Week, f.Closures
		}
	}
	return q.Week, q.Closures
}

// KeepHours keeps the hours a queue had, was, for the days before until; those over by today are dropped.
func (q *Queue) KeepHours(was Queue, today, until calendar.Date) {
	if was.Week == q.Week && slices.Equal(was.Closures, q.Closures) {
		return
	}
	q.Former = nil
	for _, f := range was.Former {
		if f.Until > today {
			q.Former = append(q.Former, f)
		}
	}
	if n := len(q.Former); n == 0 || q.Former[n-1].Until < until {
		q.Former = append(q.Former, FormerHours{Until: until, Week: was.Week, Closures: was.Closures})
	}
}

// Stage is what a number is for (Art. 13).
type Stage string

const (
	Consultation Stage = "consultation" // 咨詢
	Acceptance   Stage = "acceptance"   // 受理
	Collection   Stage = "collection"   // 出件
)

// Stages is a set of stages in the order above.
type Stages []Stage

// Has tells whether s is in the set.
func (set Stages) Has(s Stage) bool {
	for _, v := range set {
		if v == s {
			return true
		}
	}
	return false
}

// Item is an entry of the city's catalogue (政務服務事項).
type Item struct {
	Code        string // opaque, at most 36 characters
	Department  string // unit id of the responsible municipal agency
	Category    string // "social", "housing" … a heading people look under
	Line        string // the line of business of the queues that serve it
	Name        Text
	Summary     Text
	Keywords    []string // everyday words people search with, any language
	Initials    string   // pinyin initials, lower case: of the name, then of the Chinese keywords, separated by spaces
	Stages      Stages
	Materials   []Text      // what to bring
	OnlineURL   string      // on-line way, "" for none (Art. 16: shown first)
	OnlineName  Text        // what the on-line way is called
	SelfService bool        // can be done at a self-service machine
	Foreigner   bool        // foreigner-related business (Art. 12)
	Minutes     int         // typical minutes at the counter
	Levels      []HallLevel // levels of hall that offer it by default
	Popular     int         // rank among the suggestions of an empty search, 0 = not among them
}

// Offering says that a queue of a hall serves an item.
type Offering struct {
	HallID   string
	QueueID  string
	ItemCode string
	Stages   Stages
	BatchMax int // units one booking may hold (Art. 19); 0 or 1 = no batch
}
