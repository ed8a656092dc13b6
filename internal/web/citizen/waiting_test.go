package citizen

import (
	"net/url"
	"strings"
	"testing"

	"suiyue/internal/app/apptest"
)

// The waiting times of the 2025 regulation: anybody can look them up, by district and item, and by the way to
// a place that stands in no address and no log.
func TestWaitsAreOpenToEverybody(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	for lang, want := range map[string]string{"zh-Hans": "现在要等多久", "zh-Hant": "現在要等多久", "en": "Waiting times now"} {
		s := b.get("/waiting?lang=" + lang).must(200)
		if !strings.Contains(s.body, want) || strings.Contains(s.body, "⟦") {
			t.Errorf("%s: %s", lang, s.text())
		}
	}
	all := b.get("/waiting?lang=zh-Hans").must(200)
	if !strings.Contains(all.body, "/hall/"+apptest.HallA) || !strings.Contains(all.body, "还没有开始叫号") || !strings.Contains(all.body, "数据时间") {
		t.Error("the list does not say what is known of a hall")
	}
	if s := b.get("/waiting?district=" + apptest.DistrictB).must(200); strings.Contains(s.body, "/hall/"+apptest.HallA+"#") || !strings.Contains(s.body, "/hall/"+apptest.HallB+"#") {
		t.Error("one district is not narrowed down to")
	}
	if s := b.get("/waiting?item=" + apptest.Passport).must(200); strings.Contains(s.body, "/hall/"+apptest.HallA+"#") {
		t.Error("halls that do not serve the item")
	}
	near := url.Values{"form_token": {token(all.body)}, "lat": {"23.17"}, "lng": {"113.29"}}
	s := b.post("/waiting", near).must(200)
	if !strings.Contains(s.text(), "公里") || strings.Contains(w.logged(), "23.17") || strings.Contains(strings.Join(w.addresses(), " "), "23.17") {
		t.Errorf("sorted by a place: %s", s.text())
	}
	b.post("/waiting", url.Values{"lat": {"23.17"}, "lng": {"113.29"}}).must(403)
	if s := b.get("/hall/" + apptest.HallA).must(200); !strings.Contains(s.body, `id="waiting"`) {
		t.Error("the hall's page does not tell its waits")
	}
}

// token is the form token of a page.
func token(body string) string {
	_, rest, _ := strings.Cut(body, `name="form_token" value="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}
