package app

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// CheckIn says who has come for which booking. One of three ways:
//
//   - Code, and what shows that it is theirs: Fact (last four of the document number, or the birth date),
//     or the Document itself;
//   - the Document alone, as a reader read it: whatever is booked for its holder today;
//   - staff, Booking (of TodaysBookings) or Code, with what the comparison of the document came to.
//
// A signed-in person gives Code only.
type CheckIn struct {
	Code     string
	Fact     string
	Document *identity.Document
	Birth    string // 2006-01-02, with a passport
	Booking  string
	Compared Compared
}

// Compared is what staff saw when they compared the document shown with the booking (Art. 12).
type Compared string

const (
	SameDocument  Compared = "same"
	OtherDocument Compared = "other" // the business is not done; that is recorded
)

// CheckIn records that somebody has come for their booking and puts them in line (Art. 12): real-name
// comparison, today and at this hall, from Rules.CheckInBefore before the hour until its end. Again, it
// returns the ticket there is. Refused with DocumentMismatch, TooEarly, TooLate, OtherDay, OtherHall or
// NotActive, which are recorded with the booking; BookingNotFound tells nothing.
func (a *App) CheckIn(ctx context.Context, by By, hall string, r CheckIn) (TicketView, error) {
	return a.given(a.checkIn(ctx, by, hall, r))
}

func (a *App) checkIn(ctx context.Context, by By, hall string, r CheckIn) (v TicketView, err error) {
	if err := a.here(by, hall); err != nil {
		return v, err
	}
	id, err := a.arriving(ctx, by, hall, r)
	if err != nil {
		return v, err
	}
	b, err := a.readBooking(ctx, id)
	if err != nil {
		return v, err
	}
	if b == nil {
		return v, fault.New(fault.BookingNotFound)
	}
	p, err := a.open(b)
	if err != nil {
		return v, err
	}
	if err = a.compare(by, r, b, p); err == nil {
		v, err = a.arrive(ctx, by, hall, b, p)
	}
	switch code := fault.CodeOf(err); code {
	case fault.DocumentMismatch, fault.TooEarly, fault.TooLate, fault.OtherDay, fault.OtherHall, fault.NotActive:
		kind, who := by.of()
		if err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.RefuseArrival(ctx, hall, b.ID, string(code), kind, who) }); err != nil {
			return v, err // Art. 12: it is recorded, or asked again
		}
	}
	return v, err
}

// arriving finds the booking somebody has come for.
func (a *App) arriving(ctx context.Context, by By, hall string, r CheckIn) (id string, err error) {
	if by.Admin != nil && r.Booking != "" {
		// Only what TodaysBookings lists: a booking of another hall is as absent as none.
		b, err := a.readBooking(ctx, r.Booking)
		if err != nil {
			return "", err
		}
		if b == nil || b.HallID != hall {
			return "", fault.New(fault.BookingNotFound)
		}
		return b.ID, nil
	}
	if r.Code != "" {
		n, ok := a.vault.NumberOf(r.Code)
		if !ok {
			return "", fault.New(fault.BookingNotFound)
		}
		return booking.IDOf(n), nil
	}
	if r.Document == nil {
		return "", fault.InvalidFields(fault.Field{Path: "code", Code: fault.Required})
	}
	doc := identity.Normalise(*r.Document)
	if field, bad := identity.CheckDocument(doc, calendar.DateOf(a.now())); bad != "" {
		return "", fault.InvalidFields(fault.Field{Path: "document." + field, Code: bad})
	}
	return a.bookedFor(ctx, hall, a.personKey(doc, r.Birth), doc)
}

// bookedFor finds what the holder of a document has come for: of today's bookings of the hall the one that
// can be checked in for, else the nearest; else what they have booked elsewhere, so that they can be told.
func (a *App) bookedFor(ctx context.Context, hall string, person identity.Key, doc identity.Document) (id string, err error) {
	now := a.now()
	date := calendar.DateOf(now)
	var today, active []*booking.Booking
	var rules counter.Rules
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if rules, err = a.rulesOf(ctx, tx, hall, date); err != nil {
			return err
		}
		if today, err = tx.BookingsOn(ctx, hall, a.queueIDs(hall), date); err != nil {
			return err
		}
		active, err = tx.ActiveOf(ctx, person)
		return err
	}); err != nil {
		return "", err
	}
	// One that can be had now before one that has been, before one to come, before one missed.
	rank := func(b *booking.Booking) int {
		switch {
		case b.State == booking.Booked && rules.Arrival(now, b.Start(), b.End()) == nil:
			return 0
		case b.State == booking.Arrived:
			return 1
		case b.State == booking.Booked && now.Before(b.Start()):
			return 2
		}
		return 3
	}
	var best *booking.Booking
	for _, b := range today {
		if b.State == booking.Cancelled || b.State.Choosing() {
			continue
		}
		if b.BookerKey != person && b.ApplicantKey != person {
			continue
		}
		if best == nil || rank(b) < rank(best) {
			best = b
		}
	}
	switch {
	case best != nil:
		return best.ID, nil
	case len(active) > 0:
		return active[0].ID, nil
	}
	return "", fault.New(fault.BookingNotFound)
}

