package booking

import (
	"time"

	"suiyue/internal/domain/fault"
)

// InOrder asks for several things as one request: they are decided one after the other, each knowing what those
// before it got, with nobody in between. One that is refused does not stop the others. Answers are in Out.
type InOrder struct {
	Requests []Request
	Out      []Outcome // one for each, once it is answered
}

func (r *InOrder) Needs(n *Needs) {
	for _, q := range r.Requests {
		q.Needs(n)
	}
}

func (r *InOrder) More(f *Facts, n *Needs) {
	for _, q := range r.Requests {
		q.More(f, n)
	}
}

func (r *InOrder) decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error) {
	r.Out = make([]Outcome, len(r.Requests))
	for i, q := range r.Requests {
		a, err := q.decide(now, f, c)
		r.Out[i] = Outcome{a, err}
	}
	return Answer{}, nil
}
