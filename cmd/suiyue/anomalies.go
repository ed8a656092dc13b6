package main

import (
	"fmt"

	"suiyue/internal/server"
)

type anomaliesCmd struct {
	server.Data `embed:""`
	From        string  `placeholder:"DATE" help:"First day that is looked at. Default: twelve weeks after the made past began; before, no hall has a past."`
	To          string  `placeholder:"DATE" help:"Last day. Default: the last that was made."`
	Scale       float64 `default:"1" help:"Share of the halls that are looked at: 0.1 for every tenth."`
}

func (anomaliesCmd) Help() string {
	return `Measures how well unusual days are found (Art. 22), on a past made by suiyue simulate, which writes down
what is unusual in it (table planted). Every day of every hall is looked at again hour by hour as it went by,
with nothing known but that day and the twelve weeks before it. It writes nothing and may run while the
city is served.

  planted     what was put in, each on one day or some days in a row
  shut        on no open day
  hidden      nobody could tell them from the hall's usual days: nine times in ten such a day is not beyond
              every day of the twelve weeks before, or is fewer cases above the usual, or less of the share,
              than the rulebook says matter (watch.least, watch.least_per_mille, watch.saturated_per_mille)
  seeable     all others
  in its day  of these, told on their first open day
  later       told on a later day of them
  told by     the hour by which half of those told in their day were
  false       days of a hall on which a kind was told and nothing was planted; told again on the next day is
              another. Days after a planted one count as any other
  beside      the same where something of another kind was planted: numbers given up stay unused. Not counted

How long people wait is not watched: what is planted of that (slow) is left out.

Examples:

  suiyue anomalies --database year.db

  suiyue anomalies --scale 0.1 --from 2025-09-01 --to 2025-09-30

Exit code: 0 at least nine of ten that can be seen are told within their day, and there is at most one
false alarm a hall and month; 1 it is not so, or it could not look.`
}

func (c *anomaliesCmd) Run(e *edge) error {
	p := newProgress(e.err, map[string]string{"halls": "Halls looked at"})
	r, err := server.RateWatch(e.ctx, c.Data, c.From, c.To, c.Scale, func(done, all int) { p.step("halls", done, all) })
	p.end()
	if err != nil {
		return err
	}
	server.PrintWatchRate(e.out, r)
	if !r.WithinBounds() {
		return fmt.Errorf("the watch is not as good as it must be: 90 %% within their day, at most 1 false alarm a hall and month")
	}
	return nil
}
