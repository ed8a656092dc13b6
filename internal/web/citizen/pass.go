package citizen

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/directory"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

type passView struct {
	L      web.Locale
	Title  string
	Notice *ui.NoticeView // what has just happened, or what the booking has become
	Choice *choiceView    // it lost its hour and waits for a choice
	Missed *missedView    // its hour has passed
	Coming *comingView    // on the day: how to check in, then the number
	Pass   ui.PassView
	List   *ui.Link // of a batch: its cases
	Again  *ui.ButtonView
	Note   *ui.NoticeView
}

// pass is the address of a booking all along: before, on the day, and when it is over.
func (p *Pages) pass(w http.ResponseWriter, r *http.Request) error {
	code := r.PathValue("code")
	b, who, err := p.opened(r, code)
	if err != nil {
		if fault.As(err).Kind == fault.SignIn {
			return p.closedPass(w, r)
		}
		return err
	}
	s := p.shell(w, r, p.visitor(r), "", passPath(code))
	l := s.L
	s.Title = l.T("pass.title")
	if who != nil {
		s.Back = &ui.Link{Text: l.T("nav.bookings"), Href: "/bookings"}
	} else {
		s.Back = back(l, "/find")
	}
	v := passView{L: l, Title: s.Title, Pass: p.passCard(l, b)}
	v.Notice = p.passNotice(l, b, r.URL.Query().Get("new"))
	v.Choice = p.choice(w, r, l, b, who)
	if v.Missed, err = p.missed(r, l, b, who); err != nil {
		return err
	}
	if v.Coming, err = p.coming(w, r, l, b, who); err != nil {
		return err
	}
	if who != nil && b.Booking.Cases > 0 {
		v.List = &ui.Link{Text: l.N("batch.link", b.Booking.Units), Href: passPath(b.Code) + "/cases"}
	}
	over := !p.app.Now().Before(b.Booking.End())
	switch {
	case b.Booking.State.Choosing():
	case who == nil && b.CanChange:
		v.Note = &ui.NoticeView{L: l, Title: l.T("citizen.pass.sign_in_to_change"), Links: []ui.Link{{Text: l.T("nav.sign_in"), Href: p.signInURL(passPath(b.Code))}}}
	case b.CanChange && b.Booking.State == booking.Pending:
		v.Pass.Actions = []ui.ButtonView{{Text: l.T("pass.cancel"), Kind: ui.Danger, Href: passPath(b.Code) + "/cancel"}}
	case b.CanChange:
		v.Pass.Actions = []ui.ButtonView{
			{Text: l.T("pass.move"), Kind: ui.Secondary, Href: passPath(b.Code) + "/move"},
			{Text: l.T("pass.cancel"), Kind: ui.Danger, Href: passPath(b.Code) + "/cancel"},
		}
	case !b.Booking.State.Active() || over:
		if b.Item != nil {
			v.Again = &ui.ButtonView{Text: l.T("citizen.pass.again"), Kind: ui.Secondary, Href: address(itemPath(b.Booking.Item), "stage", string(b.Booking.Stage))}
		}
	default:
		v.Note = &ui.NoticeView{L: l, Title: l.T("citizen.pass.too_late", "time", l.When(b.CancelUntil)), Text: l.T("citizen.pass.too_late_hint")}
	}
	return web.Render(w, r, http.StatusOK, passPage(s, v))
}

// opened returns a booking to its booker, or to whoever found it by its code and a fact just now; who
// is nil for the latter, who may look and change nothing. A code alone opens nothing.
func (p *Pages) opened(r *http.Request, code string) (app.BookingView, *identity.Session, error) {
	who, err := p.session(r)
	if err == nil {
		var b app.BookingView
		if b, err = p.app.Booking(r.Context(), who, code); err == nil {
			return b, who, nil
		}
	}
	if k := fault.As(err).Kind; k != fault.SignIn && k != fault.NotFound {
		return app.BookingView{}, nil, err
	}
	if f := p.foundBefore(r); f != nil && f.Code == code {
		// Whoever gave the fact sees what the booker sees.
		b, lost := p.app.Booking(r.Context(), &identity.Session{Person: identity.Person{Key: f.Booker}}, code)
		if lost == nil {
			return b, nil, nil
		}
	}
	return app.BookingView{}, nil, err
}

