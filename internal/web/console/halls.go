package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func (c *Console) hallRoutes() {
	c.add(Route{Pattern: "GET " + Prefix + "/halls", Act: account.Supervise}, c.halls)
	c.add(Route{Pattern: "GET " + Prefix + "/halls/{hall}", Act: account.Supervise, Hall: "hall"}, c.hall)
	c.capacityRoutes()
	c.exportRoutes()
}

// hallRow is a hall of the list with how it stands.
type hallRow struct {
	hall    *directory.Hall
	picture app.Picture
	queues  int
}

var hallLevels = []string{string(directory.CityHall), string(directory.DistrictHall), string(directory.StreetHall), string(directory.VillageHall)}

// hallSorts are what the list can be sorted by; "" is the order of the tree.
var hallSorts = []string{"tree", "name", "booked", "next", "today"}

// hallRows finds, filters and sorts my halls as the address says; all of it from memory.
func (c *Console) hallRows(l web.Locale, ad *app.Admin, list List) []hallRow {
	g := c.App.Grove(ad, account.Supervise)
	city, pictures := c.App.City(), c.App.Pictures(g)
	var rank map[string]int // of what was sought: best first
	if list.Query != "" {
		rank = map[string]int{}
		for i, h := range g.Find(list.Query, len(g.Halls)) {
			rank[h.ID] = i
		}
	}
	level, open := list.Value("level", hallLevels...), list.Value("open", "yes", "no")
	district, unit := list.Get("district"), list.Get("unit")
	var rows []hallRow
	for i, h := range g.Halls {
		if rank != nil {
			if _, found := rank[h.ID]; !found {
				continue
			}
		}
		if level != "" && string(h.Level) != level || district != "" && h.DistrictID != district || open != "" && h.Open != (open == "yes") ||
			unit != "" && !city.UnitHas(unit, h.UnitID) {
			continue
		}
		rows = append(rows, hallRow{h, pictures[i], len(city.QueuesAt(h.ID))})
	}
	by := func(a, b hallRow) int { return a.hall.Number - b.hall.Number }
	switch list.Sort {
	case "name":
		by = func(a, b hallRow) int { return cmp.Compare(nameKey(l, a.hall), nameKey(l, b.hall)) }
	case "booked":
		by = func(a, b hallRow) int { return cmp.Compare(share(a.picture.Window), share(b.picture.Window)) }
	case "today":
		by = func(a, b hallRow) int { return a.picture.Today.Booked - b.picture.Today.Booked }
	case "next":
		by = func(a, b hallRow) int {
			if a.picture.Next.IsZero() != b.picture.Next.IsZero() {
				if a.picture.Next.IsZero() {
					return 1
				}
				return -1
			}
			return a.picture.Next.Compare(b.picture.Next)
		}
	default:
		if rank != nil {
			by = func(a, b hallRow) int { return rank[a.hall.ID] - rank[b.hall.ID] }
		}
	}
	slices.SortStableFunc(rows, func(a, b hallRow) int {
		if list.Desc {
			a, b = b, a
		}
		return by(a, b)
	})
	return rows
}

// nameKey sorts names as the reader's language does: Chinese ones by their pinyin initials.
func nameKey(l web.Locale, h *directory.Hall) string {
	if l == web.En && h.Name.En != "" {
		return strings.ToLower(h.Name.En)
	}
	return h.Initials + " " + h.Name.Hans
}

func share(l app.Load) float64 {
	if l.Released == 0 {
		return -1
	}
	return float64(l.Booked) / float64(l.Released)
}

func (c *Console) halls(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r, hallSorts...)
	g := c.App.Grove(ad, account.Supervise)
	f := c.frame(w, r, ad, l.T("console.halls.title"))
	f.Path = c.home0(l)
	if unit := list.Get("unit"); unit != "" {
		if path := g.Path(unit); len(path) > 0 {
			f.Path = append(f.Path, ui.Link{Text: f.Title, Href: Prefix + "/halls"})
			for _, u := range path[:len(path)-1] {
				f.Path = append(f.Path, ui.Link{Text: l.Text(u.Name), Href: list.With("unit", u.ID)})
			}
			f.Title = l.Text(path[len(path)-1].Name)
		}
	}
	v := hallsView{Tabs: []ui.Link{
		{Text: l.T("console.halls.table"), Href: list.With("view", "", "sort", ""), Current: list.Get("view") != "tree"},
		{Text: l.T("console.halls.tree"), Href: list.With("view", "tree", "q", "", "level", "", "district", "", "open", "", "sort", ""), Current: list.Get("view") == "tree"},
	}}
	if c.opens(r, ad, Prefix+"/halls.csv") {
		f.Actions = fileLinks(l, Prefix+"/halls", list.encoded())
	}
	if list.Get("view") == "tree" {
		v.Table = c.unitTable(l, g, list)
		return web.Render(w, r, http.StatusOK, hallsPage(f, v))
	}
	rows := c.hallRows(l, ad, list)
	v.Bar = c.hallFilters(l, g, list, len(rows))
	v.Table = c.hallTable(l, &list, rows)
	return web.Render(w, r, http.StatusOK, hallsPage(f, v))
}

type hallsView struct {
	Tabs  []ui.Link
	Bar   *FilterBar
	Table Table
}

