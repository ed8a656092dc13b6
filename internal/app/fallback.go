package app

import (
	"context"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// FallbackRow is one booking on the paper list a hall has at hand for the case that nothing works.
type FallbackRow struct {
	No     int // on the list, from 1
	Hour   int
	Queue  *directory.Queue
	Prefix string // of its numbers that day, so that numbers given by hand go on from them
	Name   string // masked
	Tail   string // last four characters of the document number; the booking's code is not on the list
	For    string // masked name of the applicant, "" for the booker themselves
	Item   *directory.Item
	Stage  directory.Stage
	Units  int
	Here   bool // has come already
}

// FallbackList returns who is booked at a hall today or tomorrow, in the order of hour, queue and booking, to
// be printed. That it was taken is recorded.
func (a *App) FallbackList(ctx context.Context, ad *Admin, hall string, date calendar.Date) ([]FallbackRow, error) {
	if err := a.Allow(ad, account.Serve, hall); err != nil {
		return nil, err
	}
	if today := calendar.DateOf(a.now()); date < today || date > today+1 {
		return nil, fault.InvalidFields(fault.Field{Path: "date", Code: fault.OutOfRange})
	}
	var out []FallbackRow
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		out = nil
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		f, err := a.readFloor(ctx, tx, hall, date)
		if err != nil {
			return err
		}
		list, err := tx.BookingsOn(ctx, hall, a.queueIDs(hall), date)
		if err != nil {
			return err
		}
		for _, b := range list {
			if b.State != booking.Booked && b.State != booking.Arrived {
				continue
			}
			p, err := a.open(b)
			if err != nil {
				return err
			}
			row := FallbackRow{
				No: len(out) + 1, Hour: b.Hour, Queue: a.City().Queue(b.QueueID), Name: identity.MaskName(p.Booker.Name), Tail: tail(p.Booker.Document.Number),
				Item: a.City().Item(b.Item), Stage: b.Stage, Units: b.Units, Here: b.State == booking.Arrived,
			}
			if l := f.Lines[b.QueueID]; l != nil {
				row.Prefix = l.Prefix
			}
			if b.Applicant != booking.Self {
				row.For = mask(p.Applicant, b.Applicant).Name
			}
			out = append(out, row)
		}
		rec := ad.record("arrivals.print", "hall", hall)
		rec.Hall, rec.After = hall, asJSON(map[string]any{"date": date, "bookings": len(out)})
		return tx.Audit(ctx, rec)
	})
	return out, err
}

// tail is the last four characters of a number.
func tail(number string) string { return number[max(0, len(number)-4):] }
