package app

import (
	"context"
	"slices"
	"strconv"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// What connected systems are told, and how their lists compare with ours (Art. 5, 21).

// FeedEvent is what happened to a booking here, as a connected system is told.
type FeedEvent struct {
	store.FeedEvent
	Code string // of the booking
}

// numberedAtOnce is how many events one run numbers.
const numberedAtOnce = 2000

// NumberEvents gives the events at halls of connected systems the numbers by which they are asked for. It returns
// whether more are left. Where nothing happens it writes nothing, and where no system is connected it never does; it may
// run on several nodes at once.
func (a *App) NumberEvents(ctx context.Context) (more bool, err error) {
	var halls []string
	waits := false
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		list, err := tx.Sources(ctx, account.UnitScope{})
		if err != nil {
			return err
		}
		halls = nil
		for _, s := range list {
			if s.Ended == 0 {
				halls = append(halls, a.hallsFed(s)...)
			}
		}
		slices.Sort(halls)
		if halls = slices.Compact(halls); len(halls) == 0 {
			return nil
		}
		waits, err = tx.EventsWait(ctx, halls)
		return err
	}); err != nil || !waits {
		return false, err
	}
	return more, a.db.Update(ctx, func(tx *store.Tx) error {
		n, err := tx.NumberEvents(ctx, halls, numberedAtOnce)
		more = n == numberedAtOnce
		return err
	})
}

// hallsFed returns the ids of the halls a source books for.
func (a *App) hallsFed(s oversight.Source) (out []string) {
	for _, h := range a.booksFor(s) {
		out = append(out, h.ID)
	}
	return out
}

// hallsOf returns those f speaks for.
func (a *App) hallsOf(f Feeder, s oversight.Source) []string {
	return slices.DeleteFunc(a.hallsFed(s), func(id string) bool { return !f.serves(id) })
}

// FeedEvents returns what happened after a number at the halls a connected system books for, in order, and the number to
// go on from. What it returns may be asked for again; nothing is left out, nothing comes in another order. Where what
// follows after, which is not 0, is kept no more, the refusal says from where there is something.
func (a *App) FeedEvents(ctx context.Context, f Feeder, source string, after int64, limit int) (out []FeedEvent, next int64, err error) {
	next = after
	err = a.db.View(ctx, func(tx *store.Tx) error {
		s, err := a.feeding(ctx, tx, f, oversight.ClientEvents, source)
		if err != nil {
			return err
		}
		kept, err := tx.FeedOut(ctx)
		if err != nil {
			return err
		}
		if after > 0 && after < kept.Forgotten {
			return fault.New(fault.EventsForgotten, "after", strconv.FormatInt(kept.Forgotten, 10))
		}
		list, err := tx.FeedEvents(ctx, a.hallsOf(f, s), after, limit)
		if err != nil {
			return err
		}
		out = a.withCodes(list)
		switch {
		case len(list) == limit:
			next = list[limit-1].Seq
		default: // everything up to the last number has been looked at
			next = max(next, kept.Seq)
		}
		return nil
	})
	return out, next, err
}

// withCodes puts the codes of bookings to events.
func (a *App) withCodes(list []store.FeedEvent) []FeedEvent {
	out := make([]FeedEvent, len(list))
	for i, e := range list {
		out[i].FeedEvent = e
		if n, ok := booking.NumberOfID(e.Booking); ok {
			out[i].Code = a.vault.CodeOf(n)
		}
	}
	return out
}

// MostListed is how many rows one list may hold, MostLists how many lists are compared at once.
const (
	MostListed = 5000
	MostLists  = 200
)

// FeedList names a list of one hall and kind.
type FeedList = store.FeedList

// FeedListing is the other side's list of one hall and kind on a day; Rows is nil where only count and digest were sent.
type FeedListing struct {
	FeedList
	Count  int64
	Digest string
	Rows   []feed.Entry
}

// FeedListed is how a list compares. Where the digests differ and no rows were sent, nothing was compared yet.
type FeedListed struct {
	Same    bool
	Rows    bool // they were compared one by one
	Count   int64
	Digest  string // of ours
	Checked int64
	Agreed  int64
	Lost    []feed.Difference
}

