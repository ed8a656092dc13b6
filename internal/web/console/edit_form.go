package console

import (
	"net/http"
	"slices"
	"strings"

	"suiyue/internal/domain/directory"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// inputKind is how a column is shown in a form.
type inputKind int

const (
	oneLine inputKind = iota
	manyLines
	hoursLine
	choice
	severalOf
	yesOrNo
)

// entryField is one column of an entry in its form.
type entryField struct {
	ui.FieldView
	Kind    inputKind
	Value   string
	Options []ui.Option
}

// entryGroup is fields under one heading.
type entryGroup struct {
	Title  string
	Fields []entryField
}

// shapes says how columns are shown; what is not named is one line.
var shapes = map[string]inputKind{
	"keywords": manyLines, "materials_hans": manyLines, "materials_hant": manyLines, "materials_en": manyLines,
	"hours": hoursLine, "saturday": hoursLine, "sunday": hoursLine, "closures": manyLines,
	"department": choice, "category": choice, "line": choice,
	"ways": severalOf, "stages": severalOf, "levels": severalOf, "lines": severalOf,
	"self_service": yesOrNo, "foreigner": yesOrNo, "draw": yesOrNo, "open": yesOrNo,
}

// columnName is what a column is called; those of a text in three languages say which.
func columnName(l web.Locale, noun directory.Noun, column string) string {
	for suffix, lang := range map[string]web.Locale{"hans": web.Hans, "hant": web.Hant, "en": web.En} {
		if base, ok := strings.CutSuffix(column, suffix); ok && (base == "" || strings.HasSuffix(base, "_")) {
			return l.T("directory.col."+cmpOr(strings.TrimSuffix(base, "_"), "name")) + " · " + lang.Name()
		}
	}
	if column == "hours" && noun == directory.QueueNoun {
		column = "week"
	}
	return l.T("directory.col." + column)
}

func cmpOr(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// shown writes a value of a column for people: words for the fixed ones.
func (c *Console) shown(l web.Locale, column, value string) string {
	switch shapes[column] {
	case manyLines, hoursLine:
		return strings.ReplaceAll(value, "|", "；")
	case yesOrNo, severalOf:
		parts := strings.Split(value, "|")
		for i, p := range parts {
			parts[i] = c.word(l, column, p)
		}
		return strings.Join(parts, "、")
	case choice:
		return c.word(l, column, value)
	}
	return value
}

// word is what one of the fixed values of a column is called.
func (c *Console) word(l web.Locale, column, value string) string {
	key := map[string]string{"ways": "directory.way.", "stages": "stage.", "levels": "level."}[column] + value
	switch column {
	case "self_service", "foreigner", "draw", "open":
		key = "directory.value." + value
	case "category":
		for _, cat := range directory.Categories() {
			if cat.ID == value {
				return l.Text(cat.Name)
			}
		}
	case "line", "lines":
		return c.lineName(l, value)
	case "item":
		if it := c.App.City().Item(value); it != nil {
			return l.Text(it.Name) + " · " + value
		}
	case "department":
		if u := c.App.City().Unit(value); u != nil {
			return l.Text(u.Name)
		}
	}
	if value != "" && l.Has(key) {
		return l.T(key)
	}
	return value
}

// lineName is what the halls call a line of business.
func (c *Console) lineName(l web.Locale, line string) string {
	if q := c.App.City().LineQueue(line); q != nil {
		return l.Text(q.Name) + " · " + line
	}
	return line
}

// options lists the words a choice may be one of.
func (c *Console) options(l web.Locale, column, value string, words []string) []ui.Option {
	chosen := strings.Split(value, "|")
	out := make([]ui.Option, len(words))
	for i, w := range words {
		out[i] = ui.Option{Value: w, Text: c.word(l, column, w), Selected: slices.Contains(chosen, w)}
	}
	return out
}

// fields makes the fields of a form from columns; may are the words of each choice.
func (c *Console) fields(v formView, noun directory.Noun, f directory.Fields, may map[string][]string, columns ...string) []entryField {
	var out []entryField
	for _, column := range columns {
		hint := ""
		if key := "directory.hint." + string(noun) + "_" + column; v.L.Has(key) {
			hint = v.L.T(key)
		}
		e := entryField{FieldView: v.field(column, hint), Kind: shapes[column], Value: f[column]}
		e.Label = columnName(v.L, noun, column)
		if noun == directory.OfferingNoun && column == "item" {
			e.Kind = choice
		}
		switch e.Kind {
		case manyLines:
			e.Value = strings.ReplaceAll(f[column], "|", "\n")
		case hoursLine:
			e.Value = strings.ReplaceAll(f[column], "|", " ")
		case choice, severalOf:
			e.Options = c.options(v.L, column, f[column], may[column])
		}
		out = append(out, e)
	}
	return out
}

// filled reads the fields of a form that was sent back.
func filled(r *http.Request, columns ...string) directory.Fields {
	f := directory.Fields{}
	for _, column := range columns {
		value := r.PostForm.Get(column)
		switch shapes[column] {
		case manyLines:
			f[column] = strings.Join(strings.FieldsFunc(value, func(c rune) bool { return c == '\n' || c == '\r' }), "|")
		case hoursLine:
			f[column] = strings.Join(strings.FieldsFunc(strings.NewReplacer("–", "-", "—", "-", "：", ":", "~", "-").Replace(value),
				func(c rune) bool { return strings.ContainsRune(" |,，、;；", c) }), "|")
		case severalOf:
			f[column] = strings.Join(r.PostForm[column], "|")
		case yesOrNo:
			f[column] = "no"
			if value == "yes" {
				f[column] = "yes"
			}
		default:
			f[column] = value
		}
	}
	return f
}

// labels names the columns for the summary of what is wrong.
func labels(l web.Locale, noun directory.Noun, columns []string) map[string]string {
	out := map[string]string{}
	for _, column := range columns {
		out[column] = columnName(l, noun, column)
	}
	return out
}
