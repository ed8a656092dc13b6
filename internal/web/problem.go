package web

import (
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/domain/fault"
)

// Problem is the JSON form of a fault (RFC 9457, application/problem+json). It never holds a value
// somebody sent.
type Problem struct {
	Type       string         `json:"type"`                  // "/problems/<code>"
	Title      string         `json:"title"`                 // the kind, in the reader's language
	Status     int            `json:"status"`                // the HTTP status
	Detail     string         `json:"detail"`                // the sentence of the code
	Code       fault.Code     `json:"code"`                  // stable for ever
	Errors     []ProblemField `json:"errors,omitempty"`      // which fields are wrong
	RetryAfter int            `json:"retry_after,omitempty"` // seconds
	RequestID  string         `json:"request_id,omitempty"`
}

// ProblemField is one wrong field.
type ProblemField struct {
	Path   string     `json:"path"`
	Code   fault.Code `json:"code"`
	Detail string     `json:"detail"`
}

// ProblemType is the media type of a Problem.
const ProblemType = "application/problem+json"

// statuses is the one table from kind to HTTP status.
var statuses = map[fault.Kind]int{
	fault.Invalid:     http.StatusUnprocessableEntity,
	fault.Malformed:   http.StatusBadRequest,
	fault.SignIn:      http.StatusUnauthorized,
	fault.Forbidden:   http.StatusForbidden,
	fault.NotFound:    http.StatusNotFound,
	fault.Conflict:    http.StatusConflict,
	fault.Gone:        http.StatusGone,
	fault.TooMany:     http.StatusTooManyRequests,
	fault.Unavailable: http.StatusServiceUnavailable,
	fault.Internal:    http.StatusInternalServerError,
}

// exact holds the codes for which HTTP has a status of their own.
var exact = map[fault.Code]int{
	fault.UnsupportedMedia: http.StatusUnsupportedMediaType,
	fault.BodyTooLarge:     http.StatusRequestEntityTooLarge,
	fault.MethodNotAllowed: http.StatusMethodNotAllowed,
}

// Status returns the HTTP status of a fault.
func Status(e *fault.Error) int {
	if s, ok := exact[e.Code]; ok {
		return s
	}
	if s, ok := statuses[e.Kind]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// Sentence is what a fault says to a person, with its arguments.
func (l Locale) Sentence(e *fault.Error) string {
	args := make([]string, 0, 2*len(e.Args)+2)
	for _, k := range slices.Sorted(maps.Keys(e.Args)) {
		args = append(args, k, l.argument(e.Args[k]))
	}
	return l.T("fault."+string(e.Code), args...)
}

// FieldSentence says what is wrong with one field, under its label: 「姓名：请填写这一项」. An empty
// label leaves the sentence alone.
func (l Locale) FieldSentence(label string, code fault.Code) string {
	s := l.T("fault." + string(code))
	if label == "" {
		return s
	}
	return l.T("field.error", "label", label, "error", s)
}

// ProblemOf writes a fault as a Problem in the given language.
func ProblemOf(l Locale, e *fault.Error, requestID string) Problem {
	p := Problem{
		Type:       "/problems/" + string(e.Code),
		Title:      l.T("kind." + string(e.Kind)),
		Status:     Status(e),
		Detail:     l.Sentence(e),
		Code:       e.Code,
		RetryAfter: retrySeconds(e),
		RequestID:  requestID,
	}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, ProblemField{Path: f.Path, Code: f.Code, Detail: l.FieldSentence("", f.Code)})
	}
	return p
}

func retrySeconds(e *fault.Error) int {
	if e.RetryAfter <= 0 {
		return 0
	}
	return max(1, int(math.Ceil(e.RetryAfter.Seconds())))
}

// WriteProblem answers with problem+json, for the faces that speak JSON.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	e := fault.As(err)
	noteCode(r, e)
	p := ProblemOf(LocaleOf(r), e, RequestID(r))
	h := w.Header()
	h.Set("Content-Type", ProblemType)
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	w.WriteHeader(p.Status)
	// Whoever asked may be gone; the access log has the status.
	_ = json.NewEncoder(w).Encode(p)
}

// WantsJSON tells whether a failure should be answered as problem+json: everything under /api/, and
// whoever accepts JSON but not HTML.
func WantsJSON(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		return true
	}
	a := r.Header.Get("Accept")
	return strings.Contains(a, "json") && !strings.Contains(a, "text/html")
}
