package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"suiyue/data"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// Simulation says which past is made.
type Simulation struct {
	Year      int
	Seed      uint64
	Scale     float64       // share of the halls, 1 for all
	To        calendar.Date // last day, 0 for the end of the year or yesterday
	Counted   bool          // the figures of it, too
	Forgotten calendar.Date // days before it have only what figures, lists and sanctions stand on; 0 for none
}

// Between sets the dates of --to and --forgotten, "" for none.
func (m *Simulation) Between(to, forgotten string) error {
	switch forgotten {
	case "":
		m.Forgotten = calendar.MakeDate(m.Year, time.December, 18)
	case "never":
		forgotten = ""
	}
	for flag, d := range map[string]struct {
		text string
		date *calendar.Date
	}{"--to": {to, &m.To}, "--forgotten": {forgotten, &m.Forgotten}} {
		if d.text == "" {
			continue
		}
		date, err := calendar.ParseDate(d.text)
		if err != nil {
			return fmt.Errorf("%s must be a date, as 2025-06-30", flag)
		}
		*d.date = date
	}
	return nil
}

// Validate finds what is wrong with it.
func (m Simulation) Validate(today calendar.Date) error {
	first, last := m.dates(today)
	switch {
	case m.Year < 2022 || first >= today:
		return fmt.Errorf("--year must lie between 2022, when the measure began, and now")
	case m.Scale <= 0 || m.Scale > 1:
		return fmt.Errorf("--scale must lie above 0 and be at most 1")
	case last < first || last.Year() != m.Year:
		return fmt.Errorf("--to must be a day of the year that is over")
	}
	return nil
}

// dates are its first and last.
func (m Simulation) dates(today calendar.Date) (first, last calendar.Date) {
	first, last = calendar.MakeDate(m.Year, time.January, 1), calendar.MakeDate(m.Year, time.December, 31)
	if m.To != 0 {
		last = m.To
	}
	return first, min(last, today-1)
}

// name tells one simulation of a year from another: two never mix in one database.
func (m Simulation) name() string {
	return store.MadeCounter(m.Year, fmt.Sprintf("%d scale %g forgotten %s", m.Seed, m.Scale, m.Forgotten))
}

// ErrOtherSimulation says that a database holds the same year made otherwise.
var ErrOtherSimulation = errors.New("this database holds this year already, made with another seed or scale: take a new one")

// Simulated says what was made.
type Simulated struct {
	Halls, Days, Counted, Bookings, Rows int
	Took                                 time.Duration
	Counting, Indexing                   time.Duration // of it
	Bytes                                int64         // the database holds in all
}

// Simulate makes a past year of a whole city, by the shape of demand: every hour's numbers, every booking with its
// history, everybody's number at the hall, evaluations, the record of each day, requests and their decisions. Its days
// are marked for their figures to be counted. Every day is one transaction, so that a run that was broken off goes on where it was. It
// refuses a database that holds a city which neither it nor a demonstration made. The same seed makes the same year.
func Simulate(ctx context.Context, d Data, m Simulation, progress Progress) (done Simulated, err error) {
	s, err := New(ctx, Config{
		Data: d, Logging: Logging{LogLevel: "warn", LogFormat: "text"}, HTTP: HTTP{Listen: "127.0.0.1:0"},
		SignIn: SignIn{Identity: "dev"}, Texting: Texting{SMS: "outbox"}, Limits: DefaultLimits(), Showing: Showing{Demo: true}, Migrate: true,
	})
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.simulate(ctx, data.Files, m, progress)
}

// simulate makes it, in a city from files where there is none yet.
func (s *Server) simulate(ctx context.Context, files fs.FS, m Simulation, progress Progress) (done Simulated, err error) {
	began := time.Now()
	today := calendar.DateOf(s.clock.Now())
	if err := m.Validate(today); err != nil {
		return done, err
	}
	reached, err := s.claimYear(ctx, m)
	if err != nil {
		return done, err
	}
	if halls, _, _ := s.app.City().Counts(); halls == 0 {
		if _, err := s.app.Import(ctx, files, func(_ string, done, all int) { progress("city", done, all) }); err != nil {
			return done, fmt.Errorf("import the city: %w", err)
		}
	}
	if err := s.makeAdmins(ctx); err != nil {
		return done, fmt.Errorf("administrators: %w", err)
	}
	keys, err := openKeys(ctx, s.cfg.Data, s.db)
	if err != nil {
		return done, err
	}
	halls := someHalls(hallsInOrder(s.app.City()), m.Scale)
	done.Halls = len(halls)
	d := &demand{cal: s.app.Calendar(), seed: m.Seed}
	planted := d.planting(halls, m.Year)
	if err := s.db.Update(ctx, func(tx *store.Tx) error { return tx.SavePlanted(ctx, planted) }); err != nil {
		return done, err
	}
	if err := s.db.Bare(ctx); err != nil {
		return done, err
	}
	maker := newYearMaker(s.app.City(), d, keys)
	first, last := m.dates(today)
	askers := s.newAskers(ctx, m, halls)
	for date := first; date <= last; date++ {
		if date > reached {
			n, err := s.makeDay(ctx, m, maker, askers, halls, date)
			if err != nil {
				return done, fmt.Errorf("%s: %w", date, err)
			}
			done.Days++
			done.Bookings += n.bookings
			done.Rows += n.rows
		}
		progress("days", int(date-first)+1, int(last-first)+1)
		progress("bookings", done.Bookings, 0)
	}
	indexing := time.Now()
	if err := s.db.Clothe(ctx, func(done, all int) { progress("indexes", done, all) }); err != nil {
		return done, err
	}
	done.Indexing = time.Since(indexing)
	if done.Days > 0 {
		if err := s.db.Analyze(ctx); err != nil {
			return done, err
		}
	}
	if m.Counted {
		counting := time.Now()
		if done.Counted, err = s.countYear(ctx, first, last, progress); err != nil {
			return done, fmt.Errorf("figures: %w", err)
		}
		if done.Counted > 0 {
			if err := s.db.Analyze(ctx); err != nil {
				return done, err
			}
		}
		done.Counting = time.Since(counting)
	}
	done.Bytes, err = s.db.Size(ctx)
	done.Took = time.Since(began)
	return done, err
}

