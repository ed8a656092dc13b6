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

// missedView is what a person can do whose hour has passed (Art. 17, 18).
type missedView struct {
	L       web.Locale
	Title   string
	Lines   []string
	Rows    []ui.SummaryRow
	Actions []ui.ButtonView
	Said    string // what was said against it
	State   string // and where that is
}

// missed is what the pass of a missed hour offers, nil for any other. who is nil for whoever found it by
// its code and a fact.
func (p *Pages) missed(r *http.Request, l web.Locale, b app.BookingView, who *identity.Session) (*missedView, error) {
	if b.Booking.State != booking.NoShow && b.Booking.State != booking.Excused {
		return nil, nil
	}
	if who == nil {
		return &missedView{L: l, Title: l.T("missed.title"), Lines: []string{l.T("missed.sign_in")},
			Actions: []ui.ButtonView{{Text: l.T("nav.sign_in"), Href: p.signInURL(passPath(b.Code))}}}, nil
	}
	m, err := p.app.Missed(r.Context(), who, b.Code)
	if err != nil {
		return nil, err
	}
	now := p.app.Now()
	v := &missedView{L: l, Title: l.T("missed.title")}
	if b.Booking.State == booking.Excused {
		v.Title, v.Lines = l.T("missed.excused"), []string{l.T("missed.excused_text")}
	}
	if m.OnSite != nil {
		v.Lines = append(v.Lines, l.T("missed.on_site", "hall", hallName(l, b), "until", web.Clock(m.OnSite.Until), "n", itoa(m.OnSite.Left+m.OnSite.Unsold)))
		if now.Before(m.OnSite.From) {
			v.Lines = append(v.Lines, l.T("missed.on_site_from", "from", web.Clock(m.OnSite.From)))
		}
	}
	if m.Taken != "" {
		v.Actions = append(v.Actions, ui.ButtonView{Text: l.T("missed.taken"), Href: ticketPath(m.Taken)})
	}
	switch {
	case m.CanRebook:
		v.Lines = append(v.Lines, l.T("missed.rebook_until", "until", l.Date(calendarDay(m.RebookUntil))))
		v.Actions = append(v.Actions, ui.ButtonView{Text: l.T("missed.rebook"), Href: passPath(b.Code) + "/rebook"})
	case m.Rebooked != "":
		v.Actions = append(v.Actions, ui.ButtonView{Text: l.T("missed.rebooked"), Kind: ui.Secondary, Href: passPath(m.Rebooked)})
	}
	if m.CanAppeal {
		v.Actions = append(v.Actions, ui.ButtonView{Text: l.T("missed.appeal"), Kind: ui.Secondary, Href: passPath(b.Code) + "/appeal"})
	}
	if a := m.Appeal; a != nil {
		v.Said, v.State = a.Text, l.T("missed.appeal."+string(a.State))
		if a.State == app.AppealRefused {
			v.State = l.T("missed.appeal.refused", "why", a.Why)
		}
	}
	return v, nil
}

// rebookable returns a missed booking that can be rebooked now, or answers why not and is done.
func (p *Pages) rebookable(w http.ResponseWriter, r *http.Request, who *identity.Session) (b app.BookingView, done bool, err error) {
	code := r.PathValue("code")
	m, err := p.app.Missed(r.Context(), who, code)
	if fault.CodeOf(err) == fault.NotMissed {
		return b, true, web.SeeOther(w, r, passPath(code))
	}
	if err != nil {
		return b, false, err
	}
	if m.CanRebook {
		return m.View, false, nil
	}
	f := fault.New(fault.RebookLate, "until", m.RebookUntil.Add(-time.Minute).Format(rfc3339))
	switch {
	case m.View.Booking.State != booking.NoShow:
		f = fault.New(fault.NotMissed)
	case m.Rebooked != "":
		f = fault.New(fault.RebookUsed)
	}
	return m.View, true, p.refuseRebook(w, r, who, m.View, f, nil)
}

// refuseRebook is the page of a missed hour that could not be rebooked; an ordinary booking is always open.
func (p *Pages) refuseRebook(w http.ResponseWriter, r *http.Request, who *identity.Session, b app.BookingView, f *fault.Error, links []ui.Link) error {
	l := web.LocaleOf(r)
	return p.refused(w, r, who, passPath(b.Code), f, p.bookingRows(l, b), append(links, standing(l, f)...),
		ui.ButtonView{Text: l.T("citizen.change.back"), Href: passPath(b.Code)},
		ui.ButtonView{Text: l.T("citizen.pass.again"), Kind: ui.Secondary, Href: address(itemPath(b.Booking.Item), "stage", string(b.Booking.Stage))})
}

func (p *Pages) rebookPath(code, queue, date string) string {
	return address(passPath(code)+"/rebook", "queue", queue, "date", date)
}

