package citizen

import (
	"net/http"
	"net/url"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/directory"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// waitItems is how many items the waits can be narrowed down to without searching.
const waitItems = 20

type waitingView struct {
	L        web.Locale
	Title    string
	Lead     string
	Token    string
	Filters  []ui.ChoiceView
	Hidden   []pair // what asking for the nearest keeps
	Count    string
	Halls    []ui.HallView
	More     string // address of more; "" for none, or where it takes a place
	MoreNear []pair // what more takes where the list is sorted by a place
	Empty    *ui.EmptyView
	Coverage string
}

// waiting lists the waits of the city's halls now (2025 regulation).
func (p *Pages) waiting(w http.ResponseWriter, r *http.Request) error {
	return p.showWaiting(w, r, r.URL.Query(), nil)
}

// waitingNear is the same sorted by the way to a place. The place comes in the body of a form, so that it
// stands in no address and no log; the browser makes it coarse before.
func (p *Pages) waitingNear(w http.ResponseWriter, r *http.Request) error {
	if err := p.form(r); err != nil {
		return err
	}
	return p.showWaiting(w, r, r.PostForm, placeOf(r.PostForm))
}

func (p *Pages) showWaiting(w http.ResponseWriter, r *http.Request, q url.Values, near *app.Place) error {
	s := p.shell(w, r, p.visitor(r), "", "/waiting")
	l, city := s.L, p.app.City()
	s.Title, s.Back, s.Wide = l.T("waiting.title"), back(l, "/"), true
	v := waitingView{L: l, Title: s.Title, Lead: l.T("waiting.lead")}
	wq := app.WaitQuery{Sort: app.ByDistrict, Near: near}
	var districts []ui.Option
	for _, u := range city.Districts() {
		districts = append(districts, ui.Option{Value: u.ID, Text: l.Text(u.Name)})
	}
	wq.District = known(districts, q.Get("district"))
	items := p.app.SearchItems("", waitItems)
	chosen := city.Item(q.Get("item"))
	var options []ui.Option
	for _, it := range items {
		options = append(options, ui.Option{Value: it.Code, Text: l.Text(it.Name)})
	}
	if chosen != nil {
		if wq.Item = chosen.Code; known(options, chosen.Code) == "" {
			options = append(options, ui.Option{Value: chosen.Code, Text: l.Text(chosen.Name)})
		}
	}
	sortings := []ui.Option{{Value: string(app.ByDistrict), Text: l.T("waiting.sort.district")}, {Value: string(app.ByWait), Text: l.T("waiting.sort.wait")}}
	if x := known(sortings, q.Get("sort")); x != "" {
		wq.Sort = app.Sorting(x)
	}
	if near != nil {
		wq.Sort = app.ByDistance
	}
	rows := hallRows
	if s.Elder {
		rows = hallRowsElder
	}
	page, err := strconv.Atoi(q.Get("page"))
	if err != nil || page < 1 || page > mostHallPages {
		page = 1
	}
	wq.Limit = rows * page
	all, total := p.app.CityWaiting(wq)
	for i, h := range all {
		card := p.waitCard(l, h)
		if i == rows*(page-1) && page > 1 {
			card.Attrs = map[string]any{"id": "more", "tabindex": "-1"}
		}
		v.Halls = append(v.Halls, card)
	}
	v.Count = l.N("waiting.count", total)
	if total == 0 {
		v.Empty = &ui.EmptyView{Title: l.T("waiting.none"), Text: l.T("waiting.none_hint"),
			Action: &ui.ButtonView{Text: l.T("citizen.halls.all"), Kind: ui.Secondary, Href: "/waiting"}}
	}
	filters := []pair{{"district", wq.District}, {"item", wq.Item}}
	if total > len(all) && page < mostHallPages {
		if near != nil {
			v.MoreNear = append(filters, pair{"lat", q.Get("lat")}, pair{"lng", q.Get("lng")}, pair{"page", strconv.Itoa(page + 1)})
		} else {
			v.More = address("/waiting", "district", wq.District, "item", wq.Item, "sort", q.Get("sort"), "page", strconv.Itoa(page+1)) + "#more"
		}
	}
	pick := func(id, label, all string, list []ui.Option, chosen string) ui.ChoiceView {
		c := ui.ChoiceView{FieldView: ui.FieldView{ID: id, Label: label}}
		if all != "" {
			c.Options = append(c.Options, ui.Option{Text: all})
		}
		for _, o := range list {
			o.Selected = o.Value == chosen
			c.Options = append(c.Options, o)
		}
		return c
	}
	v.Filters = append(v.Filters, pick("district", l.T("citizen.filter.district"), l.T("citizen.filter.city"), districts, wq.District))
	if !s.Elder {
		v.Filters = append(v.Filters, pick("item", l.T("waiting.item"), l.T("waiting.every_item"), options, wq.Item),
			pick("sort", l.T("citizen.filter.sort"), "", sortings, string(wq.Sort)))
	}
	v.Hidden, v.Token = filters, p.cookies.FormToken(w, r)
	v.Coverage = coverage(l, p.app)
	w.Header().Set("Cache-Control", "no-store")
	return web.Render(w, r, http.StatusOK, waitingPage(s, v))
}

// waitCard is a hall with the wait at each of its queues.
func (p *Pages) waitCard(l web.Locale, h app.HallWaiting) ui.HallView {
	card := ui.HallView{
		Name: l.Text(h.Hall.Name), Href: "/hall/" + h.Hall.ID + "#waiting", Place: p.place(l, h.Hall, h.Km), NextKey: l.T("waiting.now"),
		None: l.T("waiting.unknown"), Notice: l.Text(h.Hall.Notice),
	}
	if len(h.Queues) == 1 {
		card.Next = waitText(l, h.Queues[0])
		card.Facts = []ui.Fact{{Key: l.T("waiting.people"), Value: strconv.Itoa(h.Queues[0].Waiting)}}
	} else {
		waiting := 0
		for _, q := range h.Queues {
			waiting += q.Waiting
			card.Facts = append(card.Facts, ui.Fact{Key: l.Text(q.Queue.Name), Value: waitText(l, q)})
		}
		card.NextKey, card.Next = l.T("waiting.people"), strconv.Itoa(waiting)
	}
	card.Facts = append(card.Facts, ui.Fact{Key: l.T("waiting.as_of"), Value: web.Clock(h.At)})
	return card
}

// waitText says a wait in words.
func waitText(l web.Locale, q app.QueueWait) string {
	switch {
	case q.Wait.Known && q.Wait.Late == 0 && !q.Usual:
		return l.T("waiting.at_once")
	case q.Wait.Known:
		key := "waiting.range"
		if q.Usual {
			key = "waiting.usual"
		}
		return l.T(key, "early", strconv.Itoa(int(q.Wait.Early.Minutes())), "late", strconv.Itoa(max(1, int(q.Wait.Late.Minutes()))))
	case q.State == app.WaitOpen:
		return l.T("waiting.unknown")
	}
	return l.T("waiting.state." + string(q.State))
}

// waitRows are the waits of a hall, as a list; nil where nothing is known of them.
func waitRows(l web.Locale, h app.HallWaiting) (rows []ui.SummaryRow) {
	for _, q := range h.Queues {
		rows = append(rows, ui.SummaryRow{
			Key: l.Text(q.Queue.Name), Value: waitText(l, q), Lines: []string{l.N("waiting.queue", q.Waiting, "counters", strconv.Itoa(q.Counters))},
		})
	}
	return rows
}

// leastTold is how many ranges must have been told before their coverage is shown as measured.
const leastTold = 200

// coverage says how often the ranges told hold.
func coverage(l web.Locale, a *app.App) string {
	if told, held := a.WaitCoverage(); told >= leastTold {
		return l.T("waiting.measured", "percent", strconv.Itoa((100*held+told/2)/told), "n", strconv.Itoa(told))
	}
	return l.T("waiting.stated")
}

// waitAt is the wait at the queue of a hall's list, nil where nothing is known.
func (p *Pages) waitAt(l web.Locale, queue *directory.Queue) *ui.Fact {
	if q, ok := p.app.WaitNow(queue); ok && q.Wait.Known {
		return &ui.Fact{Key: l.T("waiting.now"), Value: waitText(l, q)}
	}
	return nil
}
