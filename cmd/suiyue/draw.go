package main

import (
	"fmt"

	"suiyue/internal/server"
)

type drawCmd struct {
	Verify drawVerifyCmd `cmd:"" help:"Recompute a published draw."`
}

type drawVerifyCmd struct {
	From string `arg:"" help:"The published draw: a file, its address, or - for standard input." placeholder:"FILE|URL"`
	Salt string `help:"The salt on your receipt: says where your request stands." placeholder:"HEX"`
	Item string `help:"With --salt: the item you asked for."`
	Slot string `help:"With --salt: the slot you asked for."`

	Stage string `help:"With --salt: what the number was for." default:"acceptance"`
	Units int    `help:"With --salt: how many." default:"1"`
}

func (drawVerifyCmd) Help() string {
	return `Needs nothing but what was published: it checks that the seed is the one that was committed to before the
release, puts the entries in the order that follows from seed and entries, and compares order and outcome.

Examples:

  suiyue draw verify https://yuyue.example.org/api/v1/draws/440103000000-social-20261124

  suiyue draw verify draw.json --salt 6f0c… --item SI-0001 --slot 440103000000-social-20261209-09

Exit code: 0 all is as it must be; 2 it is not; 3 the draw is not done yet; 1 it could not look.`
}

func (c *drawVerifyCmd) Run(e *edge) error {
	r, err := server.ReadDraw(e.ctx, c.From)
	if err != nil {
		return err
	}
	wrong, notYet := r.Check()
	if notYet {
		fmt.Fprintf(e.out, "The draw %s is not done. Its commitment, published %s, is %s.\n", r.ID, r.Published.Format("2006-01-02 15:04:05"), r.Commitment)
		return exitError(3)
	}
	for _, line := range wrong {
		fmt.Fprintln(e.out, line)
	}
	if len(wrong) > 0 {
		fmt.Fprintf(e.err, "suiyue: the draw %s is not as it must be\n", r.ID)
		return exitError(2)
	}
	booked := 0
	for _, l := range r.Entries {
		if l.Outcome == "booked" {
			booked++
		}
	}
	fmt.Fprintf(e.out, "The draw %s is as it must be: %d entries in the order of the seed committed to, %d of them with a number.\n", r.ID, len(r.Entries), booked)
	if c.Salt == "" {
		return nil
	}
	place := r.Find(server.DrawRequest{Item: c.Item, Slot: c.Slot, Stage: c.Stage, Units: c.Units}, c.Salt)
	if place == 0 {
		fmt.Fprintln(e.err, "suiyue: no entry on the list is that request with that salt")
		return exitError(2)
	}
	fmt.Fprintf(e.out, "Your request is at place %d: %s.\n", place, r.Entries[place-1].Outcome)
	return nil
}
