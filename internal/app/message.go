package app

import (
	"context"
	"maps"
	"slices"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// What has become of a message, and how a claimed one is settled.
type (
	MessageState = store.MessageState
	Settled      = store.Settled
)

// PartState is what a carrier says of a part of a message.
type PartState = store.PartState

const (
	PartArrived = store.PartArrived
	PartLost    = store.PartLost
)

const (
	MessagePending = store.MessagePending
	MessageSent    = store.MessageSent
	MessageArrived = store.MessageArrived
	MessageLost    = store.MessageLost
	MessageFailed  = store.MessageFailed
	MessageDropped = store.MessageDropped
	MessageShown   = store.MessageShown
)

// MessageView is one message to the signed-in person: about a booking of theirs or, where Ticket is set, about
// a number they held.
type MessageView struct {
	Kind    booking.MessageKind
	At      time.Time // when it was due
	State   MessageState
	Booking BookingView
	Ticket  *TicketView
	Wait    *WaitView    // what it is about where that is an entry of the waitlist that is no booking: Booking is empty then
	Case    *CaseMessage // the same of a case of one thing
}

// MyMessages returns the person's messages, newest first; next is "" when there are no more.
func (a *App) MyMessages(ctx context.Context, who *identity.Session, cursor string, limit int) (page []MessageView, next string, err error) {
	limit = min(max(limit, 1), 100)
	var rows []store.MessageRow
	var bookings map[string]*booking.Booking
	var tickets map[string]*counter.Ticket
	now := a.now()
	var waits map[string]*booking.WaitEntry
	cases := map[string]Outgoing{}
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		clear(cases)
		if rows, next, err = tx.MessagesOf(ctx, who.Person.Key, cursor, limit); err != nil {
			return err
		}
		if err = a.aboutCases(ctx, tx, rows, cases); err != nil {
			return err
		}
		if waits, err = tx.WaitsByID(ctx, aboutWaits(rows)); err != nil {
			return err
		}
		if bookings, err = tx.BookingsByID(ctx, about(rows)); err != nil {
			return err
		}
		tickets, err = tx.TicketsByID(ctx, ticketsTold(rows))
		return err
	})
	if err != nil {
		return nil, "", err
	}
	views, err := a.views(ctx, slices.Collect(maps.Values(bookings)))
	if err != nil {
		return nil, "", err
	}
	of := make(map[string]BookingView, len(views))
	for _, v := range views {
		of[v.Booking.ID] = v
	}
	for _, r := range rows {
		if c := cases[r.Ref()].Case; c != nil {
			page = append(page, MessageView{Kind: r.Kind, At: r.Due, State: r.State, Case: c})
			continue
		}
		if e := waits[r.Booking]; e != nil {
			v, err := a.waitShown(e)
			if err != nil {
				return nil, "", err
			}
			page = append(page, MessageView{Kind: r.Kind, At: r.Due, State: r.State, Wait: &v})
			continue
		}
		if v, ok := of[r.Booking]; ok {
			page = append(page, MessageView{Kind: r.Kind, At: r.Due, State: r.State, Booking: v})
		} else if t := tickets[r.Booking]; t != nil {
			v, err := a.ticketView(now, nil, t)
			if err != nil {
				return nil, "", err
			}
			page = append(page, MessageView{Kind: r.Kind, At: r.Due, State: r.State, Ticket: &v})
		}
	}
	return page, next, nil
}

// about lists the bookings that messages tell of.
func about(rows []store.MessageRow) map[string]struct{} {
	ids := make(map[string]struct{}, len(rows))
	for _, r := range rows {
		ids[r.Booking] = struct{}{}
	}
	return ids
}

// aboutWaits lists the entries of the waitlist that messages tell of.
func aboutWaits(rows []store.MessageRow) map[string]struct{} {
	ids := map[string]struct{}{}
	for _, r := range rows {
		if r.Kind == booking.MessageWaitOffer || r.Kind == booking.MessageWaitOver || r.Kind == booking.MessageWaitOnline {
			ids[r.Booking] = struct{}{}
		}
	}
	return ids
}

// Outgoing is a message ready to be worded and sent.
type Outgoing struct {
	Row   store.MessageRow
	Phone string // clear: for the gateway only
	View  BookingView
	// Ticket, or Case, is what the message is about where that is no booking: View is empty then.
	Ticket *TicketView
	Case   *CaseMessage
	Wait   *WaitView // the same of an entry of the waitlist
	Link   string    // of a ticket: where its service is evaluated, good for whoever was sent it
	// Stale says that the booking has changed since: a reminder, or a choice, of what is no longer so is
	// not sent.
	Stale bool
}

// told is what messages are about.
type told struct {
	bookings         map[string]*booking.Booking
	waits            map[string]*booking.WaitEntry
	tickets, entries map[string]Outgoing
}