func (c *Console) hallFilters(l web.Locale, g *app.Grove, list List, total int) *FilterBar {
	all := func(key string) ui.Option { return ui.Option{Text: l.T(key)} }
	b := &FilterBar{L: l, List: list, Search: l.T("console.find_hall"), Total: l.N("console.halls.n", total),
		Clear: list.Query != "" || list.Get("level")+list.Get("district")+list.Get("open")+list.Get("unit") != ""}
	var districts []ui.Option
	for _, u := range c.App.City().Districts() {
		if g.Has(u.ID) {
			districts = append(districts, ui.Option{Value: u.ID, Text: l.Text(u.Name), Selected: list.Get("district") == u.ID})
		}
	}
	if len(districts) > 1 {
		b.Filters = append(b.Filters, Filter{"district", l.T("console.halls.district"), append([]ui.Option{all("console.all")}, districts...)})
	}
	has := map[string]bool{}
	for _, h := range g.Halls {
		has[string(h.Level)] = true
	}
	levels := []ui.Option{all("console.all")}
	for _, v := range hallLevels {
		if has[v] {
			levels = append(levels, ui.Option{Value: v, Text: l.T("level." + v), Selected: list.Get("level") == v})
		}
	}
	if len(levels) > 2 {
		b.Filters = append(b.Filters, Filter{"level", l.T("console.halls.level"), levels})
	}
	b.Filters = append(b.Filters, Filter{"open", l.T("console.halls.state"), []ui.Option{
		all("console.all"), {Value: "yes", Text: l.T("console.halls.open"), Selected: list.Get("open") == "yes"},
		{Value: "no", Text: l.T("console.halls.closed"), Selected: list.Get("open") == "no"},
	}})
	return b
}

func (c *Console) hallTable(l web.Locale, list *List, rows []hallRow) Table {
	from, to := list.Slice(len(rows))
	t := Table{
		Caption: l.T("console.halls.title"),
		Cols: []Col{
			list.Col(l.T("console.halls.name"), "name", false), list.Col(l.T("console.halls.level"), "", false), list.Col(l.T("console.halls.queues"), "", true),
			list.Col(l.T("console.halls.today"), "today", true), list.Col(l.T("console.halls.booked"), "booked", true), list.Col(l.T("console.halls.next"), "next", false),
		},
		Empty: ui.EmptyView{Title: l.T("console.halls.none"), Text: l.T("console.halls.none_hint"), Action: &ui.ButtonView{Text: l.T("console.filter_clear"), Href: list.path, Kind: ui.Secondary}},
	}
	for _, row := range rows[from:to] {
		h, p := row.hall, row.picture
		name := Cell{Text: l.Text(h.Name), Href: hallPath(h.ID), Note: c.where(l, h.UnitID), Tag: closedTag(l, h.Open)}
		t.Rows = append(t.Rows, Row{Cells: []Cell{
			name, {Text: l.T("level." + string(h.Level))}, {Text: strconv.Itoa(row.queues)},
			{Text: l.T("console.of", "n", count(p.Today.Booked), "all", count(p.Today.Released))},
			{Part: rate(p.Window)}, {Part: ui.Moment(nextFree(l, p))},
		}})
	}
	pager := list.Pager(l, len(rows))
	t.Pager = &pager
	return t
}

// unitTable is the tree of my halls with what is booked in each part of it, opened at one unit.
func (c *Console) unitTable(l web.Locale, g *app.Grove, list List) Table {
	t := Table{Caption: l.T("console.halls.tree"), Cols: []Col{
		{Text: l.T("console.halls.unit")}, {Text: l.T("console.halls.count"), Number: true}, {Text: l.T("console.halls.today"), Number: true},
		{Text: l.T("console.halls.booked"), Number: true}, {Text: l.T("console.halls.next")},
	}, Empty: ui.EmptyView{Title: l.T("console.halls.none")}}
	if g.Root == "" {
		return t
	}
	sums := c.App.UnitPictures(g)
	open := map[string]bool{g.Root: true}
	for _, u := range g.Path(list.Get("unit")) {
		open[u.ID] = true
	}
	row := func(depth int, part treeCell, n int, p app.Picture, current bool) {
		part.Depth = min(depth, 4)
		halls := ""
		if n > 0 {
			halls = count(n)
		}
		t.Rows = append(t.Rows, Row{Current: current, Cells: []Cell{
			{Part: inTree(part)}, {Text: halls}, {Text: l.T("console.of", "n", count(p.Today.Booked), "all", count(p.Today.Released))},
			{Part: rate(p.Window)}, {Part: ui.Moment(nextFree(l, p))},
		}})
	}
	var walk func(unit string, depth int)
	walk = func(unit string, depth int) {
		u := c.App.City().Unit(unit)
		row(depth, treeCell{Text: l.Text(u.Name), Href: list.With("view", "tree", "unit", unit), Unit: true, Open: open[unit]}, g.Count(unit), sums[unit], unit == list.Get("unit"))
		if !open[unit] {
			return
		}
		for _, h := range g.At(unit) {
			row(depth+1, treeCell{Text: l.Text(h.Name), Href: hallPath(h.ID)}, 0, c.App.HallPicture(h.ID), false)
		}
		for _, b := range g.Below(unit) {
			if halls := g.At(b.ID); len(halls) == 1 && g.Count(b.ID) == 1 {
				row(depth+1, treeCell{Text: l.Text(halls[0].Name), Href: hallPath(halls[0].ID)}, 0, sums[b.ID], false)
				continue
			}
			walk(b.ID, depth+1)
		}
	}
	walk(g.Root, 0)
	return t
}

// treeCell is the name of a unit or hall at its depth of the tree.
type treeCell struct {
	Text, Href string
	Unit, Open bool
	Depth      int
}

// nextFree says when the first free hour is.
func nextFree(l web.Locale, p app.Picture) string {
	if p.Next.IsZero() {
		if p.Window.Planned == 0 {
			return l.T("console.halls.no_hours")
		}
		return l.T("console.halls.full")
	}
	return l.Slot(calendar.DateOf(p.Next), p.Next.In(calendar.Zone).Hour())
}
