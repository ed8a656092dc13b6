package api

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

// A shape is a schema of the document made ready for checking. What the document promises is what is
// enforced: there is no second description of a request.
type shape struct {
	kind      string // object, array, string, integer, number, boolean
	fields    map[string]*shape
	required  []string
	items     *shape
	oneOf     map[string]bool
	least     *float64
	most      *float64
	minLength int // characters; items of an array
	maxLength int // 0 = no limit
	pattern   *regexp.Regexp
	date      bool
	apart     bool // array: its items are not looked at here, each is checked for itself
}

// newShape compiles a schema. A schema that says more than a shape can check is a programmer error.
func newShape(reg huma.Registry, s *huma.Schema) *shape {
	if s.Ref != "" {
		s = reg.SchemaFromRef(s.Ref)
	}
	if s == nil || s.Nullable || len(s.OneOf)+len(s.AnyOf)+len(s.AllOf) > 0 || s.Not != nil || s.Const != nil || s.ExclusiveMinimum != nil || s.MultipleOf != nil {
		panic("api: a schema that cannot be checked")
	}
	out := &shape{kind: s.Type, least: s.Minimum, most: s.Maximum, date: s.Format == "date"}
	switch s.Type {
	case "object":
		out.fields, out.required = map[string]*shape{}, s.Required
		for name, f := range s.Properties {
			out.fields[name] = newShape(reg, f)
		}
	case "array":
		out.items = newShape(reg, s.Items)
		out.minLength, out.maxLength = number(s.MinItems), number(s.MaxItems)
	case "string":
		out.minLength, out.maxLength = number(s.MinLength), number(s.MaxLength)
		if s.Pattern != "" {
			out.pattern = regexp.MustCompile(s.Pattern)
		}
		if len(s.Enum) > 0 {
			out.oneOf = map[string]bool{}
			for _, v := range s.Enum {
				out.oneOf[v.(string)] = true
			}
		}
	case "integer", "number", "boolean":
	default:
		panic("api: a schema of no known type")
	}
	return out
}

func number(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

const (
	maxDepth  = 8
	maxFields = 20 // wrong fields told of at once
)

// check finds what is wrong with a JSON document: an error when it cannot be read at all, else the
// wrong fields. Paths are made of names the document knows: a name somebody sent is never repeated,
// so an unknown field is told of at the object that holds it.
func (s *shape) check(body []byte) ([]fault.Field, error) {
	_, wrong, err := s.split(body)
	return wrong, err
}

// split is check for a document in which an array has its items apart: it returns them, too.
func (s *shape) split(body []byte) ([]json.RawMessage, []fault.Field, error) {
	if !utf8.Valid(body) {
		return nil, nil, fault.New(fault.MalformedRequest)
	}
	k := checker{d: json.NewDecoder(bytes.NewReader(body))}
	k.d.UseNumber()
	if err := k.value(s, "", 0); err != nil {
		return nil, nil, fault.New(fault.MalformedRequest)
	}
	if _, err := k.d.Token(); err != io.EOF {
		return nil, nil, fault.New(fault.MalformedRequest)
	}
	return k.parts, k.wrong, nil
}

type checker struct {
	d     *json.Decoder
	wrong []fault.Field
	parts []json.RawMessage
}

func (k *checker) bad(path string, code fault.Code) {
	if path == "" {
		path = "body"
	}
	f := fault.Field{Path: path, Code: code}
	if len(k.wrong) < maxFields && !slices.Contains(k.wrong, f) {
		k.wrong = append(k.wrong, f)
	}
}

// value reads one value against s; a nil s takes anything and says nothing. The error says only that
// it is not JSON, or too deep.
func (k *checker) value(s *shape, path string, depth int) error {
	t, err := k.d.Token()
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return errDepth
	}
	switch v := t.(type) {
	case json.Delim:
		if v == '{' {
			return k.object(s, path, depth)
		}
		return k.array(s, path, depth)
	case string:
		if code := s.text(v); code != "" {
			k.bad(path, code)
		}
	case json.Number:
		if code := s.number(v); code != "" {
			k.bad(path, code)
		}
	case bool:
		if s != nil && s.kind != "boolean" {
			k.bad(path, fault.WrongType)
		}
	case nil:
		if s != nil {
			k.bad(path, fault.WrongType)
		}
	}
	return nil
}

var errDepth = fault.New(fault.MalformedRequest)

