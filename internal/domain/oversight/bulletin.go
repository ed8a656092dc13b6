package oversight

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

// BulletinPeriod is the time a bulletin is about: a month "2026-10" or a quarter "2026-Q3" (Art. 21).
type BulletinPeriod string

// ParsePeriod reads a period, and nothing else.
func ParsePeriod(s string) (BulletinPeriod, error) {
	p := BulletinPeriod(s)
	if len(s) == 7 {
		if first, n := p.first(); n > 0 && first.Year() >= 2000 && p == periodOf(first, n) {
			return p, nil
		}
	}
	return "", fmt.Errorf("oversight: not a month or quarter")
}

// MonthOf and QuarterOf return the period that a date lies in.
func MonthOf(d calendar.Date) BulletinPeriod   { return periodOf(d, 1) }
func QuarterOf(d calendar.Date) BulletinPeriod { return periodOf(d, 3) }

func periodOf(d calendar.Date, months int) BulletinPeriod {
	if months == 1 {
		return BulletinPeriod(fmt.Sprintf("%04d-%02d", d.Year(), d.Month()))
	}
	return BulletinPeriod(fmt.Sprintf("%04d-Q%d", d.Year(), (int(d.Month())+2)/3))
}

// first is the first day of the period and how many months it has; 0 for what is no period.
func (p BulletinPeriod) first() (calendar.Date, int) {
	var year, n int
	if _, err := fmt.Sscanf(string(p), "%4d-Q%1d", &year, &n); err == nil && n >= 1 && n <= 4 {
		return calendar.MakeDate(year, time.Month(3*n-2), 1), 3
	}
	if _, err := fmt.Sscanf(string(p), "%4d-%2d", &year, &n); err == nil && n >= 1 && n <= 12 {
		return calendar.MakeDate(year, time.Month(n), 1), 1
	}
	return 0, 0
}

// Quarter tells whether the period is a quarter.
func (p BulletinPeriod) Quarter() bool { _, n := p.first(); return n == 3 }

// Days returns the first and the last day of the period.
func (p BulletinPeriod) Days() (first, last calendar.Date) {
	first, n := p.first()
	return first, calendar.MakeDate(first.Year(), first.Month()+time.Month(n), 1) - 1
}

// Months returns the periods of the rows of months it is added up from: the first and the last.
func (p BulletinPeriod) Months() (from, to string) {
	first, last := p.Days()
	return string(MonthOf(first)), string(MonthOf(last))
}

// Before returns the period of the same length just before.
func (p BulletinPeriod) Before() BulletinPeriod {
	first, n := p.first()
	return periodOf(first-1, n)
}

// Back returns the period n before.
func (p BulletinPeriod) Back(n int) BulletinPeriod {
	for range n {
		p = p.Before()
	}
	return p
}

// BulletinState is what has become of a bulletin.
type BulletinState string

const (
	BulletinDraft    BulletinState = "draft"    // made from the figures, being written on
	BulletinReviewed BulletinState = "reviewed" // by somebody who did not write on it last
	BulletinIssued   BulletinState = "issued"   // for good
)

// BulletinStates lists them.
var BulletinStates = []BulletinState{BulletinDraft, BulletinReviewed, BulletinIssued}

// Bulletin is what is published about booking at a unit in some time (Art. 21). Once issued it is never changed; a
// correction is another version, which shows the difference.
type Bulletin struct {
	ID         string
	Seat       account.Seat // of the unit it is about
	Period     BulletinPeriod
	Version    int // from 1
	State      BulletinState
	Remarks    string
	Content    Frozen
	Digest     string // of what was issued, "" before
	Author     string // account that wrote on it last, "" where only the system did
	Reviewer   string
	Issuer     string
	DraftedAt  time.Time
	ReviewedAt time.Time
	IssuedAt   time.Time
	Revision   int // +1 with each change
}

