package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// DayFigures is what a hall's day came to: the detail of its record.
type DayFigures struct {
	Tickets  int                      `json:"tickets"`
	Kinds    map[counter.Kind]int     `json:"kinds"`
	Results  map[counter.Result]int   `json:"results"`
	OnSite   int                      `json:"on_site"` // units of the day's on-site numbers, and of unsold ones
	Unsold   int                      `json:"unsold"`
	Settled  int                      `json:"settled"` // tickets that were not over when the day ended
	NoShows  int                      `json:"no_shows"`
	Refused  int                      `json:"refused"` // arrivals refused
	Waits    Waits                    `json:"waits"`   // of everybody who was called
	Queues   map[string]*QueueFigures `json:"queues"`
	Counters int                      `json:"counters"` // that somebody sat at
}

// QueueFigures is a day of one queue.
type QueueFigures struct {
	Tickets int   `json:"tickets"`
	Done    int   `json:"done"`
	Units   int   `json:"units"` // of business that was done
	Waits   Waits `json:"waits"`
}

// Waits sums up waiting, in seconds: from the booked hour or the coming, whichever is later, to the first call.
type Waits struct {
	Called int `json:"called"`
	Median int `json:"median"`
	P90    int `json:"p90"`
	Most   int `json:"most"`
}

func waitsOf(list []time.Duration) Waits {
	if len(list) == 0 {
		return Waits{}
	}
	slices.Sort(list)
	at := func(p int) int { return int(list[(len(list)-1)*p/100] / time.Second) }
	return Waits{Called: len(list), Median: at(50), P90: at(90), Most: at(100)}
}

// DayRecord is the day of a hall as it ended.
type DayRecord struct {
	HallID  string
	Date    calendar.Date
	Figures DayFigures
	Digest  string // SHA-256 over every ticket of the day
	Sealed  time.Time
}

// EndDay ends a hall's day: who was never called again or still waits is settled by rule, every counter is
// closed, and the record is written with a digest over all tickets. From then on nothing of the day changes.
// A day that has ended is left as it is.
func (a *App) EndDay(ctx context.Context, hall string, date calendar.Date) (DayRecord, error) {
	if a.City().Hall(hall) == nil {
		return DayRecord{}, fault.New(fault.HallNotFound)
	}
	_, err := a.endDay(ctx, hall, date, true)
	if err != nil {
		return DayRecord{}, a.told(err)
	}
	return a.DayRecord(ctx, hall, date)
}

// DayRecord returns the record of a day that has ended.
func (a *App) DayRecord(ctx context.Context, hall string, date calendar.Date) (r DayRecord, err error) {
	var row *store.DayRecord
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.DayRecord(ctx, hall, date)
		return err
	}); err != nil {
		return r, err
	}
	if row == nil {
		return r, fault.New(fault.EntryNotFound)
	}
	r = DayRecord{HallID: hall, Date: date, Digest: row.Digest, Sealed: row.Sealed}
	return r, json.Unmarshal(row.Detail, &r.Figures)
}

// errServing says that people are still being served.
var errServing = errors.New("app: people are still being served")

// endDay ends a day; without force not while people are in the hall and a counter in touch is open.
func (a *App) endDay(ctx context.Context, hall string, date calendar.Date, force bool) (ended bool, err error) {
	err = a.onFloor(ctx, By{}, hall, date, func(d *day) error {
		ended = false
		now := d.tx.Now
		open := slices.Collect(ticketsOf(d.Floor))
		slices.SortFunc(open, func(x, y *counter.Ticket) int { return strings.Compare(x.Number, y.Number) })
		inside := slices.ContainsFunc(open, func(t *counter.Ticket) bool { return t.State != counter.Passed }) // who was passed may be home
		for _, s := range d.Seats {
			if !force && inside && s.State == counter.SeatOpen && now.Sub(s.Seen) < d.Rules.OffGrid {
				return errServing
			}
		}
		for _, t := range open {
			act := counter.Act{Kind: counter.Settle, Ticket: t.ID}
			if d.opensCase(t) { // nobody has said that it was accepted (Art. 20)
				act.Result = counter.Incomplete
			}
			if err := d.apply(ctx, now, act, ""); err != nil {
				return err
			}
		}
		for _, s := range d.Seats {
			if s.State != counter.SeatClosed {
				s.Standby = []string{}
				s.State, s.Since = counter.SeatClosed, now
				d.seats[s.Counter] = true
			}
		}
		ended = true
		d.last = func(ctx context.Context) error { return d.seal(ctx, len(open)) }
		return nil
	})
	switch {
	case fault.CodeOf(err) == fault.DaySealed || errors.Is(err, errServing):
		return false, nil
	}
	return ended && err == nil, err
}

