package app

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

// Limits of a file of directory entries.
const (
	MaxUpload    = 8 << 20 // bytes sent
	maxUnpacked  = 64 << 20
	maxParts     = 500 // files inside an XLSX
	maxSheetRows = 100_000
	maxCells     = 100 // of one row
)

// DirectorySheet is one sheet of a file: a CSV file holds one, an XLSX file any of them, each by its name.
type DirectorySheet struct {
	Name    string
	Noun    directory.Noun
	Key     []string
	Columns []string
}

// DirectorySheets lists them in the order they are worked in: what is referred to comes first.
var DirectorySheets = []DirectorySheet{
	{"halls", directory.HallNoun, directory.HallSheet.Key, directory.HallSheet.Columns},
	{"queues", directory.QueueNoun, directory.QueueSheet.Key, directory.QueueSheet.Columns},
	{"counters", directory.CounterNoun, directory.CounterSheet.Key, directory.CounterSheet.Columns},
	{"items", directory.ItemNoun, directory.ItemSheet.Key, directory.ItemSheet.Columns},
	{"offerings", directory.OfferingNoun, directory.OfferingSheet.Key, directory.OfferingSheet.Columns},
}

func sheetNamed(name string) (DirectorySheet, bool) {
	i := slices.IndexFunc(DirectorySheets, func(s DirectorySheet) bool { return s.Name == strings.ToLower(strings.TrimSpace(name)) })
	if i < 0 {
		return DirectorySheet{}, false
	}
	return DirectorySheets[i], true
}

// sheetRows is the lines of one sheet, not yet what they mean.
type sheetRows struct {
	DirectorySheet
	rows []directory.Row[directory.Fields]
}

// readDirectoryFile reads a CSV or XLSX file; which one it is it says itself.
func readDirectoryFile(name string, body []byte) ([]sheetRows, []directory.LineError) {
	if bytes.HasPrefix(body, []byte("PK\x03\x04")) {
		return readWorkbook(name, body)
	}
	if !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
		return nil, []directory.LineError{{File: name, Code: fault.FileUnreadable}}
	}
	sheet, ok := sheetOf(body)
	if !ok {
		return nil, []directory.LineError{{File: name, Line: 1, Code: fault.FileUnreadable}}
	}
	rows, faults := directory.ParseFields(limited(directory.Lines(bytes.NewReader(body))), sheet.Name, sheet.Columns)
	return []sheetRows{{sheet, rows}}, faults
}

// sheetOf finds the sheet whose columns the header of a CSV file has most of.
func sheetOf(body []byte) (best DirectorySheet, ok bool) {
	header, _, _ := directory.Lines(bytes.NewReader(body))()
	most := 0
	for _, s := range DirectorySheets {
		n := 0
		for _, column := range header {
			if slices.Contains(s.Columns, strings.TrimSpace(column)) {
				n++
			} else {
				n--
			}
		}
		if n > most {
			best, most = s, n
		}
	}
	return best, most > 1
}

// limited ends a table that is longer than any directory.
func limited(next directory.LineSource) directory.LineSource {
	n := 0
	return func() ([]string, fault.Code, error) {
		if n++; n > maxSheetRows {
			return nil, fault.TooLong, io.EOF
		}
		return next()
	}
}

