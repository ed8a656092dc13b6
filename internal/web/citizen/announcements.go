package citizen

import (
	"net/http"
	"net/url"
	"strconv"

	"suiyue/internal/domain/calendar"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// announcementsView is what the city makes public of its supervision: bulletins, and units that failed repeatedly.
type announcementsView struct {
	Bulletins []ui.Link
	Pager     *ui.PagerView
	Units     []announcedUnit
}

type announcedUnit struct {
	Name, When, Text string
}

const bulletinsShown = 20

func bulletinPath(id string) string { return "/announcements/" + url.PathEscape(id) }

// announcements lists the issued bulletins, and the units on the public list, to anybody (Art. 21, 22).
func (p *Pages) announcements(w http.ResponseWriter, r *http.Request) error {
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || page < 1 || page > 1000 {
		page = 1
	}
	list, all, err := p.app.Issued(r.Context(), page-1, bulletinsShown)
	if err != nil {
		return err
	}
	units, err := p.app.Announcements(r.Context())
	if err != nil {
		return err
	}
	s := p.shell(w, r, p.visitor(r), "", "/announcements")
	l := s.L
	s.Title, s.Back = l.T("announcement.title"), back(l, "/")
	v := announcementsView{}
	for _, b := range list {
		v.Bulletins = append(v.Bulletins, ui.Link{Text: ui.PeriodName(l, b.Period) + " · " + p.unitName(l, b.Seat.Unit) + " · " + l.T("announcement.issued", "date", l.LongDate(calendar.DateOf(b.IssuedAt))), Href: bulletinPath(b.ID)})
	}
	if last := (all + bulletinsShown - 1) / bulletinsShown; last > 1 {
		pager := ui.PagerView{L: l, State: l.T("pager.state", "n", strconv.Itoa(page), "total", strconv.Itoa(last))}
		if page > 1 {
			pager.Previous = "/announcements?page=" + strconv.Itoa(page-1)
		}
		if page < last {
			pager.Next = "/announcements?page=" + strconv.Itoa(page+1)
		}
		v.Pager = &pager
	}
	for _, n := range units {
		v.Units = append(v.Units, announcedUnit{
			Name: p.unitName(l, n.UnitID), When: l.T("announcement.when", "year", strconv.Itoa(n.Year), "n", strconv.FormatInt(n.Counts.Total(), 10), "date", l.LongDate(calendar.DateOf(n.MadeAt))), Text: n.Text,
		})
	}
	return web.Render(w, r, http.StatusOK, announcementsPage(s, v))
}

func (p *Pages) unitName(l web.Locale, id string) string {
	if u := p.app.City().Unit(id); u != nil {
		return l.Text(u.Name)
	}
	return id
}

type bulletinView struct {
	Sheet ui.BulletinView
	Newer *ui.NoticeView
	Older []ui.Link
	Data  string
}

// bulletin shows one issued bulletin to anybody.
func (p *Pages) bulletin(w http.ResponseWriter, r *http.Request) error {
	b, was, versions, err := p.app.IssuedBulletin(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	s := p.shell(w, r, p.visitor(r), "", bulletinPath(b.ID))
	l := s.L
	v := bulletinView{Sheet: ui.BulletinOf(l, b, was), Data: "/api/v1/bulletins/" + url.PathEscape(b.ID)}
	s.Title, s.Back, s.Wide = v.Sheet.Name, back(l, "/announcements"), true
	for _, o := range versions {
		link := ui.Link{Text: l.T("bulletin.version", "n", strconv.Itoa(o.Version)) + " · " + l.When(o.IssuedAt), Href: bulletinPath(o.ID)}
		switch {
		case o.Version > b.Version && v.Newer == nil:
			v.Newer = &ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.T("bulletin.newer"), Links: []ui.Link{link}}
		case o.Version < b.Version:
			v.Older = append(v.Older, link)
		}
	}
	return web.Render(w, r, http.StatusOK, bulletinPage(s, v))
}
