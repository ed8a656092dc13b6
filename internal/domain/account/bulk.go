package account

import (
	"bufio"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

// Bulk filing: many accounts of a district in one table (Art. 11), all or none.

// BulkColumns are the columns of the table, in the order of the template.
var BulkColumns = []string{"unit", "unit_name", "rank", "name", "duty", "mobile"}

// bulkHeads are further names of the columns.
var bulkHeads = map[string]string{
	"单位编码": "unit", "單位編碼": "unit", "单位": "unit_name", "單位": "unit_name", "级别": "rank", "級別": "rank",
	"姓名": "name", "职务": "duty", "職務": "duty", "手机": "mobile", "手機": "mobile", "手机号": "mobile", "手機號": "mobile",
}

// MostBulk is how many accounts one table may ask for.
const MostBulk = 1000

const longestBulkLine = 2000

// BulkLine is one account asked for.
type BulkLine struct {
	Line   int
	Unit   string
	Rank   Rank
	Person Person
}

// ParseBulk reads a table. Lines of a unit for which nobody is named are left out: so a template with
// every unit can be filled in as far as people are known. Every fault has its line and column; name and
// mobile are never in it.
func ParseBulk(in io.Reader) (lines []BulkLine, faults []directory.LineError) {
	bad := func(line int, column string, code fault.Code) {
		faults = append(faults, directory.LineError{Line: line, Column: column, Code: code})
	}
	src := bufio.NewReaderSize(in, longestBulkLine)
	column := map[string]int{}
	mobiles := map[string]int{}
	for n := 1; ; n++ {
		raw, err := src.ReadSlice('\n')
		if err != nil && err != io.EOF {
			if err != bufio.ErrBufferFull {
				bad(n, "", fault.MalformedRequest)
			} else {
				bad(n, "", fault.TooLong)
			}
			return nil, faults
		}
		text := strings.TrimRight(strings.TrimPrefix(string(raw), "\ufeff"), "\r\n")
		if text != "" {
			if !utf8.ValidString(text) {
				bad(n, "", fault.BadCharacter)
				return nil, faults
			}
			one := csv.NewReader(strings.NewReader(text))
			fields, syntax := one.Read()
			switch {
			case syntax != nil:
				bad(n, "", fault.BadFormat)
			case len(column) == 0:
				if !bulkHeader(fields, column, func(name string, code fault.Code) { bad(n, name, code) }) {
					return nil, faults
				}
			case len(fields) != len(column):
				bad(n, "", fault.BadFormat)
			default:
				get := func(name string) string { return strings.TrimSpace(fields[column[name]]) }
				l := BulkLine{Line: n, Unit: get("unit"), Rank: Rank(get("rank")), Person: Person{Name: get("name"), Duty: get("duty"), Mobile: get("mobile")}.Normalise()}
				if l.Person == (Person{}) {
					break
				}
				before := len(faults)
				if l.Unit == "" {
					bad(n, "unit", fault.Required)
				}
				if !l.Rank.Valid() {
					bad(n, "rank", fault.NotOneOf)
				}
				for _, w := range l.Person.Check() {
					bad(n, w.Path, w.Code)
				}
				if _, twice := mobiles[l.Person.Mobile]; twice && l.Person.Mobile != "" {
					bad(n, "mobile", fault.DuplicateField)
				}
				mobiles[l.Person.Mobile] = n
				if len(faults) == before {
					lines = append(lines, l)
				}
			}
		}
		if len(faults) > 200 || len(lines) > MostBulk {
			if len(lines) > MostBulk {
				bad(n, "", fault.TooLong)
			}
			return nil, faults
		}
		if err == io.EOF {
			break
		}
	}
	switch {
	case len(column) == 0:
		bad(1, "", fault.Required)
	case len(lines) == 0 && len(faults) == 0:
		bad(2, "", fault.Required)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return lines, nil
}

// bulkHeader reads the names of the columns; unit_name may be left out.
func bulkHeader(fields []string, column map[string]int, bad func(string, fault.Code)) bool {
	ok := true
	for i, name := range fields {
		name = strings.TrimSpace(name)
		if known := bulkHeads[name]; known != "" {
			name = known
		}
		_, twice := column[name]
		switch {
		case !slices.Contains(BulkColumns, name):
			bad("", fault.UnknownField)
			ok = false
		case twice:
			bad(name, fault.DuplicateField)
			ok = false
		default:
			column[name] = i
		}
	}
	for _, name := range BulkColumns {
		if _, there := column[name]; !there && name != "unit_name" {
			bad(name, fault.Required)
			ok = false
		}
	}
	return ok
}
