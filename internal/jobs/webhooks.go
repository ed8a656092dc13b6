package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/feed"
)

// Poster posts a message to an address of a connected system and says what came of it. It must return within half a
// minute.
type Poster func(ctx context.Context, m *app.WebhookMessage) feed.Answer

// Webhooks posts what happened to the addresses of connected systems: to each in order, one message after the other,
// to different ones at once, so that a slow one keeps none of the others back. An address is taken by one node for a
// while; when the process dies between sending and settling, the message is sent again under the same id.
type Webhooks struct {
	App  *app.App
	Post Poster
	Log  *slog.Logger
	Told func(fate string) // for metrics; may be nil

	AtOnce int           // addresses that are sent to at once; 0 = 32
	Look   time.Duration // how often it is looked for others while some are sent to; 0 = 250 ms
}

// settleFor bounds how long it takes to write what came of a message, postFor how long before its end a turn begins no
// message any more.
const (
	settleFor = 10 * time.Second
	postFor   = 40 * time.Second
)

// troubled is how long an address is left alone for which the database, or its own secrets, could not be read.
const troubled = 5 * time.Second

// Send sends until nothing is left or ctx is about to end.
func (h *Webhooks) Send(ctx context.Context) (more bool, err error) {
	width, look := h.AtOnce, h.Look
	if width == 0 {
		width = 32
	}
	if look == 0 {
		look = 250 * time.Millisecond
	}
	begin, stop := ctx, context.CancelFunc(func() {})
	if end, ok := ctx.Deadline(); ok {
		begin, stop = context.WithDeadline(ctx, end.Add(-postFor))
	}
	defer stop()
	var mu sync.Mutex
	busy := map[string]bool{}
	done := make(chan struct{}, width)
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		due, err := h.App.DueWebhooks(begin)
		if err != nil {
			if begin.Err() != nil {
				return ctx.Err() == nil, nil
			}
			return false, err
		}
		mu.Lock()
		for _, id := range due {
			if busy[id] || len(busy) >= width {
				continue
			}
			busy[id] = true
			wg.Go(func() {
				h.drain(begin, ctx, id)
				mu.Lock()
				delete(busy, id)
				mu.Unlock()
				done <- struct{}{}
			})
		}
		idle := len(busy) == 0
		mu.Unlock()
		if idle {
			return false, nil
		}
		select {
		case <-begin.Done():
			return ctx.Err() == nil, nil
		case <-done:
		case <-time.After(look):
		}
	}
}

// drain sends to one address until nothing is left, something fails, or begin ends.
func (h *Webhooks) drain(begin, ctx context.Context, id string) {
	defer func() {
		if v := recover(); v != nil { // one address must not stop the others; its value may hold anything
			h.Log.Error("panic while posting a message", "webhook", id, "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
		}
	}()
	for begin.Err() == nil {
		m, err := h.App.NextMessage(begin, id)
		if err != nil && begin.Err() == nil {
			h.Log.Error("no message could be taken", "webhook", id, "error", err)
			rest(begin)
		}
		if err != nil || m == nil {
			return
		}
		got := h.Post(ctx, m)
		if ctx.Err() != nil && got.Failure != "" { // we are stopping: it is not the address that failed
			return
		}
		// The other side has it: that is recorded even while stopping.
		keep, stop := context.WithTimeout(context.WithoutCancel(ctx), settleFor)
		fate, err := h.App.SettleMessage(keep, m, got, rand.Float64())
		stop()
		if err != nil {
			h.Log.Error("what came of a message could not be written; it will be sent again", "webhook", id, "message", m.ID, "error", err)
			rest(begin)
			return
		}
		if h.Told != nil {
			h.Told(string(fate))
		}
		if fate != feed.Delivered {
			h.Log.Warn("message not delivered", "webhook", id, "message", m.ID, "now", string(fate), "failure", string(got.Failure), "status", got.Status)
		}
		if fate == feed.Again || fate == feed.Stopped {
			return
		}
	}
}

// rest waits until an address may be looked at again after an error.
func rest(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(troubled):
	}
}
