package console

import (
	"maps"
	"net/http"
	"slices"
	"sort"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func (c *Console) catalogRoutes() {
	at := Prefix + "/directory"
	c.add(Route{Pattern: "GET " + at}, c.itemList)
	c.add(Route{Pattern: "GET " + at + "/item", Act: account.Configure}, c.itemEntry)
	c.add(Route{Pattern: "POST " + at + "/item", Act: account.Configure}, c.itemEntry)
	c.add(Route{Pattern: "GET " + at + "/units", Act: account.Settings}, c.unitList)
	c.add(Route{Pattern: "GET " + at + "/unit", Act: account.Settings}, c.unitEntry)
	c.add(Route{Pattern: "POST " + at + "/unit", Act: account.Settings}, c.unitEntry)
}

type catalogView struct {
	Tabs  []ui.Link
	Saved bool
	Bar   FilterBar
	Table Table
}

// directoryTabs are the pages of the directory that are not a hall's.
func (c *Console) directoryTabs(l web.Locale, r *http.Request, ad *app.Admin) []ui.Link {
	var out []ui.Link
	for _, s := range []section{{"items", ""}, {"units", "/units"}, {"files", "/files"}} {
		if at := Prefix + "/directory" + s.path; c.opens(r, ad, at) {
			out = append(out, ui.Link{Text: l.T("directory.part." + s.name), Href: at, Current: r.URL.Path == at})
		}
	}
	return out
}

// itemList is the catalogue, public as it is; who may change an item is led to its form.
func (c *Console) itemList(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	list := listOf(r, "name", "code", "minutes")
	departments := map[string]string{}
	var mine string
	var kept []app.Entry[directory.Item]
	department, state := list.Get("department"), list.Value("state", "open", "closed")
	for _, e := range c.App.City().EveryItem() {
		it := e.Value
		departments[it.Department] = c.word(l, "department", it.Department)
		if department != "" && it.Department != department || state != "" && e.Open != (state == "open") ||
			list.Query != "" && !within(it.Name.Hans+" "+it.Name.Hant+" "+it.Name.En+" "+it.Code+" "+it.Initials, list.Query) {
			continue
		}
		kept = append(kept, e)
	}
	if c.App.MayEdit(ad, directory.ItemNoun, ad.Account.Unit) {
		mine = ad.Account.Unit
	}
	sort.SliceStable(kept, func(i, j int) bool {
		a, b := kept[i].Value, kept[j].Value
		if list.Desc {
			a, b = b, a
		}
		switch list.Sort {
		case "code":
			return a.Code < b.Code
		case "minutes":
			return a.Minutes < b.Minutes
		}
		return a.Initials < b.Initials
	})
	from, to := list.Slice(len(kept))
	pager := list.Pager(l, len(kept))
	f := c.frame(w, r, ad, l.T("directory.part.items"))
	f.Path = c.home0(l)
	if mine != "" {
		f.Actions = []ui.ButtonView{{Text: l.T("directory.add.item"), Href: Prefix + "/directory/item", Kind: ui.Secondary}}
	}
	v := catalogView{Tabs: c.directoryTabs(l, r, ad), Saved: r.URL.Query().Get("saved") != ""}
	by := Filter{Name: "department", Label: l.T("directory.col.department"), Options: []ui.Option{{Text: l.T("directory.all")}}}
	for _, id := range slices.Sorted(maps.Keys(departments)) {
		by.Options = append(by.Options, ui.Option{Value: id, Text: departments[id], Selected: id == department})
	}
	states := Filter{Name: "state", Label: l.T("directory.col.open"), Options: []ui.Option{{Text: l.T("directory.all")}}}
	for _, s := range []string{"open", "closed"} {
		states.Options = append(states.Options, ui.Option{Value: s, Text: l.T("directory.state." + s), Selected: s == state})
	}
	v.Bar = FilterBar{L: l, List: list, Search: l.T("directory.find_item"), Filters: []Filter{by, states}, Clear: list.Query+department+state != "", Total: l.N("directory.count", len(kept))}
	v.Table = Table{Caption: l.T("directory.part.items"), Pager: &pager, Empty: ui.EmptyView{Title: l.T("directory.none.items")}, Cols: []Col{
		list.Col(l.T("directory.col.item"), "name", false), list.Col(l.T("directory.col.code"), "code", false), {Text: l.T("directory.col.department")},
		{Text: l.T("directory.col.stages")}, list.Col(l.T("directory.col.minutes"), "minutes", true)}}
	for _, e := range kept[from:to] {
		it := e.Value
		record := directory.ItemSheet.Fields(*it, e.Open)
		v.Table.Rows = append(v.Table.Rows, Row{Cells: []Cell{
			{Text: l.Text(it.Name), Href: linkIf(c.App.MayEdit(ad, directory.ItemNoun, it.Department), address(Prefix+"/directory/item", "item", it.Code)), Tag: closedTag(l, e.Open)},
			{Text: it.Code}, {Text: departments[it.Department]}, {Text: c.shown(l, "stages", record["stages"])}, {Text: strconv.Itoa(it.Minutes)},
		}})
	}
	return web.Render(w, r, http.StatusOK, catalogPage(f, v))
}

// itemEntry is the form of an item, ?item=code, none for a new one of one's own agency.
func (c *Console) itemEntry(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, code := web.LocaleOf(r), r.URL.Query().Get("item")
	columns := slices.Clone(directory.ItemSheet.Columns[2:])
	req := app.EditRequest{Noun: directory.ItemNoun, Key: []string{code}, New: code == ""}
	if req.New {
		columns = slices.DeleteFunc(append([]string{"item"}, columns...), func(column string) bool { return column == "open" })
		req.Fields = directory.Fields{"department": ad.Account.Unit}
	}
	words := map[string][]string{"stages": {string(directory.Consultation), string(directory.Acceptance), string(directory.Collection)},
		"levels": {string(directory.CityHall), string(directory.DistrictHall), string(directory.StreetHall), string(directory.VillageHall)}}
	for _, cat := range directory.Categories() {
		words["category"] = append(words["category"], cat.ID)
	}
	words["line"] = c.everyLine()
	return c.entry(w, r, ad, entryForm{
		request: req, columns: columns, back: Prefix + "/directory", title: l.T("directory.noun.item"), words: words, note: l.T("directory.note.item"),
		taken: func(f directory.Fields) (directory.Fields, []string) {
			if !req.New {
				return f, req.Key
			}
			key := []string{f["item"]}
			delete(f, "item")
			f["department"] = ad.Account.Unit
			return f, key
		},
	}, func(f *Frame) {
		f.Path = append(c.home0(l), ui.Link{Text: l.T("directory.part.items"), Href: Prefix + "/directory"})
	})
}

// everyLine lists the lines of business of the city.
func (c *Console) everyLine() []string {
	set := map[string]bool{}
	for _, lines := range c.App.City().Lines() {
		for line := range lines {
			set[line] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// unitList is the tree of units as a list, for the system administrator.
func (c *Console) unitList(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	list := listOf(r, "code", "name")
	var kept []app.Entry[directory.Unit]
	for _, e := range c.App.City().EveryUnit() {
		if list.Query == "" || within(e.Value.Name.Hans+" "+e.Value.Name.Hant+" "+e.Value.Name.En+" "+e.Value.ID, list.Query) {
			kept = append(kept, e)
		}
	}
	sort.SliceStable(kept, func(i, j int) bool {
		a, b := kept[i].Value, kept[j].Value
		if list.Desc {
			a, b = b, a
		}
		if list.Sort == "name" {
			return l.Text(a.Name) < l.Text(b.Name)
		}
		return a.ID < b.ID
	})
	from, to := list.Slice(len(kept))
	pager := list.Pager(l, len(kept))
	f := c.frame(w, r, ad, l.T("directory.part.units"))
	f.Path = c.home0(l)
	f.Lead = l.T("directory.note.unit")
	v := catalogView{Tabs: c.directoryTabs(l, r, ad), Saved: r.URL.Query().Get("saved") != ""}
	v.Bar = FilterBar{L: l, List: list, Search: l.T("directory.find_unit"), Clear: list.Query != "", Total: l.N("directory.count", len(kept))}
	v.Table = Table{Caption: l.T("directory.part.units"), Pager: &pager, Empty: ui.EmptyView{Title: l.T("directory.none.units")},
		Cols: []Col{list.Col(l.T("directory.col.code"), "code", false), list.Col(l.T("directory.col.name"), "name", false), {Text: "English"}}}
	for _, e := range kept[from:to] {
		v.Table.Rows = append(v.Table.Rows, Row{Cells: []Cell{
			{Text: e.Value.ID, Href: address(Prefix+"/directory/unit", "unit", e.Value.ID), Tag: closedTag(l, e.Open)}, {Text: l.Text(e.Value.Name)}, {Text: e.Value.Name.En},
		}})
	}
	return web.Render(w, r, http.StatusOK, catalogPage(f, v))
}

// unitEntry is the form of a unit's names.
func (c *Console) unitEntry(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	req := app.EditRequest{Noun: directory.UnitNoun, Key: []string{r.URL.Query().Get("unit")}}
	return c.entry(w, r, ad, entryForm{
		request: req, columns: []string{"hans", "hant", "en"}, back: Prefix + "/directory/units", title: l.T("directory.noun.unit"), note: l.T("directory.note.unit"),
		taken: func(f directory.Fields) (directory.Fields, []string) { return f, req.Key },
	}, func(f *Frame) {
		f.Path = append(c.home0(l), ui.Link{Text: l.T("directory.part.units"), Href: Prefix + "/directory/units"})
	})
}
