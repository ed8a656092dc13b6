package directory

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
)

// small is a city of few lines; each test breaks one.
func small() map[string]string {
	return map[string]string{
		UnitsFile: `code,name,level,parent,kind,hant,en,initials
440100000000,广州市,city,,platform,廣州市,Guangzhou,gzs
440106000000,天河区,district,440100000000,district,天河區,Tianhe District,thq
440106001000,五山街道,street,440106000000,street,五山街道,Wushan Subdistrict,wsjd
440106001001,茶山社区居委会,village,440106001000,village,茶山社區居委會,Chashan,cssqjwh
440106404000,水库,street,440106000000,pseudo,水庫,Reservoir,sk
`,
		AgenciesFile: `id,parent,hans,hant,en,hotline
440100-police,440100000000,市公安局,市公安局,Police,12345
`,
		LinesFile: `line,level,hans,hant,en,daily_average,source,hours,saturday,sunday,closures,on_site_per_mille,grandfathered_days,batch_max
general,city,综合,綜合,General,100,起始数,09:00-12:00|13:00-17:00,,,,100,0,0
general,district,综合,綜合,General,100,起始数,09:00-12:00|13:00-17:00,,,,100,0,0
tax,district,税务,稅務,Tax,70,起始数,09:00-12:00,09:00-12:00,,nth_working_day 1 morning 盘点|day_of_month 23 afternoon,50,30,4
general,street,综合,綜合,General,10,起始数,09:00-12:00,,,,100,0,0
general,village,综合,綜合,General,10,起始数,09:00-12:00,,,,100,0,0
`,
		HallsFile: `id,unit,parent_hall,level,hans,hant,en,initials,district,street,address_hans,address_hant,address_en,phone,latitude,longitude,lines
440100000000,440100000000,,city,市中心,市中心,Centre,szx,,,广州市,廣州市,Guangzhou,12345,,,
440100000000-01,440100-police,440100000000,city,分厅,分廳,Sub-hall,ft,,,广州市,廣州市,Guangzhou,12367,,,general
440106000000,440106000000,,district,天河中心,天河中心,Tianhe,thzx,440106000000,,天河区,天河區,Tianhe,12345,23.12,113.36,
440106001000,440106001000,,street,五山中心,五山中心,Wushan,wszx,440106000000,440106001000,五山,五山,Wushan,12345,,,
440106001001,440106001001,,village,茶山站,茶山站,Chashan,csz,440106000000,440106001000,五山,五山,Wushan,12345,,,
`,
		ItemsFile: `code,department,category,line,hans,hant,en,summary_hans,summary_hant,summary_en,keywords,initials,stages,online_url,online_hans,online_hant,online_en,self_service,foreigner,minutes,levels,popular,batch_max
A-1,440100-police,tax,tax,纳税证明,納稅證明,Tax record,开具证明,開具證明,Get a record,个税|tax,nszm gs,acceptance|consultation,https://www.example.org/,网站,網站,Site,yes,no,10,street|district,1,2
A-2,440100-police,legal,general,调解,調解,Mediation,申请调解,申請調解,Ask for mediation,纠纷,tj,collection,,,,,no,no,20,village|city,0,0
`,
		MaterialsFile: `item,position,hans,hant,en
A-1,2,表,表,Form
A-1,1,身份证,身份證,Identity card
A-2,1,身份证,身份證,Identity card
`,
	}
}

func readers(texts map[string]string) map[string]io.Reader {
	files := map[string]io.Reader{}
	for name, text := range texts {
		files[name] = strings.NewReader(text)
	}
	return files
}

