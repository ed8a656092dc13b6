package citizen

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// visit is the sign-in of a foreigner who has no provincial identity (Art. 12), between the form and
// the code. It lives sealed in the cookie of a sign-in on its way: nothing of it stands in an address.
type visit struct {
	Typed typed     `json:"t"`
	Back  []byte    `json:"b"`
	Sent  time.Time `json:"s"`
	Until time.Time `json:"u"`
}

const (
	visitLife  = 15 * time.Minute
	visitAbout = "visitor on the way in"
)

// visitorKinds are the documents the form names; all but the first sign in at the provincial platform.
var visitorKinds = []identity.DocumentKind{identity.Passport, identity.ForeignPermanent, identity.HKMacauPermit, identity.TaiwanPermit}

// visitOf returns the visitor's sign-in this browser is on, nil for none.
func (a *Account) visitOf(r *http.Request) *visit {
	plain, ok := a.openText(a.cookies.Flow(r), visitAbout)
	var v visit
	if !ok || json.Unmarshal(plain, &v) != nil || !a.app.Now().Before(v.Until) {
		return nil
	}
	return &v
}

func (a *Account) keepVisit(w http.ResponseWriter, v visit) error {
	v.Typed = v.Typed.clipped()
	plain, err := json.Marshal(v)
	if err != nil {
		return err
	}
	a.cookies.SetFlow(w, a.sealText(plain, visitAbout), visitLife)
	return nil
}

// visitor is what was typed as the use case takes it.
func (t typed) visitor() app.Visitor {
	return app.Visitor{
		Document: identity.Document{Kind: identity.DocumentKind(t.Kind), Number: t.Number, Nationality: t.Nationality},
		Birth:    t.birth(), Name: t.Name, Phone: t.Phone,
	}
}

type visitorView struct {
	L           web.Locale
	Token       string
	Action      string
	Title       string
	Errors      []ui.ErrorItem
	Notice      *ui.NoticeView
	Scope       ui.NoticeView
	Kind        ui.ChoiceView
	Number      ui.InputView
	Nationality ui.ChoiceView
	Birth       ui.DateInputView
	Name        ui.InputView
	Phone       ui.InputView
	Send        ui.ButtonView
}

// fields leads from the paths of a fault to the fields of the form.
func (v *visitorView) fields() map[string]*ui.FieldView {
	return map[string]*ui.FieldView{
		"document.kind": &v.Kind.FieldView, "document.number": &v.Number.FieldView, "document.nationality": &v.Nationality.FieldView,
		"birth": &v.Birth.FieldView, "name": &v.Name.FieldView, "phone": &v.Phone.FieldView,
	}
}

// visitorPage asks who a foreigner is. Back from the code, it holds what was typed.
func (a *Account) visitorPage(w http.ResponseWriter, r *http.Request) error {
	t := typed{Kind: string(identity.Passport)}
	back := localPath(r.URL.Query().Get("return"))
	if v := a.visitOf(r); v != nil {
		t = v.Typed
	}
	return a.showVisitor(w, r, t, back, nil)
}

// visitorSend sends the code. The answer does not depend on who has been here before.
func (a *Account) visitorSend(w http.ResponseWriter, r *http.Request) error {
	if err := a.form(r); err != nil {
		return err
	}
	back := localPath(r.URL.Query().Get("return"))
	t := typedIn(r, typed{}, forOther).clipped()
	if t.Kind != string(identity.Passport) {
		return a.showVisitor(w, r, t, back, fault.InvalidFields(fault.Field{Path: "document.kind", Code: kindFault(t.Kind)}))
	}
	// Mistakes cost nothing: only what would send a message counts.
	if today, _ := a.today(); t.check(forOther, today) == nil {
		if err := a.slowAddress(r); err != nil {
			return a.showVisitor(w, r, t, back, fault.As(err))
		}
	}
	if err := a.app.RequestVisitorCode(r.Context(), t.visitor()); err != nil {
		f := fault.As(err)
		before := a.visitOf(r)
		if f.Code == fault.CodeTooOften && before != nil && before.Typed == t {
			return web.SeeOther(w, r, codePath) // the code sent a moment ago is for these very words
		}
		return a.showVisitor(w, r, t, back, f)
	}
	now := a.app.Now()
	if err := a.keepVisit(w, visit{Typed: t, Back: []byte(back), Sent: now, Until: now.Add(visitLife)}); err != nil {
		return err
	}
	return web.SeeOther(w, r, codePath)
}

func kindFault(kind string) fault.Code {
	switch {
	case kind == "":
		return fault.Required
	case identity.DocumentKind(kind) == identity.ForeignPermanent, identity.DocumentKind(kind) == identity.HKMacauPermit, identity.DocumentKind(kind) == identity.TaiwanPermit:
		return fault.DocumentUnsupported
	}
	return fault.NotOneOf
}

