// Suiyue (穗約) is Guangzhou's booking platform for government services in one program.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"suiyue/internal/server"
)

// cli is the command line.
type cli struct {
	Serve     serveCmd     `cmd:"" help:"Serve the pages and the API."`
	Demo      demoCmd      `cmd:"" help:"Make a demonstration city of about 3,000 halls and serve it."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the schema of the database up to date."`
	Import    importsCmd   `cmd:"" help:"Load the city's units, halls, items, themes and working calendar from CSV files."`
	Doctor    doctorCmd    `cmd:"" help:"Recount every slot and check the database."`
	Backup    backupCmd    `cmd:"" help:"Copy a SQLite database while it is served."`
	Restore   restoreCmd   `cmd:"" help:"Put a copy made by backup in the place of a SQLite database."`
	Figures   figuresCmd   `cmd:"" help:"Count the figures of booking anew and compare them."`
	Anomalies anomaliesCmd `cmd:"" help:"Measure how well unusual days are found, on a made past."`
	Retention retentionCmd `cmd:"" help:"Tell of which months it is forgotten who came."`
	Audit     auditCmd     `cmd:"" help:"Check the log of what administrators did, and prove entries of it."`
	Draw      drawCmd      `cmd:"" help:"Recompute the draws of releases."`
	Keys      keysCmd      `cmd:"" help:"Look after the keys personal data are sealed with."`
	Admin     adminCmd     `cmd:"" help:"Look after administrators' accounts."`
	Powers    powersCmd    `cmd:"" help:"Print who may do what over which halls (Art. 7 to 10)."`
	Bridge    bridgeCmd    `cmd:"" help:"Stand for the document reader and printer of a kiosk, on this machine."`
	Ways      waysCmd      `cmd:"" help:"Say how queues are booked: here, or in departments' own systems."`
	Conform   conformCmd   `cmd:"" help:"Try a department's adapter: whether it does what the protocol says."`
	Bench     benchCmd     `cmd:"" help:"Measure bookings a second on this machine."`
	Simulate  simulateCmd  `cmd:"" help:"Make a past year of the whole city, in the shape of real demand."`
	Version   versionCmd   `cmd:"" help:"Print the version."`

	BenchServer benchServerCmd `cmd:"" hidden:""`
}

const description = `穗約 Suiyue books numbers at Guangzhou's government service halls.

Try it:
  suiyue demo

Serve a city of your own from a file, then look after it:
  suiyue migrate
  suiyue import
  suiyue serve --public-url https://yuyue.example.org --identity-url https://id.example.org --identity-client suiyue
  suiyue doctor

The same on PostgreSQL, several processes over one database:
  export SUIYUE_DATABASE=postgres://suiyue@db/suiyue
  suiyue serve --migrate

Every flag has a variable, named beside it. A flag wins over its variable. A variable that
begins with SUIYUE_ and is not known is an error, so that a name spelt wrong cannot pass.`

// exitError ends the program with a code of its own; the reason has been printed.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// edge is what a command has of the world outside.
type edge struct {
	ctx      context.Context
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the program at once
	}()
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run is the program: 0 well, 1 failed, 2 called wrongly or, for doctor, errors found.
func run(ctx context.Context, args, environ []string, out, errs io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("suiyue"), kong.Description(description), kong.Writers(out, errs),
		kong.Exit(func(code int) { exited = code }), kong.BindTo(ctx, (*context.Context)(nil)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoAppDescFormat: true, WrapUpperBound: 100}),
		kong.ValueFormatter(describe),
		kong.ExplicitGroups([]kong.Group{
			{Key: "data", Title: "Database and keys"}, {Key: "http", Title: "Addresses"}, {Key: "identity", Title: "Sign-in (Art. 12)"},
			{Key: "sms", Title: "Short messages"}, {Key: "webhooks", Title: "Events posted to connected systems"}, {Key: "limits", Title: "Limits"}, {Key: "log", Title: "Log"}, {Key: "demo", Title: "Demonstration"},
		}))
	if err != nil {
		panic(err) // the command line itself is wrong
	}
	fail := func(code int, err error) int {
		fmt.Fprintln(errs, "suiyue:", err)
		return code
	}
	if err := server.CheckVariables(environ, variables(parser.Model.Node)); err != nil {
		return fail(2, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	switch {
	case exited >= 0: // --help
		return exited
	case err != nil:
		fmt.Fprintln(errs, "suiyue:", err)
		fmt.Fprintln(errs, "See `suiyue --help`, or `suiyue COMMAND --help` for what a command takes.")
		return 2
	}
	err = parsed.Run(&edge{ctx, out, errs})
	var code exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code): // kong joins what a command returns with its own
		return int(code)
	}
	return fail(1, err)
}

// variables lists every variable any command reads.
func variables(n *kong.Node) []string {
	var out []string
	for _, f := range n.Flags {
		out = append(out, f.Envs...)
	}
	for _, p := range n.Positional {
		out = append(out, p.Tag.Envs...)
	}
	for _, child := range n.Children {
		out = append(out, variables(child)...)
	}
	return out
}

// describe adds default and variable to the help of a flag.
func describe(v *kong.Value) string {
	var more []string
	if v.HasDefault && v.Default != "" && v.Default != "0" && v.Default != "0s" && !v.IsBool() {
		more = append(more, "default "+v.Default)
	}
	for _, e := range v.Tag.Envs {
		more = append(more, "$"+e)
	}
	if len(more) == 0 {
		return v.Help
	}
	return v.Help + " [" + strings.Join(more, ", ") + "]"
}

type versionCmd struct{}

func (versionCmd) Run(e *edge) error {
	version, revision := "devel", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
		fmt.Fprintf(e.out, "suiyue %s%s %s\n", version, revision, info.GoVersion)
		return nil
	}
	fmt.Fprintf(e.out, "suiyue %s\n", version)
	return nil
}
