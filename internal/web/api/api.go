// Package api is the JSON API under /api/v1, its OpenAPI 3.1 document and the pages that explain it.
//
// An operation is declared once: parameters, body and answer as huma schemas. The document is written
// from the declaration and requests are checked against it (shape.go), with codes of our own and
// without repeating anything somebody sent.
package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"suiyue/internal/app"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
)

// Prefix is where the operations are.
const Prefix = "/api/v1"

// MaxBody is the most a request body may hold, in bytes.
const MaxBody = 64 << 10

// Config of New. App, Site, Cookies and Key are required.
type Config struct {
	App     *app.App
	Site    *web.Site
	Cookies *web.Cookies
	Key     []byte // secret of at least 32 bytes, the same on every node: seals cursors

	// Account limits the writes of one signed-in person, Find the tries to find a booking, by client
	// address and by code. Faces share them; nil = no limit. AccountLimit is what Account was made
	// of, told in RateLimit-Policy.
	Account      *web.Limiter
	AccountLimit web.Limit
	Find         *web.Limiter

	// Often is how often one address may come to the waiting room before it asks for a proof of work; nil = ever.
	Often *web.Limiter

	// Flow says that a booking needs the token of the step before it (see quote.go).
	Flow bool

	// Public is the address people open: requests are signed with its scheme. "" = https.
	Public string

	// Admin limits the requests of one administrator's account; nil = no limit.
	Admin *web.Limiter
}

// API is the face. It is made by New and safe for concurrent use.
type API struct {
	app        *app.App
	site       *web.Site
	cookies    *web.Cookies
	cursors    cursors
	account    *web.Limiter
	find       *web.Limiter
	admin      *web.Limiter
	often      *web.Limiter
	flow       []byte // secret of the tokens of steps
	flowNeeded bool
	policy     string // RateLimit-Policy of writes, "" for none
	scheme     string // of the address people open
	mux        *http.ServeMux
	huma       huma.API
	ops        []operation // as declared
	shapes     map[string]*shape
	json       func() sheet
	yaml       func() sheet
}

// New declares every operation. A declaration that makes no sense panics.
func New(c Config) *API {
	if c.App == nil || c.Site == nil || c.Cookies == nil {
		panic("api: Config needs App, Site and Cookies")
	}
	a := &API{
		app: c.App, site: c.Site, cookies: c.Cookies, cursors: newCursors(c.Key), account: c.Account, find: c.Find, admin: c.Admin,
		often: c.Often, flow: flowKey(c.Key), flowNeeded: c.Flow, scheme: schemeOf(c.Public),
		mux: http.NewServeMux(), shapes: map[string]*shape{},
	}
	if c.Account != nil && c.AccountLimit.Rate > 0 {
		burst := max(c.AccountLimit.Burst, 1)
		a.policy = `"account";q=` + strconv.Itoa(burst) + `;w=` + strconv.Itoa(max(1, int(float64(burst)/c.AccountLimit.Rate)))
	}
	a.huma = humago.NewWithPrefix(a.mux, Prefix, a.config())
	a.declareDirectory()
	a.declareWaiting()
	a.declareBookings()
	a.declareQuote()
	a.declareDraws()
	a.declareBulletins()
	a.declareOpenData()
	a.declarePersons()
	a.declarePeople()
	a.declareWaitlist()
	a.declareStanding()
	a.declareClients()
	a.declareAdmin()
	a.declareFeed()
	a.declareFeedOut()
	a.finishDocument()
	return a
}

// Mount puts the API, its document and its pages onto a mux: everything under /api/ and /problems/.
func (a *API) Mount(mux *http.ServeMux) {
	mux.Handle("/api/", http.HandlerFunc(a.serve))
	mux.Handle("GET /problems/{code}", a.site.Handle(a.problemPage))
}

