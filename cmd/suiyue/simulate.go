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
	Forgotten   string  `placeholder:"DATE" help:"Days before it have nobody's sealed name in them. Takes less room."`
}

func (simulateCmd) Help() string {
	return `Makes a past year of the whole city in the shape of real demand: about 3,000 halls and more than 20
million bookings with their history, numbers at the halls, evaluations, requests and the ledger. Nobody in
it is real. What is there already stays, and a run that was broken off goes on where it was. It refuses a
database that holds a city which neither it nor a demonstration made.

A booking with all that belongs to it takes about 3.7 KB on PostgreSQL and 2.7 KB on SQLite.

Examples:

  suiyue simulate --database year.db --key-file year.keys --scale 0.1

  suiyue serve --demo --identity dev --database year.db --key-file year.keys`
}

func (c *simulateCmd) Run(e *edge) error {
	m := server.Simulation{Year: c.Year, Seed: c.Seed, Scale: c.Scale, Counted: c.Figures}
	if err := m.Between(c.To, c.Forgotten); err != nil {
		return err
	}
	bar := newProgress(e.err, map[string]string{"city": "City", "days": "Days of the year", "figures": "Figures of halls' days"})
	done, err := server.Simulate(e.ctx, c.Data, m, bar.step)
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
	made := done.Took - done.Counting
	fmt.Fprintf(e.out, "%d days of %d halls: %d bookings, %d rows in %s (%.0f rows/s).\n", done.Days, done.Halls, done.Bookings, done.Rows, made.Round(time.Second), float64(done.Rows)/made.Seconds())
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
