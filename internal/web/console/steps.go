package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/theme"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// The steps of one thing that fall to an administrator's department (Art. 20).

const stepsPath = Prefix + "/steps"

func (c *Console) stepRoutes() {
	c.add(Route{Pattern: "GET " + stepsPath, Act: account.Handle}, c.steps)
	c.add(Route{Pattern: "GET " + stepsPath + "/{id}", Act: account.Handle}, c.stepCase)
	c.add(Route{Pattern: "POST " + stepsPath + "/{id}/act", Act: account.Handle}, c.workStep)
	c.add(Route{Pattern: "POST " + stepsPath + "/{id}/person", Act: account.Handle, Prove: true}, c.stepPerson)
}

func stepCasePath(id string) string { return stepsPath + "/" + id }

type stepsView struct {
	Bar   FilterBar
	Table Table
}

// steps lists what waits for the department.
func (c *Console) steps(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	l, list := web.LocaleOf(r), listOf(r)
	f := c.frame(w, r, ad, l.T("stepwork.title"))
	f.Path, f.Lead = c.home0(l), l.T("stepwork.lead")
	show := list.Value("list", "asked", "mine", "overdue")
	rows, all, err := c.App.Steps(r.Context(), ad, app.StepFilter{
		Asked: show == "asked", Mine: show == "mine", Overdue: show == "overdue", Offset: (list.Page - 1) * list.Size, Limit: list.Size,
	})
	if err != nil {
		return err
	}
	v := stepsView{Bar: FilterBar{L: l, List: list, Clear: show != "", Total: l.N("stepwork.total", all), Filters: []Filter{option(l, list, "list", "stepwork.list", "asked", "mine", "overdue")}}}
	v.Table = Table{Caption: f.Title, Cols: []Col{
		{Text: l.T("stepwork.step")}, {Text: l.T("stepwork.theme")}, {Text: l.T("stepwork.hall")}, {Text: l.T("stepwork.state")}, {Text: l.T("stepwork.due")},
	}, Empty: ui.EmptyView{Title: l.T("stepwork.none")}}
	for _, s := range rows {
		row := Row{Urgent: s.Overdue, Cells: []Cell{
			{Text: l.Text(s.Step.Name), Href: stepCasePath(s.Case)}, {Text: l.Text(s.Theme.Name), Note: l.When(s.Opened)}, {Text: hallText(l, s.Hall)}, {Tag: stepTag(l, s.State)}, {},
		}}
		if s.Mine {
			row.Cells[3].Note = l.T("stepwork.mine")
		}
		if s.Due != 0 {
			row.Cells[4].Text = l.Date(s.Due)
		}
		if s.Overdue {
			row.Cells[4].Tag = ui.Tag{Text: l.T("stepwork.overdue"), Kind: ui.TagRed}
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	if all > list.Size {
		p := list.Pager(l, all)
		v.Table.Pager = &p
	}
	return web.Render(w, r, http.StatusOK, stepsPage(f, v))
}

// stepTag marks the state of a step.
func stepTag(l web.Locale, s theme.State) ui.Tag {
	kind := map[theme.State]ui.TagKind{theme.Done: ui.TagGreen, theme.Rejected: ui.TagRed, theme.Supplement: ui.TagAmber, theme.Due: ui.TagRiver, theme.Accepted: ui.TagRiver}[s]
	return ui.Tag{Text: l.T("step.state." + string(s)), Kind: kind}
}

type stepCaseView struct {
	ID     string
	Facts  []ui.SummaryRow
	Person bool // who it is about can be shown
	Token  string
	Own    []stepView
	Others []ui.SummaryRow
}

// stepView is one step of the department with what can be done to it now.
type stepView struct {
	Key, Name string
	Version   string
	State     ui.Tag
	Facts     []ui.SummaryRow
	Take      string // "" for nothing to take, else the act: take, takeover
	Work      bool   // it can be finished, asked about, rejected
	Reject    bool   // it can be rejected only
	Value     string
	Error     string
}

func (c *Console) stepCase(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	return c.showStepCase(w, r, ad, nil, "", "", "")
}

// showStepCase shows a case to a department; wrong says what is wrong with the text of a step.
func (c *Console) showStepCase(w http.ResponseWriter, r *http.Request, ad *app.Admin, p *booking.Parties, step, value, wrong string) error {
	l := web.LocaleOf(r)
	one, err := c.App.StepCase(r.Context(), ad, r.PathValue("id"))
	if err != nil {
		return err
	}
	f := c.frame(w, r, ad, l.Text(one.Theme.Name))
	f.Path = append(c.home0(l), ui.Link{Text: l.T("stepwork.title"), Href: stepsPath})
	f.Narrow, f.Error = true, wrong != ""
	v := stepCaseView{ID: one.Case.ID, Token: f.Token}
	person := ui.SummaryRow{Key: l.T("stepwork.person"), Value: one.Name}
	if p != nil {
		person.Value = p.Applicant.Name
		for _, line := range []string{p.Applicant.Document.Number, p.Applicant.CreditCode, p.Applicant.Phone} {
			if line != "" {
				person.Lines = append(person.Lines, line)
			}
		}
		w.Header().Set("Cache-Control", "no-store")
	}
	v.Facts = []ui.SummaryRow{
		person, {Key: l.T("stepwork.opened"), Value: l.When(one.Case.OpenedAt), Lines: []string{hallText(l, one.Hall)}},
		{Key: l.T("stepwork.case"), Value: l.T("onething.end." + string(one.Case.State))},
	}
	for _, s := range one.Steps {
		if s.Department != ad.Account.Unit {
			unit := s.Department
			if s.Unit != nil {
				unit = l.Text(s.Unit.Name)
			}
			v.Others = append(v.Others, ui.SummaryRow{Key: l.Text(s.Step.Name), Value: l.T("step.state." + string(s.State)), Lines: []string{unit}})
			continue
		}
		o := stepView{Key: s.Key, Name: l.Text(s.Step.Name), Version: strconv.Itoa(s.Version), State: stepTag(l, s.State)}
		row := func(key, value string) {
			if value != "" {
				o.Facts = append(o.Facts, ui.SummaryRow{Key: l.T(key), Value: value})
			}
		}
		if s.Due != 0 {
			due := l.Date(s.Due)
			if s.Overdue {
				due += " · " + l.T("stepwork.overdue")
			}
			row("stepwork.due", due)
		}
		row("stepwork.by", s.By)
		row("stepwork.asked", s.Asked)
		row("stepwork.given", s.Given)
		row("stepwork.said", s.Said)
		mine := s.By == ad.Account.ID
		switch {
		case s.State == theme.Due:
			o.Take = string(theme.Take)
		case s.State == theme.Accepted && !mine:
			o.Take = string(theme.TakeOver)
		}
		o.Work = s.State == theme.Accepted && mine
		o.Reject = s.State == theme.Supplement && mine
		v.Person = v.Person || p == nil && (s.State == theme.Accepted || s.State == theme.Supplement)
		if s.Key == step {
			o.Value, o.Error = value, wrong
		}
		v.Own = append(v.Own, o)
	}
	status := http.StatusOK
	if wrong != "" {
		status = http.StatusUnprocessableEntity
	}
	return web.Render(w, r, status, stepCasePage(f, v))
}

func (c *Console) workStep(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	id, p := r.PathValue("id"), r.PostForm
	version, _ := strconv.Atoi(p.Get("version"))
	act := app.StepAct{Kind: theme.ActKind(p.Get("act")), Case: id, Step: p.Get("step"), Version: max(version, 1), Text: p.Get("text")}
	if err := c.App.WorkStep(r.Context(), ad, act); err != nil {
		if f := asInvalid(err); f != nil && slices.Contains([]theme.ActKind{theme.Ask, theme.Finish, theme.Reject}, act.Kind) {
			l := web.LocaleOf(r)
			return c.showStepCase(w, r, ad, nil, act.Step, strings.TrimSpace(act.Text), l.FieldSentence(l.T("stepwork.text"), f.Fields[0].Code))
		}
		return err
	}
	return web.SeeOther(w, r, stepCasePath(id))
}

// stepPerson shows who a case is about once, in the answer itself.
func (c *Console) stepPerson(w http.ResponseWriter, r *http.Request, ad *app.Admin) error {
	p, err := c.App.CasePerson(r.Context(), ad, r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.showStepCase(w, r, ad, &p, "", "", "")
}

func hallText(l web.Locale, h *directory.Hall) string {
	if h == nil {
		return "—"
	}
	return l.Text(h.Name)
}
