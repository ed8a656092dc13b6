package main

import (
	"fmt"
	"os"
	"runtime/pprof"

	"suiyue/internal/bench"
	"suiyue/internal/server"
)

type benchCmd struct {
	Engines  []string `default:"sqlite,postgres" enum:"sqlite,postgres" help:"Engines to measure: sqlite, postgres."`
	Postgres string   `env:"SUIYUE_BENCH_POSTGRES" placeholder:"SOURCE" help:"An empty PostgreSQL database to use. Default: a throw-away server is started."`
	Seconds  float64  `default:"5" help:"Length of one run."`
	Clients  int      `default:"512" help:"How many ask at once."`
	Only     string   `placeholder:"WORD" help:"Only the runs whose name contains this."`
	Compare  bool     `help:"Beside ours, in the same run: one row-locked transaction a booking, and the rows with no rule."`
	Profile  string   `placeholder:"FILE" help:"Write a CPU profile of our server under HTTP load to this file."`
	HTTP     bool     `name:"http" negatable:"" default:"true" help:"Through HTTP too, server and load in processes of their own."`
}

func (benchCmd) Help() string {
	return `Every booking measured is on disk before its answer, and is recounted afterwards.

Examples:

  suiyue bench --compare

  suiyue bench --engines sqlite --only "one hot slot" --seconds 10`
}

func (c *benchCmd) Run(e *edge) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return bench.Main(e.ctx, bench.Options{
		Engines: c.Engines, Postgres: c.Postgres, Seconds: c.Seconds, Clients: c.Clients,
		Only: c.Only, Compare: c.Compare, HTTP: c.HTTP, Binary: self, Profile: c.Profile, Out: e.out,
	})
}

// benchServerCmd is the process that `suiyue bench` measures through HTTP. It serves as `suiyue serve`
// does and says on standard output where.
type benchServerCmd struct {
	server.Config `embed:""`
	Plain         bool   `help:"Answer the textbook way."`
	Profile       string `help:"Write a CPU profile here."`
}

func (c *benchServerCmd) Run(e *edge) error {
	c.Config.Plain = c.Plain
	s, err := server.New(e.ctx, c.Config)
	if err != nil {
		return err
	}
	defer s.Close()
	if c.Profile != "" {
		f, err := os.Create(c.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	return s.Serve(e.ctx, func() { fmt.Fprintln(e.out, "listening on "+s.Address()) })
}
