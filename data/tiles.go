package data

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
)

// Tiles returns where the cartogram draws districts among the districts, and streets among those of their district:
// division code → column and row, from 0, west to east and north to south (tiles.csv).
func Tiles() (map[string][2]int, error) {
	text, err := Files.ReadFile("tiles.csv")
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("tiles.csv: %w", err)
	}
	out := make(map[string][2]int, len(rows))
	for i, r := range rows[1:] {
		column, err := strconv.Atoi(r[1])
		row, err2 := strconv.Atoi(r[2])
		if err != nil || err2 != nil || column < 0 || row < 0 || column > 20 || row > 20 {
			return nil, fmt.Errorf("tiles.csv: line %d is no place", i+2)
		}
		out[r[0]] = [2]int{column, row}
	}
	return out, nil
}
