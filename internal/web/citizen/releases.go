package citizen

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/rulebook"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const releasesPath = "/releases"

// releaseHalls is how many halls a page shows, changesShown how many changes.
const (
	releaseHalls = 10
	changesShown = 20
)

type releasesView struct {
	L       web.Locale
	Rule    []string
	Next    string
	Query   string
	Filter  ui.ChoiceView
	Count   string
	Halls   []releaseHall
	Pager   *ui.PagerView
	Changes []changeView
	Older   string
	Edits   []editView
	Earlier string
	Of      string // the hall whose changes are shown, "" for all
}

type releaseHall struct {
	Name, Href, Place, Changes string
	Rows                       []releaseRow
}

type releaseRow struct{ When, Queue, Date, Numbers, Left string }

type changeView struct {
	Hall, HallHref, Queue, Kind string
	Effect                      []string
	From, Decided, Why          string
}

type editView struct {
	Place, PlaceHref, Unit, What string
	Effect                       []string
	When, Why                    string
}

// releases shows by which rule numbers are released, what is released today and next, and every change of it by hand.
func (p *Pages) releases(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	s := p.shell(w, r, p.visitor(r), "", r.URL.RequestURI())
	l, city := s.L, p.app.City()
	s.Title, s.Back, s.Wide = l.T("releases.title"), back(l, "/"), true
	today, now := p.today()
	rules := p.app.Rules(today)
	v := releasesView{L: l, Rule: releaseRule(l, rules), Query: strings.TrimSpace(q.Get("q"))}
	if len(v.Query) > 60 {
		v.Query = strings.ToValidUTF8(v.Query[:60], "")
	}
	if at, dates := p.app.NextRelease(); len(dates) > 0 {
		names := make([]string, len(dates))
		for i, d := range dates {
			names[i] = l.Date(d)
		}
		v.Next = l.T("releases.next", "at", l.Near(at, now), "dates", strings.Join(names, l.T("releases.and")))
	}
	var districts []ui.Option
	for _, u := range city.Districts() {
		districts = append(districts, ui.Option{Value: u.ID, Text: l.Text(u.Name)})
	}
	district := known(districts, q.Get("district"))
	v.Filter = ui.ChoiceView{FieldView: ui.FieldView{ID: "district", Label: l.T("citizen.filter.district")}, Options: []ui.Option{{Text: l.T("citizen.filter.city")}}}
	for _, o := range districts {
		o.Selected = o.Value == district
		v.Filter.Options = append(v.Filter.Options, o)
	}
	page, err := strconv.Atoi(q.Get("page"))
	if err != nil || page < 1 || page > 10_000 {
		page = 1
	}
	halls, total := p.app.Releases(app.ReleaseQuery{Text: v.Query, District: district, Offset: (page - 1) * releaseHalls, Limit: releaseHalls})
	v.Count = l.N("releases.count", total)
	for _, h := range halls {
		v.Halls = append(v.Halls, releaseHallOf(l, p.place(l, h.Hall, -1), h, now))
	}
	if total > releaseHalls {
		at := func(n int) string {
			if n < 1 || (n-1)*releaseHalls >= total {
				return ""
			}
			return address(releasesPath, "q", v.Query, "district", district, "page", strconv.Itoa(n)) + "#halls"
		}
		v.Pager = &ui.PagerView{L: l, Previous: at(page - 1), Next: at(page + 1),
			State: l.T("pager.state", "n", strconv.Itoa(page), "total", strconv.Itoa((total+releaseHalls-1)/releaseHalls))}
	}
	if err := p.changesOf(r, l, &v); err != nil {
		return err
	}
	if err := p.editsOf(r, l, &v); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, releasesPage(s, v))
}