func (p *Pages) passCard(l web.Locale, b app.BookingView) ui.PassView {
	now := p.app.Now()
	active := b.Booking.State == booking.Booked && now.Before(b.Booking.End())
	v := ui.PassView{
		L: l, Code: b.Code, Payload: b.Code, Active: active, Open: b.Booking.State == booking.Displaced, State: stateTag(l, b.Booking.State, active), Date: l.Date(b.Booking.Date),
		Hours: web.HourRange(b.Booking.Hour), Item: itemName(l, b), Stage: stageName(l, b.Booking.Stage), Hall: hallName(l, b),
		Who: whoName(l, b.Applicant),
	}
	if b.Booking.Date.Year() != calendar.DateOf(now).Year() {
		v.Date = l.LongDate(b.Booking.Date)
	}
	if b.Booking.Units > 1 {
		v.Units = l.N("pass.units", b.Booking.Units)
	}
	if h := b.Hall; h != nil {
		v.Address, v.Phone, v.MapURL = l.Text(h.Address), h.Phone, mapURL(l, h)
	}
	if line := p.queueName(l, b.Queue); line != "" {
		v.Hall += " · " + line
	}
	if active {
		v.Calendar = passPath(b.Code) + "/calendar.ics"
		if b.Item != nil {
			for _, m := range b.Item.Materials {
				v.Bring = append(v.Bring, l.Text(m))
			}
		}
	}
	if b.CanChange && !b.Booking.State.Choosing() {
		v.Cancel = l.CancelUntil(b.CancelUntil, now)
	}
	return v
}

func stateTag(l web.Locale, s booking.State, active bool) ui.Tag {
	t := ui.Tag{Text: l.T("state." + string(s))}
	switch {
	case s == booking.Booked && !active:
		t.Text = l.T("citizen.state.over")
	case s == booking.Booked, s == booking.Arrived, s == booking.Done:
		t.Kind = ui.TagGreen
	case s == booking.NoShow, s == booking.Pending, s.Choosing():
		t.Kind = ui.TagAmber
	}
	return t
}

// passNotice says what has just happened to a booking, or what has become of it.
func (p *Pages) passNotice(l web.Locale, b app.BookingView, event string) *ui.NoticeView {
	now := p.app.Now()
	active := b.Booking.State.Active()
	switch {
	case b.Booking.State.Choosing():
		return nil // the choice says it all
	case b.Booking.State == booking.Pending:
		return &ui.NoticeView{L: l, Title: l.T("citizen.pass.pending"), Text: l.T("citizen.pass.pending_hint"), Live: true}
	case b.Booking.State == booking.Cancelled:
		n := &ui.NoticeView{L: l, Title: l.T("citizen.pass.cancelled"), Text: l.T("citizen.pass.cancelled_hint")}
		switch event {
		case "declined":
			n.Text = l.T("choice.no_mark")
			fallthrough
		case "cancelled":
			n.Kind, n.Live = ui.NoticeSuccess, true
		}
		return n
	case b.Booking.State == booking.NoShow:
		return &ui.NoticeView{L: l, Kind: ui.NoticeWarning, Title: l.T("citizen.pass.missed")}
	case b.Booking.State == booking.Excused:
		return nil // what is below says it
	case b.Booking.State == booking.Arrived || b.Booking.State == booking.Done:
		return &ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("citizen.pass." + string(b.Booking.State))}
	case active && !now.Before(b.Booking.End()):
		return &ui.NoticeView{L: l, Title: l.T("citizen.pass.over"), Text: l.T("citizen.pass.over_hint")}
	case active && event == "booked":
		return &ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("citizen.pass.booked"), Text: l.T("citizen.pass.booked_hint"), Live: true}
	case active && (event == "moved" || event == "kept"):
		return &ui.NoticeView{L: l, Kind: ui.NoticeSuccess, Title: l.T("citizen.pass.moved"), Text: l.T("citizen.pass.moved_hint"), Live: true}
	case active && calendar.DateOf(now) == b.Booking.Date:
		return &ui.NoticeView{L: l, Title: l.T("citizen.pass.today", "time", web.Clock(b.Booking.Start())), Text: l.T("citizen.now.bring")}
	}
	return nil
}