// Frozen is the figures a bulletin stands on, as they were when it was drafted.
type Frozen struct {
	Unit     directory.Text    `json:"unit"`
	Now      Counts            `json:"now"`
	Before   Counts            `json:"before"`             // of the period before
	Trend    []Spent           `json:"trend,omitempty"`    // periods of the same length up to this one
	Channels map[string]Counts `json:"channels,omitempty"` // how people booked
	Parts    []Part            `json:"parts,omitempty"`    // what is compared with each other
	Named    map[string]int    `json:"formulas"`           // measure → version of its formula
	Days     [2]calendar.Date  `json:"days"`               // first and last
}

// Spent is the counts of one period of a trend.
type Spent struct {
	Period BulletinPeriod `json:"period"`
	Counts Counts         `json:"counts"`
}

// Part is a unit or hall that a bulletin compares with others of its group.
type Part struct {
	Place  Place          `json:"place"`
	Group  string         `json:"group"` // district, agency, street or hall
	Name   directory.Text `json:"name"`
	Now    Counts         `json:"now"`
	Before Counts         `json:"before"`
}

// BulletinMeasures are the measures a bulletin shows, and BulletinRanks those it ranks parts by.
var (
	BulletinMeasures = []string{
		"released", "release_rate", "saturation", "onsite_share", "booking_rate", "show_rate", "no_show_rate", "cancellation_rate", "on_time_rate", "wait_median", "wait_p90",
		"wait_walkin_median", "line_served", "unserved", "green", "decided_in_time", "filed_in_time", "cut_after_release", "data_in_time", "data_complete", "data_accurate", "content",
	}
	BulletinRanks = []string{"on_time_rate", "wait_median", "no_show_rate", "decided_in_time", "data_in_time", "content"}
)

// Formulas names the versions of the formulas in force of the measures a bulletin shows.
func Formulas() map[string]int {
	out := make(map[string]int, len(BulletinMeasures))
	for _, id := range BulletinMeasures {
		if m, err := Newest(id); err == nil {
			out[id] = m.Version
		}
	}
	return out
}

// Measure returns the version of a measure that the content was made by.
func (c Frozen) Measure(id string) (*Measure, error) { return Version(id, c.Named[id]) }

// fewest is how many cases a figure must stand on to be published: of fewer, somebody could be told apart.
const fewest = 5

// Published is a value as it may be published: none where a rate or a length stands on too few.
func (m *Measure) Published(v Value) Value {
	if v.OK && (m.Bottom != nil || m.Spell != "") && v.Bottom < fewest {
		return Value{}
	}
	return v
}

// Groups lists the groups that are compared, in the order they stand in.
func (c Frozen) Groups() (out []string) {
	for _, p := range c.Parts {
		if len(out) == 0 || out[len(out)-1] != p.Group {
			out = append(out, p.Group)
		}
	}
	return out
}

// Rank orders the parts of a group by a measure; the key of a Placed is the place's id.
func (c Frozen) Rank(m *Measure, group string) []Placed {
	now, before := map[string]Counts{}, map[string]Counts{}
	for _, p := range c.Parts {
		if p.Group == group {
			now[p.Place.ID], before[p.Place.ID] = p.Now, p.Before
		}
	}
	places := map[string]int{}
	for _, p := range Rank(m, before, nil) {
		places[p.Key] = p.Place
	}
	return Rank(m, now, places)
}

// Differing is a figure that is not what it was in the version before.
type Differing struct {
	Place   string // id, "" for the whole
	Measure string
	Was, Is Value
}

// Differences lists the figures in which a content differs from an earlier one, the whole first.
func (c Frozen) Differences(was Frozen) (out []Differing) {
	compare := func(place string, now, then Counts) {
		for _, id := range BulletinMeasures {
			m, err := c.Measure(id)
			if err != nil {
				continue
			}
			old, err := was.Measure(id)
			if err != nil {
				old = m
			}
			if a, b := old.Of(then), m.Of(now); a.OK != b.OK || a.Top != b.Top || a.Bottom != b.Bottom {
				out = append(out, Differing{place, id, a, b})
			}
		}
	}
	compare("", c.Now, was.Now)
	then := map[string]Counts{}
	for _, p := range was.Parts {
		then[p.Place.ID] = p.Now
	}
	for _, p := range c.Parts {
		compare(p.Place.ID, p.Now, then[p.Place.ID])
		delete(then, p.Place.ID)
	}
	for _, p := range was.Parts {
		if gone, ok := then[p.Place.ID]; ok {
			compare(p.Place.ID, Counts{}, gone)
		}
	}
	return out
}

