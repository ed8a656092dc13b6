package console_test

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"suiyue/internal/app"
	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// More people wait at a street's hall than it releases: the first page says so, and leads to requests that are
// filled in.
func TestArt16_TheAlertLeadsToRequestsThatAreFilledIn(t *testing.T) {
	d := newDesk(t)
	_, dates := d.App.NextRelease()
	for i := range d.App.HallPicture(apptest.HallStreet).Window.Released + 1 {
		_, who := d.SignIn(t, apptest.Citizen(2000+i))
		if _, err := d.App.JoinWait(t.Context(), who, app.WaitRequest{
			Key: fmt.Sprintf("press-%06d", i), Item: apptest.SocialCard, Stage: directory.Acceptance, Channel: booking.Web, Applicant: app.Applicant{Kind: booking.Self},
			Wants: app.Wants{Halls: []string{apptest.HallStreet}, Dates: dates[:1], Hours: []int{9}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	street := account.District2
	d.says(d.page(street, "/console"), "At 1 queue more people wait than numbers are released", "/console/alerts")
	page := d.page(street, "/console/alerts")
	d.says(page, "Street A1 Hall · General business", "Nobody yet", "Ask for extended hours", "Ask for weekend opening", "Up to 7 numbers more a day", "Take this alert up")
	for _, kind := range []string{"extend", "weekend"} {
		found := regexp.MustCompile(`href="(/console/requests/new[^"]*kind=` + kind + `[^"]*)"`).FindStringSubmatch(page)
		if found == nil {
			t.Fatalf("no request for %s is ready", kind)
		}
		d.says(d.page(street, html.UnescapeString(found[1])), "Street A1 Hall · General business", "→")
	}
	at := regexp.MustCompile(`/console/alerts/A2026-[0-9]+/acknowledge`).FindString(page)
	if w := d.sendTo(street, "/console/alerts", at, url.Values{}); w.Code != 303 {
		t.Fatalf("taken up: %d", w.Code)
	}
	if page := d.page(street, "/console/alerts"); strings.Contains(page, "Nobody yet") || strings.Contains(page, at) {
		t.Error("taken up, and the page does not say so")
	}
}

// What is not as usual stands in the same list, leads to a request that is filled in, and is closed with a reason.
func TestArt22_AnAnomalyIsTakenUpAnsweredByARequestAndClosed(t *testing.T) {
	d := newDesk(t)
	street := account.District2
	today := calendar.DateOf(d.App.Now())
	rows := []oversight.Row{}
	for day := today - 80; day < today; day++ {
		if !d.App.Calendar().IsWorking(day) {
			continue
		}
		missed := int64(1)
		if day == today-1 {
			missed = 9
		}
		f := oversight.Figures{By: map[oversight.Dimension]map[string]oversight.Counts{oversight.ByQueueHour: {}}}
		for hour := 9; hour < 16; hour++ {
			var c oversight.Counts
			for k, n := range map[oversight.Counter]int64{oversight.Released: 20, oversight.Booked: 15, oversight.Missed: missed, oversight.Came: 15 - missed} {
				c.Count(k, n)
			}
			f.By[oversight.ByQueueHour][oversight.QueueHour(apptest.QueueStreet, hour)] = c
			f.All.Add(c)
		}
		rows = append(rows, oversight.Row{Place: oversight.Place{Noun: oversight.OfHall, ID: apptest.HallStreet}, Span: oversight.SpanDay, Period: day.String(), Figures: f, CountedAt: d.App.Now()})
	}
	if err := d.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.PutFigures(t.Context(), rows) }); err != nil {
		t.Fatal(err)
	}
	if n, more, err := d.App.WatchHalls(t.Context(), 100); n != 1 || more || err != nil {
		t.Fatal(n, more, err)
	}
	d.says(d.page(street, "/console"), "1 anomaly waits to be closed")
	page := d.page(street, "/console/alerts")
	d.says(page, "No-shows", "63 of 105 people did not come; usual is", "Not taken up", "Street A1 Hall")
	at := regexp.MustCompile(`/console/alerts/N2026-[0-9]+`).FindString(page)
	page = d.page(street, at)
	d.says(page, "What is usual", "Take it up", "Ask to change the numbers", "Close it")
	if w := d.sendTo(street, at, at+"/acknowledge", url.Values{}); w.Code != 303 {
		t.Fatalf("taken up: %d", w.Code)
	}
	link := regexp.MustCompile(`href="(/console/requests/new[^"]*anomaly=[^"]*)"`).FindStringSubmatch(page)
	if link == nil {
		t.Fatal("no request is ready")
	}
	form := html.UnescapeString(link[1])
	d.says(d.page(street, form), "Street A1 Hall", `name="anomaly"`)
	q, err := url.ParseQuery(strings.SplitN(form, "?", 2)[1])
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"queue": apptest.QueueStreet, "from": (today + 13).String(), "to": (today + 14).String(), "total": "90", "source": "filed", "reason": "爽约"} {
		q.Set(k, v)
	}
	if w := d.sendTo(street, form, "/console/requests/new", q); w.Code != 303 {
		t.Fatalf("filed: %d %s", w.Code, w.Body)
	}
	d.says(d.page(street, at), "Request it led to", "R2026-", "Acted on")
	if w := d.sendTo(street, at, at+"/close", url.Values{"reason": {"corrected"}}); w.Code != 422 || !strings.Contains(w.Body.String(), "Why") {
		t.Errorf("closed without a word: %d", w.Code)
	}
	if w := d.sendTo(street, at, at+"/close", url.Values{"reason": {"false_alarm"}, "why": {"台风"}}); w.Code != 303 {
		t.Fatalf("closed: %d", w.Code)
	}
	d.says(d.page(street, "/console/alerts"), "No alerts", "1 were false alarms")
	d.says(d.page(street, "/console/alerts?stage=closed&show=all"), "No-shows", "Closed")
}

// The forecast of a hall says how far it can be trusted; its advice leads to a request that is filled in, or is put
// aside with a reason.
func TestArt22_TheForecastAdvisesAndSaysWhatBecameOfIt(t *testing.T) {
	d := newDesk(t)
	street := account.District2
	at := "/console/forecast?hall=" + apptest.HallStreet
	d.says(d.page(street, at), "Too little is known to forecast", "0 plain open days are known")
	today := calendar.DateOf(d.App.Now())
	rows := []oversight.Row{}
	for day := today - 120; day < today; day++ {
		if !d.App.Calendar().IsWorking(day) {
			continue
		}
		f := oversight.Figures{By: map[oversight.Dimension]map[string]oversight.Counts{oversight.ByQueueHour: {}}}
		for hour := 9; hour < 17; hour++ {
			var c oversight.Counts
			c.Count(oversight.Released, 4)
			c.Count(oversight.Booked, int64(3+(int(day)+hour)%2))
			f.By[oversight.ByQueueHour][oversight.QueueHour(apptest.QueueStreet, hour)] = c
			f.All.Add(c)
		}
		rows = append(rows, oversight.Row{Place: oversight.Place{Noun: oversight.OfHall, ID: apptest.HallStreet}, Span: oversight.SpanDay, Period: day.String(), Figures: f, CountedAt: d.App.Now()})
	}
	if err := d.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.PutFigures(t.Context(), rows) }); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.App.WatchHalls(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	d.says(d.page(street, "/console"), "for the coming days", "/console/forecast")
	page := d.page(street, at)
	d.says(page, "Error (MASE)", "Within their range", "too few", "Advice", "Ask for it", "more people get a number", "Nobody came or was missed in the last 28 days")
	link := regexp.MustCompile(`href="(/console/requests/new[^"]*advice=[^"]*)"`).FindStringSubmatch(page)
	if link == nil {
		t.Fatal("no request is ready")
	}
	form := html.UnescapeString(link[1])
	d.says(d.page(street, form), "Street A1 Hall · General business", "→", `name="advice"`)
	q, err := url.ParseQuery(strings.SplitN(form, "?", 2)[1])
	if err != nil {
		t.Fatal(err)
	}
	q.Set("reason", "预测")
	if w := d.sendTo(street, form, "/console/requests/new", q); w.Code != 303 {
		t.Fatalf("filed: %d %s", w.Code, w.Body)
	}
	page = d.page(street, at)
	d.says(page, "What became of advice", "R2026-")
	put := regexp.MustCompile(`/console/advice/V2026-[0-9]+/dismiss`).FindString(page)
	if put == "" {
		t.Fatal("no other advice is open")
	}
	if w := d.sendTo(street, at, put, url.Values{"hall": {apptest.HallStreet}}); w.Code != 422 {
		t.Errorf("put aside without a word: %d", w.Code)
	}
	if w := d.sendTo(street, at, put, url.Values{"hall": {apptest.HallStreet}, "why": {"场地有限"}}); w.Code != 303 {
		t.Errorf("put aside: %d", w.Code)
	}
	d.says(d.page(street, at), "场地有限", "Put aside")
}
