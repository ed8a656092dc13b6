package console

import (
	"archive/zip"
	"compress/flate"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// sheetRows is how many rows a sheet of a spreadsheet holds, its head among them.
	sheetRows = 1_048_576

	// cellLength is how much text a cell of a spreadsheet holds.
	cellLength = 32_767
)

// xlsxRows writes a spreadsheet row by row, straight into its zip: nothing of it is kept. Where a sheet is full the
// next one begins, with the head again. What was written has no list of contents, and opens nowhere, until close.
type xlsxRows struct {
	zip    *zip.Writer
	head   []string
	most   int       // rows of a sheet
	sheet  io.Writer // nil before the first row
	sheets int
	at     int // rows of this sheet
	cols   []string
	buf    []byte
}

func newXLSX(w io.Writer, head []string, most int) *xlsxRows {
	x := &xlsxRows{zip: zip.NewWriter(w), head: head, most: most}
	x.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for i := range head {
		x.cols = append(x.cols, column(i))
	}
	return x
}

// column is the name of a column: A, …, Z, AA, …
func column(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return column(i/26-1) + string(rune('A'+i%26))
}

// Styles of cells: plain, a head, and text that stays text when somebody edits it.
const (
	stylePlain = iota
	styleHead
	styleText
)

func (x *xlsxRows) begin() error {
	w, err := x.zip.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", x.sheets+1))
	if err != nil {
		return err
	}
	x.sheet, x.at = w, 0
	x.sheets++
	x.buf = append(x.buf, xmlHead+`<worksheet xmlns="`+sheetML+`"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>`+
		`<cols><col min="1" max="`+strconv.Itoa(max(len(x.head), 1))+`" width="18" customWidth="1"/></cols><sheetData>`...)
	x.open()
	for i, h := range x.head {
		x.text(i, h, styleHead)
	}
	return x.endRow()
}

func (x *xlsxRows) open() {
	x.at++
	x.buf = append(x.buf, `<row r="`...)
	x.buf = strconv.AppendInt(x.buf, int64(x.at), 10)
	x.buf = append(x.buf, `">`...)
}

func (x *xlsxRows) endRow() error {
	x.buf = append(x.buf, `</row>`...)
	if len(x.buf) < 32<<10 {
		return nil
	}
	return x.flush()
}

func (x *xlsxRows) flush() error {
	_, err := x.sheet.Write(x.buf)
	x.buf = x.buf[:0]
	return err
}

func (x *xlsxRows) end() error {
	x.buf = append(x.buf, `</sheetData></worksheet>`...)
	return x.flush()
}

// row writes a row; its cells are text, int, int64 or float64.
func (x *xlsxRows) row(cells ...any) error {
	if x.sheet == nil || x.at == x.most {
		if x.sheet != nil {
			if err := x.end(); err != nil {
				return err
			}
		}
		if err := x.begin(); err != nil {
			return err
		}
	}
	x.open()
	for i, cell := range cells {
		switch v := cell.(type) {
		case string:
			x.text(i, v, stylePlain)
		case int:
			x.number(i, strconv.AppendInt(nil, int64(v), 10))
		case int64:
			x.number(i, strconv.AppendInt(nil, v, 10))
		case float64:
			x.number(i, strconv.AppendFloat(nil, v, 'g', -1, 64))
		default:
			x.text(i, fmt.Sprint(v), stylePlain)
		}
	}
	return x.endRow()
}

func (x *xlsxRows) cell(i int) {
	for len(x.cols) <= i {
		x.cols = append(x.cols, column(len(x.cols)))
	}
	x.buf = append(x.buf, `<c r="`...)
	x.buf = append(x.buf, x.cols[i]...)
	x.buf = strconv.AppendInt(x.buf, int64(x.at), 10)
	x.buf = append(x.buf, '"')
}

func (x *xlsxRows) number(i int, digits []byte) {
	x.cell(i)
	x.buf = append(append(append(x.buf, `><v>`...), digits...), `</v></c>`...)
}

// text writes a cell of text, which is never a formula; text that begins like one stays text when it is edited.
func (x *xlsxRows) text(i int, s string, style int) {
	if s == "" {
		return
	}
	if style == stylePlain && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		style = styleText
	}
	x.cell(i)
	if style != stylePlain {
		x.buf = append(x.buf, ` s="`...)
		x.buf = strconv.AppendInt(x.buf, int64(style), 10)
		x.buf = append(x.buf, '"')
	}
	x.buf = append(x.buf, ` t="inlineStr"><is><t xml:space="preserve">`...)
	x.buf = appendXML(x.buf, s)
	x.buf = append(x.buf, `</t></is></c>`...)
}

// close ends the last sheet and writes what makes a book of the sheets.
func (x *xlsxRows) close() error {
	if x.sheet == nil {
		if err := x.begin(); err != nil {
			return err
		}
	}
	if err := x.end(); err != nil {
		return err
	}
	var types, sheets, links strings.Builder
	for n := 1; n <= x.sheets; n++ {
		fmt.Fprintf(&types, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="`+contentML+`worksheet+xml"/>`, n)
		fmt.Fprintf(&sheets, `<sheet name="Sheet%d" sheetId="%d" r:id="rId%d"/>`, n, n, n)
		fmt.Fprintf(&links, `<Relationship Id="rId%d" Type="`+officeRel+`/worksheet" Target="worksheets/sheet%d.xml"/>`, n, n)
	}
	for _, part := range [][2]string{
		{"xl/workbook.xml", `<workbook xmlns="` + sheetML + `" xmlns:r="` + officeRel + `"><sheets>` + sheets.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + packageRel + `">` + links.String() + fmt.Sprintf(`<Relationship Id="rId%d" Type="`+officeRel+`/styles" Target="styles.xml"/></Relationships>`, x.sheets+1)},
		{"xl/styles.xml", xlsxStyles},
		{"_rels/.rels", `<Relationships xmlns="` + packageRel + `"><Relationship Id="rId1" Type="` + officeRel + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="` + contentML + `sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="` + contentML + `styles+xml"/>` + types.String() + `</Types>`},
	} {
		w, err := x.zip.Create(part[0])
		if err == nil {
			_, err = io.WriteString(w, xmlHead+part[1])
		}
		if err != nil {
			return err
		}
	}
	return x.zip.Close()
}

const (
	xmlHead    = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	sheetML    = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	officeRel  = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packageRel = "http://schemas.openxmlformats.org/package/2006/relationships"
	contentML  = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	xlsxStyles = `<styleSheet xmlns="` + sheetML + `"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>` +
		`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
		`<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>` +
		`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"/></cellXfs>` +
		`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`
)

// coded is text that a spreadsheet would read as the code of a character.
var coded = regexp.MustCompile(`_x([0-9A-Fa-f]{4}_)`)

// appendXML appends text for a cell: what XML cannot hold becomes a replacement character, and what is too long is
// cut where that shows.
func appendXML(b []byte, s string) []byte {
	if strings.Contains(s, "_x") {
		s = coded.ReplaceAllString(s, "_x005F_x$1")
	}
	units := 0
	for _, r := range s {
		if units++; r > 0xffff {
			units++
		}
		if units >= cellLength {
			return append(b, "…"...)
		}
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '\r':
			b = append(b, "_x000D_"...)
		case r < ' ' && r != '\t' && r != '\n' || r == 0xfffe || r == 0xffff:
			b = append(b, "\ufffd"...)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}
