package citizen

import (
	"net/http"
	"slices"
	"strconv"

	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

type itemView struct {
	L       web.Locale
	Name    string
	Summary string
	Online  *ui.ButtonView
	OnlineIs,
	SelfService string // sentences, "" for nothing
	Steps     ui.StepsView
	Stages    []ui.Link // none where there is but one
	StageNote string
	Bring     []string
	Facts     []ui.Fact
	Foreigner string
	Themes    []ui.Link // that hold it (Art. 20)
	Halls     hallsView
}

func (p *Pages) item(w http.ResponseWriter, r *http.Request) error {
	it, err := p.app.Item(r.PathValue("code"))
	if err != nil {
		return err
	}
	q := r.URL.Query()
	stage := p.stageOf(it, directory.Stage(q.Get("stage")))
	draft := q.Get("draft")
	s := p.shell(w, r, p.visitor(r), "", r.URL.RequestURI())
	l := s.L
	s.Title, s.Back, s.Wide = l.Text(it.Name), back(l, "/"), true
	v := itemView{L: l, Name: l.Text(it.Name), Summary: l.Text(it.Summary)}
	if it.OnlineURL != "" {
		v.OnlineIs = l.T("item.online_first")
		v.Online = &ui.ButtonView{Text: l.T("citizen.item.online_go", "name", onlineName(l, it)), Href: it.OnlineURL, Icon: "online"}
	}
	if it.SelfService {
		v.SelfService = l.T("citizen.item.self_service")
	}
	if len(it.Stages) > 1 {
		for _, st := range it.Stages {
			v.Stages = append(v.Stages, ui.Link{Text: stageName(l, st), Current: st == stage,
				Href: address(itemPath(it.Code), "stage", string(st), "draft", draft, "district", q.Get("district"), "street", q.Get("street"), "sort", q.Get("sort"))})
		}
		v.StageNote = l.T("citizen.stage." + string(stage))
	}
	for _, m := range it.Materials {
		v.Bring = append(v.Bring, l.Text(m))
	}
	if it.Minutes > 0 {
		v.Facts = append(v.Facts, ui.Fact{Key: l.T("citizen.item.minutes"), Value: l.N("item.minutes", it.Minutes), Strong: true})
	}
	if u := p.app.City().Unit(it.Department); u != nil {
		v.Facts = append(v.Facts, ui.Fact{Key: l.T("item.department"), Value: l.Text(u.Name)})
	}
	if it.Foreigner {
		v.Foreigner = l.T("citizen.item.foreigner")
	}
	for _, t := range p.app.ThemesWith(it.Code) {
		v.Themes = append(v.Themes, ui.Link{Text: l.Text(t.Name), Href: "/themes/" + t.Code})
	}
	v.Halls, err = p.hallList(r, l, s.Elder, it, stage, hallsAt{
		path: itemPath(it.Code), fixed: []pair{{"stage", string(stage)}, {"draft", draft}}, compare: true,
		choose: func(queue string) string {
			return address(bookPath(it.Code, queue), "stage", string(stage), "draft", draft)
		},
	})
	if err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, itemPage(s, v))
}

// stageOf returns the wanted stage if the item has it, else handing in, else its first (Art. 13).
func (p *Pages) stageOf(it *directory.Item, wanted directory.Stage) directory.Stage {
	return pickStage(it.Stages, wanted)
}

func pickStage(has directory.Stages, wanted directory.Stage) directory.Stage {
	switch {
	case has.Has(wanted):
		return wanted
	case has.Has(directory.Acceptance):
		return directory.Acceptance
	case len(has) > 0:
		return has[0]
	}
	return directory.Acceptance
}

func onlineName(l web.Locale, it *directory.Item) string {
	if n := l.Text(it.OnlineName); n != "" {
		return n
	}
	return l.T("citizen.item.online_site")
}

type pair struct{ name, value string }

// compared is one hall of two, side by side.
type compared struct {
	Name   string
	Cells  []string // in the order of compareView.Rows
	Choose ui.ButtonView
}

type compareView struct {
	L     web.Locale
	Item  string
	Rows  []string
	Halls []compared
	Empty *ui.EmptyView
}

// compare shows two halls side by side: ?compare=<queue>&compare=<queue>.
func (p *Pages) compare(w http.ResponseWriter, r *http.Request) error {
	it, err := p.app.Item(r.PathValue("code"))
	if err != nil {
		return err
	}
	q := r.URL.Query()
	stage := p.stageOf(it, directory.Stage(q.Get("stage")))
	draft := q.Get("draft")
	s := p.shell(w, r, p.visitor(r), "", r.URL.RequestURI())
	l := s.L
	s.Title = l.T("citizen.compare.title")
	list := address(itemPath(it.Code), "stage", string(stage), "draft", draft) + "#halls"
	s.Back = back(l, list)
	v := compareView{L: l, Item: l.Text(it.Name), Rows: []string{
		l.T("hall.next"), l.T("hall.left"), l.T("citizen.compare.days"), l.T("citizen.compare.place"), l.T("hall.address"), l.T("hall.phone"), l.T("citizen.compare.notice"),
	}}
	wanted := slices.Concat(q["compare"], q["hall"])
	slices.Sort(wanted)
	for _, id := range slices.Compact(wanted) {
		if len(v.Halls) < 2 && p.app.City().Offer(it.Code, id) != nil {
			v.Halls = append(v.Halls, p.comparedHall(l, it, id, stage, draft))
		}
	}
	if len(v.Halls) < 2 {
		v.Empty = &ui.EmptyView{Title: l.T("citizen.compare.two"), Text: l.T("citizen.compare.two_hint"),
			Action: &ui.ButtonView{Text: l.T("citizen.halls.all"), Kind: ui.Secondary, Href: list}}
	}
	return web.Render(w, r, http.StatusOK, comparePage(s, v))
}

func (p *Pages) comparedHall(l web.Locale, it *directory.Item, queue string, stage directory.Stage, draft string) compared {
	city := p.app.City()
	qu := city.Queue(queue)
	h := city.Hall(qu.HallID)
	days := p.app.Days(queue, 10)
	none := l.T("citizen.none")
	next, left, open := l.T("hall.none"), none, 0
	for _, d := range days {
		if d.Free > 0 {
			open++
		}
	}
	if slot := p.app.NextFree(queue, 1); slot != nil {
		next = l.Date(slot.Date) + " " + web.HourRange(slot.Hour)
		for _, d := range days {
			if d.Date == slot.Date {
				left = strconv.Itoa(d.Free)
			}
		}
	}
	or := func(s string) string {
		if s == "" {
			return none
		}
		return s
	}
	return compared{
		Name:  l.Text(h.Name),
		Cells: []string{next, left, l.N("citizen.compare.days_n", open), p.place(l, h, -1), or(l.Text(h.Address)), or(h.Phone), or(l.Text(h.Notice))},
		Choose: ui.ButtonView{Text: l.T("hall.book"), Block: true,
			Href: address(bookPath(it.Code, queue), "stage", string(stage), "draft", draft), Kind: ui.Secondary},
	}
}

// offered returns the item and what the queue offers of it.
func (p *Pages) offered(item, queue string) (*directory.Item, *directory.Queue, *directory.Offering, error) {
	it, err := p.app.Item(item)
	if err != nil {
		return nil, nil, nil, err
	}
	qu := p.app.City().Queue(queue)
	if qu == nil {
		return nil, nil, nil, fault.New(fault.QueueNotFound)
	}
	o := p.app.City().Offer(item, queue)
	if o == nil {
		return nil, nil, nil, fault.New(fault.NotOffered)
	}
	return it, qu, o, nil
}