// readWorkbook reads the sheets of an XLSX file. What it unpacks to is bounded before anything is
// unpacked.
func readWorkbook(name string, body []byte) (out []sheetRows, faults []directory.LineError) {
	unreadable := []directory.LineError{{File: name, Code: fault.FileUnreadable}}
	defer func() {
		if recover() != nil { // the library's trouble with a broken file is the file's
			out, faults = nil, unreadable
		}
	}()
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, unreadable
	}
	var size uint64
	for _, part := range archive.File {
		size += min(part.UncompressedSize64, maxUnpacked+1)
	}
	if len(archive.File) > maxParts || size > maxUnpacked {
		return nil, []directory.LineError{{File: name, Code: fault.BodyTooLarge}}
	}
	book, err := excelize.OpenReader(bytes.NewReader(body), excelize.Options{UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxUnpacked, RawCellValue: true})
	if err != nil {
		return nil, unreadable
	}
	defer book.Close()
	found := map[string]int{}
	for i, title := range book.GetSheetList() {
		sheet, known := sheetNamed(title)
		if _, twice := found[sheet.Name]; !known || twice {
			faults = append(faults, directory.LineError{File: short(title), Code: fault.NotOneOf})
			continue
		}
		found[sheet.Name] = i
		next, err := sheetLines(book, title)
		if err != nil {
			return nil, unreadable
		}
		rows, bad := directory.ParseFields(limited(next), sheet.Name, sheet.Columns)
		out, faults = append(out, sheetRows{sheet, rows}), append(faults, bad...)
	}
	if len(out) == 0 && len(faults) == 0 {
		return nil, unreadable
	}
	slices.SortFunc(out, func(a, b sheetRows) int { return order(a.Name) - order(b.Name) })
	return out, faults
}

func order(name string) int {
	return slices.IndexFunc(DirectorySheets, func(s DirectorySheet) bool { return s.Name == name })
}

func short(s string) string {
	if r := []rune(s); len(r) > 31 {
		return string(r[:31])
	}
	return s
}

// sheetLines gives the rows of a sheet as lines: as many cells as the header has, empty rows as empty.
func sheetLines(book *excelize.File, title string) (directory.LineSource, error) {
	rows, err := book.Rows(title)
	if err != nil {
		return nil, err
	}
	width := 0
	return func() ([]string, fault.Code, error) {
		if !rows.Next() {
			if err := rows.Error(); err != nil {
				return nil, "", err
			}
			return nil, "", io.EOF
		}
		cells, err := rows.Columns()
		switch {
		case err != nil:
			return nil, "", err
		case len(cells) > maxCells:
			return nil, fault.BadFormat, nil
		}
		for len(cells) > 0 && (cells[len(cells)-1] == "" && len(cells) > width) {
			cells = cells[:len(cells)-1]
		}
		if !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
			return nil, "", nil
		}
		width = max(width, len(cells))
		for len(cells) < width {
			cells = append(cells, "")
		}
		return cells, "", nil
	}, nil
}

// writeCSV writes one sheet. Every cell is inert: no spreadsheet takes it for a formula.
func writeCSV(w io.Writer, s DirectorySheet, rows []directory.Fields) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil { // by this mark spreadsheets know UTF-8
		return err
	}
	out := csv.NewWriter(w)
	line := slices.Clone(s.Columns)
	for i := -1; i < len(rows); i++ {
		for k, column := range s.Columns {
			if line[k] = column; i >= 0 {
				line[k] = directory.Inert(rows[i][column])
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// writeWorkbook writes sheets as an XLSX file. Every cell is of the type text, which no spreadsheet
// takes for a formula.
func writeWorkbook(w io.Writer, sheets []DirectorySheet, rows func(DirectorySheet) []directory.Fields) error {
	book := excelize.NewFile()
	defer book.Close()
	bold, err := book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	for i, s := range sheets {
		if i == 0 {
			err = book.SetSheetName("Sheet1", s.Name)
		} else {
			_, err = book.NewSheet(s.Name)
		}
		if err != nil {
			return err
		}
		out, err := book.NewStreamWriter(s.Name)
		if err != nil {
			return err
		}
		if err := out.SetColWidth(1, len(s.Columns), 18); err != nil {
			return err
		}
		if err := out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
			return err
		}
		cells := make([]any, len(s.Columns))
		for k, column := range s.Columns {
			cells[k] = excelize.Cell{StyleID: bold, Value: column}
		}
		if err := out.SetRow("A1", cells); err != nil {
			return err
		}
		for n, f := range rows(s) {
			for k, column := range s.Columns {
				cells[k] = f[column]
			}
			if err := out.SetRow(fmt.Sprintf("A%d", n+2), cells); err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return book.Write(w)
}
