// Package jobs is what happens by itself: slots are prepared, messages sent, reminders written, old
// rows dropped. Every task may run at any time, twice, or on several nodes at once without harm; a
// lease only keeps nodes from doing the same work.
package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// Task is one thing that happens by itself.
type Task struct {
	Name  string
	Every time.Duration // pause after a run before the next
	Again time.Duration // pause after a run that left work to do
	Lease time.Duration // one node at a time: how long a node that took the task keeps it; 0 = every node runs it
	Limit time.Duration // longest a run may take; 0 = Lease, or one minute
	Later bool          // the first run waits Every, too
	// Run does the work there is now; more says that some is left.
	Run func(ctx context.Context) (more bool, err error)
}

// Outcome says what one turn of a task came to.
type Outcome string

const (
	Ran       Outcome = "ran"
	Elsewhere Outcome = "elsewhere" // another node has the lease
	Failed    Outcome = "failed"
	Panicked  Outcome = "panicked"
)

// Turn is one turn of a task, for metrics.
type Turn struct {
	Task    string
	Outcome Outcome
	Took    time.Duration
}

// Runner runs tasks until it is stopped.
type Runner struct {
	// Take asks for the lease of a task for hold. It answers whether this node has it now; a node may
	// take what it already has again. A hold of 0 gives it back.
	Take func(ctx context.Context, name string, hold time.Duration) (bool, error)
	Now  func() time.Time
	Log  *slog.Logger
	Told func(Turn) // after each turn; may be nil

	mu    sync.Mutex
	kicks []chan struct{}
}

// The pause after a failure grows from firstRetry to lastRetry.
const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// Run runs every task at once and then by its pause, until ctx ends; it returns when no task runs any
// more and the leases of this node are given back.
func (r *Runner) Run(ctx context.Context, tasks ...Task) {
	var wg sync.WaitGroup
	for _, t := range tasks {
		kick := make(chan struct{}, 1)
		r.mu.Lock()
		r.kicks = append(r.kicks, kick)
		r.mu.Unlock()
		wg.Go(func() { r.loop(ctx, t, kick) })
	}
	wg.Wait()
}

// Kick makes every task that waits run now: the clock was moved, or the directory changed.
func (r *Runner) Kick() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.kicks {
		select {
		case k <- struct{}{}:
		default:
		}
	}
}

func (r *Runner) loop(ctx context.Context, t Task, kick <-chan struct{}) {
	failures, held := 0, false
	first := time.Duration(0)
	if t.Later {
		first = t.Every
	}
	wait := time.NewTimer(first)
	defer wait.Stop()
	defer func() {
		if held { // ctx has ended: another node may have it at once
			back, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			if _, err := r.Take(back, t.Name, 0); err != nil {
				r.Log.Info("lease not given back; it will run out", "task", t.Name)
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		case <-kick:
		}
		began := r.Now()
		outcome, more, err := r.turn(ctx, t, &held)
		if ctx.Err() != nil {
			return
		}
		if r.Told != nil {
			r.Told(Turn{t.Name, outcome, r.Now().Sub(began)})
		}
		pause := t.Every
		switch {
		case err != nil:
			pause = min(firstRetry<<min(failures, 10), lastRetry)
			failures++
			r.Log.Error("task failed", "task", t.Name, "error", err, "again_in", pause)
		case outcome == Elsewhere:
			pause = min(t.Every, t.Lease)
		case more:
			pause = t.Again
		}
		if err == nil {
			failures = 0
		}
		wait.Reset(pause)
	}
}

// turn runs a task once if this node may. A panic in it is an error of the task, not of the process.
func (r *Runner) turn(ctx context.Context, t Task, held *bool) (outcome Outcome, more bool, err error) {
	if t.Lease > 0 {
		if *held, err = r.Take(ctx, t.Name, t.Lease); err != nil {
			return Failed, false, fmt.Errorf("lease: %w", err)
		}
		if !*held {
			return Elsewhere, false, nil
		}
	}
	limit := t.Limit
	if limit == 0 {
		limit = t.Lease
	}
	if limit == 0 {
		limit = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() {
		if v := recover(); v != nil { // its value may hold anything
			outcome, more, err = Panicked, false, fmt.Errorf("panic of type %T", v)
			r.Log.Error("panic in a task", "task", t.Name, "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
		}
	}()
	more, err = t.Run(ctx)
	if err != nil {
		return Failed, false, err
	}
	return Ran, more, nil
}
