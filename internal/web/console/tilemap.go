package console

import (
	"math"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
)

// The cartogram (docs/adr/0031-the-city-picture.md): the parts of a unit as tiles of one size, roughly where they lie.
// It is a table seen another way, drawn on the server; each tile leads to its part.

// tileMap is the parts of a unit as tiles.
type tileMap struct {
	Said    string // the whole in one sentence, for readers who do not see it
	Columns int
	Rows    int
	Tiles   []tileView
	Classes []classView
	Placed  bool // tiles stand roughly where their parts lie
	Size    tileSize
}

type tileView struct {
	Column, Row int
	Class       int // of Classes, −1 for no value
	Name        string
	Value       string
	Alerts      int
	Href        string
	Said        string
}

// classView is one class of values with its look.
type classView struct {
	Class int
	Text  string
}

// tileClasses is how many classes a map tells apart, by colour and by pattern.
const tileClasses = 5

// tileSize is what a tile is drawn in, in units of its map.
type tileSize struct {
	Wide, High int
	Letter     float64 // of the name
	Room       int     // for it beside a mark of alerts
	Free       int     // for it where there is none
	NameY      int
	ValueX     int
	ValueY     int
	BandY      int // of the pattern, which is bandHigh
	AlertX     int
	AlertY     int
	End        bool // the value ends at ValueX
}

const (
	tileGap  = 6
	bandHigh = 11
)

// deskTiles have the value below the name; those of a wall, which is wide and low, beside it.
var (
	deskTiles = tileSize{Wide: 136, High: 86, Letter: 17, Room: 118, Free: 118, NameY: 25, ValueX: 10, ValueY: 57, BandY: 68, AlertX: 96, AlertY: 31}
	wallTiles = tileSize{Wide: 288, High: 98, Letter: 29, Room: 122, Free: 154, NameY: 52, ValueX: 278, ValueY: 53, BandY: 76, AlertX: 134, AlertY: 19, End: true}
)

func (m tileMap) box() string {
	return "0 0 " + digit(m.Columns*(m.Size.Wide+tileGap)-tileGap) + " " + digit(m.Rows*(m.Size.High+tileGap)-tileGap)
}

func (m tileMap) at(t tileView) string {
	return move(t.Column*(m.Size.Wide+tileGap), t.Row*(m.Size.High+tileGap))
}

func move(x, y int) string { return "translate(" + digit(x) + " " + digit(y) + ")" }

func (s tileSize) anchor() string {
	if s.End {
		return "end"
	}
	return "start"
}

// shortName is a name without that of what it lies in: of the city's agencies, what they do.
func shortName(name, whole string) string {
	if rest := strings.TrimSpace(strings.TrimPrefix(name, whole)); rest != "" {
		return rest
	}
	return name
}

// fitted cuts a text that is wider, at a size, than there is room.
func fitted(s string, size, room float64) string {
	if wide(s)*size/13 <= room {
		return s
	}
	out := ""
	for _, r := range s {
		if wide(out+string(r)+"…")*size/13 > room {
			break
		}
		out += string(r)
	}
	return out + "…"
}

// kinds end the names of streets and villages; where there is no room for them the rest says which one it is.
var kinds = []string{"街道", "村民委员会", "村民委員會", "村委会", "村委會", " Subdistrict", " Town", " Village Committee", " Community"}

// tileName is a name in the room there is for it: whole, or without its kind, or cut.
func tileName(name string, size, room float64) string {
	if wide(name)*size/13 > room {
		for _, kind := range kinds {
			if rest := strings.TrimSuffix(name, kind); rest != "" && rest != name {
				name = rest
				break
			}
		}
	}
	return fitted(name, size, room)
}

// liveMeasure is what a map can show of its parts.
type liveMeasure struct {
	ID     string
	Unit   oversight.Unit
	Breaks []float64 // lower ends of the classes from the second on; nil = even steps up to the most there is
	Of     func(app.LiveSum) float64
}

// ofFigures is a measure of the figures of today.
func ofFigures(id string) func(app.LiveSum) float64 {
	m, err := oversight.Newest(id)
	if err != nil {
		panic("console: " + err.Error())
	}
	return func(s app.LiveSum) float64 {
		if v := m.Of(s.Counts); v.OK {
			return m.Float(v)
		}
		return math.NaN()
	}
}

// liveMeasures are in the order in which they are offered.
var liveMeasures = []liveMeasure{
	{"taken", oversight.Share, []float64{0.5, 0.7, 0.85, 0.95}, func(s app.LiveSum) float64 { return over(s.Load.Booked, s.Load.Released) }},
	{"waiting", oversight.Numbers, nil, func(s app.LiveSum) float64 { return float64(s.Waiting) }},
	{"wait", oversight.Minutes, []float64{10, 20, 30, 45}, ofFigures("wait_p90")},
	{"missed", oversight.Share, []float64{0.05, 0.1, 0.15, 0.2}, ofFigures("no_show_rate")},
	{"alerts", oversight.Numbers, nil, func(s app.LiveSum) float64 { return float64(s.Alerts) }},
}

