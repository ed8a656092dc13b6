package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/theme"
	"suiyue/internal/store"
)

// One thing (一件事, Art. 20): themes, and the cases that a finished acceptance opens.

// themeCache keeps versions of themes: one is never changed.
type themeCache struct {
	versions sync.Map
	within   atomic.Pointer[map[string][]string] // item → themes with a step of it, in order of code; as of the last Reload
}

// read learns which themes hold which items.
func (c *themeCache) read(ctx context.Context, tx *store.Tx) error {
	list, err := tx.Themes(ctx)
	if err != nil {
		return err
	}
	within := map[string][]string{}
	for _, t := range list {
		for _, s := range t.Steps {
			if !slices.Contains(within[s.Item], t.Code) {
				within[s.Item] = append(within[s.Item], t.Code)
			}
		}
	}
	c.within.Store(&within)
	return nil
}

// ThemesWith returns the themes that can be booked and hold an item, from memory.
func (a *App) ThemesWith(item string) (out []*directory.Item) {
	if within := a.themes.within.Load(); within != nil {
		for _, code := range (*within)[item] {
			if it := a.City().Item(code); it != nil {
				out = append(out, it)
			}
		}
	}
	return out
}

type themeKey struct {
	code    string
	version int
}

func (c *themeCache) of(ctx context.Context, tx *store.Tx, code string, version int) (*theme.Theme, error) {
	key := themeKey{code, version}
	if t, ok := c.versions.Load(key); ok {
		return t.(*theme.Theme), nil
	}
	t, err := tx.ThemeVersion(ctx, code, version)
	if err != nil || t == nil {
		return nil, orElse(err, fault.New(fault.ThemeNotFound))
	}
	c.versions.Store(key, t)
	return t, nil
}

// Themes returns the themes that can be booked, by code. They must not be changed.
func (a *App) Themes(ctx context.Context) (list []*theme.Theme, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.Themes(ctx)
		return err
	})
	list = slices.DeleteFunc(list, func(t *theme.Theme) bool { return a.City().Item(t.Code) == nil })
	return list, err
}

// Theme returns a theme that can be booked, in its newest version.
func (a *App) Theme(ctx context.Context, code string) (t *theme.Theme, err error) {
	if it := a.City().Item(code); it == nil || it.Category != directory.ThemeCategory {
		return nil, fault.New(fault.ThemeNotFound)
	}
	if err := a.db.View(ctx, func(tx *store.Tx) (err error) {
		t, err = tx.Theme(ctx, code)
		return err
	}); err != nil {
		return nil, err
	}
	if t == nil {
		return nil, fault.New(fault.ThemeNotFound)
	}
	return t, nil
}

// ThemeOf returns the theme an item is, nil for an item that is none.
func (a *App) ThemeOf(ctx context.Context, item *directory.Item) (*theme.Theme, error) {
	if item == nil || item.Category != directory.ThemeCategory {
		return nil, nil
	}
	t, err := a.Theme(ctx, item.Code)
	if fault.CodeOf(err) == fault.ThemeNotFound {
		return nil, nil
	}
	return t, err
}

// worldOf is what themes are checked against.
func worldOf(c directory.City) func(theme string) theme.World {
	items := map[string]*directory.Item{}
	for i := range c.Items {
		items[c.Items[i].Code] = &c.Items[i]
	}
	agencies := map[string]bool{}
	for _, u := range c.Units {
		agencies[u.ID] = u.Kind == directory.Agency
	}
	open := map[string]bool{}
	for _, h := range c.Halls {
		open[h.ID] = h.Open
	}
	for _, q := range c.Queues {
		open[q.ID] = q.Open && open[q.HallID]
	}
	offers := map[string]map[string]bool{} // item → halls that accept it
	for _, o := range c.Offerings {
		if open[o.QueueID] && o.Stages.Has(directory.Acceptance) {
			if offers[o.ItemCode] == nil {
				offers[o.ItemCode] = map[string]bool{}
			}
			offers[o.ItemCode][o.HallID] = true
		}
	}
	return func(code string) theme.World {
		w := theme.World{
			Item:   func(code string) *directory.Item { return items[code] },
			Agency: func(unit string) bool { return agencies[unit] },
			Offers: func(hall, item string) bool { return offers[item][hall] },
		}
		for hall := range offers[code] {
			w.Halls = append(w.Halls, hall)
		}
		return w
	}
}

