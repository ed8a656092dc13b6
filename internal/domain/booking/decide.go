package booking

import (
	"slices"
	"strconv"
	"time"

	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
)

// Change is what must be written, all or nothing, for the accepted requests of a group.
type Change struct {
	Slots    map[string]int    // slot id → numbers taken (+) or given back (−), never 0 when applied
	Halls    map[string]string // slot id → hall id, for the above
	Take     []Claim
	Release  []Claim
	Insert   []*Booking
	Update   []Update
	Events   []Event
	Messages []Message
	Displace []*Displacement   // new
	Settle   []*Displacement   // stored as waiting, now chosen or lapsed
	Cases    map[string][]Case // lists of the batches in Insert, by booking
	Remove   []CaseRef
	Held     map[string]int // slot id → numbers held for the waitlist (+) or no longer (−); Slots has its id too
	Holds    []*Hold        // new
	Cut      []*Hold        // stored, with fewer units: none left is gone
	Waits    []WaitUpdate   // entries of the waitlist
	Measures []*Measure     // new: they come of what is recorded in Take

	// Of places in departments' own systems. They go after what is above: who gives one back does not want it any more.
	Delegate []*Delegation // new
	Settled  []Adopted     // of bookings that are confirmed now
	Unwant   []Unwanted    // places that bookings want no more
}

// Update is the new state of a stored booking, whose row must still be at version Was in hall Hall.
type Update struct {
	Booking *Booking
	Was     int
	Hall    string
}

// Empty tells whether there is nothing to write.
func (c *Change) Empty() bool {
	return len(c.Take) == 0 && len(c.Release) == 0 && len(c.Update) == 0 && len(c.Waits) == 0
}

// Answer is what an accepted request came to.
type Answer struct {
	Booking  Booking
	Replayed bool // the same key had asked before: this is what it came to
}

// EventKind says what happened to a booking.
type EventKind string

const (
	EventBooked    EventKind = "booked"
	EventMoved     EventKind = "moved"
	EventCancelled EventKind = "cancelled"
	EventReduced   EventKind = "reduced" // cases were taken off the batch (Art. 19)

	EventDisplaced EventKind = "displaced" // lost its hour; another is kept for it
	EventStranded  EventKind = "stranded"  // lost its hour; none could be kept
	EventKept      EventKind = "kept"      // the person took the hour kept for them
	EventDeclined  EventKind = "declined"  // cancelled by the person after it lost its hour: no mark against them
	EventLapsed    EventKind = "lapsed"    // nothing was chosen in time: ended by the hall, no mark either

	// At the hall (Art. 12). Nobody is sent a message about these: the person is there.
	EventArrived EventKind = "arrived"
	EventDone    EventKind = "done" // served
	EventLeft    EventKind = "left" // came, but was not served: went away, or the day ended
)

// Event is one line of a booking's history: exactly one for each version, never changed.
type Event struct {
	Booking string
	HallID  string
	Version int
	Kind    EventKind
	At      time.Time
	Actor   identity.Key
	Channel Channel
	SlotID  string // where the booking is after it
	From    string // moved, displaced: the slot it left
}

// MessageKind says what a message to the booker is about (Art. 13, 17).
type MessageKind string

const (
	MessageBooked    MessageKind = "booked"
	MessageMoved     MessageKind = "moved"
	MessageCancelled MessageKind = "cancelled"
	MessageReduced   MessageKind = "reduced"
	MessageReminder  MessageKind = "reminder"

	MessageDisplaced MessageKind = "displaced"
	MessageStranded  MessageKind = "stranded"
	MessageKept      MessageKind = "kept"
	MessageDeclined  MessageKind = "declined"
	MessageLapsed    MessageKind = "lapsed"

	// About a ticket of a hall's day, not a booking: Message.Booking is the ticket's id.
	MessageNear MessageKind = "near" // only a few are called before it

	// About an entry in a draw that got no number: Message.Booking is the id its booking would have had.
	MessageNotDrawn MessageKind = "not_drawn"
)

// Passes tells whether a message of this kind says something that is no longer so once the booking
// has changed: it is not sent then.
func (k MessageKind) Passes() bool {
	return k == MessageReminder || k == MessageDisplaced || k == MessageStranded || k == MessageNear
}

// Message is a notice to the booker, written in the transaction of what it tells and sent after.
type Message struct {
	Booking string // or ticket
	HallID  string
	Version int // of the booking it tells about; 1 of a ticket, of which each is written once
	Kind    MessageKind
	Due     time.Time
}

