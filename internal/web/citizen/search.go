package citizen

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const (
	foundItems      = 20
	foundItemsElder = 5
	suggestions     = 6
	longestQuery    = 60 // characters
)

type listView struct {
	Title      string
	Lead       string
	Search     ui.SearchView
	Items      []ui.ItemView
	More       string // address of the rest, "" for none
	Empty      *ui.EmptyView
	Categories []ui.Link
}

// searchView is the search field wherever it stands.
func (p *Pages) searchView(l web.Locale, q string) ui.SearchView {
	return ui.SearchView{L: l, Action: "/search", Suggest: "/suggest", Query: q}
}

// query reads what somebody searches for: one line, cut to a length nobody needs more than.
func query(r *http.Request) string {
	q := strings.Join(strings.Fields(strings.ToValidUTF8(r.URL.Query().Get("q"), "")), " ")
	if utf8.RuneCountInString(q) > longestQuery {
		q = string([]rune(q)[:longestQuery])
	}
	return q
}

func (p *Pages) search(w http.ResponseWriter, r *http.Request) error {
	q := query(r)
	s := p.shell(w, r, p.visitor(r), "", address("/search", "q", q))
	l := s.L
	v := listView{Search: p.searchView(l, q)}
	v.Search.Hint = l.T("home.search_hint")
	most := foundItems
	if s.Elder {
		most = foundItemsElder
	}
	if r.URL.Query().Get("all") != "" {
		most = 1000
	}
	found := p.app.SearchItems(q, most+1)
	if len(found) > most {
		found, v.More = found[:most], address("/search", "q", q, "all", "1")
	}
	for _, it := range found {
		v.Items = append(v.Items, p.itemCard(l, it))
	}
	switch {
	case q == "":
		v.Title = l.T("citizen.popular")
	case len(found) == 0:
		v.Title = l.T("citizen.search.title", "q", q)
		v.Empty = &ui.EmptyView{Title: l.T("empty.search", "q", q), Text: l.T("empty.search_hint"),
			Action: &ui.ButtonView{Text: l.T("hotline.call", "phone", ui.Hotline), Kind: ui.Secondary, Href: "tel:" + ui.Hotline, Icon: "phone"}}
		for _, c := range p.categories() {
			v.Categories = append(v.Categories, ui.Link{Text: l.Text(c.Name), Href: categoryPath(c.ID)})
		}
	default:
		v.Title = l.T("citizen.search.title", "q", q)
	}
	s.Title, s.Back = v.Title, back(l, "/")
	return web.Render(w, r, http.StatusOK, listPage(s, v))
}

func (p *Pages) category(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	for _, c := range directory.Categories() {
		if c.ID != id {
			continue
		}
		s := p.shell(w, r, p.visitor(r), "", "/category/"+id)
		l := s.L
		v := listView{Title: l.Text(c.Name), Search: p.searchView(l, "")}
		for _, it := range p.app.City().Items() {
			if it.Category == id && p.reachable(it) {
				v.Items = append(v.Items, p.itemCard(l, it))
			}
		}
		if len(v.Items) == 0 {
			v.Empty = &ui.EmptyView{Title: l.T("citizen.category.none"), Text: l.T("citizen.category.none_hint")}
		}
		s.Title, s.Back = v.Title, back(l, "/")
		return web.Render(w, r, http.StatusOK, listPage(s, v))
	}
	return fault.New(fault.NoSuchPage)
}

// suggest answers the script of the search field: [{"text","note","href"}].
func (p *Pages) suggest(w http.ResponseWriter, r *http.Request) error {
	type suggestion struct {
		Text string `json:"text"`
		Note string `json:"note,omitempty"`
		Href string `json:"href"`
	}
	l := web.LocaleOf(r)
	out := []suggestion{}
	if q := query(r); q != "" {
		for _, it := range p.app.SearchItems(q, suggestions) {
			note := ""
			if it.OnlineURL != "" {
				note = l.T("item.online")
			}
			out = append(out, suggestion{l.Text(it.Name), note, itemPath(it.Code)})
		}
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "private, max-age=60")
	h.Set("Vary", "Accept-Language, Cookie")
	// An error here is the reader gone away.
	_, _ = w.Write(body)
	return nil
}

func (p *Pages) itemCard(l web.Locale, it *directory.Item) ui.ItemView {
	v := ui.ItemView{Name: l.Text(it.Name), Href: itemPath(it.Code), Summary: l.Text(it.Summary)}
	if it.OnlineURL != "" {
		v.Tags = append(v.Tags, ui.Tag{Text: l.T("item.online"), Kind: ui.TagGreen})
	}
	if it.SelfService {
		v.Tags = append(v.Tags, ui.Tag{Text: l.T("item.self_service"), Kind: ui.TagRiver})
	}
	if it.Foreigner {
		v.Tags = append(v.Tags, ui.Tag{Text: l.T("item.foreigner")})
	}
	if it.Minutes > 0 {
		v.Meta = l.N("item.minutes", it.Minutes)
	}
	return v
}
