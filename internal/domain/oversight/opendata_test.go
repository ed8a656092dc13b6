package oversight_test

import (
	"testing"

	"pgregory.net/rapid"

	"suiyue/internal/domain/oversight"
)

// others counts tables that agree with everything published, and collects what each hidden cell can be. It knows what
// anybody knows: the sums, and that nothing hidden is 0.
func others(t oversight.OpenTable, most int64) map[[2]int]map[int64]bool {
	rows, columns := len(t), len(t[0])
	var free [][2]int // hidden cells that are no sums: the rest follows from them
	for i := range rows - 1 {
		for j := range columns - 1 {
			if t[i][j].Hidden {
				free = append(free, [2]int{i, j})
			}
		}
	}
	values := make([][]int64, rows)
	for i := range values {
		values[i] = make([]int64, columns)
		for j := range values[i] {
			values[i][j] = t[i][j].N
		}
	}
	can := map[[2]int]map[int64]bool{}
	agrees := func() bool {
		for i := range rows - 1 {
			values[i][columns-1] = 0
			for j := range columns - 1 {
				values[i][columns-1] += values[i][j]
			}
		}
		for j := range columns {
			values[rows-1][j] = 0
			for i := range rows - 1 {
				values[rows-1][j] += values[i][j]
			}
		}
		for i := range rows {
			for j := range columns {
				if !t[i][j].Hidden && values[i][j] != t[i][j].N || t[i][j].Hidden && values[i][j] < 1 {
					return false
				}
			}
		}
		return true
	}
	var try func(n int)
	try = func(n int) {
		if n == len(free) {
			if agrees() {
				for i := range rows {
					for j := range columns {
						if t[i][j].Hidden {
							at := [2]int{i, j}
							if can[at] == nil {
								can[at] = map[int64]bool{}
							}
							can[at][values[i][j]] = true
						}
					}
				}
			}
			return
		}
		at := free[n]
		was := t[at[0]][at[1]].N
		for v := max(was-1, 1); v <= was+1 && v <= most; v++ { // other tables a step away are enough
			values[at[0]][at[1]] = v
			try(n + 1)
		}
		values[at[0]][at[1]] = was
	}
	try(0)
	return can
}

// No count of 1 to 4 people is published, and none that is hidden can be worked out from the sums.
func TestOpenData_NothingHiddenCanBeWorkedOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, columns := rapid.IntRange(1, 3).Draw(t, "rows"), rapid.IntRange(1, 3).Draw(t, "columns")
		counts := make([][]int64, rows)
		for i := range counts {
			for range columns {
				counts[i] = append(counts[i], rapid.SampledFrom([]int64{0, 0, 1, 1, 2, 3, 4, 5, 6, 9, 20}).Draw(t, "n"))
			}
		}
		table := oversight.NewOpenTable(counts, 5)
		can := others(table, 100)
		for i := range table {
			for j, c := range table[i] {
				switch {
				case !c.Hidden && c.N > 0 && c.N < 5:
					t.Fatalf("%d people at %d, %d are published: %v", c.N, i, j, table)
				case c.Hidden && c.N == 0:
					t.Fatalf("nobody at %d, %d is hidden: %v", i, j, table)
				case c.Hidden && len(can[[2]int{i, j}]) < 2:
					t.Fatalf("the cell at %d, %d of %v can only be %v", i, j, table, can[[2]int{i, j}])
				}
			}
		}
	})
}

// What hides nothing is published whole, and one small count alone takes company with it.
func TestOpenData_AsLittleAsNeededIsHidden(t *testing.T) {
	hidden := func(counts [][]int64) (n int) {
		for _, row := range oversight.NewOpenTable(counts, 5) {
			for _, c := range row {
				if c.Hidden {
					n++
				}
			}
		}
		return n
	}
	for _, c := range []struct {
		name   string
		counts [][]int64
		want   int
	}{
		{"nothing small", [][]int64{{10, 0, 30}, {7, 8, 9}, {5, 5, 0}}, 0},
		{"one small count", [][]int64{{3, 20, 30}, {20, 25, 40}, {60, 70, 80}}, 4},
		{"four in a rectangle protect each other", [][]int64{{3, 2, 30}, {2, 4, 40}, {60, 70, 80}}, 4},
		{"nobody at all", [][]int64{{0, 0}, {0, 0}}, 0},
	} {
		if got := hidden(c.counts); got != c.want {
			t.Errorf("%s: %d cells are hidden, want %d", c.name, got, c.want)
		}
	}
}

func TestOpenData_ADayOfADistrict(t *testing.T) {
	hall := func(id string, hours map[string][3]int64) oversight.OpenHall {
		h := oversight.OpenHall{HallID: id, Figures: oversight.Figures{By: map[oversight.Dimension]map[string]oversight.Counts{oversight.ByHour: {}}}}
		for hour, n := range hours {
			var c oversight.Counts
			c.Count(oversight.Released, 30)
			c.Count(oversight.OnSite, 3)
			c.Count(oversight.Booked, n[0])
			c.Count(oversight.Missed, n[1])
			c.Lasted(oversight.WaitBooked, 4, n[2])
			h.Figures.By[oversight.ByHour][hour] = c
		}
		return h
	}
	rows := oversight.OpenDay([]oversight.OpenHall{
		hall("b", map[string][3]int64{"09": {20, 6, 25}, "10": {30, 2, 3}}),
		hall("a", map[string][3]int64{"09": {10, 5, 8}, "10": {12, 7, 9}}),
	}, 5)
	if len(rows) != 9 {
		t.Fatalf("%d lines, want 9: %v", len(rows), rows)
	}
	first, day, whole := rows[0], rows[2], rows[8]
	if first.HallID != "a" || first.Hour != 9 || first.Capacity != 33 || first.Bookings.N != 10 || first.Bookings.Hidden {
		t.Errorf("the first line is %+v", first)
	}
	if day.HallID != "a" || day.Hour != oversight.AllHours || day.Waits.N != 17 || day.WaitMedian != 4 || day.WaitP90 != -1 {
		t.Errorf("of 17 people the longest tenth is told, or not how long half of them waited: %+v", day)
	}
	if whole.HallID != "" || whole.Hour != oversight.AllHours || whole.Capacity != 132 || whole.Bookings.N != 72 || whole.WaitP90 != 4 {
		t.Errorf("the last line is %+v", whole)
	}
	for _, r := range rows {
		if r.HallID == "b" && r.Hour == 10 && (!r.NoShows.Hidden || !r.Waits.Hidden || r.WaitMedian != -1) {
			t.Errorf("two people who did not come and three who waited are told: %+v", r)
		}
	}
	if rows := oversight.OpenDay(nil, 5); rows != nil {
		t.Errorf("no halls make %v", rows)
	}
}
