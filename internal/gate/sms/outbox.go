package sms

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Sent is a message that was accepted, with its receipt.
type Sent struct {
	Message Message
	Receipt Receipt
}

// Outbox accepts every well-formed message and keeps the last of them in memory for the page of the
// demonstration. Nothing leaves the process.
type Outbox struct {
	now   func() time.Time
	mu    sync.Mutex
	ring  []Sent
	total int
}

// NewOutbox makes an outbox that keeps the last size messages.
func NewOutbox(size int, now func() time.Time) *Outbox {
	if size < 1 || now == nil {
		panic("sms: outbox needs a size and a clock")
	}
	return &Outbox{now: now, ring: make([]Sent, 0, size)}
}

// Send implements Sender.
func (o *Outbox) Send(ctx context.Context, m Message) (Receipt, error) {
	if err := ready(ctx, m); err != nil {
		return Receipt{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.total++
	s := Sent{m, Receipt{ID: fmt.Sprintf("outbox-%d", o.total), Segments: Segments(m.Text), Accepted: o.now()}}
	if len(o.ring) < cap(o.ring) {
		o.ring = append(o.ring, s)
	} else {
		o.ring[(o.total-1)%cap(o.ring)] = s
	}
	return s.Receipt, nil
}

// Recent gives the last messages, newest first, at most limit of them.
func (o *Outbox) Recent(limit int) []Sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(max(limit, 0), len(o.ring))
	out := make([]Sent, n)
	for i := range n {
		out[i] = o.ring[(o.total-1-i)%cap(o.ring)]
	}
	return out
}

// Total is how many messages were accepted since the start.
func (o *Outbox) Total() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.total
}

// ready refuses what is malformed, and what nobody waits for any more.
func ready(ctx context.Context, m Message) error {
	if err := m.Check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return &Error{Class: Temporary, Reason: "given up", cause: err}
	}
	return nil
}
