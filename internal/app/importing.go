package app

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/domain/theme"
	"suiyue/internal/store"
)

// HolidaysFile is the file of statutory days off and make-up working days.
const HolidaysFile = "statutory-holidays.csv"

// maxImportFile is more than the largest city needs, in bytes.
const maxImportFile = 64 << 20

// ErrBadLines says that nothing was imported because of the lines in ImportReport.Faults.
var ErrBadLines = errors.New("import: some lines are wrong; nothing was changed")

// ErrPeopleBooked says that nothing was imported because people hold bookings in what the files leave
// out: ImportReport.Held. They are moved or told first.
var ErrPeopleBooked = errors.New("import: people are booked in what would be closed; nothing was changed")

// ImportReport says what an import came to. With Faults or Held nothing was written.
type ImportReport struct {
	Faults []directory.LineError
	Held   map[string]int // queue id → active bookings
	Counts []ImportCount
}

// ImportCount is what became of one noun: unit, hall, queue, item, offering, year.
type ImportCount struct {
	Noun    string
	Total   int // entries of the files
	Added   int
	Changed int // reopened ones too
	Closed  int // no longer in the files: kept for what refers to them, offered no more
}

// Changes adds up what the import wrote.
func (r ImportReport) Changes() int {
	n := 0
	for _, c := range r.Counts {
		n += c.Added + c.Changed + c.Closed
	}
	return n
}

// ImportProgress is told of steps done and steps in all, with a word for the step just done.
type ImportProgress func(step string, done, all int)

// Import reads a city from CSV files (directory.FileNames, all of them or none) and the working
// calendar from HolidaysFile and themes from theme.File, if they are there, compares them with what is stored and writes only what
// differs, in one transaction: all or nothing. Entries that are not in the files any more are closed,
// never deleted; a hall keeps its number and what is written at the hall. Each change is a version
// without an account. A year once official is not made provisional
// again. The report lists every bad line; then the error is ErrBadLines.
func (a *App) Import(ctx context.Context, files fs.FS, progress ImportProgress) (ImportReport, error) {
	if progress == nil {
		progress = func(string, int, int) {}
	}
	const steps = 4
	city, days, report := readImport(files)
	var themes []theme.Draft
	if city != nil && len(report.Faults) == 0 {
		themes, report.Faults = readThemes(files, *city)
	}
	if len(report.Faults) > 0 {
		return report, ErrBadLines
	}
	progress("read", 1, steps)
	err := a.db.Update(ctx, func(tx *store.Tx) error {
		report.Counts, report.Held = nil, nil
		if city != nil {
			if err := importCity(ctx, tx, *city, &report); err != nil {
				return err
			}
		}
		progress("directory", 2, steps)
		if days != nil {
			if err := importDays(ctx, tx, days, &report); err != nil {
				return err
			}
		}
		if err := importThemes(ctx, tx, themes, &report); err != nil {
			return err
		}
		return importRules(ctx, tx, &report)
	})
	if err != nil {
		return ImportReport{Held: report.Held}, err
	}
	progress("written", 3, steps)
	if report.Changes() > 0 {
		err = a.Reload(ctx)
	}
	progress("loaded", steps, steps)
	return report, err
}

// readImport parses what is there. city or days is nil where the files do not speak of it.
func readImport(files fs.FS) (city *directory.City, days []calendar.Day, r ImportReport) {
	open := map[string]io.Reader{}
	var holidays fs.File
	for _, name := range append(directory.FileNames(), HolidaysFile) {
		f, err := files.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			r.Faults = append(r.Faults, directory.LineError{File: name, Code: fault.MalformedRequest})
			continue
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil || info.IsDir() || info.Size() > maxImportFile {
			r.Faults = append(r.Faults, directory.LineError{File: name, Code: fault.BodyTooLarge})
			continue
		}
		if name == HolidaysFile {
			holidays = f
			continue
		}
		open[name] = f
	}
	if len(r.Faults) > 0 {
		return nil, nil, r
	}
	if len(open) > 0 || holidays == nil { // none at all: every file of the city is reported missing
		built, faults := directory.Build(open)
		city, r.Faults = &built, faults
	}
	if holidays != nil {
		parsed, faults := calendar.ParseCSV(holidays)
		for _, f := range faults {
			r.Faults = append(r.Faults, directory.LineError{File: HolidaysFile, Line: f.Line, Code: f.Code})
		}
		days = parsed
	}
	return city, days, r
}

func importCity(ctx context.Context, tx *store.Tx, city directory.City, report *ImportReport) error {
	revision, err := tx.NextRevision(ctx)
	if err != nil {
		return err
	}
	have, err := tx.Directory(ctx)
	if err != nil {
		return err
	}
	numbers := map[string]int{}
	stored := map[string]directory.Hall{}
	for _, h := range have.Halls {
		numbers[h.ID], stored[h.ID] = h.Number, h
	}
	halls := slices.Clone(city.Halls)
	for i := range halls {
		halls[i].Keep(stored[halls[i].ID])
	}
	directory.AssignNumbers(numbers, halls)
	city.Halls = halls
	was := entriesOf(have)
	changes := directory.Diff(stillOpen(have), city)
	if err := strands(ctx, tx, changes, report); err != nil {
		return err
	}
	if err := errors.Join(
		write(ctx, tx, store.Units, len(city.Units), changes.Units, (*store.Tx).SaveUnits, report),
		write(ctx, tx, store.Halls, len(city.Halls), changes.Halls, (*store.Tx).SaveHalls, report),
		write(ctx, tx, store.Queues, len(city.Queues), changes.Queues, (*store.Tx).SaveQueues, report),
		write(ctx, tx, store.Items, len(city.Items), changes.Items, (*store.Tx).SaveItems, report),
		write(ctx, tx, store.Offerings, len(city.Offerings), changes.Offerings, (*store.Tx).SaveOfferings, report)); err != nil || changes.Empty() {
		return err
	}
	return tx.SaveVersions(ctx, revision, "", was.changes(changes))
}