func ticketsOf(f *counter.Floor) func(yield func(*counter.Ticket) bool) {
	return func(yield func(*counter.Ticket) bool) {
		for _, t := range f.Tickets {
			if !yield(t) {
				return
			}
		}
	}
}

// seal writes the record of a day whose tickets are all over, and what it completed (Art. 15).
func (d *day) seal(ctx context.Context, settled int) error {
	list, err := d.tx.TicketsOn(ctx, d.HallID, d.Date)
	if err != nil {
		return err
	}
	booked, err := d.tx.BookingsOn(ctx, d.HallID, d.a.queueIDs(d.HallID), d.Date)
	if err != nil {
		return err
	}
	refused, err := d.tx.RefusedArrivals(ctx, d.HallID, d.Date.At(0, 0), (d.Date+1).At(0, 0))
	if err != nil {
		return err
	}
	f := figures(list)
	f.Settled, f.Refused, f.Counters = settled, len(refused), len(d.Seats)
	for _, b := range booked {
		if b.State == booking.NoShow {
			f.NoShows++
		}
	}
	if err := d.completed(ctx, f); err != nil {
		return err
	}
	sealed, err := d.tx.SealFloor(ctx, d.HallID, d.Date)
	if err != nil {
		return err
	}
	if !sealed {
		return fault.New(fault.DaySealed)
	}
	return d.tx.AddDayRecord(ctx, store.DayRecord{HallID: d.HallID, Date: d.Date, Detail: asJSON(f), Digest: digestOf(list)})
}

// completed keeps what the queues of a day completed, from its tickets: an own count of the hall, or of a
// connected system, stands.
func (d *day) completed(ctx context.Context, f DayFigures) error {
	var list []store.Completed
	for queue, q := range f.Queues {
		known, err := d.tx.CompletedOf(ctx, d.HallID, queue, d.Date, d.Date+1)
		if err != nil {
			return err
		}
		if len(known) == 0 || known[0].Source == fromTickets {
			list = append(list, store.Completed{HallID: d.HallID, QueueID: queue, Date: d.Date, N: q.Units, Source: fromTickets})
		}
	}
	return d.tx.SaveCompleted(ctx, list)
}

// fromTickets is the source of what was completed as the day's tickets tell it.
const fromTickets = "tickets"

func figures(list []*counter.Ticket) DayFigures {
	f := DayFigures{Kinds: map[counter.Kind]int{}, Results: map[counter.Result]int{}, Queues: map[string]*QueueFigures{}}
	var all []time.Duration
	waits := map[string][]time.Duration{}
	for _, t := range list {
		q := f.Queues[t.QueueID]
		if q == nil {
			q = &QueueFigures{}
			f.Queues[t.QueueID] = q
		}
		f.Tickets++
		q.Tickets++
		f.Kinds[t.Kind]++
		f.Results[t.Result]++
		switch t.Share {
		case counter.OnSite:
			f.OnSite += t.Units
		case counter.Unsold:
			f.Unsold += t.Units
		}
		if t.State == counter.Done {
			q.Done++
		}
		if t.Result == counter.Finished {
			q.Units += t.Units
		}
		if !t.FirstAt.IsZero() {
			w := t.Waited(t.FirstAt)
			all, waits[t.QueueID] = append(all, w), append(waits[t.QueueID], w)
		}
	}
	f.Waits = waitsOf(all)
	for id, q := range f.Queues {
		q.Waits = waitsOf(waits[id])
	}
	return f
}

