package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

const casesPath = Prefix + "/cases"

func (c *Console) caseRoutes() {
	c.add(Route{Pattern: "GET " + casesPath, Act: account.Supervise}, c.cases)
	c.fileRoutesOf(Route{Act: account.Export}, casesPath, c.caseFile)
	c.add(Route{Pattern: "GET " + casesPath + "/{id}", Act: account.Supervise}, c.oneCase)
	c.add(Route{Pattern: "POST " + casesPath + "/{id}/answer", Act: account.CarryOut}, c.answerCase)
	c.add(Route{Pattern: "POST " + casesPath + "/{id}/called", Act: account.CarryOut}, c.calledCase)
	c.add(Route{Pattern: "POST " + casesPath + "/{id}/phone", Act: account.Reveal, Prove: true}, c.casePhone)
}

func casePath(id string) string { return casesPath + "/" + id }

// asInvalid returns err as a refusal of fields, nil for any other.
func asInvalid(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.InvalidRequest {
		return f
	}
	return nil
}

type casesView struct {
	Bar     FilterBar
	Table   Table
	Figures Table
}

// cases lists the bad grades of my halls and how services were found this month.
func (c *Console) cases(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r)
	f := c.frame(w, r, ad, l.T("case.title"))
	f.Path, f.Lead = c.home0(l), l.T("case.lead")
	state := list.Value("state", "open", "answered", "closed", "overdue")
	q := caseFilter(list)
	c.fileActions(&f, r, ad, list)
	rows, all, err := c.App.Cases(r.Context(), ad, q)
	if err != nil {
		return err
	}
	filter := option(l, list, "state", "case.state", "open", "answered", "closed")
	v := casesView{Bar: FilterBar{L: l, List: list, Clear: state != "", Total: l.N("displaced.total", all), Filters: []Filter{filter}}}
	v.Table = Table{Caption: f.Title, Cols: []Col{
		{Text: l.T("case.grade")}, {Text: l.T("case.hall")}, {Text: l.T("case.reasons")}, {Text: l.T("case.date")}, {Text: l.T("case.state")}, {Text: l.T("case.due")},
	}, Empty: ui.EmptyView{Title: l.T("case.none")}}
	for _, e := range rows {
		row := Row{Urgent: e.Overdue, Cells: []Cell{
			{Text: l.T("grade." + strconv.Itoa(int(e.Grade))), Href: casePath(e.ID)}, {Text: c.hallName(l, e.HallID), Note: queueName(l, e)}, {Text: reasonsText(l, e.Reasons)},
			{Text: l.Date(e.Date)}, {Tag: ui.Tag{Text: l.T("case.state." + string(e.State))}}, {},
		}}
		if e.State == counter.CaseOpen {
			row.Cells[5].Text = l.Date(e.Due)
		}
		if e.Overdue {
			row.Cells[5].Tag = ui.Tag{Text: l.T("case.overdue"), Kind: ui.TagRed}
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	if all > list.Size {
		p := list.Pager(l, all)
		v.Table.Pager = &p
	}
	grades, _, err := c.App.Grades(r.Context(), ad, "", calendar.DateOf(c.App.Now()))
	if err != nil {
		return err
	}
	v.Figures = Table{Caption: l.T("case.figures"), Cols: []Col{
		{Text: l.T("case.hall")}, {Text: l.T("case.queue")}, {Text: l.T("case.count"), Number: true}, {Text: l.T("case.satisfied"), Number: true}, {Text: l.T("case.state.open"), Number: true},
	}, Empty: ui.EmptyView{Title: l.T("missed.nobody")}}
	for _, g := range grades[:min(len(grades), 200)] {
		v.Figures.Rows = append(v.Figures.Rows, Row{Cells: []Cell{
			{Text: c.hallName(l, g.Queue.HallID)}, {Text: l.Text(g.Queue.Name)}, {Text: count(g.All)}, {Text: percent(g.Satisfied(), g.All)}, {Text: count(g.Open)},
		}})
	}
	return web.Render(w, r, http.StatusOK, casesPage(f, v))
}

func queueName(l web.Locale, e app.CaseView) string {
	if e.Queue == nil {
		return ""
	}
	return l.Text(e.Queue.Name)
}

func reasonsText(l web.Locale, list []counter.Reason) string {
	words := make([]string, len(list))
	for i, r := range list {
		words[i] = l.T("reason." + string(r))
	}
	if len(words) == 0 {
		return "—"
	}
	return strings.Join(words, " · ")
}

type caseView struct {
	Facts   []ui.SummaryRow
	Token   string
	ID      string
	Version string
	Answer  bool // it can be answered now
	Called  bool // and called back
	Phone   bool // and the phone shown
	Number  string
	Calls   []ui.Option
	Error   string
	Value   string
}

func (c *Console) oneCase(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showCase(w, r, ad, "", "", "")
}

func (c *Console) showCase(w http.ResponseWriter, r *http.Request, ad *app.Admin, phone, value, wrong string) error {
	l := web.LocaleOf(r)
	e, err := c.App.Case(r.Context(), ad, r.PathValue("id"))
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.T("case.page"))
	f.Path = append(c.home0(l), ui.Link{Text: l.T("case.title"), Href: casesPath})
	f.Narrow, f.Error = true, wrong != ""
	v := caseView{Token: f.Token, ID: e.ID, Version: strconv.Itoa(e.Version), Number: phone, Error: wrong, Value: value,
		Answer: e.Full && e.State == counter.CaseOpen, Called: e.Full && e.State == counter.CaseAnswered, Phone: e.Full && e.Revealable && phone == ""}
	row := func(key, value string, lines ...string) {
		v.Facts = append(v.Facts, ui.SummaryRow{Key: l.T(key), Value: value, Lines: lines})
	}
	row("case.grade", l.T("grade."+strconv.Itoa(int(e.Grade))), reasonsText(l, e.Reasons))
	row("case.hall", c.hallName(l, e.HallID), queueName(l, e))
	row("case.date", l.Date(e.Date))
	state := []string{}
	if e.State == counter.CaseOpen {
		state = append(state, l.T("case.due")+" "+l.Date(e.Due))
	}
	if e.Overdue {
		state = append(state, l.T("case.overdue"))
	}
	row("case.state", l.T("case.state."+string(e.State)), state...)
	if e.Full {
		if e.Item != nil {
			row("case.item", l.Text(e.Item.Name))
		}
		row("case.counter", e.CounterLabel)
		if e.Text != "" {
			row("case.text", e.Text)
		}
		if e.Answer != "" {
			row("case.answer", e.Answer, e.AnsweredBy)
		}
		if e.CalledBack != "" {
			row("case.called", l.T("case.called."+string(e.CalledBack)), e.CalledBy)
		}
	}
	if phone == "" && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/phone") {
		v.Number, v.Phone = l.T("case.no_phone"), false
	}
	for _, came := range counter.CallBacks {
		v.Calls = append(v.Calls, ui.Option{Value: string(came), Text: l.T("case.called." + string(came))})
	}
	status := http.StatusOK
	if wrong != "" {
		status = http.StatusUnprocessableEntity
	}
	return web.Render(w, r, status, casePage(f, v))
}

func (c *Console) answerCase(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	id, answer := r.PathValue("id"), r.PostForm.Get("answer")
	version, _ := strconv.Atoi(r.PostForm.Get("version"))
	if err := c.App.AnswerCase(r.Context(), ad, id, version, answer); err != nil {
		if f := asInvalid(err); f != nil && len(f.Fields) == 1 {
			l := web.LocaleOf(r)
			return c.showCase(w, r, ad, "", answer, l.FieldSentence(l.T("case.answer"), f.Fields[0].Code))
		}
		return err
	}
	return web.SeeOther(w, r, casePath(id))
}

func (c *Console) calledCase(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	id := r.PathValue("id")
	version, _ := strconv.Atoi(r.PostForm.Get("version"))
	if err := c.App.CallBackCase(r.Context(), ad, id, version, counter.CalledBack(r.PostForm.Get("called_back"))); err != nil {
		return err
	}
	return web.SeeOther(w, r, casePath(id))
}

// casePhone shows the phone of whoever gave the grade once, in the answer itself.
func (c *Console) casePhone(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	phone, err := c.App.RevealCasePhone(r.Context(), ad, r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return c.showCase(w, r, ad, phone, "", "")
}