// rebook offers dates and hours for a missed booking: of the same hall, or of the one the address names.
func (p *Pages) rebook(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	b, done, err := p.rebookable(w, r, who)
	if err != nil || done {
		return err
	}
	it, err := itemOf(b)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	queue := q.Get("queue")
	if queue == "" {
		queue = b.Booking.QueueID
	}
	_, qu, _, err := p.offered(it.Code, queue)
	if err != nil {
		return p.refuseRebook(w, r, who, b, fault.As(err), nil)
	}
	s := p.shell(w, r, who, "", r.URL.RequestURI())
	l := s.L
	s.Title, s.Back = l.T("missed.rebook_title"), back(l, passPath(b.Code))
	v := moveView{L: l, Title: s.Title, Halls: ui.Link{Text: l.T("citizen.move.halls"), Href: passPath(b.Code) + "/rebook/halls"}}
	v.Now = ui.StepsView{L: l, Heading: l.T("missed.was"), Chosen: p.bookingRows(l, b)}
	v.Choose = p.choose(l, s.Elder, chooseOf{
		item: it, stage: b.Booking.Stage, queue: qu, date: q.Get("date"), all: q.Get("all") != "",
		day: func(date string) string { return p.rebookPath(b.Code, queue, date) },
		others: func(slot app.SlotView) string {
			other, _ := p.queueOf(slot.ID)
			return p.rebookPath(b.Code, other, slot.Date.String())
		},
	})
	v.Choose.Action = passPath(b.Code) + "/rebook/check"
	return web.Render(w, r, http.StatusOK, movePage(s, v))
}

// rebookHalls lists the halls a missed booking can be rebooked at.
func (p *Pages) rebookHalls(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	b, done, err := p.rebookable(w, r, who)
	if err != nil || done {
		return err
	}
	it, err := itemOf(b)
	if err != nil {
		return err
	}
	s := p.shell(w, r, who, "", r.URL.RequestURI())
	l := s.L
	s.Title, s.Back = l.T("citizen.move.halls_title"), back(l, passPath(b.Code)+"/rebook")
	v := moveHallsView{L: l, Title: s.Title, Now: ui.StepsView{L: l, Heading: l.T("missed.was"), Chosen: p.bookingRows(l, b)}}
	v.Halls, err = p.hallList(r, l, s.Elder, it, b.Booking.Stage, hallsAt{
		path: passPath(b.Code) + "/rebook/halls", choose: func(queue string) string { return p.rebookPath(b.Code, queue, "") },
	})
	if err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, moveHallsPage(s, v))
}

// rebookCheck shows the rebooking before it is made.
func (p *Pages) rebookCheck(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	b, done, err := p.rebookable(w, r, who)
	if err != nil || done {
		return err
	}
	slot := r.URL.Query().Get("slot")
	c, err := p.choiceOf(b.Booking.Item, slot, b.Booking.Stage)
	if err != nil {
		return p.refuseRebook(w, r, who, b, fault.As(err), nil)
	}
	l := web.LocaleOf(r)
	view, _ := p.app.Slot(slot)
	if f := slotFault(view, view.From.Format(rfc3339)); f != nil {
		return p.refuseRebook(w, r, who, b, f, p.rebookInstead(l, f, b, slot))
	}
	s := p.shell(w, r, who, "", r.URL.RequestURI())
	again := p.rebookPath(b.Code, c.queue.ID, c.date.String())
	s.Title, s.Back = l.T("missed.check_title"), back(l, again)
	until := booking.CancelUntil(c.date.At(c.hour+1, 0), p.app.Rules(c.date))
	v := confirmView{
		L: l, Title: s.Title, Token: s.Token, Action: passPath(b.Code) + "/rebook", Key: rand.Text(), Slot: slot,
		Rows: []ui.SummaryRow{
			{Key: l.T("pass.item"), Value: itemName(l, b), Lines: []string{stageName(l, b.Booking.Stage)}},
			{Key: l.T("pass.who"), Value: whoName(l, b.Applicant)},
			{Key: l.T("citizen.move.to"), Value: l.Slot(c.date, c.hour), Lines: nonEmpty(l.Text(c.hall.Name), l.Text(c.hall.Address)), Change: change(l, again)},
		},
		Rules:   []string{l.T("missed.once"), l.T("citizen.check.cancel", "time", l.When(until))},
		Confirm: ui.ButtonView{Text: l.T("missed.confirm")},
		Leave:   ui.ButtonView{Text: l.T("citizen.change.back"), Kind: ui.Secondary, Href: passPath(b.Code)},
	}
	return web.Render(w, r, http.StatusOK, confirmPage(s, v))
}

