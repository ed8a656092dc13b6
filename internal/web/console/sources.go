package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/feed"
	"suiyue/internal/domain/oversight"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const sourcesPath = Prefix + "/sources"

func (c *Console) sourceRoutes() {
	c.add(Route{Pattern: "GET " + sourcesPath, Act: account.Supervise}, c.sources)
	c.fileRoutesOf(Route{Act: account.Export}, sourcesPath, c.sourceFile)
	c.add(Route{Pattern: "GET " + sourcesPath + "/new", Act: account.Manage}, c.newSource)
	c.add(Route{Pattern: "POST " + sourcesPath + "/new", Act: account.Manage}, c.connectSource)
	c.add(Route{Pattern: "GET " + sourcesPath + "/{id}", Act: account.Supervise}, c.source)
	c.add(Route{Pattern: "POST " + sourcesPath + "/{id}", Act: account.Manage}, c.changeSource)
	c.add(Route{Pattern: "POST " + sourcesPath + "/{id}/end", Act: account.Manage}, c.endSource)
}

func sourcePath(id string) string { return sourcesPath + "/" + id }

// inPercent says part of whole in percent with one decimal, "–" of nothing.
func inPercent(part, whole int64) string {
	if whole <= 0 {
		return "–"
	}
	return strconv.FormatFloat(float64(part)*100/float64(whole), 'f', 1, 64) + " %"
}

func freshTag(l web.Locale, v app.SourceView, now time.Time) (cell Cell) {
	switch {
	case v.Ended != 0:
		return Cell{Tag: ui.Tag{Text: l.T("source.ended")}, Note: l.Date(v.Ended)}
	case !v.Silent.IsZero():
		return Cell{Tag: ui.Tag{Text: l.T("source.silent"), Kind: ui.TagRed}, Note: l.T("source.silent_since", "at", l.Near(v.Silent, now))}
	case v.Last.IsZero():
		return Cell{Tag: ui.Tag{Text: l.T("source.never"), Kind: ui.TagAmber}}
	}
	return Cell{Tag: ui.Tag{Text: l.T("source.fresh"), Kind: ui.TagGreen}, Note: l.Near(v.Last, now)}
}

// qualityCells are timeliness, completeness and accuracy of what was sent.
func qualityCells(d oversight.SourceDay) []Cell {
	n := func(v int64) string { return count(int(v)) }
	return []Cell{
		{Text: inPercent(d.InTime, d.Expected), Note: n(d.InTime) + " / " + n(d.Expected)},
		{Text: inPercent(d.Received, d.Expected), Note: n(d.Received) + " / " + n(d.Expected)},
		{Text: inPercent(d.Agreed, d.Checked), Note: n(d.Agreed) + " / " + n(d.Checked)},
	}
}

func qualityCols(l web.Locale, first ...string) (cols []Col) {
	for _, key := range first {
		cols = append(cols, Col{Text: l.T(key)})
	}
	for _, key := range []string{"source.timeliness", "source.completeness", "source.accuracy"} {
		cols = append(cols, Col{Text: l.T(key), Number: true})
	}
	return cols
}

type sourcesView struct {
	Table   Table
	How     string
	Clashes *Table // nil for none
	Lead    string // of the clashes
}

// clashes lists who is booked in two systems at once, as either side sees it; nil for nobody.
func (c *Console) clashes(l web.Locale, r *http.Request, ad *app.Admin) (*Table, error) {
	list, err := c.App.FeedConflicts(r.Context(), ad)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	t := &Table{Caption: l.T("source.clash.title"), Shown: true}
	for _, key := range []string{"source.clash.item", "source.clash.sent", "source.clash.other", "source.clash.found"} {
		t.Cols = append(t.Cols, Col{Text: l.T(key)})
	}
	now := c.App.Now()
	for _, k := range list {
		item, other := k.Item, k.OtherName
		if it := c.App.City().Item(k.Item); it != nil {
			item = l.Text(it.Name)
		}
		if other == "" {
			other = l.T("source.clash.here")
		}
		t.Rows = append(t.Rows, Row{Cells: []Cell{
			{Text: item, Note: l.Date(k.Date)}, {Text: k.SourceName + " · " + k.Row, Note: c.hallName(l, k.HallID)}, {Text: other, Note: c.hallName(l, k.OtherHall)}, {Text: l.Near(k.Found, now)},
		}})
	}
	return t, nil
}

