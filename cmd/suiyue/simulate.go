package main

import (
	"fmt"
	"time"

	"suiyue/internal/server"
)

type simulateCmd struct {
	server.Data `embed:""`
	Year        int     `default:"2025" help:"The year that is made."`
	Seed        uint64  `default:"1" help:"The same seed makes the same year."`
	Scale       float64 `default:"1" help:"Share of the city's halls: 0.1 for a tenth."`
	To          string  `placeholder:"DATE" help:"Last day that is made. Default: the end of the year, or yesterday."`
	Figures     bool    `default:"true" negatable:"" help:"Count the figures of it, too."`
	Forgotten   string  `placeholder:"DATE" help:"Days before it are kept short, see above; never for none. Default: December 18 of the year."`
}

func (simulateCmd) Help() string {
	return `Makes a past year of the whole city in the shape of real demand: about 3,000 halls and more than 20
million bookings with their history, numbers at the halls, evaluations, requests and the ledger. Nobody in
it is real. What is there already stays, and a run that was broken off goes on where it was. It refuses a
database that holds a city which neither it nor a demonstration made.

Days before --forgotten hold what figures, lists and measures stand on, and leave out: sealed names; and of
those who came and were served the history of their booking and number, the messages they were sent, and
the keys of their requests. Bookings that were moved, cancelled or missed keep all but the name. What is
left out makes up two thirds of a booking's 3.7 KB on PostgreSQL.

A quarter of the halls have days put in on purpose on which far more or fewer people want numbers, do not
come, give up or wait: table planted says which. On PostgreSQL an empty database gets its large indexes
at the end; until then it is not served. No hours are taken from anybody: there are no displacements.

Examples:

  suiyue simulate --database year.db --key-file year.keys --scale 0.1

  suiyue serve --demo --identity dev --database year.db --key-file year.keys`
}

func (c *simulateCmd) Run(e *edge) error {
	m := server.Simulation{Year: c.Year, Seed: c.Seed, Scale: c.Scale, Counted: c.Figures}
	if err := m.Between(c.To, c.Forgotten); err != nil {
		return err
	}
	bar := newProgress(e.err, map[string]string{"city": "City", "days": "Days of the year", "indexes": "Indexes", "figures": "Figures of halls' days"})
	done, err := server.Simulate(e.ctx, c.Data, m, bar.withRate("days", "bookings"))
	bar.end()
	if err != nil {
		if e.ctx.Err() != nil {
			return fmt.Errorf("stopped; the same command goes on where it was")
		}
		return err
	}
	if done.Days == 0 {
		fmt.Fprintf(e.out, "Every day was there already. The database takes %s.\n", size(done.Bytes))
		return nil
	}
	made := done.Took - done.Counting - done.Indexing
	fmt.Fprintf(e.out, "%d days of %d halls: %d bookings, %d rows in %s (%.0f rows/s).\n", done.Days, done.Halls, done.Bookings, done.Rows, made.Round(time.Second), float64(done.Rows)/made.Seconds())
	if done.Indexing > time.Second {
		fmt.Fprintf(e.out, "Indexes made in %s.\n", done.Indexing.Round(time.Second))
	}
	if done.Counted > 0 {
		fmt.Fprintf(e.out, "%d days of halls counted in %s.\n", done.Counted, done.Counting.Round(time.Second))
	}
	fmt.Fprintf(e.out, "The database takes %s: %d bytes a booking.\n", size(done.Bytes), done.Bytes/int64(max(done.Bookings, 1)))
	return nil
}

func size(bytes int64) string {
	if bytes < 1<<30 {
		return fmt.Sprintf("%.0f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
}
