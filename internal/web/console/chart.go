package console

import (
	"math"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
)

// The kinds of Chart.
const (
	ChartLine = "line" // labels from left to right, a line a series
	ChartBar  = "bar"  // the same, side by side
	ChartHeat = "heat" // labels to the right, a row a series
)

// Chart is a picture with its table; figure shows it. It is drawn here, so it prints and is there without scripts; with
// them, one that tells what is under the pointer takes its place (style/chart.js), made from the same table. Nothing is told by colour alone: lines are dashed and have marks, bars are hatched, cells
// of a map say their number.
type Chart struct {
	L      web.Locale
	ID     string // of the element, unique on the page
	Title  string
	Kind   string // ChartLine, ChartBar, ChartHeat
	Unit   string // an oversight.Unit; any other word stands behind the numbers
	Head   string // above the first column of the table: what labels are, of a heat map what series are
	Labels []string
	Series []Series // at most seriesLooks are told apart
	Note   string   // below, quiet
	Said   string   // the picture in one sentence, for readers who do not see it; "" = Title
}

// Series is one line of a Chart. Values are as many as Labels; NaN is none. A share is 0 to 1.
type Series struct {
	Name   string
	Values []float64
	Texts  []string // as the table and the picture say them; nil = by the unit
}

// seriesLooks is how many series have looks of their own: colour, dash, mark, hatching.
const seriesLooks = 5

func (c Chart) said() string {
	if c.Said != "" {
		return c.Said
	}
	return c.Title
}

func (c Chart) empty() bool {
	for _, s := range c.Series {
		for _, v := range s.Values {
			if !math.IsNaN(v) {
				return false
			}
		}
	}
	return true
}

// text says a value of a series as people read it, "–" for none.
func (c Chart) text(s Series, i int) string {
	if i < len(s.Texts) {
		return s.Texts[i]
	}
	return valueText(c.L, c.Unit, s.value(i))
}

// number is where the script of charts reads the value from; nothing where there is none.
func (c Chart) number(s Series, i int) templ.Attributes {
	if v := s.value(i); !math.IsNaN(v) {
		return templ.Attributes{"data-v": strconv.FormatFloat(v, 'g', -1, 64)}
	}
	return nil
}

func (s Series) value(i int) float64 {
	if i < 0 || i >= len(s.Values) {
		return math.NaN()
	}
	return s.Values[i]
}

