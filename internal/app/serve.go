package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/theme"
	"suiyue/internal/store"
)

// CounterView is what a counter's page shows. It is also the answer to its heartbeat: whoever asks for it
// is heard of.
type CounterView struct {
	Hall    *directory.Hall
	Counter *directory.Counter
	Seat    *counter.Seat // nil while nobody has opened it today
	Mine    bool          // whoever asks sits at it
	At      *TicketView   // called to it now
	Cases   []ListedCase  // of the batch at it, one after the other (Art. 19); none for any other number
	// Checklist is the theme whoever is at the counter is to be accepted for, with the one list of materials for
	// all its steps (Art. 20); nil for anything else.
	Checklist *theme.Theme
	Held      []TicketView // set aside by it
	Line      []LineView   // of its queues, in the order in which they will be called, at most MostLine
	Waiting   int          // how long that line is
	Passed    []TicketView // of its queues: called, not there
	Standby   []TicketView // whom it calls by itself if it is cut off, in order
	Hours     []HourView   // of its queues today
	Rules     counter.Rules
	Now       time.Time // the server's
	Sealed    bool
	Version   int64 // of the hall's day
}

// MostLine is how many of a line a CounterView has.
const MostLine = 50

// LineView is one place of a line and why it is there.
type LineView struct {
	TicketView
	Why counter.Why
}

// HourView is one hour of today: how many units are booked for it and have not come yet, and have.
type HourView struct {
	Hour    int
	Booked  int // not here yet
	Arrived int
	Missed  int
	Unsold  int // numbers nobody has
}

// CounterView returns a counter as its page shows it, and keeps that it was heard of.
func (a *App) CounterView(ctx context.Context, ad *Admin, hall, id string) (v CounterView, err error) {
	c, err := a.atCounter(ad, hall, id)
	if err != nil {
		return v, err
	}
	f, err := a.liveFloor(ctx, hall)
	if err != nil {
		return v, err
	}
	if v, err = a.counterView(ctx, ad, f, c); err != nil || !v.Mine || v.Sealed {
		return v, err
	}
	a.floors.hear(hall, id, a.now())
	if told := f.Seats[id].Standby; !slices.Equal(told, f.Standby(a.now(), id)) {
		return a.standBy(ctx, ad, c, v)
	}
	return v, nil
}

func (a *App) atCounter(ad *Admin, hall, id string) (*directory.Counter, error) {
	if err := a.Allow(ad, account.Serve, hall); err != nil {
		return nil, err
	}
	c := a.counter(hall, id)
	if c == nil {
		return nil, fault.New(fault.CounterNotFound)
	}
	return c, nil
}

// counterView shows a counter of a floor.
func (a *App) counterView(ctx context.Context, ad *Admin, f *counter.Floor, c *directory.Counter) (v CounterView, err error) {
	now := a.now()
	v = CounterView{
		Hall: a.City().Hall(f.HallID), Counter: c, Rules: f.Rules, Now: now, Sealed: f.Sealed, Version: f.Revision,
	}
	queues := c.Queues
	if s := f.Seats[c.ID]; s != nil {
		kept := *s
		v.Seat = &kept
		v.Mine = s.State != counter.SeatClosed && s.Account == ad.Account.ID
		if s.State != counter.SeatClosed {
			queues = s.Queues
		}
	}
	show := func(t *counter.Ticket) TicketView {
		view, bad := a.ticketView(now, nil, t)
		err = errors.Join(err, bad)
		return view
	}
	order, waits := f.Order(now, queues), f.ForetellAll(now, a.pasts(f.HallID))
	v.Waiting = len(order)
	for i, p := range order[:min(len(order), MostLine)] {
		line := LineView{show(p.Ticket), p.Why}
		line.Ahead = i
		line.Wait = waits[p.ID]
		v.Line = append(v.Line, line)
	}
	for _, t := range f.Tickets {
		switch {
		case t.Counter == c.ID && t.State == counter.Called:
			at := show(t)
			v.At = &at
		case t.Counter == c.ID && t.State == counter.Held:
			v.Held = append(v.Held, show(t))
		case t.State == counter.Passed && slices.Contains(queues, t.QueueID):
			v.Passed = append(v.Passed, show(t))
		}
	}
	byCall := func(x, y TicketView) int { return x.Ticket.CalledAt.Compare(y.Ticket.CalledAt) }
	slices.SortFunc(v.Held, byCall)
	slices.SortFunc(v.Passed, byCall)
	if v.Seat != nil {
		for _, id := range v.Seat.Standby {
			if t := f.Tickets[id]; t != nil && t.State == counter.Waiting {
				v.Standby = append(v.Standby, show(t))
			}
		}
	}
	if err != nil {
		return v, err
	}
	if v.At != nil {
		if v.Cases, err = a.casesAt(ctx, &v.At.Ticket); err != nil {
			return v, err
		}
	}
	if v.At != nil && v.At.Ticket.Stage == directory.Acceptance {
		if v.Checklist, err = a.ThemeOf(ctx, v.At.Item); err != nil {
			return v, err
		}
	}
	v.Hours, err = a.hoursOf(ctx, f, queues)
	return v, err
}

