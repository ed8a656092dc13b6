package console

import (
	"net/http"
	"strconv"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/supply"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const (
	requestsPath    = Prefix + "/requests"
	suggestionsPath = Prefix + "/suggestions"
)

func (c *Console) requestRoutes() {
	c.add(Route{Pattern: "GET " + requestsPath, Act: account.Supervise}, c.requests)
	c.add(Route{Pattern: "GET " + suggestionsPath, Act: account.Supervise}, c.requests)
	c.add(Route{Pattern: "GET " + hallPath("{hall}") + "/requests", Act: account.Supervise, Hall: "hall"}, c.requests)
	c.fileRoutesOf(Route{Act: account.Export}, requestsPath, c.requestFile("requests", ""))
	c.fileRoutesOf(Route{Act: account.Export}, suggestionsPath, c.requestFile("suggestions", supply.Suggested))
	c.fileRoutesOf(Route{Act: account.Export, Hall: "hall"}, hallPath("{hall}")+"/requests", c.requestFile("requests", ""))
	c.add(Route{Pattern: "GET " + requestsPath + "/new", Act: account.Adjust}, c.newRequest)
	c.add(Route{Pattern: "POST " + requestsPath + "/new", Act: account.Adjust}, c.fileRequest)
	c.add(Route{Pattern: "GET " + suggestionsPath + "/new", Act: account.Suggest}, c.newRequest)
	c.add(Route{Pattern: "POST " + suggestionsPath + "/new", Act: account.Suggest}, c.fileRequest)
	c.add(Route{Pattern: "GET " + requestsPath + "/{id}", Act: account.Supervise}, c.request)
	c.add(Route{Pattern: "POST " + requestsPath + "/{id}/decide", Act: account.Decide, Prove: true}, c.decide)
	c.add(Route{Pattern: "POST " + requestsPath + "/{id}/withdraw", Act: account.Supervise}, c.withdraw)
	c.add(Route{Pattern: "POST " + requestsPath + "/{id}/report", Act: account.CarryOut}, c.report)
	c.ledgerRoutes()
}

func requestPath(id string) string { return requestsPath + "/" + id }

// option makes the options of a filter, the first one for everything.
func option(l web.Locale, list List, name, key string, values ...string) Filter {
	f := Filter{Name: name, Label: l.T(key), Options: []ui.Option{{Text: l.T("request.any")}}}
	for _, v := range values {
		f.Options = append(f.Options, ui.Option{Value: v, Text: l.T(key + "." + v), Selected: list.Get(name) == v})
	}
	return f
}

func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

type requestsView struct {
	Tabs  []ui.Link
	Bar   FilterBar
	Table Table
}

// requests lists what was asked for at the halls of who looks; for whom it waits comes first among the
// filters.
func (c *Console) requests(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r, "-filed", "due", "effective")
	suggestions := r.URL.Path == suggestionsPath
	hall := r.PathValue("hall")
	var f Frame
	var v requestsView
	switch {
	case hall != "":
		f, v.Tabs = c.hallFrame(w, r, ad, hall, l.T("request.title"))
	case suggestions:
		f = c.frame(w, r, ad, l.T("request.suggestions"))
	default:
		f = c.frame(w, r, ad, l.T("request.title"))
	}
	if hall == "" {
		f.Path = c.home0(l)
	}
	in := requestFilter(r, list)
	c.fileActions(&f, r, ad, list)
	if suggestions {
		in.Origin = supply.Suggested
	}
	rows, all, err := c.App.Requests(r.Context(), ad, in)
	if err != nil {
		return err
	}
	v.Bar = FilterBar{L: l, List: list, Total: l.N("request.total", all), Clear: list.Get("state")+list.Get("kind")+list.Get("who")+list.Get("bundle")+list.Get("hall") != "",
		Filters: []Filter{
			option(l, list, "who", "request.who", "decide", "mine", "report"),
			option(l, list, "state", "request.state", words(supply.States)...),
			option(l, list, "kind", "request.kind", words(supply.Kinds)...),
		}}
	v.Table = Table{Caption: f.Title, Cols: []Col{
		list.Col(l.T("request.what"), "", false), list.Col(l.T("request.state"), "", false), list.Col(l.T("request.effect_short"), "", false),
		list.Col(l.T("request.effective"), "effective", false), list.Col(l.T("request.due"), "due", false), list.Col(l.T("request.filed"), "filed", false),
	}, Empty: ui.EmptyView{Title: l.T("request.none"), Text: l.T("request.none_hint")}}
	for _, q := range rows {
		v.Table.Rows = append(v.Table.Rows, c.requestRow(l, q))
	}
	if all > list.Size {
		p := list.Pager(l, all)
		v.Table.Pager = &p
	}
	for path, act := range map[string]account.Action{requestsPath: account.Adjust, suggestionsPath: account.Suggest} {
		if !c.App.Scope(ad, act).None && (hall == "" || c.App.May(ad, act, hall)) {
			f.Actions = append(f.Actions, ui.ButtonView{Text: l.T("request.new." + string(act)), Href: address(path+"/new", "hall", hall)})
		}
	}
	return web.Render(w, r, http.StatusOK, requestsPage(f, v))
}