// Offer is what the catalogue and the rulebook say about booking one item in one queue. The
// directory changes rarely and is held in memory, so it comes with the request.
type Offer struct {
	Rules     rulebook.Rulebook
	Item      string
	HallID    string
	QueueID   string
	Stages    directory.Stages
	BatchMax  int
	Foreigner bool // foreigner-related business (Art. 12)

	// Drawn are releases of the queue whose numbers are given by a draw that is not done yet: nobody can
	// have them otherwise.
	Drawn []time.Time

	Regime Regime // sanctions as they are now

	System string // the connected system whose own numbers the queue's are, "" for the platform's
}

// Who is the person asking, as far as decisions need to know.
type Who struct {
	Key   identity.Key
	Level identity.Level
}

// Book asks for a number.
type Book struct {
	Key  string // idempotency key
	Hash string // digest of what was asked, to tell a repetition from another request

	ID        string // for the new booking, never used before
	Who       Who
	Applicant ApplicantKind
	For       identity.Key // the applicant; equal to Who.Key for Self
	Offer     Offer
	SlotID    string
	Stage     directory.Stage
	Units     int
	Cases     []Case // of a batch: one a unit, all open, nobody twice (CheckCases); nil for no list
	Channel   Channel
	Sealed    []byte
	Instead   string // id of the missed booking this makes good (Art. 18), "" for none

	nth  int     // of several booked together, from 0: the others than the first count neither for the hour nor for the day
	took []Claim // of several: what this one took
}

// Move asks to change a booking to another slot of a queue that serves the same item, as one step.
type Move struct {
	Key, Hash string
	Who       Who
	Booking   string
	Offer     Offer // of the item in the target queue
	SlotID    string
	Channel   Channel
	Hold      string // of the place that was confirmed beforehand, where the target's numbers are a department's; else ""
}

// Cancel gives a booking back.
type Cancel struct {
	Key, Hash string
	Who       Who
	Booking   string
	Rules     rulebook.Rulebook
	Regime    Regime
	Channel   Channel
}

// Outcome is the answer to one request of a group.
type Outcome struct {
	Answer Answer
	Fault  *fault.Error
}

// Decide answers a group of requests in order, each knowing what those before it got, and collects
// the change that makes the answers true. Nothing outside its arguments is read.
func Decide(now time.Time, f *Facts, group []Request) ([]Outcome, *Change) {
	n := len(group)
	c := &Change{
		Slots: map[string]int{}, Halls: map[string]string{}, Cases: map[string][]Case{}, Held: map[string]int{},
		Take: make([]Claim, 0, 4*n), Insert: make([]*Booking, 0, n), Events: make([]Event, 0, n), Messages: make([]Message, 0, n),
	}
	out := make([]Outcome, len(group))
	for i, r := range group {
		f.turn = i
		a, err := r.decide(now, f, c)
		out[i] = Outcome{a, err}
	}
	for id, n := range c.Slots {
		if n == 0 && c.Held[id] == 0 {
			delete(c.Slots, id)
			delete(c.Halls, id)
		}
	}
	return out, c
}

// --- Book

func (r *Book) Needs(n *Needs) {
	n.Slots[r.SlotID] = r.Offer.HallID
	n.Keys[Ref{r.Who.Key, KeyName(r.Key)}] = struct{}{}
	if r.Offer.Regime.On {
		n.Keys[Ref{r.Who.Key, BarName}] = struct{}{}
	}
	if r.Instead != "" {
		n.Bookings[r.Instead] = struct{}{}
		for i := 1; i <= r.Offer.Rules.RebookTimes; i++ {
			n.Keys[Ref{r.Who.Key, RebookName(r.Instead, i)}] = struct{}{}
		}
	}
}

func (r *Book) More(f *Facts, n *Needs) {
	if again(f, n, r.Who.Key, r.Key) {
		return
	}
	if s := f.Slots[r.SlotID]; s == nil || s.Free() < r.Units {
		return // lost already: the limits of this person need not be read
	}
	n.Persons[r.Who.Key] = struct{}{}
	n.Persons[r.For] = struct{}{}
	for _, one := range r.Cases {
		n.Persons[one.Person] = struct{}{}
	}
}

