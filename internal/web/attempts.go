package web

import "time"

// Attempts limits how often one person may try for numbers while many do: after a release. At other times, and
// as nil, it limits nothing.
type Attempts struct {
	limiter *Limiter
	now     func() bool
}

// NewAttempts takes the limit and what tells whether it holds now.
func NewAttempts(l *Limiter, now func() bool) *Attempts { return &Attempts{l, now} }

// Take uses one attempt of key's. It returns 0, or how long to wait when none is left.
func (a *Attempts) Take(key string) time.Duration {
	if a == nil || !a.now() {
		return 0
	}
	return a.limiter.Take(key)
}