func (c *Console) requestRow(l web.Locale, q supply.Request) Row {
	now := c.App.Now()
	note := q.ID
	if q.Origin == supply.Suggested {
		note += " · " + l.T("request.suggestion")
	}
	if q.Urgent {
		note += " · " + l.T("request.urgent")
	}
	until := Cell{}
	if q.State == supply.Waiting || q.State == supply.Sent {
		until = due(l, q.DueAt, now)
	}
	return Row{Urgent: q.Overdue(now), Cells: []Cell{
		{Text: c.sentence(l, q.HallID, q.QueueID, q.Change), Href: requestPath(q.ID), Note: note},
		{Tag: stateTag(l, q)}, {Text: effectShort(l, q.Impact)}, {Text: l.Date(q.Change.From)}, until, {Text: l.Near(q.FiledAt, now), Note: q.FiledBy},
	}}
}

func stateTag(l web.Locale, q supply.Request) ui.Tag {
	kind := map[supply.State]ui.TagKind{
		supply.Waiting: ui.TagAmber, supply.Approved: ui.TagRiver, supply.Sent: ui.TagAmber, supply.Done: ui.TagGreen, supply.Refused: ui.TagRed, supply.Impossible: ui.TagRed,
	}[q.State]
	return ui.Tag{Text: l.T("request.state." + string(q.State)), Kind: kind}
}

// effectShort says what a change does to a day's places.
func effectShort(l web.Locale, i supply.Impact) string {
	before, after := i.PerDay()
	return l.T("request.per_day", "before", strconv.Itoa(before), "after", strconv.Itoa(after))
}

// effectFacts says it at length.
func effectFacts(l web.Locale, i supply.Impact) []Fact {
	before, after := i.PerDay()
	out := []Fact{
		{Key: l.T("request.effect.day"), Value: l.T("request.per_day", "before", strconv.Itoa(before), "after", strconv.Itoa(after)),
			Note: l.T("request.effect.on_site", "before", strconv.Itoa(i.OnSite[0]), "after", strconv.Itoa(i.OnSite[1]))},
		{Key: l.T("request.effect.sum"), Value: signed(i.After - i.Before), Note: l.T("request.effect.days", "n", strconv.Itoa(i.Days), "until", l.MonthDay(i.Until))},
		{Key: l.T("request.effect.people"), Value: l.N("request.effect.bookings", i.Bookings), Note: l.T("request.effect.numbers", "n", strconv.Itoa(i.Units), "all", strconv.Itoa(i.InSlots))},
	}
	if i.Less > 0 {
		out = append(out, Fact{Key: l.T("request.effect.less"), Value: strconv.Itoa(i.Less)})
	}
	return out
}

