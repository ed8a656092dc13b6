package storetest

import (
	"fmt"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/draw"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

func (w *world) drawOf(queue string, at time.Time) draw.Draw {
	return draw.Draw{
		ID: draw.ID(queue, at), HallID: "h1", QueueID: queue, Release: at.UTC(), Until: at.Add(time.Minute).UTC(), Commitment: "c-" + queue, Sealed: []byte{1, 2}, State: draw.Announced,
		Published: w.now(),
	}
}

func (w *world) drawNow(id string) (d *draw.Draw) {
	w.Helper()
	w.view(func(tx *store.Tx) (err error) {
		d, err = tx.Draw(w.ctx, id)
		return err
	})
	return d
}

// draws holds the way of a draw: published once, closed, done once with its seed.
func draws(w *world) {
	d, later, other := w.drawOf("h1-general", release), w.drawOf("h1-general", release.AddDate(0, 0, 1)), w.drawOf("h1-tax", release)
	add := func(d draw.Draw, want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			added, err := tx.AddDraw(w.ctx, d)
			if added != want {
				w.Errorf("draw %s added: %t", d.ID, added)
			}
			return err
		})
	}
	add(d, true)
	twice := d
	twice.Commitment = "another seed"
	add(twice, false) // nobody changes what is published
	add(later, true)
	add(other, true)
	got := w.drawNow(d.ID)
	got.Release, got.Until, got.Published = got.Release.UTC(), got.Until.UTC(), got.Published.UTC()
	same(w, "read again", *got, d)
	if w.drawNow("gone") != nil {
		w.Error("a draw that was never published is there")
	}
	end := func(want bool) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			done, err := tx.EndDraw(w.ctx, d.ID, "5eed")
			if done != want {
				w.Errorf("ended: %t, want %t", done, want)
			}
			return err
		})
	}
	end(false) // entries are still taken
	for range 2 {
		w.update(func(tx *store.Tx) error { return tx.CloseDraw(w.ctx, d.ID) })
	}
	if s := w.drawNow(d.ID).State; s != draw.Closed {
		w.Errorf("closed: %s", s)
	}
	w.pass(time.Minute)
	end(true)
	end(false)
	w.update(func(tx *store.Tx) error { return tx.CloseDraw(w.ctx, d.ID) })
	if done := w.drawNow(d.ID); done.State != draw.Done || done.Seed != "5eed" || len(done.Sealed) != 0 || !done.Drawn.Equal(w.now()) || done.Commitment != d.Commitment {
		w.Errorf("done: %+v", done)
	}
	names := func(list []draw.Draw, err error) string {
		w.Helper()
		if err != nil {
			w.Error(err)
		}
		var out []string
		for _, d := range list {
			out = append(out, d.ID)
		}
		return fmt.Sprint(out)
	}
	w.view(func(tx *store.Tx) error {
		same(w, "to be carried out, soonest first", names(tx.DrawsNotDone(w.ctx)), fmt.Sprint([]string{other.ID, later.ID}))
		same(w, "of a queue, newest first", names(tx.DrawsSince(w.ctx, "h1-general", release, 10)), fmt.Sprint([]string{later.ID, d.ID}))
		same(w, "of all since", names(tx.DrawsSince(w.ctx, "", release.Add(time.Hour), 10)), fmt.Sprint([]string{later.ID}))
		same(w, "at most so many", names(tx.DrawsSince(w.ctx, "", release, 1)), fmt.Sprint([]string{later.ID}))
		same(w, "done", names(tx.DrawsDone(w.ctx, "", 10)), fmt.Sprint([]string{d.ID}))
		same(w, "done after the last", names(tx.DrawsDone(w.ctx, d.ID, 10)), "[]")
		return nil
	})
	w.update(func(tx *store.Tx) error {
		turn, err := tx.TurnOnDraws(w.ctx, []string{later.ID, "gone"})
		if len(turn) != 1 || turn[later.ID] == nil || turn[later.ID].State != draw.Announced {
			w.Errorf("turn on %v", turn)
		}
		return err
	})
}

