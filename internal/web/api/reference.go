package api

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

//go:embed reference.html
var referenceText string

// fields is a table of fields for the template.
type fields struct {
	L      web.Locale
	Fields []fieldRow
}

var referencePages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"asset": web.AssetURL,
		"group": func(l web.Locale, rows []fieldRow) fields { return fields{l, rows} },
	}).Parse(referenceText))
})

// page is what every template of this face needs.
type page struct {
	L              web.Locale
	Title          string
	Back, BackText string
	Prefix         string
	Ops            []opView
	Codes          []codeView
	Code           codeView
}

type fieldRow struct {
	Path, Type, About string
	Required          bool
}

type opView struct {
	ID, Method, Path, Summary, About, Curl string
	SignedIn                               bool
	Params, Body, Answer                   []fieldRow
	Refusals                               []refusalView
}

type refusalView struct {
	Status string
	Codes  []string
}

type codeView struct {
	Code     fault.Code
	Status   int
	Sentence string
}

// rendered is a page that has been made.
type rendered []byte

func (p rendered) Render(_ context.Context, w io.Writer) error {
	_, err := w.Write(p)
	return err
}

// show renders a template and answers with it.
func show(w http.ResponseWriter, r *http.Request, name string, p page) error {
	var b bytes.Buffer
	if err := referencePages().ExecuteTemplate(&b, name, p); err != nil {
		return fault.Wrap(fault.InternalError, err)
	}
	w.Header().Set("Cache-Control", "public, max-age=60")
	return web.Render(w, r, http.StatusOK, rendered(b.Bytes()))
}

// reference explains the API from its document.
func (a *API) reference(w http.ResponseWriter, r *http.Request) error {
	l := web.LocaleOf(r)
	p := page{L: l, Title: l.T("api.title"), Back: "/", BackText: l.T("nav.home"), Prefix: Prefix}
	for _, o := range a.ops {
		p.Ops = append(p.Ops, a.opView(l, o))
	}
	for _, c := range fault.Codes() {
		p.Codes = append(p.Codes, codeOf(l, c))
	}
	slices.SortFunc(p.Codes, func(x, y codeView) int {
		return cmp.Or(cmp.Compare(x.Status, y.Status), cmp.Compare(x.Code, y.Code))
	})
	return show(w, r, "reference", p)
}

// problemPage is where a problem's type leads.
func (a *API) problemPage(w http.ResponseWriter, r *http.Request) error {
	code := fault.Code(r.PathValue("code"))
	if _, ok := fault.KindOf(code); !ok {
		return fault.New(fault.NoSuchPage)
	}
	l := web.LocaleOf(r)
	c := codeOf(l, code)
	kind, _ := fault.KindOf(code)
	return show(w, r, "problem", page{L: l, Title: l.T("kind." + string(kind)), Back: "/api/#codes", BackText: l.T("api.title"), Code: c})
}

// codeOf gives a code its sentence; what it says of one case is left open.
func codeOf(l web.Locale, c fault.Code) codeView {
	e := fault.New(c)
	return codeView{Code: c, Status: web.Status(e), Sentence: placeholder.Replace(l.Sentence(e))}
}

var placeholder = strings.NewReplacer("{at}", "…", "{until}", "…", "{limit}", "…", "{max}", "…", "{level}", "…", "{need}", "…", "{left}", "…", "{seconds}", "…", "{state}", "…", "{part}", "…", "{now}", "…")

