package booking

import (
	"strconv"
	"time"

	"suiyue/internal/domain/fault"
)

// Together books for several applicants as one step, all or none: in one hour, or in hours that follow each other in
// one queue and day. Each booking is a booking of its own afterwards. The first Book's key is that of the request;
// the others' keys are TogetherKey of it, so that a repetition finds all of them.
type Together struct {
	Books   []*Book
	Answers []Answer // one for each, once it is answered
}

// TogetherKey is the idempotency key of the n-th booking of a request with that key, n from 0. Nobody can send one.
func TogetherKey(key string, n int) string {
	if n == 0 {
		return key
	}
	return key + "~" + strconv.Itoa(n)
}

func (r *Together) Needs(n *Needs) {
	for _, b := range r.Books {
		b.Needs(n)
	}
}

func (r *Together) More(f *Facts, n *Needs) {
	for _, b := range r.Books {
		b.More(f, n)
	}
}

func (r *Together) decide(now time.Time, f *Facts, c *Change) (Answer, *fault.Error) {
	r.Answers = nil
	for _, b := range r.Books {
		if b.Offer.System != "" && len(r.Books) > 1 { // the department confirms each for itself: not all or none
			return Answer{}, fault.New(fault.DelegatedAlone)
		}
	}
	inserted, events, messages := len(c.Insert), len(c.Events), len(c.Messages)
	for i, b := range r.Books {
		b.nth = i
		taken := len(c.Take)
		a, err := b.decide(now, f, c)
		if err == nil {
			r.Answers = append(r.Answers, a)
			b.took = append([]Claim(nil), c.Take[taken:]...)
			continue
		}
		for _, done := range r.Books[:i] { // as if none had been asked for
			if f.Bookings[done.ID] != nil {
				give(f, c, done.took)
				c.shift(f.Slots[done.SlotID], -done.Units)
				delete(f.Bookings, done.ID)
			}
		}
		c.Insert, c.Events, c.Messages, r.Answers = c.Insert[:inserted], c.Events[:events], c.Messages[:messages], nil
		args := map[string]string{"applicant": strconv.Itoa(i + 1)}
		for k, v := range err.Args {
			args[k] = v
		}
		refused := *err
		refused.Args = args
		return Answer{}, &refused
	}
	return r.Answers[0], nil
}