// digestOf sums up every ticket of a day, in order of number. Who somebody is is no part of it, so that
// personal data can be sealed anew, or forgotten.
func digestOf(list []*counter.Ticket) string {
	h := sha256.New()
	for _, t := range list {
		fmt.Fprintf(h, "%q\n", []string{
			t.ID, t.HallID, t.Date.String(), t.QueueID, t.Number, string(t.Kind), string(t.Share), t.SlotID, fmt.Sprint(t.Hour), t.Booking, t.Instead, t.Item,
			string(t.Stage), fmt.Sprint(t.Units), t.Verified, t.Channel, string(t.State), t.Counter, string(t.Result), instantText(t.IssuedAt), instantText(t.PlaceAt),
			fmt.Sprint(t.After), instantText(t.FirstAt), instantText(t.CalledAt), instantText(t.EndedAt), fmt.Sprint(t.Calls), fmt.Sprint(t.Passes),
			fmt.Sprint(t.Early), fmt.Sprint(t.Late), fmt.Sprint(t.Version),
		})
	}
	return hex.EncodeToString(h.Sum(nil))
}

func instantText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// recountDays holds every day that has ended against the digest of its tickets, a hall at a time on all cores. bad is called
// by one at a time, in order of hall and date.
func (a *App) recountDays(ctx context.Context, bad func(line string)) error {
	var halls []string
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		halls, err = tx.DigestedHalls(ctx)
		return err
	}); err != nil {
		return err
	}
	var mu sync.Mutex
	found := map[string][]string{}
	err := onAllCores(ctx, halls, func(ctx context.Context, hall string) error {
		var lines []string
		err := a.db.View(ctx, func(tx *store.Tx) error {
			lines = nil
			days, err := tx.DayDigests(ctx, hall)
			if err != nil {
				return err
			}
			for _, d := range days {
				list, err := tx.TicketsOn(ctx, hall, d.Date)
				if err != nil {
					return err
				}
				if digestOf(list) != d.Digest {
					lines = append(lines, fmt.Sprintf("%s %s: its tickets are not those that were sealed", hall, d.Date))
				}
			}
			return nil
		})
		if len(lines) > 0 {
			mu.Lock()
			defer mu.Unlock()
			found[hall] = lines
		}
		return err
	})
	for _, hall := range halls {
		for _, line := range found[hall] {
			bad(line)
		}
	}
	return err
}

// MadeDay is the record of a day that was made and not lived: what its tickets, in order of number, come to, and the
// digest over them.
func MadeDay(tickets []*counter.Ticket, noShows, counters int) (detail json.RawMessage, digest string) {
	f := figures(tickets)
	f.NoShows, f.Counters = noShows, counters
	return asJSON(f), digestOf(tickets)
}

// endAtOnce is as many days as one run of EndDays ends.
const endAtOnce = 200

// EndDays ends the days that are due: Rules.EndsAfter after the end of the hall's last hour, later as long as
// somebody is served, and all that are over. It may be run at any time, by several nodes at once, and stopped
// in the middle.
func (a *App) EndDays(ctx context.Context) (ended int, more bool, err error) {
	now := a.now()
	today := calendar.DateOf(now)
	var open []store.FloorRef
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		open, err = tx.OpenFloors(ctx, today, 1<<20)
		return err
	}); err != nil {
		return 0, false, err
	}
	for _, f := range open {
		due, err := a.endsAt(ctx, f.HallID, f.Date)
		if err != nil {
			return ended, false, err
		}
		if now.Before(due) {
			continue
		}
		if ended == endAtOnce {
			return ended, true, nil
		}
		const longest = 4 * time.Hour // nobody is served for longer after hours
		done, err := a.endDay(ctx, f.HallID, f.Date, f.Date < today || now.Sub(due) > longest)
		if err != nil {
			return ended, false, fmt.Errorf("day of %s: %w", f.HallID, err)
		}
		if done {
			ended++
		}
	}
	return ended, false, nil
}

// endsAt is when a hall's day is due to end: at midnight for a day without hours.
func (a *App) endsAt(ctx context.Context, hall string, date calendar.Date) (time.Time, error) {
	if date < calendar.DateOf(a.now()) {
		return (date + 1).At(0, 0), nil
	}
	last := -1
	for _, q := range a.City().QueuesAt(hall) {
		if b := a.board.queue(q.ID); b != nil {
			for s := range b.all() {
				if _, _, closed := s.read(); s.date == date && !closed {
					last = max(last, int(s.hour))
				}
			}
		}
	}
	if last < 0 {
		return (date + 1).At(0, 0), nil
	}
	rules, err := a.HallRules(ctx, hall)
	return date.At(last+1, 0).Add(rules.EndsAfter), err
}
