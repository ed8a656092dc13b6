package store

import (
	"context"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/identity"
)

// CalendarFeed is the address under which somebody's calendar reads their bookings.
type CalendarFeed struct {
	Person    identity.Key
	TokenHash string
	Locale    string
	CreatedAt time.Time
	ReadOn    calendar.Date // made or read last
}

const calendarFeedColumns = "person, token_hash, locale, created_at, read_on"

func (tx *Tx) calendarFeed(ctx context.Context, name, where, arg string) (*CalendarFeed, error) {
	var f CalendarFeed
	var person, read string
	var created int64
	found, err := tx.one(ctx, name, `select `+calendarFeedColumns+` from calendar_feed where `+where+` = $1`, []any{arg}, &person, &f.TokenHash, &f.Locale, &created, &read)
	if err != nil || !found {
		return nil, err
	}
	f.Person, f.CreatedAt = identity.Key(person), instant(created)
	f.ReadOn, err = calendar.ParseDate(read)
	return &f, err
}

// CalendarFeedOf returns a person's feed, nil if there is none.
func (tx *Tx) CalendarFeedOf(ctx context.Context, person identity.Key) (*CalendarFeed, error) {
	return tx.calendarFeed(ctx, "calendar_feed.of", "person", string(person))
}

// CalendarFeedByToken returns the feed with a secret of that hash, nil if there is none.
func (tx *Tx) CalendarFeedByToken(ctx context.Context, hash string) (*CalendarFeed, error) {
	return tx.calendarFeed(ctx, "calendar_feed.by_token", "token_hash", hash)
}

// SaveCalendarFeed makes a person's feed, or another in its place: the secret before opens nothing any more.
func (tx *Tx) SaveCalendarFeed(ctx context.Context, f CalendarFeed) error {
	_, err := tx.exec(ctx, "calendar_feed.save", `
insert into calendar_feed (`+calendarFeedColumns+`) values ($1, $2, $3, $4, $5)
on conflict (person) do update set token_hash = excluded.token_hash, locale = excluded.locale, created_at = excluded.created_at, read_on = excluded.read_on`,
		string(f.Person), f.TokenHash, f.Locale, micros(f.CreatedAt), f.ReadOn.String())
	return err
}

// ReadCalendarFeed records that a feed was read on a date. It never moves back.
func (tx *Tx) ReadCalendarFeed(ctx context.Context, person identity.Key, on calendar.Date) error {
	_, err := tx.exec(ctx, "calendar_feed.read", `update calendar_feed set read_on = $2 where person = $1 and read_on < $3`, string(person), on.String(), on.String())
	return err
}

// EndCalendarFeed takes a person's feed away; there may be none.
func (tx *Tx) EndCalendarFeed(ctx context.Context, person identity.Key) error {
	_, err := tx.exec(ctx, "calendar_feed.end", `delete from calendar_feed where person = $1`, string(person))
	return err
}

// ForgetCalendarFeeds drops the feeds nobody has read since a date.
func (tx *Tx) ForgetCalendarFeeds(ctx context.Context, before calendar.Date) error {
	_, err := tx.exec(ctx, "calendar_feed.forget", `delete from calendar_feed where read_on < $1`, before.String())
	return err
}
