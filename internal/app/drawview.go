package app

import (
	"context"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/draw"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// DrawEntry is an entry in a draw as who made it sees it.
type DrawEntry struct {
	Draw    string
	Until   time.Time   // zero where it is not known here any more
	For     BookingView // what was asked for; its code is that of the booking once there is one
	Text    string      // on the public list
	Salt    string
	Rank    int // 0 before the draw
	Outcome draw.Outcome
}

// DrawView is a draw as anybody sees it.
type DrawView struct {
	draw.Draw
	Hall    *directory.Hall
	Queue   *directory.Queue
	Entries int // of a draw that is done
	Booked  int
}

// Draws lists the draws of the last two weeks and those to come, of one queue or with "" of all, newest first.
func (a *App) Draws(ctx context.Context, queue string) ([]DrawView, error) {
	var list []draw.Draw
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.DrawsSince(ctx, queue, tx.Now.AddDate(0, 0, -14), drawsListed)
		return err
	}); err != nil {
		return nil, err
	}
	out := make([]DrawView, len(list))
	for i, d := range list {
		out[i] = a.drawView(d)
	}
	return out, nil
}

func (a *App) drawView(d draw.Draw) DrawView {
	d.Sealed = nil
	return DrawView{Draw: d, Hall: a.City().Hall(d.HallID), Queue: a.City().Queue(d.QueueID)}
}

// DrawOf returns a draw and what is published of it: the commitment before, seed, list and outcome after.
func (a *App) DrawOf(ctx context.Context, id string) (v DrawView, r draw.Record, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		v, r, err = a.drawRecord(ctx, tx, id)
		return err
	})
	return v, r, err
}

func (a *App) drawRecord(ctx context.Context, tx *store.Tx, id string) (DrawView, draw.Record, error) {
	d, err := tx.Draw(ctx, id)
	if err != nil {
		return DrawView{}, draw.Record{}, err
	}
	if d == nil {
		return DrawView{}, draw.Record{}, fault.New(fault.DrawNotFound)
	}
	v := a.drawView(*d)
	r := recordOf(*d)
	if d.State != draw.Done {
		return v, r, nil
	}
	list, err := tx.EntriesOf(ctx, id)
	for _, e := range list {
		r.Entries = append(r.Entries, draw.Line{Entry: e.Text, Slot: e.SlotID, Units: e.Units, Rank: e.Rank, Outcome: string(e.Outcome)})
		if v.Entries++; e.Outcome == draw.Booked {
			v.Booked++
		}
	}
	return v, r, err
}

func recordOf(d draw.Draw) draw.Record {
	return draw.Record{
		ID: d.ID, Hall: d.HallID, Queue: d.QueueID, Release: d.Release.In(calendar.Zone), Until: d.Until.In(calendar.Zone), State: string(d.State),
		Published: d.Published.In(calendar.Zone), Commitment: d.Commitment, Seed: d.Seed, Entries: []draw.Line{},
	}
}

// MyEntries returns the signed-in person's entries, of one draw or with "" of all, newest first.
func (a *App) MyEntries(ctx context.Context, who *identity.Session, id string) ([]DrawEntry, error) {
	var list []draw.Entry
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if list, err = tx.EntriesOfBooker(ctx, who.Person.Key, id, 50); err != nil || id == "" || len(list) > 0 {
			return err
		}
		if d, err := tx.Draw(ctx, id); err != nil || d != nil {
			return err
		}
		return fault.New(fault.DrawNotFound)
	}); err != nil {
		return nil, err
	}
	out := make([]DrawEntry, 0, len(list))
	for _, e := range list {
		v, err := a.entryView(e)
		if err != nil {
			return nil, err
		}
		out = append(out, *v)
	}
	return out, nil
}

// asBooking is what an entry would be as a booking.
func asBooking(e draw.Entry) booking.Booking {
	queue, date, hour, _ := booking.ParseSlotID(e.SlotID)
	return booking.Booking{
		ID: e.ID, HallID: e.HallID, QueueID: queue, SlotID: e.SlotID, Date: date, Hour: hour, Item: e.Item, Stage: stageOf(&e), Units: e.Units, Channel: e.Channel,
		Applicant: e.Kind, BookerKey: e.Booker, ApplicantKey: e.Applicant, Sealed: e.Sealed, Version: 1, CreatedAt: e.At, ChangedAt: e.At,
	}
}

func stageOf(e *draw.Entry) directory.Stage { return directory.Stage(e.Stage) }

// entryView shows an entry, without its persons where these are forgotten.
func (a *App) entryView(e draw.Entry) (*DrawEntry, error) {
	var p booking.Parties
	if len(e.Sealed) > 0 {
		b := asBooking(e)
		var err error
		if p, err = a.open(&b); err != nil {
			return nil, err
		}
	}
	return a.entryShown(e, p)
}

func (a *App) entryShown(e draw.Entry, p booking.Parties) (*DrawEntry, error) {
	b, err := a.shownWith(asBooking(e), p)
	v := &DrawEntry{Draw: e.Draw, For: b, Text: e.Text, Salt: e.Salt, Rank: e.Rank, Outcome: e.Outcome}
	for _, d := range a.draws.of(b.Booking.QueueID) {
		if d.ID == e.Draw {
			v.Until = d.Until
		}
	}
	return v, err
}

// aboutEntries adds to out what messages about entries in draws say.
func (a *App) aboutEntries(ctx context.Context, tx *store.Tx, rows []store.MessageRow, out map[string]Outgoing) error {
	var ids []string
	for _, r := range rows {
		if r.Kind == booking.MessageNotDrawn {
			ids = append(ids, r.Booking)
		}
	}
	list, err := tx.EntriesByID(ctx, ids)
	if err != nil {
		return err
	}
	for _, e := range list {
		o := Outgoing{Stale: e.Outcome == draw.Booked || len(e.Sealed) == 0}
		if !o.Stale {
			b := asBooking(e)
			p, err := a.open(&b)
			if err != nil {
				continue // told as one that cannot be read
			}
			if o.View, err = a.shownWith(b, p); err != nil {
				return err
			}
			o.Phone = p.Booker.Phone
		}
		out[e.ID] = o
	}
	return nil
}

// recountDraws recomputes every draw that is done, and tells what is not as it must be.
func (a *App) recountDraws(ctx context.Context, tell func(string)) error {
	return a.db.View(ctx, func(tx *store.Tx) error {
		for after := ""; ; {
			list, err := tx.DrawsDone(ctx, after, 100)
			if err != nil || len(list) == 0 {
				return err
			}
			for _, d := range list {
				after = d.ID
				_, r, err := a.drawRecord(ctx, tx, d.ID)
				if err != nil {
					return err
				}
				wrong, _ := r.Check()
				for _, line := range wrong {
					tell(d.ID + ": " + line)
				}
			}
		}
	})
}
