package app

import (
	"context"
	"maps"
	"slices"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/feed"
	"suiyue/internal/store"
)

// What connected systems send and are told is kept for a while (docs/adr/0050-webhooks.md).

// eventsKept is how long events can be asked for, and posted.
const eventsKept = 90 * 24 * time.Hour

// forgottenAtOnce is how many events, or rows, one run drops.
const forgottenAtOnce = 2000

// ForgetFeeds drops events that are older than eventsKept, and rows of connected systems with all their versions once
// nothing is taken about their day any more (feed.KeptDays). It returns whether there is more to do.
func (a *App) ForgetFeeds(ctx context.Context) (more bool, err error) {
	if err := a.db.Update(ctx, func(tx *store.Tx) (err error) {
		more, err = tx.ForgetEvents(ctx, tx.Now.Add(-eventsKept), forgottenAtOnce)
		return err
	}); err != nil {
		return false, err
	}
	halls := slices.Collect(maps.Keys(a.City().halls))
	var old map[string][]string
	before := calendar.DateOf(a.now()) - feed.KeptDays
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		old, err = tx.FeedRowsBefore(ctx, halls, before, forgottenAtOnce)
		return err
	}); err != nil {
		return false, err
	}
	n := 0
	for _, source := range slices.Sorted(maps.Keys(old)) {
		n += len(old[source])
		if err := a.db.Update(ctx, func(tx *store.Tx) error {
			if err := tx.LockFeed(ctx, source); err != nil {
				return err
			}
			return tx.ForgetFeedRows(ctx, source, old[source], before)
		}); err != nil {
			return false, err
		}
	}
	return more || n == forgottenAtOnce, nil
}