func signed(n int) string {
	if n > 0 {
		return "+" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

type requestView struct {
	L        web.Locale
	Sentence string
	Notice   *ui.NoticeView
	Errors   []ui.ErrorItem
	Effect   []Fact
	Known    []Fact
	History  Table
	Ledger   Table
	Request  app.RequestView
	Action   string // address of the request
	Token    string
	Typed    string // a reason typed before something was wrong
	Why      ui.FieldView
	Report   ui.FieldView
	Bundle   ui.Link
	Prove    string // where one proves first who they are; a reason typed before that would be lost
}

func (c *Console) request(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showRequest(w, r, ad, nil, "")
}

// showRequest is the page of a request: the sentence, its effect, why it is asked, its history, and what
// the one who looks can do now. wrong is what stood against what they just did.
func (c *Console) showRequest(w http.ResponseWriter, r *http.Request, ad *app.Admin, wrong *fault.Error, typed string) error {
	l := web.LocaleOf(r)
	q, err := c.App.Request(r.Context(), ad, r.PathValue("id"))
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("request.page", "id", q.ID))
	f.Path = append(c.home0(l), ui.Link{Text: l.T("request.title"), Href: requestsPath})
	v := requestView{L: l, Sentence: c.sentence(l, q.HallID, q.QueueID, q.Change), Effect: effectFacts(l, q.Now), Request: q, Action: requestPath(q.ID), Token: f.Token, Typed: typed}
	now := c.App.Now()
	v.Known = []Fact{
		{Key: l.T("request.state"), Value: l.T("request.state." + string(q.State))},
		{Key: l.T("request.reason"), Value: q.Reason},
		{Key: l.T("request.asker"), Value: q.FiledBy, Note: l.T("rank."+string(q.FiledRank)) + " · " + l.Near(q.FiledAt, now)},
	}
	if q.Urgent {
		v.Known = append(v.Known, Fact{Key: l.T("request.urgent"), Value: l.T("request.urgent_means")})
	}
	if q.Late && !q.Urgent {
		v.Known = append(v.Known, Fact{Key: l.T("request.late"), Value: l.T("request.late_means")})
	}
	switch q.State {
	case supply.Waiting:
		until := due(l, q.DueAt, now)
		v.Known = append(v.Known, Fact{Key: l.T("request.up_to"), Value: l.T("rank." + string(q.UpTo)), Note: l.T("request.decide_by", "at", until.Text) + " · " + until.Tag.Text})
	case supply.Sent:
		until := due(l, q.DueAt, now)
		v.Known = append(v.Known, Fact{Key: l.T("request.report_by"), Value: until.Text, Note: until.Tag.Text})
	}
	if q.DecidedBy != "" {
		v.Known = append(v.Known, Fact{Key: l.T("request.decided_by"), Value: q.DecidedBy, Note: l.Near(q.DecidedAt, now)})
	}
	if q.Why != "" {
		v.Known = append(v.Known, Fact{Key: l.T("request.why"), Value: q.Why})
	}
	if q.Report != "" {
		v.Known = append(v.Known, Fact{Key: l.T("request.report"), Value: q.Report})
	}
	if counts, err := c.App.Choices(r.Context(), q.ID); err != nil {
		return err
	} else if p := (app.DisplacedPage{Counts: counts}); p.All() > 0 {
		v.Known = append(v.Known, Fact{Key: l.T("displaced.people"), Value: l.N("displaced.total", p.All()), Href: affectedPath(q.ID),
			Note: l.T("displaced.state.waiting") + " " + count(counts[booking.ChoiceWaiting])})
	}
	if c.App.Proven(ad) != nil {
		v.Prove = address(provePath, "return", v.Action)
	}
	if q.Bundled > 1 {
		v.Bundle = ui.Link{Text: l.N("request.bundle", q.Bundled), Href: address(requestsPath, "bundle", q.Bundle)}
	}
	v.History = Table{Caption: l.T("request.history"), Shown: true, Cols: []Col{{Text: l.T("request.at")}, {Text: l.T("request.happened")}, {Text: l.T("request.by")}, {Text: l.T("request.words")}}}
	for _, e := range q.Events {
		text, by := e.Text, e.Account
		if e.Kind == "escalated" {
			text = l.T("rank." + e.Text)
		}
		if by == "" {
			by = l.T("request.system")
		}
		v.History.Rows = append(v.History.Rows, Row{Cells: []Cell{{Text: l.When(e.At)}, {Text: l.T("request.event." + e.Kind)}, {Text: by}, {Text: text}}})
	}
	if len(q.Ledger) > 0 {
		v.Ledger = c.ledgerTable(l, q.Ledger)
	}
	v.Why = ui.FieldView{ID: "why", Label: l.T("request.why"), Hint: l.T("request.why_hint")}
	v.Report = ui.FieldView{ID: "report", Label: l.T("request.report"), Hint: l.T("request.report_hint")}
	switch {
	case wrong != nil:
		f.Error = true
		for _, field := range wrong.Fields {
			for _, at := range []*ui.FieldView{&v.Why, &v.Report} {
				if at.ID == field.Path {
					at.Error, at.Code = l.FieldSentence("", field.Code), string(field.Code)
				}
			}
		}
		v.Errors = []ui.ErrorItem{{Text: l.Sentence(wrong), Href: "#why", Code: string(wrong.Code)}}
		if len(wrong.Fields) > 0 {
			v.Errors = ui.FieldErrors(l, wrong, map[string]string{"why": l.T("request.why"), "report": l.T("request.report")}, map[string]string{"why": "why", "report": "report"})
		}
	case r.URL.Query().Get("did") != "" && l.Has("request.did."+r.URL.Query().Get("did")):
		v.Notice = &ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("request.did." + r.URL.Query().Get("did")), Live: true}
	}
	status := http.StatusOK
	if wrong != nil {
		status = http.StatusUnprocessableEntity
	}
	return web.Render(w, r, status, requestPage(f, v))
}

