package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// uploadKept is how long a file waits to be applied.
const uploadKept = time.Hour

// DirectoryPlan is what a file of directory entries would do. Entries that are not in it stay as they
// are; nothing is closed but by "open" = "no".
type DirectoryPlan struct {
	ID      string // of the file sent
	Name    string
	Faults  []directory.LineError // with any of them nothing is applied
	Changes []store.DirectoryChange
	Rows    int
	Booked  int    // people booked in what it would close: nothing is applied then
	Digest  string // of the changes: they are applied as they were shown, or not at all
}

// Ready tells whether the plan can be applied.
func (p *DirectoryPlan) Ready() bool {
	return len(p.Faults) == 0 && p.Booked == 0 && len(p.Changes) > 0
}

// SendDirectory keeps a file for a while, so that what it would do can be looked at (PlanDirectory) and
// then be done (ApplyDirectory).
func (a *App) SendDirectory(ctx context.Context, ad *Admin, name string, body []byte) (id string, err error) {
	switch {
	case a.Scope(ad, account.Configure).None:
		return "", fault.New(fault.NotAllowed)
	case len(body) == 0:
		return "", fault.InvalidFields(fault.Field{Path: "file", Code: fault.Required})
	case len(body) > MaxUpload:
		return "", fault.New(fault.BodyTooLarge, "max", "8192")
	}
	id = publicID()
	return id, a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		return tx.SaveUpload(ctx, ad.Account.ID, id, short(name), body)
	})
}

// PlanDirectory says what a file that was sent would do now.
func (a *App) PlanDirectory(ctx context.Context, ad *Admin, id string) (plan *DirectoryPlan, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		var d *draft
		if plan, d, err = a.plan(ctx, tx, ad, id); err != nil || d == nil {
			return err
		}
		plan.Booked, err = d.booked(ctx)
		return err
	})
	return plan, err
}

// ApplyDirectory does what PlanDirectory showed: all of it, or nothing if anything has changed since.
func (a *App) ApplyDirectory(ctx context.Context, ad *Admin, id, digest string) (changed int, err error) {
	var done *draft
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		revision, err := tx.NextRevision(ctx)
		if err != nil {
			return err
		}
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		plan, d, err := a.plan(ctx, tx, ad, id)
		switch {
		case err != nil:
			return err
		case plan.Digest != digest || d == nil:
			return fault.New(fault.ChangedMeanwhile)
		case len(plan.Changes) == 0:
			return fault.New(fault.NothingChanges)
		}
		done = d
		if err := d.save(ctx, revision); err != nil {
			return err
		}
		if err := tx.DropUpload(ctx, ad.Account.ID); err != nil {
			return err
		}
		changed = len(plan.Changes)
		counts := map[string]int{}
		for _, c := range plan.Changes {
			counts[string(c.Noun)+"."+deed(c)]++
		}
		return tx.Audit(ctx, store.AuditRecord{
			Account: ad.Account.ID, Rank: string(ad.Account.Rank), Act: "directory.import", Noun: "directory", Key: id, After: encoded(counts), Why: plan.Name, From: ad.Origin,
		})
	})
	if err != nil {
		return 0, err
	}
	a.readBack(ctx, done)
	return changed, nil
}

// plan works out a file. The draft is nil when some lines are wrong.
func (a *App) plan(ctx context.Context, tx *store.Tx, ad *Admin, id string) (*DirectoryPlan, *draft, error) {
	if a.Scope(ad, account.Configure).None {
		return nil, nil, fault.New(fault.NotAllowed)
	}
	name, body, err := tx.Upload(ctx, ad.Account.ID, id)
	if err != nil {
		return nil, nil, err
	}
	if body == nil {
		return nil, nil, fault.New(fault.EntryNotFound)
	}
	p := &DirectoryPlan{ID: id, Name: name}
	sheets, faults := readDirectoryFile(name, body)
	p.Faults = faults
	d := a.newDraft(ad, tx)
	if err := d.readFor(ctx, sheets); err != nil {
		return nil, nil, err
	}
	for _, s := range sheets {
		p.Rows += len(s.rows)
		seen := map[string]bool{}
		for _, r := range s.rows {
			p.Faults = append(p.Faults, d.line(s.DirectorySheet, r, seen)...)
		}
	}
	p.Changes = d.changes
	b, err := json.Marshal(p.Changes)
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(b)
	if p.Digest = hex.EncodeToString(sum[:]); len(p.Faults) > 0 {
		return p, nil, nil
	}
	return p, d, nil
}

func (d *draft) readFor(ctx context.Context, sheets []sheetRows) error {
	halls, items := map[string]bool{}, map[string]bool{}
	for _, s := range sheets {
		for _, r := range s.rows {
			for column, set := range map[string]map[string]bool{"hall": halls, "parent_hall": halls, "item": items} {
				if v := r.Value[column]; v != "" {
					set[v] = true
				}
			}
		}
	}
	return d.readAll(ctx, halls, items)
}