func (r *Book) decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error) {
	if a, err, done := replay(f, r.Who.Key, r.Key, r.Hash); done {
		return a, err
	}
	if err := MayBook(r.Who, r.Offer, r.Stage, r.Units); err != nil {
		return Answer{}, err
	}
	if err := barred(now, f, r.Who.Key, r.Channel, r.Instead != "", r.Offer.Regime); err != nil {
		return Answer{}, err
	}
	var once []Claim
	if r.Instead != "" {
		claim, err := r.makesGood(now, f)
		if err != nil {
			return Answer{}, err
		}
		once = append(once, claim)
	}
	slot := f.Slots[r.SlotID]
	if err := canTake(now, slot, r.Offer); err != nil {
		return Answer{}, err
	}
	if slot.Free() < r.Units || !f.Knows(r.Who.Key, r.For) || slices.ContainsFunc(r.Cases, func(one Case) bool { return !f.Knows(one.Person) }) {
		return Answer{}, fault.New(fault.SoldOut)
	}
	b := &Booking{
		ID: r.ID, HallID: slot.HallID, QueueID: slot.QueueID, SlotID: slot.ID, Date: slot.Date, Hour: slot.Hour,
		Item: r.Offer.Item, Stage: r.Stage, Units: r.Units, Cases: len(r.Cases), State: Booked, Channel: r.Channel,
		Applicant: r.Applicant, BookerKey: r.Who.Key, ApplicantKey: r.For, Sealed: r.Sealed,
		Version: 1, CreatedAt: now, ChangedAt: now,
	}
	if len(r.Cases) > 0 {
		f.Cases[b.ID] = r.Cases
	}
	claims, err := limitsOf(f, b, r.Offer.Rules, nil, r.nth)
	if err != nil {
		delete(f.Cases, b.ID)
		return Answer{}, err
	}
	if len(r.Cases) > 0 {
		c.Cases[b.ID] = r.Cases
	}
	claims = append(append(claims, once...), Claim{Person: r.Who.Key, Name: KeyName(r.Key), HallID: b.HallID, Booking: b.ID, Hash: r.Hash})
	take(f, c, claims)
	c.shift(slot, r.Units)
	f.Bookings[b.ID] = b
	c.Insert = append(c.Insert, b)
	if r.Offer.System != "" {
		c.Delegate = append(c.Delegate, b.pend(r.Offer.System, now))
		c.tell(b, EventAsked, "", now, r.Who.Key, r.Channel, "")
		return Answer{Booking: *b}, nil
	}
	c.tell(b, EventBooked, MessageBooked, now, r.Who.Key, r.Channel, "")
	return Answer{Booking: *b}, nil
}

// --- Move

func (r *Move) Needs(n *Needs) {
	n.Slots[r.SlotID] = r.Offer.HallID
	n.Bookings[r.Booking] = struct{}{}
	n.Keys[Ref{r.Who.Key, KeyName(r.Key)}] = struct{}{}
}

func (r *Move) More(f *Facts, n *Needs) {
	if again(f, n, r.Who.Key, r.Key) {
		return
	}
	n.held(f.Bookings[r.Booking])
}

func (r *Move) decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error) {
	if a, err, done := replay(f, r.Who.Key, r.Key, r.Hash); done {
		return a, err
	}
	b := f.Bookings[r.Booking]
	if b == nil || b.BookerKey != r.Who.Key {
		return Answer{}, fault.New(fault.BookingNotFound)
	}
	if !b.State.Active() {
		return Answer{}, fault.New(fault.NotActive, "state", string(b.State))
	}
	if b.State == Pending {
		return Answer{}, fault.New(fault.BookingPending).After(pendingAgain)
	}
	if b.Item != r.Offer.Item || !r.Offer.Stages.Has(b.Stage) {
		return Answer{}, fault.New(fault.MoveOtherItem)
	}
	if b.SlotID == r.SlotID && b.State.Holds() {
		return Answer{}, fault.New(fault.SameSlot)
	}
	old := f.Slots[b.SlotID]
	if old == nil || !f.knowsOf(b) {
		return Answer{}, fault.New(fault.Busy) // it changed while this group was being read
	}
	if until := CancelUntil(b.End(), r.Offer.Rules); !b.State.Choosing() && now.After(until) {
		return Answer{}, fault.New(fault.MoveTooLate, "until", until.Format(time.RFC3339))
	}
	if err := unitsAllowed(b.Units, r.Offer); err != nil {
		return Answer{}, err
	}
	slot := f.Slots[r.SlotID]
	if err := canTake(now, slot, r.Offer); err != nil {
		return Answer{}, err
	}
	if slot.Free() < b.Units {
		return Answer{}, fault.New(fault.SoldOut)
	}
	moved := b.next(Booked, now)
	moved.place(slot)

	held := heldBy(f, b)
	claims, err := limits(f, moved, r.Offer.Rules, held)
	if err != nil {
		return Answer{}, err
	}
	if (r.Offer.System != "") != (r.Hold != "") { // it may be moved, and the department was not asked, or need not be any more
		return Answer{}, fault.New(fault.ChangedMeanwhile)
	}
	release, claims := exchange(held, claims)
	give(f, c, release)
	claims = append(claims, Claim{Person: r.Who.Key, Name: KeyName(r.Key), HallID: moved.HallID, Booking: b.ID, Hash: r.Hash})
	take(f, c, claims)
	if b.State.Holds() {
		c.giveBack(f, b, b.Units, old, r.Offer.Rules, now)
	}
	c.shift(slot, b.Units)
	c.settle(f, b, ChoiceMoved, now)
	from := b.SlotID
	c.Unwant = append(c.Unwant, Unwanted{b.ID, r.Hold})
	if r.Hold != "" {
		c.Settled = append(c.Settled, Adopted{r.Hold, b.ID, Tried, ""})
	}
	f.Bookings[b.ID] = moved
	c.update(moved, b)
	c.tell(moved, EventMoved, MessageMoved, now, r.Who.Key, r.Channel, from)
	return Answer{Booking: *moved}, nil
}