func (a *Account) showVisitor(w http.ResponseWriter, r *http.Request, t typed, back string, wrong *fault.Error) error {
	l := web.LocaleOf(r)
	self := address("/sign-in/visitor", "return", back)
	s := a.shell(w, r, a.visitor(r), l.T("account.visitor.title"), self)
	s.SignIn, s.Back = "", &ui.Link{Text: l.T("nav.back"), Href: a.signInURL(back)}
	field := func(id, hint string) ui.FieldView {
		f := ui.FieldView{ID: id, Label: l.T("account.visitor." + id)}
		if hint != "" {
			f.Hint = l.T(hint)
		}
		return f
	}
	v := visitorView{
		L: l, Token: a.cookies.FormToken(w, r), Action: self, Title: s.Title,
		Scope:       ui.NoticeView{L: l, Title: l.T("account.visitor.scope"), Text: l.T("account.visitor.scope_text", "provider", a.providerName(l))},
		Kind:        ui.ChoiceView{FieldView: field("kind", "")},
		Name:        ui.InputView{FieldView: field("name", "account.visitor.name_hint"), Value: t.Name, Autocomplete: "name"},
		Number:      ui.InputView{FieldView: field("number", "account.visitor.number_hint"), Value: t.Number, Width: 20, Attrs: plainText},
		Nationality: ui.ChoiceView{FieldView: field("nationality", "account.visitor.nationality_hint"), Options: countries(l, t.Nationality)},
		Birth:       ui.DateInputView{FieldView: field("birth", "account.visitor.birth_hint"), L: l, Year: t.Year, Month: t.Month, Day: t.Day, Autocomplete: "bday"},
		Phone:       ui.InputView{FieldView: field("phone", "account.visitor.phone_hint"), Value: t.Phone, Type: "tel", Autocomplete: "tel", Width: 20},
		Send:        ui.ButtonView{Text: l.T("account.visitor.send"), Block: true},
	}
	for _, k := range visitorKinds {
		v.Kind.Options = append(v.Kind.Options, ui.Option{Value: string(k), Text: documentName(l, k), Selected: string(k) == t.Kind})
	}
	status := http.StatusOK
	if wrong != nil {
		s.Error, status = true, web.Status(wrong)
		if len(wrong.Fields) == 0 {
			v.Notice = a.codeNotice(l, wrong)
		} else {
			v.Errors = mark(l, wrong, v.fields())
		}
		if wrong.Kind == fault.Invalid && len(wrong.Fields) == 1 && wrong.Fields[0].Code == fault.DocumentUnsupported && wrong.Fields[0].Path == "document.kind" {
			v.Kind.Error = l.T("account.visitor.use_platform", "provider", a.providerName(l))
			v.Errors = []ui.ErrorItem{{Text: v.Kind.Error, Href: "#kind"}}
			v.Notice = &ui.NoticeView{L: l, Title: l.T("account.visitor.platform_title"), Text: l.T("account.signin.about", "provider", a.providerName(l)),
				Links: []ui.Link{{Text: l.T("account.signin.with", "provider", a.providerName(l)), Href: a.startURL(w, r, back)}}}
		}
	}
	return web.Render(w, r, status, visitorPage(s, v))
}

// mark writes the errors of a fault to their fields and lists them for the summary.
func mark(l web.Locale, wrong *fault.Error, fields map[string]*ui.FieldView) []ui.ErrorItem {
	labels, ids := map[string]string{}, map[string]string{}
	for path, f := range fields {
		labels[path], ids[path] = strings.TrimSuffix(f.Label, l.T("field.optional")), f.ID
	}
	for _, bad := range wrong.Fields {
		if f := fields[bad.Path]; f != nil {
			f.Error, f.Code = l.FieldSentence("", bad.Code), string(bad.Code)
		}
	}
	return ui.FieldErrors(l, wrong, labels, ids)
}

// codeNotice is a refusal that is no field's: asked too often, no message could be sent.
func (a *Account) codeNotice(l web.Locale, f *fault.Error) *ui.NoticeView {
	n := noticeOf(l, f, nil)
	if f.RetryAfter > 0 {
		n.Text = l.T("account.code.wait", "n", seconds(f.RetryAfter))
	}
	return &n
}

const codePath = "/sign-in/visitor/code"

type codeView struct {
	L       web.Locale
	Token   string
	Title   string
	Lead    string
	Errors  []ui.ErrorItem
	Notice  *ui.NoticeView
	Code    ui.InputView
	Over    bool // the code is of no more use: only a new one helps
	Change  ui.Link
	Another ui.ButtonView
}