// valueText writes a value in a unit: "37.5 %", "12 min", "12,345"; "–" for none.
func valueText(l web.Locale, unit string, v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	switch oversight.Unit(unit) {
	case oversight.Share:
		return decimal(v*100) + " %"
	case oversight.Minutes:
		return l.T("chart.minutes", "n", decimal(v))
	case oversight.Numbers:
		return count(int(math.Round(v)))
	case oversight.Times:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strings.TrimSpace(decimal(v) + " " + unit)
}

// decimal writes a number with at most one decimal, its thousands apart.
func decimal(v float64) string {
	tenths := int(math.Round(math.Abs(v) * 10))
	s := count(tenths / 10)
	if d := tenths % 10; d != 0 {
		s += "." + strconv.Itoa(d)
	}
	if v < 0 && tenths > 0 {
		s = "-" + s
	}
	return s
}

// The picture's own units: it is as wide as the page allows, and scrolls where that is too little to be read.
const (
	chartWide  = 960.0
	chartHigh  = 300.0 // of lines and bars
	heatRow    = 30.0
	letterWide = 7.6 // of figures and Latin letters at 13 units; others are twice as wide
)

// drawing is a Chart as shapes.
type drawing struct {
	High    float64
	Left    float64 // where the field begins
	Top     float64
	Bottom  float64
	Zero    float64 // of lines and bars, the height of 0
	Across  []tick  // lines across, with their labels
	Down    []tick  // labels of the columns
	Lines   []string
	Marks   []mark
	Bars    []barShape
	Columns []hit
	Cells   []cellShape
}

type tick struct {
	At   float64
	Text string
}

// mark is a point of a series: its looks are those of the series.
type mark struct {
	Look int
	Path string
}

type barShape struct {
	Look       int
	X, Y, W, H float64
}

// hit is a column of the field with what it says, shown by the browser over it.
type hit struct {
	X, W float64
	Text string
}

type cellShape struct {
	X, Y, W, H float64
	Shade      int // 0 to 5
	Text, Said string
}

func num(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// wide is how wide a label is.
func wide(s string) float64 {
	w := 0.0
	for _, r := range s {
		if r < 0x2e80 {
			w += letterWide
		} else {
			w += 13.5
		}
	}
	return w
}

func (c Chart) draw() drawing {
	if c.Kind == ChartHeat {
		return c.drawHeat()
	}
	low, high := 0.0, 0.0
	for _, s := range c.Series {
		for _, v := range s.Values {
			if !math.IsNaN(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	step := niceStep((high-low)/4, c.Unit)
	low, high = math.Floor(low/step)*step, math.Ceil(high/step)*step
	if high == low {
		high = low + step
	}
	d := drawing{High: chartHigh, Top: 12, Bottom: chartHigh - 30}
	for v := low; v <= high+step/2; v += step {
		t := tick{Text: valueText(c.L, c.Unit, v)}
		d.Left = max(d.Left, wide(t.Text)+14)
		d.Across = append(d.Across, t)
	}
	y := func(v float64) float64 { return d.Bottom - (v-low)/(high-low)*(d.Bottom-d.Top) }
	for i := range d.Across {
		d.Across[i].At = y(low + float64(i)*step)
	}
	d.Zero = y(max(low, 0))
	n := len(c.Labels)
	each := (chartWide - d.Left - 12) / float64(max(n, 1))
	x := func(i int) float64 { return d.Left + (float64(i)+0.5)*each }
	widest := 0.0
	for _, s := range c.Labels {
		widest = max(widest, wide(s))
	}
	every := max(1, int(math.Ceil((widest+18)/each)))
	for i, s := range c.Labels {
		if i%every == 0 {
			d.Down = append(d.Down, tick{x(i), s})
		}
		h := hit{X: x(i) - each/2, W: each, Text: s}
		for _, series := range c.Series {
			h.Text += "\n" + series.Name + "  " + c.text(series, i)
		}
		d.Columns = append(d.Columns, h)
	}
	for k, s := range c.Series {
		if c.Kind == ChartBar {
			room := min(each*0.8, 44*float64(len(c.Series)))
			w := room / float64(len(c.Series))
			for i := range c.Labels {
				if v := s.value(i); !math.IsNaN(v) {
					top, bottom := min(y(v), d.Zero), max(y(v), d.Zero)
					d.Bars = append(d.Bars, barShape{k % seriesLooks, x(i) - room/2 + float64(k)*w, top, w * 0.92, bottom - top})
				}
			}
			continue
		}
		var path strings.Builder
		pen := "M"
		for i := range c.Labels {
			v := s.value(i)
			if math.IsNaN(v) {
				pen = "M"
				continue
			}
			path.WriteString(pen + num(x(i)) + " " + num(y(v)))
			pen = "L"
			alone := math.IsNaN(s.value(i-1)) && math.IsNaN(s.value(i+1))
			if n <= 62 || alone || i%(n/12) == 0 { // of many points only some are marked
				d.Marks = append(d.Marks, mark{k % seriesLooks, markPath(k, x(i), y(v))})
			}
		}
		d.Lines = append(d.Lines, path.String())
	}
	return d
}

// niceStep is a step that people count by, at least as large as given.
func niceStep(least float64, unit string) float64 {
	if least <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(least)))
	step := 10 * power
	for _, m := range []float64{1, 2, 5} {
		if m*power >= least*0.999 {
			step = m * power
			break
		}
	}
	if u := oversight.Unit(unit); u == oversight.Numbers || u == oversight.Minutes {
		step = max(1, step)
	}
	return step
}

// markPath is the mark of the k-th series: a disc, a square, a triangle, a diamond, a cross.
func markPath(k int, x, y float64) string {
	at := func(dx, dy float64) string { return num(x+dx) + " " + num(y+dy) }
	switch k % seriesLooks {
	case 1:
		return "M" + at(-3.5, -3.5) + "h7v7h-7z"
	case 2:
		return "M" + at(0, -4.5) + "L" + at(4.5, 3.5) + "L" + at(-4.5, 3.5) + "z"
	case 3:
		return "M" + at(0, -5) + "L" + at(5, 0) + "L" + at(0, 5) + "L" + at(-5, 0) + "z"
	case 4:
		return "M" + at(-4, -1.2) + "h2.8v-2.8h2.4v2.8h2.8v2.4h-2.8v2.8h-2.4v-2.8h-2.8z"
	}
	return "M" + at(-4, 0) + "a4 4 0 1 0 8 0a4 4 0 1 0-8 0z"
}

func (c Chart) drawHeat() drawing {
	d := drawing{Top: 26, High: 26 + heatRow*float64(len(c.Series)) + 4}
	most := 0.0
	for _, s := range c.Series {
		d.Left = max(d.Left, wide(s.Name)+14)
		for _, v := range s.Values {
			if !math.IsNaN(v) {
				most = max(most, v)
			}
		}
	}
	if u := oversight.Unit(c.Unit); u == oversight.Share {
		most = max(most, 1)
	}
	each := (chartWide - d.Left - 4) / float64(max(len(c.Labels), 1))
	for i, s := range c.Labels {
		d.Down = append(d.Down, tick{d.Left + (float64(i)+0.5)*each, s})
	}
	for k, s := range c.Series {
		y := d.Top + heatRow*float64(k)
		d.Across = append(d.Across, tick{y + heatRow/2, s.Name})
		for i, label := range c.Labels {
			v := s.value(i)
			if math.IsNaN(v) {
				continue
			}
			text := c.text(s, i)
			cell := cellShape{X: d.Left + float64(i)*each + 1, Y: y + 1, W: each - 2, H: heatRow - 2, Text: text, Said: s.Name + " " + label + "\n" + text}
			if most > 0 {
				cell.Shade = min(5, int(math.Ceil(max(v, 0)/most*5)))
			}
			if wide(text) > cell.W {
				cell.Text = ""
			}
			d.Cells = append(d.Cells, cell)
		}
	}
	return d
}
