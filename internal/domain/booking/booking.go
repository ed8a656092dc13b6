// Package booking decides: who may have which number, when, and what must change for it. Decisions
// are pure functions of (now, facts, request); the store supplies the facts and applies the change.
package booking

import (
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/identity"
)

// Slot is one queue, one date, one hour, with its numbers.
type Slot struct {
	ID          string // queue id + "-" + yyyymmdd + "-" + hh
	HallID      string
	QueueID     string
	Date        calendar.Date
	Hour        int
	Capacity    int // off-site numbers
	Taken       int // off-site numbers taken
	Held        int // off-site numbers that came free and are the waitlist's first (Art. 15)
	OnSite      int // on-site numbers, on top of Capacity (Art. 14: at most 10 % of the day)
	OnSiteTaken int
	Release     time.Time // from when off-site numbers can be had (Art. 14)
	Closed      bool
}

// Start and End return the hour's instants.
func (s Slot) Start() time.Time { return s.Date.At(s.Hour, 0) }
func (s Slot) End() time.Time   { return s.Date.At(s.Hour+1, 0) }

// Free returns how many off-site numbers are left.
func (s Slot) Free() int { return s.Capacity - s.Taken - s.Held }

// State is what has become of a booking.
type State string

const (
	Booked    State = "booked"
	Cancelled State = "cancelled"
	NoShow    State = "no_show" // Art. 17
	Arrived   State = "arrived"
	Done      State = "done"

	// Pending is a booking whose number is that of a department's own system, which has not confirmed it yet: it holds a number
	// here, and nobody is told one.
	Pending State = "pending"

	// Displaced and Stranded bookings have lost their hour and wait for their person to choose. A
	// displaced one holds a number in the slot kept for it, which is the slot it names; for a stranded
	// one no number could be kept, and it names the hour it lost.
	Displaced State = "displaced"
	Stranded  State = "stranded"
)

// Active tells whether a booking in this state goes on: it is not over, holds claims, and can be moved
// or cancelled.
func (s State) Active() bool { return s == Booked || s == Pending || s.Choosing() }

// Choosing tells whether the booking lost its hour and its person has not chosen yet.
func (s State) Choosing() bool { return s == Displaced || s == Stranded }

// Holds tells whether a booking in this state has a number in the slot it names, used or not.
func (s State) Holds() bool { return s != Cancelled && s != Stranded }

// Channel is the way a booking came in.
type Channel string

const (
	Web  Channel = "web"
	API  Channel = "api"
	Desk Channel = "desk" // staff on behalf of someone

	// The two entrances Article 2 names: whoever comes from one of them books through it.
	Suihaoban Channel = "suihaoban" // 穗好办, the city's app
	Province  Channel = "gdzwfw"    // 广东政务服务网, the province's portal

	Kiosk Channel = "kiosk" // at the hall; no way of booking

	// System is no way in: what the city does to a booking by itself came this way.
	System Channel = "system"
)

// Entrances lists the channels that are portals with people of their own.
func Entrances() []Channel { return []Channel{Suihaoban, Province} }

// ApplicantKind says whose business it is (辦事主體).
type ApplicantKind string

const (
	Self         ApplicantKind = "self"
	Other        ApplicantKind = "other"        // another natural person; the booker is the agent (代理人)
	Organisation ApplicantKind = "organisation" // a legal person with its credit code
)

// Booking is one confirmed number. The identity on it never changes (Art. 12: no transfer).
type Booking struct {
	ID           string // 8 characters, sortable, dense; never shown
	HallID       string
	QueueID      string
	SlotID       string
	Date         calendar.Date
	Hour         int
	Item         string
	Stage        directory.Stage
	Units        int // 1, or the size of a batch (Art. 19)
	Cases        int // how many the list of the batch had when it was booked, 0 for no list
	State        State
	Channel      Channel
	Applicant    ApplicantKind
	BookerKey    identity.Key
	ApplicantKey identity.Key
	Sealed       []byte // Parties, sealed
	Version      int    // 1 when booked, +1 with each change
	CreatedAt    time.Time
	ChangedAt    time.Time
}

// Start and End return the instants of the booked hour.
func (b Booking) Start() time.Time { return b.Date.At(b.Hour, 0) }
func (b Booking) End() time.Time   { return b.Date.At(b.Hour+1, 0) }

// Parties is the personal part of a booking: stored sealed, shown masked.
type Parties struct {
	Booker    Party `json:"booker"`
	Applicant Party `json:"applicant"` // equal to Booker for Self
}

// Party is one person or organisation on a booking.
type Party struct {
	Name       string            `json:"name"`
	Document   identity.Document `json:"document,omitzero"`
	CreditCode string            `json:"credit_code,omitempty"`
	Birth      string            `json:"birth,omitempty"`
	Phone      string            `json:"phone,omitempty"`
}
