package citizen

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/domain/identity"
	"suiyue/internal/web"
	"suiyue/internal/web/ui"
)

func itoa(n int) string { return strconv.Itoa(n) }

// calendarDay is the last day before an instant at midnight.
func calendarDay(t time.Time) calendar.Date { return calendar.DateOf(t.Add(-time.Minute)) }

func ticketPath(id string) string         { return "/ticket/" + id }
func arrivePath(hall, code string) string { return "/arrive/" + hall + "/" + code }

// liveTicket is a number held in a hall, as its holder follows it.
type liveTicket struct {
	L       web.Locale
	Number  string
	State   string // one sentence: waiting, called …
	Counter string // in very large type, "" while not called
	Rows    []ui.SummaryRow
	Advice  string // stay near, go in now
	At      string
	Live    string // address of this part alone
	Called  bool
}

type ticketView struct {
	L       web.Locale
	Title   string
	Token   string
	Ticket  liveTicket
	Refresh ui.Link
	Leave   string // address that gives the number back, "" when it can be no more
	Rate    *ui.ButtonView
	Thanks  string
}

// nearPeople is with how many people ahead somebody is told to stay close.
const nearPeople = 3

func (p *Pages) liveTicket(l web.Locale, t app.TicketView) liveTicket {
	v := liveTicket{L: l, Number: t.Ticket.Number, Live: ticketPath(t.Ticket.ID) + "/live", At: l.T("ticket.as_of", "time", web.Clock(p.app.Now()))}
	v.State = l.T("ticket.state." + string(t.Ticket.State))
	row := func(key, value string, lines ...string) {
		v.Rows = append(v.Rows, ui.SummaryRow{Key: l.T(key), Value: value, Lines: lines})
	}
	switch t.Ticket.State {
	case counter.Called:
		v.Called, v.Counter = true, t.CounterLabel
	case counter.Held:
		v.Counter = t.CounterLabel
	case counter.Waiting:
		if t.Ahead >= 0 {
			row("ticket.ahead", l.N("ticket.people", t.Ahead))
		}
		row("ticket.wait", rangeText(l, t.Wait))
		switch {
		case t.Ahead >= 0 && t.Ahead <= nearPeople:
			v.Advice = l.T("ticket.near")
		case t.Wait.Known:
			v.Advice = l.T("ticket.far")
		}
		if t.Ticket.Kind == counter.Booked && t.Ticket.Hour >= 0 && p.app.Now().Before(t.Ticket.Date.At(t.Ticket.Hour, 0)) {
			v.Advice = l.T("ticket.early", "time", web.Clock(t.Ticket.Date.At(t.Ticket.Hour, 0)))
		}
	case counter.Passed:
		v.Advice = l.T("ticket.passed")
	}
	if t.Hall != nil {
		row("pass.where", l.Text(t.Hall.Name))
	}
	if t.Item != nil {
		row("pass.item", l.Text(t.Item.Name))
	}
	if t.Whom != "" {
		row("pass.who", t.Whom)
	}
	return v
}

func rangeText(l web.Locale, r app.Range) string {
	switch {
	case !r.Known:
		return l.T("waiting.unknown")
	case r.Late < time.Minute:
		return l.T("waiting.at_once")
	}
	return l.T("waiting.range", "early", itoa(int(r.Early.Minutes())), "late", itoa(max(1, int(r.Late.Minutes()))))
}

