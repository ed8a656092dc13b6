package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// Version of the API's contract. Within /api/v1 it only grows.
const Version = "1.0.0"

// general is what any operation may be refused with; signing and writing add theirs.
var (
	general = []fault.Code{fault.InvalidRequest, fault.MalformedRequest, fault.TooManyRequests, fault.InternalError, fault.Busy, fault.ShuttingDown}
	signing = []fault.Code{fault.SignInRequired, fault.SessionEnded}
	writing = []fault.Code{fault.KeyMissing, fault.KeyReused, fault.CrossSite, fault.OutcomeUnknown}
	bodied  = []fault.Code{fault.UnsupportedMedia, fault.BodyTooLarge, fault.CrossSite}
)

// config is huma without what it would add to a mux by itself.
func (a *API) config() huma.Config {
	return huma.Config{OpenAPI: &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Suiyue 穗約", Version: Version,
			Description: "Appointments for the government services of Guangzhou: search items, see what is free, book, move and cancel. " +
				"Times are RFC 3339 at +08:00, dates 2026-12-09. Names come in the language of Accept-Language (zh-Hans, zh-Hant, en).\n\n" +
				"Every write needs an Idempotency-Key of your own making: the same request under the same key is done once, however often it is sent. " +
				"After outcome_unknown, or no answer at all, send it again with the same key.\n\n" +
				"Refusals are application/problem+json with a stable code; /problems/{code} explains each. Requests are read strictly: " +
				"unknown fields, repeated fields and unknown parameters are refused, and nothing that was sent is repeated in an answer.\n\n" +
				"Lists come in pages: send next as cursor to go on.",
		},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"session":   {Type: "http", Scheme: "bearer", Description: "The session token."},
				"token":     {Type: "http", Scheme: "bearer", Description: "A token of an administrator's account, made in the console, within its scopes."},
				"signature": {Type: "http", Scheme: "signature", Description: "A key of a connected system: HTTP Message Signatures (RFC 9421) or the style of the provincial gateway. Covered are at least @method, @target-uri and, with a body, content-digest; created, keyid and a new nonce are said."},
				"cookie":    {Type: "apiKey", In: "cookie", Name: "__Host-suiyue", Description: "The session cookie of the pages. Writes with it must come from the site itself."},
			},
		},
	}}
}

// schemaName names a schema after its type, with a capital.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Name() == "" {
		return huma.DefaultSchemaNamer(t, hint)
	}
	return strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
}

// declare puts an operation into the document and makes ready what requests are checked against.
func (a *API) declare(o *operation, body, answer reflect.Type) {
	reg := a.huma.OpenAPI().Components.Schemas
	op := &huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Tags: []string{o.tag},
		Summary: web.En.T("api.op." + o.id), Description: o.about, Responses: map[string]*huma.Response{},
	}
	for i := range o.params {
		p := &o.params[i]
		p.shape = newShape(reg, &p.schema)
		op.Parameters = append(op.Parameters, &huma.Param{Name: p.name, In: p.in, Description: p.about, Required: p.in == "path", Schema: &p.schema, Example: p.example})
		if p.in == "path" {
			o.faults = append(o.faults, p.absent)
		}
	}
	codes := slices.Concat(general, o.faults)
	if o.admin {
		op.Security = []map[string][]string{{"token": {}}}
		codes = append(codes, signing...)
		if o.act != "" || o.scope != "" {
			codes = append(codes, fault.NotAllowed)
		}
	} else if o.signedIn {
		op.Security = []map[string][]string{{"session": {}}, {"cookie": {}}}
		codes = append(codes, signing...)
	}
	if o.client != "" {
		op.Security = append(op.Security, map[string][]string{"signature": {}})
		codes = append(codes, signatureFaults...)
	}
	if o.write {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: keyHeader, In: "header", Required: true, Schema: &keySchema, Example: "3f1c2a7e-booking-1",
			Description: "Of your own making, 8 to 64 characters of A–Z, a–z, 0–9, - and _; a new one for each new request.",
		})
		codes = append(codes, writing...)
	}
	if body != nil {
		codes = append(codes, bodied...)
		s := reg.Schema(body, true, "")
		op.RequestBody = &huma.RequestBody{
			Required: body != reflect.TypeFor[nothing](),
			Content:  map[string]*huma.MediaType{"application/json": {Schema: s, Example: example(reg, s)}},
		}
		a.shapes[o.id] = newShape(reg, s)
	}
	a.answers(o, op, answer)
	a.problems(op, codes)
	a.huma.OpenAPI().AddOperation(op)
	a.ops = append(a.ops, *o)
}