func TestBuildSmallCity(t *testing.T) {
	texts := small()
	texts[UnitsFile] = "\ufeff" + strings.ReplaceAll(texts[UnitsFile], "\n", "\r\n") // as a spreadsheet writes it
	c, faults := Build(readers(texts))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if len(c.Units) != 6 || len(c.Halls) != 5 || len(c.Queues) != 6 || len(c.Offerings) != 5 {
		t.Fatalf("%d units, %d halls, %d queues, %d offerings", len(c.Units), len(c.Halls), len(c.Queues), len(c.Offerings))
	}
	it := c.Items[0]
	if len(it.Materials) != 2 || it.Materials[0].En != "Identity card" || !slices.Equal(it.Stages, Stages{Consultation, Acceptance}) ||
		!slices.Equal(it.Levels, []HallLevel{DistrictHall, StreetHall}) || !it.SelfService || it.Foreigner {
		t.Errorf("item: %+v", it)
	}
	at := map[[2]string]Offering{}
	for _, o := range c.Offerings {
		at[[2]string{o.HallID, o.ItemCode}] = o
	}
	if o := at[[2]string{"440106000000", "A-1"}]; o.QueueID != "440106000000-tax" || o.BatchMax != 2 {
		t.Errorf("own line: %+v", o)
	}
	if o := at[[2]string{"440106001000", "A-1"}]; o.QueueID != "440106001000-general" {
		t.Errorf("general line: %+v", o)
	}
	i := slices.IndexFunc(c.Queues, func(q Queue) bool { return q.Line == "tax" })
	q := c.Queues[i]
	want := []calendar.Rule{{Kind: calendar.NthWorkingDay, N: 1, Half: calendar.Morning, Reason: "盘点"}, {Kind: calendar.DayOfMonth, N: 23, Half: calendar.Afternoon}}
	if q.ID != "440106000000-tax" || q.DailyAverage != 70 || q.GrandfatheredHorizon != 30 || q.OnSitePerMille != 50 || !q.Open ||
		q.Week.Work != calendar.HoursOf(9, 10, 11) || q.Week.Saturday != q.Week.Work || q.Week.Sunday != 0 || !slices.Equal(q.Closures, want) {
		t.Errorf("queue: %+v", q)
	}
}