// --- Cancel

func (r *Cancel) Needs(n *Needs) {
	n.Bookings[r.Booking] = struct{}{}
	n.Keys[Ref{r.Who.Key, KeyName(r.Key)}] = struct{}{}
}

func (r *Cancel) More(f *Facts, n *Needs) {
	if again(f, n, r.Who.Key, r.Key) {
		return
	}
	n.held(f.Bookings[r.Booking])
	n.needsMarks(r.Who.Key)
}

func (r *Cancel) decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error) {
	if a, err, done := replay(f, r.Who.Key, r.Key, r.Hash); done {
		return a, err
	}
	b := f.Bookings[r.Booking]
	if b == nil || b.BookerKey != r.Who.Key {
		return Answer{}, fault.New(fault.BookingNotFound)
	}
	if !b.State.Active() {
		return Answer{}, fault.New(fault.NotActive, "state", string(b.State))
	}
	slot := f.Slots[b.SlotID]
	if _, known := f.marks[r.Who.Key]; slot == nil || !f.knowsOf(b) || !known {
		return Answer{}, fault.New(fault.Busy) // it changed while this group was being read
	}
	if until := CancelUntil(b.End(), r.Rules); !b.State.Choosing() && now.After(until) {
		return Answer{}, fault.New(fault.CancelTooLate, "until", until.Format(time.RFC3339))
	}
	event, message := EventCancelled, MessageCancelled
	if b.State.Choosing() {
		event, message = EventDeclined, MessageDeclined
	}
	gone := c.end(f, b, slot, ChoiceCancelled, r.Rules, now)
	c.Unwant = append(c.Unwant, Unwanted{b.ID, ""})
	take(f, c, []Claim{{Person: r.Who.Key, Name: KeyName(r.Key), HallID: b.HallID, Booking: b.ID, Hash: r.Hash}})
	c.tell(gone, event, message, now, r.Who.Key, r.Channel, "")
	if event == EventCancelled {
		c.record(f, gone, FactCancelled, r.Regime, now)
	}
	return Answer{Booking: *gone}, nil
}

// CancelUntil is the last instant a booking whose slot ends at end can be cancelled or moved
// (Art. 17: two hours before the end, so 09:00 sharp for 10:00–11:00). That instant itself still counts.
func CancelUntil(end time.Time, rules rulebook.Rulebook) time.Time {
	return end.Add(-rules.CancelBeforeEnd)
}

// OffSiteUntil is the first instant at which slot s can no longer be had off-site (Art. 14).
func OffSiteUntil(s Slot, rules rulebook.Rulebook) time.Time {
	if rules.OffSiteCloses == rulebook.SlotStart {
		return s.Start()
	}
	return s.Date.At(0, 0)
}

// --- rules

// MayEnter holds what of Art. 12 to 14 and 19 can be said of a request at once, before a draw decides about it.
func (r *Book) MayEnter(now time.Time, slot *Slot) *fault.Error {
	if err := MayBook(r.Who, r.Offer, r.Stage, r.Units); err != nil {
		return err
	}
	o := r.Offer
	o.Drawn = nil
	return canTake(now, slot, o)
}

