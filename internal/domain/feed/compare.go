package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Entry is a row of a list of one hall, day and kind, as both sides have it in the end.
type Entry struct {
	Row     string
	Seq     int64 // running number, 0 for none; not compared
	QueueID string
	Hour    int // -1 for none
	Item    string
	Units   int
	State   string
	Number  int
}

// Digest is of a list, whatever its order: the SHA-256, in hexadecimal, of a line for each row in the order of the bytes
// of their ids: row, queue, hour, item, units, state and number, divided by tabs, with a line feed behind each.
func Digest(list []Entry) string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.Row, b.Row) })
	h := sha256.New()
	for _, e := range list {
		fmt.Fprintf(h, "%s\t%s\t%d\t%s\t%d\t%s\t%d\n", e.Row, e.QueueID, e.Hour, e.Item, e.Units, e.State, e.Number)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Difference is a row that is not the same on both sides.
type Difference struct {
	Row    string
	Kind   DifferenceKind
	Fields []string // of Differs: which
	Seq    int64    // of MissingHere: its running number
}

// DifferenceKind says how.
type DifferenceKind string

const (
	MissingHere  DifferenceKind = "missing_here"
	MissingThere DifferenceKind = "missing_there"
	Differs      DifferenceKind = "differs"
)

// Comparison is what comparing two lists came to.
type Comparison struct {
	Checked, Agreed int64
	Differences     []Difference // by row
}

// Compare compares our list with theirs, in neither of which a row stands twice. A row on one side only is checked and
// not agreed.
func Compare(ours, theirs []Entry) (c Comparison) {
	have := map[string]Entry{}
	for _, e := range ours {
		have[e.Row] = e
	}
	for _, t := range theirs {
		c.Checked++
		o, ok := have[t.Row]
		delete(have, t.Row)
		if !ok {
			c.Differences = append(c.Differences, Difference{Row: t.Row, Kind: MissingHere, Seq: t.Seq})
			continue
		}
		var fields []string
		for _, f := range []struct {
			name string
			same bool
		}{
			{"queue", o.QueueID == t.QueueID}, {"hour", o.Hour == t.Hour}, {"item", o.Item == t.Item}, {"units", o.Units == t.Units}, {"state", o.State == t.State}, {"number", o.Number == t.Number},
		} {
			if !f.same {
				fields = append(fields, f.name)
			}
		}
		if fields == nil {
			c.Agreed++
			continue
		}
		c.Differences = append(c.Differences, Difference{Row: t.Row, Kind: Differs, Fields: fields})
	}
	for row := range have {
		c.Checked++
		c.Differences = append(c.Differences, Difference{Row: row, Kind: MissingThere})
	}
	slices.SortFunc(c.Differences, func(a, b Difference) int { return strings.Compare(a.Row, b.Row) })
	return c
}

// Misses tells whether running number n is in a gap, and so expected already.
func (l *Line) Misses(n int64) bool {
	return n > 0 && slices.ContainsFunc(l.Gaps, func(g Gap) bool { return g.From <= n && n <= g.To })
}
