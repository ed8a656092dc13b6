package app

import (
	"context"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/counter"
	"suiyue/internal/store"
)

// near finds those whose turn has come near by what changed on this day, and returns the message to each:
// once a ticket, and none to whom it was near already when the number was given.
func (d *day) near() (out []booking.Message) {
	looked := map[string]bool{}
	for _, t := range d.changed[:len(d.changed):len(d.changed)] {
		if looked[t.QueueID] {
			continue
		}
		looked[t.QueueID] = true
		for i, p := range d.Order(d.tx.Now, []string{t.QueueID}) {
			if i > d.Rules.NearAhead {
				break
			}
			if !p.NearAt.IsZero() {
				continue
			}
			p.NearAt = d.tx.Now
			if d.was[p.ID] > 0 {
				out = append(out, booking.Message{Booking: p.ID, HallID: d.HallID, Version: 1, Kind: booking.MessageNear, Due: d.tx.Now})
			}
			d.touch(p.Ticket)
		}
	}
	return out
}

// finished returns the message to each whose service has ended on this day: how was it? Once a ticket, since
// a service ends once.
func (d *day) finished() (out []booking.Message) {
	for _, t := range d.changed {
		if t.State == counter.Done && d.was[t.ID] > 0 {
			out = append(out, booking.Message{Booking: t.ID, HallID: d.HallID, Version: 1, Kind: booking.MessageEvaluate, Due: d.tx.Now})
		}
	}
	return out
}

// touch has a ticket written though nothing has happened to it.
func (d *day) touch(t *counter.Ticket) {
	for _, c := range d.changed {
		if c == t {
			return
		}
	}
	d.changed = append(d.changed, t)
}

// ticketsTold lists the tickets that messages tell of.
func ticketsTold(rows []store.MessageRow) map[string]struct{} {
	ids := map[string]struct{}{}
	for _, r := range rows {
		if len(r.Booking) == ticketIDLength {
			ids[r.Booking] = struct{}{}
		}
	}
	return ids
}

// aboutTickets reads what messages about tickets need: each with its own parties and its place in line.
func (a *App) aboutTickets(ctx context.Context, tx *store.Tx, rows []store.MessageRow, out map[string]Outgoing) error {
	tickets, err := tx.TicketsByID(ctx, ticketsTold(rows))
	if err != nil {
		return err
	}
	floors := map[string]*counter.Floor{}
	for id, t := range tickets {
		p, err := a.openTicket(t)
		if err != nil { // it is settled as failed, with those of which nothing is known
			a.log.Error("a ticket cannot be read", "hall", t.HallID, "number", t.Number, "error", err)
			continue
		}
		f := floors[t.HallID+t.Date.String()]
		if f == nil && t.State == counter.Waiting {
			if f, err = a.readFloor(ctx, tx, t.HallID, t.Date); err != nil {
				return err
			}
			floors[t.HallID+t.Date.String()] = f
		}
		v, err := a.ticketView(tx.Now, f, t)
		if err != nil {
			return err
		}
		out[id] = Outgoing{Phone: p.Booker.Phone, Ticket: &v, Link: a.public + "/ticket/" + id + "/evaluate?t=" + a.EvaluationToken(id)}
	}
	return nil
}
