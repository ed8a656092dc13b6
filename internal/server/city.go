package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"suiyue/data"
	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/gate/identity/testpeople"
	"suiyue/internal/jobs"
	"suiyue/internal/store"
	"suiyue/internal/web"
)

// Progress is told how far a step of long work is; all is 0 where that is not known.
type Progress func(step string, done, all int)

// ErrNotDemo says that a database holds a city that no demonstration made.
var ErrNotDemo = errors.New("this database holds a city that no demonstration made: it is left alone")

// MakeCity fills the database of a demonstration: the city from files (nil = the one in the binary),
// its slots, and people who have booked some of them. What is there already stays; a second call with
// the same database does nothing and takes no time. It refuses a database that is not a demonstration's.
func (s *Server) MakeCity(ctx context.Context, files fs.FS, progress Progress) error {
	if files == nil {
		files = data.Files
	}
	if progress == nil {
		progress = func(string, int, int) {}
	}
	made, err := s.claimCity(ctx)
	if err != nil {
		return err
	}
	if made {
		return s.makeAdmins(ctx)
	}
	report, err := s.app.Import(ctx, files, app.ImportProgress(func(_ string, done, all int) { progress("city", done, all) }))
	if err != nil {
		if len(report.Faults) > 0 {
			f := report.Faults[0]
			return fmt.Errorf("%w: %s line %d %s: %s, and %d more", err, f.File, f.Line, f.Column, f.Code, len(report.Faults)-1)
		}
		return fmt.Errorf("import the city: %w", err)
	}
	if err := s.switchDraw(ctx); err != nil {
		return fmt.Errorf("draw of the demonstration: %w", err)
	}
	if _, err := s.app.Prepare(ctx, func(done, all int) { progress("slots", done, all) }); err != nil {
		return err
	}
	if err := s.bringLife(ctx, progress); err != nil {
		return fmt.Errorf("bookings of the demonstration: %w", err)
	}
	if err := s.makeAdmins(ctx); err != nil {
		return fmt.Errorf("administrators of the demonstration: %w", err)
	}
	if err := errors.Join(s.makeHistory(ctx), s.makeRequests(ctx)); err != nil {
		return fmt.Errorf("requests of the demonstration: %w", err)
	}
	figures := make(chan error, 1) // they take a processor each
	go func() { figures <- s.makeFigures(ctx) }()
	err = s.makeWaits(ctx)
	if err := errors.Join(err, <-figures); err != nil {
		return fmt.Errorf("waits and figures of the demonstration: %w", err)
	}
	if err := errors.Join(s.makeLines(ctx), s.makeCases(ctx)); err != nil {
		return fmt.Errorf("lines and cases of the demonstration: %w", err)
	}
	if err := s.tellNobody(ctx, 0, func(string, int, int) {}); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.NextBlock(ctx, demoMade, 1)
		return err
	})
}

// Counters that mark the database of a demonstration: made in it, and made whole.
const (
	demoBegun = "demo begun"
	demoMade  = "demo made"
)

// claimCity marks the database as a demonstration's and tells whether its city is whole already.
func (s *Server) claimCity(ctx context.Context) (made bool, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		begun, err := tx.NextBlock(ctx, demoBegun, 0) // 1 when it has never been counted
		if err != nil {
			return err
		}
		whole, err := tx.NextBlock(ctx, demoMade, 0)
		if err != nil {
			return err
		}
		if made = whole > 1; begun > 1 {
			return nil
		}
		city, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		if len(city.Halls) > 0 {
			return ErrNotDemo
		}
		_, err = tx.NextBlock(ctx, demoBegun, 1)
		return err
	})
	return made, err
}

// crowd says how full the queues of a line are made: share of the numbers of each hour, over the
// first days that have any, in one of every so many halls. It is drawn up to a fifth either way: 1.3 is full.
type crowd struct {
	level directory.HallLevel
	line  string
	share float64
	days  int
	every int
}

// A city as people know it: weddings are booked out, tomorrow's household counters too, the street's
// office has room.
var crowds = []crowd{
	{directory.DistrictHall, "marriage", 1, 6, 1},
	{directory.DistrictHall, "household", 1.3, 1, 1},
	{directory.DistrictHall, "foreigner", .7, 8, 1},
	{directory.DistrictHall, "fund", .35, 5, 1},
	{directory.DistrictHall, "social", .25, 1, 2},
	{directory.CityHall, "exitentry", .4, 2, 1},
	{directory.CityHall, "foreigner", .6, 4, 1},
	{directory.StreetHall, "general", .6, 3, 8},
	{directory.VillageHall, "general", .5, 2, 100},
}

