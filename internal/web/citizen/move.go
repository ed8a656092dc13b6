package citizen

import (
	"crypto/rand"
	"errors"
	"net/http"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

type moveView struct {
	L      web.Locale
	Title  string
	Now    ui.StepsView // what is booked now
	Choose chooser
	Halls  ui.Link
}

type moveHallsView struct {
	L     web.Locale
	Title string
	Now   ui.StepsView
	Halls hallsView
}

// confirmView is a page that shows a change and asks for one press.
type confirmView struct {
	L       web.Locale
	Title   string
	Lead    string
	Token   string
	Action  string
	Key     string
	Slot    string
	Rows    []ui.SummaryRow
	Rules   []string
	Confirm ui.ButtonView
	Leave   ui.ButtonView
}

func (p *Pages) movePath(code, queue, date string) string {
	return address(passPath(code)+"/move", "queue", queue, "date", date)
}

// changeable returns a booking of who that can still be changed, or answers why not and is done.
func (p *Pages) changeable(w http.ResponseWriter, r *http.Request, who *identity.Session, tooLate fault.Code) (b app.BookingView, done bool, err error) {
	b, err = p.app.Booking(r.Context(), who, r.PathValue("code"))
	if err != nil || b.CanChange {
		return b, false, err
	}
	f := fault.New(fault.NotActive)
	if b.Booking.State.Active() {
		f = fault.New(tooLate, "until", b.CancelUntil.Format(rfc3339))
	}
	return b, true, p.refuseChange(w, r, who, b, f, nil)
}

// refuseChange is the page of a booking that could not be changed: it stands as it was.
func (p *Pages) refuseChange(w http.ResponseWriter, r *http.Request, who *identity.Session, b app.BookingView, f *fault.Error, links []ui.Link) error {
	l := web.LocaleOf(r)
	actions := []ui.ButtonView{{Text: l.T("citizen.change.back"), Href: passPath(b.Code)}}
	return p.refused(w, r, who, passPath(b.Code), f, p.bookingRows(l, b), append(links, standing(l, f)...), actions...)
}

// move offers dates and hours: of the same hall, or of the one the address names.
func (p *Pages) move(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	b, done, err := p.changeable(w, r, who, fault.MoveTooLate)
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
		return p.refuseChange(w, r, who, b, fault.As(err), nil)
	}
	s := p.shell(w, r, who, "", r.URL.RequestURI())
	l := s.L
	s.Title, s.Back = l.T("citizen.move.title"), back(l, passPath(b.Code))
	v := moveView{L: l, Title: s.Title, Halls: ui.Link{Text: l.T("citizen.move.halls"), Href: passPath(b.Code) + "/move/halls"}}
	v.Now = ui.StepsView{L: l, Heading: l.T("citizen.move.now"), Chosen: p.bookingRows(l, b)}
	if queue != b.Booking.QueueID {
		h := p.app.City().Hall(qu.HallID)
		v.Now.Chosen = append(v.Now.Chosen, ui.SummaryRow{Key: l.T("citizen.move.new_hall"), Value: l.Text(h.Name),
			Lines: nonEmpty(p.place(l, h, -1)), Change: change(l, v.Halls.Href)})
	}
	v.Choose = p.choose(l, s.Elder, chooseOf{
		item: it, stage: b.Booking.Stage, queue: qu, date: q.Get("date"), all: q.Get("all") != "", current: b.Booking.SlotID,
		day: func(date string) string { return p.movePath(b.Code, queue, date) },
		others: func(slot app.SlotView) string {
			other, _ := p.queueOf(slot.ID)
			return p.movePath(b.Code, other, slot.Date.String())
		},
	})
	v.Choose.Action = passPath(b.Code) + "/move/check"
	return web.Render(w, r, http.StatusOK, movePage(s, v))
}

// moveHalls lists the halls a booking can be moved to.
func (p *Pages) moveHalls(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	b, done, err := p.changeable(w, r, who, fault.MoveTooLate)
	if err != nil || done {
		return err
	}
	it, err := itemOf(b)
	if err != nil {
		return err
	}
	s := p.shell(w, r, who, "", r.URL.RequestURI())
	l := s.L
	s.Title, s.Back = l.T("citizen.move.halls_title"), back(l, passPath(b.Code)+"/move")
	v := moveHallsView{L: l, Title: s.Title, Now: ui.StepsView{L: l, Heading: l.T("citizen.move.now"), Chosen: p.bookingRows(l, b)}}
	v.Halls, err = p.hallList(r, l, s.Elder, it, b.Booking.Stage, hallsAt{
		path: passPath(b.Code) + "/move/halls", choose: func(queue string) string { return p.movePath(b.Code, queue, "") },
	})
	if err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, moveHallsPage(s, v))
}

