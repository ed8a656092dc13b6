package e2e

import (
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// A street's hall had many no-shows yesterday and is asked for more than it has: its administrator takes the anomaly up,
// closes it with a reason, looks at the forecast and puts advice aside.
func TestAnomaliesAndForecastInTheBrowser(t *testing.T) {
	t.Parallel()
	w := within(t, apptest.Options{})
	today := calendar.DateOf(w.App.Now())
	var rows []oversight.Row
	for day := today - 120; day < today; day++ {
		if !w.App.Calendar().IsWorking(day) {
			continue
		}
		f := oversight.Figures{By: map[oversight.Dimension]map[string]oversight.Counts{oversight.ByQueueHour: {}}}
		for hour := 9; hour < 17; hour++ {
			missed := int64((int(day) + hour) % 2)
			if day == today-1 {
				missed = 7
			}
			var c oversight.Counts
			for k, n := range map[oversight.Counter]int64{oversight.Released: 14, oversight.Booked: 10 + int64(hour%3), oversight.Missed: missed, oversight.Came: 10 + int64(hour%3) - missed} {
				c.Count(k, n)
			}
			f.By[oversight.ByQueueHour][oversight.QueueHour(apptest.QueueStreet, hour)] = c
			f.All.Add(c)
		}
		rows = append(rows, oversight.Row{Place: oversight.Place{Noun: oversight.OfHall, ID: apptest.HallStreet}, Span: oversight.SpanDay, Period: day.String(), Figures: f, CountedAt: w.App.Now()})
	}
	if err := w.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.PutFigures(t.Context(), rows) }); err != nil {
		t.Fatal(err)
	}
	if n, _, err := w.App.WatchHalls(t.Context(), 100); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	o := w.OpenAdmin(t, account.District2, apptest.StreetA)
	w.SignInAdmin(t, o)
	b := w.office(t, o)
	look := func(name, path string) {
		t.Helper()
		lang := "zh-Hans-CN"
		if strings.Contains(path, "lang=en") {
			lang = "en"
		}
		if status := b.goTo(path); status != 200 {
			t.Fatalf("%s answers %d", path, status)
		}
		b.inspectAs(lookOf(name, lang).from(tablet))
		b.keep(name)
	}
	look("anomaly-today", "/console")
	look("anomaly-list", "/console/alerts")
	link := b.attribute(`main a[href^="/console/alerts/N"]`, "href")
	look("anomaly-page", link)
	b.click(`form[action$="/acknowledge"] button`)
	if !strings.Contains(b.text("main"), "已认领") {
		t.Error("taken up, and the page does not say so")
	}
	if status := b.follow(b.press(`form[action$="/close"] button`)); status != 422 {
		t.Errorf("closed without a reason: %d", status)
	}
	b.expectStatus(422)
	b.inspectAs(lookOf("anomaly-wrong", "zh-Hans-CN").from(tablet))
	b.keep("anomaly-wrong")
	look("forecast-list", "/console/forecast?q=街")
	look("forecast-page", "/console/forecast?hall="+apptest.HallStreet)
	look("forecast-english", "/console/forecast?lang=en&hall="+apptest.HallStreet)
}
