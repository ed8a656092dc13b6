package booking

import (
	"strconv"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
)

// Excused is a missed booking whose person was prevented: staff have set it right, and it is no mark
// against anybody. The number stays used: it was kept until its hour was over.
const Excused State = "excused"

// What happens to a booking whose hour has passed (Art. 17, 18).
const (
	EventNoShow  EventKind = "no_show"
	EventExcused EventKind = "excused"

	MessageNoShow        MessageKind = "no_show"
	MessageExcused       MessageKind = "excused"
	MessageAppealRefused MessageKind = "appeal_refused"

	// What came of it for the booker, if sanctions are on: about the booking that completed it.
	MessageWarned           MessageKind = "warned"
	MessageBarred           MessageKind = "barred"
	MessageMeasureEnded     MessageKind = "measure_ended"     // an appeal was granted, or what it rested on was set right
	MessageMeasureConfirmed MessageKind = "measure_confirmed" // the appeal was refused

	// MessageEvaluate is about a ticket whose service has ended.
	MessageEvaluate MessageKind = "evaluate"
)

// Miss marks, as the system, a booking whose hour has passed without anybody coming: no-show (Art. 17).
// Its limit claims are given back, its number is not. It needs no key: one whose person came, cancelled,
// moved, or waits to choose another hour, one that has not ended yet and one marked before is answered as
// it is.
type Miss struct {
	Booking string
	Regime  Regime
}

func (r *Miss) Needs(n *Needs) { n.Bookings[r.Booking] = struct{}{} }

func (r *Miss) More(f *Facts, n *Needs) {
	if b := f.Bookings[r.Booking]; b != nil && b.State == Booked {
		n.holders(b)
		n.needsMarks(b.BookerKey)
	}
}

func (r *Miss) decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error) {
	b := f.Bookings[r.Booking]
	if b == nil {
		return Answer{}, fault.New(fault.BookingNotFound)
	}
	if b.State != Booked || now.Before(b.End()) {
		return Answer{Booking: *b, Replayed: true}, nil
	}
	if _, known := f.marks[b.BookerKey]; !f.knowsOf(b) || !known {
		return Answer{}, fault.New(fault.Busy)
	}
	missed := b.next(NoShow, now)
	give(f, c, heldBy(f, b))
	f.Bookings[b.ID] = missed
	c.update(missed, b)
	c.tell(missed, EventNoShow, MessageNoShow, now, "", System, "")
	c.record(f, missed, FactNoShow, r.Regime, now)
	return Answer{Booking: *missed}, nil
}

// Excuse is a missed booking set right, and the event of it.
func (b *Booking) Excuse(now time.Time) (*Booking, Event, *fault.Error) {
	if b.State != NoShow {
		return nil, Event{}, fault.New(fault.NotMissed)
	}
	return b.atHall(Excused, EventExcused, now, "", Desk)
}

// RebookUntil is the first instant at which a missed booking can no longer be rebooked (Art. 18): so many
// days after its own, that day included.
func (b *Booking) RebookUntil(rules rulebook.Rulebook) time.Time {
	return (b.Date + calendar.Date(rules.RebookWithin) + 1).At(0, 0)
}

// RebookName is the claim of a booker on making a missed booking good for the n-th time, by another booking
// or by a number of the day. It lies outside the limits and is never given back: once is once.
func RebookName(booking string, n int) string { return "rebook:" + booking + "#" + strconv.Itoa(n) }

// makesGood tells what stands against r being the rebooking of the missed booking it names, and the claim
// it takes for that (Art. 18: the same applicant and item, within the days of the rulebook, so often as it
// says).
func (r *Book) makesGood(now time.Time, f *Facts) (Claim, *fault.Error) {
	b := f.Bookings[r.Instead]
	rules := r.Offer.Rules
	switch {
	case b == nil || b.BookerKey != r.Who.Key:
		return Claim{}, fault.New(fault.BookingNotFound)
	case b.State != NoShow:
		return Claim{}, fault.New(fault.NotMissed)
	case b.Item != r.Offer.Item || b.ApplicantKey != r.For:
		return Claim{}, fault.New(fault.RebookOther)
	case !now.Before(b.RebookUntil(rules)):
		return Claim{}, fault.New(fault.RebookLate, "until", b.RebookUntil(rules).Add(-time.Minute).Format(time.RFC3339))
	}
	for n := 1; n <= rules.RebookTimes; n++ {
		name := RebookName(b.ID, n)
		if _, used := f.Claim(Ref{r.Who.Key, name}); !used {
			return Claim{Person: r.Who.Key, Name: name, HallID: r.Offer.HallID, Booking: r.ID}, nil
		}
	}
	return Claim{}, fault.New(fault.RebookUsed)
}

// Marks counts what is recorded of a booker, for the sanctions of the rulebook: off unless a version turns them
// on, as the measure names none.
type Marks struct {
	NoShows       int
	Cancellations int // by the booker; giving back an hour that was taken away is none
}

// Reached tells whether marks would bar somebody from off-site booking under sanctions, were they on.
func (m Marks) Reached(s rulebook.Sanctions) bool {
	return s.NoShows > 0 && m.NoShows >= s.NoShows || s.Cancellations > 0 && m.Cancellations >= s.Cancellations
}