func TestEachBadLineIsReported(t *testing.T) {
	for name, c := range map[string]struct {
		file, old, new string
		want           LineError
	}{
		"code too short":         {UnitsFile, "440106001001,", "44010600100,", LineError{UnitsFile, 5, "code", fault.BadFormat}},
		"name empty":             {UnitsFile, ",天河区,", ",,", LineError{UnitsFile, 3, "name", fault.Required}},
		"kind unknown":           {UnitsFile, ",pseudo,", ",lake,", LineError{UnitsFile, 6, "kind", fault.NotOneOf}},
		"level against kind":     {UnitsFile, "天河区,district", "天河区,street", LineError{UnitsFile, 3, "level", fault.NotOneOf}},
		"field missing":          {UnitsFile, ",thq", "", LineError{UnitsFile, 3, "", fault.BadFormat}},
		"bare quote":             {UnitsFile, "天河区", `天"河区`, LineError{UnitsFile, 3, "", fault.BadFormat}},
		"bad UTF-8":              {UnitsFile, "天河区", "\xff", LineError{UnitsFile, 3, "name", fault.BadCharacter}},
		"control character":      {UnitsFile, "天河区", "天\x07河", LineError{UnitsFile, 3, "name", fault.BadCharacter}},
		"too long":               {UnitsFile, "天河区", strings.Repeat("长", 700), LineError{UnitsFile, 3, "name", fault.TooLong}},
		"initials":               {UnitsFile, ",thq", ",THQ", LineError{UnitsFile, 3, "initials", fault.BadCharacter}},
		"column unknown":         {UnitsFile, "kind,hant", "kund,hant", LineError{UnitsFile, 1, "", fault.UnknownField}},
		"column missing":         {UnitsFile, "kind,hant", "kund,hant", LineError{UnitsFile, 1, "kind", fault.Required}},
		"column twice":           {UnitsFile, "code,name,", "code,code,", LineError{UnitsFile, 1, "code", fault.DuplicateField}},
		"unit twice":             {UnitsFile, "440106404000,", "440106001000,", LineError{UnitsFile, 6, "code", fault.DuplicateField}},
		"parent unknown":         {UnitsFile, "village,440106001000", "village,440106009000", LineError{UnitsFile, 5, "parent", fault.NotOneOf}},
		"parent of wrong kind":   {UnitsFile, "village,440106001000", "village,440106000000", LineError{UnitsFile, 5, "parent", fault.NotOneOf}},
		"parent circular":        {UnitsFile, "district,440100000000", "district,440106001000", LineError{UnitsFile, 3, "parent", fault.OutOfRange}},
		"parent missing":         {UnitsFile, "village,440106001000", "village,", LineError{UnitsFile, 5, "parent", fault.Required}},
		"agency hotline":         {AgenciesFile, "12345", "call me", LineError{AgenciesFile, 2, "hotline", fault.BadCharacter}},
		"agency parent":          {AgenciesFile, "440100000000", "440106000000", LineError{AgenciesFile, 2, "parent", fault.NotOneOf}},
		"hall id":                {HallsFile, "440100000000-01,", "440100000000-x,", LineError{HallsFile, 3, "id", fault.BadFormat}},
		"hall twice":             {HallsFile, "440100000000-01,", "440100000000,", LineError{HallsFile, 3, "id", fault.DuplicateField}},
		"hall unit unknown":      {HallsFile, "440106001001,440106001001", "440106001001,440106001009", LineError{HallsFile, 6, "unit", fault.NotOneOf}},
		"hall of pseudo unit":    {HallsFile, "440106001001,440106001001", "440106404000,440106404000", LineError{HallsFile, 6, "unit", fault.NotOneOf}},
		"hall level":             {HallsFile, ",,village,", ",,street,", LineError{HallsFile, 6, "level", fault.NotOneOf}},
		"hall district":          {HallsFile, "csz,440106000000", "csz,440100000000", LineError{HallsFile, 6, "district", fault.NotOneOf}},
		"hall street":            {HallsFile, "csz,440106000000,440106001000", "csz,440106000000,", LineError{HallsFile, 6, "street", fault.NotOneOf}},
		"main hall unknown":      {HallsFile, "440100-police,440100000000", "440100-police,440100000009", LineError{HallsFile, 3, "parent_hall", fault.NotOneOf}},
		"main hall itself":       {HallsFile, "440100-police,440100000000", "440100-police,440100000000-01", LineError{HallsFile, 3, "parent_hall", fault.OutOfRange}},
		"hall line unknown":      {HallsFile, "12367,,,general", "12367,,,tax", LineError{HallsFile, 3, "lines", fault.NotOneOf}},
		"latitude":               {HallsFile, "23.12", "123.12", LineError{HallsFile, 4, "latitude", fault.OutOfRange}},
		"latitude not a number":  {HallsFile, "23.12", "NaN", LineError{HallsFile, 4, "latitude", fault.OutOfRange}},
		"half a place":           {HallsFile, "23.12", "", LineError{HallsFile, 4, "longitude", fault.Required}},
		"average zero":           {LinesFile, "Tax,70", "Tax,0", LineError{LinesFile, 4, "daily_average", fault.OutOfRange}},
		"average huge":           {LinesFile, "Tax,70", "Tax,99999999999999999999", LineError{LinesFile, 4, "daily_average", fault.OutOfRange}},
		"average words":          {LinesFile, "Tax,70", "Tax,many", LineError{LinesFile, 4, "daily_average", fault.BadFormat}},
		"on-site above 10 %":     {LinesFile, ",50,30,4", ",101,30,4", LineError{LinesFile, 4, "on_site_per_mille", fault.OutOfRange}},
		"hours backwards":        {LinesFile, "09:00-12:00,09:00-12:00", "12:00-09:00,", LineError{LinesFile, 4, "hours", fault.OutOfRange}},
		"hours overlap":          {LinesFile, "09:00-12:00,09:00-12:00", "09:00-12:00|11:00-13:00,", LineError{LinesFile, 4, "hours", fault.DuplicateField}},
		"half hours":             {LinesFile, "09:00-12:00,09:00-12:00", "09:30-12:00,", LineError{LinesFile, 4, "hours", fault.BadFormat}},
		"closure kind":           {LinesFile, "nth_working_day 1", "some_day 1", LineError{LinesFile, 4, "closures", fault.NotOneOf}},
		"closure day":            {LinesFile, "day_of_month 23", "day_of_month 32", LineError{LinesFile, 4, "closures", fault.OutOfRange}},
		"line twice":             {LinesFile, "tax,district", "general,district", LineError{LinesFile, 4, "line", fault.DuplicateField}},
		"department unknown":     {ItemsFile, "A-1,440100-police", "A-1,440100-none", LineError{ItemsFile, 2, "department", fault.NotOneOf}},
		"department no agency":   {ItemsFile, "A-1,440100-police", "A-1,440106000000", LineError{ItemsFile, 2, "department", fault.NotOneOf}},
		"category":               {ItemsFile, "police,tax,tax", "police,fun,tax", LineError{ItemsFile, 2, "category", fault.NotOneOf}},
		"line unknown":           {ItemsFile, "police,tax,tax", "police,tax,taxes", LineError{ItemsFile, 2, "line", fault.NotOneOf}},
		"stage unknown":          {ItemsFile, "acceptance|consultation", "acceptance|talk", LineError{ItemsFile, 2, "stages", fault.NotOneOf}},
		"stage twice":            {ItemsFile, "acceptance|consultation", "acceptance|acceptance", LineError{ItemsFile, 2, "stages", fault.DuplicateField}},
		"no stage":               {ItemsFile, "acceptance|consultation", "", LineError{ItemsFile, 2, "stages", fault.Required}},
		"empty part":             {ItemsFile, "个税|tax", "个税||tax", LineError{ItemsFile, 2, "keywords", fault.BadFormat}},
		"address not https":      {ItemsFile, "https://", "javascript://", LineError{ItemsFile, 2, "online_url", fault.BadFormat}},
		"address without a name": {ItemsFile, ",Site,", ",,", LineError{ItemsFile, 2, "online_en", fault.Required}},
		"yes or no":              {ItemsFile, "Site,yes", "Site,maybe", LineError{ItemsFile, 2, "self_service", fault.NotOneOf}},
		"code too long":          {ItemsFile, "A-1,", strings.Repeat("A", 37) + ",", LineError{ItemsFile, 2, "code", fault.TooLong}},
		"code character":         {ItemsFile, "A-1,", "A 1,", LineError{ItemsFile, 2, "code", fault.BadCharacter}},
		"item twice":             {ItemsFile, "A-2,", "A-1,", LineError{ItemsFile, 3, "code", fault.DuplicateField}},
		"level unknown":          {ItemsFile, "street|district", "street|moon", LineError{ItemsFile, 2, "levels", fault.NotOneOf}},
		"material of no item":    {MaterialsFile, "A-2,1", "A-3,1", LineError{MaterialsFile, 4, "item", fault.NotOneOf}},
		"material place taken":   {MaterialsFile, "A-1,2", "A-1,1", LineError{MaterialsFile, 3, "position", fault.DuplicateField}},
		"nothing to bring":       {MaterialsFile, "A-2,1", "A-1,3", LineError{ItemsFile, 3, "code", fault.Required}},
	} {
		t.Run(name, func(t *testing.T) {
			texts := small()
			if !strings.Contains(texts[c.file], c.old) {
				t.Fatal("the line to break is not there")
			}
			texts[c.file] = strings.Replace(texts[c.file], c.old, c.new, 1)
			city, faults := Build(readers(texts))
			if !slices.Contains(faults, c.want) {
				t.Errorf("faults %v, want %v", faults, c.want)
			}
			if len(city.Units)+len(city.Halls)+len(city.Items) > 0 {
				t.Error("a city in spite of faults")
			}
		})
	}
}