func (p *Pages) changesOf(r *http.Request, l web.Locale, v *releasesView) error {
	q := r.URL.Query()
	before, err := strconv.ParseInt(q.Get("before"), 10, 64)
	if err != nil || before < 0 {
		before = 0
	}
	hall := p.app.City().Hall(q.Get("hall"))
	id := ""
	if hall != nil {
		id, v.Of = hall.ID, l.Text(hall.Name)
	}
	list, err := p.app.NumberChanges(r.Context(), id, before, changesShown)
	if err != nil {
		return err
	}
	for _, n := range list {
		v.Changes = append(v.Changes, changeOf(l, n))
	}
	if len(list) == changesShown {
		v.Older = address(releasesPath, "hall", id, "before", strconv.FormatInt(list[len(list)-1].Seq, 10)) + "#changes"
	}
	return nil
}

// releaseRule says the rule in words, each sentence from a number of the rulebook (Art. 14, 15).
func releaseRule(l web.Locale, r rulebook.Rulebook) []string {
	clock := func(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }
	window := "releases.rule.window_all"
	if r.WindowCounts == rulebook.SkipStatutory {
		window = "releases.rule.window"
	}
	return []string{
		l.T(window, "time", clock(r.ReleaseAt), "days", strconv.Itoa(r.WindowDays)),
		l.T("releases.rule.split", "days", strconv.Itoa(r.CapacityDays)),
		l.T("releases.rule.on_site", "share", strconv.Itoa(r.OnSitePerMille/10), "time", clock(r.OnSiteReleaseAt)),
		l.T("releases.rule.line"),
		l.T("releases.rule.change", "days", strconv.Itoa(r.RequestNoticeDays)),
	}
}

