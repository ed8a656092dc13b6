package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"time"

	"suiyue/internal/domain/fault"
)

// Handler answers a request or says why not. It writes nothing before it returns an error.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Component is anything that renders itself as HTML; templ components are.
type Component interface {
	Render(ctx context.Context, w io.Writer) error
}

// FaultPage makes the page of a fault, given by the face that owns the look (ui.FaultPage).
type FaultPage func(r *http.Request, e *fault.Error) Component

// Handle makes an http.Handler of h: an error becomes a page or problem+json.
func (s *Site) Handle(h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if x := exchangeOf(r); x != nil {
			x.route = r.Pattern
		}
		if err := h(w, r); err != nil {
			s.Fail(w, r, err)
		}
	})
}

// Fail answers with a fault. The cause of an internal one goes to the log, never out. What was not done because
// the request's time was over is told as such, by a page that has time of its own.
func (s *Site) Fail(w http.ResponseWriter, r *http.Request, err error) {
	e := fault.As(err)
	gone := errors.Is(r.Context().Err(), context.Canceled)
	if over := r.Context().Err(); over != nil {
		r = r.WithContext(context.WithoutCancel(r.Context()))
		if e.Kind == fault.Internal && errors.Is(over, context.DeadlineExceeded) {
			e = fault.Wrap(fault.Busy, err).After(time.Second)
			s.log.LogAttrs(r.Context(), slog.LevelError, "request took too long",
				slog.String("request_id", RequestID(r)), slog.String("route", routeOf(r)), slog.Any("error", err))
		}
	}
	noteCode(r, e)
	if e.Kind == fault.Internal {
		level := slog.LevelError
		if gone && errors.Is(err, context.Canceled) {
			level = slog.LevelInfo // nobody waits for the answer any more
		}
		s.log.LogAttrs(r.Context(), level, "request failed",
			slog.String("request_id", RequestID(r)), slog.String("route", routeOf(r)), slog.Any("error", err))
	}
	if WantsJSON(r) || s.page == nil {
		WriteProblem(w, r, e)
		return
	}
	if n := retrySeconds(e); n > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(n))
	}
	if err := Render(w, r, Status(e), s.page(r, e)); err != nil {
		s.log.LogAttrs(r.Context(), slog.LevelError, "page of a fault failed",
			slog.String("request_id", RequestID(r)), slog.Any("error", err))
		WriteProblem(w, r, fault.New(fault.InternalError))
	}
}

// Note logs an error that changes nothing about the answer any more.
func (s *Site) Note(r *http.Request, what string, err error) {
	s.log.LogAttrs(r.Context(), slog.LevelError, what, slog.String("request_id", RequestID(r)), slog.String("route", routeOf(r)), slog.Any("error", err))
}

// Render writes a whole page, or nothing and the error. A page is personal unless the handler has
// set another Cache-Control before.
func Render(w http.ResponseWriter, r *http.Request, status int, c Component) error {
	var b bytes.Buffer
	b.Grow(16 << 10)
	if err := c.Render(r.Context(), &b); err != nil {
		return fault.Wrap(fault.InternalError, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", LocaleOf(r).Tag())
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Add("Vary", "Accept-Language, Cookie")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	// An error here is the reader gone away: nothing more can be said to them.
	_, _ = w.Write(b.Bytes())
	return nil
}

// SeeOther sends the browser on after a POST, so that reload and back are safe.
func SeeOther(w http.ResponseWriter, r *http.Request, path string) error {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

// ParseForm reads a form body; what is wrong with it comes back as a fault.
func ParseForm(r *http.Request) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if err := r.ParseForm(); err != nil {
			return fault.New(fault.MalformedRequest)
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return fault.New(fault.UnsupportedMedia)
	}
	if err := r.ParseForm(); err != nil {
		return BodyFault(err)
	}
	return nil
}

// BodyFault turns an error of reading a body into a fault: too large, or malformed.
func BodyFault(err error) error {
	if big := (*http.MaxBytesError)(nil); errors.As(err, &big) {
		return fault.New(fault.BodyTooLarge, "max", strconv.FormatInt(big.Limit>>10, 10))
	}
	return fault.New(fault.MalformedRequest)
}

// NotFound is the handler for addresses nobody serves.
func NotFound(http.ResponseWriter, *http.Request) error { return fault.New(fault.NoSuchPage) }

// Harden sets the timeouts and header limit a server on the open network needs.
func Harden(srv *http.Server) {
	srv.ReadHeaderTimeout = 5 * time.Second
	srv.ReadTimeout = 15 * time.Second
	srv.WriteTimeout = 45 * time.Second
	srv.IdleTimeout = 90 * time.Second
	srv.MaxHeaderBytes = 16 << 10
}
