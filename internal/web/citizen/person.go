package citizen

import (
	"net/http"
	"sort"
	"strings"

	"github.com/a-h/templ"

	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// documentKinds in the order most people carry them.
var documentKinds = []identity.DocumentKind{
	identity.ResidentID, identity.HKMacauPermit, identity.TaiwanPermit, identity.ForeignPermanent, identity.Passport,
}

type personView struct {
	L      web.Locale
	Token  string
	Action string
	Errors []ui.ErrorItem
	Steps  ui.StepsView
	Title  string
	Hint   string

	Name, Number, Phone ui.InputView
	Kind, Nationality   ui.ChoiceView
	Birth               ui.DateInputView
	Keep                *ui.CheckboxView

	Organisation         bool
	CreditCode, FullName ui.InputView
}

// person asks who somebody else is.
func (p *Pages) person(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	return p.typing(w, r, who, forOther)
}

// organisation asks for an organisation's name and credit code.
func (p *Pages) organisation(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	return p.typing(w, r, who, forOrganisation)
}

func (p *Pages) typing(w http.ResponseWriter, r *http.Request, who *identity.Session, whom string) error {
	d := p.draftOf(r, r.URL.Query().Get("draft"), who.Person.Key)
	if d == nil {
		return p.draftGone(w, r, who)
	}
	if d.Done != "" {
		return web.SeeOther(w, r, d.done())
	}
	return p.showPerson(w, r, who, d, whom, nil)
}

// nameSomebody takes what was typed. It is kept before anything else, so that neither a mistake nor a
// sign-in that has run out loses it.
func (p *Pages) nameSomebody(w http.ResponseWriter, r *http.Request) error {
	if err := p.form(r); err != nil {
		return err
	}
	id := r.URL.Query().Get("draft")
	whom := forOther
	if r.URL.Path == "/book/organisation" {
		whom = forOrganisation
	}
	who, err := p.session(r)
	d := p.anyDraft(r, id)
	if err != nil {
		if d != nil && d.Done == "" {
			d.about(typedIn(r, d.Other, whom))
			if err := p.keep(w, r, d); err != nil {
				return err
			}
		}
		return p.toSignIn(w, r, err, r.URL.RequestURI())
	}
	if d == nil || d.Owner != who.Person.Key {
		return p.draftGone(w, r, who)
	}
	if d.Done != "" {
		return web.SeeOther(w, r, d.done())
	}
	full := typedIn(r, d.Other, whom)
	d.about(full)
	d.forWhom(whom, d.Units)
	f := full.check(whom, calendar.DateOf(p.app.Now()))
	if f == nil && whom == forOther && r.PostForm.Get("keep") != "" {
		p.keepPerson(r, who, d)
	}
	if err := p.keep(w, r, d); err != nil {
		return err
	}
	if f != nil {
		return p.showPerson(w, r, who, d, whom, f)
	}
	return web.SeeOther(w, r, address("/book/check", "draft", d.ID))
}

// keepPerson remembers the person for the next time. When it cannot be done now the booking goes on:
// it holds all it needs.
func (p *Pages) keepPerson(r *http.Request, who *identity.Session, d *draft) {
	a := d.applicant(who)
	kept, err := p.app.KeepPerson(r.Context(), who, d.Key, booking.Party{Name: a.Name, Document: a.Document, Birth: a.Birth, Phone: a.Phone})
	if err == nil {
		d.forWhom(forKept+kept.ID, d.Units)
	}
}

// typedIn reads the fields of one of the two forms over what the other left.
func typedIn(r *http.Request, t typed, whom string) typed {
	f := func(name string) string { return strings.TrimSpace(strings.ToValidUTF8(r.PostForm.Get(name), "")) }
	if whom == forOrganisation {
		t.OrgName, t.CreditCode = f("name"), f("credit_code")
		return t
	}
	t.Name, t.Kind, t.Number, t.Phone = f("name"), f("kind"), f("number"), f("phone")
	t.Nationality = f("nationality")
	t.Year, t.Month, t.Day = f("birth-year"), f("birth-month"), f("birth-day")
	return t
}

// check finds all that is wrong with what was typed, under the names Book uses; nil for nothing.
// It decides nothing: Book asks again.
func (t typed) check(whom string, today calendar.Date) *fault.Error {
	kind, party := booking.Other, booking.Party{Name: t.Name, Document: t.document(), Birth: t.birth(), Phone: t.Phone}
	if whom == forOrganisation {
		kind, party = booking.Organisation, booking.Party{Name: t.OrgName, CreditCode: t.CreditCode}
	}
	wrong := party.Normalised().Check(kind, today)
	if len(wrong) == 0 {
		return nil
	}
	return fault.InvalidFields(wrong...)
}

func (p *Pages) showPerson(w http.ResponseWriter, r *http.Request, who *identity.Session, d *draft, whom string, wrong *fault.Error) error {
	path := "/book/person"
	if whom == forOrganisation {
		path = "/book/organisation"
	}
	self := address(path, "draft", d.ID)
	s := p.shell(w, r, who, "", self)
	l := s.L
	c, err := p.choiceFor(d)
	if err != nil {
		return p.notHere(w, r, err, d.Item)
	}
	s.Back = back(l, d.askWhom())
	v := personView{L: l, Token: s.Token, Action: self, Organisation: whom == forOrganisation,
		Steps: ui.StepsView{L: l, Step: 3, Total: bookingSteps, Chosen: p.chosenRows(l, c, d.ID)}}
	p.fill(&v, l, d)
	s.Title = v.Title
	status := http.StatusOK
	if wrong != nil {
		s.Error, status = true, web.Status(wrong)
		v.Errors = v.wrong(wrong)
	}
	return web.Render(w, r, status, personPage(s, v))
}

// wrong marks the fields a fault is about and lists it for the summary.
func (v *personView) wrong(f *fault.Error) []ui.ErrorItem {
	if len(f.Fields) == 0 {
		return []ui.ErrorItem{{Text: v.L.Sentence(f), Code: string(f.Code)}}
	}
	return mark(v.L, f, v.fields())
}

// fields leads from the paths of a fault to the fields of the form.
func (v *personView) fields() map[string]*ui.FieldView {
	if v.Organisation {
		return map[string]*ui.FieldView{"applicant.name": &v.FullName.FieldView, "applicant.credit_code": &v.CreditCode.FieldView}
	}
	return map[string]*ui.FieldView{
		"applicant.name": &v.Name.FieldView, "applicant.document.kind": &v.Kind.FieldView, "applicant.document.number": &v.Number.FieldView,
		"applicant.document.nationality": &v.Nationality.FieldView, "applicant.birth": &v.Birth.FieldView, "applicant.phone": &v.Phone.FieldView,
	}
}

// fill writes the form with what was typed before.
func (p *Pages) fill(v *personView, l web.Locale, d *draft) {
	t := d.Other
	field := func(id, label, hint string) ui.FieldView {
		f := ui.FieldView{ID: id, Label: l.T(label)}
		if hint != "" {
			f.Hint = l.T(hint)
		}
		return f
	}
	if v.Organisation {
		v.Title, v.Hint = l.T("citizen.organisation.title"), l.T("citizen.organisation.hint")
		v.FullName = ui.InputView{FieldView: field("name", "citizen.organisation.name", "citizen.organisation.name_hint"), Value: t.OrgName, Autocomplete: "organization"}
		v.CreditCode = ui.InputView{FieldView: field("credit_code", "citizen.organisation.code", "citizen.organisation.code_hint"), Value: t.CreditCode, Width: 20, Attrs: plainText}
	} else {
		v.Title, v.Hint = l.T("citizen.person.title"), l.T("citizen.person.hint")
		v.Name = ui.InputView{FieldView: field("name", "citizen.person.name", "citizen.person.name_hint"), Value: t.Name, Autocomplete: "off", Width: 20}
		v.Kind = ui.ChoiceView{FieldView: field("kind", "citizen.person.kind", "")}
		kind := t.Kind
		if kind == "" {
			kind = string(identity.ResidentID)
		}
		for _, k := range documentKinds {
			v.Kind.Options = append(v.Kind.Options, ui.Option{Value: string(k), Text: documentName(l, k), Selected: kind == string(k)})
		}
		v.Number = ui.InputView{FieldView: field("number", "citizen.person.number", "citizen.person.number_hint"), Value: t.Number, Width: 20, Attrs: plainText}
		v.Nationality = ui.ChoiceView{FieldView: field("nationality", "citizen.person.nationality", ""), Options: countries(l, t.Nationality)}
		v.Birth = ui.DateInputView{FieldView: field("birth", "citizen.person.birth", ""), L: l, Year: t.Year, Month: t.Month, Day: t.Day}
		v.Phone = ui.InputView{FieldView: field("phone", "citizen.person.phone", "citizen.person.phone_hint"), Value: t.Phone, Type: "tel", Autocomplete: "off", Width: 20}
		v.Phone.Label += l.T("field.optional")
		v.Keep = &ui.CheckboxView{FieldView: field("keep", "citizen.person.keep", "")}
	}
}

// plainText keeps a browser from changing or remembering a number somebody types.
var plainText = templ.Attributes{"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}

// countries lists the nationalities a passport may be of, in the order of their English names: the one
// order readers of all three languages can look in.
func countries(l web.Locale, chosen string) []ui.Option {
	list := identity.Nationalities()
	sort.Slice(list, func(i, j int) bool { return list[i].En < list[j].En })
	out := make([]ui.Option, 0, len(list)+1)
	out = append(out, ui.Option{Text: l.T("form.choose")})
	for _, c := range list {
		text := c.En
		switch l {
		case web.Hans:
			text += " " + c.Hans
		case web.Hant:
			text += " " + c.Hant
		}
		out = append(out, ui.Option{Value: c.Code, Text: text, Selected: c.Code == chosen})
	}
	return out
}
