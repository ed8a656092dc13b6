package main

import (
	"fmt"
	"maps"
	"slices"

	"suiyue/internal/server"
)

type retentionCmd struct {
	server.Data `embed:""`
	Now         bool `help:"Forget everything that is due, whatever the hour. A serving process does it by itself at night."`
	Report      bool `help:"Print what was forgotten (also without this flag)."`
}

func (retentionCmd) Help() string {
	return `After a time that is a field of the rulebook, 24 months where nothing else is said, it is forgotten who
came: what is sealed is emptied, and the hashes people are found by are made anew with a key that is thrown
away. Numbers, figures and how many people there were stay. Copies of the database made before know it still:
they must be deleted, too.

The report has one line a month: when it was done, how many rows, and a digest over what was done where.

Records of access, which are administrators' sign-ins and lists taken away, are dropped after another field of the
rulebook, 200 days where nothing else is said and never fewer; a serving process does it. The report has a line for
each day and kind. The audit log is kept for good.`
}

func (c *retentionCmd) Run(e *edge) error {
	if c.Now {
		bar := newProgress(e.err, map[string]string{"days": "Days of halls"})
		_, err := server.Forget(e.ctx, c.Data, bar.step)
		bar.end()
		if err != nil {
			return err
		}
	}
	r, err := server.Retention(e.ctx, c.Data)
	if err != nil {
		return err
	}
	if len(r.Months) == 0 {
		fmt.Fprintln(e.out, "Nothing has been forgotten yet.")
	}
	for _, m := range r.Months {
		done := "going on"
		if !m.Done.IsZero() {
			done = "done " + m.Done.Format("2006-01-02 15:04:05Z")
		}
		fmt.Fprintf(e.out, "%s  %s ", m.Month, done)
		for _, noun := range slices.Sorted(maps.Keys(m.Rows)) {
			fmt.Fprintf(e.out, "  %s %d", noun, m.Rows[noun])
		}
		fmt.Fprintf(e.out, "  %s\n", m.Digest)
	}
	for _, d := range r.Logs {
		fmt.Fprintf(e.out, "%s  records of access before %s dropped  %s %d\n", d.Date, d.Before.UTC().Format("2006-01-02 15:04:05Z"), d.Noun, d.Rows)
	}
	return nil
}
