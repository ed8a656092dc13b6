// Package counter is a day in a hall: who has come, the numbers they hold, who is called next and to which
// counter, what it comes to, and how long those who wait will wait (Art. 12, 14, 17, 18 and the waiting
// times of the 2025 regulation). Decisions are pure functions of (now, floor, act); a floor is everything of
// one hall and one day.
package counter

import (
	"slices"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// Kind is how somebody came by their number.
type Kind string

const (
	Booked Kind = "booked"  // booked off-site and has come
	WalkIn Kind = "walk_in" // took a number of the day at the hall (現場預約, Art. 14)
	Green  Kind = "green"   // green channel: no booking, no quota (綠色通道)
)

// Share is what a walk-in's number was taken from.
type Share string

const (
	NoShare Share = ""        // booked and green
	OnSite  Share = "on_site" // the day's on-site numbers, at most 10 % (Art. 14)
	Unsold  Share = "unsold"  // off-site numbers of the current hour that nobody booked (Art. 14)
)

// State is where a ticket is.
type State string

const (
	Waiting State = "waiting"
	Called  State = "called" // at a counter, or on the way to it
	Held    State = "held"   // set aside by the counter that called it: a paper is missing, somebody looks something up
	Passed  State = "passed" // called and not there (過號); may come back
	Done    State = "done"
	Left    State = "left" // will not be served: went away, or the day ended
)

// Over tells whether nothing more happens to a ticket.
func (s State) Over() bool { return s == Done || s == Left }

// Result is what a finished service came to, or why it ended without one.
type Result string

const (
	Finished   Result = "finished"   // the business was done
	Incomplete Result = "incomplete" // papers are missing: to come back
	Mismatch   Result = "mismatch"   // the document shown is not that of the number (Art. 12)
	Elsewhere  Result = "elsewhere"  // belongs to another hall or is done on-line
	WentAway   Result = "went_away"  // said so, or gave the number back
	NeverCame  Result = "never_came" // passed and did not come back before the day ended
	DayEnded   Result = "day_ended"  // was still waiting when the hall closed: its day is settled by staff
)

// Results lists what staff may finish a service with.
var Results = []Result{Finished, Incomplete, Mismatch, Elsewhere}

// Ticket is one number held in a hall on one day.
type Ticket struct {
	ID       string // unguessable; the address of the ticket on a phone
	HallID   string
	Date     calendar.Date
	QueueID  string
	Number   string // prefix and serial as it is called, "A012"; never given twice in a hall and day
	Kind     Kind
	Share    Share
	SlotID   string // booked: the slot; walk-ins: the one the number was taken from; green: ""
	Hour     int    // booked: the hour booked; else -1
	Booking  string // id of the booking, "" for none
	Instead  string // walk-ins: the missed booking this number makes good (Art. 18), "" for none
	Item     string
	Stage    directory.Stage
	Units    int
	Person   identity.Key // whose business it is
	Sealed   []byte       // booking.Parties
	Verified string       // green: kind of entitlement and who verified it, never the proof
	Channel  string       // kiosk, desk, phone
	State    State
	Counter  string // that called it last, "" for none
	Result   Result
	IssuedAt time.Time
	PlaceAt  time.Time // since when it stands in line; kept when it is transferred, held or passed
	After    int       // passed and back: not called before the queue has come to so many calls; else 0
	FirstAt  time.Time // first call
	CalledAt time.Time // last call, recalls included
	EndedAt  time.Time
	Calls    int // recalls included
	Passes   int
	Early    int       // told when it was issued: the wait, as a range of seconds
	Late     int       // early ≤ late; both 0 where nothing could be told, or a counter was free
	Guess    int       // what the range was drawn around, 0 where none was told
	NearAt   time.Time // its turn was near for the first time: its holder was told, unless it was so from the beginning
	Version  int       // 1 when issued, +1 with each change
}

// Starts returns from when a ticket counts as due: the booked hour's beginning or its coming, whichever is
// later. Waiting is measured from it (rules: call − max(check-in, slot start)).
func (t Ticket) Starts() time.Time {
	if t.Kind == Booked && t.Hour >= 0 {
		if s := t.Date.At(t.Hour, 0); s.After(t.IssuedAt) {
			return s
		}
	}
	return t.IssuedAt
}

// Waited returns how long a ticket waited until it was first called, or until now if it still waits.
func (t Ticket) Waited(now time.Time) time.Duration {
	end := now
	if !t.FirstAt.IsZero() {
		end = t.FirstAt
	}
	return max(0, end.Sub(t.Starts()))
}

// Seat is a counter that somebody sits at today.
type Seat struct {
	Counter string // directory.Counter
	Label   string
	Queues  []string // it calls from, all of the counter's or some
	Account string
	State   SeatState
	Opened  time.Time
	Since   time.Time // of the state
	Seen    time.Time // last heard of
	Standby []string  // tickets it may call if it is cut off, in order
}

// SeatState is what a counter is doing.
type SeatState string

const (
	SeatOpen   SeatState = "open"
	SeatPaused SeatState = "paused"
	SeatClosed SeatState = "closed"
)

// Line is what a floor remembers of one queue.
type Line struct {
	Prefix string `json:"prefix"` // of its numbers
	Serial int    `json:"serial"` // last given
	Streak int    `json:"streak"` // booked people called in a row since the last walk-in
	Greens int    `json:"greens"` // green ones called in a row since the last other
	Calls  int    `json:"calls"`  // so far today, without recalls

	// What the time others will wait is told from.
	Waited map[Kind]int `json:"waited,omitempty"` // seconds the last of each kind waited for its first call
	Took   []int        `json:"took,omitempty"`   // seconds the last calls took their counters, oldest first, at most tookMost
}

// tookMost is how many calls a line remembers the length of.
const tookMost = 12

// took remembers that a call of a ticket ends now: the counter that called it is free.
func (l *Line) took(t *Ticket, now time.Time) {
	if s := int(now.Sub(t.CalledAt) / time.Second); s >= 0 {
		l.Took = append(slices.Clone(l.Took), s)
		l.Took = l.Took[max(0, len(l.Took)-tookMost):]
	}
}

// Floor is a hall on one day, as decisions see it.
type Floor struct {
	HallID   string
	Date     calendar.Date
	Rules    Rules
	Lines    map[string]*Line
	Seats    map[string]*Seat   // by counter, closed ones too
	Tickets  map[string]*Ticket // by id; those that are over may be left out
	Sealed   bool               // the day is over: nothing changes any more
	Revision int64              // +1 with each change
}

// GreenWay is how the green channel goes before others.
type GreenWay string

const (
	GreenFirst GreenWay = "first" // at once
	GreenInOne GreenWay = "every" // at once, but after GreenMost in a row one other is called
)

// Rules is what a hall's day goes by: numbers of the rulebook, some of which a hall may set for itself.
type Rules struct {
	CheckInBefore time.Duration `json:"check_in_before"` // of the slot: 30 min
	WalkInAfter   int           `json:"walk_in_after"`   // booked people called in a row before a walk-in who waits: 4
	WalkInLongest time.Duration `json:"walk_in_longest"` // a walk-in who has waited this long goes as one booked for the hour they came: 45 min
	PassedAfter   int           `json:"passed_after"`    // calls before one who was passed and came back is called: 3
	PassedMost    int           `json:"passed_most"`     // how often one may be passed before the number is void: 3
	Green         GreenWay      `json:"green"`           // every
	GreenMost     int           `json:"green_most"`      // 3
	NearAhead     int           `json:"near_ahead"`      // a message when so many are ahead: 3
	RadiusMetres  int           `json:"radius_metres"`   // within which a phone may check in: 300
	OffGrid       time.Duration `json:"off_grid"`        // how long a counter may work without the network: 30 min
	SilentAfter   time.Duration `json:"silent_after"`    // a counter not heard of for this long may be working by itself: 15 s
	EndsAfter     time.Duration `json:"ends_after"`      // the last hour's end: the day is settled and sealed: 30 min
}

// DefaultRules is the day by the rulebook.
func DefaultRules() Rules {
	return Rules{
		CheckInBefore: 30 * time.Minute, WalkInAfter: 4, WalkInLongest: 45 * time.Minute, PassedAfter: 3, PassedMost: 3,
		Green: GreenInOne, GreenMost: 3, NearAhead: 3, RadiusMetres: 300, OffGrid: 30 * time.Minute, SilentAfter: 15 * time.Second,
		EndsAfter: 30 * time.Minute,
	}
}

// Check finds all that no hall may set, by the name of the field in JSON.
func (r Rules) Check() []fault.Field {
	var wrong []fault.Field
	within := func(path string, n, least, most int64) {
		if n < least || n > most {
			wrong = append(wrong, fault.Field{Path: path, Code: fault.OutOfRange})
		}
	}
	within("check_in_before", int64(r.CheckInBefore), 0, int64(4*time.Hour))
	within("walk_in_after", int64(r.WalkInAfter), 1, 100) // at 0 nobody booked would come before a walk-in
	within("walk_in_longest", int64(r.WalkInLongest), int64(5*time.Minute), int64(8*time.Hour))
	within("passed_after", int64(r.PassedAfter), 0, 100)
	within("passed_most", int64(r.PassedMost), 1, 20)
	if r.Green != GreenFirst && r.Green != GreenInOne {
		wrong = append(wrong, fault.Field{Path: "green", Code: fault.NotOneOf})
	}
	within("green_most", int64(r.GreenMost), 1, 100)
	within("near_ahead", int64(r.NearAhead), 0, 50)
	within("radius_metres", int64(r.RadiusMetres), 0, 5000)
	within("off_grid", int64(r.OffGrid), 0, int64(2*time.Hour))
	within("silent_after", int64(r.SilentAfter), int64(6*time.Second), int64(5*time.Minute))
	within("ends_after", int64(r.EndsAfter), 0, int64(6*time.Hour))
	return wrong
}

// Entitlement is why somebody goes by the green channel (綠色通道). That it was shown is recorded with who
// saw it, never what was shown.
type Entitlement string

const (
	Elderly  Entitlement = "elderly"
	Disabled Entitlement = "disabled"
	Military Entitlement = "military" // soldiers, veterans and their families
	Urgent   Entitlement = "urgent"   // pregnant, ill, with an infant
)

// Entitlements lists them.
var Entitlements = []Entitlement{Elderly, Disabled, Military, Urgent}
