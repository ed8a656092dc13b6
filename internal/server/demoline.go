package server

import (
	"context"
	"fmt"
	"sync"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/store"
)

// The lines of a demonstration (Art. 15, 16): two queues nobody gets a number of any more. Real estate in a
// district's hall is drawn at noon, has a line that is served before, and stands alerted; the services of a
// village have a line that one more person makes too long.
const (
	demoDrawn  = "440103000000-estate" // the queue whose releases are drawn
	demoDaily  = 28                    // its numbers a day: two counters, four an hour
	demoEarly  = 12                    // of its line want the day that is released next
	demoBeyond = 8                     // more than an alert needs
	demoAhead  = 28                    // days looked at
	demoPeople = 100_000               // number of the first of those people
)

// switchDraw has the releases of one queue drawn, where the city has it, and makes it small enough to be played.
func (s *Server) switchDraw(ctx context.Context) error {
	q := s.app.City().Queue(demoDrawn)
	if q == nil {
		return nil
	}
	drawn := *q
	drawn.Draw, drawn.DailyAverage, drawn.AverageSource = true, demoDaily, "演示：两个窗口，每小时四个号"
	if err := s.db.Update(ctx, func(tx *store.Tx) error { return tx.SaveQueues(ctx, []directory.Queue{drawn}) }); err != nil {
		return err
	}
	return s.app.Reload(ctx)
}

// pressed is a queue that is sold out, and how many wait there.
type pressed struct {
	offers []*directory.Offering
	dates  []calendar.Date // released, and the weekends between: these days suit them
	next   []calendar.Date // yet to be released: these suit the first few
	wait   int
}

// makeLines sells two queues out and lets people wait for them.
func (s *Server) makeLines(ctx context.Context) error {
	if _, err := s.app.PublishDraws(ctx); err != nil {
		return err
	}
	keys, err := openKeys(ctx, s.cfg.Data, s.db)
	if err != nil {
		return err
	}
	person := demoPeople
	next := func() identity.Person {
		p := extra(person)
		p.Key = identity.Key(keys.Lookup("person", p.Document.Canonical("")))
		person++
		return p
	}
	village, err := s.villageQueue(ctx)
	if err != nil {
		return err
	}
	for _, id := range []string{demoDrawn, village} {
		if q := s.app.City().Queue(id); q != nil && q.Open {
			if err := s.press(ctx, q, next); err != nil {
				return err
			}
		}
	}
	_, err = s.app.CheckAlerts(ctx)
	return err
}

// villageQueue is the general queue of the village hall a ready administrator answers for, "" for none.
func (s *Server) villageQueue(ctx context.Context) (string, error) {
	accounts, _, err := s.app.DemoAccounts(ctx)
	for _, who := range accounts {
		if hall := s.app.City().MainHall(who.Unit); who.Rank == account.District3 && hall != nil {
			return hall.ID + "-" + directory.GeneralLine, err
		}
	}
	return "", err
}

// nextDraw is when the next release of a queue is drawn, zero for never.
func (s *Server) nextDraw(ctx context.Context, queue string) (at time.Time, err error) {
	list, err := s.app.Draws(ctx, queue)
	for _, d := range list { // newest first
		if d.Release.After(s.clock.Now()) {
			at = d.Release
		}
	}
	return at, err
}

// press books what a queue has left, whoever next gives, and puts people into its line.
func (s *Server) press(ctx context.Context, q *directory.Queue, next func() identity.Person) error {
	p := pressed{}
	for _, o := range s.app.City().OffersAt(q.HallID) {
		if it := s.app.City().Item(o.ItemCode); o.QueueID == q.ID && o.Stages.Has(directory.Acceptance) && it != nil && it.Category != directory.ThemeCategory {
			p.offers = append(p.offers, o)
		}
	}
	if len(p.offers) == 0 {
		return nil
	}
	var free []string
	var hours []int
	release, err := s.nextDraw(ctx, q.ID)
	if err != nil {
		return err
	}
	for _, day := range s.app.Days(q.ID, demoAhead) {
		switch {
		case day.State == app.DayNotReleased && (day.From.Equal(release) || release.IsZero() && len(p.next) == 0):
			p.next = append(p.next, day.Date)
		case day.State != app.DayNotReleased && len(p.next) == 0:
			p.dates = append(p.dates, day.Date)
		}
		if len(day.Slots) > 0 {
			hours = nil
		}
		for _, slot := range day.Slots {
			hours = append(hours, slot.Hour)
			for range slot.Free {
				free = append(free, slot.ID)
			}
		}
	}
	p.wait = len(free)
	if q.Draw {
		p.wait += demoDaily + demoBeyond // after the next release, too
	}
	var mu sync.Mutex
	fill := func(n int, do func(i int, who *identity.Session, item string) error) error {
		var wg sync.WaitGroup
		var failed error
		gate := make(chan struct{}, 64)
		for i := range n {
			who, item := &identity.Session{Person: next()}, p.offers[i%len(p.offers)].ItemCode
			gate <- struct{}{}
			wg.Go(func() {
				defer func() { <-gate }()
				if err := do(i, who, item); err != nil {
					mu.Lock()
					defer mu.Unlock()
					failed = err
				}
			})
		}
		wg.Wait()
		return failed
	}
	if err := fill(len(free), func(i int, who *identity.Session, item string) error {
		_, err := s.app.Book(ctx, who, app.BookRequest{
			Key: fmt.Sprintf("demo-full-%s-%d", q.Line, i), Item: item, SlotID: free[i], Stage: directory.Acceptance, Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
		})
		if fault.CodeOf(err) == fault.SoldOut { // by a run that was broken off
			err = nil
		}
		return err
	}); err != nil {
		return fmt.Errorf("sell %s out: %w", q.ID, err)
	}
	join := func(from, n int, dates []calendar.Date) error {
		return fill(n, func(i int, who *identity.Session, item string) error {
			_, err := s.app.JoinWait(ctx, who, app.WaitRequest{
				Key: fmt.Sprintf("demo-line-%s-%d", q.Line, from+i), Item: item, Stage: directory.Acceptance, Channel: booking.Web, Applicant: app.Applicant{Kind: booking.Self},
				Wants: app.Wants{Halls: []string{q.HallID}, Dates: dates, Hours: hours},
			})
			return err
		})
	}
	first := 0
	if q.Draw && len(p.next) > 0 {
		first = min(demoEarly, p.wait)
		if err := join(0, first, p.next); err != nil {
			return fmt.Errorf("line of %s: %w", q.ID, err)
		}
	}
	if err := join(first, p.wait-first, p.dates); err != nil {
		return fmt.Errorf("line of %s: %w", q.ID, err)
	}
	return nil
}