// codePage asks for the code that was sent.
func (a *Account) codePage(w http.ResponseWriter, r *http.Request) error {
	v := a.visitOf(r)
	if v == nil {
		return web.SeeOther(w, r, "/sign-in/visitor")
	}
	return a.showCode(w, r, v, nil)
}

func (a *Account) toCode(w http.ResponseWriter, r *http.Request) error {
	return web.SeeOther(w, r, codePath)
}

// codeEnter signs the visitor in.
func (a *Account) codeEnter(w http.ResponseWriter, r *http.Request) error {
	v, err := a.visitForm(r)
	if err != nil {
		return err
	}
	if v == nil {
		return a.showNotSignedIn(w, r, notSignedIn{"expired", fault.SignInFailed, http.StatusUnauthorized}, "/")
	}
	token, session, err := a.app.SignInVisitor(r.Context(), v.Typed.visitor(), r.PostForm.Get("code"))
	if err != nil {
		f := fault.As(err)
		if f.Kind == fault.Internal {
			return err
		}
		return a.showCode(w, r, v, f)
	}
	a.cookies.ClearFlow(w)
	a.welcome(w, r, token, session)
	return web.SeeOther(w, r, localPath(string(v.Back)))
}

// codeAgain sends another code; the one before is of no more use.
func (a *Account) codeAgain(w http.ResponseWriter, r *http.Request) error {
	v, err := a.visitForm(r)
	if err != nil {
		return err
	}
	if v == nil {
		return a.showNotSignedIn(w, r, notSignedIn{"expired", fault.SignInFailed, http.StatusUnauthorized}, "/")
	}
	if err := a.slowAddress(r); err != nil {
		return a.showCode(w, r, v, fault.As(err))
	}
	if err := a.app.RequestVisitorCode(r.Context(), v.Typed.visitor()); err != nil {
		return a.showCode(w, r, v, fault.As(err))
	}
	v.Sent = a.app.Now()
	v.Until = v.Sent.Add(visitLife)
	if err := a.keepVisit(w, *v); err != nil {
		return err
	}
	return web.SeeOther(w, r, codePath)
}

// visitForm reads a form of the code's page; v is nil when the sign-in took too long.
func (a *Account) visitForm(r *http.Request) (*visit, error) {
	if err := a.form(r); err != nil {
		return nil, err
	}
	return a.visitOf(r), nil
}

func (a *Account) showCode(w http.ResponseWriter, r *http.Request, of *visit, wrong *fault.Error) error {
	l := web.LocaleOf(r)
	back := localPath(string(of.Back))
	s := a.shell(w, r, a.visitor(r), l.T("account.code.title"), codePath)
	s.SignIn = ""
	rules := identity.DefaultCodeRules()
	v := codeView{
		L: l, Token: a.cookies.FormToken(w, r), Title: s.Title,
		Lead: l.T("account.code.lead", "phone", identity.MaskPhone(of.Typed.Phone), "time", web.Clock(of.Sent.Add(rules.Life))),
		Code: ui.InputView{
			FieldView: ui.FieldView{ID: "code", Label: l.T("account.code.label"), Hint: l.T("account.code.hint")},
			InputMode: "numeric", Autocomplete: "one-time-code", Width: 10, Attrs: map[string]any{"maxlength": "12"},
		},
		Change:  ui.Link{Text: l.T("account.code.change"), Href: address("/sign-in/visitor", "return", back)},
		Another: ui.ButtonView{Text: l.T("account.code.another"), Kind: ui.Secondary},
	}
	status := http.StatusOK
	if wrong != nil {
		s.Error, status = true, web.Status(wrong)
		switch {
		case wrong.Code == fault.CodeWrong && wrong.Args["left"] != "0":
			v.Code.Error, v.Code.FieldView.Code = l.T("account.code.wrong", "left", wrong.Args["left"]), string(wrong.Code)
			v.Errors = []ui.ErrorItem{{Text: v.Code.Error, Href: "#code"}}
		case wrong.Code == fault.CodeWrong:
			v.Over, v.Notice = true, &ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.T("account.code.void"), Code: string(wrong.Code)}
		case wrong.Code == fault.CodeExpired:
			v.Over, v.Notice = true, a.codeNotice(l, wrong)
		case len(wrong.Fields) > 0 && wrong.Fields[0].Path == "code":
			v.Errors = mark(l, wrong, map[string]*ui.FieldView{"code": &v.Code.FieldView})
		case len(wrong.Fields) > 0: // the date has changed under what was typed
			return a.showVisitor(w, r, of.Typed, back, wrong)
		default:
			v.Notice = a.codeNotice(l, wrong)
		}
		if v.Over {
			v.Lead = ""
			v.Another.Kind = ui.Primary
		}
	}
	return web.Render(w, r, status, codePage(s, v))
}
