package booking

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
)

// Case is one case of a batch (Art. 19): a batch is so many units of the same business, one a person, that
// take their numbers in one slot and are done one after the other at one counter.
type Case struct {
	N      int // as listed, from 1
	Person identity.Key
	Sealed []byte // Party, sealed
	State  CaseState
}

// CaseState is what has become of a case.
type CaseState string

const (
	CaseOpen    CaseState = "open"
	CaseRemoved CaseState = "removed" // taken off the list before the hour; its unit went back
	CaseDone    CaseState = "done"    // ticked at the counter
)

// MostCases is the most cases a list may have anywhere.
const MostCases = 1000

// CheckCases finds all that is wrong with the list of a batch of units: its length, any person, and whoever
// stands in it twice. Parties must be normalised. Fields are named cases.<n>.<field>, n from 0.
func CheckCases(units int, list []Party, today calendar.Date) *fault.Error {
	if len(list) > MostCases {
		return fault.InvalidFields(fault.Field{Path: "cases", Code: fault.TooLong})
	}
	if units != len(list) && (units > 1 || len(list) > 0) {
		return fault.New(fault.BatchUnequal, "units", strconv.Itoa(units), "cases", strconv.Itoa(len(list)))
	}
	if wrong := CaseFaults(list, today); len(wrong) > 0 {
		return fault.InvalidFields(wrong...)
	}
	return nil
}

// CaseFaults is CheckCases without the length: for a list that is not finished yet.
func CaseFaults(list []Party, today calendar.Date) (wrong []fault.Field) {
	seen := map[string]bool{}
	for i, p := range list {
		at := "cases." + strconv.Itoa(i) + "."
		bad := p.Check(Other, today)
		for _, f := range bad {
			wrong = append(wrong, fault.Field{Path: at + strings.TrimPrefix(f.Path, "applicant."), Code: f.Code})
		}
		who := p.Document.Canonical(p.Birth)
		if len(bad) == 0 && seen[who] {
			wrong = append(wrong, fault.Field{Path: at + "document.number", Code: fault.ListedTwice})
		}
		seen[who] = true
	}
	return wrong
}

// CaseColumns are the columns of a list as a file, in any order.
var CaseColumns = []string{"name", "document", "number", "nationality", "birth"}

// ParseCases reads a list from a CSV file: every line that is wrong is told of, with its number, and
// nothing of it is repeated. The lines are not yet persons that were checked: see CaseFaults.
func ParseCases(next directory.LineSource) (list []Party, lines []int, wrong []directory.LineError) {
	rows, wrong := directory.ParseFields(next, "cases", CaseColumns)
	for _, r := range rows {
		f := r.Value
		p := Party{Name: f["name"], Birth: f["birth"], Document: identity.Document{Kind: identity.DocumentKind(f["document"]), Number: f["number"], Nationality: f["nationality"]}}
		list, lines = append(list, p), append(lines, r.Line)
	}
	return list, lines, wrong
}

// AsCase is a party as the list of a batch keeps it: normalised, and without what only a passport has.
func (p Party) AsCase() Party {
	p = p.Normalised()
	p.CreditCode = ""
	if p.Document.Kind != identity.Passport {
		p.Birth, p.Document.Nationality = "", ""
	}
	return p
}

// open returns the persons of the cases of booking id that are still part of it.
func (f *Facts) open(id string) (persons []identity.Key) {
	for _, c := range f.Cases[id] {
		if c.State != CaseRemoved {
			persons = append(persons, c.Person)
		}
	}
	return persons
}

// holders lists everybody whose claims booking b may hold.
func (f *Facts) holders(b *Booking) []identity.Key {
	all := append([]identity.Key{b.BookerKey, b.ApplicantKey}, f.open(b.ID)...)
	slices.Sort(all)
	return slices.Compact(all)
}