// version is the version of the request the page showed.
func version(r *http.Request) int {
	n, _ := strconv.Atoi(r.PostForm.Get("version"))
	return n
}

// answered leads on after an act, or shows the page again with what stood against it.
func (c *Console) answered(w http.ResponseWriter, r *http.Request, ad *app.Admin, err error, did, typed string) error {
	id := r.PathValue("id")
	if err == nil {
		return web.SeeOther(w, r, requestPath(id)+"?did="+did)
	}
	switch e := fault.As(err); e.Kind {
	case fault.Invalid, fault.Conflict, fault.Forbidden:
		return c.showRequest(w, r, ad, e, typed)
	}
	return err
}

func (c *Console) decide(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	why := r.PostForm.Get("why")
	approve := r.PostForm.Get("decision") == "approve"
	if !approve && r.PostForm.Get("decision") != "refuse" {
		return fault.New(fault.MalformedRequest)
	}
	if bundle := r.PostForm.Get("bundle"); bundle != "" {
		if _, err := c.App.DecideBundle(r.Context(), ad, bundle, approve, why); err != nil {
			return c.answered(w, r, ad, err, "", why)
		}
		return web.SeeOther(w, r, address(requestsPath, "bundle", bundle))
	}
	out, err := c.App.DecideRequest(r.Context(), ad, r.PathValue("id"), version(r), approve, why)
	return c.answered(w, r, ad, err, string(out.State), why)
}

func (c *Console) withdraw(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	_, err := c.App.WithdrawRequest(r.Context(), ad, r.PathValue("id"), version(r))
	return c.answered(w, r, ad, err, "withdrawn", "")
}

func (c *Console) report(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	text := r.PostForm.Get("report")
	out, err := c.App.AnswerSuggestion(r.Context(), ad, r.PathValue("id"), version(r), r.PostForm.Get("outcome") == "done", text)
	return c.answered(w, r, ad, err, string(out.State), text)
}
