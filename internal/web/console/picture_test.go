package console_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/store"
)

// Art. 4: the live picture begins where one's halls begin, leads down to the queue, and never shows what is not one's own.
func TestArt4_TheLivePictureLeadsFromTheCityToTheQueue(t *testing.T) {
	d := newDesk(t)
	today := calendar.DateOf(d.App.Now())
	var c oversight.Counts
	c.Count(oversight.Served, 321)
	c.Count(oversight.Booked, 100)
	c.Count(oversight.Missed, 7)
	for range 9 {
		c.Lasted(oversight.WaitBooked, 11, 1)
	}
	figures := oversight.Figures{All: c, By: map[oversight.Dimension]map[string]oversight.Counts{oversight.ByHour: {"09": c}, oversight.ByQueue: {apptest.QueueA: c}, oversight.ByQueueHour: {apptest.QueueA + "|09": c}}}
	row := func(noun oversight.Noun, id string) oversight.Row {
		return oversight.Row{Place: oversight.Place{Noun: noun, ID: id}, Span: oversight.SpanDay, Period: today.String(), Figures: figures, CountedAt: d.App.Now()}
	}
	if err := d.DB.Update(t.Context(), func(tx *store.Tx) error {
		return tx.PutFigures(t.Context(), []oversight.Row{row(oversight.OfUnit, "440100000000"), row(oversight.OfUnit, apptest.DistrictA), row(oversight.OfHall, apptest.HallA)})
	}); err != nil {
		t.Fatal(err)
	}
	city := d.page(account.Platform1, "/console/picture")
	for _, want := range []string{"321", "11 min", "Numbers", "on site", "Connected systems", "no open boundary data", `href="/console/picture?unit=` + apptest.DistrictA} {
		if !strings.Contains(city, want) {
			t.Errorf("the city's picture has no %q", want)
		}
	}
	if n := strings.Count(city, `class="tile `); n < 3 {
		t.Errorf("%d tiles", n)
	}
	district := d.page(account.District1, "/console/picture?show=wait")
	if strings.Contains(district, apptest.DistrictB) || !strings.Contains(district, `href="/console/picture?hall=`+apptest.HallA) {
		t.Error("a district's picture shows another, or not its hall")
	}
	hall := d.page(account.District1, "/console/picture?hall="+apptest.HallA)
	if !strings.Contains(hall, `id="hours"`) || !strings.Contains(hall, "queue="+apptest.QueueA) || !strings.Contains(hall, ">11 min</td>") {
		t.Error("a hall's picture has no map of hours, or no queues")
	}
	if queue := d.page(account.District1, "/console/picture?hall="+apptest.HallA+"&queue="+apptest.QueueA+"&hours=missed"); !strings.Contains(queue, ">7</td>") {
		t.Error("the map of hours of a queue")
	}
	for _, path := range []string{"/console/picture?unit=" + apptest.DistrictB, "/console/picture?hall=" + apptest.HallB, "/console/picture?unit=none", "/console/wall?unit=" + apptest.DistrictB} {
		if w := d.get(account.District1, path); w.Code != http.StatusNotFound {
			t.Errorf("%s answers %d to another district", path, w.Code)
		}
	}
}

// What changes is told under a tag: nothing comes twice, and another district's is not given away by it.
func TestArt4_TheLivePictureIsAskedForByItsTag(t *testing.T) {
	d := newDesk(t)
	ask := func(who account.Rank, path, tag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.AddCookie(&http.Cookie{Name: "suiyue-console", Value: string(who)})
		if tag != "" {
			r.Header.Set("If-None-Match", tag)
		}
		w := httptest.NewRecorder()
		d.handler.ServeHTTP(w, r)
		return w
	}
	for _, path := range []string{"/console/picture/live", "/console/wall/live"} {
		first := ask(account.Platform1, path, "")
		tag := first.Header().Get("ETag")
		if first.Code != 200 || tag == "" || !strings.Contains(first.Body.String(), `id="live"`) {
			t.Fatalf("%s: %d %q", path, first.Code, tag)
		}
		if again := ask(account.Platform1, path, tag); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s again: %d", path, again.Code)
		}
		if w := ask("nobody", path, ""); w.Code != http.StatusUnauthorized {
			t.Errorf("%s for nobody: %d", path, w.Code)
		}
	}
	wall := d.page(account.Platform1, "/console/wall")
	if !strings.Contains(wall, `class="dark"`) || len(regexp.MustCompile(`<dt>`).FindAllString(wall, -1)) != 8 {
		t.Error("the wall screen is not dark, or has not eight figures")
	}
}
