// Package department speaks to a department's own booking system for delegated booking: the platform takes a place there
// for somebody who books here. A place is held, confirmed and released under an id of the platform's, and each of these can
// be repeated; who got no answer asks again. The protocol is that of docs/connected-systems.md, "The adapter of a department".
package department

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"suiyue/internal/domain/calendar"
)

// State is what has become of a hold. An id has one life: what is released or expired never comes back.
type State string

const (
	Held      State = "held"      // a place is kept until Expires
	Confirmed State = "confirmed" // the person comes
	Released  State = "released"  // given back, before or after it was confirmed; also an id that was released before it was held
	Expired   State = "expired"   // not confirmed in time
)

// Ask is what is asked for under an id.
type Ask struct {
	HallID    string
	QueueID   string
	Date      calendar.Date
	Hour      int
	Item      string
	Units     int
	Applicant string    // opaque reference, the same for the same applicant; nobody can be found by it
	Expires   time.Time // whole seconds: until when it is held at most
}

// Hold is what the department says of an id. Of one that is released or expired only ID and State are said.
type Hold struct {
	ID     string
	State  State
	Ask           // Expires may be sooner than it was asked for
	Number string // the department's own number of a confirmed hold, "" for none
}

// Place is one hour of a queue as the department has it.
type Place struct {
	HallID   string
	QueueID  string
	Date     calendar.Date
	Hour     int
	Capacity int
	Taken    int // held and confirmed
}

// Bounds of the protocol.
const (
	LeastID    = 8
	MostID     = 64
	MostNumber = 32
	MostUnits  = 1000
	MostDays   = 31     // of one question for capacity
	mostPlaces = 20_000 // of one answer
	mostHold   = 16 << 10

	mostPlacesBytes = 4 << 20
)

// Code says why a department says no.
type Code string

const (
	BadRequest   Code = "bad_request"  // could not be read
	Invalid      Code = "invalid"      // a field is wrong
	SlotUnknown  Code = "slot_unknown" // no such hall, queue or hour, or the item is not done there
	HoldUnknown  Code = "hold_unknown" // nothing was ever asked under that id
	HoldDiffers  Code = "hold_differs" // something else was asked for under that id
	SoldOut      Code = "sold_out"
	HoldExpired  Code = "hold_expired"
	HoldReleased Code = "hold_released"
	Unsigned     Code = "signature_refused"
	Busy         Code = "busy" // nothing was done; ask again after Retry-After
)

// Statuses has the HTTP status of each code.
var Statuses = map[Code]int{
	BadRequest: http.StatusBadRequest, Invalid: http.StatusUnprocessableEntity, SlotUnknown: http.StatusNotFound, HoldUnknown: http.StatusNotFound,
	HoldDiffers: http.StatusConflict, SoldOut: http.StatusConflict, HoldExpired: http.StatusConflict, HoldReleased: http.StatusConflict,
	Unsigned: http.StatusUnauthorized, Busy: http.StatusServiceUnavailable,
}

// Refusal is a no: nothing was done.
type Refusal struct {
	Code       Code
	RetryAfter time.Duration // of Busy; 0 where nothing was said
}

func (r *Refusal) Error() string { return "department: " + string(r.Code) }

// Refused returns the code of a Refusal in err, "" for any other error and for nil.
func Refused(err error) Code {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// ErrUnknown says that no answer came that can be relied on: whether it was done is not known. Ask again.
var ErrUnknown = errors.New("department: outcome unknown")

// ErrNotSent says that the department was not reached: nothing was done.
var ErrNotSent = errors.New("department: not reached")

// WrongAnswer is an answer that is not of the protocol, in a word for the log; it is an ErrUnknown.
type WrongAnswer struct{ What string }

func (w *WrongAnswer) Error() string {
	return "department: an answer that is not of the protocol: " + w.What
}

// Is makes a WrongAnswer an ErrUnknown.
func (w *WrongAnswer) Is(target error) bool { return target == ErrUnknown }

func wrong(format string, args ...any) error { return &WrongAnswer{fmt.Sprintf(format, args...)} }

// CheckID tells whether id can be that of a hold: 8 to 64 letters, digits, dots, hyphens and underscores, and not all dots.
func CheckID(id string) bool {
	named := false
	for n := range len(id) {
		c := id[n]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			named = true
		} else if c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return named && len(id) >= LeastID && len(id) <= MostID
}