func (a *App) queueIDs(hall string) (ids []string) {
	for _, q := range a.City().QueuesAt(hall) {
		ids = append(ids, q.ID)
	}
	return ids
}

// compare decides whether whoever has come is the one who booked, or for whom was booked (Art. 12).
func (a *App) compare(by By, r CheckIn, b *booking.Booking, p booking.Parties) error {
	switch {
	case by.Self != nil:
		if by.Self.Person.Key != b.BookerKey && a.personKey(by.Self.Person.Document, by.Self.Person.Birth) != b.ApplicantKey {
			return fault.New(fault.BookingNotFound)
		}
		return nil
	case r.Document != nil:
		doc := identity.Normalise(*r.Document)
		for _, party := range []booking.Party{p.Booker, p.Applicant} {
			if party.Document.Number != "" && doc.Canonical(r.Birth) == party.Document.Canonical(party.Birth) {
				return nil
			}
		}
		return fault.New(fault.DocumentMismatch)
	case by.Admin != nil && r.Compared == SameDocument:
		return nil
	case by.Admin != nil && r.Compared == OtherDocument:
		return fault.New(fault.DocumentMismatch)
	case by.Admin != nil && r.Fact == "":
		return fault.InvalidFields(fault.Field{Path: "compared", Code: fault.Required})
	case r.Fact == "":
		return fault.InvalidFields(fault.Field{Path: "fact", Code: fault.Required})
	case !matchesFact(p.Booker, r.Fact) && !matchesFact(p.Applicant, r.Fact):
		return fault.New(fault.BookingNotFound)
	}
	return nil
}

// arrive puts a booking whose person has come in line.
func (a *App) arrive(ctx context.Context, by By, hall string, b *booking.Booking, p booking.Parties) (v TicketView, err error) {
	today := calendar.DateOf(a.now())
	switch {
	case b.State == booking.Cancelled || b.State.Choosing():
		return v, fault.New(fault.NotActive, "state", string(b.State))
	case b.Date != today:
		return v, fault.New(fault.OtherDay, "date", b.Date.String())
	case b.HallID != hall:
		return v, fault.New(fault.OtherHall, "hall", a.hallName(b.HallID))
	}
	id := ticketID()
	sealed, err := a.sealTicket(id, p)
	if err != nil {
		return v, err
	}
	// Who has come already is told so without taking the day.
	if b.State != booking.Booked {
		if v, err := a.TicketOfBooking(ctx, hall, b.ID); fault.CodeOf(err) != fault.TicketNotFound {
			return v, err
		}
	}
	err = a.onFloor(ctx, by, hall, today, func(d *day) error {
		now := d.tx.Now
		t, err := d.tx.TicketOf(ctx, hall, b.ID)
		if err != nil {
			return err
		}
		if t != nil {
			if v, err = a.ticketView(now, d.Floor, t); err != nil {
				return err
			}
			return errStands
		}
		b, err := d.tx.Booking(ctx, b.ID)
		if err != nil {
			return err
		}
		switch {
		case b == nil || b.HallID != hall || b.Date != today:
			return fault.New(fault.ChangedMeanwhile)
		case b.State == booking.NoShow:
			return fault.New(fault.TooLate, "until", b.End().Format(time.RFC3339))
		}
		if err := d.Rules.Arrival(now, b.Start(), b.End()); err != nil {
			return err
		}
		arrived, event, refused := b.Arrive(now, by.actor(), by.way())
		if refused != nil {
			return refused
		}
		saved, err := d.tx.AtHall(ctx, arrived, event)
		if err != nil {
			return err
		}
		if !saved {
			return fault.New(fault.ChangedMeanwhile)
		}
		t = &counter.Ticket{
			ID: id, QueueID: b.QueueID, Kind: counter.Booked, SlotID: b.SlotID, Hour: b.Hour, Booking: b.ID, Item: b.Item, Stage: b.Stage, Units: b.Units,
			Person: b.ApplicantKey, Sealed: sealed, Channel: by.Channel,
		}
		v, err = d.issue(t)
		return err
	})
	if errors.Is(err, errStands) {
		err = nil
	}
	return v, err
}

// errStands undoes a transaction that has nothing to do: what was asked for is so already.
var errStands = errors.New("app: it is so already")

