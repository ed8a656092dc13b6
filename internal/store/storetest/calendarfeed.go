package storetest

import (
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/store"
)

// calendarFeeds: one for each person, found by person and by secret; another takes its place; nobody's reading moves it back.
func calendarFeeds(w *world) {
	day := calendar.DateOf(w.now())
	of := func(hash string) (f *store.CalendarFeed) {
		w.Helper()
		w.view(func(tx *store.Tx) (err error) {
			if f, err = tx.CalendarFeedOf(w.ctx, "ann"); err != nil || hash == "" {
				return err
			}
			by, err := tx.CalendarFeedByToken(w.ctx, hash)
			same(w, "by its secret", by, f)
			return err
		})
		return f
	}
	if f := of(""); f != nil {
		w.Errorf("a feed nobody made: %+v", f)
	}
	one := store.CalendarFeed{Person: "ann", TokenHash: "hash-1", Locale: "en", CreatedAt: w.now(), ReadOn: day}
	w.update(func(tx *store.Tx) error { return tx.SaveCalendarFeed(w.ctx, one) })
	same(w, "a feed", of("hash-1"), &one)

	w.update(func(tx *store.Tx) error { return tx.ReadCalendarFeed(w.ctx, "ann", day+3) })
	w.update(func(tx *store.Tx) error { return tx.ReadCalendarFeed(w.ctx, "ann", day+1) })
	if one.ReadOn = day + 3; of("hash-1").ReadOn != one.ReadOn {
		w.Errorf("read on %v, want %v", of("hash-1").ReadOn, one.ReadOn)
	}

	w.pass(time.Hour)
	two := store.CalendarFeed{Person: "ann", TokenHash: "hash-2", Locale: "zh-Hant", CreatedAt: w.now(), ReadOn: day}
	w.update(func(tx *store.Tx) error { return tx.SaveCalendarFeed(w.ctx, two) })
	same(w, "another in its place", of("hash-2"), &two)
	w.view(func(tx *store.Tx) error {
		f, err := tx.CalendarFeedByToken(w.ctx, "hash-1")
		if f != nil {
			w.Error("the secret before still opens something")
		}
		return err
	})

	w.update(func(tx *store.Tx) error { return tx.ForgetCalendarFeeds(w.ctx, day) })
	if of("hash-2") == nil {
		w.Error("a feed read on the day is gone")
	}
	w.update(func(tx *store.Tx) error { return tx.EndCalendarFeed(w.ctx, "bea") })
	if of("hash-2") == nil {
		w.Error("somebody else's end took it away")
	}
	w.update(func(tx *store.Tx) error { return tx.ForgetCalendarFeeds(w.ctx, day+1) })
	if of("") != nil {
		w.Error("a feed nobody reads is still there")
	}
	w.update(func(tx *store.Tx) error { return tx.SaveCalendarFeed(w.ctx, two) })
	w.update(func(tx *store.Tx) error { return tx.EndCalendarFeed(w.ctx, "ann") })
	if of("") != nil {
		w.Error("an ended feed is still there")
	}
}
