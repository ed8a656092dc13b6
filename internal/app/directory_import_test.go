package app_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
)

// exported is the file of what ad may export.
func exported(t testing.TB, f *apptest.Fixture, ad *app.Admin, hall string, format app.Format, sheet string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.App.ExportDirectory(context.Background(), ad, hall, format, sheet, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// planned sends a file and returns what it would do.
func planned(t testing.TB, f *apptest.Fixture, ad *app.Admin, name string, body []byte) *app.DirectoryPlan {
	t.Helper()
	id, err := f.App.SendDirectory(context.Background(), ad, name, body)
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.App.PlanDirectory(context.Background(), ad, id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func replaced(t testing.TB, b []byte, old, new string) []byte {
	t.Helper()
	if !bytes.Contains(b, []byte(old)) {
		t.Fatalf("the file does not hold %q:\n%s", old, b)
	}
	return bytes.Replace(b, []byte(old), []byte(new), 1)
}

func TestAFileIsShownThenAppliedWholeAndTwiceChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, f *apptest.Fixture) {
		ctx := t.Context()
		ad := staff(t, f, account.District1, apptest.DistrictA)
		file := exported(t, f, ad, "", app.CSV, "halls")
		if n := bytes.Count(file, []byte("\n")); n != 4 {
			t.Fatalf("district A exports %d lines, want a header and its three halls:\n%s", n, file)
		}
		file = replaced(t, file, "020-12345", "020-99999")
		p := planned(t, f, ad, "halls.csv", file)
		if len(p.Changes) != 1 || !p.Ready() || p.Rows != 3 || p.Changes[0].After["phone"] != "020-99999" {
			t.Fatalf("the plan: %+v", p)
		}
		if f.App.City().Hall(p.Changes[0].Key).Phone == "020-99999" {
			t.Fatal("looking changed something")
		}
		if _, err := f.App.ApplyDirectory(ctx, ad, p.ID, "other"); fault.CodeOf(err) != fault.ChangedMeanwhile {
			t.Errorf("applied as it was not shown: %v", err)
		}
		other := staff(t, f, account.District1, apptest.DistrictB)
		if _, err := f.App.ApplyDirectory(ctx, other, p.ID, p.Digest); fault.CodeOf(err) != fault.EntryNotFound {
			t.Errorf("another's file: %v", err)
		}
		if n, err := f.App.ApplyDirectory(ctx, ad, p.ID, p.Digest); n != 1 || err != nil {
			t.Fatalf("applied %d: %v", n, err)
		}
		if f.App.City().Hall(p.Changes[0].Key).Phone != "020-99999" {
			t.Error("not applied")
		}
		if p := planned(t, f, ad, "halls.csv", file); len(p.Changes) != 0 || len(p.Faults) != 0 || p.Ready() {
			t.Errorf("the same file again: %+v", p)
		}
		if _, total, _ := f.App.HallVersions(ctx, ad, p.Changes[0].Key, "", 0, 5); total != 1 {
			t.Errorf("%d versions", total)
		}
	})
}

func TestEveryExportComesBackUnchanged(t *testing.T) {
	f := apptest.New(t, apptest.Options{})
	ad := staff(t, f, account.District1, apptest.DistrictA)
	for i, nasty := range []string{`=cmd|' /C calc'!A0`, "+1", "-1", "@SUM(A1)", "'quoted", `"double", comma`} {
		edited(t, f, ad, "", app.EditRequest{Noun: directory.HallNoun, Key: []string{apptest.HallA}, Fields: directory.Fields{"notice_hans": nasty}})
		for _, s := range app.DirectorySheets {
			b := exported(t, f, ad, "", app.CSV, s.Name)
			if p := planned(t, f, ad, s.Name+".csv", b); len(p.Changes) != 0 || len(p.Faults) != 0 {
				t.Errorf("%s with %q: %d changes, faults %v", s.Name, nasty, len(p.Changes), p.Faults)
			}
			for n, line := range strings.Split(string(b), "\n") {
				for _, cell := range strings.Split(line, ",") {
					if cell = strings.Trim(cell, `"`); cell != "" && strings.ContainsAny(cell[:1], "=+-@\t") {
						t.Errorf("%s line %d begins a formula: %q", s.Name, n+1, cell)
					}
				}
			}
		}
		book := exported(t, f, ad, "", app.XLSX, "")
		if p := planned(t, f, ad, "all.xlsx", book); len(p.Changes) != 0 || len(p.Faults) != 0 || p.Rows == 0 {
			t.Errorf("the book with %q: %d rows, %d changes, faults %v", nasty, p.Rows, len(p.Changes), p.Faults)
		}
		if i > 0 {
			continue
		}
		x, err := excelize.OpenReader(bytes.NewReader(book))
		if err != nil {
			t.Fatal(err)
		}
		if got := x.GetSheetList(); !slices.Equal(got, []string{"halls", "queues", "counters", "items", "offerings"}) {
			t.Errorf("sheets %v", got)
		}
		found := false
		rows, _ := x.GetRows("halls")
		for r := range rows {
			for c := range rows[r] {
				cell, _ := excelize.CoordinatesToCellName(c+1, r+1)
				if kind, _ := x.GetCellType("halls", cell); kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString && rows[r][c] != "" {
					t.Errorf("%s is of type %v", cell, kind)
				}
				if formula, _ := x.GetCellFormula("halls", cell); formula != "" {
					t.Errorf("%s holds the formula %q", cell, formula)
				}
				found = found || rows[r][c] == nasty
			}
		}
		if !found {
			t.Error("the notice is not in the book as it is")
		}
	}
}

func TestBadLinesOfAFileAreNamedToTheColumnAndNothingIsApplied(t *testing.T) {
	f := apptest.New(t, apptest.Options{Twice: true})
	ad := staff(t, f, account.District1, apptest.DistrictA)
	halls, queues := exported(t, f, ad, "", app.CSV, "halls"), exported(t, f, ad, "", app.CSV, "queues")
	offerings, items := exported(t, f, ad, "", app.CSV, "offerings"), exported(t, f, ad, "", app.CSV, "items")
	theirs := exported(t, f, staff(t, f, account.District1, apptest.DistrictB), "", app.CSV, "halls")
	_, who := f.SignIn(t, apptest.Citizen(1))
	if _, err := f.App.Book(t.Context(), who, self("file-0001", f.FreeSlots(apptest.QueueA)[0])); err != nil {
		t.Fatal(err)
	}
	bad := func(file string, line int, column string, code fault.Code) directory.LineError {
		return directory.LineError{File: file, Line: line, Column: column, Code: code}
	}
	for name, c := range map[string]struct {
		body []byte
		want directory.LineError
	}{
		"phone":             {replaced(t, halls, "020-12345", "call us"), bad("halls", 2, "phone", fault.BadCharacter)},
		"place":             {replaced(t, halls, ",23.14,", ",39.9,"), bad("halls", 3, "latitude", fault.OutOfRange)},
		"way":               {replaced(t, halls, ",,,,,yes", ",pigeon,,,,yes"), bad("halls", 2, "ways", fault.NotOneOf)},
		"open":              {replaced(t, halls, ",,,,yes", ",,,,maybe"), bad("halls", 2, "open", fault.NotOneOf)},
		"key twice":         {append(halls, bytes.SplitAfter(halls, []byte("\n"))[1]...), bad("halls", 5, "hall", fault.DuplicateField)},
		"no such hall":      {replaced(t, halls, "440103000000,", "440199000000,"), bad("halls", 2, "parent_hall", fault.Required)},
		"another's hall":    {replaced(t, theirs, "020-12345", "020-1"), bad("halls", 2, "hall", fault.NotAllowed)},
		"hours":             {replaced(t, queues, "09:00-12:00", "09:30-12:00"), bad("queues", 2, "hours", fault.BadFormat)},
		"no hours":          {replaced(t, queues, "09:00-12:00|13:00-17:00", ""), bad("queues", 2, "hours", fault.Required)},
		"line unknown":      {replaced(t, queues, ",social,", ",magic,"), bad("queues", 4, "line", fault.NotOneOf)},
		"stage":             {replaced(t, offerings, "acceptance|collection,5", "consultation,5"), bad("offerings", 3, "stages", fault.NotOneOf)},
		"batch":             {replaced(t, offerings, "collection,5", "collection,5000"), bad("offerings", 3, "batch_max", fault.OutOfRange)},
		"no such item":      {replaced(t, offerings, "RE-0001", "RE-9999"), bad("offerings", 3, "item", fault.NotOneOf)},
		"no level":          {replaced(t, items, ",15,", ",16,"), bad("items", 4, "levels", fault.Required)},
		"column missing":    {replaced(t, halls, ",phone,", ",fax,"), bad("halls", 1, "", fault.UnknownField)},
		"cells missing":     {replaced(t, halls, ",,,,yes", ",,,yes"), bad("halls", 2, "", fault.BadFormat)},
		"no sheet of ours":  {[]byte("a,b,c\n1,2,3\n"), bad("x", 1, "", fault.FileUnreadable)},
		"not text":          {[]byte{0xff, 0xfe, 0, 1}, bad("x", 0, "", fault.FileUnreadable)},
		"not a book either": {[]byte("PK\x03\x04 and then nothing"), bad("x", 0, "", fault.FileUnreadable)},
		"bomb":              {bomb(t), bad("x", 0, "", fault.BodyTooLarge)},
		"unknown sheet":     {book(t, map[string][][]string{"wages": {{"a"}}}), bad("wages", 0, "", fault.NotOneOf)},
		"sheet of a book":   {book(t, map[string][][]string{"counters": {{"hall", "counter", "label", "lines", "open"}, {}, {apptest.HallA, "1", "一号", "tax", "yes"}}}), bad("counters", 3, "lines", fault.NotOneOf)},
		"too long a row":    {book(t, map[string][][]string{"counters": {{"hall", "counter", "label", "lines", "open"}, make9(150)}}), bad("counters", 2, "", fault.BadFormat)},
		"too many rows":     {rows(110_000), bad("counters", 100_001, "", fault.TooLong)},
	} {
		p := planned(t, f, ad, "x", c.body)
		if !slices.Contains(p.Faults, c.want) || p.Ready() {
			t.Errorf("%s: faults %v, want %v", name, p.Faults[:min(len(p.Faults), 5)], c.want)
		}
		if _, err := f.App.ApplyDirectory(t.Context(), ad, p.ID, p.Digest); fault.CodeOf(err) != fault.ChangedMeanwhile {
			t.Errorf("%s was applied: %v", name, err)
		}
	}
	p := planned(t, f, ad, "x", bytes.Replace(queues, []byte(",yes\n"), []byte(",no\n"), 9)) // closes where somebody is booked
	if p.Booked != 1 || p.Ready() {
		t.Errorf("closing all queues: %d booked", p.Booked)
	}
	if _, err := f.App.ApplyDirectory(t.Context(), ad, p.ID, p.Digest); fault.CodeOf(err) != fault.PeopleBooked {
		t.Errorf("it was applied: %v", err)
	}
	if n := len(f.FreeSlots(apptest.QueueA)); n == 0 {
		t.Error("a refused file shut the hours")
	}
}

func make9(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = "9"
	}
	return out
}