// extra is one of the people who fill the city. They are not test persons: nobody signs in as them.
func extra(n int) identity.Person {
	birth := calendar.MakeDate(1960, 1, 1) + calendar.Date(n/1000)
	return identity.Person{
		Name: "演示市民" + strconv.Itoa(n), Document: identity.SyntheticResident(identity.SyntheticArea, birth, n),
		Phone: testpeople.Phone(firstExtra + n), Level: identity.Verified,
	}
}

// firstExtra is where the phones of those people begin.
const firstExtra = 9_000_000

// withoutExtras keeps messages to them from crowding out those of whoever tries the demonstration.
func withoutExtras(next jobs.Carrier) jobs.Carrier {
	first, last := testpeople.Phone(firstExtra), testpeople.Phone(10*firstExtra)
	return func(ctx context.Context, t jobs.Text) (jobs.Carried, error) {
		if len(t.To) == len(first) && t.To >= first && t.To <= last {
			return jobs.Carried{Receipt: "demo"}, nil
		}
		return next(ctx, t)
	}
}

// wish is one booking to be made.
type wish struct {
	person int
	item   string
	stage  directory.Stage
	slot   string
}

// bringLife books for people who do not exist, by the road every booking takes.
func (s *Server) bringLife(ctx context.Context, progress Progress) error {
	wishes := s.wishes(rand.New(rand.NewPCG(440100, 2021)))
	keys, err := openKeys(ctx, s.cfg.Data, s.db)
	if err != nil {
		return err
	}
	var done atomic.Int64
	next := make(chan wish)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for range 512 { // as many as a group takes
		wg.Go(func() {
			for w := range next {
				p := extra(w.person)
				p.Key = identity.Key(keys.Lookup("person", p.Document.Canonical("")))
				_, err := s.app.Book(ctx, &identity.Session{Person: p}, app.BookRequest{
					Key: "demo-city-" + strconv.Itoa(w.person), Item: w.item, SlotID: w.slot, Stage: w.stage,
					Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
				})
				if err != nil && fault.CodeOf(err) != fault.SoldOut { // sold out: taken by a run that was broken off
					cancel(err)
					return
				}
				if n := done.Add(1); n%500 == 0 || int(n) == len(wishes) {
					progress("bookings", int(n), len(wishes))
				}
			}
		})
	}
feed:
	for _, w := range wishes {
		select {
		case next <- w:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return s.tellNobody(ctx, len(wishes), progress)
}

// wishes draws the bookings of the city, the same for the same city and day. Everyone books once.
func (s *Server) wishes(chance *rand.Rand) []wish {
	city := s.app.City()
	var out []wish
	seen := map[crowd]int{}
	for _, hall := range hallsInOrder(city) {
		served := map[string]*directory.Offering{}
		for _, o := range city.OffersAt(hall.ID) {
			if served[o.QueueID] == nil || o.ItemCode < served[o.QueueID].ItemCode {
				served[o.QueueID] = o
			}
		}
		for _, c := range crowds {
			o := served[hall.ID+"-"+c.line]
			if hall.Level != c.level || o == nil {
				continue
			}
			if seen[c]++; seen[c]%c.every != 0 {
				continue
			}
			days := 0
			for _, day := range s.app.Days(o.QueueID, 0) {
				if day.State != app.DayFree || days == c.days {
					continue
				}
				days++
				for _, slot := range day.Slots {
					n := int(c.share * float64(slot.Free) * (.8 + .4*chance.Float64()))
					for range min(n, slot.Free) {
						out = append(out, wish{person: len(out), item: o.ItemCode, stage: o.Stages[chance.IntN(len(o.Stages))], slot: slot.ID})
					}
				}
			}
		}
	}
	return out
}

// tellNobody settles the messages of those bookings, so that none is left to be sent.
func (s *Server) tellNobody(ctx context.Context, all int, progress Progress) error {
	mail := &jobs.Mail{
		App: s.app, Log: s.log, Batch: 2000,
		Words:   func(m app.Outgoing) jobs.Text { return words(web.Hans, m, s.clock.Now()) },
		Carrier: withoutExtras(carrier(s.texting)),
	}
	for sent := 0; ; sent += mail.Batch {
		progress("messages", min(sent, all), all)
		more, err := mail.Send(ctx)
		if err != nil {
			return err
		}
		if !more {
			progress("messages", all, all)
			return nil
		}
	}
}

// CityCounts says how large the city is.
func (s *Server) CityCounts() (halls, queues, items int) { return s.app.City().Counts() }

// hallsInOrder lists the open halls by id.
func hallsInOrder(city *app.City) []*directory.Hall {
	var out []*directory.Hall
	seen := map[string]bool{}
	for _, it := range city.Items() {
		for _, o := range city.Offers(it.Code) {
			if !seen[o.HallID] {
				seen[o.HallID] = true
				out = append(out, city.Hall(o.HallID))
			}
		}
	}
	slices.SortFunc(out, func(a, b *directory.Hall) int { return strings.Compare(a.ID, b.ID) })
	return out
}
