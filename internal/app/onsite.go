package app

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// OnSite asks for a number of the day (現場預約, Art. 14): real name, today only.
type OnSite struct {
	Key      string // idempotency key, 8 to 64 characters of [A-Za-z0-9_-]: asked again, it is the same number
	Item     string
	Stage    directory.Stage
	Queue    string // of those that serve the item here, "" for the first
	Units    int    // 0 counts as 1; a number of the day is for one
	Name     string
	Document identity.Document
	Birth    string // 2006-01-02, with a passport
	Phone    string
	Instead  string // code of the booking missed today that this makes good (Art. 18), "" for none
}

// OnSiteView is what is left of a queue's numbers of the day.
type OnSiteView struct {
	Queue  *directory.Queue
	Items  []*directory.Item // served by it
	From   time.Time         // when they are given out (Art. 14)
	Open   bool              // the queue has hours left today
	Left   int               // of the day's on-site numbers
	Unsold int               // of the current hour's off-site numbers nobody booked
	Until  time.Time         // the end of its last hour today
}

// OnSiteLeft returns the queues of a hall that serve today with what is left of the day's on-site numbers.
func (a *App) OnSiteLeft(ctx context.Context, hall string) ([]OnSiteView, error) {
	if a.City().Hall(hall) == nil {
		return nil, fault.New(fault.HallNotFound)
	}
	now := a.now()
	today := calendar.DateOf(now)
	from := onSiteFrom(a, today)
	var out []OnSiteView
	err := a.db.View(ctx, func(tx *store.Tx) error {
		out = nil
		for _, q := range a.City().QueuesAt(hall) {
			if !q.Open {
				continue
			}
			slots, err := slotsToday(ctx, tx, q, today)
			if err != nil {
				return err
			}
			v := OnSiteView{Queue: q, From: from}
			for _, s := range slots {
				if s.Closed || !now.Before(s.End()) {
					continue
				}
				v.Open, v.Until = true, s.End()
				v.Left += s.OnSite - s.OnSiteTaken
				if !now.Before(s.Start()) {
					v.Unsold += s.Free() + s.Held // what is held for the line is held no more: its hour has begun
				}
			}
			for _, o := range a.City().OffersAt(hall) {
				if it := a.City().Item(o.ItemCode); o.QueueID == q.ID && it != nil {
					v.Items = append(v.Items, it)
				}
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

func onSiteFrom(a *App, d calendar.Date) time.Time {
	at := a.Rules(d).OnSiteReleaseAt
	return d.At(at/60, at%60)
}

// slotsToday returns the slots of a queue on a date, by hour.
func slotsToday(ctx context.Context, tx *store.Tx, q *directory.Queue, d calendar.Date) (out []booking.Slot, err error) {
	refs := make([][2]string, 24)
	for h := range refs {
		refs[h] = [2]string{q.HallID, booking.SlotID(q.ID, d, h)}
	}
	err = tx.SlotsByID(ctx, refs, func(s store.LiveSlot) { out = append(out, s.Slot) })
	slices.SortFunc(out, func(x, y booking.Slot) int { return x.Hour - y.Hour })
	return out, err
}

// TakeNumber gives somebody at the hall a number of the day (Art. 14): of the on-site numbers first, which
// are never more than a tenth of the day's, then of what nobody booked of the current hour. One a person,
// item and half-day; who missed a booking may take one instead of it all the same (Art. 18).
func (a *App) TakeNumber(ctx context.Context, by By, hall string, r OnSite) (TicketView, error) {
	return a.given(a.takeNumber(ctx, by, hall, r))
}

func (a *App) takeNumber(ctx context.Context, by By, hall string, r OnSite) (v TicketView, err error) {
	if err := a.here(by, hall); err != nil {
		return v, err
	}
	if err := checkKey(r.Key); err != nil {
		return v, err
	}
	if by.Self != nil { // by phone, in the hall: whoever is signed in
		p := by.Self.Person
		r.Name, r.Document, r.Birth, r.Phone = p.Name, p.Document, p.Birth, p.Phone
	}
	q, stage, party, err := a.walkIn(hall, r.Item, r.Queue, r.Stage, r.Units, booking.Party{Name: r.Name, Document: r.Document, Birth: r.Birth, Phone: r.Phone})
	if err != nil {
		return v, err
	}
	n := newNumber{
		by: by, hall: hall, key: r.Key, queue: q, item: r.Item, stage: stage, units: max(r.Units, 1), party: party, id: ticketID(),
		person: a.personKey(party.Document, party.Birth),
	}
	n.hash = a.vault.Lookup("floor act", digest("onsite", r.Item, q.ID, string(stage), strconv.Itoa(n.units), string(n.person), r.Instead))
	if n.sealed, err = a.sealTicket(n.id, booking.Parties{Booker: party, Applicant: party}); err != nil {
		return v, err
	}
	if r.Instead != "" {
		if n.instead, err = a.missed(ctx, r.Instead, n); err != nil {
			return v, err
		}
	}
	// The day's own numbers first: nothing that is shown off-site changes with them.
	err = a.onFloor(ctx, by, hall, calendar.DateOf(a.now()), func(d *day) (err error) {
		v, err = a.walkInNumber(ctx, d, n, counter.OnSite)
		return err
	})
	if fault.CodeOf(err) == fault.OnSiteNone {
		err = a.onFloorAndSlots(ctx, by, hall, calendar.DateOf(a.now()), func(d *day) (err error) {
			v, err = a.walkInNumber(ctx, d, n, counter.Unsold)
			return err
		})
	}
	if errors.Is(err, errStands) {
		err = nil
	}
	return v, err
}

// newNumber is what a number is given for.
type newNumber struct {
	by        By
	hall      string
	key, hash string
	queue     *directory.Queue
	item      string
	stage     directory.Stage
	units     int
	party     booking.Party
	person    identity.Key
	id        string
	sealed    []byte
	instead   *booking.Booking // missed, that it makes good; nil for none
}

// walkIn checks what is asked for without a booking: the queue, the stage ("" = the first there is), and who.
func (a *App) walkIn(hall, item, queue string, stage directory.Stage, units int, p booking.Party) (*directory.Queue, directory.Stage, booking.Party, error) {
	city := a.City()
	if city.Item(item) == nil {
		return nil, "", p, fault.New(fault.ItemNotFound)
	}
	var offer *directory.Offering
	for _, o := range city.OffersAt(hall) {
		if o.ItemCode == item && (queue == "" || o.QueueID == queue) && (stage == "" || o.Stages.Has(stage)) {
			offer = o
			break
		}
	}
	if offer == nil {
		return nil, "", p, fault.New(fault.NotOffered)
	}
	if stage == "" {
		stage = directory.Acceptance
		if !offer.Stages.Has(stage) && len(offer.Stages) > 0 {
			stage = offer.Stages[0]
		}
	}
	switch {
	case units < 0 || units > 1000:
		return nil, "", p, fault.InvalidFields(fault.Field{Path: "units", Code: fault.OutOfRange})
	case units > 1: // Art. 19: a batch is booked ahead
		return nil, "", p, fault.New(fault.OnSiteBatch)
	}
	p = p.Normalised()
	if p.Document.Kind != identity.Passport {
		p.Birth, p.Document.Nationality = "", ""
	}
	if err := checkParty(p, booking.Other, calendar.DateOf(a.now())); err != nil {
		return nil, "", p, bare(err)
	}
	return city.Queue(offer.QueueID), stage, p, nil
}

// missed finds the missed booking that a number makes good (Art. 18): the same person's, of the same item.
func (a *App) missed(ctx context.Context, code string, n newNumber) (*booking.Booking, error) {
	number, ok := a.vault.NumberOf(code)
	if !ok {
		return nil, fault.New(fault.BookingNotFound)
	}
	b, err := a.readBooking(ctx, booking.IDOf(number))
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, fault.New(fault.BookingNotFound)
	}
	p, err := a.open(b)
	if err != nil {
		return nil, err
	}
	doc := n.party.Document.Canonical(n.party.Birth)
	switch {
	case doc != p.Booker.Document.Canonical(p.Booker.Birth) && doc != p.Applicant.Document.Canonical(p.Applicant.Birth):
		return nil, fault.New(fault.BookingNotFound)
	case b.State != booking.NoShow:
		return nil, fault.New(fault.NotMissed)
	case b.Item != n.item:
		return nil, fault.New(fault.RebookOther)
	case b.Date != calendar.DateOf(a.now()): // later it is a rebooking
		return nil, fault.New(fault.RebookLate, "until", (b.Date+1).At(0, 0).Format(time.RFC3339))
	}
	return b, nil
}

// walkInNumber gives a number of a share within a hall's day.
func (a *App) walkInNumber(ctx context.Context, d *day, n newNumber, share counter.Share) (v TicketView, err error) {
	now := d.tx.Now
	if v, err := d.again(ctx, n.key, n.hash); err != nil {
		return v, err
	}
	if from := onSiteFrom(a, d.Date); now.Before(from) {
		return v, fault.New(fault.OnSiteNotYet, "at", from.Format(time.RFC3339))
	}
	slots, err := slotsToday(ctx, d.tx, n.queue, d.Date)
	if err != nil {
		return v, err
	}
	slots = slices.DeleteFunc(slots, func(s booking.Slot) bool { return s.Closed || !now.Before(s.End()) })
	if len(slots) == 0 {
		return v, fault.New(fault.NotOpenToday)
	}
	if err := d.takeOnce(ctx, n); err != nil {
		return v, err
	}
	slot := ""
	for _, s := range slots {
		if share == counter.Unsold {
			if now.Before(s.Start()) { // only the current hour's
				break
			}
			if s.Held > 0 {
				freed, err := d.tx.FreeHolds(ctx, n.hall, s.ID)
				if err != nil {
					return v, err
				}
				d.board = append(d.board, freed...)
			}
			state, err := d.tx.TakeUnsold(ctx, n.hall, s.ID, n.units)
			if err != nil {
				return v, err
			}
			if state != nil {
				slot, d.board = s.ID, append(d.board, *state)
			}
		} else if got, err := d.tx.TakeOnSite(ctx, n.hall, s.ID, n.units); err != nil {
			return v, err
		} else if got {
			slot = s.ID
		}
		if slot != "" {
			break
		}
	}
	if slot == "" {
		return v, fault.New(fault.OnSiteNone)
	}
	t := &counter.Ticket{
		ID: n.id, QueueID: n.queue.ID, Kind: counter.WalkIn, Share: share, SlotID: slot, Hour: -1, Item: n.item, Stage: n.stage, Units: n.units,
		Person: n.person, Sealed: n.sealed, Channel: n.by.Channel,
	}
	if n.instead != nil {
		t.Instead = n.instead.ID
	}
	if v, err = d.issue(t); err != nil {
		return v, err
	}
	return v, d.tx.AddFloorAct(ctx, store.FloorAct{HallID: n.hall, Key: n.key, Hash: n.hash, Ticket: t.ID})
}

// takeOnce takes the claim a number of the day needs: on one a person, item and half-day or, where it makes
// a missed booking good, on what Art. 18 lets its booker do once, rebooking or this. Who missed an hour for the same
// today and takes an ordinary number has done that too; who has rebooked it may still take one, as anybody.
func (d *day) takeOnce(ctx context.Context, n newNumber) error {
	claim := func(person identity.Key, name string) (holder string, err error) {
		return d.tx.TakeClaim(ctx, booking.Claim{Person: person, Name: name, HallID: n.hall, Booking: n.id})
	}
	if b := n.instead; b != nil {
		for i := 1; i <= d.a.Rules(d.Date).RebookTimes; i++ {
			if holder, err := claim(b.BookerKey, booking.RebookName(b.ID, i)); err != nil || holder == "" {
				return err
			}
		}
		return fault.New(fault.RebookUsed)
	}
	holder, err := claim(n.person, counter.OnSiteName(n.item, d.Date.String(), d.tx.Now.In(calendar.Zone).Hour()))
	if err != nil {
		return err
	}
	if holder == "" { // whoever does not say so has missed their hour all the same: one of the two, once
		missed, err := d.tx.MissedOf(ctx, n.person, n.item, d.Date)
		for _, id := range missed {
			for i := 1; i <= d.a.Rules(d.Date).RebookTimes && err == nil; i++ {
				if holder, err = claim(n.person, booking.RebookName(id, i)); holder == "" {
					break
				}
			}
		}
		return err
	}
	t, err := d.tx.Ticket(ctx, holder)
	if err != nil {
		return err
	}
	number := ""
	if t != nil {
		number = t.Number
	}
	return fault.New(fault.OnSiteOnce, "number", number)
}

// again answers an act that was done before under the same key: errStands, with the ticket it came to.
func (d *day) again(ctx context.Context, key, hash string) (v TicketView, err error) {
	act, err := d.tx.FloorAct(ctx, d.HallID, key)
	if err != nil || act == nil {
		return v, err
	}
	if act.Hash != hash {
		return v, fault.New(fault.KeyReused)
	}
	t, err := d.tx.Ticket(ctx, act.Ticket)
	if err != nil || t == nil {
		return v, orElse(err, fault.New(fault.TicketNotFound))
	}
	if v, err = d.a.ticketView(d.tx.Now, d.Floor, t); err != nil {
		return v, err
	}
	return v, errStands
}

// Green asks for a number by the green channel (綠色通道): no booking, no quota. Staff have seen what
// entitles the person; that is recorded as "verified by", never the proof itself.
type Green struct {
	Key      string
	Item     string
	Stage    directory.Stage
	Queue    string
	Name     string
	Document identity.Document
	Birth    string
	Phone    string
	Verified counter.Entitlement
}

// TakeGreen gives somebody a number of the green channel; staff only.
func (a *App) TakeGreen(ctx context.Context, by By, hall string, r Green) (TicketView, error) {
	return a.given(a.takeGreen(ctx, by, hall, r))
}

func (a *App) takeGreen(ctx context.Context, by By, hall string, r Green) (v TicketView, err error) {
	if by.Admin == nil {
		return v, fault.New(fault.NotAllowed)
	}
	if err := a.here(by, hall); err != nil {
		return v, err
	}
	if err := checkKey(r.Key); err != nil {
		return v, err
	}
	if !slices.Contains(counter.Entitlements, r.Verified) {
		return v, fault.InvalidFields(fault.Field{Path: "verified", Code: fault.NotOneOf})
	}
	q, stage, party, err := a.walkIn(hall, r.Item, r.Queue, r.Stage, 1, booking.Party{Name: r.Name, Document: r.Document, Birth: r.Birth, Phone: r.Phone})
	if err != nil {
		return v, err
	}
	id := ticketID()
	person := a.personKey(party.Document, party.Birth)
	hash := a.vault.Lookup("floor act", digest("green", r.Item, q.ID, string(stage), string(person), string(r.Verified)))
	sealed, err := a.sealTicket(id, booking.Parties{Booker: party, Applicant: party})
	if err != nil {
		return v, err
	}
	err = a.onFloor(ctx, by, hall, calendar.DateOf(a.now()), func(d *day) (err error) {
		if v, err = d.again(ctx, r.Key, hash); err != nil {
			return err
		}
		t := &counter.Ticket{
			ID: id, QueueID: q.ID, Kind: counter.Green, Hour: -1, Item: r.Item, Stage: stage, Units: 1, Person: person, Sealed: sealed,
			Verified: string(r.Verified) + " " + by.Admin.Account.ID, Channel: by.Channel,
		}
		if v, err = d.issue(t); err != nil {
			return err
		}
		if err := d.tx.AddFloorAct(ctx, store.FloorAct{HallID: hall, Key: r.Key, Hash: hash, Ticket: id}); err != nil {
			return err
		}
		rec := by.Admin.record("ticket.green", "ticket", id)
		rec.Hall, rec.After = hall, asJSON(map[string]any{"number": t.Number, "item": t.Item, "verified": r.Verified})
		d.audit = &rec
		return nil
	})
	if errors.Is(err, errStands) {
		err = nil
	}
	return v, err
}
