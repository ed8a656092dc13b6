package app_test

import (
	"sync/atomic"
	"testing"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
)

// A node goes through the line of an hour. The place it saw is given away by another node meanwhile, so that the first
// it asks for is refused; then one comes free. It is not whoever happens to be asked next who has it.
func TestArt15_WhatComesFreeWhileTheLineIsServedIsNotForWhoIsAskedNext(t *testing.T) {
	for name, source := range map[string]func(testing.TB) string{"sqlite": apptest.SQLite, "postgres": apptest.Postgres} {
		t.Run(name, func(t *testing.T) {
			var between atomic.Pointer[func(group int64)]
			var groups atomic.Int64
			f := apptest.New(t, apptest.Options{Source: source(t), Change: func(c *app.Config) {
				c.Grouped = func(int) {
					if do := between.Load(); do != nil {
						(*do)(groups.Add(1))
					}
				}
			}})
			other, err := app.New(t.Context(), app.Config{DB: f.DB, Vault: f.Vault, Now: f.Clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			w := &inLine{T: t, Fixture: f, day: tomorrow, serial: 500}
			holder, code := w.fill(9)
			first, c := w.join(9)
			second, a := w.join(9)
			third, b := w.join(9)
			w.cancel(holder, code)
			do := func(group int64) {
				switch group {
				case 1: // the other node is faster
					if err := other.ServeWaits(t.Context()); err != nil {
						t.Error(err)
					}
				case 3: // the second was refused; the third is about to be asked for
					if _, err := other.Cancel(t.Context(), first, app.CancelRequest{Key: "gone-first", Code: c}); err != nil {
						t.Error(err)
					}
				}
			}
			between.Store(&do)
			w.serve()
			between.Store(nil)
			if groups.Load() < 3 {
				t.Fatalf("%d groups: the third was not asked for", groups.Load())
			}
			w.want(third, b, booking.Waiting)
			w.Clock.Add(2 * time.Second)
			w.serve()
			w.want(second, a, booking.WaitBooked)
			w.want(third, b, booking.Waiting)
			w.sound()
		})
	}
}

var tomorrow = today + 1
