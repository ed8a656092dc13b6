package booking

import (
	"slices"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
)

// WaitState is what has become of an entry of the waitlist (候補, Art. 15).
type WaitState string

const (
	Waiting    WaitState = "waiting"
	Offered    WaitState = "offered" // a place is kept for it until its person says yes or no
	WaitBooked WaitState = "booked"  // the booking has the id of the entry
	WaitLeft   WaitState = "left"
	WaitOver   WaitState = "expired" // the last hour it could have used has passed
	WaitOnline WaitState = "online"  // its person took the online way instead
)

// Open tells whether the entry stands in line.
func (s WaitState) Open() bool { return s == Waiting || s == Offered }

// WaitEntry is somebody who waits for a number of an item: any of some hours of some dates at some queues.
// It becomes a booking under its own id.
type WaitEntry struct {
	ID           string // of the booking it will be
	Number       int64  // its place in every line: joined before means lower
	Booker       identity.Key
	Level        identity.Level
	Applicant    ApplicantKind
	ApplicantKey identity.Key
	Item         string
	Stage        directory.Stage
	Units        int
	Cases        int // on its list (Art. 19), kept as that of the booking it will be; 0 for no list
	Lines        []WaitLine
	Dates        []calendar.Date // ascending
	Hours        []int           // ascending
	Channel      Channel
	Sealed       []byte // Parties
	State        WaitState
	HallID       string   // offered, booked: where
	SlotID       string   // offered, booked
	Passed       []string // slots its person was offered and did not take
	Until        time.Time
	Version      int
	JoinedAt     time.Time
	ChangedAt    time.Time
}

// WaitLine is one queue in whose line an entry stands.
type WaitLine struct{ HallID, QueueID string }

// Fits tells whether the entry could use a number of slot s, units aside.
func (e *WaitEntry) Fits(s *Slot) bool {
	return slices.Contains(e.Lines, WaitLine{s.HallID, s.QueueID}) && slices.Contains(e.Dates, s.Date) && slices.Contains(e.Hours, s.Hour) &&
		!slices.Contains(e.Passed, s.ID)
}

// Last returns the end of the time in which the entry could be served.
func (e *WaitEntry) Last() time.Time {
	if len(e.Dates) == 0 || len(e.Hours) == 0 {
		return e.JoinedAt
	}
	return e.Dates[len(e.Dates)-1].At(e.Hours[len(e.Hours)-1], 0)
}

// WaitName is the claim of an applicant on waiting for an item: nobody waits twice for the same.
func WaitName(item string) string { return "wait:" + item }

// WaitKeyName is the claim name of an idempotency key of the waitlist, kept apart from those of bookings.
func WaitKeyName(key string) string { return "wait-key:" + key }

// systemKey is under which key the system books for an entry. "." is in no key a person may give.
func systemKey(entry string) string { return "wait." + entry }

const (
	EventWaitBooked EventKind = "wait_booked" // booked out of the waitlist

	MessageWaitBooked MessageKind = "wait_booked"
	MessageWaitOffer  MessageKind = "wait_offer" // about an entry: Message.Booking is its id
	MessageWaitOver   MessageKind = "wait_over"

	// MessageWaitOnline tells who waits of the online way of their item (Art. 16).
	MessageWaitOnline MessageKind = "wait_online"
)

// ReleaseLead is how long before a release the line is served.
const ReleaseLead = 10 * time.Minute

// WaitUpdate is the new state of an entry whose row must still be at version Was.
type WaitUpdate struct {
	Entry *WaitEntry
	Was   int
}

// Serve gives a place that is held in a slot to an entry of the waitlist, as the system: booked at once if
// the slot starts late enough, else offered. In the last minutes before a release it takes of what is about
// to be released. It needs no key: an entry that is not waiting any more is refused.
type Serve struct {
	Entry  string
	Offer  Offer // of the entry's item in the queue of the slot
	SlotID string

	// Before is the least units of those who stand before the entry and were refused for want of them, 0 for nobody.
	// What came free since is theirs: with as many there, the entry is refused, and the line looked at again.
	Before int
}

func (r *Serve) Needs(n *Needs) {
	n.Slots[r.SlotID] = r.Offer.HallID
	n.Holds[r.SlotID] = r.Offer.HallID
	n.Waits[r.Entry] = struct{}{}
}

func (r *Serve) More(f *Facts, n *Needs) {
	if e := f.Waits[r.Entry]; e != nil && e.State == Waiting {
		n.waiter(e)
	}
}

