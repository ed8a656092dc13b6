package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/store"
)

// What is released when, and every change of it, for everybody to see: whether the release is fair can be checked by
// anyone.

// Release is numbers of a queue that open at one instant.
type Release struct {
	Hall    *directory.Hall
	Queue   *directory.Queue
	At      time.Time
	Date    calendar.Date // they are for
	Numbers int
	Left    int  // once they are released
	Done    bool // they are
}

// ReleaseQuery says which halls' releases are wanted.
type ReleaseQuery struct {
	Text     string // name, initials or id of halls; "" for all
	District string
	Offset   int
	Limit    int // halls
}

// HallReleases is today's releases of a hall, and the next one to come of each queue.
type HallReleases struct {
	Hall     *directory.Hall
	Releases []Release // by instant, then queue and date
}

// Releases lists the releases of open halls, a hall each, with how many halls there are.
func (a *App) Releases(q ReleaseQuery) (out []HallReleases, total int) {
	g := a.wholeCity()
	halls := g.Halls
	if q.Text != "" {
		halls = g.Find(q.Text, len(g.Halls))
	}
	now := a.now()
	seen := 0
	for _, h := range halls {
		if !h.Open || q.District != "" && h.DistrictID != q.District {
			continue
		}
		seen++
		if seen <= q.Offset || len(out) >= q.Limit {
			continue
		}
		out = append(out, HallReleases{h, a.releasesOf(h, now)})
	}
	return out, seen
}

// wholeCity is the whole city as a tree, for everybody.
func (a *App) wholeCity() *Grove {
	c := a.City()
	const key = "everybody"
	c.groves.mu.Lock()
	defer c.groves.mu.Unlock()
	g := c.groves.made[key]
	if g == nil {
		if c.groves.made == nil {
			c.groves.made = map[string]*Grove{}
		}
		g = c.grow(account.Scope{})
		c.groves.made[key] = g
	}
	return g
}

func (a *App) releasesOf(h *directory.Hall, now time.Time) (out []Release) {
	today := calendar.DateOf(now)
	for _, q := range a.City().QueuesAt(h.ID) {
		if !q.Open {
			continue
		}
		var next time.Time // the first release after today
		var list []Release
		for _, s := range a.board.slotsOf(q.ID, today, today+400) {
			if s.Closed || calendar.DateOf(s.Release) < today {
				continue
			}
			if calendar.DateOf(s.Release) > today && (next.IsZero() || s.Release.Before(next)) {
				next = s.Release
			}
			if n := len(list); n > 0 && list[n-1].Date == s.Date && list[n-1].At.Equal(s.Release) {
				list[n-1].Numbers += s.Capacity
				list[n-1].Left += max(s.Capacity-s.Taken, 0)
				continue
			}
			list = append(list, Release{Hall: h, Queue: q, At: s.Release, Date: s.Date, Numbers: s.Capacity, Left: max(s.Capacity-s.Taken, 0), Done: !now.Before(s.Release)})
		}
		for _, r := range list {
			if calendar.DateOf(r.At) == today || r.At.Equal(next) {
				out = append(out, r)
			}
		}
	}
	slices.SortStableFunc(out, func(x, y Release) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Date, y.Date)) })
	return out
}

// NumberChange is a change of released numbers as everybody is told of it: what, where and when, not who.
type NumberChange struct {
	store.NumberChange
	Hall  *directory.Hall
	Queue *directory.Queue
	Told  supply.Told
}

// Reason says by what kind of reason it was made: planned, urgent (it adds numbers where people wait), or suggested by
// the city's platform.
func (n NumberChange) Reason() string {
	switch {
	case n.Urgent:
		return "urgent"
	case n.Origin == supply.Suggested:
		return "suggested"
	}
	return "planned"
}

// mostChanges is how many changes are told at once.
const mostChanges = 100