// ThemeGap is a step of a theme that a hall offering the theme cannot accept any more.
type ThemeGap struct {
	Theme *theme.Theme
	Hall  *directory.Hall
	Item  *directory.Item // nil when the catalogue has it no longer
	Step  theme.Step
}

// ThemeGaps finds what a change of the catalogue has left of the themes at the halls an account supervises: one
// acceptance takes every step's item (Art. 20), so a hall that lacks one cannot accept the whole.
func (a *App) ThemeGaps(ctx context.Context, ad *Admin) (out []ThemeGap, err error) {
	list, err := a.Themes(ctx)
	if err != nil {
		return nil, err
	}
	city := a.City()
	accepts := func(item string) map[string]bool {
		halls := map[string]bool{}
		for _, o := range city.Offers(item) {
			if o.Stages.Has(directory.Acceptance) {
				halls[o.HallID] = true
			}
		}
		return halls
	}
	for _, t := range list {
		whole := accepts(t.Code)
		for _, s := range t.Steps {
			it := city.Item(s.Item)
			if it != nil && !it.Stages.Has(directory.Acceptance) {
				continue
			}
			have := accepts(s.Item)
			for hall := range whole {
				if !have[hall] && a.May(ad, account.Supervise, hall) {
					out = append(out, ThemeGap{t, city.Hall(hall), it, s})
				}
			}
		}
	}
	slices.SortFunc(out, func(x, y ThemeGap) int {
		return cmp.Or(strings.Compare(x.Hall.ID, y.Hall.ID), strings.Compare(x.Theme.Code, y.Theme.Code), strings.Compare(x.Step.Key, y.Step.Key))
	})
	return out, nil
}