func (a *App) hoursOf(ctx context.Context, f *counter.Floor, queues []string) ([]HourView, error) {
	hours := map[int]*HourView{}
	at := func(h int) *HourView {
		if hours[h] == nil {
			hours[h] = &HourView{Hour: h}
		}
		return hours[h]
	}
	list, err := a.hourCounts(ctx, f.HallID)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if !slices.Contains(queues, c.QueueID) {
			continue
		}
		switch c.State {
		case booking.Booked:
			at(c.Hour).Booked += c.N
		case booking.Arrived, booking.Done:
			at(c.Hour).Arrived += c.N
		case booking.NoShow:
			at(c.Hour).Missed += c.N
		}
	}
	for _, id := range queues {
		if q := a.board.queue(id); q != nil {
			for s := range q.all() {
				if capacity, taken, closed := s.read(); s.date == f.Date && !closed {
					at(int(s.hour)).Unsold += capacity - taken
				}
			}
		}
	}
	return slices.SortedFunc(func(yield func(HourView) bool) {
		for _, h := range hours {
			if !yield(*h) {
				return
			}
		}
	}, func(x, y HourView) int { return cmp.Compare(x.Hour, y.Hour) }), nil
}

// standBy tells a counter whom it calls by itself if it is cut off: kept before it is told, and dealt by one
// after the other, so that nobody stands with two counters.
func (a *App) standBy(ctx context.Context, ad *Admin, c *directory.Counter, v CounterView) (CounterView, error) {
	today := calendar.DateOf(a.now())
	var f *counter.Floor
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		f = nil
		row, err := tx.StandOnFloor(ctx, c.HallID, today)
		if err != nil || row == nil {
			return err
		}
		now, err := a.floorOf(ctx, tx, row)
		if err != nil {
			return err
		}
		s := now.Seats[c.ID]
		if s == nil || s.State == counter.SeatClosed || s.Account != ad.Account.ID || now.Sealed {
			return nil
		}
		s.Seen = tx.Now
		s.Standby = now.Standby(tx.Now, c.ID)
		f = now
		return tx.SaveSeat(ctx, c.HallID, today, s)
	})
	if err != nil || f == nil {
		return v, err
	}
	a.floors.keep(f, a.now())
	return a.counterView(ctx, ad, f, c)
}

// OpenCounter sits down at a counter and calls from the queues given, nil for all of the counter's. Whoever
// sits at another counter of the hall leaves that, unless somebody is at it. A counter of somebody else
// cannot be had while it is open, unless it was not heard of for so long that it may no longer be working.
func (a *App) OpenCounter(ctx context.Context, ad *Admin, hall, id string, queues []string) (CounterView, error) {
	v, err := a.openCounter(ctx, ad, hall, id, queues)
	return v, a.told(err)
}