// stillOpen is the stored directory without closed units, items and offerings: one that comes back
// counts as added.
func stillOpen(d *store.Directory) directory.City {
	return directory.City{
		Units:  slices.DeleteFunc(d.Units, func(u directory.Unit) bool { return d.Closed[store.Units+" "+u.ID] }),
		Halls:  d.Halls,
		Queues: d.Queues,
		Items:  slices.DeleteFunc(d.Items, func(i directory.Item) bool { return d.Closed[store.Items+" "+i.Code] }),
		Offerings: slices.DeleteFunc(d.Offerings, func(o directory.Offering) bool {
			return d.Closed[store.Offerings+" "+o.HallID+" "+o.ItemCode+" "+o.QueueID]
		}),
	}
}

// strands refuses to close what people are booked into: nobody is silently dropped.
func strands(ctx context.Context, tx *store.Tx, c directory.Changes, report *ImportReport) error {
	var queues [][2]string // [queue, item], item "" for all of them
	for _, key := range c.Queues.Removed {
		queues = append(queues, [2]string{key[0], ""})
	}
	for _, key := range c.Offerings.Removed {
		queues = append(queues, [2]string{key[2], key[1]})
	}
	held, err := tx.ActiveIn(ctx, queues)
	if err != nil {
		return err
	}
	report.Held = held
	if len(held) > 0 {
		return ErrPeopleBooked
	}
	return nil
}

func write[T any](ctx context.Context, tx *store.Tx, noun string, total int, d directory.Delta[T], save func(*store.Tx, context.Context, []T) error, report *ImportReport) error {
	report.Counts = append(report.Counts, ImportCount{Noun: noun, Total: total, Added: len(d.Added), Changed: len(d.Changed), Closed: len(d.Removed)})
	if err := save(tx, ctx, d.Save()); err != nil || len(d.Removed) == 0 {
		return err
	}
	return tx.Close(ctx, noun, d.Removed)
}

// importDays writes the years that differ.
func importDays(ctx context.Context, tx *store.Tx, days []calendar.Day, report *ImportReport) error {
	stored, status, err := tx.Calendar(ctx)
	if err != nil {
		return err
	}
	have, want := byYear(stored), byYear(days)
	wanted := calendar.Years(days)
	const law = 2027 // the year after the last notice: what the law itself fixes is loaded until its notice comes
	if status[law] == "" && wanted[law] != calendar.Official {
		wanted[law] = calendar.Provisional
		want[law] = union(want[law], byYear(calendar.Provisional2027())[law])
	}
	count := ImportCount{Noun: "year", Total: len(wanted)}
	change := map[int]calendar.YearStatus{}
	var save []calendar.Day
	for _, year := range slices.Sorted(maps.Keys(wanted)) {
		if wanted[year] == calendar.Provisional && status[year] != "" { // a few days of the next year's notice
			wanted[year] = status[year]
			want[year] = union(want[year], have[year])
		}
		switch {
		case status[year] == "":
			count.Added++
		case status[year] != wanted[year] || !slices.Equal(sorted(have[year]), sorted(want[year])):
			count.Changed++
		default:
			continue
		}
		change[year] = wanted[year]
		save = append(save, want[year]...)
	}
	report.Counts = append(report.Counts, count)
	if len(change) == 0 {
		return nil
	}
	return tx.SaveCalendar(ctx, save, change)
}

func byYear(days []calendar.Day) map[int][]calendar.Day {
	out := map[int][]calendar.Day{}
	for _, d := range days {
		out[d.Date.Year()] = append(out[d.Date.Year()], d)
	}
	return out
}

// union keeps the first of two entries for one date.
func union(first, more []calendar.Day) []calendar.Day {
	out := slices.Clone(first)
	for _, d := range more {
		if !slices.ContainsFunc(first, func(f calendar.Day) bool { return f.Date == d.Date }) {
			out = append(out, d)
		}
	}
	return out
}

func sorted(days []calendar.Day) []calendar.Day {
	return slices.SortedFunc(slices.Values(days), func(a, b calendar.Day) int { return int(a.Date - b.Date) })
}

// importRules stores the rulebooks that ship, those whose id is not stored: a stored one is never
// replaced, as somebody may have loaded their own.
func importRules(ctx context.Context, tx *store.Tx, report *ImportReport) error {
	have, err := tx.Rulebooks(ctx)
	if err != nil {
		return err
	}
	count := ImportCount{Noun: "rulebook"}
	for _, r := range []rulebook.Rulebook{rulebook.Trial2022(), rulebook.Continued2025()} {
		count.Total++
		if slices.ContainsFunc(have, func(h rulebook.Rulebook) bool { return h.ID == r.ID || h.EffectiveFrom == r.EffectiveFrom }) {
			continue
		}
		if err := tx.SaveRulebook(ctx, r); err != nil {
			return err
		}
		count.Added++
	}
	report.Counts = append(report.Counts, count)
	return nil
}