// MayBook holds what does not depend on the slot: who may (Art. 12), the stage (Art. 13), the batch (Art. 19).
func MayBook(who Who, o Offer, stage directory.Stage, units int) *fault.Error {
	switch {
	case who.Level == identity.Visitor && !o.Foreigner:
		return fault.New(fault.ItemNotForVisitor)
	case who.Level != identity.Visitor && int(who.Level) < o.Rules.LevelToBook:
		return fault.New(fault.LevelTooLow, "level", strconv.Itoa(int(who.Level)), "need", strconv.Itoa(o.Rules.LevelToBook))
	case !o.Stages.Has(stage):
		return fault.New(fault.StageNotOffered)
	}
	if units > 1 && int(who.Level) < o.Rules.LevelToBatch {
		return fault.New(fault.LevelTooLow, "level", strconv.Itoa(int(who.Level)), "need", strconv.Itoa(o.Rules.LevelToBatch))
	}
	return unitsAllowed(units, o)
}

func unitsAllowed(units int, o Offer) *fault.Error {
	switch {
	case units > 1 && o.BatchMax <= 1:
		return fault.New(fault.BatchNotOffered)
	case units > 1 && units > o.BatchMax:
		return fault.New(fault.BatchTooLarge, "max", strconv.Itoa(o.BatchMax))
	}
	return nil
}

// canTake holds what Art. 14 says of one slot: released, not closed to off-site, not over.
func canTake(now time.Time, s *Slot, o Offer) *fault.Error {
	switch {
	case s == nil || s.HallID != o.HallID || s.QueueID != o.QueueID:
		return fault.New(fault.SlotNotFound)
	case !now.Before(s.Start()):
		return fault.New(fault.SlotOver)
	case s.Closed:
		return fault.New(fault.SlotClosed)
	case now.Before(s.Release):
		return fault.New(fault.NotReleased, "at", s.Release.Format(time.RFC3339))
	case !now.Before(OffSiteUntil(*s, o.Rules)):
		return fault.New(fault.OffSiteClosed)
	case slices.ContainsFunc(o.Drawn, s.Release.Equal):
		return fault.New(fault.DrawRunning).After(2 * time.Second)
	}
	return nil
}

// limits returns the claims booking b must take, or the limit that stands against it. Claims in own
// (those b holds already, when it moves) do not stand against it.
func limits(f *Facts, b *Booking, rules rulebook.Rulebook, own []Claim) ([]Claim, *fault.Error) {
	return limitsOf(f, b, rules, own, 0)
}

// limitsOf is limits for the nth of several booked together, from 0. Those after the first hold an hour and a day
// beside the ones that count, so that all of them are found by what they hold.
func limitsOf(f *Facts, b *Booking, rules rulebook.Rulebook, own []Claim, nth int) ([]Claim, *fault.Error) {
	claims := make([]Claim, 0, 3) // item, hour and day
	free := func(person identity.Key, n int, name func(int) string) (Claim, string) {
		holder := ""
		for i := 1; i <= n; i++ {
			ref := Ref{person, name(i)}
			held, ok := f.Claim(ref)
			if !ok || held.Booking == b.ID && holds(own, ref) {
				return Claim{Person: person, Name: ref.Name, HallID: b.HallID, Booking: b.ID}, ""
			}
			holder = held.Booking
		}
		return Claim{}, holder
	}
	add := func(person identity.Key, n int, name func(int) string) string {
		if n <= 0 {
			return ""
		}
		claim, holder := free(person, n, name)
		if holder == "" {
			claims = append(claims, claim)
		}
		return holder
	}
	if holder := add(b.ApplicantKey, rules.ActivePerItem, func(i int) string { return itemName(b.Item, i) }); holder != "" {
		if source, _, elsewhere := ParseElsewhere(holder); elsewhere {
			return nil, fault.New(fault.BookedElsewhere, "system", source)
		}
		return nil, fault.New(fault.AlreadyBooked, "booking", holder)
	}
	perHour, perDay, beside := rules.ActivePerHour, rules.ActivePerDay, 0
	if nth > 0 { // a limit of none stays none
		beside, perHour, perDay = besideLimits, min(perHour, 1)*besideMost, min(perDay, 1)*besideMost
	} else if holder := f.besideIn(b, own); holder != "" && perHour > 0 {
		return nil, fault.New(fault.SameHour, "booking", holder)
	}
	if holder := add(b.BookerKey, perHour, func(i int) string { return hourName(b.Date, b.Hour, beside+i) }); holder != "" {
		return nil, fault.New(fault.SameHour, "booking", holder)
	}
	if b.Applicant != Organisation { // organisations unlimited
		if holder := add(b.BookerKey, perDay, func(i int) string { return dayName(b.Date, beside+i) }); holder != "" {
			return nil, fault.New(fault.DayLimit, "limit", strconv.Itoa(rules.ActivePerDay))
		}
	}
	if err := caseClaims(f, b, rules, add); err != nil {
		return nil, err
	}
	return claims, nil
}