// serve finds the operation. What the mux would refuse in plain text is refused as a problem.
func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	if _, pattern := a.mux.Handler(r); pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	d := &discard{header: http.Header{}}
	a.mux.ServeHTTP(d, r)
	a.site.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if allow := d.header.Get("Allow"); d.status == http.StatusMethodNotAllowed && allow != "" {
			w.Header().Set("Allow", allow)
			return fault.New(fault.MethodNotAllowed)
		}
		return fault.New(fault.NoSuchPage)
	}).ServeHTTP(w, r)
}

// discard keeps status and headers of an answer that is not sent.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

// call is one request on its way through an operation.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	l      web.Locale
	who    *identity.Session // nil where nobody needs to be signed in
	ad     *app.Admin        // of an operation of administrators
	client *app.Client       // connected system that has signed it; nil = it came with a token
	key    string            // idempotency key of a write
	query  map[string]string

	status int // of the answer, where it is not the one the operation declares
}

// path returns a part of the path.
func (c *call) path(name string) string { return c.r.PathValue(name) }

// int returns a whole number from the query, which has been checked.
func (c *call) int(name string, otherwise int) int {
	if n, err := strconv.Atoi(c.query[name]); err == nil {
		return n
	}
	return otherwise
}

// who finds the signed-in person by Authorization: Bearer, else by the cookie.
func (a *API) who(r *http.Request) (*identity.Session, error) {
	token := ""
	if h := r.Header.Values("Authorization"); len(h) > 0 {
		scheme, value, _ := strings.Cut(h[0], " ")
		if len(h) > 1 || !strings.EqualFold(scheme, "Bearer") {
			return nil, fault.New(fault.SignInRequired)
		}
		token = strings.TrimSpace(value)
	} else {
		token = a.cookies.Session(r)
	}
	return a.app.Session(r.Context(), token)
}

// begin does what comes before the body: who, limits, key, query.
func (a *API) begin(o *operation, w http.ResponseWriter, r *http.Request) (*call, error) {
	c := &call{w: w, r: r, l: web.LocaleOf(r)}
	h := w.Header()
	if o.body > 0 {
		web.AllowBody(w, r, o.body)
	}
	if signs(o, r) {
		h.Set("Cache-Control", "no-store")
		var err error
		if c.client, err = a.client(o, w, r); err != nil {
			return nil, err
		}
	} else if o.admin {
		h.Set("Cache-Control", "no-store")
		var err error
		if c.ad, err = a.administrator(o, r); err != nil {
			if fault.As(err).Kind == fault.SignIn {
				h.Set("WWW-Authenticate", "Bearer")
			}
			return nil, err
		}
	} else if o.signedIn {
		h.Set("Cache-Control", "no-store")
		var err error
		if c.who, err = a.who(r); err != nil {
			if fault.As(err).Kind == fault.SignIn {
				h.Set("WWW-Authenticate", "Bearer")
			}
			return nil, err
		}
	} else if o.method == http.MethodPost {
		h.Set("Cache-Control", "no-store")
	}
	if o.write && c.who != nil && a.account != nil {
		if a.policy != "" {
			h.Set("RateLimit-Policy", a.policy)
		}
		if wait := a.account.Take(string(c.who.Person.Key)); wait > 0 {
			h.Set("RateLimit", `"account";r=0;t=`+strconv.Itoa(int(wait.Seconds())+1))
			return nil, fault.New(fault.TooManyRequests).After(wait)
		}
	}
	var wrong []fault.Field
	if o.write {
		keys := r.Header.Values(keyHeader)
		switch {
		case len(keys) == 0 || keys[0] == "":
			return nil, fault.New(fault.KeyMissing)
		case len(keys) > 1:
			wrong = append(wrong, fault.Field{Path: keyHeader, Code: fault.DuplicateField})
		default:
			c.key = keys[0]
			if code := keyShape.param(c.key); code != "" {
				wrong = append(wrong, fault.Field{Path: keyHeader, Code: code})
			}
		}
	}
	for i := range o.params {
		p := &o.params[i]
		if p.in == "path" && !sound(strings.TrimSuffix(r.PathValue(p.name), ".ics")) {
			return nil, fault.New(p.absent)
		}
	}
	if r.URL.RawQuery != "" {
		more, err := c.readQuery(o)
		if err != nil {
			return nil, err
		}
		wrong = append(wrong, more...)
	}
	if len(wrong) > 0 {
		return nil, fault.InvalidFields(wrong...)
	}
	return c, nil
}

