package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// A request is made in at most four screens: what and where; when and how much, with the effect beside
// it; the check; and the request itself. What is filled in stays in the address, but for the reason.

// draft is a request being filled in, as the form sends it.
type draft struct {
	form  url.Values
	base  string // requestsPath or suggestionsPath
	act   account.Action
	Halls []*directory.Hall
	Queue string
	Kind  supply.Kind
	Lost  bool // it names a hall that is not theirs, or not any more
}

// everyHall stands for all halls of who asks.
const everyHall = "*"

// fields that make up a draft, and are carried from screen to screen.
var draftFields = []string{"hall", "queue", "kind", "from", "to", "weekday", "total", "source", "half", "rule", "n", "hour", "per_hour", "share", "days", "anomaly", "advice"}

func (c *Console) draft(r *http.Request, ad *app.Admin, form url.Values) draft {
	d := draft{form: form, base: requestsPath, act: account.Adjust}
	if strings.HasPrefix(r.URL.Path, suggestionsPath) {
		d.base, d.act = suggestionsPath, account.Suggest
	}
	if slices.Contains(form["hall"], everyHall) {
		for _, h := range c.App.Grove(ad, d.act).Halls {
			if h.Open {
				d.Halls = append(d.Halls, h)
			}
		}
	}
	for _, id := range form["hall"] {
		switch h := c.App.City().Hall(id); {
		case id == "" || id == everyHall:
		case h == nil || !c.App.May(ad, d.act, id):
			d.Lost = true
		case !slices.Contains(d.Halls, h):
			d.Halls = append(d.Halls, h)
		}
	}
	if kind := supply.Kind(form.Get("kind")); slices.Contains(supply.Kinds, kind) {
		d.Kind = kind
	}
	if len(d.Halls) == 1 {
		d.Queue = form.Get("queue")
	}
	return d
}

// number reads a field; what is no number is out of every range.
func (d draft) number(name string) int {
	s := strings.TrimSpace(d.form.Get(name))
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return -1
}

// asked makes the request of the form. Dates that cannot be read are told as fields.
func (d draft) asked() (app.Asked, *fault.Error) {
	in := app.Asked{Urgent: d.form.Get("urgent") == "yes", Reason: d.form.Get("reason"), Change: supply.Change{Kind: d.Kind}}
	for _, h := range d.Halls {
		in.Targets = append(in.Targets, app.Target{Hall: h.ID, Queue: d.Queue})
	}
	var wrong []fault.Field
	date := func(name string, need bool) calendar.Date {
		s := strings.TrimSpace(d.form.Get(name))
		if s == "" && !need {
			return 0
		}
		v, err := calendar.ParseDate(s)
		if err != nil {
			wrong = append(wrong, fault.Field{Path: name, Code: fault.BadDate})
		}
		return v
	}
	ch := &in.Change
	ch.From, ch.To = date("from", true), date("to", false)
	for _, s := range d.form["weekday"] {
		if n, err := strconv.Atoi(s); err == nil && d.Kind != supply.Horizon {
			ch.Weekdays = append(ch.Weekdays, time.Weekday(n))
		}
	}
	for _, s := range d.form["hour"] {
		if n, err := strconv.Atoi(s); err == nil && n >= 0 && n < 24 {
			ch.Hours |= calendar.HoursOf(n)
		}
	}
	switch d.Kind {
	case supply.Capacity:
		ch.Total, ch.Source = d.number("total"), strings.TrimSpace(d.form.Get("source"))
	case supply.Weekend, supply.Extend:
		ch.PerHour = d.number("per_hour")
		if d.Kind == supply.Weekend && len(ch.Weekdays) == 0 {
			ch.Weekdays = []time.Weekday{time.Saturday, time.Sunday}
		}
	case supply.Close:
		ch.Half = calendar.Half(d.form.Get("half"))
		if kind := calendar.RuleKind(d.form.Get("rule")); kind != "" {
			ch.Rule = &calendar.Rule{Kind: kind, N: d.number("n"), Half: ch.Half}
		}
	case supply.Share:
		percent, err := strconv.ParseFloat(strings.TrimSpace(d.form.Get("share")), 64)
		if ch.PerMille = int(percent*10 + .5); err != nil || percent < 0 || percent > 1000 {
			ch.PerMille = -1
		}
	case supply.Horizon:
		ch.Days = d.number("days")
	}
	if ch.Kind != supply.Extend && ch.Kind != supply.Weekend {
		ch.Hours = 0
	}
	if len(wrong) > 0 {
		return in, fault.InvalidFields(wrong...)
	}
	return in, nil
}