// answers documents the answer that is not a refusal.
func (a *API) answers(o *operation, op *huma.Operation, answer reflect.Type) {
	reg := a.huma.OpenAPI().Components.Schemas
	res := &huma.Response{Description: "Done", Headers: map[string]*huma.Header{}}
	status := o.status
	switch {
	case answer == reflect.TypeFor[none]():
		status = http.StatusNoContent
	case o.media != "":
		res.Content = map[string]*huma.MediaType{o.media: {Schema: &huma.Schema{Type: "string"}}}
	default:
		s := reg.Schema(answer, true, "")
		res.Content = map[string]*huma.MediaType{"application/json": {Schema: s}}
		a.shapes[o.id+" answer"] = newShape(reg, s)
	}
	if status == 0 {
		status = http.StatusOK
	}
	for name, about := range o.headers {
		res.Headers[name] = &huma.Header{Description: about, Schema: &huma.Schema{Type: "string"}}
	}
	if o.write && !o.admin && a.policy != "" {
		res.Headers["RateLimit-Policy"] = &huma.Header{Description: "How many writes one person may make.", Schema: &huma.Schema{Type: "string"}}
	}
	op.Responses[strconv.Itoa(status)] = res
	if slices.Contains(o.faults, fault.DrawRunning) && status == http.StatusCreated {
		op.Responses["202"] = &huma.Response{Description: "In a draw: nothing is booked yet.", Content: res.Content}
	}
	if _, ok := o.headers["ETag"]; ok {
		op.Responses["304"] = &huma.Response{Description: "What If-None-Match names still stands."}
		op.Parameters = append(op.Parameters, &huma.Param{Name: "If-None-Match", In: "header", Description: "The ETag of the answer you have.", Schema: &huma.Schema{Type: "string"}})
	}
}

// problems documents the refusals, by status.
func (a *API) problems(op *huma.Operation, codes []fault.Code) {
	reg := a.huma.OpenAPI().Components.Schemas
	s := reg.Schema(reflect.TypeFor[problem](), true, "")
	by := map[string][]string{}
	for _, c := range codes {
		status := strconv.Itoa(web.Status(fault.New(c)))
		if !slices.Contains(by[status], string(c)) {
			by[status] = append(by[status], string(c))
		}
	}
	for status, list := range by {
		slices.Sort(list)
		op.Responses[status] = &huma.Response{
			Description: strings.Join(list, ", "),
			Content:     map[string]*huma.MediaType{web.ProblemType: {Schema: s}},
		}
	}
}

// example makes an example of a body from the examples of its required fields.
func example(reg huma.Registry, s *huma.Schema) any {
	if s.Ref != "" {
		s = reg.SchemaFromRef(s.Ref)
	}
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Type == "object":
		out := map[string]any{}
		for _, name := range s.Required {
			out[name] = example(reg, s.Properties[name])
		}
		return out
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Type == "integer":
		return 1
	}
	return "…"
}

// sheet is the document in one form, with its tag.
type sheet struct {
	kind, tag string
	body      []byte
}

func newDocument(kind string, body []byte) sheet {
	sum := sha256.Sum256(body)
	return sheet{kind, `"` + hex.EncodeToString(sum[:8]) + `"`, body}
}

// finishDocument serves the document. It is written down when somebody asks for it the first time: that takes a
// tenth of a second, and most starts of a server are not for a reader.
func (a *API) finishDocument() {
	a.json = sync.OnceValue(func() sheet {
		plain, err := json.Marshal(a.huma.OpenAPI())
		if err != nil {
			panic("api: document: " + err.Error())
		}
		var b bytes.Buffer
		if err := json.Indent(&b, plain, "", "  "); err != nil {
			panic("api: document: " + err.Error())
		}
		b.WriteByte('\n')
		return newDocument("application/json", b.Bytes())
	})
	a.yaml = sync.OnceValue(func() sheet {
		yaml, err := a.huma.OpenAPI().YAML()
		if err != nil {
			panic("api: document: " + err.Error())
		}
		return newDocument("application/yaml", yaml)
	})
	serve := func(made func() sheet) http.Handler {
		return a.site.Handle(func(w http.ResponseWriter, r *http.Request) error {
			d := made()
			return d.serve(w, r)
		})
	}
	a.mux.Handle("GET "+Prefix+"/openapi.json", serve(a.json))
	a.mux.Handle("GET "+Prefix+"/openapi.yaml", serve(a.yaml))
	a.mux.Handle("GET /api/{$}", a.site.Handle(a.reference))
}

// Document returns the OpenAPI document as JSON.
func (a *API) Document() []byte { return bytes.Clone(a.json().body) }

func (d *sheet) serve(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("ETag", d.tag)
	if matches(r.Header.Get("If-None-Match"), d.tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", d.kind)
	h.Set("Content-Length", strconv.Itoa(len(d.body)))
	// An error here is the reader gone away.
	_, _ = w.Write(d.body)
	return nil
}

// matches tells whether If-None-Match names tag, compared weakly (RFC 9110).
func matches(header, tag string) bool {
	if header == "" {
		return false
	}
	if header == tag {
		return true
	}
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == tag || one == "*" {
			return true
		}
	}
	return false
}