// readTold reads what messages are about.
func (a *App) readTold(ctx context.Context, tx *store.Tx, rows []store.MessageRow) (t told, err error) {
	t.tickets, t.entries = map[string]Outgoing{}, map[string]Outgoing{}
	if t.bookings, err = tx.BookingsByID(ctx, about(rows)); err != nil {
		return t, err
	}
	if t.waits, err = tx.WaitsByID(ctx, aboutWaits(rows)); err != nil {
		return t, err
	}
	if err := a.aboutEntries(ctx, tx, rows, t.entries); err != nil {
		return t, err
	}
	if err := a.aboutTickets(ctx, tx, rows, t.tickets); err != nil {
		return t, err
	}
	return t, a.aboutCases(ctx, tx, rows, t.tickets)
}

// outgoingOf makes a message ready to be worded.
func (a *App) outgoingOf(ctx context.Context, r store.MessageRow, t told) (Outgoing, error) {
	if o, ok := t.tickets[r.Ref()]; ok && o.Case != nil {
		o.Row = r
		return o, nil
	}
	if o, ok := t.tickets[r.Booking]; ok {
		o.Row, o.Stale = r, r.Kind.Passes() && o.Ticket.Ticket.State != counter.Waiting
		return o, nil
	}
	if o, ok := t.entries[r.Booking]; ok && r.Kind == booking.MessageNotDrawn {
		o.Row = r
		return o, nil
	}
	if e := t.waits[r.Booking]; e != nil {
		return a.outgoingWait(r, e)
	}
	return a.outgoing(ctx, r, t.bookings[r.Booking])
}

// DueMessages takes up to limit messages that are due for sending. They are this caller's for lease;
// if it does not settle them by then, somebody else takes them.
func (a *App) DueMessages(ctx context.Context, limit int, lease time.Duration) ([]Outgoing, error) {
	var rows []store.MessageRow
	var t told
	now := a.now()
	err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
		if rows, err = tx.ClaimMessages(ctx, now, limit, now.Add(lease)); err != nil {
			return err
		}
		t, err = a.readTold(ctx, tx, rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]Outgoing, 0, len(rows))
	var broken []Settled
	for _, r := range rows {
		o, err := a.outgoingOf(ctx, r, t)
		if err != nil { // one that cannot be read must not keep the others back
			a.log.Error("message cannot be sent", "message", r.Ref(), "error", err)
			broken = append(broken, Settled{Row: r, State: MessageFailed})
			continue
		}
		out = append(out, o)
	}
	if len(broken) > 0 {
		if err := a.SettleMessages(ctx, broken); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// AskedMessage is a message that a carrier has, and is asked what became of it.
type AskedMessage struct {
	Outgoing
	Gateway, ID string    // of the part
	At          time.Time // when it was handed over, or a moment later
}

// askAfter is how long after a carrier has a message, or was asked for it, it is asked (again): for as long as carriers try.
var askAfter = []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 48 * time.Hour}

// FirstAsk is when a carrier is first asked what became of a message it has.
func FirstAsk() time.Duration { return askAfter[0] }

// DueAsks takes up to limit messages whose carriers are to be asked what became of them.
func (a *App) DueAsks(ctx context.Context, limit int) ([]AskedMessage, error) {
	var parts []store.AskedPart
	var t told
	now := a.now()
	err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
		if parts, err = tx.ClaimAsks(ctx, now, limit, func(asked int) time.Duration {
			if asked >= len(askAfter) {
				return 0
			}
			return askAfter[asked]
		}); err != nil {
			return err
		}
		rows := make([]store.MessageRow, len(parts))
		for i, p := range parts {
			rows[i] = p.Message
		}
		t, err = a.readTold(ctx, tx, rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]AskedMessage, 0, len(parts))
	for _, p := range parts {
		o, err := a.outgoingOf(ctx, p.Message, t)
		if err != nil || o.Phone == "" { // who it was for is forgotten, or has no phone any more
			continue
		}
		out = append(out, AskedMessage{Outgoing: o, Gateway: p.Gateway, ID: p.ID, At: p.At})
	}
	return out, nil
}

// KeepText writes down that a carrier has a message of a kind that is about no booking: what it costs, and by which ids it is reported of.
func (a *App) KeepText(ctx context.Context, kind, gateway string, ids []string, charged int, price int64) error {
	s := Settled{Gateway: gateway, Parts: ids, Charged: charged, Price: price}
	s.Row.Kind = booking.MessageKind(kind)
	return a.db.Update(ctx, func(tx *store.Tx) error { return tx.SaveTexts(ctx, s) })
}