// at is the address of a screen with what is filled in.
func (d draft) at(step string) string {
	q := url.Values{}
	for _, k := range draftFields {
		for _, v := range d.form[k] {
			if v != "" {
				q.Add(k, v)
			}
		}
	}
	if step != "" {
		q.Set("step", step)
	}
	return d.base + "/new?" + q.Encode()
}

// kept are the fields a form carries on but does not show.
func (d draft) kept(shown ...string) (out [][2]string) {
	for _, k := range draftFields {
		if slices.Contains(shown, k) {
			continue
		}
		for _, v := range d.form[k] {
			if v != "" {
				out = append(out, [2]string{k, v})
			}
		}
	}
	return out
}

type newView struct {
	L          web.Locale
	Action     string
	Token      string
	Kept       [][2]string
	Errors     []ui.ErrorItem
	Notice     []ui.NoticeView
	Find       ui.InputView
	Halls      ui.ChoiceView
	Queues     *ui.ChoiceView
	Kinds      ui.ChoiceView
	Sentence   string
	Fields     []web.Component
	Effect     []Fact
	People     Table
	PeopleMore string
	Rules      []Fact
	Urgent     bool // may be urgent
	Change     string
	Reason     ui.InputView
	Back       ui.Link
}

// newRequest is the first three screens.
func (c *Console) newRequest(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	d := c.draft(r, ad, r.URL.Query())
	if d.Lost {
		return fault.New(fault.HallNotFound)
	}
	step := d.form.Get("step")
	if len(d.Halls) == 0 || d.Kind == "" {
		step = "what"
	}
	switch step {
	case "what":
		return c.askWhat(w, r, ad, d)
	case "check":
		return c.askCheck(w, r, ad, d, nil)
	}
	return c.askWhen(w, r, ad, d, nil)
}

func (c *Console) newFrame(w http.ResponseWriter, r *http.Request, ad *app.Admin, d draft) (Frame, newView) {
	l := web.LocaleOf(r)
	f := c.frame(w, r, ad, l.T("request.new."+string(d.act)))
	list := ui.Link{Text: l.T("request.title"), Href: requestsPath}
	if d.act == account.Suggest {
		list = ui.Link{Text: l.T("request.suggestions"), Href: suggestionsPath}
	}
	f.Path = append(c.home0(l), list)
	return f, newView{L: l, Action: d.base + "/new", Token: f.Token}
}

// mostFound is how many halls the first screen offers.
const mostFound = 30

// askWhat asks which halls, which queue and what kind of change.
func (c *Console) askWhat(w http.ResponseWriter, r *http.Request, ad *app.Admin, d draft) error {
	f, v := c.newFrame(w, r, ad, d)
	l := v.L
	g := c.App.Grove(ad, d.act)
	sought := strings.TrimSpace(d.form.Get("q"))
	offered := slices.Clone(d.Halls[:min(len(d.Halls), mostFound)])
	found := g.Halls
	if sought != "" {
		found = g.Find(sought, mostFound)
	}
	for _, h := range found {
		if len(offered) < mostFound && h.Open && !slices.Contains(offered, h) {
			offered = append(offered, h)
		}
	}
	f.Narrow = true
	if len(g.Halls) > mostFound || sought != "" {
		v.Find = ui.InputView{FieldView: ui.FieldView{ID: "q", Label: l.T("request.find"), Hint: l.T("request.find_hint", "n", strconv.Itoa(len(g.Halls)))}, Value: sought, Type: "search"}
	}
	v.Halls = ui.ChoiceView{FieldView: ui.FieldView{ID: "hall", Label: l.T("request.halls"), Hint: l.T("request.halls_hint")}}
	every := slices.Contains(d.form["hall"], everyHall)
	if open := len(g.Halls); open > 1 {
		v.Halls.Options = append(v.Halls.Options, ui.Option{Value: everyHall, Text: l.N("request.every_hall", open), Selected: every})
	}
	for _, h := range offered {
		v.Halls.Options = append(v.Halls.Options, ui.Option{Value: h.ID, Text: l.Text(h.Name), Selected: !every && slices.Contains(d.Halls, h) || len(offered) == 1})
	}
	v.Kinds = ui.ChoiceView{FieldView: ui.FieldView{ID: "kind", Label: l.T("request.kind_ask")}}
	for _, k := range supply.Kinds {
		v.Kinds.Options = append(v.Kinds.Options, ui.Option{Value: string(k), Text: l.T("request.kind." + string(k)), Hint: l.T("request.kind_hint." + string(k)), Selected: k == d.Kind})
	}
	v.Kept = d.kept("hall", "kind")
	if d.form.Get("next") != "" {
		f.Error = true
		if len(d.Halls) == 0 {
			v.Errors = append(v.Errors, ui.ErrorItem{Text: l.FieldSentence(l.T("request.halls"), fault.Required), Href: "#hall"})
		}
		if d.Kind == "" {
			v.Errors = append(v.Errors, ui.ErrorItem{Text: l.FieldSentence(l.T("request.kind_ask"), fault.Required), Href: "#kind"})
		}
	}
	return web.Render(w, r, http.StatusOK, askWhatPage(f, v))
}