// sources lists the systems connected to the platform, each with the quality of its data by kind of record (Art. 21).
func (c *Console) sources(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l := web.LocaleOf(r)
	list, err := c.App.Sources(r.Context(), ad)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("source.title"))
	f.Path, f.Lead = c.home0(l), l.N("source.lead", app.SourceDays)
	if len(c.App.UnitsHeaded(ad, false)) > 0 && c.may(ad, account.Manage) {
		f.Actions = []ui.ButtonView{{Text: l.T("source.new"), Href: sourcesPath + "/new"}}
	}
	c.fileActions(&f, r, ad, listOf(r))
	t := Table{Caption: l.T("source.title"), Cols: qualityCols(l, "source.name", "source.unit", "source.kind"), Empty: ui.EmptyView{Title: l.T("source.none"), Text: l.T("source.none_hint")}}
	t.Cols = append(t.Cols, Col{Text: l.T("source.last")})
	now := c.App.Now()
	for _, s := range list {
		fresh := freshTag(l, s, now)
		for i, k := range s.Kinds {
			row := Row{Cells: append([]Cell{{Text: s.Name, Href: sourcePath(s.ID), Note: s.ID}, {Text: c.unitName(l, s.Seat.Unit)}, {Text: l.T("source.kind." + string(k.Kind))}}, qualityCells(k.Sum)...), Urgent: !s.Silent.IsZero()}
			if i > 0 {
				row.Cells[0].Note, row.Cells[1] = "", Cell{}
			}
			last := Cell{}
			if i == 0 {
				last = fresh
			}
			row.Cells = append(row.Cells, last)
			t.Rows = append(t.Rows, row)
		}
	}
	v := sourcesView{Table: t, How: l.T("source.how"), Lead: l.T("source.clash.lead")}
	if v.Clashes, err = c.clashes(l, r, ad); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, sourcesPage(f, v))
}

type sourceView struct {
	formView
	Known   []Fact
	Notice  *ui.NoticeView
	Kinds   Table
	Days    Table
	Hooks   *Table      // addresses its events are posted to; nil for none
	Form    *sourceForm // nil for who may not change it
	End     *Confirm
	Version string
}

type sourceForm struct {
	formView
	Units   ui.ChoiceView // of a new one
	Name    ui.InputView
	Kinds   ui.ChoiceView
	Delay   ui.InputView
	Silence ui.InputView
	Halls   ui.ChoiceView
	Version string
	Button  string
}

func sourceLabels(l web.Locale) map[string]string {
	return map[string]string{"unit": l.T("source.unit"), "name": l.T("source.name"), "kinds": l.T("source.kinds"), "delay": l.T("source.delay"), "silence": l.T("source.silence"), "halls": l.T("source.halls")}
}

// sourceForm is the form of a connected system; s is what stands in it, delay and silence in minutes as typed.
func (c *Console) sourceForm(fv formView, s oversight.Source, delay, silence string) *sourceForm {
	l := fv.L
	v := &sourceForm{formView: fv, Version: strconv.Itoa(s.Version), Button: l.T("form.save")}
	v.Name = ui.InputView{FieldView: fv.field("name", l.T("source.name_hint")), Value: s.Name, Attrs: map[string]any{"maxlength": "60"}}
	v.Kinds = ui.ChoiceView{FieldView: fv.field("kinds", "")}
	for _, k := range oversight.RecordKinds {
		v.Kinds.Options = append(v.Kinds.Options, ui.Option{Value: string(k), Text: l.T("source.kind." + string(k)), Hint: l.T("source.kind_hint." + string(k)), Selected: slices.Contains(s.Kinds, k)})
	}
	v.Delay = ui.InputView{FieldView: fv.field("delay", l.T("source.delay_hint")), Value: delay, InputMode: "numeric", Width: 5}
	v.Silence = ui.InputView{FieldView: fv.field("silence", l.T("source.silence_hint")), Value: silence, InputMode: "numeric", Width: 5}
	v.Halls = ui.ChoiceView{FieldView: fv.field("halls", l.T("source.halls_hint"))}
	if s.Seat.Unit != "" {
		for _, h := range c.App.City().HallsOf(s.Seat.Unit) {
			v.Halls.Options = append(v.Halls.Options, ui.Option{Value: h.ID, Text: l.Text(h.Name), Selected: slices.Contains(s.Halls, h.ID)})
		}
	}
	return v
}

