package app

import (
	"context"
	"slices"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// Feeds of bookings for people's own calendars (docs/adr/0047-calendar-feeds.md). Whoever has the address of one reads it: it
// is a secret, kept here as a hash only.

const (
	feedBack    = 30  // days a past or cancelled booking stays in a feed, for calendars that look seldom
	feedMost    = 100 // bookings in a feed, those made last
	feedsUnread = 400 // days after which a feed nobody reads ends
)

// CalendarFeed returns when the person's feed was made, the zero time if there is none.
func (a *App) CalendarFeed(ctx context.Context, who *identity.Session) (made time.Time, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		f, err := tx.CalendarFeedOf(ctx, who.Person.Key)
		if f != nil {
			made = f.CreatedAt
		}
		return err
	})
	return made, err
}

// MakeCalendarFeed makes the person's feed in a language and returns the secret of its address, which is not told again.
// One there was before ends.
func (a *App) MakeCalendarFeed(ctx context.Context, who *identity.Session, locale string) (token string, err error) {
	token = secret(24)
	return token, a.db.Update(ctx, func(tx *store.Tx) error {
		return tx.SaveCalendarFeed(ctx, store.CalendarFeed{
			Person: who.Person.Key, TokenHash: a.vault.TokenHash(token), Locale: locale, CreatedAt: tx.Now, ReadOn: calendar.DateOf(tx.Now),
		})
	})
}

// EndCalendarFeed ends the person's feed; there may be none.
func (a *App) EndCalendarFeed(ctx context.Context, who *identity.Session) error {
	return a.db.Update(ctx, func(tx *store.Tx) error { return tx.EndCalendarFeed(ctx, who.Person.Key) })
}

// ReadCalendarFeed returns the bookings of the feed with that secret and its language: those to come and of the last 30 days,
// cancelled ones too, soonest first. Errors: FeedNotFound.
func (a *App) ReadCalendarFeed(ctx context.Context, token string) (list []BookingView, locale string, err error) {
	if token == "" || len(token) > 64 {
		return nil, "", fault.New(fault.FeedNotFound)
	}
	hash := a.vault.TokenHash(token)
	var f *store.CalendarFeed
	if err := a.db.Read(ctx, func(tx *store.Tx) (err error) {
		f, err = tx.CalendarFeedByToken(ctx, hash)
		return err
	}); err != nil {
		return nil, "", err
	}
	if f == nil {
		return nil, "", fault.New(fault.FeedNotFound)
	}
	today := calendar.DateOf(a.now())
	if f.ReadOn < today { // once a day
		if err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.ReadCalendarFeed(ctx, f.Person, today) }); err != nil {
			return nil, "", err
		}
	}
	page, _, err := a.MyBookings(ctx, &identity.Session{Person: identity.Person{Key: f.Person}}, "", feedMost)
	if err != nil {
		return nil, "", err
	}
	page = slices.DeleteFunc(page, func(v BookingView) bool { return v.Booking.Date < today-feedBack })
	slices.SortStableFunc(page, func(x, y BookingView) int { return x.Booking.Start().Compare(y.Booking.Start()) })
	return page, f.Locale, nil
}
