package console

import (
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func (c *Console) editRoutes() {
	hall := Prefix + "/halls/{hall}"
	c.add(Route{Pattern: "GET " + hall + "/edit", Act: account.Supervise, Hall: "hall"}, c.hallEntries)
	c.add(Route{Pattern: "GET " + hall + "/edit/{noun}", Act: account.Configure, Hall: "hall"}, c.hallEntry)
	c.add(Route{Pattern: "POST " + hall + "/edit/{noun}", Act: account.Configure, Hall: "hall"}, c.hallEntry)
	c.add(Route{Pattern: "GET " + hall + "/poster", Act: account.Supervise, Hall: "hall"}, c.poster)
	c.catalogRoutes()
	c.fileRoutes()
}

type editView struct {
	Tabs, Parts []ui.Link
	Saved       bool
	Note        string
	Known       []Fact
	Bar         *FilterBar
	Table       Table
	Versions    []versionView
	Pager       *ui.PagerView
	Empty       ui.EmptyView
}

type versionView struct {
	Title, Who string
	Changes    []Change
}

// The parts of a hall's directory, by the word in the address.
var hallParts = []string{"facts", "queues", "counters", "offerings", "subhalls", "versions"}

// hallEntries shows one part of a hall's directory: ?show=queues.
func (c *Console) hallEntries(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, id := web.LocaleOf(r), r.PathValue("hall")
	h := c.App.City().Hall(id)
	f, pages := c.hallFrame(w, r, ad, id, l.T("directory.of", "hall", l.Text(h.Name)))
	list := listOf(r)
	show := list.Value("show", hallParts...)
	if show == "" {
		show = hallParts[0]
	}
	may := c.App.MayEdit(ad, directory.HallNoun, id)
	v := editView{Tabs: pages, Saved: r.URL.Query().Get("saved") != ""}
	for _, p := range hallParts {
		if p == "subhalls" && h.ParentHall != "" {
			continue
		}
		v.Parts = append(v.Parts, ui.Link{Text: l.T("directory.part." + p), Href: address(hallPath(id)+"/edit", "show", p), Current: p == show})
	}
	action := func(text, href string) {
		if may {
			f.Actions = append(f.Actions, ui.ButtonView{Text: text, Href: href, Kind: ui.Secondary})
		}
	}
	switch show {
	case "facts":
		action(l.T("directory.change"), entryPath(id, directory.HallNoun))
		f.Actions = append(f.Actions, ui.ButtonView{Text: l.T("poster.title"), Href: hallPath(id) + "/poster", Kind: ui.Secondary})
		record := directory.HallSheet.Fields(*h, h.Open)
		for _, column := range directory.HallSheet.Columns {
			if column == "hall" || column == "parent_hall" && record[column] == "" {
				continue
			}
			value := c.shown(l, column, record[column])
			if column == "ways" {
				value = c.shown(l, column, joinWays(h.Posted()))
			}
			v.Known = append(v.Known, Fact{Key: columnName(l, directory.HallNoun, column), Value: orDash(value)})
		}
	case "queues":
		action(l.T("directory.add.queue"), entryPath(id, directory.QueueNoun))
		v.Note = l.T("directory.queue_note")
		v.Table = c.queueEntries(l, id, may)
	case "counters":
		action(l.T("directory.add.counter"), entryPath(id, directory.CounterNoun))
		v.Table = c.counterEntries(l, id, may)
	case "offerings":
		action(l.T("directory.add.offering"), entryPath(id, directory.OfferingNoun))
		c.offeringEntries(l, id, may, &list, &v)
	case "subhalls":
		action(l.T("directory.add.subhall"), address(entryPath(id, directory.HallNoun), "new", "1"))
		v.Table = Table{Caption: l.T("directory.part.subhalls"), Cols: []Col{{Text: l.T("directory.col.name")}, {Text: l.T("directory.col.address")}, {Text: l.T("directory.col.phone")}},
			Empty: ui.EmptyView{Title: l.T("directory.none.subhalls")}}
		for _, s := range c.App.City().SubHalls(id) {
			v.Table.Rows = append(v.Table.Rows, Row{Cells: []Cell{{Text: l.Text(s.Name), Note: s.ID, Href: hallPath(s.ID) + "/edit", Tag: closedTag(l, s.Open)}, {Text: l.Text(s.Address)}, {Text: s.Phone}}})
		}
	case "versions":
		list.Size = 20
		versions, total, err := c.App.HallVersions(r.Context(), ad, id, "", (list.Page-1)*list.Size, list.Size)
		if err != nil {
			return err
		}
		for _, one := range versions {
			v.Versions = append(v.Versions, c.version(l, one))
		}
		if pager := list.Pager(l, total); total > list.Size {
			v.Pager = &pager
		}
		if total == 0 {
			v.Empty = ui.EmptyView{Title: l.T("directory.none.versions")}
		}
	}
	return web.Render(w, r, http.StatusOK, editPage(f, v))
}

func joinWays(list []directory.Way) string {
	parts := make([]string, len(list))
	for i, w := range list {
		parts[i] = string(w)
	}
	return strings.Join(parts, "|")
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func entryPath(hall string, noun directory.Noun) string {
	return hallPath(hall) + "/edit/" + string(noun)
}

func (c *Console) queueEntries(l web.Locale, hall string, may bool) Table {
	t := Table{Caption: l.T("directory.part.queues"), Cols: []Col{{Text: l.T("directory.col.name")}, {Text: l.T("directory.col.week")}, {Text: l.T("directory.col.saturday")},
		{Text: l.T("directory.col.sunday")}, {Text: l.T("directory.col.closures")}, {Text: l.T("directory.col.daily_average"), Number: true}},
		Empty: ui.EmptyView{Title: l.T("directory.none.queues")}}
	for _, q := range c.App.City().QueuesAt(hall) {
		f := directory.QueueSheet.Fields(*q, q.Open)
		t.Rows = append(t.Rows, Row{Cells: []Cell{
			{Text: l.Text(q.Name), Note: q.Line, Href: linkIf(may, address(entryPath(hall, directory.QueueNoun), "key", q.Line)), Tag: closedTag(l, q.Open)},
			{Text: c.shown(l, "hours", f["hours"])}, {Text: orDash(c.shown(l, "saturday", f["saturday"]))}, {Text: orDash(c.shown(l, "sunday", f["sunday"]))},
			{Text: orDash(c.shown(l, "closures", f["closures"]))}, {Text: strconv.Itoa(q.DailyAverage)},
		}})
	}
	return t
}

func (c *Console) counterEntries(l web.Locale, hall string, may bool) Table {
	t := Table{Caption: l.T("directory.part.counters"), Cols: []Col{{Text: l.T("directory.col.label")}, {Text: l.T("directory.col.lines")}},
		Empty: ui.EmptyView{Title: l.T("directory.none.counters"), Text: l.T("directory.none.counters_hint")}}
	for _, n := range c.App.City().CountersOf(hall) {
		var names []string
		for _, q := range n.Queues {
			if qu := c.App.City().Queue(q); qu != nil {
				names = append(names, l.Text(qu.Name))
			}
		}
		t.Rows = append(t.Rows, Row{Cells: []Cell{
			{Text: n.Label, Note: n.ID, Href: linkIf(may, address(entryPath(hall, directory.CounterNoun), "key", n.ID)), Tag: closedTag(l, n.Open)},
			{Text: orDash(strings.Join(names, "、"))},
		}})
	}
	return t
}

// offeringEntries lists what a hall offers: sought, sorted and paged by the server.
func (c *Console) offeringEntries(l web.Locale, hall string, may bool, list *List, v *editView) {
	*list = list.sorted("name", "queue", "batch")
	all := c.App.City().EveryOffering(hall)
	name := func(o *directory.Offering) string {
		if it := c.App.City().Item(o.ItemCode); it != nil {
			return l.Text(it.Name)
		}
		return o.ItemCode
	}
	kept := slices.DeleteFunc(all, func(e app.Entry[directory.Offering]) bool {
		return list.Query != "" && !within(name(e.Value)+" "+e.Value.ItemCode, list.Query)
	})
	sort.SliceStable(kept, func(i, j int) bool {
		a, b := kept[i].Value, kept[j].Value
		if list.Desc {
			a, b = b, a
		}
		switch list.Sort {
		case "queue":
			return a.QueueID < b.QueueID
		case "batch":
			return a.BatchMax < b.BatchMax
		}
		return name(a) < name(b)
	})
	from, to := list.Slice(len(kept))
	pager := list.Pager(l, len(kept))
	v.Bar = &FilterBar{L: l, List: *list, Search: l.T("directory.find_item"), Clear: list.Query != "", Total: l.N("directory.count", len(kept))}
	v.Table = Table{Caption: l.T("directory.part.offerings"), Pager: &pager, Empty: ui.EmptyView{Title: l.T("directory.none.offerings")}, Cols: []Col{
		list.Col(l.T("directory.col.item"), "name", false), list.Col(l.T("directory.col.queue"), "queue", false), {Text: l.T("directory.col.stages")}, list.Col(l.T("directory.col.batch_max"), "batch", true)}}
	for _, e := range kept[from:to] {
		o := e.Value
		queue := o.QueueID
		if q := c.App.City().Queue(queue); q != nil {
			queue = l.Text(q.Name)
		}
		f := directory.OfferingSheet.Fields(*o, e.Open)
		v.Table.Rows = append(v.Table.Rows, Row{Cells: []Cell{
			{Text: name(o), Note: o.ItemCode, Href: linkIf(may, address(entryPath(hall, directory.OfferingNoun), "key", f["line"]+" "+o.ItemCode)), Tag: closedTag(l, e.Open)},
			{Text: queue}, {Text: c.shown(l, "stages", f["stages"])}, {Text: strconv.Itoa(o.BatchMax)},
		}})
	}
}

// sorted is the list with the columns it may be sorted by.
func (l List) sorted(sorts ...string) List {
	want, desc := strings.CutPrefix(l.query.Get("sort"), "-")
	l.Sort, l.Desc = sorts[0], false
	if slices.Contains(sorts, want) {
		l.Sort, l.Desc = want, desc
	}
	return l
}

func linkIf(may bool, href string) string {
	if may {
		return href
	}
	return ""
}

// version tells of one version: what, who, when, and what changed.
func (c *Console) version(l web.Locale, v app.Version) versionView {
	who := l.T("directory.by_import")
	if v.Account != "" {
		who = v.Account + " · " + l.T("rank."+string(v.Rank))
	}
	out := versionView{Title: l.T("directory.noun."+string(v.Noun)) + " " + c.entryName(l, v.Noun, v.After), Who: l.When(v.At) + " · " + who + " · " + l.T("directory.version", "n", strconv.Itoa(v.Version))}
	out.Changes = c.changes(l, v.Noun, v.Before, v.After)
	return out
}

func (c *Console) changes(l web.Locale, noun directory.Noun, before, after directory.Fields) []Change {
	var out []Change
	for _, column := range directory.Differs(before, after) {
		if before == nil && after[column] == "" {
			continue
		}
		out = append(out, Change{Name: columnName(l, noun, column), Before: c.shown(l, column, before[column]), After: c.shown(l, column, after[column])})
	}
	return out
}

// entryName is what people call an entry.
func (c *Console) entryName(l web.Locale, noun directory.Noun, f directory.Fields) string {
	name := l.Text(directory.Text{Hans: f["hans"], Hant: f["hant"], En: f["en"]})
	switch noun {
	case directory.CounterNoun:
		name = f["label"]
	case directory.OfferingNoun:
		if name = f["item"]; c.App.City().Item(name) != nil {
			name = l.Text(c.App.City().Item(name).Name)
		}
	}
	return "「" + name + "」"
}

type entryView struct {
	Form     formView
	Version  int
	Note     string
	Closing  ui.Link
	Groups   []entryGroup
	Back     string
	Versions []versionView
}

// hallEntry is the form of one entry of a hall, and takes it: ?key=…, none for a new one.
func (c *Console) hallEntry(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, id, noun := web.LocaleOf(r), r.PathValue("hall"), directory.Noun(r.PathValue("noun"))
	q := r.URL.Query()
	req := app.EditRequest{Noun: noun, Key: []string{id}}
	show, isNew := "", false
	var columns []string
	switch noun {
	case directory.HallNoun:
		show, isNew, columns = "facts", q.Get("new") != "", directory.HallSheet.Columns[2:]
		if isNew {
			show, req.Key = "subhalls", []string{c.App.NextSubHall(id)}
		}
	case directory.QueueNoun:
		show, isNew, columns = "queues", q.Get("key") == "", directory.QueueSheet.Columns[2:]
		req.Key = append(req.Key, q.Get("key"))
	case directory.CounterNoun:
		show, isNew, columns = "counters", q.Get("key") == "", directory.CounterSheet.Columns[2:]
		req.Key = append(req.Key, q.Get("key"))
	case directory.OfferingNoun:
		show, isNew, columns = "offerings", q.Get("key") == "", directory.OfferingSheet.Columns[3:]
		line, item, _ := strings.Cut(q.Get("key"), " ")
		req.Key = append(req.Key, line, item)
	default:
		return fault.New(fault.NoSuchPage)
	}
	back := address(hallPath(id)+"/edit", "show", show)
	if isNew { // the key is asked for too
		columns = slices.Concat(map[directory.Noun][]string{directory.QueueNoun: {"line"}, directory.CounterNoun: {"counter"}, directory.OfferingNoun: {"line", "item"}}[noun], columns)
		columns = slices.DeleteFunc(columns, func(column string) bool { return column == "open" })
	}
	req.New = isNew
	return c.entry(w, r, ad, entryForm{
		request: req, columns: columns, back: back,
		title: l.T("directory.noun." + string(noun)), words: c.hallWords(id, noun),
		note: l.T("directory.note." + string(noun)),
		taken: func(f directory.Fields) (directory.Fields, []string) {
			switch {
			case !isNew:
				return f, req.Key
			case noun == directory.HallNoun:
				f["parent_hall"] = id
				return f, req.Key
			}
			key := []string{id}
			for _, column := range []string{"line", "counter", "item"} {
				if v, asked := f[column]; asked {
					key = append(key, v)
					delete(f, column)
				}
			}
			return f, key
		},
	}, func(f *Frame) { *f, _ = c.hallFrame(w, r, ad, id, f.Title) })
}

// hallWords lists the words of the choices at a hall.
func (c *Console) hallWords(hall string, noun directory.Noun) map[string][]string {
	words := map[string][]string{"ways": {}, "stages": {string(directory.Consultation), string(directory.Acceptance), string(directory.Collection)}}
	for _, w := range directory.EveryWay {
		words["ways"] = append(words["ways"], string(w))
	}
	for _, q := range c.App.City().QueuesAt(hall) {
		words["lines"] = append(words["lines"], q.Line)
	}
	switch noun {
	case directory.QueueNoun:
		words["line"] = slices.DeleteFunc(c.everyLine(), func(line string) bool { return slices.Contains(words["lines"], line) })
	case directory.OfferingNoun:
		words["line"] = words["lines"]
		for _, it := range c.App.City().Items() {
			words["item"] = append(words["item"], it.Code)
		}
	}
	return words
}

// entryForm is what the forms of all entries have in common.
type entryForm struct {
	request app.EditRequest
	columns []string
	back    string
	title   string
	note    string
	words   map[string][]string
	taken   func(directory.Fields) (directory.Fields, []string) // what the form said: fields and key
}

// entry shows a form, or takes it. What is wrong stands beside its field; what somebody else changed
// meanwhile is said, and what was typed stays.
func (c *Console) entry(w http.ResponseWriter, r *http.Request, ad *app.Admin, form entryForm, frame func(*Frame)) error {
	l, req := web.LocaleOf(r), form.request
	var stored directory.Fields
	var version int
	var err error
	if !req.New {
		if stored, version, err = c.App.EntryVersion(r.Context(), ad, req.Noun, req.Key...); err != nil {
			return err
		}
	}
	fields, status := stored, http.StatusOK
	var refused error
	if r.Method == http.MethodPost {
		typed := filled(r, form.columns...)
		fields = directory.Fields{}
		for k, v := range stored {
			fields[k] = v
		}
		for k, v := range typed {
			fields[k] = v
		}
		req.Version, _ = strconv.Atoi(r.PostForm.Get("version"))
		req.Fields, req.Key = form.taken(typed)
		if refused = c.App.Edit(r.Context(), ad, req); refused == nil {
			return web.SeeOther(w, r, withSaved(form.back))
		}
		switch e := fault.As(refused); e.Kind {
		case fault.Invalid, fault.Conflict:
			status = web.Status(e)
		default:
			return refused
		}
	}
	f := c.frame(w, r, ad, form.title)
	frame(&f)
	f.Narrow = true
	v := entryView{Version: version, Back: form.back, Note: form.note}
	v.Form = c.formView(&f, r.URL.RequestURI(), refused, labels(l, req.Noun, form.columns))
	if fault.CodeOf(refused) == fault.PeopleBooked && len(form.request.Key) > 0 {
		v.Closing = ui.Link{Text: l.T("directory.to_request"), Href: address(Prefix+"/requests/new", "hall", form.request.Key[0], "kind", "close")}
	}
	for _, e := range c.fields(v.Form, req.Noun, fields, form.words, form.columns...) {
		group := ""
		if i := strings.IndexByte(e.ID, '_'); i > 0 && strings.HasSuffix(e.ID, "_hans") {
			group = l.T("directory.col." + e.ID[:i])
		}
		if len(v.Groups) == 0 || group != "" || !inGroup(v.Groups[len(v.Groups)-1], e.ID) {
			v.Groups = append(v.Groups, entryGroup{Title: group})
		}
		last := &v.Groups[len(v.Groups)-1]
		last.Fields = append(last.Fields, e)
	}
	return web.Render(w, r, status, entryPage(f, v))
}

// inGroup tells whether a column belongs under the heading of the group before it: the languages of a
// text stand together.
func inGroup(g entryGroup, column string) bool {
	translated := strings.HasSuffix(column, "_hant") || strings.HasSuffix(column, "_en")
	return translated || g.Title == ""
}

func withSaved(href string) string {
	if strings.Contains(href, "?") {
		return href + "&saved=1"
	}
	return href + "?saved=1"
}
