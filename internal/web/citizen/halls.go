package citizen

import (
	"net/http"
	"net/url"
	"sort"
	"strconv"

	"github.com/a-h/templ"

	"suiyue/internal/app"
	"suiyue/internal/domain/directory"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// How many halls are shown at once, and at most.
const (
	hallRows      = 10
	hallRowsElder = 3
	mostHallPages = 50
)

// hallsAt says where a list of halls stands: on the page of an item, or of a booking being moved.
type hallsAt struct {
	path    string                    // address of the page
	framed  bool                      // it stands in a page of an entrance
	fixed   []pair                    // parameters of that page besides the filters
	choose  func(queue string) string // where choosing a hall leads
	compare bool                      // two can be compared
}

type hallsView struct {
	L       web.Locale
	Action  string
	Hidden  []pair
	Filters []ui.ChoiceView // none when there is nothing to choose
	Near    bool            // the way to here can be measured: offers to use the phone's place
	Located bool
	Framed  bool // it stands in a page of an entrance: its filters stay there
	Count   string
	Notice  *ui.NoticeView
	Halls   []ui.HallView
	More    string
	Empty   *ui.EmptyView
	Compare string // address of the comparison, "" hides it
	Keep    []pair // parameters the comparison keeps
}

// stays keeps a link in the frame it stands in.
func (v hallsView) stays() templ.Attributes {
	if v.Framed {
		return templ.Attributes{"target": "_self"}
	}
	return nil
}

// hallList lists the halls that offer an item, as the address asks: district, street, sort, page,
// lat and lng (degrees, coarse).
func (p *Pages) hallList(r *http.Request, l web.Locale, elder bool, it *directory.Item, stage directory.Stage, at hallsAt) (hallsView, error) {
	q := r.URL.Query()
	city := p.app.City()
	v := hallsView{L: l, Action: at.path + "#halls", Hidden: at.fixed, Keep: at.fixed, Framed: at.framed}
	offers := city.Offers(it.Code)
	if len(offers) == 0 {
		v.Empty = &ui.EmptyView{Title: l.T("citizen.halls.no_offer"), Text: l.T("citizen.halls.no_offer_hint"), Action: hotlineButton(l)}
		return v, nil
	}
	near := placeOf(q)
	hq := app.HallQuery{Item: it.Code, Stage: stage, Near: near, Sort: app.ByNext, Units: 1}
	districts, streets := p.offeredIn(l, offers, stage, q.Get("district"))
	hq.District = known(districts, q.Get("district"))
	if hq.District != "" {
		hq.Street = known(streets, q.Get("street"))
	}
	sortings := []ui.Option{{Value: string(app.ByNext), Text: l.T("citizen.sort.next")}, {Value: string(app.ByName), Text: l.T("citizen.sort.name")}}
	if near != nil {
		sortings = append(sortings, ui.Option{Value: string(app.ByDistance), Text: l.T("citizen.sort.distance")})
		hq.Sort = app.ByDistance
	}
	if s := known(sortings, q.Get("sort")); s != "" {
		hq.Sort = app.Sorting(s)
	}
	rows := hallRows
	if elder {
		rows = hallRowsElder
	}
	page, err := strconv.Atoi(q.Get("page"))
	if err != nil || page < 1 || page > mostHallPages {
		page = 1
	}
	hq.Limit = rows * page
	list, total, err := p.app.Halls(hq)
	if err != nil {
		return v, err
	}
	now := p.app.Now()
	free := false
	for i, o := range list {
		h := ui.HallView{
			Name: l.Text(o.Hall.Name), Href: at.choose(o.Queue.ID), Place: p.place(l, o.Hall, o.Km), NextKey: l.T("hall.next"),
			None: l.T("hall.none"), Notice: l.Text(o.Hall.Notice),
			Action: &ui.ButtonView{Text: l.T("hall.book"), Kind: ui.Secondary, Href: at.choose(o.Queue.ID),
				Attrs: spoken(l.T("hall.book"), l.Text(o.Hall.Name))},
		}
		if o.Next != nil {
			free = true
			h.Next = l.Near(o.Next.Date.At(o.Next.Hour, 0), now)
			h.Facts = []ui.Fact{{Key: l.T("hall.left"), Value: strconv.Itoa(o.NextFree)}}
		} else {
			h.Action.Text = l.T("citizen.halls.see_days")
			h.Action.Attrs = spoken(h.Action.Text, l.Text(o.Hall.Name))
		}
		if wait := p.waitAt(l, o.Queue); wait != nil {
			h.Facts = append(h.Facts, *wait)
		}
		if at.compare && !elder && total > 1 {
			h.Compare = &ui.Option{Value: o.Queue.ID, Text: l.T("hall.compare"),
				Attrs: spoken(l.T("hall.compare"), l.Text(o.Hall.Name))}
			v.Compare = at.path + "/compare"
		}
		if i == rows*(page-1) && page > 1 {
			h.Attrs = templ.Attributes{"id": "more", "tabindex": "-1"}
		}
		v.Halls = append(v.Halls, h)
	}
	v.Count = l.N("citizen.halls.count", total)
	switch {
	case total == 0:
		v.Empty = &ui.EmptyView{Title: l.T("citizen.halls.none_here"), Text: l.T("citizen.halls.none_here_hint"),
			Action: &ui.ButtonView{Text: l.T("citizen.halls.all"), Kind: ui.Secondary, Href: p.listAddress(at, nil, 0) + "#halls"}}
	case !free && hq.Sort == app.ByNext:
		v.Notice = p.noneFree(l)
	}
	filters := []pair{{"district", hq.District}, {"street", hq.Street}, {"sort", sorting(q, hq.Sort)}, {"lat", q.Get("lat")}, {"lng", q.Get("lng")}}
	if near == nil {
		filters = filters[:3]
	} else {
		v.Hidden = append(append([]pair{}, v.Hidden...), filters[3:]...)
		v.Located = true
	}
	if total > len(list) && page < mostHallPages {
		v.More = p.listAddress(at, filters, page+1) + "#more"
	}
	v.Filters = filtersOf(l, elder, districts, streets, sortings, hq)
	if !elder && !at.framed { // a frame is not told where the phone is
		v.Near = measurable(city, offers)
	}
	return v, nil
}

// sorting is the sort parameter to carry on: only what was asked for.
func sorting(q url.Values, s app.Sorting) string {
	if q.Get("sort") == string(s) {
		return string(s)
	}
	return ""
}

func (p *Pages) listAddress(at hallsAt, filters []pair, page int) string {
	var pairs []string
	for _, f := range at.fixed {
		pairs = append(pairs, f.name, f.value)
	}
	for _, f := range filters {
		pairs = append(pairs, f.name, f.value)
	}
	if page > 1 {
		pairs = append(pairs, "page", strconv.Itoa(page))
	}
	return address(at.path, pairs...)
}

func filtersOf(l web.Locale, elder bool, districts, streets, sortings []ui.Option, hq app.HallQuery) []ui.ChoiceView {
	pick := func(id, label string, options []ui.Option, all, chosen string) ui.ChoiceView {
		c := ui.ChoiceView{FieldView: ui.FieldView{ID: id, Label: label}}
		if all != "" {
			c.Options = append(c.Options, ui.Option{Text: all})
		}
		for _, o := range options {
			o.Selected = o.Value == chosen
			c.Options = append(c.Options, o)
		}
		return c
	}
	var out []ui.ChoiceView
	if len(districts) > 1 {
		out = append(out, pick("district", l.T("citizen.filter.district"), districts, l.T("citizen.filter.city"), hq.District))
	}
	if elder {
		return out
	}
	if len(streets) > 1 && hq.District != "" {
		out = append(out, pick("street", l.T("citizen.filter.street"), streets, l.T("citizen.filter.all_streets"), hq.Street))
	}
	return append(out, pick("sort", l.T("citizen.filter.sort"), sortings, "", string(hq.Sort)))
}

// offeredIn lists the districts in which an item is offered, and the streets of the one chosen.
func (p *Pages) offeredIn(l web.Locale, offers []*directory.Offering, stage directory.Stage, district string) (districts, streets []ui.Option) {
	city := p.app.City()
	seen := map[string]bool{}
	add := func(list []ui.Option, id string) []ui.Option {
		u := city.Unit(id)
		if u == nil || seen[id] {
			return list
		}
		seen[id] = true
		return append(list, ui.Option{Value: id, Text: l.Text(u.Name)})
	}
	for _, o := range offers {
		h := city.Hall(o.HallID)
		if !o.Stages.Has(stage) {
			continue
		}
		districts = add(districts, h.DistrictID)
		if h.DistrictID == district && h.StreetID != "" {
			streets = add(streets, h.StreetID)
		}
	}
	byCode := func(list []ui.Option) {
		sort.Slice(list, func(i, j int) bool { return list[i].Value < list[j].Value })
	}
	byCode(districts)
	byCode(streets)
	return districts, streets
}

// known returns the value if it is one of the options, else "".
func known(options []ui.Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return value
		}
	}
	return ""
}

