package citizen

import (
	"encoding/json"
	"html"
	"maps"
	"regexp"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// Open data and releases are there for everybody, in three languages, with what is missing said.
func TestOpenDataAndReleasesAreOpenToEverybody(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	for lang, want := range map[string][2]string{"zh-Hans": {"开放数据", "放号公开"}, "zh-Hant": {"開放數據", "放號公開"}, "en": {"Open data", "Releases in the open"}} {
		for i, path := range []string{"/open-data", "/releases"} {
			s := b.get(path + "?lang=" + lang).must(200)
			if !strings.Contains(s.body, want[i]) || strings.Contains(s.body, "⟦") {
				t.Errorf("%s in %s: %s", path, lang, s.text())
			}
		}
	}
	if s := b.get("/open-data?lang=zh-Hans").must(200); !strings.Contains(s.text(), "还没有开放数据") || !strings.Contains(s.body, "wait_p90") {
		t.Error("nothing is said where there are no data, or of the columns")
	}
	day := calendar.DateOf(w.App.Now()) - 5
	if err := w.DB.Update(t.Context(), func(tx *store.Tx) error {
		var c oversight.Counts
		c.Count(oversight.Released, 30)
		c.Count(oversight.Booked, 12)
		return tx.PutFigures(t.Context(), []oversight.Row{
			{Place: oversight.Place{Noun: oversight.OfUnit, ID: "440100000000"}, Span: oversight.SpanDay, Period: day.String(), CountedAt: tx.Now},
			{Place: oversight.Place{Noun: oversight.OfHall, ID: apptest.HallA}, Span: oversight.SpanDay, Period: day.String(), CountedAt: tx.Now,
				Figures: oversight.Figures{All: c, By: map[oversight.Dimension]map[string]oversight.Counts{oversight.ByHour: {"09": c}}}},
		})
	}); err != nil {
		t.Fatal(err)
	}
	if at, _, err := w.App.FreezeOpenData(t.Context()); err != nil || at != day {
		t.Fatalf("frozen is %v: %v", at, err)
	}
	list := b.get("/open-data?lang=en").must(200)
	if !strings.Contains(list.body, "/open-data/"+day.String()+".csv") {
		t.Error("the frozen day is not listed")
	}
	csv := b.get("/open-data/" + day.String() + ".csv").must(200)
	if !strings.HasPrefix(csv.body, "date,district,hall,") || !strings.Contains(csv.body, apptest.HallA+",") || !strings.Contains(csv.body, ",9,30,12,") {
		t.Errorf("the file is %s", csv.body)
	}
	var asJSON struct{ Lines []map[string]any }
	if err := json.Unmarshal([]byte(b.get("/open-data/"+day.String()+".json").must(200).body), &asJSON); err != nil || len(asJSON.Lines) != 4 {
		t.Errorf("as JSON: %v, %v", asJSON, err)
	}
	var catalog map[string]any
	if err := json.Unmarshal([]byte(b.get("/open-data/catalog.json").must(200).body), &catalog); err != nil || len(catalog["dcat:distribution"].([]any)) != 2 {
		t.Errorf("the description: %v, %v", catalog, err)
	}
	for _, name := range []string{"2026-1-1.csv", day.String() + ".xlsx", day.String() + ".csv.exe", "x"} {
		b.get("/open-data/" + name).must(404)
	}
	b.get("/open-data/" + (day - 1).String() + ".csv").must(404)
	s := b.get("/releases?lang=zh-Hans&q=" + apptest.HallA).must(200)
	if !strings.Contains(s.text(), "每天 12:00 放出未来 14 天内的号") || !strings.Contains(s.body, "/hall/"+apptest.HallA) || strings.Contains(s.body, `href="/hall/`+apptest.HallB+`"`) {
		t.Errorf("releases of a hall: %s", s.text())
	}
	if s := b.get("/releases?q=nowhere&lang=en").must(200); !strings.Contains(s.text(), "No hall was found") || !strings.Contains(s.text(), "Nothing was changed by hand") {
		t.Errorf("nothing found: %s", s.text())
	}
}

// Edits of the directory stand beside the changes that were approved, in words, without who made them and why they said.
func TestArt22_EditsStandBesideChanges(t *testing.T) {
	w := newWorld(t, nil)
	write := func(account string, changes ...store.DirectoryChange) {
		t.Helper()
		if err := w.DB.Update(t.Context(), func(tx *store.Tx) error {
			revision, err := tx.NextRevision(t.Context())
			if err != nil {
				return err
			}
			return tx.SaveVersions(t.Context(), revision, account, changes)
		}); err != nil {
			t.Fatal(err)
		}
	}
	social := directory.Fields{"hans": "社保业务", "hant": "社保業務", "en": "Social insurance"}
	queue := func(before, after directory.Fields) store.DirectoryChange {
		maps.Copy(after, social)
		return store.DirectoryChange{Noun: directory.QueueNoun, Key: apptest.QueueA, Hall: apptest.HallA, Before: before, After: after}
	}
	write("A1", queue(directory.Fields{"hours": "09:00-12:00|13:00-17:00", "closures": ""}, directory.Fields{"hours": "09:00-12:00", "closures": "nth_working_day 1 morning by order of Chan Tai Man"}))
	write("A1", store.DirectoryChange{Noun: directory.HallNoun, Key: apptest.HallA, Hall: apptest.HallA, Before: directory.Fields{"phone": "1"}, After: directory.Fields{"phone": "020-55512345"}})
	for range changesShown {
		write("", queue(directory.Fields{"daily_average": "70"}, directory.Fields{"daily_average": "0"}))
	}
	b := w.browser(t)
	first := b.get("/releases?lang=en&hall=" + apptest.HallA).must(200)
	if n := strings.Count(first.text(), "Daily average: 70 → 0"); n != changesShown || !strings.Contains(first.text(), "Came with the files of the city") {
		t.Errorf("%d edits are shown: %s", n, first.text())
	}
	at := regexp.MustCompile(`href="(/releases\?[^"]*edits=[^"]*)"`).FindStringSubmatch(first.body)
	if at == nil {
		t.Fatal("no way to earlier edits")
	}
	rest := b.get(strings.ReplaceAll(html.UnescapeString(at[1]), "#edits", "")).must(200)
	for _, want := range []string{"Working days: 09:00–12:00 13:00–17:00 → 09:00–12:00", "Closed half-days: none → working day 1 of the month, morning", "Social insurance", "needs no approval"} {
		if !strings.Contains(rest.text(), want) {
			t.Errorf("%q is not told: %s", want, rest.text())
		}
	}
	for _, s := range []string{first.body, rest.body} {
		if strings.Contains(s, "Chan Tai Man") || strings.Contains(s, "55512345") || strings.Contains(s, "⟦") {
			t.Error("somebody's words, a phone, or words that are missing")
		}
	}
	if s := b.get("/releases?lang=zh-Hant&edits=nonsense").must(200); !strings.Contains(s.text(), "每月第 1 個工作日上午") && !strings.Contains(s.text(), "日均辦件量：70 → 0") {
		t.Errorf("a place that is none: %s", s.text())
	}
	if s := b.get("/releases?lang=en&hall=" + apptest.HallB).must(200); !strings.Contains(s.text(), "Nothing was edited") {
		t.Errorf("another hall: %s", s.text())
	}
}
