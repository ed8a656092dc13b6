package console

import (
	"net/http"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

type posterView struct {
	L          web.Locale
	zh         web.Locale // what people at the hall read: Chinese, in the script of the console
	Size       string     // a4, a3
	Sizes      []ui.Link
	Back       string
	Name       directory.Text
	Address    directory.Text
	How        directory.Text
	Phone      string
	Ways       []directory.Way
	Hours      []string
	HoursEn    string
	URL        string
	Shown      string // the same without https://
	OnSiteFrom string
}

// T and E are sentences of the poster in Chinese and in English.
func (v posterView) T(key string, args ...string) string { return v.zh.T(key, args...) }
func (v posterView) E(key string, args ...string) string { return web.En.T(key, args...) }

// Zh picks the Chinese of a text.
func (v posterView) Zh(t directory.Text) string { return v.zh.Text(t) }

// poster is the sheet a hall hangs up where everybody sees it (Art. 3), on A4 or A3.
func (c *Console) poster(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, id := web.LocaleOf(r), r.PathValue("hall")
	h := c.App.City().Hall(id)
	v := posterView{L: l, zh: web.Hans, Size: "a4", Back: hallPath(id) + "/edit", Name: h.Name, Address: h.Address, How: h.How, Phone: h.Phone, Ways: h.Posted(),
		URL: c.Public + "/hall/" + id}
	if l == web.Hant {
		v.zh = web.Hant
	}
	if r.URL.Query().Get("size") == "a3" {
		v.Size = "a3"
	}
	for _, s := range []string{"a4", "a3"} {
		v.Sizes = append(v.Sizes, ui.Link{Text: strings.ToUpper(s), Href: address(r.URL.Path, "size", s), Current: s == v.Size})
	}
	_, v.Shown, _ = strings.Cut(v.URL, "://")
	rules := c.App.Rules(calendar.DateOf(c.App.Now()))
	v.OnSiteFrom = clockOf(rules.OnSiteReleaseAt)
	if h.Hours.Hans != "" {
		v.Hours, v.HoursEn = []string{v.Zh(h.Hours)}, h.Hours.En
		return web.Render(w, r, http.StatusOK, posterPage(v))
	}
	week := app.HallWeek(c.App.City(), id)
	for _, day := range []struct {
		name  string
		hours calendar.Hours
	}{{"work", week.Work}, {"saturday", week.Saturday}, {"sunday", week.Sunday}} {
		if day.hours != 0 {
			v.Hours = append(v.Hours, v.T("poster.day."+day.name)+" "+directory.Spans(day.hours))
			v.HoursEn = strings.TrimPrefix(v.HoursEn+"; "+v.E("poster.day."+day.name)+" "+directory.Spans(day.hours), "; ")
		}
	}
	return web.Render(w, r, http.StatusOK, posterPage(v))
}

// clockOf writes minutes of a day as "09:00".
func clockOf(minutes int) string {
	return clock(minutes / 60)[:3] + string([]byte{byte('0' + minutes%60/10), byte('0' + minutes%10)})
}
