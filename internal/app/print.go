package app

import (
	"context"
	"slices"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// Numbers on paper: printed once for whoever took it, again only for their document or by staff. No print makes
// a number.

// Printed says how often a ticket was put on paper.
type Printed struct {
	Times int
	Last  string // outcome of the last time: printed, no_paper, failed; "" while nothing was heard of it
}

// lost tells whether the last time surely left no paper.
func (p Printed) lost() bool { return p.Last == NoPaper || p.Last == PrintFailed }

// Outcomes of a print, as the machine tells them.
const (
	PaperOut    = "printed"
	NoPaper     = "no_paper"
	PrintFailed = "failed"
)

// mostPrints is how often kiosks put one ticket on paper; after that staff do.
const mostPrints = 4

// PrintTicket records that a ticket of today is put on paper once more and returns the how manieth time it is.
// The first time, and after one that left no paper, whoever holds the ticket may; else proven says that its
// holder has just shown their document, or staff ask. ReprintGuarded otherwise.
func (a *App) PrintTicket(ctx context.Context, by By, hall, id string, proven bool) (n int, v TicketView, err error) {
	if err := a.here(by, hall); err != nil {
		return 0, v, a.told(err)
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		if by.Admin != nil {
			if err := still(ctx, tx, by.Admin); err != nil {
				return err
			}
		}
		t, err := tx.Ticket(ctx, id)
		switch {
		case err != nil:
			return err
		case t == nil || t.HallID != hall || t.Date != calendar.DateOf(tx.Now):
			return fault.New(fault.TicketNotFound)
		case t.State.Over():
			return fault.New(fault.TicketOver, "state", string(t.State))
		}
		done, err := tx.Prints(ctx, hall, id)
		if err != nil {
			return err
		}
		p := printed(done)
		why := ""
		switch {
		case by.Admin != nil:
			why = "staff"
		case p.Times >= mostPrints:
			return fault.New(fault.ReprintGuarded)
		case p.Times == 0 || p.lost():
			why = "issued"
		case proven:
			why = "document"
		default:
			return fault.New(fault.ReprintGuarded)
		}
		kind, who := by.of()
		n = p.Times + 1
		if err := tx.AddPrint(ctx, hall, id, store.Print{N: n, ByKind: kind, ByID: who, Why: why}); err != nil {
			return err
		}
		if by.Admin == nil {
			return nil
		}
		rec := by.Admin.record("ticket.print", "ticket", id)
		rec.Hall, rec.After = hall, asJSON(map[string]any{"number": t.Number, "time": n})
		return tx.Audit(ctx, rec)
	})
	if err == nil {
		v, err = a.Ticket(ctx, id)
	}
	return n, v, a.told(err)
}

func printed(list []store.Print) (p Printed) {
	if p.Times = len(list); p.Times > 0 {
		p.Last = list[p.Times-1].Outcome
	}
	return p
}

// PrintOutcome records what came of the n-th time, once; outcomes that are none of ours are failures.
func (a *App) PrintOutcome(ctx context.Context, by By, hall, id string, n int, outcome string) error {
	if err := a.here(by, hall); err != nil {
		return a.told(err)
	}
	if !slices.Contains([]string{PaperOut, NoPaper}, outcome) {
		outcome = PrintFailed
	}
	return a.db.Update(ctx, func(tx *store.Tx) error { return tx.SettlePrint(ctx, hall, id, n, outcome) })
}

// TicketPrints says how often a ticket was put on paper.
func (a *App) TicketPrints(ctx context.Context, hall, id string) (p Printed, err error) {
	return p, a.db.View(ctx, func(tx *store.Tx) error {
		list, err := tx.Prints(ctx, hall, id)
		p = printed(list)
		return err
	})
}

// TicketsShown returns the tickets of today the holder of a document has at a hall that are not over. Only a
// kiosk of the hall or its staff may ask, for who stands before them.
func (a *App) TicketsShown(ctx context.Context, by By, hall string, doc identity.Document, birth string) (out []TicketView, err error) {
	if err := a.here(by, hall); err != nil {
		return nil, a.told(err)
	}
	doc = identity.Normalise(doc)
	if field, bad := identity.CheckDocument(doc, calendar.DateOf(a.now())); bad != "" {
		return nil, fault.InvalidFields(fault.Field{Path: "document." + field, Code: bad})
	}
	person := a.personKey(doc, birth)
	var list []*counter.Ticket
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.TicketsOfPerson(ctx, person, calendar.DateOf(tx.Now))
		return err
	}); err != nil {
		return nil, err
	}
	for _, t := range list {
		if t.HallID != hall || t.State.Over() {
			continue
		}
		v, err := a.Ticket(ctx, t.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(x, y TicketView) int { return x.Ticket.IssuedAt.Compare(y.Ticket.IssuedAt) })
	return out, err
}
