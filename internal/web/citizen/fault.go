package citizen

import (
	"net/http"

	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// FaultPage is the page of a request that could not be answered: what happened, in one sentence, and
// what to do next. It is a web.FaultPage. It does not know who is signed in, and says nothing of it.
func FaultPage(r *http.Request, e *fault.Error) web.Component {
	l := web.LocaleOf(r)
	s := ui.NewShell(r, l.T("kind."+string(e.Kind)))
	s.SignIn = ""
	s.Footer = []ui.Link{{Text: l.T("nav.home"), Href: "/"}, {Text: l.T("nav.find"), Href: "/find"}}
	v := faultView{L: l, Title: s.Title, Sentence: l.Sentence(e), Code: string(e.Code), Request: web.RequestID(r)}
	home := ui.ButtonView{Text: l.T("nav.home"), Href: "/", Kind: ui.Secondary}
	bookings := ui.ButtonView{Text: l.T("nav.bookings"), Href: "/bookings", Kind: ui.Secondary}
	again := ui.ButtonView{Text: l.T("citizen.fault.again"), Href: r.URL.RequestURI()}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		again.Href = ""
	}
	for _, f := range e.Fields {
		v.Fields = append(v.Fields, l.FieldSentence("", f.Code))
	}
	switch e.Kind {
	case fault.SignIn:
		v.Actions = []ui.ButtonView{{Text: l.T("nav.sign_in"), Href: "/sign-in"}, home}
	case fault.NotFound, fault.Gone:
		v.Search = &ui.SearchView{L: l, Action: "/search", Suggest: "/suggest", Label: l.T("home.question")}
		v.Actions = []ui.ButtonView{home, bookings}
	case fault.Forbidden:
		v.Actions = []ui.ButtonView{home, *hotlineButton(l)}
	case fault.TooMany, fault.Unavailable:
		v.Note = l.T("citizen.fault.safe")
		if n := seconds(e.RetryAfter); e.RetryAfter > 0 {
			v.Wait = l.T("citizen.fault.wait", "n", n)
		}
		v.Actions = []ui.ButtonView{again, bookings}
	case fault.Internal:
		v.Note = l.T("citizen.fault.safe")
		v.Actions = []ui.ButtonView{again, home, *hotlineButton(l)}
	default:
		v.Actions = []ui.ButtonView{home}
	}
	if v.Actions[0].Href == "" {
		v.Actions = v.Actions[1:]
	}
	return faultPage(s, v)
}

type faultView struct {
	L                           web.Locale
	Title, Sentence, Note, Wait string
	Fields                      []string
	Search                      *ui.SearchView
	Actions                     []ui.ButtonView
	Code, Request               string
}
