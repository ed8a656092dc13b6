package console

import (
	"bytes"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// A full sheet is followed by the next one, with the head again; text is text, whatever it looks like.
func TestASpreadsheetGoesOnOnTheNextSheet(t *testing.T) {
	var b bytes.Buffer
	x := newXLSX(&b, []string{"Number", "=Text"}, 3)
	evil := []string{`=HYPERLINK("x")`, "+1", "a & b <c>", "_x0041_", "tab\tline\nend\rof", "\x01\xff", strings.Repeat("長", 40_000)}
	for i, s := range evil {
		if err := x.row(i+1, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.close(); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := append([]string{}, evil...)
	want[5], want[6] = "\ufffd\ufffd", strings.Repeat("長", cellLength-1)+"…"
	var got []string
	for _, name := range f.GetSheetList() {
		rows, err := f.GetRows(name)
		if err != nil || len(rows) > 3 || rows[0][1] != "=Text" {
			t.Fatalf("%s: %d rows, %v", name, len(rows), err)
		}
		for i, row := range rows[1:] {
			got = append(got, row[1])
			if formula, err := f.GetCellFormula(name, "B"+string(rune('2'+i))); err != nil || formula != "" {
				t.Errorf("%q runs as %q (%v)", row[1], formula, err)
			}
		}
	}
	if len(f.GetSheetList()) != 4 || len(got) != len(want) {
		t.Fatalf("%d sheets, %d rows", len(f.GetSheetList()), len(got))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("row %d has %.60q, want %.60q", i, got[i], want[i])
		}
	}
}

func TestColumnsOfASpreadsheet(t *testing.T) {
	for i, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 701: "ZZ", 702: "AAA"} {
		if got := column(i); got != want {
			t.Errorf("column %d is %s, want %s", i, got, want)
		}
	}
}