// askWhen asks when and how much, and shows beside it what that would do.
func (c *Console) askWhen(w http.ResponseWriter, r *http.Request, ad *app.Admin, d draft, wrong *fault.Error) error {
	f, v := c.newFrame(w, r, ad, d)
	l := v.L
	if d.form.Get("step") != "" && wrong == nil {
		in, bad := d.asked()
		if bad == nil {
			p, err := c.App.PreviewRequest(r.Context(), ad, in)
			if err == nil {
				v.Sentence, v.Effect = c.draftSentence(l, d, in.Change), effectFacts(l, p.Impact)
				if p.Impact.Nothing() {
					bad = fault.New(fault.NothingChanges)
				}
			} else if e := fault.As(err); e.Kind == fault.Invalid || e.Kind == fault.Conflict {
				bad = e
			} else {
				return err
			}
		}
		wrong = bad
	}
	if v.Sentence == "" {
		v.Sentence = c.draftSentence(l, d, supply.Change{})
	}
	codes := map[string]fault.Code{}
	if wrong != nil {
		f.Error = true
		v.Errors = draftErrors(l, wrong)
		for _, field := range wrong.Fields {
			codes[field.Path] = field.Code
		}
	}
	if len(d.Halls) == 1 {
		v.Queues = &ui.ChoiceView{FieldView: d.field(l, codes, "queue", "queue")}
		if d.Kind != supply.Capacity {
			v.Queues.Options = []ui.Option{{Text: l.T("request.every_queue")}}
		}
		for _, q := range c.App.City().QueuesAt(d.Halls[0].ID) {
			if q.Open {
				v.Queues.Options = append(v.Queues.Options, ui.Option{Value: q.ID, Text: l.Text(q.Name) + " · " + l.T("request.now_total", "n", strconv.Itoa(q.DailyAverage)), Selected: q.ID == d.Queue})
			}
		}
	}
	shown := []string{"from", "to", "weekday", "total", "source", "half", "rule", "n", "hour", "per_hour", "share", "days", "queue"}
	v.Kept = d.kept(shown...)
	v.Fields = c.draftForm(l, ad, d, codes, r)
	v.Back = ui.Link{Text: l.T("request.back"), Href: d.at("what")}
	status := http.StatusOK
	if wrong != nil {
		status = http.StatusUnprocessableEntity
	}
	return web.Render(w, r, status, askWhenPage(f, v))
}

func (c *Console) draftSentence(l web.Locale, d draft, ch supply.Change) string {
	var where string
	switch {
	case len(d.Halls) == 1:
		where = c.queueAt(l, d.Halls[0].ID, d.Queue)
	default:
		where = l.N("request.many_halls", len(d.Halls))
	}
	if ch.Kind == "" {
		return where + " · " + l.T("request.kind."+string(d.Kind)) + " …"
	}
	return where + " · " + changeWords(l, ch)
}

// draftErrors makes the error summary of a draft.
func draftErrors(l web.Locale, e *fault.Error) []ui.ErrorItem {
	if len(e.Fields) == 0 {
		return []ui.ErrorItem{{Text: l.Sentence(e), Href: "#from", Code: string(e.Code)}}
	}
	labels, ids := map[string]string{}, map[string]string{}
	for _, f := range e.Fields {
		if l.Has("request.field." + f.Path) {
			labels[f.Path], ids[f.Path] = l.T("request.field."+f.Path), strings.ReplaceAll(f.Path, "_", "-")
		}
	}
	return ui.FieldErrors(l, e, labels, ids)
}