// sound tells whether a part of a path can be a name of anything here.
func sound(s string) bool {
	if s == "" || len(s) > 96 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}

// readQuery takes the parameters the operation declares and refuses any other.
func (c *call) readQuery(o *operation) (wrong []fault.Field, err error) {
	q, err := parseQuery(c.r)
	if err != nil {
		return nil, err
	}
	c.query = map[string]string{}
	known := 0
	for i := range o.params {
		p := &o.params[i]
		values, there := q[p.name]
		if p.in != "query" || !there {
			continue
		}
		known++
		if len(values) > 1 {
			wrong = append(wrong, fault.Field{Path: p.name, Code: fault.DuplicateField})
		} else if code := p.shape.param(values[0]); code != "" {
			wrong = append(wrong, fault.Field{Path: p.name, Code: code})
		}
		c.query[p.name] = values[0]
	}
	if known < len(q) {
		wrong = append(wrong, fault.Field{Path: "query", Code: fault.UnknownField})
	}
	return wrong, nil
}

// readBody reads a JSON body of at most so many bytes and checks it against the shape. An operation without a body (nil shape
// fields) takes none, or an empty object.
func readBody(w http.ResponseWriter, r *http.Request, s *shape, optional bool, most int64) ([]byte, error) {
	body, err := readRaw(w, r, optional, most)
	if err != nil || body == nil {
		return nil, err
	}
	wrong, err := s.check(body)
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		return nil, fault.InvalidFields(wrong...)
	}
	return body, nil
}

// readParts reads a JSON body of which an array has its items apart, at most so many bytes, and returns them.
func readParts(w http.ResponseWriter, r *http.Request, s *shape, most int64) ([]json.RawMessage, error) {
	body, err := readRaw(w, r, false, most)
	if err != nil {
		return nil, err
	}
	parts, wrong, err := s.split(body)
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		return nil, fault.InvalidFields(wrong...)
	}
	return parts, nil
}

// readRaw reads a JSON body of at most so many bytes; nil for none where it is optional.
func readRaw(w http.ResponseWriter, r *http.Request, optional bool, most int64) ([]byte, error) {
	if r.ContentLength > most {
		return nil, tooLarge(most)
	}
	kind := r.Header.Get("Content-Type")
	if kind == "" && optional {
		b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
		switch {
		case err != nil:
			return nil, bodyFault(err, most)
		case len(b) > 0:
			return nil, fault.New(fault.UnsupportedMedia)
		}
		return nil, nil
	}
	if kind != "application/json" {
		media, params, err := mime.ParseMediaType(kind)
		if err != nil || media != "application/json" || len(params) > 0 && !strings.EqualFold(params["charset"], "utf-8") {
			return nil, fault.New(fault.UnsupportedMedia)
		}
	}
	if r.Header.Get("Content-Encoding") != "" {
		return nil, fault.New(fault.UnsupportedMedia)
	}
	var buf bytes.Buffer
	buf.Grow(max(int(r.ContentLength), 512) + bytes.MinRead)
	if _, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, most)); err != nil {
		return nil, bodyFault(err, most)
	}
	body := buf.Bytes()
	if optional && len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	return body, nil
}

func bodyFault(err error, most int64) error {
	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		return fault.New(fault.BodyTooLarge, "max", strconv.FormatInt(most>>10, 10))
	}
	return web.BodyFault(err)
}

func tooLarge(most int64) error {
	return fault.New(fault.BodyTooLarge, "max", strconv.FormatInt(most>>10, 10))
}