// measurable tells whether the way to most of the halls can be measured: else sorting by it would mislead.
func measurable(city *app.City, offers []*directory.Offering) bool {
	n := 0
	for _, o := range offers {
		if h := city.Hall(o.HallID); h.Latitude != 0 || h.Longitude != 0 {
			n++
		}
	}
	return 2*n > len(offers)
}

// spoken names a control for readers who hear it out of its row: what it does, and for which hall.
func spoken(text, hall string) templ.Attributes {
	return templ.Attributes{"aria-label": text + " " + hall}
}

// placeOf reads lat and lng; nil when they are not a place on the globe.
func placeOf(q url.Values) *app.Place {
	lat, err1 := strconv.ParseFloat(q.Get("lat"), 64)
	lng, err2 := strconv.ParseFloat(q.Get("lng"), 64)
	if err1 != nil || err2 != nil || !(lat >= -90 && lat <= 90) || !(lng >= -180 && lng <= 180) {
		return nil
	}
	return &app.Place{Latitude: lat, Longitude: lng}
}

func degrees(v float64) string { return strconv.FormatFloat(v, 'f', 6, 64) }

// noneFree says that nothing is free anywhere, and when the next numbers come.
func (p *Pages) noneFree(l web.Locale) *ui.NoticeView {
	n := &ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.T("citizen.halls.none_free"), Text: l.T("citizen.halls.none_free_hint")}
	if at, dates := p.app.NextRelease(); len(dates) > 0 {
		n.Text = l.T("citizen.halls.none_free_until", "when", l.Near(at, p.app.Now()), "date", l.Date(dates[len(dates)-1]))
	}
	return n
}

func hotlineButton(l web.Locale) *ui.ButtonView {
	return &ui.ButtonView{Text: l.T("hotline.call", "phone", ui.Hotline), Kind: ui.Secondary, Href: "tel:" + ui.Hotline, Icon: "phone"}
}

// nearScript is the address of the script that brings the phone's place into the address, coarse.
func nearScript() string { return web.AssetURL("near.js") }
