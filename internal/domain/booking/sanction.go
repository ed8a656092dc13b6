package booking

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
)

// Regime is what sanctions go by now.
type Regime struct {
	rulebook.Sanctions
	Since time.Time // they have been on since; what happened before leads to none
}

// FactKind says what is recorded of a booker.
type FactKind string

const (
	FactNoShow    FactKind = "no_show"
	FactCancelled FactKind = "cancelled" // by the booker; giving back an hour that was taken away is none
)

// Fact is one thing recorded of a booker, whether sanctions are on or not. It is a claim of theirs, so that it is
// written with what it tells of, holds across halls and channels, and two lanes never count past each other: the
// next of a person always has the next number.
type Fact struct {
	N       int // of the person, from 1
	Kind    FactKind
	Booking string
	At      time.Time
	Start   time.Time // of the hour
}

// Names of claims about sanctions, outside the limits and the keys.
const (
	MarksFrom = "mark:"
	MarksTo   = "mark;"
	BarName   = "barred:off-site" // Booking is the sanction it rests on, Hash the instant it ends
)

const firstMark = 100_000 // so that names sort by number

// Claim is the claim that f is for person.
func (f Fact) Claim(person identity.Key, hall string) Claim {
	return Claim{
		Person: person, Name: MarksFrom + strconv.Itoa(firstMark+f.N), HallID: hall, Booking: f.Booking,
		Hash: strings.Join([]string{string(f.Kind), strconv.FormatInt(f.At.UnixMicro(), 10), strconv.FormatInt(f.Start.UnixMicro(), 10)}, "|"),
	}
}

// FactOf reads a claim that Fact.Claim wrote; false for any other.
func FactOf(c Claim) (Fact, bool) {
	number, ok := strings.CutPrefix(c.Name, MarksFrom)
	parts := strings.Split(c.Hash, "|")
	if !ok || len(parts) != 3 {
		return Fact{}, false
	}
	n, err := strconv.Atoi(number)
	at, wrong := strconv.ParseInt(parts[1], 10, 64)
	start, bad := strconv.ParseInt(parts[2], 10, 64)
	return Fact{N: n - firstMark, Kind: FactKind(parts[0]), Booking: c.Booking, At: time.UnixMicro(at).UTC(), Start: time.UnixMicro(start).UTC()}, err == nil && wrong == nil && bad == nil
}

// counts tells whether sanctions look at f.
func (f Fact) counts(r Regime) bool {
	return !f.At.Before(r.Since) && (f.Kind == FactNoShow || r.LateWithin == 0 || f.Start.Sub(f.At) < r.LateWithin)
}

// MeasureKind says what came of what is recorded.
type MeasureKind string

const (
	Warning MeasureKind = "warning"
	Barred  MeasureKind = "barred" // no off-site booking for a time
)

// MeasureState says whether a measure stands. One whose time is over stands: it was right.
type MeasureState string

const (
	MeasureStands MeasureState = "stands"
	MeasureLifted MeasureState = "lifted" // an appeal was granted: what it rested on counts no more
	MeasureVoid   MeasureState = "void"   // what it rested on was set right: the rest counts on
)

// Measure is a warning or a sanction, and what it rests on: each fact is under one at most.
type Measure struct {
	ID      string // of the booking that completed it
	Person  identity.Key
	HallID  string // of that booking
	Kind    MeasureKind
	Marks   Marks // how many of each it rests on
	At      time.Time
	Until   time.Time // barred: from this instant off-site booking is open again
	State   MeasureState
	EndedAt time.Time // lifted or void
	Facts   []string  // bookings
}

// Holds tells whether m keeps its person from off-site booking now. It ends by itself.
func (m *Measure) Holds(now time.Time) bool {
	return m.Kind == Barred && m.State == MeasureStands && now.Before(m.Until)
}

