package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/draw"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/domain/theme"
	"suiyue/internal/domain/waitlist"
	"suiyue/internal/store"
)

// Waited is a database in which people wait: numbers are held and one is offered, entries stand in every state, a queue
// is alerted and was before, a draw is done, and cases of a theme run and have ended. Ids are by what they are of.
func Waited(t *testing.T, open func(*testing.T, store.Options) *store.DB) (*store.DB, map[string]string) {
	w := newWorld(t, open, store.Options{})
	saveCity(w)
	var slots []booking.Slot
	for _, hour := range []int{9, 10, 14} {
		slots = append(slots, slotOf("h1", 0, hour, 1))
	}
	w.update(func(tx *store.Tx) error {
		_, err := tx.AddSlots(w.ctx, slots)
		return errors.Join(err, tx.SaveRulebook(w.ctx, rulebook.Continued2025()), tx.SaveCalendar(w.ctx, nil, map[int]calendar.YearStatus{2026: calendar.Official}))
	})
	l := w.lane()
	ids := map[string]string{}
	full := map[int]booking.Booking{}
	for i, person := range []string{"ann", "bea", "cat"} {
		full[i] = w.ask(l, w.book(person, slots[i], "i"), "").Booking
	}
	served, offered, waiting, left := w.join("dan", slots[0], 1), w.join("eve", slots[1], 1), w.join("fay", slots[1], 1), w.join("gus", slots[1], 1)
	listed := *w.join("hal", slots[1], 1)
	w.update(func(tx *store.Tx) error { // one with a list
		listed.ID, listed.Booker, listed.ApplicantKey, listed.Units, listed.Cases = booking.IDOf(w.ids.Add(1)), "ivy", "ivy", 2, 2
		var err error
		if listed.Number, err = tx.NextBlock(w.ctx, "waitlist", 1); err != nil {
			return err
		}
		if _, err := tx.TakeClaim(w.ctx, booking.Claim{Person: "ivy", Name: booking.WaitName("i"), HallID: "h1", Booking: listed.ID}); err != nil {
			return err
		}
		return tx.AddWait(w.ctx, &listed, []booking.Case{
			{N: 1, Person: "one", Sealed: []byte{1}, State: booking.CaseOpen}, {N: 2, Person: "two", Sealed: []byte{1}, State: booking.CaseOpen},
		})
	})
	w.ask(l, w.waitCancel(full[0]), "")
	w.ask(l, serve(served, slots[0], nil), "")
	w.update(func(tx *store.Tx) error {
		_, err := tx.SaveWait(w.ctx, left.End(booking.WaitLeft, tx.Now), left.Version)
		return errors.Join(err, tx.DropClaim(w.ctx, booking.Claim{Person: "gus", Name: booking.WaitName("i"), Booking: left.ID}))
	})
	w.drawn(l, slots[2], full[2], ids)
	w.set(day.At(7, 30))
	late := func(r *rulebook.Rulebook) { r.OffSiteCloses = rulebook.SlotStart }
	for _, i := range []int{1, 2} {
		c := w.waitCancel(full[i])
		late(&c.Rules)
		w.ask(l, c, "")
	}
	w.ask(l, serve(offered, slots[1], late), "")
	w.update(func(tx *store.Tx) error {
		over := waitlist.NewAlert("alert-over", "h1", "h1-general", 8, 7, tx.Now)
		if _, err := tx.AddAlert(w.ctx, over); err != nil {
			return err
		}
		if _, err := tx.SaveAlert(w.ctx, over.See(1, 7, tx.Now), over.Version); err != nil {
			return err
		}
		_, err := tx.AddAlert(w.ctx, waitlist.NewAlert("alert", "h1", "h1-general", 9, 7, tx.Now).Acknowledge("A1", tx.Now))
		return err
	})
	w.livedCases(ids)
	for name, e := range map[string]*booking.WaitEntry{"served": served, "offered": offered, "waiting": waiting, "left": left, "listed": &listed} {
		ids[name] = e.ID
	}
	return w.db, ids
}

// drawn carries out a draw that gave one number and refused another.
func (w *world) drawn(l *store.Lane, s booking.Slot, has booking.Booking, ids map[string]string) {
	w.Helper()
	seed := []byte("0123456789abcdef0123456789abcdef")
	d := w.drawOf("h1-general", release)
	d.Commitment, d.Published = draw.Commit(d.ID, seed), release.AddDate(0, 0, -3)
	var list []draw.Entry
	var texts []string
	for i, person := range []string{"cat", "jim"} {
		e := draw.Entry{
			Draw: d.ID, Booker: identity.Key(person), Applicant: identity.Key(person), Item: "i", ID: booking.IDOf(w.ids.Add(1)), HallID: s.HallID, SlotID: s.ID, Stage: "acceptance", Units: 1,
			Kind: booking.Self, Level: identity.Matched, Channel: booking.Web, Key: fmt.Sprint("draw-", person), Hash: "h", Salt: fmt.Sprintf("%032d", i), Sealed: []byte{1}, At: w.now(),
		}
		if i == 0 {
			e.ID = has.ID
		}
		e.Text = e.Request().Entry(e.Salt)
		list, texts = append(list, e), append(texts, e.Text)
	}
	w.update(func(tx *store.Tx) error {
		if _, err := tx.AddDraw(w.ctx, d); err != nil {
			return err
		}
		if err := tx.AddEntries(w.ctx, list); err != nil {
			return err
		}
		list[0].Outcome, list[1].Outcome = draw.Booked, "already_booked_item"
		if err := errors.Join(tx.CloseDraw(w.ctx, d.ID), tx.RankEntries(w.ctx, d.ID, draw.Order(seed, texts)), tx.SettleEntries(w.ctx, list)); err != nil {
			return err
		}
		if err := tx.InsertReminders(w.ctx, []booking.Message{{Booking: list[1].ID, HallID: "h1", Version: 1, Kind: booking.MessageNotDrawn, Due: tx.Now}}); err != nil {
			return err
		}
		_, err := tx.EndDraw(w.ctx, d.ID, fmt.Sprintf("%x", seed))
		return err
	})
	ids["drawn"], ids["not drawn"] = list[0].ID, list[1].ID
}

// livedCases opens two cases of a theme and ends one.
func (w *world) livedCases(ids map[string]string) {
	w.Helper()
	t := wedding()
	w.update(func(tx *store.Tx) error {
		_, err := tx.SaveTheme(w.ctx, t)
		return err
	})
	t.Version = 1
	ids["case"], ids["case ended"] = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
	w.openCase(&t, ids["case"])
	w.openCase(&t, ids["case ended"])
	if _, err := w.actOn(&t, ids["case ended"], theme.Act{Kind: theme.Withdraw}); err != nil {
		w.Fatal(err)
	}
	w.update(func(tx *store.Tx) error {
		return tx.InsertReminders(w.ctx, []booking.Message{{Booking: ids["case ended"], HallID: "h", Version: 1, Kind: booking.MessageCaseEnded, Due: tx.Now.Add(time.Second)}})
	})
}
