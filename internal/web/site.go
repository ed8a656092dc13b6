package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
)

// Options is what a Site is made of. Log and Now are required, the rest has a safe zero value.
type Options struct {
	Log        *slog.Logger
	Now        func() time.Time
	Secure     bool                         // served over https: HSTS, __Host- cookies
	Trusted    []netip.Prefix               // proxies whose X-Forwarded-For is believed
	FormAction []string                     // origins a form may end up at besides our own (the identity platform)
	Frames     map[booking.Channel][]string // origins in whose pages ours may stand, by entrance; see InFrame
	Page       FaultPage                    // pages of faults; nil answers problem+json only
	Address    Limit                        // requests per client address; zero = no limit
	MaxBody    int64                        // bytes of a request body; 0 = 64 KiB
	Timeout    time.Duration                // of one request's context; 0 = 20 s
	Observe    func(Observation)            // called after each request, for metrics; may be nil
	Streams    int                          // answers without an end that are open at once; 0 = 20 000

	// Known names the machine of ours a request comes from, "" for none. It is asked before anything is
	// read and must not be fooled: Address does not count for such a machine, Machine does. A hall's
	// displays share one address.
	Known   func(*http.Request) string
	Machine Limit // requests of one such machine; zero = no limit
}

// Observation is what one answered request looked like. Route is the pattern, never the path.
type Observation struct {
	Method   string
	Route    string
	Status   int
	Code     fault.Code // of the refusal, "" for none
	Bytes    int64
	Duration time.Duration
}

// Site is the shared part of all faces. It is made by New and safe for concurrent use.
type Site struct {
	log       *slog.Logger
	now       func() time.Time
	secure    bool
	trusted   []netip.Prefix
	headers   []header
	frames    map[booking.Channel][]string
	page      FaultPage
	address   *Limiter
	maxBody   int64
	timeout   time.Duration
	observe   func(Observation)
	streams   *streams
	downloads atomic.Int64 // that are being written
	known     func(*http.Request) string
	machine   *Limiter
	origins   *http.CrossOriginProtection
}

// New makes a Site.
func New(o Options) *Site {
	if o.Log == nil || o.Now == nil {
		panic("web: Options need Log and Now")
	}
	s := &Site{
		log: o.Log, now: o.Now, secure: o.Secure, trusted: o.Trusted, page: o.Page,
		headers: secureHeaders(contentPolicy(o.FormAction), o.Secure), frames: o.Frames, maxBody: o.MaxBody, timeout: o.Timeout,
		observe: o.Observe, origins: http.NewCrossOriginProtection(), streams: newStreams(o.Streams), known: o.Known,
	}
	if o.Machine.Rate > 0 {
		s.machine = NewLimiter(o.Machine, o.Now)
	}
	if o.Address.Rate > 0 {
		s.address = NewLimiter(o.Address, o.Now)
	}
	if s.maxBody == 0 {
		s.maxBody = 64 << 10
	}
	if s.timeout == 0 {
		s.timeout = 20 * time.Second
	}
	return s
}

// exchange is what the middleware knows of one request; it travels in the context.
type exchange struct {
	id     string
	route  string
	code   fault.Code
	addr   netip.Addr
	locale Locale
	elder  bool
	via    booking.Channel
	body   io.ReadCloser   // as it came, before it was bounded
	whole  context.Context // of the request, before it was bounded
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange {
	x, _ := r.Context().Value(exchangeKey{}).(*exchange)
	return x
}

// AllowBody lets the body of this request be larger than the site's, for a handler that takes files. It
// must be called before anything is read of it.
func AllowBody(w http.ResponseWriter, r *http.Request, max int64) {
	if x := exchangeOf(r); x != nil && x.body != nil {
		r.Body = http.MaxBytesReader(w, x.body, max)
	}
}

// RequestID returns the id of this request, "" outside of Wrap.
func RequestID(r *http.Request) string {
	if x := exchangeOf(r); x != nil {
		return x.id
	}
	return ""
}

// LocaleOf returns the language of this request.
func LocaleOf(r *http.Request) Locale {
	if x := exchangeOf(r); x != nil {
		return x.locale
	}
	l, _ := chooseLocale(r)
	return l
}

// ElderOf tells whether this request is in the elder edition.
func ElderOf(r *http.Request) bool {
	if x := exchangeOf(r); x != nil {
		return x.elder
	}
	elder, _ := chooseElder(r)
	return elder
}

// ViaOf returns through which entrance this person came, booking.Web for our own.
func ViaOf(r *http.Request) booking.Channel {
	if x := exchangeOf(r); x != nil {
		return x.via
	}
	via, _ := chooseVia(r)
	return via
}

// AddrOf returns the client's address as trusted proxies tell it; invalid outside of Wrap.
func AddrOf(r *http.Request) netip.Addr {
	if x := exchangeOf(r); x != nil {
		return x.addr
	}
	return netip.Addr{}
}

func routeOf(r *http.Request) string {
	if x := exchangeOf(r); x != nil && x.route != "" {
		return x.route
	}
	return r.Pattern
}

func noteCode(r *http.Request, e *fault.Error) {
	if x := exchangeOf(r); x != nil {
		x.code = e.Code
	}
}

// Wrap goes around the whole mux: request id, language, headers, limits, cross-site protection,
// recovery, access log.
func (s *Site) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.now()
		x := &exchange{id: rand.Text(), addr: clientAddr(r, s.trusted)}
		var setLocale, setElder, setVia bool
		x.locale, setLocale = chooseLocale(r)
		x.elder, setElder = chooseElder(r)
		x.via, setVia = chooseVia(r)

		x.whole = context.WithValue(r.Context(), exchangeKey{}, x)
		ctx, cancel := context.WithTimeout(x.whole, s.timeout)
		defer cancel()
		r = r.WithContext(ctx)
		rec := &recorder{ResponseWriter: w}
		s.secureHeaders(rec.Header())
		rec.Header().Set("X-Request-Id", x.id)
		if setLocale {
			s.remember(rec, localeCookie, string(x.locale), aYear)
		}
		if setElder {
			s.remember(rec, editionCookie, map[bool]string{true: "elder", false: "normal"}[x.elder], aYear)
		}
		if setVia {
			s.remember(rec, viaCookie, string(x.via), viaLife)
		}

		defer func() {
			v := recover()
			if v == http.ErrAbortHandler { // a download that is cut off: the connection ends, and the log has it
				s.finish(rec, r, x, start)
			}
			if v != nil {
				s.recovered(rec, r, v)
			}
			s.finish(rec, r, x, start)
		}()

		if wait := s.take(r, x.addr); wait > 0 {
			s.Fail(rec, r, fault.New(fault.TooManyRequests).After(wait))
			return
		}
		if err := s.origins.Check(r); err != nil {
			s.Fail(rec, r, fault.New(fault.CrossSite))
			return
		}
		if r.Body != nil {
			x.body = r.Body
			r.Body = http.MaxBytesReader(rec, x.body, s.maxBody)
		}
		next.ServeHTTP(rec, r)
	})
}