// readThemes reads the themes of a folder and checks them against a city; nil where it has no file of them.
func readThemes(files fs.FS, city directory.City) (drafts []theme.Draft, faults []directory.LineError) {
	f, err := files.Open(theme.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []directory.LineError{{File: theme.File, Code: fault.MalformedRequest}}
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() || info.Size() > maxImportFile {
		return nil, []directory.LineError{{File: theme.File, Code: fault.BodyTooLarge}}
	}
	drafts, faults = theme.ParseCSV(f)
	world := worldOf(city)
	for i := range drafts {
		faults = append(faults, drafts[i].Fill(world(drafts[i].Code))...)
		it := world(drafts[i].Code).Item(drafts[i].Code)
		if it != nil && it.Category != directory.ThemeCategory {
			faults = append(faults, directory.LineError{File: theme.File, Line: drafts[i].Lines[0], Column: "theme", Code: fault.NotOneOf})
		}
	}
	if len(drafts) == 0 && len(faults) == 0 {
		faults = []directory.LineError{{File: theme.File, Code: fault.Required}}
	}
	return drafts, faults
}

// importThemes keeps those that say something new as a version of their own; one that is no longer among
// them is closed. Cases go on by the version they were opened under.
func importThemes(ctx context.Context, tx *store.Tx, drafts []theme.Draft, report *ImportReport) error {
	if len(drafts) == 0 {
		return nil
	}
	have, err := tx.Themes(ctx)
	if err != nil {
		return err
	}
	count := ImportCount{Noun: "theme", Total: len(drafts)}
	for _, d := range drafts {
		version, err := tx.SaveTheme(ctx, d.Theme)
		switch {
		case err != nil:
			return err
		case version == 1:
			count.Added++
		case version > 1:
			count.Changed++
		}
	}
	for _, t := range have {
		if !slices.ContainsFunc(drafts, func(d theme.Draft) bool { return d.Code == t.Code }) {
			if _, err := tx.CloseTheme(ctx, t.Code); err != nil {
				return err
			}
			count.Closed++
		}
	}
	report.Counts = append(report.Counts, count)
	return nil
}

// ImportThemes reads themes from theme.File, checks them against the city as it is stored and keeps what is
// new, in one transaction: all or nothing. The report lists every bad line; then the error is ErrBadLines.
func (a *App) ImportThemes(ctx context.Context, files fs.FS) (report ImportReport, err error) {
	var city directory.City
	if err := a.db.View(ctx, func(tx *store.Tx) error {
		d, err := tx.Directory(ctx)
		if err == nil {
			city = stillOpen(d)
		}
		return err
	}); err != nil {
		return report, err
	}
	drafts, faults := readThemes(files, city)
	if drafts == nil && faults == nil {
		faults = []directory.LineError{{File: theme.File, Code: fault.Required}}
	}
	if len(faults) > 0 {
		return ImportReport{Faults: faults}, ErrBadLines
	}
	err = a.db.Update(ctx, func(tx *store.Tx) error {
		report = ImportReport{}
		return importThemes(ctx, tx, drafts, &report)
	})
	return report, err
}

// caseIDLength tells the id of a case from those of bookings and tickets.
const caseIDLength = 12

// oneCaseID makes the id of a case: 60 random bits; whoever has it must still be somebody of the case.
func oneCaseID() string {
	var b [8]byte
	rand.Read(b[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))[:caseIDLength]
}

// openCases opens the case of each theme whose acceptance was finished on this day, in the transaction of
// the finish: there is never one without the other.
func (d *day) openCases(ctx context.Context) error {
	for _, t := range d.changed {
		if t.State != counter.Done || t.Result != counter.Finished || d.was[t.ID] == 0 || !d.opensCase(t) {
			continue
		}
		th, err := d.tx.Theme(ctx, t.Item)
		if err != nil {
			return err
		}
		if th == nil { // none was loaded: an item like any other
			continue
		}
		if err := d.openCase(ctx, t, th); err != nil {
			return err
		}
	}
	return nil
}

// opensCase tells whether a ticket is one whose acceptance opens a case.
func (d *day) opensCase(t *counter.Ticket) bool {
	it := d.a.City().Item(t.Item)
	return t.Stage == directory.Acceptance && it != nil && it.Category == directory.ThemeCategory
}

func (d *day) openCase(ctx context.Context, t *counter.Ticket, th *theme.Theme) error {
	p, err := d.a.openTicket(t)
	if err != nil {
		return err
	}
	c := theme.Case{ID: oneCaseID(), HallID: t.HallID, Ticket: t.ID, Booker: t.Person, Applicant: t.Person}
	if t.Booking != "" {
		b, err := d.tx.Booking(ctx, t.Booking)
		if err != nil {
			return err
		}
		if b != nil {
			c.Booker, c.Applicant = b.BookerKey, b.ApplicantKey
		}
	}
	if c.Sealed, err = d.a.sealCase(c.ID, p); err != nil {
		return err
	}
	_, by := d.by.of()
	next := theme.OpenCase(d.tx.Now, th, d.a.Calendar(), c, by)
	added, err := d.tx.AddCase(ctx, next)
	if err != nil || !added {
		return err
	}
	return tellCase(ctx, d.tx, next)
}

func (a *App) sealCase(id string, p booking.Parties) ([]byte, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return a.vault.Seal(plain, "one thing|"+id), nil
}

func (a *App) openParties(c *theme.Case) (p booking.Parties, err error) {
	plain, err := a.unseal(c.Sealed, "one thing|"+c.ID, "{}")
	if err != nil {
		return p, fault.Wrap(fault.InternalError, err)
	}
	return p, json.Unmarshal(plain, &p)
}

// tellCase writes the messages about what an act came to: each act at most one of a kind.
func tellCase(ctx context.Context, tx *store.Tx, c *theme.Change) error {
	var list []booking.Message
	for _, e := range c.Events {
		kind := map[theme.ActKind]booking.MessageKind{
			theme.Open: booking.MessageCaseOpened, theme.Ask: booking.MessageCaseAsked, theme.Finish: booking.MessageCaseDone,
			theme.Reject: booking.MessageCaseRejected, theme.Close: booking.MessageCaseEnded,
		}[e.Kind]
		if kind == "" || kind == booking.MessageCaseDone && c.Has(theme.Close) {
			continue
		}
		list = append(list, booking.Message{Booking: c.Case.ID, HallID: c.Case.HallID, Version: e.Act, Kind: kind, Due: tx.Now})
	}
	if len(list) == 0 {
		return nil
	}
	return tx.InsertReminders(ctx, list)
}

// CaseMessage is what a message about a case says.
type CaseMessage struct {
	ID    string // of the case
	Theme *theme.Theme
	Step  string // key, "" for the case as a whole
	End   theme.End
	Whom  string // masked: whose business it is, "" for that of whoever is told
}

// aboutCases reads what messages about cases need.
func (a *App) aboutCases(ctx context.Context, tx *store.Tx, rows []store.MessageRow, out map[string]Outgoing) error {
	ids := map[string]struct{}{}
	for _, r := range rows {
		if len(r.Booking) == caseIDLength {
			ids[r.Booking] = struct{}{}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	cases, err := tx.CasesByID(ctx, ids)
	if err != nil {
		return err
	}
	for _, r := range rows {
		c := cases[r.Booking]
		if c == nil {
			continue
		}
		p, err := a.openParties(c)
		if err != nil { // it is settled as failed, with those of which nothing is known
			a.log.Error("a case cannot be read", "case", c.ID, "error", err)
			continue
		}
		t, err := a.themes.of(ctx, tx, c.Theme, c.Version)
		if err != nil {
			return err
		}
		events, err := tx.CaseEvents(ctx, c)
		if err != nil {
			return err
		}
		m := &CaseMessage{ID: c.ID, Theme: t, End: c.State, Whom: whom(p)}
		for _, e := range events[c.ID] {
			if e.Act == r.Version { // what was done; the rest of the act follows from it
				m.Step = e.Step
				break
			}
		}
		out[r.Ref()] = Outgoing{Phone: p.Booker.Phone, Case: m}
	}
	return nil
}

// recountCases compares every case with its theme and its history, and every open theme with the city.
func (a *App) recountCases(ctx context.Context) (out []Finding, err error) {
	err = a.db.View(ctx, func(tx *store.Tx) error {
		for after := ""; ; {
			list, err := tx.CasesAfter(ctx, after, 500)
			if err != nil || len(list) == 0 {
				return err
			}
			events, err := tx.CaseEvents(ctx, list...)
			if err != nil {
				return err
			}
			for _, c := range list {
				t, err := a.themes.of(ctx, tx, c.Theme, c.Version)
				if fault.CodeOf(err) == fault.ThemeNotFound {
					out = append(out, Finding{Check: "one thing", Error: true, Detail: c.ID + ": its version of the theme is not there"})
					continue
				}
				if err != nil {
					return err
				}
				for _, line := range c.Recount(t, a.Calendar(), events[c.ID]) {
					out = append(out, Finding{Check: "one thing", Error: true, Detail: c.ID + ": " + line})
				}
			}
			if len(out) > 100 {
				return nil
			}
			after = list[len(list)-1].ID
		}
	})
	if err != nil {
		return nil, err
	}
	return out, a.db.View(ctx, func(tx *store.Tx) error {
		d, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		list, err := tx.Themes(ctx)
		world := worldOf(stillOpen(d))
		for _, t := range list {
			if wrong := t.Check(world(t.Code)); len(wrong) > 0 {
				out = append(out, Finding{Check: "theme", Detail: t.Code + ": no longer agrees with the directory: run `suiyue import themes`"})
			}
		}
		return err
	})
}

// masked is how a party is shown to whoever is not theirs.
func masked(p booking.Party) string { return identity.MaskName(p.Name) }

// whom is whose business somebody has in hand, masked; "" for their own.
func whom(p booking.Parties) string {
	switch {
	case p.Applicant == p.Booker || p.Applicant == (booking.Party{}):
		return ""
	case p.Applicant.CreditCode != "":
		return identity.MaskOrganisation(p.Applicant.Name)
	}
	return masked(p.Applicant)
}

// today is the date by the App's clock.
func (a *App) today() calendar.Date { return calendar.DateOf(a.now()) }
