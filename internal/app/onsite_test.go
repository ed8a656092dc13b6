package app_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// todays reads the slots of a queue on the hall's day.
func (h *hallDay) todays(queue string) (out []booking.Slot) {
	h.t.Helper()
	if err := h.DB.View(h.t.Context(), func(tx *store.Tx) error {
		out = nil
		return tx.SlotsOf(h.t.Context(), apptest.HallA, queue, hallDate, func(s store.LiveSlot) {
			if s.Date == hallDate {
				out = append(out, s.Slot)
			}
		})
	}); err != nil {
		h.t.Fatal(err)
	}
	return out
}

func TestArt14_NumbersOfTheDay(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.book(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA, 9)
		n := 100
		take := func() (app.TicketView, error) {
			n++
			return f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, walkIn(fmt.Sprintf("take-%05d", n), apptest.Citizen(n), apptest.SocialCard))
		}
		h.at(8, 59)
		_, err := take()
		wantCode(t, err, fault.OnSiteNotYet, "before nine")
		if left, err := f.App.OnSiteLeft(ctx, apptest.HallA); err != nil || len(left) != 3 || !left[0].From.Equal(hallDate.At(9, 0)) || !left[0].Open {
			t.Errorf("left before nine: %+v, %v", left, err)
		}
		h.at(9, 0)
		total, onSite := 0, 0
		for _, s := range h.todays(apptest.QueueA) {
			total, onSite = total+s.Capacity+s.OnSite, onSite+s.OnSite
		}
		if onSite*10 > total || onSite == 0 {
			t.Fatalf("%d of %d are kept for the hall", onSite, total)
		}
		// The day's own numbers, then what nobody booked of this hour, and no more.
		unsold := h.todays(apptest.QueueA)[0].Free()
		for i := range onSite + unsold {
			v, err := take()
			want := counter.OnSite
			if i >= onSite {
				want = counter.Unsold
			}
			if err != nil || v.Ticket.Share != want || v.Ticket.Kind != counter.WalkIn || v.Ticket.Booking != "" {
				t.Fatalf("number %d: %+v, %v", i, v.Ticket, err)
			}
		}
		_, err = take()
		wantCode(t, err, fault.OnSiteNone, "when all are gone")
		for _, s := range h.todays(apptest.QueueA) {
			if s.OnSiteTaken != s.OnSite || (s.Taken == s.Capacity) != (s.Hour == 9) {
				t.Errorf("hour %d: %+v", s.Hour, s)
			}
		}
		h.at(10, 0) // the next hour has unsold ones again
		if v, err := take(); err != nil || v.Ticket.Share != counter.Unsold || v.Ticket.SlotID != booking.SlotID(apptest.QueueA, hallDate, 10) {
			t.Errorf("in the next hour: %+v, %v", v.Ticket, err)
		}
		h.at(12, 30) // between the halves nothing is unsold, and the day's numbers are gone
		_, err = take()
		wantCode(t, err, fault.OnSiteNone, "at noon")
		h.at(17, 0)
		_, err = take()
		wantCode(t, err, fault.NotOpenToday, "after the last hour")
		sound(t, f)
	})
}

func TestArt14_OneAPersonItemAndHalfDay(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.at(9, 5)
		take := func(key, item string) (app.TicketView, error) {
			return f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, walkIn(key, apptest.Citizen(1), item))
		}
		first, err := take("take-00001", apptest.SocialCard)
		if err != nil {
			t.Fatal(err)
		}
		again, err := take("take-00001", apptest.SocialCard)
		if err != nil || again.Ticket.ID != first.Ticket.ID {
			t.Errorf("the same key: %+v, %v", again.Ticket, err)
		}
		_, err = take("take-00001", apptest.Estate)
		wantCode(t, err, fault.KeyReused, "the same key for something else")
		_, err = take("take-00002", apptest.SocialCard)
		if e := fault.As(err); e == nil || e.Code != fault.OnSiteOnce || e.Args["number"] != first.Ticket.Number {
			t.Errorf("a second number: %v", err)
		}
		if v, err := take("take-00003", apptest.Estate); err != nil || v.Ticket.Number == first.Ticket.Number {
			t.Errorf("another item: %+v, %v", v.Ticket, err)
		}
		h.at(13, 10)
		if _, err := take("take-00004", apptest.SocialCard); err != nil {
			t.Errorf("in the other half of the day: %v", err)
		}
		for what, r := range map[string]app.OnSite{
			"name":            {Key: "take-00009", Item: apptest.SocialCard, Document: apptest.Citizen(2).Document},
			"document.number": {Key: "take-00009", Item: apptest.SocialCard, Name: "陈示例"},
			"units":           {Key: "take-00009", Item: apptest.SocialCard, Name: "陈示例", Document: apptest.Citizen(2).Document, Units: -1},
		} {
			_, err := f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, r)
			e := fault.As(err)
			found := false
			for _, x := range e.Fields {
				found = found || x.Path == what
			}
			if !found {
				t.Errorf("without a good %s: %v", what, err)
			}
		}
		_, err = take("take-00010", apptest.Passport)
		wantCode(t, err, fault.NotOffered, "what the hall does not offer")
		_, err = take("short", apptest.SocialCard)
		wantCode(t, err, fault.InvalidRequest, "a key that is none")
		sound(t, f)
	})
}

