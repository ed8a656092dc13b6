package main

import (
	"fmt"
	"strings"

	"suiyue/internal/server"
)

type figuresCmd struct {
	server.Data `embed:""`
	Again       bool   `help:"Count everything anew and compare it with the figures that stand."`
	From        string `help:"With --again: first date. Whole months are counted. Default: the first that has figures or numbers." placeholder:"2006-01-02"`
	To          string `help:"With --again: last date. Default: yesterday." placeholder:"2006-01-02"`
	Mend        bool   `help:"With --again: replace the figures that differ."`
}

func (figuresCmd) Help() string {
	return `Figures of booking are kept by hall and day, and added up for units and months. Whenever something
changes, the day it belongs to is counted again. With --again every day is counted anew from bookings,
events, tickets, evaluations, waits, requests and decisions, and every sum from what it is of: the same
numbers must come out. It may run while the city is served; days that wait to be counted are left out.

Without --again it says how many days wait, and when the city was counted last.

Examples:

  suiyue figures --again

  suiyue figures --again --from 2026-11-01 --to 2026-11-30 --mend

Exit code: 0 all is the same; 2 it is not, and was not mended; 1 it could not look.`
}

func (c *figuresCmd) Run(e *edge) error {
	if !c.Again {
		days, counted, err := server.FigureLag(e.ctx, c.Data)
		if err != nil {
			return err
		}
		if counted.IsZero() {
			fmt.Fprintf(e.out, "Nothing was counted yet; %d days of halls wait.\n", days)
			return nil
		}
		fmt.Fprintf(e.out, "%d days of halls wait to be counted. The city was counted last at %s.\n", days, counted.Local().Format("2006-01-02 15:04:05"))
		return nil
	}
	p := newProgress(e.err, map[string]string{"figures": "Months counted anew"})
	check, err := server.CheckFigures(e.ctx, c.Data, c.From, c.To, c.Mend, func(done, all int) { p.step("figures", done, all) })
	p.end()
	if err != nil {
		return err
	}
	for _, w := range check.Wrong {
		fmt.Fprintf(e.out, "%s %s, %s %s: %s\n", w.Place.Noun, w.Place.ID, w.Span, w.Period, strings.Join(w.Where, ", "))
	}
	if more := check.Differ - len(check.Wrong); more > 0 {
		fmt.Fprintf(e.out, "… and %d more\n", more)
	}
	for _, m := range check.Made {
		fmt.Fprintf(e.out, "%s to %s was made by suiyue simulate: those days were counted anew from what it left, as any other.\n", m.First, m.Last)
	}
	if check.Given > 0 {
		fmt.Fprintf(e.out, "%d days of halls have figures of which no numbers are kept, and stay as they are.\n", check.Given)
	}
	switch {
	case check.Differ == 0:
		fmt.Fprintf(e.out, "The same: %d days of halls and %d sums.\n", check.Days, check.Sums)
	case c.Mend:
		fmt.Fprintf(e.out, "Mended: %d of %d days of halls and %d sums.\n", check.Mended, check.Days, check.Sums)
	default:
		fmt.Fprintf(e.err, "suiyue: %d of %d days of halls and %d sums are not as they must be\n", check.Differ, check.Days, check.Sums)
		return exitError(2)
	}
	return nil
}
