package app

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// The waiting times that anyone can look up (2025 regulation). They are kept in memory on each node, some
// seconds old, and say how old they are; a citizen's request reads nothing from the database.

// WaitState says whether people are served at a queue now.
type WaitState string

const (
	WaitOpen      WaitState = "open"       // counters call from it
	WaitPaused    WaitState = "paused"     // all its counters pause
	WaitNotBegun  WaitState = "not_begun"  // its hours come, or no counter is open yet
	WaitOver      WaitState = "over"       // its hours of today are over
	WaitClosedDay WaitState = "closed_day" // it has none today
)

// QueueWait is the wait at a queue now.
type QueueWait struct {
	Queue    *directory.Queue
	State    WaitState
	Waiting  int
	Counters int   // open
	Wait     Range // of somebody who takes a number now
	Usual    bool  // Wait is what is usual at this hour: no counter is open now
}

// HallWaiting is the wait at a hall.
type HallWaiting struct {
	Hall   *directory.Hall
	At     time.Time // as of
	Queues []QueueWait
	Told   int     // ranges that were told on the last days, of people who were called
	Held   int     // of them, those within which the call came
	Km     float64 // CityWaiting with a place; −1 where not known
}

// waits is what a node knows of waits.
type waits struct {
	past atomic.Pointer[map[string]hallPast]

	refreshing sync.Mutex
	looked     time.Time // up to which changes of floors are known

	mu    sync.RWMutex
	halls map[string]*HallWaiting // whose day has begun
	quiet map[string]*HallWaiting // of which nothing was read
}

// hallPast is what past days teach about a hall.
type hallPast struct {
	Told   int           `json:"told"`
	Held   int           `json:"held"`
	Queues counter.Pasts `json:"queues"`
}

const (
	waitDays   = 28               // are learned from
	waitFresh  = 10 * time.Second // a hall's waits are at least this new when somebody asks for them alone
	waitQuiet  = time.Minute      // the same for halls whose day has not begun
	waitAgain  = 30 * time.Second // after which they are told anew though nothing was changed: time passes
	waitPause  = 4 * time.Second  // between two looks at one busy hall
	waitHalls  = 8                // that learn in one go
	mostAtOnce = 500              // halls in one answer
)

func (a *App) hallPast(hall string) hallPast {
	if m := a.waits.past.Load(); m != nil {
		return (*m)[hall]
	}
	return hallPast{}
}

// pasts is what past days teach about the queues of a hall; nil for nothing.
func (a *App) pasts(hall string) counter.Pasts { return a.hallPast(hall).Queues }

// LearnWaits lets halls learn from their last days what waits are usual and how far the ranges told were
// off, some at a time; more says that others have not yet.
func (a *App) LearnWaits(ctx context.Context) (more bool, err error) {
	today := calendar.DateOf(a.now())
	var halls []string
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		halls, err = tx.HallsToLearn(ctx, today-waitDays, today, waitHalls)
		return err
	}); err != nil {
		return false, err
	}
	for _, hall := range halls {
		if err := a.learnWaits(ctx, hall, today); err != nil {
			return false, err
		}
	}
	if len(halls) > 0 {
		err = a.ReadWaits(ctx)
	}
	return len(halls) == waitHalls, err
}

func (a *App) learnWaits(ctx context.Context, hall string, today calendar.Date) error {
	var seen lessons
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		seen = lessons{}
		return tx.WaitsOf(ctx, hall, today-waitDays, today, seen.add)
	}); err != nil {
		return err
	}
	return a.keepLessons(ctx, hall, today, &seen)
}

// TeachWaits lets a hall learn from tickets of days before today that this database does not hold, as it
// learns from its own: of those that were called, the queue, what was told, and when they were called and
// ended. What they teach stands until days of its own tell more.
func (a *App) TeachWaits(ctx context.Context, hall string, tickets []*counter.Ticket) error {
	return a.keepLessons(ctx, hall, calendar.DateOf(a.now()), lessonsOf(tickets))
}

// LearnedFrom is what tickets of past days teach about their queues, as TeachWaits keeps it.
func LearnedFrom(tickets []*counter.Ticket) counter.Pasts { return lessonsOf(tickets).past().Queues }

