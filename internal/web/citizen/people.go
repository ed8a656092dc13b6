package citizen

import (
	"crypto/rand"
	"net/http"
	"strings"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

type peopleView struct {
	L     web.Locale
	Title string
	Tabs  []ui.Link
	Lead  string
	Empty *ui.EmptyView
	Rows  []ui.SummaryRow
	Full  *ui.NoticeView
	Add   *ui.ButtonView
}

// people lists whom somebody looks after: with them, booking is one tap.
func (a *Account) people(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	return a.showPeople(w, r, who, http.StatusOK)
}

func (a *Account) showPeople(w http.ResponseWriter, r *http.Request, who *identity.Session, status int) error {
	list, err := a.app.KeptPeople(r.Context(), who)
	if err != nil {
		return err
	}
	l := web.LocaleOf(r)
	s := a.frame(w, r, who, tabPeople, l.T("account.people.title"), "/people")
	v := peopleView{L: l, Title: s.Title, Tabs: tabLinks(l, tabPeople), Lead: l.T("account.people.lead")}
	add := &ui.ButtonView{Text: l.T("account.people.add"), Href: "/people/new"}
	switch {
	case len(list) == 0:
		v.Lead, v.Empty = "", &ui.EmptyView{Title: l.T("account.people.none"), Text: l.T("account.people.lead"), Action: add}
	case len(list) >= app.MostKept:
		v.Full = &ui.NoticeView{L: l, Title: l.N("account.people.full", app.MostKept)}
	default:
		v.Add = add
	}
	for _, k := range list {
		v.Rows = append(v.Rows, ui.SummaryRow{
			Key: k.Person.Name, Value: documentName(l, k.Document), Lines: nonEmpty(k.Person.Number, k.Person.Phone),
			Change: &ui.Link{Text: l.T("account.people.remove"), Href: "/people/" + k.ID + "/remove"},
		})
	}
	return web.Render(w, r, status, peoplePage(s, v))
}

type newPersonView struct {
	L      web.Locale
	Token  string
	Action string
	Key    string
	Errors []ui.ErrorItem
	Title  string
	Hint   string
	Form   personView
	Save   ui.ButtonView
}

// newPerson asks who somebody is.
func (a *Account) newPerson(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	return a.showNewPerson(w, r, who, typed{}, rand.Text(), nil)
}

// addPerson keeps them. The key in the form makes a second press harmless.
func (a *Account) addPerson(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := a.form(r); err != nil {
		return err
	}
	if err := a.slowDown(who); err != nil {
		return err
	}
	t := typedIn(r, typed{}, forOther).clipped()
	key := r.PostForm.Get("key")
	_, err := a.app.KeepPerson(r.Context(), who, key, booking.Party{Name: t.Name, Document: t.document(), Birth: t.birth(), Phone: t.Phone})
	f := fault.As(err)
	switch {
	case err == nil:
		return web.SeeOther(w, r, "/people")
	case len(f.Fields) == 1 && f.Fields[0].Path == "people":
		return a.showPeople(w, r, who, web.Status(f)) // it says that the list is full
	case f.Code == fault.KeyReused: // back, and somebody else typed over: they are meant
		return a.showNewPerson(w, r, who, t, rand.Text(), f)
	case f.Kind == fault.Invalid || f.Kind == fault.Unavailable:
		return a.showNewPerson(w, r, who, t, key, f)
	}
	return err
}

func (a *Account) showNewPerson(w http.ResponseWriter, r *http.Request, who *identity.Session, t typed, key string, wrong *fault.Error) error {
	l := web.LocaleOf(r)
	s := a.frame(w, r, who, tabPeople, l.T("account.people.new"), "/people/new")
	s.Back = &ui.Link{Text: l.T("account.people.title"), Href: "/people"}
	v := newPersonView{L: l, Token: s.Token, Action: "/people/new", Key: key, Title: s.Title, Hint: l.T("account.people.new_hint"), Save: ui.ButtonView{Text: l.T("account.people.save")}}
	v.Form.L = l
	a.fill(&v.Form, l, &draft{Other: t})
	status := http.StatusOK
	if wrong != nil {
		s.Error, status = true, web.Status(wrong)
		fields := map[string]*ui.FieldView{}
		for path, f := range v.Form.fields() {
			fields[strings.TrimPrefix(path, "applicant.")] = f
		}
		v.Errors = mark(l, wrong, fields)
		if len(wrong.Fields) == 0 {
			v.Errors = []ui.ErrorItem{{Text: l.Sentence(wrong)}}
			if wrong.Code == fault.KeyReused {
				v.Errors[0].Text = l.T("account.people.again")
			}
		}
	}
	return web.Render(w, r, status, newPersonPage(s, v))
}

type removalView struct {
	L      web.Locale
	Token  string
	Action string
	Title  string
	Row    []ui.SummaryRow
	Text   string
	Remove ui.ButtonView
	Keep   ui.ButtonView
}

// confirmRemoval asks before somebody is forgotten. One who is not there any more is no question.
func (a *Account) confirmRemoval(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	list, err := a.app.KeptPeople(r.Context(), who)
	if err != nil {
		return err
	}
	for _, k := range list {
		if k.ID != r.PathValue("id") {
			continue
		}
		l := web.LocaleOf(r)
		s := a.frame(w, r, who, tabPeople, l.T("account.people.remove_title"), r.URL.Path)
		s.Back = &ui.Link{Text: l.T("account.people.title"), Href: "/people"}
		return web.Render(w, r, http.StatusOK, removalPage(s, removalView{
			L: l, Token: s.Token, Title: s.Title, Action: "/people/" + k.ID + "/remove", Text: l.T("account.people.remove_text"),
			Row:    []ui.SummaryRow{{Key: k.Person.Name, Value: documentName(l, k.Document), Lines: nonEmpty(k.Person.Number)}},
			Remove: ui.ButtonView{Text: l.T("account.people.remove_yes"), Kind: ui.Danger},
			Keep:   ui.ButtonView{Text: l.T("account.people.remove_no"), Kind: ui.Secondary, Href: "/people"},
		}))
	}
	return web.SeeOther(w, r, "/people")
}

// removePerson forgets somebody; one already forgotten is as well.
func (a *Account) removePerson(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := a.form(r); err != nil {
		return err
	}
	if err := a.app.ForgetPerson(r.Context(), who, r.PathValue("id")); err != nil {
		return err
	}
	return web.SeeOther(w, r, "/people")
}
