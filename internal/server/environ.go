package server

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Setting is one documented setting of Config.
type Setting struct{ Flag, Variable, Default, Help string }

// Settings lists every setting of Config in order.
func Settings() []Setting { return settingsOf(reflect.TypeFor[Config]()) }

func settingsOf(t reflect.Type) []Setting {
	var out []Setting
	for f := range fields(t) {
		if f.Anonymous {
			out = append(out, settingsOf(f.Type)...)
			continue
		}
		if f.Tag.Get("name") == "" {
			continue
		}
		out = append(out, Setting{f.Tag.Get("name"), f.Tag.Get("env"), f.Tag.Get("default"), f.Tag.Get("help")})
	}
	return out
}

func fields(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

const prefix = "SUIYUE_"

// CheckVariables refuses variables that begin with SUIYUE_ and that nobody reads: a name spelt wrong
// must not pass for a setting. environ is as os.Environ gives it; known lists the names that are read.
// Values are never repeated.
func CheckVariables(environ []string, known []string) error {
	var unknown []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		// The tests' own variables may be set wherever the tests are.
		if !strings.HasPrefix(name, prefix) || strings.HasPrefix(name, prefix+"TEST_") || slices.Contains(known, name) {
			continue
		}
		if near := nearest(name, known); near != "" {
			name += " (did you mean " + near + "?)"
		}
		unknown = append(unknown, name)
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return fmt.Errorf("unknown setting in the environment: %s", strings.Join(unknown, ", "))
}

// nearest returns the listed word with the fewest changes to word, "" when none is near.
func nearest(word string, list []string) string {
	best, least := "", max(2, (len(word)-len(prefix))/3)+1
	for _, w := range list {
		if d := changes(word, w); d < least {
			best, least = w, d
		}
	}
	return best
}

// changes counts the letters to insert, delete or replace between two words (Levenshtein).
func changes(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
