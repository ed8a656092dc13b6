package directory

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"suiyue/internal/domain/fault"
)

// longest is the most bytes a field may have, longestLine the most a line may have.
const (
	longest     = 2000
	longestLine = 20000
)

// record is one line of a file being read; what is wrong with it is collected, not returned.
type record struct {
	file   string
	line   int
	column map[string]int
	fields []string
	faults *[]LineError
}

// bad notes a fault of a column.
func (r *record) bad(column string, code fault.Code) {
	*r.faults = append(*r.faults, LineError{r.file, r.line, column, code})
}

// table reads a CSV file whose header names exactly the given columns, in any order, and calls read
// for each line; a line with faults is left out. Lists inside a field are separated by "|". A line ends
// where it ends, inside quotes too: a quote that is never closed spoils its own line and no other.
func table[T any](in io.Reader, file string, columns []string, read func(*record) T) (rows []Row[T], faults []LineError) {
	return tableOf(Lines(in), file, columns, read)
}

// LineSource gives the fields of the next line of a table, none for an empty line, or what is wrong
// with the line as a whole. The last line, or nothing, comes with io.EOF.
type LineSource func() (fields []string, code fault.Code, err error)

func tableOf[T any](next LineSource, file string, columns []string, read func(*record) T) (rows []Row[T], faults []LineError) {
	header := map[string]int{}
	var last error
	for line := 1; last == nil; line++ {
		var fields []string
		var code fault.Code
		fields, code, last = next()
		switch {
		case last != nil && last != io.EOF:
			return rows, append(faults, LineError{file, 0, "", fault.MalformedRequest})
		case code != "":
			faults = append(faults, LineError{file, line, "", code})
			if len(header) == 0 {
				return rows, faults
			}
			continue
		case fields == nil:
			continue
		case len(header) == 0:
			if faults = headerFaults(file, line, fields, columns, header); len(faults) > 0 {
				return nil, faults
			}
			continue
		}
		before := len(faults)
		r := &record{file: file, line: line, column: header, fields: fields, faults: &faults}
		if len(fields) != len(header) {
			r.bad("", fault.BadFormat)
		} else if v := read(r); len(faults) == before {
			rows = append(rows, Row[T]{line, v})
		}
	}
	if len(header) == 0 {
		faults = append(faults, LineError{file, 1, "", fault.Required})
	}
	return rows, faults
}

// readFields returns the fields of the next line, none for an empty one, or what is wrong with it as a
// whole. The last line comes with io.EOF.
func readFields(src *bufio.Reader) (fields []string, code fault.Code, err error) {
	line, err := src.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		code = fault.TooLong
		_, err = src.ReadSlice('\n')
	}
	if code != "" || err != nil && err != io.EOF {
		return nil, code, err
	}
	if line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")); len(line) == 0 {
		return nil, "", err
	}
	one := csv.NewReader(bytes.NewReader(line))
	fields, syntax := one.Read()
	if syntax != nil {
		return nil, fault.BadFormat, err
	}
	return fields, "", err
}

func bufferLines(in io.Reader) *bufio.Reader {
	return bufio.NewReaderSize(&withoutMark{in: in}, longestLine)
}

func headerFaults(file string, line int, fields, columns []string, header map[string]int) (faults []LineError) {
	for i, name := range fields {
		name = strings.TrimSpace(name)
		_, twice := header[name]
		switch {
		case !slices.Contains(columns, name):
			faults = append(faults, LineError{file, line, "", fault.UnknownField})
		case twice:
			faults = append(faults, LineError{file, line, name, fault.DuplicateField})
		default:
			header[strings.Clone(name)] = i
		}
	}
	for _, name := range columns {
		if _, ok := header[name]; !ok {
			faults = append(faults, LineError{file, line, name, fault.Required})
		}
	}
	return faults
}

// withoutMark leaves out the byte order mark spreadsheets put before UTF-8.
type withoutMark struct {
	in   io.Reader
	head []byte
	done bool
}

func (w *withoutMark) Read(p []byte) (int, error) {
	if !w.done {
		w.done = true
		head := make([]byte, 3)
		n, err := io.ReadFull(w.in, head)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return 0, err
		}
		w.head = head[:n]
		if string(w.head) == "\ufeff" {
			w.head = nil
		}
	}
	if len(w.head) > 0 {
		n := copy(p, w.head)
		w.head = w.head[n:]
		return n, nil
	}
	return w.in.Read(p)
}