func releaseHallOf(l web.Locale, place string, h app.HallReleases, now time.Time) releaseHall {
	v := releaseHall{Name: l.Text(h.Hall.Name), Href: "/hall/" + h.Hall.ID, Place: place, Changes: address(releasesPath, "hall", h.Hall.ID) + "#changes"}
	for _, one := range h.Releases {
		row := releaseRow{When: l.Near(one.At, now), Queue: l.Text(one.Queue.Name), Date: l.Date(one.Date), Numbers: strconv.Itoa(one.Numbers)}
		if one.Done {
			row.Left = l.T("releases.left", "n", strconv.Itoa(one.Left))
		} else {
			row.Left = l.T("releases.to_come")
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// changeOf says one change: what it was and what it became, not who asked for it or decided.
func changeOf(l web.Locale, n app.NumberChange) changeView {
	v := changeView{
		Hall: l.Text(n.Hall.Name), HallHref: "/hall/" + n.Hall.ID, Queue: l.Text(n.Queue.Name), Kind: l.T("releases.kind." + string(n.Change.Kind)),
		From: l.LongDate(n.Change.From), Decided: l.LongDate(calendar.DateOf(n.DecidedAt)), Why: l.T("releases.why." + n.Reason()),
	}
	if n.DecidedAt.IsZero() {
		v.Decided = l.LongDate(calendar.DateOf(n.FiledAt))
	}
	switch {
	case n.Change.To != 0 && n.Change.To != n.Change.From:
		v.From = l.T("releases.span", "from", v.From, "to", l.LongDate(n.Change.To))
	case n.Change.To == 0:
		v.From = l.T("releases.onwards", "from", v.From)
	}
	b, a := n.Told.Before, n.Told.After
	line := func(key, was, is string) {
		if was != is {
			v.Effect = append(v.Effect, l.T("releases.effect."+key, "date", l.Date(n.Told.Date), "was", was, "is", is))
		}
	}
	line("off_site", strconv.Itoa(b.OffSite), strconv.Itoa(a.OffSite))
	line("on_site", strconv.Itoa(b.OnSite), strconv.Itoa(a.OnSite))
	line("hours", hoursText(l, b.Hours), hoursText(l, a.Hours))
	line("window", strconv.Itoa(b.Window), strconv.Itoa(a.Window))
	if len(v.Effect) == 0 {
		v.Effect = []string{l.T("releases.effect.none")}
	}
	return v
}

func hoursText(l web.Locale, h calendar.Hours) string {
	if h == 0 {
		return l.T("releases.shut")
	}
	return directory.Spans(h)
}

// editsOf lists the edits of the directory beside the changes that were approved.
func (p *Pages) editsOf(r *http.Request, l web.Locale, v *releasesView) error {
	q := r.URL.Query()
	at, err := app.ParseEditPlace(q.Get("edits"))
	if err != nil || len(q.Get("edits")) > 200 {
		at = app.EditPlace{}
	}
	id := ""
	if h := p.app.City().Hall(q.Get("hall")); h != nil {
		id = h.ID
	}
	list, next, err := p.app.DirectoryEdits(r.Context(), id, at, changesShown)
	if err != nil {
		return err
	}
	for _, e := range list {
		v.Edits = append(v.Edits, editOf(l, e))
	}
	if next != nil {
		v.Earlier = address(releasesPath, "hall", id, "edits", next.String()) + "#edits"
	}
	return nil
}

// editOf says one edit: what it was and what it became, not who made it.
func editOf(l web.Locale, e app.DirectoryEdit) editView {
	v := editView{What: l.T("releases.edit." + string(e.Noun)), When: l.When(e.At), Why: l.T("releases.why." + e.Reason())}
	name := l.Text(e.Name)
	if e.Added {
		v.What = l.T("releases.edit.new_" + string(e.Noun))
	}
	switch {
	case e.Hall == nil:
		v.Place, v.PlaceHref = name, "/item/"+e.Key
		if v.Place == "" {
			v.Place = e.Key
		}
	default:
		v.Place, v.PlaceHref = l.Text(e.Hall.Name), "/hall/"+e.Hall.ID
		switch {
		case e.Noun == directory.OfferingNoun && e.Queue != nil:
			v.Unit = l.T("releases.edit.of", "item", name, "queue", l.Text(e.Queue.Name))
		case e.Noun == directory.QueueNoun:
			v.Unit = name
		}
	}
	if v.Unit == "" && e.Unit != nil {
		v.Unit = l.Text(e.Unit.Name)
	}
	for _, f := range e.Fields {
		was, is := fieldText(l, f.Column, f.Was), fieldText(l, f.Column, f.Is)
		if e.Added {
			v.Effect = append(v.Effect, l.T("releases.edit.set", "field", l.T("releases.field."+f.Column), "is", is))
			continue
		}
		v.Effect = append(v.Effect, l.T("releases.edit.field", "field", l.T("releases.field."+f.Column), "was", was, "is", is))
	}
	return v
}

// fieldText says a value of a column of the directory in words.
func fieldText(l web.Locale, column, value string) string {
	switch {
	case column == "hours" || column == "saturday" || column == "sunday":
		if value == "" {
			return l.T("releases.shut")
		}
		return strings.NewReplacer("-", "–", "|", " ").Replace(value)
	case value == "":
		return l.T("releases.nothing")
	case column == "open":
		return l.T("releases.value_open." + value)
	case column == "draw":
		return l.T("releases.value." + value)
	case column == "stages":
		parts := strings.Split(value, "|")
		for i, s := range parts {
			parts[i] = l.T("stage." + s)
		}
		return strings.Join(parts, l.T("releases.and"))
	case column == "closures":
		parts := strings.Split(value, "|")
		for i, s := range parts {
			parts[i] = closureText(l, s)
		}
		return strings.Join(parts, l.T("releases.and"))
	case column == "on_site_per_mille":
		return value + "‰"
	}
	return value
}

// closureText says a recurring closed half-day ("nth_working_day 1 morning") in words.
func closureText(l web.Locale, s string) string {
	words := strings.Fields(s)
	if len(words) != 3 || !l.Has("releases.closure."+words[0]) || !l.Has("request.half."+words[2]) {
		return s
	}
	return l.T("releases.closure."+words[0], "n", words[1], "half", l.T("request.half."+words[2]))
}
