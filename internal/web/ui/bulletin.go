package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
)

// SheetCell is a field of a table on paper.
type SheetCell struct {
	Text string
	Note string // below, quieter
	Mark string // "up" or "down" beside the note, "" for neither
}

// SheetTable is a table on paper: the first column names the rows, the others hold figures.
type SheetTable struct {
	Caption string
	Head    []string
	Rows    [][]SheetCell
	Note    string
}

// TrendView is one measure over time: a line, with the figures it goes through.
type TrendView struct {
	Title  string
	Labels []string
	Values []string  // as they are said
	Points []float64 // the same as numbers, negative for none
}

// BulletinView is a bulletin as it is read and printed (Art. 21).
type BulletinView struct {
	L           web.Locale
	Name        string
	Sub         string // version, days
	Remarks     string
	Figures     SheetTable
	Ranks       []SheetTable
	Channels    *SheetTable
	Trends      []TrendView
	Differences *SheetTable // to the version issued before, nil where there is none
	Changed     string      // what else differs, "" for nothing
	Formulas    string
	Digest      string
	Foot        []string // who issued it and when
}

// PeriodName says a month or quarter.
func PeriodName(l web.Locale, p oversight.BulletinPeriod) string {
	first, _ := p.Days()
	year, month := strconv.Itoa(first.Year()), fmt.Sprintf("%d", first.Month())
	if p.Quarter() {
		return l.T("bulletin.quarter", "year", year, "n", strconv.Itoa((int(first.Month())+2)/3))
	}
	if l == web.En {
		month = fmt.Sprintf("%02d", first.Month())
	}
	return l.T("bulletin.month", "year", year, "month", month)
}

// UnitKindName says what bulletins of a kind of unit are about.
func UnitKindName(l web.Locale, k directory.UnitKind) string {
	return l.T("bulletin.kind." + string(k))
}

// Figure says what a measure comes to: a share in percent, a length in minutes, a count with its thousands apart; "–" for
// nothing.
func Figure(l web.Locale, m *oversight.Measure, v oversight.Value) string {
	if !v.OK {
		return "–"
	}
	switch m.Unit {
	case oversight.Share:
		return strconv.FormatFloat(m.Float(v)*100, 'f', 1, 64) + " %"
	case oversight.Minutes:
		return l.T("bulletin.minutes", "n", strconv.FormatInt(v.Top, 10))
	case oversight.Times:
		return strconv.FormatFloat(m.Float(v), 'f', 2, 64)
	}
	return thousands(v.Top)
}

// basis says what a figure stands on.
func basis(m *oversight.Measure, v oversight.Value) string {
	switch {
	case !v.OK:
		return ""
	case m.Spell != "":
		return "n = " + thousands(v.Bottom)
	case m.Bottom == nil:
		return ""
	}
	return thousands(v.Top) + " / " + thousands(v.Bottom)
}

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// changed says how a figure differs from the one before, and whether that is up or down.
func changed(l web.Locale, m *oversight.Measure, now, before oversight.Value) (text, mark string) {
	if !now.OK || !before.OK {
		return "–", ""
	}
	d := m.Float(now) - m.Float(before)
	switch m.Unit {
	case oversight.Share:
		text = l.T("bulletin.points", "n", signed(d*100, 1))
	case oversight.Times:
		text = signed(d, 2)
	case oversight.Minutes:
		text = l.T("bulletin.minutes", "n", signed(d, 0))
	default:
		text = signed(d, 0)
	}
	return text, direction(text)
}

func signed(d float64, decimals int) string {
	s := strconv.FormatFloat(d, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		return "0"
	}
	if d > 0 {
		return "+" + s
	}
	return "−" + s[1:]
}

func direction(text string) string {
	switch {
	case strings.HasPrefix(text, "+"):
		return "up"
	case strings.HasPrefix(text, "−"):
		return "down"
	}
	return ""
}

