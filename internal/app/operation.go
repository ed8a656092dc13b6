package app

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/store"
)

// Operation is what the system administrator sees of the platform: no person, no booking.
type Operation struct {
	Node     string
	Engine   string
	Version  string        // of the engine
	Leases   []store.Lease // which node does which work by itself
	Years    []YearLoaded
	Books    []rulebook.Rulebook
	InForce  string        // id of the rulebook of today
	Alert    calendar.Date // the window reaches a year without a notice from here on
	HasAlert bool
	Waiting  int // requests waiting for this node's lanes
}

// YearLoaded is a year of the working calendar.
type YearLoaded struct {
	Year   int
	Status calendar.YearStatus
	Off    int // statutory days off
	Work   int // make-up working days
}

// Operation says how the platform is.
func (a *App) Operation(ctx context.Context) (o Operation, err error) {
	o.Node, o.Engine = a.node, a.db.Engine()
	if o.Version, err = a.db.Version(ctx); err != nil {
		return o, err
	}
	o.Waiting, _ = a.Lanes()
	o.Alert, o.HasAlert = a.Horizon()
	o.InForce = a.Rules(calendar.DateOf(a.now())).ID
	err = a.db.View(ctx, func(tx *store.Tx) error {
		o.Years, o.Books = nil, nil
		if o.Leases, err = tx.Leases(ctx); err != nil {
			return err
		}
		days, years, err := tx.Calendar(ctx)
		if err != nil {
			return err
		}
		of := byYear(days)
		for _, year := range slices.Sorted(maps.Keys(years)) {
			y := YearLoaded{Year: year, Status: years[year]}
			for _, d := range of[year] {
				if d.Kind == calendar.Work {
					y.Work++
				} else {
					y.Off++
				}
			}
			o.Years = append(o.Years, y)
		}
		o.Books, err = tx.Rulebooks(ctx)
		return err
	})
	return o, err
}

// maxNotice is more than any holiday notice needs, in bytes.
const maxNotice = 256 << 10

// ImportHolidays loads a holiday notice: a file as HolidaysFile. The report lists every bad line; then
// nothing is changed and the error is ErrBadLines.
func (a *App) ImportHolidays(ctx context.Context, ad *Admin, file []byte) (report ImportReport, err error) {
	if len(file) > maxNotice {
		return report, fault.New(fault.BodyTooLarge, "max", "256")
	}
	days, faults := calendar.ParseCSV(bytes.NewReader(file))
	for _, f := range faults {
		report.Faults = append(report.Faults, directory.LineError{File: HolidaysFile, Line: f.Line, Code: f.Code})
	}
	if len(faults) > 0 {
		return report, ErrBadLines
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		report.Counts = nil
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		_, before, err := tx.Calendar(ctx)
		if err != nil {
			return err
		}
		if err := importDays(ctx, tx, days, &report); err != nil || report.Changes() == 0 {
			return err
		}
		stored, after, err := tx.Calendar(ctx)
		if err != nil {
			return err
		}
		named := map[int]int{}
		for year, list := range byYear(stored) {
			named[year] = len(list)
		}
		r := ad.record("calendar.import", "calendar", "")
		r.Before, r.After = asJSON(map[string]any{"years": before}), asJSON(map[string]any{"years": after, "days": named})
		return tx.Audit(ctx, r)
	})
	if err != nil {
		return ImportReport{}, notDone(err)
	}
	if report.Changes() > 0 {
		err = a.Reload(ctx)
	}
	return report, err
}

// LeaseOver tells whether nobody holds a lease any more.
func (a *App) LeaseOver(l store.Lease) bool { return !a.now().Before(l.Until.Add(time.Second)) }
