package testpeople

import (
	"crypto/rand"
	"sync"
	"time"
)

// Tickets hands out random strings that stand for a value for a while: codes and access tokens of
// the development providers. It is safe for concurrent use and holds at most maxTickets.
type Tickets[T any] struct {
	mu    sync.Mutex
	life  time.Duration
	now   func() time.Time
	held  map[string]ticket[T]
	order []string // oldest first; may name tickets already gone
}

type ticket[T any] struct {
	value   T
	expires time.Time
}

const maxTickets = 100_000

// NewTickets makes tickets that live for life.
func NewTickets[T any](life time.Duration, now func() time.Time) *Tickets[T] {
	return &Tickets[T]{life: life, now: now, held: map[string]ticket[T]{}}
}

// Issue hands out a new ticket for value.
func (t *Tickets[T]) Issue(value T) string {
	id := rand.Text()
	t.Put(id, value)
	return id
}

// Put keeps value under an id of the caller's that has not been used before.
func (t *Tickets[T]) Put(id string, value T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for len(t.order) > 0 {
		oldest, ok := t.held[t.order[0]]
		if ok && now.Before(oldest.expires) && len(t.order) < maxTickets {
			break
		}
		delete(t.held, t.order[0])
		t.order = t.order[1:]
	}
	t.held[id] = ticket[T]{value, now.Add(t.life)}
	t.order = append(t.order, id)
}

// Look gives what a ticket stands for; false if it is unknown or over.
func (t *Tickets[T]) Look(id string) (T, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.look(id)
}

func (t *Tickets[T]) look(id string) (T, bool) {
	held, ok := t.held[id]
	if !ok || !t.now().Before(held.expires) {
		var none T
		return none, false
	}
	return held.value, true
}

// Take is Look for the first time only.
func (t *Tickets[T]) Take(id string) (T, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	value, ok := t.look(id)
	delete(t.held, id)
	return value, ok
}

// Drop ends a ticket.
func (t *Tickets[T]) Drop(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.held, id)
}
