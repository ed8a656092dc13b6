package app

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// FloorView is a hall's day as everybody in the hall may see it: nothing in it tells who somebody is, or
// leads to a ticket.
type FloorView struct {
	Hall     *directory.Hall
	Date     calendar.Date
	Revision int64
	At       time.Time // when the picture was taken
	Sealed   bool
	Calls    []CallView // newest first, at most MostCalls
	Queues   []QueueView
	Counters []SeatView // those open or paused today, in order of the directory
	Notice   directory.Text
}

// MostCalls is how many calls a FloorView has.
const MostCalls = 24

// CallView is one number that was called.
type CallView struct {
	Number       string
	Name         string // masked
	Counter      string
	CounterLabel string
	QueueID      string
	At           time.Time
	Calls        int           // recalls included: a display announces the change
	State        counter.State // called, held, passed, done …
}

// QueueView is one queue of a hall now.
type QueueView struct {
	Queue   *directory.Queue
	Prefix  string
	Waiting int
	Seats   int    // open counters that call from it
	Last    string // number called last, "" for none yet
	Wait    Range  // of somebody who would take a number now
}

// SeatView is a counter that somebody sits at.
type SeatView struct {
	Counter string
	Label   string
	State   counter.SeatState
	Queues  []string
	Number  string // at the counter, "" for nobody
	Since   time.Time
}

// floorHub tells who watches a hall that something has changed, keeps the last picture of each hall, and
// when counters were last heard of by this node.
type floorHub struct {
	mu       sync.Mutex
	watchers map[string]map[chan struct{}]bool
	newest   map[string]store.FloorRef // by hall: the newest this node has heard of
	pictures map[string]*floorPicture
	heard    map[[2]string]time.Time // hall and counter
	unsaved  map[[2]string]bool
	names    map[string]string // masked, by ticket
}

type floorPicture struct {
	mu    sync.Mutex
	view  *FloorView
	of    int64 // the hub's revision it was taken for
	hours []store.HourCount
	hourD calendar.Date
	hourA time.Time
	hourO int64

	floor atomic.Pointer[liveFloor]
}

// liveFloor is a hall's day as it was read or left by a commit. It is never changed.
type liveFloor struct {
	*counter.Floor
	at time.Time
}

// liveFor is how long a hall's day may be looked at though nothing was changed: counters are heard of.
const liveFor = 2 * time.Second

// namesKept bounds the names kept in memory.
const namesKept = 50_000

// pictureFor is how long a picture of a hall may be looked at though nothing was changed: waits grow by
// themselves.
const pictureFor = 5 * time.Second

func (h *floorHub) init() {
	h.watchers, h.newest, h.pictures = map[string]map[chan struct{}]bool{}, map[string]store.FloorRef{}, map[string]*floorPicture{}
	h.heard, h.unsaved, h.names = map[[2]string]time.Time{}, map[[2]string]bool{}, map[string]string{}
}

func (h *floorHub) name(ticket string) (string, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name, ok := h.names[ticket]
	return name, ok
}

func (h *floorHub) nameIs(ticket, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.names) >= namesKept {
		clear(h.names)
	}
	h.names[ticket] = name
}

// keep takes a floor that was just committed, and is not changed any more, as what the hall's day is.
func (h *floorHub) keep(f *counter.Floor, at time.Time) {
	for id, t := range f.Tickets {
		if t.State.Over() {
			delete(f.Tickets, id)
		}
	}
	p, _ := h.picture(f.HallID, f.Date)
	for {
		old := p.floor.Load()
		if old != nil && old.Date == f.Date && old.Revision > f.Revision || p.floor.CompareAndSwap(old, &liveFloor{f, at}) {
			return
		}
	}
}

// tell wakes who watches a hall, unless what happened is known already.
func (h *floorHub) tell(hall string, date calendar.Date, revision int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.newest[hall]
	if old.Date > date || old.Date == date && old.Revision >= revision {
		return
	}
	h.newest[hall] = store.FloorRef{HallID: hall, Date: date, Revision: revision}
	for w := range h.watchers[hall] {
		select {
		case w <- struct{}{}:
		default: // it has not looked since it was last told
		}
	}
}