// BulletinOf makes the view of a bulletin; was is the version issued before it, nil for none.
func BulletinOf(l web.Locale, b oversight.Bulletin, was *oversight.Bulletin) BulletinView {
	c := b.Content
	v := BulletinView{L: l, Remarks: b.Remarks, Digest: b.Digest}
	v.Name = l.T("bulletin.name", "unit", l.Text(c.Unit), "period", PeriodName(l, b.Period))
	v.Sub = l.T("bulletin.version", "n", strconv.Itoa(b.Version)) + " · " + l.LongDate(c.Days[0]) + " – " + l.LongDate(c.Days[1])
	v.Formulas = l.T("bulletin.formulas_text", "from", l.LongDate(c.Days[0]), "to", l.LongDate(c.Days[1]))
	if !b.IssuedAt.IsZero() {
		v.Foot = []string{l.Text(c.Unit), l.When(b.IssuedAt)}
	}
	v.Figures = SheetTable{Caption: l.T("bulletin.figures"), Head: []string{
		l.T("bulletin.measure"), l.T("bulletin.now"), l.T("bulletin.before"), l.T("bulletin.change"), l.T("bulletin.basis"), l.T("bulletin.formula"),
	}}
	for _, id := range oversight.BulletinMeasures {
		m, err := c.Measure(id)
		if err != nil {
			continue
		}
		now, before := m.Published(m.Of(c.Now)), m.Published(m.Of(c.Before))
		text, mark := changed(l, m, now, before)
		v.Figures.Rows = append(v.Figures.Rows, []SheetCell{
			{Text: l.T("bulletin.m." + id)}, {Text: Figure(l, m, now)}, {Text: Figure(l, m, before)}, {Text: text, Mark: mark}, {Text: basis(m, now)}, {Text: "v" + strconv.Itoa(m.Version)},
		})
	}
	names := map[string]string{"": l.T("bulletin.whole")}
	for _, p := range c.Parts {
		names[p.Place.ID] = l.Text(p.Name)
	}
	for _, g := range c.Groups() {
		v.Ranks = append(v.Ranks, ranking(l, c, g, names))
	}
	v.Channels = channels(l, c)
	v.Trends = trends(l, c)
	if was != nil {
		v.differs(b, *was, names)
	}
	return v
}

// ranking compares the parts of a group by each measure that ranks; the rows stand by the first of these.
func ranking(l web.Locale, c oversight.Frozen, group string, names map[string]string) SheetTable {
	t := SheetTable{Caption: l.T("bulletin.rank." + group), Head: []string{l.T("bulletin.unit")}}
	var order []string
	cells := map[string][]SheetCell{}
	for _, id := range oversight.BulletinRanks {
		m, err := c.Measure(id)
		if err != nil {
			continue
		}
		t.Head = append(t.Head, l.T("bulletin.m."+id))
		for _, p := range c.Rank(m, group) {
			if len(t.Head) == 2 {
				order = append(order, p.Key)
			}
			cell := SheetCell{Text: Figure(l, m, m.Published(p.Value))}
			switch {
			case p.Place == 0 && p.Value.OK:
				cell.Note = l.T("bulletin.few")
			case p.Place == 0:
			case p.Was == 0:
				cell.Note = l.T("bulletin.place", "n", strconv.Itoa(p.Place)) + " · " + l.T("bulletin.fresh")
			case p.Was > p.Place:
				cell.Note, cell.Mark = l.T("bulletin.place", "n", strconv.Itoa(p.Place))+" · "+l.T("bulletin.up", "n", strconv.Itoa(p.Was-p.Place)), "up"
			case p.Was < p.Place:
				cell.Note, cell.Mark = l.T("bulletin.place", "n", strconv.Itoa(p.Place))+" · "+l.T("bulletin.down", "n", strconv.Itoa(p.Place-p.Was)), "down"
			default:
				cell.Note = l.T("bulletin.place", "n", strconv.Itoa(p.Place)) + " · " + l.T("bulletin.same")
			}
			cells[p.Key] = append(cells[p.Key], cell)
		}
	}
	for _, key := range order {
		t.Rows = append(t.Rows, append([]SheetCell{{Text: names[key]}}, cells[key]...))
	}
	return t
}

