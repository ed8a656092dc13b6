// Package batch is group commit: calls that wait are answered together, by one run of one function.
// A lone call starts at once. A group costs much whatever its size, so under load there are few and large
// ones: what arrives while a lane runs is the next group, and another lane joins only when that is full or
// has waited long. All lanes take from one line, so calls start in the order they came.
package batch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/fault"
)

// Runner answers a group of calls; its result has one answer for each, in order.
type Runner[Q, A any] func(ctx context.Context, lane int, group []Q) []A

// Lanes answers calls in groups, several groups at a time.
type Lanes[Q, A any] struct {
	line    chan *call[Q, A]
	run     Runner[Q, A]
	limit   int
	full    int
	sizes   []atomic.Int64 // of the group each lane is running
	running atomic.Int64   // lanes that run a group
	turn    chan struct{}  // held by the lane that takes the next group, no other looks at the line
	enough  atomic.Int64   // so many in line, and the lane that has the turn is woken
	wake    chan struct{}
	closing chan struct{}
	once    sync.Once
	done    sync.WaitGroup
	gate    sync.RWMutex // held for reading while a call is put in line
	closed  bool
}

const (
	// The most a call waits for a running lane while another stands idle. Two lanes at once want the same
	// processors: with little to do each, both take longer than one after the other.
	patience  = 20 * time.Millisecond
	fullGroup = 64
)

const (
	waiting = iota
	taken
	abandoned
)

type call[Q, A any] struct {
	q     Q
	state atomic.Int32
	done  chan A
}

// Config of New.
type Config struct {
	Lanes int // ≥ 1
	Limit int // most calls of one group; 0 = 512
	Full  int // so many calls are worth another lane while one runs; 0 = 64, or Limit if that is less
	Depth int // most calls waiting before callers are told Busy; 0 = 8 × Limit
}

// New starts the lanes. Groups run under ctx's values but not its cancellation: an accepted call is
// answered even while shutting down.
func New[Q, A any](ctx context.Context, c Config, run Runner[Q, A]) *Lanes[Q, A] {
	if c.Limit == 0 {
		c.Limit = 512
	}
	if c.Full == 0 {
		c.Full = min(fullGroup, c.Limit)
	}
	if c.Depth == 0 {
		c.Depth = 8 * c.Limit
	}
	l := &Lanes[Q, A]{
		line: make(chan *call[Q, A], c.Depth), run: run, limit: c.Limit, full: c.Full, sizes: make([]atomic.Int64, c.Lanes),
		turn: make(chan struct{}, 1), wake: make(chan struct{}, 1), closing: make(chan struct{}),
	}
	ctx = context.WithoutCancel(ctx)
	for i := range c.Lanes {
		l.done.Go(func() { l.work(ctx, i) })
	}
	return l
}

// Do puts a call in line and waits for its answer. It returns Busy when the line is full and
// ShuttingDown when the lanes are closed: then nothing was done. If ctx ends while the call still
// waits in line it is taken out and Busy is returned; once its group runs, the answer is waited for.
func (l *Lanes[Q, A]) Do(ctx context.Context, q Q) (A, error) {
	var none A
	c := &call[Q, A]{q: q, done: make(chan A, 1)}
	if err := l.enter(c); err != nil {
		return none, err
	}
	select {
	case a := <-c.done:
		return a, nil
	case <-ctx.Done():
		if c.state.CompareAndSwap(waiting, abandoned) {
			return none, fault.New(fault.Busy).After(time.Second)
		}
		return <-c.done, nil
	}
}

func (l *Lanes[Q, A]) enter(c *call[Q, A]) error {
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.closed {
		return fault.New(fault.ShuttingDown).After(2 * time.Second)
	}
	select {
	case l.line <- c:
		if int64(len(l.line)) >= l.enough.Load() {
			l.knock()
		}
		return nil
	default:
		return fault.New(fault.Busy).After(time.Second)
	}
}

// Close refuses new calls, answers those accepted, and returns when the lanes have ended.
func (l *Lanes[Q, A]) Close() {
	l.once.Do(func() {
		l.gate.Lock()
		l.closed = true
		l.gate.Unlock()
		close(l.closing)
	})
	l.done.Wait()
}

// Waiting returns how many calls wait in line, and Running how many each lane is answering now.
func (l *Lanes[Q, A]) Waiting() int { return len(l.line) }

// Held returns how many calls there are in all: in line and being answered.
func (l *Lanes[Q, A]) Held() int {
	n := len(l.line)
	for i := range l.sizes {
		n += int(l.sizes[i].Load())
	}
	return n
}

func (l *Lanes[Q, A]) Running() []int {
	out := make([]int, len(l.sizes))
	for i := range l.sizes {
		out[i] = int(l.sizes[i].Load())
	}
	return out
}

func (l *Lanes[Q, A]) work(ctx context.Context, i int) {
	group := make([]*call[Q, A], 0, l.limit)
	asked := make([]Q, 0, l.limit)
	for {
		l.turn <- struct{}{}
		first := l.first()
		if first == nil {
			<-l.turn
			return
		}
		group, asked = accept(first, group[:0], asked[:0])
	drain:
		for len(group) < l.limit {
			select {
			case c := <-l.line:
				group, asked = accept(c, group, asked)
			default:
				break drain
			}
		}
		if len(group) > 0 {
			l.running.Add(1)
		}
		<-l.turn
		if len(group) == 0 {
			continue
		}
		l.sizes[i].Store(int64(len(group)))
		answers := l.run(ctx, i, asked)
		l.sizes[i].Store(0)
		l.running.Add(-1)
		l.knock()
		for j, c := range group {
			c.done <- answers[j]
		}
		clear(group)
		clear(asked)
	}
}

// first waits for a call, and then for its turn: while another lane runs, until that is done, the line is worth
// a lane of its own or patience is over. It returns nil when the lanes are closed and nobody waits.
func (l *Lanes[Q, A]) first() *call[Q, A] {
	select {
	case c := <-l.line:
		l.gather()
		return c
	case <-l.closing:
		select {
		case c := <-l.line:
			return c
		default:
			return nil
		}
	}
}

func (l *Lanes[Q, A]) gather() {
	if l.running.Load() == 0 {
		return
	}
	enough := l.full - 1 // one is taken out of the line already
	l.enough.Store(int64(enough))
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for l.running.Load() > 0 && len(l.line) < enough {
		select {
		case <-l.wake:
		case <-timer.C:
			return
		case <-l.closing:
			return
		}
	}
}

// knock wakes the lane that has the turn, if it waits for company.
func (l *Lanes[Q, A]) knock() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func accept[Q, A any](c *call[Q, A], group []*call[Q, A], asked []Q) ([]*call[Q, A], []Q) {
	if !c.state.CompareAndSwap(waiting, taken) {
		return group, asked
	}
	return append(group, c), append(asked, c.q)
}