func TestEveryBadLineNotOnlyTheFirst(t *testing.T) {
	texts := small()
	texts[UnitsFile] = strings.NewReplacer("天河区", "", "五山街道,street", "五\"山,street", "水库", "").Replace(texts[UnitsFile])
	rows, faults := ParseUnits(strings.NewReader(texts[UnitsFile]))
	want := []LineError{{UnitsFile, 3, "name", fault.Required}, {UnitsFile, 4, "", fault.BadFormat}, {UnitsFile, 6, "name", fault.Required}}
	if !slices.Equal(faults, want) || len(rows) != 2 {
		t.Errorf("%d rows, faults %v", len(rows), faults)
	}
}

// A quote that is never closed would swallow every line up to the next quote, wherever that is.
func TestAnOpenQuoteSpoilsItsOwnLineOnly(t *testing.T) {
	text := strings.NewReplacer("天河区,district", `"天河区,district`, ",pseudo,", ",lake,").Replace(small()[UnitsFile])
	rows, faults := ParseUnits(strings.NewReader(text))
	want := []LineError{{UnitsFile, 3, "", fault.BadFormat}, {UnitsFile, 6, "kind", fault.NotOneOf}}
	if !slices.Equal(faults, want) || len(rows) != 3 {
		t.Errorf("%d rows, faults %v", len(rows), faults)
	}
	long := strings.Replace(small()[UnitsFile], "天河区,district", strings.Repeat("x", 3*longestLine)+",district", 1)
	rows, faults = ParseUnits(strings.NewReader(long))
	if !slices.Equal(faults, []LineError{{UnitsFile, 3, "", fault.TooLong}}) || len(rows) != 4 {
		t.Errorf("%d rows, faults %v", len(rows), faults)
	}
}