// optional returns a field without blanks around it, "" when it is empty or wrong.
func (r *record) optional(column string) string {
	s := strings.TrimSpace(r.fields[r.column[column]])
	switch {
	case len(s) > longest:
		r.bad(column, fault.TooLong)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(c rune) bool { return unicode.IsControl(c) || c == utf8.RuneError }):
		r.bad(column, fault.BadCharacter)
	default:
		return strings.Clone(s)
	}
	return ""
}

// text returns a field that must not be empty.
func (r *record) text(column string) string {
	before := len(*r.faults)
	s := r.optional(column)
	if s == "" && len(*r.faults) == before {
		r.bad(column, fault.Required)
	}
	return s
}

// id returns a required key: ASCII letters, digits, "-" and "_", at most 36 characters.
func (r *record) id(column string) string {
	s := r.text(column)
	r.checkID(column, s)
	return s
}

// optionalID is id, or "".
func (r *record) optionalID(column string) string {
	s := r.optional(column)
	r.checkID(column, s)
	return s
}

func (r *record) checkID(column, s string) {
	if code := idFault(s); code != "" {
		r.bad(column, code)
	}
}

// CheckKey says what is wrong with a new key, "" for nothing.
func CheckKey(s string) fault.Code {
	if s == "" {
		return fault.Required
	}
	return idFault(s)
}

func idFault(s string) fault.Code {
	switch {
	case len(s) > 36:
		return fault.TooLong
	case strings.ContainsFunc(s, func(c rune) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	}):
		return fault.BadCharacter
	}
	return ""
}

// division returns a 12-digit division code, or "" when the field may be and is empty.
func (r *record) division(column string, required bool) string {
	s := r.optional(column)
	switch {
	case s == "" && required:
		r.bad(column, fault.Required)
	case s != "" && !isDivision(s):
		r.bad(column, fault.BadFormat)
	}
	return s
}

func isDivision(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// names reads the three languages of a text; all are required where required is set.
func (r *record) names(hans, hant, en string, required bool) Text {
	read := r.optional
	if required {
		read = r.text
	}
	return Text{Hans: read(hans), Hant: read(hant), En: read(en)}
}

// number returns a whole number from least to most.
func (r *record) number(column string, least, most int) int {
	s := r.text(column)
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && (n < least || n > most):
		r.bad(column, fault.OutOfRange)
	case err != nil:
		r.bad(column, fault.BadFormat)
	default:
		return n
	}
	return 0
}

// degrees returns a coordinate from least to most, 0 for an empty field.
func (r *record) degrees(column string, least, most float64) float64 {
	s := r.optional(column)
	if s == "" {
		return 0
	}
	v, err := strconv.ParseFloat(s, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && !(v >= least && v <= most):
		r.bad(column, fault.OutOfRange)
	case err != nil:
		r.bad(column, fault.BadFormat)
	default:
		return v
	}
	return 0
}

// yes reads "yes" or "no"; empty is no.
func (r *record) yes(column string) bool {
	switch r.optional(column) {
	case "yes":
		return true
	case "no", "":
	default:
		r.bad(column, fault.NotOneOf)
	}
	return false
}

// list returns the parts of a field separated by "|"; an empty field has none.
func (r *record) list(column string) (out []string) {
	s := r.optional(column)
	if s == "" {
		return nil
	}
	for part := range strings.SplitSeq(s, "|") {
		part = strings.TrimSpace(part)
		switch {
		case part == "":
			r.bad(column, fault.BadFormat)
			return nil
		case slices.Contains(out, part):
			r.bad(column, fault.DuplicateField)
			return nil
		}
		out = append(out, part)
	}
	return out
}

// oneOf returns a field that must be one of the given words.
func oneOf[T ~string](r *record, column string, words ...T) T {
	s := T(r.text(column))
	if s != "" && !slices.Contains(words, s) {
		r.bad(column, fault.NotOneOf)
	}
	return s
}

// someOf returns a list whose parts must be of the given words, in the order of the words.
func someOf[T ~string](r *record, column string, words ...T) (out []T) {
	parts := r.list(column)
	for _, p := range parts {
		if !slices.Contains(words, T(p)) {
			r.bad(column, fault.NotOneOf)
			return nil
		}
	}
	for _, w := range words {
		if slices.Contains(parts, string(w)) {
			out = append(out, w)
		}
	}
	return out
}