// closedPass is what somebody sees who has only the address of a pass: the same for every code.
func (p *Pages) closedPass(w http.ResponseWriter, r *http.Request) error {
	l := web.LocaleOf(r)
	here := passPath(r.PathValue("code"))
	s := p.shell(w, r, nil, l.T("citizen.pass.closed"), here)
	v := refusalView{L: l, Title: s.Title, Notice: ui.NoticeView{L: l, Title: l.T("citizen.pass.closed_why")},
		Actions: []ui.ButtonView{{Text: l.T("nav.sign_in"), Href: p.signInURL(here)}, {Text: l.T("nav.find"), Href: "/find", Kind: ui.Secondary}}}
	return web.Render(w, r, http.StatusUnauthorized, refusalPage(s, v))
}

// calendar answers with the entry for a calendar.
func (p *Pages) calendar(w http.ResponseWriter, r *http.Request) error {
	b, _, err := p.opened(r, r.PathValue("code"))
	if err != nil {
		return err
	}
	web.WriteICS(w, web.BookingEvent(web.LocaleOf(r), b.Code, b.Booking, b.Item, b.Hall, b.CancelUntil))
	return nil
}

// finding is a booking somebody found by code and fact: sealed in a cookie, for that booking only.
type finding struct {
	Code   string       `json:"code"`
	Booker identity.Key `json:"booker"`
	Until  time.Time    `json:"until"`
}

const (
	findingCookie = "suiyue-found"
	findingLife   = 15 * time.Minute
	findingAbout  = "found booking"
)

func (p *Pages) foundName() string {
	if p.secure {
		return "__Secure-" + findingCookie
	}
	return findingCookie
}

func (p *Pages) rememberFound(w http.ResponseWriter, b app.BookingView) error {
	plain, err := json.Marshal(finding{b.Code, b.Booking.BookerKey, p.app.Now().Add(findingLife)})
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{
		Name: p.foundName(), Value: base64.RawURLEncoding.EncodeToString(p.sealer.Seal(plain, findingAbout)), Path: "/pass",
		MaxAge: int(findingLife.Seconds()), Secure: p.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return nil
}

// foundBefore returns what this browser has found within the last quarter of an hour, nil for nothing.
func (p *Pages) foundBefore(r *http.Request) *finding {
	c, err := r.Cookie(p.foundName())
	if err != nil {
		return nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return nil
	}
	plain, err := p.sealer.Open(sealed, findingAbout)
	if err != nil {
		return nil
	}
	var f finding
	if json.Unmarshal(plain, &f) != nil || !p.app.Now().Before(f.Until) {
		return nil
	}
	return &f
}

// bookingRows repeats what is booked, for pages about to change it.
func (p *Pages) bookingRows(l web.Locale, b app.BookingView) []ui.SummaryRow {
	rows := []ui.SummaryRow{
		{Key: l.T("pass.item"), Value: itemName(l, b), Lines: []string{stageName(l, b.Booking.Stage)}},
		{Key: l.T("pass.where"), Value: hallName(l, b)},
		{Key: l.T("pass.when"), Value: l.Slot(b.Booking.Date, b.Booking.Hour)},
		{Key: l.T("pass.who"), Value: whoName(l, b.Applicant)},
	}
	if b.Booking.Units > 1 {
		rows = append(rows, ui.SummaryRow{Key: l.T("citizen.who.units"), Value: strconv.Itoa(b.Booking.Units)})
	}
	return rows
}

// itemOf is the item of a booking as the catalogue has it now.
func itemOf(b app.BookingView) (*directory.Item, error) {
	if b.Item == nil {
		return nil, fault.New(fault.ItemNotFound)
	}
	return b.Item, nil
}
