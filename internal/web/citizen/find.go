package citizen

import (
	"net/http"
	"strings"

	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

type findView struct {
	L      web.Locale
	Token  string
	Title  string
	Errors []ui.ErrorItem
	Notice *ui.NoticeView
	Code   ui.InputView
	Fact   ui.InputView
}

// find asks for a booking code and one fact about who it is for.
func (p *Pages) find(w http.ResponseWriter, r *http.Request) error {
	return p.showFind(w, r, "", nil)
}

// found looks a booking up. A wrong code and a wrong fact are the same answer; too many tries from
// one address, or of one code, have to wait.
func (p *Pages) found(w http.ResponseWriter, r *http.Request) error {
	if err := p.form(r); err != nil {
		return err
	}
	code, fact := strings.TrimSpace(r.PostForm.Get("code")), strings.TrimSpace(r.PostForm.Get("fact"))
	var wrong []fault.Field
	if code == "" {
		wrong = append(wrong, fault.Field{Path: "code", Code: fault.Required})
	}
	if fact == "" {
		wrong = append(wrong, fault.Field{Path: "fact", Code: fault.Required})
	}
	if len(wrong) > 0 {
		return p.showFind(w, r, code, fault.InvalidFields(wrong...))
	}
	plain := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
	if wait := max(p.finding.Take("address "+web.AddrOf(r).String()), p.finding.Take("code "+plain)); wait > 0 {
		return p.showFind(w, r, code, fault.New(fault.TooManyRequests).After(wait))
	}
	b, err := p.app.Find(r.Context(), code, fact)
	if err != nil {
		if f := fault.As(err); f.Kind != fault.Internal {
			return p.showFind(w, r, code, f)
		}
		return err
	}
	if err := p.rememberFound(w, b); err != nil {
		return err
	}
	return web.SeeOther(w, r, passPath(b.Code))
}

func (p *Pages) showFind(w http.ResponseWriter, r *http.Request, code string, f *fault.Error) error {
	s := p.shell(w, r, p.visitor(r), "", "/find")
	l := s.L
	s.Title, s.Back = l.T("citizen.find.title"), back(l, "/")
	v := findView{
		L: l, Title: s.Title, Token: p.cookies.FormToken(w, r),
		Code: ui.InputView{FieldView: ui.FieldView{ID: "code", Label: l.T("pass.code"), Hint: l.T("citizen.find.code_hint")}, Value: clip(code, 16), Width: 20, Attrs: plainText},
		Fact: ui.InputView{FieldView: ui.FieldView{ID: "fact", Label: l.T("citizen.find.fact"), Hint: l.T("citizen.find.fact_hint")}, Width: 10, Attrs: plainText},
	}
	status := http.StatusOK
	if f != nil {
		s.Error, status = true, web.Status(f)
		fields := map[string]*ui.FieldView{"code": &v.Code.FieldView, "fact": &v.Fact.FieldView}
		for _, bad := range f.Fields {
			field := fields[bad.Path]
			field.Error, field.Code = l.FieldSentence("", bad.Code), string(bad.Code)
			v.Errors = append(v.Errors, ui.ErrorItem{Text: l.FieldSentence(field.Label, bad.Code), Href: "#" + field.ID})
		}
		if len(f.Fields) == 0 {
			n := noticeOf(l, f, nil)
			v.Notice = &n
		}
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", seconds(f.RetryAfter))
		}
	}
	return web.Render(w, r, status, findPage(s, v))
}