func (r *Serve) decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error) {
	e, slot := f.Waits[r.Entry], f.Slots[r.SlotID]
	if e == nil || e.State != Waiting || slot == nil || !e.Fits(slot) {
		return Answer{}, fault.New(fault.WaitEnded)
	}
	if !f.knowsWaiter(e) {
		return Answer{}, fault.New(fault.Busy)
	}
	rules := r.Offer.Rules
	early, at := now.Before(slot.Release), now
	if early && slot.Release.Sub(now) <= ReleaseLead {
		at = slot.Release
	}
	if err := barred(now, f, e.Booker, System, false, r.Offer.Regime); err != nil {
		return Answer{}, err // others are served; this one again when it is over
	}
	if err := mayServe(at, e, slot, r.Offer); err != nil {
		return Answer{}, err
	}
	b := e.booking(slot, now)
	claims, err := limits(f, b, rules, nil)
	if err != nil {
		return Answer{}, err
	}
	held, all := f.due(slot, early, r.Offer)
	switch {
	case r.Before > 0 && all >= r.Before:
		return Answer{}, fault.New(fault.ChangedMeanwhile)
	case all < e.Units:
		return Answer{}, fault.New(fault.SoldOut)
	}
	if early {
		c.shift(slot, e.Units)
	} else {
		held = min(held, e.Units)
		rest := e.Units - held
		if !c.consume(f, slot, held, "") {
			return Answer{}, fault.New(fault.SoldOut)
		}
		if slot.Start().Sub(now) < rules.WaitlistBookLead {
			c.shiftHeld(slot, rest)
			c.tender(f, e, slot, rules.WaitlistOffer, now, OffSiteUntil(*slot, rules))
			return Answer{}, nil
		}
		c.shiftHeld(slot, -held)
		c.shift(slot, e.Units)
	}
	claims = append(claims, Claim{Person: e.Booker, Name: KeyName(systemKey(e.ID)), HallID: b.HallID, Booking: b.ID, Hash: "waitlist"})
	due := now
	if early {
		due = slot.Release
	}
	c.promote(f, e, b, claims, "", System, now, due)
	return Answer{Booking: *b}, nil
}

// due tells how many numbers of slot s the line can have now: out of what is held and, where something is, what is
// free besides, so that a batch that waits for five with four free is served by one that comes free. What a draw is
// about to give is not for that. Early, before the release, it is what is free, up to the share of the rulebook.
func (f *Facts) due(s *Slot, early bool, o Offer) (held, all int) {
	if early {
		return 0, min(s.Free(), s.Capacity*o.Rules.WaitlistReleaseShare/100-s.Taken)
	}
	for _, h := range f.Holds[s.ID] {
		if h.Entry == "" {
			held += h.Units
		}
	}
	if held == 0 || slices.ContainsFunc(o.Drawn, s.Release.Equal) {
		return held, held
	}
	return held, held + max(0, s.Free())
}

// mayServe holds what the rules of booking say of an entry and a slot (Art. 12 to 14, 19). The line comes
// before the crowd, so before a draw too: what it takes ahead of the release or out of what is held is nothing
// that a draw could give.
func mayServe(now time.Time, e *WaitEntry, s *Slot, o Offer) *fault.Error {
	if o.System != "" {
		return fault.New(fault.DelegatedAlone)
	}
	if err := MayBook(Who{Key: e.Booker, Level: e.Level}, o, e.Stage, e.Units); err != nil {
		return err
	}
	o.Drawn = nil
	return canTake(now, s, o)
}

// waiter adds the claims of everybody the booking of an entry would hold some of.
func (n *Needs) waiter(e *WaitEntry) {
	n.Persons[e.Booker] = struct{}{}
	n.Persons[e.ApplicantKey] = struct{}{}
	n.Keys[Ref{e.Booker, BarName}] = struct{}{}
	if e.Cases > 0 {
		n.Cases[e.ID] = struct{}{}
	}
}

// knowsWaiter tells whether what waiter named has been read.
func (f *Facts) knowsWaiter(e *WaitEntry) bool {
	return f.Knows(e.Booker, e.ApplicantKey) && (e.Cases == 0 || len(f.Cases[e.ID]) > 0 && f.Knows(f.open(e.ID)...))
}

// MayWait tells what stands against somebody waiting for so much of what a queue offers.
func MayWait(who Who, o Offer, stage directory.Stage, units int) error {
	if o.System != "" {
		return fault.New(fault.DelegatedAlone)
	}
	if err := MayBook(who, o, stage, units); err != nil {
		return err
	}
	return nil
}

// booking is what the entry becomes in slot s.
func (e *WaitEntry) booking(s *Slot, now time.Time) *Booking {
	b := &Booking{
		ID: e.ID, Item: e.Item, Stage: e.Stage, Units: e.Units, Cases: e.Cases, State: Booked, Channel: e.Channel, Applicant: e.Applicant,
		BookerKey: e.Booker, ApplicantKey: e.ApplicantKey, Sealed: e.Sealed, Version: 1, CreatedAt: now, ChangedAt: now,
	}
	b.place(s)
	return b
}

