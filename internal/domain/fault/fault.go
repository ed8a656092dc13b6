// Package fault is the closed vocabulary of everything the product can answer other than yes.
//
// An Error has a Kind (what the edge does with it: HTTP status, page, exit code), a Code (stable
// for ever, part of the public contract; see codes.go) and Args that a sentence may mention.
// Sentences are written at the edge, in the reader's language. Args never hold personal data,
// and a refused value is never put into them.
package fault

import (
	"errors"
	"sort"
	"strings"
	"time"
)

// Kind says what sort of refusal an Error is. The edge maps each kind to one HTTP status.
type Kind string

const (
	Invalid     Kind = "invalid"     // 422: a field is wrong; Fields say which
	Malformed   Kind = "malformed"   // 400: could not be read at all
	SignIn      Kind = "sign_in"     // 401: nobody is signed in
	Forbidden   Kind = "forbidden"   // 403: this person may not
	NotFound    Kind = "not_found"   // 404: absent, or not theirs (the same answer)
	Conflict    Kind = "conflict"    // 409: the state of things forbids it now
	Gone        Kind = "gone"        // 410: was there, is over
	TooMany     Kind = "too_many"    // 429: slow down; RetryAfter says how long
	Unavailable Kind = "unavailable" // 503: try again; nothing was written, or the key finds out
	Internal    Kind = "internal"    // 500: our fault; detail stays in the log
)

// Field is one wrong field of a request: a path such as "applicant.document.number" and the code
// of what is wrong with it. It never holds the value.
type Field struct {
	Path string
	Code Code
}

// Error is a refusal or fault with a stable code.
type Error struct {
	Kind       Kind
	Code       Code
	Args       map[string]string // values a sentence may mention; never personal
	Fields     []Field           // for Invalid
	RetryAfter time.Duration     // for TooMany and Unavailable
	cause      error             // for the log only
}

// New makes the Error of a listed code. A code that is not in the table is a programmer error.
func New(code Code, args ...string) *Error {
	kind, ok := kinds[code]
	if !ok {
		panic("fault: unlisted code " + string(code))
	}
	if len(args)%2 != 0 {
		panic("fault: odd arguments for " + string(code))
	}
	e := &Error{Kind: kind, Code: code}
	if len(args) > 0 {
		e.Args = make(map[string]string, len(args)/2)
		for i := 0; i < len(args); i += 2 {
			e.Args[args[i]] = args[i+1]
		}
	}
	return e
}

// InvalidFields makes one Error for all wrong fields of a request.
func InvalidFields(fields ...Field) *Error {
	return &Error{Kind: Invalid, Code: InvalidRequest, Fields: fields}
}

// Wrap keeps cause for the log under a public code.
func Wrap(code Code, cause error, args ...string) *Error {
	e := New(code, args...)
	e.cause = cause
	return e
}

// After sets how long the caller should wait before asking again.
func (e *Error) After(d time.Duration) *Error {
	e.RetryAfter = d
	return e
}

// Error is for logs: code and arguments, never a value somebody typed.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	keys := make([]string, 0, len(e.Args))
	for k := range e.Args {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		b.WriteString(" " + k + "=" + e.Args[k])
	}
	for _, f := range e.Fields {
		b.WriteString(" " + f.Path + ":" + string(f.Code))
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is(err, fault.New(code)) compare codes.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// As returns err as an *Error; anything foreign becomes an Internal one that hides its text.
func As(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Wrap(InternalError, err)
}

// CodeOf returns the code of err, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return As(err).Code
}
