package citizen

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/domain/theme"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// One thing (一件事, Art. 20): the themes, and a person's own cases.

const casesPath = "/cases"

type themesView struct {
	L     web.Locale
	Title string
	Lead  string
	Items []ui.ItemView
	Empty *ui.EmptyView
}

// categoryPath is the page of a heading: themes have one of their own.
func categoryPath(id string) string {
	if id == directory.ThemeCategory {
		return "/themes"
	}
	return "/category/" + id
}

// themes lists the themes that can be booked.
func (p *Pages) themes(w http.ResponseWriter, r *http.Request) error {
	s := p.shell(w, r, p.visitor(r), "", "/themes")
	l := s.L
	s.Title, s.Back = l.T("themes.title"), back(l, "/")
	list, err := p.app.Themes(r.Context())
	if err != nil {
		return err
	}
	v := themesView{L: l, Title: s.Title, Lead: l.T("themes.lead")}
	for _, t := range list {
		v.Items = append(v.Items, ui.ItemView{
			Name: l.Text(t.Name), Href: "/themes/" + t.Code, Summary: l.Text(t.Summary), Meta: l.T("themes.meta", "n", strconv.Itoa(len(t.Steps)), "departments", strconv.Itoa(len(t.Departments()))),
		})
	}
	if len(v.Items) == 0 {
		v.Empty = &ui.EmptyView{Title: l.T("themes.none"), Action: &ui.ButtonView{Text: l.T("nav.home"), Href: "/", Kind: ui.Secondary}}
	}
	return web.Render(w, r, http.StatusOK, themesPage(s, v))
}

// stepView is one step of a theme: what is done stands first, by whom and when below it.
type stepView struct {
	Name  string
	Lines []string
}

type themeView struct {
	L       web.Locale
	Name    string
	Summary string
	Lead    string
	Steps   []stepView
	Bring   []string
	Book    ui.ButtonView
}

