package citizen

import (
	"crypto/rand"
	"net/http"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

// choiceView is what a person chooses from whose hour was taken away.
type choiceView struct {
	L      web.Locale
	Title  string
	Lines  []string // what happened, what is kept, until when
	Notice string   // what the hall says itself
	Token  string
	Action string // address that takes what is kept, "" when nothing is
	Key    string
	Keep   ui.ButtonView
	Others []ui.ButtonView
	SignIn *ui.Link // for whoever may only say yes
	NoMark string
}

// choice is the choice a booking waits for, nil for none. who is nil for whoever found it by its code and
// a fact: they may take what is kept, and sign in for the rest.
func (p *Pages) choice(w http.ResponseWriter, r *http.Request, l web.Locale, b app.BookingView, who *identity.Session) *choiceView {
	lost := b.Lost
	if lost == nil {
		return nil
	}
	now := p.app.Now()
	v := &choiceView{
		L: l, Title: l.T("choice.title"), NoMark: l.T("choice.no_mark"),
		Lines: []string{l.T("choice.lost", lossArgs(l, lost)...)},
	}
	if lost.Hall != nil {
		v.Notice = l.Text(lost.Hall.Notice)
	}
	until := l.Near(lost.Until, now)
	switch {
	case b.Booking.State == booking.Stranded:
		v.Lines = append(v.Lines, l.T("choice.none", "until", until))
	case !now.Before(lost.Until):
		v.Lines = append(v.Lines, l.T("choice.over"))
	default:
		v.Lines = append(v.Lines, l.T("choice.kept", "when", l.Slot(b.Booking.Date, b.Booking.Hour), "hall", hallName(l, b), "until", until))
		v.Token, v.Action, v.Key = p.cookies.FormToken(w, r), passPath(b.Code)+"/keep", rand.Text()
		v.Keep = ui.ButtonView{Text: l.T("choice.keep"), Block: true}
	}
	if who == nil {
		v.SignIn = &ui.Link{Text: l.T("choice.sign_in"), Href: p.signInURL(passPath(b.Code))}
		return v
	}
	move := ui.ButtonView{Text: l.T("choice.move"), Kind: ui.Secondary, Href: passPath(b.Code) + "/move"}
	if v.Action == "" {
		move.Kind = ui.Primary
	}
	v.Others = []ui.ButtonView{move, {Text: l.T("choice.cancel"), Kind: ui.Danger, Href: passPath(b.Code) + "/cancel"}}
	return v
}

// keepHour takes the hour that was kept. Whoever found the booking by its code and a fact just now may, too:
// the message that asks reaches people who do not sign in. It gives nothing away and changes no name.
func (p *Pages) keepHour(w http.ResponseWriter, r *http.Request) error {
	if err := p.form(r); err != nil {
		return err
	}
	code := r.PathValue("code")
	b, who, err := p.opened(r, code)
	if err != nil {
		return p.toSignIn(w, r, err, passPath(code))
	}
	if who == nil {
		who = &identity.Session{Person: identity.Person{Key: b.Booking.BookerKey}}
	}
	if err := p.slowDown(who); err != nil {
		return err
	}
	if _, err := p.app.Keep(r.Context(), who, app.KeepRequest{Key: r.PostForm.Get("key"), Code: code, Channel: web.ViaOf(r)}); err != nil {
		switch fault.CodeOf(err) {
		case fault.ChoiceOver, fault.NotActive: // the pass says how it stands now
			return web.SeeOther(w, r, passPath(code))
		}
		return err
	}
	return web.SeeOther(w, r, passPath(code)+"?new=kept")
}

// choiceCard is the card of a booking that waits for a choice.
func choiceCard(l web.Locale, b app.BookingView, now time.Time) ui.CardView {
	c := ui.CardView{
		Kicker: l.T("choice.kicker"), Title: l.T("choice.title"), Href: passPath(b.Code), Tag: ui.Tag{Text: l.T("state." + string(b.Booking.State)), Kind: ui.TagAmber},
		Lines:  []string{itemName(l, b) + " · " + stageName(l, b.Booking.Stage)},
		Action: &ui.ButtonView{Text: l.T("choice.choose"), Href: passPath(b.Code)},
	}
	if b.Applicant.Kind != booking.Self {
		c.Lines = append(c.Lines, l.T("account.bookings.for", "name", whoName(l, b.Applicant)))
	}
	if b.Lost == nil {
		return c
	}
	c.Lines = append(c.Lines, l.T("choice.lost", lossArgs(l, b.Lost)...))
	if b.Booking.State == booking.Displaced && now.Before(b.Lost.Until) {
		c.Lines = append(c.Lines, l.T("choice.kept", "when", l.Slot(b.Booking.Date, b.Booking.Hour), "hall", hallName(l, b), "until", l.Near(b.Lost.Until, now)))
	}
	return c
}

// lossArgs are the words about an hour that was taken away.
func lossArgs(l web.Locale, lost *app.Loss) []string {
	return []string{"lost", l.Slot(lost.Date, lost.Hour), "lost_hall", lostHall(l, lost), "why", lostWhy(l, lost), "choose", l.When(lost.Until)}
}

func lostHall(l web.Locale, lost *app.Loss) string {
	if lost.Hall == nil {
		return lost.HallID
	}
	return l.Text(lost.Hall.Name)
}

func lostWhy(l web.Locale, lost *app.Loss) string {
	if lost.Closed {
		return l.T("choice.why.closed")
	}
	return l.T("choice.why.cut")
}
