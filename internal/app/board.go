package app

import (
	"context"
	"iter"
	"slices"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
)

// Board is what is free, in memory: availability is never read by SQL. This node's own commits show
// at once, those of other nodes when their news are read. It is a picture, not a promise: whether a
// number can be had is decided with the booking.
type Board struct {
	epoch  string // no two boards ever give the same version for different pictures
	mu     sync.RWMutex
	queues map[string]*queueBoard
}

type queueBoard struct {
	hall    string
	id      string
	slots   atomic.Pointer[[]liveSlot] // by date and hour; in one piece, without a pointer, for there are a million in a city
	version atomic.Uint64              // +1 with each change
	page    atomic.Pointer[cachedPage]
	picture atomic.Pointer[cachedPicture]
}

// cachedPage is an encoded picture of a queue that stands as long as its tag does.
type cachedPage struct {
	tag  string
	body []byte
}

// liveSlot packs what changes into one word, so that readers need no lock: 15 bits capacity, 15 bits
// taken, 1 bit closed, 33 bits revision. What is held for the waitlist counts as taken: from outside the two
// are the same (Art. 15).
type liveSlot struct {
	date    calendar.Date
	hour    int8
	onSite  int16
	release int64 // microseconds
	state   atomic.Uint64
}

const most = 1<<15 - 1

func pack(capacity, taken int, closed bool, revision int64) uint64 {
	w := uint64(revision)<<31 | uint64(min(max(taken, 0), most))<<15 | uint64(min(max(capacity, 0), most))
	if closed {
		w |= 1 << 30
	}
	return w
}

func (s *liveSlot) read() (capacity, taken int, closed bool) {
	w := s.state.Load()
	return int(w & most), int(w >> 15 & most), w>>30&1 == 1
}

// set takes news of a slot unless later news are known already.
func (s *liveSlot) set(word uint64) bool {
	for {
		old := s.state.Load()
		if old>>31 >= word>>31 {
			return false
		}
		if s.state.CompareAndSwap(old, word) {
			return true
		}
	}
}

func newBoard(epoch string) *Board { return &Board{epoch: epoch, queues: map[string]*queueBoard{}} }

// load replaces the board by the slots from date on.
func (b *Board) load(ctx context.Context, tx *store.Tx, from calendar.Date, city *City) error {
	lists := map[string][]*liveSlot{}
	halls := map[string]string{}
	err := tx.SlotsFrom(ctx, from, func(s store.LiveSlot) {
		lists[s.QueueID] = append(lists[s.QueueID], newLive(s))
		halls[s.QueueID] = s.HallID
	})
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, list := range lists {
		q := b.queues[id]
		if q == nil {
			q = &queueBoard{hall: halls[id], id: id}
			b.queues[id] = q
		}
		q.merge(list)
	}
	for id, q := range b.queues {
		if lists[id] == nil {
			q.merge(nil)
		}
	}
	return nil
}

func newLive(s store.LiveSlot) *liveSlot {
	l := &liveSlot{date: s.Date, hour: int8(s.Hour), onSite: int16(min(s.OnSite, most)), release: s.Release.UnixMicro()}
	l.state.Store(pack(s.Capacity, s.Taken+s.Held, s.Closed, s.Revision))
	return l
}

// merge takes list as the slots there are, keeping what is known to be newer.
func (q *queueBoard) merge(list []*liveSlot) {
	sort.Slice(list, func(i, j int) bool {
		return list[i].date < list[j].date || list[i].date == list[j].date && list[i].hour < list[j].hour
	})
	if old := q.slots.Load(); old != nil {
		for _, s := range list {
			if was := find(*old, s.date, int(s.hour)); was != nil {
				s.set(was.state.Load())
			}
		}
	}
	whole := make([]liveSlot, len(list))
	for i, s := range list {
		l := &whole[i]
		l.date, l.hour, l.onSite, l.release = s.date, s.hour, s.onSite, s.release
		l.state.Store(s.state.Load())
	}
	q.slots.Store(&whole)
	q.version.Add(1)
}

// all returns the slots by date and hour.
func (q *queueBoard) all() iter.Seq[*liveSlot] {
	return func(yield func(*liveSlot) bool) {
		list := *q.slots.Load()
		for i := range list {
			if !yield(&list[i]) {
				return
			}
		}
	}
}

func find(list []liveSlot, d calendar.Date, hour int) *liveSlot {
	i := sort.Search(len(list), func(i int) bool {
		return list[i].date > d || list[i].date == d && int(list[i].hour) >= hour
	})
	if i < len(list) && list[i].date == d && int(list[i].hour) == hour {
		return &list[i]
	}
	return nil
}

func (b *Board) queue(id string) *queueBoard {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.queues[id]
}

// apply takes what a commit left.
func (b *Board) apply(states []store.SlotState) {
	for _, s := range states {
		_, date, hour, ok := booking.ParseSlotID(s.SlotID)
		q := b.queue(s.QueueID)
		if !ok || q == nil {
			continue
		}
		list := q.slots.Load()
		if list == nil {
			continue
		}
		if live := find(*list, date, hour); live != nil && live.set(pack(s.Capacity, s.Taken+s.Held, s.Closed, s.Revision)) {
			q.version.Add(1)
		}
	}
}

