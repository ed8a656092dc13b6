package feed

import (
	"slices"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
)

// MostJump is how many numbers may be left out at once, MostGaps how many runs of them are waited for in one line:
// of more the oldest are given up, which leaves them expected and never received.
const (
	MostJump = 10_000
	MostGaps = 1000
)

// Line is how far the running numbers of a source's records of one hall and kind have come.
type Line struct {
	Top  int64 `json:"top"` // the highest that came, 0 for none
	Gaps []Gap `json:"gaps"`
}

// Gap is a run of numbers that have not come; Date is the day they are expected of until they do.
type Gap struct {
	From int64         `json:"f"`
	To   int64         `json:"t"`
	Date calendar.Date `json:"d"`
}

// Fits tells whether n leaves out no more numbers than may be left out at once.
func (l *Line) Fits(n int64) bool { return l.Top == 0 || n-l.Top <= MostJump }

// Take is told of number n, of a record about day d. missing is how many numbers turn out not to have come, from is
// the day on which n was expected while it was missing, 0 if it was not. The first number that ever comes begins the
// line.
func (l *Line) Take(n int64, d calendar.Date) (missing int64, from calendar.Date) {
	switch {
	case n <= 0:
		return 0, 0
	case l.Top == 0:
		l.Top = n
		return 0, 0
	case n > l.Top:
		if missing = n - l.Top - 1; missing > 0 {
			l.Gaps = append(l.Gaps, Gap{l.Top + 1, n - 1, d})
			if len(l.Gaps) > MostGaps {
				l.Gaps = l.Gaps[len(l.Gaps)-MostGaps:]
			}
		}
		l.Top = n
		return missing, 0
	}
	i, found := slices.BinarySearchFunc(l.Gaps, n, func(g Gap, n int64) int {
		switch {
		case g.To < n:
			return -1
		case g.From > n:
			return 1
		}
		return 0
	})
	if !found {
		return 0, 0
	}
	g := l.Gaps[i]
	var rest []Gap
	if g.From < n {
		rest = append(rest, Gap{g.From, n - 1, g.Date})
	}
	if n < g.To {
		rest = append(rest, Gap{n + 1, g.To, g.Date})
	}
	l.Gaps = slices.Replace(l.Gaps, i, i+1, rest...)
	return 0, g.Date
}

// Count is what one new record adds to what is counted of its source, by day. delay is the agreed one.
func Count(l *Line, r *Record, source string, delay time.Duration, now time.Time) []oversight.SourceDay {
	one := oversight.SourceDay{SourceID: source, HallID: r.HallID, Kind: r.Kind, Date: r.Date, Expected: 1, Received: 1, LastAt: now}
	if now.Sub(r.At) <= delay {
		one.InTime = 1
	}
	missing, from := l.Take(r.Seq, r.Date)
	one.Expected += missing
	if from == 0 {
		return []oversight.SourceDay{one}
	}
	was := oversight.SourceDay{SourceID: source, HallID: r.HallID, Kind: r.Kind, Date: from, Expected: -1}
	return []oversight.SourceDay{one, was}
}