// ticket follows a number. Its address is only known to its holder and the hall.
func (p *Pages) ticket(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	t, err := p.app.Ticket(r.Context(), id)
	if err != nil {
		return err
	}
	s := p.shell(w, r, p.visitor(r), "", ticketPath(id))
	l := s.L
	s.Title, s.Back = l.T("ticket.title", "number", t.Ticket.Number), back(l, "/")
	v := ticketView{L: l, Title: s.Title, Token: p.cookies.FormToken(w, r), Ticket: p.liveTicket(l, t), Refresh: ui.Link{Text: l.T("ticket.refresh"), Href: ticketPath(id)}}
	if t.Ticket.State == counter.Waiting || t.Ticket.State == counter.Passed {
		v.Leave = ticketPath(id) + "/leave"
	}
	if t.Ticket.State == counter.Done {
		e, err := p.app.Evaluable(r.Context(), id)
		if err != nil {
			return err
		}
		if e.Open {
			href := ticketPath(id) + "/evaluate"
			v.Rate = &ui.ButtonView{Text: l.T("evaluate.go"), Href: href}
		}
		if e.Given {
			v.Thanks = l.T("evaluate.thanks")
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	return web.Render(w, r, http.StatusOK, ticketPage(s, v))
}

// ticketLive is the part of the ticket's page that changes, for the script that asks again and again; 304
// while nothing has.
func (p *Pages) ticketLive(w http.ResponseWriter, r *http.Request) error {
	t, err := p.app.Ticket(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	v := p.liveTicket(web.LocaleOf(r), t)
	at := v.At
	v.At = ""
	var b bytes.Buffer
	if err := ticketState(v).Render(r.Context(), &b); err != nil {
		return err
	}
	sum := sha256.Sum256(b.Bytes())
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Cookie, Accept-Language")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	v.At = at
	return web.Render(w, r, http.StatusOK, ticketState(v))
}

// leave gives a number back.
func (p *Pages) leave(w http.ResponseWriter, r *http.Request) error {
	if err := p.form(r); err != nil {
		return err
	}
	id := r.PathValue("id")
	err := p.app.LeaveLine(r.Context(), id)
	if code := fault.CodeOf(err); code == fault.TicketNotYours || code == fault.TicketOver || code == fault.DaySealed {
		err = nil // the page says where it stands
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, ticketPath(id))
}

// --- arriving

type arriveView struct {
	L       web.Locale
	Title   string
	Lead    string
	Token   string
	Action  string
	Choices []arrival
	Others  []string
	None    *ui.NoticeView
	Notice  *ui.NoticeView
}

// arrival is one booking on the page of who has come.
type arrival struct {
	Code   string
	Title  string
	Lines  []string
	Button ui.ButtonView // says what pressing does
	Key    string        // of a number instead, "" for a check-in
	Link   *ui.Link      // the ticket there is
}

// arrive is where the hall's code of the day leads.
func (p *Pages) arrive(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	return p.showArrive(w, r, who, nil)
}

func (p *Pages) showArrive(w http.ResponseWriter, r *http.Request, who *identity.Session, f *fault.Error) error {
	hall, code := r.PathValue("hall"), r.PathValue("code")
	c, err := p.app.ComingTo(r.Context(), who, hall)
	if err != nil {
		return err
	}
	rules, err := p.app.ArrivalRules(r.Context(), hall)
	if err != nil {
		return err
	}
	here := p.app.City().Hall(hall)
	s := p.shell(w, r, who, "", arrivePath(hall, code))
	l := s.L
	now := p.app.Now()
	s.Title, s.Back = l.T("arrive.title", "hall", l.Text(here.Name)), back(l, "/bookings")
	v := arriveView{L: l, Title: s.Title, Lead: l.T("arrive.lead"), Token: s.Token, Action: arrivePath(hall, code)}
	for _, b := range c.Here {
		a := arrival{Code: b.Code, Title: itemName(l, b) + " · " + web.HourRange(b.Booking.Hour), Lines: []string{whoName(l, b.Applicant)}}
		switch early := rules.Arrival(now, b.Booking.Start(), b.Booking.End()); {
		case b.Booking.State == booking.Arrived:
			a.Lines = append(a.Lines, l.T("citizen.pass.arrived"))
			if t, err := p.app.TicketOfMine(r.Context(), b); err == nil {
				a.Link = &ui.Link{Text: l.T("ticket.show", "number", t.Ticket.Number), Href: ticketPath(t.Ticket.ID)}
			}
		case b.Booking.State == booking.NoShow || early != nil && early.Code == fault.TooLate:
			a.Lines = append(a.Lines, l.T("arrive.late", "time", web.Clock(b.Booking.End())))
			if b.Booking.State == booking.NoShow {
				a.Key, a.Button = rand.Text(), ui.ButtonView{Text: l.T("arrive.number"), Name: "code", Value: b.Code}
			}
		case early != nil:
			a.Lines = append(a.Lines, l.T("arrive.early", "time", web.Clock(b.Booking.Start().Add(-rules.CheckInBefore))))
		default:
			if now.Before(b.Booking.Start()) {
				a.Lines = append(a.Lines, l.T("ticket.early", "time", web.Clock(b.Booking.Start())))
			}
			a.Button = ui.ButtonView{Text: l.T("arrive.check_in"), Name: "code", Value: b.Code}
		}
		v.Choices = append(v.Choices, a)
	}
	for _, b := range c.Others {
		v.Others = append(v.Others, l.Slot(b.Booking.Date, b.Booking.Hour)+" · "+hallName(l, b)+" · "+l.For(itemName(l, b), b.Applicant.Whom()))
	}
	if len(v.Choices) == 0 {
		v.None = &ui.NoticeView{L: l, Title: l.T("arrive.none"), Text: l.T("arrive.none_text"), Links: []ui.Link{{Text: l.T("nav.home"), Href: "/"}}}
	}
	status := http.StatusOK
	if f != nil {
		s.Error, status = true, web.Status(f)
		n := noticeOf(l, f, nil)
		v.Notice = &n
	}
	return web.Render(w, r, status, arrivePage(s, v))
}

// arrived checks somebody in who has scanned the hall's code of the day.
func (p *Pages) arrived(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := p.form(r); err != nil {
		return err
	}
	if err := p.slowDown(who); err != nil {
		return err
	}
	hall, at := r.PathValue("hall"), app.AtHall{Code: r.PathValue("code")}
	var t app.TicketView
	var err error
	if key := r.PostForm.Get("key"); key != "" {
		t, err = p.app.NumberByPhone(r.Context(), who, hall, key, r.PostForm.Get("code"), at)
	} else {
		t, err = p.app.CheckInByPhone(r.Context(), who, hall, r.PostForm.Get("code"), at)
	}
	if err == nil {
		return web.SeeOther(w, r, ticketPath(t.Ticket.ID))
	}
	if f := fault.As(err); f.Kind != fault.Internal && f.Kind != fault.NotFound {
		return p.showArrive(w, r, who, f)
	}
	return err
}

// here checks somebody in by where their phone is. The position is compared and forgotten.
func (p *Pages) here(w http.ResponseWriter, r *http.Request, who *identity.Session) error {
	if err := p.form(r); err != nil {
		return err
	}
	if err := p.slowDown(who); err != nil {
		return err
	}
	b, err := p.app.Booking(r.Context(), who, r.PathValue("code"))
	if err != nil {
		return err
	}
	lat, bad := strconv.ParseFloat(r.PostForm.Get("lat"), 64)
	lng, worse := strconv.ParseFloat(r.PostForm.Get("lng"), 64)
	if bad != nil || worse != nil {
		err = fault.New(fault.TooFar)
	} else {
		var t app.TicketView
		if t, err = p.app.CheckInByPhone(r.Context(), who, b.Booking.HallID, b.Code, app.AtHall{Position: &app.Place{Latitude: lat, Longitude: lng}}); err == nil {
			return web.SeeOther(w, r, ticketPath(t.Ticket.ID))
		}
	}
	if f := fault.As(err); f.Kind != fault.Internal && f.Kind != fault.NotFound {
		return p.refuseChange(w, r, who, b, f, nil)
	}
	return err
}

// comingView is the part of the pass for the day itself.
type comingView struct {
	L      web.Locale
	Lines  []string
	Token  string
	Action string // address that checks in by position, "" where that is not possible now
	Button ui.ButtonView
	Ticket *ui.ButtonView
}

// coming is what the pass shows on the day: how to check in, then the number. nil for nothing.
func (p *Pages) coming(w http.ResponseWriter, r *http.Request, l web.Locale, b app.BookingView, who *identity.Session) (*comingView, error) {
	now := p.app.Now()
	today := calendar.DateOf(now)
	if b.Booking.State == booking.Arrived || b.Booking.State == booking.Done {
		t, err := p.app.TicketOfMine(r.Context(), b)
		if err != nil {
			return nil, nil // who came before there were numbers
		}
		text := l.T("ticket.show", "number", t.Ticket.Number)
		return &comingView{L: l, Ticket: &ui.ButtonView{Text: text, Href: ticketPath(t.Ticket.ID), Block: true}}, nil
	}
	if b.Booking.State != booking.Booked || b.Booking.Date != today || !now.Before(b.Booking.End()) {
		return nil, nil
	}
	rules, err := p.app.ArrivalRules(r.Context(), b.Booking.HallID)
	if err != nil {
		return nil, err
	}
	v := &comingView{L: l, Lines: []string{l.T("arrive.how", "from", web.Clock(b.Booking.Start().Add(-rules.CheckInBefore)), "until", web.Clock(b.Booking.End()))}}
	if who != nil && b.Hall != nil && (b.Hall.Latitude != 0 || b.Hall.Longitude != 0) && rules.Arrival(now, b.Booking.Start(), b.Booking.End()) == nil {
		v.Token, v.Action = p.cookies.FormToken(w, r), passPath(b.Code)+"/arrive"
		v.Button = ui.ButtonView{Text: l.T("arrive.by_phone"), Block: true}
		v.Lines = append(v.Lines, l.T("arrive.position"))
	}
	return v, nil
}

// --- evaluating

type evaluateView struct {
	L       web.Locale
	Title   string
	Lead    string
	Token   string
	Action  string
	Link    string // token of a message, "" for none
	Errors  []ui.ErrorItem
	Refusal *ui.NoticeView
	Grade   ui.ChoiceView
	Good    ui.ChoiceView
	Bad     ui.ChoiceView
	Text    textView
	Fact    *ui.InputView // asked of whoever showed nothing else
	Send    ui.ButtonView
}

const (
	rateCookie = "suiyue-rate"
	rateAbout  = "evaluates ticket"
)

// evaluate asks how the service was.
func (p *Pages) evaluate(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	e, err := p.app.Evaluable(r.Context(), id)
	if err != nil {
		return err
	}
	if !e.Open {
		return web.SeeOther(w, r, ticketPath(id))
	}
	return p.showEvaluate(w, r, app.Evaluate{Ticket: id, Token: r.URL.Query().Get("t")}, nil)
}

// rates reads who somebody is whose page this is: their session, or that they found the ticket just now.
func (p *Pages) rates(r *http.Request, e *app.Evaluate) {
	e.Who = p.visitor(r)
	if c, err := r.Cookie(rateCookie); err == nil && e.Token == "" {
		if sealed, err := base64.RawURLEncoding.DecodeString(c.Value); err == nil {
			if plain, err := p.sealer.Open(sealed, rateAbout); err == nil && string(plain) == e.Ticket {
				e.Token, e.Channel = p.app.EvaluationToken(e.Ticket), counter.EvaluatedAtCounter
			}
		}
	}
}

func (p *Pages) showEvaluate(w http.ResponseWriter, r *http.Request, e app.Evaluate, f *fault.Error) error {
	id, link := e.Ticket, e.Token
	p.rates(r, &e)
	t, err := p.app.Ticket(r.Context(), id)
	if err != nil {
		return err
	}
	s := p.shell(w, r, p.visitor(r), "", ticketPath(id)+"/evaluate")
	l := s.L
	s.Title, s.Back = l.T("evaluate.title"), back(l, ticketPath(id))
	v := evaluateView{L: l, Title: s.Title, Lead: l.T("evaluate.lead", "number", t.Ticket.Number), Token: p.cookies.FormToken(w, r), Action: ticketPath(id) + "/evaluate", Link: link,
		Send: ui.ButtonView{Text: l.T("evaluate.send"), Block: true},
		Text: textView{FieldView: ui.FieldView{ID: "text", Label: l.T("evaluate.text") + l.T("field.optional"), Hint: l.T("evaluate.text_hint")}, Value: e.Text, Max: app.MaxAppeal},
	}
	v.Grade = ui.ChoiceView{FieldView: ui.FieldView{ID: "grade", Label: l.T("evaluate.grade")}}
	for _, g := range counter.Grades {
		v.Grade.Options = append(v.Grade.Options, ui.Option{Value: itoa(int(g)), Text: l.T("grade." + itoa(int(g))), Selected: e.Grade == g})
	}
	reasons := func(id, label string, g counter.Grade) ui.ChoiceView {
		c := ui.ChoiceView{FieldView: ui.FieldView{ID: id, Name: "reason", Label: l.T(label)}}
		for _, reason := range counter.ReasonsFor(g) {
			c.Options = append(c.Options, ui.Option{Value: string(reason), Text: l.T("reason." + string(reason)), Selected: slices.Contains(e.Reasons, reason)})
		}
		return c
	}
	v.Good, v.Bad = reasons("good", "evaluate.good", 5), reasons("bad", "evaluate.bad", 1)
	if p.app.HoldsTicket(r.Context(), e) != nil {
		v.Fact = &ui.InputView{FieldView: ui.FieldView{ID: "fact", Label: l.T("citizen.find.fact"), Hint: l.T("evaluate.fact_hint")}, Width: 10, Attrs: plainText}
	}
	status := http.StatusOK
	if f != nil {
		s.Error, status = true, web.Status(f)
		fields := map[string]*ui.FieldView{"grade": &v.Grade.FieldView, "text": &v.Text.FieldView, "reasons": &v.Bad.FieldView}
		if v.Fact != nil {
			fields["fact"] = &v.Fact.FieldView
		}
		labels, ids := map[string]string{}, map[string]string{}
		for path, field := range fields {
			labels[path], ids[path] = field.Label, field.ID
		}
		ids["grade"] = "grade-1"
		v.Errors = ui.FieldErrors(l, f, labels, ids)
		for _, bad := range f.Fields {
			if field := fields[bad.Path]; field != nil {
				field.Error, field.Code = l.FieldSentence("", bad.Code), string(bad.Code)
			}
		}
		if len(f.Fields) == 0 {
			n := noticeOf(l, f, nil)
			v.Refusal = &n
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	return web.Render(w, r, status, evaluatePage(s, v))
}

func (p *Pages) evaluated(w http.ResponseWriter, r *http.Request) error {
	if err := p.form(r); err != nil {
		return err
	}
	id := r.PathValue("id")
	grade, _ := strconv.Atoi(r.PostForm.Get("grade"))
	e := app.Evaluate{
		Ticket: id, Token: r.PostForm.Get("t"), Fact: strings.TrimSpace(r.PostForm.Get("fact")), Grade: counter.Grade(grade), Text: clip(r.PostForm.Get("text"), 4*app.MaxAppeal),
		Channel: counter.EvaluatedByPhone,
	}
	for _, reason := range r.PostForm["reason"] { // of the list that goes with the grade
		if slices.Contains(counter.ReasonsFor(e.Grade), counter.Reason(reason)) {
			e.Reasons = append(e.Reasons, counter.Reason(reason))
		}
	}
	asked := e
	if e.Token != "" {
		e.Channel = counter.EvaluatedBySMS
	}
	p.rates(r, &e)
	if r.PostForm.Get("grade") == "" {
		return p.showEvaluate(w, r, asked, fault.InvalidFields(fault.Field{Path: "grade", Code: fault.Required}))
	}
	if wait := max(p.finding.Take("address "+web.AddrOf(r).String()), p.finding.Take("ticket "+id)); wait > 0 {
		return p.showEvaluate(w, r, asked, fault.New(fault.TooManyRequests).After(wait))
	}
	err := p.app.Evaluate(r.Context(), e)
	switch f := fault.As(err); {
	case err == nil, f.Code == fault.EvaluationTwice:
		return web.SeeOther(w, r, ticketPath(id))
	case f.Code == fault.TicketNotFound:
		return p.showEvaluate(w, r, asked, fault.InvalidFields(fault.Field{Path: "fact", Code: fault.NotTheSame}))
	case f.Kind == fault.Internal:
		return err
	default:
		return p.showEvaluate(w, r, asked, f)
	}
}

type rateView struct {
	L      web.Locale
	Title  string
	Token  string
	Action string
	Errors []ui.ErrorItem
	Notice *ui.NoticeView
	Number ui.InputView
	Fact   ui.InputView
}

// rate is where the code at a counter leads: it asks for the number and a fact about its holder.
func (p *Pages) rate(w http.ResponseWriter, r *http.Request) error {
	return p.showRate(w, r, "", nil)
}

func (p *Pages) showRate(w http.ResponseWriter, r *http.Request, number string, f *fault.Error) error {
	hall := p.app.City().Hall(r.PathValue("hall"))
	if hall == nil {
		return fault.New(fault.HallNotFound)
	}
	s := p.shell(w, r, p.visitor(r), "", "/evaluate/"+hall.ID)
	l := s.L
	s.Title, s.Back = l.T("evaluate.at", "hall", l.Text(hall.Name)), back(l, "/")
	v := rateView{L: l, Title: s.Title, Token: p.cookies.FormToken(w, r), Action: "/evaluate/" + hall.ID,
		Number: ui.InputView{FieldView: ui.FieldView{ID: "number", Label: l.T("ticket.number"), Hint: l.T("evaluate.number_hint")}, Value: clip(number, 12), Width: 10, Attrs: plainText},
		Fact:   ui.InputView{FieldView: ui.FieldView{ID: "fact", Label: l.T("citizen.find.fact"), Hint: l.T("evaluate.fact_hint")}, Width: 10, Attrs: plainText},
	}
	status := http.StatusOK
	if f != nil {
		s.Error, status = true, web.Status(f)
		fields := map[string]*ui.FieldView{"number": &v.Number.FieldView, "fact": &v.Fact.FieldView}
		for _, bad := range f.Fields {
			if field := fields[bad.Path]; field != nil {
				field.Error, field.Code = l.FieldSentence("", bad.Code), string(bad.Code)
				v.Errors = append(v.Errors, ui.ErrorItem{Text: l.FieldSentence(field.Label, bad.Code), Href: "#" + field.ID})
			}
		}
		if len(f.Fields) == 0 {
			n := noticeOf(l, f, nil)
			v.Notice = &n
		}
	}
	return web.Render(w, r, status, ratePage(s, v))
}

func (p *Pages) rateNow(w http.ResponseWriter, r *http.Request) error {
	if err := p.form(r); err != nil {
		return err
	}
	hall, number := r.PathValue("hall"), r.PostForm.Get("number")
	if wait := max(p.finding.Take("address "+web.AddrOf(r).String()), p.finding.Take("number "+hall+" "+strings.ToUpper(number))); wait > 0 {
		return p.showRate(w, r, number, fault.New(fault.TooManyRequests).After(wait))
	}
	id, err := p.app.FindTicket(r.Context(), hall, number, r.PostForm.Get("fact"))
	if err != nil {
		if f := fault.As(err); f.Kind != fault.Internal && f.Code != fault.HallNotFound {
			return p.showRate(w, r, number, f)
		}
		return err
	}
	http.SetCookie(w, &http.Cookie{
		Name: rateCookie, Value: base64.RawURLEncoding.EncodeToString(p.sealer.Seal([]byte(id), rateAbout)), Path: "/ticket",
		MaxAge: int(findingLife.Seconds()), Secure: p.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return web.SeeOther(w, r, ticketPath(id)+"/evaluate")
}