func lessonsOf(tickets []*counter.Ticket) *lessons {
	var seen lessons
	for _, t := range tickets {
		if !t.FirstAt.IsZero() {
			seen.add(t)
		}
	}
	return &seen
}

// keepLessons keeps what a hall has seen by today, over what it had learned before.
func (a *App) keepLessons(ctx context.Context, hall string, today calendar.Date, seen *lessons) error {
	return a.db.Update(ctx, func(tx *store.Tx) error {
		var before hallPast
		known, err := tx.WaitPast(ctx, hall)
		if err == nil && known != nil {
			err = json.Unmarshal(known, &before)
		}
		if err != nil {
			return err
		}
		past := seen.past()
		for q, older := range before.Queues {
			past.Queues[q] = past.Queues[q].After(older)
		}
		detail, err := json.Marshal(past)
		if err != nil {
			return err
		}
		return tx.SaveWaitPast(ctx, hall, today, detail)
	})
}

// lessons is what the tickets of past days of a hall tell.
type lessons struct {
	told, held int
	list       map[string][]counter.Outcome
	days       map[string]map[calendar.Date]bool
}

// add takes a ticket that was called.
func (l *lessons) add(t *counter.Ticket) {
	o := counter.Outcome{Kind: t.Kind, Issued: t.IssuedAt, Guess: time.Duration(t.Guess) * time.Second, Waited: t.FirstAt.Sub(t.IssuedAt)}
	if t.State == counter.Done && t.Calls == 1 {
		o.Took = t.EndedAt.Sub(t.CalledAt)
	}
	if l.list == nil {
		l.list, l.days = map[string][]counter.Outcome{}, map[string]map[calendar.Date]bool{}
	}
	l.list[t.QueueID] = append(l.list[t.QueueID], o)
	if l.days[t.QueueID] == nil {
		l.days[t.QueueID] = map[calendar.Date]bool{}
	}
	l.days[t.QueueID][calendar.DateOf(t.IssuedAt)] = true
	if s := int(o.Waited / time.Second); t.Late > 0 {
		l.told++
		if t.Early <= s && s <= t.Late {
			l.held++
		}
	}
}

func (l *lessons) past() hallPast {
	p := hallPast{Told: l.told, Held: l.held, Queues: counter.Pasts{}}
	for q, list := range l.list {
		p.Queues[q] = counter.Learn(len(l.days[q]), list)
	}
	return p
}

// ReadWaits reads what halls have learned.
func (a *App) ReadWaits(ctx context.Context) error {
	m := map[string]hallPast{}
	err := a.db.View(ctx, func(tx *store.Tx) error {
		return tx.WaitPasts(ctx, func(hall string, detail json.RawMessage) error {
			var p hallPast
			err := json.Unmarshal(detail, &p)
			m[hall] = p
			return err
		})
	})
	if err == nil {
		a.waits.past.Store(&m)
	}
	return err
}

// WaitCoverage is how many ranges were told over the city on the last days, and within how many of them the
// call came.
func (a *App) WaitCoverage() (told, held int) {
	if m := a.waits.past.Load(); m != nil {
		for _, p := range *m {
			told, held = told+p.Told, held+p.Held
		}
	}
	return told, held
}

// RefreshWaits brings what this node knows of waits up to date: halls where something was changed, and those
// of which it was told some time ago.
func (a *App) RefreshWaits(ctx context.Context) error {
	w := &a.waits
	w.refreshing.Lock()
	defer w.refreshing.Unlock()
	now := a.now()
	date := calendar.DateOf(now)
	since := w.looked.Add(-10 * time.Second) // commits that come to light late
	if calendar.DateOf(w.looked) != date || now.Before(w.looked) {
		since = date.At(0, 0)
	}
	var changed []string
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		changed, err = tx.FloorsSince(ctx, since, date)
		return err
	}); err != nil {
		return err
	}
	due := map[string]bool{}
	for _, h := range changed {
		due[h] = true
	}
	w.mu.RLock()
	for id, h := range w.halls {
		if age := now.Sub(h.At); age > waitAgain || calendar.DateOf(h.At) != date || age < 0 {
			due[id] = true
		} else if age < waitPause {
			delete(due, id)
		}
	}
	w.mu.RUnlock()
	for hall := range due {
		if _, err := a.lookAtWaits(ctx, hall); err != nil && fault.CodeOf(err) != fault.HallNotFound {
			return err
		}
	}
	w.looked = now
	return nil
}

