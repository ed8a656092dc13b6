package citizen

import (
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func standingPath(code string) string { return "/account/standing/" + code }

// standingNotices say, on the page of a person, what came of what is recorded of them: a sanction or warning that
// counts now, and nothing else.
func (p *Pages) standingNotices(r *http.Request, l web.Locale, who *identity.Session) (out []ui.NoticeView, err error) {
	s, err := p.app.MyStanding(r.Context(), who)
	if err != nil || !s.Rules.On {
		return nil, err
	}
	now := p.app.Now()
	for _, m := range s.Measures {
		more := []ui.Link{{Text: l.T("standing.more"), Href: standingPath(m.Code)}}
		switch {
		case m.Holds:
			out = append(out, ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.T("standing.barred", "until", l.Date(calendarDay(m.Until))), Text: l.T("standing.barred_still"), Links: more})
		case m.Kind == booking.Warning && m.State == booking.MeasureStands && now.Before(m.At.AddDate(0, 0, s.Rules.WarnedFor)):
			out = append(out, ui.NoticeView{L: l, Kind: ui.NoticeInfo, Title: l.T("standing.warned"), Text: l.T("standing.warned_text", "days", itoa(s.Rules.BarredDays)), Links: more})
		}
	}
	return out, nil
}

// measureView is the page of a warning or a sanction.
type measureView struct {
	L      web.Locale
	Title  string
	Lines  []string
	Rests  []ui.SummaryRow
	Said   string
	State  string
	Token  string
	Action string
	Errors []ui.ErrorItem
	Field  *textView // where it can be appealed against
	Send   ui.ButtonView
}

func (a *Account) standing(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	return a.showStanding(w, r, who, "", nil)
}

func (a *Account) showStanding(w http.ResponseWriter, r *http.Request, who *identity.Session, text string, wrong *fault.Error) error {
	m, err := a.app.MyMeasure(r.Context(), who, r.PathValue("code"))
	if err != nil {
		return err
	}
	l := web.LocaleOf(r)
	s := a.frame(w, r, who, tabAccount, l.T("standing.title."+string(m.Kind)), standingPath(m.Code))
	s.Back = back(l, "/account")
	v := measureView{L: l, Title: s.Title, Token: s.Token, Action: standingPath(m.Code) + "/appeal"}
	switch {
	case m.State != booking.MeasureStands:
		v.Lines = []string{l.T("standing.ended." + string(m.State))}
	case m.Kind == booking.Warning:
		v.Lines = []string{l.T("standing.warned_text", "days", itoa(a.app.Rules(calendarDay(a.app.Now())).Sanctions.BarredDays))}
	case m.Holds:
		v.Lines = []string{l.T("standing.barred", "until", l.Date(calendarDay(m.Until))), l.T("standing.barred_still")}
	default:
		v.Lines = []string{l.T("standing.over")}
	}
	for _, b := range m.Rests {
		v.Rests = append(v.Rests, ui.SummaryRow{Key: l.Slot(b.Booking.Date, b.Booking.Hour), Value: itemName(l, b), Lines: []string{hallName(l, b), whoName(l, b.Applicant), l.T("state." + string(b.Booking.State))},
			Change: &ui.Link{Text: l.T("standing.see"), Href: passPath(b.Code)}})
	}
	if p := m.Appeal; p != nil {
		v.Said, v.State = p.Text, l.T("standing.appeal."+string(p.State), "why", p.Why)
	}
	status := http.StatusOK
	if m.CanAppeal {
		v.Field = &textView{FieldView: ui.FieldView{ID: "text", Label: l.T("missed.appeal_label"), Hint: l.T("missed.appeal_hint", "max", itoa(app.MaxAppeal))}, Value: text, Max: app.MaxAppeal}
		v.Send = ui.ButtonView{Text: l.T("standing.appeal_send")}
		if wrong != nil {
			s.Error, status = true, web.Status(wrong)
			v.Errors = ui.FieldErrors(l, wrong, map[string]string{"text": v.Field.Label}, map[string]string{"text": "text"})
			for _, bad := range wrong.Fields {
				v.Field.Error, v.Field.Code = l.FieldSentence("", bad.Code), string(bad.Code)
			}
		}
	}
	return web.Render(w, r, status, measurePage(s, v))
}

// appealStanding says why a warning or sanction is not right.
func (a *Account) appealStanding(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := a.form(r); err != nil {
		return err
	}
	if err := a.slowDown(who); err != nil {
		return err
	}
	code, text := r.PathValue("code"), r.PostForm.Get("text")
	_, err := a.app.AppealMeasure(r.Context(), who, code, text)
	if err == nil {
		return web.SeeOther(w, r, standingPath(code))
	}
	f := fault.As(err)
	switch f.Code {
	case fault.InvalidRequest:
		return a.showStanding(w, r, who, clip(text, 4*app.MaxAppeal), f)
	case fault.AppealWaits, fault.AppealDecided, fault.MeasureOver: // the page says how it stands
		return web.SeeOther(w, r, standingPath(code))
	}
	return err
}
