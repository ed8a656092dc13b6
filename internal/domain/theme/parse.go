package theme

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

// File is the file themes are read from: a line a step. What a theme is called, who may look for it and what
// is brought for it stand with the item it is booked as.
const File = "themes.csv"

// Columns of File. days is working days; after lists keys of the same theme, separated by "|".
var Columns = []string{"theme", "key", "item", "department", "after", "days"}

// Draft is a theme as a file says it, and the line of each step.
type Draft struct {
	Theme
	Lines []int
}

// ParseCSV reads themes, in the order of their first lines. Names and materials are not filled in yet.
func ParseCSV(in io.Reader) (out []Draft, faults []directory.LineError) {
	rows, faults := directory.ParseFields(directory.Lines(in), File, Columns)
	for _, r := range rows {
		bad := func(column string, code fault.Code) {
			faults = append(faults, directory.LineError{File: File, Line: r.Line, Column: column, Code: code})
		}
		for _, column := range []string{"theme", "key", "item", "department"} {
			if code := directory.CheckKey(r.Value[column]); code != "" {
				bad(column, code)
			}
		}
		s := Step{Key: r.Value["key"], Item: r.Value["item"], Department: r.Value["department"], After: []string{}}
		if list := r.Value["after"]; list != "" {
			for part := range strings.SplitSeq(list, "|") {
				s.After = append(s.After, strings.TrimSpace(part))
			}
		}
		days, err := strconv.Atoi(r.Value["days"])
		if err != nil {
			bad("days", fault.BadFormat)
			days = 1
		}
		s.Days = days
		at := slices.IndexFunc(out, func(d Draft) bool { return d.Code == r.Value["theme"] })
		if at < 0 {
			at = len(out)
			out = append(out, Draft{Theme: Theme{Code: r.Value["theme"]}})
		}
		out[at].Steps = append(out[at].Steps, s)
		out[at].Lines = append(out[at].Lines, r.Line)
	}
	return out, faults
}

// Fill takes names and materials from the catalogue and returns what is wrong with the theme, by the lines
// of its file.
func (d *Draft) Fill(w World) (faults []directory.LineError) {
	if it := w.Item(d.Code); it != nil {
		d.Name, d.Summary, d.Materials = it.Name, it.Summary, it.Materials
	}
	for i := range d.Steps {
		if it := w.Item(d.Steps[i].Item); it != nil {
			d.Steps[i].Name = it.Name
		}
	}
	for _, p := range d.Check(w) {
		line := d.Lines[max(p.Step, 0)]
		faults = append(faults, directory.LineError{File: File, Line: line, Column: p.Column, Code: p.Code})
	}
	return faults
}