// lookAtWaits reads a hall's day and tells its waits.
func (a *App) lookAtWaits(ctx context.Context, hall string) (*HallWaiting, error) {
	h := a.City().Hall(hall)
	if h == nil {
		return nil, fault.New(fault.HallNotFound)
	}
	now := a.now()
	var f *counter.Floor
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		f, err = a.readFloor(ctx, tx, hall, calendar.DateOf(now))
		return err
	}); err != nil {
		return nil, err
	}
	v := a.tellWaits(now, h, f)
	a.waits.mu.Lock()
	defer a.waits.mu.Unlock()
	if a.waits.halls == nil {
		a.waits.halls = map[string]*HallWaiting{}
	}
	a.waits.halls[hall] = v
	return v, nil
}

// tellWaits tells the waits of a hall's day; f may be nil where it has not begun.
func (a *App) tellWaits(now time.Time, h *directory.Hall, f *counter.Floor) *HallWaiting {
	date, past := calendar.DateOf(now), a.hallPast(h.ID)
	v := &HallWaiting{Hall: h, At: now, Told: past.Told, Held: past.Held, Km: -1}
	if f == nil {
		f = &counter.Floor{HallID: h.ID, Date: date, Lines: map[string]*counter.Line{}}
		a.lines(f)
	}
	hour := int(now.Sub(date.At(0, 0)) / time.Hour)
	for _, q := range a.City().QueuesAt(h.ID) {
		w := QueueWait{Queue: q}
		paused := 0
		for _, t := range f.Tickets {
			if t.State == counter.Waiting && t.QueueID == q.ID {
				w.Waiting++
			}
		}
		for _, s := range f.Seats {
			switch {
			case !slices.Contains(s.Queues, q.ID):
			case s.State == counter.SeatOpen:
				w.Counters++
			case s.State == counter.SeatPaused:
				paused++
			}
		}
		if !q.Open && w.Waiting == 0 {
			continue
		}
		week, closures := q.HoursOn(date)
		hours := a.Calendar().OpenHours(week, closures, date).List()
		switch {
		case f.Sealed:
			w.State = WaitOver
		case w.Counters > 0:
			w.State = WaitOpen
		case paused > 0:
			w.State = WaitPaused
		case len(hours) == 0:
			w.State = WaitClosedDay
		case hour > hours[len(hours)-1]:
			w.State = WaitOver
		default:
			w.State = WaitNotBegun
		}
		if w.State != WaitOver && w.State != WaitClosedDay {
			w.Wait = f.Foretell(now, q.ID, "", past.Queues)
			w.Usual = w.Wait.Known && w.Counters+paused == 0
		}
		v.Queues = append(v.Queues, w)
	}
	return v
}

// Waiting tells the waits at one hall, some seconds old.
func (a *App) Waiting(ctx context.Context, hall string) (HallWaiting, error) {
	h := a.City().Hall(hall)
	if h == nil {
		return HallWaiting{}, fault.New(fault.HallNotFound)
	}
	if v := a.knownWaits(hall); v != nil {
		if age := a.now().Sub(v.At); age >= 0 && age < waitFresh {
			return *v, nil
		}
	}
	a.waits.refreshing.Lock()
	defer a.waits.refreshing.Unlock()
	if v := a.knownWaits(hall); v != nil { // who waited for the lock finds what the first one read
		if age := a.now().Sub(v.At); age >= 0 && age < waitFresh {
			return *v, nil
		}
	}
	v, err := a.lookAtWaits(ctx, hall)
	if err != nil {
		return HallWaiting{}, err
	}
	return *v, nil
}