// A line of one file that cannot be read hides no bad line of another, and is not reported by those
// that refer to it.
func TestBadLinesOfAllFilesAreReportedTogether(t *testing.T) {
	texts := small()
	texts[UnitsFile] = strings.Replace(texts[UnitsFile], ",天河区,", ",,", 1)
	texts[HallsFile] = strings.Replace(texts[HallsFile], "12367,,,general", "12367,,,tax", 1)
	texts[ItemsFile] = strings.Replace(texts[ItemsFile], "A-2,", "A-1,", 1)
	texts[MaterialsFile] = strings.Replace(texts[MaterialsFile], "A-2,1", "A-3,1", 1)
	_, faults := Build(readers(texts))
	want := []LineError{
		{UnitsFile, 3, "name", fault.Required}, {HallsFile, 3, "lines", fault.NotOneOf},
		{ItemsFile, 3, "code", fault.DuplicateField}, {MaterialsFile, 4, "item", fault.NotOneOf},
	}
	if !slices.Equal(faults, want) {
		t.Errorf("faults %v, want %v", faults, want)
	}
	for name, text := range small() { // any one line unread: nobody else is blamed for it
		lines := strings.SplitAfter(text, "\n")
		for i := 1; i < len(lines)-1; i++ {
			texts := small()
			texts[name] = strings.Join(lines[:i], "") + "\"\n" + strings.Join(lines[i+1:], "")
			if _, faults := Build(readers(texts)); !slices.Equal(faults, []LineError{{name, i + 1, "", fault.BadFormat}}) {
				t.Errorf("%s without line %d: %v", name, i+1, faults)
			}
		}
	}
}

func TestUnreadableAndMissingFiles(t *testing.T) {
	if _, faults := ParseUnits(iotest.ErrReader(errors.New("gone"))); !slices.Equal(faults, []LineError{{UnitsFile, 0, "", fault.MalformedRequest}}) {
		t.Errorf("unreadable: %v", faults)
	}
	if _, faults := ParseItems(strings.NewReader("")); !slices.Equal(faults, []LineError{{ItemsFile, 1, "", fault.Required}}) {
		t.Errorf("empty: %v", faults)
	}
	texts := small()
	delete(texts, LinesFile)
	if _, faults := Build(readers(texts)); !slices.Contains(faults, LineError{LinesFile, 0, "", fault.Required}) {
		t.Errorf("missing: %v", faults)
	}
}

func TestAssignNumbersNeverReuses(t *testing.T) {
	halls := []Hall{{ID: "a"}, {ID: "b"}, {ID: "c"}}
	AssignNumbers(map[string]int{"b": 2, "closed": 7}, halls)
	if halls[0].Number != 8 || halls[1].Number != 2 || halls[2].Number != 9 {
		t.Errorf("%d %d %d", halls[0].Number, halls[1].Number, halls[2].Number)
	}
	AssignNumbers(nil, halls)
	if halls[0].Number != 1 || halls[2].Number != 3 {
		t.Error("numbers begin at 1 and are dense")
	}
}