// theme shows one theme: what it is, how it goes, what to bring once.
func (p *Pages) theme(w http.ResponseWriter, r *http.Request) error {
	t, err := p.app.Theme(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	s := p.shell(w, r, p.visitor(r), "", "/themes/"+t.Code)
	l := s.L
	s.Title, s.Back = l.Text(t.Name), &ui.Link{Text: l.T("themes.all"), Href: "/themes"}
	v := themeView{L: l, Name: s.Title, Summary: l.Text(t.Summary), Lead: l.T("themes.lead"), Book: ui.ButtonView{Text: l.T("themes.book"), Href: "/item/" + t.Code}}
	for _, step := range t.Steps {
		when := l.T("themes.at_once")
		if step.Serial() {
			when = l.T("themes.after", "steps", stepNames(l, t, step.After))
		}
		v.Steps = append(v.Steps, stepView{l.Text(step.Name), []string{unitName(l, p.app.City().Unit(step.Department)), when + " · " + l.N("themes.days", step.Days)}})
	}
	for _, m := range t.Materials {
		v.Bring = append(v.Bring, l.Text(m))
	}
	return web.Render(w, r, http.StatusOK, themePage(s, v))
}

func stepNames(l web.Locale, t *theme.Theme, keys []string) string {
	var names []string
	for _, k := range keys {
		if s := t.Step(k); s != nil {
			names = append(names, l.Text(s.Name))
		}
	}
	return strings.Join(names, l.T("list.and"))
}

func unitName(l web.Locale, u *directory.Unit) string {
	if u == nil {
		return "—"
	}
	return l.Text(u.Name)
}

type mattersView struct {
	L     web.Locale
	Title string
	Tabs  []ui.Link
	Cards []ui.CardView
	Empty *ui.EmptyView
}

// cases lists the person's cases, those with something for them to do first.
func (a *Account) cases(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	l := web.LocaleOf(r)
	list, err := a.app.MyCases(r.Context(), who)
	if err != nil {
		return err
	}
	s := a.frame(w, r, who, tabCases, l.T("mycases.title"), casesPath)
	v := mattersView{L: l, Title: s.Title, Tabs: tabLinks(l, tabCases)}
	asks := func(c app.OneThing) int {
		if slices.ContainsFunc(c.Steps, func(s app.OneStep) bool { return s.State == theme.Supplement }) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(list, func(x, y app.OneThing) int { return asks(x) - asks(y) })
	for _, c := range list {
		over := 0
		for _, s := range c.Steps {
			if s.State.Over() {
				over++
			}
		}
		card := ui.CardView{Title: l.Text(c.Theme.Name), Href: casesPath + "/" + c.Case.ID, Lines: []string{
			l.T("onething.end."+string(c.Case.State)) + " · " + l.T("mycases.progress", "n", strconv.Itoa(over), "all", strconv.Itoa(len(c.Steps))), openedText(l, c),
		}}
		if c.Whom != "" {
			card.Lines = append(card.Lines, l.T("account.bookings.for", "name", c.Whom))
		}
		if asks(c) == 0 {
			card.Kicker = l.T("step.state.supplement")
		}
		v.Cards = append(v.Cards, card)
	}
	if len(list) == 0 {
		v.Empty = &ui.EmptyView{Title: l.T("mycases.none"), Text: l.T("mycases.none_hint"), Action: &ui.ButtonView{Text: l.T("themes.all"), Href: "/themes"}}
	}
	return web.Render(w, r, http.StatusOK, casesPageOf(s, v))
}

func openedText(l web.Locale, c app.OneThing) string {
	hall := c.Case.HallID
	if c.Hall != nil {
		hall = l.Text(c.Hall.Name)
	}
	return l.T("mycases.opened", "date", l.When(c.Case.OpenedAt), "hall", hall)
}

type caseView struct {
	L        web.Locale
	ID       string
	Token    string
	Title    string
	Lines    []string
	State    ui.Tag
	Asks     []askView
	Steps    []taskView
	Withdraw *ui.ButtonView
	Errors   []ui.ErrorItem
}

// askView is a supplement a department asked for.
type askView struct {
	Key, Name, Text, Version, Value, Error string
}

// taskView is one line of the task list.
type taskView struct {
	Name  string
	State ui.Tag
	Lines []string
}

func (a *Account) oneCase(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	return a.showCase(w, r, who, "", "", nil)
}

func (a *Account) showCase(w http.ResponseWriter, r *http.Request, who *identity.Session, step, value string, wrong *fault.Error) error {
	l := web.LocaleOf(r)
	c, err := a.app.MyCase(r.Context(), who, r.PathValue("id"))
	if err != nil {
		return err
	}
	s := a.frame(w, r, who, tabCases, l.Text(c.Theme.Name), casesPath+"/"+c.Case.ID)
	s.Back = &ui.Link{Text: l.T("mycases.title"), Href: casesPath}
	v := caseView{L: l, ID: c.Case.ID, Token: s.Token, Title: s.Title, Lines: []string{openedText(l, c)}, State: ui.Tag{Text: l.T("onething.end." + string(c.Case.State)), Kind: endTag(c.Case.State)}}
	if c.Whom != "" {
		v.Lines = append(v.Lines, l.T("account.bookings.for", "name", c.Whom))
	}
	for _, st := range c.Steps {
		t := taskView{Name: l.Text(st.Step.Name), State: ui.Tag{Text: l.T("step.state." + string(st.State)), Kind: stateTagKind(st.State)}, Lines: []string{unitName(l, st.Unit)}}
		switch {
		case st.State == theme.Waiting:
			t.Lines = append(t.Lines, l.T("themes.after", "steps", stepNames(l, c.Theme, st.Step.After)))
		case st.Overdue:
			t.Lines = append(t.Lines, l.T("mycases.overdue"))
		case st.Due != 0:
			t.Lines = append(t.Lines, l.T("mycases.due", "date", l.Date(st.Due)))
		case st.State == theme.Stopped:
			t.Lines = append(t.Lines, l.T("mycases.stopped", "steps", stepNames(l, c.Theme, st.Blocked)))
		}
		if st.Said != "" {
			key := "mycases.result"
			if st.State == theme.Rejected {
				key = "mycases.why"
			}
			t.Lines = append(t.Lines, l.T(key, "text", st.Said))
		}
		if st.State != theme.Supplement && st.Given != "" && !st.State.Over() {
			t.Lines = append(t.Lines, l.T("mycases.given", "text", st.Given))
		}
		if st.State == theme.Supplement {
			ask := askView{Key: st.Key, Name: l.Text(st.Step.Name), Text: st.Asked, Version: strconv.Itoa(st.Version)}
			if wrong != nil && st.Key == step && len(wrong.Fields) > 0 {
				ask.Value, ask.Error = value, l.FieldSentence(l.T("mycases.answer"), wrong.Fields[0].Code)
				v.Errors = append(v.Errors, ui.ErrorItem{Text: ask.Error, Href: "#answer-" + st.Key})
			}
			v.Asks = append(v.Asks, ask)
		}
		v.Steps = append(v.Steps, t)
	}
	if c.Case.State == theme.Running {
		v.Withdraw = &ui.ButtonView{Text: l.T("mycases.withdraw"), Kind: ui.Secondary, Href: casesPath + "/" + c.Case.ID + "/withdraw"}
	}
	status := http.StatusOK
	if wrong != nil {
		status = http.StatusUnprocessableEntity
	}
	w.Header().Set("Cache-Control", "no-store")
	return web.Render(w, r, status, casePageOf(s, v))
}

func stateTagKind(s theme.State) ui.TagKind {
	return map[theme.State]ui.TagKind{theme.Done: ui.TagGreen, theme.Rejected: ui.TagRed, theme.Supplement: ui.TagAmber, theme.Due: ui.TagRiver, theme.Accepted: ui.TagRiver}[s]
}

func endTag(e theme.End) ui.TagKind {
	return map[theme.End]ui.TagKind{theme.Running: ui.TagRiver, theme.Complete: ui.TagGreen, theme.Partly: ui.TagAmber, theme.Refused: ui.TagRed}[e]
}

// answerCase gives a department what it asked for.
func (a *Account) answerCase(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := a.form(r); err != nil {
		return err
	}
	if err := a.slowDown(who); err != nil {
		return err
	}
	id, f := r.PathValue("id"), r.PostForm
	version, _ := strconv.Atoi(f.Get("version"))
	err := a.app.AnswerStep(r.Context(), who, id, f.Get("step"), max(version, 1), f.Get("text"))
	if e := fault.As(err); err != nil && e.Code == fault.InvalidRequest {
		return a.showCase(w, r, who, f.Get("step"), f.Get("text"), e)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, casesPath+"/"+id)
}

type withdrawView struct {
	L                      web.Locale
	Title, Text, ID, Token string
	Whom                   string // whose business it is, "" for one's own
	Do, Keep               ui.ButtonView
}

// withdraw asks once more before a case is withdrawn.
func (a *Account) withdraw(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	l := web.LocaleOf(r)
	c, err := a.app.MyCase(r.Context(), who, r.PathValue("id"))
	if err != nil {
		return err
	}
	at := casesPath + "/" + c.Case.ID
	s := a.frame(w, r, who, tabCases, l.T("mycases.withdraw"), at+"/withdraw")
	s.Back = &ui.Link{Text: l.Text(c.Theme.Name), Href: at}
	return web.Render(w, r, http.StatusOK, withdrawPage(s, withdrawView{
		L: l, Title: s.Title, Text: l.T("mycases.withdraw_text"), Whom: c.Whom, ID: c.Case.ID, Token: s.Token,
		Do: ui.ButtonView{Text: l.T("mycases.withdraw_do"), Kind: ui.Danger}, Keep: ui.ButtonView{Text: l.T("mycases.keep"), Kind: ui.Secondary, Href: at},
	}))
}

func (a *Account) withdrawNow(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := a.form(r); err != nil {
		return err
	}
	id := r.PathValue("id")
	if err := a.app.WithdrawCase(r.Context(), who, id); err != nil && fault.CodeOf(err) != fault.CaseOver {
		return err
	}
	return web.SeeOther(w, r, casesPath+"/"+id)
}
