package oversight

import "slices"

// Open data publish counts of people by hall and hour, with their sums (docs/adr/0031-the-city-picture.md). A count of
// few is about somebody: it is hidden, and so is as much more as it takes that nothing hidden can be worked out from
// what is published.

// OpenCell is one count of an OpenTable.
type OpenCell struct {
	N      int64
	Hidden bool
}

// OpenTable is a table of counts with its margins: the last row and the last column are the sums of the others, the
// last cell the sum of all.
type OpenTable [][]OpenCell

// NewOpenTable makes the table of counts, all rows equally long and none below 0, and hides in it what must not be
// published: every count, sums too, of 1 to least−1, and then as little more as is found, so that each hidden one
// could as well be another by everything that is published. Whoever tries to tell them knows what the rule is: that
// nothing hidden is 0.
func NewOpenTable(counts [][]int64, least int64) OpenTable {
	if len(counts) == 0 {
		return nil
	}
	columns := len(counts[0])
	t := make(OpenTable, len(counts)+1)
	sums := make([]OpenCell, columns+1)
	for i, row := range counts {
		t[i] = make([]OpenCell, columns+1)
		for j, n := range row {
			t[i][j].N = n
			t[i][columns].N += n
			sums[j].N += n
			sums[columns].N += n
		}
	}
	t[len(counts)] = sums
	for i := range t {
		for j := range t[i] {
			t[i][j].Hidden = t[i][j].N > 0 && t[i][j].N < least
		}
	}
	for i := range t {
		for j := range t[i] {
			if t[i][j].Hidden && !t.open(i, j) {
				t.cover(i, j)
			}
		}
	}
	return t
}

// Rows and columns of a table are the places of a graph, and a cell is a way between its row and its column: one way
// when it becomes one more, the other when it becomes one less. A round trip changes the cells it goes through and no
// sum; so a hidden cell could be another exactly if some round trip through it uses hidden cells only, takes nothing
// from a 1, and does not simply turn round. A margin is on the other side of its equation: its ways are turned.

// turned tells whether one more in the cell is a way from its column to its row.
func (t OpenTable) turned(i, j int) bool { return (i == len(t)-1) != (j == len(t[0])-1) }

// may tells whether the cell is hidden, or would be, and can become one more (or one less).
func (c OpenCell) may(more bool) bool { return more || c.N >= 2 }

// open tells whether a hidden cell could be another: a round trip begins with it either way.
func (t OpenTable) open(i, j int) bool {
	for _, more := range []bool{true, false} {
		if !t[i][j].may(more) {
			continue
		}
		from, to := i, len(t)+j // the cell as a way; back must be found without it
		if more == t.turned(i, j) {
			from, to = to, from
		}
		if t.reach(to, from, i, j) {
			return true
		}
	}
	return false
}

// reach tells whether hidden cells other than (i, j) lead from one place to another. Rows come before columns.
func (t OpenTable) reach(from, to, i, j int) bool {
	rows, columns := len(t), len(t[0])
	seen := make([]bool, rows+columns)
	seen[from] = true
	next := []int{from}
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		if at == to {
			return true
		}
		if at < rows {
			for c := range columns {
				// from the row to the column: one more, or one less of a turned cell
				if x := t[at][c]; !seen[rows+c] && x.Hidden && (at != i || c != j) && x.may(!t.turned(at, c)) {
					seen[rows+c] = true
					next = append(next, rows+c)
				}
			}
			continue
		}
		c := at - rows
		for r := range rows {
			if x := t[r][c]; !seen[r] && x.Hidden && (r != i || c != j) && x.may(t.turned(r, c)) {
				seen[r] = true
				next = append(next, r)
			}
		}
	}
	return false
}

// cover hides three more cells at most, so that (i, j) could be another: the corners of the rectangle that costs
// least. There is always one: with the margins of an inner cell all four become one more.
func (t OpenTable) cover(i, j int) {
	best, cost := [2]int{-1, -1}, int64(0)
	for r := range t {
		for c := range t[0] {
			if r == i || c == j {
				continue
			}
			if !t.rectangle(i, j, r, c) {
				continue
			}
			n := int64(0)
			for _, x := range []OpenCell{t[i][c], t[r][j], t[r][c]} {
				if !x.Hidden {
					n += x.N + 1
				}
			}
			if best[0] < 0 || n < cost {
				best, cost = [2]int{r, c}, n
			}
		}
	}
	r, c := best[0], best[1]
	t[i][c].Hidden, t[r][j].Hidden, t[r][c].Hidden = true, true, true
}

// rectangle tells whether the four corners can change by one each, none of them being 0: nothing that is 0 is hidden.
func (t OpenTable) rectangle(i, j, r, c int) bool {
	corners := [][2]int{{i, j}, {i, c}, {r, c}, {r, j}}
	if slices.ContainsFunc(corners, func(at [2]int) bool { return t[at[0]][at[1]].N == 0 }) {
		return false
	}
	for _, first := range []bool{true, false} {
		ok := true
		for n, at := range corners { // the signs alternate around, but for margins
			more := (n%2 == 0) == first
			if t.turned(at[0], at[1]) != t.turned(i, j) {
				more = !more
			}
			ok = ok && t[at[0]][at[1]].may(more)
		}
		if ok {
			return true
		}
	}
	return false
}