// askCheck shows the whole once more and asks for the reason.
func (c *Console) askCheck(w http.ResponseWriter, r *http.Request, ad *app.Admin, d draft, wrong *fault.Error) error {
	f, v := c.newFrame(w, r, ad, d)
	l := v.L
	in, bad := d.asked()
	if bad != nil {
		return c.askWhen(w, r, ad, d, bad)
	}
	p, err := c.App.PreviewRequest(r.Context(), ad, in)
	if e := (*fault.Error)(nil); errors.As(err, &e) && (e.Kind == fault.Invalid || e.Kind == fault.Conflict) {
		return c.askWhen(w, r, ad, d, e)
	}
	if err != nil {
		return err
	}
	if p.Impact.Nothing() {
		return c.askWhen(w, r, ad, d, fault.New(fault.NothingChanges))
	}
	now := c.App.Now()
	v.Sentence, v.Effect = c.draftSentence(l, d, in.Change), effectFacts(l, p.Impact)
	v.Rules = []Fact{{Key: l.T("request.up_to"), Value: l.T("rank." + string(p.UpTo)), Note: l.T("request.decide_by", "at", due(l, p.DecideBy, now).Text)}}
	v.Urgent = p.Increase && !p.Suggestion
	switch {
	case p.Late && p.Increase && !p.Suggestion:
		v.Notice = append(v.Notice, ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.T("request.too_soon", "date", l.Date(p.Earliest))})
	case p.Late && !p.Suggestion:
		v.Notice = append(v.Notice, ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.T("request.late_warning", "date", l.Date(p.Earliest))})
	}
	if p.Impact.Bookings > 0 {
		v.Notice = append(v.Notice, ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.N("request.people_warning", p.Impact.Bookings)})
	}
	if len(p.People) > 0 {
		v.People = Table{Caption: l.T("request.people"), Shown: true, Cols: []Col{{Text: l.T("request.person")}, {Text: l.T("request.hour")}, {Text: l.T("request.code")}}}
		for _, who := range p.People {
			v.People.Rows = append(v.People.Rows, Row{Cells: []Cell{{Text: who.Name}, {Text: l.Slot(who.Date, who.Hour)}, {Text: who.Code}}})
		}
	}
	if n := p.Impact.Bookings - len(p.People); n > 0 && len(p.People) > 0 {
		v.PeopleMore = l.N("request.people_more", n)
	}
	v.Kept = d.kept()
	v.Change = d.at("when")
	v.Reason = ui.InputView{FieldView: ui.FieldView{ID: "reason", Label: l.T("request.reason"), Hint: l.T("request.reason_hint")}, Value: d.form.Get("reason"), Attrs: map[string]any{"maxlength": "500", "required": true}}
	status := http.StatusOK
	if wrong != nil {
		f.Error, status = true, http.StatusUnprocessableEntity
		v.Errors = draftErrors(l, wrong)
		for _, field := range wrong.Fields {
			if field.Path == "reason" {
				v.Reason.Error, v.Reason.Code = l.FieldSentence("", field.Code), string(field.Code)
			}
		}
	}
	return web.Render(w, r, status, askCheckPage(f, v))
}

// fileRequest files what was checked.
func (c *Console) fileRequest(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	d := c.draft(r, ad, r.PostForm)
	if d.Lost {
		return fault.New(fault.HallNotFound)
	}
	if len(d.Halls) == 0 || d.Kind == "" {
		return web.SeeOther(w, r, d.base+"/new")
	}
	in, bad := d.asked()
	if bad != nil {
		return c.askWhen(w, r, ad, d, bad)
	}
	list, err := c.App.FileRequest(r.Context(), ad, in)
	if e := (*fault.Error)(nil); errors.As(err, &e) && (e.Kind == fault.Invalid || e.Kind == fault.Conflict) {
		return c.askCheck(w, r, ad, d, e)
	}
	if err != nil {
		return err
	}
	c.ledTo(r, ad, d.form, list[0].ID)
	if len(list) > 1 {
		return web.SeeOther(w, r, address(requestsPath, "bundle", list[0].Bundle))
	}
	return web.SeeOther(w, r, requestPath(list[0].ID)+"?did=filed")
}

// field is the frame of one field of a draft. Ids have dashes where names have none of them.
func (d draft) field(l web.Locale, codes map[string]fault.Code, name, path string) ui.FieldView {
	f := ui.FieldView{ID: strings.ReplaceAll(name, "_", "-"), Name: name, Label: l.T("request.field." + path)}
	if code := codes[path]; code != "" {
		f.Error, f.Code = l.FieldSentence("", code), string(code)
	}
	return f
}