func (a *App) outgoing(ctx context.Context, r store.MessageRow, b *booking.Booking) (Outgoing, error) {
	if b == nil {
		return Outgoing{}, fault.New(fault.BookingNotFound)
	}
	p, err := a.open(b)
	if err != nil {
		return Outgoing{}, err
	}
	v, err := a.shownWith(*b, p)
	if err != nil {
		return Outgoing{}, err
	}
	views := []BookingView{v}
	stale := r.Kind.Passes() && (!b.State.Active() || b.Version != r.Version)
	err = a.tellLosses(ctx, views)
	return Outgoing{Row: r, Phone: p.Booker.Phone, View: views[0], Stale: stale}, err
}

// SettleMessages records what became of messages that DueMessages gave out.
func (a *App) SettleMessages(ctx context.Context, list []Settled) error {
	return a.db.Update(ctx, func(tx *store.Tx) error { return tx.SettleMessages(ctx, list) })
}

// SMSReport is what a carrier says of one part of a message.
type SMSReport struct {
	ID      string // the carrier's, as in Settled.Parts
	Tag     string // digits that follow from the message's reference, "" for none
	Of      int    // in how many parts the message is; 0 where the carrier does not tell, which is taken for one
	Arrived bool
	Word    string // the carrier's word
	Parts   int    // that it is charged as; 0 for one
	Price   int64  // of one of them, in thousandths of a fen
}

// reportsCome is how long after it was given to a carrier a message is still reported of: carriers try for two days.
const reportsCome = 72 * time.Hour

// KeepReports records what a carrier reported. A part whose answer was never seen is found by its tag, tag giving that of a
// reference: its message is settled as sent once each of its parts is reported of. One that finds none, or several, is kept by itself: its answer may be on its way.
func (a *App) KeepReports(ctx context.Context, gateway string, list []SMSReport, tag func(reference string) string) error {
	byID := map[string]store.SMSPart{} // the last of each counts
	var ids, tags []string
	for _, r := range list {
		state := store.PartLost
		if r.Arrived {
			state = store.PartArrived
		}
		byID[r.ID] = store.SMSPart{Gateway: gateway, ID: r.ID, Tag: r.Tag, State: state, Word: r.Word, Parts: r.Parts, Price: r.Price}
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		ids, tags = append(ids, id), append(tags, byID[id].Tag)
	}
	return a.db.Update(ctx, func(tx *store.Tx) error {
		from := tx.Now.Add(-reportsCome)
		known, err := tx.PartsKnown(ctx, gateway, ids)
		if err != nil {
			return err
		}
		same, err := tx.PartsByTag(ctx, gateway, tags, from)
		if err != nil {
			return err
		}
		handed, err := tx.HandedMessages(ctx, from, handedAtMost)
		if err != nil {
			return err
		}
		byTag := map[string][]store.MessageRow{}
		for _, m := range handed {
			if t := tag(m.Ref()); t != "" {
				byTag[t] = append(byTag[t], m)
			}
		}
		parts := make([]store.SMSPart, len(ids))
		for i, id := range ids {
			p := byID[id]
			if m, ok := known[id]; ok {
				p.Message = m
			} else if found := byTag[p.Tag]; len(found) == 1 {
				p.Message = found[0]
			} else if m, ok := same[p.Tag]; ok && len(found) == 0 {
				p.Message = m.Message
			}
			parts[i] = p
		}
		return tx.KeepReports(ctx, parts, wholeTags(list, byID, same))
	})
}

// wholeTags are the tags of which so many parts are reported now and before as their message has.
func wholeTags(list []SMSReport, now map[string]store.SMSPart, before map[string]store.Tagged) map[string]bool {
	ids, whole := map[string]map[string]bool{}, map[string]bool{}
	for id, p := range now {
		if ids[p.Tag] == nil {
			ids[p.Tag] = map[string]bool{}
			for _, had := range before[p.Tag].IDs {
				ids[p.Tag][had] = true
			}
		}
		ids[p.Tag][id] = true
	}
	for _, r := range list {
		whole[r.Tag] = len(ids[r.Tag]) >= r.Of
	}
	return whole
}

// handedAtMost bounds what is looked through for a tag: so many are never under way.
const handedAtMost = 5000

// Remind writes a reminder for each active booking of tomorrow that has none yet, and returns how many.
func (a *App) Remind(ctx context.Context) (int, error) {
	tomorrow := calendar.DateOf(a.now()) + 1
	count, after := 0, ""
	for {
		var last string
		n := 0
		err := a.db.Update(ctx, func(tx *store.Tx) error {
			due, err := tx.BookingsToRemind(ctx, tomorrow, after, 500)
			if err != nil {
				return err
			}
			n = len(due)
			messages := make([]booking.Message, 0, n)
			for _, b := range due {
				messages = append(messages, booking.Message{Booking: b.ID, HallID: b.HallID, Version: b.Version, Kind: booking.MessageReminder, Due: tx.Now})
				last = b.ID
			}
			return tx.InsertReminders(ctx, messages)
		})
		if err != nil {
			return count, err
		}
		count += n
		if n < 500 {
			return count, nil
		}
		after = last
	}
}