// Judge decides what comes of what is recorded of a person, with everything that came of it before: nothing (nil),
// a warning, or no off-site booking for a time. What an earlier measure rests on does not count again. ID, Person
// and HallID are the caller's to set.
func Judge(r Regime, now time.Time, facts []Fact, earlier []*Measure) *Measure {
	if !r.On {
		return nil
	}
	today := calendar.DateOf(now)
	from, before := r.SpanOf(today)
	var missed, cancelled []string
	for _, f := range facts {
		used := slices.ContainsFunc(earlier, func(m *Measure) bool { return m.State != MeasureVoid && slices.Contains(m.Facts, f.Booking) })
		if used || !f.counts(r) || f.At.Before(from) || !f.At.Before(before) {
			continue
		}
		if f.Kind == FactNoShow {
			missed = append(missed, f.Booking)
		} else {
			cancelled = append(cancelled, f.Booking)
		}
	}
	if r.NoShows == 0 || len(missed) < r.NoShows {
		missed = nil
	}
	if r.Cancellations == 0 || len(cancelled) < r.Cancellations {
		cancelled = nil
	}
	if len(missed)+len(cancelled) == 0 {
		return nil
	}
	m := &Measure{Kind: Barred, Marks: Marks{len(missed), len(cancelled)}, At: now, State: MeasureStands, Facts: append(missed, cancelled...)}
	warned := slices.ContainsFunc(earlier, func(e *Measure) bool {
		return e.State == MeasureStands && now.Before(e.At.AddDate(0, 0, r.WarnedFor))
	})
	if r.WarnBeforeFirst && !warned {
		m.Kind = Warning
		return m
	}
	m.Until = (today + calendar.Date(r.BarredDays)).At(0, 0)
	return m
}

// MarksIn counts what of facts would count on date d, were sanctions on.
func (r Regime) MarksIn(d calendar.Date, facts []Fact) (m Marks) {
	r.Since = time.Time{}
	from, before := r.SpanOf(d)
	for _, f := range facts {
		switch {
		case !f.counts(r) || f.At.Before(from) || !f.At.Before(before):
		case f.Kind == FactNoShow:
			m.NoShows++
		default:
			m.Cancellations++
		}
	}
	return m
}

// needsMarks adds what recording something of person needs.
func (n *Needs) needsMarks(person identity.Key) {
	n.Marks[person] = struct{}{}
	n.Keys[Ref{person, BarName}] = struct{}{}
}

// SetMarks adds what is recorded of a person; a nil list is nothing.
func (f *Facts) SetMarks(person identity.Key) {
	if _, known := f.marks[person]; !known {
		f.marks[person] = nil
	}
}

// PutMark adds one thing recorded of a person.
func (f *Facts) PutMark(person identity.Key, one Fact) {
	f.marks[person] = append(f.marks[person], one)
}

// record writes down what became of booking b, as it is now, and what comes of it for its booker.
func (c *Change) record(f *Facts, b *Booking, kind FactKind, r Regime, now time.Time) {
	person := b.BookerKey
	last := 0
	for _, one := range f.marks[person] {
		last = max(last, one.N)
	}
	one := Fact{N: last + 1, Kind: kind, Booking: b.ID, At: now, Start: b.Start()}
	f.PutMark(person, one)
	take(f, c, []Claim{one.Claim(person, b.HallID)})
	m := Judge(r, now, f.marks[person], f.Measures[person])
	if m == nil {
		return
	}
	m.ID, m.Person, m.HallID = b.ID, person, b.HallID
	f.Measures[person] = append(f.Measures[person], m)
	c.Measures = append(c.Measures, m)
	message := MessageWarned
	if m.Kind == Barred {
		message = MessageBarred
		bar := Claim{Person: person, Name: BarName, HallID: b.HallID, Booking: m.ID, Hash: strconv.FormatInt(m.Until.UnixMicro(), 10)}
		if old, ok := f.Claim(bar.Ref()); !ok {
			take(f, c, []Claim{bar})
		} else if until, _ := BarUntil(old); until.Before(m.Until) {
			give(f, c, []Claim{old})
			take(f, c, []Claim{bar})
		}
	}
	c.Messages = append(c.Messages, Message{Booking: b.ID, HallID: b.HallID, Version: b.Version, Kind: message, Due: now})
}

// BarUntil reads when a bar ends.
func BarUntil(c Claim) (time.Time, bool) {
	at, err := strconv.ParseInt(c.Hash, 10, 64)
	return time.UnixMicro(at).UTC(), err == nil
}

// barred says what stands against a booker whom a sanction keeps from off-site booking: not at a desk, and not
// where a missed hour is made good, which the measure gives to everybody (Art. 18).
func barred(now time.Time, f *Facts, person identity.Key, ch Channel, instead bool, r Regime) *fault.Error {
	if !r.On || ch == Desk || instead {
		return nil
	}
	if bar, ok := f.Claim(Ref{person, BarName}); ok {
		if until, _ := BarUntil(bar); now.Before(until) {
			return fault.New(fault.OffSiteBarred, "until", until.In(calendar.Zone).Format(time.RFC3339))
		}
	}
	return nil
}
