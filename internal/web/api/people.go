package api

import (
	"net/http"
	"time"

	"suiyue/internal/app"
	"suiyue/internal/domain/account"
	"suiyue/internal/domain/booking"
	"suiyue/internal/domain/calendar"
	"suiyue/internal/domain/counter"
	"suiyue/internal/domain/fault"
	"suiyue/internal/web"
)

// tagHall is where the document lists what happens at a hall.
const tagHall = "At the hall"

type rebookBody struct {
	Slot string `json:"slot" minLength:"1" maxLength:"96" doc:"Id of a slot whose queue serves the same item." example:"440103000000-social-20261210-15"`
}

type appealBody struct {
	Text string `json:"text" minLength:"1" maxLength:"500" doc:"Why the person could not come." example:"The metro stood still."`
}

type comeBody struct {
	Code     string    `json:"code,omitempty" maxLength:"16" doc:"The code of the day that hangs in the hall." example:"7K3M9Q2X"`
	Position *position `json:"position,omitempty" doc:"Where the phone is; it is compared and kept nowhere."`
}

type position struct {
	Latitude  float64 `json:"latitude" minimum:"-90" maximum:"90" doc:"WGS-84 degrees." example:"23.129"`
	Longitude float64 `json:"longitude" minimum:"-180" maximum:"180" doc:"WGS-84 degrees." example:"113.264"`
}

type evaluateBody struct {
	Grade   int      `json:"grade" minimum:"1" maximum:"5" doc:"5 very satisfied, 4 satisfied, 3 basically satisfied, 2 dissatisfied, 1 very dissatisfied." example:"5"`
	Reasons []string `json:"reasons,omitempty" maxItems:"8" nullable:"false" doc:"Codes that go with the grade."`
	Text    string   `json:"text,omitempty" maxLength:"500" doc:"Anything else."`
	Fact    string   `json:"fact,omitempty" maxLength:"16" doc:"The last four characters of the holder's document number, or the birth date." example:"1234"`
	Token   string   `json:"token,omitempty" maxLength:"32" doc:"Of the link in the message."`
}

type missedHour struct {
	Booking     bookingView   `json:"booking"`
	OnSite      *onSiteOffer  `json:"on_site,omitempty" doc:"Numbers of today for the same, at the same hall; absent where none are given any more."`
	Ticket      string        `json:"ticket,omitempty" doc:"Id of the number taken today instead."`
	CanRebook   bool          `json:"can_rebook" doc:"It can be rebooked now, once (Art. 18)."`
	RebookUntil time.Time     `json:"rebook_until" doc:"Before this instant."`
	Rebooked    string        `json:"rebooked,omitempty" doc:"Code of the booking that made it good."`
	CanAppeal   bool          `json:"can_appeal"`
	Appeal      *missedAppeal `json:"appeal,omitempty"`
}