// line works one line of a file into the draft. A line of an entry that never was and is not to be open
// says nothing, and neither does one of an entry as it stands.
func (d *draft) line(s DirectorySheet, r directory.Row[directory.Fields], seen map[string]bool) []directory.LineError {
	key := make([]string, len(s.Key))
	last := s.Key[len(s.Key)-1]
	for i, column := range s.Key {
		if key[i] = r.Value[column]; key[i] == "" {
			return []directory.LineError{{File: s.Name, Line: r.Line, Column: column, Code: fault.Required}}
		}
	}
	joined, _ := entryKey(s.Noun, key)
	if seen[joined] {
		return []directory.LineError{{File: s.Name, Line: r.Line, Column: last, Code: fault.DuplicateField}}
	}
	seen[joined] = true
	was := d.was[at(s.Noun, joined)]
	isNew := was == nil
	if isNew && r.Value["open"] == "no" || !isNew && !slices.ContainsFunc(s.Columns, func(c string) bool { return was[c] != r.Value[c] }) {
		return nil
	}
	var out []directory.LineError
	for _, f := range d.apply(s.Noun, key, r.Value, isNew) {
		column := f.Path
		if column == "" {
			column = last
		}
		out = append(out, directory.LineError{File: s.Name, Line: r.Line, Column: column, Code: f.Code})
	}
	return out
}

// Format is a kind of file.
type Format string

const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// ExportDirectory writes the directory of a hall with its sub-halls, or with hall "" of all halls the
// administrator may export: one sheet as CSV, or all of them as XLSX.
func (a *App) ExportDirectory(ctx context.Context, ad *Admin, hall string, format Format, sheet string, w io.Writer) error {
	if hall != "" {
		if err := a.Allow(ad, account.Export, hall); err != nil {
			return err
		}
	} else if a.Scope(ad, account.Export).None {
		return fault.New(fault.NotAllowed)
	}
	one, known := sheetNamed(sheet)
	if format != XLSX && (format != CSV || !known) {
		return fault.InvalidFields(fault.Field{Path: "sheet", Code: fault.NotOneOf})
	}
	if err := a.db.Update(ctx, func(tx *store.Tx) error {
		if err := still(ctx, tx, ad); err != nil {
			return err
		}
		return tx.Audit(ctx, store.AuditRecord{Account: ad.Account.ID, Rank: string(ad.Account.Rank), Act: "directory.export", Noun: "directory", Key: string(format), Hall: hall, From: ad.Origin})
	}); err != nil {
		return err
	}
	rows := a.directoryRows(ad, hall)
	if format == CSV {
		return writeCSV(w, one, rows(one))
	}
	return writeWorkbook(w, DirectorySheets, rows)
}

// directoryRows gives the rows of each sheet.
func (a *App) directoryRows(ad *Admin, hall string) func(DirectorySheet) []directory.Fields {
	city := a.City()
	scope := a.Scope(ad, account.Export)
	wanted := map[string]bool{}
	for _, h := range city.source.Halls {
		if scope.Has(h) && (hall == "" || h.ID == hall || h.ParentHall == hall) {
			wanted[h.ID] = true
		}
	}
	open := func(noun, key string) bool { return !city.source.Closed[noun+" "+key] }
	return func(s DirectorySheet) (out []directory.Fields) {
		d := city.source
		switch s.Noun {
		case directory.HallNoun:
			for _, h := range d.Halls {
				if wanted[h.ID] {
					out = append(out, directory.HallSheet.Fields(h, h.Open))
				}
			}
		case directory.QueueNoun:
			for _, q := range d.Queues {
				if wanted[q.HallID] {
					out = append(out, directory.QueueSheet.Fields(q, q.Open))
				}
			}
		case directory.CounterNoun:
			for _, c := range d.Counters {
				if wanted[c.HallID] {
					out = append(out, directory.CounterSheet.Fields(c, c.Open))
				}
			}
		case directory.OfferingNoun:
			for _, o := range d.Offerings {
				if wanted[o.HallID] {
					out = append(out, directory.OfferingSheet.Fields(o, open(store.Offerings, store.DirectoryKey(o.HallID, o.ItemCode, o.QueueID))))
				}
			}
		case directory.ItemNoun:
			offered := map[string]bool{}
			for _, o := range d.Offerings {
				offered[o.ItemCode] = offered[o.ItemCode] || wanted[o.HallID]
			}
			for _, i := range d.Items {
				if offered[i.Code] || hall == "" && a.mayItem(ad, i.Department) {
					out = append(out, directory.ItemSheet.Fields(i, open(store.Items, i.Code)))
				}
			}
		}
		slices.SortFunc(out, func(x, y directory.Fields) int {
			for _, column := range s.Key {
				if c := strings.Compare(x[column], y[column]); c != 0 {
					return c
				}
			}
			return 0
		})
		return out
	}
}
