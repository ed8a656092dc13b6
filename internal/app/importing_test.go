package app_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"suiyue/data"
	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/store"
)

// importer is an App over an empty database.
type importer struct {
	*app.App
	db *store.DB
}

func newImporter(t *testing.T) importer {
	t.Helper()
	ctx := context.Background()
	clock := &apptest.Clock{}
	clock.Set(apptest.Start)
	now := clock.Now
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "city.db"), store.Options{Now: now, Twice: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	a, err := app.New(ctx, app.Config{DB: db, Vault: apptest.NewVault(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return importer{a, db}
}

// district is the part of the shipped files that concerns one district.
func district(t *testing.T) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for _, name := range append(directory.FileNames(), app.HolidaysFile) {
		b, err := fs.ReadFile(data.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		if name == directory.UnitsFile || name == directory.HallsFile {
			var kept []string
			for i, line := range strings.Split(string(b), "\n") {
				if i == 0 || strings.HasPrefix(line, "440100") || strings.HasPrefix(line, "440103000000") || strings.HasPrefix(line, "440103001") {
					kept = append(kept, line)
				}
			}
			b = []byte(strings.Join(kept, "\n") + "\n")
		}
		out[name] = &fstest.MapFile{Data: b}
	}
	return out
}

// edit replaces a text in one of the files.
func edit(t *testing.T, files fstest.MapFS, name, old, new string) {
	t.Helper()
	was := string(files[name].Data)
	if !strings.Contains(was, old) {
		t.Fatalf("%s does not hold %q", name, old)
	}
	files[name] = &fstest.MapFile{Data: []byte(strings.Replace(was, old, new, 1))}
}

func (i importer) run(t *testing.T, files fs.FS) app.ImportReport {
	t.Helper()
	r, err := i.Import(t.Context(), files, nil)
	if err != nil {
		t.Fatal(err, r.Faults)
	}
	return r
}

// snapshot is everything an import may write.
func (i importer) snapshot(t *testing.T) any {
	t.Helper()
	var dir *store.Directory
	var days []calendar.Day
	var years map[int]calendar.YearStatus
	if err := i.db.View(t.Context(), func(tx *store.Tx) (err error) {
		if dir, err = tx.Directory(t.Context()); err != nil {
			return err
		}
		days, years, err = tx.Calendar(t.Context())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return []any{dir, days, years}
}

func count(t *testing.T, r app.ImportReport, noun string) app.ImportCount {
	t.Helper()
	for _, c := range r.Counts {
		if c.Noun == noun {
			return c
		}
	}
	t.Fatalf("nothing said of %s", noun)
	return app.ImportCount{}
}

func TestImportTwiceChangesNothing(t *testing.T) {
	i, files := newImporter(t), district(t)
	var steps []int
	r, err := i.Import(t.Context(), files, func(_ string, done, all int) {
		if all != 4 {
			t.Errorf("step %d of %d", done, all)
		}
		steps = append(steps, done)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) < 4 || steps[len(steps)-1] != 4 {
		t.Errorf("steps %v", steps)
	}
	for _, c := range r.Counts {
		if c.Added != c.Total && c.Noun != "year" || c.Added == 0 || c.Changed != 0 || c.Closed != 0 {
			t.Errorf("first import: %+v", c)
		}
	}
	halls, queues, items := i.City().Counts()
	if halls == 0 || queues == 0 || items < 60 {
		t.Errorf("after the import the App knows %d halls, %d queues, %d items", halls, queues, items)
	}
	if status, ok := i.Calendar().Status(2027); !ok || status != calendar.Provisional {
		t.Errorf("2027 is %q: only what the law fixes is known of it", status)
	}
	before := i.snapshot(t)
	if r := i.run(t, files); r.Changes() != 0 {
		t.Errorf("second import: %+v", r.Counts)
	}
	if !reflect.DeepEqual(before, i.snapshot(t)) {
		t.Error("a second import of the same files changed something")
	}
}

func TestImportIsAllOrNothing(t *testing.T) {
	i := newImporter(t)
	i.run(t, district(t))
	before := i.snapshot(t)
	for name, c := range map[string]struct {
		change func(fstest.MapFS)
		want   []directory.LineError
	}{
		"a bad line": {
			func(f fstest.MapFS) { edit(t, f, directory.AgenciesFile, "\n440100-", "\n440100 police-") },
			[]directory.LineError{{File: directory.AgenciesFile, Line: 2, Column: "id", Code: fault.BadCharacter}},
		},
		"a bad day beside a good city": {
			func(f fstest.MapFS) {
				edit(t, f, app.HolidaysFile, "2022-01-03,off,", "2022-13-03,off,")
				edit(t, f, directory.ItemsFile, "社会保障卡补领、换领", "新名称")
			},
			[]directory.LineError{{File: app.HolidaysFile, Line: 4, Code: fault.BadDate}},
		},
		"a file missing": {
			func(f fstest.MapFS) { delete(f, directory.LinesFile) },
			[]directory.LineError{{File: directory.LinesFile, Code: fault.Required}},
		},
	} {
		files := district(t)
		c.change(files)
		r, err := i.Import(t.Context(), files, nil)
		if !errors.Is(err, app.ErrBadLines) || !reflect.DeepEqual(r.Faults, c.want) {
			t.Errorf("%s: %v %+v, want %+v", name, err, r.Faults, c.want)
		}
		if !reflect.DeepEqual(before, i.snapshot(t)) {
			t.Fatalf("%s: something was written", name)
		}
	}
	if r, err := i.Import(t.Context(), fstest.MapFS{}, nil); !errors.Is(err, app.ErrBadLines) || len(r.Faults) != len(directory.FileNames()) {
		t.Errorf("an empty folder: %v %+v", err, r.Faults)
	}
}

func TestImportReportsEveryBadLine(t *testing.T) {
	i, files := newImporter(t), district(t)
	bad := string(files[app.HolidaysFile].Data)
	for n := range 50 {
		bad += fmt.Sprintf("2026-02-%d,off,春节\n", 30+n)
	}
	files[app.HolidaysFile] = &fstest.MapFile{Data: []byte(bad)}
	r, err := i.Import(t.Context(), files, nil)
	if !errors.Is(err, app.ErrBadLines) || len(r.Faults) != 50 {
		t.Errorf("%v, %d bad lines reported, want 50", err, len(r.Faults))
	}
}

func TestImportWritesOnlyWhatDiffers(t *testing.T) {
	i, files := newImporter(t), district(t)
	i.run(t, files)
	numbers := map[string]int{}
	for _, o := range i.City().Items() {
		for _, offer := range i.City().Offers(o.Code) {
			numbers[offer.HallID] = i.City().Hall(offer.HallID).Number
		}
	}
	// An item gets another name, and a hall goes.
	edit(t, files, directory.ItemsFile, "社会保障卡补领、换领", "社会保障卡补换")
	gone := ""
	var kept []string
	for n, line := range strings.Split(string(files[directory.HallsFile].Data), "\n") {
		if id, _, _ := strings.Cut(line, ","); n > 0 && gone == "" && strings.HasPrefix(id, "440103001") && id != "440103001000" {
			gone = id
			continue
		}
		kept = append(kept, line)
	}
	files[directory.HallsFile] = &fstest.MapFile{Data: []byte(strings.Join(kept, "\n"))}
	if gone == "" {
		t.Fatal("no village hall to close")
	}
	r := i.run(t, files)
	if c := count(t, r, "item"); c.Changed != 1 || c.Added+c.Closed != 0 {
		t.Errorf("items: %+v", c)
	}
	if c := count(t, r, "hall"); c.Closed != 1 || c.Added+c.Changed != 0 {
		t.Errorf("halls: %+v", c)
	}
	if c := count(t, r, "unit"); c.Closed+c.Added+c.Changed != 0 {
		t.Errorf("units: %+v", c)
	}
	if h := i.City().Hall(gone); h == nil || h.Open || len(i.City().OffersAt(gone)) != 0 {
		t.Error("a hall that is not in the files any more is not closed, or not kept")
	}
	// It comes back under its number.
	r = i.run(t, district(t))
	if c := count(t, r, "hall"); c.Changed != 1 || c.Added != 0 {
		t.Errorf("halls reopened: %+v", c)
	}
	if h := i.City().Hall(gone); h == nil || !h.Open || h.Number != numbers[gone] {
		t.Errorf("the hall reopened is %+v, want number %d", h, numbers[gone])
	}
}

func TestImportKeepsAHallsNotice(t *testing.T) {
	i, files := newImporter(t), district(t)
	i.run(t, files)
	hall := *i.City().Hall("440103000000")
	hall.Notice = directory.Text{Hans: "今天下午暂停", Hant: "今天下午暫停", En: "Closed this afternoon"}
	if err := i.db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.SaveHalls(t.Context(), []directory.Hall{hall})
	}); err != nil {
		t.Fatal(err)
	}
	if r := i.run(t, files); r.Changes() != 0 {
		t.Errorf("a notice made an import write: %+v", r.Counts)
	}
	edit(t, files, directory.HallsFile, "荔湾区政务服务中心", "荔湾区政务大厅")
	i.run(t, files)
	if got := i.City().Hall("440103000000"); got.Notice != hall.Notice || got.Name.Hans != "荔湾区政务大厅" {
		t.Errorf("after an import the hall is %+v", got)
	}
}

func TestImportOfHolidaysAlone(t *testing.T) {
	i := newImporter(t)
	i.run(t, district(t))
	halls, _, _ := i.City().Counts()
	notice := func(lines ...string) fstest.MapFS {
		return fstest.MapFS{app.HolidaysFile: {Data: []byte("date,kind,festival\n" + strings.Join(lines, "\n") + "\n")}}
	}
	// The notice of 2027 replaces what the law alone had fixed, and names a last day of 2026.
	r := i.run(t, notice("2026-12-31,off,元旦", "2027-01-01,off,元旦", "2027-01-02,work,元旦", "2027-10-01,off,国庆节"))
	if c := count(t, r, "year"); c.Changed != 2 || c.Added != 0 {
		t.Errorf("years: %+v", c)
	}
	if now, _, _ := i.City().Counts(); now != halls {
		t.Error("the city changed with the calendar")
	}
	cal := i.Calendar()
	if s, _ := cal.Status(2027); s != calendar.Official {
		t.Errorf("2027 is %q", s)
	}
	if s, _ := cal.Status(2026); s != calendar.Official {
		t.Errorf("2026 has become %q by one day of another year's notice", s)
	}
	for day, off := range map[string]bool{"2026-12-31": true, "2026-10-01": true, "2027-10-01": true, "2027-02-06": false} {
		d, err := calendar.ParseDate(day)
		if err != nil {
			t.Fatal(err)
		}
		if cal.IsStatutoryOff(d) != off {
			t.Errorf("%s off: %t", day, !off)
		}
	}
	// The files from before do not take the notice back.
	i.run(t, district(t))
	if s, _ := i.Calendar().Status(2027); s != calendar.Official {
		t.Errorf("after the older files 2027 is %q", s)
	}
}

func TestDoctorFindsNothingInACityJustImported(t *testing.T) {
	i := newImporter(t)
	found, err := app.Doctor(t.Context(), i.db, apptest.Start, nil, nil)
	if err != nil || len(found) == 0 {
		t.Errorf("a database without a city: %v %v", found, err)
	}
	i.run(t, district(t))
	if _, err := i.Prepare(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if found, err = app.Doctor(t.Context(), i.db, apptest.Start, nil, nil); err != nil || len(found) != 0 {
		t.Errorf("found %v %v", found, err)
	}
	// Three weeks before the end of the year the window reaches into 2027.
	found, err = app.Doctor(t.Context(), i.db, calendar.MakeDate(2026, 12, 25).At(10, 0), nil, nil)
	if err != nil || len(found) != 1 || found[0].Check != "calendar" || found[0].Error || !strings.HasPrefix(found[0].String(), "warning calendar: ") {
		t.Errorf("found %v %v, want a warning about the calendar", found, err)
	}
}

// Closing what people are booked into would drop them silently: it is refused and nothing changes.
func TestImportDoesNotStrandThePeopleBooked(t *testing.T) {
	i, files := newImporter(t), district(t)
	i.run(t, files)
	if _, err := i.Prepare(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	var offers []*directory.Offering
	for _, it := range i.City().Items() {
		for _, o := range i.City().Offers(it.Code) {
			if i.City().Hall(o.HallID).Level == directory.VillageHall {
				offers = append(offers, o)
			}
		}
	}
	if len(offers) == 0 {
		t.Fatal("no village hall offers anything")
	}
	hall := offers[0].HallID
	next := i.NextFree(offers[0].QueueID, 1)
	_, who, err := i.SignIn(t.Context(), apptest.Citizen(1))
	if err != nil || next == nil {
		t.Fatal(next, err)
	}
	got, err := i.Book(t.Context(), who, app.BookRequest{
		Key: "strand-0001", Item: offers[0].ItemCode, SlotID: next.ID, Stage: offers[0].Stages[0], Applicant: app.Applicant{Kind: booking.Self}, Channel: booking.Web,
	})
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.SplitSeq(string(files[directory.HallsFile].Data), "\n") {
		if !strings.HasPrefix(line, hall+",") {
			kept = append(kept, line)
		}
	}
	files[directory.HallsFile] = &fstest.MapFile{Data: []byte(strings.Join(kept, "\n"))}
	r, err := i.Import(t.Context(), files, nil)
	if !errors.Is(err, app.ErrPeopleBooked) || r.Held[offers[0].QueueID] != 1 {
		t.Fatalf("closing a hall with a booking: %v, %v", err, r.Held)
	}
	if h := i.City().Hall(hall); h == nil || !h.Open {
		t.Error("the hall has been closed all the same")
	}
	if _, err := i.Cancel(t.Context(), who, app.CancelRequest{Key: "strand-0002", Code: got.View.Code}); err != nil {
		t.Fatal(err)
	}
	i.run(t, files)
	if h := i.City().Hall(hall); h == nil || h.Open {
		t.Error("with nobody booked the hall is not closed")
	}
}