type onSiteOffer struct {
	Left  int       `json:"left"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

type missedAppeal struct {
	State string    `json:"state" enum:"waiting,upheld,refused"`
	At    time.Time `json:"at"`
	Text  string    `json:"text"`
	Why   string    `json:"why,omitempty" doc:"refused: why."`
}

type ticketShown struct {
	ID      string      `json:"id" doc:"Cannot be guessed: whoever has it follows the number."`
	Number  string      `json:"number" example:"A012"`
	State   string      `json:"state" enum:"waiting,called,held,passed,done,left"`
	Hall    string      `json:"hall" doc:"Id of the hall."`
	Queue   string      `json:"queue"`
	Item    string      `json:"item"`
	Counter string      `json:"counter,omitempty" doc:"Where it was called to."`
	Ahead   *int        `json:"ahead,omitempty" doc:"waiting: how many are called before it."`
	Wait    *ticketWait `json:"wait,omitempty" doc:"waiting: how long it will be, where that can be told."`
	Rate    bool        `json:"can_evaluate" doc:"The service has ended and can be evaluated."`
}

type ticketWait struct {
	Early int `json:"early" doc:"Seconds."`
	Late  int `json:"late" doc:"Seconds."`
}

func (a *API) declarePeople() {
	code := inPath("code", "The booking code.", "7K3M-9Q2X-T", fault.BookingNotFound)
	ticket := inPath("id", "Id of the ticket.", "abcdefghij234567", fault.TicketNotFound)
	replayed := map[string]string{"Idempotency-Replayed": "true when the same request had been made before: nothing new was done."}
	read(a, operation{
		id: "get-missed", method: http.MethodGet, path: "/bookings/{code}/missed", tag: "Bookings", signedIn: true, params: []param{code},
		about: "What can be done about one of your bookings that was missed (Art. 17, 18).", faults: []fault.Code{fault.NotMissed},
	}, a.getMissed)
	write(a, operation{
		id: "rebook", method: http.MethodPost, path: "/bookings/{code}/rebook", tag: "Bookings", signedIn: true, write: true, status: http.StatusCreated, params: []param{code},
		about: "Books another slot in place of a missed booking: the same applicant and item, once, within the days of the rulebook (Art. 18).", headers: replayed,
		faults: append([]fault.Code{fault.NotMissed, fault.RebookUsed, fault.RebookLate, fault.RebookOther, fault.ItemNotFound, fault.NotOffered, fault.StageNotOffered}, slotFaults...),
	}, a.rebook)
	write(a, operation{
		id: "appeal-missed", method: http.MethodPost, path: "/bookings/{code}/appeal", tag: "Bookings", signedIn: true, write: true, params: []param{code},
		about: "Says why you could not come, once a booking. The same again is the same appeal.", headers: replayed, faults: []fault.Code{fault.NotMissed, fault.AppealWaits, fault.AppealDecided},
	}, a.appealMissed)
	write(a, operation{
		id: "check-in", method: http.MethodPost, path: "/bookings/{code}/check-in", tag: tagHall, signedIn: true, write: true, params: []param{code},
		about:   "Checks you in at the hall of a booking of today, by the hall's code of the day or by where the phone is. Again, it is the ticket there is.",
		headers: replayed, faults: []fault.Code{fault.DayCodeWrong, fault.TooFar, fault.TooEarly, fault.TooLate, fault.OtherDay, fault.NotActive, fault.DaySealed},
	}, a.checkIn)
	read(a, operation{
		id: "get-ticket", method: http.MethodGet, path: "/tickets/{id}", tag: tagHall, params: []param{ticket}, cache: "no-store",
		about: "A number held in a hall, as its holder follows it.",
	}, a.getTicket)
	write(a, operation{
		id: "leave-line", method: http.MethodPost, path: "/tickets/{id}/leave", tag: tagHall, params: []param{ticket},
		about: "Gives a number back. It needs no key: a number that was given back is given back.", faults: []fault.Code{fault.TicketNotYours, fault.TicketOver, fault.DaySealed},
	}, a.leaveLine)
	write(a, operation{
		id: "evaluate", method: http.MethodPost, path: "/tickets/{id}/evaluation", tag: tagHall, params: []param{ticket},
		about:  "Says how a service was, once a ticket (國辦發〔2019〕51號). The token of the link, or a fact, shows that it was yours. It needs no key: the very same again changes nothing. Tries are limited.",
		faults: []fault.Code{fault.EvaluationTwice, fault.EvaluationNotYet, fault.EvaluationOver},
	}, a.evaluate)
}

func (a *API) getMissed(c *call) (missedHour, error) {
	m, err := a.app.Missed(c.r.Context(), c.who, c.path("code"))
	if err != nil {
		return missedHour{}, err
	}
	out := missedHour{Booking: a.booking(c.l, m.View), Ticket: m.Taken, CanRebook: m.CanRebook, RebookUntil: m.RebookUntil.In(calendar.Zone), Rebooked: m.Rebooked, CanAppeal: m.CanAppeal}
	if o := m.OnSite; o != nil {
		out.OnSite = &onSiteOffer{o.Left + o.Unsold, o.From.In(calendar.Zone), o.Until.In(calendar.Zone)}
	}
	out.Appeal = appealShown(m.Appeal)
	return out, nil
}

func appealShown(p *app.AppealText) *missedAppeal {
	if p == nil {
		return nil
	}
	return &missedAppeal{string(p.State), p.At.In(calendar.Zone), p.Text, p.Why}
}

func (a *API) rebook(c *call, b *rebookBody) (bookingView, error) {
	v, err := a.app.Booking(c.r.Context(), c.who, c.path("code"))
	if err != nil {
		return bookingView{}, err
	}
	got, err := a.app.Book(c.r.Context(), c.who, app.BookRequest{
		Key: c.key, Item: v.Booking.Item, SlotID: b.Slot, Stage: v.Booking.Stage, Units: v.Booking.Units, Channel: booking.API, Instead: v.Code,
	})
	if err != nil {
		return bookingView{}, err
	}
	return a.receipt(c, got), nil
}

func (a *API) appealMissed(c *call, b *appealBody) (missedAppeal, error) {
	p, err := a.app.AppealMissed(c.r.Context(), c.who, c.path("code"), b.Text)
	if err != nil {
		return missedAppeal{}, err
	}
	return *appealShown(p), nil
}

func (a *API) checkIn(c *call, b *comeBody) (ticketShown, error) {
	v, err := a.app.Booking(c.r.Context(), c.who, c.path("code"))
	if err != nil {
		return ticketShown{}, err
	}
	at := app.AtHall{Code: b.Code}
	if b.Position != nil {
		at = app.AtHall{Position: &app.Place{Latitude: b.Position.Latitude, Longitude: b.Position.Longitude}}
	}
	t, err := a.app.CheckInByPhone(c.r.Context(), c.who, v.Booking.HallID, v.Code, at)
	if err != nil {
		return ticketShown{}, err
	}
	return shownTicket(t, false), nil
}

func shownTicket(t app.TicketView, rate bool) ticketShown {
	out := ticketShown{ID: t.Ticket.ID, Number: t.Ticket.Number, State: string(t.Ticket.State), Hall: t.Ticket.HallID, Queue: t.Ticket.QueueID, Item: t.Ticket.Item, Rate: rate}
	if t.Ticket.State == counter.Called || t.Ticket.State == counter.Held {
		out.Counter = t.CounterLabel
	}
	if t.Ahead >= 0 {
		out.Ahead = &t.Ahead
	}
	if t.Wait.Known {
		out.Wait = &ticketWait{int(t.Wait.Early.Seconds()), int(t.Wait.Late.Seconds())}
	}
	return out
}

func (a *API) getTicket(c *call) (ticketShown, error) {
	t, err := a.app.Ticket(c.r.Context(), c.path("id"))
	if err != nil {
		return ticketShown{}, err
	}
	e, err := a.app.Evaluable(c.r.Context(), t.Ticket.ID)
	return shownTicket(t, e.Open), err
}

func (a *API) leaveLine(c *call, _ *nothing) (none, error) {
	return none{}, a.app.LeaveLine(c.r.Context(), c.path("id"))
}

func (a *API) evaluate(c *call, b *evaluateBody) (none, error) {
	if a.find != nil {
		if wait := max(a.find.Take("address "+web.AddrOf(c.r).String()), a.find.Take("ticket "+c.path("id"))); wait > 0 {
			return none{}, fault.New(fault.TooManyRequests).After(wait)
		}
	}
	e := app.Evaluate{Ticket: c.path("id"), Token: b.Token, Fact: b.Fact, Grade: counter.Grade(b.Grade), Text: b.Text, Channel: counter.EvaluatedByPhone}
	if b.Token != "" {
		e.Channel = counter.EvaluatedBySMS
	}
	for _, r := range b.Reasons {
		e.Reasons = append(e.Reasons, counter.Reason(r))
	}
	return none{}, a.app.Evaluate(c.r.Context(), e)
}

// --- administration

type adminCase struct {
	ID         string   `json:"id"`
	Hall       string   `json:"hall"`
	Queue      string   `json:"queue"`
	Date       string   `json:"date" format:"date" doc:"Of the service."`
	Grade      int      `json:"grade"`
	Reasons    []string `json:"reasons" nullable:"false"`
	State      string   `json:"state" enum:"open,answered,closed"`
	Due        string   `json:"due,omitempty" doc:"The last day to answer on."`
	Overdue    bool     `json:"overdue"`
	Version    int      `json:"version"`
	Item       string   `json:"item,omitempty" doc:"For who may answer."`
	Counter    string   `json:"counter,omitempty" doc:"For who may answer."`
	Text       string   `json:"text,omitempty" doc:"For who may answer."`
	Answer     string   `json:"answer,omitempty" doc:"For who may answer."`
	CalledBack string   `json:"called_back,omitempty" enum:"accepts,disagrees,unreached"`
}

type adminCasePage struct {
	Cases []adminCase `json:"cases" nullable:"false" doc:"Those due first in front."`
	Total int         `json:"total"`
	Next  string      `json:"next,omitempty" doc:"Cursor of the next page; absent on the last."`
}

type adminAnswerBody struct {
	Version int    `json:"version" minimum:"1" doc:"The one that was looked at." example:"1"`
	Answer  string `json:"answer" minLength:"1" maxLength:"500" doc:"What was found and done." example:"A second counter was opened."`
}

type adminCalledBody struct {
	Version    int    `json:"version" minimum:"1" doc:"The one that was looked at." example:"2"`
	CalledBack string `json:"called_back" enum:"accepts,disagrees,unreached" doc:"disagrees opens the case again." example:"accepts"`
}

func (a *API) declareAdminPeople() {
	id := inPath("id", "Id of the case.", "abcdefghij234567", fault.CaseNotFound)
	adminRead(a, operation{
		id: "admin-list-cases", path: "/cases", act: account.Supervise, about: "Bad grades of the halls the account may supervise; neither person nor ticket stands in them.",
		params: pageParams(inQuery("state", "Only those in this state.", nil, choice("open", "answered", "closed"))), faults: []fault.Code{fault.CursorInvalid},
	}, a.adminCases)
	adminRead(a, operation{
		id: "admin-get-case", path: "/cases/{id}", act: account.Supervise, about: "One bad grade.", params: []param{id},
	}, func(c *call) (adminCase, error) { return a.adminCaseOf(c, c.path("id")) })
	adminWrite(a, operation{
		id: "admin-answer-case", path: "/cases/{id}/answer", act: account.CarryOut, about: "Says what was found and done about a bad grade.", params: []param{id},
		faults: []fault.Code{fault.ChangedMeanwhile},
	}, func(c *call, b *adminAnswerBody) (string, error) {
		return c.path("id"), a.app.AnswerCase(c.r.Context(), c.ad, c.path("id"), b.Version, b.Answer)
	}, func(c *call, _ *adminAnswerBody, id string) (adminCase, error) { return a.adminCaseOf(c, id) })
	adminWrite(a, operation{
		id: "admin-call-back-case", path: "/cases/{id}/called", act: account.CarryOut, about: "Records what came of calling back whoever gave a bad grade.", params: []param{id},
		faults: []fault.Code{fault.ChangedMeanwhile},
	}, func(c *call, b *adminCalledBody) (string, error) {
		return c.path("id"), a.app.CallBackCase(c.r.Context(), c.ad, c.path("id"), b.Version, counter.CalledBack(b.CalledBack))
	}, func(c *call, _ *adminCalledBody, id string) (adminCase, error) { return a.adminCaseOf(c, id) })
}

func (a *API) adminCaseOf(c *call, id string) (adminCase, error) {
	e, err := a.app.Case(c.r.Context(), c.ad, id)
	if err != nil {
		return adminCase{}, err
	}
	return caseShown(e), nil
}

func caseShown(e app.CaseView) adminCase {
	out := adminCase{
		ID: e.ID, Hall: e.HallID, Queue: e.QueueID, Date: e.Date.String(), Grade: int(e.Grade), Reasons: []string{}, State: string(e.State), Overdue: e.Overdue, Version: e.Version,
		Item: e.Evaluation.Item, Counter: e.Evaluation.Counter, Text: e.Text, Answer: e.Answer, CalledBack: string(e.CalledBack),
	}
	if e.Due != 0 {
		out.Due = e.Due.String()
	}
	for _, r := range e.Reasons {
		out.Reasons = append(out.Reasons, string(r))
	}
	return out
}

func (a *API) adminCases(c *call) (adminCasePage, error) {
	out := adminCasePage{Cases: []adminCase{}}
	page, size, err := a.page(c, "cases")
	if err != nil {
		return out, err
	}
	list, all, err := a.app.Cases(c.r.Context(), c.ad, app.CaseFilter{State: counter.CaseState(c.query["state"]), Offset: page * size, Limit: size})
	if err != nil {
		return out, err
	}
	for _, e := range list {
		out.Cases = append(out.Cases, caseShown(e))
	}
	out.Total, out.Next = all, a.next(c, "cases", page, size, all)
	return out, nil
}