// NumberChanges lists the changes of released numbers before one (0: the latest), the latest first; hall "" is every hall.
func (a *App) NumberChanges(ctx context.Context, hall string, before int64, limit int) (out []NumberChange, err error) {
	city := a.City()
	if hall != "" && city.Hall(hall) == nil {
		return nil, fault.New(fault.HallNotFound)
	}
	var list []store.NumberChange
	var laid map[string][]store.LaidOver
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		if list, err = tx.NumberChanges(ctx, hall, before, min(max(limit, 1), mostChanges)); err != nil {
			return err
		}
		var queues []string
		for _, n := range list {
			queues = append(queues, n.QueueID)
		}
		laid, err = tx.LaidOverQueues(ctx, queues)
		return err
	}); err != nil {
		return nil, err
	}
	for _, n := range list {
		v := NumberChange{NumberChange: n, Hall: city.Hall(n.HallID), Queue: city.Queue(n.QueueID)}
		if v.Hall == nil || v.Queue == nil {
			continue
		}
		var earlier []supply.Change
		for _, l := range laid[n.QueueID] {
			if l.Seq < n.Seq {
				earlier = append(earlier, l.Change)
			}
		}
		v.Told = supply.Tell(a.Calendar(), a.Rules(n.Change.From), *v.Queue, earlier, n.Change)
		out = append(out, v)
	}
	return out, nil
}

// DirectoryEdit is an edit of the directory that changes when numbers are released, how many or for what, as everybody
// is told of it: what, where and when, not who.
type DirectoryEdit struct {
	At      time.Time
	Noun    directory.Noun
	Key     string
	Name    directory.Text  // of the hall, queue or item; of an offering, of its item
	Hall    *directory.Hall // nil for an item of the catalogue
	Queue   *directory.Queue
	Unit    *directory.Unit // whose hall or item it is; nil where the tree no longer has it
	Added   bool
	ByFiles bool // it came with the files of the city, not from an administrator of the hall or department
	Fields  []directory.FieldChange
}

// EditPlace is where a list of edits goes on; the zero value begins with the latest.
type EditPlace = store.EditPlace

// ParseEditPlace reads what EditPlace.String wrote.
func ParseEditPlace(s string) (EditPlace, error) { return store.ParseEditPlace(s) }

// Reason says by what kind of reason an edit was made: edited, by who configures the hall or item, which nobody has to
// approve; or city_files.
func (e DirectoryEdit) Reason() string {
	if e.ByFiles {
		return "city_files"
	}
	return "edited"
}

// Versions are read in blocks, at most so many blocks at a time: most of them change names and phones.
const (
	editBlock  = 200
	mostBlocks = 25
)

// DirectoryEdits lists edits of the directory that change the release after a place, the latest first, at most limit;
// hall "" is every hall and every item. next is nil when there are no more; a list may be short and have a next.
func (a *App) DirectoryEdits(ctx context.Context, hall string, place EditPlace, limit int) (out []DirectoryEdit, next *EditPlace, err error) {
	if hall != "" && a.City().Hall(hall) == nil {
		return nil, nil, fault.New(fault.HallNotFound)
	}
	limit = min(max(limit, 1), mostChanges)
	err = a.db.View(ctx, func(tx *store.Tx) error {
		out, next = nil, nil
		at, last := place, place
		for range mostBlocks {
			list, err := tx.EditedAfter(ctx, hall, at, editBlock)
			if err != nil {
				return err
			}
			for _, v := range list {
				changed := directory.Release(v.Noun, v.Before, v.After)
				if len(changed) == 0 {
					continue
				}
				if len(out) == limit {
					next = &last
					return nil
				}
				out = append(out, a.directoryEdit(v, changed))
				last = v.Place()
			}
			if len(list) < editBlock {
				return nil
			}
			at = list[len(list)-1].Place()
		}
		next = &at
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return out, next, nil
}

func (a *App) directoryEdit(v store.DirectoryVersion, changed []directory.FieldChange) DirectoryEdit {
	city := a.City()
	e := DirectoryEdit{
		At: v.At, Noun: v.Noun, Key: v.Key, Hall: city.Hall(v.Hall), Added: v.Before == nil, ByFiles: v.Account == "", Fields: changed,
		Name: directory.Text{Hans: v.After["hans"], Hant: v.After["hant"], En: v.After["en"]},
	}
	unit := v.After["department"]
	if e.Hall != nil {
		unit = e.Hall.UnitID
	}
	e.Unit = city.Unit(unit)
	switch v.Noun {
	case directory.QueueNoun:
		e.Queue = city.Queue(v.Key)
	case directory.OfferingNoun:
		e.Queue = city.Queue(v.Hall + "-" + v.After["line"])
		if it := city.Item(v.After["item"]); it != nil {
			e.Name = it.Name
		}
	}
	return e
}
