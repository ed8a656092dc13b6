package citizen

import (
	"net/http"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// Pages that stand in those of the entrances Article 2 names. They change nothing and read no cookie, so that nothing can be
// clicked there for somebody: choosing a hall opens our own page over the whole window, and the booking says through
// which entrance it came.

type framedView struct {
	L      web.Locale
	Name   string
	Online *ui.ButtonView
	Note   string
	Halls  hallsView
	Whole  ui.Link
}

// framed is the page around what stands in a frame of an entrance; NoSuchPage where none of its origins may hold it.
func (p *Pages) framed(w http.ResponseWriter, r *http.Request) (ui.Shell, booking.Channel, error) {
	entrance := booking.Channel(r.PathValue("entrance"))
	if !p.site.InFrame(w, entrance) {
		return ui.Shell{}, "", fault.New(fault.NoSuchPage)
	}
	s := ui.NewShell(r, "")
	s.Bare, s.Framed, s.Wide = true, true, true
	return s, entrance, nil
}

// framedSearch is the search field and what is wanted most.
func (p *Pages) framedSearch(w http.ResponseWriter, r *http.Request) error {
	s, entrance, err := p.framed(w, r)
	if err != nil {
		return err
	}
	s.Title = s.L.T("citizen.popular")
	v := p.searchView(s.L, "")
	v.Big, v.Suggest, v.Via = true, "", string(entrance)
	for _, it := range p.app.SearchItems("", popularItems) {
		v.Popular = append(v.Popular, ui.Link{Text: s.L.Text(it.Name), Href: address(itemPath(it.Code), "via", string(entrance))})
	}
	return web.Render(w, r, http.StatusOK, framedSearchPage(s, v))
}

// framedItem is the halls of one item with their next free times; ?stage, ?district, ?street, ?sort and ?page as on its page.
func (p *Pages) framedItem(w http.ResponseWriter, r *http.Request) error {
	s, entrance, err := p.framed(w, r)
	if err != nil {
		return err
	}
	l, code, via := s.L, r.PathValue("code"), string(entrance)
	v := framedView{L: l, Whole: ui.Link{Text: l.T("frame.whole"), Href: address("/", "via", via)}}
	it, err := p.app.Item(code)
	if err != nil {
		v.Name, s.Title = l.T("frame.no_item"), l.T("frame.no_item")
		v.Halls.Empty = &ui.EmptyView{Title: l.T("frame.no_item"), Text: l.T("frame.no_item_hint"), Action: hotlineButton(l)}
		return web.Render(w, r, http.StatusNotFound, framedItemPage(s, v))
	}
	stage := p.stageOf(it, directory.Stage(r.URL.Query().Get("stage")))
	v.Name, s.Title = l.Text(it.Name), l.Text(it.Name)
	v.Whole.Href = address(itemPath(code), "stage", string(stage), "via", via)
	v.Note = stageName(l, stage)
	if it.OnlineURL != "" {
		v.Online = &ui.ButtonView{Text: l.T("citizen.item.online_go", "name", onlineName(l, it)), Href: it.OnlineURL, Icon: "online"}
	}
	v.Halls, err = p.hallList(r, l, s.Elder, it, stage, hallsAt{
		path: "/embed/" + via + itemPath(code), framed: true, fixed: []pair{{"stage", string(stage)}, {"lang", r.URL.Query().Get("lang")}, {"edition", r.URL.Query().Get("edition")}},
		choose: func(queue string) string { return address(bookPath(code, queue), "stage", string(stage), "via", via) },
	})
	if err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, framedItemPage(s, v))
}
