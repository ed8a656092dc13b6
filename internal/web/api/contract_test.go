package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// docs is the document as a stranger reads it: these checks know nothing of the code that wrote it.
type docs struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	ID          string `json:"operationId"`
	Security    []any  `json:"security"`
	Parameters  []param
	RequestBody *struct {
		Content map[string]struct{ Schema schema }
	} `json:"requestBody"`
	Responses map[string]struct {
		Description string
		Content     map[string]struct{ Schema schema }
	}
	method, path string
}

type param struct {
	Name, In string
	Required bool
	Schema   schema
}

type schema struct {
	Ref        string            `json:"$ref"`
	Type       string            `json:"type"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Items      *schema           `json:"items"`
	Enum       []any             `json:"enum"`
	MinLength  *int              `json:"minLength"`
	Format     string            `json:"format"`
}

func (f *face) docs() *docs {
	f.t.Helper()
	if f.read != nil {
		return f.read
	}
	d := new(docs)
	if err := json.Unmarshal(f.api.Document(), d); err != nil {
		f.t.Fatal(err)
	}
	f.read = d
	return d
}

func (d *docs) operations() []operation {
	var out []operation
	for path, item := range d.Paths {
		for method, op := range item {
			op.method, op.path = strings.ToUpper(method), path
			out = append(out, op)
		}
	}
	slices.SortFunc(out, func(a, b operation) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (d *docs) follow(s schema) schema {
	if s.Ref != "" {
		return d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

// differs says where v is not as s promises: "" for nowhere.
func (d *docs) differs(s schema, v any, at string) string {
	s = d.follow(s)
	switch v := v.(type) {
	case map[string]any:
		if s.Type != "object" {
			return at + " is an object"
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				return at + "." + name + " is missing"
			}
		}
		for name, x := range v {
			p, ok := s.Properties[name]
			if !ok {
				return at + "." + name + " is not in the document"
			}
			if diff := d.differs(p, x, at+"."+name); diff != "" {
				return diff
			}
		}
	case []any:
		if s.Type != "array" {
			return at + " is an array"
		}
		for i, x := range v {
			if diff := d.differs(*s.Items, x, fmt.Sprintf("%s[%d]", at, i)); diff != "" {
				return diff
			}
		}
	case string:
		if s.Type != "string" || len(s.Enum) > 0 && !slices.Contains(s.Enum, any(v)) {
			return at + " is not such a string"
		}
	case float64:
		if s.Type != "number" && (s.Type != "integer" || v != float64(int64(v))) {
			return at + " is not such a number"
		}
	case bool:
		if s.Type != "boolean" {
			return at + " is a boolean"
		}
	default:
		return at + " is null"
	}
	return ""
}

func (d *docs) find(id string) operation {
	for _, op := range d.operations() {
		if op.ID == id {
			return op
		}
	}
	panic("no operation " + id)
}

// valid checks an answer against what the document says of the operation.
func (f *face) valid(id string, r reply) reply {
	f.t.Helper()
	d := f.docs()
	res, ok := d.find(id).Responses[fmt.Sprint(r.Code)]
	if !ok {
		f.t.Fatalf("%s: status %d is not in the document", id, r.Code)
	}
	if diff := d.differs(res.Content["application/json"].Schema, r.json(), "answer"); diff != "" {
		f.t.Errorf("%s: %s", id, diff)
	}
	return r
}

// validProblem checks a refusal: problem+json, the documented shape, the status of its code.
func (f *face) validProblem(r reply) {
	f.t.Helper()
	if ct := r.Header().Get("Content-Type"); ct != web.ProblemType {
		f.t.Fatalf("status %d as %q: %s", r.Code, ct, r.Body)
	}
	d := f.docs()
	p := r.json()
	if diff := d.differs(schema{Ref: "#/components/schemas/Problem"}, p, "problem"); diff != "" {
		f.t.Error(diff)
	}
	code := fault.Code(p["code"].(string))
	if _, ok := fault.KindOf(code); !ok || web.Status(fault.New(code)) != r.Code || p["status"] != float64(r.Code) || p["type"] != "/problems/"+string(code) {
		f.t.Errorf("problem %v with status %d", p, r.Code)
	}
}
