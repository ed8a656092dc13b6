package citizen

import (
	"encoding/json"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/calendar"
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