// readSource reads the form; what is no number of minutes comes back as none.
func readSource(r *http.Request) (s oversight.Source, delay, silence string) {
	p := r.PostForm
	s.Name, s.Halls = p.Get("name"), p["halls"]
	for _, k := range p["kinds"] {
		s.Kinds = append(s.Kinds, oversight.RecordKind(k))
	}
	minutes := func(text string) time.Duration {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 100_000 {
			return 0
		}
		return time.Duration(n) * time.Minute
	}
	delay, silence = p.Get("delay"), p.Get("silence")
	s.Delay, s.Silence = minutes(delay), minutes(silence)
	return s, delay, silence
}

func (c *Console) newSource(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	s := oversight.Source{Kinds: oversight.RecordKinds}
	s.Seat.Unit = r.URL.Query().Get("unit")
	return c.showNewSource(w, r, ad, s, "15", "120", nil)
}

func (c *Console) showNewSource(w http.ResponseWriter, r *http.Request, ad *app.Admin, s oversight.Source, delay, silence string, err error) error {
	l := web.LocaleOf(r)
	units := c.App.UnitsHeaded(ad, false)
	if len(units) == 0 {
		return fault.New(fault.NotAllowed)
	}
	f := c.frame(w, r, ad, l.T("source.new"))
	f.Path, f.Lead, f.Narrow = append(c.home0(l), ui.Link{Text: l.T("source.title"), Href: sourcesPath}), l.T("source.new_lead"), true
	fv := c.formView(&f, sourcesPath+"/new", err, sourceLabels(l))
	if s.Seat.Unit == "" || !slices.ContainsFunc(units, func(u *directory.Unit) bool { return u.ID == s.Seat.Unit }) {
		s.Seat.Unit = ""
		if len(units) == 1 {
			s.Seat.Unit = units[0].ID
		}
	}
	v := c.sourceForm(fv, s, delay, silence)
	v.Button = l.T("source.new_do")
	v.Units = ui.ChoiceView{FieldView: fv.field("unit", l.T("source.unit_hint")), Options: c.unitOptions(l, units, s.Seat.Unit)}
	if len(units) > 1 {
		v.Units.Options = append([]ui.Option{{Text: l.T("letter.choose")}}, v.Units.Options...)
	}
	return web.Render(w, r, fv.status(), newSourcePage(f, v))
}

// unitOptions lists units to choose from, each with where it is.
func (c *Console) unitOptions(l web.Locale, units []*directory.Unit, chosen string) (out []ui.Option) {
	for _, u := range units {
		text := l.Text(u.Name)
		if up := c.App.City().Unit(u.ParentID); up != nil && up.ParentID != "" {
			text = l.Text(up.Name) + " · " + text
		}
		out = append(out, ui.Option{Value: u.ID, Text: text, Selected: u.ID == chosen})
	}
	return out
}

func (c *Console) connectSource(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	s, delay, silence := readSource(r)
	id, err := c.App.ConnectSource(r.Context(), ad, r.PostForm.Get("unit"), s)
	switch {
	case err == nil:
		return web.SeeOther(w, r, address(sourcePath(id), "did", "connected"))
	case comesBack(err):
		s.Seat.Unit = r.PostForm.Get("unit")
		return c.showNewSource(w, r, ad, s, delay, silence, err)
	}
	return err
}

func (c *Console) source(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showSource(w, r, ad, nil)
}