// moveCheck shows the change before it is made.
func (p *Pages) moveCheck(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	b, done, err := p.changeable(w, r, who, fault.MoveTooLate)
	if err != nil || done {
		return err
	}
	slot := r.URL.Query().Get("slot")
	if slot == b.Booking.SlotID && b.Booking.State == booking.Displaced {
		return web.SeeOther(w, r, passPath(b.Code)) // it is kept already: the pass asks for the yes
	}
	if slot == b.Booking.SlotID && b.Booking.State.Holds() {
		return p.refuseChange(w, r, who, b, fault.New(fault.SameSlot), nil)
	}
	c, err := p.choiceOf(b.Booking.Item, slot, b.Booking.Stage)
	if err != nil {
		return p.refuseChange(w, r, who, b, fault.As(err), nil)
	}
	view, _ := p.app.Slot(slot)
	if f := slotFault(view, view.From.Format(rfc3339)); f != nil {
		return p.refuseChange(w, r, who, b, f, p.moveInstead(web.LocaleOf(r), f, b, slot))
	}
	s := p.shell(w, r, who, "", r.URL.RequestURI())
	l := s.L
	again := p.movePath(b.Code, c.queue.ID, c.date.String())
	s.Title, s.Back = l.T("citizen.move.check"), back(l, again)
	until := booking.CancelUntil(c.date.At(c.hour+1, 0), p.app.Rules(c.date))
	v := confirmView{
		L: l, Title: s.Title, Token: s.Token, Action: passPath(b.Code) + "/move", Key: rand.Text(), Slot: slot,
		Rows: []ui.SummaryRow{
			{Key: l.T("pass.item"), Value: itemName(l, b), Lines: []string{stageName(l, b.Booking.Stage)}},
			{Key: l.T("pass.who"), Value: whoName(l, b.Applicant)},
			{Key: l.T("citizen.move.from"), Value: l.Slot(b.Booking.Date, b.Booking.Hour), Lines: []string{hallName(l, b)}},
			{Key: l.T("citizen.move.to"), Value: l.Slot(c.date, c.hour), Lines: nonEmpty(l.Text(c.hall.Name), l.Text(c.hall.Address)), Change: change(l, again)},
		},
		Rules:   []string{l.T("citizen.move.rule"), l.T("citizen.check.cancel", "time", l.When(until))},
		Confirm: ui.ButtonView{Text: l.T("citizen.move.confirm")},
		Leave:   ui.ButtonView{Text: l.T("citizen.change.keep"), Kind: ui.Secondary, Href: passPath(b.Code)},
	}
	return web.Render(w, r, http.StatusOK, confirmPage(s, v))
}

func (p *Pages) moveInstead(l web.Locale, f *fault.Error, b app.BookingView, slot string) []ui.Link {
	return p.insteadOf(l, f, b.Booking.Item, b.Booking.Stage, slot, b.Booking.Units, func(slot string) string {
		return address(passPath(b.Code)+"/move/check", "slot", slot)
	})
}

// moveTo makes the change as one step: never neither slot, never both.
func (p *Pages) moveTo(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := p.form(r); err != nil {
		return err
	}
	if err := p.slowDown(who); err != nil {
		return err
	}
	code, slot := r.PathValue("code"), r.PostForm.Get("slot")
	receipt, err := p.app.Move(r.Context(), who, app.MoveRequest{Key: r.PostForm.Get("key"), Code: code, SlotID: slot, Channel: web.ViaOf(r)})
	if err == nil {
		return web.SeeOther(w, r, passPath(receipt.View.Code)+"?new=moved")
	}
	return p.notChanged(w, r, who, err, func(b app.BookingView, f *fault.Error) []ui.Link {
		return p.moveInstead(web.LocaleOf(r), f, b, slot)
	})
}

// notChanged answers when a booking could not be changed. One that has been cancelled already, or
// stands in that slot already, is shown as it is.
func (p *Pages) notChanged(w http.ResponseWriter, r *http.Request, who *identity.Session, err error, instead func(app.BookingView, *fault.Error) []ui.Link) error {
	f := fault.As(err)
	if f.Kind != fault.Conflict && f.Kind != fault.Unavailable {
		return err
	}
	b, lost := p.app.Booking(r.Context(), who, r.PathValue("code"))
	if lost != nil {
		return errors.Join(err, lost)
	}
	if f.Code == fault.NotActive {
		return web.SeeOther(w, r, passPath(b.Code))
	}
	return p.refuseChange(w, r, who, b, f, instead(b, f))
}

// cancel asks once more before a booking is given back.
func (p *Pages) cancel(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	b, done, err := p.changeable(w, r, who, fault.CancelTooLate)
	if err != nil || done {
		return err
	}
	s := p.shell(w, r, who, "", passPath(b.Code)+"/cancel")
	l := s.L
	s.Title, s.Back = l.T("citizen.cancel.title"), back(l, passPath(b.Code))
	v := confirmView{
		L: l, Title: s.Title, Lead: l.T("citizen.cancel.lead"), Token: s.Token, Action: passPath(b.Code) + "/cancel", Key: rand.Text(),
		Rows:    p.bookingRows(l, b),
		Confirm: ui.ButtonView{Text: l.T("citizen.cancel.confirm"), Kind: ui.Danger},
		Leave:   ui.ButtonView{Text: l.T("citizen.change.keep"), Kind: ui.Secondary, Href: passPath(b.Code)},
	}
	if b.Booking.State.Choosing() {
		v.Lead = l.T("choice.no_mark")
	}
	return web.Render(w, r, http.StatusOK, confirmPage(s, v))
}

// cancelNow gives the booking back (Art. 17).
func (p *Pages) cancelNow(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := p.form(r); err != nil {
		return err
	}
	if err := p.slowDown(who); err != nil {
		return err
	}
	event := "cancelled"
	if b, _, err := p.opened(r, r.PathValue("code")); err == nil && b.Booking.State.Choosing() {
		event = "declined"
	}
	receipt, err := p.app.Cancel(r.Context(), who, app.CancelRequest{Key: r.PostForm.Get("key"), Code: r.PathValue("code"), Channel: web.ViaOf(r)})
	if err == nil {
		return web.SeeOther(w, r, passPath(receipt.View.Code)+"?new="+event)
	}
	return p.notChanged(w, r, who, err, func(app.BookingView, *fault.Error) []ui.Link { return nil })
}