// actor is who a booking's history names.
func (b By) actor() identity.Key {
	if b.Self != nil {
		return b.Self.Person.Key
	}
	return ""
}

// issue gives a new ticket its number and what its holder is told of the wait.
func (d *day) issue(t *counter.Ticket) (TicketView, error) {
	if err := d.put(t); err != nil {
		return TicketView{}, err
	}
	v, err := d.a.ticketView(d.tx.Now, d.Floor, t)
	if err == nil && v.Wait.Known {
		t.Early, t.Late = int(v.Wait.Early/time.Second), int(v.Wait.Late/time.Second)
		t.Guess = int(v.Wait.Guess / time.Second)
		v.Ticket.Early, v.Ticket.Late, v.Ticket.Guess = t.Early, t.Late, t.Guess
	}
	return v, err
}

// hallName is a hall as a fault names it.
func (a *App) hallName(id string) string {
	if h := a.City().Hall(id); h != nil {
		return h.Name.Argument()
	}
	return id
}

// ArrivalView is one of today's bookings as staff see it: masked.
type ArrivalView struct {
	Booking string // id, for CheckIn
	Date    calendar.Date
	Hour    int
	Queue   *directory.Queue
	Item    *directory.Item
	Stage   directory.Stage
	Units   int
	State   booking.State
	Booker  MaskedParty
	For     MaskedParty // the applicant
	Number  string      // of the ticket, "" before arrival
	Ticket  string      // its id
	CanNow  bool        // may be checked in for now
	From    time.Time   // when that begins and ends
	Until   time.Time
}

// MostArrivals is how many bookings TodaysBookings returns.
const MostArrivals = 200

// TodaysBookings finds bookings of today at a hall: by a part of a name, the last four characters of a
// document or phone number, or the booking code; for "" all whose hour is not over. Names are opened in
// memory only and masked in the answer. In order of hour, at most MostArrivals.
func (a *App) TodaysBookings(ctx context.Context, ad *Admin, hall, query string) ([]ArrivalView, error) {
	if err := a.Allow(ad, account.Serve, hall); err != nil {
		return nil, err
	}
	now := a.now()
	date := calendar.DateOf(now)
	var list []*booking.Booking
	var tickets map[string]*counter.Ticket
	var rules counter.Rules
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if rules, err = a.rulesOf(ctx, tx, hall, date); err != nil {
			return err
		}
		if list, err = tx.BookingsOn(ctx, hall, a.queueIDs(hall), date); err != nil {
			return err
		}
		tickets, err = tx.TicketsOfBookings(ctx, hall, date)
		return err
	}); err != nil {
		return nil, err
	}
	find := a.finder(query)
	var out []ArrivalView
	for _, b := range list {
		if b.State == booking.Cancelled || !b.State.Holds() || strings.TrimSpace(query) == "" && !now.Before(b.End()) {
			continue
		}
		p, err := a.open(b)
		if err != nil {
			return nil, err
		}
		if !find(b.ID, p) {
			continue
		}
		v := ArrivalView{
			Booking: b.ID, Date: b.Date, Hour: b.Hour, Queue: a.City().Queue(b.QueueID), Item: a.City().Item(b.Item), Stage: b.Stage, Units: b.Units, State: b.State,
			Booker: mask(p.Booker, booking.Self), For: mask(p.Applicant, b.Applicant),
			CanNow: b.State == booking.Booked && rules.Arrival(now, b.Start(), b.End()) == nil,
			From:   b.Start().Add(-rules.CheckInBefore), Until: b.End(),
		}
		if t := tickets[b.ID]; t != nil {
			v.Number, v.Ticket = t.Number, t.ID
		}
		if out = append(out, v); len(out) == MostArrivals {
			break
		}
	}
	return out, nil
}

// finder tells whether a booking is one that a query means.
func (a *App) finder(query string) func(id string, p booking.Parties) bool {
	query = strings.TrimSpace(query)
	if query == "" {
		return func(string, booking.Parties) bool { return true }
	}
	if n, ok := a.vault.NumberOf(query); ok {
		want := booking.IDOf(n)
		return func(id string, _ booking.Parties) bool { return id == want }
	}
	name, tail := strings.ToLower(identity.NormaliseName(query)), strings.ToUpper(query)
	return func(_ string, p booking.Parties) bool {
		return slices.ContainsFunc([]booking.Party{p.Booker, p.Applicant}, func(p booking.Party) bool {
			if len(tail) == 4 {
				for _, number := range []string{p.Document.Number, p.CreditCode, p.Phone} {
					if strings.HasSuffix(number, tail) {
						return true
					}
				}
			}
			_, err := strconv.Atoi(query)
			return err != nil && name != "" && strings.Contains(strings.ToLower(p.Name), name)
		})
	}
}