func (c *Console) showSource(w http.ResponseWriter, r *http.Request, ad *app.Admin, problem error) error {
	l, id := web.LocaleOf(r), r.PathValue("id")
	now := c.App.Now()
	today := calendar.DateOf(now)
	s, days, err := c.App.Source(r.Context(), ad, id, today-app.SourceDays, today-1)
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, s.Name)
	f.Path = append(c.home0(l), ui.Link{Text: l.T("source.title"), Href: sourcesPath})
	v := sourceView{formView: c.formView(&f, sourcePath(id), problem, sourceLabels(l)), Version: strconv.Itoa(s.Version)}
	fresh := freshTag(l, s, now)
	halls := l.N("source.all_halls", len(s.Halls))
	if len(s.Source.Halls) > 0 {
		names := make([]string, len(s.Halls))
		for i, h := range s.Halls {
			names[i] = l.Text(h.Name)
		}
		halls = strings.Join(names, " · ")
	}
	v.Known = []Fact{
		{Key: l.T("source.last"), Part: ui.TagMark(fresh.Tag), Note: fresh.Note},
		{Key: l.T("source.unit"), Value: c.unitName(l, s.Seat.Unit), Note: s.ID},
		{Key: l.T("source.halls"), Value: halls},
		{Key: l.T("source.delay"), Value: l.N("source.minutes", int(s.Delay/time.Minute))},
		{Key: l.T("source.silence"), Value: l.N("source.minutes", int(s.Silence/time.Minute))},
		{Key: l.T("source.since"), Value: l.LongDate(s.Since)},
	}
	v.Kinds = Table{Caption: l.N("source.by_kind", app.SourceDays), Shown: true, Cols: qualityCols(l, "source.kind")}
	for _, k := range s.Kinds {
		v.Kinds.Rows = append(v.Kinds.Rows, Row{Cells: append([]Cell{{Text: l.T("source.kind." + string(k.Kind))}}, qualityCells(k.Sum)...)})
	}
	v.Days = Table{Caption: l.T("source.by_day"), Shown: true, Cols: qualityCols(l, "source.day", "source.kind"), Empty: ui.EmptyView{Title: l.T("source.no_days"), Text: l.T("source.no_days_hint")}}
	for _, d := range slices.Backward(days) {
		v.Days.Rows = append(v.Days.Rows, Row{Cells: append([]Cell{{Text: l.Date(d.Date)}, {Text: l.T("source.kind." + string(d.Kind))}}, qualityCells(d)...)})
	}
	hooks, err := c.App.SourceWebhooks(r.Context(), s.Source)
	if err != nil {
		return err
	}
	if hooks = slices.DeleteFunc(hooks, func(w app.WebhookInfo) bool { return w.State() == feed.WebhookEnded }); len(hooks) > 0 {
		t := c.webhookTable(l, hooks, func(string) string { return "" })
		v.Hooks = &t
	}
	if s.Heads && s.Ended == 0 && c.may(ad, account.Manage) {
		minutes := func(d time.Duration) string { return strconv.Itoa(int(d / time.Minute)) }
		shown, delay, silence := s.Source, minutes(s.Delay), minutes(s.Silence)
		if problem != nil {
			typed, d, q := readSource(r)
			shown.Name, shown.Kinds, shown.Halls, delay, silence = typed.Name, typed.Kinds, typed.Halls, d, q
		}
		v.Form = c.sourceForm(v.formView, shown, delay, silence)
		v.End = &Confirm{L: l, Action: sourcePath(id) + "/end", Token: f.Token, Text: l.T("source.end_text"), Yes: l.T("source.end"), Danger: true, Hidden: [][2]string{{"version", v.Version}}}
	}
	switch did := r.URL.Query().Get("did"); did {
	case "connected", "changed", "ended":
		v.Notice = &ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("source.did." + did), Live: true}
	}
	return web.Render(w, r, v.status(), sourcePage(f, v))
}

func (c *Console) changeSource(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	s, _, _ := readSource(r)
	return c.afterSource(w, r, ad, "changed", c.App.ChangeSource(r.Context(), ad, r.PathValue("id"), versionOf(r), s))
}

func (c *Console) endSource(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.afterSource(w, r, ad, "ended", c.App.EndSource(r.Context(), ad, r.PathValue("id"), versionOf(r)))
}

func (c *Console) afterSource(w http.ResponseWriter, r *http.Request, ad *app.Admin, did string, err error) error {
	switch {
	case err == nil:
		return web.SeeOther(w, r, address(sourcePath(r.PathValue("id")), "did", did))
	case comesBack(err):
		return c.showSource(w, r, ad, err)
	}
	return err
}