// drawEntries holds the list of a draw: one entry of a booker and of an applicant for an item, ranks in the drawn
// order, and a number that was given stays given.
func drawEntries(w *world) {
	d := w.drawOf("h1-general", release)
	n := 0
	entry := func(booker, applicant, item string) draw.Entry {
		n++
		e := draw.Entry{
			Draw: d.ID, Booker: identity.Key(booker), Applicant: identity.Key(applicant), Item: item, ID: booking.IDOf(uint64(n)), HallID: "h1", SlotID: "h1-general-20261209-09",
			Stage: "acceptance", Units: 1, Kind: booking.Self, Level: identity.Matched, Channel: booking.Web, Key: fmt.Sprintf("key-%06d", n), Hash: "h", Salt: fmt.Sprintf("%032d", n),
			Sealed: []byte{byte(n)}, At: w.now(),
		}
		e.Text = e.Request().Entry(e.Salt)
		return e
	}
	list := []draw.Entry{entry("ann", "ann", "i"), entry("ann", "bea", "j"), entry("cat", "cat", "i")}
	w.update(func(tx *store.Tx) error {
		if _, err := tx.AddDraw(w.ctx, d); err != nil {
			return err
		}
		return tx.AddEntries(w.ctx, list)
	})
	for name, e := range map[string]draw.Entry{
		"of the same booker for the same item":    entry("ann", "dan", "i"),
		"of the same applicant for the same item": entry("dan", "bea", "j"),
	} {
		if err := w.db.Update(w.ctx, func(tx *store.Tx) error { return tx.AddEntries(w.ctx, []draw.Entry{e}) }); err == nil {
			w.Errorf("a second entry %s was taken", name)
		}
		w.view(func(tx *store.Tx) error {
			beside, err := tx.EntriesBeside(w.ctx, []draw.Entry{e})
			if len(beside) != 1 {
				w.Errorf("beside one %s: %+v", name, beside)
			}
			return err
		})
	}
	key := entry("cat", "eve", "j")
	key.Key = list[2].Key
	w.view(func(tx *store.Tx) error {
		beside, err := tx.EntriesBeside(w.ctx, []draw.Entry{key})
		if len(beside) != 1 || beside[0].ID != list[2].ID {
			w.Errorf("under the same key: %+v", beside)
		}
		return err
	})
	order := draw.Order([]byte("seed"), []string{list[0].Text, list[1].Text, list[2].Text})
	w.update(func(tx *store.Tx) error { return tx.RankEntries(w.ctx, d.ID, order) })
	read := func() (out []draw.Entry) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			out, err = tx.EntriesOf(w.ctx, d.ID)
			return err
		})
		return out
	}
	for i, e := range read() {
		if e.Text != order[i] || e.Rank != i+1 || e.Outcome != draw.Waiting {
			w.Errorf("place %d: %+v", i+1, e)
		}
	}
	settle := func(at int, o draw.Outcome) {
		w.Helper()
		w.update(func(tx *store.Tx) error {
			return tx.SettleEntries(w.ctx, []draw.Entry{{Draw: d.ID, Text: order[at], Outcome: o}})
		})
	}
	settle(0, draw.Booked)
	settle(0, "sold_out") // two nodes carry it out; the one that came late does not take it back
	settle(1, "sold_out")
	settle(1, "already_booked_item")
	settle(2, "sold_out")
	settle(2, draw.Booked)
	got := read()
	same(w, "outcomes", []draw.Outcome{got[0].Outcome, got[1].Outcome, got[2].Outcome}, []draw.Outcome{draw.Booked, "sold_out", draw.Booked})
	w.view(func(tx *store.Tx) error {
		mine, err := tx.EntriesOfBooker(w.ctx, "ann", "", 10)
		if len(mine) != 2 {
			w.Errorf("of one booker: %+v", mine)
		}
		if err != nil {
			return err
		}
		one, err := tx.EntryOfKey(w.ctx, "ann", list[1].Key)
		if one == nil || one.ID != list[1].ID {
			w.Errorf("under a key: %+v", one)
		}
		if err != nil {
			return err
		}
		if none, err := tx.EntryOfKey(w.ctx, "cat", list[1].Key); none != nil || err != nil {
			w.Errorf("under another person's key: %+v, %v", none, err)
		}
		byID, err := tx.EntriesByID(w.ctx, []string{list[2].ID, "gone"})
		if len(byID) != 1 || byID[0].Booker != "cat" {
			w.Errorf("by id: %+v", byID)
		}
		return err
	})
	forget := func(before time.Time) {
		w.Helper()
		w.update(func(tx *store.Tx) error { return tx.ForgetEntrants(w.ctx, before) })
	}
	forget(w.now().Add(time.Hour)) // it is not done
	if e := read()[0]; len(e.Sealed) != 1 {
		w.Errorf("forgotten before the draw was done: %+v", e)
	}
	w.update(func(tx *store.Tx) error {
		if err := tx.CloseDraw(w.ctx, d.ID); err != nil {
			return err
		}
		_, err := tx.EndDraw(w.ctx, d.ID, "5eed")
		return err
	})
	forget(w.now()) // not so long ago yet
	if e := read()[0]; len(e.Sealed) != 1 {
		w.Errorf("forgotten too soon: %+v", e)
	}
	forget(w.now().Add(time.Second))
	for _, e := range read() {
		if len(e.Sealed) != 0 || e.Salt == "" || e.Text == "" {
			w.Errorf("after its persons were forgotten: %+v", e)
		}
	}
}