func (a *App) openCounter(ctx context.Context, ad *Admin, hall, id string, queues []string) (v CounterView, err error) {
	c, err := a.atCounter(ad, hall, id)
	if err != nil {
		return v, err
	}
	if !c.Open || a.City().Hall(hall) == nil || !a.City().Hall(hall).Open {
		return v, fault.New(fault.HallShut)
	}
	if len(queues) == 0 {
		queues = c.Queues
	}
	for _, q := range queues {
		if !slices.Contains(c.Queues, q) {
			return v, fault.InvalidFields(fault.Field{Path: "queues", Code: fault.NotOneOf})
		}
	}
	queues = slices.Compact(slices.Sorted(slices.Values(queues)))
	return a.sit(ctx, ad, hall, c, "counter.open", func(d *day) error {
		now := d.tx.Now
		s := d.Seats[id]
		if s != nil && s.State != counter.SeatClosed && s.Account != ad.Account.ID && now.Sub(s.Seen) <= d.Rules.OffGrid {
			return fault.New(fault.CounterTaken)
		}
		for _, other := range d.Seats {
			if other.Counter != id && other.Account == ad.Account.ID && other.State != counter.SeatClosed {
				if err := d.leave(ctx, other); err != nil {
					return err
				}
			}
		}
		if s == nil || s.State == counter.SeatClosed || s.Account != ad.Account.ID {
			s = &counter.Seat{Counter: id, Label: c.Label, Account: ad.Account.ID, Opened: now, Standby: []string{}}
			d.Seats[id] = s
		}
		s.Queues, s.Seen = queues, now
		d.turn(s, counter.SeatOpen)
		return nil
	})
}

// PauseCounter stops calling for a while; whoever is at the counter stays there.
func (a *App) PauseCounter(ctx context.Context, ad *Admin, hall, id string) (CounterView, error) {
	return a.seatTo(ctx, ad, hall, id, counter.SeatPaused)
}

// ResumeCounter goes on after a pause.
func (a *App) ResumeCounter(ctx context.Context, ad *Admin, hall, id string) (CounterView, error) {
	return a.seatTo(ctx, ad, hall, id, counter.SeatOpen)
}

// CloseCounter gets up. Nobody may be at the counter; those it has set aside wait for another one, with
// their place.
func (a *App) CloseCounter(ctx context.Context, ad *Admin, hall, id string) (CounterView, error) {
	return a.seatTo(ctx, ad, hall, id, counter.SeatClosed)
}

func (a *App) seatTo(ctx context.Context, ad *Admin, hall, id string, to counter.SeatState) (CounterView, error) {
	c, err := a.atCounter(ad, hall, id)
	if err != nil {
		return CounterView{}, a.told(err)
	}
	act := map[counter.SeatState]string{counter.SeatPaused: "counter.pause", counter.SeatOpen: "counter.resume", counter.SeatClosed: "counter.close"}[to]
	v, err := a.sit(ctx, ad, hall, c, act, func(d *day) error {
		s, err := d.mine(id)
		if err != nil {
			return err
		}
		if s.State == to {
			return errStands
		}
		if to == counter.SeatClosed {
			return d.leave(ctx, s)
		}
		d.turn(s, to)
		return nil
	})
	return v, a.told(err)
}

// sit changes who sits at a counter, with an audit record.
func (a *App) sit(ctx context.Context, ad *Admin, hall string, c *directory.Counter, act string, fn func(d *day) error) (CounterView, error) {
	var f *counter.Floor
	err := a.onFloor(ctx, By{Admin: ad, Channel: AtDesk}, hall, calendar.DateOf(a.now()), func(d *day) error {
		if err := fn(d); err != nil {
			return err
		}
		rec := ad.record(act, "counter", hall+" "+c.ID)
		rec.Hall = hall
		if s := d.Seats[c.ID]; s != nil {
			rec.After = asJSON(map[string]any{"state": s.State, "queues": s.Queues})
		}
		d.audit = &rec
		f = d.Floor
		return nil
	})
	return a.after(ctx, ad, hall, c, f, err)
}

// after answers an act at a counter with the counter as it left it.
func (a *App) after(ctx context.Context, ad *Admin, hall string, c *directory.Counter, f *counter.Floor, err error) (CounterView, error) {
	switch {
	case errors.Is(err, errStands): // it was so already
		return a.CounterView(ctx, ad, hall, c.ID)
	case err != nil:
		return CounterView{}, err
	}
	a.floors.hear(hall, c.ID, a.now())
	return a.counterView(ctx, ad, f, c)
}