func over(part, whole int) float64 {
	if whole <= 0 {
		return math.NaN()
	}
	return float64(part) / float64(whole)
}

// breaksFor returns the lower ends of the classes from the second on.
func (m liveMeasure) breaksFor(values []float64) []float64 {
	if m.Breaks != nil {
		return m.Breaks
	}
	most := 0.0
	for _, v := range values {
		if !math.IsNaN(v) {
			most = max(most, v)
		}
	}
	step := niceStep(most/tileClasses, string(m.Unit))
	out := []float64{1} // nobody is a class of its own
	for v := step; len(out) < tileClasses-1; v += step {
		if v > 1 {
			out = append(out, v)
		}
	}
	return out
}

func classOf(breaks []float64, v float64) int {
	if math.IsNaN(v) {
		return -1
	}
	class := 0
	for _, b := range breaks {
		if v >= b {
			class++
		}
	}
	return class
}

// classes names the classes: "below 50 %", "50 % to 70 %", "95 % and more".
func classes(l web.Locale, m liveMeasure, breaks []float64) []classView {
	text := func(v float64) string { return valueText(l, string(m.Unit), v) }
	out := []classView{{0, l.T("live.class.below", "n", text(breaks[0]))}}
	for i, b := range breaks {
		c := classView{Class: i + 1, Text: l.T("live.class.from", "n", text(b))}
		if i+1 < len(breaks) {
			c.Text = l.T("live.class.between", "from", text(b), "to", text(breaks[i+1]))
		}
		out = append(out, c)
	}
	if m.Unit == oversight.Numbers { // whole numbers: the last of a class belongs to it
		out[0].Text = "0"
		for i, b := range breaks {
			if i+1 < len(breaks) {
				if to := breaks[i+1] - 1; to > b {
					out[i+1].Text = text(b) + "–" + text(to)
				} else {
					out[i+1].Text = text(b)
				}
			}
		}
	}
	return out
}

// tileMap lays the parts out: those whose place is known there, the others below them.
func (c *Console) tileMap(l web.Locale, v *app.Live, m liveMeasure, size tileSize, href func(app.LivePart) string) tileMap {
	out := tileMap{Size: size}
	values := make([]float64, len(v.Parts))
	for i, p := range v.Parts {
		values[i] = m.Of(p.LiveSum)
	}
	breaks := m.breaksFor(values)
	out.Classes = classes(l, m, breaks)
	var rest []int
	put := func(i, column, row int) {
		p := v.Parts[i]
		full, room := partName(l, p), size.Free
		if p.Alerts > 0 {
			room = min(size.Room, room)
		}
		t := tileView{Column: column, Row: row, Class: classOf(breaks, values[i]), Name: tileName(shortName(full, l.Text(v.Unit.Name)), size.Letter, float64(room)),
			Value: valueText(l, string(m.Unit), values[i]), Alerts: p.Alerts, Href: href(p)}
		// What is read out begins with what is seen.
		t.Said = t.Name + " " + t.Value
		if t.Alerts > 0 {
			t.Said += " " + l.N("live.tile_alerts", t.Alerts)
		}
		t.Said += l.T("live.tile", "measure", l.T("live.measure."+m.ID), "name", full)
		out.Tiles = append(out.Tiles, t)
		out.Columns, out.Rows = max(out.Columns, column+1), max(out.Rows, row+1)
	}
	for i, p := range v.Parts {
		if at, ok := c.Tiles[partID(p)]; ok && p.Unit != nil {
			put(i, at[0], at[1])
			out.Placed = true
		} else {
			rest = append(rest, i)
		}
	}
	columns := max(out.Columns, min(len(rest), 5))
	first := out.Rows
	for n, i := range rest {
		put(i, n%columns, first+n/columns)
	}
	out.Said = l.T("live.map_said", "measure", l.T("live.measure."+m.ID), "n", strconv.Itoa(len(v.Parts)))
	return out
}

func partID(p app.LivePart) string {
	switch {
	case p.Unit != nil:
		return p.Unit.ID
	case p.Hall != nil:
		return p.Hall.ID
	}
	return p.Queue.ID
}

func partName(l web.Locale, p app.LivePart) string {
	switch {
	case p.Unit != nil:
		return l.Text(p.Unit.Name)
	case p.Hall != nil:
		return l.Text(p.Hall.Name)
	}
	return l.Text(p.Queue.Name)
}

// classDigit is the name of a class's look; a part without a value has one of its own.
func classDigit(class int) string {
	if class < 0 {
		return "none"
	}
	return digit(class)
}

// alertCount is a number of alerts in the room of two digits.
func alertCount(n int) string {
	if n > 99 {
		return "99+"
	}
	return digit(n)
}
