package citizen

import (
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

type hallView struct {
	L      web.Locale
	Name   string
	Place  string
	Closed string
	Notice string
	Known  []ui.SummaryRow
	Phone  string
	Tel    string
	MapURL string
	OnSite string
	Find   bool
	Query  string
	Self   string
	Items  []ui.ItemView
	More   string

	Waits    []ui.SummaryRow // none where nothing is known
	WaitsAt  string
	Coverage string
}

// manyItems is from how many items on a hall's page can be searched.
const manyItems = 12

// hall is a hall's public page, where the code on its poster leads (Art. 3).
func (p *Pages) hall(w http.ResponseWriter, r *http.Request) error {
	city := p.app.City()
	h := city.Hall(r.PathValue("id"))
	if h == nil {
		return fault.New(fault.HallNotFound)
	}
	q := r.URL.Query()
	s := p.shell(w, r, p.visitor(r), "", r.URL.RequestURI())
	l := s.L
	s.Title, s.Back, s.Wide = l.Text(h.Name), back(l, "/"), true
	v := hallView{L: l, Name: l.Text(h.Name), Place: p.place(l, h, -1), Notice: l.Text(h.Notice), Phone: h.Phone, Tel: strings.ReplaceAll(h.Phone, " ", ""),
		MapURL: mapURL(l, h), Self: r.URL.Path, Query: strings.TrimSpace(q.Get("q"))}
	if len(v.Query) > 60 {
		v.Query = strings.ToValidUTF8(v.Query[:60], "")
	}
	if !h.Open {
		v.Closed = l.T("hallpage.closed")
	}
	now := p.app.Now()
	rules := p.app.Rules(calendar.DateOf(now))
	v.OnSite = l.T("hallpage.on_site", "time", fmt.Sprintf("%02d:%02d", rules.OnSiteReleaseAt/60, rules.OnSiteReleaseAt%60))
	ways := make([]string, 0, len(h.Posted()))
	for _, way := range h.Posted() {
		ways = append(ways, l.T("directory.way."+string(way)))
	}
	hours := p.openHours(l, h)
	v.Known = []ui.SummaryRow{
		{Key: l.T("hall.address"), Value: l.Text(h.Address)}, {Key: l.T("hall.phone"), Value: h.Phone},
		{Key: l.T("hallpage.hours"), Value: hours[0], Lines: hours[1:]},
		{Key: l.T("hallpage.how"), Value: strings.Join(ways, " · ")},
	}
	if how := l.Text(h.How); how != "" {
		v.Known[3].Lines = []string{how}
	}
	waits, err := p.app.Waiting(r.Context(), h.ID)
	if err != nil {
		return err
	}
	if h.Open {
		v.Waits, v.WaitsAt, v.Coverage = waitRows(l, waits), l.T("waiting.as_of_time", "time", web.Clock(waits.At)), coverage(l, p.app)
	}
	page, err := strconv.Atoi(q.Get("page"))
	if err != nil || page < 1 || page > mostHallPages {
		page = 1
	}
	all := p.hallItems(l, h, v.Query)
	v.Find = len(all) > manyItems || v.Query != ""
	if end := page * 2 * hallRows; len(all) > end {
		v.More = address(v.Self, "q", v.Query, "page", strconv.Itoa(page+1)) + "#items"
		all = all[:end]
	}
	for _, o := range all {
		it := city.Item(o.ItemCode)
		item := ui.ItemView{Name: l.Text(it.Name), Summary: l.Text(it.Summary), Href: bookPath(it.Code, o.QueueID), Meta: l.T("hallpage.full")}
		if next := p.app.NextFree(o.QueueID, 1); next != nil {
			item.Meta = l.T("hallpage.next", "when", l.Near(next.Date.At(next.Hour, 0), now))
		}
		for _, stage := range o.Stages {
			item.Tags = append(item.Tags, ui.Tag{Text: stageName(l, stage)})
		}
		v.Items = append(v.Items, item)
	}
	return web.Render(w, r, http.StatusOK, hallPage(s, v))
}

// hallItems is what a hall offers, the popular first; with a query, what the search of the city finds of it.
func (p *Pages) hallItems(l web.Locale, h *directory.Hall, query string) []*directory.Offering {
	city := p.app.City()
	found := map[string]int{}
	if query != "" {
		for i, it := range p.app.SearchItems(query, 100) {
			found[it.Code] = i + 1
		}
	}
	var out []*directory.Offering
	for _, o := range city.OffersAt(h.ID) {
		if query == "" || found[o.ItemCode] > 0 {
			out = append(out, o)
		}
	}
	rank := func(o *directory.Offering) int {
		it := city.Item(o.ItemCode)
		switch {
		case query != "":
			return found[it.Code]
		case it.Popular > 0:
			return it.Popular
		}
		return 1 << 30
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if rank(a) != rank(b) {
			return rank(a) < rank(b)
		}
		return city.Item(a.ItemCode).Initials < city.Item(b.ItemCode).Initials
	})
	return out
}

// openHours is when a hall is open: as it posts it, else the hours of its queues together.
func (p *Pages) openHours(l web.Locale, h *directory.Hall) []string {
	if h.Hours != (directory.Text{}) {
		return []string{l.Text(h.Hours)}
	}
	week := app.HallWeek(p.app.City(), h.ID)
	var out []string
	for _, day := range []struct {
		name  string
		hours calendar.Hours
	}{{"work", week.Work}, {"saturday", week.Saturday}, {"sunday", week.Sunday}} {
		if day.hours != 0 {
			out = append(out, l.T("poster.day."+day.name)+" "+directory.Spans(day.hours))
		}
	}
	if out == nil {
		return []string{l.T("citizen.none")}
	}
	return out
}
