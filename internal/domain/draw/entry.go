package draw

import (
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// State is how far a draw is.
type State string

const (
	Announced State = "announced" // its commitment is published; entries are taken in its minute
	Closed    State = "closed"    // no more entries; being carried out
	Done      State = "done"      // carried out, seed published
)

// Draw is the draw of one queue's numbers at one release.
type Draw struct {
	ID         string
	HallID     string
	QueueID    string
	Release    time.Time // entries count from here
	Until      time.Time // to before here
	Commitment string
	Sealed     []byte // the seed, sealed
	Seed       string // hexadecimal, "" until it is done
	State      State
	Published  time.Time // of the commitment
	Drawn      time.Time // zero until it is done
}

// Takes tells whether what is asked at an instant is an entry.
func (d *Draw) Takes(at time.Time) bool {
	return d.State == Announced && !at.Before(d.Release) && at.Before(d.Until)
}

// Outcome says what came of an entry: Waiting, Booked, or the code of what stood against it.
type Outcome string

const (
	Waiting Outcome = ""
	Booked  Outcome = "booked"
)

// Entry is one person's request in a draw. Of one booker, and of one applicant, one counts for an item: more
// of them would be more chances.
type Entry struct {
	Draw      string
	Booker    identity.Key
	Applicant identity.Key
	Item      string
	ID        string // of the booking it may become
	HallID    string
	SlotID    string
	Stage     string
	Units     int
	Kind      booking.ApplicantKind
	Level     identity.Level
	Channel   booking.Channel
	Instead   string // id of the missed booking it would make good
	Key, Hash string // as of booking.Book
	Salt      string // hexadecimal
	Text      string // on the public list
	Sealed    []byte // booking.Parties
	At        time.Time
	Rank      int // from 1 in drawn order, 0 before
	Outcome   Outcome
}

// Request is what the entry asks for.
func (e *Entry) Request() Request {
	return Request{Draw: e.Draw, Item: e.Item, Slot: e.SlotID, Stage: e.Stage, Units: e.Units}
}

// Enter decides about entry e of draw d. have holds at least the entries in it for the same
// item of the same booker or applicant, and any of the booker under the same key. It returns the entry that stands: e itself, or with
// replayed the one that stood before.
func Enter(d *Draw, have []Entry, e Entry) (stands Entry, replayed bool, err *fault.Error) {
	for _, h := range have {
		if h.Booker != e.Booker || h.Key != e.Key {
			continue
		}
		if h.Hash != e.Hash {
			return Entry{}, false, fault.New(fault.KeyReused)
		}
		return h, true, nil
	}
	for _, h := range have {
		if h.Draw != e.Draw {
			continue
		}
		same := h.Request() == e.Request() && h.Applicant == e.Applicant
		switch {
		case h.Booker == e.Booker && h.Item == e.Item && same:
			return h, true, nil // asked again: the same entry
		case h.Booker == e.Booker && h.Item == e.Item:
			return Entry{}, false, fault.New(fault.DrawOnce, "draw", d.ID, "slot", h.SlotID)
		case h.Applicant == e.Applicant && h.Item == e.Item:
			return Entry{}, false, fault.New(fault.DrawOnce, "draw", d.ID) // somebody else's entry is not told
		}
	}
	switch {
	case e.At.Before(d.Release):
		return Entry{}, false, fault.New(fault.NotReleased, "at", d.Release.Format(time.RFC3339))
	case !d.Takes(e.At):
		return Entry{}, false, fault.New(fault.DrawRunning).After(2 * time.Second)
	}
	return e, false, nil
}