// claimYear marks the database as one whose city was made, and returns the last day of the year that is in it.
func (s *Server) claimYear(ctx context.Context, m Simulation) (reached calendar.Date, err error) {
	if _, err := s.claimCity(ctx); err != nil {
		return 0, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		year, err := tx.NextBlock(ctx, fmt.Sprintf("simulation %d", m.Year), 0)
		if err != nil {
			return err
		}
		days, err := tx.NextBlock(ctx, m.name(), 0)
		if err != nil {
			return err
		}
		if year > 1 && days == 1 {
			return ErrOtherSimulation
		}
		if year == 1 {
			if _, err := tx.NextBlock(ctx, fmt.Sprintf("simulation %d", m.Year), 1); err != nil {
				return err
			}
			if days, err = tx.NextBlock(ctx, m.name(), 1); err != nil {
				return err
			}
			days++
		}
		reached = calendar.MakeDate(m.Year, time.January, 1) - 1 + calendar.Date(days-2)
		return nil
	})
	return reached, err
}

// someHalls takes a share of the halls of each level, at least one.
func someHalls(all []*directory.Hall, share float64) (out []*directory.Hall) {
	seen, taken := map[directory.HallLevel]int{}, map[directory.HallLevel]int{}
	for _, h := range all {
		if seen[h.Level]++; taken[h.Level] < int(share*float64(seen[h.Level])+.999999) {
			taken[h.Level]++
			out = append(out, h)
		}
	}
	return out
}

// madeCount is what a day came to.
type madeCount struct{ halls, bookings, rows int }

// rowsAtOnce is how many rows are held, twice, before they are written.
const rowsAtOnce = 40_000

// makeDay makes a day of the city in one transaction, unless it is there.
func (s *Server) makeDay(ctx context.Context, m Simulation, maker *yearMaker, askers *askers, halls []*directory.Hall, date calendar.Date) (n madeCount, err error) {
	rules := s.app.Rules(date)
	maker.nobody = date < m.Forgotten
	err = s.db.Fill(ctx, func(tx *store.Tx) error {
		n = madeCount{}
		serial, err := tx.NextBlock(ctx, "booking", 0)
		if err != nil {
			return err
		}
		number, err := tx.NextBlock(ctx, "waitlist", 0)
		if err != nil {
			return err
		}
		maker.begin(date, rules, serial, number)
		days, err := writeDay(ctx, tx, maker, halls, &n, func() { maker.made.Requests, maker.made.Breaches = askers.day(date) })
		if err != nil {
			return err
		}
		if _, err := tx.NextBlock(ctx, "waitlist", maker.number-number); err != nil {
			return err
		}
		if _, err := tx.NextBlock(ctx, "booking", maker.serial-serial); err != nil {
			return err
		}
		if _, err := tx.NextBlock(ctx, m.name(), 1); err != nil {
			return err
		}
		return tx.MarkFigures(ctx, days)
	})
	return n, err
}

// writeDay makes the rows of a day's halls, and last what last adds, and writes them while it makes more.
func writeDay(ctx context.Context, tx *store.Tx, maker *yearMaker, halls []*directory.Hall, n *madeCount, last func()) (days []oversight.HallDay, err error) {
	full, free, failed := make(chan *store.Made), make(chan *store.Made, 2), make(chan error, 1)
	free <- &store.Made{}
	free <- &store.Made{}
	go func() {
		var err error
		for m := range full {
			if err == nil {
				err = tx.AddMade(ctx, m)
			}
			m.Clear()
			free <- m
		}
		failed <- err
	}()
	send := func() {
		n.bookings += len(maker.made.Bookings)
		n.rows += maker.made.Rows()
		full <- maker.made
		maker.made = <-free
	}
	maker.made = <-free
	for _, h := range halls {
		days = append(days, oversight.HallDay{HallID: h.ID, Date: maker.date}) // people join lines while a hall is shut, too
		if ctx.Err() != nil || !maker.hall(h) {
			continue
		}
		n.halls++
		if maker.made.Rows() >= rowsAtOnce {
			send()
		}
	}
	last()
	send()
	close(full)
	return days, errors.Join(<-failed, ctx.Err())
}

// countYear counts the figures of days that are marked, and returns how many there were: the year's a month at a time, and
// what was marked again by that.
func (s *Server) countYear(ctx context.Context, first, last calendar.Date, progress Progress) (counted int, err error) {
	if counted, err = s.app.CountMonths(ctx, first, last, func(done, all int) { progress("figures", done, all) }); err != nil {
		return counted, err
	}
	more, err := s.app.CountFigures(ctx, 0)
	return counted + more, err
}