// refresh takes slots read from the store, some of which may be new to the board.
func (b *Board) refresh(slots []store.LiveSlot) {
	fresh := map[string][]*liveSlot{}
	for _, s := range slots {
		q := b.queue(s.QueueID)
		if q != nil {
			if live := find(*q.slots.Load(), s.Date, s.Hour); live != nil && live.planned(s) {
				if live.set(pack(s.Capacity, s.Taken+s.Held, s.Closed, s.Revision)) {
					q.version.Add(1)
				}
				continue
			}
		} else {
			b.mu.Lock()
			if b.queues[s.QueueID] == nil {
				q = &queueBoard{hall: s.HallID, id: s.QueueID}
				q.slots.Store(&[]liveSlot{})
				b.queues[s.QueueID] = q
			}
			b.mu.Unlock()
		}
		fresh[s.QueueID] = append(fresh[s.QueueID], newLive(s))
	}
	for id, list := range fresh {
		q := b.queue(id)
		for s := range q.all() {
			if !slices.ContainsFunc(list, func(f *liveSlot) bool { return f.date == s.date && f.hour == s.hour }) {
				list = append(list, s)
			}
		}
		q.merge(list)
	}
}

// planned tells whether the slot on the board has the release and on-site numbers of s: they never change
// in place.
func (s *liveSlot) planned(n store.LiveSlot) bool {
	return s.release == n.Release.UnixMicro() && int(s.onSite) == min(n.OnSite, most)
}

// SlotState is how a slot stands for somebody who would book it off-site now.
type SlotState string

const (
	SlotFree        SlotState = "free"
	SlotFull        SlotState = "full"
	SlotNotReleased SlotState = "not_released"
	SlotClosed      SlotState = "closed" // the hall is shut that hour
	SlotPast        SlotState = "past"   // off-site booking of it is over (Art. 14)
)

// SlotView is one hour of a day.
type SlotView struct {
	ID    string
	Date  calendar.Date
	Hour  int
	State SlotState
	Free  int       // numbers left, 0 unless free
	From  time.Time // not_released: when it is released
}

// DayState sums up a day.
type DayState string

const (
	DayFree        DayState = "free"
	DayFull        DayState = "full"
	DayNotReleased DayState = "not_released"
	DayShut        DayState = "shut" // no hours: weekend, holiday, closed
)

// DayView is one date of a queue.
type DayView struct {
	Date     calendar.Date
	State    DayState
	Free     int
	From     time.Time // not_released: when
	Festival string    // the statutory holiday, if it is one
	Slots    []SlotView
}

// view says how s stands at now.
func (q *queueBoard) view(s *liveSlot, now time.Time, rules rulebook.Rulebook) SlotView {
	capacity, taken, closed := s.read()
	v := SlotView{ID: booking.SlotID(q.id, s.date, int(s.hour)), Date: s.date, Hour: int(s.hour)}
	switch {
	case !now.Before(booking.OffSiteUntil(booking.Slot{Date: s.date, Hour: int(s.hour)}, rules)):
		v.State = SlotPast
	case closed:
		v.State = SlotClosed
	case now.UnixMicro() < s.release:
		v.State, v.From = SlotNotReleased, time.UnixMicro(s.release).In(calendar.Zone)
	case taken >= capacity:
		v.State = SlotFull
	default:
		v.State, v.Free = SlotFree, capacity-taken
	}
	return v
}

// Days returns the dates of a queue from tomorrow on, n of them, or up to the last date of its
// window and the first one yet to be released, whichever is more.
func (a *App) Days(queue string, n int) []DayView {
	return a.days(a.board.queue(queue), queue, n)
}

func (a *App) days(q *queueBoard, queue string, n int) []DayView {
	now := a.now()
	today := calendar.DateOf(now)
	r, cal := a.Rules(today), a.Calendar()
	var list []liveSlot
	if q != nil {
		list = *q.slots.Load()
	}
	window := r.WindowDays
	if dq := a.City().Queue(queue); dq != nil {
		window = max(window, dq.GrandfatheredHorizon)
	}
	last := max(cal.WindowEnd(today, window, r.WindowCounts == rulebook.SkipStatutory), today+calendar.Date(n))
	from := today + 1
	if r.OffSiteCloses == rulebook.SlotStart {
		from = today
	}
	var days []DayView
	i := sort.Search(len(list), func(i int) bool { return list[i].date >= from })
	for d := from; d <= last; d++ {
		day := DayView{Date: d, State: DayShut, Festival: cal.Festival(d)}
		for ; i < len(list) && list[i].date == d; i++ {
			v := q.view(&list[i], now, r)
			day.Slots = append(day.Slots, v)
			day.Free += v.Free
			switch {
			case v.State == SlotFree:
				day.State = DayFree
			case v.State == SlotNotReleased && day.State != DayFree:
				day.State, day.From = DayNotReleased, v.From
			case v.State == SlotFull && day.State == DayShut:
				day.State = DayFull
			}
		}
		days = append(days, day)
	}
	return days
}

