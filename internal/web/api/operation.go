package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
)

// operation declares one operation of the API.
type operation struct {
	id, method, path string
	tag              string
	about            string // sentence of the document
	params           []param
	signedIn         bool
	write            bool  // needs an Idempotency-Key and counts against the account's limit
	status           int   // of the answer; 0 = 200, or 204 when there is nothing to say
	body             int64 // the most its body may hold, in bytes; 0 = MaxBody
	media            string
	headers          map[string]string // of the answer, with what they mean
	faults           []fault.Code      // besides those any operation may give
	cache            string            // Cache-Control of the answer where nobody is signed in

	admin bool           // of administrators: a token, never a cookie
	act   account.Action // admin: what it needs; "" for any token
	or    account.Action // admin: or this one
	scope app.Scope      // admin: the token needs this scope, whatever else
	hall  string         // admin: part of the path that is the hall it needs act over; "" = over some hall, or the platform

	client oversight.ClientScope // takes the signed request of a connected system whose key has this scope; with admin, in place of a token
}

// most is how many bytes a body of the operation may hold.
func (o *operation) most() int64 {
	if o.body > 0 {
		return o.body
	}
	return MaxBody
}

// param declares a part of the path or of the query.
type param struct {
	name, in string
	about    string
	schema   huma.Schema
	example  any
	absent   fault.Code // path: what a part that can name nothing is answered with
	shape    *shape
}

const keyHeader = "Idempotency-Key"

var keySchema = huma.Schema{Type: "string", Pattern: `^[A-Za-z0-9_-]{8,64}$`}

var keyShape = newShape(nil, &keySchema)

func inPath(name, about string, example any, absent fault.Code) param {
	return param{name: name, in: "path", about: about, schema: huma.Schema{Type: "string"}, example: example, absent: absent}
}

func inQuery(name, about string, example any, s huma.Schema) param {
	return param{name: name, in: "query", about: about, schema: s, example: example}
}

func text(most int) huma.Schema { return huma.Schema{Type: "string", MaxLength: &most} }

func choice(values ...any) huma.Schema { return huma.Schema{Type: "string", Enum: values} }

func whole(least, most float64, otherwise int) huma.Schema {
	return huma.Schema{Type: "integer", Minimum: &least, Maximum: &most, Default: otherwise}
}

var yesNo = huma.Schema{Type: "boolean"}

// none is the answer of an operation that has nothing to say.
type none struct{}

// written stands for an answer of type T that the operation has written itself.
type written[T any] struct{}

func (written[T]) written() reflect.Type { return reflect.TypeFor[T]() }

type isWritten interface{ written() reflect.Type }

// answerType is what an operation that returns O answers with.
func answerType[O any]() reflect.Type {
	if w, ok := any(*new(O)).(isWritten); ok {
		return w.written()
	}
	return reflect.TypeFor[O]()
}

// read declares an operation without a body.
func read[O any](a *API, o operation, h func(*call) (O, error)) {
	a.declare(&o, nil, answerType[O]())
	a.route(&o, func(c *call) (any, error) { return h(c) })
}

// write declares an operation with a JSON body, which may be left out when B is nothing.
func write[B, O any](a *API, o operation, h func(*call, *B) (O, error)) {
	bodyType := reflect.TypeFor[B]()
	a.declare(&o, bodyType, answerType[O]())
	s := a.shapes[o.id]
	optional := bodyType == reflect.TypeFor[nothing]()
	a.route(&o, func(c *call) (any, error) {
		body, err := readBody(c.w, c.r, s, optional, o.most())
		if err != nil {
			return nil, err
		}
		b := new(B)
		if body != nil {
			if err := json.Unmarshal(body, b); err != nil {
				return nil, fault.New(fault.MalformedRequest)
			}
		}
		return h(c, b)
	})
}

// route puts the operation where it is asked for.
func (a *API) route(o *operation, h func(*call) (any, error)) {
	op := *o
	handler := a.site.Handle(func(w http.ResponseWriter, r *http.Request) error {
		c, err := a.begin(&op, w, r)
		if err == nil {
			var out any
			if out, err = h(c); err == nil {
				return c.answer(&op, out)
			}
		}
		return a.refuse(w, r, err)
	})
	a.huma.Adapter().Handle(&huma.Operation{Method: op.method, Path: op.path}, func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		handler.ServeHTTP(w, r)
	})
}

// answer writes what an operation came to.
func (c *call) answer(o *operation, out any) error {
	h := c.w.Header()
	switch out.(type) {
	case isWritten:
		return nil
	case none:
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		return fault.Wrap(fault.InternalError, err)
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Language", c.l.Tag())
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Add("Vary", "Accept-Language, Cookie")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", o.cache)
	}
	status := o.status
	if c.status != 0 {
		status = c.status
	}
	if status == 0 {
		status = http.StatusOK
	}
	c.w.WriteHeader(status)
	// An error here is the reader gone away.
	_, _ = c.w.Write(b.Bytes())
	return nil
}

// parseQuery reads the query strictly: what the standard reader would drop is refused.
func parseQuery(r *http.Request) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(q) > 32 {
		return nil, fault.New(fault.MalformedRequest)
	}
	return q, nil
}

// refuse lets the site answer a fault, and itself answers one to which the operation can say what
// could be had instead.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) error {
	e := fault.As(err)
	if e.Args["here"] == "" && e.Args["elsewhere"] == "" && e.Args["code"] == "" && e.Args["place"] == "" && e.Args["applicant"] == "" && e.Args["after"] == "" {
		return err
	}
	l := web.LocaleOf(r)
	p := problemOf(web.ProblemOf(l, e, web.RequestID(r)))
	p.Booking = e.Args["code"]
	p.position(e)
	p.Applicant, _ = strconv.Atoi(e.Args["applicant"])     // 0 for none
	p.After, _ = strconv.ParseInt(e.Args["after"], 10, 64) // the same
	for _, name := range []string{"here", "elsewhere"} {
		if alt, ok := a.alternative(l, e.Args[name]); ok {
			p.Alternatives = append(p.Alternatives, alt)
		}
	}
	web.WriteProblem(headOnly{w}, r, e)
	w.WriteHeader(p.Status)
	// An error here is the reader gone away.
	_ = json.NewEncoder(w).Encode(p)
	return nil
}

// headOnly lets a problem's headers through and keeps its body back.
type headOnly struct{ http.ResponseWriter }

func (headOnly) WriteHeader(int)             {}
func (headOnly) Write(b []byte) (int, error) { return len(b), nil }

func problemOf(p web.Problem) problem {
	out := problem{
		Type: p.Type, Title: p.Title, Status: p.Status, Detail: p.Detail, Code: string(p.Code),
		RetryAfter: p.RetryAfter, RequestID: p.RequestID,
	}
	for _, f := range p.Errors {
		out.Errors = append(out.Errors, problemField{f.Path, string(f.Code), f.Detail})
	}
	return out
}

func (a *API) alternative(l web.Locale, id string) (alternative, bool) {
	v, ok := a.app.Slot(id)
	if !ok {
		return alternative{}, false
	}
	queue := strings.TrimSuffix(id, id[len(id)-len("-20060102-15"):])
	q := a.app.City().Queue(queue)
	if q == nil {
		return alternative{}, false
	}
	out := alternative{Slot: id, Queue: queue, Start: v.Date.At(v.Hour, 0), Free: v.Free}
	if h := a.app.City().Hall(q.HallID); h != nil {
		out.Hall = l.Text(h.Name)
	}
	return out, true
}