func rows(n int) []byte {
	var b bytes.Buffer
	b.WriteString("hall,counter,label,lines,open\n")
	for i := range n {
		fmt.Fprintf(&b, "440103000000,c%d,x,,no\n", i)
	}
	return b.Bytes()
}

func bomb(t testing.TB) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 80 {
		w.Write(zeros)
	}
	z.Close()
	return b.Bytes()
}

func book(t testing.TB, sheets map[string][][]string) []byte {
	x := excelize.NewFile()
	for name, rows := range sheets {
		x.SetSheetName("Sheet1", name)
		for i, row := range rows {
			if err := x.SetSheetRow(name, fmt.Sprintf("A%d", i+1), &row); err != nil {
				t.Fatal(err)
			}
		}
	}
	var b bytes.Buffer
	if err := x.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAFileMayAddASubHallWithEverythingInIt(t *testing.T) {
	f := apptest.New(t, apptest.Options{Twice: true})
	ad := staff(t, f, account.District1, apptest.DistrictA)
	x, err := excelize.OpenReader(bytes.NewReader(exported(t, f, ad, apptest.HallA, app.XLSX, "")))
	if err != nil {
		t.Fatal(err)
	}
	sub := apptest.HallA + "-02"
	add := func(sheet string, row ...string) {
		rows, _ := x.GetRows(sheet)
		if err := x.SetSheetRow(sheet, fmt.Sprintf("A%d", len(rows)+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	add("halls", sub, apptest.HallA, "分厅", "分廳", "Branch", "ft", "路", "路", "Road", "12345", "", "", "", "", "", "", "", "", "", "", "", "", "yes")
	add("queues", sub, "social", "社保", "社保", "Social", "09:00-12:00", "", "", "", "", "yes")
	add("counters", sub, "1", "一号", "social", "yes")
	add("offerings", sub, "social", apptest.SocialCard, "acceptance", "1", "yes")
	var b bytes.Buffer
	if err := x.Write(&b); err != nil {
		t.Fatal(err)
	}
	p := planned(t, f, ad, "all.xlsx", b.Bytes())
	if len(p.Changes) != 4 || !p.Ready() {
		t.Fatalf("%d changes, faults %v", len(p.Changes), p.Faults)
	}
	if _, err := f.App.ApplyDirectory(t.Context(), ad, p.ID, p.Digest); err != nil {
		t.Fatal(err)
	}
	c := f.App.City()
	if c.Hall(sub) == nil || c.Offer(apptest.SocialCard, sub+"-social") == nil || len(c.CountersOf(sub)) != 1 {
		t.Error("the sub-hall is not whole")
	}
	if before := planned(t, f, ad, "all.xlsx", b.Bytes()); len(before.Changes) != 0 {
		t.Errorf("again: %+v", before.Changes)
	}
	if !reflect.DeepEqual(c.SubHalls(apptest.HallA)[0], c.Hall(sub)) {
		t.Error("the main hall does not know it")
	}
}

// What strangers send is read or refused, and nothing else.
func FuzzDirectoryFile(f *testing.F) {
	fix := apptest.New(f, apptest.Options{})
	ad := staff(f, fix, account.District1, apptest.DistrictA)
	for _, s := range app.DirectorySheets {
		f.Add(exported(f, fix, ad, "", app.CSV, s.Name))
	}
	f.Add(exported(f, fix, ad, "", app.XLSX, ""))
	f.Add(bomb(f))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) == 0 {
			return
		}
		id, err := fix.App.SendDirectory(t.Context(), ad, "f", body)
		if err != nil {
			t.Fatal(err)
		}
		p, err := fix.App.PlanDirectory(t.Context(), ad, id)
		if err != nil {
			t.Fatal(err)
		}
		if p.Ready() == (len(p.Faults) > 0) && len(p.Changes) > 0 && p.Booked == 0 {
			t.Errorf("ready %v with %d faults", p.Ready(), len(p.Faults))
		}
	})
}