// take uses one request of the allowance of where it comes from, and returns how long to wait when there
// is none left.
func (s *Site) take(r *http.Request, addr netip.Addr) time.Duration {
	if s.known != nil {
		if id := s.known(r); id != "" {
			if s.machine == nil {
				return 0
			}
			return s.machine.Take(id)
		}
	}
	if s.address == nil {
		return 0
	}
	return s.address.Take(addressKey(addr))
}

// recovered answers a panic as an internal fault. Its value may hold anything, so only its type and
// the stack are logged.
func (s *Site) recovered(w *recorder, r *http.Request, v any) {
	if v == http.ErrAbortHandler {
		panic(v)
	}
	s.log.LogAttrs(r.Context(), slog.LevelError, "panic",
		slog.String("request_id", RequestID(r)), slog.String("route", routeOf(r)),
		slog.String("type", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
	if w.status == 0 {
		s.Fail(w, r, fault.New(fault.InternalError))
		return
	}
	noteCode(r, fault.New(fault.InternalError))
}

func (s *Site) finish(w *recorder, r *http.Request, x *exchange, start time.Time) {
	route := routeOf(r)
	if route == "" {
		route = "none"
	}
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	took := s.now().Sub(start)
	method := r.Method
	if !knownMethod(method) {
		method = "OTHER"
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.id), slog.String("method", method), slog.String("route", route),
		slog.Int("status", status), slog.Int64("bytes", w.bytes), slog.Duration("took", took),
		slog.String("lang", string(x.locale)),
	}
	if x.code != "" {
		attrs = append(attrs, slog.String("code", string(x.code)))
	}
	s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", attrs...)
	if s.observe != nil {
		s.observe(Observation{Method: method, Route: route, Status: status, Code: x.code, Bytes: w.bytes, Duration: took})
	}
}

func knownMethod(m string) bool {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return true
	}
	return false
}

func (s *Site) remember(w http.ResponseWriter, name, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: seconds, Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// recorder remembers status and size for the log.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func contentPolicy(formAction []string) string {
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
		"font-src 'self'", "connect-src 'self'", "manifest-src 'self'", "worker-src 'none'",
		strings.Join(append([]string{"form-action 'self'"}, formAction...), " "),
		"base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'",
	}, "; ")
}

// Connect lets the scripts of this answer's page talk to another origin beside ours: a program on the machine
// itself. Who calls it has checked what origin that is.
func Connect(w http.ResponseWriter, origin string) {
	if p := w.Header().Get("Content-Security-Policy"); p != "" && !strings.ContainsAny(origin, " ;,'\"\n") {
		w.Header().Set("Content-Security-Policy", strings.Replace(p, "connect-src 'self'", "connect-src 'self' "+origin, 1))
	}
}

// Workers lets this answer's page register a worker of ours; no other page may.
func Workers(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "worker-src 'none'", "worker-src 'self'", 1))
}

// InFrame lets this answer stand inside the pages of an entrance, and returns false where none of its origins may hold
// ours. Such a page changes nothing and reads no cookie: what it leads to opens over the whole window.
func (s *Site) InFrame(w http.ResponseWriter, entrance booking.Channel) bool {
	origins := s.frames[entrance]
	if len(origins) == 0 {
		return false
	}
	h := w.Header()
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "frame-ancestors 'none'", "frame-ancestors "+strings.Join(origins, " "), 1))
	h.Del("X-Frame-Options") // it can name no origin, and whoever reads the policy leaves it aside
	return true
}

// secureHeaders are on every answer. The values are made once and shared by all: whoever sets another puts a
// slice of its own in place.
func (s *Site) secureHeaders(h http.Header) {
	for _, p := range s.headers {
		h[p.key] = p.value
	}
}

type header struct {
	key   string // canonical
	value []string
}

func secureHeaders(policy string, secure bool) []header {
	list := []header{
		{"Content-Security-Policy", []string{policy}},
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"X-Frame-Options", []string{"DENY"}},
		{"Referrer-Policy", []string{"same-origin"}},
		{"Permissions-Policy", []string{"camera=(), microphone=(), payment=(), usb=(), geolocation=(self)"}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
		{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
	}
	if secure {
		list = append(list, header{"Strict-Transport-Security", []string{"max-age=31536000; includeSubDomains"}})
	}
	return list
}
