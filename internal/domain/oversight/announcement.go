package oversight

import (
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/fault"
)

// Failures counts what stands against a unit in a year, after appeals, for the discipline office (Art. 22, 23).
type Failures struct {
	Seat     account.Seat     `json:"-"`
	UnitID   string           `json:"unit"`
	Entries  map[string]int64 `json:"entries,omitempty"`  // of the ledger, by kind: those that stand
	Appealed int64            `json:"appealed,omitempty"` // entries of which it is not decided yet: not among those
	Struck   int64            `json:"struck,omitempty"`   // entries an appeal has taken out: not among those
	Letters  int64            `json:"letters,omitempty"`  // notice letters sent to it
	Returned int64            `json:"returned,omitempty"` // replies to them that were not enough
	Open     int64            `json:"open,omitempty"`     // letters that are not closed
}

// Total is how many failures count: entries that stand, and replies that were not enough. A letter by itself is none: it
// says what is to be put right.
func (f Failures) Total() (n int64) {
	for _, v := range f.Entries {
		n += v
	}
	return n + f.Returned
}

// Announcement makes public that a unit failed repeatedly in a year (Art. 22). It names no person.
type Announcement struct {
	ID      string
	UnitID  string
	Year    int
	Counts  Failures // as they were when it was made
	Text    string
	MadeBy  string
	MadeAt  time.Time
	EndedBy string
	EndedAt time.Time // zero while it stands
	Why     string    // it was taken back
}

// NewAnnouncement is an announcement by the city's first level about a unit with at least so many failures. The wrong
// field is text.
func NewAnnouncement(who account.Account, f Failures, year int, text string, least int, now time.Time) (a Announcement, err error) {
	text = strings.TrimSpace(text)
	switch code := checkProse(text, 1000); {
	case !who.Active() || who.Rank != account.Platform1:
		return a, fault.New(fault.NotAllowed)
	case f.Total() < int64(least):
		return a, fault.New(fault.AnnouncementTooFew, "n", strconv.Itoa(least))
	case code != "":
		return a, fault.InvalidFields(fault.Field{Path: "text", Code: code})
	}
	return Announcement{UnitID: f.UnitID, Year: year, Counts: f, Text: text, MadeBy: who.ID, MadeAt: now}, nil
}