// mine returns the seat of whoever acts at a counter, or says why it is not theirs.
func (d *day) mine(id string) (*counter.Seat, error) {
	s := d.Seats[id]
	switch {
	case s == nil || s.State == counter.SeatClosed:
		return nil, fault.New(fault.CounterClosed)
	case d.by.Admin == nil || s.Account != d.by.Admin.Account.ID:
		return nil, fault.New(fault.CounterTaken)
	}
	return s, nil
}

// turn sets the state of a seat.
func (d *day) turn(s *counter.Seat, to counter.SeatState) {
	if s.State != to {
		s.State, s.Since = to, d.tx.Now
	}
	s.Seen = d.tx.Now
	d.seats[s.Counter] = true
}

// leave closes a seat.
func (d *day) leave(ctx context.Context, s *counter.Seat) error {
	if d.At(s.Counter) != nil {
		return fault.New(fault.CounterBusy)
	}
	for _, t := range d.Tickets {
		if t.State == counter.Held && t.Counter == s.Counter {
			if err := d.apply(ctx, d.tx.Now, counter.Act{Kind: counter.Return, Ticket: t.ID}, "closed"); err != nil {
				return err
			}
		}
	}
	s.Standby = []string{}
	d.turn(s, counter.SeatClosed)
	return nil
}

// Serve does an act at a counter: call, recall, pass, hold, return, transfer, finish. key makes it happen
// once, however often it is asked for; the same key for another act is refused. Two counters that call at
// the same time never get the same person.
func (a *App) Serve(ctx context.Context, ad *Admin, hall, id string, act counter.Act, key string) (CounterView, error) {
	v, err := a.serve(ctx, ad, hall, id, act, key)
	return v, a.told(err)
}

func (a *App) serve(ctx context.Context, ad *Admin, hall, id string, act counter.Act, key string) (v CounterView, err error) {
	c, err := a.atCounter(ad, hall, id)
	if err != nil {
		return v, err
	}
	if err := checkKey(key); err != nil {
		return v, err
	}
	act.Counter = id
	switch act.Kind {
	case counter.Call, counter.Recall, counter.Pass, counter.Hold, counter.Return, counter.Transfer, counter.Finish:
	default:
		return v, fault.InvalidFields(fault.Field{Path: "act", Code: fault.NotOneOf})
	}
	hash := actHash(act)
	var f *counter.Floor
	err = a.onFloor(ctx, By{Admin: ad, Channel: AtDesk}, hall, calendar.DateOf(a.now()), func(d *day) error {
		done, err := d.tx.FloorAct(ctx, hall, key)
		switch {
		case err != nil:
			return err
		case done != nil && done.Hash != hash:
			return fault.New(fault.KeyReused)
		case done != nil:
			return errStands
		}
		s, err := d.mine(id)
		if err != nil {
			return err
		}
		ticket, err := d.serve(ctx, d.tx.Now, act, "")
		if err != nil {
			return err
		}
		s.Seen = d.tx.Now
		d.seats[id] = true
		if err := d.tx.AddFloorAct(ctx, store.FloorAct{HallID: hall, Key: key, Hash: hash, Ticket: ticket}); err != nil {
			return err
		}
		f = d.Floor
		return nil
	})
	return a.after(ctx, ad, hall, c, f, err)
}

// serve does an act of a counter and returns the ticket it came to.
func (d *day) serve(ctx context.Context, at time.Time, act counter.Act, detail string) (ticket string, err error) {
	switch act.Kind {
	case counter.Finish:
		detail = strings.TrimSpace(string(act.Result) + " " + detail)
	case counter.Transfer:
		if t := d.Tickets[act.Ticket]; t != nil {
			detail = strings.TrimSpace(t.QueueID + " " + detail)
		}
	}
	if act.Ticket == "" && act.Kind != counter.Call { // whoever is at the counter
		if t := d.At(act.Counter); t != nil {
			act.Ticket = t.ID
		}
	}
	if err := d.apply(ctx, at, act, detail); err != nil {
		return "", err
	}
	if act.Kind == counter.Call {
		if t := d.At(act.Counter); t != nil {
			return t.ID, nil
		}
		return "", nil
	}
	return act.Ticket, nil
}

func actHash(act counter.Act) string {
	return digest("act", string(act.Kind), act.Ticket, act.Counter, act.Queue, string(act.Result))
}