func channels(l web.Locale, c oversight.Frozen) *SheetTable {
	t := SheetTable{Caption: l.T("bulletin.channels"), Head: []string{l.T("bulletin.channel"), l.T("bulletin.booked"), l.T("bulletin.share")}}
	all := int64(0)
	for _, n := range c.Channels {
		all += n.N[oversight.Booked]
	}
	for _, key := range sortedKeys(c.Channels) {
		if n := c.Channels[key].N[oversight.Booked]; n > 0 {
			name := key
			if l.Has("bulletin.channel." + key) {
				name = l.T("bulletin.channel." + key)
			}
			t.Rows = append(t.Rows, []SheetCell{{Text: name}, {Text: thousands(n)}, {Text: strconv.FormatFloat(float64(n)*100/float64(all), 'f', 1, 64) + " %"}})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return &t
}

// trendOf are the measures whose course a bulletin draws.
var trendOf = []string{"on_time_rate", "no_show_rate", "wait_median"}

func trends(l web.Locale, c oversight.Frozen) (out []TrendView) {
	if len(c.Trend) < 2 {
		return nil
	}
	for _, id := range trendOf {
		m, err := c.Measure(id)
		if err != nil {
			continue
		}
		t := TrendView{Title: l.T("bulletin.trend_of", "measure", l.T("bulletin.m."+id))}
		for _, p := range c.Trend {
			v := m.Of(p.Counts)
			at := -1.0
			if v.OK {
				at = m.Float(v)
			}
			t.Labels, t.Values, t.Points = append(t.Labels, string(p.Period)), append(t.Values, Figure(l, m, v)), append(t.Points, at)
		}
		out = append(out, t)
	}
	return out
}

// differs tells what is not as in the version before, figure by figure.
func (v *BulletinView) differs(b, was oversight.Bulletin, names map[string]string) {
	l := v.L
	for _, p := range was.Content.Parts {
		if names[p.Place.ID] == "" {
			names[p.Place.ID] = l.Text(p.Name)
		}
	}
	t := SheetTable{Caption: l.T("bulletin.differences", "n", strconv.Itoa(was.Version)), Head: []string{l.T("bulletin.unit"), l.T("bulletin.measure"), l.T("bulletin.was"), l.T("bulletin.is")}}
	for _, d := range b.Content.Differences(was.Content) {
		m, err := b.Content.Measure(d.Measure)
		if err != nil {
			continue
		}
		t.Rows = append(t.Rows, []SheetCell{
			{Text: names[d.Place]}, {Text: l.T("bulletin.m." + d.Measure)}, {Text: Figure(l, m, m.Published(d.Was)), Note: basis(m, m.Published(d.Was))}, {Text: Figure(l, m, m.Published(d.Is)), Note: basis(m, m.Published(d.Is))},
		})
	}
	if len(t.Rows) == 0 {
		t.Note = l.T("bulletin.differences_none")
	}
	if b.Remarks != was.Remarks {
		v.Changed = l.T("bulletin.differences_remarks")
	}
	v.Differences = &t
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Where the line of a trend lies in its drawing, in units of it.
const trendWide, trendHigh, trendEdge = 640.0, 120.0, 12.0

// line is the course of a trend as the points of a polyline, from the least to the most of its values.
func (t TrendView) line() string {
	var b strings.Builder
	for i := range t.Points {
		if x, y, ok := t.at(i); ok {
			fmt.Fprintf(&b, "%.1f,%.1f ", x, y)
		}
	}
	return strings.TrimSpace(b.String())
}

func (t TrendView) at(i int) (x, y float64, ok bool) {
	if t.Points[i] < 0 {
		return 0, 0, false
	}
	least, most := -1.0, -1.0
	for _, p := range t.Points {
		if p >= 0 && (least < 0 || p < least) {
			least = p
		}
		most = max(most, p)
	}
	x = trendWide * (float64(i) + 0.5) / float64(len(t.Points)) // the middle of its column below
	if y = trendHigh / 2; most > least {
		y = trendHigh - trendEdge - (trendHigh-2*trendEdge)*(t.Points[i]-least)/(most-least)
	}
	return x, y, true
}

func (t TrendView) dot(i int) (cx, cy string) {
	x, y, ok := t.at(i)
	if !ok {
		return "-9", "-9"
	}
	return strconv.FormatFloat(x, 'f', 1, 64), strconv.FormatFloat(y, 'f', 1, 64)
}
