package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"suiyue/internal/server"
)

type migrateCmd struct {
	server.Data `embed:""`
}

func (migrateCmd) Help() string {
	return `Safe to run at any time and on several machines at once; data stay. Make a copy first: a step
cannot be taken back.`
}

func (c *migrateCmd) Run(e *edge) error {
	done, err := server.Migrate(e.ctx, c.Data)
	if err != nil {
		return err
	}
	if len(done) == 0 {
		fmt.Fprintln(e.out, "The schema is up to date.")
		return nil
	}
	fmt.Fprintf(e.out, "Steps taken: %s\n", strings.Trim(fmt.Sprint(done), "[]"))
	return nil
}

type importsCmd struct {
	City   importCmd `cmd:"" default:"withargs" help:"Everything there is in the folder."`
	Themes themesCmd `cmd:"" help:"Only the themes of one thing (themes.csv)."`
}

type themesCmd struct {
	server.Data `embed:""`
	Dir         string `placeholder:"DIR" type:"existingdir" help:"Folder of themes.csv. Default: those of Guangzhou, from the program itself."`
}

func (themesCmd) Help() string {
	return `All or nothing: every bad line is listed. A theme that has changed becomes a new version; cases that
are on their way go by the one they were opened under. One that is no longer in the file is closed.

Example:

  suiyue import themes --dir ./city-2027`
}

func (c *themesCmd) Run(e *edge) error {
	var files fs.FS
	if c.Dir != "" {
		files = os.DirFS(c.Dir)
	}
	report, err := server.ImportThemes(e.ctx, c.Data, files)
	return reported(e, report, err)
}

type importCmd struct {
	server.Data `embed:""`
	Dir         string `placeholder:"DIR" type:"existingdir" help:"Folder of the CSV files. Default: Guangzhou, from the program itself."`
}

func (importCmd) Help() string {
	return `All or nothing: one bad line and nothing changes; every bad line is listed with its file, line,
column and what is wrong with it. Only what differs is written. What is no longer in the files is
closed, not deleted. A folder with only statutory-holidays.csv changes only the working calendar.
Processes that serve read the change within half an hour, or at once on SIGHUP.

Examples:

  suiyue import

  suiyue import --dir ./city-2027`
}

func (c *importCmd) Run(e *edge) error {
	var files fs.FS
	if c.Dir != "" {
		files = os.DirFS(c.Dir)
	}
	bar := newProgress(e.err, map[string]string{"import": "Import"})
	report, err := server.Import(e.ctx, c.Data, files, bar.step)
	bar.end()
	return reported(e, report, err)
}

// reported prints what an import came to.
func reported(e *edge, report server.ImportReport, err error) error {
	for _, f := range report.Faults {
		at := f.File
		if f.Line > 0 {
			at += fmt.Sprintf(":%d", f.Line)
		}
		if f.Column != "" {
			at += " " + f.Column
		}
		fmt.Fprintf(e.err, "%s: %s\n", at, f.Code)
	}
	for _, queue := range slices.Sorted(maps.Keys(report.Held)) {
		fmt.Fprintf(e.err, "%s: %d people are booked here\n", queue, report.Held[queue])
	}
	if err != nil {
		return err
	}
	for _, n := range report.Counts {
		fmt.Fprintf(e.out, "%-10s %6d in the files  %6d added  %6d changed  %6d closed\n", n.Noun, n.Total, n.Added, n.Changed, n.Closed)
	}
	if report.Changes() == 0 {
		fmt.Fprintln(e.out, "Nothing changed.")
	}
	return nil
}

type doctorCmd struct {
	server.Data `embed:""`
}

func (doctorCmd) Help() string {
	return `Recounts every slot from its bookings and checks claims, the tree of units, the calendar's horizon, the
audit log and the engine. It reads only and may run while the city is served.

Exit code: 0 nothing found, or warnings only; 2 errors found; 1 it could not look.`
}

func (c *doctorCmd) Run(e *edge) error {
	findings, err := server.Doctor(e.ctx, c.Data)
	if err != nil {
		return err
	}
	bad := 0
	for _, f := range findings {
		fmt.Fprintln(e.out, f)
		if f.Error {
			bad++
		}
	}
	switch {
	case bad > 0:
		fmt.Fprintf(e.err, "suiyue: %d errors found\n", bad)
		return exitError(2)
	case len(findings) == 0:
		fmt.Fprintln(e.out, "Nothing found: every slot, claim and unit is in order.")
	}
	return nil
}

type backupCmd struct {
	server.Data `embed:""`
	File        string `arg:"" help:"Where the copy goes. A file that is there already is not touched."`
}

func (backupCmd) Help() string {
	return `The copy is of one instant and whole, while the city is served. It holds sealed personal data: keep it
apart from the keyring. PostgreSQL has tools of its own (pg_dump, pg_basebackup).

Example:

  suiyue backup /var/backups/suiyue-$(date +%F).db`
}

func (c *backupCmd) Run(e *edge) error {
	if err := server.Backup(e.ctx, c.Data, c.File); err != nil {
		return err
	}
	fmt.Fprintf(e.out, "Copied to %s. The keyring is not in it.\n", c.File)
	return nil
}

type restoreCmd struct {
	server.Data `embed:""`
	File        string `arg:"" type:"existingfile" help:"A copy made by backup."`
	Force       bool   `help:"Replace a database that is there; it is kept beside with .before-restore."`
}

func (restoreCmd) Help() string {
	return `Stop the process that serves first. The copy is checked before anything is replaced.

Example:

  suiyue restore /var/backups/suiyue-2026-12-01.db --force`
}

func (c *restoreCmd) Run(e *edge) error {
	err := server.Restore(e.ctx, c.Data, c.File, c.Force)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("there is a database at %s: replace it with --force", c.Database)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "Restored to %s.\n", c.Database)
	return nil
}

type keysCmd struct {
	Rotate rotateCmd `cmd:"" help:"Seal with a new key from now on. What was sealed before still opens; running processes follow by themselves."`
}

type rotateCmd struct {
	server.Data `embed:""`
}

func (c *rotateCmd) Run(e *edge) error {
	if err := server.RotateKeys(c.Data); err != nil {
		return err
	}
	fmt.Fprintln(e.out, "A new key is in use. Copy the keyring again: copies made before cannot open what is sealed from now on.")
	return nil
}