func holds(own []Claim, ref Ref) bool {
	for _, c := range own {
		if c.Ref() == ref {
			return true
		}
	}
	return false
}

// heldBy lists the limit claims that booking b holds.
func heldBy(f *Facts, b *Booking) []Claim {
	var own []Claim
	pick := func(person identity.Key) {
		for c := range f.of(person) {
			if c.Booking == b.ID && c.Name >= LimitsFrom && c.Name < LimitsTo {
				own = append(own, *c)
			}
		}
	}
	for _, person := range f.holders(b) {
		pick(person)
	}
	return own
}

// exchange drops from both lists what stays the same.
func exchange(held, wanted []Claim) (release, takes []Claim) {
	for _, h := range held {
		if !holds(wanted, h.Ref()) {
			release = append(release, h)
		}
	}
	for _, w := range wanted {
		if !holds(held, w.Ref()) {
			takes = append(takes, w)
		}
	}
	return release, takes
}

// again tells whether the key has been used before, and then asks for the booking it came to.
func again(f *Facts, n *Needs, person identity.Key, key string) bool {
	claim, ok := f.Claim(Ref{person, KeyName(key)})
	if ok {
		n.Bookings[claim.Booking] = struct{}{}
	}
	return ok
}

// replay answers a request whose key has been used before.
func replay(f *Facts, person identity.Key, key, hash string) (Answer, *fault.Error, bool) {
	claim, ok := f.Claim(Ref{person, KeyName(key)})
	if !ok {
		return Answer{}, nil, false
	}
	if claim.Hash != hash {
		return Answer{}, fault.New(fault.KeyReused), true
	}
	b := f.Bookings[claim.Booking]
	if b == nil {
		return Answer{}, fault.New(fault.BookingNotFound), true
	}
	return Answer{Booking: *b, Replayed: true}, nil, true
}

// --- change

func take(f *Facts, c *Change, claims []Claim) {
	for _, claim := range claims {
		f.Put(claim)
		c.Take = append(c.Take, claim)
	}
}

// give releases claims. One that this very group took is simply not taken.
func give(f *Facts, c *Change, claims []Claim) {
	for _, claim := range claims {
		f.drop(claim.Ref())
		taken := false
		for i, t := range c.Take {
			if t.Ref() == claim.Ref() {
				c.Take = append(c.Take[:i], c.Take[i+1:]...)
				taken = true
				break
			}
		}
		if !taken {
			c.Release = append(c.Release, claim)
		}
	}
}

func (c *Change) shift(s *Slot, n int) {
	s.Taken += n
	c.Slots[s.ID] += n
	c.Halls[s.ID] = s.HallID
}

// update records the newest version b of a booking that was as was says. One inserted by this very
// group is still an insert, one updated before keeps the version its row has.
func (c *Change) update(b, was *Booking) {
	for i, ins := range c.Insert {
		if ins.ID == b.ID {
			c.Insert[i] = b
			return
		}
	}
	for i, up := range c.Update {
		if up.Booking.ID == b.ID {
			c.Update[i].Booking = b
			return
		}
	}
	c.Update = append(c.Update, Update{b, was.Version, was.HallID})
}

func (c *Change) tell(b *Booking, e EventKind, m MessageKind, now time.Time, actor identity.Key, ch Channel, from string) {
	c.Events = append(c.Events, Event{
		Booking: b.ID, HallID: b.HallID, Version: b.Version, Kind: e, At: now, Actor: actor, Channel: ch,
		SlotID: b.SlotID, From: from,
	})
	if m == "" { // nobody is told of it
		return
	}
	c.Messages = append(c.Messages, Message{Booking: b.ID, HallID: b.HallID, Version: b.Version, Kind: m, Due: now})
}