// next returns e as its next version, in state s.
func (e *WaitEntry) next(s WaitState, now time.Time) *WaitEntry {
	n := *e
	n.State, n.ChangedAt = s, now
	n.HallID, n.SlotID, n.Until = "", "", time.Time{}
	n.Version++
	return &n
}

// promote books b for the entry.
func (c *Change) promote(f *Facts, e *WaitEntry, b *Booking, claims []Claim, actor identity.Key, ch Channel, now, due time.Time) {
	take(f, c, claims)
	c.Release = append(c.Release, Claim{Person: e.ApplicantKey, Name: WaitName(e.Item), Booking: e.ID})
	f.Bookings[b.ID] = b
	c.Insert = append(c.Insert, b)
	c.tell(b, EventWaitBooked, MessageWaitBooked, now, actor, ch, "")
	c.Messages[len(c.Messages)-1].Due = due
	done := e.next(WaitBooked, now)
	done.HallID, done.SlotID = b.HallID, b.SlotID
	c.wait(f, done, e)
}

// tender keeps a place of slot for the entry a while.
func (c *Change) tender(f *Facts, e *WaitEntry, slot *Slot, wait time.Duration, now, last time.Time) {
	o := e.next(Offered, now)
	o.HallID, o.SlotID, o.Until = slot.HallID, slot.ID, now.Add(wait)
	if last.Before(o.Until) {
		o.Until = last
	}
	c.Holds = append(c.Holds, &Hold{
		ID: "offer." + e.ID + "." + two(o.Version), HallID: slot.HallID, QueueID: slot.QueueID, SlotID: slot.ID, Units: e.Units,
		OpensAt: o.Until, Entry: e.ID, Until: o.Until,
	})
	c.Messages = append(c.Messages, Message{Booking: e.ID, HallID: slot.HallID, Version: o.Version, Kind: MessageWaitOffer, Due: now})
	c.wait(f, o, e)
}

func (c *Change) wait(f *Facts, e, was *WaitEntry) {
	f.Waits[e.ID] = e
	c.Waits = append(c.Waits, WaitUpdate{e, was.Version})
}

// Accept is the person's yes to a place that is offered to their entry.
type Accept struct {
	Key, Hash string
	Who       Who
	Entry     string
	HallID    string // of the offer, as it was when the person was asked
	SlotID    string
	Offer     Offer
	Channel   Channel
}

func (r *Accept) Needs(n *Needs) {
	n.Slots[r.SlotID] = r.Offer.HallID
	n.Holds[r.SlotID] = r.Offer.HallID
	n.Waits[r.Entry] = struct{}{}
	n.Keys[Ref{r.Who.Key, KeyName(r.Key)}] = struct{}{}
}

func (r *Accept) More(f *Facts, n *Needs) {
	if again(f, n, r.Who.Key, r.Key) {
		return
	}
	if e := f.Waits[r.Entry]; e != nil && e.State == Offered {
		n.waiter(e)
	}
}

func (r *Accept) decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error) {
	if a, err, done := replay(f, r.Who.Key, r.Key, r.Hash); done {
		return a, err
	}
	e, slot := f.Waits[r.Entry], f.Slots[r.SlotID]
	if e == nil || e.Booker != r.Who.Key {
		return Answer{}, fault.New(fault.WaitNotFound)
	}
	if e.State != Offered || e.SlotID != r.SlotID || slot == nil || !now.Before(e.Until) {
		return Answer{}, fault.New(fault.OfferOver)
	}
	if !f.knowsWaiter(e) {
		return Answer{}, fault.New(fault.Busy)
	}
	if err := barred(now, f, e.Booker, r.Channel, false, r.Offer.Regime); err != nil {
		return Answer{}, err
	}
	if err := mayServe(now, e, slot, r.Offer); err != nil {
		return Answer{}, err
	}
	b := e.booking(slot, now)
	claims, err := limits(f, b, r.Offer.Rules, nil)
	if err != nil {
		return Answer{}, err
	}
	if !c.consume(f, slot, e.Units, e.ID) {
		return Answer{}, fault.New(fault.OfferOver)
	}
	c.shiftHeld(slot, -e.Units)
	c.shift(slot, e.Units)
	claims = append(claims, Claim{Person: r.Who.Key, Name: KeyName(r.Key), HallID: b.HallID, Booking: b.ID, Hash: r.Hash})
	c.promote(f, e, b, claims, r.Who.Key, r.Channel, now, now)
	return Answer{Booking: *b}, nil
}

// Pass returns the entry in line again after an offer that was not taken; the slot is not offered to it again.
func (e *WaitEntry) Pass(now time.Time) *WaitEntry {
	n := e.next(Waiting, now)
	n.Passed = append(slices.Clone(e.Passed), e.SlotID)
	return n
}

// End returns the entry out of line.
func (e *WaitEntry) End(s WaitState, now time.Time) *WaitEntry { return e.next(s, now) }