func TestDiff(t *testing.T) {
	old, _ := Build(readers(small()))
	AssignNumbers(nil, old.Halls)
	old.Halls[2].Notice = Text{Hans: "今日人多"}
	next, _ := Build(readers(small()))
	if ch := Diff(old, next); !ch.Empty() {
		t.Fatalf("same files: %+v", ch)
	}
	next.Halls[2].Phone = "020-12345"
	next.Halls = slices.Delete(next.Halls, 4, 5)
	next.Items[0].Materials = next.Items[0].Materials[:1]
	next.Offerings[0].BatchMax = 9
	next.Queues[0].DailyAverage++
	next.Units = append(next.Units, Unit{ID: "440100-new", ParentID: "440100000000", Kind: Agency})
	ch := Diff(old, next)
	if len(ch.Halls.Changed) != 1 || ch.Halls.Changed[0].Number != 3 || ch.Halls.Changed[0].Notice.Hans != "今日人多" ||
		len(ch.Halls.Removed) != 1 || ch.Halls.Removed[0][0] != "440106001001" || len(ch.Halls.Added) != 0 {
		t.Errorf("halls: %+v", ch.Halls)
	}
	if len(ch.Items.Save()) != 1 || len(ch.Offerings.Changed) != 1 || len(ch.Queues.Changed) != 1 || len(ch.Units.Added) != 1 {
		t.Errorf("%+v", ch)
	}
	closed := old.Halls[4]
	closed.Open = false
	old.Halls[4] = closed
	if ch = Diff(old, next); len(ch.Halls.Removed) != 0 {
		t.Error("a closed hall is closed again")
	}
	again, _ := Build(readers(small()))
	if ch = Diff(old, again); len(ch.Halls.Changed) != 1 || !ch.Halls.Changed[0].Open || ch.Halls.Changed[0].Number != 5 {
		t.Errorf("a hall that comes back: %+v", ch.Halls)
	}
	gone := slices.Clone(old.Offerings)
	if ch = Diff(City{Offerings: gone}, City{}); len(ch.Offerings.Removed) != 5 || len(ch.Offerings.Removed[0]) != 3 {
		t.Errorf("%+v", ch.Offerings)
	}
}

func TestCategoriesAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Categories() {
		if seen[c.ID] || c.Name.Hans == "" || c.Name.Hant == "" || c.Name.En == "" {
			t.Errorf("%s", c.ID)
		}
		seen[c.ID] = true
	}
}

// fuzz feeds one parser: it never panics, never reports outside the file, and rows and faults
// together cover no line twice.
func fuzz[T any](f *testing.F, file string, parse func(io.Reader) ([]Row[T], []LineError)) {
	text := small()[file]
	f.Add(text)
	f.Add("\ufeff" + strings.ReplaceAll(text, ",", ",\""))
	f.Add(strings.ReplaceAll(text, "0", "-"))
	f.Fuzz(func(t *testing.T, text string) {
		rows, faults := parse(strings.NewReader(text))
		lines := 1 + strings.Count(text, "\n") + strings.Count(text, "\r")
		bad := map[int]bool{}
		for _, e := range faults {
			if e.File != file || e.Line < 0 || e.Line > lines || e.Code == "" {
				t.Fatalf("fault %+v of %d lines", e, lines)
			}
			bad[e.Line] = true
		}
		for _, r := range rows {
			if bad[r.Line] || r.Line < 2 || r.Line > lines {
				t.Fatalf("row at line %d, faults at %v", r.Line, slices.Sorted(maps.Keys(bad)))
			}
		}
	})
}

func FuzzParseUnits(f *testing.F)     { fuzz(f, UnitsFile, ParseUnits) }
func FuzzParseAgencies(f *testing.F)  { fuzz(f, AgenciesFile, ParseAgencies) }
func FuzzParseHalls(f *testing.F)     { fuzz(f, HallsFile, ParseHalls) }
func FuzzParseLines(f *testing.F)     { fuzz(f, LinesFile, ParseLines) }
func FuzzParseItems(f *testing.F)     { fuzz(f, ItemsFile, ParseItems) }
func FuzzParseMaterials(f *testing.F) { fuzz(f, MaterialsFile, ParseMaterials) }

func FuzzSearch(f *testing.F) {
	c, _ := Build(readers(small()))
	x := NewIndex(c.Items)
	f.Add("納稅證明")
	f.Add("nszm")
	f.Add("tax \xff record")
	f.Fuzz(func(t *testing.T, q string) {
		for _, h := range x.Search(q, 1) {
			if h.Code != "A-1" && h.Code != "A-2" {
				t.Fatal(h)
			}
		}
	})
}