// wake wakes everybody who watches a hall: something that is shown has changed, but not the floor.
func (h *floorHub) wake(hall string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.pictures, hall)
	for w := range h.watchers[hall] {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

func (h *floorHub) watch(hall string) (<-chan struct{}, func()) {
	w := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers[hall] == nil {
		h.watchers[hall] = map[chan struct{}]bool{}
	}
	h.watchers[hall][w] = true
	return w, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers[hall], w)
		if len(h.watchers[hall]) == 0 {
			delete(h.watchers, hall)
		}
	}
}

func (h *floorHub) picture(hall string, date calendar.Date) (*floorPicture, int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.pictures[hall]
	if p == nil {
		p = &floorPicture{}
		h.pictures[hall] = p
	}
	newest := int64(0)
	if n := h.newest[hall]; n.Date == date {
		newest = n.Revision
	}
	return p, newest
}

func (h *floorHub) hear(hall, counter string, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := [2]string{hall, counter}
	if at.After(h.heard[k]) {
		h.heard[k], h.unsaved[k] = at, true
	}
}

func (h *floorHub) seen(hall, counter string) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.heard[[2]string{hall, counter}]
}

// takeHeard returns the counters heard of since it was last asked.
func (h *floorHub) takeHeard() map[[2]string]time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[[2]string]time.Time{}
	for k := range h.unsaved {
		out[k] = h.heard[k]
	}
	clear(h.unsaved)
	return out
}

// WatchFloor returns a channel that is sent to when something a hall shows has changed: by this node at
// once, by another within a quarter of a second (FollowFloors). What happens while nobody receives is told
// once. stop must be called.
func (a *App) WatchFloor(hall string) (changes <-chan struct{}, stop func()) {
	return a.floors.watch(hall)
}

// liveFloor returns today of a hall as it is now, for looking at: it must not be changed.
func (a *App) liveFloor(ctx context.Context, hall string) (*counter.Floor, error) {
	now := a.now()
	date := calendar.DateOf(now)
	p, newest := a.floors.picture(hall, date)
	if f := p.floor.Load(); f != nil && f.Date == date && f.Revision >= newest && now.Sub(f.at) < liveFor && !now.Before(f.at) {
		return f.Floor, nil
	}
	var f *counter.Floor
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		f, err = a.readFloor(ctx, tx, hall, date)
		return err
	}); err != nil {
		return nil, err
	}
	a.floors.keep(f, now)
	return f, nil
}

// hourCounts returns how many are booked for each hour of a hall today, and what became of them.
func (a *App) hourCounts(ctx context.Context, hall string) ([]store.HourCount, error) {
	const stands = 10 * time.Second
	now := a.now()
	date := calendar.DateOf(now)
	p, newest := a.floors.picture(hall, date)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hourD == date && p.hourO == newest && now.Sub(p.hourA) < stands && !now.Before(p.hourA) {
		return p.hours, nil
	}
	err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		p.hours, err = tx.CountByHour(ctx, hall, a.queueIDs(hall), date)
		return err
	})
	if err == nil {
		p.hourD, p.hourA, p.hourO = date, now, newest
	}
	return p.hours, err
}

// FloorView returns the picture of a hall now. Whoever asks at the same time gets the same one.
func (a *App) FloorView(ctx context.Context, hall string) (FloorView, error) {
	h := a.City().Hall(hall)
	if h == nil {
		return FloorView{}, fault.New(fault.HallNotFound)
	}
	now := a.now()
	date := calendar.DateOf(now)
	p, newest := a.floors.picture(hall, date)
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := p.view; v != nil && p.of >= newest && v.Date == date && now.Sub(v.At) < pictureFor && !now.Before(v.At) {
		return *v, nil
	}
	v := &FloorView{Hall: h, Date: date, At: now, Notice: h.Notice}
	f, err := a.liveFloor(ctx, hall)
	if err != nil {
		return FloorView{}, err
	}
	var called []*counter.Ticket
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		called, err = tx.CalledTickets(ctx, hall, date, MostCalls)
		return err
	}); err != nil {
		return FloorView{}, err
	}
	if err := a.paint(v, now, f, called); err != nil {
		return FloorView{}, err
	}
	p.view, p.of = v, max(newest, v.Revision)
	return *v, nil
}