// NextFree returns the first slot of a queue with at least units numbers free, nil if there is none.
func (a *App) NextFree(queue string, units int) *SlotView {
	now := a.now()
	return a.nextFree(queue, units, now, a.Rules(calendar.DateOf(now)))
}

func (a *App) nextFree(queue string, units int, now time.Time, r rulebook.Rulebook) *SlotView {
	q := a.board.queue(queue)
	if q == nil {
		return nil
	}
	today := calendar.DateOf(now)
	for s := range q.all() {
		if s.date < today {
			continue
		}
		if capacity, taken, _ := s.read(); capacity-taken < units {
			continue
		}
		if v := q.view(s, now, r); v.State == SlotFree {
			return &v
		}
	}
	return nil
}

// Slot returns how one slot stands; false if the board has no such slot.
func (a *App) Slot(id string) (SlotView, bool) {
	queue, date, hour, ok := booking.ParseSlotID(id)
	q := a.board.queue(queue)
	if !ok || q == nil {
		return SlotView{}, false
	}
	s := find(*q.slots.Load(), date, hour)
	if s == nil {
		return SlotView{}, false
	}
	now := a.now()
	return q.view(s, now, a.Rules(calendar.DateOf(now))), true
}

// Tag names the picture of a queue as it stands: it changes when a number is taken or given back,
// when a release passes and when a day ends.
func (a *App) Tag(queue string) string {
	q := a.board.queue(queue)
	if q == nil {
		return a.board.epoch + "-0"
	}
	now := a.now()
	today := calendar.DateOf(now)
	phase := 0
	if r := a.Rules(today); now.Sub(today.At(0, 0)) >= time.Duration(r.ReleaseAt)*time.Minute {
		phase = 1
	} else if r.OffSiteCloses == rulebook.SlotStart {
		phase = 2 + now.In(calendar.Zone).Hour()
	}
	return a.board.epoch + "-" + strconv.FormatUint(q.version.Load(), 36) + "-" + strconv.Itoa(int(today)) + "-" + strconv.Itoa(phase)
}

// Picture returns the encoded picture of a queue under its tag, made by encode when the tag is new.
func (a *App) Picture(queue string, encode func([]DayView) []byte) (tag string, body []byte) {
	if a.plain {
		return "", encode(a.daysBySQL(queue))
	}
	q := a.board.queue(queue)
	tag = a.Tag(queue)
	if q == nil {
		return tag, encode(a.Days(queue, 0))
	}
	if p := q.page.Load(); p != nil && p.tag == tag {
		return tag, p.body
	}
	body = encode(a.Days(queue, 0))
	q.page.Store(&cachedPage{tag, body})
	return tag, body
}

// FollowNews keeps the board in step with other nodes until ctx ends: every pause it reads what their
// commits changed. 100 ms keeps a picture under 250 ms old.
func (a *App) FollowNews(ctx context.Context, pause time.Duration) {
	seen := map[string]int64{}
	tick := time.NewTicker(pause)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := a.readNews(ctx, seen)
		if err != nil && !failing && ctx.Err() == nil {
			a.log.Warn("news of other nodes could not be read; availability may be old", "error", err)
		}
		failing = err != nil
	}
}

func (a *App) readNews(ctx context.Context, seen map[string]int64) error {
	return a.db.View(ctx, func(tx *store.Tx) error {
		before := make(map[string]int64, len(seen))
		for k, v := range seen {
			before[k] = v
		}
		news, err := tx.NewsAfter(ctx, before, a.own)
		if err != nil {
			return err
		}
		refs := map[[2]string]struct{}{}
		for _, n := range news {
			for _, s := range n.Slots {
				refs[s] = struct{}{}
			}
		}
		list := make([][2]string, 0, len(refs))
		for r := range refs {
			list = append(list, r)
		}
		var slots []store.LiveSlot
		if err := tx.SlotsByID(ctx, list, func(s store.LiveSlot) { slots = append(slots, s) }); err != nil {
			return err
		}
		a.board.refresh(slots)
		for k, v := range before {
			seen[k] = v
		}
		return nil
	})
}

// slotsOf returns the slots of a queue from one date up to and with another as the board knows them.
func (b *Board) slotsOf(queue string, from, to calendar.Date) []booking.Slot {
	q := b.queue(queue)
	if q == nil {
		return nil
	}
	var out []booking.Slot
	for s := range q.all() {
		if s.date < from || s.date > to {
			continue
		}
		capacity, taken, closed := s.read()
		out = append(out, booking.Slot{
			ID: booking.SlotID(queue, s.date, int(s.hour)), HallID: q.hall, QueueID: queue, Date: s.date, Hour: int(s.hour),
			Capacity: capacity, Taken: taken, OnSite: int(s.onSite), Release: time.UnixMicro(s.release), Closed: closed,
		})
	}
	return out
}
