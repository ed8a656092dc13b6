// Package batch is group commit: calls that wait for the same lane are answered together, by one
// run of one function. Nobody waits for a timer: a lone call starts at once, and whatever arrives
// while a group is running is the next group.
package batch

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"suiyue/internal/domain/fault"
)

// Runner answers a group of calls; its result has one answer for each, in order.
type Runner[Q, A any] func(ctx context.Context, lane int, group []Q) []A

// Lanes spreads calls over lanes by key. Calls of one key are answered in the order they came.
type Lanes[Q, A any] struct {
	lanes   []*lane[Q, A]
	run     Runner[Q, A]
	limit   int
	seed    maphash.Seed
	closing chan struct{}
	once    sync.Once
	done    sync.WaitGroup
	gate    sync.RWMutex // held for reading while a call is put in line
	closed  bool
}

type lane[Q, A any] struct {
	line chan *call[Q, A]
	size atomic.Int64 // of the group now running
}

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
	Depth int // most calls waiting in a lane before callers are told Busy; 0 = 8 × Limit
}

// New starts the lanes. Groups run under ctx's values but not its cancellation: an accepted call is
// answered even while shutting down.
func New[Q, A any](ctx context.Context, c Config, run Runner[Q, A]) *Lanes[Q, A] {
	if c.Limit == 0 {
		c.Limit = 512
	}
	if c.Depth == 0 {
		c.Depth = 8 * c.Limit
	}
	l := &Lanes[Q, A]{run: run, limit: c.Limit, seed: maphash.MakeSeed(), closing: make(chan struct{})}
	ctx = context.WithoutCancel(ctx)
	for i := range c.Lanes {
		ln := &lane[Q, A]{line: make(chan *call[Q, A], c.Depth)}
		l.lanes = append(l.lanes, ln)
		l.done.Go(func() { l.work(ctx, i, ln) })
	}
	return l
}

// Do puts a call in the line of key's lane and waits for its answer. It returns Busy when the line is
// full and ShuttingDown when the lanes are closed: then nothing was done. If ctx ends while the call
// still waits in line it is taken out and Busy is returned; once its group runs, the answer is waited for.
func (l *Lanes[Q, A]) Do(ctx context.Context, key string, q Q) (A, error) {
	var none A
	c := &call[Q, A]{q: q, done: make(chan A, 1)}
	ln := l.lanes[maphash.String(l.seed, key)%uint64(len(l.lanes))]
	if err := l.enter(ln, c); err != nil {
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

func (l *Lanes[Q, A]) enter(ln *lane[Q, A], c *call[Q, A]) error {
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.closed {
		return fault.New(fault.ShuttingDown).After(2 * time.Second)
	}
	select {
	case ln.line <- c:
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

// Depths returns how many calls wait in each lane, and Running how many each is answering now.
func (l *Lanes[Q, A]) Depths() []int {
	out := make([]int, len(l.lanes))
	for i, ln := range l.lanes {
		out[i] = len(ln.line)
	}
	return out
}

func (l *Lanes[Q, A]) Running() []int {
	out := make([]int, len(l.lanes))
	for i, ln := range l.lanes {
		out[i] = int(ln.size.Load())
	}
	return out
}

func (l *Lanes[Q, A]) work(ctx context.Context, i int, ln *lane[Q, A]) {
	group := make([]*call[Q, A], 0, l.limit)
	asked := make([]Q, 0, l.limit)
	for {
		group, asked = group[:0], asked[:0]
		select {
		case c := <-ln.line:
			group, asked = accept(c, group, asked)
		case <-l.closing:
			select {
			case c := <-ln.line:
				group, asked = accept(c, group, asked)
			default:
				return
			}
		}
	drain:
		for len(group) < l.limit {
			select {
			case c := <-ln.line:
				group, asked = accept(c, group, asked)
			default:
				break drain
			}
		}
		if len(group) == 0 {
			continue
		}
		ln.size.Store(int64(len(group)))
		answers := l.run(ctx, i, asked)
		ln.size.Store(0)
		for j, c := range group {
			c.done <- answers[j]
		}
		clear(group)
		clear(asked)
	}
}

func accept[Q, A any](c *call[Q, A], group []*call[Q, A], asked []Q) ([]*call[Q, A], []Q) {
	if !c.state.CompareAndSwap(waiting, taken) {
		return group, asked
	}
	return append(group, c), append(asked, c.q)
}
