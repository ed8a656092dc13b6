package app

import (
	"context"
	"maps"
	"slices"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/store"
)

// How long what nobody needs any more is kept.
const (
	newsKept     = time.Hour          // a node reads news ten times a second
	actsKept     = 7 * 24 * time.Hour // keys of acts at halls: a page that comes back after days repeats them
	codesKept    = 24 * time.Hour     // one-time codes, after they were sent
	sessionsLast = 24 * time.Hour     // after their end
	noncesKept   = time.Hour          // after what they signed was too old
)

// Upkeep keeps this node's lanes known to the others and drops old news, lanes of nodes that are gone,
// sessions long ended, and records of access after the time of the rulebook (retention.log_days). It must run more often than once an hour; every node runs it.
func (a *App) Upkeep(ctx context.Context) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		if err := tx.TouchLanes(ctx, slices.Sorted(maps.Keys(a.own))); err != nil {
			return err
		}
		if err := tx.ForgetNews(ctx, tx.Now.Add(-newsKept)); err != nil {
			return err
		}
		if err := tx.ForgetUploads(ctx, tx.Now.Add(-uploadKept)); err != nil {
			return err
		}
		if err := tx.ForgetLists(ctx, tx.Now.Add(-listKept)); err != nil {
			return err
		}
		if err := tx.ForgetFloorActs(ctx, tx.Now.Add(-actsKept)); err != nil {
			return err
		}
		if err := tx.ForgetEntrants(ctx, tx.Now.Add(-entrantsKept)); err != nil {
			return err
		}
		if err := tx.ForgetCodes(ctx, tx.Now.Add(-codesKept)); err != nil {
			return err
		}
		if err := tx.ForgetPhones(ctx, calendar.DateOf(tx.Now)-1); err != nil {
			return err
		}
		if err := a.dropLogs(ctx, tx); err != nil {
			return err
		}
		if err := tx.ForgetCalendarFeeds(ctx, calendar.DateOf(tx.Now)-feedsUnread); err != nil {
			return err
		}
		if err := tx.ForgetNonces(ctx, tx.Now.Add(-noncesKept)); err != nil {
			return err
		}
		if err := tx.ForgetDelegations(ctx, tx.Now.Add(-placesKept)); err != nil {
			return err
		}
		_, err := tx.PurgeSessions(ctx, tx.Now.Add(-sessionsLast))
		return err
	})
}