// paint fills in what a floor shows.
func (a *App) paint(v *FloorView, now time.Time, f *counter.Floor, called []*counter.Ticket) error {
	v.Revision, v.Sealed = f.Revision, f.Sealed
	last := map[string]string{}
	v.Calls, v.Queues, v.Counters = nil, nil, nil
	for _, t := range called {
		shown, err := a.ticketView(now, nil, t)
		if err != nil {
			return err
		}
		v.Calls = append(v.Calls, CallView{
			Number: t.Number, Name: shown.Name, Counter: t.Counter, CounterLabel: shown.CounterLabel, QueueID: t.QueueID,
			At: t.CalledAt, Calls: t.Calls, State: t.State,
		})
		if last[t.QueueID] == "" {
			last[t.QueueID] = t.Number
		}
	}
	waiting, seats := map[string]int{}, map[string]int{}
	for _, t := range f.Tickets {
		if t.State == counter.Waiting {
			waiting[t.QueueID]++
		}
	}
	for _, c := range a.City().CountersOf(f.HallID) {
		s := f.Seats[c.ID]
		if s == nil || s.State == counter.SeatClosed {
			continue
		}
		sv := SeatView{Counter: c.ID, Label: c.Label, State: s.State, Queues: s.Queues, Since: s.Since}
		if t := f.At(c.ID); t != nil {
			sv.Number = t.Number
		}
		v.Counters = append(v.Counters, sv)
		for _, q := range s.Queues {
			if s.State == counter.SeatOpen {
				seats[q]++
			}
		}
	}
	for _, q := range a.City().QueuesAt(f.HallID) {
		if !q.Open && waiting[q.ID] == 0 {
			continue
		}
		v.Queues = append(v.Queues, QueueView{
			Queue: q, Prefix: f.Lines[q.ID].Prefix, Waiting: waiting[q.ID], Seats: seats[q.ID], Last: last[q.ID], Wait: f.Foretell(now, q.ID, "", a.pasts(f.HallID)),
		})
	}
	return nil
}

// FollowFloors tells who watches of what other nodes have changed, and keeps when this node last heard of
// each counter, until ctx ends.
func (a *App) FollowFloors(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	const behind = 10 * time.Second // commits that come to light late
	good := a.now()                 // until then nothing was missed
	failing := false
	for turn := 1; ; turn++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var changed []store.FloorRef
		at := a.now()
		if at.Before(good) { // the clock was set back
			good = at
		}
		err := a.db.View(ctx, func(tx *store.Tx) (err error) {
			changed, err = tx.FloorsChanged(ctx, good.Add(-behind))
			return err
		})
		if err == nil {
			good = at
			for _, f := range changed {
				a.floors.tell(f.HallID, f.Date, f.Revision)
			}
		} else if !failing && ctx.Err() == nil {
			a.log.Warn("what other nodes change of halls' days could not be read; displays may be late", "error", err)
		}
		failing = err != nil
		if turn%8 == 0 {
			a.saveHeard(ctx)
		}
	}
}

func (a *App) saveHeard(ctx context.Context) {
	heard := a.floors.takeHeard()
	if len(heard) == 0 {
		return
	}
	var list []store.SeatSeen
	for _, k := range slices.SortedFunc(maps.Keys(heard), func(x, y [2]string) int { return slices.Compare(x[:], y[:]) }) {
		list = append(list, store.SeatSeen{HallID: k[0], Counter: k[1], Date: calendar.DateOf(heard[k]), At: heard[k]})
	}
	if err := a.db.Update(ctx, func(tx *store.Tx) error { return tx.TouchSeats(ctx, list) }); err != nil {
		a.log.Warn("when counters were last heard of was not kept", "error", err)
	}
}