func (p *Pages) rebookInstead(l web.Locale, f *fault.Error, b app.BookingView, slot string) []ui.Link {
	return p.insteadOf(l, f, b.Booking.Item, b.Booking.Stage, slot, b.Booking.Units, func(slot string) string {
		return address(passPath(b.Code)+"/rebook/check", "slot", slot)
	})
}

// rebookNow makes a missed hour good: the same applicant and item, once.
func (p *Pages) rebookNow(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := p.form(r); err != nil {
		return err
	}
	if err := p.slowDown(who); err != nil {
		return err
	}
	code, slot := r.PathValue("code"), r.PostForm.Get("slot")
	b, err := p.app.Booking(r.Context(), who, code)
	if err != nil {
		return err
	}
	receipt, err := p.app.Book(r.Context(), who, app.BookRequest{
		Key: r.PostForm.Get("key"), Item: b.Booking.Item, SlotID: slot, Stage: b.Booking.Stage, Units: b.Booking.Units, Channel: web.ViaOf(r), Instead: b.Code,
	})
	if err == nil && receipt.Entry != nil {
		return web.SeeOther(w, r, drawPath(receipt.Entry.Draw))
	}
	if err == nil {
		return web.SeeOther(w, r, passPath(receipt.View.Code)+"?new=booked")
	}
	f := fault.As(err)
	if f.Kind == fault.Internal || f.Kind == fault.NotFound || f.Kind == fault.Malformed {
		return err
	}
	return p.refuseRebook(w, r, who, b, f, p.rebookInstead(web.LocaleOf(r), f, b, slot))
}

// saying is a page with one field to write in.
type saying struct {
	L      web.Locale
	Title  string
	Lead   string
	Token  string
	Action string
	Rows   []ui.SummaryRow
	Errors []ui.ErrorItem
	Field  textView
	Send   ui.ButtonView
}

// textView is a field of several lines.
type textView struct {
	ui.FieldView
	Value string
	Max   int
}

// appeal asks why the person could not come.
func (p *Pages) appeal(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	m, err := p.app.Missed(r.Context(), who, r.PathValue("code"))
	if fault.CodeOf(err) == fault.NotMissed || err == nil && !m.CanAppeal {
		return web.SeeOther(w, r, passPath(r.PathValue("code")))
	}
	if err != nil {
		return err
	}
	return p.showAppeal(w, r, who, m.View, "", nil)
}

func (p *Pages) showAppeal(w http.ResponseWriter, r *http.Request, who *identity.Session, b app.BookingView, text string, wrong *fault.Error) error {
	s := p.shell(w, r, who, "", passPath(b.Code)+"/appeal")
	l := s.L
	s.Title, s.Back = l.T("missed.appeal_title"), back(l, passPath(b.Code))
	v := saying{
		L: l, Title: s.Title, Lead: l.T("missed.appeal_lead"), Token: s.Token, Action: passPath(b.Code) + "/appeal", Rows: p.bookingRows(l, b),
		Field: textView{FieldView: ui.FieldView{ID: "text", Label: l.T("missed.appeal_label"), Hint: l.T("missed.appeal_hint", "max", itoa(app.MaxAppeal))}, Value: text, Max: app.MaxAppeal},
		Send:  ui.ButtonView{Text: l.T("missed.appeal_send")},
	}
	status := http.StatusOK
	if wrong != nil {
		s.Error, status = true, web.Status(wrong)
		v.Errors = ui.FieldErrors(l, wrong, map[string]string{"text": v.Field.Label}, map[string]string{"text": "text"})
		for _, bad := range wrong.Fields {
			v.Field.Error, v.Field.Code = l.FieldSentence("", bad.Code), string(bad.Code)
		}
	}
	return web.Render(w, r, status, sayingPage(s, v))
}

func (p *Pages) appealNow(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := p.form(r); err != nil {
		return err
	}
	if err := p.slowDown(who); err != nil {
		return err
	}
	code, text := r.PathValue("code"), r.PostForm.Get("text")
	_, err := p.app.AppealMissed(r.Context(), who, code, text)
	if err == nil {
		return web.SeeOther(w, r, passPath(code)+"#missed")
	}
	f := fault.As(err)
	switch f.Code {
	case fault.InvalidRequest:
		b, err := p.app.Booking(r.Context(), who, code)
		if err != nil {
			return err
		}
		return p.showAppeal(w, r, who, b, clip(text, 4*app.MaxAppeal), f)
	case fault.AppealWaits, fault.AppealDecided, fault.NotMissed: // the pass says how it stands
		return web.SeeOther(w, r, passPath(code)+"#missed")
	}
	return err
}

func describedBy(v textView) string {
	s := ""
	if v.Hint != "" {
		s = v.ID + "-hint"
	}
	if v.Error != "" {
		if s != "" {
			s += " "
		}
		s += v.ID + "-error"
	}
	return s
}