// Reconcile compares lists of a day that is over with what came of them. A list whose digest is ours, and one whose rows
// were sent, is counted into the accuracy of the source; done again it replaces what was counted of it before.
func (a *App) Reconcile(ctx context.Context, f Feeder, source string, date calendar.Date, lists []FeedListing) (out []FeedListed, err error) {
	if today := calendar.DateOf(a.now()); date >= today || date < today-feed.KeptDays {
		return nil, fault.InvalidFields(fault.Field{Path: "date", Code: fault.OutOfRange})
	}
	for i, l := range lists {
		if slices.ContainsFunc(lists[:i], func(o FeedListing) bool { return o.FeedList == l.FeedList }) {
			return nil, fault.InvalidFields(fault.Field{Path: "lists", Code: fault.ListedTwice})
		}
		seen := map[string]bool{}
		for _, e := range l.Rows {
			if seen[e.Row] {
				return nil, fault.InvalidFields(fault.Field{Path: "lists.rows", Code: fault.ListedTwice})
			}
			seen[e.Row] = true
		}
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		out = make([]FeedListed, len(lists))
		if err := tx.LockFeed(ctx, source); err != nil {
			return err
		}
		s, err := a.feeding(ctx, tx, f, oversight.ClientFeed, source)
		if err != nil {
			return err
		}
		halls := a.hallsOf(f, s)
		var named []string
		for _, l := range lists {
			if !slices.Contains(halls, l.HallID) {
				return fault.New(fault.HallNotFound)
			}
			if !slices.Contains(s.Kinds, l.Kind) {
				return fault.InvalidFields(fault.Field{Path: "lists.kind", Code: fault.KindNotAgreed})
			}
			named = append(named, l.HallID)
		}
		ours, err := tx.FeedEntries(ctx, s.ID, date, named)
		if err != nil {
			return err
		}
		before, err := tx.FeedChecks(ctx, s.ID, date)
		if err != nil {
			return err
		}
		lines, err := tx.FeedLines(ctx, s.ID)
		if err != nil {
			return err
		}
		var days []oversight.SourceDay
		for i, l := range lists {
			have := ours[l.FeedList]
			v := FeedListed{Count: int64(len(have)), Digest: feed.Digest(have)}
			v.Same = l.Digest == v.Digest && l.Count == v.Count
			day := oversight.SourceDay{SourceID: s.ID, HallID: l.HallID, Kind: l.Kind, Date: date}
			switch {
			case v.Same:
				v.Checked, v.Agreed = v.Count, v.Count
			case l.Rows != nil:
				c := feed.Compare(have, l.Rows)
				v.Rows, v.Checked, v.Agreed, v.Lost = true, c.Checked, c.Agreed, c.Differences
				if day.Expected, err = missing(ctx, tx, s.ID, date, l.FeedList, lines[[2]string{l.HallID, string(l.Kind)}], v.Lost); err != nil {
					return err
				}
			default:
				out[i] = v
				continue
			}
			day.Checked, day.Agreed = v.Checked-before[l.FeedList][0], v.Agreed-before[l.FeedList][1]
			if err := tx.SaveFeedCheck(ctx, s.ID, date, l.FeedList, v.Checked, v.Agreed); err != nil {
				return err
			}
			if day.Checked != 0 || day.Agreed != 0 || day.Expected != 0 {
				days = append(days, day)
			}
			out[i] = v
		}
		return a.addCounts(ctx, tx, days)
	})
	return out, err
}

// missing records the rows of the other side's list that have not come, and returns how many of them nobody expected
// yet.
func missing(ctx context.Context, tx *store.Tx, source string, date calendar.Date, l store.FeedList, line *feed.Line, lost []feed.Difference) (int64, error) {
	var rows []string
	for _, d := range lost {
		if d.Kind == feed.MissingHere && (line == nil || !line.Misses(d.Seq)) {
			rows = append(rows, d.Row)
		}
	}
	return tx.AddFeedMissing(ctx, source, date, l, rows)
}

// came takes back what was expected of rows that were missing and have come now.
func came(ctx context.Context, tx *store.Tx, source string, versions []store.FeedVersion) (days []oversight.SourceDay, err error) {
	rows := make([]string, len(versions))
	for i, v := range versions {
		rows[i] = v.Row
	}
	list, err := tx.TakeFeedMissing(ctx, source, rows)
	for _, m := range list {
		days = append(days, oversight.SourceDay{SourceID: source, HallID: m.HallID, Kind: m.Kind, Date: m.Date, Expected: -1, LastAt: time.Time{}})
	}
	return days, err
}