// draftForm makes the fields of a kind of change.
func (c *Console) draftForm(l web.Locale, ad *app.Admin, d draft, codes map[string]fault.Code, r *http.Request) []web.Component {
	var out []web.Component
	input := func(name, path, kind, hint, value string, width int) {
		v := ui.InputView{FieldView: d.field(l, codes, name, path), Value: d.form.Get(name), Type: kind, Width: width}
		if v.Hint = hint; v.Value == "" && d.form.Get("step") == "" {
			v.Value = value
		}
		if kind == "text" {
			v.InputMode = "numeric"
		}
		out = append(out, ui.Input(v))
	}
	choose := func(name, path string, radios bool, options []ui.Option) {
		v := ui.ChoiceView{FieldView: d.field(l, codes, name, path), Options: options}
		for i := range options {
			options[i].Selected = options[i].Selected || slices.Contains(d.form[name], options[i].Value)
		}
		if radios {
			out = append(out, ui.Radios(v))
		} else {
			out = append(out, ui.Checkboxes(v))
		}
	}
	today := calendar.DateOf(c.App.Now())
	earliest := supply.EarliestEffect(c.App.Calendar(), c.App.Rules(today), today)
	input("from", "from", "date", l.T("request.from_hint", "date", l.Date(earliest)), earliest.String(), 10)
	input("to", "to", "date", l.T("request.to_hint"), "", 10)
	days := func(list ...time.Weekday) (options []ui.Option) {
		for _, w := range list {
			options = append(options, ui.Option{Value: strconv.Itoa(int(w)), Text: weekdayWords(l, []time.Weekday{w})})
		}
		return options
	}
	hours := func(from, to int) (options []ui.Option) {
		for h := from; h < to; h++ {
			options = append(options, ui.Option{Value: strconv.Itoa(h), Text: web.HourRange(h)})
		}
		return options
	}
	var average, perHour string
	if len(d.Halls) == 1 {
		for _, q := range c.App.City().QueuesAt(d.Halls[0].ID) {
			if n := len(q.Week.Work.List()); q.Open && (d.Queue == "" || d.Queue == q.ID) && n > 0 && perHour == "" {
				perHour = strconv.Itoa((q.DailyAverage + n - 1) / n)
				if mean, known, err := c.App.Average(r.Context(), ad, q.ID); err == nil && known > 0 {
					average = l.T("request.average_hint", "n", strconv.Itoa(mean), "days", strconv.Itoa(known))
				}
			}
		}
	}
	switch d.Kind {
	case supply.Capacity:
		input("total", "total", "text", average, "", 5)
		input("source", "source", "", l.T("request.source_hint"), "", 0)
		choose("weekday", "weekdays", false, days(1, 2, 3, 4, 5, 6, 0))
	case supply.Weekend:
		choose("weekday", "weekdays", false, days(6, 0))
		choose("hour", "hours", false, hours(8, 20))
		input("per_hour", "per_hour", "text", "", perHour, 4)
	case supply.Extend:
		choose("weekday", "weekdays", false, days(1, 2, 3, 4, 5, 6, 0))
		choose("hour", "hours", false, hours(7, 22))
		input("per_hour", "per_hour", "text", "", perHour, 4)
	case supply.Close:
		var halves []ui.Option
		for _, h := range []calendar.Half{calendar.WholeDay, calendar.Morning, calendar.Afternoon} {
			halves = append(halves, ui.Option{Value: string(h), Text: l.T("request.half." + string(h)), Selected: d.form.Get("half") == "" && h == calendar.WholeDay})
		}
		choose("half", "half", true, halves)
		rules := []ui.Option{{Value: "", Text: l.T("request.rule_none")}}
		for _, k := range []calendar.RuleKind{calendar.NthWorkingDay, calendar.DayOfMonth} {
			rules = append(rules, ui.Option{Value: string(k), Text: l.T("request.rule_ask." + string(k)), Selected: d.form.Get("rule") == string(k)})
		}
		out = append(out, ui.Select(ui.ChoiceView{FieldView: d.field(l, codes, "rule", "rule"), Options: rules}))
		input("n", "n", "text", l.T("request.n_hint"), "", 3)
		choose("weekday", "weekdays", false, days(1, 2, 3, 4, 5, 6, 0))
	case supply.Share:
		input("share", "per_mille", "text", l.T("request.share_hint"), "", 4)
	case supply.Horizon:
		input("days", "days", "text", l.T("request.days_hint"), "", 3)
	}
	return out
}
