package app_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/counter"
	"suiyue/internal/store"
)

// A machine loses the line at any moment of what it asks, and asks again with the same key: the person has one
// number, the counter has called one person.
func TestCutOffInTheMiddleAndAskedAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		h := newHallDay(t, f)
		const times = 24
		var booked []app.BookingView
		for i := range times / 3 {
			booked = append(booked, h.book(apptest.Citizen(i), apptest.SocialCard, apptest.QueueA, 9+i%3))
		}
		h.at(9, 5)
		ad := h.clerks(1)[0]
		h.must(f.App.OpenCounter(t.Context(), ad, apptest.HallA, "w1", nil))
		before := h.tickets()
		cut := 0
		for i := range times {
			ctx, stop := context.WithTimeout(t.Context(), time.Duration(i)*400*time.Microsecond)
			ask := map[int]func(ctx context.Context) (string, error){
				0: func(ctx context.Context) (string, error) {
					b := booked[i/3]
					if b.Booking.Hour > 9 {
						return "", nil
					}
					v, err := f.App.CheckIn(ctx, h.kiosk(), apptest.HallA, app.CheckIn{Code: b.Code, Fact: lastFour(apptest.Citizen(i / 3))})
					return v.Ticket.ID, err
				},
				1: func(ctx context.Context) (string, error) {
					v, err := f.App.TakeGreen(ctx, app.By{Admin: ad, Channel: app.AtDesk}, apptest.HallA, app.Green{
						Key: fmt.Sprintf("cut-green-%03d", i), Item: apptest.SocialCard, Name: "陈示例", Document: apptest.Citizen(700 + i).Document, Verified: counter.Elderly,
					})
					return v.Ticket.ID, err
				},
				2: func(ctx context.Context) (string, error) {
					v, err := f.App.TakeNumber(ctx, h.kiosk(), apptest.HallA, walkIn(fmt.Sprintf("cut-number-%03d", i), apptest.Citizen(800+i), apptest.SocialCard))
					return v.Ticket.ID, err
				},
			}[i%3]
			first, err := ask(ctx)
			stop()
			if err != nil {
				cut++
			}
			again, err := ask(t.Context())
			if err != nil {
				t.Fatalf("asked again, %d: %v", i, err)
			}
			if first != "" && first != again {
				t.Errorf("two tickets for one: %s and %s", first, again)
			}
			if again != "" {
				before++
			}
			if got := h.tickets(); got != before {
				t.Fatalf("after %d there are %d tickets, want %d", i, got, before)
			}
		}
		if cut == 0 {
			t.Error("nothing was cut off: the case shows nothing")
		}
		called := 0
		for i := range 8 {
			key := fmt.Sprintf("cut-call-%03d", i)
			ctx, stop := context.WithTimeout(t.Context(), time.Duration(i)*500*time.Microsecond)
			_, _ = f.App.Serve(ctx, ad, apptest.HallA, "w1", counter.Act{Kind: counter.Call}, key)
			stop()
			if v := h.must(f.App.Serve(t.Context(), ad, apptest.HallA, "w1", counter.Act{Kind: counter.Call}, key)); v.At == nil {
				t.Fatal("nobody was called")
			}
			called++
			if got := h.calledOnce(); got != called {
				t.Fatalf("%d people were called by %d presses", got, called)
			}
		}
		sound(t, f)
	})
}

// tickets counts those of the hall's day, calledOnce those that were called.
func (h *hallDay) tickets() int { return h.count(func(*counter.Ticket) bool { return true }) }

func (h *hallDay) calledOnce() int {
	return h.count(func(t *counter.Ticket) bool { return !t.FirstAt.IsZero() })
}

func (h *hallDay) count(which func(*counter.Ticket) bool) (n int) {
	h.t.Helper()
	if err := h.DB.View(h.t.Context(), func(tx *store.Tx) error {
		n = 0
		list, err := tx.TicketsOn(h.t.Context(), apptest.HallA, hallDate)
		for _, t := range list {
			if which(t) {
				n++
			}
		}
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return n
}
