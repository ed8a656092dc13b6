package booking

import (
	"iter"
	"time"

	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// Request is one thing somebody asks of the bookings of a hall: a Book, a Move, a Cancel or a Reduce, or for a
// booking that loses its hour a Displace, a Keep or a Lapse, for one whose hour has passed a Miss, and for an
// entry of the waitlist a Serve or an Accept.
//
// Facts for a group of requests are read in two rounds, so that a request that is lost after the
// first (sold out, repeated) costs nothing in the second.
type Request interface {
	// Needs adds to n what must be read first.
	Needs(n *Needs)
	// More adds to n what must be read besides, seeing what the first round brought.
	More(f *Facts, n *Needs)
	// decide answers from f alone and, when the answer is yes, changes f and c.
	decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error)
}

// Needs names the facts a group of requests must have.
type Needs struct {
	Slots    map[string]string         // slot id → hall id
	Keys     map[Ref]struct{}          // idempotency keys
	Bookings map[string]struct{}       // booking ids
	Persons  map[identity.Key]struct{} // persons whose limit claims are wanted
	Choices  map[string]struct{}       // booking ids whose waiting displacement is wanted
	Cases    map[string]struct{}       // booking ids whose list is wanted, with the limit claims of everybody on it
	Holds    map[string]string         // slot id → hall id, of slots whose holds are wanted
	Waits    map[string]struct{}       // ids of entries of the waitlist
	Marks    map[identity.Key]struct{} // persons of whom what sanctions look at is wanted
}

// NewNeeds returns an empty set.
func NewNeeds() *Needs {
	return &Needs{
		Slots: map[string]string{}, Keys: map[Ref]struct{}{},
		Bookings: map[string]struct{}{}, Persons: map[identity.Key]struct{}{}, Choices: map[string]struct{}{}, Cases: map[string]struct{}{},
		Holds: map[string]string{}, Waits: map[string]struct{}{},
		Marks: map[identity.Key]struct{}{},
	}
}

// held adds what changing an active booking needs: its slot, its claims, and what it waits for.
func (n *Needs) held(b *Booking) {
	if b == nil || !b.State.Active() {
		return
	}
	n.Slots[b.SlotID] = b.HallID
	n.holders(b)
	if b.State.Choosing() {
		n.Choices[b.ID] = struct{}{}
	}
}

// holders adds the claims of everybody b may hold some of.
func (n *Needs) holders(b *Booking) {
	n.Persons[b.BookerKey] = struct{}{}
	n.Persons[b.ApplicantKey] = struct{}{}
	if b.Cases > 0 {
		n.Cases[b.ID] = struct{}{}
	}
}

// Empty tells whether nothing is needed.
func (n *Needs) Empty() bool {
	return len(n.Slots) == 0 && len(n.Keys) == 0 && len(n.Bookings) == 0 && len(n.Persons) == 0 && len(n.Choices) == 0 && len(n.Cases) == 0 &&
		len(n.Holds) == 0 && len(n.Waits) == 0 && len(n.Marks) == 0
}

// Facts is what the store knew, as of one instant, about what Needs named. Deciding works on it as
// the state of the group: an accepted request changes it for those behind.
type Facts struct {
	Slots    map[string]*Slot
	Bookings map[string]*Booking
	Choices  map[string]*Displacement // waiting, by booking; nil for one that was looked for in vain
	Cases    map[string][]Case        // lists of batches, by booking
	Holds    map[string][]*Hold       // by slot, those that open first in front
	Waits    map[string]*WaitEntry
	Chances  []uint64 // drawn by lot, one for each request of the group
	turn     int      // whose turn it is in the group
	Measures map[identity.Key][]*Measure
	marks    map[identity.Key][]Fact
	claims   map[identity.Key]heldList // limits and keys alike
	room     []held                    // for claims to come
	known    map[identity.Key]struct{}
}

// held is a claim in the list of its person. There are some twenty of each person of a group: lists that
// double would be most of what deciding allocates.
type held struct {
	Claim
	next *held
}

type heldList struct{ first, last *held }

// of iterates over the claims of a person, in the order in which they were put.
func (f *Facts) of(person identity.Key) iter.Seq[*Claim] {
	return func(yield func(*Claim) bool) {
		for h := f.claims[person].first; h != nil; h = h.next {
			if !yield(&h.Claim) {
				return
			}
		}
	}
}

// NewFacts returns empty facts.
func NewFacts() *Facts {
	return &Facts{
		Slots: map[string]*Slot{}, Bookings: map[string]*Booking{}, Choices: map[string]*Displacement{}, Cases: map[string][]Case{},
		Holds: map[string][]*Hold{}, Waits: map[string]*WaitEntry{},
		Measures: map[identity.Key][]*Measure{}, marks: map[identity.Key][]Fact{},
		claims: map[identity.Key]heldList{}, known: map[identity.Key]struct{}{},
	}
}

// Put adds a claim that somebody holds.
func (f *Facts) Put(c Claim) {
	if len(f.room) == 0 {
		f.room = make([]held, max(16, min(len(f.claims), 256)))
	}
	h := &f.room[0]
	f.room, h.Claim = f.room[1:], c
	list := f.claims[c.Person]
	if list.first == nil {
		list.first = h
	} else {
		list.last.next = h
	}
	list.last = h
	f.claims[c.Person] = list
}

// SetKnown records that all limit claims of person have been put.
func (f *Facts) SetKnown(person identity.Key) { f.known[person] = struct{}{} }

// chance is what was drawn by lot for the request that is being decided.
func (f *Facts) chance() uint64 {
	if f.turn < len(f.Chances) {
		return f.Chances[f.turn]
	}
	return 0
}

// Knows tells whether the limit claims of all persons have been read. Without them nobody may be
// given a number: the room seen only appeared while the group was being decided.
func (f *Facts) Knows(persons ...identity.Key) bool {
	for _, p := range persons {
		if _, ok := f.known[p]; !ok {
			return false
		}
	}
	return true
}

// knowsOf tells whether everything that changing booking b needs besides its slot has been read.
func (f *Facts) knowsOf(b *Booking) bool {
	_, asked := f.Choices[b.ID]
	return f.Knows(b.BookerKey, b.ApplicantKey) && (asked || !b.State.Choosing()) && (b.Cases == 0 || len(f.Cases[b.ID]) > 0 && f.Knows(f.open(b.ID)...))
}

// Claim returns the claim of that name, if anybody holds it.
func (f *Facts) Claim(r Ref) (Claim, bool) {
	for c := range f.of(r.Person) {
		if c.Name == r.Name {
			return *c, true
		}
	}
	return Claim{}, false
}

func (f *Facts) drop(r Ref) {
	list := f.claims[r.Person]
	var before *held
	for h := list.first; h != nil; before, h = h, h.next {
		if h.Name != r.Name {
			continue
		}
		if before == nil {
			list.first = h.next
		} else {
			before.next = h.next
		}
		if list.last == h {
			list.last = before
		}
		f.claims[r.Person] = list
		return
	}
}