// The tenth of the day under load: everybody at once at two kiosks and the desk, some of them twice, while the
// counters call.
func TestArt14_TheTenthHoldsUnderLoad(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.at(9, 5)
		desk, ad := h.desk(), h.admin(0)
		if _, err := f.App.OpenCounter(ctx, ad, apptest.HallA, "w1", nil); err != nil {
			t.Fatal(err)
		}
		slots := h.todays(apptest.QueueA)
		most := slots[0].Free()
		for _, s := range slots {
			most += s.OnSite
		}
		const people = 24
		var given, none, once atomic.Int64
		var wg sync.WaitGroup
		for i := range 2 * people { // each comes to two machines
			wg.Go(func() {
				by := h.kiosk()
				if i%5 == 0 {
					by = desk
				}
				_, err := f.App.TakeNumber(ctx, by, apptest.HallA, walkIn(fmt.Sprintf("take-%05d", i), apptest.Citizen(200+i%people), apptest.SocialCard))
				switch fault.CodeOf(err) {
				case "":
					given.Add(1)
				case fault.OnSiteNone:
					none.Add(1)
				case fault.OnSiteOnce:
					once.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			for i := range 5 {
				_, err := f.App.Serve(ctx, ad, apptest.HallA, "w1", counter.Act{Kind: counter.Call}, fmt.Sprintf("serve-%04d", i))
				if code := fault.CodeOf(err); code != "" && code != fault.NobodyWaits {
					t.Error(err)
				}
			}
		})
		wg.Wait()
		if int(given.Load()) != min(most, people) {
			t.Errorf("%d numbers given of %d (%d none left, %d had one)", given.Load(), most, none.Load(), once.Load())
		}
		sound(t, f)
	})
}

func TestArt18_ANumberInsteadOfTheHourMissed(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		v := h.book(apptest.Citizen(1), apptest.SocialCard, apptest.QueueA, 9)
		h.at(9, 10)
		in := walkIn("take-00001", apptest.Citizen(1), apptest.SocialCard)
		if _, err := f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, in); err != nil {
			t.Fatal(err)
		}
		h.at(10, 5)
		in.Key, in.Instead = "take-00002", v.Code
		_, err := f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, in)
		wantCode(t, err, fault.NotMissed, "a booking that is not missed yet")
		missed(t, f, v)
		other := walkIn("take-00003", apptest.Citizen(2), apptest.SocialCard)
		other.Instead = v.Code
		_, err = f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, other)
		wantCode(t, err, fault.BookingNotFound, "somebody else's missed booking")
		estate := walkIn("take-00004", apptest.Citizen(1), apptest.Estate)
		estate.Instead = v.Code
		_, err = f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, estate)
		wantCode(t, err, fault.RebookOther, "for another item")
		got, err := f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, in)
		if err != nil || got.Ticket.Instead != v.Booking.ID {
			t.Fatalf("instead of the missed hour, though there was one this half-day: %+v, %v", got.Ticket, err)
		}
		in.Key = "take-00005"
		_, err = f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, in)
		wantCode(t, err, fault.RebookUsed, "a second time")
	})
}

// missed marks a booking as one that nobody came for, as the end of its hour does.
func missed(t *testing.T, f *apptest.Fixture, v app.BookingView) {
	t.Helper()
	if err := f.DB.Update(t.Context(), func(tx *store.Tx) error {
		b, err := tx.Booking(t.Context(), v.Booking.ID)
		if err != nil {
			return err
		}
		if err := tx.ReleaseLimits(t.Context(), b); err != nil {
			return err
		}
		gone := *b
		gone.State, gone.Version = booking.NoShow, b.Version+1
		_, err = tx.AtHall(t.Context(), &gone, booking.Event{Booking: b.ID, HallID: b.HallID, Version: gone.Version, Kind: "no_show", At: tx.Now, SlotID: b.SlotID, Channel: booking.System})
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestGreenChannelNeedsNoNumberButSomebodyWhoLooked(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		h := newHallDay(t, f)
		h.at(8, 40)
		g := app.Green{Key: "green-0001", Item: apptest.SocialCard, Name: "陈示例", Document: apptest.Citizen(1).Document, Verified: counter.Disabled}
		_, err := f.App.TakeGreen(ctx, h.kiosk(), apptest.HallA, g)
		wantCode(t, err, fault.NotAllowed, "at a kiosk")
		bad := g
		bad.Verified = "hurried"
		_, err = f.App.TakeGreen(ctx, h.desk(), apptest.HallA, bad)
		wantCode(t, err, fault.InvalidRequest, "an entitlement there is not")
		v, err := f.App.TakeGreen(ctx, h.desk(), apptest.HallA, g)
		if err != nil || v.Ticket.Kind != counter.Green || v.Ticket.Share != counter.NoShare || v.Ticket.Verified != "disabled "+h.staff[0].ID {
			t.Fatalf("%+v, %v", v.Ticket, err)
		}
		again, err := f.App.TakeGreen(ctx, h.desk(), apptest.HallA, g)
		if err != nil || again.Ticket.ID != v.Ticket.ID {
			t.Errorf("again: %+v, %v", again.Ticket, err)
		}
		for _, s := range h.todays(apptest.QueueA) {
			if s.Taken != 0 || s.OnSiteTaken != 0 {
				t.Errorf("the green channel took a number of %d", s.Hour)
			}
		}
		if acts := f.Acts(t, "ticket", v.Ticket.ID); len(acts) != 1 || acts[0] != "ticket.green" {
			t.Errorf("the log has %v", acts)
		}
		sound(t, f)
	})
}