func (a *App) knownWaits(hall string) *HallWaiting {
	a.waits.mu.RLock()
	defer a.waits.mu.RUnlock()
	return a.waits.halls[hall]
}

// anyWaits is what is known of a hall without reading anything.
func (a *App) anyWaits(now time.Time, h *directory.Hall) *HallWaiting {
	w := &a.waits
	w.mu.RLock()
	v, quiet := w.halls[h.ID], w.quiet[h.ID]
	w.mu.RUnlock()
	if v != nil && calendar.DateOf(v.At) == calendar.DateOf(now) {
		return v
	}
	if quiet != nil && quiet.Hall == h && now.Sub(quiet.At).Abs() < waitQuiet {
		return quiet
	}
	v = a.tellWaits(now, h, nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.quiet == nil {
		w.quiet = map[string]*HallWaiting{}
	}
	w.quiet[h.ID] = v
	return v
}

// WaitNow tells the wait at a queue from memory; false where nothing is known of it.
func (a *App) WaitNow(q *directory.Queue) (QueueWait, bool) {
	h := a.City().Hall(q.HallID)
	if h == nil {
		return QueueWait{}, false
	}
	for _, w := range a.anyWaits(a.now(), h).Queues {
		if w.Queue.ID == q.ID {
			return w, true
		}
	}
	return QueueWait{}, false
}

// The orders of CityWaiting.
const (
	ByWait     Sorting = "wait"     // the shortest first, then those of which nothing can be told
	ByDistrict Sorting = "district" // in order of code, then of hall
)

// WaitQuery asks for the waits over the city.
type WaitQuery struct {
	District string // unit id; "" = everywhere
	Item     string // only queues that serve it; "" = all
	Sort     Sorting
	Near     *Place // needed by ByDistance
	Offset   int
	Limit    int
}

// CityWaiting tells the waits of open halls that match, all from memory, with how many there are.
func (a *App) CityWaiting(q WaitQuery) (page []HallWaiting, total int) {
	now, city := a.now(), a.City()
	var serve map[string]bool
	if q.Item != "" {
		serve = map[string]bool{}
		for _, o := range city.Offers(q.Item) {
			serve[o.QueueID] = true
		}
	}
	var all []HallWaiting
	for _, h := range city.halls {
		if !h.Open || q.District != "" && h.DistrictID != q.District {
			continue
		}
		v := a.anyWaits(now, h)
		shown := *v
		if serve != nil {
			shown.Queues = nil
			for _, w := range v.Queues {
				if serve[w.Queue.ID] {
					shown.Queues = append(shown.Queues, w)
				}
			}
		}
		if len(shown.Queues) == 0 {
			continue
		}
		if q.Near != nil && (h.Latitude != 0 || h.Longitude != 0) {
			shown.Km = distance(*q.Near, Place{h.Latitude, h.Longitude})
		}
		all = append(all, shown)
	}
	slices.SortFunc(all, func(x, y HallWaiting) int { return compareWaits(x, y, q.Sort) })
	from := min(max(q.Offset, 0), len(all))
	to := min(from+min(max(q.Limit, 1), mostAtOnce), len(all))
	return all[from:to], len(all)
}

func compareWaits(x, y HallWaiting, by Sorting) int {
	byNumber := cmp.Compare(x.Hall.Number, y.Hall.Number)
	switch by {
	case ByDistance:
		unknown := func(v HallWaiting) int {
			if v.Km < 0 {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(unknown(x), unknown(y)), cmp.Compare(x.Km, y.Km), byNumber)
	case ByWait:
		return cmp.Or(cmp.Compare(x.Longest(), y.Longest()), byNumber)
	}
	return cmp.Or(strings.Compare(x.Hall.DistrictID, y.Hall.DistrictID), byNumber)
}

// Longest is the latest end of the ranges at a hall where people are served now; a whole day where nothing
// can be told.
func (h HallWaiting) Longest() time.Duration {
	longest, known := time.Duration(0), false
	for _, w := range h.Queues {
		if w.Wait.Known && !w.Usual {
			longest, known = max(longest, w.Wait.Late), true
		}
	}
	if !known {
		return 24 * time.Hour
	}
	return longest
}