// caseClaims adds the items that the persons on the list of b claim, one active booking each as for
// anybody, or says which case stands against it.
func caseClaims(f *Facts, b *Booking, rules rulebook.Rulebook, add func(person identity.Key, n int, name func(int) string) string) *fault.Error {
	for _, c := range f.Cases[b.ID] {
		if c.State == CaseRemoved || c.Person == b.ApplicantKey {
			continue
		}
		if add(c.Person, rules.ActivePerItem, func(i int) string { return itemName(b.Item, i) }) != "" {
			return fault.New(fault.CaseBooked, "n", strconv.Itoa(c.N))
		}
	}
	return nil
}

// Reduce takes cases off a batch (Art. 19): their units go back, the rest stays as it was. Possible as long
// as the batch can be cancelled (Art. 17). The last case cannot be taken off: the batch is cancelled then.
type Reduce struct {
	Key, Hash string
	Who       Who
	Booking   string
	Cases     []int // as listed, from 1
	Rules     rulebook.Rulebook
	Channel   Channel
}

func (r *Reduce) Needs(n *Needs) {
	n.Bookings[r.Booking] = struct{}{}
	n.Keys[Ref{r.Who.Key, KeyName(r.Key)}] = struct{}{}
}

func (r *Reduce) More(f *Facts, n *Needs) {
	if !again(f, n, r.Who.Key, r.Key) {
		n.held(f.Bookings[r.Booking])
	}
}

func (r *Reduce) decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error) {
	if a, err, done := replay(f, r.Who.Key, r.Key, r.Hash); done {
		return a, err
	}
	b := f.Bookings[r.Booking]
	if b == nil || b.BookerKey != r.Who.Key {
		return Answer{}, fault.New(fault.BookingNotFound)
	}
	if b.State != Booked { // one that lost its hour chooses another first
		return Answer{}, fault.New(fault.NotActive, "state", string(b.State))
	}
	slot := f.Slots[b.SlotID]
	if slot == nil || !f.knowsOf(b) {
		return Answer{}, fault.New(fault.Busy)
	}
	if until := CancelUntil(b.End(), r.Rules); now.After(until) {
		return Answer{}, fault.New(fault.CancelTooLate, "until", until.Format(time.RFC3339))
	}
	gone := map[int]identity.Key{}
	for _, n := range r.Cases {
		i := slices.IndexFunc(f.Cases[b.ID], func(c Case) bool { return c.N == n && c.State == CaseOpen })
		if i < 0 {
			return Answer{}, fault.New(fault.NoSuchCase)
		}
		gone[n] = f.Cases[b.ID][i].Person
	}
	switch {
	case len(gone) == 0:
		return Answer{}, fault.New(fault.NoSuchCase)
	case len(gone) >= b.Units:
		return Answer{}, fault.New(fault.LastCase)
	}
	less := b.next(b.State, now)
	less.Units -= len(gone)
	list := slices.Clone(f.Cases[b.ID])
	var back []Claim
	for i := range list {
		if _, ok := gone[list[i].N]; !ok {
			continue
		}
		list[i].State = CaseRemoved
		c.Remove = append(c.Remove, CaseRef{b.ID, list[i].N})
		if list[i].Person != b.ApplicantKey {
			back = append(back, f.itemsOf(list[i].Person, b)...)
		}
	}
	give(f, c, back)
	f.Cases[b.ID] = list
	take(f, c, []Claim{{Person: r.Who.Key, Name: KeyName(r.Key), HallID: b.HallID, Booking: b.ID, Hash: r.Hash}})
	c.giveBack(f, b, len(gone), slot, r.Rules, now)
	f.Bookings[b.ID] = less
	c.update(less, b)
	c.tell(less, EventReduced, MessageReduced, now, r.Who.Key, r.Channel, "")
	return Answer{Booking: *less}, nil
}

// itemsOf lists the claims on its item that booking b holds for person.
func (f *Facts) itemsOf(person identity.Key, b *Booking) (out []Claim) {
	for c := range f.of(person) {
		if c.Booking == b.ID && strings.HasPrefix(c.Name, itemPrefix) {
			out = append(out, *c)
		}
	}
	return out
}

// CaseRef names a case.
type CaseRef struct {
	Booking string
	N       int
}

// Batches returns the bookings whose lists c adds, in order of their ids.
func (c *Change) Batches() []string { return slices.Sorted(maps.Keys(c.Cases)) }