func (a *API) opView(l web.Locale, o operation) opView {
	doc := a.huma.OpenAPI()
	reg := doc.Components.Schemas
	item := doc.Paths[o.path]
	op := map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodDelete: item.Delete}[o.method]
	v := opView{ID: o.id, Method: o.method, Path: Prefix + o.path, Summary: l.T("api.op." + o.id), About: o.about, SignedIn: o.signedIn, Curl: curl(o, op)}
	for _, p := range op.Parameters {
		v.Params = append(v.Params, fieldRow{Path: p.Name, Type: typeOf(p.Schema), About: p.Description, Required: p.Required})
	}
	if op.RequestBody != nil {
		v.Body = rows(reg, op.RequestBody.Content["application/json"].Schema, "", 0)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		res := op.Responses[status]
		if m := res.Content["application/json"]; m != nil {
			v.Answer = rows(reg, m.Schema, "", 0)
		}
		if res.Content[web.ProblemType] != nil {
			v.Refusals = append(v.Refusals, refusalView{status, strings.Split(res.Description, ", ")})
		}
	}
	return v
}

// rows lists the fields of a schema, those of inner objects under their path.
func rows(reg huma.Registry, s *huma.Schema, path string, depth int) (out []fieldRow) {
	if s.Ref != "" {
		s = reg.SchemaFromRef(s.Ref)
	}
	if s.Type == "array" {
		return rows(reg, s.Items, path, depth)
	}
	if depth > 4 {
		return nil
	}
	names := slices.SortedFunc(maps.Keys(s.Properties), func(x, y string) int {
		rx, ry := slices.Contains(s.Required, x), slices.Contains(s.Required, y)
		if rx != ry {
			if rx {
				return -1
			}
			return 1
		}
		return cmp.Compare(x, y)
	})
	for _, name := range names {
		f := s.Properties[name]
		full := f
		if f.Ref != "" {
			full = reg.SchemaFromRef(f.Ref)
		}
		inner := join(path, name)
		out = append(out, fieldRow{Path: inner, Type: typeOf(full), About: cmp.Or(f.Description, full.Description), Required: slices.Contains(s.Required, name)})
		if full.Type == "object" || full.Type == "array" {
			out = append(out, rows(reg, full, inner, depth+1)...)
		}
	}
	return out
}

func typeOf(s *huma.Schema) string {
	t := s.Type
	if len(s.Enum) > 0 {
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			words[i] = fmt.Sprint(v)
		}
		t = strings.Join(words, " | ")
	} else if s.Format != "" && s.Type == "string" {
		t = s.Format
	}
	if s.Type == "array" {
		return "array"
	}
	var limits []string
	if s.Minimum != nil {
		limits = append(limits, "≥ "+strconv.FormatFloat(*s.Minimum, 'f', -1, 64))
	}
	if s.Maximum != nil {
		limits = append(limits, "≤ "+strconv.FormatFloat(*s.Maximum, 'f', -1, 64))
	}
	if s.MaxLength != nil {
		limits = append(limits, "≤ "+strconv.Itoa(*s.MaxLength)+" chars")
	}
	if len(limits) > 0 {
		t += ", " + strings.Join(limits, ", ")
	}
	return t
}

// curl writes an example call. $SUIYUE is the address of the site, $TOKEN a session token.
func curl(o operation, op *huma.Operation) string {
	path, query := o.path, url.Values{}
	for _, p := range op.Parameters {
		if p.Example == nil {
			continue
		}
		example := fmt.Sprint(p.Example)
		switch p.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(example))
		case "query":
			query.Set(p.Name, example)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var b strings.Builder
	b.WriteString("curl")
	if o.method != http.MethodGet {
		b.WriteString(" -X " + o.method)
	}
	b.WriteString(` "$SUIYUE` + Prefix + path + `"`)
	if o.signedIn {
		b.WriteString(" \\\n  -H \"Authorization: Bearer $TOKEN\"")
	}
	if o.write {
		b.WriteString(" \\\n  -H 'Idempotency-Key: 3f1c2a7e-booking-1'")
	}
	if op.RequestBody != nil && op.RequestBody.Required {
		body, err := json.Marshal(op.RequestBody.Content["application/json"].Example)
		if err != nil {
			panic("api: example: " + err.Error())
		}
		b.WriteString(" \\\n  -H 'Content-Type: application/json' \\\n  -d '" + string(body) + "'")
	}
	return b.String()
}
