package citizen

import (
	"net/http"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// messagesOnPage is how many messages a page shows.
const messagesOnPage = 20

type messagesView struct {
	L     web.Locale
	Title string
	Tabs  []ui.Link
	Lead  string
	List  ui.MessageListView
	Pager ui.PagerView
}

// messages shows what has been sent to the person, newest first.
func (a *Account) messages(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	place, err := a.cursor(r, who, "/messages")
	if err != nil {
		return err
	}
	list, next, err := a.app.MyMessages(r.Context(), who, place, messagesOnPage)
	if err != nil {
		return err
	}
	l := web.LocaleOf(r)
	s := a.frame(w, r, who, tabMessages, l.T("account.messages.title"), r.URL.RequestURI())
	v := messagesView{
		L: l, Title: s.Title, Tabs: tabLinks(l, tabMessages), List: ui.MessageListView{L: l},
		Pager: ui.PagerView{L: l, Next: a.after(who, "/messages", next)},
	}
	if len(list) > 0 && who.Person.Phone != "" {
		v.Lead = l.T("account.messages.lead", "phone", identity.MaskPhone(who.Person.Phone))
	}
	if place != "" {
		v.Pager.Previous, v.Pager.PreviousTo = "/messages", l.T("account.newest")
	}
	now := a.app.Now()
	for _, m := range list {
		v.List.Messages = append(v.List.Messages, messageView(l, m, now))
	}
	return web.Render(w, r, http.StatusOK, messagesPage(s, v))
}

// messageView is a message as it was sent. Where the booking has changed since, its words would be
// those of another time: then it says what the booking has become.
func messageView(l web.Locale, m app.MessageView, now time.Time) ui.MessageView {
	if m.Ticket != nil {
		return ticketMessage(l, m, now)
	}
	if m.Case != nil {
		return caseMessage(l, m, now)
	}
	if m.Wait != nil {
		return waitMessage(l, m, now)
	}
	b := m.Booking
	v := ui.MessageView{
		Title: l.T("account.message." + string(m.Kind)), When: l.Near(m.At, now), Href: passPath(b.Code), Tag: messageTag(l, m.State),
	}
	item := l.For(itemName(l, b), b.Applicant.Whom())
	args := []string{"when", l.Slot(b.Booking.Date, b.Booking.Hour), "hall", hallName(l, b), "item", item,
		"code", b.Code, "until", l.CancelUntil(b.CancelUntil, m.At)}
	switch m.Kind {
	case booking.MessageWarned, booking.MessageBarred, booking.MessageMeasureEnded, booking.MessageMeasureConfirmed:
		v.Href = standingPath(b.Code)
	}
	if b.Lost != nil {
		args = append(args, lossArgs(l, b.Lost)...)
	}
	v.Text = l.T("sms."+string(m.Kind), args...)
	if m.At.Before(b.Booking.ChangedAt) {
		v.Text = l.T("account.message.since", "item", item, "code", b.Code, "state", l.T("state."+string(b.Booking.State)))
	}
	return v
}

// ticketMessage is a message about a number that was held; the one that asks how it was leads to where that
// is said.
func ticketMessage(l web.Locale, m app.MessageView, now time.Time) ui.MessageView {
	t := m.Ticket
	v := ui.MessageView{
		Title: l.T("account.message." + string(m.Kind)), When: l.Near(m.At, now), Href: ticketPath(t.Ticket.ID), Tag: messageTag(l, m.State),
	}
	if m.Kind == booking.MessageEvaluate {
		v.Href += "/evaluate"
	}
	args := []string{"number", t.Ticket.Number, "hall", "", "item", ""}
	if t.Hall != nil {
		args[3] = l.Text(t.Hall.Name)
	}
	if t.Item != nil {
		args[5] = l.Text(t.Item.Name)
	}
	v.Text = l.T("account.message.text."+string(m.Kind), args...)
	return v
}

// waitMessage is a message about an entry of the waitlist that is no booking.
func waitMessage(l web.Locale, m app.MessageView, now time.Time) ui.MessageView {
	w := m.Wait
	v := ui.MessageView{
		Title: l.T("account.message." + string(m.Kind)), When: l.Near(m.At, now), Href: waitPath(w.Code), Tag: messageTag(l, m.State),
		Text: l.T("sms."+string(m.Kind), waitArgs(l, w)...),
	}
	if m.Kind == booking.MessageWaitOffer && w.Entry.State != booking.Offered {
		v.Text = l.T("account.message.wait_since", "item", l.For(waitItem(l, w), w.Applicant.Whom()), "state", l.T("wait.state."+string(w.Entry.State)))
	}
	return v
}

func waitItem(l web.Locale, w *app.WaitView) string {
	if w.Item == nil {
		return w.Entry.Item
	}
	return l.Text(w.Item.Name)
}

// waitArgs are what messages about an entry say.
func waitArgs(l web.Locale, w *app.WaitView) []string {
	args := []string{"item", l.For(waitItem(l, w), w.Applicant.Whom())}
	if w.Item != nil {
		args = append(args, "url", w.Item.OnlineURL)
	}
	if w.Hall != nil {
		args = append(args, "when", l.Slot(w.Date, w.Hour), "hall", l.Text(w.Hall.Name), "until", l.When(w.Entry.Until))
	}
	return args
}

func waitPath(code string) string { return "/waitlist/" + code }

// caseMessage is a message about a case of one thing.
func caseMessage(l web.Locale, m app.MessageView, now time.Time) ui.MessageView {
	step := ""
	if s := m.Case.Theme.Step(m.Case.Step); s != nil {
		step = l.Text(s.Name)
	}
	return ui.MessageView{
		Title: l.T("account.message." + string(m.Kind)), When: l.Near(m.At, now), Href: casesPath + "/" + m.Case.ID, Tag: messageTag(l, m.State),
		Text: l.T("sms."+string(m.Kind), "theme", l.For(l.Text(m.Case.Theme.Name), m.Case.Whom), "step", step, "end", l.T("onething.end."+string(m.Case.End))),
	}
}

func messageTag(l web.Locale, s app.MessageState) ui.Tag {
	t := ui.Tag{Text: l.T("account.message.state." + string(s))}
	if s == app.MessageFailed || s == app.MessageLost {
		t.Kind = ui.TagAmber
	}
	return t
}
