package app

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"slices"
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

// By is who does something at a hall: staff, a kiosk, or the person themselves.
type By struct {
	Admin   *Admin
	Device  *Device
	Self    *identity.Session
	Channel string // desk, kiosk, phone
}

// The channels of a ticket.
const (
	AtDesk  = "desk"
	AtKiosk = "kiosk"
	ByPhone = "phone"
)

// of names who it was in a ticket's history: kind account, device, person or system, and an id that is no
// personal data.
func (b By) of() (kind, id string) {
	switch {
	case b.Admin != nil:
		return "account", b.Admin.Account.ID
	case b.Device != nil:
		return "device", b.Device.ID
	case b.Self != nil:
		return "person", ""
	}
	return "system", ""
}

// way is the channel as a booking's history calls it.
func (b By) way() booking.Channel {
	switch {
	case b.Admin != nil:
		return booking.Desk
	case b.Device != nil:
		return booking.Kiosk
	case b.Self != nil:
		return booking.Web
	}
	return booking.System
}

// here refuses who has no business at a hall: staff without the power, a device of another hall or one that only shows, nobody.
func (a *App) here(by By, hall string) error {
	if h := a.City().Hall(hall); h == nil {
		return fault.New(fault.HallNotFound)
	}
	switch {
	case by.Admin != nil:
		return a.Allow(by.Admin, account.Serve, hall)
	case by.Device != nil && (by.Device.HallID != hall || by.Device.Kind != counter.Kiosk):
		return fault.New(fault.NotAllowed)
	case by.Device == nil && by.Self == nil:
		return fault.New(fault.SignInRequired)
	}
	return nil
}

// Range is how long somebody will wait.
type Range = counter.Range

// TicketView is a ticket as it is shown: the name is masked, Ticket.Sealed left out.
type TicketView struct {
	Ticket       counter.Ticket
	Item         *directory.Item
	Hall         *directory.Hall
	Queue        *directory.Queue
	Name         string // masked, of whoever comes to the counter
	Whom         string // masked: whose business it is, "" for their own; of one ticket that is looked at, not of a list
	Ahead        int    // how many are called before it, −1 if it does not stand in line
	Wait         Range  // from now; zero unless it stands in line
	CounterLabel string // where it was called to, "" for nowhere yet
}

// ticketView shows a ticket of a floor; a floor that is not known may be nil.
func (a *App) ticketView(now time.Time, f *counter.Floor, t *counter.Ticket) (TicketView, error) {
	name, err := a.ticketName(t)
	if err != nil {
		return TicketView{}, err
	}
	city := a.City()
	v := TicketView{
		Ticket: *t, Item: city.Item(t.Item), Hall: city.Hall(t.HallID), Queue: city.Queue(t.QueueID),
		Name: name, Ahead: -1, CounterLabel: a.counterLabel(t.HallID, t.Counter),
	}
	v.Ticket.Sealed = nil
	if f != nil && t.State == counter.Waiting {
		if v.Ahead = f.Ahead(now, t.ID); v.Ahead >= 0 {
			v.Wait = f.Foretell(now, t.QueueID, t.ID, a.pasts(f.HallID))
		}
	}
	return v, nil
}

// ticketName is the masked name of whoever comes to the counter: opened once and kept, as everybody who looks
// at a hall sees it.
func (a *App) ticketName(t *counter.Ticket) (string, error) {
	if name, ok := a.floors.name(t.ID); ok {
		return name, nil
	}
	p, err := a.openTicket(t)
	if err != nil {
		return "", err
	}
	name := identity.MaskName(p.Booker.Name)
	a.floors.nameIs(t.ID, name)
	return name, nil
}

func (a *App) openTicket(t *counter.Ticket) (p booking.Parties, err error) {
	plain, err := a.unseal(t.Sealed, "ticket|"+t.ID, "{}")
	if err != nil {
		return p, fault.Wrap(fault.InternalError, err)
	}
	return p, json.Unmarshal(plain, &p)
}

func (a *App) sealTicket(id string, p booking.Parties) ([]byte, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return a.vault.Seal(plain, "ticket|"+id), nil
}

func (a *App) counterLabel(hall, counter string) string {
	if c := a.counter(hall, counter); c != nil {
		return c.Label
	}
	return counter
}