// Write changes the remarks of a draft; a reviewed one is a draft again. Whoever drafts for the unit may.
func (b Bulletin) Write(who account.Account, remarks string) (Bulletin, error) {
	switch {
	case !who.Drafts(b.Seat):
		return b, fault.New(fault.NotAllowed)
	case b.State == BulletinIssued:
		return b, fault.New(fault.BulletinNotNow, "state", string(b.State))
	case len([]rune(remarks)) > mostRemarks:
		return b, fault.InvalidFields(fault.Field{Path: "remarks", Code: fault.TooLong})
	}
	b.Remarks, b.Author, b.State, b.Reviewer, b.ReviewedAt = remarks, who.ID, BulletinDraft, "", time.Time{}
	b.Revision++
	return b, nil
}

// Redraft puts the figures of now in the place of those of a draft.
func (b Bulletin) Redraft(who account.Account, c Frozen, now time.Time) (Bulletin, error) {
	next, err := b.Write(who, b.Remarks)
	if err != nil {
		return b, err
	}
	next.Content, next.DraftedAt = c, now
	return next, nil
}

// Review says that somebody else has read the draft: not who wrote on it last, nor one with them. author is the account
// that did.
func (b Bulletin) Review(who, author account.Account, now time.Time) (Bulletin, error) {
	switch {
	case !who.Drafts(b.Seat):
		return b, fault.New(fault.NotAllowed)
	case b.State != BulletinDraft:
		return b, fault.New(fault.BulletinNotNow, "state", string(b.State))
	case b.Author != "" && account.Related(who, author):
		return b, fault.New(fault.BulletinOwn)
	}
	b.State, b.Reviewer, b.ReviewedAt = BulletinReviewed, who.ID, now
	b.Revision++
	return b, nil
}

// Issue publishes a reviewed bulletin, for good: whoever heads the unit.
func (b Bulletin) Issue(who account.Account, now time.Time) (Bulletin, error) {
	switch {
	case !who.Heads(b.Seat):
		return b, fault.New(fault.NotAllowed)
	case b.State != BulletinReviewed:
		return b, fault.New(fault.BulletinNotNow, "state", string(b.State))
	}
	b.State, b.Issuer, b.IssuedAt = BulletinIssued, who.ID, now
	b.Revision++
	b.Digest = b.Sum()
	return b, nil
}

// Next is the draft of another version of what was issued, with the figures of now and the remarks as they were.
func (b Bulletin) Next(who account.Account, c Frozen, now time.Time) (Bulletin, error) {
	switch {
	case !who.Heads(b.Seat):
		return b, fault.New(fault.NotAllowed)
	case b.State != BulletinIssued:
		return b, fault.New(fault.BulletinNotNow, "state", string(b.State))
	}
	next := NewBulletin(b.Seat, b.Period, b.Version+1, c, who.ID, now)
	next.Remarks = b.Remarks
	return next, nil
}

// NewBulletin is a draft. author is "" where the system makes it.
func NewBulletin(at account.Seat, p BulletinPeriod, version int, c Frozen, author string, now time.Time) Bulletin {
	return Bulletin{ID: fmt.Sprintf("B%s-%s-%d", p, at.Unit, version), Seat: at, Period: p, Version: version, State: BulletinDraft, Content: c, Author: author, DraftedAt: now, Revision: 1}
}

// Sum is the digest of everything that is published of the bulletin: SHA-256 over its JSON, in hexadecimal.
func (b Bulletin) Sum() string {
	text, err := json.Marshal(struct {
		ID       string    `json:"id"`
		Remarks  string    `json:"remarks"`
		IssuedAt time.Time `json:"issued_at"`
		Content  Frozen    `json:"content"`
	}{b.ID, b.Remarks, b.IssuedAt.UTC().Truncate(time.Microsecond), b.Content})
	if err != nil { // names, numbers and dates
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