func (k *checker) object(s *shape, path string, depth int) error {
	if s != nil && s.kind != "object" {
		k.bad(path, fault.WrongType)
		s = nil
	}
	var seen []string
	for k.d.More() {
		t, err := k.d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		var field *shape
		if s != nil {
			field = s.fields[name]
		}
		switch {
		case slices.Contains(seen, name):
			if field != nil {
				k.bad(join(path, name), fault.DuplicateField)
			} else {
				k.bad(path, fault.DuplicateField)
			}
			field = nil
		case s != nil && field == nil:
			k.bad(path, fault.UnknownField)
		}
		if len(seen) <= 64 { // more names than any object of ours has: refused for those already
			seen = append(seen, name)
		}
		inner := path
		if field != nil {
			inner = join(path, name)
		}
		if err := k.value(field, inner, depth+1); err != nil {
			return err
		}
	}
	if _, err := k.d.Token(); err != nil {
		return err
	}
	if s != nil {
		for _, name := range s.required {
			if !slices.Contains(seen, name) {
				k.bad(join(path, name), fault.Required)
			}
		}
	}
	return nil
}

func (k *checker) array(s *shape, path string, depth int) error {
	if s != nil && s.kind != "array" {
		k.bad(path, fault.WrongType)
		s = nil
	}
	n := 0
	for k.d.More() {
		if s != nil && s.apart {
			var raw json.RawMessage
			if err := k.d.Decode(&raw); err != nil {
				return err
			}
			k.parts = append(k.parts, raw)
			n++
			continue
		}
		var item *shape
		if s != nil {
			item = s.items
		}
		if err := k.value(item, join(path, strconv.Itoa(n)), depth+1); err != nil {
			return err
		}
		n++
	}
	if _, err := k.d.Token(); err != nil {
		return err
	}
	if s != nil && s.maxLength > 0 && n > s.maxLength {
		k.bad(path, fault.TooLong)
	}
	if s != nil && n < s.minLength {
		k.bad(path, fault.TooShort)
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// text checks a string. Characters that nobody types and that make two texts look alike are refused
// everywhere: controls, format characters (direction marks, zero width), private use, broken ones.
func (s *shape) text(v string) fault.Code {
	if s == nil {
		return ""
	}
	if s.kind != "string" {
		return fault.WrongType
	}
	n := utf8.RuneCountInString(v)
	switch {
	case s.minLength > 0 && (n == 0 || n <= s.maxLength && strings.TrimSpace(v) == ""):
		return fault.Required // blanks alone are nothing
	case s.maxLength > 0 && n > s.maxLength:
		return fault.TooLong
	case strings.ContainsFunc(v, unseen):
		return fault.BadCharacter
	case n < s.minLength:
		return fault.TooShort
	case s.oneOf != nil && !s.oneOf[v]:
		return fault.NotOneOf
	case s.pattern != nil && !s.pattern.MatchString(v):
		return fault.BadFormat
	}
	if s.date {
		if _, err := calendar.ParseDate(v); err != nil {
			return fault.BadDate
		}
	}
	return ""
}

func unseen(r rune) bool {
	if r < 0x7f {
		return r < ' '
	}
	return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp) || r&0xfffe == 0xfffe
}

// number checks a JSON number. An integer has no fraction and no exponent.
func (s *shape) number(v json.Number) fault.Code {
	if s == nil {
		return ""
	}
	var f float64
	switch s.kind {
	case "integer":
		if strings.ContainsAny(string(v), ".eE") {
			return fault.WrongType
		}
		n, err := v.Int64()
		if err != nil {
			return fault.OutOfRange
		}
		f = float64(n)
	case "number":
		var err error
		if f, err = v.Float64(); err != nil {
			return fault.OutOfRange
		}
	default:
		return fault.WrongType
	}
	if s.least != nil && f < *s.least || s.most != nil && f > *s.most {
		return fault.OutOfRange
	}
	return ""
}

// param checks the text of a parameter.
func (s *shape) param(v string) fault.Code {
	switch s.kind {
	case "string":
		if !utf8.ValidString(v) {
			return fault.BadCharacter
		}
		return s.text(v)
	case "boolean":
		if v != "true" && v != "false" {
			return fault.WrongType
		}
		return ""
	}
	if v == "" || strings.Trim(v, "0123456789-") != "" || len(v) > 20 {
		return fault.WrongType
	}
	if _, err := strconv.ParseInt(v, 10, 64); err != nil {
		return fault.WrongType
	}
	return s.number(json.Number(v))
}