func (a *App) counter(hall, id string) *directory.Counter {
	for _, c := range a.City().CountersOf(hall) {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// ticketIDLength tells the id of a ticket from that of a booking.
const ticketIDLength = 16

// ticketID makes the id of a ticket: 80 random bits, the address of the ticket on a phone.
func ticketID() string {
	var b [10]byte
	rand.Read(b[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// day is a hall's day within the transaction that changes it: every change goes through put and apply, so
// that nothing is written without its history.
type day struct {
	*counter.Floor
	a       *App
	tx      *store.Tx
	by      By
	was     map[string]int // versions as they were read, 0 for new ones
	changed []*counter.Ticket
	events  []store.TicketEvent
	seats   map[string]bool // to be written
	board   []store.SlotState
	last    func(context.Context) error // after everything was written
	audit   *store.AuditRecord          // written at the very end
}

// floorOf reads a hall's day, without those who are over: the row given, seats and open tickets.
func (a *App) floorOf(ctx context.Context, tx *store.Tx, row *store.Floor) (*counter.Floor, error) {
	rules, err := a.rulesOf(ctx, tx, row.HallID, row.Date)
	if err != nil {
		return nil, err
	}
	f := &counter.Floor{
		HallID: row.HallID, Date: row.Date, Rules: rules, Lines: row.Lines, Tickets: map[string]*counter.Ticket{},
		Sealed: row.Sealed, Revision: row.Revision,
	}
	if f.Seats, err = tx.Seats(ctx, row.HallID, row.Date); err != nil {
		return nil, err
	}
	for _, s := range f.Seats {
		s.Label = a.counterLabel(row.HallID, s.Counter)
		if seen := a.floors.seen(row.HallID, s.Counter); seen.After(s.Seen) {
			s.Seen = seen
		}
	}
	list, err := tx.OpenTickets(ctx, row.HallID, row.Date)
	for _, t := range list {
		f.Tickets[t.ID] = t
	}
	a.lines(f)
	return f, err
}

// lines gives each queue of the hall its prefix for the day: in order of the queues, and never that of
// another, whatever becomes of the directory during the day.
func (a *App) lines(f *counter.Floor) {
	used := map[string]bool{}
	for _, l := range f.Lines {
		used[l.Prefix] = true
	}
	for i, q := range a.City().QueuesAt(f.HallID) {
		if f.Lines[q.ID] != nil {
			continue
		}
		for used[counter.PrefixOf(i)] {
			i++
		}
		f.Lines[q.ID] = &counter.Line{Prefix: counter.PrefixOf(i)}
		used[counter.PrefixOf(i)] = true
	}
}

// onFloor runs fn over a hall's day, writes what it changed and tells who watches. An error undoes all.
func (a *App) onFloor(ctx context.Context, by By, hall string, date calendar.Date, fn func(d *day) error) error {
	var d *day
	return a.stood(&d, a.db.Update(ctx, func(tx *store.Tx) (err error) {
		d, err = a.stand(ctx, tx, by, hall, date, fn)
		return err
	}))
}

// onFloorAndSlots is onFloor for what changes numbers that are shown off-site, too.
func (a *App) onFloorAndSlots(ctx context.Context, by By, hall string, date calendar.Date, fn func(d *day) error) error {
	var d *day
	return a.stood(&d, a.changeSlots(ctx, func(tx *store.Tx) (_ []store.SlotState, err error) {
		if d, err = a.stand(ctx, tx, by, hall, date, fn); err != nil {
			return nil, err
		}
		return d.board, nil
	}))
}

// stood lets everybody see what was committed.
func (a *App) stood(d **day, err error) error {
	if err == nil {
		a.floors.keep((*d).Floor, (*d).tx.Now)
		a.floors.tell((*d).HallID, (*d).Date, (*d).Revision)
	}
	return err
}

func (a *App) stand(ctx context.Context, tx *store.Tx, by By, hall string, date calendar.Date, fn func(d *day) error) (*day, error) {
	if by.Admin != nil {
		if err := still(ctx, tx, by.Admin); err != nil {
			return nil, err
		}
	}
	row, err := tx.HoldFloor(ctx, hall, date)
	if err != nil {
		return nil, err
	}
	f, err := a.floorOf(ctx, tx, row)
	if err != nil {
		return nil, err
	}
	if f.Sealed {
		return nil, fault.New(fault.DaySealed)
	}
	d := &day{Floor: f, a: a, tx: tx, by: by, was: map[string]int{}, seats: map[string]bool{}}
	for _, t := range f.Tickets {
		d.was[t.ID] = t.Version
	}
	if err := fn(d); err != nil {
		return nil, err
	}
	if err := d.save(ctx); err != nil {
		return nil, err
	}
	if d.last != nil {
		if err := d.last(ctx); err != nil {
			return nil, err
		}
	}
	if d.audit != nil {
		return d, tx.Audit(ctx, *d.audit)
	}
	return d, nil
}

// apply does an act at an instant, or says why not.
func (d *day) apply(ctx context.Context, at time.Time, act counter.Act, detail string) error {
	c, refused := d.Apply(at, act)
	if refused != nil && refused.Code == fault.TicketNotFound && act.Ticket != "" { // those that are over are not read
		t, err := d.tx.Ticket(ctx, act.Ticket)
		if err != nil {
			return err
		}
		if t != nil && t.HallID == d.HallID && t.Date == d.Date {
			return fault.New(fault.TicketOver, "state", string(t.State))
		}
	}
	if refused != nil {
		return refused
	}
	d.note(c, at, detail, act.Counter)
	return nil
}

// put gives a new ticket its number.
func (d *day) put(t *counter.Ticket) error {
	c, refused := d.Put(d.tx.Now, t)
	if refused != nil {
		return refused
	}
	d.was[t.ID] = 0
	d.note(c, d.tx.Now, "", "")
	return nil
}

func (d *day) note(c *counter.Change, at time.Time, detail, at2 string) {
	kind, id := d.by.of()
	for i, t := range c.Tickets {
		d.events = append(d.events, store.TicketEvent{
			HallID: d.HallID, Ticket: t.ID, Version: t.Version, At: at, Kind: c.Kinds[i], Counter: at2, ByKind: kind, ByID: id, Detail: detail,
		})
		if !slices.Contains(d.changed, t) {
			d.changed = append(d.changed, t)
		}
	}
}

// save writes what has changed, in the order of locks.
func (d *day) save(ctx context.Context) error {
	near := append(d.near(), d.finished()...)
	for _, t := range d.changed {
		if t.Booking != "" && t.State.Over() {
			if err := d.over(ctx, t); err != nil {
				return err
			}
		}
	}
	for _, t := range d.changed {
		if d.was[t.ID] == 0 {
			if err := d.tx.AddTicket(ctx, t); err != nil {
				return err
			}
			continue
		}
		saved, err := d.tx.SaveTicket(ctx, t, d.was[t.ID])
		if err != nil {
			return err
		}
		if !saved {
			return fault.New(fault.ChangedMeanwhile)
		}
	}
	if err := d.tx.AddTicketEvents(ctx, d.events); err != nil {
		return err
	}
	for id := range d.seats {
		if err := d.tx.SaveSeat(ctx, d.HallID, d.Date, d.Seats[id]); err != nil {
			return err
		}
	}
	if len(near) > 0 {
		if err := d.tx.InsertReminders(ctx, near); err != nil {
			return err
		}
	}
	if err := d.openCases(ctx); err != nil {
		return err
	}
	if len(d.changed) > 0 {
		return d.tx.SaveLines(ctx, d.HallID, d.Date, d.Lines)
	}
	return nil
}

// over ends the booking of a ticket that is over and gives its claims back.
func (d *day) over(ctx context.Context, t *counter.Ticket) error {
	b, err := d.tx.Booking(ctx, t.Booking)
	if err != nil {
		return err
	}
	if b == nil || b.State != booking.Arrived {
		return nil // set right by hand meanwhile: the day goes on
	}
	done, event, refused := b.Finish(t.State == counter.Done, d.tx.Now, "", d.by.way())
	if refused != nil {
		return refused
	}
	if err := d.tx.ReleaseLimits(ctx, b); err != nil {
		return err
	}
	saved, err := d.tx.AtHall(ctx, done, event)
	if err == nil && !saved {
		err = fault.New(fault.ChangedMeanwhile)
	}
	return err
}

// rulesOf is what a hall's day goes by: the rulebook's, with what the hall sets itself.
func (a *App) rulesOf(ctx context.Context, tx *store.Tx, hall string, date calendar.Date) (counter.Rules, error) {
	r := a.Rules(date).Hall
	detail, _, err := tx.FloorSetting(ctx, hall)
	if err != nil {
		return r, err
	}
	if detail != nil {
		err = json.Unmarshal(detail, &r)
	}
	r.SilentAfter, r.OffGrid = a.silence(r.SilentAfter), a.silence(r.OffGrid)
	return r, err
}

// readFloor reads a hall's day as it is; one that has not begun is empty.
func (a *App) readFloor(ctx context.Context, tx *store.Tx, hall string, date calendar.Date) (*counter.Floor, error) {
	row, err := tx.Floor(ctx, hall, date)
	if err != nil {
		return nil, err
	}
	if row == nil {
		row = &store.Floor{HallID: hall, Date: date, Lines: map[string]*counter.Line{}}
	}
	return a.floorOf(ctx, tx, row)
}

// Ticket returns a ticket by its id, which only its holder and the hall know.
func (a *App) Ticket(ctx context.Context, id string) (v TicketView, err error) {
	if len(id) != ticketIDLength {
		return v, fault.New(fault.TicketNotFound)
	}
	return a.readTicket(ctx, func(tx *store.Tx) (*counter.Ticket, error) { return tx.Ticket(ctx, id) })
}

// TicketOfBooking returns the ticket that a booking stands in line with; the caller has made sure that whoever
// asks may see it. TicketNotFound before its person has come.
func (a *App) TicketOfBooking(ctx context.Context, hall, booking string) (v TicketView, err error) {
	return a.readTicket(ctx, func(tx *store.Tx) (*counter.Ticket, error) { return tx.TicketOf(ctx, hall, booking) })
}

func (a *App) readTicket(ctx context.Context, read func(tx *store.Tx) (*counter.Ticket, error)) (v TicketView, err error) {
	var t *counter.Ticket
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		t, err = read(tx)
		return err
	}); err != nil {
		return v, err
	}
	if t == nil {
		return v, fault.New(fault.TicketNotFound)
	}
	var f *counter.Floor
	if !t.State.Over() && t.Date == calendar.DateOf(a.now()) {
		if f, err = a.liveFloor(ctx, t.HallID); err != nil {
			return v, err
		}
	}
	if v, err = a.ticketView(a.now(), f, t); err != nil {
		return v, err
	}
	p, err := a.openTicket(t)
	v.Whom = whom(p)
	return v, err
}

// LeaveLine gives a number back: its holder will not come. One that is at a counter is not theirs to give
// back any more; one that is over stays as it is.
func (a *App) LeaveLine(ctx context.Context, id string) error {
	v, err := a.Ticket(ctx, id)
	if err != nil {
		return err
	}
	err = a.onFloor(ctx, By{Self: &identity.Session{}, Channel: ByPhone}, v.Ticket.HallID, v.Ticket.Date, func(d *day) error {
		return d.apply(ctx, d.tx.Now, counter.Act{Kind: counter.Leave, Ticket: id}, "")
	})
	if f := fault.As(err); f != nil && f.Code == fault.TicketOver && f.Args["state"] == string(counter.Left) {
		return nil
	}
	return a.told(err)
}

// ComeBack puts somebody who was called and was not there back in line, wherever they say so: at the desk, a
// kiosk, or on the phone that holds the ticket.
func (a *App) ComeBack(ctx context.Context, by By, hall, id string) (v TicketView, err error) {
	if err := a.here(by, hall); err != nil {
		return v, a.told(err)
	}
	err = a.onFloor(ctx, by, hall, calendar.DateOf(a.now()), func(d *day) error {
		t := d.Tickets[id]
		if t != nil && t.State == counter.Waiting { // twice is once
			if v, err = a.ticketView(d.tx.Now, d.Floor, t); err != nil {
				return err
			}
			return errStands
		}
		if t != nil && t.State != counter.Passed {
			return fault.New(fault.TicketNotYours)
		}
		if err := d.apply(ctx, d.tx.Now, counter.Act{Kind: counter.Return, Ticket: id}, ""); err != nil {
			return err
		}
		v, err = a.ticketView(d.tx.Now, d.Floor, t)
		return err
	})
	if errors.Is(err, errStands) {
		err = nil
	}
	return a.given(v, err)
}

// given is the answer to who asked for a number: nothing of one that was not kept.
func (a *App) given(v TicketView, err error) (TicketView, error) {
	if err != nil {
		return TicketView{}, a.told(err)
	}
	return v, nil
}

// told counts a refusal and gives an error of the database its code.
func (a *App) told(err error) error {
	if err == nil {
		return nil
	}
	var known *fault.Error
	if !errors.As(err, &known) {
		return err
	}
	a.refused(known.Code)
	return known
}
