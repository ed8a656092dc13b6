package sms

import (
	"context"
	"errors"
	"io"
	"time"
)

// Gateway is one carrier of several.
type Gateway struct {
	Name   string
	Sender Sender
}

// Chain sends through the first gateway that takes a message. What a gateway may have is never given to another.
type Chain struct {
	list []Gateway
}

// NewChain makes a chain of gateways in order of preference, at least one.
func NewChain(list ...Gateway) *Chain {
	if len(list) == 0 {
		panic("sms: a chain needs a gateway")
	}
	return &Chain{list}
}

// Health is what a gateway that keeps a line tells of itself: why is a fixed word.
type Health interface {
	Well() (well bool, why string)
}

// Send implements Sender. Gateways that say they are not well come last, in their order. What none would ever take is
// Permanent.
func (c *Chain) Send(ctx context.Context, m Message) (Receipt, error) {
	if err := m.Check(); err != nil {
		return Receipt{}, err
	}
	var later, never error
	for _, g := range c.inOrder() {
		r, err := g.Sender.Send(ctx, m)
		if err == nil {
			r.Gateway = g.Name
			return r, nil
		}
		switch class := ClassOf(err); {
		case class != Temporary && class != Unsuited:
			return Receipt{}, err
		case class == Temporary:
			later = err
		default:
			never = err
		}
		if ctx.Err() != nil {
			return Receipt{}, Refuse(Temporary, "given up", ctx.Err())
		}
	}
	if later != nil {
		return Receipt{}, later
	}
	e, _ := errors.AsType[*Error](never)
	return Receipt{}, Refuse(Permanent, e.Reason, e.cause)
}

// Asks tells whether some gateway, or the one of a name, can be asked.
func (c *Chain) Asks(gateway string) bool {
	for _, g := range c.list {
		if a := asker(g.Sender); a != nil && (gateway == "" || gateway == g.Name) {
			return true
		}
	}
	return false
}

// Ask asks the gateways that can be asked, or the one of a name, for a message. nil without an error says that none of them has it: one
// that cannot be asked may.
func (c *Chain) Ask(ctx context.Context, gateway string, m Message, since time.Time) (*Found, error) {
	var failed error
	for _, g := range c.list {
		a := asker(g.Sender)
		if a == nil || gateway != "" && gateway != g.Name {
			continue
		}
		f, err := a.Ask(ctx, m, since)
		if f != nil {
			f.Gateway = g.Name
			return f, nil
		}
		if err != nil {
			failed = err
		}
	}
	return nil, failed
}

func asker(s Sender) Asker {
	if w, ok := s.(Approved); ok {
		s = w.Sender
	}
	a, _ := s.(Asker)
	return a
}

func (c *Chain) inOrder() []Gateway {
	var well, ill []Gateway
	for _, g := range c.list {
		if h, ok := g.Sender.(Health); ok {
			if fine, _ := h.Well(); !fine {
				ill = append(ill, g)
				continue
			}
		}
		well = append(well, g)
	}
	return append(well, ill...)
}

// State is what one gateway tells of itself.
type State struct {
	Name string
	Well bool
	Why  string // of one that is not well: a fixed word
}

// States lists the gateways.
func (c *Chain) States() (out []State) {
	for _, g := range c.list {
		s := State{Name: g.Name, Well: true}
		if h, ok := g.Sender.(Health); ok {
			s.Well, s.Why = h.Well()
		}
		out = append(out, s)
	}
	return out
}

// Close closes those gateways that can be closed.
func (c *Chain) Close() error {
	var errs []error
	for _, g := range c.list {
		if closer, ok := g.Sender.(io.Closer); ok {
			errs = append(errs, closer.Close())
		}
	}
	return errors.Join(errs...)
}
